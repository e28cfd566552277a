//! Checkups as wholes, as far as an access key shows them: that each took place, which of its results there are, and the document.

use model::{ConsentCategory, RecordKey, RecordKind};

use super::super::checkups::{self, Stored};
use super::checkups::{records, shows};
use super::context::Context;
use crate::Result;
use crate::checkup::{OfCheckup, first_start};
use crate::reads::{CheckupOriginal, CheckupReport, StoredSample};

fn key(context: &Context<'_>, stored: &Stored) -> RecordKey {
    let checkup = &stored.kept.checkup;
    RecordKey {
        person: context.person,
        kind: RecordKind::Document,
        metric: checkup.event(),
        source: stored.source,
        start: first_start(checkup.day, stored.number, 0),
        tie_break: 0,
    }
}

/// The documents of all checkups, or of the one with this key.
pub(crate) fn originals(context: &mut Context<'_>, only: Option<RecordKey>) -> Result<Vec<CheckupOriginal>> {
    let mut found = Vec::new();
    for stored in context.checkups()?.iter() {
        let checkup = &stored.kept.checkup;
        let key = key(context, stored);
        let shows = context
            .access
            .permits(ConsentCategory::Documents, stored.source, checkup.day);
        if checkup.is_deletion() || !shows || only.is_some_and(|only| only != key) {
            continue;
        }
        let bytes = checkups::original(context.snapshot, context.person, stored.number)?;
        let (committed, _) = context.commit(stored.seq)?;
        found.extend(bytes.map(|bytes| CheckupOriginal {
            key,
            day: checkup.day,
            version: stored.version,
            committed,
            bytes,
        }));
    }
    Ok(found)
}

/// All of a person's checkups of which anything shows, by number.
pub(crate) fn of_person(context: &mut Context<'_>) -> Result<Vec<CheckupReport>> {
    let mut found = Vec::new();
    for stored in context.checkups()?.iter() {
        let shown: Vec<StoredSample> = records(context, stored)?
            .into_iter()
            .map(|(record, _)| record)
            .filter(|record| shows(context, record))
            .collect();
        let is_event = |record: &StoredSample| record.of_checkup == Some(OfCheckup::TookPlace);
        let (took_place, results): (Vec<_>, Vec<_>) = shown.into_iter().partition(is_event);
        if took_place.is_empty() && results.is_empty() {
            continue;
        }
        let checkup = &stored.kept.checkup;
        found.push(CheckupReport {
            key: key(context, stored),
            days: checkup.days(),
            programme: checkup.official_programme().unwrap_or_default().to_owned(),
            by_hand: !checkup.word.is_document(),
            took_place: took_place.into_iter().next(),
            results,
        });
    }
    Ok(found)
}
