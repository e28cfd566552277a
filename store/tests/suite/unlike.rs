//! Documents that bear one member's numbers and tell of somebody born on another day, or of another sex: none is lost, and none goes
//! into a record that contradicts it.

use model::checkup::Subject;
use store::{Actor, EntryOutcome, Result, StoreError};

use crate::checkups::{all, records};
use crate::harness::House;
use crate::packages::{about, documents, insured, insurer, member, outcomes, subject};

/// What the insurer and its documents say of the member, whose own record says another sex.
fn man() -> Subject {
    Subject {
        sex: Some(1),
        ..subject("123", "01", "ミホンハナコ")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_the_members_record_contradicts_waits_and_is_not_given_by_decision() -> Result<()> {
    let house = House::new().await;
    let organisation = insurer(&house).await;
    let store = &house.store;
    let person = member(&house, organisation).await;
    store.insure(organisation, person, insured(man())).await?;
    let package = store.begin_package(organisation, [1; 32]).await?;
    let given = [about(man(), "2025-06-10")];
    let results = store
        .take_documents(organisation, package.id, documents(1, &given))
        .await?;
    assert_eq!(outcomes(&results), [EntryOutcome::Possible], "{results:?}");
    let waiting = store.possible_documents(organisation, 0, 10).await?;
    assert_eq!(waiting[0].candidates[0].0, person);
    let by = Actor::CommandLine;
    let refused = store
        .decide_document(organisation, waiting[0].id, Some(person), by)
        .await;
    assert!(matches!(refused, Err(StoreError::Invalid { .. })), "{refused:?}");
    assert!(records(&house, person, all()).await.is_empty());
    assert_eq!(
        store.possible_documents(organisation, 0, 10).await?,
        waiting,
        "it goes on waiting"
    );
    let acts = store.acts(organisation, None, 10).await?;
    assert!(acts.iter().all(|(_, act)| act.what != "document-assigned"));
    assert_eq!(store.package_results(package.id, 0, 10).await?, results);
    // That it is nobody's can be said, and is told to whoever handed it over.
    store.decide_document(organisation, waiting[0].id, None, by).await?;
    assert!(store.possible_documents(organisation, 0, 10).await?.is_empty());
    let results = store.package_results(package.id, 0, 10).await?;
    assert_eq!(outcomes(&results), [EntryOutcome::Nobodys]);
    assert_eq!((results[0].reasons.as_str(), results[0].counts), ("", [0; 4]));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waited_for_a_member_whose_record_contradicts_it_goes_on_waiting() -> Result<()> {
    let house = House::new().await;
    let organisation = insurer(&house).await;
    let store = &house.store;
    let package = store.begin_package(organisation, [1; 32]).await?;
    let given = [about(man(), "2025-06-10")];
    store
        .take_documents(organisation, package.id, documents(1, &given))
        .await?;
    let person = member(&house, organisation).await;
    assert_eq!(store.insure(organisation, person, insured(man())).await?, 0);
    let waiting = store.possible_documents(organisation, 0, 10).await?;
    assert_eq!((waiting.len(), waiting[0].candidates[0].0), (1, person));
    let results = store.package_results(package.id, 0, 10).await?;
    assert_eq!(outcomes(&results), [EntryOutcome::Possible], "{results:?}");
    let why = &waiting[0].candidates[0].1;
    assert!(results[0].reasons.starts_with(why.as_str()), "{results:?}");
    assert!(records(&house, person, all()).await.is_empty());
    Ok(())
}
