//! The keys that this gateway signs with, and their public halves at `/.well-known/jwks.json`.
//!
//! One secret file holds them, a line a key: the algorithm, a space, the private key (PKCS #8) in base64. The last line of an
//! algorithm signs; the others are published too, so that what they signed can be verified. Nothing here knows what is signed.

use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Serialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::config::ConfigError;
use crate::secrets;
use crate::state::AppState;

/// The setting that names the file.
const SETTING: &str = "data.signing_keys_file";

/// How something is signed (RFC 7518 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256: short, for all that is ours to choose.
    Es256,
    /// RSA of 2048 bits with SHA-256: what every reader of ID tokens must know (S-082).
    Rs256,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Es256, Self::Rs256];

    /// Its name in JOSE.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }
}

/// Why something could not be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SigningError {
    /// What is to be signed is no JSON.
    #[error("the claims cannot be written as JSON")]
    Claims,
    /// No key of this algorithm is there.
    #[error("there is no key for {}", .0.name())]
    NoKey(Algorithm),
    /// The library refused.
    #[error("signing with {} failed", .0.name())]
    Failed(Algorithm),
}

enum Private {
    Es256(EcdsaKeyPair),
    Rs256(RsaKeyPair),
}

/// A key pair.
pub struct SigningKey {
    id: String,
    private: Private,
    public: Value,
}

impl SigningKey {
    /// A fresh one that is written nowhere.
    ///
    /// # Errors
    /// [`SigningError::Failed`] when this machine makes no keys.
    pub fn generate(algorithm: Algorithm) -> Result<Self, SigningError> {
        fresh_document(algorithm)
            .and_then(|document| Self::new(algorithm, &document))
            .ok_or(SigningError::Failed(algorithm))
    }

    /// The public half as a JSON Web Key (RFC 7517).
    pub fn public(&self) -> &Value {
        &self.public
    }

    /// These claims as a signed token in the compact form (RFC 7515 3.1). `typ` says what it is: `JWT` where the field has no
    /// better word.
    ///
    /// # Errors
    /// [`SigningError::Claims`] and [`SigningError::Failed`].
    pub fn sign(&self, typ: &str, claims: &impl Serialize) -> Result<String, SigningError> {
        let algorithm = self.algorithm();
        let header = json!({ "alg": algorithm.name(), "typ": typ, "kid": self.id });
        let claims = serde_json::to_vec(claims).map_err(|_| SigningError::Claims)?;
        let signed = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header.to_string()),
            URL_SAFE_NO_PAD.encode(claims)
        );
        let signature = self
            .signature(signed.as_bytes())
            .ok_or(SigningError::Failed(algorithm))?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn new(algorithm: Algorithm, document: &[u8]) -> Option<Self> {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        // Members in the order of RFC 7638 3.2, whose digest is the id: the same key has the same id everywhere.
        let (private, required) = match algorithm {
            Algorithm::Es256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document).ok()?;
                // SEC 1, 2.3.3: 0x04, then both coordinates.
                let point = pair.public_key().as_ref();
                let (x, y) = (encode(point.get(1..33)?), encode(point.get(33..65)?));
                (
                    Private::Es256(pair),
                    vec![
                        ("crv", "P-256".to_owned()),
                        ("kty", "EC".to_owned()),
                        ("x", x),
                        ("y", y),
                    ],
                )
            }
            Algorithm::Rs256 => {
                let pair = RsaKeyPair::from_pkcs8(document).ok()?;
                let public = pair.public_key();
                let (n, e) = (
                    encode(public.modulus().big_endian_without_leading_zero()),
                    encode(public.exponent().big_endian_without_leading_zero()),
                );
                (
                    Private::Rs256(pair),
                    vec![("e", e), ("kty", "RSA".to_owned()), ("n", n)],
                )
            }
        };
        let members: Vec<String> = required
            .iter()
            .map(|(name, value)| format!("\"{name}\":\"{value}\""))
            .collect();
        let id = encode(digest(&SHA256, format!("{{{}}}", members.join(",")).as_bytes()).as_ref());
        let mut public = json!({ "use": "sig", "alg": algorithm.name(), "kid": id });
        for (name, value) in required {
            public[name] = json!(value);
        }
        Some(Self { id, private, public })
    }

    fn algorithm(&self) -> Algorithm {
        match self.private {
            Private::Es256(_) => Algorithm::Es256,
            Private::Rs256(_) => Algorithm::Rs256,
        }
    }

    fn signature(&self, message: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match &self.private {
            Private::Es256(pair) => pair
                .sign(&random, message)
                .ok()
                .map(|signature| signature.as_ref().to_vec()),
            Private::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).ok()?;
                Some(signature)
            }
        }
    }
}

/// All keys of this gateway, the oldest first.
pub struct SigningKeys(Vec<SigningKey>);

impl SigningKeys {
    /// Reads the file; makes it with a key of each algorithm when it is missing.
    ///
    /// # Errors
    /// [`ConfigError::Secret`] when it cannot be read or made, or is no file of such keys.
    pub fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let fail = |problem: &str| ConfigError::Secret {
            file: path.display().to_string(),
            key: SETTING,
            problem: problem.to_owned(),
        };
        let text = secrets::text_from_file(path, SETTING, || {
            fresh_lines().ok_or_else(|| fail("cannot be made: this machine makes no keys"))
        })?;
        let keys = Self::parse(&text).ok_or_else(|| {
            fail("is no file of keys: on each line, ES256 or RS256, a space, and a PKCS #8 key in base64")
        })?;
        match Algorithm::ALL
            .into_iter()
            .find(|algorithm| keys.newest(*algorithm).is_none())
        {
            Some(missing) => Err(fail(&format!("holds no key for {}: one is needed", missing.name()))),
            None => Ok(keys),
        }
    }

    /// Adds a key of each algorithm, which signs from the next start on; what the older ones signed still verifies. The `keep`
    /// newest of an algorithm stay.
    ///
    /// # Errors
    /// As [`SigningKeys::from_file`].
    pub fn rotate(path: &Path, keep: usize) -> Result<usize, ConfigError> {
        let fail = |problem: String| ConfigError::Secret {
            file: path.display().to_string(),
            key: SETTING,
            problem,
        };
        Self::from_file(path)?;
        let text = std::fs::read_to_string(path)
            .map(Zeroizing::new)
            .map_err(|error| fail(format!("cannot be read: {error}")))?;
        let fresh = fresh_lines().ok_or_else(|| fail("cannot be made: this machine makes no keys".to_owned()))?;
        let lines: Vec<&str> = text
            .lines()
            .chain(fresh.lines())
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        let algorithm_of = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
        let newer = |at: usize| {
            let own = algorithm_of(lines[at]);
            lines[at + 1..].iter().filter(|line| algorithm_of(line) == own).count()
        };
        let kept: Vec<&str> = (0..lines.len())
            .filter(|at| newer(*at) < keep)
            .map(|at| lines[at])
            .collect();
        let text = Zeroizing::new(kept.join("\n") + "\n");
        secrets::replace_secret(path, text.as_bytes()).map_err(|error| fail(format!("cannot be written: {error}")))?;
        Ok(kept.len())
    }

    fn parse(text: &str) -> Option<Self> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let keys: Option<Vec<SigningKey>> = lines
            .map(|line| {
                let (name, key) = line.split_once(' ')?;
                let algorithm = Algorithm::ALL.into_iter().find(|known| known.name() == name)?;
                let document = Zeroizing::new(STANDARD.decode(key.trim()).ok()?);
                SigningKey::new(algorithm, &document)
            })
            .collect();
        keys.map(Self)
    }

    fn newest(&self, algorithm: Algorithm) -> Option<&SigningKey> {
        self.0.iter().rev().find(|key| key.algorithm() == algorithm)
    }

    /// As [`SigningKey::sign`], under the newest key.
    ///
    /// # Errors
    /// [`SigningError`].
    pub fn sign(&self, algorithm: Algorithm, typ: &str, claims: &impl Serialize) -> Result<String, SigningError> {
        let key = self.newest(algorithm).ok_or(SigningError::NoKey(algorithm))?;
        key.sign(typ, claims)
    }

    /// The public halves as a JSON Web Key Set (RFC 7517 5), the newest first.
    pub fn public(&self) -> Value {
        let keys: Vec<&Value> = self.0.iter().rev().map(SigningKey::public).collect();
        json!({ "keys": keys })
    }
}

/// A new private key (PKCS #8). The library takes its randomness from the operating system.
fn fresh_document(algorithm: Algorithm) -> Option<Zeroizing<Vec<u8>>> {
    let document = match algorithm {
        Algorithm::Es256 => {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).ok()?;
            pair.to_pkcs8v1().ok()?.as_ref().to_vec()
        }
        Algorithm::Rs256 => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).ok()?;
            pair.as_der().ok()?.as_ref().to_vec()
        }
    };
    Some(Zeroizing::new(document))
}

/// A new key of each algorithm as the file holds them.
fn fresh_lines() -> Option<Zeroizing<String>> {
    let mut lines = Zeroizing::new(String::new());
    for algorithm in Algorithm::ALL {
        let document = fresh_document(algorithm)?;
        lines.push_str(&format!("{} {}\n", algorithm.name(), STANDARD.encode(&*document)));
    }
    Some(lines)
}

/// `GET /.well-known/jwks.json`: for whoever verifies what this gateway signed.
pub async fn jwks(State(state): State<AppState>) -> Response {
    let mut response = Json(state.signing.public()).into_response();
    // O-047: short enough that a new key is known an hour after it was added.
    let cached = HeaderValue::from_static("public, max-age=3600");
    response.headers_mut().insert(header::CACHE_CONTROL, cached);
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::jwk::{Jwk, JwkSet};
    use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};

    fn verifies(token: &str, keys: &Value) -> bool {
        let keys: JwkSet = serde_json::from_value(keys.clone()).unwrap();
        let header = decode_header(token).unwrap();
        let key: &Jwk = keys.find(&header.kid.unwrap()).unwrap();
        let mut validation = Validation::new(header.alg);
        validation.required_spec_claims.clear();
        decode::<Value>(token, &DecodingKey::from_jwk(key).unwrap(), &validation).is_ok()
    }

    #[test]
    fn what_is_signed_verifies_with_the_published_key_and_not_when_changed() {
        let keys = SigningKeys::parse(&fresh_lines().unwrap()).unwrap();
        for algorithm in Algorithm::ALL {
            let token = keys.sign(algorithm, "JWT", &json!({ "sub": "関所" })).unwrap();
            assert!(verifies(&token, &keys.public()), "{algorithm:?}");
            let (head, rest) = token.split_once('.').unwrap();
            let (_, signature) = rest.split_once('.').unwrap();
            let other = format!("{head}.{}.{signature}", URL_SAFE_NO_PAD.encode("{\"sub\":\"x\"}"));
            assert!(!verifies(&other, &keys.public()), "{algorithm:?}");
        }
    }

    #[test]
    fn the_newest_key_signs_and_what_an_older_one_signed_still_verifies() {
        let (old, new) = (fresh_lines().unwrap(), fresh_lines().unwrap());
        let before = SigningKeys::parse(&old).unwrap();
        let after = SigningKeys::parse(&format!("{}\n{}", *old, *new)).unwrap();
        for algorithm in Algorithm::ALL {
            let token = before.sign(algorithm, "JWT", &json!({})).unwrap();
            assert!(verifies(&token, &after.public()));
            let token = after.sign(algorithm, "JWT", &json!({})).unwrap();
            let kid = decode_header(&token).unwrap().kid.unwrap();
            assert_ne!(kid, before.newest(algorithm).unwrap().id);
        }
    }

    #[test]
    fn nothing_private_is_published() {
        let keys = SigningKeys::parse(&fresh_lines().unwrap()).unwrap().public();
        for key in keys["keys"].as_array().unwrap() {
            for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
                assert!(key.get(private).is_none(), "{private}");
            }
        }
    }

    #[test]
    fn the_file_is_made_once_and_a_damaged_one_is_refused_without_showing_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets/signing.keys");
        let first = SigningKeys::from_file(&path).unwrap().public();
        assert_eq!(SigningKeys::from_file(&path).unwrap().public(), first);
        std::fs::write(&path, "ES256 c0ffee").unwrap();
        let error = SigningKeys::from_file(&path).err().unwrap().to_string();
        assert!(error.contains("PKCS #8") && !error.contains("c0ffee"), "{error}");
    }

    #[test]
    fn a_rotation_signs_with_a_new_key_and_keeps_the_last_ones_verifying() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("signing.keys");
        let first = SigningKeys::from_file(&path).unwrap().public();
        assert_eq!(SigningKeys::rotate(&path, 2).unwrap(), 4);
        let second = SigningKeys::from_file(&path).unwrap().public();
        let kids = |keys: &Value| -> Vec<String> {
            let keys = keys["keys"].as_array().unwrap().iter();
            keys.map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
        };
        assert!(kids(&first).iter().all(|kid| kids(&second).contains(kid)));
        assert_eq!(SigningKeys::rotate(&path, 2).unwrap(), 4);
        let third = SigningKeys::from_file(&path).unwrap().public();
        assert!(
            kids(&first).iter().all(|kid| !kids(&third).contains(kid)),
            "the oldest are gone"
        );
    }
}
