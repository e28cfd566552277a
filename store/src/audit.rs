//! The record of provision: what was given of whom, to whom, when, under which version of which consent.
//!
//! Recording is the gate's last word: it fails when the person's consents changed since the decision, and it is durable
//! before it answers. Records hold no values, are chained by hash per person, and outlive an erasure.

use consent::{ConsentId, ConsentsVersion, Decision, Detail, IdentityGrant, OwnAccess};
use model::{ConsentCategory, LocalDay, OrganisationId, PersonId, RecipientId, UtcMillis};

use crate::sqlite;
use crate::{BasisKind, Result, Store, StoreError};

/// The longest name of a reader, in bytes.
const MAX_READER: usize = 256;

/// The longest request id that is recorded, in bytes.
const MAX_REQUEST_ID: usize = 128;

/// How data was asked for. The numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum AccessKind {
    /// A page of a search.
    Search = 1,
    /// One record by its id.
    Read = 2,
}

impl AccessKind {
    /// The kind with this number, as stored.
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::Search, Self::Read]
            .into_iter()
            .find(|kind| *kind as u8 == number)
    }
}

/// How much of one category was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AccessItem {
    /// What.
    pub category: ConsentCategory,
    /// How finely.
    pub detail: Detail,
    /// The first local day of what was given.
    pub first_day: LocalDay,
    /// The last local day of what was given.
    pub last_day: LocalDay,
    /// How many records.
    pub count: u32,
}

/// An access to be recorded. Whose data, which recipient and which consent it was stands in the decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessDraft {
    /// The client that asked.
    pub client_id: String,
    /// How.
    pub what: AccessKind,
    /// What was given; empty when nothing fitted.
    pub items: Vec<AccessItem>,
    /// Which lines of who the person is were given.
    pub identity: IdentityGrant,
    /// Who reads, where the recipient named somebody; empty where it did not.
    pub reader: String,
    /// Names the request in the log.
    pub request_id: String,
}

/// An access as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessEvent {
    /// Counts from 1 within the person.
    pub number: u64,
    /// When.
    pub at: UtcMillis,
    /// Who was given it.
    pub recipient: RecipientId,
    /// Through which client.
    pub client_id: String,
    /// Under which consent.
    pub consent: ConsentId,
    /// Under which version of it.
    pub consent_version: u32,
    /// At which version of the person's consents.
    pub consents_version: ConsentsVersion,
    /// The consent's purpose; empty in records of the first versions.
    pub purpose: String,
    /// How it was asked for.
    pub what: AccessKind,
    /// What was given.
    pub items: Vec<AccessItem>,
    /// Which lines of who the person is were given; it never expires.
    pub identity: IdentityGrant,
    /// On which ground beside the resident's consent, and its document.
    pub basis: (BasisKind, String),
    /// Who read, where the recipient named somebody.
    pub reader: String,
    /// Names the request in the log.
    pub request_id: String,
}

/// What a run of the deletion of old records did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// How many rows are gone.
    pub deleted: u64,
    /// After whom to go on; `None`: all people were looked at.
    pub next: Option<PersonId>,
}

impl Store {
    /// Deletes records whose time is over, of some hundred people after `after`: a record of provision three years after the last
    /// provision to its recipient, once all before it are due too; without `after`, also answered requests and ended rights to act
    /// of that age. The chains go on from where they were cut, and the organisation's own chain says so.
    ///
    /// # Errors
    /// What writing can answer.
    pub async fn delete_due_records(&self, after: Option<PersonId>) -> Result<Pruned> {
        self.database
            .write("delete records that are due", move |writing| {
                sqlite::retention::prune(writing, after)
            })
            .await
    }

    /// Records what is about to be given under `decision`; nothing may leave before this answers. Returns the number of the
    /// record within the person.
    ///
    /// # Errors
    /// [`StoreError::ConsentsChanged`] when the person's consents are not those that were decided from: throw away what was
    /// read and decide anew. [`StoreError::Invalid`] for a decision that denies. What writing can answer.
    pub async fn record_access(&self, decision: &Decision, draft: AccessDraft) -> Result<u64> {
        let Some(consent) = decision.consent() else {
            return Err(StoreError::Invalid {
                what: "nothing is given under a decision that denies",
            });
        };
        if draft.reader.len() > MAX_READER {
            return Err(StoreError::Invalid {
                what: "the name of a reader has at most 256 bytes",
            });
        }
        if draft.request_id.len() > MAX_REQUEST_ID {
            return Err(StoreError::Invalid {
                what: "a request id has at most 128 bytes",
            });
        }
        let under = sqlite::audit::Under {
            person: decision.person(),
            recipient: decision.recipient(),
            consent: consent.id,
            consent_version: consent.version,
            consents_version: decision.consents_version(),
            purpose: consent.purpose.as_str().to_owned(),
        };
        self.database
            .write("record access", move |writing| {
                sqlite::audit::record(writing, &under, &draft)
            })
            .await
    }

    /// A page of the records of everybody whose custodian the organisation is, by person and number: those after `after`. The
    /// records of erased people are among them.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn provisions(
        &self,
        custodian: OrganisationId,
        after: Option<(PersonId, u64)>,
        limit: usize,
    ) -> Result<Vec<(PersonId, AccessEvent)>> {
        self.database
            .read("list provisions", move |reading| {
                sqlite::audit::provisions(reading, custodian, after, limit)
            })
            .await
    }

    /// A page of who was given what of the person, newest first: those before the number `before`.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn accesses(&self, own: &OwnAccess, before: Option<u64>, limit: usize) -> Result<Vec<AccessEvent>> {
        let person = own.person();
        self.database
            .read("list accesses", move |reading| {
                sqlite::audit::accesses(reading, person, before, limit)
            })
            .await
    }
}
