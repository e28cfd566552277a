//! SQL of what is deleted when its time is over: records of provision, answered requests, rights to act that ended.

use std::collections::HashMap;

use model::time::DAY_MS;
use model::{OrganisationId, PersonId, UtcMillis};
use rusqlite::{OptionalExtension as _, params};

use super::chain::Chain;
use super::database::Snapshot;
use super::fault::Doing as _;
use super::writer::Writing;
use super::{acts, audit};
use crate::{Actor, Pruned, Result};

/// How long records are kept after the last provision to the same recipient, and other records of this kind after their end: three
/// years (個人情報保護法施行規則 21 and 25), counted long.
const KEPT_MS: i64 = 3 * 366 * DAY_MS;

/// People looked at in one unit.
const PEOPLE_AT_ONCE: i64 = 500;

/// The act that says that rows were deleted.
pub(crate) const ACT: &str = "records-deleted";

/// What the act says of them.
pub(crate) fn subject(person: u32, until: i64) -> String {
    format!("provisions of person {person}, up to row {until}")
}

/// Deletes what is due of the next people after `after`.
pub(crate) fn prune(writing: &Writing<'_>, after: Option<PersonId>) -> Result<Pruned> {
    let due = writing.now().plus(-KEPT_MS);
    let people: Vec<(u32, u32, i64)> = writing
        .prepare_cached(
            "SELECT head.person, person.custodian, head.pruned FROM chain_head head JOIN person ON person.id = head.person
             WHERE head.chain = ?1 AND head.person > ?2 ORDER BY head.person LIMIT ?3",
        )
        .and_then(|mut statement| {
            statement
                .query_map(
                    params![
                        Chain::Access as u8,
                        after.map_or(0, |person| person.0),
                        PEOPLE_AT_ONCE
                    ],
                    |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
                )?
                .collect()
        })
        .doing("looking for records that are due")?;
    let mut deleted = 0;
    for (person, custodian, pruned) in &people {
        let (person, custodian) = (PersonId(*person), OrganisationId(*custodian));
        if !first_is_due(writing, person, custodian, *pruned, due)? {
            continue;
        }
        if let Some(until) = due_until(writing, person, custodian, due)? {
            deleted += cut(writing, person, custodian, until)?;
        }
    }
    if after.is_none() {
        for statement in [
            "DELETE FROM subject_request WHERE state NOT IN (1, 2) AND changed_ms <= ?1",
            "DELETE FROM representation WHERE coalesce(ended_ms, until_ms) <= ?1",
        ] {
            deleted += writing
                .execute(statement, [due.0])
                .doing("deleting records that are due")? as u64;
        }
    }
    let is_last = i64::try_from(people.len()).unwrap_or(i64::MAX) < PEOPLE_AT_ONCE;
    let next = people.last().map(|(person, ..)| PersonId(*person));
    Ok(Pruned {
        deleted,
        next: next.filter(|_| !is_last),
    })
}

/// Spares most people a walk through their records: nothing is due where the oldest is not.
fn first_is_due(
    snapshot: &Snapshot<'_>,
    person: PersonId,
    custodian: OrganisationId,
    pruned: i64,
    due: UtcMillis,
) -> Result<bool> {
    let first: Option<(i64, Vec<u8>)> = snapshot
        .prepare_cached("SELECT number, body FROM access_event WHERE person = ?1 AND number = ?2")
        .and_then(|mut statement| {
            statement
                .query_row(params![person.0, pruned + 1], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        })
        .doing("reading the oldest record")?;
    let Some((number, body)) = first else {
        return Ok(false);
    };
    Ok(audit::read(snapshot, person, custodian, number, &body)?.at <= due)
}

/// The last of the rows from the first on that are all due: none is younger than the last provision to its recipient plus the
/// time for which it is kept.
fn due_until(
    snapshot: &Snapshot<'_>,
    person: PersonId,
    custodian: OrganisationId,
    due: UtcMillis,
) -> Result<Option<i64>> {
    let mut statement = snapshot
        .prepare_cached("SELECT number, body FROM access_event WHERE person = ?1 ORDER BY number")
        .doing("reading records")?;
    let mut rows = statement.query([person.0]).doing("reading records")?;
    let mut last = HashMap::new();
    let mut recipients = Vec::new();
    while let Some(row) = rows.next().doing("reading records")? {
        let number: i64 = row.get(0).doing("reading records")?;
        let body: Vec<u8> = row.get(1).doing("reading records")?;
        let event = audit::read(snapshot, person, custodian, number, &body)?;
        let at = last.entry(event.recipient).or_insert(event.at);
        *at = event.at.max(*at);
        recipients.push((number, event.recipient));
    }
    let is_due = |(_, recipient): &&(i64, model::RecipientId)| last.get(recipient).is_none_or(|at| *at <= due);
    Ok(recipients.iter().take_while(is_due).last().map(|(number, _)| *number))
}

/// Deletes the rows up to `until`; the head remembers where the chain goes on, and the organisation's chain that it was done.
fn cut(writing: &Writing<'_>, person: PersonId, custodian: OrganisationId, until: i64) -> Result<u64> {
    let hash: Vec<u8> = writing
        .query_row(
            "SELECT hash FROM access_event WHERE person = ?1 AND number = ?2",
            params![person.0, until],
            |row| row.get(0),
        )
        .doing("deleting records that are due")?;
    let deleted = writing
        .execute(
            "DELETE FROM access_event WHERE person = ?1 AND number <= ?2",
            params![person.0, until],
        )
        .doing("deleting records that are due")?;
    writing
        .execute(
            "UPDATE chain_head SET pruned = ?3, pruned_hash = ?4 WHERE chain = ?1 AND person = ?2",
            params![Chain::Access as u8, person.0, until, hash],
        )
        .doing("deleting records that are due")?;
    acts::record(writing, custodian, Actor::Gateway, ACT, &subject(person.0, until))?;
    Ok(deleted as u64)
}

/// Which deletions the organisations' chains tell of.
pub(crate) fn told(snapshot: &Snapshot<'_>) -> Result<std::collections::HashSet<String>> {
    let organisations: Vec<u32> = snapshot
        .prepare_cached("SELECT DISTINCT organisation FROM organisation_event")
        .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect())
        .doing("reading acts")?;
    let mut told = std::collections::HashSet::new();
    for organisation in organisations {
        let mut before = None;
        // A row that does not open is for the walk of that chain to name.
        while let Ok(acts) = acts::list(snapshot, OrganisationId(organisation), before, 1_000) {
            let Some((last, _)) = acts.last() else { break };
            before = Some(*last);
            let deletions = acts
                .into_iter()
                .filter(|(_, act)| act.what == ACT && act.by == Actor::Gateway);
            told.extend(deletions.map(|(_, act)| act.subject));
        }
    }
    Ok(told)
}
