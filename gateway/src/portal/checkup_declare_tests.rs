use adapters::checkup::synthetic::MadeUp;

use super::*;
use crate::portal::checkups::tests::{bring, form, resident};
use crate::portal::consents::tests::shared;

#[tokio::test]
async fn a_resident_says_that_a_checkup_took_place_and_takes_it_back() {
    let (gateway, _) = shared().await;
    let (mut browser, csrf) = resident(&gateway).await;
    let said = [
        ("kind", "checkup_dental"),
        ("on", "2026-05-01"),
        ("9N006000000000001", "６２．５"),
        ("9A751000000000001", "128"),
    ];
    let answer = browser.post(PATH, &form(&csrf, &said)).await;
    assert_eq!(answer.location(&gateway.base), PATH);
    let page = browser.get(PATH).await.body;
    assert!(page.contains("2026年度　歯科健診") && page.contains("2項目"), "{page}");
    let detail = browser.get("/portal/checkups/1").await.body;
    assert!(detail.contains("62.5 kg") && detail.contains("128 mmHg"), "{detail}");
    assert!(!detail.contains("/document"), "what was typed has no file");
    assert_eq!(
        browser.get("/portal/checkups/1/document").await.status,
        StatusCode::NOT_FOUND
    );
    let answer = browser.post("/portal/checkups/1/take-back", &form(&csrf, &[])).await;
    assert_eq!(answer.location(&gateway.base), PATH);
    assert!(browser.get(PATH).await.body.contains("まだ健診の結果がありません"));
    assert_eq!(browser.get("/portal/checkups/1").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_wrong_with_an_entry_is_said_and_nothing_is_lost() {
    let (gateway, _) = shared().await;
    let (mut browser, csrf) = resident(&gateway).await;
    for (fields, said) in [
        (
            vec![("kind", "steps"), ("on", "2026-05-01")],
            "健診の種類を選んでください",
        ),
        (
            vec![("kind", "checkup_dental"), ("on", "2099-05-01")],
            "2008年4月1日から今日までの日",
        ),
        (
            vec![("kind", "checkup_dental"), ("on", "2008-03-31")],
            "2008年4月1日から今日までの日",
        ),
        (
            vec![("kind", "checkup_dental"), ("on", ""), ("year", "")],
            "受けた年度か、受けた日を入れてください",
        ),
        (
            vec![("kind", "checkup_dental"), ("year", "2027")],
            "2008年度から2026年度まで",
        ),
        (
            vec![("kind", "checkup_dental"), ("year", "2007")],
            "2008年度から2026年度まで",
        ),
        (
            vec![("kind", "checkup_dental"), ("year", "令和6")],
            "2008年度から2026年度まで",
        ),
        (
            vec![("kind", "checkup_dental"), ("year", "2025"), ("on", "2026-05-01")],
            "選んだ年度（4月から次の年の3月まで）に入っていません",
        ),
        (
            vec![
                ("kind", "checkup_dental"),
                ("year", "2025"),
                ("9N006000000000001", "62"),
            ],
            "受けた日も入れてください。結果の紙に",
        ),
        (
            vec![
                ("kind", "checkup_dental"),
                ("on", "2026-05-01"),
                ("9N006000000000001", "6２kg"),
            ],
            "「体重」の数字",
        ),
        (
            vec![
                ("kind", "checkup_dental"),
                ("on", "2026-05-01"),
                ("9N006000000000001", "6200"),
            ],
            "「体重」の数字",
        ),
    ] {
        let answer = browser.post(PATH, &form(&csrf, &fields)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.body.contains(said), "{said}: {}", answer.body);
        let kept = fields.iter().any(|(_, value)| *value == "2026-05-01");
        assert_eq!(answer.body.contains("value=\"2026-05-01\""), kept, "{said}");
        let kept = fields.iter().any(|(_, value)| *value == "2025");
        assert_eq!(answer.body.contains("<option value=\"2025\" selected>"), kept, "{said}");
    }
    assert!(browser.get(PATH).await.body.contains("まだ健診の結果がありません"));
}

#[tokio::test]
async fn who_knows_no_more_than_the_fiscal_year_says_that_and_no_day_is_made_up() {
    let (gateway, consent) = shared().await;
    let (mut browser, csrf) = resident(&gateway).await;
    let page = browser.get(PATH).await.body;
    let years = [
        "2026年度（令和8年度）",
        "2019年度（令和元年度）",
        "2018年度（平成30年度）",
        "2008年度（平成20年度）",
    ];
    assert!(
        years
            .into_iter()
            .all(|year| page.contains(&format!(">{year}</option>"))),
        "{page}"
    );
    assert!(!page.contains(">2027年度") && !page.contains(">2007年度"));
    let of_year = [("kind", "checkup_specific"), ("year", "2025"), ("on", "")];
    let answer = browser.post(PATH, &form(&csrf, &of_year)).await;
    assert_eq!(answer.location(&gateway.base), PATH);
    for address in [PATH, "/portal/checkups/1"] {
        let page = browser.get(address).await.body;
        assert!(page.contains("2025年度　特定健診"), "{page}");
        assert!(
            page.contains("2025年度（令和7年度）。受けた日はわかりません。"),
            "{page}"
        );
        assert!(
            !page.contains("2025年4月1日") && page.contains("ご自分で入力したもの"),
            "{page}"
        );
    }
    let again = browser.post(PATH, &form(&csrf, &of_year)).await;
    assert!(again.body.contains("もう記録されています"), "{}", again.body);

    // Whoever finds the day later says it, with numbers; the year alone is then no news.
    let on = [
        ("kind", "checkup_specific"),
        ("on", "2026-03-31"),
        ("9N006000000000001", "62"),
    ];
    assert_eq!(
        browser.post(PATH, &form(&csrf, &on)).await.location(&gateway.base),
        PATH
    );
    let page = browser.get(PATH).await.body;
    assert!(
        page.contains("2026年3月31日") && !page.contains("受けた日はわかりません"),
        "{page}"
    );
    assert_eq!(page.matches("<section class=\"card\"").count(), 1);
    let again = browser.post(PATH, &form(&csrf, &of_year)).await;
    assert!(again.body.contains("もう記録されています"), "{}", again.body);

    // And the document of that year takes the place of both.
    let made = MadeUp::of(3).known_as("セキショハナコ", None, None).checkup(2025);
    bring(&gateway, consent.person, made).await;
    let page = browser.get(PATH).await.body;
    assert_eq!(page.matches("<section class=\"card\"").count(), 1);
    assert!(!page.contains("ご自分で入力したもの"), "{page}");
}

#[tokio::test]
async fn what_was_taken_back_can_be_said_again_the_same_day() {
    let (gateway, _) = shared().await;
    let (mut browser, csrf) = resident(&gateway).await;
    let of_year = [("kind", "checkup_dental"), ("year", "2025")];
    for _ in 0..2 {
        browser.post(PATH, &form(&csrf, &of_year)).await;
        assert!(browser.get(PATH).await.body.contains("2025年度　歯科健診"));
        browser.post("/portal/checkups/1/take-back", &form(&csrf, &[])).await;
        assert!(!browser.get(PATH).await.body.contains("2025年度　歯科健診"));
    }
}

#[test]
fn a_year_is_said_in_english_by_its_months() {
    let words = Words(consent::Language::En);
    assert_eq!(fiscal(words, 2024), "Fiscal 2024 (April 2024 to March 2025)");
    let said = |year: &str| {
        let entered = [("kind", "checkup_dental"), ("year", year)];
        let entered: Entered = entered.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        said(words, LocalDay::parse("2026-03-31").unwrap(), &entered)
    };
    // The last day of fiscal 2025: the next year has not begun.
    assert!(said("2025").is_ok_and(|said| said.year_only && said.findings.is_empty()));
    assert_eq!(
        said("2026").unwrap_err(),
        "Please choose the fiscal year. It can be from 2008 to 2025."
    );
}
