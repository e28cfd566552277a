//! The resident's own key to reads of their values.

use model::PersonId;

use crate::record::Acting;

/// Lets a signed-in resident, or somebody who acts for them, read what is the resident's own. Whoever serves a recipient needs a
/// [`Decision`](crate::Decision) instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnAccess {
    person: PersonId,
    acting: Option<Acting>,
}

impl OwnAccess {
    /// The key of a resident whose session was checked just now. Only the gateway's session check, and commands that an
    /// operator runs on a person's behalf, may call this.
    pub fn of_signed_in(person: PersonId) -> Self {
        Self { person, acting: None }
    }

    /// The key of a session in which somebody acts for `person`, whose right to that was checked just now. Only the gateway's
    /// session check may call this.
    pub fn of_acting(person: PersonId, acting: Acting) -> Self {
        Self {
            person,
            acting: Some(acting),
        }
    }

    /// Whose values it opens.
    pub fn person(&self) -> PersonId {
        self.person
    }

    /// Who acts for them, if they do not themselves.
    pub fn acting(&self) -> Option<Acting> {
        self.acting
    }
}
