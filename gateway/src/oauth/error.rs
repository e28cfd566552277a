//! Errors of the endpoints that clients call themselves, and their one mapping to RFC 6749 5.2.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Why a token or revocation request is refused. Texts say what to do and never hold what was sent.
#[derive(Debug, thiserror::Error)]
pub enum OauthError {
    /// A parameter is missing, repeated or malformed.
    #[error("{0}")]
    InvalidRequest(&'static str),
    /// The client is unknown or did not authenticate.
    #[error("the client is unknown, or its authentication failed")]
    InvalidClient {
        /// It tried by the Authorization header.
        by_header: bool,
    },
    /// The code or refresh token gives nothing (any more).
    #[error("{0}")]
    InvalidGrant(String),
    /// Another grant type than those offered.
    #[error("grant_type must be authorization_code, refresh_token or client_credentials")]
    UnsupportedGrantType,
    /// The client may not ask in this way.
    #[error("{0}")]
    UnauthorizedClient(&'static str),
    /// Another resource than ours (RFC 8707).
    #[error("resource must be the FHIR base of this server")]
    InvalidTarget,
    /// More than was granted, or nothing that is offered.
    #[error("{0}")]
    InvalidScope(&'static str),
    /// A pushed request that the authorization endpoint would send back.
    #[error("{}", .0.description)]
    Denied(super::authorize::Denial),
    /// Our own fault.
    #[error("the server could not answer; the request id names the entry in its log")]
    Internal(#[from] store::StoreError),
    /// A token could not be signed.
    #[error("the server could not answer; the request id names the entry in its log")]
    Signing(#[from] crate::signing::SigningError),
}

impl IntoResponse for OauthError {
    fn into_response(self) -> Response {
        let (status, code) = match &self {
            Self::InvalidRequest(_) => (StatusCode::BAD_REQUEST, "invalid_request"),
            Self::InvalidClient { .. } => (StatusCode::UNAUTHORIZED, "invalid_client"),
            Self::InvalidGrant(_) => (StatusCode::BAD_REQUEST, "invalid_grant"),
            Self::UnsupportedGrantType => (StatusCode::BAD_REQUEST, "unsupported_grant_type"),
            Self::UnauthorizedClient(_) => (StatusCode::BAD_REQUEST, "unauthorized_client"),
            Self::InvalidTarget => (StatusCode::BAD_REQUEST, "invalid_target"),
            Self::InvalidScope(_) => (StatusCode::BAD_REQUEST, "invalid_scope"),
            Self::Denied(denial) => (StatusCode::BAD_REQUEST, denial.error),
            Self::Signing(error) => {
                tracing::error!(%error, "a token could not be signed");
                (StatusCode::INTERNAL_SERVER_ERROR, "server_error")
            }
            Self::Internal(error) => {
                tracing::error!(%error, "an OAuth request failed");
                (StatusCode::INTERNAL_SERVER_ERROR, "server_error")
            }
        };
        let body = Json(json!({ "error": code, "error_description": self.to_string() }));
        let mut response = never_stored((status, body).into_response());
        if matches!(self, Self::InvalidClient { by_header: true }) {
            let challenge = HeaderValue::from_static("Basic realm=\"sekisho\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// An answer that no cache keeps (RFC 6749 5.1; S-033 asks for both headers).
pub fn never_stored(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}
