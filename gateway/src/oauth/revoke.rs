//! `POST /oauth/revoke` (RFC 7009): a client ends a token of its own, and with it all that came of the same code.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use store::Revocation;

use super::client_auth::form_of_client;
use super::error::{OauthError, never_stored};
use super::handles;
use crate::state::AppState;

/// `POST /oauth/revoke`. An unknown token is as good as ended; a wrong `token_type_hint` changes nothing (O-020).
pub async fn revoke(State(state): State<AppState>, headers: HeaderMap, body: Bytes) -> Result<Response, OauthError> {
    let (form, client) = form_of_client(&state, &headers, &body, &["token", "token_type_hint"]).await?;
    let token = form
        .get("token")
        .ok_or(OauthError::InvalidRequest("token is required"))?;
    match state
        .store
        .revoke_token(handles::hash(token), &client.client_id)
        .await?
    {
        Revocation::Ended | Revocation::Unknown => Ok(never_stored(StatusCode::OK.into_response())),
        Revocation::OtherClient => Err(OauthError::InvalidGrant(
            "the token was issued to another client".to_owned(),
        )),
    }
}
