//! Feeds: whose an account is, what waits until that is known, and that its person has the last word.

use model::{OrganisationId, PersonId};
use store::{Actor, Feed, FeedCame, FeedTold, NewOrganisation, OrganisationKind, StoreError};

use crate::harness::{House, own};

pub fn feed() -> Feed {
    Feed {
        organisation: OrganisationId(1),
        vendor: "a-vendor".to_owned(),
    }
}

pub async fn know(house: &House, account: &str, person: PersonId) -> FeedTold {
    house
        .store
        .know_feed_account(&feed(), account.to_owned(), person, Actor::CommandLine)
        .await
        .expect("told")
}

/// Whose each account is, and whether its person ended it.
async fn whose(house: &House, accounts: &[&str]) -> Vec<Option<(PersonId, bool)>> {
    let accounts = accounts.iter().map(|account| (*account).to_owned()).collect();
    let found = house.store.feed_accounts(&feed(), accounts).await.expect("accounts");
    let of = found.into_iter();
    of.map(|found| found.map(|found| (found.person, found.ended.is_some())))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_one_members_and_whoever_it_is_has_the_last_word() {
    let house = House::new().await;
    let (hanako, taro) = (house.person().await, house.person().await);
    assert_eq!(know(&house, "g/1", hanako).await, FeedTold::New);
    assert_eq!(know(&house, "g/1", hanako).await, FeedTold::Known);
    assert_eq!(know(&house, "g/1", taro).await, FeedTold::Anothers);
    assert_eq!(know(&house, "g/2", taro).await, FeedTold::New);
    assert_eq!(
        whose(&house, &["g/2", "g/3", "g/1"]).await,
        [Some((taro, false)), None, Some((hanako, false))]
    );
    let accounts = house.store.own_feed_accounts(&own(hanako)).await.expect("accounts");
    assert_eq!(accounts.len(), 1, "each sees their own");
    let missing = house.store.end_feed_account(&own(taro), accounts[0].id, true).await;
    assert!(matches!(missing, Err(StoreError::NotFound { .. })), "{missing:?}");
    let end = async |ends| house.store.end_feed_account(&own(hanako), accounts[0].id, ends).await;
    end(true).await.expect("ended");
    assert!(
        matches!(end(true).await, Err(StoreError::NotFound { .. })),
        "it is over"
    );
    assert_eq!(whose(&house, &["g/1"]).await, [Some((hanako, true))]);
    assert_eq!(
        know(&house, "g/1", hanako).await,
        FeedTold::Ended,
        "saying it again revives nothing"
    );
    end(false).await.expect("taken up again");
    assert_eq!(whose(&house, &["g/1"]).await, [Some((hanako, false))]);
    let other = NewOrganisation {
        kind: OrganisationKind::Municipality,
        name: "another town".to_owned(),
    };
    let other = house.store.create_organisation(other).await.expect("an organisation");
    let elsewhere = Feed {
        organisation: other,
        ..feed()
    };
    let told = house
        .store
        .know_feed_account(&elsewhere, "g/1".to_owned(), hanako, Actor::CommandLine)
        .await;
    assert!(
        matches!(told, Err(StoreError::NotFound { .. })),
        "no member there: {told:?}"
    );
    let found = house.store.feed_accounts(&elsewhere, vec!["g/1".to_owned()]).await;
    assert_eq!(found.expect("accounts"), [None], "another's feed says nothing of ours");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_of_nobody_waits_until_somebody_is_known_or_its_time_is_over() {
    let house = House::new().await;
    house.person().await;
    assert_eq!(house.store.feed_sequence(&feed()).await.expect("a number"), 0);
    let text = |number: u8| ("g/1".to_owned(), vec![number; 2_000]);
    for (number, next) in [(1, 40), (2, 41)] {
        let came = FeedCame {
            waiting: vec![text(number), (format!("other {number}"), Vec::new())],
            next: Some(next),
            ..FeedCame::default()
        };
        house.store.keep_feed(&feed(), came).await.expect("kept");
    }
    assert_eq!(house.store.feed_sequence(&feed()).await.expect("a number"), 41);
    let next = async |after| house.store.feed_waiting(&feed(), "g/1", after).await.expect("read");
    let (first, body) = next(0).await.expect("the first");
    assert_eq!(body, text(1).1);
    let (second, body) = next(first).await.expect("the second");
    assert_eq!(body, text(2).1);
    assert_eq!(next(second).await, None);
    house.store.drop_feed_waiting(first).await.expect("dropped");
    assert_eq!(next(0).await.map(|(number, _)| number), Some(second));
    let deleted = house
        .store
        .delete_unclaimed(house.now().plus(1))
        .await
        .expect("deleted");
    assert_eq!((deleted, next(0).await), (3, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_persons_account_is_nobodys() {
    let house = House::new().await;
    let person = house.person().await;
    know(&house, "g/1", person).await;
    house.store.erase_person(person).await.expect("erased");
    assert_eq!(whose(&house, &["g/1"]).await, [None]);
    let other = house.person().await;
    assert_eq!(
        know(&house, "g/1", other).await,
        FeedTold::New,
        "a number that was given again"
    );
}
