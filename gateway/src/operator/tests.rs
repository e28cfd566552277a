//! Operators see what is their organisation's and nothing else; whoever is none sees nothing.

use axum::http::StatusCode;
use consent::Purpose;
use model::RecipientId;
use store::{Actor, NewClient, NewOrganisation, NewRecipient, OrganisationKind, PurposeText, RegistrationState};

use crate::sign_in::testing::Gateway;

/// Two organisations, each with an operator and an app that waits for approval.
async fn gateway(settings: &[(&str, &str)]) -> (Gateway, [RecipientId; 2]) {
    let gateway = Gateway::start(settings).await;
    let store = &gateway.state.store;
    let first = store.organisations().await.unwrap()[0].id;
    let second = store
        .create_organisation(NewOrganisation {
            name: "となり市".to_owned(),
            kind: OrganisationKind::Municipality,
        })
        .await
        .unwrap();
    let mut recipients = Vec::new();
    for (organisation, subject, name) in [(first, "sub-3", "ひとつめ"), (second, "sub-4", "ふたつめ")] {
        store
            .create_operator(organisation, name, &gateway.issuer, subject)
            .await
            .unwrap();
        let recipient = store
            .create_recipient(NewRecipient {
                organisation,
                name_ja: format!("{name}のアプリ"),
                name_en: name.to_owned(),
                purposes: vec![PurposeText {
                    purpose: Purpose::new("points").unwrap(),
                    ja: "健康ポイント".to_owned(),
                    en: "Points".to_owned(),
                }],
                ..NewRecipient::default()
            })
            .await
            .unwrap();
        let client = NewClient {
            client_id: format!("app-{}", recipient.0),
            recipient,
            name: name.to_owned(),
            redirect_uris: vec!["https://app.example/cb".to_owned()],
            ..NewClient::default()
        };
        store.create_client(client).await.unwrap();
        recipients.push(recipient);
    }
    (gateway, [recipients[0], recipients[1]])
}

#[tokio::test]
async fn an_operator_approves_and_blocks_what_is_theirs() {
    let (gateway, [own, _]) = gateway(&[]).await;
    let mut browser = gateway.browser();
    assert_eq!(browser.sign_in_operator("operator").await.status, StatusCode::SEE_OTHER);
    let page = browser.get("/operator").await;
    assert!(
        page.body.contains("ひとつめのアプリ") && page.body.contains("確認を待っています"),
        "{}",
        page.body
    );
    assert!(
        !page.body.contains("ふたつめ") && !page.body.contains("Unknown localization"),
        "{}",
        page.body
    );
    let csrf = vec![("csrf".to_owned(), page.field("csrf"))];
    let store = &gateway.state.store;
    for (act, works) in [("approve", true), ("block", false), ("approve", true)] {
        let answer = browser.post(&format!("/operator/recipients/{own}/{act}"), &csrf).await;
        assert_eq!(answer.location(&gateway.base), "/operator");
        let client = store.client(&format!("app-{}", own.0)).await.unwrap().unwrap();
        assert_eq!(client.works(), works, "{act}");
    }
    let acts = browser.get("/operator/acts").await;
    for what in [
        "operator-signed-in",
        "recipient-approved",
        "client-approved",
        "recipient-blocked",
    ] {
        assert!(acts.body.contains(what), "{what}: {}", acts.body);
    }
    let organisation = store.organisations().await.unwrap()[0].id;
    let kept = store.acts(organisation, None, 10).await.unwrap();
    let operators = store.operators().await.unwrap();
    assert!(kept.iter().any(|(_, act)| act.by == Actor::Operator(operators[0].id)));
}

#[tokio::test]
async fn nothing_of_another_organisation_is_seen_or_moved_and_nobody_else_gets_in() {
    let (gateway, [own, other]) = gateway(&[]).await;
    let store = &gateway.state.store;
    let mut browser = gateway.browser();
    browser.sign_in_operator("operator").await;
    let csrf = vec![("csrf".to_owned(), browser.get("/operator").await.field("csrf"))];
    let foreign = vec![("csrf".to_owned(), "x".to_owned())];
    let posts = |recipient: RecipientId| {
        [
            format!("/operator/recipients/{recipient}/approve"),
            format!("/operator/recipients/{recipient}/block"),
        ]
    };
    for path in posts(other).into_iter().chain([
        "/operator/messages/1/again".to_owned(),
        "/operator/recipients/x/approve".to_owned(),
        format!("/operator/recipients/{own}/erase"),
    ]) {
        assert_eq!(browser.post(&path, &csrf).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    for path in posts(own) {
        assert_eq!(
            browser.post(&path, &foreign).await.status,
            StatusCode::FORBIDDEN,
            "{path}"
        );
    }
    // A resident, and somebody without a session: neither the pages nor the buttons.
    let mut resident = gateway.browser();
    resident.sign_in("hanako", "/portal").await;
    assert_eq!(
        gateway.browser().sign_in_operator("hanako").await.status,
        StatusCode::FORBIDDEN
    );
    for browser in [&mut resident, &mut gateway.browser()] {
        for path in ["/operator", "/operator/acts"] {
            assert_eq!(browser.get(path).await.location(&gateway.base), "/operator/sign-in");
        }
        for path in posts(own) {
            assert_eq!(
                browser.post(&path, &csrf).await.location(&gateway.base),
                "/operator/sign-in"
            );
        }
    }
    // An operator is no resident either.
    assert!(
        browser
            .get("/portal")
            .await
            .location(&gateway.base)
            .starts_with("/sign-in")
    );
    for recipient in [own, other] {
        let state = store.recipient(recipient).await.unwrap().unwrap().state;
        assert_eq!(state, RegistrationState::Proposed);
    }
}

#[tokio::test]
async fn an_operator_who_was_ended_or_signed_out_is_out_at_once() {
    let (gateway, _) = gateway(&[]).await;
    let mut browser = gateway.browser();
    browser.sign_in_operator("operator").await;
    let page = browser.get("/operator").await;
    let csrf = vec![("csrf".to_owned(), page.field("csrf"))];
    assert_eq!(
        browser.post("/operator/sign-out", &csrf).await.location(&gateway.base),
        "/signed-out"
    );
    assert_eq!(browser.get("/operator").await.status, StatusCode::SEE_OTHER);
    browser.sign_in_operator("operator").await;
    assert_eq!(browser.get("/operator").await.status, StatusCode::OK);
    let operator = gateway.state.store.operators().await.unwrap()[0].id;
    gateway.state.store.end_operator(operator).await.unwrap();
    assert_eq!(browser.get("/operator").await.status, StatusCode::SEE_OTHER);
    assert_eq!(browser.sign_in_operator("operator").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn from_elsewhere_than_the_listed_networks_there_are_no_such_pages() {
    let (gateway, _) = gateway(&[("SEKISHO_OPERATORS_NETWORKS", "10.0.0.0/8")]).await;
    for path in [
        "/operator",
        "/operator/acts",
        "/operator/sign-in",
        "/operator/callback?state=x",
    ] {
        assert_eq!(
            gateway.browser().get(path).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    let (gateway, _) = self::gateway(&[("SEKISHO_OPERATORS_NETWORKS", "10.0.0.0/8, 127.0.0.0/8")]).await;
    assert_eq!(gateway.browser().get("/operator").await.status, StatusCode::SEE_OTHER);
}
