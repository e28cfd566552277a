//! Adapters: one folder a vendor, all of one shape; vendor bytes in, samples out.
//!
//! A vendor's name lives here and nowhere else. Nothing here asks for the time, stores anything, or knows a person.

pub mod apple_health;
pub mod apple_health_push;
mod archive;
pub mod checkup;
pub mod cloud;
mod coverage;
pub mod delegated;
pub mod feed;
pub mod fitbit;
pub mod google_fit;
pub mod google_health;
pub mod google_takeout;
#[cfg(test)]
mod harness;
pub mod health_connect;
pub mod measure;
pub mod myna_portal;
pub mod omron;
pub mod omron_b2b;
pub mod pull;
mod push;
mod zone;

/// Made-up files for the demo, tests and benchmarks.
pub use apple_health::synthetic;

pub use coverage::{Coverage, Covered, How, ReExporter};
pub use push::push_batch;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use model::checkup::Checkup;
use model::units::Conversion;
use model::{Accounting, Identified, Metric, Outcome, Sample, Source, UtcMillis};
pub use rawzip::ReaderAt;

/// Bytes that can be read from anywhere: a file, or a sealed spool.
pub struct Input<'a> {
    /// Where the bytes are.
    pub bytes: &'a (dyn ReaderAt + Sync),
    /// How many there are.
    pub size: u64,
}

/// A number of a type that no metric maps yet: kept as columns under its vendor name, so that a later mapping picks it up.
#[derive(Clone, Debug, PartialEq)]
pub struct Parked {
    /// Index of the vendor's type and unit in this reading, as handed with [`Handed::ParkedSeries`].
    pub series: u16,
    /// The number, its interval, offset and source; the metric is [`model::Metric::NONE`].
    pub sample: Sample,
}

/// A record that is neither stored nor parked: kept as text, compressed and sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotStored {
    /// Unsupported or rejected.
    pub outcome: Outcome,
    /// Why: a fixed word.
    pub reason: String,
    /// Its line in the file, or its number in the list of a push, from 1.
    pub line: u64,
    /// The record as it stood, at most [`MAX_TEXT`] bytes.
    pub text: String,
}

/// The most text that is kept of one record.
pub const MAX_TEXT: usize = 16 * 1024;

/// What an adapter hands on while it reads.
#[derive(Clone, Debug, PartialEq)]
pub enum Handed {
    /// When the vendor asserted all that follows (the export's date). Comes before any sample, or never.
    Asserted(UtcMillis),
    /// A source; its index is the number of sources handed before it. `Sample::source` holds that index.
    Source(Source),
    /// Samples, in the order of the file.
    Samples(Vec<Sample>),
    /// Records that their vendor names by ids; the `source` of their samples holds an index as above.
    Identified(Vec<Identified>),
    /// A vendor type without a mapping, with its unit; its index is the number of such series handed before it.
    ParkedSeries {
        /// The vendor's type, at most 256 bytes.
        vendor_type: String,
        /// The vendor's unit as written, at most 64 bytes.
        unit: String,
    },
    /// Numbers of unmapped types. Each was counted as unsupported by the adapter, except beats, which count once a list.
    Parked(Vec<Parked>),
    /// Records kept as text. Each was counted by the adapter.
    NotStored(Vec<NotStored>),
    /// A checkup, told by a document.
    Checkup(Box<BroughtCheckup>),
}

/// A checkup and the document that told it.
#[derive(Clone, Debug, PartialEq)]
pub struct BroughtCheckup {
    /// What it says.
    pub checkup: Checkup,
    /// The document as it came.
    pub original: Vec<u8>,
}

impl BroughtCheckup {
    /// How many records it is: its results, or one request to delete.
    pub fn records(&self) -> u64 {
        match self.checkup.is_deletion() {
            true => 1,
            false => self.checkup.findings.len() as u64,
        }
    }
}

/// The receiver is gone: stop reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the receiver of the samples has stopped")]
pub struct SinkClosed;

/// Takes what an adapter reads.
pub trait Sink {
    /// Takes one piece.
    ///
    /// # Errors
    /// [`SinkClosed`] when nothing more is wanted; the adapter stops at once.
    fn hand(&mut self, piece: Handed) -> Result<(), SinkClosed>;

    /// The zone in which lives whose records they are: of civil times nobody else may say where they were.
    fn home(&self) -> TimeZone {
        TimeZone::fixed(jiff::tz::offset(9))
    }
}

/// What became of a reading.
#[derive(Debug, Default)]
pub struct Reading {
    /// Every record that was not handed on as a sample. Samples are counted by the store: stored or duplicate.
    pub accounting: Accounting,
    /// Samples handed on; of records that are named by ids the records, whatever they hold; of checkups their results.
    pub samples: u64,
    /// Metadata keys met, each with what is done with it and how often.
    pub metadata: BTreeMap<String, (MetadataUse, u64)>,
    /// Why reading ended before the end of the file, if it did. What was read before is good.
    pub ended: Option<AdapterError>,
}

/// What is done with a metadata key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetadataUse {
    /// It becomes part of the sample.
    Mapped,
    /// It says something that has no place yet; counted only.
    Dropped,
    /// Nobody has looked at it yet; counted only.
    Unknown,
}

/// Why a file could not be read, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum AdapterError {
    /// The file is of no known kind.
    #[error("no adapter knows this file: it is neither {0}")]
    Unrecognised(String),
    /// The file is a container without the vendor's data.
    #[error("the file holds no {expected}: {problem}")]
    NothingInside {
        /// What should have been inside.
        expected: &'static str,
        /// What was found instead.
        problem: String,
    },
    /// The file ends too early or is damaged.
    #[error(
        "the file is damaged {place}: {problem}. Everything before that was read; export it again and import the new file"
    )]
    Damaged {
        /// Where, in lines or bytes.
        place: String,
        /// What is wrong.
        problem: String,
    },
    /// A bound was passed that no honest file passes.
    #[error("the file was refused: {problem}")]
    Refused {
        /// Which bound.
        problem: String,
    },
    /// It bears Individual Numbers (マイナンバー), or codes of the register of residents (住民票コード), which may not be held.
    #[error(
        "the file was refused and nothing of it was kept: it bears Individual Numbers (マイナンバー) or codes of the \
         register of residents (住民票コード), which may not be held here. Ask for the file without them"
    )]
    IndividualNumber,
    /// It holds medical claims, which are no business of a health record.
    #[error(
        "the file was refused and nothing of it was kept: it holds medical claims (診療報酬明細書), which are no business of a \
         health record. The results of a checkup come as XML or as a table of items"
    )]
    Claims,
    /// A ZIP that opens with a password only.
    #[error("the ZIP is locked with a password. Unlock it first, or say its password where one can be said")]
    Locked,
    /// What was said to be its password does not open it.
    #[error("the file was refused: its password is another one")]
    OtherPassword,
    /// The file could not be read from disk.
    #[error("the file could not be read: {0}")]
    Io(#[from] std::io::Error),
    /// The receiver stopped.
    #[error(transparent)]
    Closed(#[from] SinkClosed),
}

/// One vendor's files.
pub trait Adapter: Send + Sync {
    /// The adapter's name on the command line and in batches.
    fn name(&self) -> &'static str;

    /// Grows whenever the mapping changes, so that a batch tells which mapping read it.
    fn mapping_version(&self) -> u32;

    /// What its files are, for people.
    fn describes(&self) -> &'static str;

    /// What residents are told of its files, or of what in their phones pushes it, Japanese and English; `None` for what clouds answer
    /// and feeds hold, which have titles of their own.
    fn brought(&self) -> Option<[&'static str; 2]> {
        None
    }

    /// What it makes of the vendor's records.
    fn coverage(&self) -> Coverage;

    /// What a number of this type and unit becomes that was parked when nothing mapped it; `None` for one that nothing maps now either.
    fn promotes(&self, _vendor_type: &str, _unit: &str) -> Option<(Metric, Conversion)> {
        None
    }

    /// The JSON Schema of what companions push, for vendors that are pushed.
    fn push_schema(&self) -> Option<&'static str> {
        None
    }

    /// Whether the content is of this vendor, whatever the file's name.
    fn recognises(&self, input: &Input<'_>) -> bool;

    /// Reads all records, in bounded memory, and hands them on.
    ///
    /// # Errors
    /// Only when nothing could be read; a file that is damaged further on gives a [`Reading`] that says where it ended.
    fn read(&self, input: &Input<'_>, sink: &mut dyn Sink) -> Result<Reading, AdapterError>;
}

/// Every adapter there is.
pub fn all() -> &'static [&'static dyn Adapter] {
    &[
        &apple_health::AppleHealth,
        &apple_health_push::AppleHealthPush,
        &checkup::CheckupDocuments,
        &fitbit::Fitbit,
        &google_fit::GoogleFit,
        &google_health::GoogleHealth,
        &google_takeout::GoogleTakeout,
        &health_connect::HealthConnect,
        &omron::Omron,
        &omron_b2b::OmronB2b,
    ]
}

/// What vendors hand partners of many people.
pub fn feeds() -> &'static [&'static dyn feed::Feed] {
    &[&omron_b2b::OmronB2b]
}

/// Portals of the state that residents can let hand over their records.
pub fn delegated() -> &'static [&'static dyn delegated::Delegated] {
    &[&myna_portal::MynaPortal]
}

/// Every cloud that is asked.
pub fn clouds() -> &'static [&'static dyn cloud::Cloud] {
    &[
        &google_health::GoogleHealth,
        &omron::Omron,
        &google_fit::GoogleFit,
        &fitbit::Fitbit,
    ]
}

/// The adapter with this name.
pub fn named(name: &str) -> Option<&'static dyn Adapter> {
    all().iter().copied().find(|adapter| adapter.name() == name)
}

/// Every adapter that reads files which residents bring.
pub fn files() -> impl Iterator<Item = &'static dyn Adapter> {
    let is_asked = |name: &str| {
        let clouds = clouds().iter().map(|cloud| cloud.name());
        clouds
            .chain(feeds().iter().map(|feed| feed.name()))
            .any(|asked| asked == name)
    };
    all()
        .iter()
        .copied()
        .filter(move |adapter| adapter.push_schema().is_none() && !is_asked(adapter.name()))
}

/// Every adapter that companions push to.
pub fn pushing() -> impl Iterator<Item = &'static dyn Adapter> {
    all().iter().copied().filter(|adapter| adapter.push_schema().is_some())
}

/// The adapter whose content this is, of those that read files: what phones push and clouds answer comes another way, or by name.
///
/// # Errors
/// [`AdapterError::Unrecognised`] that lists what is known, [`AdapterError::Locked`] where a password hides what it is.
pub fn recognise(input: &Input<'_>) -> Result<&'static dyn Adapter, AdapterError> {
    files().find(|adapter| adapter.recognises(input)).ok_or_else(|| {
        if archive::is_locked(input) {
            return AdapterError::Locked;
        }
        let known: Vec<&str> = files().map(|adapter| adapter.describes()).collect();
        AdapterError::Unrecognised(known.join(" nor "))
    })
}
