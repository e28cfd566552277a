//! Accounts subscribed one by one: told of while there is a link, changed with what was allowed, and no more once it is ended.

use super::*;

async fn world() -> World {
    World::of(Vendor {
        subscribes: true,
        ..LISTS
    })
    .await
}

/// Accounts that are subscribed, each with its types.
async fn subscribed(world: &World) -> Vec<(String, Vec<String>)> {
    let url = format!("{}/control/subscriptions", world.vendor.base);
    let held: Json = world.http.get(url).send().await.unwrap().json().await.unwrap();
    let types = |one: &Json| {
        let types = one["types"].as_array().unwrap().iter();
        types.map(|kind| kind.as_str().unwrap().to_owned()).collect()
    };
    let held = held.as_array().unwrap().iter();
    held.map(|one| (one["user"].as_str().unwrap().to_owned(), types(one)))
        .collect()
}

async fn told(world: &World, account: &str) -> u64 {
    let at = world.clock.now().0 - DAY_MS;
    let notice = json!({"account": account, "kind": "steps", "start": at, "end": at + HOUR_MS});
    world.control("notices", notice).await["status"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_connects_is_told_of_and_who_ends_it_no_more() {
    let world = world().await;
    let mut browser = world.hanako().await;
    world.connect(&mut browser, HANAKO).await;
    world.work().await;
    let held = subscribed(&world).await;
    assert_eq!(held.len(), 1);
    assert_eq!(held[0].0, HANAKO);
    assert!(
        held[0].1.contains(&"steps".to_owned()) && held[0].1.contains(&"sleep".to_owned()),
        "{held:?}"
    );
    assert!(
        !held[0].1.contains(&"electrocardiogram".to_owned()),
        "what nothing tells of"
    );
    assert_eq!((told(&world, HANAKO).await, told(&world, TARO).await), (204, 0));
    world.live(2 * DAY_MS).await;
    assert_eq!(subscribed(&world).await, held, "said once");
    let link = world.link().await;
    let own = OwnAccess::of_signed_in(world.person().await);
    let ended = world
        .gateway
        .state
        .store
        .change_link(&own, link.id, model::LinkEvent::Ended)
        .await;
    ended.unwrap();
    world.clock.advance(1_000);
    world.work().await;
    assert_eq!(subscribed(&world).await, []);
    world.agrees(HANAKO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_allowed_is_what_is_subscribed_and_a_failure_is_tried_again() {
    let world = world().await;
    let mut browser = world.hanako().await;
    let back = world
        .agree(&mut browser, HANAKO, |scope| !scope.contains("sleep"))
        .await;
    browser.get(&back).await;
    for path in ["/service-token", "/subscriptions"] {
        let mischief = json!({"kind": "fault", "times": 1, "path": path});
        world.control("mischief", mischief).await;
    }
    world.live(HOUR_MS).await;
    world.agrees(HANAKO).await;
    let held = subscribed(&world).await;
    assert!(
        held[0].1.contains(&"steps".to_owned()) && !held[0].1.contains(&"sleep".to_owned()),
        "{held:?}"
    );
    // Connected anew with more allowed: the same subscription says so.
    let mut browser = world.hanako().await;
    let back = world.agree(&mut browser, HANAKO, |_| true).await;
    browser.get(&back).await;
    world.clock.advance(1_000);
    world.work().await;
    let held = subscribed(&world).await;
    assert_eq!(held.len(), 1);
    assert!(held[0].1.contains(&"sleep".to_owned()), "{held:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_account_takes_the_place_of_the_first_at_the_vendor_too() {
    let world = world().await;
    let mut browser = world.hanako().await;
    world.connect(&mut browser, HANAKO).await;
    world.work().await;
    let first = world.link().await;
    let (tokens, _) = world.gateway.state.store.link_tokens(first.id).await.unwrap().unwrap();
    world.connect(&mut browser, TARO).await;
    world.clock.advance(1_000);
    world.work().await;
    let held = subscribed(&world).await;
    let accounts: Vec<&str> = held.iter().map(|(account, _)| account.as_str()).collect();
    assert_eq!(accounts, [TARO]);
    let url = format!("{}/v4/users/me/identity", world.vendor.api_url);
    let shown = world.http.get(url).bearer_auth(tokens.access).send().await.unwrap();
    assert_eq!(shown.status(), 401, "its tokens were given back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_ends_with_its_link_whatever_was_kept_of_it() {
    let world = world().await;
    let mut browser = world.hanako().await;
    world.connect(&mut browser, HANAKO).await;
    world.work().await;
    assert_eq!(subscribed(&world).await.len(), 1);
    // Agreed to anew, and ended before anything was asked.
    world.connect(&mut browser, HANAKO).await;
    let (store, own) = (
        &world.gateway.state.store,
        OwnAccess::of_signed_in(world.person().await),
    );
    let ended = store
        .change_link(&own, world.link().await.id, model::LinkEvent::Ended)
        .await;
    ended.unwrap();
    world.clock.advance(1_000);
    world.work().await;
    assert_eq!(subscribed(&world).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_who_is_erased_the_vendor_is_asked_to_tell_no_more() {
    let world = world().await;
    let mut browser = world.hanako().await;
    world.connect(&mut browser, HANAKO).await;
    world.work().await;
    assert_eq!(subscribed(&world).await.len(), 1);
    let state = &world.gateway.state;
    state.store.erase_person(world.person().await).await.unwrap();
    let cloud = state.clouds.named(world.vendor.name).unwrap();
    // It does not work at once.
    world
        .control(
            "mischief",
            json!({"kind": "fault", "times": 1, "path": "/subscriptions"}),
        )
        .await;
    worker::give_back_of_erased(state, cloud).await;
    assert_eq!(subscribed(&world).await.len(), 1);
    world.clock.advance(HOUR_MS);
    worker::give_back_of_erased(state, cloud).await;
    assert_eq!(subscribed(&world).await, []);
    let left = state.store.lease_orphaned_tokens(world.vendor.name, 10).await.unwrap();
    assert!(left.is_empty(), "nothing of them is left here");
}
