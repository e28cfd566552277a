//! `/operator/requests`: what residents of the operator's organisation ask for, what is due first on top, and the answers.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use store::{Actor, RequestState, StoreError, SubjectRequest};

use super::super::form::Sent;
use super::super::page::{Frame, send};
use super::super::words::Words;
use super::super::{Problem, error_page};
use crate::operator::SignedInOperator;
use crate::state::AppState;

/// Where the page lies.
pub const PATH: &str = "/operator/requests";

/// Requests on the page.
const LISTED: u32 = 200;

/// What the address may say.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    /// What is wrong.
    #[serde(default)]
    problem: String,
}

#[derive(Template)]
#[template(path = "operator_requests.html")]
struct View {
    frame: Frame,
    words: Words,
    csrf: String,
    problem: Option<String>,
    requests: Vec<Shown>,
}

struct Shown {
    id: i64,
    who: String,
    kind: String,
    state: String,
    made: String,
    due: String,
    is_open: bool,
    is_overdue: bool,
    asked: String,
    answered: String,
}

/// `GET /operator/requests`.
pub async fn show(
    State(state): State<AppState>,
    signed_in: SignedInOperator,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Response {
    match view(&state, &signed_in, &headers, &asked).await {
        Ok(view) => send(StatusCode::OK, &view, None),
        Err(error) => failed(&headers, &error),
    }
}

fn failed(headers: &HeaderMap, error: &StoreError) -> Response {
    tracing::error!(%error, "requests could not be listed or answered");
    error_page(headers, Problem::Internal)
}

async fn view(
    state: &AppState,
    signed_in: &SignedInOperator,
    headers: &HeaderMap,
    asked: &Asked,
) -> Result<View, StoreError> {
    let words = Words::for_reader(headers);
    let organisation = signed_in.operator.organisation;
    let requests = state.store.requests(organisation, LISTED).await?;
    // Who was erased has no name any more.
    let people = requests.iter().map(|request| request.person).collect();
    let names = state.store.names(people).await?;
    let requests = requests
        .into_iter()
        .map(|request| {
            let name = names.get(&request.person).cloned();
            shown(words, state, request, name)
        })
        .collect();
    Ok(View {
        frame: Frame::open(words, PATH),
        words,
        csrf: signed_in.csrf.clone(),
        problem: match asked.problem.as_str() {
            "reason" => Some(words.say("operator-request-reason")),
            "over" => Some(words.say("request-over")),
            _ => None,
        },
        requests,
    })
}

fn shown(words: Words, state: &AppState, request: SubjectRequest, name: Option<String>) -> Shown {
    let is_open = request.state.is_open();
    Shown {
        id: request.id,
        who: format!("{}　{}", request.person, name.unwrap_or_default()),
        kind: words.say(&format!("request-kind-{}", request.kind.code())),
        state: words.say(&format!("request-state-{}", request.state.code())),
        made: fhir_profiles::instant_text(request.created),
        due: fhir_profiles::instant_text(request.due),
        is_open,
        is_overdue: is_open && request.due < state.clock.now(),
        asked: request.words.asked,
        answered: request.words.answered,
    }
}

/// The form of an answer.
#[derive(Debug, Deserialize)]
pub struct Answered {
    #[serde(default)]
    state: String,
    #[serde(default)]
    answer: String,
}

/// `POST /operator/requests/{id}`.
pub async fn answer(
    State(state): State<AppState>,
    headers: HeaderMap,
    Path(id): Path<i64>,
    Sent { signed_in, form }: Sent<SignedInOperator, Answered>,
) -> Response {
    let Some(to) = RequestState::from_code(&form.state) else {
        return error_page(&headers, Problem::NotFound);
    };
    if to == RequestState::Refused && form.answer.trim().is_empty() {
        return Redirect::to(&format!("{PATH}?problem=reason")).into_response();
    }
    let operator = &signed_in.operator;
    let by = Actor::Operator(operator.id);
    let answered = state
        .store
        .answer_request(operator.organisation, id, to, &form.answer, by);
    match answered.await {
        Ok(()) => Redirect::to(PATH).into_response(),
        Err(StoreError::Invalid { .. }) => Redirect::to(&format!("{PATH}?problem=over")).into_response(),
        Err(StoreError::NotFound { .. }) => error_page(&headers, Problem::NotFound),
        Err(error) => failed(&headers, &error),
    }
}
