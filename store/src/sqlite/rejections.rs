//! SQL of records that became no data: which deliveries had some, why, and where they stand.

use std::collections::BTreeMap;

use model::{BatchId, PersonId, UtcMillis};
use rusqlite::params;

use super::batches::{Body, MOST_PLACES};
use super::database::Snapshot;
use super::fault::Doing as _;
use super::payloads;
use crate::Result;
use crate::operations::{DAMAGED, Rejection, Rejections, RejectionsOf};

/// The next deliveries after `after` in which records ended as `outcome`, each with them: rows of one page, and where to go on.
pub(crate) fn ended_as(
    snapshot: &Snapshot<'_>,
    wanted: &RejectionsOf,
    after: (PersonId, BatchId),
) -> Result<Rejections> {
    /// Deliveries that are opened for one page.
    const PAGE: i64 = 500;
    type Found = (u32, u32, u32, String, u32, i64, Option<Vec<u8>>);
    let found: Vec<Found> = snapshot
        .prepare_cached(
            "SELECT person, batch, coalesce(until_batch, batch), adapter, mapping_version, obtained_ms, body FROM batch
             WHERE (person, batch) > (?1, ?2) AND obtained_ms >= ?3 AND (?4 IS NULL OR adapter = ?4)
             ORDER BY person, batch LIMIT ?5",
        )
        .and_then(|mut statement| {
            let by = params![after.0.0, after.1.0, wanted.since.0, wanted.adapter, PAGE];
            statement.query_map(by, |row| row.try_into())?.collect()
        })
        .doing("reading how deliveries ended")?;
    let next = found
        .last()
        .map(|(person, batch, ..)| (PersonId(*person), BatchId(*batch)));
    let next = next.filter(|_| found.len() as i64 == PAGE);
    let mut rows = Vec::new();
    for (person, batch, until, adapter, mapping_version, obtained, body) in found {
        let (person, batch) = (PersonId(person), BatchId(batch));
        // An erased person's cannot be opened, one under way has no end yet.
        let Some((key, body)) = snapshot.person_key(person).ok().zip(body) else {
            continue;
        };
        let row = Rejection {
            person,
            batch,
            adapter,
            mapping_version,
            obtained: UtcMillis(obtained),
            reason: DAMAGED.to_owned(),
            records: 0,
            places: Vec::new(),
            payload: None,
            texts: Vec::new(),
        };
        let plain = key.open("batch", &[i64::from(person.0), i64::from(batch.0)], &body);
        let Ok(body) = plain.and_then(|plain| Body::decode(&plain)) else {
            // The others can be told nevertheless.
            rows.push(row);
            continue;
        };
        let outcome = wanted.outcome.to_string();
        let of = body.reasons.iter().filter(|(ended, ..)| *ended == outcome);
        let mut kept = None;
        for (_, reason, records) in of {
            let (payload, texts) = match &kept {
                Some(kept) => kept,
                None => kept.insert((
                    kept_payload(snapshot, person, &row.adapter, &body)?,
                    kept_texts(snapshot, person, (batch.0, until), &body)?,
                )),
            };
            let places = body
                .places
                .iter()
                .find(|(ended, of, _)| (ended, of) == (&outcome, reason));
            rows.push(Rejection {
                reason: reason.clone(),
                records: *records,
                places: places.map(|(.., places)| places.clone()).unwrap_or_default(),
                payload: *payload,
                texts: texts.clone(),
                ..row.clone()
            });
        }
    }
    Ok(Rejections { rows, next })
}

/// Of a person's last deliveries since an instant, how many records of each adapter were rejected; adapters without any are left out.
pub(crate) fn of_person(snapshot: &Snapshot<'_>, person: PersonId, since: UtcMillis) -> Result<BTreeMap<String, u64>> {
    let key = snapshot.person_key(person)?;
    let mut statement = snapshot
        .prepare_cached("SELECT batch, adapter, obtained_ms, body FROM batch WHERE person = ?1 ORDER BY batch DESC")
        .doing("reading how deliveries ended")?;
    let found = statement
        .query_map([person.0], |row| {
            Ok::<(u32, String, i64, Option<Vec<u8>>), _>((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .doing("reading how deliveries ended")?;
    let mut rejected = BTreeMap::new();
    for row in found {
        let (batch, adapter, obtained, body) = row.doing("reading how deliveries ended")?;
        // Each came after the one before.
        if obtained < since.0 {
            break;
        }
        let Some(body) = body else { continue };
        let plain = key.open("batch", &[i64::from(person.0), i64::from(batch)], &body)?;
        let count = Body::decode(&plain)?.rejected;
        if count > 0 {
            *rejected.entry(adapter).or_default() += count;
        }
    }
    Ok(rejected)
}

/// The number under which a delivery is kept as it came, while it is.
fn kept_payload(snapshot: &Snapshot<'_>, person: PersonId, adapter: &str, body: &Body) -> Result<Option<i64>> {
    match body.payload {
        Some(number) if payloads::is_kept(snapshot, person, adapter, number)? => Ok(Some(number)),
        _ => Ok(None),
    }
}

/// Texts that came with the deliveries of a row, and those of them that were kept before.
fn kept_texts(snapshot: &Snapshot<'_>, person: PersonId, span: (u32, u32), body: &Body) -> Result<Vec<i64>> {
    let mut statement = snapshot
        .prepare_cached("SELECT number, batch FROM raw WHERE person = ?1 AND batch BETWEEN ?2 AND ?3 ORDER BY number")
        .doing("finding kept texts")?;
    let rows = statement
        .query_map(params![person.0, span.0, span.1], |row| {
            Ok::<(i64, u32), _>((row.get(0)?, row.get(1)?))
        })
        .doing("finding kept texts")?;
    let mut texts = body.texts.clone();
    for row in rows {
        let (number, batch) = row.doing("finding kept texts")?;
        if body.turns.has(span, batch) {
            texts.push(number);
        }
    }
    texts.sort_unstable();
    texts.dedup();
    texts.truncate(MOST_PLACES);
    Ok(texts)
}
