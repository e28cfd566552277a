use adapters::synthetic::{self, Synthetic};
use axum::http::StatusCode;
use model::LocalDay;

use super::*;
use crate::sign_in::testing::{Answer, Browser, Gateway};

const BOUNDARY: &str = "----a-boundary";

/// What a browser posts: the token, then the file.
fn form(token: &str, name: &str, file: &[u8]) -> Vec<u8> {
    let mut body = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{token}\r\n\
         --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"export.zip\"\r\n\
         Content-Type: application/zip\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(file);
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    body
}

fn export(days: u32) -> Vec<u8> {
    let wanted = Synthetic {
        seed: 7,
        first_day: LocalDay::from_ymd(2026, 5, 1).unwrap(),
        days,
        exported: None,
        heart_rates: 4,
        with_watch: true,
        unsorted: false,
    };
    let mut archive = Vec::new();
    synthetic::write_zip(&mut archive, &wanted).unwrap();
    archive
}

async fn sent(browser: &mut Browser<'_>, file: &[u8]) -> Answer {
    let token = browser.get(PATH).await.field("csrf");
    browser.post_multipart(PATH, BOUNDARY, form(&token, "file", file)).await
}

/// The page once nothing is under way any more.
async fn settled(browser: &mut Browser<'_>) -> String {
    for _ in 0..600 {
        if browser.get(STATE).await.body.contains("\"under_way\":false") {
            return browser.get(PATH).await.body;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the upload never ended");
}

async fn hanako(settings: &[(&str, &str)]) -> Gateway {
    Gateway::start(settings).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_comes_in_through_the_form_and_shows_as_steps() {
    let gateway = hanako(&[("SEKISHO_SIGN_IN_ORGANISATION", "1")]).await;
    let mut browser = gateway.browser();
    browser.sign_in("hanako", PATH).await;
    let empty = browser.get("/portal/steps?day=2026-05-10").await.body;
    assert!(empty.contains("まだデータがありません"), "{empty}");

    let answer = sent(&mut browser, &export(20)).await;
    assert_eq!(
        (answer.status, answer.location(&gateway.base)),
        (StatusCode::SEE_OTHER, PATH.to_owned())
    );
    let page = settled(&mut browser).await;
    assert!(
        page.contains("件を入れました。") && !page.contains("<p>0件を入れました"),
        "{page}"
    );
    assert!(page.contains("4 GBまで"), "{page}");
    let steps = browser.get("/portal/steps?span=week&day=2026-05-10").await.body;
    assert!(steps.contains("1日平均"), "{steps}");
    assert_eq!(steps.matches("<rect class=\"bar").count(), 7, "{steps}");
    assert!(steps.contains("iPhone"), "{steps}");
    // The week before the export began.
    let before = browser.get("/portal/steps?day=2026-04-20").await.body;
    assert!(!before.contains("<svg") && before.contains("まだデータがありません"));

    sent(&mut browser, &export(20)).await;
    let page = settled(&mut browser).await;
    assert!(page.contains("<p>0件を入れました。"), "{page}");

    // Another resident sees nothing of it.
    let mut other = gateway.browser();
    other.sign_in("jiro", PATH).await;
    let page = other.get(PATH).await.body;
    assert!(!page.contains("件を入れました"), "{page}");
    assert!(
        other
            .get("/portal/steps?day=2026-05-10")
            .await
            .body
            .contains("まだデータがありません")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_is_not_ours_brings_nothing() {
    let gateway = hanako(&[]).await;
    let mut browser = gateway.browser();
    browser.sign_in("hanako", PATH).await;
    let long = "x".repeat(10_000);
    for token in ["", "wrong", long.as_str()] {
        let answer = browser
            .post_multipart(PATH, BOUNDARY, form(token, "file", b"<?xml"))
            .await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{token:.9}");
    }
    let token = browser.get(PATH).await.field("csrf");
    // The file before the token.
    let first = form(&token, "file", b"<?xml").split_off(60);
    let answer = browser.post_multipart(PATH, BOUNDARY, first).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let answer = browser
        .post_multipart(PATH, "another", form(&token, "file", b"x"))
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(browser.get(STATE).await.body.contains("\"under_way\":false"));
    assert!(!settled(&mut browser).await.contains("role=\"alert\""));
    let mut nobody = gateway.browser();
    let answer = nobody.post_multipart(PATH, BOUNDARY, form(&token, "file", b"x")).await;
    assert!(answer.location(&gateway.base).starts_with("/sign-in?"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_said_in_words() {
    let gateway = hanako(&[("SEKISHO_LIMITS_UPLOAD_MEGABYTES", "1")]).await;
    let mut browser = gateway.browser();
    browser.sign_in("hanako", PATH).await;
    let half = export(5);
    let cases: [(&[u8], &str); 4] = [
        (b"", "ファイルが選ばれていないか、空です"),
        (
            b"a letter to the mayor",
            "このファイルは読めません。上に書いてあるファイルを選んでください。健診結果は、PDFや画像では読めません。\
             マイナポータルで「XML」または「CSV」の形式でダウンロードしたファイルを選んでください。",
        ),
        (&half[..half.len() / 2], "role=\"alert\""),
        (&vec![0; 1_000_001], "ファイルが大きすぎます（上限1 MB）"),
    ];
    for (file, words) in cases {
        sent(&mut browser, file).await;
        let page = settled(&mut browser).await;
        assert!(page.contains(words), "{words}: {page}");
    }
    let token = browser.get(PATH).await.field("csrf");
    browser
        .post_multipart(PATH, BOUNDARY, form(&token, "another", b"x"))
        .await;
    assert!(
        settled(&mut browser)
            .await
            .contains("ファイルが選ばれていないか、空です")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn too_much_before_the_file_ends_the_reading() {
    let gateway = hanako(&[]).await;
    let mut browser = gateway.browser();
    browser.sign_in("hanako", PATH).await;
    let mut body = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"csrf\"\r\nX-Long: ").into_bytes();
    body.resize(2 << 20, b'x');
    let answer = browser.post_multipart(PATH, BOUNDARY, body).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkup_comes_in_and_anothers_or_one_with_individual_numbers_does_not() {
    let gateway = hanako(&[]).await;
    let organisation = store::NewOrganisation {
        name: "みほん市".to_owned(),
        kind: store::OrganisationKind::Municipality,
    };
    let organisation = gateway.state.store.create_organisation(organisation).await.unwrap();
    let person = store::NewPerson {
        organisation: Some(organisation),
        birth_date: LocalDay::from_ymd(1960, 2, 29),
        ..store::NewPerson::default()
    };
    let person = gateway.state.store.create_person(person).await.unwrap();
    gateway
        .state
        .store
        .link_identity(person, &gateway.issuer, "sub-2")
        .await
        .unwrap();
    let mut browser = gateway.browser();
    browser.sign_in("jiro", PATH).await;
    let made = adapters::checkup::synthetic::MadeUp::of(7);
    let written =
        |made: &adapters::checkup::synthetic::MadeUp| adapters::checkup::synthetic::document(&made.checkup(2025));
    let own = made.clone().known_as("セキショハナコ", None, None);
    let born = LocalDay::from_ymd(1901, 2, 3);
    let another = written(&made.known_as("セキショジロウ", born, None));
    sent(&mut browser, another.as_bytes()).await;
    let page = settled(&mut browser).await;
    assert!(page.contains("別の人の健診結果のようです"), "{page}");
    let bearing = written(&own).replace("<patient>", "<個人番号>123456789018</個人番号><patient>");
    sent(&mut browser, bearing.as_bytes()).await;
    let page = settled(&mut browser).await;
    assert!(page.contains("マイナンバーが入っているようです"), "{page}");
    assert!(
        browser
            .get("/portal/checkups")
            .await
            .body
            .contains("まだ健診の結果がありません")
    );
    let mut locked = Vec::new();
    adapters::checkup::synthetic::write_package(&mut locked, [own.checkup(2025)].into_iter()).unwrap();
    for at in 0..locked.len() {
        // The mark of a lock stands at byte 6 of an entry, and at byte 8 of the directory's (APPNOTE 4.3.7, 4.3.12).
        match &locked[at..] {
            [b'P', b'K', 3, 4, ..] => locked[at + 6] |= 1,
            [b'P', b'K', 1, 2, ..] => locked[at + 8] |= 1,
            _ => {}
        }
    }
    sent(&mut browser, &locked).await;
    let page = settled(&mut browser).await;
    assert!(page.contains("パスワードがかかっています"), "{page}");
    sent(&mut browser, written(&own).as_bytes()).await;
    let page = settled(&mut browser).await;
    assert!(page.contains("56件を入れました"), "{page}");
    assert!(browser.get("/portal/checkups").await.body.contains("2025年度"));
    // Nobody else vouches for it, and what it says stands until somebody does.
    let page = browser.get("/portal/checkups/1").await.body;
    assert!(page.contains("ご自分でお持ちになったファイルの内容です"), "{page}");
    let own = consent::OwnAccess::of_signed_in(person);
    let brought = gateway.state.store.checkups(&own).await.unwrap();
    assert_eq!(brought[0].checkup.word, model::checkup::Told::Brought);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_documents_of_ones_own_are_kept_and_nobody_elses_business() {
    let gateway = hanako(&[]).await;
    let mut browser = gateway.browser();
    browser.sign_in("hanako", PATH).await;
    let document = |title: &str, inner: &str| {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<わたしの情報><表題>{title}</表題>{inner}<接種日>令和7年6月1日</接種日></わたしの情報>"
        )
    };
    for (file, says) in [
        (
            document("予防接種情報", "<個人番号>123456789018</個人番号>"),
            "マイナンバーが入っているようです",
        ),
        (document("診療報酬明細書", ""), "診療報酬明細書"),
        (document("世帯情報", ""), "読めません"),
    ] {
        sent(&mut browser, file.as_bytes()).await;
        let page = settled(&mut browser).await;
        assert!(page.contains(says), "{says}: {page}");
    }
    let person = gateway.state.store.people(None, 1).await.unwrap()[0].id;
    let own = consent::OwnAccess::of_signed_in(person);
    let counted = async || -> Vec<_> {
        let delivered = gateway.state.store.deliveries(&own, &["checkup"], 10).await.unwrap();
        let counts = delivered.into_iter().filter_map(|delivery| delivery.counts);
        counts
            .map(|counts| (counts.stored, counts.unsupported > 0, counts.rejected))
            .collect()
    };
    let wanted = store::RejectionsOf {
        outcome: model::Outcome::Unsupported,
        adapter: None,
        since: model::UtcMillis(0),
    };
    let nobody = (model::PersonId(0), model::BatchId(0));
    let kept = async || gateway.state.store.rejections(&wanted, nobody).await.unwrap().rows;
    assert!(
        counted().await.is_empty() && kept().await.is_empty(),
        "nothing of what was refused is kept"
    );
    let csv = "わたしの情報\r\n予防接種情報\r\n\r\n項目名,内容\r\n接種日,令和7年6月1日\r\n".to_owned();
    for (place, file) in [document("予防接種情報", ""), csv].into_iter().enumerate() {
        sent(&mut browser, file.as_bytes()).await;
        settled(&mut browser).await;
        assert_eq!(counted().await, vec![(0, true, 0); place + 1]);
    }
    let kept = kept().await;
    assert_eq!(kept.len(), 2);
    for kept in kept {
        assert_eq!((kept.person, kept.reason.as_str()), (person, "record of vaccinations"));
        assert!(!kept.texts.is_empty(), "sealed with her key, for a mapping to come");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_read_that_the_operators_scanner_does_not_let_pass() {
    // The scanner lets pass what holds a word, and ends with 2 for an option that it has not.
    for (scanner, says) in [
        ("grep -q no-file-holds-this", "安全でないもの"),
        ("grep --no-such-option", "安全かどうかを、いま確かめられません"),
        ("cat", "件"),
    ] {
        let gateway = hanako(&[("SEKISHO_UPLOADS_SCANNER", scanner)]).await;
        let mut browser = gateway.browser();
        browser.sign_in("hanako", PATH).await;
        sent(&mut browser, &export(3)).await;
        let page = settled(&mut browser).await;
        assert!(page.contains(says), "{scanner}: {page}");
        let person = gateway.state.store.people(None, 1).await.unwrap()[0].id;
        let own = consent::OwnAccess::of_signed_in(person);
        let files: Vec<&str> = adapters::files().map(|adapter| adapter.name()).collect();
        let deliveries = gateway.state.store.deliveries(&own, &files, 10).await.unwrap();
        assert_eq!(deliveries.len(), usize::from(scanner == "cat"), "{scanner}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_tells_what_is_read_from_files_in_both_languages() {
    use consent::Language;
    let gateway = hanako(&[]).await;
    let mut browser = gateway.browser();
    browser.sign_in("hanako", PATH).await;
    let covered: Vec<adapters::Coverage> = adapters::files().map(|adapter| adapter.coverage()).collect();
    for language in [Language::Ja, Language::En] {
        let cookie = super::super::words::LANGUAGE_COOKIE.to_owned();
        browser.cookies.insert(cookie, language.tag().to_owned());
        let page = browser.get(PATH).await.body;
        let page = page.replace("&#39;", "'").replace("&#62;", ">").replace("&#38;", "&");
        let told = gives(Words(language), &covered);
        assert!(told.len() > 5, "{told:?}");
        assert_eq!(page.matches("<dt>").count(), told.len(), "{page}");
        for (category, names) in told {
            assert!(
                page.contains(&format!("<dt>{category}</dt><dd>{names}</dd>")),
                "{category}: {page}"
            );
        }
    }
}
