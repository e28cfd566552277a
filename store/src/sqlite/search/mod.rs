//! Searching one person's records in one snapshot: many series merged into one order, a page at a time.
//!
//! [`by_date`](by_date::page) walks leaves by start; [`by_update`](by_update::page) walks commits and looks only at the leaves
//! they touched. Both apply the access key to every record and prune by it whatever cannot show.

mod by_date;
mod by_update;
mod context;
mod days;
mod samples;

use model::{LocalDay, RecordKey, RecordKind, Summary, UtcMillis};

pub(crate) use context::Context;

use super::database::Snapshot;
use crate::Result;
use crate::reads::{HeldAccess, Page, PageKey, Record, Search, Sort};

/// A page of what the search finds.
pub(crate) fn search(snapshot: &Snapshot<'_>, access: &HeldAccess, search: &Search) -> Result<Page> {
    let mut context = Context::new(snapshot, access, search.now)?;
    let mut records = match search.sort {
        Sort::Date => by_date::page(&mut context, search, true)?,
        Sort::DateDescending => by_date::page(&mut context, search, false)?,
        Sort::LastUpdated => by_update::page(&mut context, search)?,
    };
    let next = if records.len() > search.count {
        records.truncate(search.count);
        records.last().map(|(key, _)| *key)
    } else {
        None
    };
    Ok(Page {
        records: records.into_iter().map(|(_, record)| record).collect(),
        next,
        last_commit: context.last_commit(),
        consents_version: context.consents_version(),
    })
}

/// One record by its key.
pub(crate) fn record(
    snapshot: &Snapshot<'_>,
    access: &HeldAccess,
    key: RecordKey,
    now: UtcMillis,
) -> Result<Option<Record>> {
    if key.person != access.person() {
        return Ok(None);
    }
    let mut context = Context::new(snapshot, access, now)?;
    match key.kind {
        RecordKind::Sample | RecordKind::Session => {
            let found = samples::find(&mut context, key)?;
            Ok(found.filter(|record| record.key() == key))
        }
        RecordKind::Total => {
            let Some(summary) = Summary::from_number(key.tie_break) else {
                return Ok(None);
            };
            let day = LocalDay(i32::try_from(key.start.0 / model::time::DAY_MS).unwrap_or(i32::MAX));
            if key.source != 0 || key.start.0 % model::time::DAY_MS != 0 || summary.first(day) != day {
                return Ok(None);
            }
            days::of_metric(&mut context, key.metric, summary, day, summary.last(day)).map(|mut found| found.pop())
        }
        RecordKind::Patient
        | RecordKind::Device
        | RecordKind::Provenance
        | RecordKind::DayProvenance
        | RecordKind::Document
        | RecordKind::Consent => Ok(None),
    }
}

/// Where a record stands among those with the same sort time.
fn place(time: UtcMillis, record: &Record) -> PageKey {
    let key = record.key();
    PageKey {
        time: time.0,
        metric: key.metric.number(),
        source: key.source,
        first_start: key.start.0,
        tie_break: key.tie_break,
    }
}
