//! A checkup of which a resident knows no more than the fiscal year, through every door that shows that it took place.

use model::checkup::Checkup;

use super::checkups::bring_from_a_list;
use super::*;

const KIND: model::Metric = model::Metric::CHECKUP_DENTAL;

async fn said(world: &World, checkup: Checkup) {
    bring_from_a_list(world, world.person, checkup).await;
}

fn of_year(year: i32) -> Checkup {
    Checkup::declared_of_year(KIND, year, LocalDay::parse("2026-05-01").unwrap()).unwrap()
}

/// The effective time and the word of what a query finds.
async fn found(world: &World, granted: &Granted, query: &str) -> Vec<(Json, Json)> {
    let pages = world.walk(granted, query).await;
    let all = pages.iter().flat_map(matches);
    let all = all
        .filter(|resource| resource["resourceType"] == "Observation" || resource["resourceType"] == "DiagnosticReport");
    all.map(|resource| {
        assert!(
            resource.get("effectiveDateTime").is_none(),
            "no day is made up: {resource}"
        );
        let word = &resource["valueCodeableConcept"]["coding"][0]["code"];
        (resource["effectivePeriod"].clone(), word.clone())
    })
    .collect()
}

#[tokio::test]
async fn a_checkup_of_a_year_is_a_period_at_every_door() {
    let world = World::new().await;
    said(&world, of_year(2024)).await;
    let period = serde_json::json!({"start": "2024-04-01", "end": "2025-03-31"});
    let raw = world
        .given(Given {
            categories: &[ConsentCategory::Checkup],
            ..Given::default()
        })
        .await;
    let event = world
        .given(Given {
            categories: &[ConsentCategory::Checkup],
            detail: Detail::Event,
            ..Given::default()
        })
        .await;
    for (granted, word) in [(&raw, "declared"), (&event, "first-declared")] {
        let expected = [(period.clone(), Json::from(word))];
        for query in [
            "Observation",
            "Observation?category=checkup",
            "Observation/$lastn?category=checkup",
        ] {
            assert_eq!(found(&world, granted, query).await, expected, "{query}");
        }
        // As FHIR finds a Period: `eq` wholly within, the others by its parts.
        for (date, finds) in [
            ("ge2025-03-31", true),
            ("ge2025-04-01", false),
            ("le2024-04-01", true),
            ("lt2024-04-01", false),
            ("ap2024-11", true),
            ("2024", false),
            ("ne2024", true),
            ("sa2024-03-31", true),
            ("sa2024-04", false),
            ("eb2025-04-01", true),
            ("eb2025-03-31", false),
        ] {
            let found = found(&world, granted, &format!("Observation?date={date}")).await;
            assert_eq!(found.len(), usize::from(finds), "{word} {date}");
        }
        let pages = world.walk(granted, "Observation").await;
        let id = matches(&pages[0])[0]["id"].as_str().unwrap().to_owned();
        let read = world.found(granted, &format!("Observation/{id}")).await;
        assert_eq!(read["effectivePeriod"], period);
    }
    let whole = [(period.clone(), Json::Null)];
    assert_eq!(found(&world, &raw, "DiagnosticReport?date=ge2025-01-01").await, whole);
    assert!(
        found(&world, &raw, "DiagnosticReport?date=ge2025-04-01")
            .await
            .is_empty()
    );
    let patient = world.patient(&raw);
    let everything = |query: &str| format!("Patient/{patient}/$everything?{query}");
    let both = found(&world, &raw, &everything("start=2024-12-01&end=2024-12-31")).await;
    assert_eq!(
        both.iter().map(|(period, _)| period).collect::<Vec<_>>(),
        [&period, &period]
    );
    assert!(found(&world, &raw, &everything("start=2025-04-01")).await.is_empty());
    let day_known = world
        .walk(&event, "Observation")
        .await
        .iter()
        .flat_map(matches)
        .all(|resource| resource.get("component").is_none() && resource.get("performer").is_none());
    assert!(day_known, "an event says when and whose word, and no more");
}

#[tokio::test]
async fn a_period_of_data_that_begins_within_the_year_does_not_show_it() {
    let world = World::new().await;
    said(&world, of_year(2024)).await;
    said(&world, of_year(2025)).await;
    for detail in [Detail::Raw, Detail::Event] {
        for (from, years) in [("2024-04-01", 2), ("2024-04-02", 1), ("2025-04-02", 0)] {
            let granted = world
                .given(Given {
                    categories: &[ConsentCategory::Checkup],
                    detail,
                    from: LocalDay::parse(from),
                    ..Given::default()
                })
                .await;
            assert_eq!(
                found(&world, &granted, "Observation").await.len(),
                years,
                "{detail:?} {from}"
            );
            let reports = if detail == Detail::Raw { years } else { 0 };
            let found = world.walk(&granted, "DiagnosticReport").await;
            assert_eq!(found.iter().flat_map(matches).count(), reports);
        }
    }
}

#[tokio::test]
async fn the_record_of_a_provision_names_the_whole_year() {
    let world = World::new().await;
    said(&world, of_year(2024)).await;
    let granted = world.given(Given::default()).await;
    assert_eq!(
        found(&world, &granted, "Observation?code=checkup_dental").await.len(),
        1
    );
    let told = world.state.store.accesses(&world.own(), None, 10).await.unwrap();
    let item = told
        .iter()
        .flat_map(|record| &record.items)
        .find(|item| item.category == ConsentCategory::Checkup)
        .unwrap();
    assert_eq!(
        [item.first_day, item.last_day].map(|day| day.to_string()),
        ["2024-04-01", "2025-03-31"]
    );
}
