//! Reads what was ticked on the consent page: the form's fields in, grants and lines about the person out. Fields: for each
//! category that is ticked its key, and with it `…-detail` (the code of a detail) and `…-running`; `from` with `from_day`, the
//! lines about the person, `until`.

use consent::{DataPeriod, Detail, Grant, IdentityGrant, IdentityLine, Sources};
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

/// What a category's key is followed by in the names of its fields.
const DETAIL: &str = "-detail";
const RUNNING: &str = "-running";

/// The field of a linking id.
pub const LINKING: &str = "identity-linking";

/// A line about who the person is: the name of its field, and the key of its text.
pub const fn identity_field(line: IdentityLine) -> &'static str {
    match line {
        IdentityLine::Name => "identity-name",
        IdentityLine::Address => "identity-address",
        IdentityLine::BirthDate => "identity-birth_date",
        IdentityLine::AgeBandAndSex => "identity-age_band_and_sex",
        IdentityLine::Municipality => "identity-municipality",
        IdentityLine::Insurance => "identity-insurance",
    }
}

fn is_identity_field(name: &str) -> bool {
    name == LINKING || IdentityLine::ALL.into_iter().any(|line| identity_field(line) == name)
}

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
            .filter(|category| value(form, category.key()).is_some())
            .map(|category| (*category, detail_of(*category, form)))
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
        Ok(Chosen {
            grants: details
                .into_iter()
                .map(|(category, detail)| {
                    let running_day = value(form, &running_field(category)).is_some();
                    grant(category, detail, from, running_day, expires)
                })
                .collect(),
            identity,
            from,
            until,
        })
    }

    /// True when each field of ours comes once at most, holds what the page offers, and is about what was asked for.
    fn is_readable(&self, form: &[(String, String)]) -> bool {
        let offered = |name: &str, sent: &str| match (field_of_category(name), name) {
            (Some((category, part)), _) => {
                self.categories.contains(&category)
                    && match part {
                        Part::Tick | Part::Running => sent == "yes",
                        Part::Detail => Detail::from_code(sent).is_some(),
                    }
            }
            (None, LINKING) => self.links.is_some() && sent == "yes",
            (None, name) if is_identity_field(name) => self.identity && sent == "yes",
            (None, "from") => FROMS.contains(&sent),
            (None, "until") => UNTILS.iter().any(|until| until.name == sent),
            _ => true,
        };
        let is_ours = |name: &str| {
            field_of_category(name).is_some()
                || is_identity_field(name)
                || ["from", "from_day", "until"].contains(&name)
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
        let ticked = |line: &IdentityLine| self.identity && value(form, identity_field(*line)).is_some();
        let linked = self.links.as_ref().filter(|_| value(form, LINKING).is_some());
        IdentityGrant {
            linking: linked.map(|(other, _)| *other),
            ..IdentityGrant::of(IdentityLine::ALL.into_iter().filter(ticked))
        }
    }
}

/// What a field says about its category.
enum Part {
    Tick,
    Detail,
    Running,
}

fn field_of_category(name: &str) -> Option<(ConsentCategory, Part)> {
    let (key, part) = match (name.strip_suffix(DETAIL), name.strip_suffix(RUNNING)) {
        (Some(key), _) => (key, Part::Detail),
        (_, Some(key)) => (key, Part::Running),
        _ => (name, Part::Tick),
    };
    Some((ConsentCategory::from_key(key)?, part))
}

/// The field that says how finely a category is given.
pub fn detail_field(category: ConsentCategory) -> String {
    format!("{}{DETAIL}", category.key())
}

/// The field that gives the running day of a category too.
pub fn running_field(category: ConsentCategory) -> String {
    format!("{}{RUNNING}", category.key())
}

/// How finely a category is given; by day where nothing was chosen, which is how the page stands at first. What is given whole is
/// given whole.
pub fn detail_of(category: ConsentCategory, form: &[(String, String)]) -> Detail {
    if category.is_whole() {
        return Detail::Raw;
    }
    value(form, &detail_field(category))
        .and_then(Detail::from_code)
        .unwrap_or(Detail::Daily)
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
