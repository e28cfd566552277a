//! One point: the samples it holds, and the window in which it lies.

use model::units::{Conversion, parse_number};
use model::vocabulary::LIST_EXERCISE_TYPE;
use model::{Flags, LocalDay, Measured, Metric, Offset, OffsetTrust, Sample, SourceKind, UtcMillis, Value as Measure};
use serde_json::Value;

use super::coverage::{self, Field, Kind, Makes, Type};
use super::source::source;
use super::{Page, named, rollup};
use crate::measure;
use crate::pull::{self, Reads, Windows};
use crate::push::{Not, Push, instant, list, text};

/// Reads answers of `list`, of `reconcile` and of `dailyRollUp`.
pub(super) struct Points;

impl Reads for Points {
    fn window(&self, series: &str) -> Option<i64> {
        named(series).map(Type::window)
    }

    fn points<'a>(&self, series: &str, page: &'a str) -> Option<pull::Points<'a>> {
        let page: Page<'_> = serde_json::from_str(page).ok()?;
        let is_pending = series == "sleep" && page.data_points.iter().any(|night| is_pending(night.get()));
        Some(pull::Points {
            are_all: !is_pending,
            ..pull::Points::all([page.data_points, page.rollup_data_points].concat())
        })
    }

    fn point(&self, push: &mut Push<'_>, point: &str, windows: &mut Windows<'_>) -> Result<(), Not> {
        let kind = named(windows.ask.series).ok_or(Not::Unsupported("type-unknown"))?;
        let point: Value = serde_json::from_str(point).map_err(|_| Not::Rejected("not-json"))?;
        let body = point.get(kind.key).filter(|body| body.is_object());
        let body = body.ok_or(match kind.kind {
            // A day of which nothing is counted.
            Kind::RolledUp => Not::Unsupported("no-reading"),
            _ => Not::Rejected("value-missing"),
        })?;
        let (base, at) = base(push, kind, &point, body)?;
        // Asked by civil time, by days, or since when: there is more in the answer than lies in this time.
        if matches!(kind.kind, Kind::Session | Kind::Since | Kind::RolledUp) && !windows.holds(at) {
            return Err(Not::Duplicate("of-another-ask"));
        }
        let samples = samples(push, kind, body, &base)?;
        // Of the merged stream the name stands in another member. Minutes in zones have none: of one time there may be some in each.
        let name = ["name", "dataPointName"].iter().find_map(|member| text(&point, member));
        let name = name.or_else(|| text(body, "heartRateZone"));
        windows.put(at, name.unwrap_or_default(), samples)
    }
}

/// True for a night on which the vendor still works (3.4): it is no last word, nor is what else was asked with it.
fn is_pending(night: &str) -> bool {
    let processed = |night: Value| night.pointer("/sleep/metadata/processed").and_then(Value::as_bool);
    serde_json::from_str(night).is_ok_and(|night| processed(night) == Some(false))
}

/// Source, times and how it came to be; and the time by which it was asked for.
fn base(push: &mut Push<'_>, kind: &Type, point: &Value, body: &Value) -> Result<(Sample, UtcMillis), Not> {
    let unreadable = Not::Rejected("time-unreadable");
    let origin = point.get("dataSource").unwrap_or(&Value::Null);
    let mut sample = measure::blank(0, UtcMillis(0), UtcMillis(0));
    let at = match kind.kind {
        Kind::Day | Kind::RolledUp => {
            let day = match kind.kind {
                Kind::Day => body.get("date").and_then(day),
                _ => rollup::day(point, day),
            };
            let day = day.ok_or(unreadable)?;
            sample.offset = Offset {
                minutes: 0,
                trust: OffsetTrust::None,
            };
            sample.start = day.start(sample.offset);
            sample.end = sample.start;
            sample.start
        }
        Kind::Moment => {
            let time = body.get("sampleTime").unwrap_or(&Value::Null);
            let (at, is_fine) = text(time, "physicalTime").and_then(instant).ok_or(unreadable)?;
            place(&mut sample, (at, at), [offset(time, "utcOffset"); 2], is_fine);
            at
        }
        Kind::Interval | Kind::Session | Kind::Since | Kind::Ending => {
            let interval = body.get("interval").unwrap_or(&Value::Null);
            let time = |member: &str| text(interval, member).and_then(instant).ok_or(unreadable);
            let ((start, one), (end, other)) = (time("startTime")?, time("endTime")?);
            let offsets = [offset(interval, "startUtcOffset"), offset(interval, "endUtcOffset")];
            place(&mut sample, (start, end), offsets, one || other);
            if kind.kind == Kind::Ending { end } else { start }
        }
    };
    push.times(sample.start, sample.end)?;
    let source = source(origin);
    let is_worn = matches!(source.kind, SourceKind::Watch | SourceKind::Band | SourceKind::Ring);
    sample.source = push.source(source)?;
    match text(origin, "recordingMethod") {
        Some("MANUAL") => sample.flags = sample.flags.with(Flags::USER_ENTERED),
        // What a worn device counts as nothing is worn and still (vocabulary 5.1).
        Some("PASSIVELY_MEASURED" | "ACTIVELY_MEASURED") if is_worn => {
            sample.flags = sample.flags.with(Flags::TRUE_ZERO);
        }
        _ => {}
    }
    Ok((sample, at))
}

fn place(sample: &mut Sample, (start, end): (UtcMillis, UtcMillis), offsets: [Option<i16>; 2], is_fine: bool) {
    (sample.start, sample.end) = (start, end);
    let from = offsets[0];
    sample.offset = Offset {
        minutes: from.unwrap_or(0),
        trust: from.map_or(OffsetTrust::Assumed, |_| OffsetTrust::Given),
    };
    sample.end_offset_minutes = offsets[1].or(from).unwrap_or(0);
    if is_fine {
        sample.flags = sample.flags.with(Flags::MILLISECONDS);
    }
}

/// `"32400s"` in minutes.
fn offset(time: &Value, member: &str) -> Option<i16> {
    let seconds: i32 = text(time, member)?.strip_suffix('s')?.parse().ok()?;
    i16::try_from(seconds / 60)
        .ok()
        .filter(|minutes| minutes.abs() <= 18 * 60)
}

fn day(date: &Value) -> Option<LocalDay> {
    let part = |member: &str| date.get(member)?.as_u64().and_then(|part| u32::try_from(part).ok());
    LocalDay::from_ymd(i32::try_from(part("year")?).ok()?, part("month")?, part("day")?)
}

fn samples(push: &mut Push<'_>, kind: &Type, body: &Value, base: &Sample) -> Result<Vec<Sample>, Not> {
    match kind.makes {
        Makes::Numbers(fields) => numbers(kind, fields, body, base),
        Makes::Code(member, metric, codes) => {
            let word = text(body, member).ok_or(Not::Rejected("value-missing"))?;
            let code = codes.iter().find(|(theirs, _)| *theirs == word);
            let (_, code) = code.ok_or(Not::Unsupported("value-unknown"))?;
            Ok(vec![coded(metric, *code, base)])
        }
        Makes::Event(metric) => Ok(vec![coded(metric, 1, base)]),
        Makes::Length(metric) => {
            let minutes = measure::minutes(base.start, base.end).ok_or(Not::Rejected("number-too-long"))?;
            Ok(vec![measured(metric, minutes, base)?])
        }
        Makes::ActiveMinutes => active_minutes(push, body, base),
        Makes::Glucose => glucose(body, base),
        Makes::Sleep => sleep(body, base),
        Makes::Exercise => Ok(vec![exercise(push, body, base)?]),
        Makes::Nutrition => nutrition(push, body, base),
        Makes::SkinTemperature => skin_temperature(body, base),
    }
}

/// Each number that is there. A number that is zero is left out on the wire: a count whose point holds nothing but its time is zero.
fn numbers(kind: &Type, fields: &[Field], body: &Value, base: &Sample) -> Result<Vec<Sample>, Not> {
    let mut found = Vec::with_capacity(fields.len());
    for field in fields {
        if let Some(value) = at(body, field.path) {
            found.push(measured(
                field.metric,
                number(value, field.conversion)?,
                &at_work(body, base),
            )?);
        }
    }
    if !found.is_empty() {
        return Ok(found);
    }
    let only_time = body
        .as_object()
        .is_some_and(|members| members.keys().all(|member| member == "interval"));
    match fields {
        [field] if only_time && matches!(kind.kind, Kind::Interval | Kind::RolledUp) => {
            let zero = Measured::as_given(model::Decimal::whole(0));
            Ok(vec![measured(field.metric, zero, base)?])
        }
        _ => Err(Not::Rejected("value-missing")),
    }
}

/// A heart rate says whether its person moved.
fn at_work(body: &Value, base: &Sample) -> Sample {
    let flag = match body.pointer("/metadata/motionContext").and_then(Value::as_str) {
        Some("ACTIVE") => Flags::ACTIVE,
        Some("SEDENTARY") => Flags::SEDENTARY,
        _ => Flags::default(),
    };
    Sample {
        flags: base.flags.with(flag),
        ..base.clone()
    }
}

fn at<'a>(body: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(body, |value, member| value.get(member))
}

/// A number; whole ones are written as texts.
fn number(value: &Value, conversion: Conversion) -> Result<Measured, Not> {
    let text = match value {
        Value::Number(number) => measure::tidy(number),
        Value::String(text) => text.clone(),
        _ => return Err(Not::Rejected("not-a-number")),
    };
    let number = parse_number(text.as_bytes()).map_err(|_| Not::Rejected("not-a-number"))?;
    conversion.convert(number).ok_or(Not::Rejected("number-too-long"))
}

/// A sample of a number. What a zero says of being worn only a zero says.
fn measured(metric: Metric, value: Measured, base: &Sample) -> Result<Sample, Not> {
    let mut sample = measure::measured(metric, value, base)?;
    if value.exact() != model::Decimal::whole(0) {
        not_worn_still(&mut sample);
    }
    Ok(sample)
}

fn coded(metric: Metric, code: u32, base: &Sample) -> Sample {
    let mut sample = measure::coded(metric, code, base);
    not_worn_still(&mut sample);
    sample
}

fn not_worn_still(sample: &mut Sample) {
    sample.flags = Flags(sample.flags.0 & !Flags::TRUE_ZERO.0);
}

/// Minutes at each level. A number that is zero is left out on the wire.
fn active_minutes(push: &mut Push<'_>, body: &Value, base: &Sample) -> Result<Vec<Sample>, Not> {
    let zero = Value::from(0);
    let mut samples = Vec::new();
    for level in list(body, "activeMinutesByActivityLevel") {
        let word = text(level, "activityLevel").unwrap_or_default();
        if let Some((_, metric)) = coverage::ACTIVE_MINUTES.iter().find(|(theirs, _)| *theirs == word) {
            let minutes = number(level.get("activeMinutes").unwrap_or(&zero), Conversion::IDENTITY)?;
            samples.push(measured(*metric, minutes, base)?);
        } else {
            push.left_out("activeMinutes of another activityLevel");
        }
    }
    match samples.is_empty() {
        true => Err(Not::Unsupported("value-unknown")),
        false => Ok(samples),
    }
}

fn glucose(body: &Value, base: &Sample) -> Result<Vec<Sample>, Not> {
    let value = body
        .get("bloodGlucoseMilligramsPerDeciliter")
        .ok_or(Not::Rejected("value-missing"))?;
    let is_interstitial = text(body, "measurementSource") == Some("CONTINUOUS_GLUCOSE_MONITORING")
        || text(body, "specimen") == Some("INTERSTITIAL_FLUID");
    let metric = if is_interstitial {
        Metric::CGM_GLUCOSE
    } else {
        Metric::BLOOD_GLUCOSE
    };
    let meal = match text(body, "measurementTiming") {
        Some("BEFORE_MEAL") => Flags::BEFORE_MEAL,
        Some("AFTER_MEAL") => Flags::AFTER_MEAL,
        _ => Flags::default(),
    };
    let base = Sample {
        flags: base.flags.with(meal),
        ..base.clone()
    };
    Ok(vec![measured(metric, number(value, Conversion::IDENTITY)?, &base)?])
}

/// A night or a nap: its stages, the short wakings that lie over them, and when its person was up. Without any it is sleep from
/// end to end.
fn sleep(body: &Value, base: &Sample) -> Result<Vec<Sample>, Not> {
    let segment = |piece: &Value, code: u32| {
        let time = |member: &str| text(piece, member).and_then(instant);
        let (Some((start, _)), Some((end, _))) = (time("startTime"), time("endTime")) else {
            return Err(Not::Rejected("time-unreadable"));
        };
        if end < start || start < base.start || end > base.end {
            return Err(Not::Rejected("stage-outside-its-session"));
        }
        let mut sample = coded(Metric::SLEEP_STAGE, code, base);
        (sample.start, sample.end) = (start, end);
        sample.end_offset_minutes = offset(piece, "endUtcOffset").unwrap_or(base.end_offset_minutes);
        if let Some(minutes) = offset(piece, "startUtcOffset") {
            sample.offset = Offset::given(minutes);
        }
        Ok(sample)
    };
    let stage = |piece: &Value| {
        let word = text(piece, "type").unwrap_or_default();
        let known = coverage::STAGES.iter().find(|(theirs, _)| *theirs == word);
        segment(piece, known.map_or(coverage::UNKNOWN_STAGE, |(_, code)| *code))
    };
    let stages = list(body, "stages").iter().map(stage);
    let wakings = list(body, "shortAwakenings")
        .iter()
        .map(|piece| segment(piece, coverage::AWAKE));
    let up = list(body, "outOfBedSegments")
        .iter()
        .map(|piece| segment(piece, coverage::OUT_OF_BED));
    let mut samples = stages.chain(wakings).chain(up).collect::<Result<Vec<_>, _>>()?;
    if samples.is_empty() {
        samples.push(coded(Metric::SLEEP_STAGE, coverage::ASLEEP, base));
    }
    Ok(samples)
}

/// An exercise: its kind, length, distance and energy. Its title and notes are free text, its splits a part of its way: not kept.
fn exercise(push: &mut Push<'_>, body: &Value, base: &Sample) -> Result<Sample, Not> {
    for member in ["displayName", "notes", "splits", "splitSummaries"] {
        if body.get(member).is_some() {
            push.left_out(member);
        }
    }
    let word = text(body, "exerciseType").unwrap_or_default();
    let own = word.to_ascii_lowercase().replace('_', "-");
    let renamed = coverage::EXERCISES.iter().find(|(theirs, _)| *theirs == word);
    let key = renamed.map_or(own.as_str(), |(_, key)| key);
    let code = LIST_EXERCISE_TYPE.iter().find(|entry| entry.key == key);
    let code = code.map_or(coverage::OTHER_EXERCISE, |entry| entry.number);
    let active = text(body, "activeDuration").and_then(|active| {
        let seconds = parse_number(active.strip_suffix('s')?.as_bytes()).ok()?;
        Conversion::ratio(1, 60).convert(seconds)
    });
    let minutes = active.or_else(|| measure::minutes(base.start, base.end));
    let part = |members: &[&str], conversion| {
        let found = members
            .iter()
            .find_map(|member| body.get("metricsSummary")?.get(member));
        found.map(|value| number(value, conversion)).transpose()
    };
    // An official sample of the vendor has a letter too many.
    let distance = part(
        &["distanceMillimeters", "distanceMillimiters"],
        Conversion::ratio(1, 1_000),
    )?;
    let energy = part(&["caloriesKcal"], Conversion::IDENTITY)?;
    let parts = [measure::code_component(code), minutes, distance, energy];
    Ok(Sample {
        value: Measure::Components(Box::new(parts)),
        ..coded(Metric::EXERCISE_SESSION, 0, base)
    })
}

fn nutrition(push: &mut Push<'_>, body: &Value, base: &Sample) -> Result<Vec<Sample>, Not> {
    for member in ["food", "foodDisplayName", "notes"] {
        if body.get(member).is_some() {
            push.left_out(member);
        }
    }
    let mut samples = Vec::new();
    for field in coverage::MEAL {
        if let Some(value) = at(body, field.path) {
            samples.push(measured(field.metric, number(value, field.conversion)?, base)?);
        }
    }
    for nutrient in list(body, "nutrients") {
        let word = text(nutrient, "nutrient").unwrap_or_default();
        let known = coverage::NUTRIENTS.iter().find(|(theirs, ..)| *theirs == word);
        if let (Some((_, conversion, metric)), Some(value)) = (known, at(nutrient, &["quantity", "grams"])) {
            samples.push(measured(*metric, number(value, *conversion)?, base)?);
        } else {
            push.left_out("nutrients of another nutrient");
        }
    }
    match samples.is_empty() {
        true => Err(Not::Unsupported("value-unknown")),
        false => Ok(samples),
    }
}

fn skin_temperature(body: &Value, base: &Sample) -> Result<Vec<Sample>, Not> {
    let value = |member: &str| {
        body.get(member)
            .map(|value| number(value, Conversion::IDENTITY))
            .transpose()
    };
    let nightly = value("nightlyTemperatureCelsius")?.ok_or(Not::Rejected("value-missing"))?;
    let mut samples = vec![measured(Metric::SKIN_TEMPERATURE, nightly, base)?];
    if let Some(usual) = value("baselineTemperatureCelsius")? {
        let (night, usual) = (nightly.exact(), usual.exact());
        let scale = night.scale.max(usual.scale);
        let difference = night.rescale(scale).zip(usual.rescale(scale));
        let difference = difference.and_then(|(night, usual)| night.mantissa.checked_sub(usual.mantissa));
        let difference = difference.ok_or(Not::Rejected("number-too-long"))?;
        let difference = Measured::as_given(model::Decimal::new(difference, scale));
        samples.push(measured(Metric::SKIN_TEMPERATURE_DEVIATION, difference, base)?);
    }
    Ok(samples)
}
