//! What companions push, of whatever vendor: one JSON object of records and deletions, each of them named by the vendor's id.
//!
//! The object is held against the adapter's own schema: the whole for what every push has, each record by itself, so that one
//! record that is wrong ends alone. Bounds: 16 MiB, 10,000 records and as many deletions.

use std::collections::HashMap;
use std::sync::LazyLock;

use jsonschema::Validator;
use model::units::{Conversion, parse_number};
use model::{Identified, Measured, Metric, Outcome, Sample, Source, UtcMillis, Value as Measure, Word};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::measure::{self, Rejection};
use crate::zone::Zone;
use crate::{AdapterError, Handed, Input, MAX_TEXT, NotStored, Parked, Reading, Sink, SinkClosed};

/// The largest push.
pub const MOST_BYTES: u64 = 16 << 20;
/// Bytes of a source's key, and of an id, at most.
pub(crate) const LONGEST_KEY: usize = 512;
/// The most sources of one push.
const MOST_SOURCES: usize = 512;
/// Sources that are found again by what they were made of.
const MOST_MADE_OF: usize = 8;
/// The most unmapped types of one push.
const MOST_TYPES: usize = 512;
/// Records that are handed on at once.
const CHUNK: usize = 1_024;

/// What a vendor's pushes look like.
pub(crate) struct Form {
    /// Of `format`: the adapter's name and the version of its schema.
    pub format: &'static str,
    /// The member that holds records.
    pub records: &'static str,
    /// The member that holds deletions, and the member of a deletion that holds the id.
    pub deletions: (&'static str, &'static str),
    /// JSON Schema (2020-12) of a push; `#/$defs/record` is that of a record.
    pub schema: &'static str,
    /// The two, compiled.
    pub checks: &'static LazyLock<Option<Checks>>,
}

/// A compiled schema.
pub(crate) struct Checks {
    envelope: Validator,
    record: Validator,
}

impl Checks {
    /// Compiles a schema; `None` for one that is none, which a test rules out.
    pub fn of(schema: &str) -> Option<Self> {
        let whole: Value = serde_json::from_str(schema).ok()?;
        let mut record = whole.get("$defs")?.get("record")?.clone();
        record
            .as_object_mut()?
            .insert("$defs".into(), whole.get("$defs")?.clone());
        Some(Self {
            envelope: jsonschema::validator_for(&whole).ok()?,
            record: jsonschema::validator_for(&record).ok()?,
        })
    }
}

/// Why a record came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Not {
    /// It is no measurement.
    Rejected(&'static str),
    /// Nothing reads it yet.
    Unsupported(&'static str),
    /// It says nothing that another record does not say.
    Duplicate(&'static str),
    /// The receiver is gone.
    Closed,
}

impl From<Rejection> for Not {
    fn from(Rejection(reason): Rejection) -> Self {
        Self::Rejected(reason)
    }
}

impl From<SinkClosed> for Not {
    fn from(_: SinkClosed) -> Self {
        Self::Closed
    }
}

/// What a record came to.
pub(crate) enum Made {
    /// A record of samples.
    Record {
        /// The vendor's id.
        id: String,
        /// When the vendor said so.
        said: UtcMillis,
        /// What it holds.
        samples: Vec<Sample>,
    },
    /// A number of a type without a mapping: type, unit, and the number.
    Parked(String, String, Sample),
    /// What it is shows once all records are read ([`Records::rest`]).
    Waits,
}

/// What one vendor makes of the records of a push.
pub(crate) trait Records {
    /// What becomes of one; its place in the list is counted from 1.
    fn record(&mut self, push: &mut Push<'_>, record: &Value, place: u64) -> Result<Made, Not>;

    /// Ends what waits, once all records are read.
    fn rest(self, _: &mut Push<'_>) -> Result<(), SinkClosed>
    where
        Self: Sized,
    {
        Ok(())
    }
}

/// Where each record says by itself what it is.
impl<F: FnMut(&mut Push<'_>, &Value) -> Result<Made, Not>> Records for F {
    fn record(&mut self, push: &mut Push<'_>, record: &Value, _: u64) -> Result<Made, Not> {
        self(push, record)
    }
}

/// A push being read.
pub(crate) struct Push<'s> {
    sink: &'s mut dyn Sink,
    reading: Reading,
    sources: HashMap<String, u16>,
    /// What the first sources were made of, and their numbers: mostly there are few.
    made_of: Vec<([Value; 2], u16)>,
    /// Those whose vendor writes them as one text, by it.
    by_writing: HashMap<String, u16>,
    series: HashMap<(String, String), u16>,
    records: Vec<Identified>,
    samples: Vec<Sample>,
    parked: Vec<Parked>,
    texts: Vec<NotStored>,
    /// When the companion asked its phone.
    pub sent: UtcMillis,
    /// Where civil times were.
    pub zone: Zone,
}

/// True for a push of this form.
pub(crate) fn recognises(form: &Form, input: &Input<'_>) -> bool {
    recognises_format(form.format, input, MOST_BYTES)
}

/// True for a JSON object whose `format` is this.
pub(crate) fn recognises_format(format: &str, input: &Input<'_>, most: u64) -> bool {
    // Most files are something else: their first bytes say so.
    let mut head = [0; 64];
    let length = input.bytes.read_at(&mut head, 0).unwrap_or(0);
    let opens = head[..length].iter().find(|byte| !byte.is_ascii_whitespace());
    if opens.is_some_and(|byte| *byte != b'{') {
        return false;
    }
    let Ok(bytes) = bytes(input, most) else { return false };
    let head = serde_json::from_slice::<HashMap<String, &RawValue>>(&bytes).ok();
    let found: Option<String> = head.and_then(|head| serde_json::from_str(head.get("format")?.get()).ok());
    found.as_deref() == Some(format)
}

/// Reads a push; `each` makes what becomes of its records.
pub(crate) fn read(
    form: &Form,
    input: &Input<'_>,
    sink: &mut dyn Sink,
    mut each: impl Records,
) -> Result<Reading, AdapterError> {
    let bytes = bytes(input, MOST_BYTES)?;
    let damaged = |error: serde_json::Error| AdapterError::Damaged {
        place: format!("at line {}, column {}", error.line(), error.column()),
        problem: "it is no JSON".to_owned(),
    };
    let members: HashMap<String, &RawValue> = serde_json::from_slice(&bytes).map_err(damaged)?;
    // Records are taken apart one by one: a tree of all of them at once costs twice as much.
    let records = members.get(form.records).map(|records| records.get());
    let records: Vec<&RawValue> = records
        .and_then(|records| serde_json::from_str(records).ok())
        .unwrap_or_default();
    let mut whole = serde_json::Map::new();
    for (name, member) in &members {
        let value = match name == form.records && !records.is_empty() {
            true => records.iter().map(|record| stand_in(record)).collect(),
            false => serde_json::from_str(member.get()).map_err(damaged)?,
        };
        whole.insert(name.clone(), value);
    }
    let whole = Value::Object(whole);
    let checks = form
        .checks
        .as_ref()
        .ok_or_else(|| refused("its schema cannot be read"))?;
    if let Some(error) = checks.envelope.iter_errors(&whole).next() {
        return Err(refused(&format!("{} is not as the schema says", place_of(&error, ""))));
    }
    let sent = whole["sentAt"].as_str().and_then(instant);
    let sent = sent.ok_or_else(|| refused("sentAt is no instant"))?.0;
    let mut push = Push::new(sink, sent);
    let list = |name: &str| whole[name].as_array().map(Vec::as_slice).unwrap_or_default();
    for (place, record) in records.into_iter().enumerate() {
        let Ok(tree) = serde_json::from_str::<Value>(record.get()) else {
            push.end_text(Not::Rejected("not-json"), record.get(), place as u64 + 1)?;
            continue;
        };
        let record = &tree;
        // What is wrong is looked for only where something is.
        let error = match checks.record.is_valid(record) {
            true => None,
            false => checks.record.iter_errors(record).next(),
        };
        let made = match error {
            Some(error) => Err(format!("schema {}", place_of(&error, "the record"))),
            None => match each.record(&mut push, record, place as u64 + 1) {
                Ok(made) => Ok(made),
                Err(not) => {
                    push.end(not, record, place as u64 + 1)?;
                    continue;
                }
            },
        };
        match made {
            Ok(mut made) => {
                if let Made::Record { said, .. } = &mut made {
                    // Nothing was said after the phone was asked: of a sample of all day, say, whose end is still to come, a deletion
                    // that was asked for later is the later word, whenever the two arrive.
                    *said = (*said).min(sent);
                }
                if let Err(not) = push.take(made) {
                    push.end(not, record, place as u64 + 1)?;
                }
            }
            Err(reason) => push.not_stored(Outcome::Rejected, reason, record.to_string(), place as u64 + 1)?,
        }
    }
    each.rest(&mut push)?;
    for deletion in list(form.deletions.0) {
        push.identified(Identified {
            id: deletion[form.deletions.1].as_str().unwrap_or_default().to_owned(),
            said: sent,
            what: Word::Deleted,
        })?;
    }
    push.finish()
}

/// What stands for a record while the whole is looked at: that it is an object is all that the whole has to know.
fn stand_in(record: &RawValue) -> Value {
    match record.get().starts_with('{') {
        true => Value::Object(serde_json::Map::new()),
        false => Value::Null,
    }
}

/// The companion's own id of a push; `None` for what is no push.
pub fn push_batch(bytes: &[u8]) -> Option<String> {
    let members: HashMap<String, &RawValue> = serde_json::from_slice(bytes).ok()?;
    let batch: String = serde_json::from_str(members.get("batch")?.get()).ok()?;
    (1..=128).contains(&batch.len()).then_some(batch)
}

/// All bytes of an input that has at most so many.
pub(crate) fn bytes(input: &Input<'_>, most: u64) -> Result<Vec<u8>, AdapterError> {
    if input.size > most {
        return Err(refused(&format!("it has more than {} MiB", most >> 20)));
    }
    let mut bytes = vec![0; input.size as usize];
    let mut filled = 0;
    while filled < bytes.len() {
        match input.bytes.read_at(&mut bytes[filled..], filled as u64)? {
            0 => break,
            read => filled += read,
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// It is not read at all.
pub(crate) fn refused(problem: &str) -> AdapterError {
    AdapterError::Refused {
        problem: problem.to_owned(),
    }
}

/// Where in a record the schema was broken: names that the schema knows, never what somebody wrote. What stands below `metadata` is
/// named by whoever wrote the record, so the place ends there.
fn place_of(error: &jsonschema::ValidationError<'_>, whole: &str) -> String {
    const WRITERS_OWN: &str = "metadata";
    let path = error.instance_path().to_string();
    let mut parts: Vec<&str> = path.split('/').skip(1).take(4).collect();
    if let Some(at) = parts.iter().position(|part| *part == WRITERS_OWN) {
        parts.truncate(at + 1);
    }
    if let jsonschema::error::ValidationErrorKind::Required { property } = error.kind() {
        parts.extend(property.as_str());
    }
    match parts.is_empty() {
        true => whole.to_owned(),
        false => parts.join("/"),
    }
}

impl<'s> Push<'s> {
    /// One that hands to `sink` what was sent then.
    pub fn new(sink: &'s mut dyn Sink, sent: UtcMillis) -> Self {
        Self {
            zone: Zone::home(sink.home()),
            sink,
            reading: Reading::default(),
            sources: HashMap::new(),
            made_of: Vec::new(),
            by_writing: HashMap::new(),
            series: HashMap::new(),
            records: Vec::new(),
            samples: Vec::new(),
            parked: Vec::new(),
            texts: Vec::new(),
            sent,
        }
    }

    /// The number of a source, handed on when it is new.
    pub fn source(&mut self, source: Source) -> Result<u16, Not> {
        if let Some(number) = self.sources.get(&source.key) {
            return Ok(*number);
        }
        if self.sources.len() >= MOST_SOURCES {
            return Err(Not::Rejected("too-many-sources"));
        }
        // One record ends, not all of its delivery: the store takes no longer one.
        if source.key.len() > LONGEST_KEY {
            return Err(Not::Rejected("source-too-long"));
        }
        let number = self.sources.len() as u16;
        self.sources.insert(source.key.clone(), number);
        self.sink.hand(Handed::Source(source))?;
        Ok(number)
    }

    /// The number of the source that these members of a record say, of which `make` makes it.
    pub fn source_of(&mut self, said: [&Value; 2], make: impl FnOnce() -> Source) -> Result<u16, Not> {
        let known = self.made_of.iter().find(|([one, other], _)| [one, other] == said);
        if let Some((_, number)) = known {
            return Ok(*number);
        }
        let number = self.source(make())?;
        if self.made_of.len() < MOST_MADE_OF {
            self.made_of.push((said.map(Value::clone), number));
        }
        Ok(number)
    }

    /// The number of the source that is written so, of which `make` makes it.
    pub fn source_written(&mut self, written: &str, make: impl FnOnce(&str) -> Source) -> Result<u16, Not> {
        if let Some(number) = self.by_writing.get(written) {
            return Ok(*number);
        }
        let number = self.source(make(written))?;
        if self.by_writing.len() < MOST_SOURCES {
            self.by_writing.insert(written.to_owned(), number);
        }
        Ok(number)
    }

    /// Counts a member that is looked at and left out.
    pub fn left_out(&mut self, member: &str) {
        let entry = self.reading.metadata.entry(member.to_owned());
        entry.or_insert((crate::MetadataUse::Dropped, 0)).1 += 1;
    }

    /// Times that can be: not ending before they start, not later than the companion's now.
    pub fn times(&self, start: UtcMillis, end: UtcMillis) -> Result<(), Not> {
        if end < start {
            return Err(Not::Rejected("end-before-start"));
        }
        if start > self.sent.plus(model::time::DAY_MS) {
            return Err(Not::Rejected("start-in-future"));
        }
        if start < UtcMillis::EARLIEST || end >= UtcMillis::LATEST {
            return Err(Not::Rejected("time-impossible"));
        }
        Ok(())
    }

    /// Takes what a record came to.
    pub fn take(&mut self, made: Made) -> Result<(), Not> {
        match made {
            Made::Record { id, said, samples } => Ok(self.identified(Identified {
                id,
                said,
                what: Word::Holds(samples),
            })?),
            Made::Parked(vendor_type, unit, sample) => self.park(vendor_type, unit, sample),
            Made::Waits => Ok(()),
        }
    }

    /// Hands on what its vendor names by an id.
    pub fn identified(&mut self, record: Identified) -> Result<(), SinkClosed> {
        self.reading.samples += record.records();
        self.records.push(record);
        if self.records.len() >= CHUNK {
            self.sink.hand(Handed::Identified(std::mem::take(&mut self.records)))?;
        }
        Ok(())
    }

    /// Hands on what has no id: its metric, source and interval tell it apart.
    pub fn sample(&mut self, sample: Sample) -> Result<(), SinkClosed> {
        self.reading.samples += 1;
        self.samples.push(sample);
        if self.samples.len() >= CHUNK {
            self.sink.hand(Handed::Samples(std::mem::take(&mut self.samples)))?;
        }
        Ok(())
    }

    /// Says when the vendor asserted all that follows.
    pub fn asserted(&mut self, at: UtcMillis) -> Result<(), SinkClosed> {
        self.sink.hand(Handed::Asserted(at))
    }

    /// Counts what is not handed on and not kept.
    pub fn count(&mut self, outcome: Outcome, reason: &str) {
        self.reading.accounting.count(outcome, reason);
    }

    fn park(&mut self, vendor_type: String, unit: String, sample: Sample) -> Result<(), Not> {
        let key = (vendor_type, unit);
        let series = match self.series.get(&key) {
            Some(series) => *series,
            None if self.series.len() >= MOST_TYPES => return Err(Not::Unsupported("too-many-types")),
            None => {
                let series = self.series.len() as u16;
                let (vendor_type, unit) = key.clone();
                self.sink.hand(Handed::ParkedSeries { vendor_type, unit })?;
                self.series.insert(key, series);
                series
            }
        };
        self.reading.accounting.count(Outcome::Unsupported, "parked");
        debug_assert!(sample.metric == Metric::NONE && matches!(sample.value, Measure::Quantity(_)));
        self.parked.push(Parked { series, sample });
        if self.parked.len() >= CHUNK {
            self.sink.hand(Handed::Parked(std::mem::take(&mut self.parked)))?;
        }
        Ok(())
    }

    /// A record that ends otherwise than stored.
    pub fn end(&mut self, not: Not, record: &Value, place: u64) -> Result<(), SinkClosed> {
        match not {
            // Its text is made only where it is kept.
            Not::Rejected(_) | Not::Unsupported(_) => self.end_text(not, &record.to_string(), place),
            Not::Duplicate(_) | Not::Closed => self.end_text(not, "", place),
        }
    }

    /// As [`Push::end`], of a record whose text is there.
    pub fn end_text(&mut self, not: Not, text: &str, place: u64) -> Result<(), SinkClosed> {
        match not {
            Not::Rejected(reason) => self.not_stored(Outcome::Rejected, reason.to_owned(), text.to_owned(), place),
            Not::Unsupported(reason) => {
                self.not_stored(Outcome::Unsupported, reason.to_owned(), text.to_owned(), place)
            }
            Not::Duplicate(reason) => {
                self.reading.accounting.count(Outcome::Duplicate, reason);
                Ok(())
            }
            Not::Closed => Err(SinkClosed),
        }
    }

    fn not_stored(&mut self, outcome: Outcome, reason: String, mut text: String, line: u64) -> Result<(), SinkClosed> {
        self.reading.accounting.count(outcome, &reason);
        let mut cut = text.len().min(MAX_TEXT);
        while !text.is_char_boundary(cut) {
            cut -= 1;
        }
        text.truncate(cut);
        self.texts.push(NotStored {
            outcome,
            reason,
            line,
            text,
        });
        if self.texts.len() >= CHUNK {
            self.sink.hand(Handed::NotStored(std::mem::take(&mut self.texts)))?;
        }
        Ok(())
    }

    /// Hands on what was gathered.
    pub fn finish(self) -> Result<Reading, AdapterError> {
        for (is_empty, piece) in [
            (self.samples.is_empty(), Handed::Samples(self.samples)),
            (self.records.is_empty(), Handed::Identified(self.records)),
            (self.parked.is_empty(), Handed::Parked(self.parked)),
            (self.texts.is_empty(), Handed::NotStored(self.texts)),
        ] {
            if !is_empty {
                self.sink.hand(piece)?;
            }
        }
        Ok(self.reading)
    }
}

/// A number, also one that is written as a text, converted.
pub(crate) fn number(value: Option<&Value>, conversion: Conversion) -> Result<Measured, Not> {
    let text = match value {
        Some(Value::Number(number)) => measure::tidy(number),
        Some(Value::String(text)) => text.clone(),
        _ => return Err(Not::Rejected("value-missing")),
    };
    let number = parse_number(text.as_bytes()).map_err(|_| Not::Rejected("not-a-number"))?;
    conversion.convert(number).ok_or(Not::Rejected("number-too-long"))
}

/// A text member.
pub(crate) fn text<'a>(record: &'a Value, member: &str) -> Option<&'a str> {
    record.get(member)?.as_str()
}

/// A member that is a list; empty where it is none.
pub(crate) fn list<'a>(record: &'a Value, member: &str) -> &'a [Value] {
    record
        .get(member)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

/// An ISO 8601 instant with its zone, and whether it is finer than a second.
pub(crate) fn instant(text: &str) -> Option<(UtcMillis, bool)> {
    let instant: jiff::Timestamp = text.parse().ok()?;
    let clock = text.split_once(['T', 't', ' ']).map_or("", |(_, clock)| clock);
    Some((UtcMillis(instant.as_millisecond()), clock.contains(['.', ','])))
}

/// `+09:00` in minutes.
pub(crate) fn offset(text: &str) -> Option<i16> {
    let (sign, clock) = text.trim().split_at_checked(1)?;
    let (hours, minutes) = clock.split_once(':')?;
    let minutes = hours.parse::<i16>().ok()?.checked_mul(60)? + minutes.parse::<i16>().ok()?;
    let minutes = match sign {
        "+" => minutes,
        "-" => -minutes,
        _ => return None,
    };
    Some(minutes).filter(|minutes| minutes.abs() <= 18 * 60)
}

/// The offset at the end of an instant, in minutes; `None` for one in UTC.
pub(crate) fn offset_of(instant: &str) -> Option<i16> {
    offset(instant.get(instant.len().checked_sub(6)?..)?)
}
