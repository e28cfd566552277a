//! Invariants as functions, named by their keys: R4's own of an Observation and of vital signs, and ours.

use serde_json::Value;

use super::named;

/// Whether an element keeps to an invariant; `None` for one that has no function here.
pub fn holds(key: &str, element: &Value) -> Option<bool> {
    Some(match key {
        // R4 Observation: a reason for absence stands alone, and what the whole says no component says again.
        "obs-6" => !(has(element, "dataAbsentReason") && has_value(element)),
        "obs-7" => !has_value(element) || !parts(element).any(|part| part["code"] == element["code"]),
        // R4 vital signs. vs-1 as it was meant: to the day at least, of a Period too.
        "vs-1" => times(element).iter().all(|time| time.len() >= 10),
        "vs-2" => {
            has_value(element)
                || ["dataAbsentReason", "component", "hasMember"]
                    .iter()
                    .any(|name| has(element, name))
        }
        "vs-3" | "sek-part" => has_value(element) || has(element, "dataAbsentReason"),
        "sek-said" => has_value(element) || has(element, "dataAbsentReason") || has(element, "component"),
        "sek-day" => times(element).iter().all(|time| time.len() == 10),
        "sek-interval" => match element.get("effectivePeriod") {
            None => true,
            Some(period) => match (instant(&period["start"]), instant(&period["end"])) {
                (Some(start), Some(end)) => start <= end,
                _ => false,
            },
        },
        "sek-hand" => {
            let mut performers = element["performer"].as_array().into_iter().flatten();
            performers.all(|performer| performer["reference"] == element["subject"]["reference"])
        }
        _ => return super::checkup_report::holds(key, element),
    })
}

fn has(element: &Value, name: &str) -> bool {
    element.get(name).is_some()
}

fn has_value(element: &Value) -> bool {
    !named(element, "value[x]").is_empty()
}

fn parts(element: &Value) -> impl Iterator<Item = &Value> {
    element["component"].as_array().into_iter().flatten()
}

/// The texts of the effective time.
fn times(element: &Value) -> Vec<&str> {
    let single = element.get("effectiveDateTime").and_then(Value::as_str);
    let bounds = ["start", "end"].map(|bound| element["effectivePeriod"][bound].as_str());
    single.into_iter().chain(bounds.into_iter().flatten()).collect()
}

/// A time that can be compared: a civil day at its midnight, anything finer as an instant.
fn instant(time: &Value) -> Option<jiff::Timestamp> {
    let text = time.as_str()?;
    match text.len() {
        10 => format!("{text}T00:00:00Z").parse().ok(),
        _ => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_invariant_tells_what_keeps_to_it_from_what_does_not() {
        let period = |start: &str, end: &str| json!({"effectivePeriod": {"start": start, "end": end}});
        for (key, keeps, breaks) in [
            (
                "obs-6",
                json!({"valueString": "x"}),
                json!({"valueString": "x", "dataAbsentReason": {}}),
            ),
            (
                "obs-7",
                json!({"code": {"text": "a"}, "valueString": "x", "component": [{"code": {"text": "b"}}]}),
                json!({"code": {"text": "a"}, "valueString": "x", "component": [{"code": {"text": "a"}}]}),
            ),
            (
                "vs-1",
                json!({"effectiveDateTime": "2026-05-10"}),
                json!({"effectiveDateTime": "2026-05"}),
            ),
            ("vs-2", json!({"component": []}), json!({})),
            ("vs-3", json!({"valueQuantity": {}}), json!({"code": {}})),
            ("sek-part", json!({"dataAbsentReason": {}}), json!({"code": {}})),
            ("sek-said", json!({"component": []}), json!({"values": 1})),
            (
                "sek-day",
                json!({"effectiveDateTime": "2026-05-10"}),
                json!({"effectiveDateTime": "2026-05-10T00:00:00+09:00"}),
            ),
            (
                "sek-interval",
                period("2026-05-10T23:00:00+09:00", "2026-05-10T15:00:00Z"),
                period("2026-05-10T23:00:00+09:00", "2026-05-10T13:00:00Z"),
            ),
            (
                "sek-interval",
                period("2026-05-10", "2026-05-11"),
                json!({"effectivePeriod": {"start": "2026-05-10"}}),
            ),
            (
                "sek-hand",
                json!({"subject": {"reference": "Patient/a"}, "performer": [{"reference": "Patient/a"}]}),
                json!({"subject": {"reference": "Patient/a"}, "performer": [{"reference": "Patient/b"}]}),
            ),
        ] {
            assert_eq!(holds(key, &keeps), Some(true), "{key} {keeps}");
            assert_eq!(holds(key, &breaks), Some(false), "{key} {breaks}");
        }
        assert_eq!(holds("sek-nothing", &json!({})), None);
    }
}
