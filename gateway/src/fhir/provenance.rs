//! Provenance of an Observation: how its current version came, told from its delivery or, for a computed day, from the sources
//! that gave a part.
//!
//! Its id is the Observation's with another kind. It shows where the Observation shows, and is recorded as a read of it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use consent::scope::{Interaction, Resource};
use consent::{Decision, Detail};
use fhir_profiles::{Activity, Origin, ProvenanceView, SearchBundle};
use model::{BatchId, Flags, Metric, RecordKey, RecordKind};
use store::{Access, AccessKind, BatchInfo, Record, StoredAggregate, StoredSample, StoredTotal};

use super::observation::{key_of, version_of};
use super::parameters::Parameters;
use super::plan::row_of;
use super::respond::{PageIds, expressions, notices, resource};
use super::search::{Sent, address};
use super::{FhirError, items, shaped, urls};
use crate::gate::Caller;
use crate::state::AppState;

/// `GET Provenance/{id}`
pub async fn read(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, FhirError> {
    caller.require(Resource::Provenance, Interaction::Read)?;
    let key = caller
        .ids
        .read(&id)
        .filter(|key| key.person == caller.token.person)
        .and_then(target_of);
    let (state, caller, headers) = (&state, &caller, &headers);
    caller
        .through(state, AccessKind::Read, |decision: Decision| async move {
            let decision = &decision;
            let found = find(state, caller, key, decision).await?;
            Ok(match found {
                Some(found) => {
                    let (record, mut bytes) = (found.record(), Vec::new());
                    found.render(&mut bytes, caller, decision);
                    let version = u64::from(version_of(&record));
                    let answer = resource(headers, bytes, Some(version), Some(record.updated()));
                    (Some(answer), items::of(&[record]))
                }
                None => (None, Vec::new()),
            })
        })
        .await?
        .ok_or(FhirError::NotFound { resource: "Provenance" })
}

/// `GET Provenance?target=Observation/{id}` and `POST Provenance/_search`
pub async fn search(State(state): State<AppState>, caller: Caller, sent: Sent) -> Result<Response, FhirError> {
    caller.require(Resource::Provenance, Interaction::Search)?;
    let (state, caller, base) = (&state, &caller, urls::base(&state));
    let parameters = Parameters::read("Provenance", &base, &sent.pairs, sent.handling)?;
    let Some(targets) = parameters.wanted_targets() else {
        return Err(FhirError::BadParameter {
            parameter: "target".to_owned(),
            problem: "is needed: Provenance is found by its Observation, e.g. target=Observation/{id}".to_owned(),
        });
    };
    if targets.len() > 100 {
        return Err(FhirError::TooWide {
            limit: "100 ids a search",
        });
    }
    let expressions = expressions(&parameters.ignored);
    let notices = notices(&parameters.ignored, &expressions, false);
    let self_url = address(state, "Provenance", &parameters.used);
    let (base, targets, notices, self_url) = (&base, &targets, &notices, &self_url);
    caller
        .through(state, AccessKind::Search, |decision: Decision| async move {
            let decision = &decision;
            let (mut out, mut records) = (Vec::new(), Vec::new());
            let mut bundle = SearchBundle::begin(&mut out, self_url, None);
            for target in targets {
                let key = key_of(caller, target);
                if let Some(found) = find(state, caller, key, decision).await? {
                    let record = found.record();
                    let id = caller.ids.id(provenance_of(record.key()));
                    bundle.matched(&mut out, base, "Provenance", &id, |out| {
                        found.render(out, caller, decision)
                    });
                    records.push(record);
                }
            }
            if !notices.is_empty() {
                bundle.outcome(&mut out, notices);
            }
            bundle.end(&mut out);
            Ok((out, items::of(&records)))
        })
        .await
        .map(|bytes| shaped(bytes, &parameters))
}

/// The Observation that a Provenance is about; `None` for the id of anything else.
fn target_of(key: RecordKey) -> Option<RecordKey> {
    let kind = match key.kind {
        RecordKind::DayProvenance => RecordKind::Total,
        RecordKind::Provenance if key.metric == Metric::SLEEP_SESSION => RecordKind::Session,
        RecordKind::Provenance => RecordKind::Sample,
        _ => return None,
    };
    Some(RecordKey { kind, ..key })
}

/// The Provenance of an Observation.
fn provenance_of(key: RecordKey) -> RecordKey {
    let kind = match key.kind {
        RecordKind::Total => RecordKind::DayProvenance,
        _ => RecordKind::Provenance,
    };
    RecordKey { kind, ..key }
}

/// A record with what its Provenance is told from.
enum Found {
    /// A sample and its delivery.
    Sample(Box<StoredSample>, BatchInfo),
    /// A resolved day, which names the sources of its shares.
    Total(StoredTotal),
    /// Any other computed day.
    Aggregate(StoredAggregate),
}

/// The record of a key with its delivery, where scopes and consent show the record.
async fn find(
    state: &AppState,
    caller: &Caller,
    key: Option<RecordKey>,
    decision: &Decision,
) -> Result<Option<Found>, FhirError> {
    let shown = |key: &RecordKey| {
        Interaction::ALL
            .into_iter()
            .any(|interaction| caller.scopes.allows_metric(row_of(*key), interaction))
    };
    let Some(key) = key.filter(shown) else {
        return Ok(None);
    };
    let access = Access::Decision(decision);
    Ok(match state.store.record(access, key, decision.decided_at()).await? {
        Some(Record::Sample(sample)) => {
            let batch = state.store.batch(access, sample.batch).await?;
            batch.map(|batch| Found::Sample(Box::new(sample), batch))
        }
        Some(Record::Total(total)) => Some(Found::Total(total)),
        Some(Record::Aggregate(aggregate)) => Some(Found::Aggregate(aggregate)),
        // How it came about would tell more than that it took place.
        Some(Record::Event(_)) | None => None,
    })
}

/// The Provenance of a record that is at hand, and its id; `batches` are the deliveries that were read already.
///
/// # Errors
/// What reading a delivery can answer.
pub async fn render_of(
    state: &AppState,
    caller: &Caller,
    record: &Record,
    decision: &Decision,
    batches: &mut HashMap<BatchId, Option<BatchInfo>>,
) -> Result<Option<(String, Vec<u8>)>, FhirError> {
    let found = match record {
        Record::Sample(sample) => {
            let batch = match batches.entry(sample.batch) {
                Entry::Occupied(known) => known.get().clone(),
                Entry::Vacant(place) => {
                    let read = state.store.batch(Access::Decision(decision), sample.batch).await?;
                    place.insert(read).clone()
                }
            };
            batch.map(|batch| Found::Sample(Box::new(sample.clone()), batch))
        }
        Record::Total(total) => Some(Found::Total(total.clone())),
        Record::Aggregate(aggregate) => Some(Found::Aggregate(aggregate.clone())),
        Record::Event(_) => None,
    };
    Ok(found.map(|found| {
        let mut bytes = Vec::new();
        found.render(&mut bytes, caller, decision);
        (caller.ids.id(provenance_of(record.key())), bytes)
    }))
}

impl Found {
    fn record(&self) -> Record {
        match self {
            Self::Sample(sample, _) => Record::Sample((**sample).clone()),
            Self::Total(total) => Record::Total(total.clone()),
            Self::Aggregate(aggregate) => Record::Aggregate(aggregate.clone()),
        }
    }

    fn render(&self, out: &mut Vec<u8>, caller: &Caller, decision: &Decision) {
        let person = caller.token.person;
        let records = [self.record()];
        let ids = PageIds::of(&caller.ids, person, &records);
        let devices: Vec<String> = match self {
            // Which devices a week is of is told to who is given its days.
            Self::Total(total) if !decision.gives(total.metric.category(), Detail::Daily) => Vec::new(),
            Self::Total(total) => total
                .shares
                .iter()
                .map(|share| caller.ids.device(person, share.source))
                .collect(),
            Self::Sample(..) | Self::Aggregate(_) => Vec::new(),
        };
        let computed = |day| Origin::Computed {
            day,
            devices: &devices,
            algorithm: store::DAYS_ALGORITHM,
        };
        let (origin, dead) = match self {
            Self::Total(total) => (computed(total.day), false),
            Self::Aggregate(aggregate) => (computed(aggregate.day), false),
            Self::Sample(sample, batch) => (
                Origin::Delivered {
                    device: ids.device(sample.sample.source),
                    manual: sample.sample.flags.has(Flags::USER_ENTERED),
                    adapter: &batch.adapter,
                    mapping_version: batch.mapping_version,
                    obtained: batch.obtained,
                },
                sample.dead,
            ),
        };
        let version = version_of(&records[0]);
        fhir_profiles::provenance(
            out,
            &ProvenanceView {
                id: &caller.ids.id(provenance_of(records[0].key())),
                observation: ids.record(0),
                patient: ids.patient(),
                activity: Activity::of(version, dead),
                origin,
                recorded: records[0].updated(),
                version,
            },
        );
    }
}
