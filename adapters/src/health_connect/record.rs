//! One record of Health Connect: the samples it holds.

use model::units::{Conversion, parse_number};
use model::{Flags, Measured, Metric, Offset, OffsetTrust, Sample, Source, SourceKind, Value as Measure};
use serde_json::{Number, Value};

use super::coverage::{self, Field, RE_EXPORTERS, Unit};
use crate::ReExporter;
use crate::measure::{self, coded};
use crate::push::{Made, Not, Push, instant, list, text};

/// What becomes of a record.
pub(super) fn record(push: &mut Push<'_>, record: &Value) -> Result<Made, Not> {
    let kind = text(record, "recordType").unwrap_or_default();
    let kind = kind.strip_suffix("Record").unwrap_or(kind);
    let base = base(push, record)?;
    let samples = match kind {
        "BloodPressure" => vec![blood_pressure(record, &base)?],
        "SkinTemperature" => skin_temperature(push, record, &base)?,
        "ActivityIntensity" => vec![intensity(record, &base)?],
        "MindfulnessSession" => vec![length(Metric::MINDFUL_SESSION, &base)?],
        "SleepSession" => sleep(record, &base)?,
        "ExerciseSession" => vec![exercise(push, record, &base)?],
        "Nutrition" => nutrition(record, &base)?,
        _ => match by_table(push, kind, record, &base) {
            Err(Not::Unsupported(TYPE_UNKNOWN)) => return parked(kind, record, base),
            made => made?,
        },
    };
    // A meal of which only the name is known, a series without a point.
    if samples.is_empty() {
        return Err(Not::Rejected("value-missing"));
    }
    // By `clientRecordVersion` Health Connect decides which of two words of a writer it takes; what it took is modified later.
    let said = record.pointer("/metadata/lastModifiedTime").and_then(Value::as_str);
    let said = said.and_then(instant).ok_or(Not::Rejected("modified-unreadable"))?;
    let id = record.pointer("/metadata/id").and_then(Value::as_str);
    Ok(Made::Record {
        id: id.unwrap_or_default().to_owned(),
        said: said.0,
        samples,
    })
}

fn by_table(push: &Push<'_>, kind: &str, record: &Value, base: &Sample) -> Result<Vec<Sample>, Not> {
    if let Some(field) = coverage::NUMBERS.iter().find(|field| field.record == kind) {
        return Ok(vec![measured(field, record, base)?]);
    }
    if let Some(field) = coverage::SERIES.iter().find(|field| field.record == kind) {
        let points = list(record, "samples").iter();
        return points
            .map(|point| measured(field, point, &at_point(push, point, base)?))
            .collect();
    }
    if let Some((_, field, metric, codes)) = coverage::CODES.iter().find(|(record, ..)| *record == kind) {
        let raw = record.get(*field).and_then(Value::as_i64).unwrap_or(0);
        let code = codes.iter().find(|(theirs, _)| *theirs == raw);
        let (_, code) = code.ok_or(Not::Unsupported("value-unknown"))?;
        return Ok(vec![coded(*metric, *code, base)]);
    }
    if let Some((_, metric)) = coverage::EVENTS.iter().find(|(record, _)| *record == kind) {
        return Ok(vec![coded(*metric, 1, base)]);
    }
    Err(Not::Unsupported(TYPE_UNKNOWN))
}

/// Nothing reads its type yet.
const TYPE_UNKNOWN: &str = "type-unknown";

/// What every record has, beside what it measured.
const AROUND: [&str; 8] = [
    "recordType",
    "metadata",
    "time",
    "startTime",
    "endTime",
    "zoneOffset",
    "startZoneOffset",
    "endZoneOffset",
];

/// The number of a type that nothing maps yet, where it is all that the record holds: more of it is kept as text.
fn parked(kind: &str, record: &Value, base: Sample) -> Result<Made, Not> {
    let members = record.as_object().into_iter().flatten();
    let mut held = members.filter(|(name, _)| !AROUND.contains(&name.as_str()));
    let (Some((field, held)), None) = (held.next(), held.next()) else {
        return Err(Not::Unsupported(TYPE_UNKNOWN));
    };
    let (unit, number) = match held {
        Value::Number(number) => ("", number),
        Value::Object(of_a_unit) => match of_a_unit.iter().next() {
            Some((unit, Value::Number(number))) if of_a_unit.len() == 1 => (unit.as_str(), number),
            _ => return Err(Not::Unsupported(TYPE_UNKNOWN)),
        },
        _ => return Err(Not::Unsupported(TYPE_UNKNOWN)),
    };
    let name = |text: &str| text.chars().take(64).collect::<String>();
    let number = measure::number(number.to_string().as_bytes())?;
    let value = Measure::Quantity(Measured::as_given(number));
    let vendor_type = format!("{}.{}", name(kind), name(field));
    Ok(Made::Parked(vendor_type, name(unit), Sample { value, ..base }))
}

/// Source, times, and how it came to be.
fn base(push: &mut Push<'_>, record: &Value) -> Result<Sample, Not> {
    let at = |member: &str| text(record, member).and_then(instant);
    let unreadable = Not::Rejected("time-unreadable");
    let (start, end) = match text(record, "time") {
        Some(_) => (at("time").ok_or(unreadable)?, at("time").ok_or(unreadable)?),
        None => (at("startTime").ok_or(unreadable)?, at("endTime").ok_or(unreadable)?),
    };
    push.times(start.0, end.0)?;
    let metadata = record.get("metadata").unwrap_or(&Value::Null);
    let offset = |members: [&str; 2]| {
        let found = members
            .iter()
            .find_map(|member| record.get(*member)?.get("totalSeconds")?.as_i64());
        found.and_then(|seconds| i16::try_from(seconds / 60).ok())
    };
    let from = offset(["zoneOffset", "startZoneOffset"]);
    let until = offset(["zoneOffset", "endZoneOffset"]).or(from);
    let by_hand = metadata.get("recordingMethod").and_then(Value::as_i64) == Some(3);
    let mut flags = Flags::default();
    if by_hand {
        flags = flags.with(Flags::USER_ENTERED);
    }
    if start.1 || end.1 {
        flags = flags.with(Flags::MILLISECONDS);
    }
    Ok(Sample {
        metric: Metric::NONE,
        source: push.source_of(
            ["dataOrigin", "device"].map(|member| metadata.get(member).unwrap_or(&Value::Null)),
            || source(metadata),
        )?,
        start: start.0,
        end: end.0,
        offset: Offset {
            minutes: from.unwrap_or(0),
            trust: from.map_or(OffsetTrust::Assumed, |_| OffsetTrust::Given),
        },
        end_offset_minutes: until.unwrap_or(0),
        value: Measure::Code(0),
        flags,
        created: Sample::CREATION_UNKNOWN,
    })
}

/// The package of the phone itself.
const PHONE: &str = "android";

/// Who wrote a record. The phone's own counts come by package `android`, or by one that is made up for each phone: both are the phone.
pub(crate) fn writer(package: &str) -> &str {
    match package.starts_with("com.android.healthconnect.phone.") {
        true => PHONE,
        false => package,
    }
}

/// The package that wrote a record, and its device.
fn source(metadata: &Value) -> Source {
    let part = |member: &str| {
        let part = metadata.get("device")?.get(member)?.as_str()?;
        Some(part.chars().take(128).collect::<String>()).filter(|part| !part.is_empty())
    };
    let (manufacturer, model) = (part("manufacturer"), part("model"));
    let package: String = text(metadata, "dataOrigin")
        .unwrap_or("unknown")
        .chars()
        .take(128)
        .collect();
    let name = writer(&package);
    let is_phone = name == PHONE;
    let device = metadata.pointer("/device/type").and_then(Value::as_i64).unwrap_or(0);
    let kind = match device {
        _ if is_phone => SourceKind::Phone,
        1 => SourceKind::Watch,
        2 => SourceKind::Phone,
        3 | 7 => SourceKind::Instrument,
        4 => SourceKind::Ring,
        6 => SourceKind::Band,
        5 | 8 => SourceKind::Unknown,
        _ => SourceKind::App,
    };
    let name = name.to_owned();
    let shown = |part: &Option<String>| part.clone().unwrap_or_default();
    let device = if is_phone { 2 } else { device };
    Source {
        copies: ReExporter::copies(RE_EXPORTERS, &name),
        key: format!("{name}|{}|{}|{device}", shown(&manufacturer), shown(&model)),
        name: if is_phone { model.clone().unwrap_or(name) } else { name },
        manufacturer,
        model,
        hardware: None,
        kind,
    }
}

fn at_point(push: &Push<'_>, point: &Value, base: &Sample) -> Result<Sample, Not> {
    let (at, is_fine) = text(point, "time")
        .and_then(instant)
        .ok_or(Not::Rejected("time-unreadable"))?;
    push.times(at, at)?;
    let fine = if is_fine { Flags::MILLISECONDS } else { Flags::default() };
    Ok(Sample {
        start: at,
        end: at,
        end_offset_minutes: base.offset.minutes,
        flags: base.flags.with(fine),
        ..base.clone()
    })
}

/// A sample of one number.
fn measured(field: &Field, holder: &Value, base: &Sample) -> Result<Sample, Not> {
    let value = holder.get(field.field).ok_or(Not::Rejected("value-missing"))?;
    let is_interstitial = holder.get("specimenSource").and_then(Value::as_i64) == Some(1);
    let metric = match field.unit {
        Unit::Glucose if is_interstitial => Metric::CGM_GLUCOSE,
        _ => field.metric,
    };
    let meal = match holder.get("relationToMeal").and_then(Value::as_i64) {
        Some(3) if field.unit == Unit::Glucose => Flags::BEFORE_MEAL,
        Some(4) if field.unit == Unit::Glucose => Flags::AFTER_MEAL,
        _ => Flags::default(),
    };
    let value = number(field.unit, value)?;
    Ok(Sample {
        metric,
        flags: base.flags.with(measure::bounds(metric, value.exact())?).with(meal),
        value: Measure::Quantity(value),
        ..base.clone()
    })
}

/// A number in the metric's unit.
fn number(unit: Unit, value: &Value) -> Result<Measured, Not> {
    let of = |name: &str| match value.get("unit").and_then(Value::as_str) {
        Some(unit) if name[2..].eq_ignore_ascii_case(unit) => value.get("value"),
        Some(_) => None,
        None => value.get(name),
    };
    let converted = |value: Option<&Value>, conversion: Conversion| {
        let Some(Value::Number(value)) = value else {
            return Err(Not::Rejected("value-missing"));
        };
        let read = parse_number(measure::tidy(value).as_bytes()).map_err(|_| Not::Rejected("not-a-number"))?;
        conversion.convert(read).ok_or(Not::Rejected("number-too-long"))
    };
    match unit {
        Unit::Bare => converted(Some(value), Conversion::IDENTITY),
        Unit::Member(name, conversion) => converted(of(name), conversion),
        Unit::Power => match of("inKilocaloriesPerDay") {
            Some(value) => converted(Some(value), Conversion::IDENTITY),
            // 86,400 seconds of a joule, of which 4,184 are a kilocalorie: 20.6501, as Health Connect itself converts.
            None => converted(of("inWatts"), Conversion::ratio(10_800, 523)),
        },
        // It keeps millimoles and converts by exactly 18, so that a meter's whole number comes back with a trace of rounding.
        Unit::Glucose => {
            let (value, factor) = match of("inMilligramsPerDeciliter") {
                Some(value) => (Some(value), 1.0),
                None => (of("inMillimolesPerLiter"), 18.0),
            };
            let value = value.and_then(Value::as_f64).ok_or(Not::Rejected("value-missing"))? * factor;
            let whole = value.round();
            let value = if (value - whole).abs() < 0.01 { whole } else { value };
            let value = Number::from_f64(value).map(Value::Number);
            converted(value.as_ref(), Conversion::IDENTITY)
        }
    }
}

fn length(metric: Metric, base: &Sample) -> Result<Sample, Not> {
    let minutes = measure::minutes(base.start, base.end);
    Ok(Sample {
        metric,
        value: Measure::Quantity(minutes.ok_or(Not::Rejected("number-too-long"))?),
        ..base.clone()
    })
}

fn blood_pressure(record: &Value, base: &Sample) -> Result<Sample, Not> {
    let half = |member: &str| {
        let value = record.get(member).ok_or(Not::Rejected("value-missing"))?;
        number(Unit::Member("inMillimetersOfMercury", Conversion::IDENTITY), value)
    };
    let (systolic, diastolic) = (half("systolic")?, half("diastolic")?);
    Ok(Sample {
        metric: Metric::BLOOD_PRESSURE,
        value: measure::blood_pressure(Some(systolic), Some(diastolic)),
        flags: base
            .flags
            .with(measure::pressure_flags(Some(systolic), Some(diastolic))?),
        ..base.clone()
    })
}

fn skin_temperature(push: &Push<'_>, record: &Value, base: &Sample) -> Result<Vec<Sample>, Not> {
    let celsius = Unit::Member("inCelsius", Conversion::IDENTITY);
    let mut samples = Vec::new();
    if let Some(baseline) = record.get("baseline").filter(|baseline| !baseline.is_null()) {
        samples.push(measure::measured(
            Metric::SKIN_TEMPERATURE,
            number(celsius, baseline)?,
            base,
        )?);
    }
    for point in list(record, "deltas") {
        let delta = number(celsius, &point["delta"])?;
        let base = at_point(push, point, base)?;
        samples.push(measure::measured(Metric::SKIN_TEMPERATURE_DEVIATION, delta, &base)?);
    }
    Ok(samples)
}

fn intensity(record: &Value, base: &Sample) -> Result<Sample, Not> {
    match record.get("activityIntensityType").and_then(Value::as_i64) {
        Some(0) => length(Metric::ACTIVE_MINUTES_MODERATE, base),
        Some(1) => length(Metric::ACTIVE_MINUTES_VIGOROUS, base),
        _ => Err(Not::Unsupported("value-unknown")),
    }
}

/// A night: its stages; without any it is sleep from end to end. What no stage covers is unknown, not sleep.
fn sleep(record: &Value, base: &Sample) -> Result<Vec<Sample>, Not> {
    let stages = list(record, "stages");
    if stages.is_empty() {
        return Ok(vec![coded(Metric::SLEEP_STAGE, coverage::ASLEEP, base)]);
    }
    let mut samples = Vec::with_capacity(stages.len() + 1);
    let mut covered = 0;
    for stage in stages {
        let at = |member: &str| text(stage, member).and_then(instant);
        let (Some((start, _)), Some((end, _))) = (at("startTime"), at("endTime")) else {
            return Err(Not::Rejected("time-unreadable"));
        };
        if end < start || start < base.start || end > base.end {
            return Err(Not::Rejected("stage-outside-its-session"));
        }
        covered += end.0 - start.0;
        let number = stage.get("stage").and_then(Value::as_u64).unwrap_or(0);
        let number = coverage::STAGES.get(number as usize).copied();
        samples.push(Sample {
            start,
            end,
            ..coded(Metric::SLEEP_STAGE, number.unwrap_or(coverage::UNKNOWN_STAGE), base)
        });
    }
    if covered < base.end.0 - base.start.0 {
        samples.push(coded(Metric::SLEEP_STAGE, coverage::UNKNOWN_STAGE, base));
    }
    Ok(samples)
}

/// An exercise: what kind and how long. Routes are places, titles and notes free text: neither is kept.
fn exercise(push: &mut Push<'_>, record: &Value, base: &Sample) -> Result<Sample, Not> {
    for member in ["exerciseRoute", "title", "notes"] {
        if record.get(member).is_some_and(|member| !member.is_null()) {
            push.left_out(member);
        }
    }
    let raw = record.get("exerciseType").and_then(Value::as_i64);
    let kind = coverage::EXERCISES.iter().find(|(theirs, _)| Some(*theirs) == raw);
    let kind = kind.map_or(coverage::OTHER_EXERCISE, |(_, number)| *number);
    let Measure::Quantity(minutes) = length(Metric::EXERCISE_SESSION, base)?.value else {
        return Err(Not::Rejected("value-missing"));
    };
    Ok(Sample {
        metric: Metric::EXERCISE_SESSION,
        value: Measure::Components(Box::new([measure::code_component(kind), Some(minutes), None, None])),
        ..base.clone()
    })
}

fn nutrition(record: &Value, base: &Sample) -> Result<Vec<Sample>, Not> {
    let fields = coverage::NUTRITION.iter();
    let there = fields.filter(|field| record.get(field.field).is_some_and(|value| !value.is_null()));
    there.map(|field| measured(field, record, base)).collect()
}
