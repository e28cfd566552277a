//! A worker a cloud: takes links that are due, the longest waiting first, and works some of them at the same time.
//!
//! Each cloud has its own, so that one that is slow holds up its own links alone.

use std::time::Duration;

use model::LinkState;
use store::{LeasedLink, TurnEnd};
use tokio::task::JoinSet;

use super::breaker::Breaker;
use super::{Cloud, giving_back, turn};
use crate::state::AppState;

/// Links of one cloud that are worked at the same time.
const AT_ONCE: usize = 16;

/// How long a worker looks away when there is nothing to do.
const IDLE: Duration = Duration::from_millis(500);

/// Works all clouds until it is aborted; what was under way is due again when the folder is opened anew.
pub async fn work(state: AppState) {
    let mut clouds = JoinSet::new();
    for place in 0..state.clouds.all().len() {
        let state = state.clone();
        clouds.spawn(async move { work_cloud(&state, place).await });
    }
    clouds.join_all().await;
}

/// Works one cloud, by its name, until it is aborted.
#[cfg(test)]
pub(super) async fn work_named(state: AppState, name: &'static str) {
    let place = state.clouds.all().iter().position(|cloud| cloud.adapter.name() == name);
    if let Some(place) = place {
        work_cloud(&state, place).await;
    }
}

async fn work_cloud(state: &AppState, place: usize) {
    let (mut under_way, mut giving_back) = (JoinSet::new(), JoinSet::new());
    loop {
        while under_way.try_join_next().is_some() {}
        while giving_back.try_join_next().is_some() {}
        let cloud = &state.clouds.all()[place];
        // Beside the turns, which a vendor that hangs would hold up.
        if giving_back.is_empty() {
            let state = state.clone();
            giving_back.spawn(async move { give_back_of_erased(&state, &state.clouds.all()[place]).await });
        }
        for leased in take(state, cloud, AT_ONCE - under_way.len()).await {
            let state = state.clone();
            under_way.spawn(async move { carry_out(&state, &state.clouds.all()[place], leased).await });
        }
        // A link that is done makes room for the next one at once.
        if under_way.is_empty() {
            tokio::time::sleep(IDLE).await;
        } else {
            let _ = tokio::time::timeout(IDLE, under_way.join_next()).await;
        }
    }
}

/// Takes links for as many turns as may begin.
pub(super) async fn take(state: &AppState, cloud: &Cloud, free: usize) -> Vec<LeasedLink> {
    let name = cloud.adapter.name();
    match state.store.has_due_links(name).await {
        Ok(true) if free > 0 => {}
        Ok(_) => return Vec::new(),
        Err(error) => {
            tracing::warn!(%error, "due links could not be looked for");
            return Vec::new();
        }
    }
    let room = cloud.breaker.room(free, state.clock.now());
    if room == 0 {
        return Vec::new();
    }
    let leased = state
        .store
        .lease_links(name, room as u32)
        .await
        .unwrap_or_else(|error| {
            tracing::warn!(%error, "links could not be taken");
            Vec::new()
        });
    if leased.is_empty() {
        cloud.breaker.was_not_tried();
    }
    leased
}

/// Gives back what the vendor allowed us for people who were erased since.
pub(super) async fn give_back_of_erased(state: &AppState, cloud: &Cloud) {
    let orphaned = state
        .store
        .lease_orphaned_tokens(cloud.adapter.name(), AT_ONCE as u32)
        .await;
    let orphaned = orphaned.unwrap_or_else(|error| {
        tracing::warn!(%error, "tokens of the erased could not be looked for");
        Vec::new()
    });
    // Together: of a vendor that hangs the last ones would wait for minutes.
    let mut all = JoinSet::new();
    for tokens in orphaned {
        let (state, name) = (state.clone(), cloud.adapter.name());
        all.spawn(async move {
            let Some(cloud) = state.clouds.named(name) else { return };
            let again = giving_back::of_erased(&state, cloud, &tokens).await;
            if let Err(error) = state.store.end_orphaned_tokens(tokens.id, again).await {
                tracing::warn!(%error, "what came of tokens of the erased could not be kept");
            }
        });
    }
    all.join_all().await;
}

/// Leaves the breaker open to the next trial, however a turn ends.
struct Trial<'a>(&'a Breaker);

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        self.0.was_not_tried();
    }
}

/// One turn, to its end.
pub(super) async fn carry_out(state: &AppState, cloud: &Cloud, leased: LeasedLink) {
    // What did not meet the vendor says nothing of it; no more does a turn that ended by a panic.
    let trial = Trial(&cloud.breaker);
    let end = turn::take(state, cloud, &leased).await;
    drop(trial);
    let label = match &end {
        TurnEnd::Went { .. } => "went",
        TurnEnd::Waits { .. } => "waits",
        TurnEnd::Failed { .. } => "failed",
        TurnEnd::Refused(_) => "refused",
        TurnEnd::GivenBack { .. } => "given-back",
    };
    metrics::counter!("sekisho_link_turns_total", "vendor" => cloud.adapter.name(), "outcome" => label).increment(1);
    if let TurnEnd::Refused(need) = &end {
        tracing::info!(link = leased.link.id, need = need.key(), "a link needs its person");
    }
    if leased.link.state == LinkState::Ended {
        tracing::info!(link = leased.link.id, outcome = label, "the tokens of an ended link");
    }
    if let Err(error) = state.store.end_turn(&leased, end).await {
        tracing::warn!(%error, link = leased.link.id, "what came of a turn could not be kept");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_that_ends_by_a_panic_leaves_the_breaker_to_the_next_trial() {
        let (breaker, mut now) = (Breaker::default(), model::UtcMillis(0));
        while !breaker.failed(now) {}
        now = now.plus(model::time::HOUR_MS);
        for _ in 0..3 {
            assert_eq!(breaker.room(16, now), 1);
            assert_eq!(breaker.room(16, now), 0, "one tries");
            let turn = || {
                let _trial = Trial(&breaker);
                panic!("a turn");
            };
            assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(turn)).is_err());
        }
    }
}
