use axum::http::StatusCode;

use super::testing::Gateway;

#[tokio::test]
async fn a_resident_signs_in_and_comes_back_to_the_page_they_wanted() {
    let gateway = Gateway::start(&[]).await;
    let mut browser = gateway.browser();
    let asked = browser.get("/portal?before=7").await.location(&gateway.base);
    assert_eq!(asked, "/sign-in?return_to=%2Fportal%3Fbefore%3D7");
    let page = browser.get(&asked).await;
    assert!(
        page.body
            .contains("href=\"/sign-in/start?return_to=%2Fportal%3Fbefore%3D7\""),
        "{}",
        page.body
    );
    let answer = browser.sign_in("hanako", "/portal?before=7").await;
    assert_eq!(answer.location(&gateway.base), "/portal?before=7");
    let portal = browser.get("/portal").await;
    assert_eq!(portal.status, StatusCode::OK);
    assert!(portal.body.contains("関所 花子"), "{}", portal.body);
    assert_eq!(browser.cookies.keys().collect::<Vec<_>>(), ["sekisho-session"]);
    // Somebody who is signed in is not asked again.
    assert_eq!(
        browser.get("/sign-in?return_to=/portal").await.location(&gateway.base),
        "/portal"
    );
}

#[tokio::test]
async fn nobody_is_signed_in_by_a_link_that_began_in_another_browser() {
    let gateway = Gateway::start(&[]).await;
    let back = gateway.browser().log_in("hanako", "/portal").await;
    let mut victim = gateway.browser();
    let refused = victim.get(&back).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    // Nor by one whose browser has begun a sign-in of its own.
    let back = gateway.browser().log_in("hanako", "/portal").await;
    victim.get("/sign-in/start").await;
    assert_eq!(victim.get(&back).await.status, StatusCode::BAD_REQUEST);
    assert!(!victim.cookies.contains_key("sekisho-session"));
}

#[tokio::test]
async fn two_tabs_can_sign_in_at_once_and_no_answer_works_twice() {
    let gateway = Gateway::start(&[]).await;
    let mut browser = gateway.browser();
    let first = browser.log_in("hanako", "/portal").await;
    let second = browser.log_in("hanako", "/portal?done=x").await;
    let marks = browser.cookies.clone();
    assert_eq!(browser.get(&second).await.location(&gateway.base), "/portal?done=x");
    browser.cookies = marks;
    assert_eq!(browser.get(&first).await.location(&gateway.base), "/portal");
    let mut again = browser.clone();
    assert_eq!(again.get(&first).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_answer_of_another_issuer_a_refusal_and_a_made_up_code_sign_nobody_in() {
    let gateway = Gateway::start(&[]).await;
    let state = |back: &str| {
        back.split('&')
            .find(|part| part.starts_with("state="))
            .unwrap()
            .to_owned()
    };
    let mut browser = gateway.browser();
    let back = browser.log_in("hanako", "/portal").await;
    let other = back.replace("demo-idp", "other-idp");
    assert_ne!(other, back);
    assert_eq!(browser.get(&other).await.status, StatusCode::BAD_REQUEST);
    let sent = state(&browser.log_in("hanako", "/portal").await);
    let cancelled = browser
        .get(&format!("/sign-in/callback?error=access_denied&{sent}"))
        .await;
    assert!(cancelled.status == StatusCode::OK && cancelled.body.contains("途中で終わりました"));
    let sent = state(&browser.log_in("hanako", "/portal").await);
    assert_eq!(
        browser
            .get(&format!("/sign-in/callback?code=made-up&{sent}"))
            .await
            .status,
        StatusCode::BAD_REQUEST
    );
    assert!(!browser.cookies.contains_key("sekisho-session"));
}

#[tokio::test]
async fn who_is_nobody_here_is_told_whom_to_ask_or_becomes_a_person_of_the_configured_organisation() {
    let gateway = Gateway::start(&[]).await;
    let mut browser = gateway.browser();
    let answer = browser.sign_in("jiro", "/portal").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.body.contains("窓口で"), "{}", answer.body);
    assert!(!browser.cookies.contains_key("sekisho-session"));

    let gateway = Gateway::start(&[("SEKISHO_SIGN_IN_ORGANISATION", "1")]).await;
    for _ in 0..2 {
        let mut browser = gateway.browser();
        browser.sign_in("jiro", "/portal").await;
        assert!(browser.get("/portal").await.body.contains("関所 次郎"));
    }
    assert_eq!(gateway.state.store.people(None, 10).await.unwrap().len(), 2);
}

#[tokio::test]
async fn after_signing_in_nobody_is_sent_to_another_host() {
    let gateway = Gateway::start(&[]).await;
    for elsewhere in ["https://evil.example/", "//evil.example", "/\\evil.example", "evil", ""] {
        let mut browser = gateway.browser();
        let answer = browser.sign_in("hanako", elsewhere).await;
        assert_eq!(answer.location(&gateway.base), "/portal", "{elsewhere}");
        let mut reader = gateway.browser();
        let switch = reader.get(&format!("/language/en?return_to={elsewhere}")).await;
        assert_eq!(switch.location(&gateway.base), "/portal", "{elsewhere}");
    }
}

#[tokio::test]
async fn signing_out_needs_the_form_of_the_session_and_ends_it_for_good() {
    let gateway = Gateway::start(&[]).await;
    let mut browser = gateway.browser();
    browser.sign_in("hanako", "/portal").await;
    let csrf = browser.get("/portal").await.field("csrf");
    let form = |csrf: &str| vec![("csrf".to_owned(), csrf.to_owned())];
    assert_eq!(
        browser.post("/sign-out", &form("wrong")).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(browser.post("/sign-out", &[]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.get("/portal").await.status, StatusCode::OK);
    let kept = browser.cookies.clone();
    assert_eq!(
        browser.post("/sign-out", &form(&csrf)).await.location(&gateway.base),
        "/signed-out"
    );
    assert!(browser.cookies.is_empty());
    browser.cookies = kept;
    assert_eq!(browser.get("/portal").await.status, StatusCode::SEE_OTHER);
    // Another session has another token.
    browser.sign_in("hanako", "/portal").await;
    assert_ne!(browser.get("/portal").await.field("csrf"), csrf);
}

#[tokio::test]
async fn without_a_provider_and_with_one_that_does_not_answer_the_page_says_so() {
    let gateway = Gateway::start(&[("SEKISHO_SIGN_IN_ISSUER", "")]).await;
    let page = gateway.browser().get("/sign-in").await;
    assert!(page.status == StatusCode::SERVICE_UNAVAILABLE && page.body.contains("用意がまだできていません"));
    let gateway = Gateway::start(&[("SEKISHO_SIGN_IN_ISSUER", "http://127.0.0.1:1/idp")]).await;
    let page = gateway.browser().get("/sign-in/start").await;
    assert!(page.status == StatusCode::SERVICE_UNAVAILABLE && page.body.contains("今はログインできません"));
}

/// A second provider beside the first, as a national one asks for it.
fn national(base: &str) -> String {
    format!(
        "[sign_in.national]\nissuer = \"{base}/national-idp\"\nclient_id = \"RP1\"\nclient_authentication = \"private_key_jwt\"\n\
         scopes = \"openid profile\"\nacr_values = \"aal3\"\norganisation = 1\nname_ja = \"国のアプリ\"\nname_en = \"National app\"\n"
    )
}

#[tokio::test]
async fn a_resident_chooses_among_the_providers_and_signs_in_anew_where_they_did_before() {
    let gateway = Gateway::start_with(&[], national).await;
    let mut browser = gateway.browser();
    let page = browser.get("/sign-in?return_to=/portal").await;
    assert!(
        page.body.contains("国のアプリ") && page.body.contains("サインイン"),
        "{}",
        page.body
    );
    // Without a choice the page comes back.
    assert!(browser.get("/sign-in/start").await.body.contains("with=national"));
    let link = "/sign-in/start?return_to=%2Fportal&with=national";
    let back = browser.log_in_from("jiro", link).await;
    assert_eq!(browser.get(&back).await.location(&gateway.base), "/portal");
    assert!(browser.get("/portal").await.body.contains("関所 次郎"));
    let person = gateway
        .state
        .store
        .person_by_identity(&format!("{}/national-idp", gateway.base), "ppid-7")
        .await
        .unwrap()
        .unwrap();
    let person = gateway.state.store.person(person).await.unwrap().unwrap();
    assert_eq!(person.custodian.0, 1);
    // A fresh sign-in goes to the same provider without asking again.
    let again = browser.get("/sign-in/start?fresh=yes").await.location(&gateway.base);
    assert!(again.starts_with("/national-idp/authorize?"), "{again}");
    assert!(
        again.contains("acr_values=aal3") && again.contains("prompt=login"),
        "{again}"
    );
    // The first provider still works, and knows its own people.
    let mut other = gateway.browser();
    let back = other.log_in_from("hanako", "/sign-in/start?with=").await;
    assert_eq!(other.get(&back).await.location(&gateway.base), "/portal");
}

#[tokio::test]
async fn an_answer_of_one_provider_is_not_taken_for_anothers() {
    let gateway = Gateway::start_with(&[], national).await;
    let mut browser = gateway.browser();
    let back = browser.log_in_from("hanako", "/sign-in/start?with=").await;
    let mixed = back.replace("demo-idp", "national-idp");
    assert_ne!(mixed, back);
    assert_eq!(browser.get(&mixed).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_provider_that_knows_another_key_or_states_another_level_signs_nobody_in() {
    for (from, to) in [("RP1", "RP2"), ("private_key_jwt", "secret"), ("aal3", "aal4")] {
        let gateway = Gateway::start_with(&[], |base| national(base).replace(from, to)).await;
        let mut browser = gateway.browser();
        let link = "/sign-in/start?with=national";
        let start = browser.get(link).await.location(&gateway.base);
        if from == "RP1" {
            assert_eq!(browser.get(&start).await.status, StatusCode::BAD_REQUEST);
            continue;
        }
        let back = browser.log_in_from("jiro", link).await;
        assert_eq!(browser.get(&back).await.status, StatusCode::BAD_REQUEST, "{from}");
        assert!(!browser.cookies.contains_key("sekisho-session"), "{from}");
    }
}
