//! vread and the history of one resource; [`super::type_history`] has that of a type. Observations keep their versions; of everything else the present one is
//! the only one there is, so its history is itself. What a version holds is shown where its day, source and category are.

use axum::body::to_bytes;
use axum::extract::{FromRequestParts as _, Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use consent::Decision;
use consent::scope::{Interaction, Resource};
use model::UtcMillis;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use store::{Access, AccessKind, Record};

use super::observation::{key_of, version_of};
use super::respond::{PageIds, observation, resource};
use super::{
    FhirError, consent as consents, date, device, document, items, json as fhir_json, patient, plan, provenance,
    report, urls,
};
use crate::gate::{Caller, Standing};
use crate::state::AppState;

/// The types that have a history.
const TYPES: [&str; 8] = [
    "Observation",
    "Patient",
    "Device",
    "Provenance",
    "Consent",
    "DiagnosticReport",
    "DocumentReference",
    "QuestionnaireResponse",
];

/// The largest resource that is read again for its version, in bytes.
const MOST_BYTES: usize = 4 << 20;

/// A version of a resource.
pub struct Version {
    /// As its ETag says it.
    pub number: String,
    /// When it was made.
    pub updated: Option<UtcMillis>,
    /// The resource.
    pub bytes: Vec<u8>,
}

/// `GET {type}/{id}/_history/{version}`
pub async fn vread(
    State(state): State<AppState>,
    Path((id, wanted)): Path<(String, String)>,
    request: Request,
) -> Result<Response, FhirError> {
    let (kind, mut parts) = kind_of(request.into_parts().0)?;
    let headers = parts.headers.clone();
    parts.headers.remove(header::IF_NONE_MATCH);
    parts.headers.remove(header::IF_MODIFIED_SINCE);
    let versions = versions(&state, kind, &id, parts).await?;
    let found = versions.into_iter().find(|version| version.number == wanted);
    let found = found.ok_or(FhirError::NoVersion { resource: kind })?;
    Ok(resource(&headers, found.bytes, Some(&found.number), found.updated))
}

/// `GET {type}/{id}/_history?_since=…`: a Bundle, newest first.
pub async fn instance(
    State(state): State<AppState>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, FhirError> {
    let (kind, mut parts) = kind_of(request.into_parts().0)?;
    let pairs = urls::decode(parts.uri.query().unwrap_or_default());
    let since = since(&pairs, &[])?;
    parts.headers.remove(header::IF_NONE_MATCH);
    parts.headers.remove(header::IF_MODIFIED_SINCE);
    let base = urls::base(&state);
    let versions = versions(&state, kind, &id, parts).await?;
    let kept = versions
        .iter()
        .filter(|version| since.is_none_or(|since| version.updated.is_none_or(|at| since <= at)));
    // Our own resources are JSON, so none is left out.
    let entry: Vec<HistoryEntry<'_>> = kept
        .filter_map(|version| entry(&base, kind, &id, version).ok())
        .collect();
    let bundle = HistoryBundle {
        resource_type: "Bundle",
        kind: "history",
        total: Some(entry.len()),
        link: json!([{"relation": "self", "url": format!("{base}/{kind}/{id}/_history")}]),
        entry,
    };
    Ok(fhir_json(serde_json::to_vec(&bundle).unwrap_or_default()))
}

/// A Bundle of versions.
#[derive(Serialize)]
pub struct HistoryBundle<'a> {
    /// `Bundle`.
    #[serde(rename = "resourceType")]
    pub resource_type: &'static str,
    /// `history`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// How many versions there are on all pages, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<usize>,
    /// Addresses of this page and the next.
    pub link: Value,
    /// The versions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entry: Vec<HistoryEntry<'a>>,
}

/// One version, its bytes as they are read: numbers stay as written.
#[derive(Serialize)]
pub struct HistoryEntry<'a> {
    #[serde(rename = "fullUrl")]
    full_url: String,
    resource: &'a RawValue,
    request: Value,
    response: Value,
}

/// A version as an entry.
///
/// # Errors
/// For bytes that are no JSON.
pub fn entry<'a>(base: &str, kind: &str, id: &str, version: &'a Version) -> serde_json::Result<HistoryEntry<'a>> {
    let resource: Value = serde_json::from_slice(&version.bytes)?;
    let is_first = version.number == "1";
    let status = if is_first { "201" } else { "200" };
    let mut response = json!({"status": status, "etag": format!("W/\"{}\"", version.number)});
    if let Some(updated) = resource["meta"]["lastUpdated"].as_str() {
        response["lastModified"] = updated.into();
    }
    // what is not there any more comes without what it held; here it is a stub that says so.
    let (method, url) = match is_first {
        true => ("POST", kind.to_owned()),
        false => ("PUT", format!("{kind}/{id}")),
    };
    Ok(HistoryEntry {
        full_url: format!("{base}/{kind}/{id}"),
        resource: serde_json::from_slice(&version.bytes)?,
        request: json!({"method": method, "url": url}),
        response,
    })
}

/// The one parameter that says something of every history. Of one resource `_count` changes nothing, since all fits.
/// `further` are other names that are read elsewhere.
///
/// # Errors
/// [`FhirError::BadParameter`], [`FhirError::UnknownParameter`].
pub fn since(pairs: &[(String, String)], further: &[&str]) -> Result<Option<UtcMillis>, FhirError> {
    let bad = |parameter: &str, problem: &str| FhirError::BadParameter {
        parameter: parameter.to_owned(),
        problem: problem.to_owned(),
    };
    let mut since = None;
    for (name, value) in pairs {
        match name.as_str() {
            "_since" if since.is_some() => return Err(bad(name, "is allowed once")),
            "_since" => {
                let is_instant = date::has_zone(value);
                let instant = value.parse::<jiff::Timestamp>().ok().filter(|_| is_instant);
                let instant = instant.ok_or_else(|| bad(name, "an instant with a zone is allowed"))?;
                since = Some(UtcMillis(instant.as_millisecond()));
            }
            "_count" | "_format" | "_pretty" | "_summary" | "_elements" | "_sort" => {}
            further_name if further.contains(&further_name) => {}
            _ => {
                return Err(FhirError::UnknownParameter {
                    parameter: name.clone(),
                });
            }
        }
    }
    Ok(since)
}

/// The type that the address names.
///
/// # Errors
/// [`FhirError::NotFound`] for one without a history.
pub fn kind_of(parts: Parts) -> Result<(&'static str, Parts), FhirError> {
    let named = urls::resource_type(parts.uri.path());
    let kind = TYPES.into_iter().find(|kind| *kind == named);
    Ok((kind.ok_or(FhirError::NotFound { resource: "resource" })?, parts))
}

/// All versions that may be seen, newest first; at least one.
async fn versions(state: &AppState, kind: &'static str, id: &str, mut parts: Parts) -> Result<Vec<Version>, FhirError> {
    let (state, id) = (state.clone(), Path(id.to_owned()));
    if kind == "Consent" {
        let standing = Standing::from_request_parts(&mut parts, &state).await?;
        let read = consents::read(State(state), standing, id, HeaderMap::new()).await?;
        return present(read).await;
    }
    let caller = Caller::from_request_parts(&mut parts, &state).await?;
    let none = HeaderMap::new();
    match kind {
        "Observation" => observations(&state, &caller, &id.0).await,
        "Patient" => present(patient::read(State(state), caller, id, none).await?).await,
        "Device" => present(device::read(State(state), caller, id, none).await?).await,
        "DocumentReference" => present(document::read(State(state), caller, id, none).await?).await,
        "DiagnosticReport" => present(report::read_report(State(state), caller, id, none).await?).await,
        "QuestionnaireResponse" => present(report::read_answers(State(state), caller, id, none).await?).await,
        _ => present(provenance::read(State(state), caller, id, none).await?).await,
    }
}

/// The version that a read answered with.
async fn present(read: Response) -> Result<Vec<Version>, FhirError> {
    let (head, body) = read.into_parts();
    let text = |name: header::HeaderName| head.headers.get(name).and_then(|value| value.to_str().ok());
    let number = text(header::ETAG)
        .unwrap_or_default()
        .trim_start_matches("W/")
        .trim_matches('"')
        .to_owned();
    let updated = text(header::LAST_MODIFIED)
        .and_then(|date| jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).ok())
        .map(|at| UtcMillis(at.as_millisecond()));
    let bytes = to_bytes(body, MOST_BYTES)
        .await
        .map_err(|_| FhirError::NotFound { resource: "resource" })?
        .to_vec();
    Ok(vec![Version { number, updated, bytes }])
}

async fn observations(state: &AppState, caller: &Caller, id: &str) -> Result<Vec<Version>, FhirError> {
    caller.require(Resource::Observation, Interaction::Read)?;
    let key = key_of(caller, id).filter(|key| caller.scopes.allows_metric(plan::row_of(*key), Interaction::Read));
    let found = caller
        .through(state, AccessKind::Read, |decision: Decision| async move {
            let records: Vec<Record> = match key {
                Some(key) => {
                    let access = Access::Decision(&decision);
                    state.store.versions(access, key, decision.decided_at()).await?
                }
                None => Vec::new(),
            };
            let ids = PageIds::of(&caller.ids, caller.token.person, &records);
            let versions = records.iter().enumerate().map(|(place, record)| {
                let mut bytes = Vec::new();
                observation(&mut bytes, record, place, &ids);
                Version {
                    number: version_of(record).to_string(),
                    updated: Some(record.updated()),
                    bytes,
                }
            });
            let versions: Vec<Version> = versions.collect();
            Ok((versions, items::of(&records)))
        })
        .await?;
    match found.is_empty() {
        true => Err(FhirError::NotFound {
            resource: "Observation",
        }),
        false => Ok(found),
    }
}
