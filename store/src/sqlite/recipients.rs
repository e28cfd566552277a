//! SQL of recipients, their purposes and their clients. Nothing here is about a resident.

use consent::Purpose;
use model::{OrganisationId, RecipientId, UtcMillis};
use rusqlite::{OptionalExtension as _, params};

use super::database::Snapshot;
use super::fault::Doing as _;
use super::people;
use super::writer::Writing;
use crate::{Client, HandleHash, NewClient, NewRecipient, PurposeText, Recipient, Result, StoreError};

pub(crate) fn create(writing: &Writing<'_>, new: &NewRecipient) -> Result<RecipientId> {
    people::require_organisation(writing, new.organisation)?;
    let id = fresh_number(writing)?;
    writing
        .execute(
            "INSERT INTO recipient (id, organisation, name_ja, name_en, created_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![id.0, new.organisation.0, new.name_ja, new.name_en, writing.now().0],
        )
        .doing("making a recipient")?;
    for (place, purpose) in new.purposes.iter().enumerate() {
        let added = writing
            .execute(
                "INSERT INTO recipient_purpose (recipient, purpose, place, text_ja, text_en) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO NOTHING",
                params![id.0, purpose.purpose.as_str(), place as i64, purpose.ja, purpose.en],
            )
            .doing("making a recipient")?;
        if added == 0 {
            return Err(StoreError::Invalid {
                what: "a recipient's purposes differ from each other",
            });
        }
    }
    Ok(id)
}

/// A number that no recipient has. Random, since outward ids hang on it and must not come again after a restore.
fn fresh_number(writing: &Writing<'_>) -> Result<RecipientId> {
    loop {
        let mut bytes = [0; 4];
        writing.randomness().fill(&mut bytes);
        let number = u32::from_le_bytes(bytes);
        let taken: bool = writing
            .query_row(
                "SELECT EXISTS (SELECT 1 FROM recipient WHERE id = ?1)",
                [number],
                |row| row.get(0),
            )
            .doing("numbering a recipient")?;
        if number != 0 && !taken {
            return Ok(RecipientId(number));
        }
    }
}

pub(crate) fn recipient(snapshot: &Snapshot<'_>, recipient: RecipientId) -> Result<Option<Recipient>> {
    let found = snapshot
        .prepare_cached("SELECT organisation, name_ja, name_en, created_ms FROM recipient WHERE id = ?1")
        .and_then(|mut statement| {
            statement
                .query_row([recipient.0], |row| {
                    Ok(Recipient {
                        id: recipient,
                        organisation: OrganisationId(row.get(0)?),
                        name_ja: row.get(1)?,
                        name_en: row.get(2)?,
                        purposes: Vec::new(),
                        created: UtcMillis(row.get(3)?),
                    })
                })
                .optional()
        })
        .doing("reading a recipient")?;
    let Some(found) = found else { return Ok(None) };
    let rows: Vec<(String, String, String)> = snapshot
        .prepare_cached("SELECT purpose, text_ja, text_en FROM recipient_purpose WHERE recipient = ?1 ORDER BY place")
        .and_then(|mut statement| {
            statement
                .query_map([recipient.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
                .collect()
        })
        .doing("reading a recipient")?;
    let purposes = rows
        .into_iter()
        .map(|(purpose, ja, en)| {
            let purpose = Purpose::new(purpose)
                .map_err(|_| StoreError::damaged(format!("recipient_purpose, recipient {recipient}")))?;
            Ok(PurposeText { purpose, ja, en })
        })
        .collect::<Result<_>>()?;
    Ok(Some(Recipient { purposes, ..found }))
}

pub(crate) fn recipients(snapshot: &Snapshot<'_>) -> Result<Vec<Recipient>> {
    let numbers: Vec<u32> = snapshot
        .prepare_cached("SELECT id FROM recipient ORDER BY created_ms, id")
        .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect())
        .doing("listing recipients")?;
    numbers
        .into_iter()
        .filter_map(|number| recipient(snapshot, RecipientId(number)).transpose())
        .collect()
}

/// Refuses a recipient that is not registered, or a purpose that is none of its.
pub(crate) fn require_purpose(snapshot: &Snapshot<'_>, recipient: RecipientId, purpose: &Purpose) -> Result<()> {
    let registered: bool = snapshot
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM recipient_purpose WHERE recipient = ?1 AND purpose = ?2)")
        .and_then(|mut statement| statement.query_row(params![recipient.0, purpose.as_str()], |row| row.get(0)))
        .doing("finding a recipient's purpose")?;
    registered.then_some(()).ok_or(StoreError::NotFound {
        what: "purpose of this recipient",
    })
}

pub(crate) fn create_client(writing: &Writing<'_>, new: &NewClient) -> Result<()> {
    if recipient(writing, new.recipient)?.is_none() {
        return Err(StoreError::NotFound { what: "recipient" });
    }
    let redirect_uris =
        serde_json::to_string(&new.redirect_uris).map_err(|_| StoreError::damaged("a client's redirect URIs"))?;
    let added = writing
        .execute(
            "INSERT INTO client (client_id, recipient, name, secret_hash, redirect_uris, launch_url, created_ms, keys)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
            params![
                new.client_id,
                new.recipient.0,
                new.name,
                new.secret_hash,
                redirect_uris,
                new.launch_url,
                writing.now().0,
                new.keys
            ],
        )
        .doing("making a client")?;
    if added == 0 {
        return Err(StoreError::Exists { what: "client" });
    }
    Ok(())
}

pub(crate) fn client(snapshot: &Snapshot<'_>, client_id: &str) -> Result<Option<Client>> {
    type Found = (
        u32,
        String,
        Option<HandleHash>,
        String,
        Option<String>,
        i64,
        Option<String>,
    );
    let found: Option<Found> = snapshot
        .prepare_cached(
            "SELECT recipient, name, secret_hash, redirect_uris, launch_url, created_ms, keys FROM client WHERE client_id = ?1",
        )
        .and_then(|mut statement| {
            statement
                .query_row([client_id], |row| {
                    Ok((
                        row.get(0)?,
                        row.get(1)?,
                        row.get(2)?,
                        row.get(3)?,
                        row.get(4)?,
                        row.get(5)?,
                        row.get(6)?,
                    ))
                })
                .optional()
        })
        .doing("reading a client")?;
    found
        .map(
            |(recipient, name, secret_hash, redirect_uris, launch_url, created, keys)| {
                Ok(Client {
                    client_id: client_id.to_owned(),
                    recipient: RecipientId(recipient),
                    name,
                    secret_hash,
                    keys,
                    redirect_uris: serde_json::from_str(&redirect_uris)
                        .map_err(|_| StoreError::damaged("a client's redirect URIs"))?,
                    launch_url,
                    created: UtcMillis(created),
                })
            },
        )
        .transpose()
}
