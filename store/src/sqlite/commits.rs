//! SQL of commits: when each commit of a person was made, and by which delivery.
//!
//! None is ever forgotten, since each sample names its own. What comes is a row; rows that follow each other without a gap are
//! packed in the background, so many at once that a commit takes two bytes and not thirty.

use std::collections::{BTreeMap, HashMap};

use model::{BatchId, PersonId, UtcMillis};
use rusqlite::{OptionalExtension as _, params};

use super::database::Snapshot;
use super::fault::Doing as _;
use super::people::Commit;
use super::writer::Writing;
use crate::leaf::columns::{self, NotAColumn, Order};
use crate::{Folded, Result, StoreError};

/// Commits of a pack: reading one of them opens all, in some microseconds.
const PACK: usize = 256;
/// Packs that are made in one unit at most: some ten milliseconds.
const PACKS_AT_ONCE: usize = 64;
/// People whose commits are packed in one unit at most.
const PEOPLE_AT_ONCE: usize = 200;
/// Commits of a body that are believed at most.
const MOST_READ: u64 = 1 << 16;

/// When a commit was made, and by which delivery; 0 is none.
type Made = (UtcMillis, BatchId);

/// Writes a commit down.
pub(crate) fn note(writing: &Writing<'_>, person: PersonId, commit: Commit, batch: Option<BatchId>) -> Result<()> {
    writing
        .prepare_cached("INSERT INTO commits (person, seq, at_ms, batch) VALUES (?1, ?2, ?3, ?4)")
        .and_then(|mut statement| {
            statement.execute(params![
                person.0,
                commit.seq,
                commit.at.0,
                batch.map_or(0, |batch| batch.0)
            ])
        })
        .doing("noting a commit")
        .map(|_| ())
}

/// Commits of a person, as far as they were looked up.
#[derive(Default)]
pub(crate) struct Commits {
    rows: HashMap<i64, Made>,
    /// By their first.
    packs: BTreeMap<i64, Vec<Made>>,
}

impl Commits {
    /// The commit of this number.
    pub(crate) fn get(&mut self, snapshot: &Snapshot<'_>, person: PersonId, seq: i64) -> Result<Made> {
        if let Some(found) = self.rows.get(&seq).copied().or_else(|| self.packed(seq)) {
            return Ok(found);
        }
        let row: Option<(i64, u32)> = snapshot
            .prepare_cached("SELECT at_ms, batch FROM commits WHERE person = ?1 AND seq = ?2")
            .and_then(|mut statement| {
                statement
                    .query_row(params![person.0, seq], |row| Ok((row.get(0)?, row.get(1)?)))
                    .optional()
            })
            .doing("reading a commit")?;
        if let Some((at, batch)) = row {
            let made = (UtcMillis(at), BatchId(batch));
            self.rows.insert(seq, made);
            return Ok(made);
        }
        let pack: Option<(i64, Vec<u8>)> = snapshot
            .prepare_cached(
                "SELECT first, body FROM commit_pack WHERE person = ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1",
            )
            .and_then(|mut statement| {
                statement
                    .query_row(params![person.0, seq], |row| Ok((row.get(0)?, row.get(1)?)))
                    .optional()
            })
            .doing("reading commits")?;
        if let Some((first, body)) = pack {
            let made = decode(&body)
                .map_err(|_| StoreError::damaged(format!("the commits of person {person} from {first} on")))?;
            self.packs.insert(first, made);
        }
        self.packed(seq)
            .ok_or_else(|| StoreError::damaged(format!("commit {seq} of person {person} is missing")))
    }

    /// The commit, where a pack that was opened holds it.
    fn packed(&self, seq: i64) -> Option<Made> {
        let (first, made) = self.packs.range(..=seq).next_back()?;
        made.get(usize::try_from(seq - first).ok()?).copied()
    }
}

/// Packs commits of the next people after `after` who have enough of them. How many rows went, and where to go on.
pub(crate) fn pack(writing: &Writing<'_>, after: Option<PersonId>) -> Result<Folded> {
    let people: Vec<u32> = writing
        .prepare_cached(
            "SELECT person FROM commits WHERE person > ?1 GROUP BY person HAVING count(*) >= ?2 ORDER BY person LIMIT ?3",
        )
        .and_then(|mut statement| {
            let after = after.map_or(0, |person| person.0);
            statement
                .query_map(params![after, PACK as i64, PEOPLE_AT_ONCE as i64], |row| row.get(0))?
                .collect()
        })
        .doing("looking for commits to pack")?;
    let (mut rows, mut packs) = (0, 0);
    for person in people.iter().copied() {
        let found = next_rows(writing, PersonId(person))?;
        for run in found.chunk_by(|one, next| one.0 + 1 == next.0) {
            for part in run.chunks_exact(PACK) {
                rows += replace(writing, PersonId(person), part)?;
                packs += 1;
            }
        }
        if packs >= PACKS_AT_ONCE {
            // This one may have more.
            let next = Some(PersonId(person - 1));
            return Ok(Folded { rows, next });
        }
    }
    let next = people.last().filter(|_| people.len() == PEOPLE_AT_ONCE);
    let next = next.map(|person| PersonId(*person));
    Ok(Folded { rows, next })
}

fn next_rows(snapshot: &Snapshot<'_>, person: PersonId) -> Result<Vec<(i64, Made)>> {
    snapshot
        .prepare_cached("SELECT seq, at_ms, batch FROM commits WHERE person = ?1 ORDER BY seq LIMIT ?2")
        .and_then(|mut statement| {
            let most = (PACK * PACKS_AT_ONCE) as i64;
            statement
                .query_map(params![person.0, most], |row| {
                    Ok((row.get(0)?, (UtcMillis(row.get(1)?), BatchId(row.get(2)?))))
                })?
                .collect()
        })
        .doing("reading commits")
}

/// A pack in the place of rows.
fn replace(writing: &Writing<'_>, person: PersonId, rows: &[(i64, Made)]) -> Result<usize> {
    let [(first, _), .., (last, _)] = rows else {
        return Ok(0);
    };
    let made: Vec<Made> = rows.iter().map(|(_, made)| *made).collect();
    writing
        .prepare_cached("INSERT INTO commit_pack (person, first, body) VALUES (?1, ?2, ?3)")
        .and_then(|mut statement| statement.execute(params![person.0, first, encode(&made)]))
        .doing("packing commits")?;
    writing
        .prepare_cached("DELETE FROM commits WHERE person = ?1 AND seq BETWEEN ?2 AND ?3")
        .and_then(|mut statement| statement.execute(params![person.0, first, last]))
        .doing("packing commits")
}

fn encode(made: &[Made]) -> Vec<u8> {
    let mut out = Vec::new();
    columns::write_unsigned(&mut out, made.len() as u64);
    let times: Vec<i64> = made.iter().map(|(at, _)| at.0).collect();
    columns::write(&mut out, &times, Order::Growing);
    let batches: Vec<i64> = made.iter().map(|(_, batch)| i64::from(batch.0)).collect();
    columns::write(&mut out, &batches, Order::Growing);
    out
}

fn decode(mut bytes: &[u8]) -> std::result::Result<Vec<Made>, NotAColumn> {
    let many = columns::read_unsigned(&mut bytes)?;
    if many > MOST_READ {
        return Err(NotAColumn);
    }
    let (times, batches) = (
        columns::read(&mut bytes, many as usize)?,
        columns::read(&mut bytes, many as usize)?,
    );
    let made = times.into_iter().zip(batches).map(|(at, batch)| {
        let batch = u32::try_from(batch).map_err(|_| NotAColumn)?;
        Ok((UtcMillis(at), BatchId(batch)))
    });
    made.collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn commits_read_back(made in prop::collection::vec((any::<i64>(), any::<u32>()), 0..300)) {
            let made: Vec<Made> = made.into_iter().map(|(at, batch)| (UtcMillis(at), BatchId(batch))).collect();
            prop_assert_eq!(decode(&encode(&made)), Ok(made));
        }

        #[test]
        fn no_body_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes);
        }
    }
}
