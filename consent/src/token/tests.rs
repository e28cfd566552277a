//! How refresh tokens rotate: stories, and random events against a twin that keeps every token it ever gave out.

use proptest::prelude::*;

use super::*;

const ID: FamilyId = FamilyId(7);
const NOW: UtcMillis = UtcMillis(1_000_000);

fn shown(generation: u32) -> ShownRefresh<'static> {
    ShownRefresh {
        generation,
        expires: NOW.plus(REFRESH_LIFETIME_MS),
        issued_to: "point-app",
        shown_by: "point-app",
    }
}

#[test]
fn each_refresh_ends_the_generation_before() {
    let first = Family::begin(ID, NOW);
    assert!(first.admits(1));
    let second = first.rotate(shown(1), NOW.plus(5)).unwrap();
    assert!(second.admits(2) && !second.admits(1));
}

#[test]
fn a_stolen_token_is_noticed_when_its_successor_was_used() {
    let third = Family::begin(ID, NOW)
        .rotate(shown(1), NOW)
        .and_then(|family| family.rotate(shown(2), NOW))
        .unwrap();
    assert_eq!(third.rotate(shown(1), NOW), Err(RefreshError::Reused { family: ID }));
    let ended = third.revoke(RevokedBy::RefreshReuse).unwrap();
    assert!(!ended.admits(3));
    assert_eq!(
        ended.rotate(shown(3), NOW),
        Err(RefreshError::Revoked {
            family: ID,
            by: RevokedBy::RefreshReuse
        })
    );
}

#[test]
fn a_lost_answer_may_be_asked_for_again_within_ten_seconds_of_the_first_use() {
    let second = Family::begin(ID, NOW).rotate(shown(1), NOW).unwrap();
    let third = second.rotate(shown(1), NOW.plus(GRACE_MS)).unwrap();
    assert!(third.admits(3) && !third.admits(2), "of equal requests one pair lives");
    let reused = Err(RefreshError::Reused { family: ID });
    assert_eq!(second.rotate(shown(1), NOW.plus(GRACE_MS + 1)), reused);
    assert_eq!(
        third.rotate(shown(1), NOW.plus(GRACE_MS + 1)),
        reused,
        "asking again does not lengthen the grace"
    );
    assert_eq!(
        second.rotate(shown(1), NOW.plus(-1)),
        reused,
        "nor does a clock going back"
    );
}

#[test]
fn another_client_and_a_late_one_are_refused_and_harm_nothing() {
    let family = Family::begin(ID, NOW);
    let thief = ShownRefresh {
        shown_by: "other",
        ..shown(1)
    };
    assert_eq!(family.rotate(thief, NOW), Err(RefreshError::OtherClient));
    let late = NOW.plus(REFRESH_LIFETIME_MS);
    assert_eq!(family.rotate(shown(1), late), Err(RefreshError::Expired));
    assert!(family.rotate(shown(1), late.plus(-1)).is_ok());
}

#[test]
fn a_family_ends_once() {
    let ended = Family::begin(ID, NOW).revoke(RevokedBy::Client).unwrap();
    assert_eq!(
        ended.revoke(RevokedBy::Consent),
        Err(AlreadyRevoked { by: RevokedBy::Client })
    );
}

#[test]
fn generations_do_not_wrap_round() {
    let last = Family {
        generation: u32::MAX,
        ..Family::begin(ID, NOW)
    };
    assert_eq!(
        last.rotate(shown(u32::MAX), NOW),
        Err(RefreshError::NoMoreGenerations { family: ID })
    );
}

#[test]
fn stored_numbers_read_back() {
    for kind in [TokenKind::Access, TokenKind::Refresh] {
        assert_eq!(TokenKind::from_number(kind as u8), Some(kind));
    }
    assert_eq!((TokenKind::from_number(0), TokenKind::from_number(3)), (None, None));
    for cause in (1..=5).map(|number| RevokedBy::from_number(number).unwrap()) {
        assert_eq!(RevokedBy::from_number(cause as u8), Some(cause));
    }
    assert_eq!((RevokedBy::from_number(0), RevokedBy::from_number(6)), (None, None));
    assert_eq!(TokenKind::Access.expires(NOW), NOW.plus(3_600_000));
}

/// A token as a client holds it: what it came of, and when it was first exchanged.
struct Held {
    parent: Option<usize>,
    expires: UtcMillis,
    first_used: Option<UtcMillis>,
}

#[derive(Clone, Debug)]
enum Event {
    Refresh { token: prop::sample::Index, by_owner: bool },
    RefreshLatest,
    Revoke,
    Pass(i64),
}

fn events() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (any::<prop::sample::Index>(), prop::bool::weighted(0.9))
            .prop_map(|(token, by_owner)| Event::Refresh { token, by_owner }),
        4 => Just(Event::RefreshLatest),
        1 => Just(Event::Revoke),
        4 => prop_oneof![-2_000..8_000_i64, Just(GRACE_MS), Just(REFRESH_LIFETIME_MS)].prop_map(Event::Pass),
    ]
}

proptest! {
    #[test]
    fn rotation_agrees_with_a_twin_that_keeps_every_token(events in proptest::collection::vec(events(), 1..40)) {
        let mut now = NOW;
        let mut family = Family::begin(ID, now);
        // A token's generation is its place here, counted from 1.
        let mut held = vec![Held { parent: None, expires: TokenKind::Refresh.expires(now), first_used: None }];
        let mut ended = false;
        for event in events {
            let (token, by_owner) = match event {
                Event::Pass(by) => { now = now.plus(by); continue; }
                Event::Revoke => {
                    prop_assert_eq!(family.revoke(RevokedBy::Client).is_ok(), !ended);
                    if !ended { family = family.revoke(RevokedBy::Client).unwrap(); }
                    ended = true;
                    continue;
                }
                Event::Refresh { token, by_owner } => (token.index(held.len()), by_owner),
                Event::RefreshLatest => (held.len() - 1, true),
            };
            let latest = held.len() - 1;
            let in_grace = held[token].first_used.is_some_and(|first| (first..=first.plus(GRACE_MS)).contains(&now));
            let fits = token == latest || (held[latest].parent == Some(token) && in_grace);
            let alive = now < held[token].expires;
            let answer = family.rotate(
                ShownRefresh {
                    generation: token as u32 + 1,
                    expires: held[token].expires,
                    issued_to: "point-app",
                    shown_by: if by_owner { "point-app" } else { "other" },
                },
                now,
            );
            prop_assert_eq!(answer.is_ok(), !ended && by_owner && fits && alive, "{:?}", answer);
            match answer {
                Ok(next) => {
                    family = next;
                    held[token].first_used.get_or_insert(now);
                    held.push(Held { parent: Some(token), expires: TokenKind::Refresh.expires(now), first_used: None });
                }
                Err(RefreshError::Reused { .. }) => {
                    prop_assert!(!fits);
                    family = family.revoke(RevokedBy::RefreshReuse).unwrap();
                    ended = true;
                }
                Err(_) => {}
            }
            let living: Vec<usize> = (0..held.len()).filter(|one| family.admits(*one as u32 + 1)).collect();
            let expected = if ended { vec![] } else { vec![held.len() - 1] };
            prop_assert_eq!(living, expected, "one generation lives, or none");
        }
    }
}
