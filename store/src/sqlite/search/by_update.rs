//! A search in the order of commits: what a poller follows. It looks at the leaves that were touched since, and at nothing else.

use model::Metric;
use rusqlite::params;

use super::super::fault::Doing as _;
use super::super::leaves::Row;
use super::by_date::{distinct, summaries};
use super::context::{Context, detail};
use super::days;
use super::place;
use super::samples::in_times;
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

/// Up to one record more than a page.
pub(crate) fn page(context: &mut Context<'_>, search: &Search) -> Result<Vec<(PageKey, Record)>> {
    let mut found = updated_days(context, search)?;
    let from = match (search.updated.0, search.after) {
        (from, Some(after)) => {
            let after = model::UtcMillis(after.time);
            context.first_seq_at(from.map_or(after, |from| from.max(after)))?
        }
        (Some(from), None) => context.first_seq_at(from)?,
        (None, None) => 1,
    };
    let until = match search.updated.1 {
        Some(before) => context.first_seq_at(before)?,
        None => context.last_seq() + 1,
    };
    let touched = touched(context, search, from)?;
    let mut taken = 0;
    let mut seq = from;
    while seq < until && taken <= search.count {
        let before = found.len();
        gather(context, search, &touched, seq, &mut found)?;
        taken += found.len() - before;
        // The next commit that can have touched anything: leaves say from which to which they were.
        seq = touched
            .iter()
            .filter(|leaf| leaf.max_seq > seq)
            .map(|leaf| leaf.min_seq.max(seq + 1))
            .min()
            .unwrap_or(until);
    }
    found.sort_by_key(|(key, _)| *key);
    found.truncate(search.count + 1);
    Ok(found)
}

/// Totals and aggregates that changed, or became final, in the range.
fn updated_days(context: &mut Context<'_>, search: &Search) -> Result<Vec<(PageKey, Record)>> {
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
            if search.after.is_none_or(|after| key > after) {
                found.push((key, record));
            }
        }
    }
    Ok(found)
}

fn touched(context: &Context<'_>, search: &Search, from: i64) -> Result<Vec<Touched>> {
    let metrics: Vec<Metric> = distinct(&search.raw)
        .into_iter()
        .filter(|metric| context.access.gives(metric.category(), detail(*metric)))
        .collect();
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
) -> Result<()> {
    let enough = found.len() + search.count + 1;
    for leaf in touched
        .iter()
        .filter(|leaf| (leaf.min_seq..=leaf.max_seq).contains(&seq))
    {
        // The cursor names a place inside this commit: leaves that end before it need not be opened.
        let rows = context.rows(leaf.number)?;
        let mut matching: Vec<&Row> = rows
            .iter()
            .filter(|row| row.seq == seq && in_times(row, search.times) && context.shows(&row.sample))
            .collect();
        matching.sort_by_key(|row| (row.first_start, row.tie_break));
        for row in matching {
            let record = context.record(row)?;
            let key = place(record.updated(), &record);
            if search.after.is_none_or(|after| key > after) {
                found.push((key, record));
                if found.len() >= enough {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}
