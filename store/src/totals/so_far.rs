//! What days come to of the samples that were looked at so far: a sweep over time that can stop wherever no sample goes on, and go
//! on from there with those that follow.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use model::time::{DAY_MS, HOUR_MS, MINUTE_MS};
use model::{LocalDay, Metric};

use super::compute::VendorDay;
use super::resolve::{Piece, Resolved, resolve};
use super::{Days, flag};

/// A day's most (facts 5.4), for steps.
const DAILY_LIMIT: i64 = 100_000;
/// Equal counts in a row that no walk has.
const UNIFORM_RUN: usize = 30;
/// A vendor's own total that is farther off than both is flagged.
const MISMATCH: i64 = 500;

/// What days of one metric come to so far.
#[derive(Clone, Debug)]
pub(crate) struct SoFar {
    is_steps: bool,
    /// Amounts, and the flags that stay whatever follows.
    days: Days,
    /// Sources that measured something, counted or not.
    measured: BTreeMap<LocalDay, BTreeSet<u16>>,
    walk: Walk,
    /// Equal counts in a row, by source.
    runs: BTreeMap<u16, Run>,
}

/// A walk that may go on.
#[derive(Clone, Copy, Debug)]
struct Walk {
    since: i64,
    reached: i64,
}

/// Samples in a row of one count and length.
#[derive(Clone, Debug, Default)]
struct Run {
    same: (i64, i64),
    /// Where the last of them begin, as many as make a run.
    starts: VecDeque<i64>,
}

impl SoFar {
    /// Of nothing yet.
    pub(crate) fn of(metric: Metric) -> Self {
        Self {
            is_steps: metric == Metric::STEP_COUNT,
            days: Days::new(),
            measured: BTreeMap::new(),
            walk: Walk {
                since: 0,
                reached: i64::MIN,
            },
            runs: BTreeMap::new(),
        }
    }

    /// Adds samples, all of which begin later than any that were added, and none before those have ended.
    pub(crate) fn add(&mut self, pieces: Vec<Piece>) {
        self.measure(&pieces);
        self.count(pieces, &BTreeSet::new());
    }

    /// Notes which sources measured something.
    pub(super) fn measure(&mut self, pieces: &[Piece]) {
        let mut known = None;
        for piece in pieces.iter().filter(|piece| piece.count > 0) {
            let first = day_of(piece, piece.start);
            let last = day_of(piece, (piece.end - 1).max(piece.start));
            // Neighbours are mostly of one day and source.
            if known.replace((first, last, piece.source)) == Some((first, last, piece.source)) {
                continue;
            }
            for day in first.0..=last.0 {
                self.note_measured(LocalDay(day), piece.source);
            }
        }
    }

    /// Notes that a source measured a day.
    pub(super) fn note_measured(&mut self, day: LocalDay, source: u16) {
        self.measured.entry(day).or_default().insert(source);
    }

    /// True where a source measured something of a day.
    pub(super) fn has_measured(&self, day: LocalDay, source: u16) -> bool {
        self.measured.get(&day).is_some_and(|sources| sources.contains(&source))
    }

    /// Counts samples. Those of `unproven`, by source and start, are whole days that are not eligible. Answers how the total of these
    /// samples came about.
    pub(super) fn count(&mut self, pieces: Vec<Piece>, unproven: &BTreeSet<(u16, i64)>) -> Resolved {
        let steps = self.is_steps;
        let left_out =
            |piece: &Piece| piece.manual || (piece.whole_day && unproven.contains(&(piece.source, piece.start)));
        let too_fast = |piece: &Piece| steps && !piece.whole_day && piece.capped() < piece.count;
        // Mostly everything counts, and then the eligible total is the total.
        let eligible = pieces.iter().any(|piece| left_out(piece) || too_fast(piece)).then(|| {
            let mut counted: Vec<Piece> = pieces.iter().filter(|piece| !left_out(piece)).cloned().collect();
            for piece in counted.iter_mut().filter(|piece| too_fast(piece)) {
                self.flag(day_of(piece, piece.start), flag::CADENCE);
                piece.count = piece.capped();
            }
            resolve(counted)
        });
        let total = resolve(pieces);
        let eligible = eligible.as_ref().unwrap_or(&total);
        for part in Parts::of(&total) {
            let day = self.days.entry(part.day).or_default();
            day.total += part.amount;
            day.manual += part.manual;
            day.shares.entry(part.source).or_default().0 += part.amount;
        }
        for part in Parts::of(eligible) {
            let day = self.days.entry(part.day).or_default();
            day.eligible += part.amount;
            day.shares.entry(part.source).or_default().1 += part.amount;
        }
        if steps {
            self.walk_on(eligible);
            self.run_on(eligible);
        }
        total
    }

    /// The days. What vendors state of them is held against them, for steps.
    pub(crate) fn days(mut self, checks: &[VendorDay]) -> Days {
        // A sample that was too fast and that nothing is counted of makes no day.
        self.days
            .retain(|_, day| !day.shares.is_empty() || day.flags & !flag::CADENCE != 0);
        for (date, day) in &mut self.days {
            day.shares.retain(|_, (total, eligible)| *total != 0 || *eligible != 0);
            let mut mark = |holds: bool, flag: u32| day.flags |= if holds { flag } else { 0 };
            mark(
                self.measured.get(date).is_some_and(|sources| sources.len() > 1),
                flag::MULTI_SOURCE,
            );
            mark(self.is_steps && day.total > DAILY_LIMIT, flag::BEYOND_LIMIT);
            let off = |stated: &VendorDay| {
                let apart = (stated.piece.count - day.total).abs();
                stated.day == *date && apart > MISMATCH && apart * 10 > day.total
            };
            mark(self.is_steps && checks.iter().any(off), flag::VENDOR_MISMATCH);
        }
        self.days
    }

    fn flag(&mut self, day: LocalDay, flag: u32) {
        self.days.entry(day).or_default().flags |= flag;
    }

    /// Days on which nobody walks so: no pause for ten hours.
    fn walk_on(&mut self, resolved: &Resolved) {
        for slice in resolved.slices.iter().filter(|slice| slice.amount > 0) {
            let piece = &resolved.pieces[slice.piece];
            if piece.whole_day || piece.end - piece.start > HOUR_MS {
                continue;
            }
            let walk = &mut self.walk;
            if walk.reached == i64::MIN || slice.from - walk.reached >= 10 * MINUTE_MS {
                walk.since = slice.from;
            }
            walk.reached = walk.reached.max(slice.until);
            if walk.reached - walk.since > 10 * HOUR_MS {
                self.flag(slice.day, flag::NO_PAUSE);
            }
        }
    }

    /// Days on which nobody walks so: the same count again and again.
    fn run_on(&mut self, resolved: &Resolved) {
        let mut pieces: Vec<&Piece> = resolved
            .pieces
            .iter()
            .filter(|piece| piece.count > 1 && !piece.whole_day)
            .collect();
        pieces.sort_by_key(|piece| (piece.source, piece.start, piece.end));
        for piece in pieces {
            let run = self.runs.entry(piece.source).or_default();
            let same = (piece.count, piece.end - piece.start);
            if run.same != same {
                run.starts.clear();
                run.same = same;
            }
            run.starts.push_back(piece.start);
            // A run within a day, so that no day depends on what lies farther away.
            while run.starts.len() > UNIFORM_RUN || run.starts.front().is_some_and(|first| piece.start - first > DAY_MS)
            {
                run.starts.pop_front();
            }
            if run.starts.len() >= UNIFORM_RUN {
                self.flag(day_of(piece, piece.start), flag::UNIFORM);
            }
        }
    }
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
