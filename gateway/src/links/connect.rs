//! Connecting: to the vendor, where the resident agrees, and back with a code that becomes tokens.
//!
//! What is under way is kept under the hash of its `state`, with the session it began in: nobody is connected by a link that
//! somebody else began.

use adapters::cloud::{Account, AccountFrom, Refused, Series};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::{Deserialize, Serialize};
use store::{Continued, NewLink, StoreError};
use subtle::ConstantTimeEq as _;

use super::tokens::Granted;
use super::{Cloud, giving_back, tokens, turn};
use crate::oauth::handles::{self, Handle};
use crate::outgoing::bounded;
use crate::portal::{Problem, error_page, links};
use crate::sign_in::{SignedIn, cookies};
use crate::state::AppState;

/// The kind under which the store keeps connections under way.
const PENDING: u8 = 6;

/// How long agreeing may take, in seconds.
const PENDING_SECONDS: i64 = 15 * 60;

/// The largest answer to whose account it is, in bytes.
const MOST: usize = 64 * 1024;

/// A connection under way.
#[derive(Serialize, Deserialize)]
struct Pending {
    /// Of the session it began in.
    session: [u8; 32],
    /// For whom.
    person: u32,
    /// The adapter's name.
    vendor: String,
    /// Of PKCE (RFC 7636).
    verifier: String,
}

/// `GET /portal/links/{vendor}/connect`: to the vendor. A link, not a form: no policy for forms stops its redirects.
pub async fn start(
    State(state): State<AppState>,
    Path(vendor): Path<String>,
    signed_in: SignedIn,
    headers: HeaderMap,
) -> Response {
    if !signed_in.decides {
        return error_page(&headers, Problem::OnlySees);
    }
    let cloud = state.clouds.named(&vendor);
    let Some(cloud) = cloud.filter(|cloud| cloud.successor(state.clock.now()).is_none()) else {
        return error_page(&headers, Problem::NotFound);
    };
    let handle = Handle::new(&*state.randomness);
    let pending = Pending {
        session: cookies::session_hash(&state, &headers),
        person: signed_in.person.0,
        vendor,
        verifier: Handle::new(&*state.randomness).text,
    };
    let Ok(url) = tokens::authorize(cloud, handle.text, &pending.verifier) else {
        return error_page(&headers, Problem::Internal);
    };
    let Ok(body) = serde_json::to_vec(&pending) else {
        return error_page(&headers, Problem::Internal);
    };
    let expires = state.clock.now().plus(PENDING_SECONDS * 1_000);
    match state.store.save_pending(handle.hash, PENDING, body, expires).await {
        Ok(()) => Redirect::to(&url).into_response(),
        Err(error) => {
            tracing::error!(%error, "a connection could not be kept");
            error_page(&headers, Problem::Internal)
        }
    }
}

/// What the vendor sends back (RFC 6749 4.1.2).
#[derive(Debug, Deserialize)]
pub struct Answer {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
}

/// `GET /portal/links/callback`: back from the vendor.
pub async fn callback(
    State(state): State<AppState>,
    Query(answer): Query<Answer>,
    signed_in: SignedIn,
    headers: HeaderMap,
) -> Response {
    if !signed_in.decides {
        return error_page(&headers, Problem::OnlySees);
    }
    match finish(&state, &headers, &signed_in, answer).await {
        Ok(()) => Redirect::to(links::PATH).into_response(),
        Err(failure) => links::not_connected(&headers, failure),
    }
}

/// Why nothing was connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// This browser did not begin it, or too long ago.
    NotOurs,
    /// The resident did not agree.
    NotAgreed,
    /// The vendor did not answer as it should.
    Vendor,
    /// The account holds no health data yet.
    NotReady,
    /// The account is connected for somebody else.
    Anothers,
    /// A fault of ours.
    Internal,
}

async fn finish(state: &AppState, headers: &HeaderMap, signed_in: &SignedIn, answer: Answer) -> Result<(), Failure> {
    let sent = answer.state.ok_or(Failure::NotOurs)?;
    let now = state.clock.now();
    let internal = |error: StoreError| {
        tracing::error!(%error, "a connection could not be finished");
        Failure::Internal
    };
    let body = state
        .store
        .take_pending(handles::hash(&sent), PENDING, now)
        .await
        .map_err(internal)?;
    let pending: Option<Pending> = body.and_then(|body| serde_json::from_slice(&body).ok());
    let pending = pending.ok_or(Failure::NotOurs)?;
    let is_ours = bool::from(cookies::session_hash(state, headers).ct_eq(&pending.session));
    if !is_ours || pending.person != signed_in.person.0 {
        return Err(Failure::NotOurs);
    }
    let cloud = state.clouds.named(&pending.vendor).ok_or(Failure::NotOurs)?;
    let code = match (answer.code, answer.error.as_deref()) {
        (Some(code), None) => code,
        (_, Some("server_error" | "temporarily_unavailable")) => return Err(Failure::Vendor),
        _ => return Err(Failure::NotAgreed),
    };
    let granted = tokens::exchange(cloud, &state.outgoing, code, pending.verifier, now).await;
    let granted = granted.map_err(|error| {
        tracing::warn!(%error, vendor = cloud.adapter.name(), "a code was not exchanged");
        Failure::Vendor
    })?;
    let account = match account(state, cloud, &granted).await {
        Ok(account) => account,
        Err(failure) => {
            giving_back::of_unknown(state, cloud, &signed_in.own, &granted.tokens).await;
            return Err(failure);
        }
    };
    let (back, name) = (granted.tokens.clone(), account.id.clone());
    let new = NewLink {
        vendor: cloud.adapter.name().to_owned(),
        continues: account
            .former
            .and_then(|(name, account)| continued(cloud, name, account)),
        account: account.id,
        scopes: granted.scopes,
        zone: account.zone,
        tokens: granted.tokens,
    };
    match state.store.connect_link(&signed_in.own, new).await {
        Ok(link) => {
            tracing::info!(link = link.id, vendor = cloud.adapter.name(), "a link was connected");
            Ok(())
        }
        Err(error) => {
            giving_back::of_account(state, cloud, name, &back).await;
            match error {
                StoreError::Invalid { .. } => Err(Failure::Anothers),
                error => Err(internal(error)),
            }
        }
    }
}

/// The link that this one continues, and which of its series brought what.
fn continued(cloud: &Cloud, name: &str, account: String) -> Option<Continued> {
    let before = adapters::clouds().iter().find(|before| before.name() == name)?;
    let of = |series: &Series| {
        let metrics = cloud.adapter.metrics(series.name);
        let brings = |old: &&Series| before.metrics(old.name).iter().any(|metric| metrics.contains(metric));
        let old = before.series().iter().filter(brings);
        let old: Vec<String> = old.map(|old| old.name.to_owned()).collect();
        (series.name.to_owned(), old)
    };
    Some(Continued {
        vendor: name.to_owned(),
        account,
        by_civil_days: before.series().iter().any(|series| series.ahead_hours > 0),
        series: cloud.series.iter().map(of).collect(),
    })
}

async fn account(state: &AppState, cloud: &Cloud, granted: &Granted) -> Result<Account, Failure> {
    let (request, read) = match cloud.adapter.account_from() {
        AccountFrom::IdToken => {
            let token = granted.id_token.as_deref();
            return token.and_then(Account::of_id_token).ok_or(Failure::Vendor);
        }
        AccountFrom::Request(request, read) => (request, read),
    };
    let answer = turn::calls::send(state, cloud, &request, &granted.tokens.access)
        .await
        .map_err(|_| Failure::Vendor)?;
    let status = answer.status();
    let body = bounded(answer, MOST).await.map_err(|_| Failure::Vendor)?;
    if cloud.adapter.need(status.as_u16(), &body).is_some() {
        return Err(Failure::NotReady);
    }
    if !status.is_success() {
        // The box of the profile was left empty: without it nobody says whose account it is.
        let is_not_given = status == StatusCode::FORBIDDEN && cloud.adapter.refused(&body) == Some(Refused::NotGiven);
        return Err(if is_not_given {
            Failure::NotAgreed
        } else {
            Failure::Vendor
        });
    }
    read(&body).ok_or(Failure::Vendor)
}

/// Routes of connecting.
pub fn routes() -> axum::Router<AppState> {
    use axum::routing::get;
    axum::Router::new()
        .route("/portal/links/{vendor}/connect", get(start))
        .route(super::CALLBACK, get(callback))
}
