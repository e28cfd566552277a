//! Daily roll-ups: what the points of the merged stream come to on each civil day.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use model::time::{DAY_MS, MINUTE_MS};
use model::{LocalDay, UtcMillis};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use super::api::{error, opened};
use super::points::Account;
use crate::days::Day;

/// Types of which days are summed: the member that holds it, the number of its points, and of its days; whole numbers are written as texts.
const KINDS: &[(&str, &str, &str, &str, bool)] = &[
    ("steps", "steps", "count", "countSum", true),
    ("distance", "distance", "millimeters", "millimetersSum", true),
    ("floors", "floors", "count", "countSum", true),
    ("active-energy-burned", "activeEnergyBurned", "kcal", "kcalSum", false),
    (TOTAL, "totalCalories", "kcal", "kcalSum", false),
];

/// It has no points of its own: what was burned by moving, and all day long.
const TOTAL: &str = "total-calories";

/// Days of one range at most, and of one page.
fn most(kind: &str) -> i32 {
    if kind == TOTAL { 14 } else { 90 }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Asked {
    range: Range,
    window_size_days: i32,
    page_size: Option<i32>,
    page_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Range {
    start: Civil,
    end: Civil,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Civil {
    date: Date,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Date {
    year: i32,
    month: u32,
    day: u32,
}

impl Civil {
    fn day(&self) -> Option<LocalDay> {
        LocalDay::from_ymd(self.date.year, self.date.month, self.date.day)
    }

    fn of(day: LocalDay) -> Value {
        let (year, month, day) = day.ymd();
        json!({"date": {"year": year, "month": month, "day": day}})
    }
}

/// `POST …/dataPoints:dailyRollUp`.
pub(super) async fn daily(
    State(shared): State<Arc<Shared>>,
    Path(kind): Path<String>,
    headers: HeaderMap,
    Json(asked): Json<Asked>,
) -> Response {
    if !KINDS.iter().any(|(name, ..)| *name == kind) {
        return error(StatusCode::NOT_FOUND, "NOT_FOUND", None);
    }
    let account = match opened(&shared, &headers, "activity_and_fitness") {
        Ok(account) => account,
        Err(refused) => return *refused,
    };
    let most = most(&kind);
    let size = asked.page_size.unwrap_or(most);
    let days = asked.range.start.day().zip(asked.range.end.day());
    let days = days.filter(|(start, end)| (1..=most).contains(&(end.0 - start.0)));
    let from = asked.page_token.as_deref().unwrap_or("0").parse::<usize>().ok();
    let (Some((start, end)), Some(from), 1, true) = (days, from, asked.window_size_days, (1..=most).contains(&size))
    else {
        return error(StatusCode::BAD_REQUEST, "INVALID_ARGUMENT", None);
    };
    let now = shared.setup.clock.now();
    let state = shared.state();
    let all = state
        .accounts
        .get(&account)
        .map_or_else(Vec::new, |account| account.roll_up(&kind, start, end, now));
    let size = usize::try_from(size).unwrap_or(1);
    let page: Vec<Value> = all
        .iter()
        .skip(from)
        .take(size)
        .map(|(_, point)| point.clone())
        .collect();
    let mut answer = json!({});
    if !page.is_empty() {
        answer["rollupDataPoints"] = json!(page);
    }
    if from + size < all.len() {
        answer["nextPageToken"] = json!((from + size).to_string());
    }
    Json(answer).into_response()
}

impl Account {
    /// The days of a time of which there is something, the latest first.
    pub(super) fn roll_up(&self, kind: &str, start: LocalDay, end: LocalDay, now: UtcMillis) -> Vec<(LocalDay, Value)> {
        let days = (start.0..end.0).rev().map(LocalDay);
        days.filter_map(|day| Some((day, self.rolled_up(kind, day, now)?)))
            .collect()
    }

    /// What the days of a time are counted as, each at its beginning in UTC.
    pub(super) fn days(&self, kind: &str, start: i64, end: i64, now: UtcMillis) -> Vec<(i64, String)> {
        let day = |at: i64| LocalDay(i32::try_from(at.div_euclid(DAY_MS)).unwrap_or(0));
        let number = |point: &Value| {
            let (_, key, _, sum, _) = KINDS.iter().find(|(name, ..)| *name == kind)?;
            let sum = &point[*key][*sum];
            Some(sum.as_str().map_or_else(|| sum.to_string(), str::to_owned))
        };
        let days = self.roll_up(kind, day(start), day(end), now).into_iter();
        days.filter_map(|(day, point)| Some((i64::from(day.0) * DAY_MS, number(&point)?)))
            .collect()
    }

    fn rolled_up(&self, kind: &str, date: LocalDay, now: UtcMillis) -> Option<Value> {
        let (_, key, _, sum_name, is_whole) = KINDS.iter().find(|(name, ..)| *name == kind)?;
        let day = self.day(i64::from(date.0));
        let sum = match kind {
            TOTAL => self.sum("active-energy-burned", &day, now).unwrap_or(0.0) + at_rest(&day, now)?,
            _ => self.sum(kind, &day, now)?,
        };
        let sum = match is_whole {
            true => json!(format!("{sum:.0}")),
            false => json!(sum),
        };
        Some(json!({
            "civilStartTime": Civil::of(date),
            "civilEndTime": Civil::of(date.plus(1)),
            *key: {*sum_name: sum},
        }))
    }

    /// What the merged points of a day come to; `None` where there are none.
    fn sum(&self, kind: &str, day: &Day, now: UtcMillis) -> Option<f64> {
        let (_, key, number, ..) = KINDS.iter().find(|(name, ..)| *name == kind)?;
        let points = self.reconcile(kind, day.at(0), day.at(24 * 60), now);
        let value = |body: &Value| match &body[*key][*number] {
            Value::String(text) => text.parse().unwrap_or(0.0),
            number => number.as_f64().unwrap_or(0.0),
        };
        (!points.is_empty()).then(|| points.iter().map(|point| value(&point.body)).sum())
    }
}

/// Burned by being alive, as far as the day has come; `None` of one that is to come.
fn at_rest(day: &Day, now: UtcMillis) -> Option<f64> {
    let minutes = (now.0 - day.at(0).0).min(DAY_MS) / MINUTE_MS;
    (minutes > 0).then(|| (minutes * (1_400 + day.pick(30, 200))) as f64 / 1_440.0)
}
