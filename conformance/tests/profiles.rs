//! Profiles, ours and others': every sample that claims one keeps to it; and `docs/profiles.md`, a row a metric with an example as rendered.
//! Whoever changes a rendering writes the page anew with `INSTA_UPDATE=always cargo test -p conformance --test profiles`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use conformance::samples;
use conformance::validator::{Terminology, elsewhere, unit_sets, validate};
use fhir_profiles::definitions;
use model::Metric;
use serde_json::{Value, json};

/// Our profiles and those of others that we claim, by address, and the value sets they bind to.
struct Published {
    profiles: BTreeMap<String, Value>,
    terminology: Terminology,
}

impl Published {
    fn load() -> Self {
        let ours = definitions()
            .iter()
            .map(|one| serde_json::from_slice(&one.json).expect("JSON"));
        let mut all: Vec<Value> = ours.collect();
        let others = elsewhere();
        all.extend(unit_sets(&others));
        let terminology = Terminology::of(&all);
        let profiles = all
            .into_iter()
            .filter(|one| one["resourceType"] == "StructureDefinition" && one["type"] != "Extension")
            .chain(others);
        Self {
            profiles: profiles
                .map(|one| (one["url"].as_str().expect("an address").to_owned(), one))
                .collect(),
            terminology,
        }
    }

    /// What a resource breaks of a profile.
    fn broken(&self, resource: &Value, url: &str) -> Vec<String> {
        let profile = self
            .profiles
            .get(url)
            .unwrap_or_else(|| panic!("{url} is claimed and not known"));
        let findings = validate(resource, profile, &self.terminology);
        findings.iter().map(ToString::to_string).collect()
    }
}

fn claims(resource: &Value) -> Vec<&str> {
    let claims = resource["meta"]["profile"].as_array().into_iter().flatten();
    claims.map(|url| url.as_str().expect("an address")).collect()
}

/// All samples, and what stands in those that are documents.
fn resources() -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for sample in samples::all() {
        let resource: Value = serde_json::from_slice(&sample.json).expect("JSON");
        let inside = resource["entry"].as_array().filter(|_| resource["type"] == "document");
        for entry in inside.into_iter().flatten() {
            let part = entry["resource"].clone();
            all.push((format!("{}, its {}", sample.name, part["resourceType"]), part));
        }
        all.push((sample.name, resource));
    }
    all
}

#[test]
fn whoever_claims_a_profile_keeps_to_it() {
    let published = Published::load();
    let mut claimed: BTreeMap<String, usize> = BTreeMap::new();
    let mut broken = Vec::new();
    for (name, resource) in resources() {
        for url in claims(&resource) {
            *claimed.entry(url.to_owned()).or_default() += 1;
            let found = published.broken(&resource, url);
            broken.extend(found.iter().map(|finding| format!("{name} as {url}: {finding}")));
        }
    }
    assert!(
        broken.is_empty(),
        "{} breaks, first:\n{}",
        broken.len(),
        broken[..broken.len().min(40)].join("\n")
    );
    let never: Vec<&String> = published
        .profiles
        .keys()
        .filter(|url| url.starts_with("https://sekisho.example/") && !claimed.contains_key(*url))
        .collect();
    assert!(never.is_empty(), "published and never claimed: {never:?}");
}

/// Each profile refuses what it is there to refuse: samples that keep to it, spoilt in one place.
#[test]
fn a_sample_that_is_spoilt_breaks_the_profile_that_it_claims() {
    let published = Published::load();
    let resources = resources();
    let ours = |id: &str| format!("https://sekisho.example/fhir/StructureDefinition/{id}");
    let mut tried = 0;
    for (id, sample, pointer, to, said) in [
        (
            "daily-total",
            "step_count final total of a day",
            "/valueQuantity",
            json!(null),
            "Observation.value[x]: comes 0 times",
        ),
        (
            "daily-total",
            "step_count final total of a day",
            "/component",
            json!(null),
            "Observation.component: comes 0 times",
        ),
        (
            "daily-total",
            "step_count final total of a day",
            "/effectiveDateTime",
            json!("2026-05-10T00:00:00+09:00"),
            "Observation: sek-day: The time is a civil day, without a clock",
        ),
        (
            "daily-total",
            "step_count final total of a day",
            "/component/0/code/coding/0/code",
            json!("whole"),
            "Observation.component:total: comes 0 times",
        ),
        (
            "interval-activity",
            "step_count plain",
            "/effectivePeriod/end",
            json!("2026-05-10T00:00:00+09:00"),
            "Observation: sek-interval: An interval has a start and an end, and does not end before it starts",
        ),
        (
            "interval-activity",
            "step_count plain",
            "/code/coding/0/code",
            json!("stride_count"),
            "Observation.code.coding:metric: is not of https://sekisho.example/fhir/ValueSet/metric",
        ),
        (
            "sleep-session",
            "sleep_session plain",
            "/component/0/valueQuantity",
            json!(null),
            "Observation.component: sek-part: A component has a value, or a reason why there is none",
        ),
        (
            "sleep-stage",
            "sleep_stage plain",
            "/valueCodeableConcept/coding/0/code",
            json!("doze"),
            "Observation.value[x]: is not of https://sekisho.example/fhir/ValueSet/sleep-stage",
        ),
        (
            "vital-sign-heart-rate",
            "heart_rate plain",
            "/valueQuantity/code",
            json!("{beats}/min"),
            "Observation.value[x]: does not fit {\"system\":\"http://unitsofmeasure.org\",\"code\":\"/min\"}",
        ),
        (
            "vital-sign-heart-rate",
            "heart_rate plain",
            "/category/2/coding/0/code",
            json!("hearts"),
            "Observation.category:consent: is not of https://sekisho.example/fhir/ValueSet/consent-category",
        ),
        (
            "vital-sign-blood-pressure",
            "blood_pressure plain",
            "/component/1",
            json!(null),
            "Observation.component:diastolic: comes 0 times",
        ),
        (
            "body",
            "body_fat_percentage plain",
            "/valueQuantity",
            json!(null),
            "Observation: sek-said: There is a value, or a reason why there is none, or components",
        ),
        (
            "glucose",
            "blood_glucose plain",
            "/issued",
            json!(null),
            "Observation.issued: comes 0 times",
        ),
        (
            "checkup-item",
            "hematocrit plain",
            "/subject",
            json!(null),
            "Observation.subject: comes 0 times",
        ),
        (
            "manual-entry",
            "body_weight typed by hand",
            "/performer/0/reference",
            json!("Patient/another"),
            "Observation: sek-hand: Whoever typed it is the person it is about",
        ),
        (
            "consent",
            "consent 0",
            "/policy",
            json!(null),
            "Consent.policy: comes 0 times",
        ),
    ] {
        let Some((_, whole)) = resources
            .iter()
            .find(|(name, resource)| name == sample && claims(resource).contains(&ours(id).as_str()))
        else {
            panic!("{sample} does not claim {id}");
        };
        assert_eq!(published.broken(whole, &ours(id)), Vec::<String>::new(), "{sample}");
        let mut spoilt = whole.clone();
        let (parent, last) = pointer.rsplit_once('/').expect("a pointer");
        match (spoilt.pointer_mut(parent).expect(pointer), to) {
            (Value::Object(members), Value::Null) => drop(members.remove(last).expect(pointer)),
            (Value::Object(members), to) => drop(members.insert(last.to_owned(), to).expect(pointer)),
            (Value::Array(members), _) => drop(members.remove(last.parse().expect("a place"))),
            _ => panic!("{pointer} names nothing"),
        }
        assert!(
            published.broken(&spoilt, &ours(id)).contains(&said.to_owned()),
            "{id} {pointer}: {:?}",
            published.broken(&spoilt, &ours(id))
        );
        tried += 1;
    }
    assert_eq!(tried, 16);
}

fn page() -> String {
    let mut page = String::from(
        "# Profiles\n\n\
         Made by [profiles.rs](../conformance/tests/profiles.rs) of the vocabulary and of what the code renders.\n\n\
         ## What is published\n\n\
         Under `/fhir/r4`, to read and to find by `url`, without a token.\n\n| type | address | title |\n|---|---|---|\n",
    );
    for one in definitions() {
        let json: Value = serde_json::from_slice(&one.json).expect("JSON");
        let title = json["title"].as_str().expect("a title");
        writeln!(page, "| {} | `{}` | {title} |", one.kind, one.url).expect("a text");
    }
    page.push_str(
        "\n## Metrics\n\nThe profiles that a plain sample claims, HL7's, Japan's and ours, and the sample.\n\n\
         | metric | name | LOINC | unit | profiles | example |\n|---|---|---|---|---|---|\n",
    );
    let samples = samples::all();
    for metric in Metric::all() {
        let row = metric.row();
        let name = format!("{} plain", row.key);
        let example = samples.iter().find(|sample| sample.name == name).expect("a sample");
        let resource: Value = serde_json::from_slice(&example.json).expect("JSON");
        let profiles: Vec<&str> = claims(&resource)
            .into_iter()
            .map(|url| url.rsplit('/').next().unwrap_or_default())
            .collect();
        let example = String::from_utf8_lossy(&example.json).replace('|', "\\|");
        writeln!(
            page,
            "| {} | {} {} | {} | {} | {} | `{example}` |",
            row.key,
            row.name_en,
            row.name_ja,
            row.loinc.join(" "),
            row.unit,
            profiles.join(" "),
        )
        .expect("a text");
    }
    page
}

#[test]
fn the_page_is_what_the_code_renders() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository");
    let file = root.join("docs/profiles.md");
    if std::env::var_os("INSTA_UPDATE").is_some_and(|value| value == "always") {
        std::fs::write(&file, page()).expect("the page");
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == page(),
        "write it anew: INSTA_UPDATE=always cargo test -p conformance --test profiles"
    );
}
