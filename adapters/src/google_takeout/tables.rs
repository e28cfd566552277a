//! Tables of numbers: which column is what, and what its rows' times mean.

use std::io::Read;

use csv::StringRecord;
use model::time::MINUTE_MS;
use model::units::{Conversion, parse_number};
use model::{Metric, Outcome, UtcMillis};

use super::elements::{Stopped, watched};
use super::twins::{Form, Twins};
use crate::SinkClosed;
use crate::fitbit::local::{civil, is_brought, of_day, source, zoned};
use crate::measure::measured;
use crate::push::{Not, Push};
use crate::zone::Zone;

/// What the time of a row means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// The beginning of a minute.
    Minute,
    /// A moment.
    Moment,
    /// A civil day, whatever the clock says.
    Day,
}

/// A column that becomes samples.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// What the table's name begins with.
    pub table: &'static str,
    /// Its heading.
    pub heading: &'static str,
    /// What it becomes.
    pub metric: Metric,
    /// To the metric's unit.
    pub conversion: Conversion,
    /// What the time means.
    pub time: Time,
    /// The heading of the time.
    pub at: &'static str,
    /// How good the form is.
    pub form: Form,
}

const SAME: Conversion = Conversion::IDENTITY;

const fn newer(
    table: &'static str,
    heading: &'static str,
    metric: Metric,
    conversion: Conversion,
    time: Time,
) -> Column {
    Column {
        table,
        heading,
        metric,
        conversion,
        time,
        at: "timestamp",
        form: Form::Table,
    }
}

const fn older(table: &'static str, heading: &'static str, metric: Metric, time: Time, at: &'static str) -> Column {
    Column {
        table,
        heading,
        metric,
        conversion: SAME,
        time,
        at,
        form: Form::OldTable,
    }
}

/// All of them.
pub const COLUMNS: &[Column] = &[
    newer("steps", "steps", Metric::STEP_COUNT, SAME, Time::Minute),
    newer("distance", "distance", Metric::DISTANCE_TOTAL, SAME, Time::Minute),
    newer("floors", "floors", Metric::FLOORS_CLIMBED, SAME, Time::Minute),
    // With what is burned at rest.
    newer("calories", "calories", Metric::TOTAL_ENERGY_BURNED, SAME, Time::Minute),
    newer(
        "active_minutes",
        "light",
        Metric::ACTIVE_MINUTES_LIGHT,
        SAME,
        Time::Minute,
    ),
    newer(
        "active_minutes",
        "moderate",
        Metric::ACTIVE_MINUTES_MODERATE,
        SAME,
        Time::Minute,
    ),
    newer(
        "active_minutes",
        "very",
        Metric::ACTIVE_MINUTES_VIGOROUS,
        SAME,
        Time::Minute,
    ),
    newer(
        "active_zone_minutes",
        "total minutes",
        Metric::ACTIVE_ZONE_MINUTES,
        SAME,
        Time::Minute,
    ),
    newer("heart_rate", "beats per minute", Metric::HEART_RATE, SAME, Time::Moment),
    newer(
        "heart_rate_variability",
        "root mean square of successive differences milliseconds",
        Metric::HRV_RMSSD,
        SAME,
        Time::Moment,
    ),
    newer(
        "oxygen_saturation",
        "oxygen saturation percentage",
        Metric::OXYGEN_SATURATION,
        SAME,
        Time::Moment,
    ),
    newer(
        "daily_resting_heart_rate",
        "beats per minute",
        Metric::RESTING_HEART_RATE,
        SAME,
        Time::Day,
    ),
    newer(
        "daily_heart_rate_variability",
        "average heart rate variability milliseconds",
        Metric::HRV_RMSSD,
        SAME,
        Time::Day,
    ),
    newer(
        "daily_oxygen_saturation",
        "average percentage",
        Metric::OXYGEN_SATURATION_DAILY_MEAN,
        SAME,
        Time::Day,
    ),
    newer(
        "daily_respiratory_rate",
        "breaths per minute",
        Metric::RESPIRATORY_RATE_SLEEP_MEAN,
        SAME,
        Time::Day,
    ),
    newer(
        "weight",
        "weight grams",
        Metric::BODY_WEIGHT,
        Conversion::ratio(1, 1_000),
        Time::Moment,
    ),
    newer(
        "height",
        "height millimeters",
        Metric::BODY_HEIGHT,
        Conversion::ratio(1, 10),
        Time::Moment,
    ),
    newer(
        "body_fat",
        "fat percentage",
        Metric::BODY_FAT_PERCENTAGE,
        SAME,
        Time::Moment,
    ),
    older(
        "Daily SpO2",
        "average_value",
        Metric::OXYGEN_SATURATION_DAILY_MEAN,
        Time::Day,
        "timestamp",
    ),
    older(
        "Minute SpO2",
        "value",
        Metric::OXYGEN_SATURATION,
        Time::Moment,
        "timestamp",
    ),
    older(
        "Daily Respiratory Rate Summary",
        "daily_respiratory_rate",
        Metric::RESPIRATORY_RATE_SLEEP_MEAN,
        Time::Day,
        "timestamp",
    ),
    older(
        "Daily Heart Rate Variability Summary",
        "rmssd",
        Metric::HRV_RMSSD,
        Time::Day,
        "timestamp",
    ),
    older(
        "Heart Rate Variability Details",
        "rmssd",
        Metric::HRV_RMSSD,
        Time::Moment,
        "timestamp",
    ),
    older(
        "Computed Temperature",
        "nightly_temperature",
        Metric::SKIN_TEMPERATURE,
        Time::Day,
        "sleep_end",
    ),
];

/// The rows of a table; `each` is called with the headings and each row. A file of an empty kind says so in words and has no row.
pub fn rows(
    push: &mut Push<'_>,
    file: impl Read,
    mut each: impl FnMut(&mut Push<'_>, &StringRecord, &StringRecord, u64) -> Result<(), Stopped>,
) -> Result<(), Stopped> {
    let (file, since) = watched(file);
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(file);
    let damaged = |line: u64| Stopped::Damaged(usize::try_from(line).unwrap_or(usize::MAX), 1);
    let headings = reader.headers().map_err(|_| damaged(1))?.clone();
    let mut row = StringRecord::new();
    loop {
        match reader.read_record(&mut row) {
            Ok(false) => return Ok(()),
            Ok(true) => {
                since.set(0);
                each(push, &headings, &row, row.position().map_or(0, csv::Position::line))?;
            }
            // The row was read, and is no text: it ends alone.
            Err(error) if matches!(error.kind(), csv::ErrorKind::Utf8 { .. }) => {
                since.set(0);
                let line = reader.position().line();
                let ended = push.end_text(Not::Rejected("invalid-utf8"), "", line);
                ended.map_err(|SinkClosed| Stopped::Closed)?;
            }
            Err(_) => return Err(damaged(reader.position().line())),
        }
    }
}

/// Reads the profile: where the account's civil times are. Nothing else of it is looked at.
pub fn profile(push: &mut Push<'_>, file: impl Read) -> Result<(), Stopped> {
    rows(push, file, |push, headings, row, _| {
        let zone = place(headings, "timezone").and_then(|at| row.get(at));
        if let Some(zone) = zone.and_then(Zone::stated) {
            push.zone = zone;
        }
        Ok(())
    })
}

/// Where a heading stands.
pub fn place(headings: &StringRecord, heading: &str) -> Option<usize> {
    let named = |name: &str| name.trim_start_matches('\u{feff}').trim().eq_ignore_ascii_case(heading);
    headings.iter().position(named)
}

/// Reads a table of numbers.
pub fn table(push: &mut Push<'_>, file: impl Read, table: &str, twins: &mut Twins) -> Result<(), Stopped> {
    let columns: Vec<&Column> = COLUMNS.iter().filter(|column| column.table == table).collect();
    let mut places: Option<Vec<(&Column, usize, usize)>> = None;
    let mut device = None;
    rows(push, file, |push, headings, row, line| {
        let places = places.get_or_insert_with(|| {
            device = place(headings, "data source");
            let known = |column: &&'static Column| {
                Some((*column, place(headings, column.at)?, place(headings, column.heading)?))
            };
            columns.iter().filter_map(known).collect()
        });
        if places.is_empty() {
            push.count(Outcome::Unsupported, "columns-unknown");
            return Ok(());
        }
        let name = device.and_then(|device| row.get(device)).unwrap_or_default();
        for (column, at, value) in places.iter() {
            let made = one(push, column, row.get(*at), row.get(*value), name, twins);
            if let Err(not) = made {
                let text = row.iter().collect::<Vec<_>>().join(",");
                push.end_text(not, &text, line).map_err(|_| Stopped::Closed)?;
            }
        }
        Ok(())
    })
}

fn one(
    push: &mut Push<'_>,
    column: &Column,
    at: Option<&str>,
    value: Option<&str>,
    device: &str,
    twins: &mut Twins,
) -> Result<(), Not> {
    let at = at.unwrap_or_default();
    let value = value.unwrap_or_default().trim();
    if value.is_empty() || value == "NaN" {
        return Err(Not::Unsupported("no-value"));
    }
    let unreadable = Not::Rejected("time-unreadable");
    let number = push.source_written(device, source)?;
    let sample = if column.time == Time::Day {
        let day = at.get(..10).and_then(civil).ok_or(unreadable)?;
        of_day(number, day)
    } else {
        let (start, is_fine) = match zoned(at) {
            Some(start) => start,
            None => (push.zone.instant(civil(at).ok_or(unreadable)?), false),
        };
        let end = if column.time == Time::Minute {
            start.plus(MINUTE_MS)
        } else {
            start
        };
        let mut sample = push.zone.base(number, start, end);
        if is_fine {
            sample.flags = sample.flags.with(model::Flags::MILLISECONDS);
        }
        sample
    };
    push.times(sample.start, sample.end)?;
    let kept = (column.metric, column.time == Time::Day);
    if twins.has_better(kept, column.form, sample.start) {
        return Err(Not::Duplicate("in-another-form"));
    }
    let read = parse_number(value.as_bytes()).map_err(|_| Not::Rejected("not-a-number"))?;
    let converted = column
        .conversion
        .convert(read)
        .ok_or(Not::Rejected("number-too-long"))?;
    let sample = measured(column.metric, converted, &sample)?;
    // What another app brought covers nothing that the tracker measured.
    if !is_brought(device) {
        twins.note(kept, column.form, sample.start);
    }
    push.sample(sample)?;
    Ok(())
}

/// A moment of a row, with its offset where a column has it.
pub fn moment(row: &StringRecord, at: Option<usize>) -> Option<UtcMillis> {
    let text = row.get(at?)?;
    zoned(text).map(|(at, _)| at)
}
