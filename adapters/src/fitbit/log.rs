//! Logs of nights and of exercises, as the Web API and the archive write them.

use model::units::{Conversion, parse_number};
use model::{Flags, Measured, Metric, Sample, UtcMillis, Value as Measure};
use serde_json::Value;

use super::local::{civil, source, zoned};
use crate::measure::{self, coded};
use crate::push::{Not, Push, list, offset_of, text};
use crate::zone::Zone;

/// Stages: of a night with stages `wake`, `light`, `deep`, `rem`; of a classic one `awake`, `restless`, `asleep`.
pub const STAGES: &[(&str, u32)] = &[
    ("wake", 1),
    ("awake", 1),
    ("asleep", ASLEEP),
    ("light", 5),
    ("deep", 6),
    ("rem", 7),
    ("restless", 8),
];
const AWAKE: u32 = 1;
const ASLEEP: u32 = 4;
const UNKNOWN_STAGE: u32 = 0;

/// The vocabulary's number of a stage's word.
pub fn stage(word: &str) -> u32 {
    let known = STAGES.iter().find(|(theirs, _)| word.eq_ignore_ascii_case(theirs));
    known.map_or(UNKNOWN_STAGE, |(_, code)| *code)
}

/// A log's samples, and its id.
pub struct Log {
    /// The vendor's id.
    pub id: String,
    /// The civil time at which it began, as if it were UTC.
    pub civil: i64,
    /// What it holds.
    pub samples: Vec<Sample>,
}

fn id(log: &Value) -> Result<String, Not> {
    match log.get("logId") {
        Some(Value::Number(number)) => Ok(number.to_string()),
        Some(Value::String(text)) if !text.is_empty() && text.len() <= 64 => Ok(text.clone()),
        _ => Err(Not::Rejected("id-missing")),
    }
}

/// A night or a nap: its stages, and the short wakings that lie over them. Without any it is sleep from end to end.
pub fn sleep(push: &mut Push<'_>, log: &Value) -> Result<Log, Not> {
    let id = id(log)?;
    let time = |member: &str| {
        let at = text(log, member).and_then(civil);
        at.ok_or(Not::Rejected("time-unreadable"))
    };
    let (begins, ends) = (time("startTime")?, time("endTime")?);
    let (start, end) = (push.zone.instant(begins), push.zone.instant(ends));
    push.times(start, end)?;
    let source = push.source_written("", source)?;
    let mut night = push.zone.base(source, start, end);
    if text(log, "logType") == Some("manual") {
        night.flags = night.flags.with(Flags::USER_ENTERED);
    }
    let levels = log.get("levels").unwrap_or(&Value::Null);
    let mut samples = Vec::new();
    for piece in list(levels, "data").iter().chain(list(levels, "shortData")) {
        samples.push(segment(&push.zone, piece, &night)?);
    }
    if samples.is_empty() {
        samples.extend(by_minute(log, &night)?);
    }
    if samples.is_empty() {
        samples.push(coded(Metric::SLEEP_STAGE, ASLEEP, &night));
    }
    Ok(Log {
        id,
        civil: begins,
        samples,
    })
}

fn segment(zone: &Zone, piece: &Value, night: &Sample) -> Result<Sample, Not> {
    let start = text(piece, "dateTime").and_then(civil);
    let start = start.map(|civil| zone.instant(civil));
    let seconds = piece.get("seconds").and_then(Value::as_i64);
    let (Some(start), Some(seconds)) = (start, seconds.filter(|seconds| (0..=86_400).contains(seconds))) else {
        return Err(Not::Rejected("time-unreadable"));
    };
    let end = start.plus(seconds * 1_000);
    // A minute that began is a whole one in old logs.
    if start < night.start || start > night.end {
        return Err(Not::Rejected("stage-outside-its-session"));
    }
    let mut sample = coded(
        Metric::SLEEP_STAGE,
        stage(text(piece, "level").unwrap_or_default()),
        night,
    );
    (sample.start, sample.end) = (start, end);
    Ok(sample)
}

/// Versions 1.0 and 1.1: a list of minutes by their clock, 1 asleep, 2 restless, 3 awake. Equal ones that follow each other are one.
fn by_minute(log: &Value, night: &Sample) -> Result<Vec<Sample>, Not> {
    let mut samples: Vec<Sample> = Vec::new();
    let first = UtcMillis(night.start.0.div_euclid(60_000) * 60_000);
    for (minute, piece) in (0_i64..).zip(list(log, "minuteData")) {
        let code = match text(piece, "value") {
            Some("1") => ASLEEP,
            Some("2") => 8,
            Some("3") => AWAKE,
            _ => return Err(Not::Rejected("value-missing")),
        };
        let start = first.plus(minute * 60_000).max(night.start);
        let end = first.plus((minute + 1) * 60_000);
        match samples.last_mut() {
            Some(last) if last.value == Measure::Code(code) => last.end = end,
            _ => {
                let mut sample = coded(Metric::SLEEP_STAGE, code, night);
                (sample.start, sample.end) = (start, end);
                samples.push(sample);
            }
        }
    }
    Ok(samples)
}

/// An exercise: its kind, minutes, metres and kilocalories.
pub fn exercise(push: &mut Push<'_>, log: &Value) -> Result<Log, Not> {
    let id = id(log)?;
    let written = text(log, "startTime").ok_or(Not::Rejected("start-missing"))?;
    let duration = log.get("duration").and_then(Value::as_i64);
    let duration = duration.filter(|millis| (0..=30 * 86_400_000).contains(millis));
    let duration = duration.ok_or(Not::Rejected("end-missing"))?;
    // The API states the offset, the archive does not.
    let (start, offset) = match zoned(written) {
        Some((start, _)) => (start, offset_of(written)),
        None => {
            let civil = civil(written).ok_or(Not::Rejected("time-unreadable"))?;
            (push.zone.instant(civil), None)
        }
    };
    let end = start.plus(duration);
    let active = log.get("activeDuration").and_then(Value::as_i64);
    let active = active.filter(|millis| (0..=duration).contains(millis));
    push.times(start, end)?;
    let device = log.pointer("/source/name").and_then(Value::as_str).unwrap_or_default();
    let source = push.source_written(device, source)?;
    let mut sample = push.zone.base(source, start, end);
    if let Some(minutes) = offset {
        (sample.offset, sample.end_offset_minutes) = (model::Offset::given(minutes), minutes);
    }
    if text(log, "logType") == Some("manual") {
        sample.flags = sample.flags.with(Flags::USER_ENTERED);
    }
    let number = |member: &str, conversion: Conversion| {
        let number = log.get(member)?.as_number()?;
        conversion.convert(parse_number(measure::tidy(number).as_bytes()).ok()?)
    };
    // Without its unit a distance could be of either.
    let unit = match text(log, "distanceUnit") {
        Some("Kilometer") => Some(Conversion::ratio(1_000, 1)),
        Some("Mile") => Some(Conversion::MILE_TO_METRE),
        Some("Meter") => Some(Conversion::IDENTITY),
        _ => None,
    };
    let parts = [
        measure::code_component(kind(text(log, "activityName").unwrap_or_default())),
        measure::minutes(start, active.map_or(end, |millis| start.plus(millis))),
        unit.and_then(|unit| number("distance", unit)),
        number("calories", Conversion::IDENTITY),
    ];
    let civil = start.0 + i64::from(sample.offset.minutes) * model::time::MINUTE_MS;
    Ok(Log {
        id,
        civil,
        samples: vec![with_parts(sample, parts)],
    })
}

/// An exercise of these parts.
pub fn with_parts(mut sample: Sample, parts: [Option<Measured>; 4]) -> Sample {
    sample.metric = Metric::EXERCISE_SESSION;
    sample.value = Measure::Components(Box::new(parts));
    sample
}

/// Words of an exercise's name, each with the vocabulary's number; the first that is there counts.
const KINDS: &[(&str, u32)] = &[
    ("table tennis", 47),
    ("walk", 52),
    ("treadmill", 37),
    ("run", 37),
    ("bik", 13),
    ("cycl", 13),
    ("spin", 13),
    ("swim", 46),
    ("hik", 24),
    ("yoga", 57),
    ("pilates", 66),
    ("weight", 50),
    ("strength", 50),
    ("elliptical", 16),
    ("interval", 63),
    ("hiit", 63),
    ("rowing", 35),
    ("stair", 44),
    ("tennis", 48),
    ("golf", 21),
    ("kickboxing", 65),
    ("boxing", 8),
    ("martial", 28),
    ("danc", 14),
    ("soccer", 41),
    ("basketball", 6),
    ("badminton", 4),
    ("snowboard", 67),
];
const OTHER_EXERCISE: u32 = 3_000;

/// The vocabulary's number of an exercise's name.
pub fn kind(name: &str) -> u32 {
    let name = name.to_lowercase();
    let known = KINDS.iter().find(|(word, _)| name.contains(word));
    known.map_or(OTHER_EXERCISE, |(_, code)| *code)
}

/// When something was said: when its archive was written, or, where that is not known, when it ended.
pub fn said(written: Option<UtcMillis>, samples: &[Sample]) -> UtcMillis {
    let ended = samples.iter().map(|sample| sample.end).max();
    written.or(ended).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_and_kinds_are_of_the_vocabulary() {
        assert!(STAGES.iter().all(|(_, code)| Metric::SLEEP_STAGE.code(*code).is_some()));
        let list = model::vocabulary::LIST_EXERCISE_TYPE;
        assert!(
            KINDS
                .iter()
                .all(|(_, code)| list.iter().any(|entry| entry.number == *code))
        );
        assert_eq!(
            (kind("Outdoor Run"), kind("Table Tennis"), kind("Sport")),
            (37, 47, OTHER_EXERCISE)
        );
    }
}
