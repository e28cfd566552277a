//! What stands beside a value inside a record: metadata entries and the beats of a list.

use jiff::tz::TimeZone;
use model::decimal::Measured;
use model::{Metric, Sample, UtcMillis, Value};

use super::{MAX_METADATA_KEYS, Made, OpenCorrelation, OpenWorkout, Records};
use crate::apple_health::coverage;
use crate::apple_health::origin::in_zone;
use crate::apple_health::wire::attribute;
use crate::measure;
use crate::{Handed, MetadataUse, Parked, SinkClosed};

impl Records<'_> {
    pub(super) fn metadata(&mut self, raw: &str) {
        let (Some(key), Some(value)) = (attribute(raw, "key"), attribute(raw, "value")) else {
            return;
        };
        self.count_metadata(&key);
        let sample = match (&mut self.open, &mut self.correlation, &mut self.workout) {
            (Some(open), ..) => match &mut open.made {
                Made::Sample(sample) => sample,
                Made::Half(half) => &mut half.sample,
                Made::Parked(parked) => &mut parked.sample,
                Made::Not { .. } => return,
            },
            (None, Some(OpenCorrelation { base: Ok(sample), .. }), _)
            | (None, None, Some(OpenWorkout { base: Ok(sample), .. })) => sample,
            _ => return,
        };
        if let Some(flag) = coverage::flag(&key, &value) {
            sample.flags = sample.flags.with(flag);
        } else if key == "HKTimeZone" {
            if self.zone.as_ref().is_none_or(|(name, _)| *name != value) {
                self.zone = TimeZone::get(&value).ok().map(|zone| (value.into_owned(), zone));
            }
            if let Some((_, zone)) = &self.zone {
                in_zone(sample, zone);
            }
        } else if key == "HKSexualActivityProtectionUsed" && sample.metric == Metric::SEXUAL_ACTIVITY {
            sample.value = Value::Code(if matches!(&*value, "1" | "true" | "YES") { 1 } else { 2 });
        }
    }

    pub(super) fn count_metadata(&mut self, key: &str) {
        if let Some((_, count)) = self.reading.metadata.get_mut(key) {
            *count += 1;
            return;
        }
        let used = coverage::metadata(key);
        let known = used != MetadataUse::Unknown || self.reading.metadata.len() < MAX_METADATA_KEYS;
        let name: String = if known {
            key.chars().take(128).collect()
        } else {
            "other".to_owned()
        };
        self.reading.metadata.entry(name).or_insert((used, 0)).1 += 1;
    }

    /// A beat of a list: parked at the record's start, on whose day it was measured; its clock time is kept as written.
    pub(super) fn beat(&mut self, raw: &str) -> Result<(), SinkClosed> {
        let Some(open) = &mut self.open else { return Ok(()) };
        let base = match &open.made {
            Made::Sample(sample) => sample.clone(),
            _ => return Ok(()),
        };
        let bpm = attribute(raw, "bpm").and_then(|bpm| measure::number(bpm.as_bytes()).ok());
        let (Some(bpm), Some((series, fresh))) = (bpm, self.types.beats()) else {
            return Ok(());
        };
        if fresh {
            self.sink.hand(Handed::ParkedSeries {
                vendor_type: "InstantaneousBeatsPerMinute".to_owned(),
                unit: "count/min".to_owned(),
            })?;
        }
        let start = attribute(raw, "time")
            .and_then(|time| beat_time(&time, &base))
            .unwrap_or(base.start);
        let sample = Sample {
            start,
            end: start,
            metric: Metric::NONE,
            value: Value::Quantity(Measured::as_given(bpm)),
            ..base
        };
        // No list has more: a minute of beats.
        if open.beats.len() < 1_000 {
            open.beats.push(Parked { series, sample });
        }
        Ok(())
    }
}

/// `7:47:41.86 AM` or `7:47:41,86` on the record's day.
fn beat_time(text: &str, base: &Sample) -> Option<UtcMillis> {
    let (clock, half) = match text.split_once([' ', '\u{202f}']) {
        Some((clock, half)) => (clock, Some(half.trim())),
        None => (text, None),
    };
    let mut parts = clock.split(':');
    let mut hour: i64 = parts.next()?.parse().ok()?;
    let minute: i64 = parts.next()?.parse().ok()?;
    let last = parts.next()?;
    let (seconds, fraction) = last.split_once(['.', ',']).unwrap_or((last, ""));
    let seconds: i64 = seconds.parse().ok()?;
    let mut millis = 0;
    for place in 0..3 {
        let digit = fraction.as_bytes().get(place).copied().unwrap_or(b'0');
        millis = millis * 10 + i64::from(char::from(digit).to_digit(10)?);
    }
    match half {
        Some(half) if half.eq_ignore_ascii_case("PM") && hour < 12 => hour += 12,
        Some(half) if half.eq_ignore_ascii_case("AM") && hour == 12 => hour = 0,
        _ => {}
    }
    if !(0..24).contains(&hour) || !(0..60).contains(&minute) || !(0..=60).contains(&seconds) {
        return None;
    }
    let midnight = base.start.local_day(base.offset).start(base.offset);
    Some(midnight.plus(((hour * 60 + minute) * 60 + seconds) * 1_000 + millis))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure;

    #[test]
    fn the_clock_of_a_beat_is_read_in_every_form() {
        let start = UtcMillis(1_778_338_800_000);
        let base = measure::blank(1, start, start);
        let midnight = start.local_day(base.offset).start(base.offset);
        for (text, ms) in [
            ("7:47:41.86 AM", Some(28_061_860)),
            ("7:47:41,86", Some(28_061_860)),
            ("7:47:41", Some(28_061_000)),
            ("7:47:41.86\u{202f}PM", Some(71_261_860)),
            ("12:00:00.5 am", Some(500)),
            ("25:00:00.5", None),
            ("7:47:4x.1", None),
            ("7:47:41.x", None),
            ("", None),
        ] {
            assert_eq!(beat_time(text, &base), ms.map(|ms| midnight.plus(ms)), "{text}");
        }
    }
}
