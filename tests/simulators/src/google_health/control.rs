//! `/control`: what makes the simulator do things.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use model::UtcMillis;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use super::notices::{Wrong, notice, send};
use super::points::{Point, TYPES, Time, moment, over};
use crate::mischief::Mischief;

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/control/mischief", post(mischief).delete(clear))
        .route("/control/points", post(put))
        .route("/control/truth", post(truth))
        .route("/control/notices", post(tell))
        .route("/control/accounts/{account}/{act}", post(act))
        .route("/control/turning", post(turning))
        .route("/control/keys", post(turn_keys))
        .route("/control/counts", get(counts))
}

/// `POST /control/mischief`.
async fn mischief(State(shared): State<Arc<Shared>>, Json(one): Json<Mischief>) -> StatusCode {
    shared.plan.add(one);
    StatusCode::NO_CONTENT
}

/// `DELETE /control/mischief`.
async fn clear(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.plan.clear();
    StatusCode::NO_CONTENT
}

/// A change of what an account holds. Times in milliseconds since 1970.
#[derive(Deserialize)]
struct Change {
    account: String,
    kind: String,
    start: i64,
    /// Of an interval.
    end: Option<i64>,
    /// Members of its body; none takes it out.
    body: Option<Value>,
}

/// `POST /control/points`: adds, edits or takes out one.
async fn put(State(shared): State<Arc<Shared>>, Json(change): Json<Change>) -> StatusCode {
    let Some((kind, key, time, _)) = TYPES.iter().find(|(name, ..)| *name == change.kind) else {
        return StatusCode::BAD_REQUEST;
    };
    let (start, end) = (UtcMillis(change.start), UtcMillis(change.end.unwrap_or(change.start)));
    let at = if *time == Time::End { end } else { start };
    let body = change.body.map(|body| match time {
        Time::Moment => moment(key, start, body).body,
        _ => over(key, start, end, body).body,
    });
    match shared.state().accounts.get_mut(&change.account) {
        Some(account) => account.change(kind, at, body),
        None => return StatusCode::NOT_FOUND,
    }
    StatusCode::NO_CONTENT
}

/// What an account holds of a type.
#[derive(Deserialize)]
struct Question {
    account: String,
    kind: String,
    start: i64,
    end: i64,
}

/// `POST /control/truth`: when each point is, and its number, past all mischief.
async fn truth(State(shared): State<Arc<Shared>>, Json(asked): Json<Question>) -> Json<Value> {
    let now = shared.setup.clock.now();
    let state = shared.state();
    let points = state.accounts.get(&asked.account).map_or_else(Vec::new, |account| {
        account.list(&asked.kind, UtcMillis(asked.start), UtcMillis(asked.end), now)
    });
    let key = TYPES
        .iter()
        .find(|(name, ..)| *name == asked.kind)
        .map_or("", |(_, key, ..)| key);
    let number = |body: &Value| {
        let members = body[key].as_object()?;
        members.values().find_map(|value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        })
    };
    let told = |point: Point| json!({"at": point.at.0, "value": number(&point.body)});
    Json(json!(points.into_iter().map(told).collect::<Vec<_>>()))
}

/// A notice to send.
#[derive(Deserialize)]
struct Telling {
    account: String,
    kind: String,
    start: i64,
    end: i64,
    #[serde(default)]
    operation: Option<String>,
    #[serde(default)]
    wrong_signature: bool,
    #[serde(default)]
    wrong_secret: bool,
    /// Sent as it stands, in place of a notice.
    #[serde(default)]
    body: Option<Value>,
}

/// `POST /control/notices`: sends one; what it was answered.
async fn tell(State(shared): State<Arc<Shared>>, Json(telling): Json<Telling>) -> Json<Value> {
    let operation = telling.operation.as_deref().unwrap_or("UPSERT");
    let (start, end) = (UtcMillis(telling.start), UtcMillis(telling.end));
    let body = telling
        .body
        .unwrap_or_else(|| notice(&telling.account, &telling.kind, operation, start, end));
    let wrong = Wrong {
        signature: telling.wrong_signature,
        secret: telling.wrong_secret,
    };
    Json(json!({"status": send(&shared, &body, wrong).await}))
}

/// `POST /control/accounts/{account}/{act}`: `revoke` ends what it agreed to, `expire` its access tokens.
async fn act(State(shared): State<Arc<Shared>>, Path((account, act)): Path<(String, String)>) -> StatusCode {
    let grants = &mut shared.state().grants;
    match act.as_str() {
        "revoke" => grants.end(&account),
        "expire" => grants.expire(&account),
        _ => return StatusCode::NOT_FOUND,
    }
    StatusCode::NO_CONTENT
}

/// `POST /control/turning`: from now on each use of a refresh token gives another.
async fn turning(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.state().grants.turns = true;
    StatusCode::NO_CONTENT
}

/// `POST /control/keys`: another key signs from now on.
async fn turn_keys(State(shared): State<Arc<Shared>>) -> StatusCode {
    let mut state = shared.state();
    match state.signer.next() {
        Ok(next) => state.signer = next,
        Err(_) => return StatusCode::INTERNAL_SERVER_ERROR,
    }
    StatusCode::NO_CONTENT
}

/// `GET /control/counts`: requests, and refresh tokens that were used, until now.
async fn counts(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let refreshed = shared.state().grants.refreshed;
    Json(
        json!({"requests": shared.plan.requests(), "refreshed": refreshed, "accounts": shared.state().grants.accounts()}),
    )
}
