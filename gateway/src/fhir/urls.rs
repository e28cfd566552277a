//! Addresses of the FHIR face, from the URL that apps use.

use model::UtcMillis;

use crate::state::AppState;

/// The resource type that a path below the base names; empty when it names none.
pub fn resource_type(path: &str) -> &str {
    path.trim_start_matches("/fhir/r4/")
        .split('/')
        .next()
        .unwrap_or_default()
}

/// The FHIR base, without a slash at its end.
pub fn base(state: &AppState) -> String {
    format!("{}/fhir/r4", state.config.http.public_url)
}

/// Names and values as a query string.
pub fn encode(pairs: &[(String, String)]) -> String {
    let mut url = blank();
    if !pairs.is_empty() {
        url.query_pairs_mut().extend_pairs(pairs);
    }
    url.query().unwrap_or_default().to_owned()
}

/// A query string, or the body of a form, as names and values (`application/x-www-form-urlencoded`).
pub fn decode(query: &str) -> Vec<(String, String)> {
    let mut url = blank();
    url.set_query(Some(query));
    url.query_pairs()
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}

#[expect(clippy::expect_used, reason = "a fixed URL is valid")]
fn blank() -> reqwest::Url {
    reqwest::Url::parse("http://base/").expect("a valid URL")
}

/// An instant as HTTP writes it (RFC 9110 section 5.6.7), to the second below.
pub fn http_date(instant: UtcMillis) -> Option<String> {
    let timestamp = jiff::Timestamp::from_millisecond(instant.floor_second().0).ok()?;
    Some(timestamp.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_instant_is_written_as_http_wants_it() {
        assert_eq!(
            http_date(UtcMillis(784_111_777_999)).as_deref(),
            Some("Sun, 06 Nov 1994 08:49:37 GMT")
        );
    }

    #[test]
    fn a_plus_in_a_query_is_a_space() {
        assert_eq!(
            decode("date=ge2026-11-23T08:00:00+09:00")[0].1,
            "ge2026-11-23T08:00:00 09:00"
        );
        assert_eq!(
            decode("code=a%7Cb&code=&x"),
            [
                ("code".to_owned(), "a|b".to_owned()),
                ("code".to_owned(), String::new()),
                ("x".to_owned(), String::new()),
            ]
        );
    }

    proptest! {
        #[test]
        fn what_is_encoded_reads_back(pairs in proptest::collection::vec((".{1,8}", ".{0,20}"), 0..6)) {
            prop_assert_eq!(decode(&encode(&pairs)), pairs);
        }

        #[test]
        fn no_query_panics(query in ".{0,60}") {
            let _ = decode(&query);
        }
    }
}
