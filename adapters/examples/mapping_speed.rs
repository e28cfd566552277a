//! How fast each adapter of JSON maps, beside a bare `serde_json` parse of the same bytes (and documents beside `quick-xml`): the fixtures
//! many times over, the median of several runs taken in turns. It fails where one takes more than it may.
//! `cargo run --release -p adapters --example mapping_speed`.

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use adapters::checkup::CheckupDocuments;
use adapters::checkup::synthetic::{MadeUp, document};
use adapters::{Adapter, Handed, Input, Sink, SinkClosed};
use serde_json::Value;

/// Bytes of an input at least, unless its adapter takes fewer records.
const BYTES: usize = 4 << 20;
/// Records of a list at most: what a push may have.
const RECORDS: usize = 9_000;
/// Documents of checkups, one a person.
const DOCUMENTS: u64 = 500;
/// Runs of each; the median counts.
const RUNS: usize = 9;

/// What an adapter of JSON may take at most, as times of a bare parse.
const MOST_TIMES: f64 = 2.0;

/// Takes everything and keeps nothing.
struct Nowhere;

impl Sink for Nowhere {
    fn hand(&mut self, piece: Handed) -> Result<(), SinkClosed> {
        black_box(&piece);
        Ok(())
    }
}

/// A fixture, its longest list many times over.
fn enlarged(fixture: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut whole: Value = serde_json::from_str(fixture)?;
    let members = whole.as_object_mut().ok_or("a fixture is an object")?;
    let lists = members.values_mut().filter_map(Value::as_array_mut);
    let list = lists.max_by_key(|list| list.len()).ok_or("a fixture has a list")?;
    let once = list.clone();
    let bytes = serde_json::to_vec(&once)?.len();
    let times = (BYTES / bytes).min(RECORDS / once.len()).max(1);
    *list = std::iter::repeat_n(once, times).flatten().collect();
    Ok(serde_json::to_vec(&whole)?)
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn seconds(act: impl FnOnce() -> bool) -> Result<f64, Box<dyn Error>> {
    let start = Instant::now();
    match act() {
        true => Ok(start.elapsed().as_secs_f64()),
        false => Err("the input was not read".into()),
    }
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Prints a row, and answers with how many times as long as a bare parse it takes.
fn measure(adapter: &dyn Adapter, fixture: &str) -> Result<f64, Box<dyn Error>> {
    let bytes = enlarged(fixture)?;
    let (mut mapped, mut parsed) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        mapped.push(seconds(|| {
            let input = Input {
                bytes: &bytes.as_slice(),
                size: bytes.len() as u64,
            };
            adapter
                .read(&input, &mut Nowhere)
                .is_ok_and(|reading| reading.samples > 0)
        })?);
        parsed.push(seconds(|| black_box(serde_json::from_slice::<Value>(&bytes)).is_ok())?);
    }
    let (mapped, parsed) = (median(mapped), median(parsed));
    let megabytes = bytes.len() as f64 / 1_000_000.0;
    let (name, ratio) = (adapter.name(), mapped / parsed);
    println!(
        "| {name} | {:.0} MB/s | {:.0} MB/s | {ratio:.2} |",
        megabytes / mapped,
        megabytes / parsed
    );
    Ok(ratio)
}

/// Documents of checkups beside a bare `quick-xml` pass over the same bytes.
fn measure_documents() -> Result<(), Box<dyn Error>> {
    let made = (0..DOCUMENTS).map(|seed| document(&MadeUp::of(seed).checkup(2025)));
    let documents: Vec<String> = made.collect();
    let (mut mapped, mut passed) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        mapped.push(seconds(|| {
            documents.iter().all(|text| {
                let input = Input {
                    bytes: &text.as_bytes(),
                    size: text.len() as u64,
                };
                let reading = CheckupDocuments.read(&input, &mut Nowhere);
                reading.is_ok_and(|reading| reading.samples > 0)
            })
        })?);
        passed.push(seconds(|| {
            documents
                .iter()
                .all(|text| events(text).is_some_and(|events| events > 100))
        })?);
    }
    let (mapped, passed) = (median(mapped), median(passed));
    let megabytes = documents.iter().map(String::len).sum::<usize>() as f64 / 1_000_000.0;
    println!(
        "\n| adapter | maps | bare pass of quick-xml | time beside it |\n|---|---|---|---|\n| checkup | {:.0} MB/s | {:.0} MB/s | {:.2} |",
        megabytes / mapped,
        megabytes / passed,
        mapped / passed
    );
    Ok(())
}

fn events(text: &str) -> Option<usize> {
    let mut reader = quick_xml::Reader::from_str(text);
    let mut events = 0;
    loop {
        match black_box(reader.read_event().ok()?) {
            quick_xml::events::Event::Eof => return Some(events),
            _ => events += 1,
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    println!("| adapter | maps | bare parse | time beside it |\n|---|---|---|---|");
    let mut slow = Vec::new();
    for (name, fixture) in [
        (
            "apple-health-push",
            include_str!("../src/apple_health_push/fixtures/push.json"),
        ),
        (
            "health-connect",
            include_str!("../src/health_connect/fixtures/push.json"),
        ),
        (
            "google-health",
            include_str!("../src/google_health/fixtures/answers.json"),
        ),
        ("omron", include_str!("../src/omron/fixtures/answers.json")),
        ("omron-b2b", include_str!("../src/omron_b2b/fixtures/one_person.json")),
        ("google-fit", include_str!("../src/google_fit/fixtures/answers.json")),
        ("fitbit", include_str!("../src/fitbit/fixtures/answers.json")),
        (
            "google-takeout",
            include_str!("../src/google_takeout/fixtures/points.json"),
        ),
    ] {
        let times = measure(adapters::named(name).ok_or("an adapter of this name")?, fixture)?;
        slow.extend((times > MOST_TIMES).then_some(name));
    }
    measure_documents()?;
    match slow.is_empty() {
        true => Ok(()),
        false => Err(format!("more than {MOST_TIMES} times a bare parse: {}", slow.join(", ")).into()),
    }
}
