//! Fitbit's old Web API: resources by civil day, notices signed with the client's secret, and 410 for everything since it was switched
//! off.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use aws_lc_rs::hmac;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use axum_extra::extract::Form;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::time::{DAY_MS, HOUR_MS, MINUTE_MS};
use model::{LocalDay, UtcMillis};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::accounts::Accounts;
use crate::agree::{self, Asked, Decision};
use crate::control::{self, Change, Question, Telling, Vendor, locked};
use crate::days::Day;
use crate::grants::{self, Grants, TokenRequest};
use crate::mischief::{Plan, meddle};
use crate::{Setup, Simulator, StartError};

const CLIENT: (&str, &str) = ("23ABCD", "not-a-secret-fitbit");
const VERIFICATION: &str = "not-a-secret-code-5d1e";

/// Since when everything is answered 410: 2026-11-02.
pub const SWITCHED_OFF: UtcMillis = UtcMillis(1_793_577_600_000);

/// They live in Japan.
const OFFSET_MS: i64 = 9 * HOUR_MS;

/// Who can be chosen: what the account is called, what they are called there, what their days are made of.
const ACCOUNTS: &[(&str, &str, u64)] = &[
    ("228S74", "hanako@fitbit.example", 11),
    ("229T85", "taro@fitbit.example", 23),
    ("230U96", "misaki@fitbit.example", 37),
];

struct Shared {
    setup: Setup,
    plan: Plan,
    http: reqwest::Client,
    state: Mutex<Accounts>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, Accounts> {
        locked(&self.state)
    }

    /// Items of a resource that begin in this time and are over by now, the first first.
    fn items(&self, account: &str, kind: &str, start: UtcMillis, end: UtcMillis) -> Vec<(i64, Value)> {
        let now = self.setup.clock.now();
        self.state()
            .items(account, kind, (start, end), now, (of_day, |_| MINUTE_MS))
    }
}

/// A civil time of Japan.
fn civil(at: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(at + OFFSET_MS).unwrap_or_default();
    at.to_string().trim_end_matches('Z').to_owned()
}

/// What a day makes of a resource, by when it begins. Minutes without a step are left out: the real ones are all there, as zeros.
fn of_day(kind: &str, day: &Day) -> Vec<(i64, Value)> {
    let minutes = || day.walks().into_iter().flat_map(|(from, lasts)| from..from + lasts);
    match kind {
        "activities/steps" => minutes()
            .map(|minute| (day.at(minute).0, json!({"value": day.steps(minute)})))
            .collect(),
        "activities/heart" => (0..96)
            .map(|quarter| (day.at(quarter * 15).0, json!({"value": day.pulse(quarter * 15)})))
            .collect(),
        "body/log/weight" => {
            let kilograms = (day.grams() as f64) / 1_000.0;
            vec![(day.at(6 * 60 + 50).0, json!({"weight": kilograms, "source": "Aria"}))]
        }
        "sleep" => {
            let (asleep, awake) = day.night();
            let (start, end) = (day.at(asleep), day.at(awake));
            let log = json!({
                "dateOfSleep": civil(end.0).get(..10),
                "startTime": civil(start.0),
                "endTime": civil(end.0),
                "logType": "auto_detected",
                "type": "stages",
                "levels": {"data": [{"dateTime": civil(start.0), "level": "light", "seconds": (end.0 - start.0) / 1_000}], "shortData": []},
            });
            vec![(start.0, log)]
        }
        _ => Vec::new(),
    }
}

/// Starts it.
pub(crate) async fn start(setup: Setup) -> Result<Simulator, StartError> {
    let base = crate::serve(|_| {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(10)).build();
        let shared = Arc::new(Shared {
            setup,
            plan: Plan::default(),
            http: http.map_err(|_| StartError::Made("no HTTP client"))?,
            state: Mutex::new(Accounts::of(ACCOUNTS)),
        });
        let meddled = Router::new()
            .route("/oauth2/token", post(token))
            .route("/oauth2/revoke", post(revoke))
            .route("/1/user/-/{*rest}", get(resource))
            .route("/1.2/user/-/{*rest}", get(resource))
            .layer(middleware::from_fn_with_state(shared.plan.clone(), meddle));
        Ok(Router::new()
            .route("/oauth2/authorize", get(choose))
            .route("/decide", post(decide))
            .merge(meddled)
            .layer(middleware::from_fn_with_state(Arc::clone(&shared), switched_off))
            .merge(control::routes::<Shared>())
            .with_state(shared))
    })
    .await?;
    Ok(Simulator {
        name: "fitbit",
        subscriber: None,
        client: CLIENT,
        webhook_secret: VERIFICATION,
        authorize_url: format!("{base}/oauth2/authorize"),
        token_url: format!("{base}/oauth2/token"),
        revoke_url: format!("{base}/oauth2/revoke"),
        api_url: base.clone(),
        keys_url: String::new(),
        notice: None,
        base,
    })
}

async fn switched_off(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    match shared.setup.clock.now() >= SWITCHED_OFF {
        true => (StatusCode::GONE, "<html>this service is no more</html>").into_response(),
        false => next.run(request).await,
    }
}

async fn choose(State(shared): State<Arc<Shared>>, Query(asked): Query<Asked>) -> Response {
    let accounts: Vec<(&str, &str)> = ACCOUNTS.iter().map(|(number, name, _)| (*number, *name)).collect();
    agree::choose(&shared.setup, CLIENT.0, &asked, &accounts, "", "/decide")
}

async fn decide(State(shared): State<Arc<Shared>>, Form(decision): Form<Decision>) -> Response {
    agree::decided(&*shared, decision)
}

/// Our client is shown in the header alone.
async fn token(State(shared): State<Arc<Shared>>, headers: HeaderMap, Form(asked): Form<TokenRequest>) -> Response {
    let setup = &shared.setup;
    let (client_id, client_secret) = grants::basic(&headers).unzip();
    let asked = TokenRequest {
        client_id,
        client_secret,
        ..asked
    };
    let tokens = grants::tokens(&mut shared.state().grants, setup, CLIENT, asked, |answer, account| {
        answer["user_id"] = json!(account);
    });
    match tokens {
        Ok(answer) => Json(answer).into_response(),
        Err(error) => refused(error),
    }
}

/// A refusal of its authorization server, in its own form.
fn refused(error: &str) -> Response {
    let body = json!({"errors": [{"errorType": error, "message": "no"}], "success": false});
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

#[derive(Deserialize)]
struct Revocation {
    token: String,
}

async fn revoke(State(shared): State<Arc<Shared>>, headers: HeaderMap, Form(asked): Form<Revocation>) -> StatusCode {
    let client = grants::basic(&headers);
    if client.as_ref().map(|(id, secret)| (id.as_str(), secret.as_str())) != Some(CLIENT) {
        return StatusCode::UNAUTHORIZED;
    }
    shared.state().grants.give_back(&asked.token);
    StatusCode::OK
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct After {
    after_date: Option<String>,
}

/// `{resource}/date/{first}/{last or detail}.json`, `activities/list.json`, `profile.json`.
async fn resource(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Path(rest): Path<String>,
    Query(after): Query<After>,
) -> Response {
    let now = shared.setup.clock.now();
    let grant =
        grants::shown(&shared.state().grants, &headers, now).map(|grant| (grant.account.clone(), grant.scopes.clone()));
    let Some((account, scopes)) = grant else {
        let error = json!({"errors": [{"errorType": "expired_token", "message": "it is over"}], "success": false});
        return (StatusCode::UNAUTHORIZED, Json(error)).into_response();
    };
    let rest = rest.strip_suffix(".json").unwrap_or(&rest);
    if rest == "profile" {
        return Json(
            json!({"user": {"encodedId": account, "timezone": "Asia/Tokyo", "offsetFromUTCMillis": OFFSET_MS}}),
        )
        .into_response();
    }
    let (kind, days) = match rest.split_once("/date/") {
        Some((kind, days)) => (kind, days.to_owned()),
        None => (rest, after.after_date.unwrap_or_default()),
    };
    let scope = match kind {
        "sleep" => "sleep",
        "body/log/weight" | "body/log/fat" => "weight",
        "activities/heart" | "hrv" => "heartrate",
        "spo2" => "oxygen_saturation",
        "br" => "respiratory_rate",
        "temp/skin" => "temperature",
        "cardioscore" => "cardio_fitness",
        _ => "activity",
    };
    if !scopes.iter().any(|given| given == scope) {
        let error =
            json!({"errors": [{"errorType": "insufficient_scope", "message": "it was not given"}], "success": false});
        return (StatusCode::FORBIDDEN, Json(error)).into_response();
    }
    let mut days = days.split('/');
    let day = |text: Option<&str>| Some(i64::from(LocalDay::parse(text?)?.0) * DAY_MS);
    let Some(first) = day(days.next()) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let last = day(days.next()).unwrap_or(first);
    // Nights are by the day on which they end.
    let start = UtcMillis(first - OFFSET_MS - if kind == "sleep" { DAY_MS } else { 0 });
    let items = shared.items(&account, kind, start, UtcMillis(last - OFFSET_MS + DAY_MS));
    Json(page(kind, items, first)).into_response()
}

fn page(kind: &str, items: Vec<(i64, Value)>, first: i64) -> Value {
    let date = LocalDay(i32::try_from(first / DAY_MS).unwrap_or(0)).to_string();
    let item = |(at, mut members): (i64, Value)| {
        let (day, clock) = civil(at)
            .split_once('T')
            .map_or_else(Default::default, |(day, clock)| (day.to_owned(), clock.to_owned()));
        match kind {
            "body/log/weight" => {
                members["date"] = json!(day);
                members["time"] = json!(clock);
                members["logId"] = json!(at);
            }
            "sleep" => members["logId"] = json!(at / 1_000),
            _ => members["time"] = json!(clock),
        }
        members
    };
    let items: Vec<Value> = items.into_iter().map(item).collect();
    match kind {
        "activities/steps"
        | "activities/distance"
        | "activities/floors"
        | "activities/calories"
        | "activities/heart" => {
            let intraday = json!({"dataset": items, "datasetInterval": 1, "datasetType": "minute"});
            json!({kind.replace('/', "-"): [{"dateTime": date, "value": {}}], format!("{}-intraday", kind.replace('/', "-")): intraday})
        }
        "sleep" => json!({"sleep": items, "summary": {}}),
        "body/log/weight" => json!({"weight": items}),
        "spo2" => json!([]),
        _ => json!({}),
    }
}

impl Vendor for Shared {
    fn setup(&self) -> &Setup {
        &self.setup
    }

    fn adopt(&self, account: &str, seed: u64) {
        self.state().adopt(account, seed);
    }

    fn plan(&self) -> &Plan {
        &self.plan
    }

    fn with_grants<T>(&self, act: impl FnOnce(&mut Grants) -> T) -> T {
        act(&mut self.state().grants)
    }

    fn change(&self, change: &Change) -> bool {
        self.state().change(change)
    }

    fn truth(&self, asked: &Question) -> Vec<(i64, String)> {
        let items = self.items(
            &asked.account,
            &asked.kind,
            UtcMillis(asked.start),
            UtcMillis(asked.end),
        );
        let member = if asked.kind == "body/log/weight" {
            "weight"
        } else {
            "value"
        };
        let number = |(at, members): (i64, Value)| (at, members[member].to_string());
        items.into_iter().map(number).collect()
    }

    async fn tell(&self, telling: Telling) -> u16 {
        let collection = match telling.kind.as_str() {
            kind if kind.starts_with("activities") => "activities",
            kind if kind.starts_with("body") => "body",
            kind => kind,
        };
        let body = telling.body.unwrap_or_else(|| {
            let date = civil(telling.start).get(..10).map(str::to_owned);
            json!([{"collectionType": collection, "date": date, "ownerId": telling.account, "ownerType": "user", "subscriptionId": "1"}])
        });
        let bytes = body.to_string().into_bytes();
        let secret = if telling.wrong_signature { "another" } else { CLIENT.1 };
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, format!("{secret}&").as_bytes());
        let signature = STANDARD.encode(hmac::sign(&key, &bytes));
        let sent = self
            .http
            .post(format!("{}/fitbit", self.setup.webhooks))
            .header("content-type", "application/json")
            .header("x-fitbit-signature", signature)
            .body(bytes)
            .send()
            .await;
        sent.map_or(0, |answer| answer.status().as_u16())
    }
}
