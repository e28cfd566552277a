//! `private_key_jwt` (RFC 7523 2.2, SMART App Launch 2.2 "Client authentication: asymmetric"): a client signs that it is itself.
//!
//! Whatever is wrong is answered alike (S-105): `invalid_client`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use model::UtcMillis;
use serde::Deserialize;
use store::{Client, StoreError};

use super::id_token::seconds;
use super::{client_keys, handles};
use crate::state::AppState;

/// The only kind of assertion that is taken.
pub const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What it may be signed with, as discovery says it. RS256 is left out: SMART asks for the two of 384 bits.
pub const ALGORITHMS: [&str; 3] = ["ES256", "ES384", "RS384"];

/// The longest that an assertion may hold, in seconds (S-102).
const LIFETIME_SECONDS: i64 = 300;

/// How far a client's clock may be off, in seconds (S-102 allows up to 60; a `nbf` 60 seconds ahead must fail).
const SKEW_SECONDS: i64 = 30;

/// The longest `jti` that is taken, in bytes.
const MAX_JTI: usize = 256;

/// What an assertion says. `aud` is one text: an array could name us among others, who could then show it here.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    exp: i64,
    nbf: Option<i64>,
    jti: String,
}

/// The client that an assertion is by, once it has proved it; `None` when it has not.
///
/// # Errors
/// What the store can answer.
pub async fn client(state: &AppState, assertion: &str) -> Result<Option<Client>, StoreError> {
    let Some(named) = subject(assertion) else {
        return Ok(None);
    };
    let Some(client) = state.store.client(&named).await? else {
        return Ok(None);
    };
    let kid = decode_header(assertion).ok().and_then(|header| header.kid);
    let Some(kid) = kid.filter(|_| client.signs() && client.works()) else {
        return Ok(None);
    };
    let keys = client_keys::of(state, &client, &kid).await;
    let Some(claims) = keys.and_then(|keys| verified(assertion, &keys, client.jwks_uri.as_deref())) else {
        return Ok(None);
    };
    let now = state.clock.now();
    if claims.iss != client.client_id || claims.sub != client.client_id || !is_for_us(state, &claims.aud) {
        return Ok(None);
    }
    if !holds(&claims, now) || claims.jti.is_empty() || claims.jti.len() > MAX_JTI {
        return Ok(None);
    }
    let shown = handles::hash(&format!("{}\n{}", client.client_id, claims.jti));
    let until = UtcMillis((claims.exp + SKEW_SECONDS) * 1_000);
    let first = state.store.use_assertion(shown, until).await?;
    Ok(first.then_some(client))
}

/// Whom an assertion claims to be by, before anything is verified: only to find the keys.
fn subject(assertion: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        sub: String,
    }
    let claims = URL_SAFE_NO_PAD.decode(assertion.split('.').nth(1)?).ok()?;
    serde_json::from_slice::<Named>(&claims).ok().map(|named| named.sub)
}

/// Our token endpoint (SMART) or our issuer (FAPI 2), at whichever endpoint it is shown.
fn is_for_us(state: &AppState, audience: &str) -> bool {
    let issuer = &state.config.http.public_url;
    audience == issuer || audience.strip_prefix(issuer.as_str()) == Some("/oauth/token")
}

fn holds(claims: &Claims, now: UtcMillis) -> bool {
    let now = seconds(now);
    let window = now - SKEW_SECONDS + 1..=now + LIFETIME_SECONDS + SKEW_SECONDS;
    window.contains(&claims.exp) && claims.nbf.is_none_or(|from| from <= now + SKEW_SECONDS)
}

/// The claims, when one of these keys signed them in a way that we take.
fn verified(assertion: &str, keys: &str, jwks_uri: Option<&str>) -> Option<Claims> {
    let header = decode_header(assertion).ok()?;
    let algorithm = [Algorithm::ES256, Algorithm::ES384, Algorithm::RS384]
        .into_iter()
        .find(|known| *known == header.alg)?;
    // SMART demands `typ`; RFC 7523 does not, and common libraries leave it out.
    if header.typ.is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT")) {
        return None;
    }
    // S-104: an address that it names must be the registered one.
    if header.jku.is_some_and(|jku| Some(jku.as_str()) != jwks_uri) {
        return None;
    }
    let kid = header.kid?;
    let keys: JwkSet = serde_json::from_str(keys).ok()?;
    let mut named = keys
        .keys
        .iter()
        .filter(|key| key.common.key_id.as_deref() == Some(&kid) && fits(key, algorithm));
    let (Some(key), None) = (named.next(), named.next()) else {
        return None;
    };
    // Times and audience are looked at by the caller, against the clock of this server.
    let mut validation = Validation::new(algorithm);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let key = DecodingKey::from_jwk(key).ok()?;
    decode::<Claims>(assertion, &key, &validation)
        .ok()
        .map(|token| token.claims)
}

fn fits(key: &Jwk, algorithm: Algorithm) -> bool {
    match key.algorithm {
        AlgorithmParameters::EllipticCurve(_) => matches!(algorithm, Algorithm::ES256 | Algorithm::ES384),
        AlgorithmParameters::RSA(_) => algorithm == Algorithm::RS384,
        _ => false,
    }
}
