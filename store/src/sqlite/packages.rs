//! SQL of packages: documents taken a unit at a time, and those that wait.

use model::checkup::Checkup;
use model::{Accounting, OrganisationId, Outcome, PersonId, Source, SourceKind, UtcMillis};
use rusqlite::{OptionalExtension as _, params};
use serde::{Deserialize, Serialize};

use super::database::Snapshot;
use super::fault::Doing as _;
use super::insurance::{self, Hashes, Whose};
use super::people::Delivery;
use super::writer::Writing;
use super::{acts, batches, checkups, people, raw, sources};
use crate::checkup::{NO_DAY, PackedCheckup, TOO_MANY, parted, write_part};
use crate::packages::{EntryOutcome, EntryResult, LeftOut, Package, PackageDocument, Waiting, doubts_of};
use crate::packing::{Packed, packed, unpacked};
use crate::{Actor, BatchStart, Raw, Result, StoreError};

/// Of nobody who is known.
const UNCLAIMED: u8 = 1;
/// Perhaps of somebody.
const POSSIBLE: u8 = 2;
/// Hashes of a document that could not be read.
const NOBODY: Hashes = [const { Vec::new() }; 4];

/// What waits, sealed with the organisation's key.
struct Body {
    told: PackedCheckup,
    about: About,
    original: Packed,
}

/// What else there is to say of a document that waits, and of whom it may be.
#[derive(Serialize, Deserialize)]
struct About {
    left_out: Vec<LeftOut>,
    candidates: Vec<(u32, String)>,
    #[serde(default = "first_mapping")]
    mapping_version: u32,
}

/// Of what waited before it was said by which mapping it was read.
const fn first_mapping() -> u32 {
    1
}

/// As they stood before: together.
#[derive(Deserialize)]
struct Together {
    checkup: Checkup,
    #[serde(flatten)]
    about: About,
}

/// Whose a document may be, and why it is not for sure.
type Candidates = Vec<(PersonId, String)>;

fn stored(candidates: Candidates) -> Vec<(u32, String)> {
    candidates.into_iter().map(|(person, why)| (person.0, why)).collect()
}

/// The first byte of what waits: what it tells, what there is to say of it, and the document, each compressed by itself.
const APART: u8 = 2;
/// As it was before: the first two together. Before that, all of it was compressed as one, and began as zstd does.
const IN_TWO: u8 = 1;

impl Body {
    /// Each behind its length, but for the document.
    fn to_bytes(&self) -> Result<Vec<u8>> {
        let about = serde_json::to_vec(&self.about).map_err(|_| StoreError::damaged("what waits"))?;
        let mut bytes = vec![APART];
        write_part(&mut bytes, self.told.bytes());
        write_part(&mut bytes, &packed(&about)?);
        bytes.extend_from_slice(self.original.bytes());
        Ok(bytes)
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let damaged = |_| StoreError::damaged("what waits");
        if let Some(apart) = bytes.strip_prefix(&[APART]) {
            let (told, rest) = parted(apart)?;
            let (about, original) = parted(rest)?;
            return Ok(Self {
                told: PackedCheckup::known(told)?,
                about: serde_json::from_slice(&unpacked(about)?).map_err(damaged)?,
                original: Packed::known(original),
            });
        }
        let (together, original) = match bytes.strip_prefix(&[IN_TWO]) {
            Some(in_two) => {
                let (together, original) = parted(in_two)?;
                (unpacked(together)?, Packed::known(original))
            }
            None => {
                let whole = unpacked(bytes)?;
                let (together, original) = parted(&whole)?;
                (together.to_vec(), Packed::of(original)?)
            }
        };
        let Together { checkup, about } = serde_json::from_slice(&together).map_err(damaged)?;
        Ok(Self {
            told: PackedCheckup::of(checkup)?,
            about,
            original,
        })
    }
}

pub(crate) fn begin(writing: &Writing<'_>, organisation: OrganisationId, hash: &[u8; 32]) -> Result<Package> {
    let known: bool = writing
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM organisation WHERE id = ?1)")
        .and_then(|mut statement| statement.query_row([organisation.0], |row| row.get(0)))
        .doing("finding an organisation")?;
    if !known {
        return Err(StoreError::NotFound { what: "organisation" });
    }
    writing
        .prepare_cached("INSERT INTO package (organisation, hash, began_ms) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")
        .and_then(|mut statement| statement.execute(params![organisation.0, hash, writing.now().0]))
        .doing("beginning a package")?;
    writing
        .prepare_cached("SELECT id, done, ended_ms FROM package WHERE organisation = ?1 AND hash = ?2")
        .and_then(|mut statement| {
            statement.query_row(params![organisation.0, hash], |row| {
                Ok(Package {
                    id: row.get(0)?,
                    done: row.get(1)?,
                    ended: row.get::<_, Option<i64>>(2)?.map(UtcMillis),
                })
            })
        })
        .doing("finding a package")
}

pub(crate) fn take(
    writing: &Writing<'_>,
    organisation: OrganisationId,
    package: i64,
    documents: Vec<PackageDocument>,
) -> Result<Vec<EntryResult>> {
    let Some(first) = documents.first().map(|document| document.entry) else {
        return Ok(Vec::new());
    };
    let last = documents.iter().map(|document| document.entry).max().unwrap_or(first);
    let moved = writing
        .prepare_cached(
            "UPDATE package SET done = ?3 WHERE id = ?1 AND organisation = ?2 AND done = ?4 AND ended_ms IS NULL",
        )
        .and_then(|mut statement| statement.execute(params![package, organisation.0, last, first - 1]))
        .doing("going on with a package")?;
    if moved == 0 {
        return Err(StoreError::Invalid {
            what: "documents of a package come in their order, each once",
        });
    }
    let hashes: Vec<Hashes> = documents
        .iter()
        .map(|document| {
            document
                .subject()
                .map_or(NOBODY, |subject| insurance::hashes(writing, subject))
        })
        .collect();
    let candidates = insurance::candidates(writing, organisation, &hashes)?;
    let mut results = Vec::with_capacity(documents.len());
    for (document, hashes) in documents.into_iter().zip(hashes) {
        let (entry, doubts) = (document.entry, document.doubts);
        let nothing = Accounting::default();
        let result = match document.checkup {
            None => ended(entry, EntryOutcome::Unread, String::new(), &document.left_out, &nothing),
            Some(told) => {
                let checkup = told.checkup();
                let whose = insurance::decide(writing, &checkup.subject, checkup.day, &hashes, &candidates)?;
                let mut body = Body {
                    told,
                    about: About {
                        left_out: document.left_out,
                        candidates: Vec::new(),
                        mapping_version: document.mapping_version,
                    },
                    original: document.original,
                };
                match whose {
                    Whose::One(person, why) => {
                        match give(writing, person, entry, body, &joined(why.to_owned(), &doubts))? {
                            Given::Taken(result) => result,
                            Given::OfAnother(body) => {
                                wait_for_decision(writing, organisation, (package, entry), &hashes, &body, &doubts)?
                            }
                        }
                    }
                    Whose::Perhaps(candidates) => {
                        body.about.candidates = stored(candidates);
                        wait_for_decision(writing, organisation, (package, entry), &hashes, &body, &doubts)?
                    }
                    Whose::Nobody(why) => {
                        wait(writing, organisation, (package, entry), UNCLAIMED, &hashes, &body)?;
                        let (why, left_out) = (joined(why.to_owned(), &doubts), &body.about.left_out);
                        ended(entry, EntryOutcome::Unclaimed, why, left_out, &nothing)
                    }
                }
            }
        };
        keep_result(writing, package, &result)?;
        results.push(result);
    }
    Ok(results)
}

/// A document that has no place in the record was not taken.
fn outcome_of(accounting: &Accounting) -> (EntryOutcome, String) {
    let refused = |why: &&str| accounting.reasons.contains_key(&(Outcome::Rejected, (*why).to_owned()));
    match [TOO_MANY, NO_DAY].into_iter().find(refused) {
        Some(why) => (EntryOutcome::Unread, why.to_owned()),
        None => (EntryOutcome::Taken, String::new()),
    }
}

fn joined(why: String, further: &str) -> String {
    match (why.is_empty(), further.is_empty()) {
        (true, _) => further.to_owned(),
        (_, true) => why,
        _ => format!("{why}; {further}"),
    }
}

/// Results of one document of which it is told one by one why they could not be read.
const MOST_REASONS: usize = 100;

fn ended(entry: u32, outcome: EntryOutcome, why: String, left_out: &[LeftOut], accounting: &Accounting) -> EntryResult {
    let mut reasons = why;
    for left_out in left_out.iter().take(MOST_REASONS) {
        if !reasons.is_empty() {
            reasons.push_str("; ");
        }
        reasons.push_str(&format!("line {}: {}", left_out.line, left_out.reason));
    }
    if let Some(more) = left_out.len().checked_sub(MOST_REASONS).filter(|more| *more > 0) {
        reasons.push_str(&format!("; and {more} more"));
    }
    let left = |is_rejected: bool| {
        left_out
            .iter()
            .filter(|left_out| left_out.is_rejected == is_rejected)
            .count() as u64
    };
    let counts = match accounting.received {
        0 => [0, 0, left(false), left(true)],
        _ => [
            accounting.stored,
            accounting.duplicate,
            accounting.unsupported,
            accounting.rejected,
        ],
    };
    EntryResult {
        entry,
        outcome,
        reasons,
        counts,
    }
}

/// What came of giving a document to a person.
enum Given {
    /// It is in their record, or has no place there.
    Taken(EntryResult),
    /// Its numbers are this person's, and it tells another day of birth or sex than their record: nothing was done with it.
    OfAnother(Box<Body>),
}

/// Why a document waits that has one person's numbers, and tells of somebody else.
const UNLIKE: &str = "their record has another day of birth, or sex";

/// Puts the document of an entry into a person's record, as a delivery of its own.
fn give(writing: &Writing<'_>, person: PersonId, entry: u32, mut body: Body, doubts: &str) -> Result<Given> {
    let Delivery {
        batch,
        mut commit,
        living,
    } = people::next_delivery(writing, person)?;
    if checkups::is_of_another(&living.profile, body.told.checkup()) {
        body.about.candidates = stored(vec![(person, UNLIKE.to_owned())]);
        return Ok(Given::OfAnother(Box::new(body)));
    }
    let Body { told, about, original } = body;
    let About {
        left_out,
        mapping_version,
        ..
    } = about;
    let source = Source {
        key: "checkup".to_owned(),
        name: "健診".to_owned(),
        kind: SourceKind::Document,
        ..Source::default()
    };
    let source = sources::ensure(writing, &living.key, person, &mut commit, &source)?;
    let kept = checkups::keep(writing, &living, (source, &mut commit), &told, &original)?;
    let mut accounting = Accounting::default();
    kept.count(&mut accounting);
    let (mut places, mut piece) = (batches::Places::default(), raw::Piece::default());
    for left_out in &left_out {
        accounting.count(left_out.outcome(), &left_out.reason);
        places
            .entry((left_out.outcome(), left_out.reason.clone()))
            .or_default()
            .push(left_out.line);
        piece.add(&Raw {
            text: left_out.text.clone().into_bytes(),
            outcome: left_out.outcome(),
            reason: left_out.reason.clone(),
            line: left_out.line,
        });
    }
    places
        .values_mut()
        .for_each(|places| places.truncate(batches::MOST_PLACES));
    if !piece.is_empty() {
        raw::keep(writing, person, batch, &piece)?;
    }
    let start = BatchStart {
        adapter: "checkup".to_owned(),
        mapping_version,
    };
    let commit = commit.get(writing)?;
    batches::whole(writing, &living, batch, &start, (&accounting, &places), commit)?;
    let (outcome, why) = outcome_of(&accounting);
    let why = joined(why, doubts);
    Ok(Given::Taken(ended(entry, outcome, why, &left_out, &accounting)))
}

/// Keeps a document that may be somebody's until an operator decides; how it ended so far.
fn wait_for_decision(
    writing: &Writing<'_>,
    organisation: OrganisationId,
    place: (i64, u32),
    hashes: &Hashes,
    body: &Body,
    doubts: &str,
) -> Result<EntryResult> {
    wait(writing, organisation, place, POSSIBLE, hashes, body)?;
    let About {
        candidates, left_out, ..
    } = &body.about;
    let why = candidates.first().map_or(String::new(), |(_, why)| why.clone());
    let nothing = Accounting::default();
    Ok(ended(
        place.1,
        EntryOutcome::Possible,
        joined(why, doubts),
        left_out,
        &nothing,
    ))
}

fn wait(
    writing: &Writing<'_>,
    organisation: OrganisationId,
    (package, entry): (i64, u32),
    state: u8,
    [number_hash, name_hash, care_hash, _]: &Hashes,
    body: &Body,
) -> Result<()> {
    let sealed = sealed(writing, organisation, (package, entry), body)?;
    writing
        .prepare_cached(
            "INSERT INTO waiting_checkup
                 (organisation, package, entry, state, number_hash, name_hash, care_hash, received_ms, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT (package, entry) DO UPDATE
             SET state = ?4, number_hash = ?5, name_hash = ?6, care_hash = ?7, received_ms = ?8, body = ?9",
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
                sealed
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

fn keep_result(writing: &Writing<'_>, package: i64, result: &EntryResult) -> Result<()> {
    let [stored, duplicate, unsupported, rejected] = result.counts.map(|count| count as i64);
    writing
        .prepare_cached(
            "INSERT INTO package_entry (package, entry, outcome, reasons, stored, duplicate, unsupported, rejected)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (package, entry) DO UPDATE
             SET outcome = ?3, reasons = ?4, stored = ?5, duplicate = ?6, unsupported = ?7, rejected = ?8",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                package,
                result.entry,
                result.outcome as u8,
                result.reasons,
                stored,
                duplicate,
                unsupported,
                rejected
            ])
        })
        .doing("keeping a result")
        .map(|_| ())
}

pub(crate) fn end(
    writing: &Writing<'_>,
    organisation: OrganisationId,
    package: i64,
    by: Actor,
    ledger: &str,
) -> Result<()> {
    let ended = writing
        .prepare_cached("UPDATE package SET ended_ms = ?3 WHERE id = ?1 AND organisation = ?2 AND ended_ms IS NULL")
        .and_then(|mut statement| statement.execute(params![package, organisation.0, writing.now().0]))
        .doing("ending a package")?;
    match ended {
        0 => Ok(()),
        _ => acts::record(writing, organisation, by, crate::HANDED_OVER, ledger),
    }
}

pub(crate) fn results(snapshot: &Snapshot<'_>, package: i64, after: u32, limit: u32) -> Result<Vec<EntryResult>> {
    let rows: Vec<(u32, u8, String, [i64; 4])> = snapshot
        .prepare_cached(
            "SELECT entry, outcome, reasons, stored, duplicate, unsupported, rejected FROM package_entry
             WHERE package = ?1 AND entry > ?2 ORDER BY entry LIMIT ?3",
        )
        .and_then(|mut statement| {
            statement
                .query_map(params![package, after, limit], |row| {
                    let counts = [row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?];
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?, counts))
                })?
                .collect()
        })
        .doing("reading results")?;
    rows.into_iter()
        .map(|(entry, outcome, reasons, counts)| {
            Ok(EntryResult {
                entry,
                outcome: EntryOutcome::from_number(outcome).ok_or_else(|| StoreError::damaged("a result"))?,
                reasons,
                counts: counts.map(|count| count as u64),
            })
        })
        .collect()
}

/// A row that waits: number, organisation, package, entry, when it came, sealed body.
type Row = (i64, u32, i64, u32, i64, Vec<u8>);

const WAITING: &str = "SELECT id, organisation, package, entry, received_ms, body FROM waiting_checkup";

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    Ok((
        row.get(0)?,
        row.get(1)?,
        row.get(2)?,
        row.get(3)?,
        row.get(4)?,
        row.get(5)?,
    ))
}

pub(crate) fn possible(snapshot: &Snapshot<'_>, organisation: OrganisationId, limit: u32) -> Result<Vec<Waiting>> {
    let rows: Vec<Row> = snapshot
        .prepare_cached(&format!(
            "{WAITING} WHERE organisation = ?1 AND state = ?2 ORDER BY id LIMIT ?3"
        ))
        .and_then(|mut statement| {
            statement
                .query_map(params![organisation.0, POSSIBLE, limit], read)?
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
    let said = match person {
        None => format!("document {entry} of package {package} is nobody's"),
        Some(person) => {
            if !insurance::is_of(writing, organisation, person)? {
                return Err(StoreError::NotFound { what: "person" });
            }
            let body = open(writing, organisation, place, &body)?;
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
    let why = joined(why.to_owned(), &doubts_of(body.told.checkup()));
    let result = match give(writing, person, entry, body, &why)? {
        Given::Taken(result) => result,
        Given::OfAnother(body) => return Ok(Handed::OfAnother(body)),
    };
    keep_result(writing, package, &result)?;
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

/// Looks anew at what waits for somebody who is known by one of these hashes now; how many documents came to them.
pub(crate) fn claim(
    writing: &Writing<'_>,
    organisation: OrganisationId,
    [number_hash, name_hash, care_hash, with_symbol]: &Hashes,
) -> Result<u64> {
    let rows: Vec<Row> = writing
        .prepare_cached(&format!(
            "{WAITING} WHERE organisation = ?1
             AND ((number_hash IN (?2, ?5) AND length(?2) > 0) OR (name_hash = ?3 AND length(?3) > 0) OR (care_hash = ?4 AND length(?4) > 0))
             ORDER BY id LIMIT 1000"
        ))
        .and_then(|mut statement| {
            statement
                .query_map(params![organisation.0, number_hash, name_hash, care_hash, with_symbol], read)?
                .collect()
        })
        .doing("looking for what waits")?;
    let mut given = 0;
    for (id, _, package, entry, _, sealed_body) in rows {
        let mut body = open(writing, organisation, (package, entry), &sealed_body)?;
        let hashes = insurance::hashes(writing, &body.told.checkup().subject);
        let candidates = insurance::candidates(writing, organisation, std::slice::from_ref(&hashes))?;
        let checkup = body.told.checkup();
        match insurance::decide(writing, &checkup.subject, checkup.day, &hashes, &candidates)? {
            Whose::One(person, why) => match hand_to(writing, person, (package, entry), body, why)? {
                Handed::Taken | Handed::NoPlace => {
                    delete(writing, id)?;
                    given += 1;
                }
                Handed::OfAnother(body) => doubt(writing, (id, organisation), (package, entry), &body)?,
            },
            Whose::Perhaps(candidates) => {
                body.about.candidates = stored(candidates);
                doubt(writing, (id, organisation), (package, entry), &body)?;
            }
            Whose::Nobody(_) => {}
        }
    }
    Ok(given)
}

/// Keeps that what waits may be somebody's.
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
        .doing("keeping what waits")
        .map(|_| ())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_reads_back_also_as_it_was_written_before() -> Result<()> {
        let checkup = Checkup::declared(
            model::Metric::CHECKUP_SPECIFIC,
            model::LocalDay(20_000),
            model::LocalDay(20_001),
            Vec::new(),
        );
        let original = "<ClinicalDocument>健診</ClinicalDocument>".as_bytes();
        let told = serde_json::to_string(&checkup).expect("it is plain data");
        let together = format!("{{\"checkup\":{told},\"left_out\":[],\"candidates\":[[7,\"why\"]]}}").into_bytes();
        let mut in_two = vec![IN_TWO];
        write_part(&mut in_two, &packed(&together)?);
        in_two.extend_from_slice(Packed::of(original)?.bytes());
        let mut as_one = Vec::new();
        write_part(&mut as_one, &together);
        as_one.extend_from_slice(original);
        let now = Body {
            told: PackedCheckup::of(checkup.clone())?,
            about: About {
                left_out: Vec::new(),
                candidates: vec![(7, "why".to_owned())],
                mapping_version: 1,
            },
            original: Packed::of(original)?,
        };
        for bytes in [now.to_bytes()?, in_two, packed(&as_one)?] {
            let read = Body::from_bytes(&bytes)?;
            assert_eq!(read.told.checkup(), &checkup);
            assert_eq!(read.about.candidates, now.about.candidates);
            assert_eq!(read.about.mapping_version, 1);
            assert_eq!(unpacked(read.original.bytes())?, original);
        }
        for damaged in [
            &b""[..],
            &[APART],
            &[APART, 9, 0, 0, 0, 1],
            &[IN_TWO],
            b"zstd it is not",
        ] {
            assert!(Body::from_bytes(damaged).is_err());
        }
        Ok(())
    }
}
