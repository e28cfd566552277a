//! The one gate between recipients and residents' data.
//!
//! A bearer token says who asks, about whom, under which consent. For every page the consents are read and decided anew, the
//! data is read with that decision, and the record of the provision is the last word: it fails when the consents changed
//! meanwhile, and then what was read is thrown away and all begins again.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use consent::scope::{Interaction, Resource};
use consent::{Decision, FamilyId, IdentityGrant, PersonConsents, Request, ScopeSet, decide};
use model::{PersonId, RecipientId};
use store::{AccessDraft, AccessItem, AccessKind, StoreError, TokenRecord};

use crate::fhir::{FhirError, urls};
use crate::oauth::handles;
use crate::pairwise::{RecipientIds, patient_key};
use crate::state::AppState;

/// The header by which a client names the individual who reads (a dietitian, a care manager, a family member): UTF-8, where
/// needed percent-encoded (RFC 3986 2.1). It stands in the record of provision, and the resident sees it.
pub const READER: &str = "sekisho-reader";

/// The longest such name, in characters.
const MOST_READER: usize = 60;

/// How often a page is read anew when the consents keep changing.
const ATTEMPTS: usize = 3;

/// A recipient's client that showed a valid access token.
pub struct Caller {
    /// What the token stands for.
    pub token: TokenRecord,
    /// What the client may ask for at all.
    pub scopes: ScopeSet,
    /// Outward ids of this recipient.
    pub ids: Arc<RecipientIds>,
    /// Who reads, where the client names somebody: header [`READER`].
    pub reader: String,
    /// Names this request in log and records.
    pub request_id: String,
    /// True when the token is the client's own, and the request says about whom.
    pub is_system: bool,
    /// The consents as they were read with the token, for the first decision. What changed since is met by the record of the
    /// provision, and then everything is read anew.
    first: Mutex<Option<Arc<PersonConsents>>>,
}

/// A recipient that asks about its own standing: by a token of one person, or by its own.
pub struct Standing {
    /// Who asks.
    pub recipient: RecipientId,
    /// What the token may ask for at all.
    pub scopes: ScopeSet,
    /// The one person it may ask about; `None` for a client's own token, which may ask about anybody who ever agreed.
    pub person: Option<PersonId>,
    /// Outward ids of this recipient.
    pub ids: Arc<RecipientIds>,
}

impl FromRequestParts<AppState> for Standing {
    type Rejection = FhirError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, FhirError> {
        let (hash, now) = (handles::hash(bearer(&parts.headers)?), state.clock.now());
        if let Some(token) = state.store.access_token(hash, now).await? {
            return Ok(Self {
                recipient: token.recipient,
                scopes: ScopeSet::parse(&token.scopes).unwrap_or_default(),
                person: Some(token.person),
                ids: state.pairwise.of(token.recipient),
            });
        }
        let token = state.store.system_token(hash, now).await?.ok_or(FhirError::BadToken)?;
        Ok(Self {
            recipient: token.recipient,
            scopes: ScopeSet::parse_system(&token.scopes).unwrap_or_default(),
            person: None,
            ids: state.pairwise.of(token.recipient),
        })
    }
}

impl Standing {
    /// Holds a request against the token's scopes, as [`Caller::require`].
    ///
    /// # Errors
    /// [`FhirError::OutOfScope`] that names the scope to ask for.
    pub fn require(&self, resource: Resource, interaction: Interaction) -> Result<(), FhirError> {
        require(&self.scopes, resource, interaction, self.person.is_none())
    }
}

/// What an answer gives, for the record of it.
#[derive(Default)]
pub struct Given {
    /// By category.
    pub items: Vec<AccessItem>,
    /// Of who the person is.
    pub identity: IdentityGrant,
}

impl From<Vec<AccessItem>> for Given {
    fn from(items: Vec<AccessItem>) -> Self {
        Self {
            items,
            ..Self::default()
        }
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = FhirError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, FhirError> {
        let hash = handles::hash(bearer(&parts.headers)?);
        let found = match state.store.token_and_consents(hash, state.clock.now()).await {
            Err(StoreError::Erased { .. } | StoreError::NoPerson { .. }) => return Err(FhirError::BadToken),
            found => found?,
        };
        let Some((token, consents)) = found else {
            return of_system(parts, state, hash).await;
        };
        // Scopes were rendered by this crate's parser; what it cannot read any more allows nothing.
        let scopes = ScopeSet::parse(&token.scopes).unwrap_or_default();
        Ok(Self {
            ids: state.pairwise.of(token.recipient),
            scopes,
            token,
            reader: reader(&parts.headers)?,
            request_id: request_id(&parts.headers),
            is_system: false,
            first: Mutex::new(Some(consents)),
        })
    }
}

/// A client with a token of its own. Its request names one resident, by the id of what it reads or by `patient`; the consent
/// is the one that resident gave this recipient for the token's purpose. Nobody known and nobody who agreed are answered alike.
async fn of_system(parts: &Parts, state: &AppState, hash: [u8; 32]) -> Result<Caller, FhirError> {
    let system = state.store.system_token(hash, state.clock.now()).await?;
    let system = system.ok_or(FhirError::BadToken)?;
    let ids = state.pairwise.of(system.recipient);
    let nobody = || FhirError::NotFound { resource: "Patient" };
    let person = named(parts, state, &ids)?;
    let consents = match state.store.person_consents(person).await {
        Err(StoreError::Erased { .. }) => {
            // Only whoever was ever given something of the person is told that it is gone.
            let known = state.store.consents_to(system.recipient, person).await?;
            return Err(match names_one(parts) && !known.is_empty() {
                true => FhirError::Gone,
                false => nobody(),
            });
        }
        Err(StoreError::NoPerson { .. }) => return Err(nobody()),
        consents => consents?,
    };
    let consent = consents
        .consents()
        .iter()
        .find(|consent| consent.recipient == system.recipient && consent.purpose == system.purpose)
        .ok_or_else(nobody)?;
    Ok(Caller {
        scopes: ScopeSet::parse_system(&system.scopes).unwrap_or_default(),
        token: TokenRecord {
            client_id: system.client_id,
            person,
            recipient: system.recipient,
            consent: consent.id,
            scopes: system.scopes,
            // No family: it came of no code.
            family: FamilyId(0),
            expires: system.expires,
        },
        ids,
        reader: reader(&parts.headers)?,
        request_id: request_id(&parts.headers),
        is_system: true,
        first: Mutex::new(Some(consents)),
    })
}

/// The id in an address that names one resource.
fn id_in(parts: &Parts) -> Option<&str> {
    let path = parts.uri.path().trim_start_matches("/fhir/r4/");
    let (_, rest) = path.split_once('/')?;
    rest.split('/').next().filter(|id| !id.starts_with(['_', '$']))
}

/// True when an address names one resource.
fn names_one(parts: &Parts) -> bool {
    id_in(parts).is_some()
}

/// The resident whom a request is about.
fn named(parts: &Parts, state: &AppState, ids: &RecipientIds) -> Result<PersonId, FhirError> {
    let path = parts.uri.path().trim_start_matches("/fhir/r4/");
    if let Some(id) = id_in(parts) {
        let key = ids.read(id).ok_or(FhirError::NotFound { resource: "resource" })?;
        return Ok(key.person);
    }
    let base = format!("{}/fhir/r4/", state.config.http.public_url);
    let pairs = urls::decode(parts.uri.query().unwrap_or_default());
    let patient = pairs
        .iter()
        .find(|(name, _)| matches!(name.as_str(), "patient" | "subject" | "_id" if name != "_id" || path.starts_with("Patient")))
        .map(|(_, value)| value.trim_start_matches(&base).trim_start_matches("Patient/"))
        .ok_or_else(|| FhirError::BadParameter {
            parameter: "patient".to_owned(),
            problem: "is needed in the address: with its own token a client asks about one patient at a time".to_owned(),
        })?;
    let key = ids.read(patient).filter(|key| *key == patient_key(key.person));
    key.map(|key| key.person)
        .ok_or(FhirError::NotFound { resource: "Patient" })
}

fn require(scopes: &ScopeSet, resource: Resource, interaction: Interaction, is_system: bool) -> Result<(), FhirError> {
    if scopes.allows(resource, interaction) {
        return Ok(());
    }
    let context = if is_system { "system" } else { "patient" };
    Err(FhirError::OutOfScope {
        asked: match interaction {
            Interaction::Read => format!("read of {}", resource.name()),
            Interaction::Search => format!("search of {}", resource.name()),
        },
        scope: format!("{context}/{}.rs", resource.name()),
    })
}

/// The one bearer token of a request (RFC 6750 2.1; the scheme in any case).
fn bearer(headers: &HeaderMap) -> Result<&str, FhirError> {
    let mut sent = headers.get_all(header::AUTHORIZATION).iter();
    let Some(first) = sent.next() else {
        return Err(FhirError::NoToken);
    };
    if sent.next().is_some() {
        return Err(FhirError::MalformedToken);
    }
    let (scheme, token) = first
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .ok_or(FhirError::MalformedToken)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        // RFC 9110 11.6.1: a scheme that is not offered counts as no credentials at all.
        return Err(FhirError::NoToken);
    }
    let token = token.trim_matches(' ');
    // RFC 6750 2.1, b64token.
    let may_stand = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    if token.is_empty() || token.len() > 512 || !token.bytes().all(may_stand) {
        return Err(FhirError::MalformedToken);
    }
    Ok(token)
}

/// The request's id, if it is one that may stand in logs and records.
fn request_id(headers: &HeaderMap) -> String {
    let may_stand = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    headers
        .get("x-request-id")
        .and_then(|id| id.to_str().ok())
        .filter(|id| id.len() <= 64 && id.bytes().all(may_stand))
        .unwrap_or_default()
        .to_owned()
}

/// The individual whom the client names; empty where it names nobody.
fn reader(headers: &HeaderMap) -> Result<String, FhirError> {
    let wrong = |problem: &str| FhirError::BadParameter {
        parameter: READER.to_owned(),
        problem: problem.to_owned(),
    };
    let mut sent = headers.get_all(READER).iter();
    let Some(name) = sent.next() else {
        return Ok(String::new());
    };
    if sent.next().is_some() {
        return Err(wrong("names one individual, and stands there once"));
    }
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let Some((&first, others)) = rest.split_first() {
        rest = others;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let digits = others.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok())
            .ok_or_else(|| wrong("holds a % that two hexadecimal digits do not follow"))?;
        bytes.push(byte);
        rest = &others[2..];
    }
    let name = String::from_utf8(bytes).map_err(|_| wrong("is not UTF-8"))?;
    let name = name.trim();
    if name.chars().any(char::is_control) || name.chars().count() > MOST_READER {
        return Err(wrong("has at most 60 characters, none of them a control"));
    }
    Ok(name.to_owned())
}

impl Caller {
    /// Holds a request for a whole type against the token's scopes.
    ///
    /// # Errors
    /// [`FhirError::OutOfScope`] that names the scope to ask for.
    pub fn require(&self, resource: Resource, interaction: Interaction) -> Result<(), FhirError> {
        require(&self.scopes, resource, interaction, self.is_system)
    }

    /// The same error, naming scopes that this caller can ask for.
    pub fn in_its_context(&self, error: FhirError) -> FhirError {
        match error {
            FhirError::OutOfScope { asked, scope } if self.is_system => FhirError::OutOfScope {
                asked,
                scope: scope.replacen("patient/", "system/", 1),
            },
            error => error,
        }
    }

    /// Runs `read` under a decision made now, and records what it gives before anything of it may leave.
    ///
    /// # Errors
    /// [`FhirError::BadToken`] when the consent gives nothing any more, [`FhirError::ConsentsChanging`] when the consents
    /// changed during each of three attempts, what `read` answers, and [`FhirError::Internal`].
    pub async fn through<T, G, F>(
        &self,
        state: &AppState,
        kind: AccessKind,
        read: impl Fn(Decision) -> F,
    ) -> Result<T, FhirError>
    where
        F: Future<Output = Result<(T, G), FhirError>>,
        G: Into<Given>,
    {
        for _ in 0..ATTEMPTS {
            let decision = self.decide(state).await?;
            let (answer, given) = match read(decision.clone()).await {
                // A read can meet the change before the record does.
                Err(FhirError::ConsentsChanging) => continue,
                read => read?,
            };
            let given: Given = given.into();
            let draft = AccessDraft {
                client_id: self.token.client_id.clone(),
                what: kind,
                items: given.items,
                identity: given.identity,
                reader: self.reader.clone(),
                request_id: self.request_id.clone(),
            };
            match state.store.record_access(&decision, draft).await {
                Ok(_) => return Ok(answer),
                Err(StoreError::ConsentsChanged) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(FhirError::ConsentsChanging)
    }

    async fn decide(&self, state: &AppState) -> Result<Decision, FhirError> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        let consents = match first {
            Some(consents) => consents,
            None => match state.store.person_consents(self.token.person).await {
                Err(StoreError::Erased { .. } | StoreError::NoPerson { .. }) => return Err(FhirError::BadToken),
                consents => consents?,
            },
        };
        let request = Request {
            person: self.token.person,
            recipient: self.token.recipient,
            consent: self.token.consent,
        };
        let decision = decide(&request, &consents, state.clock.now());
        if decision.is_denied() {
            Err(FhirError::BadToken)
        } else {
            Ok(decision)
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn named(values: &[&[u8]]) -> Result<String, FhirError> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(READER, HeaderValue::from_bytes(value).unwrap());
        }
        reader(&headers)
    }

    #[test]
    fn the_reader_whom_a_client_names_is_read_or_refused_and_never_guessed() {
        assert_eq!(named(&[]).unwrap(), "");
        assert_eq!(named(&[b" D. Example "]).unwrap(), "D. Example");
        assert_eq!(named(&["栄養士 一号".as_bytes()]).unwrap(), "栄養士 一号");
        assert_eq!(named(&[b"%E6%A0%84%E9%A4%8A%E5%A3%AB"]).unwrap(), "栄養士");
        let long = "x".repeat(61);
        for bad in [&b"%"[..], b"%4", b"%+1", b"%ff", b"a%0Ab", long.as_bytes()] {
            assert!(named(&[bad]).is_err(), "{bad:?}");
        }
        assert!(named(&[b"a", b"b"]).is_err());
    }
}
