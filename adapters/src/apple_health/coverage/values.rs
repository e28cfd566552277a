//! Apple's names of category values, without their prefix, and the numbers of the vocabulary's lists.

/// Severity and presence values.
pub(super) const SEVERITY: &[(&str, u32)] = &[
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

pub(super) const SLEEP: &[(&str, u32)] = &[
    ("SleepAnalysisInBed", 2),
    ("SleepAnalysisAsleep", 4),
    ("SleepAnalysisAsleepUnspecified", 4),
    ("SleepAnalysisAwake", 1),
    ("SleepAnalysisAsleepCore", 5),
    ("SleepAnalysisAsleepDeep", 6),
    ("SleepAnalysisAsleepREM", 7),
];

pub(super) const STAND: &[(&str, u32)] = &[("AppleStandHourStood", 0), ("AppleStandHourIdle", 1)];

pub(super) const FLOW: &[(&str, u32)] = &[
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

pub(super) const OVULATION: &[(&str, u32)] = &[
    ("OvulationTestResultNegative", 1),
    ("OvulationTestResultLuteinizingHormoneSurge", 2),
    ("OvulationTestResultPositive", 2),
    ("OvulationTestResultIndeterminate", 3),
    ("OvulationTestResultEstrogenSurge", 4),
];

pub(super) const TEST: &[(&str, u32)] = &[
    ("PregnancyTestResultNegative", 1),
    ("PregnancyTestResultPositive", 2),
    ("PregnancyTestResultIndeterminate", 3),
    ("ProgesteroneTestResultNegative", 1),
    ("ProgesteroneTestResultPositive", 2),
    ("ProgesteroneTestResultIndeterminate", 3),
];

pub(super) const MUCUS: &[(&str, u32)] = &[
    ("CervicalMucusQualityDry", 1),
    ("CervicalMucusQualitySticky", 2),
    ("CervicalMucusQualityCreamy", 3),
    ("CervicalMucusQualityWatery", 4),
    ("CervicalMucusQualityEggWhite", 5),
];

pub(super) const CONTRACEPTIVE: &[(&str, u32)] = &[
    ("ContraceptiveUnspecified", 1),
    ("ContraceptiveImplant", 2),
    ("ContraceptiveInjection", 3),
    ("ContraceptiveIntrauterineDevice", 4),
    ("ContraceptiveIntravaginalRing", 5),
    ("ContraceptiveOral", 6),
    ("ContraceptivePatch", 7),
];

pub(super) const MENOPAUSE: &[(&str, u32)] = &[
    ("MenopausalStateMenopause", 1),
    ("MenopausalStatePerimenopause", 2),
    ("MenopausalStateNone", 3),
];

pub(super) const STEADINESS: &[(&str, u32)] = &[
    ("AppleWalkingSteadinessEventInitialLow", 1),
    ("AppleWalkingSteadinessEventInitialVeryLow", 2),
    ("AppleWalkingSteadinessEventRepeatLow", 3),
    ("AppleWalkingSteadinessEventRepeatVeryLow", 4),
];
