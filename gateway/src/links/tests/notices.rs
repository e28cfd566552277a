//! What the vendor says by itself: heard only from the vendor, kept, and worked off.

use super::*;

fn notice(account: &str, kind: &str, at: UtcMillis) -> Json {
    json!({"account": account, "kind": kind, "start": at.0, "end": at.0 + HOUR_MS})
}

async fn tell(world: &World, mut notice: Json, more: Json) -> u64 {
    notice
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    world.control("notices", notice).await["status"].as_u64().unwrap()
}

async fn connected() -> World {
    let world = World::new().await;
    let mut browser = world.hanako().await;
    world.connect(&mut browser, HANAKO).await;
    world.work().await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_and_a_deletion_are_told_of_fetched_and_seen() {
    let world = connected().await;
    let at = two_days_ago(&world);
    for number in [Some(77), Some(78), None, Some(79)] {
        let told = world.change(at, number).await;
        let operation = if number.is_none() { "DELETE" } else { "UPSERT" };
        assert_eq!(tell(&world, told, json!({"operation": operation})).await, 204);
        world.clock.advance(3_000);
        assert_eq!(world.work().await, 1, "one turn for it");
        let held = world.held(Metric::STEP_COUNT).await;
        let found = held
            .iter()
            .find(|(when, _)| *when == at.0)
            .map(|(_, value)| value.clone());
        assert_eq!(found, number.map(|number| number.to_string()));
        world.agrees(HANAKO).await;
    }
}

/// The other vendor: connected by its ID token, told by the address alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_signs_nothing_is_heard_at_its_own_address_alone() {
    let world = World::of(SINCE).await;
    let mut browser = world.hanako().await;
    world.connect(&mut browser, SINCE.hanako).await;
    world.work().await;
    world.agrees(SINCE.hanako).await;
    let at = two_days_ago(&world);
    for number in [Some(1), Some(2), None] {
        let told = world.change(at, number).await;
        assert_eq!(tell(&world, told.clone(), json!({"wrong_secret": true})).await, 401);
        assert_eq!(world.work().await, 0);
        assert_eq!(tell(&world, told, json!({})).await, 200, "as this vendor wants it");
        world.clock.advance(3_000);
        assert_eq!(world.work().await, 1);
        world.agrees(SINCE.hanako).await;
    }
    for odd in [
        json!({"id": 5}),
        json!([]),
        json!({"id": "nobody", "type": "bloodpressure"}),
    ] {
        let told = json!({"account": SINCE.hanako, "kind": "weight", "start": at.0, "end": at.0, "body": odd});
        assert_eq!(world.control("notices", told).await["status"], 200);
    }
    world.clock.advance(3_000);
    assert_eq!(world.work().await, 0);
    let bare = format!("{}/webhooks/v1/{}", world.gateway.base, world.vendor.name);
    assert_eq!(world.http.post(bare).body("{}").send().await.unwrap().status(), 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_vendor_is_heard_and_what_nobody_knows_is_no_error_to_it() {
    let world = connected().await;
    let at = two_days_ago(&world);
    let steps = || notice(HANAKO, "steps", at);
    // The vendor makes sure that the address is ours: once with the secret, once without.
    let probe = json!({"body": {"type": "verification"}});
    assert_eq!(tell(&world, steps(), probe.clone()).await, 201);
    let mut without = probe;
    without["wrong_secret"] = json!(true);
    assert_eq!(tell(&world, steps(), without).await, 401);
    assert_eq!(tell(&world, steps(), json!({"wrong_secret": true})).await, 401);
    assert_eq!(tell(&world, steps(), json!({"wrong_signature": true})).await, 401);
    assert_eq!(world.work().await, 0, "nothing came of it");
    // Known to nobody here.
    for strange in [notice(TARO, "steps", at), notice(HANAKO, "mind-reading", at)] {
        assert_eq!(tell(&world, strange, json!({})).await, 204);
    }
    world.clock.advance(3_000);
    assert_eq!(world.work().await, 0);
    for odd in [json!({"hello": "world"}), json!([]), json!("text")] {
        assert_eq!(tell(&world, steps(), json!({"body": odd})).await, 204);
    }
    // A list of them; an operation that nobody knows; no interval at all.
    let many = json!([
        {"data": {"healthUserId": HANAKO, "dataType": "steps", "operation": "RECONSIDER"}},
        {"data": {"healthUserId": TARO, "dataType": "steps", "operation": "UPSERT"}},
    ]);
    assert_eq!(tell(&world, steps(), json!({"body": many})).await, 204);
    world.clock.advance(3_000);
    assert_eq!(world.work().await, 1);
    // Its keys turn.
    world.control("keys", json!({})).await;
    assert_eq!(
        tell(&world, steps(), json!({})).await,
        503,
        "they were fetched just now: say it again"
    );
    world.clock.advance(11_000);
    assert_eq!(tell(&world, steps(), json!({})).await, 204);
    // Somebody who has neither, at no vendor's address.
    let to = |vendor: &str| format!("{}/webhooks/v1/{vendor}", world.gateway.base);
    let send = |url: String| world.http.post(url).body("{}").send();
    assert_eq!(send(to(world.vendor.name)).await.unwrap().status(), 401);
    assert_eq!(send(to("nobody")).await.unwrap().status(), 404);
}

/// Through all that the server lays around its routes.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_too_large_is_refused_and_nothing_of_it_is_kept() {
    use axum::body::Body;
    use axum::http::Request;
    use tower::ServiceExt as _;

    let world = World::with(SINCE, Some(LISTS)).await;
    let mut browser = world.hanako().await;
    world.connect(&mut browser, SINCE.hanako).await;
    world.work().await;
    let state = &world.gateway.state;
    let router = crate::server::router(state.clone(), axum::Router::new());
    let send = async |path: &str, bytes: usize| {
        let body = json!({"id": SINCE.hanako, "type": "weight", "beside": "x".repeat(bytes)}).to_string();
        let request = Request::post(format!("/webhooks/v1/{path}")).body(Body::from(body));
        let answer = router.clone().oneshot(request.unwrap()).await.unwrap();
        answer.status().as_u16()
    };
    let kept = async || state.store.delete_webhooks(world.clock.now().plus(1)).await.unwrap();
    // Whoever calls: it is not even read.
    let genuine = format!("{}/{}", world.vendor.name, world.vendor.webhook_secret);
    for (path, small) in [("google-health", 401), (&genuine, 200)] {
        assert_eq!(send(path, 300_000).await, 413, "{path}");
        world.clock.advance(3_000);
        assert_eq!((kept().await, world.work().await), (0, 0));
        assert_eq!(send(path, 200_000).await, small, "{path}");
    }
    world.clock.advance(3_000);
    assert_eq!((kept().await, world.work().await), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn notices_of_changes_in_any_order_end_in_what_the_vendor_holds() {
    use model::environment::SeededRandomness;

    let world = connected().await;
    let at = two_days_ago(&world);
    let random = SeededRandomness::new(5);
    // Twelve changes of four minutes, told of in random orders and more than once, worked off now and then.
    for round in 0..8i64 {
        let mut told: Vec<UtcMillis> = Vec::new();
        for change in 0..12i64 {
            let minute = at.plus((change % 4) * 60_000);
            let body = match random.below(4) {
                0 => Json::Null,
                _ => json!({"count": (round * 100 + change).to_string()}),
            };
            let point =
                json!({"account": HANAKO, "kind": "steps", "start": minute.0, "end": minute.0 + 60_000, "body": body});
            world.control("points", point).await;
            told.push(minute);
        }
        while !told.is_empty() {
            let minute = told.swap_remove(random.below(told.len() as u64) as usize);
            for _ in 0..=random.below(2) {
                assert_eq!(tell(&world, notice(HANAKO, "steps", minute), json!({})).await, 204);
            }
            if random.below(3) == 0 {
                world.clock.advance(3_000);
                world.work().await;
            }
        }
        world.clock.advance(3_000);
        world.work().await;
        world.agrees(HANAKO).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_tried_with_a_code_answers_a_right_and_a_wrong_one() {
    let world = World::of(ENDING).await;
    let tried = |code: &str| {
        let url = format!("{}/webhooks/v1/fitbit?verify={code}", world.gateway.base);
        world.http.get(url).send()
    };
    assert_eq!(tried(world.vendor.webhook_secret).await.unwrap().status(), 204);
    assert_eq!(tried("guessed").await.unwrap().status(), 404);
    let url = format!("{}/webhooks/v1/omron?verify=x", world.gateway.base);
    assert_eq!(
        world.http.get(url).send().await.unwrap().status(),
        404,
        "nobody's address"
    );
    // What is not the vendor's is refused; what is the vendor's and says nothing is kept.
    for (wrong, answered) in [
        (json!({"wrong_signature": true}), 404),
        (json!({"body": {"not": "a list"}}), 204),
    ] {
        let mut telling = json!({"account": ENDING.hanako, "kind": "sleep", "start": 0, "end": 1});
        telling
            .as_object_mut()
            .unwrap()
            .extend(wrong.as_object().unwrap().clone());
        assert_eq!(world.control("notices", telling).await["status"], answered, "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_kept_are_read_again() {
    let world = connected().await;
    let adapter = adapters::named(world.vendor.name).unwrap();
    let store = &world.gateway.state.store;
    let done = crate::replay::replay(store, adapter, UtcMillis(0), true).await.unwrap();
    assert!(done.pushes > 0 && done.unreadable == 0, "{done:?}");
    assert_eq!((done.new, done.changed, done.gone), (0, 0, 0), "nothing is new");
    assert!(done.then[0] > 0);
    assert_eq!(done.then, done.now, "the mapping is the same");
    world.agrees(HANAKO).await;
}

/// As a process that is killed leaves it: what was answered is on the disk, and nothing else is known.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_before_the_process_ended_is_worked_off_after_it_begins_again() {
    let world = connected().await;
    let told = world.change(two_days_ago(&world), Some(77)).await;
    assert_eq!(tell(&world, told, json!({})).await, 204);
    let left = tempfile::tempdir().unwrap();
    let copy = |from: &std::path::Path, to: &std::path::Path| {
        std::fs::create_dir_all(to).unwrap();
        let mut folders = vec![(from.to_owned(), to.to_owned())];
        while let Some((from, to)) = folders.pop() {
            for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
                let to = to.join(entry.file_name());
                match entry.file_type().unwrap().is_dir() {
                    true => {
                        std::fs::create_dir_all(&to).unwrap();
                        folders.push((entry.path(), to));
                    }
                    false => drop(std::fs::copy(entry.path(), to).unwrap()),
                }
            }
        }
    };
    let mut config = world.gateway.state.config.clone();
    copy(&config.data.folder, left.path());
    config.data.folder = left.path().to_owned();
    let clock: Arc<dyn model::environment::Clock> = Arc::new(Arc::clone(&world.clock));
    let store = store::Store::open(store::OpenOptions {
        folder: left.path().to_owned(),
        master_key: store::MasterKey::new([1; 32]),
        clock: Arc::clone(&clock),
        randomness: Arc::new(MachineRandomness),
        exclusive: true,
        size_limit: None,
    });
    let state = crate::state::AppState::with_clock(config, store.await.unwrap(), clock).unwrap();
    world.clock.advance(3_000);
    let cloud = state.clouds.named(world.vendor.name).unwrap();
    let leased = worker::take(&state, cloud, 16).await.pop().expect("it is due");
    let mut wants: Vec<&str> = leased.wants.iter().map(|want| want.series.as_str()).collect();
    wants.sort_unstable();
    assert_eq!(wants, ["steps", "steps:dailyRollUp"]);
    worker::carry_out(&state, cloud, leased).await;
    let own = OwnAccess::of_signed_in(world.person().await);
    let search = Search {
        raw: vec![Metric::STEP_COUNT],
        times: store::TimeBounds {
            start_from: Some(two_days_ago(&world)),
            start_before: Some(two_days_ago(&world).plus(60_000)),
            ..store::TimeBounds::default()
        },
        count: 10,
        now: world.clock.now(),
        ..Search::default()
    };
    let page = state.store.search(Access::Own(&own), search).await.unwrap();
    let is_it = |record: &Record| matches!(record, Record::Sample(stored) if matches!(&stored.sample.value, Value::Quantity(steps) if steps.to_string() == "77"));
    assert!(page.records.iter().any(is_it));
}
