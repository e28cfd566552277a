//! What the page of links says in both languages: what a link needs of its person, and what each source gives.

use std::collections::{BTreeMap, BTreeSet};

use consent::Language;
use model::Need;
use store::TurnEnd;

use super::*;
use crate::portal::words::{LANGUAGE_COOKIE, Words};

async fn page_in(browser: &mut Browser<'_>, language: Language) -> String {
    let chosen = (LANGUAGE_COOKIE.to_owned(), language.tag().to_owned());
    browser.cookies.extend([chosen]);
    let page = browser.get("/portal/links").await.body;
    page.replace("&#39;", "'").replace("&#62;", ">").replace("&#38;", "&")
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_link_needs_of_its_person_is_said_to_them_in_both_languages() {
    let world = World::new().await;
    let mut said = BTreeSet::new();
    for need in Need::ALL {
        let mut browser = world.hanako().await;
        world.connect(&mut browser, HANAKO).await;
        let state = &world.gateway.state;
        let leased = worker::take(state, world.cloud(), 1).await.pop().expect("it is due");
        assert!(state.store.end_turn(&leased, TurnEnd::Refused(need)).await.unwrap());
        is(&world, LinkState::NeedsAttention(need)).await;
        for language in [Language::Ja, Language::En] {
            let text = Words(language).say(&format!("links-need-{}", need.key()));
            let page = page_in(&mut browser, language).await;
            let shown = format!("<p class=\"banner problem\" role=\"status\">{text}</p>");
            assert!(page.contains(&shown), "{need:?} {language:?}: {page}");
            assert_eq!(page.matches("banner problem").count(), 1, "and nothing else: {page}");
            // It says what to press, and that is there.
            assert!(page.contains("/portal/links/google-health/connect"), "{page}");
            assert!(said.insert(text), "{need:?} {language:?} says what another does");
        }
    }
}

/// What stands on the page of a source, by category.
fn told(page: &str, title: &str) -> BTreeMap<String, String> {
    let card = page.split(&format!("<h2>{title}</h2>")).nth(1).expect("its card");
    let list = card.split("<dl>").nth(1).unwrap().split("</dl>").next().unwrap();
    let row = |row: &str| {
        let (category, names) = row.split_once("</dt><dd>").unwrap();
        (category.to_owned(), names.split("</dd>").next().unwrap().to_owned())
    };
    list.split("<dt>").skip(1).map(row).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_tells_of_each_source_what_its_adapter_declares_in_both_languages() {
    for (vendor, other) in [(LISTS, SINCE), (SILENT, LISTS), (ENDING, SILENT)] {
        let world = World::with(vendor, Some(other)).await;
        let mut browser = world.hanako().await;
        let names = [world.vendor.name, world.other.as_ref().unwrap().name];
        for language in [Language::Ja, Language::En] {
            let words = Words(language);
            let page = page_in(&mut browser, language).await;
            for name in names {
                let cloud = world.gateway.state.clouds.named(name).unwrap();
                let [ja, en] = cloud.adapter.title();
                let told = told(&page, words.pick(ja, en));
                let mut declared = BTreeMap::<String, BTreeSet<&str>>::new();
                for covered in cloud.adapter.coverage().types {
                    let row = covered.metric.row();
                    // How it goes on behind what stands in brackets, if it does, is told beside the page's own code.
                    let begins = words.pick(row.name_ja, row.name_en).split(['(', '（']).next();
                    let all = declared.entry(words.category(row.category)).or_default();
                    all.insert(begins.unwrap().trim());
                }
                assert!(told.keys().eq(declared.keys()), "{name} {language:?}: {told:?}");
                for (category, all) in declared {
                    let told = &told[&category];
                    let here = all.iter().filter(|one| told.contains(**one)).count();
                    // Of many the first are told by their names, and of the others how many they are.
                    assert!(here == all.len() || here >= 30, "{name} {category}: {told}");
                }
            }
        }
    }
}
