//! The durable queue: what remains to be done for the world outside, enqueued in the commit of its cause.
//!
//! A worker takes jobs under a lease. Who comes back after the lease was given to another changes nothing (the *fence*). What
//! fails waits and is tried again; what cannot succeed becomes a dead letter that an operator reads and runs again.

use consent::{ConsentId, OwnAccess};
use model::{PersonId, RecipientId, UtcMillis};
use serde::{Deserialize, Serialize};

use crate::sqlite;
use crate::{Actor, Result, Store, StoreError};

/// How long a withdrawal can be undone: the request to delete waits for that long, in milliseconds.
pub const UNDO_MS: i64 = 10 * 60_000;

/// Jobs of one recipient under way at once, at most.
pub const AT_ONCE_PER_RECIPIENT: u32 = 2;

/// What a recipient is told about a consent. None of it holds health data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// A new version took its place.
    Changed {
        /// It gives something that it did not: what is old may show, and is met by no poll by update time.
        resync: bool,
    },
    /// The resident withdrew it.
    Withdrawn,
    /// It has run out.
    Expired,
    /// What was given under it is to be deleted, unless a law asks to keep it.
    DeletionRequested,
}

/// A message to a recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// The same for every attempt; random.
    pub id: u64,
    /// What it says.
    pub notice: Notice,
    /// About whom.
    #[serde(with = "number")]
    pub person: PersonId,
    /// About which consent.
    pub consent: ConsentId,
    /// When that happened, in milliseconds since 1970.
    pub at: i64,
}

mod number {
    use model::PersonId;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &PersonId, serializer: S) -> Result<S::Ok, S::Error> {
        value.0.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PersonId, D::Error> {
        u32::deserialize(deserializer).map(PersonId)
    }
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Tell a recipient.
    Tell(Message),
}

/// Where a job is in its life. The numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum JobState {
    /// Not before its due time.
    Waiting = 1,
    /// A worker has it.
    Leased = 2,
    /// It succeeded.
    Done = 3,
    /// It failed for good: an operator decides.
    Dead = 4,
    /// It lost its reason before it was done.
    Dropped = 5,
}

impl JobState {
    /// The state with this number, as stored.
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::Waiting, Self::Leased, Self::Done, Self::Dead, Self::Dropped]
            .into_iter()
            .find(|state| *state as u8 == number)
    }
}

/// A job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its number.
    pub id: i64,
    /// Whom it is for.
    pub recipient: RecipientId,
    /// What is to be done.
    pub task: Task,
    /// Where it is.
    pub state: JobState,
    /// While waiting: not before. Under lease: until when. Afterwards: when it ended.
    pub due: UtcMillis,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was enqueued.
    pub created: UtcMillis,
    /// Why the last attempt failed.
    pub problem: Option<String>,
    /// Which lease of it this is.
    pub(crate) fence: i64,
}

/// What came of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobOutcome {
    /// It is done.
    Done,
    /// It is to be tried again.
    Again {
        /// Not before.
        at: UtcMillis,
        /// Why it failed, without secrets and values.
        problem: String,
    },
    /// It cannot succeed.
    Dead {
        /// Why, without secrets and values.
        problem: String,
    },
}

/// Where a recipient takes messages.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// An http or https URL.
    pub url: String,
    /// Shared with the recipient; signs the messages.
    pub secret: Vec<u8>,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Takes up to `limit` due jobs until `until`, at most [`AT_ONCE_PER_RECIPIENT`] of one recipient at a time, the one due
    /// longest first. A job whose lease ran out is due again.
    ///
    /// # Errors
    /// What writing can answer.
    pub async fn lease_jobs(&self, limit: u32, until: UtcMillis) -> Result<Vec<Job>> {
        self.database
            .write("lease jobs", move |writing| sqlite::jobs::lease(writing, limit, until))
            .await
    }

    /// True when there is a job that can be taken now: a read, so that an idle worker writes nothing.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn has_due_jobs(&self) -> Result<bool> {
        let now = self.database.now();
        self.database
            .read("look for due jobs", move |reading| sqlite::jobs::has_due(reading, now))
            .await
    }

    /// Says what came of a job. False when the lease was lost, or the job with it: then nothing changed.
    ///
    /// # Errors
    /// What writing can answer.
    pub async fn finish_job(&self, job: &Job, outcome: JobOutcome) -> Result<bool> {
        let (id, fence) = (job.id, job.fence);
        self.database
            .write("finish job", move |writing| {
                sqlite::jobs::finish(writing, id, fence, &outcome)
            })
            .await
    }

    /// Jobs in one state, the latest first.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn jobs(&self, state: JobState, limit: u32) -> Result<Vec<Job>> {
        self.database
            .read("list jobs", move |reading| sqlite::jobs::list(reading, state, limit))
            .await
    }

    /// Runs a dead job again, from its first attempt.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such dead job, and what writing can answer.
    pub async fn rerun_job(&self, id: i64, by: Actor) -> Result<()> {
        self.database
            .write("rerun job", move |writing| sqlite::jobs::rerun(writing, id, by))
            .await
    }

    /// What recipients were or will be told about each of a person's consents, in the order of enqueuing.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn notices(&self, own: &OwnAccess) -> Result<Vec<Job>> {
        let person = own.person();
        self.database
            .read("list notices", move |reading| sqlite::jobs::of_person(reading, person))
            .await
    }

    /// Sets where a recipient takes messages; what died for want of it can be run again.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a recipient that is not registered, [`StoreError::Invalid`] for a URL or a secret that
    /// cannot be, and what writing can answer.
    pub async fn set_endpoint(&self, recipient: RecipientId, endpoint: Endpoint, by: Actor) -> Result<()> {
        let is_url = endpoint.url.starts_with("https://") || endpoint.url.starts_with("http://");
        if !is_url || endpoint.url.len() > 2_048 || !endpoint.url.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(StoreError::Invalid {
                what: "an endpoint is an http or https URL of at most 2048 bytes",
            });
        }
        // Standard Webhooks, "Signature scheme": 24 to 64 bytes.
        if !(24..=64).contains(&endpoint.secret.len()) {
            return Err(StoreError::Invalid {
                what: "an endpoint's secret has 24 to 64 bytes",
            });
        }
        self.database
            .write("set endpoint", move |writing| {
                sqlite::jobs::set_endpoint(writing, recipient, &endpoint, by)
            })
            .await
    }

    /// Where a recipient takes messages, if anywhere.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn endpoint(&self, recipient: RecipientId) -> Result<Option<Endpoint>> {
        self.database
            .read("read endpoint", move |reading| {
                sqlite::jobs::endpoint(reading, recipient)
            })
            .await
    }
}
