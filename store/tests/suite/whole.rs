//! The store as a whole: who may open it, and what comes back of it.

use store::{MasterKey, OpenOptions, Result, Store, StoreError};

use crate::harness::{House, options};

#[tokio::test]
async fn a_second_process_is_told_that_the_folder_is_in_use() -> Result<()> {
    let house = House::new().await;
    let second = Store::open(options(house.folder.path(), &house.clock, 2)).await;
    assert!(matches!(second, Err(StoreError::InUse { .. })), "{second:?}");
    let reading = OpenOptions {
        exclusive: false,
        ..options(house.folder.path(), &house.clock, 2)
    };
    let reading = Store::open(reading).await?;
    let person = house.person().await;
    assert!(reading.person(person).await?.is_some());
    assert_eq!(
        reading.create_person(store::NewPerson::default()).await,
        Err(StoreError::ReadOnly)
    );
    Ok(())
}

#[tokio::test]
async fn another_master_key_opens_nothing() -> Result<()> {
    let house = House::new().await;
    house.store.clone().close().await;
    let wrong = OpenOptions {
        master_key: MasterKey::new([8; 32]),
        ..options(house.folder.path(), &house.clock, 2)
    };
    assert_eq!(Store::open(wrong).await.err(), Some(StoreError::WrongMasterKey));
    assert!(!Store::key_opens(house.folder.path(), MasterKey::new([8; 32])).await?);
    assert!(Store::key_opens(house.folder.path(), MasterKey::new([7; 32])).await?);
    Ok(())
}

#[tokio::test]
async fn a_closed_store_says_so() -> Result<()> {
    let house = House::new().await;
    let other = house.store.clone();
    house.store.clone().close().await;
    assert_eq!(
        other.create_person(store::NewPerson::default()).await,
        Err(StoreError::Closed)
    );
    Ok(())
}

#[tokio::test]
async fn a_healthy_store_has_nothing_to_report() -> Result<()> {
    let house = House::new().await;
    house.person().await;
    house.store.ready().await?;
    for finding in house.store.doctor().await? {
        assert!(finding.ok, "{finding:?}");
    }
    assert_eq!(house.store.stats().await?.people, 1);
    Ok(())
}

#[tokio::test]
async fn a_clock_far_behind_is_reported() -> Result<()> {
    let house = House::new().await;
    house.clock.set(model::UtcMillis(0));
    let findings = house.store.doctor().await?;
    let clock = findings
        .iter()
        .find(|finding| finding.what == "clock")
        .expect("a line on the clock");
    assert!(!clock.ok);
    Ok(())
}

#[tokio::test]
async fn an_erasure_survives_the_return_to_an_older_database() -> Result<()> {
    let mut house = House::new().await;
    let (stays, goes) = (house.person().await, house.person().await);
    let backup = tempfile::tempdir().expect("a temporary folder");
    house.store.backup(backup.path()).await?;
    assert!(matches!(
        house.store.backup(backup.path()).await,
        Err(StoreError::Exists { .. })
    ));
    house.store.erase_person(goes).await?;
    let late = house.person().await;
    assert!(matches!(
        Store::restore(backup.path(), house.folder.path()).await,
        Err(StoreError::InUse { .. })
    ));
    house.store.clone().close().await;
    Store::restore(backup.path(), house.folder.path()).await?;
    house.reopen().await?;
    assert!(house.store.person(stays).await?.is_some());
    assert_eq!(house.store.person(goes).await?, None);
    assert_eq!(house.store.person(late).await?, None);
    for finding in house.store.doctor().await? {
        assert!(finding.ok, "{finding:?}");
    }
    Ok(())
}
