use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use axum::body::Bytes;
use axum::http::StatusCode as AxumStatus;
use axum::response::IntoResponse as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use consent::Consent;
use store::{Endpoint, JobState};

use reqwest::header::RETRY_AFTER;

use super::*;
use crate::outgoing::LONGEST_WAIT;
use crate::portal::consents::tests::shared;
use crate::sign_in::testing::Gateway;

const NOW: UtcMillis = UtcMillis(1_778_338_800_000);
const SECRET: [u8; 32] = [9; 32];

fn failed(wait: Option<i64>) -> Answer {
    Answer::Failed {
        problem: "answered 503".to_owned(),
        wait,
    }
}

fn wait_of(outcome: &JobOutcome) -> Option<i64> {
    match outcome {
        JobOutcome::Again { at, .. } => Some(at.0 - NOW.0),
        _ => None,
    }
}

#[test]
fn waits_grow_and_end_in_a_dead_letter() {
    let waits: Vec<_> = (1..=10)
        .map(|attempt| wait_of(&outcome(&failed(None), attempt, NOW, 0.5)))
        .collect();
    assert_eq!(waits[0], Some(5_000));
    assert!(waits[..9].windows(2).all(|pair| pair[0] < pair[1]));
    assert_eq!(waits[9], None);
    let spread = |jitter| wait_of(&outcome(&failed(None), 2, NOW, jitter)).unwrap();
    assert_eq!((spread(0.0), spread(1.0)), (270_000, 330_000));
}

#[test]
fn a_recipient_that_asks_to_wait_is_waited_for() {
    assert_eq!(wait_of(&outcome(&failed(Some(120)), 1, NOW, 0.5)), Some(120_000));
    assert_eq!(
        wait_of(&outcome(&failed(Some(1)), 2, NOW, 0.5)),
        Some(300_000),
        "but never less than our own wait"
    );
    let read = |text: &'static str| {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, reqwest::header::HeaderValue::from_static(text))]);
        answer_of(StatusCode::TOO_MANY_REQUESTS, &headers, NOW)
    };
    let asked = |wait| Answer::Failed {
        problem: "answered 429".to_owned(),
        wait,
    };
    assert_eq!(read("120"), asked(Some(120)));
    assert_eq!(read("Sat, 09 May 2026 15:02:00 GMT"), asked(Some(120)));
    assert_eq!(read("99999999"), asked(Some(LONGEST_WAIT)));
    assert_eq!(read("-5"), asked(Some(0)));
    assert_eq!(read("soon"), asked(None));
}

#[test]
fn gone_is_heard_at_once_and_a_redirect_is_a_failure() {
    let of = |status| answer_of(status, &HeaderMap::new(), NOW);
    assert!(matches!(of(StatusCode::GONE), Answer::Hopeless { .. }));
    assert!(matches!(of(StatusCode::FOUND), Answer::Failed { .. }));
    assert!(matches!(of(StatusCode::BAD_REQUEST), Answer::Failed { .. }));
    assert_eq!(of(StatusCode::NO_CONTENT), Answer::Taken);
}

/// A recipient's endpoint that answers as it is told, and remembers what it verified.
struct Receiver {
    url: String,
    heard: Arc<Mutex<Vec<serde_json::Value>>>,
}

async fn receiver(statuses: &[u16]) -> Receiver {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/messages", listener.local_addr().unwrap());
    let heard = Arc::new(Mutex::new(Vec::new()));
    let (kept, statuses) = (
        Arc::clone(&heard),
        Arc::new(Mutex::new(VecDeque::from_iter(statuses.to_vec()))),
    );
    let handler = move |headers: axum::http::HeaderMap, body: Bytes| {
        let (kept, statuses) = (Arc::clone(&kept), Arc::clone(&statuses));
        async move {
            let text = |name: &str| headers[name].to_str().unwrap().to_owned();
            let signed = format!(
                "{}.{}.{}",
                text("webhook-id"),
                text("webhook-timestamp"),
                std::str::from_utf8(&body).unwrap()
            );
            let signature = text("webhook-signature");
            let tag = STANDARD.decode(signature.strip_prefix("v1,").unwrap()).unwrap();
            let key = hmac::Key::new(hmac::HMAC_SHA256, &SECRET);
            hmac::verify(&key, signed.as_bytes(), &tag).unwrap();
            kept.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
            let status = statuses.lock().unwrap().pop_front().unwrap_or(204);
            AxumStatus::from_u16(status).unwrap().into_response()
        }
    };
    let routes = axum::Router::new().route("/messages", axum::routing::post(handler));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Receiver { url, heard }
}

async fn withdrawn(url: Option<&str>) -> (Gateway, Consent) {
    let (gateway, consent) = shared().await;
    let store = &gateway.state.store;
    if let Some(url) = url {
        let endpoint = Endpoint {
            url: url.to_owned(),
            secret: SECRET.to_vec(),
        };
        store
            .set_endpoint(consent.recipient, endpoint, store::Actor::CommandLine)
            .await
            .unwrap();
    }
    let own = consent::OwnAccess::of_signed_in(consent.person);
    store.withdraw_consent(&own, consent.id).await.unwrap();
    (gateway, consent)
}

async fn attempt(gateway: &Gateway) -> usize {
    let jobs = take(&gateway.state, 10).await.unwrap();
    for job in &jobs {
        carry_out(&gateway.state, job).await;
    }
    jobs.len()
}

#[tokio::test]
async fn a_withdrawal_reaches_the_recipient_signed_and_without_data() {
    let receiver = receiver(&[]).await;
    let (gateway, consent) = withdrawn(Some(&receiver.url)).await;
    assert_eq!(attempt(&gateway).await, 1);
    assert_eq!(attempt(&gateway).await, 0, "once");
    let heard = receiver.heard.lock().unwrap().clone();
    let ids = gateway.state.pairwise.of(consent.recipient);
    assert_eq!(heard[0]["type"], "consent.withdrawn");
    assert_eq!(
        heard[0]["data"],
        serde_json::json!({
            "consent": format!("Consent/{}", ids.consent(consent.person, consent.id)),
            "patient": format!("Patient/{}", ids.patient(consent.person)),
        })
    );
    let done = gateway.state.store.jobs(JobState::Done, 10).await.unwrap();
    assert_eq!(done.len(), 1);
}

#[tokio::test]
async fn an_endpoint_that_fails_is_tried_again_and_one_that_is_missing_is_a_dead_letter() {
    let failing = receiver(&[503]).await;
    let (gateway, _) = withdrawn(Some(&failing.url)).await;
    assert_eq!(attempt(&gateway).await, 1);
    let waiting = gateway.state.store.jobs(JobState::Waiting, 10).await.unwrap();
    assert!(waiting.iter().any(|job| job.problem.as_deref() == Some("answered 503")));

    let (gateway, consent) = withdrawn(None).await;
    assert_eq!(attempt(&gateway).await, 1);
    let dead = gateway.state.store.jobs(JobState::Dead, 10).await.unwrap();
    assert_eq!(dead.len(), 1);
    // Once the endpoint is there, the letter is run again and arrives.
    let late = receiver(&[]).await;
    let endpoint = Endpoint {
        url: late.url.clone(),
        secret: SECRET.to_vec(),
    };
    let store = &gateway.state.store;
    store
        .set_endpoint(consent.recipient, endpoint, store::Actor::CommandLine)
        .await
        .unwrap();
    store.rerun_job(dead[0].id, store::Actor::CommandLine).await.unwrap();
    assert_eq!(attempt(&gateway).await, 1);
    assert_eq!(late.heard.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn an_endpoint_that_never_answers_does_not_hold_up_another() {
    // It takes connections and says nothing.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let (gateway, consent) = withdrawn(Some(&url)).await;
    let quick = receiver(&[]).await;
    let store = &gateway.state.store;
    let other = store
        .create_recipient(store::NewRecipient {
            organisation: store.organisations().await.unwrap()[0].id,
            name_ja: "別の相手".to_owned(),
            name_en: "Another".to_owned(),
            purposes: store.recipient(consent.recipient).await.unwrap().unwrap().purposes,
            state: store::RegistrationState::Approved,
            ..store::NewRecipient::default()
        })
        .await
        .unwrap();
    let endpoint = Endpoint {
        url: quick.url.clone(),
        secret: SECRET.to_vec(),
    };
    store
        .set_endpoint(other, endpoint, store::Actor::CommandLine)
        .await
        .unwrap();
    let draft = consent::ConsentDraft {
        person: consent.person,
        recipient: other,
        purpose: consent.purpose.clone(),
        asked: consent::Asked {
            grants: consent.grants.clone(),
            identity: consent.identity,
        },
        grants: consent.grants.clone(),
        identity: consent.identity,
        language: consent.language,
        text_hash: consent.text_hash,
        text: consent.text.clone(),
        how: consent.how.clone(),
    };
    let given = store.give_consent(draft).await.unwrap();
    let own = consent::OwnAccess::of_signed_in(consent.person);
    store.withdraw_consent(&own, given.id).await.unwrap();
    let worker = tokio::spawn(work(gateway.state.clone()));
    for _ in 0..100 {
        if !quick.heard.lock().unwrap().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    worker.abort();
    assert_eq!(quick.heard.lock().unwrap().len(), 1);
    assert!(
        store
            .jobs(JobState::Leased, 10)
            .await
            .unwrap()
            .iter()
            .any(|job| job.recipient == consent.recipient)
    );
}
