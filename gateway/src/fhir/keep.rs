//! What of an Observation is looked into by a search: its status, its device, its value, its components, and dates it must not
//! lie in.

use jiff::tz::TimeZone;
use model::Value;
use model::vocabulary::{Shape, systems};
use store::{DayStatus, Keep, OfCheckup, Record, StoredSample};

use super::parameters::Parameters;
use super::token::Token;
use super::{FhirError, bounds};
use crate::gate::Caller;
use crate::pairwise::device_key;

/// Which records a search is about beyond code, category and bounds on time. `home` is where the person is at home.
///
/// # Errors
/// [`FhirError::BadParameter`] for a date that is none.
pub fn of(caller: &Caller, parameters: &Parameters, home: &TimeZone) -> Result<Keep, FhirError> {
    if !parameters.looks_inside() && !parameters.excludes() {
        return Ok(Keep::default());
    }
    let (dates, updates) = parameters.excluded(home)?;
    let home = home.clone();
    let person = caller.token.person;
    let source = |id: &String| {
        let key = caller.ids.read(id)?;
        (key == device_key(person, key.source)).then_some(key.source)
    };
    // The id of no device of this person is no source: then nothing is kept.
    let sources: Vec<Vec<u16>> = parameters
        .devices
        .iter()
        .map(|group| group.iter().filter_map(source).collect())
        .collect();
    let (statuses, values, components) = (
        parameters.statuses.clone(),
        parameters.values.clone(),
        parameters.components.clone(),
    );
    Ok(Keep::only(move |record| {
        let (start, end) = bounds::interval(record, &home);
        let updated = record.updated();
        !dates.iter().any(|date| bounds::within(*date, start, end))
            && !updates.iter().any(|(from, until)| (*from..*until).contains(&updated))
            && statuses
                .iter()
                .all(|group| group.iter().any(|asked| asked == status(record)))
            && sources.iter().all(|group| measured_by(record, group))
            && values.iter().all(|group| group.iter().any(|bound| bound.holds(record)))
            && components
                .iter()
                .all(|group| group.iter().any(|token| has_component(record, token)))
    }))
}

/// The status of the Observation of a record.
fn status(record: &Record) -> &'static str {
    match record {
        Record::Sample(sample) if sample.dead => "entered-in-error",
        Record::Sample(StoredSample {
            of_checkup: Some(OfCheckup::Result(finding)),
            ..
        }) if finding.has_no_value() => "cancelled",
        Record::Event(event) if event.dead => "entered-in-error",
        Record::Sample(_) | Record::Event(_) => "final",
        Record::Total(total) => of_day(total.status),
        Record::Aggregate(aggregate) => of_day(aggregate.status),
    }
}

const fn of_day(status: DayStatus) -> &'static str {
    match status {
        DayStatus::Preliminary => "preliminary",
        DayStatus::Final => "final",
        DayStatus::Amended => "amended",
    }
}

fn measured_by(record: &Record, sources: &[u16]) -> bool {
    match record {
        Record::Sample(stored) => stored.sample.source != 0 && sources.contains(&stored.sample.source),
        _ => false,
    }
}

/// True when a component with this code has a value.
fn has_component(record: &Record, token: &Token) -> bool {
    let Record::Sample(stored) = record else { return false };
    match (&stored.sample.value, stored.sample.metric.shape()) {
        (Value::Components(values), Shape::Components(parts)) if !stored.dead => {
            parts.iter().zip(values).any(|(part, value)| {
                value.is_some()
                    && (token.fits(systems::SEKISHO, part.key)
                        || part.loinc.is_some_and(|code| token.fits(systems::LOINC, code)))
            })
        }
        _ => false,
    }
}
