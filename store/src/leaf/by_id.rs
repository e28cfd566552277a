//! What a vendor says of a record by an id of its own: that it holds a sample, that it holds another one now, that it is deleted.
//!
//! Each id is a register: the latest word about it counts ([`crate::sqlite`] keeps which). Here is what the words do to rows: an
//! id stands for one row, takes hold of it, lets go of it, or changes it where nothing else holds it.

use std::cmp::Ordering;

use model::{Measured, Sample, UtcMillis, Value};

use super::merge::{MOST_TWINS, Merge, Statement, same};
use super::{Row, kept, second};

/// Where a row is; of its series there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    /// The second in which it begins now, in ms.
    pub(crate) second: i64,
    /// The second of its first identity, in ms: where its id was made.
    pub(crate) home: i64,
    /// Tells it from others that have this home.
    pub(crate) tie_break: u16,
}

/// What became of a sample that an id holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Effect {
    /// It was there.
    Known,
    /// A sample that was there changed.
    Version,
    /// It was not there.
    New,
}

/// The order of two samples of one series that were said at the same time, by what every statement of a record tells alike.
pub(crate) fn order(one: &Sample, other: &Sample) -> Ordering {
    let times = |sample: &Sample| (second(sample.start), second(sample.end));
    let numbers = times(one)
        .cmp(&times(other))
        .then_with(|| by_value(&one.value, &other.value));
    let rest = |sample: &Sample| (sample.flags, sample.offset.minutes, sample.end_offset_minutes);
    numbers.then_with(|| rest(one).cmp(&rest(other)))
}

fn by_value(one: &Value, other: &Value) -> Ordering {
    let number = |one: &Measured, other: &Measured| {
        let exact = one.exact().compare(other.exact());
        exact.then(one.digits.cmp(&other.digits))
    };
    match (one, other) {
        (Value::Quantity(one), Value::Quantity(other)) => number(one, other),
        (Value::Code(one), Value::Code(other)) => one.cmp(other),
        (Value::Components(one), Value::Components(other)) => {
            let pairs = one.iter().zip(other.iter()).map(|pair| match pair {
                (Some(one), Some(other)) => number(one, other),
                (one, other) => one.is_some().cmp(&other.is_some()),
            });
            pairs.fold(Ordering::Equal, Ordering::then)
        }
        // Of one metric all values have one shape.
        _ => Ordering::Equal,
    }
}

impl Row {
    fn place(&self) -> Place {
        Place {
            second: self.second(),
            home: second(self.first_start),
            tie_break: self.tie_break,
        }
    }
}

impl Merge {
    /// The rows of a leaf, to change them one by one.
    pub(crate) fn of(rows: Vec<Row>) -> Self {
        Self {
            rows,
            ..Self::default()
        }
    }

    /// An id takes hold of the row that says the same, or of a new one. `None` where a second holds no more.
    pub(crate) fn attach(
        &mut self,
        sample: Sample,
        statement: Statement,
        touched: &mut dyn FnMut(&Sample),
    ) -> Option<(Place, Effect)> {
        if let Some(at) = self.find_same(&sample) {
            self.known += 1;
            self.changed = true;
            self.rows[at].ids = self.rows[at].ids.saturating_add(1);
            let place = self.rows[at].place();
            self.refine(at, &sample, statement, touched);
            self.sort_second(place.second);
            return Some((place, Effect::Known));
        }
        touched(&sample);
        let row = Row {
            stated: None,
            ids: 1,
            ..Row::first(sample, 0, statement.seq, statement.asserted)
        };
        let place = self.insert_row(row);
        self.new += u64::from(place.is_some());
        place.map(|place| (place, Effect::New))
    }

    /// An id lets go of its row; the row ends where nothing else holds it. `deleted` is when the vendor deleted it, where it did.
    pub(crate) fn detach(
        &mut self,
        place: Place,
        deleted: Option<i64>,
        statement: Statement,
        touched: &mut dyn FnMut(&Sample),
    ) {
        let Some(at) = self.find(place) else { return };
        self.rows[at].ids = self.rows[at].ids.saturating_sub(1);
        self.let_go(at, deleted, statement, touched);
    }

    /// Of a record that was deleted before it came: exports before the deletion hold it no more.
    pub(crate) fn entomb(
        &mut self,
        sample: Sample,
        deleted: i64,
        statement: Statement,
        touched: &mut dyn FnMut(&Sample),
    ) -> Option<Place> {
        if let Some(at) = self.find_same(&sample) {
            self.let_go(at, Some(deleted), statement, touched);
            return Some(self.rows[at].place());
        }
        self.insert_row(Row {
            stated: None,
            deleted: Some(deleted),
            dead: true,
            ..Row::first(sample, 0, statement.seq, statement.asserted)
        })
    }

    /// A deletion is said again, later: exports before that hold the row no more either.
    pub(crate) fn deleted_later(
        &mut self,
        place: Place,
        deleted: i64,
        statement: Statement,
        touched: &mut dyn FnMut(&Sample),
    ) {
        if let Some(at) = self.find(place) {
            self.let_go(at, Some(deleted), statement, touched);
        }
    }

    fn let_go(&mut self, at: usize, deleted: Option<i64>, statement: Statement, touched: &mut dyn FnMut(&Sample)) {
        let row = &mut self.rows[at];
        self.changed = true;
        row.deleted = row.deleted.max(deleted);
        self.end_unless_held(at, statement, touched);
    }

    /// True when a row may become another sample: no other id and no export holds it.
    pub(crate) fn is_its_own(&self, place: Place) -> bool {
        let row = self.find(place).map(|at| &self.rows[at]);
        row.is_some_and(|row| row.ids == 1 && !row.is_stated())
    }

    /// What the row says.
    pub(crate) fn sample(&self, place: Place) -> Option<&Sample> {
        self.find(place).map(|at| &self.rows[at].sample)
    }

    /// True when the row says what the sample says.
    pub(crate) fn says(&self, place: Place, sample: &Sample) -> bool {
        let row = self.find(place).map(|at| &self.rows[at]);
        row.is_some_and(|row| {
            (row.second(), second(row.sample.end)) == (second(sample.start), second(sample.end))
                && same(&row.sample, sample)
        })
    }

    /// The row's id is said again with the same sample.
    pub(crate) fn said_again(
        &mut self,
        place: Place,
        sample: &Sample,
        statement: Statement,
        touched: &mut dyn FnMut(&Sample),
    ) {
        let Some(at) = self.find(place) else { return };
        self.known += 1;
        self.refine(at, sample, statement, touched);
        self.changed |= self.raised;
        self.sort_second(place.second);
    }

    /// A live row that says the same as this sample, but for one.
    pub(crate) fn has_twin(&self, sample: &Sample, but: Place) -> bool {
        self.find_same(sample)
            .is_some_and(|at| !self.rows[at].dead && self.rows[at].place() != but)
    }

    /// Takes a row out of its place. In the second where its id was made it leaves a row that shows the way to `moved_to`.
    pub(crate) fn take_out(&mut self, place: Place, moved_to: Option<UtcMillis>, statement: Statement) -> Option<Row> {
        let row = self.rows.remove(self.find(place)?);
        self.changed = true;
        if moved_to.is_some() && second(row.first_start) == row.second() {
            let mut way = row.clone();
            (way.moved_to, way.dead, way.ids, way.seq) = (moved_to, true, 0, statement.seq);
            way.sample.start = row.first_start;
            way.sample.end = way.sample.end.max(way.sample.start);
            self.sorted_in(way);
        }
        Some(row)
    }

    /// Puts a row that was taken out at the place of another sample, as its next version.
    pub(crate) fn put(
        &mut self,
        row: Row,
        sample: Sample,
        statement: Statement,
        touched: &mut dyn FnMut(&Sample),
    ) -> Place {
        self.history.push(row.clone());
        touched(&row.sample);
        touched(&sample);
        let key = |sample: &Sample| (second(sample.start), second(sample.end));
        // What exports said is of the key that it leaves.
        let stays = key(&row.sample) == key(&sample);
        let row = Row {
            stated: row.stated.filter(|_| stays),
            left_out: row.left_out && stays,
            deleted: row.deleted.filter(|_| stays),
            sample: kept(sample),
            version: row.version + 1,
            seq: statement.seq,
            asserted: row.asserted.max(statement.asserted),
            dead: false,
            ..row
        };
        self.versions += 1;
        self.changed = true;
        // Back where its id was made nothing needs to show the way.
        let place = row.place();
        if place.second == place.home {
            self.rows.retain(|other| {
                other.moved_to.is_none() || other.first_start != row.first_start || other.tie_break != row.tie_break
            });
        }
        self.sorted_in(row);
        place
    }

    /// What shows the way to a row shows it to its new start.
    pub(crate) fn show_the_way(&mut self, place: Place, moved_to: UtcMillis, statement: Statement) {
        let way = self
            .rows
            .iter_mut()
            .find(|row| row.moved_to.is_some() && row.place().home == place.home && row.tie_break == place.tie_break);
        if let Some(way) = way {
            (way.moved_to, way.seq) = (Some(moved_to), statement.seq);
            self.changed = true;
        }
    }

    fn group(&self, at: i64) -> std::ops::Range<usize> {
        let from = self.rows.partition_point(|row| row.second() < at);
        from..from + self.rows[from..].partition_point(|row| row.second() == at)
    }

    fn find(&self, place: Place) -> Option<usize> {
        self.group(place.second).find(|at| {
            let row = &self.rows[*at];
            row.moved_to.is_none() && row.place() == place
        })
    }

    /// The row of the same key that says the same; a live one before a dead one.
    fn find_same(&self, sample: &Sample) -> Option<usize> {
        let end = second(sample.end);
        let rows = self.group(second(sample.start));
        rows.filter(|at| {
            let row = &self.rows[*at];
            row.moved_to.is_none() && second(row.sample.end) == end && same(&row.sample, sample)
        })
        .min_by_key(|at| {
            (
                self.rows[*at].dead,
                self.rows[*at].first_start,
                self.rows[*at].tie_break,
            )
        })
    }

    fn insert_row(&mut self, mut row: Row) -> Option<Place> {
        let group = self.group(row.second());
        let taken = |tie_break: u16| {
            self.rows[group.clone()]
                .iter()
                .any(|other| second(other.first_start) == row.second() && other.tie_break == tie_break)
        };
        let Some(tie_break) = (0..MOST_TWINS).find(|tie_break| !taken(*tie_break)) else {
            self.refused += 1;
            return None;
        };
        row.tie_break = tie_break;
        self.changed = true;
        let place = row.place();
        self.sorted_in(row);
        Some(place)
    }

    /// A finer time may have changed the order within a second.
    fn sort_second(&mut self, at: i64) {
        let group = self.group(at);
        self.rows[group].sort_by_key(|row| (row.sample.start, row.first_start, row.tie_break));
    }

    fn sorted_in(&mut self, row: Row) {
        let by = |row: &Row| (row.sample.start, row.first_start, row.tie_break);
        let at = self.rows.partition_point(|other| by(other) <= by(&row));
        self.rows.insert(at, row);
    }
}
