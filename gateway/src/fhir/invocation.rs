//! An operation as it is invoked (R-130): by GET or by a form with primitive parameters, or by POST with a Parameters resource.
//! All three say the same, so they become the same names and values as a search's.

use axum::extract::{FromRequest, Request};
use axum::http::{Method, header};
use serde_json::Value;

use super::parameters::{Handling, shown};
use super::search::Sent;
use super::{FhirError, urls};

/// Parameters of a Parameters resource at most.
const MOST_PARAMETERS: usize = 200;

/// What an operation was given.
pub struct Invocation(pub Sent);

impl<S: Send + Sync> FromRequest<S> for Invocation {
    type Rejection = FhirError;

    async fn from_request(request: Request, state: &S) -> Result<Self, FhirError> {
        let media = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split(';').next())
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        let is_json = matches!(
            media.as_str(),
            "application/fhir+json" | "application/json" | "text/json"
        );
        if request.method() != Method::POST || !is_json {
            return Sent::from_request(request, state).await.map(Self);
        }
        let mut pairs = urls::decode(request.uri().query().unwrap_or_default());
        let handling = Handling::of(request.headers());
        let body = axum::body::Bytes::from_request(request, state)
            .await
            .map_err(|_| FhirError::UnsupportedBody)?;
        pairs.extend(pairs_of(&body)?);
        Ok(Self(Sent { pairs, handling }))
    }
}

fn bad(parameter: &str, problem: &str) -> FhirError {
    FhirError::bad(&shown(parameter), problem)
}

/// Names and values of a Parameters resource.
fn pairs_of(body: &[u8]) -> Result<Vec<(String, String)>, FhirError> {
    let body: Value = serde_json::from_slice(body).map_err(|_| bad("body", "is not JSON"))?;
    if body["resourceType"] != "Parameters" {
        return Err(bad("body", "a resource of type Parameters is allowed"));
    }
    let given = match &body["parameter"] {
        Value::Null => return Ok(Vec::new()),
        Value::Array(given) if given.len() <= MOST_PARAMETERS => given,
        _ => return Err(bad("body", "`parameter` is a list of at most 200")),
    };
    let mut pairs = Vec::with_capacity(given.len());
    for parameter in given {
        let name = parameter["name"]
            .as_str()
            .ok_or_else(|| bad("body", "each parameter has a name"))?;
        let members = parameter.as_object().into_iter().flatten();
        let mut values = members.filter_map(|(key, value)| Some((key.strip_prefix("value")?, value)));
        let (Some((kind, value)), None) = (values.next(), values.next()) else {
            return Err(bad(name, "one value is needed"));
        };
        read(&mut pairs, name, kind, value).ok_or_else(|| {
            bad(
                name,
                "a primitive, a Coding with system and code, a Period or a Reference is allowed",
            )
        })?;
    }
    Ok(pairs)
}

/// Adds what one value says; `None` for what says nothing here.
fn read(pairs: &mut Vec<(String, String)>, name: &str, kind: &str, value: &Value) -> Option<()> {
    let mut add = |name: &str, value: String| pairs.push((name.to_owned(), value));
    match (kind, value) {
        ("Coding", Value::Object(coding)) => {
            let code = coding.get("code")?.as_str()?;
            match coding.get("system") {
                Some(system) => add(name, format!("{}|{}", escaped(system.as_str()?), escaped(code))),
                None => add(name, escaped(code)),
            }
        }
        // The time of what is counted, as two dates.
        ("Period", Value::Object(period)) => {
            for (bound, prefix) in [("start", "ge"), ("end", "le")] {
                if let Some(at) = period.get(bound) {
                    add("date", format!("{prefix}{}", at.as_str()?));
                }
            }
        }
        ("Reference", Value::Object(reference)) => add(name, reference.get("reference")?.as_str()?.to_owned()),
        (_, Value::String(text)) => add(name, text.clone()),
        (_, Value::Number(number)) => add(name, number.to_string()),
        (_, Value::Bool(is)) => add(name, is.to_string()),
        _ => return None,
    }
    Some(())
}

/// A text that is no list and has no parts, whatever it holds.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | ',' | '|' | '$') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pairs(body: &str) -> Result<Vec<(String, String)>, String> {
        pairs_of(body.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_resource_says_what_an_address_would() {
        let body = r#"{"resourceType":"Parameters","parameter":[
            {"name":"subject","valueUri":"Patient/p1"},
            {"name":"coding","valueCoding":{"system":"http://loinc.org","code":"8867-4"}},
            {"name":"statistic","valueCode":"average"},
            {"name":"duration","valueDecimal":24.5},
            {"name":"include","valueBoolean":true},
            {"name":"period","valuePeriod":{"start":"2026-05-01","end":"2026-05-10"}}]}"#;
        let said: Vec<String> = pairs(body)
            .unwrap()
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!(
            said,
            [
                "subject=Patient/p1",
                "coding=http://loinc.org|8867-4",
                "statistic=average",
                "duration=24.5",
                "include=true",
                "date=ge2026-05-01",
                "date=le2026-05-10"
            ]
        );
        assert_eq!(pairs(r#"{"resourceType":"Parameters"}"#), Ok(Vec::new()));
    }

    #[test]
    fn what_is_no_parameters_resource_is_refused_with_where() {
        for (body, said) in [
            ("{", "parameter `body`: is not JSON"),
            ("[]", "parameter `body`: a resource of type Parameters is allowed"),
            (
                r#"{"resourceType":"Bundle"}"#,
                "parameter `body`: a resource of type Parameters is allowed",
            ),
            (
                r#"{"resourceType":"Parameters","parameter":{}}"#,
                "parameter `body`: `parameter` is a list of at most 200",
            ),
            (
                r#"{"resourceType":"Parameters","parameter":[{}]}"#,
                "parameter `body`: each parameter has a name",
            ),
            (
                r#"{"resourceType":"Parameters","parameter":[{"name":"code"}]}"#,
                "parameter `code`: one value is needed",
            ),
            (
                r#"{"resourceType":"Parameters","parameter":[{"name":"code","valueCoding":{}}]}"#,
                "parameter `code`: a primitive, a Coding with system and code, a Period or a Reference is allowed",
            ),
        ] {
            assert_eq!(pairs(body), Err(said.to_owned()), "{body}");
        }
    }

    #[test]
    fn a_coding_is_one_coding_whatever_it_holds() {
        let mut said = Vec::new();
        let coding = serde_json::json!({"system": "a|b", "code": "c,d"});
        read(&mut said, "coding", "Coding", &coding).unwrap();
        assert_eq!(
            super::super::token::parse(&said[0].1),
            Some(vec![super::super::token::Token::Coding {
                system: "a|b".to_owned(),
                code: "c,d".to_owned()
            }])
        );
    }

    proptest! {
        #[test]
        fn no_body_panics(body in "\\PC{0,60}", name in "\\PC{0,10}", value in "\\PC{0,10}") {
            let _ = pairs(&body);
            let _ = pairs(&serde_json::json!({
                "resourceType": "Parameters", "parameter": [{"name": name, "valueString": value}],
            }).to_string());
        }
    }
}
