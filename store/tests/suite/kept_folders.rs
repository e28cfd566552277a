//! Data folders written by each landed version open in this one and hold what they held.
//!
//! `folders/<n>` was written by the version with schema n: `cargo test -p store --test suite -- --ignored write_a_folder` writes
//! the one of this version.

use consent::{ConsentState, Detail};
use model::vocabulary::Metric;
use model::{ConsentCategory, OrganisationId, UtcMillis};
use store::{EntryOutcome, OpenOptions, Store};

use crate::by_id::{deleted, holds, say};
use crate::checkups;
use crate::delegations;
use crate::deliveries::*;
use crate::feeds;
use crate::harness::{House, MAY_10, draft, options, own, page as access};
use crate::packages;
use crate::payloads;

const ASSERTED: UtcMillis = UtcMillis(1_780_272_000_000);

fn folders() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/folders")
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "writes the folder that later versions must open"]
async fn write_a_folder() {
    let house = House::new().await;
    let person = house.person().await;
    let mut samples: Vec<_> = (0..40)
        .map(|hour| {
            steps(
                if hour % 2 == 0 { WATCH } else { PHONE },
                at(hour, 0),
                at(hour, 40),
                500,
            )
        })
        .collect();
    samples.push(weight(at(7, 0), 652));
    samples.push(stage(WATCH, at(23, 0), at(30, 0), "deep"));
    import(&house, person, ASSERTED, samples).await;
    // By ids: one that stays, one that moved, one that is deleted.
    let beat = |hour| [pulse(at(hour, 0), 60)];
    let words = vec![holds("stays", at(7, 0), beat(6)), holds("moves", at(8, 0), beat(8))];
    say(&house, person, words).await;
    let words = vec![holds("moves", at(9, 0), beat(9)), holds("goes", at(9, 0), beat(7))];
    say(&house, person, words).await;
    say(&house, person, vec![deleted("goes", at(10, 0))]).await;
    let recipient = house.recipient().await;
    let consent = house
        .store
        .give_consent(draft(person, recipient, &[ConsentCategory::Activity], Detail::Daily))
        .await
        .expect("a consent");
    let decision = house.decide(&consent).await.expect("a decision");
    house
        .store
        .record_access(&decision, access("request-1"))
        .await
        .expect("an event");
    house
        .store
        .withdraw_consent(&own(person), consent.id)
        .await
        .expect("a withdrawal");
    let checkup = checkups::document("2025-06-10", 20, &[(checkups::WEIGHT, 62)]);
    checkups::bring(&house, person, vec![checkup]).await.expect("a checkup");
    delegations::agreed(&house, person, 1).await;
    feeds::know(&house, "g/1", person).await;
    let known = packages::insured(packages::subject("123", "01", "ヤマダハナコ"));
    let insured = house.store.insure(OrganisationId(1), person, known).await;
    insured.expect("an insurance");
    let phone = payloads::phone(&house, person, 1).await;
    payloads::pushes(&house, &phone, 40).await;
    assert_eq!(payloads::fold(&house).await, 40);
    let to = folders().join("16");
    // A backup is a whole copy, without the logs that an open database keeps beside it.
    house.store.clone().backup(&to).await.expect("a copy");
    house.store.clone().close().await;
}

/// How a document ends that tells the number of whoever is insured in a kept folder, and nothing of its own beside the name.
async fn found_by_the_number(house: &House) -> EntryOutcome {
    let organisation = OrganisationId(1);
    let package = house.store.begin_package(organisation, [1; 32]).await;
    let package = package.expect("a package").id;
    let found = packages::about(packages::subject("123", "", "ヤマダハナコ"), "2025-07-10");
    let documents = packages::documents(1, &[found]);
    let results = house.store.take_documents(organisation, package, documents).await;
    results.expect("results")[0].outcome
}

#[tokio::test(flavor = "multi_thread")]
async fn every_folder_of_a_landed_version_opens_and_holds_what_it_held() {
    let mut found = 0;
    for entry in std::fs::read_dir(folders()).expect("the folders").flatten() {
        found += 1;
        let mut house = House::new().await;
        house.store.clone().close().await;
        for name in ["sekisho.db", "sekisho.db-wal", "keys.db", "keys.db-wal", "journal"] {
            let _ = std::fs::remove_file(house.folder.path().join(name));
        }
        for file in std::fs::read_dir(entry.path()).expect("a folder").flatten() {
            std::fs::copy(file.path(), house.folder.path().join(file.file_name())).expect("a copy");
        }
        let options = OpenOptions {
            ..options(house.folder.path(), &house.clock, 77)
        };
        house.store = Store::open(options).await.expect("the kept folder opens");
        let people = house.store.people(None, 10).await.expect("people");
        assert_eq!(people.len(), 1);
        let person = people[0].id;
        assert_eq!(people[0].name.as_deref(), Some("山田 花子"));
        assert_eq!(samples(&house, person, Metric::STEP_COUNT).await.len(), 40);
        assert_eq!(values(&house, person, Metric::BODY_WEIGHT).await, ["65.2"]);
        assert_eq!(samples(&house, person, Metric::SLEEP_SESSION).await.len(), 1);
        let day = total(&house, person, Metric::STEP_COUNT, "2026-05-10")
            .await
            .expect("a total");
        assert_eq!(day.eligible, 24 * 500);
        let schema = entry.file_name().to_string_lossy().parse::<u32>();
        if schema.as_ref().is_ok_and(|schema| *schema >= 9) {
            let found = checkups::records(&house, person, checkups::all()).await;
            assert_eq!(found.iter().filter(|found| found.of_checkup.is_some()).count(), 2);
        }
        if schema.as_ref().is_ok_and(|schema| *schema >= 10) {
            let held = house.store.delegations(&own(person)).await.expect("delegations");
            assert_eq!(held[0].session.as_deref(), Some("a session"));
        }
        if schema.as_ref().is_ok_and(|schema| *schema >= 11) {
            let known = house.store.own_feed_accounts(&own(person)).await.expect("accounts");
            assert_eq!(known.len(), 1);
        }
        if schema.as_ref().is_ok_and(|schema| *schema >= 13) {
            assert_eq!(found_by_the_number(&house).await, EntryOutcome::Taken);
        }
        if schema.as_ref().is_ok_and(|schema| *schema >= 15) {
            let phones = house.store.companions(&own(person)).await.expect("phones");
            assert_eq!(
                payloads::again(&house, &phones[0], 39).as_deref(),
                Some(&b"39: 1 of 1"[..])
            );
        }
        if schema.is_ok_and(|schema| schema >= 7) {
            let starts =
                |found: Vec<store::StoredSample>| found.iter().map(|found| found.sample.start).collect::<Vec<_>>();
            assert_eq!(
                starts(samples(&house, person, Metric::HEART_RATE).await),
                [at(6, 0), at(9, 0)]
            );
            say(&house, person, vec![deleted("moves", at(11, 0))]).await;
            assert_eq!(starts(samples(&house, person, Metric::HEART_RATE).await), [at(6, 0)]);
        }
        let consents = house.store.consents(&own(person)).await.expect("consents");
        assert_eq!(
            consents.iter().map(|consent| consent.state).collect::<Vec<_>>(),
            [ConsentState::Withdrawn]
        );
        assert_eq!(
            house
                .store
                .accesses(&own(person), None, 10)
                .await
                .expect("accesses")
                .len(),
            1
        );
        house.clock.set(MAY_10.plus(30 * model::time::DAY_MS));
        for finding in house.store.doctor().await.expect("a check") {
            assert!(finding.ok, "{finding:?}");
        }
    }
    assert!(found > 0);
}
