//! What phones pushed is read again by a later mapping: what is told is what is done then.

use adapters::{Adapter, AdapterError, Handed, Input, Reading, Sink, SinkClosed};
use model::units::Conversion;
use model::{Decimal, Measured, Metric, UtcMillis, Value};
use store::NewPerson;

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
        let mut bytes = vec![0; input.size as usize];
        input.bytes.read_at(&mut bytes, 0)?;
        let text = String::from_utf8_lossy(&bytes).replace("StepsOfTomorrow", "StepCount");
        let input = Input {
            bytes: &text.as_bytes(),
            size: text.len() as u64,
        };
        adapters::named(self.name()).unwrap().read(&input, sink)
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
        (told.pushes, told.parked, told.new),
        (0, (1, 2), 1),
        "one of them cannot be"
    );
    assert_eq!(world.steps().await, ["500"], "only told");
    let done = replay(store, &Later, late, true).await.unwrap();
    assert_eq!((done.parked, done.new), ((1, 2), 1));
    assert_eq!(world.steps().await, ["500", "700"]);
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

/// The adapter as it will be once somebody sees that it takes half of each value.
struct Doubled;

/// Hands on twice of each value.
struct Doubling<'a>(&'a mut dyn Sink);

impl Sink for Doubling<'_> {
    fn home(&self) -> jiff::tz::TimeZone {
        self.0.home()
    }

    fn hand(&mut self, mut piece: Handed) -> Result<(), SinkClosed> {
        if let Handed::Identified(records) = &mut piece {
            for sample in records.iter_mut().flat_map(|record| record.what.samples_mut()) {
                if let Value::Quantity(value) = sample.value {
                    let twice = Decimal::new(value.mantissa * 2, value.scale);
                    sample.value = Value::Quantity(Measured::as_given(twice));
                }
            }
        }
        self.0.hand(piece)
    }
}

impl Adapter for Doubled {
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
        adapters::named(self.name()).unwrap().read(input, &mut Doubling(sink))
    }
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
    let told = replay(store, &Doubled, UtcMillis(0), false).await.unwrap();
    assert_eq!(
        (told.new, told.changed, told.gone),
        (0, 2, 0),
        "what was deleted stays so"
    );
    assert_eq!(told.then, told.now, "as many records are data as before");
    assert_eq!(world.steps().await, ["500", "100"], "only told");
    let told_again = replay(store, &Doubled, UtcMillis(0), false).await.unwrap();
    assert_eq!(told_again, told, "nothing of it stayed");
    // Whoever writes meanwhile or after it is not held up, and loses nothing.
    let answer = world.push(&token, &batch("3", &[("d", 50, 11)], &[])).await;
    assert_eq!(answer.body["stored"], 1, "{}", answer.body);
    let done = replay(store, &Doubled, UtcMillis(0), true).await.unwrap();
    assert_eq!((done.new, done.changed, done.gone), (0, 3, 0));
    assert_eq!(world.steps().await, ["1000", "200", "100"]);
    let after = replay(store, &Doubled, UtcMillis(0), false).await.unwrap();
    assert_eq!((after.new, after.changed, after.gone), (0, 0, 0));
    for finding in store.doctor().await.unwrap() {
        assert!(finding.ok, "{finding:?}");
    }
}
