//! A resident's browser, as much of it as benches need.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::{Client, Response, header};

use super::BenchError;
use super::server::Server;

/// An answer that is none.
pub fn wrong(what: &str) -> BenchError {
    BenchError::Answer(what.to_owned())
}

/// A resident's browser: cookies, no redirects that are followed by themselves.
pub struct Browser {
    /// Its connections.
    pub client: Client,
    /// Where the gateway is.
    pub base: String,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    /// Of a resident of a demo, who is signed in.
    pub async fn signed_in(server: &Server) -> Result<Self, BenchError> {
        let resident = &server.ready["residents"][1];
        let [login, password] = ["login", "password"].map(|name| resident[name].as_str().unwrap_or_default());
        let mut browser = Self::new(server.text("base_url")?)?;
        browser.sign_in(login, password).await?;
        Ok(browser)
    }

    fn new(base: &str) -> Result<Self, BenchError> {
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(60))
            .build()?;
        Ok(Self {
            client,
            base: base.to_owned(),
            cookies: BTreeMap::new(),
        })
    }

    /// Sends a form, or asks for a page, with its cookies.
    pub async fn send(&mut self, path: &str, form: Option<&[(&str, &str)]>) -> Result<Response, BenchError> {
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}{path}", self.base)
        };
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = match form {
            Some(form) => self.client.post(url).form(form),
            None => self.client.get(url),
        };
        let answer = request.header(header::COOKIE, cookies.join("; ")).send().await?;
        for set in answer.headers().get_all(header::SET_COOKIE) {
            let pair = set.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(answer)
    }

    /// Follows redirects of ours to a page.
    pub async fn page(&mut self, path: &str) -> Result<String, BenchError> {
        let mut path = path.to_owned();
        for _ in 0..6 {
            let answer = self.send(&path, None).await?;
            let Some(next) = answer.headers().get(header::LOCATION) else {
                return Ok(answer.text().await?);
            };
            next.to_str().unwrap_or_default().clone_into(&mut path);
        }
        Err(wrong("too many redirects"))
    }

    async fn sign_in(&mut self, login: &str, password: &str) -> Result<(), BenchError> {
        let page = self.page("/sign-in/start?return_to=/portal").await?;
        let hidden = hidden(&page);
        let mut form = pairs(&hidden);
        form.extend([("login", login), ("password", password)]);
        let answer = self.send("/demo-idp/authorize", Some(&form)).await?;
        let back = leads_to(&answer).ok_or_else(|| wrong("not signed in"))?;
        self.page(&back).await.map(|_| ())
    }

    /// Connects a simulated cloud's first account, as somebody who allows all that is asked for.
    pub async fn connect(&mut self, vendor: &str) -> Result<(), BenchError> {
        let answer = self.send(&format!("/portal/links/{vendor}/connect"), None).await?;
        let address = leads_to(&answer).ok_or_else(|| wrong("a cloud that cannot be connected"))?;
        let at = reqwest::Url::parse(&address).map_err(|_| wrong("a cloud without an address"))?;
        let page = self.send(&address, None).await?.text().await?;
        let value = |tag: &str| Some(tag.split_once("value=\"")?.1.split('"').next()?.to_owned());
        let mut form = hidden(&page);
        let account = page.split("<option").nth(1).and_then(value);
        form.push((
            "account".to_owned(),
            account.ok_or_else(|| wrong("a cloud without accounts"))?,
        ));
        let boxes = page.split("<input type=\"checkbox\"").skip(1).filter_map(value);
        form.extend(boxes.map(|scope| ("scope".to_owned(), scope)));
        form.push(("answer".to_owned(), "allow".to_owned()));
        let action = page
            .split_once("action=\"")
            .and_then(|(_, rest)| rest.split('"').next());
        let decide = at
            .join(action.unwrap_or_default())
            .map_err(|_| wrong("a form that leads nowhere"))?;
        let answer = self.send(decide.as_str(), Some(&pairs(&form))).await?;
        let back = leads_to(&answer).ok_or_else(|| wrong("a cloud that leads nowhere"))?;
        self.page(&back).await.map(|_| ())
    }
}

/// Where an answer sends the browser on.
fn leads_to(answer: &Response) -> Option<String> {
    let next = answer.headers().get(header::LOCATION)?;
    next.to_str().ok().map(str::to_owned)
}

/// Fields as they are sent.
pub fn pairs(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

/// Names and values of a page's hidden fields, without those of the form that signs out.
pub fn hidden(page: &str) -> Vec<(String, String)> {
    let main = page.split_once("<main").map_or(page, |(_, main)| main);
    main.split("<input type=\"hidden\"")
        .skip(1)
        .filter_map(|tag| {
            let attribute = |name: &str| Some(tag.split_once(&format!("{name}=\""))?.1.split('"').next()?.to_owned());
            Some((attribute("name")?, attribute("value")?.replace("&#38;", "&")))
        })
        .collect()
}
