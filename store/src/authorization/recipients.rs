//! Recipients and their clients: who may ask at all, and how far an operator let them.

use consent::Purpose;
use model::{OrganisationId, RecipientId, UtcMillis};

use super::HandleHash;
use crate::sqlite;
use crate::{Actor, LegalBasis, Result, Store, StoreError};

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
