//! SQL of codes, families and tokens: their states here, their rules in `consent::code` and `consent::token`.

use consent::code::{Binding, Code, CodeError, CodeState};
use consent::token::{Family, RefreshError, RevokedBy, ShownRefresh, TokenKind};
use consent::{ConsentId, FamilyId, Purpose};
use model::{PersonId, RecipientId, UtcMillis};
use rusqlite::{OptionalExtension as _, Row, params};

use super::database::Snapshot;
use super::fault::Doing as _;
use super::jobs;
use super::writer::Writing;
use crate::{
    CodeRecord, HandleHash, NewToken, NewTokens, Redemption, Result, Revocation, Rotation, StoreError, SystemToken,
    TokenRecord,
};

/// A family with what all its tokens share.
struct StoredFamily {
    family: Family,
    client_id: String,
    person: PersonId,
    recipient: RecipientId,
    consent: ConsentId,
}

impl StoredFamily {
    fn record(&self, scopes: String, expires: UtcMillis) -> TokenRecord {
        TokenRecord {
            client_id: self.client_id.clone(),
            person: self.person,
            recipient: self.recipient,
            consent: self.consent,
            scopes,
            family: self.family.id,
            expires,
        }
    }
}

struct StoredToken {
    family: FamilyId,
    generation: u32,
    scopes: String,
    expires: UtcMillis,
}

pub(crate) fn save_code(writing: &Writing<'_>, hash: &HandleHash, record: &CodeRecord) -> Result<()> {
    writing.person_key(record.person)?;
    writing
        .prepare_cached(
            "INSERT INTO code (hash, person, recipient, consent, family, state, client_id, redirect_uri, code_challenge,
             scopes, nonce, expires_ms, signed_in_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                hash,
                record.person.0,
                record.recipient.0,
                record.consent.0 as i64,
                record.code.family.0 as i64,
                record.code.state as u8,
                record.client_id,
                record.redirect_uri,
                record.code_challenge,
                record.scopes,
                record.nonce,
                record.code.expires.0,
                record.signed_in.map(|at| at.0),
            ])
        })
        .doing("keeping a code")
        .map(|_| ())
}

pub(crate) fn code_record(snapshot: &Snapshot<'_>, hash: &HandleHash) -> Result<Option<CodeRecord>> {
    let read = |row: &Row<'_>| -> rusqlite::Result<(CodeRecord, u8)> {
        let record = CodeRecord {
            person: PersonId(row.get(0)?),
            recipient: RecipientId(row.get(1)?),
            consent: ConsentId(row.get::<_, i64>(2)? as u64),
            client_id: row.get(5)?,
            redirect_uri: row.get(6)?,
            code_challenge: row.get(7)?,
            scopes: row.get(8)?,
            nonce: row.get(9)?,
            signed_in: row.get::<_, Option<i64>>(11)?.map(UtcMillis),
            code: Code {
                state: CodeState::Redeemed,
                family: FamilyId(row.get::<_, i64>(3)? as u64),
                expires: UtcMillis(row.get(10)?),
            },
        };
        Ok((record, row.get(4)?))
    };
    let found = snapshot
        .prepare_cached(
            "SELECT person, recipient, consent, family, state, client_id, redirect_uri, code_challenge, scopes, nonce,
             expires_ms, signed_in_ms FROM code WHERE hash = ?1",
        )
        .and_then(|mut statement| statement.query_row([hash], read).optional())
        .doing("reading a code")?;
    found
        .map(|(mut record, state)| {
            record.code.state = CodeState::from_number(state).ok_or_else(|| StoreError::damaged("a code's state"))?;
            Ok(record)
        })
        .transpose()
}

pub(crate) fn redeem_code(
    writing: &Writing<'_>,
    hash: &HandleHash,
    shown: Binding<'_>,
    first: &NewTokens,
    now: UtcMillis,
) -> Result<Redemption> {
    let Some(mut record) = code_record(writing, hash)? else {
        return Ok(Redemption::Unknown);
    };
    let bound = Binding {
        client_id: &record.client_id,
        redirect_uri: &record.redirect_uri,
        code_challenge: &record.code_challenge,
    };
    record.code = match record.code.redeem(bound, shown, now) {
        Ok(code) => code,
        Err(error) => {
            if let CodeError::Reused { family } = error {
                revoke_family(writing, family, RevokedBy::CodeReuse)?;
            }
            return Ok(Redemption::Refused(error));
        }
    };
    if !is_active(writing, record.consent, now)? {
        return Ok(Redemption::ConsentEnded);
    }
    writing
        .prepare_cached("UPDATE code SET state = ?2 WHERE hash = ?1")
        .and_then(|mut statement| statement.execute(params![hash, record.code.state as u8]))
        .doing("redeeming a code")?;
    let family = Family::begin(record.code.family, now);
    writing
        .prepare_cached(
            "INSERT INTO token_family (id, person, recipient, consent, client_id, generation, parent, rotated_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                family.id.0 as i64,
                record.person.0,
                record.recipient.0,
                record.consent.0 as i64,
                record.client_id,
                family.generation,
                family.parent,
                family.rotated_at.0,
            ])
        })
        .doing("beginning a family of tokens")?;
    save_token(
        writing,
        record.person,
        family,
        TokenKind::Access,
        first.access,
        &first.scopes,
    )?;
    if let Some(refresh) = first.refresh {
        save_token(
            writing,
            record.person,
            family,
            TokenKind::Refresh,
            refresh,
            &record.scopes,
        )?;
    }
    Ok(Redemption::Redeemed(record))
}

fn save_token(
    writing: &Writing<'_>,
    person: PersonId,
    family: Family,
    kind: TokenKind,
    token: NewToken,
    scopes: &str,
) -> Result<()> {
    writing
        .prepare_cached(
            "INSERT INTO token (hash, person, family, generation, kind, scopes, expires_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                token.hash,
                person.0,
                family.id.0 as i64,
                family.generation,
                kind as u8,
                scopes,
                token.expires.0,
            ])
        })
        .doing("keeping a token")
        .map(|_| ())
}

fn token(snapshot: &Snapshot<'_>, hash: &HandleHash, kind: TokenKind) -> Result<Option<StoredToken>> {
    snapshot
        .prepare_cached("SELECT family, generation, scopes, expires_ms FROM token WHERE hash = ?1 AND kind = ?2")
        .and_then(|mut statement| {
            statement
                .query_row(params![hash, kind as u8], |row| {
                    Ok(StoredToken {
                        family: FamilyId(row.get::<_, i64>(0)? as u64),
                        generation: row.get(1)?,
                        scopes: row.get(2)?,
                        expires: UtcMillis(row.get(3)?),
                    })
                })
                .optional()
        })
        .doing("reading a token")
}

fn family(snapshot: &Snapshot<'_>, id: FamilyId) -> Result<Option<StoredFamily>> {
    let found = snapshot
        .prepare_cached(
            "SELECT person, recipient, consent, client_id, generation, parent, rotated_ms, revoked
             FROM token_family WHERE id = ?1",
        )
        .and_then(|mut statement| {
            statement
                .query_row([id.0 as i64], |row| {
                    let stored = StoredFamily {
                        person: PersonId(row.get(0)?),
                        recipient: RecipientId(row.get(1)?),
                        consent: ConsentId(row.get::<_, i64>(2)? as u64),
                        client_id: row.get(3)?,
                        family: Family {
                            id,
                            generation: row.get(4)?,
                            parent: row.get(5)?,
                            rotated_at: UtcMillis(row.get(6)?),
                            revoked: None,
                        },
                    };
                    Ok((stored, row.get::<_, Option<u8>>(7)?))
                })
                .optional()
        })
        .doing("reading a family of tokens")?;
    let Some((mut stored, revoked)) = found else {
        return Ok(None);
    };
    // A cause that this version does not know ends the family all the same.
    stored.family.revoked = revoked.map(|cause| RevokedBy::from_number(cause).unwrap_or(RevokedBy::Operator));
    Ok(Some(stored))
}

fn save_family(writing: &Writing<'_>, family: Family) -> Result<()> {
    writing
        .prepare_cached(
            "UPDATE token_family SET generation = ?2, parent = ?3, rotated_ms = ?4, revoked = ?5 WHERE id = ?1",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                family.id.0 as i64,
                family.generation,
                family.parent,
                family.rotated_at.0,
                family.revoked.map(|cause| cause as u8),
            ])
        })
        .doing("keeping a family of tokens")
        .map(|_| ())
}

/// Ends a family, if it is there and has not ended before.
fn revoke_family(writing: &Writing<'_>, id: FamilyId, by: RevokedBy) -> Result<()> {
    let Some(stored) = family(writing, id)? else {
        return Ok(());
    };
    match stored.family.revoke(by) {
        Ok(revoked) => save_family(writing, revoked),
        Err(_already) => Ok(()),
    }
}

/// True while a consent is active, something of it holds, its recipient is not blocked and has its ground.
fn is_active(snapshot: &Snapshot<'_>, consent: ConsentId, now: UtcMillis) -> Result<bool> {
    snapshot
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM consent JOIN recipient ON recipient.id = consent.recipient
             WHERE consent.id = ?1 AND consent.state = 1 AND (ends_ms IS NULL OR ends_ms > ?2) AND recipient.state = 2
             AND (recipient.basis_until_ms IS NULL OR recipient.basis_until_ms > ?2))",
        )
        .and_then(|mut statement| statement.query_row([consent.0 as i64, now.0], |row| row.get(0)))
        .doing("reading a consent's state")
}

/// What a token stands for, while it has not expired, its generation lives and its consent is active.
pub(crate) fn living_token(
    snapshot: &Snapshot<'_>,
    hash: &HandleHash,
    kind: TokenKind,
    now: UtcMillis,
) -> Result<Option<TokenRecord>> {
    let Some(token) = token(snapshot, hash, kind)?.filter(|token| token.expires > now) else {
        return Ok(None);
    };
    let living = family(snapshot, token.family)?.filter(|stored| stored.family.admits(token.generation));
    let Some(stored) = living else {
        return Ok(None);
    };
    Ok(is_active(snapshot, stored.consent, now)?.then(|| stored.record(token.scopes, token.expires)))
}

pub(crate) fn refresh_record(snapshot: &Snapshot<'_>, hash: &HandleHash) -> Result<Option<TokenRecord>> {
    let Some(token) = token(snapshot, hash, TokenKind::Refresh)? else {
        return Ok(None);
    };
    Ok(family(snapshot, token.family)?.map(|stored| stored.record(token.scopes, token.expires)))
}

pub(crate) fn rotate_refresh(
    writing: &Writing<'_>,
    hash: &HandleHash,
    client_id: &str,
    new: &NewTokens,
    now: UtcMillis,
) -> Result<Rotation> {
    let Some(token) = token(writing, hash, TokenKind::Refresh)? else {
        return Ok(Rotation::Unknown);
    };
    let Some(mut stored) = family(writing, token.family)? else {
        return Ok(Rotation::Unknown);
    };
    let shown = ShownRefresh {
        generation: token.generation,
        expires: token.expires,
        issued_to: &stored.client_id,
        shown_by: client_id,
    };
    stored.family = match stored.family.rotate(shown, now) {
        Ok(next) => next,
        Err(error) => {
            if let RefreshError::Reused { family } = error {
                revoke_family(writing, family, RevokedBy::RefreshReuse)?;
            }
            return Ok(Rotation::Refused(error));
        }
    };
    if !is_active(writing, stored.consent, now)? {
        return Ok(Rotation::ConsentEnded);
    }
    save_family(writing, stored.family)?;
    save_token(
        writing,
        stored.person,
        stored.family,
        TokenKind::Access,
        new.access,
        &new.scopes,
    )?;
    if let Some(refresh) = new.refresh {
        save_token(
            writing,
            stored.person,
            stored.family,
            TokenKind::Refresh,
            refresh,
            &token.scopes,
        )?;
    }
    Ok(Rotation::Rotated(stored.record(new.scopes.clone(), new.access.expires)))
}

pub(crate) fn revoke_token(writing: &Writing<'_>, hash: &HandleHash, client_id: &str) -> Result<Revocation> {
    let found = match token(writing, hash, TokenKind::Refresh)? {
        Some(token) => Some(token),
        None => token(writing, hash, TokenKind::Access)?,
    };
    let Some(token) = found else {
        return Ok(Revocation::Unknown);
    };
    let Some(stored) = family(writing, token.family)? else {
        return Ok(Revocation::Unknown);
    };
    if stored.client_id != client_id {
        return Ok(Revocation::OtherClient);
    }
    revoke_family(writing, token.family, RevokedBy::Client)?;
    Ok(Revocation::Ended)
}

/// True when no assertion of this hash was used before.
pub(crate) fn use_assertion(writing: &Writing<'_>, hash: &HandleHash, until: UtcMillis) -> Result<bool> {
    writing
        .prepare_cached("INSERT INTO client_assertion (hash, expires_ms) VALUES (?1, ?2) ON CONFLICT DO NOTHING")
        .and_then(|mut statement| statement.execute(params![hash, until.0]))
        .doing("using a client's assertion")
        .map(|added| added == 1)
}

/// Ends all that was handed out under a consent that has ended.
pub(crate) fn end_of_consent(snapshot: &Snapshot<'_>, consent: ConsentId) -> Result<()> {
    snapshot
        .prepare_cached("UPDATE token_family SET revoked = ?2 WHERE consent = ?1 AND revoked IS NULL")
        .and_then(|mut statement| statement.execute(params![consent.0 as i64, RevokedBy::Consent as u8]))
        .doing("ending tokens")
        .map(|_| ())
}

/// Ends all that was handed out to a client that is registered no more.
pub(crate) fn end_of_client(writing: &Writing<'_>, client_id: &str) -> Result<()> {
    for statement in [
        "DELETE FROM token WHERE family IN (SELECT id FROM token_family WHERE client_id = ?1)",
        "DELETE FROM code WHERE client_id = ?1",
        "DELETE FROM system_token WHERE client_id = ?1",
    ] {
        writing
            .execute(statement, [client_id])
            .doing("ending a client's tokens")?;
    }
    Ok(())
}

pub(crate) fn save_system_token(writing: &Writing<'_>, hash: &HandleHash, token: &SystemToken) -> Result<()> {
    writing
        .prepare_cached(
            "INSERT INTO system_token (hash, client_id, recipient, purpose, scopes, expires_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                hash,
                token.client_id,
                token.recipient.0,
                token.purpose.as_str(),
                token.scopes,
                token.expires.0
            ])
        })
        .doing("keeping a client's own token")
        .map(|_| ())
}

pub(crate) fn system_token(snapshot: &Snapshot<'_>, hash: &HandleHash, now: UtcMillis) -> Result<Option<SystemToken>> {
    type Found = (String, u32, String, String, i64);
    let found: Option<Found> = snapshot
        .prepare_cached(
            "SELECT token.client_id, token.recipient, token.purpose, token.scopes, token.expires_ms FROM system_token token
             JOIN recipient ON recipient.id = token.recipient JOIN client ON client.client_id = token.client_id
             WHERE token.hash = ?1 AND token.expires_ms > ?2 AND recipient.state = 2 AND client.state = 2
             AND (recipient.basis_until_ms IS NULL OR recipient.basis_until_ms > ?2)",
        )
        .and_then(|mut statement| {
            statement
                .query_row(params![hash, now.0], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
                })
                .optional()
        })
        .doing("reading a client's own token")?;
    found
        .map(|(client_id, recipient, purpose, scopes, expires)| {
            Ok(SystemToken {
                client_id,
                recipient: RecipientId(recipient),
                purpose: Purpose::new(purpose).map_err(|_| StoreError::damaged("system_token"))?,
                scopes,
                expires: UtcMillis(expires),
            })
        })
        .transpose()
}

/// Deletes what has run out. A redeemed code stays as long as its family, so that a second time is noticed; a family as long
/// as any of its tokens.
pub(crate) fn purge_expired(writing: &Writing<'_>, now: UtcMillis) -> Result<u64> {
    let mut deleted = 0;
    for statement in [
        "DELETE FROM token WHERE expires_ms <= ?1",
        "DELETE FROM token_family WHERE ?1 IS NOT NULL
         AND NOT EXISTS (SELECT 1 FROM token WHERE token.family = token_family.id)",
        "DELETE FROM code WHERE expires_ms <= ?1
         AND NOT EXISTS (SELECT 1 FROM token_family WHERE token_family.id = code.family)",
        "DELETE FROM session WHERE expires_ms <= ?1",
        "DELETE FROM operator_session WHERE expires_ms <= ?1",
        "DELETE FROM system_token WHERE expires_ms <= ?1",
        "DELETE FROM client_assertion WHERE expires_ms <= ?1",
        "DELETE FROM pending WHERE expires_ms <= ?1",
    ] {
        deleted += writing.execute(statement, [now.0]).doing("deleting what has run out")?;
    }
    Ok((deleted + jobs::purge(writing, now)?) as u64)
}
