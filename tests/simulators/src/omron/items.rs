//! What the accounts hold: a reading in the morning and in the evening, a weight in the morning, the day's steps at its end.

use std::collections::BTreeMap;

use model::UtcMillis;
use model::time::HOUR_MS;
use serde_json::{Value, json};

use crate::changes::Changes;
use crate::days::Day;

/// An account.
pub(super) struct Account {
    seed: u64,
    changes: Changes,
}

impl Account {
    /// One whose days are made of this.
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            changes: Changes::default(),
        }
    }

    /// Puts an item, or takes one out.
    pub(super) fn change(&mut self, kind: &str, at: UtcMillis, members: Option<Value>) {
        self.changes.put(kind, at, members);
    }

    /// All items of a type in this time that were measured by now, the first first.
    pub(super) fn list(&self, kind: &str, start: UtcMillis, end: UtcMillis, now: UtcMillis) -> Vec<(UtcMillis, Value)> {
        let mut items: BTreeMap<i64, Value> = BTreeMap::new();
        for number in Day::number_at(start) - 1..=Day::number_at(end.min(now)) + 1 {
            for (at, members) in of_day(kind, &Day::new(self.seed, number)) {
                items.insert(at.0, members);
            }
        }
        self.changes.over(kind, &mut items);
        let is_there = |(at, _): &(i64, Value)| (start.0..end.0).contains(at) && *at <= now.0;
        let items = items.into_iter().filter(is_there);
        items
            .map(|(at, members)| (UtcMillis(at), whole(kind, UtcMillis(at), members)))
            .collect()
    }
}

/// Members with what every item has.
fn whole(kind: &str, at: UtcMillis, mut members: Value) -> Value {
    let text = |at: i64| {
        let at = jiff::Timestamp::from_millisecond(at).unwrap_or_default();
        at.to_string().trim_end_matches('Z').to_owned()
    };
    members["id"] = json!(at.0 / 1_000);
    members["dateTime"] = json!(format!("{}Z", text(at.0)));
    members["dateTimeLocal"] = json!(text(at.0 + 9 * HOUR_MS));
    members["dateTimeUtcOffset"] = json!("+09:00");
    let device = match kind {
        "weight" => "HBF-228T",
        "activity" => "HJA-405T",
        _ => "HEM-7281T",
    };
    members["deviceType"] = json!(device);
    members
}

fn of_day(kind: &str, day: &Day) -> Vec<(UtcMillis, Value)> {
    let reading = |what: u64, minute: i64| {
        let members = json!({
            "systolic": 118 + day.pick(what, 20),
            "diastolic": 74 + day.pick(what + 1, 12),
            "bloodPressureUnits": "mmHg",
            "pulse": 58 + day.pick(what + 2, 16),
            "pulseUnits": "bpm",
        });
        (day.at(minute), members)
    };
    match kind {
        "bloodpressure" => vec![reading(40, 6 * 60 + 35), reading(50, 21 * 60 + 10)],
        "weight" => {
            let kilograms = (day.grams() as f64) / 1_000.0;
            vec![(day.at(6 * 60 + 50), json!({"weight": kilograms, "weightUnits": "kg"}))]
        }
        "activity" => {
            let of_walk = |(from, lasts): (i64, i64)| (from..from + lasts).map(|minute| day.steps(minute)).sum::<i64>();
            let steps: i64 = day.walks().into_iter().map(of_walk).sum();
            vec![(day.at(23 * 60 + 50), json!({"steps": steps}))]
        }
        _ => Vec::new(),
    }
}
