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
    /// How the keys of its own sources begin, where an adapter reads them; what they have counts once.
    pub own: &'static [&'static str],
}

impl ReExporter {
    /// One of a list.
    pub const fn new(vendor: &'static str, written_as: &'static str, own: &'static [&'static str]) -> Self {
        Self {
            vendor,
            written_as,
            own,
        }
    }

    /// How the keys begin of the sources that a source of this name may be a copy of.
    pub fn copies(all: &[Self], name: &str) -> Vec<String> {
        let writer = all.iter().find(|writer| name.starts_with(writer.written_as));
        let own = writer.map(|writer| writer.own).unwrap_or_default();
        own.iter().map(|own| (*own).to_owned()).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::all;

    #[test]
    fn whoever_writes_elsewhere_is_known_by_the_keys_of_its_own_sources() {
        let names: Vec<&str> = all().iter().map(|adapter| adapter.name()).collect();
        for adapter in all() {
            for writer in adapter.coverage().re_exporters {
                for own in writer.own {
                    let vendor = own.split('|').next().unwrap_or_default();
                    assert!(names.contains(&vendor), "{own} of {} is no adapter's", writer.vendor);
                }
            }
        }
        let writers = [
            ReExporter::new("A", "App of A", &["a|"]),
            ReExporter::new("B", "B", &[]),
        ];
        assert_eq!(ReExporter::copies(&writers, "App of A on a phone"), ["a|"]);
        assert!(ReExporter::copies(&writers, "B").is_empty());
        assert!(ReExporter::copies(&writers, "a phone").is_empty());
    }
}
