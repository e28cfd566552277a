//! The Google Health API: authorization, lists of points, and signed notices.

mod api;
mod control;
mod notices;
mod points;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::routing::{get, post};
use axum::{Router, middleware};

use crate::grants::Grants;
use crate::mischief::{Plan, meddle};
use crate::{Setup, Simulator, StartError};
use notices::Signer;
use points::Account;

const CLIENT: (&str, &str) = ("sekisho-at-google", "not-a-secret-google");
const WEBHOOK_SECRET: &str = "Bearer not-a-secret-notices";

/// Who can be chosen on the page of the vendor: a number, what they are called there, and what their days are made of.
const ACCOUNTS: &[(&str, &str, u64)] = &[
    ("111111111111", "hanako@health.example", 11),
    ("222222222222", "taro@health.example", 23),
    ("333333333333", "misaki@health.example", 37),
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
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts it.
pub(crate) async fn start(setup: Setup) -> Result<Simulator, StartError> {
    let mut made = None;
    let base = crate::serve(|base| {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(10)).build();
        let accounts = ACCOUNTS
            .iter()
            .map(|(number, _, seed)| ((*number).to_owned(), Account::new(*seed)));
        let shared = Arc::new(Shared {
            base: base.to_owned(),
            plan: Plan::default(),
            http: http.map_err(|_| StartError::Made("no HTTP client"))?,
            state: Mutex::new(State {
                grants: Grants::default(),
                accounts: accounts.collect(),
                signer: Signer::new(1)?,
            }),
            setup: setup.clone(),
        });
        made = Some(Arc::clone(&shared));
        Ok(routes(shared))
    })
    .await?;
    if let (true, Some(shared)) = (setup.tells, made) {
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
        base,
    })
}

fn routes(shared: Arc<Shared>) -> Router {
    let meddled = Router::new()
        .route("/token", post(api::token))
        .route("/revoke", post(api::revoke))
        .route("/v4/users/me/identity", get(api::identity))
        .route("/v4/users/me/dataTypes/{kind}/dataPoints", get(api::list))
        .route("/webhooks_public_keyset.json", get(notices::keys))
        .layer(middleware::from_fn_with_state(shared.plan.clone(), meddle));
    Router::new()
        .route("/o/oauth2/v2/auth", get(api::choose))
        .route("/o/oauth2/v2/decide", post(api::decide))
        .merge(meddled)
        .merge(control::routes())
        .with_state(shared)
}
