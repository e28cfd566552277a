//! What goes on without the browser: waiting until the portal has collected, fetching, and fetching again.

use std::time::Duration;

use adapters::Input;
use adapters::delegated::{Delegated, Status};
use model::time::{DAY_MS, HOUR_MS};
use model::{Broken, DelegationEvent as Event, DelegationState, Denial, PersonId, UtcMillis};
use store::{Delegation, Step, StoreError};
use tokio::task::JoinSet;

use super::{CallError, Portal};
use crate::import::{self, ImportError};
use crate::state::AppState;

/// Delegations that are worked at the same time.
const AT_ONCE: u32 = 8;

/// How long a worker looks away when there is nothing to do.
const IDLE: Duration = Duration::from_millis(500);

/// The shortest and the longest time between two questions whether it is collected, in milliseconds.
const ASK_AGAIN_MS: (i64, i64) = (5_000, 600_000);

/// How long a portal may collect, in milliseconds: it may be closed for a night.
const COLLECTS_MS: i64 = DAY_MS;

/// Waiting after the first failure and at most, in milliseconds.
const AFTER_FAILURE_MS: (i64, i64) = (30_000, 6 * HOUR_MS);

/// Works until it is aborted; what was under way is due again when its lease has run out.
pub async fn work(state: AppState) {
    loop {
        if turn(&state).await == 0 {
            tokio::time::sleep(IDLE).await;
        }
    }
}

/// Works what is due, some of it; how many.
pub(super) async fn turn(state: &AppState) -> usize {
    let due = match state.store.lease_delegations(AT_ONCE).await {
        Ok(due) => due,
        Err(error) => {
            tracing::warn!(%error, "delegations could not be taken");
            return 0;
        }
    };
    let mut under_way = JoinSet::new();
    for delegation in due {
        let state = state.clone();
        under_way.spawn(async move {
            let id = delegation.id;
            if let Err(error) = go_on(&state, delegation).await {
                tracing::warn!(%error, delegation = id, "a delegation could not go on");
            }
        });
    }
    let met = under_way.len();
    under_way.join_all().await;
    met
}

/// What happened, and when to go on.
type Next = (Option<Event>, UtcMillis);

async fn go_on(state: &AppState, delegation: Delegation) -> Result<(), StoreError> {
    let now = state.clock.now();
    let Some(delegation) = keep(state, &delegation, next(state, &delegation, now).await?).await? else {
        return Ok(());
    };
    if delegation.state != DelegationState::Ready {
        return Ok(());
    }
    let fetched = fetch(state, &delegation, now).await?;
    keep(state, &delegation, fetched).await.map(|_| ())
}

async fn keep(state: &AppState, of: &Delegation, (event, due): Next) -> Result<Option<Delegation>, StoreError> {
    let step = Step {
        event,
        due,
        ..Step::default()
    };
    let label = match event {
        None => "failed-once",
        Some(event) => of.state.after(event).map_or("none", DelegationState::key),
    };
    let next = state.store.step_delegation(of, step).await?;
    metrics::counter!("sekisho_delegations_total", "vendor" => of.vendor.clone(), "to" => label).increment(1);
    Ok(next)
}

/// How it goes on, before anything is fetched.
async fn next(state: &AppState, delegation: &Delegation, now: UtcMillis) -> Result<Next, StoreError> {
    let over = |event: Event| Ok((Some(event), now));
    if !delegation.state.is_agreed() {
        // Nobody came back.
        return over(Event::RanOut);
    }
    if delegation.expires.is_some_and(|expires| now >= expires) {
        return over(Event::RanOut);
    }
    if !acts_still(state, delegation.person, delegation.reader, now).await? {
        return over(Event::Ended);
    }
    let (Some(portal), Some(session)) = (state.portals.named(&delegation.vendor), &delegation.session) else {
        return Ok((None, now.plus(AFTER_FAILURE_MS.1)));
    };
    if matches!(delegation.state, DelegationState::Ready | DelegationState::Fetched) {
        return Ok((Some(Event::HasIt), now));
    }
    let answer = portal.ask(state, portal.adapter.status(session)).await;
    let status = answer.and_then(|answer| Ok(portal.adapter.told(&answer)?));
    let since = now.0 - delegation.agreed.unwrap_or(now).0;
    match status {
        Ok(Status::Ready) => Ok((Some(Event::HasIt), now)),
        Ok(Status::Declined) => over(Event::Denied(Denial::Declined)),
        Ok(Status::Expired) | Err(CallError::Over) => over(Event::RanOut),
        Ok(Status::Failed) => over(Event::Broke(Broken::NotCollected)),
        _ if since >= COLLECTS_MS => over(Event::Broke(Broken::NotCollected)),
        Ok(Status::Collecting | Status::AsksWho) => {
            let wait = since.clamp(ASK_AGAIN_MS.0, ASK_AGAIN_MS.1);
            Ok((Some(Event::Collects), now.plus(wait)))
        }
        Err(CallError::NoAnswer | CallError::TooLarge) => Ok((None, after_failure(delegation, now))),
    }
}

fn after_failure(delegation: &Delegation, now: UtcMillis) -> UtcMillis {
    let doubled = AFTER_FAILURE_MS.0 << delegation.attempts.min(16);
    now.plus(doubled.min(AFTER_FAILURE_MS.1))
}

/// Whether who agreed may still act for the person.
async fn acts_still(state: &AppState, person: PersonId, reader: PersonId, now: UtcMillis) -> Result<bool, StoreError> {
    if person == reader {
        return Ok(true);
    }
    let right = state.store.representation(person, reader, now).await?;
    Ok(right.is_some_and(|right| right.decides))
}

async fn fetch(state: &AppState, delegation: &Delegation, now: UtcMillis) -> Result<Next, StoreError> {
    let later = Ok((None, after_failure(delegation, now)));
    let (Some(portal), Some(session)) = (state.portals.named(&delegation.vendor), &delegation.session) else {
        return later;
    };
    let answer = portal.ask(state, portal.adapter.result(session)).await;
    let files = match answer.and_then(|answer| Ok(portal.adapter.files(&answer)?)) {
        Ok(files) => files,
        Err(CallError::Over) => return Ok((Some(Event::RanOut), now)),
        Err(CallError::TooLarge) => return Ok((Some(Event::Broke(Broken::NotReadable)), now)),
        Err(CallError::NoAnswer) => return later,
    };
    for file in files {
        // The portal took its time: who ended it meanwhile gets nothing more by it, nor does who may not act any longer.
        if !state.store.is_as_read(delegation).await? {
            return later;
        }
        if !acts_still(state, delegation.person, delegation.reader, state.clock.now()).await? {
            return Ok((Some(Event::Ended), now));
        }
        if let Err(broken) = store_file(state, portal, delegation.person, file).await? {
            tracing::warn!(
                delegation = delegation.id,
                ?broken,
                "what a portal handed over was not taken"
            );
            return Ok((Some(Event::Broke(broken)), now));
        }
    }
    let next = now.plus(portal.poll_ms);
    let expires = delegation.expires.unwrap_or(next);
    Ok((Some(Event::Stored), next.min(expires)))
}

/// Stores a file of the resident's. It is confirmed: nobody had it in hand between the portal and here.
async fn store_file(
    state: &AppState,
    portal: &Portal,
    person: PersonId,
    file: Vec<u8>,
) -> Result<Result<(), Broken>, StoreError> {
    let place = std::sync::Arc::clone(&state.pushes).acquire_owned().await;
    let (store, adapter) = (state.store.clone(), Delegated::reads(portal.adapter));
    let read = tokio::task::spawn_blocking(move || {
        let _place = place;
        let input = Input {
            bytes: &file.as_slice(),
            size: file.len() as u64,
        };
        match adapter.recognises(&input) {
            true => import::run(&store, person, adapter, &input).map(Some),
            false => Ok(None),
        }
    });
    match read.await {
        Ok(Ok(Some(imported))) => Ok(match store::is_anothers(&imported.report.accounting) {
            true => Err(Broken::Anothers),
            false => Ok(()),
        }),
        Ok(Ok(None) | Err(ImportError::Adapter(_))) | Err(_) => Ok(Err(Broken::NotReadable)),
        Ok(Err(ImportError::Store(error))) => Err(error),
    }
}
