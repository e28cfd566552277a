//! Records that results of a checkup make together: a pressure of two numbers, and batteries of what was examined as one.

use std::collections::BTreeMap;

use model::checkup::{Battery, Item};
use model::{Metric, Value};

use super::super::checkups::Stored;
use super::checkups::{day_of, flags, key, no_number, sample};
use super::context::Context;
use crate::Result;
use crate::checkup::{BatteryMembers, OfCheckup, Standing};
use crate::reads::StoredSample;

/// The tie-break of a pressure that is made of the first, second or other reading: above those of items and batteries.
const PRESSURES: [(u16, &str, &str); 3] = [
    (4_001, "9A751000000000001", "9A761000000000001"),
    (4_002, "9A752000000000001", "9A762000000000001"),
    (4_003, "9A755000000000001", "9A765000000000001"),
];

/// What a checkup's results make together, each with its commit.
pub(super) fn of(context: &mut Context<'_>, stored: &Stored) -> Result<Vec<(StoredSample, i64)>> {
    let mut found = Vec::new();
    for pressure in pressures(stored) {
        found.push((pressure_record(context, stored, &pressure)?, pressure.seq));
    }
    // A battery is a document's; what a resident remembers of it stands by itself.
    if stored.kept.checkup.word.is_document() {
        let mut batteries: BTreeMap<Battery, Vec<Standing<'_>>> = BTreeMap::new();
        for standing in stored.kept.standing() {
            if let Some(battery) = Battery::of(standing.place.0) {
                batteries.entry(battery).or_default().push(standing);
            }
        }
        for (battery, results) in batteries {
            found.extend(battery_record(context, stored, battery, &results)?);
        }
    }
    Ok(found)
}

/// Two results that make one pressure, or did.
struct Pressure {
    tie_break: u16,
    reading: u8,
    parts: [Item; 2],
    /// `None` where one of them is gone, or no number any more.
    values: Option<[model::Measured; 2]>,
    version: u32,
    seq: i64,
}

fn pressures(stored: &Stored) -> Vec<Pressure> {
    let standing: Vec<Standing<'_>> = stored.kept.standing().collect();
    let mut found = Vec::new();
    for (tie_break, systolic, diastolic) in PRESSURES {
        let (Some(systolic), Some(diastolic)) = (Item::from_code(systolic), Item::from_code(diastolic)) else {
            continue;
        };
        for upper in standing.iter().filter(|standing| standing.place.0 == systolic) {
            let place = (diastolic, upper.place.1);
            let Some(lower) = standing.iter().find(|standing| standing.place == place) else {
                continue;
            };
            let value = |standing: &Standing<'_>| {
                let (number, unit) = standing.finding?.number()?;
                standing.place.0.trend(number, unit)
            };
            let values = value(upper).zip(value(lower));
            // What has no number and never said anything else made no pressure.
            let is_or_was = |standing: &Standing<'_>| value(standing).is_some() || standing.version > 1;
            if values.is_some() || (is_or_was(upper) && is_or_was(lower)) {
                found.push(Pressure {
                    tie_break,
                    reading: upper.place.1,
                    parts: [systolic, diastolic],
                    values: values.map(|(high, low)| [high, low]),
                    // It changed when either did.
                    version: upper.version + lower.version - 1,
                    seq: upper.seq.max(lower.seq),
                });
            }
        }
    }
    found
}

fn pressure_record(context: &mut Context<'_>, stored: &Stored, pressure: &Pressure) -> Result<StoredSample> {
    let day = stored.kept.checkup.day;
    let of = |context: &Context<'_>, tie_break| {
        key(
            context,
            stored,
            Metric::BLOOD_PRESSURE,
            day,
            pressure.reading,
            tie_break,
        )
    };
    let [systolic, diastolic] = pressure.parts;
    let value = match pressure.values {
        Some(values) => Value::Components(values.map(Some).into()),
        None => no_number(),
    };
    let (committed, batch) = context.commit(pressure.seq)?;
    let mut sample = sample(stored, Metric::BLOOD_PRESSURE, (day, day), value);
    sample.flags = flags(&stored.kept.checkup);
    Ok(StoredSample {
        key: of(context, pressure.tie_break),
        sample,
        version: pressure.version,
        committed,
        batch,
        dead: pressure.values.is_none(),
        copy_of: None,
        of_checkup: Some(OfCheckup::Pressure([
            of(context, systolic.number()),
            of(context, diastolic.number()),
        ])),
    })
}

/// The record of a battery, with those of its results that the access key shows; `None` where it shows none.
fn battery_record(
    context: &mut Context<'_>,
    stored: &Stored,
    battery: Battery,
    results: &[Standing<'_>],
) -> Result<Option<(StoredSample, i64)>> {
    let checkup = &stored.kept.checkup;
    let living: Vec<&Standing<'_>> = results.iter().filter(|standing| standing.finding.is_some()).collect();
    let items: Vec<Item> = living.iter().map(|standing| standing.place.0).collect();
    let groups = battery.groups(&items);
    let all: Vec<Item> = results.iter().map(|standing| standing.place.0).collect();
    if battery.groups(&all).is_empty() {
        return Ok(None);
    }
    let mut members = Vec::with_capacity(living.len());
    for standing in living {
        let ((item, reading), day) = (standing.place, day_of(checkup, standing));
        if context.shows(&sample(stored, item.metric(), (day, day), no_number())) {
            let key = key(context, stored, item.metric(), checkup.day, reading, item.number());
            members.push((key, item.row().is_reason));
        }
    }
    let dead = groups.is_empty();
    let seq = results.iter().map(|standing| standing.seq).max();
    let Some(seq) = seq.filter(|_| dead || !members.is_empty()) else {
        return Ok(None);
    };
    let (committed, batch) = context.commit(seq)?;
    let record = StoredSample {
        key: key(context, stored, battery.metric(), checkup.day, 0, battery.tie_break()),
        sample: sample(stored, battery.metric(), (checkup.day, checkup.day), no_number()),
        // Each change of a result counts one up, and one that is gone has counted too.
        version: results.iter().map(|standing| standing.version).sum(),
        committed,
        batch,
        dead,
        copy_of: None,
        of_checkup: Some(OfCheckup::Battery(Box::new(BatteryMembers {
            battery,
            groups,
            members,
        }))),
    };
    Ok(Some((record, seq)))
}
