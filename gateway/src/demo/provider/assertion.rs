//! `private_key_jwt` as the provider checks it (OpenID Connect Core 1.0, 9): the client's signature over who it is, for this
//! endpoint, soon over, and shown once.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use model::UtcMillis;
use serde::Deserialize;
use serde_json::Value;

/// The only kind that is taken (RFC 7523 2.2).
pub const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The longest that an assertion may hold, in seconds.
const LIFETIME_SECONDS: i64 = 300;

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    jti: String,
    exp: i64,
}

/// The assertions that were shown.
#[derive(Default)]
pub struct Assertions(Mutex<HashSet<String>>);

impl Assertions {
    /// True when this is the client's signature for this endpoint, shown for the first time.
    pub fn proves(&self, shown: &str, keys: &Value, client_id: &str, endpoint: &str, now: UtcMillis) -> bool {
        let Some(claims) = verified(shown, keys) else {
            return false;
        };
        let seconds = now.0.div_euclid(1_000);
        let is_its = claims.iss == client_id && claims.sub == client_id && claims.aud == endpoint;
        let holds = (seconds + 1..=seconds + LIFETIME_SECONDS).contains(&claims.exp);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        is_its && holds && !claims.jti.is_empty() && known.insert(claims.jti)
    }
}

fn verified(shown: &str, keys: &Value) -> Option<Claims> {
    let keys: JwkSet = serde_json::from_value(keys.clone()).ok()?;
    let key = keys.find(&decode_header(shown).ok()?.kid?)?;
    let mut validation = Validation::new(Algorithm::ES256);
    // Times and audience are looked at by the caller, against the clock of this provider.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let key = DecodingKey::from_jwk(key).ok()?;
    decode::<Claims>(shown, &key, &validation)
        .ok()
        .map(|token| token.claims)
}
