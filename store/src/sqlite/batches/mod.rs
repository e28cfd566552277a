//! SQL of deliveries: when each came, which adapter read it, and how its records ended.

mod body;
mod fold;
mod turns;

use model::{Accounting, BatchId, PersonId, UtcMillis};
use rusqlite::params;

use super::database::Snapshot;
use super::fault::Doing as _;
use super::people::{Commit, Living};
use super::seal::SealKey;
use super::writer::Writing;
use crate::reads::{BatchInfo, Delivery, DeliveryCounts};
use crate::{BatchStart, Result, StoreError};
pub(super) use body::Body;
pub(crate) use body::{Kept, MOST_PLACES, Places};
pub(crate) use fold::fold;

/// When the last delivery of the person `?1` came. Of a row that stands for several only when the first came and the last ended is known.
macro_rules! last_came {
    () => {
        "(SELECT CASE WHEN until_batch IS NULL THEN obtained_ms ELSE max(obtained_ms, finished_ms) END
          FROM batch WHERE person = ?1 ORDER BY batch DESC LIMIT 1)"
    };
}

/// Begins a delivery and numbers it; also when it came. Of one person no two come at the same instant: the one that comes
/// later is the later statement, however fast they follow each other and whatever the clock says.
pub(crate) fn begin(
    writing: &Writing<'_>,
    person: PersonId,
    start: &BatchStart,
    came: UtcMillis,
) -> Result<(BatchId, UtcMillis)> {
    writing.person_key(person)?;
    let batch: u32 = writing
        .prepare_cached("UPDATE person SET next_batch = next_batch + 1 WHERE id = ?1 RETURNING next_batch - 1")
        .and_then(|mut statement| statement.query_row([person.0], |row| row.get(0)))
        .doing("numbering a delivery")?;
    let before: Option<i64> = writing
        .prepare_cached(concat!("SELECT ", last_came!()))
        .and_then(|mut statement| statement.query_row([person.0], |row| row.get(0)))
        .doing("dating a delivery")?;
    let obtained = came.0.max(before.map_or(i64::MIN, |before| before + 1));
    writing
        .prepare_cached(
            "INSERT INTO batch (person, batch, adapter, mapping_version, obtained_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
        )
        .and_then(|mut statement| {
            statement.execute(params![person.0, batch, start.adapter, start.mapping_version, obtained])
        })
        .doing("beginning a delivery")?;
    Ok((BatchId(batch), UtcMillis(obtained)))
}

/// Notes when the vendor said what the delivery says.
pub(crate) fn assert(writing: &Writing<'_>, person: PersonId, batch: BatchId, asserted: UtcMillis) -> Result<()> {
    writing
        .prepare_cached("UPDATE batch SET asserted_ms = ?3 WHERE person = ?1 AND batch = ?2")
        .and_then(|mut statement| statement.execute(params![person.0, batch.0, asserted.0]))
        .doing("dating a delivery")
        .map(|_| ())
}

/// Ends a delivery with its accounting.
pub(crate) fn finish(
    writing: &Writing<'_>,
    person: PersonId,
    batch: BatchId,
    (accounting, places): (&Accounting, &Places),
    kept: Kept,
    commit: Commit,
) -> Result<()> {
    let plain = Body::of(accounting, places, kept).encode()?;
    let body = sealed(writing, &*writing.person_key(person)?, (person, batch), &plain)?;
    writing
        .prepare_cached("UPDATE batch SET finished_ms = ?3, body = ?4 WHERE person = ?1 AND batch = ?2")
        .and_then(|mut statement| statement.execute(params![person.0, batch.0, commit.at.0, body]))
        .doing("ending a delivery")
        .map(|_| ())
}

/// Writes a delivery that ends as it begins; else as [`begin`] and [`finish`].
pub(crate) fn whole(
    writing: &Writing<'_>,
    living: &Living,
    batch: BatchId,
    start: &BatchStart,
    (accounting, places, kept): (&Accounting, &Places, Kept),
    commit: Commit,
) -> Result<()> {
    let person = living.person;
    let plain = Body::of(accounting, places, kept).encode()?;
    let body = sealed(writing, &living.key, (person, batch), &plain)?;
    writing
        .prepare_cached(concat!(
            "INSERT INTO batch (person, batch, adapter, mapping_version, obtained_ms, finished_ms, body)
             VALUES (?1, ?2, ?3, ?4, max(?5, coalesce(1 + ",
            last_came!(),
            ", ?5)), ?6, ?7)",
        ))
        .and_then(|mut statement| {
            statement.execute(params![
                person.0,
                batch.0,
                start.adapter,
                start.mapping_version,
                writing.now().0,
                commit.at.0,
                body
            ])
        })
        .doing("keeping a delivery")
        .map(|_| ())
}

/// What a delivery brought is kept under another number from now on.
pub(crate) fn kept_elsewhere(
    writing: &Writing<'_>,
    person: PersonId,
    adapter: &str,
    (before, now): (i64, i64),
) -> Result<()> {
    let key = writing.person_key(person)?;
    let rows: Vec<(u32, Vec<u8>)> = writing
        .prepare_cached(
            "SELECT batch, body FROM batch WHERE person = ?1 AND adapter = ?2 AND body IS NOT NULL ORDER BY batch DESC",
        )
        .and_then(|mut statement| {
            let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
            statement.query_map(params![person.0, adapter], row)?.collect()
        })
        .doing("reading deliveries")?;
    for (batch, body) in rows {
        let mut body = Body::decode(&key.open("batch", &[i64::from(person.0), i64::from(batch)], &body)?)?;
        if body.payload != Some(before) {
            continue;
        }
        body.payload = Some(now);
        let body = sealed(writing, &key, (person, BatchId(batch)), &body.encode()?)?;
        return writing
            .prepare_cached("UPDATE batch SET body = ?3 WHERE person = ?1 AND batch = ?2")
            .and_then(|mut statement| statement.execute(params![person.0, batch, body]))
            .doing("pointing a delivery to what is kept of it")
            .map(|_| ());
    }
    Ok(())
}

fn sealed(writing: &Writing<'_>, key: &SealKey, (person, batch): (PersonId, BatchId), plain: &[u8]) -> Result<Vec<u8>> {
    let row = [i64::from(person.0), i64::from(batch.0)];
    key.seal(writing.randomness(), "batch", &row, plain)
}

/// How many deliveries there are, how many have no end by `now`, and those whose counts do not add up or whose seal does not open.
pub(crate) fn balance(snapshot: &Snapshot<'_>, person: PersonId, now: UtcMillis) -> Result<Balance> {
    /// No delivery takes longer.
    const LONGEST_MS: i64 = model::time::DAY_MS;
    let key = snapshot.person_key(person)?;
    let rows: Vec<(u32, i64, Option<Vec<u8>>)> = snapshot
        .prepare_cached("SELECT batch, obtained_ms, body FROM batch WHERE person = ?1")
        .and_then(|mut statement| {
            statement
                .query_map([person.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
                .collect()
        })
        .doing("reading deliveries")?;
    let mut balance = Balance {
        deliveries: rows.len(),
        ..Balance::default()
    };
    for (batch, obtained, body) in rows {
        let Some(body) = body else {
            match obtained < now.plus(-LONGEST_MS).0 {
                true => balance.cut_off += 1,
                false => balance.under_way += 1,
            }
            continue;
        };
        let plain = key.open("batch", &[i64::from(person.0), i64::from(batch)], &body);
        let body: Option<Body> = plain.ok().and_then(|plain| Body::decode(&plain).ok());
        if !body.is_some_and(|body| body.adds_up()) {
            balance.wrong += 1;
        }
    }
    Ok(balance)
}

/// What became of deliveries, in numbers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Balance {
    pub(crate) deliveries: usize,
    /// Without an end yet.
    pub(crate) under_way: usize,
    /// Without one for so long that there will be none: what was stored of them stays, and whoever brings them again loses nothing.
    pub(crate) cut_off: usize,
    /// Records are missing from their counts, or the row is damaged.
    pub(crate) wrong: usize,
}

/// How a delivery came; `None` when there is none of this number.
pub(crate) fn info(snapshot: &Snapshot<'_>, person: PersonId, batch: BatchId) -> Result<Option<BatchInfo>> {
    let mut statement = snapshot
        .prepare_cached(
            "SELECT batch, until_batch, adapter, mapping_version, obtained_ms, coalesce(asserted_ms, obtained_ms), body
             FROM batch WHERE person = ?1 AND batch <= ?2 AND coalesce(until_batch, batch) >= ?2
             ORDER BY batch DESC",
        )
        .doing("reading a delivery")?;
    let mut rows = statement
        .query(params![person.0, batch.0])
        .doing("reading a delivery")?;
    // Rows of adapters that take turns reach across each other.
    while let Some(row) = rows.next().doing("reading a delivery")? {
        let read = || -> rusqlite::Result<_> {
            let info = BatchInfo {
                batch,
                adapter: row.get(2)?,
                mapping_version: row.get(3)?,
                obtained: UtcMillis(row.get(4)?),
                asserted: UtcMillis(row.get(5)?),
            };
            Ok((row.get::<_, u32>(0)?, row.get::<_, Option<u32>>(1)?, info))
        };
        let (first, until, info) = read().doing("reading a delivery")?;
        let is_it = match until {
            Some(until) if first < batch.0 && batch.0 < until => {
                let body: Vec<u8> = row.get(6).doing("reading a delivery")?;
                let place = [i64::from(person.0), i64::from(first)];
                let plain = snapshot.person_key(person)?.open("batch", &place, &body)?;
                Body::decode(&plain)?.turns.has((first, until), batch.0)
            }
            // Its ends are its own.
            _ => true,
        };
        if is_it {
            return Ok(Some(info));
        }
    }
    Ok(None)
}

/// The last deliveries that these adapters read, newest first.
pub(crate) fn newest(snapshot: &Snapshot<'_>, person: PersonId, by: &[String], limit: usize) -> Result<Vec<Delivery>> {
    let by = serde_json::to_string(by).map_err(|_| StoreError::damaged("names of adapters"))?;
    let key = snapshot.person_key(person)?;
    let rows: Vec<(BatchInfo, Option<Vec<u8>>)> = snapshot
        .prepare_cached(
            "SELECT adapter, mapping_version, obtained_ms, coalesce(asserted_ms, obtained_ms), batch, body
             FROM batch WHERE person = ?1 AND adapter IN (SELECT value FROM json_each(?3)) ORDER BY batch DESC LIMIT ?2",
        )
        .and_then(|mut statement| {
            let rows = statement.query_map(params![person.0, i64::try_from(limit).unwrap_or(i64::MAX), by], |row| {
                let info = BatchInfo {
                    batch: BatchId(row.get(4)?),
                    adapter: row.get(0)?,
                    mapping_version: row.get(1)?,
                    obtained: UtcMillis(row.get(2)?),
                    asserted: UtcMillis(row.get(3)?),
                };
                Ok((info, row.get(5)?))
            })?;
            rows.collect()
        })
        .doing("reading deliveries")?;
    rows.into_iter()
        .map(|(info, body)| {
            let bound = [i64::from(person.0), i64::from(info.batch.0)];
            let counts = body
                .map(|body| counts(&key.open("batch", &bound, &body)?))
                .transpose()?;
            Ok(Delivery { info, counts })
        })
        .collect()
}

fn counts(plain: &[u8]) -> Result<DeliveryCounts> {
    let body = Body::decode(plain)?;
    Ok(DeliveryCounts {
        received: body.received,
        stored: body.stored,
        duplicate: body.duplicate,
        unsupported: body.unsupported,
        rejected: body.rejected,
    })
}
