//! What the checkup report guide (eCheckup 1.5) demands of the parts of its document, in our words and in the form of a
//! StructureDefinition: the same rules that its own profiles have, as far as a document of ours can meet or break them.

use model::vocabulary::systems;
use serde_json::{Value, json};

const PROFILES: &str = "http://jpfhir.jp/fhir/eCheckup/StructureDefinition/JP_";
const BUNDLE: &str = "http://jpfhir.jp/fhir/clins/StructureDefinition/JP_Bundle_eCheckupGeneral";
const INSURED: &str = "http://jpfhir.jp/fhir/clins/StructureDefinition/JP_Patient_eCheckupGeneral";
const INSURANCE: &str = "http://jpfhir.jp/fhir/core/StructureDefinition/JP_Coverage";
const MEMBER: &str = "http://jpfhir.jp/fhir/clins/Idsystem/JP_Insurance_memberID";
const PUBLIC_PAYER: &str = "http://jpfhir.jp/fhir/clins/Idsystem/JP_PublicPayer_memberID";
const REPRESENTATION: &str = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation";
const CODES: &str = "http://jpfhir.jp/fhir/eCheckup/CodeSystem/";

/// Those profiles, each with its address.
pub(super) fn checkup_report() -> Vec<Value> {
    vec![
        profile(BUNDLE, "Bundle", bundle()),
        part("Composition", "Composition", composition()),
        part("Patient", "Patient", patient(&["R1112", "R1113"])),
        profile(INSURED, "Patient", patient(&["R1012", "R1013", "R1112", "R1113"])),
        part("Practitioner", "Practitioner", Vec::new()),
        part("Encounter", "Encounter", encounter()),
        part("Organization", "Organization", organisation()),
        profile(INSURANCE, "Coverage", coverage()),
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
        constrained("Bundle", &["R2152", "entries-claim"]),
    ]
}

/// An element that keeps to these of the guide's invariants.
fn constrained(id: &str, keys: &[&str]) -> Value {
    let constraints: Vec<Value> = keys
        .iter()
        .map(|key| json!({"key": key, "human": "eCheckup 1.5"}))
        .collect();
    json!({"id": id, "constraint": constraints})
}

/// Who was examined, with an identifier as JP Core asks for one; `keys` are what the profile holds of names and numbers.
fn patient(keys: &[&str]) -> Vec<Value> {
    let mut elements: Vec<Value> = [
        "identifier",
        "identifier.value",
        "name",
        "name.text",
        "gender",
        "birthDate",
    ]
    .iter()
    .map(|name| json!({"id": format!("Patient.{name}"), "min": 1}))
    .collect();
    elements.extend([
        json!({"id": "Patient.address", "min": 1, "max": "1"}),
        json!({"id": "Patient.address.text", "min": 1}),
        constrained("Patient", keys),
    ]);
    elements
}

/// JP Core's, which asks for no more than R4 does.
fn coverage() -> Vec<Value> {
    ["status", "beneficiary", "payor"]
        .iter()
        .map(|name| json!({"id": format!("Coverage.{name}"), "min": 1}))
        .collect()
}

/// Whether an element keeps to an invariant of the guide; `None` for one that is none of it.
pub(super) fn holds(key: &str, element: &Value) -> Option<bool> {
    let all = |name: &str| element[name].as_array().map(Vec::as_slice).unwrap_or_default();
    let numbers = |system: &str| {
        let own = all("identifier")
            .iter()
            .filter(|identifier| identifier["system"] == system);
        own.filter_map(|identifier| identifier["value"].as_str())
            .collect::<Vec<_>>()
    };
    let represented = |name: &Value| -> Option<String> {
        let mut extensions = name["extension"].as_array().into_iter().flatten();
        let own = extensions.find(|extension| extension["url"] == REPRESENTATION)?;
        own["valueCode"].as_str().map(str::to_owned)
    };
    Some(match key {
        // One number with an insurer, or with who pays for those on welfare, and not both.
        "R1012" => numbers(MEMBER).len() + numbers(PUBLIC_PAYER).len() == 1,
        "R1013" => numbers(MEMBER).into_iter().all(is_member),
        // The name is there in kanji or in kana.
        "R1112" => all("name")
            .iter()
            .filter_map(represented)
            .any(|code| matches!(code.as_str(), "IDE" | "SYL")),
        "R1113" => {
            let names = all("name").iter().filter(|name| represented(name).is_some());
            let mut texts = names.filter_map(|name| name["text"].as_str());
            texts.all(|text| !text.contains('\u{3000}'))
        }
        "R2152" => element["identifier"]["value"].as_str().is_some_and(is_bundle_id),
        // Each part says what it keeps to; among them are those that the guide asks for.
        "entries-claim" => {
            let parts = || all("entry").iter().map(|entry| &entry["resource"]);
            let claims = |part: &Value, profile: &str| {
                let mut claimed = part["meta"]["profile"].as_array().into_iter().flatten();
                claimed.any(|claim| claim == profile)
            };
            let guide = |name: &str| format!("{PROFILES}{name}_eCheckupGeneral");
            let asked = ["Organization", "Practitioner", "Encounter"].map(guide);
            parts().all(|part| part["meta"]["lastUpdated"].is_string() && part["meta"]["profile"][0].is_string())
                && parts().next().is_some_and(|first| claims(first, &guide("Composition")))
                && parts().any(|part| claims(part, INSURED))
                && asked.iter().all(|profile| parts().any(|part| claims(part, profile)))
        }
        _ => return None,
    })
}

/// `insurer:symbol:number:branch`: eight digits, two words without spaces, two digits or nothing.
fn is_member(value: &str) -> bool {
    let parts: Vec<&str> = value.split(':').collect();
    let [insurer, symbol, number, branch] = parts[..] else {
        return false;
    };
    let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_word = |text: &str| !text.chars().any(|c| c.is_whitespace() || c == '^');
    digits(insurer, 8) && is_word(symbol) && is_word(number) && (branch.is_empty() || digits(branch, 2))
}

/// `facility^year^own`: ten digits, the third from 1 to 3; a year from 2020 to 2039; at most 36 letters, digits and hyphens.
fn is_bundle_id(value: &str) -> bool {
    let parts: Vec<&[u8]> = value.split('^').map(str::as_bytes).collect();
    let [facility, year, own] = parts[..] else {
        return false;
    };
    let is_digit = |byte: &u8| byte.is_ascii_digit();
    facility.len() == 10
        && facility.iter().all(is_digit)
        && facility[0] <= b'4'
        && (b'1'..=b'3').contains(&facility[2])
        && year.len() == 4
        && year.iter().all(is_digit)
        && [&b"202"[..], b"203"].contains(&&year[..3])
        && (1..=36).contains(&own.len())
        && own.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
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
        json!({"id": "Organization.name", "min": 1}),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_invariant_of_the_guide_tells_what_keeps_to_it_from_what_does_not() {
        let member = |value: &str| json!({"identifier": [{"system": MEMBER, "value": value}]});
        let both = json!({"identifier": [{"system": MEMBER, "value": "1"}, {"system": PUBLIC_PAYER, "value": "2"}]});
        let name = |code: &str, text: &str| json!({"name": [{"text": text, "extension": [{"url": REPRESENTATION, "valueCode": code}]}]});
        let bundle = |value: &str| json!({"identifier": {"value": value}});
        let own = "a".repeat(37);
        for (key, element, expected) in [
            ("R1012", member("x"), true),
            ("R1012", json!({}), false),
            ("R1012", both, false),
            ("R1013", member("00012345:あいう:１８７:05"), true),
            ("R1013", member("00012345:::"), true),
            ("R1013", member("00012345:あ い:１８７:05"), false),
            ("R1013", member("00012345:あ\u{3000}い:１８７:05"), false),
            ("R1013", member("00012345:あい:１８７:０５"), false),
            ("R1013", member("00012345:あい:１８７:5"), false),
            ("R1013", member("139999:あい:１８７:05"), false),
            ("R1013", member("00012345:あい:１８:７:05"), false),
            ("R1112", name("SYL", "ミホン"), true),
            ("R1112", name("IDE", "見本"), true),
            ("R1112", name("ABC", "MIHON"), false),
            ("R1113", name("IDE", "見本 花子"), true),
            ("R1113", name("IDE", "見本\u{3000}花子"), false),
            ("R2152", bundle("1310000001^2025^2025-06-10-3"), true),
            ("R2152", bundle("1310000001^2014^1"), false),
            ("R2152", bundle("1340000001^2025^1"), false),
            ("R2152", bundle("^2025^1"), false),
            ("R2152", bundle(&format!("1310000001^2025^{own}")), false),
        ] {
            assert_eq!(holds(key, &element), Some(expected), "{key} {element}");
        }
        assert_eq!(holds("R0000", &json!({})), None);
    }

    #[test]
    fn a_bundle_whose_parts_do_not_all_say_what_they_keep_to_breaks_its_profile() {
        let part = |profile: &str| json!({"resource": {"meta": {"lastUpdated": "2026-05-10T00:00:00Z", "profile": [profile]}}});
        let guide = |name: &str| part(&format!("{PROFILES}{name}_eCheckupGeneral"));
        let parts = ["Composition", "Organization", "Practitioner", "Encounter"].map(guide);
        let whole: Vec<Value> = parts.into_iter().chain([part(INSURED), part(INSURANCE)]).collect();
        assert_eq!(holds("entries-claim", &json!({"entry": whole})), Some(true));
        for place in 0..whole.len() {
            let mut silent = whole.clone();
            silent[place]["resource"]["meta"]["profile"] = json!([]);
            assert_eq!(
                holds("entries-claim", &json!({"entry": silent})),
                Some(false),
                "{place}"
            );
        }
    }
}
