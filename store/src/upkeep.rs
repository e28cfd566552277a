//! What is done to the data in the background, at some people at a time: nothing of it changes what anybody reads.

use model::{PersonId, UtcMillis};

use crate::{Result, Store, sqlite};

/// What folding old deliveries did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Folded {
    /// Rows that went.
    pub rows: usize,
    /// The person after whom to go on; `None` when all were looked at.
    pub next: Option<PersonId>,
}

/// Which deliveries are folded: those that came before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoldBefore {
    /// Of those that have nothing to tell but counts: all that they brought became data, or was known.
    pub counts_alone: UtcMillis,
    /// Of any. Folded, they no longer say under which number each is kept as it came: not before that is deleted.
    pub any: UtcMillis,
}

/// What cutting indexes of vendors' ids anew did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PackedIds {
    /// Blocks that were cut anew.
    pub blocks: usize,
    /// Where to go on; `None` when all were looked at.
    pub next: Option<(PersonId, i64)>,
}

impl Store {
    /// Folds deliveries that came before into one a day and adapter, of the next people after `after`. Each sample still knows its
    /// delivery's adapter and mapping; when it came is then told by its commit alone.
    ///
    /// # Errors
    /// What writing can answer.
    pub async fn fold_deliveries(&self, after: Option<PersonId>, before: FoldBefore) -> Result<Folded> {
        self.database
            .write("fold deliveries", move |writing| {
                sqlite::batches::fold(writing, after, before)
            })
            .await
    }

    /// Packs commits of the next people after `after`. Each is still known by its number, its time and its delivery.
    ///
    /// # Errors
    /// What writing can answer.
    pub async fn pack_commits(&self, after: Option<PersonId>) -> Result<Folded> {
        self.database
            .write("pack commits", move |writing| sqlite::commits::pack(writing, after))
            .await
    }

    /// Packs kept pushes that came before, of the next people after `after`. Each is still found, answered and read as before.
    ///
    /// # Errors
    /// What writing can answer.
    pub async fn fold_payloads(&self, after: Option<PersonId>, before: UtcMillis) -> Result<Folded> {
        self.database
            .write("fold payloads", move |writing| {
                sqlite::payloads::fold(writing, after, before)
            })
            .await
    }

    /// Cuts a part of the index of vendors' ids anew, in blocks that fill their pages, from a place on that the call before answered.
    ///
    /// # Errors
    /// What writing can answer.
    pub async fn pack_ids(&self, after: Option<(PersonId, i64)>) -> Result<PackedIds> {
        self.database
            .write("pack ids", move |writing| sqlite::aliases::pack(writing, after))
            .await
    }
}
