//! Consents: given, read, withdrawn, each change numbered and kept.
//!
//! Every change moves the person's consents version in the same commit, so that a decision made before it cannot be
//! acted on after it. Withdrawals and narrowings go to the journal first: no older database brings back what they ended.

use std::sync::Arc;

use consent::{Consent, ConsentDraft, ConsentId, OwnAccess, PersonConsents};
use model::{OrganisationId, PersonId, RecipientId, UtcMillis};

use crate::sqlite;
use crate::{Result, Store};

/// An active consent that has an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndingConsent {
    /// Whose.
    pub person: PersonId,
    /// Which.
    pub consent: ConsentId,
    /// To whom.
    pub recipient: RecipientId,
    /// The first instant at which nothing of it holds any more.
    pub ends: UtcMillis,
}

impl Store {
    /// A person's active consents at their present version, for [`consent::decide`]. The version is read from the database
    /// each time; what it stands for is held in memory.
    ///
    /// # Errors
    /// [`crate::StoreError::NoPerson`], [`crate::StoreError::Erased`], and what reading can answer.
    pub async fn person_consents(&self, person: PersonId) -> Result<Arc<PersonConsents>> {
        self.database
            .read("read consents", move |reading| {
                sqlite::consents::person_consents(reading, person)
            })
            .await
    }

    /// Makes a consent of what the person agreed to: a new one, or the next version of the one that is active for the same
    /// recipient and purpose. Tokens stay with it, bounded by what the new version gives.
    ///
    /// # Errors
    /// [`crate::StoreError::Consent`] when the draft cannot become a consent, [`crate::StoreError::Invalid`] when its text
    /// and hash differ, [`crate::StoreError::NotFound`] for a recipient or a purpose of it that is not registered, and what
    /// writing can answer.
    pub async fn give_consent(&self, draft: ConsentDraft) -> Result<Consent> {
        self.database
            .write("give consent", move |writing| sqlite::consents::give(writing, draft))
            .await
    }

    /// Withdraws a consent on the person's word: journal, then the consent and all tokens under it in one commit.
    ///
    /// # Errors
    /// [`crate::StoreError::NotFound`] when the person has no such consent, [`crate::StoreError::Consent`] when it had ended
    /// before, and what writing can answer.
    pub async fn withdraw_consent(&self, own: &OwnAccess, consent: ConsentId) -> Result<Consent> {
        let (person, by) = (own.person(), own.acting());
        self.database
            .write("withdraw consent", move |writing| {
                sqlite::consents::withdraw(writing, person, consent, by)
            })
            .await
    }

    /// The latest version of each of a person's consents, the one that changed last first.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn consents(&self, own: &OwnAccess) -> Result<Vec<Consent>> {
        let person = own.person();
        self.database
            .read("list consents", move |reading| {
                sqlite::consents::consents(reading, person)
            })
            .await
    }

    /// All versions of one of a person's consents, the latest first, each as it stood last. Empty when the person has no such
    /// consent.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn consent_history(&self, own: &OwnAccess, consent: ConsentId) -> Result<Vec<Consent>> {
        let person = own.person();
        self.database
            .read("read a consent's history", move |reading| {
                sqlite::consents::history(reading, person, consent)
            })
            .await
    }

    /// Active consents of an organisation's people that end by `until`, the one that ends first first: whom to remind.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn ending_consents(
        &self,
        organisation: OrganisationId,
        until: UtcMillis,
        limit: usize,
    ) -> Result<Vec<EndingConsent>> {
        self.database
            .read("list ending consents", move |reading| {
                sqlite::consents::ending(reading, organisation, until, limit)
            })
            .await
    }

    /// The latest version of each consent that a person gave to one recipient, ended ones too, the one that changed last first:
    /// what that recipient may know of its own standing. Empty for a person that is not there.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn consents_to(&self, recipient: RecipientId, person: PersonId) -> Result<Vec<Consent>> {
        self.database
            .read("list consents to a recipient", move |reading| {
                sqlite::consents::consents_to(reading, recipient, person)
            })
            .await
    }
}
