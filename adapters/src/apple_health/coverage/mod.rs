//! The declared table: each Apple type, the metric it becomes, and how its units convert.
//!
//! Types that are not here are parked when they are numbers, else kept as text. Facts: Apple's HealthKit headers; units are
//! whatever the person chose, so every record's unit is read.

mod metadata;
mod types;
mod units;
mod values;

use model::Metric;
use model::units::Conversion;

use crate::{Coverage, Covered, How, ReExporter};

pub use metadata::{flag, metadata};
pub use units::conversion_to;

/// Grows whenever this table or the mapping changes.
pub const MAPPING_VERSION: u32 = 2;

/// What a type becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A number in the metric's unit.
    Quantity(Metric),
    /// Half of a blood pressure: the component's index.
    BloodPressure(usize),
    /// A code: Apple's value name without its prefix, and the number in the metric's list.
    Code(Metric, &'static [(&'static str, u32)]),
    /// An event whose value says nothing more: always this code.
    Event(Metric, u32),
    /// A symptom: the kind's number in the metric's list; the value is the severity.
    Symptom(Metric, u32),
    /// The length of the interval in minutes.
    Duration(Metric),
}

/// Prefix of quantity types.
pub const QUANTITY: &str = "HKQuantityTypeIdentifier";

/// Prefix of category types.
pub const CATEGORY: &str = "HKCategoryTypeIdentifier";

/// The names of symptom types are the kebab-case keys of the vocabulary's list, in Apple's camel case.
fn symptom(name: &str) -> Option<Target> {
    let mut key = String::with_capacity(name.len() + 4);
    for (index, character) in name.chars().enumerate() {
        if character.is_ascii_uppercase() && index > 0 {
            key.push('-');
        }
        key.push(character.to_ascii_lowercase());
    }
    let number = |list: &[model::vocabulary::CodeEntry]| list.iter().find(|e| e.key == key).map(|e| e.number);
    number(model::vocabulary::LIST_SYMPTOM_KIND)
        .map(|kind| Target::Symptom(Metric::SYMPTOM, kind))
        .or_else(|| {
            number(model::vocabulary::LIST_REPRODUCTIVE_SYMPTOM_KIND)
                .map(|kind| Target::Symptom(Metric::REPRODUCTIVE_SYMPTOM, kind))
        })
}

/// What a type becomes; `None` when nothing maps it.
pub fn target(vendor_type: &str) -> Option<Target> {
    if let Some(name) = vendor_type.strip_prefix(QUANTITY) {
        return match name {
            "BloodPressureSystolic" => Some(Target::BloodPressure(0)),
            "BloodPressureDiastolic" => Some(Target::BloodPressure(1)),
            _ => types::QUANTITIES
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, metric)| Target::Quantity(*metric)),
        };
    }
    let name = vendor_type.strip_prefix(CATEGORY)?;
    types::CATEGORIES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, target)| *target)
        .or_else(|| symptom(name))
}

/// What a number that was parked becomes.
pub fn promotes(vendor_type: &str, unit: &str) -> Option<(Metric, Conversion)> {
    match target(vendor_type)? {
        Target::Quantity(metric) => Some((metric, conversion_to(metric.row().unit, unit)?)),
        _ => None,
    }
}

/// The number of a severity value.
pub fn severity(value: &str) -> Option<u32> {
    code(values::SEVERITY, value)
}

/// The number of a value name in a list; Apple prints `HKCategoryValue…`.
pub fn code(list: &[(&str, u32)], value: &str) -> Option<u32> {
    let name = value.strip_prefix("HKCategoryValue")?;
    list.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
}

/// The number in the metric's list of a raw value, as apps are given it: mostly it is the same number.
pub fn raw_code(metric: Metric, list: &[(&str, u32)], raw: u32) -> Option<u32> {
    if metric == Metric::SLEEP_STAGE {
        // HKCategoryValueSleepAnalysis: in bed, asleep, awake, core, deep, REM.
        return [2, 4, 1, 5, 6, 7].get(raw as usize).copied();
    }
    list.iter().map(|(_, number)| *number).find(|number| *number == raw)
}

/// The number of a raw severity, or of a raw change of appetite.
pub fn raw_severity(of_appetite: bool, raw: u32) -> Option<u32> {
    // HKCategoryValueAppetiteChanges: unspecified, none, decreased, increased.
    match of_appetite {
        true => [0, 5, 6, 7].get(raw as usize).copied(),
        false => (raw <= 4).then_some(raw),
    }
}

/// The number of a workout type (`HKWorkoutActivityTypeRunning`) in the vocabulary's list.
pub fn workout_type(value: &str) -> Option<u32> {
    let name = value.strip_prefix("HKWorkoutActivityType")?;
    model::vocabulary::LIST_EXERCISE_TYPE
        .iter()
        .find(|entry| entry.key.replace('-', "").eq_ignore_ascii_case(name))
        .map(|entry| entry.number)
}

/// Apps that write what they measured into Apple Health, by the name of the source (facts 1.7, 6.3).
pub const RE_EXPORTERS: &[ReExporter] = &[
    ReExporter::new("Withings", "Withings", &[]),
    ReExporter::new("Oura", "Oura", &[]),
    ReExporter::new("Garmin", "Connect", &[]),
    ReExporter::new("Omron", "OMRON connect", &["omron|"]),
];

/// What the adapter makes of each type, for pages and documents.
pub fn coverage() -> Coverage {
    let covered = |vendor_type: String, metric, how| Covered {
        vendor_type,
        metric,
        how,
    };
    let quantities = types::QUANTITIES
        .iter()
        .map(|(name, metric)| covered(format!("{QUANTITY}{name}"), *metric, How::Value));
    let halves = ["BloodPressureSystolic", "BloodPressureDiastolic"]
        .map(|name| covered(format!("{QUANTITY}{name}"), Metric::BLOOD_PRESSURE, How::Part));
    let categories = types::CATEGORIES.iter().map(|(name, target)| {
        let (metric, how) = match target {
            Target::Quantity(metric) => (*metric, How::Value),
            Target::BloodPressure(_) => (Metric::BLOOD_PRESSURE, How::Part),
            Target::Code(metric, _) => (*metric, How::Code),
            Target::Event(metric, _) => (*metric, How::Event),
            Target::Symptom(metric, _) => (*metric, How::Code),
            Target::Duration(metric) => (*metric, How::Length),
        };
        covered(format!("{CATEGORY}{name}"), metric, how)
    });
    let symptoms = [
        (model::vocabulary::LIST_SYMPTOM_KIND, Metric::SYMPTOM),
        (
            model::vocabulary::LIST_REPRODUCTIVE_SYMPTOM_KIND,
            Metric::REPRODUCTIVE_SYMPTOM,
        ),
    ];
    let symptoms = symptoms.into_iter().flat_map(|(list, metric)| {
        list.iter()
            .map(move |kind| covered(format!("{CATEGORY}{}", camel_case(kind.key)), metric, How::Code))
    });
    let workouts = covered("Workout".to_owned(), Metric::EXERCISE_SESSION, How::Part);
    Coverage {
        identity: "type, source, start and end: an export holds no ids",
        types: quantities
            .chain(halves)
            .chain(categories)
            .chain(symptoms)
            .chain([workouts])
            .collect(),
        re_exporters: RE_EXPORTERS,
    }
}

/// `AbdominalCramps` of `abdominal-cramps`.
fn camel_case(key: &str) -> String {
    let words = key.split('-').filter_map(|word| {
        let mut letters = word.chars();
        Some(letters.next()?.to_ascii_uppercase().to_string() + letters.as_str())
    });
    words.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use model::decimal::Decimal;
    use model::units::Conversion;

    use super::*;

    #[test]
    fn every_type_stands_once_and_its_metric_fits_its_target() {
        let mut names = BTreeSet::new();
        for (name, metric) in types::QUANTITIES {
            assert!(names.insert(*name), "{name} stands twice");
            assert_eq!(metric.shape(), model::vocabulary::Shape::Quantity, "{name}");
        }
        for (name, target) in types::CATEGORIES {
            assert!(names.insert(*name), "{name} stands twice");
            if let Target::Code(metric, list) = target {
                assert!(list.iter().all(|(_, number)| metric.code(*number).is_some()), "{name}");
            }
            if let Target::Event(metric, number) = target {
                assert!(metric.code(*number).is_some(), "{name}");
            }
        }
        assert!(names.len() > 140);
    }

    #[test]
    fn symptoms_are_found_by_their_names() {
        assert_eq!(
            target("HKCategoryTypeIdentifierHeadache"),
            Some(Target::Symptom(Metric::SYMPTOM, 18))
        );
        assert!(matches!(
            target("HKCategoryTypeIdentifierHotFlashes"),
            Some(Target::Symptom(Metric::REPRODUCTIVE_SYMPTOM, _))
        ));
        assert_eq!(target("HKQuantityTypeIdentifierNikeFuel"), None);
    }

    #[test]
    fn units_convert_by_name_and_unknown_ones_are_refused() {
        assert_eq!(conversion_to("kg", "lb"), Some(Conversion::POUND_TO_KILOGRAM));
        assert_eq!(conversion_to("%", "%"), Some(Conversion::FRACTION_TO_PERCENT));
        assert_eq!(conversion_to("kg", "kilos"), None);
        let glucose = conversion_to("mg/dL", "mmol<180.1558800000541>/L").unwrap();
        assert_eq!(glucose.convert(Decimal::new(55, 1)).unwrap().to_string(), "99");
    }

    #[test]
    fn workouts_are_found_by_their_names() {
        assert_eq!(workout_type("HKWorkoutActivityTypeRunning"), Some(37));
        assert_eq!(workout_type("HKWorkoutActivityTypeTaiChi"), Some(72));
        assert_eq!(workout_type("Running"), None);
    }

    #[test]
    fn what_is_declared_is_what_is_mapped() {
        let declared = coverage();
        for covered in &declared.types {
            let mapped = match target(&covered.vendor_type) {
                Some(
                    Target::Quantity(metric)
                    | Target::Code(metric, _)
                    | Target::Event(metric, _)
                    | Target::Symptom(metric, _)
                    | Target::Duration(metric),
                ) => Some(metric),
                Some(Target::BloodPressure(_)) => Some(Metric::BLOOD_PRESSURE),
                None => None,
            };
            let expected = (covered.vendor_type != "Workout").then_some(covered.metric);
            assert_eq!(mapped, expected, "{}", covered.vendor_type);
        }
        assert!(declared.types.len() > 180);
    }
}
