//! The history of a type: what a search of the type finds, the latest change first, of Observations with their
//! superseded versions. It is the search, past the same gate and in the same pages, told as a history.

use axum::body::to_bytes;
use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::request::Parts;
use axum::response::Response;
use consent::scope::{Interaction, Resource};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use store::Sort;

use super::history::{self, HistoryBundle, Version, since};
use super::parameters::{Handling, Include};
use super::search::{Asked, Sent, address};
use super::{FhirError, consent as consents, device, document, json as fhir_json, observation, patient, report, urls};
use crate::gate::{Caller, Standing};
use crate::state::AppState;

/// The largest page that is told as a history, in bytes.
const MOST_BYTES: usize = 64 << 20;

/// `GET {type}/_history?_since=…&_count=…`
pub async fn of_type(State(state): State<AppState>, request: Request) -> Result<Response, FhirError> {
    let (kind, parts) = history::kind_of(request.into_parts().0)?;
    let pairs = urls::decode(parts.uri.query().unwrap_or_default());
    // What is not offered is refused before anything is read.
    let since = since(&pairs, &["_cursor", "patient"])?;
    let found = found(&state, kind, parts, &pairs).await?;
    let bytes = to_bytes(found.into_body(), MOST_BYTES)
        .await
        .map_err(|_| FhirError::NotFound { resource: "page" })?;
    let page: Page<'_> = serde_json::from_slice(&bytes).map_err(|_| FhirError::NotFound { resource: "page" })?;
    let base = urls::base(&state);
    let mut versions = Vec::with_capacity(page.entry.len());
    for entry in page.entry {
        let Ok(head) = serde_json::from_str::<Head>(entry.resource.get()) else {
            continue;
        };
        let updated = head.meta.last_updated.parse::<jiff::Timestamp>().ok();
        let is_since = since.is_none_or(|since| updated.is_none_or(|at| since.0 <= at.as_millisecond()));
        if head.resource_type == kind && is_since {
            let version = Version {
                number: head.meta.version_id,
                updated: None,
                bytes: entry.resource.get().as_bytes().to_vec(),
            };
            versions.push((updated, head.id, version));
        }
    }
    // Observations come in order; of anything else there is one page.
    versions.sort_by_key(|(updated, ..)| std::cmp::Reverse(*updated));
    let own: Vec<(String, String)> = pairs.iter().filter(|(name, _)| name != "_format").cloned().collect();
    let mut link = vec![json!({"relation": "self", "url": address(&state, &format!("{kind}/_history"), &own)})];
    let next = page.link.iter().find(|link| link.relation == "next");
    if let Some(rest) = next.and_then(|next| next.url.split_once('?')) {
        link.push(json!({"relation": "next", "url": format!("{base}/{kind}/_history?{}", rest.1)}));
    }
    let entry = versions
        .iter()
        .filter_map(|(_, id, version)| history::entry(&base, kind, id, version).ok())
        .collect();
    let bundle = HistoryBundle {
        resource_type: "Bundle",
        kind: "history",
        total: None,
        link: json!(link),
        entry,
    };
    Ok(fhir_json(serde_json::to_vec(&bundle).unwrap_or_default()))
}

/// A page of a search, its resources as they were written.
#[derive(Deserialize)]
struct Page<'a> {
    #[serde(default)]
    link: Vec<Link>,
    #[serde(default, borrow)]
    entry: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
struct Link {
    relation: String,
    url: String,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    resource: &'a RawValue,
}

/// What a resource says of its version; an OperationOutcome among the entries says nothing of the kind.
#[derive(Deserialize)]
struct Head {
    #[serde(rename = "resourceType")]
    resource_type: String,
    id: String,
    meta: Meta,
}

#[derive(Deserialize)]
struct Meta {
    #[serde(rename = "versionId")]
    version_id: String,
    #[serde(rename = "lastUpdated")]
    last_updated: String,
}

/// The search that finds what the history tells of.
async fn found(
    state: &AppState,
    kind: &'static str,
    mut parts: Parts,
    pairs: &[(String, String)],
) -> Result<Response, FhirError> {
    let handling = Handling::Strict;
    if kind == "Consent" {
        let standing = Standing::from_request_parts(&mut parts, state).await?;
        let pairs = only(pairs, &["patient"]);
        return consents::search(State(state.clone()), standing, Sent { pairs, handling }).await;
    }
    let caller = Caller::from_request_parts(&mut parts, state).await?;
    let whole = Sent {
        pairs: Vec::new(),
        handling,
    };
    match kind {
        "Patient" => patient::search(State(state.clone()), caller, whole).await,
        "Device" => device::search(State(state.clone()), caller, whole).await,
        "DocumentReference" => document::search(State(state.clone()), caller, changes(pairs)).await,
        "DiagnosticReport" => report::search_reports(State(state.clone()), caller, changes(pairs)).await,
        "QuestionnaireResponse" => report::search_answers(State(state.clone()), caller, changes(pairs)).await,
        _ => {
            let includes = match kind {
                "Provenance" => {
                    caller.require(Resource::Provenance, Interaction::Search)?;
                    vec![Include::Provenance]
                }
                _ => Vec::new(),
            };
            let asked = latest_changes(state, &caller, pairs)?;
            let asked = asked.with(includes, Sort::LastUpdatedDescending);
            observation::answer(state, &caller, asked, None).await
        }
    }
}

/// The search behind a history of what comes on one page: all of it, what was entered in error too.
fn changes(pairs: &[(String, String)]) -> Sent {
    let since = pairs.iter().find(|(name, _)| name == "_since");
    let from = since.map_or("ge1900-01-01T00:00:00Z".to_owned(), |(_, since)| format!("ge{since}"));
    let mut asked = only(pairs, &["patient"]);
    asked.push(("_lastUpdated".to_owned(), from));
    Sent {
        pairs: asked,
        handling: Handling::Strict,
    }
}

/// The search of Observations behind a history: the first page's, or what its link says.
fn latest_changes(state: &AppState, caller: &Caller, pairs: &[(String, String)]) -> Result<Asked, FhirError> {
    let mut asked = only(pairs, &["_count", "_cursor", "patient"]);
    if !asked.iter().any(|(name, _)| name == "_cursor") {
        asked.push(("_sort".to_owned(), "-_lastUpdated".to_owned()));
        let since = pairs.iter().find(|(name, _)| name == "_since");
        asked.extend(since.map(|(_, since)| ("_lastUpdated".to_owned(), format!("ge{since}"))));
    }
    Asked::read(
        state,
        caller,
        Sent {
            pairs: asked,
            handling: Handling::Strict,
        },
    )
}

fn only(pairs: &[(String, String)], names: &[&str]) -> Vec<(String, String)> {
    let kept = pairs.iter().filter(|(name, _)| names.contains(&name.as_str()));
    kept.cloned().collect()
}
