//! Days that the vendor counts: how they are asked for, read, and told of.

use model::{OffsetTrust, Value as Measure};

use super::tests::{at, read_page};
use super::*;

#[test]
fn days_are_asked_for_with_their_dates_as_many_at_once_as_the_vendor_gives() {
    let ask = Ask {
        series: "total-calories:dailyRollUp",
        start: at("2026-05-01T00:00:00Z"),
        end: at("2026-05-15T00:00:00Z"),
    };
    let request = GoogleHealth.request(&ask, Some("next"));
    assert_eq!(
        request.path,
        "/v4/users/me/dataTypes/total-calories/dataPoints:dailyRollUp"
    );
    let body = json!({
        "range": {
            "start": {"date": {"year": 2026, "month": 5, "day": 1}},
            "end": {"date": {"year": 2026, "month": 5, "day": 15}},
        },
        "windowSizeDays": 1,
        "pageSize": 14,
        "pageToken": "next",
    });
    assert_eq!(request.sends, Sends::Json(body));
    let days = |name: &str| named(name).map(|kind| kind.series.days);
    assert_eq!(days("total-calories:dailyRollUp"), Some(14));
    assert_eq!(days("steps:dailyRollUp"), Some(90));
}

fn day_of(date: u32, members: serde_json::Value) -> serde_json::Value {
    let civil = |day: u32| json!({"date": {"year": 2026, "month": 5, "day": day}});
    let mut point = json!({"civilStartTime": civil(date), "civilEndTime": civil(date + 1)});
    for (name, value) in members.as_object().unwrap() {
        point[name] = value.clone();
    }
    point
}

#[test]
fn a_day_is_read_as_one_without_a_zone_and_what_is_none_is_not_taken_for_one() {
    let mut half = day_of(1, json!({"steps": {"countSum": "5"}}));
    half["civilStartTime"]["time"] = json!({"hours": 12});
    let mut two = day_of(1, json!({"steps": {"countSum": "5"}}));
    two["civilEndTime"]["date"]["day"] = json!(3);
    let (collected, reading) = read_page(
        "steps:dailyRollUp",
        json!({"rollupDataPoints": [
            day_of(1, json!({"steps": {"countSum": "8123"}})), half, two,
            // Of the day after what was asked for; what has nothing counted.
            day_of(2, json!({"steps": {"countSum": "5"}})), day_of(1, json!({})),
        ]}),
    );
    let samples = collected.samples();
    assert_eq!(samples.len(), 1);
    let sample = &samples[0];
    assert_eq!(
        (sample.metric, sample.offset.trust),
        (Metric::DAILY_STEP_COUNT, OffsetTrust::None)
    );
    assert_eq!(
        (sample.start, sample.end),
        (at("2026-05-01T00:00:00Z"), at("2026-05-01T00:00:00Z"))
    );
    let Measure::Quantity(count) = &sample.value else {
        panic!("{sample:?}")
    };
    assert_eq!(count.to_string(), "8123");
    let accounting = &reading.accounting;
    assert_eq!(
        (accounting.rejected, accounting.duplicate, accounting.unsupported),
        (2, 1, 1)
    );
}

#[test]
fn a_day_without_a_step_is_counted_as_one() {
    let (collected, _) = read_page(
        "steps:dailyRollUp",
        json!({"rollupDataPoints": [day_of(1, json!({"steps": {}}))]}),
    );
    assert_eq!(
        collected.samples().len(),
        1,
        "a number that is zero is left out on the wire"
    );
}

#[test]
fn what_is_told_of_a_type_leads_to_its_days_too_wherever_it_was() {
    let told = |kind: &str| {
        let interval =
            json!({"physicalTimeInterval": {"startTime": "2026-05-01T20:00:00Z", "endTime": "2026-05-01T21:00:00Z"}});
        let body = json!({"data": {"healthUserId": "1", "dataType": kind, "intervals": [interval]}});
        match webhook::read(body.to_string().as_bytes(), UtcMillis(0)) {
            Ok(Heard::Notices(notices)) => notices,
            other => panic!("{other:?}"),
        }
    };
    let steps = told("steps");
    let series: Vec<_> = steps.iter().filter_map(|notice| notice.series).collect();
    assert_eq!(series, ["steps", "steps:dailyRollUp"]);
    let (start, end) = steps[1].window.unwrap();
    // In Japan it is the second of May.
    assert!(start <= at("2026-05-01T08:00:00Z") && end >= at("2026-05-02T05:00:00Z"));
    let calories = told("total-calories");
    assert_eq!(calories.len(), 1);
    assert_eq!(calories[0].series, Some("total-calories:dailyRollUp"));
}

#[test]
fn a_subscription_names_each_type_once() {
    let series = ["steps", "steps:dailyRollUp", "total-calories:dailyRollUp"];
    let of = crate::cloud::Subscription {
        subscriber: "projects/p/subscribers/s",
        id: "x",
        account: "1",
        series: &series,
    };
    let body = (SUBSCRIPTIONS.begin)(&of).body.unwrap();
    assert_eq!(body["dataTypes"], json!(["steps", "total-calories"]));
}
