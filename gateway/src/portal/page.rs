//! How every page is sent: the frame around it (language, who is signed in, sign-out) and the headers that keep other sites,
//! scripts and caches out.

use askama::Template;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use oauth2::url::{Url, form_urlencoded};

use serde::Deserialize;
use store::StoreError;

use super::resident::Resident;
use super::words::Words;
use super::{Problem, error_page};

/// What stands around every page.
pub struct Frame {
    /// The wording.
    pub words: Words,
    /// The local path of this page, to come back to from the language switch.
    pub here: String,
    /// The resident who is signed in, if one is.
    pub reader: Option<Reader>,
    /// Whether the menu of a resident's pages stands on it.
    pub menu: bool,
}

/// A resident who is signed in.
pub struct Reader {
    /// Their name, or that of the person for whom they act, if one is known.
    pub name: Option<String>,
    /// Whether they act for somebody else.
    pub acts: bool,
    /// What their forms carry.
    pub csrf: String,
}

impl Reader {
    /// Who reads the pages of this resident.
    pub fn of(resident: &Resident, csrf: &str) -> Self {
        Self {
            name: resident.name.clone(),
            acts: resident.acting.is_some(),
            csrf: csrf.to_owned(),
        }
    }
}

impl Frame {
    /// The frame of a page without a session.
    pub fn open(words: Words, here: impl Into<String>) -> Self {
        Self {
            words,
            here: here.into(),
            reader: None,
            menu: false,
        }
    }

    /// The frame of one of a resident's own pages.
    pub fn own(words: Words, here: impl Into<String>, resident: &Resident, csrf: &str) -> Self {
        Self {
            words,
            here: here.into(),
            reader: Some(Reader::of(resident, csrf)),
            menu: true,
        }
    }

    /// The menu: address, words, and whether this is the page.
    pub fn items(&self) -> Vec<(&'static str, String, bool)> {
        let path = self.here.split('?').next().unwrap_or_default();
        let items = [
            (super::PATH, "portal-title"),
            (super::steps::PATH, "steps-title"),
            (super::checkups::PATH, "checkups-title"),
            (super::upload::PATH, "upload-title"),
        ];
        items
            .into_iter()
            .map(|(address, key)| (address, self.words.say(key), address == path))
            .collect()
    }

    /// Where the language switch leads.
    pub fn switch(&self) -> String {
        let here: String = form_urlencoded::byte_serialize(self.here.as_bytes()).collect();
        format!("/language/{}?return_to={here}", self.words.other().tag())
    }
}

/// The answer to a button that ends something: the page it stands on, or that there is no such thing.
pub fn ended(ended: Result<(), StoreError>, headers: &HeaderMap, page: &str, what: &'static str) -> Response {
    match ended {
        Ok(()) => Redirect::to(page).into_response(),
        Err(StoreError::NotFound { .. }) => error_page(headers, Problem::NotFound),
        Err(error) => {
            tracing::error!(%error, what, "could not be ended");
            error_page(headers, Problem::Internal)
        }
    }
}

/// No scripts, no frames, no other origin; forms go to us, and where `forms_to` says: Chromium and WebKit check the policy
/// against every redirect that follows a form.
fn policy(forms_to: Option<&str>) -> String {
    let further = forms_to
        .and_then(form_source)
        .map(|source| format!(" {source}"))
        .unwrap_or_default();
    format!(
        "default-src 'none'; style-src 'self'; form-action 'self'{further}; frame-ancestors 'none'; base-uri 'none'"
    )
}

/// A redirect URI as a source of a policy: its origin, or its scheme where an origin cannot be written (an app's own scheme,
/// a numeric IPv6 host; CSP 3, 2.3.1).
fn form_source(uri: &str) -> Option<String> {
    let url = Url::parse(uri).ok()?;
    let host = url
        .host_str()
        .filter(|host| !host.starts_with('[') && matches!(url.scheme(), "http" | "https"));
    let source = match (host, url.port()) {
        (Some(host), Some(port)) => format!("{}://{host}:{port}", url.scheme()),
        (Some(host), None) => format!("{}://{host}", url.scheme()),
        (None, _) => format!("{}:", url.scheme()),
    };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b":/.-+_".contains(&byte);
    source.bytes().all(is_plain).then_some(source)
}

/// Sends a page with a script of ours, which may ask us and nobody else. The page works without it.
pub fn send_with_script(page: &impl Template) -> Response {
    let mut response = send(StatusCode::OK, page, None);
    let policy = format!("{}; script-src 'self'; connect-src 'self'", policy(None));
    if let Ok(policy) = HeaderValue::try_from(policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Sends a page. `forms_to` names where a form's answer may redirect besides ourselves.
pub fn send(status: StatusCode, page: &impl Template, forms_to: Option<&str>) -> Response {
    match page.render() {
        Ok(html) => guarded(status, html, forms_to),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn guarded(status: StatusCode, html: String, forms_to: Option<&str>) -> Response {
    let fixed = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        // `no-referrer` would make browsers send `Origin: null` with forms to ourselves.
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // Ignored by browsers where the page came over plain HTTP.
        (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains"),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
        ),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("x-robots-tag"), "noindex"),
    ];
    let mut response = (status, html).into_response();
    let headers = response.headers_mut();
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let policy = HeaderValue::try_from(policy(forms_to));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        policy.unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    );
    response
}

/// Sends a resident's own page, or says why there is none. `failed` goes to the log with what the store answered.
pub fn shown(view: Result<Option<impl Template>, StoreError>, headers: &HeaderMap, failed: &'static str) -> Response {
    match view {
        Ok(Some(view)) => send(StatusCode::OK, &view, None),
        Ok(None) => error_page(headers, Problem::UnknownPerson),
        Err(error) => {
            tracing::error!(%error, "{failed}");
            error_page(headers, Problem::Internal)
        }
    }
}

/// The form of a button that says nothing but that it was pressed.
#[derive(Debug, Deserialize)]
pub struct Pressed {}

/// A page of a few sentences, with links to go on.
#[derive(Template)]
#[template(path = "message.html")]
pub struct MessagePage {
    /// What stands around it.
    pub frame: Frame,
    /// The wording.
    pub words: Words,
    /// Its heading.
    pub title: String,
    /// Its text.
    pub text: String,
    /// Whether something went wrong.
    pub is_error: bool,
    /// Where to go on: address and words.
    pub links: Vec<(String, String)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_lets_a_form_end_at_the_app_and_nowhere_else() {
        assert_eq!(
            policy(Some("https://app.example:8443/callback?x=1")),
            "default-src 'none'; style-src 'self'; form-action 'self' https://app.example:8443; frame-ancestors 'none'; base-uri 'none'"
        );
        assert_eq!(
            form_source("https://app.example/cb").as_deref(),
            Some("https://app.example")
        );
        assert_eq!(
            form_source("jp.example.points:/cb").as_deref(),
            Some("jp.example.points:")
        );
        assert_eq!(form_source("http://[::1]:3000/cb").as_deref(), Some("http:"));
        assert_eq!(form_source("not a url"), None);
    }

    #[test]
    fn no_redirect_uri_can_write_a_directive_into_the_policy() {
        for uri in [
            "https://app.example;script-src/cb",
            "https://a,b/cb",
            "https://a b/",
            "x;y:/cb",
        ] {
            let policy = policy(Some(uri));
            assert!(!policy.contains("script-src") && !policy.contains(','), "{policy}");
            assert_eq!(policy.matches(';').count(), 4, "{policy}");
        }
    }
}
