//! Companions: phones that push for a resident, and what they pushed, kept for a time as it came.

use consent::OwnAccess;
use model::{Accounting, PersonId, UtcMillis};

use crate::sqlite;
use crate::{HandleHash, Result, Store, StoreError};

/// The longest name of a phone, in characters.
pub const MAX_COMPANION_NAME: usize = 60;
/// Phones of one person that may push at the same time.
pub const MAX_COMPANIONS: usize = 10;

/// A phone that pushes for a resident, or did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Companion {
    /// Its number.
    pub id: i64,
    /// For whom.
    pub person: PersonId,
    /// What it calls itself.
    pub name: String,
    /// Since when.
    pub paired: UtcMillis,
    /// When it pushed last.
    pub seen: Option<UtcMillis>,
    /// When it was ended.
    pub ended: Option<UtcMillis>,
}

/// Whence a delivery came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// A phone pushed it.
    Companion(i64),
    /// It was fetched over a link.
    Link(i64),
    /// A feed had it of an account.
    Feed(i64),
}

/// What a phone pushes, as it came.
#[derive(Clone, Copy)]
pub struct Sent<'a> {
    /// The adapter that reads it.
    pub adapter: &'a str,
    /// The phone's own id of it.
    pub batch: &'a str,
    /// Its bytes, unpacked.
    pub body: &'a [u8],
}

/// Makes what a delivery is answered, of how its records ended.
pub type Answer = Box<dyn FnOnce(&Accounting) -> Vec<u8> + Send>;

/// A push to keep ([`crate::Import::finish_keeping`]); the same again replaces it.
pub struct NewPayload {
    /// Whence it came.
    pub from: Sender,
    /// The adapter that read it.
    pub adapter: String,
    /// The sender's own id of it.
    pub batch: String,
    /// What it pushed, as it came.
    pub body: Vec<u8>,
    /// What it is answered: made and kept in the commit that ends it.
    pub answer: Answer,
}

/// A push that is kept.
#[derive(Clone, Debug)]
pub struct Payload {
    /// Its number.
    pub number: i64,
    /// Whose.
    pub person: PersonId,
    /// When it came.
    pub received: UtcMillis,
    /// What it was answered.
    pub answer: Vec<u8>,
    /// As it came.
    pub body: Vec<u8>,
}

impl Store {
    /// Lets a phone that shows this code push for the person, until `expires`. Earlier codes of the person end.
    ///
    /// # Errors
    /// [`StoreError::NoPerson`], [`StoreError::Erased`], and what writing can answer.
    pub async fn begin_pairing(&self, own: &OwnAccess, code: HandleHash, expires: UtcMillis) -> Result<()> {
        let person = own.person();
        self.database
            .write("begin pairing", move |writing| {
                sqlite::companions::begin(writing, person, &code, expires)
            })
            .await
    }

    /// Pairs the phone that shows a code; from now on `token` is its. `None` where no such code waits. A code is good once.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a name that is empty or too long, [`StoreError::TooMany`] beyond [`MAX_COMPANIONS`], and what
    /// writing can answer.
    pub async fn pair(&self, code: HandleHash, token: HandleHash, name: String) -> Result<Option<Companion>> {
        let length = name.chars().count();
        if length == 0 || length > MAX_COMPANION_NAME {
            return Err(StoreError::Invalid {
                what: "the name of a phone has 1 to 60 characters",
            });
        }
        self.database
            .write("pair", move |writing| {
                sqlite::companions::pair(writing, &code, &token, &name)
            })
            .await
    }

    /// The phone whose token this is, while it may push.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn companion(&self, token: HandleHash) -> Result<Option<Companion>> {
        // One row by its key, which every push asks for.
        let now_or_never = self
            .database
            .read_now(|snapshot| sqlite::companions::by_token(snapshot, &token));
        if let Some(answer) = now_or_never {
            return answer;
        }
        self.database
            .read("read companion", move |snapshot| {
                sqlite::companions::by_token(snapshot, &token)
            })
            .await
    }

    /// A person's phones, the last paired first; ended ones too.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn companions(&self, own: &OwnAccess) -> Result<Vec<Companion>> {
        let person = own.person();
        self.database
            .read("list companions", move |snapshot| {
                sqlite::companions::of_person(snapshot, person)
            })
            .await
    }

    /// From now on this phone of the person pushes no more. What it pushed stays.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and what writing can answer.
    pub async fn end_companion(&self, own: &OwnAccess, id: i64) -> Result<()> {
        let person = own.person();
        self.database
            .write("end companion", move |writing| {
                sqlite::companions::end(writing, person, id)
            })
            .await
    }

    /// What this push of this phone was answered before, while that is kept. Blocks.
    ///
    /// # Errors
    /// What reading can answer.
    pub fn answer(&self, companion: &Companion, sent: Sent<'_>) -> Result<Option<Vec<u8>>> {
        self.database
            .read_blocking(|snapshot| sqlite::payloads::answer(snapshot, companion.person, companion.id, sent))
    }

    /// The next kept pushes of this adapter that were received at `since` or later, after that of a person and number; none at the end.
    /// Person by person, of each in the order they came; as many at once as lie together.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn next_payloads(
        &self,
        adapter: &str,
        since: UtcMillis,
        after: Option<(PersonId, i64)>,
    ) -> Result<Vec<Payload>> {
        let adapter = adapter.to_owned();
        self.database
            .read("read payloads", move |snapshot| {
                sqlite::payloads::next(snapshot, &adapter, since, after.unwrap_or((PersonId(0), 0)))
            })
            .await
    }

    /// Deletes pushes received before; how many. What of a pack of them is younger stays.
    ///
    /// # Errors
    /// What writing can answer.
    pub async fn delete_payloads(&self, before: UtcMillis) -> Result<usize> {
        let mut gone = 0;
        loop {
            let some = self
                .database
                .write("delete payloads", move |writing| {
                    sqlite::payloads::delete(writing, before)
                })
                .await?;
            gone += some.0;
            if !some.1 {
                return Ok(gone);
            }
        }
    }
}
