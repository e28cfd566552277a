//! SQL of leaves: finding those that a delivery meets, merging it into them one at a time, and reading them.
//!
//! Samples and parked numbers lie in two tables of one shape. A leaf is sealed under its own number; its rows are opened,
//! merged and written again only where something changed.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::vec::Drain;

use model::{Metric, PersonId, Sample, UtcMillis};
use rusqlite::params;

use super::database::Snapshot;
use super::fault::Doing as _;
use super::people::Commit;
use super::seal::SealKey;
use super::totals;
use super::writer::Writing;
pub(crate) use crate::leaf::Row;
use crate::leaf::merge::{Statement, merge as merge_rows};
use crate::leaf::{codec, second};
use crate::{Result, StoreError};

/// Rows of a leaf at most (but never parting rows of one second).
const MOST_ROWS: usize = 4_096;
/// From so many rows on, the newest leaf of a series takes no more small deliveries.
const CLOSED_AT: usize = 512;

/// The rows of one leaf, shared by all who read it.
pub(crate) type Rows = Arc<Vec<Row>>;

/// What lies together: one metric, or one parked type, of one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Series {
    parked: bool,
    kind: u16,
    source: u16,
}

impl Series {
    /// Samples of a metric.
    pub(crate) fn sample(metric: Metric, source: u16) -> Self {
        Self {
            parked: false,
            kind: metric.number(),
            source,
        }
    }

    /// Numbers of an unmapped type.
    pub(crate) fn parked(kind: u16, source: u16) -> Self {
        Self {
            parked: true,
            kind,
            source,
        }
    }

    /// True for numbers of an unmapped type.
    pub(crate) fn is_parked(self) -> bool {
        self.parked
    }

    /// The metric; [`Metric::NONE`] for numbers of an unmapped type.
    pub(crate) fn metric(self) -> Metric {
        if self.parked {
            Metric::NONE
        } else {
            Metric::from_number(self.kind).unwrap_or(Metric::NONE)
        }
    }

    fn table(self) -> &'static Table {
        if self.parked { &PARKED } else { &LEAF }
    }
}

/// How the samples of one hand-over ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Merged {
    /// Not there before.
    pub(crate) new: u64,
    /// There with another value.
    pub(crate) versions: u64,
    /// There already.
    pub(crate) known: u64,
    /// A later statement is there.
    pub(crate) superseded: u64,
    /// More than one second can have.
    pub(crate) refused: u64,
    /// Months whose totals are older than their samples now.
    pub(crate) months: Vec<i32>,
}

impl Merged {
    /// Adds another hand-over's counts.
    pub(crate) fn add(&mut self, other: &Self) {
        self.new += other.new;
        self.versions += other.versions;
        self.known += other.known;
        self.superseded += other.superseded;
        self.refused += other.refused;
    }
}

struct Table {
    name: &'static str,
    /// Leaves that a range of starts meets: from the one that holds the range's first, or else the series' first.
    meeting: &'static str,
    newest: &'static str,
    body: &'static str,
    next_number: &'static str,
    insert: &'static str,
    update: &'static str,
    raise: &'static str,
}

macro_rules! table {
    ($name:literal, $kind:literal) => {
        Table {
            name: $name,
            meeting: concat!(
                "SELECT number, first_start, samples, asserted_floor FROM ",
                $name,
                " WHERE person = ?1 AND ",
                $kind,
                " = ?2 AND source = ?3 AND first_start >= coalesce((SELECT max(first_start) FROM ",
                $name,
                " WHERE person = ?1 AND ",
                $kind,
                " = ?2 AND source = ?3 AND first_start <= ?4), ?4)",
                " AND first_start <= ?5 ORDER BY first_start"
            ),
            newest: concat!(
                "SELECT coalesce(max(first_start), ?4) FROM ",
                $name,
                " WHERE person = ?1 AND ",
                $kind,
                " = ?2 AND source = ?3"
            ),
            body: concat!("SELECT body FROM ", $name, " WHERE number = ?1"),
            next_number: concat!("SELECT coalesce(max(number), 0) + 1 FROM ", $name),
            insert: concat!(
                "INSERT INTO ",
                $name,
                " (number, person, ",
                $kind,
                ", source, first_start, max_end, min_seq, max_seq, asserted_floor, samples, format, body)",
                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
            ),
            update: concat!(
                "UPDATE ",
                $name,
                " SET first_start = ?2, max_end = ?3, min_seq = ?4, max_seq = ?5, asserted_floor = ?6,",
                " samples = ?7, format = ?8, body = ?9 WHERE number = ?1"
            ),
            raise: concat!("UPDATE ", $name, " SET asserted_floor = ?2 WHERE number = ?1"),
        }
    };
}

const LEAF: Table = table!("leaf", "metric");
const PARKED: Table = table!("parked", "type");

struct Stored {
    number: i64,
    first_start: i64,
    samples: usize,
    asserted_floor: i64,
}

/// Merges samples of one series, sorted by start, in one commit.
pub(crate) fn merge(
    writing: &Writing<'_>,
    person: PersonId,
    series: Series,
    mut samples: Vec<Sample>,
    commit: Commit,
    asserted: UtcMillis,
) -> Result<Merged> {
    let mut merged = Merged::default();
    let (Some(first), Some(last)) = (samples.first(), samples.last()) else {
        return Ok(merged);
    };
    let (first, last) = (second(first.start), second(last.start));
    let table = series.table();
    let place = params![person.0, series.kind, series.source, first, last];
    let leaves: Vec<Stored> = writing
        .prepare_cached(table.meeting)
        .and_then(|mut statement| {
            statement
                .query_map(place, |row| {
                    Ok(Stored {
                        number: row.get(0)?,
                        first_start: row.get(1)?,
                        samples: row.get::<_, i64>(2)? as usize,
                        asserted_floor: row.get(3)?,
                    })
                })?
                .collect()
        })
        .doing("finding leaves")?;
    let newest: i64 = writing
        .prepare_cached(table.newest)
        .and_then(|mut statement| {
            statement.query_row(params![person.0, series.kind, series.source, i64::MIN], |row| {
                row.get(0)
            })
        })
        .doing("finding leaves")?;
    let hand = Hand {
        writing,
        key: writing.person_key(person)?,
        person,
        series,
        statement: Statement {
            asserted: asserted.0,
            seq: commit.seq,
        },
    };
    let mut months = totals::Months::of(series);
    if leaves.is_empty() {
        hand.fill(None, samples.drain(..), newest <= first, &mut merged, &mut months)?;
    }
    // From the last on, so that what is left need not move. Samples before the first leaf that is met are its neighbours too.
    for (place, leaf) in leaves.into_iter().enumerate().rev() {
        let from = match place {
            0 => 0,
            _ => samples.partition_point(|sample| second(sample.start) < leaf.first_start),
        };
        let part = samples.drain(from..);
        if part.len() > 0 {
            let is_newest = leaf.first_start >= newest;
            hand.fill(Some(leaf), part, is_newest, &mut merged, &mut months)?;
        }
    }
    merged.months = months.into_sorted();
    Ok(merged)
}

/// What merging one hand-over needs to know.
struct Hand<'a> {
    writing: &'a Writing<'a>,
    key: Arc<SealKey>,
    person: PersonId,
    series: Series,
    statement: Statement,
}

impl Hand<'_> {
    /// Merges samples into one leaf, or into new ones.
    fn fill(
        &self,
        leaf: Option<Stored>,
        samples: Drain<'_, Sample>,
        is_newest: bool,
        merged: &mut Merged,
        months: &mut totals::Months,
    ) -> Result<()> {
        let mut rows = match &leaf {
            Some(leaf) => self.rows(leaf)?,
            None => Vec::new(),
        };
        let mut number = leaf.as_ref().map(|leaf| leaf.number);
        let follows = match (rows.last(), samples.as_slice().first()) {
            (Some(row), Some(sample)) => row.second() < second(sample.start),
            _ => true,
        };
        if is_newest
            && follows
            && leaf.as_ref().is_some_and(|leaf| {
                leaf.samples >= MOST_ROWS || (leaf.samples >= CLOSED_AT && samples.len() < CLOSED_AT)
            })
        {
            (rows, number) = (Vec::new(), None);
        }
        let known = rows.len();
        let outcome = merge_rows(rows, samples, self.statement, &mut |sample| months.touch(sample));
        merged.new += outcome.new;
        merged.versions += outcome.versions;
        merged.known += outcome.known;
        merged.superseded += outcome.superseded;
        merged.refused += outcome.refused;
        if !outcome.changed && !outcome.raised {
            return Ok(());
        }
        let floor = outcome.rows.iter().map(|row| row.asserted).min().unwrap_or(i64::MIN);
        if let (false, Some(number)) = (outcome.changed, number)
            && floor == self.statement.asserted
        {
            return self
                .writing
                .prepare_cached(self.series.table().raise)
                .and_then(|mut statement| statement.execute(params![number, floor]))
                .doing("raising a leaf")
                .map(|_| ());
        }
        if !self.series.parked && !outcome.history.is_empty() {
            self.keep_history(&outcome.history)?;
        }
        let appended = is_newest && follows && known > 0 || known == 0;
        for (place, part) in parts(&outcome.rows, appended).into_iter().enumerate() {
            self.write(number.filter(|_| place == 0), part)?;
        }
        Ok(())
    }

    fn rows(&self, leaf: &Stored) -> Result<Vec<Row>> {
        let table = self.series.table();
        let body: Vec<u8> = self
            .writing
            .prepare_cached(table.body)
            .and_then(|mut statement| statement.query_row([leaf.number], |row| row.get(0)))
            .doing("reading a leaf")?;
        open(
            &self.key,
            table.name,
            leaf.number,
            &body,
            self.series,
            leaf.asserted_floor,
        )
    }

    fn write(&self, number: Option<i64>, rows: &[Row]) -> Result<()> {
        let table = self.series.table();
        let Some(first) = rows.first() else { return Ok(()) };
        let metric = self.series.metric();
        let width = if metric == Metric::NONE { 1 } else { metric.width() };
        let body = codec::encode(rows, width);
        let fresh = number.is_none();
        let number = match number {
            Some(number) => number,
            None => self
                .writing
                .prepare_cached(table.next_number)
                .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
                .doing("numbering a leaf")?,
        };
        let body = self.key.seal(self.writing.randomness(), table.name, &[number], &body)?;
        let max_end = rows.iter().map(|row| row.sample.end.0).max().unwrap_or(0);
        let min_seq = rows.iter().map(|row| row.seq).min().unwrap_or(0);
        let max_seq = rows.iter().map(|row| row.seq).max().unwrap_or(0);
        let floor = rows.iter().map(|row| row.asserted).min().unwrap_or(0);
        let live = rows.iter().filter(|row| !row.dead).count() as i64;
        if fresh {
            self.writing
                .prepare_cached(table.insert)
                .and_then(|mut statement| {
                    statement.execute(params![
                        number,
                        self.person.0,
                        self.series.kind,
                        self.series.source,
                        first.second(),
                        max_end,
                        min_seq,
                        max_seq,
                        floor,
                        live,
                        codec::FORMAT,
                        body
                    ])
                })
                .doing("writing a leaf")
        } else {
            self.writing
                .prepare_cached(table.update)
                .and_then(|mut statement| {
                    statement.execute(params![
                        number,
                        first.second(),
                        max_end,
                        min_seq,
                        max_seq,
                        floor,
                        live,
                        codec::FORMAT,
                        body
                    ])
                })
                .doing("writing a leaf")
        }
        .map(|_| ())
    }

    /// Keeps superseded versions, as one leaf of their own.
    fn keep_history(&self, rows: &[Row]) -> Result<()> {
        let mut rows = rows.to_vec();
        rows.sort_by_key(|row| (row.sample.start, row.first_start, row.tie_break));
        let first = rows.first().map_or(0, Row::second);
        let number: i64 = self
            .writing
            .prepare_cached("SELECT coalesce(max(number), 0) + 1 FROM history")
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
            .doing("numbering history")?;
        let body = codec::encode(&rows, self.series.metric().width());
        let body = self.key.seal(self.writing.randomness(), "history", &[number], &body)?;
        self.writing
            .prepare_cached(
                "INSERT INTO history (number, person, metric, source, first_start, max_seq, samples, format, body)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )
            .and_then(|mut statement| {
                statement.execute(params![
                    number,
                    self.person.0,
                    self.series.kind,
                    self.series.source,
                    first,
                    self.statement.seq,
                    rows.len() as i64,
                    codec::FORMAT,
                    body
                ])
            })
            .doing("keeping history")
            .map(|_| ())
    }
}

/// Cuts rows into leaves, never within a second: full ones in a row where they were appended, else even ones.
fn parts(rows: &[Row], appended: bool) -> Vec<&[Row]> {
    let most = if appended {
        MOST_ROWS
    } else {
        rows.len().div_ceil(rows.len().div_ceil(MOST_ROWS).max(1)).max(1)
    };
    let mut parts = Vec::new();
    let mut rest = rows;
    while rest.len() > MOST_ROWS.min(most) {
        let mut cut = most;
        while cut > 0 && rest[cut - 1].second() == rest[cut].second() {
            cut -= 1;
        }
        if cut == 0 {
            let first = rest[0].second();
            cut = rest.partition_point(|row| row.second() == first);
        }
        let (part, after) = rest.split_at(cut);
        parts.push(part);
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(rest);
    }
    parts
}

fn open(key: &SealKey, table: &str, number: i64, body: &[u8], series: Series, asserted_floor: i64) -> Result<Vec<Row>> {
    let plain = key.open(table, &[number], body)?;
    codec::decode(&plain, series.metric(), series.source, asserted_floor)
        .map_err(|_| StoreError::damaged(format!("{table} {number}")))
}

/// Decoded leaves that were read last; a page of a thousand is a part of a leaf, so the next page needs it again.
#[derive(Default)]
pub(crate) struct LeafCache {
    held: Mutex<Held>,
    /// Leaves that were decoded for reads since opening.
    decoded: AtomicU64,
}

#[derive(Default)]
struct Held {
    leaves: HashMap<CacheKey, Rows>,
    order: VecDeque<CacheKey>,
    rows: usize,
}

/// Person, number, last commit and length: whatever shows of a leaf changes one of the last two.
type CacheKey = (u32, i64, i64, i64);

/// Rows held at most, some 110 bytes each.
const HELD_ROWS: usize = 160 * 1_024;

impl LeafCache {
    fn get(&self, key: &CacheKey) -> Option<Rows> {
        self.held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .leaves
            .get(key)
            .cloned()
    }

    fn keep(&self, key: CacheKey, rows: &Rows) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.leaves.insert(key, Arc::clone(rows)).is_none() {
            held.rows += rows.len();
            held.order.push_back(key);
        }
        while held.rows > HELD_ROWS {
            let Some(oldest) = held.order.pop_front() else { break };
            if let Some(gone) = held.leaves.remove(&oldest) {
                held.rows -= gone.len();
            }
        }
    }

    /// Leaves that were decoded for reads since opening.
    pub(crate) fn decoded(&self) -> u64 {
        self.decoded.load(Ordering::Relaxed)
    }

    /// Forgets everything of an erased person.
    pub(crate) fn forget(&self, person: PersonId) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.order.retain(|key| key.0 != person.0);
        held.leaves.retain(|key, _| key.0 != person.0);
        held.rows = held.leaves.values().map(|rows| rows.len()).sum();
    }
}

/// The rows of one leaf of samples.
pub(crate) fn rows(snapshot: &Snapshot<'_>, key: &SealKey, person: PersonId, leaf: i64) -> Result<Rows> {
    let (max_seq, samples): (i64, i64) = snapshot
        .prepare_cached("SELECT max_seq, samples FROM leaf WHERE number = ?1 AND person = ?2")
        .and_then(|mut statement| statement.query_row(params![leaf, person.0], |row| Ok((row.get(0)?, row.get(1)?))))
        .doing("reading a leaf")?;
    let place = (person.0, leaf, max_seq, samples);
    let cache = &snapshot.shared().leaves;
    if let Some(rows) = cache.get(&place) {
        return Ok(rows);
    }
    let rows = Arc::new(read(snapshot, key, leaf)?);
    cache.keep(place, &rows);
    Ok(rows)
}

fn read(snapshot: &Snapshot<'_>, key: &SealKey, leaf: i64) -> Result<Vec<Row>> {
    let (metric, source, floor, body): (u16, u16, i64, Vec<u8>) = snapshot
        .prepare_cached("SELECT metric, source, asserted_floor, body FROM leaf WHERE number = ?1")
        .and_then(|mut statement| {
            statement.query_row([leaf], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        })
        .doing("reading a leaf")?;
    let series = Series {
        parked: false,
        kind: metric,
        source,
    };
    snapshot.shared().leaves.decoded.fetch_add(1, Ordering::Relaxed);
    open(key, LEAF.name, leaf, &body, series, floor)
}

/// The rows of a block of superseded versions.
pub(crate) fn superseded(key: &SealKey, number: i64, body: &[u8], metric: Metric, source: u16) -> Result<Vec<Row>> {
    let series = Series {
        parked: false,
        kind: metric.number(),
        source,
    };
    open(key, "history", number, body, series, i64::MIN)
}

/// The rows of one series that touch a range of time, dead ones among them, by start.
pub(crate) fn touching(
    snapshot: &Snapshot<'_>,
    key: &SealKey,
    person: PersonId,
    series: Series,
    from: UtcMillis,
    until: UtcMillis,
) -> Result<Vec<Row>> {
    let leaves: Vec<i64> = snapshot
        .prepare_cached(
            "SELECT number FROM leaf WHERE person = ?1 AND metric = ?2 AND source = ?3 AND first_start < ?4 AND max_end >= ?5
             ORDER BY first_start",
        )
        .and_then(|mut statement| {
            statement
                .query_map(params![person.0, series.kind, series.source, until.0, from.0], |row| row.get(0))?
                .collect()
        })
        .doing("finding leaves")?;
    let mut found = Vec::new();
    for leaf in leaves {
        let rows = read(snapshot, key, leaf)?;
        found.reserve(rows.len());
        found.extend(
            rows.into_iter()
                .filter(|row| row.sample.start < until && row.sample.end >= from),
        );
    }
    Ok(found)
}

/// Writes rows of a series that the store computed itself (nights): all rows of the series, in one leaf or more.
pub(crate) fn rewrite(
    writing: &Writing<'_>,
    person: PersonId,
    series: Series,
    rows: &[Row],
    history: &[Row],
    seq: i64,
) -> Result<()> {
    writing
        .prepare_cached("DELETE FROM leaf WHERE person = ?1 AND metric = ?2 AND source = ?3")
        .and_then(|mut statement| statement.execute(params![person.0, series.kind, series.source]))
        .doing("writing nights")?;
    let hand = Hand {
        writing,
        key: writing.person_key(person)?,
        person,
        series,
        statement: Statement { asserted: 0, seq },
    };
    if !history.is_empty() {
        hand.keep_history(history)?;
    }
    for part in parts(rows, true) {
        hand.write(None, part)?;
    }
    Ok(())
}
