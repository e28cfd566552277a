//! What is read of a person beside their data: who they are, what measures, how it came, and how a total came about.

use model::{BatchId, LocalDay, RecipientId, Source, UtcMillis};

use super::StoredTotal;
use crate::Sex;

/// What an access key lets one see of who the person is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PatientView {
    /// Name, where granted and known.
    pub name: Option<String>,
    /// Address, where granted and known.
    pub address: Option<String>,
    /// Birth date, where granted and known.
    pub birth_date: Option<LocalDay>,
    /// Age in tens of years at the question's instant (30 for 30 to 39), where granted and known.
    pub age_band: Option<u8>,
    /// Sex, where granted and known.
    pub sex: Option<Sex>,
    /// Whether they belong to the municipality, where granted: the recipient's own organisation if it is one, else any.
    pub municipality: Option<bool>,
    /// Whether they are insured by the insurer, where granted; as with the municipality.
    pub insurance: Option<bool>,
    /// The other recipient, where a linking id with it is granted.
    pub linking: Option<RecipientId>,
    /// When the person's row was last changed or, for a row that never was, made.
    pub updated: UtcMillis,
}

/// A device as a read gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSource {
    /// Its number within the person.
    pub number: u16,
    /// What it is.
    pub source: Source,
    /// Its version, from 1.
    pub version: u32,
    /// When this version was committed.
    pub committed: UtcMillis,
}

/// How a delivery came, for Provenance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchInfo {
    /// The delivery.
    pub batch: BatchId,
    /// Name of the adapter that read it.
    pub adapter: String,
    /// The adapter's mapping version.
    pub mapping_version: u32,
    /// When it came.
    pub obtained: UtcMillis,
    /// When the vendor said what it says.
    pub asserted: UtcMillis,
}

/// A delivery as the person's own page lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// How it came.
    pub info: BatchInfo,
    /// What its records came to; `None` while it runs, and for one that was cut off.
    pub counts: Option<DeliveryCounts>,
}

/// What the records of a delivery came to: `received` is the sum of the other four.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeliveryCounts {
    /// All of them.
    pub received: u64,
    /// New, or newer than before.
    pub stored: u64,
    /// Known before.
    pub duplicate: u64,
    /// Of a kind that has no place here yet; kept.
    pub unsupported: u64,
    /// Not readable; kept.
    pub rejected: u64,
}

/// How a day's total came about.
#[derive(Clone, Debug, PartialEq)]
pub struct TotalExplanation {
    /// The total it explains; `None` when there is nothing to sum.
    pub total: Option<StoredTotal>,
    /// The pieces of the day, by start.
    pub pieces: Vec<ExplainedPiece>,
}

/// One piece of a day: a source's part of a total, or something left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainedPiece {
    /// The source's number within the person.
    pub source: u16,
    /// From.
    pub from: UtcMillis,
    /// Until.
    pub until: UtcMillis,
    /// What it gave, in the total's scale; 0 for what was left out.
    pub amount: i64,
    /// Why it was left out of the total or of the eligible total; empty when it counts in both.
    pub reason: &'static str,
}
