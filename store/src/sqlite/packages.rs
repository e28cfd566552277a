//! SQL of packages: documents taken a unit at a time, and given to whom they belong.

use model::{Accounting, OrganisationId, Outcome, PersonId, Source, SourceKind, UtcMillis};
use rusqlite::params;

use super::database::Snapshot;
use super::fault::Doing as _;
use super::insurance::{self, Hashes, Whose};
use super::people::Delivery;
use super::waiting::{self, About, Body};
use super::writer::Writing;
use super::{acts, batches, checkups, people, raw, sources};
use crate::checkup::{NO_DAY, TOO_MANY};
use crate::packages::{EntryOutcome, EntryResult, LeftOut, Package, PackageDocument};
use crate::{Actor, BatchStart, Raw, Result, StoreError};

/// Hashes of a document that could not be read.
const NOBODY: Hashes = [const { Vec::new() }; 3];
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
    let matched = matched(writing, organisation, &documents)?;
    let mut results = Vec::with_capacity(documents.len());
    for (document, (hashes, whose)) in documents.into_iter().zip(matched) {
        let (entry, doubts) = (document.entry, document.doubts);
        let nothing = Accounting::default();
        let result = match document.checkup.zip(whose) {
            None => ended(entry, EntryOutcome::Unread, String::new(), &document.left_out, &nothing),
            Some((told, whose)) => {
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
                            Given::OfAnother(body) => waiting::wait_for_decision(
                                writing,
                                organisation,
                                (package, entry),
                                &hashes,
                                &body,
                                &doubts,
                            )?,
                        }
                    }
                    Whose::Perhaps(candidates) => {
                        body.about.candidates = waiting::stored(candidates);
                        waiting::wait_for_decision(writing, organisation, (package, entry), &hashes, &body, &doubts)?
                    }
                    Whose::Nobody(why) => {
                        if body.told.checkup().is_deletion() {
                            waiting::delete_asked_for(writing, organisation, &hashes, body.told.checkup())?;
                        }
                        // Also a request: what it asks to delete may come once more.
                        waiting::wait(
                            writing,
                            organisation,
                            (package, entry),
                            waiting::UNCLAIMED,
                            &hashes,
                            &body,
                        )?;
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

/// By what each document is found, and whose it is; `None` for one that could not be read. However many they are, it takes the same
/// number of queries.
pub(super) fn matched(
    snapshot: &Snapshot<'_>,
    organisation: OrganisationId,
    documents: &[PackageDocument],
) -> Result<Vec<(Hashes, Option<Whose>)>> {
    let hashes = |document: &PackageDocument| {
        let subject = document.subject();
        subject.map_or(NOBODY, |subject| insurance::hashes(snapshot, subject))
    };
    let hashes: Vec<Hashes> = documents.iter().map(hashes).collect();
    let candidates = insurance::candidates(snapshot, organisation, &hashes)?;
    let whose = |(document, hashes): (&PackageDocument, Hashes)| {
        let Some(told) = &document.checkup else {
            return Ok((hashes, None));
        };
        let checkup = told.checkup();
        let whose = insurance::decide(snapshot, &checkup.subject, checkup.day, &hashes, &candidates)?;
        Ok((hashes, Some(whose)))
    };
    documents.iter().zip(hashes).map(whose).collect()
}

/// A document that has no place in the record was not taken.
fn outcome_of(accounting: &Accounting) -> (EntryOutcome, String) {
    let refused = |why: &&str| accounting.reasons.contains_key(&(Outcome::Rejected, (*why).to_owned()));
    match [TOO_MANY, NO_DAY].into_iter().find(refused) {
        Some(why) => (EntryOutcome::Unread, why.to_owned()),
        None => (EntryOutcome::Taken, String::new()),
    }
}

pub(super) fn joined(why: String, further: &str) -> String {
    match (why.is_empty(), further.is_empty()) {
        (true, _) => further.to_owned(),
        (_, true) => why,
        _ => format!("{why}; {further}"),
    }
}

/// Results of one document of which it is told one by one why they could not be read.
const MOST_REASONS: usize = 100;

pub(super) fn ended(
    entry: u32,
    outcome: EntryOutcome,
    why: String,
    left_out: &[LeftOut],
    accounting: &Accounting,
) -> EntryResult {
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
pub(super) enum Given {
    /// It is in their record, or has no place there.
    Taken(EntryResult),
    /// Its numbers are this person's, and it tells another day of birth or sex than their record: nothing was done with it.
    OfAnother(Box<Body>),
}

/// Why a document waits that has one person's numbers, and tells of somebody else.
const UNLIKE: &str = "their record has another day of birth, or sex";

/// Puts the document of an entry into a person's record, as a delivery of its own.
pub(super) fn give(writing: &Writing<'_>, person: PersonId, entry: u32, mut body: Body, doubts: &str) -> Result<Given> {
    let Delivery {
        batch,
        mut commit,
        living,
    } = people::next_delivery(writing, person)?;
    if checkups::is_of_another(&living.profile, body.told.checkup()) {
        body.about.candidates = waiting::stored(vec![(person, UNLIKE.to_owned())]);
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
    let mut texts = batches::Kept::default();
    if !piece.is_empty()
        && let Some(known) = raw::keep(writing, person, batch, &piece)?
    {
        texts.text(known);
    }
    let start = BatchStart {
        adapter: "checkup".to_owned(),
        mapping_version,
    };
    let commit = commit.get(writing)?;
    batches::whole(writing, &living, batch, &start, (&accounting, &places, texts), commit)?;
    let (outcome, why) = outcome_of(&accounting);
    let why = joined(why, doubts);
    Ok(Given::Taken(ended(entry, outcome, why, &left_out, &accounting)))
}

pub(super) fn keep_result(writing: &Writing<'_>, package: i64, result: &EntryResult) -> Result<()> {
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
