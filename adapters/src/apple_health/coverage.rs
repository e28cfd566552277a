//! The declared table: each Apple type, the metric it becomes, and how its units convert.
//!
//! Types that are not here are parked when they are numbers, else kept as text. Facts: Apple's HealthKit headers; units are
//! whatever the person chose, so every record's unit is read.

use model::Metric;
use model::decimal::Decimal;
use model::sample::Flags;
use model::units::Conversion;

use crate::MetadataUse;

/// Grows whenever this table or the mapping changes.
pub const MAPPING_VERSION: u32 = 1;

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

/// Severity and presence values.
const SEVERITY: &[(&str, u32)] = &[
    ("SeverityUnspecified", 0),
    ("SeverityNotPresent", 1),
    ("SeverityMild", 2),
    ("SeverityModerate", 3),
    ("SeveritySevere", 4),
    ("PresencePresent", 0),
    ("PresenceNotPresent", 1),
    ("AppetiteChangesUnspecified", 0),
    ("AppetiteChangesNoChange", 5),
    ("AppetiteChangesDecreased", 6),
    ("AppetiteChangesIncreased", 7),
    ("NotApplicable", 0),
];

const SLEEP: &[(&str, u32)] = &[
    ("SleepAnalysisInBed", 2),
    ("SleepAnalysisAsleep", 4),
    ("SleepAnalysisAsleepUnspecified", 4),
    ("SleepAnalysisAwake", 1),
    ("SleepAnalysisAsleepCore", 5),
    ("SleepAnalysisAsleepDeep", 6),
    ("SleepAnalysisAsleepREM", 7),
];

const STAND: &[(&str, u32)] = &[("AppleStandHourStood", 0), ("AppleStandHourIdle", 1)];

const FLOW: &[(&str, u32)] = &[
    ("MenstrualFlowUnspecified", 1),
    ("MenstrualFlowLight", 2),
    ("MenstrualFlowMedium", 3),
    ("MenstrualFlowHeavy", 4),
    ("MenstrualFlowNone", 5),
    ("VaginalBleedingUnspecified", 1),
    ("VaginalBleedingLight", 2),
    ("VaginalBleedingMedium", 3),
    ("VaginalBleedingHeavy", 4),
    ("VaginalBleedingNone", 5),
];

const OVULATION: &[(&str, u32)] = &[
    ("OvulationTestResultNegative", 1),
    ("OvulationTestResultLuteinizingHormoneSurge", 2),
    ("OvulationTestResultPositive", 2),
    ("OvulationTestResultIndeterminate", 3),
    ("OvulationTestResultEstrogenSurge", 4),
];

const TEST: &[(&str, u32)] = &[
    ("PregnancyTestResultNegative", 1),
    ("PregnancyTestResultPositive", 2),
    ("PregnancyTestResultIndeterminate", 3),
    ("ProgesteroneTestResultNegative", 1),
    ("ProgesteroneTestResultPositive", 2),
    ("ProgesteroneTestResultIndeterminate", 3),
];

const MUCUS: &[(&str, u32)] = &[
    ("CervicalMucusQualityDry", 1),
    ("CervicalMucusQualitySticky", 2),
    ("CervicalMucusQualityCreamy", 3),
    ("CervicalMucusQualityWatery", 4),
    ("CervicalMucusQualityEggWhite", 5),
];

const CONTRACEPTIVE: &[(&str, u32)] = &[
    ("ContraceptiveUnspecified", 1),
    ("ContraceptiveImplant", 2),
    ("ContraceptiveInjection", 3),
    ("ContraceptiveIntrauterineDevice", 4),
    ("ContraceptiveIntravaginalRing", 5),
    ("ContraceptiveOral", 6),
    ("ContraceptivePatch", 7),
];

const MENOPAUSE: &[(&str, u32)] = &[
    ("MenopausalStateMenopause", 1),
    ("MenopausalStatePerimenopause", 2),
    ("MenopausalStateNone", 3),
];

const STEADINESS: &[(&str, u32)] = &[
    ("AppleWalkingSteadinessEventInitialLow", 1),
    ("AppleWalkingSteadinessEventInitialVeryLow", 2),
    ("AppleWalkingSteadinessEventRepeatLow", 3),
    ("AppleWalkingSteadinessEventRepeatVeryLow", 4),
];

/// Quantity types, without their prefix.
const QUANTITIES: &[(&str, Metric)] = &[
    ("StepCount", Metric::STEP_COUNT),
    ("HeartRate", Metric::HEART_RATE),
    ("ActiveEnergyBurned", Metric::ACTIVE_ENERGY_BURNED),
    ("BasalEnergyBurned", Metric::BASAL_ENERGY_BURNED),
    ("DistanceWalkingRunning", Metric::DISTANCE_WALKING_RUNNING),
    ("DistanceCycling", Metric::DISTANCE_CYCLING),
    ("DistanceSwimming", Metric::DISTANCE_SWIMMING),
    ("DistanceWheelchair", Metric::DISTANCE_WHEELCHAIR),
    ("DistanceDownhillSnowSports", Metric::DISTANCE_SNOW_SPORTS),
    ("DistanceCrossCountrySkiing", Metric::DISTANCE_OTHER_SPORT),
    ("DistancePaddleSports", Metric::DISTANCE_OTHER_SPORT),
    ("DistanceRowing", Metric::DISTANCE_OTHER_SPORT),
    ("DistanceSkatingSports", Metric::DISTANCE_OTHER_SPORT),
    ("FlightsClimbed", Metric::FLOORS_CLIMBED),
    ("AppleExerciseTime", Metric::EXERCISE_MINUTES),
    ("AppleStandTime", Metric::STAND_MINUTES),
    ("AppleMoveTime", Metric::MOVE_MINUTES),
    ("PushCount", Metric::WHEELCHAIR_PUSHES),
    ("SwimmingStrokeCount", Metric::SWIMMING_STROKES),
    ("WalkingSpeed", Metric::WALKING_SPEED),
    ("WalkingStepLength", Metric::WALKING_STEP_LENGTH),
    ("WalkingDoubleSupportPercentage", Metric::WALKING_DOUBLE_SUPPORT),
    ("WalkingAsymmetryPercentage", Metric::WALKING_ASYMMETRY),
    ("AppleWalkingSteadiness", Metric::WALKING_STEADINESS),
    ("StairAscentSpeed", Metric::STAIR_ASCENT_SPEED),
    ("StairDescentSpeed", Metric::STAIR_DESCENT_SPEED),
    ("SixMinuteWalkTestDistance", Metric::SIX_MINUTE_WALK_DISTANCE),
    ("RunningSpeed", Metric::RUNNING_SPEED),
    ("RunningPower", Metric::RUNNING_POWER),
    ("RunningStrideLength", Metric::RUNNING_STRIDE_LENGTH),
    ("RunningVerticalOscillation", Metric::RUNNING_VERTICAL_OSCILLATION),
    ("RunningGroundContactTime", Metric::RUNNING_GROUND_CONTACT_TIME),
    ("CyclingSpeed", Metric::CYCLING_SPEED),
    ("CyclingCadence", Metric::CYCLING_CADENCE),
    ("CyclingPower", Metric::CYCLING_POWER),
    ("CyclingFunctionalThresholdPower", Metric::FUNCTIONAL_THRESHOLD_POWER),
    ("PhysicalEffort", Metric::PHYSICAL_EFFORT),
    ("NumberOfTimesFallen", Metric::FALLS),
    ("VO2Max", Metric::VO2_MAX),
    ("BodyMass", Metric::BODY_WEIGHT),
    ("Height", Metric::BODY_HEIGHT),
    ("BodyMassIndex", Metric::BMI),
    ("BodyFatPercentage", Metric::BODY_FAT_PERCENTAGE),
    ("LeanBodyMass", Metric::LEAN_BODY_MASS),
    ("WaistCircumference", Metric::WAIST_CIRCUMFERENCE),
    ("RestingHeartRate", Metric::RESTING_HEART_RATE),
    ("WalkingHeartRateAverage", Metric::WALKING_HEART_RATE_AVERAGE),
    ("HeartRateRecoveryOneMinute", Metric::HEART_RATE_RECOVERY_1MIN),
    ("HeartRateVariabilitySDNN", Metric::HRV_SDNN),
    ("HeartRateVariabilityRMSSD", Metric::HRV_RMSSD),
    ("OxygenSaturation", Metric::OXYGEN_SATURATION),
    ("RespiratoryRate", Metric::RESPIRATORY_RATE),
    ("BodyTemperature", Metric::BODY_TEMPERATURE),
    ("BasalBodyTemperature", Metric::BASAL_BODY_TEMPERATURE),
    ("AppleSleepingWristTemperature", Metric::SKIN_TEMPERATURE),
    ("AppleSleepingBreathingDisturbances", Metric::BREATHING_DISTURBANCES),
    ("PeripheralPerfusionIndex", Metric::PERIPHERAL_PERFUSION_INDEX),
    ("PeakExpiratoryFlowRate", Metric::PEAK_EXPIRATORY_FLOW),
    ("ForcedExpiratoryVolume1", Metric::FEV1),
    ("ForcedVitalCapacity", Metric::FVC),
    ("ElectrodermalActivity", Metric::ELECTRODERMAL_ACTIVITY),
    ("AtrialFibrillationBurden", Metric::AFIB_BURDEN),
    ("BloodGlucose", Metric::BLOOD_GLUCOSE),
    ("InsulinDelivery", Metric::INSULIN_DELIVERY),
    ("InhalerUsage", Metric::INHALER_USAGE),
    ("BloodAlcoholContent", Metric::BLOOD_ALCOHOL_CONTENT),
    ("NumberOfAlcoholicBeverages", Metric::ALCOHOL_DRINKS),
    ("EnvironmentalAudioExposure", Metric::ENVIRONMENTAL_AUDIO_EXPOSURE),
    ("HeadphoneAudioExposure", Metric::HEADPHONE_AUDIO_EXPOSURE),
    ("EnvironmentalSoundReduction", Metric::ENVIRONMENTAL_SOUND_REDUCTION),
    ("TimeInDaylight", Metric::TIME_IN_DAYLIGHT),
    ("UVExposure", Metric::UV_EXPOSURE),
    ("UnderwaterDepth", Metric::UNDERWATER_DEPTH),
    ("WaterTemperature", Metric::WATER_TEMPERATURE),
    ("WorkoutEffortScore", Metric::WORKOUT_EFFORT_SCORE),
    ("EstimatedWorkoutEffortScore", Metric::WORKOUT_EFFORT_SCORE),
    ("RowingSpeed", Metric::SPORT_SPEED_OTHER),
    ("PaddleSportsSpeed", Metric::SPORT_SPEED_OTHER),
    ("CrossCountrySkiingSpeed", Metric::SPORT_SPEED_OTHER),
    ("DietaryEnergyConsumed", Metric::DIETARY_ENERGY),
    ("DietaryCarbohydrates", Metric::DIETARY_CARBOHYDRATE),
    ("DietaryProtein", Metric::DIETARY_PROTEIN),
    ("DietaryFatTotal", Metric::DIETARY_FAT),
    ("DietaryFatSaturated", Metric::DIETARY_FAT_SATURATED),
    ("DietaryFatMonounsaturated", Metric::DIETARY_FAT_MONOUNSATURATED),
    ("DietaryFatPolyunsaturated", Metric::DIETARY_FAT_POLYUNSATURATED),
    ("DietaryFiber", Metric::DIETARY_FIBER),
    ("DietarySugar", Metric::DIETARY_SUGAR),
    ("DietarySodium", Metric::DIETARY_SODIUM),
    ("DietaryPotassium", Metric::DIETARY_POTASSIUM),
    ("DietaryCalcium", Metric::DIETARY_CALCIUM),
    ("DietaryIron", Metric::DIETARY_IRON),
    ("DietaryCholesterol", Metric::DIETARY_CHOLESTEROL),
    ("DietaryCaffeine", Metric::DIETARY_CAFFEINE),
    ("DietaryBiotin", Metric::DIETARY_BIOTIN),
    ("DietaryChloride", Metric::DIETARY_CHLORIDE),
    ("DietaryChromium", Metric::DIETARY_CHROMIUM),
    ("DietaryCopper", Metric::DIETARY_COPPER),
    ("DietaryFolate", Metric::DIETARY_FOLATE),
    ("DietaryIodine", Metric::DIETARY_IODINE),
    ("DietaryMagnesium", Metric::DIETARY_MAGNESIUM),
    ("DietaryManganese", Metric::DIETARY_MANGANESE),
    ("DietaryMolybdenum", Metric::DIETARY_MOLYBDENUM),
    ("DietaryNiacin", Metric::DIETARY_NIACIN),
    ("DietaryPantothenicAcid", Metric::DIETARY_PANTOTHENIC_ACID),
    ("DietaryPhosphorus", Metric::DIETARY_PHOSPHORUS),
    ("DietaryRiboflavin", Metric::DIETARY_RIBOFLAVIN),
    ("DietarySelenium", Metric::DIETARY_SELENIUM),
    ("DietaryThiamin", Metric::DIETARY_THIAMIN),
    ("DietaryVitaminA", Metric::DIETARY_VITAMIN_A),
    ("DietaryVitaminB12", Metric::DIETARY_VITAMIN_B12),
    ("DietaryVitaminB6", Metric::DIETARY_VITAMIN_B6),
    ("DietaryVitaminC", Metric::DIETARY_VITAMIN_C),
    ("DietaryVitaminD", Metric::DIETARY_VITAMIN_D),
    ("DietaryVitaminE", Metric::DIETARY_VITAMIN_E),
    ("DietaryVitaminK", Metric::DIETARY_VITAMIN_K),
    ("DietaryZinc", Metric::DIETARY_ZINC),
    ("DietaryWater", Metric::WATER_INTAKE),
];

/// Category types, without their prefix.
const CATEGORIES: &[(&str, Target)] = &[
    ("SleepAnalysis", Target::Code(Metric::SLEEP_STAGE, SLEEP)),
    ("AppleStandHour", Target::Code(Metric::STAND_HOURS, STAND)),
    ("MindfulSession", Target::Duration(Metric::MINDFUL_SESSION)),
    (
        "IrregularHeartRhythmEvent",
        Target::Event(Metric::IRREGULAR_RHYTHM_EVENT, 1),
    ),
    ("HighHeartRateEvent", Target::Event(Metric::HIGH_HEART_RATE_EVENT, 1)),
    ("LowHeartRateEvent", Target::Event(Metric::LOW_HEART_RATE_EVENT, 1)),
    (
        "LowCardioFitnessEvent",
        Target::Event(Metric::LOW_CARDIO_FITNESS_EVENT, 1),
    ),
    ("HypertensionEvent", Target::Event(Metric::HYPERTENSION_EVENT, 1)),
    ("SleepApneaEvent", Target::Event(Metric::SLEEP_APNEA_EVENT, 1)),
    (
        "AppleWalkingSteadinessEvent",
        Target::Code(Metric::WALKING_STEADINESS_EVENT, STEADINESS),
    ),
    ("AudioExposureEvent", Target::Event(Metric::LOUD_SOUND_EVENT, 1)),
    (
        "EnvironmentalAudioExposureEvent",
        Target::Event(Metric::LOUD_SOUND_EVENT, 1),
    ),
    (
        "HeadphoneAudioExposureEvent",
        Target::Event(Metric::LOUD_SOUND_EVENT, 2),
    ),
    ("HandwashingEvent", Target::Event(Metric::HANDWASHING, 1)),
    ("ToothbrushingEvent", Target::Event(Metric::TOOTHBRUSHING, 1)),
    ("MenstrualFlow", Target::Code(Metric::MENSTRUAL_FLOW, FLOW)),
    (
        "IntermenstrualBleeding",
        Target::Event(Metric::INTERMENSTRUAL_BLEEDING, 1),
    ),
    ("OvulationTestResult", Target::Code(Metric::OVULATION_TEST, OVULATION)),
    ("CervicalMucusQuality", Target::Code(Metric::CERVICAL_MUCUS, MUCUS)),
    ("SexualActivity", Target::Event(Metric::SEXUAL_ACTIVITY, 0)),
    ("Contraceptive", Target::Code(Metric::CONTRACEPTIVE, CONTRACEPTIVE)),
    ("Pregnancy", Target::Event(Metric::PREGNANCY, 1)),
    ("PregnancyTestResult", Target::Code(Metric::PREGNANCY_TEST, TEST)),
    ("ProgesteroneTestResult", Target::Code(Metric::PROGESTERONE_TEST, TEST)),
    ("Lactation", Target::Event(Metric::LACTATION, 1)),
    ("MenopausalState", Target::Code(Metric::MENOPAUSAL_STATE, MENOPAUSE)),
    ("BleedingAfterMenopause", Target::Event(Metric::MENOPAUSAL_STATE, 4)),
    (
        "InfrequentMenstrualCycles",
        Target::Event(Metric::CYCLE_IRREGULARITY, 1),
    ),
    ("IrregularMenstrualCycles", Target::Event(Metric::CYCLE_IRREGULARITY, 2)),
    (
        "PersistentIntermenstrualBleeding",
        Target::Event(Metric::CYCLE_IRREGULARITY, 3),
    ),
    (
        "ProlongedMenstrualPeriods",
        Target::Event(Metric::CYCLE_IRREGULARITY, 4),
    ),
    ("BleedingAfterPregnancy", Target::Event(Metric::CYCLE_IRREGULARITY, 5)),
    ("BleedingDuringPregnancy", Target::Event(Metric::CYCLE_IRREGULARITY, 6)),
];

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
            _ => QUANTITIES
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, metric)| Target::Quantity(*metric)),
        };
    }
    let name = vendor_type.strip_prefix(CATEGORY)?;
    CATEGORIES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, target)| *target)
        .or_else(|| symptom(name))
}

/// The number of a severity value.
pub fn severity(value: &str) -> Option<u32> {
    code(SEVERITY, value)
}

/// The number of a value name in a list; Apple prints `HKCategoryValue…`.
pub fn code(list: &[(&str, u32)], value: &str) -> Option<u32> {
    let name = value.strip_prefix("HKCategoryValue")?;
    list.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
}

/// The number of a workout type (`HKWorkoutActivityTypeRunning`) in the vocabulary's list.
pub fn workout_type(value: &str) -> Option<u32> {
    let name = value.strip_prefix("HKWorkoutActivityType")?;
    model::vocabulary::LIST_EXERCISE_TYPE
        .iter()
        .find(|entry| entry.key.replace('-', "").eq_ignore_ascii_case(name))
        .map(|entry| entry.number)
}

/// How a unit as Apple writes it becomes a canonical UCUM unit; `None` when it is not one of these.
pub fn conversion_to(canonical: &str, unit: &str) -> Option<Conversion> {
    let times = |numerator, denominator| Some(Conversion::ratio(numerator, denominator));
    match (canonical, unit) {
        (
            "{steps}" | "{floors}" | "{pushes}" | "{strokes}" | "{falls}" | "{drinks}" | "{puffs}" | "{index}",
            "count",
        )
        | ("kg/m2", "count" | "kg/m²" | "kg/m^2")
        | ("/min", "count/min")
        | ("m", "m")
        | ("cm", "cm")
        | ("kg", "kg")
        | ("g", "g")
        | ("mg", "mg")
        | ("ug", "mcg" | "µg" | "μg")
        | ("kcal", "kcal" | "Cal")
        | ("min", "min")
        | ("ms", "ms")
        | ("m/s", "m/s")
        | ("W", "W")
        | ("L", "L")
        | ("mL", "mL")
        | ("L/min", "L/min")
        | ("Cel", "degC")
        | ("mm[Hg]", "mmHg")
        | ("mg/dL", "mg/dL")
        | ("[iU]", "IU")
        | ("dB[SPL]", "dBASPL" | "dBASPL·1")
        | ("uS", "mcS" | "µS")
        | ("{score}", "appleEffortScore" | "count")
        | ("mL/min/kg", "mL/min·kg" | "ml/(kg*min)" | "mL/(kg*min)" | "mL/kg·min")
        | ("kcal/kg/h", "kcal/hr·kg" | "kcal/(kg*hr)" | "kcal/kg·hr") => Some(Conversion::IDENTITY),
        ("%", "%") => Some(Conversion::FRACTION_TO_PERCENT),
        ("/min", "count/s") => Some(Conversion::TIMES_60),
        ("/min", "count/hr") => times(1, 60),
        ("kg", "lb") => Some(Conversion::POUND_TO_KILOGRAM),
        ("kg", "st") => Some(Conversion::STONE_TO_KILOGRAM),
        ("kg", "g") | ("g", "mg") | ("mg", "mcg") | ("m", "mm") | ("L", "mL") | ("ms", "mcs") => times(1, 1_000),
        ("g", "oz") => Some(Conversion::OUNCE_TO_GRAM),
        ("g", "kg") | ("mg", "g") | ("ug", "mg") | ("m", "km") | ("mL", "L") | ("ms", "s") => times(1_000, 1),
        ("ug", "g") => times(1_000_000, 1),
        ("cm", "m") | ("mL", "dL") => times(100, 1),
        ("m", "cm") | ("L", "cL") => times(1, 100),
        ("mL", "cL") => times(10, 1),
        ("L", "dL") | ("cm", "mm") => times(1, 10),
        ("cm", "in") => Some(Conversion::INCH_TO_CENTIMETRE),
        ("cm", "ft") => Some(Conversion::FOOT_TO_CENTIMETRE),
        ("m", "mi") => Some(Conversion::MILE_TO_METRE),
        ("m", "yd") => Some(Conversion::YARD_TO_METRE),
        ("m", "ft") => Some(Conversion::FOOT_TO_METRE),
        ("m/s", "km/hr") => times(5, 18),
        ("m/s", "mi/hr") => times(1_397, 3_125),
        ("m/s", "ft/s") => Some(Conversion::FOOT_TO_METRE),
        ("m/s", "cm/s") => times(1, 100),
        ("kcal", "kJ") => Some(Conversion::KILOJOULE_TO_KILOCALORIE),
        ("kcal", "J") => Some(Conversion::JOULE_TO_KILOCALORIE),
        ("kcal", "cal") => times(1, 1_000),
        ("min", "s") => times(1, 60),
        ("min", "hr") => Some(Conversion::TIMES_60),
        ("Cel", "degF") => Some(Conversion::FAHRENHEIT_TO_CELSIUS),
        ("Cel", "K") => None,
        ("mm[Hg]", "kPa") => Some(Conversion::KILOPASCAL_TO_MMHG),
        ("mL", "fl_oz_us") => Some(Conversion::FLUID_OUNCE_US_TO_MILLILITRE),
        ("mL", "fl_oz_imp") => Some(Conversion::FLUID_OUNCE_IMPERIAL_TO_MILLILITRE),
        ("mL", "cup_us") => Some(Conversion::CUP_US_TO_MILLILITRE),
        ("mL", "pt_us") => Some(Conversion::PINT_US_TO_MILLILITRE),
        ("uS", "S") => times(1_000_000, 1),
        ("mg/dL", glucose) => millimoles(glucose),
        _ => None,
    }
}

/// `mmol<180.1558800000541>/L`: the molar mass stands in the unit; mg/dL = mmol/L × M / 10.
fn millimoles(unit: &str) -> Option<Conversion> {
    let mass = unit.strip_prefix("mmol<")?.strip_suffix(">/L")?;
    let mass = Decimal::parse(mass.as_bytes()).ok()?;
    Conversion::decimal(Decimal::new(mass.mantissa, mass.scale.checked_add(1)?))
}

/// What a metadata entry says, where it becomes part of the sample.
pub fn flag(key: &str, value: &str) -> Option<Flags> {
    let yes = matches!(value, "1" | "true" | "YES");
    match key {
        "HKWasUserEntered" if yes => Some(Flags::USER_ENTERED),
        "HKMenstrualCycleStart" if yes => Some(Flags::CYCLE_START),
        "HKBloodGlucoseMealTime" => match value {
            "1" => Some(Flags::BEFORE_MEAL),
            "2" => Some(Flags::AFTER_MEAL),
            _ => None,
        },
        "HKHeartRateMotionContext" => match value {
            "1" => Some(Flags::SEDENTARY),
            "2" => Some(Flags::ACTIVE),
            _ => None,
        },
        "HKInsulinDeliveryReason" => match value {
            "1" => Some(Flags::BASAL),
            "2" => Some(Flags::BOLUS),
            _ => None,
        },
        _ => None,
    }
}

/// Keys whose entries become part of the sample.
const MAPPED: &[&str] = &[
    "HKWasUserEntered",
    "HKTimeZone",
    "HKMenstrualCycleStart",
    "HKBloodGlucoseMealTime",
    "HKHeartRateMotionContext",
    "HKInsulinDeliveryReason",
    "HKSexualActivityProtectionUsed",
];

/// Keys that are looked at and left out: they say nothing that a consent category covers, or hint at places and names.
const DROPPED: &[&str] = &[
    "HKActivityType",
    "HKAlgorithmVersion",
    "HKAlpineSlopeGrade",
    "HKAppleDeviceCalibrated",
    "HKAppleECGAlgorithmVersion",
    "HKAppleFitnessPlusCatalogIdentifier",
    "HKAppleFitnessPlusSession",
    "HKAudioExposureDuration",
    "HKAudioExposureLevel",
    "HKAverageMETs",
    "HKAverageSpeed",
    "HKBarometricPressure",
    "HKBodyTemperatureSensorLocation",
    "HKCoachedWorkout",
    "HKCrossTrainerDistance",
    "HKCyclingFunctionalThresholdPowerTestType",
    "HKDateOfEarliestDataUsedForEstimate",
    "HKDeviceManufacturerName",
    "HKDeviceName",
    "HKDevicePlacementSide",
    "HKDeviceSerialNumber",
    "HKDigitalSignature",
    "HKElevationAscended",
    "HKElevationDescended",
    "HKExternalUUID",
    "HKFitnessMachineDuration",
    "HKFoodType",
    "HKGlassesPrescriptionDescription",
    "HKGroupFitness",
    "HKHeadphoneGain",
    "HKHeartRateEventThreshold",
    "HKHeartRateRecoveryActivityDuration",
    "HKHeartRateRecoveryActivityType",
    "HKHeartRateRecoveryMaxObservedRecoveryHeartRate",
    "HKHeartRateRecoveryTestType",
    "HKHeartRateSensorLocation",
    "HKIndoorBikeDistance",
    "HKIndoorWorkout",
    "HKLapLength",
    "HKLowCardioFitnessEventThreshold",
    "HKMaximumLightIntensity",
    "HKMaximumSpeed",
    "HKMetadataKeySyncIdentifier",
    "HKMetadataKeySyncVersion",
    "HKPhysicalEffortEstimationType",
    "HKQuantityClampedToLowerBound",
    "HKQuantityClampedToUpperBound",
    "HKReferenceRangeLowerLimit",
    "HKReferenceRangeUpperLimit",
    "HKSessionEstimate",
    "HKSwimmingLocationType",
    "HKSwimmingStrokeStyle",
    "HKSWOLFScore",
    "HKSyncIdentifier",
    "HKSyncVersion",
    "HKUDIDeviceIdentifier",
    "HKUDIProductionIdentifier",
    "HKUserMotionContext",
    "HKVO2MaxTestType",
    "HKVO2MaxValue",
    "HKWasTakenInLab",
    "HKWaterSalinity",
    "HKWeatherCondition",
    "HKWeatherHumidity",
    "HKWeatherTemperature",
    "HKWorkoutBrandName",
];

/// What is done with a metadata key.
pub fn metadata(key: &str) -> MetadataUse {
    if MAPPED.contains(&key) {
        MetadataUse::Mapped
    } else if DROPPED.contains(&key) {
        MetadataUse::Dropped
    } else {
        MetadataUse::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_type_stands_once_and_its_metric_fits_its_target() {
        let mut names = BTreeSet::new();
        for (name, metric) in QUANTITIES {
            assert!(names.insert(*name), "{name} stands twice");
            assert_eq!(metric.shape(), model::vocabulary::Shape::Quantity, "{name}");
        }
        for (name, target) in CATEGORIES {
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
}
