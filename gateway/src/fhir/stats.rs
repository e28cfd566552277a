//! `Observation/$stats` (R4 operation): average, lowest, highest, sum and number of what was measured in a time. Under a consent to days
//! it is computed from the days alone: a minute would show otherwise (R-128). `include` adds what was computed of.

use axum::extract::State;
use axum::response::Response;
use consent::Decision;
use model::decimal::{Decimal, POWERS_OF_TEN};
use model::vocabulary::{Shape, systems};
use model::{Metric, Summary, UtcMillis, Value};
use serde_json::json;
use store::{Access, AccessItem, AccessKind, Record, Search};

use super::invocation::Invocation;
use super::observation::home_zone;
use super::parameters::Parameters;
use super::plan::Plan;
use super::respond::PageIds;
use super::search::Sent;
use super::{FhirError, items, json as fhir_json, keep, respond, urls};
use crate::gate::Caller;
use crate::state::AppState;

/// Records that one answer is computed of at most.
const MOST_RECORDS: usize = 1_000_000;

/// Observations that come beside the statistics at most, and when nobody says.
const MOST_SOURCES: usize = 1_000;

/// What can be asked (R-127).
const STATISTICS: [&str; 5] = [
    systems::AVERAGE,
    systems::MINIMUM,
    systems::MAXIMUM,
    systems::COUNT,
    "sum",
];

/// What is asked.
struct Question {
    parameters: Parameters,
    statistics: Vec<String>,
    /// So long before now, in milliseconds.
    duration: Option<i64>,
    /// How many of the Observations that were counted come too.
    sources: usize,
}

/// `GET` and `POST Observation/$stats?subject=…&code=…&statistic=average&duration=24`
pub async fn stats(
    State(state): State<AppState>,
    caller: Caller,
    Invocation(sent): Invocation,
) -> Result<Response, FhirError> {
    let (state, caller) = (&state, &caller);
    let question = &Question::read(&urls::base(state), sent)?;
    let plan = &Plan::of(&question.parameters, &caller.scopes).map_err(|error| caller.in_its_context(error))?;
    caller
        .through(state, AccessKind::Search, |decision: Decision| async move {
            let decision = &decision;
            let own = caller.ids.patient(caller.token.person);
            let (mut parts, mut given, mut sources) = (Vec::new(), Vec::new(), Vec::new());
            if question.parameters.is_about(&own) {
                for (metric, summary) in codes(plan, decision) {
                    let search = search(state, caller, (question, plan), decision, (metric, summary)).await?;
                    let (numbers, items) = gather(state, decision, search, &mut sources, question.sources).await?;
                    if let Some(numbers) = numbers {
                        parts.push(observation(question, &own, metric, summary, &numbers));
                    }
                    items::merge(&mut given, items);
                }
            }
            let ids = PageIds::of(&caller.ids, caller.token.person, &sources);
            parts.extend(sources.iter().enumerate().map(|(place, record)| {
                let mut source = Vec::from(r#"{"name":"source","resource":"#);
                respond::observation(&mut source, record, place, &ids);
                source.push(b'}');
                source
            }));
            let parameters = match parts.is_empty() {
                true => Vec::from(r#"{"resourceType":"Parameters"}"#),
                false => {
                    let mut whole = Vec::from(r#"{"resourceType":"Parameters","parameter":["#);
                    whole.extend(parts.join(&b','));
                    whole.extend(b"]}");
                    whole
                }
            };
            Ok((parameters, given))
        })
        .await
        .map(fhir_json)
}

impl Question {
    fn read(base: &str, mut sent: Sent) -> Result<Self, FhirError> {
        let mut statistics: Vec<String> = Vec::new();
        let mut duration = None;
        let mut system = None;
        let (mut include, mut limit) = (false, MOST_SOURCES);
        let mut rest = Vec::new();
        for (name, value) in std::mem::take(&mut sent.pairs) {
            match name.as_str() {
                "statistic" => statistics.extend(value.split(',').map(str::to_owned)),
                "duration" => {
                    let hours: f64 = value
                        .parse()
                        .ok()
                        .filter(|hours| (0.01..=1_000_000.0).contains(hours))
                        .ok_or_else(|| FhirError::bad(&name, "a number of hours is allowed"))?;
                    duration = Some((hours * 3_600_000.0) as i64);
                }
                "system" => system = Some(value),
                "include" => {
                    include = match value.as_str() {
                        "true" => true,
                        "false" => false,
                        _ => return Err(FhirError::bad(&name, "true and false are allowed")),
                    }
                }
                "limit" => {
                    let limited = value.parse().ok().filter(|limit| *limit > 0);
                    let limited =
                        limited.ok_or_else(|| FhirError::bad(&name, "a whole number from 1 on is allowed"))?;
                    limit = MOST_SOURCES.min(limited);
                }
                "coding" => rest.push(("code".to_owned(), value)),
                _ => rest.push((name, value)),
            }
        }
        if let Some(system) = system {
            for (name, value) in &mut rest {
                if name == "code" && !value.contains('|') {
                    *value = format!("{system}|{value}");
                }
            }
        }
        if statistics.is_empty() || statistics.iter().any(|asked| !STATISTICS.contains(&asked.as_str())) {
            return Err(FhirError::bad(
                "statistic",
                "average, minimum, maximum, count and sum are allowed, one at least",
            ));
        }
        let parameters = Parameters::read("Observation", base, &rest, sent.handling)?;
        if parameters.codes.is_empty() {
            return Err(FhirError::bad("code", "is needed: statistics are of one code each"));
        }
        if parameters.looks_inside() || parameters.wanted_ids().is_some() || parameters.is_sorted() {
            return Err(FhirError::bad(
                "code",
                "besides it only the patient, the time and the category say something here",
            ));
        }
        Ok(Self {
            parameters,
            statistics,
            duration,
            sources: if include { limit } else { 0 },
        })
    }
}

/// What is computed of: the samples of a metric where they may be seen, else its days.
fn codes(plan: &Plan, decision: &Decision) -> Vec<(Metric, Option<Summary>)> {
    let (raw, summaries) = plan.metrics(decision);
    let mut codes: Vec<(Metric, Option<Summary>)> = raw.into_iter().map(|metric| (metric, None)).collect();
    for item in plan.items(decision) {
        if !codes.contains(&(item.metric(), None)) {
            codes.push((item.metric(), None));
        }
    }
    // A week's numbers say nothing of another time, and an event has none.
    let days = summaries.into_iter().filter(|(_, summary)| *summary == Summary::Day);
    codes.extend(days.map(|(metric, summary)| (metric, Some(summary))));
    // Asked for by the code of samples under a consent to days: the days are what there is.
    for metric in plan.samples_at_days(decision) {
        if !codes.contains(&(metric, Some(Summary::Day))) {
            codes.push((metric, Some(Summary::Day)));
        }
    }
    codes
}

/// What was added up.
struct Numbers {
    count: u64,
    sum: i128,
    least: i128,
    most: i128,
    /// Decimals of the three.
    scale: u8,
    /// Decimals that were shown at most.
    digits: u8,
    first: UtcMillis,
    last: UtcMillis,
}

impl Numbers {
    fn add(&mut self, least: Decimal, most: Decimal, mean: Decimal, count: u64) {
        for value in [least, most, mean] {
            if value.scale > self.scale {
                let power = i128::from(POWERS_OF_TEN[usize::from((value.scale - self.scale).min(18))]);
                for number in [&mut self.sum, &mut self.least, &mut self.most] {
                    *number = number.saturating_mul(power);
                }
                self.scale = value.scale;
            }
        }
        let widen = |value: Decimal| {
            i128::from(value.mantissa) * i128::from(POWERS_OF_TEN[usize::from((self.scale - value.scale).min(18))])
        };
        let (least, most, mean) = (widen(least), widen(most), widen(mean));
        if self.count == 0 {
            (self.least, self.most) = (least, most);
        }
        self.least = self.least.min(least);
        self.most = self.most.max(most);
        self.sum += mean * i128::from(count);
        self.count += count;
    }

    fn statistic(&self, code: &str) -> String {
        match code {
            systems::COUNT => self.count.to_string(),
            systems::MINIMUM => text(self.least, self.scale, self.digits),
            systems::MAXIMUM => text(self.most, self.scale, self.digits),
            "sum" => text(self.sum, self.scale, self.digits),
            // One decimal more than the values have: the mean of whole numbers is none.
            _ => {
                let ten = 10 * self.sum;
                let count = i128::from(self.count.max(1));
                let half = if ten < 0 { -count } else { count };
                text((2 * ten + half) / (2 * count), self.scale + 1, self.digits + 1)
            }
        }
    }
}

/// A number with so many decimals, of which at least the shown ones stay.
fn text(mut mantissa: i128, mut scale: u8, digits: u8) -> String {
    while scale > digits && mantissa % 10 == 0 {
        mantissa /= 10;
        scale -= 1;
    }
    let sign = if mantissa < 0 { "-" } else { "" };
    let figures = mantissa.unsigned_abs().to_string();
    if scale == 0 {
        return format!("{sign}{figures}");
    }
    let padded = format!("{figures:0>width$}", width = usize::from(scale) + 1);
    let (whole, part) = padded.split_at(padded.len() - usize::from(scale));
    format!("{sign}{whole}.{part}")
}

/// The search for what one code is computed of.
async fn search(
    state: &AppState,
    caller: &Caller,
    (question, plan): (&Question, &Plan),
    decision: &Decision,
    (metric, summary): (Metric, Option<Summary>),
) -> Result<Search, FhirError> {
    let home = home_zone(state, decision).await?;
    let mut times = question.parameters.times(&home)?;
    let now = decision.decided_at();
    if let Some(duration) = question.duration {
        let from = now.plus(-duration);
        times.start_from = Some(times.start_from.map_or(from, |known| known.max(from)));
    }
    let of_samples = |metrics: Vec<Metric>| match summary {
        None => metrics.into_iter().filter(|known| *known == metric).collect(),
        Some(_) => Vec::new(),
    };
    let mut items = plan.items(decision);
    items.retain(|item| summary.is_none() && item.metric() == metric);
    Ok(Search {
        raw: of_samples(plan.metrics(decision).0),
        items,
        summaries: summary.map(|summary| (metric, summary)).into_iter().collect(),
        times,
        count: 1_000,
        now,
        keep: keep::of(caller, &question.parameters, &home)?,
        ..Search::default()
    })
}

/// Adds up what a search finds, keeps some of it, and says for the record of it what was looked at.
async fn gather(
    state: &AppState,
    decision: &Decision,
    mut search: Search,
    sources: &mut Vec<Record>,
    most_sources: usize,
) -> Result<(Option<Numbers>, Vec<AccessItem>), FhirError> {
    let mut numbers: Option<Numbers> = None;
    let (mut given, mut looked_at) = (Vec::new(), 0);
    loop {
        let page = state.store.search(Access::Decision(decision), search.clone()).await?;
        looked_at += page.records.len();
        if looked_at > MOST_RECORDS {
            return Err(FhirError::TooWide {
                limit: "a million measurements of one code: name a shorter time",
            });
        }
        for record in &page.records {
            add(&mut numbers, record);
        }
        items::merge(&mut given, items::of(&page.records));
        // What was entered in error is not counted, and no value is no source.
        let live = page
            .records
            .into_iter()
            .filter(|record| !matches!(record, Record::Sample(stored) if stored.dead || stored.copy_of.is_some()));
        let room = most_sources.saturating_sub(sources.len());
        sources.extend(live.take(room));
        match page.next {
            Some(next) => search.after = Some(next),
            None => return Ok((numbers, given)),
        }
    }
}

fn add(numbers: &mut Option<Numbers>, record: &Record) {
    let of_one = |value: Decimal, digits: u8| (value, value, value, 1, digits);
    let part = match record {
        Record::Sample(stored) if !stored.dead && stored.copy_of.is_none() => match &stored.sample.value {
            Value::Quantity(measured) => Some(of_one(measured.shown(), measured.digits)),
            _ => None,
        },
        Record::Total(stored) => Some(of_one(Decimal::new(stored.eligible, stored.scale), 0)),
        Record::Aggregate(stored) => match (stored.min.as_slice(), stored.max.as_slice(), stored.mean.as_slice()) {
            ([Some(least)], [Some(most)], [Some(mean)]) => {
                let digits = least.digits.max(most.digits);
                Some((
                    least.shown(),
                    most.shown(),
                    mean.shown(),
                    u64::from(stored.count),
                    digits,
                ))
            }
            _ => None,
        },
        _ => None,
    };
    let Some((least, most, mean, count, digits)) = part else {
        return;
    };
    let (first, last) = match record {
        Record::Sample(stored) => (stored.sample.start, stored.sample.end),
        other => {
            let (first, last) = other.days();
            (
                super::respond::start_of(first, &jiff::tz::TimeZone::UTC),
                super::respond::start_of(last.plus(1), &jiff::tz::TimeZone::UTC),
            )
        }
    };
    let numbers = numbers.get_or_insert(Numbers {
        count: 0,
        sum: 0,
        least: 0,
        most: 0,
        scale: 0,
        digits: 0,
        first,
        last,
    });
    numbers.first = numbers.first.min(first);
    numbers.last = numbers.last.max(last);
    numbers.digits = numbers.digits.max(digits);
    numbers.add(least, most, mean, count);
}

/// One code's statistics as an Observation.
fn observation(
    question: &Question,
    patient: &str,
    metric: Metric,
    summary: Option<Summary>,
    numbers: &Numbers,
) -> Vec<u8> {
    let found = match summary {
        None => fhir_profiles::findable_sample(metric),
        Some(summary) => fhir_profiles::findable_summary(metric, summary),
    };
    let codings: Vec<_> = found
        .codes
        .iter()
        .map(|(system, code)| json!({"system": system, "code": code}))
        .collect();
    let row = match summary {
        Some(_) => metric.daily().unwrap_or(metric).row(),
        None => metric.row(),
    };
    let is_number = matches!(metric.shape(), Shape::Quantity);
    let components: Vec<String> = question
        .statistics
        .iter()
        .filter(|statistic| is_number || *statistic == systems::COUNT)
        .map(|statistic| {
            let (unit, display) = match statistic.as_str() {
                systems::COUNT => (systems::UCUM_COUNT, "measurements"),
                _ => (row.unit, row.unit_display),
            };
            let code = json!({"coding": [{"system": systems::OBSERVATION_STATISTICS, "code": statistic}]});
            format!(
                r#"{{"code":{code},"valueQuantity":{{"value":{},"unit":{},"system":"{}","code":{}}}}}"#,
                numbers.statistic(statistic),
                json!(display),
                systems::UCUM,
                json!(unit)
            )
        })
        .collect();
    let instant = |at: UtcMillis| {
        let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
        format!("{at:.0}")
    };
    format!(
        r#"{{"name":"statistics","resource":{{"resourceType":"Observation","status":"final","code":{},"subject":{{"reference":"Patient/{patient}"}},"effectivePeriod":{{"start":"{}","end":"{}"}},"component":[{}]}}}}"#,
        json!({"coding": codings}),
        instant(numbers.first),
        instant(numbers.last),
        components.join(",")
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(values: &[&str]) -> Numbers {
        let mut numbers = Numbers {
            count: 0,
            sum: 0,
            least: 0,
            most: 0,
            scale: 0,
            digits: 0,
            first: UtcMillis(0),
            last: UtcMillis(0),
        };
        for value in values {
            let value = Decimal::parse(value.as_bytes()).unwrap();
            numbers.digits = numbers.digits.max(value.scale);
            numbers.add(value, value, value, 1);
        }
        numbers
    }

    #[test]
    fn numbers_of_different_decimals_are_added_exactly() {
        let of = numbers(&["65.2", "64", "-0.25"]);
        let told: Vec<String> = STATISTICS.iter().map(|code| of.statistic(code)).collect();
        assert_eq!(told, ["42.983", "-0.25", "65.20", "3", "128.95"]);
        assert_eq!(numbers(&["1", "2"]).statistic("average"), "1.5");
        assert_eq!(numbers(&["-1", "-2", "-2"]).statistic("average"), "-1.7");
        assert_eq!(numbers(&["60.0"]).statistic("maximum"), "60.0");
    }

    #[test]
    fn a_number_below_one_has_a_zero_before_its_point() {
        assert_eq!(text(5, 2, 2), "0.05");
        assert_eq!(text(-5, 1, 1), "-0.5");
        assert_eq!(text(0, 3, 0), "0");
        assert_eq!(text(1_200, 3, 1), "1.2");
    }
}
