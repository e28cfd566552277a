//! What residents say of their checkups: once a kind and fiscal year, with the day or without, and what a consent shows of a year.

use consent::{DataPeriod, Detail, Grant};
use model::checkup::{Checkup, Found};
use model::time::DAY_MS;
use model::{ConsentCategory, Decimal, LocalDay, Metric, PersonId, RecordKey, Summary};
use store::{Access, Record, Result, Search, TimeBounds};

use crate::checkups::{WEIGHT, all, bring, document, finding, records};
use crate::deliveries::day;
use crate::harness::{House, draft, own};

const KIND: Metric = Metric::CHECKUP_SPECIFIC;

fn on(text: &str) -> Checkup {
    Checkup::declared(KIND, day(text), day("2026-05-10"), Vec::new())
}

fn of_year(year: i32) -> Checkup {
    Checkup::declared_of_year(KIND, year, day("2026-05-10")).expect("a year")
}

/// Days and word of each event there is, by date.
async fn events(house: &House, person: PersonId) -> Vec<(String, u32)> {
    let events = records(house, person, all())
        .await
        .into_iter()
        .filter(|record| record.sample.metric == KIND);
    let told = |record: store::StoredSample| {
        let (first, last) = record.days();
        let model::Value::Code(word) = record.sample.value else {
            panic!("{record:?}")
        };
        (format!("{first} {last}"), word)
    };
    events.map(told).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_year_is_said_once_and_gives_way_to_the_day_and_to_the_document() -> Result<()> {
    let house = House::new().await;
    let person = house.person().await;
    let year = ("2024-04-01 2025-03-31".to_owned(), 2);
    let at = |text: &str, word| (format!("{text} {text}"), word);
    for (said, expected) in [
        (of_year(2024), year.clone()),
        (of_year(2024), year.clone()),
        (on("2025-03-31"), at("2025-03-31", 2)),
        // Neither the year again nor another day of it is a second checkup.
        (of_year(2024), at("2025-03-31", 2)),
        (on("2024-06-10"), at("2025-03-31", 2)),
        (document("2024-06-10", 20, &[(WEIGHT, 62)]), at("2024-06-10", 1)),
        (of_year(2024), at("2024-06-10", 1)),
        (on("2025-03-31"), at("2024-06-10", 1)),
    ] {
        bring(&house, person, vec![said.clone()]).await?;
        assert_eq!(events(&house, person).await, [expected], "{said:?}");
    }
    bring(&house, person, vec![of_year(2023), of_year(2025)]).await?;
    assert_eq!(events(&house, person).await.len(), 3, "other years are others");

    // The first day of the year is a day like any other.
    let other = house.person().await;
    bring(&house, other, vec![of_year(2024), on("2024-04-01")]).await?;
    assert_eq!(events(&house, other).await, [at("2024-04-01", 2)]);
    bring(&house, other, vec![of_year(2024)]).await?;
    assert_eq!(events(&house, other).await, [at("2024-04-01", 2)]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_resident_says_last_holds_also_within_a_day() -> Result<()> {
    let house = House::new().await;
    let person = house.person().await;
    let weighing = |kilograms: i64| {
        let mut said = on("2025-06-10");
        said.findings = vec![finding(WEIGHT, kilograms)];
        said
    };
    for kilograms in [62, 61, 63] {
        bring(&house, person, vec![weighing(kilograms)]).await?;
        let found = records(&house, person, all()).await;
        let store::OfCheckup::Result(weight) = found[0].of_checkup.clone().expect("a result") else {
            panic!("{found:?}")
        };
        assert_eq!(
            weight.result,
            Found::Quantity(Decimal::whole(kilograms), "kg".to_owned())
        );
    }
    for said in [weighing(61), of_year(2024)] {
        bring(&house, person, vec![said.clone()]).await?;
        let before = events(&house, person).await.len();
        bring(&house, person, vec![said.taken_back(day("2026-05-10"))]).await?;
        assert_eq!(events(&house, person).await.len(), before - 1);
        bring(&house, person, vec![said]).await?;
        assert_eq!(events(&house, person).await.len(), before, "said again after all");
    }
    Ok(())
}

/// What a consent of these periods shows of checkups that took place, whole reports counted too.
async fn shown(
    house: &House,
    person: PersonId,
    detail: Detail,
    running_day: bool,
    periods: &[DataPeriod],
) -> Result<Vec<Record>> {
    let recipient = house.recipient().await;
    let mut draft = draft(person, recipient, &[ConsentCategory::Checkup], detail);
    let grant = draft.grants[0].clone();
    draft.grants = periods
        .iter()
        .map(|period| Grant {
            period: *period,
            running_day,
            ..grant.clone()
        })
        .collect();
    let consent = house.store.give_consent(draft).await?;
    let decision = house.decide(&consent).await?;
    let access = Access::Decision(&decision);
    let search = match detail {
        Detail::Raw => all(),
        _ => Search {
            summaries: vec![(KIND, Summary::Event)],
            ..all()
        },
    };
    let search = Search {
        now: house.now(),
        ..search
    };
    let found = house.store.search(access, search.clone()).await?.records;
    assert_eq!(house.store.count(access, search).await?, found.len() as u64);
    let reports = house.store.checkup_reports(access, house.now()).await?;
    assert_eq!(reports.len(), if detail == Detail::Raw { found.len() } else { 0 });
    for record in &found {
        assert_eq!(
            house.store.record(access, record.key(), house.now()).await?.as_ref(),
            Some(record)
        );
    }
    house.store.withdraw_consent(&own(person), consent.id).await?;
    Ok(found)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_year_shows_only_where_one_grant_gives_all_of_it() -> Result<()> {
    let house = House::new().await;
    let person = house.person().await;
    bring(&house, person, vec![of_year(2024)]).await?;
    house.clock.advance(DAY_MS);
    let period = |from: Option<&str>, until: Option<&str>| DataPeriod {
        from: from.map(day),
        until: until.map(day),
    };
    let whole = (day("2024-04-01"), day("2025-03-31"));
    for detail in [Detail::Raw, Detail::Event] {
        for (periods, shows) in [
            (vec![DataPeriod::ALL], true),
            (vec![period(Some("2024-04-01"), Some("2025-03-31"))], true),
            (vec![period(Some("2024-04-02"), None)], false),
            (vec![period(None, Some("2025-03-30"))], false),
            (vec![period(Some("2024-06-01"), Some("2024-06-30"))], false),
            (
                vec![period(None, Some("2024-06-30")), period(Some("2024-08-01"), None)],
                false,
            ),
        ] {
            let found = shown(&house, person, detail, true, &periods).await?;
            let days: Vec<(LocalDay, LocalDay)> = found.iter().map(Record::days).collect();
            let expected = if shows { vec![whole] } else { Vec::new() };
            assert_eq!(days, expected, "{detail:?} {periods:?}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_a_year_waits_for_the_end_of_the_day_on_which_it_is_said() -> Result<()> {
    let house = House::new().await;
    let person = house.person().await;
    // The running year: it may have been today.
    bring(&house, person, vec![of_year(2026)]).await?;
    let shows = async |running_day| shown(&house, person, Detail::Event, running_day, &[DataPeriod::ALL]).await;
    assert!(shows(false).await?.is_empty());
    assert_eq!(shows(true).await?.len(), 1);
    house.clock.advance(DAY_MS);
    let found = shows(false).await?;
    let updated: Vec<_> = found.iter().map(Record::updated).collect();
    let japan = model::Offset::JAPAN_ASSUMED;
    let midnight = house.now().local_day(japan).start(japan);
    assert_eq!(updated, [midnight]);
    // Saying it again moves nothing.
    bring(&house, person, vec![of_year(2026)]).await?;
    assert_eq!(shows(false).await?, found);
    // Who followed it has heard that it was taken back, and hears that it is there again.
    bring(
        &house,
        person,
        vec![of_year(2026).taken_back(day("2026-05-11")), of_year(2026)],
    )
    .await?;
    let again = shows(false).await?;
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].key(), found[0].key());
    assert!(again[0].updated() > midnight);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_year_is_found_by_dates_as_the_period_that_it_is() -> Result<()> {
    let house = House::new().await;
    let person = house.person().await;
    bring(&house, person, vec![of_year(2024)]).await?;
    let at = |text: &str| Some(day(text).start(model::Offset::JAPAN_ASSUMED));
    let keys = async |search: Search| -> Vec<RecordKey> {
        let page = crate::deliveries::page(
            &house,
            person,
            Search {
                now: house.now(),
                ..search
            },
        )
        .await;
        page.records.iter().map(Record::key).collect()
    };
    let none = TimeBounds::default();
    for (times, finds) in [
        (
            TimeBounds {
                end_after: at("2025-03-31"),
                ..none
            },
            true,
        ),
        (
            TimeBounds {
                end_after: at("2025-04-01"),
                ..none
            },
            false,
        ),
        (
            TimeBounds {
                start_before: at("2024-04-02"),
                ..none
            },
            true,
        ),
        (
            TimeBounds {
                start_before: at("2024-04-01"),
                ..none
            },
            false,
        ),
        (
            TimeBounds {
                start_from: at("2024-04-01"),
                end_until: at("2025-04-01"),
                ..none
            },
            true,
        ),
        (
            TimeBounds {
                start_from: at("2024-04-02"),
                ..none
            },
            false,
        ),
        (
            TimeBounds {
                end_until: at("2025-03-31"),
                ..none
            },
            false,
        ),
        (
            TimeBounds {
                end_after: at("2024-11-01"),
                start_before: at("2024-11-02"),
                ..none
            },
            true,
        ),
    ] {
        let raw = Search { times, ..all() };
        let event = Search {
            raw: Vec::new(),
            items: Vec::new(),
            summaries: vec![(KIND, Summary::Event)],
            ..raw.clone()
        };
        for search in [raw, event] {
            assert_eq!(keys(search).await.len(), usize::from(finds), "{times:?}");
        }
    }
    Ok(())
}
