//! `POST /oauth/token`: a client exchanges a code, or a refresh token, for the next tokens (RFC 6749 4.1.3 and 6).
//!
//! What is granted is what the consent leaves of the scopes at this instant, and the answer says so.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use consent::code::{Binding, CodeError};
use consent::token::RefreshError;
use consent::{ConsentId, ScopeSet};
use model::{PersonId, RecipientId, UtcMillis};
use serde::Serialize;
use store::{Client, NewToken, NewTokens, Redemption, Rotation, StoreError};

use super::authorize::{is_fhir_base, offered};
use super::client_auth::form_of_client;
use super::consent::granted;
use super::error::{OauthError, never_stored};
use super::form::Form;
use super::handles::{self, Handle};
use super::{id_token, own_token};
use crate::state::AppState;

/// The parameters that are looked at; each may come once.
const PARAMETERS: [&str; 8] = [
    "grant_type",
    "code",
    "redirect_uri",
    "code_verifier",
    "refresh_token",
    "scope",
    "resource",
    "purpose",
];

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// The answer (RFC 6749 5.1, SMART App Launch 2.2 "Launch context").
#[derive(Serialize)]
struct Answer {
    access_token: String,
    token_type: &'static str,
    expires_in: i64,
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    patient: String,
    need_patient_banner: bool,
}

/// `POST /oauth/token`.
pub async fn token(State(state): State<AppState>, headers: HeaderMap, body: Bytes) -> Result<Response, OauthError> {
    let (form, client) = form_of_client(&state, &headers, &body, &PARAMETERS).await?;
    // RFC 8707 2.2: there is one resource here.
    if form
        .get("resource")
        .is_some_and(|resource| !is_fhir_base(&state, resource))
    {
        return Err(OauthError::InvalidTarget);
    }
    let answer = match form.get("grant_type") {
        Some("authorization_code") => redeem(&state, &client, &form).await?,
        Some("refresh_token") => refresh(&state, &client, &form).await?,
        Some("client_credentials") => return own_token::issue(&state, &client, &form).await,
        Some(_) => return Err(OauthError::UnsupportedGrantType),
        None => return Err(OauthError::InvalidRequest("grant_type is required")),
    };
    Ok(never_stored(Json(answer).into_response()))
}

fn required<'a>(form: &'a Form, name: &str, missing: &'static str) -> Result<&'a str, OauthError> {
    form.get(name).ok_or(OauthError::InvalidRequest(missing))
}

async fn redeem(state: &AppState, client: &Client, form: &Form) -> Result<Answer, OauthError> {
    let code = required(form, "code", "code is required")?;
    let redirect_uri = required(form, "redirect_uri", "redirect_uri is required")?;
    let verifier = required(form, "code_verifier", "code_verifier is required")?;
    if !is_verifier(verifier) {
        return Err(OauthError::InvalidRequest(
            "code_verifier has 43 to 128 of A-Z, a-z, 0-9, -, ., _ and ~",
        ));
    }
    let now = state.clock.now();
    let hash = handles::hash(code);
    let unknown = || OauthError::InvalidGrant("the code is unknown or has expired".to_owned());
    let record = state.store.code_record(hash).await?.ok_or_else(unknown)?;
    let agreed = scopes_of(&record.scopes);
    // A code that is shown again must still reach the store, which then ends what came of it.
    let scopes = left(state, record.person, record.consent, &agreed, now)
        .await?
        .unwrap_or_default();
    let issue = Issue::new(state, scopes, Refreshing::of(&agreed), now);
    let challenge = handles::hash(verifier);
    let shown = Binding {
        client_id: &client.client_id,
        redirect_uri,
        code_challenge: &challenge,
    };
    match state.store.redeem_code(hash, shown, issue.stored(), now).await? {
        Redemption::Redeemed(record) => {
            let id_token = id_token::of(state, &record, &issue.granted, now)?;
            Ok(issue.answer(state, record.recipient, record.person, id_token))
        }
        Redemption::Refused(error) => {
            if let CodeError::Reused { family } = error {
                tracing::warn!(
                    client = client.client_id,
                    family = family.0,
                    "a code came again: its tokens have ended"
                );
            }
            Err(OauthError::InvalidGrant(error.to_string()))
        }
        Redemption::ConsentEnded => Err(OauthError::InvalidGrant("the consent has ended".to_owned())),
        Redemption::Unknown => Err(unknown()),
    }
}

async fn refresh(state: &AppState, client: &Client, form: &Form) -> Result<Answer, OauthError> {
    let shown = required(form, "refresh_token", "refresh_token is required")?;
    let now = state.clock.now();
    let hash = handles::hash(shown);
    let unknown = || OauthError::InvalidGrant("the refresh token is unknown or has expired".to_owned());
    let record = state.store.refresh_record(hash).await?.ok_or_else(unknown)?;
    if record.client_id != client.client_id {
        return Err(unknown());
    }
    let agreed = scopes_of(&record.scopes);
    let asked = match form.get("scope") {
        Some(asked) => narrower(asked, &agreed)?,
        None => agreed,
    };
    // Where nothing is left the store knows the reason better: the token was used before, or its consent has ended.
    let scopes = left(state, record.person, record.consent, &asked, now)
        .await?
        .unwrap_or_default();
    // A refresh never lengthens what is only for as long as the resident is at it.
    let refreshing = match Refreshing::of(&scopes_of(&record.scopes)) {
        Refreshing::Online => Refreshing::Until(record.expires),
        refreshing => refreshing,
    };
    let issue = Issue::new(state, scopes, refreshing, now);
    match state
        .store
        .rotate_refresh(hash, &client.client_id, issue.stored(), now)
        .await?
    {
        // OpenID Connect Core 12.2: a refresh need not tell anew who the resident is.
        Rotation::Rotated(record) => Ok(issue.answer(state, record.recipient, record.person, None)),
        Rotation::Refused(error) => {
            if let RefreshError::Reused { family } = error {
                tracing::warn!(
                    client = client.client_id,
                    family = family.0,
                    "a refresh token came again: all has ended"
                );
            }
            Err(OauthError::InvalidGrant(error.to_string()))
        }
        Rotation::ConsentEnded => Err(OauthError::InvalidGrant("the consent has ended".to_owned())),
        Rotation::Unknown => Err(unknown()),
    }
}

/// RFC 7636 4.1.
fn is_verifier(text: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (43..=128).contains(&text.len()) && text.bytes().all(unreserved)
}

/// Stored scopes were rendered by the same parser; what it cannot read any more allows nothing.
pub(super) fn scopes_of(text: &str) -> ScopeSet {
    ScopeSet::parse(text).unwrap_or_default()
}

/// What a refresh asks for: the same or less than was granted (S-039).
fn narrower(asked: &str, agreed: &ScopeSet) -> Result<ScopeSet, OauthError> {
    let asked = ScopeSet::parse(asked).map_err(|_| OauthError::InvalidScope("scope cannot be read"))?;
    let asked = asked.intersect(&offered());
    if asked.is_empty() {
        return Err(OauthError::InvalidScope("no scope that is offered here was asked for"));
    }
    if !agreed.covers(&asked) {
        return Err(OauthError::InvalidScope("more is asked for than was granted"));
    }
    Ok(asked.with_a_readable_user())
}

/// What the consent leaves of these scopes now (S-070); `None` when it has ended.
pub(super) async fn left(
    state: &AppState,
    person: PersonId,
    consent: ConsentId,
    scopes: &ScopeSet,
    now: UtcMillis,
) -> Result<Option<ScopeSet>, OauthError> {
    let consents = match state.store.person_consents(person).await {
        Err(StoreError::Erased { .. } | StoreError::NoPerson { .. }) => return Ok(None),
        consents => consents?,
    };
    Ok(consents.consent(consent).map(|consent| granted(scopes, consent, now)))
}

/// The tokens of one answer: what is handed out, and what is stored of it.
struct Issue {
    access: Handle,
    refresh: Option<Handle>,
    granted: ScopeSet,
    now: UtcMillis,
    access_seconds: i64,
    refresh_until: UtcMillis,
}

/// For how long a client may refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refreshing {
    /// Not at all.
    No,
    /// `online_access`: as long as a resident's session.
    Online,
    /// Until this instant.
    Until(UtcMillis),
    /// `offline_access`: as long as refresh tokens live, anew with each use.
    Offline,
}

impl Refreshing {
    fn of(agreed: &ScopeSet) -> Self {
        match (agreed.offline_access(), agreed.online_access()) {
            (true, _) => Self::Offline,
            (false, true) => Self::Online,
            (false, false) => Self::No,
        }
    }
}

impl Issue {
    fn new(state: &AppState, scopes: ScopeSet, refreshing: Refreshing, now: UtcMillis) -> Self {
        let lifetimes = &state.config.tokens;
        Self {
            access: Handle::new(&*state.randomness),
            refresh: (refreshing != Refreshing::No).then(|| Handle::new(&*state.randomness)),
            granted: scopes,
            now,
            access_seconds: lifetimes.access_seconds,
            refresh_until: match refreshing {
                Refreshing::No => now,
                Refreshing::Online => now.plus(lifetimes.session_minutes * 60_000),
                Refreshing::Until(end) => end,
                Refreshing::Offline => now.plus(lifetimes.refresh_days * DAY_MS),
            },
        }
    }

    fn stored(&self) -> NewTokens {
        NewTokens {
            access: NewToken {
                hash: self.access.hash,
                expires: self.now.plus(self.access_seconds * 1_000),
            },
            refresh: self.refresh.as_ref().map(|refresh| NewToken {
                hash: refresh.hash,
                expires: self.refresh_until,
            }),
            scopes: self.granted.to_string(),
        }
    }

    fn answer(self, state: &AppState, recipient: RecipientId, person: PersonId, id_token: Option<String>) -> Answer {
        Answer {
            access_token: self.access.text,
            token_type: "Bearer",
            expires_in: self.access_seconds,
            scope: self.granted.to_string(),
            refresh_token: self.refresh.map(|refresh| refresh.text),
            id_token,
            patient: state.pairwise.of(recipient).patient(person),
            need_patient_banner: false,
        }
    }
}
