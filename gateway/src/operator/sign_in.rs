//! An operator signs in: to the operators' provider, back, and out.

use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{AppendHeaders, IntoResponse as _, Redirect, Response};
use serde::{Deserialize, Serialize};
use store::{Actor, StoreError};
use subtle::ConstantTimeEq as _;

use super::{PATH, SESSION, SignedInOperator, session_handle};
use crate::oauth::handles::{self, Handle};
use crate::portal::form::Sent;
use crate::portal::page::Pressed;
use crate::portal::words::Words;
use crate::portal::{Problem, error_page};
use crate::sign_in::{Answer, Proof, Secrets, cookies};
use crate::state::AppState;

/// Where the operators' provider sends browsers back to.
pub const CALLBACK: &str = "/operator/callback";

/// The kind under which the store keeps operators' sign-ins under way.
const PENDING: u8 = 5;

/// How long a sign-in may take, in milliseconds.
const PENDING_MS: i64 = 15 * 60_000;

#[derive(Serialize, Deserialize)]
struct Pending {
    /// SHA-256 of the mark of the browser it began in.
    browser: [u8; 32],
    secrets: Secrets,
}

/// `GET /operator/sign-in`: to the provider.
pub async fn start(State(state): State<AppState>, headers: HeaderMap) -> Response {
    let Some(provider) = &state.operators else {
        return error_page(&headers, Problem::NoSignIn);
    };
    let https = cookies::is_https(&state);
    let browser =
        cookies::handle(&headers, cookies::BROWSER, https).unwrap_or_else(|| Handle::new(&*state.randomness).text);
    let handle = Handle::new(&*state.randomness);
    let random = || Handle::new(&*state.randomness).text;
    let language = Words::for_reader(&headers).0;
    let (url, secrets) = match provider.begin(&handle.text, language, true, random).await {
        Ok(begun) => begun,
        Err(error) => {
            tracing::warn!(%error, "an operator's sign-in could not begin");
            return error_page(&headers, Problem::NoSignIn);
        }
    };
    let pending = Pending {
        browser: handles::hash(&browser),
        secrets,
    };
    let Ok(body) = serde_json::to_vec(&pending) else {
        return error_page(&headers, Problem::Internal);
    };
    let expires = state.clock.now().plus(PENDING_MS);
    if let Err(error) = state.store.save_pending(handle.hash, PENDING, body, expires).await {
        return failed(&headers, &error);
    }
    let name = cookies::secret_name(cookies::BROWSER, https);
    let mark = cookies::set(&name, &browser, Some(PENDING_MS / 1_000), https);
    (AppendHeaders([(header::SET_COOKIE, mark)]), Redirect::to(&url)).into_response()
}

fn failed(headers: &HeaderMap, error: &StoreError) -> Response {
    tracing::error!(%error, "an operator could not be signed in");
    error_page(headers, Problem::Internal)
}

/// `GET /operator/callback`: back from the provider.
pub async fn callback(State(state): State<AppState>, Query(answer): Query<Answer>, headers: HeaderMap) -> Response {
    match finish(&state, &headers, answer).await {
        Ok(Ok(response)) => response,
        Ok(Err(problem)) => error_page(&headers, problem),
        Err(error) => failed(&headers, &error),
    }
}

async fn finish(
    state: &AppState,
    headers: &HeaderMap,
    answer: Answer,
) -> Result<Result<Response, Problem>, StoreError> {
    let https = cookies::is_https(state);
    let (Some(sent), Some(browser)) = (answer.state, cookies::handle(headers, cookies::BROWSER, https)) else {
        return Ok(Err(Problem::SignInFailed));
    };
    let now = state.clock.now();
    let body = state.store.take_pending(handles::hash(&sent), PENDING, now).await?;
    let pending: Option<Pending> = body.and_then(|body| serde_json::from_slice(&body).ok());
    let Some(pending) = pending.filter(|pending| handles::hash(&browser).ct_eq(&pending.browser).into()) else {
        return Ok(Err(Problem::SignInFailed));
    };
    let Some(provider) = &state.operators else {
        return Ok(Err(Problem::NoSignIn));
    };
    let other_issuer = |issuer: &String| provider.issuer() != issuer;
    if answer.iss.as_ref().is_some_and(other_issuer) {
        return Ok(Err(Problem::SignInFailed));
    }
    let Some(code) = answer.code.filter(|_| answer.error.is_none()) else {
        return Ok(Err(Problem::Cancelled));
    };
    let proof = Proof {
        keys: &state.signing,
        jti: Handle::new(&*state.randomness).text,
    };
    let identity = match provider.finish(code, pending.secrets, now, proof).await {
        Ok(identity) => identity,
        Err(error) => {
            tracing::warn!(%error, "an operator's sign-in failed");
            return Ok(Err(Problem::SignInFailed));
        }
    };
    let operator = state
        .store
        .operator_by_identity(&identity.issuer, &identity.subject)
        .await?;
    let Some(operator) = operator else {
        tracing::warn!("somebody who is no operator signed in as one");
        return Ok(Err(Problem::UnknownOperator));
    };
    let session = Handle::new(&*state.randomness);
    let expires = now.plus(state.config.operators.session_minutes * 60_000);
    state
        .store
        .save_operator_session(session.hash, operator.id, expires)
        .await?;
    let (by, subject) = (Actor::Operator(operator.id), format!("operator {}", operator.id));
    state
        .store
        .record_act(operator.organisation, by, "operator-signed-in", subject)
        .await?;
    let name = cookies::secret_name(SESSION, https);
    let kept = cookies::set(&name, &session.text, None, https);
    let set = AppendHeaders([(header::SET_COOKIE, kept)]);
    Ok(Ok((set, Redirect::to(PATH)).into_response()))
}

/// `POST /operator/sign-out`.
pub async fn sign_out(
    State(state): State<AppState>,
    headers: HeaderMap,
    _: Sent<SignedInOperator, Pressed>,
) -> Response {
    if let Some(handle) = session_handle(&state, &headers)
        && let Err(error) = state.store.end_operator_session(handles::hash(&handle)).await
    {
        return failed(&headers, &error);
    }
    let https = cookies::is_https(&state);
    let forgotten = cookies::forget(&cookies::secret_name(SESSION, https), https);
    (
        AppendHeaders([(header::SET_COOKIE, forgotten)]),
        Redirect::to("/signed-out"),
    )
        .into_response()
}
