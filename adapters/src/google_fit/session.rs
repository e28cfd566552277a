//! Sessions: exercises and rests. Those of sleep say nothing that their stages do not say.

use model::units::parse_number;
use model::{Measured, Metric, Sample, UtcMillis, Value as Measure};
use serde_json::Value;

use super::coverage;
use super::point::{source, with_offset};
use crate::measure::{self, measured};
use crate::push::{Not, Push, instant, list, offset_of, text};

/// Of the API: numbers for kinds, milliseconds for times.
pub fn of_api(push: &mut Push<'_>, session: &Value) -> Result<Sample, Not> {
    let millis = |member: &str| {
        let value = session.get(member)?;
        let millis = value.as_i64().or_else(|| value.as_str()?.parse().ok());
        millis.map(UtcMillis)
    };
    let start = millis("startTimeMillis").ok_or(Not::Rejected("start-missing"))?;
    let end = millis("endTimeMillis").ok_or(Not::Rejected("end-missing"))?;
    let app = session.pointer("/application/packageName").and_then(Value::as_str);
    let base = base(push, app, start, end)?;
    let kind = session.get("activityType").and_then(Value::as_i64).unwrap_or(4);
    let known = |list: &[(i64, &str)]| list.iter().any(|(number, _)| *number == kind);
    let active = millis("activeTimeMillis").map(|active| active.0);
    match kind {
        72 | 109..=112 => Err(Not::Duplicate("its-stages-say-it")),
        _ if known(coverage::NO_EXERCISE) => Err(Not::Unsupported("no-exercise")),
        _ if known(coverage::MINDFUL) => mindful(&base),
        _ => {
            let code = coverage::EXERCISES.iter().find(|(number, ..)| *number == kind);
            exercise(&base, code.map(|(.., code)| *code), active, [None, None])
        }
    }
}

/// Of the archive: words for kinds, times with their offset, sums beside.
pub fn of_archive(push: &mut Push<'_>, session: &Value) -> Result<Sample, Not> {
    let time = |member: &str, missing| text(session, member).and_then(instant).ok_or(Not::Rejected(missing));
    let (start, end) = (time("startTime", "start-missing")?.0, time("endTime", "end-missing")?.0);
    let mut base = base(push, None, start, end)?;
    with_offset(&mut base, text(session, "startTime").and_then(offset_of));
    let word = text(session, "fitnessActivity").unwrap_or("unknown");
    let known = |list: &[(i64, &str)]| list.iter().any(|(_, theirs)| *theirs == word);
    match word {
        _ if word.starts_with("sleep") => Err(Not::Duplicate("its-stages-say-it")),
        _ if known(coverage::NO_EXERCISE) => Err(Not::Unsupported("no-exercise")),
        _ if known(coverage::MINDFUL) => mindful(&base),
        _ => {
            let code = coverage::EXERCISES.iter().find(|(_, theirs, _)| *theirs == word);
            let sum = |name: &str| {
                let sums = list(session, "aggregate").iter();
                let sum = sums
                    .filter(|sum| text(sum, "metricName") == Some(name))
                    .find_map(|sum| {
                        let number = sum.get("floatValue").or_else(|| sum.get("intValue"))?;
                        parse_number(measure::tidy(number.as_number()?).as_bytes()).ok()
                    });
                sum.map(Measured::as_given)
            };
            let sums = [sum("com.google.distance.delta"), sum("com.google.calories.expended")];
            let active = text(session, "duration").and_then(|text| {
                let seconds: f64 = text.strip_suffix('s')?.parse().ok()?;
                (0.0..1e9).contains(&seconds).then_some((seconds * 1_000.0) as i64)
            });
            exercise(&base, code.map(|(.., code)| *code), active, sums)
        }
    }
}

fn base(push: &mut Push<'_>, app: Option<&str>, start: UtcMillis, end: UtcMillis) -> Result<Sample, Not> {
    push.times(start, end)?;
    let stream = format!("session::{}", app.unwrap_or("com.google.android.apps.fitness"));
    let mut base = measure::blank(push.source(source(&stream))?, start, end);
    base.end_offset_minutes = base.offset.minutes;
    Ok(base)
}

fn mindful(base: &Sample) -> Result<Sample, Not> {
    let minutes = measure::minutes(base.start, base.end).ok_or(Not::Rejected("number-too-long"))?;
    Ok(measured(Metric::MINDFUL_SESSION, minutes, base)?)
}

/// Its kind, minutes, metres and kilocalories. What it is called is free text: not kept.
fn exercise(
    base: &Sample,
    code: Option<u32>,
    active: Option<i64>,
    [distance, energy]: [Option<Measured>; 2],
) -> Result<Sample, Not> {
    let end = active.map_or(base.end, |millis| base.start.plus(millis));
    let minutes = measure::minutes(base.start, end);
    let code = measure::code_component(code.unwrap_or(coverage::OTHER_EXERCISE));
    Ok(Sample {
        metric: Metric::EXERCISE_SESSION,
        value: Measure::Components(Box::new([code, minutes, distance, energy])),
        ..base.clone()
    })
}
