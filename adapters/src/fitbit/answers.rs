//! Answers of the Web API, each of one day or a range of days. A window is a civil day, wherever it was.

use std::collections::HashMap;

use model::time::DAY_MS;
use model::units::Conversion;
use model::{Flags, Metric, Sample};
use serde_json::Value;
use serde_json::value::RawValue;

use super::coverage::{Makes, named};
use super::local::{civil, of_day, source};
use super::log;
use crate::measure::measured;
use crate::pull::{Points, Reads, Windows};
use crate::push::{Not, Push, number, text};

const SAME: Conversion = Conversion::IDENTITY;

/// Reads answers.
pub(super) struct Answers;

impl Reads for Answers {
    fn window(&self, series: &str) -> Option<i64> {
        named(series).map(|_| DAY_MS)
    }

    fn points<'a>(&self, series: &str, page: &'a str) -> Option<Points<'a>> {
        let is_pending = matches!(named(series)?.makes, Makes::Sleep) && is_pending(page);
        Some(Points {
            are_all: !is_pending,
            ..Points::all(items(series, page)?)
        })
    }

    fn point(&self, push: &mut Push<'_>, point: &str, windows: &mut Windows<'_>) -> Result<(), Not> {
        let resource = named(windows.ask.series).ok_or(Not::Unsupported("type-unknown"))?;
        let item: Value = serde_json::from_str(point).map_err(|_| Not::Rejected("not-json"))?;
        let unreadable = Not::Rejected("time-unreadable");
        let (at, name, samples) = match resource.makes {
            Makes::Minutes(metric, conversion) => {
                let at = windows.ask.start.0 + clock(&item).ok_or(unreadable)?;
                let start = push.zone.instant(at);
                let end = start.plus(60_000);
                push.times(start, end)?;
                let source = push.source_written("", source)?;
                let mut base = push.zone.base(source, start, end);
                base.flags = base.flags.with(Flags::MINUTE_PRECISION);
                (
                    at,
                    String::new(),
                    vec![measured(metric, number(item.get("value"), conversion)?, &base)?],
                )
            }
            Makes::Heart => match clock(&item) {
                Some(clock) => {
                    let at = windows.ask.start.0 + clock;
                    let then = push.zone.instant(at);
                    push.times(then, then)?;
                    let source = push.source_written("", source)?;
                    let base = push.zone.base(source, then, then);
                    let rate = measured(Metric::HEART_RATE, number(item.get("value"), SAME)?, &base)?;
                    (at, String::new(), vec![rate])
                }
                None => {
                    let at = day(&item)?;
                    let base = of_day(push.source_written("", source)?, at);
                    let value = item.get("value").unwrap_or(&Value::Null);
                    if value.get("restingHeartRate").is_none() {
                        return Err(Not::Unsupported("no-resting-heart-rate"));
                    }
                    let rate = measured(
                        Metric::RESTING_HEART_RATE,
                        number(value.get("restingHeartRate"), SAME)?,
                        &base,
                    )?;
                    (at, String::new(), vec![rate])
                }
            },
            Makes::Day(metric, path) => {
                let at = day(&item)?;
                let mut base = of_day(push.source_written("", source)?, at);
                if metric.temporal() == model::vocabulary::Temporal::Interval {
                    let zone = &push.zone;
                    base = zone.base(base.source, zone.instant(at), zone.instant(at + DAY_MS));
                }
                let (holder, member) = match path {
                    [] => (&item, "value"),
                    [first, ..] => (item.get("value").unwrap_or(&Value::Null), *first),
                };
                let sample = measured(metric, number(holder.get(member), SAME)?, &base)?;
                (at, String::new(), vec![sample])
            }
            Makes::Body(metric, member) => {
                let date = text(&item, "date").ok_or(unreadable)?;
                let time = text(&item, "time").unwrap_or("00:00:00");
                let at = civil(&format!("{date}T{time}")).ok_or(unreadable)?;
                let then = push.zone.instant(at);
                push.times(then, then)?;
                let device = text(&item, "source").unwrap_or_default();
                let source = push.source_written(device, source)?;
                let mut base = push.zone.base(source, then, then);
                if matches!(device, "API" | "Web") {
                    base.flags = base.flags.with(Flags::USER_ENTERED);
                }
                let id = item.get("logId").map(Value::to_string).unwrap_or_default();
                (at, id, vec![measured(metric, number(item.get(member), SAME)?, &base)?])
            }
            Makes::Uptake => {
                let at = day(&item)?;
                let base = of_day(push.source_written("", source)?, at);
                let value = item.pointer("/value/vo2Max").ok_or(Not::Rejected("value-missing"))?;
                (at, String::new(), vec![uptake(value, &base)?])
            }
            Makes::Sleep => {
                let log = log::sleep(push, &item)?;
                let at = text(&item, "dateOfSleep").and_then(civil).unwrap_or(log.civil);
                (at, log.id, log.samples)
            }
            Makes::Exercise => {
                let log = log::exercise(push, &item)?;
                (log.civil, log.id, log.samples)
            }
        };
        let at = model::UtcMillis(at);
        match windows.holds(at) {
            true => windows.put(at, &name, samples),
            false => Err(Not::Duplicate("of-another-ask")),
        }
    }
}

/// The items of a page.
fn items<'a>(series: &str, page: &'a str) -> Option<Vec<&'a RawValue>> {
    let resource = named(series)?;
    // Of one resource a day is an object, several are a list, and none is either of them, empty.
    if let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(page) {
        return Some(items);
    }
    let members: HashMap<&str, &RawValue> = serde_json::from_str(page).ok()?;
    if resource.member.is_empty() {
        let whole: &RawValue = serde_json::from_str(page).ok()?;
        return Some(if members.is_empty() { Vec::new() } else { vec![whole] });
    }
    let listed = |member: &str| match members.get(member) {
        None => Some(Vec::new()),
        Some(items) => serde_json::from_str::<Vec<&RawValue>>(items.get()).ok(),
    };
    match resource.makes {
        Makes::Minutes(..) => dataset(members.get(resource.member)?),
        Makes::Heart => {
            let mut items = listed("activities-heart")?;
            items.extend(match members.get(resource.member) {
                Some(intraday) => dataset(intraday)?,
                None => Vec::new(),
            });
            Some(items)
        }
        _ => listed(resource.member),
    }
}

/// The vendor still works on nights, and says so beside those that it has: one that it does not name may have been there before. Days later
/// it is asked again for them as for all that comes late, and then names all.
fn is_pending(page: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct Page<'a> {
        #[serde(borrow)]
        meta: Meta<'a>,
    }
    #[derive(serde::Deserialize)]
    struct Meta<'a> {
        #[serde(borrow)]
        state: std::borrow::Cow<'a, str>,
    }
    serde_json::from_str(page).is_ok_and(|page: Page<'_>| page.meta.state == "pending")
}

/// The items of `{dataset: [...]}`.
fn dataset(intraday: &RawValue) -> Option<Vec<&RawValue>> {
    #[derive(serde::Deserialize)]
    struct Intraday<'a> {
        #[serde(borrow, default)]
        dataset: Vec<&'a RawValue>,
    }
    let intraday: Intraday<'_> = serde_json::from_str(intraday.get()).ok()?;
    Some(intraday.dataset)
}

/// `07:30:00` in milliseconds since midnight.
fn clock(item: &Value) -> Option<i64> {
    let time: jiff::civil::Time = text(item, "time")?.parse().ok()?;
    let seconds = i64::from(time.hour()) * 3_600 + i64::from(time.minute()) * 60 + i64::from(time.second());
    Some(seconds * 1_000)
}

fn day(item: &Value) -> Result<i64, Not> {
    text(item, "dateTime")
        .and_then(civil)
        .ok_or(Not::Rejected("time-unreadable"))
}

/// A number, or a range of whole numbers, of which the middle is taken.
fn uptake(value: &Value, base: &Sample) -> Result<Sample, Not> {
    if !(value.is_number() || value.is_string()) {
        return Err(Not::Rejected("not-a-number"));
    }
    let uptake = match value.as_str().and_then(|text| text.split_once('-')) {
        Some((low, high)) => {
            let whole = |text: &str| text.trim().parse::<u8>().map_err(|_| Not::Rejected("not-a-number"));
            let tenths = (i64::from(whole(low)?) + i64::from(whole(high)?)) * 5;
            model::Measured::as_given(match tenths % 10 {
                0 => model::Decimal::whole(tenths / 10),
                _ => model::Decimal::new(tenths, 1),
            })
        }
        None => number(Some(value), SAME)?,
    };
    Ok(measured(Metric::VO2_MAX, uptake, base)?)
}
