//! The home zone's offset at an instant, for samples whose own offset nobody stated.
//!
//! An export made abroad writes every time with the offset of that place and says nothing about where the person was. Such an
//! offset is replaced by the home zone's as it comes in, so that two exports of one history, made in two places, are alike.

use std::ops::Range;

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimeParser;
use jiff::tz::TimeZone;
use model::{LocalDay, Offset, OffsetTrust, Sample, UtcMillis};

/// The zone a person lives in, with the offset found last and for how long it holds.
pub(crate) struct HomeZone {
    zone: TimeZone,
    holds: Range<i64>,
    minutes: i16,
}

impl HomeZone {
    /// The zone of this IANA name, or of this offset; UTC for a name nobody knows any more.
    pub(crate) fn new(name: &str) -> Self {
        let zone = DateTimeParser::new().parse_time_zone(name);
        Self {
            zone: zone.unwrap_or(TimeZone::UTC),
            holds: 0..0,
            minutes: 0,
        }
    }

    /// The zone itself.
    pub(crate) fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Minutes east of UTC at this instant.
    pub(crate) fn minutes_at(&mut self, instant: UtcMillis) -> i16 {
        if !self.holds.contains(&instant.0) {
            let timestamp = Timestamp::from_millisecond(instant.0).unwrap_or(Timestamp::UNIX_EPOCH);
            let after = self.zone.following(timestamp).next();
            // `preceding` leaves out a transition at the very instant, which is where this offset begins.
            let before = self
                .zone
                .preceding(
                    timestamp
                        .checked_add(jiff::SignedDuration::from_millis(1))
                        .unwrap_or(timestamp),
                )
                .next();
            self.minutes = i16::try_from(self.zone.to_offset(timestamp).seconds() / 60).unwrap_or(0);
            self.holds = before.map_or(i64::MIN, |transition| transition.timestamp().as_millisecond())
                ..after.map_or(i64::MAX, |transition| transition.timestamp().as_millisecond());
        }
        self.minutes
    }

    /// The civil day at this instant.
    pub(crate) fn day_at(&mut self, instant: UtcMillis) -> LocalDay {
        instant.local_day(self.offset_at(instant))
    }

    /// The instant at which a civil day begins; on a day that begins twice or not at all, one close by.
    pub(crate) fn start_of(&mut self, day: LocalDay) -> UtcMillis {
        let guess = day.start(Offset::given(self.minutes));
        let offset = self.offset_at(guess);
        let start = day.start(offset);
        let offset = self.offset_at(start);
        day.start(offset)
    }

    /// Gives a sample whose offset is assumed the home zone's.
    pub(crate) fn settle(&mut self, sample: &mut Sample) {
        if sample.offset.trust == OffsetTrust::Assumed {
            sample.offset = self.offset_at(sample.start);
            sample.end_offset_minutes = self.minutes_at(sample.end);
        }
    }

    /// The assumed offset at this instant.
    pub(crate) fn offset_at(&mut self, instant: UtcMillis) -> Offset {
        Offset {
            minutes: self.minutes_at(instant),
            trust: OffsetTrust::Assumed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_civil_day_begins_where_it_is() {
        // 2026-11-01, the day on which New York has 25 hours.
        let day = LocalDay::parse("2026-11-01").unwrap();
        let begins = |zone: &str| HomeZone::new(zone).start_of(day).0 - i64::from(day.0) * 86_400_000;
        let hours = |hours: i64| hours * 3_600_000;
        assert_eq!(begins("Asia/Tokyo"), hours(-9));
        assert_eq!(begins("America/New_York"), hours(4));
        assert_eq!(begins("-03:30"), hours(3) + hours(1) / 2);
        assert_eq!(begins("nowhere"), 0);
    }

    #[test]
    fn the_offset_is_that_of_the_instant() {
        let mut tokyo = HomeZone::new("Asia/Tokyo");
        assert_eq!(tokyo.minutes_at(UtcMillis(1_778_338_800_000)), 540);
        let mut new_york = HomeZone::new("America/New_York");
        // 2026-11-01T06:00:00Z is the instant at which New York goes from -04:00 to -05:00.
        for (instant, minutes) in [(-1, -240), (0, -300), (1, -300), (-1, -240), (86_400_000 * 200, -240)] {
            assert_eq!(
                new_york.minutes_at(UtcMillis(1_793_512_800_000 + instant)),
                minutes,
                "{instant}"
            );
        }
    }
}
