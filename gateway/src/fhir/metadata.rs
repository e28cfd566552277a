//! The CapabilityStatement, from the table that parameters are read against. No token is needed.

use aws_lc_rs::digest;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use fhir_profiles::{CapabilityView, OFFERED, capability_statement};
use model::LocalDay;

use super::{json, urls};
use crate::state::AppState;

/// The day the statement last changed: 2026-11-29.
const CHANGED: LocalDay = LocalDay(20_786);

/// `GET metadata`
pub async fn read(State(state): State<AppState>, headers: HeaderMap) -> Response {
    let public = &state.config.http.public_url;
    let mut bytes = Vec::with_capacity(8_192);
    capability_statement(
        &mut bytes,
        &CapabilityView {
            base_url: &urls::base(&state),
            software_version: env!("CARGO_PKG_VERSION"),
            date: CHANGED,
            authorize_url: &format!("{public}/oauth/authorize"),
            token_url: &format!("{public}/oauth/token"),
            revoke_url: Some(&format!("{public}/oauth/revoke")),
            manage_url: Some(&format!("{public}/portal")),
            resources: OFFERED,
        },
    );
    // A tag of what it says, so that it changes with it.
    let hash = digest::digest(&digest::SHA256, &bytes);
    let tag = format!("W/\"{}\"", data_encoding::HEXLOWER.encode(&hash.as_ref()[..8]));
    let known = headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|given| given.as_bytes() == tag.as_bytes());
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        json(bytes)
    };
    if let Ok(tag) = HeaderValue::try_from(tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_of_the_statement_is_the_day_it_says() {
        assert_eq!(CHANGED.to_string(), "2026-11-29");
    }
}
