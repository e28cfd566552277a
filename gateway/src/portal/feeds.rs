//! On the page of links: what an organisation receives of a resident from a vendor and passes on here, and the button that ends it.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use store::{FeedAccount, StoreError};

use super::form::Sent;
use super::gives::gives;
use super::links::PATH;
use super::page::{self, Pressed};
use super::resident::Resident;
use super::unread::Unread;
use super::words::Words;
use super::{Problem, error_page};
use crate::feeds;
use crate::sign_in::SignedIn;
use crate::state::AppState;

/// One account on the page.
pub(super) struct Card {
    pub(super) id: i64,
    pub(super) title: String,
    pub(super) lines: Vec<String>,
    pub(super) gives: Vec<(String, String)>,
    pub(super) is_ended: bool,
}

/// A resident's accounts; nothing of a feed that no adapter reads any more.
pub(super) async fn cards(
    state: &AppState,
    words: Words,
    resident: &Resident,
    unread: &Unread,
    all: &[FeedAccount],
) -> Result<Vec<Card>, StoreError> {
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let organisations = state.store.organisations().await?;
    let card = |account: &FeedAccount| {
        let adapter = feeds::named(&account.vendor)?;
        let [ja, en] = adapter.title();
        let title = words.pick(ja, en).to_owned();
        let organisation = organisations.iter().find(|one| one.id == account.organisation)?;
        let about = [("name", title.clone()), ("organisation", organisation.name.clone())];
        let mut lines = vec![words.fill("feeds-about", about)];
        lines.push(match (account.ended, account.came) {
            (Some(ended), _) => words.with("feeds-ended", "when", resident.moment(words.0, ended)),
            (None, Some(came)) => words.with("feeds-came", "when", resident.moment(words.0, came)),
            (None, None) => words.say("feeds-not-yet"),
        });
        lines.extend(unread.told(words, std::iter::once(account.vendor.as_str())));
        Some(Card {
            id: account.id,
            lines,
            gives: gives(words, &[adapter.coverage()]),
            is_ended: account.ended.is_some(),
            title,
        })
    };
    Ok(all.iter().filter_map(card).collect())
}

/// `POST /portal/feeds/{id}/{act}`: ends an account, or takes it up again.
pub async fn change(
    State(state): State<AppState>,
    headers: HeaderMap,
    Path((id, act)): Path<(String, String)>,
    Sent { signed_in, .. }: Sent<SignedIn, Pressed>,
) -> Response {
    let ends = match act.as_str() {
        "end" => true,
        "resume" => false,
        _ => return error_page(&headers, Problem::NotFound),
    };
    let Ok(id) = id.parse() else {
        return error_page(&headers, Problem::NotFound);
    };
    let changed = state.store.end_feed_account(&signed_in.own, id, ends).await;
    page::ended(changed, &headers, PATH, "an account of a feed")
}
