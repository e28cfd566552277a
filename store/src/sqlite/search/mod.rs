//! Searching one person's records in one snapshot: many series merged into one order, a page at a time.
//!
//! [`by_date`](by_date::page) walks leaves by start; [`by_update`](by_update::page) walks commits and looks only at the leaves
//! they touched. Both apply the access key to every record and prune by it whatever cannot show.

mod by_date;
mod by_update;
mod checkups;
mod context;
mod days;
mod derived;
mod events;
mod reports;
mod samples;

use model::{LocalDay, RecordKey, RecordKind, Summary, UtcMillis};

pub(crate) use context::Context;

use super::database::Snapshot;
use crate::Result;
use crate::reads::{CheckupOriginal, CheckupReport, HeldAccess, Page, PageKey, Record, Search, Sort};

/// Records that are looked at together where not all are kept, or all are counted.
const LOOKED_AT_ONCE: usize = 1_000;

/// Records that are looked at for one page at most: a search that keeps few gives a short page and says where it goes on.
const LOOKED_AT_MOST: usize = 50_000;

/// A page of what the search finds.
pub(crate) fn search(snapshot: &Snapshot<'_>, access: &HeldAccess, search: &Search) -> Result<Page> {
    let mut context = Context::new(snapshot, access, search.now)?;
    let (records, next) = if search.keep.is_all() {
        let mut records = in_order(&mut context, search)?;
        let is_more = records.len() > search.count;
        records.truncate(search.count);
        let next = records.last().map(|(key, _)| *key).filter(|_| is_more);
        (records, next)
    } else {
        kept(&mut context, search)?
    };
    Ok(Page {
        records: records.into_iter().map(|(_, record)| record).collect(),
        next,
        last_commit: context.last_commit(),
        consents_version: context.consents_version(),
    })
}

/// Records with where they stand.
type Placed = Vec<(PageKey, Record)>;

/// The records of a page in the order asked for, and one more where there are more.
fn in_order(context: &mut Context<'_>, search: &Search) -> Result<Placed> {
    match search.sort {
        Sort::Date => by_date::page(context, search, true),
        Sort::DateDescending => by_date::page(context, search, false),
        Sort::LastUpdated => by_update::page(context, search, true),
        Sort::LastUpdatedDescending => by_update::page(context, search, false),
    }
}

/// A page of what is kept, and where the next one begins.
fn kept(context: &mut Context<'_>, search: &Search) -> Result<(Placed, Option<PageKey>)> {
    let mut wide = Search {
        count: LOOKED_AT_ONCE,
        ..search.clone()
    };
    let (mut kept, mut looked_at) = (Vec::new(), 0);
    loop {
        let mut records = in_order(context, &wide)?;
        let is_more = records.len() > wide.count;
        records.truncate(wide.count);
        looked_at += records.len();
        wide.after = records.last().map(|(key, _)| *key);
        for (key, record) in records {
            if !search.keep.keeps(&record) {
                continue;
            }
            if kept.len() == search.count {
                let next = kept.last().map(|(key, _)| *key);
                return Ok((kept, next));
            }
            kept.push((key, record));
        }
        if !is_more || looked_at >= LOOKED_AT_MOST {
            return Ok((kept, wide.after.filter(|_| is_more)));
        }
    }
}

/// How many records a search finds.
pub(crate) fn count(snapshot: &Snapshot<'_>, access: &HeldAccess, search: &Search) -> Result<u64> {
    let mut context = Context::new(snapshot, access, search.now)?;
    let mut wide = Search {
        count: LOOKED_AT_ONCE,
        after: None,
        ..search.clone()
    };
    let mut found = 0;
    loop {
        let mut records = in_order(&mut context, &wide)?;
        let is_more = records.len() > wide.count;
        records.truncate(wide.count);
        found += records.iter().filter(|(_, record)| search.keep.keeps(record)).count() as u64;
        if !is_more {
            return Ok(found);
        }
        wide.after = records.last().map(|(key, _)| *key);
    }
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
            let found = match samples::find(&mut context, key)? {
                Some(found) => Some(found),
                None => checkups::find(&mut context, key)?,
            };
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

/// A person's checkups as wholes, by number.
pub(crate) fn reports(snapshot: &Snapshot<'_>, access: &HeldAccess, now: UtcMillis) -> Result<Vec<CheckupReport>> {
    reports::of_person(&mut Context::new(snapshot, access, now)?)
}

/// The documents that told a person's checkups, by number.
pub(crate) fn originals(
    snapshot: &Snapshot<'_>,
    access: &HeldAccess,
    only: Option<RecordKey>,
    now: UtcMillis,
) -> Result<Vec<CheckupOriginal>> {
    reports::originals(&mut Context::new(snapshot, access, now)?, only)
}

/// The versions of a record, the newest first.
pub(crate) fn versions(
    snapshot: &Snapshot<'_>,
    access: &HeldAccess,
    key: RecordKey,
    now: UtcMillis,
) -> Result<Vec<Record>> {
    let Some(present) = record(snapshot, access, key, now)? else {
        return Ok(Vec::new());
    };
    let mut versions = vec![present];
    if matches!(key.kind, RecordKind::Sample | RecordKind::Session) {
        let mut context = Context::new(snapshot, access, now)?;
        let mut superseded = match &versions[0] {
            Record::Sample(stored) if stored.of_checkup.is_some() => checkups::former(&mut context, key)?,
            _ => samples::superseded(&mut context, key)?,
        };
        superseded.retain(|former| former != &versions[0]);
        versions.extend(superseded);
    }
    Ok(versions)
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
