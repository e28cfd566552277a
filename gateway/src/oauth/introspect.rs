//! `POST /oauth/introspect` (RFC 7662): a client asks what a token of its own is worth now.
//!
//! A token of another client is answered like one that does not exist (S-121): nobody learns by trying.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

use super::client_auth::form_of_client;
use super::error::{OauthError, never_stored};
use super::handles;
use super::id_token::{fhir_user, seconds};
use super::token::{left, scopes_of};
use crate::state::AppState;

/// The answer (RFC 7662 2.2; the launch context as the token answer gave it, S-120).
#[derive(Default, Serialize)]
struct Answer {
    active: bool,
    #[serde(flatten)]
    told: Option<Told>,
}

#[derive(Serialize)]
struct Told {
    scope: String,
    client_id: String,
    exp: i64,
    patient: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    #[serde(rename = "fhirUser", skip_serializing_if = "Option::is_none")]
    fhir_user: Option<String>,
}

/// `POST /oauth/introspect`. A wrong `token_type_hint` changes nothing.
pub async fn introspect(
    State(state): State<AppState>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, OauthError> {
    let (form, client) = form_of_client(&state, &headers, &body, &["token", "token_type_hint"]).await?;
    let token = form
        .get("token")
        .ok_or(OauthError::InvalidRequest("token is required"))?;
    let told = told(&state, token, &client.client_id).await?;
    let answer = Answer {
        active: told.is_some(),
        told,
    };
    Ok(never_stored(Json(answer).into_response()))
}

async fn told(state: &AppState, token: &str, client_id: &str) -> Result<Option<Told>, OauthError> {
    let (hash, now) = (handles::hash(token), state.clock.now());
    let (record, token_type) = match state.store.access_token(hash, now).await? {
        Some(record) => (Some(record), Some("Bearer")),
        None => (state.store.refresh_token(hash, now).await?, None),
    };
    let Some(record) = record.filter(|record| record.client_id == client_id) else {
        return Ok(None);
    };
    // What the consent leaves of it now, which may be less than when it was issued (S-070).
    let issued = scopes_of(&record.scopes);
    let Some(scopes) = left(state, record.person, record.consent, &issued, now).await? else {
        return Ok(None);
    };
    let patient = state.pairwise.of(record.recipient).patient(record.person);
    Ok(Some(Told {
        iss: scopes.open_id().then(|| state.config.http.public_url.clone()),
        sub: scopes.open_id().then(|| patient.clone()),
        fhir_user: fhir_user(state, record.recipient, record.person, &scopes),
        scope: scopes.to_string(),
        exp: seconds(record.expires),
        client_id: record.client_id,
        patient,
        token_type,
    }))
}
