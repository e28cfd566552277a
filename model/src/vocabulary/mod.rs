//! The vocabulary: the one table of metrics with all their codes, generated from `model/vocabulary/*.tsv` when built.

use crate::category::ConsentCategory;
use crate::decimal::Decimal;

pub mod systems;
#[cfg(test)]
mod tests;

include!(concat!(env!("OUT_DIR"), "/vocabulary.rs"));

/// A metric, by its append-only number (1 to 4095; 0 is [`Metric::NONE`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Metric(u16);

/// How values of a metric look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One number in the metric's unit.
    Quantity,
    /// Several numbers; their order is the order in storage.
    Components(&'static [Component]),
    /// An entry of a list.
    Code(&'static [CodeEntry]),
}

/// One number of a metric that has several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Component {
    /// Key in our own code system, e.g. `systolic`.
    pub key: &'static str,
    /// English name.
    pub name_en: &'static str,
    /// Japanese name.
    pub name_ja: &'static str,
    /// Canonical UCUM unit; empty when the number is a code of `codes`.
    pub unit: &'static str,
    /// The unit for people, e.g. `mmHg`.
    pub unit_display: &'static str,
    /// LOINC code, if there is one.
    pub loinc: Option<&'static str>,
    /// The list when the component's number is a code.
    pub codes: &'static [CodeEntry],
}

/// One entry of a metric's list of codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeEntry {
    /// The number in storage; never changes.
    pub number: u32,
    /// Key in our own code system, e.g. `deep`.
    pub key: &'static str,
    /// English name.
    pub name_en: &'static str,
    /// Japanese name.
    pub name_ja: &'static str,
    /// A second coding in another system: (system, code).
    pub also: Option<(&'static str, &'static str)>,
}

/// What a metric's time means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Temporal {
    /// A moment.
    Instant,
    /// From a start to an end.
    Interval,
    /// A statement about one local day.
    DailyTotal,
}

/// How samples of a day combine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregation {
    /// Added, after overlaps between devices are resolved.
    Sum,
    /// Mean, minimum, maximum and count.
    Mean,
    /// The last one counts.
    Last,
}

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricRow {
    /// Append-only number.
    pub number: u16,
    /// Canonical key.
    pub key: &'static str,
    /// English name.
    pub name_en: &'static str,
    /// Japanese name.
    pub name_ja: &'static str,
    /// How values look.
    pub shape: Shape,
    /// Canonical UCUM unit; empty for codes.
    pub unit: &'static str,
    /// The unit for people, e.g. `beats/minute`.
    pub unit_display: &'static str,
    /// LOINC codes, the primary one first.
    pub loinc: &'static [&'static str],
    /// Further codings: (system, code).
    pub codings: &'static [(&'static str, &'static str)],
    /// Code in HL7's observation-category system.
    pub fhir_category: &'static str,
    /// Code in JP Core's simple observation category system, if a second coding is due.
    pub jp_category: Option<&'static str>,
    /// Canonical URLs of the profiles that a rendered Observation claims.
    pub profiles: &'static [&'static str],
    /// What the time means.
    pub temporal: Temporal,
    /// How a day is made.
    pub aggregation: Aggregation,
    /// Lowest plausible value in the canonical unit; below it a sample is flagged.
    pub plausible_min: Option<Decimal>,
    /// Highest plausible value in the canonical unit; above it a sample is flagged.
    pub plausible_max: Option<Decimal>,
    /// Below it a value cannot be a measurement and is rejected.
    pub reject_min: Option<Decimal>,
    /// Above it a value cannot be a measurement and is rejected.
    pub reject_max: Option<Decimal>,
    /// JLAC10 item codes (17 digits).
    pub jlac10: &'static [&'static str],
    /// What a resident ticks for it.
    pub category: ConsentCategory,
    /// Needs an explanation of its own before a tick.
    pub sensitive: bool,
    /// Special care-required information under Japanese law, by itself.
    pub special_care: bool,
    /// Confidentiality label: `N`, `R` or `V`.
    pub confidentiality: &'static str,
    /// Kind of sensitivity (ActCode), if there is one.
    pub act_code: Option<&'static str>,
}

impl Metric {
    /// No metric: number 0, used in keys of things that have none. It has no row; [`Metric::row`] of it is the first row.
    pub const NONE: Self = Self(0);

    /// The metric with this number.
    pub fn from_number(number: u16) -> Option<Self> {
        METRICS
            .get(usize::from(number).checked_sub(1)?)
            .map(|row| Self(row.number))
    }

    /// The metric with this key.
    pub fn from_key(key: &str) -> Option<Self> {
        BY_KEY
            .binary_search_by_key(&key, |(known, _)| known)
            .ok()
            .map(|index| Self(BY_KEY[index].1))
    }

    /// All metrics, by number.
    pub fn all() -> impl Iterator<Item = Self> {
        METRICS.iter().map(|row| Self(row.number))
    }

    /// Its append-only number.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// Its row of the table.
    pub fn row(self) -> &'static MetricRow {
        &METRICS[usize::from(self.0.saturating_sub(1)).min(METRICS.len() - 1)]
    }

    /// Its canonical key.
    pub fn key(self) -> &'static str {
        self.row().key
    }

    /// What its time means.
    pub fn temporal(self) -> Temporal {
        self.row().temporal
    }

    /// How a day is made of its samples.
    pub fn aggregation(self) -> Aggregation {
        self.row().aggregation
    }

    /// How its values look.
    pub fn shape(self) -> Shape {
        self.row().shape
    }

    /// What a resident ticks for it.
    pub fn category(self) -> ConsentCategory {
        self.row().category
    }

    /// The metrics that carry this LOINC code.
    pub fn with_loinc(code: &str) -> impl Iterator<Item = Self> {
        METRICS
            .iter()
            .filter(move |row| row.loinc.contains(&code))
            .map(|row| Self(row.number))
    }

    /// The metric that states a day's total of this one, where the vocabulary has a row for it.
    pub fn daily(self) -> Option<Self> {
        match self {
            Self::STEP_COUNT => Some(Self::DAILY_STEP_COUNT),
            Self::DISTANCE_WALKING_RUNNING => Some(Self::DAILY_DISTANCE),
            Self::ACTIVE_ENERGY_BURNED => Some(Self::DAILY_ACTIVE_ENERGY),
            Self::FLOORS_CLIMBED => Some(Self::DAILY_FLOORS_CLIMBED),
            _ => None,
        }
    }

    /// The interval metric whose day this one states.
    pub fn interval_of_daily(self) -> Option<Self> {
        [
            Self::STEP_COUNT,
            Self::DISTANCE_WALKING_RUNNING,
            Self::ACTIVE_ENERGY_BURNED,
            Self::FLOORS_CLIMBED,
        ]
        .into_iter()
        .find(|metric| metric.daily() == Some(self))
    }

    /// True for metrics whose days are resolved between overlapping devices and stored as totals.
    pub fn has_stored_totals(self) -> bool {
        self.daily().is_some() || self == Self::EXERCISE_MINUTES
    }

    /// The entry with this number in the metric's list.
    pub fn code(self, number: u32) -> Option<&'static CodeEntry> {
        match self.shape() {
            Shape::Code(entries) => entries.iter().find(|entry| entry.number == number),
            _ => None,
        }
    }

    /// True for metrics of the night, whose day is the day they end.
    pub fn is_sleep(self) -> bool {
        self.category() == ConsentCategory::Sleep
    }

    /// True for a daily check-in: what a person types about a day, where it matters when they did.
    pub fn is_check_in(self) -> bool {
        matches!(
            self,
            Self::BREAKFAST_EATEN | Self::TOOTHBRUSHING_COUNT | Self::SLEEP_HOURS_TYPED
        )
    }

    /// How many numbers a stored value has: 1, or the number of components.
    pub fn width(self) -> usize {
        match self.shape() {
            Shape::Components(components) => components.len(),
            Shape::Quantity | Shape::Code(_) => 1,
        }
    }
}
