//! What each code of a reading becomes, and in which units it may come.

use model::Metric;
use model::units::Conversion;

use crate::{Coverage, Covered, How};

/// Grows whenever this table or the mapping changes.
pub const MAPPING_VERSION: u32 = 3;

/// The code of each half of a blood pressure.
pub const PRESSURE: [&str; 2] = ["1", "2"];

/// The vendor's number of a unit, and how it becomes the metric's.
pub type Unit = (u32, Conversion);

const PER_MINUTE: &[Unit] = &[(61_600, Conversion::IDENTITY)];
const PERCENT: &[Unit] = &[(61_584, Conversion::IDENTITY)];
const TEMPERATURE: &[Unit] = &[
    (12_288, Conversion::IDENTITY),
    (12_304, Conversion::FAHRENHEIT_TO_CELSIUS),
];

/// Units of a blood pressure.
pub const OF_PRESSURE: &[Unit] = &[(20_496, Conversion::IDENTITY), (20_483, Conversion::KILOPASCAL_TO_MMHG)];

/// Codes that become a number of their own, with the units that they may come in; none for a number without one.
pub const CODES: &[(&str, Metric, &[Unit])] = &[
    ("3", Metric::HEART_RATE, PER_MINUTE),
    (
        "257",
        Metric::BODY_WEIGHT,
        &[
            (8_195, Conversion::IDENTITY),
            (8_192, Conversion::ratio(1, 1_000)),
            (8_208, Conversion::POUND_TO_KILOGRAM),
            (8_224, Conversion::STONE_TO_KILOGRAM),
        ],
    ),
    ("259", Metric::BODY_FAT_PERCENTAGE, PERCENT),
    ("260", Metric::BASAL_METABOLIC_RATE, &[(16_387, Conversion::IDENTITY)]),
    ("261", Metric::SKELETAL_MUSCLE_PERCENTAGE, PERCENT),
    ("262", Metric::BMI, &[]),
    ("263", Metric::BODY_AGE, &[]),
    ("264", Metric::VISCERAL_FAT_LEVEL, &[]),
    ("513", Metric::STEP_COUNT, &[(61_536, Conversion::IDENTITY)]),
    (
        "576",
        Metric::DISTANCE_WALKING_RUNNING,
        &[(4_099, Conversion::ratio(1_000, 1)), (4_098, Conversion::ratio(1, 100))],
    ),
    ("1281", Metric::BASAL_BODY_TEMPERATURE, TEMPERATURE),
    ("1537", Metric::OXYGEN_SATURATION, PERCENT),
    ("1538", Metric::HEART_RATE, PER_MINUTE),
    (
        "2305",
        Metric::BLOOD_GLUCOSE,
        // Molar mass of glucose: 180.156 g/mol.
        &[
            (24_577, Conversion::IDENTITY),
            (24_593, Conversion::ratio(180_156, 10_000)),
        ],
    ),
    ("4866", Metric::BODY_TEMPERATURE, TEMPERATURE),
];

/// What the adapter makes of each code, for pages and documents.
pub fn coverage() -> Coverage {
    let covered = |vendor_type: String, metric, how| Covered {
        vendor_type,
        metric,
        how,
    };
    let mut types = vec![covered(
        format!("bodyIndexList {}, {}", PRESSURE[0], PRESSURE[1]),
        Metric::BLOOD_PRESSURE,
        How::Part,
    )];
    types.extend(
        CODES
            .iter()
            .map(|(code, metric, _)| covered(format!("bodyIndexList {code}"), *metric, How::Value)),
    );
    Coverage {
        identity: "model, serial number, user of the device and time of the reading",
        re_exporters: &[],
        types,
    }
}
