//! SQL of acts on an organisation's side, and of the heads of chains that are signed.

use model::{OrganisationId, PersonId, UtcMillis};
use rusqlite::{OptionalExtension as _, params};

use super::chain::{self, Chain};
use super::database::Snapshot;
use super::fault::Doing as _;
use super::writer::Writing;
use crate::acts::{Act, Actor, Head};
use crate::{Result, StoreError};

pub(crate) fn record(
    writing: &Writing<'_>,
    organisation: OrganisationId,
    by: Actor,
    what: &str,
    subject: &str,
) -> Result<()> {
    let act = Act {
        at: writing.now().0,
        by,
        what: what.to_owned(),
        subject: subject.to_owned(),
    };
    let plain = serde_json::to_vec(&act).map_err(|_| StoreError::damaged("an act"))?;
    let link = chain::append(writing, Chain::Acts, PersonId(organisation.0), organisation, &plain)?;
    writing
        .prepare_cached("INSERT INTO organisation_event (organisation, number, body, hash) VALUES (?1, ?2, ?3, ?4)")
        .and_then(|mut statement| statement.execute(params![organisation.0, link.number, link.body, link.hash]))
        .doing("recording an act")
        .map(|_| ())
}

pub(crate) fn list(
    snapshot: &Snapshot<'_>,
    organisation: OrganisationId,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<(i64, Act)>> {
    let rows: Vec<(i64, Vec<u8>)> = snapshot
        .prepare_cached(
            "SELECT number, body FROM organisation_event WHERE organisation = ?1 AND number < ?2
             ORDER BY number DESC LIMIT ?3",
        )
        .and_then(|mut statement| {
            statement
                .query_map(params![organisation.0, before.unwrap_or(i64::MAX), limit], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?
                .collect()
        })
        .doing("listing acts")?;
    rows.into_iter()
        .map(|(number, body)| {
            let plain = chain::open(
                snapshot,
                Chain::Acts,
                PersonId(organisation.0),
                organisation,
                number,
                &body,
            )?;
            let act = serde_json::from_slice(&plain)
                .map_err(|_| StoreError::damaged(format!("organisation_event, row {number}")))?;
            Ok((number, act))
        })
        .collect()
}

pub(crate) fn unsigned(snapshot: &Snapshot<'_>, limit: u32) -> Result<Vec<Head>> {
    snapshot
        .prepare_cached(
            "SELECT chain, person, number, lower(hex(hash)) FROM chain_head WHERE number > signed
             ORDER BY chain, person LIMIT ?1",
        )
        .and_then(|mut statement| {
            statement
                .query_map([limit], |row| {
                    Ok(Head {
                        chain: row.get(0)?,
                        owner: row.get(1)?,
                        number: row.get(2)?,
                        hash: row.get(3)?,
                    })
                })?
                .collect()
        })
        .doing("reading heads")
}

pub(crate) fn save_signed(writing: &Writing<'_>, heads: &[Head], jws: &str) -> Result<()> {
    for head in heads {
        writing
            .prepare_cached("UPDATE chain_head SET signed = MAX(signed, ?3) WHERE chain = ?1 AND person = ?2")
            .and_then(|mut statement| statement.execute(params![head.chain, head.owner, head.number]))
            .doing("keeping signed heads")?;
    }
    writing
        .execute(
            "INSERT INTO signed_head (at_ms, jws) VALUES (?1, ?2)",
            params![writing.now().0, jws],
        )
        .doing("keeping signed heads")
        .map(|_| ())
}

pub(crate) fn signed(snapshot: &Snapshot<'_>, after: i64, limit: u32) -> Result<Vec<(i64, UtcMillis, String)>> {
    snapshot
        .prepare_cached("SELECT number, at_ms, jws FROM signed_head WHERE number > ?1 ORDER BY number LIMIT ?2")
        .and_then(|mut statement| {
            statement
                .query_map(params![after, limit], |row| {
                    Ok((row.get(0)?, UtcMillis(row.get(1)?), row.get(2)?))
                })?
                .collect()
        })
        .doing("reading signed heads")
}

pub(crate) fn last_signed(snapshot: &Snapshot<'_>) -> Result<Option<String>> {
    snapshot
        .prepare_cached("SELECT jws FROM signed_head ORDER BY number DESC LIMIT 1")
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)).optional())
        .doing("reading the last signed head")
}

pub(crate) fn missing(snapshot: &Snapshot<'_>, heads: &[Head]) -> Result<Option<Head>> {
    for head in heads {
        let Some(chain) = Chain::from_number(head.chain) else {
            return Ok(Some(head.clone()));
        };
        // A row that was deleted when its time was over: the last of them is known by its hash, those before it not any more.
        let pruned: Option<(i64, Option<String>)> = snapshot
            .prepare_cached("SELECT pruned, lower(hex(pruned_hash)) FROM chain_head WHERE chain = ?1 AND person = ?2")
            .and_then(|mut statement| {
                statement
                    .query_row(params![head.chain, head.owner], |row| Ok((row.get(0)?, row.get(1)?)))
                    .optional()
            })
            .doing("checking heads")?;
        if let Some((pruned, hash)) = pruned
            && (head.number < pruned || (head.number == pruned && hash.as_ref() == Some(&head.hash)))
        {
            continue;
        }
        let hash: Option<String> = snapshot
            .prepare_cached(&format!(
                "SELECT lower(hex(hash)) FROM {} WHERE {} = ?1 AND number = ?2",
                chain.table(),
                chain.owner()
            ))
            .and_then(|mut statement| {
                statement
                    .query_row(params![head.owner, head.number], |row| row.get(0))
                    .optional()
            })
            .doing("checking heads")?;
        if hash.as_ref() != Some(&head.hash) {
            return Ok(Some(head.clone()));
        }
    }
    Ok(None)
}
