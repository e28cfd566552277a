//! What a draft must be before it becomes a consent.

use model::{ConsentCategory, LocalDay};

use super::*;
use crate::testing::{draft, grant};

const NOW: UtcMillis = UtcMillis(1_000);
const STEPS: ConsentCategory = ConsentCategory::Activity;

fn daily() -> Grant {
    grant(STEPS, Detail::Daily)
}

fn why(grants: Vec<Grant>) -> Result<(), DraftError> {
    draft(grants).validate(NOW)
}

#[test]
fn what_was_ticked_within_what_was_asked_can_be_given() {
    assert_eq!(why(vec![daily()]), Ok(()));
    let identity_alone = ConsentDraft {
        identity: IdentityGrant {
            age_band_and_sex: true,
            ..IdentityGrant::NOTHING
        },
        ..draft(Vec::new())
    };
    assert_eq!(identity_alone.validate(NOW), Ok(()));
}

#[test]
fn nothing_ticked_is_a_refusal_and_no_consent() {
    assert_eq!(why(Vec::new()), Err(DraftError::Nothing));
}

#[test]
fn more_than_was_asked_cannot_be_given() {
    let asked = |grant: Grant| Asked {
        grants: vec![grant],
        identity: IdentityGrant::NOTHING,
    };
    let answer = |given: Grant, asked: Asked| ConsentDraft {
        asked,
        ..draft(vec![given])
    };
    let not_asked = Err(DraftError::NotAsked { grant: 0 });
    assert_eq!(
        answer(grant(STEPS, Detail::Raw), asked(daily())).validate(NOW),
        not_asked
    );
    assert_eq!(
        answer(grant(ConsentCategory::Heart, Detail::Daily), asked(daily())).validate(NOW),
        not_asked
    );
    let running = Grant {
        running_day: true,
        ..daily()
    };
    assert_eq!(answer(running, asked(daily())).validate(NOW), not_asked);
    let until = Grant {
        expires: Some(UtcMillis(5_000)),
        ..daily()
    };
    assert_eq!(answer(daily(), asked(until.clone())).validate(NOW), not_asked);
    assert_eq!(answer(until, asked(daily())).validate(NOW), Ok(()));
    let named = ConsentDraft {
        identity: IdentityGrant {
            name: true,
            ..IdentityGrant::NOTHING
        },
        ..answer(daily(), asked(daily()))
    };
    assert_eq!(named.validate(NOW), Err(DraftError::IdentityNotAsked));
}

#[test]
fn scopes_ask_for_categories_whole_and_for_identity_only_with_the_patient() {
    let steps = ScopeSet::parse(
        "patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|activity",
    )
    .unwrap();
    let asked = Asked::by_scopes(&steps);
    assert!(!asked.grants.is_empty() && !asked.identity.gives_something());
    assert!(
        asked
            .grants
            .iter()
            .all(|grant| grant.detail == Detail::Raw && grant.running_day)
    );
    let answered = ConsentDraft {
        asked,
        ..draft(vec![daily()])
    };
    assert_eq!(answered.validate(NOW), Ok(()));
    let with_patient = Asked::by_scopes(&ScopeSet::parse("patient/Patient.r").unwrap());
    assert!(with_patient.grants.is_empty() && with_patient.identity.birth_date);
}

#[test]
fn sources_are_some_ascending_and_possible() {
    let of = |numbers: Vec<u16>| {
        why(vec![Grant {
            sources: Sources::Only(numbers),
            ..daily()
        }])
    };
    assert_eq!(of(vec![0, 4_095]), Ok(()));
    assert_eq!(of(Vec::new()), Err(DraftError::SourceCount { grant: 0, count: 0 }));
    assert_eq!(
        of((0..257).collect()),
        Err(DraftError::SourceCount { grant: 0, count: 257 })
    );
    assert_eq!(of(vec![2, 1]), Err(DraftError::SourceOrder { grant: 0 }));
    assert_eq!(of(vec![1, 1]), Err(DraftError::SourceOrder { grant: 0 }));
    assert_eq!(of(vec![4_096]), Err(DraftError::SourceNumber { grant: 0 }));
}

#[test]
fn what_could_give_nothing_is_refused() {
    let backwards = Grant {
        period: DataPeriod {
            from: Some(LocalDay(9)),
            until: Some(LocalDay(8)),
        },
        ..daily()
    };
    assert_eq!(why(vec![backwards]), Err(DraftError::EmptyPeriod { grant: 0 }));
    let over = Grant {
        expires: Some(NOW),
        ..daily()
    };
    assert_eq!(why(vec![over]), Err(DraftError::AlreadyExpired { grant: 0 }));
    let identity_over = ConsentDraft {
        identity: IdentityGrant {
            name: true,
            expires: Some(NOW),
            ..IdentityGrant::NOTHING
        },
        ..draft(vec![daily()])
    };
    assert_eq!(identity_over.validate(NOW), Err(DraftError::IdentityAlreadyExpired));
    let twice = vec![daily(), grant(STEPS, Detail::Raw)];
    assert_eq!(why(twice), Err(DraftError::Duplicate { grant: 0, other: 1 }));
}

#[test]
fn more_grants_than_a_decision_can_hold_are_refused() {
    let of_source = |source: usize| Grant {
        sources: Sources::Only(vec![source as u16]),
        ..daily()
    };
    assert_eq!(why((0..MAX_GRANTS).map(of_source).collect()), Ok(()));
    let count = MAX_GRANTS + 1;
    assert_eq!(
        why((0..count).map(of_source).collect()),
        Err(DraftError::TooManyGrants { count })
    );
}

#[test]
fn what_was_shown_and_who_vouches_must_be_there() {
    let with_text = |text: String| ConsentDraft {
        text,
        ..draft(vec![daily()])
    };
    assert_eq!(with_text(" \n".to_owned()).validate(NOW), Err(DraftError::NoText));
    let length = MAX_TEXT + 1;
    assert_eq!(
        with_text("a".repeat(length)).validate(NOW),
        Err(DraftError::TextTooLong { length })
    );
    let by_nobody = ConsentDraft {
        how: HowGiven::SignedIn {
            issuer: String::new(),
            assurance: None,
            acting: None,
        },
        ..draft(vec![daily()])
    };
    assert_eq!(by_nobody.validate(NOW), Err(DraftError::NoIssuer));
}
