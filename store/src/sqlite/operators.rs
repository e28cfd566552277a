//! SQL of operators and their sessions.

use model::{OrganisationId, UtcMillis};
use rusqlite::{OptionalExtension as _, Row, params};

use super::database::Snapshot;
use super::fault::Doing as _;
use super::writer::Writing;
use super::{acts, people};
use crate::acts::Actor;
use crate::{HandleHash, Operator, Result, StoreError};

const OPERATOR: &str =
    "SELECT operator.id, operator.organisation, operator.name, operator.created_ms, operator.ended_ms
    FROM operator";

fn identity(snapshot: &Snapshot<'_>, issuer: &str, subject: &str) -> Vec<u8> {
    snapshot
        .keys()
        .lookup_hash("operator", &[issuer.as_bytes(), subject.as_bytes()])
}

fn read(row: &Row<'_>) -> rusqlite::Result<Operator> {
    Ok(Operator {
        id: row.get(0)?,
        organisation: OrganisationId(row.get(1)?),
        name: row.get(2)?,
        created: UtcMillis(row.get(3)?),
        ended: row.get::<_, Option<i64>>(4)?.map(UtcMillis),
    })
}

pub(crate) fn create(
    writing: &Writing<'_>,
    organisation: OrganisationId,
    name: &str,
    issuer: &str,
    subject: &str,
) -> Result<i64> {
    people::require_organisation(writing, organisation)?;
    let hash = identity(writing, issuer, subject);
    // Somebody who comes back is an operator of a new number.
    writing
        .execute(
            "DELETE FROM operator_session WHERE operator IN (SELECT id FROM operator WHERE identity = ?1)",
            [&hash],
        )
        .doing("adding an operator")?;
    let known: Option<Option<i64>> = writing
        .query_row("SELECT ended_ms FROM operator WHERE identity = ?1", [&hash], |row| {
            row.get(0)
        })
        .optional()
        .doing("adding an operator")?;
    if known == Some(None) {
        return Err(StoreError::Exists { what: "operator" });
    }
    writing
        .execute("DELETE FROM operator WHERE identity = ?1", [&hash])
        .doing("adding an operator")?;
    writing
        .execute(
            "INSERT INTO operator (organisation, name, identity, created_ms) VALUES (?1, ?2, ?3, ?4)",
            params![organisation.0, name, hash, writing.now().0],
        )
        .doing("adding an operator")?;
    let id = writing.last_insert_rowid();
    acts::record(
        writing,
        organisation,
        Actor::CommandLine,
        "operator-added",
        &format!("operator {id}"),
    )?;
    Ok(id)
}

pub(crate) fn end(writing: &Writing<'_>, operator: i64) -> Result<()> {
    let organisation: Option<u32> = writing
        .query_row(
            "UPDATE operator SET ended_ms = ?2 WHERE id = ?1 AND ended_ms IS NULL RETURNING organisation",
            params![operator, writing.now().0],
            |row| row.get(0),
        )
        .optional()
        .doing("ending an operator")?;
    let organisation = organisation.ok_or(StoreError::NotFound { what: "operator" })?;
    writing
        .execute("DELETE FROM operator_session WHERE operator = ?1", [operator])
        .doing("ending an operator")?;
    let subject = format!("operator {operator}");
    acts::record(
        writing,
        OrganisationId(organisation),
        Actor::CommandLine,
        "operator-ended",
        &subject,
    )
}

pub(crate) fn list(snapshot: &Snapshot<'_>) -> Result<Vec<Operator>> {
    snapshot
        .prepare_cached(&format!("{OPERATOR} ORDER BY operator.id"))
        .and_then(|mut statement| statement.query_map([], read)?.collect())
        .doing("listing operators")
}

pub(crate) fn by_identity(snapshot: &Snapshot<'_>, issuer: &str, subject: &str) -> Result<Option<Operator>> {
    snapshot
        .prepare_cached(&format!(
            "{OPERATOR} WHERE operator.identity = ?1 AND operator.ended_ms IS NULL"
        ))
        .and_then(|mut statement| {
            statement
                .query_row([identity(snapshot, issuer, subject)], read)
                .optional()
        })
        .doing("finding an operator")
}

pub(crate) fn save_session(writing: &Writing<'_>, hash: &HandleHash, operator: i64, expires: UtcMillis) -> Result<()> {
    writing
        .execute(
            "INSERT INTO operator_session (hash, operator, issued_ms, expires_ms) VALUES (?1, ?2, ?3, ?4)",
            params![hash, operator, writing.now().0, expires.0],
        )
        .doing("keeping an operator's session")
        .map(|_| ())
}

pub(crate) fn session(snapshot: &Snapshot<'_>, hash: &HandleHash, now: UtcMillis) -> Result<Option<Operator>> {
    snapshot
        .prepare_cached(&format!(
            "{OPERATOR} JOIN operator_session ON operator_session.operator = operator.id
             WHERE operator_session.hash = ?1 AND operator_session.expires_ms > ?2 AND operator.ended_ms IS NULL"
        ))
        .and_then(|mut statement| statement.query_row(params![hash, now.0], read).optional())
        .doing("reading an operator's session")
}

pub(crate) fn end_session(writing: &Writing<'_>, hash: &HandleHash) -> Result<()> {
    writing
        .execute("DELETE FROM operator_session WHERE hash = ?1", [hash])
        .doing("ending an operator's session")
        .map(|_| ())
}
