//! SQL of deliveries: when each came, which adapter read it, and how its records ended.

use std::collections::BTreeMap;

use model::{Accounting, BatchId, LocalDay, Offset, Outcome, PersonId, UtcMillis};
use rusqlite::{OptionalExtension as _, params};
use serde::{Deserialize, Serialize};

use super::database::Snapshot;
use super::fault::Doing as _;
use super::people::{Commit, Living};
use super::seal::SealKey;
use super::writer::Writing;
use crate::leaf::columns;
use crate::reads::{BatchInfo, Delivery, DeliveryCounts};
use crate::{BatchStart, FoldBefore, Folded, Result, StoreError};

/// The accounting as it is sealed in a batch's row: reasons can name a vendor's types, and so say something of the person.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Body {
    received: u64,
    stored: u64,
    duplicate: u64,
    unsupported: u64,
    pub(super) rejected: u64,
    pub(super) reasons: Vec<(String, String, u64)>,
    /// Of an outcome and reason the first places in the delivery.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) places: Vec<(String, String, Vec<u64>)>,
    /// The number under which it is kept as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) payload: Option<i64>,
}

/// Where records stand that ended otherwise than as data, by outcome and reason; of each the first [`MOST_PLACES`].
pub(crate) type Places = BTreeMap<(Outcome, String), Vec<u64>>;

/// Places that are kept of one reason.
pub(crate) const MOST_PLACES: usize = 20;

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
    payload: Option<i64>,
    commit: Commit,
) -> Result<()> {
    let plain = Body::of(accounting, places, payload).encode()?;
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
    (accounting, places): (&Accounting, &Places),
    commit: Commit,
) -> Result<()> {
    let person = living.person;
    let plain = Body::of(accounting, places, None).encode()?;
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

fn sealed(writing: &Writing<'_>, key: &SealKey, (person, batch): (PersonId, BatchId), plain: &[u8]) -> Result<Vec<u8>> {
    let row = [i64::from(person.0), i64::from(batch.0)];
    key.seal(writing.randomness(), "batch", &row, plain)
}

/// How many deliveries there are, how many have no end, and those whose counts do not add up or whose seal does not open.
pub(crate) fn balance(snapshot: &Snapshot<'_>, person: PersonId) -> Result<Balance> {
    let key = snapshot.person_key(person)?;
    let rows: Vec<(u32, Option<Vec<u8>>)> = snapshot
        .prepare_cached("SELECT batch, body FROM batch WHERE person = ?1")
        .and_then(|mut statement| {
            statement
                .query_map([person.0], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
        .doing("reading deliveries")?;
    let mut balance = Balance {
        deliveries: rows.len(),
        ..Balance::default()
    };
    for (batch, body) in rows {
        let Some(body) = body else {
            balance.without_end += 1;
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
    /// Under way, or cut off.
    pub(crate) without_end: usize,
    /// Records are missing from their counts, or the row is damaged.
    pub(crate) wrong: usize,
}

/// People whose deliveries are folded in one unit.
const PEOPLE_AT_ONCE: i64 = 200;

/// The first byte of counts alone; JSON begins with another.
const COUNTS: u8 = 1;

impl Body {
    fn of(accounting: &Accounting, places: &Places, payload: Option<i64>) -> Self {
        Self {
            places: places
                .iter()
                .map(|((outcome, reason), places)| (outcome.to_string(), reason.clone(), places.clone()))
                .collect(),
            payload,
            received: accounting.received,
            stored: accounting.stored,
            duplicate: accounting.duplicate,
            unsupported: accounting.unsupported,
            rejected: accounting.rejected,
            reasons: accounting
                .reasons
                .iter()
                .map(|((outcome, reason), count)| (outcome.to_string(), reason.clone(), *count))
                .collect(),
        }
    }

    /// With another's counts. Where its records stood says nothing any more.
    fn add(&mut self, other: Self) {
        (self.places, self.payload) = (Vec::new(), None);
        self.received += other.received;
        self.stored += other.stored;
        self.duplicate += other.duplicate;
        self.unsupported += other.unsupported;
        self.rejected += other.rejected;
        for (outcome, reason, count) in other.reasons {
            let known = self
                .reasons
                .iter_mut()
                .find(|known| (&known.0, &known.1) == (&outcome, &reason));
            match known {
                Some(known) => known.2 += count,
                None => self.reasons.push((outcome, reason, count)),
            }
        }
    }

    /// Counts alone where there is no reason to tell, as of most pushes, of which there are many; else JSON.
    fn encode(&self) -> Result<Vec<u8>> {
        if !self.reasons.is_empty() {
            return serde_json::to_vec(self).map_err(|_| StoreError::damaged("an accounting"));
        }
        let mut plain = vec![COUNTS];
        for count in [
            self.received,
            self.stored,
            self.duplicate,
            self.unsupported,
            self.rejected,
        ] {
            columns::write_unsigned(&mut plain, count);
        }
        Ok(plain)
    }

    pub(super) fn decode(plain: &[u8]) -> Result<Self> {
        let damaged = || StoreError::damaged("an accounting");
        let Some(mut counts) = plain.strip_prefix(&[COUNTS]) else {
            return serde_json::from_slice(plain).map_err(|_| damaged());
        };
        let mut next = || columns::read_unsigned(&mut counts).map_err(|_| damaged());
        Ok(Self {
            received: next()?,
            stored: next()?,
            duplicate: next()?,
            unsupported: next()?,
            rejected: next()?,
            ..Self::default()
        })
    }

    fn adds_up(&self) -> bool {
        let ended = [self.stored, self.duplicate, self.unsupported, self.rejected];
        ended.into_iter().try_fold(0_u64, u64::checked_add) == Some(self.received)
    }
}

/// A delivery as it is folded with its neighbours.
struct Old {
    batch: u32,
    until: u32,
    adapter: String,
    mapping_version: u32,
    came: UtcMillis,
    finished: i64,
    body: Vec<u8>,
}

impl Old {
    fn day(&self) -> LocalDay {
        self.came.local_day(Offset::JAPAN_ASSUMED)
    }

    fn body(&self, key: &SealKey, person: PersonId) -> Result<Body> {
        let place = [i64::from(person.0), i64::from(self.batch)];
        Body::decode(&key.open("batch", &place, &self.body)?)
    }
}

/// Folds old deliveries of the next people after `after` into one a day and adapter: what stands side by side, was dated by nobody
/// but us, and came before. How many rows went, and where to go on.
pub(crate) fn fold(writing: &Writing<'_>, after: Option<PersonId>, before: FoldBefore) -> Result<Folded> {
    let latest = before.any.max(before.counts_alone);
    let people: Vec<u32> = writing
        .prepare_cached(
            "SELECT person FROM batch WHERE person > ?1 AND obtained_ms < ?2 AND finished_ms IS NOT NULL AND asserted_ms IS NULL
             GROUP BY person HAVING count(*) > 1 ORDER BY person LIMIT ?3",
        )
        .and_then(|mut statement| {
            let after = after.map_or(0, |person| person.0);
            statement
                .query_map(params![after, latest.0, PEOPLE_AT_ONCE], |row| row.get(0))?
                .collect()
        })
        .doing("looking for deliveries to fold")?;
    let mut rows = 0;
    for person in people.iter().copied().map(PersonId) {
        let key = writing.person_key(person)?;
        let mut found = Vec::new();
        for old in old(writing, person, latest)? {
            if old.came < before.any || old.body(&key, person)?.reasons.is_empty() {
                found.push(old);
            }
        }
        for run in found.chunk_by(follows) {
            rows += fold_run(writing, person, run)?;
        }
    }
    let is_full = people.len() as i64 == PEOPLE_AT_ONCE;
    Ok(Folded {
        rows,
        next: people.last().filter(|_| is_full).map(|person| PersonId(*person)),
    })
}

fn follows(one: &Old, next: &Old) -> bool {
    one.until + 1 == next.batch
        && (&one.adapter, one.mapping_version, one.day()) == (&next.adapter, next.mapping_version, next.day())
}

fn old(snapshot: &Snapshot<'_>, person: PersonId, before: UtcMillis) -> Result<Vec<Old>> {
    snapshot
        .prepare_cached(
            "SELECT batch, coalesce(until_batch, batch), adapter, mapping_version, obtained_ms, finished_ms, body FROM batch
             WHERE person = ?1 AND obtained_ms < ?2 AND finished_ms IS NOT NULL AND asserted_ms IS NULL ORDER BY batch",
        )
        .and_then(|mut statement| {
            statement
                .query_map(params![person.0, before.0], |row| {
                    Ok(Old {
                        batch: row.get(0)?,
                        until: row.get(1)?,
                        adapter: row.get(2)?,
                        mapping_version: row.get(3)?,
                        came: UtcMillis(row.get(4)?),
                        finished: row.get(5)?,
                        body: row.get(6)?,
                    })
                })?
                .collect()
        })
        .doing("reading deliveries")
}

fn fold_run(writing: &Writing<'_>, person: PersonId, run: &[Old]) -> Result<usize> {
    let [first, .., last] = run else { return Ok(0) };
    let key = writing.person_key(person)?;
    let mut sum = Body::default();
    for old in run {
        sum.add(old.body(&key, person)?);
    }
    let body = sealed(writing, &key, (person, BatchId(first.batch)), &sum.encode()?)?;
    writing
        .prepare_cached(
            "UPDATE batch SET until_batch = ?3, finished_ms = ?4, body = ?5 WHERE person = ?1 AND batch = ?2",
        )
        .and_then(|mut statement| statement.execute(params![person.0, first.batch, last.until, last.finished, body]))
        .doing("folding deliveries")?;
    writing
        .prepare_cached("DELETE FROM batch WHERE person = ?1 AND batch > ?2 AND batch <= ?3")
        .and_then(|mut statement| statement.execute(params![person.0, first.batch, last.until]))
        .doing("folding deliveries")
}

/// How a delivery came; `None` when there is none of this number.
pub(crate) fn info(snapshot: &Snapshot<'_>, person: PersonId, batch: BatchId) -> Result<Option<BatchInfo>> {
    snapshot
        .prepare_cached(
            "SELECT adapter, mapping_version, obtained_ms, coalesce(asserted_ms, obtained_ms)
             FROM batch WHERE person = ?1 AND batch <= ?2 AND coalesce(until_batch, batch) >= ?2
             ORDER BY batch DESC LIMIT 1",
        )
        .and_then(|mut statement| {
            statement
                .query_row(params![person.0, batch.0], |row| {
                    Ok(BatchInfo {
                        batch,
                        adapter: row.get(0)?,
                        mapping_version: row.get(1)?,
                        obtained: UtcMillis(row.get(2)?),
                        asserted: UtcMillis(row.get(3)?),
                    })
                })
                .optional()
        })
        .doing("reading a delivery")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accounting_reads_back_with_and_without_reasons() {
        for reasons in [Vec::new(), vec![("rejected".to_owned(), "implausible".to_owned(), 2)]] {
            let body = Body {
                received: 1_000_011,
                stored: 5,
                duplicate: 1_000_003,
                unsupported: 1,
                rejected: 2,
                reasons,
                ..Body::default()
            };
            assert_eq!(Body::decode(&body.encode().unwrap()).unwrap(), body);
        }
        assert!(Body::decode(b"").is_err() && Body::decode(&[COUNTS, 1]).is_err() && Body::decode(b"{").is_err());
    }

    #[test]
    fn a_record_that_ended_nowhere_is_noticed() {
        let body = |received, rejected| Body {
            received,
            stored: 5,
            duplicate: 3,
            unsupported: 1,
            rejected,
            ..Body::default()
        };
        assert!(body(11, 2).adds_up());
        assert!(!body(12, 2).adds_up() && !body(10, 2).adds_up() && !body(11, u64::MAX).adds_up());
    }
}
