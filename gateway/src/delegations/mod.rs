//! Delegations: residents let a portal of the state hand over their records for some weeks. What the portal is asked and what its
//! answers mean, its adapter says ([`adapters::delegated`]); when it is asked, and what becomes of that, is decided here.
//!
//! [`begin`] goes with the browser to the portal and back, and holds who came there against who signed in here. [`worker`] waits until
//! the portal has collected, fetches, and fetches again until the resident's word has run out.

mod begin;
#[cfg(test)]
mod tests;
pub mod worker;

use adapters::delegated::{Call, Delegated};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use model::time::DAY_MS;
use model::{DelegationState, UtcMillis};
use store::Delegation;
use zeroize::Zeroizing;

pub use begin::{Failure, routes};

use crate::config::{Config, ConfigError, PortalSettings};
use crate::outgoing::{OutgoingError, bounded};
use crate::state::AppState;

/// The path that portals send browsers back to.
pub const RETURN: &str = "/portal/delegations/return";

/// The largest answer that is read, in bytes: five years of checkups are some hundred kB.
const MOST: usize = 24 << 20;

/// How long before its end a resident is reminded, in milliseconds.
const REMIND_MS: i64 = 14 * DAY_MS;

/// The portals of the configuration.
pub struct Portals(Vec<Portal>);

/// A portal, and how this gateway is known there.
pub struct Portal {
    /// What it is asked, and what it answers.
    pub adapter: &'static dyn Delegated,
    api: String,
    service: String,
    token: Zeroizing<String>,
    poll_ms: i64,
    lasts_ms: i64,
    return_to: String,
}

impl Portals {
    /// Those of the configuration.
    ///
    /// # Errors
    /// A token that cannot be read.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        let known = |settings: &PortalSettings| {
            let all = adapters::delegated().iter();
            let adapter = *all.clone().find(|portal| portal.name() == settings.name)?;
            Some(Portal::new(adapter, settings, &config.http.public_url))
        };
        Ok(Self(config.portals.iter().filter_map(known).collect::<Result<_, _>>()?))
    }

    /// All of them.
    pub fn all(&self) -> &[Portal] {
        &self.0
    }

    /// The one with this name.
    pub fn named(&self, name: &str) -> Option<&Portal> {
        self.0.iter().find(|portal| portal.adapter.name() == name)
    }
}

impl Portal {
    fn new(adapter: &'static dyn Delegated, settings: &PortalSettings, public_url: &str) -> Result<Self, ConfigError> {
        let token = std::fs::read_to_string(&settings.token_file).map_err(|error| ConfigError::Secret {
            file: settings.token_file.display().to_string(),
            key: "token_file",
            problem: format!("of [delegated.{}] cannot be read: {error}", settings.name),
        })?;
        Ok(Self {
            adapter,
            api: settings.api_url.clone(),
            service: settings.service_id.clone(),
            token: Zeroizing::new(token.trim().to_owned()),
            poll_ms: i64::from(settings.poll_hours) * model::time::HOUR_MS,
            lasts_ms: i64::from(if settings.days == 0 {
                adapter.days()
            } else {
                settings.days
            }) * DAY_MS,
            return_to: format!("{public_url}{RETURN}"),
        })
    }

    /// Asks it.
    async fn ask(&self, state: &AppState, call: Call) -> Result<Vec<u8>, CallError> {
        let url = format!("{}{}", self.api, call.path);
        let body = call.body.to_string();
        let sent = state.outgoing.send(&url, |client, url| {
            let bearer = Zeroizing::new(format!("Bearer {}", self.token.as_str()));
            client
                .post(url)
                .header(AUTHORIZATION, bearer.as_str())
                .header(CONTENT_TYPE, "application/json")
                .body(body)
        });
        let answer = sent.await.map_err(|_| CallError::NoAnswer)?;
        let status = answer.status().as_u16();
        metrics::counter!(
            "sekisho_portal_calls_total",
            "vendor" => self.adapter.name(), "status" => status.to_string()
        )
        .increment(1);
        match status {
            200..=299 => bounded(answer, MOST).await.map_err(|error| match error {
                OutgoingError::TooLarge => CallError::TooLarge,
                _ => CallError::NoAnswer,
            }),
            401 => {
                tracing::error!(
                    vendor = self.adapter.name(),
                    "a portal takes the token of this gateway no more"
                );
                Err(CallError::NoAnswer)
            }
            // Connect's not_found, permission_denied and failed_precondition as HTTP (Connect Protocol, Error Codes).
            403 | 404 | 410 | 412 => Err(CallError::Over),
            _ => Err(CallError::NoAnswer),
        }
    }
}

/// Why a call has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CallError {
    /// None that can be read; it may come later.
    NoAnswer,
    /// The portal knows of this delegation no more.
    Over,
    /// It is larger than what is read.
    TooLarge,
}

impl From<adapters::delegated::NotAnAnswer> for CallError {
    fn from(_: adapters::delegated::NotAnAnswer) -> Self {
        Self::NoAnswer
    }
}

/// The one that is agreed to, and the latest of all, of a portal; both may be the same.
pub fn living_and_latest<'a>(
    all: &'a [Delegation],
    portal: &Portal,
) -> (Option<&'a Delegation>, Option<&'a Delegation>) {
    let mut of = all.iter().filter(|one| one.vendor == portal.adapter.name());
    let latest = of.clone().next();
    (of.find(|one| one.state.is_agreed()), latest)
}

/// True where the resident should be told that it ends soon, or has ended by itself.
pub fn should_be_renewed(delegation: &Delegation, now: UtcMillis) -> bool {
    let ends_soon = delegation.expires.is_some_and(|expires| now.plus(REMIND_MS) >= expires);
    match delegation.state {
        DelegationState::Expired => delegation.agreed.is_some(),
        state => state.is_agreed() && ends_soon,
    }
}
