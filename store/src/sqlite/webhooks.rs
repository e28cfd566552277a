//! SQL of vendors' calls as they came, and of what they lead to.

use std::borrow::Cow;

use model::{OrganisationId, UtcMillis};
use rusqlite::{OptionalExtension as _, params};

use super::fault::Doing as _;
use super::links::{account_hash, want};
use super::writer::Writing;
use crate::links::{Noted, Told};
use crate::{Result, packing};

/// Bytes of a call up to which it is kept plain.
const PLAIN: usize = 1_024;

pub(crate) fn note(writing: &Writing<'_>, vendor: &str, body: &[u8], told: &[Told], delay_ms: i64) -> Result<Noted> {
    let now = writing.now();
    let mut noted = Noted::default();
    for one in told {
        let hash = account_hash(writing, vendor, &one.account);
        let link: Option<(i64, u8)> = writing
            .prepare_cached("SELECT id, state FROM link WHERE vendor = ?1 AND account_hash = ?2 AND state < 4")
            .and_then(|mut statement| {
                statement
                    .query_row(params![vendor, hash], |row| Ok((row.get(0)?, row.get(1)?)))
                    .optional()
            })
            .doing("finding a link")?;
        let (Some((link, state)), Some(asked)) = (link, &one.want) else {
            noted.unknown += 1;
            continue;
        };
        noted.known += 1;
        want(writing, link, asked)?;
        // One that failed waits as long as it does; one that is held waits for its person.
        if state == 1 {
            writing
                .prepare_cached("UPDATE link SET due_ms = ?2 WHERE id = ?1 AND attempts = 0 AND due_ms > ?2")
                .and_then(|mut statement| statement.execute(params![link, now.plus(delay_ms).0]))
                .doing("noting that a link is due")?;
        }
    }
    let number: i64 = writing
        .prepare_cached("SELECT coalesce(max(number), 0) + 1 FROM webhook")
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
        .doing("numbering a call")?;
    let packed = packed(body)?;
    let sealed =
        writing
            .keys()
            .organisation(OrganisationId(1))?
            .seal(writing.randomness(), "webhook", &[number], &packed)?;
    writing
        .prepare_cached(
            "INSERT INTO webhook (number, vendor, received_ms, known, unknown, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                number,
                vendor,
                now.0,
                noted.known as i64,
                noted.unknown as i64,
                sealed
            ])
        })
        .doing("keeping a call")?;
    Ok(noted)
}

/// A call as it is kept: a byte that says how, then its text. Little is saved of a short one.
fn packed(body: &[u8]) -> Result<Vec<u8>> {
    let (how, rest) = match body.len() <= PLAIN {
        true => (0, Cow::Borrowed(body)),
        false => (1, Cow::Owned(packing::packed(body)?)),
    };
    let mut kept = Vec::with_capacity(rest.len() + 1);
    kept.push(how);
    kept.extend_from_slice(&rest);
    Ok(kept)
}

pub(crate) fn delete_webhooks(writing: &Writing<'_>, before: UtcMillis) -> Result<usize> {
    writing
        .execute("DELETE FROM webhook WHERE received_ms < ?1", [before.0])
        .doing("deleting calls")
}
