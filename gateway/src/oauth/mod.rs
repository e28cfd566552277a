//! The authorization server: SMART App Launch 2.2 on OAuth 2.0, standalone launch with the resident as the patient.
//!
//! One file an endpoint. Codes, tokens and requests under way are 256-bit handles that the store knows by their hash. The
//! consent page is the portal's; what was ticked on it becomes a consent here. Requirement numbers (`S-…`, `O-…`) are those
//! of `docs/conformance.md`.

pub mod authorize;
mod client_assertion;
mod client_auth;
pub mod client_keys;
mod consent;
mod end_session;
mod error;
pub mod form;
pub mod handles;
mod id_token;
mod introspect;
mod own_token;
mod pushed;
mod registration;
mod revoke;
mod smart_configuration;
#[cfg(test)]
mod tests;
mod token;

use axum::routing::{get, post};
use axum::{Router, middleware};

use crate::fhir::cors;
use crate::state::AppState;

/// All OAuth routes. Browser apps of any origin may call what needs no session; the pages get no CORS (S-004, S-005).
pub fn routes() -> Router<AppState> {
    let open = Router::new()
        .route("/.well-known/smart-configuration", get(smart_configuration::smart))
        .route(
            "/fhir/r4/.well-known/smart-configuration",
            get(smart_configuration::smart),
        )
        .route(
            "/.well-known/oauth-authorization-server",
            get(smart_configuration::oauth),
        )
        .route("/.well-known/openid-configuration", get(smart_configuration::openid))
        .route("/.well-known/jwks.json", get(crate::signing::jwks))
        .route("/oauth/introspect", post(introspect::introspect))
        .route("/oauth/par", post(pushed::push))
        .route("/oauth/token", post(token::token))
        .route("/oauth/revoke", post(revoke::revoke))
        .route("/oauth/register", post(registration::register))
        .route(
            "/oauth/register/{client_id}",
            get(registration::read_back)
                .put(registration::replace)
                .delete(registration::remove),
        )
        .layer(middleware::from_fn(cors));
    let pages = Router::new()
        .route("/oauth/authorize", get(authorize::by_link).post(authorize::by_form))
        .route(
            "/oauth/end-session",
            get(end_session::by_link).post(end_session::by_form),
        )
        .route(consent::PATH, get(consent::show).post(consent::answer));
    open.merge(pages)
}
