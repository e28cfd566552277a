//! Blocks of aliases cut anew in the background, all of one size.
//!
//! A push's ids go to all blocks, which grow and are cut in two, each at another size: a quarter of their pages stays empty.
//! SQLite keeps what is long in pages of its own and the odd bytes of it among those of others; where there are few odd bytes,
//! little is left empty, also while the blocks grow again.

use model::PersonId;
use rusqlite::{OptionalExtension as _, params};

use super::super::fault::Doing as _;
use super::super::seal::SealKey;
use super::super::writer::Writing;
use super::body::{Body, Entries, encode};
use super::write;
use crate::{PackedIds, Result};

/// Bytes of a sealed body that fill three pages of 4,096 bytes, and 489 more, which lie with the rest of their row
/// (sqlite.org/fileformat2.html, "Cell Payload Overflow Pages").
const BYTES: usize = 12_700;
/// By how much of it a block may miss it.
const CLOSE: usize = BYTES / 32;
/// Blocks below which a person's are left as they are.
const FEW: i64 = 8;
/// Between these sizes on average they are left, too.
const LEFT: std::ops::RangeInclusive<usize> = BYTES * 7 / 8..=BYTES * 9 / 8;
/// Blocks that are read in one unit at most: some tens of milliseconds.
const AT_ONCE: usize = 64;

/// Cuts anew what follows `after`: a person, and the least hash of the block to go on with. How many blocks were cut, and where to go on.
pub(crate) fn pack(writing: &Writing<'_>, after: Option<(PersonId, i64)>) -> Result<PackedIds> {
    let (person, from) = match after {
        Some(place) => place,
        None => match next(writing, PersonId(0))? {
            Some(person) => (person, i64::MIN),
            None => return Ok(PackedIds::default()),
        },
    };
    let rows = rows(writing, person, from)?;
    let is_last = rows.len() < AT_ONCE;
    let blocks = rows.len();
    let key = writing.person_key(person)?;
    let (mut entries, mut bytes) = (Entries::new(), 0);
    for (number, body) in rows {
        entries.extend(Body::read(key.open("alias", &[number], &body)?)?.entries()?);
        bytes += body.len();
        writing
            .prepare_cached("DELETE FROM alias WHERE number = ?1")
            .and_then(|mut statement| statement.execute([number]))
            .doing("packing aliases")?;
    }
    let last = cut(writing, &key, person, (from, &entries), bytes)?;
    let next = match is_last {
        true => next(writing, person)?.map(|person| (person, i64::MIN)),
        false => Some((person, last)),
    };
    Ok(PackedIds { blocks, next })
}

/// The next person after `after` whose blocks are of another size.
fn next(writing: &Writing<'_>, after: PersonId) -> Result<Option<PersonId>> {
    writing
        .prepare_cached(
            "SELECT person FROM alias WHERE person > ?1 GROUP BY person
             HAVING count(*) >= ?2 AND avg(length(body)) NOT BETWEEN ?3 AND ?4 ORDER BY person LIMIT 1",
        )
        .and_then(|mut statement| {
            let place = params![after.0, FEW, *LEFT.start() as i64, *LEFT.end() as i64];
            statement.query_row(place, |row| row.get(0).map(PersonId)).optional()
        })
        .doing("looking for aliases to pack")
}

fn rows(writing: &Writing<'_>, person: PersonId, from: i64) -> Result<Vec<(i64, Vec<u8>)>> {
    writing
        .prepare_cached("SELECT number, body FROM alias WHERE person = ?1 AND first >= ?2 ORDER BY first LIMIT ?3")
        .and_then(|mut statement| {
            statement
                .query_map(params![person.0, from, AT_ONCE as i64], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?
                .collect()
        })
        .doing("reading aliases")
}

/// Writes entries that took so many bytes as blocks of one size and what is left; the first may hold what is from `from` on.
/// Answers with the least hash of the last.
fn cut(
    writing: &Writing<'_>,
    key: &SealKey,
    person: PersonId,
    (from, entries): (i64, &[(i64, super::Kept)]),
    bytes: usize,
) -> Result<i64> {
    let fitting = |entries: usize, bytes: usize| (BYTES * entries / bytes.max(1)).max(1);
    let mut first = from;
    let mut many = fitting(entries.len(), bytes);
    let mut rest = entries;
    while !rest.is_empty() {
        let mut part = &rest[..many.min(rest.len())];
        let mut plain = encode(part);
        // Once more, by what that came to.
        if part.len() < rest.len() && plain.len().abs_diff(BYTES) > CLOSE {
            many = fitting(part.len(), plain.len());
            part = &rest[..many.min(rest.len())];
            plain = encode(part);
        }
        many = fitting(part.len(), plain.len());
        write(writing, key, person, (None, first), part, plain)?;
        rest = &rest[part.len()..];
        if let Some((hash, _)) = rest.first() {
            first = *hash;
        }
    }
    Ok(first)
}
