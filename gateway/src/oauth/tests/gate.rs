//! The gate: what a token opens, and the record that has the last word.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::FromRequestParts as _;
use axum::http::{Request, StatusCode, header};
use consent::{Decision, Detail, OwnAccess};
use model::{ConsentCategory, LocalDay};
use store::{AccessItem, AccessKind};

use super::house::{House, link};
use crate::fhir::FhirError;
use crate::gate::Caller;

const ITEM: AccessItem = AccessItem {
    category: ConsentCategory::Activity,
    detail: Detail::Daily,
    first_day: LocalDay(20_000),
    last_day: LocalDay(20_001),
    count: 2,
};

async fn caller(house: &House, authorization: &[&str]) -> Result<Caller, FhirError> {
    let mut request = Request::get("/").header("x-request-id", "r-1");
    for value in authorization {
        request = request.header(header::AUTHORIZATION, *value);
    }
    let (mut parts, ()) = request.body(()).unwrap().into_parts();
    Caller::from_request_parts(&mut parts, &house.gateway.state).await
}

async fn token(house: &House) -> String {
    let told = house.redeem(&house.code(&[]).await).await;
    told.text("access_token").to_owned()
}

#[tokio::test]
async fn only_one_well_formed_bearer_token_opens() {
    let house = House::new().await;
    let token = token(&house).await;
    let (upper, lower) = (format!("BEARER {token}"), format!("bearer {token}"));
    assert!(caller(&house, &[&upper]).await.is_ok());
    let caller_of = caller(&house, &[&lower]).await.ok().unwrap();
    assert_eq!(
        (caller_of.token.recipient, caller_of.request_id.as_str()),
        (house.recipient, "r-1")
    );
    assert!(matches!(caller(&house, &[]).await, Err(FhirError::NoToken)));
    assert!(matches!(caller(&house, &["Basic eDp5"]).await, Err(FhirError::NoToken)));
    assert!(matches!(
        caller(&house, &["Bearer unknown"]).await,
        Err(FhirError::BadToken)
    ));
    for malformed in ["Bearer", "Bearer ", "Bearer a b", "Bearer ü"] {
        let answer = caller(&house, &[malformed]).await;
        assert!(matches!(answer, Err(FhirError::MalformedToken)), "{malformed}");
    }
    assert!(matches!(
        caller(&house, &[&lower, &lower]).await,
        Err(FhirError::MalformedToken)
    ));
}

#[tokio::test]
async fn a_refresh_token_opens_nothing() {
    let house = House::new().await;
    let told = house.redeem(&house.code(&[]).await).await;
    let shown = format!("Bearer {}", told.text("refresh_token"));
    assert!(matches!(caller(&house, &[&shown]).await, Err(FhirError::BadToken)));
}

#[tokio::test]
async fn what_is_given_is_recorded_before_it_leaves() {
    let house = House::new().await;
    let caller = caller(&house, &[&format!("Bearer {}", token(&house).await)])
        .await
        .ok()
        .unwrap();
    let state = &house.gateway.state;
    let read = async |decision: Decision| {
        assert!(decision.gives(ConsentCategory::Activity, Detail::Daily));
        assert!(!decision.gives(ConsentCategory::Activity, Detail::Raw));
        Ok(("page", vec![ITEM]))
    };
    assert_eq!(caller.through(state, AccessKind::Search, read).await.unwrap(), "page");
    let own = OwnAccess::of_signed_in(house.person().await);
    let events = state.store.accesses(&own, None, 10).await.unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(
        (events[0].client_id.as_str(), events[0].request_id.as_str()),
        ("point-app", "r-1")
    );
    assert_eq!((events[0].what, &events[0].items), (AccessKind::Search, &vec![ITEM]));
}

#[tokio::test]
async fn a_withdrawal_while_a_page_is_read_keeps_the_page_back() {
    let house = House::new().await;
    let caller = caller(&house, &[&format!("Bearer {}", token(&house).await)])
        .await
        .ok()
        .unwrap();
    let state = &house.gateway.state;
    let own = OwnAccess::of_signed_in(house.person().await);
    let consent = caller.token.consent;
    let read = async |_: Decision| {
        state.store.withdraw_consent(&own, consent).await?;
        Ok(((), vec![ITEM]))
    };
    let answer = caller.through(state, AccessKind::Search, read).await;
    assert!(matches!(answer, Err(FhirError::BadToken)), "{answer:?}");
    assert!(state.store.accesses(&own, None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_page_is_read_anew_when_the_consents_changed_and_not_for_ever() {
    let house = House::new().await;
    let caller = caller(&house, &[&format!("Bearer {}", token(&house).await)])
        .await
        .ok()
        .unwrap();
    let state = &house.gateway.state;
    let own = OwnAccess::of_signed_in(house.person().await);
    let reads = AtomicUsize::new(0);
    let until_changed = |times: usize| {
        let (house, reads) = (&house, &reads);
        move |_: Decision| async move {
            if reads.fetch_add(1, Ordering::SeqCst) < times {
                // The resident answers another purpose of the same recipient meanwhile.
                house.code(&[("purpose", "advice")]).await;
            }
            Ok(((), vec![ITEM]))
        }
    };
    caller.through(state, AccessKind::Read, until_changed(1)).await.unwrap();
    assert_eq!(reads.swap(0, Ordering::SeqCst), 2);
    assert_eq!(state.store.accesses(&own, None, 10).await.unwrap().len(), 1);
    let answer = caller.through(state, AccessKind::Read, until_changed(usize::MAX)).await;
    assert!(matches!(answer, Err(FhirError::ConsentsChanging)), "{answer:?}");
    assert_eq!(reads.into_inner(), 3);
    assert_eq!(state.store.accesses(&own, None, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn once_the_ground_of_sharing_has_ended_nothing_opens_and_nothing_can_be_asked_for() {
    let house = House::new().await;
    let told = house.redeem(&house.code(&[]).await).await;
    let (access, refresh) = (
        told.text("access_token").to_owned(),
        told.text("refresh_token").to_owned(),
    );
    let store = &house.gateway.state.store;
    let now = house.gateway.state.clock.now();
    let basis = |until| store::LegalBasis {
        kind: store::BasisKind::Entrusted,
        document: "委託契約".to_owned(),
        until: Some(until),
        ..store::LegalBasis::default()
    };
    let set = async |until| {
        let by = store::Actor::CommandLine;
        store.set_legal_basis(house.recipient, basis(until), by).await.unwrap();
    };
    set(now.plus(3_600_000)).await;
    assert!(house.opens(&access).await);
    set(now.plus(-1)).await;
    assert!(!house.opens(&access).await);
    assert_eq!(house.refresh(&refresh, "").await.error().0, 401);
    let asked = house.gateway.browser().get(&link(&house.request())).await;
    assert_eq!(asked.status, StatusCode::FORBIDDEN, "{}", asked.body);
}
