//! Types that nothing fills yet: questionnaires, organisations, records of access. They are asked for and
//! answered as any other, past token, scope and consent; there is nothing to find. Records of access are the resident's own: they
//! are shown on the resident's pages, and to no recipient.

use axum::extract::{FromRequest as _, FromRequestParts as _, Request, State};
use axum::response::Response;
use axum::routing::{get, post};
use consent::Decision;
use consent::scope::{Interaction, Resource};
use fhir_profiles::{SearchBundle, UNFILLED};
use serde_json::json;
use store::AccessKind;

use super::history::{HistoryBundle, since};
use super::parameters::Parameters;
use super::respond::{expressions, notices};
use super::search::{Sent, address};
use super::{FhirError, json as fhir_json, shaped, urls};
use crate::gate::{Caller, Given};
use crate::state::AppState;

/// The routes of these types.
pub fn routes() -> axum::Router<AppState> {
    let mut routes = axum::Router::new();
    for kind in UNFILLED {
        let at = |rest: &str| format!("/fhir/r4/{kind}{rest}");
        routes = routes
            .route(&at(""), get(search))
            .route(&at("/_search"), post(search))
            .route(&at("/_history"), get(history))
            .route(&at("/{id}"), get(read))
            .route(&at("/{id}/_history"), get(read))
            .route(&at("/{id}/_history/{version}"), get(read));
    }
    routes
}

/// The type that the address names, and who asks for it.
async fn asked(
    state: &AppState,
    request: Request,
    interaction: Interaction,
) -> Result<(Resource, Caller, Request), FhirError> {
    let resource = Resource::from_name(urls::resource_type(request.uri().path()))
        .ok_or(FhirError::NotFound { resource: "resource" })?;
    let (mut parts, body) = request.into_parts();
    let caller = Caller::from_request_parts(&mut parts, state).await?;
    caller.require(resource, interaction)?;
    Ok((resource, caller, Request::from_parts(parts, body)))
}

/// Asks the consent, and records that somebody looked.
async fn look(state: &AppState, caller: &Caller, kind: AccessKind) -> Result<(), FhirError> {
    let nothing = |_: Decision| async { Ok(((), Given::default())) };
    caller.through(state, kind, nothing).await
}

/// `GET {type}?…` and `POST {type}/_search`
async fn search(State(state): State<AppState>, request: Request) -> Result<Response, FhirError> {
    let (resource, caller, request) = asked(&state, request, Interaction::Search).await?;
    let sent = Sent::from_request(request, &state).await?;
    let parameters = Parameters::read(resource.name(), &urls::base(&state), &sent.pairs, sent.handling)?;
    look(&state, &caller, AccessKind::Search).await?;
    let expressions = expressions(&parameters.ignored);
    let notices = notices(&parameters.ignored, &expressions, false);
    let mut out = Vec::new();
    let mut bundle = SearchBundle::begin(&mut out, &address(&state, resource.name(), &parameters.used), None);
    if !notices.is_empty() {
        bundle.outcome(&mut out, &notices);
    }
    bundle.end(&mut out);
    Ok(shaped(out, &parameters))
}

/// `GET {type}/{id}`, its history and its versions.
async fn read(State(state): State<AppState>, request: Request) -> Result<Response, FhirError> {
    let (resource, caller, _) = asked(&state, request, Interaction::Read).await?;
    look(&state, &caller, AccessKind::Read).await?;
    Err(FhirError::NotFound {
        resource: resource.name(),
    })
}

/// `GET {type}/_history`
async fn history(State(state): State<AppState>, request: Request) -> Result<Response, FhirError> {
    let pairs = urls::decode(request.uri().query().unwrap_or_default());
    let (resource, caller, _) = asked(&state, request, Interaction::Search).await?;
    since(&pairs, &["patient"])?;
    look(&state, &caller, AccessKind::Search).await?;
    let url = address(&state, &format!("{}/_history", resource.name()), &pairs);
    let bundle = HistoryBundle {
        resource_type: "Bundle",
        kind: "history",
        total: Some(0),
        link: json!([{"relation": "self", "url": url}]),
        entry: Vec::new(),
    };
    Ok(fhir_json(serde_json::to_vec(&bundle).unwrap_or_default()))
}
