//! A body of aliases: entries in the order of their hashes, as columns one after the other.
//!
//! Most ids that are looked up are new, so that hashes are read first, and the rest only where one of them is there.

use std::collections::BTreeMap;

use model::{Metric, UtcMillis};

use super::super::leaves::Series;
use super::super::people::Commit;
use super::{Entry, State, shortened};
use crate::leaf::by_id::Place;
use crate::leaf::columns::{self, NotAColumn, Order};
use crate::{Result, StoreError};

/// Entries of a body that are believed at most.
const MOST_READ: u64 = 1 << 20;

/// Marks in the byte behind the number of entries: when ids were said is told in whole seconds; it is told from commits. Without
/// the second, which were the first bodies, seconds stand where samples lie and how much later they were said; without the third
/// everything stands by hash.
const WHOLE: u8 = 1;
const FROM_COMMITS: u8 = 2;
/// How much later ids were said than their samples' seconds stands by series: within one it is often always the same.
const BY_SERIES: u8 = 4;
/// Hashes have 61 bits; without this they had 64.
const SHORT: u8 = 8;

/// What was said so shortly before its commit is told from it: which commit takes less room than which second.
const NEAR_MS: i64 = 120_000;

/// By hash.
pub(super) type Entries = Vec<(i64, Kept)>;

/// An entry as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    /// The commit from whose second the entry's times are told; 0 where they are as they are.
    pub(super) noted: i64,
    /// What was said.
    pub(super) entry: Entry,
}

impl Kept {
    /// Of what is said in a commit.
    pub(super) fn of(entry: Entry, commit: Commit) -> Self {
        let base = second_of(commit.at);
        match entry.at {
            Some(_) if (base - NEAR_MS..=base).contains(&entry.said.0) => Self {
                noted: commit.seq,
                entry: moved(entry, -base),
            },
            _ => Self { noted: 0, entry },
        }
    }

    /// The entry, told by when the commit was made that it was noted in.
    pub(super) fn told(self, commit: UtcMillis) -> Entry {
        moved(self.entry, second_of(commit))
    }
}

fn second_of(commit: UtcMillis) -> i64 {
    commit.floor_second().0
}

fn moved(entry: Entry, by: i64) -> Entry {
    Entry {
        said: UtcMillis(entry.said.0.saturating_add(by)),
        at: entry.at.map(|(series, place)| {
            let place = Place {
                second: place.second.saturating_add(by),
                home: place.home.saturating_add(by),
                ..place
            };
            (series, place)
        }),
        ..entry
    }
}

/// Entries, of which the hashes are read.
pub(super) struct Body {
    hashes: Vec<i64>,
    marks: u8,
    plain: Vec<u8>,
    /// Where the columns behind the hashes begin.
    rest: usize,
    /// What they hold, once it was asked for.
    kept: Option<Vec<Kept>>,
}

impl Body {
    /// Of nothing.
    pub(super) fn empty() -> Self {
        Self {
            hashes: Vec::new(),
            marks: 0,
            plain: Vec::new(),
            rest: 0,
            kept: Some(Vec::new()),
        }
    }

    /// Of what [`encode`] wrote.
    pub(super) fn read(plain: Vec<u8>) -> Result<Self> {
        let (hashes, marks, rest) = hashes(&plain).map_err(damaged)?;
        Ok(Self {
            hashes,
            marks,
            plain,
            rest,
            kept: None,
        })
    }

    /// The entry of a hash.
    pub(super) fn get(&mut self, hash: i64) -> Result<Option<Kept>> {
        let Ok(place) = self.hashes.binary_search(&hash) else {
            return Ok(None);
        };
        Ok(self.kept()?.get(place).copied())
    }

    /// All of them.
    pub(super) fn entries(mut self) -> Result<Entries> {
        self.kept()?;
        Ok(self.hashes.into_iter().zip(self.kept.unwrap_or_default()).collect())
    }

    fn kept(&mut self) -> Result<&[Kept]> {
        if self.kept.is_none() {
            let rest = rest(&self.plain[self.rest..], self.hashes.len(), self.marks).map_err(damaged)?;
            self.kept = Some(rest);
        }
        Ok(self.kept.as_deref().unwrap_or_default())
    }
}

fn damaged(_: NotAColumn) -> StoreError {
    StoreError::damaged("aliases")
}

/// A series as one number; 0 is none.
fn series_number(at: Option<(Series, Place)>) -> i64 {
    at.map_or(0, |(series, _)| {
        1 + (i64::from(series.kind()) << 16) + i64::from(series.source())
    })
}

/// Entries as bytes.
pub(super) fn encode(entries: &[(i64, Kept)]) -> Vec<u8> {
    let mut out = Vec::with_capacity(entries.len() * 10 + 64);
    columns::write_unsigned(&mut out, entries.len() as u64);
    let whole = entries.iter().all(|(_, kept)| kept.entry.said.0 % 1_000 == 0);
    let (mark, unit) = if whole { (WHOLE, 1_000) } else { (0, 1) };
    out.push(FROM_COMMITS | BY_SERIES | SHORT | mark);
    let hashes: Vec<i64> = entries.iter().map(|(hash, _)| *hash).collect();
    columns::write(&mut out, &hashes, Order::Growing);
    let mut numbers = Vec::with_capacity(entries.len());
    let mut column = |of: &dyn Fn(&Kept) -> i64| {
        numbers.clear();
        numbers.extend(entries.iter().map(|(_, kept)| of(kept)));
        columns::write(&mut out, &numbers, Order::Any);
    };
    column(&|kept| kept.entry.state.number());
    column(&|kept| series_number(kept.entry.at));
    column(&|kept| kept.noted);
    column(&|kept| kept.entry.said.0.div_euclid(1_000));
    let lags: Vec<i64> = entries.iter().map(|(_, kept)| lag(&kept.entry) / unit).collect();
    let series: Vec<i64> = entries.iter().map(|(_, kept)| series_number(kept.entry.at)).collect();
    write_lags(&mut out, &lags, &series);
    let mut column = |of: &dyn Fn(&Kept) -> i64| {
        numbers.clear();
        numbers.extend(entries.iter().map(|(_, kept)| of(kept)));
        columns::write(&mut out, &numbers, Order::Any);
    };
    column(&|kept| {
        kept.entry
            .at
            .map_or(0, |(_, place)| (place.home - place.second) / 1_000)
    });
    column(&|kept| kept.entry.at.map_or(0, |(_, place)| i64::from(place.tie_break)));
    out
}

/// How long after its sample's second, or after a whole one: also tells the milliseconds.
fn lag(entry: &Entry) -> i64 {
    match entry.at {
        Some((_, place)) => entry.said.0 - place.second,
        None => entry.said.0.rem_euclid(1_000),
    }
}

/// The places of entries series by series, those of one in the order of their hashes.
fn by_series(series: &[i64]) -> BTreeMap<i64, Vec<usize>> {
    let mut places: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    for (place, series) in series.iter().enumerate() {
        places.entry(*series).or_default().push(place);
    }
    places
}

/// Which series always have one lag, what that is, and the lags of the others: told together, each would take the room of the mixture.
fn write_lags(out: &mut Vec<u8>, lags: &[i64], series: &[i64]) {
    let (mut is_one, mut ones, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for places in by_series(series).into_values() {
        let first = places.first().map_or(0, |place| lags[*place]);
        let same = places.iter().all(|place| lags[*place] == first);
        is_one.push(i64::from(same));
        match same {
            true => ones.push(first),
            false => others.extend(places.into_iter().map(|place| lags[place])),
        }
    }
    columns::write(out, &is_one, Order::Any);
    columns::write(out, &ones, Order::Any);
    columns::write(out, &others, Order::Any);
}

/// What [`write_lags`] wrote.
fn read_lags(bytes: &mut &[u8], series: &[i64]) -> std::result::Result<Vec<i64>, NotAColumn> {
    let by_series = by_series(series);
    let is_one = columns::read(bytes, by_series.len())?;
    let ones = columns::read(bytes, is_one.iter().filter(|is_one| **is_one != 0).count())?;
    let of_others = by_series.values().zip(&is_one).filter(|(_, is_one)| **is_one == 0);
    let others = columns::read(bytes, of_others.map(|(places, _)| places.len()).sum())?;
    let (mut ones, mut others) = (ones.into_iter(), others.into_iter());
    let mut lags = vec![0; series.len()];
    for (places, is_one) in by_series.into_values().zip(is_one) {
        let one = if is_one == 0 { None } else { ones.next() };
        for place in places {
            lags[place] = one.or_else(|| others.next()).ok_or(NotAColumn)?;
        }
    }
    Ok(lags)
}

fn hashes(plain: &[u8]) -> std::result::Result<(Vec<i64>, u8, usize), NotAColumn> {
    let mut bytes = plain;
    let many = columns::read_unsigned(&mut bytes)?;
    if many > MOST_READ {
        return Err(NotAColumn);
    }
    let (marks, mut bytes) = bytes.split_first().ok_or(NotAColumn)?;
    let mut hashes = columns::read(&mut bytes, many as usize)?;
    if marks & SHORT == 0 {
        hashes.iter_mut().for_each(|hash| *hash = shortened(*hash));
    }
    Ok((hashes, *marks, plain.len() - bytes.len()))
}

fn rest(mut bytes: &[u8], many: usize, marks: u8) -> std::result::Result<Vec<Kept>, NotAColumn> {
    let unit = if marks & WHOLE == 0 { 1 } else { 1_000 };
    let mut column = || columns::read(&mut bytes, many);
    let (states, series) = (column()?, column()?);
    let (noted, times) = match marks & FROM_COMMITS {
        0 => (vec![0; many], column()?),
        _ => (column()?, column()?),
    };
    let lags = match marks & BY_SERIES {
        0 => columns::read(&mut bytes, many)?,
        _ => read_lags(&mut bytes, &series)?,
    };
    let (homes, ties) = (columns::read(&mut bytes, many)?, columns::read(&mut bytes, many)?);
    let mut all = Vec::with_capacity(many);
    for row in 0..many {
        let times_of = |time: i64, unit: i64| time.checked_mul(unit).ok_or(NotAColumn);
        let lag = times_of(lags[row], unit)?;
        let (second, said) = match marks & FROM_COMMITS {
            0 => {
                let second = times_of(times[row], 1_000)?;
                (second, second.checked_add(lag).ok_or(NotAColumn)?)
            }
            _ => {
                let said = times_of(times[row], 1_000)?
                    .checked_add(lag.rem_euclid(1_000))
                    .ok_or(NotAColumn)?;
                (said.checked_sub(lag).ok_or(NotAColumn)?, said)
            }
        };
        let at = match series[row] {
            0 => None,
            number => {
                let kind = u16::try_from((number - 1) >> 16).map_err(|_| NotAColumn)?;
                let metric = Metric::from_number(kind).ok_or(NotAColumn)?;
                let away = times_of(homes[row], 1_000)?;
                let place = Place {
                    second,
                    home: second.checked_add(away).ok_or(NotAColumn)?,
                    tie_break: ties[row] as u16,
                };
                Some((Series::sample(metric, ((number - 1) & 0xffff) as u16), place))
            }
        };
        all.push(Kept {
            noted: noted[row],
            entry: Entry {
                said: UtcMillis(said),
                state: State::from_number(states[row]).ok_or(NotAColumn)?,
                at,
            },
        });
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const COMMIT: Commit = Commit {
        seq: 77,
        at: UtcMillis(1_778_338_920_555),
    };

    fn kept() -> impl Strategy<Value = Kept> {
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
        let said = prop_oneof![
            0i64..2_000_000_000_000,
            (0i64..200_000).prop_map(|ago| COMMIT.at.0 - ago)
        ];
        (said, state, prop::option::of(place)).prop_map(|(said, state, at)| {
            let said = UtcMillis(said);
            Kept::of(Entry { said, state, at }, COMMIT)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn entries_read_back(entries in prop::collection::btree_map(any::<i64>(), kept(), 0..200)) {
            let entries: Entries = entries.into_iter().collect();
            let mut body = Body::read(encode(&entries)).expect("a body");
            for (hash, kept) in &entries {
                prop_assert_eq!(body.get(*hash).expect("a body"), Some(*kept));
                let other = hash.wrapping_add(1);
                prop_assert_eq!(
                    body.get(other).expect("a body").is_some(),
                    entries.iter().any(|(hash, _)| *hash == other)
                );
            }
            prop_assert_eq!(body.entries().expect("a body"), entries);
        }

        #[test]
        fn no_body_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(body) = Body::read(bytes) {
                let _ = body.entries();
            }
        }
    }

    /// As bodies were before hashes were shorter, and before lags stood by series.
    fn as_before(entries: &[(i64, Kept)]) -> Vec<u8> {
        let mut out = Vec::new();
        columns::write_unsigned(&mut out, entries.len() as u64);
        out.push(FROM_COMMITS);
        let place = |kept: &Kept| kept.entry.at.expect("a place").1;
        columns::write(
            &mut out,
            &entries.iter().map(|(hash, _)| *hash).collect::<Vec<_>>(),
            Order::Growing,
        );
        let mut column = |of: &dyn Fn(&Kept) -> i64| {
            let numbers: Vec<i64> = entries.iter().map(|(_, kept)| of(kept)).collect();
            columns::write(&mut out, &numbers, Order::Any);
        };
        column(&|kept| kept.entry.state.number());
        column(&|kept| series_number(kept.entry.at));
        column(&|kept| kept.noted);
        column(&|kept| kept.entry.said.0.div_euclid(1_000));
        column(&|kept| lag(&kept.entry));
        column(&|kept| (place(kept).home - place(kept).second) / 1_000);
        column(&|kept| i64::from(place(kept).tie_break));
        out
    }

    #[test]
    fn bodies_of_longer_hashes_are_read() {
        let kept = |second: i64| {
            let place = Place {
                second: second * 1_000,
                home: second * 1_000,
                tie_break: 0,
            };
            let at = Some((Series::sample(Metric::HEART_RATE, 1), place));
            let said = UtcMillis(second * 1_000 + 555 * (second % 3));
            Kept::of(
                Entry {
                    said,
                    state: State::Live(1),
                    at,
                },
                COMMIT,
            )
        };
        let entries: Entries = (0..500)
            .map(|number| (i64::MIN + (number << 54) + 3, kept(1_778_338_000 + number * 7)))
            .collect();
        let mut body = Body::read(as_before(&entries)).expect("a body");
        for (hash, kept) in &entries {
            assert_eq!(body.get(shortened(*hash)).expect("a body"), Some(*kept));
        }
    }

    #[test]
    fn what_was_said_shortly_before_its_commit_is_told_from_it() {
        let place = Place {
            second: 1_778_338_800_000,
            home: 1_778_338_800_000,
            tie_break: 0,
        };
        let at = Some((Series::sample(Metric::STEP_COUNT, 1), place));
        for (ago, noted) in [(0, 77), (555, 77), (120_000, 77), (121_000, 0), (-1_000, 0)] {
            let said = UtcMillis(COMMIT.at.floor_second().0 - ago);
            let entry = Entry {
                said,
                state: State::Live(1),
                at,
            };
            let kept = Kept::of(entry, COMMIT);
            assert_eq!(kept.noted, noted, "{ago}");
            let commit = if noted == 0 { UtcMillis(0) } else { COMMIT.at };
            assert_eq!(kept.told(commit), entry);
        }
        let deleted = Entry {
            said: COMMIT.at,
            state: State::Deleted(0),
            at: None,
        };
        assert_eq!(Kept::of(deleted, COMMIT).noted, 0);
    }
}
