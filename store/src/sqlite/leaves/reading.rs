//! Reading leaves: opened, decoded, and those that were read last kept for the next page.

use std::collections::{HashMap, VecDeque};
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use model::{Metric, PersonId, UtcMillis};
use rusqlite::params;

use super::super::database::Snapshot;
use super::super::fault::Doing as _;
use super::super::seal::SealKey;
use super::super::writer::Writing;
use super::hand::{LEAF, PARKED};
use super::{Row, Series};
use crate::leaf::codec;
use crate::{Result, StoreError};

/// The rows of one leaf, shared by all who read it.
pub(crate) type Rows = Arc<Decoded>;

/// The rows of one leaf, and what is known of all of them.
pub(crate) struct Decoded {
    rows: Vec<Row>,
    /// The longest, in ms.
    longest: i64,
    /// The lowest and the highest offset of those that live, in minutes.
    offsets: Option<(i16, i16)>,
}

impl Decoded {
    fn of(rows: Vec<Row>) -> Self {
        let mut offsets = None;
        for row in rows.iter().filter(|row| !row.dead) {
            let offset = row.sample.offset.minutes;
            offsets = with_offsets(offsets, Some((offset, offset)));
        }
        Self {
            longest: rows.iter().map(|row| row.sample.duration_ms()).max().unwrap_or(0),
            offsets,
            rows,
        }
    }
}

impl Deref for Decoded {
    type Target = [Row];
    fn deref(&self) -> &[Row] {
        &self.rows
    }
}

/// The lowest and the highest of both.
fn with_offsets(one: Option<(i16, i16)>, other: Option<(i16, i16)>) -> Option<(i16, i16)> {
    match (one, other) {
        (Some(one), Some(other)) => Some((one.0.min(other.0), one.1.max(other.1))),
        (one, other) => one.or(other),
    }
}

pub(super) fn open(
    key: &SealKey,
    table: &str,
    number: i64,
    body: &[u8],
    series: Series,
    asserted_floor: i64,
) -> Result<Vec<Row>> {
    let plain = key.open(table, &[number], body)?;
    codec::decode(&plain, series.metric(), series.source, asserted_floor)
        .map_err(|_| StoreError::damaged(format!("{table} {number}")))
}

/// Decoded leaves that were read last; a page of a thousand is a part of a leaf, so the next page needs it again.
pub(crate) struct LeafCache {
    /// Rows held at most.
    most: usize,
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

/// The writer's own, for the people who push at the moment.
const WRITERS_ROWS: usize = 64 * 1_024;
/// Rows held at most, some 180 bytes each.
const HELD_ROWS: usize = 160 * 1_024;

impl LeafCache {
    /// What readers share.
    pub(crate) fn of_readers() -> Self {
        Self::holding(HELD_ROWS)
    }

    /// What the writer computes days from.
    pub(crate) fn of_the_writer() -> Self {
        Self::holding(WRITERS_ROWS)
    }

    fn holding(most: usize) -> Self {
        Self {
            most,
            held: Mutex::default(),
            decoded: AtomicU64::new(0),
        }
    }

    fn get(&self, key: &CacheKey) -> Option<Rows> {
        self.held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .leaves
            .get(key)
            .cloned()
    }

    /// A leaf's rows, kept from now on where they are not yet.
    fn get_or(&self, key: CacheKey, read: impl FnOnce() -> Result<Vec<Row>>) -> Result<Rows> {
        if let Some(rows) = self.get(&key) {
            return Ok(rows);
        }
        let rows = Arc::new(Decoded::of(read()?));
        self.keep(key, &rows);
        Ok(rows)
    }

    fn keep(&self, key: CacheKey, rows: &Rows) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.leaves.insert(key, Arc::clone(rows)).is_none() {
            held.rows += rows.len();
            held.order.push_back(key);
        }
        while held.rows > self.most {
            let Some(oldest) = held.order.pop_front() else { break };
            if let Some(gone) = held.leaves.remove(&oldest) {
                held.rows -= gone.len();
            }
        }
    }

    /// The writer's own decoded rows of a leaf.
    pub(super) fn of_leaf(&self, person: PersonId, leaf: i64) -> Option<Rows> {
        self.get(&(person.0, leaf, 0, 0))
    }

    /// Keeps rows that the writer wrote.
    pub(super) fn hold(&self, person: PersonId, leaf: i64, rows: Vec<Row>) {
        self.keep((person.0, leaf, 0, 0), &Arc::new(Decoded::of(rows)));
    }

    /// Leaves that were decoded for reads since opening.
    pub(crate) fn decoded(&self) -> u64 {
        self.decoded.load(Ordering::Relaxed)
    }

    /// Forgets a leaf that the writer wrote anew.
    pub(crate) fn forget_leaf(&self, person: PersonId, leaf: i64) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(gone) = held.leaves.remove(&(person.0, leaf, 0, 0)) {
            held.rows -= gone.len();
            held.order.retain(|key| *key != (person.0, leaf, 0, 0));
        }
    }

    /// Forgets everything: what was read within a transaction that was rolled back never was, and its commits' numbers come again.
    pub(crate) fn clear(&self) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Held::default();
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
    snapshot.shared().leaves.get_or(place, || read(snapshot, key, leaf))
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

/// The rows of a leaf of parked numbers.
pub(crate) fn parked_rows(key: &SealKey, number: i64, body: &[u8], series: Series, floor: i64) -> Result<Vec<Row>> {
    open(key, PARKED.name, number, body, series, floor)
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
    let mut found = Vec::new();
    for leaf in meeting(snapshot, person, series, from, until)? {
        let rows = read(snapshot, key, leaf)?;
        found.reserve(rows.len());
        found.extend(rows.into_iter().filter(|row| touches(row, from, until)));
    }
    Ok(found)
}

/// Shows the live rows of one series that touch a short range of time, to the writer. Its leaves stay decoded: whoever asks for some
/// days, as each push does, asks for the same again. They are the writer's own, since rows change in ways that no reader sees (when
/// they were said last), and days depend on that too.
pub(crate) fn each_of_some_days(
    writing: &Writing<'_>,
    key: &SealKey,
    person: PersonId,
    series: Series,
    (from, until): (UtcMillis, UtcMillis),
    show: &mut dyn FnMut(&Row),
) -> Result<()> {
    for leaf in meeting(writing, person, series, from, until)? {
        let rows = writers_rows(writing, key, person, leaf)?;
        // By start: what begins later touches nothing, nor does what begins earlier than the longest lasts.
        let begin = rows.partition_point(|row| row.sample.start.plus(rows.longest) < from);
        let end = rows.partition_point(|row| row.sample.start < until);
        rows.get(begin..end)
            .unwrap_or_default()
            .iter()
            .filter(|row| !row.dead && touches(row, from, until))
            .for_each(&mut *show);
    }
    Ok(())
}

/// The lowest and the highest offset, in minutes, of the leaves of a series that meet a short range of time; `None` where nothing in
/// them lives.
pub(crate) fn offsets_of_some_days(
    writing: &Writing<'_>,
    key: &SealKey,
    person: PersonId,
    series: Series,
    (from, until): (UtcMillis, UtcMillis),
) -> Result<Option<(i16, i16)>> {
    let mut offsets = None;
    for leaf in meeting(writing, person, series, from, until)? {
        offsets = with_offsets(offsets, writers_rows(writing, key, person, leaf)?.offsets);
    }
    Ok(offsets)
}

fn writers_rows(writing: &Writing<'_>, key: &SealKey, person: PersonId, leaf: i64) -> Result<Rows> {
    let cache = &writing.shared().writers_leaves;
    cache.get_or((person.0, leaf, 0, 0), || read(writing, key, leaf))
}

fn touches(row: &Row, from: UtcMillis, until: UtcMillis) -> bool {
    row.sample.start < until && row.sample.end >= from
}

/// The leaves of one series that meet a range of time, by start.
pub(crate) fn meeting(
    snapshot: &Snapshot<'_>,
    person: PersonId,
    series: Series,
    from: UtcMillis,
    until: UtcMillis,
) -> Result<Vec<i64>> {
    snapshot
        .prepare_cached(
            "SELECT number FROM leaf WHERE person = ?1 AND metric = ?2 AND source = ?3 AND first_start < ?4 AND max_end >= ?5
             ORDER BY first_start",
        )
        .and_then(|mut statement| {
            statement
                .query_map(params![person.0, series.kind, series.source, until.0, from.0], |row| row.get(0))?
                .collect()
        })
        .doing("finding leaves")
}
