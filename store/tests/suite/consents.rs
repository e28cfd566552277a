//! Consents: given, changed, withdrawn, and never back again.

use std::sync::Arc;

use consent::{ConsentState, Detail, DraftError, IdentityGrant, TransitionError};
use model::ConsentCategory::{Activity, Sleep};
use model::OrganisationId;
use store::{Result, Store, StoreError};

use crate::harness::{House, draft, finding, own};

#[tokio::test]
async fn a_consent_is_decided_from_after_a_restart() -> Result<()> {
    let mut house = House::new().await;
    let (person, recipient) = (house.person().await, house.recipient().await);
    let before = house.store.person_consents(person).await?;
    assert!(before.consents().is_empty());
    let given = house
        .store
        .give_consent(draft(person, recipient, &[Activity], Detail::Daily))
        .await?;
    assert_eq!((given.version, given.state), (1, ConsentState::Active));
    house.reopen().await?;
    let consents = house.store.person_consents(person).await?;
    assert!(consents.version() > before.version());
    assert_eq!(consents.consents(), std::slice::from_ref(&given));
    let again = house.store.person_consents(person).await?;
    assert!(Arc::ptr_eq(&consents, &again), "what has not changed is not read again");
    assert!(!house.decide(&given).await?.is_denied());
    Ok(())
}

#[tokio::test]
async fn giving_again_is_a_new_version_of_the_one_consent() -> Result<()> {
    let house = House::new().await;
    let (person, recipient) = (house.person().await, house.recipient().await);
    let give =
        |categories: &'static [_], detail| house.store.give_consent(draft(person, recipient, categories, detail));
    let first = give(&[Activity], Detail::Daily).await?;
    let second = give(&[Activity, Sleep], Detail::Raw).await?;
    let third = give(&[Sleep], Detail::Raw).await?;
    assert_eq!((second.id, second.version), (first.id, 2));
    assert_eq!((third.id, third.version), (first.id, 3));
    let consents = house.store.person_consents(person).await?;
    assert_eq!(consents.consents(), std::slice::from_ref(&third));
    let decision = house.decide(&third).await?;
    assert!(decision.gives(Sleep, Detail::Raw) && !decision.gives(Activity, Detail::Daily));
    let history = house.store.consent_history(&own(person), first.id).await?;
    let states: Vec<_> = history.iter().map(|consent| (consent.version, consent.state)).collect();
    assert_eq!(
        states,
        [
            (3, ConsentState::Active),
            (2, ConsentState::Superseded),
            (1, ConsentState::Superseded)
        ]
    );
    assert_eq!(house.store.consents(&own(person)).await?, [third]);
    Ok(())
}

#[tokio::test]
async fn consents_of_two_purposes_stand_side_by_side() -> Result<()> {
    let house = House::new().await;
    let (person, recipient) = (house.person().await, house.recipient().await);
    let points = draft(person, recipient, &[Activity], Detail::Daily);
    let advice = consent::ConsentDraft {
        purpose: consent::Purpose::new("advice").expect("a purpose"),
        ..points.clone()
    };
    let (points, advice) = (
        house.store.give_consent(points).await?,
        house.store.give_consent(advice).await?,
    );
    assert_ne!(points.id, advice.id);
    house.store.withdraw_consent(&own(person), points.id).await?;
    assert!(house.decide(&points).await?.is_denied());
    assert!(!house.decide(&advice).await?.is_denied());
    Ok(())
}

#[tokio::test]
async fn a_withdrawn_consent_cannot_be_withdrawn_again_and_a_new_one_can_be_given() -> Result<()> {
    let house = House::new().await;
    let (person, recipient) = (house.person().await, house.recipient().await);
    let give = || {
        house
            .store
            .give_consent(draft(person, recipient, &[Activity], Detail::Daily))
    };
    let first = give().await?;
    let withdrawn = house.store.withdraw_consent(&own(person), first.id).await?;
    assert_eq!(withdrawn.state, ConsentState::Withdrawn);
    assert_eq!(
        house.store.withdraw_consent(&own(person), first.id).await,
        Err(StoreError::Consent(TransitionError::Withdrawn { consent: first.id }))
    );
    assert!(house.store.person_consents(person).await?.consents().is_empty());
    let second = give().await?;
    assert_ne!(second.id, first.id);
    assert_eq!(second.version, 1);
    assert_eq!(house.store.consents(&own(person)).await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn nobody_withdraws_or_sees_the_consent_of_another() -> Result<()> {
    let house = House::new().await;
    let (person, other, recipient) = (house.person().await, house.person().await, house.recipient().await);
    let given = house
        .store
        .give_consent(draft(person, recipient, &[Activity], Detail::Daily))
        .await?;
    assert_eq!(
        house.store.withdraw_consent(&own(other), given.id).await,
        Err(StoreError::NotFound { what: "consent" })
    );
    assert!(house.store.consents(&own(other)).await?.is_empty());
    assert!(house.store.consent_history(&own(other), given.id).await?.is_empty());
    assert!(!house.decide(&given).await?.is_denied());
    Ok(())
}

#[tokio::test]
async fn what_cannot_become_a_consent_changes_nothing() -> Result<()> {
    let house = House::new().await;
    let (person, recipient) = (house.person().await, house.recipient().await);
    let good = draft(person, recipient, &[Activity], Detail::Daily);
    let mut nothing = good.clone();
    nothing.grants.clear();
    assert_eq!(
        house.store.give_consent(nothing).await,
        Err(StoreError::Consent(TransitionError::Draft(DraftError::Nothing)))
    );
    let mut other_text = good.clone();
    other_text.text.push('。');
    assert!(matches!(
        house.store.give_consent(other_text).await,
        Err(StoreError::Invalid { .. })
    ));
    let mut unregistered = good.clone();
    unregistered.purpose = consent::Purpose::new("research").expect("a purpose");
    assert!(matches!(
        house.store.give_consent(unregistered).await,
        Err(StoreError::NotFound { .. })
    ));
    assert_eq!(house.store.person_consents(person).await?.version().0, 0);
    Ok(())
}

#[tokio::test]
async fn restore_of_an_older_database_brings_no_withdrawn_consent_back() -> Result<()> {
    let mut house = House::new().await;
    let (person, recipient) = (house.person().await, house.recipient().await);
    let give = |categories: &'static [_]| {
        house
            .store
            .give_consent(draft(person, recipient, categories, Detail::Raw))
    };
    let withdrawn = give(&[Activity]).await?;
    let backup = tempfile::tempdir().expect("a temporary folder");
    house.store.backup(backup.path()).await?;
    house.store.withdraw_consent(&own(person), withdrawn.id).await?;
    // Given and withdrawn after the backup: the older database knows nothing of it.
    let unknown = give(&[Sleep]).await?;
    house.store.withdraw_consent(&own(person), unknown.id).await?;
    house.store.clone().close().await;
    Store::restore(backup.path(), house.folder.path()).await?;
    house.reopen().await?;
    assert!(house.decide(&withdrawn).await?.is_denied());
    let kept = house.store.consents(&own(person)).await?;
    assert_eq!(kept.len(), 1);
    assert_eq!((kept[0].id, kept[0].state), (withdrawn.id, ConsentState::Withdrawn));
    for what in ["audit chains", "journal"] {
        assert!(finding(&house.store, what).await.ok);
    }
    Ok(())
}

#[tokio::test]
async fn restore_of_an_older_database_does_not_widen_what_was_narrowed() -> Result<()> {
    let mut house = House::new().await;
    let (person, recipient) = (house.person().await, house.recipient().await);
    let wide = house
        .store
        .give_consent(draft(person, recipient, &[Activity, Sleep], Detail::Raw))
        .await?;
    let backup = tempfile::tempdir().expect("a temporary folder");
    house.store.backup(backup.path()).await?;
    let narrow = house
        .store
        .give_consent(draft(person, recipient, &[Activity], Detail::Daily))
        .await?;
    house.store.clone().close().await;
    Store::restore(backup.path(), house.folder.path()).await?;
    house.reopen().await?;
    assert_eq!(house.store.person_consents(person).await?.consents(), [narrow]);
    let decision = house.decide(&wide).await?;
    assert!(!decision.gives(Sleep, Detail::Daily) && !decision.gives(Activity, Detail::Raw));
    Ok(())
}

#[tokio::test]
async fn a_consent_that_has_run_out_is_marked_expired() -> Result<()> {
    let house = House::new().await;
    let (person, recipient) = (house.person().await, house.recipient().await);
    let mut brief = draft(person, recipient, &[Activity], Detail::Daily);
    brief.grants[0].expires = Some(house.now().plus(1_000));
    let given = house.store.give_consent(brief).await?;
    house.clock.advance(999);
    house.store.purge_expired(house.now()).await?;
    assert!(!house.decide(&given).await?.is_denied());
    house.clock.advance(1);
    assert!(
        house.decide(&given).await?.is_denied(),
        "decisions do not wait for the sweep"
    );
    house.store.purge_expired(house.now()).await?;
    let kept = house.store.consents(&own(person)).await?;
    assert_eq!(kept[0].state, ConsentState::Expired);
    Ok(())
}

#[tokio::test]
async fn what_ends_soon_can_be_asked_of_the_registry() -> Result<()> {
    let house = House::new().await;
    let recipient = house.recipient().await;
    let organisation = house.store.organisations().await?[0].id;
    let mut given = Vec::new();
    for days in [40, 10, 20] {
        let person = house.person().await;
        let mut brief = draft(person, recipient, &[Activity], Detail::Daily);
        brief.identity = IdentityGrant::NOTHING;
        brief.grants[0].expires = Some(house.now().plus(days * model::time::DAY_MS));
        given.push(house.store.give_consent(brief).await?);
    }
    house.store.withdraw_consent(&own(given[2].person), given[2].id).await?;
    let until = house.now().plus(30 * model::time::DAY_MS);
    let ending = house.store.ending_consents(organisation, until, 10).await?;
    let [only] = &ending[..] else { panic!("{ending:?}") };
    assert_eq!(
        (only.person, only.consent, Some(only.ends)),
        (given[1].person, given[1].id, given[1].ends_at())
    );
    assert!(
        house
            .store
            .ending_consents(OrganisationId(9), until, 10)
            .await?
            .is_empty()
    );
    Ok(())
}
