//! Why a push or a pairing was refused, as a problem document (RFC 9457).

use adapters::AdapterError;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use store::StoreError;

use crate::import::ImportError;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// No token, or one that opens nothing.
    #[error(
        "show the phone's token as `Authorization: Bearer …`; a phone that was ended is paired anew on the resident's page"
    )]
    Unauthorized,
    /// The code is wrong, was used, or is too old.
    #[error("no such code waits: let the resident's page show a new one; a code is good once, for ten minutes")]
    NoSuchCode,
    /// What was sent to pair is none.
    #[error("send JSON with `code`, as the resident's page shows it, and `name`, what the phone calls itself")]
    NotAPairing,
    /// There is no adapter of this name, or nothing is pushed to it.
    #[error("nothing is pushed under this name")]
    NoSuchAdapter,
    /// It is coded in a way that is not read.
    #[error("send JSON as it is, or with `Content-Encoding: gzip`")]
    UnknownCoding,
    /// It is larger than is allowed.
    #[error("a push has at most 4 MiB on the wire and 16 MiB unpacked: send it in parts")]
    TooLarge,
    /// It is not what its schema says.
    #[error("{0}")]
    Malformed(String),
    /// The file's own adapter reads another kind of push.
    #[error("this is no push of this adapter: see its schema")]
    OfAnother,
    /// Too many pushes are being read.
    #[error("many phones push at this moment: send it again in a few seconds")]
    Busy,
    /// It asks too often.
    #[error("too many requests: send it again in {seconds} s")]
    TooMany {
        /// How long to wait.
        seconds: u64,
    },
    /// Our own fault.
    #[error("something went wrong here: send it again later")]
    Internal,
    /// A name that cannot be.
    #[error("{0}")]
    Refused(&'static str),
}

impl PushError {
    fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::NoSuchCode => StatusCode::FORBIDDEN,
            Self::NotAPairing | Self::Malformed(_) | Self::OfAnother | Self::Refused(_) => StatusCode::BAD_REQUEST,
            Self::NoSuchAdapter => StatusCode::NOT_FOUND,
            Self::UnknownCoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<StoreError> for PushError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Invalid { what } => Self::Refused(what),
            StoreError::TooMany { .. } => {
                Self::Refused("ten phones push for this person: end one of them on the resident's page")
            }
            StoreError::NoPerson { .. } | StoreError::Erased { .. } => Self::Unauthorized,
            StoreError::DiskFull => Self::Busy,
            error => {
                tracing::error!(%error, "a push could not be taken");
                Self::Internal
            }
        }
    }
}

impl From<ImportError> for PushError {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Store(error) => error.into(),
            ImportError::Adapter(AdapterError::Refused { problem }) => Self::Malformed(problem),
            ImportError::Adapter(AdapterError::Damaged { place, problem }) => {
                Self::Malformed(format!("{place}: {problem}"))
            }
            ImportError::Adapter(AdapterError::Unrecognised(_) | AdapterError::NothingInside { .. }) => Self::OfAnother,
            ImportError::Adapter(error) => {
                tracing::error!(%error, "a push could not be read");
                Self::Internal
            }
        }
    }
}

impl IntoResponse for PushError {
    fn into_response(self) -> Response {
        let status = self.status();
        let body = json!({
            "type": "about:blank",
            "title": status.canonical_reason(),
            "status": status.as_u16(),
            "detail": self.to_string(),
        });
        let mut response = (status, axum::Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        match self {
            Self::Unauthorized => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Self::TooMany { seconds } => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            Self::Busy => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            }
            _ => {}
        }
        response
    }
}
