//! Times as FHIR writes them: dates, dateTimes with the sample's own offset, instants in UTC.
//!
//! A page holds thousands of times of a few days, so the date part of the last day written is remembered.

use std::cell::Cell;

use model::time::{DAY_MS, MINUTE_MS};
use model::{LocalDay, UtcMillis};

use crate::json::{raw, two_digits};

thread_local! {
    /// The last day written and its text.
    static LAST_DAY: Cell<(i32, [u8; 10])> = const { Cell::new((0, *b"1970-01-01")) };
    /// The last instant written and its text: resources of one delivery share it.
    static LAST_INSTANT: Cell<(i64, [u8; 24])> = const { Cell::new((0, *b"1970-01-01T00:00:00.000Z")) };
}

/// The first and the last day that four digits of a year can name (R4 `date`: years 0001 to 9999).
const NAMEABLE: std::ops::RangeInclusive<i64> = -719_162..=2_932_896;

/// Offsets that FHIR can write: up to 14 hours (R4 `dateTime`).
const WRITABLE_OFFSET: std::ops::RangeInclusive<i16> = -840..=840;

#[inline]
fn day_text(day: i32) -> [u8; 10] {
    let (known, text) = LAST_DAY.get();
    if known == day {
        return text;
    }
    let (year, month, date) = LocalDay(day).ymd();
    let (century, year) = (two_digits(year as u32 / 100), two_digits(year as u32 % 100));
    let (month, date) = (two_digits(month), two_digits(date));
    let text = [
        century[0], century[1], year[0], year[1], b'-', month[0], month[1], b'-', date[0], date[1],
    ];
    LAST_DAY.set((day, text));
    text
}

/// `YYYY-MM-DD`.
#[inline]
pub(crate) fn date(out: &mut Vec<u8>, day: LocalDay) {
    let day = i64::from(day.0).clamp(*NAMEABLE.start(), *NAMEABLE.end());
    raw(out, day_text(day as i32));
}

/// `,"effectiveDateTime":…` of a civil day, `,"effectivePeriod":…` of what was within several.
pub(crate) fn effective_days(out: &mut Vec<u8>, (first, last): (LocalDay, LocalDay)) {
    if last > first {
        raw(out, b",\"effectivePeriod\":{\"start\":\"");
        date(out, first);
        raw(out, b"\",\"end\":\"");
        date(out, last);
        raw(out, b"\"}");
    } else {
        raw(out, b",\"effectiveDateTime\":\"");
        date(out, first);
        out.push(b'"');
    }
}

/// Date and clock to the millisecond at these milliseconds of local time, without an offset.
#[inline]
fn clock_text(local_ms: i64) -> [u8; 23] {
    let day = local_ms.div_euclid(DAY_MS).clamp(*NAMEABLE.start(), *NAMEABLE.end());
    let in_day = local_ms.rem_euclid(DAY_MS) as u32;
    let seconds = in_day / 1_000;
    let (hour, minute, second) = (
        two_digits(seconds / 3_600),
        two_digits(seconds / 60 % 60),
        two_digits(seconds % 60),
    );
    let (millis, thousandth) = (two_digits(in_day % 1_000 / 10), b'0' + (in_day % 10) as u8);
    let mut text = *b"0000-00-00T00:00:00.000";
    text[..10].copy_from_slice(&day_text(day as i32));
    text[11..13].copy_from_slice(&hour);
    text[14..16].copy_from_slice(&minute);
    text[17..19].copy_from_slice(&second);
    text[20..22].copy_from_slice(&millis);
    text[22] = thousandth;
    text
}

/// `YYYY-MM-DDThh:mm:ss[.fff]±hh:mm`. An offset that FHIR cannot write (beyond 14 hours) gives the same instant in UTC.
#[inline]
pub(crate) fn date_time(out: &mut Vec<u8>, at: UtcMillis, offset_minutes: i16, milliseconds: bool) {
    let offset = if WRITABLE_OFFSET.contains(&offset_minutes) {
        offset_minutes
    } else {
        0
    };
    let clock = clock_text(at.0.saturating_add(i64::from(offset) * MINUTE_MS));
    let milliseconds = milliseconds || at.0.rem_euclid(1_000) != 0;
    raw(out, &clock[..if milliseconds { 23 } else { 19 }]);
    let minutes = u32::from(offset.unsigned_abs());
    let (hour, minute) = (two_digits(minutes / 60), two_digits(minutes % 60));
    let sign = if offset < 0 { b'-' } else { b'+' };
    raw(out, [sign, hour[0], hour[1], b':', minute[0], minute[1]]);
}

/// `YYYY-MM-DDThh:mm:ss.fffZ`, a FHIR `instant`.
#[inline]
pub(crate) fn instant(out: &mut Vec<u8>, at: UtcMillis) {
    let (known, text) = LAST_INSTANT.get();
    if known == at.0 {
        raw(out, text);
        return;
    }
    let mut text = *b"0000-00-00T00:00:00.000Z";
    text[..23].copy_from_slice(&clock_text(at.0));
    LAST_INSTANT.set((at.0, text));
    raw(out, text);
}

/// A FHIR `instant`, as text.
pub fn instant_text(at: UtcMillis) -> String {
    let mut out = Vec::with_capacity(24);
    instant(&mut out, at);
    String::from_utf8(out).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).expect("only ASCII is written")
    }

    const MORNING: UtcMillis = UtcMillis(1_778_364_284_000);

    #[test]
    fn a_time_keeps_the_offset_of_its_sample() {
        assert_eq!(
            written(|out| date_time(out, MORNING, 540, false)),
            "2026-05-10T07:04:44+09:00"
        );
        assert_eq!(
            written(|out| date_time(out, MORNING, -570, false)),
            "2026-05-09T12:34:44-09:30"
        );
        assert_eq!(
            written(|out| date_time(out, MORNING, 0, false)),
            "2026-05-09T22:04:44+00:00"
        );
    }

    #[test]
    fn milliseconds_are_written_only_when_the_source_had_them() {
        assert_eq!(
            written(|out| date_time(out, MORNING, 540, true)),
            "2026-05-10T07:04:44.000+09:00"
        );
        assert_eq!(
            written(|out| date_time(out, MORNING.plus(7), 540, false)),
            "2026-05-10T07:04:44.007+09:00"
        );
    }

    #[test]
    fn an_offset_that_fhir_cannot_write_gives_the_same_instant_in_utc() {
        assert_eq!(
            written(|out| date_time(out, MORNING, 1_080, false)),
            "2026-05-09T22:04:44+00:00"
        );
    }

    proptest! {
        #[test]
        fn an_instant_is_the_one_it_was(at in UtcMillis::EARLIEST.0..UtcMillis::LATEST.0, offset in -840i16..=840) {
            let read = |text: String| text.parse::<jiff::Timestamp>().expect("a timestamp").as_millisecond();
            prop_assert_eq!(read(written(|out| instant(out, UtcMillis(at)))), at);
            prop_assert_eq!(read(written(|out| date_time(out, UtcMillis(at), offset, true))), at);
        }

        #[test]
        fn no_instant_is_too_far_to_be_written(at in any::<i64>(), offset in any::<i16>()) {
            prop_assert_eq!(written(|out| instant(out, UtcMillis(at))).len(), 24);
            prop_assert_eq!(written(|out| date_time(out, UtcMillis(at), offset, true)).len(), 29);
        }
    }
}
