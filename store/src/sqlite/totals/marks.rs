//! Which days are older than their samples: gathered as samples come, kept with their months until they are computed.

use std::collections::BTreeSet;

use model::time::DAY_MS;
use model::{LocalDay, Metric, PersonId, Sample, UtcMillis};
use rusqlite::params;

use super::super::database::Snapshot;
use super::super::fault::Doing as _;
use super::super::leaves::{self, Series};
use super::super::writer::Writing;
use super::{LONGEST_MS, MARGIN_DAYS, first_of};
use crate::Result;

/// Days beside that of a sample that can change with it: a zone away from it, or by a walk that goes on past midnight.
const REACH_DAYS: i32 = 1;

/// Gathers the months that a hand-over makes older than their samples.
pub(crate) struct Months {
    wanted: bool,
    /// Days beside a sample's own that can change with it; `None` where nights make them, which may chain over many.
    reach: Option<i32>,
    months: BTreeSet<i32>,
    /// The first and last of the days that change.
    days: Option<(LocalDay, LocalDay)>,
    last: Option<(i64, i64)>,
}

impl Months {
    /// For samples of this series; gathers nothing where no day is kept of them.
    pub(crate) fn of(series: Series) -> Self {
        Self {
            wanted: !series.is_parked() && kept_of(series.metric()).is_some(),
            reach: (series.metric() != Metric::SLEEP_STAGE).then_some(REACH_DAYS),
            months: BTreeSet::new(),
            days: None,
            last: None,
        }
    }

    /// A sample came, changed or went.
    pub(crate) fn touch(&mut self, sample: &Sample) {
        if !self.wanted || sample.duration_ms() > LONGEST_MS {
            return;
        }
        // Months of a sample between two instants that were looked at already are known.
        if let Some((from, until)) = self.last
            && from <= sample.start.0
            && sample.end.0 <= until
        {
            return;
        }
        let reach = self.reach.unwrap_or(MARGIN_DAYS);
        let first = sample.start.local_day(sample.offset).plus(-reach);
        let last = sample.end.local_day(sample.offset).plus(reach);
        let (from, until) = self.days.unwrap_or((first, last));
        self.days = Some((from.min(first), until.max(last)));
        let (first, last) = (first.month(), last.month());
        self.months.extend(first..=last);
        let within_a_day = UtcMillis(sample.start.0 + DAY_MS);
        // As far as samples go that are passed over from here on, whatever zone they are of.
        let farthest = within_a_day.local_day(sample.offset).plus(reach + 1);
        let same_month = farthest.month() == first;
        if same_month {
            self.days = self.days.map(|(from, known)| (from, known.max(farthest)));
        }
        self.last = same_month.then_some((sample.start.0, within_a_day.0));
    }

    /// The months, and the days among them.
    pub(crate) fn into_marks(self) -> Marks {
        Marks {
            months: self.months.into_iter().collect(),
            days: self.days.filter(|_| self.reach.is_some()),
        }
    }
}

/// Months whose totals are older than their samples.
#[derive(Clone, Debug, Default)]
pub(crate) struct Marks {
    pub(crate) months: Vec<i32>,
    /// The first and last day that can have changed; `None`: any.
    pub(crate) days: Option<(LocalDay, LocalDay)>,
}

/// The metric whose kept days change with samples of this one.
fn kept_of(metric: Metric) -> Option<Metric> {
    if metric == Metric::SLEEP_STAGE {
        return Some(Metric::SLEEP_DURATION);
    }
    let metric = metric.interval_of_daily().unwrap_or(metric);
    metric.has_stored_totals().then_some(metric)
}

/// Marks the months that a hand-over touched.
pub(crate) fn mark(writing: &Writing<'_>, person: PersonId, series: Series, merged: &leaves::Merged) -> Result<()> {
    let Some(metric) = kept_of(series.metric()) else {
        return Ok(());
    };
    let (first, last) = merged.marks.days.unzip();
    for month in &merged.marks.months {
        writing
            .prepare_cached(
                "INSERT INTO dirty (person, metric, month, first_day, last_day) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET first_day = min(first_day, ?4), last_day = max(last_day, ?5)",
            )
            .and_then(|mut statement| {
                let (first, last) = (first.map(|day| day.0), last.map(|day| day.0));
                statement.execute(params![person.0, metric.number(), month, first, last])
            })
            .doing("marking a month")?;
    }
    Ok(())
}

/// A month of a metric to compute: all of it, or some days.
#[derive(Clone, Copy, Debug)]
pub(super) struct Marked {
    pub(super) metric: Metric,
    pub(super) month: i32,
    days: Option<(LocalDay, LocalDay)>,
}

impl Marked {
    /// The first and last day to compute.
    pub(super) fn span(&self) -> (LocalDay, LocalDay) {
        let (first, last) = (first_of(self.month), first_of(self.month + 1).plus(-1));
        self.days
            .map_or((first, last), |(from, until)| (first.max(from), last.min(until)))
    }
}

/// What is marked of a person.
pub(super) fn marked(snapshot: &Snapshot<'_>, person: PersonId) -> Result<Vec<Marked>> {
    snapshot
        .prepare_cached("SELECT metric, month, first_day, last_day FROM dirty WHERE person = ?1 ORDER BY metric, month")
        .and_then(|mut statement| {
            statement
                .query_map([person.0], |row| {
                    let (first, last): (Option<i32>, Option<i32>) = (row.get(2)?, row.get(3)?);
                    Ok(Marked {
                        metric: Metric::from_number(row.get(0)?).unwrap_or(Metric::NONE),
                        month: row.get(1)?,
                        days: first.zip(last).map(|(first, last)| (LocalDay(first), LocalDay(last))),
                    })
                })?
                .collect()
        })
        .doing("finding months to compute")
}

/// Marks all months of a person that have samples.
pub(super) fn mark_all(writing: &Writing<'_>, person: PersonId) -> Result<()> {
    writing.person_key(person)?;
    for metric in Metric::all().filter(|metric| kept_of(*metric).is_some()) {
        let extent: (Option<i64>, Option<i64>) = writing
            .prepare_cached("SELECT min(first_start), max(max_end) FROM leaf WHERE person = ?1 AND metric = ?2")
            .and_then(|mut statement| {
                statement.query_row(params![person.0, metric.number()], |row| Ok((row.get(0)?, row.get(1)?)))
            })
            .doing("finding the extent of samples")?;
        let (Some(from), Some(until)) = extent else { continue };
        let day = |instant: i64| UtcMillis(instant).local_day(model::Offset::given(0));
        let merged = leaves::Merged {
            marks: Marks {
                months: (day(from).plus(-MARGIN_DAYS - 1).month()..=day(until).plus(MARGIN_DAYS + 1).month()).collect(),
                days: None,
            },
            ..leaves::Merged::default()
        };
        mark(writing, person, Series::sample(metric, 0), &merged)?;
    }
    Ok(())
}
