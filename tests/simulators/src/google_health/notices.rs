//! Notices: signed as Tink signs, by a key that a set publishes and that can be turned.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use axum::Json;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::UtcMillis;
use model::time::HOUR_MS;
use serde_json::{Value, json};

use super::{Shared, WEBHOOK_SECRET};
use crate::StartError;

/// What signs.
pub(super) struct Signer {
    id: u32,
    pair: EcdsaKeyPair,
}

impl Signer {
    /// A new key with this number.
    pub(super) fn new(id: u32) -> Result<Self, StartError> {
        let failed = |_| StartError::Made("no key");
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).map_err(failed)?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref());
        Ok(Self {
            id,
            pair: pair.map_err(|_| StartError::Made("no key"))?,
        })
    }

    /// One with the next number.
    pub(super) fn next(&self) -> Result<Self, StartError> {
        Self::new(self.id + 1)
    }

    fn sign(&self, body: &[u8]) -> Option<String> {
        let signature = self.pair.sign(&SystemRandom::new(), body).ok()?;
        let mut whole = vec![1];
        whole.extend_from_slice(&self.id.to_be_bytes());
        whole.extend_from_slice(signature.as_ref());
        Some(STANDARD.encode(whole))
    }

    fn published(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        let (x, y) = (
            point.get(1..33).unwrap_or_default(),
            point.get(33..65).unwrap_or_default(),
        );
        // Fields 3 and 4 of an EcdsaPublicKey, each with a zero before it, as a signed number would have.
        let mut message = vec![0x12, 6, 8, 3, 16, 2, 24, 2];
        for (tag, number) in [(0x1a, x), (0x22, y)] {
            message.extend_from_slice(&[tag, 33, 0]);
            message.extend_from_slice(number);
        }
        json!({
            "keyData": {
                "typeUrl": "type.googleapis.com/google.crypto.tink.EcdsaPublicKey",
                "value": STANDARD.encode(message),
                "keyMaterialType": "ASYMMETRIC_PUBLIC",
            },
            "status": "ENABLED",
            "keyId": self.id,
            "outputPrefixType": "TINK",
        })
    }
}

/// The published keys.
pub(super) async fn keys(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let state = shared.state();
    Json(json!({"primaryKeyId": state.signer.id, "key": [state.signer.published()]}))
}

/// What is sent wrongly, on purpose.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wrong {
    pub(super) signature: bool,
    pub(super) secret: bool,
}

/// A notice.
pub(super) fn notice(account: &str, kind: &str, operation: &str, start: UtcMillis, end: UtcMillis) -> Value {
    let iso = |at: UtcMillis| jiff::Timestamp::from_millisecond(at.0).unwrap_or_default().to_string();
    json!({"data": {
        "version": "1",
        "healthUserId": account,
        "operation": operation,
        "dataType": kind,
        "intervals": [{"physicalTimeInterval": {"startTime": iso(start), "endTime": iso(end)}}],
    }})
}

/// Sends a notice; what it was answered, 0 for nothing.
pub(super) async fn send(shared: &Shared, body: &Value, wrong: Wrong) -> u16 {
    let body = body.to_string().into_bytes();
    let signature = match wrong.signature {
        true => shared.state().signer.sign(b"something else"),
        false => shared.state().signer.sign(&body),
    };
    let secret = if wrong.secret { "Bearer wrong" } else { WEBHOOK_SECRET };
    let sent = shared
        .http
        .post(format!("{}/google-health", shared.setup.webhooks))
        .header("authorization", secret)
        .header("GOOGLE-HEALTH-API-SIGNATURE", signature.unwrap_or_default())
        .header("content-type", "application/json")
        .body(body)
        .send()
        .await;
    sent.map_or(0, |answer| answer.status().as_u16())
}

/// Tells every minute of steps and pulse of the last hour.
pub(super) async fn tell_by_itself(shared: Arc<Shared>) {
    let mut every = tokio::time::interval(Duration::from_secs(60));
    loop {
        every.tick().await;
        let now = shared.setup.clock.now();
        let accounts = shared.state().grants.accounts();
        for account in accounts {
            for kind in ["steps", "heart-rate"] {
                let body = notice(&account, kind, "UPSERT", now.plus(-HOUR_MS), now);
                let status = send(&shared, &body, Wrong::default()).await;
                tracing::debug!(status, "told of new data at {}", shared.base);
            }
        }
    }
}
