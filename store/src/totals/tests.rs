//! The worked cases of the facts (5.7), each by its number, and a naive twin.

use std::collections::BTreeMap;

use model::time::{DAY_MS, HOUR_MS, MINUTE_MS};
use model::{LocalDay, Metric};
use proptest::prelude::*;

use super::{Computed, Piece, SoFar, VendorDay, compute, flag};
use crate::copies::Pairs;

/// 2026-05-10T00:00+09:00.
const MAY_10: i64 = 1_778_338_800_000;

/// Kinds by their letter in the table: watch, ring, band, phone, pedometer, app.
fn piece(kind: char, from: f64, until: f64, count: i64) -> Piece {
    let (source, rank) = match kind {
        'W' => (1, 1),
        'B' => (2, 2),
        'R' => (3, 3),
        'P' => (4, 4),
        'T' => (5, 5),
        _ => (6, 6),
    };
    let at = |hour: f64| MAY_10 + (hour * HOUR_MS as f64).round() as i64;
    Piece {
        source,
        rank,
        asserted: 0,
        start: at(from),
        end: at(until),
        offset: 540,
        count,
        manual: false,
        true_zero: false,
        whole_day: false,
    }
}

fn minutes(hour: i64, minute: i64) -> f64 {
    hour as f64 + minute as f64 / 60.0
}

fn days(pieces: Vec<Piece>) -> BTreeMap<String, (i64, i64)> {
    let computed = compute(Metric::STEP_COUNT, pieces, Vec::new(), &Pairs::default());
    computed
        .days
        .iter()
        .map(|(day, amounts)| (day.to_string(), (amounts.eligible, amounts.total)))
        .collect()
}

fn eligible(pieces: Vec<Piece>) -> i64 {
    days(pieces).get("2026-05-10").map_or(0, |(eligible, _)| *eligible)
}

#[test]
fn cases_1_to_5_overlap_is_resolved_by_interval() {
    assert_eq!(
        eligible(vec![
            piece('W', 8.0, 8.5, 3000),
            piece('P', 12.0, minutes(12, 20), 2000)
        ]),
        5000
    );
    assert_eq!(
        eligible(vec![piece('W', 8.0, 8.5, 3000), piece('P', 8.0, 8.5, 3200)]),
        3000
    );
    assert_eq!(
        eligible(vec![
            piece('W', 8.0, 8.5, 3000),
            piece('P', minutes(8, 20), minutes(8, 50), 3300)
        ]),
        5200
    );
    assert_eq!(
        eligible(vec![
            piece('P', 8.0, 9.0, 6001),
            piece('W', minutes(8, 20), minutes(8, 40), 2100)
        ]),
        6101
    );
    let three = vec![
        piece('W', 8.0, minutes(8, 10), 1000),
        piece('R', minutes(8, 5), minutes(8, 25), 1800),
        piece('P', 8.0, minutes(8, 40), 4000),
    ];
    assert_eq!(eligible(three), 3850);
}

#[test]
fn case_6_what_was_typed_is_not_eligible() {
    let typed = Piece {
        manual: true,
        ..piece('A', 20.0, 20.0, 5000)
    };
    assert_eq!(
        days(vec![piece('W', 8.0, 8.5, 3000), typed])["2026-05-10"],
        (3000, 8000)
    );
}

#[test]
fn case_7_midnight_splits_and_loses_nothing() {
    let found = days(vec![piece('P', minutes(23, 50), minutes(24, 10), 2001)]);
    assert_eq!((found["2026-05-10"].0, found["2026-05-11"].0), (1000, 1001));
}

#[test]
fn cases_8_and_9_a_day_is_local_to_the_sample_that_counts() {
    // 8:00-10:00 is 18:00Z of the 10th, which is 27:00 in Japan.
    let hawaii = |from: f64, until: f64, count| Piece {
        offset: -600,
        ..piece('W', from, until, count)
    };
    let found = days(vec![piece('W', 20.0, 20.5, 2400), hawaii(27.0, 27.5, 2500)]);
    assert_eq!(found["2026-05-10"].0, 4900);
    let found = days(vec![
        hawaii(27.0, 27.5, 2500),
        piece('P', minutes(27, 10), minutes(27, 40), 1500),
    ]);
    assert_eq!((found["2026-05-10"].0, found["2026-05-11"].0), (2500, 500));
}

#[test]
fn cases_10_and_11_a_bare_zero_hides_nothing_and_a_worn_one_does() {
    let band = [
        piece('B', 8.0, minutes(8, 1), 0),
        piece('B', minutes(8, 1), minutes(8, 2), 0),
        piece('B', minutes(8, 2), minutes(8, 3), 60),
        piece('P', 8.0, minutes(8, 3), 300),
    ];
    assert_eq!(eligible(band.to_vec()), 260);
    let worn = Piece {
        true_zero: true,
        ..piece('W', 8.0, minutes(8, 1), 0)
    };
    let watch = vec![
        worn,
        piece('W', minutes(8, 1), minutes(8, 2), 100),
        piece('P', 8.0, minutes(8, 2), 210),
    ];
    assert_eq!(eligible(watch), 100);
}

#[test]
fn cases_12_to_16_coarse_data_lifts_and_never_adds_or_hides() {
    let day = |count| piece('T', 0.0, 24.0, count);
    let morning = piece('P', 8.0, 9.0, 6000);
    assert_eq!(eligible(vec![day(9000), morning.clone()]), 9000);
    assert_eq!(eligible(vec![day(4000), morning.clone()]), 6000);
    let ring = piece('R', 6.0, 12.0, 5000);
    let watch = [piece('W', 7.0, 7.5, 3000), piece('W', 13.0, 13.5, 2800)];
    assert_eq!(eligible(vec![ring.clone(), watch[0].clone(), watch[1].clone()]), 7800);
    assert_eq!(eligible(vec![ring.clone(), piece('P', 11.5, 12.5, 4000)]), 7000);
    assert_eq!(eligible(vec![day(9000), ring, morning]), 9000);
}

#[test]
fn cases_17_to_19_late_deleted_and_corrected() {
    let phone = piece('P', 8.0, 9.0, 6000);
    let watch = piece('W', minutes(8, 10), minutes(8, 50), 4400);
    assert_eq!(eligible(vec![phone.clone()]), 6000);
    assert_eq!(eligible(vec![phone.clone(), watch]), 6400);
    assert_eq!(eligible(vec![Piece { count: 5400, ..phone }]), 5400);
}

#[test]
fn cases_20_and_21_nobody_walks_faster_than_240_a_minute() {
    assert_eq!(
        days(vec![piece('P', 8.0, minutes(8, 10), 5000)])["2026-05-10"],
        (2400, 5000)
    );
    let burst = Piece {
        end: MAY_10 + 8 * HOUR_MS + 20_000,
        ..piece('P', 8.0, 8.0, 300)
    };
    assert_eq!(days(vec![burst])["2026-05-10"], (240, 300));
}

#[test]
fn case_22_a_covered_instant_drops() {
    let found = vec![
        piece('W', 8.0, 8.5, 3000),
        piece('A', 8.25, 8.25, 50),
        piece('A', 9.0, 9.0, 40),
    ];
    assert_eq!(eligible(found), 3040);
}

#[test]
fn case_23_of_one_source_the_later_asserted_wins() {
    let later = Piece {
        asserted: 2,
        ..piece('W', minutes(8, 10), 8.5, 2100)
    };
    assert_eq!(eligible(vec![piece('W', 8.0, 8.5, 3000), later]), 3100);
}

#[test]
fn case_24_the_residents_choice_beats_the_kind() {
    let watch = Piece {
        rank: 1,
        ..piece('W', 8.0, 8.5, 3000)
    };
    let phone = Piece {
        rank: 0,
        ..piece('P', minutes(8, 20), minutes(8, 50), 3300)
    };
    assert_eq!(eligible(vec![watch, phone]), 5300);
}

#[test]
fn case_26_a_day_of_25_hours_is_not_split() {
    // 2026-11-01T01:30-04:00, an hour before the clocks go back and the same hour after.
    let start = 1_793_511_000_000;
    let night = Piece {
        start,
        end: start + HOUR_MS,
        offset: -240,
        ..piece('P', 0.0, 0.0, 1200)
    };
    assert_eq!(days(vec![night])["2026-11-01"].0, 1200);
}

#[test]
fn a_vendors_own_total_counts_only_where_its_source_has_nothing_finer() {
    let stated = |kind: char, count| VendorDay {
        piece: Piece {
            whole_day: true,
            ..piece(kind, 0.0, 24.0, count)
        },
        day: LocalDay::parse("2026-05-10").expect("a day"),
        from_device: kind == 'T',
    };
    let run =
        |pieces, vendor: Vec<VendorDay>| -> Computed { compute(Metric::STEP_COUNT, pieces, vendor, &Pairs::default()) };
    let day = LocalDay::parse("2026-05-10").expect("a day");
    assert_eq!(run(Vec::new(), vec![stated('T', 7000)]).days[&day].eligible, 7000);
    let app = run(Vec::new(), vec![stated('A', 7000)]);
    assert_eq!((app.days[&day].eligible, app.days[&day].total), (0, 7000));
    let both = run(vec![piece('P', 8.0, 9.0, 6000)], vec![stated('P', 9000)]);
    assert_eq!(both.days[&day].total, 6000);
    assert_ne!(both.days[&day].flags & flag::VENDOR_MISMATCH, 0);
}

#[test]
fn what_no_walk_looks_like_is_flagged() {
    let same: Vec<Piece> = (0..31)
        .map(|bucket| piece('P', minutes(8, bucket * 10), minutes(8, bucket * 10 + 5), 200))
        .collect();
    let day = LocalDay::parse("2026-05-10").expect("a day");
    assert_ne!(
        compute(Metric::STEP_COUNT, same, Vec::new(), &Pairs::default()).days[&day].flags & flag::UNIFORM,
        0
    );
    let on: Vec<Piece> = (0..66)
        .map(|bucket| piece('P', minutes(8, bucket * 10), minutes(8, bucket * 10 + 9), 500 + bucket))
        .collect();
    assert_ne!(
        compute(Metric::STEP_COUNT, on, Vec::new(), &Pairs::default()).days[&day].flags & flag::NO_PAUSE,
        0
    );
}

/// The same rules written the slow way: every slice of every cut looks at every piece.
fn naive(pieces: &[Piece]) -> BTreeMap<LocalDay, i64> {
    let pieces: Vec<&Piece> = pieces.iter().filter(|piece| piece.count > 0).collect();
    let better = |one: &Piece, other: &Piece| {
        let order = |piece: &Piece| {
            (
                piece.rank,
                -piece.asserted,
                piece.start,
                piece.end,
                piece.source,
                -piece.count,
            )
        };
        order(one) < order(other)
    };
    let part = |piece: &Piece, from: i64, until: i64| {
        let length = piece.end - piece.start;
        piece.count * (until - piece.start) / length - piece.count * (from - piece.start) / length
    };
    let day = |piece: &Piece, at: i64| LocalDay(((at + i64::from(piece.offset) * MINUTE_MS).div_euclid(DAY_MS)) as i32);
    let coarse: Vec<&Piece> = pieces
        .iter()
        .copied()
        .filter(|piece| piece.end - piece.start > HOUR_MS)
        .collect();
    let fine: Vec<&Piece> = pieces
        .iter()
        .copied()
        .filter(|piece| piece.end - piece.start <= HOUR_MS)
        .collect();
    let mut cuts: Vec<i64> = pieces.iter().flat_map(|piece| [piece.start, piece.end]).collect();
    for piece in &pieces {
        for date in day(piece, piece.start).0..=day(piece, piece.end).0 {
            cuts.push(i64::from(date) * DAY_MS - i64::from(piece.offset) * MINUTE_MS);
        }
    }
    cuts.sort_unstable();
    cuts.dedup();
    // (from, until, amount, day)
    let mut slices: Vec<(i64, i64, i64, LocalDay)> = Vec::new();
    let best = |set: &[&Piece], from: i64, until: i64| -> Option<Piece> {
        let mut best: Option<&Piece> = None;
        for piece in set
            .iter()
            .copied()
            .filter(|piece| piece.start <= from && until <= piece.end && piece.start < piece.end)
        {
            if best.is_none_or(|known| better(piece, known)) {
                best = Some(piece);
            }
        }
        best.cloned()
    };
    for pair in cuts.windows(2) {
        if let Some(winner) = best(&fine, pair[0], pair[1]) {
            slices.push((pair[0], pair[1], part(&winner, pair[0], pair[1]), day(&winner, pair[0])));
        }
    }
    for at in &cuts {
        let mut here: Vec<&Piece> = fine
            .iter()
            .copied()
            .filter(|piece| piece.start == *at && piece.end == *at)
            .collect();
        here.sort_by_key(|piece| (piece.rank, -piece.asserted, piece.source, -piece.count));
        if let Some(first) = here.first() {
            let covered = fine
                .iter()
                .any(|piece| piece.start <= *at && *at < piece.end && better(piece, first));
            if !covered {
                slices.push((*at, *at, first.count, day(first, *at)));
            }
        }
    }
    // Coarse parts, and the clusters they form.
    let mut parts: Vec<(i64, i64, &Piece)> = Vec::new();
    for piece in &coarse {
        let own: Vec<i64> = cuts
            .iter()
            .copied()
            .filter(|cut| {
                (*cut + i64::from(piece.offset) * MINUTE_MS).rem_euclid(DAY_MS) == 0
                    && *cut > piece.start
                    && *cut < piece.end
            })
            .collect();
        let mut from = piece.start;
        for until in own.into_iter().chain([piece.end]) {
            parts.push((from, until, piece));
            from = until;
        }
    }
    parts.sort_by_key(|(from, until, _)| (*from, *until));
    let mut clusters: Vec<(i64, i64)> = Vec::new();
    for (from, until, _) in &parts {
        match clusters.last_mut() {
            Some(last) if *from < last.1 => last.1 = last.1.max(*until),
            _ => clusters.push((*from, *until)),
        }
    }
    for (from, until) in clusters {
        let inside = |slice: &(i64, i64, i64, LocalDay)| slice.0 >= from && slice.0 < until;
        let mut winner = (
            slices
                .iter()
                .filter(|slice| inside(slice))
                .map(|slice| slice.2)
                .sum::<i64>(),
            None,
        );
        let mut sources: Vec<(u32, u16)> = parts
            .iter()
            .filter(|part| part.0 >= from && part.1 <= until)
            .map(|part| (part.2.rank, part.2.source))
            .collect();
        sources.sort_unstable();
        sources.dedup();
        for (_, source) in sources {
            let own: Vec<&Piece> = parts
                .iter()
                .filter(|part| part.0 >= from && part.1 <= until && part.2.source == source)
                .map(|part| part.2)
                .collect();
            let mut cover: Vec<(i64, i64, i64, LocalDay)> = Vec::new();
            for pair in cuts.windows(2).filter(|pair| pair[0] >= from && pair[1] <= until) {
                if let Some(piece) = best(&own, pair[0], pair[1]) {
                    cover.push((pair[0], pair[1], part(&piece, pair[0], pair[1]), day(&piece, pair[0])));
                }
            }
            let covered =
                |slice: &(i64, i64, i64, LocalDay)| cover.iter().any(|part| part.0 <= slice.0 && slice.0 < part.1);
            let value = cover.iter().map(|part| part.2).sum::<i64>()
                + slices
                    .iter()
                    .filter(|slice| inside(slice) && !covered(slice))
                    .map(|slice| slice.2)
                    .sum::<i64>();
            if value > winner.0 {
                winner = (value, Some(cover));
            }
        }
        if let (_, Some(cover)) = winner {
            slices.retain(|slice| !cover.iter().any(|part| part.0 <= slice.0 && slice.0 < part.1));
            slices.extend(cover);
        }
    }
    let mut days = BTreeMap::new();
    for (_, _, amount, day) in slices {
        *days.entry(day).or_default() += amount;
    }
    days.retain(|_, amount| *amount != 0);
    days
}

fn any_piece() -> impl Strategy<Value = Piece> {
    // Quarters of an hour over two days, with zero to long lengths, so that much overlaps and much touches.
    (
        0usize..6,
        0i64..190,
        0i64..9,
        1i64..5_000,
        0i64..3,
        prop_oneof![9 => Just(540i16), 1 => Just(-600), 1 => Just(345)],
    )
        .prop_map(|(kind, start, length, count, asserted, offset)| {
            let kind = ['W', 'B', 'R', 'P', 'T', 'A'][kind];
            let length = [0, 1, 2, 4, 4, 5, 9, 30, 96][length as usize];
            let quarter = 15 * MINUTE_MS;
            Piece {
                asserted,
                start: MAY_10 + start * quarter,
                end: MAY_10 + (start + length) * quarter,
                offset,
                ..piece(kind, 0.0, 0.0, count)
            }
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn any_samples_in_any_order_come_to_what_the_naive_twin_says(
        pieces in prop::collection::vec(any_piece(), 0..12),
        seed in any::<u64>(),
    ) {
        // One source has one rank, and twins of one key one count.
        let mut pieces = pieces;
        pieces.sort_by_key(|piece| (piece.source, piece.start, piece.end));
        pieces.dedup_by_key(|piece| (piece.source, piece.start, piece.end));
        let found = |pieces: Vec<Piece>| -> BTreeMap<LocalDay, i64> {
            let days = compute(Metric::FLOORS_CLIMBED, pieces, Vec::new(), &Pairs::default()).days;
            days.into_iter().map(|(day, amounts)| (day, amounts.total)).filter(|(_, total)| *total != 0).collect()
        };
        let straight = found(pieces.clone());
        prop_assert_eq!(&straight, &naive(&pieces));
        let random = model::environment::SeededRandomness::new(seed);
        for place in (1..pieces.len()).rev() {
            pieces.swap(place, random.below(place as u64 + 1) as usize);
        }
        prop_assert_eq!(&straight, &found(pieces));
    }

    /// What one device tells in its turn needs no comparing, and comes to what comparing makes of it, also where it touches midnight.
    #[test]
    fn samples_in_turn_come_to_what_they_come_to_in_any_other_order(
        told in prop::collection::vec((0i64..3, 0i64..5, 1i64..5_000, 0i64..3), 0..40),
        from in 80i64..100,
    ) {
        let mut at = MAY_10 + from * 15 * MINUTE_MS;
        let pieces: Vec<Piece> = told
            .into_iter()
            .map(|(pause, length, count, asserted)| {
                let start = at + pause * 15 * MINUTE_MS;
                at = start + length * 15 * MINUTE_MS;
                Piece { asserted, start, end: at, ..piece('W', 0.0, 0.0, count) }
            })
            .collect();
        let found = |pieces: Vec<Piece>| compute(Metric::FLOORS_CLIMBED, pieces, Vec::new(), &Pairs::default()).days;
        let mut backwards = pieces.clone();
        backwards.reverse();
        prop_assert_eq!(found(pieces), found(backwards));
    }

    /// Wherever no sample goes on, a sweep can stop, and what follows comes to the same.
    #[test]
    fn a_sweep_goes_on_where_it_stopped(pieces in prop::collection::vec((any_piece(), any::<bool>()), 0..40)) {
        let mut pieces: Vec<Piece> = pieces
            .into_iter()
            .map(|(piece, manual)| Piece { manual, ..piece })
            .collect();
        pieces.sort_by_key(|piece| piece.start);
        let whole = compute(Metric::STEP_COUNT, pieces.clone(), Vec::new(), &Pairs::default()).days;
        let mut so_far = SoFar::of(Metric::STEP_COUNT);
        let (mut stretch, mut reached): (Vec<Piece>, i64) = (Vec::new(), i64::MIN);
        for piece in pieces {
            if piece.start >= reached && stretch.last().is_none_or(|last| last.start < piece.start) {
                so_far.add(std::mem::take(&mut stretch));
            }
            reached = reached.max(piece.end);
            stretch.push(piece);
        }
        so_far.add(stretch);
        prop_assert_eq!(so_far.days(&[]), whole);
    }
}
