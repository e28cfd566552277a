//! With the browser: to the portal, back, perhaps there again, and back with the resident's word.
//!
//! Who comes back is told three times: by the session that it was begun in, by the address with a handle that only that browser was
//! given, and by the card: birth date, sex and name of whoever showed it there must be those of who signed in here. A person who acts
//! for somebody shows their own card; whose records come is told by the records.

use adapters::delegated::{Begin, Identity, Status};
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Redirect, Response};
use model::{Broken, DelegationEvent as Event, DelegationState, Denial, PersonId};
use reqwest::Url;
use serde::Deserialize;
use store::{Delegation, NewDelegation, Person, Sex, Step, StoreError};
use subtle::ConstantTimeEq as _;

use super::{CallError, Portal, RETURN};
use crate::oauth::handles::{self, Handle};
use crate::portal::resident::Resident;
use crate::portal::{Problem, delegations, error_page, links};
use crate::sign_in::{SignedIn, cookies};
use crate::state::AppState;

/// How long agreeing may take, in milliseconds: a card, a reader and two codes.
const UNTIL_MS: i64 = 30 * 60_000;

/// Why nothing was begun, or nothing came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// This browser did not begin it, or too long ago.
    NotOurs,
    /// No birth date is known here, by which who comes back could be told.
    NotKnownHere,
    /// The portal did not answer as it should.
    Portal,
    /// A fault of ours.
    Internal,
}

impl From<CallError> for Failure {
    fn from(_: CallError) -> Self {
        Self::Portal
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a delegation could not be kept");
        Self::Internal
    }
}

/// `GET /portal/delegations/{vendor}/begin`: to the portal. A link, not a form: no policy for forms stops its redirects.
async fn start(
    State(state): State<AppState>,
    Path(vendor): Path<String>,
    signed_in: SignedIn,
    headers: HeaderMap,
) -> Response {
    if !signed_in.decides {
        return error_page(&headers, Problem::OnlySees);
    }
    let Some(portal) = state.portals.named(&vendor) else {
        return error_page(&headers, Problem::NotFound);
    };
    answered(begun(&state, portal, &signed_in, &headers).await, &headers)
}

fn answered(led: Result<String, Failure>, headers: &HeaderMap) -> Response {
    match led {
        Ok(to) => Redirect::to(&to).into_response(),
        Err(failure) => delegations::failed(headers, failure),
    }
}

async fn begun(
    state: &AppState,
    portal: &Portal,
    signed_in: &SignedIn,
    headers: &HeaderMap,
) -> Result<String, Failure> {
    // Said before anybody is sent for their card.
    let reader = reader(state, signed_in.reader).await?;
    if reader.birth_date.is_none() || name_of(&reader).is_none() {
        return Err(Failure::NotKnownHere);
    }
    let resident = Resident::load(state, &signed_in.own).await?.ok_or(Failure::Internal)?;
    let handle = Handle::new(&*state.randomness);
    let until = state.clock.now().plus(UNTIL_MS);
    let new = NewDelegation {
        vendor: portal.adapter.name().to_owned(),
        reader: signed_in.reader,
        handle: handle.hash,
        browser: cookies::session_hash(state, headers),
        until,
    };
    let created = state.store.begin_delegation(&signed_in.own, new).await?;
    let return_to = format!("{}?state={}", portal.return_to, handle.text);
    let call = portal.adapter.begin(&Begin {
        service: &portal.service,
        return_to: &return_to,
        day: resident.today(),
    });
    let answer = portal.ask(state, call).await;
    let begun = answer.and_then(|answer| Ok(portal.adapter.begun(&answer)?));
    let begun = begun.and_then(|begun| {
        leads_on(portal, &begun.go_to)
            .then_some(begun)
            .ok_or(CallError::NoAnswer)
    });
    match begun {
        Ok(begun) => {
            let sent = Step {
                event: Some(Event::Sent),
                due: until,
                session: Some(begun.session),
                expires: None,
            };
            moved(state, &created, sent).await?;
            Ok(begun.go_to)
        }
        Err(error) => {
            moved(state, &created, event(Event::Broke(Broken::NotCollected))).await?;
            Err(error.into())
        }
    }
}

/// True for what a browser may be sent to: over TLS, but for a portal that is itself asked without, as on one's own machine.
fn leads_on(portal: &Portal, text: &str) -> bool {
    let is_plain = portal.api.starts_with("http:");
    Url::parse(text)
        .is_ok_and(|url| url.has_host() && (url.scheme() == "https" || (is_plain && url.scheme() == "http")))
}

async fn reader(state: &AppState, reader: PersonId) -> Result<Person, Failure> {
    state.store.person(reader).await?.ok_or(Failure::Internal)
}

fn event(event: Event) -> Step {
    Step {
        event: Some(event),
        ..Step::default()
    }
}

/// A step of what nobody else changed meanwhile.
async fn moved(state: &AppState, of: &Delegation, step: Step) -> Result<Delegation, Failure> {
    state.store.step_delegation(of, step).await?.ok_or(Failure::NotOurs)
}

/// What the browser comes back with.
#[derive(Debug, Deserialize)]
struct Back {
    state: Option<String>,
}

/// `GET /portal/delegations/return`: back from the portal.
async fn back(
    State(state): State<AppState>,
    Query(back): Query<Back>,
    signed_in: SignedIn,
    headers: HeaderMap,
) -> Response {
    if !signed_in.decides {
        return error_page(&headers, Problem::OnlySees);
    }
    answered(came_back(&state, &signed_in, &headers, back).await, &headers)
}

async fn came_back(state: &AppState, signed_in: &SignedIn, headers: &HeaderMap, back: Back) -> Result<String, Failure> {
    let sent = back.state.ok_or(Failure::NotOurs)?;
    let found = state.store.delegation_by_handle(handles::hash(&sent)).await?;
    let mut found = found.ok_or(Failure::NotOurs)?;
    let is_ours = bool::from(cookies::session_hash(state, headers).ct_eq(&found.browser));
    if !is_ours || found.person != signed_in.person || found.reader != signed_in.reader {
        return Err(Failure::NotOurs);
    }
    let home = || Ok(links::PATH.to_owned());
    if found.state.is_over() || found.state.is_agreed() {
        return home();
    }
    let portal = state.portals.named(&found.vendor).ok_or(Failure::NotOurs)?;
    let session = found.session.clone().ok_or(Failure::NotOurs)?;
    let answer = portal.ask(state, portal.adapter.status(&session)).await;
    let status = match answer {
        Ok(answer) => portal.adapter.told(&answer).map_err(CallError::from)?,
        Err(CallError::Over) => Status::Expired,
        Err(error) => return Err(error.into()),
    };
    let ended = match status {
        Status::Declined => Some(Event::Denied(Denial::Declined)),
        Status::Expired => Some(Event::RanOut),
        Status::Failed => Some(Event::Broke(Broken::NotCollected)),
        Status::AsksWho | Status::Collecting | Status::Ready => None,
    };
    if let Some(ended) = ended {
        moved(state, &found, event(ended)).await?;
        return home();
    }
    if found.state != DelegationState::Verified {
        let until = found.begun.plus(UNTIL_MS);
        if found.state == DelegationState::Redirected {
            let asked = Step {
                due: until,
                ..event(Event::Asked)
            };
            found = moved(state, &found, asked).await?;
        }
        let answer = portal.ask(state, portal.adapter.identity(&session)).await?;
        let identity = portal.adapter.identified(&answer).map_err(CallError::from)?;
        let judged = is_same(&reader(state, found.reader).await?, &identity);
        let said = match status {
            Status::AsksWho => {
                let call = portal.adapter.verified(&session, judged.is_ok());
                Some(portal.ask(state, call).await)
            }
            // It did not wait for our word, and gets nothing from us but that.
            _ => None,
        };
        if let Err(denial) = judged {
            tracing::warn!(
                delegation = found.id,
                "whoever came to the portal is not who signed in here"
            );
            moved(state, &found, event(Event::Denied(denial))).await?;
            return home();
        }
        let on = match said {
            Some(answer) => Some(portal.adapter.sent_on(&answer?).map_err(CallError::from)?),
            None => None,
        };
        let confirmed = Step {
            due: until,
            ..event(Event::Confirmed)
        };
        found = moved(state, &found, confirmed).await?;
        if let Some(on) = on {
            return leads_on(portal, &on).then_some(on).ok_or(Failure::Portal);
        }
    } else if status == Status::AsksWho {
        // It asked, was told, and asks again: nobody agreed yet.
        return Err(Failure::Portal);
    }
    let now = state.clock.now();
    let agreed = Step {
        due: now,
        expires: Some(now.plus(portal.lasts_ms)),
        ..event(Event::Agreed)
    };
    moved(state, &found, agreed).await?;
    tracing::info!(
        delegation = found.id,
        vendor = portal.adapter.name(),
        "a resident agreed at a portal"
    );
    home()
}

fn name_of(reader: &Person) -> Option<&str> {
    reader.name.as_deref().filter(|name| !name.trim().is_empty())
}

/// Whether who showed their card is who signed in: by birth date and name, and by sex where both say it. Of a birth date alone there are
/// several in every town, so that nobody is known by it. The address, which no sign-in tells, is not compared.
pub(super) fn is_same(reader: &Person, identity: &Identity) -> Result<(), Denial> {
    let birth = reader.birth_date.ok_or(Denial::NotKnownHere)?;
    let sex = match reader.sex {
        Some(Sex::Male) => Some(1),
        Some(Sex::Female) => Some(2),
        Some(Sex::Other) | None => None,
    };
    let name = name_of(reader);
    let differs = birth != identity.birth
        || sex.zip(identity.sex).is_some_and(|(known, shown)| known != shown)
        || name.is_some_and(|name| !identity.name.is_empty() && !store::is_one_name(name, &identity.name));
    match differs {
        true => Err(Denial::AnotherPerson),
        false if name.is_none() || identity.name.is_empty() => Err(Denial::NotKnownHere),
        false => Ok(()),
    }
}

/// Routes of beginning.
pub fn routes() -> axum::Router<AppState> {
    use axum::routing::get;
    axum::Router::new()
        .route("/portal/delegations/{vendor}/begin", get(start))
        .route(RETURN, get(back))
}
