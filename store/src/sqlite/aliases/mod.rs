//! SQL of aliases: what was said last of each vendor id, and where its sample lies.
//!
//! An id is a keyed hash of 61 bits: of a million ids of a person, two are one in one of four million people. A person's entries lie in
//! sealed blocks in the order of their hashes, so that one id costs one block; what came last waits in one small block of its own and is folded in when there is enough of it, so that a push
//! does not rewrite a block an id. What the last few pushes said lies in front of that, some dozens of entries: all that a push
//! writes anew. [`body`] is what a block holds, [`packing`] makes blocks of one size in the background.

mod body;
mod packing;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as MapEntry;
use std::sync::Arc;

use model::{PersonId, UtcMillis};
use rusqlite::{OptionalExtension as _, params};

use body::{Body, Entries, Kept, encode};

use super::commits::Commits;
use super::fault::Doing as _;
use super::leaves::Series;
use super::people::Commit;
use super::seal::SealKey;
use super::writer::Writing;
use crate::Result;
use crate::leaf::by_id::Place;

pub(crate) use packing::pack;

/// Entries of the last pushes at most; more join those that wait.
const RECENT: usize = 120;
/// Entries that wait at least before they are folded in, and at most: whatever joins them rewrites them all, folding in rewrites a
/// block for nearly each of them. Between the two it goes by how many blocks there are.
const PENDING: std::ops::RangeInclusive<usize> = 512..=4_096;
/// Entries that wait a block there is.
const PENDING_A_BLOCK: usize = 12;
/// Entries of a block at most: looking an id up opens one.
const MOST_ENTRIES: usize = 3_072;

/// A hash of 61 bits of one of 64, in the same order.
fn shortened(hash: i64) -> i64 {
    hash >> 3
}

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

/// A person's entries, as far as they were looked at, and what changed of them.
pub(crate) struct Index<'a> {
    writing: &'a Writing<'a>,
    key: Arc<SealKey>,
    person: PersonId,
    commit: Commit,
    /// When others were made, as far as that was asked.
    commits: Commits,
    recent: BTreeMap<i64, Kept>,
    waiting: Body,
    changed: bool,
    /// Blocks that were opened, by their least hash.
    blocks: BTreeMap<i64, Block>,
}

struct Block {
    number: Option<i64>,
    body: Body,
}

impl<'a> Index<'a> {
    /// A person's, in a commit.
    pub(crate) fn of(writing: &'a Writing<'a>, person: PersonId, commit: Commit) -> Result<Self> {
        let key = writing.person_key(person)?;
        let recent = RECENTLY.read(writing, &key, person)?.entries()?;
        let waiting = WAITING.read(writing, &key, person)?;
        Ok(Self {
            writing,
            key,
            person,
            commit,
            commits: Commits::default(),
            recent: recent.into_iter().collect(),
            waiting,
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
        shortened(hash.first_chunk().map_or(0, |bytes| i64::from_le_bytes(*bytes)))
    }

    /// What was said last of a hash.
    pub(crate) fn get(&mut self, hash: i64) -> Result<Option<Entry>> {
        let kept = match self.last_said(hash)? {
            Some(kept) => Some(kept).filter(|kept| kept.entry.state != State::Gone),
            None => {
                let block = self.block(hash)?;
                let block = self.blocks.get_mut(&block);
                block.map_or(Ok(None), |block| block.body.get(hash))?
            }
        };
        kept.map(|kept| self.told(kept)).transpose()
    }

    /// What was said last of a hash, where that is in no block yet.
    fn last_said(&mut self, hash: i64) -> Result<Option<Kept>> {
        match self.recent.get(&hash) {
            Some(kept) => Ok(Some(*kept)),
            None => self.waiting.get(hash),
        }
    }

    fn told(&mut self, kept: Kept) -> Result<Entry> {
        let commit = match kept.noted {
            0 => UtcMillis(0),
            seq if seq == self.commit.seq => self.commit.at,
            seq => self.commits.get(self.writing, self.person, seq)?.0,
        };
        Ok(kept.told(commit))
    }

    /// What is said of it from now on.
    pub(crate) fn set(&mut self, hash: i64, entry: Entry) -> Result<()> {
        if let Some(there) = self.last_said(hash)?
            && self.told(there)? == entry
        {
            return Ok(());
        }
        self.recent.insert(hash, Kept::of(entry, self.commit));
        self.changed = true;
        Ok(())
    }

    /// Writes what changed.
    pub(crate) fn finish(mut self) -> Result<()> {
        if !self.changed {
            return Ok(());
        }
        if self.recent.len() > RECENT {
            let waiting = std::mem::replace(&mut self.waiting, Body::empty()).entries()?;
            let mut waiting = newest(waiting, std::mem::take(&mut self.recent));
            if waiting.len() > *PENDING.start() && waiting.len() > self.most_pending()? {
                self.fold(std::mem::take(&mut waiting))?;
            }
            WAITING.write(self.writing, &self.key, self.person, &waiting)?;
        }
        let recent: Entries = self.recent.into_iter().collect();
        RECENTLY.write(self.writing, &self.key, self.person, &recent)
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
            let body = match number {
                Some(number) => {
                    let body: Vec<u8> = self
                        .writing
                        .prepare_cached("SELECT body FROM alias WHERE number = ?1")
                        .and_then(|mut statement| statement.query_row([number], |row| row.get(0)))
                        .doing("reading aliases")?;
                    Body::read(self.key.open("alias", &[number], &body)?)?
                }
                None => Body::empty(),
            };
            free.insert(Block { number, body });
        }
        Ok(first)
    }

    /// Moves what waited into the blocks.
    fn fold(&mut self, waited: Entries) -> Result<()> {
        let mut touched: BTreeMap<i64, Entries> = BTreeMap::new();
        for (hash, kept) in waited {
            let first = self.block(hash)?;
            touched.entry(first).or_default().push((hash, kept));
        }
        for (first, entries) in touched {
            let Some(block) = self.blocks.remove(&first) else {
                continue;
            };
            let mut all = newest(block.body.entries()?, entries);
            all.retain(|(_, kept)| kept.entry.state != State::Gone);
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

    fn write(&self, number: Option<i64>, first: i64, entries: &[(i64, Kept)]) -> Result<()> {
        write(
            self.writing,
            &self.key,
            self.person,
            (number, first),
            entries,
            encode(entries),
        )
    }
}

/// Entries of both, in order; of two of one hash the one that came later.
fn newest(earlier: Entries, later: impl IntoIterator<Item = (i64, Kept)>) -> Entries {
    let mut both = earlier;
    both.extend(later);
    // What came later stands behind what it replaces.
    both.sort_by_key(|(hash, _)| *hash);
    let mut all: Entries = Vec::with_capacity(both.len());
    for (hash, kept) in both {
        match all.last_mut().filter(|(last, _)| *last == hash) {
            Some(last) => last.1 = kept,
            None => all.push((hash, kept)),
        }
    }
    all
}

/// A table that has one body a person.
struct OfAPerson {
    name: &'static str,
    select: &'static str,
    upsert: &'static str,
}

macro_rules! of_a_person {
    ($name:literal) => {
        OfAPerson {
            name: $name,
            select: concat!("SELECT body FROM ", $name, " WHERE person = ?1"),
            upsert: concat!(
                "INSERT INTO ",
                $name,
                " (person, body) VALUES (?1, ?2) ON CONFLICT (person) DO UPDATE SET body = ?2"
            ),
        }
    };
}

const RECENTLY: OfAPerson = of_a_person!("alias_recent");
const WAITING: OfAPerson = of_a_person!("alias_pending");

impl OfAPerson {
    fn read(&self, writing: &Writing<'_>, key: &SealKey, person: PersonId) -> Result<Body> {
        let body: Option<Vec<u8>> = writing
            .prepare_cached(self.select)
            .and_then(|mut statement| statement.query_row([person.0], |row| row.get(0)).optional())
            .doing("reading aliases")?;
        match body {
            Some(body) => Body::read(key.open(self.name, &[i64::from(person.0)], &body)?),
            None => Ok(Body::empty()),
        }
    }

    fn write(&self, writing: &Writing<'_>, key: &SealKey, person: PersonId, entries: &[(i64, Kept)]) -> Result<()> {
        let place = [i64::from(person.0)];
        let body = key.seal(writing.randomness(), self.name, &place, &encode(entries))?;
        writing
            .prepare_cached(self.upsert)
            .and_then(|mut statement| statement.execute(params![person.0, body]))
            .doing("writing aliases")
            .map(|_| ())
    }
}

/// Writes a block: over the one of this number, or as a new one.
fn write(
    writing: &Writing<'_>,
    key: &SealKey,
    person: PersonId,
    (number, first): (Option<i64>, i64),
    entries: &[(i64, Kept)],
    plain: Vec<u8>,
) -> Result<()> {
    let number = match number {
        Some(number) => number,
        None => writing
            .prepare_cached("SELECT coalesce(max(number), 0) + 1 FROM alias")
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
            .doing("numbering aliases")?,
    };
    let body = key.seal(writing.randomness(), "alias", &[number], &plain)?;
    let many = entries.len() as i64;
    writing
        .prepare_cached(
            "INSERT INTO alias (number, person, first, entries, body) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (number) DO UPDATE SET entries = ?4, body = ?5",
        )
        .and_then(|mut statement| statement.execute(params![number, person.0, first, many, body]))
        .doing("writing aliases")
        .map(|_| ())
}
