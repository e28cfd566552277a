//! Signed heads: once an hour the ends of all chains that moved are signed, each signature over the one before it.
//!
//! Chains show whoever changes a row in their middle. Who has database and keys could still write a chain anew, or cut it off
//! together with its head; what was signed before, and noted in the log, shows that too.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Head, Store, StoreError};

use crate::signing::{Algorithm, SigningError};
use crate::state::AppState;

/// `typ` of what is signed.
const TYPE: &str = "chain-heads+jwt";

/// How often heads are signed.
const EVERY: Duration = Duration::from_secs(3_600);

/// Heads under one signature at most.
const AT_ONCE: u32 = 5_000;

/// What is signed.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    iat: i64,
    /// SHA-256 of the signature before, in hexadecimal digits; empty for the first.
    previous: String,
    heads: Vec<Head>,
}

/// Why heads cannot be signed, or do not verify.
#[derive(Debug, thiserror::Error)]
pub enum HeadsError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No key, or no JSON.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// A signature that is not ours.
    #[error(
        "signature {number} does not verify: somebody changed it, or the signing keys are not those that signed it"
    )]
    Signature {
        /// Which.
        number: i64,
    },
    /// A signature was taken out.
    #[error("signature {number} does not follow the one before it: one was taken out")]
    Order {
        /// Which.
        number: i64,
    },
    /// A row that was signed is not there (any more).
    #[error(
        "signature {number} is over row {row} of chain {chain} of {owner}, which is another or gone: the chain was written anew or cut off"
    )]
    Row {
        /// Which signature.
        number: i64,
        /// Kind of chain.
        chain: u8,
        /// Of whom.
        owner: u32,
        /// Which row.
        row: i64,
    },
}

/// Signs once an hour until it is aborted.
pub async fn sign_hourly(state: AppState) {
    let mut every = tokio::time::interval(EVERY);
    // The first tick is at once; what a stopped server left is signed then.
    loop {
        every.tick().await;
        if let Err(error) = sign(&state).await {
            tracing::error!(%error, "heads of chains could not be signed");
        }
    }
}

/// Signs all heads that moved.
///
/// # Errors
/// [`HeadsError`].
pub async fn sign(state: &AppState) -> Result<(), HeadsError> {
    loop {
        let heads = state.store.unsigned_heads(AT_ONCE).await?;
        if heads.is_empty() {
            return Ok(());
        }
        let last = state.store.last_signed_head().await?;
        let claims = Claims {
            iss: state.config.http.public_url.clone(),
            iat: state.clock.now().0.div_euclid(1_000),
            previous: last.as_deref().map(mark).unwrap_or_default(),
            heads,
        };
        let jws = state.signing.sign(Algorithm::Es256, TYPE, &claims)?;
        // Noted where the database is not: whoever cuts off signatures cannot take this back.
        tracing::info!(
            heads = claims.heads.len(),
            signature = mark(&jws),
            "signed the heads of chains"
        );
        state.store.save_signed_heads(claims.heads, jws).await?;
    }
}

fn mark(jws: &str) -> String {
    consent::receipt::hex(digest(&SHA256, jws.as_bytes()).as_ref())
}

/// Verifies all signatures against these public keys and the chains as they are; how many there are.
///
/// # Errors
/// The first [`HeadsError`].
pub async fn verify(store: &Store, keys: &Value) -> Result<u64, HeadsError> {
    let keys: JwkSet = serde_json::from_value(keys.clone()).map_err(|_| SigningError::Claims)?;
    let (mut after, mut count, mut previous) = (0, 0, String::new());
    loop {
        let signed = store.signed_heads(after, 100).await?;
        if signed.is_empty() {
            return Ok(count);
        }
        for (number, _, jws) in signed {
            let claims = read(&jws, &keys).ok_or(HeadsError::Signature { number })?;
            if claims.previous != previous || number != after + 1 {
                return Err(HeadsError::Order { number });
            }
            if let Some(head) = store.missing_head(claims.heads).await? {
                return Err(HeadsError::Row {
                    number,
                    chain: head.chain,
                    owner: head.owner,
                    row: head.number,
                });
            }
            (after, previous, count) = (number, mark(&jws), count + 1);
        }
    }
}

fn read(jws: &str, keys: &JwkSet) -> Option<Claims> {
    let header = decode_header(jws).ok()?;
    let key = DecodingKey::from_jwk(keys.find(&header.kid?)?).ok()?;
    let mut validation = Validation::new(jsonwebtoken::Algorithm::ES256);
    validation.validate_exp = false;
    validation.required_spec_claims.clear();
    decode(jws, &key, &validation).ok().map(|token| token.claims)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::consents::tests::shared;
    use consent::OwnAccess;

    #[tokio::test]
    async fn heads_are_signed_once_each_over_the_signature_before_and_verify() {
        let (gateway, consent) = shared().await;
        let (state, store) = (&gateway.state, &gateway.state.store);
        sign(state).await.unwrap();
        sign(state).await.unwrap();
        let keys = state.signing.public();
        assert_eq!(
            verify(store, &keys).await.unwrap(),
            1,
            "what did not move is not signed again"
        );
        let own = OwnAccess::of_signed_in(consent.person);
        store.withdraw_consent(&own, consent.id).await.unwrap();
        sign(state).await.unwrap();
        assert_eq!(verify(store, &keys).await.unwrap(), 2);
        let other = shared().await.0.state.signing.public();
        assert!(matches!(
            verify(store, &other).await,
            Err(HeadsError::Signature { number: 1 })
        ));
    }

    #[tokio::test]
    async fn a_row_that_was_signed_and_is_another_is_named() {
        let (gateway, _) = shared().await;
        let (state, store) = (&gateway.state, &gateway.state.store);
        let mut heads = store.unsigned_heads(10).await.unwrap();
        heads[0].hash = "00".repeat(32);
        let claims = Claims {
            iss: String::new(),
            iat: 0,
            previous: String::new(),
            heads: heads.clone(),
        };
        let jws = state.signing.sign(Algorithm::Es256, TYPE, &claims).unwrap();
        store.save_signed_heads(heads, jws).await.unwrap();
        let refused = verify(store, &state.signing.public()).await;
        assert!(matches!(refused, Err(HeadsError::Row { number: 1, .. })), "{refused:?}");
    }
}
