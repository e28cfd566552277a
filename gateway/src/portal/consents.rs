//! `/portal`: whom one shares with and how to stop, and what was shared. One button withdraws a consent; the page comes
//! back with a message.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use consent::{Asked as AskedFor, Consent, ConsentDraft, ConsentId, Grant, HowGiven};
use model::ConsentCategory;
use serde::Deserialize;
use store::StoreError;

use super::form::Sent;
use super::links::Unshared;
use super::page::{Frame, Pressed, shown};
use super::resident::Resident;
use super::teller::{AccessDay, Card, Teller};
use super::words::Words;
use super::{PATH, Problem, delegations, error_page, links};
use crate::sign_in::SignedIn;
use crate::state::AppState;

/// How many records of provision a page looks at.
const ACCESSES: usize = 200;

/// What the address of the page may say.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    /// What was done just now.
    #[serde(default)]
    done: Option<String>,
    /// Records of provision before this number.
    #[serde(default)]
    before: Option<u64>,
}

/// `GET /portal`.
pub async fn show(
    State(state): State<AppState>,
    signed_in: SignedIn,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Response {
    let view = view(&state, &signed_in, &asked).await;
    shown(view, &headers, "the page of consents could not be made")
}

/// `POST /portal/consents/{id}/withdraw`: takes effect before it answers.
pub async fn withdraw(
    State(state): State<AppState>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Sent { signed_in, .. }: Sent<SignedIn, Pressed>,
) -> Response {
    let Ok(id) = id.parse().map(ConsentId) else {
        return error_page(&headers, Problem::NotFound);
    };
    match state.store.withdraw_consent(&signed_in.own, id).await {
        Ok(_) => Redirect::to(&format!("{PATH}?done=withdrawn")).into_response(),
        Err(StoreError::NotFound { .. }) => error_page(&headers, Problem::NotFound),
        Err(StoreError::Consent(_)) => Redirect::to(&format!("{PATH}?done=already")).into_response(),
        Err(error) => {
            tracing::error!(%error, "a consent could not be withdrawn");
            error_page(&headers, Problem::Internal)
        }
    }
}

/// `POST /portal/consents/{id}/undo`: agrees anew to what was withdrawn some minutes ago. The app connects again.
pub async fn undo(
    State(state): State<AppState>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Sent { signed_in, .. }: Sent<SignedIn, Pressed>,
) -> Response {
    match undone(&state, &signed_in, &id).await {
        Ok(true) => Redirect::to(&format!("{PATH}?done=undone")).into_response(),
        Ok(false) => error_page(&headers, Problem::NotFound),
        Err(error) => {
            tracing::error!(%error, "a withdrawal could not be undone");
            error_page(&headers, Problem::Internal)
        }
    }
}

async fn undone(state: &AppState, signed_in: &SignedIn, id: &str) -> Result<bool, StoreError> {
    let all = state.store.consents(&signed_in.own).await?;
    let Some(resident) = Resident::load(state, &signed_in.own).await? else {
        return Ok(false);
    };
    let teller = Teller::load(state, &signed_in.own, Words(signed_in.language), &resident).await?;
    let Some(before) = find(&all, id).filter(|consent| teller.can_undo(consent, &all)) else {
        return Ok(false);
    };
    let live = |grant: &&Grant| grant.is_live(resident.now);
    let draft = ConsentDraft {
        grants: before.grants.iter().filter(live).cloned().collect(),
        identity: before.identity.at(resident.now),
        ..again(before, signed_in)
    };
    state.store.give_consent(draft).await?;
    Ok(true)
}

/// The consent that an address of the portal names.
pub(super) fn find<'a>(all: &'a [Consent], id: &str) -> Option<&'a Consent> {
    let id = id.parse().map(ConsentId).ok()?;
    all.iter().find(|consent| consent.id == id)
}

/// A draft that says what a consent said, given by this session.
pub(super) fn again(before: &Consent, signed_in: &SignedIn) -> ConsentDraft {
    ConsentDraft {
        person: before.person,
        recipient: before.recipient,
        purpose: before.purpose.clone(),
        asked: AskedFor {
            grants: before.grants.clone(),
            identity: before.identity,
        },
        grants: before.grants.clone(),
        identity: before.identity,
        language: before.language,
        text: before.text.clone(),
        text_hash: before.text_hash,
        how: HowGiven::SignedIn {
            issuer: signed_in.issuer.clone(),
            assurance: signed_in.assurance.clone(),
            acting: signed_in.own.acting(),
        },
    }
}

#[derive(Template)]
#[template(path = "portal.html")]
struct View {
    frame: Frame,
    words: Words,
    csrf: String,
    message: Option<String>,
    /// After a withdrawal: links that go on though nobody is given what they bring.
    unshared: Vec<Unshared>,
    /// Of what runs out soon.
    reminders: Vec<String>,
    active: Vec<Card>,
    ended: Vec<Card>,
    accesses: Vec<AccessDay>,
    later: bool,
    earlier: Option<u64>,
}

async fn view(state: &AppState, signed_in: &SignedIn, asked: &Asked) -> Result<Option<View>, StoreError> {
    let Some(resident) = Resident::load(state, &signed_in.own).await? else {
        return Ok(None);
    };
    let consents = state.store.consents(&signed_in.own).await?;
    let delegated = state.store.delegations(&signed_in.own).await?;
    let newest = state.store.accesses(&signed_in.own, None, ACCESSES).await?;
    let shown = match asked.before {
        Some(before) => state.store.accesses(&signed_in.own, Some(before), ACCESSES).await?,
        None => newest.clone(),
    };
    let words = Words(signed_in.language);
    let teller = Teller::load(state, &signed_in.own, words, &resident).await?;
    let (active, ended): (Vec<&Consent>, Vec<&Consent>) =
        consents.iter().partition(|consent| teller.is_active(consent));
    let shared: Vec<ConsentCategory> = (active.iter().flat_map(|consent| &consent.grants))
        .map(|grant| grant.category)
        .collect();
    let unshared = match asked.done.as_deref() {
        Some("withdrawn") => links::unshared(state, signed_in, &shared).await?,
        _ => Vec::new(),
    };
    let cards = |of: Vec<&Consent>| {
        of.into_iter()
            .map(|consent| teller.card(consent, &consents, &newest))
            .collect()
    };
    let earlier = shown
        .last()
        .filter(|last| shown.len() == ACCESSES && last.number > 1)
        .map(|last| last.number);
    Ok(Some(View {
        words,
        csrf: signed_in.csrf.clone(),
        message: match asked.done.as_deref() {
            Some("withdrawn") => Some(words.say("portal-done-withdrawn")),
            Some("undone") => Some(words.say("portal-done-undone")),
            Some("narrowed") => Some(words.say("portal-done-narrowed")),
            Some("agreed") => Some(words.say("portal-done-agreed")),
            Some("already") => Some(words.say("portal-done-already")),
            _ => None,
        },
        unshared,
        reminders: delegations::reminders(state, words, &resident, &delegated),
        active: cards(active),
        ended: cards(ended),
        accesses: teller.days(&shown),
        later: asked.before.is_some(),
        earlier,
        frame: Frame::own(words, PATH, &resident, &signed_in.csrf),
    }))
}

#[cfg(test)]
#[path = "consents_tests.rs"]
pub mod tests;
