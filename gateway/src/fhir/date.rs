//! Date parameters of FHIR searches: `[prefix]YYYY[-MM[-DD[Thh:mm[:ss[.fff]](Z|±hh:mm)]]]` (FHIR R4 search, "date").
//!
//! A value is an interval as wide as its precision. A value without a zone is read in the person's home zone, which the
//! CapabilityStatement says.

use jiff::civil::{Date, Time};
use jiff::tz::{Offset, TimeZone};
use model::UtcMillis;

/// How a resource's time must lie to the parameter's interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefix {
    /// Within it.
    Eq,
    /// Not within it.
    Ne,
    /// Some part after its end.
    Gt,
    /// Some part before its start.
    Lt,
    /// Some part after its end, or within it.
    Ge,
    /// Some part before its start, or within it.
    Le,
    /// Starts after its end.
    Sa,
    /// Ends before its start.
    Eb,
    /// Overlaps it.
    Ap,
}

/// A date parameter: prefix and half-open interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateParameter {
    /// How the resource must lie.
    pub prefix: Prefix,
    /// First instant of the interval.
    pub from: UtcMillis,
    /// First instant after it.
    pub until: UtcMillis,
}

/// Reads a date parameter; the error is a sentence for the caller, without the value.
///
/// # Errors
/// What is wrong with it, and what is allowed.
pub fn parse(text: &str, home: &TimeZone) -> Result<DateParameter, &'static str> {
    const ALLOWED: &str = "a date such as ge2026-11-01 or 2026-11-01T08:00:00+09:00 is allowed, with eq, ne, gt, lt, ge, le, sa, eb or ap before it";
    let (prefix, rest) = match text
        .get(..2)
        .filter(|start| start.bytes().all(|byte| byte.is_ascii_lowercase()))
    {
        Some("eq") => (Prefix::Eq, &text[2..]),
        Some("gt") => (Prefix::Gt, &text[2..]),
        Some("lt") => (Prefix::Lt, &text[2..]),
        Some("ge") => (Prefix::Ge, &text[2..]),
        Some("le") => (Prefix::Le, &text[2..]),
        Some("sa") => (Prefix::Sa, &text[2..]),
        Some("eb") => (Prefix::Eb, &text[2..]),
        Some("ap") => (Prefix::Ap, &text[2..]),
        Some("ne") => (Prefix::Ne, &text[2..]),
        Some(_) => return Err(ALLOWED),
        None => (Prefix::Eq, text),
    };
    let (from, until) = interval(rest, home).ok_or(ALLOWED)?;
    Ok(DateParameter { prefix, from, until })
}

/// True when the value says its zone, or has no need of one.
pub fn has_zone(text: &str) -> bool {
    text.split_once('T')
        .is_some_and(|(_, time)| time.contains(['Z', '+', '-', ' ']))
}

fn interval(text: &str, home: &TimeZone) -> Option<(UtcMillis, UtcMillis)> {
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let year = number(parts.next()?, 4)? as i16;
    let month = parts
        .next()
        .map(|part| number(part, 2))
        .map_or(Some(None), |part| part.map(Some))?;
    let day = parts
        .next()
        .map(|part| number(part, 2))
        .map_or(Some(None), |part| part.map(Some))?;
    if parts.next().is_some() || year < 1 {
        return None;
    }
    let first = Date::new(year, month.unwrap_or(1) as i8, day.unwrap_or(1) as i8).ok()?;
    let Some(time) = time else {
        let next = match (month, day) {
            (_, Some(_)) => first.tomorrow(),
            (Some(_), None) => first.checked_add(jiff::Span::new().months(1)),
            (None, None) => first.checked_add(jiff::Span::new().years(1)),
        }
        .ok()?;
        let midnight = |date: Date| at(date, Time::midnight(), home);
        return Some((midnight(first)?, midnight(next)?));
    };
    day?;
    let (clock, zone) = split_zone(time, home)?;
    let mut parts = clock.split(':');
    let hour = number(parts.next()?, 2)?;
    let minute = number(parts.next()?, 2)?;
    let (second, milliseconds, width) = match parts.next() {
        None => (0, 0, 60_000),
        Some(seconds) => match seconds.split_once('.') {
            None => (number(seconds, 2)?, 0, 1_000),
            Some((seconds, fraction)) => {
                let digits = fraction.len();
                if !(1..=9).contains(&digits) || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
                    return None;
                }
                let kept = digits.min(3);
                let unit = [100, 10, 1][kept - 1];
                let value: i64 = fraction[..kept].parse().ok()?;
                (number(seconds, 2)?, value * unit, unit)
            }
        },
    };
    if parts.next().is_some() {
        return None;
    }
    let time = Time::new(hour as i8, minute as i8, second.min(59) as i8, 0)
        .ok()
        .filter(|_| second <= 60)?;
    let from = at(first, time, &zone)?.plus(milliseconds);
    Some((from, from.plus(width)))
}

fn at(date: Date, time: Time, zone: &TimeZone) -> Option<UtcMillis> {
    let instant = zone.to_ambiguous_timestamp(date.to_datetime(time)).compatible().ok()?;
    Some(UtcMillis(instant.as_millisecond()))
}

/// Splits `08:00:00+09:00` (a space may stand where `+` was not percent-encoded) into clock and zone.
fn split_zone<'t>(text: &'t str, home: &TimeZone) -> Option<(&'t str, TimeZone)> {
    if let Some(clock) = text.strip_suffix('Z') {
        return Some((clock, TimeZone::UTC));
    }
    let Some(position) = text.find(['+', '-', ' ']) else {
        return Some((text, home.clone()));
    };
    let (clock, zone) = text.split_at(position);
    let (hours, minutes) = zone[1..].split_once(':')?;
    let seconds = (number(hours, 2)? * 60 + number(minutes, 2).filter(|minutes| *minutes < 60)?) * 60;
    let seconds = if zone.starts_with('-') {
        -(seconds as i32)
    } else {
        seconds as i32
    };
    Some((clock, TimeZone::fixed(Offset::from_seconds(seconds).ok()?)))
}

fn number(text: &str, digits: usize) -> Option<u32> {
    (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tokyo() -> TimeZone {
        TimeZone::get("Asia/Tokyo").unwrap()
    }

    fn read(text: &str) -> Result<(Prefix, String, i64), &'static str> {
        parse(text, &tokyo()).map(|parameter| {
            let from = jiff::Timestamp::from_millisecond(parameter.from.0).unwrap().to_string();
            (parameter.prefix, from, parameter.until.0 - parameter.from.0)
        })
    }

    #[test]
    fn a_value_is_as_wide_as_its_precision_and_without_a_zone_at_home() {
        assert_eq!(
            read("2026"),
            Ok((Prefix::Eq, "2025-12-31T15:00:00Z".into(), 365 * 86_400_000))
        );
        assert_eq!(
            read("ge2026-11"),
            Ok((Prefix::Ge, "2026-10-31T15:00:00Z".into(), 30 * 86_400_000))
        );
        assert_eq!(
            read("lt2026-11-23"),
            Ok((Prefix::Lt, "2026-11-22T15:00:00Z".into(), 86_400_000))
        );
        assert_eq!(
            read("2026-11-23T08:00"),
            Ok((Prefix::Eq, "2026-11-22T23:00:00Z".into(), 60_000))
        );
        assert_eq!(
            read("sa2026-11-23T08:00:00Z"),
            Ok((Prefix::Sa, "2026-11-23T08:00:00Z".into(), 1_000))
        );
        assert_eq!(
            read("2026-11-23T08:00:00.5-01:30"),
            Ok((Prefix::Eq, "2026-11-23T09:30:00.5Z".into(), 100))
        );
    }

    #[test]
    fn a_plus_that_arrived_as_a_space_is_read_as_a_plus() {
        assert_eq!(read("2026-11-23T08:00:00 09:00"), read("2026-11-23T08:00:00+09:00"));
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "2026-13",
            "2026-02-30",
            "2026-1-1",
            "2026-11-23T08",
            "xx2026",
            "2026-11T08:00Z",
            "ge",
            "20261123",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = parse(&text, &tokyo());
        }

        #[test]
        fn near_dates_never_panic(text in "(ge|lt)?[0-9T:+Z. -]{0,30}") {
            if let Ok(parameter) = parse(&text, &tokyo()) {
                prop_assert!(parameter.from < parameter.until);
            }
        }
    }
}
