//! SQL of data subjects' requests.

use model::{OrganisationId, PersonId, UtcMillis};
use rusqlite::{OptionalExtension as _, Row, params};

use super::database::Snapshot;
use super::fault::Doing as _;
use super::writer::Writing;
use super::{acts, consents};
use crate::requests::{ANSWER_MS, MAX_OPEN_REQUESTS, RequestKind, RequestState, RequestWords, SubjectRequest};
use crate::{Actor, Result, StoreError};

const REQUEST: &str =
    "SELECT id, organisation, person, kind, state, created_ms, due_ms, changed_ms, body FROM subject_request";

/// A row with the organisation whose key opens it.
type Sealed = (SubjectRequest, OrganisationId, Vec<u8>);

fn read(row: &Row<'_>) -> rusqlite::Result<Sealed> {
    let number = |column: usize| row.get::<_, u8>(column);
    let unknown = |column: usize| rusqlite::Error::IntegralValueOutOfRange(column, 0);
    let request = SubjectRequest {
        id: row.get(0)?,
        person: PersonId(row.get(2)?),
        kind: RequestKind::from_number(number(3)?).ok_or_else(|| unknown(3))?,
        state: RequestState::from_number(number(4)?).ok_or_else(|| unknown(4))?,
        created: UtcMillis(row.get(5)?),
        due: UtcMillis(row.get(6)?),
        changed: UtcMillis(row.get(7)?),
        words: RequestWords::default(),
    };
    Ok((request, OrganisationId(row.get(1)?), row.get(8)?))
}

fn open(snapshot: &Snapshot<'_>, (request, organisation, body): Sealed) -> Result<SubjectRequest> {
    let key = snapshot.keys().organisation(organisation)?;
    let plain = key.open("subject_request", &[request.id], &body)?;
    let words = serde_json::from_slice(&plain).map_err(|_| StoreError::damaged("a request"))?;
    Ok(SubjectRequest { words, ..request })
}

fn save(writing: &Writing<'_>, organisation: OrganisationId, request: &SubjectRequest) -> Result<()> {
    let plain = serde_json::to_vec(&request.words).map_err(|_| StoreError::damaged("a request"))?;
    let key = writing.keys().organisation(organisation)?;
    let body = key.seal(writing.randomness(), "subject_request", &[request.id], &plain)?;
    writing
        .prepare_cached("UPDATE subject_request SET state = ?2, changed_ms = ?3, body = ?4 WHERE id = ?1")
        .and_then(|mut statement| statement.execute(params![request.id, request.state as u8, writing.now().0, body]))
        .doing("keeping a request")
        .map(|_| ())
}

fn act(writing: &Writing<'_>, organisation: OrganisationId, by: Actor, request: &SubjectRequest) -> Result<()> {
    let what = format!("request-{}", request.state.code());
    let subject = format!(
        "request {}, {}, person {}",
        request.id,
        request.kind.code(),
        request.person
    );
    acts::record(writing, organisation, by, &what, &subject)
}

pub(crate) fn file(writing: &Writing<'_>, person: PersonId, kind: RequestKind, text: String) -> Result<i64> {
    writing.person_key(person)?;
    let organisation = consents::custodian(writing, person)?.ok_or(StoreError::NoPerson { person })?;
    let open = of_person(writing, person)?
        .iter()
        .filter(|request| request.state.is_open())
        .count();
    if open >= MAX_OPEN_REQUESTS {
        return Err(StoreError::TooMany {
            what: "open requests of one person",
            limit: MAX_OPEN_REQUESTS as u32,
        });
    }
    let now = writing.now();
    let due = now.plus(ANSWER_MS);
    writing
        .execute(
            "INSERT INTO subject_request (organisation, person, kind, state, created_ms, due_ms, changed_ms, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?5, x'')",
            params![
                organisation.0,
                person.0,
                kind as u8,
                RequestState::Received as u8,
                now.0,
                due.0
            ],
        )
        .doing("filing a request")?;
    // The seal is bound to the row's number, which is known only now.
    let request = SubjectRequest {
        id: writing.last_insert_rowid(),
        person,
        kind,
        state: RequestState::Received,
        created: now,
        due,
        changed: now,
        words: RequestWords {
            asked: text,
            answered: String::new(),
        },
    };
    save(writing, organisation, &request)?;
    act(writing, organisation, Actor::resident(person), &request)?;
    Ok(request.id)
}

pub(crate) fn of_person(snapshot: &Snapshot<'_>, person: PersonId) -> Result<Vec<SubjectRequest>> {
    let rows: Vec<Sealed> = snapshot
        .prepare_cached(&format!("{REQUEST} WHERE person = ?1 ORDER BY id DESC"))
        .and_then(|mut statement| statement.query_map([person.0], read)?.collect())
        .doing("listing requests")?;
    rows.into_iter().map(|row| open(snapshot, row)).collect()
}

pub(crate) fn of_organisation(
    snapshot: &Snapshot<'_>,
    organisation: OrganisationId,
    limit: u32,
) -> Result<Vec<SubjectRequest>> {
    let rows: Vec<Sealed> = snapshot
        .prepare_cached(&format!(
            "{REQUEST} WHERE organisation = ?1
             ORDER BY state > 2, CASE WHEN state <= 2 THEN due_ms ELSE -changed_ms END, id LIMIT ?2"
        ))
        .and_then(|mut statement| statement.query_map(params![organisation.0, limit], read)?.collect())
        .doing("listing requests")?;
    rows.into_iter().map(|row| open(snapshot, row)).collect()
}

fn one(snapshot: &Snapshot<'_>, id: i64) -> Result<Option<(SubjectRequest, OrganisationId)>> {
    let found = snapshot
        .prepare_cached(&format!("{REQUEST} WHERE id = ?1"))
        .and_then(|mut statement| statement.query_row([id], read).optional())
        .doing("reading a request")?;
    found
        .map(|row| {
            let organisation = row.1;
            Ok((open(snapshot, row)?, organisation))
        })
        .transpose()
}

const NOT_FOUND: StoreError = StoreError::NotFound { what: "request" };

pub(crate) fn take_back(writing: &Writing<'_>, person: PersonId, id: i64) -> Result<()> {
    let (mut request, organisation) = one(writing, id)?.ok_or(NOT_FOUND)?;
    if request.person != person {
        return Err(NOT_FOUND);
    }
    request.state.may_become(RequestState::TakenBack)?;
    request.state = RequestState::TakenBack;
    save(writing, organisation, &request)?;
    act(writing, organisation, Actor::resident(person), &request)
}

pub(crate) fn answer(
    writing: &Writing<'_>,
    organisation: OrganisationId,
    id: i64,
    state: RequestState,
    answer: String,
    by: Actor,
) -> Result<()> {
    let (mut request, owner) = one(writing, id)?.ok_or(NOT_FOUND)?;
    if owner != organisation {
        return Err(NOT_FOUND);
    }
    request.state.may_become(state)?;
    request.state = state;
    if !answer.is_empty() {
        request.words.answered = answer;
    }
    save(writing, organisation, &request)?;
    act(writing, organisation, by, &request)
}
