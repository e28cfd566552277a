//! The ground on which a recipient is given data: recorded with every provision, and nothing passes once it has ended.

use consent::Detail;
use model::time::DAY_MS;
use model::{ConsentCategory, RecipientId};
use store::{Actor, BasisKind, LegalBasis, Result, StoreError};

use crate::harness::{House, draft, own, page};

const BY: Actor = Actor::CommandLine;

fn entrusted(house: &House, days: i64) -> LegalBasis {
    LegalBasis {
        kind: BasisKind::Entrusted,
        document: "健康ポイント業務委託契約".to_owned(),
        until: Some(house.now().plus(days * DAY_MS)),
        handlers: vec!["運用係".to_owned()],
        subcontractors: vec!["みどり計算".to_owned()],
        ..LegalBasis::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_provision_names_its_ground_and_none_passes_after_its_end() -> Result<()> {
    let house = House::new().await;
    let (person, recipient) = (house.person().await, house.recipient().await);
    house
        .store
        .set_legal_basis(recipient, entrusted(&house, 30), BY)
        .await?;
    let consent = house
        .store
        .give_consent(draft(person, recipient, &[ConsentCategory::Activity], Detail::Daily))
        .await?;
    let decision = house.decide(&consent).await?;
    house.store.record_access(&decision, page("before")).await?;
    let accesses = house.store.accesses(&own(person), None, 10).await?;
    assert_eq!(
        accesses[0].basis,
        (BasisKind::Entrusted, "健康ポイント業務委託契約".to_owned())
    );

    let report = house.store.report_returned(recipient, BY).await;
    assert!(matches!(report, Err(StoreError::Invalid { .. })), "{report:?}");
    house.clock.set(house.now().plus(30 * DAY_MS));
    let late = house.store.record_access(&decision, page("after")).await;
    assert_eq!(late, Err(StoreError::ConsentsChanged));
    let known = house.store.recipient(recipient).await?.expect("the recipient");
    assert!(known.basis.owes_report(house.now()));
    house.store.report_returned(recipient, BY).await?;
    let known = house.store.recipient(recipient).await?.expect("the recipient");
    assert!(known.basis.is_over(house.now()) && !known.basis.owes_report(house.now()));

    // A contract that goes on lets data pass again.
    house
        .store
        .set_legal_basis(recipient, entrusted(&house, 30), BY)
        .await?;
    let decision = house.decide(&consent).await?;
    house.store.record_access(&decision, page("again")).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ground_beside_consent_names_its_document() -> Result<()> {
    let house = House::new().await;
    let recipient = house.recipient().await;
    let nameless = LegalBasis {
        document: " ".to_owned(),
        ..entrusted(&house, 1)
    };
    let endless = LegalBasis {
        handlers: vec!["x".to_owned(); 51],
        ..entrusted(&house, 1)
    };
    for bad in [nameless, endless] {
        let set = house.store.set_legal_basis(recipient, bad, BY).await;
        assert!(matches!(set, Err(StoreError::Invalid { .. })), "{set:?}");
    }
    let unknown = house
        .store
        .set_legal_basis(RecipientId(1), LegalBasis::default(), BY)
        .await;
    assert!(matches!(unknown, Err(StoreError::NotFound { .. })), "{unknown:?}");
    Ok(())
}
