//! Numbers of any vendor: read, converted, and judged by the metric's bounds.

use model::decimal::{Decimal, DecimalError, Measured};
use model::sample::Flags;
use model::units::{Conversion, parse_number};
use model::{Metric, Sample, UtcMillis, Value};
use serde_json::Number;

/// Why a record is not a measurement. The texts are fixed words: no value ever stands in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejection(pub &'static str);

/// Of what cannot be a measurement whatever its unit.
pub const IMPLAUSIBLE: &str = "implausible";

/// Reads a number, converts it, and judges it by the metric's bounds.
///
/// # Errors
/// A [`Rejection`]: not a number, too long, or impossible.
pub fn quantity(metric: Metric, conversion: Conversion, value: &[u8]) -> Result<(Measured, Flags), Rejection> {
    let number = number(value)?;
    let measured = conversion.convert(number).ok_or(Rejection("number-too-long"))?;
    bounds(metric, measured.exact()).map(|flags| (measured, flags))
}

/// Reads a number as it is.
///
/// # Errors
/// A [`Rejection`]: not a number, or too long.
pub fn number(value: &[u8]) -> Result<Decimal, Rejection> {
    parse_number(value).map_err(|error| match error {
        DecimalError::NotANumber => Rejection("not-a-number"),
        DecimalError::TooLong => Rejection("number-too-long"),
    })
}

/// Flags a value outside the plausible range.
///
/// # Errors
/// A [`Rejection`] for what cannot be a measurement.
pub fn bounds(metric: Metric, value: Decimal) -> Result<Flags, Rejection> {
    let row = metric.row();
    let below = |bound: Option<Decimal>| bound.is_some_and(|bound| value.compare(bound).is_lt());
    let above = |bound: Option<Decimal>| bound.is_some_and(|bound| value.compare(bound).is_gt());
    if below(row.reject_min) || above(row.reject_max) {
        return Err(Rejection(IMPLAUSIBLE));
    }
    Ok(if below(row.plausible_min) || above(row.plausible_max) {
        Flags::OUT_OF_RANGE
    } else {
        Flags::default()
    })
}

/// The two halves of a blood pressure as one value.
pub fn blood_pressure(systolic: Option<Measured>, diastolic: Option<Measured>) -> Value {
    Value::Components(Box::new([systolic, diastolic, None]))
}

/// Bounds of one half (mmHg): 20 to 350 systolic, 10 to 250 diastolic are possible; 60 to 300 and 30 to 150 plausible.
///
/// # Errors
/// A [`Rejection`] for what cannot be a measurement.
pub fn pressure_bounds(component: usize, value: Decimal) -> Result<Flags, Rejection> {
    // Input limits of the national checkup programme; facts 2.6.
    let (reject, flag) = if component == 0 {
        ((20, 350), (60, 300))
    } else {
        ((10, 250), (30, 150))
    };
    let within = |range: (i64, i64)| {
        value.compare(Decimal::whole(range.0)).is_ge() && value.compare(Decimal::whole(range.1)).is_le()
    };
    if !within(reject) {
        return Err(Rejection(IMPLAUSIBLE));
    }
    Ok(if within(flag) {
        Flags::default()
    } else {
        Flags::OUT_OF_RANGE
    })
}

/// Bounds of a whole reading: those of its halves, and diastolic lies below systolic.
///
/// # Errors
/// A [`Rejection`] for what cannot be a measurement.
pub fn pressure_flags(systolic: Option<Measured>, diastolic: Option<Measured>) -> Result<Flags, Rejection> {
    let judged = |component, half: Option<Measured>| {
        half.map_or(Ok(Flags::default()), |half| pressure_bounds(component, half.exact()))
    };
    let flags = judged(0, systolic)?.with(judged(1, diastolic)?);
    let crossed = matches!((systolic, diastolic), (Some(s), Some(d)) if d.exact().compare(s.exact()).is_ge());
    Ok(if crossed {
        flags.with(Flags::OUT_OF_RANGE)
    } else {
        flags
    })
}

/// A number as text, without what conversions in binary leave behind after twelve digits.
pub fn tidy(number: &Number) -> String {
    if !number.is_f64() {
        return number.to_string();
    }
    let exact = number.as_f64().unwrap_or_default();
    match format!("{exact:.11e}").parse::<f64>() {
        Ok(rounded) if rounded != exact => rounded.to_string(),
        // As it was written: 72.0 is not 72.
        _ => number.to_string(),
    }
}

/// The code of a sample's value as a number with no decimals.
pub fn code_component(number: u32) -> Option<Measured> {
    Some(Measured::as_given(Decimal::whole(i64::from(number))))
}

/// Minutes between two instants, with the seconds as decimals where there are any.
pub fn minutes(start: UtcMillis, end: UtcMillis) -> Option<Measured> {
    Conversion::ratio(1, 60).convert(Decimal::whole((end.0 - start.0).div_euclid(1_000)))
}

/// The base with a number, judged by the metric's bounds.
///
/// # Errors
/// A [`Rejection`] for what cannot be a measurement.
pub fn measured(metric: Metric, value: Measured, base: &Sample) -> Result<Sample, Rejection> {
    Ok(Sample {
        metric,
        flags: base.flags.with(bounds(metric, value.exact())?),
        value: Value::Quantity(value),
        ..base.clone()
    })
}

/// The base with a code.
pub fn coded(metric: Metric, code: u32, base: &Sample) -> Sample {
    Sample {
        metric,
        value: Value::Code(code),
        ..base.clone()
    }
}

/// A sample without value, flags or metric yet.
pub fn blank(source: u16, start: UtcMillis, end: UtcMillis) -> Sample {
    Sample {
        metric: Metric::NONE,
        source,
        start,
        end,
        offset: model::Offset::JAPAN_ASSUMED,
        end_offset_minutes: 0,
        value: Value::Code(0),
        flags: Flags::default(),
        created: Sample::CREATION_UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_values_are_refused_and_unlikely_ones_flagged() {
        let heart = |text: &[u8]| quantity(Metric::HEART_RATE, Conversion::IDENTITY, text);
        assert_eq!(heart(b"72").unwrap().1, Flags::default());
        assert_eq!(heart(b"260").unwrap().1, Flags::OUT_OF_RANGE);
        assert_eq!(heart(b"0"), Err(Rejection("implausible")));
        assert_eq!(heart(b"NaN"), Err(Rejection("not-a-number")));
        assert_eq!(pressure_bounds(0, Decimal::whole(400)), Err(Rejection("implausible")));
    }
}
