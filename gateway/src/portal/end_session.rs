//! The page that asks whether to sign out, when an app asks for it without showing about whom.

use askama::Template;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::page::{Frame, send};
use super::words::Words;
use crate::sign_in::SignedIn;

#[derive(Template)]
#[template(path = "end_session.html")]
struct View<'a> {
    frame: Frame,
    words: Words,
    csrf: &'a str,
}

/// The page.
pub fn page(headers: &HeaderMap, session: &SignedIn) -> Response {
    let words = Words::for_reader(headers);
    let view = View {
        frame: Frame::open(words, super::PATH),
        words,
        csrf: &session.csrf,
    };
    send(StatusCode::OK, &view, None)
}
