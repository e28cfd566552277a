//! `/portal/links`: the vendors' clouds that a resident can connect, how each connection is doing, and the buttons that hold and end it.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use model::{ConsentCategory, LinkEvent, LinkState};
use store::{Link, StoreError};

use super::form::Sent;
use super::gives::gives;
use super::page::{self, Frame, MessagePage, Pressed, send, shown};
use super::resident::Resident;
use super::unread::Unread;
use super::words::Words;
use super::{Problem, delegations, error_page, feeds};
use crate::links::connect::Failure;
use crate::links::{self, Cloud};
use crate::sign_in::SignedIn;
use crate::state::AppState;

/// Where the page lies.
pub const PATH: &str = "/portal/links";

#[derive(Template)]
#[template(path = "links.html")]
struct View {
    frame: Frame,
    words: Words,
    csrf: String,
    portals: Vec<delegations::Card>,
    feeds: Vec<feeds::Card>,
    clouds: Vec<Card>,
    ended: Vec<String>,
}

/// One cloud.
struct Card {
    title: String,
    about: String,
    gives: Vec<(String, String)>,
    link: Option<Shown>,
    /// The button that connects it, again, or what continues it: where it leads, and what it says.
    button: Option<(String, String)>,
}

/// A living link.
struct Shown {
    id: i64,
    /// What the resident has to do, where they have to.
    need: Option<String>,
    is_paused: bool,
    /// Its service is switched off: there is nothing to hold.
    is_over: bool,
    lines: Vec<String>,
    /// Of the time that is asked back to, how much was, while it is not all.
    done: Option<u8>,
}

/// `GET /portal/links`.
pub async fn show(State(state): State<AppState>, signed_in: SignedIn, headers: HeaderMap) -> Response {
    let view = view(&state, &signed_in).await;
    shown(view, &headers, "the page of links could not be made")
}

async fn view(state: &AppState, signed_in: &SignedIn) -> Result<Option<View>, StoreError> {
    let Some(resident) = Resident::load(state, &signed_in.own).await? else {
        return Ok(None);
    };
    let words = Words(signed_in.language);
    let all = state.store.links(&signed_in.own).await?;
    let delegated = state.store.delegations(&signed_in.own).await?;
    let fed = state.store.own_feed_accounts(&signed_in.own).await?;
    let unread = Unread::load(state, &signed_in.own, resident.now).await?;
    let title = |cloud: &Cloud| {
        let [ja, en] = cloud.adapter.title();
        words.pick(ja, en).to_owned()
    };
    let about = |cloud: &Cloud| {
        let [ja, en] = cloud.adapter.about();
        words.pick(ja, en).to_owned()
    };
    let button = |living: Option<&Link>, cloud: &Cloud| {
        let (of, key) = match (cloud.successor(resident.now), living.map(|link| link.state)) {
            (Some(successor), Some(_)) => (state.clouds.named(successor)?, "links-connect"),
            (Some(_), None) => return None,
            (None, None) => (cloud, "links-connect"),
            (None, Some(LinkState::NeedsAttention(_))) => (cloud, "links-again"),
            (None, Some(_)) => return None,
        };
        let address = format!("/portal/links/{}/connect", of.adapter.name());
        Some((address, words.with(key, "name", title(of))))
    };
    let card = |cloud: &Cloud| {
        let living = all
            .iter()
            .find(|link| link.vendor == cloud.adapter.name() && link.state != LinkState::Ended);
        Card {
            title: title(cloud),
            about: about(cloud),
            gives: gives(words, &[cloud.adapter.coverage()]),
            link: living.map(|link| told(words, &resident, &unread, cloud, link)),
            button: button(living, cloud),
        }
    };
    // One that is switched off and not connected is none of anybody's business.
    let is_shown = |card: &Card| card.link.is_some() || card.button.is_some();
    let before = |link: &Link| {
        let cloud = state.clouds.named(&link.vendor)?;
        let when = resident.moment(words.0, link.ended?);
        Some(format!("{}: {}", title(cloud), words.with("links-ended", "when", when)))
    };
    Ok(Some(View {
        csrf: signed_in.csrf.clone(),
        portals: delegations::cards(state, words, &resident, &delegated),
        feeds: feeds::cards(state, words, &resident, &unread, &fed).await?,
        clouds: state.clouds.all().iter().map(card).filter(is_shown).collect(),
        ended: all.iter().filter_map(before).collect(),
        frame: Frame::own(words, PATH, &resident, &signed_in.csrf),
        words,
    }))
}

/// A link that goes on though nobody is given what it brings: what is said of it, its number, and the button.
pub(super) struct Unshared {
    pub(super) id: i64,
    pub(super) text: String,
    pub(super) button: String,
}

/// A person's living links of whose records no category is shared now.
pub(super) async fn unshared(
    state: &AppState,
    signed_in: &SignedIn,
    shared: &[ConsentCategory],
) -> Result<Vec<Unshared>, StoreError> {
    let words = Words(signed_in.language);
    let links = state.store.links(&signed_in.own).await?;
    let asked = |link: &Link| {
        let cloud = state.clouds.named(&link.vendor)?;
        let coverage = cloud.adapter.coverage();
        let is_shared = shared.iter().any(|category| !coverage.metrics_of(*category).is_empty());
        if link.state == LinkState::Ended || is_shared {
            return None;
        }
        let [ja, en] = cloud.adapter.title();
        let name = words.pick(ja, en);
        Some(Unshared {
            id: link.id,
            text: words.with("portal-link-goes-on", "name", name),
            button: words.with("links-end", "name", name),
        })
    };
    Ok(links.iter().filter_map(asked).collect())
}

fn told(words: Words, resident: &Resident, unread: &Unread, cloud: &Cloud, link: &Link) -> Shown {
    let need = match link.state {
        LinkState::NeedsAttention(need) => Some(words.say(&format!("links-need-{}", need.key()))),
        _ => None,
    };
    let fetched = match link.fetched {
        Some(fetched) => words.with("links-fetched", "when", resident.moment(words.0, fetched)),
        None => words.say("links-not-yet"),
    };
    let mut lines = vec![words.say(&format!("links-is-{}", link.state.key())), fetched];
    let closed = links::closed(cloud, link);
    if !closed.is_empty() {
        let names: Vec<String> = closed.into_iter().map(|category| words.category(category)).collect();
        lines.push(words.with("links-closed", "names", names.join(words.pick("、", ", "))));
    }
    lines.extend(unread.told(words, std::iter::once(cloud.adapter.name())));
    let done = links::done(cloud, link, resident.now);
    Shown {
        id: link.id,
        need,
        is_paused: link.state == LinkState::Paused,
        is_over: cloud.successor(resident.now).is_some(),
        lines,
        done: (done < 100 && link.state.is_connected()).then_some(done),
    }
}

/// `POST /portal/links/{id}/{act}`: holds, resumes or ends a link.
pub async fn change(
    State(state): State<AppState>,
    headers: HeaderMap,
    Path((id, act)): Path<(String, String)>,
    Sent { signed_in, .. }: Sent<SignedIn, Pressed>,
) -> Response {
    let event = match act.as_str() {
        "hold" => LinkEvent::Held,
        "resume" => LinkEvent::Resumed,
        "end" => LinkEvent::Ended,
        _ => return error_page(&headers, Problem::NotFound),
    };
    let Ok(id) = id.parse() else {
        return error_page(&headers, Problem::NotFound);
    };
    let changed = state.store.change_link(&signed_in.own, id, event).await;
    page::ended(changed, &headers, PATH, "a link")
}

/// The page that says that nothing was connected, and why.
pub fn not_connected(headers: &HeaderMap, failure: Failure) -> Response {
    let words = Words::for_reader(headers);
    let (status, key) = match failure {
        Failure::NotOurs => (StatusCode::BAD_REQUEST, "not-ours"),
        Failure::NotAgreed => (StatusCode::OK, "not-agreed"),
        Failure::Vendor => (StatusCode::BAD_GATEWAY, "vendor"),
        Failure::NotReady => (StatusCode::OK, "not-ready"),
        Failure::Anothers => (StatusCode::CONFLICT, "anothers"),
        Failure::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
    };
    let page = MessagePage {
        frame: Frame::open(words, PATH),
        words,
        title: words.say("links-not-connected"),
        text: words.say(&format!("links-failed-{key}")),
        is_error: failure != Failure::NotAgreed,
        links: vec![(PATH.to_owned(), words.say("links-back"))],
    };
    send(status, &page, None)
}
