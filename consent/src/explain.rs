//! Why something is given to a recipient, or is not: each consent to it, and what stands in the way in each of its grants.
//!
//! Says nothing that the one who asks may not know: the consents that are passed in are all that it speaks of.

use model::{ConsentCategory, LocalDay, RecipientId, Summary, UtcMillis};

use crate::grant::{DataPeriod, Detail, Grant};
use crate::ids::{ConsentId, Purpose};
use crate::record::{Consent, ConsentState};

/// What is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// Given to whom.
    pub recipient: RecipientId,
    /// Of which category.
    pub category: ConsentCategory,
    /// How finely.
    pub detail: Detail,
    /// Of which day; `None`: of any.
    pub day: Option<LocalDay>,
    /// From which source; `None`: from any.
    pub source: Option<u16>,
    /// The running day where the person is.
    pub today: LocalDay,
}

/// What one grant says to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// It gives this.
    Gives {
        /// How finely at most.
        detail: Detail,
        /// Until when; `None`: until withdrawn.
        expires: Option<UtcMillis>,
    },
    /// It has run out.
    RanOut {
        /// When.
        expired: UtcMillis,
    },
    /// It gives less finely than was asked.
    Coarser {
        /// How finely at most.
        detail: Detail,
    },
    /// The day lies outside its days.
    OtherDays {
        /// Its days.
        period: DataPeriod,
    },
    /// The source is none that it names.
    OtherSources,
    /// The day is not over, and the running day is not given.
    DayNotOver,
}

/// What one consent says to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Which consent.
    pub consent: ConsentId,
    /// Its version.
    pub version: u32,
    /// For what it was given.
    pub purpose: Purpose,
    /// When it ended, and how; `None` while it holds.
    pub ended: Option<(ConsentState, UtcMillis)>,
    /// What each grant of the category says, by its place; empty when the category was not agreed to.
    pub grants: Vec<(usize, Because)>,
}

impl Answer {
    /// True when this consent gives what was asked.
    pub fn gives(&self) -> bool {
        self.ended.is_none()
            && self
                .grants
                .iter()
                .any(|(_, because)| matches!(because, Because::Gives { .. }))
    }
}

/// What each consent to the recipient says; nothing when there never was one.
pub fn explain(question: &Question, consents: &[Consent], now: UtcMillis) -> Vec<Answer> {
    consents
        .iter()
        .filter(|consent| consent.recipient == question.recipient)
        .map(|consent| Answer {
            consent: consent.id,
            version: consent.version,
            purpose: consent.purpose.clone(),
            ended: ended(consent, now),
            grants: consent
                .grants
                .iter()
                .enumerate()
                .filter(|(_, grant)| grant.category == question.category)
                .map(|(place, grant)| (place, because(question, grant, now)))
                .collect(),
        })
        .collect()
}

fn ended(consent: &Consent, now: UtcMillis) -> Option<(ConsentState, UtcMillis)> {
    match consent.state {
        ConsentState::Active => consent
            .ends_at()
            .filter(|end| *end <= now)
            .map(|end| (ConsentState::Expired, end)),
        state => Some((state, consent.changed_at)),
    }
}

fn because(question: &Question, grant: &Grant, now: UtcMillis) -> Because {
    if let Some(expired) = grant.expires.filter(|expires| *expires <= now) {
        return Because::RanOut { expired };
    }
    if !grant.detail.includes(question.detail) {
        return Because::Coarser { detail: grant.detail };
    }
    if question.source.is_some_and(|source| !grant.sources.contains(source)) {
        return Because::OtherSources;
    }
    if let Some(day) = question.day {
        // A sample is of its day, and so is an event; a summary is of all its days.
        let summary = Summary::ALL
            .into_iter()
            .find(|summary| Detail::of(*summary) == question.detail)
            .unwrap_or_default();
        let (first, last) = (summary.first(day), summary.last(day));
        if !grant.period.contains(first) || !grant.period.contains(last) {
            return Because::OtherDays { period: grant.period };
        }
        if question.detail != Detail::Raw && last >= question.today && !grant.shows_running_day() {
            return Because::DayNotOver;
        }
    }
    Because::Gives {
        detail: grant.detail,
        expires: grant.expires,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::*;
    use crate::{Sources, decide};
    use model::ConsentCategory::{Activity, Sleep};
    use proptest::prelude::*;
    use std::sync::Arc;

    const QUESTION: Question = Question {
        recipient: RECIPIENT,
        category: Activity,
        detail: Detail::Daily,
        day: Some(LocalDay(3)),
        source: None,
        today: LocalDay(5),
    };

    fn of(grant: Grant, question: &Question) -> Because {
        explain(question, &[consent(vec![grant])], UtcMillis(5))[0].grants[0].1
    }

    #[test]
    fn each_reason_is_named() {
        let usual = grant(Activity, Detail::Daily);
        let gives = Because::Gives {
            detail: Detail::Daily,
            expires: None,
        };
        assert_eq!(of(usual.clone(), &QUESTION), gives);
        let raw = Question {
            detail: Detail::Raw,
            ..QUESTION
        };
        assert_eq!(of(usual.clone(), &raw), Because::Coarser { detail: Detail::Daily });
        let today = Question {
            day: Some(LocalDay(5)),
            ..QUESTION
        };
        assert_eq!(of(usual.clone(), &today), Because::DayNotOver);
        let expired = Some(UtcMillis(5));
        assert_eq!(
            of(
                Grant {
                    expires: expired,
                    ..usual.clone()
                },
                &QUESTION
            ),
            Because::RanOut { expired: UtcMillis(5) }
        );
        let period = DataPeriod {
            from: Some(LocalDay(4)),
            until: None,
        };
        assert_eq!(
            of(
                Grant {
                    period,
                    ..usual.clone()
                },
                &QUESTION
            ),
            Because::OtherDays { period }
        );
        let watch = Question {
            source: Some(2),
            ..QUESTION
        };
        let phone = Grant {
            sources: Sources::Only(vec![1]),
            ..usual
        };
        assert_eq!(of(phone, &watch), Because::OtherSources);
        let sleep = explain(&QUESTION, &[consent(vec![grant(Sleep, Detail::Raw)])], UtcMillis(5));
        assert!(sleep[0].grants.is_empty() && !sleep[0].gives());
        assert!(explain(&QUESTION, &[], UtcMillis(5)).is_empty());
    }

    #[test]
    fn an_ended_consent_says_when_and_how() {
        let given = consent(vec![grant(Activity, Detail::Daily)]);
        let withdrawn = given.withdraw(UtcMillis(4), None).unwrap();
        let answer = &explain(&QUESTION, &[withdrawn], UtcMillis(5))[0];
        assert_eq!(answer.ended, Some((ConsentState::Withdrawn, UtcMillis(4))));
        assert!(!answer.gives());
    }

    proptest! {
        #[test]
        fn it_says_given_exactly_when_the_decision_gives(
            consents in kept_promise(), now in instants(), source in 0_u16..4, day in 0_i32..8, detail in 0_usize..5,
        ) {
            let consents: Vec<Consent> = consents.into_iter().filter(|consent| consent.person == PERSON).collect();
            let detail = Detail::ALL[detail];
            let today = LocalDay(4);
            for category in CATEGORIES {
                let question = Question { category, detail, day: Some(LocalDay(day)), source: Some(source), today, ..QUESTION };
                for answer in explain(&question, &consents, UtcMillis(now)) {
                    let request = crate::Request { person: PERSON, recipient: RECIPIENT, consent: answer.consent };
                    let person = Arc::new(crate::PersonConsents::new(PERSON, crate::ConsentsVersion(1), consents.clone()));
                    let decision = decide(&request, &person, UtcMillis(now));
                    let given = match Summary::ALL.into_iter().find(|summary| Detail::of(*summary) == detail) {
                        None => decision.permits(category, source, LocalDay(day), detail),
                        Some(summary) => decision.permits_summary(category, source, summary, LocalDay(day), today),
                    };
                    prop_assert_eq!(answer.gives(), given);
                }
            }
        }
    }
}
