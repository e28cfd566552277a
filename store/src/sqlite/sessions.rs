//! SQL of what a browser holds a handle of: sessions, and requests under way.
//!
//! Bodies are sealed with a key made of the handle's hash under the lookup key, so a row opens only where it stands.

use consent::Language;
use model::{PersonId, UtcMillis};
use rusqlite::{OptionalExtension as _, params};
use serde::{Deserialize, Serialize};

use super::database::Snapshot;
use super::fault::Doing as _;
use super::keys::FIRST_VERSION;
use super::seal::SealKey;
use super::writer::Writing;
use crate::{HandleHash, Result, SessionRecord, StoreError};

/// What is sealed in a session's row.
#[derive(Serialize, Deserialize)]
struct Body {
    issuer: String,
    assurance: Option<String>,
    language: Language,
    issued: i64,
    /// Left out where one acts for oneself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    acting_for: Option<u32>,
}

fn key(snapshot: &Snapshot<'_>, table: &str, hash: &HandleHash) -> Result<SealKey> {
    let bytes: [u8; 32] = snapshot
        .keys()
        .lookup_hash(table, &[hash])
        .try_into()
        .map_err(|_| StoreError::damaged("the lookup key"))?;
    SealKey::new(&bytes, FIRST_VERSION)
}

pub(crate) fn save_session(writing: &Writing<'_>, hash: &HandleHash, record: &SessionRecord) -> Result<()> {
    writing.person_key(record.person)?;
    let sealed = seal_session(writing, hash, record)?;
    writing
        .prepare_cached("INSERT INTO session (hash, person, expires_ms, body) VALUES (?1, ?2, ?3, ?4)")
        .and_then(|mut statement| statement.execute(params![hash, record.person.0, record.expires.0, sealed]))
        .doing("keeping a session")
        .map(|_| ())
}

/// From now on the session acts for this person; false when there is no such session.
pub(crate) fn act_for(writing: &Writing<'_>, hash: &HandleHash, person: Option<PersonId>) -> Result<bool> {
    let Some(known) = session(writing, hash, writing.now())? else {
        return Ok(false);
    };
    let record = SessionRecord {
        acting_for: person,
        ..known
    };
    let sealed = seal_session(writing, hash, &record)?;
    writing
        .execute("UPDATE session SET body = ?2 WHERE hash = ?1", params![hash, sealed])
        .doing("changing a session")?;
    Ok(true)
}

fn seal_session(writing: &Writing<'_>, hash: &HandleHash, record: &SessionRecord) -> Result<Vec<u8>> {
    let body = Body {
        issuer: record.issuer.clone(),
        assurance: record.assurance.clone(),
        language: record.language,
        issued: record.issued.0,
        acting_for: record.acting_for.map(|person| person.0),
    };
    let plain = serde_json::to_vec(&body).map_err(|_| StoreError::damaged("a session"))?;
    key(writing, "session", hash)?.seal(
        writing.randomness(),
        "session",
        &[i64::from(record.person.0), record.expires.0],
        &plain,
    )
}

pub(crate) fn session(snapshot: &Snapshot<'_>, hash: &HandleHash, now: UtcMillis) -> Result<Option<SessionRecord>> {
    let found: Option<(u32, i64, Vec<u8>)> = snapshot
        .prepare_cached("SELECT person, expires_ms, body FROM session WHERE hash = ?1 AND expires_ms > ?2")
        .and_then(|mut statement| {
            statement
                .query_row(params![hash, now.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                .optional()
        })
        .doing("reading a session")?;
    found
        .map(|(person, expires, sealed)| {
            let plain = key(snapshot, "session", hash)?.open("session", &[i64::from(person), expires], &sealed)?;
            let body: Body = serde_json::from_slice(&plain).map_err(|_| StoreError::damaged("a session"))?;
            Ok(SessionRecord {
                person: PersonId(person),
                issuer: body.issuer,
                assurance: body.assurance,
                language: body.language,
                issued: UtcMillis(body.issued),
                acting_for: body.acting_for.map(PersonId),
                expires: UtcMillis(expires),
            })
        })
        .transpose()
}

pub(crate) fn end_session(writing: &Writing<'_>, hash: &HandleHash) -> Result<()> {
    writing
        .execute("DELETE FROM session WHERE hash = ?1", [hash])
        .doing("ending a session")
        .map(|_| ())
}

pub(crate) fn save_pending(
    writing: &Writing<'_>,
    hash: &HandleHash,
    kind: u8,
    body: &[u8],
    expires: UtcMillis,
) -> Result<()> {
    let sealed =
        key(writing, "pending", hash)?.seal(writing.randomness(), "pending", &[i64::from(kind), expires.0], body)?;
    writing
        .prepare_cached(
            "INSERT INTO pending (hash, kind, expires_ms, body) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (hash, kind) DO UPDATE SET expires_ms = ?3, body = ?4",
        )
        .and_then(|mut statement| statement.execute(params![hash, kind, expires.0, sealed]))
        .doing("keeping a request under way")
        .map(|_| ())
}

pub(crate) fn pending(snapshot: &Snapshot<'_>, hash: &HandleHash, kind: u8, now: UtcMillis) -> Result<Option<Vec<u8>>> {
    let found: Option<(i64, Vec<u8>)> = snapshot
        .prepare_cached("SELECT expires_ms, body FROM pending WHERE hash = ?1 AND kind = ?2 AND expires_ms > ?3")
        .and_then(|mut statement| {
            statement
                .query_row(params![hash, kind, now.0], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        })
        .doing("reading a request under way")?;
    found
        .map(|(expires, sealed)| key(snapshot, "pending", hash)?.open("pending", &[i64::from(kind), expires], &sealed))
        .transpose()
}

pub(crate) fn take_pending(
    writing: &Writing<'_>,
    hash: &HandleHash,
    kind: u8,
    now: UtcMillis,
) -> Result<Option<Vec<u8>>> {
    let body = pending(writing, hash, kind, now)?;
    writing
        .execute("DELETE FROM pending WHERE hash = ?1 AND kind = ?2", params![hash, kind])
        .doing("taking a request under way")?;
    Ok(body)
}
