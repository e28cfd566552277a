//! `/operator`: the apps of one organisation, to approve and to block, and messages to them that could not be delivered.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use model::RecipientId;
use store::{Actor, Job, JobState, Recipient, RegistrationState, StoreError, Task};

use super::super::form::Sent;
use super::super::page::{Frame, Pressed, send};
use super::super::words::Words;
use super::super::{Problem, error_page};
use crate::messages;
use crate::operator::{PATH, SignedInOperator};
use crate::state::AppState;

/// Messages on one page at most.
const MESSAGES: u32 = 100;

#[derive(Template)]
#[template(path = "operator_home.html")]
struct View {
    frame: Frame,
    words: Words,
    csrf: String,
    operator: String,
    organisation: String,
    apps: Vec<App>,
    messages: Vec<Letter>,
}

struct App {
    id: String,
    name: String,
    company: String,
    contact: String,
    policy: String,
    state: String,
    is_approved: bool,
    is_blocked: bool,
    basis: String,
    owes_report: bool,
    purposes: Vec<String>,
    clients: Vec<String>,
}

struct Letter {
    id: i64,
    app: String,
    what: &'static str,
    problem: String,
    attempts: u32,
}

/// `GET /operator`.
pub async fn show(State(state): State<AppState>, signed_in: SignedInOperator, headers: HeaderMap) -> Response {
    match view(&state, &signed_in, &headers).await {
        Ok(view) => send(StatusCode::OK, &view, None),
        Err(error) => failed(&headers, &error),
    }
}

fn failed(headers: &HeaderMap, error: &StoreError) -> Response {
    tracing::error!(%error, "an operator's page could not be made");
    error_page(headers, Problem::Internal)
}

/// The recipients of the operator's organisation.
async fn own(state: &AppState, signed_in: &SignedInOperator) -> Result<Vec<Recipient>, StoreError> {
    let mut recipients = state.store.recipients().await?;
    recipients.retain(|recipient| recipient.organisation == signed_in.operator.organisation);
    // What waits comes first.
    recipients.sort_by_key(|recipient| recipient.state != RegistrationState::Proposed);
    Ok(recipients)
}

async fn view(state: &AppState, signed_in: &SignedInOperator, headers: &HeaderMap) -> Result<View, StoreError> {
    let words = Words::for_reader(headers);
    let recipients = own(state, signed_in).await?;
    let mut apps = Vec::with_capacity(recipients.len());
    for recipient in &recipients {
        let clients = state.store.clients(recipient.id).await?;
        apps.push(App {
            id: recipient.id.to_string(),
            name: words.pick(&recipient.name_ja, &recipient.name_en).to_owned(),
            company: recipient.responsible.company.clone(),
            contact: recipient.responsible.contact.clone(),
            policy: recipient.responsible.privacy_policy.clone(),
            state: words.say(match recipient.state {
                RegistrationState::Proposed => "operator-proposed",
                RegistrationState::Approved => "operator-approved",
                RegistrationState::Blocked => "operator-blocked",
            }),
            is_approved: recipient.state == RegistrationState::Approved && clients.iter().all(|client| client.works()),
            is_blocked: recipient.state == RegistrationState::Blocked,
            basis: words.basis(&recipient.basis, recipient.basis.until.map(fhir_profiles::instant_text)),
            owes_report: recipient.basis.owes_report(state.clock.now()),
            purposes: recipient
                .purposes
                .iter()
                .map(|purpose| format!("{}：{} / {}", purpose.purpose, purpose.ja, purpose.en))
                .collect(),
            clients: clients
                .iter()
                .map(|client| {
                    format!(
                        "{}　{}　{}",
                        client.client_id,
                        client.redirect_uris.join(" "),
                        client.scopes.as_deref().unwrap_or_default()
                    )
                })
                .collect(),
        });
    }
    let letters = undelivered(state, &recipients).await?;
    let organisations = state.store.organisations().await?;
    let organisation = organisations
        .into_iter()
        .find(|organisation| organisation.id == signed_in.operator.organisation);
    Ok(View {
        frame: Frame::open(words, PATH),
        words,
        csrf: signed_in.csrf.clone(),
        operator: signed_in.operator.name.clone(),
        organisation: organisation.map(|organisation| organisation.name).unwrap_or_default(),
        messages: letters
            .iter()
            .map(|job| {
                let Task::Tell(message) = &job.task;
                Letter {
                    id: job.id,
                    app: name_of(words, &recipients, job.recipient),
                    what: messages::type_of(message.notice),
                    problem: job.problem.clone().unwrap_or_default(),
                    attempts: job.attempts,
                }
            })
            .collect(),
        apps,
    })
}

fn name_of(words: Words, recipients: &[Recipient], id: RecipientId) -> String {
    let recipient = recipients.iter().find(|recipient| recipient.id == id);
    recipient.map_or_else(String::new, |recipient| {
        words.pick(&recipient.name_ja, &recipient.name_en).to_owned()
    })
}

/// Messages to these recipients that could not be delivered.
async fn undelivered(state: &AppState, recipients: &[Recipient]) -> Result<Vec<Job>, StoreError> {
    let mut dead = state.store.jobs(JobState::Dead, MESSAGES).await?;
    dead.retain(|job| recipients.iter().any(|recipient| recipient.id == job.recipient));
    Ok(dead)
}

/// `POST /operator/recipients/{id}/approve`, `…/block` and `…/returned`: takes effect before it answers.
pub async fn move_recipient(
    State(state): State<AppState>,
    headers: HeaderMap,
    Path((id, act)): Path<(String, String)>,
    Sent { signed_in, .. }: Sent<SignedInOperator, Pressed>,
) -> Response {
    if act == "returned" {
        return returned(&state, &signed_in, &headers, &id).await;
    }
    let to = match act.as_str() {
        "approve" => RegistrationState::Approved,
        "block" => RegistrationState::Blocked,
        _ => return error_page(&headers, Problem::NotFound),
    };
    match moved(&state, &signed_in, &id, to).await {
        Ok(true) => Redirect::to(PATH).into_response(),
        Ok(false) => error_page(&headers, Problem::NotFound),
        Err(error) => failed(&headers, &error),
    }
}

/// Notes that a recipient reported return and erasure.
async fn returned(state: &AppState, signed_in: &SignedInOperator, headers: &HeaderMap, id: &str) -> Response {
    let noted = async {
        let recipients = own(state, signed_in).await?;
        let Some(recipient) = recipients.iter().find(|recipient| recipient.id.to_string() == id) else {
            return Ok(false);
        };
        let by = Actor::Operator(signed_in.operator.id);
        match state.store.report_returned(recipient.id, by).await {
            // Nothing is owed (any more): the page says so.
            Ok(()) | Err(StoreError::Invalid { .. }) => Ok(true),
            Err(error) => Err(error),
        }
    };
    match noted.await {
        Ok(true) => Redirect::to(PATH).into_response(),
        Ok(false) => error_page(headers, Problem::NotFound),
        Err(error) => failed(headers, &error),
    }
}

/// False when there is no such recipient in the operator's organisation.
async fn moved(
    state: &AppState,
    signed_in: &SignedInOperator,
    id: &str,
    to: RegistrationState,
) -> Result<bool, StoreError> {
    let recipients = own(state, signed_in).await?;
    let Some(recipient) = recipients.iter().find(|recipient| recipient.id.to_string() == id) else {
        return Ok(false);
    };
    let by = Actor::Operator(signed_in.operator.id);
    state.store.set_recipient_state(recipient.id, to, by).await?;
    if to == RegistrationState::Approved {
        for client in state.store.clients(recipient.id).await? {
            if client.state != to {
                state.store.set_client_state(&client.client_id, to, by).await?;
            }
        }
    }
    Ok(true)
}

/// `POST /operator/messages/{id}/again`.
pub async fn send_again(
    State(state): State<AppState>,
    headers: HeaderMap,
    Path(id): Path<i64>,
    Sent { signed_in, .. }: Sent<SignedInOperator, Pressed>,
) -> Response {
    let sent = async {
        let recipients = own(&state, &signed_in).await?;
        let dead = undelivered(&state, &recipients).await?;
        if !dead.iter().any(|job| job.id == id) {
            return Ok(false);
        }
        let by = Actor::Operator(signed_in.operator.id);
        state.store.rerun_job(id, by).await?;
        Ok::<bool, StoreError>(true)
    };
    match sent.await {
        Ok(true) => Redirect::to(PATH).into_response(),
        Ok(false) => error_page(&headers, Problem::NotFound),
        Err(error) => failed(&headers, &error),
    }
}
