//! `POST /oauth/par` (RFC 9126): a client hands in its authorization request itself, and sends the browser on with its name only.
//!
//! The request is checked as the authorization endpoint would, by a client that has authenticated; nothing of it passes through
//! the browser. What comes back is good for a minute, for this client, until the resident has answered.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;
use store::StoreError;

use super::authorize::{AuthorizationRequest, PARAMETERS, PENDING, Refusal, check};
use super::client_auth::form_of_client;
use super::error::{OauthError, never_stored};
use super::handles::{self, Handle};
use crate::state::AppState;

/// What a name of a pushed request begins with (RFC 9126 2.2).
pub const PREFIX: &str = "urn:ietf:params:oauth:request_uri:";

/// The kind under which the store keeps pushed requests that no browser has brought yet.
pub const PUSHED: u8 = 3;

/// How long a browser may take to bring one, in seconds.
const LIFETIME_SECONDS: i64 = 60;

/// `POST /oauth/par`.
pub async fn push(State(state): State<AppState>, headers: HeaderMap, body: Bytes) -> Result<Response, OauthError> {
    let (form, client) = form_of_client(&state, &headers, &body, &PARAMETERS).await?;
    if form.get("request_uri").is_some() {
        return Err(OauthError::InvalidRequest("a pushed request names no other one"));
    }
    let request = check(&state, &form, client).await.map_err(|refusal| match refusal {
        Refusal::Page(_) => OauthError::InvalidRequest("redirect_uri must be one that is registered for this client"),
        Refusal::Redirect { denial, .. } => OauthError::Denied(denial),
    })?;
    let body = serde_json::to_vec(&request).map_err(|_| OauthError::InvalidRequest("the request cannot be kept"))?;
    let handle = Handle::new(&*state.randomness);
    let expires = state.clock.now().plus(LIFETIME_SECONDS * 1_000);
    state.store.save_pending(handle.hash, PUSHED, body, expires).await?;
    let answer = json!({ "request_uri": format!("{PREFIX}{}", handle.text), "expires_in": LIFETIME_SECONDS });
    Ok(never_stored((StatusCode::CREATED, Json(answer)).into_response()))
}

/// A pushed request that a browser brought the name of.
pub enum Brought {
    /// For the first time: whoever brings it keeps it on under this handle.
    Now(Handle, Box<AuthorizationRequest>),
    /// It is under way under this handle already: a page may be loaded twice before the resident has answered.
    Before(String),
}

/// What a browser brings the name of; `None` when it has run out, was answered, or is another client's.
///
/// # Errors
/// What the store can answer.
pub async fn brought(state: &AppState, request_uri: &str, client_id: &str) -> Result<Option<Brought>, StoreError> {
    let Some(text) = request_uri.strip_prefix(PREFIX) else {
        return Ok(None);
    };
    let (hash, now) = (handles::hash(text), state.clock.now());
    let of_client = |body: Option<Vec<u8>>| {
        let request: Option<AuthorizationRequest> = body.and_then(|body| serde_json::from_slice(&body).ok());
        request.filter(|request| request.client_id == client_id)
    };
    // Looked at before it is taken, so that another client's attempt does not spend it.
    if of_client(state.store.pending(hash, PUSHED, now).await?).is_some() {
        let taken = of_client(state.store.take_pending(hash, PUSHED, now).await?);
        let text = text.to_owned();
        return Ok(taken.map(|request| Brought::Now(Handle { text, hash }, Box::new(request))));
    }
    // Not kept anew: an answer that is given at this moment ends it for good.
    let under_way = of_client(state.store.pending(hash, PENDING, now).await?);
    Ok(under_way.map(|_| Brought::Before(text.to_owned())))
}
