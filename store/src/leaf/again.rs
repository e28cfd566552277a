//! Samples that a leaf holds already just as they are: the same file again, or the old part of a new one. Mostly a whole
//! hand-over is so, and then nothing is built and nothing moves.

use model::Sample;

use super::merge::{Merge, Statement};
use super::{Row, second};

/// `Some` when every sample is in a row already just as it is, said no later than now, and no other row is of its second: the
/// same file again, or the old part of a new one. It tells whether a row was said earlier than now.
pub(super) fn later_if_said_again(rows: &[Row], incoming: &[Sample], statement: Statement) -> Option<bool> {
    let (mut rest, mut later) = (rows, false);
    let mut last = None;
    for sample in incoming {
        loop {
            let (row, after) = rest.split_first()?;
            rest = after;
            if row.sample.start == sample.start {
                if !states(row, sample, statement) {
                    return None;
                }
                later |= row.asserted < statement.asserted;
                break;
            }
            // Passed over: fine unless it shares a second with a sample.
            let passed = row.second();
            if passed >= second(sample.start) || last.is_some_and(|last| second(last) == passed) {
                return None;
            }
        }
        last = Some(sample.start);
    }
    let shares = |row: &Row| last.is_some_and(|last| second(last) == row.second());
    (!rest.first().is_some_and(shares)).then_some(later)
}

/// True when the row is the sample as it is, and was said no later than now.
pub(super) fn states(row: &Row, sample: &Sample, statement: Statement) -> bool {
    let known = &row.sample;
    (known.start, known.end) == (sample.start, sample.end)
        && known.value == sample.value
        && known.flags == sample.flags
        && known.offset == sample.offset
        && known.end_offset_minutes == sample.end_offset_minutes
        && !row.dead
        && row.is_of_exports()
        && row.asserted <= statement.asserted
}

/// The row is said again, just as it is; true when that is later than before.
pub(super) fn raise(row: &mut Row, statement: Statement, touched: &mut dyn FnMut(&Sample)) -> bool {
    let later = row.asserted < statement.asserted;
    if later {
        row.asserted = statement.asserted;
        row.stated = Some(statement.asserted);
        touched(&row.sample);
    }
    later
}

/// Counts samples that [`later_if_said_again`] holds of, and raises their rows to this statement.
pub(super) fn said_again(
    mut rows: Vec<Row>,
    incoming: &[Sample],
    statement: Statement,
    later: bool,
    touched: &mut dyn FnMut(&Sample),
) -> Merge {
    if later {
        let mut known = rows.iter_mut();
        for sample in incoming {
            if let Some(row) = known.find(|row| row.sample.start == sample.start) {
                raise(row, statement, touched);
            }
        }
    }
    Merge {
        rows,
        known: incoming.len() as u64,
        raised: later,
        ..Merge::default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::leaf::merge::merge;
    use crate::leaf::merge::tests::{sample, say};

    proptest! {
        #[test]
        fn what_is_said_again_in_one_go_is_what_is_said_again_one_by_one(
            known in proptest::collection::vec((0_i64..12, 0_i64..3, 0_i64..3), 1..12),
            left_out in 0_usize..4, later in 0_i64..2,
        ) {
            let samples: Vec<Sample> = known.iter().map(|(start, length, value)| sample(*start * 600, *length, *value, 0)).collect();
            let rows = say(Vec::new(), samples.clone(), 5).rows;
            let mut again = samples;
            again.sort_by_key(|sample| sample.start);
            again.truncate(again.len().saturating_sub(left_out));
            let statement = Statement { asserted: 5 + later, seq: 9 };
            if let Some(later) = later_if_said_again(&rows, &again, statement) {
                let quick = said_again(rows.clone(), &again, statement, later, &mut |_| {});
                // A dead row far away keeps the other way open.
                let mut with_other = rows.clone();
                let mut dead = Row::first(sample(9_000_000, 0, 1, 0), 0, 1, 1);
                dead.dead = true;
                with_other.push(dead);
                let mut with_new = again.clone();
                with_new.push(sample(9_000_000, 0, 2, 0));
                let mut slow = merge(with_other, with_new.drain(..), statement, &mut |_| {});
                slow.rows.truncate(rows.len());
                prop_assert_eq!(quick.rows, slow.rows);
                prop_assert_eq!(quick.known, slow.known);
                prop_assert_eq!(quick.raised, slow.raised);
                prop_assert!(!quick.changed && quick.history.is_empty());
            }
        }
    }
}
