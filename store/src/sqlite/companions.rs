//! SQL of phones that push.

use model::{PersonId, UtcMillis};
use rusqlite::{OptionalExtension as _, Row, params};

use super::database::Snapshot;
use super::fault::Doing as _;
use super::writer::Writing;
use crate::companions::{Companion, MAX_COMPANIONS};
use crate::{HandleHash, Result, StoreError};

const COMPANION: &str = "SELECT id, person, paired_ms, seen_ms, ended_ms, body FROM companion";

fn read(row: &Row<'_>) -> rusqlite::Result<(Companion, Vec<u8>)> {
    let companion = Companion {
        id: row.get(0)?,
        person: PersonId(row.get(1)?),
        name: String::new(),
        paired: UtcMillis(row.get(2)?),
        seen: row.get::<_, Option<i64>>(3)?.map(UtcMillis),
        ended: row.get::<_, Option<i64>>(4)?.map(UtcMillis),
    };
    Ok((companion, row.get(5)?))
}

fn open(snapshot: &Snapshot<'_>, (companion, body): (Companion, Vec<u8>)) -> Result<Companion> {
    let key = snapshot.person_key(companion.person)?;
    let plain = key.open("companion", &[companion.id], &body)?;
    let name = String::from_utf8(plain).map_err(|_| StoreError::damaged("the name of a phone"))?;
    Ok(Companion { name, ..companion })
}

fn hash(snapshot: &Snapshot<'_>, what: &str, handle: &HandleHash) -> Vec<u8> {
    snapshot.keys().lookup_hash(what, &[handle])
}

pub(crate) fn begin(writing: &Writing<'_>, person: PersonId, code: &HandleHash, expires: UtcMillis) -> Result<()> {
    writing.person_key(person)?;
    writing
        .execute(
            "DELETE FROM pairing WHERE person = ?1 OR expires_ms <= ?2",
            params![person.0, writing.now().0],
        )
        .doing("ending codes")?;
    writing
        .execute(
            "INSERT INTO pairing (code_hash, person, expires_ms) VALUES (?1, ?2, ?3)",
            params![hash(writing, "pairing", code), person.0, expires.0],
        )
        .doing("keeping a code")
        .map(|_| ())
}

pub(crate) fn pair(
    writing: &Writing<'_>,
    code: &HandleHash,
    token: &HandleHash,
    name: &str,
) -> Result<Option<Companion>> {
    let now = writing.now();
    let person: Option<u32> = writing
        .query_row(
            "DELETE FROM pairing WHERE code_hash = ?1 AND expires_ms > ?2 RETURNING person",
            params![hash(writing, "pairing", code), now.0],
            |row| row.get(0),
        )
        .optional()
        .doing("taking a code")?;
    let Some(person) = person.map(PersonId) else {
        return Ok(None);
    };
    let alive: i64 = writing
        .query_row(
            "SELECT count(*) FROM companion WHERE person = ?1 AND ended_ms IS NULL",
            [person.0],
            |row| row.get(0),
        )
        .doing("counting phones")?;
    if alive >= MAX_COMPANIONS as i64 {
        return Err(StoreError::TooMany {
            what: "phones of one person",
            limit: MAX_COMPANIONS as u32,
        });
    }
    let id: i64 = writing
        .query_row("SELECT coalesce(max(id), 0) + 1 FROM companion", [], |row| row.get(0))
        .doing("numbering a phone")?;
    let body = writing
        .person_key(person)?
        .seal(writing.randomness(), "companion", &[id], name.as_bytes())?;
    writing
        .execute(
            "INSERT INTO companion (id, person, token_hash, paired_ms, body) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![id, person.0, hash(writing, "companion", token), now.0, body],
        )
        .doing("pairing a phone")?;
    Ok(Some(Companion {
        id,
        person,
        name: name.to_owned(),
        paired: now,
        seen: None,
        ended: None,
    }))
}

pub(crate) fn by_token(snapshot: &Snapshot<'_>, token: &HandleHash) -> Result<Option<Companion>> {
    snapshot
        .prepare_cached(&format!("{COMPANION} WHERE token_hash = ?1 AND ended_ms IS NULL"))
        .and_then(|mut statement| {
            statement
                .query_row([hash(snapshot, "companion", token)], read)
                .optional()
        })
        .doing("finding a phone")?
        .map(|row| open(snapshot, row))
        .transpose()
}

pub(crate) fn of_person(snapshot: &Snapshot<'_>, person: PersonId) -> Result<Vec<Companion>> {
    let rows: Vec<(Companion, Vec<u8>)> = snapshot
        .prepare_cached(&format!("{COMPANION} WHERE person = ?1 ORDER BY id DESC LIMIT 100"))
        .and_then(|mut statement| statement.query_map([person.0], read)?.collect())
        .doing("listing phones")?;
    rows.into_iter().map(|row| open(snapshot, row)).collect()
}

pub(crate) fn end(writing: &Writing<'_>, person: PersonId, id: i64) -> Result<()> {
    let ended = writing
        .execute(
            "UPDATE companion SET ended_ms = ?3 WHERE id = ?1 AND person = ?2 AND ended_ms IS NULL",
            params![id, person.0, writing.now().0],
        )
        .doing("ending a phone")?;
    match ended {
        0 => Err(StoreError::NotFound { what: "phone" }),
        _ => Ok(()),
    }
}

/// Notes that a phone pushed just now.
pub(super) fn seen(writing: &Writing<'_>, person: PersonId, id: i64) -> Result<()> {
    writing
        .prepare_cached("UPDATE companion SET seen_ms = ?3 WHERE id = ?1 AND person = ?2")
        .and_then(|mut statement| statement.execute(params![id, person.0, writing.now().0]))
        .doing("noting that a phone pushed")
        .map(|_| ())
}
