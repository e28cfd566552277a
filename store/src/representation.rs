//! Who may act for whom: parents for children, guardians, and proxies whom a person named. An operator enters it with what shows it;
//! it has an end, and a person who is nobody's ward ends a proxy's right by themselves.

use consent::{Acting, OwnAccess, Relationship};
use model::{PersonId, UtcMillis};

use crate::sqlite;
use crate::{Actor, Result, Store, StoreError};

/// The longest name of a document, in characters.
const MAX_DOCUMENT: usize = 200;

/// A right to act, to be entered.
#[derive(Clone, Debug)]
pub struct NewRepresentation {
    /// For whom.
    pub person: PersonId,
    /// Who acts.
    pub actor: PersonId,
    /// What they are to the person.
    pub relationship: Relationship,
    /// Whether they may agree and withdraw, not only see.
    pub decides: bool,
    /// The first instant at which the right is over: a child's majority, the end of a mandate. `None`: until it is ended.
    pub until: Option<UtcMillis>,
    /// What shows the right, for example the number of a certificate.
    pub document: String,
}

/// A right to act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Representation {
    /// Its number.
    pub id: i64,
    /// For whom.
    pub person: PersonId,
    /// Who acts.
    pub actor: PersonId,
    /// What they are to the person.
    pub relationship: Relationship,
    /// Whether they may agree and withdraw, not only see.
    pub decides: bool,
    /// Since when.
    pub since: UtcMillis,
    /// The first instant at which it is over.
    pub until: Option<UtcMillis>,
    /// When it was ended before that.
    pub ended: Option<UtcMillis>,
    /// What shows it.
    pub document: String,
}

impl Representation {
    /// True while it holds.
    pub fn holds(&self, now: UtcMillis) -> bool {
        self.ended.is_none() && self.until.is_none_or(|until| now < until)
    }

    /// Who acts, as consents keep it.
    pub fn acting(&self) -> Acting {
        Acting {
            person: self.actor,
            relationship: self.relationship,
        }
    }
}

impl Store {
    /// Enters a right to act.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for somebody who would act for themselves, an end that has passed and a missing document,
    /// [`StoreError::Exists`] where the two have such a right already, [`StoreError::NoPerson`], and what writing can answer.
    pub async fn add_representation(&self, new: NewRepresentation, by: Actor) -> Result<i64> {
        if new.person == new.actor {
            return Err(StoreError::Invalid {
                what: "nobody acts for themselves",
            });
        }
        let length = new.document.chars().count();
        if new.document.trim().is_empty() || length > MAX_DOCUMENT {
            return Err(StoreError::Invalid {
                what: "what shows the right is named in 1 to 200 characters",
            });
        }
        self.database
            .write("enter a right to act", move |writing| {
                sqlite::representation::add(writing, &new, by)
            })
            .await
    }

    /// Ends a right to act; sessions that use it act for nobody from then on.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where there is none or it has ended, and what writing can answer.
    pub async fn end_representation(&self, id: i64, by: Actor) -> Result<()> {
        self.database
            .write("end a right to act", move |writing| {
                sqlite::representation::end(writing, id, None, by)
            })
            .await
    }

    /// Ends the right of somebody whom the person named themselves. A child or a ward cannot end a parent's or a guardian's.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where the person named nobody under this number, and what writing can answer.
    pub async fn end_own_proxy(&self, own: &OwnAccess, id: i64) -> Result<()> {
        let person = own.person();
        let is_oneself = own.acting().is_none();
        self.database
            .write("end a proxy's right", move |writing| {
                if !is_oneself {
                    return Err(StoreError::NotFound { what: "proxy" });
                }
                let by = Actor::resident(person);
                sqlite::representation::end(writing, id, Some(person), by)
            })
            .await
    }

    /// The right of `actor` to act for `person` that holds at `now`.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn representation(
        &self,
        person: PersonId,
        actor: PersonId,
        now: UtcMillis,
    ) -> Result<Option<Representation>> {
        let all = self.representations_by(actor, now).await?;
        Ok(all.into_iter().find(|right| right.person == person))
    }

    /// The rights by which somebody may act for others at `now`.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn representations_by(&self, actor: PersonId, now: UtcMillis) -> Result<Vec<Representation>> {
        let mut all = self
            .database
            .read("list rights to act", move |snapshot| {
                sqlite::representation::by_actor(snapshot, actor)
            })
            .await?;
        all.retain(|right| right.holds(now));
        Ok(all)
    }

    /// All rights to act for a person, ended ones too.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn representations_of(&self, person: PersonId) -> Result<Vec<Representation>> {
        self.database
            .read("list who acts for somebody", move |snapshot| {
                sqlite::representation::of_person(snapshot, person)
            })
            .await
    }
}
