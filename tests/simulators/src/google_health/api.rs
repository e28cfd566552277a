//! The authorization server and the lists.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum_extra::extract::Form;
use model::UtcMillis;
use serde::Deserialize;
use serde_json::{Value, json};

use super::points::{Account, Point, TYPES, Time};
use super::{ACCOUNTS, CLIENT, EMPTY, Shared};
use crate::agree::{self, Asked, Decision};
use crate::grants::{self, TokenRequest};

const PREFIX: &str = "https://www.googleapis.com/auth/googlehealth.";

/// The page on which somebody chooses their account and what they allow.
pub(super) async fn choose(State(shared): State<Arc<Shared>>, Query(asked): Query<Asked>) -> Response {
    let accounts = ACCOUNTS
        .iter()
        .map(|(number, name, ..)| (*number, *name))
        .chain([EMPTY]);
    let accounts: Vec<(&str, &str)> = accounts.collect();
    agree::choose(
        &shared.setup,
        CLIENT.0,
        &asked,
        &accounts,
        PREFIX,
        "/o/oauth2/v2/decide",
    )
}

/// Sends the browser back.
pub(super) async fn decide(State(shared): State<Arc<Shared>>, Form(decision): Form<Decision>) -> Response {
    agree::decided(&*shared, decision)
}

/// The token endpoint; client and secret come in the body.
pub(super) async fn token(State(shared): State<Arc<Shared>>, Form(asked): Form<TokenRequest>) -> Response {
    grants::token(&mut shared.state().grants, &shared.setup, CLIENT, asked, |_, _| {})
}

#[derive(Deserialize)]
pub(super) struct Revocation {
    token: String,
}

/// Ends a grant.
pub(super) async fn revoke(State(shared): State<Arc<Shared>>, Form(asked): Form<Revocation>) -> Response {
    match shared.state().grants.give_back(&asked.token) {
        true => Json(json!({})).into_response(),
        false => (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_token"}))).into_response(),
    }
}

pub(super) fn error(status: StatusCode, name: &str, reason: Option<&str>) -> Response {
    let details = reason.map(|reason| json!([{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}]));
    let body = json!({"error": {"code": status.as_u16(), "message": name, "status": name, "details": details.unwrap_or(json!([]))}});
    (status, Json(body)).into_response()
}

/// Whose token it is, and what it opens.
fn holder(shared: &Shared, headers: &HeaderMap) -> Option<(String, Vec<String>)> {
    let state = shared.state();
    let grant = grants::shown(&state.grants, headers, shared.setup.clock.now())?;
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
        Some((_, scopes)) if !scopes.contains(&format!("{PREFIX}profile.readonly")) => not_given(),
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
    fields: Option<String>,
    page_size: Option<usize>,
    page_token: Option<usize>,
}

/// A list of points, of every source as they are.
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Path(kind): Path<String>,
    headers: HeaderMap,
    Query(asked): Query<ListRequest>,
) -> Response {
    points(&shared, &kind, &headers, &asked, &["name", "dataSource"], Account::list)
}

/// The same as one stream.
pub(super) async fn reconcile(
    State(shared): State<Arc<Shared>>,
    Path(kind): Path<String>,
    headers: HeaderMap,
    Query(asked): Query<ListRequest>,
) -> Response {
    points(&shared, &kind, &headers, &asked, &["dataPointName"], Account::reconcile)
}

/// Whose token it is, where it opens what is asked; else what is answered.
pub(super) fn opened(shared: &Shared, headers: &HeaderMap, scope: &str) -> Result<String, Box<Response>> {
    let Some((account, scopes)) = holder(shared, headers) else {
        return Err(Box::new(error(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", None)));
    };
    match scopes.iter().any(|given| *given == format!("{PREFIX}{scope}.readonly")) {
        true => Ok(account),
        false => Err(Box::new(not_given())),
    }
}

fn not_given() -> Response {
    error(
        StatusCode::FORBIDDEN,
        "PERMISSION_DENIED",
        Some("ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
    )
}

fn points(
    shared: &Shared,
    kind: &str,
    headers: &HeaderMap,
    asked: &ListRequest,
    members: &[&str],
    of: fn(&Account, &str, UtcMillis, UtcMillis, UtcMillis) -> Vec<Point>,
) -> Response {
    let Some((_, key, time, scope)) = TYPES.iter().find(|(name, ..)| *name == kind) else {
        return error(StatusCode::NOT_FOUND, "NOT_FOUND", None);
    };
    let account = match opened(shared, headers, scope) {
        Ok(account) => account,
        Err(refused) => return *refused,
    };
    if !asked
        .fields
        .as_deref()
        .is_none_or(|mask| are_fields(mask, key, members))
    {
        return error(StatusCode::BAD_REQUEST, "INVALID_ARGUMENT", None);
    }
    let Some((start, end)) = window(kind, *time, &asked.filter) else {
        return error(StatusCode::BAD_REQUEST, "INVALID_ARGUMENT", None);
    };
    let most = if matches!(kind, "sleep" | "exercise") {
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
        .map_or_else(Vec::new, |account| of(account, kind, start, end, now));
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

/// True for a mask of a page whose points have these members besides that of their type; the vendor refuses any other.
fn are_fields(mask: &str, key: &str, members: &[&str]) -> bool {
    let (mut path, mut name) = (Vec::new(), String::new());
    let is_known = |path: &[String], name: &str| match (path, name) {
        ([], "dataPoints" | "nextPageToken") => true,
        ([page], member) if page == "dataPoints" => member == key || members.contains(&member),
        ([page, point], _) => page == "dataPoints" && point == key,
        _ => false,
    };
    for letter in mask.chars().chain([',']) {
        match letter {
            '(' if !is_known(&path, &name) => return false,
            '(' => path.push(std::mem::take(&mut name)),
            // After a bracket there is no name.
            ',' | ')' if !name.is_empty() && !is_known(&path, &name) => return false,
            ',' => name.clear(),
            ')' if path.pop().is_none() => return false,
            ')' => name.clear(),
            letter => name.push(letter),
        }
    }
    path.is_empty()
}

/// What a filter of this type's own time asks for; `None` for any other, which the vendor refuses.
fn window(kind: &str, time: Time, filter: &str) -> Option<(UtcMillis, UtcMillis)> {
    let member = match time {
        Time::Start | Time::Since => "interval.start_time",
        Time::CivilStart => "interval.civil_start_time",
        Time::End => "interval.end_time",
        Time::Moment => "sample_time.physical_time",
        Time::Date => "date",
    };
    let name = format!("{}.{member}", kind.replace('-', "_"));
    let read = |part: &str, operator: &str| {
        let value = part
            .strip_prefix(&name)?
            .strip_prefix(operator)?
            .strip_prefix('"')?
            .strip_suffix('"')?;
        let text = match time {
            Time::Date => format!("{value}T00:00:00Z"),
            // Everybody here lives in Japan.
            Time::CivilStart => format!("{value}+09:00"),
            _ => value.to_owned(),
        };
        let at: jiff::Timestamp = text.parse().ok()?;
        Some(UtcMillis(at.as_millisecond()))
    };
    if time == Time::Since {
        return Some((read(filter, " >= ")?, UtcMillis::LATEST));
    }
    let (from, until) = filter.split_once(" AND ")?;
    Some((read(from, " >= ")?, read(until, " < ")?))
}
