//! Which codes a value set holds, of those that are published.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Value sets by address, each as its codings.
#[derive(Debug, Default)]
pub struct Terminology {
    sets: BTreeMap<String, BTreeSet<(String, String)>>,
}

impl Terminology {
    /// Of CodeSystems and ValueSets, that include whole systems or list their codes.
    pub fn of(resources: &[Value]) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let codes = |concepts: &Value| -> Vec<String> {
            let concepts = concepts.as_array().into_iter().flatten();
            concepts.map(|concept| text(&concept["code"])).collect()
        };
        let of_type = |kind: &'static str| resources.iter().filter(move |one| one["resourceType"] == kind);
        let systems: BTreeMap<String, Vec<String>> = of_type("CodeSystem")
            .map(|system| (text(&system["url"]), codes(&system["concept"])))
            .collect();
        let mut sets = BTreeMap::new();
        for set in of_type("ValueSet") {
            let mut held = BTreeSet::new();
            for include in set["compose"]["include"].as_array().into_iter().flatten() {
                let system = text(&include["system"]);
                let listed = match include.get("concept") {
                    Some(concepts) => codes(concepts),
                    None => systems.get(&system).cloned().unwrap_or_default(),
                };
                held.extend(listed.into_iter().map(|code| (system.clone(), code)));
            }
            sets.insert(text(&set["url"]), held);
        }
        Self { sets }
    }

    /// True when a Coding, or one coding of a CodeableConcept, is of a value set; `None` for a set that is not known.
    pub fn holds(&self, set: &str, value: &Value) -> Option<bool> {
        let held = self.sets.get(set)?;
        let is_held = |coding: &Value| {
            let text = |name: &str| coding[name].as_str().unwrap_or_default().to_owned();
            held.contains(&(text("system"), text("code")))
        };
        Some(match value["coding"].as_array() {
            Some(codings) => codings.iter().any(is_held),
            None => is_held(value),
        })
    }
}
