//! Consents given on paper at a counter: one operator enters the form, another confirms it, and then it is a consent like any other:
//! seen, receipted and withdrawn in the same ways.

use consent::{Consent, ConsentDraft};
use model::OrganisationId;

use crate::sqlite;
use crate::{Result, Store};

/// A form that waits for its second operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaperConsent {
    /// Its number.
    pub id: i64,
    /// Who entered it.
    pub entered_by: i64,
    /// What it says; `how` is [`consent::HowGiven::OnPaper`].
    pub draft: ConsentDraft,
}

impl Store {
    /// Enters a form for another operator to confirm; its number. Who entered it is `operator`, whatever the draft says.
    ///
    /// # Errors
    /// [`crate::StoreError::NotFound`] for an operator that is not the organisation's or a person it does not keep,
    /// [`crate::StoreError::Consent`] for a draft that could never become a consent, [`crate::StoreError::Invalid`] for one
    /// that was not given on paper, and what writing can answer.
    pub async fn enter_paper_consent(
        &self,
        organisation: OrganisationId,
        operator: i64,
        draft: ConsentDraft,
    ) -> Result<i64> {
        self.database
            .write("enter a consent on paper", move |writing| {
                sqlite::paper::enter(writing, organisation, operator, draft)
            })
            .await
    }

    /// An organisation's forms that wait for their second operator, the earliest first.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn paper_consents(&self, organisation: OrganisationId) -> Result<Vec<PaperConsent>> {
        self.database
            .read("list consents on paper", move |snapshot| {
                sqlite::paper::waiting(snapshot, organisation)
            })
            .await
    }

    /// Confirms a form as its second operator: from now on it is a consent.
    ///
    /// # Errors
    /// [`crate::StoreError::NotFound`] for a form that does not wait in this organisation, [`crate::StoreError::Consent`] when the
    /// operator is the one who entered it or the draft has run out, and what writing can answer.
    pub async fn confirm_paper_consent(&self, organisation: OrganisationId, operator: i64, id: i64) -> Result<Consent> {
        self.database
            .write("confirm a consent on paper", move |writing| {
                sqlite::paper::confirm(writing, organisation, operator, id)
            })
            .await
    }

    /// Rejects a form that waits: it never becomes a consent.
    ///
    /// # Errors
    /// [`crate::StoreError::NotFound`] for a form that does not wait in this organisation, and what writing can answer.
    pub async fn reject_paper_consent(&self, organisation: OrganisationId, operator: i64, id: i64) -> Result<()> {
        self.database
            .write("reject a consent on paper", move |writing| {
                sqlite::paper::reject(writing, organisation, operator, id)
            })
            .await
    }
}
