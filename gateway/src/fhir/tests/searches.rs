//! Searches of Observations: parameters, order, pages, polling.

use super::*;

#[tokio::test]
async fn a_code_finds_its_samples_with_their_digits_and_links() {
    let world = World::new().await;
    let granted = world.given(Given::default()).await;
    let bundle = world
        .found(&granted, "Observation?code=http://loinc.org|8867-4&_count=1")
        .await;
    assert_eq!(
        (bundle["type"].as_str(), bundle.get("total")),
        (Some("searchset"), None)
    );
    let entry = &bundle["entry"][0];
    let id = entry["resource"]["id"].as_str().unwrap();
    assert_eq!(
        entry["fullUrl"],
        format!("https://phr.example/fhir/r4/Observation/{id}")
    );
    assert_eq!(
        entry["resource"]["subject"]["reference"],
        format!("Patient/{}", world.patient(&granted))
    );
    assert_eq!(entry["resource"]["valueQuantity"]["value"].to_string(), "60.0");
    assert_eq!(
        link(&bundle, "self").unwrap(),
        "https://phr.example/fhir/r4/Observation?code=http%3A%2F%2Floinc.org%7C8867-4&_count=1"
    );
    assert!(bundle["meta"]["lastUpdated"].is_string());
    let device = entry["resource"]["device"]["reference"].as_str().unwrap();
    assert_eq!(world.found(&granted, device).await["resourceType"], "Device");
}

#[tokio::test]
async fn pages_one_after_another_are_the_whole_search_once() {
    let world = World::new().await;
    let granted = world.given(Given::default()).await;
    for sort in ["date", "-date", "_lastUpdated"] {
        let whole = ids(&[world
            .found(&granted, &format!("Observation?code=8867-4,55423-8&_sort={sort}"))
            .await]);
        assert_eq!(whole.len(), 16);
        let pages = world
            .walk(
                &granted,
                &format!("Observation?code=8867-4,55423-8&_sort={sort}&_count=3"),
            )
            .await;
        assert_eq!(pages.len(), 6);
        assert_eq!(ids(&pages), whole, "{sort}");
    }
    let times = |bundle: &Json| -> Vec<String> {
        matches(bundle)
            .iter()
            .map(|resource| resource["effectiveDateTime"].as_str().unwrap().to_owned())
            .collect()
    };
    let up = times(&world.found(&granted, "Observation?code=8867-4").await);
    let mut down = times(&world.found(&granted, "Observation?code=8867-4&_sort=-date").await);
    assert_eq!(up[0], "2024-05-10T08:00:00+09:00");
    down.reverse();
    assert_eq!(up, down);
}

#[tokio::test]
async fn a_page_link_that_was_touched_or_given_to_another_is_refused_with_a_clear_text() {
    let world = World::new().await;
    let (granted, other) = (world.given(Given::default()).await, world.given(Given::default()).await);
    let next = link(&world.found(&granted, "Observation?code=8867-4&_count=3").await, "next").unwrap();
    assert!(!next.contains("8867"), "a link shows nothing of the search");
    let mut touched = next.clone();
    let last = touched.pop().unwrap();
    touched.push(if last == 'A' { 'B' } else { 'A' });
    for (granted, path) in [
        (&granted, touched),
        (&other, next.clone()),
        (&granted, format!("{next}&code=55423-8")),
    ] {
        let answer = world.get(granted, &path).await;
        assert_eq!(
            (answer.status, issue(&answer.body).0),
            (StatusCode::BAD_REQUEST, "value"),
            "{path}"
        );
        assert!(issue(&answer.body).1.contains("page link"), "{}", answer.body);
    }
    let same = format!("{next}&code=8867-4&_count=3");
    assert_eq!(
        ids(&[world.found(&granted, &same).await]),
        ids(&[world.found(&granted, &next).await])
    );
    let this = link(&world.found(&granted, &next).await, "self").unwrap();
    assert_eq!(
        ids(&[world.found(&granted, &this).await]),
        ids(&[world.found(&granted, &next).await])
    );
}

#[tokio::test]
async fn a_search_by_post_is_the_same_search() {
    let world = World::new().await;
    let granted = world.given(Given::default()).await;
    let post = async |content_type: &str, path: &str, body: &'static str| {
        let request = request(Method::POST, path)
            .header(header::AUTHORIZATION, bearer(&granted))
            .header(header::CONTENT_TYPE, content_type);
        world.send(request.body(Body::from(body))).await
    };
    let form = "application/x-www-form-urlencoded";
    let by_post = post(form, "Observation/_search?_count=2", "code=8867-4&date=2024-05-10").await;
    assert_eq!(by_post.status, StatusCode::OK);
    let by_get = world
        .found(&granted, "Observation?_count=2&code=8867-4&date=2024-05-10")
        .await;
    assert_eq!(ids(std::slice::from_ref(&by_post.body)), ids(&[by_get]));
    let next = link(&by_post.body, "next").unwrap();
    assert_eq!(ids(&[world.found(&granted, &next).await]).len(), 2);
    let json = post("application/json", "Observation/_search", "{}").await;
    assert_eq!(
        (json.status, issue(&json.body).0),
        (StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-supported")
    );
    let xml = post(form, "Observation/_search", "_format=xml").await;
    assert_eq!(xml.status, StatusCode::NOT_ACCEPTABLE);
}

#[tokio::test]
async fn a_date_is_read_in_the_home_zone_unless_it_says_its_own() {
    let world = World::new().await;
    let granted = world.given(Given::default()).await;
    let count = async |query: &str| ids(&[world.found(&granted, &format!("Observation?{query}")).await]).len();
    assert_eq!(count("code=8867-4&date=2024-05-10").await, 5);
    assert_eq!(count("code=8867-4&date=2024-05").await, 10);
    assert_eq!(count("code=8867-4&date=2024-05-09T23:00Z").await, 1);
    assert_eq!(
        count("code=8867-4&date=ge2024-05-10T08:03:00%2B09:00&date=lt2024-05-11").await,
        2
    );
    assert_eq!(
        count("code=8867-4&date=ge2024-05-10T08:03:00+09:00&date=lt2024-05-11").await,
        2
    );
    assert_eq!(count("code=8867-4&date=gt2024-05-11T08:04:00%2B09:00").await, 0);
    // The night that began on the 9th is of the 10th, and found by both days' open ends.
    assert_eq!(count("code=sleep_stage&date=ge2024-05-10").await, 1);
    assert_eq!(count("code=sleep_stage&date=sa2024-05-09").await, 0);
    // A day is found by its civil date.
    assert_eq!(count("code=daily_step_count&date=2024-05-11").await, 1);
}

#[tokio::test]
async fn a_poller_sees_up_to_when_and_then_nothing_new() {
    let world = World::new().await;
    let granted = world.given(Given::default()).await;
    let bundle = world.found(&granted, "Observation?code=8867-4&_count=0").await;
    assert!(bundle.get("entry").is_none() && link(&bundle, "next").is_none());
    let until = bundle["meta"]["lastUpdated"].as_str().unwrap();
    let query = |prefix: &str| {
        format!(
            "Observation?code=8867-4&_sort=_lastUpdated&_lastUpdated={prefix}{}",
            until.replace('+', "%2B")
        )
    };
    assert_eq!(ids(&[world.found(&granted, &query("gt")).await]).len(), 0);
    assert_eq!(ids(&[world.found(&granted, &query("le")).await]).len(), 10);
}

#[tokio::test]
async fn several_ids_are_found_at_once_page_by_page() {
    let world = World::new().await;
    let granted = world.given(Given::default()).await;
    let all = ids(&[world.found(&granted, "Observation?code=8867-4,daily_step_count").await]);
    assert_eq!(all.len(), 12);
    let mut wanted = all[..5].to_vec();
    wanted.push("x".repeat(26));
    let pages = world
        .walk(&granted, &format!("Observation?_id={}&_count=2", wanted.join(",")))
        .await;
    let mut found = ids(&pages);
    found.sort();
    let mut expected = all[..5].to_vec();
    expected.sort();
    assert_eq!((found, pages.len()), (expected, 3));
    let one = format!("Observation?_id={}", all[0]);
    assert_eq!(
        ids(&[world.found(&granted, &format!("{one}&code=55423-8")).await]).len(),
        0
    );
    assert_eq!(
        ids(&[world.found(&granted, &format!("{one}&date=2024-05-10")).await]).len(),
        1
    );
    assert_eq!(
        ids(&[world.found(&granted, &format!("{one}&date=2024-05-11")).await]).len(),
        0
    );
    assert_eq!(
        ids(&[world.found(&granted, &format!("{one}&_lastUpdated=lt2024-05-11")).await]).len(),
        0
    );
}

#[tokio::test]
async fn what_is_not_offered_is_left_out_and_told_or_refused_when_strict() {
    let world = World::new().await;
    let granted = world.given(Given::default()).await;
    let bundle = world
        .found(
            &granted,
            "Observation?code=8867-4&colour=red&_include=Observation:encounter",
        )
        .await;
    assert_eq!(ids(std::slice::from_ref(&bundle)).len(), 10);
    assert_eq!(
        link(&bundle, "self").unwrap(),
        "https://phr.example/fhir/r4/Observation?code=8867-4"
    );
    let told = bundle["entry"].as_array().unwrap().last().unwrap();
    assert_eq!(told["search"]["mode"], "outcome");
    assert_eq!(told["resource"]["issue"][0]["severity"], "warning");
    assert_eq!(told["resource"]["issue"][1]["expression"][0], "http._include");
    let strict = request(Method::GET, "Observation?code=8867-4&colour=red")
        .header(header::AUTHORIZATION, bearer(&granted))
        .header("prefer", "handling=strict");
    let answer = world.send(strict.body(Body::empty())).await;
    assert_eq!(
        (answer.status, issue(&answer.body).0),
        (StatusCode::BAD_REQUEST, "not-supported")
    );
    let modifier = world.get(&granted, "Observation?code:text=heart").await;
    assert_eq!(
        (modifier.status, issue(&modifier.body).0),
        (StatusCode::BAD_REQUEST, "not-supported")
    );
    let date = world.get(&granted, "Observation?date=yesterday").await;
    assert_eq!((date.status, issue(&date.body).0), (StatusCode::BAD_REQUEST, "value"));
}

#[tokio::test]
async fn another_patient_and_an_unknown_code_find_nothing() {
    let world = World::new().await;
    let (granted, other) = (world.given(Given::default()).await, world.given(Given::default()).await);
    let (own, others) = (world.patient(&granted), world.patient(&other));
    assert_ne!(own, others, "two recipients see two ids of one resident");
    for (query, count) in [
        (format!("patient={own}&code=8867-4"), 10),
        (format!("subject=Patient/{own}&code=8867-4"), 10),
        (
            format!("patient=https://phr.example/fhir/r4/Patient/{own}&code=8867-4"),
            10,
        ),
        (format!("patient={others}&code=8867-4"), 0),
        (format!("patient={own}&code=nonsense"), 0),
    ] {
        let bundle = world.found(&granted, &format!("Observation?{query}")).await;
        assert_eq!(ids(std::slice::from_ref(&bundle)).len(), count, "{query}");
        assert_eq!(bundle.get("entry").is_some(), count > 0, "an empty list is left out");
    }
}
