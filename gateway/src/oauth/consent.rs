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
use consent::{Asked, Consent, ConsentDraft, FamilyId, HowGiven, ScopeSet};
use model::UtcMillis;
use store::{CodeRecord, StoreError};

use super::authorize::{AuthorizationRequest, Denial, PENDING, deny, send_back};
use super::form::Form;
use super::handles::{self, Handle};
use crate::portal::consent_page::{ChoiceError, Chosen, ConsentPage};
use crate::portal::resident::Resident;
use crate::portal::{self, Problem};
use crate::sign_in::SignedIn;
use crate::state::AppState;

/// Where the page lies.
pub const PATH: &str = "/oauth/consent";

/// `GET /oauth/consent?pending=…`: for a resident with a session; without one the extractor sends them to sign in and back.
pub async fn show(
    State(state): State<AppState>,
    signed_in: SignedIn,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let form = Form::parse(query.unwrap_or_default().as_bytes());
    let pending = form.get("pending").unwrap_or_default();
    match page(&state, &signed_in, pending).await {
        Ok((_, page)) => unframed(page.render()),
        Err(problem) => portal::error_page(&headers, problem),
    }
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
    if form.get("decision") != Some("agree") {
        take(state, pending).await?;
        return Ok(deny(
            state,
            &request.redirect_uri,
            Some(&request.state),
            Denial::ACCESS_DENIED,
        ));
    }
    let chosen = match page.read(form.all()) {
        Ok(chosen) => chosen,
        Err(problems) => return Ok(unframed(page.again(form.all(), &problems))),
    };
    let draft = draft(&request, signed_in, &page, chosen);
    // Looked at before the request is taken, so that the resident can correct the answer.
    if draft.validate(state.clock.now()).is_err() {
        return Ok(unframed(page.again(form.all(), &[ChoiceError::Unreadable])));
    }
    take(state, pending).await?;
    Ok(match agree(state, &request, draft, signed_in.since).await {
        Ok(code) => send_back(state, &request.redirect_uri, Some(&request.state), &[("code", &code)]),
        Err(error) => {
            tracing::error!(%error, "a consent could not be kept");
            deny(state, &request.redirect_uri, Some(&request.state), Denial::SERVER_ERROR)
        }
    })
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
    let scopes = granted(&request.scopes, &consent, state.clock.now());
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
        asked: Asked::by_scopes(&request.scopes),
        grants: chosen.grants,
        identity: chosen.identity,
        language: page.language,
        text_hash: handles::hash(&text),
        text,
        how: HowGiven::SignedIn {
            issuer: signed_in.issuer.clone(),
            assurance: signed_in.assurance.clone(),
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
    let page = ConsentPage {
        language: signed_in.language,
        action: PATH,
        pending: pending.to_owned(),
        csrf: signed_in.csrf.clone(),
        purpose,
        client_name: client.name,
        categories: request.scopes.consent_categories().collect(),
        identity: request.scopes.allows(Resource::Patient, Interaction::Read),
        offline: request.scopes.offline_access(),
        current: current.cloned(),
        resident: Resident::load(state, signed_in.person)
            .await
            .map_err(internal)?
            .ok_or(Problem::RequestGone)?,
        redirect_uri: request.redirect_uri.clone(),
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
