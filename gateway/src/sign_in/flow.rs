//! The steps of signing in: the page that says what comes, the way to the provider, the way back, and out again.
//!
//! What a sign-in needs on its way back is kept under the hash of its `state`, together with a mark of the browser it began
//! in, so that nobody can be signed in by a link that somebody else began.

use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse as _, Redirect, Response};
use model::{OrganisationId, PersonId, UtcMillis};
use openidconnect::url::form_urlencoded;
use serde::{Deserialize, Serialize};
use store::{Actor, NewPerson, SessionRecord, StoreError};
use subtle::ConstantTimeEq as _;

use super::provider::{CLOCK_SKEW_MS, Identity, Proof, Secrets, SignInError};
use super::residents::ResidentProvider;
use super::return_to::{Asked, LocalPath};
use super::{SignedIn, cookies, signed_in};
use crate::oauth::handles::{self, Handle};
use crate::portal::form::Sent;
use crate::portal::page::{Frame, MessagePage, send};
use crate::portal::words::Words;
use crate::portal::{Problem, error_page};
use crate::state::AppState;
use askama::Template;

/// The kind under which the store keeps sign-ins under way.
const PENDING: u8 = 1;

/// How long a sign-in may take, in seconds: a card reader and a forgotten number take their time.
const PENDING_SECONDS: i64 = 15 * 60;

/// A sign-in under way.
#[derive(Debug, Serialize, Deserialize)]
struct Pending {
    /// SHA-256 of the mark of the browser it began in.
    browser: [u8; 32],
    /// The name of the provider it went to.
    #[serde(default)]
    provider: String,
    secrets: Secrets,
    return_to: String,
    /// The earliest sign-in that counts, in milliseconds since 1970, where one from before does not.
    #[serde(default)]
    not_before: Option<i64>,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct Invitation {
    frame: Frame,
    words: Words,
    /// For each provider, what its button says and where it leads.
    providers: Vec<(String, String)>,
}

/// `GET /sign-in?return_to=…`: says that another screen comes, with a button for each provider. Who is signed in goes straight back.
pub async fn invite(State(state): State<AppState>, Query(asked): Query<Asked>, headers: HeaderMap) -> Response {
    let return_to = asked.local();
    match signed_in(&state, &headers).await {
        Ok(Some(_)) => return Redirect::to(return_to.as_str()).into_response(),
        Ok(None) => {}
        Err(error) => return failed(&headers, "a session could not be read", &error),
    }
    choose(&state, &headers, &asked)
}

/// The page with a button for each provider.
fn choose(state: &AppState, headers: &HeaderMap, asked: &Asked) -> Response {
    if state.residents.all().is_empty() {
        return error_page(headers, Problem::NoSignIn);
    }
    let return_to = asked.local();
    let words = Words::for_reader(headers);
    let encoded: String = form_urlencoded::byte_serialize(return_to.as_str().as_bytes()).collect();
    let fresh = if asked.is_fresh() { "&fresh=yes" } else { "" };
    let button = |one: &ResidentProvider| {
        let name = words.pick(&one.about.name_ja, &one.about.name_en).to_owned();
        // Of a single one nothing needs to be said.
        let with = match (state.residents.all().len(), one.about.name.as_str()) {
            (1, _) => String::new(),
            (_, name) => format!("&with={name}"),
        };
        (name, format!("/sign-in/start?return_to={encoded}{fresh}{with}"))
    };
    let page = Invitation {
        frame: Frame::open(words, format!("/sign-in?return_to={encoded}")),
        words,
        providers: state.residents.all().iter().map(button).collect(),
    };
    send(StatusCode::OK, &page, None)
}

/// `GET /sign-in/start?return_to=…`: to the provider. A link, not a form: no policy for forms stops its redirects.
pub async fn start(State(state): State<AppState>, Query(asked): Query<Asked>, headers: HeaderMap) -> Response {
    // Who signs in anew does it where they did before.
    let before = match signed_in(&state, &headers).await {
        Ok(before) => before,
        Err(error) => return failed(&headers, "a session could not be read", &error),
    };
    let known = before.and_then(|session| state.residents.of_issuer(&session.issuer));
    let chosen = match asked.with() {
        Some(name) => state.residents.named(Some(name)),
        None => known.or_else(|| state.residents.named(None)),
    };
    let Some(chosen) = chosen else {
        return choose(&state, &headers, &asked);
    };
    let https = cookies::is_https(&state);
    // The same mark for all tabs, so that two sign-ins at once do not disturb each other.
    let browser =
        cookies::handle(&headers, cookies::BROWSER, https).unwrap_or_else(|| Handle::new(&*state.randomness).text);
    let handle = Handle::new(&*state.randomness);
    let random = || Handle::new(&*state.randomness).text;
    let language = Words::for_reader(&headers).0;
    let (url, secrets) = match chosen
        .provider
        .begin(&handle.text, language, asked.is_fresh(), random)
        .await
    {
        Ok(begun) => begun,
        Err(error) => return refused(&headers, &error),
    };
    let pending = Pending {
        browser: handles::hash(&browser),
        provider: chosen.about.name.clone(),
        secrets,
        return_to: asked.local().as_str().to_owned(),
        not_before: asked.is_fresh().then(|| state.clock.now().0),
    };
    let Ok(body) = serde_json::to_vec(&pending) else {
        return error_page(&headers, Problem::Internal);
    };
    let expires = state.clock.now().plus(PENDING_SECONDS * 1_000);
    if let Err(error) = state.store.save_pending(handle.hash, PENDING, body, expires).await {
        return failed(&headers, "a sign-in could not be kept", &error);
    }
    let name = cookies::secret_name(cookies::BROWSER, https);
    let mark = cookies::set(&name, &browser, Some(PENDING_SECONDS), https);
    (AppendHeaders([(header::SET_COOKIE, mark)]), Redirect::to(&url)).into_response()
}

/// What the provider sends back (RFC 6749 4.1.2, RFC 9207).
#[derive(Debug, Deserialize)]
pub struct Answer {
    /// What the browser was sent with.
    pub state: Option<String>,
    /// Exchanged for an ID token.
    pub code: Option<String>,
    /// Why there is no code.
    pub error: Option<String>,
    /// Who answers.
    pub iss: Option<String>,
}

/// `GET /sign-in/callback`: back from the provider.
pub async fn callback(State(state): State<AppState>, Query(answer): Query<Answer>, headers: HeaderMap) -> Response {
    match finish(&state, &headers, answer).await {
        Ok(response) => response,
        Err(Failure::Page(problem)) => error_page(&headers, problem),
        Err(Failure::Provider(error)) => refused(&headers, &error),
        Err(Failure::Store(error)) => failed(&headers, "a sign-in could not be finished", &error),
    }
}

enum Failure {
    Page(Problem),
    Provider(SignInError),
    Store(StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

async fn finish(state: &AppState, headers: &HeaderMap, answer: Answer) -> Result<Response, Failure> {
    let not_ours = Failure::Page(Problem::SignInFailed);
    let https = cookies::is_https(state);
    let (Some(sent), Some(browser)) = (answer.state, cookies::handle(headers, cookies::BROWSER, https)) else {
        return Err(not_ours);
    };
    let now = state.clock.now();
    let body = state.store.take_pending(handles::hash(&sent), PENDING, now).await?;
    let pending: Option<Pending> = body.and_then(|body| serde_json::from_slice(&body).ok());
    let Some(pending) = pending.filter(|pending| handles::hash(&browser).ct_eq(&pending.browser).into()) else {
        return Err(not_ours);
    };
    let Some(chosen) = state.residents.named(Some(&pending.provider)) else {
        return Err(not_ours);
    };
    // RFC 9207: the answer of one provider is not taken for another's.
    if answer.iss.is_some_and(|issuer| chosen.provider.issuer() != issuer) {
        return Err(not_ours);
    }
    let code = match (answer.code, answer.error.as_deref()) {
        (Some(code), None) => code,
        (_, Some("server_error" | "temporarily_unavailable")) => return Err(Failure::Page(Problem::NoProvider)),
        (_, Some(_)) => return Err(Failure::Page(Problem::Cancelled)),
        (None, None) => return Err(not_ours),
    };
    let proof = Proof {
        keys: &state.signing,
        jti: Handle::new(&*state.randomness).text,
    };
    let identity = chosen
        .provider
        .finish(code, pending.secrets, now, proof)
        .await
        .map_err(Failure::Provider)?;
    // A provider that says when it signed somebody in may not have asked them again.
    let is_stale = |signed_in: UtcMillis| {
        pending
            .not_before
            .is_some_and(|since| signed_in.0 + CLOCK_SKEW_MS < since)
    };
    if identity.signed_in.is_some_and(is_stale) {
        return Err(not_ours);
    }
    let person = admit(state, &identity, chosen.about.organisation)
        .await?
        .ok_or(Failure::Page(Problem::UnknownPerson))?;
    // A new handle at each sign-in; the one before ends.
    let mut acting_for = None;
    if let Some(before) = cookies::handle(headers, cookies::SESSION, https) {
        let before = handles::hash(&before);
        // Who signs in anew goes on for whom they acted.
        let known = state.store.session(before, now).await?;
        acting_for = known
            .filter(|known| known.person == person)
            .and_then(|known| known.acting_for);
        state.store.end_session(before).await?;
    }
    let session = Handle::new(&*state.randomness);
    let record = SessionRecord {
        person,
        issuer: identity.issuer,
        assurance: identity.assurance,
        language: Words::for_reader(headers).0,
        issued: now,
        acting_for,
        expires: now.plus(state.config.tokens.session_minutes * 60_000),
    };
    let how = format!("person {person}, by {}", record.issuer);
    state.store.save_session(session.hash, record).await?;
    if let Some(signed_in) = state.store.person(person).await? {
        let by = Actor::resident(person);
        state
            .store
            .record_act(signed_in.custodian, by, "resident-signed-in", how)
            .await?;
    }
    let kept = cookies::set(
        &cookies::secret_name(cookies::SESSION, https),
        &session.text,
        None,
        https,
    );
    let forgotten = cookies::forget(&cookies::secret_name(cookies::BROWSER, https), https);
    // It was local when it was kept; it must be so now.
    let return_to = LocalPath::parse(&pending.return_to).unwrap_or_default();
    let set = AppendHeaders([(header::SET_COOKIE, kept), (header::SET_COOKIE, forgotten)]);
    Ok((set, Redirect::to(return_to.as_str())).into_response())
}

/// The person of this identity. One who is unknown becomes a person of the provider's organisation, if it has one.
async fn admit(state: &AppState, identity: &Identity, organisation: u32) -> Result<Option<PersonId>, StoreError> {
    let (issuer, subject) = (identity.issuer.as_str(), identity.subject.as_str());
    if let Some(person) = state.store.person_by_identity(issuer, subject).await? {
        return Ok(Some(person));
    }
    if organisation == 0 {
        return Ok(None);
    }
    // One at a time, so that two first sign-ins at once do not make two people.
    static ADMISSION: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let _one = ADMISSION.lock().await;
    if let Some(person) = state.store.person_by_identity(issuer, subject).await? {
        return Ok(Some(person));
    }
    let new = NewPerson {
        name: identity.name.clone(),
        organisation: Some(OrganisationId(organisation)),
        ..NewPerson::default()
    };
    let person = state.store.create_person(new).await?;
    state.store.link_identity(person, issuer, subject).await?;
    Ok(Some(person))
}

/// The form of the sign-out button.
#[derive(Debug, Deserialize)]
pub struct Leaving {
    #[serde(flatten)]
    then: Asked,
}

/// `POST /sign-out`: ends the session; then the page it came from for somebody else, or a page that says it is over.
pub async fn sign_out(
    State(state): State<AppState>,
    headers: HeaderMap,
    Sent { form, .. }: Sent<SignedIn, Leaving>,
) -> Response {
    let https = cookies::is_https(&state);
    if let Some(handle) = cookies::handle(&headers, cookies::SESSION, https)
        && let Err(error) = state.store.end_session(handles::hash(&handle)).await
    {
        return failed(&headers, "a session could not be ended", &error);
    }
    let forgotten = cookies::forget(&cookies::secret_name(cookies::SESSION, https), https);
    let next = form
        .then
        .given()
        .map_or_else(|| "/signed-out".to_owned(), |path| path.as_str().to_owned());
    let mut response = (AppendHeaders([(header::SET_COOKIE, forgotten)]), Redirect::to(&next)).into_response();
    // Nothing that was shown stays on a shared computer.
    response.headers_mut().insert(
        HeaderName::from_static("clear-site-data"),
        HeaderValue::from_static("\"cache\""),
    );
    response
}

/// `GET /signed-out`.
pub async fn signed_out(headers: HeaderMap) -> Response {
    let words = Words::for_reader(&headers);
    let page = MessagePage {
        frame: Frame::open(words, "/signed-out"),
        words,
        title: words.say("signed-out-title"),
        text: words.say("signed-out-text"),
        is_error: false,
        links: vec![("/sign-in".to_owned(), words.say("signed-out-again"))],
    };
    send(StatusCode::OK, &page, None)
}

fn refused(headers: &HeaderMap, error: &SignInError) -> Response {
    tracing::warn!(%error, "a sign-in failed");
    error_page(
        headers,
        match error {
            SignInError::Unavailable(_) => Problem::NoProvider,
            SignInError::Refused(_) | SignInError::NoIdToken | SignInError::NotSigned | SignInError::NotVerified(_) => {
                Problem::SignInFailed
            }
        },
    )
}

fn failed(headers: &HeaderMap, what: &'static str, error: &StoreError) -> Response {
    tracing::error!(%error, "{what}");
    error_page(headers, Problem::Internal)
}
