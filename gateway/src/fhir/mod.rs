//! The FHIR R4 face under `/fhir/r4`: what a recipient reads of one resident, past scope and consent.
//!
//! One file an endpoint. Every read of a person's data goes through [`crate::gate::Caller::through`]; bytes are rendered by
//! `fhir_profiles` straight into the answer's buffer. Numbers `R-…` are requirements of FHIR R4 REST as this project numbers them.

mod bounds;
mod compartment;
mod consent;
mod cors;
mod cursor;
pub mod date;
mod definitions;
mod device;
mod document;
pub mod error;
mod everything;
mod explain;
mod history;
mod included;
mod invocation;
mod items;
mod keep;
mod lastn;
mod metadata;
mod negotiate;
mod observation;
mod parameters;
mod patient;
mod plan;
mod pretty;
mod provenance;
mod quantity;
mod report;
mod respond;
mod search;
mod shape;
mod stats;
#[cfg(test)]
mod tests;
mod token;
mod type_history;
mod unfilled;
pub mod urls;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, Uri, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};

pub use cors::cors;
pub use error::FhirError;

use crate::state::AppState;

/// What the answers are: JSON of FHIR 4.0.
const CONTENT_TYPE: &str = "application/fhir+json; fhirVersion=4.0";

/// All FHIR routes, with their own layers.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/fhir/r4/metadata", get(metadata::read))
        .route("/fhir/r4/Patient", get(patient::search))
        .route("/fhir/r4/Patient/_search", post(patient::search))
        .route("/fhir/r4/Patient/{id}", get(patient::read))
        .route("/fhir/r4/Observation", get(observation::search))
        .route("/fhir/r4/Observation/_search", post(observation::search))
        .route("/fhir/r4/Observation/{id}", get(observation::read))
        .route("/fhir/r4/Device", get(device::search))
        .route("/fhir/r4/Device/_search", post(device::search))
        .route("/fhir/r4/Device/{id}", get(device::read))
        .route("/fhir/r4/Provenance", get(provenance::search))
        .route("/fhir/r4/Provenance/_search", post(provenance::search))
        .route("/fhir/r4/Provenance/{id}", get(provenance::read))
        .route("/fhir/r4/Patient/{id}/Observation", get(compartment::observations))
        .route("/fhir/r4/Patient/{id}/Device", get(compartment::devices))
        .route("/fhir/r4/Patient/{id}/$explain", get(explain::explain))
        .route("/fhir/r4/Consent", get(consent::search))
        .route("/fhir/r4/Consent/_search", post(consent::search))
        .route("/fhir/r4/Consent/{id}", get(consent::read))
        .route("/fhir/r4/DiagnosticReport", get(report::search_reports))
        .route("/fhir/r4/DiagnosticReport/_search", post(report::search_reports))
        .route("/fhir/r4/DiagnosticReport/_history", get(type_history::of_type))
        .route("/fhir/r4/DiagnosticReport/{id}", get(report::read_report))
        .route("/fhir/r4/DiagnosticReport/{id}/_history", get(history::instance))
        .route("/fhir/r4/DiagnosticReport/{id}/_history/{version}", get(history::vread))
        .route("/fhir/r4/QuestionnaireResponse", get(report::search_answers))
        .route("/fhir/r4/QuestionnaireResponse/_search", post(report::search_answers))
        .route("/fhir/r4/QuestionnaireResponse/_history", get(type_history::of_type))
        .route("/fhir/r4/QuestionnaireResponse/{id}", get(report::read_answers))
        .route("/fhir/r4/QuestionnaireResponse/{id}/_history", get(history::instance))
        .route(
            "/fhir/r4/QuestionnaireResponse/{id}/_history/{version}",
            get(history::vread),
        )
        .route("/fhir/r4/DocumentReference", get(document::search))
        .route("/fhir/r4/DocumentReference/_search", post(document::search))
        .route("/fhir/r4/DocumentReference/_history", get(type_history::of_type))
        .route("/fhir/r4/DocumentReference/{id}", get(document::read))
        .route("/fhir/r4/DocumentReference/{id}/_history", get(history::instance))
        .route(
            "/fhir/r4/DocumentReference/{id}/_history/{version}",
            get(history::vread),
        )
        .route("/fhir/r4/Binary/{id}", get(document::read_binary))
        .route("/fhir/r4/Observation/_history", get(type_history::of_type))
        .route("/fhir/r4/Patient/_history", get(type_history::of_type))
        .route("/fhir/r4/Device/_history", get(type_history::of_type))
        .route("/fhir/r4/Provenance/_history", get(type_history::of_type))
        .route("/fhir/r4/Consent/_history", get(type_history::of_type))
        .route("/fhir/r4/Observation/{id}/_history", get(history::instance))
        .route("/fhir/r4/Observation/{id}/_history/{version}", get(history::vread))
        .route("/fhir/r4/Patient/{id}/_history", get(history::instance))
        .route("/fhir/r4/Patient/{id}/_history/{version}", get(history::vread))
        .route("/fhir/r4/Device/{id}/_history", get(history::instance))
        .route("/fhir/r4/Device/{id}/_history/{version}", get(history::vread))
        .route("/fhir/r4/Provenance/{id}/_history", get(history::instance))
        .route("/fhir/r4/Provenance/{id}/_history/{version}", get(history::vread))
        .route("/fhir/r4/Consent/{id}/_history", get(history::instance))
        .route("/fhir/r4/Consent/{id}/_history/{version}", get(history::vread))
        .route("/fhir/r4/Observation/$lastn", get(lastn::lastn).post(lastn::lastn))
        .route("/fhir/r4/Observation/$stats", get(stats::stats).post(stats::stats))
        .route(
            "/fhir/r4/Patient/{id}/$everything",
            get(everything::everything).post(everything::everything),
        )
        .route("/fhir/r4/CodeSystem", get(definitions::search))
        .route("/fhir/r4/CodeSystem/_search", post(definitions::search))
        .route("/fhir/r4/CodeSystem/{id}", get(definitions::read))
        .route("/fhir/r4/StructureDefinition", get(definitions::search))
        .route("/fhir/r4/StructureDefinition/_search", post(definitions::search))
        .route("/fhir/r4/StructureDefinition/{id}", get(definitions::read))
        .route("/fhir/r4/ValueSet", get(definitions::search))
        .route("/fhir/r4/ValueSet/_search", post(definitions::search))
        .route("/fhir/r4/ValueSet/{id}", get(definitions::read))
        .merge(unfilled::routes())
        .method_not_allowed_fallback(wrong_method)
        .route("/fhir/r4/{*rest}", any(unsupported))
        .layer(middleware::from_fn(shape::layer))
        .layer(middleware::from_fn(pretty::layer))
        .layer(middleware::from_fn(negotiate::negotiate))
        .layer(middleware::from_fn(cors))
}

/// A Bundle as an answer, cut as its search asks.
fn shaped(bytes: Vec<u8>, parameters: &parameters::Parameters) -> Response {
    let mut response = json(bytes);
    if let Some(shape) = &parameters.shape {
        response.extensions_mut().insert(shape.clone());
    }
    response
}

/// A resource or Bundle as an answer.
pub fn json(bytes: Vec<u8>) -> Response {
    let mut response = Body::from(bytes).into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
    response
}

/// Any address under the base that is nothing (R-042: unknown type).
async fn unsupported(State(state): State<AppState>, uri: Uri) -> FhirError {
    let mut what: String = uri.path().trim_start_matches("/fhir/r4/").chars().take(64).collect();
    if what.is_empty() {
        what = "the base alone".to_owned();
    }
    FhirError::Unsupported {
        what,
        base: urls::base(&state),
    }
}

async fn wrong_method() -> FhirError {
    FhirError::MethodNotAllowed
}
