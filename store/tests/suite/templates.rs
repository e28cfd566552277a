//! Templates: how a recipient asks, version by version.

use consent::Purpose;
use store::{Actor, Bilingual, Need, Result, StoreError, Template};

use crate::harness::House;

const BY: Actor = Actor::CommandLine;

fn both(ja: &str, en: &str) -> Bilingual {
    Bilingual {
        ja: ja.to_owned(),
        en: en.to_owned(),
    }
}

fn template(reason: &str) -> Template {
    Template {
        needs: vec![Need {
            category: "activity".to_owned(),
            needed: true,
            reason: both(reason, "to count points"),
        }],
        not_for: both("広告", "advertising"),
        afterwards: both("30日以内に消します。", "It is deleted within 30 days."),
        links_with: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_makes_a_version_and_every_earlier_one_is_kept() -> Result<()> {
    let house = House::new().await;
    let recipient = house.recipient().await;
    let purpose = Purpose::new("points").expect("a purpose");
    let store = &house.store;
    assert_eq!(store.template(recipient, &purpose).await?, Template::default());
    let set = async |text, template| store.set_template(recipient, &purpose, text, template, true, BY).await;
    assert_eq!(set(both("ポイント", "Points"), template("計算")).await?, 2);
    assert_eq!(
        set(both("ポイントと抽選", "Points and a draw"), template("計算と抽選")).await?,
        3
    );
    assert_eq!(store.template(recipient, &purpose).await?, template("計算と抽選"));
    let known = store.recipient(recipient).await?.expect("the recipient");
    assert_eq!(known.purposes[0].ja, "ポイントと抽選");
    let versions = store.template_versions(recipient, &purpose).await?;
    let told: Vec<(u32, &str, usize)> = versions
        .iter()
        .map(|version| (version.version, version.text.ja.as_str(), version.template.needs.len()))
        .collect();
    assert_eq!(
        told,
        [(3, "ポイントと抽選", 1), (2, "ポイント", 1), (1, "健康ポイント", 0)]
    );
    let anew = store.asked_anew().await?;
    assert_eq!(anew.get(&(recipient, purpose.clone())), Some(&house.now()));
    let other = store
        .template(recipient, &Purpose::new("advice").expect("a purpose"))
        .await?;
    assert_eq!(other, Template::default());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_half_says_something_is_refused() -> Result<()> {
    let house = House::new().await;
    let recipient = house.recipient().await;
    let purpose = Purpose::new("points").expect("a purpose");
    let text = || both("ポイント", "Points");
    let mut unknown = template("x");
    unknown.needs[0].category = "steps".to_owned();
    let mut twice = template("x");
    twice.needs.push(twice.needs[0].clone());
    let mut one_language = template("x");
    one_language.not_for.en.clear();
    let mut long = template("x");
    long.afterwards.ja = "あ".repeat(501);
    let linked = |other| Template {
        links_with: Some(other),
        ..Template::default()
    };
    let mut linked_and_more = linked(recipient.0);
    linked_and_more.needs = template("x").needs;
    let (itself, nobody) = (linked(recipient.0), linked(recipient.0 ^ 1));
    for bad in [unknown, twice, one_language, long, linked_and_more, itself, nobody] {
        let set = house
            .store
            .set_template(recipient, &purpose, text(), bad, true, BY)
            .await;
        assert!(matches!(set, Err(StoreError::Invalid { .. })), "{set:?}");
    }
    let nobody = Purpose::new("research").expect("a purpose");
    let set = house
        .store
        .set_template(recipient, &nobody, text(), template("x"), true, BY)
        .await;
    assert!(matches!(set, Err(StoreError::NotFound { .. })), "{set:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrected_spelling_asks_nobody_again() -> Result<()> {
    let house = House::new().await;
    let recipient = house.recipient().await;
    let purpose = Purpose::new("points").expect("a purpose");
    let text = both("ポイント", "Points");
    house
        .store
        .set_template(recipient, &purpose, text, template("計算"), false, BY)
        .await?;
    assert!(house.store.asked_anew().await?.is_empty());
    Ok(())
}
