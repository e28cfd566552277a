//! Operators: who runs an organisation's side signs in through a provider of their own, sees what is their organisation's and
//! nothing else, and only from where the configuration lets them.
//!
//! The pages are the portal's ([`crate::portal::operator`]); here is who may see them. An operator never sees anybody's values.

mod sign_in;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::Router;
use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use store::Operator;
use subtle::ConstantTimeEq as _;

pub use sign_in::CALLBACK;

use crate::limits;
use crate::oauth::handles;
use crate::portal::form::Session;
use crate::portal::operator as pages;
use crate::portal::{self, Problem};
use crate::sign_in::cookies;
use crate::state::AppState;

/// Where the pages lie.
pub const PATH: &str = "/operator";

/// Holds the handle of an operator's session.
const SESSION: &str = "sekisho-operator";

/// All routes of operators.
pub fn routes(state: &AppState) -> Router<AppState> {
    Router::new()
        .route(PATH, get(pages::home::show))
        .route("/operator/recipients/{id}/{act}", post(pages::home::move_recipient))
        .route("/operator/messages/{id}/again", post(pages::home::send_again))
        .route("/operator/acts", get(pages::acts::show))
        .route(pages::requests::PATH, get(pages::requests::show))
        .route("/operator/requests/{id}", post(pages::requests::answer))
        .route("/operator/sign-in", get(sign_in::start))
        .route(CALLBACK, get(sign_in::callback))
        .route("/operator/sign-out", post(sign_in::sign_out))
        .layer(middleware::from_fn_with_state(state.clone(), only_from_listed_networks))
}

/// To whoever calls from elsewhere, there are no such pages.
async fn only_from_listed_networks(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let networks = &state.config.operators.networks;
    let peer = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |ConnectInfo(peer)| peer.ip());
    let from = limits::caller(peer, state.config.http.trusted_proxy, request.headers()).to_canonical();
    if networks.is_empty() || networks.iter().any(|network| network.contains(&from)) {
        return next.run(request).await;
    }
    portal::error_page(request.headers(), Problem::NotFound)
}

/// An operator with a session. Without one, the extractor sends the browser to sign in.
pub struct SignedInOperator {
    /// Who.
    pub operator: Operator,
    /// What their forms must carry.
    pub csrf: String,
}

impl Session for SignedInOperator {
    fn sent(&self, token: &str) -> bool {
        token.as_bytes().ct_eq(self.csrf.as_bytes()).into()
    }
}

impl FromRequestParts<AppState> for SignedInOperator {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let to_sign_in = || Redirect::to("/operator/sign-in").into_response();
        let Some(handle) = session_handle(state, &parts.headers) else {
            return Err(to_sign_in());
        };
        match state
            .store
            .operator_session(handles::hash(&handle), state.clock.now())
            .await
        {
            Ok(Some(operator)) => Ok(Self {
                operator,
                csrf: crate::sign_in::csrf(state, &handle),
            }),
            Ok(None) => Err(to_sign_in()),
            Err(error) => {
                tracing::error!(%error, "an operator's session could not be read");
                Err(StatusCode::INTERNAL_SERVER_ERROR.into_response())
            }
        }
    }
}

fn session_handle(state: &AppState, headers: &HeaderMap) -> Option<String> {
    cookies::handle(headers, SESSION, cookies::is_https(state))
}
