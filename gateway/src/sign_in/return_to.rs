//! Where to go after signing in: always a path of our own, so that nobody can be sent elsewhere by a link to us.

use serde::Deserialize;

/// Where to go when nothing else is known.
pub const HOME: &str = "/portal";

/// The longest that is kept, in bytes.
const MAX_LENGTH: usize = 1_024;

/// A path on this server, with a query perhaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalPath(String);

impl LocalPath {
    /// The path, if it is one of ours: it begins with one `/`, and holds nothing that a browser could read as another
    /// host (`//`, `\`), drop (control characters, which URL parsers strip) or take for a fragment.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix('/')?;
        let is_harmless = |byte: u8| byte.is_ascii_graphic() && !b"\\#\"<>".contains(&byte);
        let is_local = !rest.starts_with('/') && text.len() <= MAX_LENGTH && text.bytes().all(is_harmless);
        // Dot segments that climb out would still be ours, but `/.//host` normalises to `//host` in some parsers.
        let path = text.split('?').next().unwrap_or_default();
        let is_plain = !path.contains("//") && !path.split('/').any(|segment| matches!(segment, "." | ".."));
        (is_local && is_plain).then(|| Self(text.to_owned()))
    }

    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for LocalPath {
    fn default() -> Self {
        Self(HOME.to_owned())
    }
}

/// The parameter `return_to`.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    return_to: Option<String>,
    /// Given at all: whoever is signed in signs in anew.
    #[serde(default)]
    fresh: Option<String>,
    /// With which provider.
    #[serde(default)]
    with: Option<String>,
}

impl Asked {
    /// True when a sign-in from before does not count.
    pub fn is_fresh(&self) -> bool {
        self.fresh.is_some()
    }

    /// The name of the provider that was chosen.
    pub fn with(&self) -> Option<&str> {
        self.with.as_deref()
    }

    /// The path asked for, if it is ours.
    pub fn given(&self) -> Option<LocalPath> {
        self.return_to.as_deref().and_then(LocalPath::parse)
    }

    /// The path asked for if it is ours, else home.
    pub fn local(&self) -> LocalPath {
        self.given().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openidconnect::url::Url;
    use proptest::prelude::*;

    #[test]
    fn a_path_of_ours_is_taken_with_its_query() {
        for path in [
            "/",
            "/portal",
            "/oauth/consent?pending=a-b_c",
            "/portal?before=10&done=x",
            "/a/?u=https://b//c",
        ] {
            assert_eq!(LocalPath::parse(path).unwrap().as_str(), path);
        }
    }

    #[test]
    fn nothing_that_leads_elsewhere_is_taken() {
        for text in [
            "",
            "portal",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example/",
            "/\t/evil.example",
            "/\n/evil.example",
            "/.//evil.example",
            "/..//evil.example",
            "/a//b",
            "/%0d%0a\r\nset-cookie:x",
            "javascript:alert(1)",
            "/x#y",
            "/日本",
        ] {
            assert_eq!(LocalPath::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_taken_stays_on_this_host(text in "[/\\\\.@:?#a-c\t%0-9]{0,24}") {
            if let Some(path) = LocalPath::parse(&text) {
                let base = Url::parse("https://ours.example/sign-in").unwrap();
                let joined = base.join(path.as_str()).unwrap();
                prop_assert_eq!(joined.origin(), base.origin());
            }
        }
    }
}
