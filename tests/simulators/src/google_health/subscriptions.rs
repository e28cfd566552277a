//! Subscriptions one by one: a service account's signed word becomes a token, and the token opens what the project may do.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum_extra::extract::Form;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use crate::StartError;

/// The subscriber of the project.
pub(super) const SUBSCRIBER: &str = "projects/not-a-secret-project/subscribers/sekisho";
const EMAIL: &str = "sekisho@not-a-secret-project.example";
const TOKEN: &str = "not-a-secret-service-token";
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// Whose notices are sent where each was asked for by itself.
pub(super) struct Subscriptions {
    pair: KeyPair,
    address: String,
    /// By their ids: the account, and its types. `None` while everybody is subscribed who agreed.
    pub(super) held: Option<BTreeMap<String, (String, Vec<String>)>>,
}

impl Subscriptions {
    pub(super) fn new(base: &str) -> Result<Self, StartError> {
        let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| StartError::Made("no key"))?;
        Ok(Self {
            pair,
            address: format!("{base}/service-token"),
            held: None,
        })
    }

    /// The file of the service account, as its vendor hands it out.
    pub(super) fn key_file(&self) -> Result<String, StartError> {
        let document = self.pair.as_der().map_err(|_| StartError::Made("no key"))?;
        let key = STANDARD.encode(document.as_ref());
        let lines: Vec<&str> = (0..key.len())
            .step_by(64)
            .map(|at| &key[at..key.len().min(at + 64)])
            .collect();
        let pem = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            lines.join("\n")
        );
        let file = json!({
            "type": "service_account", "private_key_id": "1", "private_key": pem, "client_email": EMAIL,
            "token_uri": self.address,
        });
        Ok(file.to_string())
    }

    /// True where an account's notices of a type are sent.
    pub(super) fn are_of(&self, account: &str, kind: &str) -> bool {
        self.held.as_ref().is_none_or(|held| {
            let mut of = held.values().filter(|(user, _)| user == account);
            of.any(|(_, types)| types.iter().any(|known| known == kind))
        })
    }

    fn is_genuine(&self, assertion: &str, now: i64) -> bool {
        let Some((signed, signature)) = assertion.rsplit_once('.') else {
            return false;
        };
        let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else {
            return false;
        };
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, self.pair.public_key().as_ref());
        let claims = signed
            .split_once('.')
            .and_then(|(_, claims)| URL_SAFE_NO_PAD.decode(claims).ok());
        let claims: Value = claims
            .and_then(|claims| serde_json::from_slice(&claims).ok())
            .unwrap_or_default();
        let says = (claims["iss"].as_str(), claims["scope"].as_str(), claims["aud"].as_str());
        key.verify(signed.as_bytes(), &signature).is_ok()
            && says == (Some(EMAIL), Some(SCOPE), Some(self.address.as_str()))
            && claims["iat"].as_i64().is_some_and(|iat| iat <= now / 1_000 + 60)
            && claims["exp"].as_i64().is_some_and(|exp| exp > now / 1_000)
    }
}

#[derive(Deserialize)]
pub(super) struct Assertion {
    grant_type: String,
    assertion: String,
}

/// A token for a word that the service account signed (RFC 7523).
pub(super) async fn token(State(shared): State<Arc<Shared>>, Form(asked): Form<Assertion>) -> Response {
    let now = shared.setup.clock.now().0;
    let mut state = shared.state();
    let is_grant = asked.grant_type == "urn:ietf:params:oauth:grant-type:jwt-bearer";
    if !is_grant || !state.subscriptions.is_genuine(&asked.assertion, now) {
        return (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_grant"}))).into_response();
    }
    state.subscriptions.held.get_or_insert_default();
    Json(json!({"access_token": TOKEN, "expires_in": 3_600, "token_type": "Bearer"})).into_response()
}

fn is_ours(headers: &HeaderMap, project: &str, subscriber: &str) -> bool {
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    shown == Some(&format!("Bearer {TOKEN}")) && format!("projects/{project}/subscribers/{subscriber}") == SUBSCRIBER
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Id {
    subscription_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Body {
    user: Option<String>,
    data_types: Vec<String>,
}

/// Makes one; one that is there is not made again.
pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    Path((project, subscriber)): Path<(String, String)>,
    Query(id): Query<Id>,
    headers: HeaderMap,
    Json(body): Json<Body>,
) -> StatusCode {
    if !is_ours(&headers, &project, &subscriber) {
        return StatusCode::UNAUTHORIZED;
    }
    let user = body
        .user
        .as_deref()
        .and_then(|user| user.strip_prefix("users/"))
        .map(str::to_owned);
    let mut state = shared.state();
    let held = state.subscriptions.held.get_or_insert_default();
    match user {
        Some(_) if held.contains_key(&id.subscription_id) => StatusCode::CONFLICT,
        Some(user) if !body.data_types.is_empty() => {
            held.insert(id.subscription_id, (user, body.data_types));
            StatusCode::OK
        }
        _ => StatusCode::BAD_REQUEST,
    }
}

/// Changes the types of one, or ends it.
pub(super) async fn change(
    State(shared): State<Arc<Shared>>,
    Path((project, subscriber, id)): Path<(String, String, String)>,
    headers: HeaderMap,
    Json(body): Json<Body>,
) -> StatusCode {
    if !is_ours(&headers, &project, &subscriber) {
        return StatusCode::UNAUTHORIZED;
    }
    let mut state = shared.state();
    match state.subscriptions.held.get_or_insert_default().get_mut(&id) {
        Some(held) => {
            held.1 = body.data_types;
            StatusCode::OK
        }
        None => StatusCode::NOT_FOUND,
    }
}

pub(super) async fn delete(
    State(shared): State<Arc<Shared>>,
    Path((project, subscriber, id)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> StatusCode {
    if !is_ours(&headers, &project, &subscriber) {
        return StatusCode::UNAUTHORIZED;
    }
    let mut state = shared.state();
    match state.subscriptions.held.get_or_insert_default().remove(&id) {
        Some(_) => StatusCode::OK,
        None => StatusCode::NOT_FOUND,
    }
}

/// `GET /control/subscriptions`: accounts, each with how many types.
pub(super) async fn held(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let state = shared.state();
    let held = state.subscriptions.held.iter().flat_map(|held| held.values());
    let told: Vec<Value> = held
        .map(|(user, types)| json!({"user": user, "types": types}))
        .collect();
    Json(json!(told))
}
