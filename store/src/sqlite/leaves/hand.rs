//! Writing leaves: one series' rows merged with what comes, cut into leaves, sealed, and what they were before kept.

use std::sync::Arc;
use std::vec::Drain;

use model::{Metric, PersonId, Sample};
use rusqlite::{OptionalExtension as _, params};

use super::super::fault::Doing as _;
use super::super::seal::SealKey;
use super::super::totals;
use super::super::writer::Writing;
use super::reading::open;
use super::{Merged, Row, Series};
use crate::Result;
use crate::leaf::codec;
use crate::leaf::merge::{Statement, merge as merge_rows};
use crate::leaf::second;

/// Rows of a leaf at most (but never parting rows of one second).
pub(super) const MOST_ROWS: usize = 4_096;
/// From so many rows on, the newest leaf of a series takes no more small deliveries.
const CLOSED_AT: usize = 512;
/// From so many rows on, a leaf to which others are joined takes no more once it [`fills_its_pages`].
const DONE_AT: usize = 2_048;

pub(super) struct Table {
    pub(super) name: &'static str,
    /// Leaves that a range of starts meets: from the one that holds the range's first, or else the series' first.
    pub(super) meeting: &'static str,
    pub(super) newest: &'static str,
    pub(super) body: &'static str,
    pub(super) next_number: &'static str,
    pub(super) insert: &'static str,
    pub(super) update: &'static str,
    pub(super) raise: &'static str,
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

pub(super) const LEAF: Table = table!("leaf", "metric");
pub(super) const PARKED: Table = table!("parked", "type");

pub(super) struct Stored {
    pub(super) number: i64,
    pub(super) first_start: i64,
    pub(super) samples: usize,
    pub(super) asserted_floor: i64,
}

impl Stored {
    /// Of number, first start, samples and floor.
    pub(super) fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            number: row.get(0)?,
            first_start: row.get(1)?,
            samples: row.get::<_, i64>(2)? as usize,
            asserted_floor: row.get(3)?,
        })
    }
}

/// What merging one hand-over needs to know.
pub(super) struct Hand<'a> {
    pub(super) writing: &'a Writing<'a>,
    pub(super) key: Arc<SealKey>,
    pub(super) person: PersonId,
    pub(super) series: Series,
    pub(super) statement: Statement,
}

impl Hand<'_> {
    /// Merges samples into one leaf, or into new ones.
    pub(super) fn fill(
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
        merged.refined += outcome.refined;
        merged.gone += outcome.gone;
        merged.superseded += outcome.superseded;
        merged.refused += outcome.refused;
        if !outcome.changed && !outcome.raised {
            return Ok(());
        }
        let floor = outcome.rows.iter().map(|row| row.asserted).min().unwrap_or(i64::MIN);
        if let (false, Some(number)) = (outcome.changed, number)
            && floor == self.statement.asserted
        {
            self.forget(number);
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

    pub(super) fn rows(&self, leaf: &Stored) -> Result<Vec<Row>> {
        let held = &self.writing.shared().writers_leaves;
        if let Some(rows) = held.of_leaf(self.person, leaf.number).filter(|_| !self.series.parked) {
            return Ok(rows.to_vec());
        }
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

    /// Writes a leaf; its number, where there are rows.
    pub(super) fn write(&self, number: Option<i64>, rows: &[Row]) -> Result<Option<i64>> {
        let table = self.series.table();
        let Some(first) = rows.first() else { return Ok(None) };
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
        self.forget(number);
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
        .map(|_| Some(number))
    }

    /// Keeps the rows of a leaf that was just written: the next push of its series goes on with them, and days are made of them.
    pub(super) fn hold(&self, number: i64, rows: Vec<Row>) {
        self.writing.shared().writers_leaves.hold(self.person, number, rows);
    }

    /// The leaf before this first start and its rows, when it has no more than so many. One that is under change itself is written
    /// by itself: joined later, when another is full.
    pub(super) fn before(
        &self,
        first_start: i64,
        most: usize,
        under_change: &[i64],
    ) -> Result<Option<(i64, Vec<Row>)>> {
        let series = self.series;
        let found = self
            .writing
            .prepare_cached(
                "SELECT number, first_start, samples, asserted_floor, length(body) FROM leaf
                 WHERE person = ?1 AND metric = ?2 AND source = ?3 AND first_start < ?4 ORDER BY first_start DESC LIMIT 1",
            )
            .and_then(|mut statement| {
                let here = params![self.person.0, series.kind(), series.source(), first_start];
                let with_length = |row: &rusqlite::Row<'_>| Ok((Stored::read(row)?, row.get::<_, i64>(4)?));
                statement.query_row(here, with_length).optional()
            })
            .doing("finding a leaf")?;
        let fits = |(leaf, length): &(Stored, i64)| {
            let is_done = leaf.samples >= DONE_AT && fills_its_pages(*length);
            leaf.samples <= most && !is_done && !under_change.contains(&leaf.number)
        };
        let Some((leaf, _)) = found.filter(fits) else {
            return Ok(None);
        };
        let rows = self.rows(&leaf)?;
        Ok((rows.len() <= most).then_some((leaf.number, rows)))
    }

    /// The writer's own decoded rows of a leaf are not its rows any more.
    fn forget(&self, number: i64) {
        self.writing.shared().writers_leaves.forget_leaf(self.person, number);
    }

    /// Deletes a leaf that holds nothing any more.
    pub(super) fn delete(&self, number: i64) -> Result<()> {
        self.forget(number);
        self.writing
            .prepare_cached("DELETE FROM leaf WHERE number = ?1")
            .and_then(|mut statement| statement.execute([number]))
            .doing("deleting a leaf")
            .map(|_| ())
    }

    /// Keeps superseded versions, as one leaf of their own.
    pub(super) fn keep_history(&self, rows: &[Row]) -> Result<()> {
        let mut rows = rows.to_vec();
        rows.sort_by_key(|row| (row.sample.start, row.first_start, row.tie_break));
        let begins = |row: &Row| row.second().min(second(row.first_start));
        let first = rows.iter().map(begins).min().unwrap_or(0);
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

/// True for a body that fills the page of its row and pages of its own nearly whole, so that none stays half empty
/// (sqlite.org/fileformat2.html, "Cell Payload Overflow Pages": of a long row 489 to 4,061 bytes lie in the page of rows, and what is left
/// fills pages of 4,092).
fn fills_its_pages(body: i64) -> bool {
    /// Of the row beside its body.
    const OTHER_COLUMNS: i64 = 45;
    /// More than what is joined at once takes.
    const CLOSE: i64 = 512;
    let beyond_whole_pages = (body + OTHER_COLUMNS - 489).rem_euclid(4_092);
    (4_061 - 489 - CLOSE..=4_061 - 489).contains(&beyond_whole_pages)
}

/// Cuts rows into leaves, never within a second: full ones in a row where they were appended, else even ones.
pub(super) fn parts(rows: &[Row], appended: bool) -> Vec<&[Row]> {
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
