//! SQL of recipients, their purposes and their clients. Nothing here is about a resident.

use consent::Purpose;
use model::{LocalDay, OrganisationId, PersonId, RecipientId, UtcMillis};
use rusqlite::{OptionalExtension as _, Row, params};

use super::database::Snapshot;
use super::fault::Doing as _;
use super::journal::{Entry, Step};
use super::writer::Writing;
use super::{acts, authorization, people};
use crate::{
    Actor, Client, NewClient, NewRecipient, PurposeText, Recipient, RegistrationState, Responsible, Result, StoreError,
};
use crate::{BasisKind, LegalBasis};

pub(crate) fn create(writing: &Writing<'_>, new: &NewRecipient) -> Result<RecipientId> {
    people::require_organisation(writing, new.organisation)?;
    let id = fresh_number(writing)?;
    writing
        .execute(
            "INSERT INTO recipient (id, organisation, name_ja, name_en, created_ms, state, company, contact, privacy_policy)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![
                id.0,
                new.organisation.0,
                new.name_ja,
                new.name_en,
                writing.now().0,
                new.state as u8,
                new.responsible.company,
                new.responsible.contact,
                new.responsible.privacy_policy
            ],
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
        .prepare_cached(
            "SELECT organisation, name_ja, name_en, created_ms, state, company, contact, privacy_policy,
                basis, basis_document, basis_from, basis_until_ms, handlers, subcontractors, returned_ms
             FROM recipient WHERE id = ?1",
        )
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
                        state: state_of(row.get(4)?),
                        responsible: Responsible {
                            company: row.get(5)?,
                            contact: row.get(6)?,
                            privacy_policy: row.get(7)?,
                        },
                        basis: read_basis(row)?,
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

fn read_basis(row: &Row<'_>) -> rusqlite::Result<LegalBasis> {
    let names = |column: usize| -> rusqlite::Result<Vec<String>> {
        let text: String = row.get(column)?;
        serde_json::from_str(&text).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, 0))
    };
    let kind = BasisKind::from_number(row.get(8)?).ok_or(rusqlite::Error::IntegralValueOutOfRange(8, 0))?;
    Ok(LegalBasis {
        kind,
        document: row.get(9)?,
        from: row.get::<_, Option<i32>>(10)?.map(LocalDay),
        until: row.get::<_, Option<i64>>(11)?.map(UtcMillis),
        handlers: names(12)?,
        subcontractors: names(13)?,
        returned: row.get::<_, Option<i64>>(14)?.map(UtcMillis),
    })
}

pub(crate) fn set_basis(writing: &Writing<'_>, recipient: RecipientId, basis: &LegalBasis, by: Actor) -> Result<()> {
    let known = self::recipient(writing, recipient)?.ok_or(StoreError::NotFound { what: "recipient" })?;
    let names = |names: &[String]| serde_json::to_string(names).map_err(|_| StoreError::damaged("a legal basis"));
    writing
        .execute(
            "UPDATE recipient SET basis = ?2, basis_document = ?3, basis_from = ?4, basis_until_ms = ?5, handlers = ?6,
                subcontractors = ?7, returned_ms = ?8 WHERE id = ?1",
            params![
                recipient.0,
                basis.kind as u8,
                basis.document,
                basis.from.map(|day| day.0),
                basis.until.map(|until| until.0),
                names(&basis.handlers)?,
                names(&basis.subcontractors)?,
                basis.returned.map(|at| at.0)
            ],
        )
        .doing("setting a legal basis")?;
    acts::record(
        writing,
        known.organisation,
        by,
        "legal-basis-set",
        &format!("recipient {recipient}, {}, {}", basis.kind.code(), basis.document),
    )
}

pub(crate) fn report_returned(writing: &Writing<'_>, recipient: RecipientId, by: Actor) -> Result<()> {
    let known = self::recipient(writing, recipient)?.ok_or(StoreError::NotFound { what: "recipient" })?;
    if !known.basis.owes_report(writing.now()) {
        return Err(StoreError::Invalid {
            what: "no report of return and erasure is owed",
        });
    }
    writing
        .execute(
            "UPDATE recipient SET returned_ms = ?2 WHERE id = ?1",
            params![recipient.0, writing.now().0],
        )
        .doing("noting a return")?;
    acts::record(
        writing,
        known.organisation,
        by,
        "data-returned",
        &format!("recipient {recipient}"),
    )
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

/// A state that cannot be read opens nothing.
fn state_of(number: u8) -> RegistrationState {
    RegistrationState::from_number(number).unwrap_or(RegistrationState::Blocked)
}

pub(crate) fn set_state(
    writing: &Writing<'_>,
    recipient: RecipientId,
    state: RegistrationState,
    by: Actor,
) -> Result<()> {
    let known = self::recipient(writing, recipient)?.ok_or(StoreError::NotFound { what: "recipient" })?;
    acts::record(
        writing,
        known.organisation,
        by,
        act("recipient", state),
        &format!("recipient {recipient}"),
    )?;
    if state == RegistrationState::Blocked {
        writing.journal(Step::BlockedRecipient, PersonId(0), recipient.0.into(), Vec::new())?;
    }
    match move_to(writing, recipient, state)? {
        true => Ok(()),
        false => Err(StoreError::NotFound { what: "recipient" }),
    }
}

/// The code of what moving a registration is.
fn act(what: &str, state: RegistrationState) -> &'static str {
    match (what, state) {
        ("client", RegistrationState::Proposed) => "client-suspended",
        ("client", RegistrationState::Approved) => "client-approved",
        ("client", RegistrationState::Blocked) => "client-blocked",
        (_, RegistrationState::Proposed) => "recipient-suspended",
        (_, RegistrationState::Approved) => "recipient-approved",
        (_, RegistrationState::Blocked) => "recipient-blocked",
    }
}

/// Carries out a block from the journal, on a database that may not know the recipient.
pub(crate) fn replay_block(snapshot: &Snapshot<'_>, entry: &Entry) -> Result<()> {
    move_to(snapshot, RecipientId(entry.subject as u32), RegistrationState::Blocked).map(|_| ())
}

fn move_to(snapshot: &Snapshot<'_>, recipient: RecipientId, state: RegistrationState) -> Result<bool> {
    snapshot
        .execute(
            "UPDATE recipient SET state = ?2 WHERE id = ?1",
            params![recipient.0, state as u8],
        )
        .doing("moving a recipient")
        .map(|changed| changed == 1)
}

/// The ground of a recipient and its document, while it is approved and the ground holds.
pub(crate) fn ground(snapshot: &Snapshot<'_>, recipient: RecipientId, now: UtcMillis) -> Result<Option<(u8, String)>> {
    snapshot
        .prepare_cached(
            "SELECT basis, basis_document FROM recipient
             WHERE id = ?1 AND state = 2 AND (basis_until_ms IS NULL OR basis_until_ms > ?2)",
        )
        .and_then(|mut statement| {
            statement
                .query_row(params![recipient.0, now.0], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        })
        .doing("reading a recipient's ground")
}

pub(crate) fn set_client_state(
    writing: &Writing<'_>,
    client_id: &str,
    state: RegistrationState,
    by: Actor,
) -> Result<()> {
    let known = client(writing, client_id)?.ok_or(StoreError::NotFound { what: "client" })?;
    let whose = recipient(writing, known.recipient)?.ok_or(StoreError::NotFound { what: "recipient" })?;
    acts::record(
        writing,
        whose.organisation,
        by,
        act("client", state),
        &format!("client {client_id}"),
    )?;
    let changed = writing
        .execute(
            "UPDATE client SET state = ?2 WHERE client_id = ?1",
            params![client_id, state as u8],
        )
        .doing("moving a client")?;
    match changed {
        0 => Err(StoreError::NotFound { what: "client" }),
        _ => Ok(()),
    }
}

pub(crate) fn create_client(writing: &Writing<'_>, new: &NewClient) -> Result<()> {
    if recipient(writing, new.recipient)?.is_none() {
        return Err(StoreError::NotFound { what: "recipient" });
    }
    let redirect_uris =
        serde_json::to_string(&new.redirect_uris).map_err(|_| StoreError::damaged("a client's redirect URIs"))?;
    let added = writing
        .execute(
            "INSERT INTO client (client_id, recipient, name, secret_hash, redirect_uris, launch_url, created_ms, keys,
                                 jwks_uri, scopes, registration_hash, state)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT DO NOTHING",
            params![
                new.client_id,
                new.recipient.0,
                new.name,
                new.secret_hash,
                redirect_uris,
                new.launch_url,
                writing.now().0,
                new.keys,
                new.jwks_uri,
                new.scopes,
                new.registration_hash,
                new.state as u8
            ],
        )
        .doing("making a client")?;
    if added == 0 {
        return Err(StoreError::Exists { what: "client" });
    }
    Ok(())
}

pub(crate) fn replace_client(writing: &Writing<'_>, client_id: &str, new: Option<&NewClient>) -> Result<()> {
    let known = client(writing, client_id)?.ok_or(StoreError::NotFound { what: "client" })?;
    if new.is_some_and(|new| new.client_id != known.client_id || new.recipient != known.recipient) {
        return Err(StoreError::Invalid {
            what: "a client keeps its id and its recipient",
        });
    }
    writing
        .execute("DELETE FROM client WHERE client_id = ?1", [client_id])
        .doing("replacing a client")?;
    match new {
        Some(new) => create_client(writing, new),
        None => authorization::end_of_client(writing, client_id),
    }
}

const CLIENT: &str = "SELECT client.client_id, client.recipient, client.name, client.secret_hash, client.redirect_uris,
        client.launch_url, client.created_ms, client.keys, client.jwks_uri, client.scopes, client.registration_hash,
        client.state, CASE WHEN recipient.basis_until_ms <= ?2 THEN 3 ELSE recipient.state END
    FROM client JOIN recipient ON recipient.id = client.recipient";

pub(crate) fn client(snapshot: &Snapshot<'_>, client_id: &str) -> Result<Option<Client>> {
    snapshot
        .prepare_cached(&format!("{CLIENT} WHERE client.client_id = ?1"))
        .and_then(|mut statement| {
            statement
                .query_row(params![client_id, snapshot.shared().clock.now().0], read_client)
                .optional()
        })
        .doing("reading a client")?
        .transpose()
}

pub(crate) fn clients(snapshot: &Snapshot<'_>, recipient: RecipientId) -> Result<Vec<Client>> {
    let rows: Vec<Result<Client>> = snapshot
        .prepare_cached(&format!(
            "{CLIENT} WHERE client.recipient = ?1 ORDER BY client.created_ms, client.client_id"
        ))
        .and_then(|mut statement| {
            statement
                .query_map(params![recipient.0, snapshot.shared().clock.now().0], read_client)?
                .collect()
        })
        .doing("listing clients")?;
    rows.into_iter().collect()
}

fn read_client(row: &Row<'_>) -> rusqlite::Result<Result<Client>> {
    let redirect_uris: String = row.get(4)?;
    let Ok(redirect_uris) = serde_json::from_str(&redirect_uris) else {
        return Ok(Err(StoreError::damaged("a client's redirect URIs")));
    };
    Ok(Ok(Client {
        client_id: row.get(0)?,
        recipient: RecipientId(row.get(1)?),
        name: row.get(2)?,
        secret_hash: row.get(3)?,
        redirect_uris,
        launch_url: row.get(5)?,
        created: UtcMillis(row.get(6)?),
        keys: row.get(7)?,
        jwks_uri: row.get(8)?,
        scopes: row.get(9)?,
        registration_hash: row.get(10)?,
        state: state_of(row.get(11)?),
        recipient_state: state_of(row.get(12)?),
    }))
}
