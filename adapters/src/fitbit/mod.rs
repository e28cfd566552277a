//! Fitbit: the old Web API, which was switched off on 2026-11-02 and answers 410 since, with its notices; and the shapes of its logs,
//! which archives have too.
//!
//! What was answered before is read again; a link that still stands learns what came after it.

mod answers;
pub(crate) mod coverage;
pub(crate) mod local;
pub(crate) mod log;
mod notice;

use model::time::DAY_MS;
use model::{LocalDay, Metric, UtcMillis};
use serde::Deserialize;
use serde_json::Value;

use crate::cloud::{
    Account, AccountFrom, Ask, Call, Cloud, Facts, Heard, NotAnAnswer, NotHeard, Refused, Request, Sends, Series,
    Successor,
};
use crate::{Adapter, AdapterError, Coverage, Input, Reading, Sink, pull};
use coverage::{Makes, RESOURCES, named};

/// The old Web API.
#[derive(Clone, Copy, Debug)]
pub struct Fitbit;

const NAME: &str = "fitbit";

/// 2026-11-02: since then every call is answered 410 (facts 0).
const SWITCHED_OFF: UtcMillis = UtcMillis(1_793_577_600_000);

static FACTS: Facts = Facts {
    authorize: "https://www.fitbit.com/oauth2/authorize",
    token: "https://api.fitbit.com/oauth2/token",
    revoke: "https://api.fitbit.com/oauth2/revoke",
    api: "https://api.fitbit.com",
    keys: None,
    parameters: &[],
    scopes: &["profile"],
    refresh_names_return: false,
    exchange_names_scopes: false,
    // Of a client that has a secret (5.1).
    client_in_header: true,
    kept_status: 204,
    // Subscriptions, "Security": 404 for a signature that does not hold (5.3).
    refused_status: 404,
    // 150 an hour, the first of them at once.
    account_per_minute: 2,
    account_burst: 30,
    all_per_minute: 6_000,
};

static SERIES: std::sync::LazyLock<Vec<Series>> =
    std::sync::LazyLock::new(|| RESOURCES.iter().map(|resource| resource.series).collect());

impl Adapter for Fitbit {
    fn name(&self) -> &'static str {
        NAME
    }

    fn mapping_version(&self) -> u32 {
        coverage::MAPPING_VERSION
    }

    fn describes(&self) -> &'static str {
        "answers of the Fitbit Web API"
    }

    fn coverage(&self) -> Coverage {
        coverage::coverage()
    }

    fn recognises(&self, input: &Input<'_>) -> bool {
        pull::recognises(NAME, input)
    }

    fn read(&self, input: &Input<'_>, sink: &mut dyn Sink) -> Result<Reading, AdapterError> {
        pull::read(NAME, &answers::Answers, input, sink)
    }
}

/// A refusal, of the API and of the authorization server alike.
#[derive(Deserialize)]
struct Refusal {
    errors: Vec<Error>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Error {
    #[serde(default)]
    error_type: String,
}

/// What a call says, without its signature, which no bytes of a fuzzer have.
#[doc(hidden)]
pub fn heard(body: &[u8]) -> Result<Heard, NotHeard> {
    notice::read(body)
}

impl Cloud for Fitbit {
    fn title(&self) -> [&'static str; 2] {
        ["Fitbit", "Fitbit"]
    }

    fn about(&self) -> [&'static str; 2] {
        [
            "Fitbit のサービスは2026年11月2日に終わり、Google ヘルスに引き継がれました。",
            "Fitbit's service ended on 2 November 2026; Google Health continues it.",
        ]
    }

    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn series(&self) -> &'static [Series] {
        &SERIES
    }

    fn metrics(&self, series: &str) -> Vec<Metric> {
        let becomes = named(series).map(coverage::Resource::becomes).unwrap_or_default();
        becomes.into_iter().map(|(metric, _)| metric).collect()
    }

    fn successor(&self) -> Option<Successor> {
        Some(Successor {
            name: "google-health",
            from: SWITCHED_OFF,
        })
    }

    fn request(&self, ask: &Ask<'_>, page: Option<&str>) -> Request {
        let day = |at: UtcMillis| LocalDay(i32::try_from(at.0.div_euclid(DAY_MS)).unwrap_or(0)).to_string();
        let (first, last) = (day(ask.start), day(ask.end.plus(-DAY_MS)));
        let series = ask.series;
        let mut parameters: Vec<(&'static str, String)> = Vec::new();
        let path = match named(series).map(|resource| resource.makes) {
            Some(Makes::Minutes(..)) => format!("/1/user/-/{series}/date/{first}/1d/1min.json"),
            Some(Makes::Heart) => format!("/1/user/-/{series}/date/{first}/1d/1sec.json"),
            Some(Makes::Exercise) => {
                let (after, offset) = page.and_then(|page| page.split_once(':')).unwrap_or((&first, "0"));
                parameters = vec![
                    ("afterDate", after.to_owned()),
                    ("sort", "asc".to_owned()),
                    ("offset", offset.to_owned()),
                    ("limit", "100".to_owned()),
                ];
                format!("/1/user/-/{series}.json")
            }
            Some(Makes::Sleep) => format!("/1.2/user/-/{series}/date/{first}/{last}.json"),
            _ => format!("/1/user/-/{series}/date/{first}/{last}.json"),
        };
        Request {
            path,
            sends: Sends::Query(parameters),
        }
    }

    fn next_page(&self, answer: &[u8]) -> Result<Option<String>, NotAnAnswer> {
        let answer: Value = serde_json::from_slice(answer).map_err(|_| NotAnAnswer)?;
        if answer.get("errors").is_some() || !(answer.is_object() || answer.is_array()) {
            return Err(NotAnAnswer);
        }
        let next = answer
            .pointer("/pagination/next")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let query = next.split_once('?').map_or("", |(_, query)| query);
        let part = |name: &str| {
            let mut parts = query.split('&').filter_map(|part| part.split_once('='));
            parts
                .find(|(theirs, _)| *theirs == name)
                .map(|(_, value)| value.to_owned())
        };
        Ok(part("afterDate")
            .zip(part("offset"))
            .map(|(after, offset)| format!("{after}:{offset}")))
    }

    fn account_from(&self) -> AccountFrom {
        let request = Request {
            path: "/1/user/-/profile.json".to_owned(),
            sends: Sends::Query(Vec::new()),
        };
        AccountFrom::Request(request, |answer| {
            let profile: Value = serde_json::from_slice(answer).ok()?;
            let user = profile.get("user")?;
            let account = Account::named(user.get("encodedId")?.as_str()?)?;
            Some(Account {
                zone: local::zone_of(user),
                ..account
            })
        })
    }

    fn refused(&self, answer: &[u8]) -> Option<Refused> {
        let refusal: Refusal = serde_json::from_slice(answer).ok()?;
        let is_not_given = |error: &Error| {
            matches!(
                error.error_type.as_str(),
                "insufficient_scope" | "insufficient_permissions"
            )
        };
        refusal.errors.iter().any(is_not_given).then_some(Refused::NotGiven)
    }

    fn token_error(&self, answer: &[u8]) -> Option<String> {
        let refusal: Refusal = serde_json::from_slice(answer).ok()?;
        Some(refusal.errors.into_iter().next()?.error_type)
    }

    fn hear(&self, call: &Call<'_>) -> Result<Heard, NotHeard> {
        notice::hear(call)
    }
}

#[cfg(test)]
mod tests;
