//! Observations: search by GET and by POST, and read.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use consent::Decision;
use consent::scope::{Interaction, Resource};
use jiff::tz::TimeZone;
use model::{RecordKey, RecordKind, UtcMillis};
use store::{Access, AccessKind, Keep, PageKey, Record, Search, Sort, TimeBounds};

use super::included::{self, Included};
use super::parameters::Parameters;
use super::plan::{self, Plan};
use super::respond::{ObservationPage, PageIds, expressions, notices, observation, resource};
use super::search::{Asked, Sent};
use super::shape::Shape;
use super::{FhirError, bounds, items, keep, shaped, urls};
use crate::gate::{Caller, Given};
use crate::state::AppState;

/// `GET Observation/{id}`
pub async fn read(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, FhirError> {
    caller.require(Resource::Observation, Interaction::Read)?;
    // Not there, another's, outside the scopes or outside the consent: one answer for all.
    let key = key_of(&caller, &id).filter(|key| caller.scopes.allows_metric(plan::row_of(*key), Interaction::Read));
    let (state, caller, headers) = (&state, &caller, &headers);
    caller
        .through(state, AccessKind::Read, |decision: Decision| async move {
            let decision = &decision;
            let found = match key {
                Some(key) => {
                    state
                        .store
                        .record(Access::Decision(decision), key, decision.decided_at())
                        .await?
                }
                None => None,
            };
            let records: Vec<Record> = found.into_iter().collect();
            let items = items::of(&records);
            let ids = PageIds::of(&caller.ids, caller.token.person, &records);
            let rendered = records.first().map(|record| {
                let mut bytes = Vec::new();
                observation(&mut bytes, record, 0, &ids);
                resource(
                    headers,
                    bytes,
                    Some(u64::from(version_of(record))),
                    Some(record.updated()),
                )
            });
            Ok((rendered, items))
        })
        .await?
        .ok_or(FhirError::NotFound {
            resource: "Observation",
        })
}

/// What an id names, if it names an Observation of the token's person.
pub fn key_of(caller: &Caller, id: &str) -> Option<RecordKey> {
    caller.ids.read(id).filter(|key| {
        key.person == caller.token.person
            && matches!(key.kind, RecordKind::Sample | RecordKind::Session | RecordKind::Total)
    })
}

/// The version of a record.
pub fn version_of(record: &Record) -> u32 {
    match record {
        Record::Sample(sample) => sample.version,
        Record::Total(total) => total.version,
        Record::Aggregate(aggregate) => aggregate.version,
        Record::Event(event) => event.version,
    }
}

/// `GET Observation?…` and `POST Observation/_search`
pub async fn search(State(state): State<AppState>, caller: Caller, sent: Sent) -> Result<Response, FhirError> {
    let asked = Asked::read(&state, &caller, sent)?;
    answer(&state, &caller, asked, None).await
}

/// What comes on the first page of everything before the Observations.
pub struct Everything {
    /// The patient.
    pub patient: bool,
    /// The devices.
    pub devices: bool,
    /// Checkups as wholes.
    pub reports: bool,
    /// The answers to their questions.
    pub answers: bool,
    /// Where their documents lie.
    pub documents: bool,
    /// Whether Observations come at all.
    pub observations: bool,
    /// What was asked, below the base.
    pub address: String,
}

/// A page of Observations; of everything the first one has more.
///
/// # Errors
/// What scopes and the gate can answer.
pub async fn answer(
    state: &AppState,
    caller: &Caller,
    asked: Asked,
    everything: Option<Everything>,
) -> Result<Response, FhirError> {
    let observations = everything.as_ref().is_none_or(|everything| everything.observations);
    let plan = match observations {
        true => Plan::of(&asked.parameters, &caller.scopes).map_err(|error| caller.in_its_context(error))?,
        false => Plan::default(),
    };
    let expressions = expressions(&asked.parameters.ignored);
    let mut notices = notices(&asked.parameters.ignored, &expressions, plan.cut_by_scope);
    let (includes, beyond) = included::within_scopes(caller, &asked.parameters.includes);
    notices.extend(beyond);
    let self_url = match &everything {
        Some(everything) => format!("{}/{}", urls::base(state), everything.address),
        None => asked.self_url(state),
    };
    let (base, everything) = (urls::base(state), everything.as_ref());
    let (base, self_url, asked, plan, notices, includes) = (&base, &self_url, &asked, &plan, &notices, &includes);
    caller
        .through(state, AccessKind::Search, |decision: Decision| async move {
            let decision = &decision;
            let found = find(state, caller, asked, plan, decision).await?;
            let next_url = match &found.next {
                None => None,
                Some(Next::Place(place)) => Some(asked.next_url(state, caller, *place)),
                Some(Next::Ids(ids)) => Some(asked.rest_url(state, caller, ids)),
            };
            let ids = PageIds::of(&caller.ids, caller.token.person, &found.records);
            let beside = Included::read(state, caller, decision, &found.records, includes).await?;
            let first = match everything {
                Some(everything) => Included::first(state, caller, decision, everything, &asked.parameters).await?,
                None => Included::default(),
            };
            let page = ObservationPage {
                base,
                self_url,
                next_url: next_url.as_deref(),
                as_of: found.as_of,
                total: found.total,
                records: &found.records,
                first: &first.resources,
                included: &beside,
                notices,
            };
            let mut given = items::of(&found.records);
            items::merge(&mut given, first.items);
            let given = Given {
                items: given,
                identity: if everything.is_some() {
                    first.identity
                } else {
                    beside.identity
                },
            };
            Ok((page.render(&ids), given))
        })
        .await
        .map(|bytes| shaped(bytes, &asked.parameters))
}

/// Where the next page begins.
enum Next<'a> {
    Place(PageKey),
    Ids(Vec<&'a str>),
}

#[derive(Default)]
struct Found<'a> {
    records: Vec<Record>,
    next: Option<Next<'a>>,
    as_of: Option<UtcMillis>,
    total: Option<u64>,
}

async fn find<'a>(
    state: &AppState,
    caller: &Caller,
    asked: &'a Asked,
    plan: &Plan,
    decision: &Decision,
) -> Result<Found<'a>, FhirError> {
    let parameters = &asked.parameters;
    let nothing = || Found {
        total: parameters.total.then_some(0),
        ..Found::default()
    };
    if !parameters.is_about(&caller.ids.patient(caller.token.person)) {
        return Ok(nothing());
    }
    let home = match parameters.needs_zone() || parameters.excludes() {
        true => home_zone(state, decision).await?,
        false => TimeZone::UTC,
    };
    let (times, updated) = (parameters.times(&home)?, parameters.updates(&home)?);
    let keep = keep::of(caller, parameters, &home)?;
    if let Some(ids) = parameters.wanted_ids() {
        return find_by_ids(
            state,
            caller,
            ids,
            plan,
            decision,
            &Wanted {
                parameters,
                times,
                updated,
                keep,
            },
        )
        .await;
    }
    let (raw, summaries) = plan.metrics(decision);
    let search = Search {
        raw,
        items: plan.items(decision),
        batteries: plan.batteries(decision),
        daily: Vec::new(),
        summaries,
        times,
        updated,
        source: None,
        // What was entered in error is met in the order of changes only.
        sort: match parameters.asks_for_errors() && !parameters.is_sorted() {
            true => Sort::LastUpdated,
            false => parameters.sort,
        },
        after: asked.after,
        // A page of nothing still says up to when.
        count: parameters.count().max(1),
        now: decision.decided_at(),
        keep,
        superseded: asked.superseded,
    };
    let access = Access::Decision(decision);
    // a page of no entries says how many there are.
    let counts = parameters.total || parameters.shape == Some(Shape::Count) || parameters.count() == 0;
    let total = match counts {
        true => Some(state.store.count(access, search.clone()).await?),
        false => None,
    };
    let page = state.store.search(access, search).await?;
    if parameters.count() == 0 || parameters.shape == Some(Shape::Count) {
        return Ok(Found {
            as_of: Some(page.last_commit),
            total,
            ..Found::default()
        });
    }
    Ok(Found {
        records: page.records,
        next: page.next.map(Next::Place),
        as_of: Some(page.last_commit),
        total,
    })
}

/// What a record found by its id must satisfy besides.
struct Wanted<'p> {
    parameters: &'p Parameters,
    times: TimeBounds,
    updated: (Option<UtcMillis>, Option<UtcMillis>),
    keep: Keep,
}

async fn find_by_ids<'a>(
    state: &AppState,
    caller: &Caller,
    ids: Vec<&'a str>,
    plan: &Plan,
    decision: &Decision,
    wanted: &Wanted<'_>,
) -> Result<Found<'a>, FhirError> {
    let mut found = Found::default();
    for (place, id) in ids.iter().enumerate() {
        if found.records.len() == wanted.parameters.count() {
            let rest = ids[place..].to_vec();
            found.next = (!found.records.is_empty()).then_some(Next::Ids(rest));
            break;
        }
        let Some(key) = key_of(caller, id).filter(|key| plan.finds(*key)) else {
            continue;
        };
        let record = state
            .store
            .record(Access::Decision(decision), key, decision.decided_at())
            .await?;
        if let Some(record) = record
            && wanted.keep.keeps(&record)
            && fits(state, decision, &record, wanted).await?
        {
            found.records.push(record);
        }
    }
    if wanted.parameters.total && found.next.is_none() {
        found.total = Some(found.records.len() as u64);
    }
    match wanted.parameters.sort {
        Sort::Date => found.records.sort_by_key(|record| record.key().start),
        Sort::DateDescending => found
            .records
            .sort_by_key(|record| std::cmp::Reverse(record.key().start)),
        Sort::LastUpdated => found.records.sort_by_key(Record::updated),
        Sort::LastUpdatedDescending => found.records.sort_by_key(|record| std::cmp::Reverse(record.updated())),
    }
    Ok(found)
}

async fn fits(state: &AppState, decision: &Decision, record: &Record, wanted: &Wanted<'_>) -> Result<bool, FhirError> {
    if !bounds::hold_instant(&wanted.updated, record.updated()) {
        return Ok(false);
    }
    if wanted.times == TimeBounds::default() {
        return Ok(true);
    }
    let home = match record {
        Record::Sample(_) => TimeZone::UTC,
        _ => home_zone(state, decision).await?,
    };
    let (start, end) = bounds::interval(record, &home);
    Ok(bounds::hold(&wanted.times, start, end))
}

/// The zone where the person is at home.
///
/// # Errors
/// What reading can answer.
pub async fn home_zone(state: &AppState, decision: &Decision) -> Result<TimeZone, FhirError> {
    Ok(bounds::zone(&state.store.home_zone(Access::Decision(decision)).await?))
}
