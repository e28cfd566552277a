//! What holds of every decision, over a world so small that random consents meet; and a naive twin of `decide`.

use std::collections::BTreeSet;

use model::{LocalDay, PersonId, UtcMillis};
use proptest::prelude::*;

use super::*;
use crate::testing::{
    CATEGORIES, REQUEST, Seen, any_consent, decided, everything, grants, instants, kept_promise, lines, seen,
    seen_by_anyone,
};

/// What `request` is given, by the words of the design and with no care for time.
fn naive(consents: &[Consent], request: Request, now: i64) -> BTreeSet<Seen> {
    let now = UtcMillis(now);
    let theirs: Vec<&Consent> = consents.iter().filter(|one| one.person == request.person).collect();
    let latest = theirs
        .iter()
        .filter(|one| one.id == request.consent)
        .map(|one| one.version)
        .max();
    let speaking: Vec<&&Consent> = theirs
        .iter()
        .filter(|one| one.id == request.consent && Some(one.version) == latest)
        .collect();
    let [consent] = speaking[..] else {
        return BTreeSet::new();
    };
    let claims = |one: &&&Consent| {
        one.state == ConsentState::Active
            && (one.id == consent.id || (one.recipient == consent.recipient && one.purpose == consent.purpose))
    };
    if consent.state != ConsentState::Active
        || consent.recipient != request.recipient
        || theirs.iter().filter(claims).count() != 1
    {
        return BTreeSet::new();
    }
    let over = |expires: Option<UtcMillis>| expires.is_some_and(|expires| expires <= now);
    let grants = || consent.grants.iter().filter(|grant| !over(grant.expires));
    let in_period = |grant: &Grant, day: i32| {
        grant.period.from.is_none_or(|from| from.0 <= day) && grant.period.until.is_none_or(|until| day <= until.0)
    };
    let of_source = |grant: &Grant, source: u16| match &grant.sources {
        Sources::All => true,
        Sources::Only(numbers) => numbers.contains(&source),
    };
    // Weeks of the world: day 0 is a Thursday, so that -3 to 3 is one and 4 to 10 the next; all its days are in one month.
    let days = |summary: Summary, day: i32| match summary {
        Summary::Day | Summary::Event => (day, day),
        Summary::Week if day <= 3 => (-3, 3),
        Summary::Week => (4, 10),
        Summary::Month => (0, 30),
    };
    let of_detail = |grant: &Grant, detail: Detail| match detail {
        Detail::Event => matches!(grant.detail, Detail::Event | Detail::Daily | Detail::Raw),
        Detail::Monthly => grant.detail != Detail::Event,
        Detail::Weekly => matches!(grant.detail, Detail::Weekly | Detail::Daily | Detail::Raw),
        Detail::Daily => matches!(grant.detail, Detail::Daily | Detail::Raw),
        Detail::Raw => grant.detail == Detail::Raw,
    };
    let gives = |grant: &Grant, category, summary: Summary, day: i32, today: i32| {
        let (first, last) = days(summary, day);
        let detail = match summary {
            Summary::Day => Detail::Daily,
            Summary::Week => Detail::Weekly,
            Summary::Month => Detail::Monthly,
            Summary::Event => Detail::Event,
        };
        grant.category == category
            && of_detail(grant, detail)
            && in_period(grant, first)
            && in_period(grant, last)
            && (last < today || grant.running_day || grant.detail == Detail::Raw)
    };
    let given = everything().filter(|thing| match *thing {
        Seen::Record(category, source, day, detail) => grants().any(|grant| {
            grant.category == category && of_source(grant, source) && in_period(grant, day) && of_detail(grant, detail)
        }),
        Seen::Day(category, source, summary, day, today) => {
            grants().any(|grant| of_source(grant, source) && gives(grant, category, summary, day, today))
        }
        Seen::Within(category, source, detail, (first, last), over) => grants().any(|grant| {
            grant.category == category
                && of_source(grant, source)
                && of_detail(grant, detail)
                && in_period(grant, first)
                && in_period(grant, last)
                && (over || grant.running_day || grant.detail == Detail::Raw)
        }),
        Seen::WholeDay(category, summary, day, today) => {
            grants().any(|grant| grant.sources == Sources::All && gives(grant, category, summary, day, today))
        }
        Seen::Line(_) | Seen::Linked(_) => false,
    });
    let identity = if over(consent.identity.expires) {
        IdentityGrant::NOTHING
    } else {
        consent.identity
    };
    given.chain(lines(identity)).collect()
}

proptest! {
    #[test]
    fn decide_agrees_with_a_naive_twin(
        consents in proptest::collection::vec(any_consent(), 0..6),
        asker in 1..=2_u32, wanted in 1..=3_u64, now in instants(),
    ) {
        let request = Request { recipient: model::RecipientId(asker), consent: ConsentId(wanted), ..REQUEST };
        let decision = decided(request, &consents, now);
        let given = seen(&decision);
        prop_assert_eq!(&given, &naive(&consents, request, now));
        if decision.is_denied() {
            prop_assert!(given.is_empty() && decision.consent().is_none());
        }
        let other = Request { person: PersonId(2), ..request };
        prop_assert!(decided(other, &consents, now).is_denied());
    }

    #[test]
    fn withdrawing_never_gives_more(consents in kept_promise(), which in any::<prop::sample::Index>(), now in instants()) {
        let before = seen_by_anyone(&consents, now);
        let mut after = consents.clone();
        let chosen = which.get(&consents);
        let Ok(withdrawn) = chosen.withdraw(UtcMillis(now), None) else { return Ok(()); };
        let position = consents.iter().position(|one| one == chosen).unwrap();
        after[position] = withdrawn;
        let after = seen_by_anyone(&after, now);
        prop_assert!(after.is_subset(&before));
        let of_it = (chosen.recipient.0, chosen.id.0);
        if chosen.person == REQUEST.person {
            prop_assert!(after.iter().all(|(recipient, consent, _)| (*recipient, *consent) != of_it));
        }
        prop_assert!(
            before.iter().all(|thing| (thing.0, thing.1) == of_it || after.contains(thing)),
            "other consents stay as they were"
        );
    }

    #[test]
    fn an_expired_grant_gives_nothing(consents in kept_promise(), now in instants()) {
        let mut without = consents.clone();
        for consent in &mut without {
            consent.grants.retain(|grant| grant.expires.is_none_or(|expires| UtcMillis(now) < expires));
        }
        prop_assert_eq!(seen_by_anyone(&consents, now), seen_by_anyone(&without, now));
        let mut over = consents;
        for consent in &mut over {
            consent.identity.expires = Some(UtcMillis(now));
            for grant in &mut consent.grants {
                grant.expires = Some(UtcMillis(now));
            }
        }
        prop_assert!(seen_by_anyone(&over, now).is_empty());
    }

    #[test]
    fn time_alone_never_gives_more(consents in kept_promise(), one in instants(), two in instants()) {
        let (earlier, later) = (one.min(two), one.max(two));
        prop_assert!(seen_by_anyone(&consents, later).is_subset(&seen_by_anyone(&consents, earlier)));
    }

    #[test]
    fn a_denial_never_gives_more(
        consents in kept_promise(), which in any::<prop::sample::Index>(), denied in 0..CATEGORIES.len(), now in instants(),
    ) {
        let denied = CATEGORIES[denied];
        let before = seen_by_anyone(&consents, now);
        let mut after = consents.clone();
        let position = which.index(after.len());
        after[position].grants.retain(|grant| grant.category != denied);
        let after = seen_by_anyone(&after, now);
        prop_assert!(after.is_subset(&before));
        let is_of_it = |thing: &Seen| match *thing {
            Seen::Record(category, ..)
            | Seen::Day(category, ..)
            | Seen::Within(category, ..)
            | Seen::WholeDay(category, ..) => category == denied,
            Seen::Line(_) | Seen::Linked(_) => false,
        };
        for (recipient, consent, thing) in before.difference(&after) {
            prop_assert!(is_of_it(thing) && (*recipient, *consent) == (consents[position].recipient.0, consents[position].id.0));
        }
    }

    #[test]
    fn taking_a_grant_out_never_gives_more(
        given in proptest::collection::vec(grants(), 1..5), out in any::<prop::sample::Index>(), now in instants(),
    ) {
        let mut fewer = given.clone();
        fewer.remove(out.index(given.len()));
        let (all, fewer) = (crate::testing::consent(given), crate::testing::consent(fewer));
        prop_assert!(seen(&decided(REQUEST, &[fewer], now)).is_subset(&seen(&decided(REQUEST, &[all], now))));
    }

    #[test]
    fn what_is_given_lies_in_the_window_that_leaves_are_chosen_by(
        given in proptest::collection::vec(grants(), 0..5), now in instants(),
    ) {
        let decision = decided(REQUEST, &[crate::testing::consent(given)], now);
        for thing in everything() {
            let Seen::Record(category, source, day, detail) = thing else { continue };
            let in_window = decision
                .window(category, detail)
                .any(|(sources, period, _)| sources.contains(source) && period.contains(LocalDay(day)));
            prop_assert_eq!(decision.permits(category, source, LocalDay(day), detail), in_window);
            let offered = decision.sources_for(category, detail);
            prop_assert!(!in_window || offered.contains(source));
            prop_assert_eq!(decision.gives(category, detail), offered != AllowedSources::None);
        }
    }

    #[test]
    fn an_explanation_names_each_part_once(consents in kept_promise(), now in instants()) {
        for consent in consents.iter().filter(|consent| consent.person == REQUEST.person) {
            let request = Request { recipient: consent.recipient, consent: consent.id, ..REQUEST };
            let decision = decided(request, &consents, now);
            let reasons = decision.explain();
            prop_assert!(!reasons.is_empty() || decision.consent().is_some());
            let gives = reasons.iter().filter(|reason| matches!(reason, Reason::Gives { .. })).count();
            let expired = reasons.iter().filter(|reason| matches!(reason, Reason::GrantExpired { .. })).count();
            if consent.state == ConsentState::Active {
                prop_assert_eq!(gives + expired, consent.grants.len());
            } else {
                prop_assert_eq!(reasons, vec![Reason::Ended(consent.state)]);
            }
        }
    }
}
