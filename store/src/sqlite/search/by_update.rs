//! A search in the order of commits: what a poller follows. It looks at the leaves that were touched since, and at nothing else.

use model::Metric;
use rusqlite::params;

use super::super::fault::Doing as _;
use super::super::leaves::Row;
use super::by_date::{distinct, summaries};
use super::checkups;
use super::context::{Context, detail};
use super::days;
use super::place;
use super::samples::{self, follows, in_times};
use crate::Result;
use crate::reads::{PageKey, Record, Search};

/// A leaf that was touched, before it is opened.
struct Touched {
    number: i64,
    metric: u16,
    source: u16,
    first_start: i64,
    min_seq: i64,
    max_seq: i64,
}

/// Up to one record more than a page, the earliest change first or the latest.
pub(crate) fn page(context: &mut Context<'_>, search: &Search, ascending: bool) -> Result<Vec<(PageKey, Record)>> {
    let mut found = updated_days(context, search, ascending)?;
    // The page begins inside the commit that the cursor names.
    let reached = search.after.map(|after| model::UtcMillis(after.time));
    let (earliest, latest) = match ascending {
        true => (reached.max(search.updated.0), None),
        false => (search.updated.0, reached),
    };
    let from = match earliest {
        Some(at) => context.first_seq_at(at)?,
        None => 1,
    };
    let mut until = match search.updated.1 {
        Some(before) => context.first_seq_at(before)?,
        None => context.last_seq() + 1,
    };
    if let Some(at) = latest {
        until = until.min(context.first_seq_at(at.plus(1))?);
    }
    found.extend(checkups::by_update(context, search, &(from..until), ascending)?);
    let touched = touched(context, search, from)?;
    let mut taken = 0;
    let mut seq = if ascending { from } else { until - 1 };
    while (from..until).contains(&seq) && taken <= search.count {
        let before = found.len();
        gather(context, search, &touched, seq, &mut found, ascending)?;
        taken += found.len() - before;
        // The next commit that can have touched anything: leaves say from which to which they were.
        seq = match ascending {
            true => touched
                .iter()
                .filter(|leaf| leaf.max_seq > seq)
                .map(|leaf| leaf.min_seq.max(seq + 1))
                .min()
                .unwrap_or(until),
            false => touched
                .iter()
                .filter(|leaf| leaf.min_seq < seq)
                .map(|leaf| leaf.max_seq.min(seq - 1))
                .max()
                .unwrap_or(from - 1),
        };
    }
    if search.superseded {
        found.extend(superseded(context, search, from..until, ascending)?);
    }
    in_order(&mut found, ascending);
    found.truncate(search.count + 1);
    Ok(found)
}

fn in_order(found: &mut [(PageKey, Record)], ascending: bool) {
    found.sort_by_key(|(key, _)| *key);
    if !ascending {
        found.reverse();
    }
}

/// What was superseded of the versions that these commits made, up to one more than a page.
fn superseded(
    context: &mut Context<'_>,
    search: &Search,
    seqs: std::ops::Range<i64>,
    ascending: bool,
) -> Result<Vec<(PageKey, Record)>> {
    let metrics = metrics(context, search);
    let mut found = Vec::new();
    for block in samples::blocks_since(context, seqs.start)? {
        if metrics
            .binary_search_by_key(&block.metric, |metric| metric.number())
            .is_err()
        {
            continue;
        }
        for row in block.rows(context)? {
            if seqs.contains(&row.seq) && in_times(&row, search.times) && context.shows(&row.sample) {
                let record = context.record(&row)?;
                let key = place(record.updated(), &record);
                if search.after.is_none_or(|after| follows(key, after, ascending)) {
                    found.push((key, record));
                }
            }
        }
        // A page is kept, not the whole history.
        in_order(&mut found, ascending);
        found.truncate(search.count + 1);
    }
    Ok(found)
}

/// Metrics whose samples are asked for and may show, by number.
fn metrics(context: &Context<'_>, search: &Search) -> Vec<Metric> {
    distinct(&search.raw)
        .into_iter()
        .filter(|metric| context.access.gives(metric.category(), detail(*metric)))
        .collect()
}

/// Totals and aggregates that changed, or became final, in the range.
fn updated_days(context: &mut Context<'_>, search: &Search, ascending: bool) -> Result<Vec<(PageKey, Record)>> {
    let mut found = Vec::new();
    if search.source.is_some() {
        return Ok(found);
    }
    for (metric, summary) in summaries(search) {
        if !context.access.gives(metric.category(), consent::Detail::of(summary)) {
            continue;
        }
        for record in days::updated(context, search, metric, summary)? {
            let key = place(record.updated(), &record);
            if search.after.is_none_or(|after| follows(key, after, ascending)) {
                found.push((key, record));
            }
        }
    }
    Ok(found)
}

fn touched(context: &Context<'_>, search: &Search, from: i64) -> Result<Vec<Touched>> {
    let metrics = metrics(context, search);
    if metrics.is_empty() {
        return Ok(Vec::new());
    }
    let mut leaves: Vec<Touched> = context
        .snapshot
        .prepare_cached(
            "SELECT number, metric, source, first_start, min_seq, max_seq FROM leaf WHERE person = ?1 AND max_seq >= ?2",
        )
        .and_then(|mut statement| {
            statement
                .query_map(params![context.person.0, from], |row| {
                    Ok(Touched {
                        number: row.get(0)?,
                        metric: row.get(1)?,
                        source: row.get(2)?,
                        first_start: row.get(3)?,
                        min_seq: row.get(4)?,
                        max_seq: row.get(5)?,
                    })
                })?
                .collect()
        })
        .doing("finding touched leaves")?;
    leaves.retain(|leaf| {
        metrics
            .binary_search_by_key(&leaf.metric, |metric| metric.number())
            .is_ok()
            && search.source.is_none_or(|only| only == leaf.source)
    });
    leaves.sort_by_key(|leaf| (leaf.metric, leaf.source, leaf.first_start));
    Ok(leaves)
}

/// Adds what one commit touched, in order, until there is more than a page.
fn gather(
    context: &mut Context<'_>,
    search: &Search,
    touched: &[Touched],
    seq: i64,
    found: &mut Vec<(PageKey, Record)>,
    ascending: bool,
) -> Result<()> {
    let enough = found.len() + search.count + 1;
    let mut leaves: Vec<&Touched> = touched
        .iter()
        .filter(|leaf| (leaf.min_seq..=leaf.max_seq).contains(&seq))
        .collect();
    if !ascending {
        leaves.reverse();
    }
    for leaf in leaves {
        let rows = context.rows(leaf.number)?;
        let mut matching: Vec<&Row> = rows
            .iter()
            .filter(|row| row.seq == seq && in_times(row, search.times) && context.shows(&row.sample))
            .collect();
        matching.sort_by_key(|row| (row.first_start, row.tie_break));
        if !ascending {
            matching.reverse();
        }
        for row in matching {
            let record = context.record(row)?;
            let key = place(record.updated(), &record);
            if search.after.is_none_or(|after| follows(key, after, ascending)) {
                found.push((key, record));
                if found.len() >= enough {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}
