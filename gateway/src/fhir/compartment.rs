//! Searches of a patient's compartment: `Patient/{id}/Observation?…` is `Observation?patient={id}&…`.

use axum::extract::{Path, State};
use axum::response::Response;

use super::search::Sent;
use super::{FhirError, device, observation};
use crate::gate::Caller;
use crate::state::AppState;

/// `GET Patient/{id}/Observation?…`
pub async fn observations(
    state: State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    sent: Sent,
) -> Result<Response, FhirError> {
    observation::search(state, caller, of_patient(sent, id)?).await
}

/// `GET Patient/{id}/Device?…`
pub async fn devices(
    state: State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    sent: Sent,
) -> Result<Response, FhirError> {
    device::search(state, caller, of_patient(sent, id)?).await
}

fn of_patient(mut sent: Sent, id: String) -> Result<Sent, FhirError> {
    // What is no id of FHIR (R4 datatypes, "id") would be read as more than one.
    let may_stand = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
    if !id.bytes().all(may_stand) {
        return Err(FhirError::NotFound { resource: "Patient" });
    }
    sent.pairs.push(("patient".to_owned(), id));
    Ok(sent)
}
