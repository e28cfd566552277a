//! Days of a metric, month after month: kept totals where all sources show, else computed from the sources that do; mean,
//! lowest, highest and last of every other metric.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use consent::Detail;
use model::checkup::is_event;
use model::time::DAY_MS;
use model::{ConsentCategory, Decimal, LocalDay, Measured, Metric, Sample, Summary, UtcMillis, Value};
use rusqlite::params;

use super::super::fault::Doing as _;
use super::super::leaves::{self, Row, Series};
use super::super::{sources, totals};
use super::context::Context;
use super::events;
use super::place;
use super::samples::{follows, sources_of};
use crate::Result;
use crate::copies::{APART_MS, is_copy};
use crate::reads::{
    DayStatus, PageKey, Record, Search, StoredAggregate, StoredEvent, StoredSource, StoredTotal, TimeBounds,
};
use crate::totals::is_kept;

/// The days of one metric, or their weeks, months or events, in one direction of time.
pub(crate) struct Days {
    metric: Metric,
    summary: Summary,
    ascending: bool,
    times: TimeBounds,
    updated: (Option<UtcMillis>, Option<UtcMillis>),
    after: Option<PageKey>,
    months: VecDeque<i32>,
    ready: VecDeque<(PageKey, Record)>,
}

impl Days {
    /// The metric's days that match the search, from where the page begins.
    pub(crate) fn new(
        context: &mut Context<'_>,
        search: &Search,
        metric: Metric,
        summary: Summary,
        ascending: bool,
    ) -> Result<Self> {
        let metric = metric.interval_of_daily().unwrap_or(metric);
        let mut months = months_of(context, metric)?;
        if summary == Summary::Week {
            // A week belongs to the month of its Monday, which may hold nothing itself.
            let before: Vec<i32> = months.iter().map(|month| month - 1).collect();
            months.extend(before);
            months.make_contiguous().sort_unstable();
            let mut last = None;
            months.retain(|month| last.replace(*month) != Some(*month));
        }
        let month_at = |instant: UtcMillis, context: &mut Context<'_>| context.zone.day_at(instant).month();
        let lowest = [search.times.start_from, search.times.end_after]
            .into_iter()
            .flatten()
            .max();
        let highest = [search.times.start_before, search.times.end_until]
            .into_iter()
            .flatten()
            .min();
        // A checkup of which only the year is known begins eleven months before the last that it can have been in.
        let reach = if is_event(metric) { 12 } else { 1 };
        let (mut from, mut until) = (
            lowest.map(|at| month_at(at, context) - reach),
            highest.map(|at| month_at(at, context) + 1),
        );
        let (first, last) = context.access.days(metric.category(), Detail::of(summary));
        from = from.max(first.map(|first| summary.first(first).month()));
        until = [until, last.map(LocalDay::month)].into_iter().flatten().min();
        if let Some(after) = search.after {
            let month = month_at(UtcMillis(after.time), context);
            if ascending {
                from = from.max(Some(month));
            } else {
                until = Some(until.map_or(month, |until| until.min(month)));
            }
        }
        months.retain(|month| from.is_none_or(|from| *month >= from) && until.is_none_or(|until| *month <= until));
        if !ascending {
            months.make_contiguous().reverse();
        }
        Ok(Self {
            metric,
            summary,
            ascending,
            times: search.times,
            updated: search.updated,
            after: search.after,
            months,
            ready: VecDeque::new(),
        })
    }

    /// The place of the next matching day; `None` at the end.
    pub(crate) fn peek(&mut self, context: &mut Context<'_>) -> Result<Option<PageKey>> {
        while self.ready.is_empty() {
            let Some(month) = self.months.pop_front() else {
                return Ok(None);
            };
            let (first, last) = (totals::first_of(month), totals::first_of(month + 1).plus(-1));
            // All summaries that begin in the month.
            let begins = match self.summary.first(first) {
                before if before < first => self.summary.last(first).plus(1),
                own => own,
            };
            let mut days = of_metric(context, self.metric, self.summary, begins, self.summary.last(last))?;
            if !self.ascending {
                days.reverse();
            }
            for record in days {
                let (start, end) = bounds(context, &record);
                let key = place(start, &record);
                let in_update = self.updated.0.is_none_or(|from| record.updated() >= from)
                    && self.updated.1.is_none_or(|before| record.updated() < before);
                // What is not there any more is told to who asks for what changed.
                let has_ended = matches!(&record, Record::Event(event) if event.dead);
                if in_times(self.times, start, end)
                    && in_update
                    && (!has_ended || self.updated != (None, None))
                    && self.after.is_none_or(|after| follows(key, after, self.ascending))
                {
                    self.ready.push_back((key, record));
                }
            }
        }
        Ok(self.ready.front().map(|(key, _)| *key))
    }

    /// Takes the day that [`Days::peek`] saw.
    pub(crate) fn take(&mut self) -> Option<Record> {
        self.ready.pop_front().map(|(_, record)| record)
    }
}

fn in_times(times: TimeBounds, start: UtcMillis, end: UtcMillis) -> bool {
    times.start_from.is_none_or(|from| start >= from)
        && times.start_before.is_none_or(|before| start < before)
        && times.end_after.is_none_or(|after| end > after)
        && times.end_until.is_none_or(|until| end <= until)
}

fn bounds(context: &mut Context<'_>, record: &Record) -> (UtcMillis, UtcMillis) {
    let (first, last) = record.days();
    (context.zone.start_of(first), context.zone.start_of(last.plus(1)))
}

/// The months in which a metric can have days.
fn months_of(context: &mut Context<'_>, metric: Metric) -> Result<VecDeque<i32>> {
    if is_event(metric) {
        return events::months(context, metric).map(VecDeque::from);
    }
    if is_kept(metric) {
        return totals::months(context.snapshot, context.person, metric).map(VecDeque::from);
    }
    // A leaf's extent says where there can be samples; gaps of years between two leaves cost nothing.
    let extents: Vec<(i64, i64)> = context
        .snapshot
        .prepare_cached("SELECT first_start, max_end FROM leaf WHERE person = ?1 AND metric = ?2")
        .and_then(|mut statement| {
            statement
                .query_map(params![context.person.0, metric.number()], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?
                .collect()
        })
        .doing("finding the extent of samples")?;
    let month = |instant: i64, days: i32| UtcMillis(instant).local_day(model::Offset::given(0)).plus(days).month();
    let mut months: Vec<i32> = extents
        .into_iter()
        .flat_map(|(from, until)| month(from, -1)..=month(until, 1))
        .collect();
    for row in context.numbers(metric)? {
        months.push(row.sample.local_day().month());
    }
    months.sort_unstable();
    months.dedup();
    Ok(months.into())
}

/// The summaries of a metric from the one that begins on `first` to the one that ends on `last` that the access key shows, by
/// date.
pub(crate) fn of_metric(
    context: &mut Context<'_>,
    metric: Metric,
    summary: Summary,
    first: LocalDay,
    last: LocalDay,
) -> Result<Vec<Record>> {
    let metric = metric.interval_of_daily().unwrap_or(metric);
    let category = metric.category();
    if first > last || !context.access.gives(category, Detail::of(summary)) {
        return Ok(Vec::new());
    }
    if events::gives(metric, summary) {
        return events::of_metric(context, metric, first, last);
    }
    let mut found = if is_kept(metric) {
        let days = kept(context, metric, category, summary, first, last)?;
        match summary {
            Summary::Week | Summary::Month => totals_of(context, metric, summary, days),
            Summary::Day | Summary::Event => days.into_iter().map(Record::Total).collect(),
        }
    } else {
        aggregates(context, metric, category, summary, first, last)?
    };
    if summary != Summary::Day {
        // Which of the days changed, and when, is finer than the summary: it changed when it was over, or later.
        for record in &mut found {
            let (_, end) = bounds(context, record);
            if end > context.now {
                continue;
            }
            match record {
                Record::Total(total) => total.updated = total.updated.max(end),
                Record::Aggregate(aggregate) => aggregate.updated = aggregate.updated.max(end),
                Record::Sample(_) | Record::Event(_) => {}
            }
        }
    }
    if summary == Summary::Event {
        found = found
            .into_iter()
            .map(|record| event(context, metric, &record))
            .collect();
    }
    Ok(found)
}

/// What is left of a day when only that it took place is given.
fn event(context: &Context<'_>, metric: Metric, record: &Record) -> Record {
    let (day, _) = record.days();
    Record::Event(StoredEvent {
        key: totals::summary_key(context.person, metric, Summary::Event, day),
        metric,
        day,
        last: day,
        code: None,
        version: 1,
        dead: false,
        updated: record.updated(),
    })
}

/// Days of one metric, by date, as the weeks or months that they lie in.
fn totals_of(context: &Context<'_>, metric: Metric, summary: Summary, days: Vec<StoredTotal>) -> Vec<Record> {
    let mut sums: Vec<StoredTotal> = Vec::new();
    for day in days {
        let first = summary.first(day.day);
        match sums.last_mut().filter(|sum| sum.day == first) {
            Some(sum) => add(sum, &day),
            None => sums.push(StoredTotal {
                key: totals::summary_key(context.person, metric, summary, first),
                summary,
                day: first,
                ..day
            }),
        }
    }
    sums.into_iter().map(Record::Total).collect()
}

fn add(sum: &mut StoredTotal, day: &StoredTotal) {
    sum.eligible = sum.eligible.saturating_add(day.eligible);
    sum.total = sum.total.saturating_add(day.total);
    sum.manual = sum.manual.saturating_add(day.manual);
    sum.flags |= day.flags;
    for share in &day.shares {
        match sum.shares.iter_mut().find(|known| known.source == share.source) {
            Some(known) => {
                known.amount = known.amount.saturating_add(share.amount);
                known.eligible = known.eligible.saturating_add(share.eligible);
            }
            None => sum.shares.push(*share),
        }
    }
    // Grows with every day that comes or changes.
    sum.version = sum.version.saturating_add(day.version);
    sum.status = match (sum.status, day.status) {
        (DayStatus::Preliminary, _) | (_, DayStatus::Preliminary) => DayStatus::Preliminary,
        (DayStatus::Amended, _) | (_, DayStatus::Amended) => DayStatus::Amended,
        (DayStatus::Final, DayStatus::Final) => DayStatus::Final,
    };
    sum.updated = sum.updated.max(day.updated);
}

/// The days of a summed metric of which the summary shows that they lie in.
fn kept(
    context: &mut Context<'_>,
    metric: Metric,
    category: ConsentCategory,
    summary: Summary,
    first: LocalDay,
    last: LocalDay,
) -> Result<Vec<StoredTotal>> {
    let mut found = Vec::new();
    for month in first.month()..=last.month() {
        let Some((_, days)) = totals::read_month(context.snapshot, &context.key, context.person, metric, month)? else {
            continue;
        };
        // Days of which not all sources show are computed from those that do, all days of one set of sources together.
        let mut partial: BTreeMap<Vec<u16>, Vec<LocalDay>> = BTreeMap::new();
        for (day, stored) in days.range(first..=last) {
            if context
                .access
                .permits_summary_of_all(category, summary, *day, context.today)
            {
                let total = totals::stored_total(context.person, metric, *day, stored, context.now, &mut context.zone);
                found.push(total);
            } else {
                let shown: Vec<u16> = stored
                    .amounts
                    .shares
                    .keys()
                    .copied()
                    .chain(all_sources(context, metric)?)
                    .filter(|source| {
                        context
                            .access
                            .permits_summary(category, *source, summary, *day, context.today)
                    })
                    .collect();
                partial.entry(sorted(shown)).or_default().push(*day);
            }
        }
        partial.remove(&Vec::new());
        if partial.is_empty() {
            continue;
        }
        let sources = sources::sources(context.snapshot, context.person)?;
        for (shown, dates) in partial {
            let sources: Vec<StoredSource> = sources
                .iter()
                .filter(|source| shown.contains(&source.number))
                .cloned()
                .collect();
            let (from, until) = (dates[0], dates[dates.len() - 1]);
            let computed = totals::days_of(
                context.snapshot,
                &context.key,
                context.person,
                metric,
                &sources,
                (from, until),
                None,
            )?;
            for day in dates {
                if let (Some(amounts), Some(stored)) = (computed.days.get(&day), days.get(&day)) {
                    // When the whole day changed is no secret of the other sources: it bounds when this part did.
                    let part = crate::totals::day::StoredDay {
                        amounts: amounts.clone(),
                        ..stored.clone()
                    };
                    let total =
                        totals::stored_total(context.person, metric, day, &part, context.now, &mut context.zone);
                    found.push(total);
                }
            }
        }
    }
    found.sort_by_key(|total| total.day);
    Ok(found)
}

fn sorted(mut numbers: Vec<u16>) -> Vec<u16> {
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

fn all_sources(context: &Context<'_>, metric: Metric) -> Result<Vec<u16>> {
    let metric = if metric == Metric::SLEEP_DURATION {
        Metric::SLEEP_SESSION
    } else {
        metric
    };
    sources_of(context, metric)
}

fn aggregates(
    context: &mut Context<'_>,
    metric: Metric,
    category: ConsentCategory,
    summary: Summary,
    first: LocalDay,
    last: LocalDay,
) -> Result<Vec<Record>> {
    // A night is a record of its own, and so is whatever a vendor states of a day.
    let from = UtcMillis(i64::from(first.0 - 2) * DAY_MS);
    let until = UtcMillis(i64::from(last.0 + 3) * DAY_MS);
    let mut shown_rows: Vec<Row> = Vec::new();
    for source in sources_of(context, metric)? {
        if !context
            .access
            .sources_for(category, Detail::of(summary))
            .contains(source)
        {
            continue;
        }
        let series = Series::sample(metric, source);
        for row in leaves::touching(context.snapshot, &context.key, context.person, series, from, until)? {
            let day = row.sample.local_day();
            let shown = context
                .access
                .permits_summary(category, source, summary, day, context.today);
            if (first.plus(-1)..=last.plus(1)).contains(&day) && shown {
                shown_rows.push(row);
            }
        }
    }
    let mut by_day: BTreeMap<LocalDay, Vec<Row>> = BTreeMap::new();
    for row in without_copies(context, shown_rows)? {
        let day = row.sample.local_day();
        if (first..=last).contains(&day) {
            by_day.entry(summary.first(day)).or_default().push(row);
        }
    }
    // That one of many results was found would tell more than that the checkup took place.
    if summary != Summary::Event {
        for row in context.numbers(metric)? {
            let day = row.sample.local_day();
            let shown = context
                .access
                .permits_summary(category, row.sample.source, summary, day, context.today);
            if (first..=last).contains(&day) && shown {
                by_day.entry(summary.first(day)).or_default().push(row);
            }
        }
    }
    let mut found = Vec::new();
    for (day, mut rows) in by_day {
        rows.sort_by_key(|row| (row.sample.end, row.sample.start, row.sample.source, row.tie_break));
        let mut updated = UtcMillis(0);
        for row in &rows {
            updated = updated.max(context.commit(row.seq)?.0);
        }
        let version = rows.iter().map(|row| row.version).max().unwrap_or(1);
        let live: Vec<&Row> = rows.iter().filter(|row| !row.dead).collect();
        if live.is_empty() {
            continue;
        }
        let width = metric.width();
        let column = |component: usize| -> Vec<Measured> {
            live.iter()
                .filter_map(|row| number(&row.sample.value, component))
                .collect()
        };
        let each =
            |of: &dyn Fn(&[Measured]) -> Option<Measured>| (0..width).map(|component| of(&column(component))).collect();
        let status = if context.now >= totals::final_at(&mut context.zone, summary.last(day)) {
            DayStatus::Final
        } else {
            DayStatus::Preliminary
        };
        found.push(Record::Aggregate(StoredAggregate {
            key: totals::summary_key(context.person, metric, summary, day),
            metric,
            summary,
            day,
            mean: each(&mean),
            min: each(&|values| {
                values
                    .iter()
                    .copied()
                    .min_by(|one, other| one.exact().compare(other.exact()))
            }),
            max: each(&|values| {
                values
                    .iter()
                    .copied()
                    .max_by(|one, other| one.exact().compare(other.exact()))
            }),
            last: each(&|values| values.last().copied()),
            count: live.len() as u32,
            version,
            status,
            updated,
        }));
    }
    Ok(found)
}

/// Rows without those that are copies of what a vendor's own source has among them.
fn without_copies(context: &mut Context<'_>, mut rows: Vec<Row>) -> Result<Vec<Row>> {
    let pairs = context.pairs()?;
    if pairs.is_empty() {
        return Ok(rows);
    }
    let has_copies: BTreeSet<u16> = rows
        .iter()
        .flat_map(|row| pairs.originals(row.sample.source))
        .copied()
        .collect();
    let is_original = |row: &&Row| !row.dead && has_copies.contains(&row.sample.source);
    let originals = rows.iter().filter(is_original).map(|row| row.sample.clone());
    let mut originals: Vec<Sample> = originals.collect();
    originals.sort_by_key(|sample| sample.start);
    rows.retain(|row| {
        let (copy, of) = (&row.sample, pairs.originals(row.sample.source));
        let from = originals.partition_point(|sample| sample.start.0 < copy.start.0 - APART_MS);
        let near = originals[from..]
            .iter()
            .take_while(|sample| sample.start.0 <= copy.start.0 + APART_MS);
        let mut found = near.filter(|sample| of.contains(&sample.source) && is_copy(copy, sample));
        of.is_empty() || found.next().is_none()
    });
    Ok(rows)
}

fn number(value: &Value, component: usize) -> Option<Measured> {
    match value {
        Value::Quantity(value) => Some(*value),
        Value::Components(values) => values.get(component).copied().flatten(),
        Value::Code(_) => None,
    }
}

/// The mean, exact and then rounded to the most digits that any of the values has.
fn mean(values: &[Measured]) -> Option<Measured> {
    let digits = values.iter().map(|value| value.digits).max()?;
    // One more decimal than shown, so that rounding for show is not done twice on the same digit.
    let scale = digits.max(values.iter().map(|value| value.scale).max()?).min(9);
    let mut sum = 0i128;
    for value in values {
        sum += i128::from(value.exact().rescale(scale)?.mantissa);
    }
    let count = values.len() as i128;
    let rounded = (sum * 2 + sum.signum() * count) / (count * 2);
    let mean = Decimal::new(i64::try_from(rounded).ok()?, scale).rescale(digits)?;
    Some(Measured::as_given(mean))
}

/// Days of a metric that changed, or became final, in the range of a search by update.
pub(crate) fn updated(
    context: &mut Context<'_>,
    search: &Search,
    metric: Metric,
    summary: Summary,
) -> Result<Vec<Record>> {
    let by_date = Search {
        sort: crate::reads::Sort::Date,
        after: None,
        ..search.clone()
    };
    let mut days = Days::new(context, &by_date, metric, summary, true)?;
    let mut found = Vec::new();
    while days.peek(context)?.is_some() {
        found.extend(days.take());
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_has_the_digits_of_its_values() {
        let value = |mantissa, scale| Measured::as_given(Decimal::new(mantissa, scale));
        assert_eq!(mean(&[value(70, 0), value(73, 0)]), Some(value(72, 0)));
        assert_eq!(
            mean(&[value(652, 1), value(653, 1), value(655, 1)]),
            Some(value(653, 1))
        );
        assert_eq!(mean(&[value(-25, 1), value(-26, 1)]), Some(value(-26, 1)));
        assert_eq!(mean(&[]), None);
    }
}
