//! A validator of resources against StructureDefinitions, as far as ours use them: how often an element comes, its type, fixed values
//! and patterns, slices by pattern and by value, required bindings, and invariants as functions named by their keys.
//!
//! It reads differentials only: what the base type demands is the strict judge's matter ([`crate::judge`]).

mod checkup_report;
mod elsewhere;
mod invariants;
mod terminology;

use std::fmt;

use serde_json::Value;

pub use elsewhere::{elsewhere, unit_sets};
pub use terminology::Terminology;

/// What a resource breaks of a profile.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The element, by the profile's id of it.
    pub element: String,
    /// What is wrong.
    pub problem: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.element, self.problem)
    }
}

/// Holds a resource against a profile's differential.
pub fn validate(resource: &Value, profile: &Value, terminology: &Terminology) -> Vec<Finding> {
    let mut check = Check {
        elements: profile["differential"]["element"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default(),
        terminology,
        findings: Vec::new(),
    };
    let base = profile["type"].as_str().unwrap_or_default();
    if resource["resourceType"] != base {
        check.say(base, format!("is a {}", resource["resourceType"]));
        return check.findings;
    }
    check.element(base, base, resource);
    check.findings
}

struct Check<'a> {
    elements: &'a [Value],
    terminology: &'a Terminology,
    findings: Vec<Finding>,
}

impl<'a> Check<'a> {
    fn say(&mut self, element: &str, problem: impl Into<String>) {
        self.findings.push(Finding {
            element: element.to_owned(),
            problem: problem.into(),
        });
    }

    fn rule(&self, id: &str) -> Option<&'a Value> {
        self.elements.iter().find(|rule| rule["id"] == id)
    }

    /// The names of the elements below one that the profile says something of.
    fn names_below(&self, id: &str) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for rule in self.elements {
            let rest = rule["id"].as_str().and_then(|below| below.strip_prefix(id));
            let Some(rest) = rest.and_then(|rest| rest.strip_prefix('.')) else {
                continue;
            };
            let name = rest.split(['.', ':']).next().unwrap_or_default();
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        names
    }

    /// The slices of an element, by their ids.
    fn slices(&self, id: &str) -> Vec<&'a str> {
        let ids = self.elements.iter().filter_map(|rule| rule["id"].as_str());
        let slices = ids.filter(|slice| {
            slice
                .strip_prefix(id)
                .and_then(|rest| rest.strip_prefix(':'))
                .is_some_and(|name| !name.contains('.'))
        });
        slices.collect()
    }

    /// One element with what is below it: `id` names its rule, `kind` its type.
    fn element(&mut self, id: &str, kind: &str, value: &Value) {
        if let Some(rule) = self.rule(id) {
            self.own(id, rule, kind, value);
        }
        for name in self.names_below(id) {
            let below = format!("{id}.{name}");
            let found = named(value, &name);
            self.times(&below, found.len());
            for (kind, member) in &found {
                self.element(&below, kind, member);
            }
            let slicing = self.rule(&below).map(|rule| &rule["slicing"]["discriminator"][0]);
            for slice in self.slices(&below) {
                let Some(discriminator) = slicing.filter(|slicing| slicing.is_object()) else {
                    self.say(slice, "nothing says how its slices are told apart");
                    continue;
                };
                let members: Vec<_> = found
                    .iter()
                    .filter(|(_, member)| self.is_in(slice, discriminator, member))
                    .collect();
                self.times(slice, members.len());
                for (kind, member) in members {
                    self.element(slice, kind, member);
                }
            }
        }
    }

    fn times(&mut self, id: &str, count: usize) {
        let Some(rule) = self.rule(id) else { return };
        let too_few = rule["min"].as_u64().is_some_and(|min| (count as u64) < min);
        let most = rule["max"].as_str().and_then(|max| max.parse().ok());
        if too_few || most.is_some_and(|most: usize| count > most) {
            self.say(id, format!("comes {count} times"));
        }
    }

    /// What a rule says of the element itself.
    fn own(&mut self, id: &str, rule: &Value, kind: &str, value: &Value) {
        let types = rule["type"].as_array().map(Vec::as_slice).unwrap_or_default();
        if id.ends_with("[x]") && !types.is_empty() && !types.iter().any(|allowed| same_type(&allowed["code"], kind)) {
            self.say(id, format!("is a {kind}"));
        }
        for (name, said) in rule.as_object().into_iter().flatten() {
            if name.starts_with("fixed") && said != value {
                self.say(id, "is not the fixed value");
            }
            if name.starts_with("pattern") && !fits(said, value) {
                self.say(id, format!("does not fit {said}"));
            }
        }
        if rule["binding"]["strength"] == "required" {
            let set = rule["binding"]["valueSet"].as_str().unwrap_or_default();
            match self.terminology.holds(set, value) {
                Some(true) => {}
                Some(false) => self.say(id, format!("is not of {set}")),
                None => self.say(id, format!("{set} is not known")),
            }
        }
        for constraint in rule["constraint"].as_array().into_iter().flatten() {
            let key = constraint["key"].as_str().unwrap_or_default();
            match invariants::holds(key, value) {
                Some(true) => {}
                Some(false) => self.say(
                    id,
                    format!("{key}: {}", constraint["human"].as_str().unwrap_or_default()),
                ),
                None => self.say(id, format!("{key} has no function")),
            }
        }
    }

    /// True when an element is of a slice: what the discriminator names is as the slice says.
    fn is_in(&self, slice: &str, discriminator: &Value, value: &Value) -> bool {
        let path = discriminator["path"].as_str().unwrap_or_default();
        let (rule, at) = match path {
            "$this" => (self.rule(slice), Some(value)),
            _ => (self.rule(&format!("{slice}.{path}")), value.get(path)),
        };
        let (Some(rule), Some(at)) = (rule, at) else {
            return false;
        };
        let members = rule.as_object().into_iter().flatten();
        let mut said = members.filter(|(name, _)| name.starts_with("fixed") || name.starts_with("pattern"));
        said.any(|(name, said)| {
            if name.starts_with("fixed") {
                said == at
            } else {
                fits(said, at)
            }
        })
    }
}

/// The elements of this name, `[x]` standing for whatever type, each with its type where the name says it.
fn named<'v>(value: &'v Value, name: &str) -> Vec<(String, &'v Value)> {
    let mut found = Vec::new();
    for (key, member) in value.as_object().into_iter().flatten() {
        let kind = match name.strip_suffix("[x]") {
            Some(stem) => match key.strip_prefix(stem) {
                Some(kind) if kind.starts_with(|first: char| first.is_ascii_uppercase()) => kind,
                _ => continue,
            },
            None if key == name => "",
            None => continue,
        };
        match member {
            Value::Array(members) => found.extend(members.iter().map(|member| (kind.to_owned(), member))),
            single => found.push((kind.to_owned(), single)),
        }
    }
    found
}

/// Types of elements begin with a small letter where they are primitive, and with a capital in the element's name.
fn same_type(code: &Value, kind: &str) -> bool {
    code.as_str().is_some_and(|code| code.eq_ignore_ascii_case(kind))
}

/// True when everything that a pattern has is there, of lists in whatever place (R4 ElementDefinition, "pattern").
fn fits(pattern: &Value, value: &Value) -> bool {
    match (pattern, value) {
        (Value::Object(pattern), Value::Object(value)) => pattern
            .iter()
            .all(|(name, said)| value.get(name).is_some_and(|there| fits(said, there))),
        (Value::Array(pattern), Value::Array(value)) => {
            pattern.iter().all(|said| value.iter().any(|there| fits(said, there)))
        }
        (said, there) => said == there,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn broken(resource: &Value, elements: Value) -> Vec<String> {
        let profile = json!({"type": "Observation", "differential": {"element": elements}});
        let terminology = Terminology::of(&[
            json!({"resourceType": "CodeSystem", "url": "s", "concept": [{"code": "a"}, {"code": "b"}]}),
            json!({"resourceType": "ValueSet", "url": "all", "compose": {"include": [{"system": "s"}]}}),
            json!({"resourceType": "ValueSet", "url": "some", "compose": {"include": [{"system": "s", "concept": [{"code": "a"}]}]}}),
        ]);
        let findings = validate(resource, &profile, &terminology);
        findings.iter().map(ToString::to_string).collect()
    }

    fn observation() -> Value {
        json!({
            "resourceType": "Observation",
            "status": "final",
            "category": [{"coding": [{"system": "c", "code": "x"}]}, {"coding": [{"system": "s", "code": "a"}]}],
            "valueQuantity": {"value": 1, "system": "u", "code": "kg"},
            "component": [
                {"code": {"coding": [{"system": "s", "code": "a"}]}, "valueBoolean": true},
                {"code": {"coding": [{"system": "s", "code": "b"}]}},
            ],
        })
    }

    #[test]
    fn what_keeps_to_a_rule_breaks_nothing_and_what_does_not_is_named() {
        for (rule, said) in [
            (json!({"id": "Observation.status", "min": 1, "max": "1"}), None),
            (
                json!({"id": "Observation.issued", "min": 1}),
                Some("Observation.issued: comes 0 times"),
            ),
            (
                json!({"id": "Observation.category", "max": "1"}),
                Some("Observation.category: comes 2 times"),
            ),
            (
                json!({"id": "Observation.value[x]", "type": [{"code": "Quantity"}]}),
                None,
            ),
            (
                json!({"id": "Observation.value[x]", "type": [{"code": "string"}]}),
                Some("Observation.value[x]: is a Quantity"),
            ),
            (
                json!({"id": "Observation.value[x]", "patternQuantity": {"code": "kg"}}),
                None,
            ),
            (
                json!({"id": "Observation.value[x]", "patternQuantity": {"code": "g"}}),
                Some("Observation.value[x]: does not fit {\"code\":\"g\"}"),
            ),
            (json!({"id": "Observation.status", "fixedCode": "final"}), None),
            (
                json!({"id": "Observation.status", "fixedCode": "amended"}),
                Some("Observation.status: is not the fixed value"),
            ),
            (
                json!({"id": "Observation.status", "binding": {"strength": "required", "valueSet": "nobody's"}}),
                Some("Observation.status: nobody's is not known"),
            ),
            (
                json!({"id": "Observation", "constraint": [{"key": "none", "human": "?"}]}),
                Some("Observation: none has no function"),
            ),
            (
                json!({"id": "Observation.component.value[x]", "min": 1}),
                Some("Observation.component.value[x]: comes 0 times"),
            ),
        ] {
            let found = broken(&observation(), json!([rule.clone()]));
            assert_eq!(found, said.into_iter().collect::<Vec<_>>(), "{rule}");
        }
    }

    #[test]
    fn slices_are_told_apart_by_pattern_and_each_keeps_to_its_own() {
        let slices = |min: u8, set: &str| {
            json!([
                {"id": "Observation.category", "slicing": {"discriminator": [{"type": "pattern", "path": "$this"}]}},
                {"id": "Observation.category:ours", "min": min, "max": "1", "patternCodeableConcept": {"coding": [{"system": "s"}]},
                 "binding": {"strength": "required", "valueSet": set}},
            ])
        };
        assert!(broken(&observation(), slices(1, "some")).is_empty());
        let mut other = observation();
        other["category"][1]["coding"][0]["code"] = "b".into();
        assert!(broken(&other, slices(1, "all")).is_empty());
        assert_eq!(
            broken(&other, slices(1, "some")),
            ["Observation.category:ours: is not of some"]
        );
        other["category"][1]["coding"][0]["system"] = "c".into();
        assert_eq!(
            broken(&other, slices(1, "some")),
            ["Observation.category:ours: comes 0 times"]
        );
        assert!(broken(&other, slices(0, "some")).is_empty());
    }

    #[test]
    fn slices_of_components_are_told_apart_by_their_code() {
        let rules = json!([
            {"id": "Observation.component", "slicing": {"discriminator": [{"type": "pattern", "path": "code"}]}},
            {"id": "Observation.component:b", "min": 1, "max": "1"},
            {"id": "Observation.component:b.code", "patternCodeableConcept": {"coding": [{"system": "s", "code": "b"}]}},
            {"id": "Observation.component:b.value[x]", "min": 1},
        ]);
        assert_eq!(
            broken(&observation(), rules.clone()),
            ["Observation.component:b.value[x]: comes 0 times"]
        );
        let mut whole = observation();
        whole["component"][1]["valueBoolean"] = true.into();
        assert!(broken(&whole, rules).is_empty());
    }
}
