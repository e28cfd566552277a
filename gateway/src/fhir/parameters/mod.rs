//! Search parameters: what was asked, read against what the CapabilityStatement offers.
//!
//! A name that is not offered is refused under `Prefer: handling=strict` and else left out and named in the answer;
//! a modifier, a chain and a value that cannot be read are always refused. Repeated is and, a comma is or.

#[cfg(test)]
mod tests;
mod values;

use axum::http::HeaderMap;
use fhir_profiles::{OFFERED, SearchParameter};
use jiff::tz::TimeZone;
use model::UtcMillis;
use store::{Sort, TimeBounds};

use super::quantity::QuantityBound;
use super::shape::Shape;
use super::token::{self, Token};
use super::{FhirError, bounds, date, negotiate};
pub use values::shown;
use values::{date_text, plain_name, references, texts, tokens, twice, wanted};

/// Entries of a page when nobody says.
const USUAL_COUNT: usize = 100;

/// Entries of a page at most.
const MOST_COUNT: usize = 1_000;

/// Ids that one search can name.
const MOST_IDS: usize = 100;

/// Bytes of names and values of one search: they travel in page links.
const MOST_BYTES: usize = 4_096;

/// What to do with a parameter that is not offered (`Prefer: handling=…`, R-014).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handling {
    /// Refuse.
    Strict,
    /// Leave it out and say so.
    Lenient,
}

impl Handling {
    /// As the request's `Prefer` headers say; lenient without one.
    pub fn of(headers: &HeaderMap) -> Self {
        let strict = headers
            .get_all("prefer")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split([',', ';']))
            .any(|preference| preference.trim().eq_ignore_ascii_case("handling=strict"));
        if strict { Self::Strict } else { Self::Lenient }
    }
}

/// From an instant on and before another.
pub type Interval = (UtcMillis, UtcMillis);

/// What can come beside the Observations of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Include {
    /// The devices that measured them.
    Device,
    /// The patient.
    Patient,
    /// Their Provenances.
    Provenance,
}

impl Include {
    /// Reads `_include` and `_revinclude`.
    fn of(name: &str, value: &str) -> Option<Self> {
        match (name, value) {
            ("_include", "Observation:device" | "Observation:device:Device") => Some(Self::Device),
            (
                "_include",
                "Observation:patient"
                | "Observation:subject"
                | "Observation:patient:Patient"
                | "Observation:subject:Patient",
            ) => Some(Self::Patient),
            ("_revinclude", "Provenance:target" | "Provenance:target:Observation") => Some(Self::Provenance),
            _ => None,
        }
    }
}

/// What a search asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    /// Ids of patients: one of each group.
    pub patients: Vec<Vec<String>>,
    /// Codes: one of each group.
    pub codes: Vec<Vec<Token>>,
    /// Types of documents: one of each group.
    pub types: Vec<Vec<Token>>,
    /// Categories: one of each group.
    pub categories: Vec<Vec<Token>>,
    /// Ids of what is searched for: one of each group.
    pub ids: Vec<Vec<String>>,
    /// Ids of Observations that something is about: one of each group.
    pub targets: Vec<Vec<String>>,
    /// Statuses: one of each group.
    pub statuses: Vec<Vec<String>>,
    /// Canonical addresses: one of each group.
    pub urls: Vec<Vec<String>>,
    /// Beginnings of names: one of each group.
    pub names: Vec<Vec<String>>,
    /// Ids of devices: one of each group.
    pub devices: Vec<Vec<String>>,
    /// Bounds on the value: one of each group.
    pub values: Vec<Vec<QuantityBound>>,
    /// Codes of components that have a value: one of each group.
    pub components: Vec<Vec<Token>>,
    /// Which elements come; `None`: all.
    pub shape: Option<Shape>,
    /// Whether all matches are counted.
    pub total: bool,
    /// What comes beside the matches.
    pub includes: Vec<Include>,
    /// The order; by date when nobody says.
    pub sort: Sort,
    /// Entries of a page at most; `None` when nobody says.
    count: Option<usize>,
    dates: Vec<String>,
    periods: Vec<String>,
    updated: Vec<String>,
    /// Whether something was asked that only types have that nothing fills yet.
    further: bool,
    /// What was used, as it goes into links.
    pub used: Vec<(String, String)>,
    /// Names that were left out.
    pub ignored: Vec<String>,
}

impl Parameters {
    /// Reads the parameters of a search for this type. `base` is the FHIR base, for references with an address.
    ///
    /// # Errors
    /// [`FhirError::UnknownParameter`], [`FhirError::BadParameter`], [`FhirError::TooWide`], [`FhirError::NotAcceptable`].
    pub fn read(
        resource: &'static str,
        base: &str,
        pairs: &[(String, String)],
        handling: Handling,
    ) -> Result<Self, FhirError> {
        if pairs
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum::<usize>()
            > MOST_BYTES
        {
            return Err(FhirError::TooWide {
                limit: "4,096 bytes of search parameters",
            });
        }
        let mut parameters = Self::default();
        for (name, value) in pairs {
            if name == "_format" {
                // Of a form: that of the address was looked at before.
                negotiate::of_format(value).ok_or(FhirError::NotAcceptable)?;
                continue;
            }
            // Says how the answer is laid out, not what is in it.
            if name == "_pretty" {
                continue;
            }
            let plain = plain_name(name)?;
            if value.is_empty() {
                continue;
            }
            let offered = OFFERED
                .iter()
                .filter(|offered| offered.name == resource)
                .flat_map(|offered| offered.search)
                .find(|offered| offered.name == plain);
            let taken = match offered {
                Some(offered) => parameters.take(plain, value, base)? || parameters.take_further(offered, value)?,
                None => false,
            };
            if !taken {
                if handling == Handling::Strict {
                    return Err(FhirError::UnknownParameter { parameter: shown(name) });
                }
                parameters.ignored.push(shown(name));
            }
        }
        if parameters.ids.iter().map(Vec::len).sum::<usize>() > MOST_IDS {
            return Err(FhirError::TooWide {
                limit: "100 ids a search",
            });
        }
        Ok(parameters)
    }

    /// Takes one parameter; false when it, or what it asks for, is not offered.
    fn take(&mut self, name: &str, value: &str, base: &str) -> Result<bool, FhirError> {
        let mut used = value.to_owned();
        match name {
            "patient" | "subject" => self.patients.push(references(value, "Patient", base)),
            "target" => self.targets.push(references(value, "Observation", base)),
            "code" => self.codes.push(tokens(name, value)?),
            "type" => self.types.push(tokens(name, value)?),
            "period" => self.periods.push(date_text(name, value)?),
            "category" => self.categories.push(tokens(name, value)?),
            "_id" => self
                .ids
                .push(token::split(value, ',').into_iter().map(token::unescape).collect()),
            "status" => self
                .statuses
                .push(token::split(value, ',').into_iter().map(token::unescape).collect()),
            "url" => self.urls.push(texts(value)),
            "name" => self.names.push(texts(value)),
            "device" => self.devices.push(references(value, "Device", base)),
            "value-quantity" => self
                .values
                .push(QuantityBound::parse(value).map_err(|problem| FhirError::bad(name, problem))?),
            "component-code" => self.components.push(tokens(name, value)?),
            "_summary" | "_elements" if self.shape.is_some() => {
                return Err(FhirError::bad(name, "one of _summary and _elements is allowed, once"));
            }
            "_summary" => self.shape = Shape::of_summary(value).map_err(|problem| FhirError::bad(name, problem))?,
            "_elements" => self.shape = Some(Shape::of_elements(value)),
            "_total" => match value {
                "accurate" => self.total = true,
                // An estimate would be a guess.
                "none" | "estimate" => self.total = false,
                _ => return Err(FhirError::bad(name, "none and accurate are allowed")),
            },
            "_include" | "_revinclude" => match Include::of(name, value) {
                Some(include) if !self.includes.contains(&include) => self.includes.push(include),
                Some(_) => {}
                None => return Ok(false),
            },
            "date" | "authored" => self.dates.push(date_text(name, value)?),
            "_lastUpdated" => self.updated.push(date_text(name, value)?),
            "_count" if self.count.is_some() => return Err(twice(name)),
            "_count" => {
                let count: u64 = value
                    .parse()
                    .map_err(|_| FhirError::bad(name, "a whole number from 0 on is allowed"))?;
                let count = usize::try_from(count).unwrap_or(MOST_COUNT).min(MOST_COUNT);
                used = count.to_string();
                self.count = Some(count);
            }
            "_sort" if self.used.iter().any(|(known, _)| known == "_sort") => return Err(twice(name)),
            "_sort" => {
                self.sort = match value {
                    "date" => Sort::Date,
                    "-date" => Sort::DateDescending,
                    "_lastUpdated" => Sort::LastUpdated,
                    "-_lastUpdated" => Sort::LastUpdatedDescending,
                    _ => return Ok(false),
                };
            }
            _ => return Ok(false),
        }
        self.used.push((name.to_owned(), used));
        Ok(true)
    }

    /// Takes a parameter of a type that nothing fills yet: it must be readable, and finds nothing.
    fn take_further(&mut self, offered: &SearchParameter, value: &str) -> Result<bool, FhirError> {
        match offered.kind {
            "token" => drop(tokens(offered.name, value)?),
            "date" => drop(date_text(offered.name, value)?),
            // Parameters of the answer have no definition: what is not offered of them is left out.
            _ if offered.definition.is_none() => return Ok(false),
            _ => {}
        }
        self.further = true;
        self.used.push((offered.name.to_owned(), value.to_owned()));
        Ok(true)
    }

    /// True when something was asked that nothing here has: a questionnaire by its address, for example.
    pub fn asks_for_what_is_not_there(&self) -> bool {
        self.further
    }

    /// True when the matches are held against what they hold.
    pub fn looks_inside(&self) -> bool {
        !(self.statuses.is_empty() && self.values.is_empty() && self.components.is_empty() && self.devices.is_empty())
    }

    /// True when dates are named that the matches must not lie in.
    pub fn excludes(&self) -> bool {
        self.dates
            .iter()
            .chain(&self.updated)
            .any(|text| text.starts_with("ne"))
    }

    /// Intervals in which no match lies, and in which none was last updated; dates without a zone read in `home`.
    ///
    /// # Errors
    /// [`FhirError::BadParameter`] for a date that is none.
    pub fn excluded(&self, home: &TimeZone) -> Result<(Vec<Interval>, Vec<Interval>), FhirError> {
        let read = |name: &str, texts: &[String]| {
            let named = texts.iter().filter(|text| text.starts_with("ne"));
            let read = named.map(|text| {
                let parameter = date::parse(text, home).map_err(|problem| FhirError::bad(name, problem))?;
                Ok((parameter.from, parameter.until))
            });
            read.collect::<Result<Vec<Interval>, FhirError>>()
        };
        Ok((read("date", &self.dates)?, read("_lastUpdated", &self.updated)?))
    }

    /// True when what was entered in error is asked for by its status.
    pub fn asks_for_errors(&self) -> bool {
        let asks = |group: &Vec<String>| group.iter().any(|status| status == "entered-in-error");
        !self.statuses.is_empty() && self.statuses.iter().all(asks)
    }

    /// True when an order was asked for.
    pub fn is_sorted(&self) -> bool {
        self.used.iter().any(|(name, _)| name == "_sort")
    }

    /// Entries of a page at most.
    pub fn count(&self) -> usize {
        self.count.unwrap_or(USUAL_COUNT)
    }

    /// True when a date was given without a zone: then the person's home zone is needed.
    pub fn needs_zone(&self) -> bool {
        self.dates.iter().chain(&self.updated).any(|text| !date::has_zone(text))
    }

    /// Bounds on time, dates without a zone read in `home`.
    ///
    /// # Errors
    /// [`FhirError::BadParameter`] for a date that is none.
    pub fn times(&self, home: &TimeZone) -> Result<TimeBounds, FhirError> {
        time_bounds("date", &self.dates, home)
    }

    /// As [`Parameters::times`], of the period that a document is about.
    ///
    /// # Errors
    /// [`FhirError::BadParameter`] for a date that is none.
    pub fn periods(&self, home: &TimeZone) -> Result<TimeBounds, FhirError> {
        time_bounds("period", &self.periods, home)
    }

    /// Bounds on the last update, from and before, dates without a zone read in `home`.
    ///
    /// # Errors
    /// [`FhirError::BadParameter`] for a date that is none.
    pub fn updates(&self, home: &TimeZone) -> Result<(Option<UtcMillis>, Option<UtcMillis>), FhirError> {
        let mut updates = (None, None);
        for text in &self.updated {
            let parameter = date::parse(text, home).map_err(|problem| FhirError::bad("_lastUpdated", problem))?;
            bounds::narrow_instant(&mut updates, parameter);
        }
        Ok(updates)
    }

    /// True when this patient is among those asked for; always when none is named.
    pub fn is_about(&self, patient: &str) -> bool {
        self.patients
            .iter()
            .all(|group| group.iter().any(|asked| asked == patient))
    }

    /// True when this status is among those asked for; always when none is named.
    pub fn is_of_status(&self, status: &str) -> bool {
        self.statuses
            .iter()
            .all(|group| group.iter().any(|asked| asked == status))
    }

    /// The ids asked for, each once, that every group names; `None` when none is named.
    pub fn wanted_ids(&self) -> Option<Vec<&str>> {
        wanted(&self.ids)
    }

    /// The targets asked for, as [`Parameters::wanted_ids`].
    pub fn wanted_targets(&self) -> Option<Vec<&str>> {
        wanted(&self.targets)
    }
}

fn time_bounds(name: &str, texts: &[String], home: &TimeZone) -> Result<TimeBounds, FhirError> {
    let mut times = TimeBounds::default();
    for text in texts {
        let parameter = date::parse(text, home).map_err(|problem| FhirError::bad(name, problem))?;
        bounds::narrow(&mut times, parameter);
    }
    Ok(times)
}
