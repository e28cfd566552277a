//! Recipients and their clients, and what is handed out: codes, tokens, sessions, and requests under way.
//!
//! Handles never come here, only their SHA-256. The rules of codes and tokens are `consent::code` and `consent::token`;
//! this keeps their states, each step in one commit. A restore ends all that was handed out.

use std::sync::Arc;

use consent::code::{Binding, Code, CodeError};
use consent::token::{RefreshError, TokenKind};
use consent::{ConsentId, FamilyId, Language, PersonConsents, Purpose};
use model::{OrganisationId, PersonId, RecipientId, UtcMillis};

use crate::sqlite;
use crate::{Actor, LegalBasis, Result, Store, StoreError};

/// SHA-256 of a handle's text.
pub type HandleHash = [u8; 32];

/// A purpose that a recipient may ask for, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurposeText {
    /// Its code.
    pub purpose: Purpose,
    /// What it means, in Japanese.
    pub ja: String,
    /// What it means, in English.
    pub en: String,
}

/// Where a registration stands. The numbers are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum RegistrationState {
    /// Asked for; opens nothing.
    #[default]
    Proposed = 1,
    /// An operator approved it.
    Approved = 2,
    /// An operator stopped it: nothing of it works, from the next request on.
    Blocked = 3,
}

impl RegistrationState {
    /// The state with this number, as stored.
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::Proposed, Self::Approved, Self::Blocked]
            .into_iter()
            .find(|state| *state as u8 == number)
    }
}

/// Who stands behind a recipient, for residents to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Responsible {
    /// The company or office; may be empty where it is the organisation itself.
    pub company: String,
    /// Whom to ask: a telephone number or a mail address.
    pub contact: String,
    /// Address of the privacy policy.
    pub privacy_policy: String,
}

/// A recipient to be registered.
#[derive(Clone, Debug, Default)]
pub struct NewRecipient {
    /// Whose it is.
    pub organisation: OrganisationId,
    /// Its Japanese name.
    pub name_ja: String,
    /// Its English name.
    pub name_en: String,
    /// What it may ask for; at least one, the first is what a client that names none asks for.
    pub purposes: Vec<PurposeText>,
    /// Who stands behind it.
    pub responsible: Responsible,
    /// Where it stands.
    pub state: RegistrationState,
}

/// Who consents are given to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// Its number, never given twice.
    pub id: RecipientId,
    /// Whose it is.
    pub organisation: OrganisationId,
    /// Its Japanese name.
    pub name_ja: String,
    /// Its English name.
    pub name_en: String,
    /// What it may ask for, in the order of registration.
    pub purposes: Vec<PurposeText>,
    /// Who stands behind it.
    pub responsible: Responsible,
    /// Where it stands.
    pub state: RegistrationState,
    /// On what ground it is given data.
    pub basis: LegalBasis,
    /// When it was registered.
    pub created: UtcMillis,
}

/// A client to be registered.
#[derive(Clone, Debug, Default)]
pub struct NewClient {
    /// Its public name in OAuth: 1 to 128 of `A-Z`, `a-z`, `0-9`, `-`, `.`, `_`, `~`.
    pub client_id: String,
    /// The recipient it works for.
    pub recipient: RecipientId,
    /// What it is called.
    pub name: String,
    /// SHA-256 of its secret, if it has one.
    pub secret_hash: Option<HandleHash>,
    /// Its public keys as a JSON Web Key Set, if it signs assertions. With neither it is a public client.
    pub keys: Option<String>,
    /// Where codes may be sent: 1 to 16, absolute and without a fragment.
    pub redirect_uris: Vec<String>,
    /// Where a resident starts it, if anywhere.
    pub launch_url: Option<String>,
    /// Where its public keys are published, if they are fetched rather than given.
    pub jwks_uri: Option<String>,
    /// The most that it may ask for; `None`: whatever is offered.
    pub scopes: Option<String>,
    /// SHA-256 of the token with which it manages its own registration, if it has one.
    pub registration_hash: Option<HandleHash>,
    /// Where its registration stands.
    pub state: RegistrationState,
}

/// A program that acts for a recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its public name in OAuth.
    pub client_id: String,
    /// The recipient it works for.
    pub recipient: RecipientId,
    /// What it is called.
    pub name: String,
    /// SHA-256 of its secret, if it has one.
    pub secret_hash: Option<HandleHash>,
    /// Its public keys as a JSON Web Key Set, if it signs assertions. With neither it is a public client.
    pub keys: Option<String>,
    /// Where codes may be sent.
    pub redirect_uris: Vec<String>,
    /// Where a resident starts it, if anywhere.
    pub launch_url: Option<String>,
    /// Where its public keys are published, if they are fetched rather than given.
    pub jwks_uri: Option<String>,
    /// The most that it may ask for; `None`: whatever is offered.
    pub scopes: Option<String>,
    /// SHA-256 of the token with which it manages its own registration, if it has one.
    pub registration_hash: Option<HandleHash>,
    /// Where its registration stands; that of its recipient counts too, see [`Client::works`].
    pub state: RegistrationState,
    /// Where its recipient's registration stands.
    pub recipient_state: RegistrationState,
    /// When it was registered.
    pub created: UtcMillis,
}

impl Client {
    /// True when it and its recipient are approved, and the recipient's ground holds.
    pub fn works(&self) -> bool {
        self.state == RegistrationState::Approved && self.recipient_state == RegistrationState::Approved
    }

    /// True when it proves itself by a signature.
    pub fn signs(&self) -> bool {
        self.keys.is_some() || self.jwks_uri.is_some()
    }
}

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

/// A resident's session in the browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// Who signed in.
    pub person: PersonId,
    /// Issuer of the provider that signed them in.
    pub issuer: String,
    /// The level of assurance it stated, if any.
    pub assurance: Option<String>,
    /// The language they chose.
    pub language: Language,
    /// When they signed in.
    pub issued: UtcMillis,
    /// For whom they act; whether they still may is asked each time. `None`: for themselves.
    pub acting_for: Option<PersonId>,
    /// The first instant at which it does not hold any more.
    pub expires: UtcMillis,
}

impl Store {
    /// Registers a recipient.
    ///
    /// # Errors
    /// [`StoreError::NoOrganisation`], [`StoreError::Invalid`] for names, texts and purposes that cannot be, and what writing
    /// can answer.
    pub async fn create_recipient(&self, new: NewRecipient) -> Result<RecipientId> {
        let fits = |text: &str| !text.trim().is_empty() && text.len() <= 1_024;
        let texts = new.purposes.iter().flat_map(|purpose| [&purpose.ja, &purpose.en]);
        if ![&new.name_ja, &new.name_en]
            .into_iter()
            .chain(texts)
            .all(|text| fits(text))
        {
            return Err(StoreError::Invalid {
                what: "a recipient's names and the texts of its purposes have 1 to 1024 bytes",
            });
        }
        if !(1..=16).contains(&new.purposes.len()) {
            return Err(StoreError::Invalid {
                what: "a recipient has 1 to 16 purposes",
            });
        }
        self.database
            .write("create recipient", move |writing| {
                sqlite::recipients::create(writing, &new)
            })
            .await
    }

    /// One recipient.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn recipient(&self, recipient: RecipientId) -> Result<Option<Recipient>> {
        self.database
            .read("read recipient", move |reading| {
                sqlite::recipients::recipient(reading, recipient)
            })
            .await
    }

    /// All recipients, the one registered first first.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn recipients(&self) -> Result<Vec<Recipient>> {
        self.database
            .read("list recipients", sqlite::recipients::recipients)
            .await
    }

    /// Moves a recipient's registration: approved, or blocked. A block is journaled, stops its tokens and sessions of reading
    /// from the next request on, and outlives the restore of an older database.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a recipient that is not registered, and what writing can answer.
    pub async fn set_recipient_state(&self, recipient: RecipientId, state: RegistrationState, by: Actor) -> Result<()> {
        self.database
            .write("move a recipient", move |writing| {
                sqlite::recipients::set_state(writing, recipient, state, by)
            })
            .await
    }

    /// Moves a client's registration.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a client that is not registered, and what writing can answer.
    pub async fn set_client_state(&self, client_id: &str, state: RegistrationState, by: Actor) -> Result<()> {
        let client_id = client_id.to_owned();
        self.database
            .write("move a client", move |writing| {
                sqlite::recipients::set_client_state(writing, &client_id, state, by)
            })
            .await
    }

    /// The clients of a recipient, the one registered first first.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn clients(&self, recipient: RecipientId) -> Result<Vec<Client>> {
        self.database
            .read("list clients", move |reading| {
                sqlite::recipients::clients(reading, recipient)
            })
            .await
    }

    /// Replaces a client's registration by another of the same id and recipient (RFC 7592), or takes it away with all its
    /// tokens.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a client that is not registered, [`StoreError::Invalid`] for what cannot be, and what
    /// writing can answer.
    pub async fn replace_client(&self, client_id: &str, new: Option<NewClient>) -> Result<()> {
        if let Some(new) = &new {
            check_client(new)?;
        }
        let client_id = client_id.to_owned();
        self.database
            .write("replace a client", move |writing| {
                sqlite::recipients::replace_client(writing, &client_id, new.as_ref())
            })
            .await
    }

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

    /// Registers a client of a recipient.
    ///
    /// # Errors
    /// [`StoreError::Exists`] for a client id that is taken, [`StoreError::NotFound`] for a recipient that is not registered,
    /// [`StoreError::Invalid`] for what cannot be, and what writing can answer.
    pub async fn create_client(&self, new: NewClient) -> Result<()> {
        check_client(&new)?;
        self.database
            .write("create client", move |writing| {
                sqlite::recipients::create_client(writing, &new)
            })
            .await
    }

    /// The client with this id.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn client(&self, client_id: &str) -> Result<Option<Client>> {
        let client_id = client_id.to_owned();
        self.database
            .read("read client", move |reading| {
                sqlite::recipients::client(reading, &client_id)
            })
            .await
    }

    /// Uses an assertion of a client up, by the hash of client and `jti`: true the first time, false when it was used before.
    /// `until` is when it does not hold any more, whoever shows it.
    ///
    /// # Errors
    /// What writing can answer.
    pub async fn use_assertion(&self, hash: HandleHash, until: UtcMillis) -> Result<bool> {
        self.database
            .write("use client assertion", move |writing| {
                sqlite::authorization::use_assertion(writing, &hash, until)
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

    /// Keeps a session that was just begun.
    ///
    /// # Errors
    /// [`StoreError::NoPerson`], [`StoreError::Erased`], and what writing can answer.
    pub async fn save_session(&self, hash: HandleHash, record: SessionRecord) -> Result<()> {
        self.database
            .write("save session", move |writing| {
                sqlite::sessions::save_session(writing, &hash, &record)
            })
            .await
    }

    /// The session of this handle, while it holds.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn session(&self, hash: HandleHash, now: UtcMillis) -> Result<Option<SessionRecord>> {
        self.database
            .read("read session", move |reading| {
                sqlite::sessions::session(reading, &hash, now)
            })
            .await
    }

    /// From now on the session acts for this person (`None`: for who signed in); false when there is no such session. Whether they
    /// may is the caller's to ask, and to ask again at each use.
    ///
    /// # Errors
    /// What writing can answer.
    pub async fn act_for(&self, hash: HandleHash, person: Option<PersonId>) -> Result<bool> {
        self.database
            .write("act for somebody", move |writing| {
                sqlite::sessions::act_for(writing, &hash, person)
            })
            .await
    }

    /// Ends a session; one that is not there is ended already.
    ///
    /// # Errors
    /// What writing can answer.
    pub async fn end_session(&self, hash: HandleHash) -> Result<()> {
        self.database
            .write("end session", move |writing| {
                sqlite::sessions::end_session(writing, &hash)
            })
            .await
    }

    /// Keeps the state of something under way, sealed, until `expires`. `kind` separates uses; again under the same handle
    /// replaces it.
    ///
    /// # Errors
    /// What writing can answer.
    pub async fn save_pending(&self, hash: HandleHash, kind: u8, body: Vec<u8>, expires: UtcMillis) -> Result<()> {
        self.database
            .write("save pending", move |writing| {
                sqlite::sessions::save_pending(writing, &hash, kind, &body, expires)
            })
            .await
    }

    /// What is under way under this handle; it stays.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn pending(&self, hash: HandleHash, kind: u8, now: UtcMillis) -> Result<Option<Vec<u8>>> {
        self.database
            .read("read pending", move |reading| {
                sqlite::sessions::pending(reading, &hash, kind, now)
            })
            .await
    }

    /// Takes what is under way under this handle: only one caller ever gets it.
    ///
    /// # Errors
    /// What writing can answer.
    pub async fn take_pending(&self, hash: HandleHash, kind: u8, now: UtcMillis) -> Result<Option<Vec<u8>>> {
        self.database
            .write("take pending", move |writing| {
                sqlite::sessions::take_pending(writing, &hash, kind, now)
            })
            .await
    }
}

fn check_client(new: &NewClient) -> Result<()> {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if !(1..=128).contains(&new.client_id.len()) || !new.client_id.bytes().all(unreserved) {
        return Err(StoreError::Invalid {
            what: "a client id has 1 to 128 of A-Z, a-z, 0-9, -, ., _ and ~",
        });
    }
    // RFC 6749 3.1.2: absolute, without a fragment.
    let is_redirect = |uri: &String| {
        let scheme = uri.split_once(':').map_or("", |(scheme, _)| scheme);
        !scheme.is_empty() && uri.len() <= 2_048 && uri.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
    };
    // A client that signs may be a backend, which nobody is ever sent back to.
    let least = usize::from(new.keys.is_none() && new.jwks_uri.is_none());
    if !(least..=16).contains(&new.redirect_uris.len()) || !new.redirect_uris.iter().all(is_redirect) {
        return Err(StoreError::Invalid {
            what: "a client has 1 to 16 redirect URIs (a client that signs may have none), each absolute and without a fragment",
        });
    }
    let ways = [new.secret_hash.is_some(), new.keys.is_some(), new.jwks_uri.is_some()];
    if ways.into_iter().filter(|way| *way).count() > 1 {
        return Err(StoreError::Invalid {
            what: "a client has a secret, keys or an address of keys: one of them, or none",
        });
    }
    // RFC 7517 5: an object whose `keys` is an array. What they are is for whoever verifies with them.
    let is_key_set = |text: &String| {
        let set: Option<serde_json::Value> = serde_json::from_str(text).ok();
        text.len() <= 16 * 1_024 && set.is_some_and(|set| set["keys"].as_array().is_some_and(|keys| !keys.is_empty()))
    };
    if !new.keys.as_ref().is_none_or(is_key_set) {
        return Err(StoreError::Invalid {
            what: "a client's keys are a JSON Web Key Set of at most 16384 bytes",
        });
    }
    if new.name.trim().is_empty() || new.name.len() > 512 {
        return Err(StoreError::Invalid {
            what: "a client's name has 1 to 512 bytes",
        });
    }
    Ok(())
}
