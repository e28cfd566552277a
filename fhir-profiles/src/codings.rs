//! The codings and categories that an Observation carries: one list for the writers and for whoever searches by them, so that
//! a search finds by exactly what is written.

use std::borrow::Cow;

use model::vocabulary::{MetricRow, systems};
use model::{Metric, Summary};

/// System, code, and the name to show beside it.
pub(crate) type Coding = (&'static str, Cow<'static, str>, Option<Cow<'static, str>>);

/// What an Observation can be found by: (system, code) of its code, and of its categories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Findable {
    /// Codings of `code`.
    pub codes: Vec<(&'static str, Cow<'static, str>)>,
    /// Codings of `category`.
    pub categories: Vec<(&'static str, &'static str)>,
    /// The metric whose row gives code and categories: what a scope is held against.
    pub row: Metric,
}

/// What the Observation of a sample of this metric can be found by.
#[must_use]
pub fn findable_sample(metric: Metric) -> Findable {
    findable(sample_codings(metric.row()), metric)
}

/// What the Observation of a summary of this metric's days can be found by.
#[must_use]
pub fn findable_summary(metric: Metric, summary: Summary) -> Findable {
    let daily = metric.daily();
    match (summary, daily) {
        (Summary::Day, Some(daily)) => findable_sample(daily),
        // The row of the day decides categories and scope of its weeks too.
        (_, daily) => findable(computed_codings(metric.row(), summary), daily.unwrap_or(metric)),
    }
}

fn findable(codings: Vec<Coding>, row: Metric) -> Findable {
    Findable {
        codes: codings.into_iter().map(|(system, code, _)| (system, code)).collect(),
        categories: categories(row.row()),
        row,
    }
}

/// The official item code of the checkup, where the metric alone decides it. Where several items (methods) share a metric,
/// only the document can say which it was.
pub(crate) fn checkup_item(row: &MetricRow) -> Option<&'static str> {
    match row.jlac10 {
        [only] if row.profiles.contains(&systems::CHECKUP_PROFILE) => Some(only),
        _ => None,
    }
}

/// Our own code first; for a checkup item the official code before it.
pub(crate) fn sample_codings(row: &'static MetricRow) -> Vec<Coding> {
    let plain = |system, code| (system, Cow::Borrowed(code), None);
    let mut codings: Vec<Coding> = Vec::new();
    codings.extend(checkup_item(row).map(|item| plain(systems::CHECKUP_ITEM, item)));
    codings.push((
        systems::METRIC,
        Cow::Borrowed(row.key),
        Some(Cow::Borrowed(row.name_en)),
    ));
    codings.extend(row.loinc.iter().map(|code| plain(systems::LOINC, code)));
    codings.extend(row.codings.iter().map(|(system, code)| plain(system, code)));
    let episode = (systems::PHR_PGHD, systems::PHR_SLEEP_EPISODE);
    if row.number == Metric::SLEEP_SESSION.number() && !row.codings.contains(&episode) {
        codings.push(plain(episode.0, episode.1));
    }
    codings
}

/// A computed summary has a code of its own, such as `daily_<metric>`, and never the metric's LOINC.
pub(crate) fn computed_codings(row: &MetricRow, summary: Summary) -> Vec<Coding> {
    let what = match summary {
        Summary::Day => "day",
        Summary::Week => "week",
        Summary::Month => "month",
        Summary::Event => "took place",
    };
    vec![(
        systems::METRIC,
        Cow::Owned(format!("{}_{}", summary.prefix(), row.key)),
        Some(Cow::Owned(format!("{} ({what})", row.name_en))),
    )]
}

/// JP Core's category, HL7's, and what the resident ticks: each a concept of its own, so that every slice finds its own.
pub(crate) fn categories(row: &MetricRow) -> Vec<(&'static str, &'static str)> {
    let mut categories = Vec::with_capacity(3);
    categories.extend(row.jp_category.map(|code| (systems::JP_OBSERVATION_CATEGORY, code)));
    categories.push((systems::OBSERVATION_CATEGORY, row.fhir_category));
    categories.push((systems::CONSENT_CATEGORY, row.category.key()));
    categories
}
