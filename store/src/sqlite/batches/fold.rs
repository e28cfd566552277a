//! Folding old deliveries of a person into one a day and adapter.

use std::collections::{BTreeMap, BTreeSet};

use model::{BatchId, LocalDay, Offset, PersonId, UtcMillis};
use rusqlite::params;

use super::super::database::Snapshot;
use super::super::fault::Doing as _;
use super::super::seal::SealKey;
use super::super::writer::Writing;
use super::body::Body;
use super::sealed;
use super::turns::Turns;
use crate::{FoldBefore, Folded, Result};

/// People whose deliveries are folded in one unit.
const PEOPLE_AT_ONCE: i64 = 200;

/// A day, an adapter and its mapping.
type Day = (LocalDay, String, u32);

/// Deliveries of each, in the order of their numbers.
type Days = BTreeMap<Day, Vec<Old>>;

/// A delivery as it is folded with others of its day.
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
    /// What it is folded with.
    fn day(&self) -> Day {
        let day = self.came.local_day(Offset::JAPAN_ASSUMED);
        (day, self.adapter.clone(), self.mapping_version)
    }

    fn body(&self, key: &SealKey, person: PersonId) -> Result<Body> {
        let place = [i64::from(person.0), i64::from(self.batch)];
        Body::decode(&key.open("batch", &place, &self.body)?)
    }
}

/// Folds old deliveries of the next people after `after` into one a day and adapter: what was dated by nobody but us, and came
/// before. Adapters that take turns keep nobody's from being folded. How many rows went, and where to go on.
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
        let mut days = Days::new();
        for old in old(writing, person, latest)? {
            if old.came < before.any || old.body(&key, person)?.is_all_data() {
                days.entry(old.day()).or_default().push(old);
            }
        }
        leave_the_last(writing, person, &mut days)?;
        for of_day in days.values() {
            rows += fold_day(writing, person, of_day)?;
        }
    }
    let is_full = people.len() as i64 == PEOPLE_AT_ONCE;
    Ok(Folded {
        rows,
        next: people.last().filter(|_| is_full).map(|person| PersonId(*person)),
    })
}

/// Whoever numbers the next delivery looks at the row of the greatest number alone to know when the last one came: of that row the
/// last one stays. Where another row would come after the one that it is folded into, it stays by itself until a later one is there.
fn leave_the_last(snapshot: &Snapshot<'_>, person: PersonId, days: &mut Days) -> Result<()> {
    let last: Option<u32> = snapshot
        .prepare_cached("SELECT max(batch) FROM batch WHERE person = ?1")
        .and_then(|mut statement| statement.query_row([person.0], |row| row.get(0)))
        .doing("looking for the last delivery")?;
    let is_last = |of_day: &&mut Vec<Old>| of_day.len() > 1 && of_day.last().map(|old| old.batch) == last;
    let Some(first) = days.values_mut().find(is_last).map(|of_day| of_day[0].batch) else {
        return Ok(());
    };
    let goes: BTreeSet<u32> = days
        .values()
        .flat_map(|of_day| of_day[1..].iter().map(|old| old.batch))
        .collect();
    let after: Vec<u32> = snapshot
        .prepare_cached("SELECT batch FROM batch WHERE person = ?1 AND batch > ?2")
        .and_then(|mut statement| statement.query_map([person.0, first], |row| row.get(0))?.collect())
        .doing("looking for the last delivery")?;
    if after.iter().any(|batch| !goes.contains(batch))
        && let Some(of_day) = days.values_mut().find(is_last)
    {
        of_day.pop();
    }
    Ok(())
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

/// Folds them into the first, which keeps its number and when it came.
fn fold_day(writing: &Writing<'_>, person: PersonId, of_day: &[Old]) -> Result<usize> {
    let [first, rest @ ..] = of_day else { return Ok(0) };
    if rest.is_empty() {
        return Ok(0);
    }
    let key = writing.person_key(person)?;
    let (mut sum, mut numbers) = (Body::default(), Vec::new());
    for old in of_day {
        let body = old.body(&key, person)?;
        numbers.extend(body.turns.numbers((old.batch, old.until)));
        sum.add(body);
    }
    numbers.sort_unstable();
    numbers.dedup();
    sum.turns = Turns::of(&numbers);
    let body = sealed(writing, &key, (person, BatchId(first.batch)), &sum.encode()?)?;
    let until = numbers.last().copied().unwrap_or(first.batch);
    let finished = of_day.iter().map(|old| old.finished).max().unwrap_or(first.finished);
    writing
        .prepare_cached(
            "UPDATE batch SET until_batch = ?3, finished_ms = ?4, body = ?5 WHERE person = ?1 AND batch = ?2",
        )
        .and_then(|mut statement| statement.execute(params![person.0, first.batch, until, finished, body]))
        .doing("folding deliveries")?;
    for old in rest {
        writing
            .prepare_cached("DELETE FROM batch WHERE person = ?1 AND batch = ?2")
            .and_then(|mut statement| statement.execute([person.0, old.batch]))
            .doing("folding deliveries")?;
    }
    Ok(rest.len())
}
