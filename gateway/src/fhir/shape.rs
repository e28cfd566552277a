//! `_summary` and `_elements`: resources with some of their elements, marked SUBSETTED (R-020). They are cut from what would have
//! been sent, so no cut can show more than the whole.

use std::collections::BTreeMap;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use model::vocabulary::systems;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::{FhirError, urls};

/// Bytes of an answer that is cut at most: a page of 1,000 has less.
const MOST_BYTES: usize = 64 << 20;

/// Which elements come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Those that R4 marks as summary elements.
    Summary,
    /// The mandatory ones; nothing here has a narrative.
    Text,
    /// No matches at all, only how many there are.
    Count,
    /// These, and the mandatory ones.
    Elements(Vec<String>),
}

impl Shape {
    /// Reads `_summary`; `None` where nothing is left out.
    ///
    /// # Errors
    /// What is allowed.
    pub fn of_summary(value: &str) -> Result<Option<Self>, &'static str> {
        match value {
            "true" => Ok(Some(Self::Summary)),
            "text" => Ok(Some(Self::Text)),
            "count" => Ok(Some(Self::Count)),
            // Nothing has a narrative that `data` would leave out.
            "data" | "false" => Ok(None),
            _ => Err("true, text, data, count and false are allowed"),
        }
    }

    /// Reads `_elements`: names of elements, each perhaps with its type before a point.
    pub fn of_elements(value: &str) -> Self {
        let names = value.split(',').map(str::trim).filter(|name| !name.is_empty());
        Self::Elements(
            names
                .map(|name| name.rsplit('.').next().unwrap_or(name).to_owned())
                .collect(),
        )
    }

    fn keeps(&self, resource: &str, element: &str) -> bool {
        let name = element.trim_start_matches('_');
        if ["resourceType", "id", "meta"].contains(&name) || mandatory(resource).contains(&name) {
            return true;
        }
        match self {
            Self::Summary => !detail(resource).contains(&name),
            Self::Text => name == "text",
            Self::Count => false,
            // `value` stands for whichever type it has.
            Self::Elements(names) => names.iter().any(|asked| {
                let rest = name.strip_prefix(asked.as_str());
                rest.is_some_and(|rest| {
                    rest.is_empty() || (CHOICES.contains(&asked.as_str()) && rest.starts_with(char::is_uppercase))
                })
            }),
        }
    }

    /// A resource without the elements that are not asked for. What stays is copied as it was written: a number keeps its zeros.
    fn cut(&self, mut resource: Members) -> serde_json::Result<Members> {
        let kind = resource
            .get("resourceType")
            .map(|kind| kind.get().trim_matches('"').to_owned());
        let kind = kind.unwrap_or_default();
        let before = resource.len();
        resource.retain(|element, _| self.keeps(&kind, element));
        if resource.len() == before && !matches!(self, Self::Elements(_)) {
            return Ok(resource);
        }
        let tag = json!({"system": systems::OBSERVATION_VALUE, "code": systems::SUBSETTED});
        let mut meta: Value = match resource.get("meta") {
            Some(meta) => serde_json::from_str(meta.get())?,
            None => json!({}),
        };
        match meta.get_mut("tag").and_then(Value::as_array_mut) {
            Some(tags) => tags.push(tag),
            None => meta["tag"] = json!([tag]),
        }
        resource.insert("meta".to_owned(), to_raw_value(&meta)?);
        Ok(resource)
    }

    fn cut_answer(&self, answer: &[u8]) -> serde_json::Result<String> {
        let mut members: Members = serde_json::from_slice(answer)?;
        if members
            .get("resourceType")
            .is_none_or(|kind| kind.get() != "\"Bundle\"")
        {
            return text(self.cut(members)?);
        }
        let entries: Vec<Members> = match members.remove("entry") {
            Some(entries) => serde_json::from_str(entries.get())?,
            None => Vec::new(),
        };
        let is_match = |entry: &Members| -> serde_json::Result<bool> {
            let search = entry
                .get("search")
                .map(|search| serde_json::from_str::<Value>(search.get()));
            Ok(search.transpose()?.is_some_and(|search| search["mode"] == "match"))
        };
        let (mut kept, mut total) = (Vec::with_capacity(entries.len()), 0_u64);
        for mut entry in entries {
            if is_match(&entry)? {
                total += 1;
                if let Some(resource) = entry.get("resource") {
                    let cut = text(self.cut(serde_json::from_str(resource.get())?)?)?;
                    entry.insert("resource".to_owned(), RawValue::from_string(cut)?);
                }
            }
            kept.push(entry);
        }
        if *self == Self::Count {
            if !members.contains_key("total") {
                members.insert("total".to_owned(), to_raw_value(&total)?);
            }
        } else if !kept.is_empty() {
            members.insert("entry".to_owned(), to_raw_value(&kept)?);
        }
        text(members)
    }
}

/// The members of an object, each as it was written.
type Members = BTreeMap<String, Box<RawValue>>;

/// An object as text, its type first: readers that stream decide by it what follows.
fn text(mut members: Members) -> serde_json::Result<String> {
    let kind = members.remove("resourceType");
    let rest = serde_json::to_string(&members)?;
    Ok(match kind {
        Some(kind) if members.is_empty() => format!("{{\"resourceType\":{kind}}}"),
        Some(kind) => format!("{{\"resourceType\":{kind},{}", &rest[1..]),
        None => rest,
    })
}

/// Elements with a type in their name.
const CHOICES: [&str; 4] = ["value", "effective", "occurred", "deceased"];

/// Elements that each resource of a type must have (R4, cardinality 1).
fn mandatory(resource: &str) -> &'static [&'static str] {
    match resource {
        "Observation" => &["status", "code"],
        "Provenance" => &["target", "recorded", "agent"],
        "Consent" => &["status", "scope", "category"],
        "OperationOutcome" => &["issue"],
        "CodeSystem" => &["status", "content"],
        "ValueSet" => &["status"],
        "StructureDefinition" => &["url", "name", "status", "kind", "abstract", "type"],
        _ => &[],
    }
}

/// Elements that we send and that R4 does not mark as summary elements.
fn detail(resource: &str) -> &'static [&'static str] {
    match resource {
        "Observation" => &[
            "performer",
            "note",
            "method",
            "device",
            "referenceRange",
            "interpretation",
            "extension",
        ],
        "Patient" => &["extension"],
        "Device" => &["deviceName", "modelNumber", "version", "type", "extension"],
        "Provenance" => &[
            "occurredDateTime",
            "occurredPeriod",
            "policy",
            "activity",
            "entity",
            "extension",
        ],
        "Consent" => &["provision", "policyRule", "extension", "contained"],
        "CodeSystem" => &["concept"],
        "ValueSet" => &["compose"],
        "StructureDefinition" => &["differential"],
        _ => &[],
    }
}

/// Cuts an answer as its handler, or the address of a read, asks. Errors come whole.
pub async fn layer(request: Request, next: Next) -> Response {
    let of_address = match shape_of(&request) {
        Ok(shape) => shape,
        Err(error) => return error.into_response(),
    };
    let response = next.run(request).await;
    let shape = response.extensions().get::<Shape>().cloned().or(of_address);
    match shape {
        Some(shape) if response.status().is_success() => cut(response, &shape).await,
        _ => response,
    }
}

/// What the address of a read says; a search says it by its parameters.
fn shape_of(request: &Request) -> Result<Option<Shape>, FhirError> {
    let path = request.uri().path().trim_start_matches("/fhir/r4/");
    let is_read = request.method() != Method::POST && path.split('/').count() > 1 && !path.contains('$');
    let Some(query) = request.uri().query().filter(|_| is_read) else {
        return Ok(None);
    };
    let mut shape = None;
    for (name, value) in urls::decode(query) {
        let read = match name.as_str() {
            "_summary" => Shape::of_summary(&value),
            "_elements" => Ok(Some(Shape::of_elements(&value))),
            _ => continue,
        };
        shape = read.map_err(|problem| FhirError::BadParameter {
            parameter: name,
            problem: problem.to_owned(),
        })?;
    }
    Ok(shape)
}

async fn cut(response: Response, shape: &Shape) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, MOST_BYTES).await else {
        return FhirError::TooWide {
            limit: "64 MB of an answer that is cut",
        }
        .into_response();
    };
    if bytes.is_empty() {
        return Response::from_parts(parts, Body::empty());
    }
    let Ok(answer) = shape.cut_answer(&bytes) else {
        return Response::from_parts(parts, Body::from(bytes));
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observation() -> Value {
        json!({
            "resourceType": "Observation", "id": "x", "meta": {"versionId": "1"}, "status": "final",
            "code": {"text": "steps"}, "category": [], "valueQuantity": {"value": 1}, "effectiveDateTime": "2026-05-10",
            "_effectiveDateTime": {}, "performer": [], "device": {},
        })
    }

    fn cut_of(shape: &Shape, answer: &Value) -> Value {
        serde_json::from_str(&shape.cut_answer(answer.to_string().as_bytes()).unwrap()).unwrap()
    }

    fn names(shape: &Shape) -> Vec<String> {
        let answer = cut_of(shape, &observation());
        assert_eq!(answer["meta"]["tag"][0]["code"], "SUBSETTED");
        answer.as_object().unwrap().keys().cloned().collect()
    }

    #[test]
    fn elements_are_those_asked_for_and_the_mandatory_ones() {
        assert_eq!(
            names(&Shape::of_elements("valueQuantity,Observation.category")),
            [
                "category",
                "code",
                "id",
                "meta",
                "resourceType",
                "status",
                "valueQuantity"
            ]
        );
        assert_eq!(
            names(&Shape::of_elements("value,effective")),
            [
                "_effectiveDateTime",
                "code",
                "effectiveDateTime",
                "id",
                "meta",
                "resourceType",
                "status",
                "valueQuantity"
            ]
        );
    }

    #[test]
    fn numbers_stay_as_they_were_written() {
        let whole = r#"{"id":"x","resourceType":"Observation","valueQuantity":{"value":36.50},"device":{}}"#;
        let cut = Shape::of_elements("value").cut_answer(whole.as_bytes()).unwrap();
        assert!(cut.starts_with(r#"{"resourceType":"Observation","id":"x""#), "{cut}");
        assert!(
            cut.contains(r#""valueQuantity":{"value":36.50}"#) && !cut.contains("device"),
            "{cut}"
        );
    }

    #[test]
    fn a_summary_leaves_out_what_r4_does_not_mark() {
        let shape = Shape::of_summary("true").unwrap().unwrap();
        let names = names(&shape);
        assert!(names.contains(&"valueQuantity".to_owned()) && !names.contains(&"device".to_owned()));
        assert_eq!(Shape::of_summary("false"), Ok(None));
        assert!(Shape::of_summary("yes").is_err());
    }

    #[test]
    fn a_bundle_is_cut_in_its_matches_and_counted() {
        let bundle = json!({"resourceType": "Bundle", "entry": [
            {"resource": observation(), "search": {"mode": "match"}},
            {"resource": observation(), "search": {"mode": "include"}},
        ]});
        let cut = cut_of(&Shape::Text, &bundle);
        assert!(cut["entry"][0]["resource"].get("valueQuantity").is_none());
        assert!(cut["entry"][1]["resource"].get("valueQuantity").is_some());
        let counted = cut_of(&Shape::Count, &bundle);
        assert_eq!((counted["total"].as_u64(), counted.get("entry")), (Some(1), None));
    }
}
