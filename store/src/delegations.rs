//! Delegations: what residents let a portal of the state hand over for some weeks.
//!
//! A row is changed by who saw it last: each change counts one up, and who looked at it before that changes nothing. So a resident who
//! ends one, a browser that comes back twice and a worker never undo each other.

use consent::OwnAccess;
use model::{DelegationEvent, DelegationState, PersonId, UtcMillis};

use crate::sqlite;
use crate::{HandleHash, Result, Store};

/// How long one that was taken is left alone, in milliseconds: longer than fetching can take.
pub const DELEGATION_LEASE_MS: i64 = 5 * 60_000;

/// A delegation.
#[derive(Clone, PartialEq, Eq)]
pub struct Delegation {
    /// Its number.
    pub id: i64,
    /// Whose records.
    pub person: PersonId,
    /// Who signed in and agreed: the person, or who acts for them.
    pub reader: PersonId,
    /// The portal's name among the adapters.
    pub vendor: String,
    /// Where it is in its life.
    pub state: DelegationState,
    /// Hash of the session that it was begun in.
    pub browser: HandleHash,
    /// The portal's name of it, until it is over.
    pub session: Option<String>,
    /// When it was begun.
    pub begun: UtcMillis,
    /// When the resident agreed.
    pub agreed: Option<UtcMillis>,
    /// When what they agreed to ends.
    pub expires: Option<UtcMillis>,
    /// When something was fetched last.
    pub fetched: Option<UtcMillis>,
    /// When it was over.
    pub over: Option<UtcMillis>,
    /// Tries that failed one after the other.
    pub attempts: u32,
    pub(crate) fence: i64,
}

impl std::fmt::Debug for Delegation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Delegation")
            .field("id", &self.id)
            .field("person", &self.person)
            .field("reader", &self.reader)
            .field("state", &self.state)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// A delegation that begins.
#[derive(Clone, Debug)]
pub struct NewDelegation {
    /// The portal's name among the adapters.
    pub vendor: String,
    /// Who signed in.
    pub reader: PersonId,
    /// Hash of what the browser will come back with.
    pub handle: HandleHash,
    /// Hash of the session that it leaves from.
    pub browser: HandleHash,
    /// When it is over if nobody comes back.
    pub until: UtcMillis,
}

/// One step of a delegation.
#[derive(Clone, Debug, Default)]
pub struct Step {
    /// What happened; `None` where a try failed and nothing else.
    pub event: Option<DelegationEvent>,
    /// When something is to be done next. One that is over has nothing to do.
    pub due: UtcMillis,
    /// The portal's name of it, where it was just given.
    pub session: Option<String>,
    /// When it ends, where that was just agreed to.
    pub expires: Option<UtcMillis>,
}

impl Store {
    /// Begins one. Earlier ones of this person and portal that nobody agreed to are dropped; one that was agreed to goes on until this
    /// one has brought something.
    ///
    /// # Errors
    /// [`crate::StoreError::NoPerson`] for one who was erased, and what writing can answer.
    pub async fn begin_delegation(&self, own: &OwnAccess, new: NewDelegation) -> Result<Delegation> {
        let own = own.clone();
        self.database
            .write("begin a delegation", move |writing| {
                sqlite::delegations::begin(writing, &own, &new)
            })
            .await
    }

    /// The one that a browser came back with.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn delegation_by_handle(&self, handle: HandleHash) -> Result<Option<Delegation>> {
        self.database
            .read("find a delegation", move |snapshot| {
                sqlite::delegations::by_handle(snapshot, &handle)
            })
            .await
    }

    /// Makes a step of one; what it is then, and `None` where it was changed since it was read, or the event cannot happen.
    ///
    /// # Errors
    /// What writing can answer.
    pub async fn step_delegation(&self, of: &Delegation, step: Step) -> Result<Option<Delegation>> {
        let of = of.clone();
        self.database
            .write("change a delegation", move |writing| {
                sqlite::delegations::step(writing, &of, &step)
            })
            .await
    }

    /// True where one is as it was read: neither ended nor changed by anybody since.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn is_as_read(&self, of: &Delegation) -> Result<bool> {
        let of = of.clone();
        self.database
            .read("look again at a delegation", move |snapshot| {
                sqlite::delegations::is_as_read(snapshot, &of)
            })
            .await
    }

    /// Takes those with something to do, the longest waiting first; each is left alone for [`DELEGATION_LEASE_MS`].
    ///
    /// # Errors
    /// What writing can answer.
    pub async fn lease_delegations(&self, limit: u32) -> Result<Vec<Delegation>> {
        let now = self.database.now();
        let is_due = self
            .database
            .read("look for delegations", move |snapshot| {
                sqlite::delegations::has_due(snapshot, now)
            })
            .await?;
        if !is_due {
            return Ok(Vec::new());
        }
        self.database
            .write("take delegations", move |writing| {
                sqlite::delegations::lease(writing, limit)
            })
            .await
    }

    /// A person's delegations, the latest first, a hundred at most.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn delegations(&self, own: &OwnAccess) -> Result<Vec<Delegation>> {
        let person = own.person();
        self.database
            .read("list delegations", move |snapshot| {
                sqlite::delegations::of_person(snapshot, person)
            })
            .await
    }

    /// Ends one of the person's, and those before it that this portal may still be asked by.
    ///
    /// # Errors
    /// [`crate::StoreError::NotFound`] where they have none of this number that is not over, and what writing can answer.
    pub async fn end_delegation(&self, own: &OwnAccess, id: i64) -> Result<()> {
        let own = own.clone();
        self.database
            .write("end a delegation", move |writing| {
                sqlite::delegations::end(writing, &own, id)
            })
            .await
    }
}
