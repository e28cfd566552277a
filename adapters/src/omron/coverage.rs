//! What each type of the partner API becomes.

use model::Metric;

use crate::cloud::Series;
use crate::{Coverage, Covered, How};

/// Grows whenever this table or the mapping changes.
pub const MAPPING_VERSION: u32 = 4;

const fn series(name: &'static str) -> Series {
    Series {
        name,
        scope: name,
        // It answers everything from a day on, so one ask reaches back as far as is wanted.
        days: 3_660,
        hours: 24,
        late_days: 30,
        ahead_hours: 0,
        is_told: true,
        merges: false,
    }
}

/// Types that are asked for.
pub const SERIES: &[Series] = &[series("bloodpressure"), series("weight"), series("activity")];

/// Members of a weight, and what each becomes; the first has a unit of its own.
pub const BODY: &[(&str, Metric)] = &[
    ("weight", Metric::BODY_WEIGHT),
    ("bmiValue", Metric::BMI),
    ("bodyFatPercentage", Metric::BODY_FAT_PERCENTAGE),
];

/// What a series becomes.
pub fn metrics(series: &str) -> Vec<Metric> {
    match series {
        "bloodpressure" => vec![Metric::BLOOD_PRESSURE, Metric::HEART_RATE],
        "weight" => BODY.iter().map(|(_, metric)| *metric).collect(),
        _ => vec![Metric::DAILY_STEP_COUNT],
    }
}

/// What the adapter makes of each type, for pages and documents.
pub fn coverage() -> Coverage {
    let covered = |vendor_type: &str, metric, how| Covered {
        vendor_type: vendor_type.to_owned(),
        metric,
        how,
    };
    let mut types = vec![
        covered("bloodpressure.systolic, diastolic", Metric::BLOOD_PRESSURE, How::Part),
        covered("bloodpressure.pulse", Metric::HEART_RATE, How::Value),
    ];
    types.extend(
        BODY.iter()
            .map(|(member, metric)| covered(&format!("weight.{member}"), *metric, How::Value)),
    );
    types.push(covered("activity.steps", Metric::DAILY_STEP_COUNT, How::Value));
    Coverage {
        identity: "type, time and device; an answer names all that is left of its days",
        re_exporters: &[],
        types,
    }
}
