//! Receipts: what a resident agreed to, machine-readable, with the fields of ISO/IEC TS 27560:2023 as far as they are known.
//!
//! A receipt is of one state of one version; it holds no health data. Whoever writes it signs it.

use model::UtcMillis;
use serde_json::{Value, json};

use crate::fhir::{identity_codes, instant};
use crate::grant::Sources;
use crate::record::{Consent, ConsentState, HowGiven};

/// Somebody who takes part, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Party {
    /// Names it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Who stands behind it, if that is another.
    pub company: String,
    /// Whom to ask.
    pub contact: String,
    /// Address of its privacy policy.
    pub privacy_policy: String,
}

/// What a receipt says besides the consent.
pub struct Facts<'a> {
    /// The resident, by an id of the gateway's own.
    pub principal: &'a str,
    /// Who keeps the data.
    pub controller: &'a Party,
    /// Who receives it.
    pub recipient: &'a Party,
    /// The purpose in words, in the language of the consent.
    pub purpose: &'a str,
    /// Where the resident withdraws.
    pub withdraw_at: &'a str,
}

/// The number of the receipt of a consent as it stands: unlike that of any other state or version.
pub fn number(consent: &Consent) -> String {
    format!("{}-{}", consent.id, consent.fhir_version())
}

/// The receipt of a consent as it stands.
pub fn receipt(consent: &Consent, facts: &Facts<'_>) -> Value {
    let data = consent.grants.iter().map(|grant| {
        json!({
            "pii_type": grant.category.key(),
            "detail": grant.detail.code(),
            "running_day": grant.running_day,
            "sources": match &grant.sources {
                Sources::All => "all".to_owned(),
                Sources::Only(numbers) => format!("{} of the resident's sources", numbers.len()),
            },
            "from_day": grant.period.from.map(|day| day.to_string()),
            "until_day": grant.period.until.map(|day| day.to_string()),
            "expires": grant.expires.map(instant),
            "sensitive_pii_category": true,
        })
    });
    let identity = identity_codes(consent.identity).map(|code| {
        json!({"pii_type": code, "expires": consent.identity.expires.map(instant), "sensitive_pii_category": false})
    });
    let acting = match consent.state {
        ConsentState::Withdrawn => consent.withdrawn_by,
        _ => consent.how.acting(),
    };
    let pii: Vec<Value> = data.chain(identity).collect();
    json!({
        "schema_version": "ISO/IEC TS 27560:2023",
        "record_id": consent.id.to_string(),
        "receipt_id": number(consent),
        "pii_principal_id": facts.principal,
        "pii_processing": {
            "privacy_notice": facts.recipient.privacy_policy,
            "language": consent.language.tag(),
            "purpose": {"code": consent.purpose.as_str(), "text": facts.purpose},
            "lawful_basis": "consent",
            "jurisdiction": "JP",
            "notice_text": consent.text,
            "notice_sha256": hex(&consent.text_hash),
            "pii_information": pii,
            "pii_controllers": [party(facts.controller, "controller")],
            "recipient_third_parties": [party(facts.recipient, "recipient")],
            "withdrawal_method": facts.withdraw_at,
            "collection_method": how(&consent.how),
        },
        "event": {
            "event_time": instant(consent.changed_at),
            "given_at": instant(consent.given_at),
            "consent_version": consent.version,
            "event_type": "explicit",
            "event_state": state(consent.state),
            "acting_for_principal": acting.map(|acting| acting.relationship.code()),
            "validity_duration": consent.ends_at().map(instant),
        },
    })
}

fn party(party: &Party, kind: &str) -> Value {
    json!({
        "party_id": party.id,
        "party_name": party.name,
        "party_type": kind,
        "party_responsible": party.company,
        "party_contact": party.contact,
        "party_url": party.privacy_policy,
    })
}

fn how(how: &HowGiven) -> Value {
    match how {
        HowGiven::SignedIn { issuer, assurance, .. } => {
            json!({"method": "signed-in", "issuer": issuer, "assurance": assurance})
        }
        HowGiven::OnPaper {
            form,
            form_hash,
            identity_checked,
            ..
        } => {
            json!({"method": "on-paper", "form": form, "form_sha256": hex(form_hash), "identity_checked": identity_checked})
        }
    }
}

/// The state in the words of the Data Privacy Vocabulary.
const fn state(state: ConsentState) -> &'static str {
    match state {
        ConsentState::Active => "ConsentGiven",
        ConsentState::Withdrawn => "ConsentWithdrawn",
        ConsentState::Expired => "ConsentExpired",
        ConsentState::Superseded => "ConsentInvalidated",
    }
}

/// Bytes in hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// When a receipt counts as issued, in seconds since 1970.
pub fn issued(consent: &Consent) -> i64 {
    let UtcMillis(at) = consent.changed_at;
    at.div_euclid(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grant::Detail;
    use crate::testing::*;
    use model::ConsentCategory::Activity;

    fn facts(party: &Party) -> Facts<'_> {
        Facts {
            principal: "resident",
            controller: party,
            recipient: party,
            purpose: "健康ポイントの計算",
            withdraw_at: "https://sekisho.example/portal",
        }
    }

    #[test]
    fn a_receipt_says_what_was_agreed_to() {
        let mut given = consent(vec![grant(Activity, Detail::Daily)]);
        given.identity.age_band_and_sex = true;
        let text = serde_json::to_string_pretty(&receipt(&given, &facts(&Party::default()))).unwrap();
        insta::assert_snapshot!(text);
    }

    #[test]
    fn each_state_has_a_receipt_of_its_own() {
        let given = consent(vec![grant(Activity, Detail::Daily)]);
        let withdrawn = given.withdraw(UtcMillis(9), None).unwrap();
        assert_ne!(number(&given), number(&withdrawn));
        let receipt = receipt(&withdrawn, &facts(&Party::default()));
        assert_eq!(receipt["event"]["event_state"], "ConsentWithdrawn");
    }
}
