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
    instants: Touched,
    last: Option<(i64, i64)>,
}

/// When samples that came, changed or went were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Touched {
    #[default]
    Nothing,
    At(Instants),
    /// Samples of several offsets: no instants say which days are theirs.
    Apart,
}

/// From when until when, of one offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Instants {
    pub(super) from: UtcMillis,
    pub(super) until: UtcMillis,
    /// In minutes.
    pub(super) offset: i16,
}

impl Instants {
    /// Both; `None` where they are of two offsets.
    pub(super) fn with(self, other: Self) -> Option<Self> {
        (self.offset == other.offset).then(|| Self {
            from: self.from.min(other.from),
            until: self.until.max(other.until),
            offset: self.offset,
        })
    }
}

impl Touched {
    fn add(&mut self, sample: &Sample) {
        let own = Instants {
            from: sample.start,
            until: sample.end,
            offset: sample.offset.minutes,
        };
        *self = match *self {
            Self::Nothing => Self::At(own),
            Self::At(known) => known.with(own).map_or(Self::Apart, Self::At),
            Self::Apart => Self::Apart,
        };
    }
}

impl Months {
    /// For samples of this series; gathers nothing where no day is kept of them.
    pub(crate) fn of(series: Series) -> Self {
        Self {
            wanted: !series.is_parked() && kept_of(series.metric()).is_some(),
            reach: (series.metric() != Metric::SLEEP_STAGE).then_some(REACH_DAYS),
            months: BTreeSet::new(),
            days: None,
            instants: Touched::Nothing,
            last: None,
        }
    }

    /// A sample came, changed or went.
    pub(crate) fn touch(&mut self, sample: &Sample) {
        if !self.wanted || sample.duration_ms() > LONGEST_MS {
            return;
        }
        self.instants.add(sample);
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
            instants: match self.instants {
                Touched::At(instants) => Some(instants),
                Touched::Nothing | Touched::Apart => None,
            },
        }
    }
}

/// Months whose totals are older than their samples.
#[derive(Clone, Debug, Default)]
pub(crate) struct Marks {
    pub(crate) months: Vec<i32>,
    /// The first and last day that can have changed; `None`: any.
    pub(crate) days: Option<(LocalDay, LocalDay)>,
    /// When the samples were; `None`: nobody knows, or they are of several offsets.
    instants: Option<Instants>,
}

/// The metric whose kept days change with samples of this one.
fn kept_of(metric: Metric) -> Option<Metric> {
    if metric == Metric::SLEEP_STAGE {
        return Some(Metric::SLEEP_DURATION);
    }
    let metric = metric.interval_of_daily().unwrap_or(metric);
    metric.has_stored_totals().then_some(metric)
}

/// The months that a hand-over touched.
pub(crate) fn touched(series: Series, merged: &leaves::Merged) -> impl Iterator<Item = Marked> {
    let metric = kept_of(series.metric());
    merged.marks.months.iter().filter_map(move |month| {
        Some(Marked {
            metric: metric?,
            month: *month,
            days: merged.marks.days,
            instants: merged.marks.instants,
        })
    })
}

/// Marks months until they are computed.
pub(crate) fn mark(writing: &Writing<'_>, person: PersonId, months: impl IntoIterator<Item = Marked>) -> Result<()> {
    for Marked {
        metric, month, days, ..
    } in months
    {
        writing.shared().days_under_way.forget(person, metric);
        writing
            .prepare_cached(
                "INSERT INTO dirty (person, metric, month, first_day, last_day) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET first_day = min(first_day, ?4), last_day = max(last_day, ?5)",
            )
            .and_then(|mut statement| {
                let (first, last) = days.map(|(first, last)| (first.0, last.0)).unzip();
                statement.execute(params![person.0, metric.number(), month, first, last])
            })
            .doing("marking a month")?;
    }
    Ok(())
}

/// Months that were computed are marked no more.
pub(super) fn unmark(writing: &Writing<'_>, person: PersonId, months: &[Marked]) -> Result<()> {
    for Marked { metric, month, .. } in months {
        writing
            .prepare_cached("DELETE FROM dirty WHERE person = ?1 AND metric = ?2 AND month = ?3")
            .and_then(|mut statement| statement.execute(params![person.0, metric.number(), month]))
            .doing("unmarking a month")?;
    }
    Ok(())
}

/// Months of two lists, each once and in order, with the days of both.
pub(super) fn together(mut one: Vec<Marked>, other: &[Marked]) -> Vec<Marked> {
    one.extend_from_slice(other);
    one.sort_by_key(|marked| (marked.metric, marked.month));
    one.dedup_by(|next, kept| {
        let is_same = (next.metric, next.month) == (kept.metric, kept.month);
        if is_same {
            let both = kept.days.zip(next.days);
            kept.days = both.map(|(one, other)| (one.0.min(other.0), one.1.max(other.1)));
            let instants = kept.instants.zip(next.instants);
            kept.instants = instants.and_then(|(one, other)| one.with(other));
        }
        is_same
    });
    one
}

/// A month of a metric to compute: all of it, or some days.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Marked {
    pub(super) metric: Metric,
    pub(super) month: i32,
    days: Option<(LocalDay, LocalDay)>,
    /// When the samples were that make it older; `None` where that is not known, as of all that was kept.
    pub(super) instants: Option<Instants>,
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
                        instants: None,
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
        let Some(metric) = kept_of(metric) else { continue };
        let months = day(from).plus(-MARGIN_DAYS - 1).month()..=day(until).plus(MARGIN_DAYS + 1).month();
        let whole = months.map(|month| Marked {
            metric,
            month,
            days: None,
            instants: None,
        });
        mark(writing, person, whole)?;
    }
    Ok(())
}
