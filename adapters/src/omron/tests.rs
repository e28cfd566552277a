//! What is asked, what follows, and what notices say.

use model::UtcMillis;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::*;
use crate::cloud::Account;
use crate::push::instant;

fn at(text: &str) -> UtcMillis {
    instant(text).unwrap().0
}

fn form(ask: &Ask<'_>, page: Option<&str>) -> Vec<(&'static str, String)> {
    let Sends::Form(parameters) = Omron.request(ask, page).sends else {
        panic!("it is asked by a form")
    };
    parameters
}

#[test]
fn an_ask_begins_a_day_earlier_and_goes_on_by_key_or_by_day() {
    let ask = Ask {
        series: "bloodpressure",
        start: at("2026-05-10T00:00:00Z"),
        end: at("2026-05-12T00:00:00Z"),
    };
    let since = |page: Option<&str>| {
        let parameters = form(&ask, page);
        let mut parameters = parameters.into_iter();
        parameters.find(|(name, _)| *name == "since").unwrap().1
    };
    assert_eq!(since(None), "2026-05-09");
    assert_eq!(since(Some("since:2026-05-11")), "2026-05-11");
    assert!(form(&ask, Some("key:x:y")).contains(&("bloodpressurePaginationKey", "x:y".to_owned())));
    let next = |answer: &str| Omron.next_page(answer.as_bytes());
    assert_eq!(
        next(r#"{"status":0,"result":{"bloodPressure":[],"truncated":false}}"#),
        Ok(None)
    );
    let cut = r#"{"status":0,"result":{"weight":[{"dateTimeLocal":"2026-05-10T07:00:00"}],"truncated":true}}"#;
    assert_eq!(
        next(cut),
        Ok(Some("since:2026-05-11".to_owned())),
        "of one day alone the same would come again"
    );
    let of_days = r#"{"status":0,"result":{"weight":[{"dateTimeLocal":"2026-05-10T07:00:00"},{"dateTimeLocal":"2026-05-11T07:00:00"}],"truncated":true}}"#;
    assert_eq!(next(of_days), Ok(Some("since:2026-05-11".to_owned())));
    let in_utc = r#"{"status":0,"result":{"weight":[{"dateTime":"2026-05-10T07:00:00"}],"truncated":true}}"#;
    assert_eq!(next(in_utc), Ok(Some("since:2026-05-11".to_owned())));
    for of_no_day in ["{\"weight\":61}", ""] {
        let cut = format!(r#"{{"status":0,"result":{{"weight":[{of_no_day}],"truncated":true}}}}"#);
        assert_eq!(next(&cut), Err(NotAnAnswer), "what it left out is not gone");
    }
    let by_key = r#"{"status":0,"result":{"truncated":true,"paginationKey":{"bloodpressurePaginationKey":"k"}}}"#;
    assert_eq!(next(by_key), Ok(Some("key:k".to_owned())));
    assert_eq!(
        next(r#"{"status":12,"result":null}"#),
        Err(NotAnAnswer),
        "an error is answered with 200 too"
    );
    assert_eq!(next("<p>"), Err(NotAnAnswer));
}

#[test]
fn a_notice_shows_what_its_address_ends_with_and_says_its_time_in_either_way() {
    let now = at("2026-05-11T00:00:00Z");
    let hear = |path: &str, body: &str| {
        Omron.hear(&Call {
            header: &|_| None,
            path: Some(path),
            verify: None,
            client_secret: None,
            body: body.as_bytes(),
            secret: "unguessable",
            keys: None,
            now,
        })
    };
    assert_eq!(hear("guessed", "{}"), Err(NotHeard::NotGenuine));
    assert_eq!(hear("unguessable", "[]"), Err(NotHeard::Malformed));
    let told = |body: &str| match hear("unguessable", body) {
        Ok(Heard::Notices(notices)) => notices,
        other => panic!("{other:?}"),
    };
    let iso = told(r#"{"id":"a","timestamp":"2026-05-10T12:00:00Z","type":"bloodpressure"}"#);
    let seconds = told(r#"{"id":"a","timestamp":1778414400,"type":"BloodPressure"}"#);
    let millis = told(r#"{"id":"a","timestamp":1778414400000,"type":"bloodpressure"}"#);
    assert_eq!((&iso, &iso), (&seconds, &millis));
    assert_eq!(iso[0].window, Some((at("2026-05-09T12:00:00Z"), now.plus(1))));
    assert_eq!(told(r#"{"id":"a"}"#).len(), 3, "of any type");
    assert_eq!(told(r#"{"id":"a","type":"dreams"}"#)[0].series, None);
}

#[test]
fn an_account_stands_in_the_id_token() {
    assert!(matches!(Omron.account_from(), AccountFrom::IdToken));
    let read = |token: &str| Account::of_id_token(token).map(|account| account.id);
    let token = format!("e30.{}.x", URL_SAFE_NO_PAD.encode(br#"{"sub":"8f14e45f"}"#));
    assert_eq!(read(&token).as_deref(), Some("8f14e45f"));
    for none in ["", "a.b", "e30.!!.x", "e30.e30.x"] {
        assert_eq!(read(none), None);
    }
}

#[test]
fn a_day_of_more_than_an_answer_may_have_is_gone_past_and_ends_nothing() {
    use crate::pull::{Answered, Whose, text};
    let page = |days: [u32; 2], is_cut: bool| {
        let item = |(id, day): (usize, u32)| json!({"id": id, "dateTime": format!("2026-05-{day:02}T02:00:00Z"), "weight": 61.5, "weightUnits": "kg"});
        let items: Vec<Value> = days.into_iter().enumerate().map(item).collect();
        json!({"status": 0, "result": {"weight": items, "truncated": is_cut}})
            .to_string()
            .into_bytes()
    };
    let is_whole = |pages: Vec<Vec<u8>>| {
        let ask = Ask {
            series: "weight",
            start: at("2026-05-10T00:00:00Z"),
            end: at("2026-05-12T00:00:00Z"),
        };
        let whose = Whose {
            account: "a",
            zone: None,
        };
        let laid = text(NAME, whose, at("2026-05-12T00:00:00Z"), &[Answered { ask, pages }]).unwrap();
        let (collected, _) = crate::harness::read(&Omron, &laid);
        let words = collected.pieces.into_iter().filter_map(|piece| match piece {
            crate::Handed::Identified(words) => Some(words),
            _ => None,
        });
        words
            .flatten()
            .all(|word| matches!(word.what, model::Word::Window { is_whole: true, .. }))
    };
    assert!(is_whole(vec![page([10, 10], false)]));
    assert!(is_whole(vec![page([10, 11], true), page([11, 11], false)]));
    assert!(!is_whole(vec![page([10, 10], true), page([11, 11], false)]));
}

#[test]
fn a_weight_without_its_unit_is_none() {
    use crate::pull::{Answered, Whose, text};
    let page = br#"{"status":0,"result":{"weight":[
        {"id":1,"dateTime":"2026-05-10T02:00:00Z","weight":135.5,"bmiValue":22.4},
        {"id":2,"dateTime":"2026-05-10T03:00:00Z","bmiValue":22.5},
        {"id":3,"dateTime":"2026-05-10T04:00:00Z","weight":135.5,"weightUnits":"lb"}]}}"#;
    let answered = Answered {
        ask: Ask {
            series: "weight",
            start: at("2026-05-10T00:00:00Z"),
            end: at("2026-05-11T00:00:00Z"),
        },
        pages: vec![page.to_vec()],
    };
    let whose = Whose {
        account: "a",
        zone: None,
    };
    let laid = text(NAME, whose, at("2026-05-12T00:00:00Z"), &[answered]).unwrap();
    let (collected, reading) = crate::harness::read(&Omron, &laid);
    assert_eq!(reading.unwrap().accounting.rejected, 1);
    let metrics: Vec<Metric> = collected.samples().iter().map(|sample| sample.metric).collect();
    assert_eq!(metrics, [Metric::BODY_WEIGHT, Metric::BMI], "of the others");
}
