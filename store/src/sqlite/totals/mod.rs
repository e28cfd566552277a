//! SQL of days: which months are older than their samples, computing them anew, and saying how a day came about.
//!
//! A delivery marks months in each of its transactions and computes each once, at its end; opening after a crash finishes
//! what is marked. Nights are computed first, since a day's sleep is made of them. [`marks`] keeps what is older, [`days`] computes.

mod days;
mod marks;
mod under_way;

use std::collections::BTreeSet;

use model::time::DAY_MS;
use model::{BatchId, LocalDay, Metric, PersonId, UtcMillis};
use rusqlite::{OptionalExtension as _, params};

pub(crate) use days::{days_of, explain};
pub(crate) use marks::{Marked, Marks, Months, mark, touched};
use marks::{mark_all, marked, together, unmark};
pub(crate) use under_way::DaysUnderWay;

use super::database::{Database, Snapshot};
use super::fault::Doing as _;
use super::people::{self, next_commit};
use super::seal::SealKey;
use super::sources;
use super::writer::Writing;
use super::zone::HomeZone;
use crate::reads::{Share, StoredSource, StoredTotal};
use crate::totals::day::{FINAL_AFTER_MS, Month, StoredDay, decode, encode};
use crate::totals::{Days, scale};
use crate::{RebuildReport, Result, StoreError};

/// Days beside some whose samples can reach into them: a zone away, and a run of equal counts before.
const MARGIN_DAYS: i32 = 2;
/// Longer than this is no statement about days.
const LONGEST_MS: i64 = 31 * DAY_MS;
/// Months of all metrics that a delivery's last transaction computes itself: what a push of a day touches.
const LITTLE: usize = 16;
/// Months of one metric in one transaction at most.
const MONTHS_AT_ONCE: i32 = 12;

/// Computes whatever is marked of a person. Returns how many months were computed.
pub(crate) fn compute_dirty(database: &Database, person: PersonId, batch: Option<BatchId>) -> Result<u64> {
    compute_marked(database, person, batch).map(|report| report.months)
}

/// Computes whatever is marked of a person, and what this commit touched, where it is little enough for one transaction; `None`
/// where it is not, and is marked now.
pub(crate) fn compute_little(
    writing: &Writing<'_>,
    person: PersonId,
    commit: people::Commit,
    touched: &[Marked],
) -> Result<Option<u64>> {
    let before = marked(writing, person)?;
    let dirty = together(before.clone(), touched);
    if dirty.len() > LITTLE {
        mark(writing, person, touched.iter().copied())?;
        return Ok(None);
    }
    let mut whose = Whose::read(writing, person)?;
    for of_metric in dirty.chunk_by(|one, other| one.metric == other.metric) {
        compute_months(writing, &mut whose, &|| Ok(commit), of_metric)?;
    }
    unmark(writing, person, &before)?;
    Ok(Some(dirty.len() as u64))
}

fn compute_marked(database: &Database, person: PersonId, batch: Option<BatchId>) -> Result<RebuildReport> {
    let dirty = database.read_blocking(|snapshot| marked(snapshot, person))?;
    let mut report = RebuildReport::default();
    let mut rest = &dirty[..];
    while let Some(first) = rest.first().copied() {
        let length = rest
            .iter()
            .take_while(|other| other.metric == first.metric && other.month - first.month < MONTHS_AT_ONCE)
            .count();
        let (part, after) = rest.split_at(length);
        rest = after;
        let part = part.to_vec();
        report.months += part.len() as u64;
        report.changed += database
            .queue("compute days", true, move |writing| {
                let mut whose = Whose::read(writing, person)?;
                let changed = compute_months(writing, &mut whose, &|| next_commit(writing, person, batch), &part)?;
                unmark(writing, person, &part)?;
                Ok(changed)
            })?
            .wait()?;
    }
    Ok(report)
}

/// Computes what a crash left marked.
pub(crate) fn finish_dirty(database: &Database) -> Result<()> {
    let people: Vec<u32> = database.read_blocking(|snapshot| {
        snapshot
            .prepare_cached("SELECT DISTINCT person FROM dirty")
            .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect())
            .doing("finding months to compute")
    })?;
    for person in people {
        compute_dirty(database, PersonId(person), None)?;
    }
    Ok(())
}

/// Computes all days of one person, or of everyone, anew.
pub(crate) fn rebuild(database: &Database, only: Option<PersonId>) -> Result<RebuildReport> {
    let people: Vec<u32> = match only {
        Some(person) => vec![person.0],
        None => database.read_blocking(|snapshot| {
            snapshot
                .prepare_cached("SELECT id FROM person WHERE erased_ms IS NULL ORDER BY id")
                .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect())
                .doing("listing people")
        })?,
    };
    let mut report = RebuildReport::default();
    for person in people.into_iter().map(PersonId) {
        database
            .queue("mark all months", true, move |writing| mark_all(writing, person))?
            .wait()?;
        let one = compute_marked(database, person, None)?;
        report.people += 1;
        report.months += one.months;
        report.changed += one.changed;
    }
    Ok(report)
}

/// Whose months are computed: what does not differ between metrics.
struct Whose {
    person: PersonId,
    zone: HomeZone,
    sources: Vec<StoredSource>,
}

impl Whose {
    fn read(writing: &Writing<'_>, person: PersonId) -> Result<Self> {
        Ok(Self {
            person,
            zone: HomeZone::new(&people::profile(writing, person)?.home_zone),
            sources: sources::sources(writing, person)?,
        })
    }
}

fn compute_months(
    writing: &Writing<'_>,
    whose: &mut Whose,
    commit: &dyn Fn() -> Result<people::Commit>,
    months: &[Marked],
) -> Result<u64> {
    let person = whose.person;
    let key = writing.person_key(person)?;
    let (Some(first), Some(last)) = (months.first(), months.last()) else {
        return Ok(0);
    };
    let metric = first.metric;
    if metric == Metric::SLEEP_DURATION {
        days::settle_nights(writing, &key, person, &whose.sources, commit)?;
    }
    let all = (first.span().0, last.span().1);
    // Months of one metric were touched by the same samples.
    let instants = months.iter().map(|marked| marked.instants);
    let instants = instants.reduce(|one, other| one?.with(other?)).flatten();
    let few = instants.map(|instants| days::of_instants(writing, &key, person, metric, &whose.sources, instants));
    let (days, (from, until)) = match few.transpose()?.flatten() {
        Some(few) => few,
        None => {
            writing.shared().days_under_way.forget(person, metric);
            let computed = days_of(writing, &key, person, metric, &whose.sources, all, Some(writing))?;
            (computed.days, all)
        }
    };
    let mut changed = Vec::new();
    for marked in months {
        let span = (marked.span().0.max(from), marked.span().1.min(until));
        if span.0 > span.1 {
            continue;
        }
        let stored = read_month(writing, &key, person, metric, marked.month)?;
        let (number, before) = stored.map_or((None, Month::new()), |(number, month)| (Some(number), month));
        let revised = revise(&before, &days, span, writing.now(), &mut whose.zone);
        if let Some(revised) = revised {
            changed.push((marked.month, number, revised));
        }
    }
    let count = changed.len() as u64;
    if count > 0 {
        let commit = commit()?;
        for (month, number, mut days) in changed {
            // The commit's own time, which never goes back, is when they changed.
            days.values_mut()
                .filter(|day| day.changed == i64::MAX)
                .for_each(|day| day.changed = commit.at.0);
            write_month(writing, &key, person, metric, month, number, &days, commit.seq)?;
        }
    }
    Ok(count)
}

/// The month after its days were computed; `None` when nothing changed. Days that did stand at the end of time until the
/// commit is known.
fn revise(
    before: &Month,
    days: &Days,
    (first, last): (LocalDay, LocalDay),
    now: UtcMillis,
    zone: &mut HomeZone,
) -> Option<Month> {
    let mut after = before.clone();
    let mut changed = false;
    let mut dates: BTreeSet<LocalDay> = before.range(first..=last).map(|(day, _)| *day).collect();
    dates.extend(days.range(first..=last).map(|(day, _)| *day));
    for day in dates {
        let amounts = days.get(&day).cloned().unwrap_or_default();
        if let Some(mut revised) = StoredDay::revised(before.get(&day), amounts, now, final_at(zone, day)) {
            revised.changed = i64::MAX;
            after.insert(day, revised);
            changed = true;
        }
    }
    changed.then_some(after)
}

/// The first day of a month.
pub(crate) fn first_of(month: i32) -> LocalDay {
    LocalDay::from_ymd(1970 + month.div_euclid(12), month.rem_euclid(12) as u32 + 1, 1).unwrap_or_default()
}

/// When a day becomes final: 48 hours after it ends where the person lives.
pub(crate) fn final_at(zone: &mut HomeZone, day: LocalDay) -> UtcMillis {
    zone.start_of(day.plus(1)).plus(FINAL_AFTER_MS)
}

/// A month's row and its days.
pub(crate) fn read_month(
    snapshot: &Snapshot<'_>,
    key: &SealKey,
    person: PersonId,
    metric: Metric,
    month: i32,
) -> Result<Option<(i64, Month)>> {
    let found: Option<(i64, Vec<u8>)> = snapshot
        .prepare_cached("SELECT number, body FROM total WHERE person = ?1 AND metric = ?2 AND month = ?3")
        .and_then(|mut statement| {
            statement
                .query_row(params![person.0, metric.number(), month], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .optional()
        })
        .doing("reading a month")?;
    found
        .map(|(number, body)| {
            let days = decode(&key.open("total", &[number], &body)?)
                .map_err(|_| StoreError::damaged(format!("total {number}")))?;
            Ok((number, days))
        })
        .transpose()
}

/// The months that a person has of a metric, in order.
pub(crate) fn months(snapshot: &Snapshot<'_>, person: PersonId, metric: Metric) -> Result<Vec<i32>> {
    snapshot
        .prepare_cached("SELECT month FROM total WHERE person = ?1 AND metric = ?2 ORDER BY month")
        .and_then(|mut statement| {
            statement
                .query_map(params![person.0, metric.number()], |row| row.get(0))?
                .collect()
        })
        .doing("listing months")
}

#[expect(clippy::too_many_arguments, reason = "a row's place and its content")]
fn write_month(
    writing: &Writing<'_>,
    key: &SealKey,
    person: PersonId,
    metric: Metric,
    month: i32,
    number: Option<i64>,
    days: &Month,
    seq: i64,
) -> Result<()> {
    let number = match number {
        Some(number) => number,
        None => writing
            .prepare_cached("SELECT coalesce(max(number), 0) + 1 FROM total")
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
            .doing("numbering a month")?,
    };
    let body = key.seal(writing.randomness(), "total", &[number], &encode(days))?;
    writing
        .prepare_cached(
            "INSERT INTO total (number, person, metric, month, max_seq, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (number) DO UPDATE SET max_seq = ?5, body = ?6",
        )
        .and_then(|mut statement| statement.execute(params![number, person.0, metric.number(), month, seq, body]))
        .doing("writing a month")
        .map(|_| ())
}

/// A stored day as it reads at `now`.
pub(crate) fn stored_total(
    person: PersonId,
    metric: Metric,
    day: LocalDay,
    stored: &StoredDay,
    now: UtcMillis,
    zone: &mut HomeZone,
) -> StoredTotal {
    let (version, status, updated) = stored.at(now, final_at(zone, day));
    let amounts = &stored.amounts;
    StoredTotal {
        key: total_key(person, metric, day),
        metric,
        summary: model::Summary::Day,
        day,
        eligible: amounts.eligible,
        total: amounts.total,
        manual: amounts.manual,
        scale: scale(metric),
        flags: amounts.flags,
        shares: amounts
            .shares
            .iter()
            .map(|(source, (amount, eligible))| Share {
                source: *source,
                amount: *amount,
                eligible: *eligible,
            })
            .collect(),
        version,
        status,
        updated,
    }
}

/// What the id of a day is made of.
pub(crate) fn total_key(person: PersonId, metric: Metric, day: LocalDay) -> model::RecordKey {
    summary_key(person, metric, model::Summary::Day, day)
}

/// What the id of a summary that begins on this day is made of.
pub(crate) fn summary_key(
    person: PersonId,
    metric: Metric,
    summary: model::Summary,
    day: LocalDay,
) -> model::RecordKey {
    model::RecordKey {
        person,
        kind: model::RecordKind::Total,
        metric,
        source: 0,
        start: UtcMillis(i64::from(day.0) * DAY_MS),
        tie_break: summary as u16,
    }
}
