//! Our profiles, made of the vocabulary: what the Observations of each kind hold, and which metrics' samples claim which.

use std::sync::LazyLock;

use model::vocabulary::{Aggregation, METRICS, MetricRow, Shape, Temporal, systems};
use model::{ConsentCategory, Metric};

use super::structures::{Element, Invariant, Profile, Says};
use crate::codings::checkup_item;

/// Value sets that profiles bind to.
pub(super) const METRIC_SET: &str = "https://sekisho.example/fhir/ValueSet/metric";
pub(super) const CATEGORY_SET: &str = "https://sekisho.example/fhir/ValueSet/consent-category";
pub(super) const STAGE_SET: &str = "https://sekisho.example/fhir/ValueSet/sleep-stage";

/// Profiles of HL7 on which those of vital signs build (R4, "Vital Signs Profiles").
const HL7: &str = "http://hl7.org/fhir/StructureDefinition/";

const SAID: Invariant = Invariant {
    key: "sek-said",
    human: "There is a value, or a reason why there is none, or components",
    expression: "value.exists() or dataAbsentReason.exists() or component.exists()",
};

const DAY: Invariant = Invariant {
    key: "sek-day",
    human: "The time is a civil day, without a clock",
    expression: "effective.toString().length() = 10",
};

const INTERVAL: Invariant = Invariant {
    key: "sek-interval",
    human: "An interval has a start and an end, and does not end before it starts",
    expression: "effective.ofType(Period).all(start.exists() and end.exists() and start <= end)",
};

const HAND: Invariant = Invariant {
    key: "sek-hand",
    human: "Whoever typed it is the person it is about",
    expression: "performer.reference = subject.reference",
};

const PART: Invariant = Invariant {
    key: "sek-part",
    human: "A component has a value, or a reason why there is none",
    expression: "value.exists() or dataAbsentReason.exists()",
};

/// A profile with the metrics whose samples claim it.
struct Claimed {
    profile: Profile,
    url: String,
    claims: fn(&Profile, &MetricRow) -> bool,
}

static CLAIMED: LazyLock<Vec<Claimed>> = LazyLock::new(|| {
    let of = |profile: Profile, claims| Claimed {
        url: profile.url(),
        profile,
        claims,
    };
    let mut all = vec![
        of(sleep_session(), |_, row| row.number == Metric::SLEEP_SESSION.number()),
        of(sleep_stage(), |_, row| row.number == Metric::SLEEP_STAGE.number()),
    ];
    for row in METRICS {
        if let Some(base) = vital_sign(row) {
            all.push(of(vital(row, base), |profile, row| {
                vital_sign(row).is_some() && profile.id == vital_id(row)
            }));
        }
    }
    all.extend([
        of(checkup_items(), |_, row| checkup_item(row).is_some()),
        of(glucose(), |_, row| {
            is_plain(row) && row.category == ConsentCategory::Glucose
        }),
        of(body(), |_, row| is_plain(row) && row.category == ConsentCategory::Body),
        of(interval_activity(), |_, row| {
            row.shape == Shape::Quantity
                && row.temporal == Temporal::Interval
                && row.aggregation == Aggregation::Sum
                && row.category == ConsentCategory::Activity
        }),
    ]);
    all
});

/// Those that no sample of a metric claims by itself.
static OTHERS: LazyLock<[Profile; 3]> = LazyLock::new(|| [daily_total(), manual_entry(), consent()]);

/// All profiles.
pub(super) fn all() -> impl Iterator<Item = &'static Profile> {
    let claimed: &'static [Claimed] = &CLAIMED;
    let others: &'static [Profile; 3] = &OTHERS;
    claimed.iter().map(|one| &one.profile).chain(others)
}

/// The profile of ours that a live sample of this metric keeps to, and claims; the first that is about it.
pub(crate) fn own_profile(row: &MetricRow) -> Option<&'static str> {
    let claimed: &'static [Claimed] = &CLAIMED;
    let found = claimed.iter().find(|one| (one.claims)(&one.profile, row))?;
    Some(&found.url)
}

/// A moment's quantity.
fn is_plain(row: &MetricRow) -> bool {
    row.shape == Shape::Quantity && row.temporal == Temporal::Instant
}

/// The vital sign of HL7 that a metric is.
fn vital_sign(row: &MetricRow) -> Option<&'static str> {
    row.profiles.iter().copied().find(|profile| profile.starts_with(HL7))
}

fn vital_id(row: &MetricRow) -> String {
    format!("vital-sign-{}", row.key.replace('_', "-"))
}

/// `SekishoHeartRate` of `heart_rate`.
fn machine_name(key: &str) -> String {
    let words = key.split(['_', '-']).filter_map(|word| {
        let mut letters = word.chars();
        Some(letters.next()?.to_ascii_uppercase().to_string() + letters.as_str())
    });
    format!("Sekisho{}", words.collect::<String>())
}

fn observation(id: impl Into<String>, title: impl Into<String>, elements: Vec<Element>) -> Profile {
    let id = id.into();
    Profile {
        name: machine_name(&id),
        id,
        base: "Observation",
        on: None,
        title: title.into(),
        holds: Vec::new(),
        elements,
    }
}

/// What every Observation of ours has; each category is a concept of its own.
fn common() -> Vec<Element> {
    of_category("HL7's category", None)
}

/// The same, with this code of HL7's category where one is fixed.
fn of_category(short: &str, code: Option<&'static str>) -> Vec<Element> {
    let mut elements = vec![
        Element::at(
            "Observation.category",
            "HL7's category, Japan's where there is one, and what the resident ticked",
        )
        .times(2, "*")
        .says(Says::SlicedBy("pattern", "$this")),
        Element::at("Observation.category:hl7", short)
            .times(1, "1")
            .says(Says::Concept(vec![(systems::OBSERVATION_CATEGORY, code)])),
        Element::at("Observation.category:consent", "What the resident ticked")
            .times(1, "1")
            .says(Says::Concept(vec![(systems::CONSENT_CATEGORY, None)]))
            .says(Says::From(CATEGORY_SET)),
    ];
    elements.extend(code_and_subject());
    elements
}

fn code_and_subject() -> Vec<Element> {
    vec![
        Element::at("Observation.code.coding", "Our own code, and the codes of others")
            .times(1, "*")
            .says(Says::SlicedBy("value", "system")),
        Element::at("Observation.code.coding:metric", "Our own code")
            .times(1, "1")
            .says(Says::From(METRIC_SET)),
        Element::at("Observation.code.coding:metric.system", "Our own metrics")
            .times(1, "1")
            .says(Says::Uri(systems::METRIC)),
        Element::at("Observation.subject", "The resident, by this recipient's id").times(1, "1"),
        Element::at("Observation.issued", "When this version was made").times(1, "1"),
    ]
}

fn effective(types: &'static [&'static str], short: &str) -> Element {
    Element::at("Observation.effective[x]", short)
        .times(1, "1")
        .says(Says::Types(types))
}

fn quantity(short: &str) -> Element {
    Element::at("Observation.value[x]", short)
        .times(0, "1")
        .says(Says::Types(&["Quantity"]))
}

fn no_value() -> Element {
    Element::at("Observation.value[x]", "The components say it").times(0, "0")
}

fn components(min: u8, short: &str) -> Element {
    Element::at("Observation.component", short)
        .times(min, "*")
        .says(Says::SlicedBy("pattern", "code"))
        .says(Says::Holds(&PART))
}

/// A component with its code and the types of its value.
fn component(
    slice: &str,
    times: (u8, &'static str),
    codings: Vec<(&'static str, Option<&'static str>)>,
    value: &'static [&'static str],
) -> [Element; 3] {
    let at = |rest: &str| format!("Observation.component:{slice}{rest}");
    [
        Element::at(at(""), slice).times(times.0, times.1),
        Element::at(at(".code"), "Which it is")
            .times(1, "1")
            .says(Says::Concept(codings)),
        Element::at(at(".value[x]"), "How much")
            .times(0, "1")
            .says(Says::Types(value)),
    ]
}

/// A code of our own.
fn own(code: &'static str) -> Vec<(&'static str, Option<&'static str>)> {
    vec![(systems::SEKISHO, Some(code))]
}

/// One component each of a metric that has them; these come always.
fn parts(row: &MetricRow, required: &[&str]) -> Vec<Element> {
    let Shape::Components(parts) = row.shape else {
        return Vec::new();
    };
    parts
        .iter()
        .flat_map(|part| {
            let value: &'static [&'static str] = match part.codes {
                [] => &["Quantity"],
                _ => &["CodeableConcept", "boolean"],
            };
            let mut codings = vec![(systems::SEKISHO, Some(part.key))];
            codings.extend(part.loinc.map(|code| (systems::LOINC, Some(code))));
            let min = u8::from(required.contains(&part.key));
            component(part.key, (min, "1"), codings, value)
        })
        .collect()
}

fn daily_total() -> Profile {
    let mut elements = common();
    elements.extend([
        effective(&["dateTime"], "The civil day where the person was, as a date"),
        Element::at(
            "Observation.value[x]",
            "What counts: without hand-typed and impossible entries",
        )
        .times(1, "1")
        .says(Says::Types(&["Quantity"])),
        Element::at("Observation.device", "A total names no device: its Provenance does").times(0, "0"),
        components(2, "The whole, the hand-typed part, and flags"),
    ]);
    for key in [systems::own::TOTAL, systems::own::MANUAL_PART] {
        elements.extend(component(key, (1, "1"), own(key), &["Quantity"]));
    }
    Profile {
        holds: vec![&DAY],
        ..observation("daily-total", "The total of a day", elements)
    }
}

fn interval_activity() -> Profile {
    let mut elements = common();
    elements.extend([
        effective(
            &["Period", "dateTime"],
            "From when to when; a civil day where no clock was given",
        ),
        quantity("How much"),
    ]);
    Profile {
        holds: vec![&INTERVAL, &SAID],
        ..observation("interval-activity", "What was done in an interval", elements)
    }
}

fn sleep_session() -> Profile {
    let mut elements = common();
    elements.extend([
        effective(
            &["Period", "dateTime"],
            "From falling asleep to waking; it is of the day on which it ends",
        ),
        no_value(),
        components(0, "Durations, how often awake, and whether it was the main sleep"),
    ]);
    elements.extend(parts(Metric::SLEEP_SESSION.row(), &[]));
    Profile {
        holds: vec![&INTERVAL, &SAID],
        ..observation("sleep-session", "A night or a nap", elements)
    }
}

fn sleep_stage() -> Profile {
    let mut elements = common();
    elements.extend([
        effective(&["Period", "dateTime"], "From when to when"),
        Element::at("Observation.value[x]", "The stage")
            .times(0, "1")
            .says(Says::Types(&["CodeableConcept"]))
            .says(Says::From(STAGE_SET)),
    ]);
    Profile {
        holds: vec![&INTERVAL, &SAID],
        ..observation("sleep-stage", "A stage of sleep", elements)
    }
}

/// A vital sign: HL7's profile, with its code beside ours and its unit.
fn vital(row: &'static MetricRow, on: &'static str) -> Profile {
    let mut elements = of_category("A vital sign", Some("vital-signs"));
    let mut codings = vec![(systems::METRIC, Some(row.key))];
    codings.extend(row.loinc.iter().map(|code| (systems::LOINC, Some(*code))));
    elements.push(
        Element::at("Observation.code", "Our code and HL7's")
            .times(1, "1")
            .says(Says::Concept(codings)),
    );
    elements.push(effective(&["dateTime", "Period"], "When it was measured"));
    match row.shape {
        Shape::Components(_) => {
            elements.extend([no_value(), components(2, "Systolic, diastolic, mean")]);
            elements.extend(parts(row, &["systolic", "diastolic"]));
        }
        _ => elements.push(quantity("The number").says(Says::Unit(row.unit))),
    }
    Profile {
        on: Some(on),
        holds: vec![&SAID],
        ..observation(vital_id(row), row.name_en, elements)
    }
}

fn body() -> Profile {
    let mut elements = common();
    elements.extend([
        effective(&["dateTime", "Period"], "When it was measured"),
        quantity("The number"),
    ]);
    Profile {
        holds: vec![&SAID],
        ..observation("body", "A measure of the body", elements)
    }
}

fn glucose() -> Profile {
    let mut elements = common();
    elements.extend([
        effective(&["dateTime", "Period"], "When it was measured"),
        quantity("The number"),
        components(0, "How it relates to a meal, and flags"),
    ]);
    let meal = systems::own::RELATION_TO_MEAL;
    elements.extend(component(meal, (0, "*"), own(meal), &["CodeableConcept"]));
    Profile {
        holds: vec![&SAID],
        ..observation("glucose", "A measure of glucose or insulin", elements)
    }
}

fn checkup_items() -> Profile {
    let mut elements = vec![
        Element::at(
            "Observation.category",
            "One, with Japan's code, HL7's, and what the resident ticked",
        )
        .times(1, "1")
        .says(Says::From(CATEGORY_SET)),
        Element::at("Observation.category.coding", "Each by its system").times(2, "*"),
    ];
    elements.extend(code_and_subject());
    elements.extend([
        Element::at("Observation.code.coding:item", "The official code of the item").times(1, "1"),
        Element::at("Observation.code.coding:item.system", "Items of health checkups")
            .times(1, "1")
            .says(Says::Uri(systems::CHECKUP_ITEM)),
        effective(&["dateTime", "Period"], "The day of the checkup"),
    ]);
    Profile {
        holds: vec![&SAID],
        ..observation("checkup-item", "A result of a health checkup", elements)
    }
}

fn manual_entry() -> Profile {
    let elements = vec![
        Element::at("Observation.method", "Typed by hand")
            .times(1, "1")
            .says(Says::Concept(vec![(
                systems::SEKISHO,
                Some(systems::own::MANUAL_ENTRY),
            )])),
        Element::at("Observation.performer", "The resident").times(1, "1"),
        Element::at("Observation.device", "No device measured it").times(0, "0"),
    ];
    Profile {
        holds: vec![&HAND],
        ..observation("manual-entry", "Typed by hand", elements)
    }
}

/// A consent: everything is denied but the listed permits.
fn consent() -> Profile {
    let at = |id: &str, times: (u8, &'static str), short: &str| Element::at(id, short).times(times.0, times.1);
    Profile {
        id: "consent".to_owned(),
        name: "SekishoConsent".to_owned(),
        base: "Consent",
        on: None,
        title: "What a resident agreed to".to_owned(),
        holds: Vec::new(),
        elements: vec![
            at("Consent.patient", (1, "1"), "The resident, by this recipient's id"),
            at("Consent.dateTime", (1, "1"), "When it was given"),
            at(
                "Consent.performer",
                (1, "1"),
                "The resident, or a contained RelatedPerson who acts for them",
            ),
            at("Consent.organization", (1, "1"), "Who keeps the data"),
            at("Consent.source[x]", (1, "1"), "The text as it was shown"),
            at("Consent.policy", (1, "1"), "Whatever is not permitted is denied"),
            at("Consent.provision", (1, "1"), "The denial, with the permits inside"),
            at(
                "Consent.provision.provision",
                (0, "*"),
                "One permit a category of data, a line of identity or a linking id",
            ),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_is_about_something_and_every_metric_claims_one_at_most() {
        let mut claimed: Vec<&str> = METRICS.iter().filter_map(own_profile).collect();
        assert_eq!(
            own_profile(Metric::HEART_RATE.row()),
            Some("https://sekisho.example/fhir/StructureDefinition/vital-sign-heart-rate")
        );
        assert_eq!(
            own_profile(Metric::STEP_COUNT.row()),
            Some("https://sekisho.example/fhir/StructureDefinition/interval-activity")
        );
        claimed.sort_unstable();
        claimed.dedup();
        assert_eq!(claimed.len(), CLAIMED.len(), "{claimed:?}");
    }

    #[test]
    fn names_for_machines_are_names() {
        for profile in all() {
            let name = &profile.name;
            assert!(
                name.starts_with("Sekisho") && name.bytes().all(|byte| byte.is_ascii_alphanumeric()),
                "{name}"
            );
        }
    }
}
