//! Codes and tokens that were handed out: each step of their states in one commit.

use std::sync::Arc;

use consent::code::{Binding, Code, CodeError};
use consent::token::{RefreshError, TokenKind};
use consent::{ConsentId, FamilyId, PersonConsents, Purpose};
use model::{PersonId, RecipientId, UtcMillis};

use super::HandleHash;
use crate::sqlite;
use crate::{Result, Store};

/// What a client holds for itself: it speaks for a recipient, of no person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemToken {
    /// The client it was issued to.
    pub client_id: String,
    /// For whom.
    pub recipient: RecipientId,
    /// For what.
    pub purpose: Purpose,
    /// Its scopes, each of `system/`.
    pub scopes: String,
    /// The first instant at which it does not hold any more.
    pub expires: UtcMillis,
}

/// An authorization code with all it is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeRecord {
    /// The client it is issued to.
    pub client_id: String,
    /// Where it was sent.
    pub redirect_uri: String,
    /// The PKCE challenge: SHA-256 of the verifier.
    pub code_challenge: [u8; 32],
    /// Whose data.
    pub person: PersonId,
    /// For whom.
    pub recipient: RecipientId,
    /// Under which consent.
    pub consent: ConsentId,
    /// The scopes that were agreed to.
    pub scopes: String,
    /// The OpenID nonce, if one was sent.
    pub nonce: Option<String>,
    /// When the resident signed in who agreed to it, where one did.
    pub signed_in: Option<UtcMillis>,
    /// Where it is in its life, its family and its expiry.
    pub code: Code,
}

/// A token to be issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewToken {
    /// SHA-256 of the handle.
    pub hash: HandleHash,
    /// The first instant at which it does not hold any more.
    pub expires: UtcMillis,
}

/// The tokens of one generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTokens {
    /// Shown with every request for data.
    pub access: NewToken,
    /// Exchanged for the next generation; `None` without `offline_access`.
    pub refresh: Option<NewToken>,
    /// The scopes of the access token.
    pub scopes: String,
}

/// What a token stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRecord {
    /// The client it was issued to.
    pub client_id: String,
    /// Whose data.
    pub person: PersonId,
    /// For whom.
    pub recipient: RecipientId,
    /// Under which consent.
    pub consent: ConsentId,
    /// Its scopes.
    pub scopes: String,
    /// All that came of the same code.
    pub family: FamilyId,
    /// The first instant at which it does not hold any more.
    pub expires: UtcMillis,
}

/// What came of showing a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redemption {
    /// The tokens are issued.
    Redeemed(CodeRecord),
    /// The code does not give any: `invalid_grant`. A reused one has ended its family.
    Refused(CodeError),
    /// The consent ended in the meantime: `invalid_grant`.
    ConsentEnded,
    /// There is no such code: `invalid_grant`.
    Unknown,
}

/// What came of showing a refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// The next generation is issued; this is its access token.
    Rotated(TokenRecord),
    /// It gives nothing: `invalid_grant`. A reused one has ended its family.
    Refused(RefreshError),
    /// The consent has run out: `invalid_grant`.
    ConsentEnded,
    /// There is no such refresh token: `invalid_grant`.
    Unknown,
}

/// What came of a client's wish to end a token (RFC 7009).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// It and all that came of the same code have ended, now or before.
    Ended,
    /// It is another client's; nothing happened.
    OtherClient,
    /// There is no such token, which is just as well.
    Unknown,
}

impl Store {
    /// Keeps an access token that a client holds for itself.
    ///
    /// # Errors
    /// What writing can answer.
    pub async fn save_system_token(&self, hash: HandleHash, token: SystemToken) -> Result<()> {
        self.database
            .write("save system token", move |writing| {
                sqlite::authorization::save_system_token(writing, &hash, &token)
            })
            .await
    }

    /// What a client's own token stands for, while it holds and its client and recipient are approved.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn system_token(&self, hash: HandleHash, now: UtcMillis) -> Result<Option<SystemToken>> {
        self.database
            .read("read system token", move |reading| {
                sqlite::authorization::system_token(reading, &hash, now)
            })
            .await
    }

    /// Keeps a code that was just issued.
    ///
    /// # Errors
    /// [`StoreError::NoPerson`], [`StoreError::Erased`], and what writing can answer.
    pub async fn save_code(&self, hash: HandleHash, record: CodeRecord) -> Result<()> {
        self.database
            .write("save code", move |writing| {
                sqlite::authorization::save_code(writing, &hash, &record)
            })
            .await
    }

    /// What a code is bound to, for making its tokens; it is not used up by this.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn code_record(&self, hash: HandleHash) -> Result<Option<CodeRecord>> {
        self.database
            .read("read code", move |reading| {
                sqlite::authorization::code_record(reading, &hash)
            })
            .await
    }

    /// Redeems a code and keeps its first tokens in one commit. A code that comes again ends its family in that commit.
    ///
    /// # Errors
    /// What writing can answer; refusals are in the answer.
    pub async fn redeem_code(
        &self,
        hash: HandleHash,
        shown: Binding<'_>,
        first: NewTokens,
        now: UtcMillis,
    ) -> Result<Redemption> {
        let (client_id, redirect_uri) = (shown.client_id.to_owned(), shown.redirect_uri.to_owned());
        let code_challenge = *shown.code_challenge;
        self.database
            .write("redeem code", move |writing| {
                let shown = Binding {
                    client_id: &client_id,
                    redirect_uri: &redirect_uri,
                    code_challenge: &code_challenge,
                };
                sqlite::authorization::redeem_code(writing, &hash, shown, &first, now)
            })
            .await
    }

    /// What an access token stands for, while it has not expired, its generation lives and its consent is active.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn access_token(&self, hash: HandleHash, now: UtcMillis) -> Result<Option<TokenRecord>> {
        self.database
            .read("read access token", move |reading| {
                sqlite::authorization::living_token(reading, &hash, TokenKind::Access, now)
            })
            .await
    }

    /// What an access token stands for, as [`Store::access_token`], and the consents of its person in the same view of the data.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn token_and_consents(
        &self,
        hash: HandleHash,
        now: UtcMillis,
    ) -> Result<Option<(TokenRecord, Arc<PersonConsents>)>> {
        // What every request asks: three rows by their keys. Where the consents must be read first, that is for another thread.
        let now_or_never = self.database.read_now(|reading| {
            let token = sqlite::authorization::living_token(reading, &hash, TokenKind::Access, now)?;
            let Some(token) = token else { return Ok(Some(None)) };
            let held = sqlite::consents::held_consents(reading, token.person)?;
            Ok(held.map(|consents| Some((token, consents))))
        });
        if let Some(answer) = now_or_never.transpose()?.flatten() {
            return Ok(answer);
        }
        self.database
            .read("read access token", move |reading| {
                let token = sqlite::authorization::living_token(reading, &hash, TokenKind::Access, now)?;
                token
                    .map(|token| {
                        let consents = sqlite::consents::person_consents(reading, token.person)?;
                        Ok((token, consents))
                    })
                    .transpose()
            })
            .await
    }

    /// What a refresh token stands for, while it would rotate as the latest of its family and its consent is active.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn refresh_token(&self, hash: HandleHash, now: UtcMillis) -> Result<Option<TokenRecord>> {
        self.database
            .read("read living refresh token", move |reading| {
                sqlite::authorization::living_token(reading, &hash, TokenKind::Refresh, now)
            })
            .await
    }

    /// What a refresh token stands for, whether or not it still holds, for making the next generation's tokens.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn refresh_record(&self, hash: HandleHash) -> Result<Option<TokenRecord>> {
        self.database
            .read("read refresh token", move |reading| {
                sqlite::authorization::refresh_record(reading, &hash)
            })
            .await
    }

    /// Exchanges a refresh token for the next generation in one commit. The scopes of the new access token are those of
    /// `new`; the new refresh token keeps those of the old one (RFC 6749 6). A token that comes again ends its family.
    ///
    /// # Errors
    /// What writing can answer; refusals are in the answer.
    pub async fn rotate_refresh(
        &self,
        hash: HandleHash,
        client_id: &str,
        new: NewTokens,
        now: UtcMillis,
    ) -> Result<Rotation> {
        let client_id = client_id.to_owned();
        self.database
            .write("rotate refresh token", move |writing| {
                sqlite::authorization::rotate_refresh(writing, &hash, &client_id, &new, now)
            })
            .await
    }

    /// Ends a token of either kind, and all that came of the same code (RFC 7009).
    ///
    /// # Errors
    /// What writing can answer.
    pub async fn revoke_token(&self, hash: HandleHash, client_id: &str) -> Result<Revocation> {
        let client_id = client_id.to_owned();
        self.database
            .write("revoke token", move |writing| {
                sqlite::authorization::revoke_token(writing, &hash, &client_id)
            })
            .await
    }

    /// Deletes codes, tokens, sessions and requests that have run out, and marks consents expired of which nothing holds any
    /// more. How many rows are gone.
    ///
    /// # Errors
    /// What writing can answer.
    pub async fn purge_expired(&self, now: UtcMillis) -> Result<u64> {
        self.database
            .write("purge expired", move |writing| {
                sqlite::consents::expire(writing, now)?;
                sqlite::authorization::purge_expired(writing, now)
            })
            .await
    }
}
