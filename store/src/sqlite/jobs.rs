//! SQL of the queue and of recipients' endpoints.

use consent::ConsentId;
use model::{OrganisationId, PersonId, RecipientId, UtcMillis};
use rusqlite::{OptionalExtension as _, Row, params};

use super::database::Snapshot;
use super::fault::Doing as _;
use super::writer::Writing;
use super::{acts, recipients};
use crate::jobs::{AT_ONCE_PER_RECIPIENT, Endpoint, Job, JobOutcome, JobState, Message, Notice, Task, UNDO_MS};
use crate::{Actor, Result, StoreError};

/// How long a job that ended stays readable, in milliseconds: 30 days.
const KEPT_MS: i64 = 30 * model::time::DAY_MS;

/// The longest problem that is kept, in bytes.
const MAX_PROBLEM: usize = 300;

const COLUMNS: &str = "id, lane, state, due_ms, attempts, fence, created_ms, body, problem";

fn enqueue(snapshot: &Snapshot<'_>, recipient: RecipientId, message: Message, due: UtcMillis) -> Result<()> {
    let (at, consent) = (message.at, message.consent.0 as i64);
    let body = serde_json::to_string(&Task::Tell(message)).map_err(|_| StoreError::damaged("a job"))?;
    snapshot
        .prepare_cached(
            "INSERT INTO job (lane, state, due_ms, created_ms, consent, body) VALUES (?1, 1, ?2, ?3, ?4, ?5)",
        )
        .and_then(|mut statement| statement.execute(params![recipient.0, due.0, at, consent, body]))
        .doing("enqueuing a job")
        .map(|_| ())
}

/// What a notice is about.
#[derive(Clone, Copy)]
pub(crate) struct About {
    pub(crate) person: PersonId,
    pub(crate) recipient: RecipientId,
    pub(crate) consent: ConsentId,
    pub(crate) at: UtcMillis,
}

/// Enqueues a notice; a request to delete waits while the withdrawal can be undone.
pub(crate) fn tell(snapshot: &Snapshot<'_>, about: About, notice: Notice) -> Result<()> {
    let mut id = [0; 8];
    snapshot.randomness().fill(&mut id);
    let message = Message {
        id: u64::from_le_bytes(id),
        notice,
        person: about.person,
        consent: about.consent,
        at: about.at.0,
    };
    let due = match notice {
        Notice::DeletionRequested => about.at.plus(UNDO_MS),
        Notice::Changed { .. } | Notice::Withdrawn | Notice::Expired => about.at,
    };
    enqueue(snapshot, about.recipient, message, due)
}

/// Drops whatever still waits to be said about a consent, also what a worker holds.
pub(crate) fn drop_of_consent(snapshot: &Snapshot<'_>, consent: ConsentId, now: UtcMillis) -> Result<()> {
    snapshot
        .prepare_cached(
            "UPDATE job SET state = 5, due_ms = ?2, fence = fence + 1 WHERE consent = ?1 AND state IN (1, 2)",
        )
        .and_then(|mut statement| statement.execute(params![consent.0 as i64, now.0]))
        .doing("dropping jobs")
        .map(|_| ())
}

/// Drops requests to delete that have not left yet: the person agreed anew, for the same recipient and purpose.
pub(crate) fn drop_deletion(snapshot: &Snapshot<'_>, ended: ConsentId, now: UtcMillis) -> Result<()> {
    snapshot
        .prepare_cached(
            "UPDATE job SET state = 5, due_ms = ?2, fence = fence + 1
             WHERE consent = ?1 AND state = 1 AND attempts = 0 AND due_ms > ?2
               AND json_extract(body, '$.tell.notice') = 'deletion_requested'",
        )
        .and_then(|mut statement| statement.execute(params![ended.0 as i64, now.0]))
        .doing("dropping jobs")
        .map(|_| ())
}

/// Walks the lanes one after the other by the index, so that a long queue of one recipient costs nothing to the others.
const LANES: &str = "WITH RECURSIVE lanes (state, lane) AS (
        SELECT column1, (SELECT MIN(lane) FROM job WHERE state = column1) FROM (VALUES (1), (2))
        UNION ALL
        SELECT state, (SELECT MIN(lane) FROM job WHERE job.state = lanes.state AND job.lane > lanes.lane)
        FROM lanes WHERE lane IS NOT NULL
    )";

pub(crate) fn has_due(snapshot: &Snapshot<'_>, now: UtcMillis) -> Result<bool> {
    snapshot
        .prepare_cached(&format!(
            "{LANES} SELECT EXISTS (SELECT 1 FROM lanes WHERE lane IS NOT NULL AND
                (SELECT MIN(due_ms) FROM job WHERE job.state = lanes.state AND job.lane = lanes.lane) <= ?1)"
        ))
        .and_then(|mut statement| statement.query_row([now.0], |row| row.get(0)))
        .doing("looking for due jobs")
}

pub(crate) fn lease(writing: &Writing<'_>, limit: u32, until: UtcMillis) -> Result<Vec<Job>> {
    let now = writing.now();
    writing
        .prepare_cached("UPDATE job SET state = 1 WHERE state = 2 AND due_ms <= ?1")
        .and_then(|mut statement| statement.execute([now.0]))
        .doing("taking back leases")?;
    let lanes: Vec<u32> = writing
        .prepare_cached(&format!(
            "{LANES} SELECT lane FROM lanes WHERE state = 1 AND lane IS NOT NULL"
        ))
        .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect())
        .doing("finding lanes")?;
    let mut due: Vec<(i64, i64)> = Vec::new();
    for lane in lanes {
        let free: Vec<(i64, i64)> = writing
            .prepare_cached(
                "SELECT due_ms, id FROM job WHERE state = 1 AND lane = ?1 AND due_ms <= ?2 ORDER BY due_ms, id
                 LIMIT MAX(0, ?3 - (SELECT COUNT(*) FROM job WHERE state = 2 AND lane = ?1))",
            )
            .and_then(|mut statement| {
                statement
                    .query_map(params![lane, now.0, AT_ONCE_PER_RECIPIENT], |row| {
                        Ok((row.get(0)?, row.get(1)?))
                    })?
                    .collect()
            })
            .doing("finding due jobs")?;
        due.extend(free);
    }
    due.sort_unstable();
    due.truncate(limit as usize);
    let mut jobs = Vec::with_capacity(due.len());
    for (_, id) in due {
        let job = writing
            .prepare_cached(&format!(
                "UPDATE job SET state = 2, due_ms = ?2, fence = fence + 1, attempts = attempts + 1
                 WHERE id = ?1 RETURNING {COLUMNS}"
            ))
            .and_then(|mut statement| statement.query_row(params![id, until.0], columns))
            .doing("taking a job")?;
        jobs.push(read(job)?);
    }
    Ok(jobs)
}

pub(crate) fn finish(writing: &Writing<'_>, id: i64, fence: i64, outcome: &JobOutcome) -> Result<bool> {
    let now = writing.now();
    let (state, due, problem) = match outcome {
        JobOutcome::Done => (JobState::Done, now, None),
        JobOutcome::Again { at, problem } => (JobState::Waiting, *at, Some(problem)),
        JobOutcome::Dead { problem } => (JobState::Dead, now, Some(problem)),
    };
    let problem = problem.map(|problem| &problem[..problem.floor_char_boundary(MAX_PROBLEM)]);
    writing
        .prepare_cached(
            "UPDATE job SET state = ?3, due_ms = ?4, problem = ?5 WHERE id = ?1 AND fence = ?2 AND state = 2",
        )
        .and_then(|mut statement| statement.execute(params![id, fence, state as u8, due.0, problem]))
        .doing("finishing a job")
        .map(|changed| changed == 1)
}

pub(crate) fn rerun(writing: &Writing<'_>, id: i64, by: Actor) -> Result<()> {
    let lane: Option<u32> = writing
        .query_row(
            "UPDATE job SET state = 1, due_ms = ?2, attempts = 0 WHERE id = ?1 AND state = 4 RETURNING lane",
            params![id, writing.now().0],
            |row| row.get(0),
        )
        .optional()
        .doing("running a job again")?;
    let recipient = RecipientId(lane.ok_or(StoreError::NotFound { what: "dead job" })?);
    let known = recipients::recipient(writing, recipient)?.ok_or(StoreError::NotFound { what: "recipient" })?;
    acts::record(
        writing,
        known.organisation,
        by,
        "message-sent-again",
        &format!("message {id}"),
    )
}

pub(crate) fn list(snapshot: &Snapshot<'_>, state: JobState, limit: u32) -> Result<Vec<Job>> {
    select(
        snapshot,
        &format!("SELECT {COLUMNS} FROM job WHERE state = ?1 ORDER BY id DESC LIMIT ?2"),
        params![state as u8, limit],
    )
}

pub(crate) fn of_person(snapshot: &Snapshot<'_>, person: PersonId) -> Result<Vec<Job>> {
    select(
        snapshot,
        &format!("SELECT {COLUMNS} FROM job WHERE consent IN (SELECT id FROM consent WHERE person = ?1) ORDER BY id"),
        params![person.0],
    )
}

fn select(snapshot: &Snapshot<'_>, sql: &str, parameters: impl rusqlite::Params) -> Result<Vec<Job>> {
    let rows: Vec<Columns> = snapshot
        .prepare_cached(sql)
        .and_then(|mut statement| statement.query_map(parameters, columns)?.collect())
        .doing("reading jobs")?;
    rows.into_iter().map(read).collect()
}

type Columns = (i64, u32, u8, i64, u32, i64, i64, String, Option<String>);

fn columns(row: &Row<'_>) -> rusqlite::Result<Columns> {
    row.try_into()
}

fn read((id, lane, state, due, attempts, fence, created, body, problem): Columns) -> Result<Job> {
    let damaged = || StoreError::damaged(format!("job, row {id}"));
    Ok(Job {
        id,
        recipient: RecipientId(lane),
        task: serde_json::from_str(&body).map_err(|_| damaged())?,
        state: JobState::from_number(state).ok_or_else(damaged)?,
        due: UtcMillis(due),
        attempts,
        created: UtcMillis(created),
        problem,
        fence,
    })
}

/// Deletes what ended long ago; dead jobs wait for an operator.
pub(crate) fn purge(writing: &Writing<'_>, now: UtcMillis) -> Result<usize> {
    writing
        .execute(
            "DELETE FROM job WHERE state IN (3, 5) AND due_ms <= ?1",
            [now.plus(-KEPT_MS).0],
        )
        .doing("deleting old jobs")
}

pub(crate) fn set_endpoint(
    writing: &Writing<'_>,
    recipient: RecipientId,
    endpoint: &Endpoint,
    by: Actor,
) -> Result<()> {
    let known = recipients::recipient(writing, recipient)?.ok_or(StoreError::NotFound { what: "recipient" })?;
    let secret = writing.keys().organisation(known.organisation)?.seal(
        writing.randomness(),
        "recipient_endpoint",
        &[recipient.0.into()],
        &endpoint.secret,
    )?;
    writing
        .execute(
            "INSERT INTO recipient_endpoint (recipient, url, secret, created_ms) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (recipient) DO UPDATE SET url = ?2, secret = ?3, created_ms = ?4",
            params![recipient.0, endpoint.url, secret, writing.now().0],
        )
        .doing("setting an endpoint")?;
    acts::record(
        writing,
        known.organisation,
        by,
        "endpoint-set",
        &format!("recipient {recipient}"),
    )
}

pub(crate) fn endpoint(snapshot: &Snapshot<'_>, recipient: RecipientId) -> Result<Option<Endpoint>> {
    let found: Option<(String, Vec<u8>, u32)> = snapshot
        .prepare_cached(
            "SELECT url, secret, organisation FROM recipient_endpoint
             JOIN recipient ON recipient.id = recipient_endpoint.recipient WHERE recipient = ?1",
        )
        .and_then(|mut statement| {
            statement
                .query_row([recipient.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                .optional()
        })
        .doing("reading an endpoint")?;
    found
        .map(|(url, secret, organisation)| {
            let key = snapshot.keys().organisation(OrganisationId(organisation))?;
            let secret = key.open("recipient_endpoint", &[recipient.0.into()], &secret)?;
            Ok(Endpoint { url, secret })
        })
        .transpose()
}
