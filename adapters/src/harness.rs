//! The shared harness: what every adapter must hold (docs/adapter-specification.md), run over the fixtures of every registered one.
//!
//! An adapter brings `fixtures/NAME.xml` (or `.json`, or whatever the vendor sends) in its folder; beside each lies what it gives, as a
//! snapshot. A folder there is an archive, packed as it lies. Nothing else has to be written for an adapter to be held to all of it.

mod declared;
mod fields;
mod packed;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use model::{Identified, Sample, Value, Word};

use crate::{Adapter, AdapterError, Handed, Input, Reading, Sink, SinkClosed, all};

/// Takes everything.
#[derive(Default)]
pub struct Collected {
    /// All pieces in order.
    pub pieces: Vec<Handed>,
    /// Where whose they are lives; Japan where it is not said.
    pub home: Option<jiff::tz::TimeZone>,
    sources: usize,
}

impl Sink for Collected {
    fn hand(&mut self, piece: Handed) -> Result<(), SinkClosed> {
        match &piece {
            Handed::Source(_) => self.sources += 1,
            Handed::Samples(samples) => samples.iter().for_each(|sample| self.is_sound(sample)),
            Handed::Identified(records) => {
                for record in records {
                    assert!((1..=512).contains(&record.id.len()), "an id has 1 to 512 bytes");
                    record.what.samples().iter().for_each(|sample| self.is_sound(sample));
                }
            }
            _ => {}
        }
        self.pieces.push(piece);
        Ok(())
    }

    fn home(&self) -> jiff::tz::TimeZone {
        let japan = jiff::tz::TimeZone::fixed(jiff::tz::offset(9));
        self.home.clone().unwrap_or(japan)
    }
}

impl Collected {
    /// What the store would refuse a whole delivery for.
    fn is_sound(&self, sample: &Sample) {
        assert!(sample.start <= sample.end, "a sample ends before it starts");
        assert!(
            usize::from(sample.source) < self.sources,
            "a sample's source is handed on before it (`Handed::Source`)"
        );
    }

    /// All samples in order.
    pub fn samples(&self) -> Vec<&Sample> {
        let mut samples = Vec::new();
        for piece in &self.pieces {
            match piece {
                Handed::Samples(some) => samples.extend(some),
                Handed::Identified(records) => {
                    samples.extend(records.iter().flat_map(|record| record.what.samples()));
                }
                _ => {}
            }
        }
        samples
    }

    /// Records that the store ends: samples, and whatever an id names.
    pub fn records(&self) -> u64 {
        let records = self.pieces.iter().map(|piece| match piece {
            Handed::Samples(samples) => samples.len() as u64,
            Handed::Identified(records) => records.iter().map(Identified::records).sum(),
            Handed::Checkup(brought) => brought.records(),
            _ => 0,
        });
        records.sum()
    }

    /// Samples as sorted lines: what must not depend on the order of the file.
    pub fn lines(&self) -> Vec<String> {
        let sources = self.pieces.iter().filter_map(|piece| match piece {
            Handed::Source(source) => Some(source.key.as_str()),
            _ => None,
        });
        let keys: Vec<&str> = sources.collect();
        let mut lines: Vec<String> = self.samples().into_iter().map(|sample| line(sample, &keys)).collect();
        let identified = self.pieces.iter().filter_map(|piece| match piece {
            Handed::Identified(records) => Some(records),
            _ => None,
        });
        lines.extend(identified.flatten().map(|record| match &record.what {
            Word::Holds(samples) => format!("{} said at {} to hold {}", record.id, record.said.0, samples.len()),
            Word::Window { samples, is_whole } => {
                let all = if *is_whole { "all" } else { "some" };
                format!("{} said at {}: {all} {} of it", record.id, record.said.0, samples.len())
            }
            Word::Deleted => format!("{} said at {} to be deleted", record.id, record.said.0),
        }));
        for piece in &self.pieces {
            let Handed::Checkup(brought) = piece else { continue };
            let checkup = &brought.checkup;
            let about = format!("checkup {} of {} ", checkup.programme, checkup.day);
            lines.push(format!(
                "{about}written {} report {} at {:?} by {:?} about {:?}",
                checkup.written, checkup.report, checkup.facility, checkup.author, checkup.subject
            ));
            lines.extend(checkup.findings.iter().map(|finding| {
                format!(
                    "{about}{} {} {finding:?}",
                    finding.item.row().code,
                    finding.item.metric().key()
                )
            }));
        }
        lines.sort();
        lines
    }
}

fn line(sample: &Sample, sources: &[&str]) -> String {
    let value = match &sample.value {
        Value::Quantity(number) => number.to_string(),
        Value::Code(number) => format!("code {number}"),
        Value::Components(numbers) => {
            let mut text = String::new();
            for number in numbers {
                let _ = write!(text, "{} ", number.map_or("-".to_owned(), |number| number.to_string()));
            }
            text.trim_end().to_owned()
        }
    };
    format!(
        "{} {}..{} {:+}{:?} [{value}] flags {} from {}",
        sample.metric.key(),
        sample.start.0,
        sample.end.0,
        sample.offset.minutes,
        sample.offset.trust,
        sample.flags.0,
        sources.get(usize::from(sample.source)).unwrap_or(&"?"),
    )
}

/// Reads bytes with an adapter.
pub fn read(adapter: &dyn Adapter, bytes: &[u8]) -> (Collected, Result<Reading, AdapterError>) {
    read_of(adapter, bytes, None)
}

/// As [`read`], of somebody who lives in this zone.
pub fn read_of(
    adapter: &dyn Adapter,
    bytes: &[u8],
    home: Option<jiff::tz::TimeZone>,
) -> (Collected, Result<Reading, AdapterError>) {
    let mut collected = Collected {
        home,
        ..Collected::default()
    };
    let input = Input {
        bytes: &bytes,
        size: bytes.len() as u64,
    };
    let reading = adapter.read(&input, &mut collected);
    (collected, reading)
}

fn folder(adapter: &dyn Adapter) -> PathBuf {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    sources.join(adapter.name().replace('-', "_"))
}

/// The fixtures of an adapter, each with its name.
fn fixtures(adapter: &dyn Adapter) -> Vec<(String, PathBuf)> {
    let folder = folder(adapter).join("fixtures");
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut found: Vec<(String, PathBuf)> = paths
        .filter(|path| path.is_dir() || path.extension().is_some_and(|end| end != "snap" && end != "new"))
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), path))
        .collect();
    found.sort();
    assert!(
        !found.is_empty(),
        "{}: lay what the vendor sends into fixtures/",
        adapter.name()
    );
    found
}

/// The bytes of a fixture.
fn bytes(path: &Path) -> Vec<u8> {
    match path.is_dir() {
        true => packed::packed(path),
        false => std::fs::read(path).unwrap(),
    }
}

/// What a fixture gives: samples, and how everything else ended. Above it stands by which mapping, and of which bytes.
fn told(adapter: &dyn Adapter, bytes: &[u8]) -> String {
    let (collected, reading) = read(adapter, bytes);
    let reading = reading.unwrap();
    let mut told = vec![head(adapter.mapping_version(), bytes)];
    told.extend(collected.lines());
    let reasons = &reading.accounting.reasons;
    told.extend(
        reasons
            .iter()
            .map(|((outcome, reason), count)| format!("{outcome}: {reason} {count}")),
    );
    told.join("\n")
}

fn head(mapping: u32, bytes: &[u8]) -> String {
    let mut checksum = flate2::Crc::new();
    checksum.update(bytes);
    format!("mapping {mapping} of {:08x}", checksum.sum())
}

/// What a snapshot holds, without what insta writes above it.
fn snapshot(path: &Path) -> Option<String> {
    let written = std::fs::read_to_string(path.with_extension("snap")).ok()?;
    let (_, held) = written.split_once("\n---\n")?;
    Some(held.trim_end().to_owned())
}

#[test]
fn every_fixture_gives_what_lies_beside_it() {
    for &adapter in all() {
        for (name, path) in fixtures(adapter) {
            let bytes = bytes(&path);
            let told = told(adapter, &bytes);
            // Writing snapshots anew must not pass over the version: what is kept of pushes and answers is read again by it alone.
            let is_written = std::env::var_os("INSTA_UPDATE").is_some_and(|update| update == "always");
            let before = snapshot(&path).filter(|before| is_written && *before != told);
            let is_of_this = |before: &String| before.starts_with(&head(adapter.mapping_version(), &bytes));
            assert!(
                !before.as_ref().is_some_and(is_of_this),
                "{} {name}: the same bytes give something else; raise the mapping's version (or, where that one went nowhere yet, remove \
                 the snapshot and write it anew)",
                adapter.name()
            );
            let mut settings = insta::Settings::clone_current();
            settings.set_snapshot_path(folder(adapter).join("fixtures"));
            settings.set_prepend_module_to_snapshot(false);
            settings.set_omit_expression(true);
            settings.bind(|| insta::assert_snapshot!(name, told));
        }
    }
}

#[test]
fn every_fixture_is_recognised_by_its_adapter_and_by_no_other() {
    for &adapter in all() {
        for (name, path) in fixtures(adapter) {
            let bytes = bytes(&path);
            let input = Input {
                bytes: &bytes.as_slice(),
                size: bytes.len() as u64,
            };
            let knows = all().iter().filter(|other| other.recognises(&input));
            let by: Vec<&str> = knows.map(|other| other.name()).collect();
            assert_eq!(
                by,
                [adapter.name()],
                "{name}: `recognises` decides by the content whose it is"
            );
        }
    }
}

#[test]
fn every_reading_adds_up_and_comes_out_the_same_again() {
    for &adapter in all() {
        for (name, path) in fixtures(adapter) {
            let bytes = bytes(&path);
            let (first, reading) = read(adapter, &bytes);
            let reading = reading.unwrap();
            assert!(reading.accounting.adds_up(), "{name}");
            assert_eq!(reading.samples, first.records(), "{name}");
            assert_eq!(first.pieces, read(adapter, &bytes).0.pieces, "{name}");
        }
    }
}

/// Every cut gives the records before it and an answer, never a panic, and no value in an error's text.
#[test]
fn every_cut_gives_an_answer_without_values() {
    for &adapter in all() {
        for (name, path) in fixtures(adapter) {
            let bytes = bytes(&path);
            let (whole, values) = (read(adapter, &bytes).0.samples().len(), values(&bytes));
            for cut in (0..bytes.len()).step_by((bytes.len() / 300).max(7)) {
                let (collected, reading) = read(adapter, &bytes[..cut]);
                let mut reasons = String::new();
                let ended = match reading {
                    Ok(reading) => {
                        assert!(reading.accounting.adds_up(), "{name} cut at {cut}");
                        reasons = format!("{:?}", reading.accounting.reasons);
                        // Nothing says where a table ends.
                        let is_table = path.extension().is_some_and(|end| end == "csv");
                        let noticed = reading.ended.is_some() || cut + 14 > bytes.len() || is_table;
                        assert!(noticed, "{name}: a cut at {cut} goes unnoticed");
                        reading.ended
                    }
                    Err(error) => {
                        assert!(collected.samples().is_empty(), "{name}: {error}");
                        Some(error)
                    }
                };
                let said = ended.map(|error| error.to_string()).unwrap_or_default() + &reasons;
                let value = values.iter().find(|value| said.contains(value.as_str()));
                assert_eq!(value, None, "{name}: a value stands in an error or a reason");
                assert!(collected.samples().len() <= whole, "{name} cut at {cut}");
            }
        }
    }
}

/// Numbers of a fixture that stand for themselves: with a point in them, as lines and bytes of an error have not.
fn values(bytes: &[u8]) -> BTreeSet<String> {
    let text = String::from_utf8_lossy(bytes);
    let numbers = text.split(|c: char| !(c.is_ascii_digit() || c == '.'));
    let with_point = numbers.filter(|number| number.len() > 3 && number.matches('.').count() == 1);
    with_point.map(str::to_owned).collect()
}

#[test]
fn every_adapter_declares_what_it_covers_once() {
    let mut names = BTreeSet::new();
    for &adapter in all() {
        assert!(names.insert(adapter.name()), "{} stands twice", adapter.name());
        let coverage = adapter.coverage();
        assert!(
            !coverage.identity.is_empty() && !coverage.types.is_empty(),
            "{}: fill in coverage.rs, what each type becomes and by what records are told apart",
            adapter.name()
        );
        let asked = crate::clouds().iter().map(|cloud| cloud.name());
        let is_asked = asked.chain(crate::feeds().iter().map(|feed| feed.name()));
        let brought = adapter.brought().unwrap_or_default();
        assert!(
            brought.iter().all(|told| !told.is_empty()) || is_asked.into_iter().any(|asked| asked == adapter.name()),
            "{}: `brought` says what residents are told of its files, or of what pushes it",
            adapter.name()
        );
        let told = [adapter.describes(), brought[0], brought[1]];
        assert!(!told.concat().contains("FILL IN"), "{}: {told:?}", adapter.name());
        let mut types = BTreeSet::new();
        for covered in &coverage.types {
            let vendor_type = &covered.vendor_type;
            assert!(types.insert(vendor_type), "{vendor_type} stands twice");
        }
    }
}
