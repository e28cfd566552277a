//! One point, of the API or of the archive: its values stand in the order of its type's fields.

use std::borrow::Cow;

use model::units::{Conversion, parse_number};
use model::{Flags, Measured, Metric, Offset, OffsetTrust, Sample, Source, SourceKind, UtcMillis, Value};
use serde::{Deserialize, Deserializer};
use serde_json::Number;

use super::coverage::{self, Makes};
use crate::measure::{self, coded, measured};
use crate::push::{Made, Not, Push};

/// The origin of what says none: the vendor's own stream of all.
const MERGED: &str = "derived::com.google.android.gms";

/// A point as it is written.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Point<'a> {
    #[serde(borrow, default)]
    data_type_name: Cow<'a, str>,
    #[serde(default)]
    start_time_nanos: Int,
    #[serde(default)]
    end_time_nanos: Int,
    #[serde(borrow, default)]
    origin_data_source_id: Cow<'a, str>,
    /// In the API.
    #[serde(borrow, default)]
    value: Vec<Field<'a>>,
    /// In the archive, each one level deeper.
    #[serde(borrow, default)]
    fit_value: Vec<Wrapped<'a>>,
}

#[derive(Deserialize)]
struct Wrapped<'a> {
    #[serde(borrow, default)]
    value: Field<'a>,
}

/// A value has one member, or none where it is absent.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Field<'a> {
    int_val: Option<Number>,
    fp_val: Option<Number>,
    #[serde(borrow, default)]
    map_val: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow, default)]
    key: Cow<'a, str>,
    #[serde(borrow, default)]
    value: Field<'a>,
}

/// A 64-bit number, which is written as a text or as a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Int(pub Option<i64>);

impl<'de> Deserialize<'de> for Int {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl serde::de::Visitor<'_> for Either {
            type Value = Int;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a whole number")
            }

            fn visit_i64<E>(self, number: i64) -> Result<Int, E> {
                Ok(Int(Some(number)))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Int, E> {
                Ok(Int(i64::try_from(number).ok()))
            }

            fn visit_str<E>(self, text: &str) -> Result<Int, E> {
                Ok(Int(text.parse().ok()))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl Int {
    /// Of nanoseconds since 1970; and whether they are finer than a second.
    pub fn nanos(self) -> Option<(UtcMillis, bool)> {
        let millis = self.0?.div_euclid(1_000_000);
        Some((UtcMillis(millis), millis % 1_000 != 0))
    }
}

impl Point<'_> {
    /// Its type, without `com.google.`.
    pub fn kind(&self) -> &str {
        kind(&self.data_type_name)
    }

    /// What tells it from another of the same time.
    pub fn origin(&self) -> &str {
        &self.origin_data_source_id
    }

    fn values(&self) -> impl Iterator<Item = &Field<'_>> {
        self.value
            .iter()
            .chain(self.fit_value.iter().map(|wrapped| &wrapped.value))
    }
}

/// A type without its beginning.
pub fn kind(name: &str) -> &str {
    name.strip_prefix("com.google.").unwrap_or(name)
}

/// What a point of this stream becomes: samples, or a number that is parked.
pub fn made(push: &mut Push<'_>, point: &Point<'_>, stream: &str) -> Result<(Vec<Sample>, Option<Made>), Not> {
    let (start, one) = point.start_time_nanos.nanos().ok_or(Not::Rejected("start-missing"))?;
    let (end, other) = point.end_time_nanos.nanos().unwrap_or((start, one));
    push.times(start, end)?;
    let origins = [point.origin(), stream, MERGED];
    let origin = origins.into_iter().find(|origin| !origin.is_empty()).unwrap_or(MERGED);
    let mut base = measure::blank(push.source_written(origin, source)?, start, end);
    // The vendor says no offset: the resident's home is taken.
    base.end_offset_minutes = base.offset.minutes;
    for (is_set, flag) in [
        (origin.contains("user_input"), Flags::USER_ENTERED),
        (one || other, Flags::MILLISECONDS),
    ] {
        if is_set {
            base.flags = base.flags.with(flag);
        }
    }
    let mut values = point.values();
    let Some(kind) = coverage::named(point.kind()) else {
        return parked(point, base);
    };
    let samples = match kind.makes {
        Makes::Number(metric, conversion) => {
            let value = values.next().and_then(text).ok_or(Not::Rejected("value-missing"))?;
            vec![measured(metric, converted(&value, conversion)?, &base)?]
        }
        Makes::Code(metric, codes) => match code(values.next(), codes)? {
            Some(code) => vec![coded(metric, code, &base)],
            None => return Err(Not::Unsupported("value-unknown")),
        },
        Makes::Event(metric) => vec![coded(metric, 1, &base)],
        Makes::Pressure => vec![pressure(point, &base)?],
        Makes::Glucose => vec![glucose(point, &base)?],
        Makes::Sleep => {
            let stage = code(values.next(), coverage::STAGES)?;
            vec![coded(
                Metric::SLEEP_STAGE,
                stage.unwrap_or(coverage::UNKNOWN_STAGE),
                &base,
            )]
        }
        Makes::Activity => match code(values.next(), coverage::SLEEP_ACTIVITIES)? {
            Some(stage) => vec![coded(Metric::SLEEP_STAGE, stage, &base)],
            None => return parked(point, base),
        },
        Makes::Nutrition => nutrition(push, point, &base)?,
        Makes::Place => return Err(Not::Duplicate("place-not-kept")),
    };
    Ok((samples, None))
}

/// A number of a type without a mapping.
fn parked(point: &Point<'_>, mut base: Sample) -> Result<(Vec<Sample>, Option<Made>), Not> {
    let mut numbers = point.values().filter_map(text);
    let (Some(number), None) = (numbers.next(), numbers.next()) else {
        return Err(Not::Unsupported("type-unknown"));
    };
    let number = parse_number(number.as_bytes()).map_err(|_| Not::Unsupported("type-unknown"))?;
    base.value = Value::Quantity(Measured::as_given(number));
    let name: String = point.kind().chars().take(128).collect();
    Ok((Vec::new(), Some(Made::Parked(name, String::new(), base))))
}

/// A value as a number's text.
fn text(field: &Field<'_>) -> Option<String> {
    field.int_val.as_ref().or(field.fp_val.as_ref()).map(measure::tidy)
}

fn converted(text: &str, conversion: Conversion) -> Result<Measured, Not> {
    let number = parse_number(text.as_bytes()).map_err(|_| Not::Rejected("not-a-number"))?;
    conversion.convert(number).ok_or(Not::Rejected("number-too-long"))
}

fn code(field: Option<&Field<'_>>, codes: &[(i64, u32)]) -> Result<Option<u32>, Not> {
    let number = field.and_then(|field| field.int_val.as_ref()?.as_i64());
    let number = number.ok_or(Not::Rejected("value-missing"))?;
    Ok(codes
        .iter()
        .find(|(theirs, _)| *theirs == number)
        .map(|(_, code)| *code))
}

fn pressure(point: &Point<'_>, base: &Sample) -> Result<Sample, Not> {
    let half = |at: usize| {
        let value = point.values().nth(at).and_then(text);
        value.map(|value| converted(&value, Conversion::IDENTITY)).transpose()
    };
    let (systolic, diastolic) = (half(0)?, half(1)?);
    if systolic.is_none() && diastolic.is_none() {
        return Err(Not::Rejected("value-missing"));
    }
    let flags = measure::pressure_flags(systolic, diastolic)?;
    Ok(Sample {
        metric: Metric::BLOOD_PRESSURE,
        flags: base.flags.with(flags),
        value: measure::blood_pressure(systolic, diastolic),
        ..base.clone()
    })
}

/// Level, relation to a meal (2 fasting, 3 before, 4 after), meal, relation to sleep, specimen (1 interstitial fluid).
fn glucose(point: &Point<'_>, base: &Sample) -> Result<Sample, Not> {
    let value = point
        .values()
        .next()
        .and_then(text)
        .ok_or(Not::Rejected("value-missing"))?;
    let whole = |at: usize| {
        point
            .values()
            .nth(at)
            .and_then(|field| field.int_val.as_ref()?.as_i64())
    };
    let meal = match whole(1) {
        Some(3) => Flags::BEFORE_MEAL,
        Some(4) => Flags::AFTER_MEAL,
        _ => Flags::default(),
    };
    let metric = match whole(4) {
        Some(1) => Metric::CGM_GLUCOSE,
        _ => Metric::BLOOD_GLUCOSE,
    };
    let base = Sample {
        flags: base.flags.with(meal),
        ..base.clone()
    };
    // Molar mass of glucose: 180.156 g/mol.
    Ok(measured(
        metric,
        converted(&value, Conversion::ratio(180_156, 10_000))?,
        &base,
    )?)
}

fn nutrition(push: &mut Push<'_>, point: &Point<'_>, base: &Sample) -> Result<Vec<Sample>, Not> {
    let mut samples = Vec::new();
    for entry in point.values().flat_map(|field| &field.map_val) {
        let known = coverage::NUTRIENTS.iter().find(|(key, ..)| *key == entry.key);
        if let (Some((_, conversion, metric)), Some(value)) = (known, text(&entry.value)) {
            samples.push(measured(*metric, converted(&value, *conversion)?, base)?);
        } else {
            push.left_out("nutrients of another key");
        }
    }
    match samples.is_empty() {
        true => Err(Not::Unsupported("value-unknown")),
        false => Ok(samples),
    }
}

/// Of a stream's id: `type:data type:package[:manufacturer:model:uid][:name]`. The uid of a device is not kept.
pub fn source(stream: &str) -> Source {
    let parts: Vec<&str> = stream.split(':').collect();
    let part = |at: usize| parts.get(at).copied().filter(|part| !part.is_empty());
    let cut = |text: &str| text.chars().take(100).collect::<String>();
    let app = cut(part(2).unwrap_or("unknown"));
    let has_device = parts.len() >= 6;
    let device = |at: usize| part(at).filter(|_| has_device).map(cut);
    let (manufacturer, model) = (device(3), device(4));
    let shown = |part: &Option<String>| part.clone().unwrap_or_default();
    Source {
        key: format!("google-fit|{app}|{}|{}", shown(&manufacturer), shown(&model)),
        name: model.clone().unwrap_or_else(|| app.clone()),
        manufacturer,
        model,
        hardware: None,
        copies: Vec::new(),
        kind: if has_device {
            SourceKind::Unknown
        } else {
            SourceKind::App
        },
    }
}

/// Places a sample by a local offset.
pub fn with_offset(sample: &mut Sample, minutes: Option<i16>) {
    if let Some(minutes) = minutes {
        sample.offset = Offset {
            minutes,
            trust: OffsetTrust::Given,
        };
        sample.end_offset_minutes = minutes;
    }
}
