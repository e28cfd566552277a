//! One at a time for each link: whoever comes while another is at it waits, and finds what that one left.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

/// Who is at which link.
#[derive(Default)]
pub(super) struct OneAtATime(Mutex<Gates>);

#[derive(Default)]
struct Gates {
    of: HashMap<i64, Arc<tokio::sync::Mutex<()>>>,
    is_closed: bool,
}

impl OneAtATime {
    /// Waits until nobody else is at this link; nobody else is until what is returned is dropped. Once it is closed, for ever.
    pub(super) async fn at(&self, link: i64) -> OwnedMutexGuard<()> {
        let gate = {
            let mut gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // Those at which nobody is, and for which nobody waits: so there are never more than are worked.
            gates.of.retain(|_, gate| Arc::strong_count(gate) > 1);
            Arc::clone(gates.of.entry(link).or_default())
        };
        let alone = gate.lock_owned().await;
        let is_closed = self.0.lock().unwrap_or_else(PoisonError::into_inner).is_closed;
        if is_closed {
            drop(alone);
            return std::future::pending().await;
        }
        alone
    }

    /// Lets nobody begin any more, and waits until all have ended.
    pub(super) async fn close(&self) {
        let gates: Vec<_> = {
            let mut gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            gates.is_closed = true;
            gates.of.values().cloned().collect()
        };
        for gate in gates {
            drop(gate.lock().await);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_is_at_a_link_holds_up_nobody_at_another_and_leaves_nothing_behind() {
        let links = OneAtATime::default();
        let first = links.at(1).await;
        let other = links.at(2).await;
        let mut second = std::pin::pin!(links.at(1));
        let waits = tokio::time::timeout(std::time::Duration::from_millis(20), &mut second);
        assert!(waits.await.is_err(), "it waits");
        drop(first);
        drop((second.await, other));
        drop(links.at(3).await);
        assert_eq!(links.0.lock().unwrap().of.keys().collect::<Vec<_>>(), [&3]);
    }

    #[tokio::test]
    async fn once_it_is_closed_nobody_begins_and_who_began_is_waited_for() {
        let links = OneAtATime::default();
        let first = links.at(1).await;
        let short = std::time::Duration::from_millis(20);
        let mut second = std::pin::pin!(links.at(1));
        assert!(tokio::time::timeout(short, &mut second).await.is_err());
        let mut closed = std::pin::pin!(links.close());
        assert!(tokio::time::timeout(short, &mut closed).await.is_err(), "one is at it");
        drop(first);
        tokio::select! {
            () = &mut closed => {}
            _ = &mut second => panic!("it began"),
        }
        assert!(tokio::time::timeout(short, links.at(2)).await.is_err());
        links.close().await;
    }
}
