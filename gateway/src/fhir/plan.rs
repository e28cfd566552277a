//! Which metrics a search is about: what its codes and categories name, within the token's scopes, at the detail of the grants.
//!
//! Detail is a ladder. Samples are found by their codes and categories. A computed day is found when its code is asked for,
//! and, where a grant stops at days, also by category alone. What a scope does not reach is an error when it was named; what
//! consent does not reach is not there.

use std::sync::LazyLock;

use consent::scope::{Interaction, ScopeSet};
use consent::{Decision, Detail};
use fhir_profiles::{Findable, findable_battery, findable_item, findable_sample, findable_summary};
use model::checkup::{Battery, Item, is_event};
use model::vocabulary::systems;
use model::{ConsentCategory, Metric, RecordKey, RecordKind, Summary};

use super::FhirError;
use super::parameters::Parameters;
use super::token::Token;

/// Something that can be found.
struct Entry {
    metric: Metric,
    what: What,
    findable: Findable,
}

/// What of a metric.
#[derive(Clone, Copy)]
enum What {
    /// Its samples.
    Samples,
    /// Results of an item of checkups.
    Results(Item),
    /// What is one examination of checkups.
    Battery(Battery),
    /// A summary of its days.
    Summary(Summary),
}

static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let samples = Metric::all().map(|metric| Entry {
        metric,
        what: What::Samples,
        findable: findable_sample(metric),
    });
    let results = Item::all().map(|item| Entry {
        metric: item.metric(),
        what: What::Results(item),
        findable: findable_item(item),
    });
    let days = Metric::all().flat_map(|metric| {
        Summary::ALL
            .into_iter()
            .filter(move |summary| has_summary(metric, *summary))
            .map(move |summary| Entry {
                metric,
                what: What::Summary(summary),
                findable: findable_summary(metric, summary),
            })
    });
    let batteries = Battery::all().map(|battery| Entry {
        metric: battery.metric(),
        what: What::Battery(battery),
        findable: findable_battery(battery),
    });
    samples.chain(results).chain(batteries).chain(days).collect()
});

/// True for summaries that are computed: that a checkup took place is no value that a day could have a mean of.
fn has_summary(metric: Metric, summary: Summary) -> bool {
    match is_event(metric) {
        true => summary == Summary::Event,
        false => has_days(metric),
    }
}

/// True for metrics of which days are computed: not for a night, which is a day's summary itself, nor for its stages, which it
/// sums, nor for totals that a vendor gave.
fn has_days(metric: Metric) -> bool {
    metric != Metric::SLEEP_SESSION && metric != Metric::SLEEP_STAGE && metric.interval_of_daily().is_none()
}

/// The metric whose codes and categories the Observation of a record carries: what a scope is held against.
pub fn row_of(key: RecordKey) -> Metric {
    match key.kind {
        RecordKind::Total => key.metric.daily().unwrap_or(key.metric),
        _ => key.metric,
    }
}

/// What a search is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    samples: Vec<Metric>,
    items: Vec<Item>,
    batteries: Vec<Battery>,
    summaries: Vec<(Metric, Summary)>,
    by_code: bool,
    /// Something that was named lies outside the token's scopes and is left out.
    pub cut_by_scope: bool,
}

impl Plan {
    /// What the codes and categories name within the scopes.
    ///
    /// # Errors
    /// [`FhirError::OutOfScope`] when the scopes allow no search of Observations, or nothing of what was named.
    pub fn of(parameters: &Parameters, scopes: &ScopeSet) -> Result<Self, FhirError> {
        let asked = "search of Observation";
        if !scopes.allows(consent::scope::Resource::Observation, Interaction::Search) {
            return Err(FhirError::OutOfScope {
                asked: asked.to_owned(),
                scope: "patient/Observation.rs".to_owned(),
            });
        }
        let in_scope = |entry: &Entry| scopes.allows_metric(entry.findable.row, Interaction::Search);
        let mut plan = Self {
            by_code: parameters
                .codes
                .iter()
                .any(|group| group.iter().any(|token| !matches!(token, Token::System(_)))),
            cut_by_scope: cut_by_scope(parameters, in_scope),
            ..Self::default()
        };
        let mut outside = None;
        for entry in ENTRIES.iter().filter(|entry| fits(entry, parameters)) {
            if !in_scope(entry) {
                outside = outside.or(Some(entry.metric.category()));
                continue;
            }
            match entry.what {
                What::Samples => plan.samples.push(entry.metric),
                What::Results(item) => plan.items.push(item),
                What::Battery(battery) => plan.batteries.push(battery),
                What::Summary(summary) => plan.summaries.push((entry.metric, summary)),
            }
        }
        match outside {
            Some(category) if plan.is_of_nothing() => Err(FhirError::OutOfScope {
                asked: asked.to_owned(),
                scope: scope_for(category),
            }),
            _ => Ok(plan),
        }
    }

    /// The metrics whose samples, and the summaries of metrics, that are looked for under a decision.
    pub fn metrics(&self, decision: &Decision) -> (Vec<Metric>, Vec<(Metric, Summary)>) {
        let samples = self
            .samples
            .iter()
            .copied()
            .filter(|metric| decision.gives(metric.category(), detail_of_samples(*metric)));
        let summaries = self.summaries.iter().copied().filter(|(metric, summary)| {
            decision.gives(metric.category(), Detail::of(*summary))
                && (self.by_code || stops_at(decision, metric.category(), *summary))
        });
        (samples.collect(), summaries.collect())
    }

    /// The items of checkups whose results are looked for under a decision.
    pub fn items(&self, decision: &Decision) -> Vec<Item> {
        let items = self.items.iter().copied();
        items
            .filter(|item| decision.gives(item.metric().category(), Detail::Raw))
            .collect()
    }

    /// The batteries of checkups that are looked for under a decision.
    pub fn batteries(&self, decision: &Decision) -> Vec<Battery> {
        let batteries = self.batteries.iter().copied();
        batteries
            .filter(|battery| decision.gives(battery.metric().category(), Detail::Raw))
            .collect()
    }

    fn is_of_nothing(&self) -> bool {
        self.samples.is_empty() && self.items.is_empty() && self.batteries.is_empty() && self.summaries.is_empty()
    }

    /// The metrics whose samples are looked for and not given, while their days are.
    pub fn samples_at_days(&self, decision: &Decision) -> Vec<Metric> {
        let days_only = |metric: &Metric| {
            let category = metric.category();
            has_days(*metric)
                && !decision.gives(category, detail_of_samples(*metric))
                && decision.gives(category, Detail::Daily)
        };
        self.samples.iter().copied().filter(days_only).collect()
    }

    /// True when a record is among what the search is about, for a record that was asked for by its id.
    pub fn finds(&self, key: RecordKey) -> bool {
        match key.kind {
            // The tie-break of a result is the number of its item, and that of a battery says which; only the record says whether it is
            // one.
            RecordKind::Sample | RecordKind::Session => {
                let item = Item::from_number(key.tie_break).filter(|item| item.metric() == key.metric);
                let battery = Battery::of_tie_break(key.tie_break).filter(|battery| battery.metric() == key.metric);
                self.samples.contains(&key.metric)
                    || item.is_some_and(|item| self.items.contains(&item))
                    || battery.is_some_and(|battery| self.batteries.contains(&battery))
            }
            RecordKind::Total => Summary::from_number(key.tie_break)
                .is_some_and(|summary| self.summaries.contains(&(key.metric, summary))),
            _ => false,
        }
    }
}

/// The detail at which a metric's samples are given: a night is a day's summary, everything else is raw.
pub fn detail_of_samples(metric: Metric) -> Detail {
    if metric == Metric::SLEEP_SESSION {
        Detail::Daily
    } else {
        Detail::Raw
    }
}

/// A scope that would allow a category.
pub fn scope_for(category: ConsentCategory) -> String {
    format!(
        "patient/Observation.rs?category={}|{}",
        systems::CONSENT_CATEGORY,
        category.key()
    )
}

/// True when some grant of the category gives this summary and nothing finer.
fn stops_at(decision: &Decision, category: ConsentCategory, summary: Summary) -> bool {
    let given = |detail| decision.window(category, detail).count();
    let finer = match summary {
        Summary::Day => Detail::Raw,
        Summary::Week => Detail::Daily,
        Summary::Month => Detail::Weekly,
        // Raw and daily give events too.
        Summary::Event => Detail::Daily,
    };
    given(Detail::of(summary)) > given(finer)
}

fn fits(entry: &Entry, parameters: &Parameters) -> bool {
    parameters
        .codes
        .iter()
        .all(|group| group.iter().any(|token| has_code(entry, token)))
        && parameters
            .categories
            .iter()
            .all(|group| group.iter().any(|token| has_category(entry, token)))
}

fn has_code(entry: &Entry, token: &Token) -> bool {
    entry
        .findable
        .codes
        .iter()
        .any(|(system, code)| token.fits(system, code))
}

fn has_category(entry: &Entry, token: &Token) -> bool {
    entry
        .findable
        .categories
        .iter()
        .any(|(system, code)| token.fits(system, code))
}

/// True when one of the alternatives names only what the scopes do not reach.
fn cut_by_scope(parameters: &Parameters, in_scope: impl Fn(&Entry) -> bool) -> bool {
    let cut = |named: &dyn Fn(&Entry) -> bool| {
        let mut entries = ENTRIES.iter().filter(|entry| named(entry)).peekable();
        entries.peek().is_some() && !entries.any(&in_scope)
    };
    parameters
        .codes
        .iter()
        .flatten()
        .any(|token| cut(&|entry| has_code(entry, token)))
        || parameters
            .categories
            .iter()
            .flatten()
            .any(|token| cut(&|entry| has_category(entry, token)))
}

#[cfg(test)]
mod tests {
    use super::super::parameters::Handling;
    use super::super::urls;
    use super::*;

    fn plan(query: &str, scopes: &str) -> Result<Plan, FhirError> {
        let pairs = urls::decode(query);
        let parameters = Parameters::read("Observation", "https://example.org", &pairs, Handling::Strict).unwrap();
        Plan::of(&parameters, &ScopeSet::parse(scopes).unwrap())
    }

    fn days(plan: &Plan) -> Vec<&'static str> {
        let days = plan.summaries.iter().filter(|(_, summary)| *summary == Summary::Day);
        days.map(|(metric, _)| metric.key()).collect()
    }

    fn keys(metrics: &[Metric]) -> Vec<&'static str> {
        metrics.iter().map(|metric| metric.key()).collect()
    }

    const ALL: &str = "patient/Observation.rs";

    #[test]
    fn a_code_finds_every_metric_that_carries_it_in_whatever_system() {
        for query in [
            "code=8867-4",
            "code=http://loinc.org%7C8867-4",
            "code=heart_rate",
            "code=nonsense,heart_rate",
        ] {
            assert!(
                keys(&plan(query, ALL).unwrap().samples).contains(&"heart_rate"),
                "{query}"
            );
        }
        let plan = plan("code=41950-7", ALL).unwrap();
        assert_eq!(
            (keys(&plan.samples), days(&plan)),
            (vec!["daily_step_count"], vec!["step_count"])
        );
    }

    #[test]
    fn a_computed_day_is_found_by_its_own_code() {
        let plan = plan(
            "code=https://sekisho.example/fhir/CodeSystem/metric%7Cdaily_heart_rate",
            ALL,
        )
        .unwrap();
        assert_eq!((keys(&plan.samples), days(&plan)), (vec![], vec!["heart_rate"]));
        assert!(plan.by_code);
    }

    #[test]
    fn a_category_is_found_in_each_of_its_three_systems() {
        for (query, metric) in [
            ("category=activity", "step_count"),
            (
                "category=http://terminology.hl7.org/CodeSystem/observation-category%7Cvital-signs",
                "heart_rate",
            ),
            (
                "category=https://sekisho.example/fhir/CodeSystem/consent-category%7Cheart",
                "heart_rate",
            ),
            (
                "category=http://jpfhir.jp/fhir/core/CodeSystem/JP_SimpleObservationCategory_CS%7Cactivity",
                "step_count",
            ),
        ] {
            let plan = plan(query, ALL).unwrap();
            assert!(keys(&plan.samples).contains(&metric) && !plan.by_code, "{query}");
        }
    }

    #[test]
    fn an_unknown_code_finds_nothing_and_is_no_error() {
        let plan = plan("code=nonsense", ALL).unwrap();
        assert!(plan.samples.is_empty() && plan.summaries.is_empty());
    }

    #[test]
    fn what_is_named_and_wholly_outside_the_scopes_is_refused() {
        let heart = "patient/Observation.rs?category=https://sekisho.example/fhir/CodeSystem/consent-category|heart";
        for query in ["code=55423-8", "category=sleep", "code=55423-8,daily_step_count"] {
            assert!(
                matches!(plan(query, heart), Err(FhirError::OutOfScope { .. })),
                "{query}"
            );
        }
        assert!(
            plan("code=55423-8&category=heart", heart).is_ok(),
            "no scope makes steps a matter of the heart"
        );
        assert!(matches!(
            plan("code=8867-4", "patient/Patient.r"),
            Err(FhirError::OutOfScope { .. })
        ));
        assert!(matches!(
            plan("code=8867-4", "patient/Observation.r"),
            Err(FhirError::OutOfScope { .. })
        ));
    }

    #[test]
    fn what_is_partly_outside_the_scopes_is_left_out_and_said() {
        let heart = "patient/Observation.rs?category=https://sekisho.example/fhir/CodeSystem/consent-category|heart";
        let both = plan("code=8867-4,55423-8", heart).unwrap();
        assert_eq!(keys(&both.samples), ["heart_rate"]);
        assert!(both.cut_by_scope);
        assert!(!plan("code=8867-4", heart).unwrap().cut_by_scope);
        assert!(
            plan("", heart)
                .unwrap()
                .samples
                .iter()
                .all(|metric| metric.category() == ConsentCategory::Heart)
        );
    }

    #[test]
    fn a_day_is_under_the_consent_category_of_its_metric() {
        for entry in ENTRIES.iter() {
            assert_eq!(
                entry.findable.row.category(),
                entry.metric.category(),
                "{}",
                entry.metric.key()
            );
        }
    }

    #[test]
    fn no_two_metrics_days_are_found_by_the_same_code_of_ours() {
        let mut codes: Vec<_> = ENTRIES
            .iter()
            .filter(|entry| matches!(entry.what, What::Summary(_)))
            .flat_map(|entry| &entry.findable.codes)
            .filter(|(system, _)| *system == systems::METRIC)
            .collect();
        let count = codes.len();
        codes.sort();
        codes.dedup();
        assert_eq!(codes.len(), count);
    }
}
