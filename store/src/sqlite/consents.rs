//! SQL of consents: where each stands, every change of it, and the person's consents version that all of them move.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use consent::{Acting, Consent, ConsentDraft, ConsentId, ConsentState, ConsentsVersion, Difference, PersonConsents};
use model::{OrganisationId, PersonId, RecipientId, UtcMillis};
use rusqlite::{OptionalExtension as _, params};

use super::chain::{self, Chain};
use super::database::Snapshot;
use super::fault::Doing as _;
use super::jobs::{self, About};
use super::journal::{Entry, Step};
use super::writer::Writing;
use super::{authorization, recipients};
use crate::jobs::Notice;
use crate::{EndingConsent, Result, StoreError};

/// People whose consents are held in memory at most; beyond it all are dropped and read again.
const HELD_AT_MOST: usize = 16_384;

/// Consents marked expired in one unit at most.
const EXPIRED_AT_ONCE: i64 = 500;

/// Consents as they were last read, good only for the version they carry.
#[derive(Default)]
pub(crate) struct Cache(Mutex<HashMap<PersonId, Arc<PersonConsents>>>);

impl Cache {
    fn get(&self, person: PersonId, version: ConsentsVersion) -> Option<Arc<PersonConsents>> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.get(&person)
            .filter(|consents| consents.version() == version)
            .cloned()
    }

    fn keep(&self, consents: &Arc<PersonConsents>) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= HELD_AT_MOST {
            held.clear();
        }
        held.insert(consents.person(), Arc::clone(consents));
    }
}

pub(crate) fn person_consents(snapshot: &Snapshot<'_>, person: PersonId) -> Result<Arc<PersonConsents>> {
    let (version, custodian) = version(snapshot, person)?;
    if let Some(held) = snapshot.shared().consents.get(person, version) {
        return Ok(held);
    }
    let active = read(
        snapshot,
        person,
        custodian,
        "SELECT change.number, change.body FROM consent
         JOIN consent_change change ON change.person = consent.person AND change.number = consent.change
         WHERE consent.person = ?1 AND consent.state = 1 ORDER BY change.number",
    )?;
    let consents = Arc::new(PersonConsents::new(person, version, active));
    snapshot.shared().consents.keep(&consents);
    Ok(consents)
}

/// As [`person_consents`], where they are held in memory at the version of this view.
pub(crate) fn held_consents(snapshot: &Snapshot<'_>, person: PersonId) -> Result<Option<Arc<PersonConsents>>> {
    let (version, _) = version(snapshot, person)?;
    Ok(snapshot.shared().consents.get(person, version))
}

/// The version of a living person's consents, and their custodian.
fn version(snapshot: &Snapshot<'_>, person: PersonId) -> Result<(ConsentsVersion, OrganisationId)> {
    let found: Option<(i64, u32, bool)> = snapshot
        .prepare_cached("SELECT consent_version, custodian, erased_ms IS NOT NULL FROM person WHERE id = ?1")
        .and_then(|mut statement| {
            statement
                .query_row([person.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                .optional()
        })
        .doing("reading a person")?;
    match found {
        None => Err(StoreError::NoPerson { person }),
        Some((_, _, true)) => Err(StoreError::Erased { person }),
        Some((version, custodian, false)) => Ok((ConsentsVersion(version as u64), OrganisationId(custodian))),
    }
}

/// The custodian of a person, erased or not.
pub(crate) fn custodian(snapshot: &Snapshot<'_>, person: PersonId) -> Result<Option<OrganisationId>> {
    snapshot
        .prepare_cached("SELECT custodian FROM person WHERE id = ?1")
        .and_then(|mut statement| {
            statement
                .query_row([person.0], |row| row.get(0).map(OrganisationId))
                .optional()
        })
        .doing("reading a person")
}

/// Reads changes of a person's consents; `sql` selects number and body for person ?1.
fn read(snapshot: &Snapshot<'_>, person: PersonId, custodian: OrganisationId, sql: &str) -> Result<Vec<Consent>> {
    let rows: Vec<(i64, Vec<u8>)> = snapshot
        .prepare_cached(sql)
        .and_then(|mut statement| {
            statement
                .query_map([person.0], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
        .doing("reading consents")?;
    rows.iter()
        .map(|(number, body)| open(snapshot, person, custodian, *number, body))
        .collect()
}

fn open(
    snapshot: &Snapshot<'_>,
    person: PersonId,
    custodian: OrganisationId,
    number: i64,
    body: &[u8],
) -> Result<Consent> {
    let plain = chain::open(snapshot, Chain::Consents, person, custodian, number, body)?;
    serde_json::from_slice(&plain)
        .map_err(|_| StoreError::damaged(format!("consent_change, person {person}, row {number}")))
}

pub(crate) fn consents(snapshot: &Snapshot<'_>, person: PersonId) -> Result<Vec<Consent>> {
    let Some(custodian) = custodian(snapshot, person)? else {
        return Err(StoreError::NoPerson { person });
    };
    read(
        snapshot,
        person,
        custodian,
        "SELECT change.number, change.body FROM consent
         JOIN consent_change change ON change.person = consent.person AND change.number = consent.change
         WHERE consent.person = ?1 ORDER BY change.number DESC",
    )
}

pub(crate) fn consents_to(snapshot: &Snapshot<'_>, recipient: RecipientId, person: PersonId) -> Result<Vec<Consent>> {
    let Some(custodian) = custodian(snapshot, person)? else {
        return Ok(Vec::new());
    };
    let rows: Vec<(i64, Vec<u8>)> = snapshot
        .prepare_cached(
            "SELECT change.number, change.body FROM consent
             JOIN consent_change change ON change.person = consent.person AND change.number = consent.change
             WHERE consent.recipient = ?1 AND consent.person = ?2 ORDER BY change.number DESC",
        )
        .and_then(|mut statement| {
            statement
                .query_map(params![recipient.0, person.0], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
        .doing("reading consents to a recipient")?;
    rows.iter()
        .map(|(number, body)| open(snapshot, person, custodian, *number, body))
        .collect()
}

pub(crate) fn history(snapshot: &Snapshot<'_>, person: PersonId, consent: ConsentId) -> Result<Vec<Consent>> {
    let Some(custodian) = custodian(snapshot, person)? else {
        return Err(StoreError::NoPerson { person });
    };
    let rows: Vec<(i64, Vec<u8>)> = snapshot
        .prepare_cached(
            "SELECT number, body FROM consent_change WHERE consent = ?1 AND person = ?2 ORDER BY number DESC",
        )
        .and_then(|mut statement| {
            statement
                .query_map(params![consent.0 as i64, person.0], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?
                .collect()
        })
        .doing("reading a consent's history")?;
    let mut versions: Vec<Consent> = Vec::new();
    for (number, body) in rows {
        let consent = open(snapshot, person, custodian, number, &body)?;
        // Newest first: the first met of a version is how it stood last.
        if versions.iter().all(|known| known.version != consent.version) {
            versions.push(consent);
        }
    }
    versions.sort_by_key(|consent| std::cmp::Reverse(consent.version));
    Ok(versions)
}

/// The latest version of one of a person's consents.
fn latest(snapshot: &Snapshot<'_>, person: PersonId, consent: ConsentId) -> Result<Option<Consent>> {
    let found: Option<(i64, Vec<u8>, u32)> = snapshot
        .prepare_cached(
            "SELECT change.number, change.body, person.custodian FROM consent
             JOIN consent_change change ON change.person = consent.person AND change.number = consent.change
             JOIN person ON person.id = consent.person
             WHERE consent.id = ?1 AND consent.person = ?2",
        )
        .and_then(|mut statement| {
            statement
                .query_row(params![consent.0 as i64, person.0], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })
                .optional()
        })
        .doing("reading a consent")?;
    found
        .map(|(number, body, custodian)| open(snapshot, person, OrganisationId(custodian), number, &body))
        .transpose()
}

/// The first statement of every change of a consent: takes the person's lock and moves their consents version, so that no
/// decision made before holds after. `None` when the person is not there or was erased.
fn lock(snapshot: &Snapshot<'_>, person: PersonId) -> Result<Option<OrganisationId>> {
    snapshot
        .prepare_cached(
            "UPDATE person SET consent_version = consent_version + 1
             WHERE id = ?1 AND erased_ms IS NULL RETURNING custodian",
        )
        .and_then(|mut statement| {
            statement
                .query_row([person.0], |row| row.get(0).map(OrganisationId))
                .optional()
        })
        .doing("taking a person's lock")
}

fn lock_living(writing: &Writing<'_>, person: PersonId) -> Result<OrganisationId> {
    let Some(custodian) = lock(writing, person)? else {
        // The person key says whether there never was one or it was erased.
        writing.person_key(person)?;
        return Err(StoreError::NoPerson { person });
    };
    Ok(custodian)
}

/// Keeps a version of a consent as it stands from now on.
fn keep(snapshot: &Snapshot<'_>, custodian: OrganisationId, consent: &Consent) -> Result<()> {
    let plain = serde_json::to_vec(consent).map_err(|_| StoreError::damaged("a consent"))?;
    let link = chain::append(snapshot, Chain::Consents, consent.person, custodian, &plain)?;
    snapshot
        .prepare_cached("INSERT INTO consent_change (person, number, consent, body, hash) VALUES (?1, ?2, ?3, ?4, ?5)")
        .and_then(|mut statement| {
            statement.execute(params![
                consent.person.0,
                link.number,
                consent.id.0 as i64,
                link.body,
                link.hash
            ])
        })
        .doing("keeping a consent")?;
    snapshot
        .prepare_cached(
            "INSERT INTO consent (id, person, recipient, purpose, state, version, change, ends_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (id) DO UPDATE SET state = ?5, version = ?6, change = ?7, ends_ms = ?8",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                consent.id.0 as i64,
                consent.person.0,
                consent.recipient.0,
                consent.purpose.as_str(),
                consent.state as u8,
                consent.version,
                link.number,
                consent.ends_at().map(|end| end.0),
            ])
        })
        .doing("keeping a consent")
        .map(|_| ())
}

/// Keeps a consent that has ended, ends what was handed out under it, and enqueues the last that its recipient hears of it.
fn end(snapshot: &Snapshot<'_>, custodian: OrganisationId, ended: &Consent) -> Result<()> {
    keep(snapshot, custodian, ended)?;
    authorization::end_of_consent(snapshot, ended.id)?;
    jobs::drop_of_consent(snapshot, ended.id, ended.changed_at)?;
    let notice = match ended.state {
        ConsentState::Expired => Notice::Expired,
        ConsentState::Withdrawn | ConsentState::Active | ConsentState::Superseded => Notice::Withdrawn,
    };
    jobs::tell(snapshot, about(ended), notice)?;
    jobs::tell(snapshot, about(ended), Notice::DeletionRequested)
}

fn about(consent: &Consent) -> About {
    About {
        person: consent.person,
        recipient: consent.recipient,
        consent: consent.id,
        at: consent.changed_at,
    }
}

/// Consents of the same person, recipient and purpose that have ended.
fn ended_before(writing: &Writing<'_>, given: &Consent) -> Result<Vec<ConsentId>> {
    writing
        .prepare_cached("SELECT id FROM consent WHERE person = ?1 AND recipient = ?2 AND purpose = ?3 AND state <> 1")
        .and_then(|mut statement| {
            statement
                .query_map(
                    params![given.person.0, given.recipient.0, given.purpose.as_str()],
                    |row| row.get(0).map(|id: i64| ConsentId(id as u64)),
                )?
                .collect()
        })
        .doing("finding ended consents")
}

pub(crate) fn give(writing: &Writing<'_>, draft: ConsentDraft) -> Result<Consent> {
    if digest(&SHA256, draft.text.as_bytes()).as_ref() != draft.text_hash {
        return Err(StoreError::Invalid {
            what: "the hash of a consent's text is not that of its text",
        });
    }
    recipients::require_purpose(writing, draft.recipient, &draft.purpose)?;
    let (person, now) = (draft.person, writing.now());
    let custodian = lock_living(writing, person)?;
    let active: Option<i64> = writing
        .prepare_cached("SELECT id FROM consent WHERE person = ?1 AND recipient = ?2 AND purpose = ?3 AND state = 1")
        .and_then(|mut statement| {
            statement
                .query_row(params![person.0, draft.recipient.0, draft.purpose.as_str()], |row| {
                    row.get(0)
                })
                .optional()
        })
        .doing("finding the active consent")?;
    let Some(active) = active else {
        let given = draft
            .give(fresh_id(writing)?, now)
            .map_err(|error| StoreError::Consent(error.into()))?;
        keep(writing, custodian, &given)?;
        for ended in ended_before(writing, &given)? {
            jobs::drop_deletion(writing, ended, now)?;
        }
        return Ok(given);
    };
    let id = ConsentId(active as u64);
    let old = latest(writing, person, id)?.ok_or_else(|| StoreError::damaged(format!("consent, row {active}")))?;
    let superseded = old.supersede(draft, now).map_err(StoreError::Consent)?;
    if superseded.difference.narrowed {
        let plain = serde_json::to_vec(&superseded.new).map_err(|_| StoreError::damaged("a consent"))?;
        let body = writing.keys().organisation(custodian)?.seal(
            writing.randomness(),
            "journal",
            &[i64::from(person.0), active],
            &plain,
        )?;
        writing.journal(Step::Narrowing, person, id.0, body)?;
    }
    keep(writing, custodian, &superseded.old)?;
    keep(writing, custodian, &superseded.new)?;
    let Difference { narrowed, widened } = superseded.difference;
    if narrowed || widened {
        let notice = Notice::Changed { resync: widened };
        jobs::tell(writing, about(&superseded.new), notice)?;
    }
    Ok(superseded.new)
}

/// An id that no consent has. Random, so that the journal of a newer database never means another one's consent.
fn fresh_id(writing: &Writing<'_>) -> Result<ConsentId> {
    loop {
        let mut bytes = [0; 8];
        writing.randomness().fill(&mut bytes);
        let id = u64::from_le_bytes(bytes);
        let taken: bool = writing
            .query_row(
                "SELECT EXISTS (SELECT 1 FROM consent WHERE id = ?1)",
                [id as i64],
                |row| row.get(0),
            )
            .doing("numbering a consent")?;
        if id != 0 && !taken {
            return Ok(ConsentId(id));
        }
    }
}

pub(crate) fn withdraw(
    writing: &Writing<'_>,
    person: PersonId,
    consent: ConsentId,
    by: Option<Acting>,
) -> Result<Consent> {
    let active = latest(writing, person, consent)?.ok_or(StoreError::NotFound { what: "consent" })?;
    let withdrawn = active.withdraw(writing.now(), by).map_err(StoreError::Consent)?;
    writing.journal(Step::Withdrawal, person, consent.0, Vec::new())?;
    let custodian = lock_living(writing, person)?;
    end(writing, custodian, &withdrawn)?;
    Ok(withdrawn)
}

/// Carries out a withdrawal from the journal, on a database that may not know the consent.
pub(crate) fn replay_withdrawal(snapshot: &Snapshot<'_>, entry: &Entry) -> Result<()> {
    let (person, consent) = (PersonId(entry.person), ConsentId(entry.subject));
    let Some(active) = latest(snapshot, person, consent)? else {
        return Ok(());
    };
    let Ok(withdrawn) = active.withdraw(UtcMillis(entry.at), None) else {
        return Ok(());
    };
    match lock(snapshot, person)? {
        Some(custodian) => end(snapshot, custodian, &withdrawn),
        None => Ok(()),
    }
}

/// Carries out a narrowing from the journal, on a database that may know an earlier version, or none.
pub(crate) fn replay_narrowing(snapshot: &Snapshot<'_>, entry: &Entry) -> Result<()> {
    let (person, consent) = (PersonId(entry.person), ConsentId(entry.subject));
    let Some(mut old) = latest(snapshot, person, consent)?.filter(|old| old.state == ConsentState::Active) else {
        return Ok(());
    };
    let Some(custodian) = lock(snapshot, person)? else {
        return Ok(());
    };
    let plain = snapshot.keys().organisation(custodian)?.open(
        "journal",
        &[i64::from(person.0), entry.subject as i64],
        &entry.body,
    )?;
    let narrowed: Consent =
        serde_json::from_slice(&plain).map_err(|_| StoreError::damaged(format!("journal entry {}", entry.number)))?;
    if narrowed.version <= old.version {
        return Ok(());
    }
    old.state = ConsentState::Superseded;
    old.changed_at = narrowed.given_at.max(old.changed_at);
    keep(snapshot, custodian, &old)?;
    keep(snapshot, custodian, &narrowed)
}

/// Ends all active consents of a person who is about to be erased. The journal's erasure stands for each of them.
pub(crate) fn end_all(snapshot: &Snapshot<'_>, person: PersonId, now: UtcMillis) -> Result<()> {
    let Some(custodian) = lock(snapshot, person)? else {
        return Ok(());
    };
    for consent in consents(snapshot, person)? {
        if let Ok(withdrawn) = consent.withdraw(now, None) {
            end(snapshot, custodian, &withdrawn)?;
        }
    }
    Ok(())
}

/// Marks consents expired of which nothing holds any more.
pub(crate) fn expire(writing: &Writing<'_>, now: UtcMillis) -> Result<()> {
    let over: Vec<(u32, i64)> = writing
        .prepare_cached("SELECT person, id FROM consent WHERE state = 1 AND ends_ms <= ?1 ORDER BY ends_ms LIMIT ?2")
        .and_then(|mut statement| {
            statement
                .query_map([now.0, EXPIRED_AT_ONCE], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
        .doing("finding expired consents")?;
    for (person, id) in over {
        let person = PersonId(person);
        let Some(consent) = latest(writing, person, ConsentId(id as u64))? else {
            continue;
        };
        if let (Ok(expired), Some(custodian)) = (consent.expire(now), lock(writing, person)?) {
            end(writing, custodian, &expired)?;
        }
    }
    Ok(())
}

/// Active consents of an organisation's people that end by an instant.
pub(crate) fn ending(
    snapshot: &Snapshot<'_>,
    organisation: OrganisationId,
    until: UtcMillis,
    limit: usize,
) -> Result<Vec<EndingConsent>> {
    snapshot
        .prepare_cached(
            "SELECT consent.person, consent.id, consent.recipient, consent.ends_ms FROM consent
             JOIN person ON person.id = consent.person
             WHERE consent.state = 1 AND consent.ends_ms IS NOT NULL AND consent.ends_ms <= ?2 AND person.custodian = ?1
             ORDER BY consent.ends_ms, consent.id LIMIT ?3",
        )
        .and_then(|mut statement| {
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            statement
                .query_map(params![organisation.0, until.0, limit], |row| {
                    Ok(EndingConsent {
                        person: PersonId(row.get(0)?),
                        consent: ConsentId(row.get::<_, i64>(1)? as u64),
                        recipient: RecipientId(row.get(2)?),
                        ends: UtcMillis(row.get(3)?),
                    })
                })?
                .collect()
        })
        .doing("listing consents that end")
}
