//! Packages of many people's checkups: each document to whom it belongs, perhaps, or to nobody yet; all once.

use model::checkup::{Checkup, Finding, Found, Item, Subject};
use model::time::DAY_MS;
use model::{OrganisationId, PersonId};
use store::{
    Actor, DocumentBytes, EntryOutcome, EntryResult, Insured, LeftOut, NewOrganisation, NewPerson, OrganisationKind,
    PackageDocument, Result, Sex, StoreError,
};

use crate::checkups::{WEIGHT, all, document, records};
use crate::deliveries::day;
use crate::harness::House;

pub async fn insurer(house: &House) -> OrganisationId {
    let insurer = NewOrganisation {
        name: "みほん国保".to_owned(),
        kind: OrganisationKind::Insurer,
    };
    house.store.create_organisation(insurer).await.expect("an insurer")
}

pub async fn member(house: &House, organisation: OrganisationId) -> PersonId {
    house
        .store
        .create_person(NewPerson {
            birth_date: Some(day("1960-02-29")),
            sex: Some(Sex::Female),
            organisation: Some(organisation),
            ..NewPerson::default()
        })
        .await
        .expect("a member")
}

/// Somebody of a household, by the number of it and their own.
pub fn subject(number: &str, branch: &str, kana: &str) -> Subject {
    Subject {
        insurer: "00139999".to_owned(),
        symbol: "見本".to_owned(),
        number: number.to_owned(),
        branch: branch.to_owned(),
        name: kana.to_owned(),
        birth: Some(day("1960-02-29")),
        sex: Some(2),
        postal_code: "999-9999".to_owned(),
        ..Subject::default()
    }
}

pub fn insured(subject: Subject) -> Insured {
    Insured {
        subject,
        gained: Some(day("2020-04-01")),
        area: "1".to_owned(),
        ..Insured::default()
    }
}

pub fn about(subject: Subject, on: &str) -> Checkup {
    Checkup {
        subject,
        ..document(on, 20, &[(WEIGHT, 62)])
    }
}

pub fn documents(first: u32, checkups: &[Checkup]) -> Vec<PackageDocument> {
    let documents = checkups.iter().zip(first..).map(|(checkup, entry)| {
        let document = PackageDocument::new(
            entry,
            2,
            Some(checkup.clone()),
            DocumentBytes::Plain(b"<ClinicalDocument/>"),
            Vec::new(),
        );
        document.expect("a document is compressed")
    });
    documents.collect()
}

pub fn outcomes(results: &[EntryResult]) -> Vec<EntryOutcome> {
    results.iter().map(|result| result.outcome).collect()
}

/// An insurer, and a member whom it knows by this number.
pub async fn known_member(house: &House) -> Result<(OrganisationId, PersonId, Subject)> {
    let organisation = insurer(house).await;
    let person = member(house, organisation).await;
    let own = subject("123", "01", "ミホンハナコ");
    let store = &house.store;
    store.insure(organisation, person, insured(own.clone())).await?;
    Ok((organisation, person, own))
}

/// A whole package of documents; how each ended.
pub async fn hand_over(
    house: &House,
    organisation: OrganisationId,
    package: u8,
    checkups: &[Checkup],
) -> Result<Vec<EntryResult>> {
    let package = house.store.begin_package(organisation, [package; 32]).await?;
    let documents = documents(1, checkups);
    house.store.take_documents(organisation, package.id, documents).await
}

use EntryOutcome::{Possible, Taken, Unclaimed, Unread};

#[tokio::test(flavor = "multi_thread")]
async fn each_document_goes_to_whom_it_belongs_and_to_nobody_else() -> Result<()> {
    let house = House::new().await;
    let organisation = insurer(&house).await;
    let [one, twin, other] = [
        member(&house, organisation).await,
        member(&house, organisation).await,
        member(&house, organisation).await,
    ];
    let store = &house.store;
    store
        .insure(organisation, one, insured(subject("123", "01", "ミホンハナコ")))
        .await?;
    store
        .insure(organisation, twin, insured(subject("123", "02", "ミホンハナエ")))
        .await?;
    store
        .insure(organisation, other, insured(subject("777", "01", "タナカユキ")))
        .await?;
    let package = store.begin_package(organisation, [1; 32]).await?;
    assert_eq!((package.done, package.ended), (0, None));
    let given = [
        about(subject("００１２３", "01", "ミホン ハナコ"), "2025-06-10"),
        about(subject("123", "2", "ミホンハナエ"), "2025-06-10"),
        about(subject("123", "", "ミホンハナコ"), "2025-06-11"),
        about(subject("123", "", "ミホン"), "2025-06-12"),
        about(subject("777", "01", "スズキユキ"), "2025-06-10"),
        about(subject("777", "01", "タナカユキ"), "2019-06-10"),
        about(subject("999", "01", "タナカユキ"), "2025-06-10"),
        about(subject("999", "01", "ヨソノヒト"), "2025-06-10"),
    ];
    let results = store
        .take_documents(organisation, package.id, documents(1, &given))
        .await?;
    assert_eq!(
        outcomes(&results),
        [Taken, Taken, Taken, Possible, Taken, Possible, Possible, Unclaimed],
        "{results:?}"
    );
    for (person, days) in [(one, 2), (twin, 1), (other, 1)] {
        let found = records(&house, person, all()).await;
        assert_eq!(found.len(), days * 2, "a weight and that it took place, a day");
    }
    let waiting = store.possible_documents(organisation, 0, 10).await?;
    let places: Vec<u32> = waiting.iter().map(|waiting| waiting.place.1).collect();
    assert_eq!(places, [4, 6, 7]);
    assert_eq!(waiting[0].candidates.len(), 2, "either of the twins");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_comes_to_its_member_once_they_are_known_and_an_operator_decides_the_rest() -> Result<()> {
    let house = House::new().await;
    let organisation = insurer(&house).await;
    let store = &house.store;
    let package = store.begin_package(organisation, [1; 32]).await?;
    let given = [
        about(subject("123", "01", "ミホンハナコ"), "2025-06-10"),
        about(subject("123", "01", "ミホンハナコ"), "2024-06-10"),
        about(subject("555", "01", "タナカユキ"), "2025-06-10"),
    ];
    let results = store
        .take_documents(organisation, package.id, documents(1, &given))
        .await?;
    assert_eq!(outcomes(&results), [Unclaimed, Unclaimed, Unclaimed]);
    let one = member(&house, organisation).await;
    assert_eq!(
        store
            .insure(organisation, one, insured(subject("123", "01", "ミホンハナコ")))
            .await?,
        2
    );
    assert_eq!(records(&house, one, all()).await.len(), 4);
    assert_eq!(
        outcomes(&store.package_results(package.id, 0, 10).await?),
        [Taken, Taken, Unclaimed]
    );

    let other = member(&house, organisation).await;
    let without_sex = Subject {
        sex: Some(1),
        ..subject("555", "01", "タナカユキ")
    };
    assert_eq!(store.insure(organisation, other, insured(without_sex)).await?, 0);
    let waiting = store.possible_documents(organisation, 0, 10).await?;
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].candidates[0].0, other);
    let elsewhere = insurer(&house).await;
    let stranger = member(&house, elsewhere).await;
    let by = Actor::CommandLine;
    for (organisation, person) in [(elsewhere, other), (organisation, stranger)] {
        let refused = store
            .decide_document(organisation, waiting[0].id, Some(person), by)
            .await;
        assert!(matches!(refused, Err(StoreError::NotFound { .. })), "{refused:?}");
    }
    store
        .decide_document(organisation, waiting[0].id, Some(other), by)
        .await?;
    assert_eq!(records(&house, other, all()).await.len(), 2);
    assert!(store.possible_documents(organisation, 0, 10).await?.is_empty());
    let acts = store.acts(organisation, None, 10).await?;
    assert_eq!(acts[0].1.what, "document-assigned");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_goes_on_where_it_stopped_and_takes_nothing_twice() -> Result<()> {
    let house = House::new().await;
    let (organisation, one, _) = known_member(&house).await?;
    let store = &house.store;
    let years = ["2021-06-10", "2022-06-10", "2023-06-10", "2024-06-10"];
    let given: Vec<Checkup> = years
        .iter()
        .map(|on| about(subject("123", "01", "ミホンハナコ"), on))
        .collect();
    let package = store.begin_package(organisation, [1; 32]).await?;
    store
        .take_documents(organisation, package.id, documents(1, &given[..2]))
        .await?;
    let again = store.begin_package(organisation, [1; 32]).await?;
    assert_eq!((again.id, again.done), (package.id, 2));
    for first in [1, 2, 4] {
        let refused = store
            .take_documents(organisation, package.id, documents(first, &given[..1]))
            .await;
        assert!(
            matches!(refused, Err(StoreError::Invalid { .. })),
            "{first}: {refused:?}"
        );
    }
    let left_out = LeftOut {
        is_rejected: true,
        reason: "damaged-document".to_owned(),
        line: 1,
        text: String::new(),
    };
    let broken = PackageDocument::new(5, 2, None, DocumentBytes::Plain(b""), vec![left_out])?;
    let mut rest = documents(3, &given[2..]);
    rest.push(broken);
    let results = store.take_documents(organisation, package.id, rest).await?;
    assert_eq!(outcomes(&results), [Taken, Taken, Unread]);
    assert_eq!(
        (results[2].reasons.as_str(), results[2].counts),
        ("line 1: damaged-document", [0, 0, 0, 1])
    );
    store
        .end_package(organisation, package.id, Actor::CommandLine, "{}".to_owned())
        .await?;
    assert!(store.begin_package(organisation, [1; 32]).await?.ended.is_some());
    assert_eq!(records(&house, one, all()).await.len(), 8);
    let own = consent::OwnAccess::of_signed_in(one);
    let deliveries = store.deliveries(&own, &["checkup"], 10).await?;
    let versions: Vec<u32> = deliveries
        .iter()
        .map(|delivery| delivery.info.mapping_version)
        .collect();
    assert_eq!(versions, [2; 4], "by the mapping that read them");
    let at: Vec<model::UtcMillis> = deliveries.iter().map(|delivery| delivery.info.obtained).collect();
    assert!(
        at.windows(2).all(|two| two[0] > two[1]),
        "no two came at one instant: {at:?}"
    );
    // The same documents in another package are known.
    let results = hand_over(&house, organisation, 2, &given).await?;
    assert!(
        results.iter().all(|result| result.counts == [0, 1, 0, 0]),
        "{results:?}"
    );
    for finding in store.doctor().await? {
        assert!(finding.ok, "{finding:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_to_delete_deletes_what_waits_and_nothing_of_anybody_else() -> Result<()> {
    let house = House::new().await;
    let organisation = insurer(&house).await;
    let store = &house.store;
    let hanako = subject("123", "01", "ミホンハナコ");
    let twin = Subject {
        branch: "02".to_owned(),
        name: "ミホンユキコ".to_owned(),
        ..hanako.clone()
    };
    let without_branch = Subject {
        branch: String::new(),
        ..hanako.clone()
    };
    let given = [
        about(hanako.clone(), "2025-06-10"),
        about(hanako.clone(), "2024-06-10"),
        about(twin.clone(), "2025-06-10"),
        about(without_branch, "2025-06-10"),
    ];
    hand_over(&house, organisation, 1, &given).await?;
    let asked = |subject: Subject| Checkup {
        report: "19".to_owned(),
        written: day("2026-06-01"),
        findings: Vec::new(),
        ..about(subject, "2025-06-10")
    };
    let elsewhere = insurer(&house).await;
    hand_over(&house, elsewhere, 2, &[asked(hanako.clone())]).await?;
    let results = async || store.package_results(1, 0, 10).await;
    assert_eq!(outcomes(&results().await?), [Unclaimed; 4], "another insurer's request");
    let ended = hand_over(&house, organisation, 3, &[asked(hanako.clone())]).await?;
    assert_eq!(outcomes(&ended), [Unclaimed]);
    let now = results().await?;
    assert_eq!(outcomes(&now), [EntryOutcome::Nobodys, Unclaimed, Unclaimed, Unclaimed]);
    assert_eq!(now[0].reasons, "deleted-on-request");
    // The document comes once more, older than the request: it is not the member's once they are known.
    hand_over(&house, organisation, 4, &given[..1]).await?;
    let one = member(&house, organisation).await;
    store.insure(organisation, one, insured(hanako)).await?;
    let found = records(&house, one, all()).await;
    let days: Vec<String> = found
        .iter()
        .map(|record| record.sample.local_day().to_string())
        .collect();
    assert!(
        days.iter().all(|day| day == "2024-06-10") && !days.is_empty(),
        "{days:?}"
    );
    let sister = member(&house, organisation).await;
    store.insure(organisation, sister, insured(twin)).await?;
    assert_eq!(records(&house, sister, all()).await.len(), 2, "hers was not asked for");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_one_claims_goes_when_its_time_is_over() -> Result<()> {
    let house = House::new().await;
    let organisation = insurer(&house).await;
    let store = &house.store;
    let package = store.begin_package(organisation, [1; 32]).await?;
    let given = [about(subject("123", "01", "ミホンハナコ"), "2025-06-10")];
    store
        .take_documents(organisation, package.id, documents(1, &given))
        .await?;
    let came = house.now();
    house.clock.advance(90 * DAY_MS);
    assert_eq!(store.delete_unclaimed(came).await?, 0);
    store
        .end_package(organisation, package.id, Actor::CommandLine, "{}".to_owned())
        .await?;
    assert!(store.begin_package(organisation, [1; 32]).await?.ended.is_some());
    assert_eq!(store.delete_unclaimed(came.plus(1)).await?, 1);
    let one = member(&house, organisation).await;
    assert_eq!(
        store
            .insure(organisation, one, insured(subject("123", "01", "ミホンハナコ")))
            .await?,
        0
    );
    // Handed over again it is taken in again, and nothing is there twice.
    let again = store.begin_package(organisation, [1; 32]).await?;
    assert_eq!((again.id, again.done, again.ended), (package.id, 0, None));
    let results = store
        .take_documents(organisation, package.id, documents(1, &given))
        .await?;
    assert_eq!(outcomes(&results), [Taken]);
    assert_eq!(outcomes(&store.package_results(package.id, 0, 10).await?), [Taken]);
    // What says too little is no insurance, and nobody's but a member's is taken.
    let bare = store.insure(organisation, one, Insured::default()).await;
    assert!(matches!(bare, Err(StoreError::Invalid { .. })));
    let elsewhere = insurer(&house).await;
    let stranger = store
        .insure(elsewhere, one, insured(subject("1", "01", "ミホン")))
        .await;
    assert!(matches!(stranger, Err(StoreError::NotFound { .. })));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_judgement_that_its_values_do_not_explain_is_kept_as_it_came_and_told_to_the_operator() -> Result<()> {
    let house = House::new().await;
    let (organisation, person, _) = known_member(&house).await?;
    let store = &house.store;
    let judged = |number: &str, waist: i64| {
        let own = subject(number, "01", "ミホンハナコ");
        let mut checkup = Checkup {
            subject: own,
            ..document("2025-06-10", 20, &[("9N016160100000001", waist)])
        };
        checkup.findings.push(Finding {
            item: Item::from_code("9N501000000000011").expect("an item"),
            result: Found::Answer("1.2.392.200119.6.1008".to_owned(), "1".to_owned()),
            ..checkup.findings[0].clone()
        });
        checkup
    };
    let package = store.begin_package(organisation, [1; 32]).await?;
    let given = [judged("123", 70), judged("999", 70), judged("998", 95)];
    let ended = store
        .take_documents(organisation, package.id, documents(1, &given))
        .await?;
    let doubtful = "doubtful: the judgement of metabolic syndrome does not fit its values";
    let missing = "doubtful: an item is missing that every specific checkup has";
    let told: Vec<(EntryOutcome, bool)> = ended
        .iter()
        .map(|result| (result.outcome, result.reasons.contains(doubtful)))
        .collect();
    assert_eq!(told, [(Taken, true), (Possible, true), (Possible, false)]);
    assert_eq!(ended[0].counts, [2, 0, 0, 0], "it is kept as it came");
    // Decided by hand, it is told all the same.
    let waiting = store.possible_documents(organisation, 0, 10).await?;
    let mut of_one = Vec::new();
    while let Some(next) = store
        .possible_documents(organisation, of_one.last().copied().unwrap_or(0), 1)
        .await?
        .first()
    {
        of_one.push(next.id);
    }
    let all: Vec<i64> = waiting.iter().map(|waiting| waiting.id).collect();
    assert_eq!((of_one, all.len()), (all.clone(), 2), "page by page they are all");
    store
        .decide_document(organisation, waiting[0].id, Some(person), Actor::CommandLine)
        .await?;
    let results = store.package_results(package.id, 0, 10).await?;
    assert!(
        results[1].outcome == Taken && results[1].reasons == format!("{doubtful}; {missing}"),
        "{results:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_place_in_a_record_is_passed_over_and_stops_nothing() -> Result<()> {
    let house = House::new().await;
    let organisation = insurer(&house).await;
    let person = member(&house, organisation).await;
    let store = &house.store;
    let own = subject("123", "01", "ミホンハナコ");
    let always = Insured {
        gained: None,
        ..insured(own.clone())
    };
    store.insure(organisation, person, always).await?;
    let first = day("2021-01-01");
    // One more than a person can have, one of no day that ids can say, and one that is known already.
    let mut given: Vec<Checkup> = (0..601)
        .map(|after| about(own.clone(), &first.plus(after).to_string()))
        .collect();
    given.push(Checkup {
        day: day("1899-06-10"),
        ..about(own.clone(), "2025-06-10")
    });
    given.push(given[0].clone());
    let package = store.begin_package(organisation, [1; 32]).await?;
    let mut ended = Vec::new();
    for (unit, first) in given.chunks(64).zip((1_u32..).step_by(64)) {
        ended.extend(
            store
                .take_documents(organisation, package.id, documents(first, unit))
                .await?,
        );
    }
    let taken = ended.iter().filter(|result| result.outcome == Taken).count();
    assert_eq!((ended.len(), taken), (603, 601));
    let why = |place: usize| (ended[place].outcome, ended[place].reasons.as_str(), ended[place].counts);
    assert_eq!(why(600), (Unread, "more checkups than a person has", [0, 0, 0, 1]));
    assert_eq!(why(602).0, Taken);
    assert_eq!(ended[602].counts, [0, 1, 0, 0]);
    assert!(why(601).1.contains("years"), "{:?}", why(601));
    Ok(())
}
