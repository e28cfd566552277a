//! `GET Patient/{id}/$explain?category=…`: why this recipient is given something of its patient, or is not. About itself only, and
//! about its own consent only; nothing of anybody's data is looked at.

use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use consent::explain::{Because, Question, explain as answers};
use consent::{Consent, ConsentState, Detail};
use model::{ConsentCategory, LocalDay};
use serde_json::{Value, json};

use super::{FhirError, json as fhir_json, urls};
use crate::gate::Standing;
use crate::portal::resident::Resident;
use crate::state::AppState;

/// `GET Patient/{id}/$explain?category=heart&detail=raw&date=2026-05-10`: a Parameters resource.
pub async fn explain(
    State(state): State<AppState>,
    standing: Standing,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, FhirError> {
    let gone = || FhirError::NotFound { resource: "Patient" };
    let key = standing.ids.read(&id).ok_or_else(gone)?;
    if id != standing.ids.patient(key.person) || standing.person.is_some_and(|own| own != key.person) {
        return Err(gone());
    }
    let consents = state.store.consents_to(standing.recipient, key.person).await?;
    if consents.is_empty() {
        return Err(gone());
    }
    let pairs = urls::decode(&query.unwrap_or_default());
    let value = |name: &str| {
        pairs
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    };
    let category = value("category")
        .and_then(ConsentCategory::from_key)
        .ok_or_else(|| FhirError::bad("category", "a consent category is needed, such as activity"))?;
    let detail = match value("detail") {
        None => Detail::Daily,
        Some(code) => Detail::from_code(code)
            .ok_or_else(|| FhirError::bad("detail", "raw, daily, weekly, monthly and event are allowed"))?,
    };
    let day = match value("date") {
        None => None,
        Some(text) => {
            Some(LocalDay::parse(text).ok_or_else(|| FhirError::bad("date", "a day is allowed, YYYY-MM-DD"))?)
        }
    };
    let now = state.clock.now();
    let resident = Resident::load(&state, &consent::OwnAccess::of_signed_in(key.person))
        .await?
        .ok_or_else(gone)?;
    let question = Question {
        recipient: standing.recipient,
        category,
        detail,
        day,
        source: None,
        today: resident.today(),
    };
    let told = answers(&question, &consents, now);
    let parts: Vec<Value> = told
        .iter()
        .map(|answer| {
            let consent = consents.iter().find(|consent| consent.id == answer.consent);
            json!({"name": "consent", "part": parts(answer, &standing, consent)})
        })
        .collect();
    let given = told.iter().any(consent::explain::Answer::gives);
    let mut parameters = vec![json!({"name": "given", "valueBoolean": given})];
    parameters.extend(parts);
    let resource = json!({"resourceType": "Parameters", "parameter": parameters});
    Ok(fhir_json(consent::fhir::text(&resource).into_bytes()))
}

fn parts(answer: &consent::explain::Answer, standing: &Standing, consent: Option<&Consent>) -> Vec<Value> {
    let mut parts = Vec::new();
    if let Some(consent) = consent {
        let id = standing.ids.consent(consent.person, consent.id);
        parts.push(json!({"name": "reference", "valueReference": {"reference": format!("Consent/{id}")}}));
    }
    parts.push(json!({"name": "version", "valueInteger": answer.version}));
    parts.push(json!({"name": "purpose", "valueCode": answer.purpose.as_str()}));
    parts.push(json!({"name": "given", "valueBoolean": answer.gives()}));
    if let Some((state, at)) = answer.ended {
        let how = match state {
            ConsentState::Withdrawn => "withdrawn",
            ConsentState::Superseded => "superseded",
            ConsentState::Active | ConsentState::Expired => "expired",
        };
        parts.push(json!({"name": "ended", "valueCode": how}));
        parts.push(json!({"name": "endedAt", "valueInstant": fhir_profiles::instant_text(at)}));
    } else if answer.grants.is_empty() {
        parts.push(json!({"name": "reason", "valueCode": "category-not-agreed"}));
    }
    for (place, because) in &answer.grants {
        parts.push(json!({"name": "grant", "part": [
            {"name": "number", "valueInteger": place},
            {"name": "reason", "valueCode": code(*because)},
        ]}));
    }
    parts
}

const fn code(because: Because) -> &'static str {
    match because {
        Because::Gives { .. } => "gives",
        Because::RanOut { .. } => "ran-out",
        Because::Coarser { .. } => "coarser",
        Because::OtherDays { .. } => "other-days",
        Because::OtherSources => "other-sources",
        Because::DayNotOver => "day-not-over",
    }
}
