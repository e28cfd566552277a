//! SQL of tokens whose person was erased.

use model::{OrganisationId, PersonId, UtcMillis};
use rusqlite::params;
use serde::{Deserialize, Serialize};

use super::database::Snapshot;
use super::fault::Doing as _;
use super::writer::Writing;
use super::{consents, links};
use crate::links::{LINK_LEASE_MS, LinkTokens};
use crate::orphaned_tokens::OrphanedTokens;
use crate::{Result, StoreError};

/// As it is kept.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Kept {
    /// Tokens, and of which link they were.
    Of {
        tokens: LinkTokens,
        of: Option<(i64, String)>,
    },
    /// Tokens alone, as before.
    Tokens(LinkTokens),
}

/// Keeps the tokens of a person's links under the organisation's key, before their own is gone.
pub(crate) fn keep(writing: &Writing<'_>, person: PersonId) -> Result<()> {
    let living: Vec<(i64, String)> = writing
        .prepare_cached("SELECT id, vendor FROM link WHERE person = ?1 AND tokens IS NOT NULL")
        .and_then(|mut statement| {
            statement
                .query_map([person.0], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
        .doing("looking for tokens to give back")?;
    links::keep_last_id(writing)?;
    for (link, vendor) in living {
        let tokens = match links::tokens(writing, link) {
            // Nothing can be given back of what cannot be read, and nobody stays because of it.
            Err(error @ StoreError::Damaged { .. }) => {
                tracing::error!(%error, link, "tokens of an erased person cannot be given back");
                continue;
            }
            tokens => tokens?,
        };
        let (Some((tokens, _)), Some(organisation)) = (tokens, consents::custodian(writing, person)?) else {
            continue;
        };
        let id: i64 = writing
            .query_row(
                "SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'orphaned_tokens'",
                [],
                |row| row.get(0),
            )
            .doing("numbering orphaned tokens")?;
        let of = Some((link, links::account_tag(writing, link)?));
        let plain =
            serde_json::to_vec(&Kept::Of { tokens, of }).map_err(|_| StoreError::damaged("tokens of a link"))?;
        let key = writing.keys().organisation(organisation)?;
        let sealed = key.seal(writing.randomness(), "orphaned_tokens", &[id], &plain)?;
        writing
            .execute(
                "INSERT INTO orphaned_tokens (id, organisation, vendor, due_ms, body) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![id, organisation.0, vendor, writing.now().0, sealed],
            )
            .doing("keeping orphaned tokens")?;
    }
    Ok(())
}

pub(crate) fn has_due(snapshot: &Snapshot<'_>, vendor: &str, now: UtcMillis) -> Result<bool> {
    snapshot
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM orphaned_tokens WHERE vendor = ?1 AND due_ms <= ?2)")
        .and_then(|mut statement| statement.query_row(params![vendor, now.0], |row| row.get(0)))
        .doing("looking for orphaned tokens")
}

pub(crate) fn lease(writing: &Writing<'_>, vendor: &str, limit: u32) -> Result<Vec<OrphanedTokens>> {
    let now = writing.now();
    let rows: Vec<(i64, u32, u32, Vec<u8>)> = writing
        .prepare_cached(
            "UPDATE orphaned_tokens SET due_ms = ?3, attempts = attempts + 1
             WHERE id IN (SELECT id FROM orphaned_tokens WHERE vendor = ?1 AND due_ms <= ?2 ORDER BY due_ms, id LIMIT ?4)
             RETURNING id, organisation, attempts - 1, body",
        )
        .and_then(|mut statement| {
            let until = now.plus(LINK_LEASE_MS);
            let by = params![vendor, now.0, until.0, limit];
            statement
                .query_map(by, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
                .collect()
        })
        .doing("taking orphaned tokens")?;
    let mut leased = Vec::with_capacity(rows.len());
    for (id, organisation, failures, sealed) in rows {
        match open(writing, id, organisation, &sealed) {
            Ok((tokens, of)) => leased.push(OrphanedTokens {
                id,
                tokens,
                of,
                failures,
            }),
            // Of this row alone: the others are given back.
            Err(error @ StoreError::Damaged { .. }) => {
                tracing::error!(%error, id, "orphaned tokens cannot be read: they are left alone for some hours");
                end(writing, id, Some(now.plus(links::UNREADABLE_MS)))?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(leased)
}

/// Tokens, and of which link they were.
type Opened = (LinkTokens, Option<(i64, String)>);

fn open(writing: &Writing<'_>, id: i64, organisation: u32, sealed: &[u8]) -> Result<Opened> {
    let key = writing.keys().organisation(OrganisationId(organisation))?;
    let plain = key.open("orphaned_tokens", &[id], sealed)?;
    let kept = serde_json::from_slice(&plain).map_err(|_| StoreError::damaged("orphaned tokens"))?;
    Ok(match kept {
        Kept::Of { tokens, of } => (tokens, of),
        Kept::Tokens(tokens) => (tokens, None),
    })
}

pub(crate) fn end(writing: &Writing<'_>, id: i64, again: Option<UtcMillis>) -> Result<()> {
    match again {
        Some(again) => writing.execute(
            "UPDATE orphaned_tokens SET due_ms = ?2 WHERE id = ?1",
            params![id, again.0],
        ),
        None => writing.execute("DELETE FROM orphaned_tokens WHERE id = ?1", [id]),
    }
    .doing("ending orphaned tokens")
    .map(|_| ())
}
