//! Operations on Observations, by address and by a Parameters resource, and dates that must not be.

use serde_json::json;

use super::*;

impl World {
    /// An operation that is posted with a Parameters resource.
    async fn invoked(&self, granted: &Granted, path: &str, parameters: Json) -> Answer {
        let body = json!({"resourceType": "Parameters", "parameter": parameters});
        self.send(
            request(Method::POST, path)
                .header(header::AUTHORIZATION, bearer(granted))
                .header(header::CONTENT_TYPE, "application/fhir+json")
                .body(Body::from(body.to_string())),
        )
        .await
    }
}

fn starts(bundle: &Json) -> Vec<&str> {
    let found = matches(bundle).into_iter();
    found
        .filter_map(|one| {
            one["effectivePeriod"]["start"]
                .as_str()
                .or(one["effectiveDateTime"].as_str())
        })
        .collect()
}

#[tokio::test]
async fn the_latest_come_with_all_that_are_as_late_as_the_last_of_them() {
    let world = World::new().await;
    let granted = world.given(Given::default()).await;
    let latest = |max: usize| format!("Observation/$lastn?code=55423-8&max={max}");
    let (noon, nine) = ("2024-05-11T12:00:00+09:00", "2024-05-11T09:00:00+09:00");
    assert_eq!(starts(&world.found(&granted, &latest(1)).await), [noon]);
    // Watch and telephone both began at nine: the second and the third are as late as each other.
    assert_eq!(starts(&world.found(&granted, &latest(2)).await), [noon, nine, nine]);
    assert_eq!(starts(&world.found(&granted, &latest(3)).await), [noon, nine, nine]);
    assert_eq!(starts(&world.found(&granted, &latest(4)).await).len(), 4);
}

#[tokio::test]
async fn the_latest_are_of_each_code_and_of_days_the_days() {
    let world = World::new().await;
    let granted = world.given(Given::default()).await;
    let both = world
        .found(&granted, "Observation/$lastn?category=vital-signs,activity")
        .await;
    let mut found = codes(&both);
    found.sort_unstable();
    assert_eq!(
        found,
        [
            "blood_pressure",
            "body_weight",
            "heart_rate",
            "sleep_session",
            "sleep_stage",
            "step_count"
        ]
    );
    let daily = world
        .given(Given {
            detail: Detail::Daily,
            ..Given::default()
        })
        .await;
    let days = world
        .found(
            &daily,
            "Observation/$lastn?code=daily_step_count,daily_heart_rate&max=1",
        )
        .await;
    assert_eq!(starts(&days), ["2024-05-11", "2024-05-11"]);
    let nothing = world.found(&daily, "Observation/$lastn?code=8867-4").await;
    assert!(matches(&nothing).is_empty());
}

#[tokio::test]
async fn an_operation_is_posted_as_a_resource_and_says_the_same() {
    let world = World::new().await;
    let granted = world.given(Given::default()).await;
    let asked =
        "Observation/$stats?code=http://loinc.org|8867-4&statistic=average,count&date=ge2024-05-10&date=le2024-05-10";
    let by_address = world.found(&granted, asked).await;
    let by_resource = world
        .invoked(
            &granted,
            "Observation/$stats",
            json!([
                {"name": "coding", "valueCoding": {"system": "http://loinc.org", "code": "8867-4"}},
                {"name": "statistic", "valueCode": "average"},
                {"name": "statistic", "valueCode": "count"},
                {"name": "period", "valuePeriod": {"start": "2024-05-10", "end": "2024-05-10"}},
            ]),
        )
        .await;
    assert_eq!(by_resource.status, StatusCode::OK, "{}", by_resource.body);
    assert_eq!(by_resource.body, by_address);
    let parts = by_address["parameter"][0]["resource"]["component"].as_array().unwrap();
    let values: Vec<&Json> = parts.iter().map(|part| &part["valueQuantity"]["value"]).collect();
    assert_eq!(values, [&json!(62.0), &json!(5)]);
    let latest = world
        .invoked(
            &granted,
            "Observation/$lastn",
            json!([{"name": "code", "valueCode": "8867-4"}, {"name": "max", "valuePositiveInt": 2}]),
        )
        .await;
    assert_eq!(matches(&latest.body).len(), 2);
    let everything = format!("Patient/{}/$everything", world.patient(&granted));
    let all = world
        .invoked(
            &granted,
            &everything,
            json!([{"name": "_type", "valueCode": "Patient"}]),
        )
        .await;
    assert_eq!(matches(&all.body).len(), 1);
    let wrong = world
        .invoked(&granted, "Observation/$stats", json!([{"name": "statistic"}]))
        .await;
    assert_eq!(
        (wrong.status, issue(&wrong.body).1),
        (StatusCode::BAD_REQUEST, "parameter `statistic`: one value is needed")
    );
    // A search takes no resource.
    let search = world.invoked(&granted, "Observation/_search", json!([])).await;
    assert_eq!(search.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn statistics_bring_what_they_are_of_and_of_days_only_days() {
    let world = World::new().await;
    let sources = |told: &Json| -> Vec<Json> {
        let parts = told["parameter"].as_array().unwrap().iter();
        let sources = parts.filter(|part| part["name"] == "source");
        sources.map(|part| part["resource"].clone()).collect()
    };
    let granted = world.given(Given::default()).await;
    let asked = "Observation/$stats?code=8867-4&statistic=count&include=true";
    let all = sources(&world.found(&granted, asked).await);
    assert_eq!(all.len(), 10);
    let (status, read) = {
        let id = all[3]["id"].as_str().unwrap();
        let answer = world.get(&granted, &format!("Observation/{id}")).await;
        (answer.status, answer.body)
    };
    assert_eq!((status, &read), (StatusCode::OK, &all[3]));
    let few = sources(&world.found(&granted, &format!("{asked}&limit=4")).await);
    assert_eq!(few, all[..4]);
    assert!(sources(&world.found(&granted, &format!("{asked}&include=false")).await).is_empty());
    let daily = world
        .given(Given {
            detail: Detail::Daily,
            ..Given::default()
        })
        .await;
    let days = sources(&world.found(&daily, asked).await);
    assert_eq!(days.len(), 2);
    assert!(
        days.iter()
            .all(|day| day["effectiveDateTime"].as_str().unwrap().len() == 10)
    );
    let bad = world.get(&granted, &format!("{asked}&limit=0")).await;
    assert_eq!(bad.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_ne_names_is_what_eq_does_not_find() {
    let world = World::new().await;
    let granted = world.given(Given::default()).await;
    let all = ids(&world.walk(&granted, "Observation?_count=4").await);
    for (name, date) in [
        ("date", "2024-05-10"),
        ("date", "2024-05-10T09:00:00+09:00"),
        ("date", "2024"),
        ("_lastUpdated", "2024-05-10"),
        ("_lastUpdated", "2026"),
    ] {
        let found = |prefix: &str| format!("Observation?{name}={prefix}{date}&_count=4");
        let equal = ids(&world.walk(&granted, &found("eq")).await);
        let unequal = ids(&world.walk(&granted, &found("ne")).await);
        let mut expected = all.clone();
        expected.retain(|id| !equal.contains(id));
        assert_eq!(unequal, expected, "{name} {date}");
    }
    let days = |query: &str| format!("Observation?code=daily_step_count&{query}");
    assert_eq!(
        starts(&world.found(&granted, &days("date=ne2024-05-10")).await),
        ["2024-05-11"]
    );
    let first = ids(&[world.found(&granted, &days("date=2024-05-10")).await]);
    let by_id = world
        .found(&granted, &format!("Observation?_id={}&date=ne2024-05-10", first[0]))
        .await;
    assert!(matches(&by_id).is_empty());
    let counted = world
        .found(&granted, &days("date=ne2024-05-10&date=ne2024-05-11&_total=accurate"))
        .await;
    assert_eq!(counted["total"], 0);
}

/// Type, id and version of each entry of pages of a history, as they come.
fn told(pages: &[Json]) -> Vec<(String, String)> {
    let entries = pages
        .iter()
        .flat_map(|page| page["entry"].as_array().into_iter().flatten());
    entries
        .map(|entry| {
            let resource = &entry["resource"];
            let text = |value: &Json| value.as_str().unwrap().to_owned();
            assert_eq!(entry["response"]["lastModified"], resource["meta"]["lastUpdated"]);
            (text(&resource["id"]), text(&resource["meta"]["versionId"]))
        })
        .collect()
}

#[tokio::test]
async fn the_history_of_a_type_has_every_version_once_the_latest_first() {
    let world = World::new().await;
    let granted = world.given(Given::default()).await;
    let before = told(&world.walk(&granted, "Observation/_history?_count=4").await);
    let present = ids(&world.walk(&granted, "Observation?_sort=-_lastUpdated&_count=4").await);
    assert_eq!(before.len(), present.len());
    let noon = world
        .found(&granted, "Observation?code=55423-8&value-quantity=500&_count=1")
        .await;
    let id = ids(&[noon]).remove(0);
    let until = world.found(&granted, "Observation?_count=1").await["meta"]["lastUpdated"]
        .as_str()
        .unwrap()
        .replace('+', "%2B");
    world.restate_steps("1234").await;
    world.restate_steps("1235").await;
    for count in [1, 3, 1000] {
        let pages = world
            .walk(&granted, &format!("Observation/_history?_count={count}"))
            .await;
        let after = told(&pages);
        let own: Vec<&str> = after
            .iter()
            .filter(|(of, _)| *of == id)
            .map(|(_, version)| version.as_str())
            .collect();
        assert_eq!(own, ["3", "2", "1"], "{count}");
        assert_eq!(after.len(), before.len() + 2);
        assert_eq!(after[0].0, id);
        let updated: Vec<&str> = pages
            .iter()
            .flat_map(|page| page["entry"].as_array().unwrap())
            .map(|entry| entry["response"]["lastModified"].as_str().unwrap())
            .collect();
        assert!(updated.is_sorted_by(|one, next| one >= next), "{updated:?}");
        assert!(pages.iter().all(|page| page["type"] == "history"));
    }
    // From the commit before on: both corrections, and what that commit itself made.
    let since = world
        .walk(&granted, &format!("Observation/_history?_since={until}&_count=3"))
        .await;
    assert_eq!(
        told(&since)[..2],
        [(id.clone(), "3".to_owned()), (id.clone(), "2".to_owned())]
    );
    let later = world
        .found(&granted, "Observation/_history?_since=2100-01-01T00:00:00Z")
        .await;
    assert!(later.get("entry").is_none());
    let provenances = told(&world.walk(&granted, "Provenance/_history?_count=3").await);
    assert_eq!(provenances.len(), before.len() + 2);
    for kind in ["Patient", "Device", "Consent"] {
        let searched = ids(&[world.found(&granted, kind).await]);
        let mut versions: Vec<String> = told(&[world.found(&granted, &format!("{kind}/_history")).await])
            .into_iter()
            .map(|(id, _)| id)
            .collect();
        versions.sort_unstable();
        let mut expected = searched;
        expected.sort_unstable();
        assert_eq!(versions, expected, "{kind}");
    }
    for bad in ["_since=2024", "_at=2024-01-01", "code=8867-4"] {
        let answer = world.get(&granted, &format!("Observation/_history?{bad}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{bad}");
    }
}

#[tokio::test]
async fn a_version_before_the_first_day_that_is_given_stands_in_no_history() {
    let world = World::new().await;
    world.restate_steps("1234").await;
    let second_day = world
        .given(Given {
            from: LocalDay::parse("2024-05-11"),
            ..Given::default()
        })
        .await;
    let daily = world
        .given(Given {
            detail: Detail::Daily,
            ..Given::default()
        })
        .await;
    let versions = told(&world.walk(&second_day, "Observation/_history").await);
    assert!(versions.iter().all(|(_, version)| version == "1"), "{versions:?}");
    let pages = world.walk(&daily, "Observation/_history").await;
    let entries = pages.iter().flat_map(|page| page["entry"].as_array().unwrap());
    for entry in entries {
        let code = entry["resource"]["code"].to_string();
        assert!(code.contains("daily_") || code.contains("sleep_session"), "{code}");
    }
}
