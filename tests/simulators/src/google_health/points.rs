//! What the accounts hold: points of their days in the vendor's shape, and what was added, changed or taken out since.

use std::collections::BTreeMap;

use model::UtcMillis;
use model::time::{DAY_MS, MINUTE_MS};
use serde_json::{Value, json};

use crate::changes::Changes;
use crate::days::Day;

/// By what time a type is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Time {
    Start,
    /// By the start in civil time.
    CivilStart,
    /// By the start, and only from when on.
    Since,
    End,
    Moment,
    Date,
}

/// Every type that can be listed: its path, the member that holds it, by what time it is listed, and what opens it.
pub(super) const TYPES: &[(&str, &str, Time, &str)] = &[
    ("steps", "steps", Time::Start, "activity_and_fitness"),
    ("distance", "distance", Time::Start, "activity_and_fitness"),
    ("floors", "floors", Time::Start, "activity_and_fitness"),
    ("altitude", "altitude", Time::Start, "activity_and_fitness"),
    (
        "active-energy-burned",
        "activeEnergyBurned",
        Time::Start,
        "activity_and_fitness",
    ),
    (
        "basal-energy-burned",
        "basalEnergyBurned",
        Time::Start,
        "activity_and_fitness",
    ),
    ("active-minutes", "activeMinutes", Time::Start, "activity_and_fitness"),
    (
        "active-zone-minutes",
        "activeZoneMinutes",
        Time::Start,
        "activity_and_fitness",
    ),
    ("activity-level", "activityLevel", Time::Start, "activity_and_fitness"),
    (
        "sedentary-period",
        "sedentaryPeriod",
        Time::Start,
        "activity_and_fitness",
    ),
    (
        "swim-lengths-data",
        "swimLengthsData",
        Time::Start,
        "activity_and_fitness",
    ),
    (
        "heart-rate",
        "heartRate",
        Time::Moment,
        "health_metrics_and_measurements",
    ),
    (
        "heart-rate-variability",
        "heartRateVariability",
        Time::Moment,
        "health_metrics_and_measurements",
    ),
    (
        "oxygen-saturation",
        "oxygenSaturation",
        Time::Moment,
        "health_metrics_and_measurements",
    ),
    (
        "core-body-temperature",
        "coreBodyTemperature",
        Time::Moment,
        "health_metrics_and_measurements",
    ),
    (
        "blood-glucose",
        "bloodGlucose",
        Time::Moment,
        "health_metrics_and_measurements",
    ),
    ("weight", "weight", Time::Moment, "health_metrics_and_measurements"),
    ("height", "height", Time::Moment, "health_metrics_and_measurements"),
    ("body-fat", "bodyFat", Time::Moment, "health_metrics_and_measurements"),
    ("vo2-max", "vo2Max", Time::Moment, "activity_and_fitness"),
    ("run-vo2-max", "runVo2Max", Time::Moment, "activity_and_fitness"),
    ("daily-vo2-max", "dailyVo2Max", Time::Date, "activity_and_fitness"),
    (
        "daily-resting-heart-rate",
        "dailyRestingHeartRate",
        Time::Date,
        "health_metrics_and_measurements",
    ),
    (
        "daily-heart-rate-variability",
        "dailyHeartRateVariability",
        Time::Date,
        "health_metrics_and_measurements",
    ),
    (
        "daily-oxygen-saturation",
        "dailyOxygenSaturation",
        Time::Date,
        "health_metrics_and_measurements",
    ),
    (
        "daily-respiratory-rate",
        "dailyRespiratoryRate",
        Time::Date,
        "health_metrics_and_measurements",
    ),
    (
        "respiratory-rate-sleep-summary",
        "respiratoryRateSleepSummary",
        Time::Moment,
        "health_metrics_and_measurements",
    ),
    (
        "daily-sleep-temperature-derivations",
        "dailySleepTemperatureDerivations",
        Time::Date,
        "health_metrics_and_measurements",
    ),
    ("sleep", "sleep", Time::End, "sleep"),
    ("exercise", "exercise", Time::CivilStart, "activity_and_fitness"),
    ("hydration-log", "hydrationLog", Time::CivilStart, "nutrition"),
    ("nutrition-log", "nutritionLog", Time::CivilStart, "nutrition"),
    ("electrocardiogram", "electrocardiogram", Time::Since, "ecg"),
    (
        "irregular-rhythm-notification",
        "irregularRhythmNotification",
        Time::CivilStart,
        "irn",
    ),
    (
        "menstrual-period",
        "menstrualPeriod",
        Time::Start,
        "reproductive_health",
    ),
    ("ovulation-test", "ovulationTest", Time::Moment, "reproductive_health"),
];

/// A point.
#[derive(Clone, Debug)]
pub(super) struct Point {
    /// By when it is listed.
    pub(super) at: UtcMillis,
    /// Not before: it is not there yet.
    pub(super) known: UtcMillis,
    /// In the vendor's shape.
    pub(super) body: Value,
}

impl Point {
    /// From when until when it counts, of one that begins at the time it is listed by.
    fn span(&self) -> (i64, i64) {
        (self.at.0, self.known.0)
    }
}

fn is_of_phone(point: &Point) -> bool {
    point.body["dataSource"]["device"]["formFactor"] == PHONE
}

/// An account.
#[derive(Debug)]
pub(super) struct Account {
    seed: u64,
    changes: Changes,
}

impl Account {
    /// One whose days are made of this.
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            changes: Changes::default(),
        }
    }

    /// One of its days.
    pub(super) fn day(&self, number: i64) -> Day {
        Day::new(self.seed, number)
    }

    /// Puts a point, or takes one out.
    pub(super) fn change(&mut self, kind: &str, at: UtcMillis, body: Option<Value>) {
        self.changes.put(kind, at, body);
    }

    /// All points of a type that begin in this time and are known by now, the latest first.
    pub(super) fn list(&self, kind: &str, start: UtcMillis, end: UtcMillis, now: UtcMillis) -> Vec<Point> {
        let mut points: BTreeMap<i64, Point> = BTreeMap::new();
        let latest = end.min(now.plus(DAY_MS));
        if start < latest {
            for number in Day::number_at(start) - 1..=Day::number_at(latest) + 1 {
                for point in of_day(kind, &Day::new(self.seed, number)) {
                    points.insert(point.at.0, point);
                }
            }
        }
        for (at, body) in self.changes.of(kind) {
            let before = points.remove(&at);
            if let Some(body) = body {
                let point = Point {
                    at: UtcMillis(at),
                    known: before.map_or(UtcMillis(at), |point| point.known),
                    body: body.clone(),
                };
                points.insert(at, point);
            }
        }
        let is_there = |point: &Point| (start.0..end.0).contains(&point.at.0) && point.known <= now;
        points.into_values().rev().filter(is_there).collect()
    }

    /// The same as one stream: what the phone has of a time of which the band has something is left out, and nobody says whose the rest is.
    pub(super) fn reconcile(&self, kind: &str, start: UtcMillis, end: UtcMillis, now: UtcMillis) -> Vec<Point> {
        let around = PIECE * MINUTE_MS;
        let near = self.list(kind, start.plus(-around), end.plus(around), now);
        let of_band: Vec<(i64, i64)> = near
            .iter()
            .filter(|point| !is_of_phone(point))
            .map(Point::span)
            .collect();
        let is_told = |point: &Point| {
            let (from, until) = point.span();
            let is_known = of_band.iter().any(|(start, end)| *start < until && from < *end);
            (start.0..end.0).contains(&point.at.0) && !(is_of_phone(point) && is_known)
        };
        let mut merged: Vec<Point> = near.into_iter().filter(is_told).collect();
        for point in &mut merged {
            if let Some(members) = point.body.as_object_mut() {
                members.remove("dataSource");
                if let Some(name) = members.remove("name") {
                    members.insert("dataPointName".to_owned(), name);
                }
            }
        }
        merged
    }
}

fn iso(at: UtcMillis) -> String {
    jiff::Timestamp::from_millisecond(at.0)
        .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
        .to_string()
}

fn interval(start: UtcMillis, end: UtcMillis) -> Value {
    json!({"startTime": iso(start), "endTime": iso(end), "startUtcOffset": "32400s", "endUtcOffset": "32400s"})
}

/// A point of a type with this body, of the band.
pub(super) fn point(key: &str, body: Value) -> Value {
    json!({
        "dataSource": {
            "recordingMethod": "PASSIVELY_MEASURED",
            "platform": "FITBIT",
            "device": {"displayName": "Charge 6", "manufacturer": "Fitbit", "formFactor": "FITNESS_BAND"},
        },
        key: body,
    })
}

/// The same of the phone, which is carried on each walk, and alone for some minutes of the evening, while the band is charged.
fn of_phone(mut point: Point) -> Point {
    point.body["dataSource"]["device"] =
        json!({"displayName": "Pixel 9", "manufacturer": "Google", "formFactor": PHONE});
    point
}

const PHONE: &str = "PHONE";

/// Minutes of a piece of what the phone counts, and where in the evening it counts alone.
const PIECE: i64 = 5;
const ALONE: i64 = 21 * 60;

/// What the phone counts of a day: half a minute late, since it wakes only when it is shaken.
fn steps_of_phone(key: &str, day: &Day) -> Vec<Point> {
    let piece = |from: i64, until: i64| {
        let (start, end) = (day.at(from).plus(MINUTE_MS / 2), day.at(until));
        let count = (from..until).map(|minute| day.steps(minute)).sum::<i64>() * 19 / 20;
        of_phone(over(key, start, end, json!({"count": count.to_string()})))
    };
    let mut pieces = vec![piece(ALONE, ALONE + PIECE)];
    for (from, lasts) in day.walks() {
        let starts = (from..from + lasts).step_by(PIECE as usize);
        pieces.extend(starts.map(|start| piece(start, (start + PIECE).min(from + lasts))));
    }
    pieces
}

/// An interval's point: the body's members with its interval.
pub(super) fn over(key: &str, start: UtcMillis, end: UtcMillis, mut members: Value) -> Point {
    members["interval"] = interval(start, end);
    Point {
        at: start,
        known: end,
        body: point(key, members),
    }
}

/// A moment's point.
pub(super) fn moment(key: &str, at: UtcMillis, mut members: Value) -> Point {
    members["sampleTime"] = json!({"physicalTime": iso(at), "utcOffset": "32400s"});
    Point {
        at,
        known: at,
        body: point(key, members),
    }
}

fn of_date(key: &str, day: &Day, mut members: Value) -> Point {
    let at = UtcMillis(day.number * DAY_MS);
    let text = iso(at);
    let part = |range: std::ops::Range<usize>| text.get(range).and_then(|part| part.parse::<i64>().ok());
    members["date"] = json!({"year": part(0..4), "month": part(5..7), "day": part(8..10)});
    Point {
        at,
        known: day.at(9 * 60),
        body: point(key, members),
    }
}

fn named(mut point: Point, kind: &str, day: &Day) -> Point {
    point.body["name"] = json!(format!("users/me/dataTypes/{kind}/dataPoints/{}", day.number));
    point
}

/// What a day makes of a type.
fn of_day(kind: &str, day: &Day) -> Vec<Point> {
    let Some((_, key, ..)) = TYPES.iter().find(|(name, ..)| *name == kind) else {
        return Vec::new();
    };
    let minutes = || day.walks().into_iter().flat_map(|(from, lasts)| from..from + lasts);
    let by_minute = |of: &dyn Fn(i64) -> Value| {
        let minute = |minute: i64| over(key, day.at(minute), day.at(minute + 1), of(minute));
        minutes().map(minute).collect::<Vec<_>>()
    };
    match kind {
        "steps" => {
            let of_band = by_minute(&|minute| json!({"count": day.steps(minute).to_string()}));
            of_band.into_iter().chain(steps_of_phone(key, day)).collect()
        }
        "distance" => by_minute(&|minute| json!({"millimeters": (day.steps(minute) * 710).to_string()})),
        "active-energy-burned" => by_minute(&|minute| json!({"kcal": (day.steps(minute) as f64) * 0.04})),
        "heart-rate" => (0..96)
            .map(|quarter| {
                moment(
                    key,
                    day.at(quarter * 15),
                    json!({"beatsPerMinute": day.pulse(quarter * 15).to_string()}),
                )
            })
            .collect(),
        "daily-resting-heart-rate" => {
            vec![of_date(
                key,
                day,
                json!({"beatsPerMinute": (55 + day.pick(20, 6)).to_string()}),
            )]
        }
        "daily-oxygen-saturation" => {
            vec![of_date(
                key,
                day,
                json!({"averagePercentage": 95.5 + (day.pick(21, 25) as f64) / 10.0}),
            )]
        }
        "weight" if day.pick(22, 4) == 0 => {
            let at = day.at(6 * 60 + 50);
            vec![named(moment(key, at, json!({"weightGrams": day.grams()})), kind, day)]
        }
        "sleep" => vec![named(night(key, day), kind, day)],
        "exercise" => day.exercise().map_or_else(Vec::new, |(from, lasts)| {
            let body = json!({
                "exerciseType": "RUNNING",
                "activeDuration": format!("{}s", lasts * 60),
                "metricsSummary": {"caloriesKcal": lasts * 9, "distanceMillimeters": (lasts * 150_000).to_string()},
            });
            vec![named(over(key, day.at(from), day.at(from + lasts), body), kind, day)]
        }),
        _ => Vec::new(),
    }
}

fn night(key: &str, day: &Day) -> Point {
    let (asleep, awake) = day.night();
    let (start, end) = (day.at(asleep), day.at(awake));
    let mut stages = Vec::new();
    let (mut at, mut place) = (start, 0u64);
    while at < end {
        let kind = ["LIGHT", "DEEP", "LIGHT", "REM", "AWAKE"][(place % 5) as usize];
        let lasts = if kind == "AWAKE" {
            4
        } else {
            22 + day.pick(100 + place, 18)
        };
        let until = at.plus(lasts * MINUTE_MS).min(end);
        let mut stage = interval(at, until);
        stage["type"] = json!(kind);
        stages.push(stage);
        (at, place) = (until, place + 1);
    }
    let body = json!({"type": "STAGES", "stages": stages, "metadata": {"mainSleep": true, "processed": true}});
    Point {
        at: end,
        ..over(key, start, end, body)
    }
}
