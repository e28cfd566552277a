//! SQL of insurance: by what insurers know a person, and who a record's subject may be.

mod hashes;
mod ledger;

use std::collections::HashMap;

use model::checkup::{Subject, Ticket};
use model::{LocalDay, Municipality, OrganisationId, PersonId};
use rusqlite::{Row, params};

use super::database::Snapshot;
use super::fault::Doing as _;
use super::waiting;
use super::writer::Writing;
use crate::matching::{self, Likeness};
use crate::{Insured, Result, StoreError};

pub(crate) use hashes::{DERIVATION, Hashes, derive_anew, has_others, hashes};
pub(crate) use ledger::follow;

/// True for a person of an organisation.
pub(crate) fn is_of(snapshot: &Snapshot<'_>, organisation: OrganisationId, person: PersonId) -> Result<bool> {
    snapshot
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM membership WHERE person = ?1 AND organisation = ?2)")
        .and_then(|mut statement| statement.query_row(params![person.0, organisation.0], |row| row.get(0)))
        .doing("looking for a member")
}

pub(crate) fn insure(
    writing: &Writing<'_>,
    organisation: OrganisationId,
    person: PersonId,
    insured: &Insured,
) -> Result<u64> {
    if !is_of(writing, organisation, person)? {
        return Err(StoreError::NotFound { what: "person" });
    }
    let key = writing.person_key(person)?;
    let of_subject = hashes(writing, &insured.subject);
    let [number_hash, name_hash, care_hash] = &of_subject;
    if number_hash.is_empty() {
        return Err(StoreError::Invalid {
            what: "an insurance has an insurer, a number and a birth date",
        });
    }
    let (numbers, all): (Vec<i64>, Vec<Insured>) = insurances(writing, person)?.into_iter().unzip();
    let place = matching::of_number(&all, &insured.subject);
    let before = place.and_then(|place| all.get(place));
    let mut insured = insured.clone();
    insured.subject.symbol = matching::symbol(&insured.subject, before);
    if let Some(before) = before {
        insured.tickets = with_tickets(before.tickets.clone(), &insured.tickets);
        // Where they live is said by some and left open by others: the last word stays.
        insured.residence = insured.residence.or(before.residence);
    }
    let number = match place.and_then(|place| numbers.get(place)) {
        Some(known) => *known,
        None => writing
            .prepare_cached("SELECT coalesce(max(number), 0) + 1 FROM insurance WHERE person = ?1")
            .and_then(|mut statement| statement.query_row([person.0], |row| row.get(0)))
            .doing("numbering an insurance")?,
    };
    let plain = serde_json::to_vec(&insured).map_err(|_| StoreError::damaged("an insurance"))?;
    let body = key.seal(
        writing.randomness(),
        "insurance",
        &[i64::from(person.0), number],
        &plain,
    )?;
    writing
        .prepare_cached(
            "INSERT INTO insurance (person, number, organisation, number_hash, name_hash, care_hash, body, derivation)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (person, number) DO UPDATE
             SET organisation = ?3, number_hash = ?4, name_hash = ?5, care_hash = ?6, body = ?7, derivation = ?8",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                person.0,
                number,
                organisation.0,
                number_hash,
                name_hash,
                care_hash,
                body,
                DERIVATION
            ])
        })
        .doing("keeping an insurance")?;
    waiting::claim(writing, organisation, &of_subject)
}

/// Tickets that are kept of one insurance: those of the last years.
const MOST_TICKETS: usize = 12;

/// Tickets with what is said of some of them: by year and number, the later word holds.
fn with_tickets(mut known: Vec<Ticket>, said: &[Ticket]) -> Vec<Ticket> {
    for ticket in said {
        known.retain(|before| (before.year, &before.number) != (ticket.year, &ticket.number));
        known.push(ticket.clone());
    }
    known.sort_by(|one, other| (one.year, &one.number).cmp(&(other.year, &other.number)));
    let old = known.len().saturating_sub(MOST_TICKETS);
    known.split_off(old)
}

/// A person's insurances, each with its number.
fn insurances(snapshot: &Snapshot<'_>, person: PersonId) -> Result<Vec<(i64, Insured)>> {
    let all: Vec<Candidate> = snapshot
        .prepare_cached("SELECT number, body FROM insurance WHERE person = ?1 ORDER BY number")
        .and_then(|mut statement| {
            statement
                .query_map([person.0], |row| Candidate::of(person, row))?
                .collect()
        })
        .doing("reading insurances")?;
    all.iter()
        .map(|insurance| Ok((insurance.number, opened(snapshot, insurance)?)))
        .collect()
}

/// As above, of those that one organisation's word is of.
fn insurances_of(snapshot: &Snapshot<'_>, organisation: OrganisationId, person: PersonId) -> Result<Vec<Insured>> {
    let all: Vec<Candidate> = snapshot
        .prepare_cached("SELECT number, body FROM insurance WHERE person = ?1 AND organisation = ?2 ORDER BY number")
        .and_then(|mut statement| {
            statement
                .query_map(params![person.0, organisation.0], |row| Candidate::of(person, row))?
                .collect()
        })
        .doing("reading an organisation's insurances")?;
    all.iter().map(|insurance| opened(snapshot, insurance)).collect()
}

/// Whether an organisation insures a person on a day, by its own word; `None` where it never said by what it knows them.
pub(crate) fn is_insured(
    snapshot: &Snapshot<'_>,
    organisation: OrganisationId,
    person: PersonId,
    on: LocalDay,
) -> Result<Option<bool>> {
    let all = insurances_of(snapshot, organisation, person)?;
    Ok((!all.is_empty()).then(|| all.iter().any(|insured| insured.holds_on(on))))
}

/// The municipalities that a person lives in on a day, by the word of those who insure them then; `None` where nobody ever said one.
pub(crate) fn municipalities(
    snapshot: &Snapshot<'_>,
    person: PersonId,
    on: LocalDay,
) -> Result<Option<Vec<Municipality>>> {
    let mut all = insurances(snapshot, person)?;
    all.retain(|(_, insured)| insured.residence.is_some());
    let now = all
        .iter()
        .filter_map(|(_, insured)| insured.municipality_on(on))
        .collect();
    Ok((!all.is_empty()).then_some(now))
}

/// A person's tickets that hold on a day.
pub(crate) fn tickets(snapshot: &Snapshot<'_>, person: PersonId, on: LocalDay) -> Result<Vec<Ticket>> {
    let mut tickets = Vec::new();
    for (_, insured) in insurances(snapshot, person)? {
        let holds = |ticket: &Ticket| {
            !ticket.is_void
                && on <= ticket.until
                && ticket.issued.is_none_or(|issued| issued <= on)
                // Who is insured by others since then cannot use it any more.
                && insured.lost.is_none_or(|lost| on <= lost)
        };
        tickets.extend(insured.tickets.iter().filter(|ticket| holds(ticket)).cloned());
    }
    Ok(tickets)
}

/// Somebody whom a record may be about.
pub(crate) struct Candidate {
    person: PersonId,
    number: i64,
    body: Vec<u8>,
}

impl Candidate {
    /// One of a person's insurances: its number and its body.
    fn of(person: PersonId, row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            person,
            number: row.get(0)?,
            body: row.get(1)?,
        })
    }
}

/// Hashes as one value to bind, for `unhex` of `json_each`: a query for many of them.
pub(super) fn listed<'a>(hashes: impl IntoIterator<Item = &'a Vec<u8>>) -> Result<String> {
    let hex = |hash: &Vec<u8>| -> String {
        let halves = hash.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        halves
            .map(|half| char::from(b"0123456789abcdef"[usize::from(half)]))
            .collect()
    };
    let all: Vec<String> = hashes.into_iter().map(hex).collect();
    serde_json::to_string(&all).map_err(|_| StoreError::damaged("hashes"))
}

/// The candidates of many subjects, by hash, in a query for each kind of hash, and one for the keys of all of them.
pub(crate) fn candidates(
    snapshot: &Snapshot<'_>,
    organisation: OrganisationId,
    hashes: &[Hashes],
) -> Result<HashMap<Vec<u8>, Vec<Candidate>>> {
    let mut found: HashMap<Vec<u8>, Vec<Candidate>> = HashMap::new();
    for (place, column) in hashes::COLUMNS.into_iter().enumerate() {
        let wanted = hashes.iter().map(|hashes| &hashes[place]);
        let wanted: Vec<&Vec<u8>> = wanted.filter(|hash| !hash.is_empty()).collect();
        if wanted.is_empty() {
            continue;
        }
        let wanted = listed(wanted)?;
        let rows: Vec<(Vec<u8>, Candidate)> = snapshot
            .prepare_cached(&format!(
                "SELECT {column}, person, number, body FROM insurance
                 WHERE {column} IN (SELECT unhex(value) FROM json_each(?1)) AND organisation = ?2 ORDER BY person, number"
            ))
            .and_then(|mut statement| {
                statement
                    .query_map(params![wanted, organisation.0], |row| {
                        let candidate = Candidate {
                            person: PersonId(row.get(1)?),
                            number: row.get(2)?,
                            body: row.get(3)?,
                        };
                        Ok((row.get(0)?, candidate))
                    })?
                    .collect()
            })
            .doing("looking for the insured")?;
        for (hash, candidate) in rows {
            found.entry(hash).or_default().push(candidate);
        }
    }
    let people: Vec<PersonId> = found.values().flatten().map(|candidate| candidate.person).collect();
    snapshot.keys().hold(&people)?;
    Ok(found)
}

fn opened(snapshot: &Snapshot<'_>, candidate: &Candidate) -> Result<Insured> {
    let person = candidate.person;
    // An erased person has no insurance any more.
    let key = snapshot.keys().person(person)?;
    let plain = key.open("insurance", &[i64::from(person.0), candidate.number], &candidate.body)?;
    serde_json::from_slice(&plain).map_err(|_| StoreError::damaged("an insurance"))
}

/// Whose a record is.
pub(crate) enum Whose {
    /// This person's; with what an operator should know of it, empty where all agrees.
    One(PersonId, &'static str),
    /// Perhaps theirs, each with why it is not for sure.
    Perhaps(Vec<(PersonId, String)>),
    /// Nobody's who is known: why not of who comes nearest; empty where nobody does.
    Nobody(&'static str),
}

/// Decides whose a record of a day is among its candidates.
pub(crate) fn decide(
    snapshot: &Snapshot<'_>,
    subject: &Subject,
    on: LocalDay,
    hashes: &Hashes,
    candidates: &HashMap<Vec<u8>, Vec<Candidate>>,
) -> Result<Whose> {
    let mut same: Vec<(PersonId, &'static str)> = Vec::new();
    let mut perhaps: Vec<(PersonId, String)> = Vec::new();
    let mut nobodys = "";
    let mut seen = Vec::new();
    for candidate in hashes.iter().filter_map(|hash| candidates.get(hash)).flatten() {
        let person = candidate.person;
        // Most are found by more than one of their hashes.
        if seen.contains(&(person, candidate.number)) {
            continue;
        }
        seen.push((person, candidate.number));
        let known = opened(snapshot, candidate)?;
        let likeness = matching::compare(subject, &known, on);
        match likeness {
            Likeness::Same(why) => match same.iter_mut().find(|(known, _)| *known == person) {
                // One of their insurances knows the name.
                Some((_, known)) if why.is_empty() => *known = why,
                Some(_) => {}
                None => same.push((person, why)),
            },
            Likeness::Other(why) => nobodys = why,
            Likeness::Perhaps(_) | Likeness::OneOfTwins => {
                let is_new = !perhaps.iter().any(|(known, _)| *known == person);
                perhaps.extend(likeness.doubt().filter(|_| is_new).map(|why| (person, why.to_owned())));
            }
        }
    }
    // One insurance says so: that another of the same person does not is no matter.
    perhaps.retain(|(person, _)| !same.iter().any(|(same, _)| same == person));
    Ok(match same.as_slice() {
        [(one, why)] => Whose::One(*one, why),
        [] if perhaps.is_empty() => Whose::Nobody(nobodys),
        [] => Whose::Perhaps(perhaps),
        several => {
            let why = "several people are known by the same";
            Whose::Perhaps(several.iter().map(|(person, _)| (*person, why.to_owned())).collect())
        }
    })
}

#[cfg(test)]
mod tests;
