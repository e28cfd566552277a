//! The public keys of a client that signs: as registered, or fetched from where it publishes them.
//!
//! What was fetched is kept for five minutes. A key that is not among it is looked for anew, but no address is asked twice within
//! ten seconds, so that nobody makes this gateway call a client as often as they like.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use model::UtcMillis;
use store::Client;

use crate::outgoing::{OutgoingError, bounded};
use crate::state::AppState;

/// How long fetched keys are good, in milliseconds.
const GOOD_MS: i64 = 5 * 60_000;

/// How long an address rests after it was asked, in milliseconds.
const REST_MS: i64 = 10_000;

/// The largest key set that is read, in bytes.
const MAX_KEYS: usize = 64 * 1_024;

/// Addresses held at most; beyond it all are dropped and fetched again.
const HELD_AT_MOST: usize = 4_096;

/// Key sets by the address they came from; `None` when the last call brought nothing.
#[derive(Default)]
pub struct FetchedKeys(Mutex<HashMap<String, (UtcMillis, Option<String>)>>);

impl FetchedKeys {
    fn held(&self, uri: &str) -> Option<(UtcMillis, Option<String>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(uri).cloned()
    }

    fn keep(&self, uri: &str, at: UtcMillis, keys: Option<String>) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= HELD_AT_MOST {
            held.clear();
        }
        held.insert(uri.to_owned(), (at, keys));
    }
}

/// The key set of a client in which this key id is looked for; `None` when there is none.
pub async fn of(state: &AppState, client: &Client, kid: &str) -> Option<String> {
    let Some(uri) = client.jwks_uri.as_deref() else {
        return client.keys.clone();
    };
    let now = state.clock.now();
    let held = state.client_keys.held(uri);
    if let Some((at, keys)) = held {
        let names_it = keys.as_deref().is_some_and(|keys| names(keys, kid));
        let is_good = now.0 - at.0 < GOOD_MS && names_it;
        if is_good || now.0 - at.0 < REST_MS {
            return keys;
        }
    }
    // Kept before it is called, so that many requests at once make one call.
    state.client_keys.keep(uri, now, None);
    let fetched = match fetch(state, uri).await {
        Ok(keys) => Some(keys),
        Err(error) => {
            tracing::warn!(client = client.client_id, %error, "the keys of a client could not be fetched");
            None
        }
    };
    state.client_keys.keep(uri, now, fetched.clone());
    fetched
}

fn names(keys: &str, kid: &str) -> bool {
    let set: Option<serde_json::Value> = serde_json::from_str(keys).ok();
    let keys = set.as_ref().and_then(|set| set["keys"].as_array());
    keys.is_some_and(|keys| keys.iter().any(|key| key["kid"] == kid))
}

async fn fetch(state: &AppState, uri: &str) -> Result<String, OutgoingError> {
    let answer = state.outgoing.send(uri, |client, url| client.get(url)).await?;
    if !answer.status().is_success() {
        return Err(OutgoingError::NoAnswer("it was answered with another status than 200"));
    }
    let body = bounded(answer, MAX_KEYS).await?;
    String::from_utf8(body).map_err(|_| OutgoingError::NoAnswer("what came is no text"))
}
