//! Scope, consent and detail: what is outside a scope is refused, what is outside a consent is not there.

use super::*;
use store::AccessKind;

const HEART_SCOPE: &str =
    "patient/Observation.rs?category=https://sekisho.example/fhir/CodeSystem/consent-category|heart";

#[tokio::test]
async fn raw_gives_samples_by_category_and_days_only_by_their_code() {
    let world = World::new().await;
    let granted = world
        .given(Given {
            categories: &[ConsentCategory::Activity],
            ..Given::default()
        })
        .await;
    let by_category = codes(&world.found(&granted, "Observation?category=activity").await);
    assert_eq!(by_category, vec!["step_count"; 6]);
    let days = world.found(&granted, "Observation?code=41950-7").await;
    assert_eq!(codes(&days), ["daily_step_count"; 2]);
    let day = matches(&days)[0];
    assert_eq!(
        (
            day["effectiveDateTime"].as_str(),
            day["valueQuantity"]["value"].to_string()
        ),
        (Some("2024-05-10"), "1500".into())
    );
}

#[tokio::test]
async fn daily_gives_days_by_category_and_never_a_sample() {
    let world = World::new().await;
    let raw = world.given(Given::default()).await;
    let granted = world
        .given(Given {
            detail: Detail::Daily,
            ..Given::default()
        })
        .await;
    let category = async |category: &str| {
        let system = model::vocabulary::systems::CONSENT_CATEGORY;
        world
            .found(&granted, &format!("Observation?category={system}|{category}"))
            .await
    };
    assert_eq!(codes(&category("activity").await), ["daily_step_count"; 2]);
    let mut night = codes(&category("sleep").await);
    night.sort();
    assert_eq!(night, ["daily_sleep_duration", "sleep_session"]);
    let heart = category("heart").await;
    assert_eq!(codes(&heart), ["daily_heart_rate"; 2]);
    assert!(
        matches(&heart)[0].get("valueQuantity").is_none(),
        "a mean is no reading"
    );
    for code in [
        "step_count",
        "heart_rate",
        "55423-8",
        "8867-4",
        "sleep_stage",
        "85354-9",
    ] {
        let bundle = world.found(&granted, &format!("Observation?code={code}")).await;
        assert_eq!(codes(&bundle), Vec::<String>::new(), "{code}");
    }
    // Nor by an id: the same place in the key of this recipient.
    let id = ids(&[world.found(&raw, "Observation?code=8867-4&_count=1").await]).remove(0);
    let key = world.state.pairwise.of(raw.recipient).read(&id).unwrap();
    let id = world.state.pairwise.of(granted.recipient).id(key);
    assert_eq!(
        world.get(&granted, &format!("Observation/{id}")).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        codes(&world.found(&granted, &format!("Observation?_id={id}")).await),
        Vec::<String>::new()
    );
    assert_eq!(
        ids(&[world
            .found(&granted, &format!("Provenance?target=Observation/{id}"))
            .await])
        .len(),
        0
    );
}

#[tokio::test]
async fn what_is_outside_the_scope_is_refused_and_what_is_outside_the_consent_is_not_there() {
    let world = World::new().await;
    let narrow = world
        .given(Given {
            scopes: HEART_SCOPE,
            ..Given::default()
        })
        .await;
    for path in [
        "Observation?code=55423-8",
        "Observation?category=sleep",
        "Device",
        "Patient",
        "Provenance?target=x",
        "Device/x",
    ] {
        let answer = world.get(&narrow, path).await;
        assert_eq!(
            (answer.status, issue(&answer.body).0),
            (StatusCode::FORBIDDEN, "forbidden"),
            "{path}"
        );
        let challenge = answer.headers[header::WWW_AUTHENTICATE].to_str().unwrap();
        assert!(challenge.contains("insufficient_scope"), "{path}");
    }
    assert_eq!(codes(&world.found(&narrow, "Observation").await), ["heart_rate"; 10]);
    let partly = world.found(&narrow, "Observation?code=8867-4,55423-8").await;
    assert_eq!(codes(&partly), ["heart_rate"; 10]);
    assert_eq!(partly["entry"][10]["resource"]["issue"][0]["code"], "forbidden");
    let heart = world
        .given(Given {
            categories: &[ConsentCategory::Heart],
            ..Given::default()
        })
        .await;
    assert_eq!(
        codes(&world.found(&heart, "Observation?code=8867-4,55423-8").await),
        ["heart_rate"; 10]
    );
    let empty = world.found(&heart, "Observation?category=activity").await;
    assert!(codes(&empty).is_empty() && empty.get("entry").is_none());
}

#[tokio::test]
async fn an_observation_outside_scope_or_consent_is_as_one_that_never_was() {
    let world = World::new().await;
    let whole = world.given(Given::default()).await;
    let id = ids(&[world.found(&whole, "Observation?code=55423-8&_count=1").await]).remove(0);
    assert_eq!(
        world.get(&whole, &format!("Observation/{id}")).await.status,
        StatusCode::OK
    );
    let key = world.state.pairwise.of(whole.recipient).read(&id).unwrap();
    let scope = world
        .given(Given {
            scopes: HEART_SCOPE,
            ..Given::default()
        })
        .await;
    let consent = world
        .given(Given {
            categories: &[ConsentCategory::Heart],
            ..Given::default()
        })
        .await;
    let never = world.get(&whole, "Observation/nothing").await.body;
    for other in [&scope, &consent] {
        let own = world.state.pairwise.of(other.recipient).id(key);
        for id in [&id, &own] {
            let answer = world.get(other, &format!("Observation/{id}")).await;
            assert_eq!((answer.status, &answer.body), (StatusCode::NOT_FOUND, &never));
        }
    }
}

#[tokio::test]
async fn after_a_withdrawal_the_next_read_and_every_old_link_give_nothing() {
    let world = World::new().await;
    let granted = world.given(Given::default()).await;
    let page = world.found(&granted, "Observation?code=8867-4&_count=3").await;
    let (next, id) = (link(&page, "next").unwrap(), ids(&[page]).remove(0));
    world
        .state
        .store
        .withdraw_consent(&world.own(), granted.consent.id)
        .await
        .unwrap();
    let patient = format!("Patient/{}", world.patient(&granted));
    for path in [
        next,
        format!("Observation/{id}"),
        "Observation?code=8867-4".into(),
        patient,
        "Device".into(),
    ] {
        assert_eq!(
            world.get(&granted, &path).await.status,
            StatusCode::UNAUTHORIZED,
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_resident_sees_what_was_given_to_whom() {
    let world = World::new().await;
    let granted = world.given(Given::default()).await;
    let page = world
        .found(
            &granted,
            "Observation?code=8867-4,55423-8,daily_step_count&date=2024-05-10",
        )
        .await;
    world
        .found(&granted, &format!("Observation/{}", ids(&[page]).remove(0)))
        .await;
    assert_eq!(
        world.get(&granted, "Observation?date=soon").await.status,
        StatusCode::BAD_REQUEST
    );
    let accesses = world.state.store.accesses(&world.own(), None, 10).await.unwrap();
    assert_eq!(accesses.len(), 2, "one a read, none for what was refused");
    assert_eq!(
        (accesses[0].what, accesses[1].what),
        (AccessKind::Read, AccessKind::Search)
    );
    let day = LocalDay::parse("2024-05-10").unwrap();
    let mut given: Vec<_> = accesses[1]
        .items
        .iter()
        .map(|item| (item.category, item.detail, item.first_day, item.last_day, item.count))
        .collect();
    given.sort_by_key(|(category, detail, ..)| (*category, *detail));
    assert_eq!(
        given,
        [
            (ConsentCategory::Activity, Detail::Daily, day, day, 1),
            (ConsentCategory::Activity, Detail::Raw, day, day, 3),
            (ConsentCategory::Heart, Detail::Raw, day, day, 5),
        ]
    );
    assert_eq!(accesses[1].recipient, granted.recipient);
}
