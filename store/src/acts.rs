//! What was done on an organisation's side, by whom, chained so that nothing of it is changed unseen; and the heads of all chains,
//! for whoever signs them.

use model::{OrganisationId, PersonId, UtcMillis};
use serde::{Deserialize, Serialize};

use crate::sqlite;
use crate::{Result, Store};

/// The act that a package was handed over; its subject is a JSON object of the ledger's columns.
pub const HANDED_OVER: &str = "package-handed-over";

/// Who did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// An operator, by number.
    Operator(i64),
    /// Whoever runs commands on the machine.
    CommandLine,
    /// A resident, by number.
    Resident(u32),
    /// The gateway by itself.
    Gateway,
}

impl Actor {
    /// A resident.
    pub fn resident(person: PersonId) -> Self {
        Self::Resident(person.0)
    }
}

/// Something that was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Act {
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// By whom.
    pub by: Actor,
    /// What, as a code such as `recipient-blocked`.
    pub what: String,
    /// On what: numbers and names of the registry, never anything of a resident's data.
    pub subject: String,
}

/// The end of a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Which kind of chain.
    pub chain: u8,
    /// Of which person or organisation.
    pub owner: u32,
    /// Its last row.
    pub number: i64,
    /// That row's hash, in hexadecimal digits.
    pub hash: String,
}

impl Store {
    /// Records that something was done on an organisation's side. What changes the registry records itself.
    ///
    /// # Errors
    /// What writing can answer.
    pub async fn record_act(
        &self,
        organisation: OrganisationId,
        by: Actor,
        what: &'static str,
        subject: String,
    ) -> Result<()> {
        self.database
            .write("record an act", move |writing| {
                sqlite::acts::record(writing, organisation, by, what, &subject)
            })
            .await
    }

    /// What was done on an organisation's side before the act of this number, the latest first, each with its number.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn acts(&self, organisation: OrganisationId, before: Option<i64>, limit: u32) -> Result<Vec<(i64, Act)>> {
        self.database
            .read("list acts", move |reading| {
                sqlite::acts::list(reading, organisation, before, limit)
            })
            .await
    }

    /// Heads of chains that moved since they were signed.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn unsigned_heads(&self, limit: u32) -> Result<Vec<Head>> {
        self.database
            .read("read heads", move |reading| sqlite::acts::unsigned(reading, limit))
            .await
    }

    /// Keeps what was signed over these heads.
    ///
    /// # Errors
    /// What writing can answer.
    pub async fn save_signed_heads(&self, heads: Vec<Head>, jws: String) -> Result<()> {
        self.database
            .write("keep signed heads", move |writing| {
                sqlite::acts::save_signed(writing, &heads, &jws)
            })
            .await
    }

    /// What was signed after the one of this number, the earliest first.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn signed_heads(&self, after: i64, limit: u32) -> Result<Vec<(i64, UtcMillis, String)>> {
        self.database
            .read("read signed heads", move |reading| {
                sqlite::acts::signed(reading, after, limit)
            })
            .await
    }

    /// What was signed last, if anything was.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn last_signed_head(&self) -> Result<Option<String>> {
        self.database
            .read("read the last signed head", sqlite::acts::last_signed)
            .await
    }

    /// The first of these heads that the chains do not hold (any more), if there is one.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn missing_head(&self, heads: Vec<Head>) -> Result<Option<Head>> {
        self.database
            .read("check heads", move |reading| sqlite::acts::missing(reading, &heads))
            .await
    }
}
