//! What the page of links says in both languages: what a link needs of its person.

use std::collections::BTreeSet;

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
