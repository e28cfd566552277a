//! Errors of the FHIR face and their one mapping to status and OperationOutcome (FHIR R4, issue-type).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use fhir_profiles::{Issue, Severity};

/// What may go wrong on a FHIR path. No variant carries a value of a person.
#[derive(Debug, thiserror::Error)]
pub enum FhirError {
    /// No bearer token was sent.
    #[error("no access token: send `Authorization: Bearer <token>`, got from the token endpoint")]
    NoToken,
    /// The token is unknown, expired, revoked, or its consent has ended.
    #[error("the access token is not valid (any more): refresh it, or ask the resident again")]
    BadToken,
    /// The `Authorization` header is not one bearer token.
    #[error("the Authorization header must be `Bearer` and one token")]
    MalformedToken,
    /// The token's scopes do not reach what was asked.
    #[error("the token's scopes do not allow {asked}: ask the resident for {scope}")]
    OutOfScope {
        /// What was asked, e.g. `search of Observation`.
        asked: String,
        /// A scope that would allow it.
        scope: String,
    },
    /// There is no such resource, or not for this caller.
    #[error("there is no {resource} with this id")]
    NotFound {
        /// Resource type.
        resource: &'static str,
    },
    /// It was given to this caller, and the person had it erased.
    #[error("this was deleted, with everything of the person it was about")]
    Gone,
    /// The resource is there, and this version of it is not kept or never was.
    #[error("there is no such version of this {resource}; the present one can be read without naming it")]
    NoVersion {
        /// Resource type.
        resource: &'static str,
    },
    /// The server has no such resource type or operation.
    #[error("{what} is not supported here: see {base}/metadata")]
    Unsupported {
        /// What was asked for.
        what: String,
        /// The FHIR base.
        base: String,
    },
    /// A search parameter's value cannot be read.
    #[error("parameter `{parameter}`: {problem}")]
    BadParameter {
        /// Name of the parameter.
        parameter: String,
        /// What is allowed.
        problem: String,
    },
    /// A parameter or modifier that is not offered.
    #[error("parameter `{parameter}` is not supported: see the CapabilityStatement")]
    UnknownParameter {
        /// Name of the parameter.
        parameter: String,
    },
    /// The representation asked for is not offered.
    #[error("only application/fhir+json of FHIR 4.0 is given here")]
    NotAcceptable,
    /// The body of a search is not a form.
    #[error("the body of a search must be application/x-www-form-urlencoded, of at most 256 kB")]
    UnsupportedBody,
    /// The resource type knows no such verb.
    #[error("this address does not take this HTTP method: see the Allow header")]
    MethodNotAllowed,
    /// More was asked for at once than is given.
    #[error("the search is too wide: {limit} are allowed")]
    TooWide {
        /// What is allowed.
        limit: &'static str,
    },
    /// The caller asks too often.
    #[error("too many requests: try again in {seconds} s")]
    TooMany {
        /// When the next one will be answered.
        seconds: u64,
    },
    /// The resident's consents kept changing while the page was read.
    #[error("the resident's consents are changing right now: try again")]
    ConsentsChanging,
    /// Our own fault.
    #[error("the gateway could not answer; the request id names the entry in its log")]
    Internal(#[source] store::StoreError),
}

impl FhirError {
    /// A parameter whose value cannot be read, and what is allowed.
    pub fn bad(parameter: &str, problem: &str) -> Self {
        Self::BadParameter {
            parameter: parameter.to_owned(),
            problem: problem.to_owned(),
        }
    }
}

impl From<store::StoreError> for FhirError {
    fn from(error: store::StoreError) -> Self {
        match error {
            store::StoreError::ConsentsChanged => Self::ConsentsChanging,
            other => Self::Internal(other),
        }
    }
}

impl IntoResponse for FhirError {
    fn into_response(self) -> Response {
        let (status, code) = match &self {
            Self::NoToken => (StatusCode::UNAUTHORIZED, "login"),
            Self::BadToken => (StatusCode::UNAUTHORIZED, "security"),
            Self::MalformedToken => (StatusCode::BAD_REQUEST, "security"),
            Self::OutOfScope { .. } => (StatusCode::FORBIDDEN, "forbidden"),
            Self::NotFound { .. } | Self::NoVersion { .. } => (StatusCode::NOT_FOUND, "not-found"),
            Self::Unsupported { .. } => (StatusCode::NOT_FOUND, "not-supported"),
            Self::BadParameter { .. } => (StatusCode::BAD_REQUEST, "value"),
            Self::UnknownParameter { .. } => (StatusCode::BAD_REQUEST, "not-supported"),
            Self::UnsupportedBody => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-supported"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "not-supported"),
            Self::TooWide { .. } => (StatusCode::BAD_REQUEST, "too-costly"),
            Self::NotAcceptable => (StatusCode::NOT_ACCEPTABLE, "not-supported"),
            Self::ConsentsChanging => (StatusCode::SERVICE_UNAVAILABLE, "transient"),
            Self::Gone => (StatusCode::GONE, "deleted"),
            Self::TooMany { .. } => (StatusCode::TOO_MANY_REQUESTS, "throttled"),
            Self::Internal(error) => {
                tracing::error!(%error, "a FHIR request failed");
                (StatusCode::INTERNAL_SERVER_ERROR, "exception")
            }
        };
        let expression = match &self {
            Self::BadParameter { parameter, .. } | Self::UnknownParameter { parameter } => {
                Some(format!("http.{parameter}"))
            }
            _ => None,
        };
        let issue = Issue {
            severity: Severity::Error,
            code,
            text: self.to_string(),
            expression: expression.as_deref(),
        };
        let mut response = (status, super::json(outcome(&[issue]))).into_response();
        // RFC 6750 section 3: what kind of token is wanted, and what is wrong with the one sent.
        let challenge = match &self {
            Self::NoToken => Some("Bearer realm=\"sekisho\"".to_owned()),
            Self::BadToken => Some("Bearer realm=\"sekisho\", error=\"invalid_token\"".to_owned()),
            Self::MalformedToken => Some("Bearer realm=\"sekisho\", error=\"invalid_request\"".to_owned()),
            Self::OutOfScope { scope, .. } => Some(format!(
                "Bearer realm=\"sekisho\", error=\"insufficient_scope\", scope=\"{scope}\""
            )),
            _ => None,
        };
        if let Some(challenge) = challenge.and_then(|text| HeaderValue::from_str(&text).ok()) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        let wait = match &self {
            Self::ConsentsChanging => Some(1),
            Self::TooMany { seconds } => Some(*seconds),
            _ => None,
        };
        if let Some(seconds) = wait {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// An OperationOutcome with these issues, as bytes.
pub fn outcome(issues: &[Issue<'_>]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256);
    fhir_profiles::operation_outcome(&mut bytes, issues);
    bytes
}
