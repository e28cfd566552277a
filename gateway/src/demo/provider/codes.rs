//! Authorization codes: good once, for 60 seconds, and only for who holds the verifier (RFC 7636 4.6).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::UtcMillis;
use model::environment::Randomness;
use subtle::ConstantTimeEq as _;

use super::account::AccountNumber;
use crate::oauth::handles::{self, Handle};

/// How long a code can be exchanged, in milliseconds.
const CODE_MS: i64 = 60_000;

/// What a code stands for.
#[derive(Clone, Debug)]
pub struct Issued {
    /// To which client.
    pub client_id: String,
    /// Who signed in.
    pub account: AccountNumber,
    /// The challenge that the verifier must meet.
    pub code_challenge: String,
    /// Goes into the ID token.
    pub nonce: Option<String>,
    /// Whether the name goes into it.
    pub profile: bool,
}

impl Issued {
    /// True when the challenge was made of this verifier.
    pub fn is_verified_by(&self, verifier: &str) -> bool {
        // RFC 7636 4.1: 43 to 128 unreserved characters.
        let is_verifier = (43..=128).contains(&verifier.len())
            && verifier
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
        is_verifier && bool::from(challenge.as_bytes().ct_eq(self.code_challenge.as_bytes()))
    }
}

/// The codes that were issued and not exchanged yet, by the hash of their text.
pub struct Codes {
    waiting: Mutex<HashMap<[u8; 32], (Issued, UtcMillis)>>,
    randomness: Arc<dyn Randomness>,
}

impl Codes {
    /// None yet.
    pub fn new(randomness: Arc<dyn Randomness>) -> Self {
        Self {
            waiting: Mutex::new(HashMap::new()),
            randomness,
        }
    }

    /// A fresh handle.
    pub fn handle(&self) -> String {
        Handle::new(&*self.randomness).text
    }

    /// A code for what was agreed at `now`.
    pub fn issue(&self, issued: Issued, now: UtcMillis) -> String {
        let handle = Handle::new(&*self.randomness);
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|_, (_, at)| is_live(*at, now));
        waiting.insert(handle.hash, (issued, now));
        handle.text
    }

    /// What the code stands for and when it was issued, once; right or wrong, it is used up by this.
    pub fn redeem(&self, code: &str, now: UtcMillis) -> Option<(Issued, UtcMillis)> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.remove(&handles::hash(code)).filter(|(_, at)| is_live(*at, now))
    }
}

fn is_live(issued_at: UtcMillis, now: UtcMillis) -> bool {
    now < issued_at.plus(CODE_MS)
}
