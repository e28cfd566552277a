//! One at a time for each link: whoever comes while another is at it waits, and finds what that one left.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

/// Who is at which link.
#[derive(Default)]
pub(super) struct OneAtATime(Mutex<HashMap<i64, Arc<tokio::sync::Mutex<()>>>>);

impl OneAtATime {
    /// Waits until nobody else is at this link; nobody else is until what is returned is dropped.
    pub(super) async fn at(&self, link: i64) -> OwnedMutexGuard<()> {
        let gate = {
            let mut gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // Those at which nobody is, and for which nobody waits: so there are never more than are worked.
            gates.retain(|_, gate| Arc::strong_count(gate) > 1);
            Arc::clone(gates.entry(link).or_default())
        };
        gate.lock_owned().await
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
        assert_eq!(links.0.lock().unwrap().keys().collect::<Vec<_>>(), [&3]);
    }
}
