//! `/control`: what makes a simulator do things, the same for every vendor.

use std::sync::{Arc, MutexGuard};

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Setup;
use crate::grants::Grants;
use crate::mischief::{Mischief, Plan};

/// A simulated vendor, as far as it is controlled.
pub trait Vendor: Send + Sync + 'static {
    /// What goes wrong.
    fn plan(&self) -> &Plan;

    /// What it was started with.
    fn setup(&self) -> &Setup;

    /// An account more, whose days are made of `seed`.
    fn adopt(&self, account: &str, seed: u64);

    /// What was agreed to.
    fn with_grants<T>(&self, act: impl FnOnce(&mut Grants) -> T) -> T;

    /// Adds, edits or takes out a point; false for an account or a type that is not there.
    fn change(&self, change: &Change) -> bool;

    /// When each point is, and its number, past all mischief.
    fn truth(&self, asked: &Question) -> Vec<(i64, String)>;

    /// Sends a notice; what it was answered, 0 for nothing.
    fn tell(&self, telling: Telling) -> impl Future<Output = u16> + Send;

    /// Another key signs from now on; false for a vendor that signs nothing.
    fn turn_keys(&self) -> bool {
        false
    }
}

/// A change of what an account holds. Times in milliseconds since 1970.
#[derive(Deserialize)]
pub struct Change {
    /// Whose.
    pub account: String,
    /// The series.
    pub kind: String,
    /// When it is, or begins.
    pub start: i64,
    /// Of an interval.
    pub end: Option<i64>,
    /// Its members; none takes it out.
    pub body: Option<Value>,
}

/// What an account holds of a type.
#[derive(Deserialize)]
pub struct Question {
    /// Whose.
    pub account: String,
    /// The series.
    pub kind: String,
    /// From when on.
    pub start: i64,
    /// Until when.
    pub end: i64,
}

/// A notice to send.
#[derive(Deserialize)]
pub struct Telling {
    /// Whose.
    pub account: String,
    /// The series.
    pub kind: String,
    /// From when on.
    pub start: i64,
    /// Until when.
    pub end: i64,
    /// What happened, in the vendor's word.
    pub operation: Option<String>,
    /// Signed wrongly.
    #[serde(default)]
    pub wrong_signature: bool,
    /// Shows another secret.
    #[serde(default)]
    pub wrong_secret: bool,
    /// Sent as it stands, in place of a notice.
    pub body: Option<Value>,
}

/// The first of what `mutex` holds, whoever panicked with it.
pub(crate) fn locked<T>(mutex: &std::sync::Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The routes of a vendor's control.
pub(crate) fn routes<V: Vendor>() -> Router<Arc<V>> {
    Router::new()
        .route("/control/mischief", post(mischief::<V>).delete(clear::<V>))
        .route("/control/points", post(put::<V>))
        .route("/control/truth", post(truth::<V>))
        .route("/control/notices", post(tell::<V>))
        .route("/control/accounts/{account}/{act}", post(act::<V>))
        .route("/control/accounts", post(adopt::<V>))
        .route("/control/turning", post(turning::<V>))
        .route("/control/keys", post(turn_keys::<V>))
        .route("/control/counts", get(counts::<V>))
}

async fn mischief<V: Vendor>(State(vendor): State<Arc<V>>, Json(one): Json<Mischief>) -> StatusCode {
    vendor.plan().add(one);
    StatusCode::NO_CONTENT
}

async fn clear<V: Vendor>(State(vendor): State<Arc<V>>) -> StatusCode {
    vendor.plan().clear();
    StatusCode::NO_CONTENT
}

async fn put<V: Vendor>(State(vendor): State<Arc<V>>, Json(change): Json<Change>) -> StatusCode {
    match vendor.change(&change) {
        true => StatusCode::NO_CONTENT,
        false => StatusCode::NOT_FOUND,
    }
}

async fn truth<V: Vendor>(State(vendor): State<Arc<V>>, Json(asked): Json<Question>) -> Json<Value> {
    let points = vendor.truth(&asked).into_iter();
    Json(points.map(|(at, value)| json!({"at": at, "value": value})).collect())
}

async fn tell<V: Vendor>(State(vendor): State<Arc<V>>, Json(telling): Json<Telling>) -> Json<Value> {
    Json(json!({"status": vendor.tell(telling).await}))
}

/// `revoke` ends what an account agreed to, `expire` its access tokens.
async fn act<V: Vendor>(State(vendor): State<Arc<V>>, Path((account, act)): Path<(String, String)>) -> StatusCode {
    vendor.with_grants(|grants| match act.as_str() {
        "revoke" => grants.end(&account),
        "expire" => grants.expire(&account),
        _ => {}
    });
    match act.as_str() {
        "revoke" | "expire" => StatusCode::NO_CONTENT,
        _ => StatusCode::NOT_FOUND,
    }
}

/// An account that agrees at once.
#[derive(Deserialize)]
struct Adopted {
    account: String,
    seed: u64,
    scopes: Vec<String>,
}

/// Adds an account that agreed; its tokens.
async fn adopt<V: Vendor>(State(vendor): State<Arc<V>>, Json(adopted): Json<Adopted>) -> Json<Value> {
    vendor.adopt(&adopted.account, adopted.seed);
    let (randomness, now) = (Arc::clone(&vendor.setup().randomness), vendor.setup().clock.now());
    let pair = vendor.with_grants(|grants| grants.give(&*randomness, &adopted.account, adopted.scopes, now));
    Json(json!({
        "access": pair.as_ref().map(|pair| pair.access.clone()),
        "refresh": pair.and_then(|pair| pair.refresh),
    }))
}

/// From now on each use of a refresh token gives another.
async fn turning<V: Vendor>(State(vendor): State<Arc<V>>) -> StatusCode {
    vendor.with_grants(|grants| grants.turns = true);
    StatusCode::NO_CONTENT
}

async fn turn_keys<V: Vendor>(State(vendor): State<Arc<V>>) -> StatusCode {
    match vendor.turn_keys() {
        true => StatusCode::NO_CONTENT,
        false => StatusCode::NOT_FOUND,
    }
}

/// Requests, and refresh tokens that were used, until now; accounts that agreed; mischief of which nothing came to pass.
async fn counts<V: Vendor>(State(vendor): State<Arc<V>>) -> Json<Value> {
    let (requests, untouched) = (vendor.plan().requests(), vendor.plan().untouched());
    Json(vendor.with_grants(|grants| {
        json!({
            "requests": requests, "refreshed": grants.refreshed, "accounts": grants.accounts(), "untouched": untouched,
        })
    }))
}
