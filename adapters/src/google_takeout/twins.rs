//! What an archive holds in several forms is read from the best of them.

use std::collections::HashMap;

use model::time::HOUR_MS;
use model::{Metric, UtcMillis};

/// By how much the times of two forms may differ, in milliseconds: one may be civil time wherever somebody was.
const APART_MS: i64 = 14 * HOUR_MS;

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

/// The hours of which each form has each metric. A range from the first to the last would take what only a list has of a time between,
/// of which the table is missing, for what the table has too.
#[derive(Default)]
pub struct Twins(HashMap<Kept, [Hours; 3]>);

/// A metric, and whether it is a civil day's number: that one stands in for no moment of the day.
pub type Kept = (Metric, bool);

impl Twins {
    /// True for a record that a better form has too.
    pub fn has_better(&self, kept: Kept, form: Form, at: UtcMillis) -> bool {
        // A civil day is the same in every form.
        let apart = if kept.1 { 0 } else { APART_MS };
        let hours = self.0.get(&kept);
        hours.is_some_and(|hours| {
            hours[..form as usize]
                .iter()
                .any(|hours| hours.has_any(at.0 - apart, at.0 + apart))
        })
    }

    /// Notes that a form has a metric then.
    pub fn note(&mut self, kept: Kept, form: Form, at: UtcMillis) {
        self.0.entry(kept).or_default()[form as usize].note(at.0);
    }
}

/// Hours in which there is something: of each day one bit an hour.
#[derive(Default)]
struct Hours(HashMap<i64, u32>);

impl Hours {
    fn note(&mut self, at: i64) {
        let hour = at.div_euclid(HOUR_MS);
        *self.0.entry(hour.div_euclid(24)).or_default() |= 1 << hour.rem_euclid(24);
    }

    /// From this instant until that one, the hours of both among them.
    fn has_any(&self, first: i64, last: i64) -> bool {
        let (first, last) = (first.div_euclid(HOUR_MS), last.div_euclid(HOUR_MS));
        (first.div_euclid(24)..=last.div_euclid(24)).any(|day| {
            let (from, until) = ((first - day * 24).max(0), (last - day * 24).min(23));
            let asked = (u32::MAX << from) & (u32::MAX >> (31 - until));
            self.0.get(&day).is_some_and(|hours| hours & asked != 0)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_better_form_has_around_that_time_stands_in_for_it() {
        let steps = (Metric::STEP_COUNT, false);
        let at = |day: i64, hour: i64| UtcMillis((day * 24 + hour) * HOUR_MS);
        let mut twins = Twins::default();
        // A month, the next of which is missing, and the one after.
        for day in (0..30).chain(60..90) {
            twins.note(steps, Form::Table, at(day, 12));
        }
        for (day, hour, is_there) in [
            (-1, 21, false),
            (-1, 22, true),
            (10, 0, true),
            (30, 2, true),
            (30, 3, false),
            (45, 12, false),
            (59, 21, false),
            (59, 22, true),
            (70, 23, true),
            (90, 3, false),
        ] {
            let found = twins.has_better(steps, Form::List, at(day, hour));
            assert_eq!(found, is_there, "{day} {hour}");
        }
        assert!(
            !twins.has_better(steps, Form::Table, at(10, 12)),
            "no form is better than itself"
        );
        let resting = (Metric::RESTING_HEART_RATE, true);
        for day in [0, 2] {
            twins.note(resting, Form::Table, at(day, 0));
        }
        let days = [0, 1, 2].map(|day| twins.has_better(resting, Form::List, at(day, 0)));
        assert_eq!(days, [true, false, true]);
    }
}
