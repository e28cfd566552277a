//! Every kind of resource, of every metric, before the strict judge.

use std::collections::BTreeMap;

use conformance::judge::judge;
use conformance::samples;
use model::Metric;

#[test]
fn every_kind_of_resource_of_every_metric_is_fhir_r4() {
    let mut by_type: BTreeMap<String, usize> = BTreeMap::new();
    let mut refusals = Vec::new();
    for resource in samples::all() {
        match judge(&resource.json) {
            Ok(resource_type) => *by_type.entry(resource_type).or_default() += 1,
            Err(refusal) => refusals.push(format!("{}: {refusal}", resource.name)),
        }
    }
    assert!(
        refusals.is_empty(),
        "{} refused, first:\n{}",
        refusals.len(),
        refusals[0]
    );
    let types: Vec<&str> = by_type.keys().map(String::as_str).collect();
    assert_eq!(
        types,
        [
            "AuditEvent",
            "Binary",
            "Bundle",
            "CapabilityStatement",
            "CodeSystem",
            "Consent",
            "Device",
            "DiagnosticReport",
            "DocumentReference",
            "Observation",
            "OperationOutcome",
            "Patient",
            "Provenance",
            "QuestionnaireResponse",
            "StructureDefinition",
            "ValueSet"
        ]
    );
}

#[test]
fn every_metric_is_shown_alive_in_error_and_as_a_day() {
    let samples = samples::all();
    for metric in Metric::all() {
        for kind in [
            "plain",
            "entered in error",
            "typed by hand",
            "computed day",
            "final total of a day",
        ] {
            let name = format!("{} {kind}", metric.key());
            assert!(samples.iter().any(|sample| sample.name == name), "there is no {name}");
        }
    }
}

#[test]
fn a_sample_spoilt_anywhere_is_refused() {
    let samples = samples::all();
    let whole = &samples[0].json;
    for end in [0, 1, whole.len() / 2, whole.len() - 1] {
        assert!(judge(&whole[..end]).is_err(), "a cut at {end} must be refused");
    }
    let text = String::from_utf8_lossy(whole);
    for (from, to) in [
        ("\"status\"", "\"state\""),
        ("\"subject\":{", "\"subject\":{\"x\":1,"),
        ("\"meta\":{", "\"meta\":[{"),
    ] {
        let spoilt = text.replacen(from, to, 1);
        assert_ne!(spoilt, text);
        assert!(judge(spoilt.as_bytes()).is_err(), "{to} must be refused");
    }
}

#[test]
fn whatever_of_ours_a_resource_names_is_published() {
    const OURS: &str = "https://sekisho.example/fhir/";
    let published: Vec<&str> = fhir_profiles::definitions()
        .iter()
        .map(|one| one.url.as_str())
        .collect();
    let mut missing = std::collections::BTreeSet::new();
    for sample in samples::all() {
        let text = String::from_utf8_lossy(&sample.json).into_owned();
        for (at, _) in text.match_indices(OURS) {
            let rest = &text[at..];
            let end = rest.find(['"', '|', '?']).unwrap_or(rest.len());
            let named = &rest[..end];
            // What follows without a type's name is a naming system of identifiers.
            let is_definition = named[OURS.len()..].starts_with(|first: char| first.is_ascii_uppercase());
            if is_definition && !published.contains(&named) {
                missing.insert(named.to_owned());
            }
        }
    }
    assert!(missing.is_empty(), "named and not published: {missing:?}");
}
