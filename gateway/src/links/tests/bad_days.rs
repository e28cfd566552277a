//! Bad days: whatever the vendor does, in the end we hold what it holds, once.

use model::Need;

use super::*;

/// Scripts: what goes wrong, how often, and of which calls. Of what is no call the number says nothing.
const SCRIPTS: &[&[(&str, u32, &str)]] = &[
    &[("slow", 3, "/users/me/dataTypes")],
    &[("too-many", 1, "steps")],
    &[("too-many", 20, "")],
    &[("fault", 1, "heart-rate/d")],
    &[("fault", 30, "")],
    &[("unavailable", 4, "steps")],
    &[("html", 1, "steps")],
    &[("html", 6, "heart-rate/d")],
    &[("truncated-gzip", 1, "steps")],
    &[("truncated-gzip", 5, "")],
    &[("cut", 1, "heart-rate/d")],
    &[("cut", 7, "")],
    &[("huge", 1, "steps")],
    &[("changed-types", 1, "steps")],
    &[("changed-types", 40, "")],
    &[("duplicates", 3, "steps")],
    &[("duplicates", 60, "")],
    &[("shuffled", 60, "")],
    &[("late", 2, "steps")],
    &[("late", 60, "")],
    &[("lost-answer", 1, "steps")],
    &[("lost-answer", 8, "")],
    &[("unauthorized", 1, "steps")],
    &[("forbidden", 1, "steps")],
    &[("forbidden", 200, "")],
    &[("refused", 1, "weight")],
    &[("refused", 3, "steps")],
    &[("fault", 2, "/token")],
    &[("lost-answer", 2, "/token")],
    &[("html", 1, "/token")],
    &[("cut", 1, "/token")],
    &[("too-many", 3, "/token")],
    &[("fault", 1, "steps"), ("duplicates", 10, "steps")],
    &[("late", 1, "steps"), ("shuffled", 10, "")],
    &[("forbidden", 2, "heart-rate/d"), ("late", 3, "steps")],
    &[("changed-types", 2, "heart-rate/d"), ("fault", 3, "")],
    &[("html", 2, ""), ("cut", 2, ""), ("truncated-gzip", 2, "")],
    &[("too-many", 1, "steps"), ("unauthorized", 1, "heart-rate/d")],
    &[("late", 1, "heart-rate/d"), ("lost-answer", 3, "heart-rate/d")],
    &[("fault", 4, "/token"), ("fault", 12, "")],
    &[("duplicates", 2, ""), ("late", 2, ""), ("changed-types", 4, "")],
    &[("unavailable", 1, "sleep"), ("refused", 1, "sleep")],
    &[("expired", 1, "")],
    &[("expired", 1, ""), ("fault", 3, "/token")],
    &[("turned-keys", 1, "")],
    &[("turned-keys", 1, ""), ("late", 3, "steps")],
    &[("wrong-signature", 1, "")],
    &[("wrong-signature", 1, ""), ("cut", 2, "steps")],
    &[("revoked", 1, "")],
    &[("revoked", 1, ""), ("fault", 2, "")],
    &[
        ("shuffled", 1, "steps"),
        ("cut", 1, "steps"),
        ("html", 1, "steps"),
        ("fault", 1, "steps"),
    ],
];

/// Makes it go wrong.
async fn begin(world: &World, kind: &str, times: u32, path: &'static str) {
    let account = world.of.hanako;
    match kind {
        "expired" => _ = world.control(&format!("accounts/{account}/expire"), json!({})).await,
        "revoked" => _ = world.control(&format!("accounts/{account}/revoke"), json!({})).await,
        // Of those that publish none there are none to turn.
        "turned-keys" => {
            let url = format!("{}/control/keys", world.vendor.base);
            world.http.post(url).send().await.unwrap();
        }
        "wrong-signature" => {
            let mut told = world.change(two_days_ago(world), Some(5)).await;
            told["wrong_signature"] = json!(true);
            told["wrong_secret"] = json!(true);
            let status = world.control("notices", told).await["status"].as_u64().unwrap();
            assert!(matches!(status, 401 | 404) || !world.of.tells, "{status}");
        }
        _ => {
            // Some last longer than the script does.
            if path == "/token" {
                world.control(&format!("accounts/{account}/expire"), json!({})).await;
            }
            world.mischief(kind, times, path).await;
        }
    }
}

/// Some scripts, each on a day of its own, one after the other.
async fn lived(vendor: Vendor, scripts: impl Iterator<Item = &'static [(&'static str, u32, &'static str)]>) {
    let world = World::of(vendor).await;
    let mut browser = world.hanako().await;
    world.connect(&mut browser, vendor.hanako).await;
    world.work().await;
    for script in scripts {
        // What the vendor will take out again is known before.
        let at = two_days_ago(&world);
        let added = world.change(at.plus(HOUR_MS), Some(9)).await;
        if vendor.tells {
            world.control("notices", added).await;
            // Longer than keys that were just fetched are taken for all there are.
            world.clock.advance(15_000);
        }
        world
            .live_by(if vendor.tells { 0 } else { 13 * HOUR_MS }, HOUR_MS)
            .await;
        for (kind, times, path) in script {
            begin(&world, kind, *times, path).await;
        }
        // While it goes wrong the vendor also changes its mind.
        let number = script.len() as i64 * 7 + 3;
        let mut untold = Vec::new();
        for told in [
            world.change(at, Some(number)).await,
            world.change(at.plus(HOUR_MS), None).await,
        ] {
            let status = world.control("notices", told.clone()).await["status"].as_u64().unwrap();
            // Without its keys nothing can be believed; the vendor says it again.
            let is_kept = matches!(status, 200 | 204);
            assert!(is_kept || status == 503 || !vendor.tells, "{script:?}: {status}");
            untold.extend((!is_kept && vendor.tells).then_some(told));
        }
        let is_revoked = script.iter().any(|(kind, ..)| *kind == "revoked");
        world.live(if is_revoked { 2 * DAY_MS } else { DAY_MS }).await;
        // Who is told by the vendor asks by themselves once a day.
        for _ in 0..3 {
            if world.counts().await["untouched"] != json!([]) {
                world.live_by(DAY_MS, HOUR_MS).await;
            }
        }
        assert_eq!(
            world.counts().await["untouched"],
            json!([]),
            "{script:?}: it met nothing"
        );
        world.well_again().await;
        for told in untold {
            let status = world.control("notices", told).await["status"].as_u64();
            assert!(matches!(status, Some(200 | 204)), "{script:?}: {status:?}");
        }
        if is_revoked {
            is(&world, LinkState::NeedsAttention(Need::AgreeAgain)).await;
            browser = world.hanako().await;
            world.connect(&mut browser, vendor.hanako).await;
        }
        // What was not there for days is met when more than the last days is asked again.
        world.live_by(8 * DAY_MS, HOUR_MS).await;
        assert_eq!(world.link().await.state, LinkState::Connected, "{script:?}");
        world.agrees(vendor.hanako).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_days_of_each_vendor_lose_nothing_and_double_nothing() {
    assert!(SCRIPTS.len() >= 40);
    let mut lives = tokio::task::JoinSet::new();
    for vendor in [LISTS, SINCE, SILENT, ENDING] {
        for scripts in SCRIPTS.chunks(SCRIPTS.len().div_ceil(4)) {
            lives.spawn(lived(vendor, scripts.iter().copied()));
        }
    }
    lives.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_does_not_answer_is_left_alone_and_tried_by_one() {
    let world = World::new().await;
    let mut browser = world.hanako().await;
    world.connect(&mut browser, HANAKO).await;
    world.mischief("fault", 100_000, "").await;
    let before = world.counts().await["requests"].as_u64().unwrap();
    world.live(6 * HOUR_MS).await;
    let asked = world.counts().await["requests"].as_u64().unwrap() - before;
    assert!(asked < 60, "{asked} calls to a vendor that is down");
    world.well_again().await;
    world.live(12 * HOUR_MS).await;
    world.agrees(HANAKO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_of_a_service_that_nothing_continues_asks_nothing_of_its_person() {
    for path in ["", "/token"] {
        let world = World::new().await;
        let mut browser = world.hanako().await;
        world.connect(&mut browser, HANAKO).await;
        world.control(&format!("accounts/{HANAKO}/expire"), json!({})).await;
        world.mischief("gone", 5, path).await;
        world.live(HOUR_MS).await;
        is(&world, LinkState::Connected).await;
        world.agrees(HANAKO).await;
    }
}

/// As a process that is killed leaves them: what was under way is gone, and only what was committed is there.
#[tokio::test(flavor = "multi_thread")]
async fn turns_that_are_cut_off_again_and_again_lose_nothing_and_double_nothing() {
    const CUTS: u64 = 25;
    let random = model::environment::SeededRandomness::new(11);
    let world = Arc::new(World::new().await);
    let mut browser = world.hanako().await;
    world.connect(&mut browser, HANAKO).await;
    let mut cut = 0;
    while cut < CUTS {
        let cloud = &world.gateway.state.clouds.all()[0];
        let Some(leased) = worker::take(&world.gateway.state, cloud, 1).await.pop() else {
            // The lease runs out, and there is more to ask for.
            let at = two_days_ago(&world).plus(cut as i64 * HOUR_MS);
            let told = world.change(at, Some(cut as i64 + 1)).await;
            world.control("notices", told).await;
            world.clock.advance(store::LINK_LEASE_MS + 1);
            continue;
        };
        let working = Arc::clone(&world);
        let turn = tokio::spawn(async move {
            let state = &working.gateway.state;
            worker::carry_out(state, &state.clouds.all()[0], leased).await;
        });
        tokio::time::sleep(std::time::Duration::from_micros(random.below(60_000))).await;
        cut += u64::from(!turn.is_finished());
        turn.abort();
        let _ = turn.await;
    }
    world.live_by(2 * DAY_MS, HOUR_MS).await;
    world.agrees(HANAKO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_only_says_enough_for_now_closes_nothing() {
    for kind in ["usage-limit", "forbidden-page"] {
        let world = World::of(SILENT).await;
        let mut browser = world.hanako().await;
        world.connect(&mut browser, SILENT.hanako).await;
        world.mischief(kind, 3, "/users/me/dataTypes").await;
        world.live(HOUR_MS).await;
        let marks = world.link().await.progress.marks;
        let closed: Vec<_> = marks.iter().filter(|(_, mark)| mark.closed).collect();
        assert!(closed.is_empty(), "{kind}: {closed:?}");
        world.agrees(SILENT.hanako).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_is_about_the_project_closes_nothing_and_links_go_on_by_themselves() {
    for vendor in [LISTS, SINCE, SILENT, ENDING] {
        let world = World::of(vendor).await;
        let mut browser = world.hanako().await;
        world.connect(&mut browser, vendor.hanako).await;
        // From the first call on, for an hour.
        world.mischief("forbidden", 1_000_000, "").await;
        world.live(HOUR_MS).await;
        is(&world, LinkState::Connected).await;
        assert!(world.link().await.fetched.is_none(), "nothing was answered yet");
        world.well_again().await;
        world.live_by(4 * HOUR_MS, 5 * 60_000).await;
        let link = world.link().await;
        assert_eq!(link.state, LinkState::Connected);
        assert!(link.progress.marks.values().all(|mark| !mark.closed), "{link:?}");
        world.agrees(vendor.hanako).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_vendor_says_was_not_given_is_asked_for_once_and_all_else_goes_on() {
    for (vendor, open) in [
        (LISTS, "sleep"),
        (SINCE, "weight"),
        (SILENT, "weight"),
        (ENDING, "body/log/weight"),
    ] {
        let world = World::of(vendor).await;
        let scope = scope(&world, open);
        let account = vendor.hanako;
        let person = linked(&world, account, 7, &[scope], &[]).await;
        world.work().await;
        let own = OwnAccess::of_signed_in(person);
        let link = world.gateway.state.store.links(&own).await.unwrap().remove(0);
        assert_eq!(link.state, LinkState::Connected, "{account}");
        let marks = &link.progress.marks;
        assert!(!marks[open].closed && marks[open].asked > 0, "{account}");
        let cloud = world.gateway.state.clouds.named(world.vendor.name).unwrap();
        let is_closed = |name: &str| marks.get(name).is_some_and(|mark| mark.closed);
        let closed = cloud.adapter.series().iter().filter(|series| is_closed(series.name));
        let scopes: Vec<&str> = closed.map(|series| series.scope).collect();
        assert!(!scopes.is_empty() && !scopes.contains(&scope), "{account}: {marks:?}");
        // What is closed holds up no turn.
        world.clock.advance(13 * HOUR_MS);
        assert_eq!(world.work().await, 1, "{account}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_type_that_is_refused_for_good_holds_up_no_other_however_often_it_is_told_of() {
    let world = World::new().await;
    let mut browser = world.hanako().await;
    world.connect(&mut browser, HANAKO).await;
    world.work().await;
    world.mischief("refused", 1_000_000, "weight").await;
    let day = |back: i64| two_days_ago(&world).0 - back * DAY_MS;
    for (from, until) in (2..14).flat_map(|from| (1..from).map(move |until| (from, until))) {
        let told = json!({"account": HANAKO, "kind": "weight", "start": day(from), "end": day(until)});
        assert_eq!(world.control("notices", told).await["status"], 204);
    }
    let before = world.link().await.progress.marks["steps"].asked;
    world.live_by(2 * DAY_MS, 10 * 60_000).await;
    let link = world.link().await;
    assert!(
        link.progress.marks["steps"].asked > before + DAY_MS,
        "steps were not asked for since"
    );
    // Whatever else is told of is fetched at once.
    let told = world.change(two_days_ago(&world), Some(77)).await;
    assert_eq!(world.control("notices", told).await["status"], 204);
    world.clock.advance(3_000);
    assert_eq!(world.work().await, 1);
    let held = world.held(Metric::STEP_COUNT).await;
    assert!(held.contains(&(two_days_ago(&world).0, "77".to_owned())));
    world.well_again().await;
    world.live_by(8 * DAY_MS, HOUR_MS).await;
    world.agrees(HANAKO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_whose_budget_is_used_up_waits_for_it() {
    let world = World::of(ENDING).await;
    let mut browser = world.hanako().await;
    world.connect(&mut browser, ENDING.hanako).await;
    // Its first turns use up what may come at once.
    let state = &world.gateway.state;
    let cloud = state.clouds.named(world.vendor.name).unwrap();
    let at = two_days_ago(&world);
    let told = json!({"account": ENDING.hanako, "kind": "body/log/weight", "start": at.0, "end": at.0 + 1});
    for leased in worker::take(state, cloud, 16).await {
        assert_eq!(world.control("notices", told.clone()).await["status"], 204);
        worker::carry_out(state, cloud, leased).await;
    }
    world.clock.advance(3_000);
    let mut turns = 0;
    for _ in 0..50 {
        for leased in worker::take(state, cloud, 16).await {
            turns += 1;
            worker::carry_out(state, cloud, leased).await;
        }
        world.clock.advance(1_000);
    }
    assert!(turns <= 1, "{turns} turns in less than a minute, for nothing");
    world.live(2 * DAY_MS).await;
    world.agrees(ENDING.hanako).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_takes_minutes_for_a_page_does_not_outlast_the_lease() {
    let world = World::of(SINCE).await;
    let mut browser = world.hanako().await;
    world.connect(&mut browser, SINCE.hanako).await;
    // Some pages of one answer.
    let at = two_days_ago(&world);
    for second in 0..500 {
        world.change(at.plus(second * 1_000), Some(second)).await;
    }
    world.mischief("slow", 1_000, "").await;
    let state = &world.gateway.state;
    let cloud = state.clouds.named(world.vendor.name).unwrap();
    let leased = worker::take(state, cloud, 16).await.pop().unwrap();
    let turn = async {
        let end = crate::links::turn::take(state, cloud, &leased).await;
        assert!(matches!(end, store::TurnEnd::Went { .. }), "{end:?}");
        assert!(state.store.end_turn(&leased, end).await.unwrap(), "it was another's");
    };
    let begun = state.clock.now();
    let others = async {
        let mut seen = world.counts().await["requests"].as_u64();
        loop {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            // Time goes on with what is asked, not with how fast this machine is: two minutes a page. One that is seen late
            // counts for the next, and two of them are still within a lease.
            let requests = world.counts().await["requests"].as_u64();
            if requests > seen {
                seen = requests;
                world.clock.advance(2 * 60_000);
            }
            let taken = state.store.lease_links(world.vendor.name, 16).await.unwrap();
            assert!(taken.is_empty(), "it is under work");
        }
    };
    tokio::select! { () = turn => {}, () = others => {} }
    assert!(
        state.clock.now().0 - begun.0 > store::LINK_LEASE_MS,
        "it was over sooner"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_after_other_faults_is_not_believed_at_once() {
    let world = World::new().await;
    let mut browser = world.hanako().await;
    world.connect(&mut browser, HANAKO).await;
    // Two bad turns, and one in which the token is refused, also when it is new.
    world.mischief("fault", 2, "steps").await;
    world.mischief("unauthorized", 2, "steps").await;
    world.live(HOUR_MS).await;
    is(&world, LinkState::Connected).await;
    world.agrees(HANAKO).await;
    // A grant that has really ended is believed after some hours, whatever came between.
    world.control(&format!("accounts/{HANAKO}/revoke"), json!({})).await;
    while world.link().await.progress.refusals == 0 {
        world.live(HOUR_MS).await;
    }
    world.live(2 * HOUR_MS).await;
    is(&world, LinkState::Connected).await;
    world.live(3 * HOUR_MS).await;
    is(&world, LinkState::NeedsAttention(Need::AgreeAgain)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_refuses_all_grants_for_hours_asks_nothing_of_anybody() {
    let world = World::new().await;
    let mut browser = world.hanako().await;
    world.connect(&mut browser, HANAKO).await;
    world.work().await;
    world.mischief("invalid-grant", 1_000_000, "/token").await;
    world.live_by(2 * HOUR_MS, HOUR_MS).await;
    let told = world.change(two_days_ago(&world), Some(77)).await;
    assert_eq!(world.control("notices", told).await["status"], 204);
    world.live(4 * HOUR_MS - 10 * 60_000).await;
    is(&world, LinkState::Connected).await;
    assert!(world.link().await.progress.refusals > 2, "it was refused");
    world.well_again().await;
    world.live_by(8 * HOUR_MS, 5 * 60_000).await;
    let link = world.link().await;
    assert_eq!(link.state, LinkState::Connected);
    assert_eq!((link.progress.refusals, link.progress.refused_since), (0, None));
    world.agrees(HANAKO).await;
    // Access tokens that nobody takes, while refreshes work: the grant lives.
    world.mischief("unauthorized", 1_000_000, "/users/me").await;
    world.live_by(DAY_MS, HOUR_MS).await;
    is(&world, LinkState::Connected).await;
    world.well_again().await;
    world.live_by(DAY_MS, HOUR_MS).await;
    world.agrees(HANAKO).await;
}
