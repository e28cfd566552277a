//! What phones pushed is read again by a later mapping: what is told is what is done then.

use adapters::{Adapter, AdapterError, Handed, Input, Reading, Sink, SinkClosed};
use model::time::HOUR_MS;
use model::units::Conversion;
use model::{BatchId, Decimal, Identified, Measured, Metric, Outcome, PersonId, Sample, UtcMillis, Value, Word};
use serde_json::json;
use store::{Actor, NewPerson, RejectionsOf};

use super::{World, batch};
use crate::import;
use crate::replay::{Replayed, replay};

/// The adapter as it will be one day: a type that is unknown today becomes steps.
struct Later;

impl Adapter for Later {
    fn name(&self) -> &'static str {
        "apple-health-push"
    }

    fn mapping_version(&self) -> u32 {
        9
    }

    fn describes(&self) -> &'static str {
        ""
    }

    fn coverage(&self) -> adapters::Coverage {
        adapters::Coverage {
            identity: "",
            types: Vec::new(),
            re_exporters: &[],
        }
    }

    fn promotes(&self, vendor_type: &str, _: &str) -> Option<(Metric, Conversion)> {
        vendor_type
            .ends_with("StepsOfTomorrow")
            .then_some((Metric::STEP_COUNT, Conversion::IDENTITY))
    }

    fn recognises(&self, _input: &Input<'_>) -> bool {
        true
    }

    fn read(&self, input: &Input<'_>, sink: &mut dyn Sink) -> Result<Reading, AdapterError> {
        read_replaced(input, sink, ("StepsOfTomorrow", "StepCount"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kept_pushes_are_read_again_by_a_later_mapping() {
    let world = World::new().await;
    let token = world.paired().await;
    let text = batch("1", &[("a", 500, 8), ("b", 700, 9)], &[]).to_string();
    // The second is of a type that nobody maps yet.
    let at = text.rfind("StepCount").unwrap();
    let text = format!("{}StepsOfTomorrow{}", &text[..at], &text[at + "StepCount".len()..]);
    let answer = world.push(&token, &serde_json::from_str(&text).unwrap()).await;
    assert_eq!(answer.body["unsupported"], 1, "{}", answer.body);
    let store = &world.gateway.state.store;
    let told = replay(store, &Later, UtcMillis(0), false).await.unwrap();
    assert_eq!((told.pushes, told.then, told.now), (1, [2, 1, 1, 0], [2, 2, 0, 0]));
    assert_eq!((told.new, told.changed, told.gone), (1, 0, 0));
    assert_eq!(world.steps().await, ["500"], "only told");
    let done = replay(store, &Later, UtcMillis(0), true).await.unwrap();
    assert_eq!(done, Replayed { applied: true, ..told }, "as it was told");
    assert_eq!(world.steps().await, ["500", "700"]);
    let again = replay(store, &Later, UtcMillis(0), true).await.unwrap();
    assert_eq!((again.new, again.changed), (0, 0), "what is stored is known");
    let late = replay(store, &Later, UtcMillis::LATEST, true).await.unwrap();
    assert_eq!(late.pushes, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn parked_numbers_become_samples_by_a_later_mapping() {
    let world = World::new().await;
    let token = world.paired().await;
    let text = batch("1", &[("a", 500, 8), ("b", 700, 9), ("c", 9_000_000, 10)], &[]).to_string();
    let (head, tail) = text.split_once("StepCount").unwrap();
    let text = format!("{head}StepCount{}", tail.replace("StepCount", "StepsOfTomorrow"));
    let answer = world.push(&token, &serde_json::from_str(&text).unwrap()).await;
    assert_eq!(answer.body["unsupported"], 2, "{}", answer.body);
    let store = &world.gateway.state.store;
    // The push itself is kept no longer.
    let late = UtcMillis::LATEST;
    let told = replay(store, &Later, late, false).await.unwrap();
    assert_eq!(
        (told.pushes, told.parked, told.new, told.refused),
        (0, (1, 2), 1, 1),
        "one of them cannot be"
    );
    assert_eq!(world.steps().await, ["500"], "only told");
    let done = replay(store, &Later, late, true).await.unwrap();
    assert_eq!((done.parked, done.new, done.refused), ((1, 2), 1, 1));
    assert_eq!(world.steps().await, ["500", "700"]);
    // It is kept as a text, with all that was parked of it.
    let wanted = RejectionsOf {
        outcome: Outcome::Rejected,
        adapter: None,
        since: UtcMillis(0),
    };
    let nobody = (PersonId(0), BatchId(0));
    let rejected = store.rejections(&wanted, nobody).await.unwrap().rows;
    assert_eq!((rejected.len(), rejected[0].records), (1, 1));
    let text = store
        .kept_text(rejected[0].texts[0], Actor::CommandLine)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (text.records.len(), text.records[0].reason.as_str()),
        (1, "implausible")
    );
    let kept: serde_json::Value = serde_json::from_slice(&text.records[0].text).unwrap();
    assert_eq!(
        (&kept["value"], &kept["unit"]),
        (&json!("9000000"), &json!("count")),
        "{kept}"
    );
    assert!(kept["type"].as_str().unwrap().ends_with("StepsOfTomorrow"), "{kept}");
    let again = replay(store, &Later, late, true).await.unwrap();
    assert_eq!((again.parked, again.new), ((0, 0), 0));
    // Pushed anew, what is a sample by now is known.
    let anew = batch("2", &[("b", 700, 9)], &[]);
    assert_eq!(world.push(&token, &anew).await.body["stored"], 0);
    assert_eq!(world.steps().await, ["500", "700"]);
}

/// People are looked at one by one, also those of whom only one of the two is kept.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_parked_of_some_and_kept_of_others_is_read_again_of_each() {
    let world = World::new().await;
    let token = world.paired().await;
    let pushed = batch("1", &[("a", 500, 8), ("b", 700, 9)], &[]).to_string();
    let pushed = pushed.replace("StepCount", "StepsOfTomorrow");
    let answer = world.push(&token, &serde_json::from_str(&pushed).unwrap()).await;
    assert_eq!(answer.body["unsupported"], 2, "{}", answer.body);
    let store = &world.gateway.state.store;
    for _ in 0..2 {
        let person = store.create_person(NewPerson::default()).await.unwrap();
        let (store, text) = (store.clone(), pushed.clone());
        let brought = tokio::task::spawn_blocking(move || {
            let input = Input {
                bytes: &text.as_bytes(),
                size: text.len() as u64,
            };
            import::run(&store, person, adapters::named(Later.name()).unwrap(), &input)
        });
        assert_eq!(brought.await.unwrap().unwrap().report.parked_new, 2);
    }
    let told = replay(store, &Later, UtcMillis(0), false).await.unwrap();
    // Of whom the push is kept, it makes samples of what is parked as well: the parked numbers are known then.
    assert_eq!((told.pushes, told.parked), (1, (3, 6)));
    assert_eq!((told.new, told.changed, told.gone), (6, 0, 0));
    assert_eq!(replay(store, &Later, UtcMillis(0), false).await.unwrap(), told);
    let done = replay(store, &Later, UtcMillis(0), true).await.unwrap();
    assert_eq!(done, Replayed { applied: true, ..told }, "as it was told");
    assert_eq!(world.steps().await, ["500", "700"]);
    let after = replay(store, &Later, UtcMillis(0), false).await.unwrap();
    assert_eq!((after.parked, after.new, after.changed), ((0, 0), 0, 0));
}

/// The adapter as it will be once it sees that seven hundred steps cannot be.
static STRICTER: Mended = Mended(|input, sink| read_replaced(input, sink, ("700", "9000000")));

/// As the adapter of today reads it with one text in place of another.
fn read_replaced(input: &Input<'_>, sink: &mut dyn Sink, (from, to): (&str, &str)) -> Result<Reading, AdapterError> {
    let mut bytes = vec![0; input.size as usize];
    input.bytes.read_at(&mut bytes, 0)?;
    let text = String::from_utf8_lossy(&bytes).replace(from, to);
    let input = Input {
        bytes: &text.as_bytes(),
        size: text.len() as u64,
    };
    adapters::named(Later.name()).unwrap().read(&input, sink)
}

/// The adapter as it will be once somebody mends how it reads.
struct Mended(fn(&Input<'_>, &mut dyn Sink) -> Result<Reading, AdapterError>);

static DOUBLED: Mended =
    Mended(|input, sink| read_mending(input, sink, |record| each_value(record, |value| value * 2)));
static HALVED: Mended = Mended(|input, sink| read_mending(input, sink, |record| each_value(record, |value| value / 2)));

fn each_value(record: &mut Identified, make: fn(i64) -> i64) {
    for sample in record.what.samples_mut() {
        if let Value::Quantity(value) = sample.value {
            sample.value = Value::Quantity(Measured::as_given(Decimal::new(make(value.mantissa), value.scale)));
        }
    }
}

/// Holds each twice: that of twelve hours later is none by today's mapping.
static WITH_MORE: Mended = Mended(|input, sink| read_mending(input, sink, hold_twice));

fn hold_twice(record: &mut Identified) {
    if let Word::Holds(samples) = &mut record.what {
        let later = samples.iter().map(|sample| Sample {
            start: sample.start.plus(12 * HOUR_MS),
            end: sample.end.plus(12 * HOUR_MS),
            ..sample.clone()
        });
        *samples = samples.iter().cloned().chain(later.collect::<Vec<_>>()).collect();
    }
}

/// As the adapter of today reads it, with each record mended.
fn read_mending(input: &Input<'_>, sink: &mut dyn Sink, mend: fn(&mut Identified)) -> Result<Reading, AdapterError> {
    let adapter = adapters::named(Later.name()).unwrap();
    adapter.read(input, &mut Mending(sink, mend))
}

/// Hands on what is made of each record.
struct Mending<'a>(&'a mut dyn Sink, fn(&mut Identified));

impl Sink for Mending<'_> {
    fn home(&self) -> jiff::tz::TimeZone {
        self.0.home()
    }

    fn hand(&mut self, mut piece: Handed) -> Result<(), SinkClosed> {
        if let Handed::Identified(records) = &mut piece {
            records.iter_mut().for_each(self.1);
        }
        self.0.hand(piece)
    }
}

impl Adapter for Mended {
    fn name(&self) -> &'static str {
        Later.name()
    }

    fn mapping_version(&self) -> u32 {
        9
    }

    fn describes(&self) -> &'static str {
        ""
    }

    fn coverage(&self) -> adapters::Coverage {
        Later.coverage()
    }

    fn recognises(&self, _input: &Input<'_>) -> bool {
        true
    }

    fn read(&self, input: &Input<'_>, sink: &mut dyn Sink) -> Result<Reading, AdapterError> {
        (self.0)(input, sink)
    }
}

/// What a replay changes, as it is told and as it is done then, and what is there after it.
async fn mended(world: &World, by: &'static dyn Adapter) -> ([u64; 3], Vec<String>) {
    let store = &world.gateway.state.store;
    let told = replay(store, by, UtcMillis(0), false).await.unwrap();
    let done = replay(store, by, UtcMillis(0), true).await.unwrap();
    assert_eq!(done, Replayed { applied: true, ..told }, "as it was told");
    ([done.new, done.changed, done.gone], world.steps().await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mapping_that_makes_less_of_a_record_counts_as_well() {
    let world = World::new().await;
    let token = world.paired().await;
    for pushed in [
        batch("1", &[("a", 500, 8), ("b", 700, 9)], &[]),
        batch("2", &[("c", 100, 10)], &["b"]),
    ] {
        world.push(&token, &pushed).await;
    }
    assert_eq!(
        mended(&world, &HALVED).await,
        ([0, 2, 0], ["250", "50"].map(str::to_owned).to_vec())
    );
    let again = replay(&world.gateway.state.store, &HALVED, UtcMillis(0), false)
        .await
        .unwrap();
    assert_eq!((again.new, again.changed, again.gone), (0, 0, 0), "done once");
    // And one that makes fewer samples of a record.
    let (more, all) = mended(&world, &WITH_MORE).await;
    assert_eq!((more[0], all.len()), (2, 4));
    let today = adapters::named(Later.name()).unwrap();
    let (counts, all) = mended(&world, today).await;
    assert_eq!((counts, all), ([0, 0, 2], ["500", "100"].map(str::to_owned).to_vec()));
    for finding in world.gateway.state.store.doctor().await.unwrap() {
        assert!(finding.ok, "{finding:?}");
    }
}

/// What a vendor said twice at one time ends as if it had been read by the newer mapping at once, whichever came first.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_deliveries_of_one_record_the_greater_counts_after_a_replay_too() {
    for values in [[500, 300], [300, 500]] {
        let world = World::new().await;
        let token = world.paired().await;
        for (place, value) in values.into_iter().enumerate() {
            let pushed = batch(&place.to_string(), &[("a", value, 8)], &[]);
            world.push(&token, &pushed).await;
        }
        assert_eq!(world.steps().await, ["500"]);
        assert_eq!(mended(&world, &HALVED).await.1, ["250"], "{values:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_are_data_no_more_are_told() {
    let world = World::new().await;
    let token = world.paired().await;
    world
        .push(&token, &batch("1", &[("a", 500, 8), ("b", 700, 9)], &[]))
        .await;
    let store = &world.gateway.state.store;
    let told = replay(store, &STRICTER, UtcMillis(0), true).await.unwrap();
    assert_eq!((told.then, told.now), ([2, 2, 0, 0], [2, 1, 0, 1]));
    assert_eq!((told.no_longer, told.gone), (1, 0));
    assert_eq!(told.report(&STRICTER)["no_longer_data"], 1);
    assert!(told.words(&STRICTER).contains("none by this mapping, at least: 1;"));
    assert_eq!(world.steps().await, ["500", "700"], "as it is told, they stay");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mapping_that_mends_values_tells_how_many_change_and_changes_them_on_request() {
    let world = World::new().await;
    let token = world.paired().await;
    for (place, pushed) in [
        batch("1", &[("a", 500, 8), ("b", 700, 9)], &[]),
        batch("2", &[("c", 100, 10)], &["b"]),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = world.push(&token, &pushed).await;
        assert_eq!(answer.body["rejected"], 0, "{place}: {}", answer.body);
    }
    let store = &world.gateway.state.store;
    let told = replay(store, &DOUBLED, UtcMillis(0), false).await.unwrap();
    assert_eq!(
        (told.new, told.changed, told.gone),
        (0, 2, 0),
        "what was deleted stays so"
    );
    assert_eq!(told.then, told.now, "as many records are data as before");
    assert_eq!(world.steps().await, ["500", "100"], "only told");
    let told_again = replay(store, &DOUBLED, UtcMillis(0), false).await.unwrap();
    assert_eq!(told_again, told, "nothing of it stayed");
    // Whoever writes meanwhile or after it is not held up, and loses nothing.
    let answer = world.push(&token, &batch("3", &[("d", 50, 11)], &[])).await;
    assert_eq!(answer.body["stored"], 1, "{}", answer.body);
    let done = replay(store, &DOUBLED, UtcMillis(0), true).await.unwrap();
    assert_eq!((done.new, done.changed, done.gone), (0, 3, 0));
    assert_eq!(world.steps().await, ["1000", "200", "100"]);
    let after = replay(store, &DOUBLED, UtcMillis(0), false).await.unwrap();
    assert_eq!((after.new, after.changed, after.gone), (0, 0, 0));
    for finding in store.doctor().await.unwrap() {
        assert!(finding.ok, "{finding:?}");
    }
}
