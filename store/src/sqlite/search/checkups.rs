//! Checkups as records: their results, the pressures that two of them make, and that they took place.
//!
//! A person has some ten checkups of some ninety results. A search that asks for any opens them all and merges them with what
//! lies in leaves.

use std::collections::BTreeMap;
use std::rc::Rc;

use consent::Detail;
use model::checkup::{Battery, Checkup, Finding, Item, Told, is_event};
use model::time::DAY_MS;
use model::vocabulary::Shape;
use model::{Flags, LocalDay, Metric, RecordKey, RecordKind, Sample, UtcMillis, Value};

use super::super::checkups::{self, Stored};
use super::super::leaves::Row;
use super::context::{Context, detail};
use super::samples::follows;
use super::{derived, place};
use crate::Result;
use crate::checkup::{JAPAN, OfCheckup, Standing, first_start, midnight, number_of};
use crate::reads::{PageKey, Record, Search, Sort, StoredSample};

/// What a search asks of checkups.
struct Wanted {
    items: Vec<Item>,
    batteries: Vec<Battery>,
    metrics: Vec<Metric>,
}

impl Wanted {
    fn of(context: &Context<'_>, search: &Search) -> Option<Self> {
        let gives = |metric: Metric| context.access.gives(metric.category(), detail(metric));
        let mut items: Vec<Item> = search.items.clone();
        items.retain(|item| gives(item.metric()));
        items.sort_unstable();
        let mut batteries = search.batteries.clone();
        batteries.retain(|battery| gives(battery.metric()));
        let made = |metric: &Metric| is_event(*metric) || *metric == Metric::BLOOD_PRESSURE;
        let metrics: Vec<Metric> = search
            .raw
            .iter()
            .copied()
            .filter(made)
            .filter(|metric| gives(*metric))
            .collect();
        (!items.is_empty() || !batteries.is_empty() || !metrics.is_empty()).then_some(Self {
            items,
            batteries,
            metrics,
        })
    }

    fn asks(&self, record: &StoredSample) -> bool {
        match &record.of_checkup {
            Some(OfCheckup::Result(finding)) => self.items.binary_search(&finding.item).is_ok(),
            Some(OfCheckup::Battery(of)) => self.batteries.contains(&of.battery),
            _ => self.metrics.contains(&record.sample.metric),
        }
    }
}

/// The records of checkups that a search by date finds after where its page begins, in its order.
pub(crate) fn by_date(
    context: &mut Context<'_>,
    search: &Search,
    seqs: &std::ops::Range<i64>,
    ascending: bool,
) -> Result<Vec<(PageKey, Record)>> {
    let mut found = matching(context, search)?;
    let with_dead = search.updated != (None, None);
    found.retain(|(record, seq)| seqs.contains(seq) && (with_dead || !record.dead));
    Ok(in_order(found, search, ascending, |record| record.sample.start))
}

/// As [`by_date`], of commits.
pub(crate) fn by_update(
    context: &mut Context<'_>,
    search: &Search,
    seqs: &std::ops::Range<i64>,
    ascending: bool,
) -> Result<Vec<(PageKey, Record)>> {
    let mut found = matching(context, search)?;
    if search.superseded {
        found.extend(superseded(context, search)?);
    }
    found.retain(|(_, seq)| seqs.contains(seq));
    Ok(in_order(found, search, ascending, |record| record.committed))
}

fn in_order(
    found: Vec<(StoredSample, i64)>,
    search: &Search,
    ascending: bool,
    time: impl Fn(&StoredSample) -> UtcMillis,
) -> Vec<(PageKey, Record)> {
    let mut placed: Vec<(PageKey, Record)> = found
        .into_iter()
        .map(|(record, _)| {
            let (time, record) = (time(&record), Record::Sample(record));
            (place(time, &record), record)
        })
        .filter(|(key, _)| search.after.is_none_or(|after| follows(*key, after, ascending)))
        .collect();
    placed.sort_by_key(|(key, _)| *key);
    if !ascending {
        placed.reverse();
    }
    placed
}

fn matching(context: &mut Context<'_>, search: &Search) -> Result<Vec<(StoredSample, i64)>> {
    let Some(wanted) = Wanted::of(context, search) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for stored in context.checkups()?.iter() {
        if search.source.is_none_or(|source| source == stored.source) && may_show(search, stored) {
            found.extend(records_of(context, stored, &|item, start| {
                wanted.items.binary_search(&item).is_ok() && !is_behind(search, start)
            })?);
        }
    }
    found.retain(|(record, _)| wanted.asks(record) && in_times(search, &record.sample) && shows(context, record));
    Ok(found)
}

/// True when the access key shows a record of a checkup: one of a year only where the whole year is given, since it was on whatever
/// day of it.
pub(super) fn shows(context: &Context<'_>, record: &StoredSample) -> bool {
    let (category, source) = (record.sample.metric.category(), record.sample.source);
    context
        .access
        .permits_within(category, source, record.days(), Detail::Raw, true)
}

/// True for what begins before the page does, in its order.
fn is_behind(search: &Search, start: UtcMillis) -> bool {
    match (search.after, search.sort) {
        (Some(after), Sort::Date) => start.0 < after.time,
        (Some(after), Sort::DateDescending) => start.0 > after.time,
        _ => false,
    }
}

/// Whether anything of a checkup can lie within a search's bounds on time: its own days differ from results' by weeks at most.
fn may_show(search: &Search, stored: &Stored) -> bool {
    let (start, slack) = (midnight(stored.kept.checkup.day).0, 366 * DAY_MS);
    search.times.start_from.is_none_or(|from| start + slack >= from.0)
        && search.times.start_before.is_none_or(|before| start - slack < before.0)
}

fn in_times(search: &Search, sample: &Sample) -> bool {
    let (times, start, end) = (search.times, sample.start, sample.end);
    times.start_from.is_none_or(|from| start >= from)
        && times.start_before.is_none_or(|before| start < before)
        && times.end_after.is_none_or(|after| end > after)
        && times.end_until.is_none_or(|until| end <= until)
}

/// Every record that a checkup gives, with its commit.
pub(super) fn records(context: &mut Context<'_>, stored: &Stored) -> Result<Vec<(StoredSample, i64)>> {
    records_of(context, stored, &|_, _| true)
}

/// The records that a checkup gives, of its results those of some items and beginnings.
fn records_of(
    context: &mut Context<'_>,
    stored: &Stored,
    is_wanted: &dyn Fn(Item, UtcMillis) -> bool,
) -> Result<Vec<(StoredSample, i64)>> {
    let mut found = Vec::new();
    let checkup = &stored.kept.checkup;
    let wanted = |standing: &Standing<'_>| is_wanted(standing.place.0, midnight(day_of(checkup, standing)));
    for standing in stored.kept.standing().filter(wanted) {
        let record = result(context, stored, &standing)?;
        found.push((record, standing.seq));
    }
    found.extend(derived::of(context, stored)?);
    if !checkup.took_place() {
        return Ok(found);
    }
    let event = checkup.event();
    let value = Value::Code(checkup.word.number());
    let key = key(context, stored, event, checkup.day, 0, 0);
    let mut sample = sample(stored, event, checkup.days(), value);
    sample.flags = flags(checkup);
    let (committed, batch) = context.commit(stored.seq)?;
    found.push((
        StoredSample {
            key,
            sample,
            version: stored.version,
            committed,
            batch,
            dead: checkup.is_deletion(),
            of_checkup: Some(OfCheckup::TookPlace),
            copy_of: None,
        },
        stored.seq,
    ));
    Ok(found)
}

pub(super) fn key(
    context: &Context<'_>,
    stored: &Stored,
    metric: Metric,
    day: LocalDay,
    reading: u8,
    tie_break: u16,
) -> RecordKey {
    RecordKey {
        person: context.person,
        kind: RecordKind::Sample,
        metric,
        source: stored.source,
        start: first_start(day, stored.number, reading),
        tie_break,
    }
}

/// A sample of a day, or of what was within these days.
pub(super) fn sample(stored: &Stored, metric: Metric, (first, last): (LocalDay, LocalDay), value: Value) -> Sample {
    Sample {
        metric,
        source: stored.source,
        start: midnight(first),
        end: midnight(last).plus(DAY_MS),
        offset: JAPAN,
        end_offset_minutes: JAPAN.minutes,
        value,
        flags: Flags::default(),
        created: Sample::CREATION_UNKNOWN,
    }
}

/// What the resident says themselves was typed by hand.
pub(super) fn flags(checkup: &Checkup) -> Flags {
    match checkup.word {
        Told::Declared => Flags::USER_ENTERED,
        Told::Confirmed | Told::Brought => Flags::default(),
    }
}

/// What stands for a value that is no number in the metric's unit: the result itself says what it is.
pub(super) fn no_number() -> Value {
    Value::Components(Box::new([]))
}

/// The day of a result, which may be another than its checkup's.
pub(super) fn day_of(checkup: &Checkup, standing: &Standing<'_>) -> LocalDay {
    standing.finding.and_then(|finding| finding.day).unwrap_or(checkup.day)
}

fn result(context: &mut Context<'_>, stored: &Stored, standing: &Standing<'_>) -> Result<StoredSample> {
    let checkup = &stored.kept.checkup;
    let (item, reading) = standing.place;
    let day = day_of(checkup, standing);
    let value = standing.finding.and_then(|finding| {
        let (number, unit) = finding.number()?;
        // One of two pressures is no pressure: its own Observation has the number.
        (item.metric().shape() == Shape::Quantity).then_some(Value::Quantity(item.trend(number, unit)?))
    });
    let mut sample = sample(stored, item.metric(), (day, day), value.unwrap_or_else(no_number));
    sample.flags = flags(checkup);
    if standing.finding.is_some_and(|finding| is_beyond(item, finding)) {
        sample.flags = sample.flags.with(Flags::OUT_OF_RANGE);
    }
    let (committed, batch) = context.commit(standing.seq)?;
    let finding = standing.finding.cloned().unwrap_or(Finding {
        reading,
        ..Finding::new(item, model::checkup::Found::NotPerformed)
    });
    Ok(StoredSample {
        // An id keeps the day of its checkup, wherever the result's own lies.
        key: key(context, stored, item.metric(), checkup.day, reading, item.number()),
        sample,
        version: standing.version,
        committed,
        batch,
        dead: standing.finding.is_none(),
        of_checkup: Some(OfCheckup::Result(Box::new(finding))),
        copy_of: None,
    })
}

/// True for a number outside what may be entered: legal only as a bound.
fn is_beyond(item: Item, finding: &Finding) -> bool {
    let row = item.row();
    finding.number().is_some_and(|(number, _)| {
        row.lowest.is_some_and(|lowest| number.compare(lowest).is_lt())
            || row.highest.is_some_and(|highest| number.compare(highest).is_gt())
    })
}

/// One record of a checkup by its key, if the access key shows it.
pub(crate) fn find(context: &mut Context<'_>, key: RecordKey) -> Result<Option<Record>> {
    let checkups = context.checkups()?;
    let number = number_of(key.start);
    let Some(stored) = checkups.iter().find(|stored| stored.number == number) else {
        return Ok(None);
    };
    let found = records(context, stored)?.into_iter().map(|(record, _)| record);
    let mut found = found.filter(|record| record.key == key && shows(context, record));
    Ok(found.next().map(Record::Sample))
}

/// What former documents said otherwise of a result that the access key shows, the newest first.
pub(crate) fn former(context: &mut Context<'_>, key: RecordKey) -> Result<Vec<Record>> {
    let number = number_of(key.start);
    let mut found = Vec::new();
    for stored in checkups::former(context.snapshot, &context.key, context.person, Some(number))? {
        let records = records(context, &stored)?.into_iter().map(|(record, _)| record);
        found.extend(records.filter(|record| record.key == key && shows(context, record)));
    }
    found.sort_by_key(|record| std::cmp::Reverse(record.version));
    found.dedup_by_key(|record| record.version);
    Ok(found.into_iter().map(Record::Sample).collect())
}

/// Versions of results that later documents took the place of, as a search asks for them.
fn superseded(context: &mut Context<'_>, search: &Search) -> Result<Vec<(StoredSample, i64)>> {
    let Some(wanted) = Wanted::of(context, search) else {
        return Ok(Vec::new());
    };
    let mut present: Vec<(RecordKey, u32)> = Vec::new();
    for stored in context.checkups()?.iter() {
        let records = records(context, stored)?;
        present.extend(records.into_iter().map(|(record, _)| (record.key, record.version)));
    }
    let mut found = Vec::new();
    for stored in checkups::former(context.snapshot, &context.key, context.person, None)? {
        for (record, seq) in records(context, &stored)? {
            let version = (record.key, record.version);
            let shows = wanted.asks(&record) && in_times(search, &record.sample) && shows(context, &record);
            if shows && !present.contains(&version) {
                present.push(version);
                found.push((record, seq));
            }
        }
    }
    Ok(found)
}

/// Numbers of checkups by the metric that they are values of, as rows of leaves are: what days are computed of.
pub(crate) type Numbers = Rc<BTreeMap<Metric, Vec<Row>>>;

/// The numbers of all of a person's checkups.
pub(crate) fn numbers(context: &mut Context<'_>) -> Result<Numbers> {
    let mut numbers: BTreeMap<Metric, Vec<Row>> = BTreeMap::new();
    for stored in context.checkups()?.iter() {
        for (record, seq) in records(context, stored)? {
            let is_number = matches!(
                (&record.of_checkup, &record.sample.value),
                (Some(OfCheckup::Result(_)), Value::Quantity(_)) | (Some(OfCheckup::Pressure(_)), _)
            );
            if is_number && !record.dead {
                numbers.entry(record.sample.metric).or_default().push(Row {
                    first_start: record.key.start,
                    tie_break: record.key.tie_break,
                    version: record.version,
                    sample: record.sample,
                    seq,
                    asserted: 0,
                    stated: None,
                    left_out: false,
                    ids: 0,
                    deleted: None,
                    moved_to: None,
                    dead: false,
                });
            }
        }
    }
    Ok(Numbers::new(numbers))
}
