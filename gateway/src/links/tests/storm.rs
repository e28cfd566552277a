//! A storm: the same notices many times over, on many connections at once.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_deliveries_of_the_same_notices_are_each_asked_for_once() {
    // Of these kinds, which have no days besides, in these hours.
    const KINDS: [&str; 3] = ["altitude", "active-zone-minutes", "activity-level"];
    const HOURS: usize = 334;
    const NOTICES: usize = 1_000;
    const TIMES: usize = 10;
    const CONNECTIONS: usize = 32;
    let world = Arc::new(World::new().await);
    let mut browser = world.hanako().await;
    world.connect(&mut browser, HANAKO).await;
    drop(browser);
    world.work().await;
    let before = world.counts().await["requests"].as_u64().unwrap();
    let begin = two_days_ago(&world).plus(-13 * DAY_MS);
    let mut senders = tokio::task::JoinSet::new();
    for connection in 0..CONNECTIONS {
        let world = Arc::clone(&world);
        senders.spawn(async move {
            for sent in (connection..NOTICES * TIMES).step_by(CONNECTIONS) {
                let notice = sent % NOTICES;
                let at = begin.plus((notice % HOURS) as i64 * HOUR_MS);
                let kind = KINDS[notice / HOURS];
                let told = json!({"account": HANAKO, "kind": kind, "start": at.0, "end": at.0 + 60_000});
                assert_eq!(world.control("notices", told).await["status"], 204);
            }
        });
    }
    senders.join_all().await;
    // As many calls a minute as the vendor allows.
    world.live(10 * 60_000).await;
    let asked = world.counts().await["requests"].as_u64().unwrap() - before;
    // Each hour that was told of once, and the keys once.
    assert!((NOTICES as u64..NOTICES as u64 + 3).contains(&asked), "{asked}");
    world.agrees(HANAKO).await;
}

/// One that says no end lasts until now, and one that says nothing is of the last days.
#[tokio::test(flavor = "multi_thread")]
async fn a_notice_that_lasts_until_now_is_the_same_when_it_is_told_again_later() {
    const TIMES: i64 = 400;
    let world = World::of(SINCE).await;
    let mut browser = world.hanako().await;
    world.connect(&mut browser, SINCE.hanako).await;
    world.work().await;
    // In the middle of a day, so that none begins meanwhile.
    let noon = (world.clock.now().0.div_euclid(DAY_MS) + 1) * DAY_MS + DAY_MS / 2;
    world.clock.advance(noon - world.clock.now().0);
    world.work().await;
    let before = world.counts().await["requests"].as_u64().unwrap();
    let at = two_days_ago(&world);
    for time in 0..TIMES {
        let said = json!({"account": SINCE.hanako, "kind": "weight", "start": at.0, "end": at.0});
        let mut unsaid = said.clone();
        unsaid["body"] = json!({"id": SINCE.hanako, "type": "weight"});
        for told in [said, unsaid] {
            assert_eq!(world.control("notices", told).await["status"], 200);
        }
        world.clock.advance(if time % 2 == 0 { 1 } else { 5_000 });
    }
    let (state, cloud) = (&world.gateway.state, world.cloud());
    let leased = worker::take(state, cloud, 16).await.pop().expect("it is due");
    assert_eq!(leased.wants.len(), 2, "{:?}", leased.wants);
    worker::carry_out(state, cloud, leased).await;
    assert_eq!(world.work().await, 0, "one turn for all");
    let asked = world.counts().await["requests"].as_u64().unwrap() - before;
    assert!(asked <= 2, "{asked}");
}
