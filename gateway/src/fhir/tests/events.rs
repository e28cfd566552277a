//! That a checkup took place, told to who may know no more: nothing in it tells one checkup of a day from another.

use std::sync::Arc;

use model::environment::HandClock;

use super::checkups::{bring, somebody};
use super::*;

/// All that an app reads of the events of somebody's checkups, as bytes, without ids.
async fn told(world: &World, person: PersonId) -> Vec<String> {
    let granted = world
        .given(Given {
            categories: &[ConsentCategory::Checkup],
            detail: Detail::Event,
            person: Some(person),
            ..Given::default()
        })
        .await;
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
