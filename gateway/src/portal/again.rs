//! A recipient asks in other words than those that were agreed to: the resident reads both and agrees anew, stops, or leaves it as it
//! is. Data passes as it was agreed to until they answer.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use consent::{Consent, ConsentDraft, Grant};

use super::PATH;
use super::consent_detail::{Looked, Trouble};
use super::consent_narrow::terms_text;
use super::consent_page::CAREFUL;
use super::consents::again;
use super::form::Sent;
use super::page::{Frame, MessagePage, Pressed, send};
use super::teller::Teller;
use super::words::Words;
use crate::oauth::handles;
use crate::sign_in::{self, SignedIn};
use crate::state::AppState;

#[derive(Template)]
#[template(path = "consent_again.html")]
struct View {
    frame: Frame,
    words: Words,
    csrf: String,
    id: u64,
    title: String,
    since: String,
    new: Vec<String>,
    old: Vec<String>,
    old_language: &'static str,
}

/// What is asked for anew.
struct Asked {
    looked: Looked,
    consent: Consent,
    draft: ConsentDraft,
    title: String,
    since: String,
}

/// `None` where nothing is asked for anew.
async fn asked(state: &AppState, signed_in: &SignedIn, id: &str) -> Result<Option<Asked>, Trouble> {
    let (looked, consent) = Looked::at(state, signed_in, id).await?;
    let words = Words(signed_in.language);
    let teller = Teller::load(state, &signed_in.own, words, &looked.resident).await?;
    let Some(since) = teller.asks_again(&consent) else {
        return Ok(None);
    };
    let template = state.store.template(consent.recipient, &consent.purpose).await?;
    let recipient = teller.recipient(consent.recipient);
    let mut opening = vec![
        words.with("text-again", "recipient", &recipient),
        words.with("text-purpose", "purpose", teller.purpose(&consent)),
    ];
    let not_for = words.pick(&template.not_for.ja, &template.not_for.en);
    if !not_for.is_empty() {
        opening.push(words.with("text-not_for", "what", not_for));
    }
    let afterwards = match words.pick(&template.afterwards.ja, &template.afterwards.en) {
        "" => words.say("consent-afterwards"),
        text => text.to_owned(),
    };
    let live = |grant: &&Grant| grant.is_live(looked.resident.now);
    let grants: Vec<Grant> = consent.grants.iter().filter(live).cloned().collect();
    let identity = consent.identity.at(looked.resident.now);
    let text = terms_text(words, &teller, opening, &grants, identity, afterwards);
    let draft = ConsentDraft {
        grants,
        identity,
        language: signed_in.language,
        text_hash: handles::hash(&text),
        text,
        ..again(&consent, signed_in)
    };
    let title = words.with("anew-title", "recipient", recipient);
    let since = words.with("anew-since", "day", teller.moment(since));
    Ok(Some(Asked {
        draft,
        title,
        since,
        consent,
        looked,
    }))
}

/// `GET /portal/consents/{id}/again`.
pub async fn show(
    State(state): State<AppState>,
    signed_in: SignedIn,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Response {
    match asked(&state, &signed_in, &id).await {
        Ok(Some(asked)) => send(StatusCode::OK, &view(&signed_in, asked), None),
        Ok(None) => Redirect::to(&format!("{PATH}/consents/{id}")).into_response(),
        Err(trouble) => trouble.page(&headers),
    }
}

fn view(signed_in: &SignedIn, asked: Asked) -> View {
    let words = Words(signed_in.language);
    let lines = |text: &str| text.lines().map(str::to_owned).collect();
    View {
        words,
        csrf: signed_in.csrf.clone(),
        id: asked.consent.id.0,
        new: lines(&asked.draft.text),
        old: lines(&asked.consent.text),
        old_language: asked.consent.language.tag(),
        title: asked.title,
        since: asked.since,
        frame: Frame::own(
            words,
            format!("{PATH}/consents/{}/again", asked.consent.id.0),
            &asked.looked.resident,
            &signed_in.csrf,
        ),
    }
}

/// `POST /portal/consents/{id}/again`: the same terms in the new words, as the next version. Tokens stay.
pub async fn agree(
    State(state): State<AppState>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Sent { signed_in, .. }: Sent<SignedIn, Pressed>,
) -> Response {
    match agreed(&state, &signed_in, &id).await {
        Ok(response) => response,
        Err(trouble) => trouble.page(&headers),
    }
}

async fn agreed(state: &AppState, signed_in: &SignedIn, id: &str) -> Result<Response, Trouble> {
    let Some(asked) = asked(state, signed_in, id).await? else {
        return Ok(Redirect::to(&format!("{PATH}?done=already")).into_response());
    };
    let careful = asked.draft.grants.iter().any(|grant| CAREFUL.contains(&grant.category));
    if careful && !signed_in.is_fresh(state.clock.now()) {
        let words = Words(signed_in.language);
        let here = format!("{PATH}/consents/{}/again", asked.consent.id.0);
        let page = MessagePage {
            frame: Frame::own(words, &here, &asked.looked.resident, &signed_in.csrf),
            words,
            title: words.say("confirm-again-title"),
            text: words.say("confirm-again-text"),
            is_error: false,
            links: vec![(sign_in::again(&here), words.say("confirm-again-do"))],
        };
        return Ok(send(StatusCode::OK, &page, None));
    }
    state.store.give_consent(asked.draft).await?;
    Ok(Redirect::to(&format!("{PATH}?done=agreed")).into_response())
}

#[cfg(test)]
mod tests {
    use consent::OwnAccess;
    use store::{Actor, Bilingual, Template};

    use crate::portal::consents::tests::shared;

    fn both(ja: &str, en: &str) -> Bilingual {
        Bilingual {
            ja: ja.to_owned(),
            en: en.to_owned(),
        }
    }

    #[tokio::test]
    async fn a_changed_text_is_asked_again_and_the_consent_stays_as_it_was_until_then() {
        let (gateway, consent) = shared().await;
        let store = &gateway.state.store;
        let mut browser = gateway.browser();
        browser.sign_in("hanako", "/portal").await;
        let address = format!("/portal/consents/{}/again", consent.id.0);
        let detail = format!("/portal/consents/{}", consent.id.0);
        // Nothing is asked yet.
        assert_eq!(browser.get(&address).await.location(&gateway.base), detail);
        let template = Template {
            not_for: both("広告", "advertising"),
            afterwards: both("10日で消します。", "It is deleted in 10 days."),
            ..Template::default()
        };
        let called = both("抽選つきポイント", "Points with a draw");
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        let by = Actor::CommandLine;
        store
            .set_template(consent.recipient, &consent.purpose, called, template, true, by)
            .await
            .unwrap();
        let own = OwnAccess::of_signed_in(consent.person);
        assert_eq!(store.consents(&own).await.unwrap()[0], consent);
        let home = browser.get("/portal").await.body;
        assert!(home.contains(&address), "{home}");
        let page = browser.get(&address).await;
        for text in [
            "抽選つきポイント",
            "広告",
            "10日で消します。",
            "前に同意した説明",
            "歩数を渡します",
        ] {
            assert!(page.body.contains(text), "{text}: {}", page.body);
        }
        let form = [("csrf".to_owned(), page.field("csrf"))];
        let done = browser.post(&address, &form).await;
        assert_eq!(done.location(&gateway.base), "/portal?done=agreed");
        let now = &store.consents(&own).await.unwrap()[0];
        assert_eq!(
            (now.id, now.version, &now.grants),
            (consent.id, consent.version + 1, &consent.grants)
        );
        assert!(now.text.contains("抽選つきポイント"), "{}", now.text);
        // It is asked once.
        assert!(!browser.get("/portal").await.body.contains(&address));
        assert_eq!(
            browser.post(&address, &form).await.location(&gateway.base),
            "/portal?done=already"
        );
    }
}
