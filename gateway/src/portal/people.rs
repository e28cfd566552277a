//! `/portal/people`: for whom one may act, who may act for oneself, and the buttons that begin and end it.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use consent::Relationship;
use model::PersonId;
use oauth2::url::form_urlencoded;
use serde::Deserialize;
use store::{Actor, Representation, StoreError};

use super::form::Sent;
use super::page::{self, Frame, Pressed, shown};
use super::resident::{Resident, day};
use super::words::Words;
use super::{Problem, error_page};
use crate::oauth::handles;
use crate::sign_in::return_to::Asked;
use crate::sign_in::{SignedIn, cookies};
use crate::state::AppState;

/// Where the page lies.
pub const PATH: &str = "/portal/people";

/// The page, from which one comes back to this path of ours.
pub fn address(return_to: &str) -> String {
    let return_to: String = form_urlencoded::byte_serialize(return_to.as_bytes()).collect();
    format!("{PATH}?return_to={return_to}")
}

#[derive(Template)]
#[template(path = "people.html")]
struct View {
    frame: Frame,
    words: Words,
    csrf: String,
    return_to: String,
    /// For whom the reader may act.
    wards: Vec<Line>,
    /// Who may act for the person of this page.
    actors: Vec<Line>,
}

struct Line {
    /// The number that the button carries.
    id: String,
    name: String,
    more: String,
    /// Whether there is a button.
    button: bool,
}

/// `GET /portal/people?return_to=…`.
pub async fn show(
    State(state): State<AppState>,
    signed_in: SignedIn,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Response {
    let view = view(&state, &signed_in, &asked).await;
    shown(view, &headers, "the page of people could not be made")
}

async fn view(state: &AppState, signed_in: &SignedIn, asked: &Asked) -> Result<Option<View>, StoreError> {
    let Some(resident) = Resident::load(state, &signed_in.own).await? else {
        return Ok(None);
    };
    let words = Words(signed_in.language);
    let wards = state
        .store
        .representations_by(signed_in.reader, state.clock.now())
        .await?;
    let mut actors = state.store.representations_of(signed_in.person).await?;
    actors.retain(|right| right.holds(resident.now));
    let people = wards.iter().map(|right| right.person);
    let names = state
        .store
        .names(people.chain(actors.iter().map(|right| right.actor)).collect())
        .await?;
    let line = |right: &Representation, of: PersonId, id: String, button: bool| Line {
        id,
        name: names.get(&of).cloned().unwrap_or_else(|| words.say("people-unnamed")),
        more: more(words, &resident, right),
        button,
    };
    let is_oneself = signed_in.own.acting().is_none();
    Ok(Some(View {
        csrf: signed_in.csrf.clone(),
        return_to: asked.local().as_str().to_owned(),
        wards: wards
            .iter()
            .map(|right| line(right, right.person, right.person.0.to_string(), true))
            .collect(),
        actors: actors
            .iter()
            .map(|right| {
                let can_end = is_oneself && right.relationship == Relationship::Proxy;
                line(right, right.actor, right.id.to_string(), can_end)
            })
            .collect(),
        frame: Frame::own(words, PATH, &resident, &signed_in.csrf),
        words,
    }))
}

/// What somebody is to the other, what they may do, and until when.
fn more(words: Words, resident: &Resident, right: &Representation) -> String {
    let relationship = words.say(&format!("relationship-{}", right.relationship.code()));
    let extent = words.say(if right.decides { "people-decides" } else { "people-sees" });
    let until = right
        .until
        .map(|until| words.with("people-until", "day", day(words.0, resident.day_of(until.plus(-1)))));
    let parts: Vec<String> = [relationship, extent].into_iter().chain(until).collect();
    parts.join(&words.say("list-joint"))
}

/// Whom to act for.
#[derive(Debug, Deserialize)]
pub struct Acting {
    /// The person's number; empty: for oneself.
    #[serde(default)]
    person: String,
    #[serde(flatten)]
    then: Asked,
}

/// `POST /portal/act-for`: from now on this session acts for somebody, or for oneself again.
pub async fn act_for(
    State(state): State<AppState>,
    headers: HeaderMap,
    Sent { signed_in, form }: Sent<SignedIn, Acting>,
) -> Response {
    let handle = cookies::handle(&headers, cookies::SESSION, cookies::is_https(&state));
    match (
        begun(&state, &signed_in, &form.person, handle).await,
        form.person.is_empty(),
    ) {
        // A page of the other person may be none of one's own.
        (Ok(true), true) => {
            let back = form.then.given().filter(|path| path.as_str().starts_with("/oauth/"));
            let back = back.map_or_else(|| super::PATH.to_owned(), |path| path.as_str().to_owned());
            Redirect::to(&back).into_response()
        }
        (Ok(true), false) => Redirect::to(form.then.local().as_str()).into_response(),
        (Ok(false), _) => error_page(&headers, Problem::NotFound),
        (Err(error), _) => {
            tracing::error!(%error, "a session could not act for somebody");
            error_page(&headers, Problem::Internal)
        }
    }
}

async fn begun(
    state: &AppState,
    signed_in: &SignedIn,
    person: &str,
    handle: Option<String>,
) -> Result<bool, StoreError> {
    let Some(handle) = handle else { return Ok(false) };
    let handle = handles::hash(&handle);
    if person.is_empty() {
        return state.store.act_for(handle, None).await;
    }
    let Ok(person) = person.parse().map(PersonId) else {
        return Ok(false);
    };
    let now = state.clock.now();
    let right = state.store.representation(person, signed_in.reader, now).await?;
    let (Some(right), Some(ward)) = (right, state.store.person(person).await?) else {
        return Ok(false);
    };
    let subject = format!("right {}, person {person}", right.id);
    let by = Actor::resident(signed_in.reader);
    state
        .store
        .record_act(ward.custodian, by, "acting-began", subject)
        .await?;
    state.store.act_for(handle, Some(person)).await
}

/// `POST /portal/people/{id}/end`: ends the right of a proxy whom one named.
pub async fn end(
    State(state): State<AppState>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Sent { signed_in, .. }: Sent<SignedIn, Pressed>,
) -> Response {
    let Ok(id) = id.parse() else {
        return error_page(&headers, Problem::NotFound);
    };
    let ended = state.store.end_own_proxy(&signed_in.own, id).await;
    page::ended(ended, &headers, PATH, "a right to act")
}

#[cfg(test)]
#[path = "people_tests.rs"]
mod tests;
