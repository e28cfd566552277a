//! The one gate between recipients and residents' data.
//!
//! A bearer token says who asks, about whom, under which consent. For every page the consents are read and decided anew, the
//! data is read with that decision, and the record of the provision is the last word: it fails when the consents changed
//! meanwhile, and then what was read is thrown away and all begins again.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use consent::scope::{Interaction, Resource};
use consent::{Decision, IdentityGrant, Request, ScopeSet, decide};
use store::{AccessDraft, AccessItem, AccessKind, StoreError, TokenRecord};

use crate::fhir::FhirError;
use crate::oauth::handles;
use crate::pairwise::RecipientIds;
use crate::state::AppState;

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
    /// Names this request in log and records.
    pub request_id: String,
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
        let token = state
            .store
            .access_token(hash, state.clock.now())
            .await?
            .ok_or(FhirError::BadToken)?;
        // Scopes were rendered by this crate's parser; what it cannot read any more allows nothing.
        let scopes = ScopeSet::parse(&token.scopes).unwrap_or_default();
        Ok(Self {
            ids: state.pairwise.of(token.recipient),
            scopes,
            token,
            request_id: request_id(&parts.headers),
        })
    }
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

impl Caller {
    /// Holds a request for a whole type against the token's scopes.
    ///
    /// # Errors
    /// [`FhirError::OutOfScope`] that names the scope to ask for.
    pub fn require(&self, resource: Resource, interaction: Interaction) -> Result<(), FhirError> {
        if self.scopes.allows(resource, interaction) {
            return Ok(());
        }
        Err(FhirError::OutOfScope {
            asked: match interaction {
                Interaction::Read => format!("read of {}", resource.name()),
                Interaction::Search => format!("search of {}", resource.name()),
            },
            scope: format!("patient/{}.rs", resource.name()),
        })
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
        let consents = match state.store.person_consents(self.token.person).await {
            Err(StoreError::Erased { .. } | StoreError::NoPerson { .. }) => return Err(FhirError::BadToken),
            consents => consents?,
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
