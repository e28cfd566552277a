//! Checkups as wholes: for the person themselves all that a document says, for everybody else what their access key shows of it.

use consent::OwnAccess;
use model::checkup::{Checkup, Finding};
use model::{LocalDay, RecordKey, UtcMillis};

use super::{Access, StoredSample};
use crate::checkup::OfCheckup;
use crate::{Result, Store, sqlite};

/// A checkup as far as an access key shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckupReport {
    /// What its id is made of.
    pub key: RecordKey,
    /// The days within which it took place, the first and the last: one day, or the year where no more is known.
    pub days: (LocalDay, LocalDay),
    /// Its programme (OID 1.2.392.200119.6.1002); empty for one that the resident declared.
    pub programme: String,
    /// The resident says it themselves: no document does.
    pub by_hand: bool,
    /// That it took place, where that shows; entered in error where a document deleted it.
    pub took_place: Option<StoredSample>,
    /// Its results that show, those entered in error too.
    pub results: Vec<StoredSample>,
}

/// A document that told a checkup, as it came.
#[derive(Clone, PartialEq)]
pub struct CheckupOriginal {
    /// What its id is made of.
    pub key: RecordKey,
    /// The checkup's day.
    pub day: LocalDay,
    /// Version of the checkup that it tells, from 1.
    pub version: u32,
    /// When it was stored.
    pub committed: UtcMillis,
    /// As it came, whole: who is not the person gets it without what names them to an insurer.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for CheckupOriginal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CheckupOriginal")
            .field("key", &self.key)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

impl CheckupReport {
    /// The answers of the resident among its results.
    pub fn answers(&self) -> Vec<(&StoredSample, &Finding)> {
        let question = |record: &'_ StoredSample| matches!(&record.of_checkup, Some(OfCheckup::Result(finding)) if finding.item.is_question());
        let answers = self.results.iter().filter(|record| question(record));
        let answers = answers.filter_map(|record| match &record.of_checkup {
            Some(OfCheckup::Result(finding)) => Some((record, &**finding)),
            _ => None,
        });
        answers.collect()
    }
}

/// A checkup as its latest document tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnCheckup {
    /// Its number within the person.
    pub number: u16,
    /// What it says.
    pub checkup: Checkup,
}

impl Store {
    /// A person's checkups that are there, the latest first.
    ///
    /// # Errors
    /// [`crate::StoreError::NoPerson`], [`crate::StoreError::Erased`], and what reading can answer.
    pub async fn checkups(&self, own: &OwnAccess) -> Result<Vec<OwnCheckup>> {
        let person = own.person();
        self.database
            .read("read checkups", move |snapshot| {
                let key = snapshot.person_key(person)?;
                let mut found: Vec<OwnCheckup> = sqlite::checkups::of_person(snapshot, &key, person)?
                    .into_iter()
                    .map(|stored| OwnCheckup {
                        number: stored.number,
                        checkup: stored.kept.checkup,
                    })
                    .filter(|own| !own.checkup.is_deletion())
                    .collect();
                found.sort_by_key(|own| (std::cmp::Reverse(own.checkup.day), own.number));
                Ok(found)
            })
            .await
    }

    /// A person's checkups as wholes, as far as the access key shows them, by number. `now` is the instant of the question.
    ///
    /// # Errors
    /// [`crate::StoreError::NoPerson`], [`crate::StoreError::Erased`], and what reading can answer.
    pub async fn checkup_reports(&self, access: Access<'_>, now: UtcMillis) -> Result<Vec<CheckupReport>> {
        let access = access.hold();
        self.database
            .read("read checkups as wholes", move |snapshot| {
                sqlite::search::reports(snapshot, &access, now)
            })
            .await
    }

    /// The documents that told a person's checkups, as far as the access key shows documents, by number; `only` that of one checkup.
    /// `now` is the instant of the question.
    ///
    /// # Errors
    /// [`crate::StoreError::NoPerson`], [`crate::StoreError::Erased`], and what reading can answer.
    pub async fn checkup_originals(
        &self,
        access: Access<'_>,
        only: Option<RecordKey>,
        now: UtcMillis,
    ) -> Result<Vec<CheckupOriginal>> {
        let access = access.hold();
        self.database
            .read("read documents", move |snapshot| {
                sqlite::search::originals(snapshot, &access, only, now)
            })
            .await
    }

    /// The document that told a person's checkup, as it came; `None` where there is none, as of one that they declared.
    ///
    /// # Errors
    /// [`crate::StoreError::NoPerson`], [`crate::StoreError::Erased`], and what reading can answer.
    pub async fn checkup_original(&self, own: &OwnAccess, number: u16) -> Result<Option<Vec<u8>>> {
        let person = own.person();
        self.database
            .read("read a document", move |snapshot| {
                sqlite::checkups::original(snapshot, person, number)
            })
            .await
    }
}
