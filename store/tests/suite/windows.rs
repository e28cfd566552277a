//! Windows: all that a vendor's cloud has of one type within a time, asked for again and again.

use model::vocabulary::Metric;
use model::{Identified, PersonId, Sample, UtcMillis, Word};
use proptest::prelude::*;

use crate::by_id::{holds, say};
use crate::deliveries::*;
use crate::harness::House;

fn window(id: &str, said: UtcMillis, samples: impl IntoIterator<Item = Sample>) -> Identified {
    Identified {
        what: Word::Window {
            samples: samples.into_iter().collect(),
            is_whole: true,
        },
        ..holds(id, said, [])
    }
}

async fn beats(house: &House, person: PersonId) -> Vec<(i64, String)> {
    let found = samples(house, person, Metric::HEART_RATE).await;
    let told = found
        .iter()
        .map(|stored| (stored.sample.start.0, format!("{:?}", stored.sample.value)));
    told.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_window_names_no_more_is_gone_and_everything_else_stays_as_it_was() {
    let house = House::new().await;
    let person = house.person().await;
    let first = [pulse(at(8, 1), 60), pulse(at(8, 2), 61), pulse(at(8, 3), 62)];
    let report = say(&house, person, vec![window("h/8", at(9, 0), first.clone())]).await;
    assert_eq!(ended(&report), (3, 0, 0), "each sample counts");
    say(&house, person, vec![window("h/9", at(10, 0), [pulse(at(9, 1), 70)])]).await;
    let before = samples(&house, person, Metric::HEART_RATE).await;
    // One is corrected, one went, one came; in another order, and one of them twice in time.
    let then = [pulse(at(8, 4), 64), pulse(at(8, 2), 66), pulse(at(8, 1), 60)];
    let report = say(&house, person, vec![window("h/8", at(11, 0), then)]).await;
    assert_eq!(ended(&report), (2, 1, 0));
    let after = samples(&house, person, Metric::HEART_RATE).await;
    let starts: Vec<UtcMillis> = after.iter().map(|stored| stored.sample.start).collect();
    assert_eq!(starts, [at(8, 1), at(8, 2), at(8, 4), at(9, 1)]);
    assert_eq!((after[0].key, after[0].version), (before[0].key, 1));
    assert_eq!((after[1].key, after[1].version), (before[1].key, 2));
    let all = touched(&house, person, Metric::HEART_RATE).await;
    let dead: Vec<UtcMillis> = all.iter().filter(|one| one.dead).map(|one| one.sample.start).collect();
    assert_eq!(dead, [at(8, 3)], "who asks for changes meets what went");
    // Empty now: all of it went, and nothing of the next window.
    say(&house, person, vec![window("h/8", at(12, 0), [])]).await;
    assert_eq!(beats(&house, person).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_says_what_is_known_leaves_no_trace() {
    let house = House::new().await;
    let person = house.person().await;
    let beats = |count: i64| (0..count).map(|minute| pulse(at(8, minute), 60 + minute % 7));
    say(&house, person, vec![window("h/8", at(9, 0), beats(50))]).await;
    let before = touched(&house, person, Metric::HEART_RATE).await;
    let report = say(
        &house,
        person,
        vec![window("h/8", at(15, 0), beats(50)), window("h/9", at(15, 0), [])],
    )
    .await;
    assert_eq!((ended(&report), report.months_recomputed), ((0, 50, 0), 0));
    assert_eq!(touched(&house, person, Metric::HEART_RATE).await, before);
    // An answer of before counts no more once something changed.
    say(&house, person, vec![window("h/8", at(16, 0), beats(40))]).await;
    let report = say(&house, person, vec![window("h/8", at(10, 0), beats(50))]).await;
    assert_eq!(ended(&report), (0, 50, 50), "superseded");
    assert_eq!(samples(&house, person, Metric::HEART_RATE).await.len(), 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_not_understood_in_whole_ends_nothing() {
    let house = House::new().await;
    let person = house.person().await;
    let first = [pulse(at(8, 1), 60), pulse(at(8, 2), 61)];
    say(&house, person, vec![window("h/8", at(9, 0), first)]).await;
    for samples in [vec![], vec![pulse(at(8, 2), 66), pulse(at(8, 3), 67)]] {
        let what = Word::Window {
            samples,
            is_whole: false,
        };
        let word = Identified {
            what,
            ..window("h/8", at(10, 0), [])
        };
        say(&house, person, vec![word]).await;
    }
    assert_eq!(beats(&house, person).await.len(), 3);
    // What stayed is still the window's: the next whole answer ends it.
    say(&house, person, vec![window("h/8", at(11, 0), [pulse(at(8, 3), 67)])]).await;
    assert_eq!(beats(&house, person).await.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]
    /// Whatever a window said before, it ends as what it said last.
    #[test]
    fn the_last_answer_counts(answers in prop::collection::vec(prop::collection::btree_map(0i64..30, 50i64..55, 0..20), 1..6)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let house = House::new().await;
            let person = house.person().await;
            for (place, answer) in answers.iter().enumerate() {
                let held = answer.iter().map(|(minute, rate)| pulse(at(8, *minute), *rate));
                let said = at(9 + place as i64, 0);
                say(&house, person, vec![window("h/8", said, held)]).await;
            }
            let last = answers.last().expect("one");
            let expected: Vec<_> = last
                .iter()
                .map(|(minute, rate)| (at(8, *minute).0, format!("{:?}", pulse(at(8, *minute), *rate).value)))
                .collect();
            assert_eq!(beats(&house, person).await, expected);
        });
    }
}
