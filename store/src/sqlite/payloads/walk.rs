//! A walk through all that is kept of an adapter: person by person, of each in the order it came. Rows and packs of one person and
//! adapter never reach into each other's numbers, so that each pack is opened once.

use model::{PersonId, UtcMillis};
use rusqlite::{OptionalExtension as _, params};

use super::super::database::Snapshot;
use super::super::fault::Doing as _;
use super::pack::{MOST_PLAIN, Pack};
use super::{MOST_BYTES, unpacked};
use crate::companions::Payload;
use crate::{Result, StoreError};

/// Rows that are read at once at most.
const ROWS: i64 = 64;

/// What follows the delivery of that person and number, as much as lies together; nothing at the end of all.
pub(crate) fn next(
    snapshot: &Snapshot<'_>,
    adapter: &str,
    since: UtcMillis,
    (person, number): (PersonId, i64),
) -> Result<Vec<Payload>> {
    let mut place = Some((person, number));
    while let Some((person, after)) = place {
        let pack = Pack::next(snapshot, person, (adapter, since), after)?;
        let rows = rows(snapshot, person, (adapter, since), (after, pack.unwrap_or(i64::MAX)))?;
        if !rows.is_empty() {
            return Ok(rows);
        }
        let Some(last) = pack else {
            place = next_person(snapshot, person)?.map(|person| (person, 0));
            continue;
        };
        let entries = Pack::read(snapshot, last)?.entries.into_iter();
        let due = entries.filter(|entry| entry.number > after && entry.received >= since);
        let payloads: Vec<Payload> = due
            .map(|entry| Payload {
                number: entry.number,
                person,
                received: entry.received,
                answer: entry.answer,
                body: entry.body,
            })
            .collect();
        if !payloads.is_empty() {
            return Ok(payloads);
        }
        place = Some((person, last));
    }
    Ok(Vec::new())
}

/// Rows of a person between two numbers, as many as are read at once.
fn rows(
    snapshot: &Snapshot<'_>,
    person: PersonId,
    (adapter, since): (&str, UtcMillis),
    (after, until): (i64, i64),
) -> Result<Vec<Payload>> {
    // Numbers first: sorting would hold all bodies.
    let numbers: Vec<i64> = snapshot
        .prepare_cached(
            "SELECT number FROM payload
             WHERE person = ?1 AND adapter = ?2 AND number > ?3 AND number < ?4 AND received_ms >= ?5 ORDER BY number LIMIT ?6",
        )
        .and_then(|mut statement| {
            let which = params![person.0, adapter, after, until, since.0, ROWS];
            statement.query_map(which, |row| row.get(0))?.collect()
        })
        .doing("looking for pushes")?;
    let (mut payloads, mut plain) = (Vec::new(), 0);
    for number in numbers {
        let payload = row(snapshot, person, number)?;
        plain += payload.body.len();
        payloads.push(payload);
        if plain >= MOST_PLAIN {
            break;
        }
    }
    Ok(payloads)
}

fn row(snapshot: &Snapshot<'_>, person: PersonId, number: i64) -> Result<Payload> {
    let (received, answer, body): (i64, Vec<u8>, Vec<u8>) = snapshot
        .prepare_cached("SELECT received_ms, answer, body FROM payload WHERE number = ?1")
        .and_then(|mut statement| {
            statement
                .query_row([number], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                .optional()
        })
        .doing("reading a push")?
        .ok_or_else(|| StoreError::damaged(format!("push {number} is missing")))?;
    let key = snapshot.person_key(person)?;
    Ok(Payload {
        number,
        person,
        received: UtcMillis(received),
        answer: key.open("payload.answer", &[number], &answer)?,
        body: unpacked(&key.open("payload", &[number], &body)?, MOST_BYTES)?,
    })
}

/// The next person of whom anything is kept.
fn next_person(snapshot: &Snapshot<'_>, after: PersonId) -> Result<Option<PersonId>> {
    let next: Option<u32> = snapshot
        .prepare_cached(
            "SELECT min(person) FROM (SELECT (SELECT min(person) FROM payload WHERE person > ?1) AS person
             UNION ALL SELECT (SELECT min(person) FROM payload_pack WHERE person > ?1))",
        )
        .and_then(|mut statement| statement.query_row([after.0], |row| row.get(0)))
        .doing("looking for pushes")?;
    Ok(next.map(PersonId))
}
