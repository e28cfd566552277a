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

/// Bytes of a sealed body that fill five pages of 4,096 bytes, and some 450 more, which lie with the rest of their row
/// (sqlite.org/fileformat2.html, "Cell Payload Overflow Pages").
const BYTES: usize = 20_900;
/// By how much of it a block may miss it.
const CLOSE: usize = BYTES / 32;
/// Blocks below which a person's are left as they are.
const FEW: i64 = 8;
/// Between these sizes on average, but for the last one, which is what is left, they are left, too: what grows beyond its pages leaves
/// others half empty.
const LEFT: std::ops::RangeInclusive<usize> = BYTES * 31 / 32..=BYTES * 33 / 32;
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
             HAVING count(*) >= ?2 AND (sum(length(body)) < (count(*) - 1) * ?3 OR sum(length(body)) > count(*) * ?4)
             ORDER BY person LIMIT 1",
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

#[cfg(test)]
mod tests {
    use model::environment::SeededRandomness;
    use model::{Metric, UtcMillis};

    use super::*;
    use crate::leaf::by_id::Place;
    use crate::sqlite::aliases::{Entry, Index, State};
    use crate::sqlite::leaves::Series;
    use crate::sqlite::live_disk::open;
    use crate::sqlite::people;
    use crate::{NewPerson, Store};

    const MANY: i64 = 32_000;

    /// A number that looks like a hash.
    fn hash(number: i64) -> i64 {
        number.wrapping_mul(-7_046_029_254_386_353_131)
    }

    fn entry(number: i64, version: i64) -> Entry {
        let second = 1_778_338_800_000 + number * 15_000;
        let place = Place {
            second,
            home: second,
            tie_break: 0,
        };
        Entry {
            said: UtcMillis(second + version * 1_000),
            state: State::Live(1),
            at: Some((Series::sample(Metric::HEART_RATE, 1), place)),
        }
    }

    async fn note(store: &Store, person: PersonId, numbers: std::ops::Range<i64>, version: i64) -> Result<()> {
        let work = move |writing: &Writing<'_>| {
            for part in numbers.collect::<Vec<_>>().chunks(500) {
                let commit = people::next_commit(writing, person, None)?;
                let mut index = Index::of(writing, person, commit)?;
                for number in part {
                    index.set(hash(*number), entry(*number, version))?;
                }
                index.finish()?;
            }
            Ok(())
        };
        store.database.write("a test", work).await
    }

    async fn packed(store: &Store) -> Result<usize> {
        let (mut after, mut blocks) = (None, 0);
        loop {
            let packed = store.pack_ids(after).await?;
            blocks += packed.blocks;
            after = packed.next;
            if after.is_none() {
                return Ok(blocks);
            }
        }
    }

    async fn sizes(store: &Store, person: PersonId) -> Result<Vec<usize>> {
        let work = move |writing: &Writing<'_>| {
            writing
                .prepare("SELECT length(body) FROM alias WHERE person = ?1 ORDER BY first")
                .and_then(|mut statement| {
                    statement
                        .query_map([person.0], |row| Ok(row.get::<_, i64>(0)? as usize))?
                        .collect()
                })
                .doing("measuring aliases")
        };
        store.database.write("a test", work).await
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn blocks_that_are_cut_anew_are_of_one_size_and_every_id_is_found_as_before() -> Result<()> {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, clock) = open(folder.path()).await?;
        let (person, other) = (
            store.create_person(NewPerson::default()).await?,
            store.create_person(NewPerson::default()).await?,
        );
        // In the middle of them is the commit's own time: some are told from it.
        clock.set(UtcMillis(1_778_338_800_000 + MANY / 2 * 15_000));
        for person in [person, other] {
            note(&store, person, 0..MANY, 0).await?;
        }
        let before = sizes(&store, person).await?;
        assert!(before.len() as i64 > FEW, "{before:?}");
        assert!(packed(&store).await? > before.len());
        for person in [person, other] {
            let after = sizes(&store, person).await?;
            for size in &after[..after.len() - 1] {
                assert!(size.abs_diff(BYTES) < 2 * CLOSE, "{after:?}");
            }
        }
        assert_eq!(packed(&store).await?, 0, "nothing to do");
        // Some are said anew, some come, and all is cut again.
        note(&store, person, 3_000..5_000, 7).await?;
        note(&store, person, MANY..MANY + 6_000, 0).await?;
        assert!(packed(&store).await? > 0);
        let find = move |writing: &Writing<'_>| {
            let commit = people::next_commit(writing, person, None)?;
            let mut index = Index::of(writing, person, commit)?;
            let random = SeededRandomness::new(3);
            for number in 0..MANY + 6_000 {
                let version = if (3_000..5_000).contains(&number) { 7 } else { 0 };
                assert_eq!(index.get(hash(number))?, Some(entry(number, version)), "{number}");
                assert_eq!(index.get(random.below(u64::MAX) as i64)?, None);
            }
            Ok(())
        };
        store.database.write("a test", find).await
    }
}
