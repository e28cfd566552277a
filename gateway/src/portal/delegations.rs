//! On the page of links: the portals of the state, how far each is, and the buttons that begin, renew and end.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use model::DelegationState;
use store::Delegation;

use super::form::Sent;
use super::links::PATH;
use super::page::{self, Frame, MessagePage, Pressed, send};
use super::resident::{self, Resident};
use super::words::Words;
use super::{Problem, error_page};
use crate::delegations::{self, Failure, Portal};
use crate::sign_in::SignedIn;
use crate::state::AppState;

/// One portal on the page.
pub(super) struct Card {
    pub(super) title: String,
    pub(super) about: String,
    /// What the resident should do, or what came of it.
    pub(super) need: Option<String>,
    pub(super) lines: Vec<String>,
    /// The button that begins or renews: where it leads, and what it says.
    pub(super) button: Option<(String, String)>,
    /// The one that the other button ends.
    pub(super) end: Option<i64>,
}

/// All portals, for this resident.
pub(super) fn cards(state: &AppState, words: Words, resident: &Resident, all: &[Delegation]) -> Vec<Card> {
    let all_portals = state.portals.all().iter();
    all_portals.map(|portal| card(words, resident, portal, all)).collect()
}

fn title(words: Words, portal: &Portal) -> String {
    let [ja, en] = portal.adapter.title();
    words.pick(ja, en).to_owned()
}

fn card(words: Words, resident: &Resident, portal: &Portal, all: &[Delegation]) -> Card {
    let [ja, en] = portal.adapter.about();
    let (living, latest) = delegations::living_and_latest(all, portal);
    let renew = (living.or(latest)).is_some_and(|one| delegations::should_be_renewed(one, resident.now));
    let (need, button) = match (living, latest) {
        // What came of trying to renew stands above what still holds.
        (Some(living), Some(latest)) if latest.id != living.id => {
            (told(words, portal, latest), Some("delegations-renew"))
        }
        (Some(living), _) if renew => (reminder(words, resident, portal, living), Some("delegations-renew")),
        (Some(_), _) => (None, None),
        (None, Some(latest)) if renew => (told(words, portal, latest), Some("delegations-renew")),
        (None, latest) => (
            latest.and_then(|latest| told(words, portal, latest)),
            Some("delegations-begin"),
        ),
    };
    let mut lines = Vec::new();
    if let Some(living) = living {
        let key = format!("delegations-is-{}", living.state.key());
        lines.push(words.with(&key, "name", title(words, portal)));
        lines.push(match living.fetched {
            Some(fetched) => words.with("links-fetched", "when", resident.moment(words.0, fetched)),
            None => words.say("delegations-not-yet"),
        });
        if let Some(expires) = living.expires {
            let day = resident::day(words.0, resident.day_of(expires));
            lines.push(words.with("delegations-until", "day", day));
        }
    }
    let title = title(words, portal);
    let address = format!("/portal/delegations/{}/begin", portal.adapter.name());
    Card {
        button: button.map(|key| (address, words.with(key, "name", title.as_str()))),
        title,
        about: words.pick(ja, en).to_owned(),
        need,
        lines,
        end: living.map(|living| living.id),
    }
}

/// What came of one that is not agreed to; nothing of one that the resident ended themselves.
fn told(words: Words, portal: &Portal, latest: &Delegation) -> Option<String> {
    let key = match latest.state {
        DelegationState::Ended => return None,
        // Nobody came back in time: that is said by the button.
        DelegationState::Expired if latest.agreed.is_none() => return None,
        state => state.key(),
    };
    Some(words.with(&format!("delegations-is-{key}"), "name", title(words, portal)))
}

fn reminder(words: Words, resident: &Resident, portal: &Portal, living: &Delegation) -> Option<String> {
    let day = resident::day(words.0, resident.day_of(living.expires?));
    let (name, day) = (title(words, portal), day);
    Some(words.fill("delegations-remind", [("name", name), ("day", day)]))
}

/// What a resident is reminded of on their first page.
pub(super) fn reminders(state: &AppState, words: Words, resident: &Resident, all: &[Delegation]) -> Vec<String> {
    let of = |portal: &Portal| {
        let (living, latest) = delegations::living_and_latest(all, portal);
        if !delegations::should_be_renewed(living.or(latest)?, resident.now) {
            return None;
        }
        match living {
            Some(living) => reminder(words, resident, portal, living),
            None => Some(words.with("delegations-over", "name", title(words, portal))),
        }
    };
    state.portals.all().iter().filter_map(of).collect()
}

/// `POST /portal/delegations/{id}/end`.
pub async fn end(
    State(state): State<AppState>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Sent { signed_in, .. }: Sent<SignedIn, Pressed>,
) -> Response {
    let Ok(id) = id.parse() else {
        return error_page(&headers, Problem::NotFound);
    };
    let ended = state.store.end_delegation(&signed_in.own, id).await;
    page::ended(ended, &headers, PATH, "a delegation")
}

/// The page that says that nothing was begun, or nothing came back, and why.
pub fn failed(headers: &HeaderMap, failure: Failure) -> Response {
    let words = Words::for_reader(headers);
    let (status, text) = match failure {
        Failure::NotOurs => (StatusCode::BAD_REQUEST, "links-failed-not-ours"),
        Failure::NotKnownHere => (StatusCode::OK, "delegations-is-not-known-here"),
        Failure::Portal => (StatusCode::BAD_GATEWAY, "links-failed-vendor"),
        Failure::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "links-failed-internal"),
    };
    let page = MessagePage {
        frame: Frame::open(words, PATH),
        words,
        title: words.say("links-not-connected"),
        text: words.say(text),
        is_error: true,
        links: vec![(PATH.to_owned(), words.say("links-back"))],
    };
    send(status, &page, None)
}
