//! How often somebody may ask: by access token for data, by address for everything else, so that nobody slows the others or
//! tries out secrets at will.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use store::HandleHash;

use crate::config;
use crate::fhir::FhirError;
use crate::oauth::handles;
use crate::portal::{Problem, error_page};
use crate::push::PushError;
use crate::state::AppState;

/// How many times a second's requests a token may send at once: a page, its devices, its patient.
const TOKEN_BURST: u32 = 4;

/// Callers that are known; more are forgotten at the next sweep.
pub struct Limits {
    addresses: DefaultKeyedRateLimiter<IpAddr>,
    tokens: DefaultKeyedRateLimiter<HandleHash>,
}

impl Limits {
    /// Nobody has asked yet.
    pub fn new(limits: &config::Limits) -> Self {
        let burst = limits.token_per_second.saturating_mul(const { nonzero(TOKEN_BURST) });
        Self {
            addresses: RateLimiter::keyed(Quota::per_minute(limits.address_per_minute)),
            tokens: RateLimiter::keyed(Quota::per_second(limits.token_per_second).allow_burst(burst)),
        }
    }

    /// Forgets whoever has been quiet long enough to be new again.
    pub fn forget_the_idle(&self) {
        self.addresses.retain_recent();
        self.addresses.shrink_to_fit();
        self.tokens.retain_recent();
        self.tokens.shrink_to_fit();
    }

    /// How long this address has to wait; `None` when it may go on.
    pub fn address(&self, address: IpAddr) -> Option<Duration> {
        let refused = self.addresses.check_key(&network(address)).err()?;
        // Made only where it is needed: making one asks the processor what it can, which costs as much as a small read.
        Some(refused.wait_time_from(DefaultClock::default().now()))
    }

    /// How long this token has to wait; `None` when it may go on.
    fn token(&self, authorization: &HeaderValue) -> Option<Duration> {
        let text = String::from_utf8_lossy(authorization.as_bytes());
        let refused = self.tokens.check_key(&handles::hash(&text)).err()?;
        Some(refused.wait_time_from(DefaultClock::default().now()))
    }
}

const fn nonzero(number: u32) -> std::num::NonZeroU32 {
    match std::num::NonZeroU32::new(number) {
        Some(number) => number,
        None => std::num::NonZeroU32::MIN,
    }
}

/// What one subscriber holds: an address of IPv4, a /64 of IPv6 (RFC 6177).
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

/// Who calls: the peer, or whom the trusted proxy names last.
pub fn caller(peer: IpAddr, trusted: Option<IpAddr>, headers: &HeaderMap) -> IpAddr {
    if trusted.is_none_or(|trusted| trusted != peer.to_canonical()) {
        return peer;
    }
    headers
        .get_all("x-forwarded-for")
        .iter()
        .next_back()
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.rsplit(',').next())
        .and_then(|last| last.trim().parse().ok())
        .unwrap_or(peer)
}

/// Answers 429 with `Retry-After` to who asks too often, in the manner of the place that was asked.
pub async fn limit(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    // Probes come from the operator's own machines and must be answered under load.
    // Vendors come from few addresses; who only says to be one is held up where that shows.
    if matches!(path, "/healthz" | "/readyz" | "/metrics") || path.starts_with("/webhooks/") {
        return next.run(request).await;
    }
    let (is_fhir, is_push) = (path.starts_with("/fhir/"), path.starts_with("/push/"));
    let wait = match request.headers().get(header::AUTHORIZATION) {
        Some(authorization) if is_fhir || is_push => state.limits.token(authorization),
        _ => {
            let peer = request
                .extensions()
                .get::<ConnectInfo<SocketAddr>>()
                .map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |ConnectInfo(peer)| peer.ip());
            let address = caller(peer, state.config.http.trusted_proxy, request.headers());
            state.limits.address(address)
        }
    };
    let Some(wait) = wait else {
        return next.run(request).await;
    };
    let seconds = wait.as_secs() + 1;
    metrics::counter!("sekisho_requests_refused_total", "by" => if is_fhir { "token" } else { "address" }).increment(1);
    if is_fhir {
        return FhirError::TooMany { seconds }.into_response();
    }
    if is_push {
        return PushError::TooMany { seconds }.into_response();
    }
    let mut response = if matches!(
        path,
        "/oauth/token" | "/oauth/revoke" | "/oauth/introspect" | "/oauth/par" | "/oauth/register"
    ) {
        // RFC 6749 5.2 has no code for this; the body keeps its form.
        let body = axum::Json(serde_json::json!({
            "error": "temporarily_unavailable",
            "error_description": format!("too many requests: try again in {seconds} s"),
        }));
        (StatusCode::TOO_MANY_REQUESTS, body).into_response()
    } else {
        error_page(request.headers(), Problem::TooMany)
    };
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::{Body, to_bytes};
    use tower::ServiceExt as _;

    use super::*;
    use crate::server;
    use crate::sign_in::testing::Gateway;

    fn limits(address_per_minute: u32, token_per_second: u32) -> Limits {
        Limits::new(&config::Limits {
            address_per_minute: nonzero(address_per_minute),
            token_per_second: nonzero(token_per_second),
            upload_megabytes: 1,
        })
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_address_is_held_up_and_another_is_not() {
        let limits = limits(3, 1);
        for _ in 0..3 {
            assert_eq!(limits.address(address("192.0.2.1")), None);
        }
        assert!(
            limits
                .address(address("192.0.2.1"))
                .is_some_and(|wait| wait.as_secs() <= 20)
        );
        assert!(limits.address(address("::ffff:192.0.2.1")).is_some());
        assert_eq!(limits.address(address("192.0.2.2")), None);
    }

    #[test]
    fn a_subscriber_of_ipv6_is_one_whatever_the_lower_half() {
        let limits = limits(1, 1);
        assert_eq!(limits.address(address("2001:db8::1")), None);
        assert!(limits.address(address("2001:db8::ffff:2")).is_some());
        assert_eq!(limits.address(address("2001:db8:0:1::1")), None);
    }

    #[test]
    fn a_token_may_send_a_burst_and_then_waits() {
        let limits = limits(1, 2);
        let (mine, other) = (
            HeaderValue::from_static("Bearer a"),
            HeaderValue::from_static("Bearer b"),
        );
        for _ in 0..8 {
            assert_eq!(limits.token(&mine), None);
        }
        assert!(limits.token(&mine).is_some());
        assert_eq!(limits.token(&other), None);
    }

    #[test]
    fn only_the_trusted_proxy_may_say_who_calls() {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", HeaderValue::from_static("198.51.100.1, 203.0.113.7"));
        let (proxy, stranger) = (address("10.0.0.1"), address("192.0.2.9"));
        assert_eq!(caller(proxy, Some(proxy), &headers), address("203.0.113.7"));
        assert_eq!(caller(stranger, Some(proxy), &headers), stranger);
        assert_eq!(caller(proxy, None, &headers), proxy);
        headers.insert("x-forwarded-for", HeaderValue::from_static("unknown"));
        assert_eq!(caller(proxy, Some(proxy), &headers), proxy);
    }

    #[tokio::test]
    async fn who_asks_too_often_is_told_in_the_manner_of_the_place() {
        let gateway = Gateway::start(&[
            ("SEKISHO_LIMITS_ADDRESS_PER_MINUTE", "2"),
            ("SEKISHO_LIMITS_TOKEN_PER_SECOND", "1"),
        ])
        .await;
        let router = server::router(gateway.state.clone(), Router::new());
        let send = async |path: &str, token: Option<&str>| {
            let mut request = Request::get(path);
            if let Some(token) = token {
                request = request.header(header::AUTHORIZATION, token);
            }
            let answer = router
                .clone()
                .oneshot(request.body(Body::empty()).unwrap())
                .await
                .unwrap();
            let (status, wait) = (answer.status(), answer.headers().get(header::RETRY_AFTER).cloned());
            let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
            (status, wait, String::from_utf8_lossy(&body).into_owned())
        };
        for _ in 0..2 {
            assert_ne!(send("/sign-in", None).await.0, StatusCode::TOO_MANY_REQUESTS);
        }
        let (status, wait, page) = send("/sign-in", None).await;
        assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
        assert!(wait.is_some_and(|wait| wait.to_str().unwrap().parse::<u64>().is_ok_and(|wait| wait > 0)));
        assert!(page.contains("少し待ってください"), "{page}");
        let (status, _, body) = send("/oauth/token", None).await;
        assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
        assert!(body.contains("\"temporarily_unavailable\""), "{body}");
        // A token has a measure of its own, and probes have none.
        for _ in 0..4 {
            assert_eq!(
                send("/fhir/r4/Observation", Some("Bearer a")).await.0,
                StatusCode::UNAUTHORIZED
            );
        }
        let (status, wait, body) = send("/fhir/r4/Observation", Some("Bearer a")).await;
        assert!(
            status == StatusCode::TOO_MANY_REQUESTS && wait.is_some() && body.contains("throttled"),
            "{body}"
        );
        assert_eq!(send("/healthz", None).await.0, StatusCode::OK);
    }
}
