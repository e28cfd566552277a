//! Folding in the background: rows that are old enough join the last pack of their person and adapter.

use model::time::DAY_MS;
use model::{PersonId, UtcMillis};
use rusqlite::params;

use super::super::database::Snapshot;
use super::super::fault::Doing as _;
use super::super::writer::Writing;
use super::pack::{Entry, MOST_ENTRIES, MOST_PLAIN, Pack, kept_key};
use crate::{Folded, Result, StoreError};

/// Rows below which a person's are left as they are: to make a pack anew for less would write more than it saves.
const FEW: usize = 32;
/// Rows that are folded of one person and adapter in one unit at most.
const ROWS_AT_ONCE: usize = 256;
/// Bytes of packs, unpacked, after which a unit ends: some tens of milliseconds.
const ENOUGH: usize = 2 << 20;
/// People that are looked at in one unit at most.
const PEOPLE_AT_ONCE: usize = 200;
/// The longest time from the first delivery of a pack to its last.
const SPAN_MS: i64 = DAY_MS;
/// Bytes of a delivery and its answer, unpacked, above which it stays a row: with others it would hardly be smaller.
const MOST_OF_ONE: usize = 64 << 10;
/// The same as it is kept: what is longer is not opened.
const MOST_SEALED: i64 = 8 << 10;

/// Folds what came before of the next people after `after` who have enough of it. How many rows went, and where to go on.
pub(crate) fn fold(writing: &Writing<'_>, after: Option<PersonId>, before: UtcMillis) -> Result<Folded> {
    let people: Vec<u32> = writing
        .prepare_cached(
            "SELECT person FROM payload WHERE person > ?1 GROUP BY person HAVING count(*) >= ?2 ORDER BY person LIMIT ?3",
        )
        .and_then(|mut statement| {
            let after = after.map_or(0, |person| person.0);
            statement
                .query_map(params![after, FEW as i64, PEOPLE_AT_ONCE as i64], |row| row.get(0))?
                .collect()
        })
        .doing("looking for pushes to pack")?;
    let (mut rows, mut bytes) = (0, 0);
    for person in people.iter().copied() {
        let mut has_more = false;
        for adapter in adapters(writing, PersonId(person))? {
            let done = fold_one(writing, PersonId(person), &adapter, before)?;
            rows += done.rows;
            bytes += done.bytes;
            has_more |= done.rows == ROWS_AT_ONCE;
        }
        if has_more || bytes >= ENOUGH {
            let next = Some(PersonId(person - u32::from(has_more)));
            return Ok(Folded { rows, next });
        }
    }
    let next = people.last().filter(|_| people.len() == PEOPLE_AT_ONCE);
    let next = next.map(|person| PersonId(*person));
    Ok(Folded { rows, next })
}

fn adapters(snapshot: &Snapshot<'_>, person: PersonId) -> Result<Vec<String>> {
    snapshot
        .prepare_cached("SELECT DISTINCT adapter FROM payload WHERE person = ?1")
        .and_then(|mut statement| statement.query_map([person.0], |row| row.get(0))?.collect())
        .doing("looking for pushes to pack")
}

#[derive(Default)]
struct Done {
    rows: usize,
    /// Of the packs that were written.
    bytes: usize,
}

fn fold_one(writing: &Writing<'_>, person: PersonId, adapter: &str, before: UtcMillis) -> Result<Done> {
    let rows = old(writing, person, adapter, before)?;
    if rows.len() < FEW {
        return Ok(Done::default());
    }
    let large = large(writing, person, adapter)?;
    let mut done = Done::default();
    let mut filling = Filling::last(writing, person, adapter)?;
    let mut is_apart = false;
    for row in rows {
        let number = row.number;
        let last = filling.pack.entries.last().map_or(0, |last| last.number);
        // Packs do not reach beyond what stays between them, so that a walk meets all in order.
        let Some(entry) = row.open(writing, person)? else {
            is_apart |= number > last;
            continue;
        };
        is_apart |= large.iter().any(|large| (last..number).contains(large));
        if is_apart || !filling.has_room_for(&entry) {
            done.bytes += filling.write(writing)?;
            filling = Filling::of(Pack::new(person, adapter));
            is_apart = false;
        }
        filling.push(entry);
        writing
            .prepare_cached("DELETE FROM payload WHERE number = ?1")
            .and_then(|mut statement| statement.execute([number]))
            .doing("packing pushes")?;
        done.rows += 1;
    }
    done.bytes += filling.write(writing)?;
    Ok(done)
}

/// A pack that is being filled.
struct Filling {
    pack: Pack,
    plain: usize,
    has_grown: bool,
}

impl Filling {
    fn of(pack: Pack) -> Self {
        Self {
            plain: pack.entries.iter().map(size).sum(),
            pack,
            has_grown: false,
        }
    }

    /// The last pack, or a new one.
    fn last(writing: &Writing<'_>, person: PersonId, adapter: &str) -> Result<Self> {
        let Some(last) = Pack::last(writing, person, adapter)? else {
            return Ok(Self::of(Pack::new(person, adapter)));
        };
        match Pack::read(writing, last) {
            // Whoever reads it is told that it is damaged; what comes later is not kept from being folded by that.
            Err(StoreError::Damaged { .. }) => Ok(Self::of(Pack::new(person, adapter))),
            kept => kept.map(Self::of),
        }
    }

    fn has_room_for(&self, entry: &Entry) -> bool {
        let is_near =
            |first: &Entry| (first.received.0..first.received.0.saturating_add(SPAN_MS)).contains(&entry.received.0);
        let entries = &self.pack.entries;
        entries.first().is_none_or(is_near) && entries.len() < MOST_ENTRIES && self.plain + size(entry) <= MOST_PLAIN
    }

    fn push(&mut self, entry: Entry) {
        self.plain += size(&entry);
        self.pack.entries.push(entry);
        self.has_grown = true;
    }

    /// Its bytes, where there was something to write.
    fn write(&self, writing: &Writing<'_>) -> Result<usize> {
        if !self.has_grown {
            return Ok(0);
        }
        self.pack.write(writing)?;
        Ok(self.plain)
    }
}

fn size(entry: &Entry) -> usize {
    entry.body.len() + entry.answer.len()
}

/// A row that may be folded.
struct Old {
    number: i64,
    received: UtcMillis,
    key: Vec<u8>,
    answer: Vec<u8>,
    body: Vec<u8>,
}

impl Old {
    /// As it is packed; `None` where it is too long.
    fn open(self, snapshot: &Snapshot<'_>, person: PersonId) -> Result<Option<Entry>> {
        let key = snapshot.person_key(person)?;
        let packed = key.open("payload", &[self.number], &self.body)?;
        let answer = key.open("payload.answer", &[self.number], &self.answer)?;
        let body = super::unpacked(&packed, MOST_OF_ONE as u64 + 1)?;
        let entry = Entry {
            number: self.number,
            received: self.received,
            key: kept_key(&self.key)?,
            answer,
            body,
        };
        Ok(Some(entry).filter(|entry| size(entry) <= MOST_OF_ONE))
    }
}

/// The first rows of a person and adapter that are not too long, up to the first that is too young.
fn old(snapshot: &Snapshot<'_>, person: PersonId, adapter: &str, before: UtcMillis) -> Result<Vec<Old>> {
    let mut rows: Vec<Old> = snapshot
        .prepare_cached(
            "SELECT number, received_ms, key, answer, body FROM payload
             WHERE person = ?1 AND adapter = ?2 AND length(body) + length(answer) <= ?3 ORDER BY number LIMIT ?4",
        )
        .and_then(|mut statement| {
            let which = params![person.0, adapter, MOST_SEALED, ROWS_AT_ONCE as i64];
            statement
                .query_map(which, |row| {
                    Ok(Old {
                        number: row.get(0)?,
                        received: UtcMillis(row.get(1)?),
                        key: row.get(2)?,
                        answer: row.get(3)?,
                        body: row.get(4)?,
                    })
                })?
                .collect()
        })
        .doing("reading pushes to pack")?;
    let young = rows.iter().position(|row| row.received >= before);
    rows.truncate(young.unwrap_or(rows.len()));
    Ok(rows)
}

/// Numbers of rows that are too long.
fn large(snapshot: &Snapshot<'_>, person: PersonId, adapter: &str) -> Result<Vec<i64>> {
    snapshot
        .prepare_cached(
            "SELECT number FROM payload WHERE person = ?1 AND adapter = ?2 AND length(body) + length(answer) > ?3",
        )
        .and_then(|mut statement| {
            statement
                .query_map(params![person.0, adapter, MOST_SEALED], |row| row.get(0))?
                .collect()
        })
        .doing("reading pushes to pack")
}
