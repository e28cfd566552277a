//! Checkups as their documents tell them: what was found, digits and units as written, and about whom.

mod battery;
mod declared;
pub mod doubt;
pub mod items;
mod mandatory;
mod screening;
pub mod unit;

use serde::{Deserialize, Serialize, Serializer};

pub use battery::Battery;
pub use declared::{FIRST_YEAR, fiscal_year, fiscal_year_days};
pub use items::{Guide, Item, ItemRow, Kind};
pub use screening::{SCREENINGS, Screening};

use crate::decimal::Decimal;
use crate::time::LocalDay;
use crate::vocabulary::Metric;
use declared::DECLARED;

/// One checkup of one person. The same checkup told again is known by [`Checkup::is_same`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checkup {
    /// What the document is, as a code of OID 1.2.392.200119.6.1001: `10` for a specific health checkup.
    pub report: String,
    /// Under which law it took place, as a code of OID 1.2.392.200119.6.1002: `010` for the same. A municipality's screening that says
    /// which part of it this is (検診区分) has that here, with one digit.
    pub programme: String,
    /// The day it took place; the first day of the fiscal year where no more than that is known.
    pub day: LocalDay,
    /// The day the document was written, or on which a table was handed over that does not say it: of two that tell the same checkup
    /// the later one holds.
    pub written: LocalDay,
    /// Who did it.
    pub facility: Organisation,
    /// Who wrote the document.
    pub author: Organisation,
    /// About whom it is.
    pub subject: Subject,
    /// What was found, in the order of the document.
    pub findings: Vec<Finding>,
    /// Whose word it is.
    pub word: Told,
    /// Of a request to delete: the screening that it deletes, as the code of its report, once that is known. A request itself
    /// does not say it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub deletes: String,
    /// No more than the fiscal year is known of when it took place. Nobody but a resident says it so, and never with results.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub year_only: bool,
}

/// Whose word a checkup is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Told {
    /// The document of who did it, or of their insurer, as they hand it over.
    Confirmed,
    /// Such a document as the resident brings it: nobody can say that it was not changed.
    Brought,
    /// The resident's own.
    Declared,
}

impl Told {
    /// Its number in the vocabulary's list `checkup-word`: what nobody but the resident vouches for is not confirmed.
    pub const fn number(self) -> u32 {
        match self {
            Self::Confirmed => 1,
            Self::Brought | Self::Declared => 2,
        }
    }

    /// True for a document of who did the checkup, whoever hands it over.
    pub const fn is_document(self) -> bool {
        !matches!(self, Self::Declared)
    }

    /// The number there of an event: the first of its kind, or a later one.
    pub const fn number_of_event(self, is_first: bool) -> u32 {
        self.number() + if is_first { 2 } else { 4 }
    }
}

/// A facility or insurer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organisation {
    /// Ten digits of a facility (OID 1.2.392.200119.6.102), eight of an insurer; empty where it has none.
    pub number: String,
    /// Its name.
    pub name: String,
}

/// That somebody may go to a checkup (受診券), as an insurer's list says. Sealed with the person's key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// The insurer's number of it; shown to nobody.
    pub number: String,
    /// The fiscal year it is for.
    pub year: i32,
    /// When it was issued, where that is said.
    pub issued: Option<LocalDay>,
    /// The last day it holds.
    pub until: LocalDay,
    /// It was taken back.
    pub is_void: bool,
}

/// About whom a document is, as it says. Sealed with the person's key, shown to nobody outside the insurer's side.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The insurer's number, eight digits.
    pub insurer: String,
    /// 記号, as written.
    pub symbol: String,
    /// 番号, as written.
    pub number: String,
    /// 枝番, as written.
    pub branch: String,
    /// Name, mostly in full-width katakana.
    pub name: String,
    /// Day of birth.
    pub birth: Option<LocalDay>,
    /// 1 male, 2 female (OID 1.2.392.200119.6.1104).
    pub sex: Option<u8>,
    /// Postal code.
    pub postal_code: String,
    /// Where they live, as a document says it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub address: String,
    /// 介護保険被保険者番号: by it a municipality knows those whom it insures for long-term care, whatever their health insurance is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub care_number: String,
    /// The number of the ticket that the checkup was taken with (受診券整理番号), where a list names it: it is one person's.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ticket: String,
}

/// A result of one item.
///
/// It is written as a list of its fields in their order, without names: a checkup has some forty. Reading takes both forms.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Finding {
    /// What was looked for.
    pub item: Item,
    /// Which reading of the item in its document, from 0.
    pub reading: u8,
    /// What was found.
    pub result: Found,
    /// The judgement against the reference range: `N`, `H` or `L`.
    #[serde(default)]
    pub interpretation: Option<char>,
    /// The method, as a code of OID 1.2.392.200119.6.1007.
    #[serde(default)]
    pub method: Option<String>,
    /// The facility's reference range.
    #[serde(default)]
    pub range: Option<Range>,
    /// The doctor who says so.
    #[serde(default)]
    pub doctor: Option<String>,
    /// Its own day, where it is not that of the checkup.
    #[serde(default)]
    pub day: Option<LocalDay>,
}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            item,
            reading,
            result,
            interpretation,
            method,
            range,
            doctor,
            day,
        } = self;
        (item, reading, result, interpretation, method, range, doctor, day).serialize(serializer)
    }
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Found {
    /// A number with its unit as written.
    Quantity(Decimal, String),
    /// At least this number: the highest that can be entered.
    AtLeast(Decimal, String),
    /// At most this number: the lowest that can be entered.
    AtMost(Decimal, String),
    /// An answer: its list (a whole OID) and its code.
    Answer(String, String),
    /// Text.
    Text(String),
    /// It was not done (未実施).
    NotPerformed,
    /// It could not be measured (測定不能).
    NotMeasurable,
}

/// From where to where a facility takes a value for usual. Written as a [`Finding`] is.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Range {
    /// Lowest, with its unit.
    pub low: Option<(Decimal, String)>,
    /// Highest, with its unit.
    pub high: Option<(Decimal, String)>,
}

impl Serialize for Range {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (&self.low, &self.high).serialize(serializer)
    }
}

impl Checkup {
    /// True where two documents tell the same checkup, of one person: of one day, programme and facility, and of one screening, since
    /// several take place on one day. A table that does not number the facility is of whatever facility there is, a request to
    /// delete of whatever screening, and a screening under its whole programme of whatever part.
    pub fn is_same(&self, other: &Self) -> bool {
        let [own, others] = [&self.facility.number, &other.facility.number];
        self.day == other.day
            && self.is_of_programme_of(other)
            && (own == others || own.is_empty() || others.is_empty())
            && (self.screening() == other.screening() || self.deletes_any() || other.deletes_any())
    }

    /// True for a line of a table: it names nobody who wrote it.
    pub fn is_table(&self) -> bool {
        self.author == Organisation::default()
    }

    /// True for a request to delete of which nobody knows whether it is of a screening, and of which.
    fn deletes_any(&self) -> bool {
        self.is_deletion() && self.deletes.is_empty()
    }

    /// True for a request to delete what was told before (report categories 19, 49, 69, 79, 89).
    pub fn is_deletion(&self) -> bool {
        matches!(self.report.as_str(), "19" | "49" | "69" | "79" | "89")
    }

    /// The programme by the code of OID 1.2.392.200119.6.1002; `None` for one that a resident declared, and for a part of a screening.
    pub fn official_programme(&self) -> Option<&str> {
        (!self.programme.starts_with(DECLARED) && self.part_of_screening().is_none()).then_some(&self.programme)
    }

    /// The metric that says that a checkup of this kind, or guidance after one, took place.
    pub fn event(&self) -> Metric {
        if let Some(kind) = self.programme.strip_prefix(DECLARED) {
            return Metric::from_key(kind).unwrap_or(Metric::CHECKUP_OTHER);
        }
        if let Some(screening) = self.screening() {
            return screening.event;
        }
        match self.programme.as_str() {
            "010" => Metric::CHECKUP_SPECIFIC,
            "020" => Metric::CHECKUP_ELDERLY,
            "030" => Metric::CHECKUP_WORKPLACE,
            "040" => Metric::CHECKUP_SCHOOL,
            "060" => Metric::CHECKUP_CANCER,
            "090" => Metric::CHECKUP_HEPATITIS,
            "100" => Metric::GUIDANCE_SPECIFIC,
            _ => Metric::CHECKUP_OTHER,
        }
    }

    /// False for the answers to a questionnaire that belongs to no checkup: to answer it is none.
    pub fn took_place(&self) -> bool {
        let is_question = |finding: &Finding| finding.item.is_question();
        let may_be_none = self.programme == "990" && self.screening().is_none();
        !may_be_none || self.findings.is_empty() || !self.findings.iter().all(is_question)
    }

    /// True for guidance after a checkup, which is none itself and is no checkup report.
    pub fn is_guidance(&self) -> bool {
        self.event() == Metric::GUIDANCE_SPECIFIC
    }

    /// All metrics of which one says that a checkup, or guidance after one, took place.
    pub const EVENTS: [Metric; 16] = [
        Metric::CHECKUP_SPECIFIC,
        Metric::CHECKUP_ELDERLY,
        Metric::CHECKUP_WORKPLACE,
        Metric::CHECKUP_SCHOOL,
        Metric::CHECKUP_COMPREHENSIVE,
        Metric::CHECKUP_CANCER,
        Metric::CHECKUP_LUNG_CANCER,
        Metric::CHECKUP_BREAST_CANCER,
        Metric::CHECKUP_STOMACH_CANCER,
        Metric::CHECKUP_CERVICAL_CANCER,
        Metric::CHECKUP_COLORECTAL_CANCER,
        Metric::CHECKUP_OSTEOPOROSIS,
        Metric::CHECKUP_DENTAL,
        Metric::CHECKUP_HEPATITIS,
        Metric::CHECKUP_OTHER,
        Metric::GUIDANCE_SPECIFIC,
    ];
}

/// True for a metric that says that a checkup, or guidance after one, took place.
pub fn is_event(metric: Metric) -> bool {
    Checkup::EVENTS.contains(&metric)
}

impl Finding {
    /// The first reading of an item, with nothing said beside it.
    pub const fn new(item: Item, result: Found) -> Self {
        Self {
            item,
            reading: 0,
            result,
            interpretation: None,
            method: None,
            range: None,
            doctor: None,
            day: None,
        }
    }

    /// True for what was not done, or could not be measured.
    pub fn has_no_value(&self) -> bool {
        matches!(self.result, Found::NotPerformed | Found::NotMeasurable)
    }

    /// The number found, where it is one that stands for itself: not a bound, not a text.
    pub fn number(&self) -> Option<(Decimal, &str)> {
        match &self.result {
            Found::Quantity(value, unit) => Some((*value, unit)),
            _ => None,
        }
    }
}

impl Serialize for Decimal {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(text.as_bytes()).map_err(serde::de::Error::custom)
    }
}

impl Serialize for LocalDay {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for LocalDay {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        i32::deserialize(deserializer).map(Self)
    }
}
