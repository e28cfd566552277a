//! Daily roll-ups: what the vendor counts of a civil day, of all sources as it merges them. Some types come in no other way.

use model::{LocalDay, Metric, UtcMillis};
use serde_json::{Value, json};

use super::coverage::{ACTIVITY, Field, Kind, Makes, SAME, THOUSANDTH, Type, field};
use super::day_at;
use crate::cloud::{Ask, Request, Sends, Series};

/// What the name of such a series has behind the type, as its path does.
pub(super) const VERB: &str = ":dailyRollUp";

/// Days of one ask, and of its only page; fewer of some types (3.3).
const MOST: u16 = 90;
const FEW: u16 = 14;

/// A day that has not begun in UTC may have begun where the person is.
const AHEAD_HOURS: u16 = 14;

const fn of(name: &'static str, days: u16, is_told: bool, key: &'static str, counted: &'static [Field]) -> Type {
    Type {
        series: Series {
            name,
            scope: ACTIVITY,
            days,
            hours: 24,
            // As far as one ask reaches, with today and what is ahead of it: devices hand over days at once.
            late_days: if days == MOST { 30 } else { days / 2 },
            ahead_hours: AHEAD_HOURS,
            is_told,
            merges: false,
        },
        key,
        kind: Kind::RolledUp,
        makes: Makes::Numbers(counted),
    }
}

/// All types of which days are asked for.
pub(super) const ROLL_UPS: &[Type] = &[
    of(
        "steps:dailyRollUp",
        MOST,
        true,
        "steps",
        &[field(&["countSum"], SAME, Metric::DAILY_STEP_COUNT)],
    ),
    of(
        "distance:dailyRollUp",
        MOST,
        true,
        "distance",
        &[field(&["millimetersSum"], THOUSANDTH, Metric::DAILY_DISTANCE)],
    ),
    of(
        "floors:dailyRollUp",
        MOST,
        true,
        "floors",
        &[field(&["countSum"], SAME, Metric::DAILY_FLOORS_CLIMBED)],
    ),
    of(
        "active-energy-burned:dailyRollUp",
        MOST,
        false,
        "activeEnergyBurned",
        &[field(&["kcalSum"], SAME, Metric::DAILY_ACTIVE_ENERGY)],
    ),
    of(
        "total-calories:dailyRollUp",
        FEW,
        true,
        "totalCalories",
        &[field(&["kcalSum"], SAME, Metric::TOTAL_ENERGY_BURNED)],
    ),
];

/// Asks for the days of a time, its end exclusive.
pub(super) fn request(kind: &Type, ask: &Ask<'_>, page: Option<&str>) -> Request {
    let civil = |at: UtcMillis| {
        let (year, month, day) = day_at(at).ymd();
        json!({"date": {"year": year, "month": month, "day": day}})
    };
    let mut body = json!({
        "range": {"start": civil(ask.start), "end": civil(ask.end)},
        "windowSizeDays": 1,
        "pageSize": kind.series.days,
    });
    if let Some(page) = page {
        body["pageToken"] = page.into();
    }
    Request {
        path: format!("/v4/users/me/dataTypes/{}/dataPoints{VERB}", kind.data_type()),
        sends: Sends::Json(body),
    }
}

/// The day that a point counts; `None` for one that begins within a day, or counts more than one.
pub(super) fn day(point: &Value, date: impl Fn(&Value) -> Option<LocalDay>) -> Option<LocalDay> {
    let start = point.get("civilStartTime")?;
    let day = date(start.get("date")?)?;
    let begins_within = start
        .get("time")
        .and_then(Value::as_object)
        .is_some_and(|time| time.values().any(|part| part.as_i64() != Some(0)));
    // The day that is under way may end now.
    let ends_later = point
        .pointer("/civilEndTime/date")
        .and_then(date)
        .is_some_and(|end| end > day.plus(1));
    (!begins_within && !ends_later).then_some(day)
}
