//! SQL of feeds.

use std::collections::HashMap;

use consent::OwnAccess;
use model::{OrganisationId, PersonId, UtcMillis};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::database::Snapshot;
use super::fault::Doing as _;
use super::writer::Writing;
use super::{acts, insurance, payloads};
use crate::feeds::{Feed, FeedAccount, FeedCame, FeedTold, MAX_FEED_ACCOUNT};
use crate::packing::packed;
use crate::{Actor, Result, StoreError};

/// The largest text that waits, unpacked; adapters refuse larger ones.
const MOST_BYTES: u64 = 64 << 20;

const COLUMNS: &str = "id, organisation, vendor, person, known_ms, came_ms, ended_ms";

fn columns(row: &Row<'_>) -> rusqlite::Result<FeedAccount> {
    let moment = |column: usize| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(UtcMillis));
    Ok(FeedAccount {
        id: row.get(0)?,
        organisation: OrganisationId(row.get(1)?),
        vendor: row.get(2)?,
        person: PersonId(row.get(3)?),
        known: UtcMillis(row.get(4)?),
        came: moment(5)?,
        ended: moment(6)?,
    })
}

fn hash(snapshot: &Snapshot<'_>, feed: &Feed, account: &str) -> Vec<u8> {
    let parts: [&[u8]; 3] = [
        &feed.organisation.0.to_le_bytes(),
        feed.vendor.as_bytes(),
        account.as_bytes(),
    ];
    snapshot.keys().lookup_hash("feed.account", &parts)
}

/// What a text that waits is bound to: its account.
fn place(hash: &[u8]) -> [i64; 1] {
    [hash.first_chunk().map_or(0, |bytes| i64::from_le_bytes(*bytes))]
}

pub(crate) fn sequence(snapshot: &Snapshot<'_>, feed: &Feed) -> Result<u64> {
    let found: Option<i64> = snapshot
        .prepare_cached("SELECT next_sequence FROM feed WHERE organisation = ?1 AND vendor = ?2")
        .and_then(|mut statement| {
            statement
                .query_row(params![feed.organisation.0, feed.vendor], |row| row.get(0))
                .optional()
        })
        .doing("reading a feed")?;
    Ok(found.unwrap_or(0).cast_unsigned())
}

pub(crate) fn accounts(snapshot: &Snapshot<'_>, feed: &Feed, accounts: &[String]) -> Result<Vec<Option<FeedAccount>>> {
    let hashes: Vec<Vec<u8>> = accounts.iter().map(|account| hash(snapshot, feed, account)).collect();
    let wanted = insurance::listed(&hashes)?;
    let found: HashMap<Vec<u8>, FeedAccount> = snapshot
        .prepare_cached(&format!(
            "SELECT {COLUMNS}, account_hash FROM feed_account AS account
             WHERE organisation = ?1 AND vendor = ?2 AND account_hash IN (SELECT unhex(value) FROM json_each(?3))
               AND EXISTS (SELECT 1 FROM membership
                           WHERE membership.person = account.person AND membership.organisation = account.organisation)"
        ))
        .and_then(|mut statement| {
            statement
                .query_map(params![feed.organisation.0, feed.vendor, wanted], |row| {
                    Ok((row.get(7)?, columns(row)?))
                })?
                .collect()
        })
        .doing("looking for accounts")?;
    Ok(hashes.iter().map(|hash| found.get(hash).cloned()).collect())
}

pub(crate) fn keep(writing: &Writing<'_>, feed: &Feed, came: &FeedCame) -> Result<()> {
    let now = writing.now().0;
    for (account, text) in &came.waiting {
        let hash = hash(writing, feed, account);
        let packed = packed(text)?;
        let key = writing.keys().organisation(feed.organisation)?;
        let body = key.seal(writing.randomness(), "feed_waiting", &place(&hash), &packed)?;
        writing
            .prepare_cached(
                "INSERT INTO feed_waiting (organisation, vendor, account_hash, received_ms, body) VALUES (?1, ?2, ?3, ?4, ?5)",
            )
            .and_then(|mut statement| {
                statement.execute(params![feed.organisation.0, feed.vendor, hash, now, body])
            })
            .doing("keeping what waits")?;
    }
    for id in &came.stored {
        writing
            .prepare_cached("UPDATE feed_account SET came_ms = ?2 WHERE id = ?1")
            .and_then(|mut statement| statement.execute(params![id, now]))
            .doing("noting that something came")?;
    }
    if let Some(ledger) = &came.ledger {
        acts::record(writing, feed.organisation, Actor::Gateway, crate::HANDED_OVER, ledger)?;
    }
    let Some(next) = came.next else { return Ok(()) };
    // It never goes back, whatever the vendor says: all would be fetched and handed over again.
    writing
        .prepare_cached(
            "INSERT INTO feed (organisation, vendor, next_sequence) VALUES (?1, ?2, ?3)
             ON CONFLICT (organisation, vendor) DO UPDATE SET next_sequence = max(next_sequence, ?3)",
        )
        .and_then(|mut statement| statement.execute(params![feed.organisation.0, feed.vendor, next.cast_signed()]))
        .doing("keeping how far a feed was read")
        .map(|_| ())
}

pub(crate) fn know(writing: &Writing<'_>, feed: &Feed, account: &str, person: PersonId, by: Actor) -> Result<FeedTold> {
    if !(1..=MAX_FEED_ACCOUNT).contains(&account.len()) {
        return Err(StoreError::Invalid {
            what: "an account's name has 1 to 256 bytes",
        });
    }
    if !insurance::is_of(writing, feed.organisation, person)? {
        return Err(StoreError::NotFound { what: "person" });
    }
    writing.person_key(person)?;
    let hash = hash(writing, feed, account);
    let found = writing
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM feed_account WHERE organisation = ?1 AND vendor = ?2 AND account_hash = ?3"
        ))
        .and_then(|mut statement| {
            statement
                .query_row(params![feed.organisation.0, feed.vendor, hash], columns)
                .optional()
        })
        .doing("looking for an account")?;
    if let Some(found) = found {
        return Ok(match (found.person == person, found.ended) {
            (false, _) => FeedTold::Anothers,
            (true, Some(_)) => FeedTold::Ended,
            (true, None) => FeedTold::Known,
        });
    }
    let id: i64 = writing
        .prepare_cached(
            "INSERT INTO feed_account (organisation, vendor, account_hash, person, known_ms) VALUES (?1, ?2, ?3, ?4, ?5)
             RETURNING id",
        )
        .and_then(|mut statement| {
            let row = params![feed.organisation.0, feed.vendor, hash, person.0, writing.now().0];
            statement.query_row(row, |row| row.get(0))
        })
        .doing("keeping an account")?;
    let subject = format!("account {id} of {}, person {person}", feed.vendor);
    acts::record(writing, feed.organisation, by, "feed-account-known", &subject)?;
    Ok(FeedTold::New)
}

pub(crate) fn waiting(
    snapshot: &Snapshot<'_>,
    feed: &Feed,
    account: &str,
    after: i64,
) -> Result<Option<(i64, Vec<u8>)>> {
    let hash = hash(snapshot, feed, account);
    let found: Option<(i64, Vec<u8>)> = snapshot
        .prepare_cached(
            "SELECT id, body FROM feed_waiting WHERE organisation = ?1 AND vendor = ?2 AND account_hash = ?3 AND id > ?4
             ORDER BY id LIMIT 1",
        )
        .and_then(|mut statement| {
            let by = params![feed.organisation.0, feed.vendor, hash, after];
            statement.query_row(by, |row| Ok((row.get(0)?, row.get(1)?))).optional()
        })
        .doing("reading what waits")?;
    let Some((id, body)) = found else { return Ok(None) };
    let key = snapshot.keys().organisation(feed.organisation)?;
    let packed = key.open("feed_waiting", &place(&hash), &body)?;
    Ok(Some((id, payloads::unpacked(&packed, MOST_BYTES)?)))
}

pub(crate) fn drop_waiting(writing: &Writing<'_>, id: i64) -> Result<()> {
    writing
        .execute("DELETE FROM feed_waiting WHERE id = ?1", [id])
        .doing("dropping what waited")
        .map(|_| ())
}

/// Drops what waits of a person's accounts: texts that could not be read whole.
pub(super) fn drop_waiting_of(connection: &Connection, person: PersonId) -> Result<()> {
    connection
        .execute(
            "DELETE FROM feed_waiting WHERE (organisation, vendor, account_hash) IN
                 (SELECT organisation, vendor, account_hash FROM feed_account WHERE person = ?1)",
            [person.0],
        )
        .doing("dropping what waited")
        .map(|_| ())
}

/// Drops what waited for longer; how many.
pub(crate) fn delete_unclaimed(writing: &Writing<'_>, before: UtcMillis) -> Result<u64> {
    writing
        .execute("DELETE FROM feed_waiting WHERE received_ms < ?1", [before.0])
        .doing("deleting what no one claimed")
        .map(|deleted| deleted as u64)
}

pub(crate) fn of_person(snapshot: &Snapshot<'_>, person: PersonId) -> Result<Vec<FeedAccount>> {
    snapshot
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM feed_account WHERE person = ?1 ORDER BY id DESC LIMIT 100"
        ))
        .and_then(|mut statement| statement.query_map([person.0], columns)?.collect())
        .doing("listing accounts")
}

pub(crate) fn end(writing: &Writing<'_>, own: &OwnAccess, id: i64, ends: bool) -> Result<()> {
    let changed: Option<FeedAccount> = writing
        .prepare_cached(&format!(
            "UPDATE feed_account SET ended_ms = CASE WHEN ?3 THEN ?4 END
             WHERE id = ?1 AND person = ?2 AND (ended_ms IS NULL) = ?3 RETURNING {COLUMNS}"
        ))
        .and_then(|mut statement| {
            let by = params![id, own.person().0, ends, writing.now().0];
            statement.query_row(by, columns).optional()
        })
        .doing("ending an account")?;
    let account = changed.ok_or(StoreError::NotFound { what: "account" })?;
    let by = own.acting().map_or(own.person(), |acting| acting.person);
    let what = if ends {
        "feed-account-ended"
    } else {
        "feed-account-resumed"
    };
    let subject = format!("account {id} of {}, person {}", account.vendor, account.person);
    acts::record(writing, account.organisation, Actor::resident(by), what, &subject)
}
