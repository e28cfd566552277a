//! Forms that our own pages sent. A handler that takes a [`Sent`] has no other way to its session, so it cannot run on a form that
//! another site made a browser send.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::Response;
use axum_extra::extract::Form;
use oauth2::url::form_urlencoded;
use serde::de::DeserializeOwned;

use super::{Problem, error_page};
use crate::state::AppState;

/// The member of each form that shows that it is ours.
const TOKEN: &str = "csrf";

/// Who has a session whose forms carry a token.
pub trait Session: FromRequestParts<AppState, Rejection = Response> + Send {
    /// True when a form carries what this session's forms carry. Takes the same time whatever was sent.
    fn sent(&self, token: &str) -> bool;
}

/// A form, and the session whose page sent it. It is the last argument of its handler, since it takes the body.
pub struct Sent<S, T> {
    /// Who sent it.
    pub signed_in: S,
    /// What it says.
    pub form: T,
}

impl<S: Session, T: DeserializeOwned> FromRequest<AppState> for Sent<S, T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let signed_in = S::from_request_parts(&mut parts, state).await?;
        let whole = Request::from_parts(parts.clone(), body);
        let bytes = Bytes::from_request(whole, state)
            .await
            .map_err(axum::response::IntoResponse::into_response)?;
        let token = form_urlencoded::parse(&bytes).find(|(name, _)| name == TOKEN);
        if !signed_in.sent(token.map(|(_, value)| value).unwrap_or_default().as_ref()) {
            return Err(error_page(&parts.headers, Problem::ForeignForm));
        }
        let again = Request::from_parts(parts, Body::from(bytes));
        let Form(form) = Form::from_request(again, state)
            .await
            .map_err(axum::response::IntoResponse::into_response)?;
        Ok(Self { signed_in, form })
    }
}
