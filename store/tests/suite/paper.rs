//! Consents given on paper: two operators, then a consent like any other.

use consent::{ConsentDraft, ConsentState, Detail, HowGiven};
use model::{ConsentCategory, OrganisationId, PersonId};
use store::{NewOrganisation, OrganisationKind, Result, StoreError};

use crate::harness::{House, draft, own};

fn form(how: impl FnOnce(&mut HowGiven), draft: ConsentDraft) -> ConsentDraft {
    let mut on_paper = HowGiven::OnPaper {
        form: "2026-0031".to_owned(),
        form_hash: [7; 32],
        identity_checked: "運転免許証を見た".to_owned(),
        entered_by: 99,
        confirmed_by: 98,
        acting: None,
    };
    how(&mut on_paper);
    ConsentDraft { how: on_paper, ..draft }
}

struct Counter {
    house: House,
    organisation: OrganisationId,
    operators: [i64; 2],
    person: PersonId,
    draft: ConsentDraft,
}

async fn counter() -> Result<Counter> {
    let house = House::new().await;
    let (person, recipient) = (house.person().await, house.recipient().await);
    let organisation = house.store.organisations().await?[0].id;
    let first = house
        .store
        .create_operator(organisation, "担当 一", "issuer", "a")
        .await?;
    let second = house
        .store
        .create_operator(organisation, "担当 二", "issuer", "b")
        .await?;
    let draft = draft(person, recipient, &[ConsentCategory::Activity], Detail::Daily);
    Ok(Counter {
        draft: form(|_| {}, draft),
        operators: [first, second],
        house,
        organisation,
        person,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn two_operators_make_a_consent_that_the_resident_sees_and_withdraws() -> Result<()> {
    let Counter {
        house,
        organisation,
        operators: [first, second],
        person,
        draft,
    } = counter().await?;
    let store = &house.store;
    let id = store.enter_paper_consent(organisation, first, draft).await?;
    assert!(
        store.consents(&own(person)).await?.is_empty(),
        "a proposal gives nothing"
    );
    assert_eq!(store.paper_consents(organisation).await?.len(), 1);
    let alone = store.confirm_paper_consent(organisation, first, id).await;
    assert!(matches!(alone, Err(StoreError::Consent(_))), "{alone:?}");
    assert_eq!(
        store.paper_consents(organisation).await?.len(),
        1,
        "nothing half-happens"
    );

    let consent = store.confirm_paper_consent(organisation, second, id).await?;
    assert_eq!(store.consents(&own(person)).await?, std::slice::from_ref(&consent));
    let HowGiven::OnPaper {
        entered_by,
        confirmed_by,
        ..
    } = consent.how
    else {
        panic!("{:?}", consent.how)
    };
    assert_eq!((entered_by, confirmed_by), (first, second), "whatever the form said");
    assert!(house.decide(&consent).await.is_ok());
    let again = store.confirm_paper_consent(organisation, second, id).await;
    assert!(matches!(again, Err(StoreError::NotFound { .. })), "{again:?}");
    store.withdraw_consent(&own(person), consent.id).await?;
    assert_eq!(store.consents(&own(person)).await?[0].state, ConsentState::Withdrawn);
    let acts: Vec<String> = store
        .acts(organisation, None, 3)
        .await?
        .into_iter()
        .map(|(_, act)| act.what)
        .filter(|what| what.starts_with("paper"))
        .collect();
    assert_eq!(acts, ["paper-consent-confirmed", "paper-consent-entered"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_refused_that_says_too_little_is_rejected_or_is_somebody_elses() -> Result<()> {
    let Counter {
        house,
        organisation,
        operators: [first, second],
        draft,
        ..
    } = counter().await?;
    let store = &house.store;
    let elsewhere = store
        .create_organisation(NewOrganisation {
            name: "となり市".to_owned(),
            kind: OrganisationKind::Municipality,
        })
        .await?;
    let stranger = store.create_operator(elsewhere, "担当 三", "issuer", "c").await?;
    for (organisation, operator) in [(organisation, stranger), (elsewhere, stranger), (elsewhere, first)] {
        let entered = store.enter_paper_consent(organisation, operator, draft.clone()).await;
        assert!(matches!(entered, Err(StoreError::NotFound { .. })), "{entered:?}");
    }
    let blank = |how: &mut HowGiven| {
        if let HowGiven::OnPaper { identity_checked, .. } = how {
            identity_checked.clear();
        }
    };
    let entered = store
        .enter_paper_consent(organisation, first, form(blank, draft.clone()))
        .await;
    assert!(matches!(entered, Err(StoreError::Consent(_))), "{entered:?}");
    let signed_in = HowGiven::SignedIn {
        issuer: "x".to_owned(),
        assurance: None,
        acting: None,
    };
    let entered = store
        .enter_paper_consent(
            organisation,
            first,
            ConsentDraft {
                how: signed_in,
                ..draft.clone()
            },
        )
        .await;
    assert!(matches!(entered, Err(StoreError::Invalid { .. })), "{entered:?}");

    let id = store.enter_paper_consent(organisation, first, draft).await?;
    let seen = store.confirm_paper_consent(elsewhere, stranger, id).await;
    assert!(matches!(seen, Err(StoreError::NotFound { .. })), "{seen:?}");
    store.reject_paper_consent(organisation, second, id).await?;
    let late = store.confirm_paper_consent(organisation, second, id).await;
    assert!(matches!(late, Err(StoreError::NotFound { .. })), "{late:?}");
    assert!(store.paper_consents(organisation).await?.is_empty());
    Ok(())
}
