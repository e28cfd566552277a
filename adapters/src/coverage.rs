//! What an adapter makes of a vendor's records, as data: the documents and the residents' pages are made of it.

use model::{ConsentCategory, Metric};

/// All that an adapter maps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// By what the vendor's records are told apart.
    pub identity: &'static str,
    /// Each type that becomes samples. Numbers of other types are parked, everything else is kept as text.
    pub types: Vec<Covered>,
    /// Whose own data of other vendors comes this way too, since their apps write it here: what they wrote may come a second time
    /// from themselves.
    pub re_exporters: &'static [ReExporter],
}

/// A vendor whose app writes what it measured into another's store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReExporter {
    /// The vendor.
    pub vendor: &'static str,
    /// By what its records are known here: the beginning of a source's name, or a package.
    pub written_as: &'static str,
}

impl ReExporter {
    /// One of a list.
    pub const fn new(vendor: &'static str, written_as: &'static str) -> Self {
        Self { vendor, written_as }
    }
}

/// A vendor's type and what it becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Covered {
    /// As the vendor writes it.
    pub vendor_type: String,
    /// What it becomes.
    pub metric: Metric,
    /// What of the record becomes the value.
    pub how: How,
}

/// What of a record becomes the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Its number, in the metric's unit.
    Value,
    /// It is a part of a sample that has several.
    Part,
    /// Its code, as the vocabulary's list has it.
    Code,
    /// Its words.
    Text,
    /// That it took place.
    Event,
    /// The length of its interval.
    Length,
}

impl How {
    /// In a few words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Value => "its number",
            Self::Part => "a part of it",
            Self::Code => "its code",
            Self::Text => "its words",
            Self::Event => "that it took place",
            Self::Length => "how long it took",
        }
    }
}

impl Coverage {
    /// The metrics of a consent category that can come, each once, in the vocabulary's order.
    pub fn metrics_of(&self, category: ConsentCategory) -> Vec<Metric> {
        let mut metrics: Vec<Metric> = self.types.iter().map(|covered| covered.metric).collect();
        metrics.retain(|metric| metric.category() == category);
        metrics.sort_unstable();
        metrics.dedup();
        metrics
    }
}
