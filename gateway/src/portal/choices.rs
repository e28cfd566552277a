//! Reads what was ticked on the consent page: the form's fields in, grants and lines about the person out. Fields: for each
//! category its key (`off`, or the code of a detail), `running_day`, `from` with `from_day`, the lines about the person, `until`.

use consent::{DataPeriod, Detail, Grant, IdentityGrant, Sources};
use model::{ConsentCategory, LocalDay, UtcMillis};

use super::consent_page::ConsentPage;

/// What was ticked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// A grant for each category that was not left off.
    pub grants: Vec<Grant>,
    /// Lines about who the person is.
    pub identity: IdentityGrant,
    /// From which day on the grants give.
    pub from: Option<LocalDay>,
    /// The last day on which all of it holds; `None`: until withdrawn.
    pub until: Option<LocalDay>,
}

/// What is wrong with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChoiceError {
    /// Nothing was chosen to be given.
    Nothing,
    /// From when was not chosen.
    NoFrom,
    /// The day that was typed is missing, none, or after today.
    FromDay,
    /// How long was not chosen.
    NoUntil,
    /// A field holds what the page does not offer.
    Unreadable,
}

impl ChoiceError {
    /// The key of its text.
    pub fn key(self) -> &'static str {
        match self {
            Self::Nothing => "problem-nothing",
            Self::NoFrom => "problem-nofrom",
            Self::FromDay => "problem-fromday",
            Self::NoUntil => "problem-nountil",
            Self::Unreadable => "problem-unreadable",
        }
    }

    /// The part of the page it is about.
    pub fn field(self) -> &'static str {
        match self {
            Self::Nothing | Self::Unreadable => "what",
            Self::NoFrom => "from",
            Self::FromDay => "from_day",
            Self::NoUntil => "until",
        }
    }
}

/// From when, the least data first.
pub const FROMS: [&str; 4] = ["today", "last30", "all", FROM_OWN];
/// From a day that is typed.
pub const FROM_OWN: &str = "own";
/// How many days before today `last30` reaches.
const LAST_DAYS: i32 = 30;

/// A choice of how long.
#[derive(Clone, Copy)]
pub struct Until {
    /// Its value in the form.
    pub name: &'static str,
    /// So many months from today; `None`: until withdrawn.
    pub months: Option<i32>,
}

/// Until when.
pub const UNTILS: [Until; 4] = [
    Until {
        name: "3months",
        months: Some(3),
    },
    Until {
        name: "6months",
        months: Some(6),
    },
    Until {
        name: "1year",
        months: Some(12),
    },
    Until {
        name: "withdrawn",
        months: None,
    },
];

/// The lines about who the person is: names of fields and keys of their texts.
pub const IDENTITY_LINES: [&str; 4] = [
    "identity-name",
    "identity-address",
    "identity-birth_date",
    "identity-age_band_and_sex",
];

/// The value of a field; an empty one counts as left out.
pub fn value<'a>(form: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let (_, value) = form.iter().find(|(known, value)| known == name && !value.is_empty())?;
    Some(value)
}

impl ConsentPage {
    /// Reads the form that this page sends. Whatever it says, no more comes of it than what the page asks for.
    ///
    /// # Errors
    /// All that is wrong with the answer, in the order of the page.
    pub fn read(&self, form: &[(String, String)]) -> Result<Chosen, Vec<ChoiceError>> {
        if !self.is_readable(form) {
            return Err(vec![ChoiceError::Unreadable]);
        }
        let mut problems = Vec::new();
        let details: Vec<(ConsentCategory, Detail)> = self
            .categories
            .iter()
            .filter_map(|category| Some((*category, detail(value(form, category.key())?)?)))
            .collect();
        let mut identity = self.identity_of(form);
        if details.is_empty() && !identity.gives_something() {
            problems.push(ChoiceError::Nothing);
        }
        // A day matters for data only.
        let from = match (details.is_empty(), value(form, "from")) {
            (true, _) => Some(None),
            (false, None) => {
                problems.push(ChoiceError::NoFrom);
                None
            }
            (false, Some(sent)) => self.from(sent, form).or_else(|| {
                problems.push(ChoiceError::FromDay);
                None
            }),
        };
        let until = value(form, "until").and_then(|sent| UNTILS.into_iter().find(|until| until.name == sent));
        let (Some(from), Some(until), true) = (from, until, problems.is_empty()) else {
            if until.is_none() {
                problems.push(ChoiceError::NoUntil);
            }
            return Err(problems);
        };
        let until = until.months.map(|months| self.resident.months_from_today(months));
        let expires = until.map(|day| self.resident.end_of(day));
        if identity.gives_something() {
            identity.expires = expires;
        }
        let running_day = value(form, "running_day").is_some();
        Ok(Chosen {
            grants: details
                .into_iter()
                .map(|(category, detail)| grant(category, detail, from, running_day, expires))
                .collect(),
            identity,
            from,
            until,
        })
    }

    /// True when each field of ours comes once at most, holds what the page offers, and is about what was asked for.
    fn is_readable(&self, form: &[(String, String)]) -> bool {
        let offered = |name: &str, sent: &str| match ConsentCategory::from_key(name) {
            Some(category) => sent == "off" || (self.categories.contains(&category) && detail(sent).is_some()),
            None if IDENTITY_LINES.contains(&name) => self.identity && sent == "yes",
            None => match name {
                "running_day" => sent == "yes",
                "from" => FROMS.contains(&sent),
                "until" => UNTILS.iter().any(|until| until.name == sent),
                _ => true,
            },
        };
        let is_ours = |name: &str| {
            ConsentCategory::from_key(name).is_some()
                || IDENTITY_LINES.contains(&name)
                || ["running_day", "from", "from_day", "until"].contains(&name)
        };
        form.iter()
            .enumerate()
            .filter(|(_, (name, _))| is_ours(name))
            .all(|(position, (name, sent))| {
                (sent.is_empty() || offered(name, sent)) && form[..position].iter().all(|(other, _)| other != name)
            })
    }

    /// The first day that is given; `Some(None)`: all days. `None` when it cannot be read.
    fn from(&self, sent: &str, form: &[(String, String)]) -> Option<Option<LocalDay>> {
        let today = self.resident.today();
        match sent {
            "today" => Some(Some(today)),
            "last30" => Some(Some(today.plus(-LAST_DAYS))),
            "all" => Some(None),
            _ => {
                let day = LocalDay::parse(value(form, "from_day")?)?;
                let earliest = self.resident.day_of(UtcMillis::EARLIEST);
                (earliest..=today).contains(&day).then_some(Some(day))
            }
        }
    }

    fn identity_of(&self, form: &[(String, String)]) -> IdentityGrant {
        let [name, address, birth_date, age_band_and_sex] =
            IDENTITY_LINES.map(|line| self.identity && value(form, line).is_some());
        IdentityGrant {
            name,
            address,
            birth_date,
            age_band_and_sex,
            expires: None,
        }
    }
}

fn detail(sent: &str) -> Option<Detail> {
    Detail::from_code(sent)
}

fn grant(
    category: ConsentCategory,
    detail: Detail,
    from: Option<LocalDay>,
    running_day: bool,
    expires: Option<UtcMillis>,
) -> Grant {
    Grant {
        category,
        sources: Sources::All,
        period: DataPeriod { from, until: None },
        detail,
        running_day: (running_day && detail != Detail::Event) || detail == Detail::Raw,
        expires,
    }
}
