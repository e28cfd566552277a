//! The key to a read, and what it shows: made by the `consent` crate only.

use consent::{AllowedSources, Decision, Detail, IdentityGrant, IdentityLine, OwnAccess};
use model::{ConsentCategory, LocalDay, PersonId, RecipientId, Summary, UtcMillis};

use super::PatientView;
use crate::Sex;
use crate::sqlite;

/// The key to a read. Both kinds are made by `consent` only.
///
/// ```no_run
/// # use consent::Decision;
/// # use store::{Access, Page, Search, Store};
/// async fn read(store: &Store, decision: &Decision) -> store::Result<Page> {
///     store.search(Access::Decision(decision), Search::default()).await
/// }
/// ```
///
/// A read without a decision does not compile:
///
/// ```compile_fail,E0061
/// # use store::{Page, Search, Store};
/// async fn read(store: &Store) -> store::Result<Page> {
///     store.search(Search::default()).await
/// }
/// ```
///
/// Nor does one with a key that only says whose values it wants:
///
/// ```compile_fail,E0308
/// # use model::PersonId;
/// # use store::{Access, Page, Search, Store};
/// async fn read(store: &Store, person: &PersonId) -> store::Result<Page> {
///     store.search(Access::Decision(person), Search::default()).await
/// }
/// ```
#[derive(Clone, Copy)]
pub enum Access<'a> {
    /// A recipient's, under one consent.
    Decision(&'a Decision),
    /// The person's own.
    Own(&'a OwnAccess),
}

/// An access key that outlives the call, for the thread that reads.
#[derive(Clone)]
pub(crate) enum HeldAccess {
    Decision(Box<Decision>),
    Own(OwnAccess),
}

impl Access<'_> {
    /// Whose values it opens.
    pub fn person(&self) -> PersonId {
        match self {
            Self::Decision(decision) => decision.person(),
            Self::Own(own) => own.person(),
        }
    }

    pub(super) fn hold(&self) -> HeldAccess {
        match *self {
            Self::Decision(decision) => HeldAccess::Decision(Box::new(decision.clone())),
            Self::Own(own) => HeldAccess::Own(own.clone()),
        }
    }
}

impl HeldAccess {
    /// Whose values it opens.
    pub(crate) fn person(&self) -> PersonId {
        match self {
            Self::Decision(decision) => decision.person(),
            Self::Own(own) => own.person(),
        }
    }

    /// True when anything of the category may be seen at this detail.
    pub(crate) fn gives(&self, category: ConsentCategory, detail: Detail) -> bool {
        match self {
            Self::Decision(decision) => decision.gives(category, detail),
            Self::Own(_) => true,
        }
    }

    /// The sources of which anything of the category may be seen at this detail.
    pub(crate) fn sources_for(&self, category: ConsentCategory, detail: Detail) -> AllowedSources {
        match self {
            Self::Decision(decision) => decision.sources_for(category, detail),
            Self::Own(_) => AllowedSources::All,
        }
    }

    /// True when a sample may be seen.
    pub(crate) fn permits(&self, category: ConsentCategory, source: u16, day: LocalDay) -> bool {
        match self {
            Self::Decision(decision) => decision.permits(category, source, day, Detail::Raw),
            Self::Own(_) => true,
        }
    }

    /// True when what was at some time within these days may be seen; `is_over` is whether the day that it became known on is over.
    pub(crate) fn permits_within(
        &self,
        category: ConsentCategory,
        source: u16,
        days: (LocalDay, LocalDay),
        detail: Detail,
        is_over: bool,
    ) -> bool {
        match self {
            Self::Decision(decision) => decision.permits_within(category, source, days, detail, is_over),
            Self::Own(_) => true,
        }
    }

    /// True when a day may be seen of this source.
    pub(crate) fn permits_day(&self, category: ConsentCategory, source: u16, day: LocalDay, today: LocalDay) -> bool {
        self.permits_summary(category, source, Summary::Day, day, today)
    }

    /// True when the summary in which a day lies may be seen of this source.
    pub(crate) fn permits_summary(
        &self,
        category: ConsentCategory,
        source: u16,
        summary: Summary,
        day: LocalDay,
        today: LocalDay,
    ) -> bool {
        match self {
            Self::Decision(decision) => decision.permits_summary(category, source, summary, day, today),
            Self::Own(_) => true,
        }
    }

    /// True when it may be seen of all sources together.
    pub(crate) fn permits_summary_of_all(
        &self,
        category: ConsentCategory,
        summary: Summary,
        day: LocalDay,
        today: LocalDay,
    ) -> bool {
        match self {
            Self::Decision(decision) => decision.permits_summary_of_all_sources(category, summary, day, today),
            Self::Own(_) => true,
        }
    }

    /// The days of which anything may be seen, from the first to the last; `None` is open.
    pub(crate) fn days(&self, category: ConsentCategory, detail: Detail) -> (Option<LocalDay>, Option<LocalDay>) {
        let Self::Decision(decision) = self else {
            return (None, None);
        };
        let mut widest: Option<(Option<LocalDay>, Option<LocalDay>)> = None;
        for (_, period, _) in decision.window(category, detail) {
            widest = Some(match widest {
                None => (period.from, period.until),
                Some((from, until)) => (
                    from.zip(period.from).map(|(one, other)| one.min(other)),
                    until.zip(period.until).map(|(one, other)| one.max(other)),
                ),
            });
        }
        widest.unwrap_or((None, None))
    }

    /// True when anything of a source may be seen: then a record can name it.
    pub(super) fn shows_source(&self, source: u16) -> bool {
        // No device made a document.
        let mut of_metrics = ConsentCategory::ALL.into_iter().filter(|category| !category.is_whole());
        of_metrics.any(|category| {
            // A daily total names no source, but its aggregates and shares come from the same devices.
            self.sources_for(category, Detail::Daily).contains(source)
        })
    }

    /// For whom, where it is not the person's own.
    pub(super) fn recipient(&self) -> Option<RecipientId> {
        match self {
            Self::Own(_) => None,
            Self::Decision(decision) => Some(decision.recipient()),
        }
    }

    /// What of themselves it shows.
    pub(super) fn identity(&self) -> IdentityGrant {
        match self {
            Self::Own(_) => IdentityGrant::of(IdentityLine::ALL),
            Self::Decision(decision) => decision.identity(),
        }
    }

    pub(super) fn view(
        &self,
        profile: &sqlite::people::Profile,
        belongs: sqlite::belonging::Membership,
        updated: UtcMillis,
        now: UtcMillis,
    ) -> PatientView {
        let birth_day = profile.birth_day.map(LocalDay);
        let sex = profile.sex.and_then(Sex::from_number);
        let given = self.identity();
        PatientView {
            name: profile.name.clone().filter(|_| given.name),
            address: profile.address.clone().filter(|_| given.address),
            birth_date: birth_day.filter(|_| given.birth_date),
            age_band: birth_day
                .filter(|_| given.age_band_and_sex)
                .and_then(|birth| age_band(birth, sqlite::zone::HomeZone::new(&profile.home_zone).day_at(now))),
            sex: sex.filter(|_| given.age_band_and_sex),
            municipality: given.municipality.then_some(belongs.municipality),
            insurance: given.insurance.then_some(belongs.insurance),
            linking: given.linking,
            updated,
        }
    }
}

/// Whole years lived on a day, floored to tens; `None` before birth.
fn age_band(birth: LocalDay, today: LocalDay) -> Option<u8> {
    let ((born, birth_month, birth_day), (year, month, day)) = (birth.ymd(), today.ymd());
    let had_birthday = (month, day) >= (birth_month, birth_day);
    let years = year - born - i32::from(!had_birthday);
    u8::try_from(years / 10 * 10).ok().filter(|_| years >= 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_band_turns_on_the_birthday() {
        let day = |text: &str| LocalDay::parse(text).expect("a day");
        assert_eq!(age_band(day("1960-02-29"), day("2020-02-28")), Some(50));
        assert_eq!(age_band(day("1960-02-29"), day("2020-02-29")), Some(60));
        assert_eq!(age_band(day("2026-01-01"), day("2025-12-31")), None);
        assert_eq!(age_band(day("2026-01-01"), day("2026-01-01")), Some(0));
    }
}
