//! The Google Health API, version 4: a cloud that is asked, and that tells when there is something to ask for.
//!
//! Asked is `list`, the points of every source as they are: which of two devices counts is decided where all sources meet. Or, where
//! an operator wants that, `reconcile`: one stream, in which the vendor decided it. Points mostly have no name, so an answer is read
//! in windows of hours or days that it names all of. What it counts of whole days is asked for besides (`dailyRollUp`).

mod coverage;
mod point;
pub(crate) mod refusal;
mod rollup;
mod source;
mod webhook;

use std::collections::BTreeSet;

use model::time::{DAY_MS, HOUR_MS};
use model::{LocalDay, Metric, Need, UtcMillis};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::cloud::{
    Account, AccountFrom, Ask, Call, Cloud, Facts, Heard, NotAnAnswer, NotHeard, Refused, Request, Sends, Series,
    ServiceCall, Subscriptions,
};
use crate::{Adapter, AdapterError, Coverage, Input, Reading, Sink, pull};
use coverage::{Kind, Type, types};
use refusal::Refusal;
pub(crate) use source::{of_anybody_else, of_this_account};

/// What is asked of the Google Health API.
#[derive(Clone, Copy, Debug)]
pub struct GoogleHealth;

const NAME: &str = "google-health";

/// The cloud that this one continues.
const CONTINUES: &str = "fitbit";

/// Points of a page: the most there can be; sessions come by 25 (3.3).
const PAGE: &str = "10000";
const SESSIONS: &str = "25";

/// A civil time is this much later than UTC at most, and this much earlier.
const EASTMOST_MS: i64 = 14 * HOUR_MS;
const WESTMOST_MS: i64 = 12 * HOUR_MS;

/// All of an electrocardiogram but its curve, of which nothing is made: some hundred curves are more than an answer may have.
const WITHOUT_CURVES: &str = "dataPoints(name,dataSource,electrocardiogram(interval,resultClassification,beatsPerMinuteAvg,\
                              leadNumber,samplingFrequencyHertz,medicalDeviceInfo)),nextPageToken";

/// The same of the merged stream, whose points have their name elsewhere and no source (3.3): a field that is not there is refused.
const MERGED_WITHOUT_CURVES: &str = "dataPoints(dataPointName,electrocardiogram(interval,resultClassification,beatsPerMinuteAvg,\
                                     leadNumber,samplingFrequencyHertz,medicalDeviceInfo)),nextPageToken";

static FACTS: Facts = Facts {
    authorize: "https://accounts.google.com/o/oauth2/v2/auth",
    token: "https://oauth2.googleapis.com/token",
    revoke: "https://oauth2.googleapis.com/revoke",
    api: "https://health.googleapis.com",
    keys: Some("https://www.gstatic.com/googlehealthapi/webhooks/webhooks_public_keyset.json"),
    // A refresh token comes only with both.
    parameters: &[("access_type", "offline"), ("prompt", "consent")],
    scopes: &["https://www.googleapis.com/auth/googlehealth.profile.readonly"],
    refresh_names_return: false,
    exchange_names_scopes: false,
    client_in_header: false,
    kept_status: 204,
    // Its probe without the secret wants one of 401 and 403 (3.6).
    refused_status: 401,
    account_per_minute: 300,
    account_burst: 300,
    all_per_minute: 120_000,
};

/// One subscription a link, of a subscriber whose policy is MANUAL (3.6).
static SUBSCRIPTIONS: Subscriptions = Subscriptions {
    scope: "https://www.googleapis.com/auth/cloud-platform",
    begin: |of| ServiceCall {
        method: "POST",
        path: format!("/v4/{}/subscriptions?subscriptionId={}", of.subscriber, of.id),
        body: Some(json!({"user": format!("users/{}", of.account), "dataTypes": data_types(of.series)})),
    },
    change: |of| ServiceCall {
        method: "PATCH",
        path: format!("/v4/{}/subscriptions/{}?updateMask=dataTypes", of.subscriber, of.id),
        body: Some(json!({"dataTypes": data_types(of.series)})),
    },
    end: |of| ServiceCall {
        method: "DELETE",
        path: format!("/v4/{}/subscriptions/{}", of.subscriber, of.id),
        body: None,
    },
};

static SERIES: std::sync::LazyLock<Vec<Series>> =
    std::sync::LazyLock::new(|| types().map(|kind| kind.series).collect());

/// What a series of this name is.
fn named(series: &str) -> Option<&'static Type> {
    types().find(|kind| kind.series.name == series)
}

/// The types that series are of, each once.
fn data_types(series: &[&str]) -> BTreeSet<&'static str> {
    let known = series.iter().filter_map(|series| named(series));
    known.map(Type::data_type).collect()
}

impl Adapter for GoogleHealth {
    fn name(&self) -> &'static str {
        NAME
    }

    fn mapping_version(&self) -> u32 {
        coverage::MAPPING_VERSION
    }

    fn describes(&self) -> &'static str {
        "answers of the Google Health API"
    }

    fn coverage(&self) -> Coverage {
        coverage::coverage()
    }

    fn recognises(&self, input: &Input<'_>) -> bool {
        pull::recognises(NAME, input)
    }

    fn read(&self, input: &Input<'_>, sink: &mut dyn Sink) -> Result<Reading, AdapterError> {
        pull::read(NAME, &point::Points, input, sink)
    }
}

/// A page of points or of days; members that are empty are left out.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page<'a> {
    #[serde(borrow, default)]
    data_points: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    rollup_data_points: Vec<&'a RawValue>,
    #[serde(default)]
    next_page_token: String,
}

/// What a call says, without its signature, which no bytes of a fuzzer have.
#[doc(hidden)]
pub fn heard(body: &[u8], now: UtcMillis) -> Result<Heard, NotHeard> {
    webhook::read(body, now)
}

impl Cloud for GoogleHealth {
    fn title(&self) -> [&'static str; 2] {
        ["Google ヘルス", "Google Health"]
    }

    fn about(&self) -> [&'static str; 2] {
        [
            "Fitbit や Pixel Watch の記録が届きます。",
            "For records of Fitbit and Pixel Watch.",
        ]
    }

    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn series(&self) -> &'static [Series] {
        &SERIES
    }

    fn metrics(&self, series: &str) -> Vec<Metric> {
        named(series).map(Type::metrics).unwrap_or_default()
    }

    fn request(&self, ask: &Ask<'_>, page: Option<&str>) -> Request {
        let kind = named(ask.series);
        if let Some(kind) = kind.filter(|kind| kind.kind == Kind::RolledUp) {
            return rollup::request(kind, ask, page);
        }
        let (filter, size) = kind.map_or((String::new(), PAGE), |kind| {
            let is_session = matches!(ask.series, "sleep" | "exercise");
            (filter(kind, ask), if is_session { SESSIONS } else { PAGE })
        });
        let mut parameters = vec![("filter", filter), ("pageSize", size.to_owned())];
        parameters.extend(page.map(|page| ("pageToken", page.to_owned())));
        if ask.series == "electrocardiogram" {
            parameters.push(("fields", WITHOUT_CURVES.to_owned()));
        }
        Request {
            path: format!("/v4/users/me/dataTypes/{}/dataPoints", ask.series),
            sends: Sends::Query(parameters),
        }
    }

    fn merged(&self, ask: &Ask<'_>, page: Option<&str>) -> Request {
        let mut request = self.request(ask, page);
        if named(ask.series).is_some_and(|kind| kind.series.merges) {
            request.path.push_str(":reconcile");
            if let Sends::Query(parameters) = &mut request.sends {
                let fields = parameters.iter_mut().find(|(name, _)| *name == "fields");
                fields
                    .into_iter()
                    .for_each(|(_, mask)| MERGED_WITHOUT_CURVES.clone_into(mask));
            }
        }
        request
    }

    fn next_page(&self, answer: &[u8]) -> Result<Option<String>, NotAnAnswer> {
        let page: Page<'_> = serde_json::from_slice(answer).map_err(|_| NotAnAnswer)?;
        Ok(Some(page.next_page_token).filter(|token| !token.is_empty()))
    }

    fn account_from(&self) -> AccountFrom {
        let request = Request {
            path: "/v4/users/me/identity".to_owned(),
            sends: Sends::Query(Vec::new()),
        };
        AccountFrom::Request(request, |answer| {
            #[derive(Deserialize)]
            #[serde(rename_all = "camelCase")]
            struct Identity {
                health_user_id: String,
                #[serde(default)]
                legacy_user_id: Option<String>,
            }
            let identity: Identity = serde_json::from_slice(answer).ok()?;
            let account = Account::named(&identity.health_user_id)?;
            let former = identity.legacy_user_id.filter(|id| (1..=128).contains(&id.len()));
            Some(Account {
                former: former.map(|id| (CONTINUES, id)),
                ..account
            })
        })
    }

    fn subscriptions(&self) -> Option<&'static Subscriptions> {
        Some(&SUBSCRIPTIONS)
    }

    fn need(&self, status: u16, answer: &[u8]) -> Option<Need> {
        let refusal = Refusal::read(answer).filter(|_| status == 400)?;
        refusal
            .names(|reason| reason == "ACCOUNT_NOT_LINKED")
            .then_some(Need::FinishThere)
    }

    fn refused(&self, answer: &[u8]) -> Option<Refused> {
        Refusal::read(answer)?.is_not_given().then_some(Refused::NotGiven)
    }

    fn are_keys(&self, body: &[u8]) -> bool {
        webhook::are_keys(body)
    }

    fn hear(&self, call: &Call<'_>) -> Result<Heard, NotHeard> {
        webhook::hear(call)
    }
}

/// The filter of a list (AIP-160): snake case, its end exclusive. What a type is asked for by is the vendor's choice (3.3): a filter by
/// another time is refused.
fn filter(kind: &Type, ask: &Ask<'_>) -> String {
    let name = kind.series.name.replace('-', "_");
    let (member, from, until) = match kind.kind {
        Kind::Interval => ("interval.start_time", pull::iso(ask.start), pull::iso(ask.end)),
        // Where its person was is not said: all that may lie in this time, wherever it was.
        Kind::Session => (
            "interval.civil_start_time",
            civil(ask.start.plus(-WESTMOST_MS)),
            civil(ask.end.plus(EASTMOST_MS)),
        ),
        Kind::Since => return format!("{name}.interval.start_time >= \"{}\"", pull::iso(ask.start)),
        Kind::Ending => ("interval.end_time", pull::iso(ask.start), pull::iso(ask.end)),
        Kind::Moment => ("sample_time.physical_time", pull::iso(ask.start), pull::iso(ask.end)),
        Kind::Day | Kind::RolledUp => ("date", day_at(ask.start).to_string(), day_at(ask.end).to_string()),
    };
    format!("{name}.{member} >= \"{from}\" AND {name}.{member} < \"{until}\"")
}

/// A civil time without a zone.
fn civil(at: UtcMillis) -> String {
    pull::iso(at).trim_end_matches('Z').to_owned()
}

/// The civil day that has the number of this one of UTC.
fn day_at(at: UtcMillis) -> LocalDay {
    LocalDay(i32::try_from(at.0.div_euclid(DAY_MS)).unwrap_or(0))
}

#[cfg(test)]
mod rollup_tests;
#[cfg(test)]
mod tests;
