//! Lists of the older form: civil times without a zone, numbers as texts.
//!
//! Reports differ on what their times mean. Minutes of steps, distance and heart rate are UTC where they were compared with the newer
//! tables; minutes of calories, days, nights and exercises are civil. None of them says an offset.

use std::io::Read;

use model::time::{DAY_MS, MINUTE_MS};
use model::units::Conversion;
use model::{Identified, Metric, UtcMillis, Word};
use serde_json::Value;

use super::elements::{self, Stopped};
use super::twins::{Form, Twins};
use crate::fitbit::local::{civil, of_day, source};
use crate::fitbit::log::{self, said};
use crate::measure::measured;
use crate::push::{Not, Push, number, text};

/// What the items of a list become.
#[derive(Clone, Copy, Debug)]
enum Items {
    /// A minute each, in UTC or in civil time.
    Minutes(Metric, Conversion, Clock),
    /// Heart rates.
    Heart,
    /// A number of a civil day, at this member of `value` where it has several.
    Day(Metric, &'static [&'static str]),
    /// Minutes of a whole civil day.
    WholeDay(Metric),
    /// Weights in a unit that is not said.
    Weight,
    /// Nights.
    Sleep,
    /// Exercises.
    Exercise,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clock {
    Utc,
    Civil,
}

fn items(list: &str) -> Option<Items> {
    let same = Conversion::IDENTITY;
    Some(match list {
        "steps" => Items::Minutes(Metric::STEP_COUNT, same, Clock::Utc),
        // Centimetres.
        "distance" => Items::Minutes(Metric::DISTANCE_TOTAL, Conversion::ratio(1, 100), Clock::Utc),
        "calories" => Items::Minutes(Metric::TOTAL_ENERGY_BURNED, same, Clock::Civil),
        "heart_rate" => Items::Heart,
        "resting_heart_rate" => Items::Day(Metric::RESTING_HEART_RATE, &["value"]),
        "demographic_vo2_max" => Items::Day(Metric::VO2_MAX, &["filteredDemographicVO2Max", "demographicVO2Max"]),
        "lightly_active_minutes" => Items::WholeDay(Metric::ACTIVE_MINUTES_LIGHT),
        "moderately_active_minutes" => Items::WholeDay(Metric::ACTIVE_MINUTES_MODERATE),
        "very_active_minutes" => Items::WholeDay(Metric::ACTIVE_MINUTES_VIGOROUS),
        "sedentary_minutes" => Items::WholeDay(Metric::SEDENTARY_MINUTES),
        "weight" => Items::Weight,
        "sleep" => Items::Sleep,
        "exercise" => Items::Exercise,
        _ => return None,
    })
}

/// The metrics that lists give, for pages and documents.
pub fn metrics() -> Vec<(&'static str, Metric)> {
    let of = |list: &&'static str| match items(list)? {
        Items::Minutes(metric, ..) | Items::Day(metric, _) | Items::WholeDay(metric) => Some((*list, metric)),
        Items::Heart => Some((*list, Metric::HEART_RATE)),
        Items::Sleep => Some((*list, Metric::SLEEP_STAGE)),
        Items::Exercise => Some((*list, Metric::EXERCISE_SESSION)),
        Items::Weight => None,
    };
    super::files::LISTS.iter().filter_map(of).collect()
}

/// Reads a list.
pub fn list(
    push: &mut Push<'_>,
    file: impl Read,
    list: &str,
    twins: &mut Twins,
    written: Option<UtcMillis>,
) -> Result<(), Stopped> {
    let Some(items) = items(list) else { return Ok(()) };
    let mut place = 0;
    elements::each(file, None, |text| {
        place += 1;
        let made = match serde_json::from_str::<Value>(text) {
            Ok(item) => one(push, items, &item, twins, written),
            Err(_) => Err(Not::Rejected("not-json")),
        };
        match made {
            Ok(()) => Ok(()),
            Err(not) => push.end_text(not, text, place),
        }
    })
}

fn one(
    push: &mut Push<'_>,
    items: Items,
    item: &Value,
    twins: &mut Twins,
    written: Option<UtcMillis>,
) -> Result<(), Not> {
    let is_day = matches!(items, Items::Day(..));
    let mut is_twin = |metric, at| match twins.has_better((metric, is_day), Form::List, at) {
        true => Err(Not::Duplicate("in-another-form")),
        false => {
            twins.note((metric, is_day), Form::List, at);
            Ok(())
        }
    };
    let time = || {
        let at = text(item, "dateTime").and_then(civil);
        at.ok_or(Not::Rejected("time-unreadable"))
    };
    let account = |push: &mut Push<'_>| push.source_written("", source);
    let sample = match items {
        Items::Minutes(metric, conversion, clock) => {
            let at = time()?;
            let start = if clock == Clock::Utc {
                UtcMillis(at)
            } else {
                push.zone.instant(at)
            };
            push.times(start, start)?;
            is_twin(metric, start)?;
            let base = {
                let source = account(push)?;
                push.zone.base(source, start, start.plus(MINUTE_MS))
            };
            measured(metric, number(item.get("value"), conversion)?, &base)?
        }
        Items::Heart => {
            let at = UtcMillis(time()?);
            push.times(at, at)?;
            is_twin(Metric::HEART_RATE, at)?;
            // The vendor itself does not believe these.
            if item.pointer("/value/confidence").and_then(Value::as_i64) == Some(0) {
                return Err(Not::Rejected("no-confidence"));
            }
            let base = {
                let source = account(push)?;
                push.zone.base(source, at, at)
            };
            let rate = number(item.pointer("/value/bpm"), Conversion::IDENTITY)?;
            measured(Metric::HEART_RATE, rate, &base)?
        }
        Items::Day(metric, members) => {
            let at = time()?;
            let base = of_day(account(push)?, at);
            push.times(base.start, base.start)?;
            is_twin(metric, base.start)?;
            let value = item.get("value");
            let member = members.iter().find_map(|member| value?.get(member));
            measured(metric, number(member, Conversion::IDENTITY)?, &base)?
        }
        Items::WholeDay(metric) => {
            let at = time()?;
            let (start, end) = (push.zone.instant(at), push.zone.instant(at + DAY_MS));
            push.times(start, start)?;
            is_twin(metric, start)?;
            let value = number(item.get("value"), Conversion::IDENTITY)?;
            // Days on which nothing was worn are filled so, days to come too.
            let is_filling = metric == Metric::SEDENTARY_MINUTES && value.exact() == model::Decimal::whole(1_440);
            if is_filling {
                return Err(Not::Unsupported("not-worn"));
            }
            let source = account(push)?;
            measured(metric, value, &push.zone.base(source, start, end))?
        }
        Items::Weight => {
            let date = text(item, "date").unwrap_or_default();
            let clock = text(item, "time").unwrap_or("00:00:00");
            let at = civil(&format!("{date} {clock}")).ok_or(Not::Rejected("time-unreadable"))?;
            is_twin(Metric::BODY_WEIGHT, push.zone.instant(at))?;
            // It follows the account's settings, which are not here.
            return Err(Not::Rejected("unknown-unit"));
        }
        Items::Sleep | Items::Exercise => {
            let is_sleep = matches!(items, Items::Sleep);
            let log = if is_sleep {
                log::sleep(push, item)?
            } else {
                log::exercise(push, item)?
            };
            let (metric, name) = match is_sleep {
                true => (Metric::SLEEP_STAGE, "sleep"),
                false => (Metric::EXERCISE_SESSION, "exercise"),
            };
            if let Some(first) = log.samples.first() {
                is_twin(metric, first.start)?;
            }
            push.identified(Identified {
                id: format!("{name}/{}", log.id),
                said: said(written, &log.samples),
                what: Word::Holds(log.samples),
            })?;
            return Ok(());
        }
    };
    push.sample(sample)?;
    Ok(())
}
