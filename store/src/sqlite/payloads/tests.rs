//! Kept deliveries beside a model that folds nothing; and what is damaged.

use model::environment::HandClock;
use model::time::{DAY_MS, HOUR_MS};
use model::{Accounting, PersonId, UtcMillis};
use proptest::prelude::*;
use std::sync::Arc;

use crate::companions::{Companion, NewPayload, Payload, Sender, Sent};
use crate::sqlite::live_disk::open;
use crate::{NewPerson, Result, Store};

const ADAPTERS: [&str; 2] = ["one", "two"];

/// What was delivered, and what the model says is kept of it.
#[derive(Clone, Debug, PartialEq)]
struct Delivery {
    number: i64,
    person: PersonId,
    received: UtcMillis,
    from: Sender,
    adapter: &'static str,
    batch: String,
    body: Vec<u8>,
    answer: Vec<u8>,
}

impl Delivery {
    /// True where the other takes its place.
    fn is_again(&self, other: &Self) -> bool {
        let is_same = (self.person, self.from, &self.batch) == (other.person, other.from, &other.batch);
        let is_all = (self.adapter, &self.body) == (other.adapter, &other.body);
        is_same && (is_all || !matches!(self.from, Sender::Companion(_)))
    }
}

#[derive(Clone, Copy, Debug)]
enum Size {
    Small,
    /// More than is folded.
    Large,
    /// The same, but it does not look so while it is compressed.
    Hollow,
}

#[derive(Clone, Debug)]
enum Step {
    /// So many deliveries follow each other.
    Come {
        many: usize,
        who: usize,
        from: Sender,
        adapter: usize,
        size: Size,
        /// The batch of the first; those after it count on.
        batch: usize,
    },
    Wait(i64),
    Fold(i64),
    Delete(i64),
    Erase(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let from = prop_oneof![
        3 => (1_i64..3).prop_map(Sender::Companion),
        1 => Just(Sender::Link(1)),
        1 => Just(Sender::Feed(1)),
    ];
    let size = prop_oneof![5 => Just(Size::Small), 1 => Just(Size::Large), 1 => Just(Size::Hollow)];
    let many = (1_usize..90, size).prop_map(|(many, size)| match size {
        Size::Small => (many, size),
        _ => (1 + many % 3, size),
    });
    let come =
        (many, 0_usize..2, from, 0_usize..2, 0_usize..120).prop_map(|((many, size), who, from, adapter, batch)| {
            Step::Come {
                many,
                who,
                from,
                adapter,
                size,
                batch,
            }
        });
    let step = prop_oneof![
        6 => come,
        3 => prop_oneof![0..DAY_MS, -HOUR_MS..HOUR_MS].prop_map(Step::Wait),
        4 => (-1_i64..30).prop_map(|hours| Step::Fold(hours * HOUR_MS)),
        1 => (0_i64..60).prop_map(|hours| Step::Delete(hours * HOUR_MS)),
        1 => (0_usize..20).prop_map(Step::Erase),
    ];
    prop::collection::vec(step, 1..16)
}

fn body(batch: &str, size: Size) -> Vec<u8> {
    let more: String = match size {
        Size::Small => String::new(),
        Size::Large => (0..10_000_u64)
            .map(|number| format!("{:016x}", number.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
            .collect(),
        Size::Hollow => "a".repeat(100_000),
    };
    format!("{{\"batch\":\"{batch}\",\"sentAt\":\"2026-05-10T{batch}Z\",\"more\":\"{more}\"}}").into_bytes()
}

/// A store, its clock, two people, and what must be kept in it.
struct World {
    store: Store,
    clock: Arc<HandClock>,
    now: UtcMillis,
    people: Vec<PersonId>,
    kept: Vec<Delivery>,
    all: Vec<Delivery>,
    _folder: tempfile::TempDir,
}

impl World {
    async fn new() -> Result<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, clock) = open(folder.path()).await?;
        let mut people = Vec::new();
        for _ in 0..2 {
            people.push(store.create_person(NewPerson::default()).await?);
        }
        Ok(Self {
            now: UtcMillis(1_778_338_800_000),
            store,
            clock,
            people,
            kept: Vec::new(),
            all: Vec::new(),
            _folder: folder,
        })
    }

    fn wait(&mut self, by: i64) {
        self.now = self.now.plus(by);
        self.clock.set(self.now);
    }

    /// Keeps deliveries in one unit, half a minute apart.
    async fn come(&mut self, all: Vec<Delivery>) -> Result<()> {
        let news: Vec<(PersonId, NewPayload)> = all.iter().map(news).collect();
        let clock = Arc::clone(&self.clock);
        let mut now = self.now;
        let numbers = self
            .store
            .database
            .write("a test", move |writing| {
                let mut numbers = Vec::new();
                for (person, new) in news {
                    now = now.plus(30_000);
                    clock.set(now);
                    numbers.push(super::keep(writing, person, new, &Accounting::default())?.0);
                }
                Ok(numbers)
            })
            .await?;
        for (mut delivery, number) in all.into_iter().zip(numbers) {
            self.now = self.now.plus(30_000);
            let last = self.kept.iter().map(|kept| kept.number).max();
            assert_eq!(number, last.unwrap_or(0) + 1);
            (delivery.number, delivery.received) = (number, self.now);
            self.kept.retain(|kept| !kept.is_again(&delivery));
            self.kept.push(delivery.clone());
            self.all.push(delivery);
        }
        Ok(())
    }

    async fn fold(&self, before: UtcMillis) -> Result<usize> {
        let (mut after, mut rows) = (None, 0);
        loop {
            let folded = self.store.fold_payloads(after, before).await?;
            rows += folded.rows;
            if folded.next.is_none() {
                return Ok(rows);
            }
            after = folded.next;
        }
    }

    async fn walk(&self, adapter: &str, since: UtcMillis) -> Result<Vec<Payload>> {
        let (mut all, mut after) = (Vec::<Payload>::new(), None);
        loop {
            let some = self.store.next_payloads(adapter, since, after).await?;
            let Some(last) = some.last() else { return Ok(all) };
            after = Some((last.person, last.number));
            all.extend(some);
        }
    }

    /// The store says what the model says.
    async fn check(&self) -> Result<()> {
        for adapter in ADAPTERS {
            for since in [UtcMillis(0), self.now.plus(-10 * HOUR_MS)] {
                let is_told = |kept: &&Delivery| kept.adapter == adapter && kept.received >= since;
                let mut kept: Vec<&Delivery> = self.kept.iter().filter(is_told).collect();
                kept.sort_by_key(|kept| (kept.person, kept.number));
                let walked = self.walk(adapter, since).await?;
                assert_eq!(walked.len(), kept.len());
                for (walked, kept) in walked.into_iter().zip(kept) {
                    assert_eq!(
                        (walked.person, walked.number, walked.received),
                        (kept.person, kept.number, kept.received)
                    );
                    assert!(walked.body == kept.body && walked.answer == kept.answer);
                }
            }
        }
        let stats = self.store.stats().await?;
        assert_eq!(stats.pushes, self.kept.len() as u64);
        for delivery in self.all.iter().rev().step_by(7) {
            let kept = self.kept.iter().find(|kept| kept.is_again(delivery));
            let Sender::Companion(id) = delivery.from else { continue };
            let found = self.answer(delivery, id)?;
            assert_eq!(found.as_ref(), kept.map(|kept| &kept.answer));
            assert_eq!(self.answer(delivery, id + 100)?, None, "another phone's");
        }
        Ok(())
    }

    fn answer(&self, delivery: &Delivery, id: i64) -> Result<Option<Vec<u8>>> {
        let sent = Sent {
            adapter: delivery.adapter,
            batch: &delivery.batch,
            body: &delivery.body,
        };
        let phone = Companion {
            id,
            person: delivery.person,
            name: String::new(),
            paired: self.now,
            seen: None,
            ended: None,
        };
        self.store.answer(&phone, sent)
    }

    /// Small deliveries of the first person's phone.
    async fn pushes(&mut self, many: usize) -> Result<()> {
        let all = (0..many).map(|place| self.delivery(self.people[0], Sender::Companion(1), 0, place, Size::Small));
        self.come(all.collect()).await
    }

    fn delivery(&self, person: PersonId, from: Sender, adapter: usize, batch: usize, size: Size) -> Delivery {
        let batch = batch.to_string();
        Delivery {
            number: 0,
            person,
            received: self.now,
            from,
            adapter: ADAPTERS[adapter],
            body: body(&batch, size),
            answer: format!("{{\"batch\":\"{batch}\",\"at\":{}}}", self.all.len()).into_bytes(),
            batch,
        }
    }

    fn count(&self, table: &str) -> Result<i64> {
        let sql = format!("SELECT count(*) FROM {table}");
        self.store.database.read_blocking(|snapshot| {
            let count = snapshot.query_row(&sql, [], |row| row.get(0));
            Ok(count.expect("a count"))
        })
    }

    async fn execute(&self, sql: &'static str) -> Result<()> {
        let run = move |writing: &crate::sqlite::writer::Writing<'_>| {
            writing.execute(sql, []).expect("a statement");
            Ok(())
        };
        self.store.database.write("a test", run).await
    }
}

fn news(delivery: &Delivery) -> (PersonId, NewPayload) {
    let answer = delivery.answer.clone();
    let new = NewPayload {
        from: delivery.from,
        adapter: delivery.adapter.to_owned(),
        batch: delivery.batch.clone(),
        body: delivery.body.clone(),
        answer: Box::new(|_| answer),
    };
    (delivery.person, new)
}

async fn tell(steps: Vec<Step>) -> Result<()> {
    let mut world = World::new().await?;
    for step in steps {
        match step {
            Step::Come {
                many,
                who,
                from,
                adapter,
                size,
                batch,
            } => {
                let Some(person) = world.people.get(who).copied() else {
                    continue;
                };
                let all = (batch..batch + many).map(|batch| world.delivery(person, from, adapter, batch, size));
                world.come(all.collect()).await?;
            }
            Step::Wait(by) => world.wait(by),
            Step::Fold(ago) => {
                world.fold(world.now.plus(-ago)).await?;
            }
            Step::Delete(ago) => {
                let before = world.now.plus(-ago);
                let many = world.kept.len();
                world.kept.retain(|kept| kept.received >= before);
                let gone = world.store.delete_payloads(before).await?;
                assert_eq!(gone, many - world.kept.len());
            }
            Step::Erase(who) => {
                if who >= world.people.len() {
                    continue;
                }
                let person = world.people.remove(who);
                world.store.erase_person(person).await?;
                world.kept.retain(|kept| kept.person != person);
                world.all.retain(|kept| kept.person != person);
            }
        }
        world.check().await?;
    }
    Ok(())
}

proptest! {
    #![proptest_config(few())]
    #[test]
    fn whatever_is_folded_is_found_answered_walked_and_deleted_as_if_nothing_were(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        runtime.expect("a runtime").block_on(tell(steps))?;
    }
}

fn few() -> ProptestConfig {
    let asked = ProptestConfig::default();
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => asked,
        None => ProptestConfig { cases: 24, ..asked },
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pushes_that_are_old_become_packs_that_grow() -> Result<()> {
    let mut world = World::new().await?;
    world.pushes(40).await?;
    assert_eq!(world.fold(world.now.plus(-15 * 60_000)).await?, 0, "of ten, too few");
    assert_eq!(world.fold(world.now.plus(-2 * 60_000)).await?, 35);
    assert_eq!((world.count("payload")?, world.count("payload_pack")?), (5, 1));
    world.pushes(1_000).await?;
    assert_eq!(
        world.fold(world.now.plus(1)).await?,
        1_000,
        "the phone counts anew: what it says again takes the place of what it said"
    );
    assert_eq!((world.count("payload")?, world.count("payload_pack")?), (0, 1));
    world.wait(DAY_MS);
    world.pushes(40).await?;
    world.fold(world.now.plus(1)).await?;
    assert_eq!(world.count("payload_pack")?, 2, "a pack holds a day");
    world.check().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pack_is_as_large_as_it_may_be_and_another_goes_on() -> Result<()> {
    let mut world = World::new().await?;
    let long = |world: &World, place: usize| Delivery {
        body: format!("{:060000}", place).into_bytes(),
        ..world.delivery(world.people[0], Sender::Companion(1), 0, place, Size::Small)
    };
    world.come((0..40).map(|place| long(&world, place)).collect()).await?;
    assert_eq!(world.fold(world.now.plus(1)).await?, 40);
    assert_eq!(world.count("payload_pack")?, 3, "of seventeen");
    world.check().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_long_stays_a_row_and_packs_end_before_it_once() -> Result<()> {
    let mut world = World::new().await?;
    for (batch, size, packs) in [(200, Size::Hollow, 1), (201, Size::Large, 2)] {
        let long = world.delivery(world.people[0], Sender::Companion(1), 0, batch, size);
        world.come(vec![long]).await?;
        for turn in 0..2 {
            let from = batch + 100 + 40 * turn;
            let short = (from..from + 40).map(|batch| Delivery {
                from: Sender::Companion(2),
                ..world.delivery(world.people[0], Sender::Companion(1), 0, batch, Size::Small)
            });
            world.come(short.collect()).await?;
            assert_eq!(world.fold(world.now.plus(1)).await?, 40);
            assert_eq!(world.count("payload_pack")?, packs);
        }
    }
    assert_eq!(world.count("payload")?, 2);
    world.check().await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_pack_what_is_due_goes_and_what_is_not_stays() -> Result<()> {
    let mut world = World::new().await?;
    world.pushes(40).await?;
    world.fold(world.now.plus(1)).await?;
    let before = world.now.plus(-5 * 60_000);
    assert_eq!(world.store.delete_payloads(before).await?, 29);
    world.kept.retain(|kept| kept.received >= before);
    world.check().await?;
    assert_eq!(world.count("payload_pack")?, 1);
    assert_eq!(world.store.delete_payloads(UtcMillis::LATEST).await?, 11);
    assert_eq!(world.count("payload_pack")?, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_looks_for_a_push_opens_no_pack_that_has_it_not() -> Result<()> {
    let mut world = World::new().await?;
    world.pushes(40).await?;
    world.fold(world.now.plus(1)).await?;
    world.execute("UPDATE payload_pack SET body = x'00'").await?;
    let other = world.delivery(world.people[0], Sender::Companion(1), 0, 99, Size::Small);
    assert_eq!(world.answer(&other, 1)?, None);
    let known = world.kept[3].clone();
    let error = world.answer(&known, 1).expect_err("it cannot be opened");
    assert!(error.to_string().contains("payload_pack"), "{error}");
    let walked = world.walk(ADAPTERS[0], UtcMillis(0)).await;
    assert!(walked.expect_err("as above").to_string().contains("payload_pack"));
    // What comes later is folded all the same, beside it.
    world.wait(1);
    world
        .come(
            (100..140)
                .map(|batch| world.delivery(known.person, known.from, 0, batch, Size::Small))
                .collect(),
        )
        .await?;
    assert_eq!(world.fold(world.now.plus(1)).await?, 40);
    assert_eq!(world.count("payload_pack")?, 2);
    // What is due goes, though nobody can tell it from what is not.
    assert_eq!(world.store.delete_payloads(known.received).await?, 40);
    assert_eq!(world.walk(ADAPTERS[0], UtcMillis(0)).await?.len(), 40);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_key_that_is_alike_is_not_taken_for_the_key() -> Result<()> {
    let mut world = World::new().await?;
    world.pushes(40).await?;
    world.fold(world.now.plus(1)).await?;
    let other = world.delivery(world.people[0], Sender::Companion(1), 0, 99, Size::Small);
    let person = other.person;
    let (store, sent) = (world.store.clone(), other.clone());
    let alike = store.database.write("a test", move |writing| {
        let sent = Sent {
            adapter: sent.adapter,
            batch: &sent.batch,
            body: &sent.body,
        };
        let key = super::key(writing, person, Sender::Companion(1), sent);
        let hashes: Vec<u8> = writing
            .query_row("SELECT hashes FROM payload_pack", [], |row| row.get(0))
            .expect("hashes");
        let hashes = [&key[..4], &hashes[4..]].concat();
        writing
            .execute("UPDATE payload_pack SET hashes = ?1", [hashes])
            .expect("an update");
        Ok(())
    });
    alike.await?;
    assert_eq!(world.answer(&other, 1)?, None);
    Ok(())
}
