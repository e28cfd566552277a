//! Checkups as wholes, as far as an access key shows them: that each took place, and which of its results there are.

use model::{RecordKey, RecordKind};

use super::checkups::records;
use super::context::Context;
use crate::Result;
use crate::checkup::OfCheckup;
use crate::reads::{CheckupReport, StoredSample};

/// All of a person's checkups of which anything shows, by number.
pub(crate) fn of_person(context: &mut Context<'_>) -> Result<Vec<CheckupReport>> {
    let mut found = Vec::new();
    for stored in context.checkups()?.iter() {
        let shown: Vec<StoredSample> = records(context, stored)?
            .into_iter()
            .map(|(record, _)| record)
            .filter(|record| context.shows(&record.sample))
            .collect();
        let is_event = |record: &StoredSample| record.of_checkup == Some(OfCheckup::TookPlace);
        let (took_place, results): (Vec<_>, Vec<_>) = shown.into_iter().partition(is_event);
        if took_place.is_empty() && results.is_empty() {
            continue;
        }
        let checkup = &stored.kept.checkup;
        found.push(CheckupReport {
            key: RecordKey {
                person: context.person,
                kind: RecordKind::Document,
                metric: checkup.event(),
                source: stored.source,
                start: crate::checkup::first_start(checkup.day, stored.number, 0),
                tie_break: 0,
            },
            day: checkup.day,
            programme: checkup.official_programme().unwrap_or_default().to_owned(),
            by_hand: checkup.word == model::checkup::Told::Declared,
            took_place: took_place.into_iter().next(),
            results,
        });
    }
    Ok(found)
}
