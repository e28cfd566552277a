//! What an app may ask, and what comes of the resident's answer.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use oauth2::url::Url;

use super::house::{AGREED, CALLBACK, House, OTHER_CALLBACK, answer_of, link, parameter, way_back};
use crate::oauth::{consent, handles};
use crate::sign_in::cookies;
use crate::sign_in::testing::Browser;

#[tokio::test]
async fn an_unknown_app_or_address_ends_on_a_page_of_ours() {
    let house = House::new().await;
    for changes in [
        ("client_id", "nobody"),
        ("client_id", ""),
        ("redirect_uri", ""),
        ("redirect_uri", "https://app.example/callback/"),
        ("redirect_uri", "https://app.example/callback?x=1"),
        ("redirect_uri", "https://APP.example/callback"),
        ("redirect_uri", "https://app.example.evil.example/callback"),
        // Registered, but another client's.
        ("redirect_uri", OTHER_CALLBACK),
    ] {
        let answer = house
            .gateway
            .browser()
            .get(&link(&house.request_with(&[changes])))
            .await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{changes:?}");
        assert!(!answer.headers.contains_key(header::LOCATION), "{changes:?}");
    }
    for name in ["client_id", "redirect_uri"] {
        let mut twice = house.request();
        let again = twice.iter().find(|(known, _)| known == name).unwrap().clone();
        twice.push(again);
        let answer = house.gateway.browser().get(&link(&twice)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name} twice");
    }
}

#[tokio::test]
async fn every_other_error_goes_back_to_the_app_with_state_and_issuer() {
    let house = House::new().await;
    for (name, value, error) in [
        ("state", "", "invalid_request"),
        ("response_type", "", "invalid_request"),
        ("response_type", "token", "unsupported_response_type"),
        ("response_mode", "fragment", "invalid_request"),
        ("aud", "", "invalid_request"),
        ("aud", "https://evil.example/fhir/r4", "invalid_request"),
        ("resource", "https://evil.example/fhir/r4", "invalid_target"),
        ("code_challenge", "", "invalid_request"),
        ("code_challenge", "short", "invalid_request"),
        ("code_challenge_method", "", "invalid_request"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("scope", "", "invalid_scope"),
        ("scope", "openid offline_access", "invalid_scope"),
        ("scope", "system/Observation.rs", "invalid_scope"),
        ("scope", "patient/Observation.sr", "invalid_scope"),
        ("scope", "patient/Observation.rs \"", "invalid_scope"),
        ("purpose", "research", "invalid_request"),
        ("launch", "abc", "invalid_request"),
        ("prompt", "none", "login_required"),
        ("request", "e30.e30.", "request_not_supported"),
        (
            "request_uri",
            "https://app.example/request",
            "request_uri_not_supported",
        ),
    ] {
        let answer = house
            .gateway
            .browser()
            .get(&link(&house.request_with(&[(name, value)])))
            .await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{name}={value}");
        let there = Url::parse(&answer.location("")).unwrap();
        assert!(there.as_str().starts_with(&format!("{CALLBACK}?")), "{there}");
        assert_eq!(parameter(&there, "error").as_deref(), Some(error), "{name}={value}");
        assert_eq!(parameter(&there, "iss").as_ref(), Some(&house.gateway.base));
        let state = (name != "state").then(|| "st&te ü".to_owned());
        assert_eq!(parameter(&there, "state"), state, "{name}={value}");
    }
    let mut twice = house.request();
    twice.push(("scope".to_owned(), "patient/Patient.r".to_owned()));
    let answer = house.gateway.browser().get(&link(&twice)).await;
    let there = Url::parse(&answer.location("")).unwrap();
    assert_eq!(parameter(&there, "error").as_deref(), Some("invalid_request"));
}

#[tokio::test]
async fn a_request_may_come_as_a_form() {
    let house = House::new().await;
    let mut browser = house.gateway.browser();
    let answer = browser.post("/oauth/authorize", &house.request()).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(answer.location("").starts_with(&format!("{}?pending=", consent::PATH)));
}

#[tokio::test]
async fn agreeing_sends_a_code_back_with_state_and_issuer_and_nothing_else() {
    let house = House::new().await;
    let there = house.agree(&house.request(), AGREED).await;
    let names: Vec<_> = there.query_pairs().map(|(name, _)| name.into_owned()).collect();
    assert_eq!(names, ["code", "state", "iss"]);
    assert_eq!(parameter(&there, "state").as_deref(), Some("st&te ü"));
    assert_eq!(parameter(&there, "iss").as_ref(), Some(&house.gateway.base));
}

#[tokio::test]
async fn an_address_that_has_a_query_keeps_it() {
    let house = House::new().await;
    let other = [("client_id", "point-server"), ("redirect_uri", OTHER_CALLBACK)];
    let there = house.agree(&house.request_with(&other), AGREED).await;
    assert!(
        there.as_str().starts_with(&format!("{OTHER_CALLBACK}&code=")),
        "{there}"
    );
}

#[tokio::test]
async fn refusing_gives_nothing_and_says_so() {
    let house = House::new().await;
    let refused = [
        ("decision", "refuse"),
        ("activity", "raw"),
        ("from", "all"),
        ("until", "withdrawn"),
    ];
    let there = house.agree(&house.request(), &refused).await;
    assert_eq!(parameter(&there, "error").as_deref(), Some("access_denied"));
    assert_eq!(parameter(&there, "state").as_deref(), Some("st&te ü"));
    let person = house.person().await;
    let consents = house.gateway.state.store.person_consents(person).await.unwrap();
    assert!(consents.consents().is_empty());
}

#[tokio::test]
async fn the_way_back_after_a_form_is_a_page_and_never_a_redirect() {
    let house = House::new().await;
    for decision in ["agree", "refuse"] {
        let (mut browser, page) = house.consent_page(&house.request()).await;
        let mut fields = AGREED.to_vec();
        fields[0] = ("decision", decision);
        let answer = browser.post(consent::PATH, &answer_of(&page, &fields)).await;
        assert!(answer.headers.get(header::LOCATION).is_none());
        assert_eq!(answer.headers[header::REFERRER_POLICY], "no-referrer");
        assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
        way_back(&answer);
    }
    // What needs no form redirects as OAuth says.
    let wrong = house.request_with(&[("response_type", "token")]);
    let there = house.gateway.browser().get(&link(&wrong)).await.location("");
    assert!(
        there.starts_with(CALLBACK) && there.contains("unsupported_response_type"),
        "{there}"
    );
}

#[tokio::test]
async fn a_choice_is_reviewed_and_can_be_chosen_again_before_anything_is_given() {
    let house = House::new().await;
    let (mut browser, page) = house.consent_page(&house.request()).await;
    let mut fields = AGREED.to_vec();
    fields[0] = ("decision", "fill");
    let filled = browser.post(consent::PATH, &answer_of(&page, &fields)).await;
    assert!(filled.body.contains("name=\"sleep-detail\" value=\"raw\"") && filled.body.contains("このアプリに必要な"));
    fields[0] = ("decision", "review");
    let review = browser.post(consent::PATH, &answer_of(&page, &fields)).await;
    assert!(review.body.contains("同意して渡す"), "{}", review.body);
    let state = &house.gateway.state;
    let person = house.person().await;
    assert!(state.store.person_consents(person).await.unwrap().consents().is_empty());
    let again = browser
        .post(consent::PATH, &answer_of(&review, &[("decision", "choose")]))
        .await;
    assert!(again.body.contains("name=\"activity\" value=\"yes\"") && again.body.contains("確認へ進む"));
    let checked = again.body.split("name=\"activity\" value=\"yes\"").nth(1).unwrap();
    assert!(
        checked.split('>').next().unwrap().contains("checked"),
        "what was chosen stays chosen"
    );
    let answer = browser
        .post(consent::PATH, &answer_of(&review, &[("decision", "agree")]))
        .await;
    assert!(parameter(&way_back(&answer), "code").is_some());
    assert_eq!(state.store.person_consents(person).await.unwrap().consents().len(), 1);
}

/// A session that began so many minutes ago.
async fn old_session(house: &House, browser: &mut Browser<'_>, minutes: i64) {
    let state = &house.gateway.state;
    let text = handles::Handle::new(&*state.randomness).text;
    let issued = state.clock.now().plus(-minutes * 60_000);
    let record = store::SessionRecord {
        person: house.person().await,
        issuer: house.gateway.issuer.clone(),
        assurance: None,
        language: ::consent::Language::Ja,
        issued,
        acting_for: None,
        expires: issued.plus(3_600_000),
    };
    state.store.save_session(handles::hash(&text), record).await.unwrap();
    browser
        .cookies
        .insert(cookies::secret_name(cookies::SESSION, false), text);
}

#[tokio::test]
async fn sensitive_data_is_given_after_a_fresh_sign_in_that_loses_nothing_that_was_chosen() {
    let house = House::new().await;
    let mut browser = house.gateway.browser();
    old_session(&house, &mut browser, 10).await;
    let asked = browser.get(&link(&house.request())).await.location(&house.gateway.base);
    let page = browser.get(&asked).await;
    let mut fields = AGREED.to_vec();
    fields.push(("heart", "daily"));
    let answer = browser.post(consent::PATH, &answer_of(&page, &fields)).await;
    assert!(
        answer.body.contains("もう一度、本人確認をしてください"),
        "{}",
        answer.body
    );
    let person = house.person().await;
    let state = &house.gateway.state;
    assert!(state.store.person_consents(person).await.unwrap().consents().is_empty());
    assert!(answer.body.contains("/sign-in/start?fresh=yes"));
    // Signs in anew: the second page shows with what was chosen.
    browser.sign_in("hanako", &asked).await;
    let review = browser.get(&asked).await;
    assert!(review.body.contains("・脈拍・心電図"), "{}", review.body);
    let answer = browser
        .post(consent::PATH, &answer_of(&review, &[("decision", "agree")]))
        .await;
    assert!(parameter(&way_back(&answer), "code").is_some());
    // What is not sensitive does not ask for it.
    let mut browser = house.gateway.browser();
    old_session(&house, &mut browser, 11).await;
    let asked = browser.get(&link(&house.request())).await.location(&house.gateway.base);
    let page = browser.get(&asked).await;
    way_back(&browser.post(consent::PATH, &answer_of(&page, AGREED)).await);
}

#[tokio::test]
async fn prompt_login_and_max_age_ask_for_a_sign_in_of_their_time() {
    let house = House::new().await;
    for (change, minutes, is_asked) in [
        (("prompt", "login"), 1, true),
        (("max_age", "0"), 1, true),
        (("max_age", "120"), 5, true),
        (("max_age", "600"), 5, false),
        (("prompt", "consent"), 5, false),
    ] {
        let mut browser = house.gateway.browser();
        old_session(&house, &mut browser, minutes).await;
        let asked = browser
            .get(&link(&house.request_with(&[change])))
            .await
            .location(&house.gateway.base);
        let page = browser.get(&asked).await;
        if !is_asked {
            assert_eq!(page.status, StatusCode::OK, "{change:?}");
            continue;
        }
        let again = page.location(&house.gateway.base);
        assert!(again.starts_with("/sign-in/start?fresh=yes"), "{change:?}: {again}");
        let provider = browser.get(&again).await.location("");
        assert!(provider.contains("prompt=login"), "{provider}");
        browser.sign_in("hanako", &asked).await;
        assert_eq!(browser.get(&asked).await.status, StatusCode::OK, "{change:?}");
    }
    let wrong = house.request_with(&[("max_age", "soon")]);
    let there = house.gateway.browser().get(&link(&wrong)).await.location("");
    assert!(there.contains("invalid_request"), "{there}");
}

#[tokio::test]
async fn a_request_is_answered_once() {
    let house = House::new().await;
    let (mut browser, page) = house.consent_page(&house.request()).await;
    let answer = answer_of(&page, AGREED);
    assert_eq!(browser.post(consent::PATH, &answer).await.status, StatusCode::OK);
    let again = browser.post(consent::PATH, &answer).await;
    assert_eq!(again.status, StatusCode::GONE);
    let person = house.person().await;
    let consents = house.gateway.state.store.person_consents(person).await.unwrap();
    assert_eq!(consents.consents().len(), 1);
    assert_eq!(consents.consents()[0].version, 1);
}

#[tokio::test]
async fn an_answer_from_a_foreign_page_changes_nothing() {
    let house = House::new().await;
    let (mut browser, page) = house.consent_page(&house.request()).await;
    let mut forged = answer_of(&page, AGREED);
    for (name, value) in &mut forged {
        if name == "csrf" {
            *value = "x".repeat(value.len());
        }
    }
    assert_eq!(browser.post(consent::PATH, &forged).await.status, StatusCode::FORBIDDEN);
    // The request is still there for the resident's own answer.
    let own = answer_of(&page, AGREED);
    way_back(&browser.post(consent::PATH, &own).await);
}

#[tokio::test]
async fn an_answer_to_what_was_not_asked_is_not_taken() {
    let house = House::new().await;
    let narrow = house.request_with(&[(
        "scope",
        "patient/Observation.rs?category=https://sekisho.example/fhir/CodeSystem/consent-category|activity",
    )]);
    let (mut browser, page) = house.consent_page(&narrow).await;
    let answer = browser.post(consent::PATH, &answer_of(&page, AGREED)).await;
    assert_eq!(
        answer.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "sleep was not asked for"
    );
    let person = house.person().await;
    let consents = house.gateway.state.store.person_consents(person).await.unwrap();
    assert!(consents.consents().is_empty());
}

#[tokio::test]
async fn an_answer_after_the_session_ended_begins_again_without_losing_the_request() {
    let house = House::new().await;
    let (mut browser, page) = house.consent_page(&house.request()).await;
    browser.cookies.clear();
    let answer = browser.post(consent::PATH, &answer_of(&page, AGREED)).await;
    assert_eq!(
        answer.location(""),
        format!("{}?pending={}", consent::PATH, page.field("pending"))
    );
}

#[tokio::test]
async fn discovery_lies_where_apps_look_for_it_and_names_no_relative_address() {
    let house = House::new().await;
    for path in [
        "/.well-known/smart-configuration",
        "/fhir/r4/.well-known/smart-configuration",
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
    ] {
        let request = Request::get(path)
            .header(header::ACCEPT, "text/html")
            .body(Body::empty())
            .unwrap();
        let told = house.send(request).await;
        assert_eq!(told.status, StatusCode::OK, "{path}");
        assert_eq!(told.headers[header::CONTENT_TYPE], "application/json");
        assert_eq!(told.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        assert_eq!(
            told.text("token_endpoint"),
            format!("{}/oauth/token", house.gateway.base)
        );
        assert_eq!(
            told.body["code_challenge_methods_supported"],
            serde_json::json!(["S256"])
        );
        for (name, value) in told.body.as_object().unwrap() {
            if name.ends_with("_endpoint") {
                assert!(value.as_str().unwrap().starts_with(&house.gateway.base), "{name}");
            }
        }
        // S-084: one issuer, in every document and in the ID token.
        assert_eq!(told.text("issuer"), house.gateway.base, "{path}");
        assert_eq!(
            told.text("jwks_uri"),
            format!("{}/.well-known/jwks.json", house.gateway.base)
        );
        // OpenID Connect Discovery 3: when it is absent it means true.
        assert_eq!(told.body["request_uri_parameter_supported"], false);
    }
}
