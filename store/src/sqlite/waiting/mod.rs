//! SQL of documents that wait: of nobody who is known yet, or for a person to decide whose they are.

mod body;

use model::checkup::Checkup;
use model::{Accounting, OrganisationId, PersonId, UtcMillis};
use rusqlite::{OptionalExtension as _, params};

use super::acts;
use super::database::{Database, Snapshot};
use super::fault::Doing as _;
use super::insurance::{self, Hashes, Whose};
use super::packages::{self, Given};
use super::writer::Writing;
use crate::packages::{EntryOutcome, EntryResult, Waiting, doubts_of};
use crate::{Actor, Result, StoreError};

pub(crate) use body::{About, Body};

/// Of nobody who is known.
pub(crate) const UNCLAIMED: u8 = 1;
/// Perhaps of somebody.
const POSSIBLE: u8 = 2;

/// Whose a document may be, and why it is not for sure.
pub(crate) type Candidates = Vec<(PersonId, String)>;

pub(crate) fn stored(candidates: Candidates) -> Vec<(u32, String)> {
    candidates.into_iter().map(|(person, why)| (person.0, why)).collect()
}

/// Keeps a document that may be somebody's until an operator decides; how it ended so far.
pub(crate) fn wait_for_decision(
    writing: &Writing<'_>,
    organisation: OrganisationId,
    place: (i64, u32),
    hashes: &Hashes,
    body: &Body,
    doubts: &str,
) -> Result<EntryResult> {
    wait(writing, organisation, place, POSSIBLE, hashes, body)?;
    Ok(undecided(place.1, body, doubts))
}

/// How an entry ended so far that may be somebody's.
fn undecided(entry: u32, body: &Body, doubts: &str) -> EntryResult {
    let why = body.about.candidates.first().map(|(_, why)| why.clone());
    let why = packages::joined(why.unwrap_or_default(), doubts);
    let nothing = Accounting::default();
    packages::ended(entry, EntryOutcome::Possible, why, &body.about.left_out, &nothing)
}

pub(crate) fn wait(
    writing: &Writing<'_>,
    organisation: OrganisationId,
    (package, entry): (i64, u32),
    state: u8,
    [number_hash, name_hash, care_hash]: &Hashes,
    body: &Body,
) -> Result<()> {
    let sealed = sealed(writing, organisation, (package, entry), body)?;
    writing
        .prepare_cached(
            "INSERT INTO waiting_checkup
                 (organisation, package, entry, state, number_hash, name_hash, care_hash, received_ms, body, derivation)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT (package, entry) DO UPDATE
             SET state = ?4, number_hash = ?5, name_hash = ?6, care_hash = ?7, received_ms = ?8, body = ?9, derivation = ?10",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                organisation.0,
                package,
                entry,
                state,
                number_hash,
                name_hash,
                care_hash,
                writing.now().0,
                sealed,
                insurance::DERIVATION
            ])
        })
        .doing("keeping what waits")
        .map(|_| ())
}

fn sealed(
    writing: &Writing<'_>,
    organisation: OrganisationId,
    (package, entry): (i64, u32),
    body: &Body,
) -> Result<Vec<u8>> {
    let key = writing.keys().organisation(organisation)?;
    key.seal(
        writing.randomness(),
        "waiting_checkup",
        &[package, i64::from(entry)],
        &body.to_bytes()?,
    )
}

fn open(snapshot: &Snapshot<'_>, organisation: OrganisationId, place: (i64, u32), sealed: &[u8]) -> Result<Body> {
    let key = snapshot.keys().organisation(organisation)?;
    let packed = key.open("waiting_checkup", &[place.0, i64::from(place.1)], sealed)?;
    Body::from_bytes(&packed)
}

/// A row that waits: number, organisation, package, entry, when it came, sealed body.
type Row = (i64, u32, i64, u32, i64, Vec<u8>);

const WAITING: &str = "SELECT id, organisation, package, entry, received_ms, body FROM waiting_checkup";

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    row.try_into()
}

pub(crate) fn possible(
    snapshot: &Snapshot<'_>,
    organisation: OrganisationId,
    after: i64,
    limit: u32,
) -> Result<Vec<Waiting>> {
    let rows: Vec<Row> = snapshot
        .prepare_cached(&format!(
            "{WAITING} WHERE organisation = ?1 AND state = ?2 AND id > ?3 ORDER BY id LIMIT ?4"
        ))
        .and_then(|mut statement| {
            statement
                .query_map(params![organisation.0, POSSIBLE, after, limit], read)?
                .collect()
        })
        .doing("listing what waits")?;
    rows.into_iter()
        .map(|(id, _, package, entry, received, body)| {
            let body = open(snapshot, organisation, (package, entry), &body)?;
            Ok(Waiting {
                id,
                place: (package, entry),
                received: UtcMillis(received),
                candidates: body
                    .about
                    .candidates
                    .into_iter()
                    .map(|(person, why)| (PersonId(person), why))
                    .collect(),
            })
        })
        .collect()
}

pub(crate) fn decide(
    writing: &Writing<'_>,
    organisation: OrganisationId,
    id: i64,
    person: Option<PersonId>,
    by: Actor,
) -> Result<()> {
    let row: Option<Row> = writing
        .prepare_cached(&format!("{WAITING} WHERE id = ?1 AND organisation = ?2"))
        .and_then(|mut statement| statement.query_row(params![id, organisation.0], read).optional())
        .doing("finding what waits")?;
    let (_, _, package, entry, _, body) = row.ok_or(StoreError::NotFound { what: "document" })?;
    let place = (package, entry);
    let body = open(writing, organisation, place, &body)?;
    let said = match person {
        None => {
            let (left_out, nothing) = (&body.about.left_out, Accounting::default());
            let result = packages::ended(entry, EntryOutcome::Nobodys, String::new(), left_out, &nothing);
            packages::keep_result(writing, package, &result)?;
            format!("document {entry} of package {package} is nobody's")
        }
        Some(person) => {
            if !insurance::is_of(writing, organisation, person)? {
                return Err(StoreError::NotFound { what: "person" });
            }
            match hand_to(writing, person, place, body, "")? {
                Handed::Taken => {}
                // It goes on waiting, whatever was said of it.
                Handed::NoPlace => {
                    return Err(StoreError::Invalid {
                        what: "this member's record has no place for the document",
                    });
                }
                Handed::OfAnother(_) => {
                    return Err(StoreError::Invalid {
                        what: "the document tells another day of birth or sex than this member's record: mend the record first, or say that it is nobody's",
                    });
                }
            }
            format!("document {entry} of package {package} is of person {person}")
        }
    };
    delete(writing, id)?;
    acts::record(writing, organisation, by, "document-assigned", &said)
}

/// What came of handing a document that waited to a person.
enum Handed {
    Taken,
    /// It has no place in their record; its result says why.
    NoPlace,
    OfAnother(Box<Body>),
}

/// Gives a document that waited to the person whose it is.
fn hand_to(
    writing: &Writing<'_>,
    person: PersonId,
    (package, entry): (i64, u32),
    body: Body,
    why: &str,
) -> Result<Handed> {
    let why = packages::joined(why.to_owned(), &doubts_of(body.told.checkup()));
    let result = match packages::give(writing, person, entry, body, &why)? {
        Given::Taken(result) => result,
        Given::OfAnother(body) => return Ok(Handed::OfAnother(body)),
    };
    packages::keep_result(writing, package, &result)?;
    Ok(match result.outcome {
        EntryOutcome::Unread => Handed::NoPlace,
        _ => Handed::Taken,
    })
}

fn delete(writing: &Writing<'_>, id: i64) -> Result<()> {
    writing
        .prepare_cached("DELETE FROM waiting_checkup WHERE id = ?1")
        .and_then(|mut statement| statement.execute([id]))
        .doing("deleting what waited")
        .map(|_| ())
}

/// Deletes what waits of the checkup that a request asks to delete, of whoever the request is about; how many documents. Two of one
/// household are told apart by all that both say: where a request says less than the document, the document waits as before.
pub(crate) fn delete_asked_for(
    writing: &Writing<'_>,
    organisation: OrganisationId,
    hashes: &Hashes,
    request: &Checkup,
) -> Result<u64> {
    let [number_hash, name_hash, care_hash] = hashes;
    let rows: Vec<Row> = writing
        .prepare_cached(&format!(
            "{WAITING} WHERE organisation = ?1 AND state = ?2 AND number_hash = ?3 AND name_hash = ?4 AND care_hash = ?5
             ORDER BY id LIMIT 1000"
        ))
        .and_then(|mut statement| {
            statement
                .query_map(
                    params![organisation.0, UNCLAIMED, number_hash, name_hash, care_hash],
                    read,
                )?
                .collect()
        })
        .doing("looking for what is to be deleted")?;
    let mut deleted = 0;
    for (id, _, package, entry, _, sealed_body) in rows {
        let body = open(writing, organisation, (package, entry), &sealed_body)?;
        let waits = body.told.checkup();
        let (one, other) = (&waits.subject, &request.subject);
        let is_of_them = (one.birth, one.sex, &one.branch) == (other.birth, other.sex, &other.branch);
        let is_meant = waits.day == request.day && waits.is_same(request) && waits.written <= request.written;
        if !is_of_them || !is_meant || waits.is_deletion() {
            continue;
        }
        let (left_out, nothing) = (&body.about.left_out, Accounting::default());
        let why = "deleted-on-request".to_owned();
        let result = packages::ended(entry, EntryOutcome::Nobodys, why, left_out, &nothing);
        packages::keep_result(writing, package, &result)?;
        delete(writing, id)?;
        deleted += 1;
    }
    Ok(deleted)
}

/// Looks anew at what waits for somebody who is known by one of these hashes now; how many documents came to them.
pub(crate) fn claim(
    writing: &Writing<'_>,
    organisation: OrganisationId,
    [number_hash, name_hash, care_hash]: &Hashes,
) -> Result<u64> {
    let rows: Vec<Row> = writing
        .prepare_cached(&format!(
            "{WAITING} WHERE organisation = ?1
             AND ((number_hash = ?2 AND length(?2) > 0) OR (name_hash = ?3 AND length(?3) > 0) OR (care_hash = ?4 AND length(?4) > 0))
             ORDER BY id LIMIT 1000"
        ))
        .and_then(|mut statement| {
            statement
                .query_map(params![organisation.0, number_hash, name_hash, care_hash], read)?
                .collect()
        })
        .doing("looking for what waits")?;
    let mut given = 0;
    for (id, _, package, entry, _, sealed_body) in rows {
        let place = (package, entry);
        let body = open(writing, organisation, place, &sealed_body)?;
        let hashes = insurance::hashes(writing, &body.told.checkup().subject);
        given += u64::from(look_anew(writing, (id, organisation), place, body, &hashes)?);
    }
    Ok(given)
}

/// Looks anew at whose a document is that waits: true where it is theirs now, and waits no more.
fn look_anew(
    writing: &Writing<'_>,
    (id, organisation): (i64, OrganisationId),
    place: (i64, u32),
    mut body: Body,
    hashes: &Hashes,
) -> Result<bool> {
    let candidates = insurance::candidates(writing, organisation, std::slice::from_ref(hashes))?;
    let checkup = body.told.checkup();
    match insurance::decide(writing, &checkup.subject, checkup.day, hashes, &candidates)? {
        Whose::One(person, why) => match hand_to(writing, person, place, body, why)? {
            Handed::Taken | Handed::NoPlace => {
                delete(writing, id)?;
                return Ok(true);
            }
            Handed::OfAnother(body) => doubt(writing, (id, organisation), place, &body)?,
        },
        Whose::Perhaps(candidates) => {
            body.about.candidates = stored(candidates);
            doubt(writing, (id, organisation), place, &body)?;
        }
        Whose::Nobody(_) => {}
    }
    Ok(false)
}

/// Derives anew by what is found what waits, where it was kept by another derivation, and looks anew at whose it is: all insurances are
/// of this one by then. How many documents came to somebody. Blocks.
pub(crate) fn derive_anew(database: &Database) -> Result<u64> {
    if !database.read_blocking(|snapshot| insurance::has_others(snapshot, "waiting_checkup"))? {
        return Ok(0);
    }
    let (mut after, mut given) = (0, 0);
    while let Some(id) = database.read_blocking(|snapshot| next_of_another_derivation(snapshot, after))? {
        let unit = database.queue("derive what waits anew", true, move |writing| derive_one(writing, id))?;
        match unit.wait() {
            Ok(is_given) => given += u64::from(is_given),
            // It waits as before, and is no reason to serve nobody.
            Err(error @ (StoreError::Damaged { .. } | StoreError::Erased { .. })) => {
                tracing::warn!(waiting = id, %error, "a document that waits could not be looked at anew");
            }
            Err(error) => return Err(error),
        }
        after = id;
    }
    if given > 0 {
        tracing::info!(given, "documents that waited came to their members");
    }
    Ok(given)
}

fn next_of_another_derivation(snapshot: &Snapshot<'_>, after: i64) -> Result<Option<i64>> {
    snapshot
        .prepare_cached("SELECT id FROM waiting_checkup WHERE derivation <> ?1 AND id > ?2 ORDER BY id LIMIT 1")
        .and_then(|mut statement| {
            statement
                .query_row(params![insurance::DERIVATION, after], |row| row.get(0))
                .optional()
        })
        .doing("looking for what waits to derive it anew")
}

fn derive_one(writing: &Writing<'_>, id: i64) -> Result<bool> {
    let row: Option<Row> = writing
        .prepare_cached(&format!("{WAITING} WHERE id = ?1"))
        .and_then(|mut statement| statement.query_row([id], read).optional())
        .doing("finding what waits")?;
    let Some((_, organisation, package, entry, _, sealed_body)) = row else {
        return Ok(false);
    };
    let (organisation, place) = (OrganisationId(organisation), (package, entry));
    let body = open(writing, organisation, place, &sealed_body)?;
    let hashes = insurance::hashes(writing, &body.told.checkup().subject);
    let [number_hash, name_hash, care_hash] = &hashes;
    writing
        .prepare_cached(
            "UPDATE waiting_checkup SET number_hash = ?2, name_hash = ?3, care_hash = ?4, derivation = ?5 WHERE id = ?1",
        )
        .and_then(|mut statement| {
            let bound = params![id, number_hash, name_hash, care_hash, insurance::DERIVATION];
            statement.execute(bound)
        })
        .doing("deriving what waits anew")?;
    look_anew(writing, (id, organisation), place, body, &hashes)
}

/// Keeps that what waits may be somebody's, and says so in its result.
fn doubt(
    writing: &Writing<'_>,
    (id, organisation): (i64, OrganisationId),
    place: (i64, u32),
    body: &Body,
) -> Result<()> {
    let sealed = sealed(writing, organisation, place, body)?;
    writing
        .prepare_cached("UPDATE waiting_checkup SET state = ?2, body = ?3 WHERE id = ?1")
        .and_then(|mut statement| statement.execute(params![id, POSSIBLE, sealed]))
        .doing("keeping what waits")?;
    let result = undecided(place.1, body, &doubts_of(body.told.checkup()));
    packages::keep_result(writing, place.0, &result)
}

pub(crate) fn delete_unclaimed(writing: &Writing<'_>, before: UtcMillis) -> Result<u64> {
    // Handed over again, such a package is taken in again: what is in records counts as known, the rest waits anew.
    writing
        .execute(
            "UPDATE package SET done = 0, ended_ms = NULL
             WHERE id IN (SELECT package FROM waiting_checkup WHERE received_ms < ?1)",
            [before.0],
        )
        .doing("opening packages of what no one claimed")?;
    writing
        .execute("DELETE FROM waiting_checkup WHERE received_ms < ?1", [before.0])
        .doing("deleting what no one claimed")
        .map(|deleted| deleted as u64)
}
