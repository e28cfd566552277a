//! What each data type of the Google Health API becomes. Types that are not here are not asked for.

use model::Metric;
use model::time::HOUR_MS;
use model::units::Conversion;

use super::rollup;
use crate::cloud::Series;
use crate::{Coverage, Covered, How, ReExporter};

/// Grows whenever this table or the mapping changes.
pub const MAPPING_VERSION: u32 = 5;

/// By what time a type is asked for, and where its points have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `interval`, by its start.
    Interval,
    /// `interval`, by its start in civil time: sessions can be asked for by nothing else.
    Session,
    /// `interval`, by its start, and only from when on.
    Since,
    /// `interval`, by its end.
    Ending,
    /// `sampleTime`.
    Moment,
    /// `date`.
    Day,
    /// `civilStartTime`, of a day that the vendor counted.
    RolledUp,
}

/// One number of a point.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Members down to it.
    pub path: &'static [&'static str],
    /// To the metric's unit.
    pub conversion: Conversion,
    /// What it becomes.
    pub metric: Metric,
}

/// What a point becomes.
#[derive(Clone, Copy, Debug)]
pub enum Makes {
    /// A sample of each number that is there.
    Numbers(&'static [Field]),
    /// A sample of one code, by the vendor's words.
    Code(&'static str, Metric, &'static [(&'static str, u32)]),
    /// That it took place.
    Event(Metric),
    /// How long it took.
    Length(Metric),
    /// Minutes at each level.
    ActiveMinutes,
    /// A number, its meaning by where it was measured.
    Glucose,
    /// Its stages.
    Sleep,
    /// One exercise.
    Exercise,
    /// Each nutrient.
    Nutrition,
    /// A temperature, and how far it is from the usual one.
    SkinTemperature,
}

/// A data type.
#[derive(Clone, Copy, Debug)]
pub struct Type {
    /// What is asked.
    pub series: Series,
    /// The member of a point that holds it.
    pub key: &'static str,
    /// Its time.
    pub kind: Kind,
    /// What it becomes.
    pub makes: Makes,
}

impl Type {
    /// Milliseconds of one window: an hour of what comes by the minute, else a day.
    pub fn window(&self) -> i64 {
        i64::from(self.series.hours) * HOUR_MS
    }

    /// As the vendor's paths and its notices have it.
    pub fn data_type(&self) -> &'static str {
        let name = self.series.name;
        name.strip_suffix(rollup::VERB).unwrap_or(name)
    }
}

/// All that is asked for: the types whose points are listed, and those whose days are counted.
pub fn types() -> impl Iterator<Item = &'static Type> {
    TYPES.iter().chain(rollup::ROLL_UPS)
}

macro_rules! scope {
    ($name:literal) => {
        concat!("https://www.googleapis.com/auth/googlehealth.", $name, ".readonly")
    };
}

pub(super) const ACTIVITY: &str = scope!("activity_and_fitness");
const MEASUREMENTS: &str = scope!("health_metrics_and_measurements");
const SLEEP: &str = scope!("sleep");
const NUTRITION: &str = scope!("nutrition");
const ECG: &str = scope!("ecg");
const RHYTHM: &str = scope!("irn");
const REPRODUCTIVE: &str = scope!("reproductive_health");

/// Days of one ask: as many as fit into one answer of 10,000 points (3.3), one point in five seconds, a minute or longer.
const SECONDS: u16 = 1;
const MINUTES: u16 = 7;
const SPARSE: u16 = 90;

const fn series(name: &'static str, scope: &'static str, days: u16, is_told: bool) -> Series {
    Series {
        name,
        scope,
        days,
        hours: if days == SPARSE { 24 } else { 1 },
        late_days: if days == SPARSE { 30 } else { 2 },
        ahead_hours: 0,
        is_told,
        merges: true,
    }
}

pub(super) const fn field(path: &'static [&'static str], conversion: Conversion, metric: Metric) -> Field {
    Field {
        path,
        conversion,
        metric,
    }
}

pub(super) const SAME: Conversion = Conversion::IDENTITY;
pub(super) const THOUSANDTH: Conversion = Conversion::ratio(1, 1_000);

const fn of(series: Series, key: &'static str, kind: Kind, makes: Makes) -> Type {
    Type {
        series,
        key,
        kind,
        makes,
    }
}

macro_rules! numbers {
    ($(($($path:literal).+, $conversion:expr, $metric:ident)),+) => {
        Makes::Numbers(&[$(field(&[$($path),+], $conversion, Metric::$metric)),+])
    };
}

/// Types whose points are listed; whether the vendor tells of them is as of late 2026.
const TYPES: &[Type] = &[
    of(
        series("steps", ACTIVITY, MINUTES, true),
        "steps",
        Kind::Interval,
        numbers![("count", SAME, STEP_COUNT)],
    ),
    of(
        series("distance", ACTIVITY, MINUTES, true),
        "distance",
        Kind::Interval,
        numbers![("millimeters", THOUSANDTH, DISTANCE_TOTAL)],
    ),
    of(
        series("floors", ACTIVITY, MINUTES, true),
        "floors",
        Kind::Interval,
        numbers![("count", SAME, FLOORS_CLIMBED)],
    ),
    of(
        series("altitude", ACTIVITY, MINUTES, true),
        "altitude",
        Kind::Interval,
        numbers![("gainMillimeters", THOUSANDTH, ELEVATION_GAIN)],
    ),
    of(
        series("active-energy-burned", ACTIVITY, MINUTES, false),
        "activeEnergyBurned",
        Kind::Interval,
        numbers![("kcal", SAME, ACTIVE_ENERGY_BURNED)],
    ),
    of(
        series("basal-energy-burned", ACTIVITY, MINUTES, false),
        "basalEnergyBurned",
        Kind::Interval,
        numbers![("kcal", SAME, BASAL_ENERGY_BURNED)],
    ),
    of(
        series("active-minutes", ACTIVITY, MINUTES, false),
        "activeMinutes",
        Kind::Interval,
        Makes::ActiveMinutes,
    ),
    of(
        series("active-zone-minutes", ACTIVITY, MINUTES, true),
        "activeZoneMinutes",
        Kind::Interval,
        numbers![("activeZoneMinutes", SAME, ACTIVE_ZONE_MINUTES)],
    ),
    of(
        series("activity-level", ACTIVITY, MINUTES, true),
        "activityLevel",
        Kind::Interval,
        Makes::Code("activityLevelType", Metric::ACTIVITY_LEVEL, LEVELS),
    ),
    of(
        series("sedentary-period", ACTIVITY, MINUTES, true),
        "sedentaryPeriod",
        Kind::Interval,
        Makes::Length(Metric::SEDENTARY_MINUTES),
    ),
    of(
        series("swim-lengths-data", ACTIVITY, MINUTES, false),
        "swimLengthsData",
        Kind::Interval,
        numbers![("strokeCount", SAME, SWIMMING_STROKES)],
    ),
    of(
        series("heart-rate", MEASUREMENTS, SECONDS, true),
        "heartRate",
        Kind::Moment,
        numbers![("beatsPerMinute", SAME, HEART_RATE)],
    ),
    of(
        series("heart-rate-variability", MEASUREMENTS, MINUTES, true),
        "heartRateVariability",
        Kind::Moment,
        numbers![
            ("rootMeanSquareOfSuccessiveDifferencesMilliseconds", SAME, HRV_RMSSD),
            ("standardDeviationMilliseconds", SAME, HRV_SDNN)
        ],
    ),
    of(
        series("oxygen-saturation", MEASUREMENTS, MINUTES, false),
        "oxygenSaturation",
        Kind::Moment,
        numbers![("percentage", SAME, OXYGEN_SATURATION)],
    ),
    of(
        series("core-body-temperature", MEASUREMENTS, SPARSE, false),
        "coreBodyTemperature",
        Kind::Moment,
        numbers![("temperatureCelsius", SAME, BODY_TEMPERATURE)],
    ),
    of(
        series("blood-glucose", MEASUREMENTS, MINUTES, true),
        "bloodGlucose",
        Kind::Moment,
        Makes::Glucose,
    ),
    of(
        series("weight", MEASUREMENTS, SPARSE, true),
        "weight",
        Kind::Moment,
        numbers![("weightGrams", THOUSANDTH, BODY_WEIGHT)],
    ),
    of(
        series("height", MEASUREMENTS, SPARSE, true),
        "height",
        Kind::Moment,
        numbers![("heightMillimeters", Conversion::ratio(1, 10), BODY_HEIGHT)],
    ),
    of(
        series("body-fat", MEASUREMENTS, SPARSE, true),
        "bodyFat",
        Kind::Moment,
        numbers![("percentage", SAME, BODY_FAT_PERCENTAGE)],
    ),
    of(
        series("vo2-max", ACTIVITY, SPARSE, false),
        "vo2Max",
        Kind::Moment,
        numbers![("vo2Max", SAME, VO2_MAX)],
    ),
    of(
        series("run-vo2-max", ACTIVITY, SPARSE, true),
        "runVo2Max",
        Kind::Moment,
        numbers![("runVo2Max", SAME, VO2_MAX)],
    ),
    of(
        series("daily-vo2-max", ACTIVITY, SPARSE, false),
        "dailyVo2Max",
        Kind::Day,
        numbers![("vo2Max", SAME, VO2_MAX)],
    ),
    of(
        series("daily-resting-heart-rate", MEASUREMENTS, SPARSE, true),
        "dailyRestingHeartRate",
        Kind::Day,
        numbers![("beatsPerMinute", SAME, RESTING_HEART_RATE)],
    ),
    of(
        series("daily-heart-rate-variability", MEASUREMENTS, SPARSE, true),
        "dailyHeartRateVariability",
        Kind::Day,
        numbers![("averageHeartRateVariabilityMilliseconds", SAME, HRV_RMSSD)],
    ),
    of(
        series("daily-oxygen-saturation", MEASUREMENTS, SPARSE, true),
        "dailyOxygenSaturation",
        Kind::Day,
        numbers![("averagePercentage", SAME, OXYGEN_SATURATION_DAILY_MEAN)],
    ),
    of(
        series("daily-respiratory-rate", MEASUREMENTS, SPARSE, true),
        "dailyRespiratoryRate",
        Kind::Day,
        numbers![("breathsPerMinute", SAME, RESPIRATORY_RATE_SLEEP_MEAN)],
    ),
    of(
        series("respiratory-rate-sleep-summary", MEASUREMENTS, SPARSE, true),
        "respiratoryRateSleepSummary",
        Kind::Moment,
        numbers![("fullSleepStats"."breathsPerMinute", SAME, RESPIRATORY_RATE_SLEEP_MEAN)],
    ),
    of(
        series("daily-sleep-temperature-derivations", MEASUREMENTS, SPARSE, true),
        "dailySleepTemperatureDerivations",
        Kind::Day,
        Makes::SkinTemperature,
    ),
    of(
        series("sleep", SLEEP, SPARSE, true),
        "sleep",
        Kind::Ending,
        Makes::Sleep,
    ),
    of(
        series("exercise", ACTIVITY, SPARSE, true),
        "exercise",
        Kind::Session,
        Makes::Exercise,
    ),
    of(
        series("hydration-log", NUTRITION, SPARSE, true),
        "hydrationLog",
        Kind::Session,
        numbers![("amountConsumed"."milliliters", SAME, WATER_INTAKE)],
    ),
    of(
        series("nutrition-log", NUTRITION, SPARSE, true),
        "nutritionLog",
        Kind::Session,
        Makes::Nutrition,
    ),
    of(
        series("electrocardiogram", ECG, SPARSE, false),
        "electrocardiogram",
        Kind::Since,
        Makes::Code("resultClassification", Metric::ECG_CLASSIFICATION, RESULTS),
    ),
    of(
        series("irregular-rhythm-notification", RHYTHM, SPARSE, false),
        "irregularRhythmNotification",
        Kind::Session,
        Makes::Event(Metric::IRREGULAR_RHYTHM_EVENT),
    ),
    of(
        series("menstrual-period", REPRODUCTIVE, SPARSE, false),
        "menstrualPeriod",
        Kind::Interval,
        Makes::Event(Metric::MENSTRUAL_PERIOD),
    ),
    of(
        series("ovulation-test", REPRODUCTIVE, SPARSE, false),
        "ovulationTest",
        Kind::Moment,
        Makes::Code("result", Metric::OVULATION_TEST, OVULATION),
    ),
];

const LEVELS: &[(&str, u32)] = &[
    ("SEDENTARY", 1),
    ("LIGHTLY_ACTIVE", 2),
    ("MODERATELY_ACTIVE", 3),
    ("VERY_ACTIVE", 4),
];

const RESULTS: &[(&str, u32)] = &[
    ("NOT_ANALYZED", 0),
    ("NORMAL_SINUS_RHYTHM", 1),
    ("ATRIAL_FIBRILLATION", 2),
    ("INCONCLUSIVE_LOW_HEART_RATE", 3),
    ("INCONCLUSIVE_HIGH_HEART_RATE", 4),
    ("UNREADABLE", 5),
    ("INCONCLUSIVE", 6),
];

const OVULATION: &[(&str, u32)] = &[
    ("NEGATIVE", 1),
    ("LUTEINIZING_HORMONE_SURGE", 2),
    ("POSITIVE", 2),
    ("INDETERMINATE", 3),
    ("ESTROGEN_SURGE", 4),
];

/// Levels of active minutes.
pub const ACTIVE_MINUTES: &[(&str, Metric)] = &[
    ("LIGHT", Metric::ACTIVE_MINUTES_LIGHT),
    ("MODERATE", Metric::ACTIVE_MINUTES_MODERATE),
    ("VIGOROUS", Metric::ACTIVE_MINUTES_VIGOROUS),
];

/// Stages of sleep.
pub const STAGES: &[(&str, u32)] = &[
    ("AWAKE", 1),
    ("ASLEEP", 4),
    ("LIGHT", 5),
    ("DEEP", 6),
    ("REM", 7),
    ("RESTLESS", 8),
];
/// The stage of what has none that is known.
pub const UNKNOWN_STAGE: u32 = 0;
/// The stage of a short waking.
pub const AWAKE: u32 = 1;
/// The stage of being up.
pub const OUT_OF_BED: u32 = 3;
/// The stage of a sleep without stages.
pub const ASLEEP: u32 = 4;

/// Kinds of exercise whose name is not that of the vocabulary's list; any other is *other*.
pub const EXERCISES: &[(&str, &str)] = &[
    ("BIKING", "cycling"),
    ("MOUNTAIN_BIKE", "cycling"),
    ("SPINNING", "cycling"),
    ("OUTDOOR_BIKE", "cycling"),
    ("SWIMMING_POOL", "swimming"),
    ("SWIMMING_OPEN_WATER", "swimming"),
    ("STRENGTH_TRAINING", "traditional-strength-training"),
    ("WEIGHTS", "traditional-strength-training"),
    ("WEIGHTLIFTING", "traditional-strength-training"),
    ("HIIT", "high-intensity-interval-training"),
    ("INTERVAL_WORKOUT", "high-intensity-interval-training"),
    ("TREADMILL_RUNNING", "running"),
    ("TREADMILL_WALKING", "walking"),
    ("TREADMILL", "running"),
    ("WALK", "walking"),
    ("RUN", "running"),
    ("HIKE", "hiking"),
    ("ROWING_MACHINE", "rowing"),
    ("STAIR_CLIMBING_MACHINE", "stair-climbing"),
    ("STAIRCLIMBER", "stair-climbing"),
    ("DANCING", "dance"),
    ("CORE_TRAINING", "core-training"),
    ("SKIING", "downhill-skiing"),
];
/// The number of an exercise of another kind.
pub const OTHER_EXERCISE: u32 = 3_000;

const GRAMS: Conversion = SAME;
const MILLIGRAMS: Conversion = Conversion::ratio(1_000, 1);
const MICROGRAMS: Conversion = Conversion::ratio(1_000_000, 1);

/// Nutrients by name, in grams.
pub const NUTRIENTS: &[(&str, Conversion, Metric)] = &[
    ("PROTEIN", GRAMS, Metric::DIETARY_PROTEIN),
    ("SATURATED_FAT", GRAMS, Metric::DIETARY_FAT_SATURATED),
    ("MONOUNSATURATED_FAT", GRAMS, Metric::DIETARY_FAT_MONOUNSATURATED),
    ("POLYUNSATURATED_FAT", GRAMS, Metric::DIETARY_FAT_POLYUNSATURATED),
    ("UNSATURATED_FAT", GRAMS, Metric::DIETARY_FAT_UNSATURATED),
    ("TRANS_FAT", GRAMS, Metric::DIETARY_FAT_TRANS),
    ("DIETARY_FIBER", GRAMS, Metric::DIETARY_FIBER),
    ("SUGAR", GRAMS, Metric::DIETARY_SUGAR),
    ("SODIUM", MILLIGRAMS, Metric::DIETARY_SODIUM),
    ("POTASSIUM", MILLIGRAMS, Metric::DIETARY_POTASSIUM),
    ("CALCIUM", MILLIGRAMS, Metric::DIETARY_CALCIUM),
    ("IRON", MILLIGRAMS, Metric::DIETARY_IRON),
    ("CHOLESTEROL", MILLIGRAMS, Metric::DIETARY_CHOLESTEROL),
    ("CAFFEINE", MILLIGRAMS, Metric::DIETARY_CAFFEINE),
    ("BIOTIN", MICROGRAMS, Metric::DIETARY_BIOTIN),
    ("CHLORIDE", MILLIGRAMS, Metric::DIETARY_CHLORIDE),
    ("CHROMIUM", MICROGRAMS, Metric::DIETARY_CHROMIUM),
    ("COPPER", MILLIGRAMS, Metric::DIETARY_COPPER),
    ("FOLATE", MICROGRAMS, Metric::DIETARY_FOLATE),
    ("FOLIC_ACID", MICROGRAMS, Metric::DIETARY_FOLIC_ACID),
    ("IODINE", MICROGRAMS, Metric::DIETARY_IODINE),
    ("MAGNESIUM", MILLIGRAMS, Metric::DIETARY_MAGNESIUM),
    ("MANGANESE", MILLIGRAMS, Metric::DIETARY_MANGANESE),
    ("MOLYBDENUM", MICROGRAMS, Metric::DIETARY_MOLYBDENUM),
    ("NIACIN", MILLIGRAMS, Metric::DIETARY_NIACIN),
    ("PANTOTHENIC_ACID", MILLIGRAMS, Metric::DIETARY_PANTOTHENIC_ACID),
    ("PHOSPHORUS", MILLIGRAMS, Metric::DIETARY_PHOSPHORUS),
    ("RIBOFLAVIN", MILLIGRAMS, Metric::DIETARY_RIBOFLAVIN),
    ("SELENIUM", MICROGRAMS, Metric::DIETARY_SELENIUM),
    ("THIAMIN", MILLIGRAMS, Metric::DIETARY_THIAMIN),
    ("VITAMIN_A", MICROGRAMS, Metric::DIETARY_VITAMIN_A),
    ("VITAMIN_B12", MICROGRAMS, Metric::DIETARY_VITAMIN_B12),
    ("VITAMIN_B6", MILLIGRAMS, Metric::DIETARY_VITAMIN_B6),
    ("VITAMIN_C", MILLIGRAMS, Metric::DIETARY_VITAMIN_C),
    ("VITAMIN_D", MICROGRAMS, Metric::DIETARY_VITAMIN_D),
    ("VITAMIN_E", MILLIGRAMS, Metric::DIETARY_VITAMIN_E),
    ("VITAMIN_K", MICROGRAMS, Metric::DIETARY_VITAMIN_K),
    ("ZINC", MILLIGRAMS, Metric::DIETARY_ZINC),
];

/// What a meal held, besides its nutrients.
pub const MEAL: &[Field] = &[
    field(&["energy", "kcal"], SAME, Metric::DIETARY_ENERGY),
    field(&["totalFat", "grams"], SAME, Metric::DIETARY_FAT),
    field(&["totalCarbohydrate", "grams"], SAME, Metric::DIETARY_CARBOHYDRATE),
];

/// Platforms through which others' data comes, by `dataSource.platform`. What came by Health Connect is told by its package, where it is
/// named; whose anything else was, nobody says.
pub const RE_EXPORTERS: &[ReExporter] = &[
    ReExporter::new("Health Connect", HEALTH_CONNECT, &[]),
    ReExporter::new("Apple Health", HEALTH_KIT, &[]),
    ReExporter::new("Google Fit", "FIT", &["google-fit|"]),
];

/// The platform of the vendor's own devices and apps.
pub const FITBIT: &str = "FITBIT";

/// The platform by which apps wrote to the service before.
pub const FITBIT_WEB_API: &str = "FITBIT_WEB_API";

/// The platform by which the apps of a phone of Android write.
pub const HEALTH_CONNECT: &str = "HEALTH_CONNECT";

/// The same of an iPhone.
pub const HEALTH_KIT: &str = "HEALTH_KIT";

impl Type {
    /// What it becomes, each with the vendor's name of it.
    fn covered(&self) -> Vec<Covered> {
        let name = self.series.name;
        let covered = |vendor_type: String, metric: Metric, how: How| Covered {
            vendor_type,
            metric,
            how,
        };
        let fields = |fields: &[Field], how: How| {
            let named = fields
                .iter()
                .map(|field| covered(format!("{name}.{}", field.path.join(".")), field.metric, how));
            named.collect::<Vec<_>>()
        };
        match self.makes {
            Makes::Numbers(numbers) => fields(numbers, How::Value),
            Makes::Code(member, metric, _) => vec![covered(format!("{name}.{member}"), metric, How::Code)],
            Makes::Event(metric) => vec![covered(name.to_owned(), metric, How::Event)],
            Makes::Length(metric) => vec![covered(name.to_owned(), metric, How::Length)],
            Makes::ActiveMinutes => {
                let levels = ACTIVE_MINUTES.iter();
                levels
                    .map(|(level, metric)| covered(format!("{name} at {level}"), *metric, How::Value))
                    .collect()
            }
            Makes::Glucose => vec![
                covered(name.to_owned(), Metric::BLOOD_GLUCOSE, How::Value),
                covered(format!("{name} of interstitial fluid"), Metric::CGM_GLUCOSE, How::Value),
            ],
            Makes::Sleep => vec![covered(format!("{name}.stages"), Metric::SLEEP_STAGE, How::Code)],
            Makes::Exercise => vec![covered(name.to_owned(), Metric::EXERCISE_SESSION, How::Part)],
            Makes::Nutrition => {
                let mut all = fields(MEAL, How::Part);
                let nutrients = NUTRIENTS.iter();
                all.extend(nutrients.map(|(word, _, metric)| covered(format!("{name} of {word}"), *metric, How::Part)));
                all
            }
            Makes::SkinTemperature => vec![
                covered(
                    format!("{name}.nightlyTemperatureCelsius"),
                    Metric::SKIN_TEMPERATURE,
                    How::Value,
                ),
                covered(
                    format!("{name} from its baseline"),
                    Metric::SKIN_TEMPERATURE_DEVIATION,
                    How::Value,
                ),
            ],
        }
    }

    /// What it becomes.
    pub fn metrics(&self) -> Vec<Metric> {
        self.covered().iter().map(|covered| covered.metric).collect()
    }
}

/// What the adapter makes of each type, for pages and documents.
pub fn coverage() -> Coverage {
    Coverage {
        identity: "type, time, source and, where it has one, name; an answer names all that is left of its hours or days",
        re_exporters: RE_EXPORTERS,
        types: types().flat_map(Type::covered).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_exercises_are_of_the_vocabulary() {
        for kind in types() {
            if let Makes::Code(_, metric, codes) = kind.makes {
                assert!(
                    codes.iter().all(|(_, number)| metric.code(*number).is_some()),
                    "{}",
                    kind.key
                );
            }
        }
        assert!(
            STAGES
                .iter()
                .all(|(_, stage)| Metric::SLEEP_STAGE.code(*stage).is_some())
        );
        let list = model::vocabulary::LIST_EXERCISE_TYPE;
        let unknown = EXERCISES
            .iter()
            .find(|(_, key)| list.iter().all(|entry| entry.key != *key));
        assert_eq!(unknown, None);
    }
}
