//! Grants: one permission inside a consent, as category × sources × period of data × detail × expiry, and the lines about
//! who the person is.

use model::{ConsentCategory, LocalDay, RecipientId, Summary, UtcMillis};
use serde::{Deserialize, Serialize};

use crate::stored;

/// The most grants a consent can hold: a decision keeps them as the bits of one word.
pub const MAX_GRANTS: usize = 64;

/// The most sources that one grant can name.
pub const MAX_SOURCES: usize = 256;

/// How finely data is given. Monthly, weekly, daily and raw are a ladder on which a level includes all coarser ones; `event`
/// stands apart: only that something took place on a day, never a value. The numbers are stored and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Detail {
    /// One total or aggregate a calendar month.
    Monthly = 1,
    /// One total or aggregate a week, Monday to Sunday.
    Weekly = 2,
    /// One total or aggregate a local day.
    Daily = 3,
    /// Every sample.
    Raw = 4,
    /// That it took place, and on which day.
    Event = 8,
}

impl Detail {
    /// All of them, the finest first and `event` last.
    pub const ALL: [Self; 5] = [Self::Raw, Self::Daily, Self::Weekly, Self::Monthly, Self::Event];

    /// The detail with this number, as stored.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|detail| *detail as u8 == number)
    }

    /// Its code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Monthly => "monthly",
            Self::Weekly => "weekly",
            Self::Daily => "daily",
            Self::Raw => "raw",
            Self::Event => "event",
        }
    }

    /// The detail with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|detail| detail.code() == code)
    }

    /// The detail at which a summary is given.
    pub const fn of(summary: Summary) -> Self {
        match summary {
            Summary::Day => Self::Daily,
            Summary::Week => Self::Weekly,
            Summary::Month => Self::Monthly,
            Summary::Event => Self::Event,
        }
    }

    /// True when agreeing to this also agrees to `asked`: raw includes daily. Whoever is given a day's value knows that it took
    /// place, so raw and daily include `event`; a week or a month does not tell the day, so weekly and monthly do not, and
    /// `event` tells no value, so it includes nothing else.
    pub fn includes(self, asked: Self) -> bool {
        match (self, asked) {
            (Self::Event, asked) => asked == Self::Event,
            (own, Self::Event) => own >= Self::Daily,
            (own, asked) => own >= asked,
        }
    }
}

/// From which local day until which, both inclusive; `None` is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataPeriod {
    /// First day; `None`: from the beginning.
    #[serde(with = "stored::optional_day")]
    pub from: Option<LocalDay>,
    /// Last day; `None`: without end.
    #[serde(with = "stored::optional_day")]
    pub until: Option<LocalDay>,
}

impl DataPeriod {
    /// All days there are.
    pub const ALL: Self = Self {
        from: None,
        until: None,
    };

    /// True when the day lies inside. A sample's day is [`model::Sample::local_day`]: the day of its start, for sleep the
    /// day of its end.
    pub fn contains(self, day: LocalDay) -> bool {
        self.from.is_none_or(|from| from <= day) && self.until.is_none_or(|until| day <= until)
    }

    /// True when no day lies inside.
    pub fn is_empty(self) -> bool {
        matches!((self.from, self.until), (Some(from), Some(until)) if until < from)
    }
}

/// Which of the person's sources a grant is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sources {
    /// All, those that come later too.
    All,
    /// These, by their number within the person; ascending and at most [`MAX_SOURCES`] in a valid draft.
    Only(Vec<u16>),
}

impl Sources {
    /// True when the source is among them.
    pub fn contains(&self, source: u16) -> bool {
        match self {
            Self::All => true,
            Self::Only(numbers) => numbers.contains(&source),
        }
    }
}

/// One permission inside a consent. All of its parts must hold.
// A stored field that this version does not know may be a restriction, so reading it fails: what cannot be understood
// gives nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// What was ticked.
    #[serde(with = "stored::category")]
    pub category: ConsentCategory,
    /// Which devices and apps it is about.
    pub sources: Sources,
    /// Which days of data.
    pub period: DataPeriod,
    /// How finely.
    pub detail: Detail,
    /// Under a coarse detail: whether the day, week or month that is not over yet shows as it grows. Says nothing under raw,
    /// where it always does.
    pub running_day: bool,
    /// The first instant at which the grant gives nothing any more; `None`: until withdrawn.
    #[serde(with = "stored::optional_instant")]
    pub expires: Option<UtcMillis>,
}

impl Grant {
    /// True until its expiry.
    pub fn is_live(&self, now: UtcMillis) -> bool {
        is_live(self.expires, now)
    }

    /// True when a day shows before it is over.
    pub fn shows_running_day(&self) -> bool {
        self.running_day || self.detail == Detail::Raw
    }

    /// True when a record of this category, source, day and detail is inside, whatever the time.
    pub fn covers(&self, category: ConsentCategory, source: u16, day: LocalDay, detail: Detail) -> bool {
        self.category == category
            && self.detail.includes(detail)
            && self.period.contains(day)
            && self.sources.contains(source)
    }
}

/// One line about who the person is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IdentityLine {
    /// Their name.
    Name,
    /// Their address.
    Address,
    /// Their full birth date.
    BirthDate,
    /// A band of ages and the sex.
    AgeBandAndSex,
    /// Yes or no: whether they belong to the municipality.
    Municipality,
    /// Yes or no: whether they are insured by the insurer.
    Insurance,
}

impl IdentityLine {
    /// All of them, in the order of the consent page.
    pub const ALL: [Self; 6] = [
        Self::Name,
        Self::Address,
        Self::BirthDate,
        Self::AgeBandAndSex,
        Self::Municipality,
        Self::Insurance,
    ];

    /// Its code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Address => "address",
            Self::BirthDate => "birth-date",
            Self::AgeBandAndSex => "age-band-and-sex",
            Self::Municipality => "municipality",
            Self::Insurance => "insurance",
        }
    }

    /// The line with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|line| line.code() == code)
    }
}

/// What a recipient may know of who the person is: lines of their own on the consent page. The default is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityGrant {
    /// Their name.
    pub name: bool,
    /// Their address.
    pub address: bool,
    /// Their full birth date.
    pub birth_date: bool,
    /// A band of ages and the sex, and nothing finer.
    pub age_band_and_sex: bool,
    /// Whether they belong to the municipality: yes or no.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub municipality: bool,
    /// Whether they are insured by the insurer: yes or no.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub insurance: bool,
    /// An id by which the recipient and this other one know that it is the same person. It stands in a consent of its own.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "stored::optional_recipient"
    )]
    pub linking: Option<RecipientId>,
    /// The first instant at which none of this is given any more; `None`: until withdrawn.
    #[serde(with = "stored::optional_instant")]
    pub expires: Option<UtcMillis>,
}

impl IdentityGrant {
    /// Nothing but a pairwise id.
    pub const NOTHING: Self = Self {
        name: false,
        address: false,
        birth_date: false,
        age_band_and_sex: false,
        municipality: false,
        insurance: false,
        linking: None,
        expires: None,
    };

    /// True when at least one line was agreed to, whatever the time.
    pub fn gives_something(self) -> bool {
        self.linking.is_some() || self.lines().next().is_some()
    }

    /// The lines that were agreed to, whatever the time; the linking id is none of them.
    pub fn lines(self) -> impl Iterator<Item = IdentityLine> {
        IdentityLine::ALL.into_iter().filter(move |line| self.has(*line))
    }

    /// True when this line was agreed to.
    pub fn has(mut self, line: IdentityLine) -> bool {
        *self.line(line)
    }

    /// Gives this line, or not.
    pub fn set(&mut self, line: IdentityLine, given: bool) {
        *self.line(line) = given;
    }

    fn line(&mut self, line: IdentityLine) -> &mut bool {
        match line {
            IdentityLine::Name => &mut self.name,
            IdentityLine::Address => &mut self.address,
            IdentityLine::BirthDate => &mut self.birth_date,
            IdentityLine::AgeBandAndSex => &mut self.age_band_and_sex,
            IdentityLine::Municipality => &mut self.municipality,
            IdentityLine::Insurance => &mut self.insurance,
        }
    }

    /// These lines, without an end.
    pub fn of(lines: impl IntoIterator<Item = IdentityLine>) -> Self {
        let mut identity = Self::NOTHING;
        for line in lines {
            identity.set(line, true);
        }
        identity
    }

    /// The lines that still hold at `now`.
    #[must_use]
    pub fn at(self, now: UtcMillis) -> Self {
        if is_live(self.expires, now) {
            self
        } else {
            Self::NOTHING
        }
    }
}

/// True until `expires`; at that instant it is over.
pub(crate) fn is_live(expires: Option<UtcMillis>, now: UtcMillis) -> bool {
    expires.is_none_or(|expires| now < expires)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> LocalDay {
        LocalDay::parse(text).unwrap()
    }

    #[test]
    fn raw_includes_daily_and_daily_does_not_include_raw() {
        assert!(Detail::Raw.includes(Detail::Daily));
        assert!(Detail::Raw.includes(Detail::Raw));
        assert!(Detail::Daily.includes(Detail::Daily));
        assert!(!Detail::Daily.includes(Detail::Raw));
        assert_eq!(Detail::from_number(3), Some(Detail::Daily));
        assert_eq!(Detail::from_number(4), Some(Detail::Raw));
        assert_eq!(Detail::from_number(0), None);
        assert!(
            Detail::ALL
                .into_iter()
                .all(|detail| Detail::from_code(detail.code()) == Some(detail))
        );
    }

    #[test]
    fn event_stands_apart_from_weeks_and_months_and_gives_no_value() {
        for fine in [Detail::Raw, Detail::Daily] {
            assert!(fine.includes(Detail::Event) && fine.includes(Detail::Weekly) && fine.includes(Detail::Monthly));
        }
        for coarse in [Detail::Weekly, Detail::Monthly] {
            assert!(!coarse.includes(Detail::Event) && !coarse.includes(Detail::Daily));
        }
        assert!(Detail::Weekly.includes(Detail::Monthly) && !Detail::Monthly.includes(Detail::Weekly));
        for value in [Detail::Raw, Detail::Daily, Detail::Weekly, Detail::Monthly] {
            assert!(!Detail::Event.includes(value));
        }
    }

    #[test]
    fn both_ends_of_a_period_are_inside() {
        let period = DataPeriod {
            from: Some(day("2026-04-01")),
            until: Some(day("2026-04-30")),
        };
        assert!(period.contains(day("2026-04-01")) && period.contains(day("2026-04-30")));
        assert!(!period.contains(day("2026-03-31")) && !period.contains(day("2026-05-01")));
        assert!(DataPeriod::ALL.contains(LocalDay(i32::MIN)) && DataPeriod::ALL.contains(LocalDay(i32::MAX)));
        let one_day = DataPeriod {
            from: Some(LocalDay(7)),
            until: Some(LocalDay(7)),
        };
        assert!(!one_day.is_empty() && one_day.contains(LocalDay(7)));
        let none = DataPeriod {
            from: Some(LocalDay(7)),
            until: Some(LocalDay(6)),
        };
        assert!(none.is_empty() && !DataPeriod::ALL.is_empty());
    }

    #[test]
    fn a_grant_is_over_at_the_instant_it_expires() {
        let expires = Some(UtcMillis(1_000));
        assert!(is_live(expires, UtcMillis(999)));
        assert!(!is_live(expires, UtcMillis(1_000)));
        assert!(is_live(None, UtcMillis(i64::MAX)));
    }

    #[test]
    fn identity_lines_end_with_their_expiry() {
        let identity = IdentityGrant {
            birth_date: true,
            expires: Some(UtcMillis(5)),
            ..IdentityGrant::NOTHING
        };
        assert!(identity.at(UtcMillis(4)).birth_date);
        assert_eq!(identity.at(UtcMillis(5)), IdentityGrant::NOTHING);
        for line in IdentityLine::ALL {
            let one = IdentityGrant::of([line]);
            assert!(one.gives_something() && one.has(line) && one.lines().eq([line]));
            assert_eq!(IdentityLine::from_code(line.code()), Some(line));
        }
        assert!(!IdentityGrant::NOTHING.gives_something());
        let linked = IdentityGrant {
            linking: Some(RecipientId(7)),
            ..IdentityGrant::NOTHING
        };
        assert!(linked.gives_something() && linked.lines().next().is_none());
    }

    #[test]
    fn a_stored_grant_with_a_restriction_from_the_future_is_not_read() {
        let grant = Grant {
            category: ConsentCategory::VitalSigns,
            sources: Sources::Only(vec![1, 4]),
            period: DataPeriod {
                from: Some(LocalDay(20_000)),
                until: None,
            },
            detail: Detail::Daily,
            running_day: true,
            expires: Some(UtcMillis(9)),
        };
        let text = serde_json::to_string(&grant).unwrap();
        assert_eq!(
            text,
            r#"{"category":"vital-signs","sources":{"only":[1,4]},"period":{"from":20000,"until":null},"detail":"daily","running_day":true,"expires":9}"#
        );
        assert_eq!(serde_json::from_str::<Grant>(&text).unwrap(), grant);
        let newer = text.replace("\"expires\":9", "\"expires\":9,\"weekdays\":[1]");
        assert!(serde_json::from_str::<Grant>(&newer).is_err());
        assert!(serde_json::from_str::<Grant>(&text.replace("vital-signs", "dreams")).is_err());
        assert!(serde_json::from_str::<Grant>(&text.replace("\"daily\"", "\"hourly\"")).is_err());
    }
}
