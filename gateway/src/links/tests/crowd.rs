//! Ten thousand links, and one vendor's bad day beside another's good one. Slow: `cargo test --release -p gateway --bin sekisho --
//! --ignored --nocapture links::tests::crowd`.

use std::time::{Duration, Instant};

use super::*;
use crate::links::turn;

/// Bytes of this process that are in memory (proc(5), `statm`).
fn resident() -> f64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<f64>().unwrap() * 4_096.0
}

/// Works all that is due, some at the same time.
async fn worked(world: &Arc<World>) -> usize {
    let mut turns = 0;
    loop {
        let cloud = world.gateway.state.clouds.named(world.vendor.name).unwrap();
        let leased = worker::take(&world.gateway.state, cloud, 16).await;
        if leased.is_empty() {
            return turns;
        }
        turns += leased.len();
        let mut under_way = tokio::task::JoinSet::new();
        for link in leased {
            let world = Arc::clone(world);
            under_way.spawn(async move {
                let cloud = world.gateway.state.clouds.named(world.vendor.name).unwrap();
                worker::carry_out(&world.gateway.state, cloud, link).await;
            });
        }
        under_way.join_all().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "some minutes"]
async fn an_hour_of_ten_thousand_links_stays_as_large_as_it_was() {
    const LINKS: usize = 10_000;
    const MINUTES: usize = 60;
    let world = Arc::new(World::new().await);
    for link in 0..LINKS {
        linked(
            &world,
            &format!("crowd-{link}"),
            link,
            &[scope(&world, "sleep")],
            &[scope(&world, "sleep")],
        )
        .await;
    }
    let first = worked(&world).await;
    assert!(first >= LINKS);
    let mut sizes = Vec::new();
    let mut turns = 0;
    for minute in 0..MINUTES {
        world.clock.advance(60_000);
        let at = world.clock.now().plus(-DAY_MS);
        let told: Vec<Json> = (minute..LINKS)
            .step_by(MINUTES)
            .map(|link| {
                let interval = json!({"physicalTimeInterval": {"startTime": iso(at), "endTime": iso(at.plus(1))}});
                json!({"data": {"version": "1", "healthUserId": format!("crowd-{link}"), "operation": "UPSERT", "dataType": "sleep", "intervals": [interval]}})
            })
            .collect();
        let telling = json!({"account": "", "kind": "sleep", "start": 0, "end": 0, "body": told});
        assert_eq!(world.control("notices", telling).await["status"], 204);
        // What is told waits for more.
        world.clock.advance(3_000);
        turns += worked(&world).await;
        sizes.push(resident());
    }
    assert!(turns >= LINKS, "each link was told of once: {turns}");
    let median = |of: &[f64]| {
        let mut of = of.to_vec();
        of.sort_by(f64::total_cmp);
        of[of.len() / 2]
    };
    let (early, late) = (median(&sizes[5..20]), median(&sizes[45..]));
    println!(
        "{LINKS} links, {turns} turns in an hour: {:.0} MB, then {:.0} MB, {:.2} ×",
        early / 1e6,
        late / 1e6,
        late / early
    );
    assert!(late < early * 1.2, "{early} then {late}");
}

fn iso(at: UtcMillis) -> String {
    jiff::Timestamp::from_millisecond(at.0).unwrap().to_string()
}

/// Median time of a turn of the other vendor's links, in seconds.
#[expect(clippy::disallowed_methods, reason = "it measures time")]
async fn turns(world: &World, other: &Simulator) -> f64 {
    let state = &world.gateway.state;
    let cloud = state.clouds.named(other.name).unwrap();
    let mut times = Vec::new();
    for _ in 0..40 {
        world.clock.advance(13 * HOUR_MS);
        for leased in worker::take(state, cloud, 1).await {
            let start = Instant::now();
            let end = turn::take(state, cloud, &leased).await;
            times.push(start.elapsed().as_secs_f64());
            state.store.end_turn(&leased, end).await.unwrap();
        }
    }
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "it measures time"]
async fn a_bad_day_of_one_vendor_slows_no_other() {
    let mut world = World::with(LISTS, Some(SINCE)).await;
    for link in 0..32 {
        linked(
            &world,
            &format!("slow-{link}"),
            link,
            &[scope(&world, "sleep")],
            &[scope(&world, "sleep")],
        )
        .await;
    }
    let slow = world.vendor.clone();
    world.vendor = world.other.clone().unwrap();
    for link in 0..8 {
        linked(
            &world,
            &format!("well-{link}"),
            link,
            &["bloodpressure"],
            &["bloodpressure"],
        )
        .await;
    }
    let other = world.vendor.clone();
    let mut slowed = Vec::new();
    // Each by itself: what hangs would keep the others from happening.
    for kind in ["stall", "huge", "fault", "html"] {
        let mut ratios = Vec::new();
        for _ in 0..5 {
            let alone = turns(&world, &other).await;
            let ratio = beside(&world, &slow, &other, kind).await / alone;
            ratios.push(ratio);
        }
        ratios.sort_by(f64::total_cmp);
        println!(
            "beside calls of another vendor that all end in {kind}: {:.2} ×",
            ratios[2]
        );
        slowed.extend((ratios[2] >= 1.1).then_some(kind));
    }
    assert!(slowed.is_empty(), "slowed by more than a tenth: {slowed:?}");
}

/// As [`turns`], while every call of a bad vendor goes wrong in one way.
async fn beside(world: &World, bad: &Simulator, other: &Simulator, kind: &str) -> f64 {
    let asked = async |method: reqwest::Method, what: &str, body: Json| {
        let request = world.http.request(method, format!("{}/control/{what}", bad.base));
        request.json(&body).send().await.unwrap()
    };
    let calls = async || {
        let counts = asked(reqwest::Method::GET, "counts", json!({})).await;
        counts.json::<Json>().await.unwrap()["requests"].as_u64().unwrap()
    };
    let mischief = json!({"kind": kind, "times": 1_000_000, "path": ""});
    asked(reqwest::Method::POST, "mischief", mischief).await;
    let before = calls().await;
    let working = tokio::spawn(worker::work_named(world.gateway.state.clone(), bad.name));
    tokio::time::sleep(Duration::from_millis(200)).await;
    let time = turns(world, other).await;
    assert!(calls().await > before, "nothing of {kind} happened");
    working.abort();
    asked(reqwest::Method::DELETE, "mischief", json!({})).await;
    time
}
