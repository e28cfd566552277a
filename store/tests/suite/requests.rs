//! Requests of data subjects: who sees them, how they move, and that both sides' acts are recorded.

use store::{
    ANSWER_MS, Actor, MAX_OPEN_REQUESTS, NewOrganisation, OrganisationKind, RequestKind, RequestState, StoreError,
};

use crate::harness::{House, own};

const BY: Actor = Actor::Operator(1);

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_seen_by_both_sides_moves_on_and_stays_answered() {
    let house = House::new().await;
    let person = house.person().await;
    let store = &house.store;
    let organisation = store.organisations().await.expect("organisations")[0].id;
    let id = store
        .file_request(&own(person), RequestKind::Disclosure, "  すべて見たい  ")
        .await
        .expect("a request");
    let seen = store.own_requests(&own(person)).await.expect("requests");
    assert_eq!(seen, store.requests(organisation, 10).await.expect("requests"));
    let [request] = &seen[..] else { panic!("{seen:?}") };
    assert_eq!((request.id, request.state), (id, RequestState::Received));
    assert_eq!(request.words.asked, "すべて見たい");
    assert_eq!(request.due, request.created.plus(ANSWER_MS));

    let answer = async |state, text: &str| store.answer_request(organisation, id, state, text, BY).await;
    assert!(matches!(
        answer(RequestState::Refused, " ").await,
        Err(StoreError::Invalid { .. })
    ));
    answer(RequestState::InWork, "").await.expect("in work");
    answer(RequestState::Done, "紙でお送りしました").await.expect("done");
    let seen = store.own_requests(&own(person)).await.expect("requests");
    assert_eq!(seen[0].state, RequestState::Done);
    assert_eq!(seen[0].words.answered, "紙でお送りしました");
    for state in [RequestState::InWork, RequestState::Refused, RequestState::TakenBack] {
        assert!(matches!(answer(state, "x").await, Err(StoreError::Invalid { .. })));
    }
    assert!(store.take_back_request(&own(person), id).await.is_err());
    let acts: Vec<String> = store
        .acts(organisation, None, 10)
        .await
        .expect("acts")
        .into_iter()
        .map(|(_, act)| act.what)
        .filter(|what| what.starts_with("request-"))
        .collect();
    assert_eq!(acts, ["request-done", "request-in-work", "request-received"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_sees_or_moves_a_request_and_it_outlives_an_erasure() {
    let house = House::new().await;
    let (person, other) = (house.person().await, house.person().await);
    let store = &house.store;
    let organisation = store.organisations().await.expect("organisations")[0].id;
    let elsewhere = store
        .create_organisation(NewOrganisation {
            name: "となり市".to_owned(),
            kind: OrganisationKind::Municipality,
        })
        .await
        .expect("an organisation");
    let id = store
        .file_request(&own(person), RequestKind::Deletion, "")
        .await
        .expect("a request");
    assert!(store.own_requests(&own(other)).await.expect("requests").is_empty());
    assert!(store.requests(elsewhere, 10).await.expect("requests").is_empty());
    let moved = store.answer_request(elsewhere, id, RequestState::Done, "", BY).await;
    assert!(matches!(moved, Err(StoreError::NotFound { .. })), "{moved:?}");
    let taken = store.take_back_request(&own(other), id).await;
    assert!(matches!(taken, Err(StoreError::NotFound { .. })), "{taken:?}");

    store.erase_person(person).await.expect("an erasure");
    store
        .answer_request(organisation, id, RequestState::Done, "消しました", BY)
        .await
        .expect("answered after the erasure");
    assert_eq!(store.requests(organisation, 10).await.expect("requests").len(), 1);
    let late = store.file_request(&own(person), RequestKind::Disclosure, "").await;
    assert!(matches!(late, Err(StoreError::Erased { .. })), "{late:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_due_first_comes_first_and_a_person_asks_so_often_only() {
    let house = House::new().await;
    let person = house.person().await;
    let store = &house.store;
    let organisation = store.organisations().await.expect("organisations")[0].id;
    let mut ids = Vec::new();
    for _ in 0..MAX_OPEN_REQUESTS {
        let id = store.file_request(&own(person), RequestKind::Correction, "").await;
        ids.push(id.expect("a request"));
        house
            .clock
            .set(model::environment::Clock::now(&*house.clock).plus(1_000));
    }
    let more = store.file_request(&own(person), RequestKind::Correction, "").await;
    assert!(matches!(more, Err(StoreError::TooMany { .. })), "{more:?}");
    store.take_back_request(&own(person), ids[0]).await.expect("taken back");
    let order: Vec<i64> = store
        .requests(organisation, 100)
        .await
        .expect("requests")
        .iter()
        .map(|request| request.id)
        .collect();
    assert_eq!(order, [&ids[1..], &ids[..1]].concat());
    let long = "あ".repeat(2_001);
    let long = store.file_request(&own(person), RequestKind::Correction, &long).await;
    assert!(matches!(long, Err(StoreError::Invalid { .. })), "{long:?}");
}
