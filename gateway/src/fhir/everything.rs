//! `Patient/{id}/$everything` (R4 operation): the patient, the devices, checkups as wholes and their documents, then the Observations
//! page by page. The further pages are those of a search of Observations, so what holds there holds here.

use axum::extract::{Path, State};
use axum::response::Response;
use consent::scope::{Interaction, Resource};

use super::FhirError;
use super::invocation::Invocation;
use super::observation::{Everything, answer};
use super::search::{Asked, Sent};
use crate::gate::Caller;
use crate::state::AppState;

/// The types that can come.
const TYPES: [Resource; 6] = [
    Resource::Patient,
    Resource::Device,
    Resource::DiagnosticReport,
    Resource::QuestionnaireResponse,
    Resource::DocumentReference,
    Resource::Observation,
];

/// `GET` and `POST Patient/{id}/$everything?_since=…&start=…&end=…&_type=…&_count=…`
pub async fn everything(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    Invocation(sent): Invocation,
) -> Result<Response, FhirError> {
    caller.require(Resource::Patient, Interaction::Read)?;
    if id != caller.ids.patient(caller.token.person) {
        return Err(FhirError::NotFound { resource: "Patient" });
    }
    let mut types: Vec<String> = Vec::new();
    let mut pairs = Vec::new();
    for (name, value) in sent.pairs {
        match name.as_str() {
            "_since" => {
                pairs.push(("_lastUpdated".to_owned(), format!("ge{value}")));
                pairs.push(("_sort".to_owned(), "_lastUpdated".to_owned()));
            }
            "start" => pairs.push(("date".to_owned(), format!("ge{value}"))),
            "end" => pairs.push(("date".to_owned(), format!("le{value}"))),
            "_type" => types.extend(value.split(',').map(str::to_owned)),
            "_count" | "_format" | "_pretty" => pairs.push((name, value)),
            _ => return Err(FhirError::UnknownParameter { parameter: name }),
        }
    }
    let is_known = |kind: &String| TYPES.iter().any(|known| known.name() == kind);
    if !types.iter().all(is_known) {
        let known: Vec<&str> = TYPES.iter().map(|known| known.name()).collect();
        return Err(FhirError::BadParameter {
            parameter: "_type".to_owned(),
            problem: format!("allowed are {}", known.join(", ")),
        });
    }
    let is_asked = |kind: Resource| types.is_empty() || types.iter().any(|asked| asked == kind.name());
    let comes = |kind: Resource| is_asked(kind) && caller.scopes.allows(kind, Interaction::Search);
    let everything = Everything {
        patient: is_asked(Resource::Patient),
        devices: comes(Resource::Device),
        reports: comes(Resource::DiagnosticReport),
        answers: comes(Resource::QuestionnaireResponse),
        documents: comes(Resource::DocumentReference),
        observations: comes(Resource::Observation),
        address: format!("Patient/{id}/$everything"),
    };
    let asked = Asked::read(&state, &caller, Sent { pairs, ..sent })?;
    answer(&state, &caller, asked, Some(everything)).await
}
