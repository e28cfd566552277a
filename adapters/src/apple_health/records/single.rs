//! One record: what its attributes come to, and what becomes of it once its end tag has come.

use model::decimal::Measured;
use model::time::DAY_MS;
use model::{Offset, OffsetTrust, Outcome, Sample, Value};

use super::{CHUNK, Made, Open, Records, cut};
use crate::apple_health::coverage::{self, Target};
use crate::apple_health::pressure::Half;
use crate::apple_health::repair::DAMAGE;
use crate::apple_health::types::VendorType;
use crate::apple_health::wire::RecordAttributes;
use crate::measure::{self, Rejection};
use crate::{Handed, Parked, SinkClosed};

impl Records<'_> {
    pub(super) fn record(&mut self, raw: &str, empty: bool, line: u64) -> Result<(), SinkClosed> {
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

    pub(super) fn make(&mut self, raw: &str) -> Result<Made, SinkClosed> {
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
    pub(super) fn base(&mut self, attributes: &RecordAttributes<'_>) -> Result<Result<Sample, Rejection>, SinkClosed> {
        let Some((start, start_offset)) = self.dates.read(attributes.start) else {
            return Ok(Err(Rejection(if attributes.start.is_empty() {
                "start-missing"
            } else {
                "start-unreadable"
            })));
        };
        // Old exports and damaged records have no end: then it is the moment of the start.
        let (end, end_offset) = match attributes.end {
            b"" => (start, start_offset),
            text => match self.dates.read(text) {
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
        let mut sample = measure::blank(source, start, end);
        sample.offset = Offset {
            minutes: start_offset,
            trust: OffsetTrust::Assumed,
        };
        sample.end_offset_minutes = end_offset;
        sample.created = self
            .dates
            .read(attributes.created)
            .map_or(Sample::CREATION_UNKNOWN, |(created, _)| created);
        Ok(Ok(sample))
    }

    /// Parks a number of a type without a mapping; keeps anything else as text.
    pub(super) fn park(
        &mut self,
        index: usize,
        attributes: &RecordAttributes<'_>,
        mut sample: Sample,
        raw: &str,
    ) -> Result<Made, SinkClosed> {
        let Ok(number) = measure::number(attributes.value) else {
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

    pub(super) fn end_record(&mut self) -> Result<(), SinkClosed> {
        let Some(open) = self.open.take() else { return Ok(()) };
        if open.has_beats {
            self.reading.accounting.count(Outcome::Unsupported, "parked");
            self.parked.extend(open.beats);
        }
        self.commit(open.made, open.line)
    }

    pub(super) fn commit(&mut self, made: Made, line: u64) -> Result<(), SinkClosed> {
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
                    Some((lone, ())) => self.hand_sample(lone),
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
            let (measured, flags) = measure::quantity(metric, conversion, attributes.value)?;
            sample.metric = metric;
            sample.value = Value::Quantity(measured);
            sample.flags = flags;
        }
        Target::BloodPressure(component) => {
            let conversion = kind.conversion("mm[Hg]", attributes.unit)?;
            let value = conversion
                .convert(measure::number(attributes.value)?)
                .ok_or(Rejection("number-too-long"))?;
            sample.flags = measure::pressure_bounds(component, value.exact())?;
            return Ok(Made::Half(Half {
                component,
                value,
                sample,
                of: (),
            }));
        }
        Target::Duration(metric) => {
            sample.metric = metric;
            sample.value =
                Value::Quantity(measure::minutes(sample.start, sample.end).ok_or(Rejection("number-too-long"))?);
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
            sample.value = Value::Components(Box::new([
                measure::code_component(number),
                measure::code_component(severity),
            ]));
        }
    }
    Ok(Made::Sample(sample))
}
