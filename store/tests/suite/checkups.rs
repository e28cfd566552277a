//! Checkups: one document after the other about the same checkup, results among samples, and what a consent shows of them.

use consent::Detail;
use model::checkup::{Checkup, Finding, Found, Item, Organisation, Subject, Told};
use model::time::DAY_MS;
use model::{ConsentCategory, Decimal, LocalDay, Metric, PersonId, Source, SourceKind, Summary, UtcMillis, Value};
use store::{Access, BatchStart, ImportReport, NewPerson, OfCheckup, Record, Result, Search, Sex, Sort, StoredSample};

use crate::deliveries::{day, ended, page};
use crate::harness::{House, draft, own};

/// A checkup of this day, as a document written that many days later tells it: codes with numbers.
pub fn document(on: &str, written_after: i32, results: &[(&str, i64)]) -> Checkup {
    let on = day(on);
    let facility = Organisation {
        number: "1310000001".to_owned(),
        name: "見本健診センター".to_owned(),
    };
    Checkup {
        report: "10".to_owned(),
        programme: "010".to_owned(),
        day: on,
        written: on.plus(written_after),
        facility: facility.clone(),
        author: facility,
        subject: Subject::default(),
        findings: results.iter().map(|(code, value)| finding(code, *value)).collect(),
        word: Told::Confirmed,
        deletes: String::new(),
        year_only: false,
    }
}

/// A number of an item, in its unit.
pub fn finding(code: &str, value: i64) -> Finding {
    let item = Item::from_code(code).expect("an item");
    Finding::new(item, Found::Quantity(Decimal::whole(value), item.row().unit.to_owned()))
}

/// A weight.
pub const WEIGHT: &str = "9N006000000000001";
const HDL: &str = "3F070000002327101";
const SYSTOLIC: &str = "9A751000000000001";
const DIASTOLIC: &str = "9A761000000000001";

/// Brings documents.
pub async fn bring(house: &House, person: PersonId, documents: Vec<Checkup>) -> Result<ImportReport> {
    let store = house.store.clone();
    let brought = move || -> Result<ImportReport> {
        let start = BatchStart {
            adapter: "checkup".to_owned(),
            mapping_version: 1,
        };
        let mut import = store.begin_import(person, start)?;
        let source = import.source(&Source {
            key: "checkup".to_owned(),
            name: "健診".to_owned(),
            kind: SourceKind::Document,
            ..Source::default()
        })?;
        for document in documents {
            import.checkup(source, document, b"<ClinicalDocument/>".to_vec())?;
        }
        import.finish()
    };
    tokio::task::spawn_blocking(brought).await.expect("a thread")
}

/// Everything that checkups can give.
pub fn all() -> Search {
    Search {
        raw: Metric::all().collect(),
        items: Item::all().collect(),
        count: 1_000,
        ..Search::default()
    }
}

/// What a search finds, as the person themselves.
pub async fn records(house: &House, person: PersonId, search: Search) -> Vec<StoredSample> {
    let search = Search {
        now: house.now(),
        ..search
    };
    let records = page(house, person, search).await.records;
    records
        .into_iter()
        .map(|record| match record {
            Record::Sample(sample) => sample,
            other => panic!("{other:?}"),
        })
        .collect()
}

/// What a record is, in a few words.
fn told(sample: &StoredSample) -> String {
    let value = match &sample.sample.value {
        Value::Quantity(value) => value.to_string(),
        Value::Components(values) => values
            .iter()
            .flatten()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("/"),
        Value::Code(code) => format!("word {code}"),
    };
    let what = match &sample.of_checkup {
        Some(OfCheckup::Result(finding)) => finding.item.row().code,
        Some(OfCheckup::Pressure(_)) => "pressure",
        Some(OfCheckup::TookPlace) => "took place",
        Some(OfCheckup::Battery(_)) => "battery",
        None => "sample",
    };
    let dead = if sample.dead { " dead" } else { "" };
    format!(
        "{} {what} [{value}] v{}{dead}",
        sample.sample.local_day(),
        sample.version
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn results_lie_among_samples_by_date_and_by_id() -> Result<()> {
    let house = House::new().await;
    let person = house.person().await;
    let report = bring(
        &house,
        person,
        vec![
            document("2025-06-10", 20, &[(WEIGHT, 62), (SYSTOLIC, 128), (DIASTOLIC, 79)]),
            document("2024-06-10", 20, &[(HDL, 61)]),
        ],
    )
    .await?;
    assert_eq!(ended(&report), (4, 0, 0));
    let found = records(&house, person, all()).await;
    let lines: Vec<String> = found.iter().map(told).collect();
    assert_eq!(
        lines,
        [
            "2024-06-10 3F070000002327101 [61] v1",
            "2024-06-10 took place [word 1] v1",
            "2025-06-10 9N006000000000001 [62] v1",
            "2025-06-10 9A751000000000001 [] v1",
            "2025-06-10 9A761000000000001 [] v1",
            "2025-06-10 pressure [128/79] v1",
            "2025-06-10 took place [word 1] v1",
        ]
    );
    for record in &found {
        let read = house
            .store
            .record(Access::Own(&own(person)), record.key, house.now())
            .await?;
        assert_eq!(read, Some(Record::Sample(record.clone())));
    }
    let weights = records(
        &house,
        person,
        Search {
            raw: vec![Metric::BODY_WEIGHT],
            ..all()
        },
    );
    assert_eq!(weights.await.len(), 4, "results come by items, whatever the metrics");
    let other = house.person().await;
    for record in &found {
        let read = house
            .store
            .record(Access::Own(&own(other)), record.key, house.now())
            .await?;
        assert_eq!(read, None, "another's id finds nothing");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_size_and_order_gives_each_record_once() -> Result<()> {
    let house = House::new().await;
    let person = house.person().await;
    let years = (2016..2026).map(|year| {
        let results = [(WEIGHT, 60), (HDL, 50), (SYSTOLIC, 120), (DIASTOLIC, 80)];
        document(&format!("{year}-06-10"), 20, &results)
    });
    bring(&house, person, years.collect()).await?;
    for sort in [
        Sort::Date,
        Sort::DateDescending,
        Sort::LastUpdated,
        Sort::LastUpdatedDescending,
    ] {
        let whole = Search { sort, ..all() };
        let expected: Vec<String> = records(&house, person, whole.clone()).await.iter().map(told).collect();
        assert_eq!(expected.len(), 60);
        for count in [1, 7, 59, 60] {
            let mut search = Search {
                count,
                now: house.now(),
                ..whole.clone()
            };
            let mut found = Vec::new();
            loop {
                let page = page(&house, person, search.clone()).await;
                found.extend(page.records.into_iter().map(|record| match record {
                    Record::Sample(sample) => told(&sample),
                    other => panic!("{other:?}"),
                }));
                match page.next {
                    Some(next) => search.after = Some(next),
                    None => break,
                }
            }
            assert_eq!(found, expected, "{sort:?} by {count}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_document_changes_what_it_says_otherwise_and_nothing_else() -> Result<()> {
    let house = House::new().await;
    let person = house.person().await;
    let first = document(
        "2025-06-10",
        20,
        &[(WEIGHT, 62), (HDL, 61), (SYSTOLIC, 128), (DIASTOLIC, 79)],
    );
    bring(&house, person, vec![first.clone()]).await?;
    let before = records(&house, person, all()).await;
    house.clock.advance(DAY_MS);
    let corrected = document("2025-06-10", 30, &[(WEIGHT, 63), (SYSTOLIC, 128), (DIASTOLIC, 79)]);
    let report = bring(&house, person, vec![corrected.clone()]).await?;
    assert_eq!(ended(&report), (1, 2, 0));
    let changed = records(
        &house,
        person,
        Search {
            sort: Sort::LastUpdated,
            updated: (Some(house.now()), None),
            ..all()
        },
    );
    let lines: Vec<String> = changed.await.iter().map(told).collect();
    assert_eq!(
        lines,
        [
            "2025-06-10 9N006000000000001 [63] v2",
            "2025-06-10 3F070000002327101 [] v2 dead",
            "2025-06-10 took place [word 1] v2",
        ]
    );
    let weight = before
        .iter()
        .find(|record| told(record).contains(WEIGHT))
        .expect("a weight");
    let versions = house
        .store
        .versions(Access::Own(&own(person)), weight.key, house.now())
        .await?;
    let versions: Vec<String> = versions
        .iter()
        .map(|record| match record {
            Record::Sample(sample) => told(sample),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        versions,
        [
            "2025-06-10 9N006000000000001 [63] v2",
            "2025-06-10 9N006000000000001 [62] v1"
        ]
    );
    // The former one once more, and the same again: nothing moves.
    let again = bring(&house, person, vec![first, corrected]).await?;
    assert_eq!(ended(&again), (0, 7, 4));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_to_delete_ends_what_was_told_before_it_and_nothing_later() -> Result<()> {
    let house = House::new().await;
    let person = house.person().await;
    let deletion = Checkup {
        report: "19".to_owned(),
        ..document("2025-06-10", 40, &[])
    };
    let told_before = document("2025-06-10", 20, &[(WEIGHT, 62)]);
    let report = bring(&house, person, vec![told_before.clone(), deletion.clone()]).await?;
    assert_eq!(ended(&report), (2, 0, 0));
    assert!(records(&house, person, all()).await.is_empty());
    let dead = records(
        &house,
        person,
        Search {
            sort: Sort::LastUpdated,
            ..all()
        },
    );
    assert!(dead.await.iter().all(|record| record.dead));
    assert_eq!(
        ended(&bring(&house, person, vec![told_before.clone()]).await?),
        (0, 1, 1)
    );
    let later = document("2025-06-10", 50, &[(WEIGHT, 64)]);
    assert_eq!(ended(&bring(&house, person, vec![later]).await?), (1, 0, 0));
    assert_eq!(records(&house, person, all()).await.len(), 2);

    // A request that comes before what it is about.
    let other = house.person().await;
    bring(&house, other, vec![deletion]).await?;
    bring(&house, other, vec![told_before]).await?;
    assert!(records(&house, other, all()).await.is_empty());
    Ok(())
}

/// A screening of a municipality: the code of its report, and a weight that tells it apart.
fn screening(report: &str, weight: i64) -> Checkup {
    Checkup {
        report: report.to_owned(),
        programme: "1".to_owned(),
        ..document("2025-06-10", 20, &[(WEIGHT, weight)])
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_screenings_of_one_day_at_one_facility_are_two() -> Result<()> {
    let house = House::new().await;
    let person = house.person().await;
    let [lung, stomach] = [screening("51", 60), screening("53", 61)];
    for documents in [vec![lung.clone()], vec![stomach.clone()]] {
        assert_eq!(ended(&bring(&house, person, documents).await?), (1, 0, 0));
    }
    // Two results, and that each took place.
    assert_eq!(records(&house, person, all()).await.len(), 4);
    let again = bring(&house, person, vec![lung, stomach]).await?;
    assert_eq!(ended(&again), (0, 2, 0));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_screening_takes_no_other_with_it() -> Result<()> {
    let house = House::new().await;
    let person = house.person().await;
    let [lung, stomach] = [screening("51", 60), screening("53", 61)];
    let deletion = Checkup {
        written: lung.written.plus(20),
        findings: Vec::new(),
        ..screening("49", 0)
    };
    bring(&house, person, vec![lung.clone()]).await?;
    assert_eq!(ended(&bring(&house, person, vec![deletion.clone()]).await?), (1, 0, 0));
    assert!(records(&house, person, all()).await.is_empty());
    let changed = Search {
        sort: Sort::LastUpdated,
        ..all()
    };
    let dead = records(&house, person, changed).await;
    let events: Vec<_> = dead
        .iter()
        .filter(|record| model::checkup::is_event(record.sample.metric))
        .collect();
    assert!(
        matches!(&events[..], [event] if event.dead && event.sample.metric == Metric::CHECKUP_LUNG_CANCER),
        "who met the screening meets its end"
    );
    // The same request again, the same document again, and another screening that was written before the request.
    for (document, expected) in [
        (deletion.clone(), (0, 1, 0)),
        (lung.clone(), (0, 1, 1)),
        (stomach.clone(), (1, 0, 0)),
    ] {
        assert_eq!(ended(&bring(&house, person, vec![document]).await?), expected);
    }
    assert_eq!(ended(&bring(&house, person, vec![deletion.clone()]).await?), (0, 1, 0));
    assert_eq!(records(&house, person, all()).await.len(), 2);

    // Of two that live nobody knows which is meant.
    let other = house.person().await;
    bring(&house, other, vec![lung, stomach]).await?;
    let refused = bring(&house, other, vec![deletion]).await?;
    assert_eq!(refused.accounting.rejected, 1);
    assert_eq!(records(&house, other, all()).await.len(), 4);
    Ok(())
}

/// A request under the programme of screenings for cancer once found none that said its part.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_under_its_programme_finds_a_screening_of_whatever_part() -> Result<()> {
    let house = House::new().await;
    let lung = screening("51", 60);
    let deletion = |programme: &str| Checkup {
        programme: programme.to_owned(),
        written: lung.written.plus(20),
        findings: Vec::new(),
        ..screening("49", 0)
    };
    for (programme, expected) in [("060", 0), ("1", 0), ("2", 2), ("090", 2)] {
        let person = house.person().await;
        bring(&house, person, vec![lung.clone()]).await?;
        for expected_again in [1, 0] {
            let report = bring(&house, person, vec![deletion(programme)]).await?;
            assert_eq!(ended(&report).0, expected_again, "{programme}");
        }
        assert_eq!(records(&house, person, all()).await.len(), expected, "{programme}");
        // The closer test of that day is another, and was not deleted.
        let closer = Checkup {
            programme: "2".to_owned(),
            ..screening("51", 61)
        };
        let is_asked_for = programme == "2";
        bring(&house, person, vec![closer]).await?;
        let expected = expected + if is_asked_for { 0 } else { 2 };
        assert_eq!(records(&house, person, all()).await.len(), expected, "{programme}");
    }
    // Of both parts of that day nobody knows which is meant.
    let person = house.person().await;
    let closer = Checkup {
        programme: "2".to_owned(),
        ..lung.clone()
    };
    bring(&house, person, vec![lung.clone(), closer]).await?;
    let refused = bring(&house, person, vec![deletion("060")]).await?;
    assert_eq!(refused.accounting.rejected, 1);
    Ok(())
}

/// A list of a screening, and the document of the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_a_screening_gives_way_to_its_document_and_what_was_declared_to_the_list() -> Result<()> {
    let house = House::new().await;
    let list = Checkup {
        author: Organisation::default(),
        programme: "060".to_owned(),
        ..screening("51", 60)
    };
    let events = async |person| {
        let found = records(&house, person, all()).await;
        let events = found.iter().map(|record| record.sample.metric);
        events
            .filter(|metric| model::checkup::is_event(*metric))
            .collect::<Vec<_>>()
    };
    let lung = Metric::CHECKUP_LUNG_CANCER;
    for documents in [[list.clone(), screening("51", 61)], [screening("51", 61), list.clone()]] {
        let person = house.person().await;
        let said = Checkup::declared_of_year(lung, 2025, list.day).expect("a year");
        let other = Checkup::declared_of_year(Metric::CHECKUP_BREAST_CANCER, 2025, list.day).expect("a year");
        bring(&house, person, vec![said.clone(), other]).await?;
        assert_eq!(events(person).await.len(), 2);
        for document in documents {
            bring(&house, person, vec![document]).await?;
            bring(&house, person, vec![said.clone()]).await?;
            let mut events = events(person).await;
            events.sort_unstable();
            assert_eq!(events, [lung, Metric::CHECKUP_BREAST_CANCER]);
        }
        let found = records(&house, person, all()).await;
        let numbers = found
            .iter()
            .filter(|record| record.sample.metric == Metric::BODY_WEIGHT);
        assert_eq!(numbers.count(), 1);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_of_which_more_is_read_than_before_is_not_taken_for_an_older_one() -> Result<()> {
    let house = House::new().await;
    for added in ["9N011000000000001", WEIGHT] {
        let person = house.person().await;
        let before = document("2025-06-10", 20, &[("9N001000000000001", 150)]);
        let now = document("2025-06-10", 20, &[(added, 20), ("9N001000000000001", 150)]);
        bring(&house, person, vec![before.clone()]).await?;
        assert_eq!(ended(&bring(&house, person, vec![now]).await?), (1, 1, 0));
        assert_eq!(ended(&bring(&house, person, vec![before]).await?), (0, 1, 1));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_about_somebody_else_is_not_kept() -> Result<()> {
    let house = House::new().await;
    let person = house
        .store
        .create_person(NewPerson {
            birth_date: Some(day("1960-02-29")),
            sex: Some(Sex::Female),
            ..NewPerson::default()
        })
        .await?;
    let about = |birth: Option<&str>, sex: Option<u8>| Checkup {
        subject: Subject {
            birth: birth.map(day),
            sex,
            ..Subject::default()
        },
        ..document("2025-06-10", 20, &[(WEIGHT, 62), (HDL, 60)])
    };
    for (birth, sex) in [(Some("1960-03-01"), None), (Some("1960-02-29"), Some(1))] {
        let report = bring(&house, person, vec![about(birth, sex)]).await?;
        assert_eq!((report.accounting.stored, report.accounting.rejected), (0, 2));
    }
    assert!(records(&house, person, all()).await.is_empty());
    let report = bring(&house, person, vec![about(Some("1960-02-29"), Some(2))]).await?;
    assert_eq!(report.accounting.stored, 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_shows_results_by_what_each_is_under() -> Result<()> {
    let house = House::new().await;
    let person = house.person().await;
    let recipient = house.recipient().await;
    let results = [(WEIGHT, 62), (HDL, 61), (SYSTOLIC, 128), (DIASTOLIC, 79)];
    bring(&house, person, vec![document("2025-06-10", 20, &results)]).await?;
    for (category, expected) in [
        (ConsentCategory::Checkup, vec!["3F070000002327101", "took place"]),
        (ConsentCategory::Body, vec!["9N006000000000001"]),
        (
            ConsentCategory::VitalSigns,
            vec!["9A751000000000001", "9A761000000000001", "pressure"],
        ),
        (ConsentCategory::Sleep, vec![]),
    ] {
        let consent = house
            .store
            .give_consent(draft(person, recipient, &[category], Detail::Raw))
            .await?;
        let decision = house.decide(&consent).await?;
        let search = Search {
            now: house.now(),
            ..all()
        };
        let found = house.store.search(Access::Decision(&decision), search.clone()).await?;
        let lines: Vec<String> = found
            .records
            .iter()
            .map(|record| match record {
                Record::Sample(sample) => told(sample),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(lines.len(), expected.len(), "{category:?}: {lines:?}");
        for what in expected {
            assert!(lines.iter().any(|line| line.contains(what)), "{category:?}: {lines:?}");
        }
        assert_eq!(
            house.store.count(Access::Decision(&decision), search).await?,
            lines.len() as u64
        );
        house.store.withdraw_consent(&own(person), consent.id).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_resident_says_gives_way_to_a_document_of_the_same_year() -> Result<()> {
    let house = House::new().await;
    let declared = |on: &str| {
        Checkup::declared(
            Metric::CHECKUP_SPECIFIC,
            day(on),
            day("2026-05-01"),
            vec![finding(WEIGHT, 60)],
        )
    };
    let told = document("2025-06-10", 20, &[(WEIGHT, 62)]);
    for first_declared in [true, false] {
        let person = house.person().await;
        // March belongs to the fiscal year of the April before it.
        let documents = [declared("2026-03-31"), told.clone()];
        for place in if first_declared { [0, 1] } else { [1, 0] } {
            bring(&house, person, vec![documents[place].clone()]).await?;
        }
        let lines: Vec<String> = records(&house, person, all()).await.iter().map(self::told).collect();
        assert_eq!(
            lines,
            [
                "2025-06-10 9N006000000000001 [62] v1",
                "2025-06-10 took place [word 1] v1"
            ]
        );
        bring(&house, person, vec![declared("2026-04-01")]).await?;
        let found = records(&house, person, all()).await;
        assert_eq!(found.len(), 4, "of another fiscal year");
        assert!(found[2].sample.flags.has(model::Flags::USER_ENTERED));
        let days: Vec<u32> = shown_of_events(&house, person)
            .await?
            .iter()
            .filter_map(|event| event.2)
            .collect();
        assert_eq!(
            days,
            [3, 6, 3, 6],
            "by date and by change: first confirmed, later declared"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_screening_for_cancer_that_a_resident_says_is_not_counted_beside_the_one_that_a_document_tells() -> Result<()>
{
    let house = House::new().await;
    let said = Checkup::declared(Metric::CHECKUP_CANCER, day("2025-09-01"), day("2026-05-01"), Vec::new());
    let lung = Checkup {
        report: "51".to_owned(),
        programme: "1".to_owned(),
        ..document("2025-06-10", 20, &[(WEIGHT, 62)])
    };
    assert_eq!(lung.event(), Metric::CHECKUP_LUNG_CANCER);
    for documents in [[said.clone(), lung.clone()], [lung, said]] {
        let person = house.person().await;
        for document in documents {
            bring(&house, person, vec![document]).await?;
        }
        let took_place = records(&house, person, all())
            .await
            .into_iter()
            .map(|record| self::told(&record));
        let took_place: Vec<String> = took_place.filter(|line| line.contains("took place")).collect();
        assert_eq!(took_place, ["2025-06-10 took place [word 1] v1"]);
    }
    Ok(())
}

/// What somebody who may know only that a checkup took place is shown of a person.
async fn shown_of_events(house: &House, person: PersonId) -> Result<Vec<(Metric, LocalDay, Option<u32>, UtcMillis)>> {
    let recipient = house.recipient().await;
    let consent = house
        .store
        .give_consent(draft(person, recipient, &[ConsentCategory::Checkup], Detail::Event))
        .await?;
    let decision = house.decide(&consent).await?;
    let search = Search {
        summaries: Metric::all()
            .flat_map(|metric| Summary::ALL.map(|summary| (metric, summary)))
            .collect(),
        now: house.now(),
        ..all()
    };
    let mut shown = Vec::new();
    for sort in [Sort::Date, Sort::LastUpdated] {
        let search = Search { sort, ..search.clone() };
        let page = house.store.search(Access::Decision(&decision), search).await?;
        shown.extend(page.records.into_iter().map(|record| match record {
            Record::Event(event) => (event.metric, event.day, event.code, event.updated),
            other => panic!("more than that it took place: {other:?}"),
        }));
    }
    house.store.withdraw_consent(&own(person), consent.id).await?;
    Ok(shown)
}

#[tokio::test(flavor = "multi_thread")]
async fn that_a_checkup_took_place_tells_nothing_of_what_was_found() -> Result<()> {
    let house = House::new().await;
    let [one, other] = [house.person().await, house.person().await];
    bring(&house, one, vec![document("2025-06-10", 20, &[(HDL, 61)])]).await?;
    let many: Vec<(&str, i64)> = Item::all()
        .filter(|item| item.row().kind == model::checkup::Kind::Quantity)
        .map(|item| (item.row().code, 70))
        .collect();
    bring(&house, other, vec![document("2025-06-10", 20, &many)]).await?;
    let first = shown_of_events(&house, one).await?;
    assert_eq!(first.len(), 2, "by date and by change the one event");
    assert_eq!(
        (first[0].0, first[0].1, first[0].2),
        (
            Metric::CHECKUP_SPECIFIC,
            day("2025-06-10"),
            Some(Told::Confirmed.number_of_event(true))
        )
    );
    assert_eq!(first, shown_of_events(&house, other).await?, "its time too");
    // Nor does it tell how often it was told again, and by how much.
    for (person, times) in [(one, 1), (other, 4)] {
        for again in 0..times {
            house.clock.advance(DAY_MS / 8);
            let retold = match person == one {
                true => document("2025-06-10", 21 + again, &[(HDL, 62)]),
                false => document("2025-06-10", 21 + again, &many[..many.len() - again as usize]),
            };
            bring(&house, person, vec![retold]).await?;
        }
        assert_eq!(shown_of_events(&house, person).await?, first);
    }
    // One before it makes it a later one, and nothing else of it.
    bring(&house, other, vec![document("2024-06-10", 20, &[(HDL, 61)])]).await?;
    let words: Vec<Option<u32>> = shown_of_events(&house, other)
        .await?
        .iter()
        .map(|event| event.2)
        .collect();
    assert_eq!(words[..2], [Some(3), Some(5)]);
    // A correction of what was found leaves the event as it was, its time too.
    house.clock.advance(3 * DAY_MS);
    bring(
        &house,
        one,
        vec![document("2025-06-10", 30, &[(HDL, 99), (WEIGHT, 60)])],
    )
    .await?;
    assert_eq!(shown_of_events(&house, one).await?, first);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_of_days_shows_the_day_of_each_number_and_no_event_of_it() -> Result<()> {
    let house = House::new().await;
    let person = house.person().await;
    let recipient = house.recipient().await;
    let results = [(WEIGHT, 62), (HDL, 61), (SYSTOLIC, 128), (DIASTOLIC, 79)];
    let years = ["2024-06-10", "2025-06-10"].map(|on| document(on, 20, &results));
    bring(&house, person, years.to_vec()).await?;
    for (detail, summary, expected) in [
        (Detail::Daily, Summary::Day, 2),
        (Detail::Monthly, Summary::Month, 2),
        (Detail::Event, Summary::Event, 0),
    ] {
        let consent = house
            .store
            .give_consent(draft(person, recipient, &[ConsentCategory::Checkup], detail))
            .await?;
        let decision = house.decide(&consent).await?;
        let search = Search {
            summaries: Metric::all()
                .filter(|metric| !model::checkup::is_event(*metric))
                .map(|metric| (metric, summary))
                .collect(),
            now: house.now(),
            ..all()
        };
        let found = house.store.search(Access::Decision(&decision), search).await?.records;
        assert_eq!(found.len(), expected, "{detail:?}: {found:?}");
        for record in found {
            let Record::Aggregate(day) = record else {
                panic!("{record:?}")
            };
            assert_eq!(day.metric, Metric::HDL_CHOLESTEROL);
            assert_eq!(
                (day.count, day.mean[0].map(|mean| mean.to_string())),
                (1, Some("61".to_owned()))
            );
        }
        house.store.withdraw_consent(&own(person), consent.id).await?;
    }
    Ok(())
}
