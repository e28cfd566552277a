//! Whatever is asked, the answer is never our own fault: random addresses, parameters, forms and headers, and no 5xx.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::*;

/// A request: method, address, header name and value, form.
type Asked = (Method, String, (&'static str, String), String);

fn names() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "patient",
        "subject",
        "code",
        "category",
        "date",
        "_lastUpdated",
        "_id",
        "status",
        "device",
        "value-quantity",
        "component-code",
        "_count",
        "_sort",
        "_summary",
        "_elements",
        "_total",
        "_include",
        "_revinclude",
        "_cursor",
        "_format",
        "_since",
        "start",
        "end",
        "_type",
        "max",
        "statistic",
        "duration",
        "target",
        "_pretty",
        "period",
    ]);
    prop_oneof![8 => known.prop_map(str::to_owned), 1 => "[a-z_:.\\[\\]]{0,12}"]
}

fn values() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "8867-4",
        "http://loinc.org|8867-4",
        "daily_step_count",
        "activity",
        "ge2024-05-10",
        "2024",
        "final",
        "gt60||/min",
        "0",
        "1",
        "1000",
        "99999999999999999999",
        "-date",
        "true",
        "count",
        "accurate",
        "Observation:device",
        "Provenance:target",
        "Patient/x",
        "2024-05-10T00:00:00Z",
        "average",
        "24",
        "1e309",
        "-1",
        "9999-12-31",
        "0001-01-01",
        "ap2024-02-29",
        "5.4|http://unitsofmeasure.org|kg",
        "9223372036854775807",
        "-9223372036854775808",
        "\u{0}",
        "あ",
        "\\,\\|\\$",
        "%",
        "+09:00",
    ]);
    prop_oneof![8 => known.prop_map(str::to_owned), 2 => ".{0,24}"]
}

fn asked(id: String, patient: String) -> impl Strategy<Value = Asked> {
    let paths = vec![
        "Observation".to_owned(),
        "Observation/_search".to_owned(),
        "Observation/$lastn".to_owned(),
        "Observation/$stats".to_owned(),
        format!("Observation/{id}"),
        format!("Observation/{id}/_history"),
        format!("Observation/{id}/_history/1"),
        format!("Patient/{patient}"),
        format!("Patient/{patient}/$everything"),
        format!("Patient/{patient}/$explain"),
        "Patient".to_owned(),
        "Device".to_owned(),
        "Provenance".to_owned(),
        format!("Provenance?target=Observation/{id}"),
        "Consent".to_owned(),
        "metadata".to_owned(),
    ];
    let path = prop_oneof![8 => prop::sample::select(paths), 1 => "[A-Za-z0-9/$_.!~-]{0,40}"];
    let query = prop::collection::vec((names(), values()), 0..5);
    let methods =
        prop_oneof![6 => Just(Method::GET), 3 => Just(Method::POST), 1 => Just(Method::HEAD), 1 => Just(Method::PUT)];
    let header = (
        prop::sample::select(vec![
            "accept",
            "if-none-match",
            "if-modified-since",
            "prefer",
            "content-type",
            "sekisho-reader",
        ]),
        "[ -~]{0,30}",
    );
    (methods, path, query, header, any::<bool>()).prop_map(|(method, path, query, header, by_form)| {
        let encoded = crate::fhir::urls::encode(&query);
        if by_form && method == Method::POST {
            return (
                method,
                path,
                ("content-type", "application/x-www-form-urlencoded".to_owned()),
                encoded,
            );
        }
        let joint = if path.contains('?') { '&' } else { '?' };
        (method, format!("{path}{joint}{encoded}"), header, String::new())
    })
}

#[tokio::test]
async fn nothing_that_is_asked_is_our_own_fault() {
    let world = World::new().await;
    let granted = world.given(Given::default()).await;
    let id = ids(&[world.found(&granted, "Observation?_count=1").await]).remove(0);
    let strategy = asked(id, world.patient(&granted));
    let mut runner = TestRunner::deterministic();
    let (mut answered, mut worked) = (0, 0);
    for _ in 0..1_500 {
        let (method, path, (name, value), form) = strategy.new_tree(&mut runner).unwrap().current();
        let request = request(method.clone(), &path)
            .header(header::AUTHORIZATION, bearer(&granted))
            .header(name, value.as_bytes())
            .body(Body::from(form.clone()));
        // What is no address or no header at all does not reach us.
        let Ok(request) = request else { continue };
        let response = world.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        assert!(
            status.as_u16() < 500,
            "{method} {path} ({name}: {value}) {form}: {status}"
        );
        if method != Method::HEAD && !bytes.is_empty() {
            let body: Json = serde_json::from_slice(&bytes).unwrap_or_else(|_| panic!("{method} {path}: no JSON"));
            assert!(body["resourceType"].is_string(), "{method} {path}: {body}");
        }
        answered += 1;
        worked += u32::from(status.is_success());
    }
    assert!(
        answered > 1_200 && worked > 150,
        "{answered} answered, {worked} of them well"
    );
}
