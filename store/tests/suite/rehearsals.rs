//! Rehearsed imports: told as they would be done, and nothing of them stays, on disk or in memory.

use model::vocabulary::Metric;
use model::{Identified, PersonId};
use store::{BatchStart, Import, ImportReport, Rehearsal, Result};

use crate::by_id::{deleted, holds, say};
use crate::deliveries::*;
use crate::harness::{House, own};

fn start() -> BatchStart {
    BatchStart {
        adapter: "test".to_owned(),
        mapping_version: 1,
    }
}

/// Brings in what phones say.
fn bring(mut import: Import, words: Vec<Identified>) -> Result<ImportReport> {
    let numbers: Vec<u16> = sources()
        .iter()
        .map(|source| import.source(source))
        .collect::<Result<_>>()?;
    let words = words.into_iter().map(|mut word| {
        for sample in word.what.samples_mut() {
            sample.source = numbers[usize::from(sample.source)];
        }
        word
    });
    import.push_identified(words.collect())?;
    import.finish()
}

async fn rehearse(house: &House, person: PersonId, deliveries: Vec<Vec<Identified>>) -> Vec<ImportReport> {
    let store = house.store.clone();
    let rehearsed = move || {
        let rehearsal = store.rehearse()?;
        let told = |words| bring(rehearsal.begin_import(person, start())?, words);
        deliveries.into_iter().map(told).collect::<Result<_>>()
    };
    let told = tokio::task::spawn_blocking(rehearsed).await;
    told.expect("the rehearsing thread").expect("a rehearsal")
}

/// New, changed and gone samples.
fn became(report: &ImportReport) -> (u64, u64, u64) {
    let changed = report.versions_new + report.samples_refined;
    (report.samples_new, changed, report.samples_gone)
}

/// A day on which a phone says things, takes them back and says them otherwise.
fn a_day() -> Vec<Vec<Identified>> {
    let walk = |id: &str, hour, count, said| holds(id, at(said, 0), [steps(PHONE, at(hour, 0), at(hour, 30), count)]);
    vec![
        vec![walk("a", 8, 500, 9), walk("b", 9, 700, 9)],
        vec![walk("a", 8, 550, 10), deleted("b", at(10, 0))],
        vec![walk("c", 10, 100, 11)],
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rehearsal_tells_what_is_done_then_and_leaves_nothing() {
    let house = House::new().await;
    let person = house.person().await;
    let before = house.store.stats().await.expect("counts");
    let told = rehearse(&house, person, a_day()).await;
    assert_eq!(
        told.iter().map(became).collect::<Vec<_>>(),
        [(2, 0, 0), (0, 1, 1), (1, 0, 0)],
        "each sees what those before it did"
    );
    assert!(samples(&house, person, Metric::STEP_COUNT).await.is_empty());
    assert!(totals(&house, person, Metric::STEP_COUNT).await.is_empty());
    let listed = house.store.deliveries(&own(person), &["test"], 10).await;
    assert_eq!(listed.expect("deliveries"), []);
    let after = house.store.stats().await.expect("counts");
    assert_eq!((after.samples, after.alias_bytes), (before.samples, before.alias_bytes));
    assert_eq!(rehearse(&house, person, a_day()).await, told, "as often as it is asked");
    for (words, told) in a_day().into_iter().zip(told) {
        assert_eq!(say(&house, person, words).await, told);
    }
    assert_eq!(values(&house, person, Metric::STEP_COUNT).await, ["550", "100"]);
    for finding in house.store.doctor().await.expect("a check") {
        assert!(finding.ok, "{finding:?}");
    }
}

/// What the writer holds between two deliveries of a day (decoded leaves, days under way) is of what is stored, not of what was rehearsed
/// between them: where that went wrong, days would come out otherwise than in a store that never rehearsed anything.
#[tokio::test(flavor = "multi_thread")]
async fn deliveries_before_and_after_a_rehearsal_end_as_without_it() {
    let (plain, rehearsing) = (House::new().await, House::new().await);
    let (one, other) = (plain.person().await, rehearsing.person().await);
    let walk = |hour: i64, count| {
        let sample = steps(PHONE, at(hour, 0), at(hour, 30), count);
        vec![holds(&hour.to_string(), sample.end, [sample])]
    };
    for hour in 0..12 {
        say(&plain, one, walk(hour, 100 + hour)).await;
        say(&rehearsing, other, walk(hour, 100 + hour)).await;
        // Later samples, other values and an end of those that are there.
        let otherwise = vec![
            walk(hour, 9_000),
            walk(hour + 1, 8_000),
            vec![deleted(&hour.to_string(), at(hour + 2, 0))],
        ];
        rehearse(&rehearsing, other, otherwise).await;
    }
    let (here, there) = (
        values(&plain, one, Metric::STEP_COUNT).await,
        values(&rehearsing, other, Metric::STEP_COUNT).await,
    );
    assert_eq!(here, there);
    let (here, there) = (
        totals(&plain, one, Metric::STEP_COUNT).await,
        totals(&rehearsing, other, Metric::STEP_COUNT).await,
    );
    assert_eq!(here.len(), 1);
    assert_eq!(
        (here[0].total, here[0].eligible),
        (there[0].total, there[0].eligible),
        "the day"
    );
    let rebuilt = rehearsing.store.rebuild_totals(None).await.expect("computed anew");
    assert_eq!(rebuilt.changed, 0, "computed anew it is the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_writes_during_a_rehearsal_waits_for_its_end_and_loses_nothing() {
    let house = House::new().await;
    let (person, other) = (house.person().await, house.person().await);
    let rehearsal: Rehearsal = house.store.rehearse().expect("a rehearsal");
    let (store, words) = (house.store.clone(), a_day());
    let waiting = tokio::task::spawn_blocking(move || {
        let imported = words
            .into_iter()
            .map(|words| bring(store.begin_import(other, start())?, words));
        imported.collect::<Result<Vec<_>>>()
    });
    let told = tokio::task::spawn_blocking(move || {
        let mut told = Vec::new();
        for words in a_day() {
            told.push(bring(rehearsal.begin_import(person, start())?, words)?);
        }
        // One that is given up half-way keeps nothing open.
        let abandoned = rehearsal.begin_import(person, start())?;
        drop(rehearsal);
        drop(abandoned);
        Ok::<_, store::StoreError>(told)
    });
    assert_eq!(told.await.expect("a thread").expect("told").len(), 3);
    assert_eq!(waiting.await.expect("a thread").expect("imported").len(), 3);
    assert_eq!(values(&house, other, Metric::STEP_COUNT).await, ["550", "100"]);
    assert!(samples(&house, person, Metric::STEP_COUNT).await.is_empty());
}

/// A disk that fills takes the whole transaction: what is rehearsed after that would stay, so it is refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_rehearsal_that_a_full_disk_ends_leaves_a_store_that_can_be_written() {
    let mut house = House::new().await;
    let person = house.person().await;
    say(&house, person, a_day().remove(0)).await;
    house.store.clone().close().await;
    let options = store::OpenOptions {
        size_limit: Some(400 * 1024),
        ..crate::harness::options(house.folder.path(), &house.clock, 9)
    };
    house.store = store::Store::open(options).await.expect("the small disk");
    let store = house.store.clone();
    let refused = tokio::task::spawn_blocking(move || {
        let rehearsal = store.rehearse()?;
        let mut import = rehearsal.begin_import(person, start())?;
        let source = import.source(&sources()[usize::from(WATCH)])?;
        // Values without a pattern: they do not compress.
        let random = model::environment::SeededRandomness::new(3);
        let many = (0..200_000).map(|minute| model::Sample {
            source,
            ..pulse(at(1, minute), 40 + random.below(100_000) as i64)
        });
        let refused = import.push(many.collect()).and_then(|()| import.finish()).map(|_| ());
        let after = bring(rehearsal.begin_import(person, start())?, a_day().remove(2));
        Ok::<_, store::StoreError>((refused, after.map(|report| became(&report))))
    });
    let (refused, after) = refused.await.expect("a thread").expect("a rehearsal");
    assert_eq!(refused, Err(store::StoreError::DiskFull));
    // Where the transaction is gone nothing more is rehearsed; where it is not, it is as ever.
    assert!(
        after == Err(store::StoreError::DiskFull) || after == Ok((1, 0, 0)),
        "{after:?}"
    );
    for words in a_day().into_iter().skip(1) {
        say(&house, person, words).await;
    }
    assert_eq!(values(&house, person, Metric::STEP_COUNT).await, ["550", "100"]);
    assert!(samples(&house, person, Metric::HEART_RATE).await.is_empty());
    house.reopen().await.expect("the folder opens again");
    for finding in house.store.doctor().await.expect("a check") {
        assert!(finding.ok, "{finding:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_rehearsed_where_nothing_may_be_written() {
    let house = House::new().await;
    let options = store::OpenOptions {
        exclusive: false,
        ..crate::harness::options(house.folder.path(), &house.clock, 9)
    };
    let reading = store::Store::open(options).await.expect("a store for reading");
    assert_eq!(reading.rehearse().err(), Some(store::StoreError::ReadOnly));
}
