//! What the vendor says by itself (facts 3.6): that something of a type changed within some time. It shows a secret that it was told
//! and signs the body as Tink does: one byte of version, four of the key's number, then an ECDSA P-256 signature with SHA-256.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::civil::DateTime;
use model::UtcMillis;
use model::time::DAY_MS;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use subtle::ConstantTimeEq as _;

use super::coverage::{Kind, types};
use super::{EASTMOST_MS, WESTMOST_MS};
use crate::cloud::{Call, Heard, NotHeard, Notice, UNSAID_MS};
use crate::push::instant;

/// The header of the signature, and its name before autumn 2026.
const SIGNATURE: [&str; 2] = ["google-health-api-signature", "x-healthapi-signature"];
/// Notices of one call at most.
const MOST: usize = 1_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    health_user_id: String,
    #[serde(default)]
    data_type: Option<String>,
    #[serde(default)]
    intervals: Value,
}

#[derive(Deserialize)]
struct Said {
    data: Data,
}

/// What a call says.
pub(super) fn hear(call: &Call<'_>) -> Result<Heard, NotHeard> {
    let shown = (call.header)("authorization").unwrap_or_default();
    if call.secret.is_empty() || !bool::from(shown.as_bytes().ct_eq(call.secret.as_bytes())) {
        return Err(NotHeard::NotGenuine);
    }
    if let Ok(probe) = serde_json::from_slice::<Value>(call.body)
        && probe.get("type").and_then(Value::as_str) == Some("verification")
    {
        return Ok(Heard::Probe(201));
    }
    let signature = SIGNATURE.iter().find_map(|name| (call.header)(name));
    verify(call, &signature.ok_or(NotHeard::NotGenuine)?)?;
    read(call.body, call.now)
}

/// The notices of a body: one, or a list.
pub(super) fn read(body: &[u8], now: UtcMillis) -> Result<Heard, NotHeard> {
    let said: Vec<&RawValue> = match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'[') => serde_json::from_slice(body).map_err(|_| NotHeard::Malformed)?,
        _ => vec![serde_json::from_slice(body).map_err(|_| NotHeard::Malformed)?],
    };
    if said.len() > MOST {
        return Err(NotHeard::Malformed);
    }
    let all = said.len();
    let read: Vec<Said> = said
        .into_iter()
        .filter_map(|said| serde_json::from_str(said.get()).ok())
        .collect();
    if read.is_empty() && all > 0 {
        return Err(NotHeard::Malformed);
    }
    // One that cannot be read holds up nobody else's: it is counted as one that nobody here knows.
    let unread = (read.len()..all).map(|_| Notice::default());
    let notices = read.iter().flat_map(|said| notices(&said.data, now));
    Ok(Heard::Notices(notices.chain(unread).collect()))
}

/// Whatever the operation, what is there now is asked for: also a word that is not known asks for no less. Of a type that has them, its
/// days are asked for besides its points.
fn notices(data: &Data, now: UtcMillis) -> Vec<Notice> {
    let window = windows(&data.intervals, now);
    let notice = |series, window| Notice {
        account: data.health_user_id.clone(),
        series,
        window,
    };
    let of_type = types().filter(|kind| data.data_type.as_deref() == Some(kind.data_type()));
    let told: Vec<Notice> = of_type
        .map(|kind| match kind.kind {
            // Which day it was there is not said. Whole days, so that what is told by the minute is one and the same to ask for.
            Kind::Day | Kind::RolledUp => {
                let days = window.map(|(start, end)| {
                    let (first, last) = (start.plus(-WESTMOST_MS).0, end.plus(EASTMOST_MS - 1).0);
                    (
                        UtcMillis(first.div_euclid(DAY_MS) * DAY_MS),
                        UtcMillis((last.div_euclid(DAY_MS) + 1) * DAY_MS),
                    )
                });
                notice(Some(kind.series.name), days)
            }
            _ => notice(Some(kind.series.name), window),
        })
        .collect();
    match told.is_empty() {
        true => vec![notice(None, window)],
        false => told,
    }
}

/// From when until when, in all of its intervals. What one of them means that nobody here knows is asked as if nothing were said, besides
/// what the others say.
fn windows(intervals: &Value, now: UtcMillis) -> Option<(UtcMillis, UtcMillis)> {
    let all = match intervals {
        Value::Null => &[],
        Value::Array(all) => all.as_slice(),
        one => std::slice::from_ref(one),
    };
    let read: Vec<_> = all.iter().filter_map(|interval| window(interval, now)).collect();
    let unsaid = (!read.is_empty() && read.len() < all.len()).then(|| (now.plus(-UNSAID_MS), now));
    read.into_iter()
        .chain(unsaid)
        .reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))
}

/// From when until when, in whichever form it stands; one without an end lasts until now. Its end is in it: what is found by when it
/// ended, as a night, would not be among what ends before.
fn window(interval: &Value, now: UtcMillis) -> Option<(UtcMillis, UtcMillis)> {
    if let Some(physical) = interval.get("physicalTimeInterval") {
        let at = |member: &str| physical.get(member).and_then(Value::as_str).and_then(instant);
        if let Some((start, _)) = at("startTime") {
            return Some((
                start,
                at("endTime").map_or(now, |(end, _)| end.plus(1)).max(start.plus(1)),
            ));
        }
    }
    let civil = |form: &str, members: [&str; 2], read: &dyn Fn(&Value) -> Option<DateTime>| {
        let interval = interval.get(form)?;
        let start = interval.get(members[0]).and_then(read)?;
        Some((start, interval.get(members[1]).and_then(read)))
    };
    let (start, end) = civil("civilDateTimeInterval", ["startDateTime", "endDateTime"], &parts).or_else(|| {
        civil("civilIso8601TimeInterval", ["startTime", "endTime"], &|text| {
            text.as_str()?.parse().ok()
        })
    })?;
    // Where its person was is not said.
    let start = utc(start)?.plus(-EASTMOST_MS);
    let end = end.and_then(utc).map_or(now, |end| end.plus(WESTMOST_MS + 1));
    Some((start, end.max(start.plus(1))))
}

fn utc(civil: DateTime) -> Option<UtcMillis> {
    let at = jiff::tz::TimeZone::UTC.to_timestamp(civil).ok()?;
    Some(UtcMillis(at.as_millisecond()))
}

/// `{date, time}`, parts of the time left out where they are zero.
fn parts(civil: &Value) -> Option<DateTime> {
    let part = |from: &str, member: &str| civil.get(from).and_then(|parts| parts.get(member)?.as_i64());
    let small = |part: i64| i8::try_from(part).ok();
    DateTime::new(
        i16::try_from(part("date", "year")?).ok()?,
        small(part("date", "month")?)?,
        small(part("date", "day")?)?,
        small(part("time", "hours").unwrap_or(0))?,
        small(part("time", "minutes").unwrap_or(0))?,
        small(part("time", "seconds").unwrap_or(0))?,
        0,
    )
    .ok()
}

#[derive(Deserialize)]
struct KeySet {
    key: Vec<Key>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Key {
    key_data: KeyData,
    status: String,
    key_id: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeyData {
    type_url: String,
    value: String,
}

/// True for a set of keys.
pub(super) fn are_keys(body: &[u8]) -> bool {
    serde_json::from_slice::<KeySet>(body).is_ok_and(|set| !set.key.is_empty())
}

fn verify(call: &Call<'_>, signature: &str) -> Result<(), NotHeard> {
    let signature = STANDARD.decode(signature).map_err(|_| NotHeard::NotGenuine)?;
    let Some((1, [a, b, c, d, signature @ ..])) = signature.split_first().map(|(first, rest)| (*first, rest)) else {
        return Err(NotHeard::NotGenuine);
    };
    let id = u32::from_be_bytes([*a, *b, *c, *d]);
    let keys: Option<KeySet> = call.keys.and_then(|keys| serde_json::from_slice(keys).ok());
    let keys = keys.ok_or(NotHeard::UnknownKey)?.key;
    let is_it = |key: &&Key| {
        key.key_id == id && key.status == "ENABLED" && key.key_data.type_url.ends_with("tink.EcdsaPublicKey")
    };
    let key = keys.iter().find(is_it).ok_or(NotHeard::UnknownKey)?;
    let point = STANDARD
        .decode(&key.key_data.value)
        .ok()
        .and_then(|value| point(&value));
    let point = point.ok_or(NotHeard::NotGenuine)?;
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point)
        .verify(call.body, signature)
        .map_err(|_| NotHeard::NotGenuine)
}

/// The uncompressed point of a Tink `EcdsaPublicKey`: fields 3 and 4 are its coordinates, big-endian, maybe with zeros before them.
fn point(mut message: &[u8]) -> Option<[u8; 65]> {
    let mut point = [0; 65];
    point[0] = 4;
    let mut found = 0;
    while !message.is_empty() {
        let tag = varint(&mut message)?;
        match tag & 7 {
            0 => {
                varint(&mut message)?;
            }
            2 => {
                let length = usize::try_from(varint(&mut message)?).ok()?;
                let (bytes, rest) = message.split_at_checked(length)?;
                message = rest;
                let at = match tag >> 3 {
                    3 => 1,
                    4 => 33,
                    _ => continue,
                };
                let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
                let number = &bytes[zeros..];
                let gap = 32usize.checked_sub(number.len())?;
                point[at + gap..at + 32].copy_from_slice(number);
                found += 1;
            }
            _ => return None,
        }
    }
    (found == 2).then_some(point)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..63).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use model::time::HOUR_MS;

    use super::*;

    #[test]
    fn every_form_of_an_interval_is_a_window_that_holds_it() {
        let now = instant("2026-05-11T00:00:00Z").unwrap().0;
        let physical = serde_json::json!({"physicalTimeInterval":
            {"startTime": "2026-05-10T01:00:00Z", "endTime": "2026-05-10T02:00:00Z"}});
        let (start, end) = window(&physical, now).unwrap();
        assert_eq!(
            (end.0 - start.0, start),
            (HOUR_MS + 1, instant("2026-05-10T01:00:00Z").unwrap().0)
        );
        let open = serde_json::json!({"physicalTimeInterval": {"startTime": "2026-05-10T01:00:00Z"}});
        assert_eq!(window(&open, now), Some((start, now)));
        let date = serde_json::json!({"year": 2026, "month": 5, "day": 10});
        let parts = serde_json::json!({"civilDateTimeInterval": {
            "startDateTime": {"date": date, "time": {"hours": 10}}, "endDateTime": {"date": date, "time": {"hours": 11}}}});
        let text = serde_json::json!({"civilIso8601TimeInterval":
            {"startTime": "2026-05-10T10:00:00", "endTime": "2026-05-10T11:00:00"}});
        for civil in [parts, text] {
            let (from, until) = window(&civil, now).unwrap();
            assert!(from <= start && until >= end, "in Japan and anywhere else");
            assert_eq!(until.0 - from.0, 27 * HOUR_MS + 1);
        }
        assert_eq!(window(&serde_json::json!({"somethingElse": {}}), now), None);
    }

    #[test]
    fn a_civil_interval_without_an_end_lasts_until_now() {
        let now = instant("2026-05-11T00:00:00Z").unwrap().0;
        let start = instant("2026-05-10T10:00:00Z").unwrap().0.plus(-14 * HOUR_MS);
        let date = serde_json::json!({"year": 2026, "month": 5, "day": 10});
        for civil in [
            serde_json::json!({"civilDateTimeInterval": {"startDateTime": {"date": date, "time": {"hours": 10}}}}),
            serde_json::json!({"civilIso8601TimeInterval": {"startTime": "2026-05-10T10:00:00"}}),
            serde_json::json!({"civilIso8601TimeInterval": {"startTime": "2026-05-10T10:00:00", "endTime": null}}),
        ] {
            assert_eq!(window(&civil, now), Some((start, now)), "{civil}");
        }
    }

    #[test]
    fn beside_an_interval_of_a_form_that_nobody_knows_no_less_is_asked_than_without_any() {
        let now = instant("2026-05-11T00:00:00Z").unwrap().0;
        let known = |at: &str| {
            let physical =
                serde_json::json!({"startTime": format!("{at}T01:00:00Z"), "endTime": format!("{at}T02:00:00Z")});
            serde_json::json!({"physicalTimeInterval": physical})
        };
        let unknown = || serde_json::json!({"lunarInterval": {"start": 1}});
        let told = |intervals: Value| {
            let data = serde_json::json!({"healthUserId": "1", "dataType": "weight", "intervals": intervals});
            notices(&serde_json::from_value(data).unwrap(), now).remove(0).window
        };
        let unsaid = now.plus(-UNSAID_MS);
        let at = |text: &str| instant(text).unwrap().0;
        let long_ago = (at("2026-04-01T01:00:00Z"), now);
        assert_eq!(
            told(serde_json::json!([known("2026-04-01"), unknown()])),
            Some(long_ago)
        );
        assert_eq!(
            told(serde_json::json!([unknown(), known("2026-04-01")])),
            Some(long_ago)
        );
        let today = told(serde_json::json!([known("2026-05-10"), unknown()]));
        assert_eq!(today, Some((unsaid, now)), "what it says lies within");
        let ahead = told(serde_json::json!([known("2026-05-12"), unknown()]));
        assert_eq!(ahead, Some((unsaid, at("2026-05-12T02:00:00Z").plus(1))));
        for nothing in [serde_json::json!([unknown()]), serde_json::json!([]), Value::Null] {
            assert_eq!(told(nothing), None, "asked is as of one that says nothing");
        }
        // Another form of the whole.
        assert_eq!(told(unknown()), None);
        assert_eq!(
            told(known("2026-04-01")),
            told(serde_json::json!([known("2026-04-01")]))
        );
    }

    proptest! {
        #[test]
        fn no_key_and_no_notice_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), text in ".{0,200}") {
            let _ = point(&bytes);
            if let Ok(value) = serde_json::from_str::<Value>(&text) {
                let _ = window(&value, UtcMillis(0));
            }
        }
    }
}
