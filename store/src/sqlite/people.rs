//! SQL of organisations and people, and the person's clock that every write moves first.

use std::collections::HashMap;
use std::sync::Arc;

use model::{BatchId, LocalDay, OrganisationId, PersonId, UtcMillis};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::{Deserialize, Serialize};

use super::database::Snapshot;
use super::fault::Doing as _;
use super::journal::Step;
use super::keys::FIRST_VERSION;
use super::seal::SealKey;
use super::writer::Writing;
use super::{commits, consents, feeds, orphaned_tokens};
use crate::{
    NewOrganisation, NewPerson, Organisation, OrganisationKind, Person, PersonSummary, Result, Sex, StoreError,
};

/// Name of the organisation that is made when a person is made and there is none.
const FIRST_ORGANISATION: &str = "Sekisho";

/// Tables that hold rows of a person, all with a column `person`: what an erasure empties.
const ERASED_TABLES: &[&str] = &[
    "membership",
    "identity",
    "commits",
    "commit_pack",
    "batch",
    "source",
    "leaf",
    "history",
    "total",
    "dirty",
    "parked_type",
    "parked",
    "raw",
    "code",
    "token_family",
    "token",
    "session",
    "paper_consent",
    "representation",
    "alias",
    "alias_pending",
    "alias_recent",
    "companion",
    "pairing",
    "payload",
    "payload_pack",
    "link",
    "delegation",
    "feed_account",
    "checkup",
    "checkup_version",
    "insurance",
];

/// One commit of a person: its number and its time, later than all before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Commit {
    pub(crate) seq: i64,
    pub(crate) at: UtcMillis,
}

/// The commit of all that one unit writes of a person: made when something is written first.
pub(crate) struct OneCommit {
    person: PersonId,
    batch: BatchId,
    made: Option<Commit>,
}

impl OneCommit {
    /// Of a delivery; nothing is written so far.
    pub(crate) fn of(person: PersonId, batch: BatchId) -> Self {
        Self {
            person,
            batch,
            made: None,
        }
    }

    /// It, made where it is not yet.
    pub(crate) fn get(&mut self, writing: &Writing<'_>) -> Result<Commit> {
        match self.made {
            Some(commit) => Ok(commit),
            None => {
                let commit = next_commit(writing, self.person, Some(self.batch))?;
                Ok(*self.made.insert(commit))
            }
        }
    }
}

/// A person who lives, as what is written of them needs them.
pub(crate) struct Living {
    pub(crate) person: PersonId,
    pub(crate) profile: Profile,
    pub(crate) key: Arc<SealKey>,
}

impl Living {
    /// A person, as this snapshot has them.
    pub(crate) fn of(snapshot: &Snapshot<'_>, person: PersonId) -> Result<Self> {
        Ok(Self {
            person,
            profile: profile(snapshot, person)?,
            key: snapshot.person_key(person)?,
        })
    }
}

/// A delivery that is one commit, begun; with whose it is.
pub(crate) struct Delivery {
    pub(crate) batch: BatchId,
    pub(crate) commit: OneCommit,
    pub(crate) living: Living,
}

/// The first statement of every write to a person's data: takes the person's lock and gives the commit its number and time,
/// which grows even where the clock goes back.
pub(crate) fn next_commit(writing: &Writing<'_>, person: PersonId, batch: Option<BatchId>) -> Result<Commit> {
    let commit = writing
        .prepare_cached(
            "UPDATE person SET seq = seq + 1, commit_ms = max(?2, commit_ms + 1)
             WHERE id = ?1 AND erased_ms IS NULL RETURNING seq, commit_ms",
        )
        .and_then(|mut statement| {
            statement
                .query_row(params![person.0, writing.now().0], committed)
                .optional()
        })
        .doing("taking a person's lock")?;
    let commit = commit.ok_or_else(|| is_gone(writing, person))?;
    commits::note(writing, person, commit, batch)?;
    Ok(commit)
}

/// As [`next_commit`], of a delivery that is this commit alone.
pub(crate) fn next_delivery(writing: &Writing<'_>, person: PersonId) -> Result<Delivery> {
    let found: Option<(Commit, u32, Vec<u8>)> = writing
        .prepare_cached(
            "UPDATE person SET seq = seq + 1, commit_ms = max(?2, commit_ms + 1), next_batch = next_batch + 1
             WHERE id = ?1 AND erased_ms IS NULL RETURNING seq, commit_ms, next_batch - 1, body",
        )
        .and_then(|mut statement| {
            statement
                .query_row(params![person.0, writing.now().0], |row| {
                    Ok((committed(row)?, row.get(2)?, row.get(3)?))
                })
                .optional()
        })
        .doing("taking a person's lock")?;
    let (commit, batch, body) = found.ok_or_else(|| is_gone(writing, person))?;
    let batch = BatchId(batch);
    commits::note(writing, person, commit, Some(batch))?;
    let key = writing.keys().person(person)?;
    Ok(Delivery {
        batch,
        commit: OneCommit {
            made: Some(commit),
            ..OneCommit::of(person, batch)
        },
        living: Living {
            person,
            profile: profile_of(&key, person, &body)?,
            key,
        },
    })
}

fn committed(row: &Row<'_>) -> rusqlite::Result<Commit> {
    Ok(Commit {
        seq: row.get(0)?,
        at: UtcMillis(row.get(1)?),
    })
}

/// Why there is no row to lock: there never was one, or it was erased.
fn is_gone(snapshot: &Snapshot<'_>, person: PersonId) -> StoreError {
    match snapshot.person_key(person) {
        Err(error) => error,
        Ok(_) => StoreError::NoPerson { person },
    }
}

/// What is sealed in a person's row.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Profile {
    pub(crate) name: Option<String>,
    pub(crate) birth_day: Option<i32>,
    pub(crate) sex: Option<u8>,
    pub(crate) address: Option<String>,
    pub(crate) home_zone: String,
}

pub(crate) fn create_organisation(writing: &Writing<'_>, new: &NewOrganisation) -> Result<OrganisationId> {
    let id: u32 = writing
        .query_row("SELECT coalesce(max(id), 0) + 1 FROM organisation", [], |row| {
            row.get(0)
        })
        .doing("numbering an organisation")?;
    // Key first, as with people; a key without an organisation harms nobody and is taken by the next one.
    writing.keys().create_organisation(OrganisationId(id))?;
    writing
        .execute(
            "INSERT INTO organisation (id, kind, name, created_ms) VALUES (?1, ?2, ?3, ?4)",
            params![id, new.kind as u8, new.name, writing.now().0],
        )
        .doing("making an organisation")?;
    Ok(OrganisationId(id))
}

pub(crate) fn organisations(snapshot: &Snapshot<'_>) -> Result<Vec<Organisation>> {
    snapshot
        .prepare_cached("SELECT id, kind, name, created_ms FROM organisation ORDER BY id")
        .and_then(|mut statement| {
            statement
                .query_map([], |row| {
                    Ok(Organisation {
                        id: OrganisationId(row.get(0)?),
                        kind: OrganisationKind::from_number(row.get(1)?).unwrap_or(OrganisationKind::Company),
                        name: row.get(2)?,
                        created: UtcMillis(row.get(3)?),
                    })
                })?
                .collect()
        })
        .doing("listing organisations")
}

pub(crate) fn create_person(writing: &Writing<'_>, new: &NewPerson) -> Result<PersonId> {
    let custodian = match new.organisation {
        Some(organisation) => require_organisation(writing, organisation)?,
        None => first_organisation(writing)?,
    };
    let person = fresh_number(writing)?;
    writing.keys().create_person(person, custodian)?;
    writing.shared().sync_point("person key made");
    let profile = Profile {
        name: new.name.clone(),
        birth_day: new.birth_date.map(|day| day.0),
        sex: new.sex.map(|sex| sex as u8),
        address: new.address.clone(),
        home_zone: new.home_zone.clone(),
    };
    let plain = serde_json::to_vec(&profile).map_err(|_| StoreError::damaged("a person's profile"))?;
    let body = writing
        .keys()
        .person(person)?
        .seal(writing.randomness(), "person", &[i64::from(person.0)], &plain)?;
    let now = writing.now();
    writing
        .execute(
            "INSERT INTO person (id, custodian, key_version, created_ms, body) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![person.0, custodian.0, FIRST_VERSION, now.0, body],
        )
        .doing("making a person")?;
    insert_membership(writing, person, custodian, now)?;
    Ok(person)
}

/// A number that no person has or had in this database. Random, so that a number is not given again after an older database
/// was brought back.
fn fresh_number(writing: &Writing<'_>) -> Result<PersonId> {
    loop {
        let mut bytes = [0; 4];
        writing.randomness().fill(&mut bytes);
        let number = u32::from_le_bytes(bytes);
        let taken: bool = writing
            .query_row("SELECT EXISTS (SELECT 1 FROM person WHERE id = ?1)", [number], |row| {
                row.get(0)
            })
            .doing("numbering a person")?;
        if number != 0 && !taken {
            return Ok(PersonId(number));
        }
    }
}

fn first_organisation(writing: &Writing<'_>) -> Result<OrganisationId> {
    let first: Option<u32> = writing
        .query_row("SELECT min(id) FROM organisation", [], |row| row.get(0))
        .doing("finding an organisation")?;
    match first {
        Some(id) => Ok(OrganisationId(id)),
        None => create_organisation(
            writing,
            &NewOrganisation {
                name: FIRST_ORGANISATION.to_owned(),
                kind: OrganisationKind::Municipality,
            },
        ),
    }
}

pub(crate) fn require_organisation(connection: &Connection, organisation: OrganisationId) -> Result<OrganisationId> {
    let exists: bool = connection
        .query_row(
            "SELECT EXISTS (SELECT 1 FROM organisation WHERE id = ?1)",
            [organisation.0],
            |row| row.get(0),
        )
        .doing("finding an organisation")?;
    exists
        .then_some(organisation)
        .ok_or(StoreError::NoOrganisation { organisation })
}

fn insert_membership(
    connection: &Connection,
    person: PersonId,
    organisation: OrganisationId,
    now: UtcMillis,
) -> Result<()> {
    connection
        .execute(
            "INSERT INTO membership (person, organisation, since_ms) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            params![person.0, organisation.0, now.0],
        )
        .doing("adding a membership")
        .map(|_| ())
}

pub(crate) fn add_membership(writing: &Writing<'_>, person: PersonId, organisation: OrganisationId) -> Result<()> {
    writing.person_key(person)?;
    require_organisation(writing, organisation)?;
    insert_membership(writing, person, organisation, writing.now())
}

pub(crate) fn people(snapshot: &Snapshot<'_>, after: Option<PersonId>, limit: usize) -> Result<Vec<PersonSummary>> {
    let rows: Vec<(PersonSummary, Option<Vec<u8>>)> = snapshot
        .prepare_cached(
            "SELECT id, custodian, created_ms, erased_ms IS NOT NULL, body FROM person WHERE id > ?1 ORDER BY id LIMIT ?2",
        )
        .and_then(|mut statement| {
            statement
                .query_map(
                    params![after.map_or(0, |after| after.0), i64::try_from(limit).unwrap_or(i64::MAX)],
                    |row| {
                        Ok((
                            PersonSummary {
                                id: PersonId(row.get(0)?),
                                name: None,
                                custodian: OrganisationId(row.get(1)?),
                                created: UtcMillis(row.get(2)?),
                                erased: row.get(3)?,
                            },
                            row.get(4)?,
                        ))
                    },
                )?
                .collect()
        })
        .doing("listing people")?;
    rows.into_iter()
        .map(|(mut summary, body)| {
            if let Some(body) = body {
                summary.name = open_profile(snapshot, summary.id, &body)?.name;
            }
            Ok(summary)
        })
        .collect()
}

/// The sealed part of a living person's row.
pub(crate) fn profile(snapshot: &Snapshot<'_>, person: PersonId) -> Result<Profile> {
    let body: Option<Option<Vec<u8>>> = snapshot
        .prepare_cached("SELECT body FROM person WHERE id = ?1")
        .and_then(|mut statement| statement.query_row([person.0], |row| row.get(0)).optional())
        .doing("reading a person")?;
    match body {
        None => Err(StoreError::NoPerson { person }),
        Some(None) => Err(StoreError::Erased { person }),
        Some(Some(body)) => open_profile(snapshot, person, &body),
    }
}

/// Names of these people, as far as they have one and live.
pub(crate) fn names(snapshot: &Snapshot<'_>, people: &[PersonId]) -> Result<HashMap<PersonId, String>> {
    let wanted: Vec<u32> = people.iter().map(|person| person.0).collect();
    let wanted = serde_json::to_string(&wanted).map_err(|_| StoreError::damaged("a list of people"))?;
    let rows: Vec<(u32, Vec<u8>)> = snapshot
        .prepare_cached(
            "SELECT id, body FROM person WHERE id IN (SELECT value FROM json_each(?1)) AND erased_ms IS NULL",
        )
        .and_then(|mut statement| {
            statement
                .query_map([wanted], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
        .doing("reading names")?;
    rows.into_iter()
        .map(|(id, body)| Ok((PersonId(id), open_profile(snapshot, PersonId(id), &body)?.name)))
        .filter_map(|row: Result<_>| row.map(|(person, name)| name.map(|name| (person, name))).transpose())
        .collect()
}

/// When a person was made.
pub(crate) fn created(snapshot: &Snapshot<'_>, person: PersonId) -> Result<UtcMillis> {
    snapshot
        .prepare_cached("SELECT created_ms FROM person WHERE id = ?1")
        .and_then(|mut statement| statement.query_row([person.0], |row| row.get(0).map(UtcMillis)))
        .doing("reading a person")
}

fn open_profile(snapshot: &Snapshot<'_>, person: PersonId, body: &[u8]) -> Result<Profile> {
    profile_of(&*snapshot.person_key(person)?, person, body)
}

fn profile_of(key: &SealKey, person: PersonId, body: &[u8]) -> Result<Profile> {
    let plain = key.open("person", &[i64::from(person.0)], body)?;
    serde_json::from_slice(&plain).map_err(|_| StoreError::damaged(format!("the profile of person {person}")))
}

pub(crate) fn person(snapshot: &Snapshot<'_>, person: PersonId) -> Result<Option<Person>> {
    let read = |row: &Row<'_>| -> rusqlite::Result<(u32, i64)> { Ok((row.get(0)?, row.get(1)?)) };
    let found = snapshot
        .prepare_cached("SELECT custodian, created_ms FROM person WHERE id = ?1 AND erased_ms IS NULL")
        .and_then(|mut statement| statement.query_row([person.0], read).optional())
        .doing("reading a person")?;
    let Some((custodian, created)) = found else {
        return Ok(None);
    };
    let profile = profile(snapshot, person)?;
    let organisations = snapshot
        .prepare_cached("SELECT organisation FROM membership WHERE person = ?1 ORDER BY organisation")
        .and_then(|mut statement| {
            statement
                .query_map([person.0], |row| row.get(0).map(OrganisationId))?
                .collect()
        })
        .doing("reading memberships")?;
    Ok(Some(Person {
        id: person,
        name: profile.name,
        birth_date: profile.birth_day.map(LocalDay),
        sex: profile.sex.and_then(Sex::from_number),
        address: profile.address,
        custodian: OrganisationId(custodian),
        organisations,
        home_zone: profile.home_zone,
        created: UtcMillis(created),
    }))
}

fn identity_hash(snapshot: &Snapshot<'_>, issuer: &str, subject: &str) -> Vec<u8> {
    snapshot
        .keys()
        .lookup_hash("identity", &[issuer.as_bytes(), subject.as_bytes()])
}

pub(crate) fn link_identity(writing: &Writing<'_>, person: PersonId, issuer: &str, subject: &str) -> Result<()> {
    writing.person_key(person)?;
    match person_by_identity(writing, issuer, subject)? {
        Some(known) if known == person => Ok(()),
        Some(_) => Err(StoreError::Exists { what: "identity" }),
        None => writing
            .execute(
                "INSERT INTO identity (hash, person, linked_ms) VALUES (?1, ?2, ?3)",
                params![identity_hash(writing, issuer, subject), person.0, writing.now().0],
            )
            .doing("linking an identity")
            .map(|_| ()),
    }
}

pub(crate) fn person_by_identity(snapshot: &Snapshot<'_>, issuer: &str, subject: &str) -> Result<Option<PersonId>> {
    snapshot
        .prepare_cached("SELECT person FROM identity WHERE hash = ?1")
        .and_then(|mut statement| {
            statement
                .query_row([identity_hash(snapshot, issuer, subject)], |row| {
                    row.get(0).map(PersonId)
                })
                .optional()
        })
        .doing("finding an identity")
}

/// The journal first, then the rows; the key follows once this is committed.
pub(crate) fn erase(writing: &Writing<'_>, person: PersonId) -> Result<()> {
    let known: bool = writing
        .query_row(
            "SELECT EXISTS (SELECT 1 FROM person WHERE id = ?1)",
            [person.0],
            |row| row.get(0),
        )
        .doing("finding a person")?;
    if !known {
        return Err(StoreError::NoPerson { person });
    }
    writing.journal(Step::Erasure, person, 0, Vec::new())?;
    orphaned_tokens::keep(writing, person)?;
    carry_out_erasure(writing, person, writing.now())
}

/// Ends the person's consents, empties every table of their rows and marks them erased. On a database that never knew them
/// it does nothing.
pub(crate) fn carry_out_erasure(snapshot: &Snapshot<'_>, person: PersonId, now: UtcMillis) -> Result<()> {
    consents::end_all(snapshot, person, now)?;
    snapshot.forget_who_lives();
    erase_rows(snapshot, person, now)
}

fn erase_rows(connection: &Connection, person: PersonId, now: UtcMillis) -> Result<()> {
    // Before it is forgotten which accounts are theirs.
    feeds::drop_waiting_of(connection, person)?;
    for table in ERASED_TABLES {
        connection
            .execute(&format!("DELETE FROM {table} WHERE person = ?1"), [person.0])
            .doing("erasing a person")?;
    }
    connection
        .execute("DELETE FROM representation WHERE actor = ?1", [person.0])
        .doing("erasing a person")?;
    connection
        .execute("DELETE FROM delegation WHERE reader = ?1", [person.0])
        .doing("erasing a person")?;
    connection
        .execute(
            "UPDATE person SET body = NULL, erased_ms = coalesce(erased_ms, ?2) WHERE id = ?1",
            params![person.0, now.0],
        )
        .doing("erasing a person")
        .map(|_| ())
}

pub(crate) fn custodian_name(snapshot: &Snapshot<'_>, person: PersonId) -> Result<Option<String>> {
    snapshot
        .prepare_cached(
            "SELECT organisation.name FROM person JOIN organisation ON organisation.id = person.custodian
             WHERE person.id = ?1",
        )
        .and_then(|mut statement| statement.query_row([person.0], |row| row.get(0)).optional())
        .doing("reading a custodian")
}
