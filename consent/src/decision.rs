//! The decision: what one recipient may see of one person, now. It is made by [`decide`] only and is the key to the
//! store's reads.
//!
//! Deny is the default. Nothing here allocates but what is built on demand: the union of sources, and the explanation.

use std::sync::Arc;

use model::{ConsentCategory, LocalDay, PersonId, RecipientId, Summary, UtcMillis};

use crate::grant::{DataPeriod, Detail, Grant, IdentityGrant, MAX_GRANTS, Sources};
use crate::ids::{ConsentId, ConsentsVersion};
use crate::person::{Compiled, PersonConsents};
use crate::record::{Consent, ConsentState};

/// Who asks, about whom, under which consent: what a token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    /// About whom.
    pub person: PersonId,
    /// Who asks.
    pub recipient: RecipientId,
    /// Under which consent; it names the purpose.
    pub consent: ConsentId,
}

/// What a recipient may see of a person at one instant, under one version of that person's consents.
///
/// Cloning gives the same decision for another thread; there is no other way to come by one than [`decide`].
#[derive(Clone, Debug)]
pub struct Decision {
    request: Request,
    consents: Arc<PersonConsents>,
    decided_at: UtcMillis,
    outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Permitted {
        /// Where the consent lies among the person's.
        position: usize,
        /// Which of its grants have not expired.
        live: u64,
    },
    Denied(Denial),
}

/// Why nothing at all is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Denial {
    OtherPerson,
    Unknown,
    OtherRecipient,
    Conflict,
    Ended(ConsentState),
    TooManyGrants,
    NothingLeft(usize),
}

/// One reason for what a decision gives or withholds. Says nothing about values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The consents at hand are another person's.
    OtherPerson,
    /// The person has no consent with this id.
    UnknownConsent,
    /// The consent was given to another recipient.
    OtherRecipient,
    /// Two active consents claim the same place; until one of them ends neither gives anything.
    ConflictingConsents,
    /// The consent was withdrawn, has expired or was superseded.
    Ended(ConsentState),
    /// The consent holds more grants than can be.
    TooManyGrants,
    /// The consent gives nothing at this instant.
    NothingLeft,
    /// This grant gives what it says.
    Gives {
        /// Its position among the consent's grants.
        grant: usize,
        /// What is given.
        category: ConsentCategory,
        /// How finely.
        detail: Detail,
    },
    /// This grant gives nothing any more.
    GrantExpired {
        /// Its position among the consent's grants.
        grant: usize,
        /// What it gave.
        category: ConsentCategory,
        /// Since when it gives nothing.
        expired: UtcMillis,
    },
    /// The lines about who the person is hold.
    GivesIdentity,
    /// The lines about who the person is give nothing any more.
    IdentityExpired {
        /// Since when.
        expired: UtcMillis,
    },
}

/// Which sources may show, over all days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedSources {
    /// No source.
    None,
    /// Every source.
    All,
    /// These, ascending.
    Only(Vec<u16>),
}

impl AllowedSources {
    /// True when the source is among them.
    pub fn contains(&self, source: u16) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Only(numbers) => numbers.binary_search(&source).is_ok(),
        }
    }
}

/// Decides what `request` may see at `now`. Pure, total and without allocation.
///
/// Nothing is given unless the named consent is this person's, to this recipient, and active in its latest version.
/// Where the store's promise of at most one active consent a (person, recipient, purpose) is broken, all that claim the
/// same place give nothing.
pub fn decide(request: &Request, consents: &Arc<PersonConsents>, now: UtcMillis) -> Decision {
    Decision {
        request: *request,
        consents: Arc::clone(consents),
        decided_at: now,
        outcome: outcome(request, consents, now),
    }
}

fn outcome(request: &Request, consents: &PersonConsents, now: UtcMillis) -> Outcome {
    if consents.person() != request.person {
        return Outcome::Denied(Denial::OtherPerson);
    }
    let Some(position) = consents.position(request.consent) else {
        return Outcome::Denied(Denial::Unknown);
    };
    let (consent, compiled) = consents.at(position);
    if consent.recipient != request.recipient {
        return Outcome::Denied(Denial::OtherRecipient);
    }
    if compiled.conflict {
        return Outcome::Denied(Denial::Conflict);
    }
    if consent.state != ConsentState::Active {
        return Outcome::Denied(Denial::Ended(consent.state));
    }
    if consent.grants.len() > MAX_GRANTS {
        return Outcome::Denied(Denial::TooManyGrants);
    }
    let live = consent
        .grants
        .iter()
        .enumerate()
        .filter(|(_, grant)| grant.is_live(now))
        .fold(0, |bits, (number, _)| bits | 1 << number);
    if live == 0 && !consent.identity.at(now).gives_something() {
        return Outcome::Denied(Denial::NothingLeft(position));
    }
    Outcome::Permitted { position, live }
}

impl Decision {
    /// About whom.
    pub fn person(&self) -> PersonId {
        self.request.person
    }

    /// For whom.
    pub fn recipient(&self) -> RecipientId {
        self.request.recipient
    }

    /// The consent that gives; `None` when denied.
    pub fn consent(&self) -> Option<&Consent> {
        self.permitted().map(|(consent, _, _)| consent)
    }

    /// The id of the consent that was asked for, denied or not.
    pub fn consent_id(&self) -> ConsentId {
        self.request.consent
    }

    /// The version of the person's consents that this was decided from.
    pub fn consents_version(&self) -> ConsentsVersion {
        self.consents.version()
    }

    /// When it was decided.
    pub fn decided_at(&self) -> UtcMillis {
        self.decided_at
    }

    /// True when nothing at all may be seen.
    pub fn is_denied(&self) -> bool {
        matches!(self.outcome, Outcome::Denied(_))
    }

    /// True when a record of this category, source, local day and detail may be seen. The day is
    /// [`model::Sample::local_day`]: for sleep that of its end. Whether the day is over is not looked at: totals and
    /// aggregates ask [`Decision::permits_day`].
    #[inline]
    pub fn permits(&self, category: ConsentCategory, source: u16, day: LocalDay, detail: Detail) -> bool {
        self.giving(category, detail)
            .any(|grant| grant.period.contains(day) && grant.sources.contains(source))
    }

    /// As [`Decision::permits`], of what was at some time within these days, nobody knows when: one grant must give the first and the
    /// last, so that nothing passes that may have been outside its period. `is_over` is whether the day that it became known on is
    /// over; what is not raw waits for that, as a day does.
    pub fn permits_within(
        &self,
        category: ConsentCategory,
        source: u16,
        days: (LocalDay, LocalDay),
        detail: Detail,
        is_over: bool,
    ) -> bool {
        self.giving_days(category, detail, days, is_over)
            .any(|grant| grant.sources.contains(source))
    }

    /// True when what a day comes to may be seen of this source, if `today` is the running day where the person is: a day
    /// that is not over shows only if that was agreed.
    #[inline]
    pub fn permits_day(&self, category: ConsentCategory, source: u16, day: LocalDay, today: LocalDay) -> bool {
        self.permits_summary(category, source, Summary::Day, day, today)
    }

    /// As [`Decision::permits_day`], of the summary in which `day` lies. All of its days must lie inside the grant's period:
    /// else the difference of two of them would tell what a part comes to.
    #[inline]
    pub fn permits_summary(
        &self,
        category: ConsentCategory,
        source: u16,
        summary: Summary,
        day: LocalDay,
        today: LocalDay,
    ) -> bool {
        self.giving_summary(category, summary, day, today)
            .any(|grant| grant.sources.contains(source))
    }

    /// As [`Decision::permits_summary`], but of all sources together: then what is stored for the days can be given as it is.
    /// Otherwise it is computed from the sources that `permits_summary` allows.
    pub fn permits_summary_of_all_sources(
        &self,
        category: ConsentCategory,
        summary: Summary,
        day: LocalDay,
        today: LocalDay,
    ) -> bool {
        self.giving_summary(category, summary, day, today)
            .any(|grant| grant.sources == Sources::All)
    }

    /// As [`Decision::permits_summary_of_all_sources`], of a day.
    pub fn permits_day_of_all_sources(&self, category: ConsentCategory, day: LocalDay, today: LocalDay) -> bool {
        self.permits_summary_of_all_sources(category, Summary::Day, day, today)
    }

    #[inline]
    fn giving_summary(
        &self,
        category: ConsentCategory,
        summary: Summary,
        day: LocalDay,
        today: LocalDay,
    ) -> impl Iterator<Item = &Grant> + '_ {
        let (first, last) = (summary.first(day), summary.last(day));
        self.giving_days(category, Detail::of(summary), (first, last), last < today)
    }

    /// The grants that give all of these days.
    #[inline]
    fn giving_days(
        &self,
        category: ConsentCategory,
        detail: Detail,
        (first, last): (LocalDay, LocalDay),
        is_over: bool,
    ) -> impl Iterator<Item = &Grant> + '_ {
        self.giving(category, detail).filter(move |grant| {
            let is_whole = grant.period.contains(first) && grant.period.contains(last);
            is_whole && (is_over || grant.shows_running_day())
        })
    }

    /// What is given of a category at a detail, one item a grant: its sources, its days, and whether the running day
    /// shows. For leaving out whole leaves before they are opened.
    pub fn window(
        &self,
        category: ConsentCategory,
        detail: Detail,
    ) -> impl Iterator<Item = (&Sources, DataPeriod, bool)> + '_ {
        self.giving(category, detail)
            .map(|grant| (&grant.sources, grant.period, grant.shows_running_day()))
    }

    /// The sources of which anything of the category may be seen at this detail, over all days.
    pub fn sources_for(&self, category: ConsentCategory, detail: Detail) -> AllowedSources {
        let mut numbers = Vec::new();
        let mut gives = false;
        for grant in self.giving(category, detail) {
            gives = true;
            match &grant.sources {
                Sources::All => return AllowedSources::All,
                Sources::Only(only) => numbers.extend_from_slice(only),
            }
        }
        numbers.sort_unstable();
        numbers.dedup();
        if gives {
            AllowedSources::Only(numbers)
        } else {
            AllowedSources::None
        }
    }

    /// True when anything of the category may be seen at this detail.
    pub fn gives(&self, category: ConsentCategory, detail: Detail) -> bool {
        self.giving(category, detail).next().is_some()
    }

    /// What may be seen of who the person is.
    pub fn identity(&self) -> IdentityGrant {
        self.permitted().map_or(IdentityGrant::NOTHING, |(consent, _, _)| {
            consent.identity.at(self.decided_at)
        })
    }

    /// Why it is as it is: what denies, or what each part of the consent gives. Built when asked for.
    pub fn explain(&self) -> Vec<Reason> {
        match self.outcome {
            Outcome::Denied(Denial::OtherPerson) => vec![Reason::OtherPerson],
            Outcome::Denied(Denial::Unknown) => vec![Reason::UnknownConsent],
            Outcome::Denied(Denial::OtherRecipient) => vec![Reason::OtherRecipient],
            Outcome::Denied(Denial::Conflict) => vec![Reason::ConflictingConsents],
            Outcome::Denied(Denial::Ended(state)) => vec![Reason::Ended(state)],
            Outcome::Denied(Denial::TooManyGrants) => vec![Reason::TooManyGrants],
            Outcome::Denied(Denial::NothingLeft(position)) => {
                let mut reasons = vec![Reason::NothingLeft];
                self.explain_parts(position, 0, &mut reasons);
                reasons
            }
            Outcome::Permitted { position, live } => {
                let mut reasons = Vec::new();
                self.explain_parts(position, live, &mut reasons);
                reasons
            }
        }
    }

    fn explain_parts(&self, position: usize, live: u64, reasons: &mut Vec<Reason>) {
        let (consent, _) = self.consents.at(position);
        for (number, grant) in consent.grants.iter().enumerate() {
            reasons.push(match grant.expires {
                Some(expired) if live & (1 << number) == 0 => Reason::GrantExpired {
                    grant: number,
                    category: grant.category,
                    expired,
                },
                _ => Reason::Gives {
                    grant: number,
                    category: grant.category,
                    detail: grant.detail,
                },
            });
        }
        if consent.identity.gives_something() {
            reasons.push(match consent.identity.expires {
                Some(expired) if !self.identity().gives_something() => Reason::IdentityExpired { expired },
                _ => Reason::GivesIdentity,
            });
        }
    }

    fn permitted(&self) -> Option<(&Consent, &Compiled, u64)> {
        match self.outcome {
            Outcome::Permitted { position, live } => {
                let (consent, compiled) = self.consents.at(position);
                Some((consent, compiled, live))
            }
            Outcome::Denied(_) => None,
        }
    }

    /// The grants that give this category at this detail now, by walking the bits of one word.
    #[inline]
    fn giving(&self, category: ConsentCategory, detail: Detail) -> impl Iterator<Item = &Grant> + '_ {
        let (grants, mut bits) = match self.permitted() {
            Some((consent, compiled, live)) => (consent.grants.as_slice(), compiled.giving(category, detail) & live),
            None => (&[][..], 0),
        };
        std::iter::from_fn(move || {
            let number = bits.trailing_zeros() as usize;
            // Clears the lowest bit; nothing happens to an empty word, whose number 64 no grant has.
            bits &= bits.wrapping_sub(1);
            grants.get(number)
        })
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
