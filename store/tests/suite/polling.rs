//! What is new costs what was touched: a poller opens the leaves of the last commits and no others.

use model::Sample;
use store::{Access, Search, Sort};

use crate::deliveries::*;
use crate::harness::{House, MAY_10};

const MINUTE: i64 = 60_000;

/// Heart rates of a watch, one a minute from a time on.
fn pulses(from: i64, count: i64) -> Vec<Sample> {
    let one = |minute| pulse(MAY_10.plus((from + minute) * MINUTE), 60 + minute % 40);
    (0..count).map(one).collect()
}

#[tokio::test]
async fn of_many_samples_only_the_leaves_with_the_new_ones_are_opened() {
    let house = House::new().await;
    let person = house.person().await;
    import(&house, person, MAY_10, pulses(0, 60_000)).await;
    let search = |updated| Search {
        updated: (updated, None),
        sort: Sort::LastUpdated,
        count: 100,
        ..search_for(&house, model::Metric::HEART_RATE)
    };
    let known = page(&house, person, search(None)).await.last_commit;
    // Eight at the end, one in the middle, one that changes.
    let mut new = pulses(60_000, 8);
    new.push(pulse(MAY_10.plus(30_000 * MINUTE + 500), 99));
    new.push(pulse(MAY_10.plus(10_000 * MINUTE), 101));
    let report = import(&house, person, MAY_10.plus(1_000), new).await;
    assert_eq!(report.accounting.received, 10);
    house.clock.advance(1);
    let before = house.store.leaves_decoded();
    let found = page(&house, person, search(Some(known.plus(1)))).await;
    let opened = house.store.leaves_decoded() - before;
    assert_eq!(found.records.len(), 10);
    assert!(opened <= 12, "{opened} leaves were opened for ten records");
    // Nothing new, nothing opened.
    let before = house.store.leaves_decoded();
    let own = consent::OwnAccess::of_signed_in(person);
    let later = search(Some(found.last_commit.plus(1)));
    let none = house.store.search(Access::Own(&own), later).await.expect("a page");
    assert!(none.records.is_empty());
    assert_eq!(house.store.leaves_decoded(), before);
}
