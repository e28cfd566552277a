//! What our own addresses mean: CodeSystems, ValueSets and StructureDefinitions, to read and to find by `url`. They hold nothing of
//! anybody, so no token is needed.

use axum::extract::{Path, Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use fhir_profiles::{Definition, SearchBundle, definitions};

use super::parameters::Parameters;
use super::respond::{expressions, notices, resource};
use super::search::{Sent, address};
use super::{FhirError, shaped, urls};
use crate::state::AppState;

/// The types of definitions.
const TYPES: [&str; 3] = ["CodeSystem", "StructureDefinition", "ValueSet"];

/// The type that an address names.
fn kind_of(path: &str) -> Result<&'static str, FhirError> {
    let named = urls::resource_type(path);
    let kind = TYPES.into_iter().find(|kind| *kind == named);
    kind.ok_or(FhirError::NotFound { resource: "resource" })
}

/// `GET {type}/{id}`
pub async fn read(Path(id): Path<String>, request: Request) -> Result<Response, FhirError> {
    let kind = kind_of(request.uri().path())?;
    let headers: HeaderMap = request.headers().clone();
    let found = definitions().iter().find(|one| one.kind == kind && one.id == id);
    let found = found.ok_or(FhirError::NotFound { resource: kind })?;
    Ok(resource(
        &headers,
        found.json.clone(),
        Some(fhir_profiles::DEFINITIONS_VERSION),
        None,
    ))
}

/// `GET {type}?url=…` and `POST {type}/_search`
pub async fn search(
    State(state): State<AppState>,
    kind: axum::extract::OriginalUri,
    sent: Sent,
) -> Result<Response, FhirError> {
    let kind = kind_of(kind.path())?;
    let base = urls::base(&state);
    let parameters = Parameters::read(kind, &base, &sent.pairs, sent.handling)?;
    let wanted = parameters.wanted_ids();
    let fits = |one: &&Definition| {
        one.kind == kind
            && wanted.as_ref().is_none_or(|ids| ids.contains(&one.id.as_str()))
            && parameters.urls.iter().all(|group| group.contains(&one.url))
            && parameters.names.iter().all(|group| {
                group
                    .iter()
                    .any(|asked| one.name.to_lowercase().starts_with(&asked.to_lowercase()))
            })
    };
    let expressions = expressions(&parameters.ignored);
    let notices = notices(&parameters.ignored, &expressions, false);
    let self_url = address(&state, kind, &parameters.used);
    let mut out = Vec::new();
    let mut bundle = SearchBundle::begin(&mut out, &self_url, None);
    for one in definitions().iter().filter(fits) {
        bundle.matched(&mut out, &base, kind, &one.id, |out| out.extend_from_slice(&one.json));
    }
    if !notices.is_empty() {
        bundle.outcome(&mut out, &notices);
    }
    bundle.end(&mut out);
    Ok(shaped(out, &parameters))
}

#[cfg(test)]
mod tests {
    use consent::{Detail, IdentityLine};

    #[test]
    fn the_published_codes_are_those_of_consents() {
        let published = fhir_profiles::DETAILS.map(|(code, ..)| code);
        assert_eq!(published, Detail::ALL.map(Detail::code));
        let lines = IdentityLine::ALL.map(IdentityLine::code);
        assert!(fhir_profiles::IDENTITY_LINES.map(|(code, ..)| code).starts_with(&lines));
    }
}
