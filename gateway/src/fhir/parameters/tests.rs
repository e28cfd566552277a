//! What a search says is what was read of it.

use super::*;
use proptest::prelude::*;

const BASE: &str = "https://example.org/fhir/r4";

fn read(query: &str, handling: Handling) -> Result<Parameters, FhirError> {
    Parameters::read("Observation", BASE, &super::super::urls::decode(query), handling)
}

fn lenient(query: &str) -> Parameters {
    read(query, Handling::Lenient).unwrap()
}

#[test]
fn the_capability_statement_offers_exactly_the_parameters_that_parse() {
    let mut every: Vec<&str> = OFFERED
        .iter()
        .flat_map(|resource| resource.search)
        .map(|offered| offered.name)
        .collect();
    every.extend(["_has", "_filter", "_list", "_text", "_cursor"]);
    for resource in OFFERED {
        for name in &every {
            let value = match *name {
                "date" | "_lastUpdated" | "period" | "authored" => "ge2026-05-10",
                "_count" => "10",
                "_sort" => "-date",
                "value-quantity" => "gt5",
                "_summary" => "true",
                "_total" => "accurate",
                "_include" => "Observation:device",
                "_revinclude" => "Provenance:target",
                _ => "x",
            };
            let pairs = [((*name).to_owned(), value.to_owned())];
            let read = Parameters::read(resource.name, BASE, &pairs, Handling::Strict);
            let offered = resource.search.iter().any(|parameter| parameter.name == *name);
            assert_eq!(read.is_ok(), offered, "{name} of {}", resource.name);
            if let Ok(read) = read {
                assert_eq!(read.used, pairs);
                assert_ne!(
                    Parameters {
                        used: Vec::new(),
                        ..read
                    },
                    Parameters::default(),
                    "{name} changes nothing"
                );
            }
        }
    }
}

#[test]
fn what_is_not_offered_is_refused_when_strict_and_else_left_out_and_named() {
    let error = read("code=x&foo=1", Handling::Strict).unwrap_err();
    assert!(matches!(error, FhirError::UnknownParameter { parameter } if parameter == "foo"));
    let read = lenient("code=x&foo=1&_sort=status");
    assert_eq!(read.ignored, ["foo", "_sort"]);
    assert_eq!(read.used, [("code".to_owned(), "x".to_owned())]);
}

#[test]
fn a_modifier_or_a_chain_is_refused_however_lenient() {
    for query in [
        "code:text=x",
        "code:missing=true",
        "foo:bar=1",
        "patient.name=x",
        "_has:Provenance:target:agent=x",
    ] {
        assert!(
            matches!(read(query, Handling::Lenient), Err(FhirError::UnknownParameter { .. })),
            "{query}"
        );
    }
    assert!(lenient("subject:Patient=p1").is_about("p1"));
}

#[test]
fn a_value_that_cannot_be_read_is_refused() {
    for query in [
        "date=soon",
        "date=2026-01-01,2026-01-02",
        "_count=-1",
        "_count=many",
        "_count=1&_count=2",
        "code=%7C",
        "category=a,",
        "_sort=date&_sort=-date",
        "_lastUpdated=2026-13",
    ] {
        assert!(
            matches!(read(query, Handling::Lenient), Err(FhirError::BadParameter { .. })),
            "{query}"
        );
    }
}

#[test]
fn a_patient_is_named_in_each_of_the_three_ways() {
    for query in [
        "patient=p1",
        "patient=Patient/p1",
        "subject=https://example.org/fhir/r4/Patient/p1",
        "patient=p2,p1",
    ] {
        assert!(lenient(query).is_about("p1"), "{query}");
    }
    for query in [
        "patient=p2",
        "patient=Group/p1",
        "patient=p1&subject=p2",
        "subject=https://other.example/fhir/r4/Patient/p1",
    ] {
        assert!(!lenient(query).is_about("p1"), "{query}");
    }
    assert!(lenient("code=x").is_about("p1"));
}

#[test]
fn repeated_is_and_a_comma_is_or_and_empty_is_nothing() {
    let read = lenient("code=a,b&code=c&category=&_id=1,2,2&_id=2,3");
    assert_eq!(read.codes.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
    assert!(read.categories.is_empty());
    assert_eq!(read.wanted_ids(), Some(vec!["2"]));
    assert_eq!(lenient("code=a").wanted_ids(), None);
}

#[test]
fn a_page_has_at_most_a_thousand_entries_and_the_link_says_so() {
    assert_eq!(lenient("").count(), 100);
    assert_eq!(lenient("_count=0").count(), 0);
    let read = lenient("_count=99999999999");
    assert_eq!((read.count(), read.used[0].1.as_str()), (1_000, "1000"));
}

#[test]
fn only_a_date_without_a_zone_needs_the_home_zone() {
    assert!(lenient("date=ge2026-05-10").needs_zone());
    assert!(lenient("date=2026-05-10T08:00").needs_zone());
    assert!(!lenient("date=2026-05-10T08:00Z&_lastUpdated=gt2026-05-10T08:00:00%2B09:00").needs_zone());
    assert!(!lenient("date=2026-05-10T08:00:00+09:00").needs_zone());
}

#[test]
fn strict_is_strict_in_whatever_company() {
    let of = |value: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("prefer", value.parse().unwrap());
        Handling::of(&headers)
    };
    assert_eq!(of("return=minimal, handling=strict"), Handling::Strict);
    assert_eq!(of("handling=lenient"), Handling::Lenient);
    assert_eq!(Handling::of(&HeaderMap::new()), Handling::Lenient);
}

#[test]
fn a_search_has_its_limits() {
    let ids = vec!["x"; 101].join(",");
    assert!(matches!(
        read(&format!("_id={ids}"), Handling::Lenient),
        Err(FhirError::TooWide { .. })
    ));
    assert!(matches!(
        read(&format!("code={}", "x".repeat(5_000)), Handling::Lenient),
        Err(FhirError::TooWide { .. })
    ));
}

proptest! {
    #[test]
    fn no_parameter_panics(name in "(code|date|category|patient|_id|_count|_sort|_lastUpdated|.{0,8})", value in ".{0,30}") {
        let _ = Parameters::read("Observation", BASE, &[(name, value)], Handling::Lenient);
    }

    #[test]
    fn what_was_used_asks_for_the_same_again(
        parts in proptest::collection::vec(
            ("(code|date|category|patient|_id|_count|_sort|foo)", "(a|http://x\\|b|ge2026-05-10|7|-date|a,b)"), 0..5,
        ),
    ) {
        if let Ok(read) = Parameters::read("Observation", BASE, &parts, Handling::Lenient) {
            let again = Parameters::read("Observation", BASE, &read.used, Handling::Strict).unwrap();
            prop_assert_eq!(Parameters { ignored: Vec::new(), ..read }, again);
        }
    }
}
