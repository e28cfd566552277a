//! Packages of many people's checkups that an organisation hands over: taken in a unit at a time, each document matched to whom it
//! belongs, or kept sealed until somebody is known to whom it does.

use consent::OwnAccess;
use model::checkup::doubt::{Doubt, doubts};
use model::checkup::{Checkup, Subject, Ticket};
use model::{LocalDay, OrganisationId, Outcome, PersonId, UtcMillis};
use serde::{Deserialize, Serialize};

use crate::checkup::PackedCheckup;
use crate::packing::Packed;
use crate::{Actor, Insured, Result, Store, sqlite};

/// A document of a package, as it is handed to the store: with all that can be made of it before it is its turn to be written.
#[derive(Clone, Debug)]
pub struct PackageDocument {
    pub(crate) entry: u32,
    /// The version of the mapping that read it.
    pub(crate) mapping_version: u32,
    pub(crate) checkup: Option<PackedCheckup>,
    pub(crate) original: Packed,
    pub(crate) left_out: Vec<LeftOut>,
    /// What of it is doubtful, for the operator.
    pub(crate) doubts: String,
}

/// A document as it came.
#[derive(Clone, Copy, Debug)]
pub enum DocumentBytes<'b> {
    /// By itself.
    Plain(&'b [u8]),
    /// Packed by DEFLATE (RFC 1951), as in a ZIP, by whoever has seen that it unpacks: it is kept as it is.
    Deflated(&'b [u8]),
}

impl PackageDocument {
    /// Of its place in the package, from 1; of the version of the mapping that read it; of what it tells, `None` where it could not be
    /// read; of the document as it came; and of what of it could not be read.
    ///
    /// # Errors
    /// Where it cannot be compressed.
    pub fn new(
        entry: u32,
        mapping_version: u32,
        checkup: Option<Checkup>,
        original: DocumentBytes<'_>,
        left_out: Vec<LeftOut>,
    ) -> Result<Self> {
        Ok(Self {
            entry,
            mapping_version,
            original: match original {
                DocumentBytes::Plain(bytes) => Packed::of(bytes)?,
                DocumentBytes::Deflated(bytes) => Packed::deflated(bytes),
            },
            left_out,
            doubts: checkup.as_ref().map(doubts_of).unwrap_or_default(),
            checkup: checkup.map(PackedCheckup::of).transpose()?,
        })
    }

    /// About whom it is, for matching.
    pub(crate) fn subject(&self) -> Option<&Subject> {
        self.checkup.as_ref().map(|told| &told.checkup().subject)
    }
}

/// What of a document is doubtful: judgements that its values do not explain, items that are missing. It is kept as it came.
pub(crate) fn doubts_of(checkup: &Checkup) -> String {
    let doubts = doubts(checkup).into_iter().map(Doubt::text);
    doubts.collect::<Vec<_>>().join("; ")
}

/// A result that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Whether it was unsupported or rejected.
    pub is_rejected: bool,
    /// Why: a fixed word.
    pub reason: String,
    /// Its line in the document.
    pub line: u64,
    /// It as it stood.
    pub text: String,
}

impl LeftOut {
    pub(crate) fn outcome(&self) -> Outcome {
        match self.is_rejected {
            true => Outcome::Rejected,
            false => Outcome::Unsupported,
        }
    }
}

/// How a document of a package ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum EntryOutcome {
    /// It is in the record of the person whose it is.
    Taken = 1,
    /// Nobody is known whose it is: it waits, sealed.
    Unclaimed = 2,
    /// It may be of somebody: it waits for a person to decide.
    Possible = 3,
    /// It could not be read.
    Unread = 4,
    /// An operator decided that it is nobody's: it was deleted.
    Nobodys = 5,
}

impl EntryOutcome {
    pub(crate) fn from_number(number: u8) -> Option<Self> {
        [
            Self::Taken,
            Self::Unclaimed,
            Self::Possible,
            Self::Unread,
            Self::Nobodys,
        ]
        .into_iter()
        .find(|outcome| *outcome as u8 == number)
    }

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Unclaimed => "unclaimed",
            Self::Possible => "possible",
            Self::Unread => "unread",
            Self::Nobodys => "nobodys",
        }
    }
}

/// What a package's entry came to: for whoever handed it over, without anything of its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryResult {
    /// Its place in the package, from 1.
    pub entry: u32,
    /// How it ended.
    pub outcome: EntryOutcome,
    /// Why, where that has to be said; and why results of it became no data, with their lines.
    pub reasons: String,
    /// Results stored, known before, not supported, rejected.
    pub counts: [u64; 4],
}

/// A package under way or taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its number.
    pub id: i64,
    /// Documents that were taken in already: all up to this one.
    pub done: u32,
    /// When it was taken in whole, if it was.
    pub ended: Option<UtcMillis>,
}

/// A document that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its number.
    pub id: i64,
    /// Of which package, and its place in it.
    pub place: (i64, u32),
    /// When it came.
    pub received: UtcMillis,
    /// Whose it may be, and why it is not for sure.
    pub candidates: Vec<(PersonId, String)>,
}

/// What came of a line of a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Followed {
    /// It says what was said already.
    Known,
    /// It says something else of its person, and this many documents that waited came to them by it.
    Changed(u64),
    /// It may be of somebody, and why it is not for sure: nothing was changed.
    Possible(String),
    /// It is of nobody who is known.
    Unknown,
}

impl Store {
    /// Begins a package, or goes on with one that was begun: its SHA-256 tells.
    ///
    /// # Errors
    /// What writing can answer.
    pub async fn begin_package(&self, organisation: OrganisationId, hash: [u8; 32]) -> Result<Package> {
        self.database
            .write("begin a package", move |writing| {
                sqlite::packages::begin(writing, organisation, &hash)
            })
            .await
    }

    /// Takes the next documents of a package, all or none: what is taken stays taken whatever happens to this process, and from
    /// [`Store::end_package`] on whatever happens to the machine; until then a package goes on where the disk has it.
    ///
    /// # Errors
    /// [`crate::StoreError::Invalid`] for documents that are not the next ones, and what writing can answer.
    pub async fn take_documents(
        &self,
        organisation: OrganisationId,
        package: i64,
        documents: Vec<PackageDocument>,
    ) -> Result<Vec<EntryResult>> {
        self.database
            .write_relaxed("take documents", move |writing| {
                sqlite::packages::take(writing, organisation, package, documents)
            })
            .await
    }

    /// Ends a package: every document was taken. `ledger` is what the ledger says of the hand-over.
    ///
    /// # Errors
    /// What writing can answer.
    pub async fn end_package(
        &self,
        organisation: OrganisationId,
        package: i64,
        by: Actor,
        ledger: String,
    ) -> Result<()> {
        self.database
            .write("end a package", move |writing| {
                sqlite::packages::end(writing, organisation, package, by, &ledger)
            })
            .await
    }

    /// Writes into the ledger of hand-overs what an organisation was handed beside packages, which do it as they end.
    ///
    /// # Errors
    /// What writing can answer.
    pub async fn note_hand_over(&self, organisation: OrganisationId, by: Actor, ledger: String) -> Result<()> {
        self.database
            .write("note a hand-over", move |writing| {
                sqlite::acts::record(writing, organisation, by, crate::HANDED_OVER, &ledger)
            })
            .await
    }

    /// How the documents of a package ended, after the entry of this number.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn package_results(&self, package: i64, after: u32, limit: u32) -> Result<Vec<EntryResult>> {
        self.database
            .read("read results", move |snapshot| {
                sqlite::packages::results(snapshot, package, after, limit)
            })
            .await
    }

    /// Documents of an organisation that wait for a person to decide, behind the one of this number, the oldest first.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn possible_documents(
        &self,
        organisation: OrganisationId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Waiting>> {
        self.database
            .read("list what waits", move |snapshot| {
                sqlite::waiting::possible(snapshot, organisation, after, limit)
            })
            .await
    }

    /// Decides whose a waiting document is: a person's of the organisation, or nobody's, and then it is deleted.
    ///
    /// # Errors
    /// [`crate::StoreError::NotFound`] where nothing of this number waits, or the person is not of the organisation; what writing
    /// can answer.
    pub async fn decide_document(
        &self,
        organisation: OrganisationId,
        id: i64,
        person: Option<PersonId>,
        by: Actor,
    ) -> Result<()> {
        self.database
            .write("decide a document", move |writing| {
                sqlite::waiting::decide(writing, organisation, id, person, by)
            })
            .await
    }

    /// Says by what an insurer knows a person, and gives them what waited for it. The same person and number again replaces what
    /// was said. Answers how many documents came to them.
    ///
    /// # Errors
    /// [`crate::StoreError::NotFound`] for a person who is not of the organisation, and what writing can answer.
    pub async fn insure(&self, organisation: OrganisationId, person: PersonId, insured: Insured) -> Result<u64> {
        self.database
            .write("insure a person", move |writing| {
                sqlite::insurance::insure(writing, organisation, person, &insured)
            })
            .await
    }

    /// Follows a ledger: what each of its lines says of one person replaces what was said of them, where an insurer knows them already.
    /// Nobody becomes known by a ledger, and nothing of a line about nobody is kept. Answers for each line what came of it.
    ///
    /// # Errors
    /// What writing can answer.
    pub async fn follow_ledger(&self, organisation: OrganisationId, lines: Vec<Vec<Insured>>) -> Result<Vec<Followed>> {
        self.database
            .write("follow a ledger", move |writing| {
                sqlite::insurance::follow(writing, organisation, &lines)
            })
            .await
    }

    /// The tickets for checkups that a person has today.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn own_tickets(&self, own: &OwnAccess, today: LocalDay) -> Result<Vec<Ticket>> {
        let person = own.person();
        self.database
            .read("list tickets", move |snapshot| {
                sqlite::insurance::tickets(snapshot, person, today)
            })
            .await
    }

    /// Deletes documents, and what feeds had of nobody who is known, that waited since before an instant. Answers how many.
    ///
    /// # Errors
    /// What writing can answer.
    pub async fn delete_unclaimed(&self, before: UtcMillis) -> Result<u64> {
        self.database
            .write("delete what no one claimed", move |writing| {
                let documents = sqlite::waiting::delete_unclaimed(writing, before)?;
                Ok(documents + sqlite::feeds::delete_unclaimed(writing, before)?)
            })
            .await
    }
}
