//! What is due is gone, and its chain still holds.

use consent::Detail;
use model::ConsentCategory::Activity;
use model::time::DAY_MS;
use model::{PersonId, RecipientId};
use store::{Pruned, RequestKind, RequestState, Result};

use crate::harness::{House, draft, finding, own, page};

/// Three long years.
const KEPT: i64 = 3 * 366 * DAY_MS;

async fn provide(house: &House, person: PersonId, recipient: RecipientId, times: usize) -> Result<()> {
    let given = house
        .store
        .give_consent(draft(person, recipient, &[Activity], Detail::Daily))
        .await?;
    let decision = house.decide(&given).await?;
    for _ in 0..times {
        house.store.record_access(&decision, page("a page")).await?;
    }
    Ok(())
}

async fn numbers(house: &House, person: PersonId) -> Result<Vec<u64>> {
    let events = house.store.accesses(&own(person), None, 100).await?;
    Ok(events.iter().map(|event| event.number).collect())
}

#[tokio::test]
async fn records_go_three_years_after_the_last_provision_to_their_recipient() -> Result<()> {
    let mut house = House::new().await;
    let (person, other) = (house.person().await, house.person().await);
    let (first, second) = (house.recipient().await, house.recipient().await);
    provide(&house, person, first, 2).await?;
    house.clock.advance(DAY_MS);
    provide(&house, person, second, 1).await?;
    provide(&house, other, second, 1).await?;
    let heads = house.store.unsigned_heads(100).await?;
    // A day before they are due nothing happens.
    house.clock.advance(KEPT - 2 * DAY_MS);
    assert_eq!(house.store.delete_due_records(None).await?, Pruned::default());
    house.clock.advance(DAY_MS);
    assert_eq!(house.store.delete_due_records(None).await?.deleted, 2);
    assert_eq!(numbers(&house, person).await?, [3]);
    assert_eq!(numbers(&house, other).await?, [1]);
    assert!(finding(&house.store, "audit chains").await.ok);
    // What was signed before the deletion is still vouched for, and the chain goes on.
    assert_eq!(house.store.missing_head(heads).await?, None);
    provide(&house, person, second, 1).await?;
    assert_eq!(numbers(&house, person).await?, [4, 3]);
    // A provision meanwhile keeps the earlier ones to the same recipient.
    house.clock.advance(2 * DAY_MS);
    assert_eq!(
        house.store.delete_due_records(None).await?.deleted,
        1,
        "the other person's"
    );
    assert_eq!(numbers(&house, person).await?, [4, 3]);
    house.clock.advance(KEPT);
    assert_eq!(house.store.delete_due_records(None).await?.deleted, 2);
    assert!(numbers(&house, person).await?.is_empty());
    house.reopen().await?;
    assert!(finding(&house.store, "audit chains").await.ok);
    provide(&house, person, second, 1).await?;
    assert_eq!(numbers(&house, person).await?, [5]);
    assert!(finding(&house.store, "audit chains").await.ok);
    Ok(())
}

#[tokio::test]
async fn a_record_behind_one_that_is_not_due_waits_for_it() -> Result<()> {
    let house = House::new().await;
    let person = house.person().await;
    let (living, ended) = (house.recipient().await, house.recipient().await);
    provide(&house, person, living, 1).await?;
    provide(&house, person, ended, 1).await?;
    house.clock.advance(KEPT);
    provide(&house, person, living, 1).await?;
    assert_eq!(house.store.delete_due_records(None).await?, Pruned::default());
    assert_eq!(numbers(&house, person).await?.len(), 3);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn answered_requests_go_three_years_after_their_answer_and_open_ones_stay() -> Result<()> {
    let house = House::new().await;
    let person = house.person().await;
    let answered = house
        .store
        .file_request(&own(person), RequestKind::Disclosure, "")
        .await?;
    house
        .store
        .file_request(&own(person), RequestKind::Correction, "身長")
        .await?;
    house.store.take_back_request(&own(person), answered).await?;
    house.clock.advance(KEPT);
    assert_eq!(house.store.delete_due_records(None).await?.deleted, 1);
    let left = house.store.own_requests(&own(person)).await?;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].state, RequestState::Received);
    Ok(())
}
