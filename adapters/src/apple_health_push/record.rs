//! One HealthKit sample: what it becomes, by the table of the export.

use jiff::tz::TimeZone;
use model::vocabulary::LIST_EXERCISE_TYPE;
use model::{Flags, Measured, Metric, Offset, OffsetTrust, Sample, Value as Measure};
use serde_json::Value;

use crate::apple_health::coverage::{self, CATEGORY, Target};
use crate::apple_health::origin::{self, in_zone};
use crate::apple_health::wire::Device;
use crate::measure::{self, Rejection};
use crate::push::{Made, Not, Push, instant, text};

/// What becomes of a sample.
pub(super) fn record(push: &mut Push<'_>, record: &Value) -> Result<Made, Not> {
    let base = base(push, record)?;
    if let Some(kind) = text(record, "correlationType") {
        return correlation(push, kind, record, base);
    }
    if record.get("workoutActivityType").is_some() {
        return Ok(of(record, workout(record, base)?));
    }
    let category = text(record, "categoryType");
    let kind = text(record, "quantityType").or(category);
    let kind = kind.ok_or(Not::Unsupported("type-unknown"))?;
    match coverage::target(kind) {
        Some(Target::BloodPressure(_)) => Err(Not::Unsupported("half-of-a-blood-pressure")),
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

fn of(record: &Value, sample: Sample) -> Made {
    Made::Record {
        id: text(record, "uuid").unwrap_or_default().to_owned(),
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

/// A blood pressure is its correlation; of any other the parts come as samples of their own.
fn correlation(push: &mut Push<'_>, kind: &str, whole: &Value, base: Sample) -> Result<Made, Not> {
    let objects = whole
        .get("objects")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    if kind != "HKCorrelationTypeIdentifierBloodPressure" {
        for object in objects {
            match record(push, object).and_then(|made| push.take(made)) {
                Ok(()) => {}
                Err(Not::Closed) => return Err(Not::Closed),
                Err(not) => push.end(not, object, 0)?,
            }
        }
        return Err(Not::Duplicate("correlation-of-its-children"));
    }
    let mut halves = [None, None];
    for object in objects {
        let Some(Target::BloodPressure(component)) = text(object, "quantityType").and_then(coverage::target) else {
            continue;
        };
        let unit = text(object, "unit").unwrap_or_default();
        let conversion = coverage::conversion_to("mm[Hg]", unit).ok_or(Not::Rejected("unknown-unit"))?;
        let value = conversion
            .convert(measure::number(&number(object, "quantity")?)?)
            .ok_or(Not::Rejected("number-too-long"))?;
        halves[component.min(1)] = Some(value);
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
    Ok(of(whole, sample))
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
