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
    assert!(request.parameters.contains(&("offset", "100".to_owned())));
    assert!(request.parameters.contains(&("afterDate", "2026-05-01".to_owned())));
    assert_eq!(Fitbit.next_page(br#"{"pagination":{"next":""}}"#), Ok(None));
    assert_eq!(
        Fitbit.next_page(br#"{"errors":[{"errorType":"system"}]}"#),
        Err(NotAnAnswer)
    );
}
