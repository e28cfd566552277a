//! Made-up pushes for tests.

use serde_json::{Value, json};

/// A walk on 2026-05-10: record id, hour of its last change, hours from and until which it lasts, steps.
pub type Walk<'a> = (&'a str, u32, (u32, u32), u32);

/// A push of walks, and of the ids that were deleted.
pub fn push(batch: &str, walks: &[Walk<'_>], deleted: &[&str]) -> Value {
    let walk = |(id, modified, (from, until), count): &Walk<'_>| {
        json!({
            "recordType": "Steps",
            "count": count,
            "startTime": format!("2026-05-10T{from:02}:00:00+09:00"),
            "endTime": format!("2026-05-10T{until:02}:00:00+09:00"),
            "startZoneOffset": {"totalSeconds": 32_400},
            "endZoneOffset": {"totalSeconds": 32_400},
            "metadata": {
                "id": id,
                "lastModifiedTime": format!("2026-05-10T{modified:02}:00:00.120+09:00"),
                "dataOrigin": "com.example.walk",
                "recordingMethod": 2,
            },
        })
    };
    let deleted: Vec<Value> = deleted.iter().map(|id| json!({"recordId": id})).collect();
    json!({
        "format": "health-connect/1",
        "batch": batch,
        "sentAt": "2026-05-11T09:00:00+09:00",
        "records": walks.iter().map(walk).collect::<Vec<_>>(),
        "deletionChanges": deleted,
    })
}
