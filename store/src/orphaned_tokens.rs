//! Tokens of links whose person was erased: what a vendor allowed us for them is still to be given back, and nothing of them is left
//! here but that.

use model::UtcMillis;

use crate::sqlite;
use crate::{LinkTokens, Result, Store};

/// Tokens to be given back.
#[derive(Debug)]
pub struct OrphanedTokens {
    /// Their number.
    pub id: i64,
    /// What is given back.
    pub tokens: LinkTokens,
    /// The number of their link and the tag of its account, by which the vendor may still tell of it; `None` of older ones.
    pub of: Option<(i64, String)>,
    /// Tries before this one.
    pub failures: u32,
}

impl Store {
    /// Takes tokens that are to be given back to a vendor, the longest waiting first; each is left alone for
    /// [`LINK_LEASE_MS`](crate::LINK_LEASE_MS).
    ///
    /// # Errors
    /// What reading and writing can answer.
    pub async fn lease_orphaned_tokens(&self, vendor: &str, limit: u32) -> Result<Vec<OrphanedTokens>> {
        let (name, now) = (vendor.to_owned(), self.database.now());
        let is_due = self.database.read("look for orphaned tokens", move |snapshot| {
            sqlite::orphaned_tokens::has_due(snapshot, &name, now)
        });
        if !is_due.await? {
            return Ok(Vec::new());
        }
        let name = vendor.to_owned();
        self.database
            .write("take orphaned tokens", move |writing| {
                sqlite::orphaned_tokens::lease(writing, &name, limit)
            })
            .await
    }

    /// Tries again at an instant, or, without one, drops them: they were given back, or cannot be.
    ///
    /// # Errors
    /// What writing can answer.
    pub async fn end_orphaned_tokens(&self, id: i64, again: Option<UtcMillis>) -> Result<()> {
        self.database
            .write("end orphaned tokens", move |writing| {
                sqlite::orphaned_tokens::end(writing, id, again)
            })
            .await
    }
}
