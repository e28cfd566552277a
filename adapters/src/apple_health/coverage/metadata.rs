//! Metadata keys: what becomes part of a sample, and what is looked at and left out.

use model::sample::Flags;

use crate::MetadataUse;

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
