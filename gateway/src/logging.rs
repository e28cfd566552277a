//! Structured logs: one line an event, with ids and never with values. See `docs/logging.md`.

use crate::config::Log;

/// Starts logging to standard error. A second call changes nothing.
pub fn start(log: &Log) {
    let filter = log.filter.parse().unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if log.json { builder.json().flatten_event(true).try_init() } else { builder.try_init() };
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
}
