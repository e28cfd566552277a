//! Comparing terms: examples, and a twin that looks at everything two consents give at every instant.

use std::collections::BTreeSet;

use model::{ConsentCategory, LocalDay};
use proptest::prelude::*;

use super::*;
use crate::grant::Detail;
use crate::testing::{REQUEST, Seen, consent, decided, grant, grants, identities, seen};

fn days(from: i32, until: i32) -> DataPeriod {
    DataPeriod {
        from: Some(LocalDay(from)),
        until: Some(LocalDay(until)),
    }
}

fn of_days(from: i32, until: i32) -> Grant {
    Grant {
        period: days(from, until),
        ..grant(ConsentCategory::Activity, Detail::Daily)
    }
}

#[test]
fn several_grants_cover_one_together() {
    let whole = of_days(1, 10);
    // Day 4 is a Monday: no week is cut in two.
    assert!(grant_within(&whole, &[of_days(4, 10), of_days(1, 3)]));
    assert!(
        !grant_within(&whole, &[of_days(5, 10), of_days(1, 4)]),
        "a week is cut in two"
    );
    assert!(
        !grant_within(&whole, &[of_days(1, 3), of_days(5, 10)]),
        "day 4 is missing"
    );
    assert!(!grant_within(&whole, &[]));
    let of_sources = |numbers: &[u16], period| Grant {
        sources: Sources::Only(numbers.to_vec()),
        period,
        ..whole.clone()
    };
    let inner = of_sources(&[1, 2], days(1, 10));
    assert!(grant_within(
        &inner,
        &[of_sources(&[1], days(1, 10)), of_sources(&[2, 3], days(0, 12))]
    ));
    assert!(!grant_within(
        &inner,
        &[of_sources(&[1], days(1, 10)), of_sources(&[2], days(1, 9))]
    ));
}

#[test]
fn a_source_that_comes_later_is_given_by_all_sources_only() {
    let all = grant(ConsentCategory::Activity, Detail::Daily);
    let every_number = Grant {
        sources: Sources::Only((0..4_096).collect()),
        ..all.clone()
    };
    assert!(!grant_within(&all, std::slice::from_ref(&every_number)));
    assert!(grant_within(&every_number, &[all]));
}

#[test]
fn a_new_version_says_which_way_it_moved() {
    let terms = |grants| Terms {
        grants,
        identity: IdentityGrant::NOTHING,
    };
    let (short, long) = ([of_days(1, 5)], [of_days(1, 9)]);
    let moved = |old, new| {
        let difference = terms(old).difference(terms(new));
        (difference.narrowed, difference.widened)
    };
    assert_eq!(moved(&short, &long), (false, true));
    assert_eq!(moved(&long, &short), (true, false));
    assert_eq!(moved(&short, &short), (false, false));
    assert_eq!(moved(&[of_days(0, 4)], &short), (true, true));
}

/// Everything that terms give in the small world, each thing with its instant.
fn given(grants: &[Grant], identity: IdentityGrant) -> BTreeSet<(i64, Seen)> {
    let consent = crate::Consent {
        identity,
        ..consent(grants.to_vec())
    };
    (0..=10)
        .flat_map(|now| {
            let decision = decided(REQUEST, std::slice::from_ref(&consent), now);
            seen(&decision).into_iter().map(move |thing| (now, thing))
        })
        .collect()
}

/// The small world ends at its last day; grants compared in it must too.
fn bounded(mut grant: Grant) -> Grant {
    grant.period.from = grant.period.from.max(Some(LocalDay(0)));
    grant.period.until = Some(grant.period.until.map_or(LocalDay(7), |until| until.min(LocalDay(7))));
    grant
}

proptest! {
    #[test]
    fn within_means_that_nothing_more_is_given(
        inner in proptest::collection::vec(grants().prop_map(bounded), 0..3),
        outer in proptest::collection::vec(grants().prop_map(bounded), 0..5),
        inner_identity in identities(), outer_identity in identities(),
    ) {
        let terms = |grants, identity| Terms { grants, identity };
        let inner_terms = terms(&inner[..], inner_identity);
        let outer_terms = terms(&outer[..], outer_identity);
        let subset = given(&inner, inner_identity).is_subset(&given(&outer, outer_identity));
        // The last day of the small world is never before another, so whether it shows there before it is over is seen. No week
        // and no month is whole in it: grants of those seem to give nothing.
        let whole = |grant: &Grant| !matches!(grant.detail, Detail::Weekly | Detail::Monthly);
        if inner.iter().all(whole) {
            prop_assert_eq!(inner_terms.within(outer_terms), subset);
        } else {
            prop_assert!(!inner_terms.within(outer_terms) || subset);
        }
        prop_assert!(inner_terms.within(inner_terms));
    }
}

#[test]
fn a_week_that_two_grants_share_is_given_by_neither() {
    // 2026-11-23 is a Monday.
    let of = |from: &str, until: &str, detail| Grant {
        period: DataPeriod {
            from: LocalDay::parse(from),
            until: LocalDay::parse(until),
        },
        ..grant(ConsentCategory::Activity, detail)
    };
    for detail in [Detail::Weekly, Detail::Daily, Detail::Raw] {
        let whole = [of("2026-11-01", "2026-11-30", detail)];
        let halves = [
            of("2026-11-01", "2026-11-25", detail),
            of("2026-11-26", "2026-11-30", detail),
        ];
        let weeks = [
            of("2026-11-01", "2026-11-22", detail),
            of("2026-11-23", "2026-11-30", detail),
        ];
        assert!(!grant_within(&whole[0], &halves), "{detail:?}: the week of the 26th");
        assert!(halves.iter().all(|half| grant_within(half, &whole)));
        // Parted at a week's beginning the weeks are whole; the month is not.
        assert!(!grant_within(&whole[0], &weeks), "{detail:?}: the month");
    }
    let parted = [
        of("2026-10-01", "2026-11-29", Detail::Daily),
        of("2026-11-30", "2026-12-31", Detail::Daily),
    ];
    let days_alone = of("2026-10-05", "2026-12-20", Detail::Event);
    assert!(grant_within(&days_alone, &parted), "events are of days");
}
