//! Parked columns: numbers of vendor types that nothing maps yet, under their vendor's name, invisible outside.

use std::collections::HashMap;
use std::sync::Arc;

use model::{Measured, Metric, PersonId, Sample, Value};
use rusqlite::params;
use serde::{Deserialize, Serialize};

use super::database::{Database, Snapshot};
use super::fault::Doing as _;
use super::writer::Writing;
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
