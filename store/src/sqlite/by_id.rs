//! What vendors say of records by their ids, carried out: which word counts, and which samples it makes, changes and ends.
//!
//! Of each id the word said last counts. A record may hold several samples; each has an alias of its own, and how many there are
//! stands with the first.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use model::{Identified, PersonId, Sample, UtcMillis, Word};

use super::aliases::{Entry, Index, State};
use super::leaves::editor::Editor;
use super::leaves::{Merged, Series};
use super::people::Commit;
use super::totals::{self, Marked};
use super::writer::Writing;
use crate::Result;
use crate::imports::SaidAgain;
use crate::leaf::by_id::{Effect, Place, order};
use crate::leaf::second;

/// How records ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ended {
    /// Samples came that were not there.
    pub(crate) new: u64,
    /// Samples changed, or some went.
    pub(crate) versions: u64,
    /// A deletion was carried out, or waits for its record.
    pub(crate) deletions: u64,
    /// It said what was known.
    pub(crate) known: u64,
    /// A later word is there.
    pub(crate) superseded: u64,
    /// A second of its samples holds no more.
    pub(crate) refused: u64,
    /// What became of the samples.
    pub(crate) samples: Merged,
}

/// Carries out words, in one commit. Answers also of which months days are to be computed anew.
pub(crate) fn apply(
    writing: &Writing<'_>,
    person: PersonId,
    space: &str,
    records: Vec<Identified>,
    again: Option<&SaidAgain>,
    commit: Commit,
) -> Result<(Ended, Vec<Marked>)> {
    let mut hand = Hand {
        writing,
        person,
        commit,
        again,
        index: Index::of(writing, person, commit)?,
        editors: BTreeMap::new(),
    };
    let mut ended = Ended::default();
    for record in records {
        match record.what {
            Word::Holds(samples) => hand.holds(space, &record.id, record.said, samples, &mut ended)?,
            Word::Window { samples, is_whole } => {
                hand.window(space, &record.id, record.said, (samples, is_whole), &mut ended)?;
            }
            Word::Deleted => hand.deleted(space, &record.id, record.said, &mut ended)?,
        }
    }
    hand.index.finish()?;
    let mut touched = Vec::new();
    for (series, editor) in hand.editors {
        let merged: Merged = editor.finish()?;
        ended.samples.add(&merged);
        touched.extend(totals::touched(series, &merged));
    }
    Ok((ended, touched))
}

struct Hand<'a> {
    writing: &'a Writing<'a>,
    person: PersonId,
    commit: Commit,
    /// What is read again, by a newer mapping.
    again: Option<&'a SaidAgain>,
    index: Index<'a>,
    editors: BTreeMap<Series, Editor<'a>>,
}

type Spot = Option<(Series, Place)>;

/// What becomes of samples that a record held, and whose seconds it names no more.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LeftOver {
    /// They are those of the same series that it holds now, in their order; if there are none, they go.
    Moves,
    Goes,
    Stays,
}

/// What became of the samples of a record.
#[derive(Default)]
struct Exchanged {
    /// Where each lies now; `None` where its second holds no more.
    spots: Vec<Spot>,
    effects: Vec<Option<Effect>>,
    /// Some that it held went.
    went: bool,
}

impl Ended {
    fn count(&mut self, effect: Effect) {
        match effect {
            Effect::New => self.new += 1,
            Effect::Version => self.versions += 1,
            Effect::Known => self.known += 1,
        }
    }
}

impl<'a> Hand<'a> {
    fn editor(&mut self, series: Series) -> Result<&mut Editor<'a>> {
        use std::collections::btree_map::Entry as MapEntry;
        match self.editors.entry(series) {
            MapEntry::Occupied(there) => Ok(there.into_mut()),
            MapEntry::Vacant(free) => Ok(free.insert(Editor::of(self.writing, self.person, series, self.commit)?)),
        }
    }

    fn holds(&mut self, space: &str, id: &str, said: UtcMillis, samples: Vec<Sample>, ended: &mut Ended) -> Result<()> {
        let first = self.index.hash(space, id, 0);
        let known = self.index.get(first)?;
        let before = match known.map(|entry| (entry.state, entry.said)) {
            Some((State::Live(_) | State::Deleted(_), later)) if said < later => {
                ended.superseded += 1;
                return self.late(space, id, known, samples, said);
            }
            Some((State::Deleted(_), later)) if said == later => {
                ended.superseded += 1;
                return self.late(space, id, known, samples, said);
            }
            Some((State::Live(parts), later)) => {
                let spots = self.spots(space, id, known, parts)?;
                // What an older mapping made of a record gives way to what the newer makes of it, be it less. Of two records that a vendor
                // said at one time the second that is read again meets what the newer made of the first.
                let gives_way = self.again.is_some_and(|again| !again.has(first));
                if said == later && !gives_way && self.are_greater(&spots, &samples)? {
                    ended.superseded += 1;
                    return Ok(());
                }
                spots
            }
            // What was deleted has let go of its samples.
            _ => Vec::new(),
        };
        if let Some(again) = self.again {
            again.add(first);
        }
        let parts_before = parts_of(known);
        let exchanged = self.exchange(before, samples, said, LeftOver::Moves)?;
        let spots = &exchanged.spots;
        self.note(space, id, State::Live(spots.len() as u32), said, spots, parts_before)?;
        let went = exchanged.went.then_some(Effect::Version);
        let effect = exchanged.effects.iter().flatten().copied().max().max(went);
        match effect {
            _ if exchanged.effects.contains(&None) => ended.refused += 1,
            Some(effect) => ended.count(effect),
            // Nothing that is kept: known when it held nothing before.
            None => ended.known += 1,
        }
        Ok(())
    }

    /// True when what lies at these spots is greater than these samples: of what was said at one time that counts, whichever came first.
    fn are_greater(&mut self, spots: &[Spot], samples: &[Sample]) -> Result<bool> {
        if spots.len() != samples.len() {
            return Ok(spots.len() > samples.len());
        }
        let mut held = Vec::with_capacity(spots.len());
        for (series, place) in spots.iter().flatten().copied() {
            if let Some(sample) = self.editor(series)?.sample(place)? {
                held.push((series, sample.clone()));
            }
        }
        let series = |sample: &Sample| Series::sample(sample.metric, sample.source);
        let mut come: Vec<_> = samples.iter().map(|sample| (series(sample), sample.clone())).collect();
        let by = |one: &(Series, Sample), other: &(Series, Sample)| {
            one.0.cmp(&other.0).then_with(|| order(&one.1, &other.1))
        };
        held.sort_by(by);
        come.sort_by(by);
        let orders = held.iter().zip(&come).map(|(held, come)| by(held, come));
        Ok(orders.fold(Ordering::Equal, Ordering::then) == Ordering::Greater)
    }

    /// All of a window: each sample counts by itself.
    fn window(
        &mut self,
        space: &str,
        id: &str,
        said: UtcMillis,
        (mut samples, is_whole): (Vec<Sample>, bool),
        ended: &mut Ended,
    ) -> Result<()> {
        let known = self.index.get(self.index.hash(space, id, 0))?;
        let parts = parts_of(known);
        if samples.is_empty() && (parts == 0 || !is_whole) {
            return Ok(());
        }
        if known.is_some_and(|entry| said < entry.said) {
            ended.superseded += samples.len() as u64;
            return Ok(());
        }
        // An order of their own: vendors answer in any.
        samples.sort_by_key(|sample| (Series::sample(sample.metric, sample.source), sample.start, sample.end));
        let before = self.spots(space, id, known, parts)?;
        if self.is_known(&before, &samples)? {
            ended.known += samples.len() as u64;
            return Ok(());
        }
        let left_over = if is_whole { LeftOver::Goes } else { LeftOver::Stays };
        let exchanged = self.exchange(before, samples, said, left_over)?;
        let spots = &exchanged.spots;
        self.note(space, id, State::Live(spots.len() as u32), said, spots, parts)?;
        for effect in exchanged.effects {
            match effect {
                Some(effect) => ended.count(effect),
                None => ended.refused += 1,
            }
        }
        Ok(())
    }

    /// True when each sample is what its spot holds.
    fn is_known(&mut self, spots: &[Spot], samples: &[Sample]) -> Result<bool> {
        if spots.len() != samples.len() {
            return Ok(false);
        }
        for (spot, sample) in spots.iter().zip(samples) {
            let series = Series::sample(sample.metric, sample.source);
            let Some((_, place)) = spot.filter(|(held, _)| *held == series) else {
                return Ok(false);
            };
            if !self.editor(series)?.says(place, sample)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A word that a later one supersedes. Of one that was deleted before it came it still says what older exports hold no more.
    fn late(
        &mut self,
        space: &str,
        id: &str,
        known: Option<Entry>,
        samples: Vec<Sample>,
        said: UtcMillis,
    ) -> Result<()> {
        let Some(entry) = known.filter(|entry| entry.state == State::Deleted(0)) else {
            return Ok(());
        };
        let mut spots: Vec<Spot> = Vec::with_capacity(samples.len());
        for sample in samples {
            let series = Series::sample(sample.metric, sample.source);
            let place = self.editor(series)?.entomb(sample, said, entry.said)?;
            spots.push(place.map(|place| (series, place)));
        }
        self.note(space, id, State::Deleted(spots.len() as u32), entry.said, &spots, 0)?;
        Ok(())
    }

    fn deleted(&mut self, space: &str, id: &str, said: UtcMillis, ended: &mut Ended) -> Result<()> {
        let first = self.index.hash(space, id, 0);
        let known = self.index.get(first)?;
        let Some(entry) = known else {
            ended.deletions += 1;
            self.note(space, id, State::Deleted(0), said, &[], 0)?;
            return Ok(());
        };
        let (parts, was_live) = match entry.state {
            State::Live(_) if said < entry.said => {
                ended.superseded += 1;
                return Ok(());
            }
            State::Live(parts) => (parts, true),
            State::Deleted(_) if said <= entry.said => {
                ended.known += 1;
                return Ok(());
            }
            State::Deleted(parts) => (parts, false),
            State::Further | State::Gone => (0, false),
        };
        let spots = self.spots(space, id, known, parts)?;
        for (series, place) in spots.iter().flatten().copied() {
            let editor = self.editor(series)?;
            match was_live {
                true => editor.detach(place, Some(said))?,
                false => editor.deleted_later(place, said)?,
            }
        }
        if was_live {
            ended.deletions += 1;
        } else {
            ended.known += 1;
        }
        self.note(space, id, State::Deleted(parts), said, &spots, parts)?;
        Ok(())
    }

    /// Where the samples of a record lie.
    fn spots(&mut self, space: &str, id: &str, first: Option<Entry>, parts: u32) -> Result<Vec<Spot>> {
        let mut spots = Vec::with_capacity(parts as usize);
        spots.extend(first.filter(|_| parts > 0).map(|entry| entry.at));
        for part in 1..parts {
            let hash = self.index.hash(space, id, part);
            spots.push(self.index.get(hash)?.and_then(|entry| entry.at));
        }
        Ok(spots)
    }

    /// What a record held becomes what it holds now: samples of the same second are the same; what is left over comes, and of what
    /// was held moves, goes or stays.
    fn exchange(
        &mut self,
        before: Vec<Spot>,
        samples: Vec<Sample>,
        said: UtcMillis,
        left_over: LeftOver,
    ) -> Result<Exchanged> {
        let mut by_series: BTreeMap<Series, Vec<Place>> = BTreeMap::new();
        for (series, place) in before.into_iter().flatten() {
            by_series.entry(series).or_default().push(place);
        }
        let mut pairs: Vec<(Series, Sample, Option<Place>)> = Vec::with_capacity(samples.len());
        for sample in samples {
            let series = Series::sample(sample.metric, sample.source);
            let places = by_series.get_mut(&series);
            let same = places.and_then(|places| {
                let at = places.iter().position(|place| place.second == second(sample.start))?;
                Some(places.remove(at))
            });
            pairs.push((series, sample, same));
        }
        let mut exchanged = Exchanged::default();
        for (series, sample, place) in pairs {
            let place = place.or_else(|| {
                let places = by_series
                    .get_mut(&series)
                    .filter(|places| left_over == LeftOver::Moves && !places.is_empty());
                places.map(|places| places.remove(0))
            });
            let editor = self.editor(series)?;
            let now = match place {
                Some(place) => editor.change(place, sample, said)?,
                None => editor.attach(sample, said)?,
            };
            exchanged.effects.push(now.map(|(_, effect)| effect));
            exchanged.spots.push(now.map(|(place, _)| (series, place)));
        }
        for (series, places) in by_series {
            for place in places {
                if left_over == LeftOver::Stays {
                    exchanged.spots.push(Some((series, place)));
                    continue;
                }
                self.editor(series)?.detach(place, None)?;
                exchanged.went = true;
            }
        }
        Ok(exchanged)
    }

    /// What is known of an id from now on.
    fn note(
        &mut self,
        space: &str,
        id: &str,
        state: State,
        said: UtcMillis,
        spots: &[Spot],
        parts_before: u32,
    ) -> Result<()> {
        let first = self.index.hash(space, id, 0);
        let at = spots.first().copied().flatten();
        self.index.set(first, Entry { said, state, at })?;
        for part in 1..(spots.len() as u32).max(parts_before) {
            let hash = self.index.hash(space, id, part);
            let at = spots.get(part as usize).copied().flatten();
            let state = match (part as usize) < spots.len() {
                true => State::Further,
                false => State::Gone,
            };
            // Dated by its own second, which takes no room.
            let said = at.map_or(UtcMillis(0), |(_, place)| UtcMillis(place.second));
            self.index.set(hash, Entry { said, state, at })?;
        }
        Ok(())
    }
}

fn parts_of(entry: Option<Entry>) -> u32 {
    match entry.map(|entry| entry.state) {
        Some(State::Live(parts) | State::Deleted(parts)) => parts,
        _ => 0,
    }
}
