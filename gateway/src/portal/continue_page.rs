//! The page after an answer on the consent page: it leads back to the app by itself, with a link for browsers that do not.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use consent::Language;
use oauth2::url::Url;

use super::page::send;
use super::words::Words;

/// What the resident's answer came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A consent was given.
    Agreed,
    /// Nothing is given.
    Refused,
    /// It could not be kept; nothing is given.
    Failed,
}

#[derive(Template)]
#[template(path = "continue.html")]
struct View<'a> {
    words: Words,
    title: String,
    text: String,
    to: Option<&'a str>,
    link: String,
}

/// The page that leads to `to`, the app's address with what goes back.
pub fn page(language: Language, app: &str, to: &str, outcome: Outcome) -> Response {
    let words = Words(language);
    let key = match outcome {
        Outcome::Agreed => "continue-agreed",
        Outcome::Refused => "continue-refused",
        Outcome::Failed => "continue-failed",
    };
    let view = View {
        words,
        title: words.with("continue-title", "app", app),
        text: words.say(key),
        to: may_lead(to).then_some(to),
        link: words.with("continue-link", "app", app),
    };
    let mut response = send(StatusCode::OK, &view, None);
    // The page has no form, and the app has no business with the address it came from.
    response
        .headers_mut()
        .insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// Addresses that a browser runs or reads from itself are never followed, however they came to be registered.
fn may_lead(to: &str) -> bool {
    const NEVER: [&str; 7] = ["javascript", "data", "vbscript", "file", "blob", "about", "filesystem"];
    Url::parse(to).is_ok_and(|url| !NEVER.contains(&url.scheme()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::consent_page::tests::body;

    #[tokio::test]
    async fn the_page_leads_back_by_itself_and_by_a_link_and_tells_no_referrer() {
        let to = "https://app.example/cb?code=a&state=\"<b>";
        let response = page(Language::Ja, "あるく<b>", to, Outcome::Agreed);
        assert_eq!(response.headers()[header::REFERRER_POLICY], "no-referrer");
        let html = body(response).await;
        assert!(html.contains("http-equiv=\"refresh\"") && html.matches("https://app.example/cb?code=a").count() == 2);
        assert!(!html.contains("<b>"), "{html}");
    }

    #[test]
    fn nothing_that_a_browser_would_run_is_followed() {
        for bad in [
            "javascript:alert(1)",
            " JavaScript:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "file:///etc/passwd",
            "x",
        ] {
            assert!(!may_lead(bad), "{bad}");
        }
        for good in [
            "https://app.example/cb",
            "http://127.0.0.1:3000/cb",
            "jp.example.points:/cb",
        ] {
            assert!(may_lead(good), "{good}");
        }
    }
}
