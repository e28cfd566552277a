//! What each resource of the old Web API becomes.

use model::Metric;
use model::units::Conversion;

use crate::cloud::Series;
use crate::{Coverage, Covered, How};

/// Grows whenever this table or the mapping changes.
pub const MAPPING_VERSION: u32 = 5;

/// What the items of an answer become.
#[derive(Clone, Copy, Debug)]
pub enum Makes {
    /// Minutes of one day by their clock, each an interval.
    Minutes(Metric, Conversion),
    /// Heart rates of one day by their clock; and its resting heart rate.
    Heart,
    /// A number a day, as these members of `value` lead to it; of an interval it is the whole day's.
    Day(Metric, &'static [&'static str]),
    /// A number at a date and a time of day.
    Body(Metric, &'static str),
    /// Oxygen uptake: a number or a range.
    Uptake,
    /// Nights.
    Sleep,
    /// Exercises.
    Exercise,
}

/// A resource.
#[derive(Clone, Copy, Debug)]
pub struct Resource {
    /// What is asked.
    pub series: Series,
    /// The member of an answer that holds its items.
    pub member: &'static str,
    /// The kind of notice that tells of it.
    pub told_by: &'static str,
    /// What they become.
    pub makes: Makes,
}

const SAME: Conversion = Conversion::IDENTITY;

const fn of(
    name: &'static str,
    scope: &'static str,
    days: u16,
    member: &'static str,
    told_by: &'static str,
    makes: Makes,
) -> Resource {
    Resource {
        series: Series {
            name,
            scope,
            days,
            hours: 24,
            late_days: 7,
            ahead_hours: 14,
            is_told: !told_by.is_empty(),
            merges: false,
        },
        member,
        told_by,
        makes,
    }
}

/// All resources that are asked for, with the days of one ask: what the API gives at once.
pub const RESOURCES: &[Resource] = &[
    of(
        "activities/steps",
        "activity",
        1,
        "activities-steps-intraday",
        "activities",
        Makes::Minutes(Metric::STEP_COUNT, SAME),
    ),
    of(
        "activities/distance",
        "activity",
        1,
        "activities-distance-intraday",
        "activities",
        // Kilometres, as no language was asked for.
        Makes::Minutes(Metric::DISTANCE_TOTAL, Conversion::ratio(1_000, 1)),
    ),
    of(
        "activities/floors",
        "activity",
        1,
        "activities-floors-intraday",
        "activities",
        Makes::Minutes(Metric::FLOORS_CLIMBED, SAME),
    ),
    of(
        "activities/calories",
        "activity",
        1,
        "activities-calories-intraday",
        "activities",
        Makes::Minutes(Metric::TOTAL_ENERGY_BURNED, SAME),
    ),
    of(
        "activities/heart",
        "heartrate",
        1,
        "activities-heart-intraday",
        "activities",
        Makes::Heart,
    ),
    of(
        "activities/minutesLightlyActive",
        "activity",
        30,
        "activities-minutesLightlyActive",
        "activities",
        Makes::Day(Metric::ACTIVE_MINUTES_LIGHT, &[]),
    ),
    of(
        "activities/minutesFairlyActive",
        "activity",
        30,
        "activities-minutesFairlyActive",
        "activities",
        Makes::Day(Metric::ACTIVE_MINUTES_MODERATE, &[]),
    ),
    of(
        "activities/minutesVeryActive",
        "activity",
        30,
        "activities-minutesVeryActive",
        "activities",
        Makes::Day(Metric::ACTIVE_MINUTES_VIGOROUS, &[]),
    ),
    of(
        "activities/active-zone-minutes",
        "activity",
        30,
        "activities-active-zone-minutes",
        "activities",
        Makes::Day(Metric::ACTIVE_ZONE_MINUTES, &["activeZoneMinutes"]),
    ),
    of(
        "activities/list",
        "activity",
        30,
        "activities",
        "activities",
        Makes::Exercise,
    ),
    of("sleep", "sleep", 90, "sleep", "sleep", Makes::Sleep),
    of(
        "body/log/weight",
        "weight",
        30,
        "weight",
        "body",
        // Kilograms, as no language was asked for.
        Makes::Body(Metric::BODY_WEIGHT, "weight"),
    ),
    of(
        "body/log/fat",
        "weight",
        30,
        "fat",
        "body",
        Makes::Body(Metric::BODY_FAT_PERCENTAGE, "fat"),
    ),
    of(
        "spo2",
        "oxygen_saturation",
        30,
        "",
        "",
        Makes::Day(Metric::OXYGEN_SATURATION_DAILY_MEAN, &["avg"]),
    ),
    of(
        "hrv",
        "heartrate",
        30,
        "hrv",
        "",
        Makes::Day(Metric::HRV_RMSSD, &["dailyRmssd"]),
    ),
    of(
        "br",
        "respiratory_rate",
        30,
        "br",
        "",
        Makes::Day(Metric::RESPIRATORY_RATE_SLEEP_MEAN, &["breathingRate"]),
    ),
    of(
        "temp/skin",
        "temperature",
        30,
        "tempSkin",
        "",
        Makes::Day(Metric::SKIN_TEMPERATURE_DEVIATION, &["nightlyRelative"]),
    ),
    of("cardioscore", "cardio_fitness", 30, "cardioScore", "", Makes::Uptake),
];

/// The resource of this name.
pub fn named(series: &str) -> Option<&'static Resource> {
    RESOURCES.iter().find(|resource| resource.series.name == series)
}

impl Resource {
    /// What it becomes, with how.
    pub fn becomes(&self) -> Vec<(Metric, How)> {
        match self.makes {
            Makes::Minutes(metric, _) | Makes::Day(metric, _) | Makes::Body(metric, _) => vec![(metric, How::Value)],
            Makes::Heart => vec![
                (Metric::HEART_RATE, How::Value),
                (Metric::RESTING_HEART_RATE, How::Value),
            ],
            Makes::Uptake => vec![(Metric::VO2_MAX, How::Value)],
            Makes::Sleep => vec![(Metric::SLEEP_STAGE, How::Code)],
            Makes::Exercise => vec![(Metric::EXERCISE_SESSION, How::Part)],
        }
    }
}

/// For pages and documents.
pub fn coverage() -> Coverage {
    let covered = |resource: &Resource| {
        let name = resource.series.name;
        let becomes = resource.becomes();
        let is_one = becomes.len() == 1;
        let made = becomes.into_iter().map(move |(metric, how)| Covered {
            vendor_type: match is_one || metric == Metric::HEART_RATE {
                true => name.to_owned(),
                false => format!("{name} restingHeartRate"),
            },
            metric,
            how,
        });
        made.collect::<Vec<_>>()
    };
    Coverage {
        identity: "logId, or resource and time; a day counts as it was answered last",
        re_exporters: &[],
        types: RESOURCES.iter().flat_map(covered).collect(),
    }
}
