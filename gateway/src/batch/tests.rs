//! A package that was cut off and then refused; and what one costs when its people are known. Slow: `cargo test --release -p gateway --bin sekisho -- --ignored --nocapture batch::tests`.

use std::fs::File;
use std::hint::black_box;
use std::io::{BufReader, BufWriter, Write as _};
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Instant;

use adapters::checkup::synthetic::{self, MadeUp};
use quick_xml::events::Event;
use store::{Insured, NewPerson};
use tokio::task::JoinSet;

use super::*;
use crate::sign_in::testing::Gateway;

/// People of a package.
const PEOPLE: u64 = 10_000;
/// Residents of a large programme.
const RESIDENTS: u64 = 300_000;
/// What a package may take at most, as times of a bare pass over its documents.
const MOST_TIMES: f64 = 3.0;
/// What it may take among all residents, as times of what it takes among its own people.
const MOST_AMONG_ALL: f64 = 1.5;
/// Residents that are made at once.
const AT_ONCE: usize = 200;

/// Seconds of a bare pass over a file, as of `conformance bench quick-xml`: it reads every attribute and keeps nothing.
#[expect(clippy::disallowed_methods, reason = "it measures time")]
fn bare(documents: &Path) -> f64 {
    let start = Instant::now();
    let file = BufReader::with_capacity(1 << 18, File::open(documents).unwrap());
    let mut reader = quick_xml::Reader::from_reader(file);
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer).unwrap() {
            Event::Start(element) | Event::Empty(element) => {
                element.attributes().for_each(|attribute| {
                    let attribute = attribute.unwrap();
                    black_box(attribute.key.as_ref().len() + attribute.value.len());
                });
            }
            Event::Eof => return start.elapsed().as_secs_f64(),
            _ => {}
        }
    }
}

/// Makes people of these seeds, as members whom their insurer knows.
async fn insure(store: &Store, seeds: RangeInclusive<u64>) {
    let mut under_way = JoinSet::new();
    for seed in seeds {
        let (store, subject) = (store.clone(), MadeUp::of(seed).checkup(2025).subject);
        under_way.spawn(async move {
            let person = store.create_person(NewPerson::default()).await.unwrap();
            let insured = Insured {
                subject,
                ..Insured::default()
            };
            store.insure(OrganisationId(1), person, insured).await.unwrap();
        });
        if under_way.len() == AT_ONCE {
            under_way.join_next().await.unwrap().unwrap();
        }
    }
    while let Some(ended) = under_way.join_next().await {
        ended.unwrap();
    }
}

/// Seconds that a package takes, all of whose people are members of those who are known.
#[expect(clippy::disallowed_methods, reason = "it measures time")]
async fn taken_in(store: &Store, package: &Path) -> f64 {
    let hand_over = HandOver {
        organisation: OrganisationId(1),
        handler: "bench".to_owned(),
        counterpart: "bench".to_owned(),
        day: LocalDay(20_800),
    };
    let start = Instant::now();
    let taken = import(store, Package::Zip(package.to_owned(), None), None, &hand_over, |_| {})
        .await
        .unwrap();
    assert_eq!(taken.documents, [PEOPLE, 0, 0, 0, 0]);
    start.elapsed().as_secs_f64()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it measures time"]
async fn a_package_whose_people_are_all_known_beside_a_bare_pass() {
    let gateway = Gateway::start(&[]).await;
    let store = &gateway.state.store;
    insure(store, 1..=PEOPLE).await;
    let folder = tempfile::tempdir().unwrap();
    let (documents, path) = (folder.path().join("documents.xml"), folder.path().join("package.zip"));
    let mut ratios = Vec::new();
    // A package of each year, beside a pass over its documents: the machine's speed varies.
    for year in 2021..=2025 {
        let checkups: Vec<_> = (1..=PEOPLE).map(|seed| MadeUp::of(seed).checkup(year)).collect();
        let mut file = BufWriter::new(File::create(&documents).unwrap());
        for checkup in &checkups {
            file.write_all(synthetic::document(checkup).as_bytes()).unwrap();
        }
        file.into_inner().unwrap();
        synthetic::write_package(File::create(&path).unwrap(), checkups.into_iter()).unwrap();
        let bare = bare(&documents).min(bare(&documents));
        ratios.push(taken_in(store, &path).await / bare);
    }
    ratios.sort_by(f64::total_cmp);
    let [lowest, _, median, _, highest] = ratios[..] else {
        unreachable!("five years");
    };
    eprintln!("into the records of {PEOPLE} people: {median:.1} × a bare pass, {lowest:.1} to {highest:.1}");
    assert!(median <= MOST_TIMES, "{median:.2} × a bare pass");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it measures time, and makes residents for minutes"]
async fn a_package_among_all_residents_of_a_programme_beside_among_its_own_people() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("package.zip");
    let checkups = (1..=PEOPLE).map(|seed| MadeUp::of(seed).checkup(2025));
    synthetic::write_package(File::create(&path).unwrap(), checkups).unwrap();
    let mut seconds = Vec::new();
    for residents in [PEOPLE, RESIDENTS] {
        let gateway = Gateway::start(&[]).await;
        insure(&gateway.state.store, 1..=residents).await;
        seconds.push(taken_in(&gateway.state.store, &path).await);
    }
    let times = seconds[1] / seconds[0];
    eprintln!("{PEOPLE} documents among {RESIDENTS} residents: {times:.2} × the time among {PEOPLE}");
    assert!(times <= MOST_AMONG_ALL, "{times:.2} × the time");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_of_a_package_before_it_was_cut_off_is_told_where_it_is_refused_then() {
    let gateway = Gateway::start(&[]).await;
    let store = &gateway.state.store;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("package.zip");
    let checkups = (1..=3).map(|seed| MadeUp::of(seed).checkup(2025));
    synthetic::write_package(File::create(&path).unwrap(), checkups).unwrap();
    let hand_over = HandOver {
        organisation: OrganisationId(1),
        handler: "係".to_owned(),
        counterpart: "国保".to_owned(),
        day: LocalDay(20_800),
    };
    let hash = hash_of_files(std::slice::from_ref(&path), "").unwrap();
    let begun = store.begin_package(OrganisationId(1), hash).await.unwrap();
    let first = PackageDocument::new(1, 1, None, DocumentBytes::Plain(b"<"), Vec::new()).unwrap();
    store
        .take_documents(OrganisationId(1), begun.id, vec![first])
        .await
        .unwrap();
    for _ in ["first", "again"] {
        let package = Package::Zip(path.clone(), None);
        let refused = import(store, package, Scanner::of("false", 5), &hand_over, |_| {}).await;
        assert!(matches!(refused, Err(BatchError::Scan { .. })), "{refused:?}");
    }
    let acts = store.acts(OrganisationId(1), None, 10).await.unwrap();
    let lines = acts.iter().filter(|(_, act)| act.what == store::HANDED_OVER);
    let said: Vec<serde_json::Value> = lines
        .map(|(_, act)| serde_json::from_str(&act.subject).unwrap())
        .collect();
    assert_eq!(said.len(), 1);
    assert_eq!((&said[0]["count"], &said[0]["unread"]), (&1.into(), &1.into()));
    assert_eq!(said[0]["refused"], "scanner");
}
