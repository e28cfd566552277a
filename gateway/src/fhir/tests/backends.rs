//! Clients with a token of their own: about one resident at a time, under that resident's consent, and of consents that ended.

use store::SystemToken;

use super::*;

impl World {
    /// A token of the client itself.
    async fn own_token(&self, granted: &Granted, scopes: &str) -> String {
        let token = format!("own-{}-{scopes}", granted.recipient.0).replace([' ', '*', '/'], "-");
        let stored = SystemToken {
            client_id: format!("app-{}", granted.recipient.0),
            recipient: granted.recipient,
            purpose: granted.consent.purpose.clone(),
            scopes: scopes.to_owned(),
            expires: self.state.clock.now().plus(300_000),
        };
        let hash = sha256(token.as_bytes());
        self.state.store.save_system_token(hash, stored).await.unwrap();
        token
    }

    async fn ask(&self, token: &str, method: Method, path: &str, body: &str) -> Answer {
        let request = request(method, path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(body.to_owned()))).await
    }
}

#[tokio::test]
async fn a_backend_reads_what_the_resident_it_names_agreed_to() {
    let world = World::new().await;
    let granted = world
        .given(Given {
            categories: &[ConsentCategory::Heart],
            ..Given::default()
        })
        .await;
    let (patient, token) = (world.patient(&granted), world.own_token(&granted, "system/*.rs").await);
    let as_app = world.found(&granted, "Observation?_count=1000").await;
    let query = format!("Observation?patient={patient}&_count=1000");
    let as_backend = world.ask(&token, Method::GET, &query, "").await;
    assert_eq!(as_backend.status, StatusCode::OK, "{}", as_backend.body);
    assert_eq!(
        ids(std::slice::from_ref(&as_backend.body)),
        ids(std::slice::from_ref(&as_app))
    );
    assert!(!matches(&as_backend.body).is_empty());
    let one = ids(&[as_app]).remove(0);
    let read = world.ask(&token, Method::GET, &format!("Observation/{one}"), "").await;
    assert_eq!(
        (read.status, read.body["id"].as_str()),
        (StatusCode::OK, Some(one.as_str()))
    );
    let posted = world
        .ask(
            &token,
            Method::POST,
            &format!("Observation/_search?patient=Patient/{patient}"),
            "code=heart_rate",
        )
        .await;
    assert!(!matches(&posted.body).is_empty(), "{}", posted.body);
    // Page links carry the patient.
    let mut page = world
        .ask(
            &token,
            Method::GET,
            &format!("Observation?patient={patient}&_count=2"),
            "",
        )
        .await
        .body;
    let mut found = ids(std::slice::from_ref(&page)).len();
    while let Some(next) = link(&page, "next") {
        page = world.ask(&token, Method::GET, &next, "").await.body;
        found += ids(std::slice::from_ref(&page)).len();
    }
    assert_eq!(found, ids(std::slice::from_ref(&as_backend.body)).len());
}

#[tokio::test]
async fn a_backend_that_names_nobody_or_somebody_who_never_agreed_is_given_nothing() {
    let world = World::new().await;
    let (granted, other) = (world.given(Given::default()).await, world.given(Given::default()).await);
    let token = world.own_token(&granted, "system/*.rs").await;
    let outward = world.state.pairwise.of(granted.recipient);
    let stranger = outward.patient(world.somebody_else().await);
    for (query, status) in [
        ("Observation?code=heart_rate".to_owned(), StatusCode::BAD_REQUEST),
        (format!("Observation?patient={stranger}"), StatusCode::NOT_FOUND),
        (
            format!("Observation?patient={}", world.patient(&other)),
            StatusCode::NOT_FOUND,
        ),
        ("Observation?patient=abc".to_owned(), StatusCode::NOT_FOUND),
        (format!("Patient/{stranger}"), StatusCode::NOT_FOUND),
        (format!("Patient/{}", world.patient(&other)), StatusCode::NOT_FOUND),
        ("Consent".to_owned(), StatusCode::BAD_REQUEST),
    ] {
        let answer = world.ask(&token, Method::GET, &query, "").await;
        assert_eq!(answer.status, status, "{query}: {}", answer.body);
    }
    for query in [
        format!("Consent?patient={stranger}"),
        format!("Consent?patient={}", world.patient(&other)),
    ] {
        let answer = world.ask(&token, Method::GET, &query, "").await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(matches(&answer.body).is_empty(), "{query}");
    }
    let narrow = world.own_token(&granted, "system/Consent.rs").await;
    let answer = world
        .ask(
            &narrow,
            Method::GET,
            &format!("Observation?patient={}", world.patient(&granted)),
            "",
        )
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.body.to_string().contains("system/Observation.rs"));
}

#[tokio::test]
async fn a_withdrawn_consent_stays_readable_to_its_recipient_alone_and_nothing_else_does() {
    let world = World::new().await;
    let (granted, other) = (world.given(Given::default()).await, world.given(Given::default()).await);
    let (token, foreign) = (
        world.own_token(&granted, "system/*.rs").await,
        world.own_token(&other, "system/*.rs").await,
    );
    let patient = world.patient(&granted);
    let id = world
        .state
        .pairwise
        .of(granted.recipient)
        .consent(world.person, granted.consent.id);
    world
        .state
        .store
        .withdraw_consent(&world.own(), granted.consent.id)
        .await
        .unwrap();
    let read = world.ask(&token, Method::GET, &format!("Consent/{id}"), "").await;
    assert_eq!(read.status, StatusCode::OK, "{}", read.body);
    assert_eq!(
        (
            read.body["status"].as_str(),
            read.body["extension"][0]["valueCode"].as_str()
        ),
        (Some("inactive"), Some("withdrawn"))
    );
    let listed = world
        .ask(
            &token,
            Method::GET,
            &format!("Consent?patient={patient}&status=inactive"),
            "",
        )
        .await;
    assert_eq!(ids(std::slice::from_ref(&listed.body)), std::slice::from_ref(&id));
    let active = world
        .ask(
            &token,
            Method::GET,
            &format!("Consent?patient={patient}&status=active"),
            "",
        )
        .await;
    assert!(matches(&active.body).is_empty());
    for query in [format!("Observation?patient={patient}"), format!("Patient/{patient}")] {
        assert_eq!(
            world.ask(&token, Method::GET, &query, "").await.status,
            StatusCode::NOT_FOUND,
            "{query}"
        );
    }
    // By the token under it nothing is read any more, and another recipient never sees it.
    assert_eq!(
        world.get(&granted, &format!("Consent/{id}")).await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        world
            .ask(&foreign, Method::GET, &format!("Consent/{id}"), "")
            .await
            .status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn what_an_erased_person_gave_is_gone_to_whom_it_was_given_and_to_nobody_else() {
    let world = World::new().await;
    let (granted, stranger) = (
        world.given(Given::default()).await,
        world
            .given(Given {
                person: Some(world.somebody_else().await),
                ..Given::default()
            })
            .await,
    );
    let one = ids(&[world.found(&granted, "Observation?_count=1").await]).remove(0);
    let key = world.state.pairwise.of(granted.recipient).read(&one).unwrap();
    let elsewhere = world.state.pairwise.of(stranger.recipient).id(key);
    let patient = world.patient(&granted);
    let token = world.own_token(&granted, "system/*.rs").await;
    let strange = world.own_token(&stranger, "system/*.rs").await;
    world.state.store.erase_person(world.person).await.unwrap();
    for path in [
        format!("Observation/{one}"),
        format!("Observation/{one}/_history"),
        format!("Observation/{one}/_history/1"),
        format!("Patient/{patient}"),
    ] {
        let gone = world.ask(&token, Method::GET, &path, "").await;
        assert_eq!(
            (gone.status, issue(&gone.body).0),
            (StatusCode::GONE, "deleted"),
            "{path}"
        );
    }
    // A search finds nobody, and a token of the person is none any more.
    let search = format!("Observation?patient={patient}");
    assert_eq!(
        world.ask(&token, Method::GET, &search, "").await.status,
        StatusCode::NOT_FOUND
    );
    let own = world.get(&granted, &format!("Observation/{one}")).await;
    assert_eq!(own.status, StatusCode::UNAUTHORIZED);
    let path = format!("Observation/{elsewhere}");
    assert_eq!(
        world.ask(&strange, Method::GET, &path, "").await.status,
        StatusCode::NOT_FOUND
    );
}
