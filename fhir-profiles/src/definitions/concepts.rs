//! The codes of our own code systems, with what they mean.

use model::vocabulary::{METRICS, Shape, systems};
use model::{ConsentCategory, Metric, Summary};

use crate::codings::computed_codings;

/// A code with what it means, in English and Japanese; the second may be empty.
pub(super) struct Concept {
    pub(super) code: String,
    pub(super) en: String,
    pub(super) ja: String,
}

impl Concept {
    fn of(code: impl Into<String>, en: impl Into<String>, ja: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            en: en.into(),
            ja: ja.into(),
        }
    }
}

/// How finely data is given: the levels of a grant.
pub const DETAILS: [(&str, &str, &str); 5] = [
    ("raw", "Every sample", "1件ずつ"),
    ("daily", "One total or summary a day", "1日ごと"),
    ("weekly", "One total or summary a week, from Monday", "1週間ごと"),
    ("monthly", "One total or summary a calendar month", "1か月ごと"),
    (
        "event",
        "That it took place and on which day, never a value",
        "受けたことだけ",
    ),
];

/// What a recipient may know of who the person is.
pub const IDENTITY_LINES: [(&str, &str, &str); 7] = [
    ("name", "The name", "氏名"),
    ("address", "The address", "住所"),
    ("birth-date", "The birth date", "生年月日"),
    ("age-band-and-sex", "A band of ages and the sex", "年代と性別"),
    (
        "municipality",
        "Whether the person belongs to the municipality",
        "市区町村の住民かどうか",
    ),
    (
        "insurance",
        "Whether the person is insured by the insurer",
        "保険の加入者かどうか",
    ),
    ("linking-id", "An id shared with one other recipient", "連携用の番号"),
];

pub(super) fn listed(list: &[(&str, &str, &str)]) -> Vec<Concept> {
    list.iter().map(|(code, en, ja)| Concept::of(*code, *en, *ja)).collect()
}

pub(super) fn metrics() -> Vec<Concept> {
    let mut concepts: Vec<Concept> = METRICS
        .iter()
        .map(|row| Concept::of(row.key, row.name_en, row.name_ja))
        .collect();
    for metric in Metric::all() {
        for summary in Summary::ALL {
            for (_, code, display) in computed_codings(metric.row(), summary) {
                // A day that has a row of its own is there already.
                if !concepts.iter().any(|known| known.code == *code) {
                    concepts.push(Concept::of(code, display.unwrap_or_default(), ""));
                }
            }
        }
    }
    concepts
}

pub(super) fn values() -> Vec<Concept> {
    let mut concepts: Vec<Concept> = Vec::new();
    let lists = METRICS.iter().flat_map(|row| match row.shape {
        Shape::Code(entries) => vec![entries],
        Shape::Components(parts) => parts.iter().map(|part| part.codes).collect(),
        Shape::Quantity => Vec::new(),
    });
    for entry in lists.flatten() {
        if !concepts.iter().any(|known| known.code == entry.key) {
            concepts.push(Concept::of(entry.key, entry.name_en, entry.name_ja));
        }
    }
    concepts
}

pub(super) fn own_codes() -> Vec<Concept> {
    let mut concepts: Vec<Concept> = systems::own::ALL
        .iter()
        .map(|(code, meaning)| Concept::of(*code, *meaning, ""))
        .collect();
    for row in METRICS {
        if let Shape::Components(parts) = row.shape {
            for part in parts {
                if !concepts.iter().any(|known| known.code == part.key) {
                    concepts.push(Concept::of(part.key, part.name_en, part.name_ja));
                }
            }
        }
    }
    concepts
}

pub(super) fn categories() -> Vec<Concept> {
    ConsentCategory::ALL
        .iter()
        .map(|category| Concept::of(category.key(), category.key(), ""))
        .collect()
}
