//! What is asked, and what refusals mean.

use super::*;
use crate::pull::{Answered, text};
use crate::push::instant;

fn at(text: &str) -> UtcMillis {
    instant(text).unwrap().0
}

fn filter_of(series: &str) -> String {
    let ask = Ask {
        series,
        start: at("2026-05-01T00:00:00Z"),
        end: at("2026-05-02T00:00:00Z"),
    };
    let request = GoogleHealth.request(&ask, Some("token"));
    assert_eq!(request.parameters[2], ("pageToken", "token".to_owned()));
    request.parameters[0].1.clone()
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
    let laid = text(NAME, "a", at("2026-05-02T00:00:00Z"), &[answered(vec![page.to_vec()])]).unwrap();
    let (collected, reading) = crate::harness::read(&GoogleHealth, &laid);
    assert_eq!((reading.unwrap().samples, collected.samples().len()), (1, 1));
    assert!(
        text(
            NAME,
            "a",
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
    let laid = text(NAME, "a", at("2026-05-02T00:00:00Z"), &[century("steps")]).unwrap();
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
    assert!(TYPES.iter().all(|kind| DAY_MS % kind.window() == 0));
}
