//! What every request handler shares: the store, the configuration, the keys of outward things, time and randomness.

use std::ops::Deref;
use std::sync::Arc;

use aws_lc_rs::hkdf;
use metrics_exporter_prometheus::PrometheusHandle;
use model::environment::{Clock, Randomness};
use store::Store;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::config::Config;
use crate::delegations::Portals;
use crate::environment::{MachineClock, MachineRandomness};
use crate::feeds::Feeds;
use crate::limits::Limits;
use crate::links::Clouds;
use crate::oauth::client_keys::FetchedKeys;
use crate::outgoing::{Outgoing, Reachable};
use crate::pairwise::Pairwise;
use crate::signing::SigningKeys;
use crate::uploads::Uploads;
use crate::{logging, operator, secrets, sign_in};

/// Pushes that are read at the same time; each may hold some tens of megabytes.
const PUSHES_AT_ONCE: usize = 8;

/// A cheap handle; clones share everything.
#[derive(Clone)]
pub struct AppState(Arc<Shared>);

/// What is shared.
pub struct Shared {
    /// Everything that persists.
    pub store: Store,
    /// The configuration as started with.
    pub config: Config,
    /// Outward ids.
    pub pairwise: Pairwise,
    /// What this gateway signs with.
    pub signing: SigningKeys,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes tokens, codes and numbers.
    pub randomness: Arc<dyn Randomness>,
    /// Counters for `/metrics`.
    pub metrics: PrometheusHandle,
    /// Who asks too often.
    pub limits: Limits,
    /// Calls to addresses that others named.
    pub outgoing: Outgoing,
    /// Keys that clients publish.
    pub client_keys: FetchedKeys,
    /// Files that residents send.
    pub uploads: Uploads,
    /// Places of pushes that are read at the same time.
    pub pushes: Arc<Semaphore>,
    /// Vendors' clouds that residents can connect.
    pub clouds: Clouds,
    /// Portals of the state that residents can let hand over their records.
    pub portals: Portals,
    /// What vendors hand partners of many people.
    pub feeds: Feeds,
    /// The OpenID providers that residents sign in with.
    pub residents: sign_in::ResidentProviders,
    /// The OpenID provider that operators sign in with.
    pub operators: Option<sign_in::Provider>,
    root: hkdf::Prk,
}

struct Bytes32;

impl hkdf::KeyType for Bytes32 {
    fn len(&self) -> usize {
        32
    }
}

impl AppState {
    /// The state of one server.
    ///
    /// # Errors
    /// Secrets that cannot be read, and settings that cannot be.
    pub fn new(config: Config, store: Store) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Self::with_clock(config, store, Arc::new(MachineClock))
    }

    /// As [`AppState::new`], by this clock.
    ///
    /// # Errors
    /// As [`AppState::new`].
    pub fn with_clock(
        config: Config,
        store: Store,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let id_root = secrets::key_from_file(&config.data.id_root_file, "data.id_root_file", &MachineRandomness)?;
        let operators_return_to = format!("{}{}", config.http.public_url, operator::CALLBACK);
        let operators = config
            .operators
            .provider
            .as_ref()
            .map(|provider| sign_in::Provider::new(provider, operators_return_to))
            .transpose()?;
        Ok(Self(Arc::new(Shared {
            signing: SigningKeys::from_file(&config.data.signing_keys_file())?,
            pairwise: Pairwise::new(&id_root),
            root: hkdf::Salt::new(hkdf::HKDF_SHA256, b"sekisho derived keys").extract(id_root.as_slice()),
            clock: Arc::clone(&clock),
            randomness: Arc::new(MachineRandomness),
            metrics: logging::metrics(),
            limits: Limits::new(&config.limits),
            client_keys: FetchedKeys::default(),
            uploads: Uploads::default(),
            pushes: Arc::new(Semaphore::new(PUSHES_AT_ONCE)),
            outgoing: Outgoing::new(Reachable::public_and(&config.outgoing.also_reachable))?,
            residents: sign_in::ResidentProviders::new(&config)?,
            operators,
            clouds: Clouds::new(&config, &clock)?,
            portals: Portals::new(&config)?,
            feeds: Feeds::new(&config)?,
            config,
            store,
        })))
    }
}

impl Deref for AppState {
    type Target = Shared;
    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Shared {
    /// A key for one purpose of this server (cursors, form tokens), from the root of outward ids by HKDF (RFC 5869).
    pub fn derived_key(&self, purpose: &'static str) -> Zeroizing<[u8; 32]> {
        let mut key = Zeroizing::new([0; 32]);
        #[expect(clippy::expect_used, reason = "32 bytes are within HKDF's reach")]
        self.root
            .expand(&[purpose.as_bytes()], Bytes32)
            .and_then(|material| material.fill(key.as_mut_slice()))
            .expect("32 bytes are within HKDF's reach");
        key
    }
}
