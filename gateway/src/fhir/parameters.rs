//! Search parameters: what was asked, read against what the CapabilityStatement offers.
//!
//! A name that is not offered is refused under `Prefer: handling=strict` and else left out and named in the answer;
//! a modifier, a chain and a value that cannot be read are always refused. Repeated is and, a comma is or.

use axum::http::HeaderMap;
use fhir_profiles::{OFFERED, SearchParameter};
use jiff::tz::TimeZone;
use model::UtcMillis;
use store::{Sort, TimeBounds};

use super::quantity::QuantityBound;
use super::shape::Shape;
use super::token::{self, Token};
use super::{FhirError, bounds, date, negotiate};

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
                .push(QuantityBound::parse(value).map_err(|problem| bad(name, problem))?),
            "component-code" => self.components.push(tokens(name, value)?),
            "_summary" | "_elements" if self.shape.is_some() => {
                return Err(bad(name, "one of _summary and _elements is allowed, once"));
            }
            "_summary" => self.shape = Shape::of_summary(value).map_err(|problem| bad(name, problem))?,
            "_elements" => self.shape = Some(Shape::of_elements(value)),
            "_total" => match value {
                "accurate" => self.total = true,
                // An estimate would be a guess.
                "none" | "estimate" => self.total = false,
                _ => return Err(bad(name, "none and accurate are allowed")),
            },
            "_include" | "_revinclude" => match Include::of(name, value) {
                Some(include) if !self.includes.contains(&include) => self.includes.push(include),
                Some(_) => {}
                None => return Ok(false),
            },
            "date" => self.dates.push(date_text(name, value)?),
            "_lastUpdated" => self.updated.push(date_text(name, value)?),
            "_count" if self.count.is_some() => return Err(twice(name)),
            "_count" => {
                let count: u64 = value
                    .parse()
                    .map_err(|_| bad(name, "a whole number from 0 on is allowed"))?;
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
                let parameter = date::parse(text, home).map_err(|problem| bad(name, problem))?;
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
        let mut times = TimeBounds::default();
        for text in &self.dates {
            bounds::narrow(
                &mut times,
                date::parse(text, home).map_err(|problem| bad("date", problem))?,
            );
        }
        Ok(times)
    }

    /// Bounds on the last update, from and before, dates without a zone read in `home`.
    ///
    /// # Errors
    /// [`FhirError::BadParameter`] for a date that is none.
    pub fn updates(&self, home: &TimeZone) -> Result<(Option<UtcMillis>, Option<UtcMillis>), FhirError> {
        let mut updates = (None, None);
        for text in &self.updated {
            let parameter = date::parse(text, home).map_err(|problem| bad("_lastUpdated", problem))?;
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

fn wanted(groups: &[Vec<String>]) -> Option<Vec<&str>> {
    let (first, rest) = groups.split_first()?;
    let mut wanted: Vec<&str> = Vec::with_capacity(first.len());
    for id in first {
        if rest.iter().all(|group| group.contains(id)) && !wanted.contains(&id.as_str()) {
            wanted.push(id);
        }
    }
    Some(wanted)
}

/// The name without `:Patient`, the one modifier there is; any other, and any chain, is refused.
fn plain_name(name: &str) -> Result<&str, FhirError> {
    match name {
        "subject:Patient" => Ok("subject"),
        "patient:Patient" => Ok("patient"),
        "target:Observation" => Ok("target"),
        "device:Device" => Ok("device"),
        "_include:iterate" | "_revinclude:iterate" => Err(FhirError::UnknownParameter { parameter: shown(name) }),
        _ if name.contains([':', '.']) => Err(FhirError::UnknownParameter { parameter: shown(name) }),
        _ => Ok(name),
    }
}

/// Ids in references of this type; an empty text, which is nobody's id, for a reference of another type or server.
fn references(value: &str, resource: &str, base: &str) -> Vec<String> {
    token::split(value, ',')
        .into_iter()
        .map(|reference| {
            let reference = token::unescape(reference);
            let local = reference
                .strip_prefix(base)
                .and_then(|rest| rest.strip_prefix('/'))
                .unwrap_or(&reference);
            match local.split_once('/') {
                None => local.to_owned(),
                Some((given, id)) if given == resource => id.to_owned(),
                Some(_) => String::new(),
            }
        })
        .collect()
}

fn texts(value: &str) -> Vec<String> {
    token::split(value, ',').into_iter().map(token::unescape).collect()
}

fn tokens(name: &str, value: &str) -> Result<Vec<Token>, FhirError> {
    token::parse(value).ok_or_else(|| bad(name, "`code` or `system|code` is allowed, with commas for or"))
}

/// A date that can be read, whichever zone is taken for it.
fn date_text(name: &str, value: &str) -> Result<String, FhirError> {
    if value.contains(',') {
        return Err(bad(name, "one date is allowed; repeat the parameter for and"));
    }
    date::parse(value, &TimeZone::UTC).map_err(|problem| bad(name, problem))?;
    Ok(value.to_owned())
}

fn bad(name: &str, problem: &str) -> FhirError {
    FhirError::BadParameter {
        parameter: name.to_owned(),
        problem: problem.to_owned(),
    }
}

fn twice(name: &str) -> FhirError {
    bad(name, "is allowed once")
}

/// What of a name an answer repeats.
fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BASE: &str = "https://example.org/fhir/r4";

    fn read(query: &str, handling: Handling) -> Result<Parameters, FhirError> {
        Parameters::read("Observation", BASE, &super::super::urls::decode(query), handling)
    }

    fn lenient(query: &str) -> Parameters {
        read(query, Handling::Lenient).unwrap()
    }

    #[test]
    fn the_capability_statement_offers_exactly_the_parameters_that_parse() {
        let mut every: Vec<&str> = OFFERED
            .iter()
            .flat_map(|resource| resource.search)
            .map(|offered| offered.name)
            .collect();
        every.extend(["_has", "_filter", "_list", "_text", "_cursor"]);
        for resource in OFFERED {
            for name in &every {
                let value = match *name {
                    "date" | "_lastUpdated" | "period" | "authored" => "ge2026-05-10",
                    "_count" => "10",
                    "_sort" => "-date",
                    "value-quantity" => "gt5",
                    "_summary" => "true",
                    "_total" => "accurate",
                    "_include" => "Observation:device",
                    "_revinclude" => "Provenance:target",
                    _ => "x",
                };
                let pairs = [((*name).to_owned(), value.to_owned())];
                let read = Parameters::read(resource.name, BASE, &pairs, Handling::Strict);
                let offered = resource.search.iter().any(|parameter| parameter.name == *name);
                assert_eq!(read.is_ok(), offered, "{name} of {}", resource.name);
                if let Ok(read) = read {
                    assert_eq!(read.used, pairs);
                    assert_ne!(
                        Parameters {
                            used: Vec::new(),
                            ..read
                        },
                        Parameters::default(),
                        "{name} changes nothing"
                    );
                }
            }
        }
    }

    #[test]
    fn what_is_not_offered_is_refused_when_strict_and_else_left_out_and_named() {
        let error = read("code=x&foo=1", Handling::Strict).unwrap_err();
        assert!(matches!(error, FhirError::UnknownParameter { parameter } if parameter == "foo"));
        let read = lenient("code=x&foo=1&_sort=status");
        assert_eq!(read.ignored, ["foo", "_sort"]);
        assert_eq!(read.used, [("code".to_owned(), "x".to_owned())]);
    }

    #[test]
    fn a_modifier_or_a_chain_is_refused_however_lenient() {
        for query in [
            "code:text=x",
            "code:missing=true",
            "foo:bar=1",
            "patient.name=x",
            "_has:Provenance:target:agent=x",
        ] {
            assert!(
                matches!(read(query, Handling::Lenient), Err(FhirError::UnknownParameter { .. })),
                "{query}"
            );
        }
        assert!(lenient("subject:Patient=p1").is_about("p1"));
    }

    #[test]
    fn a_value_that_cannot_be_read_is_refused() {
        for query in [
            "date=soon",
            "date=2026-01-01,2026-01-02",
            "_count=-1",
            "_count=many",
            "_count=1&_count=2",
            "code=%7C",
            "category=a,",
            "_sort=date&_sort=-date",
            "_lastUpdated=2026-13",
        ] {
            assert!(
                matches!(read(query, Handling::Lenient), Err(FhirError::BadParameter { .. })),
                "{query}"
            );
        }
    }

    #[test]
    fn a_patient_is_named_in_each_of_the_three_ways() {
        for query in [
            "patient=p1",
            "patient=Patient/p1",
            "subject=https://example.org/fhir/r4/Patient/p1",
            "patient=p2,p1",
        ] {
            assert!(lenient(query).is_about("p1"), "{query}");
        }
        for query in [
            "patient=p2",
            "patient=Group/p1",
            "patient=p1&subject=p2",
            "subject=https://other.example/fhir/r4/Patient/p1",
        ] {
            assert!(!lenient(query).is_about("p1"), "{query}");
        }
        assert!(lenient("code=x").is_about("p1"));
    }

    #[test]
    fn repeated_is_and_a_comma_is_or_and_empty_is_nothing() {
        let read = lenient("code=a,b&code=c&category=&_id=1,2,2&_id=2,3");
        assert_eq!(read.codes.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
        assert!(read.categories.is_empty());
        assert_eq!(read.wanted_ids(), Some(vec!["2"]));
        assert_eq!(lenient("code=a").wanted_ids(), None);
    }

    #[test]
    fn a_page_has_at_most_a_thousand_entries_and_the_link_says_so() {
        assert_eq!(lenient("").count(), 100);
        assert_eq!(lenient("_count=0").count(), 0);
        let read = lenient("_count=99999999999");
        assert_eq!((read.count(), read.used[0].1.as_str()), (1_000, "1000"));
    }

    #[test]
    fn only_a_date_without_a_zone_needs_the_home_zone() {
        assert!(lenient("date=ge2026-05-10").needs_zone());
        assert!(lenient("date=2026-05-10T08:00").needs_zone());
        assert!(!lenient("date=2026-05-10T08:00Z&_lastUpdated=gt2026-05-10T08:00:00%2B09:00").needs_zone());
        assert!(!lenient("date=2026-05-10T08:00:00+09:00").needs_zone());
    }

    #[test]
    fn strict_is_strict_in_whatever_company() {
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("prefer", value.parse().unwrap());
            Handling::of(&headers)
        };
        assert_eq!(of("return=minimal, handling=strict"), Handling::Strict);
        assert_eq!(of("handling=lenient"), Handling::Lenient);
        assert_eq!(Handling::of(&HeaderMap::new()), Handling::Lenient);
    }

    #[test]
    fn a_search_has_its_limits() {
        let ids = vec!["x"; 101].join(",");
        assert!(matches!(
            read(&format!("_id={ids}"), Handling::Lenient),
            Err(FhirError::TooWide { .. })
        ));
        assert!(matches!(
            read(&format!("code={}", "x".repeat(5_000)), Handling::Lenient),
            Err(FhirError::TooWide { .. })
        ));
    }

    proptest! {
        #[test]
        fn no_parameter_panics(name in "(code|date|category|patient|_id|_count|_sort|_lastUpdated|.{0,8})", value in ".{0,30}") {
            let _ = Parameters::read("Observation", BASE, &[(name, value)], Handling::Lenient);
        }

        #[test]
        fn what_was_used_asks_for_the_same_again(
            parts in proptest::collection::vec(
                ("(code|date|category|patient|_id|_count|_sort|foo)", "(a|http://x\\|b|ge2026-05-10|7|-date|a,b)"), 0..5,
            ),
        ) {
            if let Ok(read) = Parameters::read("Observation", BASE, &parts, Handling::Lenient) {
                let again = Parameters::read("Observation", BASE, &read.used, Handling::Strict).unwrap();
                prop_assert_eq!(Parameters { ignored: Vec::new(), ..read }, again);
            }
        }
    }
}
