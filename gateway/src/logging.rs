//! Structured logs: one line an event, with ids and never with values. See `docs/logging.md`.

use std::sync::OnceLock;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use crate::config::Log;

/// Starts logging to standard error. A second call changes nothing.
pub fn start(log: &Log) {
    let filter = log
        .filter
        .parse()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let started = if log.json {
        builder.json().flatten_event(true).try_init()
    } else {
        builder.try_init()
    };
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
}

/// The counters behind `/metrics`, one for the process.
pub fn metrics() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    let handle = HANDLE.get_or_init(|| {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::debug!("metrics were started before");
        }
        handle
    });
    handle.clone()
}
