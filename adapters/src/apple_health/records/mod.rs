//! Walks the tags of an export, keeps the little state that records need, and hands samples on in chunks.
//!
//! What counts as a record: every `Record` (also inside a correlation), `Correlation`, `Workout`, `WorkoutRoute`, beat list,
//! `ActivitySummary`, `ClinicalRecord`, `Audiogram` and `VisionPrescription`, and any other element that lies beside them. Each is
//! counted once.

mod beside;
mod groups;
mod handing;
mod single;

use jiff::tz::TimeZone;
use model::decimal::Measured;
use model::{Outcome, Sample, UtcMillis};

use super::ahead::Ahead;
use super::pressure::{Half, Pressures};
use super::sources::Sources;
use super::tags::{Tags, Token};
use super::types::Types;
use super::wire;
use crate::measure::Rejection;
use crate::{AdapterError, Handed, MAX_TEXT, NotStored, Parked, Reading, Sink, SinkClosed};

/// Samples in a chunk: large enough that handing on costs nothing, small enough to bound memory.
const CHUNK: usize = 4_096;
/// Distinct metadata keys that are counted by name; the rest counts as `other`.
const MAX_METADATA_KEYS: usize = 256;

/// Elements that hold no record: of whom the export is, and parts of what could not be read itself.
const WITHOUT_RECORDS: [&str; 5] = [
    "Me",
    "WorkoutEvent",
    "WorkoutActivity",
    "FileReference",
    "SensitivityPoint",
];

/// What a record turned out to be, before its metadata is known.
#[derive(Debug)]
enum Made {
    Sample(Sample),
    Half(Half),
    Parked(Parked),
    Not {
        outcome: Outcome,
        reason: &'static str,
        text: String,
    },
}

/// A record whose end tag has not come yet.
#[derive(Debug)]
struct Open {
    made: Made,
    beats: Vec<Parked>,
    has_beats: bool,
    line: u64,
}

/// A correlation whose end tag has not come yet.
#[derive(Debug)]
struct OpenCorrelation {
    is_pressure: bool,
    base: Result<Sample, Rejection>,
    halves: [Option<Measured>; 2],
    text: String,
    line: u64,
}

/// A workout whose end tag has not come yet.
#[derive(Debug)]
struct OpenWorkout {
    base: Result<Sample, Rejection>,
    activity: Option<u32>,
    numbers: [Option<Measured>; 3],
    text: String,
    line: u64,
}

/// Reads one export.
pub struct Records<'s> {
    sink: &'s mut dyn Sink,
    reading: Reading,
    samples: Vec<Sample>,
    parked: Vec<Parked>,
    texts: Vec<NotStored>,
    texts_size: usize,
    types: Types,
    sources: Sources,
    pressures: Pressures,
    exported: Option<UtcMillis>,
    zone: Option<(String, TimeZone)>,
    dates: wire::Dates,
    open: Option<Open>,
    correlation: Option<OpenCorrelation>,
    workout: Option<OpenWorkout>,
    /// Name of an element that is kept as text and whose children are passed over.
    skipping: Option<&'static str>,
}

impl<'s> Records<'s> {
    /// A reader that hands on to `sink`.
    pub fn new(sink: &'s mut dyn Sink) -> Self {
        Self {
            sink,
            reading: Reading::default(),
            samples: Vec::with_capacity(CHUNK),
            parked: Vec::new(),
            texts: Vec::new(),
            texts_size: 0,
            types: Types::default(),
            sources: Sources::default(),
            pressures: Pressures::default(),
            exported: None,
            zone: None,
            dates: wire::Dates::default(),
            open: None,
            correlation: None,
            workout: None,
            skipping: None,
        }
    }

    /// Counts a file beside the export that is not read as values.
    pub fn count_file(&mut self, reason: &'static str) {
        self.reading.accounting.count(Outcome::Unsupported, reason);
    }

    /// Reads to the end.
    ///
    /// # Errors
    /// Only when nothing is an export here, or the receiver stopped.
    pub fn read(mut self, ahead: Ahead) -> Result<Reading, AdapterError> {
        let mut tags = Tags::new(ahead);
        let mut root_open = false;
        let mut root_closed = false;
        loop {
            let token = match tags.next() {
                Ok(token) => token,
                Err(error) => {
                    self.end_at(tags.begins_at(), format!("it cannot be read on ({error})"));
                    break;
                }
            };
            let text = tags.text();
            match token {
                Token::End => break,
                Token::Truncated => {
                    self.abandon(text, tags.begins_at())?;
                    break;
                }
                Token::Damaged => self.damaged(text, tags.begins_at())?,
                Token::Tag if root_open => {
                    if text == "/HealthData" {
                        root_closed = true;
                        break;
                    }
                    self.tag(text, tags.begins_at())?;
                }
                Token::Tag if text.starts_with(['?', '!']) => {}
                Token::Tag => {
                    if name_of(text) != "HealthData" {
                        return Err(AdapterError::NothingInside {
                            expected: "Apple Health export",
                            problem: "the XML's first element is another one than HealthData".to_owned(),
                        });
                    }
                    root_open = true;
                    root_closed = text.ends_with('/');
                }
            }
        }
        if !root_open && self.reading.ended.is_none() {
            return Err(AdapterError::NothingInside {
                expected: "Apple Health export",
                problem: "there is no HealthData element".to_owned(),
            });
        }
        if !root_closed && self.reading.ended.is_none() {
            self.end_at(tags.begins_at(), "it ends before the end of the export".to_owned());
        }
        self.finish()
    }

    fn end_at(&mut self, line: u64, problem: String) {
        self.reading.ended = Some(AdapterError::Damaged {
            place: format!("at line {line}"),
            problem,
        });
    }

    fn tag(&mut self, text: &str, line: u64) -> Result<(), SinkClosed> {
        let name = name_of(text);
        if let Some(skipped) = self.skipping {
            if text.strip_prefix('/') == Some(skipped) {
                self.skipping = None;
            }
            return Ok(());
        }
        let raw = &text[name.len()..];
        let empty = text.ends_with('/');
        match name {
            "Record" => self.record(raw, empty, line),
            "/Record" => self.end_record(),
            "MetadataEntry" => {
                self.metadata(raw);
                Ok(())
            }
            "Correlation" => {
                self.begin_correlation(raw, line);
                if empty { self.end_correlation() } else { Ok(()) }
            }
            "/Correlation" => self.end_correlation(),
            "Workout" => {
                self.begin_workout(raw, line);
                if empty { self.end_workout() } else { Ok(()) }
            }
            "/Workout" => self.end_workout(),
            "WorkoutStatistics" => {
                self.statistics(raw);
                Ok(())
            }
            "HeartRateVariabilityMetadataList" => {
                if let Some(open) = &mut self.open {
                    open.has_beats = true;
                }
                Ok(())
            }
            "InstantaneousBeatsPerMinute" => self.beat(raw),
            "ExportDate" => self.export_date(raw),
            "WorkoutRoute" => self.keep(text, empty, "WorkoutRoute", "route", line),
            "ActivitySummary" => self.keep(text, empty, "ActivitySummary", "activity-summary", line),
            "ClinicalRecord" => self.keep(text, empty, "ClinicalRecord", "clinical-record", line),
            "Audiogram" => self.keep(text, empty, "Audiogram", "audiogram", line),
            "VisionPrescription" => self.keep(text, empty, "VisionPrescription", "vision-prescription", line),
            _ if name.starts_with(['/', '!', '?']) || WITHOUT_RECORDS.contains(&name) || self.is_inside() => Ok(()),
            // A kind of record of a later export. What lies in it is looked at as if it lay beside it.
            _ => self.not_stored(Outcome::Unsupported, "element-unknown", text, line),
        }
    }

    /// Inside of a record, a group or a workout, whose parts are no records.
    fn is_inside(&self) -> bool {
        self.open.is_some() || self.correlation.is_some() || self.workout.is_some()
    }

    fn export_date(&mut self, raw: &str) -> Result<(), SinkClosed> {
        let value = wire::Attributes::new(raw)
            .find(|(name, _)| *name == b"value")
            .and_then(|(_, v)| wire::date(v));
        if let (Some((date, _)), None) = (value, self.exported) {
            self.exported = Some(date);
            self.sink.hand(Handed::Asserted(date))?;
        }
        Ok(())
    }

    /// A tag that is cut off: counted when it was a record, and nothing beside it is lost.
    fn damaged(&mut self, text: &str, line: u64) -> Result<(), SinkClosed> {
        match name_of(text) {
            "Record" | "Correlation" | "Workout" | "ActivitySummary" | "ClinicalRecord" => {
                self.not_stored(Outcome::Rejected, "damaged-markup", text, line)
            }
            _ => Ok(()),
        }
    }

    fn abandon(&mut self, text: &str, line: u64) -> Result<(), SinkClosed> {
        self.damaged(text, line)?;
        self.end_at(line, "it ends inside a record".to_owned());
        Ok(())
    }
}

fn name_of(text: &str) -> &str {
    let end = text
        .bytes()
        .skip(1)
        .position(|b| b.is_ascii_whitespace() || b == b'/')
        .map_or(text.len(), |at| at + 1);
    &text[..end]
}

fn cut(text: &str) -> String {
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}
