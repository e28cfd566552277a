//! Makers of consents for the tests of this crate, and a world so small that random consents meet in it: two people, two
//! recipients, three categories, four sources, eight days, ten instants. What a decision gives there is listed whole, so
//! that "never more" is a subset and "the same" an equality.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::{ConsentCategory, LocalDay, PersonId, RecipientId, Summary, UtcMillis};
use proptest::prelude::*;

use crate::*;

pub(crate) const PERSON: PersonId = PersonId(1);
pub(crate) const RECIPIENT: RecipientId = RecipientId(1);
pub(crate) const CONSENT: ConsentId = ConsentId(1);
pub(crate) const REQUEST: Request = Request {
    person: PERSON,
    recipient: RECIPIENT,
    consent: CONSENT,
};

pub(crate) const CATEGORIES: [ConsentCategory; 3] = [
    ConsentCategory::Activity,
    ConsentCategory::Sleep,
    ConsentCategory::Heart,
];
const SOURCES: u16 = 4;
const DAYS: i32 = 8;
const INSTANTS: i64 = 10;

/// All sources, all days, without end, the running day hidden.
pub(crate) fn grant(category: ConsentCategory, detail: Detail) -> Grant {
    Grant {
        category,
        sources: Sources::All,
        period: DataPeriod::ALL,
        detail,
        running_day: false,
        expires: None,
    }
}

/// An active consent of the one person to the one recipient.
pub(crate) fn consent(grants: Vec<Grant>) -> Consent {
    Consent {
        id: CONSENT,
        version: 1,
        person: PERSON,
        recipient: RECIPIENT,
        purpose: purpose("health-points"),
        state: ConsentState::Active,
        grants,
        identity: IdentityGrant::NOTHING,
        language: Language::Ja,
        text: "歩数を渡します。".to_owned(),
        text_hash: [7; 32],
        given_at: UtcMillis(0),
        changed_at: UtcMillis(0),
        how: signed_in(),
        withdrawn_by: None,
    }
}

/// A draft of the same place, in answer to a request for everything.
pub(crate) fn draft(grants: Vec<Grant>) -> ConsentDraft {
    let everything = |category| Grant {
        running_day: true,
        ..grant(category, Detail::Raw)
    };
    ConsentDraft {
        person: PERSON,
        recipient: RECIPIENT,
        purpose: purpose("health-points"),
        asked: Asked {
            grants: ConsentCategory::ALL.into_iter().map(everything).collect(),
            identity: IdentityGrant {
                name: true,
                address: true,
                birth_date: true,
                age_band_and_sex: true,
                municipality: true,
                insurance: true,
                linking: None,
                expires: None,
            },
        },
        grants,
        identity: IdentityGrant::NOTHING,
        language: Language::Ja,
        text: "歩数を渡します。".to_owned(),
        text_hash: [7; 32],
        how: signed_in(),
    }
}

pub(crate) fn purpose(code: &str) -> Purpose {
    Purpose::new(code).unwrap()
}

fn signed_in() -> HowGiven {
    HowGiven::SignedIn {
        issuer: "https://id.example".to_owned(),
        assurance: None,
        acting: None,
    }
}

pub(crate) fn decided(request: Request, consents: &[Consent], now: i64) -> Decision {
    let consents = PersonConsents::new(PERSON, ConsentsVersion(3), consents.to_vec());
    decide(&request, &Arc::new(consents), UtcMillis(now))
}

/// One thing that a decision gives in the small world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Seen {
    /// A record of this category, source, day and detail.
    Record(ConsentCategory, u16, i32, Detail),
    /// The summary of one source in which a day lies, when another day (the last) is the running one.
    Day(ConsentCategory, u16, Summary, i32, i32),
    /// What was at some time between two days: category, source, detail, the two, and whether the day on
    /// which it became known is over.
    Within(ConsentCategory, u16, Detail, (i32, i32), bool),
    /// The same of all sources together.
    WholeDay(ConsentCategory, Summary, i32, i32),
    /// An id shared with this other recipient.
    Linked(RecipientId),
    /// A line about who the person is.
    Line(&'static str),
}

/// Everything that could be given in the small world, but for the lines about who the person is.
pub(crate) fn everything() -> impl Iterator<Item = Seen> {
    let days = || (0..DAYS).flat_map(|day| (0..DAYS).map(move |today| (day, today)));
    CATEGORIES.into_iter().flat_map(move |category| {
        let records = (0..SOURCES).flat_map(move |source| {
            (0..DAYS).flat_map(move |day| Detail::ALL.map(|detail| Seen::Record(category, source, day, detail)))
        });
        let of_sources = (0..SOURCES).flat_map(move |source| {
            days().flat_map(move |(day, today)| {
                Summary::ALL.map(|summary| Seen::Day(category, source, summary, day, today))
            })
        });
        let within = (0..SOURCES).flat_map(move |source| {
            days().flat_map(move |span| {
                Detail::ALL.into_iter().flat_map(move |detail| {
                    [true, false].map(|over| Seen::Within(category, source, detail, span, over))
                })
            })
        });
        let whole = days()
            .flat_map(move |(day, today)| Summary::ALL.map(|summary| Seen::WholeDay(category, summary, day, today)));
        records.chain(of_sources).chain(within).chain(whole)
    })
}

pub(crate) fn lines(identity: IdentityGrant) -> impl Iterator<Item = Seen> {
    let linked = identity.linking.map(Seen::Linked);
    identity.lines().map(|line| Seen::Line(line.code())).chain(linked)
}

/// Everything that a decision gives in the small world.
pub(crate) fn seen(decision: &Decision) -> BTreeSet<Seen> {
    everything()
        .filter(|thing| match *thing {
            Seen::Record(category, source, day, detail) => decision.permits(category, source, LocalDay(day), detail),
            Seen::Day(category, source, summary, day, today) => {
                decision.permits_summary(category, source, summary, LocalDay(day), LocalDay(today))
            }
            Seen::Within(category, source, detail, (first, last), over) => {
                decision.permits_within(category, source, (LocalDay(first), LocalDay(last)), detail, over)
            }
            Seen::WholeDay(category, summary, day, today) => {
                decision.permits_summary_of_all_sources(category, summary, LocalDay(day), LocalDay(today))
            }
            Seen::Line(_) | Seen::Linked(_) => false,
        })
        .chain(lines(decision.identity()))
        .collect()
}

/// All that any request of the small world is given, each thing with the request it is given to.
pub(crate) fn seen_by_anyone(consents: &[Consent], now: i64) -> BTreeSet<(u32, u64, Seen)> {
    let mut all = BTreeSet::new();
    for recipient in 1..=2 {
        for consent in 1..=3 {
            let request = Request {
                person: PERSON,
                recipient: RecipientId(recipient),
                consent: ConsentId(consent),
            };
            let given = seen(&decided(request, consents, now));
            all.extend(given.into_iter().map(|thing| (recipient, consent, thing)));
        }
    }
    all
}

pub(crate) fn instants() -> impl Strategy<Value = i64> {
    0..INSTANTS
}

fn expiries() -> impl Strategy<Value = Option<UtcMillis>> {
    proptest::option::of((1..=INSTANTS).prop_map(UtcMillis))
}

fn sources() -> impl Strategy<Value = Sources> {
    prop_oneof![
        Just(Sources::All),
        proptest::collection::btree_set(0..SOURCES, 0..3)
            .prop_map(|numbers| Sources::Only(numbers.into_iter().collect())),
    ]
}

fn periods() -> impl Strategy<Value = DataPeriod> {
    // Ends outside the world too, so that whole weeks and months of it can lie inside.
    let end = || {
        proptest::option::of(
            (-40..DAYS + 40)
                .prop_map(LocalDay)
                .boxed()
                .prop_union((0..DAYS).prop_map(LocalDay).boxed()),
        )
    };
    (end(), end()).prop_map(|(from, until)| DataPeriod { from, until })
}

pub(crate) fn grants() -> impl Strategy<Value = Grant> {
    (
        proptest::sample::select(CATEGORIES.to_vec()),
        sources(),
        periods(),
        proptest::sample::select(Detail::ALL.to_vec()),
        any::<bool>(),
        expiries(),
    )
        .prop_map(|(category, sources, period, detail, running_day, expires)| Grant {
            category,
            sources,
            period,
            detail,
            running_day,
            expires,
        })
}

pub(crate) fn identities() -> impl Strategy<Value = IdentityGrant> {
    (any::<[bool; 6]>(), proptest::option::of(100_u32..102), expiries()).prop_map(|(given, linking, expires)| {
        let lines = IdentityLine::ALL.into_iter().zip(given).filter(|(_, given)| *given);
        IdentityGrant {
            linking: linking.map(RecipientId),
            expires,
            ..IdentityGrant::of(lines.map(|(line, _)| line))
        }
    })
}

/// Any consent of the small world; half of them active.
pub(crate) fn any_consent() -> impl Strategy<Value = Consent> {
    let states = prop_oneof![
        3 => Just(ConsentState::Active),
        1 => Just(ConsentState::Withdrawn),
        1 => Just(ConsentState::Expired),
        1 => Just(ConsentState::Superseded),
    ];
    (
        (1..=3_u64, 1..=2_u32, prop_oneof![5 => Just(1_u32), 1 => Just(2)]),
        (1..=2_u32, proptest::sample::select(vec!["health-points", "research"])),
        states,
        proptest::collection::vec(grants(), 0..4),
        identities(),
    )
        .prop_map(
            |((id, version, person), (recipient, code), state, grants, identity)| Consent {
                id: ConsentId(id),
                version,
                person: PersonId(person),
                recipient: RecipientId(recipient),
                purpose: purpose(code),
                state,
                identity,
                ..consent(grants)
            },
        )
}

/// Consents as a store that keeps its promise holds them: each id once, at most one active consent a place.
pub(crate) fn kept_promise() -> impl Strategy<Value = Vec<Consent>> {
    proptest::collection::vec(any_consent(), 1..6).prop_map(|consents| {
        let mut kept: Vec<Consent> = Vec::new();
        for consent in consents {
            let clashes = kept.iter().any(|other| {
                let same_place = other.recipient == consent.recipient && other.purpose == consent.purpose;
                other.id == consent.id || (same_place && other.state == ConsentState::Active)
            });
            if !clashes {
                kept.push(consent);
            }
        }
        kept
    })
}
