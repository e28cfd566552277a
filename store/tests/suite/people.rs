//! Organisations and people: made, found, erased.

use model::{LocalDay, Metric};
use store::{Access, NewOrganisation, NewPerson, OrganisationKind, Result, Sex, Store, StoreError};

use crate::deliveries::{at, import, pulse, samples, search_for};
use crate::harness::{House, finding, own};

#[tokio::test]
async fn a_person_reads_back_after_a_restart() -> Result<()> {
    let mut house = House::new().await;
    let city = house
        .store
        .create_organisation(NewOrganisation {
            name: "みどり市".to_owned(),
            kind: OrganisationKind::Municipality,
        })
        .await?;
    let insurer = house
        .store
        .create_organisation(NewOrganisation {
            name: "みどり健保".to_owned(),
            kind: OrganisationKind::Insurer,
        })
        .await?;
    let new = NewPerson {
        name: Some("佐藤 一".to_owned()),
        birth_date: LocalDay::from_ymd(1960, 2, 29),
        sex: Some(Sex::Male),
        address: Some("みどり市本町1-1".to_owned()),
        organisation: Some(city),
        home_zone: String::new(),
    };
    let id = house.store.create_person(new).await?;
    house.store.add_membership(id, insurer).await?;
    house.reopen().await?;
    let person = house.store.person(id).await?.expect("the person");
    assert_eq!(person.name.as_deref(), Some("佐藤 一"));
    assert_eq!(person.birth_date, LocalDay::from_ymd(1960, 2, 29));
    assert_eq!(person.sex, Some(Sex::Male));
    assert_eq!(person.address.as_deref(), Some("みどり市本町1-1"));
    assert_eq!(person.home_zone, "Asia/Tokyo");
    assert_eq!(person.organisations, vec![city, insurer]);
    let listed = house.store.people(None, 10).await?;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].name, person.name);
    assert!(house.store.people(Some(id), 10).await?.is_empty());
    assert_eq!(house.store.organisations().await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn an_identity_belongs_to_one_person() -> Result<()> {
    let house = House::new().await;
    let (first, second) = (house.person().await, house.person().await);
    house.store.link_identity(first, "https://id.example", "a").await?;
    house.store.link_identity(first, "https://id.example", "a").await?;
    assert_eq!(
        house.store.link_identity(second, "https://id.example", "a").await,
        Err(StoreError::Exists { what: "identity" })
    );
    let find = |issuer, subject| house.store.person_by_identity(issuer, subject);
    assert_eq!(find("https://id.example", "a").await?, Some(first));
    assert_eq!(find("https://id.example", "b").await?, None);
    assert_eq!(find("https://other.example", "a").await?, None);
    Ok(())
}

#[tokio::test]
async fn an_erased_person_is_gone_but_for_the_number() -> Result<()> {
    let mut house = House::new().await;
    let person = house.person().await;
    house.store.link_identity(person, "https://id.example", "a").await?;
    house.store.erase_person(person).await?;
    for _ in 0..2 {
        assert_eq!(house.store.person(person).await?, None);
        assert_eq!(house.store.person_by_identity("https://id.example", "a").await?, None);
        let listed = house.store.people(None, 10).await?;
        assert!(listed[0].erased && listed[0].name.is_none());
        assert_eq!(
            house.store.link_identity(person, "https://id.example", "a").await,
            Err(StoreError::Erased { person })
        );
        house.reopen().await?;
    }
    Ok(())
}

#[tokio::test]
async fn restore_of_an_older_database_brings_no_erased_person_back() -> Result<()> {
    let mut house = House::new().await;
    let (erased, kept) = (house.person().await, house.person().await);
    for person in [erased, kept] {
        import(&house, person, at(20, 0), vec![pulse(at(8, 0), 61)]).await;
    }
    let backup = tempfile::tempdir().expect("a temporary folder");
    house.store.backup(backup.path()).await?;
    house.store.erase_person(erased).await?;
    house.store.clone().close().await;
    Store::restore(backup.path(), house.folder.path()).await?;
    house.reopen().await?;
    assert_eq!(house.store.person(erased).await?, None);
    let search = search_for(&house, Metric::HEART_RATE);
    let own = own(erased);
    let read = house.store.search(Access::Own(&own), search).await;
    assert!(
        matches!(&read, Ok(page) if page.records.is_empty()) || matches!(read, Err(StoreError::Erased { .. })),
        "{read:?}"
    );
    assert_eq!(samples(&house, kept, Metric::HEART_RATE).await.len(), 1);
    for what in ["keys of people", "journal", "audit chains"] {
        assert!(finding(&house.store, what).await.ok, "{what}");
    }
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_words() -> Result<()> {
    let house = House::new().await;
    let zone = NewPerson {
        home_zone: "Asia/Edo".to_owned(),
        ..NewPerson::default()
    };
    let refused = house.store.create_person(zone).await.expect_err("no such zone");
    assert!(refused.to_string().contains("Asia/Tokyo"), "{refused}");
    let nobody = NewPerson {
        organisation: Some(model::OrganisationId(9)),
        ..NewPerson::default()
    };
    assert_eq!(
        house.store.create_person(nobody).await,
        Err(StoreError::NoOrganisation {
            organisation: model::OrganisationId(9)
        })
    );
    Ok(())
}
