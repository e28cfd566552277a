//! That a checkup took place, told to who may know no more: nothing in it tells one checkup of a day from another.

use std::sync::Arc;

use model::checkup::{Checkup, Told};
use model::environment::{Clock as _, HandClock};

use super::checkups::{bring, bring_from_a_list, found_codes, somebody, years};
use super::*;

/// What lets an app know that somebody's checkups took place, and no more.
async fn may_know_that(world: &World, person: PersonId) -> Granted {
    world
        .given(Given {
            categories: &[ConsentCategory::Checkup],
            detail: Detail::Event,
            person: Some(person),
            ..Given::default()
        })
        .await
}

/// All that an app reads of the events of somebody's checkups, as bytes, without ids.
async fn told(world: &World, person: PersonId) -> Vec<String> {
    let granted = may_know_that(world, person).await;
    let patient = world.state.pairwise.of(granted.recipient).patient(person);
    let mut told = Vec::new();
    for id in ids(&world.walk(&granted, "Observation").await) {
        for path in [format!("Observation/{id}"), format!("Observation/{id}/_history")] {
            let asked = request(Method::GET, &path).header(header::AUTHORIZATION, bearer(&granted));
            let asked = asked.body(Body::empty()).unwrap();
            let answer = world.router.clone().oneshot(asked).await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK, "{path}");
            let changed = [header::ETAG, header::LAST_MODIFIED].map(|name| answer.headers().get(name).cloned());
            let bytes = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            assert!(text.contains("lastUpdated"), "{text}");
            told.push(format!(
                "{changed:?} {}",
                text.replace(&id, "ID").replace(&patient, "PATIENT")
            ));
        }
    }
    told
}

#[tokio::test]
async fn two_people_s_checkups_of_a_day_are_told_by_the_same_bytes_however_much_was_found_and_however_often() {
    let clock = Arc::new(HandClock::at(MachineClock.now()));
    let world = World::by(clock.clone()).await;
    let other = world.somebody_else().await;
    let whole = somebody().checkup(2024);
    assert!(whole.findings.len() > 50);
    let mut single = whole.clone();
    single.findings.truncate(1);
    clock.advance(HOUR);
    let first_told = [(world.person, &single), (other, &whole)];
    for (person, checkup) in first_told {
        bring(&world, person, std::slice::from_ref(checkup)).await;
    }
    let at_first = told(&world, world.person).await;
    assert_eq!(at_first.len(), 2, "one event, by itself and with its versions");
    assert_eq!(told(&world, other).await, at_first);
    // Told again with other results: of one once, of the other five times.
    for (person, checkup, times) in [(world.person, &single, 1), (other, &whole, 5)] {
        for again in 1..=times {
            clock.advance(HOUR);
            let mut retold = checkup.clone();
            retold.written = retold.written.plus(again);
            let most = retold.findings.len();
            retold.findings.truncate(most.saturating_sub(again as usize).max(1));
            retold.findings[0].result = model::checkup::Found::NotPerformed;
            bring(&world, person, &[retold]).await;
        }
    }
    assert_eq!(told(&world, world.person).await, at_first);
    assert_eq!(told(&world, other).await, at_first);
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
    let granted = may_know_that(&world, world.person).await;
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
        let granted = may_know_that(&world, person).await;
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

/// What somebody says by themselves of a checkup.
fn said_by(word: Told, mut checkup: Checkup) -> Checkup {
    checkup.word = word;
    checkup
}

/// Lets a minute go by; an instant within it.
fn a_minute_later(clock: &HandClock) -> UtcMillis {
    clock.advance(30_000);
    let within = clock.now();
    clock.advance(30_000);
    within
}

/// What an app hears that asks what changed since: the day, the status, the word, by day.
async fn changed_since(world: &World, granted: &Granted, since: UtcMillis) -> Vec<(String, String, String)> {
    let since = jiff::Timestamp::from_millisecond(since.0).unwrap();
    let pages = world
        .walk(granted, &format!("Observation?_lastUpdated=gt{since}"))
        .await;
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    let found = pages.iter().flat_map(matches).map(|event| {
        (
            text(&event["effectiveDateTime"]),
            text(&event["status"]),
            text(&event["valueCodeableConcept"]["coding"][0]["code"]),
        )
    });
    let mut found: Vec<_> = found.collect();
    found.sort();
    found
}

fn heard(day: impl ToString, status: &str, word: &str) -> (String, String, String) {
    (day.to_string(), status.to_owned(), word.to_owned())
}

#[tokio::test]
async fn an_app_that_follows_what_changes_hears_that_a_checkup_is_confirmed() {
    let clock = Arc::new(HandClock::at(MachineClock.now()));
    let world = World::by(clock.clone()).await;
    let granted = may_know_that(&world, world.person).await;
    let checkup = somebody().checkup(2024);
    bring_from_a_list(&world, world.person, said_by(Told::Brought, checkup.clone())).await;
    let pages = world.walk(&granted, "Observation").await;
    let id = ids(&pages).remove(0);
    let ask = async |tag: Option<&str>| {
        let asked = request(Method::GET, &format!("Observation/{id}")).header(header::AUTHORIZATION, bearer(&granted));
        let asked = tag
            .into_iter()
            .fold(asked, |asked, tag| asked.header(header::IF_NONE_MATCH, tag));
        let answer = world
            .router
            .clone()
            .oneshot(asked.body(Body::empty()).unwrap())
            .await
            .unwrap();
        let tag = answer.headers()[header::ETAG].to_str().unwrap().to_owned();
        (answer.status(), tag)
    };
    let (_, first) = ask(None).await;
    assert_eq!(ask(Some(&first)).await.0, StatusCode::NOT_MODIFIED);
    let seen = a_minute_later(&clock);
    bring_from_a_list(&world, world.person, said_by(Told::Confirmed, checkup.clone())).await;
    let confirmed = [heard(checkup.day, "final", "first-confirmed")];
    assert_eq!(changed_since(&world, &granted, seen).await, confirmed);
    let (status, second) = ask(Some(&first)).await;
    assert_eq!(status, StatusCode::OK);
    assert_ne!(first, second);
    // Told again by the same: nothing to hear.
    let seen = a_minute_later(&clock);
    let mut again = checkup.clone();
    again.written = again.written.plus(1);
    again.findings.truncate(3);
    bring_from_a_list(&world, world.person, said_by(Told::Confirmed, again)).await;
    assert!(changed_since(&world, &granted, seen).await.is_empty());
    assert_eq!(ask(Some(&second)).await.0, StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn an_app_that_follows_what_changes_hears_that_another_day_is_meant_and_which_was_the_first() {
    let clock = Arc::new(HandClock::at(MachineClock.now()));
    let world = World::by(clock.clone()).await;
    let granted = may_know_that(&world, world.person).await;
    let checkup = somebody().checkup(2024);
    // The resident remembers another day of that year.
    let remembered = checkup.day.plus(3);
    let declared = Checkup::declared(Metric::CHECKUP_SPECIFIC, remembered, checkup.day.plus(40), Vec::new());
    bring_from_a_list(&world, world.person, declared.clone()).await;
    let pages = world.walk(&granted, "Observation").await;
    let wrong = ids(&pages).remove(0);
    let seen = a_minute_later(&clock);
    bring(&world, world.person, std::slice::from_ref(&checkup)).await;
    let both = [
        heard("", "entered-in-error", ""),
        heard(checkup.day, "final", "first-confirmed"),
    ];
    assert_eq!(changed_since(&world, &granted, seen).await, both);
    let ended = world.found(&granted, &format!("Observation/{wrong}")).await;
    assert_eq!(ended["status"], "entered-in-error");
    assert!(
        ended.get("effectiveDateTime").is_none() && ended.get("valueCodeableConcept").is_none(),
        "{ended}"
    );
    let all = world.walk(&granted, "Observation").await;
    assert_eq!(ids(&all).len(), 1, "who asks for what there is hears of that alone");
    // An earlier one makes it a later one; without that it is the first again, and the app hears of each.
    let seen = a_minute_later(&clock);
    let earlier = somebody().checkup(2023);
    bring(&world, world.person, std::slice::from_ref(&earlier)).await;
    let both = [
        heard(earlier.day, "final", "first-confirmed"),
        heard(checkup.day, "final", "later-confirmed"),
    ];
    assert_eq!(changed_since(&world, &granted, seen).await, both);
    let seen = a_minute_later(&clock);
    let mut gone = earlier.clone();
    gone.report = "19".to_owned();
    gone.written = gone.written.plus(30);
    gone.findings.clear();
    bring_from_a_list(&world, world.person, gone).await;
    let both = [
        heard("", "entered-in-error", ""),
        heard(checkup.day, "final", "first-confirmed"),
    ];
    assert_eq!(changed_since(&world, &granted, seen).await, both);
}
