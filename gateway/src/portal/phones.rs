//! `/portal/phones`: the phones that push for a resident, a code that pairs one, and the buttons that end them.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use store::{Companion, StoreError};

use super::form::Sent;
use super::gives::gives;
use super::page::{self, Frame, Pressed, send, shown};
use super::resident::Resident;
use super::unread::Unread;
use super::words::Words;
use super::{Problem, error_page};
use crate::oauth::handles;
use crate::push::code;
use crate::sign_in::SignedIn;
use crate::state::AppState;

/// Where the page lies.
pub const PATH: &str = "/portal/phones";

/// Minutes for which a code is good.
const CODE_MINUTES: i64 = 10;

#[derive(Template)]
#[template(path = "phones.html")]
struct View {
    frame: Frame,
    words: Words,
    csrf: String,
    /// The address that a phone asks for besides the code.
    address: String,
    /// A code that was just made.
    code: Option<String>,
    phones: Vec<Line>,
    /// What could not be read, of all phones together: of which one it came is not kept.
    unread: Option<String>,
    /// What can push, and what of it arrives.
    sources: Vec<Source>,
    ended: Vec<Line>,
}

struct Source {
    name: String,
    gives: Vec<(String, String)>,
}

struct Line {
    id: i64,
    name: String,
    more: String,
}

/// `GET /portal/phones`.
pub async fn show(State(state): State<AppState>, signed_in: SignedIn, headers: HeaderMap) -> Response {
    let view = view(&state, &signed_in, None).await;
    shown(view, &headers, "the page of phones could not be made")
}

/// `POST /portal/phones`: shows a code that pairs one phone. It stands on this one page and nowhere else.
pub async fn new_code(
    State(state): State<AppState>,
    headers: HeaderMap,
    Sent { signed_in, .. }: Sent<SignedIn, Pressed>,
) -> Response {
    match made(&state, &signed_in).await {
        Ok(Some(view)) => send(StatusCode::OK, &view, None),
        Ok(None) => error_page(&headers, Problem::UnknownPerson),
        Err(error) => {
            tracing::error!(%error, "a code for a phone could not be made");
            error_page(&headers, Problem::Internal)
        }
    }
}

async fn made(state: &AppState, signed_in: &SignedIn) -> Result<Option<View>, StoreError> {
    let code = code::new(&*state.randomness);
    let expires = state.clock.now().plus(CODE_MINUTES * model::time::MINUTE_MS);
    let hash = handles::hash(&code::normal(&code));
    state.store.begin_pairing(&signed_in.own, hash, expires).await?;
    view(state, signed_in, Some(code)).await
}

async fn view(state: &AppState, signed_in: &SignedIn, code: Option<String>) -> Result<Option<View>, StoreError> {
    let Some(resident) = Resident::load(state, &signed_in.own).await? else {
        return Ok(None);
    };
    let words = Words(signed_in.language);
    let all = state.store.companions(&signed_in.own).await?;
    let (ended, phones): (Vec<Companion>, Vec<Companion>) = all.into_iter().partition(|phone| phone.ended.is_some());
    let line = |phone: &Companion| Line {
        id: phone.id,
        name: phone.name.clone(),
        more: match (phone.ended, phone.seen) {
            (Some(ended), _) => words.with("phones-ended", "when", resident.moment(words.0, ended)),
            (None, Some(seen)) => words.with("phones-seen", "when", resident.moment(words.0, seen)),
            (None, None) => words.say("phones-never"),
        },
    };
    let unread = Unread::load(state, &signed_in.own, resident.now).await?;
    Ok(Some(View {
        unread: unread.told(words, adapters::pushing().map(|adapter| adapter.name())),
        sources: adapters::pushing()
            .filter_map(|adapter| source(words, adapter))
            .collect(),
        csrf: signed_in.csrf.clone(),
        address: state.config.http.public_url.clone(),
        code,
        phones: phones.iter().map(line).collect(),
        ended: ended.iter().map(line).collect(),
        frame: Frame::own(words, PATH, &resident, &signed_in.csrf),
        words,
    }))
}

fn source(words: Words, adapter: &dyn adapters::Adapter) -> Option<Source> {
    let [ja, en] = adapter.brought()?;
    Some(Source {
        name: words.pick(ja, en).to_owned(),
        gives: gives(words, &[adapter.coverage()]),
    })
}

/// `POST /portal/phones/{id}/end`: from now on this phone pushes no more.
pub async fn end(
    State(state): State<AppState>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Sent { signed_in, .. }: Sent<SignedIn, Pressed>,
) -> Response {
    let Ok(id) = id.parse() else {
        return error_page(&headers, Problem::NotFound);
    };
    let ended = state.store.end_companion(&signed_in.own, id).await;
    page::ended(ended, &headers, PATH, "a phone")
}
