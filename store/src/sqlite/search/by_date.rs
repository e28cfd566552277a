//! A search in the order of time: one stream a series, merged by a heap.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use model::{Metric, Summary};

use super::checkups;
use super::context::{Context, detail};
use super::days::Days;
use super::samples::{Samples, sources_of};
use crate::Result;
use crate::reads::{PageKey, Record, Search};

enum Stream {
    Samples(Box<Samples>),
    Days(Days),
    Checkups(VecDeque<(PageKey, Record)>),
}

impl Stream {
    fn peek(&mut self, context: &mut Context<'_>) -> Result<Option<PageKey>> {
        match self {
            Self::Samples(samples) => samples.peek(context),
            Self::Days(days) => days.peek(context),
            Self::Checkups(records) => Ok(records.front().map(|(key, _)| *key)),
        }
    }

    fn take(&mut self, context: &mut Context<'_>) -> Result<Option<Record>> {
        match self {
            Self::Samples(samples) => samples.take(context),
            Self::Days(days) => Ok(days.take()),
            Self::Checkups(records) => Ok(records.pop_front().map(|(_, record)| record)),
        }
    }
}

/// A place, lowest first when walking up and highest first when walking down; ties by the number of the stream.
type Turn = (Option<Reverse<PageKey>>, Option<PageKey>, Reverse<usize>);

fn turn(place: PageKey, ascending: bool, stream: usize) -> Turn {
    if ascending {
        (Some(Reverse(place)), None, Reverse(stream))
    } else {
        (None, Some(place), Reverse(stream))
    }
}

/// Up to one record more than a page, so that the caller sees whether there is a next one.
pub(crate) fn page(context: &mut Context<'_>, search: &Search, ascending: bool) -> Result<Vec<(PageKey, Record)>> {
    let mut streams = streams(context, search, ascending)?;
    let mut turns = BinaryHeap::with_capacity(streams.len());
    for (number, stream) in streams.iter_mut().enumerate() {
        if let Some(place) = stream.peek(context)? {
            turns.push(turn(place, ascending, number));
        }
    }
    let mut found = Vec::with_capacity(search.count + 1);
    while found.len() <= search.count {
        let Some((up, down, Reverse(number))) = turns.pop() else {
            break;
        };
        let Some(place) = up.map(|Reverse(place)| place).or(down) else {
            break;
        };
        if let Some(record) = streams[number].take(context)? {
            found.push((place, record));
        }
        if let Some(place) = streams[number].peek(context)? {
            turns.push(turn(place, ascending, number));
        }
    }
    Ok(found)
}

fn streams(context: &mut Context<'_>, search: &Search, ascending: bool) -> Result<Vec<Stream>> {
    let from = match search.updated.0 {
        Some(from) => context.first_seq_at(from)?,
        None => 0,
    };
    let until = match search.updated.1 {
        Some(before) => context.first_seq_at(before)?,
        None => i64::MAX,
    };
    let mut streams = Vec::new();
    for metric in distinct(&search.raw) {
        let allowed = context.access.sources_for(metric.category(), detail(metric));
        for source in sources_of(context, metric)? {
            if allowed.contains(source) && search.source.is_none_or(|only| only == source) {
                streams.push(Stream::Samples(Box::new(Samples::new(
                    context,
                    search,
                    from..until,
                    metric,
                    source,
                    ascending,
                ))));
            }
        }
    }
    let checkups = checkups::by_date(context, search, &(from..until), ascending)?;
    streams.push(Stream::Checkups(checkups.into()));
    // A day's total or aggregate is of no one source.
    if search.source.is_none() {
        for (metric, summary) in summaries(search) {
            if context.access.gives(metric.category(), consent::Detail::of(summary)) {
                streams.push(Stream::Days(Days::new(context, search, metric, summary, ascending)?));
            }
        }
    }
    Ok(streams)
}

/// The days, weeks, months and events asked for, each once.
pub(crate) fn summaries(search: &Search) -> Vec<(Metric, Summary)> {
    let days = search.daily.iter().map(|metric| (*metric, Summary::Day));
    let mut summaries: Vec<(Metric, Summary)> = days.chain(search.summaries.iter().copied()).collect();
    summaries.sort_unstable();
    summaries.dedup();
    summaries
}

/// The metrics asked for, each once.
pub(crate) fn distinct(metrics: &[Metric]) -> Vec<Metric> {
    let mut metrics = metrics.to_vec();
    metrics.sort_unstable();
    metrics.dedup();
    metrics
}
