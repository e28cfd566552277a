//! What each data type of Google Fit becomes.

use model::Metric;
use model::units::Conversion;

use crate::cloud::Series;
use crate::{Coverage, Covered, How};

/// Grows whenever this table or the mapping changes.
pub const MAPPING_VERSION: u32 = 2;

/// What a point becomes. Its values stand in the order of the type's fields.
#[derive(Clone, Copy, Debug)]
pub enum Makes {
    /// Its first value.
    Number(Metric, Conversion),
    /// Its first value as a code, by the vendor's numbers.
    Code(Metric, &'static [(i64, u32)]),
    /// That it took place.
    Event(Metric),
    /// Systolic, diastolic.
    Pressure,
    /// Millimoles a litre, and by what specimen.
    Glucose,
    /// A stage.
    Sleep,
    /// A kind of activity; of interest where it is sleep.
    Activity,
    /// Each nutrient of its map.
    Nutrition,
    /// Where somebody was: not kept.
    Place,
}

/// A data type, without `com.google.`.
#[derive(Clone, Copy, Debug)]
pub struct Type {
    /// Its name.
    pub name: &'static str,
    /// What it becomes.
    pub makes: Makes,
    /// The end of the scope that opens it.
    pub area: &'static str,
    /// Of the stream that merges all sources of it.
    pub merged: &'static str,
}

const SAME: Conversion = Conversion::IDENTITY;

const fn of(name: &'static str, makes: Makes, area: &'static str, merged: &'static str) -> Type {
    Type {
        name,
        makes,
        area,
        merged,
    }
}

const fn number(metric: Metric) -> Makes {
    Makes::Number(metric, SAME)
}

/// All types that become something. The names of merged streams are those that clients ask for.
pub const TYPES: &[Type] = &[
    of(
        "step_count.delta",
        number(Metric::STEP_COUNT),
        "activity",
        "merge_step_deltas",
    ),
    of(
        "distance.delta",
        number(Metric::DISTANCE_TOTAL),
        "location",
        "merge_distance_delta",
    ),
    // With what is burned at rest.
    of(
        "calories.expended",
        number(Metric::TOTAL_ENERGY_BURNED),
        "activity",
        "merge_calories_expended",
    ),
    of(
        "calories.bmr",
        number(Metric::BASAL_METABOLIC_RATE),
        "activity",
        "merged",
    ),
    of(
        "heart_minutes",
        number(Metric::ACTIVE_ZONE_MINUTES),
        "activity",
        "merge_heart_minutes",
    ),
    of(
        "heart_rate.bpm",
        number(Metric::HEART_RATE),
        "heart_rate",
        "merge_heart_rate_bpm",
    ),
    of("weight", number(Metric::BODY_WEIGHT), "body", "merge_weight"),
    of(
        "height",
        Makes::Number(Metric::BODY_HEIGHT, Conversion::ratio(100, 1)),
        "body",
        "merge_height",
    ),
    of(
        "body.fat.percentage",
        number(Metric::BODY_FAT_PERCENTAGE),
        "body",
        "merged",
    ),
    of("blood_pressure", Makes::Pressure, "blood_pressure", "merged"),
    of("blood_glucose", Makes::Glucose, "blood_glucose", "merged"),
    of(
        "oxygen_saturation",
        number(Metric::OXYGEN_SATURATION),
        "oxygen_saturation",
        "merged",
    ),
    of(
        "body.temperature",
        number(Metric::BODY_TEMPERATURE),
        "body_temperature",
        "merged",
    ),
    of(
        "body.temperature.basal",
        number(Metric::BASAL_BODY_TEMPERATURE),
        "reproductive_health",
        "merged",
    ),
    of("sleep.segment", Makes::Sleep, "sleep", "merged"),
    of(
        "activity.segment",
        Makes::Activity,
        "activity",
        "merge_activity_segments",
    ),
    of(
        "hydration",
        Makes::Number(Metric::WATER_INTAKE, Conversion::ratio(1_000, 1)),
        "nutrition",
        "merged",
    ),
    of("nutrition", Makes::Nutrition, "nutrition", "merged"),
    of(
        "cycling.pedaling.cadence",
        number(Metric::CYCLING_CADENCE),
        "activity",
        "merged",
    ),
    of("power.sample", number(Metric::CYCLING_POWER), "activity", "merged"),
    of("step_count.cadence", number(Metric::STEP_CADENCE), "activity", "merged"),
    of("speed", number(Metric::SPORT_SPEED_OTHER), "location", "merge_speed"),
    of(
        "menstruation",
        Makes::Code(Metric::MENSTRUAL_FLOW, &[(1, 1), (2, 2), (3, 3), (4, 4)]),
        "reproductive_health",
        "merged",
    ),
    of(
        "ovulation_test",
        Makes::Code(Metric::OVULATION_TEST, &[(1, 1), (2, 2)]),
        "reproductive_health",
        "merged",
    ),
    of(
        "vaginal_spotting",
        Makes::Event(Metric::INTERMENSTRUAL_BLEEDING),
        "reproductive_health",
        "merged",
    ),
    of("location.sample", Makes::Place, "location", "merged"),
];

/// Types that come by the minute or more often.
const FREQUENT: &[&str] = &[
    "step_count.delta",
    "distance.delta",
    "calories.expended",
    "heart_minutes",
    "heart_rate.bpm",
];

/// What is asked for by a cloud's link: merged streams, and sessions.
pub const ASKED: &[&str] = &[
    "step_count.delta",
    "distance.delta",
    "calories.expended",
    "heart_minutes",
    "heart_rate.bpm",
    "weight",
    "height",
    "body.fat.percentage",
    "blood_pressure",
    "blood_glucose",
    "oxygen_saturation",
    "body.temperature",
    "body.temperature.basal",
    "sleep.segment",
    "hydration",
    "nutrition",
    "menstruation",
    "ovulation_test",
];

/// The series of sessions.
pub const SESSIONS: &str = "sessions";

/// The scope of an area.
const fn scope(area: &str) -> &'static str {
    match area.as_bytes() {
        b"location" => "https://www.googleapis.com/auth/fitness.location.read",
        b"heart_rate" => "https://www.googleapis.com/auth/fitness.heart_rate.read",
        b"body" => "https://www.googleapis.com/auth/fitness.body.read",
        b"blood_pressure" => "https://www.googleapis.com/auth/fitness.blood_pressure.read",
        b"blood_glucose" => "https://www.googleapis.com/auth/fitness.blood_glucose.read",
        b"oxygen_saturation" => "https://www.googleapis.com/auth/fitness.oxygen_saturation.read",
        b"body_temperature" => "https://www.googleapis.com/auth/fitness.body_temperature.read",
        b"reproductive_health" => "https://www.googleapis.com/auth/fitness.reproductive_health.read",
        b"sleep" => "https://www.googleapis.com/auth/fitness.sleep.read",
        b"nutrition" => "https://www.googleapis.com/auth/fitness.nutrition.read",
        _ => "https://www.googleapis.com/auth/fitness.activity.read",
    }
}

/// All series of a link. Phones hand over what they have whenever they have a network, so late records are looked for.
pub fn series() -> Vec<Series> {
    let of = |name, area, is_frequent| Series {
        name,
        scope: scope(area),
        days: if is_frequent { 7 } else { 90 },
        hours: if is_frequent { 1 } else { 24 },
        late_days: if is_frequent { 7 } else { 30 },
        ahead_hours: 0,
        is_told: false,
        merges: false,
    };
    let types = TYPES.iter().filter(|kind| ASKED.contains(&kind.name));
    let types = types.map(|kind| of(kind.name, kind.area, FREQUENT.contains(&kind.name)));
    types.chain([of(SESSIONS, "activity", false)]).collect()
}

/// The type with this name, with or without its beginning.
pub fn named(name: &str) -> Option<&'static Type> {
    let name = name.strip_prefix("com.google.").unwrap_or(name);
    TYPES.iter().find(|kind| kind.name == name)
}

/// What a number that was parked becomes.
pub fn promotes(vendor_type: &str) -> Option<(Metric, Conversion)> {
    match named(vendor_type)?.makes {
        Makes::Number(metric, conversion) => Some((metric, conversion)),
        _ => None,
    }
}

/// Stages of `sleep.segment`: 1 awake, 2 asleep, 3 out of bed, 4 light, 5 deep, 6 REM.
pub const STAGES: &[(i64, u32)] = &[(1, 1), (2, ASLEEP), (3, 3), (4, 5), (5, 6), (6, 7)];
/// Kinds of activity that are sleep: asleep, light, deep, REM, awake.
pub const SLEEP_ACTIVITIES: &[(i64, u32)] = &[(72, ASLEEP), (109, 5), (110, 6), (111, 7), (112, 1)];
/// Asleep, of no known stage.
pub const ASLEEP: u32 = 4;
/// A stage that nobody knows.
pub const UNKNOWN_STAGE: u32 = 0;

/// Nutrients of a meal, by their keys.
pub const NUTRIENTS: &[(&str, Conversion, Metric)] = &[
    ("calories", SAME, Metric::DIETARY_ENERGY),
    ("carbs.total", SAME, Metric::DIETARY_CARBOHYDRATE),
    ("protein", SAME, Metric::DIETARY_PROTEIN),
    ("fat.total", SAME, Metric::DIETARY_FAT),
    ("fat.saturated", SAME, Metric::DIETARY_FAT_SATURATED),
    ("fat.monounsaturated", SAME, Metric::DIETARY_FAT_MONOUNSATURATED),
    ("fat.polyunsaturated", SAME, Metric::DIETARY_FAT_POLYUNSATURATED),
    ("fat.unsaturated", SAME, Metric::DIETARY_FAT_UNSATURATED),
    ("fat.trans", SAME, Metric::DIETARY_FAT_TRANS),
    ("dietary_fiber", SAME, Metric::DIETARY_FIBER),
    ("sugar", SAME, Metric::DIETARY_SUGAR),
    ("sodium", SAME, Metric::DIETARY_SODIUM),
    ("potassium", SAME, Metric::DIETARY_POTASSIUM),
    ("calcium", SAME, Metric::DIETARY_CALCIUM),
    ("iron", SAME, Metric::DIETARY_IRON),
    ("cholesterol", SAME, Metric::DIETARY_CHOLESTEROL),
    ("vitamin_c", SAME, Metric::DIETARY_VITAMIN_C),
];

/// Kinds of activity: the number of the API, the word of the archive, and the vocabulary's number. Any other is *other*.
pub const EXERCISES: &[(i64, &str, u32)] = &[
    (1, "biking", 13),
    (7, "walking", 52),
    (8, "running", 37),
    (9, "aerobics", 73),
    (10, "badminton", 4),
    (11, "baseball", 5),
    (12, "basketball", 6),
    (14, "biking.hand", 74),
    (15, "biking.mountain", 13),
    (16, "biking.road", 13),
    (17, "biking.spinning", 13),
    (18, "biking.stationary", 13),
    (19, "biking.utility", 13),
    (20, "boxing", 8),
    (23, "cricket", 10),
    (24, "dancing", 14),
    (25, "elliptical", 16),
    (26, "fencing", 18),
    (27, "football.american", 1),
    (28, "football.australian", 3),
    (29, "football.soccer", 41),
    (30, "frisbee_disc", 75),
    (32, "golf", 21),
    (33, "gymnastics", 22),
    (34, "handball", 23),
    (35, "hiking", 24),
    (36, "hockey", 25),
    (37, "horseback_riding", 17),
    (39, "jump_rope", 64),
    (40, "kayaking", 31),
    (42, "kickboxing", 65),
    (44, "martial_arts", 28),
    (49, "pilates", 66),
    (51, "racquetball", 34),
    (52, "rock_climbing", 9),
    (53, "rowing", 35),
    (54, "rowing.machine", 35),
    (55, "rugby", 36),
    (56, "running.jogging", 37),
    (57, "running.sand", 37),
    (58, "running.treadmill", 37),
    (59, "sailing", 38),
    (60, "scuba_diving", 84),
    (62, "skating", 39),
    (67, "skiing.cross_country", 60),
    (68, "skiing.downhill", 61),
    (73, "snowboarding", 67),
    (76, "squash", 43),
    (77, "stair_climbing", 44),
    (78, "stair_climbing.machine", 44),
    (80, "strength_training", 50),
    (81, "surfing", 45),
    (82, "swimming", 46),
    (83, "swimming.pool", 46),
    (84, "swimming.open_water", 46),
    (85, "table_tennis", 47),
    (87, "tennis", 48),
    (89, "volleyball", 51),
    (93, "walking.fitness", 52),
    (94, "walking.nordic", 52),
    (95, "walking.treadmill", 52),
    (96, "water_polo", 54),
    (97, "weightlifting", 50),
    (100, "yoga", 57),
    (101, "zumba", 77),
    (106, "curling", 12),
    (114, "interval_training.high_intensity", 63),
    (116, "walking.stroller", 52),
    (119, "archery", 2),
    (120, "softball", 42),
];
/// The number of an exercise of another kind.
pub const OTHER_EXERCISE: u32 = 3_000;

/// Sessions that are no exercise: in a vehicle, still, unknown, tilting.
pub const NO_EXERCISE: &[(i64, &str)] = &[(0, "in_vehicle"), (3, "still"), (4, "unknown"), (5, "tilting")];
/// Sessions of rest: meditation and guided breathing.
pub const MINDFUL: &[(i64, &str)] = &[(45, "meditation"), (122, "guided_breathing")];

/// What is made of each type that an archive may hold, for pages and documents.
pub fn types() -> Vec<Covered> {
    made_of(TYPES.iter())
}

fn made_of(kinds: impl Iterator<Item = &'static Type>) -> Vec<Covered> {
    let covered = |vendor_type: &str, metric, how| Covered {
        vendor_type: vendor_type.to_owned(),
        metric,
        how,
    };
    let mut types = Vec::new();
    for kind in kinds {
        match kind.makes {
            Makes::Number(metric, _) => types.push(covered(kind.name, metric, How::Value)),
            Makes::Code(metric, _) => types.push(covered(kind.name, metric, How::Code)),
            Makes::Event(metric) => types.push(covered(kind.name, metric, How::Event)),
            Makes::Pressure => types.push(covered(kind.name, Metric::BLOOD_PRESSURE, How::Part)),
            Makes::Glucose => {
                types.push(covered(kind.name, Metric::BLOOD_GLUCOSE, How::Value));
                types.push(covered(
                    "blood_glucose of interstitial fluid",
                    Metric::CGM_GLUCOSE,
                    How::Value,
                ));
            }
            Makes::Sleep | Makes::Activity => types.push(covered(kind.name, Metric::SLEEP_STAGE, How::Code)),
            Makes::Nutrition => {
                let nutrient = |(key, _, metric): &(&str, Conversion, Metric)| {
                    covered(&format!("nutrition.{key}"), *metric, How::Part)
                };
                types.extend(NUTRIENTS.iter().map(nutrient));
            }
            Makes::Place => {}
        }
    }
    types.push(covered(SESSIONS, Metric::EXERCISE_SESSION, How::Part));
    types.push(covered(
        "sessions of meditation or breathing",
        Metric::MINDFUL_SESSION,
        How::Length,
    ));
    types
}

/// For pages and documents: what is asked for. Of other types nothing comes this way.
pub fn coverage() -> Coverage {
    Coverage {
        identity: "data source, start and end; a window of hours or days counts as it was answered last",
        re_exporters: &[],
        types: made_of(TYPES.iter().filter(|kind| ASKED.contains(&kind.name))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_exercises_are_of_the_vocabulary() {
        for kind in TYPES {
            if let Makes::Code(metric, codes) = kind.makes {
                assert!(codes.iter().all(|(_, number)| metric.code(*number).is_some()));
            }
        }
        let stages = STAGES.iter().chain(SLEEP_ACTIVITIES);
        for (theirs, stage) in stages {
            assert!(Metric::SLEEP_STAGE.code(*stage).is_some(), "{theirs}");
        }
        let list = model::vocabulary::LIST_EXERCISE_TYPE;
        for (theirs, _, code) in EXERCISES {
            assert!(list.iter().any(|entry| entry.number == *code), "{theirs}");
        }
    }

    #[test]
    fn what_is_asked_for_is_known() {
        assert!(ASKED.iter().all(|name| named(name).is_some()));
        assert_eq!(series().len(), ASKED.len() + 1);
    }
}
