//! `/portal/upload`: a resident sends an export, sees how far it got, and what became of its records. Without a script the
//! browser shows how far the sending is, and a link how far the reading is.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use askama::Template;
use axum::body::{Body, HttpBody as _};
use axum::extract::multipart::Field;
use axum::extract::{FromRequest as _, Multipart, Query, Request, State as FromState};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Error, Json};
use bytes::Bytes;
use model::Offset;
use serde::Deserialize;
use serde_json::json;
use store::{Delivery, DeliveryCounts, StoreError};

use super::form::Session as _;
use super::gives::gives;
use super::page::{Frame, send_with_script};
use super::resident::Resident;
use super::words::Words;
use super::{Problem, error_page, steps};
use crate::sign_in::SignedIn;
use crate::state::AppState;
use crate::uploads::{Failure, Pipe, Receiving, Refusal, State, Upload};

/// Where the page lies, and where the form is posted to.
pub const PATH: &str = "/portal/upload";
/// How far it got, for the script.
pub const STATE: &str = "/portal/upload/state";
/// The script.
pub const SCRIPT: &str = "/portal/upload.js";

/// Deliveries that the page lists.
const LISTED: usize = 10;
/// What may stand before the file: the form's token, and the file's own headers.
const MOST_BEFORE_FILE: u64 = 1 << 20;
/// The longest token that is looked at, in bytes.
const MOST_TOKEN: usize = 256;
/// The longest pause within a file.
const PAUSE: Duration = Duration::from_secs(60);
/// The longest that a file may take.
const WHOLE: Duration = Duration::from_secs(4 * 3_600);

/// What the address of the page may say.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    /// Why an upload did not begin.
    #[serde(default)]
    problem: Option<String>,
}

/// `GET /portal/upload`.
pub async fn show(
    FromState(state): FromState<AppState>,
    signed_in: SignedIn,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Response {
    match view(&state, &signed_in, &asked).await {
        Ok(Some(view)) => send_with_script(&view),
        Ok(None) => error_page(&headers, Problem::UnknownPerson),
        Err(error) => {
            tracing::error!(%error, "the page of uploads could not be made");
            error_page(&headers, Problem::Internal)
        }
    }
}

/// `GET /portal/upload/state`: `{"under_way": bool, "step": "sending"|"reading", "percent": 0 to 100}`.
pub async fn state(FromState(state): FromState<AppState>, signed_in: SignedIn) -> Response {
    let upload = state.uploads.of(signed_in.person);
    let (under_way, percent) = upload
        .as_ref()
        .map_or((false, 100), |upload| (upload.is_under_way(), upload.percent()));
    let reading = upload.is_some_and(|upload| upload.state() == State::Reading);
    let step = if reading { "reading" } else { "sending" };
    Json(json!({"under_way": under_way, "step": step, "percent": percent})).into_response()
}

/// `GET /portal/upload.js`.
pub async fn script() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=300"),
    ];
    (headers, include_str!("../../assets/upload.js"))
}

/// `POST /portal/upload`: a form of `csrf` and then `file` (RFC 7578). Whatever becomes of it stands on the page.
pub async fn receive(
    FromState(state): FromState<AppState>,
    signed_in: SignedIn,
    headers: HeaderMap,
    request: Request,
) -> Response {
    match tokio::time::timeout(WHOLE, received(&state, &signed_in, request)).await {
        Ok(Err(Stop::Foreign)) => error_page(&headers, Problem::ForeignForm),
        Ok(Err(Stop::Refused(Refusal::Busy))) => Redirect::to(&format!("{PATH}?problem=busy")).into_response(),
        Ok(Err(Stop::Refused(Refusal::Full))) => Redirect::to(&format!("{PATH}?problem=full")).into_response(),
        // What failed later is remembered with the upload, and so is an upload that took too long.
        Ok(Ok(()) | Err(Stop::Failed)) | Err(_) => Redirect::to(PATH).into_response(),
    }
}

/// Why nothing is read.
enum Stop {
    /// The form is not ours.
    Foreign,
    /// It may not begin now.
    Refused(Refusal),
    /// The reason is kept with the upload.
    Failed,
}

async fn received(state: &AppState, signed_in: &SignedIn, request: Request) -> Result<(), Stop> {
    let expected = request.body().size_hint().exact().unwrap_or(0);
    let began = Arc::new(AtomicBool::new(false));
    let request = request.map(|body| Body::from_stream(Measured::new(body, Arc::clone(&began))));
    let mut form = Multipart::from_request(request, state)
        .await
        .map_err(|_| Stop::Foreign)?;
    let token = match form.next_field().await {
        Ok(Some(field)) if field.name() == Some("csrf") => token(field).await,
        _ => None,
    };
    if !token.is_some_and(|token| signed_in.sent(&token)) {
        return Err(Stop::Foreign);
    }
    let file = match form.next_field().await {
        Ok(Some(field)) if field.name() == Some("file") => Some(field),
        _ => None,
    };
    began.store(true, Ordering::Relaxed);
    let receiving = state
        .uploads
        .begin(signed_in.person, expected, state.clock.now())
        .map_err(Stop::Refused)?;
    let Some(file) = file else {
        receiving.fail(Failure::Empty);
        return Err(Stop::Failed);
    };
    match spooled(state, file, &receiving).await {
        Ok(spool) if spool.size() > 0 => {
            let day = state.clock.now().local_day(Offset::JAPAN_ASSUMED);
            receiving.read(state.store.clone(), spool, state.config.scanner.clone(), day);
            Ok(())
        }
        Ok(_) => {
            receiving.fail(Failure::Empty);
            Err(Stop::Failed)
        }
        Err(failure) => {
            receiving.fail(failure);
            Err(Stop::Failed)
        }
    }
}

async fn token(mut field: Field<'_>) -> Option<String> {
    let mut token = Vec::new();
    while let Some(chunk) = field.chunk().await.ok()? {
        if token.len() + chunk.len() > MOST_TOKEN {
            return None;
        }
        token.extend_from_slice(&chunk);
    }
    String::from_utf8(token).ok()
}

async fn spooled(state: &AppState, mut file: Field<'_>, receiving: &Receiving) -> Result<crate::spool::Spool, Failure> {
    let most = state.config.limits.upload_megabytes.saturating_mul(1_000_000);
    let pipe = Pipe::open(state.config.data.folder.clone());
    loop {
        let chunk = tokio::time::timeout(PAUSE, file.chunk())
            .await
            .map_err(|_| Failure::Interrupted)?
            .map_err(|_| Failure::Interrupted)?;
        let Some(chunk) = chunk else { break };
        if receiving.received(chunk.len() as u64) > most {
            return Err(Failure::TooBig);
        }
        if pipe.push(chunk).await.is_err() {
            break;
        }
    }
    pipe.finish().await.map_err(|error| {
        tracing::error!(%error, "an uploaded file could not be kept");
        Failure::Internal
    })
}

/// A body that is handed on a piece at a time and bounded until the file begins. The form's reader takes all that is there
/// before it looks at any of it; so after each piece there is a pause, and what it holds stays small.
struct Measured {
    body: axum::body::BodyDataStream,
    file_began: Arc<AtomicBool>,
    before: u64,
    pause: bool,
}

impl Measured {
    fn new(body: Body, file_began: Arc<AtomicBool>) -> Self {
        Self {
            body: body.into_data_stream(),
            file_began,
            before: 0,
            pause: false,
        }
    }
}

impl futures_core::Stream for Measured {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.pause) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let next = std::task::ready!(Pin::new(&mut self.body).poll_next(context));
        self.pause = true;
        if let Some(Ok(bytes)) = &next
            && !self.file_began.load(Ordering::Relaxed)
        {
            self.before += bytes.len() as u64;
            if self.before > MOST_BEFORE_FILE {
                return Poll::Ready(Some(Err(Error::new("too much before the file"))));
            }
        }
        Poll::Ready(next)
    }
}

#[derive(Template)]
#[template(path = "upload.html")]
struct View {
    frame: Frame,
    words: Words,
    csrf: String,
    most: String,
    running: Option<Running>,
    problem: Option<String>,
    done: Option<String>,
    /// The files that can be brought.
    brought: Vec<&'static str>,
    /// Each category that files can bring, with what of it.
    gives: Vec<(String, String)>,
    deliveries: Vec<(String, String)>,
    steps: &'static str,
}

struct Running {
    percent: u8,
    text: String,
}

async fn view(state: &AppState, signed_in: &SignedIn, asked: &Asked) -> Result<Option<View>, StoreError> {
    let Some(resident) = Resident::load(state, &signed_in.own).await? else {
        return Ok(None);
    };
    let words = Words(signed_in.language);
    // Phones push all day; they have a page of their own.
    let files: Vec<&str> = adapters::files().map(|adapter| adapter.name()).collect();
    let deliveries = state.store.deliveries(&signed_in.own, &files, LISTED).await?;
    let covered: Vec<adapters::Coverage> = adapters::files().map(|adapter| adapter.coverage()).collect();
    let upload = state.uploads.of(signed_in.person);
    let most = megabytes(state.config.limits.upload_megabytes);
    let begun = match asked.problem.as_deref() {
        Some("busy") => Some(words.say("upload-busy")),
        Some("full") => Some(words.say("upload-full")),
        _ => None,
    };
    let (running, problem, done) = upload.map_or((None, None, None), |upload| told(words, &upload, &most));
    Ok(Some(View {
        words,
        csrf: signed_in.csrf.clone(),
        running,
        problem: begun.or(problem),
        done,
        brought: adapters::files()
            .filter_map(|adapter| adapter.brought())
            .map(|[ja, en]| words.pick(ja, en))
            .collect(),
        gives: gives(words, &covered),
        deliveries: deliveries
            .iter()
            .map(|delivery| listed(words, &resident, delivery))
            .collect(),
        most,
        steps: steps::PATH,
        frame: Frame::own(words, PATH, &resident, &signed_in.csrf),
    }))
}

/// What is under way, what went wrong, what was done: one of the three.
fn told(words: Words, upload: &Upload, most: &str) -> (Option<Running>, Option<String>, Option<String>) {
    let percent = upload.percent();
    let running = |key| {
        let text = words.with(key, "percent", percent);
        (Some(Running { percent, text }), None, None)
    };
    match upload.state() {
        State::Receiving => running("upload-sending"),
        State::Reading => running("upload-reading"),
        State::Done { counts, whole: true } => (None, None, Some(counted(words, counts))),
        State::Done { counts, whole: false } => {
            let text = words.with("upload-cut", "counts", counted(words, counts));
            (None, Some(text), None)
        }
        State::Failed(failure) => {
            let key = match failure {
                Failure::Interrupted => "upload-interrupted",
                Failure::TooBig => return (None, Some(words.with("upload-too_big", "most", most)), None),
                Failure::Empty => "upload-empty",
                Failure::UnknownKind => "upload-unknown",
                Failure::NothingInside => "upload-nothing",
                Failure::Damaged => "upload-damaged",
                Failure::Anothers => "upload-anothers",
                Failure::Claims => "upload-claims",
                Failure::Locked => "upload-locked",
                Failure::Harmful => "upload-harmful",
                Failure::NotScanned => "upload-not_scanned",
                Failure::IndividualNumber => "upload-individual_number",
                Failure::Internal => "upload-internal",
            };
            (None, Some(words.say(key)), None)
        }
    }
}

fn counted(words: Words, counts: DeliveryCounts) -> String {
    words.fill(
        "upload-counts",
        [
            ("stored", steps::grouped(counts.stored)),
            ("duplicate", steps::grouped(counts.duplicate)),
            ("unsupported", steps::grouped(counts.unsupported)),
            ("rejected", steps::grouped(counts.rejected)),
        ],
    )
}

fn listed(words: Words, resident: &Resident, delivery: &Delivery) -> (String, String) {
    let when = resident.moment(words.0, delivery.info.obtained);
    let what = delivery
        .counts
        .map_or_else(|| words.say("upload-unfinished"), |counts| counted(words, counts));
    (when, what)
}

fn megabytes(number: u64) -> String {
    if number >= 1_000 && number.is_multiple_of(1_000) || number >= 10_000 {
        format!("{} GB", number / 1_000)
    } else if number >= 1_000 {
        format!("{}.{} GB", number / 1_000, number % 1_000 / 100)
    } else {
        format!("{number} MB")
    }
}

#[cfg(test)]
#[path = "upload_tests.rs"]
mod tests;
