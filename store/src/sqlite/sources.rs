//! SQL of sources: the devices and apps of a person, numbered within the person.

use model::{PersonId, Source, SourceKind, UtcMillis};
use rusqlite::params;
use serde::{Deserialize, Serialize};

use super::database::Snapshot;
use super::fault::Doing as _;
use super::people::OneCommit;
use super::seal::SealKey;
use super::writer::Writing;
use crate::copies::Pairs;
use crate::reads::StoredSource;
use crate::{Result, StoreError};

/// Numbers of sources have 12 bits in a record's id, and 0 means none.
const MOST_SOURCES: u32 = 4_095;

#[derive(Serialize, Deserialize)]
struct Body {
    key: String,
    name: String,
    manufacturer: Option<String>,
    model: Option<String>,
    hardware: Option<String>,
    kind: u8,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    copies: Vec<String>,
}

impl Body {
    fn of(source: &Source) -> Self {
        Self {
            key: source.key.clone(),
            name: source.name.clone(),
            manufacturer: source.manufacturer.clone(),
            model: source.model.clone(),
            hardware: source.hardware.clone(),
            kind: source.kind as u8,
            copies: source.copies.clone(),
        }
    }

    fn source(self) -> Source {
        Source {
            key: self.key,
            name: self.name,
            manufacturer: self.manufacturer,
            model: self.model,
            hardware: self.hardware,
            kind: SourceKind::from_number(self.kind).unwrap_or_default(),
            copies: self.copies,
        }
    }
}

/// All sources of a person, by number.
pub(crate) fn sources(snapshot: &Snapshot<'_>, person: PersonId) -> Result<Vec<StoredSource>> {
    opened(snapshot, &*snapshot.person_key(person)?, person)
}

fn opened(snapshot: &Snapshot<'_>, key: &SealKey, person: PersonId) -> Result<Vec<StoredSource>> {
    let rows: Vec<(u16, u32, i64, Vec<u8>)> = snapshot
        .prepare_cached("SELECT number, version, at_ms, body FROM source WHERE person = ?1 ORDER BY number")
        .and_then(|mut statement| {
            statement
                .query_map([person.0], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
                })?
                .collect()
        })
        .doing("reading sources")?;
    rows.into_iter()
        .map(|(number, version, committed, body)| {
            let plain = key.open("source", &place(person, number), &body)?;
            let body: Body = serde_json::from_slice(&plain)
                .map_err(|_| StoreError::damaged(format!("source {number} of person {person}")))?;
            Ok(StoredSource {
                number,
                source: body.source(),
                version,
                committed: UtcMillis(committed),
            })
        })
        .collect()
}

/// Which of a person's sources may hold copies of which others.
pub(crate) fn pairs(snapshot: &Snapshot<'_>, person: PersonId) -> Result<Pairs> {
    let any: bool = snapshot
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM source WHERE person = ?1 AND copies)")
        .and_then(|mut statement| statement.query_row([person.0], |row| row.get(0)))
        .doing("looking for copies")?;
    match any {
        true => Ok(Pairs::of(&sources(snapshot, person)?)),
        false => Ok(Pairs::default()),
    }
}

/// The person's number for a source, found by its key or given anew; what describes it becomes what was said last.
pub(crate) fn ensure(
    writing: &Writing<'_>,
    key: &SealKey,
    person: PersonId,
    commit: &mut OneCommit,
    source: &Source,
) -> Result<u16> {
    let known = opened(writing, key, person)?;
    let found = known.iter().find(|stored| stored.source.key == source.key);
    if let Some(same) = found.filter(|stored| stored.source == *source) {
        return Ok(same.number);
    }
    let (number, version) = match found {
        Some(stored) => (stored.number, stored.version + 1),
        None => {
            let last = known.last().map_or(0, |stored| u32::from(stored.number));
            if last >= MOST_SOURCES {
                return Err(StoreError::TooMany {
                    what: "sources",
                    limit: MOST_SOURCES,
                });
            }
            (last as u16 + 1, 1)
        }
    };
    let commit = commit.get(writing)?;
    let plain = serde_json::to_vec(&Body::of(source)).map_err(|_| StoreError::damaged("a source"))?;
    let body = key.seal(writing.randomness(), "source", &place(person, number), &plain)?;
    writing
        .prepare_cached(
            "INSERT INTO source (person, number, version, at_ms, body, copies) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (person, number) DO UPDATE SET version = ?3, at_ms = ?4, body = ?5, copies = ?6",
        )
        .and_then(|mut statement| {
            let copies = !source.copies.is_empty();
            statement.execute(params![person.0, number, version, commit.at.0, body, copies])
        })
        .doing("keeping a source")?;
    Ok(number)
}

fn place(person: PersonId, number: u16) -> [i64; 2] {
    [i64::from(person.0), i64::from(number)]
}
