//! The router, the layers that every route shares, and the loop that serves.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use tower::ServiceBuilder;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate as _};
use tower_http::compression::{CompressionLayer, CompressionLevel};
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;

use crate::state::AppState;
use crate::{
    delegations, feeds, fhir, heads, health, import, jobs, limits, links, oauth, operator, portal, push, sign_in,
    upkeep,
};

/// The largest request body but that of an upload, which counts its own bytes.
const MAX_BODY: usize = 256 * 1024;

/// How long tokens that are being refreshed are waited for: whatever stops a process has some patience, often ten seconds.
const REFRESH_GRACE: Duration = Duration::from_secs(5);

/// All routes, with `more` beside them (the demo's OpenID provider).
pub fn router(state: AppState, more: Router<AppState>) -> Router {
    let timeout = Duration::from_secs(state.config.http.timeout_seconds);
    let timeout = TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, timeout);
    let bounded = Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics))
        .merge(fhir::routes())
        .merge(oauth::routes())
        .merge(sign_in::routes())
        .merge(portal::routes())
        .merge(links::connect::routes())
        .merge(delegations::routes())
        .merge(links::webhooks::routes())
        .merge(operator::routes(&state))
        .merge(more)
        .layer(
            ServiceBuilder::new()
                .layer(timeout)
                .layer(DefaultBodyLimit::max(MAX_BODY)),
        )
        .merge(push::routes().layer(timeout));
    // One stack, the outermost first: what a router is given by itself, it boxes and clones for every request.
    let layers = ServiceBuilder::new()
        .layer(SetRequestIdLayer::new(
            HeaderName::from_static("x-request-id"),
            MakeRequestUuid,
        ))
        .layer(PropagateRequestIdLayer::new(HeaderName::from_static("x-request-id")))
        .layer(SetResponseHeaderLayer::if_not_present(
            header::CACHE_CONTROL,
            HeaderValue::from_static("no-store"),
        ))
        .layer(SetResponseHeaderLayer::if_not_present(
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        ))
        .layer(SetResponseHeaderLayer::if_not_present(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
        // The cheapest level: compression, not rendering, is the cost of a page.
        .layer(
            CompressionLayer::new()
                .gzip(true)
                .zstd(true)
                .quality(CompressionLevel::Fastest)
                // Pages hold a session's form token: their compressed length must not tell about it (BREACH).
                .compress_when(DefaultPredicate::new().and(NotForContentType::const_new("text/html"))),
        )
        .layer(middleware::from_fn(observe))
        .layer(middleware::from_fn_with_state(state.clone(), limits::limit));
    // Files take as long as a home's line takes; each bounds its own size and time.
    Router::new()
        .merge(bounded)
        .merge(portal::upload_routes())
        .layer(layers)
        .with_state(state)
}

/// One span and one counted, timed event a request: method, route and status, never a query or a value.
async fn observe(request: Request, next: Next) -> Response {
    #[expect(clippy::disallowed_methods, reason = "a duration for the metrics, never a decision")]
    let began = std::time::Instant::now();
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unmatched", MatchedPath::as_str)
        .to_owned();
    let request_id = request
        .headers()
        .get("x-request-id")
        .and_then(|id| id.to_str().ok())
        .filter(|id| id.len() <= 64)
        .unwrap_or_default()
        .to_owned();
    let span = tracing::info_span!("http.request", %method, route, request_id);
    let response = tracing::Instrument::instrument(next.run(request), span).await;
    let status = response.status().as_u16();
    let labels = [
        ("method", method.to_string()),
        ("route", route.clone()),
        ("status", status.to_string()),
    ];
    metrics::counter!("sekisho_http_requests_total", &labels).increment(1);
    metrics::histogram!("sekisho_http_request_seconds", "route" => route.clone()).record(began.elapsed().as_secs_f64());
    tracing::info!(%method, route, request_id, status, milliseconds = began.elapsed().as_millis() as u64, "answered");
    response
}

/// Serves until `stop` resolves; requests under way are answered, uploads that last longer than any request may are cut off.
/// Who sent one sends it again, at no loss.
///
/// # Errors
/// What the socket reports.
pub async fn serve(
    listener: tokio::net::TcpListener,
    state: AppState,
    more: Router<AppState>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    import::begin_watching();
    let timeout_seconds = state.config.http.timeout_seconds;
    let sweeper = tokio::spawn(upkeep::sweep(state.clone()));
    let folder = tokio::spawn(upkeep::fold_metrics(state.clone()));
    let packer = tokio::spawn(upkeep::pack_pushes(state.clone()));
    let keeper = tokio::spawn(upkeep::look_after_the_old(state.clone()));
    let worker = tokio::spawn(jobs::work(state.clone()));
    let clouds = tokio::spawn(links::worker::work(state.clone()));
    let linked = state.clone();
    let portals = tokio::spawn(delegations::worker::work(state.clone()));
    let feeds = tokio::spawn(feeds::worker::work(state.clone()));
    let signer = tokio::spawn(heads::sign_hourly(state.clone()));
    let service = router(state, more).into_make_service_with_connect_info::<SocketAddr>();
    let grace = Duration::from_secs(timeout_seconds + 1);
    let (stopping, stopped) = tokio::sync::oneshot::channel();
    let stop = async move {
        stop.await;
        // Nobody listens any more when everything has ended already.
        let _ = stopping.send(());
    };
    let serving = axum::serve(listener, service).with_graceful_shutdown(stop);
    let overdue = async {
        if stopped.await.is_ok() {
            tokio::time::sleep(grace).await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    let served = tokio::select! {
        served = serving.into_future() => served,
        () = overdue => {
            tracing::warn!("uploads under way were cut off");
            Ok(())
        }
    };
    sweeper.abort();
    folder.abort();
    packer.abort();
    keeper.abort();
    worker.abort();
    if tokio::time::timeout(REFRESH_GRACE, linked.clouds.close())
        .await
        .is_err()
    {
        tracing::warn!("tokens that were being refreshed were not waited for any longer");
    }
    clouds.abort();
    portals.abort();
    feeds.abort();
    signer.abort();
    served
}

/// Resolves on Ctrl-C or SIGTERM.
pub async fn stop_signal() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! { () = interrupt => {}, () = terminate => {} }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;
    use crate::sign_in::testing::Gateway;

    #[tokio::test(flavor = "multi_thread")]
    async fn an_upload_that_goes_on_does_not_keep_a_stopped_server_up() {
        let gateway = Gateway::start(&[("SEKISHO_HTTP_TIMEOUT_SECONDS", "1")]).await;
        let mut browser = gateway.browser();
        browser.sign_in("hanako", "/portal/upload").await;
        let csrf = browser.get("/portal/upload").await.field("csrf");
        let cookies: Vec<String> = browser
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let served = tokio::spawn(serve(listener, gateway.state.clone(), Router::new(), async {
            let _ = stopped.await;
        }));
        let mut line = tokio::net::TcpStream::connect(address).await.unwrap();
        let part = |name: &str| format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"");
        let body = format!(
            "{}\r\n\r\n{csrf}\r\n{}; filename=\"f\"\r\n\r\nbegun",
            part("csrf"),
            part("file")
        );
        let request = format!(
            "POST /portal/upload HTTP/1.1\r\nHost: x\r\nCookie: {}\r\nContent-Length: 100000\r\n\
             Content-Type: multipart/form-data; boundary=b\r\n\r\n{body}",
            cookies.join("; ")
        );
        line.write_all(request.as_bytes()).await.unwrap();
        let person = gateway.state.store.people(None, 1).await.unwrap()[0].id;
        while gateway.state.uploads.of(person).is_none() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        stop.send(()).unwrap();
        // The line stays open, and would for as long as an upload may pause.
        let ended = tokio::time::timeout(Duration::from_secs(30), served).await;
        ended.expect("the server ends").unwrap().unwrap();
        drop(line);
    }
}
