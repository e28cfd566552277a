//! Who may act for whom, and until when.

use consent::{Acting, Detail, OwnAccess, Relationship};
use model::time::DAY_MS;
use model::{ConsentCategory, PersonId, UtcMillis};
use store::{Actor, NewRepresentation, Result, StoreError};

use crate::harness::{House, draft, own};

const BY: Actor = Actor::CommandLine;

fn right(person: PersonId, actor: PersonId, relationship: Relationship) -> NewRepresentation {
    NewRepresentation {
        person,
        actor,
        relationship,
        decides: true,
        until: None,
        document: "後見登記 2026-17".to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_holds_until_its_end_or_until_it_is_ended_and_only_in_one_direction() -> Result<()> {
    let house = House::new().await;
    let (child, mother, stranger) = (house.person().await, house.person().await, house.person().await);
    let store = &house.store;
    let until = house.now().plus(DAY_MS);
    let new = NewRepresentation {
        until: Some(until),
        ..right(child, mother, Relationship::Parent)
    };
    let id = store.add_representation(new.clone(), BY).await?;
    let held = store
        .representation(child, mother, house.now())
        .await?
        .expect("a right");
    assert_eq!((held.id, held.until, held.decides), (id, Some(until), true));
    assert_eq!(held.document, "後見登記 2026-17");
    for (person, actor) in [(mother, child), (child, stranger), (stranger, mother)] {
        assert_eq!(store.representation(person, actor, house.now()).await?, None);
    }
    assert!(matches!(
        store.add_representation(new.clone(), BY).await,
        Err(StoreError::Exists { .. })
    ));
    assert_eq!(
        store.representation(child, mother, UtcMillis(until.0 - 1)).await?,
        Some(held)
    );
    assert_eq!(store.representation(child, mother, until).await?, None);
    // One that ran out makes way for the next.
    house.clock.set(until);
    let next = store
        .add_representation(right(child, mother, Relationship::Guardian), BY)
        .await?;
    store.end_representation(next, BY).await?;
    assert_eq!(store.representation(child, mother, house.now()).await?, None);
    assert!(matches!(
        store.end_representation(next, BY).await,
        Err(StoreError::NotFound { .. })
    ));
    assert_eq!(store.representations_of(child).await?.len(), 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_cannot_be_is_refused() -> Result<()> {
    let house = House::new().await;
    let (person, actor) = (house.person().await, house.person().await);
    let usual = || right(person, actor, Relationship::Proxy);
    let past = Some(house.now());
    for bad in [
        right(person, person, Relationship::Proxy),
        NewRepresentation { until: past, ..usual() },
        NewRepresentation {
            document: " ".to_owned(),
            ..usual()
        },
        NewRepresentation {
            document: "あ".repeat(201),
            ..usual()
        },
    ] {
        let refused = house.store.add_representation(bad, BY).await;
        assert!(matches!(refused, Err(StoreError::Invalid { .. })), "{refused:?}");
    }
    let nobody = right(PersonId(999), actor, Relationship::Proxy);
    assert!(house.store.add_representation(nobody, BY).await.is_err());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_ends_the_right_of_a_proxy_they_named_and_of_nobody_else() -> Result<()> {
    let house = House::new().await;
    let (person, named, guardian) = (house.person().await, house.person().await, house.person().await);
    let store = &house.store;
    let proxy = store
        .add_representation(right(person, named, Relationship::Proxy), BY)
        .await?;
    let ward = store
        .add_representation(right(person, guardian, Relationship::Guardian), BY)
        .await?;
    let acting = Acting {
        person: guardian,
        relationship: Relationship::Guardian,
    };
    for (key, id) in [
        (own(person), ward),
        (own(guardian), proxy),
        (own(named), proxy),
        (OwnAccess::of_acting(person, acting), proxy),
    ] {
        assert!(matches!(
            store.end_own_proxy(&key, id).await,
            Err(StoreError::NotFound { .. })
        ));
    }
    store.end_own_proxy(&own(person), proxy).await?;
    assert_eq!(store.representation(person, named, house.now()).await?, None);
    assert!(store.representation(person, guardian, house.now()).await?.is_some());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_withdrew_for_somebody_stands_in_the_consent() -> Result<()> {
    let house = House::new().await;
    let (person, actor, recipient) = (house.person().await, house.person().await, house.recipient().await);
    let given = house
        .store
        .give_consent(draft(person, recipient, &[ConsentCategory::Activity], Detail::Daily))
        .await?;
    let acting = Acting {
        person: actor,
        relationship: Relationship::Parent,
    };
    let key = OwnAccess::of_acting(person, acting);
    house.store.withdraw_consent(&key, given.id).await?;
    let kept = &house.store.consents(&own(person)).await?[0];
    assert_eq!((kept.withdrawn_by, kept.how.acting()), (Some(acting), None));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_of_either_ends_the_right() -> Result<()> {
    let house = House::new().await;
    let (person, actor, other) = (house.person().await, house.person().await, house.person().await);
    let store = &house.store;
    store
        .add_representation(right(person, actor, Relationship::Proxy), BY)
        .await?;
    store
        .add_representation(right(actor, other, Relationship::Proxy), BY)
        .await?;
    store.erase_person(actor).await?;
    assert!(store.representations_of(person).await?.is_empty());
    assert!(store.representations_by(other, house.now()).await?.is_empty());
    Ok(())
}
