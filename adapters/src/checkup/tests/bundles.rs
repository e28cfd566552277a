//! Whose a FHIR document is, by what it says of its patient and of how they are insured.

use serde_json::{Value, json};

use super::*;

const REPORT: &str = include_str!("../fixtures/report.json");

/// The report with its patient changed, and with further resources.
fn report(change: impl Fn(&mut Value), further: &[Value]) -> Vec<u8> {
    let mut bundle: Value = serde_json::from_str(REPORT).unwrap();
    let entries = bundle["entry"].as_array_mut().unwrap();
    for entry in entries
        .iter_mut()
        .filter(|entry| entry["resource"]["resourceType"] == "Patient")
    {
        change(&mut entry["resource"]);
    }
    entries.extend(further.iter().cloned());
    serde_json::to_vec(&bundle).unwrap()
}

fn insurer(url: &str, system: &str, number: &str) -> Value {
    json!({ "fullUrl": url, "resource": {
        "resourceType": "Organization", "id": "insurer", "name": "みほん国保",
        "identifier": [{ "system": system, "value": number }],
    }})
}

fn coverage(told: Value) -> Value {
    let mut resource = json!({ "resourceType": "Coverage", "status": "active" });
    resource
        .as_object_mut()
        .unwrap()
        .extend(told.as_object().unwrap().clone());
    json!({ "fullUrl": "urn:uuid:coverage", "resource": resource })
}

fn without_id(patient: &mut Value) {
    patient.as_object_mut().unwrap().remove("identifier");
}

#[test]
fn the_insurance_is_what_the_patient_or_the_coverage_says() {
    let url = "http://jpfhir.jp/fhir/core/mhlw/IdSystem/InsurerNumber";
    let extension = |ends: &str, value: &str| {
        json!({
            "url": format!("http://jpfhir.jp/fhir/core/Extension/StructureDefinition/JP_Coverage_{ends}"),
            "valueString": value,
        })
    };
    let in_extensions = json!({
        "type": { "coding": [{ "system": "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/InsuranceMajorCategory", "code": "8" }] },
        "extension": [
            extension("InsuredPersonSymbol", "見本"),
            extension("InsuredPersonNumber", "１２３"),
            extension("InsuredPersonSubNumber", "01"),
        ],
        "payor": [{ "reference": "urn:uuid:insurer" }],
    });
    let in_quotes = json!({
        "subscriberId": "\"見本\",\"１２３\"", "dependent": "01", "payor": [{ "reference": "Organization/insurer" }],
    });
    let as_member = json!({ "identifier": [{
        "system": "http://jpfhir.jp/fhir/clins/Idsystem/JP_Insurance_memberID", "value": "139999:見本:１２３:01",
    }]});
    let ticket = coverage(json!({
        "type": { "coding": [{ "system": "urn:oid:1.2.392.200119.6.208", "code": "1" }] },
        "subscriberId": "25120000123", "payor": [{ "reference": "urn:uuid:insurer" }],
    }));
    let expected = checkups(REPORT.as_bytes()).0.remove(0).subject;
    assert_eq!(
        [&expected.insurer, &expected.symbol, &expected.number, &expected.branch],
        ["00139999", "見本", "１２３", "01"]
    );
    for (told, system) in [
        (in_extensions, url),
        (in_quotes.clone(), url),
        (in_quotes, "urn:oid:1.2.392.100495.20.3.61"),
        (as_member, url),
    ] {
        let further = [
            coverage(told.clone()),
            insurer("urn:uuid:insurer", system, "139999"),
            ticket.clone(),
        ];
        let mut read = checkups(&report(without_id, &further)).0;
        let checkup = read.remove(0);
        assert_eq!(checkup.subject.ticket, "25120000123");
        let subject = model::checkup::Subject {
            ticket: String::new(),
            ..checkup.subject
        };
        assert_eq!(subject, expected, "{told}");
        assert_eq!(checkup.facility.number, "1310000001", "who insures examined nobody");
    }
    // A ticket is no insurance, and nobody is known by it alone here.
    let further = [ticket, insurer("urn:uuid:insurer", url, "139999")];
    let checkup = checkups(&report(without_id, &further)).0.remove(0);
    assert_eq!(
        (checkup.subject.number.as_str(), checkup.subject.insurer.as_str()),
        ("", "")
    );
}

#[test]
fn a_name_may_stand_in_parts() {
    let parts = |patient: &mut Value| patient["name"] = json!([{ "family": "ミホン", "given": ["ハナコ"] }]);
    assert_eq!(checkups(&report(parts, &[])).0[0].subject.name, "ミホンハナコ");
}

/// Whose a result is that one of two people's documents has, nobody can say.
#[test]
fn a_fhir_document_that_names_two_people_is_nobody_s() {
    let patient = |change: &dyn Fn(&mut Value)| {
        let bundle: Value = serde_json::from_str(REPORT).unwrap();
        let entries = bundle["entry"].as_array().unwrap();
        let of_patient = entries
            .iter()
            .find(|entry| entry["resource"]["resourceType"] == "Patient");
        let mut further = of_patient.unwrap().clone();
        change(&mut further["resource"]);
        further
    };
    let same = patient(&|_| {});
    assert_eq!(
        checkups(&report(|_| {}, &[same])).0.len(),
        1,
        "who is named twice is one person"
    );
    let others: [&dyn Fn(&mut Value); 4] = [
        &|patient| patient["birthDate"] = json!("1960-03-01"),
        &|patient| patient["gender"] = json!("male"),
        &|patient| patient["name"] = json!([{ "text": "ミホン タロウ" }]),
        &|patient| patient["identifier"][0]["value"] = json!("00139999:見本:１２４:01"),
    ];
    for other in others {
        let (read, reading) = checkups(&report(|_| {}, &[patient(other)]));
        let accounting = reading.unwrap().accounting;
        assert!(read.is_empty() && accounting.adds_up());
        assert!(accounting.reasons.keys().any(|(_, reason)| reason == "several-people"));
    }
}

#[test]
fn a_fhir_document_whose_results_are_of_two_people_is_nobody_s() {
    let patient = "urn:uuid:0b8a6f2e-0000-4000-8000-000000000002";
    // Every result refers to the first, the last of them to the second.
    let referring = |patient_id: &str, to: &str, last: &str| {
        let mut bundle: Value = serde_json::from_str(REPORT).unwrap();
        let entries = bundle["entry"].as_array_mut().unwrap();
        for entry in entries.iter_mut() {
            let resource = &mut entry["resource"];
            match resource["resourceType"].as_str() {
                Some("Patient") => resource["id"] = json!(patient_id),
                Some("Observation" | "Composition") => resource["subject"] = json!({ "reference": to }),
                _ => {}
            }
        }
        let mut observations = entries
            .iter_mut()
            .filter(|entry| entry["resource"]["resourceType"] == "Observation");
        observations.next_back().unwrap()["resource"]["subject"] = json!({ "reference": last });
        checkups(&serde_json::to_vec(&bundle).unwrap())
    };
    for (to, last) in [
        (patient, patient),
        ("Patient/p1", "https://fhir.example.org/Patient/p1"),
        (patient, "Patient/p1"),
        // Nobody in it, and one all the same.
        ("Patient/x", "Patient/x"),
    ] {
        assert_eq!(referring("p1", to, last).0.len(), 1, "{to} {last}");
    }
    for (to, last) in [
        (patient, "Patient/p2"),
        ("Patient/p1", "urn:uuid:another"),
        ("Patient/x", "Patient/y"),
    ] {
        let (read, reading) = referring("p1", to, last);
        let reasons = reading.unwrap().accounting.reasons;
        assert!(read.is_empty(), "{to} {last}");
        assert!(
            reasons.keys().any(|(_, reason)| reason == "several-people"),
            "{reasons:?}"
        );
    }
}

#[test]
fn a_fhir_document_without_results_says_why_it_came_to_nothing() {
    let mut bundle: Value = serde_json::from_str(REPORT).unwrap();
    let entries = bundle["entry"].as_array_mut().unwrap();
    entries.retain(|entry| {
        !matches!(
            entry["resource"]["resourceType"].as_str(),
            Some("Observation" | "Composition")
        )
    });
    let (read, reading) = checkups(&serde_json::to_vec(&bundle).unwrap());
    let reasons = reading.unwrap().accounting.reasons;
    assert!(read.is_empty() && reasons.keys().any(|(_, reason)| reason == "no-composition"));
}
