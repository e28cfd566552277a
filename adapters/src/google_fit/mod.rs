//! Google Fit: a cloud that is asked for as long as it lives, and whose points also lie in archives.
//!
//! Asked are the streams that merge all sources of a type, never several of one type: they would count the same steps twice.

pub(crate) mod coverage;
pub(crate) mod point;
pub(crate) mod session;

use model::time::{DAY_MS, HOUR_MS};
use model::units::Conversion;
use model::{Metric, UtcMillis};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::cloud::{AccountFrom, Ask, Cloud, Facts, NotAnAnswer, Refused, Request, Sends, Series};
use crate::google_health::refusal::Refusal;
use crate::pull::{Reads, Windows};
use crate::push::{Not, Push};
use crate::{Adapter, AdapterError, Coverage, Input, Reading, Sink, pull};
use coverage::{SESSIONS, named};
use point::Point;

/// What is asked of Google Fit.
#[derive(Clone, Copy, Debug)]
pub struct GoogleFit;

const NAME: &str = "google-fit";

/// Points of a page.
const PAGE: &str = "10000";

static FACTS: Facts = Facts {
    authorize: "https://accounts.google.com/o/oauth2/v2/auth",
    token: "https://oauth2.googleapis.com/token",
    revoke: "https://oauth2.googleapis.com/revoke",
    api: "https://fitness.googleapis.com/fitness/v1/users/me",
    keys: None,
    parameters: &[("access_type", "offline"), ("prompt", "consent")],
    scopes: &["openid"],
    refresh_names_return: false,
    exchange_names_scopes: false,
    client_in_header: false,
    kept_status: 204,
    refused_status: 401,
    account_per_minute: 60,
    account_burst: 60,
    // 86,400 a day for all.
    all_per_minute: 60,
};

static SERIES: std::sync::LazyLock<Vec<Series>> = std::sync::LazyLock::new(coverage::series);

impl Adapter for GoogleFit {
    fn name(&self) -> &'static str {
        NAME
    }

    fn mapping_version(&self) -> u32 {
        coverage::MAPPING_VERSION
    }

    fn describes(&self) -> &'static str {
        "answers of Google Fit"
    }

    fn coverage(&self) -> Coverage {
        coverage::coverage()
    }

    fn promotes(&self, vendor_type: &str, _: &str) -> Option<(Metric, Conversion)> {
        coverage::promotes(vendor_type)
    }

    fn recognises(&self, input: &Input<'_>) -> bool {
        pull::recognises(NAME, input)
    }

    fn read(&self, input: &Input<'_>, sink: &mut dyn Sink) -> Result<Reading, AdapterError> {
        pull::read(NAME, &Points, input, sink)
    }
}

/// A page of points, of sessions, of sums by time, or of what changed; members that are empty are left out.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page<'a> {
    #[serde(borrow, default)]
    point: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    session: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    bucket: Vec<Bucket<'a>>,
    #[serde(borrow, default)]
    inserted_data_point: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    deleted_data_point: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    deleted_session: Vec<&'a RawValue>,
    #[serde(default)]
    next_page_token: String,
}

/// Sums of some time.
#[derive(Deserialize)]
struct Bucket<'a> {
    #[serde(borrow, default)]
    dataset: Vec<Dataset<'a>>,
}

#[derive(Deserialize)]
struct Dataset<'a> {
    #[serde(borrow, default)]
    point: Vec<&'a RawValue>,
}

/// Why what is told of as deleted is not acted on.
const DELETED: &str = "deletion-without-an-id";

/// Reads answers.
struct Points;

impl Reads for Points {
    fn window(&self, series: &str) -> Option<i64> {
        let series = SERIES.iter().find(|known| known.name == series)?;
        Some(i64::from(series.hours) * HOUR_MS)
    }

    /// A list of what changed names what is new. What it deletes has no name by which it is held, and shows when its time is asked for
    /// again.
    fn points<'a>(&self, _: &str, page: &'a str) -> Option<pull::Points<'a>> {
        let page: Page<'_> = serde_json::from_str(page).ok()?;
        let mut points = page.point;
        points.extend(page.session);
        let sums = page.bucket.into_iter().flat_map(|bucket| bucket.dataset);
        points.extend(sums.flat_map(|dataset| dataset.point));
        let are_all = page.inserted_data_point.is_none() && page.deleted_data_point.is_empty();
        points.extend(page.inserted_data_point.unwrap_or_default());
        let mut passed_over = page.deleted_data_point;
        passed_over.extend(page.deleted_session);
        let passed_over = passed_over.into_iter().map(|deleted| (deleted, DELETED)).collect();
        Some(pull::Points {
            points,
            are_all,
            passed_over,
        })
    }

    fn point(&self, push: &mut Push<'_>, text: &str, windows: &mut Windows<'_>) -> Result<(), Not> {
        if windows.ask.series == SESSIONS {
            let session: Value = serde_json::from_str(text).map_err(|_| Not::Rejected("not-json"))?;
            let sample = session::of_api(push, &session)?;
            let id = session.get("id").and_then(Value::as_str).unwrap_or_default();
            return put(windows, sample.start, id, vec![sample]);
        }
        let point: Point<'_> = serde_json::from_str(text).map_err(|_| Not::Rejected("not-json"))?;
        if point.kind() != windows.ask.series {
            return Err(Not::Rejected("outside-what-was-asked"));
        }
        let (samples, _) = point::made(push, &point, "")?;
        let start = samples.first().ok_or(Not::Unsupported("value-unknown"))?.start;
        put(windows, start, point.origin(), samples)
    }
}

/// What was asked around a window lies in another one, and was or will be asked for with it.
fn put(windows: &mut Windows<'_>, at: UtcMillis, name: &str, samples: Vec<model::Sample>) -> Result<(), Not> {
    match windows.holds(at) {
        true => windows.put(at, name, samples),
        false => Err(Not::Duplicate("of-another-ask")),
    }
}

impl Cloud for GoogleFit {
    fn title(&self) -> [&'static str; 2] {
        ["Google Fit", "Google Fit"]
    }

    fn about(&self) -> [&'static str; 2] {
        [
            "Google Fit アプリに残っている記録が届きます。",
            "For records that the Google Fit app still holds.",
        ]
    }

    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn series(&self) -> &'static [Series] {
        &SERIES
    }

    fn metrics(&self, series: &str) -> Vec<Metric> {
        let made = |covered: crate::Covered| {
            let name = covered.vendor_type.as_str();
            let is_of = name == series
                || name
                    .strip_prefix(series)
                    .is_some_and(|rest| rest.starts_with(['.', ' ']) && named(name).is_none());
            is_of.then_some(covered.metric)
        };
        coverage::types().into_iter().filter_map(made).collect()
    }

    /// Whatever lies across the edges of an ask is in the answer too: which of its times a point is found by is not documented.
    fn request(&self, ask: &Ask<'_>, page: Option<&str>) -> Request {
        let around = match SERIES.iter().find(|series| series.name == ask.series) {
            Some(series) if series.hours == 1 => HOUR_MS,
            _ => DAY_MS,
        };
        let (start, end) = (ask.start.plus(-around), ask.end.plus(around));
        let mut parameters: Vec<(&'static str, String)> = Vec::new();
        let path = if ask.series == SESSIONS {
            parameters.push(("startTime", pull::iso(start)));
            parameters.push(("endTime", pull::iso(end)));
            "/sessions".to_owned()
        } else {
            parameters.push(("limit", PAGE.to_owned()));
            let merged = named(ask.series).map_or("merged", |kind| kind.merged);
            let name = ask.series;
            let stream = format!("derived:com.google.{name}:com.google.android.gms:{merged}");
            format!("/dataSources/{stream}/datasets/{}000000-{}000000", start.0, end.0)
        };
        parameters.extend(page.map(|page| ("pageToken", page.to_owned())));
        Request {
            path,
            sends: Sends::Query(parameters),
        }
    }

    fn next_page(&self, answer: &[u8]) -> Result<Option<String>, NotAnAnswer> {
        let page: Page<'_> = serde_json::from_slice(answer).map_err(|_| NotAnAnswer)?;
        // A list of sessions may end with a token too, of what changes later: the page after the last is empty.
        let inserted = page.inserted_data_point.is_none_or(|inserted| inserted.is_empty());
        let deleted = page.deleted_data_point.is_empty() && page.deleted_session.is_empty();
        let is_empty = page.session.is_empty() && page.point.is_empty() && inserted && deleted;
        Ok(Some(page.next_page_token).filter(|token| !token.is_empty() && !is_empty))
    }

    fn account_from(&self) -> AccountFrom {
        AccountFrom::IdToken
    }

    /// Too many calls are answered with 403 as well as with 429 (facts 2.3).
    fn refused(&self, answer: &[u8]) -> Option<Refused> {
        let refusal = Refusal::read(answer)?;
        let is_enough = |reason: &str| {
            reason.ends_with("RateLimitExceeded")
                || matches!(reason, "rateLimitExceeded" | "dailyLimitExceeded" | "quotaExceeded")
        };
        match refusal.is_not_given() {
            true => Some(Refused::NotGiven),
            false => refusal.names(is_enough).then_some(Refused::Enough),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_page_with_nothing_at_all_is_the_last_though_a_token_stands_there() {
        for (members, goes_on) in [
            (r#""session":[],"deletedSession":[]"#, false),
            (r#""insertedDataPoint":[],"deletedDataPoint":[]"#, false),
            (r#""session":[{}]"#, true),
            (r#""deletedSession":[{}]"#, true),
            (r#""point":[{}]"#, true),
            (r#""insertedDataPoint":[{}]"#, true),
            (r#""deletedDataPoint":[{}]"#, true),
        ] {
            let page = format!("{{{members},\"nextPageToken\":\"t\"}}");
            let next = GoogleFit.next_page(page.as_bytes());
            assert_eq!(next, Ok(goes_on.then(|| "t".to_owned())), "{members}");
        }
    }
}
