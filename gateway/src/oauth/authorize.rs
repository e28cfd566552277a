//! `/oauth/authorize`, by link or form: an app asks, the request is checked and kept, and the resident is sent to the consent
//! page.
//!
//! An unknown client or redirect URI ends on a page of ours (RFC 6749 4.1.2.1); every other error goes back to the client
//! with `state` and `iss` (RFC 9207).

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use consent::{Purpose, ScopeSet};
use model::UtcMillis;
use oauth2::url::form_urlencoded;
use serde::{Deserialize, Serialize};
use store::Client;

use super::consent::PATH as CONSENT;
use super::form::{Form, is_form};
use super::handles::Handle;
use super::pushed::{self, Brought};
use super::smart_configuration::OFFERED;
use crate::portal::{self, Problem};
use crate::sign_in;
use crate::state::AppState;

/// The kind under which the store keeps requests under way.
pub const PENDING: u8 = 2;

/// How long a resident may take to sign in and answer, in milliseconds.
const PENDING_MS: i64 = 30 * 60_000;

/// The longest `state` and `nonce` that are kept, in bytes.
const MAX_ECHO: usize = 2_048;

/// The parameters that are looked at; each may come once (O: RFC 6749 3.1).
pub(super) const PARAMETERS: [&str; 17] = [
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "aud",
    "resource",
    "code_challenge",
    "code_challenge_method",
    "nonce",
    "prompt",
    "max_age",
    "purpose",
    "request",
    "request_uri",
    "launch",
];

/// A request that was checked and is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    /// The client that asks.
    pub client_id: String,
    /// Where the answer goes; registered for the client.
    pub redirect_uri: String,
    /// Goes back byte for byte.
    pub state: String,
    /// What is asked for, of what is offered.
    pub scopes: ScopeSet,
    /// For what.
    pub purpose: Purpose,
    /// SHA-256 of the verifier that the client keeps.
    pub code_challenge: [u8; 32],
    /// Kept for an ID token.
    pub nonce: Option<String>,
    /// The earliest sign-in that counts (`prompt=login`, `max_age`), in milliseconds since 1970.
    #[serde(default)]
    pub signed_in_since: Option<i64>,
}

/// An error that goes back to the client (RFC 6749 4.1.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denial {
    /// Its code.
    pub error: &'static str,
    /// What to do about it.
    pub description: &'static str,
}

impl Denial {
    /// The resident said no.
    pub const ACCESS_DENIED: Self = Self {
        error: "access_denied",
        description: "the resident did not agree",
    };
    /// Our own fault.
    pub const SERVER_ERROR: Self = Self {
        error: "server_error",
        description: "the server could not go on; try again later",
    };

    /// No page may be shown, and one is needed: the resident is always asked.
    const INTERACTION_REQUIRED: Self = Self {
        error: "interaction_required",
        description: "the resident must always be asked",
    };
    /// No page may be shown, and nobody is signed in.
    const LOGIN_REQUIRED: Self = Self {
        error: "login_required",
        description: "nobody is signed in, and no page may be shown",
    };

    /// As they go back.
    pub(super) const fn parameters(self) -> [(&'static str, &'static str); 2] {
        [("error", self.error), ("error_description", self.description)]
    }

    const fn request(description: &'static str) -> Self {
        Self {
            error: "invalid_request",
            description,
        }
    }
}

/// Why a request is not kept.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The client or where to send the browser is not known for sure: a page of ours.
    Page(Problem),
    /// Back to the client.
    Redirect {
        /// Where to.
        redirect_uri: String,
        /// What goes back with it.
        state: Option<String>,
        /// What is said.
        denial: Denial,
    },
}

/// `GET /oauth/authorize`.
pub async fn by_link(State(state): State<AppState>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    begin(&state, &headers, &Form::parse(query.unwrap_or_default().as_bytes())).await
}

/// `POST /oauth/authorize` (S-010): the same parameters as a form.
pub async fn by_form(State(state): State<AppState>, headers: HeaderMap, body: Bytes) -> Response {
    let form = if is_form(&headers) {
        Form::parse(&body)
    } else {
        Form::default()
    };
    begin(&state, &headers, &form).await
}

async fn begin(state: &AppState, headers: &HeaderMap, form: &Form) -> Response {
    let kept = match keep(state, form).await {
        // O-043: which of the two it is depends on the session, which is read only then.
        Err(Refusal::Redirect {
            redirect_uri,
            state: echoed,
            denial: Denial::INTERACTION_REQUIRED,
        }) if !sign_in::has_session(state, headers).await => Err(Refusal::Redirect {
            redirect_uri,
            state: echoed,
            denial: Denial::LOGIN_REQUIRED,
        }),
        kept => kept,
    };
    match kept {
        // 303, never 307: what was posted here is not posted again (O-009).
        Ok(handle) => Redirect::to(&format!("{CONSENT}?pending={handle}")).into_response(),
        Err(Refusal::Page(problem)) => portal::error_page(headers, problem),
        Err(Refusal::Redirect {
            redirect_uri,
            state: echoed,
            denial,
        }) => deny(state, &redirect_uri, echoed.as_deref(), denial),
    }
}

/// Checks a request and keeps it; the handle under which it is kept.
async fn keep(state: &AppState, form: &Form) -> Result<String, Refusal> {
    if form.repeats(&["client_id"]) {
        return Err(Refusal::Page(Problem::UnknownClient));
    }
    let client_id = form.get("client_id").ok_or(Refusal::Page(Problem::UnknownClient))?;
    let client = state.store.client(client_id).await.map_err(internal)?;
    let client = client.ok_or(Refusal::Page(Problem::UnknownClient))?;
    if !client.works() {
        return Err(Refusal::Page(Problem::StoppedClient));
    }
    let pushed_as = form.get("request_uri").filter(|uri| uri.starts_with(pushed::PREFIX));
    let (handle, request) = match pushed_as {
        // RFC 9126 4: what else is in the address is not looked at.
        Some(uri) => match pushed::brought(state, uri, &client.client_id).await.map_err(internal)? {
            Some(Brought::Now(handle, request)) => (handle, *request),
            Some(Brought::Before(handle)) => return Ok(handle),
            None => return Err(Refusal::Page(Problem::RequestGone)),
        },
        None => (Handle::new(&*state.randomness), check(state, form, client).await?),
    };
    let fault = || Refusal::Redirect {
        redirect_uri: request.redirect_uri.clone(),
        state: Some(request.state.clone()),
        denial: Denial::SERVER_ERROR,
    };
    let body = serde_json::to_vec(&request).map_err(|_| fault())?;
    let expires = state.clock.now().plus(PENDING_MS);
    state
        .store
        .save_pending(handle.hash, PENDING, body, expires)
        .await
        .map_err(|error| {
            tracing::error!(%error, "an authorization request could not be kept");
            fault()
        })?;
    Ok(handle.text)
}

fn internal(error: store::StoreError) -> Refusal {
    tracing::error!(%error, "an authorization request could not be checked");
    Refusal::Page(Problem::Internal)
}

/// Checks what a client asks for.
pub(super) async fn check(state: &AppState, form: &Form, client: Client) -> Result<AuthorizationRequest, Refusal> {
    // Exactly one of the registered texts, whatever else might mean the same (O-006).
    let redirect_uri = form
        .get("redirect_uri")
        .filter(|uri| !form.repeats(&["redirect_uri"]) && client.redirect_uris.iter().any(|known| known == uri))
        .ok_or(Refusal::Page(Problem::UnknownRedirect))?;
    let recipient = state.store.recipient(client.recipient).await.map_err(internal)?;
    let recipient = recipient.ok_or(Refusal::Page(Problem::UnknownClient))?;
    let purpose = match form.get("purpose") {
        None => recipient.purposes.first(),
        Some(asked) => recipient.purposes.iter().find(|known| known.purpose.as_str() == asked),
    };
    let most = client
        .scopes
        .as_deref()
        .map(|most| ScopeSet::parse(most).unwrap_or_default());
    let parts = match parameters(form, &fhir_base(state), most.as_ref()) {
        Ok(parts) => purpose
            .map(|purpose| (parts, purpose.purpose.clone()))
            .ok_or(Denial::request("purpose is not one that is registered for this client")),
        Err(denial) => Err(denial),
    };
    match parts {
        Ok((parts, purpose)) => Ok(AuthorizationRequest {
            client_id: client.client_id,
            redirect_uri: redirect_uri.to_owned(),
            signed_in_since: parts.signed_in_since(state.clock.now()),
            state: parts.state,
            scopes: parts.scopes,
            purpose,
            code_challenge: parts.code_challenge,
            nonce: parts.nonce,
        }),
        Err(denial) => Err(Refusal::Redirect {
            redirect_uri: redirect_uri.to_owned(),
            state: form
                .get("state")
                .filter(|state| state.len() <= MAX_ECHO)
                .map(str::to_owned),
            denial,
        }),
    }
}

struct Parts {
    state: String,
    scopes: ScopeSet,
    code_challenge: [u8; 32],
    nonce: Option<String>,
    login: bool,
    max_age: Option<i64>,
}

impl Parts {
    /// OpenID Connect Core 3.1.2.1: `prompt=login` asks for a sign-in from now on, `max_age` for one of so many seconds ago.
    fn signed_in_since(&self, now: UtcMillis) -> Option<i64> {
        let age = if self.login { Some(0) } else { self.max_age };
        age.map(|seconds| now.0 - seconds * 1_000)
    }
}

/// What needs neither client nor store.
fn parameters(form: &Form, fhir_base: &str, most: Option<&ScopeSet>) -> Result<Parts, Denial> {
    if form.repeats(&PARAMETERS) {
        return Err(Denial::request("a parameter was sent more than once"));
    }
    let state = form.get("state").ok_or(Denial::request("state is required"))?;
    if state.len() > MAX_ECHO {
        return Err(Denial::request("state is too long"));
    }
    match form.get("response_type") {
        Some("code") => {}
        Some(_) => {
            return Err(Denial {
                error: "unsupported_response_type",
                description: "response_type must be code",
            });
        }
        None => return Err(Denial::request("response_type is required")),
    }
    if form.get("request").is_some() {
        return Err(Denial {
            error: "request_not_supported",
            description: "request objects are not taken",
        });
    }
    if form.get("request_uri").is_some() {
        return Err(Denial {
            error: "request_uri_not_supported",
            description: "request_uri is not taken",
        });
    }
    if form.get("response_mode").is_some_and(|mode| mode != "query") {
        return Err(Denial::request("response_mode must be query"));
    }
    if form.get("launch").is_some() {
        return Err(Denial::request(
            "launch from a record system is not offered: launch standalone",
        ));
    }
    audience(form, fhir_base)?;
    let code_challenge = code_challenge(form)?;
    let scopes = scopes(form, most)?;
    let nonce = form.get("nonce").map(str::to_owned);
    if nonce.as_ref().is_some_and(|nonce| nonce.len() > MAX_ECHO) {
        return Err(Denial::request("nonce is too long"));
    }
    let max_age = match form.get("max_age") {
        None => None,
        Some(text) => match text.parse() {
            Ok(seconds @ 0..=315_360_000) => Some(seconds),
            _ => return Err(Denial::request("max_age must be a number of seconds")),
        },
    };
    // Last: a request that is wrong in itself hears that first.
    let login = prompt(form)?;
    Ok(Parts {
        state: state.to_owned(),
        scopes,
        code_challenge,
        nonce,
        login,
        max_age,
    })
}

/// `prompt=none` can never give a code here (O-043); with another word beside it, it says nothing. True for `prompt=login`.
fn prompt(form: &Form) -> Result<bool, Denial> {
    let words: Vec<&str> = form.get("prompt").unwrap_or_default().split(' ').collect();
    match words.contains(&"none") {
        true if words.len() > 1 => Err(Denial::request("prompt=none cannot stand beside another value")),
        true => Err(Denial::INTERACTION_REQUIRED),
        false => Ok(words.contains(&"login")),
    }
}

/// `aud` is our FHIR base (S-016): a client must not be led to send its token elsewhere. `resource` (RFC 8707) may stand for
/// it.
fn audience(form: &Form, fhir_base: &str) -> Result<(), Denial> {
    let is_ours = |text: &str| is_base(text, fhir_base);
    if form.get("resource").is_some_and(|resource| !is_ours(resource)) {
        return Err(Denial {
            error: "invalid_target",
            description: "resource must be the FHIR base of this server",
        });
    }
    match form.get("aud") {
        Some(audience) if is_ours(audience) => Ok(()),
        None if form.get("resource").is_some() => Ok(()),
        _ => Err(Denial::request(
            "aud is required and must be the FHIR base of this server",
        )),
    }
}

/// PKCE with S256, of every client (S-017; RFC 7636 4.2: base64url of 32 bytes).
fn code_challenge(form: &Form) -> Result<[u8; 32], Denial> {
    let challenge = form
        .get("code_challenge")
        .ok_or(Denial::request("code_challenge is required"))?;
    if form.get("code_challenge_method") != Some("S256") {
        return Err(Denial::request("code_challenge_method must be S256"));
    }
    let decoded = URL_SAFE_NO_PAD.decode(challenge).ok();
    decoded.and_then(|bytes| bytes.try_into().ok()).ok_or(Denial::request(
        "code_challenge must be the base64url of a SHA-256, 43 characters",
    ))
}

/// Of what is asked, what is offered; nothing of a resident left is an error.
fn scopes(form: &Form, most: Option<&ScopeSet>) -> Result<ScopeSet, Denial> {
    let denial = |description| Denial {
        error: "invalid_scope",
        description,
    };
    let asked = form.get("scope").ok_or(denial("scope is required"))?;
    let asked = ScopeSet::parse(asked).map_err(|_| denial("scope holds characters that no scope can have"))?;
    let offered = match most {
        Some(most) => offered().intersect(most),
        None => offered(),
    };
    let scopes = asked.intersect(&offered).with_a_readable_user();
    if scopes.names_no_resource() {
        return Err(denial(
            "no scope that this client may have was asked for: see /.well-known/smart-configuration",
        ));
    }
    Ok(scopes)
}

/// All that can be granted.
pub fn offered() -> ScopeSet {
    // A fixed text; should it ever not read, nothing is offered.
    ScopeSet::parse(OFFERED).unwrap_or_default()
}

/// True for the FHIR base of this server, with or without a slash at its end.
pub(super) fn is_fhir_base(state: &AppState, text: &str) -> bool {
    is_base(text, &fhir_base(state))
}

fn is_base(text: &str, fhir_base: &str) -> bool {
    text.strip_suffix('/').unwrap_or(text) == fhir_base
}

/// Where the FHIR resources of this server lie.
pub fn fhir_base(state: &AppState) -> String {
    format!("{}/fhir/r4", state.config.http.public_url)
}

/// Sends an error back to the client.
fn deny(state: &AppState, redirect_uri: &str, echoed: Option<&str>, denial: Denial) -> Response {
    send_back(state, redirect_uri, echoed, &denial.parameters())
}

/// Sends the browser back to the client with these parameters, `state` and `iss` (RFC 9207).
fn send_back(state: &AppState, redirect_uri: &str, echoed: Option<&str>, parameters: &[(&str, &str)]) -> Response {
    let back = way_back(state, redirect_uri, echoed, parameters);
    super::error::never_stored(Redirect::to(&back).into_response())
}

/// The client's address with these parameters, `state` and `iss` (RFC 9207).
pub(super) fn way_back(
    state: &AppState,
    redirect_uri: &str,
    echoed: Option<&str>,
    parameters: &[(&str, &str)],
) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters);
    if let Some(echoed) = echoed {
        query.append_pair("state", echoed);
    }
    query.append_pair("iss", &state.config.http.public_url);
    // RFC 6749 3.1.2: a query that the registered URI has already is kept.
    let joint = if redirect_uri.contains('?') { '&' } else { '?' };
    format!("{redirect_uri}{joint}{}", query.finish())
}
