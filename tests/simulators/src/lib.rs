//! Vendors' clouds, one server each: they speak the documented wire format with OAuth and signed notices, hold made-up residents whose
//! days make sense, and misbehave when they are told to (`/control`). Nothing here is a vendor's, and nobody in it exists.

mod accounts;
mod agree;
mod changes;
pub mod control;
pub mod days;
mod fitbit;
mod google_fit;
mod google_health;
pub mod grants;
pub mod mischief;
pub mod myna_portal;
mod omron;
pub mod omron_b2b;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use model::environment::{Clock, Randomness};
use tokio::net::TcpListener;

pub use mischief::{Kind, Mischief};

/// What a simulator starts with.
#[derive(Clone)]
pub struct Setup {
    /// Where browsers may be sent back to.
    pub return_to: String,
    /// Where notices go, up to the vendor's name.
    pub webhooks: String,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes tokens and keys.
    pub randomness: Arc<dyn Randomness>,
    /// Tells of new data by itself, every minute.
    pub tells: bool,
}

/// A running simulator, and what a gateway has to know of it.
#[derive(Clone, Debug)]
pub struct Simulator {
    /// The adapter that reads it.
    pub name: &'static str,
    /// Its address.
    pub base: String,
    /// This gateway's client id there, and its secret.
    pub client: (&'static str, &'static str),
    /// What it shows with notices.
    pub webhook_secret: &'static str,
    /// Authorization endpoint.
    pub authorize_url: String,
    /// Token endpoint.
    pub token_url: String,
    /// Revocation endpoint.
    pub revoke_url: String,
    /// What the API's paths follow.
    pub api_url: String,
    /// Where its keys lie; empty for a vendor that signs nothing.
    pub keys_url: String,
    /// Of one that subscribes accounts one by one where it is asked to: the subscriber, and the file of its service account.
    pub subscriber: Option<(&'static str, String)>,
    /// A notice of a vendor that signs nothing: what follows the address for notices, and a body with `#` for a time.
    pub notice: Option<(String, String)>,
}

/// Why a simulator did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No port.
    #[error("a simulator cannot listen: {0}")]
    Listen(#[from] std::io::Error),
    /// No key or no HTTP client.
    #[error("a simulator cannot be made: {0}")]
    Made(&'static str),
}

/// Starts every simulator on a port of its own on this machine.
///
/// # Errors
/// [`StartError`].
pub async fn start_all(setup: &Setup) -> Result<Vec<Simulator>, StartError> {
    Ok(vec![
        google_health::start(setup.clone()).await?,
        omron::start(setup.clone()).await?,
        google_fit::start(setup.clone()).await?,
        fitbit::start(setup.clone()).await?,
    ])
}

/// Serves a router on a free port; its address.
async fn serve(make: impl FnOnce(&str) -> Result<Router, StartError>) -> Result<String, StartError> {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    let base = format!("http://{}", listener.local_addr()?);
    let router = make(&base)?;
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(base)
}
