//! Packs: deliveries of one person and adapter that follow each other, compressed together and sealed as one row.

use model::{PersonId, UtcMillis};
use rusqlite::{Row, params};

use super::super::database::Snapshot;
use super::super::fault::Doing as _;
use super::super::writer::Writing;
use crate::alike;
use crate::leaf::columns::{self, NotAColumn, Order};
use crate::{Result, StoreError};

/// Bytes of a pack's deliveries and answers at most, unpacked: making one anew takes some milliseconds.
pub(super) const MOST_PLAIN: usize = 1 << 20;
/// Deliveries of a pack at most.
pub(super) const MOST_ENTRIES: usize = 2_048;
/// Bytes of a key that stand in the clear. Of the five thousand pushes of a week one in a million looks like another.
const HASH: usize = 4;
/// Bytes of a key that are kept. Half of a keyed SHA-256 is enough to know a text by (RFC 2104, section 5).
const KEY: usize = 16;

/// A delivery in a pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) number: i64,
    pub(super) received: UtcMillis,
    pub(super) key: [u8; KEY],
    pub(super) answer: Vec<u8>,
    pub(super) body: Vec<u8>,
}

/// As much of a key as is kept.
pub(super) fn kept_key(key: &[u8]) -> Result<[u8; KEY]> {
    let kept = key.first_chunk().copied();
    kept.ok_or_else(|| StoreError::damaged("the key of a delivery"))
}

/// Deliveries of so many bytes of hashes.
pub(super) fn many(hashes: i64) -> usize {
    usize::try_from(hashes).unwrap_or(0) / HASH
}

/// A pack, opened.
pub(super) struct Pack {
    /// As which it is kept; `None` while it is not.
    kept: Option<i64>,
    person: PersonId,
    adapter: String,
    /// In the order of their numbers.
    pub(super) entries: Vec<Entry>,
}

/// A row as it is kept.
type Kept = (i64, u32, String, Vec<u8>, Vec<u8>);

const KEPT: &str = "SELECT last, person, adapter, hashes, body FROM payload_pack";

fn kept(row: &Row<'_>) -> rusqlite::Result<Kept> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
}

impl Pack {
    /// One with nothing in it, kept nowhere.
    pub(super) fn new(person: PersonId, adapter: &str) -> Self {
        Self {
            kept: None,
            person,
            adapter: adapter.to_owned(),
            entries: Vec::new(),
        }
    }

    /// The last number of the first pack of a person and adapter that ends after a number and holds something that came at `since` or
    /// later.
    pub(super) fn next(
        snapshot: &Snapshot<'_>,
        person: PersonId,
        (adapter, since): (&str, UtcMillis),
        after: i64,
    ) -> Result<Option<i64>> {
        snapshot
            .prepare_cached(
                "SELECT min(last) FROM payload_pack WHERE person = ?1 AND last > ?4 AND adapter = ?2 AND last_ms >= ?3",
            )
            .and_then(|mut statement| statement.query_row(params![person.0, adapter, since.0, after], |row| row.get(0)))
            .doing("looking for pushes")
    }

    /// The last number in packs of a person and adapter.
    pub(super) fn last(snapshot: &Snapshot<'_>, person: PersonId, adapter: &str) -> Result<Option<i64>> {
        snapshot
            .prepare_cached("SELECT max(last) FROM payload_pack WHERE person = ?1 AND adapter = ?2")
            .and_then(|mut statement| statement.query_row(params![person.0, adapter], |row| row.get(0)))
            .doing("looking for pushes")
    }

    /// The pack of this last number.
    pub(super) fn read(snapshot: &Snapshot<'_>, last: i64) -> Result<Self> {
        let found = snapshot
            .prepare_cached(&format!("{KEPT} WHERE last = ?1"))
            .and_then(|mut statement| statement.query_row([last], kept))
            .doing("reading pushes")?;
        Self::open(snapshot, found)
    }

    /// Makes the next few anew that hold something that came before, without it. How many deliveries went, and how many packs it were.
    pub(super) fn cut(writing: &Writing<'_>, before: UtcMillis, most: usize) -> Result<(usize, usize)> {
        let found: Vec<Kept> = writing
            .prepare_cached(&format!("{KEPT} WHERE first_ms < ?1 ORDER BY first_ms LIMIT ?2"))
            .and_then(|mut statement| statement.query_map(params![before.0, most as i64], kept)?.collect())
            .doing("reading pushes")?;
        let (packs, mut gone) = (found.len(), 0);
        for kept in found {
            let (last, many) = (kept.0, kept.3.len() / HASH);
            match Self::open(writing, kept) {
                Ok(pack) => gone += pack.retain(writing, |entry| entry.received >= before)?,
                // What is due must go, and nobody can tell it from the rest of this one.
                Err(StoreError::Damaged { what }) => {
                    tracing::warn!(%what, "a damaged pack of pushes was deleted, since some of them are due");
                    delete(writing, last)?;
                    gone += many;
                }
                Err(error) => return Err(error),
            }
        }
        Ok((gone, packs))
    }

    fn open(snapshot: &Snapshot<'_>, (last, person, adapter, hashes, body): Kept) -> Result<Self> {
        let person = PersonId(person);
        let plain = snapshot.person_key(person)?.open("payload_pack", &[last], &body)?;
        let entries = decode(&hashes, &plain)
            .map_err(|_| StoreError::damaged(format!("the pushes of person {person} up to {last}")))?;
        Ok(Self {
            kept: Some(last),
            person,
            adapter,
            entries,
        })
    }

    /// Writes it in the place of what is kept of it, which goes where nothing is left.
    pub(super) fn write(&self, writing: &Writing<'_>) -> Result<()> {
        if let Some(kept) = self.kept {
            delete(writing, kept)?;
        }
        let times = || self.entries.iter().map(|entry| entry.received.0);
        let (Some(last), Some(from), Some(until)) = (self.entries.last(), times().min(), times().max()) else {
            return Ok(());
        };
        let (hashes, plain) = encode(&self.entries)?;
        let key = writing.person_key(self.person)?;
        let body = key.seal(writing.randomness(), "payload_pack", &[last.number], &plain)?;
        writing
            .prepare_cached(
                "INSERT INTO payload_pack (last, person, adapter, first_ms, last_ms, hashes, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )
            .and_then(|mut statement| {
                statement.execute(params![last.number, self.person.0, self.adapter, from, until, hashes, body])
            })
            .doing("packing pushes")
            .map(|_| ())
    }

    /// Makes it anew of what is to stay; how many went.
    pub(super) fn retain(mut self, writing: &Writing<'_>, stays: impl Fn(&Entry) -> bool) -> Result<usize> {
        let before = self.entries.len();
        self.entries.retain(stays);
        self.write(writing)?;
        Ok(before - self.entries.len())
    }
}

fn delete(writing: &Writing<'_>, last: i64) -> Result<()> {
    writing
        .prepare_cached("DELETE FROM payload_pack WHERE last = ?1")
        .and_then(|mut statement| statement.execute([last]))
        .doing("deleting a pack of pushes")
        .map(|_| ())
}

/// The pack that holds what is found by this key, and the place in it. No other is opened.
pub(super) fn find(snapshot: &Snapshot<'_>, person: PersonId, key: &[u8]) -> Result<Option<(Pack, usize)>> {
    let key = kept_key(key)?;
    let mut statement = snapshot
        .prepare_cached("SELECT last, hashes FROM payload_pack WHERE person = ?1 ORDER BY last DESC")
        .doing("looking for a push")?;
    let mut rows = statement.query([person.0]).doing("looking for a push")?;
    let mut alike = Vec::new();
    while let Some(row) = rows.next().doing("looking for a push")? {
        let hashes = row.get_ref(1).and_then(|hashes| Ok(hashes.as_blob()?));
        let is_alike = |hash: &[u8]| hash == &key[..HASH];
        if hashes.doing("looking for a push")?.chunks_exact(HASH).any(is_alike) {
            alike.push(row.get::<_, i64>(0).doing("looking for a push")?);
        }
    }
    for last in alike {
        let pack = Pack::read(snapshot, last)?;
        if let Some(place) = pack.entries.iter().position(|entry| entry.key == key) {
            return Ok(Some((pack, place)));
        }
    }
    Ok(None)
}

/// What stands in the clear, and what is sealed.
fn encode(entries: &[Entry]) -> Result<(Vec<u8>, Vec<u8>)> {
    let (mut hashes, mut plain) = (Vec::new(), Vec::new());
    let numbers: Vec<i64> = entries.iter().map(|entry| entry.number).collect();
    columns::write(&mut plain, &numbers, Order::Growing);
    let times: Vec<i64> = entries.iter().map(|entry| entry.received.0).collect();
    columns::write(&mut plain, &times, Order::Growing);
    for entry in entries {
        let (hash, rest) = entry.key.split_at(HASH);
        hashes.extend_from_slice(hash);
        plain.extend_from_slice(rest);
    }
    let texts = entries
        .iter()
        .flat_map(|entry| [entry.body.as_slice(), entry.answer.as_slice()]);
    alike::write(&mut plain, &texts.collect::<Vec<_>>())?;
    Ok((hashes, plain))
}

fn decode(hashes: &[u8], mut plain: &[u8]) -> std::result::Result<Vec<Entry>, NotAColumn> {
    let (hashes, odd) = hashes.as_chunks::<HASH>();
    if !odd.is_empty() || hashes.len() > MOST_ENTRIES {
        return Err(NotAColumn);
    }
    let many = hashes.len();
    let numbers = columns::read(&mut plain, many)?;
    let times = columns::read(&mut plain, many)?;
    let (rests, mut plain) = plain.split_at_checked(many * (KEY - HASH)).ok_or(NotAColumn)?;
    let mut texts = alike::read(&mut plain, 2 * many, MOST_PLAIN)?.into_iter();
    let mut entries = Vec::with_capacity(many);
    let keys = hashes.iter().zip(rests.chunks_exact(KEY - HASH));
    for ((number, time), (hash, rest)) in numbers.into_iter().zip(times).zip(keys) {
        let mut key = [0; KEY];
        key[..HASH].copy_from_slice(hash);
        key[HASH..].copy_from_slice(rest);
        let (Some(body), Some(answer)) = (texts.next(), texts.next()) else {
            return Err(NotAColumn);
        };
        entries.push(Entry {
            number,
            received: UtcMillis(time),
            key,
            answer,
            body,
        });
    }
    // A number says which delivery is told of: each is later than the one before.
    let is_in_order = entries.is_sorted_by(|one, next| one.number < next.number);
    (is_in_order && plain.is_empty()).then_some(entries).ok_or(NotAColumn)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entries() -> impl Strategy<Value = Vec<Entry>> {
        let text = || prop::collection::vec(any::<u8>(), 0..60);
        let entry = (1_i64..5, any::<i64>(), any::<[u8; KEY]>(), text(), text());
        prop::collection::vec(entry, 0..20).prop_map(|entries| {
            let mut number = 0;
            let entry = |(step, received, key, answer, body)| {
                number += step;
                Entry {
                    number,
                    received: UtcMillis(received),
                    key,
                    answer,
                    body,
                }
            };
            entries.into_iter().map(entry).collect()
        })
    }

    proptest! {
        #[test]
        fn deliveries_come_back(entries in entries()) {
            let (hashes, plain) = encode(&entries)?;
            prop_assert_eq!(decode(&hashes, &plain), Ok(entries));
        }

        #[test]
        fn a_pack_that_was_changed_does_not_panic(
            entries in entries(), place in any::<prop::sample::Index>(), with in any::<u8>(), more in 0_usize..9,
        ) {
            let (mut hashes, mut plain) = encode(&entries)?;
            let place = place.index(plain.len());
            plain[place] = with;
            let _ = decode(&hashes, &plain);
            plain.truncate(place);
            prop_assert!(decode(&hashes, &plain).is_err());
            hashes.resize(hashes.len() + more, 0);
            let _ = decode(&hashes, &plain);
        }
    }
}
