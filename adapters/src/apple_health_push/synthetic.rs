//! Made-up pushes for tests and benchmarks.

use std::io::{self, Write};

use model::environment::{Randomness as _, SeededRandomness};
use model::{LocalDay, Offset, UtcMillis};
use serde_json::{Value, json};

/// Milliseconds from one push to the next: a watch measures its pulse some 700 times a day.
const EVERY_MS: i64 = 2 * 60_000;
/// Pushes of a day.
const A_DAY: i64 = 720;

/// What a watch measures on and on: type, unit, the least value in tenths, and how far above it values go.
const SERIES: [(&str, &str, u64, u64); 8] = [
    ("StepCount", "count", 0, 12_000),
    ("DistanceWalkingRunning", "m", 0, 9_000),
    ("ActiveEnergyBurned", "kcal", 0, 900),
    ("BasalEnergyBurned", "kcal", 140, 60),
    ("HeartRate", "count/min", 550, 700),
    ("RespiratoryRate", "count/min", 120, 70),
    ("WalkingSpeed", "m/s", 8, 9),
    ("HeartRateVariabilitySDNN", "ms", 200, 900),
];

/// Live pushes of so many days, one a line: every two minutes one sample in each of eight series; of half of them an interval since
/// the last, of the others an instant.
///
/// # Errors
/// What writing answers.
pub fn write_live(out: &mut impl Write, seed: u64, first_day: LocalDay, days: u32) -> io::Result<()> {
    let random = SeededRandomness::new(seed);
    let from = first_day.start(Offset::JAPAN_ASSUMED);
    let mut last = from;
    for place in 0..i64::from(days) * A_DAY {
        let end = from.plus((place + 1) * EVERY_MS - random.below(5_000) as i64);
        let begins = last;
        last = end;
        let sample = |(number, (kind, unit, least, above)): (usize, &(&str, &str, u64, u64))| {
            let mut uuid = [0; 16];
            random.fill(&mut uuid);
            let tenths = least + random.below(above + 1);
            let start = if number < SERIES.len() / 2 { begins } else { end };
            let whole = *unit == "count";
            json!({
                "uuid": format!("{:032X}", u128::from_le_bytes(uuid)),
                "quantityType": format!("HKQuantityTypeIdentifier{kind}"),
                "quantity": if whole { json!(tenths / 10) } else { json!(tenths as f64 / 10.0) },
                "unit": unit,
                "startDate": text(start),
                "endDate": text(end),
                "sourceRevision": {"source": {"name": "計測のWatch"}},
                "device": {"manufacturer": "Apple Inc.", "model": "Watch", "hardwareVersion": "Watch7,5"},
                "metadata": {"HKTimeZone": "Asia/Tokyo"},
            })
        };
        let push = json!({
            "format": "apple-health-push/1",
            "batch": place.to_string(),
            "sentAt": text(end.plus(1_000)),
            "samples": SERIES.iter().enumerate().map(sample).collect::<Vec<_>>(),
        });
        writeln!(out, "{push}")?;
    }
    Ok(())
}

fn text(at: UtcMillis) -> String {
    jiff::Timestamp::from_millisecond(at.0).map_or_else(|_| String::new(), |at| at.to_string())
}

/// A push of walks of ten minutes on 2026-05-10: uuid, steps, hour; and of the uuids that were deleted.
pub fn push(batch: &str, walks: &[(&str, u32, u32)], deleted: &[&str]) -> Value {
    let walk = |(uuid, count, hour): &(&str, u32, u32)| {
        json!({
            "uuid": uuid,
            "quantityType": "HKQuantityTypeIdentifierStepCount",
            "quantity": count,
            "unit": "count",
            "startDate": format!("2026-05-10T{hour:02}:00:00+09:00"),
            "endDate": format!("2026-05-10T{hour:02}:10:00+09:00"),
            "sourceRevision": {"source": {"name": "花子のiPhone"}},
        })
    };
    let deleted: Vec<Value> = deleted.iter().map(|uuid| json!({"uuid": uuid})).collect();
    json!({
        "format": "apple-health-push/1",
        "batch": batch,
        "sentAt": "2026-05-11T09:00:00+09:00",
        "samples": walks.iter().map(walk).collect::<Vec<_>>(),
        "deletedSamples": deleted,
    })
}
