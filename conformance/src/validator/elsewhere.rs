//! What profiles of others demand of the Observations that claim them, in our words: HL7's vital signs (R4, "Vital Signs Profiles"),
//! JP Core 1.2 and the health checkup reports built on it. Their StructureDefinitions need packages; these are the same rules in
//! the same form, so that no claim goes unlooked at.

use model::vocabulary::systems;
use serde_json::{Value, json};

const HL7: &str = "http://hl7.org/fhir/StructureDefinition/";
const JP_CORE: &str = "http://jpfhir.jp/fhir/core/StructureDefinition/JP_Observation_";

/// Those profiles, each with its address.
pub fn elsewhere() -> Vec<Value> {
    let mut all = vec![profile(&format!("{HL7}vitalsigns"), vital_sign())];
    for (name, loinc, units) in [
        ("heartrate", &["8867-4"][..], &["/min"][..]),
        ("bodyweight", &["29463-7"], &["kg", "g", "[lb_av]"]),
        ("bodyheight", &["8302-2"], &["cm", "[in_i]"]),
        ("bmi", &["39156-5"], &["kg/m2"]),
        ("bodytemp", &["8310-5"], &["Cel", "[degF]"]),
        ("oxygensat", &["2708-6"], &["%"]),
        ("resprate", &["9279-1"], &["/min"]),
        ("headcircum", &["9843-4"], &["cm", "[in_i]"]),
    ] {
        let mut elements = vital_sign();
        elements.extend([
            concept("Observation.code", systems::LOINC, loinc),
            json!({"id": "Observation.value[x]", "type": [{"code": "Quantity"}], "patternQuantity": {"system": systems::UCUM},
                   "binding": {"strength": "required", "valueSet": units.join(" ")}}),
        ]);
        all.push(profile(&format!("{HL7}{name}"), elements));
    }
    all.push(profile(&format!("{HL7}bp"), blood_pressure()));
    for (name, category) in [
        ("Common", None),
        ("VitalSigns", Some("vital-signs")),
        ("BodyMeasurement", Some("body-measurement")),
        ("SocialHistory", Some("social-history")),
    ] {
        all.push(profile(&format!("{JP_CORE}{name}"), jp_core(category)));
    }
    all.push(profile(systems::CHECKUP_PROFILE, checkup()));
    all.push(profile(systems::CHECKUP_GROUP_PROFILE, checkup_group()));
    all.extend(super::checkup_report::checkup_report());
    all
}

/// The value sets of units that those profiles bind to: each under the list of its codes.
pub fn unit_sets(profiles: &[Value]) -> Vec<Value> {
    let rules = profiles
        .iter()
        .flat_map(|profile| profile["differential"]["element"].as_array().into_iter().flatten());
    let sets = rules.filter_map(|rule| rule["binding"]["valueSet"].as_str());
    sets.map(|units| {
        let concepts: Vec<Value> = units.split(' ').map(|code| json!({"code": code})).collect();
        json!({"resourceType": "ValueSet", "url": units,
               "compose": {"include": [{"system": systems::UCUM, "concept": concepts}]}})
    })
    .collect()
}

fn rule(key: &str, from: &str) -> Value {
    json!({"key": key, "human": from})
}

fn profile(url: &str, mut elements: Vec<Value>) -> Value {
    let mut whole = ["obs-6", "obs-7"].map(|key| rule(key, "R4 Observation")).to_vec();
    if url.starts_with(HL7) {
        whole.extend(["vs-1", "vs-2"].map(|key| rule(key, "R4 vital signs")));
    }
    elements.push(json!({"id": "Observation", "constraint": whole}));
    json!({"url": url, "type": "Observation", "differential": {"element": elements}})
}

fn concept(id: &str, system: &str, codes: &[&str]) -> Value {
    let codings: Vec<Value> = codes
        .iter()
        .map(|code| json!({"system": system, "code": code}))
        .collect();
    json!({"id": id, "patternCodeableConcept": {"coding": codings}})
}

/// The base of all vital signs: category, code, subject, time, and a value or the reason for none.
fn vital_sign() -> Vec<Value> {
    vec![
        json!({"id": "Observation.category", "min": 1, "slicing": {"discriminator": [{"type": "pattern", "path": "$this"}]}}),
        json!({"id": "Observation.category:VSCat", "min": 1, "max": "1",
               "patternCodeableConcept": {"coding": [{"system": systems::OBSERVATION_CATEGORY, "code": "vital-signs"}]}}),
        json!({"id": "Observation.subject", "min": 1, "max": "1"}),
        json!({"id": "Observation.effective[x]", "min": 1, "max": "1", "type": [{"code": "dateTime"}, {"code": "Period"}]}),
        json!({"id": "Observation.component", "constraint": [rule("vs-3", "R4 vital signs")]}),
    ]
}

fn blood_pressure() -> Vec<Value> {
    let mut elements = vital_sign();
    elements.retain(|rule| rule["id"] != "Observation.component");
    elements.push(concept("Observation.code", systems::LOINC, &["85354-9"]));
    elements.push(json!({"id": "Observation.value[x]", "max": "0"}));
    elements.push(json!({"id": "Observation.component", "min": 2,
                         "slicing": {"discriminator": [{"type": "pattern", "path": "code"}]},
                         "constraint": [rule("vs-3", "R4 vital signs")]}));
    for (slice, code) in [("SystolicBP", "8480-6"), ("DiastolicBP", "8462-4")] {
        elements.extend([
            json!({"id": format!("Observation.component:{slice}"), "min": 1, "max": "1"}),
            concept(&format!("Observation.component:{slice}.code"), systems::LOINC, &[code]),
            json!({"id": format!("Observation.component:{slice}.value[x]"), "type": [{"code": "Quantity"}],
                   "patternQuantity": {"system": systems::UCUM, "code": "mm[Hg]"}}),
        ]);
    }
    elements
}

/// JP Core: one category of Japan's simple list, fixed where the profile names it; subject and time.
fn jp_core(category: Option<&str>) -> Vec<Value> {
    let mut coding = json!({"system": systems::JP_OBSERVATION_CATEGORY});
    if let Some(category) = category {
        coding["code"] = category.into();
    }
    vec![
        json!({"id": "Observation.category", "min": 1, "slicing": {"discriminator": [{"type": "pattern", "path": "$this"}]}}),
        json!({"id": "Observation.category:first", "min": 1, "max": "1", "patternCodeableConcept": {"coding": [coding]}}),
        json!({"id": "Observation.subject", "min": 1, "max": "1"}),
        json!({"id": "Observation.effective[x]", "max": "1", "type": [{"code": "dateTime"}, {"code": "Period"}]}),
    ]
}

/// What is one examination of a health checkup report: no value, a group of the guide, and how each result belongs to it.
fn checkup_group() -> Vec<Value> {
    vec![
        json!({"id": "Observation.status", "fixedCode": "final"}),
        json!({"id": "Observation.category", "max": "1", "patternCodeableConcept": {"coding": [{"system": systems::JP_OBSERVATION_CATEGORY}]}}),
        json!({"id": "Observation.code", "patternCodeableConcept": {"coding": [{"system": systems::CHECKUP_GROUP}]}}),
        json!({"id": "Observation.subject", "min": 1, "max": "1"}),
        json!({"id": "Observation.effective[x]", "min": 1, "max": "1", "type": [{"code": "dateTime"}]}),
        json!({"id": "Observation.value[x]", "max": "0"}),
        json!({"id": "Observation.hasMember", "min": 1}),
        json!({"id": "Observation.hasMember.extension", "min": 1, "max": "1"}),
    ]
}

/// A result of a health checkup report: one category, the official item, the day, and a word where nothing was measured.
fn checkup() -> Vec<Value> {
    vec![
        json!({"id": "Observation.category", "max": "1", "patternCodeableConcept": {"coding": [{"system": systems::JP_OBSERVATION_CATEGORY}]}}),
        json!({"id": "Observation.code", "patternCodeableConcept": {"coding": [{"system": systems::CHECKUP_ITEM}]}}),
        json!({"id": "Observation.subject", "min": 1, "max": "1"}),
        json!({"id": "Observation.effective[x]", "min": 1, "max": "1", "type": [{"code": "dateTime"}]}),
        json!({"id": "Observation.value[x]", "type": [{"code": "Quantity"}, {"code": "CodeableConcept"}, {"code": "string"}, {"code": "dateTime"}]}),
        json!({"id": "Observation.performer", "max": "1"}),
        json!({"id": "Observation.hasMember", "max": "0"}),
        json!({"id": "Observation.dataAbsentReason.text", "min": 1}),
    ]
}
