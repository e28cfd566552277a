//! The cases that decided how samples are stored, each by its name (the store's design, section 7).

use model::vocabulary::Metric;
use model::{Measured, Sample, UtcMillis, Value};
use store::{Access, Record, Search, Sort};

use crate::deliveries::*;
use crate::harness::House;

const JUNE: UtcMillis = UtcMillis(1_780_272_000_000);

fn later(days: i64) -> UtcMillis {
    JUNE.plus(days * model::time::DAY_MS)
}

#[tokio::test(flavor = "multi_thread")]
async fn late_sample_far_back() {
    let house = House::new().await;
    let person = house.person().await;
    let many: Vec<Sample> = (0..10_000)
        .map(|minute| pulse(at(0, minute), 60 + minute % 40))
        .collect();
    import(&house, person, JUNE, many).await;
    let years_ago = at(-24 * 900, 0);
    import(
        &house,
        person,
        later(1),
        vec![pulse(years_ago, 50), pulse(at(50, 0).plus(1_000), 51)],
    )
    .await;
    let found = samples(&house, person, Metric::HEART_RATE).await;
    assert_eq!(found.len(), 10_002);
    assert_eq!(found[0].sample.start, years_ago);
    assert!(found.is_sorted_by_key(|stored| stored.sample.start));
    assert_eq!(totals(&house, person, Metric::STEP_COUNT).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn export_in_another_unit() {
    let house = House::new().await;
    let person = house.person().await;
    import(
        &house,
        person,
        JUNE,
        vec![weight(at(7, 0), 652), weight(at(31, 0), 655)],
    )
    .await;
    let first = samples(&house, person, Metric::BODY_WEIGHT).await;
    // 143.7 lb and 144.4 lb, converted exactly: shown with one decimal.
    let pounds = |start, mantissa| Sample {
        value: Value::Quantity(Measured {
            mantissa,
            scale: 9,
            digits: 1,
        }),
        ..weight(start, 0)
    };
    let again = vec![pounds(at(7, 0), 65_181_223_569), pounds(at(31, 0), 65_498_738_228)];
    let report = import(&house, person, later(1), again).await;
    assert_eq!((report.samples_new, report.versions_new), (0, 0));
    assert_eq!(samples(&house, person, Metric::BODY_WEIGHT).await, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn old_export_after_a_newer_one_in_both_orders() {
    let old = vec![weight(at(7, 0), 652), weight(at(31, 0), 655)];
    let new = vec![weight(at(7, 0), 660), weight(at(31, 0), 655), weight(at(55, 0), 651)];
    let house = House::new().await;
    let (forward, backward) = (house.person().await, house.person().await);
    import(&house, forward, JUNE, old.clone()).await;
    assert_eq!(import(&house, forward, later(1), new.clone()).await.versions_new, 1);
    import(&house, backward, later(1), new).await;
    assert_eq!(ended(&import(&house, backward, JUNE, old).await), (0, 2, 1));
    let expected = ["66.0", "65.5", "65.1"];
    assert_eq!(values(&house, forward, Metric::BODY_WEIGHT).await, expected);
    assert_eq!(values(&house, backward, Metric::BODY_WEIGHT).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn export_while_abroad() {
    let house = House::new().await;
    let person = house.person().await;
    let walk = steps(PHONE, at(8, 0), at(8, 30), 3_000);
    import(&house, person, JUNE, vec![assumed(walk.clone(), 540)]).await;
    let before = samples(&house, person, Metric::STEP_COUNT).await;
    let report = import(&house, person, later(1), vec![assumed(walk, -600)]).await;
    assert_eq!((report.samples_new, report.versions_new), (0, 0));
    assert_eq!(samples(&house, person, Metric::STEP_COUNT).await, before);
    let total = total(&house, person, Metric::STEP_COUNT, "2026-05-10")
        .await
        .expect("a total");
    assert_eq!((total.eligible, total.version), (3_000, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_sleep_sessions_joined_by_a_late_segment() {
    let house = House::new().await;
    let person = house.person().await;
    let early = stage(WATCH, at(23, 0), at(25, 0), "light");
    let late = stage(WATCH, at(27, 0), at(30, 0), "deep");
    import(&house, person, JUNE, vec![early, late]).await;
    let nights = samples(&house, person, Metric::SLEEP_SESSION).await;
    assert_eq!(nights.len(), 2);
    import(
        &house,
        person,
        later(1),
        vec![stage(WATCH, at(25, 10), at(26, 50), "rem")],
    )
    .await;
    let joined = samples(&house, person, Metric::SLEEP_SESSION).await;
    assert_eq!(joined.len(), 1);
    assert_eq!(
        (joined[0].key, joined[0].version),
        (nights[0].key, 2),
        "the earliest keeps its id"
    );
    assert_eq!((joined[0].sample.start, joined[0].sample.end), (at(23, 0), at(30, 0)));
    let dead: Vec<_> = touched(&house, person, Metric::SLEEP_SESSION)
        .await
        .into_iter()
        .filter(|night| night.dead)
        .collect();
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].key, nights[1].key);
    let own = consent::OwnAccess::of_signed_in(person);
    for key in [joined[0].key, dead[0].key] {
        let found = house
            .store
            .record(Access::Own(&own), key, house.now())
            .await
            .expect("a read");
        assert_eq!(found.map(|record| record.key()), Some(key));
    }
    let night = total(&house, person, Metric::SLEEP_DURATION, "2026-05-11")
        .await
        .expect("a night");
    assert_eq!(night.total, 120 + 100 + 180);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_hour_interval_found_by_a_one_hour_search() {
    let house = House::new().await;
    let person = house.person().await;
    let mut walks: Vec<Sample> = (0..3_000)
        .map(|minute| steps(PHONE, at(0, minute), at(0, minute + 1), 10))
        .collect();
    walks.push(steps(PHONE, at(1, 0).plus(1_000), at(21, 0), 9_000));
    import(&house, person, JUNE, walks).await;
    let search = Search {
        times: between(at(20, 0), at(21, 0)),
        ..search_for(&house, Metric::STEP_COUNT)
    };
    let found = page(&house, person, search).await.records;
    let long = found.iter().filter(|record| match record {
        Record::Sample(stored) => stored.sample.end == at(21, 0) && stored.sample.duration_ms() > 3_600_000,
        _ => false,
    });
    assert_eq!(long.count(), 1);
    assert_eq!(found.len(), 61);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_bed_and_asleep_starting_together() {
    let house = House::new().await;
    let person = house.person().await;
    let night = |key| stage(PHONE, at(23, 0), at(30, 0), key);
    let report = import(&house, person, JUNE, vec![night("in-bed"), night("asleep-unspecified")]).await;
    assert_eq!(report.samples_new, 2);
    let found = samples(&house, person, Metric::SLEEP_STAGE).await;
    assert_eq!(
        found.iter().map(|stored| stored.key.tie_break).collect::<Vec<_>>(),
        [0, 1]
    );
    assert_eq!(
        ended(&import(&house, person, JUNE, vec![night("asleep-unspecified"), night("in-bed")]).await),
        (0, 2, 0)
    );
    let sessions = samples(&house, person, Metric::SLEEP_SESSION).await;
    assert_eq!(sessions.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn page_walk_under_writes() {
    let house = House::new().await;
    let person = house.person().await;
    let first: Vec<Sample> = (0..300).map(|minute| pulse(at(0, 2 * minute), 70)).collect();
    import(&house, person, JUNE, first).await;
    let mut search = Search {
        count: 50,
        ..search_for(&house, Metric::HEART_RATE)
    };
    let mut seen = Vec::new();
    let mut round = 0;
    loop {
        let page = page(&house, person, search.clone()).await;
        seen.extend(page.records.iter().map(Record::key));
        // Between two pages something new comes everywhere.
        let more: Vec<Sample> = (0..20)
            .map(|place| pulse(at(0, 30 * place + 1).plus(round * 1_000), 71))
            .collect();
        import(&house, person, later(round), more).await;
        round += 1;
        match page.next {
            Some(next) => search.after = Some(next),
            None => break,
        }
    }
    let mut once = seen.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), seen.len(), "nothing is seen twice");
    assert!(seen.is_sorted_by_key(|key| key.start));
    let even = seen
        .iter()
        .filter(|key| (key.start.0 / 60_000) % 2 == 0 && key.start.0 % 60_000 == 0)
        .count();
    assert_eq!(even, 300, "nothing that was there is missed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poller_by_update_meets_every_change_once() {
    let house = House::new().await;
    let person = house.person().await;
    import(
        &house,
        person,
        JUNE,
        (0..200).map(|minute| pulse(at(0, minute), 70)).collect(),
    )
    .await;
    house.clock.advance(60_000);
    let poll = |updated, after| Search {
        sort: Sort::LastUpdated,
        updated: (updated, None),
        after,
        count: 30,
        ..search_for(&house, Metric::HEART_RATE)
    };
    let mut seen = 0;
    let mut after = None;
    let last_commit = loop {
        let page = page(&house, person, poll(None, after)).await;
        seen += page.records.len();
        after = page.next;
        if after.is_none() {
            break page.last_commit;
        }
    };
    assert_eq!(seen, 200);
    import(
        &house,
        person,
        later(1),
        vec![pulse(at(0, 7), 99), pulse(at(40, 0), 80)],
    )
    .await;
    let news = page(&house, person, poll(Some(last_commit.plus(1)), None)).await;
    assert_eq!(news.records.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn clock_going_backwards() {
    let house = House::new().await;
    let person = house.person().await;
    import(&house, person, JUNE, vec![pulse(at(0, 1), 70)]).await;
    house.clock.advance(-3 * model::time::DAY_MS);
    import(&house, person, JUNE, vec![pulse(at(0, 2), 71)]).await;
    let found = touched(&house, person, Metric::HEART_RATE).await;
    assert_eq!(found.len(), 2);
    assert!(found[0].committed < found[1].committed, "commit times only grow");
    assert_eq!(found[1].sample.start, at(0, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_deliveries_at_one_instant_or_while_the_clock_went_back_the_last_is_the_later_statement() {
    let house = House::new().await;
    let person = house.person().await;
    for (back, rate) in [(0, 70), (0, 71), (3 * model::time::DAY_MS, 72)] {
        house.clock.advance(-back);
        import(&house, person, None, vec![pulse(at(0, 1), rate)]).await;
        let found = samples(&house, person, Metric::HEART_RATE).await;
        assert_eq!(found.len(), 1, "{rate}");
        assert_eq!(found[0].sample.value, pulse(at(0, 1), rate).value);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn full_disk() {
    let mut house = House::new().await;
    let person = house.person().await;
    import(&house, person, JUNE, vec![pulse(at(0, 1), 70)]).await;
    house.store.clone().close().await;
    let options = store::OpenOptions {
        size_limit: Some(260 * 1024),
        ..crate::harness::options(house.folder.path(), &house.clock, 9)
    };
    house.store = store::Store::open(options).await.expect("the small disk");
    // Values without a pattern: they do not compress.
    let random = model::environment::SeededRandomness::new(3);
    let many = (0..200_000)
        .map(|minute| pulse(at(1, minute), 40 + random.below(100_000) as i64))
        .collect();
    let refused = import_in_pieces(&house.store, person, JUNE, many, usize::MAX).await;
    assert_eq!(refused.err(), Some(store::StoreError::DiskFull));
    house.reopen().await.expect("the folder opens again");
    let found = samples(&house, person, Metric::HEART_RATE).await;
    assert_eq!(found[0].sample.start, at(0, 1));
    for finding in house.store.doctor().await.expect("a check") {
        assert!(finding.ok, "{finding:?}");
    }
}
