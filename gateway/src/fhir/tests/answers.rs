//! What every answer keeps to: tokens, formats, verbs, addresses that are nothing, other origins.

use super::*;

#[tokio::test]
async fn the_capability_statement_needs_no_token_and_promises_only_what_answers() {
    let world = World::new().await;
    let answer = world.send(request(Method::GET, "metadata").body(Body::empty())).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        answer.headers[header::CONTENT_TYPE],
        "application/fhir+json; fhirVersion=4.0"
    );
    assert_eq!(answer.body["implementation"]["url"], "https://phr.example/fhir/r4");
    let again = request(Method::GET, "metadata").header(header::IF_NONE_MATCH, &answer.headers[header::ETAG]);
    assert_eq!(
        world.send(again.body(Body::empty())).await.status,
        StatusCode::NOT_MODIFIED
    );
    let granted = world.given(Given::default()).await;
    for resource in answer.body["rest"][0]["resource"].as_array().unwrap() {
        let kind = resource["type"].as_str().unwrap();
        for parameter in resource["searchParam"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            let value = match (parameter["type"].as_str().unwrap(), name) {
                ("date", _) => "ge2024-05-10",
                ("number", _) => "5",
                (_, "_sort") => "-date",
                (_, "_summary") => "true",
                (_, "_total") => "accurate",
                (_, "_include") => "Observation:device",
                (_, "_revinclude") => "Provenance:target",
                ("quantity", _) => "gt5",
                _ => "x",
            };
            let target = if kind == "Provenance" { "target=x&" } else { "" };
            let query = format!("{kind}?{target}{name}={value}");
            let strict = request(Method::GET, &query)
                .header(header::AUTHORIZATION, bearer(&granted))
                .header("prefer", "handling=strict");
            let answer = world.send(strict.body(Body::empty())).await;
            assert_eq!(
                (answer.status, answer.body["type"].as_str()),
                (StatusCode::OK, Some("searchset")),
                "{query}"
            );
        }
        for interaction in resource["interaction"].as_array().unwrap() {
            if interaction["code"] == "read" {
                let answer = world.get(&granted, &format!("{kind}/x")).await;
                assert_eq!(
                    (answer.status, issue(&answer.body).0),
                    (StatusCode::NOT_FOUND, "not-found"),
                    "{kind}"
                );
            }
        }
    }
}

#[tokio::test]
async fn without_a_token_that_holds_nothing_is_answered() {
    let world = World::new().await;
    for path in [
        "Observation",
        "Observation/x",
        "Patient/x",
        "Device",
        "Provenance?target=x",
        "Observation?_cursor=x",
    ] {
        let answer = world.send(request(Method::GET, path).body(Body::empty())).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        assert!(
            answer.headers[header::WWW_AUTHENTICATE]
                .to_str()
                .unwrap()
                .starts_with("Bearer"),
            "{path}"
        );
        assert_eq!(answer.body["resourceType"], "OperationOutcome");
        let unknown = request(Method::GET, path)
            .header(header::AUTHORIZATION, "Bearer unknown")
            .body(Body::empty());
        assert_eq!(world.send(unknown).await.status, StatusCode::UNAUTHORIZED, "{path}");
    }
}

#[tokio::test]
async fn an_address_or_verb_that_is_not_offered_says_so_as_an_outcome() {
    let world = World::new().await;
    let granted = world.given(Given::default()).await;
    for path in ["Encounter", "Encounter/1"] {
        let answer = world.get(&granted, path).await;
        assert_eq!(
            (answer.status, issue(&answer.body).0),
            (StatusCode::NOT_FOUND, "not-supported"),
            "{path}"
        );
    }
    for (method, path) in [
        (Method::DELETE, "Observation/x"),
        (Method::POST, "Observation"),
        (Method::PUT, "Patient/x"),
    ] {
        let answer = world
            .send(
                request(method, path)
                    .header(header::AUTHORIZATION, bearer(&granted))
                    .body(Body::empty()),
            )
            .await;
        assert_eq!(
            (answer.status, issue(&answer.body).0),
            (StatusCode::METHOD_NOT_ALLOWED, "not-supported"),
            "{path}"
        );
        assert!(
            answer.headers[header::ALLOW].to_str().unwrap().contains("GET"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn json_is_given_and_nothing_else() {
    let world = World::new().await;
    let granted = world.given(Given::default()).await;
    let asked = async |accept: &str, path: &str| {
        let request = request(Method::GET, path)
            .header(header::AUTHORIZATION, bearer(&granted))
            .header(header::ACCEPT, accept);
        world.send(request.body(Body::empty())).await
    };
    let xml = asked("application/fhir+xml", "Observation").await;
    assert_eq!(
        (xml.status, issue(&xml.body).0),
        (StatusCode::NOT_ACCEPTABLE, "not-supported")
    );
    assert_eq!(
        asked("*/*", "Observation?_format=xml").await.status,
        StatusCode::NOT_ACCEPTABLE
    );
    let json = asked("application/fhir+xml", "Observation?_format=json").await;
    assert_eq!(json.status, StatusCode::OK);
    let plain = asked("application/json", "Observation").await;
    assert_eq!(plain.headers[header::CONTENT_TYPE], "application/json");
}

#[tokio::test]
async fn a_browser_app_of_any_origin_may_ask_and_never_with_cookies() {
    let world = World::new().await;
    let preflight = request(Method::OPTIONS, "Observation")
        .header(header::ORIGIN, "https://app.example")
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "GET")
        .body(Body::empty());
    let answer = world.send(preflight).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
    assert!(
        answer.headers[header::ACCESS_CONTROL_ALLOW_HEADERS]
            .to_str()
            .unwrap()
            .contains("authorization")
    );
    assert!(!answer.headers.contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS));
    let refused = world
        .send(request(Method::GET, "Observation").body(Body::empty()))
        .await;
    assert_eq!(refused.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
}

#[tokio::test]
async fn what_our_addresses_mean_is_read_without_a_token() {
    let world = World::new().await;
    let get = async |path: &str| world.send(request(Method::GET, path).body(Body::empty())).await;
    let system = get("CodeSystem/metric").await;
    assert_eq!(
        (system.status, system.body["url"].as_str()),
        (StatusCode::OK, Some(model::vocabulary::systems::METRIC))
    );
    assert!(system.body["concept"].as_array().unwrap().len() > 100);
    let found = get("StructureDefinition?url=https://sekisho.example/fhir/StructureDefinition/daily-total").await;
    assert_eq!(ids(std::slice::from_ref(&found.body)), ["daily-total"]);
    assert_eq!(ids(&[get("ValueSet?name=sekishometric").await.body]), ["metric"]);
    assert!(ids(&[get("CodeSystem?url=https://other.example").await.body]).is_empty());
    let brief = get("CodeSystem/metric?_summary=true&_pretty=true").await;
    assert_eq!(
        (brief.body["content"].as_str(), brief.body.get("concept")),
        (Some("complete"), None)
    );
    assert_eq!(get("CodeSystem/nothing").await.status, StatusCode::NOT_FOUND);
    let structures = ids(&[get("StructureDefinition").await.body]);
    for id in [
        "daily-total",
        "vital-sign-blood-pressure",
        "sleep-stage",
        "manual-entry",
        "consent-end",
    ] {
        assert!(structures.iter().any(|known| known == id), "{id}");
    }
    let all = fhir_profiles::definitions().iter();
    assert_eq!(
        structures.len(),
        all.filter(|one| one.kind == "StructureDefinition").count()
    );
}
