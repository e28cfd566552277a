//! Paging that is never wrong: while pages are followed, data is brought, corrected and deleted, nights grow, move and are joined,
//! and what was agreed to changes. A naive twin knows what was there at each moment; of nights it is asked anew after each step.

use std::collections::{BTreeMap, BTreeSet};

use consent::{Consent, ConsentDraft, DataPeriod, Detail, Grant};
use model::vocabulary::Metric;
use model::{ConsentCategory, LocalDay, PersonId, Sample};
use proptest::prelude::*;
use store::{Access, PageKey, Record, Search, Sort};

use crate::by_id::{deleted, holds, say};
use crate::deliveries::*;
use crate::harness::{House, MAY_10, cases, draft};

/// One step of the world. Slots are half hours, some days of them.
#[derive(Clone, Debug)]
enum Operation {
    /// A watch states a number for a slot: new, the same again, or a correction. Steps come by exports, beats by ids.
    State { beats: bool, slot: u8, value: u8 },
    /// The watch deletes the beat of a slot.
    Delete { slot: u8 },
    /// The watch states a piece of a night: it begins one, moves one, or joins two, and then one of them is no more.
    Sleep { day: u8, part: u8 },
    /// From now on only these days are given, and hearts and sleep perhaps not at all.
    Agree { from_day: u8, hearts: bool },
    /// Time passes.
    Wait { minutes: u16 },
    /// The next page is followed.
    Follow,
}

const SLOTS_OF_A_DAY: u8 = 4;
const DAYS: u8 = 5;
/// Pieces of a night, 70 minutes from one start to the next: neighbours are one night, two with one missing between are not.
const PARTS: u8 = 6;

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let state = (any::<bool>(), 0..SLOTS_OF_A_DAY * DAYS, 1_u8..5).prop_map(|(beats, slot, value)| Operation::State {
        beats,
        slot,
        value,
    });
    let sleep = (0..DAYS, 0..PARTS).prop_map(|(day, part)| Operation::Sleep { day, part });
    let agree = (0..DAYS, any::<bool>()).prop_map(|(from_day, hearts)| Operation::Agree { from_day, hearts });
    let wait = (1_u16..600).prop_map(|minutes| Operation::Wait { minutes });
    let delete = (0..SLOTS_OF_A_DAY * DAYS).prop_map(|slot| Operation::Delete { slot });
    let one = prop_oneof![6 => state, 2 => delete, 4 => sleep, 2 => agree, 1 => wait, 6 => Just(Operation::Follow)];
    proptest::collection::vec(one, 10..60)
}

/// What the twin knows a sample by.
type Place = (bool, u8);

/// The world as a simple map.
#[derive(Default)]
struct Twin {
    /// The value of each place, `None` once it was deleted, and how often it changed.
    values: BTreeMap<Place, (Option<u8>, u32)>,
    /// Places where something was deleted.
    gone: BTreeSet<Place>,
    from_day: u8,
    hearts: bool,
}

impl Twin {
    fn shows(&self, (beats, slot): Place) -> bool {
        slot / SLOTS_OF_A_DAY >= self.from_day && (self.hearts || !beats)
    }
}

fn sample(place: Place, value: u8) -> Sample {
    let (beats, slot) = place;
    let (day, part) = (i64::from(slot / SLOTS_OF_A_DAY), i64::from(slot % SLOTS_OF_A_DAY));
    let start = at(day * 24 + 8 + part, 0);
    if beats {
        quantity(Metric::HEART_RATE, WATCH, start, start, i64::from(value) + 60, 0)
    } else {
        quantity(
            Metric::STEP_COUNT,
            WATCH,
            start,
            at(day * 24 + 8 + part, 30),
            i64::from(value) * 100,
            0,
        )
    }
}

/// The value that a sample states, as the twin counts it.
fn value_of(stored: &store::StoredSample) -> (bool, i64) {
    let beats = stored.sample.metric == Metric::HEART_RATE;
    match &stored.sample.value {
        model::Value::Quantity(measured) => {
            let whole = measured.shown().mantissa;
            (beats, if beats { whole - 60 } else { whole / 100 })
        }
        other => panic!("{other:?}"),
    }
}

struct Walk {
    house: House,
    person: PersonId,
    consent: Consent,
    twin: Twin,
    /// Later statements are asserted later.
    asserted: i64,
}

impl Walk {
    async fn new() -> Self {
        let house = House::new().await;
        let (person, recipient) = (house.person().await, house.recipient().await);
        let categories = [
            ConsentCategory::Activity,
            ConsentCategory::Heart,
            ConsentCategory::Sleep,
        ];
        let given = house
            .store
            .give_consent(draft(person, recipient, &categories, Detail::Raw))
            .await;
        Self {
            consent: given.expect("a consent"),
            house,
            person,
            twin: Twin {
                hearts: true,
                ..Twin::default()
            },
            asserted: 0,
        }
    }

    async fn state(&mut self, place: Place, value: u8) {
        self.asserted += 1;
        let asserted = MAY_10.plus(self.asserted * 1_000);
        if place.0 {
            let word = holds(&place.1.to_string(), asserted, [sample(place, value)]);
            say(&self.house, self.person, vec![word]).await;
        } else {
            import(&self.house, self.person, asserted, vec![sample(place, value)]).await;
        }
        let known = self.twin.values.entry(place).or_insert((Some(value), 0));
        if known.0 != Some(value) {
            *known = (Some(value), known.1 + 1);
        }
    }

    async fn delete(&mut self, slot: u8) {
        self.asserted += 1;
        let asserted = MAY_10.plus(self.asserted * 1_000);
        say(&self.house, self.person, vec![deleted(&slot.to_string(), asserted)]).await;
        if let Some(known) = self
            .twin
            .values
            .get_mut(&(true, slot))
            .filter(|known| known.0.is_some())
        {
            *known = (None, known.1 + 1);
            self.twin.gone.insert((true, slot));
        }
    }

    async fn sleep(&mut self, day: u8, part: u8) {
        self.asserted += 1;
        let asserted = MAY_10.plus(self.asserted * 1_000);
        let start = at(i64::from(day) * 24 + 22, i64::from(part) * 70);
        let piece = stage(WATCH, start, start.plus(40 * 60_000), "deep");
        import(&self.house, self.person, asserted, vec![piece]).await;
    }

    /// The nights that are there and may be seen now, in one page.
    async fn nights(&self) -> BTreeMap<String, u32> {
        let decision = self.house.decide(&self.consent).await.expect("a decision");
        let search = Search {
            raw: vec![Metric::SLEEP_SESSION],
            count: 1_000,
            now: self.house.now(),
            ..Search::default()
        };
        let page = self.house.store.search(Access::Decision(&decision), search).await;
        let records = page.expect("a page").records;
        records.iter().map(night).collect()
    }

    async fn agree(&mut self, from_day: u8, hearts: bool) {
        let from = LocalDay::parse("2026-05-10").map(|day| day.plus(i32::from(from_day)));
        let grant = |category| Grant {
            category,
            sources: consent::Sources::All,
            period: DataPeriod { from, until: None },
            detail: Detail::Raw,
            running_day: true,
            expires: None,
        };
        let mut grants = vec![grant(ConsentCategory::Activity)];
        if hearts {
            grants.extend([ConsentCategory::Heart, ConsentCategory::Sleep].map(grant));
        }
        let next = ConsentDraft {
            asked: consent::Asked {
                grants: grants.clone(),
                identity: self.consent.identity,
            },
            grants,
            ..draft(
                self.person,
                self.consent.recipient,
                &[ConsentCategory::Activity],
                Detail::Raw,
            )
        };
        self.consent = self.house.store.give_consent(next).await.expect("a version");
        (self.twin.from_day, self.twin.hearts) = (from_day, hearts);
    }

    /// One page, held against the twin: nothing but what is there and may be seen now.
    async fn page(&self, sort: Sort, count: usize, after: Option<PageKey>) -> (Seen, Option<PageKey>) {
        let decision = self.house.decide(&self.consent).await.expect("a decision");
        let search = Search {
            raw: vec![Metric::STEP_COUNT, Metric::HEART_RATE, Metric::SLEEP_SESSION],
            sort,
            after,
            count,
            now: self.house.now(),
            ..Search::default()
        };
        let page = self
            .house
            .store
            .search(Access::Decision(&decision), search)
            .await
            .expect("a page");
        let (mut seen, nights) = (Seen::default(), self.nights().await);
        for record in page.records {
            let there = night(&record);
            let Record::Sample(stored) = record else {
                panic!("only samples were asked for");
            };
            if stored.sample.metric == Metric::SLEEP_SESSION {
                let follows = matches!(sort, Sort::LastUpdated | Sort::LastUpdatedDescending);
                assert!(!stored.dead || follows, "a night that is no more came by {sort:?}");
                assert!(
                    stored.dead || nights.get(&there.0) == Some(&there.1),
                    "{there:?} may not be seen"
                );
                seen.nights.extend((!stored.dead).then_some(there));
                continue;
            }
            let place = self.place(&stored);
            let (value, _) = self.twin.values.get(&place).expect("a sample that was stated");
            assert!(self.twin.shows(place), "{place:?} may not be seen");
            if stored.dead {
                // What is stated again with another value after it was deleted is another record.
                let follows = matches!(sort, Sort::LastUpdated | Sort::LastUpdatedDescending);
                assert!(follows && self.twin.gone.contains(&place), "{place:?} came by {sort:?}");
                continue;
            }
            let value = value.expect("what was deleted is dead");
            assert_eq!(value_of(&stored), (place.0, i64::from(value)), "{place:?}");
            seen.samples.push((place, there));
        }
        (seen, page.next)
    }

    fn place(&self, stored: &store::StoredSample) -> Place {
        let minutes = (stored.sample.start.0 - MAY_10.0) / 60_000;
        let (day, hour) = (minutes / (24 * 60), minutes % (24 * 60) / 60);
        let slot = day * i64::from(SLOTS_OF_A_DAY) + hour - 8;
        (stored.sample.metric == Metric::HEART_RATE, slot as u8)
    }
}

/// What pages brought.
#[derive(Default)]
struct Seen {
    /// Where each lies, what tells it from others, and its version.
    samples: Vec<(Place, (String, u32))>,
    nights: Vec<(String, u32)>,
}

/// What tells a night from others, and its version.
fn night(record: &Record) -> (String, u32) {
    match record {
        Record::Sample(stored) => (format!("{:?}", stored.key), stored.version),
        other => panic!("{other:?}"),
    }
}

async fn walked(operations: Vec<Operation>, sort: Sort, count: usize) {
    let mut walk = Walk::new().await;
    for slot in (0..SLOTS_OF_A_DAY * DAYS).step_by(2) {
        walk.state((slot % 4 == 0, slot), 1 + slot % 3).await;
    }
    for (day, part) in [(0, 0), (0, 2), (1, 1), (2, 4), (3, 3)] {
        walk.sleep(day, part).await;
    }
    let (mut followed, mut next) = walk.page(sort, count, None).await;
    let mut nights = walk.nights().await;
    // What is there and may be seen from the first page to the last, unchanged.
    let mut stayed: BTreeMap<Place, u32> = walk
        .twin
        .values
        .iter()
        .filter(|(_, (value, _))| value.is_some())
        .map(|(place, (_, changes))| (*place, *changes))
        .collect();
    stayed.retain(|place, _| walk.twin.shows(*place));
    for operation in operations
        .into_iter()
        .chain(std::iter::repeat_n(Operation::Follow, 200))
    {
        match operation {
            Operation::State { beats, slot, value } => walk.state((beats, slot), value).await,
            Operation::Delete { slot } => walk.delete(slot).await,
            Operation::Sleep { day, part } => walk.sleep(day, part).await,
            Operation::Agree { from_day, hearts } => walk.agree(from_day, hearts).await,
            Operation::Wait { minutes } => walk.house.clock.advance(i64::from(minutes) * 60_000),
            Operation::Follow => {
                let Some(after) = next else { break };
                let (page, further) = walk.page(sort, count, Some(after)).await;
                followed.samples.extend(page.samples);
                followed.nights.extend(page.nights);
                next = further;
            }
        }
        let (values, twin) = (&walk.twin.values, &walk.twin);
        stayed.retain(|place, changes| twin.shows(*place) && values[place].1 == *changes);
        let now = walk.nights().await;
        nights.retain(|key, version| now.get(key) == Some(version));
    }
    assert!(next.is_none(), "a walk that does not end");
    for night in &nights {
        let times = followed
            .nights
            .iter()
            .filter(|(key, version)| (key, version) == night)
            .count();
        assert_eq!(times, 1, "{night:?} stayed and came {times} times by {sort:?}");
    }
    let followed = followed.samples;
    for place in stayed.keys() {
        let times = followed.iter().filter(|(seen, _)| seen == place).count();
        assert_eq!(times, 1, "{place:?} stayed and came {times} times by {sort:?}");
    }
    let distinct: BTreeSet<&(String, u32)> = followed.iter().map(|(_, seen)| seen).collect();
    assert_eq!(
        distinct.len(),
        followed.len(),
        "a version came twice by {sort:?}: {followed:?}"
    );
    if matches!(sort, Sort::Date | Sort::DateDescending) {
        let records: BTreeSet<&str> = followed.iter().map(|(_, (key, _))| key.as_str()).collect();
        assert_eq!(
            records.len(),
            followed.len(),
            "a sample came twice by {sort:?}: {followed:?}"
        );
    }
}

proptest! {
    #![proptest_config(cases(12))]
    #[test]
    fn a_walk_over_all_pages_gives_what_stayed_once_and_nothing_that_may_not_be_seen(
        operations in operations(),
        count in 1_usize..6,
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        for sort in [Sort::Date, Sort::DateDescending, Sort::LastUpdated, Sort::LastUpdatedDescending] {
            runtime.block_on(walked(operations.clone(), sort, count));
        }
    }
}
