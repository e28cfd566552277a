//! SQL of consents given on paper.

use consent::{Consent, ConsentDraft, DraftError, HowGiven};
use model::OrganisationId;
use rusqlite::params;

use super::database::Snapshot;
use super::fault::Doing as _;
use super::writer::Writing;
use super::{acts, consents};
use crate::paper::PaperConsent;
use crate::{Actor, Result, StoreError};

const PROPOSED: u8 = 1;
const GIVEN: u8 = 2;
const REJECTED: u8 = 3;

/// The highest number: stands for the second operator while a draft is looked at that has none.
const SOMEBODY: i64 = i64::MAX;

fn require_operator(snapshot: &Snapshot<'_>, organisation: OrganisationId, operator: i64) -> Result<()> {
    let acts: bool = snapshot
        .query_row(
            "SELECT EXISTS (SELECT 1 FROM operator WHERE id = ?1 AND organisation = ?2 AND ended_ms IS NULL)",
            params![operator, organisation.0],
            |row| row.get(0),
        )
        .doing("finding an operator")?;
    match acts {
        true => Ok(()),
        false => Err(StoreError::NotFound { what: "operator" }),
    }
}

/// The same draft, seen by these two.
fn seen_by(mut draft: ConsentDraft, first: i64, second: i64) -> Result<ConsentDraft> {
    match &mut draft.how {
        HowGiven::OnPaper {
            entered_by,
            confirmed_by,
            ..
        } => (*entered_by, *confirmed_by) = (first, second),
        HowGiven::SignedIn { .. } => {
            return Err(StoreError::Invalid {
                what: "a consent that was given on paper says so",
            });
        }
    }
    Ok(draft)
}

fn invalid(error: DraftError) -> StoreError {
    StoreError::Consent(error.into())
}

pub(crate) fn enter(
    writing: &Writing<'_>,
    organisation: OrganisationId,
    operator: i64,
    draft: ConsentDraft,
) -> Result<i64> {
    require_operator(writing, organisation, operator)?;
    let person = draft.person;
    if consents::custodian(writing, person)? != Some(organisation) {
        return Err(StoreError::NotFound { what: "person" });
    }
    writing.person_key(person)?;
    let draft = seen_by(draft, operator, SOMEBODY)?;
    // What can never be a consent is refused while the first operator still holds the form.
    draft.validate(writing.now()).map_err(invalid)?;
    let draft = seen_by(draft, operator, 0)?;
    writing
        .execute(
            "INSERT INTO paper_consent (organisation, person, state, entered_by, entered_ms, body)
             VALUES (?1, ?2, ?3, ?4, ?5, x'')",
            params![organisation.0, person.0, PROPOSED, operator, writing.now().0],
        )
        .doing("entering a consent on paper")?;
    let id = writing.last_insert_rowid();
    let plain = serde_json::to_vec(&draft).map_err(|_| StoreError::damaged("a consent on paper"))?;
    let key = writing.keys().organisation(organisation)?;
    let body = key.seal(writing.randomness(), "paper_consent", &[id], &plain)?;
    writing
        .execute("UPDATE paper_consent SET body = ?2 WHERE id = ?1", params![id, body])
        .doing("entering a consent on paper")?;
    act(writing, organisation, operator, "paper-consent-entered", id)?;
    Ok(id)
}

fn act(writing: &Writing<'_>, organisation: OrganisationId, operator: i64, what: &str, id: i64) -> Result<()> {
    let by = Actor::Operator(operator);
    acts::record(writing, organisation, by, what, &format!("paper consent {id}"))
}

pub(crate) fn waiting(snapshot: &Snapshot<'_>, organisation: OrganisationId) -> Result<Vec<PaperConsent>> {
    let rows: Vec<(i64, i64, Vec<u8>)> = snapshot
        .prepare_cached(
            "SELECT id, entered_by, body FROM paper_consent WHERE organisation = ?1 AND state = 1 ORDER BY id",
        )
        .and_then(|mut statement| {
            statement
                .query_map([organisation.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
                .collect()
        })
        .doing("listing consents on paper")?;
    rows.into_iter()
        .map(|(id, entered_by, body)| {
            let plain = snapshot
                .keys()
                .organisation(organisation)?
                .open("paper_consent", &[id], &body)?;
            let draft = serde_json::from_slice(&plain).map_err(|_| StoreError::damaged("a consent on paper"))?;
            Ok(PaperConsent { id, entered_by, draft })
        })
        .collect()
}

fn take(writing: &Writing<'_>, organisation: OrganisationId, id: i64, state: u8) -> Result<PaperConsent> {
    let found = waiting(writing, organisation)?.into_iter().find(|form| form.id == id);
    let found = found.ok_or(StoreError::NotFound {
        what: "consent on paper",
    })?;
    writing
        .execute(
            "UPDATE paper_consent SET state = ?2, body = x'' WHERE id = ?1",
            params![id, state],
        )
        .doing("moving a consent on paper")?;
    Ok(found)
}

pub(crate) fn confirm(writing: &Writing<'_>, organisation: OrganisationId, operator: i64, id: i64) -> Result<Consent> {
    require_operator(writing, organisation, operator)?;
    let form = take(writing, organisation, id, GIVEN)?;
    let draft = seen_by(form.draft, form.entered_by, operator)?;
    draft.validate(writing.now()).map_err(invalid)?;
    let given = consents::give(writing, draft)?;
    act(writing, organisation, operator, "paper-consent-confirmed", id)?;
    Ok(given)
}

pub(crate) fn reject(writing: &Writing<'_>, organisation: OrganisationId, operator: i64, id: i64) -> Result<()> {
    require_operator(writing, organisation, operator)?;
    take(writing, organisation, id, REJECTED)?;
    act(writing, organisation, operator, "paper-consent-rejected", id)
}
