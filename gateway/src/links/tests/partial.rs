//! What is left out: by the configuration, by the resident, and by a vendor that cuts its answers off.

use super::*;
use crate::links::tokens;

#[tokio::test(flavor = "multi_thread")]
async fn what_the_configuration_leaves_out_is_neither_wanted_nor_asked_nor_told_as_not_allowed() {
    let mut world = World::new().await;
    let (nutrition, sleep) = (scope(&world, "nutrition-log"), scope(&world, "sleep"));
    let wanted = |world: &World| tokens::authorize(world.cloud(), "state".to_owned(), &"v".repeat(43)).unwrap();
    let encoded = |scope: &str| scope.replace(':', "%3A").replace('/', "%2F");
    assert!(wanted(&world).contains(&encoded(nutrition)) && wanted(&world).contains(&encoded(sleep)));
    world.start_with(|settings| settings.without = vec![nutrition.to_owned(), "sleep".to_owned()]);
    let without = wanted(&world);
    assert!(
        !without.contains(&encoded(nutrition)) && !without.contains(&encoded(sleep)),
        "{without}"
    );
    assert!(without.contains(&encoded(scope(&world, "steps"))));

    let given = [scope(&world, "steps"), scope(&world, "heart-rate")];
    let person = linked(&world, HANAKO, 11, &given, &given).await;
    world.work().await;
    let links = world.gateway.state.store.links(&OwnAccess::of_signed_in(person)).await;
    let link = links.unwrap().remove(0);
    let asked = &link.progress.marks;
    assert!(asked.contains_key("steps") && !asked.contains_key("sleep") && !asked.contains_key("nutrition-log"));
    let closed = crate::links::closed(world.cloud(), &link);
    assert!(!closed.contains(&model::ConsentCategory::Sleep), "{closed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_say_whose_account_it_is_has_not_agreed() {
    let world = World::new().await;
    let mut browser = world.hanako().await;
    let back = world
        .agree(&mut browser, HANAKO, |scope| !scope.contains("profile"))
        .await;
    let answer = browser.get(&back).await;
    assert!(
        answer.status.is_success() && answer.body.contains("許可"),
        "{}",
        answer.body
    );
    assert_eq!(
        world.counts().await["accounts"],
        json!([]),
        "the tokens were given back"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_of_more_than_the_vendor_answers_holds_up_nothing() {
    let world = World::of(SINCE).await;
    let mut browser = world.hanako().await;
    world.connect(&mut browser, SINCE.hanako).await;
    world.work().await;
    assert!(!world.held(Metric::BODY_WEIGHT).await.is_empty());
    // Its midnight in Japan, and more than an answer has.
    let day = UtcMillis((world.clock.now().0 - 4 * DAY_MS).div_euclid(DAY_MS) * DAY_MS - 9 * HOUR_MS);
    for minute in 0..210 {
        let body = json!({"weight": 60 + minute % 9, "weightUnits": "kg"});
        let at = day.0 + minute * 60_000;
        let put = json!({"account": SINCE.hanako, "kind": "weight", "start": at, "body": body});
        world.control("points", put).await;
    }
    world.clock.advance(DAY_MS);
    world.work().await;
    is(&world, LinkState::Connected).await;
    let held = world.held(Metric::BODY_WEIGHT).await;
    assert!(held.len() >= 200, "{}", held.len());
}
