//! Everything that persists: people, their samples as sealed leaves of compressed columns, totals, consents, tokens, audit.
//!
//! [`Store`] is the whole surface. It is async, knows people, samples and decisions, and shows nothing of the database
//! below. Values are read with an access key that only the `consent` crate can make; what computes inside the store
//! (totals, checks) never returns a sample. `store/tests/suite` holds what any database below this surface must pass.

mod acts;
mod alike;
mod audit;
mod authorization;
mod checkup;
mod companions;
mod consents;
mod copies;
mod delegations;
mod error;
mod feeds;
mod imports;
mod jobs;
mod leaf;
mod legal_basis;
mod links;
mod matching;
mod operations;
mod operators;
mod orphaned_tokens;
mod packages;
mod packing;
mod paper;
mod parked;
mod people;
mod reads;
mod representation;
mod requests;
mod sqlite;
mod template;
mod totals;
mod upkeep;

use std::path::PathBuf;
use std::sync::Arc;

use model::environment::{Clock, Randomness};

pub use acts::{Act, Actor, HANDED_OVER, Head};
pub use audit::{AccessDraft, AccessEvent, AccessItem, AccessKind, Pruned};
pub use authorization::{
    Client, CodeRecord, HandleHash, NewClient, NewRecipient, NewToken, NewTokens, PurposeText, Recipient, Redemption,
    RegistrationState, Responsible, Revocation, Rotation, SessionRecord, SystemToken, TokenRecord,
};
pub use checkup::{BatteryMembers, CheckupEnded, OfCheckup, is_anothers};
pub use companions::{Companion, MAX_COMPANION_NAME, MAX_COMPANIONS, NewPayload, Payload, Sender, Sent};
pub use consents::EndingConsent;
pub use delegations::{DELEGATION_LEASE_MS, Delegation, NewDelegation, Step};
pub use error::StoreError;
pub use feeds::{Feed, FeedAccount, FeedCame, FeedTold, MAX_FEED_ACCOUNT};
pub use imports::{BatchStart, Import, ImportReport, Parked, Raw, Rehearsal, SaidAgain};
pub use jobs::{AT_ONCE_PER_RECIPIENT, Endpoint, Job, JobOutcome, JobState, Message, Notice, Task, UNDO_MS};
pub use legal_basis::{BasisKind, LegalBasis};
pub use links::{
    Continued, LINK_LEASE_MS, LeasedLink, Link, LinkCount, LinkTokens, MOST_WANTS, Mark, NewLink, Noted, Pass,
    Progress, Told, TurnEnd, WANTS_AT_ONCE, Want,
};
pub use matching::{Insured, is_one_name};
pub use operations::{
    DAMAGED, Finding, KeptRecord, KeptText, MetricStats, RebuildReport, Rejection, Rejections, RejectionsOf, Stats,
};
pub use operators::Operator;
pub use orphaned_tokens::OrphanedTokens;
pub use packages::{DocumentBytes, EntryOutcome, EntryResult, Followed, LeftOut, Package, PackageDocument, Waiting};
pub use paper::PaperConsent;
pub use parked::ParkedSeries;
pub use people::{NewOrganisation, NewPerson, Organisation, OrganisationKind, Person, PersonSummary, Sex};
pub use reads::{
    Access, BatchInfo, CheckupOriginal, CheckupReport, DayStatus, Delivery, DeliveryCounts, ExplainedPiece, Keep,
    OwnCheckup, Page, PageKey, PatientView, Record, Search, Share, Sort, StoredAggregate, StoredEvent, StoredSample,
    StoredSource, StoredTotal, TimeBounds, TotalExplanation,
};
pub use representation::{NewRepresentation, Representation};
pub use requests::{
    ANSWER_MS, MAX_OPEN_REQUESTS, MAX_REQUEST_TEXT, RequestKind, RequestState, RequestWords, SubjectRequest,
};
pub use template::{Bilingual, Need, Template, TemplateVersion};
pub use totals::{DAYS_ALGORITHM, day_flag_codes};
pub use upkeep::{FoldBefore, Folded, PackedIds};

/// What every method of the store answers.
pub type Result<T> = std::result::Result<T, StoreError>;

/// The key above all keys: 32 bytes that open the organisations' keys. Wiped when dropped; prints as nothing.
#[derive(Clone, zeroize::Zeroize, zeroize::ZeroizeOnDrop)]
pub struct MasterKey([u8; 32]);

impl MasterKey {
    /// The key made of these bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(***)")
    }
}

/// How to open a store.
#[derive(Clone)]
pub struct OpenOptions {
    /// The data folder; made when it does not exist (unless `exclusive` is off).
    pub folder: PathBuf,
    /// Opens the keys in the folder; a new folder takes it as its own.
    pub master_key: MasterKey,
    /// Tells the time of commits.
    pub clock: Arc<dyn Clock>,
    /// Makes keys, nonces and identifiers.
    pub randomness: Arc<dyn Randomness>,
    /// True for the one process that serves or writes: it locks the folder, brings the schema up to date and finishes
    /// what a crash left open. False opens for reading only, also beside the process that holds the lock.
    pub exclusive: bool,
    /// Bytes the database may grow to; beyond it writes answer [`StoreError::DiskFull`] as on a full disk. `None`: the disk.
    pub size_limit: Option<u64>,
}

/// The store: a cheap handle; clones share one database.
#[derive(Clone)]
pub struct Store {
    database: sqlite::database::Database,
    calls: Arc<sqlite::webhooks::Gathered>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("folder", &self.database.folder())
            .finish()
    }
}

impl Store {
    /// Opens the folder, or makes it.
    ///
    /// # Errors
    /// [`StoreError::InUse`] when another process holds the folder, [`StoreError::NewerSchema`] when a later version wrote
    /// it, [`StoreError::WrongMasterKey`] when the key is not this folder's, [`StoreError::Damaged`] and
    /// [`StoreError::Io`] when it cannot be read.
    pub async fn open(options: OpenOptions) -> Result<Self> {
        let exclusive = options.exclusive;
        let database = tokio::task::spawn_blocking(move || {
            let database = sqlite::database::Database::open(options)?;
            if exclusive {
                sqlite::totals::finish_dirty(&database)?;
                // Who is known first: what waits is given to who is found, and one of two must not be missed.
                sqlite::insurance::derive_anew(&database)?;
                sqlite::waiting::derive_anew(&database)?;
            }
            Ok(database)
        })
        .await
        .map_err(|_| StoreError::Closed)??;
        let calls = Arc::default();
        Ok(Self { database, calls })
    }

    /// Finishes what is queued, folds the write-ahead log into the database and lets go of the folder. Other clones answer
    /// [`StoreError::Closed`] from then on.
    pub async fn close(self) {
        let database = self.database;
        // The answer only says that the blocking thread ended, which is all there is to wait for.
        let _ = tokio::task::spawn_blocking(move || database.close()).await;
    }
}
