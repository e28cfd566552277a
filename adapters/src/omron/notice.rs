//! Notices: whose account, and perhaps of which type. Nothing in them is signed: what the address ends with is all that they can show.

use model::UtcMillis;
use model::time::DAY_MS;
use serde::Deserialize;
use serde_json::Value;
use subtle::ConstantTimeEq as _;

use super::coverage::SERIES;
use crate::cloud::{Call, Heard, NotHeard, Notice};
use crate::push::instant;

/// Times before this many milliseconds since 1970 are meant in seconds.
const MILLISECONDS_FROM: i64 = 100_000_000_000;

#[derive(Deserialize)]
struct Said {
    id: String,
    #[serde(default)]
    timestamp: Value,
    #[serde(rename = "type")]
    kind: Option<String>,
}

/// What a call says.
pub(super) fn hear(call: &Call<'_>) -> Result<Heard, NotHeard> {
    let shown = call.path.unwrap_or_default();
    if call.secret.is_empty() || !bool::from(shown.as_bytes().ct_eq(call.secret.as_bytes())) {
        return Err(NotHeard::NotGenuine);
    }
    let said: Said = serde_json::from_slice(call.body).map_err(|_| NotHeard::Malformed)?;
    // When it was measured or when it was told: clients do not agree, so a day is asked around it.
    let at = match &said.timestamp {
        Value::String(text) => instant(text).map(|(at, _)| at),
        Value::Number(number) => number.as_i64().map(|number| {
            UtcMillis(if number < MILLISECONDS_FROM {
                number.saturating_mul(1_000)
            } else {
                number
            })
        }),
        _ => None,
    };
    let window = at.map(|at| (at.plus(-DAY_MS), call.now.max(at).plus(1)));
    let known = |kind: &str| SERIES.iter().find(|series| series.name.eq_ignore_ascii_case(kind));
    let kinds: Vec<Option<&'static str>> = match said.kind.as_deref() {
        Some(kind) => vec![known(kind).map(|series| series.name)],
        None => SERIES.iter().map(|series| Some(series.name)).collect(),
    };
    let notices = kinds.into_iter().map(|series| Notice {
        account: said.id.clone(),
        series,
        window,
    });
    Ok(Heard::Notices(notices.collect()))
}
