//! Records that the schema lets through and that are none.

use serde_json::{Value, json};

use super::*;
use crate::harness::read;

/// A push of these records: how many became data, and why the others did not.
fn pushed(records: &[Value]) -> (u64, Vec<String>) {
    let push =
        json!({"format": "health-connect/1", "batch": "1", "sentAt": "2026-05-11T00:00:00Z", "records": records});
    let (collected, reading) = read(&HealthConnect, push.to_string().as_bytes());
    let reading = reading.expect("it is read");
    assert_eq!(reading.samples, collected.records());
    let reasons = reading.accounting.reasons.keys();
    (reading.samples, reasons.map(|(_, reason)| reason.clone()).collect())
}

fn metadata(id: &str) -> Value {
    json!({"id": id, "dataOrigin": "com.example.app", "lastModifiedTime": "2026-05-10T10:00:00Z"})
}

fn rates(id: &str, time: &str) -> Value {
    json!({"recordType": "HeartRate", "metadata": metadata(id), "startTime": "2026-05-10T09:00:00Z",
        "endTime": "2026-05-10T10:00:00Z", "samples": [{"time": time, "beatsPerMinute": 61}]})
}

#[test]
fn a_point_at_an_impossible_time_ends_its_record_and_no_other() {
    // The store refuses what lies there: once a whole push, again and again.
    let records = [
        rates("a", "2026-05-10T09:30:00Z"),
        rates("b", "0001-01-01T00:00:00Z"),
        rates("c", "9999-01-01T00:00:00Z"),
    ];
    let (data, reasons) = pushed(&records);
    assert_eq!(data, 1);
    assert_eq!(reasons, ["start-in-future", "time-impossible"]);
    let skin = |delta: &str| {
        json!({"recordType": "SkinTemperature", "metadata": metadata("d"), "startTime": "2026-05-10T09:00:00Z",
            "endTime": "2026-05-10T10:00:00Z", "deltas": [{"time": delta, "delta": {"inCelsius": 0.2}}]})
    };
    assert_eq!(pushed(&[skin("1800-01-01T00:00:00Z")]).1, ["time-impossible"]);
}

#[test]
fn an_unlikely_temperature_of_the_skin_is_flagged_as_any_number_is() {
    let skin = |baseline: f64, delta: f64| {
        let record = json!({"recordType": "SkinTemperature", "metadata": metadata("a"), "startTime": "2026-05-10T09:00:00Z",
            "endTime": "2026-05-10T10:00:00Z", "baseline": {"inCelsius": baseline},
            "deltas": [{"time": "2026-05-10T09:30:00Z", "delta": {"inCelsius": delta}}]});
        let push =
            json!({"format": "health-connect/1", "batch": "1", "sentAt": "2026-05-11T00:00:00Z", "records": [record]});
        let (collected, _) = read(&HealthConnect, push.to_string().as_bytes());
        let samples = collected.samples().into_iter();
        samples
            .map(|sample| sample.flags.has(model::Flags::OUT_OF_RANGE))
            .collect::<Vec<bool>>()
    };
    assert_eq!(skin(33.5, -0.2), [false, false]);
    assert_eq!(skin(1_000.0, 300.0), [true, true]);
}

#[test]
fn a_source_whose_name_is_too_long_ends_its_record_alone() {
    let mut long = rates("a", "2026-05-10T09:30:00Z");
    let name = "\u{6e2c}".repeat(128);
    long["metadata"]["device"] = json!({"manufacturer": name, "model": name, "type": 1});
    let (data, reasons) = pushed(&[long, rates("b", "2026-05-10T09:30:00Z")]);
    assert_eq!((data, reasons), (1, vec!["source-too-long".to_owned()]));
}

#[test]
fn power_is_a_series_of_watts() {
    let power = json!({"recordType": "Power", "metadata": metadata("p"), "startTime": "2026-05-10T09:00:00Z",
        "endTime": "2026-05-10T10:00:00Z", "samples": [{"time": "2026-05-10T09:00:01Z", "power": {"inWatts": 212.5}},
            {"time": "2026-05-10T09:00:02Z", "power": {"inWatts": 230.0}}]});
    let push =
        json!({"format": "health-connect/1", "batch": "1", "sentAt": "2026-05-11T00:00:00Z", "records": [power]});
    let (collected, _) = read(&HealthConnect, push.to_string().as_bytes());
    let found: Vec<(model::Metric, String)> = collected
        .samples()
        .into_iter()
        .map(|sample| match &sample.value {
            model::Value::Quantity(watts) => (sample.metric, watts.to_string()),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [
        (model::Metric::CYCLING_POWER, "212.5"),
        (model::Metric::CYCLING_POWER, "230.0"),
    ];
    assert_eq!(found, expected.map(|(metric, watts)| (metric, watts.to_owned())));
}

#[test]
fn a_number_of_a_type_that_nothing_maps_is_parked_and_what_holds_more_is_kept_as_text() {
    let of = |held: Value| {
        let mut record =
            json!({"recordType": "GaitBalanceRecord", "metadata": metadata("g"), "time": "2026-05-10T09:00:00Z"});
        let members = record.as_object_mut().expect("an object");
        members.extend(held.as_object().expect("an object").clone());
        let push =
            json!({"format": "health-connect/1", "batch": "1", "sentAt": "2026-05-11T00:00:00Z", "records": [record]});
        let (collected, reading) = read(&HealthConnect, push.to_string().as_bytes());
        let series = collected.pieces.iter().find_map(|piece| match piece {
            crate::Handed::ParkedSeries { vendor_type, unit } => Some(format!("{vendor_type} {unit}")),
            _ => None,
        });
        let reasons = reading.expect("it is read").accounting.reasons;
        let reasons: Vec<String> = reasons.keys().map(|(_, reason)| reason.clone()).collect();
        (series, reasons)
    };
    let parked = |series: &str| (Some(series.to_owned()), vec!["parked".to_owned()]);
    assert_eq!(of(json!({"score": 71.5})), parked("GaitBalance.score "));
    assert_eq!(
        of(json!({"sway": {"inMillimeters": 4}})),
        parked("GaitBalance.sway inMillimeters")
    );
    for more in [
        json!({"score": 71.5, "notes": "after lunch"}),
        json!({"sway": {"inMillimeters": 4, "inMeters": 0.004}}),
        json!({"score": "good"}),
        json!({"samples": [{"time": "2026-05-10T09:00:00Z", "score": 3}]}),
        json!({}),
    ] {
        assert_eq!(of(more.clone()), (None, vec!["type-unknown".to_owned()]), "{more}");
    }
}
