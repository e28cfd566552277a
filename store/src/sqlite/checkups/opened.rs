//! Checkups that were opened last: each page of a search asks for the same.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::PersonId;

use super::Stored;

/// A person's checkups, opened.
pub(crate) type Opened = Arc<Vec<Stored>>;

/// People whose checkups stay opened: some hundred kB each.
const MOST_OPENED: usize = 32;

/// Checkups that were opened last, by whose they are and the commit that they are as of: each page of a search asks for the same.
#[derive(Default)]
pub(crate) struct OpenedCheckups(Mutex<VecDeque<((u32, i64), Opened)>>);

impl OpenedCheckups {
    fn held(&self) -> MutexGuard<'_, VecDeque<((u32, i64), Opened)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those of a person as of a commit.
    pub(crate) fn get(&self, person: PersonId, seq: i64) -> Option<Opened> {
        let held = self.held();
        let found = held.iter().find(|(of, _)| *of == (person.0, seq));
        found.map(|(_, opened)| Arc::clone(opened))
    }

    /// Keeps them, in the place of what was held of that person.
    pub(crate) fn keep(&self, person: PersonId, seq: i64, opened: &Opened) {
        let mut held = self.held();
        held.retain(|((of, _), _)| *of != person.0);
        held.push_back(((person.0, seq), Arc::clone(opened)));
        if held.len() > MOST_OPENED {
            held.pop_front();
        }
    }

    /// Forgets an erased person's.
    pub(crate) fn forget(&self, person: PersonId) {
        self.held().retain(|((of, _), _)| *of != person.0);
    }
}
