//! What is one examination of a checkup, as a group of its results.

use serde_json::Value as Json;

use super::checkups::{bring, found_codes, somebody, years};
use super::*;

const ANAEMIA: &str = "http://jpfhir.jp/fhir/eCheckup/CodeSystem/observationGroup-codes%7C2A020";

/// The codes of a group's members, each with its relation, as the app reads them.
async fn members(world: &World, granted: &Granted, group: &Json) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for member in group["hasMember"].as_array().unwrap() {
        let result = world.found(granted, member["reference"].as_str().unwrap()).await;
        found.push((
            member["extension"][0]["valueCode"].as_str().unwrap().to_owned(),
            result["code"]["coding"][0]["code"].as_str().unwrap().to_owned(),
        ));
    }
    found.sort();
    found
}

#[tokio::test]
async fn a_battery_names_the_results_of_one_examination_and_why_it_was_done() {
    let world = World::new().await;
    bring(&world, world.person, &years(2025..2026)).await;
    let granted = world.given(Given::default()).await;
    let pages = world.walk(&granted, &format!("Observation?code={ANAEMIA}")).await;
    let groups: Vec<&Json> = pages.iter().flat_map(matches).collect();
    let [group] = groups.as_slice() else {
        panic!("{groups:?}")
    };
    assert_eq!(group["status"], "final");
    assert!(group.get("valueQuantity").is_none() && group.get("dataAbsentReason").is_none());
    assert_eq!(group["code"]["text"], "貧血検査");
    let told = members(&world, &granted, group).await;
    let told: Vec<(&str, &str)> = told.iter().map(|(of, code)| (of.as_str(), code.as_str())).collect();
    assert_eq!(
        told,
        [
            ("COMP", "2A020000001930101"),
            ("COMP", "2A030000001930101"),
            ("COMP", "2A040000001930102"),
            ("RSON", "2A020161001930149"),
        ]
    );
    let id = group["id"].as_str().unwrap();
    assert_eq!(&world.found(&granted, &format!("Observation/{id}")).await, *group);
    // Without a code it is among all, and among the latest of each code.
    for query in [
        "Observation?category=laboratory",
        "Observation/$lastn?category=laboratory",
    ] {
        let codes = found_codes(&world.walk(&granted, query).await);
        assert_eq!(codes.iter().filter(|code| *code == "2A020").count(), 1, "{query}");
    }
    let reports = world.walk(&granted, "DiagnosticReport").await;
    assert!(
        reports[0].to_string().contains(id),
        "the report names it among its results"
    );
}

#[tokio::test]
async fn a_battery_changes_and_ends_with_its_results() {
    let world = World::new().await;
    let first = somebody().checkup(2025);
    bring(&world, world.person, std::slice::from_ref(&first)).await;
    let granted = world.given(Given::default()).await;
    let query = format!("Observation?code={ANAEMIA}");
    let before = ids(&world.walk(&granted, &query).await);
    let version = |resource: &Json| resource["meta"]["versionId"].as_str().unwrap().parse::<u32>().unwrap();
    let read = format!("Observation/{}", before[0]);
    let original = world.found(&granted, &read).await;
    // A later document leaves one of its results out.
    let mut later = first.clone();
    later.written = later.written.plus(10);
    later
        .findings
        .retain(|finding| finding.item.row().code != "2A040000001930102");
    bring(&world, world.person, std::slice::from_ref(&later)).await;
    let changed = world.found(&granted, &read).await;
    assert_eq!(version(&changed), version(&original) + 1);
    assert_eq!(members(&world, &granted, &changed).await.len(), 3);
    let former = world
        .found(&granted, &format!("{read}/_history/{}", version(&original)))
        .await;
    assert_eq!(former["hasMember"], original["hasMember"]);
    // The checkup is deleted: the battery and the pressures are met as entered in error by whoever polls.
    later.report = "19".to_owned();
    later.written = later.written.plus(1);
    later.findings.clear();
    bring(&world, world.person, std::slice::from_ref(&later)).await;
    assert!(ids(&world.walk(&granted, &query).await).is_empty());
    let polled = world
        .walk(
            &granted,
            &format!("{query}&_lastUpdated=gt2000-01-01&_sort=_lastUpdated"),
        )
        .await;
    let ended: Vec<&Json> = polled.iter().flat_map(matches).collect();
    assert_eq!(ended.len(), 1);
    assert_eq!(
        (&ended[0]["id"], &ended[0]["status"]),
        (&original["id"], &serde_json::json!("entered-in-error"))
    );
    assert!(ended[0].get("hasMember").is_none());
    let pressures =
        "Observation?code=http://loinc.org%7C85354-9&date=ge2025&_lastUpdated=gt2000-01-01&_sort=_lastUpdated";
    let pressures = world.walk(&granted, pressures).await;
    let pressures: Vec<&Json> = pressures.iter().flat_map(matches).collect();
    assert!(!pressures.is_empty() && pressures.iter().all(|one| one["status"] == "entered-in-error"));
}

#[tokio::test]
async fn a_battery_is_given_or_withheld_with_its_results() {
    let world = World::new().await;
    bring(&world, world.person, &years(2025..2026)).await;
    let group = {
        let granted = world.given(Given::default()).await;
        ids(&world.walk(&granted, &format!("Observation?code={ANAEMIA}")).await).remove(0)
    };
    let without = world
        .given(Given {
            categories: &[ConsentCategory::Activity],
            ..Given::default()
        })
        .await;
    let codes = found_codes(&world.walk(&without, "Observation").await);
    assert!(!codes.is_empty() && !codes.contains(&"2A020".to_owned()), "{codes:?}");
    let answer = world.get(&without, &format!("Observation/{group}")).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}
