//! Records that their vendors name by ids: what corrects, moves and deletes them, whatever comes first.

use model::vocabulary::Metric;
use model::{Identified, Outcome, PersonId, Sample, UtcMillis, Word};
use proptest::prelude::*;
use store::{Access, BatchStart, ImportReport, Record, StoredSample};

use crate::deliveries::*;
use crate::harness::House;

/// One delivery of words; sources are those of the other deliveries.
pub async fn say(house: &House, person: PersonId, words: Vec<Identified>) -> ImportReport {
    let store = house.store.clone();
    let report = tokio::task::spawn_blocking(move || {
        let start = BatchStart {
            adapter: "test".to_owned(),
            mapping_version: 1,
        };
        let mut import = store.begin_import(person, start)?;
        let numbers: Vec<u16> = sources()
            .iter()
            .map(|source| import.source(source))
            .collect::<store::Result<_>>()?;
        let words = words.into_iter().map(|mut word| {
            for sample in word.what.samples_mut() {
                sample.source = numbers[usize::from(sample.source)];
            }
            word
        });
        import.push_identified(words.collect())?;
        import.finish()
    });
    let report = report.await.expect("the importing thread").expect("an import");
    assert!(report.accounting.adds_up());
    report
}

/// A word: the id holds these.
pub fn holds(id: &str, said: UtcMillis, samples: impl IntoIterator<Item = Sample>) -> Identified {
    Identified {
        id: id.to_owned(),
        said,
        what: Word::Holds(samples.into_iter().collect()),
    }
}

/// A word: the id was deleted.
pub fn deleted(id: &str, said: UtcMillis) -> Identified {
    Identified {
        id: id.to_owned(),
        said,
        what: Word::Deleted,
    }
}

/// How often a delivery's records ended so.
fn ended(report: &ImportReport, outcome: Outcome, reason: &str) -> u64 {
    let reasons = &report.accounting.reasons;
    reasons.get(&(outcome, reason.to_owned())).copied().unwrap_or(0)
}

async fn one(house: &House, person: PersonId, metric: Metric) -> StoredSample {
    let found = samples(house, person, metric).await;
    assert_eq!(found.len(), 1, "{found:?}");
    found.into_iter().next().expect("one")
}

/// A record by its key, and how many versions of it there are.
async fn read(house: &House, person: PersonId, key: model::RecordKey) -> (StoredSample, usize) {
    let own = consent::OwnAccess::of_signed_in(person);
    let read = house.store.record(Access::Own(&own), key, house.now()).await;
    let Ok(Some(Record::Sample(sample))) = read else {
        panic!("no record of {key:?}: {read:?}");
    };
    let versions = house.store.versions(Access::Own(&own), key, house.now()).await;
    (sample, versions.expect("versions").len())
}

#[tokio::test(flavor = "multi_thread")]
async fn correction_by_vendor_id() {
    let house = House::new().await;
    let person = house.person().await;
    let walk = |count| steps(PHONE, at(8, 0), at(8, 30), count);
    let report = say(&house, person, vec![holds("a", at(9, 0), [walk(1_000)])]).await;
    assert_eq!((report.accounting.stored, report.samples_new), (1, 1));
    let before = one(&house, person, Metric::STEP_COUNT).await;
    let report = say(&house, person, vec![holds("a", at(10, 0), [walk(1_200)])]).await;
    assert_eq!(ended(&report, Outcome::Stored, "new version"), 1);
    let after = one(&house, person, Metric::STEP_COUNT).await;
    assert_eq!((after.key, after.version), (before.key, 2));
    assert_eq!(after.sample.value, walk(1_200).value);
    let total = total(&house, person, Metric::STEP_COUNT, "2026-05-10").await;
    assert_eq!(total.expect("a day").total, 1_200);
    // The word before it comes again, and the same word again.
    for (count, hour, how) in [(1_000, 9, "superseded"), (1_200, 10, "known")] {
        let report = say(&house, person, vec![holds("a", at(hour, 0), [walk(count)])]).await;
        assert_eq!(ended(&report, Outcome::Duplicate, how), 1);
        assert_eq!(one(&house, person, Metric::STEP_COUNT).await.version, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_words_of_one_millisecond_the_greater_counts_whichever_comes_first() {
    let house = House::new().await;
    let word = |count| holds("a", at(1, 0), [steps(WATCH, at(8, 0), at(8, 10), count)]);
    for (first, second) in [(100, 120), (120, 100)] {
        let person = house.person().await;
        say(&house, person, vec![word(first)]).await;
        let report = say(&house, person, vec![word(second)]).await;
        assert_eq!(report.accounting.duplicate, u64::from(second == 100));
        let found = one(&house, person, Metric::STEP_COUNT).await;
        assert_eq!(found.sample.value, steps(WATCH, at(8, 0), at(8, 10), 120).value);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deletion_by_id_alone() {
    let house = House::new().await;
    let person = house.person().await;
    let words = (0..3_000).map(|minute| holds(&format!("id-{minute}"), at(60, minute), [pulse(at(1, minute), 60)]));
    say(&house, person, words.collect()).await;
    let gone = (0..3_000).filter(|minute| minute % 10 == 3);
    let words = gone.map(|minute| deleted(&format!("id-{minute}"), at(200, 0)));
    let report = say(&house, person, words.collect()).await;
    assert_eq!(ended(&report, Outcome::Stored, "deletion"), 300);
    let left = samples(&house, person, Metric::HEART_RATE).await;
    assert_eq!(left.len(), 2_700);
    let all = touched(&house, person, Metric::HEART_RATE).await;
    let dead: Vec<_> = all.iter().filter(|sample| sample.dead).collect();
    assert!(dead.iter().all(|sample| sample.version == 2));
    assert!(!dead.is_empty(), "what was deleted shows to whoever asks for changes");
    let again = say(&house, person, vec![deleted("id-3", at(200, 0))]).await;
    assert_eq!(ended(&again, Outcome::Duplicate, "known"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn deletion_before_insert() {
    let house = House::new().await;
    let person = house.person().await;
    let report = say(&house, person, vec![deleted("a", at(10, 0))]).await;
    assert_eq!(ended(&report, Outcome::Stored, "deletion"), 1);
    let report = say(&house, person, vec![holds("a", at(9, 0), [pulse(at(8, 0), 60)])]).await;
    assert_eq!(ended(&report, Outcome::Duplicate, "superseded"), 1);
    assert!(samples(&house, person, Metric::HEART_RATE).await.is_empty());
    // A later word makes it anew.
    say(&house, person, vec![holds("a", at(11, 0), [pulse(at(8, 0), 60)])]).await;
    assert_eq!(samples(&house, person, Metric::HEART_RATE).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn old_export_after_a_deletion() {
    let house = House::new().await;
    for deletion_first in [false, true] {
        let person = house.person().await;
        let beat = pulse(at(8, 0), 60);
        let mut words = vec![holds("a", at(8, 0), [beat.clone()]), deleted("a", at(12, 0))];
        if deletion_first {
            words.reverse();
        }
        for word in words {
            say(&house, person, vec![word]).await;
        }
        // An export of before the deletion holds it in vain, one of after it holds it.
        import(&house, person, at(10, 0), vec![beat.clone()]).await;
        assert!(samples(&house, person, Metric::HEART_RATE).await.is_empty());
        import(&house, person, at(13, 0), vec![beat.clone()]).await;
        assert_eq!(samples(&house, person, Metric::HEART_RATE).await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn push_refining_an_export() {
    let house = House::new().await;
    let person = house.person().await;
    let beat = pulse(at(8, 0), 60);
    let fine = Sample {
        start: at(8, 0).plus(348),
        end: at(8, 0).plus(348),
        flags: beat.flags.with(model::Flags::MILLISECONDS),
        ..beat.clone()
    };
    import(&house, person, at(12, 0), vec![beat.clone()]).await;
    let before = one(&house, person, Metric::HEART_RATE).await;
    let report = say(&house, person, vec![holds("a", at(8, 0), [fine.clone()])]).await;
    assert_eq!(
        ended(&report, Outcome::Duplicate, "known"),
        1,
        "the same record gains its alias"
    );
    let after = one(&house, person, Metric::HEART_RATE).await;
    assert_eq!((after.key, after.sample.start), (before.key, fine.start));
    // Deleted after the export, which held it too.
    say(&house, person, vec![deleted("a", at(13, 0))]).await;
    assert!(samples(&house, person, Metric::HEART_RATE).await.is_empty());
    // The other way round, the export comes last and says no more than the push did.
    let person = house.person().await;
    say(&house, person, vec![holds("a", at(8, 0), [fine.clone()])]).await;
    import(&house, person, at(12, 0), vec![beat]).await;
    assert_eq!(one(&house, person, Metric::HEART_RATE).await.sample.start, fine.start);
}

#[tokio::test(flavor = "multi_thread")]
async fn interval_edited_under_the_same_id() {
    let house = House::new().await;
    let person = house.person().await;
    let first = holds("a", at(9, 0), [steps(PHONE, at(8, 0), at(8, 30), 900)]);
    say(&house, person, vec![first]).await;
    let before = one(&house, person, Metric::STEP_COUNT).await;
    // It grows at its end: the same record, at the same place.
    let grown = holds("a", at(10, 0), [steps(PHONE, at(8, 0), at(9, 30), 2_000)]);
    say(&house, person, vec![grown]).await;
    let after = one(&house, person, Metric::STEP_COUNT).await;
    assert_eq!((after.key, after.version, after.sample.end), (before.key, 2, at(9, 30)));
    let (read, versions) = read(&house, person, before.key).await;
    assert_eq!((read.sample.end, versions), (at(9, 30), 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn id_of_a_sample_that_moved() {
    let house = House::new().await;
    let person = house.person().await;
    let walk = |hour| steps(PHONE, at(hour, 0), at(hour, 30), 900);
    say(&house, person, vec![holds("a", at(9, 0), [walk(8)])]).await;
    let key = one(&house, person, Metric::STEP_COUNT).await.key;
    // It moves twice, past midnight and before its old place, and home again.
    for (said, hour) in [(10, 30), (11, 5), (12, 8)] {
        say(&house, person, vec![holds("a", at(said, 0), [walk(hour)])]).await;
        let now = one(&house, person, Metric::STEP_COUNT).await;
        assert_eq!((now.key, now.sample.start), (key, at(hour, 0)));
        let (read, versions) = read(&house, person, key).await;
        assert_eq!((read.sample.start, read.version), (at(hour, 0), now.version));
        assert_eq!(versions, now.version as usize);
        let days = totals(&house, person, Metric::STEP_COUNT).await;
        let counted = days.iter().filter(|day| day.total != 0).count();
        assert_eq!(counted, 1, "the walk counts on one day: {days:?}");
    }
    // What begins where it was takes another id; a deletion finds it wherever it lies.
    say(&house, person, vec![holds("a", at(13, 0), [walk(15)])]).await;
    say(&house, person, vec![holds("b", at(13, 0), [walk(8)])]).await;
    let found = samples(&house, person, Metric::STEP_COUNT).await;
    assert_eq!(found.len(), 2);
    assert_ne!(found[0].key, found[1].key);
    assert_eq!(found[1].key, key);
    say(&house, person, vec![deleted("a", at(14, 0))]).await;
    let (gone, _) = read(&house, person, key).await;
    assert!(gone.dead);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_of_many_samples_is_edited_and_deleted_as_one() {
    let house = House::new().await;
    let person = house.person().await;
    let beats = |from: i64, until: i64, rate: i64| (from..until).map(move |minute| pulse(at(8, minute), rate));
    say(&house, person, vec![holds("a", at(9, 0), beats(0, 10, 60))]).await;
    // Two go at the front, three come at the end, one is another.
    let mut edited: Vec<Sample> = beats(2, 13, 60).collect();
    edited[4] = pulse(at(8, 6), 66);
    let report = say(&house, person, vec![holds("a", at(10, 0), edited)]).await;
    assert_eq!(report.accounting.received, 1, "one record, whatever it holds");
    let shown = values(&house, person, Metric::HEART_RATE).await;
    assert_eq!(
        shown,
        ["60", "60", "60", "60", "66", "60", "60", "60", "60", "60", "60"]
    );
    say(&house, person, vec![deleted("a", at(11, 0))]).await;
    assert!(samples(&house, person, Metric::HEART_RATE).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_ids_of_one_record_hold_it_until_both_are_deleted() {
    let house = House::new().await;
    let person = house.person().await;
    let beat = pulse(at(8, 0), 60);
    for id in ["a", "b"] {
        say(&house, person, vec![holds(id, at(8, 0), [beat.clone()])]).await;
    }
    let one_of_both = one(&house, person, Metric::HEART_RATE).await;
    say(&house, person, vec![deleted("a", at(9, 0))]).await;
    assert_eq!(
        one(&house, person, Metric::HEART_RATE).await.version,
        one_of_both.version
    );
    // What "b" holds changes: nothing else holds the row, so it is the same record.
    say(&house, person, vec![holds("b", at(10, 0), [pulse(at(8, 0), 61)])]).await;
    let changed = one(&house, person, Metric::HEART_RATE).await;
    assert_eq!(changed.key, one_of_both.key);
    say(&house, person, vec![deleted("b", at(11, 0))]).await;
    assert!(samples(&house, person, Metric::HEART_RATE).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn small_leaves_that_are_joined_lose_nothing() {
    let house = House::new().await;
    let person = house.person().await;
    let beat = |minute: i64, rate: i64| holds(&format!("id-{minute}"), at(60, minute), [pulse(at(1, minute), rate)]);
    // Pushes of thirty, as they fill leaves, close them and join them; each edits one that came long before as well.
    for push in 0..40 {
        let mut words: Vec<Identified> = (push * 30..push * 30 + 30).map(|minute| beat(minute, 60)).collect();
        if push > 0 {
            let mut edit = beat((push * 17) % (push * 30), 99);
            edit.said = at(120, push);
            words.push(edit);
        }
        say(&house, person, words).await;
    }
    let shown = values(&house, person, Metric::HEART_RATE).await;
    assert_eq!(shown.len(), 1_200);
    let edited: std::collections::BTreeSet<i64> = (1..40).map(|push| (push * 17) % (push * 30)).collect();
    for (minute, value) in shown.iter().enumerate() {
        let expected = if edited.contains(&(minute as i64)) { "99" } else { "60" };
        assert_eq!(value, expected, "{minute}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_pushes_over_many_leaves_end_as_a_plain_map() {
    let house = House::new().await;
    for seed in 0..6 {
        let person = house.person().await;
        let random = model::environment::SeededRandomness::new(seed);
        let mut plain: std::collections::BTreeMap<u64, (i64, i64)> = std::collections::BTreeMap::new();
        let mut newest = 0;
        for push in 0..60 {
            let mut words = Vec::new();
            for place in 0..random.below(90) as i64 {
                let said = at(200, push).plus(place);
                // Mostly what is new at the end; else an id of before that changes, moves or goes.
                let known = newest > 0 && random.below(4) == 0;
                let id = if known { random.below(newest) } else { newest };
                newest += u64::from(!known);
                let minute = match known {
                    true => random.below(newest) as i64,
                    false => id as i64,
                };
                let rate = 60 + random.below(3) as i64;
                if known && random.below(3) == 0 {
                    plain.remove(&id);
                    words.push(deleted(&id.to_string(), said));
                } else {
                    plain.insert(id, (minute, rate));
                    words.push(holds(&id.to_string(), said, [pulse(at(1, minute), rate)]));
                }
            }
            say(&house, person, words).await;
        }
        let mut expected: Vec<(i64, i64)> = plain.into_values().collect();
        expected.sort_unstable();
        expected.dedup();
        let found = samples(&house, person, Metric::HEART_RATE).await;
        let mut live: Vec<(i64, i64)> = found
            .iter()
            .map(|found| {
                let model::Value::Quantity(value) = found.sample.value else {
                    panic!("a quantity");
                };
                ((found.sample.start.0 - at(1, 0).0) / 60_000, value.mantissa)
            })
            .collect();
        live.sort_unstable();
        assert_eq!(live, expected, "seed {seed}");
        let mut keys: Vec<_> = found.iter().map(|found| found.key).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), found.len(), "two records of one id");
        // Each is found by its id, wherever it lies by now.
        for known in found.iter().step_by(97) {
            let (read, _) = read(&house, person, known.key).await;
            assert_eq!(read.sample.start, known.sample.start);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn old_deliveries_of_a_day_fold_into_one_and_samples_still_know_theirs() {
    let house = House::new().await;
    let (person, other) = (house.person().await, house.person().await);
    for day in 0..3 {
        for push in 0..5 {
            let beat = pulse(at(day * 24 + push, 0), 60);
            say(&house, person, vec![holds(&format!("{day}-{push}"), beat.end, [beat])]).await;
        }
        // An export has a date of its own and stays by itself.
        import(
            &house,
            person,
            at(day * 24, 0),
            vec![weight(at(day * 24, 30), 650 + day)],
        )
        .await;
        house.clock.advance(model::time::DAY_MS);
    }
    say(&house, other, vec![holds("a", at(1, 0), [pulse(at(1, 0), 60)])]).await;
    let before = fold_before(&house, 0);
    let folded = house.store.fold_deliveries(None, before).await.expect("folded");
    assert_eq!(
        (folded.rows, folded.next),
        (8, None),
        "four of five, of the first two days"
    );
    assert_eq!(house.store.fold_deliveries(None, before).await.expect("folded").rows, 0);
    let own = consent::OwnAccess::of_signed_in(person);
    let metrics = [Metric::HEART_RATE, Metric::BODY_WEIGHT];
    for metric in metrics {
        for sample in samples(&house, person, metric).await {
            let info = house
                .store
                .batch(Access::Own(&own), sample.batch)
                .await
                .expect("a read");
            assert_eq!(info.expect("a delivery").adapter, "test");
        }
    }
    let none = house.store.batch(Access::Own(&own), model::BatchId(99)).await;
    assert_eq!(none.expect("a read"), None);
    for finding in house.store.doctor().await.expect("a check") {
        assert!(finding.ok, "{finding:?}");
    }
    let listed = house.store.deliveries(&own, &["test"], 100).await.expect("deliveries");
    let received: u64 = listed
        .iter()
        .filter_map(|listed| listed.counts)
        .map(|counts| counts.received)
        .sum();
    assert_eq!((listed.len(), received), (10, 18));
}

/// What came more than a day ago; with more than counts to tell, so many days earlier.
fn fold_before(house: &House, earlier: i64) -> store::FoldBefore {
    let counts_alone = house.now().plus(-model::time::DAY_MS - 1);
    store::FoldBefore {
        counts_alone,
        any: counts_alone.plus(-earlier * model::time::DAY_MS),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_with_reasons_stays_by_itself_for_longer_and_folds_with_those_around_it() {
    let house = House::new().await;
    let person = house.person().await;
    let beat = |push: i64| pulse(at(push, 0), 60);
    let word = |push: i64| vec![holds(&push.to_string(), beat(push).end, [beat(push)])];
    let say_nothing = async || {
        let store = house.store.clone();
        let said = move || {
            let start = BatchStart {
                adapter: "test".to_owned(),
                mapping_version: 1,
            };
            let mut import = store.begin_import(person, start)?;
            let mut accounting = model::Accounting::default();
            accounting.count(Outcome::Rejected, "no number");
            import.account(&accounting);
            import.finish()
        };
        let said = tokio::task::spawn_blocking(said).await;
        said.expect("the importing thread").expect("an import");
    };
    // The third says what the second said: a duplicate, which has a reason, and no place that anybody asks for.
    for push in [0, 1, 1, 3, 4, 5] {
        say(&house, person, word(push)).await;
        if push == 3 {
            say_nothing().await;
        }
    }
    house.clock.advance(2 * model::time::DAY_MS);
    let folded = house.store.fold_deliveries(None, fold_before(&house, 7)).await;
    assert_eq!(
        folded.expect("folded").rows,
        4,
        "all but what holds no data, and the last"
    );
    let own = consent::OwnAccess::of_signed_in(person);
    let count = async || {
        let listed = house.store.deliveries(&own, &["test"], 100).await.expect("deliveries");
        let counts = listed.iter().filter_map(|listed| listed.counts);
        let (received, duplicate) = counts.fold((0, 0), |sum, counts| {
            (sum.0 + counts.received, sum.1 + counts.duplicate)
        });
        (listed.len(), received, duplicate)
    };
    assert_eq!(count().await, (3, 7, 1));
    house.clock.advance(7 * model::time::DAY_MS);
    let folded = house.store.fold_deliveries(None, fold_before(&house, 7)).await;
    assert_eq!(folded.expect("folded").rows, 2);
    assert_eq!(count().await, (1, 7, 1));
    for finding in house.store.doctor().await.expect("a check") {
        assert!(finding.ok, "{finding:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_after_folded_deliveries_is_later_than_all_of_them_also_while_the_clock_goes_back() {
    let house = House::new().await;
    let person = house.person().await;
    let first = house.now();
    for push in 0..2 {
        say(
            &house,
            person,
            vec![holds(&push.to_string(), at(push, 0), [pulse(at(push, 0), 60)])],
        )
        .await;
        house.clock.advance(3_600_000);
    }
    house.clock.advance(2 * model::time::DAY_MS);
    let folded = house.store.fold_deliveries(None, fold_before(&house, 7)).await;
    assert_eq!(folded.expect("folded").rows, 1);
    house.clock.set(first);
    say(&house, person, vec![holds("later", at(5, 0), [pulse(at(5, 0), 60)])]).await;
    let own = consent::OwnAccess::of_signed_in(person);
    let listed = house.store.deliveries(&own, &["test"], 1).await.expect("deliveries");
    assert!(listed[0].info.obtained > first.plus(3_600_000));
}

/// What happens to a person, in this order or another.
#[derive(Clone, Debug)]
enum Event {
    /// A vendor's word.
    Word(Identified),
    /// An export of this date.
    Export(i64, Vec<Sample>),
}

/// Starts and values.
type Held = Vec<(i64, i64)>;

/// Of a number the vendor edits under one id, on the watch; and of exports, whose vendor makes a record anew, on the phone.
#[derive(Clone, Debug)]
struct Story {
    /// Of each edited id: its words, the earliest first; `None` is a deletion.
    edited: Vec<Vec<Option<Held>>>,
    /// Of each id that never changes: what it holds, and when it was deleted.
    fixed: Vec<((i64, i64), Option<i64>)>,
    exports: Vec<Vec<(i64, i64)>>,
}

fn story() -> impl Strategy<Value = Story> {
    let record = || (0i64..4, 0i64..3);
    let word = prop::option::weighted(0.8, prop::collection::vec(record(), 1..3));
    (
        prop::collection::vec(prop::collection::vec(word, 1..6), 1..4),
        prop::collection::vec((record(), prop::option::of(0i64..8)), 1..5),
        prop::collection::vec(prop::collection::vec(record(), 1..4), 0..4),
    )
        .prop_map(|(edited, fixed, exports)| Story { edited, fixed, exports })
}

fn made(source: u16, (start, value): (i64, i64)) -> Sample {
    steps(source, at(8, start * 10), at(8, start * 10 + 10), 100 + value)
}

fn told(records: &Held) -> Held {
    let mut records = records.clone();
    records.sort_unstable();
    records.dedup();
    records
}

impl Story {
    fn events(&self) -> Vec<Event> {
        let mut events = Vec::new();
        for (number, words) in self.edited.iter().enumerate() {
            for (said, word) in words.iter().enumerate() {
                // Two and two are said at the same time.
                let (id, said) = (format!("edited-{number}"), at(20, said as i64 / 2));
                events.push(Event::Word(match word {
                    Some(records) => holds(&id, said, told(records).into_iter().map(|record| made(WATCH, record))),
                    None => deleted(&id, said),
                }));
            }
        }
        for (number, (record, gone)) in self.fixed.iter().enumerate() {
            let id = format!("fixed-{number}");
            let sample = made(PHONE, *record);
            events.push(Event::Word(holds(&id, sample.end, [sample])));
            events.extend(gone.map(|gone| Event::Word(deleted(&id, at(30, gone)))));
        }
        for (date, records) in self.exports.iter().enumerate() {
            let samples = records.iter().map(|record| made(PHONE, *record)).collect();
            events.push(Event::Export(date as i64 * 2, samples));
        }
        events
    }

    /// What lives in the end, said without rows: source, start and value.
    fn naive(&self) -> Vec<(u16, i64, i64)> {
        let mut live = Vec::new();
        for words in &self.edited {
            let last = words.chunks(2).next_back().unwrap_or_default();
            let greatest = last.iter().max_by_key(|word| match word {
                None => (true, 0, Held::new()),
                Some(records) => (false, told(records).len(), told(records)),
            });
            if let Some(Some(records)) = greatest {
                live.extend(records.iter().map(|(start, value)| (WATCH, *start, *value)));
            }
        }
        for (record, gone) in &self.fixed {
            if gone.is_none() {
                live.push((PHONE, record.0, record.1));
            }
        }
        for start in 0..4 {
            let latest = self
                .exports
                .iter()
                .enumerate()
                .rfind(|(_, records)| records.iter().any(|record| record.0 == start));
            let Some((date, records)) = latest else { continue };
            for record in records.iter().filter(|record| record.0 == start) {
                let deleted = self
                    .fixed
                    .iter()
                    .filter(|(of, _)| of == record)
                    .filter_map(|(_, gone)| *gone)
                    .max();
                if deleted.is_none_or(|deleted| deleted <= date as i64 * 2) {
                    live.push((PHONE, record.0, record.1));
                }
            }
        }
        live.sort_unstable();
        live.dedup();
        live
    }
}

async fn tell(house: &House, events: Vec<Event>) -> PersonId {
    let person = house.person().await;
    for event in events {
        match event {
            Event::Word(word) => {
                say(house, person, vec![word]).await;
            }
            Event::Export(date, samples) => {
                import(house, person, at(30, date), samples).await;
            }
        }
    }
    person
}

async fn lives(house: &House, person: PersonId) -> Vec<(u16, i64, i64)> {
    let found = samples(house, person, Metric::STEP_COUNT).await;
    let mut live: Vec<(u16, i64, i64)> = found
        .into_iter()
        .map(|found| {
            let model::Value::Quantity(value) = found.sample.value else {
                panic!("a quantity");
            };
            let minutes = (found.sample.start.0 - at(8, 0).0) / 600_000;
            (found.sample.source - 1, minutes, value.mantissa - 100)
        })
        .collect();
    live.sort_unstable();
    live
}

/// Orders in which each story is told: with 25 stories a thousand.
const ORDERS: usize = 40;

proptest! {
    #![proptest_config(crate::harness::cases(25))]
    #[test]
    fn any_order_of_words_and_exports_ends_in_the_same_state(story in story(), seed in any::<u64>()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let house = House::new().await;
            let random = model::environment::SeededRandomness::new(seed);
            let mut days = Vec::new();
            for _ in 0..ORDERS {
                let mut events = story.events();
                for place in (1..events.len()).rev() {
                    events.swap(place, random.below(place as u64 + 1) as usize);
                }
                let person = tell(&house, events.clone()).await;
                prop_assert_eq!(lives(&house, person).await, story.naive(), "{:?}", events);
                let rebuilt = house.store.rebuild_totals(Some(person)).await.expect("a rebuild");
                prop_assert_eq!(rebuilt.changed, 0, "days that a rebuild changes");
                let mut ids: Vec<_> = touched(&house, person, Metric::STEP_COUNT).await.into_iter().map(|sample| sample.key).collect();
                let many = ids.len();
                ids.sort_unstable();
                ids.dedup();
                prop_assert_eq!(ids.len(), many, "two records of one id");
                days.push(total(&house, person, Metric::STEP_COUNT, "2026-05-10").await.map_or(0, |day| day.total));
            }
            // Of two numbers that one source has of the same minutes the one that was said last counts, and one stays said when an id
            // that said it too is taken back: which of the two it is depends on what came first.
            let live = story.naive();
            let is_one = live.windows(2).all(|two| (two[0].0, two[0].1) != (two[1].0, two[1].1));
            prop_assert!(!is_one || days.iter().all(|day| day == &days[0]), "{:?}", days);
            Ok(())
        })?;
    }
}

/// A sample of some days: hours since the first, minutes, offset, source, count, which metric.
type Somewhere = (i64, i64, i16, u16, i64, bool);

fn somewhere() -> impl Strategy<Value = Somewhere> {
    let offset = prop_oneof![8 => Just(540_i16), 1 => Just(480), 1 => Just(-600)];
    let lasts = prop_oneof![4 => 1_i64..30, 1 => 60_i64..2_000];
    (0_i64..96, lasts, offset, 0_u16..2, 0_i64..9_000, any::<bool>())
}

proptest! {
    #![proptest_config(crate::harness::cases(12))]
    /// Days that a word touches alone come to what all of them computed together come to.
    #[test]
    fn each_word_leaves_no_day_that_a_rebuild_changes(
        told in proptest::collection::vec((0_usize..12, proptest::option::weighted(0.85, somewhere())), 1..25),
        by_one_watch in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let house = House::new().await;
            let person = house.person().await;
            for (place, (id, what)) in told.into_iter().enumerate() {
                let (id, said) = (format!("id-{id}"), at(200, place as i64));
                let word = match what {
                    None => deleted(&id, said),
                    Some((hours, minutes, offset, source, count, is_steps)) => {
                        let (metric, source) = match (is_steps, by_one_watch) {
                            (true, is_one) => (Metric::STEP_COUNT, if is_one { WATCH } else { source }),
                            (false, _) => (Metric::DISTANCE_WALKING_RUNNING, source),
                        };
                        let start = at(hours, 7 * hours % 60);
                        let mut sample = quantity(metric, source, start, start.plus(minutes * 60_000), count, 0);
                        sample.offset.minutes = if by_one_watch { 540 } else { offset };
                        holds(&id, said, [sample])
                    }
                };
                say(&house, person, vec![word]).await;
                let rebuilt = house.store.rebuild_totals(Some(person)).await.expect("a rebuild");
                prop_assert_eq!(rebuilt.changed, 0, "days that a rebuild changes after word {}", place);
            }
            Ok(())
        })?;
    }

    /// A phone that pushes all day goes on from what was counted before, whatever else comes in between.
    #[test]
    fn pushes_of_a_day_leave_no_day_that_a_rebuild_changes(
        told in proptest::collection::vec((0_i64..25, somewhere(), 0_u8..20), 20..50),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let house = House::new().await;
            let person = house.person().await;
            let mut minute = 0;
            for (place, (pause, (hours, lasts, offset, source, count, is_steps), kind)) in told.into_iter().enumerate() {
                let said = at(200, place as i64);
                minute += pause;
                let metric = if is_steps { Metric::STEP_COUNT } else { Metric::DISTANCE_WALKING_RUNNING };
                let from = |start: UtcMillis| quantity(metric, source, start, start.plus(lasts * 60_000), count, 0);
                match kind {
                    // Something earlier, of another place perhaps, or a whole export of that hour.
                    0 => {
                        let mut sample = from(at(hours, 0));
                        sample.offset.minutes = offset;
                        say(&house, person, vec![holds(&format!("late-{place}"), said, [sample])]).await;
                    }
                    1 => {
                        import(&house, person, said, vec![from(at(hours / 4, 0))]).await;
                    }
                    2 => {
                        say(&house, person, vec![deleted(&format!("id-{}", place / 2), said)]).await;
                    }
                    _ => {
                        say(&house, person, vec![holds(&format!("id-{place}"), said, [from(at(8, minute))])]).await;
                    }
                }
            }
            let rebuilt = house.store.rebuild_totals(Some(person)).await.expect("a rebuild");
            prop_assert_eq!(rebuilt.changed, 0, "days that a rebuild changes");
            Ok(())
        })?;
    }
}
