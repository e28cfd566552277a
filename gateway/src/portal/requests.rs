//! `/portal/requests`: what the law lets a resident ask of whoever keeps their data, and where each request stands.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use consent::Language;
use serde::Deserialize;
use store::{RequestKind, RequestState, StoreError, SubjectRequest};

use super::form::Sent;
use super::page::{Frame, MessagePage, Pressed, send};
use super::resident::{Resident, day};
use super::words::Words;
use super::{Problem, error_page};
use crate::sign_in::{self, SignedIn};
use crate::state::AppState;

/// Where the page lies.
pub const PATH: &str = "/portal/requests";

/// What the address of the page may say.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    /// What was done just now, or what is wrong.
    #[serde(default)]
    done: String,
}

#[derive(Template)]
#[template(path = "requests.html")]
struct View {
    frame: Frame,
    words: Words,
    csrf: String,
    message: Option<String>,
    problem: Option<String>,
    kinds: Vec<(&'static str, String, String)>,
    requests: Vec<Shown>,
}

/// A request in words.
struct Shown {
    id: i64,
    kind: String,
    state: String,
    made: String,
    due: Option<String>,
    asked: String,
    answered: String,
}

/// `GET /portal/requests`.
pub async fn show(
    State(state): State<AppState>,
    signed_in: SignedIn,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Response {
    match view(&state, &signed_in, &asked.done).await {
        Ok(Some(view)) => {
            let status = if view.problem.is_some() {
                StatusCode::UNPROCESSABLE_ENTITY
            } else {
                StatusCode::OK
            };
            send(status, &view, None)
        }
        Ok(None) => error_page(&headers, Problem::UnknownPerson),
        Err(error) => failed(&headers, &error),
    }
}

fn failed(headers: &HeaderMap, error: &StoreError) -> Response {
    tracing::error!(%error, "a request could not be kept or shown");
    error_page(headers, Problem::Internal)
}

async fn view(state: &AppState, signed_in: &SignedIn, done: &str) -> Result<Option<View>, StoreError> {
    let Some(resident) = Resident::load(state, &signed_in.own).await? else {
        return Ok(None);
    };
    let words = Words(signed_in.language);
    let requests = state.store.own_requests(&signed_in.own).await?;
    Ok(Some(View {
        words,
        csrf: signed_in.csrf.clone(),
        message: match done {
            "filed" => Some(words.say("request-filed")),
            "taken-back" => Some(words.say("request-taken_back")),
            _ => None,
        },
        problem: match done {
            "kind" => Some(words.say("request-no_kind")),
            "long" => Some(words.say("request-long")),
            "many" => Some(words.say("request-many")),
            "over" => Some(words.say("request-over")),
            _ => None,
        },
        kinds: RequestKind::ALL
            .into_iter()
            .filter(|kind| *kind != RequestKind::Deletion || signed_in.own.acting().is_none())
            .map(|kind| {
                let key = format!("request-kind-{}", kind.code());
                (kind.code(), words.say(&key), words.say(&format!("{key}-help")))
            })
            .collect(),
        requests: requests
            .into_iter()
            .map(|request| shown(words, &resident, request))
            .collect(),
        frame: Frame::own(words, PATH, &resident, &signed_in.csrf),
    }))
}

fn shown(words: Words, resident: &Resident, request: SubjectRequest) -> Shown {
    let language: Language = words.0;
    let due = day(language, resident.day_of(request.due));
    Shown {
        id: request.id,
        kind: words.say(&format!("request-kind-{}", request.kind.code())),
        state: words.say(&format!("request-state-{}", request.state.code())),
        made: resident.moment(language, request.created),
        due: request.state.is_open().then(|| words.with("request-due", "day", due)),
        asked: request.words.asked,
        answered: request.words.answered,
    }
}

/// The form.
#[derive(Debug, Deserialize)]
pub struct Filed {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    text: String,
}

/// `POST /portal/requests`. Deletion is asked for within five minutes of a sign-in.
pub async fn file(
    State(state): State<AppState>,
    headers: HeaderMap,
    Sent { signed_in, form }: Sent<SignedIn, Filed>,
) -> Response {
    let Some(kind) = RequestKind::from_code(&form.kind) else {
        return Redirect::to(&format!("{PATH}?done=kind")).into_response();
    };
    // Whoever acts for somebody asks for that at the counter, which looks at their right first.
    if kind == RequestKind::Deletion && signed_in.own.acting().is_some() {
        return error_page(&headers, Problem::NotForOthers);
    }
    if kind == RequestKind::Deletion && !signed_in.is_fresh(state.clock.now()) {
        return again(&signed_in);
    }
    let done = match state.store.file_request(&signed_in.own, kind, &form.text).await {
        Ok(_) => "filed",
        Err(StoreError::Invalid { .. }) => "long",
        Err(StoreError::TooMany { .. }) => "many",
        Err(error) => return failed(&headers, &error),
    };
    Redirect::to(&format!("{PATH}?done={done}")).into_response()
}

/// A link to a fresh sign-in: a form's answer may not redirect to the provider.
fn again(signed_in: &SignedIn) -> Response {
    let words = Words(signed_in.language);
    let page = MessagePage {
        frame: Frame::open(words, PATH),
        words,
        title: words.say("confirm-again-title"),
        text: words.say("request-again"),
        is_error: false,
        links: vec![(sign_in::again(PATH), words.say("confirm-again-do"))],
    };
    send(StatusCode::OK, &page, None)
}

/// `POST /portal/requests/{id}/take-back`.
pub async fn take_back(
    State(state): State<AppState>,
    headers: HeaderMap,
    Path(id): Path<i64>,
    Sent { signed_in, .. }: Sent<SignedIn, Pressed>,
) -> Response {
    match state.store.take_back_request(&signed_in.own, id).await {
        Ok(()) => Redirect::to(&format!("{PATH}?done={}", RequestState::TakenBack.code())).into_response(),
        Err(StoreError::Invalid { .. }) => Redirect::to(&format!("{PATH}?done=over")).into_response(),
        Err(StoreError::NotFound { .. }) => error_page(&headers, Problem::NotFound),
        Err(error) => failed(&headers, &error),
    }
}

#[cfg(test)]
#[path = "requests_tests.rs"]
mod tests;
