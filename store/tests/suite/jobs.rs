//! The queue: enqueued with its cause, leased, fenced, tried again, and never lost.

use consent::{Consent, Detail};
use model::ConsentCategory::{Activity, Sleep};
use model::UtcMillis;
use store::{Endpoint, Job, JobOutcome, JobState, Message, Notice, Result, StoreError, Task, UNDO_MS};

use crate::harness::{House, draft, own};

const LEASE_MS: i64 = 60_000;

fn message(job: &Job) -> &Message {
    let Task::Tell(message) = &job.task;
    message
}

fn notices(jobs: &[Job]) -> Vec<Notice> {
    jobs.iter().map(|job| message(job).notice).collect()
}

async fn lease(house: &House, limit: u32) -> Result<Vec<Job>> {
    house.store.lease_jobs(limit, house.now().plus(LEASE_MS)).await
}

async fn withdrawn(house: &House) -> Result<Consent> {
    let (person, recipient) = (house.person().await, house.recipient().await);
    let given = house
        .store
        .give_consent(draft(person, recipient, &[Activity], Detail::Daily))
        .await?;
    house.store.withdraw_consent(&own(person), given.id).await
}

#[tokio::test]
async fn a_withdrawal_is_told_at_once_and_the_deletion_asked_for_ten_minutes_later() -> Result<()> {
    let mut house = House::new().await;
    let ended = withdrawn(&house).await?;
    // The job is as durable as its cause.
    house.reopen().await?;
    assert!(house.store.has_due_jobs().await?);
    let first = lease(&house, 10).await?;
    assert_eq!(notices(&first), [Notice::Withdrawn]);
    let told = message(&first[0]);
    assert_eq!((told.person, told.consent), (ended.person, ended.id));
    assert!(house.store.finish_job(&first[0], JobOutcome::Done).await?);
    house.clock.advance(UNDO_MS - 1);
    assert!(lease(&house, 10).await?.is_empty() && !house.store.has_due_jobs().await?);
    house.clock.advance(1);
    assert_eq!(notices(&lease(&house, 10).await?), [Notice::DeletionRequested]);
    let all = house.store.notices(&own(ended.person)).await?;
    assert_eq!(
        all.iter().map(|job| job.state).collect::<Vec<_>>(),
        [JobState::Done, JobState::Leased]
    );
    Ok(())
}

#[tokio::test]
async fn agreeing_again_within_ten_minutes_keeps_the_request_to_delete_back() -> Result<()> {
    let house = House::new().await;
    let ended = withdrawn(&house).await?;
    let again = draft(ended.person, ended.recipient, &[Activity], Detail::Daily);
    house.store.give_consent(again).await?;
    house.clock.advance(2 * UNDO_MS);
    assert_eq!(notices(&lease(&house, 10).await?), [Notice::Withdrawn]);
    Ok(())
}

#[tokio::test]
async fn a_widened_consent_asks_to_read_anew_and_an_end_drops_what_waits() -> Result<()> {
    let house = House::new().await;
    let (person, recipient) = (house.person().await, house.recipient().await);
    let give =
        |categories: &'static [_], detail| house.store.give_consent(draft(person, recipient, categories, detail));
    give(&[Activity], Detail::Daily).await?;
    give(&[Activity], Detail::Daily).await?;
    assert!(
        lease(&house, 10).await?.is_empty(),
        "what gives the same changes nothing"
    );
    give(&[Activity, Sleep], Detail::Daily).await?;
    let leased = lease(&house, 10).await?;
    assert_eq!(notices(&leased), [Notice::Changed { resync: true }]);
    let narrowed = give(&[Sleep], Detail::Daily).await?;
    let ended = house.store.withdraw_consent(&own(person), narrowed.id).await?;
    assert!(
        !house.store.finish_job(&leased[0], JobOutcome::Done).await?,
        "the lease ended with the consent"
    );
    assert_eq!(notices(&lease(&house, 10).await?), [Notice::Withdrawn]);
    assert_eq!(ended.id, narrowed.id);
    Ok(())
}

#[tokio::test]
async fn who_comes_back_after_the_lease_was_given_on_changes_nothing() -> Result<()> {
    let house = House::new().await;
    withdrawn(&house).await?;
    let slow = lease(&house, 10).await?;
    assert!(lease(&house, 10).await?.is_empty());
    house.clock.advance(LEASE_MS);
    let quick = lease(&house, 10).await?;
    assert_eq!((quick.len(), quick[0].id, quick[0].attempts), (1, slow[0].id, 2));
    assert!(!house.store.finish_job(&slow[0], JobOutcome::Done).await?);
    let again = JobOutcome::Again {
        at: house.now().plus(5_000),
        problem: "answered 503".to_owned(),
    };
    assert!(house.store.finish_job(&quick[0], again).await?);
    assert!(lease(&house, 10).await?.is_empty(), "not before its time");
    house.clock.advance(5_000);
    assert_eq!(lease(&house, 10).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_dead_letter_waits_for_an_operator_who_runs_it_again() -> Result<()> {
    let house = House::new().await;
    let ended = withdrawn(&house).await?;
    let leased = lease(&house, 10).await?;
    let dead = JobOutcome::Dead {
        problem: "no endpoint is registered".to_owned(),
    };
    house.store.finish_job(&leased[0], dead).await?;
    let letters = house.store.jobs(JobState::Dead, 10).await?;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].problem.as_deref(), Some("no endpoint is registered"));
    // It stays for as long as it takes.
    house.clock.advance(100 * model::time::DAY_MS);
    house.store.purge_expired(house.now()).await?;
    house.store.rerun_job(letters[0].id, store::Actor::CommandLine).await?;
    assert!(matches!(
        house.store.rerun_job(letters[0].id, store::Actor::CommandLine).await,
        Err(StoreError::NotFound { .. })
    ));
    let told = notices(&lease(&house, 10).await?);
    assert!(told.contains(&Notice::Withdrawn), "{told:?}");
    // What is done goes after thirty days.
    for job in house.store.jobs(JobState::Leased, 10).await? {
        house.store.finish_job(&job, JobOutcome::Done).await?;
    }
    assert_eq!(house.store.notices(&own(ended.person)).await?.len(), 2);
    house.clock.advance(31 * model::time::DAY_MS);
    house.store.purge_expired(house.now()).await?;
    assert!(house.store.notices(&own(ended.person)).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn one_recipient_with_a_long_queue_does_not_hold_up_the_others() -> Result<()> {
    let house = House::new().await;
    let busy = house.recipient().await;
    for _ in 0..20 {
        let person = house.person().await;
        let given = house
            .store
            .give_consent(draft(person, busy, &[Activity], Detail::Daily))
            .await?;
        house.store.withdraw_consent(&own(person), given.id).await?;
    }
    house.clock.advance(1);
    let late = withdrawn(&house).await?;
    let leased = lease(&house, 100).await?;
    let of_busy = leased.iter().filter(|job| job.recipient == busy).count();
    assert_eq!(of_busy, store::AT_ONCE_PER_RECIPIENT as usize);
    assert!(leased.iter().any(|job| job.recipient == late.recipient));
    Ok(())
}

#[tokio::test]
async fn erasing_a_person_tells_their_recipients() -> Result<()> {
    let house = House::new().await;
    let (person, recipient) = (house.person().await, house.recipient().await);
    house
        .store
        .give_consent(draft(person, recipient, &[Activity], Detail::Daily))
        .await?;
    house.store.erase_person(person).await?;
    let told = lease(&house, 10).await?;
    assert_eq!(notices(&told), [Notice::Withdrawn]);
    house.store.finish_job(&told[0], JobOutcome::Done).await?;
    house.clock.advance(UNDO_MS);
    assert_eq!(notices(&lease(&house, 10).await?), [Notice::DeletionRequested]);
    Ok(())
}

#[tokio::test]
async fn an_endpoint_keeps_its_secret_sealed() -> Result<()> {
    let mut house = House::new().await;
    let recipient = house.recipient().await;
    let secret = b"an-endpoint-secret-of-32-bytes!!".to_vec();
    let endpoint = Endpoint {
        url: "https://points.example/messages".to_owned(),
        secret: secret.clone(),
    };
    assert_eq!(house.store.endpoint(recipient).await?, None);
    house
        .store
        .set_endpoint(recipient, endpoint.clone(), store::Actor::CommandLine)
        .await?;
    house.reopen().await?;
    assert_eq!(house.store.endpoint(recipient).await?, Some(endpoint.clone()));
    assert!(!format!("{endpoint:?}").contains("115"), "no secret in what is printed");
    for url in ["ftp://points.example", "points.example", "https://a b"] {
        let refused = Endpoint {
            url: url.to_owned(),
            secret: secret.clone(),
        };
        assert!(
            house
                .store
                .set_endpoint(recipient, refused, store::Actor::CommandLine)
                .await
                .is_err(),
            "{url}"
        );
    }
    let files = std::fs::read_dir(house.folder.path()).expect("the folder");
    for file in files {
        let bytes = std::fs::read(file.expect("a file").path()).unwrap_or_default();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret));
    }
    assert_eq!(UtcMillis(0).plus(UNDO_MS).0, 600_000);
    Ok(())
}
