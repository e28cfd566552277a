//! Calls without redirects, with answers that are whole before they are looked at.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, LOCATION};
use reqwest::{Method, StatusCode, Url};
use serde_json::Value;

/// An HTTP client that follows nothing.
pub struct Client(reqwest::Client);

/// What was answered.
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub text: String,
}

impl Answer {
    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// A text of the JSON body; empty when there is none.
    pub fn member(&self, name: &str) -> String {
        self.json()[name].as_str().unwrap_or_default().to_owned()
    }

    /// A header's text; empty when it is not there.
    pub fn header(&self, name: impl Into<HeaderName>) -> &str {
        self.headers
            .get(name.into())
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// Where it redirects to.
    pub fn location(&self) -> Option<Url> {
        let text = self.headers.get(LOCATION)?.to_str().ok()?;
        self.status.is_redirection().then(|| Url::parse(text).ok()).flatten()
    }
}

impl Client {
    /// A client.
    ///
    /// # Errors
    /// What making it answers.
    pub fn new() -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(30))
            .build()?;
        Ok(Self(client))
    }

    /// Sends a request.
    ///
    /// # Errors
    /// That no answer came.
    pub async fn send(
        &self,
        method: Method,
        url: &str,
        build: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> Result<Answer, String> {
        let request = build(self.0.request(method, url));
        let answer = request.send().await.map_err(|error| error.without_url().to_string())?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let text = answer.text().await.map_err(|error| error.without_url().to_string())?;
        Ok(Answer { status, headers, text })
    }

    /// Gets an address.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn get(&self, url: &str) -> Result<Answer, String> {
        self.send(Method::GET, url, |request| request).await
    }

    /// Posts a form.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn form(
        &self,
        url: &str,
        basic: Option<(&str, &str)>,
        fields: &[(&str, &str)],
    ) -> Result<Answer, String> {
        self.send(Method::POST, url, |request| {
            let request = request.form(fields);
            match basic {
                Some((name, secret)) => request.basic_auth(name, Some(secret)),
                None => request,
            }
        })
        .await
    }
}

/// A parameter of an address.
pub fn parameter(url: &Url, name: &str) -> Option<String> {
    let (_, value) = url.query_pairs().find(|(known, _)| known == name)?;
    Some(value.into_owned())
}
