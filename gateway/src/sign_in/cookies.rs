//! Cookies: the session's handle, the browser's mark during a sign-in, the language. None is readable by scripts or sent
//! with another site's forms.

use axum::http::{HeaderMap, HeaderValue};
use axum_extra::extract::CookieJar;

use crate::oauth::handles;
use crate::state::AppState;

/// Holds the session's handle.
pub const SESSION: &str = "sekisho-session";

/// Marks the browser in which a sign-in began.
pub const BROWSER: &str = "sekisho-sign-in";

/// Whether browsers reach us over HTTPS.
pub fn is_https(state: &AppState) -> bool {
    state.config.http.public_url.starts_with("https://")
}

/// The name a secret cookie has here. Over HTTPS the prefix keeps other hosts of the same domain from setting it
/// (RFC 6265bis 4.1.3.2); over HTTP browsers would refuse it.
pub fn secret_name(name: &str, https: bool) -> String {
    if https {
        format!("__Host-{name}")
    } else {
        name.to_owned()
    }
}

/// The value of `Set-Cookie`. `SameSite=Lax`, since the provider sends the browser back from another site. Without an age
/// the browser forgets the cookie when it closes.
pub fn set(name: &str, value: &str, max_age_seconds: Option<i64>, https: bool) -> HeaderValue {
    let age = max_age_seconds
        .map(|seconds| format!("; Max-Age={seconds}"))
        .unwrap_or_default();
    let secure = if https { "; Secure" } else { "" };
    HeaderValue::try_from(format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}"))
        // Names and values are handles and tags of ours.
        .unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// The value of `Set-Cookie` that makes the browser forget.
pub fn forget(name: &str, https: bool) -> HeaderValue {
    set(name, "", Some(0), https)
}

/// The handle in a secret cookie: 43 characters of base64url, anything else counts as none.
pub fn handle(headers: &HeaderMap, name: &str, https: bool) -> Option<String> {
    let jar = CookieJar::from_headers(headers);
    let value = jar.get(&secret_name(name, https))?.value();
    let is_handle = value.len() == 43
        && value
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    is_handle.then(|| value.to_owned())
}

/// What the store knows this browser's session by; without a session, what none has.
pub fn session_hash(state: &AppState, headers: &HeaderMap) -> [u8; 32] {
    let handle = handle(headers, SESSION, is_https(state));
    handles::hash(&handle.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_https_a_secret_cookie_is_bound_to_this_host() {
        let name = secret_name(SESSION, true);
        assert_eq!(
            set(&name, "x", None, true),
            "__Host-sekisho-session=x; Path=/; HttpOnly; SameSite=Lax; Secure"
        );
        assert_eq!(
            set(&secret_name(SESSION, false), "x", Some(9), false),
            "sekisho-session=x; Path=/; HttpOnly; SameSite=Lax; Max-Age=9"
        );
    }

    #[test]
    fn over_https_a_cookie_without_the_prefix_counts_as_none() {
        let handle_text = "a".repeat(43);
        let mut headers = HeaderMap::new();
        headers.insert("cookie", format!("sekisho-session={handle_text}").parse().unwrap());
        assert_eq!(handle(&headers, SESSION, false), Some(handle_text));
        assert_eq!(handle(&headers, SESSION, true), None);
    }
}
