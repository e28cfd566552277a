//! What the checkup report guide (eCheckup 1.5) demands of the parts of its document, in our words and in the form of a
//! StructureDefinition: the same rules that its own profiles have, as far as a document of ours can meet or break them.

use model::vocabulary::systems;
use serde_json::{Value, json};

const PROFILES: &str = "http://jpfhir.jp/fhir/eCheckup/StructureDefinition/JP_";
const BUNDLE: &str = "http://jpfhir.jp/fhir/clins/StructureDefinition/JP_Bundle_eCheckupGeneral";
const CODES: &str = "http://jpfhir.jp/fhir/eCheckup/CodeSystem/";

/// Those profiles, each with its address.
pub(super) fn checkup_report() -> Vec<Value> {
    vec![
        profile(BUNDLE, "Bundle", bundle()),
        part("Composition", "Composition", composition()),
        part("Patient", "Patient", vec![json!({"id": "Patient.name", "min": 1})]),
        part("Encounter", "Encounter", encounter()),
        part("Organization", "Organization", organisation()),
    ]
}

fn part(name: &str, kind: &str, elements: Vec<Value>) -> Value {
    profile(&format!("{PROFILES}{name}_eCheckupGeneral"), kind, elements)
}

fn profile(url: &str, kind: &str, mut elements: Vec<Value>) -> Value {
    elements.extend([
        json!({"id": format!("{kind}.meta"), "min": 1}),
        json!({"id": format!("{kind}.meta.lastUpdated"), "min": 1}),
        json!({"id": format!("{kind}.meta.profile"), "min": 1}),
    ]);
    json!({"url": url, "type": kind, "differential": {"element": elements}})
}

/// A concept with this system, and this code where there is one.
fn concept(id: &str, system: &str, code: Option<&str>) -> Value {
    let mut coding = json!({"system": system});
    if let Some(code) = code {
        coding["code"] = code.into();
    }
    json!({"id": id, "min": 1, "patternCodeableConcept": {"coding": [coding]}})
}

fn bundle() -> Vec<Value> {
    vec![
        json!({"id": "Bundle.identifier", "min": 1,
               "patternIdentifier": {"system": "http://jpfhir.jp/fhir/clins/bundle-identifier"}}),
        json!({"id": "Bundle.type", "fixedCode": "document"}),
        json!({"id": "Bundle.timestamp", "min": 1}),
        // Composition, Patient, two Organizations, Practitioner, Encounter.
        json!({"id": "Bundle.entry", "min": 6}),
    ]
}

fn composition() -> Vec<Value> {
    vec![
        json!({"id": "Composition.extension", "min": 1, "max": "1"}),
        json!({"id": "Composition.identifier", "min": 1,
               "patternIdentifier": {"system": "http://jpfhir.jp/fhir/core/IdSystem/resourceInstance-identifier"}}),
        json!({"id": "Composition.status", "fixedCode": "final"}),
        concept(
            "Composition.type",
            systems::DOCUMENT_TYPE,
            Some(systems::CHECKUP_DOCUMENT),
        ),
        concept("Composition.category", systems::CHECKUP_REPORT, None),
        json!({"id": "Composition.subject", "min": 1}),
        json!({"id": "Composition.encounter", "min": 1}),
        json!({"id": "Composition.event", "min": 1, "max": "1"}),
        concept("Composition.event.code", systems::CHECKUP_PROGRAMME, None),
        json!({"id": "Composition.event.period", "min": 1}),
        json!({"id": "Composition.section", "min": 1}),
        concept("Composition.section.code", &format!("{CODES}section-code"), None),
    ]
}

fn encounter() -> Vec<Value> {
    vec![
        json!({"id": "Encounter.status", "fixedCode": "finished"}),
        json!({"id": "Encounter.class", "patternCoding": {"system": format!("{CODES}encounter-category"), "code": "checkup"}}),
        json!({"id": "Encounter.period", "min": 1}),
        json!({"id": "Encounter.period.start", "min": 1}),
        json!({"id": "Encounter.period.end", "min": 1}),
    ]
}

fn organisation() -> Vec<Value> {
    vec![
        json!({"id": "Organization.identifier", "min": 1, "max": "1",
               "patternIdentifier": {"system": "http://jpfhir.jp/fhir/core/IdSystem/insurance-medical-institution-no"}}),
        json!({"id": "Organization.identifier.value", "min": 1}),
        concept("Organization.type", systems::CHECKUP_ORGANISATION, None),
    ]
}
