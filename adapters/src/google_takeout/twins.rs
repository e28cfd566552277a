//! What an archive holds in several forms is read from the best of them.

use std::collections::HashMap;

use model::{Metric, UtcMillis};

/// By how much the times of two forms may differ, in milliseconds: one may be civil time wherever somebody was.
const APART_MS: i64 = 14 * 3_600_000;

/// The forms, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// A table whose times are instants.
    Table = 0,
    /// A table of an older folder.
    OldTable = 1,
    /// A list.
    List = 2,
}

/// From when until when each form has each metric.
#[derive(Default)]
pub struct Twins(HashMap<Kept, [Option<(i64, i64)>; 3]>);

/// A metric, and whether it is a civil day's number: that one stands in for no moment of the day.
pub type Kept = (Metric, bool);

impl Twins {
    /// True for a record that a better form has too.
    pub fn has_better(&self, kept: Kept, form: Form, at: UtcMillis) -> bool {
        let Some(ranges) = self.0.get(&kept) else {
            return false;
        };
        let holds = |range: &Option<(i64, i64)>| {
            range.is_some_and(|(first, last)| (first - APART_MS..=last + APART_MS).contains(&at.0))
        };
        ranges[..form as usize].iter().any(holds)
    }

    /// Notes that a form has a metric then.
    pub fn note(&mut self, kept: Kept, form: Form, at: UtcMillis) {
        let range = &mut self.0.entry(kept).or_default()[form as usize];
        let (first, last) = range.unwrap_or((at.0, at.0));
        *range = Some((first.min(at.0), last.max(at.0)));
    }
}
