//! HealthKit samples: what each becomes, by the table of the export.

use std::collections::HashSet;

use jiff::tz::TimeZone;
use model::vocabulary::LIST_EXERCISE_TYPE;
use model::{Flags, Identified, Measured, Metric, Offset, OffsetTrust, Sample, Value as Measure, Word};
use serde_json::Value;

use crate::SinkClosed;
use crate::apple_health::coverage::{self, CATEGORY, Target};
use crate::apple_health::origin::{self, in_zone};
use crate::apple_health::pressure::{Finished, Half, Pressures};
use crate::apple_health::wire::Device;
use crate::measure::{self, Rejection};
use crate::push::{Made, Not, Push, Records, instant, list, text};

/// The samples of a push. Halves of blood pressures wait until all have come.
#[derive(Default)]
pub(super) struct Samples {
    halves: Vec<Half<Waiting>>,
    /// The uuids of what correlations hold: at top level it says nothing more.
    correlated: HashSet<String>,
}

/// The record of a half.
struct Waiting {
    record: Value,
    place: u64,
}

impl Records for Samples {
    fn record(&mut self, push: &mut Push<'_>, record: &Value, place: u64) -> Result<Made, Not> {
        let base = base(push, record)?;
        if let Some(kind) = text(record, "correlationType") {
            return self.correlation(push, kind, record, base);
        }
        if record.get("workoutActivityType").is_some() {
            return Ok(of(record, workout(record, base)?));
        }
        let category = text(record, "categoryType");
        let kind = text(record, "quantityType").or(category);
        let kind = kind.ok_or(Not::Unsupported("type-unknown"))?;
        match coverage::target(kind) {
            Some(Target::BloodPressure(component)) => {
                let value = pressure(record)?;
                let flags = measure::pressure_bounds(component, value.exact())?;
                self.halves.push(Half {
                    component,
                    value,
                    sample: Sample {
                        flags: base.flags.with(flags),
                        ..base
                    },
                    of: Waiting {
                        record: record.clone(),
                        place,
                    },
                });
                Ok(Made::Waits)
            }
            Some(target) => {
                let sample = measure(kind, target, record, base)?;
                Ok(of(record, sample))
            }
            None if category.is_some() => Err(Not::Unsupported("type-unknown")),
            None => {
                let unit = text(record, "unit").unwrap_or_default().to_owned();
                let value = Measure::Quantity(Measured::as_given(measure::number(&number(record, "quantity")?)?));
                Ok(Made::Parked(kind.to_owned(), unit, Sample { value, ..base }))
            }
        }
    }

    /// Each half of a pair names the reading that both are, so that it goes when both were deleted. A half alone is not kept as a reading: its
    /// other one, or their correlation, may stand in another push, and nothing would join them any more.
    fn rest(self, push: &mut Push<'_>) -> Result<(), SinkClosed> {
        let mut pressures = Pressures::default();
        let alone = |push: &mut Push<'_>, half: &Waiting| {
            push.end(Not::Unsupported("half-of-a-blood-pressure"), &half.record, half.place)
        };
        for half in self.halves {
            if self.correlated.contains(uuid(&half.of.record)) {
                push.end(Not::Duplicate("correlation-twin"), &half.of.record, half.of.place)?;
            } else if let Some((_, half)) = pressures.add(half) {
                alone(push, &half)?;
            }
        }
        for finished in pressures.finish() {
            match finished {
                Finished::Lone(_, half) | Finished::Twin(half) => alone(push, &half)?,
                Finished::Pair(sample, halves) => {
                    for half in halves {
                        push.identified(Identified {
                            id: uuid(&half.record).to_owned(),
                            said: sample.end.floor_second().min(push.sent),
                            what: Word::Holds(vec![sample.clone()]),
                        })?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn uuid(record: &Value) -> &str {
    text(record, "uuid").unwrap_or_default()
}

/// Half of a blood pressure, in mmHg.
fn pressure(record: &Value) -> Result<Measured, Not> {
    let unit = text(record, "unit").unwrap_or_default();
    let conversion = coverage::conversion_to("mm[Hg]", unit).ok_or(Not::Rejected("unknown-unit"))?;
    let value = conversion.convert(measure::number(&number(record, "quantity")?)?);
    value.ok_or(Not::Rejected("number-too-long"))
}

fn of(record: &Value, sample: Sample) -> Made {
    Made::Record {
        id: uuid(record).to_owned(),
        said: sample.end.floor_second(),
        samples: vec![sample],
    }
}

fn number(record: &Value, member: &str) -> Result<Vec<u8>, Rejection> {
    match record.get(member) {
        Some(Value::Number(number)) => Ok(number.to_string().into_bytes()),
        _ => Err(Rejection("value-missing")),
    }
}

/// Source, times and what the metadata says.
fn base(push: &mut Push<'_>, record: &Value) -> Result<Sample, Not> {
    let at = |member, reason| text(record, member).and_then(instant).ok_or(Not::Rejected(reason));
    let ((start, start_is_fine), (end, end_is_fine)) =
        (at("startDate", "start-unreadable")?, at("endDate", "end-unreadable")?);
    push.times(start, end)?;
    let part = |part: &Value, member: &str| text(part, member).map(|text| text.chars().take(128).collect());
    let device = record.get("device");
    let described = || {
        device.map(|device| Device {
            manufacturer: part(device, "manufacturer"),
            model: part(device, "model"),
            hardware: part(device, "hardwareVersion"),
        })
    };
    let said = record.pointer("/sourceRevision/source/name").unwrap_or(&Value::Null);
    let name = said
        .as_str()
        .filter(|name| !name.is_empty())
        .ok_or(Not::Rejected("source-missing"))?;
    let source = push.source_of([said, device.unwrap_or(&Value::Null)], || {
        origin::source(name, described().as_ref())
    })?;
    let mut sample = measure::blank(source, start, end);
    // What stands in the text is the offset of the phone when it was asked, not that of the sample.
    sample.offset = Offset {
        minutes: 0,
        trust: OffsetTrust::Assumed,
    };
    if start_is_fine || end_is_fine {
        sample.flags = Flags::MILLISECONDS;
    }
    for (key, value) in record.get("metadata").and_then(Value::as_object).into_iter().flatten() {
        let value = match value {
            Value::String(text) => text.clone(),
            Value::Bool(yes) => u8::from(*yes).to_string(),
            Value::Number(number) => number.to_string(),
            _ => continue,
        };
        if key == "HKTimeZone" {
            if let Ok(zone) = TimeZone::get(&value) {
                in_zone(&mut sample, &zone);
            }
        } else if let Some(flag) = coverage::flag(key, &value) {
            sample.flags = sample.flags.with(flag);
        }
    }
    Ok(sample)
}

/// The value of a sample of a mapped type.
fn measure(kind: &str, target: Target, record: &Value, base: Sample) -> Result<Sample, Not> {
    let raw = || {
        let raw = record.get("value").and_then(Value::as_u64);
        raw.and_then(|raw| u32::try_from(raw).ok())
            .ok_or(Not::Rejected("value-missing"))
    };
    let unknown = Not::Rejected("value-unknown");
    let (metric, value, flags) = match target {
        Target::Quantity(metric) => {
            let unit = text(record, "unit").unwrap_or_default();
            let conversion = coverage::conversion_to(metric.row().unit, unit).ok_or(Not::Rejected("unknown-unit"))?;
            let (measured, flags) = measure::quantity(metric, conversion, &number(record, "quantity")?)?;
            (metric, Measure::Quantity(measured), flags)
        }
        Target::Code(metric, list) => {
            let code = coverage::raw_code(metric, list, raw()?).ok_or(unknown)?;
            (metric, Measure::Code(code), Flags::default())
        }
        Target::Event(metric, code) => {
            let protected = record.pointer("/metadata/HKSexualActivityProtectionUsed");
            let code = match protected.filter(|_| metric == Metric::SEXUAL_ACTIVITY) {
                Some(used) => 2 - u32::from(matches!(used, Value::Bool(true)) || used.as_i64() == Some(1)),
                None => code,
            };
            (metric, Measure::Code(code), Flags::default())
        }
        Target::Symptom(metric, symptom) => {
            let of_appetite = kind.strip_prefix(CATEGORY) == Some("AppetiteChanges");
            let severity = coverage::raw_severity(of_appetite, raw()?).ok_or(unknown)?;
            let parts = [measure::code_component(symptom), measure::code_component(severity)];
            (metric, Measure::Components(Box::new(parts)), Flags::default())
        }
        Target::Duration(metric) => {
            let minutes = measure::minutes(base.start, base.end).ok_or(Not::Rejected("number-too-long"))?;
            (metric, Measure::Quantity(minutes), Flags::default())
        }
        Target::BloodPressure(_) => return Err(Not::Unsupported("half-of-a-blood-pressure")),
    };
    Ok(Sample {
        metric,
        value,
        flags: base.flags.with(flags),
        ..base
    })
}

impl Samples {
    /// A blood pressure is its correlation; of any other the parts come as samples of their own.
    fn correlation(&mut self, push: &mut Push<'_>, kind: &str, whole: &Value, base: Sample) -> Result<Made, Not> {
        let objects = list(whole, "objects");
        if kind != "HKCorrelationTypeIdentifierBloodPressure" {
            for object in objects {
                match self.record(push, object, 0).and_then(|made| push.take(made)) {
                    Ok(()) => {}
                    Err(Not::Closed) => return Err(Not::Closed),
                    Err(not) => push.end(not, object, 0)?,
                }
            }
            return Err(Not::Duplicate("correlation-of-its-children"));
        }
        let mut halves = [None, None];
        let mut children = Vec::with_capacity(2);
        for object in objects {
            if let Some(Target::BloodPressure(component)) = text(object, "quantityType").and_then(coverage::target) {
                halves[component.min(1)] = Some(pressure(object)?);
                children.push(uuid(object).to_owned());
            }
        }
        let [systolic, diastolic] = halves;
        if systolic.is_none() && diastolic.is_none() {
            return Err(Not::Rejected("value-missing"));
        }
        let sample = Sample {
            metric: Metric::BLOOD_PRESSURE,
            value: measure::blood_pressure(systolic, diastolic),
            flags: base.flags.with(measure::pressure_flags(systolic, diastolic)?),
            ..base
        };
        self.correlated.extend(children);
        Ok(of(whole, sample))
    }
}

fn workout(record: &Value, base: Sample) -> Result<Sample, Not> {
    let activity = record.get("workoutActivityType").and_then(Value::as_u64);
    let activity = activity
        .and_then(|raw| u32::try_from(raw).ok())
        .filter(|raw| LIST_EXERCISE_TYPE.iter().any(|entry| entry.number == *raw))
        .ok_or(Not::Unsupported("workout-type"))?;
    let part = |member: &str, canonical: &str| {
        let quantity = record.get(member)?;
        let conversion = coverage::conversion_to(canonical, text(quantity, "unit")?)?;
        conversion.convert(measure::number(&number(quantity, "quantity").ok()?).ok()?)
    };
    let duration = part("duration", "min").or_else(|| measure::minutes(base.start, base.end));
    let parts = [
        measure::code_component(activity),
        duration,
        part("totalDistance", "m"),
        part("totalEnergyBurned", "kcal"),
    ];
    Ok(Sample {
        metric: Metric::EXERCISE_SESSION,
        value: Measure::Components(Box::new(parts)),
        ..base
    })
}
