//! Consents as their recipient may know them: to it, of the token's person, or with its own token of anybody who ever agreed.
//!
//! A consent says nothing of anybody's health, so no decision stands before it and no provision is recorded. One that has ended
//! stays readable with the client's own token: it says that what was given must go.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use consent::scope::{Interaction, Resource};
use consent::{Consent, fhir};
use fhir_profiles::SearchBundle;
use model::{PersonId, UtcMillis};

use super::parameters::Parameters;
use super::respond::{expressions, notices, resource};
use super::search::{Sent, address};
use super::{FhirError, shaped, urls};
use crate::gate::Standing;
use crate::pairwise::{consent_of, patient_key};
use crate::state::AppState;

const GONE: FhirError = FhirError::NotFound { resource: "Consent" };

/// `GET Consent/{id}`
pub async fn read(
    State(state): State<AppState>,
    standing: Standing,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, FhirError> {
    standing.require(Resource::Consent, Interaction::Read)?;
    let key = standing.ids.read(&id).ok_or(GONE)?;
    let wanted = consent_of(key).ok_or(GONE)?;
    let consents = of_person(&state, &standing, key.person).await?;
    let consent = consents.iter().find(|consent| consent.id == wanted).ok_or(GONE)?;
    let names = Names::load(&state, &standing, key.person).await?;
    let (mut bytes, now) = (Vec::new(), state.clock.now());
    names.render(&mut bytes, &standing, consent, now);
    Ok(resource(
        &headers,
        bytes,
        Some(consent.fhir_version()),
        Some(consent.changed_at),
    ))
}

/// `GET Consent?patient=…&status=…` and `POST Consent/_search`. With its own token a client names the patient.
pub async fn search(State(state): State<AppState>, standing: Standing, sent: Sent) -> Result<Response, FhirError> {
    standing.require(Resource::Consent, Interaction::Search)?;
    let base = urls::base(&state);
    let parameters = Parameters::read("Consent", &base, &sent.pairs, sent.handling)?;
    let person = match standing.person {
        Some(person) => Some(person),
        None => asked_for(&parameters, &standing)?,
    };
    let now = state.clock.now();
    let mut found = match person {
        Some(person) if parameters.is_about(&standing.ids.patient(person)) => {
            of_person(&state, &standing, person).await?
        }
        _ => Vec::new(),
    };
    found.retain(|consent| {
        let status = if consent.is_over(now) { "inactive" } else { "active" };
        let id = standing.ids.consent(consent.person, consent.id);
        parameters.is_of_status(status) && parameters.wanted_ids().is_none_or(|ids| ids.contains(&id.as_str()))
    });
    let expressions = expressions(&parameters.ignored);
    let notices = notices(&parameters.ignored, &expressions, false);
    let self_url = address(&state, "Consent", &parameters.used);
    let mut out = Vec::new();
    let mut bundle = SearchBundle::begin(&mut out, &self_url, None);
    if let Some(first) = found.first() {
        let names = Names::load(&state, &standing, first.person).await?;
        for consent in &found {
            let id = standing.ids.consent(consent.person, consent.id);
            bundle.matched(&mut out, &base, "Consent", &id, |out| {
                names.render(out, &standing, consent, now);
            });
        }
    }
    if !notices.is_empty() {
        bundle.outcome(&mut out, &notices);
    }
    bundle.end(&mut out);
    Ok(shaped(out, &parameters))
}

/// The patient that a client's own search is about; an id that is nobody's finds nothing.
fn asked_for(parameters: &Parameters, standing: &Standing) -> Result<Option<PersonId>, FhirError> {
    let by_id = parameters.wanted_ids().and_then(|ids| {
        let key = standing.ids.read(ids.first()?)?;
        consent_of(key).map(|_| key.person)
    });
    let by_patient = parameters.patients.first().map(|group| {
        let key = standing.ids.read(group.first()?)?;
        (key == patient_key(key.person)).then_some(key.person)
    });
    match (by_patient, by_id) {
        (Some(person), _) => Ok(person),
        (None, Some(person)) => Ok(Some(person)),
        (None, None) if parameters.wanted_ids().is_some() => Ok(None),
        (None, None) => Err(FhirError::BadParameter {
            parameter: "patient".to_owned(),
            problem: "is needed: with its own token a client asks about one patient at a time".to_owned(),
        }),
    }
}

/// What a person gave this recipient, where the token may know of them at all.
async fn of_person(state: &AppState, standing: &Standing, person: PersonId) -> Result<Vec<Consent>, FhirError> {
    if standing.person.is_some_and(|own| own != person) {
        return Ok(Vec::new());
    }
    Ok(state.store.consents_to(standing.recipient, person).await?)
}

/// How the two sides are called.
struct Names {
    recipient: String,
    custodian: String,
}

impl Names {
    async fn load(state: &AppState, standing: &Standing, person: PersonId) -> Result<Self, FhirError> {
        let recipient = state.store.recipient(standing.recipient).await?;
        Ok(Self {
            recipient: recipient.map(|recipient| recipient.name_ja).unwrap_or_default(),
            custodian: state.store.custodian_name(person).await?.unwrap_or_default(),
        })
    }

    fn render(&self, out: &mut Vec<u8>, standing: &Standing, consent: &Consent, now: UtcMillis) {
        let resource = fhir::render(
            consent,
            &fhir::View {
                id: &standing.ids.consent(consent.person, consent.id),
                patient: &standing.ids.patient(consent.person),
                recipient: &consent.recipient.to_string(),
                recipient_name: &self.recipient,
                custodian_name: &self.custodian,
                device: &|number| standing.ids.device(consent.person, number),
            },
            now,
        );
        out.extend_from_slice(fhir::text(&resource).as_bytes());
    }
}
