//! Of what arrives by itself, how much of the last days could not be read: said on the card of each way it comes by.

use std::collections::BTreeMap;

use consent::OwnAccess;
use model::UtcMillis;
use model::time::DAY_MS;
use store::StoreError;

use super::steps;
use super::words::Words;
use crate::state::AppState;

/// Days that are looked at; the texts name them.
const DAYS: i64 = 7;

/// Records of a person that could not be read, by adapter.
pub(super) struct Unread(BTreeMap<String, u64>);

impl Unread {
    pub(super) async fn load(state: &AppState, own: &OwnAccess, now: UtcMillis) -> Result<Self, StoreError> {
        state
            .store
            .rejected_since(own, now.plus(-DAYS * DAY_MS))
            .await
            .map(Self)
    }

    /// What is said of some adapters' records; nothing where all could be read.
    pub(super) fn told<'a>(&self, words: Words, adapters: impl Iterator<Item = &'a str>) -> Option<String> {
        let count: u64 = adapters.filter_map(|adapter| self.0.get(adapter)).sum();
        (count > 0).then(|| words.with("received-unread", "count", steps::grouped(count)))
    }
}
