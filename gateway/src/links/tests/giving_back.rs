//! Giving back what the vendor allowed: the pair that is good, beside the subscription, and never what a link that lives would lose.

use axum::http::StatusCode;
use model::LinkEvent;

use super::*;

/// Connected, and worked until nothing is due.
async fn connected(of: Vendor) -> World {
    let world = World::of(of).await;
    let mut browser = world.hanako().await;
    world.connect(&mut browser, of.hanako).await;
    drop(browser);
    world.work().await;
    world
}

async fn end(world: &World) -> i64 {
    let (link, own) = (world.link().await.id, OwnAccess::of_signed_in(world.person().await));
    let ended = world.gateway.state.store.change_link(&own, link, LinkEvent::Ended);
    ended.await.unwrap();
    link
}

async fn accounts(world: &World) -> Json {
    world.counts().await["accounts"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_link_that_is_ended_during_a_refresh_the_pair_that_comes_of_it_is_given_back() {
    let world = connected(LISTS).await;
    world.control("turning", json!({})).await;
    let (state, cloud) = (&world.gateway.state, world.cloud());
    world.clock.advance(12 * HOUR_MS);
    let leased = worker::take(state, cloud, 1).await.pop().expect("it is due");
    world.mischief("slow", 1, "/token").await;
    let ending = async {
        // The refresh is under way by now, and not answered.
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        let link = end(&world).await;
        let leased = worker::take(state, cloud, 1).await.pop().expect("its tokens");
        worker::carry_out(state, cloud, leased).await;
        link
    };
    let ((), link) = tokio::join!(worker::carry_out(state, cloud, leased), ending);
    assert_eq!(world.counts().await["refreshed"], 1, "it was waited for");
    assert_eq!(accounts(&world).await, json!([]));
    world.work().await;
    assert_eq!(state.store.link_tokens(link).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_that_cannot_be_ended_keeps_no_permission_at_the_vendor() {
    let world = connected(Vendor {
        subscribes: true,
        ..LISTS
    })
    .await;
    let fault = json!({"kind": "fault", "times": 2, "path": "/subscriptions"});
    world.control("mischief", fault).await;
    let subscribed = async || {
        let url = format!("{}/control/subscriptions", world.vendor.base);
        let held: Json = world.http.get(url).send().await.unwrap().json().await.unwrap();
        held.as_array().unwrap().len()
    };
    let link = end(&world).await;
    world.work().await;
    assert_eq!((accounts(&world).await, subscribed().await), (json!([]), 1));
    world.live(HOUR_MS).await;
    assert_eq!(subscribed().await, 0);
    assert_eq!(world.gateway.state.store.link_tokens(link).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_tries_an_account_that_is_connected_for_another_ends_nothing_of_theirs() {
    let world = connected(LISTS).await;
    let store = &world.gateway.state.store;
    let jiro = store.create_person(store::NewPerson::default()).await.unwrap();
    store.link_identity(jiro, &world.gateway.issuer, "sub-2").await.unwrap();
    let mut other = world.gateway.browser();
    other.sign_in("jiro", "/portal/links").await;
    let answer = world.connect(&mut other, HANAKO).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    world.live_by(2 * DAY_MS, HOUR_MS).await;
    is(&world, LinkState::Connected).await;
    world.agrees(HANAKO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_agrees_anew_on_a_bad_day_of_the_vendor_keeps_what_works() {
    let world = connected(LISTS).await;
    let mut browser = world.hanako().await;
    world.mischief("fault", 1, "/identity").await;
    let answer = world.connect(&mut browser, HANAKO).await;
    assert!(!answer.status.is_redirection(), "{}", answer.status);
    world.live_by(2 * DAY_MS, HOUR_MS).await;
    is(&world, LinkState::Connected).await;
    world.agrees(HANAKO).await;
    // Of who has no link nothing stays there.
    end(&world).await;
    world.work().await;
    let mut browser = world.hanako().await;
    world.mischief("fault", 1, "/identity").await;
    world.connect(&mut browser, HANAKO).await;
    assert_eq!(accounts(&world).await, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_still_to_be_given_back_of_an_account_that_was_connected_again_is_not() {
    let world = connected(LISTS).await;
    world.mischief("fault", 1, "/revoke").await;
    let before = end(&world).await;
    world.work().await;
    assert_eq!(accounts(&world).await, json!([HANAKO]), "it is tried again");
    let mut browser = world.hanako().await;
    world.connect(&mut browser, HANAKO).await;
    drop(browser);
    world.live_by(2 * DAY_MS, HOUR_MS).await;
    assert_ne!(world.link().await.id, before);
    is(&world, LinkState::Connected).await;
    world.agrees(HANAKO).await;
    let store = &world.gateway.state.store;
    assert_eq!(
        store.link_tokens(before).await.unwrap(),
        None,
        "nothing holds them here"
    );
    // What the account allowed is given back with the last of its links.
    end(&world).await;
    world.work().await;
    assert_eq!(accounts(&world).await, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_erased_person_had_is_not_given_back_once_another_has_the_account() {
    let world = connected(LISTS).await;
    let state = &world.gateway.state;
    state.store.erase_person(world.person().await).await.unwrap();
    let other = linked(&world, HANAKO, 1, &[], &[]).await;
    worker::give_back_of_erased(state, world.cloud()).await;
    assert_eq!(accounts(&world).await, json!([HANAKO, HANAKO]));
    assert!(
        state
            .store
            .lease_orphaned_tokens(world.vendor.name, 8)
            .await
            .unwrap()
            .is_empty()
    );
    let links = state.store.links(&OwnAccess::of_signed_in(other)).await.unwrap();
    assert_eq!(links[0].state, LinkState::Connected);
}
