//! One delivery's way from an adapter into the store: numbers of sources and parked types are exchanged for the person's, and
//! everything else is handed through.
//!
//! The adapter reads and the store gathers on one thread; the store's writer merges, compresses and seals on another.

use std::io;
use std::sync::Arc;

use adapters::{Adapter, AdapterError, Handed, Input, ReaderAt, Reading, Sink, SinkClosed};
use model::checkup::Told;
use model::{Accounting, LocalDay, Outcome, PersonId, Value};
use store::{BatchStart, Import, ImportReport, NewPayload, Parked, Raw, Store, StoreError};

/// What an import came to.
pub struct Imported {
    /// What the store says.
    pub report: ImportReport,
    /// What the adapter says: metadata met, and why reading ended early, if it did.
    pub reading: Reading,
    /// What it is answered, where it was kept.
    pub answer: Vec<u8>,
}

/// A record that did not become data.
pub struct LeftOut {
    /// Its line, or its number in a list, from 1.
    pub number: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// Why: a fixed word.
    pub reason: String,
}

/// How many of them are told one by one; all are counted.
const TOLD: usize = 100;

/// Why an import came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file could not be read at all.
    #[error(transparent)]
    Adapter(#[from] AdapterError),
    /// The store refused; the same file can be imported again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads a file with this adapter into the person's store. Blocks.
///
/// # Errors
/// [`ImportError`]; what was stored before stays, and counts as duplicate when the file is imported again.
pub fn run(store: &Store, person: PersonId, adapter: &dyn Adapter, input: &Input<'_>) -> Result<Imported, ImportError> {
    run_keeping(store, person, adapter, input, None)
}

/// As [`run`], of what the resident brings themselves on this day: nobody else vouches for the checkups that it tells. Blocks.
///
/// # Errors
/// As [`run`].
pub fn run_brought(
    store: &Store,
    person: PersonId,
    adapter: &dyn Adapter,
    input: &Input<'_>,
    day: LocalDay,
) -> Result<Imported, ImportError> {
    let import = store.begin_import(person, start(adapter))?;
    read_into(import, adapter, input, Some(day), None)
}

/// As [`run`], into an import that has begun. Blocks.
///
/// # Errors
/// As [`run`].
pub fn run_into(import: Import, adapter: &dyn Adapter, input: &Input<'_>) -> Result<Imported, ImportError> {
    read_into(import, adapter, input, None, None)
}

/// What is known of a delivery that this adapter reads.
pub fn start(adapter: &dyn Adapter) -> BatchStart {
    BatchStart {
        adapter: adapter.name().to_owned(),
        mapping_version: adapter.mapping_version(),
    }
}

/// What makes the push to keep, told which of its records did not become data.
pub type Keep<'a> = Box<dyn FnOnce(Vec<LeftOut>) -> NewPayload + 'a>;

/// As [`run`]; with what is pushed, it is kept in the commit that ends it.
///
/// # Errors
/// As [`run`].
pub fn run_keeping(
    store: &Store,
    person: PersonId,
    adapter: &dyn Adapter,
    input: &Input<'_>,
    keep: Option<Keep<'_>>,
) -> Result<Imported, ImportError> {
    let import = store.begin_import(person, start(adapter))?;
    read_into(import, adapter, input, None, keep)
}

fn read_into(
    import: Import,
    adapter: &dyn Adapter,
    input: &Input<'_>,
    brought: Option<LocalDay>,
    keep: Option<Keep<'_>>,
) -> Result<Imported, ImportError> {
    let mut receiver = Receiver {
        import,
        sources: Vec::new(),
        series: Vec::new(),
        left_out: Vec::new(),
        brought,
        failure: None,
    };
    let reading = adapter.read(input, &mut receiver);
    if let Some(failure) = receiver.failure {
        return Err(failure.into());
    }
    let reading = reading?;
    let (mut import, left_out) = (receiver.import, receiver.left_out);
    import.account(&reading.accounting);
    import.read(reading.accounting.received + reading.samples);
    let (report, answer) = match keep {
        Some(keep) => import.finish_keeping(keep(left_out))?,
        None => (import.finish()?, Vec::new()),
    };
    watch(adapter.name(), &report);
    Ok(Imported {
        report,
        reading,
        answer,
    })
}

/// How the records of a delivery ended, as it is kept beside what nobody waits for an answer to.
pub fn counts(counts: &Accounting) -> Vec<u8> {
    told(counts).to_string().into_bytes()
}

/// How records ended, as it is told to phones and operators.
pub fn told(counts: &Accounting) -> serde_json::Value {
    serde_json::json!({
        "received": counts.received,
        "stored": counts.stored,
        "duplicate": counts.duplicate,
        "unsupported": counts.unsupported,
        "rejected": counts.rejected,
    })
}

/// Has `/metrics` tell of every adapter that nothing ended nowhere yet. Of a counter that shows for the first time with its first count,
/// Prometheus cannot tell that it grew.
pub fn begin_watching() {
    for adapter in adapters::all() {
        metrics::counter!(UNBALANCED, "adapter" => adapter.name()).increment(0);
    }
}

/// Deliveries of which not all records ended somewhere.
const UNBALANCED: &str = "sekisho_deliveries_unbalanced_total";

/// Counts how records ended, and says aloud when one that was read ended nowhere.
fn watch(adapter: &'static str, report: &ImportReport) {
    let counts = &report.accounting;
    for (outcome, count) in [
        (Outcome::Stored, counts.stored),
        (Outcome::Duplicate, counts.duplicate),
        (Outcome::Unsupported, counts.unsupported),
        (Outcome::Rejected, counts.rejected),
    ] {
        metrics::counter!("sekisho_records_total", "adapter" => adapter, "outcome" => outcome.to_string())
            .increment(count);
    }
    if !counts.adds_up() {
        metrics::counter!(UNBALANCED, "adapter" => adapter).increment(1);
        tracing::error!(
            adapter,
            batch = report.batch.0,
            read = counts.received,
            ended = counts.stored + counts.duplicate + counts.unsupported + counts.rejected,
            "a delivery does not add up: keep the file, some of its records ended nowhere"
        );
    }
}

/// Bytes that tell how many of them were read. A file is read once from front to back, but for a container's directory: so
/// their sum is how far the reading got, and the highest place is not.
pub struct Watched<'a, B: ?Sized, F> {
    /// The bytes.
    pub bytes: &'a B,
    /// Takes how many were read just now.
    pub count: F,
}

impl<B: ReaderAt + ?Sized, F: Fn(u64)> ReaderAt for Watched<'_, B, F> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let length = self.bytes.read_at(buffer, offset)?;
        (self.count)(length as u64);
        Ok(length)
    }
}

/// A file that is read at places.
pub struct FileBytes(pub std::fs::File);

impl ReaderAt for FileBytes {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(&self.0, buffer, offset)
    }
}

struct Receiver {
    import: Import,
    /// The person's number of each source handed so far.
    sources: Vec<u16>,
    /// Vendor type and unit of each parked series handed so far.
    series: Vec<(Arc<str>, Arc<str>)>,
    left_out: Vec<LeftOut>,
    /// The day on which the resident brings it themselves.
    brought: Option<LocalDay>,
    failure: Option<StoreError>,
}

impl Sink for Receiver {
    fn home(&self) -> jiff::tz::TimeZone {
        self.import.home()
    }

    fn hand(&mut self, piece: Handed) -> Result<(), SinkClosed> {
        self.take(piece).map_err(|error| {
            self.failure = Some(error);
            SinkClosed
        })
    }
}

impl Receiver {
    fn take(&mut self, piece: Handed) -> Result<(), StoreError> {
        match piece {
            Handed::Asserted(asserted) => self.import.set_asserted(asserted),
            Handed::Source(source) => {
                let number = self.import.source(&source)?;
                self.sources.push(number);
                Ok(())
            }
            Handed::Samples(mut samples) => {
                for sample in &mut samples {
                    sample.source = self.number(sample.source)?;
                }
                self.import.push(samples)
            }
            Handed::Identified(mut records) => {
                for record in &mut records {
                    for sample in record.what.samples_mut() {
                        sample.source = self.number(sample.source)?;
                    }
                }
                self.import.push_identified(records)
            }
            Handed::ParkedSeries { vendor_type, unit } => {
                self.series.push((vendor_type.into(), unit.into()));
                Ok(())
            }
            Handed::Parked(numbers) => {
                let mut parked = Vec::with_capacity(numbers.len());
                for number in numbers {
                    let (vendor_type, unit) = self.series.get(usize::from(number.series)).ok_or(UNKNOWN)?;
                    let Value::Quantity(value) = number.sample.value else {
                        return Err(UNKNOWN);
                    };
                    parked.push(Parked {
                        vendor_type: Arc::clone(vendor_type),
                        unit: Arc::clone(unit),
                        source: self.number(number.sample.source)?,
                        start: number.sample.start,
                        end: number.sample.end,
                        offset: number.sample.offset,
                        value: value.exact(),
                        flags: number.sample.flags,
                    });
                }
                self.import.park(parked)
            }
            Handed::Checkup(told) => {
                // The adapter hands one source, and all that it reads is of it.
                let source = self.number(0)?;
                let mut checkup = told.checkup;
                if let Some(day) = self.brought {
                    checkup.word = Told::Brought;
                    if checkup.is_table() {
                        checkup.written = day.max(checkup.day);
                    }
                }
                self.import.checkup(source, checkup, told.original)
            }
            Handed::NotStored(records) => records.into_iter().try_for_each(|record| {
                if self.left_out.len() < TOLD {
                    self.left_out.push(LeftOut {
                        number: record.line,
                        outcome: record.outcome,
                        reason: record.reason.clone(),
                    });
                }
                self.import.raw(Raw {
                    text: record.text.into_bytes(),
                    outcome: record.outcome,
                    reason: record.reason,
                    line: record.line,
                })
            }),
        }
    }

    fn number(&self, index: u16) -> Result<u16, StoreError> {
        self.sources.get(usize::from(index)).copied().ok_or(UNKNOWN)
    }
}

/// An adapter that breaks its promise to the sink.
const UNKNOWN: StoreError = StoreError::Invalid {
    what: "a record names a source or type that was not handed before it",
};

#[cfg(test)]
#[path = "import_tests.rs"]
mod tests;
