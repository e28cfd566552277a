//! The Google Health API: authorization, points as they are and merged, days, and signed notices.

mod api;
mod notices;
mod points;
mod rollups;
mod subscriptions;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::routing::{get, patch, post};
use axum::{Router, middleware};

use crate::control::{self, Change, Question, Telling, Vendor, locked};
use crate::grants::Grants;
use crate::mischief::{Plan, meddle};
use crate::{Setup, Simulator, StartError};
use model::UtcMillis;
use notices::{Signer, Wrong};
use points::{Account, TYPES, Time};
use serde_json::Value;
use subscriptions::{SUBSCRIBER, Subscriptions};

const CLIENT: (&str, &str) = ("sekisho-at-google", "not-a-secret-google");
const WEBHOOK_SECRET: &str = "Bearer not-a-secret-notices";

/// Who can be chosen on the page of the vendor: a number, what they are called there, and what their days are made of.
const ACCOUNTS: &[(&str, &str, u64, &str)] = &[
    ("111111111111", "hanako@health.example", 11, "228S74"),
    ("222222222222", "taro@health.example", 23, "229T85"),
    ("333333333333", "misaki@health.example", 37, "230U96"),
];

/// An account that holds no health data.
const EMPTY: (&str, &str) = ("999999999999", "new@health.example");

struct Shared {
    setup: Setup,
    base: String,
    plan: Plan,
    http: reqwest::Client,
    state: Mutex<State>,
}

struct State {
    grants: Grants,
    accounts: BTreeMap<String, Account>,
    signer: Signer,
    subscriptions: Subscriptions,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }
}

/// Starts it.
pub(crate) async fn start(setup: Setup) -> Result<Simulator, StartError> {
    let mut made = None;
    let base = crate::serve(|base| {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(10)).build();
        let accounts = ACCOUNTS
            .iter()
            .map(|(number, _, seed, _)| ((*number).to_owned(), Account::new(*seed)));
        let shared = Arc::new(Shared {
            base: base.to_owned(),
            plan: Plan::default(),
            http: http.map_err(|_| StartError::Made("no HTTP client"))?,
            state: Mutex::new(State {
                grants: Grants::default(),
                accounts: accounts.collect(),
                signer: Signer::new(1)?,
                subscriptions: Subscriptions::new(base)?,
            }),
            setup: setup.clone(),
        });
        made = Some(Arc::clone(&shared));
        Ok(routes(shared))
    })
    .await?;
    let shared = made.ok_or(StartError::Made("no server"))?;
    let key_file = shared.state().subscriptions.key_file()?;
    if setup.tells {
        tokio::spawn(notices::tell_by_itself(shared));
    }
    Ok(Simulator {
        name: "google-health",
        client: CLIENT,
        webhook_secret: WEBHOOK_SECRET,
        authorize_url: format!("{base}/o/oauth2/v2/auth"),
        token_url: format!("{base}/token"),
        revoke_url: format!("{base}/revoke"),
        api_url: base.clone(),
        keys_url: format!("{base}/webhooks_public_keyset.json"),
        notice: None,
        subscriber: Some((SUBSCRIBER, key_file)),
        base,
    })
}

fn routes(shared: Arc<Shared>) -> Router {
    let meddled = Router::new()
        .route("/token", post(api::token))
        .route("/revoke", post(api::revoke))
        .route("/v4/users/me/identity", get(api::identity))
        .route("/v4/users/me/dataTypes/{kind}/dataPoints", get(api::list))
        .route(
            "/v4/users/me/dataTypes/{kind}/dataPoints:reconcile",
            get(api::reconcile),
        )
        .route(
            "/v4/users/me/dataTypes/{kind}/dataPoints:dailyRollUp",
            post(rollups::daily),
        )
        .route("/webhooks_public_keyset.json", get(notices::keys))
        .route("/service-token", post(subscriptions::token))
        .route(
            "/v4/projects/{project}/subscribers/{subscriber}/subscriptions",
            post(subscriptions::create),
        )
        .route(
            "/v4/projects/{project}/subscribers/{subscriber}/subscriptions/{id}",
            patch(subscriptions::change).delete(subscriptions::delete),
        )
        .layer(middleware::from_fn_with_state(shared.plan.clone(), meddle));
    Router::new()
        .route("/o/oauth2/v2/auth", get(api::choose))
        .route("/o/oauth2/v2/decide", post(api::decide))
        .route("/control/subscriptions", get(subscriptions::held))
        .merge(meddled)
        .merge(control::routes::<Shared>())
        .with_state(shared)
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
        let Some((kind, key, time, _)) = TYPES.iter().find(|(name, ..)| *name == change.kind) else {
            return false;
        };
        let (start, end) = (UtcMillis(change.start), UtcMillis(change.end.unwrap_or(change.start)));
        let at = if *time == Time::End { end } else { start };
        let body = change.body.clone().map(|body| match time {
            Time::Moment => points::moment(key, start, body).body,
            _ => points::over(key, start, end, body).body,
        });
        let mut state = self.state();
        let account = state.accounts.get_mut(&change.account);
        account.map(|account| account.change(kind, at, body)).is_some()
    }

    fn truth(&self, asked: &Question) -> Vec<(i64, String)> {
        let now = self.setup.clock.now();
        let state = self.state();
        if let Some(kind) = asked.kind.strip_suffix(":dailyRollUp") {
            let account = state.accounts.get(&asked.account);
            return account.map_or_else(Vec::new, |account| account.days(kind, asked.start, asked.end, now));
        }
        let (kind, is_merged) = match asked.kind.strip_suffix(":reconcile") {
            Some(kind) => (kind, true),
            None => (asked.kind.as_str(), false),
        };
        let points = state.accounts.get(&asked.account).map_or_else(Vec::new, |account| {
            let (start, end) = (UtcMillis(asked.start), UtcMillis(asked.end));
            match is_merged {
                true => account.reconcile(kind, start, end, now),
                false => account.list(kind, start, end, now),
            }
        });
        let key = TYPES
            .iter()
            .find(|(name, ..)| *name == kind)
            .map_or("", |(_, key, ..)| key);
        let number = |body: &Value| {
            let members = body[key].as_object()?;
            members.values().find_map(|value| match value {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            })
        };
        points
            .iter()
            .map(|point| (point.at.0, number(&point.body).unwrap_or_else(|| "0".to_owned())))
            .collect()
    }

    async fn tell(&self, telling: Telling) -> u16 {
        if !self.state().subscriptions.are_of(&telling.account, &telling.kind) {
            return 0;
        }
        let operation = telling.operation.as_deref().unwrap_or("UPSERT");
        let (start, end) = (UtcMillis(telling.start), UtcMillis(telling.end));
        let body = telling.body;
        let body = body.unwrap_or_else(|| notices::notice(&telling.account, &telling.kind, operation, start, end));
        let wrong = Wrong {
            signature: telling.wrong_signature,
            secret: telling.wrong_secret,
        };
        notices::send(self, &body, wrong).await
    }

    fn turn_keys(&self) -> bool {
        let mut state = self.state();
        match state.signer.next() {
            Ok(next) => state.signer = next,
            Err(_) => return false,
        }
        true
    }
}
