//! SQL of days: which months are older than their samples, computing them anew, and saying how a day came about.
//!
//! A delivery marks months in each of its transactions and computes each once, at its end; opening after a crash finishes
//! what is marked. Nights are computed first, since a day's sleep is made of them.

use std::collections::BTreeSet;

use model::time::DAY_MS;
use model::vocabulary::systems::own;
use model::{BatchId, Flags, LocalDay, Metric, PersonId, Sample, SourceKind, UtcMillis, Value};
use rusqlite::{OptionalExtension as _, params};

use super::database::{Database, Snapshot};
use super::fault::Doing as _;
use super::leaves::{self, Series};
use super::people::{self, next_commit};
use super::seal::SealKey;
use super::sources;
use super::writer::Writing;
use super::zone::HomeZone;
use crate::leaf::Row;
use crate::reads::{ExplainedPiece, Share, StoredSource, StoredTotal, TotalExplanation};
use crate::totals::day::{FINAL_AFTER_MS, Month, StoredDay, decode, encode};
use crate::totals::nights::{self, Night};
use crate::totals::{self, Computed, Days, Piece, VendorDay, is_kept, scale};
use crate::{RebuildReport, Result, StoreError};

/// Days beside that of a sample that can change with it: a zone away from it, or by a walk that goes on past midnight.
const REACH_DAYS: i32 = 1;
/// Days beside some whose samples can reach into them: a zone away, and a run of equal counts before.
const MARGIN_DAYS: i32 = 2;
/// Days that are computed from leaves that stay decoded.
const SOME_DAYS: i32 = 8;
/// Longer than this is no statement about days.
const LONGEST_MS: i64 = 31 * DAY_MS;
/// Months of all metrics that a delivery's last transaction computes itself: what a push of a day touches.
const LITTLE: usize = 16;
/// Months of one metric in one transaction at most.
const MONTHS_AT_ONCE: i32 = 12;

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

/// Computes whatever is marked of a person. Returns how many months were computed.
pub(crate) fn compute_dirty(database: &Database, person: PersonId, batch: Option<BatchId>) -> Result<u64> {
    compute_marked(database, person, batch).map(|report| report.months)
}

/// Computes whatever is marked of a person at once, where it is little enough for one transaction; `None` where it is not.
pub(crate) fn compute_little(
    writing: &Writing<'_>,
    person: PersonId,
    batch: BatchId,
) -> Result<Option<(u64, people::Commit)>> {
    let dirty = marked(writing, person)?;
    if dirty.len() > LITTLE {
        return Ok(None);
    }
    let commit = next_commit(writing, person, Some(batch))?;
    for of_metric in dirty.chunk_by(|one, other| one.metric == other.metric) {
        compute_months(writing, person, &|| Ok(commit), of_metric)?;
    }
    Ok(Some((dirty.len() as u64, commit)))
}

/// A month of a metric to compute: all of it, or some days.
#[derive(Clone, Copy, Debug)]
struct Marked {
    metric: Metric,
    month: i32,
    days: Option<(LocalDay, LocalDay)>,
}

impl Marked {
    /// The first and last day to compute.
    fn span(&self) -> (LocalDay, LocalDay) {
        let (first, last) = (first_of(self.month), first_of(self.month + 1).plus(-1));
        self.days
            .map_or((first, last), |(from, until)| (first.max(from), last.min(until)))
    }
}

fn marked(snapshot: &Snapshot<'_>, person: PersonId) -> Result<Vec<Marked>> {
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
                compute_months(writing, person, &|| next_commit(writing, person, batch), &part)
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

fn mark_all(writing: &Writing<'_>, person: PersonId) -> Result<()> {
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

fn compute_months(
    writing: &Writing<'_>,
    person: PersonId,
    commit: &dyn Fn() -> Result<people::Commit>,
    months: &[Marked],
) -> Result<u64> {
    let key = writing.person_key(person)?;
    let mut zone = HomeZone::new(&people::profile(writing, person)?.home_zone);
    let sources = sources::sources(writing, person)?;
    let (Some(first), Some(last)) = (months.first(), months.last()) else {
        return Ok(0);
    };
    let metric = first.metric;
    if metric == Metric::SLEEP_DURATION {
        settle_nights(writing, &key, person, commit)?;
    }
    let days = days_of(writing, &key, person, metric, &sources, first.span().0, last.span().1)?.days;
    let mut changed = Vec::new();
    for marked in months {
        let stored = read_month(writing, &key, person, metric, marked.month)?;
        let (number, before) = stored.map_or((None, Month::new()), |(number, month)| (Some(number), month));
        let revised = revise(&before, &days, marked.span(), writing.now(), &mut zone);
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
    for marked in months {
        writing
            .prepare_cached("DELETE FROM dirty WHERE person = ?1 AND metric = ?2 AND month = ?3")
            .and_then(|mut statement| statement.execute(params![person.0, metric.number(), marked.month]))
            .doing("unmarking a month")?;
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

/// What some days come to, of these sources.
pub(crate) fn days_of(
    snapshot: &Snapshot<'_>,
    key: &SealKey,
    person: PersonId,
    metric: Metric,
    sources: &[StoredSource],
    first: LocalDay,
    last: LocalDay,
) -> Result<Computed> {
    let from = UtcMillis(i64::from(first.plus(-MARGIN_DAYS).0) * DAY_MS);
    let until = UtcMillis(i64::from(last.plus(MARGIN_DAYS + 1).0) * DAY_MS);
    if metric == Metric::SLEEP_DURATION {
        let mut computed = totals::compute(metric, Vec::new(), Vec::new());
        computed.days = nights_of(snapshot, key, person, sources, from, until)?;
        return Ok(computed);
    }
    let mut pieces = Vec::new();
    let mut vendor_days = Vec::new();
    for source in sources {
        let (kind, scale) = (source.source.kind, scale(metric));
        let each = |of: Metric, take: &mut dyn FnMut(&Row)| {
            let series = Series::sample(of, source.number);
            let mut take = |row: &Row| {
                if !row.dead && row.sample.duration_ms() <= LONGEST_MS {
                    take(row);
                }
            };
            if last.0 - first.0 <= SOME_DAYS {
                return leaves::each_of_some_days(snapshot, key, person, series, (from, until), &mut take);
            }
            let rows = leaves::touching(snapshot, key, person, series, from, until)?;
            rows.iter().for_each(take);
            Ok(())
        };
        each(metric, &mut |row| pieces.extend(piece(row, kind, scale)))?;
        if let Some(daily) = metric.daily() {
            each(daily, &mut |row| vendor_days.extend(vendor_day(row, kind, scale)))?;
        }
    }
    Ok(totals::compute(metric, pieces, vendor_days))
}

fn piece(row: &Row, kind: SourceKind, scale: u8) -> Option<Piece> {
    let Value::Quantity(value) = row.sample.value else {
        return None;
    };
    let count = value.exact().rescale(scale)?.mantissa;
    (count >= 0).then_some(Piece {
        source: row.sample.source,
        rank: kind as u32,
        asserted: row.asserted,
        start: row.sample.start.0,
        end: row.sample.end.0,
        offset: row.sample.offset.minutes,
        count,
        manual: row.sample.flags.has(Flags::USER_ENTERED),
        true_zero: row.sample.flags.has(Flags::TRUE_ZERO),
        whole_day: false,
    })
}

fn vendor_day(row: &Row, kind: SourceKind, scale: u8) -> Option<VendorDay> {
    let piece = piece(row, kind, scale)?;
    let (start, end) = totals::resolve::whole_day(piece.start, piece.end);
    let from_device = matches!(
        kind,
        SourceKind::Watch | SourceKind::Band | SourceKind::Ring | SourceKind::Pedometer
    );
    Some(VendorDay {
        piece: Piece {
            start,
            end,
            whole_day: true,
            ..piece
        },
        day: row.sample.start.local_day(row.sample.offset),
        from_device,
    })
}

/// Brings a person's stored nights up to date with their segments, source by source.
fn settle_nights(
    writing: &Writing<'_>,
    key: &SealKey,
    person: PersonId,
    commit: &dyn Fn() -> Result<people::Commit>,
) -> Result<()> {
    let (from, until) = (UtcMillis(i64::MIN), UtcMillis(i64::MAX));
    for source in sources::sources(writing, person)? {
        let series = |metric| Series::sample(metric, source.number);
        let segments = leaves::touching(writing, key, person, series(Metric::SLEEP_STAGE), from, until)?;
        let stored = leaves::touching(writing, key, person, series(Metric::SLEEP_SESSION), from, until)?;
        if segments.is_empty() && stored.is_empty() {
            continue;
        }
        let sessions = nights::sessions(source.number, &segments);
        // Numbered only when something changes: the commit is taken then, and its number put in.
        if let Some((mut rows, history)) = nights::settle(stored, sessions, i64::MAX) {
            let commit = commit()?;
            rows.iter_mut()
                .filter(|row| row.seq == i64::MAX)
                .for_each(|row| row.seq = commit.seq);
            leaves::rewrite(
                writing,
                person,
                series(Metric::SLEEP_SESSION),
                &rows,
                &history,
                commit.seq,
            )?;
        }
    }
    Ok(())
}

/// The main sleep of each day.
fn nights_of(
    snapshot: &Snapshot<'_>,
    key: &SealKey,
    person: PersonId,
    sources: &[StoredSource],
    from: UtcMillis,
    until: UtcMillis,
) -> Result<Days> {
    let mut by_day: std::collections::BTreeMap<LocalDay, Vec<Night>> = std::collections::BTreeMap::new();
    for source in sources {
        let series = Series::sample(Metric::SLEEP_SESSION, source.number);
        for row in leaves::touching(snapshot, key, person, series, from, until)? {
            if !row.dead {
                by_day.entry(nights::day_of(&row.sample)).or_default().push(Night {
                    source: source.number,
                    kind: source.source.kind,
                    session: row.sample,
                });
            }
        }
    }
    let mut days = Days::new();
    for (day, nights) in by_day {
        if let Some(main) = nights::main_sleep(&nights) {
            let minutes = main.asleep();
            let manual = main.session.flags.has(Flags::USER_ENTERED);
            let eligible = if manual { 0 } else { minutes };
            let others: BTreeSet<u16> = nights.iter().map(|night| night.source).collect();
            days.insert(
                day,
                totals::DayAmounts {
                    eligible,
                    total: minutes,
                    manual: minutes - eligible,
                    flags: if others.len() > 1 {
                        totals::flag::MULTI_SOURCE
                    } else {
                        0
                    },
                    shares: [(main.source, (minutes, eligible))].into(),
                },
            );
        }
    }
    Ok(days)
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

/// How a day's total came about: what each source gave, and what was left out and why.
pub(crate) fn explain(
    snapshot: &Snapshot<'_>,
    person: PersonId,
    metric: Metric,
    day: LocalDay,
    now: UtcMillis,
) -> Result<TotalExplanation> {
    let metric = metric.interval_of_daily().unwrap_or(metric);
    if !is_kept(metric) {
        return Err(StoreError::Invalid {
            what: "only days of summed metrics and of sleep can be explained",
        });
    }
    let key = snapshot.person_key(person)?;
    let mut zone = HomeZone::new(&people::profile(snapshot, person)?.home_zone);
    let sources = sources::sources(snapshot, person)?;
    let stored = read_month(snapshot, &key, person, metric, day.month())?.and_then(|(_, mut month)| month.remove(&day));
    let total = stored.map(|stored| stored_total(person, metric, day, &stored, now, &mut zone));
    let computed = days_of(snapshot, &key, person, metric, &sources, day, day)?;
    let mut pieces: Vec<ExplainedPiece> = Vec::new();
    let mut counted: BTreeSet<usize> = BTreeSet::new();
    for slice in &computed.total.slices {
        counted.insert(slice.piece);
        if slice.day == day {
            let piece = &computed.total.pieces[slice.piece];
            let reason = if piece.manual {
                own::MANUAL_ENTRY
            } else if metric == Metric::STEP_COUNT && !piece.whole_day && piece.capped() < piece.count {
                own::CADENCE
            } else {
                ""
            };
            pieces.push(ExplainedPiece {
                source: piece.source,
                from: UtcMillis(slice.from),
                until: UtcMillis(slice.until),
                amount: slice.amount,
                reason,
            });
        }
    }
    for (number, piece) in computed.total.pieces.iter().enumerate() {
        let starts = UtcMillis(piece.start).local_day(model::Offset::given(piece.offset));
        if starts == day && !counted.contains(&number) {
            pieces.push(ExplainedPiece {
                source: piece.source,
                from: UtcMillis(piece.start),
                until: UtcMillis(piece.end),
                amount: 0,
                reason: "covered-by-another",
            });
        }
    }
    pieces.sort_by_key(|piece| (piece.from, piece.until, piece.source));
    Ok(TotalExplanation { total, pieces })
}
