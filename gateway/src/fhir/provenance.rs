//! Provenance of an Observation: how its current version came, told from its delivery.
//!
//! Its id is the Observation's with another kind. It shows where the Observation shows, and is recorded as a read of it.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use consent::Decision;
use consent::scope::{Interaction, Resource};
use fhir_profiles::{Activity, ProvenanceView, SearchBundle};
use model::{Flags, Metric, RecordKey, RecordKind};
use store::{Access, AccessKind, BatchInfo, Record, StoredSample};

use super::observation::key_of;
use super::parameters::{Handling, Parameters};
use super::respond::{PageIds, expressions, notices, resource};
use super::search::{Form, address, pairs};
use super::{FhirError, items, json, urls};
use crate::gate::Caller;
use crate::state::AppState;

/// `GET Provenance/{id}`
pub async fn read(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, FhirError> {
    require(&caller, Interaction::Read)?;
    let key = caller
        .ids
        .read(&id)
        .filter(|key| key.person == caller.token.person && key.kind == RecordKind::Provenance)
        .map(target_of);
    let (state, caller, headers) = (&state, &caller, &headers);
    caller
        .through(state, AccessKind::Read, |decision: Decision| async move {
            let decision = &decision;
            let found = find(state, caller, key, decision).await?;
            let items = found
                .as_ref()
                .map_or_else(Vec::new, |found| items::of(&found.records()));
            let rendered = found.map(|found| {
                let mut bytes = Vec::new();
                found.render(&mut bytes, caller);
                let sample = &found.sample;
                resource(headers, bytes, Some(u64::from(sample.version)), Some(sample.committed))
            });
            Ok((rendered, items))
        })
        .await?
        .ok_or(FhirError::NotFound { resource: "Provenance" })
}

/// `GET Provenance?target=Observation/{id}`
pub async fn search(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, FhirError> {
    answer(&state, &caller, pairs(&uri, &headers, None)?, Handling::of(&headers)).await
}

/// `POST Provenance/_search`
pub async fn search_by_post(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, FhirError> {
    answer(
        &state,
        &caller,
        pairs(&uri, &headers, Some(form))?,
        Handling::of(&headers),
    )
    .await
}

async fn answer(
    state: &AppState,
    caller: &Caller,
    pairs: Vec<(String, String)>,
    handling: Handling,
) -> Result<Response, FhirError> {
    require(caller, Interaction::Search)?;
    let base = urls::base(state);
    let parameters = Parameters::read("Provenance", &base, &pairs, handling)?;
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
                    let id = caller.ids.id(provenance_of(found.sample.key));
                    bundle.matched(&mut out, base, "Provenance", &id, |out| found.render(out, caller));
                    records.extend(found.records());
                }
            }
            if !notices.is_empty() {
                bundle.outcome(&mut out, notices);
            }
            bundle.end(&mut out);
            Ok((out, items::of(&records)))
        })
        .await
        .map(json)
}

fn require(caller: &Caller, interaction: Interaction) -> Result<(), FhirError> {
    if caller.scopes.allows(Resource::Provenance, interaction) {
        return Ok(());
    }
    let asked = match interaction {
        Interaction::Read => "read of Provenance",
        Interaction::Search => "search of Provenance",
    };
    Err(FhirError::OutOfScope {
        asked,
        scope: "patient/Provenance.rs".to_owned(),
    })
}

/// The Observation that a Provenance is about.
fn target_of(key: RecordKey) -> RecordKey {
    let kind = if key.metric == Metric::SLEEP_SESSION {
        RecordKind::Session
    } else {
        RecordKind::Sample
    };
    RecordKey { kind, ..key }
}

/// The Provenance of an Observation.
fn provenance_of(key: RecordKey) -> RecordKey {
    RecordKey {
        kind: RecordKind::Provenance,
        ..key
    }
}

/// A sample and its delivery.
struct Found {
    sample: StoredSample,
    batch: BatchInfo,
}

/// The sample of a key with its delivery, where scopes and consent show the sample.
async fn find(
    state: &AppState,
    caller: &Caller,
    key: Option<RecordKey>,
    decision: &Decision,
) -> Result<Option<Found>, FhirError> {
    let shown = |key: &RecordKey| {
        Interaction::ALL
            .into_iter()
            .any(|interaction| caller.scopes.allows_metric(key.metric, interaction))
    };
    let Some(key) = key.filter(|key| key.kind != RecordKind::Total).filter(shown) else {
        return Ok(None);
    };
    let access = Access::Decision(decision);
    let Some(record) = state.store.record(access, key, decision.decided_at()).await? else {
        return Ok(None);
    };
    let Record::Sample(sample) = record else {
        return Ok(None);
    };
    let batch = state.store.batch(access, sample.batch).await?;
    Ok(batch.map(|batch| Found { sample, batch }))
}

impl Found {
    /// The sample as the one record of a page.
    fn records(&self) -> [Record; 1] {
        [Record::Sample(self.sample.clone())]
    }

    fn render(&self, out: &mut Vec<u8>, caller: &Caller) {
        let sample = &self.sample;
        let ids = PageIds::of(&caller.ids, caller.token.person, &self.records());
        fhir_profiles::provenance(
            out,
            &ProvenanceView {
                id: &caller.ids.id(provenance_of(sample.key)),
                observation: ids.record(0),
                patient: ids.patient(),
                device: ids.device(sample.sample.source),
                activity: Activity::of(sample.version, sample.dead),
                manual: sample.sample.flags.has(Flags::USER_ENTERED),
                adapter: &self.batch.adapter,
                mapping_version: self.batch.mapping_version,
                obtained: self.batch.obtained,
                recorded: sample.committed,
                version: sample.version,
            },
        );
    }
}
