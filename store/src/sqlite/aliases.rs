//! SQL of aliases: what was said last of each vendor id, and where its sample lies.
//!
//! An id is a keyed hash of 64 bits. A person's entries lie in sealed blocks in the order of their hashes, so that one id costs
//! one block; what came last waits in one small block of its own and is folded in when there is enough of it, so that a push
//! does not rewrite a block an id.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as MapEntry;
use std::sync::Arc;

use model::{Metric, PersonId, UtcMillis};
use rusqlite::{OptionalExtension as _, params};

use super::fault::Doing as _;
use super::leaves::Series;
use super::seal::SealKey;
use super::writer::Writing;
use crate::leaf::by_id::Place;
use crate::leaf::columns::{self, NotAColumn, Order};
use crate::{Result, StoreError};

/// Entries that wait at least before they are folded in, and at most: a push rewrites all that wait, folding in rewrites a block for
/// nearly each of them. Between the two it goes by how many blocks there are.
const PENDING: std::ops::RangeInclusive<usize> = 512..=4_096;
/// Entries that wait a block there is.
const PENDING_A_BLOCK: usize = 4;
/// Entries of a block at most: looking an id up opens one.
const MOST_ENTRIES: usize = 1_024;
/// Entries of a body that are believed at most.
const MOST_READ: u64 = 1 << 20;

/// What was said last of an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// When the vendor said it.
    pub(crate) said: UtcMillis,
    /// What the id is.
    pub(crate) state: State,
    /// Where its first sample lies; `None` where none ever came.
    pub(crate) at: Option<(Series, Place)>,
}

/// What an id is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// The vendor holds a record of so many samples.
    Live(u32),
    /// The vendor deleted it; it had so many samples, 0 where it never came.
    Deleted(u32),
    /// A further sample of a record; what is said of it stands with the first.
    Further,
    /// Not there any more.
    Gone,
}

impl State {
    fn number(self) -> i64 {
        match self {
            Self::Live(parts) => 4 * i64::from(parts),
            Self::Deleted(parts) => 4 * i64::from(parts) + 1,
            Self::Further => 2,
            Self::Gone => 3,
        }
    }

    fn from_number(number: i64) -> Option<Self> {
        let parts = u32::try_from(number.div_euclid(4)).ok()?;
        match number.rem_euclid(4) {
            0 => Some(Self::Live(parts)),
            1 => Some(Self::Deleted(parts)),
            2 => Some(Self::Further),
            _ => Some(Self::Gone),
        }
    }
}

/// By hash.
type Entries = Vec<(i64, Entry)>;

/// A person's entries, as far as they were looked at, and what changed of them.
pub(crate) struct Index<'a> {
    writing: &'a Writing<'a>,
    key: Arc<SealKey>,
    person: PersonId,
    pending: BTreeMap<i64, Entry>,
    changed: bool,
    /// Blocks that were opened, by their least hash.
    blocks: BTreeMap<i64, Block>,
}

struct Block {
    number: Option<i64>,
    entries: Entries,
}

impl<'a> Index<'a> {
    /// A person's.
    pub(crate) fn of(writing: &'a Writing<'a>, person: PersonId) -> Result<Self> {
        let key = writing.person_key(person)?;
        let body: Option<Vec<u8>> = writing
            .prepare_cached("SELECT body FROM alias_pending WHERE person = ?1")
            .and_then(|mut statement| statement.query_row([person.0], |row| row.get(0)).optional())
            .doing("reading aliases")?;
        let pending = match body {
            Some(body) => decode(&key.open("alias_pending", &[i64::from(person.0)], &body)?)?,
            None => Entries::new(),
        };
        let pending = pending.into_iter().collect();
        Ok(Self {
            writing,
            key,
            person,
            pending,
            changed: false,
            blocks: BTreeMap::new(),
        })
    }

    /// The hash of a part of a record: `space` keeps the ids of one vendor apart from another's.
    pub(crate) fn hash(&self, space: &str, id: &str, part: u32) -> i64 {
        let hash = self.writing.keys().lookup_hash(
            "alias",
            &[
                &self.person.0.to_le_bytes(),
                space.as_bytes(),
                id.as_bytes(),
                &part.to_le_bytes(),
            ],
        );
        hash.first_chunk().map_or(0, |bytes| i64::from_le_bytes(*bytes))
    }

    /// What was said last of a hash.
    pub(crate) fn get(&mut self, hash: i64) -> Result<Option<Entry>> {
        if let Some(entry) = self.pending.get(&hash) {
            return Ok(Some(*entry).filter(|entry| entry.state != State::Gone));
        }
        let block = self.block(hash)?;
        let block = self.blocks.get(&block);
        Ok(block.and_then(|block| {
            let place = block.entries.binary_search_by_key(&hash, |(hash, _)| *hash).ok()?;
            Some(block.entries[place].1)
        }))
    }

    /// What is said of it from now on.
    pub(crate) fn set(&mut self, hash: i64, entry: Entry) {
        match self.pending.entry(hash) {
            MapEntry::Occupied(mut there) if *there.get() != entry => {
                there.insert(entry);
                self.changed = true;
            }
            MapEntry::Occupied(_) => {}
            MapEntry::Vacant(free) => {
                free.insert(entry);
                self.changed = true;
            }
        }
    }

    /// Writes what changed.
    pub(crate) fn finish(mut self) -> Result<()> {
        if !self.changed {
            return Ok(());
        }
        if self.pending.len() > *PENDING.start() && self.pending.len() > self.most_pending()? {
            self.fold()?;
        }
        let pending: Entries = self.pending.into_iter().collect();
        let body = self.key.seal(
            self.writing.randomness(),
            "alias_pending",
            &[i64::from(self.person.0)],
            &encode(&pending),
        )?;
        self.writing
            .prepare_cached(
                "INSERT INTO alias_pending (person, body) VALUES (?1, ?2) ON CONFLICT (person) DO UPDATE SET body = ?2",
            )
            .and_then(|mut statement| statement.execute(params![self.person.0, body]))
            .doing("writing aliases")
            .map(|_| ())
    }

    fn most_pending(&self) -> Result<usize> {
        let blocks: i64 = self
            .writing
            .prepare_cached("SELECT count(*) FROM alias WHERE person = ?1")
            .and_then(|mut statement| statement.query_row([self.person.0], |row| row.get(0)))
            .doing("counting aliases")?;
        Ok((blocks as usize * PENDING_A_BLOCK).clamp(*PENDING.start(), *PENDING.end()))
    }

    /// The least hash of the block in which a hash lies, opened.
    fn block(&mut self, hash: i64) -> Result<i64> {
        let found: Option<(i64, i64)> = self
            .writing
            .prepare_cached(
                "SELECT first, number FROM alias WHERE person = ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1",
            )
            .and_then(|mut statement| {
                statement
                    .query_row(params![self.person.0, hash], |row| Ok((row.get(0)?, row.get(1)?)))
                    .optional()
            })
            .doing("finding aliases")?;
        let (first, number) = found.map_or((i64::MIN, None), |(first, number)| (first, Some(number)));
        if let MapEntry::Vacant(free) = self.blocks.entry(first) {
            let entries = match number {
                Some(number) => {
                    let body: Vec<u8> = self
                        .writing
                        .prepare_cached("SELECT body FROM alias WHERE number = ?1")
                        .and_then(|mut statement| statement.query_row([number], |row| row.get(0)))
                        .doing("reading aliases")?;
                    decode(&self.key.open("alias", &[number], &body)?)?
                }
                None => Entries::new(),
            };
            free.insert(Block { number, entries });
        }
        Ok(first)
    }

    /// Moves what waits into the blocks.
    fn fold(&mut self) -> Result<()> {
        let mut touched: BTreeMap<i64, Vec<(i64, Entry)>> = BTreeMap::new();
        for (hash, entry) in std::mem::take(&mut self.pending) {
            let first = self.block(hash)?;
            touched.entry(first).or_default().push((hash, entry));
        }
        for (first, entries) in touched {
            let Some(mut block) = self.blocks.remove(&first) else {
                continue;
            };
            // What is new stands behind what it replaces, and is the one that is kept.
            block.entries.extend(entries);
            block.entries.sort_by_key(|(hash, _)| *hash);
            let mut all: Entries = Vec::with_capacity(block.entries.len());
            for (hash, entry) in block.entries {
                match all.last_mut().filter(|(last, _)| *last == hash) {
                    Some(last) => last.1 = entry,
                    None => all.push((hash, entry)),
                }
            }
            all.retain(|(_, entry)| entry.state != State::Gone);
            if all.is_empty() {
                self.write(block.number, first, &all)?;
                continue;
            }
            let many = all.len().div_ceil(MOST_ENTRIES).max(1);
            let size = all.len().div_ceil(many).max(1);
            for (place, part) in all.chunks(size).enumerate() {
                let least = part.first().map_or(first, |(hash, _)| *hash);
                let (first, number) = if place == 0 {
                    (first, block.number)
                } else {
                    (least, None)
                };
                self.write(number, first, part)?;
            }
        }
        Ok(())
    }

    fn write(&self, number: Option<i64>, first: i64, entries: &[(i64, Entry)]) -> Result<()> {
        let number = match number {
            Some(number) => number,
            None => self
                .writing
                .prepare_cached("SELECT coalesce(max(number), 0) + 1 FROM alias")
                .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
                .doing("numbering aliases")?,
        };
        let body = self
            .key
            .seal(self.writing.randomness(), "alias", &[number], &encode(entries))?;
        let many = entries.len() as i64;
        self.writing
            .prepare_cached(
                "INSERT INTO alias (number, person, first, entries, body) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (number) DO UPDATE SET entries = ?4, body = ?5",
            )
            .and_then(|mut statement| statement.execute(params![number, self.person.0, first, many, body]))
            .doing("writing aliases")
            .map(|_| ())
    }
}

/// A series as one number; 0 is none.
fn series_number(at: Option<(Series, Place)>) -> i64 {
    at.map_or(0, |(series, _)| {
        1 + (i64::from(series.kind()) << 16) + i64::from(series.source())
    })
}

fn encode(entries: &[(i64, Entry)]) -> Vec<u8> {
    let mut out = Vec::with_capacity(entries.len() * 12 + 32);
    columns::write_unsigned(&mut out, entries.len() as u64);
    let second = |entry: &Entry| entry.at.map_or(0, |(_, place)| place.second);
    let whole = entries.iter().all(|(_, entry)| entry.said.0 % 1_000 == 0);
    let unit = if whole { 1_000 } else { 1 };
    out.push(u8::from(whole));
    let hashes: Vec<i64> = entries.iter().map(|(hash, _)| *hash).collect();
    columns::write(&mut out, &hashes, Order::Growing);
    let mut numbers = Vec::with_capacity(entries.len());
    let mut column = |of: &dyn Fn(&Entry) -> i64| {
        numbers.clear();
        numbers.extend(entries.iter().map(|(_, entry)| of(entry)));
        columns::write(&mut out, &numbers, Order::Any);
    };
    column(&|entry| entry.state.number());
    column(&|entry| series_number(entry.at));
    column(&|entry| second(entry) / 1_000);
    column(&|entry| (entry.said.0 - second(entry)) / unit);
    column(&|entry| entry.at.map_or(0, |(_, place)| (place.home - place.second) / 1_000));
    column(&|entry| entry.at.map_or(0, |(_, place)| i64::from(place.tie_break)));
    out
}

fn decode(bytes: &[u8]) -> Result<Entries> {
    read(bytes).map_err(|_| StoreError::damaged("aliases"))
}

fn read(mut bytes: &[u8]) -> std::result::Result<Entries, NotAColumn> {
    let many = columns::read_unsigned(&mut bytes)?;
    if many > MOST_READ {
        return Err(NotAColumn);
    }
    let (whole, mut rest) = bytes.split_first().ok_or(NotAColumn)?;
    let unit = if *whole == 1 { 1_000 } else { 1 };
    let mut column = || columns::read(&mut rest, many as usize);
    let (hashes, states, series) = (column()?, column()?, column()?);
    let (seconds, lags, homes, ties) = (column()?, column()?, column()?, column()?);
    let mut entries = Entries::with_capacity(hashes.len());
    for place in 0..hashes.len() {
        let second = seconds[place].checked_mul(1_000).ok_or(NotAColumn)?;
        let at = match series[place] {
            0 => None,
            number => {
                let kind = u16::try_from((number - 1) >> 16).map_err(|_| NotAColumn)?;
                let metric = Metric::from_number(kind).ok_or(NotAColumn)?;
                let place = Place {
                    second,
                    home: homes[place]
                        .checked_mul(1_000)
                        .and_then(|away| second.checked_add(away))
                        .ok_or(NotAColumn)?,
                    tie_break: ties[place] as u16,
                };
                Some((Series::sample(metric, ((number - 1) & 0xffff) as u16), place))
            }
        };
        let entry = Entry {
            said: lags[place]
                .checked_mul(unit)
                .and_then(|lag| second.checked_add(lag))
                .map(UtcMillis)
                .ok_or(NotAColumn)?,
            state: State::from_number(states[place]).ok_or(NotAColumn)?,
            at,
        };
        entries.push((hashes[place], entry));
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry() -> impl Strategy<Value = Entry> {
        let state = prop_oneof![
            (0u32..5_000).prop_map(State::Live),
            (0u32..5_000).prop_map(State::Deleted),
            Just(State::Further),
            Just(State::Gone),
        ];
        let place = (0i64..2_000_000_000, -9_000i64..9_000, 0u16..4_096).prop_map(|(second, home, tie_break)| {
            let place = Place {
                second: second * 1_000,
                home: (second + home) * 1_000,
                tie_break,
            };
            (Series::sample(Metric::HEART_RATE, 7), place)
        });
        (0i64..2_000_000_000_000, state, prop::option::of(place)).prop_map(|(said, state, at)| Entry {
            said: UtcMillis(said),
            state,
            at,
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn entries_read_back(entries in prop::collection::btree_map(any::<i64>(), entry(), 0..200)) {
            let entries: Entries = entries.into_iter().collect();
            prop_assert_eq!(read(&encode(&entries)), Ok(entries));
        }

        #[test]
        fn no_body_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&bytes);
        }
    }
}
