//! The parts of a FHIR document of a checkup, as far as they are read: unknown members are passed over.

use model::Decimal;
use model::checkup::items::list_oid;
use model::checkup::{Found, Range};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::document::{as_plain, plain};

#[derive(Deserialize)]
pub(super) struct Bundle<'a> {
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default, borrow)]
    pub(super) entry: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry<'a> {
    #[serde(default)]
    pub(super) full_url: String,
    #[serde(borrow)]
    pub(super) resource: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Typed {
    pub(super) resource_type: String,
    #[serde(default)]
    pub(super) id: String,
    /// Whom it is about.
    #[serde(default)]
    pub(super) subject: Reference,
}

#[derive(Default, Deserialize)]
pub(super) struct Concept {
    #[serde(default)]
    pub(super) coding: Vec<Coding>,
}

#[derive(Default, Deserialize)]
pub(super) struct Coding {
    #[serde(default)]
    pub(super) system: String,
    #[serde(default)]
    pub(super) code: String,
}

#[derive(Default, Deserialize)]
pub(super) struct Identifier {
    #[serde(default)]
    pub(super) system: String,
    #[serde(default)]
    pub(super) value: String,
}

#[derive(Default, Deserialize)]
pub(super) struct Reference {
    #[serde(default)]
    pub(super) reference: String,
    #[serde(default)]
    pub(super) display: String,
}

#[derive(Deserialize)]
pub(super) struct Composition {
    #[serde(default)]
    pub(super) date: String,
    #[serde(default)]
    pub(super) category: Vec<Concept>,
    #[serde(default)]
    pub(super) event: Vec<Event>,
}

#[derive(Deserialize)]
pub(super) struct Event {
    #[serde(default)]
    pub(super) code: Vec<Concept>,
    #[serde(default)]
    pub(super) period: Period,
}

#[derive(Default, Deserialize)]
pub(super) struct Period {
    #[serde(default)]
    pub(super) start: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Patient {
    #[serde(default)]
    pub(super) identifier: Vec<Identifier>,
    #[serde(default)]
    pub(super) name: Vec<Name>,
    #[serde(default)]
    pub(super) gender: String,
    #[serde(default)]
    pub(super) birth_date: String,
    #[serde(default)]
    pub(super) address: Vec<Address>,
}

#[derive(Default, Deserialize)]
pub(super) struct Name {
    #[serde(default)]
    pub(super) text: String,
    #[serde(default)]
    pub(super) family: String,
    #[serde(default)]
    pub(super) given: Vec<String>,
    #[serde(default)]
    pub(super) extension: Vec<Extension>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Extension {
    #[serde(default)]
    pub(super) url: String,
    #[serde(default)]
    pub(super) value_string: String,
    #[serde(default)]
    pub(super) value_code: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Address {
    #[serde(default)]
    pub(super) postal_code: String,
    #[serde(default)]
    pub(super) text: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Coverage {
    #[serde(default)]
    pub(super) identifier: Vec<Identifier>,
    #[serde(default)]
    pub(super) extension: Vec<Extension>,
    #[serde(default, rename = "type")]
    pub(super) kind: Concept,
    #[serde(default)]
    pub(super) subscriber_id: String,
    #[serde(default)]
    pub(super) dependent: String,
    #[serde(default)]
    pub(super) payor: Vec<Reference>,
}

#[derive(Deserialize)]
pub(super) struct Organization {
    #[serde(default)]
    pub(super) identifier: Vec<Identifier>,
    #[serde(default, rename = "type")]
    pub(super) kind: Vec<Concept>,
    #[serde(default)]
    pub(super) name: String,
}

#[derive(Deserialize)]
pub(super) struct Practitioner {
    #[serde(default)]
    pub(super) name: Vec<Name>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Observation<'a> {
    #[serde(default)]
    pub(super) status: String,
    #[serde(default)]
    pub(super) code: Concept,
    #[serde(default)]
    pub(super) effective_date_time: String,
    #[serde(borrow)]
    pub(super) value_quantity: Option<Quantity<'a>>,
    pub(super) value_codeable_concept: Option<Concept>,
    pub(super) value_string: Option<String>,
    pub(super) value_date_time: Option<String>,
    #[serde(borrow)]
    pub(super) value_integer: Option<&'a RawValue>,
    pub(super) data_absent_reason: Option<Concept>,
    #[serde(default)]
    pub(super) interpretation: Vec<Concept>,
    pub(super) method: Option<Concept>,
    #[serde(default, borrow)]
    pub(super) reference_range: Vec<Bounds<'a>>,
    #[serde(default)]
    pub(super) performer: Vec<Reference>,
    #[serde(default, borrow)]
    pub(super) component: Vec<Observation<'a>>,
    #[serde(default)]
    pub(super) has_member: Vec<Reference>,
}

#[derive(Deserialize)]
pub(super) struct Quantity<'a> {
    #[serde(borrow)]
    pub(super) value: Option<&'a RawValue>,
    #[serde(default)]
    pub(super) comparator: String,
    pub(super) unit: Option<String>,
    #[serde(default)]
    pub(super) code: String,
}

#[derive(Deserialize)]
pub(super) struct Bounds<'a> {
    #[serde(borrow)]
    pub(super) low: Option<Quantity<'a>>,
    #[serde(borrow)]
    pub(super) high: Option<Quantity<'a>>,
}

/// Which end of what can be entered a number is.
#[derive(Clone, Copy, PartialEq)]
enum Limit {
    Upper,
    Lower,
}

impl Observation<'_> {
    /// A battery that only names others: which these are, the table of items says.
    pub(super) fn is_group(&self) -> bool {
        !self.has_member.is_empty() && matches!(self.found(""), Err("no-value"))
    }

    pub(super) fn interpretation(&self) -> Option<char> {
        let mut codings = self.interpretation.iter().flat_map(|concept| &concept.coding);
        // HX and LX are limits; a judgement may stand beside them.
        let judged = codings.find(|coding| coding.code.len() == 1)?;
        judged.code.chars().next()
    }

    /// The limit of what can be entered that a number is: the guide's own codes say so beside a comparator, or by themselves.
    fn limit(&self, comparator: &str) -> Result<Option<Limit>, &'static str> {
        let compared = match comparator {
            "" => None,
            ">=" | ">" => Some(Limit::Upper),
            "<=" | "<" => Some(Limit::Lower),
            _ => return Err("limit"),
        };
        let codings = self.interpretation.iter().flat_map(|concept| &concept.coding);
        let interpreted = codings.filter_map(|coding| match as_plain(&coding.code).as_ref() {
            "HX" => Some(Limit::Upper),
            "LX" => Some(Limit::Lower),
            _ => None,
        });
        let mut limits = compared.into_iter().chain(interpreted);
        let limit = limits.next();
        match limits.all(|other| Some(other) == limit) {
            true => Ok(limit),
            false => Err("limit"),
        }
    }

    /// What was found; `list` is the one that an answer is of whose list nobody names.
    pub(super) fn found(&self, list: &str) -> Result<Found, &'static str> {
        if let Some(quantity) = &self.value_quantity {
            let (number, unit) = quantity.number().ok_or("not-a-number")?;
            return Ok(match self.limit(&quantity.comparator)? {
                None => Found::Quantity(number, unit),
                Some(Limit::Upper) => Found::AtLeast(number, unit),
                Some(Limit::Lower) => Found::AtMost(number, unit),
            });
        }
        if let Some(concept) = &self.value_codeable_concept {
            let coding = concept.coding.first().ok_or("no-code")?;
            let list = match coding.system.strip_prefix("urn:oid:") {
                Some(list) => list.to_owned(),
                None if coding.system.is_empty() => list_oid(list),
                None => coding.system.clone(),
            };
            return match list.len() <= 256 && !coding.code.is_empty() {
                true => Ok(Found::Answer(list, plain(&coding.code))),
                false => Err("no-code"),
            };
        }
        if let Some(number) = self.value_integer {
            let number = Decimal::parse(number.get().as_bytes()).map_err(|_| "not-a-number")?;
            return Ok(Found::Quantity(number, String::new()));
        }
        // Dates of what was asked may be no more than a year: they are kept as they are written.
        let text = self.value_string.as_ref().or(self.value_date_time.as_ref());
        if let Some(text) = text.filter(|text| !text.trim().is_empty()) {
            return match text.len() <= 4_096 {
                true => Ok(Found::Text(text.clone())),
                false => Err("text-too-long"),
            };
        }
        let absent = self
            .data_absent_reason
            .as_ref()
            .and_then(|reason| reason.coding.first());
        match absent.map(|coding| coding.code.as_str()) {
            Some("not-performed") => Ok(Found::NotPerformed),
            Some("error") => Ok(Found::NotMeasurable),
            _ => Err("no-value"),
        }
    }
}

impl Quantity<'_> {
    /// The number with its unit as written.
    fn number(&self) -> Option<(Decimal, String)> {
        let number = Decimal::parse(self.value?.get().as_bytes()).ok()?;
        let unit = match &self.unit {
            Some(unit) => unit.clone(),
            None if self.code == "1" => String::new(),
            None => self.code.clone(),
        };
        (unit.len() <= 64).then_some((number, unit))
    }
}

pub(super) fn range(bounds: &Bounds<'_>) -> Option<Range> {
    let bound = |bound: &Option<Quantity<'_>>| bound.as_ref().and_then(Quantity::number);
    let (low, high) = (bound(&bounds.low), bound(&bounds.high));
    (low.is_some() || high.is_some()).then_some(Range { low, high })
}
