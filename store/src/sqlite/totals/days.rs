//! What days come to: from the leaves of all sources, nights among them, and how a day came about.

use std::collections::BTreeSet;

use model::time::DAY_MS;
use model::vocabulary::systems::own;
use model::{Flags, LocalDay, Metric, Offset, OffsetTrust, PersonId, SourceKind, UtcMillis, Value};

use super::super::database::Snapshot;
use super::super::leaves::{self, Series};
use super::super::people::{self, Commit};
use super::super::seal::SealKey;
use super::super::sources;
use super::super::writer::Writing;
use super::super::zone::HomeZone;
use super::marks::Instants;
use super::under_way::{Of, UnderWay};
use super::{LONGEST_MS, MARGIN_DAYS, read_month, stored_total};
use crate::copies::Pairs;
use crate::leaf::Row;
use crate::reads::{ExplainedPiece, StoredSource, TotalExplanation};
use crate::totals::nights::{self, Night};
use crate::totals::{self, Computed, Days, Piece, SoFar, VendorDay, is_kept, scale};
use crate::{Result, StoreError};

/// Days that are computed from leaves that stay decoded.
const SOME_DAYS: i32 = 8;

/// What some days come to, of these sources. The writer says that it is the writer.
pub(crate) fn days_of(
    snapshot: &Snapshot<'_>,
    key: &SealKey,
    person: PersonId,
    metric: Metric,
    sources: &[StoredSource],
    (first, last): (LocalDay, LocalDay),
    writing: Option<&Writing<'_>>,
) -> Result<Computed> {
    let from = UtcMillis(i64::from(first.plus(-MARGIN_DAYS).0) * DAY_MS);
    let until = UtcMillis(i64::from(last.plus(MARGIN_DAYS + 1).0) * DAY_MS);
    if metric == Metric::SLEEP_DURATION {
        let mut computed = totals::compute(metric, Vec::new(), Vec::new(), &Pairs::default());
        computed.days = nights_of(snapshot, key, person, sources, from, until)?;
        return Ok(computed);
    }
    let mut pieces = Vec::new();
    let mut stated = Vec::new();
    for source in sources {
        let (kind, scale) = (source.source.kind, scale(metric));
        let each = |of: Metric, take: &mut dyn FnMut(&Row)| {
            let series = Series::sample(of, source.number);
            let mut take = |row: &Row| {
                if !row.dead && row.sample.duration_ms() <= LONGEST_MS {
                    take(row);
                }
            };
            if let Some(writing) = writing.filter(|_| last.0 - first.0 <= SOME_DAYS) {
                return leaves::each_of_some_days(writing, key, person, series, (from, until), &mut take);
            }
            let rows = leaves::touching(snapshot, key, person, series, from, until)?;
            rows.iter().for_each(take);
            Ok(())
        };
        each(metric, &mut |row| pieces.extend(piece(row, kind, scale)))?;
        if let Some(daily) = metric.daily() {
            each(daily, &mut |row| stated.push((row.clone(), kind)))?;
        }
    }
    let mut vendor_days = Vec::new();
    if !stated.is_empty() {
        let mut zone = HomeZone::new(&people::profile(snapshot, person)?.home_zone);
        let stated = stated.iter();
        vendor_days.extend(stated.filter_map(|(row, kind)| vendor_day(row, *kind, scale(metric), &mut zone)));
    }
    Ok(totals::compute(metric, pieces, vendor_days, &Pairs::of(sources)))
}

/// What the days come to that some instants are of, and the first and last of them: of these alone, where nothing around them is of
/// another offset, stated by a vendor of a whole day, or a copy. Then a day is what its own samples make it, and no other changes
/// with them; of steps also the day after, since a walk goes on past midnight. `None` where it is not so.
pub(super) fn of_instants(
    writing: &Writing<'_>,
    key: &SealKey,
    person: PersonId,
    metric: Metric,
    sources: &[StoredSource],
    instants: Instants,
) -> Result<Option<(Days, (LocalDay, LocalDay))>> {
    let offset = Offset::given(instants.offset);
    let (first, last) = (instants.from.local_day(offset), instants.until.local_day(offset));
    if metric == Metric::SLEEP_DURATION || last.0 - first.0 > SOME_DAYS || !Pairs::of(sources).is_empty() {
        return Ok(None);
    }
    let (before, after) = match metric {
        // How long somebody walks, and how often the same: what says so lies within a day.
        Metric::STEP_COUNT => (1, 1),
        _ => (0, 0),
    };
    let last = last.plus(after);
    let utc = |day: LocalDay| UtcMillis(i64::from(day.0) * DAY_MS);
    let around = (utc(first.plus(-before - MARGIN_DAYS)), utc(last.plus(MARGIN_DAYS + 1)));
    for source in sources {
        let offsets =
            |of| leaves::offsets_of_some_days(writing, key, person, Series::sample(of, source.number), around);
        if offsets(metric)?.is_some_and(|found| found != (instants.offset, instants.offset)) {
            return Ok(None);
        }
        if let Some(daily) = metric.daily()
            && offsets(daily)?.is_some()
        {
            return Ok(None);
        }
    }
    let near = (first.plus(-before).start(offset), last.plus(1).start(offset));
    let goes_on_from = |from: UtcMillis| -> Result<Vec<Piece>> {
        let mut pieces = Vec::new();
        for source in sources {
            let series = Series::sample(metric, source.number);
            let (kind, scale) = (source.source.kind, scale(metric));
            leaves::each_of_some_days(writing, key, person, series, (from, near.1), &mut |row| {
                if row.sample.duration_ms() <= LONGEST_MS {
                    pieces.extend(piece(row, kind, scale));
                }
            })?;
        }
        pieces.sort_by_key(|piece| piece.start);
        Ok(pieces)
    };
    let of = Of::new((first, last), instants.offset, sources);
    let days_under_way = &writing.shared().days_under_way;
    let (mut so_far, mut pieces) = match days_under_way.take(person, metric, &of, instants.from) {
        Some(under_way) => {
            let mut pieces = goes_on_from(under_way.until)?;
            pieces.retain(|piece| piece.start >= under_way.until.0);
            (under_way.so_far, pieces)
        }
        None => (SoFar::of(metric), goes_on_from(near.0)?),
    };
    let again = pieces.split_off(settled(&pieces, instants.from));
    so_far.add(pieces);
    if let Some(until) = again.first().map(|piece| UtcMillis(piece.start)) {
        let so_far = so_far.clone();
        days_under_way.keep(person, metric, UnderWay { until, of, so_far });
    }
    so_far.add(again);
    let mut days = so_far.days(&[]);
    days.retain(|day, _| (first..=last).contains(day));
    Ok(Some((days, (first, last))))
}

/// How many of these, by start, come to an end before one that begins at `from` or earlier begins, and are not touched by what comes
/// from there on.
fn settled(pieces: &[Piece], from: UtcMillis) -> usize {
    let (mut settled, mut reached, mut last) = (0, i64::MIN, i64::MIN);
    for (place, piece) in pieces.iter().enumerate().take_while(|(_, piece)| piece.start <= from.0) {
        // What is of one instant competes, too.
        if piece.start >= reached && piece.start > last {
            settled = place;
        }
        (reached, last) = (reached.max(piece.end), piece.start);
    }
    settled
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

/// What a vendor states of a day. One that is stated without a zone is the day where its person lives: beside what others measured
/// from its midnight on, not from that of UTC.
fn vendor_day(row: &Row, kind: SourceKind, scale: u8, zone: &mut HomeZone) -> Option<VendorDay> {
    let mut piece = piece(row, kind, scale)?;
    let day = row.sample.start.local_day(row.sample.offset);
    let (mut start, mut end) = totals::resolve::whole_day(piece.start, piece.end);
    if row.sample.offset.trust == OffsetTrust::None {
        let starts = zone.start_of(day);
        (start, piece.offset) = (starts.0, zone.minutes_at(starts));
        // Of a day of 25 hours no part is the next one's.
        end = zone.start_of(day.plus(1)).0.min(start + DAY_MS);
    }
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
        day,
        from_device,
    })
}

/// Brings a person's stored nights up to date with their segments, source by source.
pub(super) fn settle_nights(
    writing: &Writing<'_>,
    key: &SealKey,
    person: PersonId,
    sources: &[StoredSource],
    commit: &dyn Fn() -> Result<Commit>,
) -> Result<()> {
    let (from, until) = (UtcMillis(i64::MIN), UtcMillis(i64::MAX));
    for source in sources {
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
    let computed = days_of(snapshot, &key, person, metric, &sources, (day, day), None)?;
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
    for piece in &computed.copies {
        if UtcMillis(piece.start).local_day(model::Offset::given(piece.offset)) == day {
            pieces.push(ExplainedPiece {
                source: piece.source,
                from: UtcMillis(piece.start),
                until: UtcMillis(piece.end),
                amount: 0,
                reason: "copy-of-another",
            });
        }
    }
    pieces.sort_by_key(|piece| (piece.from, piece.until, piece.source));
    Ok(TotalExplanation { total, pieces })
}
