//! One item: the samples it holds, and the day in which it lies.

use jiff::civil::DateTime;
use model::units::{Conversion, parse_number};
use model::{Decimal, Measured, Metric, Offset, OffsetTrust, Sample, Source, SourceKind, UtcMillis};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::Next;
use super::coverage::{BODY, SERIES};
use crate::measure::{self, measured};
use crate::pull::{Points, Reads, Windows};
use crate::push::{Not, Push, instant, text};

/// Reads answers of `measurement`.
pub(super) struct Items;

/// An answer; its lists by type.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    #[serde(borrow)]
    result: Lists<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Lists<'a> {
    #[serde(borrow, default)]
    blood_pressure: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    weight: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    activity: Vec<&'a RawValue>,
    #[serde(default)]
    truncated: Value,
}

impl Reads for Items {
    fn window(&self, series: &str) -> Option<i64> {
        let series = SERIES.iter().find(|known| known.name == series)?;
        Some(i64::from(series.hours) * model::time::HOUR_MS)
    }

    fn points<'a>(&self, series: &str, page: &'a str) -> Option<Points<'a>> {
        let answer: Answer<'a> = serde_json::from_str(page).ok()?;
        let is_cut = answer.result.truncated == Value::Bool(true);
        let items = match series {
            "bloodpressure" => answer.result.blood_pressure,
            "weight" => answer.result.weight,
            _ => answer.result.activity,
        };
        Some(Points {
            // Of a day with more than an answer may have, nobody says the rest. Finding out costs as much again: only where it was cut.
            are_all: !is_cut || !matches!(Next::of(page.as_bytes()), Ok(Next::Past(_))),
            ..Points::all(items)
        })
    }

    fn point(&self, push: &mut Push<'_>, point: &str, windows: &mut Windows<'_>) -> Result<(), Not> {
        let item: Value = serde_json::from_str(point).map_err(|_| Not::Rejected("not-json"))?;
        let (at, offset) = time(&item).ok_or(Not::Rejected("time-unreadable"))?;
        if !windows.holds(at) {
            return Err(Not::Duplicate("of-another-ask"));
        }
        push.times(at, at)?;
        let mut base = measure::blank(push.source(source(&item))?, at, at);
        if let Some(offset) = offset {
            (base.offset, base.end_offset_minutes) = (Offset::given(offset), offset);
        }
        let samples = match windows.ask.series {
            "bloodpressure" => blood_pressure(&item, &base)?,
            "weight" => weight(&item, &base)?,
            _ => activity(&item, &base)?,
        };
        let id = item.get("id").map(Value::to_string).unwrap_or_default();
        windows.put(at, &id, samples)
    }
}

/// When it was measured, and the minutes by which its local time was ahead.
fn time(item: &Value) -> Option<(UtcMillis, Option<i16>)> {
    let civil = |member: &str| {
        let text = text(item, member)?;
        text.trim_end_matches('Z').parse::<DateTime>().ok()
    };
    let utc = text(item, "dateTime")?;
    let at = match instant(utc) {
        Some((at, _)) => at,
        None => {
            let at = jiff::tz::TimeZone::UTC.to_timestamp(civil("dateTime")?).ok()?;
            UtcMillis(at.as_millisecond())
        }
    };
    let ahead = civil("dateTimeLocal").and_then(|local| {
        let local = jiff::tz::TimeZone::UTC.to_timestamp(local).ok()?;
        i16::try_from((local.as_millisecond() - at.0).div_euclid(model::time::MINUTE_MS)).ok()
    });
    Some((at, ahead.filter(|minutes| minutes.abs() <= 18 * 60)))
}

fn source(item: &Value) -> Source {
    let device: String = text(item, "deviceType").unwrap_or("device").chars().take(100).collect();
    Source {
        key: format!("omron|{device}"),
        name: device.clone(),
        manufacturer: Some("OMRON".to_owned()),
        model: Some(device),
        hardware: None,
        copies: Vec::new(),
        kind: SourceKind::Instrument,
    }
}

/// A number, in the unit that the item states.
fn number(item: &Value, member: &str, unit: Option<&str>) -> Result<Option<Measured>, Not> {
    let text = match item.get(member) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => measure::tidy(number),
        Some(Value::String(text)) => text.clone(),
        Some(_) => return Err(Not::Rejected("not-a-number")),
    };
    let conversion = match unit.map(str::to_ascii_lowercase).as_deref() {
        None | Some("" | "mmhg" | "bpm" | "kg" | "%") => Conversion::IDENTITY,
        Some("kpa") => Conversion::KILOPASCAL_TO_MMHG,
        Some("lb" | "lbs") => Conversion::POUND_TO_KILOGRAM,
        Some(_) => return Err(Not::Rejected("unknown-unit")),
    };
    let number = parse_number(text.as_bytes()).map_err(|_| Not::Rejected("not-a-number"))?;
    conversion
        .convert(number)
        .map(Some)
        .ok_or(Not::Rejected("number-too-long"))
}

/// A reading and its pulse. One that only warns of an irregular pulse has zeros where its values would be, and is no reading.
fn blood_pressure(item: &Value, base: &Sample) -> Result<Vec<Sample>, Not> {
    let unit = text(item, "bloodPressureUnits");
    let half = |member: &str| number(item, member, unit)?.ok_or(Not::Rejected("value-missing"));
    let (systolic, diastolic) = (half("systolic")?, half("diastolic")?);
    let is_zero = |half: Measured| half.exact() == Decimal::whole(0);
    if is_zero(systolic) && is_zero(diastolic) {
        return Err(Not::Unsupported("no-reading"));
    }
    let flags = measure::pressure_flags(Some(systolic), Some(diastolic))?;
    let mut samples = vec![Sample {
        metric: Metric::BLOOD_PRESSURE,
        value: measure::blood_pressure(Some(systolic), Some(diastolic)),
        flags: base.flags.with(flags),
        ..base.clone()
    }];
    if let Some(pulse) = number(item, "pulse", text(item, "pulseUnits"))?.filter(|pulse| !is_zero(*pulse)) {
        samples.push(measured(Metric::HEART_RATE, pulse, base)?);
    }
    Ok(samples)
}

fn weight(item: &Value, base: &Sample) -> Result<Vec<Sample>, Not> {
    // Pounds would be taken for kilograms: a person may weigh as many.
    if item.get("weight").is_some() && text(item, "weightUnits").is_none() {
        return Err(Not::Rejected("unknown-unit"));
    }
    let mut samples = Vec::new();
    for (member, metric) in BODY {
        let unit = text(item, "weightUnits").filter(|_| *metric == Metric::BODY_WEIGHT);
        if let Some(value) = number(item, member, unit)?.filter(|value| value.exact() != Decimal::whole(0)) {
            samples.push(measured(*metric, value, base)?);
        }
    }
    match samples.is_empty() {
        true => Err(Not::Rejected("value-missing")),
        false => Ok(samples),
    }
}

/// The steps of a day, which the item's local time names: hours are not asked for. Distances and calories come without a word of which
/// kind they are.
fn activity(item: &Value, base: &Sample) -> Result<Vec<Sample>, Not> {
    let steps = number(item, "steps", None)?.ok_or(Not::Unsupported("type-unknown"))?;
    let day = base.start.local_day(base.offset);
    let mut of_day = base.clone();
    of_day.offset = Offset {
        minutes: 0,
        trust: OffsetTrust::None,
    };
    of_day.start = day.start(of_day.offset);
    (of_day.end, of_day.end_offset_minutes) = (of_day.start, 0);
    Ok(vec![measured(Metric::DAILY_STEP_COUNT, steps, &of_day)?])
}
