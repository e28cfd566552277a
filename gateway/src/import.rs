//! One delivery's way from an adapter into the store: numbers of sources and parked types are exchanged for the person's, and
//! everything else is handed through.
//!
//! The adapter reads and the store gathers on one thread; the store's writer merges, compresses and seals on another.

use std::io;
use std::sync::Arc;

use adapters::{Adapter, AdapterError, Handed, Input, ReaderAt, Reading, Sink, SinkClosed};
use model::{PersonId, Value};
use store::{BatchStart, Import, ImportReport, Parked, Raw, Store, StoreError};

/// What an import came to.
pub struct Imported {
    /// What the store says.
    pub report: ImportReport,
    /// What the adapter says: metadata met, and why reading ended early, if it did.
    pub reading: Reading,
}

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
    let start = BatchStart {
        adapter: adapter.name().to_owned(),
        mapping_version: adapter.mapping_version(),
    };
    let mut receiver = Receiver {
        import: store.begin_import(person, start)?,
        sources: Vec::new(),
        series: Vec::new(),
        failure: None,
    };
    let reading = adapter.read(input, &mut receiver);
    if let Some(failure) = receiver.failure {
        return Err(failure.into());
    }
    let reading = reading?;
    let mut import = receiver.import;
    import.account(&reading.accounting);
    Ok(Imported {
        report: import.finish()?,
        reading,
    })
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

struct Receiver {
    import: Import,
    /// The person's number of each source handed so far.
    sources: Vec<u16>,
    /// Vendor type and unit of each parked series handed so far.
    series: Vec<(Arc<str>, Arc<str>)>,
    failure: Option<StoreError>,
}

impl Sink for Receiver {
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
            Handed::NotStored(records) => records.into_iter().try_for_each(|record| {
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
