//! Giving back what a vendor allowed us: of links that ended, of people who were erased, and of what nothing here will use.
//!
//! A vendor may take the word on one token for the whole of what its account allowed this gateway (RFC 7009 2.1): while a link to the
//! account lives, nothing of the account is given back, and what is not is forgotten here.

use consent::OwnAccess;
use model::{LinkState, UtcMillis};
use store::{LeasedLink, LinkTokens, OrphanedTokens, StoreError, TurnEnd};

use super::turn::{after_failure, waits};
use super::{Cloud, subscriptions, tokens};
use crate::outgoing::OutgoingError;
use crate::state::AppState;

/// Attempts to give tokens back.
const ATTEMPTS: u32 = 20;

/// Why tokens were not given back; they may be later.
#[derive(Debug, thiserror::Error)]
enum NotGivenBack {
    #[error(transparent)]
    Outgoing(#[from] OutgoingError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The tokens and the subscription of a link that ended. One that fails holds up the other for nothing: what was given back already is
/// so again.
pub(super) async fn of_ended(state: &AppState, cloud: &Cloud, leased: &LeasedLink, now: UtcMillis) -> TurnEnd {
    let link = &leased.link;
    let told = subscriptions::end(state, cloud, link.id, &link.account_tag).await;
    // A turn that began before may be getting the next pair: then that one is given back.
    let _alone = cloud.refreshing.at(link.id).await;
    let tokens = match state.store.link_tokens(link.id).await {
        Ok(tokens) => tokens,
        Err(error) => {
            tracing::warn!(%error, link = link.id, "the tokens of an ended link could not be read");
            return after_failure(leased, now, 0);
        }
    };
    let version = tokens.as_ref().map(|(_, version)| *version);
    let given_back = match &tokens {
        Some((tokens, _)) => unless_connected(state, cloud, Some(&link.account_tag), tokens).await,
        None => Ok(()),
    };
    let is_last = leased.failures >= ATTEMPTS;
    if let Err(error) = &told {
        tracing::warn!(%error, link = link.id, "the subscription of an ended link could not be ended");
    }
    if let (Err(error), true) = (&given_back, is_last) {
        tracing::warn!(%error, link = link.id, "the tokens of an ended link could not be given back");
    }
    match (told.is_ok() && given_back.is_ok()) || is_last {
        true => TurnEnd::GivenBack { version },
        false => after_failure(leased, now, 0),
    }
}

/// Gives back tokens whose person was erased, and has the vendor tell of them no more; when to try again, where it did not work.
pub(super) async fn of_erased(state: &AppState, cloud: &Cloud, orphaned: &OrphanedTokens) -> Option<UtcMillis> {
    let told = match &orphaned.of {
        Some((link, account_tag)) => subscriptions::end(state, cloud, *link, account_tag).await.is_ok(),
        None => true,
    };
    let account_tag = orphaned.of.as_ref().map(|(_, account_tag)| account_tag.as_str());
    let given_back = unless_connected(state, cloud, account_tag, &orphaned.tokens)
        .await
        .is_ok();
    if told && given_back {
        return None;
    }
    if orphaned.failures >= ATTEMPTS {
        let vendor = cloud.adapter.name();
        tracing::warn!(
            vendor,
            told,
            given_back,
            "what an erased person had allowed could not be ended at the vendor"
        );
        return None;
    }
    Some(state.clock.now().plus(waits(orphaned.failures, 0)))
}

async fn unless_connected(
    state: &AppState,
    cloud: &Cloud,
    account_tag: Option<&str>,
    held: &LinkTokens,
) -> Result<(), NotGivenBack> {
    if let Some(tag) = account_tag
        && state.store.is_tag_connected(cloud.adapter.name(), tag).await?
    {
        return Ok(());
    }
    Ok(tokens::give_back(cloud, &state.outgoing, held).await?)
}

/// What was given for an account that was not connected.
pub(super) async fn of_account(state: &AppState, cloud: &Cloud, account: String, held: &LinkTokens) {
    let is_connected = state.store.is_connected(cloud.adapter.name(), account).await;
    at_once(state, cloud, is_connected, held).await;
}

/// What was given when it could not be learnt for which account: perhaps for the one that this person has connected.
pub(super) async fn of_unknown(state: &AppState, cloud: &Cloud, own: &OwnAccess, held: &LinkTokens) {
    let links = state.store.links(own).await;
    let is_connected = links.map(|links| {
        let mut living = links.iter().filter(|link| link.state != LinkState::Ended);
        living.any(|link| link.vendor == cloud.adapter.name())
    });
    at_once(state, cloud, is_connected, held).await;
}

/// Once: what fails runs out at the vendor by itself, and nothing here holds it.
async fn at_once(state: &AppState, cloud: &Cloud, is_connected: Result<bool, StoreError>, held: &LinkTokens) {
    let vendor = cloud.adapter.name();
    match is_connected {
        Ok(true) => {}
        Ok(false) => {
            if let Err(error) = tokens::give_back(cloud, &state.outgoing, held).await {
                tracing::warn!(%error, vendor, "tokens that nothing uses could not be given back");
            }
        }
        Err(error) => tracing::warn!(%error, vendor, "tokens that nothing uses were not given back"),
    }
}
