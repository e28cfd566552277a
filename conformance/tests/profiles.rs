//! Our own profiles: every sample that claims one keeps to it; and `docs/profiles.md`, a row a metric with an example as rendered.
//! Whoever changes a rendering writes the page anew with `INSTA_UPDATE=always cargo test -p conformance --test profiles`.

use std::fmt::Write as _;
use std::path::Path;

use conformance::samples;
use fhir_profiles::definitions;
use model::Metric;
use serde_json::Value;

/// The elements at a path, `[x]` standing for whatever type; a list counts by its members.
fn elements<'a>(at: &'a Value, path: &str) -> Vec<&'a Value> {
    let (name, rest) = path
        .split_once('.')
        .map_or((path, None), |(name, rest)| (name, Some(rest)));
    let members = at.as_object().into_iter().flatten();
    let found = members.filter(|(key, _)| match name.strip_suffix("[x]") {
        Some(stem) => key
            .strip_prefix(stem)
            .is_some_and(|kind| kind.starts_with(|first: char| first.is_ascii_uppercase())),
        None => key.as_str() == name,
    });
    let found = found.flat_map(|(_, value)| match value {
        Value::Array(items) => items.iter().collect(),
        single => vec![single],
    });
    match rest {
        Some(rest) => found.flat_map(|inner| elements(inner, rest)).collect(),
        None => found.collect(),
    }
}

/// What a resource breaks of a profile's cardinalities. A rule on an inner element counts over all of its parents, so it may only be
/// a lower bound of none.
fn broken(resource: &Value, profile: &Value) -> Vec<String> {
    let rules = profile["differential"]["element"].as_array().expect("a differential");
    // The type itself stands first, without a rule.
    let breaks = rules.iter().skip(1).filter_map(|rule| {
        let path = rule["path"].as_str().expect("a path");
        let (kind, inner) = path.split_once('.').expect("a path inside the type");
        assert_eq!(resource["resourceType"], kind);
        let count = elements(resource, inner).len() as u64;
        let too_few = count < rule["min"].as_u64().expect("a least number");
        let too_many = rule["max"]
            .as_str()
            .and_then(|max| max.parse().ok())
            .is_some_and(|max: u64| count > max);
        (too_few || too_many).then(|| format!("{path} comes {count} times"))
    });
    breaks.collect()
}

fn profile(url: &str) -> Option<Value> {
    let found = definitions().iter().find(|one| one.url == url)?;
    Some(serde_json::from_slice(&found.json).expect("JSON"))
}

#[test]
fn whoever_claims_a_profile_of_ours_keeps_to_it() {
    let mut claims = 0;
    for sample in samples::all() {
        let resource: Value = serde_json::from_slice(&sample.json).expect("JSON");
        for url in resource["meta"]["profile"].as_array().into_iter().flatten() {
            if let Some(profile) = profile(url.as_str().expect("an address")) {
                claims += 1;
                assert_eq!(broken(&resource, &profile), Vec::<String>::new(), "{}", sample.name);
            }
        }
    }
    assert!(claims > Metric::all().count(), "{claims} claims were looked at");
}

#[test]
fn a_total_without_its_value_or_its_parts_breaks_the_profile() {
    let profile = profile(model::vocabulary::systems::DAILY_TOTAL_PROFILE).expect("published");
    let samples = samples::all();
    let total = samples
        .iter()
        .find(|sample| sample.name == "step_count final total of a day");
    let whole: Value = serde_json::from_slice(&total.expect("a total").json).expect("JSON");
    assert!(broken(&whole, &profile).is_empty());
    for (member, said) in [
        ("valueQuantity", "Observation.value[x] comes 0 times"),
        ("component", "Observation.component comes 0 times"),
        ("effectiveDateTime", "Observation.effective[x] comes 0 times"),
    ] {
        let mut spoilt = whole.clone();
        spoilt.as_object_mut().expect("an object").remove(member).expect(member);
        assert_eq!(broken(&spoilt, &profile), [said]);
    }
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
        "\n## Metrics\n\nThe profiles of HL7 that a plain sample claims, and the sample.\n\n\
         | metric | name | LOINC | unit | profiles | example |\n|---|---|---|---|---|---|\n",
    );
    let samples = samples::all();
    for metric in Metric::all() {
        let row = metric.row();
        let name = format!("{} plain", row.key);
        let example = samples.iter().find(|sample| sample.name == name).expect("a sample");
        let example = String::from_utf8_lossy(&example.json).replace('|', "\\|");
        let profiles: Vec<&str> = row
            .profiles
            .iter()
            .map(|url| url.rsplit('/').next().unwrap_or_default())
            .collect();
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
