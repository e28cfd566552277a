//! What a decision gives and withholds, case by case.

use model::{ConsentCategory, LocalDay, PersonId, RecipientId, UtcMillis};

use super::*;
use crate::testing::{CONSENT, PERSON, REQUEST, consent, decided, grant};

const STEPS: ConsentCategory = ConsentCategory::Activity;
const DAY: LocalDay = LocalDay(20_000);
const NEXT: LocalDay = LocalDay(20_001);

fn steps(detail: Detail) -> Vec<Consent> {
    vec![consent(vec![grant(STEPS, detail)])]
}

fn gives_nothing(decision: &Decision) -> bool {
    ConsentCategory::ALL.into_iter().all(|category| {
        [Detail::Daily, Detail::Raw].into_iter().all(|detail| {
            !decision.permits(category, 0, DAY, detail)
                && !decision.permits_day(category, 0, DAY, NEXT)
                && !decision.permits_day_of_all_sources(category, DAY, NEXT)
                && !decision.gives(category, detail)
                && decision.window(category, detail).next().is_none()
                && decision.sources_for(category, detail) == AllowedSources::None
        })
    }) && decision.identity() == IdentityGrant::NOTHING
        && decision.consent().is_none()
        && decision.is_denied()
}

#[test]
fn without_any_consent_nothing_is_given() {
    let decision = decided(REQUEST, &[], 0);
    assert!(gives_nothing(&decision));
    assert_eq!(decision.explain(), [Reason::UnknownConsent]);
}

#[test]
fn what_was_agreed_to_is_given_and_nothing_beside_it() {
    let decision = decided(REQUEST, &steps(Detail::Daily), 0);
    assert!(!decision.is_denied());
    assert!(decision.permits(STEPS, 3, DAY, Detail::Daily));
    for category in ConsentCategory::ALL.into_iter().filter(|category| *category != STEPS) {
        assert!(!decision.permits(category, 3, DAY, Detail::Daily), "{}", category.key());
    }
    assert_eq!(decision.identity(), IdentityGrant::NOTHING);
}

#[test]
fn another_persons_consents_give_nothing() {
    let of_other = Request {
        person: PersonId(2),
        ..REQUEST
    };
    let decision = decided(of_other, &steps(Detail::Raw), 0);
    assert!(gives_nothing(&decision));
    assert_eq!(decision.explain(), [Reason::OtherPerson]);
    let stray = Consent {
        person: PersonId(2),
        ..consent(vec![grant(STEPS, Detail::Raw)])
    };
    assert_eq!(decided(REQUEST, &[stray], 0).explain(), [Reason::UnknownConsent]);
}

#[test]
fn another_recipient_is_given_nothing() {
    let by_other = Request {
        recipient: RecipientId(2),
        ..REQUEST
    };
    let decision = decided(by_other, &steps(Detail::Raw), 0);
    assert!(gives_nothing(&decision));
    assert_eq!(decision.explain(), [Reason::OtherRecipient]);
}

#[test]
fn an_ended_consent_gives_nothing() {
    for state in [ConsentState::Withdrawn, ConsentState::Expired, ConsentState::Superseded] {
        let ended = Consent {
            state,
            ..consent(vec![grant(STEPS, Detail::Raw)])
        };
        let decision = decided(REQUEST, &[ended], 0);
        assert!(gives_nothing(&decision));
        assert_eq!(decision.explain(), [Reason::Ended(state)]);
    }
}

#[test]
fn the_latest_version_speaks_for_a_consent() {
    let first = Consent {
        state: ConsentState::Superseded,
        ..consent(vec![grant(STEPS, Detail::Raw)])
    };
    let second = Consent {
        version: 2,
        ..consent(vec![grant(STEPS, Detail::Daily)])
    };
    for order in [vec![first.clone(), second.clone()], vec![second, first]] {
        let decision = decided(REQUEST, &order, 0);
        assert!(decision.permits(STEPS, 0, DAY, Detail::Daily));
        assert!(!decision.permits(STEPS, 0, DAY, Detail::Raw));
        assert_eq!(decision.consent().map(|consent| consent.version), Some(2));
    }
}

#[test]
fn two_active_consents_of_one_place_give_nothing() {
    let one = consent(vec![grant(STEPS, Detail::Raw)]);
    let two = Consent {
        id: ConsentId(2),
        ..one.clone()
    };
    let decision = decided(REQUEST, &[one.clone(), two.clone()], 0);
    assert!(gives_nothing(&decision));
    assert_eq!(decision.explain(), [Reason::ConflictingConsents]);
    let withdrawn = two.withdraw(UtcMillis(0), None).unwrap();
    assert!(!decided(REQUEST, &[one, withdrawn], 0).is_denied());
}

#[test]
fn a_grant_gives_until_the_instant_it_expires() {
    let ends = Grant {
        expires: Some(UtcMillis(100)),
        ..grant(STEPS, Detail::Raw)
    };
    let consents = [consent(vec![ends])];
    assert!(decided(REQUEST, &consents, 99).permits(STEPS, 0, DAY, Detail::Raw));
    let decision = decided(REQUEST, &consents, 100);
    assert!(gives_nothing(&decision));
    let expired = Reason::GrantExpired {
        grant: 0,
        category: STEPS,
        expired: UtcMillis(100),
    };
    assert_eq!(decision.explain(), [Reason::NothingLeft, expired]);
}

#[test]
fn raw_includes_daily_and_not_the_other_way() {
    let raw = decided(REQUEST, &steps(Detail::Raw), 0);
    assert!(raw.permits(STEPS, 0, DAY, Detail::Raw) && raw.permits(STEPS, 0, DAY, Detail::Daily));
    let daily = decided(REQUEST, &steps(Detail::Daily), 0);
    assert!(daily.permits(STEPS, 0, DAY, Detail::Daily) && !daily.permits(STEPS, 0, DAY, Detail::Raw));
    assert!(daily.gives(STEPS, Detail::Daily) && !daily.gives(STEPS, Detail::Raw));
}

#[test]
fn only_the_sources_that_were_ticked_show() {
    let some = Grant {
        sources: Sources::Only(vec![2, 5]),
        ..grant(STEPS, Detail::Raw)
    };
    let other = Grant {
        sources: Sources::Only(vec![1, 5]),
        ..grant(STEPS, Detail::Daily)
    };
    let decision = decided(REQUEST, &[consent(vec![some, other])], 0);
    assert!(decision.permits(STEPS, 2, DAY, Detail::Raw) && !decision.permits(STEPS, 1, DAY, Detail::Raw));
    assert!(decision.permits(STEPS, 1, DAY, Detail::Daily) && !decision.permits(STEPS, 3, DAY, Detail::Daily));
    assert_eq!(
        decision.sources_for(STEPS, Detail::Daily),
        AllowedSources::Only(vec![1, 2, 5])
    );
    assert_eq!(
        decision.sources_for(STEPS, Detail::Raw),
        AllowedSources::Only(vec![2, 5])
    );
    assert!(!decision.permits_day_of_all_sources(STEPS, DAY, NEXT));
    let all = decided(REQUEST, &steps(Detail::Daily), 0);
    assert_eq!(all.sources_for(STEPS, Detail::Daily), AllowedSources::All);
    assert!(all.permits_day_of_all_sources(STEPS, DAY, NEXT));
}

#[test]
fn days_outside_the_period_do_not_show() {
    let from_today = Grant {
        period: DataPeriod {
            from: Some(DAY),
            until: Some(NEXT),
        },
        ..grant(STEPS, Detail::Raw)
    };
    let decision = decided(REQUEST, &[consent(vec![from_today])], 0);
    for (day, shows) in [(DAY.plus(-1), false), (DAY, true), (NEXT, true), (NEXT.plus(1), false)] {
        assert_eq!(decision.permits(STEPS, 0, day, Detail::Raw), shows, "{day}");
        assert_eq!(decision.permits_day(STEPS, 0, day, DAY.plus(9)), shows, "{day}");
    }
}

#[test]
fn a_day_that_is_not_over_shows_only_if_that_was_agreed() {
    let hidden = decided(REQUEST, &steps(Detail::Daily), 0);
    assert!(hidden.permits_day(STEPS, 0, DAY, NEXT));
    assert!(!hidden.permits_day(STEPS, 0, DAY, DAY) && !hidden.permits_day_of_all_sources(STEPS, DAY, DAY));
    assert!(
        !hidden.permits_day(STEPS, 0, NEXT, DAY),
        "a day to come is not over either"
    );
    let running = Grant {
        running_day: true,
        ..grant(STEPS, Detail::Daily)
    };
    let shown = decided(REQUEST, &[consent(vec![running])], 0);
    assert!(shown.permits_day(STEPS, 0, DAY, DAY) && shown.permits_day_of_all_sources(STEPS, DAY, DAY));
    let raw = decided(REQUEST, &steps(Detail::Raw), 0);
    assert!(
        raw.permits_day(STEPS, 0, DAY, DAY),
        "who sees every sample sees the day grow"
    );
}

#[test]
fn lines_about_who_the_person_is_stand_alone_and_end_on_their_own() {
    let known = Consent {
        identity: IdentityGrant {
            age_band_and_sex: true,
            expires: Some(UtcMillis(50)),
            ..IdentityGrant::NOTHING
        },
        ..consent(vec![grant(STEPS, Detail::Daily)])
    };
    let before = decided(REQUEST, std::slice::from_ref(&known), 49);
    assert!(before.identity().age_band_and_sex && !before.identity().birth_date);
    let after = decided(REQUEST, std::slice::from_ref(&known), 50);
    assert_eq!(after.identity(), IdentityGrant::NOTHING);
    assert!(after.permits(STEPS, 0, DAY, Detail::Daily));
    assert!(
        after
            .explain()
            .contains(&Reason::IdentityExpired { expired: UtcMillis(50) })
    );
    let alone = Consent {
        grants: Vec::new(),
        ..known
    };
    assert!(!decided(REQUEST, std::slice::from_ref(&alone), 49).is_denied());
    assert!(gives_nothing(&decided(REQUEST, &[alone], 50)));
}

#[test]
fn a_consent_of_more_grants_than_can_be_gives_nothing() {
    let most = vec![grant(STEPS, Detail::Raw); MAX_GRANTS];
    assert!(!decided(REQUEST, &[consent(most.clone())], 0).is_denied());
    let decision = decided(REQUEST, &[consent([most, vec![grant(STEPS, Detail::Raw)]].concat())], 0);
    assert!(gives_nothing(&decision));
    assert_eq!(decision.explain(), [Reason::TooManyGrants]);
}

#[test]
fn a_decision_says_what_it_was_decided_from() {
    let decision = decided(REQUEST, &steps(Detail::Daily), 77);
    assert_eq!(decision.person(), PERSON);
    assert_eq!(decision.recipient(), REQUEST.recipient);
    assert_eq!(decision.consent_id(), CONSENT);
    assert_eq!(decision.consents_version(), ConsentsVersion(3));
    assert_eq!(decision.decided_at(), UtcMillis(77));
    let gives = Reason::Gives {
        grant: 0,
        category: STEPS,
        detail: Detail::Daily,
    };
    assert_eq!(decision.explain(), [gives]);
}

#[test]
fn allowed_sources_are_those_named_and_no_other() {
    let only = AllowedSources::Only(vec![1, 4, 9]);
    for (sources, contains) in [
        (&AllowedSources::None, [false; 4]),
        (&AllowedSources::All, [true; 4]),
        (&only, [true, false, true, false]),
    ] {
        assert_eq!([1, 2, 9, 10].map(|source| sources.contains(source)), contains);
    }
}
