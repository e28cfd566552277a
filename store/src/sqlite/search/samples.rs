//! The samples of one series in one direction of time, leaf after leaf, with whatever cannot match left out before it is
//! decoded.

use std::collections::VecDeque;

use model::time::{DAY_MS, HOUR_MS};
use model::{Metric, RecordKey, UtcMillis};
use rusqlite::{OptionalExtension as _, params};

use super::super::fault::Doing as _;
use super::super::leaves::{Row, Rows};
use super::context::{Context, detail};
use crate::Result;
use crate::reads::{PageKey, Record, Search, TimeBounds};

/// Leaves looked up at a time.
const AHEAD: i64 = 16;
/// The farthest that clocks stand from UTC, as the model bounds it.
const FARTHEST_OFFSET: i64 = 18 * HOUR_MS;

/// When a sample ends for the purpose of a search: a moment is one millisecond long, so that it lies inside a period that
/// begins with it.
fn end_of(row: &Row) -> i64 {
    row.sample.end.0.max(row.sample.start.0 + 1)
}

/// The numbers of a person's sources that have leaves of a metric.
pub(crate) fn sources_of(context: &Context<'_>, metric: Metric) -> Result<Vec<u16>> {
    let mut found = Vec::new();
    let mut last = -1;
    // One probe of the index a source; a DISTINCT would walk every leaf.
    while let Some(source) = context
        .snapshot
        .prepare_cached("SELECT min(source) FROM leaf WHERE person = ?1 AND metric = ?2 AND source > ?3")
        .and_then(|mut statement| {
            statement.query_row(params![context.person.0, metric.number(), last], |row| {
                row.get::<_, Option<i64>>(0)
            })
        })
        .doing("finding sources")?
    {
        found.push(source as u16);
        last = source;
    }
    Ok(found)
}

/// The samples of one series.
pub(crate) struct Samples {
    metric: Metric,
    source: u16,
    ascending: bool,
    times: TimeBounds,
    seqs: std::ops::Range<i64>,
    with_dead: bool,
    after: Option<PageKey>,
    leaves: VecDeque<i64>,
    /// The last leaf looked up, by first start; the next ones lie beyond it.
    reached: Option<i64>,
    exhausted: bool,
    open: Option<(Rows, usize)>,
    /// Rows of one start that match, in the order of their keys.
    run: VecDeque<usize>,
}

impl Samples {
    /// The series' samples that match the search, from where the page begins.
    pub(crate) fn new(
        context: &Context<'_>,
        search: &Search,
        seqs: std::ops::Range<i64>,
        metric: Metric,
        source: u16,
        ascending: bool,
    ) -> Self {
        let mut times = search.times;
        let (from, until) = context.access.days(metric.category(), detail(metric));
        if let Some(from) = from {
            let bound = UtcMillis(i64::from(from.0) * DAY_MS - FARTHEST_OFFSET - 1);
            times.end_after = Some(times.end_after.map_or(bound, |given| given.max(bound)));
        }
        if let Some(until) = until {
            let bound = UtcMillis((i64::from(until.0) + 1) * DAY_MS + FARTHEST_OFFSET);
            times.start_before = Some(times.start_before.map_or(bound, |given| given.min(bound)));
        }
        Self {
            metric,
            source,
            ascending,
            times,
            seqs,
            with_dead: search.updated != (None, None),
            after: search.after,
            leaves: VecDeque::new(),
            reached: None,
            exhausted: false,
            open: None,
            run: VecDeque::new(),
        }
    }

    /// The place of the next matching sample; `None` at the end.
    pub(crate) fn peek(&mut self, context: &Context<'_>) -> Result<Option<PageKey>> {
        loop {
            if let (Some(next), Some((rows, _))) = (self.run.front(), &self.open) {
                return Ok(Some(place(&rows[*next])));
            }
            if !self.next_run(context) && !self.next_leaf(context)? {
                return Ok(None);
            }
        }
    }

    /// Takes the sample that [`Samples::peek`] saw.
    pub(crate) fn take(&mut self, context: &mut Context<'_>) -> Result<Option<Record>> {
        match (self.run.pop_front(), &self.open) {
            (Some(next), Some((rows, _))) => context.record(&rows[next]).map(Some),
            _ => Ok(None),
        }
    }

    /// Gathers the next start's matching rows; false when the leaf has none left.
    fn next_run(&mut self, context: &Context<'_>) -> bool {
        let Some((rows, at)) = &mut self.open else {
            return false;
        };
        while let Some(row) = rows.get(*at) {
            let start = row.sample.start;
            let from = *at;
            let step = |place: usize| {
                if self.ascending {
                    place + 1
                } else {
                    place.wrapping_sub(1)
                }
            };
            let mut to = from;
            while rows.get(to).is_some_and(|row| row.sample.start == start) {
                to = step(to);
            }
            *at = to;
            let run = if self.ascending {
                from..to
            } else {
                to.wrapping_add(1)..from + 1
            };
            let before_page = match (self.after, self.ascending) {
                (Some(after), true) => start.0 < after.time,
                (Some(after), false) => start.0 > after.time,
                (None, _) => false,
            };
            if before_page {
                continue;
            }
            let bounds = &Bounds {
                times: self.times,
                seqs: &self.seqs,
                with_dead: self.with_dead,
            };
            self.run.extend(run.filter(|place| {
                let row = &rows[*place];
                bounds.hold(row)
                    && self
                        .after
                        .is_none_or(|after| follows(place_of(row), after, self.ascending))
                    && context.shows(&row.sample)
            }));
            if self.run.len() > 1 {
                let ascending = self.ascending;
                let rows = &*rows;
                self.run.make_contiguous().sort_by(|one, other| {
                    let order = place(&rows[*one]).cmp(&place(&rows[*other]));
                    if ascending { order } else { order.reverse() }
                });
            }
            if !self.run.is_empty() {
                return true;
            }
        }
        false
    }

    fn next_leaf(&mut self, context: &Context<'_>) -> Result<bool> {
        self.open = None;
        if self.leaves.is_empty() && !self.exhausted {
            self.look_ahead(context)?;
        }
        let Some(leaf) = self.leaves.pop_front() else {
            return Ok(false);
        };
        let rows = context.rows(leaf)?;
        let at = self.first_row(&rows);
        self.open = Some((rows, at));
        Ok(true)
    }

    /// Where in a leaf the walk begins.
    fn first_row(&self, rows: &Rows) -> usize {
        if self.ascending {
            let from = [
                self.after.map(|after| after.time),
                self.times.start_from.map(|from| from.0),
            ];
            from.into_iter()
                .flatten()
                .max()
                .map_or(0, |from| rows.partition_point(|row| row.sample.start.0 < from))
        } else {
            let until = [
                self.after.map(|after| after.time.saturating_add(1)),
                self.times.start_before.map(|before| before.0),
            ];
            until
                .into_iter()
                .flatten()
                .min()
                .map_or(rows.len(), |until| {
                    rows.partition_point(|row| row.sample.start.0 < until)
                })
                .wrapping_sub(1)
        }
    }

    /// Finds the next leaves that can hold a match.
    fn look_ahead(&mut self, context: &Context<'_>) -> Result<()> {
        let person = context.person.0;
        let (metric, source) = (self.metric.number(), self.source);
        let end_after = self.times.end_after.map_or(i64::MIN, |after| after.0);
        let start_before = self.times.start_before.map_or(i64::MAX, |before| before.0);
        let statement = if self.ascending {
            "SELECT number, first_start FROM leaf
             WHERE person = ?1 AND metric = ?2 AND source = ?3 AND first_start >= ?4 AND first_start < ?5
             AND max_end >= ?6 ORDER BY first_start LIMIT ?7"
        } else {
            "SELECT number, first_start FROM leaf
             WHERE person = ?1 AND metric = ?2 AND source = ?3 AND first_start >= ?4 AND first_start < ?5
             AND max_end >= ?6 ORDER BY first_start DESC LIMIT ?7"
        };
        let start_from = self.times.start_from.map_or(i64::MIN, |from| from.0);
        let (from, before) = match (self.reached, self.ascending) {
            (Some(reached), true) => (reached + 1, start_before),
            (None, true) => {
                let from = self.after.map_or(start_from, |after| after.time.max(start_from));
                (leaf_holding(context, self.metric, self.source, from)?, start_before)
            }
            (Some(reached), false) => (leaf_holding(context, self.metric, self.source, start_from)?, reached),
            (None, false) => {
                let before = self
                    .after
                    .map_or(start_before, |after| after.time.saturating_add(1).min(start_before));
                (leaf_holding(context, self.metric, self.source, start_from)?, before)
            }
        };
        let found: Vec<(i64, i64)> = context
            .snapshot
            .prepare_cached(statement)
            .and_then(|mut statement| {
                statement
                    .query_map(params![person, metric, source, from, before, end_after, AHEAD], |row| {
                        Ok((row.get(0)?, row.get(1)?))
                    })?
                    .collect()
            })
            .doing("finding leaves")?;
        self.exhausted = (found.len() as i64) < AHEAD;
        self.reached = found.last().map(|(_, first_start)| *first_start).or(self.reached);
        self.leaves.extend(found.into_iter().map(|(number, _)| number));
        Ok(())
    }
}

/// What a row must satisfy besides the access key.
struct Bounds<'a> {
    times: TimeBounds,
    seqs: &'a std::ops::Range<i64>,
    with_dead: bool,
}

impl Bounds<'_> {
    fn hold(&self, row: &Row) -> bool {
        let (start, end) = (row.sample.start.0, end_of(row));
        row.moved_to.is_none()
            && (self.with_dead || !row.dead)
            && self.seqs.contains(&row.seq)
            && self.times.start_from.is_none_or(|from| start >= from.0)
            && self.times.start_before.is_none_or(|before| start < before.0)
            && self.times.end_after.is_none_or(|after| end > after.0)
            && self.times.end_until.is_none_or(|until| end <= until.0)
    }
}

/// True when a row of a search by update satisfies the search's bounds on time.
pub(crate) fn in_times(row: &Row, times: TimeBounds) -> bool {
    Bounds {
        times,
        seqs: &(i64::MIN..i64::MAX),
        with_dead: true,
    }
    .hold(row)
}

/// One sample by its key, if the access key shows it.
pub(crate) fn find(context: &mut Context<'_>, key: RecordKey) -> Result<Option<Record>> {
    if key.kind == model::RecordKind::Session {
        return find_session(context, key);
    }
    match current(context, key)? {
        Some(row) if context.shows(&row.sample) => context.record(&row).map(Some),
        _ => Ok(None),
    }
}

/// The row of a key as it is now, wherever it lies.
fn current(context: &Context<'_>, key: RecordKey) -> Result<Option<Row>> {
    let found = row_at(context, key, key.start)?;
    match found.as_ref().and_then(|row| row.moved_to) {
        Some(start) => row_at(context, key, start),
        None => Ok(found),
    }
}

/// The row of a key, or what shows the way to it, that begins in the second of `start`.
fn row_at(context: &Context<'_>, key: RecordKey, start: UtcMillis) -> Result<Option<Row>> {
    let within = start.floor_second();
    let first_start = leaf_holding(context, key.metric, key.source, within.0)?;
    let leaf: Option<i64> = context
        .snapshot
        .prepare_cached(
            "SELECT number FROM leaf WHERE person = ?1 AND metric = ?2 AND source = ?3 AND first_start = ?4",
        )
        .and_then(|mut statement| {
            statement
                .query_row(
                    params![context.person.0, key.metric.number(), key.source, first_start],
                    |row| row.get(0),
                )
                .optional()
        })
        .doing("finding a leaf")?;
    let Some(leaf) = leaf else { return Ok(None) };
    let rows = context.rows(leaf)?;
    let from = rows.partition_point(|row| row.sample.start < within);
    let found = rows[from..]
        .iter()
        .take_while(|row| row.sample.start.floor_second() == within)
        .find(|row| row.first_start == key.start && row.tie_break == key.tie_break);
    Ok(found.cloned())
}

/// The superseded versions of a sample that the access key shows, the newest first.
pub(crate) fn superseded(context: &mut Context<'_>, key: RecordKey) -> Result<Vec<Record>> {
    // A block begins no later than where the ids in it were made; those of nights are made of what is computed anew.
    let until = match key.kind {
        model::RecordKind::Session => i64::MAX,
        _ => key.start.floor_second().0,
    };
    let blocks: Vec<(i64, Vec<u8>)> = context
        .snapshot
        .prepare_cached(
            "SELECT number, body FROM history WHERE person = ?1 AND metric = ?2 AND source = ?3 AND first_start <= ?4
             ORDER BY number DESC",
        )
        .and_then(|mut statement| {
            statement
                .query_map(
                    params![context.person.0, key.metric.number(), key.source, until],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )?
                .collect()
        })
        .doing("reading superseded versions")?;
    let mut rows = Vec::new();
    for (number, body) in blocks {
        let block = super::super::leaves::superseded(&context.key, number, &body, key.metric, key.source)?;
        rows.extend(
            block
                .into_iter()
                .filter(|row| row.first_start == key.start && row.tie_break == key.tie_break),
        );
    }
    rows.retain(|row| context.shows(&row.sample));
    rows.sort_by_key(|row| std::cmp::Reverse(row.version));
    rows.iter().map(|row| context.record(row)).collect()
}

/// Superseded versions of one series that one delivery made so.
pub(crate) struct Block {
    pub(crate) metric: u16,
    number: i64,
    source: u16,
}

/// What was superseded by a commit from this one on.
pub(crate) fn blocks_since(context: &Context<'_>, seq: i64) -> Result<Vec<Block>> {
    context
        .snapshot
        .prepare_cached("SELECT number, metric, source FROM history WHERE person = ?1 AND max_seq >= ?2")
        .and_then(|mut statement| {
            statement
                .query_map(params![context.person.0, seq], |row| {
                    Ok(Block {
                        number: row.get(0)?,
                        metric: row.get(1)?,
                        source: row.get(2)?,
                    })
                })?
                .collect()
        })
        .doing("finding superseded versions")
}

impl Block {
    /// Opens it.
    pub(crate) fn rows(&self, context: &Context<'_>) -> Result<Vec<Row>> {
        let body: Vec<u8> = context
            .snapshot
            .prepare_cached("SELECT body FROM history WHERE number = ?1")
            .and_then(|mut statement| statement.query_row([self.number], |row| row.get(0)))
            .doing("reading superseded versions")?;
        let metric = Metric::from_number(self.metric).ok_or_else(|| {
            crate::StoreError::damaged("superseded versions of a metric that is not known".to_owned())
        })?;
        super::super::leaves::superseded(&context.key, self.number, &body, metric, self.source)
    }
}

/// A night by its key. It keeps its id when its start moves, so it is looked for among all nights of its source: one leaf
/// holds ten years of them.
fn find_session(context: &mut Context<'_>, key: RecordKey) -> Result<Option<Record>> {
    let leaves: Vec<i64> = context
        .snapshot
        .prepare_cached(
            "SELECT number FROM leaf WHERE person = ?1 AND metric = ?2 AND source = ?3 ORDER BY first_start",
        )
        .and_then(|mut statement| {
            statement
                .query_map(params![context.person.0, key.metric.number(), key.source], |row| {
                    row.get(0)
                })?
                .collect()
        })
        .doing("finding nights")?;
    for leaf in leaves {
        let rows = context.rows(leaf)?;
        let found = rows
            .iter()
            .find(|row| row.first_start == key.start && row.tie_break == key.tie_break);
        if let Some(row) = found {
            return if context.shows(&row.sample) {
                context.record(row).map(Some)
            } else {
                Ok(None)
            };
        }
    }
    Ok(None)
}

/// First start of the leaf in which a sample of this start lies or would lie; the start itself before the first leaf.
fn leaf_holding(context: &Context<'_>, metric: Metric, source: u16, start: i64) -> Result<i64> {
    if start == i64::MIN {
        return Ok(start);
    }
    let found: Option<i64> = context
        .snapshot
        .prepare_cached(
            "SELECT max(first_start) FROM leaf WHERE person = ?1 AND metric = ?2 AND source = ?3 AND first_start <= ?4",
        )
        .and_then(|mut statement| {
            statement.query_row(params![context.person.0, metric.number(), source, start], |row| {
                row.get(0)
            })
        })
        .doing("finding a leaf")?;
    Ok(found.unwrap_or(start))
}

/// Where a row stands in a search by date.
pub(crate) fn place(row: &Row) -> PageKey {
    place_of(row)
}

fn place_of(row: &Row) -> PageKey {
    PageKey {
        time: row.sample.start.0,
        metric: row.sample.metric.number(),
        source: row.sample.source,
        first_start: row.first_start.0,
        tie_break: row.tie_break,
    }
}

/// True when a place comes after another in this direction.
pub(crate) fn follows(place: PageKey, after: PageKey, ascending: bool) -> bool {
    if ascending { place > after } else { place < after }
}
