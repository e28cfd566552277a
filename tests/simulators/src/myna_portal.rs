//! A portal of the state behind an intermediary: sessions, a card that is shown, a word on who it was, agreeing item by item, collecting
//! that takes some questions, and a result that is handed over until the resident's word has run out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use axum_extra::extract::Form;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use model::environment::Randomness;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::control::locked;
use crate::mischief::{Mischief, Plan, meddle};
use crate::{Setup, StartError};

/// Who comes with a card, and what is held of them.
#[derive(Clone, Debug)]
pub struct CardHolder {
    /// Name as on the card.
    pub name: String,
    /// Birth date, `YYYYMMDD`.
    pub birth: String,
    /// `1` male, `2` female.
    pub gender: String,
    /// What is handed over: a text, or a ZIP.
    pub file: Vec<u8>,
}

/// A running portal, and what a gateway has to know of it.
#[derive(Clone, Debug)]
pub struct Portal {
    /// The adapter that speaks to it.
    pub name: &'static str,
    /// Its address.
    pub base: String,
    /// This gateway's token there.
    pub token: &'static str,
    /// What is asked for.
    pub service_id: &'static str,
}

const TOKEN: &str = "not-a-secret-tenant-token";
const SERVICE_ID: &str = "not-a-secret-service";

struct Shared {
    base: String,
    randomness: Arc<dyn Randomness>,
    plan: Plan,
    holders: Vec<CardHolder>,
    sessions: Mutex<HashMap<String, Session>>,
    settings: Mutex<Settings>,
}

/// How it behaves.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
struct Settings {
    /// Questions that are answered by "it collects".
    collects: u32,
    /// It asks who came before anything is agreed to.
    asks_who: bool,
    /// What a status is answered in place of the true one.
    status: Option<(String, String)>,
    /// What is handed over in place of the file.
    raw: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            collects: 1,
            asks_who: true,
            status: None,
            raw: None,
        }
    }
}

#[derive(Clone, Debug)]
struct Session {
    return_to: String,
    holder: Option<usize>,
    verified: Option<bool>,
    agreed: Option<bool>,
    asked: u32,
}

/// Starts one that knows these people.
///
/// # Errors
/// [`StartError`].
pub async fn start(setup: &Setup, holders: Vec<CardHolder>) -> Result<Portal, StartError> {
    let randomness = Arc::clone(&setup.randomness);
    let base = crate::serve(|base| {
        let shared = Arc::new(Shared {
            base: base.to_owned(),
            randomness,
            plan: Plan::default(),
            holders,
            sessions: Mutex::default(),
            settings: Mutex::default(),
        });
        let meddled = Router::new()
            .route("/pocketsign.mynaconnect.v1.MynaConnectService/{method}", post(call))
            .layer(middleware::from_fn_with_state(shared.plan.clone(), meddle));
        Ok(Router::new()
            .route("/sessions/{id}/card", get(card).post(shown))
            .route("/sessions/{id}/items", get(items).post(decided))
            .route("/control/mischief", post(mischief))
            .route("/control/settings", post(settings))
            .route("/control/forget", post(forget))
            .merge(meddled)
            .with_state(shared))
    })
    .await?;
    Ok(Portal {
        name: "myna-portal",
        base,
        token: TOKEN,
        service_id: SERVICE_ID,
    })
}

async fn mischief(State(shared): State<Arc<Shared>>, Json(one): Json<Mischief>) -> StatusCode {
    shared.plan.add(one);
    StatusCode::NO_CONTENT
}

async fn settings(State(shared): State<Arc<Shared>>, Json(settings): Json<Settings>) -> StatusCode {
    *locked(&shared.settings) = settings;
    StatusCode::NO_CONTENT
}

/// All that was agreed to is no more.
async fn forget(State(shared): State<Arc<Shared>>) -> StatusCode {
    locked(&shared.sessions).clear();
    StatusCode::NO_CONTENT
}

/// An error as Connect writes it.
fn error(status: StatusCode, code: &str) -> Response {
    (status, Json(json!({"code": code}))).into_response()
}

async fn call(
    State(shared): State<Arc<Shared>>,
    Path(method): Path<String>,
    headers: HeaderMap,
    Json(asked): Json<Value>,
) -> Response {
    let token = headers.get(header::AUTHORIZATION).and_then(|token| token.to_str().ok());
    if token != Some(&format!("Bearer {TOKEN}")) {
        return error(StatusCode::UNAUTHORIZED, "unauthenticated");
    }
    if method == "CreateSelfPersonalDataRequestSession" {
        return create(&shared, &asked);
    }
    let id = asked["sessionId"].as_str().unwrap_or_default().to_owned();
    let settings = locked(&shared.settings).clone();
    let mut sessions = locked(&shared.sessions);
    let Some(session) = sessions.get_mut(&id) else {
        return error(StatusCode::NOT_FOUND, "not_found");
    };
    match method.as_str() {
        "GetSelfPersonalDataRequestStatus" => Json(status(session, &settings)).into_response(),
        "GetUserIdentity" => match session.holder.and_then(|holder| shared.holders.get(holder)) {
            Some(holder) => Json(json!({
                "basic4": {"name": holder.name, "address": "見本県見本市1-1", "birthdate": holder.birth, "gender": holder.gender},
            }))
            .into_response(),
            None => error(StatusCode::BAD_REQUEST, "failed_precondition"),
        },
        "SubmitUserIdentityVerificationResult" => {
            session.verified = asked["ok"].as_bool();
            Json(json!({"redirectUri": format!("{}/sessions/{id}/items", shared.base)})).into_response()
        }
        "GetSelfPersonalDataRequestResult" if session.agreed == Some(true) => {
            let file = session.holder.and_then(|holder| shared.holders.get(holder)).map(|holder| &holder.file);
            let raw = settings.raw.or_else(|| file.map(|file| packed(file))).unwrap_or_default();
            Json(json!({"raw": raw, "parsed": []})).into_response()
        }
        _ => error(StatusCode::BAD_REQUEST, "failed_precondition"),
    }
}

/// A ZIP as Base64, a text as it is.
fn packed(file: &[u8]) -> String {
    match std::str::from_utf8(file) {
        Ok(text) => text.to_owned(),
        Err(_) => STANDARD.encode(file),
    }
}

fn create(shared: &Shared, asked: &Value) -> Response {
    let (Some(return_to), Some(SERVICE_ID), Some(_)) = (
        asked["redirectUri"].as_str(),
        asked["serviceId"].as_str(),
        asked["inquiryCond"]["date"]["date"].as_str(),
    ) else {
        return error(StatusCode::BAD_REQUEST, "invalid_argument");
    };
    let mut bytes = [0; 18];
    shared.randomness.fill(&mut bytes);
    let id = URL_SAFE_NO_PAD.encode(bytes);
    let session = Session {
        return_to: return_to.to_owned(),
        holder: None,
        verified: None,
        agreed: None,
        asked: 0,
    };
    locked(&shared.sessions).insert(id.clone(), session);
    Json(json!({"sessionId": id, "redirectUri": format!("{}/sessions/{id}/card", shared.base)})).into_response()
}

async fn card(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Response {
    if !locked(&shared.sessions).contains_key(&id) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let people = shared.holders.iter().enumerate();
    let options: String = people
        .map(|(number, holder)| format!("<option value=\"{number}\">{}</option>", holder.name))
        .collect();
    page(&format!(
        "<form method=\"post\" action=\"/sessions/{id}/card\"><p><label>Card of <select name=\"holder\">{options}</select></label></p>
         <p><button>Show the card</button></p></form>"
    ))
}

#[derive(Deserialize)]
struct Card {
    holder: usize,
}

async fn shown(State(shared): State<Arc<Shared>>, Path(id): Path<String>, Form(card): Form<Card>) -> Response {
    let asks_who = locked(&shared.settings).asks_who;
    let mut sessions = locked(&shared.sessions);
    let Some(session) = sessions.get_mut(&id) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    session.holder = Some(card.holder);
    match asks_who {
        true => Redirect::to(&session.return_to).into_response(),
        false => Redirect::to(&format!("/sessions/{id}/items")).into_response(),
    }
}

async fn items(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Response {
    let asks_who = locked(&shared.settings).asks_who;
    let sessions = locked(&shared.sessions);
    if !sessions
        .get(&id)
        .is_some_and(|session| session.verified == Some(true) || !asks_who)
    {
        return StatusCode::NOT_FOUND.into_response();
    }
    page(&format!(
        "<form method=\"post\" action=\"/sessions/{id}/items\"><p>Health checkups of five years, for 90 days</p>
         <p><button name=\"answer\" value=\"agree\">Agree</button> <button name=\"answer\" value=\"deny\">Do not agree</button></p></form>"
    ))
}

#[derive(Deserialize)]
struct Decision {
    answer: String,
}

async fn decided(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    Form(decision): Form<Decision>,
) -> Response {
    let mut sessions = locked(&shared.sessions);
    let Some(session) = sessions.get_mut(&id) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    session.agreed = Some(decision.answer == "agree");
    Redirect::to(&session.return_to).into_response()
}

fn page(form: &str) -> Response {
    Html(format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">
         <title>A simulated portal</title><body style=\"font: 18px/1.6 sans-serif; max-width: 34em; margin: 1em auto; padding: 0 1em\">
         <h1>A simulated portal</h1><p>Nobody here exists, and no data leaves this machine.</p>{form}</body></html>"
    ))
    .into_response()
}

/// The true status, or the one that it was told to give.
fn status(session: &mut Session, settings: &Settings) -> Value {
    let told = |word: &str, reason: &str| json!({"status": format!("SELF_PERSONAL_DATA_REQUEST_STATUS_{word}"), "errorReason": reason});
    if let Some((word, reason)) = &settings.status {
        return told(word, reason);
    }
    match (session.holder, session.verified, session.agreed) {
        (None, ..) => told("PENDING", ""),
        (_, Some(false), _) => told("ERROR", "USER_NOT_VERIFIED"),
        (_, _, Some(false)) => told("ERROR", "USER_CANCELLED"),
        (_, None, None) if settings.asks_who => told("NEED_TO_VERIFY_USER", ""),
        (_, _, None) => told("PENDING", ""),
        (_, _, Some(true)) => {
            session.asked += 1;
            match session.asked > settings.collects {
                true => told("SUCCESS", ""),
                false => told("PENDING", ""),
            }
        }
    }
}
