//! What an operator does to a store as a whole: look at it, check it, copy it, bring a copy back, compute totals anew.
//!
//! Nothing here returns a value of a person but [`Store::kept_text`]: counts, sizes and findings only.

use std::path::Path;

use model::{BatchId, Metric, Outcome, PersonId, UtcMillis};

use crate::sqlite;
use crate::{Actor, MasterKey, Result, Store};

/// Counts and sizes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// People, without the erased.
    pub people: u64,
    /// Samples, superseded versions not counted.
    pub samples: u64,
    /// Bytes on disk of all files of the data folder.
    pub bytes_on_disk: u64,
    /// Samples and bytes of their leaves by metric, by number.
    pub by_metric: Vec<MetricStats>,
    /// Parked numbers.
    pub parked_samples: u64,
    /// Bytes of the parked columns.
    pub parked_bytes: u64,
    /// Bytes of kept raw text, compressed.
    pub raw_bytes: u64,
    /// Pushes that are kept for a time.
    pub pushes: u64,
    /// Bytes on disk of them, compressed, with what they were answered, and of their indexes.
    pub push_bytes: u64,
    /// Bytes of the aliases by which vendors' ids are found.
    pub alias_bytes: u64,
}

/// One metric's part of [`Stats`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricStats {
    /// The metric.
    pub metric: Metric,
    /// Its samples.
    pub samples: u64,
    /// Bytes of its leaves.
    pub bytes: u64,
}

/// What computing totals anew came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RebuildReport {
    /// People looked at.
    pub people: u64,
    /// Months computed.
    pub months: u64,
    /// Months whose stored totals differed from what their samples say.
    pub changed: u64,
}

/// One line of what `doctor` found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was checked.
    pub what: String,
    /// True when it is as it should be.
    pub ok: bool,
    /// What was seen, and what to do when it is not as it should be.
    pub advice: String,
}

/// Which records that are no data are asked for.
#[derive(Clone, Debug)]
pub struct RejectionsOf {
    /// How they ended.
    pub outcome: Outcome,
    /// The adapter that read them; all where none is named.
    pub adapter: Option<String>,
    /// Of deliveries that came then or later.
    pub since: UtcMillis,
}

/// Records of one delivery that ended for one reason. Nothing of it is a value that was measured; a reason can name a vendor's type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Whose.
    pub person: PersonId,
    /// The delivery's number within the person.
    pub batch: BatchId,
    /// Who read it.
    pub adapter: String,
    /// By which mapping.
    pub mapping_version: u32,
    /// When it came.
    pub obtained: UtcMillis,
    /// Why: a fixed word. [`DAMAGED`] where how the delivery ended cannot be read.
    pub reason: String,
    /// How many.
    pub records: u64,
    /// Where the first of them stand: lines of a file, numbers in a list, from 1.
    pub places: Vec<u64>,
    /// The number under which the delivery is kept as it came, while it is.
    pub payload: Option<i64>,
    /// The numbers under which texts of it are kept, sealed.
    pub texts: Vec<i64>,
}

/// In place of a reason: what the row of a delivery holds cannot be opened or read.
pub const DAMAGED: &str = "the row of this delivery is damaged";

/// A page of rejections.
#[derive(Clone, Debug, Default)]
pub struct Rejections {
    /// Its rows.
    pub rows: Vec<Rejection>,
    /// After which delivery to go on; `None` at the end.
    pub next: Option<(PersonId, BatchId)>,
}

/// A text that is kept of records that became no data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptText {
    /// Whose.
    pub person: PersonId,
    /// The delivery that brought it first.
    pub batch: BatchId,
    /// Its records.
    pub records: Vec<KeptRecord>,
}

/// One record of a [`KeptText`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptRecord {
    /// Why it became no data.
    pub reason: String,
    /// As it came.
    pub text: Vec<u8>,
}

impl Store {
    /// Counts and sizes.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn stats(&self) -> Result<Stats> {
        let folder = self.database.folder().to_owned();
        self.database
            .read("count", move |reading| sqlite::operations::stats(reading, &folder))
            .await
    }

    /// The next records that ended otherwise than as data, in the order of people and deliveries: a page, and where to go on.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn rejections(&self, wanted: &RejectionsOf, after: (PersonId, BatchId)) -> Result<Rejections> {
        let wanted = wanted.clone();
        self.database
            .read("read rejections", move |snapshot| {
                sqlite::rejections::ended_as(snapshot, &wanted, after)
            })
            .await
    }

    /// What is kept under the number of a text, where there is one. It holds what was measured, so that it was shown is recorded, with whom
    /// it was shown to.
    ///
    /// # Errors
    /// [`crate::StoreError::Erased`], and what reading and writing can answer.
    pub async fn kept_text(&self, number: i64, by: Actor) -> Result<Option<KeptText>> {
        self.database
            .write("show a kept text", move |writing| {
                sqlite::raw::show(writing, number, by)
            })
            .await
    }

    /// Copies the store into a new folder while it runs: keys first, then data, then the journal, so that the copy's journal is
    /// never behind its data.
    ///
    /// # Errors
    /// [`crate::StoreError::Exists`] when the folder holds something, and what reading and the file system can answer.
    pub async fn backup(&self, to: &Path) -> Result<()> {
        let (database, to) = (self.database.clone(), to.to_owned());
        blocking(move || sqlite::operations::backup(&database, &to)).await
    }

    /// Brings a backup back into a data folder that no process holds. The folder's own journal, where there is one, is kept
    /// and replayed over the older data when it is opened; all tokens and sessions end.
    ///
    /// # Errors
    /// [`crate::StoreError::InUse`], [`crate::StoreError::NotFound`] when `from` holds no backup, and what the file system
    /// can answer.
    pub async fn restore(from: &Path, to: &Path) -> Result<()> {
        let (from, to) = (from.to_owned(), to.to_owned());
        blocking(move || sqlite::operations::restore(&from, &to)).await
    }

    /// Computes all stored days and nights anew from the samples, of one person or of everyone.
    ///
    /// # Errors
    /// [`crate::StoreError::NoPerson`], [`crate::StoreError::Erased`], and what reading and writing can answer.
    pub async fn rebuild_totals(&self, person: Option<model::PersonId>) -> Result<RebuildReport> {
        let database = self.database.clone();
        blocking(move || sqlite::totals::rebuild(&database, person)).await
    }

    /// Checks database, keys, journal and clock, and says what to do about what it finds.
    ///
    /// # Errors
    /// Only when the checks themselves cannot run; what they find is in the answer.
    pub async fn doctor(&self) -> Result<Vec<Finding>> {
        let database = self.database.clone();
        blocking(move || sqlite::doctor::examine(&database)).await
    }

    /// Leaves of samples that were decoded for reads since opening: what a read costs beside what it answers.
    pub fn leaves_decoded(&self) -> u64 {
        self.database.leaves_decoded()
    }

    /// Answers when the store can read and write now.
    ///
    /// # Errors
    /// What stands in the way.
    pub async fn ready(&self) -> Result<()> {
        self.database.read("ready", sqlite::operations::ready).await?;
        self.database.write("ready", |_| Ok(())).await
    }

    /// Wraps the keys of the folder under another master key; how many. Nothing else may have the folder open: it is held
    /// meanwhile.
    ///
    /// # Errors
    /// [`crate::StoreError::InUse`], [`crate::StoreError::WrongMasterKey`] when `old` is not the folder's, and what the files
    /// can answer. Nothing changed then.
    pub async fn rotate_master_key(
        folder: &Path,
        old: MasterKey,
        new: MasterKey,
        randomness: std::sync::Arc<dyn model::environment::Randomness>,
    ) -> Result<u64> {
        let folder = folder.to_owned();
        blocking(move || {
            let _held = crate::sqlite::database::hold(&folder)?;
            crate::sqlite::keys::rewrap(&folder, &old, &new, &*randomness)
        })
        .await
    }

    /// True when this key opens the keys of the folder; for a command that wants to say so before it starts.
    ///
    /// # Errors
    /// What reading the folder can answer.
    pub async fn key_opens(folder: &Path, master_key: MasterKey) -> Result<bool> {
        let folder = folder.to_owned();
        blocking(move || sqlite::keys::opens(&folder, &master_key)).await
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| crate::StoreError::Closed)?
}
