//! The record of provision is the gate's last word, and outlives the person's data.

use consent::{ConsentState, Detail};
use model::ConsentCategory::{Activity, Sleep};
use model::OrganisationId;
use store::{AccessKind, NewOrganisation, OrganisationKind, Result, StoreError};

use crate::harness::{House, draft, finding, own, page};

#[tokio::test]
async fn an_access_reads_back_as_it_was_recorded() -> Result<()> {
    let mut house = House::new().await;
    let (person, recipient) = (house.person().await, house.recipient().await);
    let given = house
        .store
        .give_consent(draft(person, recipient, &[Activity], Detail::Daily))
        .await?;
    let decision = house.decide(&given).await?;
    for (number, request) in ["first", "second", "third"].into_iter().enumerate() {
        let recorded = house.store.record_access(&decision, page(request)).await?;
        assert_eq!(recorded, number as u64 + 1);
    }
    house.reopen().await?;
    let events = house.store.accesses(&own(person), None, 2).await?;
    let requests: Vec<_> = events.iter().map(|event| event.request_id.as_str()).collect();
    assert_eq!(requests, ["third", "second"]);
    let rest = house.store.accesses(&own(person), Some(events[1].number), 2).await?;
    assert_eq!(rest.len(), 1);
    let event = &rest[0];
    assert_eq!((event.number, event.at), (1, house.now()));
    assert_eq!((event.recipient, event.client_id.as_str()), (recipient, "point-app"));
    assert_eq!((event.consent, event.consent_version), (given.id, 1));
    assert_eq!(event.consents_version, decision.consents_version());
    assert_eq!((event.what, &event.items), (AccessKind::Search, &page("").items));
    assert_eq!(event.identity, page("").identity);
    assert_eq!(event.purpose, given.purpose.as_str());
    assert!(finding(&house.store, "audit chains").await.ok);
    Ok(())
}

#[tokio::test]
async fn a_withdrawal_between_read_and_commit_stops_the_page() -> Result<()> {
    let house = House::new().await;
    let (person, recipient) = (house.person().await, house.recipient().await);
    let given = house
        .store
        .give_consent(draft(person, recipient, &[Activity], Detail::Daily))
        .await?;
    let decision = house.decide(&given).await?;
    house.store.record_access(&decision, page("before")).await?;
    house.store.withdraw_consent(&own(person), given.id).await?;
    assert_eq!(
        house.store.record_access(&decision, page("after")).await,
        Err(StoreError::ConsentsChanged)
    );
    let anew = house.decide(&given).await?;
    assert!(anew.is_denied());
    assert!(matches!(
        house.store.record_access(&anew, page("denied")).await,
        Err(StoreError::Invalid { .. })
    ));
    assert_eq!(house.store.accesses(&own(person), None, 10).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn any_change_of_any_consent_makes_the_gate_decide_anew() -> Result<()> {
    let house = House::new().await;
    let (person, recipient, other) = (house.person().await, house.recipient().await, house.recipient().await);
    let given = house
        .store
        .give_consent(draft(person, recipient, &[Activity], Detail::Daily))
        .await?;
    let decision = house.decide(&given).await?;
    house
        .store
        .give_consent(draft(person, other, &[Sleep], Detail::Raw))
        .await?;
    assert_eq!(
        house.store.record_access(&decision, page("old")).await,
        Err(StoreError::ConsentsChanged)
    );
    let anew = house.decide(&given).await?;
    assert_eq!(house.store.record_access(&anew, page("new")).await, Ok(1));
    Ok(())
}

#[tokio::test]
async fn withdrawals_and_pages_at_once_leave_no_record_after_the_withdrawal() -> Result<()> {
    let house = House::new().await;
    let (person, recipient) = (house.person().await, house.recipient().await);
    let given = house
        .store
        .give_consent(draft(person, recipient, &[Activity], Detail::Daily))
        .await?;
    let decision = house.decide(&given).await?;
    let pages: Vec<_> = (0..40)
        .map(|number| {
            let (store, decision) = (house.store.clone(), decision.clone());
            tokio::spawn(async move { store.record_access(&decision, page(&number.to_string())).await })
        })
        .collect();
    tokio::task::yield_now().await;
    house.store.withdraw_consent(&own(person), given.id).await?;
    let known = house.store.accesses(&own(person), None, 100).await?.len();
    let mut recorded = 0;
    for answer in pages {
        match answer.await.expect("an answer") {
            Ok(_) => recorded += 1,
            Err(error) => assert_eq!(error, StoreError::ConsentsChanged),
        }
    }
    assert_eq!(recorded, known, "what was recorded was recorded before the withdrawal");
    assert_eq!(house.store.accesses(&own(person), None, 100).await?.len(), known);
    assert!(finding(&house.store, "audit chains").await.ok);
    Ok(())
}

#[tokio::test]
async fn an_erasure_keeps_what_was_given_to_whom() -> Result<()> {
    let mut house = House::new().await;
    let (person, recipient) = (house.person().await, house.recipient().await);
    let given = house
        .store
        .give_consent(draft(person, recipient, &[Activity], Detail::Daily))
        .await?;
    let decision = house.decide(&given).await?;
    house.store.record_access(&decision, page("before")).await?;
    house.store.erase_person(person).await?;
    house.reopen().await?;
    assert_eq!(
        house.store.person_consents(person).await.err(),
        Some(StoreError::Erased { person })
    );
    assert_eq!(
        house.store.record_access(&decision, page("after")).await,
        Err(StoreError::ConsentsChanged)
    );
    let events = house.store.accesses(&own(person), None, 10).await?;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].request_id, "before");
    let kept = house.store.consents(&own(person)).await?;
    assert_eq!(kept[0].state, ConsentState::Withdrawn);
    assert_eq!(kept[0].text, given.text);
    assert!(finding(&house.store, "audit chains").await.ok);
    Ok(())
}

#[tokio::test]
async fn an_organisation_lists_what_was_given_of_its_people_also_of_erased_ones_and_of_no_others() -> Result<()> {
    let house = House::new().await;
    let recipient = house.recipient().await;
    let mut expected = Vec::new();
    let mut people = Vec::new();
    for _ in 0..3 {
        let person = house.person().await;
        let given = house
            .store
            .give_consent(draft(person, recipient, &[Activity], Detail::Daily))
            .await?;
        let decision = house.decide(&given).await?;
        for request in ["one", "two"] {
            let number = house.store.record_access(&decision, page(request)).await?;
            expected.push((person, number));
        }
        people.push(person);
    }
    house.store.erase_person(people[1]).await?;
    expected.sort_unstable();
    let own = OrganisationId(1);
    let (mut after, mut listed) = (None, Vec::new());
    loop {
        let events = house.store.provisions(own, after, 4).await?;
        let Some((person, last)) = events.last() else { break };
        after = Some((*person, last.number));
        listed.extend(events.iter().map(|(person, event)| (*person, event.number)));
    }
    assert_eq!(listed, expected);
    let other = house
        .store
        .create_organisation(NewOrganisation {
            name: "別の市".to_owned(),
            kind: OrganisationKind::Municipality,
        })
        .await?;
    assert!(house.store.provisions(other, None, 10).await?.is_empty());
    Ok(())
}
