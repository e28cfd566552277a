//! Devices: what measured, as far as something that it measured may be seen.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use consent::Decision;
use consent::scope::{Interaction, Resource};
use fhir_profiles::{DeviceView, SearchBundle};
use model::RecordKind;
use store::{Access, AccessKind, StoredSource};

use super::parameters::Parameters;
use super::respond::{expressions, notices, resource};
use super::search::{Sent, address};
use super::{FhirError, shaped, urls};
use crate::gate::{Caller, Given};
use crate::pairwise::device_key;
use crate::state::AppState;

/// `GET Device/{id}`
pub async fn read(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, FhirError> {
    caller.require(Resource::Device, Interaction::Read)?;
    let person = caller.token.person;
    let source = caller
        .ids
        .read(&id)
        .filter(|key| key.kind == RecordKind::Device && *key == device_key(person, key.source))
        .map(|key| key.source);
    let (state, caller, id, headers) = (&state, &caller, &id, &headers);
    caller
        .through(state, AccessKind::Read, |decision: Decision| async move {
            let decision = &decision;
            let found = match source {
                Some(source) => state.store.device(Access::Decision(decision), source).await?,
                None => None,
            };
            let rendered = found.map(|found| {
                let mut bytes = Vec::new();
                render(&mut bytes, id, &caller.ids.patient(person), &found);
                resource(headers, bytes, Some(u64::from(found.version)), Some(found.committed))
            });
            Ok((rendered, Given::default()))
        })
        .await?
        .ok_or(FhirError::NotFound { resource: "Device" })
}

/// `GET Device?patient=…` and `POST Device/_search`
pub async fn search(State(state): State<AppState>, caller: Caller, sent: Sent) -> Result<Response, FhirError> {
    caller.require(Resource::Device, Interaction::Search)?;
    let (state, caller, base) = (&state, &caller, urls::base(&state));
    let parameters = Parameters::read("Device", &base, &sent.pairs, sent.handling)?;
    let person = caller.token.person;
    let patient = caller.ids.patient(person);
    let wanted = parameters.wanted_ids();
    let expressions = expressions(&parameters.ignored);
    let notices = notices(&parameters.ignored, &expressions, false);
    let self_url = address(state, "Device", &parameters.used);
    let (base, patient, parameters, wanted, notices, self_url) =
        (&base, &patient, &parameters, &wanted, &notices, &self_url);
    caller
        .through(state, AccessKind::Search, |decision: Decision| async move {
            let decision = &decision;
            let devices = match parameters.is_about(patient) {
                true => state.store.devices(Access::Decision(decision)).await?,
                false => Vec::new(),
            };
            let mut out = Vec::new();
            let mut bundle = SearchBundle::begin(&mut out, self_url, None);
            for device in &devices {
                let id = caller.ids.device(person, device.number);
                if wanted.as_ref().is_none_or(|wanted| wanted.contains(&id.as_str())) {
                    bundle.matched(&mut out, base, "Device", &id, |out| render(out, &id, patient, device));
                }
            }
            if !notices.is_empty() {
                bundle.outcome(&mut out, notices);
            }
            bundle.end(&mut out);
            Ok((out, Given::default()))
        })
        .await
        .map(|bytes| shaped(bytes, parameters))
}

pub fn render(out: &mut Vec<u8>, id: &str, patient: &str, device: &StoredSource) {
    fhir_profiles::device(
        out,
        &DeviceView {
            id,
            patient,
            source: &device.source,
            version: device.version,
            updated: device.committed,
        },
    );
}
