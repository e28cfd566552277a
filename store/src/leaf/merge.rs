//! How samples of one delivery meet the rows of their series.
//!
//! Of one key (start and end to the second) the values that were asserted last are live. So whatever order deliveries and
//! their records come in, the same rows are live in the end: a later statement replaces an earlier one, an earlier one that
//! comes late is not kept, and two values of one statement are twins. A value is the same as another when they agree at the
//! coarser of their precisions: another unit or rounding makes no new record. What a vendor's ids hold, an export neither ends
//! nor replaces; what they said is of a row of its own ([`super::by_id`]).

use std::cmp::Ordering;
use std::vec::Drain;

use model::{Flags, Measured, OffsetTrust, Sample, Value};

use super::{Row, again, kept, second};

/// Tie-breaks have 12 bits in a record's id.
pub(super) const MOST_TWINS: u16 = 4_096;

/// What a merge did.
#[derive(Debug, Default)]
pub(crate) struct Merge {
    /// All rows, by start.
    pub(crate) rows: Vec<Row>,
    /// Superseded versions.
    pub(crate) history: Vec<Row>,
    /// Samples that were not there.
    pub(crate) new: u64,
    /// Samples whose value or flags changed.
    pub(crate) versions: u64,
    /// Samples that were there.
    pub(crate) known: u64,
    /// Of those that were there, rows that say more of themselves now.
    pub(crate) refined: u64,
    /// Rows that ended.
    pub(crate) gone: u64,
    /// Samples of which a later statement is there.
    pub(crate) superseded: u64,
    /// Samples beyond the most that one second can have.
    pub(crate) refused: u64,
    /// Something that shows changed: the rows have to be written.
    pub(crate) changed: bool,
    /// Known rows were asserted again, later than before.
    pub(crate) raised: bool,
}

/// One delivery's statement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Statement {
    /// When it was asserted, in ms.
    pub(crate) asserted: i64,
    /// The commit that brings it.
    pub(crate) seq: i64,
}

/// Merges samples, sorted by start, into rows, sorted by start. `touched` is called with every sample that came, changed or
/// went, as it was before and as it is now, and with those whose rank among others changed.
pub(crate) fn merge(
    rows: Vec<Row>,
    incoming: Drain<'_, Sample>,
    statement: Statement,
    touched: &mut dyn FnMut(&Sample),
) -> Merge {
    if let Some(later) = again::later_if_said_again(&rows, incoming.as_slice(), statement) {
        return again::said_again(rows, incoming.as_slice(), statement, later, touched);
    }
    let mut merge = Merge {
        rows: Vec::with_capacity(rows.len() + incoming.len()),
        ..Merge::default()
    };
    let (mut rows, mut incoming) = (rows.into_iter().peekable(), incoming.peekable());
    loop {
        let at = match (rows.peek(), incoming.peek()) {
            (Some(row), Some(sample)) => row.second().min(second(sample.start)),
            (Some(_), None) => {
                merge.rows.extend(rows.by_ref());
                return merge;
            }
            (None, Some(sample)) => second(sample.start),
            (None, None) => return merge,
        };
        let from = merge.rows.len();
        while let Some(row) = rows.next_if(|row| row.second() == at) {
            merge.rows.push(row);
        }
        let Some(first) = incoming.next_if(|sample| second(sample.start) == at) else {
            continue;
        };
        let mut second_sample = incoming.next_if(|sample| second(sample.start) == at);
        if merge.rows.len() == from && second_sample.is_none() {
            touched(&first);
            merge.rows.push(Row::first(first, 0, statement.seq, statement.asserted));
            merge.new += 1;
            merge.changed = true;
            continue;
        }
        if let (1, None, Some(row)) = (merge.rows.len() - from, &second_sample, merge.rows.last_mut())
            && again::states(row, &first, statement)
        {
            merge.known += 1;
            merge.raised |= again::raise(row, statement, touched);
            continue;
        }
        let mut group = vec![first];
        while let Some(sample) = second_sample {
            group.push(sample);
            second_sample = incoming.next_if(|sample| second(sample.start) == at);
        }
        merge.second(from, group, statement, touched);
    }
}

impl Merge {
    /// Merges the samples of one second with the rows of that second, which stand from `from` on.
    fn second(&mut self, from: usize, mut group: Vec<Sample>, statement: Statement, touched: &mut dyn FnMut(&Sample)) {
        // An order of their own, so that the order of arrival decides nothing.
        group.sort_by(|one, other| one.end.cmp(&other.end).then_with(|| compare(one, other)));
        let mut group = group.into_iter().peekable();
        while let Some(first) = group.next() {
            let end = second(first.end);
            let mut twins = vec![first];
            while let Some(sample) = group.next_if(|sample| second(sample.end) == end) {
                twins.push(sample);
            }
            self.key(from, end, twins, statement, touched);
        }
        self.rows[from..].sort_by_key(|row| (row.sample.start, row.first_start, row.tie_break));
    }

    /// Merges the samples of one key.
    fn key(
        &mut self,
        from: usize,
        end: i64,
        samples: Vec<Sample>,
        statement: Statement,
        touched: &mut dyn FnMut(&Sample),
    ) {
        let known: Vec<usize> = (from..self.rows.len())
            .filter(|place| second(self.rows[*place].sample.end) == end)
            .collect();
        let latest = known.iter().filter_map(|place| self.rows[*place].stated).max();
        if latest.is_some_and(|latest| statement.asserted < latest) {
            let live: Vec<usize> = known.into_iter().filter(|place| !self.rows[*place].dead).collect();
            for sample in samples {
                match self.same(&live, &sample) {
                    Some(place) => {
                        self.known += 1;
                        self.refine(place, &sample, statement, touched);
                    }
                    None => self.superseded += 1,
                }
            }
            return;
        }
        let mut unmatched: Vec<Sample> = Vec::new();
        let mut stated: Vec<usize> = Vec::new();
        for sample in samples {
            if let Some(place) = self.same(&known, &sample) {
                if !stated.contains(&place) {
                    stated.push(place);
                }
                self.known += 1;
                self.absorb(place, &sample, statement, touched);
            } else if let Some(twin) = unmatched.iter_mut().find(|twin| same(twin, &sample)) {
                self.known += 1;
                better(twin, &sample);
            } else {
                unmatched.push(sample);
            }
        }
        let left: Vec<usize> = known
            .into_iter()
            .filter(|place| !stated.contains(place) && self.rows[*place].moved_to.is_none())
            .filter(|place| {
                self.rows[*place]
                    .stated
                    .is_some_and(|stated| stated < statement.asserted)
            })
            .collect();
        let (mut free, held): (Vec<usize>, Vec<usize>) = left.into_iter().partition(|place| {
            let row = &self.rows[*place];
            row.ids == 0 && row.deleted.is_none()
        });
        for place in held {
            self.leave_out(place, statement, touched);
        }
        // Live ones first, then in the order of their tie-breaks; taken from the end.
        free.sort_by_key(|place| {
            let row = &self.rows[*place];
            std::cmp::Reverse((row.dead, row.first_start, row.tie_break))
        });
        for sample in unmatched {
            match free.pop() {
                Some(place) => {
                    self.versions += 1;
                    self.replace(place, sample, statement, touched);
                }
                None => self.insert(from, sample, statement, touched),
            }
        }
        for place in free {
            self.leave_out(place, statement, touched);
        }
    }

    /// The row of these that says the same; a live one before a dead one.
    fn same(&self, places: &[usize], sample: &Sample) -> Option<usize> {
        places
            .iter()
            .copied()
            .filter(|place| self.rows[*place].moved_to.is_none() && same(&self.rows[*place].sample, sample))
            .min_by_key(|place| (self.rows[*place].dead, self.rows[*place].tie_break))
    }

    /// A known row is stated again, by no earlier export than any before.
    fn absorb(&mut self, place: usize, sample: &Sample, statement: Statement, touched: &mut dyn FnMut(&Sample)) {
        let row = &mut self.rows[place];
        if row.stated.is_none_or(|stated| stated < statement.asserted) || row.left_out {
            // Beside what the leaf's floor can say of all its rows at once.
            self.changed |= !row.is_of_exports();
            (row.stated, row.left_out) = (Some(statement.asserted), false);
        }
        self.refine(place, sample, statement, touched);
    }

    /// What a statement of a row knows better is taken; when it was said is raised, and what is held again lives again.
    pub(super) fn refine(
        &mut self,
        place: usize,
        sample: &Sample,
        statement: Statement,
        touched: &mut dyn FnMut(&Sample),
    ) {
        let row = &mut self.rows[place];
        let mut better_row = row.sample.clone();
        better(&mut better_row, sample);
        let order = statement.asserted.cmp(&row.asserted);
        if order == Ordering::Greater || (order == Ordering::Equal && marks(sample) > marks(&better_row)) {
            let time = better_row.flags.0 & Flags::MILLISECONDS.0;
            better_row.flags = Flags(marks(sample) | time);
        }
        let dead = !row.is_held();
        if better_row != row.sample || dead != row.dead {
            self.history.push(row.clone());
            touched(&row.sample);
            touched(&better_row);
            row.sample = better_row;
            row.version += 1;
            row.seq = statement.seq;
            row.dead = dead;
            self.refined += 1;
            self.changed = true;
        }
        if order == Ordering::Greater {
            row.asserted = statement.asserted;
            touched(&row.sample);
            self.raised = true;
        }
    }

    /// A row gets another value.
    fn replace(&mut self, place: usize, sample: Sample, statement: Statement, touched: &mut dyn FnMut(&Sample)) {
        let row = &mut self.rows[place];
        self.history.push(row.clone());
        touched(&row.sample);
        touched(&sample);
        row.sample = kept(sample);
        row.version += 1;
        row.seq = statement.seq;
        row.asserted = row.asserted.max(statement.asserted);
        row.stated = Some(statement.asserted);
        (row.left_out, row.dead) = (false, false);
        self.changed = true;
    }

    fn insert(&mut self, from: usize, sample: Sample, statement: Statement, touched: &mut dyn FnMut(&Sample)) {
        let taken = |tie_break: u16| {
            self.rows[from..]
                .iter()
                .any(|row| second(row.first_start) == second(sample.start) && row.tie_break == tie_break)
        };
        let Some(tie_break) = (0..MOST_TWINS).find(|tie_break| !taken(*tie_break)) else {
            self.refused += 1;
            return;
        };
        touched(&sample);
        self.rows
            .push(Row::first(sample, tie_break, statement.seq, statement.asserted));
        self.new += 1;
        self.changed = true;
    }

    /// A row is not stated any more by the latest export that names its key: it ends, unless an id holds it.
    fn leave_out(&mut self, place: usize, statement: Statement, touched: &mut dyn FnMut(&Sample)) {
        let row = &mut self.rows[place];
        self.changed |= !row.left_out;
        row.left_out = true;
        self.end_unless_held(place, statement, touched);
    }

    /// A row ends where neither an export nor an id holds it any more.
    pub(super) fn end_unless_held(&mut self, place: usize, statement: Statement, touched: &mut dyn FnMut(&Sample)) {
        let row = &mut self.rows[place];
        if row.dead || row.is_held() {
            return;
        }
        self.history.push(row.clone());
        touched(&row.sample);
        row.version += 1;
        row.seq = statement.seq;
        row.dead = true;
        self.gone += 1;
        self.changed = true;
    }
}

/// Flags without the one that says how finely the time was given.
fn marks(sample: &Sample) -> u16 {
    sample.flags.0 & !Flags::MILLISECONDS.0
}

/// True when two statements about one key are the same record.
pub(super) fn same(one: &Sample, other: &Sample) -> bool {
    let exact_times = one.flags.has(Flags::MILLISECONDS) && other.flags.has(Flags::MILLISECONDS);
    if exact_times && (one.start, one.end) != (other.start, other.end) {
        return false;
    }
    match (&one.value, &other.value) {
        (Value::Quantity(one), Value::Quantity(other)) => same_number(*one, *other),
        (Value::Code(one), Value::Code(other)) => one == other,
        (Value::Components(one), Value::Components(other)) => {
            one.len() == other.len()
                && one.iter().zip(other.iter()).all(|pair| match pair {
                    (Some(one), Some(other)) => same_number(*one, *other),
                    (None, None) => true,
                    _ => false,
                })
        }
        _ => false,
    }
}

/// Equal at the coarser of the two precisions.
fn same_number(one: Measured, other: Measured) -> bool {
    if one == other {
        return true;
    }
    let digits = one.digits.min(other.digits);
    match (one.exact().rescale(digits), other.exact().rescale(digits)) {
        (Some(one), Some(other)) => one == other,
        _ => one.exact().compare(other.exact()) == Ordering::Equal,
    }
}

/// Takes what the other statement of the same record knows better: finer times, a stated offset, a value in the metric's own
/// unit or with more digits. The outcome does not depend on which of the two came first.
fn better(kept: &mut Sample, other: &Sample) {
    if other.flags.has(Flags::MILLISECONDS) && !kept.flags.has(Flags::MILLISECONDS) {
        (kept.start, kept.end) = (other.start, other.end);
        kept.flags = kept.flags.with(Flags::MILLISECONDS);
    }
    let trust = (other.offset.trust as u8).cmp(&(kept.offset.trust as u8));
    let stated = other.offset.trust < OffsetTrust::Assumed;
    if trust == Ordering::Less
        || (trust == Ordering::Equal
            && stated
            && (other.offset.minutes, other.end_offset_minutes) > (kept.offset.minutes, kept.end_offset_minutes))
    {
        kept.offset = other.offset;
        kept.end_offset_minutes = other.end_offset_minutes;
    }
    match (&mut kept.value, &other.value) {
        (Value::Quantity(kept), Value::Quantity(other)) => *kept = finer(*kept, *other),
        (Value::Components(kept), Value::Components(other)) => {
            for (kept, other) in kept.iter_mut().zip(other.iter()) {
                if let (Some(kept), Some(other)) = (kept, other) {
                    *kept = finer(*kept, *other);
                }
            }
        }
        _ => {}
    }
}

/// Of two ways to write the same number the one to keep.
fn finer(one: Measured, other: Measured) -> Measured {
    let worth = |number: Measured| {
        let as_given = number.digits == number.scale;
        (
            as_given,
            number.digits,
            std::cmp::Reverse((number.scale, number.mantissa)),
        )
    };
    if worth(other) > worth(one) { other } else { one }
}

/// An order among samples of one key that depends on nothing but themselves.
fn compare(one: &Sample, other: &Sample) -> Ordering {
    let numbers = |one: Option<Measured>, other: Option<Measured>| match (one, other) {
        (Some(one), Some(other)) => one
            .exact()
            .compare(other.exact())
            .then_with(|| one.digits.cmp(&other.digits)),
        (one, other) => one.is_some().cmp(&other.is_some()),
    };
    let values = match (&one.value, &other.value) {
        (Value::Quantity(one), Value::Quantity(other)) => numbers(Some(*one), Some(*other)),
        (Value::Code(one), Value::Code(other)) => one.cmp(other),
        (Value::Components(one), Value::Components(other)) => one
            .iter()
            .zip(other.iter())
            .map(|(one, other)| numbers(*one, *other))
            .find(|order| *order != Ordering::Equal)
            .unwrap_or(Ordering::Equal),
        _ => Ordering::Equal,
    };
    values
        .then_with(|| one.start.cmp(&other.start))
        .then_with(|| one.flags.cmp(&other.flags))
}

#[cfg(test)]
pub(super) mod tests {
    use model::{Decimal, Metric, Offset, UtcMillis};
    use proptest::prelude::*;

    use super::*;

    pub(in crate::leaf) fn sample(start: i64, length: i64, mantissa: i64, scale: u8) -> Sample {
        Sample {
            metric: Metric::BODY_WEIGHT,
            source: 1,
            start: UtcMillis(start * 1_000),
            end: UtcMillis((start + length) * 1_000),
            offset: Offset::JAPAN_ASSUMED,
            end_offset_minutes: 540,
            value: Value::Quantity(Measured::as_given(Decimal::new(mantissa, scale))),
            flags: Flags::default(),
            created: Sample::CREATION_UNKNOWN,
        }
    }

    pub(in crate::leaf) fn say(rows: Vec<Row>, mut samples: Vec<Sample>, asserted: i64) -> Merge {
        samples.sort_by_key(|sample| sample.start);
        merge(
            rows,
            samples.drain(..),
            Statement {
                asserted,
                seq: asserted,
            },
            &mut |_| {},
        )
    }

    fn live(rows: &[Row]) -> Vec<(i64, i64, i64, u8)> {
        let mut live: Vec<_> = rows
            .iter()
            .filter(|row| !row.dead)
            .map(|row| match row.sample.value {
                Value::Quantity(value) => (row.sample.start.0, row.sample.end.0, value.mantissa, value.scale),
                _ => (0, 0, 0, 0),
            })
            .collect();
        live.sort_unstable();
        live
    }

    #[test]
    fn the_same_again_changes_nothing() {
        let first = say(Vec::new(), vec![sample(1, 0, 652, 1), sample(2, 0, 653, 1)], 5);
        assert_eq!((first.new, first.changed), (2, true));
        let again = say(first.rows.clone(), vec![sample(2, 0, 653, 1), sample(1, 0, 652, 1)], 5);
        assert_eq!((again.known, again.changed, again.raised), (2, false, false));
        assert_eq!(again.rows, first.rows);
    }

    #[test]
    fn a_later_value_is_a_version_and_an_earlier_one_is_superseded_in_both_orders() {
        let (old, new) = (sample(1, 0, 652, 1), sample(1, 0, 660, 1));
        let forward = say(say(Vec::new(), vec![old.clone()], 1).rows, vec![new.clone()], 2);
        assert_eq!(
            (forward.versions, forward.history.len(), forward.rows[0].version),
            (1, 1, 2)
        );
        let backward = say(say(Vec::new(), vec![new], 2).rows, vec![old], 1);
        assert_eq!((backward.superseded, backward.rows[0].version), (1, 1));
        assert_eq!(live(&forward.rows), live(&backward.rows));
    }

    #[test]
    fn another_rounding_or_unit_makes_no_new_record() {
        let fine = sample(1, 0, 6_524, 2);
        let merged = say(
            say(Vec::new(), vec![fine.clone()], 1).rows,
            vec![sample(1, 0, 652, 1)],
            2,
        );
        assert_eq!(
            (merged.known, merged.versions, merged.changed, merged.rows.len()),
            (1, 0, false, 1)
        );
        let pounds = Sample {
            value: Value::Quantity(Measured {
                mantissa: 65_241_234_567,
                scale: 9,
                digits: 2,
            }),
            ..sample(1, 0, 0, 0)
        };
        let merged = say(say(Vec::new(), vec![fine], 1).rows, vec![pounds], 2);
        assert_eq!((merged.known, merged.changed), (1, false));
    }

    #[test]
    fn twins_of_one_statement_both_live_and_keep_their_numbers() {
        let twins = vec![sample(1, 0, 652, 1), sample(1, 0, 660, 1), sample(1, 60, 652, 1)];
        let merged = say(Vec::new(), twins.clone(), 1);
        assert_eq!(merged.new, 3);
        let mut ties: Vec<u16> = merged.rows.iter().map(|row| row.tie_break).collect();
        ties.sort_unstable();
        assert_eq!(ties, [0, 1, 2]);
        // Split over two hand-overs of one delivery, the same rows live.
        let split = say(say(Vec::new(), twins[..1].to_vec(), 1).rows, twins[1..].to_vec(), 1);
        assert_eq!(live(&split.rows), live(&merged.rows));
    }

    #[test]
    fn a_twin_that_a_later_statement_leaves_out_is_entered_in_error() {
        let both = say(Vec::new(), vec![sample(1, 0, 652, 1), sample(1, 0, 660, 1)], 1);
        let one = say(both.rows, vec![sample(1, 0, 660, 1)], 2);
        assert_eq!(live(&one.rows), [(1_000, 1_000, 660, 1)]);
        assert_eq!(one.rows.iter().filter(|row| row.dead).count(), 1);
        let back = say(one.rows, vec![sample(1, 0, 652, 1), sample(1, 0, 660, 1)], 3);
        assert_eq!(live(&back.rows).len(), 2);
        assert_eq!(back.rows.len(), 2, "an id once given finds its record again");
    }

    proptest! {
        #[test]
        fn any_order_of_statements_and_of_records_ends_in_the_same_live_rows(
            exports in prop::collection::vec(prop::collection::vec((0i64..4, 0i64..2, 0i64..3), 1..6), 1..5),
            order in any::<u64>(),
            cut in 0usize..6,
        ) {
            let statements: Vec<(i64, Vec<Sample>)> = exports
                .iter()
                .enumerate()
                .map(|(date, records)| {
                    // Values a whole unit apart: no rounding lies between them.
                    let samples = records.iter().map(|(s, l, v)| sample(*s, *l, 600 + v * 10, 1)).collect();
                    (date as i64 + 1, samples)
                })
                .collect();
            let run = |statements: &[(i64, Vec<Sample>)], cut: usize| {
                let mut rows = Vec::new();
                for (date, samples) in statements {
                    let (first, rest) = samples.split_at(cut.min(samples.len()));
                    rows = say(rows, first.to_vec(), *date).rows;
                    rows = say(rows, rest.to_vec(), *date).rows;
                }
                rows
            };
            let straight = run(&statements, 0);
            let mut shuffled = statements.clone();
            let random = model::environment::SeededRandomness::new(order);
            for place in (1..shuffled.len()).rev() {
                shuffled.swap(place, random.below(place as u64 + 1) as usize);
            }
            shuffled.iter_mut().for_each(|(_, samples)| samples.reverse());
            let other = run(&shuffled, cut);
            prop_assert_eq!(live(&straight), live(&other));
            // A naive twin: of each key the values of the latest export that names it.
            let mut naive: Vec<(i64, i64, i64, u8)> = Vec::new();
            for start in 0..4 {
                for length in 0..2 {
                    let latest = exports.iter().rev().find(|records| records.iter().any(|(s, l, _)| (*s, *l) == (start, length)));
                    for value in 0..3 {
                        if latest.is_some_and(|records| records.contains(&(start, length, value))) {
                            naive.push((start * 1_000, (start + length) * 1_000, 600 + value * 10, 1));
                        }
                    }
                }
            }
            naive.sort_unstable();
            prop_assert_eq!(live(&straight), naive);
            for rows in [&straight, &other] {
                let mut ids: Vec<_> = rows.iter().map(|row| (row.first_start, row.tie_break)).collect();
                ids.sort_unstable();
                ids.dedup();
                prop_assert_eq!(ids.len(), rows.len());
            }
        }
    }
}
