//! A resident with a hundred active consents: each to a recipient of its own, with several grants.

use consent::{
    Consent, ConsentId, ConsentState, ConsentsVersion, DataPeriod, Detail, Grant, HowGiven, IdentityGrant, Language,
    PersonConsents, Purpose, Sources,
};
use model::{ConsentCategory, LocalDay, PersonId, RecipientId, UtcMillis};

/// Consent and recipient have the same number, from 1 to 100.
pub fn consents() -> PersonConsents {
    PersonConsents::new(PersonId(1), ConsentsVersion(1), (1..=100).map(consent).collect())
}

fn consent(number: u32) -> Consent {
    let now = UtcMillis(0);
    Consent {
        id: ConsentId(number.into()),
        version: 1,
        person: PersonId(1),
        recipient: RecipientId(number),
        purpose: Purpose::new("health-points").expect("a purpose"),
        state: ConsentState::Active,
        grants: ConsentCategory::ALL.into_iter().take(8).map(grant).collect(),
        identity: IdentityGrant {
            age_band_and_sex: true,
            ..IdentityGrant::NOTHING
        },
        language: Language::Ja,
        text: "歩数を渡します。".to_owned(),
        text_hash: [0; 32],
        given_at: now,
        changed_at: now,
        how: HowGiven::SignedIn {
            issuer: "https://id.example".to_owned(),
            assurance: None,
            acting: None,
        },
        withdrawn_by: None,
    }
}

fn grant(category: ConsentCategory) -> Grant {
    Grant {
        category,
        sources: Sources::Only(vec![1, 3, 5]),
        period: DataPeriod {
            from: Some(LocalDay(19_000)),
            until: None,
        },
        detail: Detail::Raw,
        running_day: false,
        expires: Some(UtcMillis(1_000_000)),
    }
}
