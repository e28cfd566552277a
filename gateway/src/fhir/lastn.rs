//! `Observation/$lastn` (R4 operation): of each code the latest, as many as `max` says. Under a consent to days it is the latest days.

use axum::extract::State;
use axum::response::Response;
use consent::Decision;
use model::{Metric, Summary};
use store::{Access, AccessKind, Record, Search, Sort};

use super::included::Included;
use super::observation::home_zone;
use super::parameters::Parameters;
use super::plan::Plan;
use super::respond::{ObservationPage, PageIds, expressions, notices};
use super::search::{Sent, address};
use super::{FhirError, items, keep, shaped, urls};
use crate::gate::Caller;
use crate::state::AppState;

/// The most of each code.
const MOST: usize = 100;

/// Observations in one answer at most: it has no pages.
const MOST_RECORDS: usize = 1_000;

/// `GET` and `POST Observation/$lastn?code=…&max=3`
pub async fn lastn(State(state): State<AppState>, caller: Caller, mut sent: Sent) -> Result<Response, FhirError> {
    let (state, caller) = (&state, &caller);
    let max = take_max(&mut sent.pairs)?;
    let base = &urls::base(state);
    let parameters = &Parameters::read("Observation", base, &sent.pairs, sent.handling)?;
    if parameters.is_sorted() || parameters.wanted_ids().is_some() || parameters.total {
        return Err(bad(
            "_sort",
            "_sort, _id and _total say nothing here: the latest of each code come",
        ));
    }
    if parameters.codes.is_empty() && parameters.categories.is_empty() {
        return Err(bad("code", "a code or a category is needed"));
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

/// One code: a metric's samples, or one summary of it.
type Code = (Vec<Metric>, Vec<(Metric, Summary)>);

async fn latest(
    state: &AppState,
    caller: &Caller,
    parameters: &Parameters,
    plan: &Plan,
    decision: &Decision,
    max: usize,
) -> Result<Vec<Record>, FhirError> {
    let home = home_zone(state, decision).await?;
    let (raw, summaries) = plan.metrics(decision);
    let one = |metric| (vec![metric], Vec::new());
    let days = |summary| (Vec::new(), vec![summary]);
    let codes: Vec<Code> = raw
        .into_iter()
        .map(one)
        .chain(summaries.into_iter().map(days))
        .collect();
    let mut records = Vec::new();
    for (raw, summaries) in codes {
        let search = Search {
            raw,
            summaries,
            times: parameters.times(&home)?,
            updated: parameters.updates(&home)?,
            sort: Sort::DateDescending,
            count: max,
            now: decision.decided_at(),
            keep: keep::of(caller, parameters),
            ..Search::default()
        };
        records.extend(state.store.search(Access::Decision(decision), search).await?.records);
        if records.len() > MOST_RECORDS {
            return Err(FhirError::TooWide {
                limit: "1,000 Observations of all codes together: ask for fewer of each, or name the codes",
            });
        }
    }
    Ok(records)
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
        .ok_or_else(|| bad("max", "a whole number from 1 to 100 is allowed, once"))
}

fn bad(parameter: &str, problem: &str) -> FhirError {
    FhirError::BadParameter {
        parameter: parameter.to_owned(),
        problem: problem.to_owned(),
    }
}
