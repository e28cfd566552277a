//! Messages to recipients about their consents, as Standard Webhooks (specification 1.0): what they say, and how they are signed.
//!
//! None holds health data: a message names a consent, and the recipient reads what it may.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::{RecipientId, UtcMillis};
use serde_json::json;
use store::{Endpoint, Message, Notice};

use crate::pairwise::Pairwise;

/// A message ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// `webhook-id`: the same for every attempt.
    pub id: String,
    /// `webhook-timestamp`: this attempt's, in seconds since 1970.
    pub timestamp: String,
    /// `webhook-signature`.
    pub signature: String,
    /// The body, as it was signed.
    pub body: String,
}

/// The `type` of a message.
pub const fn type_of(notice: Notice) -> &'static str {
    match notice {
        Notice::Changed { .. } => "consent.changed",
        Notice::Withdrawn => "consent.withdrawn",
        Notice::Expired => "consent.expired",
        Notice::DeletionRequested => "consent.deletion_requested",
    }
}

/// Writes a message for its recipient and signs it at `now`.
pub fn sign(
    pairwise: &Pairwise,
    recipient: RecipientId,
    endpoint: &Endpoint,
    message: &Message,
    now: UtcMillis,
) -> Signed {
    let ids = pairwise.of(recipient);
    let mut data = json!({
        "consent": format!("Consent/{}", ids.consent(message.person, message.consent)),
        "patient": format!("Patient/{}", ids.patient(message.person)),
    });
    if let Notice::Changed { resync } = message.notice {
        data["resync"] = resync.into();
    }
    let body = json!({
        "type": type_of(message.notice),
        "timestamp": fhir_profiles::instant_text(UtcMillis(message.at)),
        "data": data,
    })
    .to_string();
    let id = format!("msg_{:016x}", message.id);
    let timestamp = now.0.div_euclid(1_000).to_string();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &endpoint.secret);
    let tag = hmac::sign(&key, format!("{id}.{timestamp}.{body}").as_bytes());
    Signed {
        signature: format!("v1,{}", STANDARD.encode(tag)),
        id,
        timestamp,
        body,
    }
}

/// A secret as it is shown to a recipient (Standard Webhooks, "Signature scheme").
pub fn secret_text(secret: &[u8]) -> String {
    format!("whsec_{}", STANDARD.encode(secret))
}

#[cfg(test)]
mod tests {
    use super::*;
    use consent::ConsentId;
    use model::PersonId;

    #[test]
    fn a_message_says_which_consent_and_nothing_of_its_data() {
        let endpoint = Endpoint {
            url: "https://points.example/messages".to_owned(),
            secret: vec![7; 32],
        };
        let message = Message {
            id: 0xabc,
            notice: Notice::Changed { resync: true },
            person: PersonId(1),
            consent: ConsentId(0x1234_5678_9abc_def0),
            at: 1_778_338_800_000,
        };
        let signed = sign(
            &Pairwise::new(&[7; 32]),
            RecipientId(1),
            &endpoint,
            &message,
            UtcMillis(1_778_338_801_999),
        );
        insta::assert_debug_snapshot!(signed);
    }
}
