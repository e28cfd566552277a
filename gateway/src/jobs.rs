//! The worker of the durable queue: takes what is due, does it, and says what came of it.

use std::time::Duration;

use model::UtcMillis;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use store::{Job, JobOutcome, StoreError, Task};
use tokio::task::JoinSet;

use crate::messages;
use crate::outgoing::{OutgoingError, retry_after};
use crate::state::AppState;

/// Jobs under way at once.
const AT_ONCE: usize = 128;

/// How long a worker holds a job, in milliseconds: longer than a call can take.
const LEASE_MS: i64 = 60_000;

/// How often the worker looks when it has nothing to do.
const IDLE: Duration = Duration::from_secs(1);

/// Seconds to wait after each failed attempt (Standard Webhooks, "Deliverability and reliability"); after the last the job is dead.
const SCHEDULE: [i64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

/// Works until it is aborted; what it held is due again when the leases run out.
pub async fn work(state: AppState) {
    let mut under_way = JoinSet::new();
    loop {
        while under_way.try_join_next().is_some() {}
        match take(&state, AT_ONCE - under_way.len()).await {
            Ok(jobs) if !jobs.is_empty() => {
                for job in jobs {
                    let state = state.clone();
                    under_way.spawn(async move { carry_out(&state, &job).await });
                }
                continue;
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "jobs could not be taken"),
        }
        tokio::time::sleep(IDLE).await;
    }
}

async fn take(state: &AppState, room: usize) -> Result<Vec<Job>, StoreError> {
    if room == 0 || !state.store.has_due_jobs().await? {
        return Ok(Vec::new());
    }
    let until = state.clock.now().plus(LEASE_MS);
    state.store.lease_jobs(room as u32, until).await
}

/// Does a job and says what came of it.
async fn carry_out(state: &AppState, job: &Job) {
    let outcome = match tell(state, job).await {
        Ok(answer) => outcome(&answer, job.attempts, state.clock.now(), jitter(state)),
        Err(error) => {
            tracing::warn!(%error, job = job.id, "a job could not be carried out");
            let answer = Answer::Failed {
                problem: "a fault of this gateway".to_owned(),
                wait: None,
            };
            outcome(&answer, job.attempts, state.clock.now(), jitter(state))
        }
    };
    let label = match &outcome {
        JobOutcome::Done => "done",
        JobOutcome::Again { .. } => "again",
        JobOutcome::Dead { .. } => "dead",
    };
    metrics::counter!("sekisho_jobs_total", "outcome" => label).increment(1);
    tracing::info!(job = job.id, recipient = %job.recipient, attempt = job.attempts, outcome = label, "carried out a job");
    if let Err(error) = state.store.finish_job(job, outcome).await {
        // The lease runs out, and it is done again under the same message id.
        tracing::warn!(%error, job = job.id, "what came of a job could not be kept");
    }
}

/// What an attempt met.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    /// The recipient has it.
    Taken,
    /// It may work later.
    Failed {
        /// What went wrong.
        problem: String,
        /// How many seconds the recipient asks to wait.
        wait: Option<i64>,
    },
    /// It will not work until somebody changes something.
    Hopeless {
        /// What went wrong.
        problem: String,
    },
}

async fn tell(state: &AppState, job: &Job) -> Result<Answer, StoreError> {
    let Task::Tell(message) = &job.task;
    let Some(endpoint) = state.store.endpoint(job.recipient).await? else {
        return Ok(Answer::Hopeless {
            problem: "the recipient has no endpoint for messages".to_owned(),
        });
    };
    let now = state.clock.now();
    let signed = messages::sign(&state.pairwise, job.recipient, &endpoint, message, now);
    let sent = state
        .outgoing
        .send(&endpoint.url, |client, url| {
            client
                .post(url)
                .header(CONTENT_TYPE, "application/json")
                .header("webhook-id", signed.id)
                .header("webhook-timestamp", signed.timestamp)
                .header("webhook-signature", signed.signature)
                .body(signed.body)
        })
        .await;
    Ok(match sent {
        Ok(answer) => answer_of(answer.status(), answer.headers(), now),
        Err(error @ OutgoingError::Url) => Answer::Hopeless {
            problem: error.to_string(),
        },
        Err(error) => Answer::Failed {
            problem: error.to_string(),
            wait: None,
        },
    })
}

/// What a status means (Standard Webhooks, "Responding to webhooks"): any 2xx is taken, 410 asks for no more.
fn answer_of(status: StatusCode, headers: &HeaderMap, now: UtcMillis) -> Answer {
    let problem = format!("answered {}", status.as_u16());
    match status {
        _ if status.is_success() => Answer::Taken,
        StatusCode::GONE => Answer::Hopeless { problem },
        _ => Answer::Failed {
            problem,
            wait: retry_after(headers, now),
        },
    }
}

/// What becomes of a job after its `attempts`-th attempt. `jitter` is from 0 to 1: waits differ by up to a fifth, so that what
/// failed together does not come back together.
fn outcome(answer: &Answer, attempts: u32, now: UtcMillis, jitter: f64) -> JobOutcome {
    let (problem, wait) = match answer {
        Answer::Taken => return JobOutcome::Done,
        Answer::Hopeless { problem } => {
            return JobOutcome::Dead {
                problem: problem.clone(),
            };
        }
        Answer::Failed { problem, wait } => (problem.clone(), wait.unwrap_or(0)),
    };
    match SCHEDULE.get((attempts as usize).saturating_sub(1)) {
        Some(own) => {
            let own = (*own as f64 * 1_000.0 * (0.9 + jitter / 5.0)) as i64;
            JobOutcome::Again {
                at: now.plus(own.max(wait * 1_000)),
                problem,
            }
        }
        None => JobOutcome::Dead { problem },
    }
}

fn jitter(state: &AppState) -> f64 {
    let mut bytes = [0; 4];
    state.randomness.fill(&mut bytes);
    f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests;
