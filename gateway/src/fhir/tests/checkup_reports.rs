//! What a checkup is as a whole: its report, its answers, its screenings of one day, and its document.

use model::checkup::Checkup;

use super::checkups::{bring, found_codes, labels, somebody, years};
use super::*;

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
    let finding = |(code, list, answer): &(&str, &str, &str)| {
        model::checkup::Finding::new(
            model::checkup::Item::from_code(code).unwrap(),
            model::checkup::Found::Answer(format!("1.2.392.100495.100.{list}"), (*answer).to_owned()),
        )
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
