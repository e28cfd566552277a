//! Hand-overs that are refused stand in the ledger too: by whom, from whom, which file by its hash, and why in one word. Nothing of such a
//! file is kept, but for what was taken of a package before it was cut off, and then refused.

use adapters::AdapterError;
use serde_json::Value;
use store::{Actor, HANDED_OVER, Store, StoreError};

use super::{BatchError, HandOver, PACKAGE, PAGE};
use crate::scan::ScanError;

impl BatchError {
    /// Why what was handed over was refused, in one word; `None` where it was not: the same can be taken in again.
    #[must_use]
    pub const fn refusal(&self) -> Option<&'static str> {
        match self {
            Self::Adapter(error) => match error {
                AdapterError::IndividualNumber => Some("individual-numbers"),
                AdapterError::Claims => Some("claims"),
                AdapterError::OtherPassword => Some("password"),
                AdapterError::Locked => Some("locked"),
                AdapterError::Damaged { .. } => Some("damaged"),
                AdapterError::NothingInside { .. } | AdapterError::Unrecognised(_) => Some("nothing-inside"),
                AdapterError::Refused { .. } => Some("another-form"),
                AdapterError::Io(_) | AdapterError::Closed(_) => None,
            },
            Self::Scan { error, .. } => match error {
                ScanError::Found => Some("scanner"),
                ScanError::NotScanned(_) => Some("not-scanned"),
            },
            Self::Store(_) | Self::Io(_) => None,
        }
    }
}

/// Writes into the ledger that a file was refused; once, however often the same is tried again, and not of a package that had been taken
/// in. `sums` are what the ledger says of its documents.
///
/// # Errors
/// What the store answers.
pub async fn note_refused(
    store: &Store,
    hand_over: &HandOver,
    what: &str,
    (sums, hash): ((u64, [u64; 3]), &str),
    why: &'static str,
) -> Result<(), StoreError> {
    let is_said = match last_of(store, hand_over, what, hash).await? {
        // A package is one hand-over, however often it is run.
        Some(last) => last["refused"]
            .as_str()
            .map_or(what == PACKAGE, |refused| refused == why),
        None => false,
    };
    if is_said {
        return Ok(());
    }
    let line = hand_over.line(what, sums, hash, Some(why));
    store
        .note_hand_over(hand_over.organisation, Actor::CommandLine, line)
        .await
}

/// What the ledger said last of such a file.
async fn last_of(store: &Store, hand_over: &HandOver, what: &str, hash: &str) -> Result<Option<Value>, StoreError> {
    let mut before = None;
    loop {
        let acts = store.acts(hand_over.organisation, before, PAGE).await?;
        let Some((last, _)) = acts.last() else { return Ok(None) };
        before = Some(*last);
        let lines = acts.iter().filter(|(_, act)| act.what == HANDED_OVER);
        let mut said = lines.filter_map(|(_, act)| serde_json::from_str::<Value>(&act.subject).ok());
        if let Some(line) = said.find(|line| line["what"] == what && line["sha256"] == hash) {
            return Ok(Some(line));
        }
    }
}
