//! Old deliveries are told as one a day and adapter, in whatever order adapters take turns; nothing that was counted or kept is lost.

use model::time::{DAY_MS, HOUR_MS};
use model::vocabulary::Metric;
use model::{BatchId, PersonId};
use store::{Access, BatchStart, FoldBefore, ImportReport, Result};

use crate::by_id::holds;
use crate::deliveries::*;
use crate::harness::{House, own};

/// What a phone and a cloud are read by.
const ADAPTERS: [&str; 2] = ["phone", "cloud"];

/// One delivery of a beat, at a minute of its own.
async fn deliver(house: &House, person: PersonId, adapter: &str, minute: i64) -> ImportReport {
    let (store, adapter) = (house.store.clone(), adapter.to_owned());
    let delivered = tokio::task::spawn_blocking(move || {
        let start = BatchStart {
            adapter,
            mapping_version: 1,
        };
        let mut import = store.begin_import(person, start)?;
        let source = import.source(&sources()[usize::from(WATCH)])?;
        let beat = model::Sample {
            source,
            ..pulse(at(0, minute), 60)
        };
        import.push_identified(vec![holds(&minute.to_string(), beat.end, [beat])])?;
        import.finish()
    });
    let report: Result<ImportReport> = delivered.await.expect("a delivering thread");
    house.clock.advance(HOUR_MS / 2);
    report.expect("a delivery")
}

fn a_day_ago(house: &House) -> FoldBefore {
    let before = house.now().plus(-DAY_MS);
    FoldBefore {
        counts_alone: before,
        any: before,
    }
}

async fn fold(house: &House) -> usize {
    let folded = house.store.fold_deliveries(None, a_day_ago(house)).await;
    folded.expect("folded").rows
}

/// Rows of both adapters, and what they received.
async fn counted(house: &House, person: PersonId) -> (usize, u64) {
    let listed = house.store.deliveries(&own(person), &ADAPTERS, 1_000).await;
    let listed = listed.expect("deliveries");
    let received = listed.iter().filter_map(|listed| listed.counts);
    (listed.len(), received.map(|counts| counts.received).sum())
}

async fn adapter_of(house: &House, person: PersonId, batch: BatchId) -> Option<String> {
    let own = own(person);
    let info = house.store.batch(Access::Own(&own), batch).await.expect("a read");
    info.map(|info| info.adapter)
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_of_adapters_that_take_turns_fold_into_one_a_day_and_adapter() {
    let mut house = House::new().await;
    let person = house.person().await;
    // From nine in the morning: all of a day lie in that day.
    house.clock.advance(-3 * HOUR_MS);
    let mut expected = Vec::new();
    for day in 0..3 {
        for push in 0..20 {
            // Also two of one in a row, and now and then a delivery of a date of its own between them.
            let adapter = ADAPTERS[usize::from(push % 2 == 0 || push == 7)];
            let report = deliver(&house, person, adapter, day * 100 + push).await;
            expected.push((report.batch, adapter));
            if push == 11 {
                let asserted = house.now();
                import(&house, person, asserted, vec![weight(at(day * 24, 30), 650 + day)]).await;
            }
        }
        house.clock.advance(DAY_MS - 10 * HOUR_MS);
    }
    house.clock.advance(2 * DAY_MS);
    assert_eq!(counted(&house, person).await, (60, 60));
    let gone = fold(&house).await;
    let (rows, received) = counted(&house, person).await;
    assert_eq!((rows + gone, received), (60, 60), "the sums are kept");
    assert!(rows <= 7, "one a day and adapter, and what came last of all: {rows}");
    // Once something later is there that folds as well.
    for day in 0..2 {
        for push in 0..4 {
            let adapter = ADAPTERS[push as usize % 2];
            let report = deliver(&house, person, adapter, 1_000 + day * 100 + push).await;
            expected.push((report.batch, adapter));
        }
        house.clock.advance(2 * DAY_MS);
        fold(&house).await;
        assert_eq!(fold(&house).await, 0, "what is folded stays so");
    }
    let (rows, received) = counted(&house, person).await;
    assert_eq!(received, 68);
    assert!((10..=11).contains(&rows), "{rows}");
    house.reopen().await.expect("the folder opens");
    for (batch, adapter) in expected {
        assert_eq!(
            adapter_of(&house, person, batch).await.as_deref(),
            Some(adapter),
            "{batch:?}"
        );
    }
    for sample in samples(&house, person, Metric::BODY_WEIGHT).await {
        assert_eq!(adapter_of(&house, person, sample.batch).await.as_deref(), Some("test"));
    }
    assert_eq!(adapter_of(&house, person, BatchId(999)).await, None);
    for finding in house.store.doctor().await.expect("a check") {
        assert!(finding.ok, "{finding:?}");
    }
}

/// The row of the greatest number tells when the last delivery came, whatever was folded: also while the clock goes back, what comes then
/// is later than all that came.
#[tokio::test(flavor = "multi_thread")]
async fn what_follows_adapters_that_took_turns_is_later_than_the_last_of_them() {
    for last in [3, 4, 5, 6] {
        let house = House::new().await;
        let person = house.person().await;
        house.clock.advance(-3 * HOUR_MS);
        let began = house.now();
        for push in 0..last {
            deliver(&house, person, ADAPTERS[push as usize % 2], push).await;
        }
        let latest = house.now().plus(-HOUR_MS / 2);
        house.clock.advance(2 * DAY_MS);
        fold(&house).await;
        house.clock.set(began);
        deliver(&house, person, ADAPTERS[0], 50).await;
        let listed = house.store.deliveries(&own(person), &ADAPTERS, 1).await;
        let listed = listed.expect("deliveries");
        assert!(listed[0].info.obtained > latest, "of {last}");
    }
}
