//! SQL of delegations.

use consent::OwnAccess;
use model::{DelegationEvent, DelegationState, PersonId, UtcMillis};
use rusqlite::{Row, params};

use super::database::Snapshot;
use super::fault::Doing as _;
use super::writer::Writing;
use super::{acts, consents};
use crate::delegations::{DELEGATION_LEASE_MS, Delegation, NewDelegation, Step};
use crate::{Actor, HandleHash, Result, StoreError};

const COLUMNS: &str = "id, person, reader, vendor, state, why, browser, session, begun_ms, agreed_ms, expires_ms, fetched_ms, over_ms, \
                       attempts, fence";

/// A row; its session is sealed yet, and its state two numbers.
struct Columns(Delegation, (u8, Option<u8>), Option<Vec<u8>>);

fn columns(row: &Row<'_>) -> rusqlite::Result<Columns> {
    let moment = |column: usize| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(UtcMillis));
    let delegation = Delegation {
        id: row.get(0)?,
        person: PersonId(row.get(1)?),
        reader: PersonId(row.get(2)?),
        vendor: row.get(3)?,
        state: DelegationState::Ended,
        browser: row.get(6)?,
        session: None,
        begun: UtcMillis(row.get(8)?),
        agreed: moment(9)?,
        expires: moment(10)?,
        fetched: moment(11)?,
        over: moment(12)?,
        attempts: row.get(13)?,
        fence: row.get(14)?,
    };
    Ok(Columns(delegation, (row.get(4)?, row.get(5)?), row.get(7)?))
}

fn open(snapshot: &Snapshot<'_>, Columns(mut delegation, (state, why), sealed): Columns) -> Result<Delegation> {
    let id = delegation.id;
    let damaged = || StoreError::damaged(format!("delegation {id}"));
    delegation.state = DelegationState::from_numbers(state, why).ok_or_else(damaged)?;
    if let Some(sealed) = sealed {
        let key = snapshot.person_key(delegation.person)?;
        let plain = key.open("delegation.session", &[id], &sealed)?;
        delegation.session = Some(String::from_utf8(plain.to_vec()).map_err(|_| damaged())?);
    }
    Ok(delegation)
}

fn all(snapshot: &Snapshot<'_>, rest: &str, by: impl rusqlite::Params) -> Result<Vec<Delegation>> {
    let rows: Vec<Columns> = snapshot
        .prepare_cached(&format!("SELECT {COLUMNS} FROM delegation {rest}"))
        .and_then(|mut statement| statement.query_map(by, columns)?.collect())
        .doing("reading delegations")?;
    rows.into_iter().map(|row| open(snapshot, row)).collect()
}

fn act(writing: &Writing<'_>, delegation: &Delegation, what: &str) -> Result<()> {
    let person = delegation.person;
    let custodian = consents::custodian(writing, person)?.ok_or(StoreError::NoPerson { person })?;
    let by = Actor::resident(delegation.reader);
    let subject = format!("delegation {}, {}, person {person}", delegation.id, delegation.vendor);
    acts::record(writing, custodian, by, what, &subject)
}

pub(crate) fn begin(writing: &Writing<'_>, own: &OwnAccess, new: &NewDelegation) -> Result<Delegation> {
    let (person, now) = (own.person(), writing.now());
    writing.person_key(person)?;
    writing
        .execute(
            "DELETE FROM delegation WHERE person = ?1 AND vendor = ?2 AND agreed_ms IS NULL",
            params![person.0, new.vendor],
        )
        .doing("dropping delegations that nobody agreed to")?;
    writing
        .execute(
            "INSERT INTO delegation (person, reader, vendor, state, handle, browser, begun_ms, due_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                person.0,
                new.reader.0,
                new.vendor,
                DelegationState::Created.numbers().0,
                new.handle,
                new.browser,
                now.0,
                new.until.0,
            ],
        )
        .doing("beginning a delegation")?;
    by_handle(writing, &new.handle)?.ok_or(StoreError::NotFound { what: "delegation" })
}

pub(crate) fn by_handle(snapshot: &Snapshot<'_>, handle: &HandleHash) -> Result<Option<Delegation>> {
    Ok(all(snapshot, "WHERE handle = ?1", [handle])?.pop())
}

pub(crate) fn is_as_read(snapshot: &Snapshot<'_>, of: &Delegation) -> Result<bool> {
    snapshot
        .prepare_cached("SELECT 1 FROM delegation WHERE id = ?1 AND fence = ?2 AND over_ms IS NULL")
        .and_then(|mut statement| statement.exists(params![of.id, of.fence]))
        .doing("looking again at a delegation")
}

pub(crate) fn of_person(snapshot: &Snapshot<'_>, person: PersonId) -> Result<Vec<Delegation>> {
    all(snapshot, "WHERE person = ?1 ORDER BY id DESC LIMIT 100", [person.0])
}

pub(crate) fn step(writing: &Writing<'_>, of: &Delegation, step: &Step) -> Result<Option<Delegation>> {
    let now = writing.now();
    let next = match step.event {
        Some(event) => match of.state.after(event) {
            Some(next) => next,
            None => return Ok(None),
        },
        None => of.state,
    };
    let (state, why) = next.numbers();
    let session = match &step.session {
        Some(session) => {
            let key = writing.person_key(of.person)?;
            Some(key.seal(writing.randomness(), "delegation.session", &[of.id], session.as_bytes())?)
        }
        None => None,
    };
    let when = |is: bool| is.then_some(now.0);
    let changed = writing
        .prepare_cached(
            "UPDATE delegation SET state = ?3, why = ?4, fence = fence + 1,
                 session = CASE WHEN ?9 IS NULL THEN coalesce(?5, session) END,
                 agreed_ms = coalesce(agreed_ms, ?6), expires_ms = coalesce(?7, expires_ms), fetched_ms = coalesce(?8, fetched_ms),
                 over_ms = ?9, due_ms = CASE WHEN ?9 IS NULL THEN ?10 END,
                 attempts = CASE WHEN ?11 THEN 0 ELSE attempts + 1 END
             WHERE id = ?1 AND fence = ?2",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                of.id,
                of.fence,
                state,
                why,
                session,
                when(step.event == Some(DelegationEvent::Agreed)),
                step.expires.map(|expires| expires.0),
                when(step.event == Some(DelegationEvent::Stored)),
                when(next.is_over()),
                step.due.0,
                step.event.is_some(),
            ])
        })
        .doing("changing a delegation")?;
    if changed == 0 {
        return Ok(None);
    }
    match step.event {
        Some(DelegationEvent::Agreed) => act(writing, of, "delegation-agreed")?,
        Some(DelegationEvent::Stored) => end_those_before(writing, of)?,
        Some(DelegationEvent::Ended) => act(writing, of, "delegation-ended")?,
        _ => {}
    }
    Ok(all(writing, "WHERE id = ?1", [of.id])?.pop())
}

/// What was agreed to anew and has brought something takes the place of what was agreed to before.
fn end_those_before(writing: &Writing<'_>, of: &Delegation) -> Result<()> {
    writing
        .execute(
            "UPDATE delegation SET state = ?4, why = NULL, session = NULL, over_ms = ?5, due_ms = NULL, fence = fence + 1
             WHERE person = ?1 AND vendor = ?2 AND id < ?3 AND over_ms IS NULL",
            params![
                of.person.0,
                of.vendor,
                of.id,
                DelegationState::Ended.numbers().0,
                writing.now().0
            ],
        )
        .doing("ending the delegation before")
        .map(|_| ())
}

pub(crate) fn has_due(snapshot: &Snapshot<'_>, now: UtcMillis) -> Result<bool> {
    snapshot
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM delegation WHERE due_ms IS NOT NULL AND due_ms <= ?1)")
        .and_then(|mut statement| statement.query_row([now.0], |row| row.get(0)))
        .doing("looking for delegations")
}

pub(crate) fn lease(writing: &Writing<'_>, limit: u32) -> Result<Vec<Delegation>> {
    let now = writing.now();
    let rows: Vec<Columns> = writing
        .prepare_cached(&format!(
            "UPDATE delegation SET due_ms = ?2, fence = fence + 1
             WHERE id IN (SELECT id FROM delegation WHERE due_ms IS NOT NULL AND due_ms <= ?1 ORDER BY due_ms, id LIMIT ?3)
             RETURNING {COLUMNS}"
        ))
        .and_then(|mut statement| {
            let until = now.plus(DELEGATION_LEASE_MS);
            statement.query_map(params![now.0, until.0, limit], columns)?.collect()
        })
        .doing("taking delegations")?;
    rows.into_iter().map(|row| open(writing, row)).collect()
}

pub(crate) fn end(writing: &Writing<'_>, own: &OwnAccess, id: i64) -> Result<()> {
    let missing = StoreError::NotFound { what: "delegation" };
    let found = all(writing, "WHERE id = ?1 AND person = ?2", params![id, own.person().0])?.pop();
    let mut found = found.ok_or(missing)?;
    // Who ends it stands in the acts.
    found.reader = own.acting().map_or(own.person(), |acting| acting.person);
    let ended = Step {
        event: Some(DelegationEvent::Ended),
        ..Step::default()
    };
    match step(writing, &found, &ended)? {
        // Whoever stops means all of it, also what a new word had not taken the place of yet.
        Some(_) => end_those_before(writing, &found),
        None => Err(StoreError::NotFound { what: "delegation" }),
    }
}
