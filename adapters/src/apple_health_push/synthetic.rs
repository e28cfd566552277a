//! Made-up pushes for tests and benchmarks.

use serde_json::{Value, json};

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
