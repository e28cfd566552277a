//! `Observation/$lastn` (R4 operation): of each code the latest, as many as `max` says, and all that are as late as the last of them.
//! Observations that share a coding are of one code, also through a third one. Under a consent to days it is the latest days.

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use consent::Decision;
use jiff::tz::TimeZone;
use model::UtcMillis;
use model::checkup::{Battery, Item};
use store::{Access, AccessKind, Keep, OfCheckup, Record, Search, Sort, TimeBounds};

use super::included::Included;
use super::invocation::Invocation;
use super::observation::home_zone;
use super::parameters::Parameters;
use super::plan::Plan;
use super::respond::{ObservationPage, PageIds, expressions, notices};
use super::search::address;
use super::{FhirError, bounds, items, keep, shaped, urls};
use crate::gate::Caller;
use crate::state::AppState;

/// The most of each code.
const MOST: usize = 100;

/// Pages of results of checkups that are looked through at most.
const MOST_PAGES: usize = 20;

/// Observations in one answer at most: it has no pages.
const MOST_RECORDS: usize = 1_000;

/// `GET` and `POST Observation/$lastn?code=…&max=3`
pub async fn lastn(
    State(state): State<AppState>,
    caller: Caller,
    Invocation(mut sent): Invocation,
) -> Result<Response, FhirError> {
    let (state, caller) = (&state, &caller);
    let max = take_max(&mut sent.pairs)?;
    let base = &urls::base(state);
    let parameters = &Parameters::read("Observation", base, &sent.pairs, sent.handling)?;
    if parameters.is_sorted() || parameters.wanted_ids().is_some() || parameters.total {
        return Err(FhirError::bad(
            "_sort",
            "_sort, _id and _total say nothing here: the latest of each code come",
        ));
    }
    if parameters.codes.is_empty() && parameters.categories.is_empty() {
        return Err(FhirError::bad("code", "a code or a category is needed"));
    }
    let plan = &Plan::of(parameters, &caller.scopes).map_err(|error| caller.in_its_context(error))?;
    let expressions = expressions(&parameters.ignored);
    let notices = &notices(&parameters.ignored, &expressions, plan.cut_by_scope);
    let mut used = parameters.used.clone();
    used.push(("max".to_owned(), max.to_string()));
    let self_url = &address(state, "Observation/$lastn", &used);
    caller
        .through(state, AccessKind::Search, |decision: Decision| async move {
            let decision = &decision;
            let records = match parameters.is_about(&caller.ids.patient(caller.token.person)) {
                true => latest(state, caller, parameters, plan, decision, max).await?,
                false => Vec::new(),
            };
            let page = ObservationPage {
                base,
                self_url,
                next_url: None,
                as_of: None,
                total: None,
                records: &records,
                first: &[],
                included: &Included::default(),
                notices,
            };
            let ids = PageIds::of(&caller.ids, caller.token.person, &records);
            Ok((page.render(&ids), items::of(&records)))
        })
        .await
        .map(|bytes| shaped(bytes, parameters))
}

/// The latest of one metric, or of one summary of it, with the codings that they carry.
struct Latest {
    codes: Vec<(&'static str, Cow<'static, str>)>,
    records: Vec<Record>,
}

async fn latest(
    state: &AppState,
    caller: &Caller,
    parameters: &Parameters,
    plan: &Plan,
    decision: &Decision,
    max: usize,
) -> Result<Vec<Record>, FhirError> {
    let home = home_zone(state, decision).await?;
    let (times, updated) = (parameters.times(&home)?, parameters.updates(&home)?);
    let keep = keep::of(caller, parameters, &home)?;
    let (raw, summaries) = plan.metrics(decision);
    let samples = raw.into_iter().map(|metric| (metric, None));
    let days = summaries.into_iter().map(|(metric, summary)| (metric, Some(summary)));
    let (mut found, mut count) = (Vec::new(), 0);
    for (metric, summary) in samples.chain(days) {
        let search = Search {
            raw: if summary.is_none() { vec![metric] } else { Vec::new() },
            summaries: summary.map(|summary| (metric, summary)).into_iter().collect(),
            times,
            updated,
            sort: Sort::DateDescending,
            count: max,
            now: decision.decided_at(),
            keep: keep.clone(),
            ..Search::default()
        };
        let records = with_ties(state, decision, search).await?;
        count += records.len();
        if count > MOST_RECORDS {
            return Err(too_wide());
        }
        if !records.is_empty() {
            let codes = match summary {
                None => fhir_profiles::findable_sample(metric).codes,
                Some(summary) => fhir_profiles::findable_summary(metric, summary).codes,
            };
            found.push(Latest { codes, records });
        }
    }
    for one in results(state, plan, decision, (times, updated), &keep).await? {
        count += one.records.len().min(max);
        if count > MOST_RECORDS {
            return Err(too_wide());
        }
        found.push(one);
    }
    let codes = by_code(found);
    Ok(codes.into_iter().flat_map(|one| cut(one.records, max, &home)).collect())
}

/// The results of checkups, all items in one search: a person has some ten checkups.
async fn results(
    state: &AppState,
    plan: &Plan,
    decision: &Decision,
    (times, updated): (TimeBounds, (Option<UtcMillis>, Option<UtcMillis>)),
    keep: &Keep,
) -> Result<Vec<Latest>, FhirError> {
    let mut search = Search {
        items: plan.items(decision),
        batteries: plan.batteries(decision),
        times,
        updated,
        sort: Sort::DateDescending,
        count: MOST_RECORDS,
        now: decision.decided_at(),
        keep: keep.clone(),
        ..Search::default()
    };
    let (mut found, mut batteries) = (BTreeMap::<Item, Latest>::new(), BTreeMap::<Battery, Latest>::new());
    // The latest of an item may lie behind a thousand results of others.
    for _ in 0..MOST_PAGES {
        let page = state.store.search(Access::Decision(decision), search.clone()).await?;
        for record in page.records {
            let Record::Sample(stored) = &record else { continue };
            let of = |codes| Latest {
                codes,
                records: Vec::new(),
            };
            let of_its_code = match &stored.of_checkup {
                Some(OfCheckup::Result(finding)) => found
                    .entry(finding.item)
                    .or_insert_with(|| of(fhir_profiles::findable_item(finding.item).codes)),
                Some(OfCheckup::Battery(members)) => batteries
                    .entry(members.battery)
                    .or_insert_with(|| of(fhir_profiles::findable_battery(members.battery).codes)),
                _ => continue,
            };
            of_its_code.records.push(record);
        }
        match page.next {
            Some(next) => search.after = Some(next),
            None => return Ok(found.into_values().chain(batteries.into_values()).collect()),
        }
    }
    Err(too_wide())
}

fn too_wide() -> FhirError {
    FhirError::TooWide {
        limit: "1,000 Observations of all codes together: ask for fewer of each, or name the codes",
    }
}

/// The latest that a search finds, and all that start when the last of them does.
async fn with_ties(state: &AppState, decision: &Decision, search: Search) -> Result<Vec<Record>, FhirError> {
    let max = search.count;
    let mut records = Vec::new();
    let mut search = search;
    loop {
        let page = state.store.search(Access::Decision(decision), search.clone()).await?;
        records.extend(page.records);
        let Some(next) = page.next else { return Ok(records) };
        search.after = Some(next);
        if records.len() >= max {
            // One summary a day: nothing is as late as the last of them.
            let Some(Record::Sample(last)) = records.last() else {
                return Ok(records);
            };
            let start = last.sample.start;
            search.times = TimeBounds {
                start_from: Some(search.times.start_from.map_or(start, |from| from.max(start))),
                ..search.times
            };
        }
        if records.len() > MOST_RECORDS {
            return Err(too_wide());
        }
    }
}

/// What carries one coding is put together, also what does so through a third one.
fn by_code(found: Vec<Latest>) -> Vec<Latest> {
    let mut codes: Vec<Latest> = Vec::new();
    for mut one in found {
        let (same, others): (Vec<Latest>, Vec<Latest>) = codes
            .into_iter()
            .partition(|known| known.codes.iter().any(|code| one.codes.contains(code)));
        codes = others;
        for known in same {
            one.codes.extend(known.codes);
            one.records.splice(0..0, known.records);
        }
        codes.push(one);
    }
    codes
}

/// The latest of these and their ties, the latest first.
fn cut(mut records: Vec<Record>, max: usize, home: &TimeZone) -> Vec<Record> {
    let start = |record: &Record| bounds::interval(record, home).0;
    records.sort_by_key(|record| std::cmp::Reverse(start(record)));
    if let Some(last) = records.get(max - 1).map(start) {
        records.retain(|record| start(record) >= last);
    }
    records
}

/// Takes `max` out of the parameters; 1 where it is not there.
fn take_max(pairs: &mut Vec<(String, String)>) -> Result<usize, FhirError> {
    let mut given: Option<String> = None;
    let mut twice = false;
    pairs.retain(|(name, value)| {
        if name == "max" {
            twice |= given.is_some();
            given = Some(value.clone());
        }
        name != "max"
    });
    let Some(given) = given else { return Ok(1) };
    given
        .parse()
        .ok()
        .filter(|max| (1..=MOST).contains(max) && !twice)
        .ok_or_else(|| FhirError::bad("max", "a whole number from 1 to 100 is allowed, once"))
}
