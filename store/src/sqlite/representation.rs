//! SQL of rights to act for somebody else.

use consent::Relationship;
use model::{OrganisationId, PersonId, UtcMillis};
use rusqlite::{OptionalExtension as _, Row, params};

use super::database::Snapshot;
use super::fault::Doing as _;
use super::writer::Writing;
use super::{acts, consents};
use crate::representation::{NewRepresentation, Representation};
use crate::{Actor, Result, StoreError};

const RIGHT: &str = "SELECT held.id, held.person, held.actor, held.relationship, held.decides, held.since_ms,
     held.until_ms, held.ended_ms, held.document, subject.custodian
     FROM representation held JOIN person subject ON subject.id = held.person";

type Sealed = (Representation, OrganisationId, Vec<u8>);

fn read(row: &Row<'_>) -> rusqlite::Result<Sealed> {
    let right = Representation {
        id: row.get(0)?,
        person: PersonId(row.get(1)?),
        actor: PersonId(row.get(2)?),
        relationship: Relationship::from_number(row.get(3)?).ok_or(rusqlite::Error::IntegralValueOutOfRange(3, 0))?,
        decides: row.get(4)?,
        since: UtcMillis(row.get(5)?),
        until: row.get::<_, Option<i64>>(6)?.map(UtcMillis),
        ended: row.get::<_, Option<i64>>(7)?.map(UtcMillis),
        document: String::new(),
    };
    Ok((right, OrganisationId(row.get(9)?), row.get(8)?))
}

fn open(snapshot: &Snapshot<'_>, (right, organisation, body): Sealed) -> Result<Representation> {
    let key = snapshot.keys().organisation(organisation)?;
    let place = [i64::from(right.person.0), i64::from(right.actor.0)];
    let plain = key.open("representation", &place, &body)?;
    let document = String::from_utf8(plain).map_err(|_| StoreError::damaged("a right to act"))?;
    Ok(Representation { document, ..right })
}

fn list(snapshot: &Snapshot<'_>, condition: &str, person: PersonId) -> Result<Vec<Representation>> {
    let rows: Vec<Sealed> = snapshot
        .prepare_cached(&format!("{RIGHT} WHERE {condition} ORDER BY held.id"))
        .and_then(|mut statement| statement.query_map([person.0], read)?.collect())
        .doing("listing rights to act")?;
    rows.into_iter().map(|row| open(snapshot, row)).collect()
}

pub(crate) fn by_actor(snapshot: &Snapshot<'_>, actor: PersonId) -> Result<Vec<Representation>> {
    list(snapshot, "held.actor = ?1", actor)
}

pub(crate) fn of_person(snapshot: &Snapshot<'_>, person: PersonId) -> Result<Vec<Representation>> {
    list(snapshot, "held.person = ?1", person)
}

pub(crate) fn add(writing: &Writing<'_>, new: &NewRepresentation, by: Actor) -> Result<i64> {
    let now = writing.now();
    if new.until.is_some_and(|until| until <= now) {
        return Err(StoreError::Invalid {
            what: "a right to act ends after now",
        });
    }
    // Both live.
    writing.person_key(new.person)?;
    writing.person_key(new.actor)?;
    let custodian = consents::custodian(writing, new.person)?.ok_or(StoreError::NoPerson { person: new.person })?;
    // One that ran out makes way.
    writing
        .execute(
            "UPDATE representation SET ended_ms = until_ms WHERE ended_ms IS NULL AND until_ms <= ?1",
            [now.0],
        )
        .doing("ending rights to act")?;
    let known: bool = writing
        .query_row(
            "SELECT EXISTS (SELECT 1 FROM representation WHERE person = ?1 AND actor = ?2 AND ended_ms IS NULL)",
            params![new.person.0, new.actor.0],
            |row| row.get(0),
        )
        .doing("finding a right to act")?;
    if known {
        return Err(StoreError::Exists {
            what: "right of these two to act: end it first",
        });
    }
    let place = [i64::from(new.person.0), i64::from(new.actor.0)];
    let key = writing.keys().organisation(custodian)?;
    let document = key.seal(writing.randomness(), "representation", &place, new.document.as_bytes())?;
    let id: i64 = writing
        .query_row(
            "INSERT INTO representation (person, actor, relationship, decides, since_ms, until_ms, document)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING id",
            params![
                new.person.0,
                new.actor.0,
                new.relationship as u8,
                new.decides,
                now.0,
                new.until.map(|until| until.0),
                document
            ],
            |row| row.get(0),
        )
        .doing("entering a right to act")?;
    let subject = format!(
        "right {id}, person {}, by person {}, {}",
        new.person,
        new.actor,
        new.relationship.code()
    );
    acts::record(writing, custodian, by, "representation-entered", &subject)?;
    Ok(id)
}

/// Ends a right; `named_by` only one to act for that person which they gave themselves.
pub(crate) fn end(writing: &Writing<'_>, id: i64, named_by: Option<PersonId>, by: Actor) -> Result<()> {
    let found: Option<(u32, u32)> = writing
        .query_row(
            "UPDATE representation SET ended_ms = ?2
             WHERE id = ?1 AND ended_ms IS NULL AND (?3 IS NULL OR (person = ?3 AND relationship = ?4))
             RETURNING person, actor",
            params![
                id,
                writing.now().0,
                named_by.map(|person| person.0),
                Relationship::Proxy as u8
            ],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()
        .doing("ending a right to act")?;
    let Some((person, actor)) = found else {
        return Err(StoreError::NotFound { what: "right to act" });
    };
    let custodian = consents::custodian(writing, PersonId(person))?.ok_or(StoreError::NoPerson {
        person: PersonId(person),
    })?;
    let subject = format!("right {id}, person {person}, by person {actor}");
    acts::record(writing, custodian, by, "representation-ended", &subject)
}
