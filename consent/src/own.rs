//! The resident's own key to reads of their values.

use model::PersonId;

/// Lets a signed-in resident read what is their own. Whoever serves a recipient needs a
/// [`Decision`](crate::Decision) instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnAccess {
    person: PersonId,
}

impl OwnAccess {
    /// The key of a resident whose session was checked just now. Only the gateway's session check, and commands that an
    /// operator runs on a person's behalf, may call this.
    pub fn of_signed_in(person: PersonId) -> Self {
        Self { person }
    }

    /// Whose values it opens.
    pub fn person(&self) -> PersonId {
        self.person
    }
}
