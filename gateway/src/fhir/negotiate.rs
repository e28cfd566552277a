//! Which representation an answer has: JSON of FHIR 4.0 and nothing else, under the name that was asked for.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::{CONTENT_TYPE, FhirError, urls};

/// Refuses a request that accepts nothing we have, before anything is read for it.
pub async fn negotiate(request: Request, next: Next) -> Response {
    let format = request
        .uri()
        .query()
        .and_then(|query| urls::decode(query).into_iter().find(|(name, _)| name == "_format"))
        .map(|(_, value)| value);
    let chosen = match format {
        Some(format) => of_format(&format),
        // A Binary comes as what it is, which any name of it may ask for.
        None if urls::resource_type(request.uri().path()) == "Binary" => {
            of_accept(request.headers()).or(Some(CONTENT_TYPE))
        }
        None => of_accept(request.headers()),
    };
    let Some(content_type) = chosen else {
        return FhirError::NotAcceptable.into_response();
    };
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|given| given == CONTENT_TYPE)
    {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    response
}

/// True where JSON is asked for by its name, in the address or in `Accept`, and not only taken among everything else.
pub fn names_json(query: &str, headers: &HeaderMap) -> bool {
    let in_address = urls::decode(query)
        .iter()
        .any(|(name, value)| name == "_format" && !value.is_empty() && of_format(value).is_some());
    let ranges = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut ranges = ranges.flat_map(|value| value.split(','));
    in_address || ranges.any(|range| !range.contains('*') && of_range(range.trim()).is_some())
}

/// The content type for a value of `_format`; `None` when we do not have it. A space stands where `+` was not encoded.
pub fn of_format(format: &str) -> Option<&'static str> {
    match format.split(';').next().unwrap_or_default().trim() {
        "" | "json" | "application/fhir+json" | "application/fhir json" => Some(CONTENT_TYPE),
        "application/json" => Some("application/json"),
        "text/json" => Some("text/json"),
        _ => None,
    }
}

fn of_accept(headers: &HeaderMap) -> Option<&'static str> {
    let mut best: Option<(u16, &'static str)> = None;
    let mut asked = false;
    for value in headers.get_all(header::ACCEPT) {
        let Ok(value) = value.to_str() else { continue };
        for range in value.split(',').map(str::trim).filter(|range| !range.is_empty()) {
            asked = true;
            if let Some((weight, content_type)) = of_range(range)
                && best.is_none_or(|(heaviest, _)| weight > heaviest)
            {
                best = Some((weight, content_type));
            }
        }
    }
    match best {
        Some((_, content_type)) => Some(content_type),
        None => (!asked).then_some(CONTENT_TYPE),
    }
}

/// Weight in thousandths and content type of one range of `Accept`; `None` when it is not ours or has no weight.
fn of_range(range: &str) -> Option<(u16, &'static str)> {
    let mut parts = range.split(';').map(str::trim);
    let content_type = match parts.next()?.to_ascii_lowercase().as_str() {
        "*/*" | "application/*" | "application/fhir+json" | "application/json+fhir" => CONTENT_TYPE,
        "application/json" => "application/json",
        "text/json" => "text/json",
        _ => return None,
    };
    let mut weight = 1_000;
    for part in parts {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let value = value.trim_matches('"');
        if name.eq_ignore_ascii_case("fhirVersion") && value != "4.0" {
            return None;
        }
        if name.eq_ignore_ascii_case("q") {
            let share: f32 = value.parse().ok().filter(|share| (0.0..=1.0).contains(share))?;
            weight = (share * 1_000.0) as u16;
        }
    }
    (weight > 0).then_some((weight, content_type))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn accept(value: &str) -> Option<&'static str> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_str(value).unwrap());
        of_accept(&headers)
    }

    #[test]
    fn json_of_fhir_four_is_given_under_the_name_that_was_asked_for() {
        for (asked, given) in [
            ("application/fhir+json", Some(CONTENT_TYPE)),
            ("application/fhir+json; fhirVersion=4.0", Some(CONTENT_TYPE)),
            ("application/fhir+json; fhirVersion=5.0", None),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Some(CONTENT_TYPE)),
            ("application/json", Some("application/json")),
            ("text/json;q=0.5, application/json;q=0.9", Some("application/json")),
            ("application/fhir+xml", None),
            ("application/fhir+json;q=0", None),
            ("application/fhir+json;q=soon", None),
            ("", Some(CONTENT_TYPE)),
        ] {
            assert_eq!(accept(asked), given, "{asked}");
        }
        assert_eq!(of_accept(&HeaderMap::new()), Some(CONTENT_TYPE));
    }

    #[test]
    fn xml_and_turtle_are_not_formats_of_ours() {
        for (asked, given) in [
            ("json", true),
            ("application/fhir json", true),
            ("xml", false),
            ("ttl", false),
            ("html", false),
        ] {
            assert_eq!(of_format(asked).is_some(), given, "{asked}");
        }
    }

    proptest! {
        #[test]
        fn no_range_panics(range in "[ -~]{0,40}") {
            let _ = of_range(&range);
        }
    }
}
