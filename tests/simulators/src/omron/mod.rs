//! The Omron partner API: authorization with an ID token, measurements since a day, notices that nothing signs.

mod items;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use axum_extra::extract::Form;
use model::UtcMillis;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::agree::{self, Asked, Decision};
use crate::control::{self, Change, Question, Telling, Vendor, locked};
use crate::grants::{self, Grants, TokenRequest};
use crate::mischief::{Plan, meddle};
use crate::{Setup, Simulator, StartError};
use items::Account;

const CLIENT: (&str, &str) = ("sekisho-at-omron", "not-a-secret-omron");
const WEBHOOK_SECRET: &str = "not-a-secret-path-0f2c9a";

/// Items of one answer at most; more come by a key, or since a later day.
const MOST: usize = 200;

/// Who can be chosen: the number of the account, what they are called there, what their days are made of.
const ACCOUNTS: &[(&str, &str, u64)] = &[
    ("0b0c5f1e-hanako", "hanako@omron.example", 11),
    ("7d41aa92-taro", "taro@omron.example", 23),
    ("c3f8e6d0-misaki", "misaki@omron.example", 37),
];

struct Shared {
    setup: Setup,
    plan: Plan,
    http: reqwest::Client,
    state: Mutex<Held>,
}

struct Held {
    grants: Grants,
    accounts: BTreeMap<String, Account>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, Held> {
        locked(&self.state)
    }
}

/// Starts it.
pub(crate) async fn start(setup: Setup) -> Result<Simulator, StartError> {
    let base = crate::serve(|_| {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(10)).build();
        let accounts = ACCOUNTS
            .iter()
            .map(|(number, _, seed)| ((*number).to_owned(), Account::new(*seed)));
        let shared = Arc::new(Shared {
            setup,
            plan: Plan::default(),
            http: http.map_err(|_| StartError::Made("no HTTP client"))?,
            state: Mutex::new(Held {
                grants: Grants::default(),
                accounts: accounts.collect(),
            }),
        });
        let meddled = Router::new()
            .route("/prd/connect/token", post(token))
            .route("/prd/connect/revocation", post(revoke))
            .route("/prd/api/measurement", post(measurement))
            .layer(middleware::from_fn_with_state(shared.plan.clone(), meddle));
        Ok(Router::new()
            .route("/connect/authorize", get(choose))
            .route("/connect/decide", post(decide))
            .merge(meddled)
            .merge(control::routes::<Shared>())
            .with_state(shared))
    })
    .await?;
    Ok(Simulator {
        name: "omron",
        subscriber: None,
        client: CLIENT,
        webhook_secret: WEBHOOK_SECRET,
        authorize_url: format!("{base}/connect/authorize"),
        token_url: format!("{base}/prd/connect/token"),
        revoke_url: format!("{base}/prd/connect/revocation"),
        api_url: format!("{base}/prd"),
        keys_url: String::new(),
        notice: Some((
            format!("omron/{WEBHOOK_SECRET}"),
            json!({"id": ACCOUNTS[0].0, "type": "bloodpressure", "timestamp": "#"})
                .to_string()
                .replace("\"#\"", "#"),
        )),
        base,
    })
}

async fn choose(State(shared): State<Arc<Shared>>, Query(asked): Query<Asked>) -> Response {
    let accounts: Vec<(&str, &str)> = ACCOUNTS.iter().map(|(number, name, _)| (*number, *name)).collect();
    agree::choose(&shared.setup, CLIENT.0, &asked, &accounts, "", "/connect/decide")
}

async fn decide(State(shared): State<Arc<Shared>>, Form(decision): Form<Decision>) -> Response {
    agree::decided(&*shared, decision)
}

/// The token endpoint: the return address comes also with a refresh.
async fn token(State(shared): State<Arc<Shared>>, Form(asked): Form<TokenRequest>) -> Response {
    let setup = &shared.setup;
    // A code is exchanged for what it was asked for.
    let names_scopes =
        asked.grant_type != "authorization_code" || asked.scope.as_deref().is_some_and(|all| !all.is_empty());
    if asked.redirect_uri.as_deref() != Some(&setup.return_to) || !names_scopes {
        return (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_request"}))).into_response();
    }
    grants::token(&mut shared.state().grants, setup, CLIENT, asked, |answer, account| {
        answer["id_token"] = grants::id_token(account);
    })
}

#[derive(Deserialize)]
struct Revocation {
    token: String,
    token_type_hint: Option<String>,
}

async fn revoke(State(shared): State<Arc<Shared>>, Form(asked): Form<Revocation>) -> StatusCode {
    if asked.token_type_hint.as_deref() != Some("refresh_token") {
        return StatusCode::UNPROCESSABLE_ENTITY;
    }
    shared.state().grants.give_back(&asked.token);
    StatusCode::OK
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Measurement {
    since: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    bloodpressure_pagination_key: Option<usize>,
}

/// What was measured since a day, in local time.
async fn measurement(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Form(asked): Form<Measurement>,
) -> Response {
    let now = shared.setup.clock.now();
    let state = shared.state();
    let Some(grant) = grants::shown(&state.grants, &headers, now) else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    if !grant.scopes.contains(&asked.kind) {
        // How the vendor says it is not known; this is how RFC 6750 (3.1) has it.
        let challenge = [(header::WWW_AUTHENTICATE, "Bearer error=\"insufficient_scope\"")];
        return (StatusCode::FORBIDDEN, challenge).into_response();
    }
    let since = asked
        .since
        .as_deref()
        .and_then(|since| format!("{since}T00:00:00+09:00").parse::<jiff::Timestamp>().ok());
    let Some(since) = since else {
        return Json(json!({"status": 3, "result": null})).into_response();
    };
    let since = UtcMillis(since.as_millisecond());
    let all = state
        .accounts
        .get(&grant.account)
        .map_or_else(Vec::new, |account| account.list(&asked.kind, since, now.plus(1), now));
    let from = asked.bloodpressure_pagination_key.unwrap_or(0);
    let page: Vec<&Value> = all.iter().skip(from).take(MOST).map(|(_, item)| item).collect();
    let name = if asked.kind == "bloodpressure" {
        "bloodPressure"
    } else {
        asked.kind.as_str()
    };
    let rest = all.len().saturating_sub(from + page.len());
    let mut result = json!({name: page, "measurementCount": page.len(), "truncated": rest > 0});
    // Only blood pressures are gone on with by a key, of anything else one asks since the last day.
    if rest > 0 && asked.kind == "bloodpressure" {
        result["paginationKey"] = json!({"bloodpressurePaginationKey": (from + MOST).to_string()});
    }
    Json(json!({"status": 0, "result": result})).into_response()
}

impl Vendor for Shared {
    fn setup(&self) -> &Setup {
        &self.setup
    }

    fn adopt(&self, account: &str, seed: u64) {
        self.state().accounts.insert(account.to_owned(), Account::new(seed));
    }

    fn plan(&self) -> &Plan {
        &self.plan
    }

    fn with_grants<T>(&self, act: impl FnOnce(&mut Grants) -> T) -> T {
        act(&mut self.state().grants)
    }

    fn change(&self, change: &Change) -> bool {
        let mut state = self.state();
        let account = state.accounts.get_mut(&change.account);
        account
            .map(|account| account.change(&change.kind, UtcMillis(change.start), change.body.clone()))
            .is_some()
    }

    fn truth(&self, asked: &Question) -> Vec<(i64, String)> {
        let now = self.setup.clock.now();
        let state = self.state();
        let items = state.accounts.get(&asked.account).map_or_else(Vec::new, |account| {
            account.list(&asked.kind, UtcMillis(asked.start), UtcMillis(asked.end), now)
        });
        let member = if asked.kind == "bloodpressure" {
            "pulse"
        } else {
            "weight"
        };
        items
            .iter()
            .map(|(at, item)| (at.0, item[member].to_string()))
            .collect()
    }

    async fn tell(&self, telling: Telling) -> u16 {
        let secret = if telling.wrong_secret {
            "guessed"
        } else {
            WEBHOOK_SECRET
        };
        let body = telling.body.unwrap_or_else(|| {
            let at = jiff::Timestamp::from_millisecond(telling.start)
                .unwrap_or_default()
                .to_string();
            json!({"id": telling.account, "timestamp": at, "type": telling.kind})
        });
        let sent = self
            .http
            .post(format!("{}/omron/{secret}", self.setup.webhooks))
            .json(&body)
            .send()
            .await;
        sent.map_or(0, |answer| answer.status().as_u16())
    }
}
