//! `/oauth/consent`: the resident sees what an app asks for, agrees to some of it or refuses, and goes back to the app.
//!
//! The page and the reading of its form are the portal's. What was ticked becomes a consent, and the code that goes back
//! carries the scopes that are left of it.

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use consent::code::Code;
use consent::scope::{Interaction, Resource};
use consent::{Asked, Consent, ConsentDraft, FamilyId, Grant, HowGiven, IdentityGrant, ScopeSet};
use model::UtcMillis;
use store::{CodeRecord, StoreError};

use super::authorize::{AuthorizationRequest, Denial, PENDING, way_back};
use super::form::Form;
use super::handles::{self, Handle};
use crate::portal::consent_page::{CAREFUL, ChoiceError, Chosen, ConsentPage};
use crate::portal::continue_page::{self, Outcome};
use crate::portal::form::Session as _;
use crate::portal::resident::Resident;
use crate::portal::words::Words;
use crate::portal::{self, Problem};
use crate::sign_in::{self, SignedIn};
use crate::state::AppState;

/// Where the page lies.
pub const PATH: &str = "/oauth/consent";

/// The kind under which the store keeps what was chosen while the resident signs in anew.
const CHOSEN: u8 = 3;

/// How long what was chosen is kept, in milliseconds.
const CHOSEN_MS: i64 = 30 * 60_000;

/// `GET /oauth/consent?pending=…`: for a resident with a session; without one the extractor sends them to sign in and back.
pub async fn show(
    State(state): State<AppState>,
    signed_in: SignedIn,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let form = Form::parse(query.unwrap_or_default().as_bytes());
    match shown(&state, &signed_in, &form).await {
        Ok(response) => response,
        Err(problem) => portal::error_page(&headers, problem),
    }
}

async fn shown(state: &AppState, signed_in: &SignedIn, form: &Form) -> Result<Response, Problem> {
    let pending = form.get("pending").unwrap_or_default();
    let (request, page) = page(state, signed_in, pending).await?;
    // `prompt=login` and `max_age`: no form is in between, so this may redirect.
    if is_too_old(&request, signed_in) {
        let again = sign_in::again(&format!("{PATH}?pending={pending}"));
        return Ok(Redirect::to(&again).into_response());
    }
    let kept = state
        .store
        .take_pending(handles::hash(pending), CHOSEN, state.clock.now())
        .await
        .map_err(internal)?;
    let kept: Option<Vec<(String, String)>> = kept.and_then(|body| serde_json::from_slice(&body).ok());
    if let Some(fields) = kept
        && let Ok(chosen) = page.read(&fields)
    {
        return Ok(unframed(page.confirm(&fields, &chosen)));
    }
    Ok(unframed(page.render()))
}

/// True when the request asks for a later sign-in than this session's.
fn is_too_old(request: &AuthorizationRequest, signed_in: &SignedIn) -> bool {
    request.signed_in_since.is_some_and(|since| signed_in.since.0 < since)
}

/// `POST /oauth/consent`: the answer. A session that ended meanwhile begins again without losing the request.
pub async fn answer(
    State(state): State<AppState>,
    signed_in: Result<SignedIn, <SignedIn as axum::extract::FromRequestParts<AppState>>::Rejection>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = Form::parse(&body);
    let pending = form.get("pending").unwrap_or_default();
    match signed_in {
        Ok(signed_in) => decide(&state, &signed_in, pending, &form)
            .await
            .unwrap_or_else(|problem| portal::error_page(&headers, problem)),
        // They may see, but not decide.
        Err(refused) if refused.status() == axum::http::StatusCode::FORBIDDEN => refused,
        Err(_) if is_handle(pending) => Redirect::to(&format!("{PATH}?pending={pending}")).into_response(),
        Err(_) => portal::error_page(&headers, Problem::RequestGone),
    }
}

fn is_handle(text: &str) -> bool {
    text.len() == 43
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// Carries out a resident's answer.
pub(super) async fn decide(
    state: &AppState,
    signed_in: &SignedIn,
    pending: &str,
    form: &Form,
) -> Result<Response, Problem> {
    if !signed_in.sent(form.get("csrf").unwrap_or_default()) {
        return Err(Problem::ForeignForm);
    }
    let (request, page) = page(state, signed_in, pending).await?;
    match form.get("decision") {
        Some("agree" | "review") => {}
        Some("choose") => return Ok(unframed(page.again(form.all(), &[]))),
        Some("fill") => return Ok(unframed(page.again(&page.with_needed(form.all()), &[]))),
        _ => {
            take(state, pending).await?;
            let back = back(state, &request, &Denial::ACCESS_DENIED.parameters());
            return Ok(go_on(&page, &back, Outcome::Refused));
        }
    }
    let chosen = match page.read(form.all()) {
        Ok(chosen) => chosen,
        Err(problems) => return Ok(unframed(page.again(form.all(), &problems))),
    };
    if form.get("decision") == Some("review") {
        return Ok(unframed(page.confirm(form.all(), &chosen)));
    }
    let draft = draft(&request, signed_in, &page, chosen);
    // Looked at before the request is taken, so that the resident can correct the answer.
    if draft.validate(state.clock.now()).is_err() {
        return Ok(unframed(page.again(form.all(), &[ChoiceError::Unreadable])));
    }
    let is_stale = !signed_in.is_fresh(state.clock.now());
    if is_too_old(&request, signed_in) || (is_stale && draft.grants.iter().any(is_careful)) {
        return sign_in_first(state, &page, pending, form).await;
    }
    take(state, pending).await?;
    Ok(match agree(state, &request, draft, signed_in.since).await {
        Ok(code) => go_on(&page, &back(state, &request, &[("code", &code)]), Outcome::Agreed),
        Err(error) => {
            tracing::error!(%error, "a consent could not be kept");
            let back = back(state, &request, &Denial::SERVER_ERROR.parameters());
            go_on(&page, &back, Outcome::Failed)
        }
    })
}

fn is_careful(grant: &Grant) -> bool {
    CAREFUL.contains(&grant.category)
}

fn back(state: &AppState, request: &AuthorizationRequest, parameters: &[(&str, &str)]) -> String {
    way_back(state, &request.redirect_uri, Some(&request.state), parameters)
}

/// Browsers hold the policy for forms against every redirect after a form, so the way back is a page that leads on.
fn go_on(page: &ConsentPage, back: &str, outcome: Outcome) -> Response {
    unframed(continue_page::page(page.language, &page.client_name, back, outcome))
}

/// Keeps what was chosen, and asks for a fresh sign-in before sensitive data is given.
async fn sign_in_first(state: &AppState, page: &ConsentPage, pending: &str, form: &Form) -> Result<Response, Problem> {
    let fields: Vec<&(String, String)> = form
        .all()
        .iter()
        .filter(|(name, _)| !["csrf", "pending", "decision"].contains(&name.as_str()))
        .collect();
    let body = serde_json::to_vec(&fields).map_err(|_| Problem::Internal)?;
    let expires = state.clock.now().plus(CHOSEN_MS);
    state
        .store
        .save_pending(handles::hash(pending), CHOSEN, body, expires)
        .await
        .map_err(internal)?;
    let again = sign_in::again(&format!("{PATH}?pending={pending}"));
    Ok(unframed(page.sign_in_again(&again)))
}

/// Takes the request, so that it is answered once.
async fn take(state: &AppState, pending: &str) -> Result<(), Problem> {
    let taken = state
        .store
        .take_pending(handles::hash(pending), PENDING, state.clock.now())
        .await;
    taken.map_err(internal)?.map(|_| ()).ok_or(Problem::RequestGone)
}

/// The consent, and the code that goes back for it.
async fn agree(
    state: &AppState,
    request: &AuthorizationRequest,
    draft: ConsentDraft,
    signed_in: UtcMillis,
) -> Result<String, StoreError> {
    let consent = state.store.give_consent(draft).await?;
    let mut scopes = granted(&request.scopes, &consent, state.clock.now());
    // An ID token would say that whoever acts for the person is the person.
    if consent.how.acting().is_some() {
        scopes = scopes.without_user();
    }
    let handle = Handle::new(&*state.randomness);
    let mut family = [0; 8];
    state.randomness.fill(&mut family);
    let record = CodeRecord {
        client_id: request.client_id.clone(),
        redirect_uri: request.redirect_uri.clone(),
        code_challenge: request.code_challenge,
        person: consent.person,
        recipient: consent.recipient,
        consent: consent.id,
        scopes: scopes.to_string(),
        nonce: request.nonce.clone(),
        signed_in: Some(signed_in),
        code: Code::issue(FamilyId(u64::from_le_bytes(family)), state.clock.now()),
    };
    state.store.save_code(handle.hash, record).await?;
    Ok(handle.text)
}

/// What of `scopes` a consent leaves: each category of which a grant holds at `now`.
pub(super) fn granted(scopes: &ScopeSet, consent: &Consent, now: UtcMillis) -> ScopeSet {
    scopes.agreed_to(|category| {
        consent
            .grants
            .iter()
            .any(|grant| grant.category == category && grant.is_live(now))
    })
}

fn draft(request: &AuthorizationRequest, signed_in: &SignedIn, page: &ConsentPage, chosen: Chosen) -> ConsentDraft {
    let text = page.wording(&chosen);
    ConsentDraft {
        person: signed_in.person,
        recipient: page.recipient.id,
        purpose: request.purpose.clone(),
        asked: match page.links {
            Some((other, _)) => Asked {
                grants: Vec::new(),
                identity: IdentityGrant {
                    linking: Some(other),
                    ..IdentityGrant::NOTHING
                },
            },
            None => Asked::by_scopes(&request.scopes),
        },
        grants: chosen.grants,
        identity: chosen.identity,
        language: page.language,
        text_hash: handles::hash(&text),
        text,
        how: HowGiven::SignedIn {
            issuer: signed_in.issuer.clone(),
            assurance: signed_in.assurance.clone(),
            acting: signed_in.own.acting(),
        },
    }
}

/// The request under way, and the page that asks the resident about it.
async fn page(
    state: &AppState,
    signed_in: &SignedIn,
    pending: &str,
) -> Result<(AuthorizationRequest, ConsentPage), Problem> {
    let now = state.clock.now();
    let body = state
        .store
        .pending(handles::hash(pending), PENDING, now)
        .await
        .map_err(internal)?;
    let body = body.ok_or(Problem::RequestGone)?;
    let request: AuthorizationRequest = serde_json::from_slice(&body).map_err(|_| Problem::RequestGone)?;
    let client = state.store.client(&request.client_id).await.map_err(internal)?;
    let client = client.ok_or(Problem::UnknownClient)?;
    if !client.works() {
        return Err(Problem::StoppedClient);
    }
    let recipient = state.store.recipient(client.recipient).await.map_err(internal)?;
    let recipient = recipient.ok_or(Problem::UnknownClient)?;
    let purpose = recipient.purposes.iter().find(|known| known.purpose == request.purpose);
    let purpose = purpose.cloned().ok_or(Problem::RequestGone)?;
    let consents = state.store.person_consents(signed_in.person).await.map_err(internal)?;
    let current = consents
        .consents()
        .iter()
        .find(|consent| consent.recipient == recipient.id && consent.purpose == request.purpose);
    let template = state
        .store
        .template(recipient.id, &request.purpose)
        .await
        .map_err(internal)?;
    let links = match template.links_with.map(model::RecipientId) {
        None => None,
        Some(other) => {
            let known = state.store.recipient(other).await.map_err(internal)?;
            let known = known.ok_or(Problem::RequestGone)?;
            let words = Words(signed_in.language);
            Some((other, words.pick(&known.name_ja, &known.name_en).to_owned()))
        }
    };
    let rights = state.store.representations_by(signed_in.reader, now);
    let page = ConsentPage {
        could_act: !rights.await.map_err(internal)?.is_empty(),
        template,
        language: signed_in.language,
        action: PATH,
        pending: pending.to_owned(),
        csrf: signed_in.csrf.clone(),
        purpose,
        client_name: client.name,
        categories: match links {
            Some(_) => Vec::new(),
            None => request.scopes.consent_categories().collect(),
        },
        identity: links.is_none() && request.scopes.allows(Resource::Patient, Interaction::Read),
        links,
        offline: request.scopes.offline_access(),
        current: current.cloned(),
        resident: Resident::load(state, &signed_in.own)
            .await
            .map_err(internal)?
            .ok_or(Problem::RequestGone)?,
        recipient,
    };
    Ok((request, page))
}

fn internal(error: StoreError) -> Problem {
    tracing::error!(%error, "the consent page failed");
    Problem::Internal
}

/// No other page may frame this one (O-010), whatever policy the portal adds.
fn unframed(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("frame-ancestors 'none'"));
    super::error::never_stored(response)
}
