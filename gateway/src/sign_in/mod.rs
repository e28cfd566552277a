//! Residents' sign-in through OpenID Connect, their sessions, and the extractor that every page of theirs begins with.
//!
//! A session is a random handle in a cookie, known to the store by its hash. The key to what is a resident's own is made
//! here and nowhere else in the gateway.

pub mod cookies;
mod flow;
mod provider;
mod residents;
pub mod return_to;
#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;

use aws_lc_rs::hmac;
use axum::Router;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use consent::{Language, OwnAccess};
use model::{PersonId, UtcMillis};
use openidconnect::url::form_urlencoded;
use subtle::ConstantTimeEq as _;

pub use flow::Answer;
pub use provider::{CALLBACK, Proof, Provider, Secrets};
pub use residents::ResidentProviders;

use crate::oauth::handles;
use crate::portal::form::Session;
use crate::portal::{self, Problem, words};
use crate::state::AppState;
use return_to::{HOME, LocalPath};

/// All routes of signing in and out.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/sign-in", get(flow::invite))
        .route("/sign-in/start", get(flow::start))
        .route(provider::CALLBACK, get(flow::callback))
        .route("/sign-out", post(flow::sign_out))
        .route("/signed-out", get(flow::signed_out))
}

/// How old a sign-in may be under which what matters most is done, in milliseconds.
const FRESH_MS: i64 = 5 * 60_000;

/// A resident with a session. Without one, the extractor sends the browser to sign in and back.
pub struct SignedIn {
    /// Whose pages these are: who signed in, or for whom they act.
    pub person: PersonId,
    /// Who signed in.
    pub reader: PersonId,
    /// True unless they act for somebody of whom they may only see.
    pub decides: bool,
    /// Issuer of the provider that signed them in.
    pub issuer: String,
    /// The level of assurance it stated.
    pub assurance: Option<String>,
    /// When they signed in.
    pub since: UtcMillis,
    /// The language they read.
    pub language: Language,
    /// What their forms must carry.
    pub csrf: String,
    /// Their key to what is their own.
    pub own: OwnAccess,
}

impl SignedIn {
    /// True within five minutes of the sign-in: who gives sensitive data or asks for deletion is asked to sign in again after that.
    pub fn is_fresh(&self, now: UtcMillis) -> bool {
        self.since.plus(FRESH_MS) >= now
    }
}

impl Session for SignedIn {
    fn sent(&self, token: &str) -> bool {
        token.as_bytes().ct_eq(self.csrf.as_bytes()).into()
    }
}

impl FromRequestParts<AppState> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        match signed_in(state, &parts.headers).await {
            Ok(Some(signed_in)) if signed_in.decides || !decides(parts) => Ok(signed_in),
            Ok(Some(_)) => Err(portal::error_page(&parts.headers, Problem::OnlySees)),
            Ok(None) => Err(to_sign_in(parts)),
            Err(error) => {
                tracing::error!(%error, "a session could not be read");
                Err(portal::error_page(&parts.headers, Problem::Internal))
            }
        }
    }
}

/// The resident with a session, if there is one.
///
/// # Errors
/// What the store answers.
pub async fn signed_in(state: &AppState, headers: &HeaderMap) -> Result<Option<SignedIn>, store::StoreError> {
    let Some(handle) = cookies::handle(headers, cookies::SESSION, cookies::is_https(state)) else {
        return Ok(None);
    };
    let session = state.store.session(handles::hash(&handle), state.clock.now()).await?;
    let Some(session) = session else { return Ok(None) };
    // Asked at each use: a right that was ended ends at once.
    let right = match session.acting_for {
        Some(person) => {
            let now = state.clock.now();
            state.store.representation(person, session.person, now).await?
        }
        None => None,
    };
    let own = match &right {
        Some(right) => OwnAccess::of_acting(right.person, right.acting()),
        None => OwnAccess::of_signed_in(session.person),
    };
    Ok(Some(SignedIn {
        person: own.person(),
        reader: session.person,
        decides: right.is_none_or(|right| right.decides),
        issuer: session.issuer,
        assurance: session.assurance,
        since: session.issued,
        language: words::language(headers),
        csrf: csrf(state, &handle),
        own,
    }))
}

/// True when a request may change something of the person's; leaving, and acting for somebody else, changes nothing.
fn decides(parts: &Parts) -> bool {
    let changes = !matches!(parts.method, Method::GET | Method::HEAD);
    changes && !["/sign-out", portal::ACT_FOR].contains(&parts.uri.path())
}

/// The way to sign in anew and back to this path of ours.
pub fn again(path: &str) -> String {
    let path: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
    format!("/sign-in/start?fresh=yes&return_to={path}")
}

/// True when a resident is signed in; a session that cannot be read is none.
pub async fn has_session(state: &AppState, headers: &HeaderMap) -> bool {
    matches!(signed_in(state, headers).await, Ok(Some(_)))
}

/// What the forms of a session carry: made of its handle, so that nothing needs to be kept.
pub fn csrf(state: &AppState, handle: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, state.derived_key("csrf").as_slice());
    URL_SAFE_NO_PAD.encode(hmac::sign(&key, handle.as_bytes()))
}

/// To the sign-in page, and back to what was asked for; after a form back home, since a form is not sent again.
fn to_sign_in(parts: &Parts) -> Response {
    let asked = parts.uri.path_and_query().filter(|_| parts.method == Method::GET);
    let path = asked.and_then(|asked| LocalPath::parse(asked.as_str()));
    let path = path.as_ref().map_or(HOME, LocalPath::as_str);
    let path: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
    Redirect::to(&format!("/sign-in?return_to={path}")).into_response()
}
