//! SQL of insurance: by what insurers know a person, and who a record's subject may be.

use std::collections::HashMap;

use model::checkup::Subject;
use model::{LocalDay, OrganisationId, PersonId};
use rusqlite::params;

use super::database::Snapshot;
use super::fault::Doing as _;
use super::packages;
use super::writer::Writing;
use crate::matching::{self, Likeness};
use crate::{Insured, Result, StoreError};

/// The two keyed hashes of a subject; empty where it says too little for one.
pub(crate) fn hashes(snapshot: &Snapshot<'_>, subject: &Subject) -> [Vec<u8>; 2] {
    let hash = |what: &str, parts: Option<[String; 4]>| match parts {
        Some(parts) => snapshot
            .keys()
            .lookup_hash(what, &parts.each_ref().map(|part| part.as_bytes())),
        None => Vec::new(),
    };
    [
        hash("insurance.number", matching::by_number(subject)),
        hash("insurance.name", matching::by_name(subject)),
    ]
}

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
    let [number_hash, name_hash] = hashes(writing, &insured.subject);
    if number_hash.is_empty() {
        return Err(StoreError::Invalid {
            what: "an insurance has an insurer, a number and a birth date",
        });
    }
    let known: Option<i64> = writing
        .prepare_cached("SELECT min(number) FROM insurance WHERE person = ?1 AND number_hash = ?2")
        .and_then(|mut statement| statement.query_row(params![person.0, number_hash], |row| row.get(0)))
        .doing("looking for an insurance")?;
    let number = match known {
        Some(number) => number,
        None => writing
            .prepare_cached("SELECT coalesce(max(number), 0) + 1 FROM insurance WHERE person = ?1")
            .and_then(|mut statement| statement.query_row([person.0], |row| row.get(0)))
            .doing("numbering an insurance")?,
    };
    let plain = serde_json::to_vec(insured).map_err(|_| StoreError::damaged("an insurance"))?;
    let body = key.seal(
        writing.randomness(),
        "insurance",
        &[i64::from(person.0), number],
        &plain,
    )?;
    writing
        .prepare_cached(
            "INSERT INTO insurance (person, number, organisation, number_hash, name_hash, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (person, number) DO UPDATE SET organisation = ?3, number_hash = ?4, name_hash = ?5, body = ?6",
        )
        .and_then(|mut statement| {
            statement.execute(params![person.0, number, organisation.0, number_hash, name_hash, body])
        })
        .doing("keeping an insurance")?;
    packages::claim(writing, organisation, [&number_hash, &name_hash])
}

/// Somebody whom a record may be about.
pub(crate) struct Candidate {
    person: PersonId,
    number: i64,
    body: Vec<u8>,
}

/// The candidates of many subjects, by hash, in one query.
pub(crate) fn candidates(
    snapshot: &Snapshot<'_>,
    organisation: OrganisationId,
    hashes: &[[Vec<u8>; 2]],
) -> Result<HashMap<Vec<u8>, Vec<Candidate>>> {
    let mut found: HashMap<Vec<u8>, Vec<Candidate>> = HashMap::new();
    for (column, place) in [("number_hash", 0), ("name_hash", 1)] {
        let wanted: Vec<String> = hashes
            .iter()
            .map(|hashes| &hashes[place])
            .filter(|hash| !hash.is_empty())
            .map(|hash| hash.iter().map(|byte| format!("{byte:02x}")).collect())
            .collect();
        let wanted = serde_json::to_string(&wanted).map_err(|_| StoreError::damaged("hashes"))?;
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
    Ok(found)
}

/// Whose a record is.
pub(crate) enum Whose {
    /// This person's.
    One(PersonId),
    /// Perhaps theirs, each with why it is not for sure.
    Perhaps(Vec<(PersonId, String)>),
    /// Nobody's who is known.
    Nobody,
}

/// Decides whose a record of a day is among its candidates.
pub(crate) fn decide(
    snapshot: &Snapshot<'_>,
    subject: &Subject,
    on: LocalDay,
    hashes: &[Vec<u8>; 2],
    candidates: &HashMap<Vec<u8>, Vec<Candidate>>,
) -> Result<Whose> {
    let (mut same, mut perhaps): (Vec<PersonId>, Vec<(PersonId, String)>) = (Vec::new(), Vec::new());
    for candidate in hashes.iter().filter_map(|hash| candidates.get(hash)).flatten() {
        let person = candidate.person;
        let key = snapshot.person_key(person)?;
        let plain = key.open("insurance", &[i64::from(person.0), candidate.number], &candidate.body)?;
        let known: Insured = serde_json::from_slice(&plain).map_err(|_| StoreError::damaged("an insurance"))?;
        match matching::compare(subject, &known, on) {
            Likeness::Same if !same.contains(&person) => same.push(person),
            Likeness::Perhaps(why) if !perhaps.iter().any(|(known, _)| *known == person) => {
                perhaps.push((person, why.to_owned()));
            }
            Likeness::Same | Likeness::Perhaps(_) | Likeness::Other(_) => {}
        }
    }
    // One insurance says so: that another of the same person does not is no matter.
    perhaps.retain(|(person, _)| !same.contains(person));
    Ok(match same.as_slice() {
        [one] => Whose::One(*one),
        [] if perhaps.is_empty() => Whose::Nobody,
        [] => Whose::Perhaps(perhaps),
        several => {
            let why = "several people are known by the same";
            Whose::Perhaps(several.iter().map(|person| (*person, why.to_owned())).collect())
        }
    })
}
