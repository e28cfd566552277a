//! Where a delivery's civil times were: the zone that its vendor says for the account, else that in which its person lives.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use model::{Offset, OffsetTrust, Sample, UtcMillis};

use crate::{measure, push};

/// A zone, and who says that it is the right one.
#[derive(Clone, Debug)]
pub(crate) struct Zone {
    zone: TimeZone,
    trust: OffsetTrust,
}

impl Zone {
    /// That of the person's home: nobody says where it was.
    pub fn home(zone: TimeZone) -> Self {
        Self {
            zone,
            trust: OffsetTrust::Assumed,
        }
    }

    /// One that the vendor states, by its name or as an offset (`+09:00`); `None` for what is neither.
    pub fn stated(text: &str) -> Option<Self> {
        let zone = match push::offset(text) {
            Some(minutes) => jiff::tz::Offset::from_seconds(i32::from(minutes) * 60)
                .ok()?
                .to_time_zone(),
            None => TimeZone::get(text.trim()).ok()?,
        };
        Some(Self {
            zone,
            trust: OffsetTrust::FromZone,
        })
    }

    /// The instant of a civil time that is given in milliseconds as if it were UTC. Of two the earlier; of none, when clocks went on,
    /// one that is later by as much as they went on.
    pub fn instant(&self, civil: i64) -> UtcMillis {
        let read = Timestamp::from_millisecond(civil).ok().and_then(|civil| {
            let civil = TimeZone::UTC.to_datetime(civil);
            self.zone.to_ambiguous_timestamp(civil).compatible().ok()
        });
        read.map_or(UtcMillis(civil), |instant| UtcMillis(instant.as_millisecond()))
    }

    /// The offset then.
    pub fn offset(&self, at: UtcMillis) -> Offset {
        let at = Timestamp::from_millisecond(at.0).unwrap_or(Timestamp::UNIX_EPOCH);
        Offset {
            minutes: i16::try_from(self.zone.to_offset(at).seconds() / 60).unwrap_or(0),
            trust: self.trust,
        }
    }

    /// A sample of an interval whose offset nobody states.
    pub fn base(&self, source: u16, start: UtcMillis, end: UtcMillis) -> Sample {
        let mut base = measure::blank(source, start, end);
        base.offset = self.offset(start);
        base.end_offset_minutes = if end == start { base.offset } else { self.offset(end) }.minutes;
        base
    }
}

#[cfg(test)]
mod tests {
    use model::time::MINUTE_MS;

    use super::*;

    fn civil(text: &str) -> i64 {
        push::instant(&format!("{text}Z")).expect("an instant").0.0
    }

    #[test]
    fn civil_times_are_where_the_zone_says() {
        let new_york = Zone::stated("America/New_York").expect("a zone");
        for (written, expected) in [
            ("2026-05-10T07:30:00", "2026-05-10T11:30:00Z"),
            ("2026-12-10T07:30:00", "2026-12-10T12:30:00Z"),
            // Twice there, and never.
            ("2026-11-01T01:30:00", "2026-11-01T05:30:00Z"),
            ("2026-03-08T02:30:00", "2026-03-08T07:30:00Z"),
        ] {
            let at = new_york.instant(civil(written));
            assert_eq!(Some(at), push::instant(expected).map(|(at, _)| at), "{written}");
        }
        let base = new_york.base(
            0,
            new_york.instant(civil("2026-05-10T07:30:00")),
            UtcMillis(civil("2026-12-10T12:30:00")),
        );
        assert_eq!(
            (base.offset.minutes, base.offset.trust, base.end_offset_minutes),
            (-240, OffsetTrust::FromZone, -300)
        );
        let fixed = Zone::stated("-05:30").expect("an offset");
        assert_eq!(fixed.instant(0).0, 330 * MINUTE_MS);
        assert!(Zone::stated("null").is_none() && Zone::stated("").is_none());
    }
}
