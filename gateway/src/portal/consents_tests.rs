use std::sync::Arc;

use axum::http::StatusCode;
use consent::{DataPeriod, Detail, IdentityGrant, Language, Purpose, Request, Sources, decide};
use model::{ConsentCategory, LocalDay, OrganisationId, PersonId};
use store::{AccessDraft, AccessItem, AccessKind, NewRecipient, PurposeText};

use super::*;
use crate::sign_in::testing::Gateway;

/// A gateway where hanako has agreed to share her steps, with one record of what was shared.
pub async fn shared() -> (Gateway, Consent) {
    shared_at(Gateway::start(&[]).await).await
}

async fn shared_at(gateway: Gateway) -> (Gateway, Consent) {
    let store = &gateway.state.store;
    let purpose = Purpose::new("health-points").unwrap();
    let text = PurposeText {
        purpose: purpose.clone(),
        ja: "健康ポイントの計算".to_owned(),
        en: "Points".to_owned(),
    };
    let recipient = NewRecipient {
        organisation: OrganisationId(1),
        name_ja: "関所市 健康ポイント事業".to_owned(),
        name_en: "Sekisho City points".to_owned(),
        purposes: vec![text],
        state: store::RegistrationState::Approved,
        ..NewRecipient::default()
    };
    let recipient = store.create_recipient(recipient).await.unwrap();
    let person = store
        .person_by_identity(&gateway.issuer, "sub-1")
        .await
        .unwrap()
        .unwrap();
    let grant = Grant {
        category: ConsentCategory::Activity,
        sources: Sources::All,
        period: DataPeriod {
            from: LocalDay::from_ymd(2026, 5, 10),
            until: None,
        },
        detail: Detail::Daily,
        running_day: true,
        expires: None,
    };
    let draft = ConsentDraft {
        person,
        recipient,
        purpose,
        asked: AskedFor {
            grants: vec![grant.clone()],
            identity: IdentityGrant::NOTHING,
        },
        grants: vec![grant],
        identity: IdentityGrant::NOTHING,
        language: Language::Ja,
        text: "歩数を渡します".to_owned(),
        text_hash: crate::oauth::handles::hash("歩数を渡します"),
        how: HowGiven::SignedIn {
            issuer: gateway.issuer.clone(),
            assurance: None,
            acting: None,
        },
    };
    let consent = store.give_consent(draft).await.unwrap();
    for _ in 0..3 {
        access(&gateway, person, &consent).await.unwrap();
    }
    (gateway, consent)
}

async fn access(gateway: &Gateway, person: PersonId, consent: &Consent) -> Result<u64, StoreError> {
    let consents = gateway.state.store.person_consents(person).await?;
    let request = Request {
        person,
        recipient: consent.recipient,
        consent: consent.id,
    };
    let decision = decide(&request, &Arc::clone(&consents), gateway.state.clock.now());
    let item = AccessItem {
        category: ConsentCategory::Activity,
        detail: Detail::Daily,
        first_day: LocalDay::from_ymd(2026, 5, 10).unwrap(),
        last_day: LocalDay::from_ymd(2026, 5, 31).unwrap(),
        count: 22,
    };
    let draft = AccessDraft {
        client_id: "app".to_owned(),
        what: AccessKind::Search,
        items: vec![item],
        identity: IdentityGrant {
            age_band_and_sex: true,
            ..IdentityGrant::NOTHING
        },
        reader: "栄養士 一号".to_owned(),
        request_id: "r".to_owned(),
    };
    gateway.state.store.record_access(&decision, draft).await
}

fn withdrawal(consent: &Consent) -> String {
    format!("/portal/consents/{}/withdraw", consent.id.0)
}

#[tokio::test]
async fn after_a_withdrawal_the_page_asks_about_links_that_nobody_is_given_anything_of() {
    let with = |category| {
        let covers = |cloud: &&&dyn adapters::cloud::Cloud| !cloud.coverage().metrics_of(category).is_empty();
        adapters::clouds().iter().find(covers).unwrap().name()
    };
    let vendor = with(ConsentCategory::Activity);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let file = format!("[links.{vendor}]\nclient_id = \"a-client\"\n");
    let gateway = Gateway::start_at(listener, &[], file, Arc::new(crate::environment::MachineClock)).await;
    let (gateway, consent) = shared_at(gateway).await;
    let own = consent::OwnAccess::of_signed_in(consent.person);
    let link = store::NewLink {
        vendor: vendor.to_owned(),
        account: "hanako".to_owned(),
        scopes: Vec::new(),
        zone: None,
        tokens: store::LinkTokens {
            access: "a".to_owned(),
            refresh: None,
            expires: 0,
        },
        continues: None,
    };
    let link = gateway.state.store.connect_link(&own, link).await.unwrap();
    let mut browser = gateway.browser();
    browser.sign_in("hanako", "/portal").await;
    let question = "つながりもやめますか";
    assert!(
        !browser.get("/portal?done=withdrawn").await.body.contains(question),
        "somebody is given it"
    );
    let csrf = vec![("csrf".to_owned(), browser.get("/portal").await.field("csrf"))];
    browser.post(&withdrawal(&consent), &csrf).await;
    assert!(!browser.get("/portal").await.body.contains(question), "asked once");
    let page = browser.get("/portal?done=withdrawn").await.body;
    assert!(page.contains(question), "{page}");
    let end = format!("/portal/links/{}/end", link.id);
    assert!(page.contains(&end), "{page}");
    browser.post(&end, &csrf).await;
    assert!(!browser.get("/portal?done=withdrawn").await.body.contains(question));
}

#[tokio::test]
async fn the_page_says_to_whom_for_what_what_how_finely_from_when_until_when_and_what_was_shared() {
    let (gateway, _) = shared().await;
    let mut browser = gateway.browser();
    browser.sign_in("hanako", "/portal").await;
    let page = browser.get("/portal").await;
    for text in [
        "関所市 健康ポイント事業",
        "健康ポイントの計算",
        "歩数・運動",
        "1日ごとのまとめだけ（途中の数も）",
        "2026年5月10日の分から",
        "あなたがやめるまで",
        "「歩数・運動」（1日ごとのまとめだけ）を受け取りました。",
        "データの日付：2026年5月10日から2026年5月31日まで。3回、あわせて66件",
        "「年代と性別だけ（例：70代・女性）」を受け取りました。",
        "（読んだ人：栄養士 一号）",
        "渡すのをやめる",
    ] {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    assert!(!page.body.contains("Unknown localization") && !page.body.contains("まだ渡していません"));
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains("form-action 'self';") && policy.contains("frame-ancestors 'none'"),
        "{policy}"
    );
    assert_eq!(page.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn one_button_withdraws_and_the_next_access_is_refused() {
    let (gateway, consent) = shared().await;
    let mut browser = gateway.browser();
    browser.sign_in("hanako", "/portal").await;
    let csrf = vec![("csrf".to_owned(), browser.get("/portal").await.field("csrf"))];
    let answer = browser.post(&withdrawal(&consent), &csrf).await;
    assert_eq!(answer.location(&gateway.base), "/portal?done=withdrawn");
    let page = browser.get("/portal?done=withdrawn").await;
    assert!(page.body.contains("やめました。これから先は"), "{}", page.body);
    assert!(page.body.contains("今は、だれにも渡していません。") && !page.body.contains("button stop"));
    assert!(access(&gateway, consent.person, &consent).await.is_err());
    let again = browser.post(&withdrawal(&consent), &csrf).await;
    assert_eq!(again.location(&gateway.base), "/portal?done=already");
}

#[tokio::test]
async fn a_foreign_form_and_a_foreign_person_withdraw_nothing() {
    let (gateway, consent) = shared().await;
    let mut browser = gateway.browser();
    browser.sign_in("hanako", "/portal").await;
    for csrf in ["", "wrong"] {
        let form = vec![("csrf".to_owned(), csrf.to_owned())];
        assert_eq!(
            browser.post(&withdrawal(&consent), &form).await.status,
            StatusCode::FORBIDDEN
        );
    }
    let jiro = gateway
        .state
        .store
        .create_person(store::NewPerson::default())
        .await
        .unwrap();
    gateway
        .state
        .store
        .link_identity(jiro, &gateway.issuer, "sub-2")
        .await
        .unwrap();
    let mut other = gateway.browser();
    other.sign_in("jiro", "/portal").await;
    let page = other.get("/portal").await;
    assert!(page.body.contains("今は、だれにも渡していません。") && page.body.contains("まだ記録はありません。"));
    let form = vec![("csrf".to_owned(), page.field("csrf"))];
    assert_eq!(
        other.post(&withdrawal(&consent), &form).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        other.post("/portal/consents/x/withdraw", &form).await.status,
        StatusCode::NOT_FOUND
    );
    assert!(browser.get("/portal").await.body.contains("button stop"));
}

#[tokio::test]
async fn the_reader_chooses_the_language_and_keeps_it() {
    let (gateway, _) = shared().await;
    let mut browser = gateway.browser();
    browser.sign_in("hanako", "/portal").await;
    assert_eq!(
        browser
            .get("/language/en?return_to=/portal")
            .await
            .location(&gateway.base),
        "/portal"
    );
    let page = browser.get("/portal").await;
    assert!(
        page.body.contains("<html lang=\"en\">") && page.body.contains("Sekisho City points"),
        "{}",
        page.body
    );
    assert_eq!(browser.get("/language/xx").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_consent_that_ends_soon_says_so() {
    let (gateway, consent) = shared().await;
    let mut browser = gateway.browser();
    browser.sign_in("hanako", "/portal").await;
    let now = gateway.state.clock.now();
    for (days, says) in [(40, false), (10, true)] {
        let mut draft = ConsentDraft {
            grants: consent.grants.clone(),
            ..draft_of(&consent)
        };
        draft.grants[0].expires = Some(now.plus(days * model::time::DAY_MS));
        gateway.state.store.give_consent(draft).await.unwrap();
        let page = browser.get("/portal").await.body;
        assert_eq!(page.contains("あと10日で終わります"), says, "{page}");
    }
}

/// The draft that a consent came of.
fn draft_of(consent: &Consent) -> ConsentDraft {
    ConsentDraft {
        person: consent.person,
        recipient: consent.recipient,
        purpose: consent.purpose.clone(),
        asked: AskedFor {
            grants: consent.grants.clone(),
            identity: consent.identity,
        },
        grants: consent.grants.clone(),
        identity: consent.identity,
        language: consent.language,
        text: consent.text.clone(),
        text_hash: consent.text_hash,
        how: consent.how.clone(),
    }
}
