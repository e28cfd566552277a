//! Handles: 256 random bits as text, handed out once and known to the store by their SHA-256 only.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::environment::Randomness;
use store::HandleHash;

/// A fresh handle.
pub struct Handle {
    /// What is handed out: 43 characters of base64url.
    pub text: String,
    /// What is stored.
    pub hash: HandleHash,
}

impl Handle {
    /// Makes one.
    pub fn new(randomness: &dyn Randomness) -> Self {
        let mut bytes = [0; 32];
        randomness.fill(&mut bytes);
        let text = URL_SAFE_NO_PAD.encode(bytes);
        Self {
            hash: hash(&text),
            text,
        }
    }
}

/// SHA-256 of a handle's text.
pub fn hash(text: &str) -> HandleHash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::environment::SeededRandomness;

    #[test]
    fn a_handle_is_43_characters_that_need_no_escape_and_is_known_by_its_hash() {
        let randomness = SeededRandomness::new(1);
        let (one, other) = (Handle::new(&randomness), Handle::new(&randomness));
        assert_eq!(one.text.len(), 43);
        assert!(
            one.text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        );
        assert_eq!(hash(&one.text), one.hash);
        assert_ne!(one.text, other.text);
    }
}
