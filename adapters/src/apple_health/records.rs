//! Walks the tags of an export, keeps the little state that records need, and hands samples on in chunks.
//!
//! What counts as a record: every `Record` (also inside a correlation), `Correlation`, `Workout`, `WorkoutRoute`, beat list,
//! `ActivitySummary`, `ClinicalRecord`, `Audiogram` and `VisionPrescription`. Each is counted once.

use std::io::BufRead;

use jiff::tz::TimeZone;
use model::decimal::Measured;
use model::time::DAY_MS;
use model::{Metric, Offset, OffsetTrust, Outcome, Sample, UtcMillis, Value};

use super::coverage::{self, Target};
use super::map::{self, Rejection};
use super::pressure::{Half, Pressures};
use super::repair::DAMAGE;
use super::sources::Sources;
use super::tags::{Tags, Token};
use super::types::{Types, VendorType};
use super::wire::{self, RecordAttributes, attribute};
use crate::{AdapterError, Handed, MAX_TEXT, MetadataUse, NotStored, Parked, Reading, Sink, SinkClosed};

/// Samples in a chunk: large enough that handing on costs nothing, small enough to bound memory.
const CHUNK: usize = 4_096;
/// Distinct metadata keys that are counted by name; the rest counts as `other`.
const MAX_METADATA_KEYS: usize = 256;

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
    pub fn read(mut self, reader: impl BufRead) -> Result<Reading, AdapterError> {
        let mut tags = Tags::new(reader);
        let mut root_open = false;
        let mut root_closed = false;
        loop {
            let token = match tags.next() {
                Ok(token) => token,
                Err(error) => {
                    self.end_at(tags.line(), format!("it cannot be read on ({error})"));
                    break;
                }
            };
            let text = tags.text();
            match token {
                Token::End => break,
                Token::Truncated => {
                    self.abandon(text, tags.line())?;
                    break;
                }
                Token::Damaged => self.damaged(text, tags.line())?,
                Token::Tag if root_open => {
                    if text == "/HealthData" {
                        root_closed = true;
                        break;
                    }
                    self.tag(text, tags.line())?;
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
            self.end_at(tags.line(), "it ends before the end of the export".to_owned());
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
            _ => Ok(()),
        }
    }

    /// Counts an element that is not stored and keeps its text; its children are passed over.
    fn keep(
        &mut self,
        text: &str,
        empty: bool,
        name: &'static str,
        reason: &'static str,
        line: u64,
    ) -> Result<(), SinkClosed> {
        self.skipping = (!empty).then_some(name);
        self.not_stored(Outcome::Unsupported, reason, text, line)
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

    fn record(&mut self, raw: &str, empty: bool, line: u64) -> Result<(), SinkClosed> {
        // A record inside a record cannot be: the first one's end was lost.
        if self.open.is_some() {
            self.end_record()?;
        }
        let made = self.make(raw)?;
        if empty {
            return self.commit(made, line);
        }
        self.open = Some(Open {
            made,
            beats: Vec::new(),
            has_beats: false,
            line,
        });
        Ok(())
    }

    fn make(&mut self, raw: &str) -> Result<Made, SinkClosed> {
        let not = |outcome, reason| Made::Not {
            outcome,
            reason,
            text: cut(raw),
        };
        if memchr::memchr(DAMAGE, raw.as_bytes()).is_some() {
            return Ok(not(Outcome::Rejected, "invalid-utf8"));
        }
        let attributes = RecordAttributes::read(raw);
        if attributes.kind.is_empty() {
            return Ok(not(Outcome::Rejected, "type-missing"));
        }
        let index = self.types.find(attributes.kind);
        let base = match self.base(&attributes)? {
            Ok(base) => base,
            Err(Rejection(reason)) => return Ok(not(Outcome::Rejected, reason)),
        };
        let kind = self.types.get_mut(index);
        let Some(target) = kind.target else {
            return self.park(index, &attributes, base, raw);
        };
        Ok(match measure(kind, target, &attributes, base) {
            Ok(made) => made,
            Err(Rejection(reason)) => not(Outcome::Rejected, reason),
        })
    }

    /// Source and times of a record.
    fn base(&mut self, attributes: &RecordAttributes<'_>) -> Result<Result<Sample, Rejection>, SinkClosed> {
        let Some((start, start_offset)) = wire::date(attributes.start) else {
            return Ok(Err(Rejection(if attributes.start.is_empty() {
                "start-missing"
            } else {
                "start-unreadable"
            })));
        };
        // Old exports and damaged records have no end: then it is the moment of the start.
        let (end, end_offset) = match attributes.end {
            b"" => (start, start_offset),
            text => match wire::date(text) {
                Some(end) => end,
                None => return Ok(Err(Rejection("end-unreadable"))),
            },
        };
        if end < start {
            return Ok(Err(Rejection("end-before-start")));
        }
        if self.exported.is_some_and(|exported| start > exported.plus(DAY_MS)) {
            return Ok(Err(Rejection("start-in-future")));
        }
        let source = match self.sources.find(attributes.source_name, attributes.device) {
            Some(source) => source,
            None => match self.sources.add(attributes.source_name, attributes.device) {
                Ok((number, Some(source))) => {
                    self.sink.hand(Handed::Source(source))?;
                    number
                }
                Ok((number, None)) => number,
                Err(reason) => return Ok(Err(reason)),
            },
        };
        let mut sample = map::blank(source, start, end);
        sample.offset = Offset {
            minutes: start_offset,
            trust: OffsetTrust::Assumed,
        };
        sample.end_offset_minutes = end_offset;
        sample.created = wire::date(attributes.created).map_or(Sample::CREATION_UNKNOWN, |(created, _)| created);
        Ok(Ok(sample))
    }

    /// Parks a number of a type without a mapping; keeps anything else as text.
    fn park(
        &mut self,
        index: usize,
        attributes: &RecordAttributes<'_>,
        mut sample: Sample,
        raw: &str,
    ) -> Result<Made, SinkClosed> {
        let Ok(number) = map::number(attributes.value) else {
            return Ok(Made::Not {
                outcome: Outcome::Unsupported,
                reason: "type-unknown",
                text: cut(raw),
            });
        };
        let Some((series, fresh)) = self.types.series(index, attributes.unit) else {
            return Ok(Made::Not {
                outcome: Outcome::Unsupported,
                reason: "too-many-types",
                text: cut(raw),
            });
        };
        if fresh {
            let vendor_type = self.types.get_mut(index).name.clone();
            let unit = String::from_utf8_lossy(attributes.unit).chars().take(64).collect();
            self.sink.hand(Handed::ParkedSeries { vendor_type, unit })?;
        }
        sample.value = Value::Quantity(Measured::as_given(number));
        Ok(Made::Parked(Parked { series, sample }))
    }

    fn end_record(&mut self) -> Result<(), SinkClosed> {
        let Some(open) = self.open.take() else { return Ok(()) };
        if open.has_beats {
            self.reading.accounting.count(Outcome::Unsupported, "parked");
            self.parked.extend(open.beats);
        }
        self.commit(open.made, open.line)
    }

    fn commit(&mut self, made: Made, line: u64) -> Result<(), SinkClosed> {
        match made {
            Made::Sample(sample) => self.hand_sample(sample),
            Made::Half(half) => match &mut self.correlation {
                Some(correlation) if correlation.is_pressure => {
                    let index = half.component.min(1);
                    correlation.halves[index].get_or_insert(half.value);
                    self.pressures.correlate(&half);
                    self.reading.accounting.count(Outcome::Duplicate, "correlation-child");
                    Ok(())
                }
                _ => match self.pressures.add(half) {
                    Some(lone) => self.hand_sample(lone),
                    None => Ok(()),
                },
            },
            Made::Parked(parked) => {
                self.reading.accounting.count(Outcome::Unsupported, "parked");
                self.parked.push(parked);
                if self.parked.len() >= CHUNK {
                    self.hand_parked()
                } else {
                    Ok(())
                }
            }
            Made::Not { outcome, reason, text } => self.not_stored(outcome, reason, &text, line),
        }
    }

    fn hand_sample(&mut self, sample: Sample) -> Result<(), SinkClosed> {
        self.reading.samples += 1;
        self.samples.push(sample);
        if self.samples.len() >= CHUNK {
            let full = std::mem::replace(&mut self.samples, Vec::with_capacity(CHUNK));
            self.sink.hand(Handed::Samples(full))?;
        }
        Ok(())
    }

    fn hand_parked(&mut self) -> Result<(), SinkClosed> {
        let parked = std::mem::take(&mut self.parked);
        if parked.is_empty() {
            Ok(())
        } else {
            self.sink.hand(Handed::Parked(parked))
        }
    }

    fn not_stored(&mut self, outcome: Outcome, reason: &str, text: &str, line: u64) -> Result<(), SinkClosed> {
        self.reading.accounting.count(outcome, reason);
        let text = cut(text);
        self.texts_size += text.len();
        self.texts.push(NotStored {
            outcome,
            reason: reason.to_owned(),
            line,
            text,
        });
        if self.texts_size > 1 << 20 {
            self.texts_size = 0;
            self.sink.hand(Handed::NotStored(std::mem::take(&mut self.texts)))?;
        }
        Ok(())
    }

    fn metadata(&mut self, raw: &str) {
        let (Some(key), Some(value)) = (attribute(raw, "key"), attribute(raw, "value")) else {
            return;
        };
        self.count_metadata(&key);
        let sample = match (&mut self.open, &mut self.correlation, &mut self.workout) {
            (Some(open), ..) => match &mut open.made {
                Made::Sample(sample) => sample,
                Made::Half(half) => &mut half.sample,
                Made::Parked(parked) => &mut parked.sample,
                Made::Not { .. } => return,
            },
            (None, Some(OpenCorrelation { base: Ok(sample), .. }), _)
            | (None, None, Some(OpenWorkout { base: Ok(sample), .. })) => sample,
            _ => return,
        };
        if let Some(flag) = coverage::flag(&key, &value) {
            sample.flags = sample.flags.with(flag);
        } else if key == "HKTimeZone" {
            if self.zone.as_ref().is_none_or(|(name, _)| *name != value) {
                self.zone = TimeZone::get(&value).ok().map(|zone| (value.into_owned(), zone));
            }
            if let Some((_, zone)) = &self.zone {
                if let (Some(start), Some(end)) = (offset_at(zone, sample.start), offset_at(zone, sample.end)) {
                    sample.offset = Offset {
                        minutes: start,
                        trust: OffsetTrust::FromZone,
                    };
                    sample.end_offset_minutes = end;
                }
            }
        } else if key == "HKSexualActivityProtectionUsed" && sample.metric == Metric::SEXUAL_ACTIVITY {
            sample.value = Value::Code(if matches!(&*value, "1" | "true" | "YES") { 1 } else { 2 });
        }
    }

    fn count_metadata(&mut self, key: &str) {
        if let Some((_, count)) = self.reading.metadata.get_mut(key) {
            *count += 1;
            return;
        }
        let used = coverage::metadata(key);
        let known = used != MetadataUse::Unknown || self.reading.metadata.len() < MAX_METADATA_KEYS;
        let name: String = if known {
            key.chars().take(128).collect()
        } else {
            "other".to_owned()
        };
        self.reading.metadata.entry(name).or_insert((used, 0)).1 += 1;
    }

    /// A beat of a list: parked at the record's start, on whose day it was measured; its clock time is kept as written.
    fn beat(&mut self, raw: &str) -> Result<(), SinkClosed> {
        let Some(open) = &mut self.open else { return Ok(()) };
        let base = match &open.made {
            Made::Sample(sample) => sample.clone(),
            _ => return Ok(()),
        };
        let bpm = attribute(raw, "bpm").and_then(|bpm| map::number(bpm.as_bytes()).ok());
        let (Some(bpm), Some((series, fresh))) = (bpm, self.types.beats()) else {
            return Ok(());
        };
        if fresh {
            self.sink.hand(Handed::ParkedSeries {
                vendor_type: "InstantaneousBeatsPerMinute".to_owned(),
                unit: "count/min".to_owned(),
            })?;
        }
        let start = attribute(raw, "time")
            .and_then(|time| beat_time(&time, &base))
            .unwrap_or(base.start);
        let sample = Sample {
            start,
            end: start,
            metric: Metric::NONE,
            value: Value::Quantity(Measured::as_given(bpm)),
            ..base
        };
        // No list has more: a minute of beats.
        if open.beats.len() < 1_000 {
            open.beats.push(Parked { series, sample });
        }
        Ok(())
    }

    fn begin_correlation(&mut self, raw: &str, line: u64) {
        let attributes = RecordAttributes::read(raw);
        let base = match self.base(&attributes) {
            Ok(base) => base,
            Err(SinkClosed) => Err(Rejection("receiver-closed")),
        };
        self.correlation = Some(OpenCorrelation {
            is_pressure: attributes.kind == b"HKCorrelationTypeIdentifierBloodPressure",
            base,
            halves: [None, None],
            text: cut(raw),
            line,
        });
    }

    fn end_correlation(&mut self) -> Result<(), SinkClosed> {
        self.end_record()?;
        let Some(correlation) = self.correlation.take() else {
            return Ok(());
        };
        if !correlation.is_pressure {
            // What it holds was counted record by record.
            self.reading
                .accounting
                .count(Outcome::Duplicate, "correlation-of-its-children");
            return Ok(());
        }
        let [systolic, diastolic] = correlation.halves;
        match correlation.base {
            Ok(mut sample) if systolic.is_some() || diastolic.is_some() => {
                sample.metric = Metric::BLOOD_PRESSURE;
                sample.value = map::blood_pressure(systolic, diastolic);
                sample.flags = sample.flags.with(self.pressures.range_flags(systolic, diastolic));
                self.hand_sample(sample)
            }
            Ok(_) => self.not_stored(Outcome::Rejected, "value-missing", &correlation.text, correlation.line),
            Err(Rejection(reason)) => self.not_stored(Outcome::Rejected, reason, &correlation.text, correlation.line),
        }
    }

    fn begin_workout(&mut self, raw: &str, line: u64) {
        let attributes = RecordAttributes::read(raw);
        let damaged = memchr::memchr(DAMAGE, raw.as_bytes()).is_some();
        let base = match self.base(&attributes) {
            Ok(Ok(_)) if damaged => Err(Rejection("invalid-utf8")),
            Ok(base) => base,
            Err(SinkClosed) => Err(Rejection("receiver-closed")),
        };
        let number = |(value, unit): (&[u8], &[u8]), canonical: &str| {
            let conversion = coverage::conversion_to(canonical, std::str::from_utf8(unit).ok()?)?;
            conversion.convert(map::number(value).ok()?)
        };
        self.workout = Some(OpenWorkout {
            base,
            activity: std::str::from_utf8(attributes.kind)
                .ok()
                .and_then(coverage::workout_type),
            numbers: [
                number(attributes.duration, "min"),
                number(attributes.distance, "m"),
                number(attributes.energy, "kcal"),
            ],
            text: cut(raw),
            line,
        });
    }

    /// Since iOS 16 a workout's totals stand in statistics; an attribute, where there is one, goes before.
    fn statistics(&mut self, raw: &str) {
        let Some(workout) = &mut self.workout else { return };
        let (Some(kind), Some(sum)) = (attribute(raw, "type"), attribute(raw, "sum")) else {
            return;
        };
        let (slot, canonical) = match kind.strip_prefix(coverage::QUANTITY) {
            Some(
                "DistanceWalkingRunning"
                | "DistanceCycling"
                | "DistanceSwimming"
                | "DistanceWheelchair"
                | "DistanceDownhillSnowSports"
                | "DistanceRowing"
                | "DistancePaddleSports"
                | "DistanceSkatingSports"
                | "DistanceCrossCountrySkiing",
            ) => (1, "m"),
            Some("ActiveEnergyBurned") => (2, "kcal"),
            _ => return,
        };
        let unit = attribute(raw, "unit").unwrap_or_default();
        let measured = coverage::conversion_to(canonical, &unit)
            .and_then(|conversion| conversion.convert(map::number(sum.as_bytes()).ok()?));
        if workout.numbers[slot].is_none() {
            workout.numbers[slot] = measured;
        }
    }

    fn end_workout(&mut self) -> Result<(), SinkClosed> {
        self.end_record()?;
        let Some(workout) = self.workout.take() else {
            return Ok(());
        };
        match (workout.base, workout.activity) {
            (Ok(mut sample), Some(activity)) => {
                let [duration, distance, energy] = workout.numbers;
                let duration = duration.or_else(|| map::minutes(sample.start, sample.end));
                sample.metric = Metric::EXERCISE_SESSION;
                sample.value = Value::Components(Box::new([map::code_component(activity), duration, distance, energy]));
                self.hand_sample(sample)
            }
            (Ok(_), None) => self.not_stored(Outcome::Unsupported, "workout-type", &workout.text, workout.line),
            (Err(Rejection(reason)), _) => self.not_stored(Outcome::Rejected, reason, &workout.text, workout.line),
        }
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

    fn finish(mut self) -> Result<Reading, AdapterError> {
        self.end_record()?;
        self.end_correlation()?;
        self.end_workout()?;
        for (outcome, reason, sample) in std::mem::take(&mut self.pressures).finish() {
            match sample {
                Some(sample) => self.hand_sample(sample)?,
                None => self.reading.accounting.count(outcome, reason),
            }
        }
        if !self.samples.is_empty() {
            self.sink.hand(Handed::Samples(std::mem::take(&mut self.samples)))?;
        }
        self.hand_parked()?;
        if !self.texts.is_empty() {
            self.sink.hand(Handed::NotStored(std::mem::take(&mut self.texts)))?;
        }
        Ok(self.reading)
    }
}

/// The value of a record of a mapped type.
fn measure(
    kind: &mut VendorType,
    target: Target,
    attributes: &RecordAttributes<'_>,
    mut sample: Sample,
) -> Result<Made, Rejection> {
    match target {
        Target::Quantity(metric) => {
            let conversion = kind.conversion(metric.row().unit, attributes.unit)?;
            let (measured, flags) = map::quantity(metric, conversion, attributes.value)?;
            sample.metric = metric;
            sample.value = Value::Quantity(measured);
            sample.flags = flags;
        }
        Target::BloodPressure(component) => {
            let conversion = kind.conversion("mm[Hg]", attributes.unit)?;
            let value = conversion
                .convert(map::number(attributes.value)?)
                .ok_or(Rejection("number-too-long"))?;
            sample.flags = map::pressure_bounds(component, value.exact())?;
            return Ok(Made::Half(Half {
                component,
                value,
                sample,
            }));
        }
        Target::Duration(metric) => {
            sample.metric = metric;
            sample.value = Value::Quantity(map::minutes(sample.start, sample.end).ok_or(Rejection("number-too-long"))?);
        }
        Target::Event(metric, number) => {
            sample.metric = metric;
            sample.value = Value::Code(number);
        }
        Target::Code(metric, list) => {
            sample.metric = metric;
            sample.value = Value::Code(kind.code(list, attributes.value)?);
        }
        Target::Symptom(metric, number) => {
            let value = std::str::from_utf8(attributes.value).map_err(|_| Rejection("invalid-utf8"))?;
            let severity = coverage::severity(value).ok_or(Rejection("value-unknown"))?;
            sample.metric = metric;
            sample.value = Value::Components(Box::new([map::code_component(number), map::code_component(severity)]));
        }
    }
    Ok(Made::Sample(sample))
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

fn offset_at(zone: &TimeZone, instant: UtcMillis) -> Option<i16> {
    let timestamp = jiff::Timestamp::from_millisecond(instant.0).ok()?;
    i16::try_from(zone.to_offset(timestamp).seconds() / 60).ok()
}

/// `7:47:41.86 AM` or `7:47:41,86` on the record's day.
fn beat_time(text: &str, base: &Sample) -> Option<UtcMillis> {
    let text = text.replace('\u{202f}', " ").replace(',', ".");
    let (clock, half) = match text.split_once(' ') {
        Some((clock, half)) => (clock.to_owned(), Some(half.trim().to_uppercase())),
        None => (text, None),
    };
    let mut parts = clock.split(':');
    let mut hour: i64 = parts.next()?.parse().ok()?;
    let minute: i64 = parts.next()?.parse().ok()?;
    let (seconds, fraction) = parts.next()?.split_once('.').unwrap_or(("0", "0"));
    let seconds: i64 = seconds.parse().ok()?;
    let hundredths: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    match half.as_deref() {
        Some("PM") if hour < 12 => hour += 12,
        Some("AM") if hour == 12 => hour = 0,
        _ => {}
    }
    if !(0..24).contains(&hour) || !(0..60).contains(&minute) || !(0..=60).contains(&seconds) {
        return None;
    }
    let midnight = base.start.local_day(base.offset).start(base.offset);
    Some(midnight.plus(((hour * 60 + minute) * 60 + seconds) * 1_000 + hundredths))
}
