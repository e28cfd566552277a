//! Days under way: what days came to up to an instant, for the pushes that go on from there.
//!
//! A phone that pushes all day adds to the end of that day. Without this each push counts the whole day anew, and a day costs the more
//! the longer it lasts.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use model::{LocalDay, Metric, PersonId, SourceKind, UtcMillis};

use crate::reads::StoredSource;
use crate::totals::SoFar;

/// People's metrics that are held at most, of a kilobyte or so each.
const MOST: usize = 4_096;

/// What some days of one metric came to up to an instant.
#[derive(Clone)]
pub(super) struct UnderWay {
    /// Nothing that begins earlier lasts longer.
    pub(super) until: UtcMillis,
    /// What it is counted of.
    pub(super) of: Of,
    /// What came of it.
    pub(super) so_far: SoFar,
}

/// What days are counted of: other sources, days or offsets come to something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Of {
    days: (LocalDay, LocalDay),
    offset: i16,
    sources: Vec<(u16, SourceKind)>,
}

impl Of {
    pub(super) fn new(days: (LocalDay, LocalDay), offset: i16, sources: &[StoredSource]) -> Self {
        let sources = sources.iter().map(|source| (source.number, source.source.kind));
        Self {
            days,
            offset,
            sources: sources.collect(),
        }
    }
}

/// The writer's days under way. Whatever else changes samples of a metric takes its entry out.
#[derive(Default)]
pub(crate) struct DaysUnderWay {
    held: Mutex<HashMap<(PersonId, Metric), UnderWay>>,
}

impl DaysUnderWay {
    /// Takes what was counted before `from` of the same.
    pub(super) fn take(&self, person: PersonId, metric: Metric, of: &Of, from: UtcMillis) -> Option<UnderWay> {
        let held = self.locked().remove(&(person, metric))?;
        (held.of == *of && held.until <= from).then_some(held)
    }

    /// Keeps it for the next push.
    pub(super) fn keep(&self, person: PersonId, metric: Metric, under_way: UnderWay) {
        let mut held = self.locked();
        if held.len() >= MOST {
            held.clear();
        }
        held.insert((person, metric), under_way);
    }

    /// Forgets what a change made old.
    pub(super) fn forget(&self, person: PersonId, metric: Metric) {
        self.locked().remove(&(person, metric));
    }

    /// Forgets everything of a person.
    pub(crate) fn forget_person(&self, person: PersonId) {
        self.locked().retain(|(whose, _), _| *whose != person);
    }

    /// Forgets everything: what was counted within a transaction that was rolled back never was.
    pub(crate) fn clear(&self) {
        self.locked().clear();
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<(PersonId, Metric), UnderWay>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
