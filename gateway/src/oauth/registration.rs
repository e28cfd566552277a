//! Dynamic client registration (RFC 7591) and its management (RFC 7592): an app asks to be let in, and an operator decides.
//!
//! Each registration is a recipient of its own with one client. Until it is approved it opens nothing. What would let it do
//! something else than what was approved makes it wait again.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use consent::{Purpose, ScopeSet};
use model::OrganisationId;
use oauth2::url::Url;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Client, NewClient, NewRecipient, PurposeText, RegistrationState, Responsible, StoreError};
use subtle::ConstantTimeEq as _;

use super::authorize::offered;
use super::error::never_stored;
use super::handles::{self, Handle};
use super::id_token::seconds;
use crate::state::AppState;

/// The longest text of a registration, in bytes.
const MAX_TEXT: usize = 300;

/// What an app says of itself (RFC 7591 2). What is not known here is not registered, and the answer does not repeat it.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Metadata {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    redirect_uris: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token_endpoint_auth_method: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    grant_types: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    response_types: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    contacts: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    policy_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    jwks_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    jwks: Option<Value>,
    /// The company or office that is responsible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    organization_name: Option<String>,
    /// What the data is for; one purpose of general use where none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    purposes: Vec<PurposeMetadata>,
    #[serde(default, skip_serializing)]
    software_statement: Option<Value>,
    #[serde(default, skip_serializing)]
    sector_identifier_uri: Option<Value>,
    #[serde(default, skip_serializing)]
    client_id: Option<String>,
    #[serde(default, skip_serializing)]
    client_secret: Option<String>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct PurposeMetadata {
    code: String,
    ja: String,
    en: String,
}

/// Why a registration is not taken (RFC 7591 3.2.2).
#[derive(Debug, thiserror::Error)]
pub enum RegistrationError {
    /// Registration is not open here.
    #[error("registration is not open here: ask the operator")]
    Closed,
    /// The registration token is missing or not the client's.
    #[error("the registration access token is not valid")]
    BadToken,
    /// A redirect URI that cannot be.
    #[error("{0}")]
    RedirectUri(&'static str),
    /// Something else that cannot be.
    #[error("{0}")]
    Metadata(&'static str),
    /// Software statements are not known here.
    #[error("software statements are not taken")]
    Statement,
    /// Our own fault.
    #[error("the server could not answer; the request id names the entry in its log")]
    Internal(StoreError),
}

impl From<StoreError> for RegistrationError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Invalid { what } => Self::Metadata(what),
            error => Self::Internal(error),
        }
    }
}

impl IntoResponse for RegistrationError {
    fn into_response(self) -> Response {
        let (status, code) = match &self {
            Self::Closed => (StatusCode::FORBIDDEN, "access_denied"),
            Self::BadToken => (StatusCode::UNAUTHORIZED, "invalid_token"),
            Self::RedirectUri(_) => (StatusCode::BAD_REQUEST, "invalid_redirect_uri"),
            Self::Metadata(_) => (StatusCode::BAD_REQUEST, "invalid_client_metadata"),
            Self::Statement => (StatusCode::BAD_REQUEST, "unapproved_software_statement"),
            Self::Internal(error) => {
                tracing::error!(%error, "a registration failed");
                (StatusCode::INTERNAL_SERVER_ERROR, "server_error")
            }
        };
        let body = json!({"error": code, "error_description": self.to_string()});
        let mut response = never_stored((status, Json(body)).into_response());
        if status == StatusCode::UNAUTHORIZED {
            let challenge = header::HeaderValue::from_static("Bearer error=\"invalid_token\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// How a client authenticates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Public,
    Secret,
    Signature,
}

impl Method {
    const fn name(self) -> &'static str {
        match self {
            Self::Public => "none",
            Self::Secret => "client_secret_basic",
            Self::Signature => "private_key_jwt",
        }
    }

    const fn of(client: &Client) -> Self {
        match (
            client.secret_hash.is_some(),
            client.keys.is_some() || client.jwks_uri.is_some(),
        ) {
            (true, _) => Self::Secret,
            (false, true) => Self::Signature,
            (false, false) => Self::Public,
        }
    }
}

/// What was checked of a registration.
struct Checked {
    method: Method,
    name: String,
    keys: Option<String>,
    scopes: Option<String>,
}

fn read(body: &[u8]) -> Result<Metadata, RegistrationError> {
    let bad = || RegistrationError::Metadata("the body must be a JSON object of client metadata");
    let sent: Value = serde_json::from_slice(body).map_err(|_| bad())?;
    // A list would read as the members in their order.
    if !sent.is_object() {
        return Err(bad());
    }
    serde_json::from_value(sent).map_err(|_| bad())
}

fn check(metadata: &Metadata) -> Result<Checked, RegistrationError> {
    let bad = |problem| Err(RegistrationError::Metadata(problem));
    if metadata.software_statement.is_some() {
        return Err(RegistrationError::Statement);
    }
    if metadata.sector_identifier_uri.is_some() {
        return bad("sector_identifier_uri is not known: ids are pairwise by recipient");
    }
    let method = match metadata.token_endpoint_auth_method.as_deref() {
        Some("none") => Method::Public,
        // RFC 7591 2: the default.
        None | Some("client_secret_basic" | "client_secret_post") => Method::Secret,
        Some("private_key_jwt") => Method::Signature,
        Some(_) => return bad("token_endpoint_auth_method must be none, client_secret_basic or private_key_jwt"),
    };
    match (method, metadata.jwks.is_some(), metadata.jwks_uri.is_some()) {
        (Method::Signature, true, false) | (Method::Signature, false, true) => {}
        (Method::Signature, ..) => return bad("private_key_jwt needs jwks or jwks_uri, one of them"),
        (_, false, false) => {}
        _ => return bad("jwks and jwks_uri are for private_key_jwt"),
    }
    let grants = ["authorization_code", "refresh_token", "client_credentials"];
    if metadata
        .grant_types
        .iter()
        .any(|grant| !grants.contains(&grant.as_str()))
    {
        return bad("grant_types are authorization_code, refresh_token and client_credentials");
    }
    if metadata.response_types.iter().any(|kind| kind != "code") {
        return bad("response_types is code");
    }
    for uri in &metadata.redirect_uris {
        check_redirect(uri)?;
    }
    if metadata.redirect_uris.is_empty() && method != Method::Signature {
        return Err(RegistrationError::RedirectUri("redirect_uris is required"));
    }
    if metadata.jwks_uri.as_ref().is_some_and(|uri| !is_https(uri)) {
        return bad("jwks_uri must be an https URL");
    }
    if metadata.policy_uri.as_ref().is_some_and(|uri| !is_https(uri)) {
        return bad("policy_uri must be an https URL");
    }
    let name = metadata.client_name.as_deref().unwrap_or_default().trim();
    if name.is_empty() || name.len() > MAX_TEXT || name.chars().any(char::is_control) {
        return bad("client_name is required: 1 to 300 bytes, which residents read");
    }
    let texts = metadata.contacts.iter().chain(&metadata.organization_name);
    if metadata.contacts.len() > 5 || texts.into_iter().any(|text| text.len() > MAX_TEXT) {
        return bad("contacts and organization_name are too long");
    }
    let scopes = match &metadata.scope {
        None => None,
        Some(text) => Some(ceiling(text)?),
    };
    Ok(Checked {
        method,
        name: name.to_owned(),
        keys: metadata.jwks.as_ref().map(Value::to_string),
        scopes,
    })
}

/// The most that a client may ask for: what is offered of what it names.
fn ceiling(text: &str) -> Result<String, RegistrationError> {
    let unreadable = |_| RegistrationError::Metadata("scope cannot be read");
    let person = ScopeSet::parse(text).map_err(unreadable)?.intersect(&offered());
    let system = ScopeSet::parse_system(text).map_err(unreadable)?.intersect(&offered());
    if person.names_no_resource() && system.names_no_resource() {
        return Err(RegistrationError::Metadata("scope names nothing that is offered here"));
    }
    Ok(format!("{person} {}", system.to_system()).trim().to_owned())
}

/// Over https; on loopback over http too (RFC 8252 7.3); or a scheme of the app's own, with a dot in it (RFC 8252 7.1).
fn check_redirect(uri: &str) -> Result<(), RegistrationError> {
    let bad = RegistrationError::RedirectUri(
        "redirect URIs are https, http on loopback, or a scheme of the app's own such as com.example.app, without a fragment",
    );
    let Ok(url) = Url::parse(uri) else { return Err(bad) };
    let is_loopback = matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
    let fits = match url.scheme() {
        "https" => url.has_host(),
        "http" => is_loopback,
        own => own.contains('.'),
    };
    let plain = url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
    if fits && plain { Ok(()) } else { Err(bad) }
}

fn is_https(uri: &str) -> bool {
    uri.len() <= 1_024 && Url::parse(uri).is_ok_and(|url| url.scheme() == "https" && url.has_host())
}

/// `POST /oauth/register`.
pub async fn register(State(state): State<AppState>, body: Bytes) -> Result<Response, RegistrationError> {
    let organisation = state.config.registration.organisation;
    if organisation == 0 {
        return Err(RegistrationError::Closed);
    }
    let metadata = read(&body)?;
    let checked = check(&metadata)?;
    let purposes = purposes(&metadata, &checked.name)?;
    let standing = standing(&state);
    let recipient = NewRecipient {
        organisation: OrganisationId(organisation),
        name_ja: checked.name.clone(),
        name_en: checked.name.clone(),
        purposes,
        responsible: Responsible {
            company: metadata.organization_name.clone().unwrap_or_default(),
            contact: metadata.contacts.join(", "),
            privacy_policy: metadata.policy_uri.clone().unwrap_or_default(),
        },
        state: standing,
    };
    let recipient = state.store.create_recipient(recipient).await?;
    let mut random = [0; 12];
    state.randomness.fill(&mut random);
    let client_id = format!("app-{}", consent::receipt::hex(&random));
    let (secret, token) = (Handle::new(&*state.randomness), Handle::new(&*state.randomness));
    let client = NewClient {
        client_id: client_id.clone(),
        recipient,
        name: checked.name,
        secret_hash: (checked.method == Method::Secret).then_some(secret.hash),
        keys: checked.keys,
        jwks_uri: metadata.jwks_uri.clone(),
        redirect_uris: metadata.redirect_uris.clone(),
        scopes: checked.scopes,
        registration_hash: Some(token.hash),
        state: standing,
        ..NewClient::default()
    };
    state.store.create_client(client).await?;
    let client = state
        .store
        .client(&client_id)
        .await?
        .ok_or(RegistrationError::BadToken)?;
    let mut answer = shown(&state, &client);
    answer["registration_access_token"] = token.text.into();
    if checked.method == Method::Secret {
        answer["client_secret"] = secret.text.into();
        // RFC 7591 3.2.1: never.
        answer["client_secret_expires_at"] = 0.into();
    }
    tracing::info!(client = client_id, "a client asked to be registered");
    Ok(never_stored((StatusCode::CREATED, Json(answer)).into_response()))
}

fn standing(state: &AppState) -> RegistrationState {
    if state.config.registration.by_operator {
        RegistrationState::Proposed
    } else {
        RegistrationState::Approved
    }
}

fn purposes(metadata: &Metadata, name: &str) -> Result<Vec<PurposeText>, RegistrationError> {
    let bad =
        || RegistrationError::Metadata("purposes need a code (a-z, 0-9 and -) and texts in ja and en, 1 to 300 bytes");
    if metadata.purposes.is_empty() {
        let purpose = Purpose::new("service").map_err(|_| bad())?;
        return Ok(vec![PurposeText {
            purpose,
            ja: format!("「{name}」のサービスに使います"),
            en: format!("For the service “{name}”"),
        }]);
    }
    metadata
        .purposes
        .iter()
        .map(|purpose| {
            let fits =
                |text: &str| !text.trim().is_empty() && text.len() <= MAX_TEXT && !text.chars().any(char::is_control);
            if !fits(&purpose.ja) || !fits(&purpose.en) {
                return Err(bad());
            }
            Ok(PurposeText {
                purpose: Purpose::new(purpose.code.clone()).map_err(|_| bad())?,
                ja: purpose.ja.clone(),
                en: purpose.en.clone(),
            })
        })
        .collect()
}

/// A registration as it stands (RFC 7591 3.2.1), without secrets.
fn shown(state: &AppState, client: &Client) -> Value {
    let method = Method::of(client);
    let mut grants = Vec::new();
    if !client.redirect_uris.is_empty() {
        grants.extend(["authorization_code", "refresh_token"]);
    }
    if method == Method::Signature {
        grants.push("client_credentials");
    }
    let mut shown = json!({
        "client_id": client.client_id,
        "client_id_issued_at": seconds(client.created),
        "client_name": client.name,
        "token_endpoint_auth_method": method.name(),
        "grant_types": grants,
        "response_types": if client.redirect_uris.is_empty() { json!([]) } else { json!(["code"]) },
        "redirect_uris": client.redirect_uris,
        "registration_client_uri": format!("{}/oauth/register/{}", state.config.http.public_url, client.client_id),
        "registration_state": match client.state {
            RegistrationState::Proposed => "proposed",
            RegistrationState::Approved if client.works() => "approved",
            RegistrationState::Approved | RegistrationState::Blocked => "blocked",
        },
    });
    if let Some(scopes) = &client.scopes {
        shown["scope"] = scopes.clone().into();
    }
    if let Some(uri) = &client.jwks_uri {
        shown["jwks_uri"] = uri.clone().into();
    }
    if let Some(keys) = client.keys.as_deref().and_then(|keys| serde_json::from_str(keys).ok()) {
        shown["jwks"] = keys;
    }
    shown
}

/// The client that a request manages, by its registration token.
async fn managed(state: &AppState, headers: &HeaderMap, client_id: &str) -> Result<Client, RegistrationError> {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| handles::hash(token.trim()));
    let client = state.store.client(client_id).await?;
    // A client that is not there takes the same way as a wrong token.
    let known = client
        .as_ref()
        .and_then(|client| client.registration_hash)
        .unwrap_or_default();
    let is_its = bool::from(token.unwrap_or_default().ct_eq(&known));
    match (client, token) {
        (Some(client), Some(_)) if is_its && client.registration_hash.is_some() => Ok(client),
        _ => Err(RegistrationError::BadToken),
    }
}

/// `GET /oauth/register/{client_id}`.
pub async fn read_back(
    State(state): State<AppState>,
    Path(client_id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, RegistrationError> {
    let client = managed(&state, &headers, &client_id).await?;
    Ok(never_stored(Json(shown(&state, &client)).into_response()))
}

/// `PUT /oauth/register/{client_id}`: the whole metadata anew.
pub async fn replace(
    State(state): State<AppState>,
    Path(client_id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, RegistrationError> {
    let client = managed(&state, &headers, &client_id).await?;
    let sent: Value = serde_json::from_slice(&body).unwrap_or_default();
    // RFC 7592 2.2.
    let never = [
        "registration_access_token",
        "registration_client_uri",
        "client_secret_expires_at",
        "client_id_issued_at",
    ];
    if never.iter().any(|name| sent.get(name).is_some()) {
        return Err(RegistrationError::Metadata(
            "what the server gave (registration_access_token and the like) is not sent back",
        ));
    }
    let metadata = read(&body)?;
    if metadata.client_id.as_ref() != Some(&client.client_id) {
        return Err(RegistrationError::Metadata("client_id must be the client's own"));
    }
    let shows_secret = metadata.client_secret.as_deref().map(handles::hash);
    if shows_secret.is_some_and(|shown| client.secret_hash.is_none_or(|known| !bool::from(known.ct_eq(&shown)))) {
        return Err(RegistrationError::Metadata("client_secret is not the client's own"));
    }
    let checked = check(&metadata)?;
    if checked.method != Method::of(&client) {
        return Err(RegistrationError::Metadata(
            "token_endpoint_auth_method cannot change: register anew",
        ));
    }
    let same = metadata.redirect_uris == client.redirect_uris
        && checked.keys == client.keys
        && metadata.jwks_uri == client.jwks_uri
        && checked.scopes == client.scopes
        && checked.name == client.name;
    let new = NewClient {
        client_id: client.client_id.clone(),
        recipient: client.recipient,
        name: checked.name,
        secret_hash: client.secret_hash,
        keys: checked.keys,
        jwks_uri: metadata.jwks_uri,
        redirect_uris: metadata.redirect_uris,
        launch_url: client.launch_url.clone(),
        scopes: checked.scopes,
        registration_hash: client.registration_hash,
        state: match client.state {
            RegistrationState::Blocked => RegistrationState::Blocked,
            known if same => known,
            _ => standing(&state),
        },
    };
    state.store.replace_client(&client_id, Some(new)).await?;
    let client = state
        .store
        .client(&client_id)
        .await?
        .ok_or(RegistrationError::BadToken)?;
    Ok(never_stored(Json(shown(&state, &client)).into_response()))
}

/// `DELETE /oauth/register/{client_id}`: the client and its tokens are gone; consents of residents stay theirs to withdraw.
pub async fn remove(
    State(state): State<AppState>,
    Path(client_id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, RegistrationError> {
    managed(&state, &headers, &client_id).await?;
    state.store.replace_client(&client_id, None).await?;
    Ok(never_stored(StatusCode::NO_CONTENT.into_response()))
}
