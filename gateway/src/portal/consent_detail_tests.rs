use axum::http::StatusCode;
use consent::{Consent, ConsentState, Detail, OwnAccess};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation, decode};
use store::{JobState, NewPerson};

use crate::portal::consents::tests::shared;
use crate::sign_in::testing::{Answer, Browser, Gateway};

fn page_of(consent: &Consent) -> String {
    format!("/portal/consents/{}", consent.id.0)
}

async fn signed_in(gateway: &Gateway) -> Browser<'_> {
    let mut browser = gateway.browser();
    browser.sign_in("hanako", "/portal").await;
    browser
}

fn form(page: &Answer, fields: &[(&str, &str)]) -> Vec<(String, String)> {
    let fields = fields
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    std::iter::once(("csrf".to_owned(), page.field("csrf")))
        .chain(fields)
        .collect()
}

async fn latest(gateway: &Gateway, person: model::PersonId) -> Vec<Consent> {
    let own = OwnAccess::of_signed_in(person);
    gateway.state.store.consents(&own).await.unwrap()
}

#[tokio::test]
async fn the_page_says_exactly_what_was_agreed_to_and_links_every_receipt() {
    let (gateway, consent) = shared().await;
    let mut browser = signed_in(&gateway).await;
    let page = browser.get(&page_of(&consent)).await;
    assert_eq!(page.status, StatusCode::OK);
    for text in [
        "関所市 健康ポイント事業",
        "歩数・運動",
        &consent.text,
        "渡すデータをへらす",
        "に同意しました",
        &format!("receipts/{}-1", consent.id),
    ] {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    assert!(!page.body.contains("Unknown localization"), "{}", page.body);
}

#[tokio::test]
async fn narrowing_gives_less_keeps_the_consent_and_tells_the_app() {
    let (gateway, consent) = shared().await;
    let mut browser = signed_in(&gateway).await;
    let page = browser.get(&page_of(&consent)).await;
    let to = format!("{}/narrow", page_of(&consent));
    for (fields, said) in [
        (vec![("grant0", "same"), ("until", "same")], "何もかわっていません"),
        (vec![("grant0", "off")], "渡すものが何もなくなります"),
        (vec![("grant0", "raw")], "答えを読み取れませんでした"),
        (
            vec![("grant0", "same"), ("until", "1000years")],
            "答えを読み取れませんでした",
        ),
        (vec![], "答えを読み取れませんでした"),
    ] {
        let answer = browser.post(&to, &form(&page, &fields)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{fields:?}");
        assert!(answer.body.contains(said), "{fields:?}: {}", answer.body);
    }
    let answer = browser
        .post(&to, &form(&page, &[("grant0", "same"), ("until", "3months")]))
        .await;
    assert_eq!(answer.location(&gateway.base), "/portal?done=narrowed");
    let now = &latest(&gateway, consent.person).await[0];
    assert_eq!((now.id, now.version, now.state), (consent.id, 2, ConsentState::Active));
    assert!(now.grants[0].expires.is_some() && now.grants[0].detail == Detail::Daily);
    assert!(now.text.contains("次の内容にへらします"), "{}", now.text);
    let waiting = gateway.state.store.jobs(JobState::Waiting, 10).await.unwrap();
    assert_eq!(waiting.len(), 1, "the app is told");
    assert!(
        browser
            .get(&page_of(&consent))
            .await
            .body
            .contains("に内容をかえました")
    );
}

#[tokio::test]
async fn a_withdrawal_shows_how_far_it_got_and_is_undone_within_ten_minutes() {
    let (gateway, consent) = shared().await;
    let mut browser = signed_in(&gateway).await;
    let page = browser.get("/portal").await;
    let withdraw = format!("{}/withdraw", page_of(&consent));
    browser.post(&withdraw, &form(&page, &[])).await;
    let page = browser.get("/portal").await;
    for text in [
        "相手に、これから知らせます。",
        "すでに渡したデータを消すように",
        "元にもどす",
    ] {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    let undo = format!("{}/undo", page_of(&consent));
    let foreign = vec![("csrf".to_owned(), "x".to_owned())];
    assert_eq!(browser.post(&undo, &foreign).await.status, StatusCode::FORBIDDEN);
    let answer = browser.post(&undo, &form(&page, &[])).await;
    assert_eq!(answer.location(&gateway.base), "/portal?done=undone");
    let all = latest(&gateway, consent.person).await;
    assert_eq!(all.len(), 2);
    let again = all.iter().find(|one| one.id != consent.id).unwrap();
    assert_eq!((&again.grants, again.state), (&consent.grants, ConsentState::Active));
    let page = browser.get("/portal").await;
    assert!(page.body.contains("もう一度同意したので"), "{}", page.body);
    // Once is enough.
    assert_eq!(
        browser.post(&undo, &form(&page, &[])).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_receipt_reads_well_and_its_signature_verifies() {
    let (gateway, consent) = shared().await;
    let mut browser = signed_in(&gateway).await;
    let receipt = format!("{}/receipts/{}-1", page_of(&consent), consent.id);
    let page = browser.get(&receipt).await;
    for text in ["同意の控え", "関所 花子", "歩数・運動", "健康ポイントの計算"] {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    let signed = browser.get(&format!("{receipt}/signed")).await;
    assert_eq!(signed.headers["content-type"], "application/jose");
    let keys: JwkSet = serde_json::from_value(gateway.state.signing.public()).unwrap();
    let kid = jsonwebtoken::decode_header(&signed.body).unwrap().kid.unwrap();
    let mut validation = Validation::new(jsonwebtoken::Algorithm::ES256);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.set_issuer(&[&gateway.base]);
    let key = DecodingKey::from_jwk(keys.find(&kid).unwrap()).unwrap();
    let claims: serde_json::Value = decode(&signed.body, &key, &validation).unwrap().claims;
    assert_eq!(claims["receipt"]["event"]["event_state"], "ConsentGiven");
    assert_eq!(claims["receipt"]["pii_processing"]["notice_text"], consent.text);
    let mut changed = signed.body.clone();
    changed.insert(signed.body.len() / 2, 'x');
    assert!(decode::<serde_json::Value>(&changed, &key, &validation).is_err());
    let missing = format!("{}/receipts/{}-7", page_of(&consent), consent.id);
    assert_eq!(browser.get(&missing).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn nobody_else_sees_narrows_undoes_or_reads_a_receipt() {
    let (gateway, consent) = shared().await;
    let store = &gateway.state.store;
    let jiro = store.create_person(NewPerson::default()).await.unwrap();
    store.link_identity(jiro, &gateway.issuer, "sub-2").await.unwrap();
    let mut other = gateway.browser();
    other.sign_in("jiro", "/portal").await;
    let own = other.get("/portal").await;
    let page = page_of(&consent);
    for path in [
        page.clone(),
        format!("{page}/receipts/{}-1", consent.id),
        format!("{page}/receipts/{}-1/signed", consent.id),
    ] {
        assert_eq!(other.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
        let nobody = gateway.browser().get(&path).await;
        assert_eq!(nobody.status, StatusCode::SEE_OTHER, "{path}");
    }
    for act in ["narrow", "undo", "withdraw"] {
        let answer = other
            .post(&format!("{page}/{act}"), &form(&own, &[("grant0", "off")]))
            .await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{act}");
        let nobody = gateway.browser().post(&format!("{page}/{act}"), &[]).await;
        assert_eq!(nobody.status, StatusCode::SEE_OTHER, "{act}");
    }
    assert_eq!(latest(&gateway, consent.person).await[0], consent);
}
