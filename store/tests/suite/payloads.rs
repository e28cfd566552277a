//! What phones and clouds delivered, kept for a time as it came: folded or not, it is answered, walked through and deleted alike.

use model::time::{DAY_MS, MINUTE_MS};
use model::vocabulary::Metric;
use model::{PersonId, UtcMillis};
use store::{BatchStart, Companion, NewPayload, Payload, Result, Sender, Sent};

use crate::deliveries::{at, quantity, sources};
use crate::harness::{House, own};

const ADAPTER: &str = "phone";

/// A phone that is paired with a person.
pub async fn phone(house: &House, person: PersonId, number: u8) -> Companion {
    let until = house.now().plus(MINUTE_MS);
    let code = house.store.begin_pairing(&own(person), [number; 32], until).await;
    code.expect("a code");
    let paired = house.store.pair([number; 32], [100 + number; 32], "電話".to_owned());
    paired.await.expect("a phone").expect("the code is good")
}

fn body(batch: &str, count: i64) -> Vec<u8> {
    format!("{{\"batch\":\"{batch}\",\"samples\":[{{\"quantity\":{count},\"unit\":\"count\"}}]}}").into_bytes()
}

/// Delivers something; what it is answered.
async fn deliver(house: &House, person: PersonId, from: Sender, batch: &str, count: i64) -> Result<Vec<u8>> {
    let (store, batch) = (house.store.clone(), batch.to_owned());
    let deliver = move || {
        let start = BatchStart {
            adapter: ADAPTER.to_owned(),
            mapping_version: 1,
        };
        let mut import = store.begin_import(person, start)?;
        let source = import.source(&sources()[1])?;
        let (start, end) = (at(count, 0), at(count, 30));
        import.push(vec![quantity(
            Metric::DISTANCE_WALKING_RUNNING,
            source,
            start,
            end,
            count,
            0,
        )])?;
        let named = batch.clone();
        let new = NewPayload {
            from,
            adapter: ADAPTER.to_owned(),
            body: body(&batch, count),
            batch,
            answer: Box::new(move |counts| format!("{named}: {} of {}", counts.stored, counts.received).into_bytes()),
        };
        import.finish_keeping(new).map(|(_, answer)| answer)
    };
    let delivered = tokio::task::spawn_blocking(deliver).await.expect("a delivery");
    house.clock.advance(MINUTE_MS);
    delivered
}

/// Pushes of a phone, one an hour of data.
pub async fn pushes(house: &House, phone: &Companion, many: i64) -> Vec<Vec<u8>> {
    let mut answers = Vec::new();
    for count in 0..many {
        let answer = deliver(
            house,
            phone.person,
            Sender::Companion(phone.id),
            &count.to_string(),
            count,
        )
        .await;
        answers.push(answer.expect("an answer"));
    }
    answers
}

/// What one of those pushes is answered when it comes again.
pub fn again(house: &House, phone: &Companion, count: i64) -> Option<Vec<u8>> {
    let sent = Sent {
        adapter: ADAPTER,
        batch: &count.to_string(),
        body: &body(&count.to_string(), count),
    };
    house.store.answer(phone, sent).expect("an answer, or none")
}

/// Folds all that is kept; how many rows went.
pub async fn fold(house: &House) -> usize {
    let (mut after, mut rows) = (None, 0);
    loop {
        let folded = house.store.fold_payloads(after, house.now()).await.expect("folded");
        rows += folded.rows;
        after = folded.next;
        if after.is_none() {
            return rows;
        }
    }
}

async fn walk(house: &House) -> Vec<Payload> {
    let (mut all, mut after) = (Vec::<Payload>::new(), None);
    loop {
        let some = house
            .store
            .next_payloads(ADAPTER, UtcMillis(0), after)
            .await
            .expect("pushes");
        let Some(last) = some.last() else { return all };
        after = Some((last.person, last.number));
        all.extend(some);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_was_folded_is_answered_as_before_to_its_phone_alone() {
    let mut house = House::new().await;
    let person = house.person().await;
    let (phone_1, phone_2) = (phone(&house, person, 1).await, phone(&house, person, 2).await);
    let of_another = phone(&house, house.person().await, 3).await;
    let answers = pushes(&house, &phone_1, 40).await;
    assert_eq!(fold(&house).await, 40);
    house.reopen().await.expect("the folder opens");
    for (count, answer) in (0_i64..).zip(answers) {
        assert_eq!(again(&house, &phone_1, count), Some(answer));
        assert_eq!(again(&house, &phone_2, count), None);
        assert_eq!(again(&house, &of_another, count), None);
    }
    assert_eq!(again(&house, &phone_1, 40), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_kept_is_walked_through_once_folded_or_not() {
    let house = House::new().await;
    let (one, two) = (house.person().await, house.person().await);
    let (phone_1, phone_2) = (phone(&house, one, 1).await, phone(&house, two, 2).await);
    // By turns, so that their numbers lie between each other.
    for count in 0..40 {
        for phone in [&phone_2, &phone_1] {
            let from = Sender::Companion(phone.id);
            deliver(&house, phone.person, from, &count.to_string(), count)
                .await
                .expect("an answer");
        }
    }
    let told = |payloads: Vec<Payload>| -> Vec<_> {
        let told = payloads.into_iter();
        told.map(|payload| {
            (
                payload.person,
                payload.number,
                payload.received,
                payload.body,
                payload.answer,
            )
        })
        .collect()
    };
    let before = told(walk(&house).await);
    let expected: Vec<(PersonId, i64)> = (1..=40)
        .map(|turn| (one, 2 * turn))
        .chain((1..=40).map(|turn| (two, 2 * turn - 1)))
        .collect();
    assert_eq!(before.iter().map(|told| (told.0, told.1)).collect::<Vec<_>>(), expected);
    assert_eq!(fold(&house).await, 80);
    assert_eq!(told(walk(&house).await), before);
    assert_eq!(house.store.stats().await.expect("counts").pushes, 80);
    // What comes later has a number after all of them.
    deliver(&house, one, Sender::Companion(phone_1.id), "later", 50)
        .await
        .expect("an answer");
    assert_eq!(walk(&house).await[40].number, 81);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_cloud_delivers_again_takes_the_place_of_what_was_folded() {
    let house = House::new().await;
    let person = house.person().await;
    for count in 0..40 {
        deliver(&house, person, Sender::Link(1), &count.to_string(), count)
            .await
            .expect("an answer");
    }
    assert_eq!(fold(&house).await, 40);
    deliver(&house, person, Sender::Link(1), "7", 99)
        .await
        .expect("an answer");
    let kept = walk(&house).await;
    let numbers: Vec<i64> = kept.iter().map(|kept| kept.number).collect();
    assert_eq!(numbers, (1..=41).filter(|number| *number != 8).collect::<Vec<_>>());
    assert_eq!(kept[39].body, body("7", 99));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_was_folded_is_kept_longer_than_its_days_or_than_its_person() {
    let house = House::new().await;
    let (one, two) = (house.person().await, house.person().await);
    let (phone_1, phone_2) = (phone(&house, one, 1).await, phone(&house, two, 2).await);
    let begins = house.now();
    pushes(&house, &phone_1, 40).await;
    pushes(&house, &phone_2, 40).await;
    assert_eq!(fold(&house).await, 80);
    house.clock.advance(7 * DAY_MS);
    // A quarter of an hour of the first one's is due.
    let before = begins.plus(15 * MINUTE_MS);
    assert_eq!(house.store.delete_payloads(before).await.expect("deleted"), 15);
    assert_eq!(again(&house, &phone_1, 14), None);
    assert!(again(&house, &phone_1, 15).is_some());
    house.store.erase_person(one).await.expect("an erasure");
    let kept = walk(&house).await;
    assert_eq!(kept.len(), 40);
    assert!(kept.iter().all(|kept| kept.person == two));
}
