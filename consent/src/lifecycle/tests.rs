//! A consent's life, case by case and under random events.

use model::{ConsentCategory, PersonId, RecipientId};
use proptest::prelude::*;

use super::*;
use crate::grant::{Detail, Grant, IdentityGrant};
use crate::testing::{CONSENT, REQUEST, consent, decided, draft, grant, purpose, seen_by_anyone};

const STEPS: ConsentCategory = ConsentCategory::Activity;

fn daily() -> Grant {
    grant(STEPS, Detail::Daily)
}

fn until(expires: i64) -> Grant {
    Grant {
        expires: Some(UtcMillis(expires)),
        ..daily()
    }
}

#[test]
fn a_draft_becomes_an_active_consent_with_all_that_was_shown() {
    let given = draft(vec![daily()]).give(CONSENT, UtcMillis(5)).unwrap();
    assert_eq!((given.version, given.state), (1, ConsentState::Active));
    assert_eq!((given.given_at, given.changed_at), (UtcMillis(5), UtcMillis(5)));
    assert_eq!((given.text.as_str(), given.text_hash), ("歩数を渡します。", [7; 32]));
    assert!(!decided(REQUEST, &[given], 5).is_denied());
    assert_eq!(draft(Vec::new()).give(CONSENT, UtcMillis(5)), Err(DraftError::Nothing));
}

#[test]
fn a_withdrawn_consent_is_not_withdrawn_again_and_does_not_come_back() {
    let withdrawn = consent(vec![daily()]).withdraw(UtcMillis(9), None).unwrap();
    assert_eq!(
        (withdrawn.state, withdrawn.changed_at),
        (ConsentState::Withdrawn, UtcMillis(9))
    );
    let refused = TransitionError::Withdrawn { consent: CONSENT };
    assert_eq!(withdrawn.withdraw(UtcMillis(10), None), Err(refused));
    assert_eq!(withdrawn.expire(UtcMillis(10)), Err(refused));
    assert_eq!(withdrawn.supersede(draft(vec![daily()]), UtcMillis(10)), Err(refused));
}

#[test]
fn a_consent_expires_once_its_last_part_has() {
    let two = consent(vec![until(10), until(20)]);
    assert_eq!(two.ends_at(), Some(UtcMillis(20)));
    assert_eq!(
        two.expire(UtcMillis(19)),
        Err(TransitionError::NotExpired { consent: CONSENT })
    );
    assert_eq!(two.expire(UtcMillis(20)).unwrap().state, ConsentState::Expired);
    let known = Consent {
        identity: IdentityGrant {
            name: true,
            ..IdentityGrant::NOTHING
        },
        ..two
    };
    assert_eq!(known.ends_at(), None, "the name is given without end");
    let without_end = consent(vec![until(10), daily()]);
    assert!(without_end.expire(UtcMillis(i64::MAX)).is_err());
}

#[test]
fn a_next_version_takes_the_place_and_says_which_way_it_moved() {
    let first = consent(vec![daily()]);
    let moved = first
        .supersede(draft(vec![grant(STEPS, Detail::Raw)]), UtcMillis(7))
        .unwrap();
    assert_eq!((moved.old.state, moved.old.version), (ConsentState::Superseded, 1));
    assert_eq!(
        (moved.new.state, moved.new.version, moved.new.id),
        (ConsentState::Active, 2, CONSENT)
    );
    assert!(moved.difference.widened && !moved.difference.narrowed);
    assert_eq!(
        moved.old.supersede(draft(vec![daily()]), UtcMillis(8)),
        Err(TransitionError::Superseded {
            consent: CONSENT,
            version: 1
        })
    );
    assert!(decided(REQUEST, &[moved.old, moved.new], 8).permits(STEPS, 0, model::LocalDay(1), Detail::Raw));
}

#[test]
fn a_next_version_is_of_the_same_place() {
    let first = consent(vec![daily()]);
    let other_place = Err(TransitionError::OtherPlace { consent: CONSENT });
    let asked = |change: fn(&mut ConsentDraft)| {
        let mut draft = draft(vec![daily()]);
        change(&mut draft);
        first.supersede(draft, UtcMillis(7))
    };
    assert_eq!(asked(|draft| draft.person = PersonId(2)), other_place);
    assert_eq!(asked(|draft| draft.recipient = RecipientId(2)), other_place);
    assert_eq!(asked(|draft| draft.purpose = purpose("research")), other_place);
    assert_eq!(
        asked(|draft| draft.grants.clear()),
        Err(TransitionError::Draft(DraftError::Nothing))
    );
    let last = Consent {
        version: u32::MAX,
        ..first.clone()
    };
    assert_eq!(
        last.supersede(draft(vec![daily()]), UtcMillis(7)),
        Err(TransitionError::NoMoreVersions { consent: CONSENT })
    );
}

#[test]
fn a_clock_that_went_back_does_not_turn_the_order_round() {
    let given = draft(vec![daily()]).give(CONSENT, UtcMillis(100)).unwrap();
    let moved = given.supersede(draft(vec![daily()]), UtcMillis(50)).unwrap();
    assert!(moved.new.given_at >= moved.old.given_at && moved.old.changed_at >= moved.old.given_at);
    assert_eq!(
        moved.new.withdraw(UtcMillis(0), None).unwrap().changed_at,
        UtcMillis(100)
    );
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Withdraw,
    Expire,
    Supersede { raw: bool, ends_in: Option<i64> },
    Pass(i64),
}

fn events() -> impl Strategy<Value = Event> {
    prop_oneof![
        1 => Just(Event::Withdraw),
        2 => Just(Event::Expire),
        3 => (any::<bool>(), proptest::option::of(1..6_i64)).prop_map(|(raw, ends_in)| Event::Supersede { raw, ends_in }),
        3 => (-2..5_i64).prop_map(Event::Pass),
    ]
}

proptest! {
    #[test]
    fn nothing_brings_a_consent_back_from_its_end(events in proptest::collection::vec(events(), 1..20)) {
        let mut now = 0;
        let mut versions = vec![draft(vec![until(4)]).give(CONSENT, UtcMillis(now)).unwrap()];
        for event in events {
            let latest = versions.last().unwrap().clone();
            let at = UtcMillis(now);
            match event {
                Event::Pass(by) => now += by,
                Event::Withdraw => {
                    let withdrawn = latest.withdraw(at, None);
                    prop_assert_eq!(withdrawn.is_ok(), latest.state == ConsentState::Active);
                    if let Ok(withdrawn) = withdrawn { *versions.last_mut().unwrap() = withdrawn; }
                }
                Event::Expire => {
                    let expired = latest.expire(at);
                    let is_over = latest.ends_at().is_some_and(|end| end <= at);
                    prop_assert_eq!(expired.is_ok(), latest.state == ConsentState::Active && is_over);
                    if let Ok(expired) = expired {
                        prop_assert!(decided(REQUEST, std::slice::from_ref(&latest), now).is_denied(), "only tidies up");
                        *versions.last_mut().unwrap() = expired;
                    }
                }
                Event::Supersede { raw, ends_in } => {
                    let new = Grant {
                        expires: ends_in.map(|by| UtcMillis(now + by)),
                        ..grant(STEPS, if raw { Detail::Raw } else { Detail::Daily })
                    };
                    let moved = latest.supersede(draft(vec![new]), at);
                    prop_assert_eq!(moved.is_ok(), latest.state == ConsentState::Active);
                    if let Ok(moved) = moved {
                        let before = seen_by_anyone(&versions, now);
                        *versions.last_mut().unwrap() = moved.old;
                        versions.push(moved.new);
                        let after = seen_by_anyone(&versions, now);
                        prop_assert!(moved.difference.widened || after.is_subset(&before));
                        prop_assert!(moved.difference.narrowed || before.is_subset(&after));
                    }
                }
            }
            let active: Vec<u32> = versions.iter().filter(|one| one.state == ConsentState::Active).map(|one| one.version).collect();
            prop_assert!(active.is_empty() || active == [versions.len() as u32], "only the latest can be active");
            for pair in versions.windows(2) {
                prop_assert_eq!(pair[0].state, ConsentState::Superseded);
                prop_assert!(pair[0].given_at <= pair[1].given_at && pair[1].version == pair[0].version + 1);
            }
            prop_assert!(versions.iter().all(|one| one.given_at <= one.changed_at));
            if active.is_empty() {
                prop_assert!(seen_by_anyone(&versions, now).is_empty());
            }
        }
    }
}
