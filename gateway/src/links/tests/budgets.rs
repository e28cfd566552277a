//! Budgets and turns: who waits for whom, and who does not.

use super::*;

/// A person's link.
async fn link_of(world: &World, person: PersonId) -> Link {
    let own = OwnAccess::of_signed_in(person);
    world.gateway.state.store.links(&own).await.unwrap().remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_whose_budget_is_used_up_holds_up_its_own_links_alone() {
    let mut world = World::with(LISTS, Some(SINCE)).await;
    let sleep = scope(&world, "sleep");
    let waiting = linked(&world, "used-up", 1, &[sleep], &[sleep]).await;
    let used_up = world.vendor.clone();
    world.vendor = world.other.clone().unwrap();
    let going_on = linked(&world, "well", 2, &["weight"], &["weight"]).await;
    let well = world.vendor.clone();
    // Others' links took all of it.
    let state = &world.gateway.state;
    let cloud = state.clouds.named(used_up.name).unwrap();
    while cloud.all.check().is_ok() {}
    world.vendor = used_up.clone();
    assert_eq!(world.work().await, 1, "it waits, and is left alone");
    assert!(link_of(&world, waiting).await.progress.marks.is_empty());
    assert_eq!(world.counts().await["requests"], 0, "nothing was asked of it");
    world.vendor = well;
    world.work().await;
    assert!(link_of(&world, going_on).await.progress.marks["weight"].asked > 0);
    // A minute later there is some again.
    world.vendor = used_up;
    world.clock.advance(60_000);
    world.work().await;
    assert!(link_of(&world, waiting).await.progress.marks["sleep"].asked > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn years_of_one_resident_do_not_hold_up_what_is_new_of_another() {
    let world = World::new().await;
    let state = &world.gateway.state;
    let cloud = state.clouds.named(world.vendor.name).unwrap();
    let scopes: Vec<&str> = cloud.adapter.series().iter().map(|series| series.scope).collect();
    let first = linked(&world, "with-years", 1, &scopes, &scopes).await;
    // One turn at a time, as where all places are taken.
    let turn = async || {
        let leased = worker::take(state, cloud, 1).await.pop().expect("something is due");
        let person = leased.link.person;
        worker::carry_out(state, cloud, leased).await;
        world.clock.advance(1_000);
        person
    };
    assert_eq!(turn().await, first);
    let second = linked(&world, "new-here", 2, &scopes, &scopes).await;
    world.clock.advance(1);
    let turns = [turn().await, turn().await];
    assert!(turns.contains(&second), "the other had both turns");
    let percent = async |person| crate::links::done(cloud, &link_of(&world, person).await, world.clock.now());
    assert!(percent(first).await < 100, "there is much left of the first");
    let marks = link_of(&world, second).await.progress.marks;
    assert!(marks["steps"].asked > 0 && marks["heart-rate"].asked > 0, "{marks:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_hangs_costs_a_turn_and_nothing_else() {
    // As long as a call may take; what the vendor does after that nobody waits for.
    let hung = async |vendor: Vendor| {
        let world = World::of(vendor).await;
        let mut browser = world.hanako().await;
        world.connect(&mut browser, vendor.hanako).await;
        world.mischief("stall", 1, "steps").await;
        world.live(HOUR_MS).await;
        is(&world, LinkState::Connected).await;
        world.live_by(8 * DAY_MS, 6 * HOUR_MS).await;
        world.agrees(vendor.hanako).await;
    };
    tokio::join!(hung(LISTS), hung(SINCE), hung(SILENT), hung(ENDING));
}
