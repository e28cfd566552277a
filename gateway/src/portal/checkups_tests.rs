use adapters::checkup::synthetic::{MadeUp, document};
use axum::http::StatusCode;

use super::*;
use crate::portal::consents::tests::shared;
use crate::sign_in::testing::{Browser, Gateway};

pub async fn resident(gateway: &Gateway) -> (Browser<'_>, String) {
    let mut browser = gateway.browser();
    browser.sign_in("hanako", "/portal").await;
    let csrf = browser.get(PATH).await.field("csrf");
    (browser, csrf)
}

pub fn form(csrf: &str, fields: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut form = vec![("csrf".to_owned(), csrf.to_owned())];
    form.extend(
        fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    );
    form
}

/// The person's own document, through its adapter.
pub async fn bring(gateway: &Gateway, person: model::PersonId, checkup: Checkup) {
    let store = gateway.state.store.clone();
    let work = move || {
        let text = document(&checkup);
        let input = adapters::Input {
            bytes: &text.as_bytes(),
            size: text.len() as u64,
        };
        crate::import::run(&store, person, &adapters::checkup::CheckupDocuments, &input).unwrap();
    };
    tokio::task::spawn_blocking(work).await.unwrap();
}

#[tokio::test]
async fn a_ticket_is_told_of_until_its_checkup_is_known_and_never_by_its_number() {
    let (gateway, consent) = shared().await;
    let (mut browser, _) = resident(&gateway).await;
    let store = &gateway.state.store;
    let today = gateway.state.clock.now().local_day(model::Offset::JAPAN_ASSUMED);
    let subject = MadeUp::of(1).subject;
    let insured = store::Insured {
        subject: subject.clone(),
        ..store::Insured::default()
    };
    let organisation = model::OrganisationId(1);
    store.insure(organisation, consent.person, insured).await.unwrap();
    let ticket = Ticket {
        number: "26100000001".to_owned(),
        year: fiscal_year(today),
        issued: None,
        until: today.plus(10),
        is_void: false,
    };
    let listed = store::Insured {
        subject,
        tickets: vec![ticket],
        ..store::Insured::default()
    };
    let followed = store.follow_ledger(organisation, vec![vec![listed]]).await.unwrap();
    assert_eq!(followed, [store::Followed::Changed(0)]);
    let page = browser.get(PATH).await.body;
    assert!(page.contains("受診券が出ています"), "{page}");
    assert!(!page.contains("26100000001"));
    let mut made = MadeUp::of(1).known_as("関所 花子", None, None).checkup(2025);
    (made.day, made.written) = (today, today);
    bring(&gateway, consent.person, made).await;
    let page = browser.get(PATH).await.body;
    assert!(!page.contains("受診券が出ています"), "{page}");
}

#[tokio::test]
async fn a_document_takes_the_place_of_what_was_said_and_can_be_saved() {
    let (gateway, consent) = shared().await;
    let (mut browser, csrf) = resident(&gateway).await;
    let made = MadeUp::of(3).known_as("セキショハナコ", None, None).checkup(2025);
    let on = made.day.plus(-1).to_string();
    let said = [("kind", "checkup_specific"), ("on", on.as_str())];
    browser.post(PATH, &form(&csrf, &said)).await;
    assert!(browser.get(PATH).await.body.contains("ご自分で入力したもの"));
    bring(&gateway, consent.person, made.clone()).await;
    let page = browser.get(PATH).await.body;
    assert!(
        !page.contains("ご自分で入力したもの") && page.contains("見本健診センター"),
        "{page}"
    );
    let again = browser.post(PATH, &form(&csrf, &said)).await;
    assert!(again.body.contains("もう記録されています"), "{}", again.body);
    let detail = browser.get("/portal/checkups/2").await.body;
    assert!(detail.contains("HPLC") && detail.contains("基準："), "{detail}");
    let saved = browser.get("/portal/checkups/2/document").await;
    assert_eq!(saved.headers["content-type"], "application/xml");
    assert_eq!(saved.body, document(&made), "the document as it came");
    assert_eq!(
        browser
            .post("/portal/checkups/2/take-back", &form(&csrf, &[]))
            .await
            .status,
        StatusCode::NOT_FOUND,
        "a facility's word is not the resident's to take back"
    );
}
