//! A person's own checkups, whole: for themselves and for nobody else.

use consent::OwnAccess;
use model::checkup::Checkup;

use crate::{Result, Store, sqlite};

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
