//! The shared harness: what every adapter must hold, run over its fixtures.

use std::fmt::Write as _;

use model::{Sample, Value};

use crate::{Adapter, AdapterError, Handed, Input, Reading, Sink, SinkClosed};

/// Takes everything.
#[derive(Default)]
pub struct Collected {
    /// All pieces in order.
    pub pieces: Vec<Handed>,
}

impl Sink for Collected {
    fn hand(&mut self, piece: Handed) -> Result<(), SinkClosed> {
        self.pieces.push(piece);
        Ok(())
    }
}

impl Collected {
    /// All samples in order.
    pub fn samples(&self) -> Vec<&Sample> {
        self.pieces
            .iter()
            .flat_map(|piece| {
                if let Handed::Samples(samples) = piece {
                    &samples[..]
                } else {
                    &[]
                }
            })
            .collect()
    }

    /// Samples as sorted lines: what must not depend on the order of the file.
    pub fn lines(&self) -> Vec<String> {
        let keys: Vec<&str> = self
            .pieces
            .iter()
            .filter_map(|p| {
                if let Handed::Source(source) = p {
                    Some(source.key.as_str())
                } else {
                    None
                }
            })
            .collect();
        let mut lines: Vec<String> = self.samples().into_iter().map(|sample| line(sample, &keys)).collect();
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
    let mut collected = Collected::default();
    let input = Input {
        bytes: &bytes,
        size: bytes.len() as u64,
    };
    let reading = adapter.read(&input, &mut collected);
    (collected, reading)
}

/// Everything the harness asks of one fixture.
pub fn hold(adapter: &dyn Adapter, fixture: &str) {
    let (first, reading) = read(adapter, fixture.as_bytes());
    let reading = reading.unwrap();
    assert!(reading.accounting.adds_up());
    assert_eq!(reading.samples, first.samples().len() as u64);
    let (again, _) = read(adapter, fixture.as_bytes());
    assert_eq!(first.pieces, again.pieces, "mapping twice gives the same");
    truncations(adapter, fixture, &first);
    attributes(adapter, fixture, &first);
}

/// Every cut gives the records before it and an answer, never a panic, and no value in an error's text.
fn truncations(adapter: &dyn Adapter, fixture: &str, whole: &Collected) {
    let whole = whole.lines();
    for cut in (0..fixture.len()).step_by(7) {
        let (collected, reading) = read(adapter, &fixture.as_bytes()[..cut]);
        match reading {
            Ok(reading) => {
                assert!(reading.accounting.adds_up());
                assert!(
                    reading.ended.is_some() || cut + 14 > fixture.len(),
                    "a cut at {cut} goes unnoticed"
                );
                if let Some(error) = reading.ended {
                    assert!(!error.to_string().contains("118"), "a value stands in an error");
                }
            }
            Err(error) => assert!(collected.samples().is_empty(), "{error}"),
        }
        assert!(collected.samples().len() <= whole.len());
    }
}

/// Each removed attribute gives a sample or a reason; the order of attributes changes nothing.
fn attributes(adapter: &dyn Adapter, fixture: &str, whole: &Collected) {
    let expected = whole.lines();
    let mut reversed = String::new();
    for line in fixture.lines() {
        let Some((head, rest)) = line.split_once("<Record ") else {
            reversed.push_str(line);
            reversed.push('\n');
            continue;
        };
        let end = rest.rfind('"').map_or(rest.len(), |at| at + 1);
        let mut parts: Vec<&str> = rest[..end].split_inclusive("\" ").map(str::trim).collect();
        for removed in 0..parts.len() {
            let mut some = parts.clone();
            some.remove(removed);
            let changed = fixture.replacen(line, &format!("{head}<Record {}{}", some.join(" "), &rest[end..]), 1);
            let (_, reading) = read(adapter, changed.as_bytes());
            assert!(reading.unwrap().accounting.adds_up());
        }
        parts.reverse();
        reversed.push_str(&format!("{head}<Record {}{}\n", parts.join(" "), &rest[end..]));
    }
    assert_eq!(
        read(adapter, reversed.as_bytes()).0.lines(),
        expected,
        "the order of attributes changes samples"
    );
}
