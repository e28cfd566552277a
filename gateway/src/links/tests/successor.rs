//! A service that is switched off, and the one that continues it.

use model::Need;

use super::*;

/// 2026-11-02, when the first vendor here stops answering.
const SWITCHED_OFF: UtcMillis = UtcMillis(1_793_577_600_000);

const TWO_WEEKS_BEFORE: Vendor = Vendor {
    now: Some(UtcMillis(SWITCHED_OFF.0 - 14 * DAY_MS)),
    ..ENDING
};

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_moved_keeps_its_history_and_is_not_fetched_twice() {
    let mut world = World::with(TWO_WEEKS_BEFORE, Some(LISTS)).await;
    let mut browser = world.hanako().await;
    world.connect(&mut browser, ENDING.hanako).await;
    assert_eq!(
        world.link().await.progress.zone.as_deref(),
        Some("Asia/Tokyo"),
        "as the account's profile says"
    );
    world.live_by(2 * DAY_MS, HOUR_MS).await;
    world.agrees(ENDING.hanako).await;
    // Until shortly before the end.
    let left = SWITCHED_OFF.0 - world.clock.now().0 - 2 * HOUR_MS;
    world.live_by(left, 6 * HOUR_MS).await;
    let before = world.held(Metric::STEP_COUNT).await;
    assert!(before.len() > 500);

    world.live_by(2 * DAY_MS, HOUR_MS).await;
    assert_eq!(
        world.link().await.state,
        LinkState::NeedsAttention(Need::ConnectSuccessor)
    );
    // Two weeks later nobody is signed in any more.
    let mut browser = world.hanako().await;
    let page = browser.get("/portal/links").await.body;
    assert!(page.contains("このサービスは終了しました"), "{page}");
    assert!(page.contains("/portal/links/google-health/connect"), "{page}");
    assert!(!page.contains("/portal/links/fitbit/connect") && !page.contains("/hold\""));
    let again = browser.get("/portal/links/fitbit/connect").await;
    assert_eq!(again.status, 404, "nobody is sent to a service that is no more");

    let reached = world.link().await.progress.marks["activities/steps"].until;
    world.vendor = world.other.take().unwrap();
    let mut browser = world.hanako().await;
    world.connect(&mut browser, LISTS.hanako).await;
    world.live_by(2 * DAY_MS, HOUR_MS).await;
    let own = OwnAccess::of_signed_in(world.person().await);
    let links = world.gateway.state.store.links(&own).await.unwrap();
    let states: Vec<_> = links.iter().map(|link| (link.vendor.as_str(), link.state)).collect();
    assert_eq!(
        states,
        [("google-health", LinkState::Connected), ("fitbit", LinkState::Ended)]
    );
    let after = world.held(Metric::STEP_COUNT).await;
    let kept: Vec<_> = before.iter().filter(|(at, _)| *at >= world.horizon().0).collect();
    assert!(
        !kept.is_empty() && kept.iter().all(|one| after.contains(one)),
        "history stays"
    );
    let mut starts: Vec<i64> = after
        .iter()
        .map(|(at, _)| *at)
        .filter(|at| *at < reached - HOUR_MS)
        .collect();
    let all = starts.len();
    starts.dedup();
    assert_eq!(starts.len(), all, "no minute came a second time");
    assert!(
        after.iter().any(|(at, _)| *at > SWITCHED_OFF.0),
        "what is new comes from the new one"
    );
    let page = browser.get("/portal/links").await.body;
    assert!(!page.contains("このサービスは終了しました"), "{page}");
}

/// The page offers to disconnect it, and who does that first has brought no less.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_moved_is_not_fetched_twice_where_its_link_was_ended_before() {
    let mut world = World::with(TWO_WEEKS_BEFORE, Some(LISTS)).await;
    let mut browser = world.hanako().await;
    world.connect(&mut browser, ENDING.hanako).await;
    world.live_by(2 * DAY_MS, HOUR_MS).await;
    let before = world.link().await;
    let reached = before.progress.marks["activities/steps"].until;
    let mut browser = world.hanako().await;
    let csrf = browser.get("/portal/links").await.field("csrf");
    let end = format!("/portal/links/{}/end", before.id);
    browser.post(&end, &[("csrf".to_owned(), csrf)]).await;
    world.work().await;
    is(&world, LinkState::Ended).await;

    drop(browser);
    world.vendor = world.other.take().unwrap();
    world.of = LISTS;
    world.clock.advance(DAY_MS);
    let mut browser = world.hanako().await;
    let answer = world.connect(&mut browser, LISTS.hanako).await;
    assert_eq!(answer.location(&world.gateway.base), "/portal/links");
    assert_eq!(world.link().await.progress.marks["steps"].since, Some(reached));
    world.live_by(DAY_MS, HOUR_MS).await;
    let mut held: Vec<i64> = world.held(Metric::STEP_COUNT).await.iter().map(|(at, _)| *at).collect();
    assert!(
        held.iter().any(|at| *at > reached),
        "what is new comes from the new one"
    );
    held.retain(|at| *at < reached - HOUR_MS);
    let all = held.len();
    held.dedup();
    assert!(all > 0 && held.len() == all, "no minute came a second time");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_else_s_account_before_takes_nothing_over() {
    let mut world = World::with(TWO_WEEKS_BEFORE, Some(LISTS)).await;
    let mut browser = world.hanako().await;
    world.connect(&mut browser, ENDING.hanako).await;
    world.live(HOUR_MS).await;
    world.vendor = world.other.take().unwrap();
    let mut browser = world.hanako().await;
    world.connect(&mut browser, TARO).await;
    let own = OwnAccess::of_signed_in(world.person().await);
    let links = world.gateway.state.store.links(&own).await.unwrap();
    assert!(links.iter().all(|link| link.state == LinkState::Connected), "{links:?}");
    assert!(links[0].progress.marks.is_empty());
}

/// Steps of the local day of an instant.
async fn total(world: &World, at: UtcMillis) -> i64 {
    let own = OwnAccess::of_signed_in(world.person().await);
    let search = Search {
        daily: vec![Metric::STEP_COUNT],
        count: 100,
        now: world.clock.now(),
        ..Search::default()
    };
    let store = &world.gateway.state.store;
    let page = store.search(Access::Own(&own), search).await.unwrap();
    let day = at.local_day(model::Offset::JAPAN_ASSUMED);
    let of_day = page.records.iter().find_map(|record| match record {
        Record::Total(total) if total.day == day => Some(total.total),
        _ => None,
    });
    of_day.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_one_before_had_not_got_to_is_fetched_by_the_new_one_and_what_is_told_of_is_corrected() {
    let mut world = World::with(TWO_WEEKS_BEFORE, Some(LISTS)).await;
    let left = SWITCHED_OFF.0 - world.clock.now().0 - HOUR_MS;
    world.clock.advance(left);
    let mut browser = world.hanako().await;
    world.connect(&mut browser, ENDING.hanako).await;
    // An hour is not enough for all of it: the first days of each type, and no more.
    let state = &world.gateway.state;
    let cloud = state.clouds.named(world.vendor.name).unwrap();
    for _ in 0..2 {
        for leased in worker::take(state, cloud, 1).await {
            worker::carry_out(state, cloud, leased).await;
        }
        world.clock.advance(60_000);
    }
    let mark = world.link().await.progress.marks["activities/steps"];
    let horizon = world.horizon().0;
    assert!(mark.asked > 0 && mark.back > horizon + 3 * DAY_MS, "{mark:?}");
    world.clock.advance(2 * HOUR_MS);

    drop(browser);
    world.vendor = world.other.take().unwrap();
    world.of = LISTS;
    let mut browser = world.hanako().await;
    world.connect(&mut browser, LISTS.hanako).await;
    let page = browser.get("/portal/links").await.body;
    assert!(page.contains("過去の記録を取り込んでいます"), "{page}");
    world.live_by(DAY_MS, HOUR_MS).await;
    let mut browser = world.hanako().await;
    let page = browser.get("/portal/links").await.body;
    assert!(!page.contains("過去の記録を取り込んでいます"), "{page}");
    // All that the account holds is here, and no minute twice. What a phone counts, the one before did not tell.
    let mut truth = world.truth(LISTS.hanako, "steps").await;
    truth.retain(|(at, _)| at % 60_000 == 0);
    let mut held: Vec<i64> = world.held(Metric::STEP_COUNT).await.iter().map(|(at, _)| *at).collect();
    let missing: Vec<_> = truth.iter().filter(|(at, _)| !held.contains(at)).take(3).collect();
    assert!(missing.is_empty() && !truth.is_empty(), "{missing:?}");
    held.retain(|at| *at < mark.until - HOUR_MS);
    let all = held.len();
    held.dedup();
    assert_eq!(held.len(), all, "no minute came a second time");

    // A minute that the one before had brought is another now: it counts, once.
    let (at, before) = truth
        .iter()
        .rfind(|(at, _)| *at < mark.until - DAY_MS)
        .map(|(at, count)| (UtcMillis(*at), count.parse::<i64>().unwrap()))
        .unwrap();
    assert!(at.0 > mark.back);
    let of_day = total(&world, at).await;
    let told = world.change(at, Some(before + 50)).await;
    assert_eq!(world.control("notices", told).await["status"], 204);
    world.clock.advance(3_000);
    assert_eq!(world.work().await, 1);
    assert!(
        world
            .held(Metric::STEP_COUNT)
            .await
            .contains(&(at.0, (before + 50).to_string()))
    );
    assert_eq!(total(&world, at).await, of_day + 50);
}
