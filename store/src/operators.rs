//! Operators: who may act on an organisation's side, and their sessions.

use model::{OrganisationId, UtcMillis};

use crate::sqlite;
use crate::{HandleHash, Result, Store};

/// Somebody who acts for an organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// Their number.
    pub id: i64,
    /// For which organisation.
    pub organisation: OrganisationId,
    /// Their name, as colleagues know it.
    pub name: String,
    /// When they were added.
    pub created: UtcMillis,
    /// Since when they may not act any more.
    pub ended: Option<UtcMillis>,
}

impl Store {
    /// Adds an operator who signs in as this subject of this issuer.
    ///
    /// # Errors
    /// [`crate::StoreError::NoOrganisation`], [`crate::StoreError::Exists`] for an identity that is an operator's already,
    /// and what writing can answer.
    pub async fn create_operator(
        &self,
        organisation: OrganisationId,
        name: &str,
        issuer: &str,
        subject: &str,
    ) -> Result<i64> {
        let (name, issuer, subject) = (name.to_owned(), issuer.to_owned(), subject.to_owned());
        self.database
            .write("add operator", move |writing| {
                sqlite::operators::create(writing, organisation, &name, &issuer, &subject)
            })
            .await
    }

    /// Ends an operator, and their sessions.
    ///
    /// # Errors
    /// [`crate::StoreError::NotFound`], and what writing can answer.
    pub async fn end_operator(&self, operator: i64) -> Result<()> {
        self.database
            .write("end operator", move |writing| sqlite::operators::end(writing, operator))
            .await
    }

    /// All operators.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn operators(&self) -> Result<Vec<Operator>> {
        self.database.read("list operators", sqlite::operators::list).await
    }

    /// The operator of this identity who may still act.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn operator_by_identity(&self, issuer: &str, subject: &str) -> Result<Option<Operator>> {
        let (issuer, subject) = (issuer.to_owned(), subject.to_owned());
        self.database
            .read("find operator", move |reading| {
                sqlite::operators::by_identity(reading, &issuer, &subject)
            })
            .await
    }

    /// Keeps a session of an operator until `expires`.
    ///
    /// # Errors
    /// What writing can answer.
    pub async fn save_operator_session(&self, hash: HandleHash, operator: i64, expires: UtcMillis) -> Result<()> {
        self.database
            .write("save operator session", move |writing| {
                sqlite::operators::save_session(writing, &hash, operator, expires)
            })
            .await
    }

    /// The operator of a session that holds.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn operator_session(&self, hash: HandleHash, now: UtcMillis) -> Result<Option<Operator>> {
        self.database
            .read("read operator session", move |reading| {
                sqlite::operators::session(reading, &hash, now)
            })
            .await
    }

    /// Ends a session of an operator.
    ///
    /// # Errors
    /// What writing can answer.
    pub async fn end_operator_session(&self, hash: HandleHash) -> Result<()> {
        self.database
            .write("end operator session", move |writing| {
                sqlite::operators::end_session(writing, &hash)
            })
            .await
    }
}
