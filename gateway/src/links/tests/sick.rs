//! One series that fails for long, in whatever way, holds up no other, and comes back once it is well.

use super::*;

/// Connected, with one path of the vendor sick from the first call on, and lived with for two days.
async fn lived_with(vendor: Vendor, kind: &str, path: &'static str, sick: &str) -> World {
    let world = World::of(vendor).await;
    let mut browser = world.hanako().await;
    world.connect(&mut browser, vendor.hanako).await;
    world.mischief(kind, 1_000_000, path).await;
    world.live_by(2 * DAY_MS, 10 * 60_000).await;
    let link = world.link().await;
    assert_eq!(link.state, LinkState::Connected, "{kind}");
    let all = world.cloud().adapter.series().iter();
    for series in all.filter(|series| series.name != sick) {
        let mark = link.progress.marks.get(series.name);
        let mark = mark.unwrap_or_else(|| panic!("{kind}: {} was never asked for", series.name));
        assert!(
            mark.asked > world.clock.now().0 - 26 * HOUR_MS,
            "{kind}: {}",
            series.name
        );
        assert!(mark.back <= world.horizon().0, "{kind}: {} has older", series.name);
    }
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_type_that_fails_for_long_holds_up_no_other_and_comes_back_when_it_is_well() {
    let life = async |vendor: Vendor, kind: &str, path: &'static str, sick: &str| {
        let world = lived_with(vendor, kind, path, sick).await;
        // What is told of the others is fetched at once, whatever else is told.
        let at = two_days_ago(&world);
        let told = json!({"account": vendor.hanako, "kind": sick, "start": at.0 - 5 * DAY_MS, "end": at.0});
        let changed = world.change(at, Some(77)).await;
        if vendor.tells {
            for told in [told, changed] {
                assert_eq!(world.control("notices", told).await["status"], 204, "{kind}");
            }
            world.clock.advance(3_000);
            world.work().await;
            let held = world.held(vendor.checks[0].1).await;
            assert!(held.contains(&(at.0, "77".to_owned())), "{kind}");
        }
        world.well_again().await;
        world.live_by(DAY_MS, 10 * 60_000).await;
        world.agrees(vendor.hanako).await;
        let marks = world.link().await.progress.marks;
        assert!(marks.values().all(|mark| mark.rests.is_none()), "{kind}: {marks:?}");
    };
    tokio::join!(
        life(LISTS, "fault", "dataTypes/heart-rate/d", "heart-rate"),
        life(LISTS, "html", "dataTypes/heart-rate/d", "heart-rate"),
        life(LISTS, "cut", "dataTypes/heart-rate/d", "heart-rate"),
        life(LISTS, "huge", "dataTypes/heart-rate/d", "heart-rate"),
        life(LISTS, "gone", "dataTypes/heart-rate/d", "heart-rate"),
        life(LISTS, "refused", "dataTypes/heart-rate/d", "heart-rate"),
        life(LISTS, "unauthorized", "dataTypes/heart-rate/d", "heart-rate"),
        life(SILENT, "fault", "weight", "weight"),
        life(ENDING, "fault", "weight", "body/log/weight"),
    );
}
