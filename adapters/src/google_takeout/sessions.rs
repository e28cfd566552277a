//! Nights and exercises of the newer tables: a night's stages stand in a table of their own, joined by its id.

use std::collections::BTreeMap;
use std::io::Read;

use csv::StringRecord;
use model::units::{Conversion, parse_number};
use model::{Identified, Measured, Metric, Offset, Sample, UtcMillis, Word};

use super::elements::Stopped;
use super::tables::{moment, place, rows};
use super::twins::{Form, Twins};
use crate::fitbit::local::source;
use crate::fitbit::log::{kind, said, stage, with_parts};
use crate::measure::{self, coded};
use crate::push::{Not, Push, offset};

/// Nights of one archive at most, and stages of all of them: thirty years of nights of forty pieces.
const MOST_NIGHTS: usize = 20_000;
const MOST_STAGES: usize = 600_000;

/// Asleep, of no known stage.
const ASLEEP: u32 = 4;

/// Where a row of a night or a stage states its offsets.
const OFFSETS: [&str; 2] = ["start_utc_offset", "end_utc_offset"];

/// Nights, as far as they were read.
#[derive(Default)]
pub struct Nights {
    nights: BTreeMap<String, Night>,
    stages: usize,
}

#[derive(Default)]
struct Night {
    whole: Option<Sample>,
    said: Option<UtcMillis>,
    stages: Vec<Sample>,
}

/// Where the columns of a table of intervals stand.
struct Places {
    id: Option<usize>,
    start: [Option<usize>; 2],
    end: [Option<usize>; 2],
    device: Option<usize>,
}

impl Places {
    fn of(headings: &StringRecord, id: &str, [start, end]: [&str; 2], [before, after]: [&str; 2]) -> Self {
        let at = |heading: &str| place(headings, heading);
        Self {
            id: at(id),
            start: [at(start), at(before)],
            end: [at(end), at(after)],
            device: at("data_source"),
        }
    }

    /// The id of a row, and its interval without a value.
    fn interval(&self, push: &mut Push<'_>, row: &StringRecord) -> Result<(String, Sample), Not> {
        let cell = |at: Option<usize>| at.and_then(|at| row.get(at)).unwrap_or_default();
        let id = cell(self.id);
        if id.is_empty() || id.len() > 64 {
            return Err(Not::Rejected("id-missing"));
        }
        let unreadable = Not::Rejected("time-unreadable");
        let start = moment(row, self.start[0]).ok_or(unreadable)?;
        let end = moment(row, self.end[0]).ok_or(unreadable)?;
        push.times(start, end)?;
        let source = push.source_written(cell(self.device), source)?;
        let mut sample = push.zone.base(source, start, end);
        if let Some(minutes) = offset(cell(self.start[1])) {
            sample.offset = Offset::given(minutes);
            sample.end_offset_minutes = offset(cell(self.end[1])).unwrap_or(minutes);
        }
        Ok((id.to_owned(), sample))
    }
}

impl Nights {
    /// Reads `UserSleeps`.
    pub fn nights(&mut self, push: &mut Push<'_>, file: impl Read) -> Result<(), Stopped> {
        let mut places = None;
        rows(push, file, |push, headings, row, line| {
            let (places, updated) = places.get_or_insert_with(|| {
                let places = Places::of(headings, "sleep_id", ["sleep_start", "sleep_end"], OFFSETS);
                (places, place(headings, "sleep_last_updated"))
            });
            let made = places.interval(push, row).and_then(|(id, sample)| {
                if self.nights.len() >= MOST_NIGHTS && !self.nights.contains_key(&id) {
                    return Err(Not::Rejected("too-many-nights"));
                }
                let night = self.nights.entry(id).or_default();
                night.whole = Some(coded(Metric::SLEEP_STAGE, ASLEEP, &sample));
                night.said = moment(row, *updated);
                Ok(())
            });
            ended(push, made, row, line)
        })
    }

    /// Reads `UserSleepStages`.
    pub fn stages(&mut self, push: &mut Push<'_>, file: impl Read) -> Result<(), Stopped> {
        let mut places = None;
        rows(push, file, |push, headings, row, line| {
            let (places, word) = places.get_or_insert_with(|| {
                let places = Places::of(headings, "sleep_id", ["sleep_stage_start", "sleep_stage_end"], OFFSETS);
                (places, place(headings, "sleep_stage_type"))
            });
            let made = places.interval(push, row).and_then(|(id, sample)| {
                let is_full = self.nights.len() >= MOST_NIGHTS && !self.nights.contains_key(&id);
                if is_full || self.stages >= MOST_STAGES {
                    return Err(Not::Rejected("too-many-nights"));
                }
                let word = word.and_then(|at| row.get(at));
                let stage = coded(Metric::SLEEP_STAGE, stage(word.unwrap_or_default()), &sample);
                self.nights.entry(id).or_default().stages.push(stage);
                self.stages += 1;
                Ok(())
            });
            ended(push, made, row, line)
        })
    }

    /// Hands on every night, by its stages where there are any.
    pub fn finish(
        self,
        push: &mut Push<'_>,
        twins: &mut Twins,
        written: Option<UtcMillis>,
    ) -> Result<(), crate::SinkClosed> {
        for (id, night) in self.nights {
            let samples = match (night.stages.is_empty(), night.whole) {
                (false, _) => night.stages,
                (true, Some(whole)) => vec![whole],
                (true, None) => continue,
            };
            for sample in &samples {
                twins.note((Metric::SLEEP_STAGE, false), Form::Table, sample.start);
            }
            push.identified(Identified {
                id: format!("sleep/{id}"),
                said: night.said.unwrap_or_else(|| said(written, &samples)),
                what: Word::Holds(samples),
            })?;
        }
        Ok(())
    }
}

/// Reads `UserExercises`.
pub fn exercises(
    push: &mut Push<'_>,
    file: impl Read,
    twins: &mut Twins,
    written: Option<UtcMillis>,
) -> Result<(), Stopped> {
    rows(push, file, |push, headings, row, line| {
        let offsets = ["utc_offset", "utc_offset"];
        let places = Places::of(headings, "exercise_id", ["exercise_start", "exercise_end"], offsets);
        let cell = |heading: &str| place(headings, heading).and_then(|at| row.get(at)).unwrap_or_default();
        let made = places.interval(push, row).and_then(|(id, sample)| {
            let mut sample = sample;
            if cell("log_type").eq_ignore_ascii_case("manual") {
                sample.flags = sample.flags.with(model::Flags::USER_ENTERED);
            }
            let number = |headings: [&str; 2], conversion: Conversion| -> Option<Measured> {
                let written = headings.into_iter().map(cell).find(|cell| !cell.is_empty())?;
                let number = parse_number(written.as_bytes()).ok()?;
                // Nothing that was measured is written as zero here.
                (number != model::Decimal::whole(0)).then(|| conversion.convert(number))?
            };
            let distance = ["tracker_total_distance_mm", "manually_logged_total_distance_mm"];
            let energy = ["tracker_total_calories", "manually_logged_total_calories"];
            let parts = [
                measure::code_component(kind(cell("activity_name"))),
                measure::minutes(sample.start, sample.end),
                number(distance, Conversion::ratio(1, 1_000)),
                number(energy, Conversion::IDENTITY),
            ];
            twins.note((Metric::EXERCISE_SESSION, false), Form::Table, sample.start);
            let samples = vec![with_parts(sample, parts)];
            let updated = moment(row, place(headings, "exercise_last_updated"));
            push.identified(Identified {
                id: format!("exercise/{id}"),
                said: updated.unwrap_or_else(|| said(written, &samples)),
                what: Word::Holds(samples),
            })?;
            Ok(())
        });
        ended(push, made, row, line)
    })
}

fn ended(push: &mut Push<'_>, made: Result<(), Not>, row: &StringRecord, line: u64) -> Result<(), Stopped> {
    let Err(not) = made else { return Ok(()) };
    let text = row.iter().collect::<Vec<_>>().join(",");
    push.end_text(not, &text, line).map_err(|_| Stopped::Closed)
}
