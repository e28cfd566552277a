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
async fn a_report_names_the_results_that_the_same_app_reads() {
    let world = World::new().await;
    bring(&world, world.person, &years(2023..2026)).await;
    let granted = world.given(Given::default()).await;
    let pages = world.walk(&granted, "DiagnosticReport").await;
    let reports: Vec<&Json> = pages.iter().flat_map(matches).collect();
    let days: Vec<&str> = reports
        .iter()
        .map(|report| report["effectiveDateTime"].as_str().unwrap())
        .collect();
    assert!(days.len() == 3 && days.is_sorted_by(|one, next| one > next), "{days:?}");
    let mut named = 0;
    for report in &reports {
        assert_eq!(report["code"]["coding"][0]["code"], "checkup_specific");
        for result in report["result"].as_array().unwrap() {
            let found = world.found(&granted, result["reference"].as_str().unwrap()).await;
            assert_eq!(found["effectiveDateTime"], report["effectiveDateTime"]);
            named += 1;
        }
        let id = report["id"].as_str().unwrap();
        assert_eq!(world.found(&granted, &format!("DiagnosticReport/{id}")).await, **report);
        let history = world.found(&granted, &format!("DiagnosticReport/{id}/_history")).await;
        assert_eq!(history["entry"][0]["resource"], **report);
    }
    assert!(named > 150, "{named}");
    for (query, expected) in [
        ("code=checkup_specific", 3),
        ("code=urn:oid:1.2.392.200119.6.1002%7C010", 3),
        (
            "code=http://jpfhir.jp/fhir/Common/CodeSystem/doc-typecodes%7C53576-5",
            3,
        ),
        ("code=checkup_dental", 0),
        ("category=checkup", 3),
        ("category=laboratory", 0),
        ("status=final", 3),
        ("status=entered-in-error", 0),
        ("date=ge1990", 3),
        ("date=gt2100", 0),
        ("_lastUpdated=lt2020-01-01", 0),
        ("patient=nobody", 0),
    ] {
        let found = world.walk(&granted, &format!("DiagnosticReport?{query}")).await;
        assert_eq!(ids(&found).len(), expected, "{query}");
    }
    let of_a_day = world
        .walk(&granted, &format!("DiagnosticReport?date={}", days[1]))
        .await;
    assert_eq!(
        of_a_day.iter().flat_map(matches).next().unwrap()["id"],
        reports[1]["id"]
    );
    // Whose scopes reach weights only reads of weights only.
    let weights = world
        .given(Given {
            scopes: "patient/DiagnosticReport.rs patient/Observation.rs?category=https://sekisho.example/fhir/CodeSystem/consent-category|body",
            ..Given::default()
        })
        .await;
    for report in world.walk(&weights, "DiagnosticReport").await.iter().flat_map(matches) {
        let results = report["result"].as_array().unwrap();
        assert!((1..10).contains(&results.len()), "{report}");
        for result in results {
            world.found(&weights, result["reference"].as_str().unwrap()).await;
        }
    }
}

#[tokio::test]
async fn answers_are_those_of_the_document_by_the_list_of_their_own_year() {
    let world = World::new().await;
    let made = years(2022..2026);
    bring(&world, world.person, &made).await;
    let granted = world.given(Given::default()).await;
    let pages = world.walk(&granted, "QuestionnaireResponse").await;
    let found: Vec<&Json> = pages.iter().flat_map(matches).collect();
    assert_eq!(found.len(), made.len());
    for (response, checkup) in found.iter().zip(made.iter().rev()) {
        assert_eq!(response["authored"], checkup.day.to_string());
        let items = response["item"].as_array().unwrap();
        let asked: Vec<_> = checkup
            .findings
            .iter()
            .filter(|finding| finding.item.is_question())
            .collect();
        assert!(asked.len() >= 22 && items.len() == asked.len(), "{}", items.len());
        for finding in asked {
            let of = |item: &&Json| item["linkId"] == finding.item.row().code;
            let item = items.iter().find(of).unwrap();
            if let model::checkup::Found::Answer(list, code) = &finding.result {
                let answer = &item["answer"][0]["valueCoding"];
                assert_eq!(
                    (&answer["system"], &answer["code"]),
                    (&format!("urn:oid:{list}").into(), &code.as_str().into())
                );
                let known = model::checkup::items::answer_of(list, code);
                assert_eq!(answer["display"].as_str(), known);
                assert!(item["text"].is_string());
            }
        }
    }
    let since = world
        .walk(&granted, &format!("QuestionnaireResponse?authored=ge{}", made[2].day))
        .await;
    assert_eq!(ids(&since).len(), 2);
    let of_one = world
        .walk(&granted, "QuestionnaireResponse?questionnaire=http://x.example/q")
        .await;
    assert!(ids(&of_one).is_empty());
    // Who is given one category of the questions sees these, and no report.
    let medicines = world
        .given(Given {
            categories: &[ConsentCategory::Medication],
            ..Given::default()
        })
        .await;
    let some = world.walk(&medicines, "QuestionnaireResponse").await;
    for response in some.iter().flat_map(matches) {
        let items = response["item"].as_array().unwrap();
        assert!((1..10).contains(&items.len()), "{response}");
    }
    assert!(ids(&world.walk(&medicines, "DiagnosticReport").await).is_empty());
}

/// A screening of a municipality with these answers: item, number of the list, code.
fn screening(report: &str, answers: &[(&str, &str, &str)]) -> Checkup {
    let finding = |(code, list, answer): &(&str, &str, &str)| model::checkup::Finding {
        item: model::checkup::Item::from_code(code).unwrap(),
        reading: 0,
        result: model::checkup::Found::Answer(format!("1.2.392.100495.100.{list}"), (*answer).to_owned()),
        interpretation: None,
        method: None,
        range: None,
        doctor: None,
        day: None,
    };
    Checkup {
        report: report.to_owned(),
        programme: "1".to_owned(),
        findings: answers.iter().map(finding).collect(),
        ..somebody().checkup(2025)
    }
}

#[tokio::test]
async fn screenings_of_one_day_are_reports_of_their_own_and_what_they_found_needs_its_own_tick() {
    let world = World::new().await;
    let bones = [("9P637000000000011", "2740", "2"), ("9P631000000000011", "2704", "3")];
    let screenings = [
        screening("51", &[("9P502000000000011", "2100", "4")]),
        screening(
            "56",
            &[("9P615000000000011", "2640", "2"), ("9P604000000000011", "2054", "1")],
        ),
        screening("57", &bones),
    ];
    bring(&world, world.person, &screenings).await;
    let granted = world.given(Given::default()).await;
    let reports = world.walk(&granted, "DiagnosticReport").await;
    let mut kinds = found_codes(&reports);
    kinds.sort();
    assert_eq!(
        kinds,
        ["checkup_hepatitis", "checkup_lung_cancer", "checkup_osteoporosis"]
    );
    let item = "urn:oid:1.2.392.100495.100.1051%7C9P502000000000011";
    let found = world.walk(&granted, &format!("Observation?code={item}")).await;
    let found: Vec<&Json> = found.iter().flat_map(matches).collect();
    assert_eq!(found.len(), 1);
    assert_eq!(
        found[0]["valueCodeableConcept"]["coding"][0]["display"],
        "Ｅ（肺癌の疑い）"
    );
    assert!(
        found[0]["meta"].get("profile").is_none(),
        "no profile that asks for more"
    );
    for (category, expected) in [
        (ConsentCategory::Checkup, vec!["9P502000000000011", "9P637000000000011"]),
        (ConsentCategory::Infection, vec!["9P615000000000011"]),
        (
            ConsentCategory::Reproductive,
            vec!["9P604000000000011", "9P631000000000011"],
        ),
    ] {
        let some = world
            .given(Given {
                categories: &[category],
                ..Given::default()
            })
            .await;
        let pages = world.walk(&some, "Observation").await;
        let mut codes = found_codes(&pages);
        codes.retain(|code| code.starts_with('9'));
        codes.sort();
        assert_eq!(codes, expected, "{category:?}");
    }
}

/// The codes of a resource's security labels.
fn labels(resource: &Json) -> Vec<&str> {
    let labels = resource["meta"]["security"].as_array().unwrap();
    labels.iter().map(|label| label["code"].as_str().unwrap()).collect()
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
async fn documents_go_to_who_was_given_documents_and_never_with_the_insurance() {
    let world = World::new().await;
    let made = years(2023..2026);
    bring(&world, world.person, &made).await;
    let granted = world.given(Given::default()).await;
    let pages = world.walk(&granted, "DocumentReference").await;
    let found: Vec<&Json> = pages.iter().flat_map(matches).collect();
    assert_eq!(found.len(), 3);
    let subject = &made[0].subject;
    for (reference, checkup) in found.iter().zip(made.iter().rev()) {
        let attachment = &reference["content"][0]["attachment"];
        let url = attachment["url"].as_str().unwrap();
        for accept in [None, Some("*/*"), Some("application/xml"), Some("text/xml, */*;q=0.1")] {
            let bearer = format!("Bearer {}", granted.token);
            let mut plain = request(Method::GET, url).header(header::AUTHORIZATION, bearer);
            if let Some(accept) = accept {
                plain = plain.header(header::ACCEPT, accept);
            }
            let plain = plain.body(Body::empty()).unwrap();
            let answer = world.router.clone().oneshot(plain).await.unwrap();
            let head = answer.headers().clone();
            assert_eq!(answer.status(), StatusCode::OK);
            assert_eq!(head[header::CONTENT_TYPE], "application/xml");
            assert_eq!(head[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
            assert!(
                head[header::CONTENT_DISPOSITION]
                    .to_str()
                    .unwrap()
                    .starts_with("attachment")
            );
            let bytes = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
            assert_eq!(attachment["size"], bytes.len());
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            assert!(text.contains(&subject.name) && text.contains("<observation "));
            for secret in [&subject.insurer, &subject.symbol, &subject.number, &subject.branch] {
                assert!(!text.contains(&format!("extension=\"{secret}\"")), "{secret}");
            }
        }
        let resource = world.found(&granted, &format!("{url}?_format=json")).await;
        assert_eq!(resource["resourceType"], "Binary");
        assert_eq!(resource["meta"]["security"], reference["meta"]["security"]);
        assert_eq!(labels(reference), ["R", "appi-special-care"]);
        assert_eq!(
            resource["securityContext"]["reference"],
            format!("DocumentReference/{}", reference["id"].as_str().unwrap())
        );
        assert_eq!(reference["context"]["period"]["start"], checkup.day.to_string());
    }
    for (query, expected) in [
        (
            "type=http://jpfhir.jp/fhir/Common/CodeSystem/doc-typecodes%7C53576-5".to_owned(),
            3,
        ),
        ("type=http://loinc.org%7C53576-5".to_owned(), 0),
        ("category=documents&status=current".to_owned(), 3),
        ("status=superseded".to_owned(), 0),
        (format!("period=ge{}", made[1].day), 2),
        ("date=lt2020".to_owned(), 0),
        ("date=ge2020&_lastUpdated=ge2020".to_owned(), 3),
    ] {
        let found = world.walk(&granted, &format!("DocumentReference?{query}")).await;
        assert_eq!(ids(&found).len(), expected, "{query}");
    }
    // Every value, and no document; documents, and nothing else, no device either.
    let all_but: Vec<ConsentCategory> = ConsentCategory::ALL
        .into_iter()
        .filter(|category| !category.is_whole())
        .collect();
    let values = world
        .given(Given {
            categories: &all_but,
            ..Given::default()
        })
        .await;
    assert!(ids(&world.walk(&values, "DocumentReference").await).is_empty());
    let documents = world
        .given(Given {
            categories: &[ConsentCategory::Documents],
            ..Given::default()
        })
        .await;
    assert_eq!(ids(&world.walk(&documents, "DocumentReference").await).len(), 3);
    for nothing in ["Observation", "DiagnosticReport", "QuestionnaireResponse", "Device"] {
        assert!(ids(&world.walk(&documents, nothing).await).is_empty(), "{nothing}");
    }
    // What is given is recorded under its own name.
    let own = consent::OwnAccess::of_signed_in(world.person);
    let records = world.state.store.accesses(&own, None, 200).await.unwrap();
    let of_documents = records
        .iter()
        .flat_map(|record| &record.items)
        .filter(|item| item.category == ConsentCategory::Documents);
    assert!(of_documents.count() > 10);
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

#[tokio::test]
async fn guidance_after_a_checkup_is_an_event_of_its_own_and_no_checkup_report() {
    let world = World::new().await;
    let checkup = somebody().checkup(2025);
    let mut guidance = checkup.clone();
    guidance.programme = "100".to_owned();
    guidance.day = checkup.day.plus(40);
    guidance.written = guidance.day;
    guidance.findings.truncate(2);
    bring(&world, world.person, &[checkup]).await;
    bring_from_a_list(&world, world.person, guidance.clone()).await;
    let granted = world
        .given(Given {
            categories: &[ConsentCategory::Checkup],
            detail: Detail::Event,
            ..Given::default()
        })
        .await;
    let mut events = found_codes(&world.walk(&granted, "Observation").await);
    events.sort();
    assert_eq!(events, ["event_checkup_specific", "event_guidance_specific"]);
    let whole = world.given(Given::default()).await;
    let pages = world.walk(&whole, "DiagnosticReport?code=guidance_specific").await;
    let reports: Vec<&Json> = pages.iter().flat_map(matches).collect();
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0]["effectiveDateTime"], guidance.day.to_string());
    assert_eq!(reports[0]["result"].as_array().unwrap().len(), 2);
    let document = "DiagnosticReport?code=http://jpfhir.jp/fhir/Common/CodeSystem/doc-typecodes%7C53576-5";
    let documents = world.walk(&whole, document).await;
    let documents: Vec<&Json> = documents.iter().flat_map(matches).collect();
    assert_eq!(documents.len(), 1);
    assert_ne!(documents[0]["id"], reports[0]["id"]);
}

#[tokio::test]
async fn an_app_that_may_know_only_that_it_took_place_learns_nothing_else() {
    let world = World::new().await;
    bring(&world, world.person, &years(2024..2026)).await;
    let other = world.somebody_else().await;
    let mut short = years(2024..2026);
    for checkup in &mut short {
        checkup.findings.truncate(3);
    }
    bring(&world, other, &short).await;
    let mut seen = Vec::new();
    for person in [world.person, other] {
        let granted = world
            .given(Given {
                categories: &[ConsentCategory::Checkup],
                detail: Detail::Event,
                person: Some(person),
                ..Given::default()
            })
            .await;
        let mut shown = Vec::new();
        for query in [
            "Observation",
            "Observation?_sort=-date",
            "Observation?category=checkup",
            "Observation/$lastn?category=checkup",
        ] {
            let pages = world.walk(&granted, query).await;
            shown.extend(pages.iter().flat_map(matches).map(|resource| {
                let code = &resource["code"]["coding"][0]["code"];
                let value = &resource["valueCodeableConcept"]["coding"][0]["code"];
                assert!(resource.get("component").is_none() && resource.get("performer").is_none());
                (code.clone(), value.clone(), resource["effectiveDateTime"].clone())
            }));
        }
        for query in [
            "code=http://loinc.org%7C2085-9",
            "code=3F070000002327101",
            "code=http://loinc.org%7C85354-9",
            "code=checkup_specific",
        ] {
            let pages = world.walk(&granted, &format!("Observation?{query}")).await;
            assert!(found_codes(&pages).is_empty(), "{query}");
        }
        seen.push(shown);
    }
    assert!(!seen[0].is_empty());
    assert_eq!(seen[0][0].0, "event_checkup_specific");
    let words: Vec<&Json> = seen[0].iter().take(2).map(|(_, word, _)| word).collect();
    assert_eq!(words, ["first-confirmed", "later-confirmed"]);
    assert_eq!(seen[0], seen[1], "a checkup of three results looks like one of sixty");
}
