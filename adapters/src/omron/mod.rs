//! The Omron partner API (OAuth, notices without a signature): blood pressure and weight as they were measured.
//!
//! Its documents are open to partners only; what stands here was read from five clients of it. Fields of blood pressure are sure; those
//! of weight and activity are as its clients name them, and an item that has others ends with a reason and is kept.
//!
//! It is asked since a day, in local time, and answers everything from there on: so an ask begins a day earlier, and what lies outside of
//! what was asked is left to the ask that it belongs to.

mod coverage;
mod item;
mod notice;

use std::collections::BTreeSet;

use model::time::DAY_MS;
use model::{LocalDay, Metric};
use serde::Deserialize;
use serde_json::Value;

use crate::cloud::{AccountFrom, Ask, Call, Cloud, Facts, Heard, NotAnAnswer, NotHeard, Request, Sends, Series};
use crate::{Adapter, AdapterError, Coverage, Input, Reading, Sink, pull};

/// What is asked of the Omron partner API.
#[derive(Clone, Copy, Debug)]
pub struct Omron;

const NAME: &str = "omron";

static FACTS: Facts = Facts {
    authorize: "https://prd-oauth-website.ohiomron.com/connect/authorize",
    token: "https://prd-oauth.ohiomron.com/prd/connect/token",
    revoke: "https://prd-oauth.ohiomron.com/prd/connect/revocation",
    api: "https://prd-oauth.ohiomron.com/prd",
    keys: None,
    parameters: &[],
    scopes: &["openid", "offline_access"],
    refresh_names_return: true,
    exchange_names_scopes: true,
    client_in_header: false,
    // 7.A.
    kept_status: 200,
    refused_status: 401,
    // Not documented: slow enough for anybody.
    account_per_minute: 60,
    account_burst: 60,
    all_per_minute: 1_200,
};

impl Adapter for Omron {
    fn name(&self) -> &'static str {
        NAME
    }

    fn mapping_version(&self) -> u32 {
        coverage::MAPPING_VERSION
    }

    fn describes(&self) -> &'static str {
        "answers of the Omron partner API"
    }

    fn coverage(&self) -> Coverage {
        coverage::coverage()
    }

    fn recognises(&self, input: &Input<'_>) -> bool {
        pull::recognises(NAME, input)
    }

    fn read(&self, input: &Input<'_>, sink: &mut dyn Sink) -> Result<Reading, AdapterError> {
        pull::read(NAME, &item::Items, input, sink)
    }
}

/// What follows an answer that was cut.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    status: i64,
    result: Option<Rest>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rest {
    #[serde(default)]
    truncated: bool,
    #[serde(default)]
    pagination_key: Value,
    #[serde(flatten)]
    lists: serde_json::Map<String, Value>,
}

/// What follows an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Next {
    /// Nothing.
    Nothing,
    /// What the vendor's key leads to.
    By(String),
    /// All since a day.
    Since(LocalDay),
    /// All since the day after the only one of which this answer had something: it has more than an answer may have, and asked for since
    /// that day the same would come again.
    Past(LocalDay),
}

impl Next {
    /// Without a key an answer is gone on with by the day of its last item. What was cut off and names no day cannot be gone on with: it
    /// is no answer, since what it leaves out would be taken for gone.
    fn of(answer: &[u8]) -> Result<Self, NotAnAnswer> {
        let page: Page = serde_json::from_slice(answer).map_err(|_| NotAnAnswer)?;
        // An error is answered with 200 too.
        let rest = page.result.filter(|_| page.status == 0).ok_or(NotAnAnswer)?;
        if !rest.truncated {
            return Ok(Self::Nothing);
        }
        let key = rest
            .pagination_key
            .get("bloodpressurePaginationKey")
            .and_then(Value::as_str);
        if let Some(key) = key.filter(|key| !key.is_empty()) {
            return Ok(Self::By(key.to_owned()));
        }
        let items = rest.lists.values().filter_map(Value::as_array).flatten();
        let day = |item: &'_ Value| {
            let time = item.get("dateTimeLocal").or_else(|| item.get("dateTime"));
            let day: jiff::civil::Date = time?.as_str()?.get(..10)?.parse().ok()?;
            let (month, day_of_month) = (u32::try_from(day.month()).ok()?, u32::try_from(day.day()).ok()?);
            LocalDay::from_ymd(i32::from(day.year()), month, day_of_month)
        };
        let days: BTreeSet<LocalDay> = items.filter_map(day).collect();
        let last = *days.last().ok_or(NotAnAnswer)?;
        Ok(match days.len() {
            1 => Self::Past(last),
            _ => Self::Since(last),
        })
    }
}

impl Cloud for Omron {
    fn title(&self) -> [&'static str; 2] {
        ["オムロン コネクト", "Omron connect"]
    }

    fn about(&self) -> [&'static str; 2] {
        [
            "オムロンの血圧計や体重計の記録が届きます。",
            "For records of Omron blood pressure monitors and scales.",
        ]
    }

    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn series(&self) -> &'static [Series] {
        coverage::SERIES
    }

    fn metrics(&self, series: &str) -> Vec<Metric> {
        coverage::metrics(series)
    }

    fn request(&self, ask: &Ask<'_>, page: Option<&str>) -> Request {
        let begin = LocalDay(i32::try_from(ask.start.0.div_euclid(DAY_MS) - 1).unwrap_or(0));
        let mut parameters = vec![("type", ask.series.to_owned()), ("sortOrder", "asc".to_owned())];
        match page.and_then(|page| page.split_once(':')) {
            Some(("key", key)) => {
                parameters.push(("since", begin.to_string()));
                parameters.push(("bloodpressurePaginationKey", key.to_owned()));
            }
            Some((_, since)) => parameters.push(("since", since.to_owned())),
            None => parameters.push(("since", begin.to_string())),
        }
        Request {
            path: "/api/measurement".to_owned(),
            sends: Sends::Form(parameters),
        }
    }

    fn next_page(&self, answer: &[u8]) -> Result<Option<String>, NotAnAnswer> {
        Ok(match Next::of(answer)? {
            Next::Nothing => None,
            Next::By(key) => Some(format!("key:{key}")),
            Next::Since(day) => Some(format!("since:{day}")),
            Next::Past(day) => Some(format!("since:{}", day.plus(1))),
        })
    }

    fn account_from(&self) -> AccountFrom {
        AccountFrom::IdToken
    }

    fn hear(&self, call: &Call<'_>) -> Result<Heard, NotHeard> {
        notice::hear(call)
    }
}

#[cfg(test)]
mod tests;
