//! One push: whose it is, whether it was answered before, read by its adapter into the person's store, kept for a time.

use std::io::Read as _;
use std::sync::Arc;

use adapters::{Adapter, Input};
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use flate2::read::GzDecoder;
use model::Accounting;
use serde_json::json;
use store::{Companion, NewPayload, Sender, Sent, Store};

use super::problem::PushError;
use crate::import::{self, LeftOut};
use crate::oauth::handles;
use crate::state::AppState;

/// The largest push, unpacked, in bytes.
const MOST_UNPACKED: u64 = 16 << 20;

/// `POST /push/v1/{adapter}`: 200 with how its records ended. The same push again is given the same answer.
pub(super) async fn receive(
    State(state): State<AppState>,
    Path(adapter): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, PushError> {
    // Who asks comes before whatever they sent.
    let companion = companion(&state, &headers).await?;
    let adapter = adapters::pushing().find(|pushing| pushing.name() == adapter);
    let adapter = adapter.ok_or(PushError::NoSuchAdapter)?;
    let body = body.map_err(|_| PushError::TooLarge)?;
    let is_packed = match headers.get(header::CONTENT_ENCODING).map(|coding| coding.as_bytes()) {
        None | Some(b"identity") => false,
        Some(b"gzip") => true,
        Some(_) => return Err(PushError::UnknownCoding),
    };
    let place = Arc::clone(&state.pushes)
        .try_acquire_owned()
        .map_err(|_| PushError::Busy)?;
    let store = state.store.clone();
    // All of it on one thread: to wake another costs as much as reading a small push.
    let answer = tokio::task::spawn_blocking(move || {
        let _place = place;
        let body = unpacked(&body, is_packed)?;
        let batch = adapters::push_batch(&body)
            .ok_or_else(|| PushError::Malformed("it is no JSON with a `batch`".to_owned()))?;
        let sent = Sent {
            adapter: adapter.name(),
            batch: &batch,
            body: &body,
        };
        match store.answer(&companion, sent)? {
            Some(answer) => Ok(answer),
            None => read(&store, &companion, adapter, &batch, body),
        }
    })
    .await
    .map_err(|_| PushError::Internal)?;
    answer.map(json_of)
}

async fn companion(state: &AppState, headers: &HeaderMap) -> Result<Companion, PushError> {
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = shown.and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    let token = token.ok_or(PushError::Unauthorized)?;
    let found = state.store.companion(handles::hash(token)).await?;
    found.ok_or(PushError::Unauthorized)
}

fn unpacked(body: &Bytes, is_packed: bool) -> Result<Vec<u8>, PushError> {
    if !is_packed {
        return Ok(body.to_vec());
    }
    let mut unpacked = Vec::new();
    GzDecoder::new(body.as_ref())
        .take(MOST_UNPACKED + 1)
        .read_to_end(&mut unpacked)
        .map_err(|_| PushError::Malformed("it is no gzip".to_owned()))?;
    if unpacked.len() as u64 > MOST_UNPACKED {
        return Err(PushError::TooLarge);
    }
    Ok(unpacked)
}

/// Reads a push into the store of its phone's person; what is answered.
fn read(
    store: &Store,
    companion: &Companion,
    adapter: &dyn Adapter,
    batch: &str,
    body: Vec<u8>,
) -> Result<Vec<u8>, PushError> {
    let input = Input {
        bytes: &body.as_slice(),
        size: body.len() as u64,
    };
    let named = batch.to_owned();
    let keep = |left_out: Vec<LeftOut>| NewPayload {
        from: Sender::Companion(companion.id),
        adapter: adapter.name().to_owned(),
        batch: named.clone(),
        body: body.clone(),
        answer: Box::new(move |counts| answer(&named, counts, &left_out)),
    };
    let imported = import::run_keeping(store, companion.person, adapter, &input, Some(Box::new(keep)))?;
    Ok(imported.answer)
}

/// How the records of a push ended, and which did not become data, by their numbers in its list.
fn answer(batch: &str, counts: &Accounting, left_out: &[LeftOut]) -> Vec<u8> {
    let problems: Vec<_> = left_out
        .iter()
        .map(|left| json!({"record": left.number, "outcome": left.outcome.to_string(), "reason": left.reason}))
        .collect();
    let mut answer = import::told(counts);
    answer["batch"] = json!(batch);
    answer["problems"] = json!(problems);
    answer.to_string().into_bytes()
}

fn json_of(answer: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], answer).into_response()
}
