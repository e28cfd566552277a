//! A link's life: connected, refused, held, agreed to anew, ended.

use axum::http::StatusCode;
use model::{LinkState, Need};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_resident_connects_data_arrives_and_ending_it_gives_the_permission_back() {
    let world = World::new().await;
    let mut browser = world.hanako().await;
    let answer = world.connect(&mut browser, HANAKO).await;
    assert_eq!(answer.location(&world.gateway.base), "/portal/links");
    let page = browser.get("/portal/links").await.body;
    assert!(
        page.contains("つながっています。") && page.contains("まだ確かめていません"),
        "{page}"
    );
    world.work().await;
    world.agrees(HANAKO).await;
    let page = browser.get("/portal/links").await.body;
    assert!(
        page.contains("最後に確かめた日時") && !page.contains("過去の記録を取り込んでいます"),
        "{page}"
    );
    // A day later there is a day more, and what was there was not written again.
    world.live(DAY_MS).await;
    world.agrees(HANAKO).await;
    let mut browser = world.hanako().await;
    let csrf = browser.get("/portal/links").await.field("csrf");
    let end = format!("/portal/links/{}/end", world.link().await.id);
    browser.post(&end, &[("csrf".to_owned(), csrf)]).await;
    is(&world, LinkState::Ended).await;
    world.work().await;
    assert_eq!(
        world.counts().await["accounts"],
        json!([]),
        "the permission was given back"
    );
    let held = world.held(Metric::STEP_COUNT).await;
    world.live(DAY_MS).await;
    assert_eq!(
        world.held(Metric::STEP_COUNT).await.len(),
        held.iter().filter(|(at, _)| *at >= world.horizon().0).count()
    );
    let page = world.hanako().await.get("/portal/links").await.body;
    assert!(page.contains("にやめました") && page.contains("/connect"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_vendor_takes_no_more_asks_its_person_and_goes_on_where_it_was() {
    let world = World::new().await;
    let mut browser = world.hanako().await;
    world.connect(&mut browser, HANAKO).await;
    world.work().await;
    world.control(&format!("accounts/{HANAKO}/revoke"), json!({})).await;
    world.live(2 * DAY_MS).await;
    is(&world, LinkState::NeedsAttention(Need::AgreeAgain)).await;
    let mut browser = world.hanako().await;
    let page = browser.get("/portal/links").await.body;
    assert!(page.contains("もう一度許可してください"), "{page}");
    let before = world.link().await.id;
    world.connect(&mut browser, HANAKO).await;
    world.work().await;
    assert_eq!(world.link().await.id, before);
    world.agrees(HANAKO).await;
}

/// This vendor writes the refusals of its authorization server in a form of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_has_ended_is_known_by_the_vendor_s_own_form_too() {
    let world = World::of(ENDING).await;
    let mut browser = world.hanako().await;
    world.connect(&mut browser, ENDING.hanako).await;
    world.live(HOUR_MS).await;
    let account = ENDING.hanako;
    world.control(&format!("accounts/{account}/revoke"), json!({})).await;
    world.live_by(2 * DAY_MS, HOUR_MS).await;
    is(&world, LinkState::NeedsAttention(Need::AgreeAgain)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_that_was_refused_has_checked_nothing() {
    let world = World::new().await;
    let mut browser = world.hanako().await;
    world.connect(&mut browser, HANAKO).await;
    world.work().await;
    let checked = world.link().await.fetched;
    assert!(checked.is_some());
    world.control(&format!("accounts/{HANAKO}/revoke"), json!({})).await;
    world.live_by(2 * DAY_MS, HOUR_MS).await;
    is(&world, LinkState::NeedsAttention(Need::AgreeAgain)).await;
    assert_eq!(world.link().await.fetched, checked);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_could_not_be_read_are_told_to_their_person_for_some_days() {
    const UNREAD: &str = "件は読み取れませんでした。ほかの記録は入っています。";
    let world = World::new().await;
    let store = &world.gateway.state.store;
    let jiro = store.create_person(store::NewPerson::default()).await.unwrap();
    store.link_identity(jiro, &world.gateway.issuer, "sub-2").await.unwrap();
    let mut browser = world.hanako().await;
    world.connect(&mut browser, HANAKO).await;
    world.mischief("changed-types", 1, "steps").await;
    world.work().await;
    let page = browser.get("/portal/links").await.body;
    assert!(page.contains(UNREAD), "{page}");
    let mut other = world.gateway.browser();
    other.sign_in("jiro", "/portal/links").await;
    world.connect(&mut other, TARO).await;
    world.work().await;
    let page = other.get("/portal/links").await.body;
    assert!(page.contains("つながっています。") && !page.contains(UNREAD), "{page}");
    world.clock.advance(8 * DAY_MS);
    let page = world.hanako().await.get("/portal/links").await.body;
    assert!(page.contains("つながっています。") && !page.contains(UNREAD), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_was_allowed_is_asked_for_and_the_page_says_what_was_not() {
    let world = World::new().await;
    let mut browser = world.hanako().await;
    let back = world
        .agree(&mut browser, HANAKO, |scope| {
            scope.contains("sleep") || scope.contains("profile")
        })
        .await;
    browser.get(&back).await;
    world.work().await;
    assert!(world.held(Metric::STEP_COUNT).await.is_empty());
    assert!(!world.held(Metric::SLEEP_STAGE).await.is_empty());
    let page = browser.get("/portal/links").await.body;
    assert!(page.contains("許可されていないもの: "), "{page}");
    // Nothing allowed at all is something that only they can mend.
    let back = world
        .agree(&mut browser, HANAKO, |scope| scope.contains("profile"))
        .await;
    browser.get(&back).await;
    world.work().await;
    is(&world, LinkState::NeedsAttention(Need::AllowSomething)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_held_rests_until_it_goes_on() {
    let world = World::new().await;
    let mut browser = world.hanako().await;
    world.connect(&mut browser, HANAKO).await;
    world.work().await;
    let id = world.link().await.id;
    let csrf = browser.get("/portal/links").await.field("csrf");
    let press = [("csrf".to_owned(), csrf)];
    browser.post(&format!("/portal/links/{id}/hold"), &press).await;
    let before = world.counts().await["requests"].clone();
    world.clock.advance(DAY_MS / 2);
    assert_eq!((world.work().await, &world.counts().await["requests"]), (0, &before));
    is(&world, LinkState::Paused).await;
    world.hanako().await;
    let mut browser = world.hanako().await;
    let csrf = browser.get("/portal/links").await.field("csrf");
    browser
        .post(&format!("/portal/links/{id}/resume"), &[("csrf".to_owned(), csrf)])
        .await;
    world.work().await;
    world.agrees(HANAKO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_connected_by_a_way_that_this_browser_did_not_begin() {
    let world = World::new().await;
    let mut browser = world.hanako().await;
    let back = world.agree(&mut browser, HANAKO, |_| true).await;
    // Another session of the same person, and one of somebody else.
    let mut other = world.hanako().await;
    assert_eq!(other.get(&back).await.status, StatusCode::BAD_REQUEST);
    // It was taken: the right browser comes too late.
    assert_eq!(browser.get(&back).await.status, StatusCode::BAD_REQUEST);
    for path in ["", "?state=x&code=y", "?state=&error=access_denied"] {
        let answer = browser.get(&format!("{}{path}", crate::links::CALLBACK)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
    }
    let own = OwnAccess::of_signed_in(world.person().await);
    assert!(world.gateway.state.store.links(&own).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_another_persons_or_holds_nothing_is_not_connected() {
    let world = World::new().await;
    let store = &world.gateway.state.store;
    let jiro = store.create_person(store::NewPerson::default()).await.unwrap();
    store.link_identity(jiro, &world.gateway.issuer, "sub-2").await.unwrap();
    let mut browser = world.hanako().await;
    world.connect(&mut browser, HANAKO).await;
    let mut other = world.gateway.browser();
    other.sign_in("jiro", "/portal/links").await;
    let answer = world.connect(&mut other, HANAKO).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(answer.body.contains("別の人の記録"), "{}", answer.body);
    let answer = world.connect(&mut other, NEW).await;
    assert!(answer.body.contains("初めの設定"), "{}", answer.body);
    // What was given for nothing is given back, but where that would end what another has.
    assert_eq!(world.counts().await["accounts"], json!([HANAKO, HANAKO]));
    // Nobody ends another's link.
    let csrf = other.get("/portal/links").await.field("csrf");
    let end = format!("/portal/links/{}/end", world.link().await.id);
    let answer = other.post(&end, &[("csrf".to_owned(), csrf)]).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    is(&world, LinkState::Connected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_refreshed_once_and_an_answer_that_was_lost_ends_nothing() {
    let world = World::new().await;
    world.control("turning", json!({})).await;
    let mut browser = world.hanako().await;
    world.connect(&mut browser, HANAKO).await;
    world.work().await;
    world.clock.advance(12 * HOUR_MS);
    world.work().await;
    assert_eq!(
        world.counts().await["refreshed"],
        1,
        "one pair for all of the turn's calls"
    );
    // The vendor did it, and we never heard: the token before works for a while.
    world.mischief("lost-answer", 1, "/token").await;
    world.clock.advance(12 * HOUR_MS);
    world.work().await;
    world.live(HOUR_MS).await;
    is(&world, LinkState::Connected).await;
    world.agrees(HANAKO).await;
}

/// The lease of one that is slow ran out, and another has the link while the first still works.
#[tokio::test(flavor = "multi_thread")]
async fn two_workers_of_a_link_refresh_its_tokens_once_and_the_second_has_what_the_first_got() {
    let world = World::new().await;
    world.control("turning", json!({})).await;
    let mut browser = world.hanako().await;
    world.connect(&mut browser, HANAKO).await;
    world.work().await;
    let (state, cloud, link) = (&world.gateway.state, world.cloud(), world.link().await.id);
    let version = async || state.store.link_tokens(link).await.unwrap().unwrap().1;
    let before = version().await;
    world.clock.advance(12 * HOUR_MS);
    let slow = worker::take(state, cloud, 1).await.pop().expect("it is due");
    world.clock.advance(store::LINK_LEASE_MS + 1);
    let quick = worker::take(state, cloud, 1).await.pop().expect("its lease ran out");
    assert_eq!(slow.tokens.as_ref().map(|(_, version)| *version), Some(before));
    assert_eq!(quick.tokens.as_ref().map(|(_, version)| *version), Some(before));
    // Long enough that both come to it before either has an answer.
    world.mischief("slow", 2, "/token").await;
    let turn = |leased| async move { crate::links::turn::take(state, cloud, &leased).await };
    let (_, went) = tokio::join!(turn(slow), turn(quick));
    assert_eq!(world.counts().await["refreshed"], 1, "one request for both");
    assert_eq!(version().await, before + 1);
    assert!(matches!(went, store::TurnEnd::Went { .. }), "{went:?}");
}

/// This vendor takes our client from the header alone (RFC 6749 2.3.1), the others from the body.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_shown_in_the_header_where_the_vendor_wants_it_there() {
    let world = World::of(ENDING).await;
    let mut browser = world.hanako().await;
    world.connect(&mut browser, ENDING.hanako).await;
    world.work().await;
    world.clock.advance(12 * HOUR_MS);
    world.work().await;
    is(&world, LinkState::Connected).await;
    let counts = world.counts().await;
    assert_eq!(
        (&counts["refreshed"], &counts["accounts"]),
        (&json!(1), &json!([ENDING.hanako]))
    );
    let own = OwnAccess::of_signed_in(world.person().await);
    let ended = world
        .gateway
        .state
        .store
        .change_link(&own, world.link().await.id, model::LinkEvent::Ended);
    ended.await.unwrap();
    world.work().await;
    assert_eq!(world.counts().await["accounts"], json!([]), "it was given back");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_erased_leaves_no_permission_behind_at_the_vendor() {
    let world = World::new().await;
    let mut browser = world.hanako().await;
    world.connect(&mut browser, HANAKO).await;
    world.work().await;
    assert_eq!(world.counts().await["accounts"], json!([HANAKO]));
    let store = &world.gateway.state.store;
    store.erase_person(world.person().await).await.unwrap();
    let cloud = world.gateway.state.clouds.named(world.vendor.name).unwrap();
    // The vendor has a bad day first.
    world.mischief("fault", 2, "").await;
    for (passes, left) in [(0, 1), (10_000, 1), (120_000, 1), (600_000, 0)] {
        world.clock.advance(passes);
        worker::give_back_of_erased(&world.gateway.state, cloud).await;
        let accounts = world.counts().await["accounts"].as_array().unwrap().len();
        assert_eq!(accounts, left, "after {passes}");
    }
    let rest = store.lease_orphaned_tokens(world.vendor.name, 8).await.unwrap();
    assert!(rest.is_empty());
    world.clock.advance(DAY_MS);
    assert!(
        store
            .lease_orphaned_tokens(world.vendor.name, 8)
            .await
            .unwrap()
            .is_empty()
    );
}

/// With another secret than the vendor's, for one: what is refused is not given back.
#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_the_vendor_refuses_to_take_back_are_given_back_once_it_takes_them() {
    let world = World::new().await;
    let mut browser = world.hanako().await;
    world.connect(&mut browser, HANAKO).await;
    world.work().await;
    for kind in ["unauthorized", "forbidden", "forbidden-page"] {
        world.mischief(kind, 1, "/revoke").await;
    }
    let (link, store) = (world.link().await.id, &world.gateway.state.store);
    let own = OwnAccess::of_signed_in(world.person().await);
    let ended = store.change_link(&own, link, model::LinkEvent::Ended).await;
    ended.unwrap();
    for (passes, left) in [(0, 1), (30_000, 1), (60_000, 1), (120_000, 0)] {
        world.clock.advance(passes);
        assert_eq!(world.work().await, 1, "one try after {passes}");
        let accounts = world.counts().await["accounts"].as_array().unwrap().len();
        assert_eq!(accounts, left, "after {passes}");
        assert_eq!(store.link_tokens(link).await.unwrap().is_some(), left > 0);
    }
}
