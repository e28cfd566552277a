//! The R4 vital-signs profiles (<http://hl7.org/fhir/R4/observation-vitalsigns.html>) over every metric that claims one:
//! their invariants, fixed codes, units and slices, read from the rendered JSON.

use crate::common::{json, plausible, rendered, rendered_as, sample};
use model::vocabulary::Shape;
use model::{Flags, Measured, Metric, Value};
use serde_json::Value as Json;

const BASE: &str = "http://hl7.org/fhir/StructureDefinition/";

/// Profile, LOINC code, allowed UCUM codes (R4 4.0.1, table of the vital signs page).
const PROFILES: &[(&str, &str, &[&str])] = &[
    ("heartrate", "8867-4", &["/min"]),
    ("bodyweight", "29463-7", &["kg", "g", "[lb_av]"]),
    ("bodyheight", "8302-2", &["cm", "[in_i]"]),
    ("bmi", "39156-5", &["kg/m2"]),
    ("bodytemp", "8310-5", &["Cel", "[degF]"]),
    ("oxygensat", "2708-6", &["%"]),
    ("resprate", "9279-1", &["/min"]),
    ("bp", "85354-9", &["mm[Hg]"]),
];

fn claims(resource: &Json) -> Vec<String> {
    resource["meta"]["profile"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|profile| profile.as_str()?.strip_prefix(BASE).map(str::to_owned))
        .collect()
}

fn has_coding(concept: &Json, system: &str, code: &str) -> bool {
    concept["coding"].as_array().is_some_and(|codings| {
        codings
            .iter()
            .any(|coding| coding["system"] == system && coding["code"] == code)
    })
}

/// To the day at least: the text before a `T`, or all of it, is a date.
fn to_the_day(time: &Json) -> bool {
    time.as_str()
        .and_then(|time| time.split('T').next())
        .is_some_and(|day| model::LocalDay::parse(day).is_some())
}

fn has_value(element: &Json) -> bool {
    element
        .as_object()
        .is_some_and(|members| members.keys().any(|key| key.starts_with("value")))
}

/// What every vital sign must be, whatever its profile.
fn check_vital_sign(resource: &Json) {
    assert!(resource["status"].is_string());
    let categories = resource["category"].as_array().expect("category");
    assert!(
        categories.iter().any(|category| has_coding(
            category,
            "http://terminology.hl7.org/CodeSystem/observation-category",
            "vital-signs"
        )),
        "the vital-signs category is required"
    );
    let subject = resource["subject"]["reference"].as_str();
    assert!(subject.is_some_and(|reference| reference.starts_with("Patient/")));
    // vs-1: if there is a date, it is precise to the day.
    match (&resource["effectiveDateTime"], &resource["effectivePeriod"]) {
        (time, Json::Null) => assert!(to_the_day(time), "vs-1"),
        (Json::Null, period) => assert!(to_the_day(&period["start"]) && to_the_day(&period["end"]), "vs-1"),
        _ => panic!("one effective[x] only"),
    }
    let components = resource["component"].as_array();
    // vs-2: without components or members there is a value or a reason for its absence.
    assert!(
        components.is_some() || has_value(resource) || resource["dataAbsentReason"].is_object(),
        "vs-2"
    );
    // vs-3: so it is in every component. obs-6: never both.
    for component in components.into_iter().flatten() {
        assert!(component["code"]["coding"].is_array());
        assert!(
            has_value(component) != component["dataAbsentReason"].is_object(),
            "vs-3"
        );
    }
    assert!(
        !(has_value(resource) && resource["dataAbsentReason"].is_object()),
        "obs-6"
    );
}

fn check_quantity(quantity: &Json, units: &[&str]) {
    assert!(quantity["value"].is_number());
    assert!(quantity["unit"].as_str().is_some_and(|unit| !unit.is_empty()));
    assert_eq!(quantity["system"], "http://unitsofmeasure.org");
    let code = quantity["code"].as_str().unwrap_or_default();
    assert!(units.contains(&code), "{code} is not one of {units:?}");
}

fn check_profile(resource: &Json, profile: &str) {
    let (_, loinc, units) = PROFILES
        .iter()
        .find(|(name, ..)| *name == profile)
        .expect("a known profile");
    assert!(
        has_coding(&resource["code"], "http://loinc.org", loinc),
        "{profile} needs {loinc}"
    );
    if profile == "bp" {
        assert!(!has_value(resource), "a panel has no value of its own");
        for pressure in ["8480-6", "8462-4"] {
            let slices: Vec<&Json> = resource["component"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|component| has_coding(&component["code"], "http://loinc.org", pressure))
                .collect();
            assert_eq!(slices.len(), 1, "{pressure} exactly once");
            if has_value(slices[0]) {
                check_quantity(&slices[0]["valueQuantity"], units);
            }
        }
    } else if has_value(resource) {
        check_quantity(&resource["valueQuantity"], units);
    }
}

#[test]
fn every_metric_that_claims_a_vital_signs_profile_fulfils_it() {
    let mut seen = Vec::new();
    for metric in Metric::all() {
        for flags in [
            Flags::default(),
            Flags::USER_ENTERED,
            Flags::OUT_OF_RANGE.with(Flags::SEDENTARY),
        ] {
            let mut sample = sample(metric, plausible(metric));
            sample.flags = flags;
            let resource = json(&rendered(&sample));
            for profile in claims(&resource) {
                check_vital_sign(&resource);
                if profile != "vitalsigns" {
                    check_profile(&resource, &profile);
                }
                seen.push(profile);
            }
        }
    }
    for (profile, ..) in PROFILES {
        assert!(
            seen.iter().any(|claimed| claimed == profile),
            "nothing claims {profile}"
        );
    }
}

#[test]
fn whatever_carries_a_vital_signs_loinc_code_claims_its_profile() {
    for metric in Metric::all() {
        let resource = json(&rendered(&sample(metric, plausible(metric))));
        for (profile, loinc, _) in PROFILES {
            if has_coding(&resource["code"], "http://loinc.org", loinc) {
                assert!(
                    claims(&resource).iter().any(|claimed| claimed == profile),
                    "{} lacks {profile}",
                    metric.key()
                );
            }
        }
    }
}

#[test]
fn half_a_blood_pressure_says_that_the_other_half_is_unknown() {
    let systolic = Measured::as_given(model::Decimal::whole(128));
    for values in [
        vec![Some(systolic), None, None],
        vec![None, Some(systolic), None],
        vec![None, None, None],
        vec![],
    ] {
        let values: Box<[Option<Measured>]> = values.into();
        let resource = json(&rendered(&sample(
            Metric::BLOOD_PRESSURE,
            Value::Components(values.clone()),
        )));
        check_vital_sign(&resource);
        check_profile(&resource, "bp");
        let absent = resource["component"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|component| {
                has_coding(
                    &component["dataAbsentReason"],
                    "http://terminology.hl7.org/CodeSystem/data-absent-reason",
                    "unknown",
                )
            })
            .count();
        assert_eq!(absent, 2 - values.iter().flatten().count());
    }
}

#[test]
fn a_value_that_cannot_be_said_is_absent_with_a_reason() {
    for metric in Metric::all() {
        let wrong = match metric.shape() {
            Shape::Code(_) => Value::Code(u32::MAX),
            Shape::Quantity => Value::Code(1),
            Shape::Components(_) => Value::Quantity(Measured::default()),
        };
        let resource = json(&rendered(&sample(metric, wrong)));
        assert!(resource["dataAbsentReason"].is_object(), "{}", metric.key());
        assert!(!has_value(&resource));
    }
}

#[test]
fn what_was_entered_in_error_claims_no_profile_and_holds_no_value() {
    for metric in Metric::all() {
        let text = rendered_as(&sample(metric, plausible(metric)), Some("Asia/Tokyo"), true);
        let resource = json(&text);
        assert_eq!(resource["status"], "entered-in-error");
        assert_eq!(resource["code"]["coding"][0]["code"], metric.key());
        let members: Vec<&str> = resource
            .as_object()
            .expect("object")
            .keys()
            .map(String::as_str)
            .collect();
        let mut allowed = ["resourceType", "id", "meta", "status", "category", "code", "subject"];
        allowed.sort_unstable();
        let mut members = members;
        members.sort_unstable();
        assert_eq!(members, allowed);
        assert!(resource["meta"]["profile"].is_null());
    }
}
