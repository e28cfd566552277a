//! What a package costs when its people are known. Slow: `cargo test --release -p gateway --bin sekisho -- --ignored --nocapture batch::tests`.

use std::fs::File;
use std::hint::black_box;
use std::io::{BufReader, BufWriter};
use std::time::Instant;

use adapters::checkup::synthetic::{self, MadeUp};
use quick_xml::events::Event;
use store::{Insured, NewPerson};

use super::*;
use crate::sign_in::testing::Gateway;

const PEOPLE: u64 = 10_000;

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

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it measures time"]
#[expect(clippy::disallowed_methods, reason = "it measures time")]
async fn a_package_whose_people_are_all_known_beside_a_bare_pass() {
    let gateway = Gateway::start(&[]).await;
    let store = &gateway.state.store;
    let organisation = OrganisationId(1);
    let checkups: Vec<_> = (1..=PEOPLE).map(|seed| MadeUp::of(seed).checkup(2025)).collect();
    for checkup in &checkups {
        let person = store.create_person(NewPerson::default()).await.unwrap();
        let insured = Insured {
            subject: checkup.subject.clone(),
            gained: None,
            lost: None,
            area: String::new(),
            residence: None,
            tickets: Vec::new(),
        };
        store.insure(organisation, person, insured).await.unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let documents = folder.path().join("documents.xml");
    let mut file = BufWriter::new(File::create(&documents).unwrap());
    for checkup in &checkups {
        file.write_all(synthetic::document(checkup).as_bytes()).unwrap();
    }
    file.into_inner().unwrap();
    let path = folder.path().join("package.zip");
    synthetic::write_package(File::create(&path).unwrap(), checkups.into_iter()).unwrap();
    let hand_over = HandOver {
        organisation,
        handler: "bench".to_owned(),
        counterpart: "bench".to_owned(),
    };
    let bare = bare(&documents).min(bare(&documents));
    let start = Instant::now();
    let taken = import(store, Package::Zip(path, None), &hand_over, |_| {})
        .await
        .unwrap();
    let whole = start.elapsed().as_secs_f64();
    assert_eq!(taken.documents, [PEOPLE, 0, 0, 0]);
    eprintln!(
        "into the records of {PEOPLE} people: {:.1} × a bare pass of {bare:.2} s",
        whole / bare
    );
}
