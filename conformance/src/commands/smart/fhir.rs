//! The FHIR endpoint with and without a token.

use reqwest::Method;
use reqwest::header::WWW_AUTHENTICATE;

use super::Setting;
use super::report::{Finding, Report, hold};
use super::tokens::Tokens;

const GROUP: &str = "FHIR";

const OPEN: [(&str, &str); 3] = [
    ("the CapabilityStatement needs no token", "FHIR R4 http"),
    ("without a token: 401 with a challenge", "RFC 6750 3"),
    ("a token that is none: 401 with invalid_token", "RFC 6750 3.1"),
];

const WITH_TOKEN: [(&str, &str); 5] = [
    ("the granted data is read", "SMART 2.2 access"),
    ("the patient of the launch context is read", "SMART 2.2 launch context"),
    ("another patient's id is not found", "SMART 2.2 scopes"),
    ("a resource outside the scopes is refused or empty", "SMART 2.2 scopes"),
    ("a living token in the address opens nothing", "RFC 9700 4.3.2"),
];

/// Runs the cases.
pub async fn run(setting: &Setting<'_>, tokens: Option<&Tokens>, report: &mut Report) {
    let base = setting.arguments.base.trim_end_matches('/');
    for ((name, source), finding) in OPEN.into_iter().zip(open(setting, base).await) {
        report.found(GROUP, name, source, finding);
    }
    match tokens {
        Some(tokens) => {
            for ((name, source), finding) in WITH_TOKEN.into_iter().zip(with_token(setting, base, tokens).await) {
                report.found(GROUP, name, source, finding);
            }
        }
        None => report.skip(GROUP, &WITH_TOKEN, "there is no token"),
    }
}

async fn open(setting: &Setting<'_>, base: &str) -> [Finding; 3] {
    let client = &setting.client;
    let search = format!("{base}/Observation?code={}", setting.arguments.code);
    let metadata = client.get(&format!("{base}/metadata")).await;
    let none = client.get(&search).await;
    let wrong = client
        .send(Method::GET, &search, |request| request.bearer_auth("not-a-token"))
        .await;
    [
        metadata.and_then(|answer| {
            hold(
                answer.status == 200 && answer.json()["resourceType"] == "CapabilityStatement",
                || format!("answered {}", answer.status),
            )
        }),
        none.and_then(|answer| {
            hold(
                answer.status == 401 && answer.header(WWW_AUTHENTICATE).starts_with("Bearer"),
                || format!("answered {}", answer.status),
            )
        }),
        wrong.and_then(|answer| {
            hold(
                answer.status == 401 && answer.header(WWW_AUTHENTICATE).contains("invalid_token"),
                || format!("answered {}", answer.status),
            )
        }),
    ]
}

async fn with_token(setting: &Setting<'_>, base: &str, tokens: &Tokens) -> [Finding; 5] {
    let read = async |path: String| {
        setting
            .client
            .send(Method::GET, &format!("{base}/{path}"), |request| {
                request.bearer_auth(&tokens.access)
            })
            .await
    };
    let granted = read(format!("Observation?code={}&_count=1", setting.arguments.code)).await;
    let patient = read(format!("Patient/{}", tokens.patient)).await;
    let other = read(format!("Patient/{}", setting.arguments.other_patient)).await;
    let in_address = format!(
        "{base}/Observation?code={}&access_token={}",
        setting.arguments.code, tokens.access
    );
    let in_address = setting.client.get(&in_address).await;
    let outside = read("MedicationRequest?_count=1".to_owned()).await;
    [
        granted.and_then(|answer| {
            let entries = answer.json()["entry"].as_array().map_or(0, Vec::len);
            hold(answer.status == 200 && entries > 0, || {
                format!("answered {} with {entries} entries", answer.status)
            })
        }),
        patient.and_then(|answer| {
            hold(answer.status == 200 && answer.member("id") == tokens.patient, || {
                format!("answered {}", answer.status)
            })
        }),
        other.and_then(|answer| {
            hold(answer.status == 404 || answer.status == 403, || {
                format!("answered {}", answer.status)
            })
        }),
        outside.and_then(|answer| {
            let empty = answer.json()["entry"].as_array().is_none_or(Vec::is_empty);
            hold(
                answer.status.is_client_error() || answer.status.is_success() && empty,
                || format!("answered {}", answer.status),
            )
        }),
        in_address.and_then(|answer| {
            hold(answer.status == 401 || answer.status == 400, || {
                format!("answered {}", answer.status)
            })
        }),
    ]
}
