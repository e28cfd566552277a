//! Apple's own forms: attributes of an element, dates, device strings. Tolerant of what is unknown.

use std::borrow::Cow;

use model::UtcMillis;
use model::time::{DAY_MS, LocalDay, MINUTE_MS};

/// Attributes of an element as they stand: names and raw values. Unlike an XML parser it lives with names that hold spaces
/// and with repeated names, which real exports have.
pub struct Attributes<'a> {
    rest: &'a [u8],
    /// Only double quotes stand in it, as Apple writes: then the first quote is where a value begins.
    plain: bool,
}

impl<'a> Attributes<'a> {
    /// The attributes in `raw`, the part of a tag after its name.
    pub fn new(raw: &'a str) -> Self {
        Self {
            rest: raw.as_bytes(),
            plain: memchr::memchr(b'\'', raw.as_bytes()).is_none(),
        }
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let start = self
            .rest
            .iter()
            .position(|byte| !byte.is_ascii_whitespace() && *byte != b'/')?;
        let rest = &self.rest[start..];
        if self.plain
            && let Some(open) = find_near(b'"', rest)
            && let Some(name) = rest[..open].strip_suffix(b"=")
        {
            let after = &rest[open + 1..];
            let length = find_near(b'"', after)?;
            self.rest = &after[length + 1..];
            return Some((name.trim_ascii_end(), &after[..length]));
        }
        let equals = find_near(b'=', rest)?;
        let name = rest[..equals].trim_ascii_end();
        let after = rest[equals + 1..].trim_ascii_start();
        let (quote, after) = after.split_first()?;
        if !matches!(quote, b'"' | b'\'') {
            return None;
        }
        let length = find_near(*quote, after)?;
        self.rest = &after[length + 1..];
        Some((name, &after[..length]))
    }
}

/// Where a byte first stands. Names and values are mostly shorter than what a vectorised search pays for, so the first 32
/// bytes are looked at eight at a time.
fn find_near(wanted: u8, text: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = u64::from_le_bytes([0x80; 8]);
    let pattern = ONES * u64::from(wanted);
    let (words, _) = text.as_chunks::<8>();
    for (place, word) in words.iter().take(4).enumerate() {
        // A byte of `difference` is zero where the text has the wanted byte; the lowest marked byte is exact.
        let difference = u64::from_le_bytes(*word) ^ pattern;
        let marked = difference.wrapping_sub(ONES) & !difference & HIGH;
        if marked != 0 {
            return Some(place * 8 + marked.trailing_zeros() as usize / 8);
        }
    }
    let seen = words.len().min(4) * 8;
    memchr::memchr(wanted, &text[seen..]).map(|place| seen + place)
}

/// The attributes of a `Record`, `Correlation` or `Workout` that matter; raw, empty where absent.
#[derive(Clone, Copy, Debug, Default)]
pub struct RecordAttributes<'a> {
    /// `type` or `workoutActivityType`.
    pub kind: &'a [u8],
    /// `unit`.
    pub unit: &'a [u8],
    /// `value`.
    pub value: &'a [u8],
    /// `sourceName`, or `source` in very old exports.
    pub source_name: &'a [u8],
    /// `device`.
    pub device: &'a [u8],
    /// `creationDate`.
    pub created: &'a [u8],
    /// `startDate`.
    pub start: &'a [u8],
    /// `endDate`.
    pub end: &'a [u8],
    /// `duration` and its unit.
    pub duration: (&'a [u8], &'a [u8]),
    /// `totalDistance` and its unit.
    pub distance: (&'a [u8], &'a [u8]),
    /// `totalEnergyBurned` and its unit.
    pub energy: (&'a [u8], &'a [u8]),
}

impl<'a> RecordAttributes<'a> {
    /// Reads them; of a repeated attribute the first counts.
    pub fn read(raw: &'a str) -> Self {
        let mut all = Self::default();
        for (name, value) in Attributes::new(raw) {
            let slot = match name {
                b"type" | b"workoutActivityType" => &mut all.kind,
                b"unit" => &mut all.unit,
                b"value" => &mut all.value,
                b"sourceName" | b"source" => &mut all.source_name,
                b"device" => &mut all.device,
                b"creationDate" => &mut all.created,
                b"startDate" => &mut all.start,
                b"endDate" => &mut all.end,
                b"duration" => &mut all.duration.0,
                b"durationUnit" => &mut all.duration.1,
                b"totalDistance" => &mut all.distance.0,
                b"totalDistanceUnit" => &mut all.distance.1,
                b"totalEnergyBurned" => &mut all.energy.0,
                b"totalEnergyBurnedUnit" => &mut all.energy.1,
                _ => continue,
            };
            if slot.is_empty() {
                *slot = value;
            }
        }
        all
    }
}

/// The value of one attribute, unescaped.
pub fn attribute<'a>(raw: &'a str, wanted: &str) -> Option<Cow<'a, str>> {
    let (_, value) = Attributes::new(raw).find(|(name, _)| *name == wanted.as_bytes())?;
    unescape(value)
}

/// Text with the five predefined entities and numeric references resolved; `None` for any other entity.
pub fn unescape(raw: &[u8]) -> Option<Cow<'_, str>> {
    let text = std::str::from_utf8(raw).ok()?;
    quick_xml::escape::unescape(text).ok()
}

/// Reads `2024-10-25 07:04:44 -0500` or `20150616071916-0700`: the instant, and the offset in minutes that is written.
pub fn date(text: &[u8]) -> Option<(UtcMillis, i16)> {
    let t = text;
    let (year, month, day, clock, zone) = match t.len() {
        25 if t[4] == b'-' && t[7] == b'-' && t[10] == b' ' && t[13] == b':' && t[16] == b':' && t[19] == b' ' => (
            four(t, 0)?,
            two(t, 5)?,
            two(t, 8)?,
            (two(t, 11)?, two(t, 14)?, two(t, 17)?),
            &t[20..],
        ),
        19 => (
            four(t, 0)?,
            two(t, 4)?,
            two(t, 6)?,
            (two(t, 8)?, two(t, 10)?, two(t, 12)?),
            &t[14..],
        ),
        _ => return None,
    };
    let (hour, minute, second) = clock;
    // A leap second is folded into the second before it.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let sign = match zone[0] {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (zone_hours, zone_minutes) = (two(zone, 1)?, two(zone, 3)?);
    if zone_hours > 18 || zone_minutes > 59 {
        return None;
    }
    let offset = sign * (i64::from(zone_hours) * 60 + i64::from(zone_minutes));
    let days = i64::from(LocalDay::from_ymd(year as i32, month, day)?.0);
    let seconds = i64::from(hour) * 3_600 + i64::from(minute) * 60 + i64::from(second.min(59));
    let instant = UtcMillis(days * DAY_MS + seconds * 1_000 - offset * MINUTE_MS);
    let possible = instant >= UtcMillis::EARLIEST && instant < UtcMillis::LATEST;
    possible.then_some((instant, offset as i16))
}

/// Reads dates one after the other: most are of the day and zone of the one before.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dates {
    /// Day and zone of the last date as written.
    day: [u8; 11],
    zone: [u8; 6],
    /// Its midnight, in ms, and its offset.
    midnight: i64,
    offset: i16,
}

impl Dates {
    /// As [`date`].
    pub fn read(&mut self, text: &[u8]) -> Option<(UtcMillis, i16)> {
        if let Ok(t) = <&[u8; 25]>::try_from(text)
            && t[..11] == self.day
            && t[19..] == self.zone
            && t[13] == b':'
            && t[16] == b':'
        {
            let (hour, minute, second) = (two(t, 11)?, two(t, 14)?, two(t, 17)?);
            let seconds = i64::from(hour) * 3_600 + i64::from(minute) * 60 + i64::from(second);
            let instant = UtcMillis(self.midnight + seconds * 1_000);
            if hour <= 23 && minute <= 59 && second <= 59 && instant < UtcMillis::LATEST {
                return Some((instant, self.offset));
            }
        }
        let (instant, offset) = date(text)?;
        if text.len() == 25 {
            let day = instant.0 + i64::from(offset) * MINUTE_MS;
            self.midnight = instant.0 - day.rem_euclid(DAY_MS);
            if self.midnight >= UtcMillis::EARLIEST.0 {
                self.day.copy_from_slice(&text[..11]);
                self.zone.copy_from_slice(&text[19..]);
                self.offset = offset;
            } else {
                *self = Self::default();
            }
        }
        Some((instant, offset))
    }
}

fn two(text: &[u8], at: usize) -> Option<u32> {
    let (tens, ones) = (text[at].wrapping_sub(b'0'), text[at + 1].wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| u32::from(tens) * 10 + u32::from(ones))
}

fn four(text: &[u8], at: usize) -> Option<u32> {
    Some(two(text, at)? * 100 + two(text, at + 2)?)
}

/// The parts of a device description: `<<HKDevice: 0x…>, name:Apple Watch, manufacturer:Apple Inc., model:Watch,
/// hardware:Watch6,2, software:10.6.1, creation date:…>`. The address changes with every record and is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// `manufacturer`.
    pub manufacturer: Option<String>,
    /// `model`.
    pub model: Option<String>,
    /// `hardware`; may hold a comma.
    pub hardware: Option<String>,
}

impl Device {
    /// Reads an unescaped description; what is unknown is left out.
    pub fn read(text: &str) -> Self {
        let mut device = Self::default();
        let body = text
            .split_once(">, ")
            .map_or(text, |(_, body)| body)
            .trim_end_matches('>');
        let mut parts: Vec<(&str, String)> = Vec::new();
        for piece in body.split(", ") {
            match piece.split_once(':') {
                Some((key, value)) if key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b' ') => {
                    parts.push((key, value.to_owned()));
                }
                _ => {
                    if let Some((_, last)) = parts.last_mut() {
                        last.push_str(", ");
                        last.push_str(piece);
                    }
                }
            }
        }
        for (key, value) in parts {
            let value: String = value.trim().chars().take(128).collect();
            match key {
                "manufacturer" => device.manufacturer = Some(value),
                "model" => device.model = Some(value),
                "hardware" => device.hardware = Some(value),
                _ => {}
            }
        }
        device
    }
}

/// The raw description without the address that changes with every record.
pub fn without_address(raw: &[u8]) -> &[u8] {
    if !raw.starts_with(b"&lt;&lt;HKDevice: 0x") && !raw.starts_with(b"<<HKDevice: 0x") {
        return raw;
    }
    memchr::memchr(b',', raw).map_or(raw, |comma| &raw[comma..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dates_are_read_in_both_forms() {
        let (instant, offset) = date(b"2024-10-25 07:04:44 -0500").unwrap();
        assert_eq!((instant.0, offset), (1_729_857_884_000, -300));
        assert_eq!(date(b"20150616071916-0700").unwrap().1, -420);
        for bad in [
            "2024-13-25 07:04:44 -0500",
            "2024-10-25 24:04:44 -0500",
            "2024-10-25T07:04:44 -0500",
            "",
            "2023-02-29 00:00:00 +0000",
            "0000-01-01 00:00:00 +0000",
        ] {
            assert_eq!(date(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn a_device_is_read_without_its_address() {
        let text = "<<HKDevice: 0x283c1a2b0>, name:Apple Watch, manufacturer:Apple Inc., model:Watch, hardware:Watch6,2, software:10.6.1, creation date:2024-01-01 00:00:00 +0000>";
        let device = Device::read(text);
        assert_eq!(device.hardware.as_deref(), Some("Watch6,2"));
        assert_eq!(device.manufacturer.as_deref(), Some("Apple Inc."));
        assert_eq!(without_address(b"&lt;&lt;HKDevice: 0x1&gt;, name:a"), b", name:a");
    }

    #[test]
    fn names_with_spaces_and_repeated_names_are_lived_with() {
        let attributes = RecordAttributes::read(" type=\"a\" Withings Link=\"x\" type=\"b\" value='1'/");
        assert_eq!((attributes.kind, attributes.value), (&b"a"[..], &b"1"[..]));
    }

    proptest! {
        #[test]
        fn a_byte_is_found_where_it_first_stands(text in proptest::collection::vec(any::<u8>(), 0..60), wanted: u8) {
            prop_assert_eq!(find_near(wanted, &text), text.iter().position(|byte| *byte == wanted));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,60}") {
            let _ = date(text.as_bytes());
            let _ = Attributes::new(&text).count();
            let _ = Device::read(&text);
            let _ = unescape(text.as_bytes());
        }

        #[test]
        fn dates_in_a_row_read_as_each_by_itself(
            texts in proptest::collection::vec("(2024-02-(28|29|30)|1900-01-01|2199-12-31) (0[0-9]|2[0-9]):[0-7][0-9]:[0-6][0-9] [+-](0|1)[0-9]00", 1..12),
        ) {
            let mut dates = Dates::default();
            for text in texts {
                prop_assert_eq!(dates.read(text.as_bytes()), date(text.as_bytes()), "{}", text);
            }
        }

        #[test]
        fn near_dates_never_panic(text in "[0-9 :+-]{19,25}") {
            let _ = date(text.as_bytes());
        }
    }
}
