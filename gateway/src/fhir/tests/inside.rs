//! Searches that look into Observations, what comes beside them, how many there are, and which of their elements come.

use super::*;

/// Every sample that a search can find, as rendered.
async fn everything(world: &World, granted: &Granted) -> Vec<Json> {
    let pages = world.walk(granted, "Observation?_count=7").await;
    pages.iter().flat_map(matches).cloned().collect()
}

/// Asserts that a search, walked in pages, finds exactly what a look at all resources finds.
async fn agrees(world: &World, granted: &Granted, query: &str, all: &[Json], fits: impl Fn(&Json) -> bool) -> usize {
    let id = |resource: &Json| resource["id"].as_str().unwrap().to_owned();
    let expected: Vec<String> = all.iter().filter(|resource| fits(resource)).map(id).collect();
    for count in [2, 100] {
        let pages = world
            .walk(granted, &format!("Observation?{query}&_count={count}&_total=accurate"))
            .await;
        assert_eq!(ids(&pages), expected, "{query}");
        assert!(pages.iter().all(|page| page["total"] == expected.len()), "{query}");
    }
    let counted = world
        .found(granted, &format!("Observation?{query}&_summary=count"))
        .await;
    assert_eq!(counted["total"], expected.len(), "{query}");
    assert!(counted.get("entry").is_none() && link(&counted, "next").is_none());
    expected.len()
}

#[tokio::test]
async fn value_device_status_and_component_are_looked_into_and_counted() {
    let world = World::new().await;
    let granted = world.given(Given::default()).await;
    let all = everything(&world, &granted).await;
    let number = |resource: &Json| resource["valueQuantity"]["value"].as_f64();
    let above = |resource: &Json| number(resource).is_some_and(|number| number > 62.0);
    assert!(agrees(&world, &granted, "value-quantity=gt62", &all, above).await > 5);
    let beats = |resource: &Json| resource["valueQuantity"]["code"] == "/min" && above(resource);
    let query = "value-quantity=gt62|http://unitsofmeasure.org|/min";
    assert_eq!(agrees(&world, &granted, query, &all, beats).await, 4);
    let exact = |resource: &Json| number(resource).is_some_and(|number| number == 1000.0);
    assert_eq!(agrees(&world, &granted, "value-quantity=1000", &all, exact).await, 2);
    let device = all.iter().find_map(|one| one["device"]["reference"].as_str()).unwrap();
    let by = |resource: &Json| resource["device"]["reference"] == device;
    assert!(agrees(&world, &granted, &format!("device={device}"), &all, by).await > 5);
    assert_eq!(
        agrees(&world, &granted, "device=Device/nobody", &all, |_| false).await,
        0
    );
    assert_eq!(
        agrees(&world, &granted, "status=final,amended", &all, |_| true).await,
        all.len()
    );
    assert_eq!(
        agrees(&world, &granted, "status=entered-in-error", &all, |_| false).await,
        0
    );
    let part = |resource: &Json| {
        let parts = resource["component"].as_array().into_iter().flatten();
        parts.into_iter().any(|part| {
            part["code"]["coding"]
                .as_array()
                .unwrap()
                .iter()
                .any(|coding| coding["code"] == "8480-6")
                && part.get("valueQuantity").is_some()
        })
    };
    assert_eq!(agrees(&world, &granted, "component-code=8480-6", &all, part).await, 1);
    for bad in [
        "value-quantity=x",
        "value-quantity=5|http://other.example|kg",
        "_total=many",
        "_summary=x",
    ] {
        let answer = world.get(&granted, &format!("Observation?{bad}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{bad}");
    }
}

#[tokio::test]
async fn a_count_never_tells_of_what_may_not_be_seen() {
    let world = World::new().await;
    let daily = world
        .given(Given {
            detail: Detail::Daily,
            ..Given::default()
        })
        .await;
    let pages = world.walk(&daily, "Observation?_total=accurate&_count=5").await;
    let seen = ids(&pages).len();
    assert!(pages.iter().all(|page| page["total"] == seen));
    for query in ["code=8867-4", "code=8867-4&value-quantity=gt1", "device=Device/x"] {
        let counted = world
            .found(&daily, &format!("Observation?{query}&_summary=count"))
            .await;
        assert_eq!(counted["total"], 0, "{query}");
    }
    let other = world
        .found(&daily, "Observation?patient=Patient/nobody&_total=accurate")
        .await;
    assert_eq!(other["total"], 0);
}

#[tokio::test]
async fn devices_patient_and_provenances_come_beside_the_matches_where_scopes_reach() {
    let world = World::new().await;
    let granted = world
        .given(Given {
            identity: IdentityGrant {
                name: true,
                ..IdentityGrant::NOTHING
            },
            ..Given::default()
        })
        .await;
    let query = "Observation?code=8867-4&_count=3&_include=Observation:device&_include=Observation:patient&_revinclude=Provenance:target";
    let bundle = world.found(&granted, query).await;
    let included = |bundle: &Json| -> Vec<String> {
        let entries = bundle["entry"].as_array().unwrap().iter();
        entries
            .filter(|entry| entry["search"]["mode"] == "include")
            .map(|entry| entry["resource"]["resourceType"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        included(&bundle),
        ["Device", "Patient", "Provenance", "Provenance", "Provenance"]
    );
    let targets: Vec<&str> = bundle["entry"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|entry| entry["resource"]["target"][0]["reference"].as_str())
        .collect();
    let expected: Vec<String> = ids(std::slice::from_ref(&bundle))
        .iter()
        .map(|id| format!("Observation/{id}"))
        .collect();
    assert!(
        targets.iter().zip(&expected).all(|(target, id)| target.starts_with(id)),
        "{targets:?}"
    );
    // That the name was given stands in the record.
    let own = OwnAccess::of_signed_in(world.person);
    let told = world.state.store.accesses(&own, None, 1).await.unwrap();
    assert!(told[0].identity.name && told[0].items[0].count == 3);
    // The same resources as by themselves.
    let device = bundle["entry"]
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["resource"]["resourceType"] == "Device");
    let device = &device.unwrap()["resource"];
    let id = device["id"].as_str().unwrap();
    assert_eq!(&world.found(&granted, &format!("Device/{id}")).await, device);
    let narrow = world
        .given(Given {
            scopes: "patient/Observation.rs",
            ..Given::default()
        })
        .await;
    let bundle = world.found(&narrow, query).await;
    assert!(included(&bundle).is_empty());
    assert!(bundle.to_string().contains("outside the token's scopes"));
    for unknown in ["_include=Observation:encounter", "_revinclude=Media:target"] {
        let lenient = world.found(&granted, &format!("Observation?{unknown}")).await;
        assert!(lenient.to_string().contains("was left out"), "{unknown}");
    }
    let chained = world.get(&granted, "Observation?_include:iterate=Device:patient").await;
    assert_eq!(chained.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn elements_and_summaries_are_cuts_of_the_same_resources() {
    let world = World::new().await;
    let granted = world.given(Given::default()).await;
    let whole = world.found(&granted, "Observation?code=8867-4&_count=2").await;
    let id = ids(std::slice::from_ref(&whole)).remove(0);
    let cut = world
        .found(&granted, "Observation?code=8867-4&_count=2&_elements=valueQuantity")
        .await;
    for (cut, whole) in matches(&cut).into_iter().zip(matches(&whole)) {
        assert_eq!(cut["meta"]["tag"][0]["code"], "SUBSETTED");
        for (name, value) in cut.as_object().unwrap() {
            assert!(name == "meta" || *value == whole[name], "{name}");
        }
        assert!(cut.get("subject").is_none() && cut["status"] == "final" && cut["valueQuantity"].is_object());
    }
    // Also of the next page, and of a read.
    assert!(link(&cut, "next").is_some());
    let next = world.found(&granted, &link(&cut, "next").unwrap()).await;
    assert!(matches(&next)[0].get("subject").is_none());
    let read = world.found(&granted, &format!("Observation/{id}?_elements=code")).await;
    assert!(read.get("valueQuantity").is_none() && read["code"].is_object());
    let read = world.found(&granted, &format!("Observation/{id}?_summary=true")).await;
    assert!(read.get("device").is_none() && read["valueQuantity"].is_object());
    let patient = world.found(&granted, "Patient?_summary=count").await;
    assert_eq!((patient["total"].as_u64(), patient.get("entry")), (Some(1), None));
}
