//! Single rows of one series, changed as a vendor's ids say: each leaf that is met is opened once and written once.

use model::{PersonId, Sample, UtcMillis};
use rusqlite::{OptionalExtension as _, params};

use super::super::fault::Doing as _;
use super::super::people::Commit;
use super::super::totals;
use super::super::writer::Writing;
use super::hand::{Hand, MOST_ROWS, Stored, parts};
use super::{Merged, Series};
use crate::Result;
use crate::leaf::by_id::{Effect, Place};
use crate::leaf::merge::{Merge, Statement};
use crate::leaf::second;

/// From so many rows on the newest leaf of a series takes no more: each push rewrites it. Closed ones are joined to the one before.
const CLOSED_AT: usize = 128;

/// One series under change.
pub(crate) struct Editor<'a> {
    hand: Hand<'a>,
    open: Vec<Open>,
    months: totals::Months,
}

/// A leaf under change, and the seconds that lie in it.
struct Open {
    number: Option<i64>,
    from: i64,
    until: i64,
    merge: Merge,
    /// It was full, and a new one follows.
    is_closed: bool,
}

impl<'a> Editor<'a> {
    /// Of a series, in one commit.
    pub(crate) fn of(writing: &'a Writing<'a>, person: PersonId, series: Series, commit: Commit) -> Result<Self> {
        Ok(Self {
            hand: Hand {
                writing,
                key: writing.person_key(person)?,
                person,
                series,
                statement: Statement {
                    asserted: 0,
                    seq: commit.seq,
                },
            },
            open: Vec::new(),
            months: totals::Months::of(series),
        })
    }

    /// An id takes hold of a sample; where it is. `None` where a second holds no more.
    pub(crate) fn attach(&mut self, sample: Sample, said: UtcMillis) -> Result<Option<(Place, Effect)>> {
        let (at, statement) = (self.leaf(second(sample.start))?, self.statement(said));
        let months = &mut self.months;
        Ok(self.open[at]
            .merge
            .attach(sample, statement, &mut |sample| months.touch(sample)))
    }

    /// The sample that lies there.
    pub(crate) fn sample(&mut self, place: Place) -> Result<Option<&Sample>> {
        let at = self.leaf(place.second)?;
        Ok(self.open[at].merge.sample(place))
    }

    /// True when the sample lies there as it is.
    pub(crate) fn says(&mut self, place: Place, sample: &Sample) -> Result<bool> {
        let at = self.leaf(place.second)?;
        Ok(self.open[at].merge.says(place, sample))
    }

    /// An id lets go of its sample, which the vendor deleted at `deleted` or only holds elsewhere now.
    pub(crate) fn detach(&mut self, place: Place, deleted: Option<UtcMillis>) -> Result<()> {
        let (at, statement) = (self.leaf(place.second)?, self.hand.statement);
        let months = &mut self.months;
        let merge = &mut self.open[at].merge;
        merge.detach(place, deleted.map(|at| at.0), statement, &mut |sample| {
            months.touch(sample)
        });
        Ok(())
    }

    /// A sample comes that was deleted before.
    pub(crate) fn entomb(&mut self, sample: Sample, said: UtcMillis, deleted: UtcMillis) -> Result<Option<Place>> {
        let (at, statement) = (self.leaf(second(sample.start))?, self.statement(said));
        let months = &mut self.months;
        let merge = &mut self.open[at].merge;
        Ok(merge.entomb(sample, deleted.0, statement, &mut |sample| months.touch(sample)))
    }

    /// A deletion is said again, later.
    pub(crate) fn deleted_later(&mut self, place: Place, deleted: UtcMillis) -> Result<()> {
        let (at, statement) = (self.leaf(place.second)?, self.hand.statement);
        let months = &mut self.months;
        let merge = &mut self.open[at].merge;
        merge.deleted_later(place, deleted.0, statement, &mut |sample| months.touch(sample));
        Ok(())
    }

    /// What an id stands for becomes another sample of the series: its row changes and keeps its id, unless something else
    /// holds the row too. Answers where it is now.
    pub(crate) fn change(&mut self, place: Place, sample: Sample, said: UtcMillis) -> Result<Option<(Place, Effect)>> {
        let statement = self.statement(said);
        let (from, to) = (self.leaf(place.second)?, self.leaf(second(sample.start))?);
        if self.open[from].merge.says(place, &sample) {
            let months = &mut self.months;
            let merge = &mut self.open[from].merge;
            merge.said_again(place, &sample, statement, &mut |sample| months.touch(sample));
            return Ok(Some((place, Effect::Known)));
        }
        if self.open[to].merge.has_twin(&sample, place) || !self.open[from].merge.is_its_own(place) {
            let now = self.attach(sample, said)?;
            if now.is_some() {
                self.detach(place, None)?;
            }
            return Ok(now.map(|(place, _)| (place, Effect::Version)));
        }
        let moved_to = (second(sample.start) != place.second).then_some(sample.start);
        if let Some(start) = moved_to
            && place.home != place.second
        {
            let home = self.leaf(place.home)?;
            self.open[home].merge.show_the_way(place, start, statement);
        }
        let Some(row) = self.open[from].merge.take_out(place, moved_to, statement) else {
            return self.attach(sample, said);
        };
        let months = &mut self.months;
        let merge = &mut self.open[to].merge;
        let place = merge.put(row, sample, statement, &mut |sample| months.touch(sample));
        Ok(Some((place, Effect::Version)))
    }

    /// Writes what changed.
    pub(crate) fn finish(self) -> Result<Merged> {
        let mut merged = Merged::default();
        let goes_on = self.open.iter().any(|open| open.number.is_none() && open.merge.changed);
        let numbers: Vec<i64> = self.open.iter().filter_map(|open| open.number).collect();
        for open in self.open {
            let outcome = open.merge;
            merged.new += outcome.new;
            merged.versions += outcome.versions;
            merged.known += outcome.known;
            merged.refined += outcome.refined;
            merged.gone += outcome.gone;
            merged.refused += outcome.refused;
            let before = match open.number.filter(|_| open.is_closed && goes_on) {
                Some(_) => self
                    .hand
                    .before(open.from, MOST_ROWS.saturating_sub(outcome.rows.len()), &numbers)?,
                None => None,
            };
            if !outcome.changed && before.is_none() {
                continue;
            }
            if !outcome.history.is_empty() {
                self.hand.keep_history(&outcome.history)?;
            }
            if let (Some((into, mut rows)), Some(number)) = (before, open.number) {
                // Full, and never touched again by a push: one leaf of both.
                rows.extend(outcome.rows);
                self.hand.delete(number)?;
                self.hand.write(Some(into), &rows)?;
                continue;
            }
            if let (true, Some(number)) = (outcome.rows.is_empty(), open.number) {
                self.hand.delete(number)?;
            }
            let appended = open.until == i64::MAX;
            let parts = parts(&outcome.rows, appended);
            let is_one = parts.len() == 1;
            let mut written = None;
            for (place, part) in parts.into_iter().enumerate() {
                written = self.hand.write(open.number.filter(|_| place == 0), part)?;
            }
            if let Some(number) = written.filter(|_| is_one) {
                self.hand.hold(number, outcome.rows);
            }
        }
        merged.marks = self.months.into_marks();
        Ok(merged)
    }

    fn statement(&self, said: UtcMillis) -> Statement {
        Statement {
            asserted: said.0,
            ..self.hand.statement
        }
    }

    /// The leaf in which a second lies, opened.
    fn leaf(&mut self, at: i64) -> Result<usize> {
        if let Some(place) = self.open.iter().rposition(|open| (open.from..open.until).contains(&at)) {
            return Ok(place);
        }
        let series = self.hand.series;
        let here = params![self.hand.person.0, series.kind(), series.source(), at];
        let found: Option<Stored> = self
            .hand
            .writing
            .prepare_cached(
                "SELECT number, first_start, samples, asserted_floor FROM leaf
                 WHERE person = ?1 AND metric = ?2 AND source = ?3 AND first_start = coalesce(
                   (SELECT max(first_start) FROM leaf WHERE person = ?1 AND metric = ?2 AND source = ?3 AND first_start <= ?4),
                   (SELECT min(first_start) FROM leaf WHERE person = ?1 AND metric = ?2 AND source = ?3))",
            )
            .and_then(|mut statement| statement.query_row(here, Stored::read).optional())
            .doing("finding a leaf")?;
        let Some(stored) = found else {
            self.open.push(Open {
                number: None,
                from: i64::MIN,
                until: i64::MAX,
                merge: Merge::default(),
                is_closed: false,
            });
            return Ok(self.open.len() - 1);
        };
        let around = params![self.hand.person.0, series.kind(), series.source(), stored.first_start];
        let (is_first, until): (bool, Option<i64>) = self
            .hand
            .writing
            .prepare_cached(
                "SELECT NOT EXISTS (SELECT 1 FROM leaf WHERE person = ?1 AND metric = ?2 AND source = ?3 AND first_start < ?4),
                        (SELECT min(first_start) FROM leaf
                         WHERE person = ?1 AND metric = ?2 AND source = ?3 AND first_start > ?4)",
            )
            .and_then(|mut statement| statement.query_row(around, |row| Ok((row.get(0)?, row.get(1)?))))
            .doing("finding a leaf")?;
        let rows = self.hand.rows(&stored)?;
        let from = if is_first { i64::MIN } else { stored.first_start };
        let until = until.unwrap_or(i64::MAX);
        // A full newest leaf takes no more at its end.
        let border = rows.last().map_or(from, |row| row.second() + 1);
        let is_closed = until == i64::MAX && stored.samples >= CLOSED_AT;
        self.open.push(Open {
            number: Some(stored.number),
            from,
            until: if is_closed { border } else { until },
            merge: Merge::of(rows),
            is_closed,
        });
        if is_closed {
            self.open.push(Open {
                number: None,
                from: border,
                until,
                merge: Merge::default(),
                is_closed: false,
            });
        }
        let place = self.open.iter().rposition(|open| (open.from..open.until).contains(&at));
        // One of the two just opened holds it: between them they hold all seconds from `from` to `until`.
        Ok(place.unwrap_or(self.open.len() - 1))
    }
}
