//! Links: residents connect vendors' clouds, and a worker a cloud fetches what there is. What a cloud is asked and what its answers
//! mean, its adapter says; who is asked when, and what becomes of refusals, is decided here.
//!
//! One worker has a link at a time. A turn asks what the vendor told of, then what is new, then what is older, lays all of it into
//! one delivery, keeps how far it got, and makes room for the next link.

mod breaker;
pub mod connect;
mod giving_back;
mod one_at_a_time;
mod plan;
mod streams;
mod subscriptions;
#[cfg(test)]
mod tests;
mod tokens;
mod turn;
pub mod webhooks;
pub mod worker;

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;

use adapters::cloud::{Cloud as Adapter, Series};
use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use model::environment::Clock;
use model::{ConsentCategory, UtcMillis};
use store::Link;
use zeroize::Zeroizing;

use crate::config::{CloudSettings, Config, ConfigError};
use breaker::Breaker;
use one_at_a_time::OneAtATime;
use plan::Pace;
use subscriptions::Subscriber;

/// The path that vendors send browsers back to.
pub const CALLBACK: &str = "/portal/links/callback";

/// The clouds of the configuration.
pub struct Clouds(Vec<Cloud>);

/// A vendor's cloud, and how it is doing.
pub struct Cloud {
    /// What it is asked, and what it answers.
    pub adapter: &'static dyn Adapter,
    client_id: String,
    client_secret: Option<Zeroizing<String>>,
    webhook_secret: Option<Zeroizing<String>>,
    addresses: Addresses,
    subscriber: Option<Subscriber>,
    return_to: String,
    is_merged: bool,
    /// What is asked for: all that the adapter knows, but what the configuration leaves out.
    series: Vec<Series>,
    poll_ms: i64,
    backfill_ms: i64,
    breaker: Breaker,
    all: RateLimiter<NotKeyed, InMemoryState, Paced, NoOpMiddleware<Nanos>>,
    accounts: RateLimiter<i64, DefaultKeyedStateStore<i64>, Paced, NoOpMiddleware<Nanos>>,
    clock: Paced,
    /// Links whose tokens are being refreshed.
    refreshing: OneAtATime,
    keys: tokio::sync::Mutex<PublishedKeys>,
}

/// Where a vendor's servers are.
struct Addresses {
    authorize: String,
    token: String,
    revoke: String,
    api: String,
    keys: Option<String>,
}

/// The gateway's own clock, by which calls are counted.
#[derive(Clone)]
struct Paced(Arc<dyn Clock>);

impl governor::clock::Clock for Paced {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::new(self.0.now().0.max(0).unsigned_abs().saturating_mul(1_000_000))
    }
}

/// The keys that a vendor signs its notices with, as last fetched.
#[derive(Default)]
struct PublishedKeys {
    body: Option<Vec<u8>>,
    fetched: UtcMillis,
    asked: UtcMillis,
}

impl Clouds {
    /// Those of the configuration.
    ///
    /// # Errors
    /// Secrets that cannot be read.
    pub fn new(config: &Config, clock: &Arc<dyn Clock>) -> Result<Self, ConfigError> {
        let known = |settings: &CloudSettings| {
            let adapter = adapters::clouds().iter().find(|cloud| cloud.name() == settings.name)?;
            Some(Cloud::new(
                *adapter,
                settings,
                &config.http.public_url,
                Paced(Arc::clone(clock)),
            ))
        };
        Ok(Self(config.clouds.iter().filter_map(known).collect::<Result<_, _>>()?))
    }

    /// All of them.
    pub fn all(&self) -> &[Cloud] {
        &self.0
    }

    /// Begins no refresh any more, and returns when those under way are kept: of a pair that the vendor has turned already, nobody else
    /// would have the new one.
    pub async fn close(&self) {
        for cloud in &self.0 {
            cloud.refreshing.close().await;
        }
    }

    /// The one with this name.
    pub fn named(&self, name: &str) -> Option<&Cloud> {
        self.0.iter().find(|cloud| cloud.adapter.name() == name)
    }
}

impl Cloud {
    fn new(
        adapter: &'static dyn Adapter,
        settings: &CloudSettings,
        public_url: &str,
        clock: Paced,
    ) -> Result<Self, ConfigError> {
        let facts = adapter.facts();
        let address = |own: &str, documented: &str| if own.is_empty() { documented } else { own }.to_owned();
        let secret = |file: &Option<std::path::PathBuf>, key: &'static str| {
            let read = |file: &std::path::PathBuf| {
                let text = std::fs::read_to_string(file).map_err(|error| ConfigError::Secret {
                    file: file.display().to_string(),
                    key,
                    problem: format!("of [links.{}] cannot be read: {error}", settings.name),
                })?;
                Ok(Zeroizing::new(text.trim().to_owned()))
            };
            file.as_ref().map(read).transpose()
        };
        let at_least_one = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let per_minute = |number: u32| Quota::per_minute(at_least_one(number));
        Ok(Self {
            adapter,
            client_id: settings.client_id.clone(),
            client_secret: secret(&settings.client_secret_file, "client_secret_file")?,
            webhook_secret: secret(&settings.webhook_secret_file, "webhook_secret_file")?,
            addresses: Addresses {
                authorize: address(&settings.authorize_url, facts.authorize),
                token: address(&settings.token_url, facts.token),
                revoke: address(&settings.revoke_url, facts.revoke),
                api: address(&settings.api_url, facts.api),
                keys: facts.keys.map(|documented| address(&settings.keys_url, documented)),
            },
            subscriber: match (&settings.subscriber, adapter.subscriptions()) {
                (Some((name, file)), Some(calls)) => Some(Subscriber::new(name, file, calls)?),
                _ => None,
            },
            return_to: format!("{public_url}{CALLBACK}"),
            is_merged: settings.is_merged,
            series: adapter
                .series()
                .iter()
                .filter(|series| {
                    let is_left_out = |name: &String| name == series.name || name == series.scope;
                    !settings.without.iter().any(is_left_out)
                })
                .copied()
                .collect(),
            poll_ms: settings.poll_ms,
            backfill_ms: i64::from(settings.backfill_days) * model::time::DAY_MS,
            breaker: Breaker::default(),
            all: RateLimiter::direct_with_clock(per_minute(facts.all_per_minute), clock.clone()),
            accounts: RateLimiter::new(
                per_minute(facts.account_per_minute).allow_burst(at_least_one(facts.account_burst)),
                DefaultKeyedStateStore::default(),
                clock.clone(),
            ),
            clock,
            refreshing: OneAtATime::default(),
            keys: tokio::sync::Mutex::default(),
        })
    }

    /// How long to wait before one more call for this link, in milliseconds; `None` when it may be made now.
    fn wait(&self, link: i64) -> Option<i64> {
        let not_yet = match (self.accounts.check_key(&link), self.all.check()) {
            (Err(not_yet), _) | (Ok(()), Err(not_yet)) => not_yet,
            (Ok(()), Ok(())) => return None,
        };
        let wait = not_yet.wait_time_from(self.clock.now());
        Some(
            i64::try_from(wait.as_millis())
                .unwrap_or(i64::MAX)
                .clamp(1, model::time::HOUR_MS),
        )
    }

    /// True where a series is asked for as the one stream that the vendor merges.
    fn is_merged(&self, series: &Series) -> bool {
        self.is_merged && series.merges
    }

    /// The cloud that continues this one, once this one is switched off: it can be connected no more.
    pub fn successor(&self, now: UtcMillis) -> Option<&'static str> {
        let successor = self.adapter.successor()?;
        (now >= successor.from).then_some(successor.name)
    }

    fn pace(&self) -> Pace {
        Pace {
            poll_ms: self.poll_ms,
            backfill_ms: self.backfill_ms,
            is_told: self.webhook_secret.is_some(),
        }
    }

    /// Forgets the rates of links that have been quiet.
    pub fn forget_the_idle(&self) {
        self.accounts.retain_recent();
        self.accounts.shrink_to_fit();
    }
}

/// Of the time that a link asks back to, how much was asked, in percent.
pub fn done(cloud: &Cloud, link: &Link, now: UtcMillis) -> u8 {
    plan::done(&cloud.series, &link.progress, cloud.backfill_ms, now)
}

/// Categories of which the resident allowed nothing at the vendor.
pub fn closed(cloud: &Cloud, link: &Link) -> Vec<ConsentCategory> {
    let series = &cloud.series;
    let of = |series: &Series| {
        cloud
            .adapter
            .metrics(series.name)
            .into_iter()
            .map(|metric| metric.category())
    };
    let given: BTreeSet<ConsentCategory> = plan::open(series, &link.progress).flat_map(of).collect();
    let all: BTreeSet<ConsentCategory> = series.iter().flat_map(of).collect();
    all.difference(&given).copied().collect()
}
