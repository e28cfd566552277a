//! The ID token of a token answer (OpenID Connect Core 2): who the resident is to this recipient, and when they signed in.

use consent::ScopeSet;
use model::{PersonId, RecipientId, UtcMillis};
use serde::Serialize;
use store::CodeRecord;

use super::authorize::fhir_base;
use crate::signing::{Algorithm, SigningError};
use crate::state::AppState;

/// What it is signed with: SMART App Launch demands it (S-082).
pub const ALGORITHM: Algorithm = Algorithm::Rs256;

/// What it can say.
pub const CLAIMS: [&str; 8] = ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "fhirUser"];

/// How long it holds, in seconds: it is read at once.
const LIFETIME_SECONDS: i64 = 300;

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    exp: i64,
    iat: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    #[serde(rename = "fhirUser", skip_serializing_if = "Option::is_none")]
    fhir_user: Option<String>,
}

/// The ID token of a redeemed code; `None` when none was granted.
///
/// # Errors
/// [`SigningError`].
pub fn of(
    state: &AppState,
    code: &CodeRecord,
    granted: &ScopeSet,
    now: UtcMillis,
) -> Result<Option<String>, SigningError> {
    if !granted.open_id() {
        return Ok(None);
    }
    // Pairwise by recipient, whose clients share it (S-085): the same as `patient`.
    let sub = state.pairwise.of(code.recipient).patient(code.person);
    let iat = seconds(now);
    let claims = Claims {
        iss: &state.config.http.public_url,
        sub: &sub,
        aud: &code.client_id,
        exp: iat + LIFETIME_SECONDS,
        iat,
        auth_time: code.signed_in.map(seconds),
        nonce: code.nonce.as_deref(),
        fhir_user: fhir_user(state, code.recipient, code.person, granted),
    };
    state.signing.sign(ALGORITHM, "JWT", &claims).map(Some)
}

/// The address of the resource that the resident is, when it was granted (S-080).
pub fn fhir_user(state: &AppState, recipient: RecipientId, person: PersonId, granted: &ScopeSet) -> Option<String> {
    granted.fhir_user().then(|| {
        let id = state.pairwise.of(recipient).patient(person);
        format!("{}/Patient/{id}", fhir_base(state))
    })
}

/// Whole seconds since 1970, as JWTs write time (RFC 7519 2).
pub fn seconds(instant: UtcMillis) -> i64 {
    instant.0.div_euclid(1_000)
}
