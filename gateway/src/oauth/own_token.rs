//! A token that a client holds for itself (RFC 6749 4.4; SMART Backend Services): of no person, for one purpose, for five minutes.
//!
//! What it opens is decided with each request, under the consent of the resident whom that request names.

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use consent::ScopeSet;
use consent::scope::{Interaction, Resource};
use serde_json::json;
use store::{Client, SystemToken};

use super::authorize::offered;
use super::error::{OauthError, never_stored};
use super::form::Form;
use super::handles::Handle;
use crate::state::AppState;

/// How long it holds, in seconds (S-103: at most 300).
const LIFETIME_SECONDS: i64 = 300;

/// What is granted to a client that shows a secret instead of signing: its standing, which holds no health data.
const BY_SECRET: &str = "system/Consent.rs";

/// `grant_type=client_credentials`.
pub async fn issue(state: &AppState, client: &Client, form: &Form) -> Result<Response, OauthError> {
    if !client.signs() && client.secret_hash.is_none() {
        return Err(OauthError::UnauthorizedClient(
            "a public client has no token of its own",
        ));
    }
    let asked = form
        .get("scope")
        .ok_or(OauthError::InvalidScope("scope is required: system/ scopes"))?;
    let asked = ScopeSet::parse_system(asked).map_err(|_| OauthError::InvalidScope("scope cannot be read"))?;
    let mut granted = asked.intersect(&offered());
    if let Some(most) = &client.scopes {
        granted = granted.intersect(&ScopeSet::parse_system(most).unwrap_or_default());
    }
    if !client.signs() {
        granted = granted.intersect(&ScopeSet::parse_system(BY_SECRET).unwrap_or_default());
    }
    if granted.names_no_resource() {
        return Err(OauthError::InvalidScope(
            match asked.allows(Resource::Observation, Interaction::Search) {
                true if !client.signs() => "a client without keys is given system/Consent.rs only",
                _ => "no system/ scope that this client may have was asked for",
            },
        ));
    }
    let recipient = state.store.recipient(client.recipient).await?;
    let purposes = recipient.map(|recipient| recipient.purposes).unwrap_or_default();
    let purpose = match form.get("purpose") {
        None => purposes.first(),
        Some(asked) => purposes.iter().find(|known| known.purpose.as_str() == asked),
    };
    let purpose = purpose.ok_or(OauthError::InvalidRequest(
        "purpose is not one that is registered for this client",
    ))?;
    let (access, now) = (Handle::new(&*state.randomness), state.clock.now());
    let scopes = granted.to_system();
    let token = SystemToken {
        client_id: client.client_id.clone(),
        recipient: client.recipient,
        purpose: purpose.purpose.clone(),
        scopes: scopes.clone(),
        expires: now.plus(LIFETIME_SECONDS * 1_000),
    };
    state.store.save_system_token(access.hash, token).await?;
    let answer = json!({
        "access_token": access.text,
        "token_type": "Bearer",
        "expires_in": LIFETIME_SECONDS,
        "scope": scopes,
        "purpose": purpose.purpose.as_str(),
    });
    Ok(never_stored(Json(answer).into_response()))
}
