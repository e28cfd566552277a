use axum::http::StatusCode;
use consent::{OwnAccess, Relationship};
use model::PersonId;
use store::{Actor, NewPerson, NewRepresentation};

use crate::portal::consents::tests::shared;
use crate::sign_in::testing::{Browser, Gateway};

/// Hanako, who has a consent, and jiro who may act for her.
async fn family(relationship: Relationship, decides: bool) -> (Gateway, consent::Consent, PersonId, i64) {
    let (gateway, consent) = shared().await;
    let store = &gateway.state.store;
    let jiro = NewPerson {
        name: Some("関所 次郎".to_owned()),
        ..NewPerson::default()
    };
    let jiro = store.create_person(jiro).await.unwrap();
    store.link_identity(jiro, &gateway.issuer, "sub-2").await.unwrap();
    let right = NewRepresentation {
        person: consent.person,
        actor: jiro,
        relationship,
        decides,
        until: None,
        document: "委任状 1".to_owned(),
    };
    let right = store.add_representation(right, Actor::CommandLine).await.unwrap();
    (gateway, consent, jiro, right)
}

fn fields(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// Signs jiro in and begins to act for a person.
async fn acting<'a>(gateway: &'a Gateway, person: PersonId) -> (Browser<'a>, String) {
    let mut browser = gateway.browser();
    browser.sign_in("jiro", "/portal").await;
    let csrf = browser.get("/portal/people").await.field("csrf");
    let person = person.0.to_string();
    let form = fields(&[("csrf", &csrf), ("person", &person), ("return_to", "/portal")]);
    let began = browser.post("/portal/act-for", &form).await;
    assert_eq!(began.location(&gateway.base), "/portal");
    (browser, csrf)
}

#[tokio::test]
async fn a_parent_sees_the_childs_pages_under_a_banner_and_what_they_do_is_told() {
    let (gateway, consent, jiro, _) = family(Relationship::Parent, true).await;
    let mut browser = gateway.browser();
    browser.sign_in("jiro", "/portal").await;
    assert!(!browser.get("/portal").await.body.contains("関所 花子"));
    let people = browser.get("/portal/people").await.body;
    assert!(people.contains("関所 花子さんの代わりに操作する"), "{people}");
    let (mut browser, csrf) = acting(&gateway, consent.person).await;
    let page = browser.get("/portal").await.body;
    assert!(page.contains("関所 花子さんの代わりに操作しています。"), "{page}");
    let withdraw = format!("/portal/consents/{}/withdraw", consent.id.0);
    let answer = browser.post(&withdraw, &fields(&[("csrf", &csrf)])).await;
    assert_eq!(answer.location(&gateway.base), "/portal?done=withdrawn");
    let own = OwnAccess::of_signed_in(consent.person);
    let kept = &gateway.state.store.consents(&own).await.unwrap()[0];
    let by = kept.withdrawn_by.unwrap();
    assert_eq!((by.person, by.relationship), (jiro, Relationship::Parent));
    let receipt = format!("/portal/consents/{}/receipts/{}-2", consent.id.0, consent.id);
    assert!(browser.get(&receipt).await.body.contains("親権者"));
    // Deletion is nothing that somebody else asks for on a page.
    let ask = fields(&[("csrf", &csrf), ("kind", "deletion"), ("text", "")]);
    let refused = browser.post("/portal/requests", &ask).await;
    assert!(
        refused.status == StatusCode::FORBIDDEN && refused.body.contains("窓口で書類を"),
        "{}",
        refused.body
    );
    assert!(gateway.state.store.own_requests(&own).await.unwrap().is_empty());
    // Back to one's own pages.
    let back = browser
        .post("/portal/act-for", &fields(&[("csrf", &csrf), ("person", "")]))
        .await;
    assert_eq!(back.location(&gateway.base), "/portal");
    let page = browser.get("/portal").await.body;
    assert!(page.contains("関所 次郎") && !page.contains("関所 花子"), "{page}");
}

#[tokio::test]
async fn who_may_only_see_changes_nothing() {
    let (gateway, consent, ..) = family(Relationship::Proxy, false).await;
    let (mut browser, csrf) = acting(&gateway, consent.person).await;
    let detail = format!("/portal/consents/{}", consent.id.0);
    assert_eq!(browser.get(&detail).await.status, StatusCode::OK);
    for path in ["withdraw", "narrow", "undo", "again"] {
        let answer = browser
            .post(&format!("{detail}/{path}"), &fields(&[("csrf", &csrf)]))
            .await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        assert!(answer.body.contains("見ることだけ"), "{path}: {}", answer.body);
    }
    // Leaving works.
    let left = browser.post("/sign-out", &fields(&[("csrf", &csrf)])).await;
    assert_eq!(left.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_right_that_ends_shows_nothing_from_then_on_and_nobody_acts_without_one() {
    let (gateway, consent, jiro, right) = family(Relationship::Proxy, true).await;
    let (mut browser, csrf) = acting(&gateway, consent.person).await;
    let mut hanako = gateway.browser();
    hanako.sign_in("hanako", "/portal").await;
    let page = hanako.get("/portal/people").await;
    assert!(page.body.contains("関所 次郎さんに任せるのをやめる"), "{}", page.body);
    // Hanako may not act for jiro.
    let own = page.field("csrf");
    let other = jiro.0.to_string();
    let refused = hanako
        .post("/portal/act-for", &fields(&[("csrf", &own), ("person", &other)]))
        .await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
    let ended = hanako
        .post(&format!("/portal/people/{right}/end"), &fields(&[("csrf", &own)]))
        .await;
    assert_eq!(ended.location(&gateway.base), "/portal/people");
    let page = browser.get("/portal").await.body;
    assert!(page.contains("関所 次郎") && !page.contains("関所 花子"), "{page}");
    let withdraw = format!("/portal/consents/{}/withdraw", consent.id.0);
    let answer = browser.post(&withdraw, &fields(&[("csrf", &csrf)])).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_fresh_sign_in_goes_on_for_the_same_person() {
    let (gateway, consent, ..) = family(Relationship::Guardian, true).await;
    let (mut browser, _) = acting(&gateway, consent.person).await;
    let back = browser
        .log_in_from("jiro", "/sign-in/start?fresh=yes&return_to=%2Fportal")
        .await;
    assert_eq!(browser.get(&back).await.location(&gateway.base), "/portal");
    assert!(browser.get("/portal").await.body.contains("関所 花子さんの代わりに"));
    // Another who signs in in the same browser does not.
    let back = browser
        .log_in_from("hanako", "/sign-in/start?fresh=yes&return_to=%2Fportal")
        .await;
    browser.get(&back).await;
    assert!(!browser.get("/portal").await.body.contains("代わりに操作しています"));
}
