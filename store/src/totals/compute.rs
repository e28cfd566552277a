//! From samples to what days come to: the total of everything, the eligible total, and what a reader should know.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use model::time::{DAY_MS, HOUR_MS, MINUTE_MS};
use model::{LocalDay, Metric};

use super::resolve::{Piece, Resolved, resolve};
use super::{Days, flag};
use crate::copies::{APART_MS, Pairs};

/// A day's most (facts 5.4), for steps.
const DAILY_LIMIT: i64 = 100_000;
/// Equal counts in a row that no walk has.
const UNIFORM_RUN: usize = 30;
/// A vendor's own total that is farther off than both is flagged.
const MISMATCH: i64 = 500;

/// Everything that counts towards some days.
pub(crate) struct Computed {
    /// The days.
    pub(crate) days: Days,
    /// How the total came about.
    pub(crate) total: Resolved,
    /// Copies of what a vendor's own source has, which count nothing.
    pub(crate) copies: Vec<Piece>,
}

/// A vendor's own total of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VendorDay {
    /// The statement, as a piece that lasts the whole day.
    pub(crate) piece: Piece,
    /// The day it is about.
    pub(crate) day: LocalDay,
    /// It comes from a device that counts by itself, so that it may be eligible.
    pub(crate) from_device: bool,
}

/// Computes days of one metric. Vendors' own totals count only where their source has nothing finer that day.
pub(crate) fn compute(metric: Metric, pieces: Vec<Piece>, vendor_days: Vec<VendorDay>) -> Computed {
    let steps = metric == Metric::STEP_COUNT;
    let mut measured: BTreeMap<LocalDay, BTreeSet<u16>> = BTreeMap::new();
    let mut known = None;
    for piece in pieces.iter().filter(|piece| piece.count > 0) {
        let first = day_of(piece, piece.start);
        let last = day_of(piece, (piece.end - 1).max(piece.start));
        // Neighbours are mostly of one day and source.
        if known.replace((first, last, piece.source)) == Some((first, last, piece.source)) {
            continue;
        }
        for day in first.0..=last.0 {
            measured.entry(LocalDay(day)).or_default().insert(piece.source);
        }
    }
    let (checks, sole): (Vec<VendorDay>, Vec<VendorDay>) = vendor_days.into_iter().partition(|stated| {
        measured
            .get(&stated.day)
            .is_some_and(|sources| sources.contains(&stated.piece.source))
    });
    let mut all = pieces;
    for stated in &sole {
        measured.entry(stated.day).or_default().insert(stated.piece.source);
        all.push(stated.piece.clone());
    }
    let unproven: BTreeSet<(u16, i64)> = sole
        .iter()
        .filter(|stated| !stated.from_device)
        .map(|stated| (stated.piece.source, stated.piece.start))
        .collect();
    let mut capped: BTreeSet<LocalDay> = BTreeSet::new();
    let left_out = |piece: &Piece| piece.manual || (piece.whole_day && unproven.contains(&(piece.source, piece.start)));
    let too_fast = |piece: &Piece| steps && !piece.whole_day && piece.capped() < piece.count;
    // Mostly everything counts, and then the eligible total is the total.
    let eligible = all.iter().any(|piece| left_out(piece) || too_fast(piece)).then(|| {
        let mut counted: Vec<Piece> = all.iter().filter(|piece| !left_out(piece)).cloned().collect();
        for piece in counted.iter_mut().filter(|piece| too_fast(piece)) {
            capped.insert(day_of(piece, piece.start));
            piece.count = piece.capped();
        }
        resolve(counted)
    });
    let total = resolve(all);
    let eligible = eligible.as_ref().unwrap_or(&total);
    let mut days = Days::new();
    for part in Parts::of(&total) {
        let day = days.entry(part.day).or_default();
        day.total += part.amount;
        day.manual += part.manual;
        day.shares.entry(part.source).or_default().0 += part.amount;
    }
    for part in Parts::of(eligible) {
        let day = days.entry(part.day).or_default();
        day.eligible += part.amount;
        day.shares.entry(part.source).or_default().1 += part.amount;
    }
    for (date, day) in &mut days {
        day.shares.retain(|_, (total, eligible)| *total != 0 || *eligible != 0);
        let mut mark = |holds: bool, flag: u32| day.flags |= if holds { flag } else { 0 };
        mark(
            measured.get(date).is_some_and(|sources| sources.len() > 1),
            flag::MULTI_SOURCE,
        );
        mark(capped.contains(date), flag::CADENCE);
        mark(steps && day.total > DAILY_LIMIT, flag::BEYOND_LIMIT);
        let off = |stated: &VendorDay| {
            let apart = (stated.piece.count - day.total).abs();
            stated.day == *date && apart > MISMATCH && apart * 10 > day.total
        };
        mark(steps && checks.iter().any(off), flag::VENDOR_MISMATCH);
    }
    if steps {
        for (date, flags) in suspicious(eligible) {
            days.entry(date).or_default().flags |= flags;
        }
    }
    Computed {
        days,
        total,
        copies: Vec::new(),
    }
}

/// Parts pieces from those that are copies of what a vendor's own source has.
pub(crate) fn without_copies(pieces: Vec<Piece>, pairs: &Pairs) -> (Vec<Piece>, Vec<Piece>) {
    let mut by_source: BTreeMap<u16, Vec<(i64, i64, i64)>> = BTreeMap::new();
    for piece in &pieces {
        let place = (piece.start, piece.end, piece.count);
        by_source.entry(piece.source).or_default().push(place);
    }
    by_source.values_mut().for_each(|places| places.sort_unstable());
    let is_original = |piece: &Piece| {
        pairs.originals(piece.source).iter().any(|original| {
            let places = by_source.get(original).map(Vec::as_slice).unwrap_or_default();
            let from = places.partition_point(|(start, ..)| *start < piece.start - APART_MS);
            let near = places[from..]
                .iter()
                .take_while(|(start, ..)| *start <= piece.start + APART_MS);
            let mut same = near.filter(|(_, end, count)| (end - piece.end).abs() <= APART_MS && *count == piece.count);
            same.next().is_some()
        })
    };
    pieces.into_iter().partition(|piece| !is_original(piece))
}

/// What a source gave one day, or a part of that: neighbouring slices added up.
struct Part {
    day: LocalDay,
    source: u16,
    amount: i64,
    manual: i64,
}

/// The parts of what was resolved.
struct Parts<'a> {
    resolved: &'a Resolved,
    next: usize,
}

impl<'a> Parts<'a> {
    fn of(resolved: &'a Resolved) -> Self {
        Self { resolved, next: 0 }
    }
}

impl Iterator for Parts<'_> {
    type Item = Part;

    fn next(&mut self) -> Option<Part> {
        let mut part: Option<Part> = None;
        while let Some(slice) = self.resolved.slices.get(self.next) {
            let piece = &self.resolved.pieces[slice.piece];
            let part = part.get_or_insert(Part {
                day: slice.day,
                source: piece.source,
                amount: 0,
                manual: 0,
            });
            if (part.day, part.source) != (slice.day, piece.source) {
                break;
            }
            part.amount += slice.amount;
            part.manual += if piece.manual { slice.amount } else { 0 };
            self.next += 1;
        }
        part
    }
}

fn day_of(piece: &Piece, instant: i64) -> LocalDay {
    model::UtcMillis(instant).local_day(model::Offset::given(piece.offset))
}

/// Days on which nobody walks so: no pause for ten hours, or the same count again and again.
fn suspicious(resolved: &Resolved) -> BTreeMap<LocalDay, u32> {
    let mut days: BTreeMap<LocalDay, u32> = BTreeMap::new();
    let (mut since, mut reached) = (0, i64::MIN);
    for slice in resolved.slices.iter().filter(|slice| slice.amount > 0) {
        let piece = &resolved.pieces[slice.piece];
        if piece.whole_day || piece.end - piece.start > HOUR_MS {
            continue;
        }
        if reached == i64::MIN || slice.from - reached >= 10 * MINUTE_MS {
            since = slice.from;
        }
        reached = reached.max(slice.until);
        if reached - since > 10 * HOUR_MS {
            *days.entry(slice.day).or_default() |= flag::NO_PAUSE;
        }
    }
    let mut last: Option<(u16, i64, i64)> = None;
    let mut run: VecDeque<i64> = VecDeque::new();
    let mut pieces: Vec<&Piece> = resolved
        .pieces
        .iter()
        .filter(|piece| piece.count > 1 && !piece.whole_day)
        .collect();
    pieces.sort_by_key(|piece| (piece.source, piece.start, piece.end));
    for piece in pieces {
        let this = (piece.source, piece.count, piece.end - piece.start);
        if last != Some(this) {
            run.clear();
        }
        last = Some(this);
        run.push_back(piece.start);
        // A run within a day, so that no day depends on what lies farther away.
        while run.front().is_some_and(|first| piece.start - first > DAY_MS) {
            run.pop_front();
        }
        if run.len() >= UNIFORM_RUN {
            *days.entry(day_of(piece, piece.start)).or_default() |= flag::UNIFORM;
        }
    }
    days
}
