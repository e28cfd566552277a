//! What each record type of Health Connect becomes. Types that are not here are kept as text.

use model::Metric;
use model::units::Conversion;

use crate::{Coverage, Covered, How, ReExporter};

/// Grows whenever this table or the mapping changes.
pub const MAPPING_VERSION: u32 = 7;

/// How a field holds its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A bare number, in the metric's unit.
    Bare,
    /// An object of units; this member is read, and converted.
    Member(&'static str, Conversion),
    /// Watts or kilocalories a day.
    Power,
    /// Millimoles a litre.
    Glucose,
}

/// One number of a record.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Record type without `Record`.
    pub record: &'static str,
    /// The field; of a series that of a point.
    pub field: &'static str,
    /// How it holds its number.
    pub unit: Unit,
    /// What it becomes.
    pub metric: Metric,
}

const fn field(record: &'static str, field: &'static str, unit: Unit, metric: Metric) -> Field {
    Field {
        record,
        field,
        unit,
        metric,
    }
}

const fn member(name: &'static str) -> Unit {
    Unit::Member(name, Conversion::IDENTITY)
}

const METRES: Unit = member("inMeters");
const KILOGRAMS: Unit = member("inKilograms");
const CELSIUS: Unit = member("inCelsius");
const KILOCALORIES: Unit = member("inKilocalories");

/// Records of one number, at a moment or over an interval.
pub const NUMBERS: &[Field] = &[
    field("Steps", "count", Unit::Bare, Metric::STEP_COUNT),
    field("Distance", "distance", METRES, Metric::DISTANCE_TOTAL),
    field("ElevationGained", "elevation", METRES, Metric::ELEVATION_GAIN),
    field("FloorsClimbed", "floors", Unit::Bare, Metric::FLOORS_CLIMBED),
    field("WheelchairPushes", "count", Unit::Bare, Metric::WHEELCHAIR_PUSHES),
    field(
        "ActiveCaloriesBurned",
        "energy",
        KILOCALORIES,
        Metric::ACTIVE_ENERGY_BURNED,
    ),
    field(
        "TotalCaloriesBurned",
        "energy",
        KILOCALORIES,
        Metric::TOTAL_ENERGY_BURNED,
    ),
    field(
        "RestingHeartRate",
        "beatsPerMinute",
        Unit::Bare,
        Metric::RESTING_HEART_RATE,
    ),
    field(
        "HeartRateVariabilityRmssd",
        "heartRateVariabilityMillis",
        Unit::Bare,
        Metric::HRV_RMSSD,
    ),
    field("OxygenSaturation", "percentage", Unit::Bare, Metric::OXYGEN_SATURATION),
    field("RespiratoryRate", "rate", Unit::Bare, Metric::RESPIRATORY_RATE),
    field("BodyTemperature", "temperature", CELSIUS, Metric::BODY_TEMPERATURE),
    field(
        "BasalBodyTemperature",
        "temperature",
        CELSIUS,
        Metric::BASAL_BODY_TEMPERATURE,
    ),
    field("Vo2Max", "vo2MillilitersPerMinuteKilogram", Unit::Bare, Metric::VO2_MAX),
    field("Weight", "weight", KILOGRAMS, Metric::BODY_WEIGHT),
    field(
        "Height",
        "height",
        Unit::Member("inMeters", Conversion::ratio(100, 1)),
        Metric::BODY_HEIGHT,
    ),
    field("BodyFat", "percentage", Unit::Bare, Metric::BODY_FAT_PERCENTAGE),
    field("LeanBodyMass", "mass", KILOGRAMS, Metric::LEAN_BODY_MASS),
    field("BoneMass", "mass", KILOGRAMS, Metric::BONE_MASS),
    field("BodyWaterMass", "mass", KILOGRAMS, Metric::BODY_WATER_MASS),
    field(
        "BasalMetabolicRate",
        "basalMetabolicRate",
        Unit::Power,
        Metric::BASAL_METABOLIC_RATE,
    ),
    field("BloodGlucose", "level", Unit::Glucose, Metric::BLOOD_GLUCOSE),
    field("Hydration", "volume", member("inMilliliters"), Metric::WATER_INTAKE),
];

/// Series: a number a point.
pub const SERIES: &[Field] = &[
    field("HeartRate", "beatsPerMinute", Unit::Bare, Metric::HEART_RATE),
    field("StepsCadence", "rate", Unit::Bare, Metric::STEP_CADENCE),
    field(
        "CyclingPedalingCadence",
        "revolutionsPerMinute",
        Unit::Bare,
        Metric::CYCLING_CADENCE,
    ),
    field("Speed", "speed", member("inMetersPerSecond"), Metric::SPORT_SPEED_OTHER),
    // It does not say at which sport; meters of power are for the most part on bicycles.
    field("Power", "power", member("inWatts"), Metric::CYCLING_POWER),
];

const GRAMS: Unit = member("inGrams");
const MILLIGRAMS: Unit = Unit::Member("inGrams", Conversion::ratio(1_000, 1));
const MICROGRAMS: Unit = Unit::Member("inGrams", Conversion::ratio(1_000_000, 1));

const fn food(name: &'static str, unit: Unit, metric: Metric) -> Field {
    field("Nutrition", name, unit, metric)
}

/// What a meal held: each field that is there is a sample.
pub const NUTRITION: &[Field] = &[
    food("energy", KILOCALORIES, Metric::DIETARY_ENERGY),
    food("totalCarbohydrate", GRAMS, Metric::DIETARY_CARBOHYDRATE),
    food("protein", GRAMS, Metric::DIETARY_PROTEIN),
    food("totalFat", GRAMS, Metric::DIETARY_FAT),
    food("saturatedFat", GRAMS, Metric::DIETARY_FAT_SATURATED),
    food("monounsaturatedFat", GRAMS, Metric::DIETARY_FAT_MONOUNSATURATED),
    food("polyunsaturatedFat", GRAMS, Metric::DIETARY_FAT_POLYUNSATURATED),
    food("unsaturatedFat", GRAMS, Metric::DIETARY_FAT_UNSATURATED),
    food("transFat", GRAMS, Metric::DIETARY_FAT_TRANS),
    food("dietaryFiber", GRAMS, Metric::DIETARY_FIBER),
    food("sugar", GRAMS, Metric::DIETARY_SUGAR),
    food("sodium", MILLIGRAMS, Metric::DIETARY_SODIUM),
    food("potassium", MILLIGRAMS, Metric::DIETARY_POTASSIUM),
    food("calcium", MILLIGRAMS, Metric::DIETARY_CALCIUM),
    food("iron", MILLIGRAMS, Metric::DIETARY_IRON),
    food("cholesterol", MILLIGRAMS, Metric::DIETARY_CHOLESTEROL),
    food("caffeine", MILLIGRAMS, Metric::DIETARY_CAFFEINE),
    food("biotin", MICROGRAMS, Metric::DIETARY_BIOTIN),
    food("chloride", MILLIGRAMS, Metric::DIETARY_CHLORIDE),
    food("chromium", MICROGRAMS, Metric::DIETARY_CHROMIUM),
    food("copper", MILLIGRAMS, Metric::DIETARY_COPPER),
    food("folate", MICROGRAMS, Metric::DIETARY_FOLATE),
    food("folicAcid", MICROGRAMS, Metric::DIETARY_FOLIC_ACID),
    food("iodine", MICROGRAMS, Metric::DIETARY_IODINE),
    food("magnesium", MILLIGRAMS, Metric::DIETARY_MAGNESIUM),
    food("manganese", MILLIGRAMS, Metric::DIETARY_MANGANESE),
    food("molybdenum", MICROGRAMS, Metric::DIETARY_MOLYBDENUM),
    food("niacin", MILLIGRAMS, Metric::DIETARY_NIACIN),
    food("pantothenicAcid", MILLIGRAMS, Metric::DIETARY_PANTOTHENIC_ACID),
    food("phosphorus", MILLIGRAMS, Metric::DIETARY_PHOSPHORUS),
    food("riboflavin", MILLIGRAMS, Metric::DIETARY_RIBOFLAVIN),
    food("selenium", MICROGRAMS, Metric::DIETARY_SELENIUM),
    food("thiamin", MILLIGRAMS, Metric::DIETARY_THIAMIN),
    food("vitaminA", MICROGRAMS, Metric::DIETARY_VITAMIN_A),
    food("vitaminB12", MICROGRAMS, Metric::DIETARY_VITAMIN_B12),
    food("vitaminB6", MILLIGRAMS, Metric::DIETARY_VITAMIN_B6),
    food("vitaminC", MILLIGRAMS, Metric::DIETARY_VITAMIN_C),
    food("vitaminD", MICROGRAMS, Metric::DIETARY_VITAMIN_D),
    food("vitaminE", MILLIGRAMS, Metric::DIETARY_VITAMIN_E),
    food("vitaminK", MICROGRAMS, Metric::DIETARY_VITAMIN_K),
    food("zinc", MILLIGRAMS, Metric::DIETARY_ZINC),
];

/// A record of one code: its field, and Health Connect's numbers with those of the metric's list.
pub type Coded = (&'static str, &'static str, Metric, &'static [(i64, u32)]);

/// Records of one code.
pub const CODES: &[Coded] = &[
    (
        "MenstruationFlow",
        "flow",
        Metric::MENSTRUAL_FLOW,
        &[(0, 1), (1, 2), (2, 3), (3, 4)],
    ),
    (
        "OvulationTest",
        "result",
        Metric::OVULATION_TEST,
        &[(0, 3), (1, 2), (2, 4), (3, 1)],
    ),
    (
        "CervicalMucus",
        "appearance",
        Metric::CERVICAL_MUCUS,
        &[(1, 1), (2, 2), (3, 3), (4, 4), (5, 5)],
    ),
    (
        "SexualActivity",
        "protectionUsed",
        Metric::SEXUAL_ACTIVITY,
        &[(0, 0), (1, 1), (2, 2)],
    ),
];

/// Records that say that something took place.
pub const EVENTS: &[(&str, Metric)] = &[
    ("MenstruationPeriod", Metric::MENSTRUAL_PERIOD),
    ("IntermenstrualBleeding", Metric::INTERMENSTRUAL_BLEEDING),
];

/// Stages of sleep by number (0 unknown, 1 awake, 2 sleeping, 3 out of bed, 4 light, 5 deep, 6 REM, 7 awake in bed) as those of
/// the vocabulary's list.
pub const STAGES: [u32; 8] = [0, 1, 4, 3, 5, 6, 7, 1];
/// The stage of a night without stages.
pub const ASLEEP: u32 = 4;
/// The stage of what no stage covers.
pub const UNKNOWN_STAGE: u32 = 0;

/// Kinds of exercise with those of the vocabulary's list; any other is *other*.
pub const EXERCISES: &[(i64, u32)] = &[
    (2, 4),
    (4, 5),
    (5, 6),
    (8, 13),
    (9, 13),
    (11, 8),
    (13, 20),
    (16, 14),
    (25, 16),
    (26, 2999),
    (32, 21),
    (33, 29),
    (36, 63),
    (37, 24),
    (44, 28),
    (48, 66),
    (51, 9),
    (53, 35),
    (54, 35),
    (56, 37),
    (57, 37),
    (61, 61),
    (62, 67),
    (64, 41),
    (68, 44),
    (69, 44),
    (70, 50),
    (71, 62),
    (73, 46),
    (74, 46),
    (75, 47),
    (76, 48),
    (78, 51),
    (79, 52),
    (81, 50),
    (82, 70),
    (83, 57),
];
/// The number of an exercise of another kind.
pub const OTHER_EXERCISE: u32 = 3_000;

/// Apps that write what they measured into Health Connect, by their packages.
pub const RE_EXPORTERS: &[ReExporter] = &[
    ReExporter::new(
        "Fitbit",
        "com.fitbit.FitbitMobile",
        &["fitbit|", "google-health|FITBIT|", "google-health|merged|"],
    ),
    ReExporter::new("Google Fit", "com.google.android.apps.fitness", &["google-fit|"]),
    ReExporter::new("Withings", "com.withings.wiscale2", &[]),
    ReExporter::new("Oura", "com.ouraring.oura", &[]),
    ReExporter::new("Garmin", "com.garmin.android.apps.connectmobile", &[]),
    ReExporter::new("Omron", "jp.co.omron.healthcare.omron_connect", &["omron|"]),
];

/// What the adapter makes of each type, for pages and documents.
pub fn coverage() -> Coverage {
    let covered = |vendor_type: String, metric, how| Covered {
        vendor_type,
        metric,
        how,
    };
    let numbers = NUMBERS
        .iter()
        .map(|field| covered(field.record.to_owned(), field.metric, How::Value));
    let parts = SERIES
        .iter()
        .chain(NUTRITION)
        .map(|field| covered(format!("{}.{}", field.record, field.field), field.metric, How::Part));
    let codes = CODES
        .iter()
        .map(|(record, _, metric, _)| covered((*record).to_owned(), *metric, How::Code));
    let events = EVENTS
        .iter()
        .map(|(record, metric)| covered((*record).to_owned(), *metric, How::Event));
    let others = [
        ("BloodGlucose of interstitial fluid", Metric::CGM_GLUCOSE, How::Value),
        ("BloodPressure", Metric::BLOOD_PRESSURE, How::Part),
        ("SkinTemperature.baseline", Metric::SKIN_TEMPERATURE, How::Part),
        ("SkinTemperature.deltas", Metric::SKIN_TEMPERATURE_DEVIATION, How::Part),
        (
            "ActivityIntensity of moderate",
            Metric::ACTIVE_MINUTES_MODERATE,
            How::Length,
        ),
        (
            "ActivityIntensity of vigorous",
            Metric::ACTIVE_MINUTES_VIGOROUS,
            How::Length,
        ),
        ("MindfulnessSession", Metric::MINDFUL_SESSION, How::Length),
        ("SleepSession.stages", Metric::SLEEP_STAGE, How::Code),
        ("ExerciseSession", Metric::EXERCISE_SESSION, How::Part),
    ];
    let others = others.map(|(name, metric, how)| covered(name.to_owned(), metric, how));
    Coverage {
        identity: "metadata.id; the word with the later lastModifiedTime counts",
        re_exporters: RE_EXPORTERS,
        types: numbers.chain(parts).chain(codes).chain(events).chain(others).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_exercises_are_of_the_vocabulary() {
        for (record, _, metric, codes) in CODES {
            assert!(
                codes.iter().all(|(_, number)| metric.code(*number).is_some()),
                "{record}"
            );
        }
        for (record, metric) in EVENTS {
            assert!(metric.code(1).is_some(), "{record}");
        }
        assert!(STAGES.iter().all(|stage| Metric::SLEEP_STAGE.code(*stage).is_some()));
        let list = model::vocabulary::LIST_EXERCISE_TYPE;
        let known = |number: u32| list.iter().any(|entry| entry.number == number);
        assert!(EXERCISES.iter().all(|(_, number)| known(*number)) && known(OTHER_EXERCISE));
    }
}
