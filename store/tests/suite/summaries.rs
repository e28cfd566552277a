//! Weeks, months and events: computed of days, whole or not at all, and nothing finer on any path.

use consent::{Consent, Detail, Grant};
use model::ConsentCategory::{Activity, Heart};
use model::time::DAY_MS;
use model::{LocalDay, Metric, PersonId, RecordKey, Summary, UtcMillis};
use proptest::prelude::*;
use store::{Access, Record, Result, Search, Sort};

use crate::deliveries::*;
use crate::harness::{House, draft};

const ASSERTED: UtcMillis = UtcMillis(1_780_272_000_000);

/// 2026-05-10 is a Sunday: day 0 of these tests ends a week, day 1 begins the next.
fn walks(days: std::ops::Range<i64>) -> Vec<model::Sample> {
    days.map(|day| steps(PHONE, at(day * 24 + 8, 0), at(day * 24 + 9, 0), 1_000 + day))
        .collect()
}

async fn given(house: &House, person: PersonId, detail: Detail, change: impl Fn(&mut Grant)) -> Result<Consent> {
    let recipient = house.recipient().await;
    let mut draft = draft(person, recipient, &[Activity, Heart], detail);
    for grant in &mut draft.grants {
        grant.running_day = false;
        change(grant);
    }
    draft.asked.grants.clone_from(&draft.grants);
    house.store.give_consent(draft).await
}

async fn found(house: &House, consent: &Consent, search: Search) -> Result<Vec<Record>> {
    let decision = house.decide(consent).await?;
    let search = Search {
        count: 1_000,
        now: house.now(),
        ..search
    };
    Ok(house.store.search(Access::Decision(&decision), search).await?.records)
}

fn of(summary: Summary) -> Search {
    Search {
        summaries: vec![(Metric::STEP_COUNT, summary)],
        ..Search::default()
    }
}

fn sums(records: &[Record]) -> Vec<(String, i64)> {
    records
        .iter()
        .map(|record| match record {
            Record::Total(total) => (total.day.to_string(), total.eligible),
            other => panic!("{other:?}"),
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_week_is_the_sum_of_its_days_and_shows_once_it_is_over() -> Result<()> {
    let house = House::new().await;
    let person = house.person().await;
    // Day 14 is a Sunday: two weeks and a day are over after it.
    import(&house, person, ASSERTED, walks(0..15)).await;
    house.clock.set(at(14 * 24 + 12, 0));
    let consent = given(&house, person, Detail::Weekly, |_| {}).await?;
    let weeks = |days: std::ops::RangeInclusive<i64>| days.map(|day| 1_000 + day).sum::<i64>();
    let found_now = found(&house, &consent, of(Summary::Week)).await?;
    assert_eq!(
        sums(&found_now),
        [
            ("2026-05-04".to_owned(), 1_000),
            ("2026-05-11".to_owned(), weeks(1..=7))
        ]
    );
    house.clock.set(at(15 * 24, 0));
    let found_after = found(&house, &consent, of(Summary::Week)).await?;
    assert_eq!(sums(&found_after)[2], ("2026-05-18".to_owned(), weeks(8..=14)));
    for record in &found_after {
        // When a day of it changed is finer than the week.
        let (_, last) = record.days();
        assert!(
            record.updated() >= at((i64::from(last.0) - 20_583) * 24 + 24, 0),
            "{record:?}"
        );
    }
    // Nothing finer, in any way of asking; months come of weeks' ladder.
    for finer in [of(Summary::Day), of(Summary::Event)] {
        assert!(found(&house, &consent, finer).await?.is_empty());
    }
    let raw = Search {
        raw: vec![Metric::STEP_COUNT],
        daily: vec![Metric::STEP_COUNT],
        sort: Sort::LastUpdated,
        ..Search::default()
    };
    assert!(found(&house, &consent, raw).await?.is_empty());
    house.clock.set(at(30 * 24, 0));
    let months = found(&house, &consent, of(Summary::Month)).await?;
    assert_eq!(sums(&months), [("2026-05-01".to_owned(), weeks(0..=14))]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_week_that_a_grant_holds_a_part_of_is_not_given() -> Result<()> {
    let house = House::new().await;
    let person = house.person().await;
    import(&house, person, ASSERTED, walks(0..29)).await;
    house.clock.set(at(60 * 24, 0));
    // From a Wednesday to a Wednesday: only the weeks wholly inside.
    let consent = given(&house, person, Detail::Daily, |grant| {
        grant.period.from = LocalDay::parse("2026-05-13");
        grant.period.until = LocalDay::parse("2026-05-27");
    })
    .await?;
    let weeks = found(&house, &consent, of(Summary::Week)).await?;
    assert_eq!(
        sums(&weeks).iter().map(|(day, _)| day.as_str()).collect::<Vec<_>>(),
        ["2026-05-18"]
    );
    assert!(found(&house, &consent, of(Summary::Month)).await?.is_empty());
    assert_eq!(found(&house, &consent, of(Summary::Day)).await?.len(), 15);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_says_that_it_took_place_and_on_which_day() -> Result<()> {
    let house = House::new().await;
    let person = house.person().await;
    import(&house, person, ASSERTED, walks(0..3)).await;
    house.clock.set(at(2 * 24 + 12, 0));
    let consent = given(&house, person, Detail::Event, |_| {}).await?;
    let events = found(&house, &consent, of(Summary::Event)).await?;
    let days: Vec<_> = events
        .iter()
        .map(|record| match record {
            Record::Event(event) => (event.day.to_string(), event.metric),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        days,
        [
            ("2026-05-10".to_owned(), Metric::STEP_COUNT),
            ("2026-05-11".to_owned(), Metric::STEP_COUNT)
        ],
        "the running day is not over"
    );
    for finer in [of(Summary::Day), of(Summary::Week), of(Summary::Month)] {
        assert!(found(&house, &consent, finer).await?.is_empty());
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_found_by_its_key_at_its_own_detail_only() -> Result<()> {
    let house = House::new().await;
    let person = house.person().await;
    import(&house, person, ASSERTED, walks(0..15)).await;
    house.clock.set(at(40 * 24, 0));
    for detail in Detail::ALL {
        let consent = given(&house, person, detail, |_| {}).await?;
        let decision = house.decide(&consent).await?;
        for (summary, day) in [
            (Summary::Day, "2026-05-12"),
            (Summary::Week, "2026-05-11"),
            (Summary::Month, "2026-05-01"),
            (Summary::Event, "2026-05-12"),
            // No week begins on a Tuesday, no month on a second.
            (Summary::Week, "2026-05-12"),
            (Summary::Month, "2026-05-02"),
        ] {
            let day = LocalDay::parse(day).expect("a day");
            let key = RecordKey {
                person,
                kind: model::RecordKind::Total,
                metric: Metric::STEP_COUNT,
                source: 0,
                start: UtcMillis(i64::from(day.0) * DAY_MS),
                tie_break: summary as u16,
            };
            let record = house
                .store
                .record(Access::Decision(&decision), key, house.now())
                .await?;
            let is_given = detail.includes(Detail::of(summary)) && summary.first(day) == day;
            assert_eq!(record.is_some(), is_given, "{detail:?}: {summary:?} of {day}");
            assert!(record.is_none_or(|record| record.key() == key));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn no_path_yields_anything_finer_than_the_detail(
        detail in proptest::sample::select(Detail::ALL.to_vec()),
        running in any::<bool>(),
        from in proptest::option::of(0_i32..20),
        until in proptest::option::of(10_i32..40),
        now in 1_i64..40,
        days in proptest::collection::btree_set(0_i64..30, 1..12),
    ) {
        prop_assume!(from.zip(until).is_none_or(|(from, until)| from <= until));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let house = House::new().await;
            let person = house.person().await;
            let walks = days.iter().map(|day| steps(PHONE, at(day * 24 + 8, 0), at(day * 24 + 9, 0), 100)).collect();
            import(&house, person, ASSERTED, walks).await;
            house.clock.set(at(now * 24 + 12, 0));
            let first = LocalDay::parse("2026-05-10").expect("a day");
            let consent = given(&house, person, detail, |grant| {
                grant.running_day = running;
                grant.period.from = from.map(|days| first.plus(days));
                grant.period.until = until.map(|days| first.plus(days));
            }).await.expect("a consent");
            let everything = |sort| Search {
                raw: vec![Metric::STEP_COUNT],
                daily: vec![Metric::STEP_COUNT],
                summaries: Summary::ALL.map(|summary| (Metric::STEP_COUNT, summary)).to_vec(),
                sort,
                ..Search::default()
            };
            let today = first.plus(now as i32);
            for sort in [Sort::Date, Sort::DateDescending, Sort::LastUpdated] {
                for record in found(&house, &consent, everything(sort)).await.expect("a page") {
                    let asked = match &record {
                        Record::Sample(_) => Detail::Raw,
                        Record::Total(total) => Detail::of(total.summary),
                        Record::Aggregate(aggregate) => Detail::of(aggregate.summary),
                        Record::Event(_) => Detail::Event,
                    };
                    prop_assert!(detail.includes(asked), "{record:?} under {detail:?}");
                    let (begins, ends) = record.days();
                    prop_assert!(from.is_none_or(|days| first.plus(days) <= begins), "{record:?}");
                    prop_assert!(until.is_none_or(|days| ends <= first.plus(days)), "{record:?}");
                    if detail != Detail::Raw && !running {
                        prop_assert!(ends < today, "{record:?} before it was over");
                    }
                }
            }
            Ok(())
        })?;
    }
}
