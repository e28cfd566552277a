//! What stands in `effective[x]`, by what the time of a sample means.

use crate::common::{MORNING, json, measured, plausible, rendered, rendered_as, sample};
use model::{Flags, Metric, Offset, OffsetTrust, Value};
use serde_json::json as expected;

#[test]
fn a_moment_is_a_date_time_and_an_interval_a_period() {
    let weight = json(&rendered(&sample(Metric::BODY_WEIGHT, plausible(Metric::BODY_WEIGHT))));
    assert_eq!(weight["effectiveDateTime"], "2026-05-10T07:04:44+09:00");
    let steps = json(&rendered(&sample(Metric::STEP_COUNT, plausible(Metric::STEP_COUNT))));
    assert_eq!(
        steps["effectivePeriod"],
        expected!({"start": "2026-05-10T07:04:44+09:00", "end": "2026-05-10T07:34:44+09:00"})
    );
}

#[test]
fn steps_of_a_moment_are_still_a_period() {
    let mut steps = sample(Metric::STEP_COUNT, plausible(Metric::STEP_COUNT));
    steps.end = steps.start;
    let steps = json(&rendered(&steps));
    assert_eq!(steps["effectivePeriod"]["start"], steps["effectivePeriod"]["end"]);
}

#[test]
fn an_interval_of_a_heart_rate_is_a_period_and_each_end_keeps_its_offset() {
    let mut heart = sample(Metric::HEART_RATE, plausible(Metric::HEART_RATE));
    heart.end = heart.start.plus(60_000);
    heart.end_offset_minutes = 480;
    heart.flags = Flags::MILLISECONDS;
    assert_eq!(
        json(&rendered(&heart))["effectivePeriod"],
        expected!({"start": "2026-05-10T07:04:44.000+09:00", "end": "2026-05-10T06:05:44.000+08:00"})
    );
}

#[test]
fn a_civil_date_without_a_clock_stays_a_date() {
    let mut weight = sample(Metric::BODY_WEIGHT, plausible(Metric::BODY_WEIGHT));
    weight.offset.trust = OffsetTrust::None;
    assert_eq!(json(&rendered(&weight))["effectiveDateTime"], "2026-05-10");
    let mut steps = sample(Metric::STEP_COUNT, plausible(Metric::STEP_COUNT));
    steps.offset.trust = OffsetTrust::None;
    steps.start = model::LocalDay::parse("2026-05-10").expect("a day").start(steps.offset);
    steps.end = steps.start.plus(24 * 3_600_000);
    assert_eq!(
        json(&rendered(&steps))["effectiveDateTime"],
        "2026-05-10",
        "a whole day is that day"
    );
    steps.end = steps.start.plus(48 * 3_600_000);
    assert_eq!(
        json(&rendered(&steps))["effectivePeriod"],
        expected!({"start": "2026-05-10", "end": "2026-05-11"})
    );
}

#[test]
fn a_vendors_daily_total_is_dated_by_its_day() {
    let daily = sample(Metric::DAILY_STEP_COUNT, Value::Quantity(measured("6400")));
    assert_eq!(json(&rendered(&daily))["effectiveDateTime"], "2026-05-10");
}

#[test]
fn an_assumed_offset_says_so() {
    let assumed = expected!([{
        "url": "https://sekisho.example/fhir/StructureDefinition/offset-assumed", "valueBoolean": true
    }]);
    let mut weight = sample(Metric::BODY_WEIGHT, plausible(Metric::BODY_WEIGHT));
    weight.offset = Offset::JAPAN_ASSUMED;
    assert_eq!(json(&rendered(&weight))["_effectiveDateTime"]["extension"], assumed);
    let mut steps = sample(Metric::STEP_COUNT, plausible(Metric::STEP_COUNT));
    steps.offset = Offset::JAPAN_ASSUMED;
    assert_eq!(json(&rendered(&steps))["effectivePeriod"]["extension"], assumed);
}

#[test]
fn a_known_zone_is_named_on_each_time() {
    let zone = expected!({"extension": [
        {"url": "http://hl7.org/fhir/StructureDefinition/timezone", "valueCode": "Asia/Tokyo"}
    ]});
    let weight = sample(Metric::BODY_WEIGHT, plausible(Metric::BODY_WEIGHT));
    assert_eq!(
        json(&rendered_as(&weight, Some("Asia/Tokyo"), false))["_effectiveDateTime"],
        zone
    );
    let steps = sample(Metric::STEP_COUNT, plausible(Metric::STEP_COUNT));
    let period = &json(&rendered_as(&steps, Some("Asia/Tokyo"), false))["effectivePeriod"];
    assert_eq!((&period["_start"], &period["_end"]), (&zone, &zone));
}

#[test]
fn what_a_flag_tells_stands_beside_the_value() {
    let mut glucose = sample(Metric::BLOOD_GLUCOSE, Value::Quantity(measured("100")));
    glucose.flags = Flags::BEFORE_MEAL.with(Flags::OUT_OF_RANGE);
    let components = &json(&rendered(&glucose))["component"];
    assert_eq!(
        components[0]["valueCodeableConcept"]["coding"][0]["code"],
        "out-of-range"
    );
    assert_eq!(
        components[1],
        expected!({
            "code": {"coding": [{"system": "https://sekisho.example/fhir/CodeSystem/sekisho", "code": "relation-to-meal"}]},
            "valueCodeableConcept": {"coding": [{"system": "http://snomed.info/sct", "code": "307165006"}]}
        })
    );
}

#[test]
fn what_was_typed_names_the_person_and_no_device() {
    let mut weight = sample(Metric::BODY_WEIGHT, plausible(Metric::BODY_WEIGHT));
    weight.start = MORNING;
    weight.flags = Flags::USER_ENTERED;
    let weight = json(&rendered(&weight));
    assert_eq!(weight["performer"], expected!([{"reference": "Patient/p1"}]));
    assert_eq!(weight["method"]["coding"][0]["code"], "manual-entry");
    assert!(weight["device"].is_null());
}
