//! Bad days of a feed: whatever the service does, in the end we hold what it holds, once.

use super::tests::World;

/// Scripts: what goes wrong, how often, and of which calls.
const SCRIPTS: &[&[(&str, u32, &str)]] = &[
    &[("slow", 2, "vital-signs")],
    &[("stall", 1, "vital-signs")],
    &[("too-many", 1, "vital-signs")],
    &[("too-many", 6, "vital-signs")],
    &[("fault", 1, "vital-signs")],
    &[("fault", 9, "vital-signs")],
    &[("unavailable", 4, "vital-signs")],
    &[("html", 1, "vital-signs")],
    &[("html", 5, "vital-signs")],
    &[("truncated-gzip", 1, "vital-signs")],
    &[("truncated-gzip", 4, "vital-signs")],
    &[("cut", 1, "vital-signs")],
    &[("cut", 7, "vital-signs")],
    &[("huge", 1, "vital-signs")],
    &[("changed-types", 1, "vital-signs")],
    &[("changed-types", 3, "vital-signs")],
    &[("duplicates", 1, "vital-signs")],
    &[("duplicates", 2, "vital-signs")],
    &[("shuffled", 2, "vital-signs")],
    &[("late", 1, "vital-signs")],
    &[("late", 3, "vital-signs")],
    &[("lost-answer", 1, "vital-signs")],
    &[("lost-answer", 6, "vital-signs")],
    &[("unauthorized", 1, "vital-signs")],
    &[("unauthorized", 9, "vital-signs")],
    &[("forbidden", 1, "vital-signs")],
    &[("forbidden", 8, "vital-signs")],
    &[("forbidden-page", 2, "vital-signs")],
    &[("usage-limit", 3, "vital-signs")],
    &[("refused", 1, "vital-signs")],
    &[("refused", 5, "vital-signs")],
    &[("gone", 2, "vital-signs")],
    &[("unauthorized", 1, "vital-signs"), ("fault", 2, "token")],
    &[("unauthorized", 1, "vital-signs"), ("html", 1, "token")],
    &[("unauthorized", 1, "vital-signs"), ("cut", 1, "token")],
    &[("unauthorized", 1, "vital-signs"), ("lost-answer", 2, "token")],
    &[("unauthorized", 1, "vital-signs"), ("too-many", 3, "token")],
    &[("late", 2, "vital-signs"), ("duplicates", 2, "vital-signs")],
    &[("changed-types", 2, "vital-signs"), ("fault", 2, "vital-signs")],
    &[
        ("cut", 2, "vital-signs"),
        ("shuffled", 1, "vital-signs"),
        ("html", 2, "vital-signs"),
    ],
    &[
        ("late", 1, "vital-signs"),
        ("lost-answer", 2, "vital-signs"),
        ("duplicates", 1, "vital-signs"),
    ],
    &[
        ("fault", 6, ""),
        ("changed-types", 1, "vital-signs"),
        ("late", 1, "vital-signs"),
    ],
];

#[tokio::test(flavor = "multi_thread")]
async fn forty_bad_days_of_a_feed_lose_nothing_and_double_nothing() {
    assert!(SCRIPTS.len() >= 40);
    let world = World::new().await;
    world.know("g-01/u-01").await;
    world.turn().await.unwrap();
    let before = world.samples().await;
    let first = world.now() / 1_000 * 1_000 - 40 * 86_400_000;
    let mut there = 0;
    for (number, script) in (0_i64..).zip(SCRIPTS) {
        // Somebody measures three times meanwhile, and takes back one of those and one of the day before.
        let at = first + number * 600_000;
        for place in 0..3 {
            world
                .measure(at + place * 60_000, Some(60 + (number % 30) as u32))
                .await;
        }
        for (kind, times, path) in *script {
            world.mischief(kind, *times, path).await;
        }
        world.measure(at + 60_000, None).await;
        there += 2;
        if number > 0 {
            world.measure(at - 600_000, None).await;
            there -= 1;
        }
        let mut turns = 0;
        while world.mischief_left().await > 0 {
            let _ = world.turn().await;
            turns += 1;
            assert!(turns < 40, "{script:?} does not go by");
        }
        world
            .turn()
            .await
            .unwrap_or_else(|failure| panic!("{script:?}: {failure:?}"));
        assert_eq!(world.samples().await, before + there, "{script:?}");
    }
}
