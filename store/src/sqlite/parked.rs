//! Parked columns: numbers of vendor types that nothing maps yet, under their vendor's name, invisible outside.

use std::collections::HashMap;
use std::sync::Arc;

use model::{Measured, Metric, PersonId, Sample, UtcMillis, Value};
use rusqlite::{OptionalExtension as _, params};
use serde::{Deserialize, Serialize};

use super::database::{Database, Snapshot};
use super::fault::Doing as _;
use super::leaves::{self, Series};
use super::writer::Writing;
use crate::parked::ParkedSeries;
use crate::{Parked, Result, StoreError};

/// Numbers of types within a person have the 12 bits that metrics have.
const MOST_TYPES: u16 = 4_095;

#[derive(Serialize, Deserialize)]
struct Body {
    vendor_type: String,
    unit: String,
}

/// The types a person has, by vendor name and unit.
#[derive(Default)]
pub(crate) struct Types {
    numbers: HashMap<Arc<str>, Vec<(Arc<str>, u16)>>,
}

impl Types {
    /// Reads them.
    pub(crate) fn read(snapshot: &Snapshot<'_>, person: PersonId) -> Result<Self> {
        let key = snapshot.person_key(person)?;
        let rows: Vec<(u16, Vec<u8>)> = snapshot
            .prepare_cached("SELECT number, body FROM parked_type WHERE person = ?1 ORDER BY number")
            .and_then(|mut statement| {
                statement
                    .query_map([person.0], |row| Ok((row.get(0)?, row.get(1)?)))?
                    .collect()
            })
            .doing("reading parked types")?;
        let mut types = Self::default();
        for (number, body) in rows {
            let plain = key.open("parked_type", &[i64::from(person.0), i64::from(number)], &body)?;
            let body: Body = serde_json::from_slice(&plain)
                .map_err(|_| StoreError::damaged(format!("parked type {number} of person {person}")))?;
            types.insert(body.vendor_type.into(), body.unit.into(), number);
        }
        Ok(types)
    }

    /// The number of a type.
    pub(crate) fn find(&self, vendor_type: &str, unit: &str) -> Option<u16> {
        self.numbers
            .get(vendor_type)?
            .iter()
            .find(|(known, _)| **known == *unit)
            .map(|(_, number)| *number)
    }

    /// Numbers the type of a parked number; another import may have done so meanwhile.
    pub(crate) fn add(&mut self, database: &Database, person: PersonId, parked: &Parked) -> Result<u16> {
        let (vendor_type, unit) = (Arc::clone(&parked.vendor_type), Arc::clone(&parked.unit));
        if vendor_type.is_empty() || vendor_type.len() + unit.len() > 512 {
            return Err(StoreError::Invalid {
                what: "a parked type has 1 to 512 bytes, its unit included",
            });
        }
        let number = database
            .queue("number parked type", true, move |writing| {
                insert(writing, person, &vendor_type, &unit)
            })?
            .wait()?;
        self.insert(Arc::clone(&parked.vendor_type), Arc::clone(&parked.unit), number);
        Ok(number)
    }

    fn insert(&mut self, vendor_type: Arc<str>, unit: Arc<str>, number: u16) {
        self.numbers.entry(vendor_type).or_default().push((unit, number));
    }
}

fn insert(writing: &Writing<'_>, person: PersonId, vendor_type: &str, unit: &str) -> Result<u16> {
    let known = Types::read(writing, person)?;
    if let Some(number) = known.find(vendor_type, unit) {
        return Ok(number);
    }
    let number = 1 + known.numbers.values().map(|units| units.len() as u16).sum::<u16>();
    if number > MOST_TYPES {
        return Err(StoreError::TooMany {
            what: "parked types",
            limit: u32::from(MOST_TYPES),
        });
    }
    let body = Body {
        vendor_type: vendor_type.to_owned(),
        unit: unit.to_owned(),
    };
    let plain = serde_json::to_vec(&body).map_err(|_| StoreError::damaged("a parked type"))?;
    let sealed = writing.person_key(person)?.seal(
        writing.randomness(),
        "parked_type",
        &[i64::from(person.0), i64::from(number)],
        &plain,
    )?;
    writing
        .prepare_cached("INSERT INTO parked_type (person, number, body) VALUES (?1, ?2, ?3)")
        .and_then(|mut statement| statement.execute(params![person.0, number, sealed]))
        .doing("numbering a parked type")?;
    Ok(number)
}

/// What is parked of the next person of whom something is.
pub(crate) fn after(snapshot: &Snapshot<'_>, after: PersonId) -> Result<Vec<ParkedSeries>> {
    let person: Option<u32> = snapshot
        .prepare_cached("SELECT min(person) FROM parked WHERE person > ?1")
        .and_then(|mut statement| statement.query_row([after.0], |row| row.get(0)))
        .doing("looking for what is parked")?;
    person.map_or_else(|| Ok(Vec::new()), |person| of(snapshot, PersonId(person)))
}

/// What is parked of a person.
pub(crate) fn of(snapshot: &Snapshot<'_>, person: PersonId) -> Result<Vec<ParkedSeries>> {
    let types = Types::read(snapshot, person)?;
    let mut names = HashMap::new();
    for (vendor_type, units) in &types.numbers {
        names.extend(units.iter().map(|(unit, number)| (*number, (vendor_type, unit))));
    }
    let rows: Vec<(u16, u16, i64)> = snapshot
        .prepare_cached("SELECT type, source, sum(samples) FROM parked WHERE person = ?1 GROUP BY type, source")
        .and_then(|mut statement| {
            let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
            statement.query_map([person.0], row)?.collect()
        })
        .doing("looking for what is parked")?;
    let series = |(kind, source, numbers): (u16, u16, i64)| {
        let named = names.get(&kind);
        let (vendor_type, unit) =
            named.ok_or_else(|| StoreError::damaged(format!("parked type {kind} of person {person}")))?;
        Ok(ParkedSeries {
            person,
            vendor_type: vendor_type.to_string(),
            unit: unit.to_string(),
            numbers: numbers.unsigned_abs(),
            kind,
            source,
        })
    };
    rows.into_iter().map(series).collect()
}

/// The live numbers of the next leaf after `after`, when they were said, and which leaf that is.
pub(crate) fn next_leaf(
    snapshot: &Snapshot<'_>,
    person: PersonId,
    series: Series,
    after: i64,
) -> Result<Option<(i64, UtcMillis, Vec<Sample>)>> {
    let found: Option<(i64, i64, Vec<u8>)> = snapshot
        .prepare_cached(
            "SELECT number, asserted_floor, body FROM parked WHERE person = ?1 AND type = ?2 AND source = ?3 AND number > ?4
             ORDER BY number LIMIT 1",
        )
        .and_then(|mut statement| {
            let by = params![person.0, series.kind(), series.source(), after];
            let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
            statement.query_row(by, row).optional()
        })
        .doing("reading what is parked")?;
    let Some((number, floor, body)) = found else {
        return Ok(None);
    };
    let rows = leaves::parked_rows(&*snapshot.person_key(person)?, number, &body, series, floor)?;
    let live = rows.into_iter().filter(|row| !row.dead && row.moved_to.is_none());
    Ok(Some((number, UtcMillis(floor), live.map(|row| row.sample).collect())))
}

/// They are samples now.
pub(crate) fn delete(writing: &Writing<'_>, person: PersonId, series: Series) -> Result<()> {
    writing
        .prepare_cached("DELETE FROM parked WHERE person = ?1 AND type = ?2 AND source = ?3")
        .and_then(|mut statement| statement.execute(params![person.0, series.kind(), series.source()]))
        .doing("deleting what was parked")
        .map(|_| ())
}

/// A parked number in the shape that leaves hold: a quantity without a metric, shown with the digits it came with.
pub(crate) fn sample(parked: &Parked) -> Sample {
    Sample {
        metric: Metric::NONE,
        source: parked.source,
        start: parked.start,
        end: parked.end,
        offset: parked.offset,
        end_offset_minutes: parked.offset.minutes,
        value: Value::Quantity(Measured::as_given(parked.value)),
        flags: parked.flags,
        created: Sample::CREATION_UNKNOWN,
    }
}
