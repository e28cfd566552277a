//! What OMRON connect hands partners: one account, a growing number, readings of many people; answers nest as the service for phones
//! nests them.

use std::sync::{Arc, Mutex, MutexGuard};

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use model::environment::Randomness;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::control::locked;
use crate::days::Day;
use crate::mischief::{Mischief, Plan, meddle};
use crate::{Setup, StartError};

const TENANT: &str = "not-a-secret-tenant";
const PARTNER: &str = "p-town";
const ACCOUNT: (&str, &str) = ("town@omron.example", "not-a-secret-password");

/// Readings of one answer at most.
const MOST: usize = 40;
/// Days of readings that there are when it starts.
const DAYS: i64 = 30;

/// Accounts, and what their days are made of.
const PEOPLE: &[(&str, &str, u64)] = &[("g-01", "u-01", 11), ("g-01", "u-02", 23)];

/// A running service, and what a gateway has to know of it.
#[derive(Clone, Debug)]
pub struct Partner {
    /// The adapter that reads it.
    pub name: &'static str,
    /// Its address.
    pub base: String,
    /// The number of the installation.
    pub tenant: &'static str,
    /// The number of the partner.
    pub partner: &'static str,
    /// The partner's account and password.
    pub account: (&'static str, &'static str),
    /// Whose readings there are: group and user.
    pub people: Vec<String>,
}

struct Shared {
    randomness: Arc<dyn Randomness>,
    plan: Plan,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    token: Option<String>,
    readings: Vec<Reading>,
}

/// One reading, under the number at its place.
#[derive(Clone, Debug, Deserialize)]
struct Reading {
    group: String,
    user: String,
    category: String,
    model: String,
    serial: String,
    measure: Value,
}

impl Shared {
    fn held(&self) -> MutexGuard<'_, Held> {
        locked(&self.held)
    }
}

/// Starts one in which two people measured for some weeks.
///
/// # Errors
/// [`StartError`].
pub async fn start(setup: &Setup) -> Result<Partner, StartError> {
    let today = Day::number_at(setup.clock.now());
    let readings = (today - DAYS..today).flat_map(|day| PEOPLE.iter().map(move |person| of_day(person, day)));
    let held = Held {
        token: None,
        readings: readings.flatten().collect(),
    };
    let randomness = Arc::clone(&setup.randomness);
    let base = crate::serve(|_| {
        let shared = Arc::new(Shared {
            randomness,
            plan: Plan::default(),
            held: Mutex::new(held),
        });
        let meddled = Router::new()
            .route("/oauth2/token", post(token))
            .route(
                "/a/b2b-data-api/v1.0/wps/8/{tenant}/partners/{partner}/vital-signs",
                get(vital_signs),
            )
            .layer(middleware::from_fn_with_state(shared.plan.clone(), meddle));
        Ok(Router::new()
            .route("/control/mischief", post(mischief))
            .route("/control/put", post(put))
            .route("/control/forget", post(forget))
            .route("/control/counts", get(counts))
            .merge(meddled)
            .with_state(shared))
    })
    .await?;
    Ok(Partner {
        name: "omron-b2b",
        base,
        tenant: TENANT,
        partner: PARTNER,
        account: ACCOUNT,
        people: PEOPLE
            .iter()
            .map(|(group, user, _)| format!("{group}/{user}"))
            .collect(),
    })
}

/// A reading in the morning and a weight.
fn of_day((group, user, seed): &(&str, &str, u64), number: i64) -> [Reading; 2] {
    let day = Day::new(*seed, number);
    let reading = |category: &str, model: &str, minute: i64, list: Value| Reading {
        group: (*group).to_owned(),
        user: (*user).to_owned(),
        category: category.to_owned(),
        model: model.to_owned(),
        serial: format!("{seed:016X}"),
        measure: json!({
            "measureDateFrom": day.at(minute).0.to_string(),
            "timeZone": "Asia/Tokyo",
            "deleteFlag": "0",
            "transferDate": day.at(minute + 3).0.to_string(),
            "bodyIndexList": list,
        }),
    };
    let pressure = json!({
        "1": [(118 + day.pick(40, 20)).to_string(), "20496", "0", "1"],
        "2": [(74 + day.pick(41, 12)).to_string(), "20496", "0", "2"],
        "3": [(58 + day.pick(42, 16)).to_string(), "61600", "0", "3"],
    });
    let weight = json!({"257": [(day.grams() / 10).to_string(), "8195", "-2", "4"]});
    [
        reading("0", "HEM-7281T", 6 * 60 + 35, pressure),
        reading("1", "HBF-228T", 6 * 60 + 50, weight),
    ]
}

#[derive(Deserialize)]
struct SignIn {
    grant_type: String,
    username: String,
    password: String,
}

async fn token(State(shared): State<Arc<Shared>>, Json(asked): Json<SignIn>) -> Response {
    if asked.grant_type != "password" || (asked.username.as_str(), asked.password.as_str()) != ACCOUNT {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let mut bytes = [0; 16];
    shared.randomness.fill(&mut bytes);
    let token = format!("{:032x}", u128::from_le_bytes(bytes));
    shared.held().token = Some(token.clone());
    Json(json!({
        "id": "1", "access_token": token, "refresh_token": "unused", "expires_in": 2_147_483_647_i64, "token_type": "bearer",
    }))
    .into_response()
}

#[derive(Deserialize)]
struct Since {
    #[serde(rename = "SequenceNo")]
    sequence: usize,
}

async fn vital_signs(
    State(shared): State<Arc<Shared>>,
    Path((tenant, partner)): Path<(String, String)>,
    Query(since): Query<Since>,
    headers: HeaderMap,
) -> Response {
    let held = shared.held();
    let shown = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = held.token.as_ref().map(|token| format!("bearer {token}"));
    if bearer.is_none() || shown(header::AUTHORIZATION.as_str()) != bearer.as_deref() {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if (tenant.as_str(), partner.as_str()) != (TENANT, PARTNER) || shown("MyLoginName") != Some(ACCOUNT.0) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let rest = held.readings.get(since.sequence..).unwrap_or_default();
    let page = &rest[..rest.len().min(MOST)];
    let user = |reading: &Reading| {
        json!({"UserId": reading.user, "deviceCategoryList": [{
            "deviceCategory": reading.category,
            "deviceModelList": [{"deviceModel": reading.model, "deviceSerialIDList": [{
                "deviceSerialID": reading.serial, "userNumberInDevice": "1", "measureList": [reading.measure],
            }]}],
        }]})
    };
    let groups: Vec<Value> = page
        .iter()
        .map(|reading| json!({"GroupId": reading.group, "GroupName": "walkers", "UserList": [user(reading)]}))
        .collect();
    let next = since.sequence + page.len();
    let partners = match groups.is_empty() {
        true => json!([]),
        false => json!([{"PartnerId": PARTNER, "PartnerName": "town", "GroupList": groups}]),
    };
    Json(json!({"NextSequenceNo": next.to_string(), "PartnerList": partners})).into_response()
}

async fn mischief(State(shared): State<Arc<Shared>>, Json(mischief): Json<Mischief>) -> StatusCode {
    shared.plan.add(mischief);
    StatusCode::NO_CONTENT
}

/// Somebody measures.
async fn put(State(shared): State<Arc<Shared>>, Json(reading): Json<Reading>) -> StatusCode {
    shared.held().readings.push(reading);
    StatusCode::NO_CONTENT
}

/// Requests until now, and answers that are still to go wrong.
async fn counts(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!({"requests": shared.plan.requests(), "wrong": shared.plan.left()}))
}

/// The token is good no more.
async fn forget(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.held().token = None;
    StatusCode::NO_CONTENT
}
