//! Sessions of residents, and requests that are under way between two pages.

use consent::Language;
use model::{PersonId, UtcMillis};

use super::HandleHash;
use crate::sqlite;
use crate::{Result, Store};

/// A resident's session in the browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// Who signed in.
    pub person: PersonId,
    /// Issuer of the provider that signed them in.
    pub issuer: String,
    /// The level of assurance it stated, if any.
    pub assurance: Option<String>,
    /// The language they chose.
    pub language: Language,
    /// When they signed in.
    pub issued: UtcMillis,
    /// For whom they act; whether they still may is asked each time. `None`: for themselves.
    pub acting_for: Option<PersonId>,
    /// The first instant at which it does not hold any more.
    pub expires: UtcMillis,
}

impl Store {
    /// Keeps a session that was just begun.
    ///
    /// # Errors
    /// [`StoreError::NoPerson`], [`StoreError::Erased`], and what writing can answer.
    pub async fn save_session(&self, hash: HandleHash, record: SessionRecord) -> Result<()> {
        self.database
            .write("save session", move |writing| {
                sqlite::sessions::save_session(writing, &hash, &record)
            })
            .await
    }

    /// The session of this handle, while it holds.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn session(&self, hash: HandleHash, now: UtcMillis) -> Result<Option<SessionRecord>> {
        self.database
            .read("read session", move |reading| {
                sqlite::sessions::session(reading, &hash, now)
            })
            .await
    }

    /// From now on the session acts for this person (`None`: for who signed in); false when there is no such session. Whether they
    /// may is the caller's to ask, and to ask again at each use.
    ///
    /// # Errors
    /// What writing can answer.
    pub async fn act_for(&self, hash: HandleHash, person: Option<PersonId>) -> Result<bool> {
        self.database
            .write("act for somebody", move |writing| {
                sqlite::sessions::act_for(writing, &hash, person)
            })
            .await
    }

    /// Ends a session; one that is not there is ended already.
    ///
    /// # Errors
    /// What writing can answer.
    pub async fn end_session(&self, hash: HandleHash) -> Result<()> {
        self.database
            .write("end session", move |writing| {
                sqlite::sessions::end_session(writing, &hash)
            })
            .await
    }

    /// Keeps the state of something under way, sealed, until `expires`. `kind` separates uses; again under the same handle
    /// replaces it.
    ///
    /// # Errors
    /// What writing can answer.
    pub async fn save_pending(&self, hash: HandleHash, kind: u8, body: Vec<u8>, expires: UtcMillis) -> Result<()> {
        self.database
            .write("save pending", move |writing| {
                sqlite::sessions::save_pending(writing, &hash, kind, &body, expires)
            })
            .await
    }

    /// What is under way under this handle; it stays.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn pending(&self, hash: HandleHash, kind: u8, now: UtcMillis) -> Result<Option<Vec<u8>>> {
        self.database
            .read("read pending", move |reading| {
                sqlite::sessions::pending(reading, &hash, kind, now)
            })
            .await
    }

    /// Takes what is under way under this handle: only one caller ever gets it.
    ///
    /// # Errors
    /// What writing can answer.
    pub async fn take_pending(&self, hash: HandleHash, kind: u8, now: UtcMillis) -> Result<Option<Vec<u8>>> {
        self.database
            .write("take pending", move |writing| {
                sqlite::sessions::take_pending(writing, &hash, kind, now)
            })
            .await
    }
}
