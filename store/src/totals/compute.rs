//! From samples to what days come to: the total of everything, the eligible total, and what a reader should know.

use std::collections::{BTreeMap, BTreeSet};

use model::{LocalDay, Metric};

use super::Days;
use super::resolve::{Piece, Resolved};
use super::so_far::SoFar;
use crate::copies::{APART_MS, Pairs};

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

/// Computes days of one metric. Vendors' own totals count only where their source, or one of which it holds copies, has nothing finer
/// that day.
pub(crate) fn compute(metric: Metric, pieces: Vec<Piece>, vendor_days: Vec<VendorDay>, pairs: &Pairs) -> Computed {
    let (mut pieces, copies) = match pairs.is_empty() {
        true => (pieces, Vec::new()),
        false => without_copies(pieces, pairs),
    };
    let mut so_far = SoFar::of(metric);
    so_far.measure(&pieces);
    let is_finer = |stated: &VendorDay| {
        let source = stated.piece.source;
        let mut sources = pairs.originals(source).iter().chain([&source]);
        sources.any(|source| so_far.has_measured(stated.day, *source))
    };
    let (checks, sole): (Vec<VendorDay>, Vec<VendorDay>) = vendor_days.into_iter().partition(is_finer);
    let mut unproven = BTreeSet::new();
    for stated in sole {
        so_far.note_measured(stated.day, stated.piece.source);
        if !stated.from_device {
            unproven.insert((stated.piece.source, stated.piece.start));
        }
        pieces.push(stated.piece);
    }
    let total = so_far.count(pieces, &unproven);
    Computed {
        days: so_far.days(&checks),
        total,
        copies,
    }
}

/// Parts pieces from those that are copies of what a vendor's own source has.
fn without_copies(pieces: Vec<Piece>, pairs: &Pairs) -> (Vec<Piece>, Vec<Piece>) {
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
