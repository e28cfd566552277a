//! What is asked, and what refusals mean.

use super::*;
use crate::pull::{Answered, Whose, text};
use crate::push::instant;

const WHOSE: Whose<'_> = Whose {
    account: "a",
    zone: None,
};

pub(super) fn at(text: &str) -> UtcMillis {
    instant(text).unwrap().0
}

fn filter_of(series: &str) -> String {
    let ask = Ask {
        series,
        start: at("2026-05-01T00:00:00Z"),
        end: at("2026-05-02T00:00:00Z"),
    };
    let Sends::Query(parameters) = GoogleHealth.request(&ask, Some("token")).sends else {
        panic!("it is asked by a query")
    };
    assert_eq!(parameters[2], ("pageToken", "token".to_owned()));
    parameters[0].1.clone()
}

#[test]
fn each_kind_is_asked_for_by_its_own_time() {
    assert_eq!(
        filter_of("steps"),
        "steps.interval.start_time >= \"2026-05-01T00:00:00Z\" AND steps.interval.start_time < \"2026-05-02T00:00:00Z\""
    );
    assert!(filter_of("sleep").starts_with("sleep.interval.end_time >= "));
    assert!(filter_of("heart-rate").starts_with("heart_rate.sample_time.physical_time >= "));
    let daily = filter_of("daily-resting-heart-rate");
    assert_eq!(
        daily,
        "daily_resting_heart_rate.date >= \"2026-05-01\" AND daily_resting_heart_rate.date < \"2026-05-02\""
    );
}

#[test]
fn sessions_are_asked_for_by_the_only_time_that_the_vendor_takes() {
    // Any other time is answered with 400.
    for series in [
        "exercise",
        "hydration-log",
        "nutrition-log",
        "irregular-rhythm-notification",
    ] {
        let name = series.replace('-', "_");
        assert_eq!(
            filter_of(series),
            format!(
                "{name}.interval.civil_start_time >= \"2026-04-30T12:00:00\" AND {name}.interval.civil_start_time < \"2026-05-02T14:00:00\""
            ),
            "all that may begin in this time, wherever it was"
        );
    }
    assert_eq!(
        filter_of("electrocardiogram"),
        "electrocardiogram.interval.start_time >= \"2026-05-01T00:00:00Z\"",
        "its end cannot be said"
    );
}

fn read_answer(series: &str, points: &serde_json::Value) -> (crate::harness::Collected, crate::Reading) {
    read_page(series, json!({"dataPoints": points}))
}

pub(super) fn read_page(series: &str, page: serde_json::Value) -> (crate::harness::Collected, crate::Reading) {
    let answered = Answered {
        ask: Ask {
            series,
            start: at("2026-05-01T00:00:00Z"),
            end: at("2026-05-02T00:00:00Z"),
        },
        pages: vec![page.to_string().into_bytes()],
    };
    let laid = text(NAME, WHOSE, at("2026-05-03T00:00:00Z"), &[answered]).unwrap();
    let (collected, reading) = crate::harness::read(&GoogleHealth, &laid);
    (collected, reading.unwrap())
}

#[test]
fn the_merged_stream_is_asked_for_by_the_same_words_at_a_place_of_its_own_and_by_its_own_fields() {
    for series in GoogleHealth.series().iter().filter(|series| series.merges) {
        let ask = Ask {
            series: series.name,
            start: at("2026-05-01T00:00:00Z"),
            end: at("2026-05-02T00:00:00Z"),
        };
        let (each, merged) = (GoogleHealth.request(&ask, None), GoogleHealth.merged(&ask, None));
        assert_eq!(merged.path, format!("{}:reconcile", each.path));
        let (Sends::Query(each), Sends::Query(merged)) = (each.sends, merged.sends) else {
            panic!("they are asked by queries")
        };
        for (each, merged) in each.iter().zip(&merged) {
            if each.0 == "fields" {
                // Of a point in the merged stream nobody says whose it is, and its name is another member.
                assert_eq!(merged.1, each.1.replace("name,dataSource,", "dataPointName,"));
                assert_ne!(merged.1, each.1);
            } else {
                assert_eq!(merged, each);
            }
        }
        assert_eq!(merged.len(), each.len());
    }
    for cloud in crate::clouds() {
        for series in cloud.series() {
            let ask = Ask {
                series: series.name,
                start: UtcMillis(0),
                end: UtcMillis(DAY_MS),
            };
            let is_other = cloud.merged(&ask, None) != cloud.request(&ask, None);
            assert_eq!(is_other, series.merges, "{} of {}", series.name, cloud.name());
        }
    }
}

#[test]
fn points_of_the_merged_stream_are_of_one_source_and_named_elsewhere() {
    let weight = |name: &str, grams: u32| {
        json!({"dataPointName": name, "weight": {"weightGrams": grams,
            "sampleTime": {"physicalTime": "2026-05-01T06:00:00Z", "utcOffset": "32400s"}}})
    };
    let (collected, reading) = read_answer("weight", &json!([weight("one", 61_000), weight("other", 62_000)]));
    assert_eq!(
        (collected.samples().len(), reading.accounting.duplicate),
        (2, 0),
        "two weights of one instant, told apart by their names"
    );
    let mut sources = collected.pieces.iter().filter_map(|piece| match piece {
        crate::Handed::Source(source) => Some(source),
        _ => None,
    });
    let (source, None) = (sources.next().unwrap(), sources.next()) else {
        panic!("{:?}", collected.pieces)
    };
    assert_eq!(source.key, "google-health|merged||||");
    assert!(
        source
            .copies
            .iter()
            .any(|own| "google-health|FITBIT|Fitbit|Charge 6||".starts_with(own)),
        "what a device has is the same measurement"
    );
}

#[test]
fn what_an_answer_has_beyond_its_time_is_left_to_another_ask() {
    let exercise = |from: &str, until: &str| {
        json!({"name": from, "exercise": {"exerciseType": "RUNNING",
            "interval": {"startTime": from, "endTime": until, "startUtcOffset": "32400s", "endUtcOffset": "32400s"}}})
    };
    let points = json!([
        exercise("2026-04-30T23:30:00Z", "2026-05-01T00:30:00Z"),
        exercise("2026-05-01T05:00:00Z", "2026-05-01T05:30:00Z"),
        exercise("2026-05-02T00:00:00Z", "2026-05-02T00:30:00Z"),
    ]);
    let (collected, reading) = read_answer("exercise", &points);
    assert_eq!((collected.samples().len(), reading.samples), (1, 1));
    assert_eq!((reading.accounting.duplicate, reading.accounting.rejected), (2, 0));
}

#[test]
fn minutes_at_levels_that_nobody_knows_do_not_vanish_and_a_zero_that_is_left_out_is_one() {
    let minutes = |from: &str, levels: serde_json::Value| {
        json!({"activeMinutes": {"activeMinutesByActivityLevel": levels,
            "interval": {"startTime": from, "endTime": "2026-05-01T08:00:00Z"}}})
    };
    let points = json!([
        minutes(
            "2026-05-01T05:00:00Z",
            json!([{"activityLevel": "LIGHT", "activeMinutes": "3"}, {"activityLevel": "MODERATE"}])
        ),
        minutes(
            "2026-05-01T06:00:00Z",
            json!([{"activityLevel": "EXTREME", "activeMinutes": "3"}])
        ),
        minutes("2026-05-01T07:00:00Z", json!([])),
    ]);
    let (collected, reading) = read_answer("active-minutes", &points);
    assert_eq!(collected.samples().len(), 2);
    assert_eq!(reading.accounting.unsupported, 2);
}

#[test]
fn a_night_on_which_the_vendor_still_works_ends_nothing() {
    let night = |metadata: serde_json::Value| {
        json!([{"name": "n", "dataSource": {"platform": "FITBIT"}, "sleep": {"metadata": metadata,
            "interval": {"startTime": "2026-05-01T14:00:00Z", "endTime": "2026-05-01T21:00:00Z"}}}])
    };
    for (metadata, is_last) in [
        (json!({"processed": true}), true),
        (json!({"processed": false}), false),
        (json!({}), true),
    ] {
        let (collected, _) = read_answer("sleep", &night(metadata.clone()));
        assert_eq!(collected.samples().len(), 1, "{metadata}");
        let words = collected.pieces.iter().filter_map(|piece| match piece {
            crate::Handed::Identified(words) => Some(words),
            _ => None,
        });
        let is_whole = words
            .flatten()
            .all(|word| matches!(word.what, model::Word::Window { is_whole: true, .. }));
        assert_eq!(is_whole, is_last, "{metadata}");
    }
}

#[test]
fn minutes_of_one_time_in_two_zones_are_two_records() {
    let minutes = |zone: &str, minutes: &str| {
        json!({"dataSource": {"platform": "FITBIT"}, "activeZoneMinutes": {"heartRateZone": zone, "activeZoneMinutes": minutes,
            "interval": {"startTime": "2026-05-01T05:00:00Z", "endTime": "2026-05-01T05:01:00Z"}}})
    };
    let points = json!([minutes("FAT_BURN", "1"), minutes("CARDIO", "2"), minutes("CARDIO", "2")]);
    let (collected, reading) = read_answer("active-zone-minutes", &points);
    assert_eq!((collected.samples().len(), reading.accounting.duplicate), (2, 1));
}

#[test]
fn one_notice_that_cannot_be_read_holds_up_nobody_else_s() {
    let many = json!([
        {"data": {"healthUserId": "1", "dataType": "steps", "intervals": null}},
        {"data": {"dataType": "steps"}},
        {"type": "something"},
        {"data": {"healthUserId": "2", "dataType": null}},
    ]);
    let Ok(Heard::Notices(notices)) = webhook::read(many.to_string().as_bytes(), UtcMillis(0)) else {
        panic!("they are heard")
    };
    let heard: Vec<_> = notices
        .iter()
        .map(|notice| (notice.account.as_str(), notice.series))
        .collect();
    assert_eq!(
        heard,
        [
            ("1", Some("steps")),
            ("1", Some("steps:dailyRollUp")),
            ("2", None),
            ("", None),
            ("", None)
        ]
    );
    assert_eq!(
        webhook::read(br#"[{"type": "something"}]"#, UtcMillis(0)),
        Err(NotHeard::Malformed)
    );
    let interval = |day: u32| json!({"physicalTimeInterval": {"startTime": format!("2026-05-{day:02}T00:00:00Z"), "endTime": format!("2026-05-{day:02}T01:00:00Z")}});
    let intervals: Vec<_> = (0..120).map(|place| interval(1 + place / 10)).collect();
    let long = json!({"data": {"healthUserId": "1", "dataType": "steps", "intervals": intervals}});
    let Ok(Heard::Notices(notices)) = webhook::read(long.to_string().as_bytes(), UtcMillis(0)) else {
        panic!("it is heard")
    };
    assert_eq!(
        notices[0].window,
        Some((at("2026-05-01T00:00:00Z"), at("2026-05-12T01:00:00Z").plus(1))),
        "all of its intervals"
    );
}

#[test]
fn a_page_says_what_follows_and_an_error_page_is_none() {
    assert_eq!(GoogleHealth.next_page(b"{}"), Ok(None));
    assert_eq!(GoogleHealth.next_page(br#"{"nextPageToken":""}"#), Ok(None));
    assert_eq!(
        GoogleHealth.next_page(br#"{"dataPoints":[],"nextPageToken":"x"}"#),
        Ok(Some("x".to_owned()))
    );
    assert_eq!(GoogleHealth.next_page(b"<p>"), Err(NotAnAnswer));
    assert_eq!(GoogleHealth.next_page(br#"{"dataPoints":[{"steps""#), Err(NotAnAnswer));
}

#[test]
fn an_account_without_health_data_asks_its_person_to_set_it_up() {
    let refusal = br#"{"error":{"code":400,"status":"FAILED_PRECONDITION","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"ACCOUNT_NOT_LINKED"}]}}"#;
    assert_eq!(GoogleHealth.need(400, refusal), Some(Need::FinishThere));
    assert_eq!(GoogleHealth.need(500, refusal), None);
    assert_eq!(GoogleHealth.need(400, b"<p>"), None);
}

#[test]
fn answers_become_a_text_that_the_adapter_reads() {
    let page = br#"{"dataPoints":[{"dataSource":{"platform":"FITBIT"},"steps":{"interval":{"startTime":"2026-05-01T00:00:00Z","endTime":"2026-05-01T00:01:00Z"},"count":"3"}}]}"#;
    let answered = |pages| Answered {
        ask: Ask {
            series: "steps",
            start: at("2026-05-01T00:00:00Z"),
            end: at("2026-05-01T02:00:00Z"),
        },
        pages,
    };
    let laid = text(
        NAME,
        WHOSE,
        at("2026-05-02T00:00:00Z"),
        &[answered(vec![page.to_vec()])],
    )
    .unwrap();
    let (collected, reading) = crate::harness::read(&GoogleHealth, &laid);
    assert_eq!((reading.unwrap().samples, collected.samples().len()), (1, 1));
    assert!(
        text(
            NAME,
            WHOSE,
            at("2026-05-02T00:00:00Z"),
            &[answered(vec![b"<p>".to_vec()])]
        )
        .is_none()
    );
}

#[test]
fn an_answer_for_centuries_is_refused_before_its_windows_are_made() {
    let century = |series| Answered {
        ask: Ask {
            series,
            start: at("1900-01-01T00:00:00Z"),
            end: at("2199-01-01T00:00:00Z"),
        },
        pages: vec![b"{}".to_vec()],
    };
    let laid = text(NAME, WHOSE, at("2026-05-02T00:00:00Z"), &[century("steps")]).unwrap();
    let (collected, reading) = crate::harness::read(&GoogleHealth, &laid);
    let refused = reading.unwrap_err().to_string();
    assert!(
        refused.contains("too long a time") && collected.pieces.is_empty(),
        "{refused}"
    );
}

#[test]
fn series_are_told_apart_and_their_windows_are_whole() {
    let mut names: Vec<&str> = GoogleHealth.series().iter().map(|series| series.name).collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
    assert!(types().all(|kind| DAY_MS % kind.window() == 0));
}
