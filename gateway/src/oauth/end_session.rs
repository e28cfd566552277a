//! `/oauth/end-session` (OpenID Connect RP-Initiated Logout 1.0): an app asks to end the resident's session here.
//!
//! With an ID token of ours about who is signed in, the session ends at once; without, the resident is asked. The browser goes
//! back to the app only to one of its registered addresses.

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::{AppendHeaders, IntoResponse as _, Redirect, Response};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use oauth2::url::form_urlencoded;
use serde::Deserialize;
use store::Client;

use super::form::{Form, is_form};
use super::handles;
use crate::portal::{self, Problem};
use crate::sign_in::{self, cookies};
use crate::state::AppState;

/// What of an ID token matters here.
#[derive(Deserialize)]
struct Hint {
    sub: String,
    aud: String,
}

/// `GET /oauth/end-session`.
pub async fn by_link(State(state): State<AppState>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    let form = Form::parse(query.unwrap_or_default().as_bytes());
    end(&state, &headers, &form).await
}

/// `POST /oauth/end-session`.
pub async fn by_form(State(state): State<AppState>, headers: HeaderMap, body: Bytes) -> Response {
    let form = if is_form(&headers) {
        Form::parse(&body)
    } else {
        Form::default()
    };
    end(&state, &headers, &form).await
}

async fn end(state: &AppState, headers: &HeaderMap, form: &Form) -> Response {
    match ended(state, headers, form).await {
        Ok(response) => response,
        Err(problem) => portal::error_page(headers, problem),
    }
}

async fn ended(state: &AppState, headers: &HeaderMap, form: &Form) -> Result<Response, Problem> {
    let hint = form
        .get("id_token_hint")
        .map(|token| read(state, token).ok_or(Problem::EndSession))
        .transpose()?;
    let named = form.get("client_id");
    if let (Some(hint), Some(named)) = (&hint, named)
        && hint.aud != named
    {
        return Err(Problem::EndSession);
    }
    let client = match hint.as_ref().map(|hint| hint.aud.as_str()).or(named) {
        Some(client_id) => state.store.client(client_id).await.map_err(|_| Problem::Internal)?,
        None => None,
    };
    let then = match form.get("post_logout_redirect_uri") {
        None => None,
        Some(uri) => Some(back(client.as_ref(), uri, form.get("state")).ok_or(Problem::UnknownRedirect)?),
    };
    let session = sign_in::signed_in(state, headers)
        .await
        .map_err(|_| Problem::Internal)?;
    let Some(session) = session else {
        return Ok(Redirect::to(then.as_deref().unwrap_or("/signed-out")).into_response());
    };
    let is_about_them = match (&hint, &client) {
        (Some(hint), Some(client)) => hint.sub == state.pairwise.of(client.recipient).patient(session.person),
        _ => false,
    };
    if !is_about_them {
        return Ok(portal::end_session::page(headers, &session));
    }
    let https = cookies::is_https(state);
    if let Some(handle) = cookies::handle(headers, cookies::SESSION, https) {
        let ended = state.store.end_session(handles::hash(&handle)).await;
        ended.map_err(|_| Problem::Internal)?;
    }
    let forgotten = cookies::forget(&cookies::secret_name(cookies::SESSION, https), https);
    let to = Redirect::to(then.as_deref().unwrap_or("/signed-out"));
    Ok((AppendHeaders([(header::SET_COOKIE, forgotten)]), to).into_response())
}

/// The address to go back to, if it is exactly one of the client's.
fn back(client: Option<&Client>, uri: &str, echoed: Option<&str>) -> Option<String> {
    let client = client?;
    if !client.works() || !client.redirect_uris.iter().any(|known| known == uri) {
        return None;
    }
    let Some(echoed) = echoed else {
        return Some(uri.to_owned());
    };
    let joint = if uri.contains('?') { '&' } else { '?' };
    let query: String = form_urlencoded::Serializer::new(String::new())
        .append_pair("state", echoed)
        .finish();
    Some(format!("{uri}{joint}{query}"))
}

/// An ID token that this gateway signed, expired or not.
fn read(state: &AppState, token: &str) -> Option<Hint> {
    let kid = decode_header(token).ok()?.kid?;
    let keys: JwkSet = serde_json::from_value(state.signing.public()).ok()?;
    let key = DecodingKey::from_jwk(keys.find(&kid)?).ok()?;
    let mut validation = Validation::new(Algorithm::RS256);
    // A session outlives its ID token.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.set_issuer(&[&state.config.http.public_url]);
    decode::<Hint>(token, &key, &validation).ok().map(|token| token.claims)
}
