//! Days: resolved between sources, corrected when something comes late, final after two days, the same in any order.

use model::environment::SeededRandomness;
use model::time::{DAY_MS, HOUR_MS};
use model::vocabulary::Metric;
use model::{Flags, LocalDay, Offset, OffsetTrust, PersonId, Sample, UtcMillis, Value};
use proptest::prelude::*;
use store::{DayStatus, Result, Search};

use crate::deliveries::*;
use crate::harness::House;

const ASSERTED: UtcMillis = UtcMillis(1_780_272_000_000);

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_and_a_phone_never_count_the_same_walk_twice() {
    let house = House::new().await;
    let person = house.person().await;
    let typed = Sample {
        flags: Flags::USER_ENTERED,
        ..steps(PHONE, at(20, 0), at(20, 0), 5_000)
    };
    let walks = vec![
        steps(WATCH, at(8, 0), at(8, 30), 3_000),
        steps(PHONE, at(8, 20), at(8, 50), 3_300),
        typed,
    ];
    import(&house, person, ASSERTED, walks).await;
    let total = total(&house, person, Metric::STEP_COUNT, "2026-05-10")
        .await
        .expect("a total");
    assert_eq!((total.eligible, total.total, total.manual), (5_200, 10_200, 5_000));
    assert_eq!(
        total.shares.iter().map(|share| share.eligible).collect::<Vec<_>>(),
        [3_000, 2_200]
    );
    assert!(store::day_flag_codes(total.flags).any(|code| code == "multi-source-resolved"));
}

/// A day's total as a vendor states it, without a zone.
fn stated(source: u16, date: &str, count: i64) -> Sample {
    let start = day(date).start(Offset::given(0));
    Sample {
        offset: Offset {
            minutes: 0,
            trust: OffsetTrust::None,
        },
        end_offset_minutes: 0,
        ..quantity(Metric::DAILY_STEP_COUNT, source, start, start, count, 0)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_is_stated_without_a_zone_is_that_of_who_lives_there() {
    let house = House::new().await;
    let person = house.person().await;
    // In Japan a day is nine hours old when it begins in UTC: the way to work lies before that.
    let told = vec![
        steps(PHONE, at(7, 30), at(8, 0), 3_000),
        steps(PHONE, at(18, 0), at(18, 30), 3_000),
        steps(PHONE, at(24 + 7, 30), at(24 + 8, 0), 2_500),
        stated(WATCH, "2026-05-10", 8_000),
    ];
    import(&house, person, ASSERTED, told).await;
    let of = async |date| {
        total(&house, person, Metric::STEP_COUNT, date)
            .await
            .expect("a total")
            .total
    };
    assert_eq!(
        of("2026-05-10").await,
        8_000,
        "the one that knows more, and nothing besides"
    );
    assert_eq!(of("2026-05-11").await, 2_500, "the next day is as it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_sample_amends_a_day_that_was_final_and_a_preliminary_day_becomes_final_by_itself() {
    let house = House::new().await;
    let person = house.person().await;
    house.clock.set(at(12, 0));
    import(&house, person, ASSERTED, vec![steps(PHONE, at(8, 0), at(9, 0), 6_000)]).await;
    let look = async || {
        total(&house, person, Metric::STEP_COUNT, "2026-05-10")
            .await
            .expect("a total")
    };
    let first = look().await;
    assert_eq!(
        (first.eligible, first.version, first.status),
        (6_000, 1, DayStatus::Preliminary)
    );
    house.clock.set(at(24 + 48, 0));
    let settled = look().await;
    assert_eq!(
        (settled.version, settled.status, settled.updated),
        (2, DayStatus::Final, at(24 + 48, 0))
    );
    house.clock.set(at(100, 0));
    import(
        &house,
        person,
        ASSERTED.plus(1_000),
        vec![steps(WATCH, at(8, 10), at(8, 50), 4_400)],
    )
    .await;
    let amended = look().await;
    assert_eq!(
        (amended.eligible, amended.version, amended.status),
        (6_400, 3, DayStatus::Amended)
    );
    assert_eq!(amended.key, first.key);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poller_hears_that_a_day_became_final() {
    let house = House::new().await;
    let person = house.person().await;
    house.clock.set(at(12, 0));
    import(&house, person, ASSERTED, vec![steps(PHONE, at(8, 0), at(9, 0), 6_000)]).await;
    let poll = async |from: UtcMillis| {
        let search = Search {
            raw: Vec::new(),
            daily: vec![Metric::STEP_COUNT],
            sort: store::Sort::LastUpdated,
            updated: (Some(from), None),
            ..search_for(&house, Metric::STEP_COUNT)
        };
        page(&house, person, search).await.records.len()
    };
    assert_eq!(poll(at(12, 0)).await, 1);
    assert_eq!(poll(at(13, 0)).await, 0);
    house.clock.set(at(24 + 48, 1));
    assert_eq!(poll(at(13, 0)).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_total_says_how_it_came_about() {
    let house = House::new().await;
    let person = house.person().await;
    let walks = vec![
        steps(WATCH, at(8, 0), at(8, 30), 3_000),
        steps(PHONE, at(8, 0), at(8, 30), 3_200),
        steps(PHONE, at(12, 0), at(12, 10), 5_000),
    ];
    import(&house, person, ASSERTED, walks).await;
    let own = consent::OwnAccess::of_signed_in(person);
    let told = house
        .store
        .explain_total(&own, Metric::STEP_COUNT, day("2026-05-10"), house.now())
        .await
        .expect("an explanation");
    let lines: Vec<(i64, &str)> = told.pieces.iter().map(|piece| (piece.amount, piece.reason)).collect();
    assert_eq!(lines, [(3_000, ""), (0, "covered-by-another"), (5_000, "cadence")]);
    assert_eq!(
        told.total.map(|total| (total.eligible, total.total)),
        Some((3_000 + 2_400, 8_000))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_night_belongs_to_the_day_it_ends_and_to_one_source() {
    let house = House::new().await;
    let person = house.person().await;
    let segments = vec![
        stage(PHONE, at(22, 30), at(31, 0), "in-bed"),
        stage(WATCH, at(23, 0), at(24, 0), "light"),
        // Core over deep, as real data has it: the stronger counts, once.
        stage(WATCH, at(23, 30), at(25, 0), "deep"),
        stage(WATCH, at(25, 0), at(25, 10), "awake"),
        stage(WATCH, at(25, 10), at(30, 0), "rem"),
        stage(WATCH, at(37, 0), at(38, 0), "light"),
    ];
    import(&house, person, ASSERTED, segments).await;
    let night = total(&house, person, Metric::SLEEP_DURATION, "2026-05-11")
        .await
        .expect("a night");
    assert_eq!(night.total, 120 + 290, "the nap is not added");
    assert_eq!(total(&house, person, Metric::SLEEP_DURATION, "2026-05-10").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mean_of_a_day_is_there_for_whatever_is_not_summed() {
    let house = House::new().await;
    let person = house.person().await;
    import(
        &house,
        person,
        ASSERTED,
        vec![pulse(at(8, 0), 60), pulse(at(9, 0), 71), pulse(at(23, 59), 65)],
    )
    .await;
    let search = Search {
        raw: Vec::new(),
        daily: vec![Metric::HEART_RATE],
        ..search_for(&house, Metric::HEART_RATE)
    };
    let records = page(&house, person, search).await.records;
    let [store::Record::Aggregate(day)] = &records[..] else {
        panic!("one day: {records:?}")
    };
    let shown = |values: &[Option<model::Measured>]| values[0].map(|value| value.to_string());
    assert_eq!(shown(&day.mean).as_deref(), Some("65"));
    assert_eq!(shown(&day.min).as_deref(), Some("60"));
    assert_eq!(shown(&day.max).as_deref(), Some("71"));
    assert_eq!((shown(&day.last).as_deref(), day.count), (Some("65"), 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn computing_anew_changes_nothing() {
    let mut house = House::new().await;
    let person = house.person().await;
    let walks = (0..400)
        .map(|hour| {
            steps(
                if hour % 3 == 0 { WATCH } else { PHONE },
                at(hour, 0),
                at(hour, 40),
                500,
            )
        })
        .collect();
    import(&house, person, ASSERTED, walks).await;
    let before = totals(&house, person, Metric::STEP_COUNT).await;
    assert!(before.len() > 10);
    let report = house.store.rebuild_totals(None).await.expect("a rebuild");
    assert_eq!((report.people, report.changed), (1, 0));
    house.reopen().await.expect("the folder opens again");
    assert_eq!(totals(&house, person, Metric::STEP_COUNT).await, before);
}

type Stated = (u16, i64, i64, i64);

/// What must not depend on any order: live samples with their values, and what days come to.
type Seen = (Vec<(u16, UtcMillis, UtcMillis, String)>, Vec<(LocalDay, i64, i64)>);

async fn seen(house: &House, person: PersonId) -> Seen {
    let mut live: Vec<_> = samples(house, person, Metric::STEP_COUNT)
        .await
        .into_iter()
        .map(|stored| {
            let Value::Quantity(value) = stored.sample.value else {
                panic!("a quantity")
            };
            (
                stored.sample.source,
                stored.sample.start,
                stored.sample.end,
                value.to_string(),
            )
        })
        .collect();
    live.sort();
    let days = totals(house, person, Metric::STEP_COUNT)
        .await
        .into_iter()
        .filter(|total| total.total != 0)
        .map(|total| (total.day, total.eligible, total.total))
        .collect();
    (live, days)
}

async fn play(deliveries: &[(UtcMillis, Vec<Sample>)], piece: usize) -> Result<Seen> {
    let house = House::new().await;
    let person = house.person().await;
    for (asserted, samples) in deliveries {
        import_in_pieces(&house.store, person, *asserted, samples.clone(), piece).await?;
    }
    let found = seen(&house, person).await;
    assert_eq!(
        house.store.rebuild_totals(None).await?.changed,
        0,
        "days are what their samples say"
    );
    Ok(found)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]
    #[test]
    fn any_order_of_batches_and_records_comes_to_the_same(
        exports in prop::collection::vec(prop::collection::vec((0u16..2, 0i64..40, 1i64..9, 1i64..4), 1..12), 2..4),
        seed in any::<u64>(),
    ) {
        let sample = |(source, start, length, count): Stated| {
            steps(source, at(0, start * 30), at(0, start * 30).plus(length * HOUR_MS / 4), count * 1_000)
        };
        // Each export repeats a part of the one before, with corrections, and comes a day later.
        let deliveries: Vec<(UtcMillis, Vec<Sample>)> = exports
            .iter()
            .enumerate()
            .map(|(place, stated)| (ASSERTED.plus(place as i64 * DAY_MS), stated.iter().copied().map(sample).collect()))
            .collect();
        let mut shuffled = deliveries.clone();
        let random = SeededRandomness::new(seed);
        for place in (1..shuffled.len()).rev() {
            shuffled.swap(place, random.below(place as u64 + 1) as usize);
        }
        shuffled.iter_mut().for_each(|(_, samples)| samples.reverse());
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let (straight, other) = runtime.block_on(async {
            let straight = play(&deliveries, usize::MAX).await.expect("one order");
            (straight, play(&shuffled, 3).await.expect("another order"))
        });
        prop_assert_eq!(straight, other);
    }
}
