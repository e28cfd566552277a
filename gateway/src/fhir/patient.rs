//! The Patient: the one of the token, with what the resident granted of who they are.

use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use consent::scope::{Interaction, Resource};
use consent::{Decision, IdentityGrant};
use fhir_profiles::{Gender, PatientView, SearchBundle};
use store::{Access, AccessKind, Sex};

use super::parameters::Parameters;
use super::respond::{expressions, notices, resource};
use super::search::{Sent, address};
use super::{FhirError, shaped, urls};
use crate::gate::{Caller, Given};
use crate::state::AppState;

/// `GET Patient/{id}`: the token's patient and no other.
pub async fn read(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, FhirError> {
    caller.require(Resource::Patient, Interaction::Read)?;
    let own = caller.ids.patient(caller.token.person);
    if id != own {
        return Err(FhirError::NotFound { resource: "Patient" });
    }
    let (state, own, headers) = (&state, &own, &headers);
    caller
        .through(state, AccessKind::Read, |decision: Decision| async move {
            let decision = &decision;
            let (mut bytes, view) = (Vec::new(), view(state, decision).await?);
            let version = render(&mut bytes, own, &view, linking_id(state, decision, &view));
            Ok((
                resource(headers, bytes, Some(version), Some(view.updated)),
                given(&view),
            ))
        })
        .await
}

/// `GET Patient?_id=…` and `POST Patient/_search`
pub async fn search(State(state): State<AppState>, caller: Caller, sent: Sent) -> Result<Response, FhirError> {
    caller.require(Resource::Patient, Interaction::Search)?;
    let (state, caller, base) = (&state, &caller, urls::base(&state));
    let parameters = Parameters::read("Patient", &base, &sent.pairs, sent.handling)?;
    let own = caller.ids.patient(caller.token.person);
    let wanted = parameters.wanted_ids().is_none_or(|ids| ids.contains(&own.as_str()));
    let expressions = expressions(&parameters.ignored);
    let notices = notices(&parameters.ignored, &expressions, false);
    let self_url = address(state, "Patient", &parameters.used);
    let (base, own, notices, self_url) = (&base, &own, &notices, &self_url);
    caller
        .through(state, AccessKind::Search, |decision: Decision| async move {
            let decision = &decision;
            let (mut out, mut shown) = (Vec::new(), Given::default());
            let mut bundle = SearchBundle::begin(&mut out, self_url, None);
            if wanted {
                let view = view(state, decision).await?;
                shown = given(&view);
                bundle.matched(&mut out, base, "Patient", own, |out| {
                    render(out, own, &view, linking_id(state, decision, &view));
                });
            }
            if !notices.is_empty() {
                bundle.outcome(&mut out, notices);
            }
            bundle.end(&mut out);
            Ok((out, shown))
        })
        .await
        .map(|bytes| shaped(bytes, &parameters))
}

/// The Patient as a resource of its own, with what of it was given.
///
/// # Errors
/// What reading can answer.
pub async fn whole(state: &AppState, own: &str, decision: &Decision) -> Result<(Vec<u8>, Given), FhirError> {
    let (mut bytes, view) = (Vec::new(), view(state, decision).await?);
    render(&mut bytes, own, &view, linking_id(state, decision, &view));
    Ok((bytes, given(&view)))
}

async fn view(state: &AppState, decision: &Decision) -> Result<store::PatientView, FhirError> {
    Ok(state
        .store
        .patient(Access::Decision(decision), decision.decided_at())
        .await?)
}

fn linking_id(state: &AppState, decision: &Decision, view: &store::PatientView) -> Option<String> {
    let other = view.linking?;
    Some(
        state
            .pairwise
            .linking_id(decision.person(), decision.recipient(), other),
    )
}

/// The lines of who the person is that a view shows.
fn given(view: &store::PatientView) -> Given {
    Given {
        identity: IdentityGrant {
            name: view.name.is_some(),
            address: view.address.is_some(),
            birth_date: view.birth_date.is_some(),
            age_band_and_sex: view.age_band.is_some() || view.sex.is_some(),
            municipality: view.municipality.is_some(),
            insurance: view.insurance.is_some(),
            linking: view.linking,
            expires: None,
        },
        ..Given::default()
    }
}

/// `linking_id`: what the view's linking id comes to. What a recipient sees of a person changes with what was agreed, so a version
/// is a digest of it.
fn render(out: &mut Vec<u8>, id: &str, view: &store::PatientView, linking_id: Option<String>) -> u64 {
    let mut shown = PatientView {
        id,
        name: view.name.as_deref(),
        address: view.address.as_deref(),
        birth_date: view.birth_date,
        age_band: view.age_band,
        gender: view.sex.map(|sex| match sex {
            Sex::Male => Gender::Male,
            Sex::Female => Gender::Female,
            Sex::Other => Gender::Other,
        }),
        municipality: view.municipality,
        insurance: view.insurance,
        linking_id: linking_id.as_deref(),
        updated: Some(view.updated),
        version: None,
    };
    let mut bytes = Vec::new();
    fhir_profiles::patient(&mut bytes, &shown);
    let digest = digest(&SHA256, &bytes);
    let version = digest
        .as_ref()
        .iter()
        .take(6)
        .fold(0, |version, byte| version << 8 | u64::from(*byte));
    shown.version = Some(version);
    fhir_profiles::patient(out, &shown);
    version
}
