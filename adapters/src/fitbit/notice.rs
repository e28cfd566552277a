//! Notices of the old Web API: whose account, which collection, which day. Signed with the client's secret (Subscriptions, "Security").

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::UtcMillis;
use model::time::DAY_MS;
use serde::Deserialize;
use serde_json::value::RawValue;
use subtle::ConstantTimeEq as _;

use super::coverage::RESOURCES;
use super::local::civil;
use crate::cloud::{Call, Heard, NotHeard, Notice};

/// The most notices of one call.
const MOST: usize = 10_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    collection_type: String,
    #[serde(default)]
    date: Option<String>,
    owner_id: String,
}

/// What a call says.
pub(super) fn hear(call: &Call<'_>) -> Result<Heard, NotHeard> {
    if let Some(code) = call.verify {
        // Both a right and a wrong code are tried, and each wants its own answer.
        let is_ours = !call.secret.is_empty() && bool::from(code.as_bytes().ct_eq(call.secret.as_bytes()));
        return Ok(Heard::Probe(if is_ours { 204 } else { 404 }));
    }
    let shown = (call.header)("x-fitbit-signature").ok_or(NotHeard::NotGenuine)?;
    let shown = STANDARD.decode(shown.trim()).map_err(|_| NotHeard::NotGenuine)?;
    // A key that anybody knows signs nothing.
    let secret = call.client_secret.filter(|secret| !secret.is_empty());
    let key = format!("{}&", secret.ok_or(NotHeard::NotGenuine)?);
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes());
    hmac::verify(&key, call.body, &shown).map_err(|_| NotHeard::NotGenuine)?;
    read(call.body)
}

/// The notices of a body.
pub(super) fn read(body: &[u8]) -> Result<Heard, NotHeard> {
    let said: Vec<&RawValue> = serde_json::from_slice(body).map_err(|_| NotHeard::Malformed)?;
    if said.len() > MOST {
        return Err(NotHeard::Malformed);
    }
    // One that cannot be read holds up nobody else's: it is counted as one that nobody here knows.
    let read = |said: &RawValue| match serde_json::from_str(said.get()) {
        Ok(said) => notices(said),
        Err(_) => vec![Notice::default()],
    };
    Ok(Heard::Notices(said.into_iter().flat_map(read).collect()))
}

/// One for each resource of the collection; of one that nothing here asks for, and of an end, one that names none.
fn notices(said: Said) -> Vec<Notice> {
    let window = said.date.as_deref().and_then(civil);
    let window = window.map(|day| (UtcMillis(day), UtcMillis(day + DAY_MS)));
    let told = RESOURCES
        .iter()
        .filter(|resource| !resource.told_by.is_empty() && resource.told_by == said.collection_type);
    let mut series: Vec<Option<&'static str>> = told.map(|resource| Some(resource.series.name)).collect();
    if series.is_empty() {
        series.push(None);
    }
    let notice = |series| Notice {
        account: said.owner_id.clone(),
        series,
        window,
    };
    series.into_iter().map(notice).collect()
}
