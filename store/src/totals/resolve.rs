//! One amount for a day from samples of several sources that overlap.
//!
//! In each slice of time the best-ranked fine sample (an hour or less) counts, in proportion; coarse samples (longer) never add
//! to finer data and never hide it, they lift a day if they know more. Whole numbers only, and no result depends on the order
//! in which anything arrived.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use model::time::{DAY_MS, HOUR_MS, MINUTE_MS};
use model::{LocalDay, Offset, UtcMillis};

/// Longer than this is coarse.
const FINE_MS: i64 = HOUR_MS;
/// Nobody takes more steps a minute (facts 5.4).
pub(crate) const MOST_A_MINUTE: i64 = 240;

/// What decides which of two samples counts, first things first.
type Order = ((u32, Reverse<i64>, i64, i64, u16), Reverse<i64>, bool, i16);

/// One sample that counts towards days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// The source's number within the person.
    pub(crate) source: u16,
    /// The source's rank by the resident's order or else by its kind; lower wins.
    pub(crate) rank: u32,
    /// When it was asserted, in ms; of one rank the later wins.
    pub(crate) asserted: i64,
    /// From, in ms.
    pub(crate) start: i64,
    /// Until, exclusive; `start` for an instant.
    pub(crate) end: i64,
    /// Local offset at the start, in minutes.
    pub(crate) offset: i16,
    /// How much, in the metric's scale; never negative.
    pub(crate) count: i64,
    /// Typed by hand.
    pub(crate) manual: bool,
    /// A zero that says the device was worn.
    pub(crate) true_zero: bool,
    /// A vendor's own statement about a whole day.
    pub(crate) whole_day: bool,
}

impl Piece {
    fn order(&self) -> Order {
        let by = (self.rank, Reverse(self.asserted), self.start, self.end, self.source);
        (by, Reverse(self.count), self.manual, self.offset)
    }

    fn day_at(&self, instant: i64) -> LocalDay {
        UtcMillis(instant).local_day(Offset::given(self.offset))
    }

    fn is_fine(&self) -> bool {
        self.end - self.start <= FINE_MS && !self.whole_day
    }

    /// Its part of `[from, until)`: parts of one sample always add up to its count.
    fn part(&self, from: i64, until: i64) -> i64 {
        let length = self.end - self.start;
        if length == 0 || (from == self.start && until == self.end) {
            return self.count;
        }
        let before = |instant: i64| match self.count.checked_mul(instant - self.start) {
            Some(product) => product / length,
            None => (i128::from(self.count) * i128::from(instant - self.start) / i128::from(length)) as i64,
        };
        before(until) - before(from)
    }

    /// Its local midnights, without its own ends.
    fn midnights(&self) -> impl Iterator<Item = i64> + '_ {
        let first = self.day_at(self.start).0 + 1;
        (first..)
            .map(|day| LocalDay(day).start(Offset::given(self.offset)).0)
            .take_while(|midnight| *midnight < self.end)
    }

    /// As many as can be in its time.
    pub(crate) fn capped(&self) -> i64 {
        let length = (self.end - self.start).max(MINUTE_MS);
        let most = i128::from(MOST_A_MINUTE) * i128::from(length) / i128::from(MINUTE_MS);
        self.count.min(i64::try_from(most).unwrap_or(i64::MAX))
    }
}

/// A part of a day that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slice {
    /// From, in ms.
    pub(crate) from: i64,
    /// Until; `from` for an instant.
    pub(crate) until: i64,
    /// Which piece, by its place in [`Resolved::pieces`].
    pub(crate) piece: usize,
    /// How much.
    pub(crate) amount: i64,
    /// The day it counts for.
    pub(crate) day: LocalDay,
}

/// What counts of some samples.
#[derive(Clone, Debug, Default)]
pub(crate) struct Resolved {
    /// The samples: best first, where some compete.
    pub(crate) pieces: Vec<Piece>,
    /// What counts, by time.
    pub(crate) slices: Vec<Slice>,
}

/// Resolves samples. Zeros that do not say the device was worn are left out.
pub(crate) fn resolve(mut pieces: Vec<Piece>) -> Resolved {
    pieces.retain(|piece| piece.count > 0 || (piece.count == 0 && piece.true_zero));
    if in_turn(&pieces) {
        let whole = |(number, piece): (usize, &Piece)| slice(&pieces, number, piece.start, piece.end);
        let slices = pieces.iter().enumerate().map(whole).collect();
        return Resolved { pieces, slices };
    }
    pieces.sort_by_key(Piece::order);
    let coarse = coarse_parts(&pieces);
    let mut slices = fine_slices(&pieces, &coarse);
    lift(&pieces, &coarse, &mut slices);
    slices.sort_by_key(|slice| (slice.from, slice.until, slice.piece));
    Resolved { pieces, slices }
}

/// True where each begins once the one before it has ended, and none is cut, as one device alone tells a day: then none competes with
/// another.
fn in_turn(pieces: &[Piece]) -> bool {
    let follows = |pair: &[Piece]| pair[0].end <= pair[1].start && pair[0].start < pair[1].start;
    pieces.windows(2).all(follows)
        && pieces
            .iter()
            .all(|piece| piece.is_fine() && piece.midnights().next().is_none())
}

/// Coarse samples cut at their local midnights.
fn coarse_parts(pieces: &[Piece]) -> Vec<Slice> {
    let mut parts = Vec::new();
    for (number, piece) in pieces.iter().enumerate().filter(|(_, piece)| !piece.is_fine()) {
        let mut from = piece.start;
        for until in piece.midnights().chain([piece.end]) {
            parts.push(Slice {
                from,
                until,
                piece: number,
                amount: piece.part(from, until),
                day: piece.day_at(from),
            });
            from = until;
        }
    }
    parts.sort_by_key(|part| (part.from, part.until, part.piece));
    parts
}

/// The best fine sample of each slice of time, and the instants that no better one covers.
fn fine_slices(pieces: &[Piece], coarse: &[Slice]) -> Vec<Slice> {
    let mut starts = Vec::new();
    let mut instants = Vec::new();
    let mut cuts: Vec<i64> = coarse.iter().flat_map(|part| [part.from, part.until]).collect();
    for (number, piece) in pieces.iter().enumerate().filter(|(_, piece)| piece.is_fine()) {
        if piece.end == piece.start {
            instants.push((piece.start, number));
        } else {
            starts.push((piece.start, number));
            cuts.extend(piece.midnights());
        }
        cuts.extend([piece.start, piece.end]);
    }
    // Each source's samples are in order already, so a sort that merges runs has little to do.
    starts.sort();
    instants.sort();
    cuts.sort();
    cuts.dedup();
    let (mut starts, mut instants) = (starts.into_iter().peekable(), instants.into_iter().peekable());
    // The best one first; one that has ended goes when it comes to the top.
    let mut open: BinaryHeap<Reverse<usize>> = BinaryHeap::new();
    let mut slices: Vec<Slice> = Vec::with_capacity(cuts.len());
    for (place, cut) in cuts.iter().copied().enumerate() {
        while let Some((_, number)) = starts.next_if(|(start, _)| *start <= cut) {
            open.push(Reverse(number));
        }
        while open.peek().is_some_and(|Reverse(best)| pieces[*best].end <= cut) {
            open.pop();
        }
        let best = open.peek().map(|Reverse(best)| *best);
        // Sorted by rank within one instant: only the first can count.
        let mut first = true;
        while let Some((_, number)) = instants.next_if(|(instant, _)| *instant <= cut) {
            if std::mem::take(&mut first) && best.is_none_or(|best| number < best) {
                slices.push(slice(pieces, number, cut, cut));
            }
        }
        if let (Some(best), Some(next)) = (best, cuts.get(place + 1).copied()) {
            slices.push(slice(pieces, best, cut, next));
        }
    }
    slices
}

fn slice(pieces: &[Piece], piece: usize, from: i64, until: i64) -> Slice {
    Slice {
        from,
        until,
        piece,
        amount: pieces[piece].part(from, until),
        day: pieces[piece].day_at(from),
    }
}

/// Where coarse samples know more than the fine ones inside them, they count instead.
fn lift(pieces: &[Piece], coarse: &[Slice], slices: &mut Vec<Slice>) {
    let mut rest = coarse;
    while let Some(first) = rest.first() {
        let (from, mut until) = (first.from, first.until);
        let mut length = 1;
        while let Some(next) = rest.get(length).filter(|next| next.from < until) {
            until = until.max(next.until);
            length += 1;
        }
        let (cluster, after) = rest.split_at(length);
        rest = after;
        let inside = |slice: &Slice| slice.from >= from && slice.from < until;
        let fine: i64 = slices
            .iter()
            .filter(|slice| inside(slice))
            .map(|slice| slice.amount)
            .sum();
        let sources: BTreeSet<(usize, u16)> = best_of_each(cluster, pieces)
            .into_iter()
            .map(|(source, piece)| (piece, source))
            .collect();
        // The best-ranked source wins a tie, and the fine samples win over all.
        let mut winner: Option<(i64, Vec<Slice>)> = None;
        for (_, source) in sources {
            let own = own_cover(cluster, pieces, source);
            let covered = |slice: &Slice| {
                own.iter()
                    .any(|part| part.from <= slice.from && slice.from < part.until)
            };
            let outside: i64 = slices
                .iter()
                .filter(|slice| inside(slice) && !covered(slice))
                .map(|slice| slice.amount)
                .sum();
            let value = outside + own.iter().map(|part| part.amount).sum::<i64>();
            if value > winner.as_ref().map_or(fine, |(best, _)| *best) {
                winner = Some((value, own));
            }
        }
        if let Some((_, own)) = winner {
            slices.retain(|slice| {
                !own.iter()
                    .any(|part| part.from <= slice.from && slice.from < part.until)
            });
            slices.extend(own);
        }
    }
}

fn best_of_each(cluster: &[Slice], pieces: &[Piece]) -> BTreeMap<u16, usize> {
    let mut best: BTreeMap<u16, usize> = BTreeMap::new();
    for part in cluster {
        let known = best.entry(pieces[part.piece].source).or_insert(part.piece);
        *known = (*known).min(part.piece);
    }
    best
}

/// The coarse parts of one source without overlap: in each slice its best-ranked one.
fn own_cover(cluster: &[Slice], pieces: &[Piece], source: u16) -> Vec<Slice> {
    let parts: Vec<&Slice> = cluster
        .iter()
        .filter(|part| pieces[part.piece].source == source)
        .collect();
    let mut cuts: Vec<i64> = parts.iter().flat_map(|part| [part.from, part.until]).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let mut cover: Vec<Slice> = Vec::new();
    for pair in cuts.windows(2) {
        let best = parts
            .iter()
            .filter(|part| part.from <= pair[0] && pair[1] <= part.until)
            .min_by_key(|part| part.piece);
        if let Some(part) = best {
            let amount = pieces[part.piece].part(pair[0], pair[1]);
            match cover
                .last_mut()
                .filter(|last| last.piece == part.piece && last.until == pair[0] && last.day == part.day)
            {
                Some(last) => {
                    last.until = pair[1];
                    last.amount += amount;
                }
                None => cover.push(Slice {
                    from: pair[0],
                    until: pair[1],
                    piece: part.piece,
                    amount,
                    day: part.day,
                }),
            }
        }
    }
    cover
}

/// The start of a day that a vendor states a total of: 24 hours from the statement's own start.
pub(crate) fn whole_day(start: i64, end: i64) -> (i64, i64) {
    (start, if end > start { end } else { start + DAY_MS })
}
