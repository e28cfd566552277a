use axum::body::to_bytes;
use consent::{Asked, ConsentDraft, Detail, HowGiven, Purpose, ScopeSet};
use jiff::tz::TimeZone;
use model::{OrganisationId, PersonId, RecipientId, UtcMillis};
use proptest::prelude::*;

use super::super::choices::LINKING;
use super::*;

/// 2026-05-10T03:00:00Z: noon in Tokyo.
const NOW: UtcMillis = UtcMillis(1_778_382_000_000);

fn page(language: Language, categories: &[ConsentCategory]) -> ConsentPage {
    let purpose = PurposeText {
        purpose: Purpose::new("health-points").unwrap(),
        ja: "健康ポイントの計算".to_owned(),
        en: "Counting health points".to_owned(),
    };
    ConsentPage {
        language,
        action: "/oauth/consent",
        pending: "p".repeat(43),
        csrf: "the csrf token".to_owned(),
        recipient: Recipient {
            id: RecipientId(1),
            organisation: OrganisationId(1),
            name_ja: "関所市 健康ポイント事業".to_owned(),
            name_en: "Sekisho City health points".to_owned(),
            purposes: vec![purpose.clone()],
            created: NOW,
            responsible: store::Responsible::default(),
            state: store::RegistrationState::Approved,
            basis: store::LegalBasis::default(),
        },
        purpose,
        template: store::Template::default(),
        client_name: "あるくポイント".to_owned(),
        categories: categories.to_vec(),
        identity: true,
        links: None,
        could_act: false,
        offline: true,
        current: None,
        resident: Resident {
            name: Some("関所 花子".to_owned()),
            zone: TimeZone::get("Asia/Tokyo").unwrap(),
            now: NOW,
            acting: None,
        },
    }
}

pub fn usual() -> ConsentPage {
    page(
        Language::Ja,
        &[
            ConsentCategory::Activity,
            ConsentCategory::Sleep,
            ConsentCategory::Heart,
        ],
    )
}

/// The fields of a form. A category with a detail stands for its tick and its detail, as the page sends them.
pub fn form(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    let own = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
    fields
        .iter()
        .flat_map(|(name, value)| match ConsentCategory::from_key(name) {
            Some(category) if Detail::from_code(value).is_some() => {
                [own(name, "yes"), own(&detail_field(category), value)].concat()
            }
            Some(_) if *value == "off" => Vec::new(),
            _ => own(name, value),
        })
        .collect()
}

pub async fn body(response: Response) -> String {
    String::from_utf8(to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap()
}

/// The tags of inputs and buttons.
fn controls(html: &str) -> Vec<&str> {
    html.split('<')
        .filter(|tag| tag.starts_with("input") || tag.starts_with("button"))
        .map(|tag| tag.split('>').next().unwrap())
        .collect()
}

#[tokio::test]
async fn nothing_is_chosen_before_the_resident_chooses() {
    for language in [Language::Ja, Language::En] {
        let html = body(page(language, &ConsentCategory::ALL).render()).await;
        let checked: Vec<&str> = controls(&html)
            .into_iter()
            .filter(|tag| tag.contains(" checked"))
            .collect();
        // How finely stands at a day's summary for whoever ticks a category; no tick is made beforehand.
        // What is given whole has nothing to choose.
        assert_eq!(checked.len(), ConsentCategory::ALL.len() - 1);
        let is_detail = |tag: &&str| tag.contains("radio") && tag.contains("-detail\" value=\"daily\"");
        assert!(checked.iter().all(is_detail), "{checked:?}");
        assert_eq!(
            controls(&html)
                .iter()
                .filter(|tag| tag.contains("value=\"raw\""))
                .count(),
            14
        );
    }
}

#[tokio::test]
async fn an_app_that_asks_who_somebody_is_and_for_no_data_shows_no_choice_of_data() {
    let html = body(page(Language::Ja, &[]).render()).await;
    assert!(html.contains("identity-name") && html.contains("name=\"until\""));
    for field in ["activity-running", "from", "from_day"] {
        assert!(!html.contains(&format!("name=\"{field}\"")), "{field}");
    }
    assert!(!html.contains("id=\"what\""));
}

#[tokio::test]
async fn both_answers_weigh_the_same_and_the_enter_key_gives_nothing_away() {
    let html = body(usual().render()).await;
    let (_, form) = html
        .split_once("<form method=\"post\" action=\"/oauth/consent\">")
        .unwrap();
    let buttons: Vec<&str> = controls(form)
        .into_iter()
        .filter(|tag| tag.starts_with("button"))
        .collect();
    let [default, fill, review, refuse] = buttons[..] else {
        panic!("{buttons:?}")
    };
    // HTML 4.10.21.2: the first submit button is the default one; it leads to the second page only. The helper comes later, and
    // is of this form so that what was ticked is not lost.
    assert!(
        default.contains("value=\"review\"") && fill.contains("value=\"fill\""),
        "{default} {fill}"
    );
    assert_eq!(review.replace("review", "X"), refuse.replace("refuse", "X"));
}

#[tokio::test]
async fn the_second_page_shows_what_was_chosen_what_stays_unseen_and_three_answers() {
    let fields = form(&[
        ("activity", "daily"),
        ("sleep", "off"),
        ("from", "all"),
        ("until", "3months"),
    ]);
    let page = usual();
    let chosen = page.read(&fields).unwrap();
    let html = body(page.confirm(&fields, &chosen)).await;
    for text in [
        "渡すデータを1種類選んでいます",
        "・歩数・運動",
        "同意して渡す",
        "選びなおす",
        "渡さない",
        "マイナンバー",
    ] {
        assert!(html.contains(text), "{text}: {html}");
    }
    let (_, unseen) = html.split_once("この相手に見えないもの").unwrap();
    assert!(
        unseen.contains("<li>睡眠</li>") && !unseen.contains("<li>歩数・運動</li>"),
        "{unseen}"
    );
    // What comes back with the answer is what was sent, and reads as the same.
    let back: Vec<(String, String)> = controls(&html)
        .into_iter()
        .filter(|tag| tag.contains("type=\"hidden\""))
        .map(|tag| {
            let attribute = |name: &str| {
                tag.split(&format!(" {name}=\""))
                    .nth(1)
                    .unwrap()
                    .split('"')
                    .next()
                    .unwrap()
            };
            (attribute("name").to_owned(), attribute("value").to_owned())
        })
        .collect();
    assert_eq!(page.read(&back), Ok(chosen));
}

#[tokio::test]
async fn the_helper_ticks_nothing_that_is_sensitive_and_keeps_what_was_chosen() {
    let page = page(Language::Ja, &ConsentCategory::ALL);
    let before = form(&[
        ("heart", "raw"),
        ("sleep", "weekly"),
        ("until", "6months"),
        ("from", ""),
    ]);
    let filled = page.with_needed(&before);
    let chosen = page.read(&[filled.clone(), form(&[("from", "all")])].concat()).unwrap();
    for grant in &chosen.grants {
        let expected = match grant.category {
            ConsentCategory::Heart => Detail::Raw,
            ConsentCategory::Sleep => Detail::Weekly,
            category => {
                assert!(!CAREFUL.contains(&category), "{}", category.key());
                Detail::Daily
            }
        };
        assert_eq!(grant.detail, expected, "{}", grant.category.key());
    }
    assert_eq!(chosen.grants.len(), ConsentCategory::ALL.len() - CAREFUL.len() + 1);
    let html = body(page.again(&filled, &[])).await;
    let ticked = controls(&html)
        .into_iter()
        .filter(|tag| tag.contains("class=\"tick\"") && tag.contains(" checked"))
        .count();
    assert_eq!(ticked, chosen.grants.len());
}

#[tokio::test]
async fn the_page_tells_who_what_for_and_explains_sensitive_data_apart() {
    let html = body(usual().render()).await;
    for text in [
        "<html lang=\"ja\">",
        "あるくポイントに、あなたの健康データを渡しますか",
        "関所市 健康ポイント事業",
        "健康ポイントの計算",
        "歩数、歩いた距離",
        "アプリを開いていないときも受け取ります",
        "6か月（2026年11月10日まで）",
        "年代と性別だけ",
    ] {
        assert!(html.contains(text), "{text}");
    }
    let (ordinary, careful) = html.split_once("とくに大切な情報").unwrap();
    assert!(ordinary.contains("name=\"sleep\"") && !ordinary.contains("name=\"heart\""));
    assert!(careful.contains("name=\"heart\"") && careful.contains("心臓の病気"));
    let silent = ConsentPage {
        identity: false,
        links: None,
        could_act: false,
        categories: vec![ConsentCategory::Sleep],
        ..usual()
    };
    let html = body(silent.render()).await;
    assert!(!html.contains("identity-") && !html.contains("とくに大切な情報"));
}

#[test]
fn categories_that_are_sensitive_through_and_through_are_explained_apart() {
    for category in ConsentCategory::ALL {
        let rows = || {
            model::Metric::all()
                .filter(|metric| metric.category() == category)
                .map(model::Metric::row)
        };
        if rows().all(|row| row.sensitive || row.special_care) || rows().any(|row| row.confidentiality == "V") {
            assert!(CAREFUL.contains(&category), "{}", category.key());
        }
    }
}

#[tokio::test]
async fn ids_are_unique_and_every_reference_and_label_has_its_target() {
    for language in [Language::Ja, Language::En] {
        let page = page(language, &ConsentCategory::ALL);
        let problems = [
            ChoiceError::Nothing,
            ChoiceError::FromDay,
            ChoiceError::NoUntil,
            ChoiceError::NoFrom,
        ];
        let html = body(page.again(&[], &problems)).await;
        let values = |name: &str| -> Vec<&str> {
            let name = format!(" {name}=\"");
            html.split(&name[..])
                .skip(1)
                .map(|rest| rest.split('"').next().unwrap())
                .collect()
        };
        let ids = values("id");
        for (position, id) in ids.iter().enumerate() {
            assert!(!ids[..position].contains(id), "{id} twice");
        }
        let referred = [values("aria-describedby"), values("aria-labelledby"), values("for")].concat();
        let links = values("href").into_iter().filter_map(|href| href.strip_prefix('#'));
        for id in referred.into_iter().flat_map(|list| list.split(' ')).chain(links) {
            assert!(ids.contains(&id), "{id}");
        }
        let shown = controls(&html)
            .into_iter()
            .filter(|tag| tag.contains("radio") || tag.contains("checkbox"))
            .count();
        assert_eq!(html.matches("<label><input").count(), shown);
        for inline in ["<script", " style=", "javascript:", " on"] {
            assert!(
                !controls(&html).iter().any(|tag| tag.contains(inline)) && !html.contains("<script"),
                "{inline}"
            );
        }
        let levels: Vec<char> = html
            .split("<h")
            .skip(1)
            .filter_map(|rest| rest.chars().next())
            .filter(char::is_ascii_digit)
            .collect();
        assert_eq!(levels.iter().filter(|level| **level == '1').count(), 1);
        assert!(
            levels.windows(2).all(|pair| pair[1] as u32 <= pair[0] as u32 + 1),
            "{levels:?}"
        );
        assert!(!html.contains("Unknown localization"));
    }
}

#[tokio::test]
async fn a_name_cannot_write_into_the_page() {
    let page = ConsentPage {
        client_name: "<b onmouseover=x>\"&".to_owned(),
        ..usual()
    };
    let html = body(page.render()).await;
    assert!(!html.contains("<b ") && html.contains("&#60;b onmouseover"));
}

#[tokio::test]
async fn an_answer_with_faults_comes_back_with_the_choices_kept_and_says_what_is_wrong() {
    let page = usual();
    let sent = form(&[
        ("activity", "daily"),
        ("sleep", "off"),
        ("from", "own"),
        ("from_day", "2026-05-11"),
    ]);
    let problems = page.read(&sent).unwrap_err();
    assert_eq!(problems, [ChoiceError::FromDay, ChoiceError::NoUntil]);
    let response = page.again(&sent, &problems);
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let html = body(response).await;
    assert!(html.contains("<title>エラー："));
    assert!(html.contains("role=\"alert\"") && html.contains("href=\"#from_day\"") && html.contains("href=\"#until\""));
    let checked: Vec<&str> = controls(&html)
        .into_iter()
        .filter(|tag| tag.contains(" checked"))
        .collect();
    assert!(
        checked[0].contains("name=\"activity\"") && checked[1].contains("activity-detail\" value=\"daily\""),
        "{checked:?}"
    );
    assert!(html.contains("value=\"2026-05-11\" aria-invalid=\"true\""));
}

#[test]
fn agreeing_with_nothing_chosen_is_no_consent() {
    let untouched = form(&[
        ("activity", "off"),
        ("sleep", "off"),
        ("heart", "off"),
        ("until", "6months"),
    ]);
    assert_eq!(usual().read(&untouched).unwrap_err(), [ChoiceError::Nothing]);
    assert_eq!(
        usual().read(&[]).unwrap_err(),
        [ChoiceError::Nothing, ChoiceError::NoUntil]
    );
    let no_start = form(&[("activity", "raw"), ("until", "6months")]);
    assert_eq!(usual().read(&no_start).unwrap_err(), [ChoiceError::NoFrom]);
}

#[test]
fn what_was_chosen_is_what_is_granted_and_what_the_text_says() {
    let page = usual();
    let chosen = page
        .read(&form(&[
            ("activity", "daily"),
            ("heart", "raw"),
            ("activity-running", "yes"),
            ("from", "last30"),
            ("from_day", "1990-01-01"),
            ("until", "3months"),
            ("identity-age_band_and_sex", "yes"),
        ]))
        .unwrap();
    let granted: Vec<_> = chosen
        .grants
        .iter()
        .map(|grant| (grant.category, grant.detail))
        .collect();
    assert_eq!(
        granted,
        [
            (ConsentCategory::Activity, Detail::Daily),
            (ConsentCategory::Heart, Detail::Raw)
        ]
    );
    for grant in &chosen.grants {
        assert_eq!(grant.period.from.unwrap().to_string(), "2026-04-10");
        // The end of 10 August 2026 in Tokyo.
        assert_eq!(grant.expires, Some(UtcMillis(1_786_374_000_000)));
    }
    assert!(chosen.identity.age_band_and_sex && !chosen.identity.name);
    assert_eq!(chosen.identity.expires, chosen.grants[0].expires);
    insta::assert_snapshot!(page.wording(&chosen));
    let english = ConsentPage {
        language: Language::En,
        ..page
    };
    insta::assert_snapshot!(english.wording(&chosen));
}

#[test]
fn until_withdrawn_and_all_data_have_no_bounds() {
    let chosen = usual()
        .read(&form(&[("sleep", "raw"), ("from", "all"), ("until", "withdrawn")]))
        .unwrap();
    assert_eq!((chosen.grants[0].period.from, chosen.grants[0].expires), (None, None));
    assert!(usual().wording(&chosen).contains("これまでのすべての日から"));
}

#[test]
fn a_field_that_the_page_does_not_offer_is_not_taken() {
    let page = ConsentPage {
        identity: false,
        links: None,
        could_act: false,
        ..usual()
    };
    for (name, value) in [
        ("glucose", "raw"),
        ("glucose-running", "yes"),
        ("activity", "on"),
        ("activity-detail", "hourly"),
        ("identity-name", "yes"),
        ("from", "never"),
        ("until", "100years"),
        ("sleep-running", "no"),
        ("sleep", "daily"),
    ] {
        let sent = form(&[("sleep", "raw"), ("from", "all"), ("until", "1year"), (name, value)]);
        assert_eq!(
            page.read(&sent).unwrap_err(),
            [ChoiceError::Unreadable],
            "{name}={value}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_is_sent_no_more_is_granted_than_was_asked_for(
        fields in prop::collection::vec((
            prop::sample::select(vec!["activity", "sleep", "heart", "glucose", "from", "from_day", "until",
                "activity-detail", "activity-running", "heart-detail", "identity-name", "identity-insurance", LINKING, "decision", "csrf"]),
            prop::sample::select(vec!["on", "daily", "raw", "yes", "today", "last30", "all", "own", "2026-05-01", "1800-01-01",
                "3months", "1year", "withdrawn", "yes", ""]),
        ), 0..9),
    ) {
        let page = usual();
        let scopes = "patient/Patient.r patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|activity";
        let scopes = ScopeSet::parse(scopes).unwrap();
        let page = ConsentPage { categories: scopes.consent_categories().collect(), ..page };
        let fields: Vec<(String, String)> =
            fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        if let Ok(chosen) = page.read(&fields) {
            let text = page.wording(&chosen);
            let draft = ConsentDraft {
                person: PersonId(1),
                recipient: page.recipient.id,
                purpose: page.purpose.purpose.clone(),
                asked: Asked::by_scopes(&scopes),
                grants: chosen.grants.clone(),
                identity: chosen.identity,
                language: page.language,
                text_hash: [0; 32],
                text,
                how: HowGiven::SignedIn { issuer: "x".to_owned(), assurance: None, acting: None },
            };
            prop_assert_eq!(draft.validate(NOW), Ok(()));
            let sent = |name: &str| fields.iter().any(|(known, value)| known == name && value == "yes");
            prop_assert!(chosen.grants.iter().all(|grant| sent(grant.category.key())));
            prop_assert!(!chosen.identity.name || sent("identity-name"));
            prop_assert!(!chosen.identity.address && chosen.identity.linking.is_none());
        }
    }
}

#[tokio::test]
async fn what_the_app_needs_and_why_stands_by_each_kind_and_in_the_text_that_is_kept() {
    let both = |ja: &str, en: &str| Bilingual {
        ja: ja.to_owned(),
        en: en.to_owned(),
    };
    let need = |category: &str, needed, reason| store::Need {
        category: category.to_owned(),
        needed,
        reason,
    };
    let page = ConsentPage {
        template: store::Template {
            needs: vec![
                need("activity", true, both("ポイントの計算", "to count points")),
                need("sleep", false, Bilingual::default()),
            ],
            not_for: both("広告", "advertising"),
            afterwards: both("30日以内に消します。", "It is deleted within 30 days."),
            links_with: None,
        },
        ..usual()
    };
    let html = body(page.render()).await;
    for text in [
        "必要：ポイントの計算",
        "任意（選ばなくても使えます）",
        "次のことには使いません：広告",
        "30日以内に消します。",
    ] {
        assert!(html.contains(text), "{text}: {html}");
    }
    assert!(!html.contains("相手に残ることがあります"));
    // The helper ticks what is needed, and not what is optional.
    let filled = page.with_needed(&[]);
    assert_eq!(filled, [("activity".to_owned(), "yes".to_owned())]);
    let chosen = page
        .read(&[filled, form(&[("from", "all"), ("until", "6months")])].concat())
        .unwrap();
    let wording = page.wording(&chosen);
    assert!(
        wording.contains("広告") && wording.contains("30日以内に消します。"),
        "{wording}"
    );
}

#[tokio::test]
async fn a_purpose_that_links_two_recipients_asks_for_the_number_alone() {
    let page = ConsentPage {
        categories: Vec::new(),
        identity: false,
        links: Some((RecipientId(9), "歩こう研究".to_owned())),
        ..usual()
    };
    let html = body(page.render()).await;
    assert!(
        html.contains("identity-linking") && html.contains("歩こう研究"),
        "{html}"
    );
    assert!(!html.contains("identity-name") && !html.contains("-detail"));
    let chosen = page.read(&form(&[(LINKING, "yes"), ("until", "1year")])).unwrap();
    assert_eq!(chosen.identity.linking, Some(RecipientId(9)));
    assert!(page.wording(&chosen).contains("「歩こう研究」と共通の番号"));
    // Nobody ticks it where it is not asked for.
    assert!(usual().read(&form(&[(LINKING, "yes"), ("until", "1year")])).is_err());
}

#[tokio::test]
async fn who_answers_for_somebody_stands_in_the_text_that_is_kept() {
    let mut page = usual();
    page.resident.name = Some("関所 花子".to_owned());
    page.resident.acting = Some(consent::Acting {
        person: PersonId(5),
        relationship: consent::Relationship::Parent,
    });
    page.could_act = true;
    let html = body(page.render()).await;
    assert!(html.contains("関所 花子さんの代わりに操作しています。") && html.contains("/portal/people?return_to="));
    let chosen = page
        .read(&form(&[("activity", "daily"), ("from", "all"), ("until", "1year")]))
        .unwrap();
    assert!(
        page.wording(&chosen)
            .contains("関所 花子さんの代わりに、親権者が答えました。")
    );
}
