//! The key that signs ID tokens: ECDSA on P-256 (ES256, RFC 7518 3.4), made at start and never written.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::Serialize;
use serde_json::{Value, json};

use super::SetupError;

/// A key pair.
pub struct SigningKey {
    id: String,
    private: EncodingKey,
    x: String,
    y: String,
}

impl SigningKey {
    /// A fresh one. The library takes its randomness from the operating system.
    pub fn new() -> Result<Self, SetupError> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| SetupError::Key)?;
        let document = pair.to_pkcs8v1().map_err(|_| SetupError::Key)?;
        // SEC 1, 2.3.3: 0x04, then both coordinates.
        let point = pair.public_key().as_ref();
        let (Some(x), Some(y)) = (point.get(1..33), point.get(33..65)) else {
            return Err(SetupError::Key);
        };
        Ok(Self {
            id: URL_SAFE_NO_PAD.encode(&digest(&SHA256, point).as_ref()[..12]),
            private: EncodingKey::from_ec_der(document.as_ref()),
            x: URL_SAFE_NO_PAD.encode(x),
            y: URL_SAFE_NO_PAD.encode(y),
        })
    }

    /// The public half as a JSON Web Key (RFC 7517).
    pub fn public(&self) -> Value {
        json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.id, "x": self.x, "y": self.y,
        })
    }

    /// The claims as a signed token.
    pub fn sign(&self, claims: &impl Serialize) -> Option<String> {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.id.clone());
        encode(&header, claims, &self.private).ok()
    }
}
