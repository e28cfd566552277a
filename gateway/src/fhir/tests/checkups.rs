//! Checkups through the FHIR face: results of documents beside samples, found by what they say.

use adapters::checkup::CheckupDocuments;
use adapters::checkup::synthetic::{MadeUp, document};
use model::checkup::Checkup;

use super::*;

/// Brings checkups as documents, through their adapter.
pub(super) async fn bring(world: &World, person: PersonId, checkups: &[Checkup]) {
    for checkup in checkups {
        let (store, text) = (world.state.store.clone(), document(checkup));
        let work = move || {
            let input = adapters::Input {
                bytes: &text.as_bytes(),
                size: text.len() as u64,
            };
            let imported = crate::import::run(&store, person, &CheckupDocuments, &input).unwrap();
            assert_eq!(imported.report.accounting.rejected, 0);
        };
        tokio::task::spawn_blocking(work).await.unwrap();
    }
}

/// Brings a line of somebody's list: guidance has no documents that we read.
pub(super) async fn bring_from_a_list(world: &World, person: PersonId, checkup: Checkup) {
    let store = world.state.store.clone();
    let work = move || {
        let start = store::BatchStart {
            adapter: "checkup".to_owned(),
            mapping_version: 1,
        };
        let mut import = store.begin_import(person, start).unwrap();
        let source = model::Source {
            key: "checkup".to_owned(),
            ..model::Source::default()
        };
        let source = import.source(&source).unwrap();
        import.checkup(source, checkup, b"a line".to_vec()).unwrap();
        import.finish().unwrap();
    };
    tokio::task::spawn_blocking(work).await.unwrap();
}

/// Somebody whose documents do not say when they were born: it is nobody else.
pub(super) fn somebody() -> MadeUp {
    MadeUp::of(7).known_as("ミホンハナコ", None, None)
}

pub(super) fn years(years: std::ops::Range<i32>) -> Vec<Checkup> {
    years.map(|year| somebody().checkup(year)).collect()
}

pub(super) fn found_codes(pages: &[Json]) -> Vec<String> {
    let found = pages.iter().flat_map(matches);
    found
        .map(|resource| resource["code"]["coding"][0]["code"].as_str().unwrap().to_owned())
        .collect()
}

/// The codes of a resource's security labels.
pub(super) fn labels(resource: &Json) -> Vec<&str> {
    let labels = resource["meta"]["security"].as_array().unwrap();
    labels.iter().map(|label| label["code"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn results_are_found_by_item_by_loinc_and_by_category_and_nothing_else_is() {
    let world = World::new().await;
    bring(&world, world.person, &years(2016..2026)).await;
    let granted = world.given(Given::default()).await;
    let item = "urn:oid:1.2.392.200119.6.1005%7C9N006000000000001";
    let weights = world.walk(&granted, &format!("Observation?code={item}&_count=3")).await;
    assert_eq!(
        found_codes(&weights),
        vec!["9N006000000000001"; 10],
        "no weight of a scale"
    );
    let by_loinc = world
        .walk(&granted, "Observation?code=http://loinc.org%7C29463-7")
        .await;
    assert!(found_codes(&by_loinc).len() > 10, "those of a scale too");
    for (query, expected) in [
        ("code=http://loinc.org%7C2085-9", 10),
        (
            "code=http://medis.or.jp/CodeSystem/master-JLAC10-17digits%7C3F070000002327101",
            10,
        ),
        ("code=http://loinc.org%7C8480-6", 20),
        ("code=http://loinc.org%7C85354-9&date=lt2024-01-01", 16),
        ("code=checkup_specific", 10),
        ("code=http://loinc.org%7C2085-9&date=2020", 1),
        ("code=3F070000002327201", 0),
    ] {
        let pages = world.walk(&granted, &format!("Observation?{query}&_count=4")).await;
        assert_eq!(found_codes(&pages).len(), expected, "{query}");
    }
    let survey = world.walk(&granted, "Observation?category=http://jpfhir.jp/fhir/core/CodeSystem/JP_SimpleObservationCategory_CS%7Cbody-measurement&date=2020").await;
    assert_eq!(found_codes(&survey).len(), 4);
}

#[tokio::test]
async fn every_result_is_read_by_its_id_and_by_nobody_elses() {
    let world = World::new().await;
    bring(&world, world.person, &years(2024..2026)).await;
    let granted = world.given(Given::default()).await;
    let pages = world
        .walk(
            &granted,
            "Observation?category=checkup,questionnaire,vital-signs&_count=50",
        )
        .await;
    let all: Vec<&Json> = pages.iter().flat_map(matches).collect();
    assert!(all.len() > 100, "{}", all.len());
    for resource in &all {
        let id = resource["id"].as_str().unwrap();
        assert_eq!(world.found(&granted, &format!("Observation/{id}")).await, **resource);
    }
    let other = world.somebody_else().await;
    let others = world
        .given(Given {
            person: Some(other),
            ..Given::default()
        })
        .await;
    for resource in &all {
        let id = resource["id"].as_str().unwrap();
        let answer = world.get(&others, &format!("Observation/{id}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
    }
    let none = world.walk(&others, "Observation?category=checkup").await;
    assert!(found_codes(&none).is_empty());
}

#[tokio::test]
async fn a_corrected_and_a_deleted_checkup_are_met_by_who_polls() {
    let world = World::new().await;
    let first = somebody().checkup(2025);
    bring(&world, world.person, std::slice::from_ref(&first)).await;
    let granted = world.given(Given::default()).await;
    let seen = async |query: &str| {
        world
            .walk(&granted, query)
            .await
            .iter()
            .flat_map(matches)
            .cloned()
            .collect::<Vec<Json>>()
    };
    let before = seen("DiagnosticReport").await;
    let answers = seen("QuestionnaireResponse").await;
    for resource in [&before[0], &answers[0]] {
        let labels = labels(resource);
        assert!(
            labels.contains(&"R") && labels.contains(&"appi-special-care"),
            "{labels:?}"
        );
    }
    let mut corrected = first.clone();
    corrected.written = first.written.plus(1);
    corrected.findings.pop();
    bring(&world, world.person, &[corrected.clone()]).await;
    let after = seen("DiagnosticReport").await;
    assert_eq!(after[0]["id"], before[0]["id"]);
    let version = |resource: &Json| resource["meta"]["versionId"].as_str().unwrap().parse::<u64>().unwrap();
    assert!(version(&after[0]) > version(&before[0]));
    let results = |report: &Json| report["result"].as_array().unwrap().len();
    assert!(results(&after[0]) < results(&before[0]));
    bring(&world, world.person, &[corrected.taken_back(corrected.written.plus(1))]).await;
    assert!(seen("DiagnosticReport").await.is_empty() && seen("QuestionnaireResponse").await.is_empty());
    for (kind, id) in [
        ("DiagnosticReport", &before[0]["id"]),
        ("QuestionnaireResponse", &answers[0]["id"]),
    ] {
        let changed = seen(&format!("{kind}?_lastUpdated=ge2020-01-01")).await;
        assert_eq!((changed.len(), &changed[0]["id"]), (1, id));
        assert_eq!(changed[0]["status"], "entered-in-error");
        assert!(changed[0].get("result").is_none() && changed[0].get("item").is_none());
        assert_eq!(seen(&format!("{kind}?status=entered-in-error")).await, changed);
    }
}

#[tokio::test]
async fn everything_has_checkups_as_wholes_as_far_as_ticks_and_days_reach() {
    let world = World::new().await;
    bring(&world, world.person, &years(2023..2026)).await;
    let kinds = ["DiagnosticReport", "QuestionnaireResponse", "DocumentReference"];
    let whole = world.given(Given::default()).await;
    let results = world
        .given(Given {
            categories: &[ConsentCategory::Checkup, ConsentCategory::Questionnaire],
            ..Given::default()
        })
        .await;
    let steps = world
        .given(Given {
            categories: &[ConsentCategory::Activity],
            ..Given::default()
        })
        .await;
    let count = async |granted: &Granted, query: &str| {
        let address = format!("Patient/{}/$everything?{query}", world.patient(granted));
        let pages = world.walk(granted, &address).await;
        let all: Vec<&Json> = pages.iter().flat_map(matches).collect();
        kinds.map(|kind| all.iter().filter(|resource| resource["resourceType"] == kind).count())
    };
    assert_eq!(count(&whole, "").await, [3, 3, 3]);
    assert_eq!(count(&results, "").await, [3, 3, 0]);
    assert_eq!(count(&steps, "").await, [0, 0, 0]);
    for (place, kind) in kinds.iter().enumerate() {
        let mut expected = [0; 3];
        expected[place] = 3;
        assert_eq!(count(&whole, &format!("_type={kind}")).await, expected);
    }
    let day = somebody().checkup(2024).day;
    assert_eq!(count(&whole, &format!("start={day}&end={day}")).await, [1, 1, 1]);
    assert_eq!(count(&whole, "_since=2099-01-01T00:00:00Z").await, [0, 0, 0]);
    let address = format!("Patient/{}/$everything?_type=DiagnosticReport", world.patient(&whole));
    let first = world.found(&whole, &address).await;
    for report in matches(&first) {
        let id = report["id"].as_str().unwrap();
        assert_eq!(world.found(&whole, &format!("DiagnosticReport/{id}")).await, *report);
    }
}

#[tokio::test]
async fn a_pressure_names_the_two_results_it_is_made_of() {
    let world = World::new().await;
    bring(&world, world.person, &years(2025..2026)).await;
    let granted = world.given(Given::default()).await;
    let pages = world
        .walk(&granted, "Observation?code=http://loinc.org%7C85354-9&date=ge2025")
        .await;
    let panels: Vec<&Json> = pages.iter().flat_map(matches).collect();
    assert_eq!(panels.len(), 2, "the first and the second reading");
    for panel in panels {
        let parts = panel["component"].as_array().unwrap();
        for (place, part) in parts.iter().enumerate() {
            let of = panel["derivedFrom"][place]["reference"].as_str().unwrap();
            let result = world.found(&granted, of).await;
            assert_eq!(result["valueQuantity"]["value"], part["valueQuantity"]["value"]);
        }
        assert!(panel.get("device").is_none());
    }
    assert!(
        ids(&world.walk(&granted, "Device").await).len() == 2,
        "a document is no device"
    );
}

#[tokio::test]
async fn the_latest_of_each_item_and_its_numbers() {
    let world = World::new().await;
    bring(&world, world.person, &years(2016..2026)).await;
    let granted = world.given(Given::default()).await;
    let latest = world
        .found(&granted, "Observation/$lastn?category=laboratory&max=2")
        .await;
    let codes = found_codes(std::slice::from_ref(&latest));
    assert_eq!(codes.iter().filter(|code| *code == "3F070000002327101").count(), 2);
    let stats = "Observation/$stats?code=http://loinc.org%7C2085-9&statistic=count";
    let stats = world
        .found(
            &granted,
            &format!("{stats}&subject=Patient/{}", world.patient(&granted)),
        )
        .await;
    assert!(stats.to_string().contains("\"value\":10"), "{stats}");
    let above = world
        .walk(
            &granted,
            "Observation?code=http://loinc.org%7C2085-9&value-quantity=gt1",
        )
        .await;
    assert_eq!(found_codes(&above).len(), 10);
}

#[tokio::test]
async fn a_corrected_document_is_met_by_who_polls_and_its_former_word_stays_in_history() {
    let world = World::new().await;
    let first = somebody().checkup(2025);
    bring(&world, world.person, std::slice::from_ref(&first)).await;
    let granted = world.given(Given::default()).await;
    let seen = world
        .found(&granted, "Observation?category=checkup&_sort=_lastUpdated&_count=1000")
        .await;
    let since = seen["meta"]["lastUpdated"].as_str().unwrap().to_owned();
    let mut corrected = first.clone();
    corrected.written = first.written.plus(1);
    let hdl = |code: &str| code == "3F070000002327101";
    corrected.findings.retain(|finding| !hdl(finding.item.row().code));
    corrected.findings[1].result = model::checkup::Found::NotPerformed;
    bring(&world, world.person, &[corrected]).await;
    let query = format!("Observation?_lastUpdated=gt{since}&_sort=_lastUpdated").replace('+', "%2B");
    let pages = world.walk(&granted, &query).await;
    let changed: Vec<(String, String)> = pages
        .iter()
        .flat_map(matches)
        .map(|resource| {
            let code = resource["code"]["coding"][0]["code"].as_str().unwrap();
            (code.to_owned(), resource["status"].as_str().unwrap().to_owned())
        })
        .collect();
    let told: Vec<(&str, &str)> = changed
        .iter()
        .map(|(code, status)| (code.as_str(), status.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("9N006000000000001", "cancelled"),
            ("3F070000002327101", "entered-in-error"),
            ("checkup_specific", "final")
        ]
    );
    let weight = pages.iter().flat_map(matches).next().unwrap();
    let history = world
        .found(
            &granted,
            &format!("Observation/{}/_history", weight["id"].as_str().unwrap()),
        )
        .await;
    assert_eq!(history["total"], 2, "{history}");
    assert!(history["entry"][1]["resource"]["valueQuantity"].is_object());
    let cancelled = world.walk(&granted, "Observation?status=cancelled").await;
    assert!(found_codes(&cancelled).contains(&"9N006000000000001".to_owned()));
}
