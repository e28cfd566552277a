//! That checkups took place, for who is given that and no more.

use std::collections::{BTreeMap, BTreeSet};

use consent::Detail;
use model::checkup::{Checkup, Told, is_event};
use model::{LocalDay, Metric, Summary, UtcMillis};

use super::super::checkups::Stored;
use super::super::totals;
use super::context::Context;
use crate::Result;
use crate::reads::{Record, StoredEvent};

/// True where a summary of a metric's days is made of checkups: only that they took place.
pub(crate) fn gives(metric: Metric, summary: Summary) -> bool {
    is_event(metric) && Detail::of(summary) == Detail::Event
}

/// The months in which events of a kind begin, also of those that are not there any more.
pub(crate) fn months(context: &mut Context<'_>, metric: Metric) -> Result<Vec<i32>> {
    let mut months: Vec<i32> = words(context, metric)?.iter().map(|word| word.day.month()).collect();
    months.sort_unstable();
    months.dedup();
    Ok(months)
}

/// What a version of a checkup says of a kind.
struct Word {
    /// The checkup's number.
    number: u16,
    /// The commit from which on it says so.
    seq: i64,
    day: LocalDay,
    /// The last day on which it can have been.
    last: LocalDay,
    /// Whose word it is; nobody's where it took place no more.
    whose: Option<Told>,
    /// When the day is over on which it was: of one whose day nobody knows, of the day on which it was first told, since it may
    /// have been that one.
    over: UtcMillis,
    /// The access shows it.
    shows: bool,
}

/// All that was ever said of a kind, in the order in which it was said.
fn words(context: &mut Context<'_>, metric: Metric) -> Result<Vec<Word>> {
    let present = context.checkups()?;
    let is_of_kind = |stored: &&Stored| stored.kept.checkup.event() == metric;
    if !present.iter().any(|stored| stored.version > 1 || is_of_kind(&stored)) {
        return Ok(Vec::new());
    }
    let former = match present.iter().any(|stored| stored.version > 1) {
        true => Some(context.former_checkups()?),
        false => None,
    };
    let former = former.as_deref().map_or(&[][..], Vec::as_slice);
    // One that is of another kind now is none of this one any more.
    let was_of_kind: BTreeSet<u16> = former.iter().filter(is_of_kind).map(|stored| stored.number).collect();
    let all = former.iter().chain(present.iter());
    let of_kind = all.filter(|stored| is_of_kind(stored) || was_of_kind.contains(&stored.number));
    let mut words = Vec::new();
    for stored in of_kind {
        words.push(word(context, metric, stored)?);
    }
    words.sort_by_key(|word| word.seq);
    Ok(words)
}

fn word(context: &mut Context<'_>, metric: Metric, stored: &Stored) -> Result<Word> {
    let checkup: &Checkup = &stored.kept.checkup;
    let known = match checkup.year_only {
        true => {
            let told = context.commit(stored.first_seq)?.0;
            context.zone.day_at(told)
        }
        false => checkup.day,
    };
    let (category, is_over) = (metric.category(), known < context.today);
    let took_place = checkup.event() == metric && checkup.took_place() && !checkup.is_deletion();
    let (_, last) = checkup.days();
    let access = context.access;
    Ok(Word {
        number: stored.number,
        seq: stored.seq,
        day: checkup.day,
        last,
        whose: took_place.then_some(checkup.word),
        over: context.zone.start_of(known.plus(1)),
        shows: access.permits_within(category, stored.source, checkup.days(), Detail::Event, is_over),
    })
}

/// What was told of a day: the same whatever was found, however much, and however often it was told again.
struct Story {
    /// What is told now; nothing where what was told is not there any more.
    code: Option<u32>,
    /// The commits that changed it, the last one last.
    changes: Vec<i64>,
    /// The last day on which it can have been, and when its day was over, as it was told last.
    last: LocalDay,
    over: UtcMillis,
}

/// The first day of a kind, whatever of it may be seen: that there was an earlier one is what "later" says.
fn first_day(living: &BTreeMap<u16, &Word>) -> Option<LocalDay> {
    living.values().map(|word| word.day).min()
}

/// What became of each day, commit after commit.
fn stories(words: &[Word]) -> BTreeMap<LocalDay, Story> {
    let mut stories: BTreeMap<LocalDay, Story> = BTreeMap::new();
    let mut living: BTreeMap<u16, &Word> = BTreeMap::new();
    for said in words.chunk_by(|one, next| one.seq == next.seq) {
        let was_first = first_day(&living);
        for word in said {
            match word.whose {
                Some(_) => living.insert(word.number, word),
                None => living.remove(&word.number),
            };
        }
        let is_first = first_day(&living);
        let mut touched: BTreeSet<LocalDay> = said.iter().map(|word| word.day).collect();
        if was_first != is_first {
            touched.extend(was_first.into_iter().chain(is_first));
        }
        for day in touched {
            let shown = || living.values().filter(|word| word.day == day && word.shows);
            // What a facility says is more than what the resident does.
            let whose = shown().filter_map(|word| word.whose);
            let code = whose.map(|whose| whose.number_of_event(is_first == Some(day))).min();
            let seq = said[0].seq;
            let bounds = shown().map(|word| (word.last, word.over));
            let bounds = bounds.reduce(|one, other| (one.0.min(other.0), one.1.min(other.1)));
            match stories.get_mut(&day) {
                Some(story) => {
                    if story.code != code {
                        story.changes.push(seq);
                    }
                    story.code = code;
                    (story.last, story.over) = bounds.unwrap_or((story.last, story.over));
                }
                None => {
                    if let Some((last, over)) = bounds {
                        let changes = vec![seq];
                        stories.insert(
                            day,
                            Story {
                                code,
                                changes,
                                last,
                                over,
                            },
                        );
                    }
                }
            }
        }
    }
    stories
}

/// That a checkup of a kind took place, and on which day or in which year; those that begin from `first` to `last`, by date. One
/// that was told and is not there any more is dead.
pub(crate) fn of_metric(
    context: &mut Context<'_>,
    metric: Metric,
    first: LocalDay,
    last: LocalDay,
) -> Result<Vec<Record>> {
    let mut events = Vec::new();
    for (day, story) in stories(&words(context, metric)?) {
        if !(first..=last).contains(&day) {
            continue;
        }
        // Nothing is told before the day was over: whatever changed until then was one telling.
        let (mut version, mut updated) = (0, story.over);
        for (place, seq) in story.changes.iter().enumerate() {
            let at = context.commit(*seq)?.0;
            if place == 0 || at > story.over {
                version += 1;
            }
            updated = at.max(story.over);
        }
        // What ended before it was told was never there.
        if story.code.is_none() && version < 2 {
            continue;
        }
        events.push(Record::Event(StoredEvent {
            key: totals::summary_key(context.person, metric, Summary::Event, day),
            metric,
            day,
            last: story.last,
            code: story.code,
            version,
            dead: story.code.is_none(),
            updated,
        }));
    }
    Ok(events)
}
