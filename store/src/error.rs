//! What can go wrong in the store, as cases a caller can act on.
//!
//! An error says what the store was doing and which thing it was about, by ids only: never a value, a name or a secret.
//! No type of the database library shows here.

use std::path::PathBuf;

use model::{OrganisationId, PersonId};

/// Why the store did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another process holds the data folder.
    #[error("the data folder {} is in use by another process; stop it first, or work through it", folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder was written by a later version of this software.
    #[error(
        "the data was written by a later version (schema {found}, this one knows {known}); start that version instead"
    )]
    NewerSchema {
        /// The schema number in the folder.
        found: u32,
        /// The highest schema number known here.
        known: u32,
    },
    /// No space is left; nothing of the refused write was kept.
    #[error("no space is left on the disk: nothing was written; free some space and send it again")]
    DiskFull,
    /// What was read cannot be what was written.
    #[error("stored data is damaged: {what}")]
    Damaged {
        /// Which table or file, and which row by number.
        what: String,
    },
    /// The master key does not open this folder's keys.
    #[error("the master key does not open the keys in this folder")]
    WrongMasterKey,
    /// There is no such thing.
    #[error("no such {what}")]
    NotFound {
        /// What was looked for.
        what: &'static str,
    },
    /// There is no such person.
    #[error("no person {person}")]
    NoPerson {
        /// The person asked for.
        person: PersonId,
    },
    /// The person was erased.
    #[error("person {person} was erased")]
    Erased {
        /// The person asked for.
        person: PersonId,
    },
    /// There is no such organisation.
    #[error("no organisation {organisation}")]
    NoOrganisation {
        /// The organisation asked for.
        organisation: OrganisationId,
    },
    /// There is such a thing already.
    #[error("there is such a {what} already")]
    Exists {
        /// What was to be made.
        what: &'static str,
    },
    /// An argument that cannot be.
    #[error("{what}")]
    Invalid {
        /// What is wrong with it, without its value.
        what: &'static str,
    },
    /// More of something than a person can have.
    #[error("a person can have at most {limit} {what}")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many there can be.
        limit: u32,
    },
    /// The person's consents changed between the decision and this call: decide anew.
    #[error("the person's consents changed meanwhile")]
    ConsentsChanged,
    /// The consent cannot change, or the draft cannot become one.
    #[error(transparent)]
    Consent(consent::TransitionError),
    /// The store was opened beside another process and can only read.
    #[error("the store was opened for reading only")]
    ReadOnly,
    /// The store is closed or its writer has ended.
    #[error("the store is closed")]
    Closed,
    /// The file system refused.
    #[error("{what}: {detail}")]
    Io {
        /// What was being done.
        what: &'static str,
        /// What the system said.
        detail: String,
    },
    /// The database refused.
    #[error("{what}: {detail}")]
    Database {
        /// What was being done.
        what: &'static str,
        /// What the database said: a code and a sentence, never bound values.
        detail: String,
    },
}

impl StoreError {
    /// Stored data that cannot be what was written; `what` names table and row, never a value.
    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into() }
    }

    /// An error of the file system while doing `what`.
    pub(crate) fn io(what: &'static str, error: &std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::DiskFull,
            _ => Self::Io {
                what,
                detail: error.to_string(),
            },
        }
    }
}
