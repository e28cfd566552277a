//! The authorization server and the lists.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum_extra::extract::Form;
use model::UtcMillis;
use serde::Deserialize;
use serde_json::{Value, json};

use super::points::{TYPES, Time};
use super::{ACCOUNTS, CLIENT, EMPTY, Shared};
use crate::agree::{self, Asked, Decision};
use crate::grants::{ACCESS_SECONDS, Pair, TokenRequest};

const PREFIX: &str = "https://www.googleapis.com/auth/googlehealth.";

/// The page on which somebody chooses their account and what they allow.
pub(super) async fn choose(State(shared): State<Arc<Shared>>, Query(asked): Query<Asked>) -> Response {
    let is_known = asked.client_id == CLIENT.0
        && asked.redirect_uri == shared.setup.return_to
        && asked.response_type == "code"
        && asked.code_challenge_method == "S256";
    if !is_known {
        return (StatusCode::BAD_REQUEST, "this client is not known here").into_response();
    }
    let accounts = ACCOUNTS
        .iter()
        .map(|(number, name, ..)| (*number, *name))
        .chain([EMPTY]);
    agree::page(&asked, &accounts.collect::<Vec<_>>(), PREFIX, "/o/oauth2/v2/decide")
}

/// Sends the browser back.
pub(super) async fn decide(State(shared): State<Arc<Shared>>, Form(decision): Form<Decision>) -> Response {
    agree::decided(&*shared, decision)
}

fn refusal(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({"error": error}))).into_response()
}

/// The token endpoint; client and secret come in the body.
pub(super) async fn token(State(shared): State<Arc<Shared>>, Form(asked): Form<TokenRequest>) -> Response {
    let shown = (asked.client_id.as_deref(), asked.client_secret.as_deref());
    if shown != (Some(CLIENT.0), Some(CLIENT.1)) {
        return refusal(StatusCode::UNAUTHORIZED, "invalid_client");
    }
    let (now, randomness) = (shared.setup.clock.now(), Arc::clone(&shared.setup.randomness));
    let grants = &mut shared.state().grants;
    let pair = match asked.grant_type.as_str() {
        "authorization_code" if asked.redirect_uri.as_deref() == Some(&shared.setup.return_to) => {
            let (code, verifier) = (asked.code.unwrap_or_default(), asked.code_verifier.unwrap_or_default());
            grants.exchange(&*randomness, &code, &verifier, now)
        }
        "refresh_token" => grants.refresh(&*randomness, &asked.refresh_token.unwrap_or_default(), now),
        _ => return refusal(StatusCode::BAD_REQUEST, "unsupported_grant_type"),
    };
    let Some(Pair {
        access,
        refresh,
        scopes,
    }) = pair
    else {
        return refusal(StatusCode::BAD_REQUEST, "invalid_grant");
    };
    let mut answer = json!({
        "access_token": access,
        "expires_in": ACCESS_SECONDS,
        "scope": scopes.join(" "),
        "token_type": "Bearer",
    });
    if let Some(refresh) = refresh {
        answer["refresh_token"] = json!(refresh);
    }
    Json(answer).into_response()
}

#[derive(Deserialize)]
pub(super) struct Revocation {
    token: String,
}

/// Ends a grant.
pub(super) async fn revoke(State(shared): State<Arc<Shared>>, Form(asked): Form<Revocation>) -> Response {
    match shared.state().grants.give_back(&asked.token) {
        true => Json(json!({})).into_response(),
        false => refusal(StatusCode::BAD_REQUEST, "invalid_token"),
    }
}

fn error(status: StatusCode, name: &str, reason: Option<&str>) -> Response {
    let details = reason.map(|reason| json!([{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}]));
    let body = json!({"error": {"code": status.as_u16(), "message": name, "status": name, "details": details.unwrap_or(json!([]))}});
    (status, Json(body)).into_response()
}

/// Whose token it is, and what it opens.
fn holder(shared: &Shared, headers: &HeaderMap) -> Option<(String, Vec<String>)> {
    let shown = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Bearer ")?;
    let state = shared.state();
    let grant = state.grants.holder(shown, shared.setup.clock.now())?;
    Some((grant.account.clone(), grant.scopes.clone()))
}

/// Whose account it is.
pub(super) async fn identity(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    match holder(&shared, &headers) {
        None => error(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", None),
        Some((account, _)) if account == EMPTY.0 => error(
            StatusCode::BAD_REQUEST,
            "FAILED_PRECONDITION",
            Some("ACCOUNT_NOT_LINKED"),
        ),
        Some((account, _)) => {
            let name = format!("users/{account}/identity");
            // What the account was called before this service took it over.
            let legacy = ACCOUNTS.iter().find(|(number, ..)| *number == account);
            let legacy = legacy.map_or("", |(.., legacy)| *legacy);
            Json(json!({"name": name, "healthUserId": account, "legacyUserId": legacy})).into_response()
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListRequest {
    filter: String,
    page_size: Option<usize>,
    page_token: Option<usize>,
}

/// A list of points.
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Path(kind): Path<String>,
    headers: HeaderMap,
    Query(asked): Query<ListRequest>,
) -> Response {
    let Some((account, scopes)) = holder(&shared, &headers) else {
        return error(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", None);
    };
    let Some((_, _, time, scope)) = TYPES.iter().find(|(name, ..)| *name == kind) else {
        return error(StatusCode::NOT_FOUND, "NOT_FOUND", None);
    };
    if !scopes.iter().any(|given| *given == format!("{PREFIX}{scope}.readonly")) {
        return error(
            StatusCode::FORBIDDEN,
            "PERMISSION_DENIED",
            Some("ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
        );
    }
    let Some((start, end)) = window(&kind, *time, &asked.filter) else {
        return error(StatusCode::BAD_REQUEST, "INVALID_ARGUMENT", None);
    };
    let most = if matches!(kind.as_str(), "sleep" | "exercise") {
        25
    } else {
        10_000
    };
    let size = asked.page_size.unwrap_or(1_440).clamp(1, most);
    let from = asked.page_token.unwrap_or(0);
    let now = shared.setup.clock.now();
    let all = shared
        .state()
        .accounts
        .get(&account)
        .map_or_else(Vec::new, |account| account.list(&kind, start, end, now));
    let page: Vec<Value> = all
        .iter()
        .skip(from)
        .take(size)
        .map(|point| point.body.clone())
        .collect();
    let mut answer = json!({});
    if !page.is_empty() {
        answer["dataPoints"] = json!(page);
    }
    if from + size < all.len() {
        answer["nextPageToken"] = json!((from + size).to_string());
    }
    Json(answer).into_response()
}

/// What a filter of this type's own time asks for; `None` for any other.
fn window(kind: &str, time: Time, filter: &str) -> Option<(UtcMillis, UtcMillis)> {
    let member = match time {
        Time::Start => "interval.start_time",
        Time::End => "interval.end_time",
        Time::Moment => "sample_time.physical_time",
        Time::Date => "date",
    };
    let name = format!("{}.{member}", kind.replace('-', "_"));
    let (from, until) = filter.split_once(" AND ")?;
    let read = |part: &str, operator: &str| {
        let value = part
            .strip_prefix(&name)?
            .strip_prefix(operator)?
            .strip_prefix('"')?
            .strip_suffix('"')?;
        let text = if time == Time::Date {
            format!("{value}T00:00:00Z")
        } else {
            value.to_owned()
        };
        let at: jiff::Timestamp = text.parse().ok()?;
        Some(UtcMillis(at.as_millisecond()))
    };
    Some((read(from, " >= ")?, read(until, " < ")?))
}
