use consent::OwnAccess;
use model::PersonId;

use super::*;
use crate::sign_in::testing::{Browser, Gateway};

fn fields(csrf: String, more: &[(&str, &str)]) -> Vec<(String, String)> {
    let more = more
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    std::iter::once(("csrf".to_owned(), csrf)).chain(more).collect()
}

async fn operator<'a>(gateway: &'a Gateway) -> Browser<'a> {
    let store = &gateway.state.store;
    let organisation = store.organisations().await.unwrap()[0].id;
    store
        .create_operator(organisation, "担当 一", &gateway.issuer, "sub-3")
        .await
        .unwrap();
    let mut browser = gateway.browser();
    browser.sign_in_operator("operator").await;
    browser
}

#[tokio::test]
async fn a_resident_asks_the_operator_answers_and_both_see_it() {
    let gateway = Gateway::start(&[("SEKISHO_SIGN_IN_ORGANISATION", "1")]).await;
    let mut hanako = gateway.browser();
    hanako.sign_in("hanako", PATH).await;
    let page = hanako.get(PATH).await;
    assert!(!page.body.contains("Unknown localization"), "{}", page.body);
    let csrf = page.field("csrf");
    for (sent, done) in [
        (&[("kind", "nothing")][..], "kind"),
        (&[("kind", "correction"), ("text", "名前の字がちがいます")][..], "filed"),
    ] {
        let answer = hanako.post(PATH, &fields(csrf.clone(), sent)).await;
        assert_eq!(answer.location(&gateway.base), format!("{PATH}?done={done}"));
    }
    assert_eq!(
        hanako.get(&format!("{PATH}?done=kind")).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let foreign = hanako
        .post(PATH, &fields("x".to_owned(), &[("kind", "correction")]))
        .await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);

    let mut operator = operator(&gateway).await;
    let list = operator.get("/operator/requests").await;
    assert!(
        list.body.contains("名前の字がちがいます") && list.body.contains("関所 花子"),
        "{}",
        list.body
    );
    let csrf_operator = list.field("csrf");
    let refused = operator
        .post(
            "/operator/requests/1",
            &fields(csrf_operator.clone(), &[("state", "refused")]),
        )
        .await;
    assert_eq!(refused.location(&gateway.base), "/operator/requests?problem=reason");
    let done = fields(csrf_operator.clone(), &[("state", "done"), ("answer", "なおしました")]);
    let answer = operator.post("/operator/requests/1", &done).await;
    assert_eq!(answer.location(&gateway.base), "/operator/requests");
    let again = operator.post("/operator/requests/1", &done).await;
    assert_eq!(again.location(&gateway.base), "/operator/requests?problem=over");
    let unknown = operator.post("/operator/requests/2", &done).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);

    let page = hanako.get(PATH).await;
    assert!(
        page.body.contains("なおしました") && !page.body.contains("take-back"),
        "{}",
        page.body
    );
    let mut jiro = gateway.browser();
    jiro.sign_in("jiro", PATH).await;
    let page = jiro.get(PATH).await;
    assert!(!page.body.contains("なおしました"), "{}", page.body);
    let taken = jiro
        .post(&format!("{PATH}/1/take-back"), &fields(page.field("csrf"), &[]))
        .await;
    assert_eq!(taken.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn deletion_is_asked_for_after_a_fresh_sign_in_and_can_be_taken_back() {
    let gateway = Gateway::start(&[]).await;
    let mut hanako = gateway.browser();
    hanako.sign_in("hanako", PATH).await;
    let person: PersonId = gateway.state.store.people(None, 1).await.unwrap()[0].id;
    let csrf = hanako.get(PATH).await.field("csrf");
    let asked = fields(csrf.clone(), &[("kind", "deletion")]);
    let answer = hanako.post(PATH, &asked).await;
    assert_eq!(answer.location(&gateway.base), format!("{PATH}?done=filed"));
    let taken = hanako.post(&format!("{PATH}/1/take-back"), &fields(csrf, &[])).await;
    assert_eq!(taken.location(&gateway.base), format!("{PATH}?done=taken-back"));
    let requests = gateway
        .state
        .store
        .own_requests(&OwnAccess::of_signed_in(person))
        .await
        .unwrap();
    assert_eq!(requests[0].state, RequestState::TakenBack);

    let text = crate::oauth::handles::Handle::new(&*gateway.state.randomness).text;
    let issued = gateway.state.clock.now().plus(-10 * 60_000);
    let record = store::SessionRecord {
        person,
        issuer: gateway.issuer.clone(),
        assurance: None,
        language: Language::Ja,
        issued,
        acting_for: None,
        expires: issued.plus(3_600_000),
    };
    let hash = crate::oauth::handles::hash(&text);
    gateway.state.store.save_session(hash, record).await.unwrap();
    use crate::sign_in::cookies;
    let mut old = gateway.browser();
    old.cookies.insert(cookies::secret_name(cookies::SESSION, false), text);
    let csrf = old.get(PATH).await.field("csrf");
    let answer = old.post(PATH, &fields(csrf, &[("kind", "deletion")])).await;
    assert!(
        answer.status == StatusCode::OK && answer.body.contains("fresh=yes"),
        "{}",
        answer.body
    );
}
