//! A sample that a phone pushes and that an export brings, and when it counts as said.

use model::UtcMillis;
use serde_json::{Value, json};

use super::*;
use crate::Handed;
use crate::apple_health::AppleHealth;
use crate::harness::{Collected, read};

fn push(sent: &str, samples: &[Value], deleted: &[&str]) -> String {
    let deleted: Vec<Value> = deleted.iter().map(|uuid| json!({"uuid": uuid})).collect();
    json!({"format": "apple-health-push/1", "batch": "1", "sentAt": sent, "samples": samples, "deletedSamples": deleted})
        .to_string()
}

fn said(push: &str) -> Vec<UtcMillis> {
    let (collected, _) = read(&AppleHealthPush, push.as_bytes());
    let words = collected.pieces.iter().filter_map(|piece| match piece {
        Handed::Identified(words) => Some(words.iter().map(|word| word.said)),
        _ => None,
    });
    words.flatten().collect()
}

#[test]
fn a_sample_that_has_not_ended_yet_does_not_outlive_its_deletion() {
    let uuid = "0A000000-0000-4000-8000-000000000001";
    let all_day = json!({"uuid": uuid, "quantityType": "HKQuantityTypeIdentifierDietaryWater", "quantity": 200, "unit": "mL",
        "startDate": "2026-05-10T00:00:00+09:00", "endDate": "2026-05-10T23:00:00+09:00",
        "sourceRevision": {"source": {"name": "Notes", "bundleIdentifier": "com.example.notes"}}});
    let told = said(&push("2026-05-10T09:00:00+09:00", std::slice::from_ref(&all_day), &[]));
    let deleted = said(&push("2026-05-10T10:00:00+09:00", &[], &[uuid]));
    assert_eq!((told.len(), deleted.len()), (1, 1));
    assert!(told < deleted, "{told:?} {deleted:?}");
    // One that has ended counts as said then, whenever it is sent again.
    let again = said(&push("2026-05-12T09:00:00+09:00", &[all_day], &[]));
    assert_eq!(again, [UtcMillis(1_778_421_600_000)]);
}

/// What tells records apart that came without an id or with another: source, metric, and seconds.
fn identities(collected: &Collected) -> Vec<(String, Metric, i64, i64)> {
    let sources = collected.pieces.iter().filter_map(|piece| match piece {
        Handed::Source(source) => Some(source.key.clone()),
        _ => None,
    });
    let sources: Vec<String> = sources.collect();
    let samples = collected.samples().into_iter().map(|sample| {
        let seconds = |at: UtcMillis| at.floor_second().0;
        let key = sources[usize::from(sample.source)].clone();
        (key, sample.metric, seconds(sample.start), seconds(sample.end))
    });
    let mut all: Vec<_> = samples.collect();
    all.sort();
    all
}

#[test]
fn a_sample_is_the_same_record_whether_a_phone_pushes_it_or_an_export_brings_it() {
    let device = "&lt;&lt;HKDevice: 0x1&gt;, name:Apple Watch, manufacturer:Apple Inc., model:Watch, hardware:Watch6,2, software:10.6.1&gt;";
    let export = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<HealthData locale="ja_JP">
 <ExportDate value="2026-05-20 12:00:00 +0900"/>
 <Record type="HKQuantityTypeIdentifierStepCount" sourceName="花子のApple Watch" device="{device}" unit="count" creationDate="2026-05-10 08:10:00 +0900" startDate="2026-05-10 08:00:00 +0900" endDate="2026-05-10 08:09:59 +0900" value="1000"/>
 <Record type="HKQuantityTypeIdentifierHeartRate" sourceName="花子のApple Watch" device="{device}" unit="count/min" creationDate="2026-05-10 08:10:05 +0900" startDate="2026-05-10 08:10:05 +0900" endDate="2026-05-10 08:10:05 +0900" value="72.5"/>
 <Record type="HKQuantityTypeIdentifierBodyMass" sourceName="体重計" unit="kg" creationDate="2026-05-10 07:04:00 +0900" startDate="2026-05-10 07:04:00 +0900" endDate="2026-05-10 07:04:00 +0900" value="65.2"/>
 <Record type="HKCategoryTypeIdentifierSleepAnalysis" sourceName="花子のApple Watch" device="{device}" creationDate="2026-05-10 06:00:00 +0900" startDate="2026-05-10 00:00:00 +0900" endDate="2026-05-10 01:30:00 +0900" value="HKCategoryValueSleepAnalysisAsleepDeep"/>
</HealthData>"#
    );
    let watch = json!({"name": "Apple Watch", "manufacturer": "Apple Inc.", "model": "Watch", "hardwareVersion": "Watch6,2",
        "softwareVersion": "10.6.1"});
    let sample = |uuid: u8, times: [&str; 2], source: &str, of: Value| {
        let mut sample = json!({"uuid": format!("0A000000-0000-4000-8000-0000000000{uuid:02}"), "startDate": times[0], "endDate": times[1],
            "sourceRevision": {"source": {"name": source, "bundleIdentifier": "com.apple.health.0A"}, "productType": "Watch6,2"}});
        let members = sample.as_object_mut().expect("an object");
        members.extend(of.as_object().expect("an object").clone());
        sample
    };
    let hanako = "花子のApple Watch";
    let samples = [
        // A phone tells fractions of a second, an export none.
        sample(
            1,
            ["2026-05-10T08:00:00.417+09:00", "2026-05-10T08:09:59.812+09:00"],
            hanako,
            json!({"quantityType": "HKQuantityTypeIdentifierStepCount", "quantity": 1000, "unit": "count", "device": watch}),
        ),
        sample(
            2,
            ["2026-05-09T23:10:05.200Z", "2026-05-09T23:10:05.200Z"],
            hanako,
            json!({"quantityType": "HKQuantityTypeIdentifierHeartRate", "quantity": 72.5, "unit": "count/min", "device": watch}),
        ),
        sample(
            3,
            ["2026-05-09T22:04:00Z", "2026-05-09T22:04:00Z"],
            "体重計",
            json!({"quantityType": "HKQuantityTypeIdentifierBodyMass", "quantity": 65.2, "unit": "kg"}),
        ),
        sample(
            4,
            ["2026-05-10T00:00:00+09:00", "2026-05-10T01:30:00+09:00"],
            hanako,
            json!({"categoryType": "HKCategoryTypeIdentifierSleepAnalysis", "value": 4, "device": watch}),
        ),
    ];
    let (pushed, _) = read(
        &AppleHealthPush,
        push("2026-05-11T09:00:00+09:00", &samples, &[]).as_bytes(),
    );
    let (exported, _) = read(&AppleHealth, export.as_bytes());
    let pushed = identities(&pushed);
    assert_eq!(pushed.len(), 4);
    assert_eq!(pushed, identities(&exported));
}

#[test]
fn of_more_types_than_are_parked_the_records_are_kept_as_text() {
    let of_type = |number: usize| {
        json!({"uuid": format!("0A000000-0000-4000-8000-{number:012}"), "quantityType": format!("HKQuantityTypeIdentifierFuture{number}"),
            "quantity": 1, "unit": "count", "startDate": "2026-05-10T07:00:00Z", "endDate": "2026-05-10T07:00:00Z",
            "sourceRevision": {"source": {"name": "Notes", "bundleIdentifier": "com.example.notes"}}})
    };
    let samples: Vec<Value> = (0..514).map(of_type).collect();
    let (collected, reading) = read(
        &AppleHealthPush,
        push("2026-05-10T09:00:00+09:00", &samples, &[]).as_bytes(),
    );
    let accounting = reading.unwrap().accounting;
    let kept = collected.pieces.iter().filter_map(|piece| match piece {
        Handed::NotStored(kept) => Some(kept),
        _ => None,
    });
    let kept: Vec<_> = kept.flatten().collect();
    assert_eq!((accounting.received, accounting.unsupported, kept.len()), (514, 514, 2));
    assert!(
        kept.iter()
            .all(|kept| kept.reason == "too-many-types" && kept.text.contains("Future51"))
    );
}

/// Facts of the vocabulary, 6.4. Of both ids the store keeps one reading, until both were deleted.
#[test]
fn both_halves_of_a_pair_name_its_reading_and_a_half_alone_is_none() {
    let half = |number: usize, half: &str, value: u32, minute: usize| {
        let at = format!("2026-05-10T07:{minute:02}:00+09:00");
        json!({"uuid": format!("0A000000-0000-4000-8000-{number:012}"), "quantityType": format!("HKQuantityTypeIdentifierBloodPressure{half}"),
            "quantity": value, "unit": "mmHg", "startDate": at, "endDate": at, "sourceRevision": {"source": {"name": "cuff"}}})
    };
    let mut samples = [
        half(1, "Systolic", 128, 0),
        half(2, "Diastolic", 81, 0),
        half(3, "Systolic", 140, 5),
    ];
    let told = |samples: &[Value]| {
        let (collected, reading) = read(
            &AppleHealthPush,
            push("2026-05-10T09:00:00+09:00", samples, &[]).as_bytes(),
        );
        (collected.lines(), reading.unwrap().accounting)
    };
    let (lines, accounting) = told(&samples);
    let readings: Vec<&String> = lines.iter().filter(|line| line.contains("[128 81 -]")).collect();
    assert_eq!((lines.len(), readings.len()), (4, 2), "{lines:?}");
    assert_eq!((accounting.received, accounting.unsupported), (1, 1));
    samples.reverse();
    assert_eq!(told(&samples), (lines, accounting), "in whatever order they come");
}
