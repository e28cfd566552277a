//! Ledgers that know a resident by another number than before: what was lost ends all the same, and what the resident has stays theirs.

use model::{OrganisationId, PersonId, UtcMillis};
use store::{Access, EntryOutcome, Followed, Insured, OrganisationKind, Result};

use crate::checkups::{WEIGHT, all, bring, document, records};
use crate::deliveries::day;
use crate::harness::{House, own};
use crate::municipalities::{insured, member, organisation};
use crate::packages::{documents, outcomes};

const NATIONAL: &str = "00139999";
const ELDERLY: &str = "39139999";

/// Whether an app is told that she is insured there, at noon of a day in Japan.
async fn is_insured(house: &House, person: PersonId, on: &str) -> Result<bool> {
    let noon = UtcMillis((i64::from(day(on).0) * 24 + 3) * 3_600_000);
    let own = own(person);
    let view = house.store.patient(Access::Own(&own), noon).await?;
    Ok(view.insurance.expect("all is shown to herself"))
}

/// What becomes of a document of an insurance, by its number.
async fn taken(
    house: &House,
    organisation: OrganisationId,
    (insurer, number): (&str, &str),
    on: &str,
) -> Result<EntryOutcome> {
    let mut hash = [0; 32];
    for (place, byte) in hash.iter_mut().zip(format!("{number} {on}").bytes()) {
        *place = byte;
    }
    let package = house.store.begin_package(organisation, hash).await?;
    let mut checkup = document(on, 20, &[(WEIGHT, 60)]);
    checkup.subject = insured(insurer, number, "2020-04-01", None).subject;
    checkup.subject.care_number.clear();
    let taken = house
        .store
        .take_documents(organisation, package.id, documents(1, &[checkup]))
        .await?;
    Ok(outcomes(&taken)[0])
}

/// The two ways in which a list can tell that she is insured as one of the elderly since: the national insurance by her new number, or by
/// none.
fn moved_on(number: &str) -> Vec<Insured> {
    vec![
        insured(NATIONAL, number, "2020-04-01", Some("2025-05-05")),
        insured(ELDERLY, "55555555", "2025-05-06", None),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_lost_ends_whatever_number_the_line_has_for_it() -> Result<()> {
    for number in ["55555555", ""] {
        let house = House::new().await;
        let insurer = organisation(&house, "みほん国保", OrganisationKind::Insurer).await;
        let person = member(&house, insurer).await;
        let national = insured(NATIONAL, "123", "2020-04-01", None);
        house.store.insure(insurer, person, national).await?;
        bring(&house, person, vec![document("2024-06-10", 20, &[(WEIGHT, 61)])]).await?;
        let had = records(&house, person, all()).await.len();
        let follow = async || house.store.follow_ledger(insurer, vec![moved_on(number)]).await;
        assert_eq!(follow().await?, [Followed::Changed(0)], "{number}");
        assert_eq!(follow().await?, [Followed::Known], "{number}");
        assert_eq!(
            taken(&house, insurer, (NATIONAL, "123"), "2025-05-05").await?,
            EntryOutcome::Taken
        );
        assert_eq!(
            taken(&house, insurer, (NATIONAL, "123"), "2025-07-10").await?,
            EntryOutcome::Possible
        );
        assert!(
            records(&house, person, all()).await.len() > had,
            "what she has stays hers"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_insurance_ends_by_its_own_insurer_s_word_and_not_before_it_began() -> Result<()> {
    let house = House::new().await;
    let insurer = organisation(&house, "みほん国保", OrganisationKind::Insurer).await;
    let person = member(&house, insurer).await;
    // She came back to it later; and another insurer's word is not this one's.
    let [back, other] = [
        insured(NATIONAL, "123", "2025-06-01", None),
        insured("00138888", "9", "2020-04-01", None),
    ];
    house.store.insure(insurer, person, back).await?;
    house.store.insure(insurer, person, other).await?;
    let line = vec![insured(NATIONAL, "77", "2020-04-01", Some("2025-05-05"))];
    house.store.follow_ledger(insurer, vec![line]).await?;
    assert_eq!(
        taken(&house, insurer, (NATIONAL, "123"), "2025-07-10").await?,
        EntryOutcome::Taken
    );
    assert_eq!(
        taken(&house, insurer, ("00138888", "9"), "2025-07-11").await?,
        EntryOutcome::Taken
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_is_told_that_somebody_is_insured_until_all_that_was_told_has_ended() -> Result<()> {
    let house = House::new().await;
    let insurer = organisation(&house, "みほん国保", OrganisationKind::Insurer).await;
    let person = member(&house, insurer).await;
    assert!(
        is_insured(&house, person, "2026-05-10").await?,
        "a member of whom the insurer said nothing yet"
    );
    let national = insured(NATIONAL, "123", "2020-04-01", None);
    house.store.insure(insurer, person, national).await?;
    assert!(is_insured(&house, person, "2026-05-10").await?);
    let lost = vec![insured(NATIONAL, "123", "2020-04-01", Some("2025-05-05"))];
    house.store.follow_ledger(insurer, vec![lost]).await?;
    for (on, expected) in [("2025-05-05", true), ("2025-05-06", false), ("2026-05-10", false)] {
        assert_eq!(is_insured(&house, person, on).await?, expected, "{on}");
    }
    house.store.follow_ledger(insurer, vec![moved_on("123")]).await?;
    assert!(
        is_insured(&house, person, "2026-05-10").await?,
        "this organisation's, by another number"
    );
    Ok(())
}
