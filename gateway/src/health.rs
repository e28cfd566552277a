//! `/healthz`, `/readyz` and `/metrics`: for load balancers and operators.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::state::AppState;

/// `GET /healthz`: the process answers.
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the store takes reads and writes.
pub async fn readyz(State(state): State<AppState>) -> Response {
    match state.store.ready().await {
        Ok(()) => "ready\n".into_response(),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "not ready: see the log\n").into_response()
        }
    }
}

/// `GET /metrics`: counters in Prometheus' text format (version 0.0.4).
pub async fn metrics(State(state): State<AppState>) -> Response {
    metrics::counter!("sekisho_leaves_decoded_total").absolute(state.store.leaves_decoded());
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4")],
        state.metrics.render(),
    )
        .into_response()
}
