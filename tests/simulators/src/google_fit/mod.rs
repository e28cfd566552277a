//! Google Fit's REST API: streams that merge all sources of a type, sessions, and no notices.

use std::sync::{Arc, Mutex, MutexGuard};

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use axum_extra::extract::Form;
use model::UtcMillis;
use model::time::MINUTE_MS;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::accounts::Accounts;
use crate::agree::{self, Asked, Decision};
use crate::control::{self, Change, Question, Telling, Vendor, locked};
use crate::days::Day;
use crate::grants::{self, Grants, TokenRequest};
use crate::mischief::{Plan, meddle};
use crate::{Setup, Simulator, StartError};

const CLIENT: (&str, &str) = ("sekisho-at-fit", "not-a-secret-fit");

/// Points of one answer at most.
const MOST: usize = 1_000;

/// Who can be chosen: the number of the account, what they are called there, what their days are made of.
const ACCOUNTS: &[(&str, &str, u64)] = &[
    ("108111", "hanako@fit.example", 11),
    ("108222", "taro@fit.example", 23),
    ("108333", "misaki@fit.example", 37),
];

struct Shared {
    setup: Setup,
    plan: Plan,
    state: Mutex<Accounts>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, Accounts> {
        locked(&self.state)
    }

    /// Items of a type that begin in this time and are over by now, the first first.
    fn items(&self, account: &str, kind: &str, start: UtcMillis, end: UtcMillis) -> Vec<(i64, Value)> {
        let now = self.setup.clock.now();
        self.state().items(account, kind, (start, end), now, (of_day, length))
    }
}

/// How long an item of a type lasts, in milliseconds; of those whose days say it, none.
fn length(kind: &str) -> i64 {
    match kind {
        "step_count.delta" | "distance.delta" => MINUTE_MS,
        _ => 0,
    }
}

/// What a day makes of a type: members of a point by when it begins.
fn of_day(kind: &str, day: &Day) -> Vec<(i64, Value)> {
    let minutes = || day.walks().into_iter().flat_map(|(from, lasts)| from..from + lasts);
    let number = |value: Value| json!({"value": [value]});
    match kind {
        "step_count.delta" => minutes()
            .map(|minute| (day.at(minute).0, number(json!({"intVal": day.steps(minute)}))))
            .collect(),
        "distance.delta" => minutes()
            .map(|minute| {
                let metres = (day.steps(minute) as f64) * 0.71;
                (day.at(minute).0, number(json!({"fpVal": f64::from(metres as f32)})))
            })
            .collect(),
        "weight" => {
            let kilograms = (day.grams() as f64) / 1_000.0;
            // As the vendor has it: a short number that was made longer.
            vec![(
                day.at(6 * 60 + 50).0,
                number(json!({"fpVal": f64::from(kilograms as f32)})),
            )]
        }
        "sessions" => day.exercise().map_or_else(Vec::new, |(from, lasts)| {
            let members = json!({"activityType": 8, "endTimeMillis": day.at(from + lasts).0.to_string()});
            vec![(day.at(from).0, members)]
        }),
        _ => Vec::new(),
    }
}

/// Starts it.
pub(crate) async fn start(setup: Setup) -> Result<Simulator, StartError> {
    let base = crate::serve(|_| {
        let shared = Arc::new(Shared {
            setup,
            plan: Plan::default(),
            state: Mutex::new(Accounts::of(ACCOUNTS)),
        });
        let meddled = Router::new()
            .route("/token", post(token))
            .route("/revoke", post(revoke))
            .route(
                "/fitness/v1/users/me/dataSources/{stream}/datasets/{range}",
                get(dataset),
            )
            .route("/fitness/v1/users/me/sessions", get(sessions))
            .layer(middleware::from_fn_with_state(shared.plan.clone(), meddle));
        Ok(Router::new()
            .route("/auth", get(choose))
            .route("/decide", post(decide))
            .merge(meddled)
            .merge(control::routes::<Shared>())
            .with_state(shared))
    })
    .await?;
    Ok(Simulator {
        name: "google-fit",
        subscriber: None,
        client: CLIENT,
        webhook_secret: "",
        authorize_url: format!("{base}/auth"),
        token_url: format!("{base}/token"),
        revoke_url: format!("{base}/revoke"),
        api_url: format!("{base}/fitness/v1/users/me"),
        keys_url: String::new(),
        notice: None,
        base,
    })
}

async fn choose(State(shared): State<Arc<Shared>>, Query(asked): Query<Asked>) -> Response {
    let accounts: Vec<(&str, &str)> = ACCOUNTS.iter().map(|(number, name, _)| (*number, *name)).collect();
    agree::choose(
        &shared.setup,
        CLIENT.0,
        &asked,
        &accounts,
        "https://www.googleapis.com/auth/fitness.",
        "/decide",
    )
}

async fn decide(State(shared): State<Arc<Shared>>, Form(decision): Form<Decision>) -> Response {
    agree::decided(&*shared, decision)
}

async fn token(State(shared): State<Arc<Shared>>, Form(asked): Form<TokenRequest>) -> Response {
    let setup = &shared.setup;
    grants::token(&mut shared.state().grants, setup, CLIENT, asked, |answer, account| {
        answer["id_token"] = grants::id_token(account);
    })
}

#[derive(Deserialize)]
struct Revocation {
    token: String,
}

async fn revoke(State(shared): State<Arc<Shared>>, Form(asked): Form<Revocation>) -> StatusCode {
    match shared.state().grants.give_back(&asked.token) {
        true => StatusCode::OK,
        false => StatusCode::BAD_REQUEST,
    }
}

/// Whose token was shown, if it opens this.
fn holder(shared: &Shared, headers: &HeaderMap, area: &str) -> Result<String, Box<Response>> {
    let state = shared.state();
    let Some(grant) = grants::shown(&state.grants, headers, shared.setup.clock.now()) else {
        return Err(Box::new(StatusCode::UNAUTHORIZED.into_response()));
    };
    if grant.scopes.iter().any(|scope| scope.contains(area)) {
        return Ok(grant.account.clone());
    }
    let error = json!({"error": {
        "code": 403,
        "message": "Request had insufficient authentication scopes.",
        "errors": [{"message": "Insufficient Permission", "domain": "global", "reason": "insufficientPermissions"}],
        "status": "PERMISSION_DENIED",
        "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}],
    }});
    Err(Box::new((StatusCode::FORBIDDEN, Json(error)).into_response()))
}

fn area(kind: &str) -> &'static str {
    match kind {
        "weight" | "height" | "body.fat.percentage" => "fitness.body.read",
        "distance.delta" => "fitness.location",
        "heart_rate.bpm" => "fitness.heart_rate",
        _ => "fitness.",
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Paging {
    #[serde(default)]
    page_token: Option<usize>,
}

/// Points of a stream between two times in nanoseconds.
async fn dataset(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Path((stream, range)): Path<(String, String)>,
    Query(paging): Query<Paging>,
) -> Response {
    let kind = stream
        .split(':')
        .nth(1)
        .and_then(|name| name.strip_prefix("com.google."));
    let range = range.split_once('-').and_then(|(start, end)| {
        let millis = |text: &str| text.parse::<i64>().ok().map(|nanos| UtcMillis(nanos / 1_000_000));
        Some((millis(start)?, millis(end)?))
    });
    let (Some(kind), Some((start, end))) = (kind, range) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let account = match holder(&shared, &headers, area(kind)) {
        Ok(account) => account,
        Err(refusal) => return *refusal,
    };
    let all = shared.items(&account, kind, start, end);
    let from = paging.page_token.unwrap_or(0);
    let origin = format!("raw:com.google.{kind}:com.google.android.gms:Example:Phone 9:0f2c:sensor");
    let point = |(at, members): &(i64, Value)| {
        let mut point = members.clone();
        point["dataTypeName"] = json!(format!("com.google.{kind}"));
        point["originDataSourceId"] = json!(origin);
        point["startTimeNanos"] = json!(format!("{at}000000"));
        point["endTimeNanos"] = json!(format!("{}000000", at + length(kind)));
        point["modifiedTimeMillis"] = json!((at + length(kind)).to_string());
        point
    };
    let points: Vec<Value> = all.iter().skip(from).take(MOST).map(point).collect();
    let mut page = json!({"dataSourceId": stream, "minStartTimeNs": format!("{}000000", start.0), "maxEndTimeNs": format!("{}000000", end.0)});
    if from + points.len() < all.len() {
        page["nextPageToken"] = json!((from + MOST).to_string());
    }
    // A list that is empty is left out.
    if !points.is_empty() {
        page["point"] = json!(points);
    }
    Json(page).into_response()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Between {
    start_time: String,
    end_time: String,
}

/// Sessions between two times; a token of what changes later stands at their end.
async fn sessions(State(shared): State<Arc<Shared>>, headers: HeaderMap, Query(asked): Query<Between>) -> Response {
    let account = match holder(&shared, &headers, "fitness.activity") {
        Ok(account) => account,
        Err(refusal) => return *refusal,
    };
    let instant = |text: &str| {
        let at = text.parse::<jiff::Timestamp>().ok()?;
        Some(UtcMillis(at.as_millisecond()))
    };
    let Some((start, end)) = instant(&asked.start_time).zip(instant(&asked.end_time)) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let all = shared.items(&account, "sessions", start, end);
    let session = |(at, members): &(i64, Value)| {
        let mut session = members.clone();
        session["id"] = json!(format!("session-{at}"));
        session["startTimeMillis"] = json!(at.to_string());
        session["application"] = json!({"packageName": "com.google.android.apps.fitness"});
        session
    };
    Json(json!({"session": all.iter().map(session).collect::<Vec<_>>(), "deletedSession": []})).into_response()
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
        let number = |(at, members): (i64, Value)| {
            let value = members.pointer("/value/0");
            let number = value.and_then(|value| match value.get("intVal") {
                Some(whole) => Some(whole.to_string()),
                // The short number that it was.
                None => Some(format!("{:?}", value.get("fpVal")?.as_f64()? as f32)),
            });
            (at, number.unwrap_or_default())
        };
        items.into_iter().map(number).collect()
    }

    /// It tells nobody anything.
    async fn tell(&self, _: Telling) -> u16 {
        0
    }
}
