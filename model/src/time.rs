//! Instants, offsets and local days.
//!
//! A time is UTC milliseconds and the local offset that the source reported; a local day is a fact about the sample,
//! never about the server.

use std::fmt;

/// Milliseconds in a minute.
pub const MINUTE_MS: i64 = 60_000;
/// Milliseconds in an hour.
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
/// Milliseconds in 24 hours.
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// An instant: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtcMillis(pub i64);

impl UtcMillis {
    /// The earliest instant a sample may have: 1900-01-01T00:00:00Z.
    pub const EARLIEST: Self = Self(-2_208_988_800_000);
    /// The first instant that no sample may have: 2200-01-01T00:00:00Z.
    pub const LATEST: Self = Self(7_258_118_400_000);

    /// This instant floored to the whole second: what two paths of one record agree on.
    pub fn floor_second(self) -> Self {
        Self(self.0.div_euclid(1_000) * 1_000)
    }

    /// The instant so many milliseconds later.
    pub fn plus(self, milliseconds: i64) -> Self {
        Self(self.0.saturating_add(milliseconds))
    }

    /// The civil date at this instant where clocks show UTC + `offset`.
    pub fn local_day(self, offset: Offset) -> LocalDay {
        LocalDay(i32::try_from((self.0 + i64::from(offset.minutes) * MINUTE_MS).div_euclid(DAY_MS)).unwrap_or(i32::MAX))
    }
}

/// How much an offset can be believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum OffsetTrust {
    /// The record states its own offset.
    #[default]
    Given = 0,
    /// Resolved at that instant from a named zone that the record states.
    FromZone = 1,
    /// Nobody stated it: what the export was written in, or the person's home zone.
    Assumed = 2,
    /// A civil date without a clock.
    None = 3,
}

impl OffsetTrust {
    /// The trust with this number, as stored.
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::Given, Self::FromZone, Self::Assumed, Self::None]
            .get(usize::from(number))
            .copied()
    }
}

/// A local offset from UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset {
    /// Minutes east of UTC, from -1080 to 1080.
    pub minutes: i16,
    /// How much it can be believed.
    pub trust: OffsetTrust,
}

impl Offset {
    /// Japan's offset, taken because nobody said otherwise.
    pub const JAPAN_ASSUMED: Self = Self {
        minutes: 540,
        trust: OffsetTrust::Assumed,
    };

    /// An offset that the record states.
    pub fn given(minutes: i16) -> Self {
        Self {
            minutes,
            trust: OffsetTrust::Given,
        }
    }
}

/// A civil date: days since 1970-01-01, wherever the person was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalDay(pub i32);

impl LocalDay {
    /// The day of a year, month (1 to 12) and day of month; `None` when there is no such day or the year is not in
    /// 1 to 9999.
    pub fn from_ymd(year: i32, month: u32, day: u32) -> Option<Self> {
        let date = jiff::civil::Date::new(
            i16::try_from(year).ok().filter(|year| *year >= 1)?,
            i8::try_from(month).ok()?,
            i8::try_from(day).ok()?,
        )
        .ok()?;
        // Howard Hinnant's days_from_civil, exact over the proleptic Gregorian calendar.
        let (y, m, d) = (i64::from(date.year()), i64::from(date.month()), i64::from(date.day()));
        let y = if m <= 2 { y - 1 } else { y };
        let era = y.div_euclid(400);
        let year_of_era = y.rem_euclid(400);
        let day_of_year = (153 * ((m + 9) % 12) + 2) / 5 + d - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        i32::try_from(era * 146_097 + day_of_era - 719_468).ok().map(Self)
    }

    /// Year, month (1 to 12) and day of month.
    pub fn ymd(self) -> (i32, u32, u32) {
        // Howard Hinnant's civil_from_days.
        let z = i64::from(self.0) + 719_468;
        let era = z.div_euclid(146_097);
        let day_of_era = z.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 {
            shifted_month + 3
        } else {
            shifted_month - 9
        };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        (year as i32, month as u32, day as u32)
    }

    /// Months since 1970-01: the key under which a month's totals lie.
    pub fn month(self) -> i32 {
        let (year, month, _) = self.ymd();
        (year - 1970) * 12 + month as i32 - 1
    }

    /// The instant at which this day begins where clocks show UTC + `offset`.
    pub fn start(self, offset: Offset) -> UtcMillis {
        UtcMillis(i64::from(self.0) * DAY_MS - i64::from(offset.minutes) * MINUTE_MS)
    }

    /// The day so many days later; a negative number goes back.
    pub fn plus(self, days: i32) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// Reads `YYYY-MM-DD`.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
            return None;
        }
        let number = |range: std::ops::Range<usize>| -> Option<u32> {
            let part = &bytes[range];
            part.iter().all(u8::is_ascii_digit).then_some(())?;
            Some(part.iter().fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0')))
        };
        Self::from_ymd(number(0..4)? as i32, number(5..7)?, number(8..10)?)
    }
}

impl fmt::Display for LocalDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.ymd();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_local_day_follows_the_offset_of_the_sample() {
        let instant = UtcMillis(1_778_338_800_000); // 2026-05-09T15:00:00Z
        assert_eq!(instant.local_day(Offset::given(540)).to_string(), "2026-05-10");
        assert_eq!(instant.local_day(Offset::given(0)).to_string(), "2026-05-09");
    }

    #[test]
    fn days_that_do_not_exist_are_refused() {
        assert_eq!(LocalDay::parse("2026-02-29"), None);
        assert_eq!(
            LocalDay::parse("2024-02-29").map(|day| day.to_string()).as_deref(),
            Some("2024-02-29")
        );
        assert_eq!(LocalDay::parse("2026-1-1"), None);
    }

    proptest! {
        #[test]
        fn every_day_reads_back_as_itself(day in -60_000i32..200_000) {
            let day = LocalDay(day);
            let (year, month, date) = day.ymd();
            prop_assert_eq!(LocalDay::from_ymd(year, month, date), Some(day));
            prop_assert_eq!(LocalDay::parse(&day.to_string()), Some(day));
            prop_assert_eq!(day.start(Offset::given(540)).local_day(Offset::given(540)), day);
        }
    }
}
