//! The demo's own OpenID provider: a login form, codes, and ID tokens signed with a key made at start. It knows the demo's
//! residents only and keeps everything in memory.
//!
//! It follows OpenID Connect Core 1.0 and Discovery 1.0 for one public client with PKCE, and is strict about all of it, so
//! that what signs in here also signs in elsewhere.

mod account;
mod assertion;
mod codes;

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use axum_extra::extract::Form;
use model::environment::{Clock, Randomness};
use openidconnect::url::form_urlencoded;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::portal;
use crate::portal::page::{Frame, MessagePage, send};
use crate::portal::words::{Words, of_tag};
use crate::signing::{Algorithm, SigningError, SigningKey};
use account::{Accounts, Verdict};
use assertion::Assertions;
use codes::{Codes, Issued};

/// How long an ID token can be used, in seconds.
const ID_TOKEN_SECONDS: i64 = 300;

/// What the provider starts with.
pub struct ProviderSetup {
    /// Its issuer URL, under whose path the router is mounted.
    pub issuer: String,
    /// The clients.
    pub clients: Vec<RelyingParty>,
    /// The level of assurance that it states (`acr`).
    pub level: Option<String>,
    /// Who can sign in.
    pub residents: Vec<Login>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes codes and salts.
    pub randomness: Arc<dyn Randomness>,
}

/// A client of the provider.
#[derive(Clone, Debug)]
pub struct RelyingParty {
    /// Its id.
    pub client_id: String,
    /// Where browsers are sent back to.
    pub redirect_uri: String,
    /// Its keys (RFC 7517 5): one that has them authenticates by `private_key_jwt`, and in no other way.
    pub keys: Option<Value>,
}

impl RelyingParty {
    /// One that has no secret.
    pub fn public(client_id: &str, redirect_uri: String) -> Self {
        Self {
            client_id: client_id.to_owned(),
            redirect_uri,
            keys: None,
        }
    }
}

/// Somebody who can sign in.
pub struct Login {
    /// What they type as their name.
    pub login: String,
    /// What they type as their password; kept as a hash.
    pub password: String,
    /// Their number here, never given to somebody else.
    pub sub: String,
    /// What they are called.
    pub name: String,
}

/// Why the provider cannot start.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// No key.
    #[error("the provider's signing key cannot be made")]
    Key(#[from] SigningError),
    /// No password hash.
    #[error("a password cannot be hashed")]
    Password,
}

struct Shared {
    issuer: String,
    clients: Vec<RelyingParty>,
    level: Option<String>,
    assertions: Assertions,
    accounts: Accounts,
    codes: Codes,
    key: SigningKey,
    clock: Arc<dyn Clock>,
}

/// The provider's routes, to be mounted under the path of its issuer.
///
/// # Errors
/// [`SetupError`].
pub fn routes<S: Clone + Send + Sync + 'static>(setup: ProviderSetup) -> Result<Router<S>, SetupError> {
    let shared = Arc::new(Shared {
        accounts: Accounts::new(setup.residents, &*setup.randomness)?,
        codes: Codes::new(setup.randomness),
        key: SigningKey::generate(Algorithm::Es256)?,
        issuer: setup.issuer,
        clients: setup.clients,
        level: setup.level,
        assertions: Assertions::default(),
        clock: setup.clock,
    });
    Ok(Router::new()
        .route("/.well-known/openid-configuration", get(discovery))
        .route("/jwks", get(jwks))
        .route("/authorize", get(ask).post(log_in))
        .route("/token", post(token))
        .route("/style.css", get(portal::style))
        .with_state(shared))
}

/// `GET /.well-known/openid-configuration` (OpenID Connect Discovery 1.0, 3).
async fn discovery(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let issuer = &shared.issuer;
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": ["openid", "profile"],
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "name"],
        "ui_locales_supported": ["ja", "en"],
        "authorization_response_iss_parameter_supported": true,
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
    }))
}

/// `GET /jwks`.
async fn jwks(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!({ "keys": [shared.key.public()] }))
}

/// A request for somebody to sign in, carried by the form between its two steps and checked at both.
#[derive(Clone, Debug, Default, Deserialize)]
struct Request {
    client_id: Option<String>,
    redirect_uri: Option<String>,
    response_type: Option<String>,
    scope: Option<String>,
    state: Option<String>,
    nonce: Option<String>,
    code_challenge: Option<String>,
    code_challenge_method: Option<String>,
    prompt: Option<String>,
    ui_locales: Option<String>,
}

/// What is wrong with a request.
enum Bad {
    /// It may not go back to whoever sent it.
    Stays,
    /// It goes back with this error.
    Returns(&'static str),
}

impl Request {
    fn check(&self, shared: &Shared) -> Result<(), Bad> {
        let known = |client: &RelyingParty| {
            self.client_id.as_ref() == Some(&client.client_id)
                && self.redirect_uri.as_ref() == Some(&client.redirect_uri)
        };
        if !shared.clients.iter().any(known) {
            return Err(Bad::Stays);
        }
        if self.response_type.as_deref() != Some("code") {
            return Err(Bad::Returns("unsupported_response_type"));
        }
        let scopes = self.scope.as_deref().unwrap_or_default();
        if !scopes.split(' ').any(|scope| scope == "openid") {
            return Err(Bad::Returns("invalid_scope"));
        }
        // RFC 7636 4.2: the challenge is the base64url of a SHA-256.
        let challenge = self.code_challenge.as_deref().unwrap_or_default();
        let is_challenge = challenge.len() == 43
            && challenge
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if self.code_challenge_method.as_deref() != Some("S256") || !is_challenge {
            return Err(Bad::Returns("invalid_request"));
        }
        if self
            .prompt
            .as_deref()
            .is_some_and(|prompt| prompt.split(' ').any(|word| word == "none"))
        {
            // Nobody stays signed in here.
            return Err(Bad::Returns("login_required"));
        }
        Ok(())
    }

    fn words(&self, headers: &HeaderMap) -> Words {
        let asked = self
            .ui_locales
            .as_deref()
            .unwrap_or_default()
            .split(' ')
            .find_map(of_tag);
        asked.map_or_else(|| Words::for_reader(headers), Words)
    }

    /// The fields that the form carries to its second step.
    fn carried(&self) -> Vec<(&'static str, String)> {
        let fields = [
            ("client_id", &self.client_id),
            ("redirect_uri", &self.redirect_uri),
            ("response_type", &self.response_type),
            ("scope", &self.scope),
            ("state", &self.state),
            ("nonce", &self.nonce),
            ("code_challenge", &self.code_challenge),
            ("code_challenge_method", &self.code_challenge_method),
            ("ui_locales", &self.ui_locales),
        ];
        fields
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.clone()?)))
            .collect()
    }

    /// Back to the client, with `state` and the issuer (RFC 9207).
    fn back(&self, shared: &Shared, name: &str, value: &str) -> Response {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair(name, value);
        if let Some(state) = &self.state {
            query.append_pair("state", state);
        }
        query.append_pair("iss", &shared.issuer);
        // One of ours: only a request that was checked goes back.
        let redirect_uri = self.redirect_uri.as_deref().unwrap_or_default();
        let joint = if redirect_uri.contains('?') { '&' } else { '?' };
        Redirect::to(&format!("{redirect_uri}{joint}{}", query.finish())).into_response()
    }

    fn refuse(&self, shared: &Shared, headers: &HeaderMap, bad: &Bad) -> Response {
        match bad {
            Bad::Returns(error) => self.back(shared, "error", error),
            Bad::Stays => {
                let words = self.words(headers);
                let page = MessagePage {
                    frame: Frame::open(words, portal::PATH),
                    words,
                    title: words.say("provider-bad-title"),
                    text: words.say("provider-bad-text"),
                    is_error: true,
                    links: Vec::new(),
                };
                send(StatusCode::BAD_REQUEST, &page, None)
            }
        }
    }
}

#[derive(Template)]
#[template(path = "provider_login.html")]
struct LoginPage {
    words: Words,
    style: String,
    action: String,
    carried: Vec<(&'static str, String)>,
    login: String,
    wrong: Option<String>,
}

fn login_page(shared: &Shared, request: &Request, words: Words, login: String, wrong: Option<&str>) -> Response {
    let page = LoginPage {
        words,
        style: format!("{}/style.css", shared.issuer),
        action: format!("{}/authorize", shared.issuer),
        carried: request.carried(),
        login,
        wrong: wrong.map(|key| words.say(key)),
    };
    let status = if wrong.is_some() {
        StatusCode::UNAUTHORIZED
    } else {
        StatusCode::OK
    };
    send(status, &page, request.redirect_uri.as_deref())
}

/// `GET /authorize`: the login form.
async fn ask(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    axum::extract::Query(request): axum::extract::Query<Request>,
) -> Response {
    match request.check(&shared) {
        Ok(()) => login_page(&shared, &request, request.words(&headers), String::new(), None),
        Err(bad) => request.refuse(&shared, &headers, &bad),
    }
}

/// What is typed into the form.
#[derive(Debug, Deserialize)]
struct Typed {
    #[serde(default)]
    login: String,
    #[serde(default)]
    password: String,
    #[serde(flatten)]
    request: Request,
}

/// `POST /authorize`: who types the right name and password goes back with a code.
async fn log_in(State(shared): State<Arc<Shared>>, headers: HeaderMap, Form(typed): Form<Typed>) -> Response {
    let request = typed.request;
    if let Err(bad) = request.check(&shared) {
        return request.refuse(&shared, &headers, &bad);
    }
    let words = request.words(&headers);
    match shared.accounts.check(&typed.login, typed.password).await {
        Verdict::Is(account) => {
            let code = shared.codes.issue(
                Issued {
                    account,
                    client_id: request.client_id.clone().unwrap_or_default(),
                    code_challenge: request.code_challenge.clone().unwrap_or_default(),
                    nonce: request.nonce.clone(),
                    profile: request
                        .scope
                        .as_deref()
                        .unwrap_or_default()
                        .split(' ')
                        .any(|scope| scope == "profile"),
                },
                shared.clock.now(),
            );
            request.back(&shared, "code", &code)
        }
        Verdict::Wrong => login_page(&shared, &request, words, typed.login, Some("provider-wrong")),
        Verdict::Busy => login_page(&shared, &request, words, typed.login, Some("provider-busy")),
    }
}

/// The form of a code that is exchanged.
#[derive(Debug, Deserialize)]
struct Exchange {
    grant_type: Option<String>,
    code: Option<String>,
    redirect_uri: Option<String>,
    client_id: Option<String>,
    code_verifier: Option<String>,
    client_assertion_type: Option<String>,
    client_assertion: Option<String>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    exp: i64,
    iat: i64,
    auth_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

/// `POST /token` (OpenID Connect Core 1.0, 3.1.3).
async fn token(State(shared): State<Arc<Shared>>, Form(form): Form<Exchange>) -> Response {
    let refuse = |error: &'static str| {
        (
            StatusCode::BAD_REQUEST,
            [(header::CACHE_CONTROL, "no-store")],
            Json(json!({ "error": error })),
        )
            .into_response()
    };
    if form.grant_type.as_deref() != Some("authorization_code") {
        return refuse("unsupported_grant_type");
    }
    let client = shared
        .clients
        .iter()
        .find(|client| form.client_id.as_ref() == Some(&client.client_id));
    let Some(client) = client else {
        return refuse("invalid_client");
    };
    let now = shared.clock.now();
    if let Some(keys) = &client.keys {
        let endpoint = format!("{}/token", shared.issuer);
        let shown = form.client_assertion.as_deref();
        let is_jwt = form.client_assertion_type.as_deref() == Some(assertion::TYPE);
        let proves = |shown| shared.assertions.proves(shown, keys, &client.client_id, &endpoint, now);
        if !is_jwt || !shown.is_some_and(proves) {
            return refuse("invalid_client");
        }
    }
    let issued = shared.codes.redeem(form.code.as_deref().unwrap_or_default(), now);
    let Some((issued, signed_in_at)) = issued else {
        return refuse("invalid_grant");
    };
    let verifier = form.code_verifier.as_deref().unwrap_or_default();
    let is_its = issued.client_id == client.client_id && form.redirect_uri.as_ref() == Some(&client.redirect_uri);
    if !is_its || !issued.is_verified_by(verifier) {
        return refuse("invalid_grant");
    }
    let Some(account) = shared.accounts.get(issued.account) else {
        return refuse("invalid_grant");
    };
    let seconds = now.0.div_euclid(1_000);
    let claims = Claims {
        iss: &shared.issuer,
        sub: &account.sub,
        aud: &client.client_id,
        exp: seconds + ID_TOKEN_SECONDS,
        iat: seconds,
        auth_time: signed_in_at.0.div_euclid(1_000),
        acr: shared.level.as_deref(),
        nonce: issued.nonce.as_deref(),
        name: issued.profile.then_some(account.name.as_str()),
    };
    let Ok(id_token) = shared.key.sign("JWT", &claims) else {
        tracing::error!("an ID token could not be signed");
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    // The access token opens nothing: there is nothing here but the ID token.
    let answer = json!({
        "access_token": shared.codes.handle(),
        "token_type": "Bearer",
        "expires_in": ID_TOKEN_SECONDS,
        "id_token": id_token,
    });
    ([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}

#[cfg(test)]
mod tests;
