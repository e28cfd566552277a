//! SQL of phones that push, and of what they pushed.

use std::io::Read as _;

use model::{Accounting, PersonId, UtcMillis};
use rusqlite::{OptionalExtension as _, Row, params};

use super::database::Snapshot;
use super::fault::Doing as _;
use super::writer::Writing;
use crate::companions::{Companion, MAX_COMPANIONS, NewPayload, Payload, Sender, Sent};
use crate::packing::packed;
use crate::{HandleHash, Result, StoreError};

/// The largest delivery that is kept, unpacked; adapters refuse larger ones.
const MOST_BYTES: u64 = 24 << 20;

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

/// By what a delivery is found again. A phone's is the same only if all of it is: an id that is used for something else, by mistake
/// or because the phone counts anew, must not have that taken for known.
fn key(snapshot: &Snapshot<'_>, person: PersonId, from: Sender, sent: Sent<'_>) -> Vec<u8> {
    let (what, id) = match from {
        Sender::Companion(id) => ("payload.phone", id),
        Sender::Link(id) => ("payload.link", id),
        Sender::Feed(id) => ("payload.feed", id),
    };
    let (person, id) = (person.0.to_le_bytes(), id.to_le_bytes());
    let parts: [&[u8]; 5] = [&person, &id, sent.batch.as_bytes(), sent.adapter.as_bytes(), sent.body];
    let many = if matches!(from, Sender::Companion(_)) { 5 } else { 3 };
    snapshot.keys().lookup_hash(what, &parts[..many])
}

pub(crate) fn answer(
    snapshot: &Snapshot<'_>,
    person: PersonId,
    companion: i64,
    sent: Sent<'_>,
) -> Result<Option<Vec<u8>>> {
    let found: Option<(i64, Vec<u8>)> = snapshot
        .prepare_cached("SELECT number, answer FROM payload WHERE person = ?1 AND key = ?2")
        .and_then(|mut statement| {
            let key = key(snapshot, person, Sender::Companion(companion), sent);
            statement
                .query_row(params![person.0, key], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        })
        .doing("reading an answer")?;
    found
        .map(|(number, answer)| snapshot.person_key(person)?.open("payload.answer", &[number], &answer))
        .transpose()
}

/// A delivery that was compressed: so many bytes of it at most.
pub(super) fn unpacked(packed: &[u8], most: u64) -> Result<Vec<u8>> {
    let mut plain = Vec::new();
    zstd::Decoder::new(packed)
        .and_then(|decoder| decoder.take(most).read_to_end(&mut plain))
        .map_err(|error| StoreError::io("unpacking a delivery", &error))?;
    Ok(plain)
}

/// Keeps what was sent with what it is answered, under a number.
pub(crate) fn keep(
    writing: &Writing<'_>,
    person: PersonId,
    new: NewPayload,
    counts: &Accounting,
) -> Result<(i64, Vec<u8>)> {
    let plain = (new.answer)(counts);
    let now = writing.now().0;
    let sealer = writing.person_key(person)?;
    let packed = packed(&new.body)?;
    let number: i64 = writing
        .prepare_cached("SELECT coalesce(max(number), 0) + 1 FROM payload")
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
        .doing("numbering a push")?;
    let answer = sealer.seal(writing.randomness(), "payload.answer", &[number], &plain)?;
    let body = sealer.seal(writing.randomness(), "payload", &[number], &packed)?;
    let sent = Sent {
        adapter: &new.adapter,
        batch: &new.batch,
        body: &new.body,
    };
    let key = key(writing, person, new.from, sent);
    writing
        .prepare_cached(
            "INSERT INTO payload (number, person, adapter, key, received_ms, answer, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (person, key) DO UPDATE
             SET number = ?1, adapter = ?3, received_ms = ?5, answer = ?6, body = ?7",
        )
        .and_then(|mut statement| {
            statement.execute(params![number, person.0, new.adapter, key, now, answer, body])
        })
        .doing("keeping a push")?;
    let Sender::Companion(companion) = new.from else {
        return Ok((number, plain));
    };
    writing
        .prepare_cached("UPDATE companion SET seen_ms = ?3 WHERE id = ?1 AND person = ?2")
        .and_then(|mut statement| statement.execute(params![companion, person.0, now]))
        .doing("noting that a phone pushed")?;
    Ok((number, plain))
}

pub(crate) fn next(snapshot: &Snapshot<'_>, adapter: &str, since: UtcMillis, after: i64) -> Result<Option<Payload>> {
    type Kept = (i64, u32, i64, Vec<u8>, Vec<u8>);
    let found: Option<Kept> = snapshot
        .prepare_cached(
            "SELECT number, person, received_ms, answer, body FROM payload
             WHERE number > ?1 AND adapter = ?2 AND received_ms >= ?3 ORDER BY number LIMIT 1",
        )
        .and_then(|mut statement| {
            statement
                .query_row(params![after, adapter, since.0], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
                })
                .optional()
        })
        .doing("reading a push")?;
    found
        .map(|(number, person, received, answer, body)| {
            let person = PersonId(person);
            let key = snapshot.person_key(person)?;
            let packed = key.open("payload", &[number], &body)?;
            let plain = unpacked(&packed, MOST_BYTES)?;
            Ok(Payload {
                number,
                person,
                received: UtcMillis(received),
                answer: key.open("payload.answer", &[number], &answer)?,
                body: plain,
            })
        })
        .transpose()
}

pub(crate) fn delete(writing: &Writing<'_>, before: UtcMillis) -> Result<usize> {
    writing
        .execute("DELETE FROM payload WHERE received_ms < ?1", [before.0])
        .doing("deleting pushes")
}
