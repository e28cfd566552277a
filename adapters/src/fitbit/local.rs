//! Times and devices as Fitbit writes them: civil times without an offset, devices by the name of their model.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use model::time::{DAY_MS, MINUTE_MS};
use model::{LocalDay, Offset, OffsetTrust, Sample, Source, SourceKind, UtcMillis};
use serde_json::Value;

use crate::google_health::{of_anybody_else, of_this_account};
use crate::measure;
use crate::push::instant;
#[cfg(test)]
use crate::push::offset;
use crate::zone::Zone;

/// A civil time: `2026-05-10T07:30:00.000`, `2026-05-10 07:30`, `05/10/26 07:30:00`, or a date alone. In milliseconds as if it
/// were UTC.
pub fn civil(text: &str) -> Option<i64> {
    let text = text.trim();
    let parsed = if text.contains('/') {
        ["%m/%d/%y %H:%M:%S", "%m/%d/%y %H:%M"]
            .iter()
            .find_map(|form| DateTime::strptime(form, text).ok())
            .or_else(|| {
                let date = jiff::civil::Date::strptime("%m/%d/%y", text).ok()?;
                Some(date.to_datetime(jiff::civil::Time::midnight()))
            })
    } else {
        text.parse().ok()
    };
    let at = TimeZone::UTC.to_timestamp(parsed?).ok()?;
    Some(at.as_millisecond())
}

/// Where the civil times of an account are, by its profile: the zone's name, or how far it is from UTC now.
pub fn zone_of(profile: &Value) -> Option<String> {
    let named = profile.get("timezone").and_then(Value::as_str);
    if let Some(name) = named.filter(|name| TimeZone::get(name).is_ok()) {
        return Some(name.to_owned());
    }
    let minutes = profile.get("offsetFromUTCMillis")?.as_i64()?.div_euclid(MINUTE_MS);
    let sign = if minutes < 0 { '-' } else { '+' };
    let (hours, minutes) = (minutes.unsigned_abs() / 60, minutes.unsigned_abs() % 60);
    Some(format!("{sign}{hours:02}:{minutes:02}")).filter(|offset| Zone::stated(offset).is_some())
}

/// An instant with its zone, also with a space or without a colon: `2026-05-30 06:00:00+0000`.
pub fn zoned(text: &str) -> Option<(UtcMillis, bool)> {
    let text = text.trim();
    instant(text).or_else(|| {
        let at = jiff::Timestamp::strptime("%Y-%m-%d %H:%M:%S%z", text).ok()?;
        Some((UtcMillis(at.as_millisecond()), false))
    })
}

/// A sample of a civil day.
pub fn of_day(source: u16, civil: i64) -> Sample {
    let day = LocalDay(i32::try_from(civil.div_euclid(DAY_MS)).unwrap_or(0));
    let mut base = measure::blank(source, UtcMillis(0), UtcMillis(0));
    base.offset = Offset {
        minutes: 0,
        trust: OffsetTrust::None,
    };
    base.start = day.start(base.offset);
    base.end = base.start;
    base
}

/// True for what comes from the phone's own store: it was measured by something else.
pub fn is_brought(name: &str) -> bool {
    let has = |word: &str| {
        let mut places = name.as_bytes().windows(word.len());
        places.any(|place| place.eq_ignore_ascii_case(word.as_bytes()))
    };
    has("health connect") || has("health kit")
}

/// What the account has of all its devices, their names left out, is a copy of what the archive's tables have of each, as well as of what
/// the service that follows has.
fn of_all_devices() -> Vec<String> {
    let named = ["fitbit|", "!fitbit|account"].map(str::to_owned);
    of_this_account().into_iter().chain(named).collect()
}

/// A device or app by the name that the vendor gives it; without a name what the account has of all of them.
pub fn source(name: &str) -> Source {
    let spelled: String = name.trim().to_lowercase().replace('_', " ").chars().take(100).collect();
    if spelled.is_empty() {
        return Source {
            key: "fitbit|account".to_owned(),
            name: "Fitbit".to_owned(),
            manufacturer: Some("Fitbit".to_owned()),
            copies: of_all_devices(),
            ..Source::default()
        };
    }
    let has = |words: &[&str]| words.iter().any(|word| spelled.contains(word));
    let is_brought = is_brought(&spelled);
    let kind = if is_brought || has(&["app", "api", "web"]) {
        SourceKind::App
    } else if has(&["mobiletrack"]) {
        SourceKind::Phone
    } else if has(&["sense", "versa", "ionic", "blaze", "surge", "watch"]) {
        SourceKind::Watch
    } else if has(&["air", "charge", "inspire", "luxe", "ace", "alta", "flex", "force"]) {
        SourceKind::Band
    } else if has(&["aria"]) {
        SourceKind::Instrument
    } else {
        SourceKind::Unknown
    };
    let shown: String = name.trim().chars().take(100).collect();
    Source {
        key: format!("fitbit|{spelled}"),
        name: shown.clone(),
        manufacturer: (!is_brought).then(|| "Fitbit".to_owned()),
        model: (kind != SourceKind::App).then_some(shown),
        hardware: None,
        copies: match is_brought {
            true => of_anybody_else(),
            false => of_this_account(),
        },
        kind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn civil_times_are_read_in_every_form() {
        let morning = 1_778_398_200_000;
        for (text, expected) in [
            ("2026-05-10T07:30:00.000", Some(morning)),
            ("2026-05-10T07:30", Some(morning)),
            ("05/10/26 07:30:00", Some(morning)),
            ("05/10/26", Some(morning - 450 * 60_000)),
            ("2026-05-10", Some(morning - 450 * 60_000)),
            ("10/05", None),
            ("no data", None),
        ] {
            assert_eq!(civil(text), expected, "{text}");
        }
        assert_eq!(
            zoned("2026-05-30 06:00:00+0000"),
            instant("2026-05-30T06:00:00Z"),
            "with a space and without a colon"
        );
        assert_eq!(
            (offset("+09:00"), offset("-05:30"), offset("Z")),
            (Some(540), Some(-330), None)
        );
    }

    #[test]
    fn a_device_is_one_however_its_name_is_spelled() {
        assert_eq!(source("GOOGLE_FITBIT_AIR").key, source("Google Fitbit Air").key);
        assert_eq!(source("Charge 6").kind, SourceKind::Band);
        assert_eq!(source("Fit Health Connect").manufacturer, None);
        for brought in ["Fit Health Connect", "Apple Health Kit"].map(source) {
            assert!(
                brought.is_copy_of("com.example.walk|||0") && brought.is_copy_of("Watch|Apple Inc.|Watch|Watch6,2")
            );
            assert!(
                !brought.is_copy_of("fitbit|charge 6") && !brought.is_copy_of("google-health|FITBIT|Fitbit|Charge 6||")
            );
        }
        assert!(!source("Charge 6").is_copy_of("com.example.walk|||0"));
    }

    #[test]
    fn what_names_no_device_is_a_copy_of_what_does_and_never_the_other_way_round() {
        let (all, one) = (source(""), source("Charge 6"));
        assert!(all.is_copy_of(&one.key) && !one.is_copy_of(&all.key));
        assert!(!all.is_copy_of(&all.key));
    }
}
