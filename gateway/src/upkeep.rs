//! What a server does beside answering, again and again: sums of what was measured, what has run out, what is old.

use std::time::Duration;

use store::StoreError;

use crate::links;
use crate::state::AppState;

/// Folds what was measured into its sums every ten seconds: until then each measurement is kept, whether anybody asks or not.
pub async fn fold_metrics(state: AppState) {
    let mut every = tokio::time::interval(Duration::from_secs(10));
    loop {
        every.tick().await;
        state.metrics.run_upkeep();
    }
}

/// Deletes what has run out (codes, tokens, sessions, rates of who has gone) every ten minutes.
pub async fn sweep(state: AppState) {
    let mut every = tokio::time::interval(Duration::from_secs(600));
    loop {
        every.tick().await;
        state.limits.forget_the_idle();
        state.clouds.all().iter().for_each(links::Cloud::forget_the_idle);
        state.uploads.forget_the_old(state.clock.now());
        let purged = at_once(state.store.purge_expired(state.clock.now()).await);
        tell(
            purged,
            "deleted what has run out",
            "expired tokens and sessions were not deleted",
        );
    }
}

/// For how long a push is a row of its own: whoever had no answer has sent it again by then.
const PUSHES_APART_MS: i64 = model::time::HOUR_MS;

/// Packs pushes that are no longer new, every four hours: a row of one is six times what it takes in a pack. More often would save little
/// room, and make the pack that they join anew as many more times.
pub async fn pack_pushes(state: AppState) {
    let mut every = tokio::time::interval(Duration::from_secs(4 * 3_600));
    loop {
        every.tick().await;
        let before = state.clock.now().plus(-PUSHES_APART_MS);
        let packed = by_people(|after| {
            let store = state.store.clone();
            async move {
                let packed = store.fold_payloads(after, before).await?;
                Ok((packed.rows as u64, packed.next))
            }
        });
        tell(packed.await, "packed pushes", "pushes were not packed");
    }
}

/// Once a day folds and packs what is old and deletes what is due, at some hundred people at a time.
pub async fn look_after_the_old(state: AppState) {
    let mut every = tokio::time::interval(Duration::from_secs(86_400));
    loop {
        every.tick().await;
        delete_due(&state).await;
        fold_deliveries(&state).await;
        pack_commits(&state).await;
        pack_ids(&state).await;
    }
}

async fn delete_due(state: &AppState) {
    let kept = i64::from(state.config.data.pushes_kept_days) * model::time::DAY_MS;
    let pushes = state.store.delete_payloads(state.clock.now().plus(-kept)).await;
    tell(
        at_once(pushes.map(|many| many as u64)),
        "deleted pushes whose time is over",
        "pushes whose time is over were not deleted",
    );
    let calls = state.store.delete_webhooks(state.clock.now().plus(-kept)).await;
    tell(
        at_once(calls.map(|many| many as u64)),
        "deleted vendors' calls whose time is over",
        "vendors' calls whose time is over were not deleted",
    );
    let unclaimed = i64::from(state.config.data.unclaimed_kept_days) * model::time::DAY_MS;
    let documents = state.store.delete_unclaimed(state.clock.now().plus(-unclaimed)).await;
    tell(
        at_once(documents),
        "deleted documents that no one claimed",
        "documents that no one claimed were not deleted",
    );
    let due = by_people(|after| {
        let store = state.store.clone();
        async move {
            let done = store.delete_due_records(after).await?;
            Ok((done.deleted, done.next))
        }
    });
    tell(
        due.await,
        "deleted records whose time is over",
        "records that are due were not deleted",
    );
}

/// Days after which deliveries of one day are told as one, where none of them is kept as it came for longer: while it is, each says under
/// which number what could not be read of it is kept.
const DELIVERIES_APART_DAYS: i64 = 7;

/// A push is kept as of when it was read, and told apart as of when it came, which is somewhat earlier.
const READ_WITHIN_MS: i64 = model::time::HOUR_MS;

/// The same of those of which there is nothing to tell but counts, as of most pushes.
const COUNTS_APART_DAYS: i64 = 1;

async fn fold_deliveries(state: &AppState) {
    let ago = |days: i64| state.clock.now().plus(-days * model::time::DAY_MS);
    let kept_days = i64::from(state.config.data.pushes_kept_days);
    let before = store::FoldBefore {
        counts_alone: ago(COUNTS_APART_DAYS),
        any: ago(DELIVERIES_APART_DAYS.max(kept_days)).plus(-READ_WITHIN_MS),
    };
    let folded = by_people(|after| {
        let store = state.store.clone();
        async move {
            let folded = store.fold_deliveries(after, before).await?;
            Ok((folded.rows as u64, folded.next))
        }
    });
    tell(folded.await, "folded old deliveries", "old deliveries were not folded");
}

async fn pack_commits(state: &AppState) {
    let packed = by_people(|after| {
        let store = state.store.clone();
        async move {
            let packed = store.pack_commits(after).await?;
            Ok((packed.rows as u64, packed.next))
        }
    });
    tell(packed.await, "packed commits", "commits were not packed");
}

async fn pack_ids(state: &AppState) {
    let packed = by_people(|after| {
        let store = state.store.clone();
        async move {
            let packed = store.pack_ids(after).await?;
            Ok((packed.blocks as u64, packed.next))
        }
    });
    tell(packed.await, "packed vendors' ids", "vendors' ids were not packed");
}

/// Tells the operator how much was done and why no more of it, where there is anything to tell.
fn tell(ended: (u64, Option<StoreError>), done: &str, left: &str) {
    match ended {
        (0, None) => {}
        (rows, None) => tracing::info!(rows, "{done}"),
        (rows, Some(error)) => tracing::warn!(%error, rows, "{left}"),
    }
}

/// Of something that is done all at once.
fn at_once(done: Result<u64, StoreError>) -> (u64, Option<StoreError>) {
    done.map_or_else(|error| (0, Some(error)), |rows| (rows, None))
}

/// Does something of some people after the other until it was done of all: how much it came to, and why it stopped before.
async fn by_people<After: Copy, Doing: Future<Output = Result<(u64, Option<After>), StoreError>>>(
    mut some: impl FnMut(Option<After>) -> Doing,
) -> (u64, Option<StoreError>) {
    let (mut after, mut done) = (None, 0);
    loop {
        match some(after).await {
            Ok((more, None)) => return (done + more, None),
            Ok((more, next)) => (done, after) = (done + more, next),
            Err(error) => return (done, Some(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use adapters::checkup::synthetic::{MadeUp, document};
    use model::OrganisationId;
    use model::environment::HandClock;
    use store::{BatchStart, DocumentBytes, Insured, NewPayload, NewPerson, PackageDocument, Sender};

    use super::*;
    use crate::environment::MachineClock;
    use crate::sign_in::testing::Gateway;

    /// A gateway that keeps something for so many days, and its clock.
    async fn keeping(setting: &str, days: &str) -> (Gateway, Arc<HandClock>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let clock = Arc::new(HandClock::at(model::environment::Clock::now(&MachineClock)));
        let by = Arc::new(Arc::clone(&clock));
        let gateway = Gateway::start_at(listener, &[(setting, days)], String::new(), by).await;
        (gateway, clock)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn pushes_are_kept_for_as_many_days_as_the_operator_says() {
        for (days, left) in [(2, 1), (4, 0)] {
            let (gateway, clock) = keeping("SEKISHO_DATA_PUSHES_KEPT_DAYS", "3").await;
            let store = gateway.state.store.clone();
            let person = store.create_person(NewPerson::default()).await.unwrap();
            let importing = store.clone();
            let pushed = tokio::task::spawn_blocking(move || {
                let start = BatchStart {
                    adapter: "a".to_owned(),
                    mapping_version: 1,
                };
                let push = NewPayload {
                    from: Sender::Link(1),
                    adapter: "a".to_owned(),
                    batch: "1".to_owned(),
                    body: b"{}".to_vec(),
                    answer: Box::new(|_| Vec::new()),
                };
                importing.begin_import(person, start)?.finish_keeping(push)
            });
            pushed.await.unwrap().unwrap();
            clock.advance(days * model::time::DAY_MS);
            delete_due(&gateway.state).await;
            let kept = store.next_payloads("a", model::UtcMillis(0), None).await.unwrap();
            assert_eq!(kept.len(), left, "{days} days later");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_nobody_claims_is_kept_for_as_many_days_as_the_operator_says() {
        for (days, left) in [(2, 1), (4, 0)] {
            let (gateway, clock) = keeping("SEKISHO_DATA_UNCLAIMED_KEPT_DAYS", "3").await;
            let (store, organisation) = (&gateway.state.store, OrganisationId(1));
            let made = MadeUp::of(3).checkup(2025);
            let (subject, text) = (made.subject.clone(), document(&made));
            let package = store.begin_package(organisation, [1; 32]).await.unwrap();
            let bytes = DocumentBytes::Plain(text.as_bytes());
            let waits = PackageDocument::new(1, 1, Some(made), bytes, Vec::new()).unwrap();
            store
                .take_documents(organisation, package.id, vec![waits])
                .await
                .unwrap();
            clock.advance(days * model::time::DAY_MS);
            delete_due(&gateway.state).await;
            let member = NewPerson {
                birth_date: subject.birth,
                organisation: Some(organisation),
                ..NewPerson::default()
            };
            let member = store.create_person(member).await.unwrap();
            let insured = Insured {
                subject,
                ..Insured::default()
            };
            let came = store.insure(organisation, member, insured).await.unwrap();
            assert_eq!(came, left, "{days} days later");
        }
    }

    /// Two pushes of which something cannot be read.
    async fn pushed_badly(gateway: &Gateway) {
        let store = gateway.state.store.clone();
        let person = store.create_person(NewPerson::default()).await.unwrap();
        let pushed = tokio::task::spawn_blocking(move || {
            for batch in ["1", "2"] {
                let start = BatchStart {
                    adapter: "a".to_owned(),
                    mapping_version: 1,
                };
                let mut import = store.begin_import(person, start)?;
                let mut accounting = model::Accounting::default();
                accounting.count(model::Outcome::Rejected, "no number");
                import.account(&accounting);
                import.finish_keeping(NewPayload {
                    from: Sender::Link(1),
                    adapter: "a".to_owned(),
                    batch: batch.to_owned(),
                    body: b"{}".to_vec(),
                    answer: Box::new(|_| Vec::new()),
                })?;
            }
            Ok::<_, StoreError>(())
        });
        pushed.await.unwrap().unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_delivery_is_told_by_itself_while_it_is_kept_as_it_came() {
        for (kept_days, days, rows, kept) in [
            ("3", 2, 2, 2),
            ("3", 5, 2, 0),
            ("3", 8, 1, 0),
            ("20", 8, 2, 2),
            ("20", 19, 2, 2),
            ("20", 21, 1, 0),
        ] {
            let (gateway, clock) = keeping("SEKISHO_DATA_PUSHES_KEPT_DAYS", kept_days).await;
            pushed_badly(&gateway).await;
            clock.advance(days * model::time::DAY_MS);
            fold_deliveries(&gateway.state).await;
            delete_due(&gateway.state).await;
            fold_deliveries(&gateway.state).await;
            let wanted = store::RejectionsOf {
                outcome: model::Outcome::Rejected,
                adapter: None,
                since: model::UtcMillis(0),
            };
            let from = (model::PersonId(0), model::BatchId(0));
            let told = gateway.state.store.rejections(&wanted, from).await.unwrap().rows;
            let leading = told.iter().filter(|row| row.payload.is_some()).count();
            assert_eq!((told.len(), leading), (rows, kept), "{days} days later, of {kept_days}");
        }
    }
}
