//! One reading: the samples that it holds.

use std::borrow::Cow;

use jiff::tz::TimeZone;
use model::units::parse_number;
use model::{Decimal, Identified, Measured, Metric, Offset, OffsetTrust, Sample, Source, SourceKind, UtcMillis, Word};
use serde_json::Value;

use super::coverage::{CODES, OF_PRESSURE, PRESSURE, Unit};
use crate::feed::MOST_BYTES;
use crate::measure::{self, measured};
use crate::push::{self, Not, Push, instant, text};
use crate::{AdapterError, Input, Reading, Sink};

/// Of a device, as far as it is said around its readings.
#[derive(Clone, Default)]
struct Device {
    model: String,
    serial: String,
    user: String,
}

/// How deep lists may lie in one another.
const DEEPEST: u8 = 7;

/// Reads what one person has.
pub(super) fn read(format: &str, input: &Input<'_>, sink: &mut dyn Sink) -> Result<Reading, AdapterError> {
    let bytes = push::bytes(input, MOST_BYTES as u64)?;
    let whole: Value = serde_json::from_slice(&bytes).map_err(|error| AdapterError::Damaged {
        place: format!("at line {}, column {}", error.line(), error.column()),
        problem: "it is no JSON".to_owned(),
    })?;
    if text(&whole, "format") != Some(format) {
        return Err(push::refused("it is of another service"));
    }
    let obtained = text(&whole, "obtainedAt").and_then(instant);
    let obtained = obtained.ok_or_else(|| push::refused("obtainedAt is no instant"))?.0;
    let mut push = Push::new(sink, obtained);
    let mut place = 0;
    for list in whole.get("lists").and_then(Value::as_array).into_iter().flatten() {
        readings(&mut push, list, &Device::default(), &mut place, DEEPEST)?;
    }
    push.finish()
}

/// Lists of readings, or of such lists.
const LISTS: [&str; 3] = ["measureList", "deviceModelList", "deviceSerialIDList"];

/// The readings of a list, and of the lists in it.
fn readings(
    push: &mut Push<'_>,
    list: &Value,
    around: &Device,
    place: &mut u64,
    deepest: u8,
) -> Result<(), crate::SinkClosed> {
    let said = |member: &str, known: &str| word(list, member).unwrap_or_else(|| known.to_owned());
    let device = Device {
        model: said("deviceModel", &around.model),
        serial: said("deviceSerialID", &around.serial),
        user: said("userNumberInDevice", &around.user),
    };
    let of = |member: &str| list.get(member).and_then(Value::as_array).into_iter().flatten();
    if deepest == 0 || !LISTS.iter().any(|member| list.get(member).is_some_and(Value::is_array)) {
        *place += 1;
        return push.end(Not::Rejected("shape-unknown"), list, *place);
    }
    for reading in of("measureList") {
        *place += 1;
        match record(push, reading, &device) {
            Ok(record) => push.identified(record)?,
            Err(not) => push.end(not, reading, *place)?,
        }
    }
    for below in of("deviceModelList").chain(of("deviceSerialIDList")) {
        readings(push, below, &device, place, deepest - 1)?;
    }
    Ok(())
}

/// A text or a number, as text of at most a hundred characters; `None` where it is neither or empty.
fn word(of: &Value, member: &str) -> Option<String> {
    let word: String = match of.get(member)? {
        Value::String(text) => text.trim().chars().take(100).collect(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!word.is_empty()).then_some(word)
}

fn millis(of: &Value, member: &str) -> Option<UtcMillis> {
    word(of, member)?.parse().ok().filter(|at| *at > 0).map(UtcMillis)
}

fn is_set(of: &Value, member: &str) -> bool {
    matches!(word(of, member).as_deref(), Some("1" | "true")) || of.get(member) == Some(&Value::Bool(true))
}

/// What a reading holds, under an id that is the same whichever way it comes.
fn record(push: &mut Push<'_>, reading: &Value, around: &Device) -> Result<Identified, Not> {
    // Model, serial number, user and time; a model may have the line in it that parts them.
    let id = word(reading, "_id");
    let of_id = id.as_deref().and_then(|id| {
        let mut parts = id.rsplitn(4, '_');
        let (at, user, serial, model) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let device = Device {
            model: model.to_owned(),
            serial: serial.to_owned(),
            user: user.to_owned(),
        };
        Some((device, UtcMillis(at.parse().ok()?)))
    });
    let (device, at) = match (of_id, millis(reading, "measureDateFrom")) {
        (Some((device, at)), stated) => (device, stated.unwrap_or(at)),
        (None, Some(at)) => (around.clone(), at),
        (None, None) => return Err(Not::Rejected("time-unreadable")),
    };
    if device.model.is_empty() || device.serial.is_empty() {
        return Err(Not::Rejected("source-missing"));
    }
    let id = id.unwrap_or_else(|| format!("{}_{}_{}_{}", device.model, device.serial, device.user, at.0));
    if id.len() > push::LONGEST_KEY {
        return Err(Not::Rejected("id-too-long"));
    }
    let said = ["userUpdateDate", "_modified", "transferDate"];
    let said = said
        .iter()
        .filter_map(|member| millis(reading, member))
        .max()
        .unwrap_or(push.sent);
    if is_set(reading, "deleteFlag") {
        return Ok(Identified {
            id,
            said,
            what: Word::Deleted,
        });
    }
    let end = millis(reading, "measureDateTo").unwrap_or(at);
    push.times(at, end)?;
    let key = format!("omron|{}|{}", device.model, device.serial);
    let mut base = measure::blank(push.source_written(&key, |key| source(key, &device))?, at, end);
    base.offset = offset(reading, at);
    base.end_offset_minutes = base.offset.minutes;
    Ok(Identified {
        id,
        said,
        what: Word::Holds(samples(push, reading, &base)?),
    })
}

/// Each device of a model is one source: two people may have the same, but not one of them two sources of one.
fn source(key: &str, device: &Device) -> Source {
    Source {
        key: key.to_owned(),
        name: device.model.clone(),
        manufacturer: Some("OMRON".to_owned()),
        model: Some(device.model.clone()),
        hardware: None,
        copies: Vec::new(),
        kind: SourceKind::Instrument,
    }
}

/// By the zone that is stated, else by what the device's own clock showed.
fn offset(reading: &Value, at: UtcMillis) -> Offset {
    let zone = text(reading, "timeZone").and_then(|zone| TimeZone::get(zone).ok());
    if let (Some(zone), Ok(instant)) = (zone, jiff::Timestamp::from_millisecond(at.0)) {
        return Offset {
            minutes: i16::try_from(zone.to_offset(instant).seconds() / 60).unwrap_or(0),
            trust: OffsetTrust::FromZone,
        };
    }
    let shown = text(reading, "measureDeviceDateFrom").and_then(|shown| {
        let shown = jiff::civil::DateTime::strptime("%Y%m%d%H%M%S", shown.get(..14)?).ok()?;
        TimeZone::UTC.to_timestamp(shown).ok()
    });
    let ahead = shown.map(|shown| (shown.as_millisecond() - at.floor_second().0).div_euclid(model::time::MINUTE_MS));
    match ahead.and_then(|ahead| i16::try_from(ahead).ok()) {
        // Zones lie a quarter of an hour apart: anything else is a clock that goes wrong.
        Some(ahead) if ahead % 15 == 0 && ahead.abs() <= 14 * 60 => Offset::given(ahead),
        _ => Offset::JAPAN_ASSUMED,
    }
}

/// A number of the list: value × 10^scale, in its unit.
fn number(list: &Value, code: &str, units: &[Unit]) -> Result<Option<Measured>, Not> {
    let Some(entry) = list.get(code).filter(|entry| !entry.is_null()) else {
        return Ok(None);
    };
    let part = |place: usize| match entry.get(place) {
        Some(Value::String(text)) => Some(Cow::Borrowed(text.trim())),
        Some(Value::Number(number)) => Some(Cow::Owned(measure::tidy(number))),
        _ => None,
    };
    let whole = |place: usize| part(place).and_then(|part| part.parse::<i32>().ok());
    let value = part(0).ok_or(Not::Rejected("value-missing"))?;
    let value = parse_number(value.as_bytes()).map_err(|_| Not::Rejected("not-a-number"))?;
    let scale = whole(2).ok_or(Not::Rejected("scale-missing"))?;
    let value = scaled(value, scale).ok_or(Not::Rejected("number-too-long"))?;
    let conversion = match units {
        [] => model::units::Conversion::IDENTITY,
        units => {
            let unit = whole(1).and_then(|unit| u32::try_from(unit).ok());
            let known = units.iter().find(|(known, _)| Some(*known) == unit);
            known.ok_or(Not::Rejected("unknown-unit"))?.1
        }
    };
    conversion
        .convert(value)
        .map(Some)
        .ok_or(Not::Rejected("number-too-long"))
}

/// A number times a power of ten; `None` where it has too many digits then.
fn scaled(value: Decimal, power: i32) -> Option<Decimal> {
    let scale = i32::from(value.scale).checked_sub(power)?;
    if let Ok(scale) = u8::try_from(scale) {
        return (scale <= model::decimal::MAX_SCALE).then(|| Decimal::new(value.mantissa, scale));
    }
    let tenfold = 10_i64.checked_pow(scale.unsigned_abs())?;
    value
        .mantissa
        .checked_mul(tenfold)
        .map(|mantissa| Decimal::new(mantissa, 0))
}

fn samples(push: &mut Push<'_>, reading: &Value, base: &Sample) -> Result<Vec<Sample>, Not> {
    let list = reading.get("bodyIndexList").filter(|list| list.is_object());
    let list = list.ok_or(Not::Rejected("value-missing"))?;
    let mut samples = Vec::new();
    let [systolic, diastolic] = PRESSURE.map(|code| number(list, code, OF_PRESSURE));
    let pressure = match (systolic?, diastolic?) {
        (None, None) => None,
        (Some(systolic), Some(diastolic)) => Some((systolic, diastolic)),
        _ => return Err(Not::Rejected("half-of-a-blood-pressure")),
    };
    let is_zero = |value: Measured| value.exact() == Decimal::whole(0);
    if let Some((systolic, diastolic)) = pressure {
        // A reading that only warns of an irregular pulse has zeros where its values would be.
        if is_zero(systolic) && is_zero(diastolic) {
            return Err(Not::Unsupported("no-reading"));
        }
        let flags = measure::pressure_flags(Some(systolic), Some(diastolic))?;
        samples.push(Sample {
            metric: Metric::BLOOD_PRESSURE,
            value: measure::blood_pressure(Some(systolic), Some(diastolic)),
            flags: base.flags.with(flags),
            ..base.clone()
        });
    }
    for (code, metric, units) in CODES {
        // Of what a scale could not measure it says zero; of what was counted zero is a count.
        let counts = *metric == Metric::STEP_COUNT || *metric == Metric::DISTANCE_WALKING_RUNNING;
        if let Some(value) = number(list, code, units)?.filter(|value| counts || !is_zero(*value)) {
            samples.push(measured(*metric, value, base)?);
        }
    }
    for code in list.as_object().into_iter().flat_map(|list| list.keys()) {
        if !PRESSURE.contains(&code.as_str()) && !CODES.iter().any(|(known, ..)| known == code) {
            let is_code = code.len() <= 5 && code.bytes().all(|byte| byte.is_ascii_digit());
            push.left_out(&format!(
                "bodyIndexList {}",
                if is_code { code } else { "of no number" }
            ));
        }
    }
    match samples.is_empty() {
        true => Err(Not::Unsupported("type-unknown")),
        false => Ok(samples),
    }
}
