//! SQL of vendors' calls as they came, and of what they lead to.
//!
//! Calls come in bursts. What came while the writer was at work is one unit, and what one vendor said of it one row: a unit of its own
//! would cost each call a savepoint, with a copy of every page that it changes, and a row of its own a key and a look for its place.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use model::{OrganisationId, UtcMillis};
use rusqlite::{OptionalExtension as _, params};
use tokio::sync::oneshot;

use super::database::Database;
use super::fault::Doing as _;
use super::links::{account_hash, bound_wants, want};
use super::writer::Writing;
use crate::links::{Noted, Told};
use crate::{Result, StoreError, packing};

/// Bytes of calls up to which they are kept plain.
const PLAIN: usize = 1_024;

/// A vendor's call, what it tells of, and how long the links that it tells of wait for more.
pub(crate) struct Call {
    pub(crate) vendor: &'static str,
    pub(crate) body: Vec<u8>,
    pub(crate) told: Vec<Told>,
    pub(crate) delay_ms: i64,
}

/// Whoever waits for a call to be kept.
type Asker = oneshot::Sender<Result<Noted>>;

/// Calls that wait for the writer.
#[derive(Default)]
pub(crate) struct Gathered(Mutex<Vec<(Call, Asker)>>);

impl Gathered {
    /// Keeps a call, with those that wait beside it: all of them are kept or none.
    pub(crate) async fn note(gathered: &Arc<Self>, database: &Database, call: Call) -> Result<Noted> {
        let (asker, answer) = oneshot::channel();
        if gathered.add(call, asker) {
            Self::queue(gathered, database).inspect_err(|_| drop(gathered.take()))?;
        }
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// True for the first: a unit that takes all of them is to be queued.
    fn add(&self, call: Call, asker: Asker) -> bool {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push((call, asker));
        waiting.len() == 1
    }

    fn take(&self) -> (Vec<Call>, Vec<Asker>) {
        let waiting = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        waiting.into_iter().unzip()
    }

    fn queue(gathered: &Arc<Self>, database: &Database) -> Result<()> {
        let gathered = Arc::clone(gathered);
        let asked = Arc::new(Mutex::new(Vec::new()));
        let asking = Arc::clone(&asked);
        let work = move |writing: &Writing<'_>| {
            let (calls, askers) = gathered.take();
            *asking.lock().unwrap_or_else(PoisonError::into_inner) = askers;
            let mut grown = BTreeSet::new();
            let noted = calls
                .iter()
                .map(|call| note(writing, call, &mut grown))
                .collect::<Result<Vec<Noted>>>()?;
            for (link, series) in grown {
                bound_wants(writing, link, series)?;
            }
            let mut rest: Vec<(&Call, &Noted)> = calls.iter().zip(&noted).collect();
            while let Some((first, _)) = rest.first() {
                let vendor = first.vendor;
                let (same, others) = rest.into_iter().partition(|(call, _)| call.vendor == vendor);
                keep(writing, vendor, same)?;
                rest = others;
            }
            Ok(noted)
        };
        database.send("note webhooks", false, work, move |noted| {
            let askers = std::mem::take(&mut *asked.lock().unwrap_or_else(PoisonError::into_inner));
            for (place, asker) in askers.into_iter().enumerate() {
                let one = noted
                    .as_ref()
                    .map(|noted| noted.get(place).copied().unwrap_or_default());
                // Whoever asked may have gone; the call is kept all the same.
                let _ = asker.send(one.map_err(StoreError::clone));
            }
        })
    }
}

/// A link that a call tells of.
struct Found {
    link: i64,
    /// A worker took what it is to ask for, and may drop it once it has asked.
    is_taken: bool,
    /// It is due later than a while from now, and nothing holds it back.
    is_early: bool,
    /// It is to ask for this already.
    is_noted: bool,
}

fn found(writing: &Writing<'_>, call: &Call, one: &Told, due: i64) -> Result<Option<Found>> {
    let hash = account_hash(writing, call.vendor, &one.account);
    let want = one.want.as_ref();
    let (start, end) = want.map_or((0, 0), |want| (want.start.0, want.end.0));
    let series = want.map_or("", |want| &want.series);
    writing
        .prepare_cached(
            // One that failed waits as long as it does; one that is held waits for its person.
            "SELECT id, leased_ms <> 0, state = 1 AND attempts = 0 AND due_ms > ?3, EXISTS (
                 SELECT 1 FROM link_want WHERE link = link.id AND series = ?4 AND start_ms = ?5 AND end_ms = ?6)
             FROM link WHERE vendor = ?1 AND account_hash = ?2 AND state < 4",
        )
        .and_then(|mut statement| {
            statement
                .query_row(params![call.vendor, hash, due, series, start, end], |row| {
                    Ok(Found {
                        link: row.get(0)?,
                        is_taken: row.get(1)?,
                        is_early: row.get::<_, Option<bool>>(2)?.unwrap_or(false),
                        is_noted: row.get(3)?,
                    })
                })
                .optional()
        })
        .doing("finding a link")
}

/// Notes what a call tells of; `grown` gets the links, each with the series, of which there is more to ask for now.
fn note<'a>(writing: &Writing<'_>, call: &'a Call, grown: &mut BTreeSet<(i64, &'a str)>) -> Result<Noted> {
    let now = writing.now();
    let due = now.plus(call.delay_ms).0;
    let mut noted = Noted::default();
    for one in &call.told {
        let found = found(writing, call, one, due)?;
        let (Some(found), Some(asked)) = (found, &one.want) else {
            noted.unknown += 1;
            continue;
        };
        noted.known += 1;
        // Told again before a worker took it, it waits as it did.
        if found.is_taken || !found.is_noted {
            want(writing, found.link, asked)?;
        }
        if !found.is_noted {
            grown.insert((found.link, &asked.series));
        }
        if found.is_early {
            writing
                .prepare_cached("UPDATE link SET due_ms = ?2 WHERE id = ?1")
                .and_then(|mut statement| statement.execute(params![found.link, due]))
                .doing("noting that a link is due")?;
        }
    }
    Ok(noted)
}

/// Keeps what a vendor said as it came.
fn keep(writing: &Writing<'_>, vendor: &str, calls: Vec<(&Call, &Noted)>) -> Result<()> {
    let number: i64 = writing
        .prepare_cached("SELECT coalesce(max(number), 0) + 1 FROM webhook")
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
        .doing("numbering a call")?;
    let packed = packed(calls.iter().map(|(call, _)| call.body.as_slice()))?;
    let sealed =
        writing
            .keys()
            .organisation(OrganisationId(1))?
            .seal(writing.randomness(), "webhook", &[number], &packed)?;
    let count = |of: fn(&Noted) -> u64| calls.iter().map(|(_, noted)| of(noted)).sum::<u64>() as i64;
    writing
        .prepare_cached(
            "INSERT INTO webhook (number, vendor, received_ms, known, unknown, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                number,
                vendor,
                writing.now().0,
                count(|noted| noted.known),
                count(|noted| noted.unknown),
                sealed
            ])
        })
        .doing("keeping calls")?;
    Ok(())
}

/// Calls as they are kept: a byte that says how (2 as they are, 3 compressed; 0 and 1 were of one call, its text alone), then of each
/// four bytes, its length, and its text. Little is saved of short ones.
fn packed<'a>(bodies: impl Iterator<Item = &'a [u8]>) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    for body in bodies {
        all.extend_from_slice(&(body.len() as u32).to_le_bytes());
        all.extend_from_slice(body);
    }
    let (how, rest) = match all.len() <= PLAIN {
        true => (2, Cow::Borrowed(&all)),
        false => (3, Cow::Owned(packing::packed(&all)?)),
    };
    let mut kept = Vec::with_capacity(rest.len() + 1);
    kept.push(how);
    kept.extend_from_slice(&rest);
    Ok(kept)
}

pub(crate) fn delete_webhooks(writing: &Writing<'_>, before: UtcMillis) -> Result<usize> {
    // They came in the order of their numbers: the first one that stays ends the search.
    writing
        .execute(
            "DELETE FROM webhook WHERE number < coalesce(
                 (SELECT number FROM webhook WHERE received_ms >= ?1 ORDER BY number LIMIT 1),
                 (SELECT max(number) + 1 FROM webhook))",
            [before.0],
        )
        .doing("deleting calls")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unpacked(kept: &[u8]) -> Vec<Vec<u8>> {
        let text = match kept.split_first() {
            Some((2, rest)) => rest.to_vec(),
            Some((3, rest)) => packing::unpacked(rest).unwrap(),
            other => panic!("{other:?}"),
        };
        let mut rest = text.as_slice();
        let mut bodies = Vec::new();
        while let Some((length, after)) = rest.split_first_chunk() {
            let (body, after) = after.split_at(u32::from_le_bytes(*length) as usize);
            bodies.push(body.to_vec());
            rest = after;
        }
        bodies
    }

    proptest! {
        #[test]
        fn calls_that_are_kept_together_read_back_each_by_itself(
            bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..600), 0..20),
        ) {
            let kept = packed(bodies.iter().map(Vec::as_slice)).unwrap();
            prop_assert_eq!(unpacked(&kept), bodies);
        }
    }
}
