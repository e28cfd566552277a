use super::*;

const BODY: &[u8] = br#"[{"collectionType":"foods","date":"2010-03-01","ownerId":"228S74","ownerType":"user","subscriptionId":"1234"}]"#;

fn hear(body: &[u8], signature: &str, secret: Option<&str>) -> Result<Heard, NotHeard> {
    notice::hear(&Call {
        header: &|name| (name == "x-fitbit-signature").then(|| signature.to_owned()),
        path: None,
        verify: None,
        body,
        secret: "code",
        client_secret: secret,
        keys: None,
        now: UtcMillis(0),
    })
}

#[test]
fn a_notice_is_heard_only_with_its_signature() {
    let good = "UYT/uZUH2JSf6pB5OHyEFQz3dYI=";
    let heard = hear(BODY, good, Some("testsecret")).unwrap();
    let Heard::Notices(notices) = heard else {
        panic!("a probe")
    };
    assert_eq!(notices.len(), 1);
    assert_eq!((notices[0].account.as_str(), notices[0].series), ("228S74", None));
    let other = [b"[", BODY].concat();
    for refused in [
        hear(BODY, "UYT/uZUH2JSf6pB5OHyEFQz3dYI", Some("testsecret")),
        hear(BODY, good, Some("another")),
        hear(BODY, good, Some("")),
        hear(BODY, good, None),
        hear(&other, good, Some("testsecret")),
    ] {
        assert_eq!(refused, Err(NotHeard::NotGenuine));
    }
}

#[test]
fn one_notice_that_cannot_be_read_holds_up_nobody_else_s() {
    use aws_lc_rs::hmac;
    use base64::Engine as _;
    let body = br#"[{"hello":1},{"collectionType":"sleep","date":"2026-05-10","ownerId":"228S74"}]"#;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, b"testsecret&");
    let signature = base64::engine::general_purpose::STANDARD.encode(hmac::sign(&key, body));
    let Ok(Heard::Notices(notices)) = hear(body, &signature, Some("testsecret")) else {
        panic!("they are heard")
    };
    let heard: Vec<_> = notices
        .iter()
        .map(|notice| (notice.account.as_str(), notice.series))
        .collect();
    assert_eq!(heard, [("", None), ("228S74", Some("sleep"))]);
}

#[test]
fn the_address_shows_that_it_is_ours() {
    let probe = |code: &str| {
        notice::hear(&Call {
            header: &|_| None,
            path: None,
            verify: Some(code),
            body: b"",
            secret: "right",
            client_secret: None,
            keys: None,
            now: UtcMillis(0),
        })
    };
    assert_eq!(probe("right"), Ok(Heard::Probe(204)));
    assert_eq!(probe("wrong"), Ok(Heard::Probe(404)));
}

#[test]
fn a_list_is_followed_to_its_end() {
    let page = br#"{"activities":[],"pagination":{"next":"https://api.fitbit.com/1/user/-/activities/list.json?offset=100&limit=100&sort=asc&afterDate=2026-05-01"}}"#;
    let token = Fitbit.next_page(page).unwrap().unwrap();
    let ask = Ask {
        series: "activities/list",
        start: UtcMillis(0),
        end: UtcMillis(DAY_MS),
    };
    let request = Fitbit.request(&ask, Some(&token));
    let Sends::Query(parameters) = request.sends else {
        panic!("{request:?}")
    };
    assert!(parameters.contains(&("offset", "100".to_owned())));
    assert!(parameters.contains(&("afterDate", "2026-05-01".to_owned())));
    assert_eq!(Fitbit.next_page(br#"{"pagination":{"next":""}}"#), Ok(None));
    assert_eq!(
        Fitbit.next_page(br#"{"errors":[{"errorType":"system"}]}"#),
        Err(NotAnAnswer)
    );
}

/// A minute of steps and a night, by the clock of wherever their person was.
fn of_a_day(zone: Option<&str>) -> Vec<u8> {
    use crate::pull::{Answered, Whose, text};
    let day = UtcMillis(civil("2026-05-10"));
    let answered = |series, page: &str| Answered {
        ask: Ask {
            series,
            start: day,
            end: day.plus(DAY_MS),
        },
        pages: vec![page.as_bytes().to_vec()],
    };
    let answers = [
        answered(
            "activities/steps",
            r#"{"activities-steps-intraday":{"dataset":[{"time":"07:30:00","value":8}]}}"#,
        ),
        answered(
            "sleep",
            r#"{"sleep":[{"logId":1,"dateOfSleep":"2026-05-10","startTime":"2026-05-09T23:00:00.000","endTime":"2026-05-10T06:00:00.000",
                "levels":{"data":[{"dateTime":"2026-05-09T23:30:00.000","level":"light","seconds":600}]}}]}"#,
        ),
    ];
    let whose = Whose { account: "a", zone };
    text(NAME, whose, day.plus(2 * DAY_MS), &answers).unwrap()
}

fn civil(text: &str) -> i64 {
    local::civil(text).unwrap()
}

/// When each began, and its offset with who says so.
fn begins(bytes: &[u8], home: &str) -> Vec<(i64, i16, model::OffsetTrust)> {
    let home = jiff::tz::TimeZone::get(home).unwrap();
    let (collected, reading) = crate::harness::read_of(&Fitbit, bytes, Some(home));
    assert_eq!(reading.unwrap().samples, 2);
    let samples = collected.samples().into_iter();
    samples
        .map(|sample| (sample.start.0, sample.offset.minutes, sample.offset.trust))
        .collect()
}

#[test]
fn civil_times_are_where_the_account_is_else_where_its_person_lives() {
    use model::OffsetTrust::{Assumed, FromZone};
    let (walked, slept) = (civil("2026-05-10T07:30"), civil("2026-05-09T23:30"));
    let in_new_york = |trust| {
        let west = 4 * 3_600_000;
        [(walked + west, -240, trust), (slept + west, -240, trust)]
    };
    let unsaid = of_a_day(None);
    assert_eq!(begins(&unsaid, "America/New_York"), in_new_york(Assumed));
    let japan = 9 * 3_600_000;
    assert_eq!(
        begins(&unsaid, "Asia/Tokyo"),
        [(walked - japan, 540, Assumed), (slept - japan, 540, Assumed)]
    );
    let said = of_a_day(Some("America/New_York"));
    assert_eq!(begins(&said, "Asia/Tokyo"), in_new_york(FromZone));
    assert_eq!(begins(&of_a_day(Some("-04:00")), "Asia/Tokyo"), in_new_york(FromZone));
}

#[test]
fn an_account_s_profile_says_where_it_is() {
    let AccountFrom::Request(_, read) = Fitbit.account_from() else {
        panic!("it is asked for")
    };
    let zone = |profile: &str| read(profile.as_bytes()).and_then(|account| account.zone);
    for (profile, expected) in [
        (
            r#"{"user":{"encodedId":"228S74","timezone":"America/New_York","offsetFromUTCMillis":-14400000}}"#,
            Some("America/New_York"),
        ),
        (
            r#"{"user":{"encodedId":"228S74","timezone":"Mars/Olympus","offsetFromUTCMillis":-12600000}}"#,
            Some("-03:30"),
        ),
        (
            r#"{"user":{"encodedId":"228S74","offsetFromUTCMillis":32400000}}"#,
            Some("+09:00"),
        ),
        (
            r#"{"user":{"encodedId":"228S74","offsetFromUTCMillis":99999999999}}"#,
            None,
        ),
        (r#"{"user":{"encodedId":"228S74"}}"#, None),
    ] {
        assert_eq!(zone(profile).as_deref(), expected, "{profile}");
    }
}

#[test]
fn only_its_own_word_says_that_something_was_not_given() {
    let refused = |kind: &str| {
        Fitbit.refused(format!(r#"{{"errors":[{{"errorType":"{kind}","message":"no"}}],"success":false}}"#).as_bytes())
    };
    assert_eq!(refused("insufficient_scope"), Some(Refused::NotGiven));
    assert_eq!(refused("insufficient_permissions"), Some(Refused::NotGiven));
    assert_eq!(refused("request"), None);
    for other in ["", "{}", "<p>", r#"{"error":{"code":403}}"#] {
        assert_eq!(Fitbit.refused(other.as_bytes()), None, "{other}");
    }
}
