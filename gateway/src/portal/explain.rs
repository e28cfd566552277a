//! `/portal/explain`: why somebody is given something, or is not, in plain words.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use consent::explain::{Answer, Because, Question, explain};
use consent::{ConsentState, Detail};
use model::{ConsentCategory, LocalDay, RecipientId};
use serde::Deserialize;
use store::StoreError;

use super::page::{Frame, shown};
use super::resident::{Resident, day};
use super::teller::Teller;
use super::words::Words;
use crate::sign_in::SignedIn;
use crate::state::AppState;

/// Where the page lies.
const PATH: &str = "/portal/explain";

/// What is asked; all of it may be left out.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    recipient: String,
    #[serde(default)]
    category: String,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    day: String,
}

#[derive(Template)]
#[template(path = "explain.html")]
struct View {
    frame: Frame,
    words: Words,
    recipients: Vec<Choice>,
    categories: Vec<Choice>,
    details: Vec<Choice>,
    day: String,
    headline: Option<String>,
    reasons: Vec<String>,
}

struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

/// `GET /portal/explain`.
pub async fn show(
    State(state): State<AppState>,
    signed_in: SignedIn,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Response {
    let view = view(&state, &signed_in, &asked).await;
    shown(view, &headers, "an explanation could not be made")
}

async fn view(state: &AppState, signed_in: &SignedIn, asked: &Asked) -> Result<Option<View>, StoreError> {
    let Some(resident) = Resident::load(state, &signed_in.own).await? else {
        return Ok(None);
    };
    let words = Words(signed_in.language);
    let teller = Teller::load(state, &signed_in.own, words, &resident).await?;
    let mut recipients: Vec<Choice> = teller
        .recipients
        .keys()
        .map(|id| Choice {
            value: id.to_string(),
            label: teller.recipient(*id),
            chosen: asked.recipient == id.to_string(),
        })
        .collect();
    recipients.sort_by(|one, other| one.label.cmp(&other.label));
    let recipient = asked
        .recipient
        .parse()
        .ok()
        .filter(|id| teller.recipients.contains_key(id));
    let (headline, reasons) = match (recipient, ConsentCategory::from_key(&asked.category)) {
        (Some(recipient), Some(category)) => {
            let question = Question {
                recipient,
                category,
                detail: detail_of(&asked.detail),
                day: LocalDay::parse(&asked.day),
                source: None,
                today: resident.today(),
            };
            let consents = state.store.consents(&signed_in.own).await?;
            let answers = explain(&question, &consents, resident.now);
            told(&teller, recipient, &question, &answers)
        }
        _ => (None, Vec::new()),
    };
    Ok(Some(View {
        words,
        recipients,
        categories: ConsentCategory::ALL
            .into_iter()
            .map(|category| Choice {
                value: category.key().to_owned(),
                label: words.category(category),
                chosen: asked.category == category.key(),
            })
            .collect(),
        details: Detail::ALL
            .into_iter()
            .map(|detail| Choice {
                value: detail.code().to_owned(),
                label: words.given_detail(detail),
                chosen: detail == detail_of(&asked.detail),
            })
            .collect(),
        day: asked.day.chars().take(10).collect(),
        headline,
        reasons,
        frame: Frame::own(words, PATH, &resident, &signed_in.csrf),
    }))
}

fn detail_of(code: &str) -> Detail {
    Detail::from_code(code).unwrap_or(Detail::Daily)
}

fn told(
    teller: &Teller<'_>,
    recipient: RecipientId,
    question: &Question,
    answers: &[Answer],
) -> (Option<String>, Vec<String>) {
    let words = teller.words;
    let given = answers.iter().any(Answer::gives);
    let key = if given { "explain-given" } else { "explain-not-given" };
    let headline = words.fill(
        key,
        [
            ("recipient", teller.recipient(recipient)),
            ("category", words.category(question.category)),
        ],
    );
    let mut reasons = Vec::new();
    if answers.is_empty() {
        reasons.push(words.say("explain-never"));
    }
    for answer in answers {
        match answer.ended {
            Some((state, at)) => {
                let key = match state {
                    ConsentState::Withdrawn => "portal-state-withdrawn",
                    ConsentState::Superseded => "portal-state-superseded",
                    ConsentState::Active | ConsentState::Expired => "portal-state-expired",
                };
                reasons.push(of(teller, answer, words.with(key, "when", teller.moment(at))));
            }
            None if answer.grants.is_empty() => {
                reasons.push(of(teller, answer, words.say("explain-not-agreed")));
            }
            None => reasons.extend(
                answer
                    .grants
                    .iter()
                    .map(|(_, because)| of(teller, answer, reason(teller, *because))),
            ),
        }
    }
    (Some(headline), reasons)
}

/// A reason with the consent that it comes from.
fn of(teller: &Teller<'_>, answer: &Answer, reason: String) -> String {
    teller.words.fill(
        "explain-reason",
        [
            ("consent", format!("{}-{}", answer.consent, answer.version)),
            ("purpose", answer.purpose.as_str().to_owned()),
            ("reason", reason),
        ],
    )
}

fn reason(teller: &Teller<'_>, because: Because) -> String {
    let words = teller.words;
    match because {
        Because::Gives { detail, expires } => {
            let until = words.until_when(expires.map(|end| teller.resident.day_of(end.plus(-1))));
            words.fill(
                "explain-gives",
                [("detail", words.given_detail(detail)), ("until", until)],
            )
        }
        Because::RanOut { expired } => words.with("portal-state-expired", "when", teller.moment(expired)),
        Because::Coarser { detail } => words.with("explain-coarser", "detail", words.given_detail(detail)),
        Because::OtherDays { period } => {
            let end = |day_of: Option<LocalDay>| day_of.map_or_else(|| "…".to_owned(), |known| day(words.0, known));
            words.fill(
                "explain-other-days",
                [("from", end(period.from)), ("until", end(period.until))],
            )
        }
        Because::OtherSources => words.say("explain-other-sources"),
        Because::DayNotOver => words.say("explain-day-not-over"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::consents::tests::shared;

    #[tokio::test]
    async fn the_page_says_why_steps_are_given_and_sleep_is_not() {
        let (gateway, consent) = shared().await;
        let mut browser = gateway.browser();
        browser.sign_in("hanako", "/portal").await;
        let mut ask = async |query: &str| {
            browser
                .get(&format!("{PATH}?recipient={}&{query}", consent.recipient))
                .await
                .body
        };
        let given = ask("category=activity&day=2026-05-12").await;
        assert!(
            given.contains("渡っています") && given.contains(&consent.id.to_string()),
            "{given}"
        );
        let sleep = ask("category=sleep").await;
        assert!(
            sleep.contains("渡っていません") && sleep.contains("この種類には同意していません"),
            "{sleep}"
        );
        let early = ask("category=activity&day=2026-05-01").await;
        assert!(early.contains("2026年5月10日"), "{early}");
        let raw = ask("category=activity&detail=raw").await;
        assert!(raw.contains("1日ごとのまとめだけ"), "{raw}");
        for odd in ["", "category=x&day=y&detail=z", "category=activity&day=%3Cb%3E"] {
            let page = ask(odd).await;
            assert!(
                !page.contains("Unknown localization") && !page.contains("<b>"),
                "{odd}: {page}"
            );
        }
    }
}
