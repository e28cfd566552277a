//! `/push/v1`: companions on residents' phones push what their phones hold. A phone is paired with a code that the resident reads off
//! their page, and shows its token with each push. Which vendors push, and what a push looks like, the adapters say.

mod problem;
mod receive;
#[cfg(test)]
mod tests;

use axum::Router;
use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, Json, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};

use crate::oauth::handles::{self, Handle};
use crate::state::AppState;
pub use problem::PushError;

/// The largest push on the wire, in bytes; unpacked it may have four times as many.
const MOST_SENT: usize = 4 << 20;

/// All routes of pushes.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/push/v1/companions", post(pair))
        .route("/push/v1/{adapter}", post(receive::receive))
        .route("/push/v1/{adapter}/schema", get(schema))
        .layer(DefaultBodyLimit::max(MOST_SENT))
}

/// How a phone asks to be paired.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pairing {
    /// As the resident's page shows it; spaces, hyphens and case do not matter.
    code: String,
    /// What the phone calls itself, so that the resident knows it again.
    name: String,
}

/// What a paired phone is answered.
#[derive(Serialize)]
struct Paired {
    companion: i64,
    token: String,
}

/// `POST /push/v1/companions`: 201 with the token that the phone shows from now on.
async fn pair(
    State(state): State<AppState>,
    body: Result<Json<Pairing>, JsonRejection>,
) -> Result<Response, PushError> {
    let Json(pairing) = body.map_err(|_| PushError::NotAPairing)?;
    let token = Handle::new(&*state.randomness);
    let code = handles::hash(&code::normal(&pairing.code));
    let paired = state
        .store
        .pair(code, token.hash, pairing.name.trim().to_owned())
        .await?;
    let companion = paired.ok_or(PushError::NoSuchCode)?;
    let answer = Paired {
        companion: companion.id,
        token: token.text,
    };
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

/// `GET /push/v1/{adapter}/schema`: the JSON Schema of its pushes.
async fn schema(Path(adapter): Path<String>) -> Result<Response, PushError> {
    let adapter = adapters::named(&adapter).ok_or(PushError::NoSuchAdapter)?;
    let schema = adapter.push_schema().ok_or(PushError::NoSuchAdapter)?;
    Ok(([(header::CONTENT_TYPE, "application/schema+json")], schema).into_response())
}

/// Codes that a person reads off one screen and types into another.
pub mod code {
    use model::environment::Randomness;

    /// Characters that nobody takes for one another: no 0 or O, no 1, I or L, no U or V.
    const ALPHABET: &[u8; 29] = b"23456789ABCDEFGHJKMNPQRSTWXYZ";
    /// Characters of a code: 29¹⁰ of them are more than 48 bits.
    const LENGTH: usize = 10;

    /// A fresh code, in two groups.
    pub fn new(randomness: &dyn Randomness) -> String {
        let mut text = String::with_capacity(LENGTH + 1);
        while text.len() < LENGTH + 1 {
            let mut byte = [0];
            randomness.fill(&mut byte);
            // The last 24 values would make some characters likelier than others.
            let place = usize::from(byte[0]);
            if place >= ALPHABET.len() * (256 / ALPHABET.len()) {
                continue;
            }
            if text.len() == LENGTH / 2 {
                text.push('-');
            }
            text.push(char::from(ALPHABET[place % ALPHABET.len()]));
        }
        text
    }

    /// A code as it is compared: without what people add to it.
    pub fn normal(typed: &str) -> String {
        let letters = typed.chars().filter(char::is_ascii_alphanumeric).take(64);
        letters.map(|letter| letter.to_ascii_uppercase()).collect()
    }
}
