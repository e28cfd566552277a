//! `/webhooks/v1/{vendor}`: what vendors say by themselves. A call is checked on its bytes as they came, kept in one commit with what
//! it asks for, answered, and worked off afterwards.

use std::net::{IpAddr, SocketAddr};

use adapters::cloud::{Call, Heard, NotHeard, UNSAID_MS};
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Router};
use model::UtcMillis;
use model::time::{DAY_MS, HOUR_MS};
use store::{Told, Want};

use super::Cloud;
use crate::limits;
use crate::outgoing::bounded;
use crate::state::AppState;

/// How long what a vendor told waits for more, in milliseconds: a burst is one turn.
const GATHER_MS: i64 = 2_000;

/// The largest set of keys that is read, in bytes.
const MOST_KEYS: usize = 64 * 1024;

/// How long published keys are good, how long they are used when they cannot be fetched, and how long their address rests after it was
/// asked, in milliseconds.
const KEYS_GOOD_MS: i64 = DAY_MS;
const KEYS_USED_MS: i64 = 7 * DAY_MS;
const KEYS_REST_MS: i64 = 10_000;

/// All routes of vendors' calls.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/webhooks/v1/{vendor}", post(at_vendor).get(verify))
        .route("/webhooks/v1/{vendor}/{secret}", post(at_secret))
}

/// What every call has besides its address.
type Came = (State<AppState>, Option<Extension<ConnectInfo<SocketAddr>>>, HeaderMap);

/// `POST /webhooks/v1/{vendor}`.
async fn at_vendor(came: Came, Path(vendor): Path<String>, body: Result<Bytes, BytesRejection>) -> Response {
    receive(came, &vendor, None, body).await
}

/// `POST /webhooks/v1/{vendor}/{secret}`, for vendors that can show nothing else.
async fn at_secret(
    came: Came,
    Path((vendor, secret)): Path<(String, String)>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    receive(came, &vendor, Some(&secret), body).await
}

/// What a vendor asks to make sure that the address is ours.
#[derive(serde::Deserialize)]
struct Verification {
    verify: String,
}

/// `GET /webhooks/v1/{vendor}?verify=CODE`. Guesses count against the address they come from.
async fn verify(
    (State(state), peer, headers): Came,
    Path(vendor): Path<String>,
    Query(asked): Query<Verification>,
) -> Response {
    let cloud = state.clouds.named(&vendor);
    let Some((cloud, secret)) = cloud.and_then(|cloud| Some((cloud, cloud.webhook_secret.as_ref()?))) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let heard = cloud.adapter.hear(&Call {
        header: &|_| None,
        path: None,
        verify: Some(&asked.verify),
        body: &[],
        secret,
        client_secret: None,
        keys: None,
        now: state.clock.now(),
    });
    match heard {
        Ok(Heard::Probe(status @ 200..=299)) => StatusCode::from_u16(status).unwrap_or(StatusCode::OK).into_response(),
        Ok(Heard::Probe(status)) => refused(&state, cloud, peer, &headers, status),
        _ => refused(&state, cloud, peer, &headers, cloud.adapter.facts().refused_status),
    }
}

/// What is not the vendor's: it counts against the address it comes from, and is logged as long as that address is let in.
fn refused(
    state: &AppState,
    cloud: &Cloud,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: &HeaderMap,
    status: u16,
) -> Response {
    let peer = peer.map_or(
        IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
        |Extension(ConnectInfo(peer))| peer.ip(),
    );
    let caller = limits::caller(peer, state.config.http.trusted_proxy, headers);
    match state.limits.address(caller) {
        None => {
            tracing::info!(
                vendor = cloud.adapter.name(),
                status,
                "a call does not show that it is the vendor's"
            );
            StatusCode::from_u16(status)
                .unwrap_or(StatusCode::UNAUTHORIZED)
                .into_response()
        }
        Some(wait) => {
            let wait = HeaderValue::from(wait.as_secs() + 1);
            (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, wait)]).into_response()
        }
    }
}

async fn receive(
    (State(state), peer, headers): Came,
    vendor: &str,
    path: Option<&str>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let Some(cloud) = state.clouds.named(vendor) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let Some(secret) = cloud.webhook_secret.as_ref() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let Ok(body) = body else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let facts = cloud.adapter.facts();
    // It is kept, so that the vendor need not say it again.
    let kept = || {
        StatusCode::from_u16(facts.kept_status)
            .unwrap_or(StatusCode::NO_CONTENT)
            .into_response()
    };
    let now = state.clock.now();
    let hear = |keys: Option<Vec<u8>>| {
        cloud.adapter.hear(&Call {
            header: &|name| {
                headers
                    .get(name)
                    .and_then(|value| value.to_str().ok())
                    .map(str::to_owned)
            },
            path,
            verify: None,
            body: &body,
            secret,
            client_secret: cloud.client_secret.as_ref().map(|secret| secret.as_str()),
            keys: keys.as_deref(),
            now,
        })
    };
    let mut heard = hear(keys(&state, cloud, now, false).await);
    if heard == Err(NotHeard::UnknownKey) {
        heard = hear(keys(&state, cloud, now, true).await);
    }
    let outcome = |outcome: &'static str| {
        metrics::counter!("sekisho_webhooks_total", "vendor" => cloud.adapter.name(), "outcome" => outcome)
            .increment(1);
    };
    match heard {
        Ok(Heard::Probe(status)) => {
            outcome("probe");
            StatusCode::from_u16(status).unwrap_or(StatusCode::OK).into_response()
        }
        Ok(Heard::Notices(notices)) => {
            let told = notices.into_iter().map(|notice| told(cloud, notice, now)).collect();
            match state
                .store
                .note_webhook(cloud.adapter.name(), body.to_vec(), told, GATHER_MS)
                .await
            {
                Ok(noted) => {
                    outcome("kept");
                    metrics::counter!("sekisho_notices_unknown_total", "vendor" => cloud.adapter.name())
                        .increment(noted.unknown);
                    kept()
                }
                Err(error) => {
                    // Not kept, so not answered: the vendor says it again.
                    tracing::error!(%error, "a vendor's call could not be kept");
                    outcome("failed");
                    StatusCode::SERVICE_UNAVAILABLE.into_response()
                }
            }
        }
        // It is the vendor's, and would be the same if it came again.
        Err(NotHeard::Malformed) => {
            outcome("malformed");
            match state
                .store
                .note_webhook(cloud.adapter.name(), body.to_vec(), Vec::new(), GATHER_MS)
                .await
            {
                Ok(_) => kept(),
                Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
            }
        }
        // It may well be the vendor's, and cannot be told while its keys cannot be fetched: it says it again.
        Err(NotHeard::UnknownKey) if is_without_keys(cloud, now).await => {
            outcome("without-keys");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
        Err(NotHeard::NotGenuine | NotHeard::UnknownKey) => {
            outcome("not-genuine");
            refused(&state, cloud, peer, &headers, facts.refused_status)
        }
    }
}

/// What a notice asks for, in whole windows, as it will be asked: one that lasts until now, told again a moment later, is the same.
fn told(cloud: &Cloud, notice: adapters::cloud::Notice, now: UtcMillis) -> Told {
    let (start, end) = notice.window.unwrap_or((now.plus(-UNSAID_MS), now));
    let series = notice.series.map(|name| {
        let hours = cloud.adapter.series().iter().find(|series| series.name == name);
        (name, hours.map_or(1, |series| i64::from(series.hours)) * HOUR_MS)
    });
    Told {
        account: notice.account,
        want: series.map(|(name, length)| Want {
            series: name.to_owned(),
            start: UtcMillis(start.0.div_euclid(length).saturating_mul(length)),
            end: UtcMillis(end.0.saturating_add(length - 1).div_euclid(length) * length),
        }),
    }
}

/// The keys that the vendor publishes, fetched anew when they are old or one is missing.
async fn keys(state: &AppState, cloud: &Cloud, now: UtcMillis, one_is_missing: bool) -> Option<Vec<u8>> {
    let address = cloud.addresses.keys.as_ref()?;
    // Held while they are fetched: many calls at once make one call, and wait for it.
    let mut keys = cloud.keys.lock().await;
    let age = now.0 - keys.fetched.0;
    let is_good = keys.body.is_some() && age < KEYS_GOOD_MS && !one_is_missing;
    if !is_good && now.0 - keys.asked.0 >= KEYS_REST_MS {
        keys.asked = now;
        let fetched = match state.outgoing.send(address, |client, url| client.get(url)).await {
            Ok(answer) if answer.status().is_success() => bounded(answer, MOST_KEYS).await.ok(),
            _ => None,
        };
        let fetched = fetched.filter(|body| cloud.adapter.are_keys(body));
        match fetched {
            Some(body) => (keys.body, keys.fetched) = (Some(body), now),
            None => tracing::warn!(vendor = cloud.adapter.name(), "a vendor's keys could not be fetched"),
        }
    }
    keys.body.clone().filter(|_| now.0 - keys.fetched.0 < KEYS_USED_MS)
}

/// True when the keys could not be fetched for a call that came now: there were none, or their address rests.
async fn is_without_keys(cloud: &Cloud, now: UtcMillis) -> bool {
    let keys = cloud.keys.lock().await;
    keys.fetched != keys.asked || keys.fetched < now
}
