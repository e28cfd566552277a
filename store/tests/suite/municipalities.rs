//! Where residents live by their insurers' word: since when and until when, and what an app is told of it.

use model::checkup::Subject;
use model::{Municipality, OrganisationId, PersonId, Residence, UtcMillis};
use store::{Access, Followed, Insured, NewOrganisation, NewPerson, OrganisationKind, Result, Sex, Store, StoreError};

use crate::deliveries::day;
use crate::harness::{House, own};

const MIDORI: &str = "13101";
const AOI: &str = "13102";

pub async fn organisation(house: &House, name: &str, kind: OrganisationKind) -> OrganisationId {
    let name = name.to_owned();
    let new = NewOrganisation { name, kind };
    house.store.create_organisation(new).await.expect("an organisation")
}

pub async fn member(house: &House, organisation: OrganisationId) -> PersonId {
    house
        .store
        .create_person(NewPerson {
            birth_date: Some(day("1950-05-06")),
            sex: Some(Sex::Female),
            organisation: Some(organisation),
            ..NewPerson::default()
        })
        .await
        .expect("a member")
}

fn municipality(code: &str) -> Municipality {
    Municipality::parse(code).expect("a municipality")
}

pub fn insured(insurer: &str, number: &str, gained: &str, lost: Option<&str>) -> Insured {
    Insured {
        subject: Subject {
            insurer: insurer.to_owned(),
            number: number.to_owned(),
            name: "ミホンハナコ".to_owned(),
            birth: Some(day("1950-05-06")),
            sex: Some(2),
            // The national insurance and that of the elderly know her by one more number.
            care_number: "0001234567".to_owned(),
            ..Subject::default()
        },
        gained: Some(day(gained)),
        lost: lost.map(day),
        ..Insured::default()
    }
}

fn living(insured: Insured, code: &str) -> Insured {
    Insured {
        residence: Some(Residence::of(municipality(code))),
        ..insured
    }
}

/// Whether she belongs to a municipality here, at noon of a day in Japan.
async fn belongs(store: &Store, person: PersonId, on: &str) -> Result<bool> {
    let noon = UtcMillis((i64::from(day(on).0) * 24 + 3) * 3_600_000);
    let own = own(person);
    let view = store.patient(Access::Own(&own), noon).await?;
    Ok(view.municipality.expect("all is shown to herself"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_municipality_begins_and_ends_with_the_insurance_that_says_it() -> Result<()> {
    let house = House::new().await;
    let city = organisation(&house, "みどり市", OrganisationKind::Municipality).await;
    let person = member(&house, city).await;
    let store = &house.store;
    assert!(
        belongs(store, person, "2026-05-10").await?,
        "a member, while nobody says where she lives"
    );
    let national = insured("00139999", "123", "2020-04-01", None);
    store.insure(city, person, living(national.clone(), AOI)).await?;
    assert!(
        belongs(store, person, "2026-05-10").await?,
        "it cannot be compared before the city says which it is"
    );
    store.set_municipality(city, municipality("131016")).await?;
    assert_eq!(store.municipality(city).await?, Some(municipality(MIDORI)));
    assert!(!belongs(store, person, "2026-05-10").await?, "she lives elsewhere");
    let follow = async |line: Vec<Insured>| store.follow_ledger(city, vec![line]).await;
    assert_eq!(
        follow(vec![living(national.clone(), MIDORI)]).await?,
        [Followed::Changed(0)]
    );
    assert!(belongs(store, person, "2026-05-10").await? && !belongs(store, person, "2020-03-31").await?);
    // Who does not say where leaves it as it was.
    assert_eq!(follow(vec![national.clone()]).await?, [Followed::Known]);
    store.insure(city, person, national).await?;
    assert!(belongs(store, person, "2026-05-10").await?);
    let line = || {
        vec![
            living(insured("00139999", "123", "2020-04-01", Some("2025-05-05")), MIDORI),
            living(
                insured("39139999", "55555555", "2025-05-06", Some("2026-06-30")),
                MIDORI,
            ),
        ]
    };
    assert_eq!(follow(line()).await?, [Followed::Changed(0)]);
    assert_eq!(follow(line()).await?, [Followed::Known]);
    for (on, expected) in [
        ("2020-03-31", false),
        ("2025-05-05", true),
        ("2025-05-06", true),
        ("2026-06-30", true),
        ("2026-07-01", false),
    ] {
        assert_eq!(belongs(store, person, on).await?, expected, "{on}");
    }
    // Her own data and her membership are hers as before.
    assert!(
        store
            .person(person)
            .await?
            .expect("she is there")
            .organisations
            .contains(&city)
    );
    store.erase_person(person).await?;
    assert_eq!(follow(line()).await?, [Followed::Unknown]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_municipality_is_asked_by_what_is_known_of_it() -> Result<()> {
    let mut house = House::new().await;
    let midori = organisation(&house, "みどり市", OrganisationKind::Municipality).await;
    let aoi = organisation(&house, "あおい市", OrganisationKind::Municipality).await;
    let person = member(&house, midori).await;
    house.store.set_municipality(midori, municipality(MIDORI)).await?;
    let lived = living(insured("00139999", "123", "2020-04-01", None), AOI);
    house.store.insure(midori, person, lived).await?;
    assert!(!belongs(&house.store, person, "2026-05-10").await?);
    house.store.set_municipality(aoi, municipality(AOI)).await?;
    house.reopen().await?;
    assert!(
        belongs(&house.store, person, "2026-05-10").await?,
        "also after a restart"
    );
    // Said anew, it is another: the last word counts.
    house.store.set_municipality(aoi, municipality("13103")).await?;
    assert!(!belongs(&house.store, person, "2026-05-10").await?);
    Ok(())
}

#[tokio::test]
async fn only_a_municipality_has_a_code_of_one() {
    let house = House::new().await;
    let insurer = organisation(&house, "みほん国保", OrganisationKind::Insurer).await;
    let refused = house.store.set_municipality(insurer, municipality(MIDORI)).await;
    assert!(matches!(refused, Err(StoreError::Invalid { .. })), "{refused:?}");
    let nobody = OrganisationId(99);
    let refused = house.store.set_municipality(nobody, municipality(MIDORI)).await;
    assert_eq!(refused, Err(StoreError::NoOrganisation { organisation: nobody }));
    assert_eq!(house.store.municipality(insurer).await, Ok(None));
}
