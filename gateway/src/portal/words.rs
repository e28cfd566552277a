//! The wording of the pages in Japanese and English, and which of the two a reader gets: the choice in the cookie
//! `language`, else what the browser prefers, else Japanese. The texts lie in `locales`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Display;
use std::sync::LazyLock;

use axum::http::{HeaderMap, header};
use axum_extra::extract::CookieJar;
use consent::Language;
use fluent_templates::fluent_bundle::FluentValue;
use fluent_templates::{LanguageIdentifier, Loader as _, static_loader};
use store::LegalBasis;

static_loader! {
    static LOCALES = {
        locales: "./locales",
        fallback_language: "ja",
        // No invisible direction marks around values: the texts are kept with consents and compared.
        customise: |bundle| bundle.set_use_isolating(false),
    };
}

static JAPANESE: LazyLock<LanguageIdentifier> = LazyLock::new(|| identifier(Language::Ja));
static ENGLISH: LazyLock<LanguageIdentifier> = LazyLock::new(|| identifier(Language::En));

fn identifier(language: Language) -> LanguageIdentifier {
    language.tag().parse().unwrap_or_default()
}

/// The cookie that keeps a reader's choice.
pub const LANGUAGE_COOKIE: &str = "language";

/// The wording in one language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words(pub Language);

impl Words {
    /// The wording for the reader who sent these headers.
    pub fn for_reader(headers: &HeaderMap) -> Self {
        Self(language(headers))
    }

    /// The language's tag, for `lang` attributes.
    pub fn tag(&self) -> &'static str {
        self.0.tag()
    }

    /// The other language.
    pub fn other(&self) -> Language {
        match self.0 {
            Language::Ja => Language::En,
            Language::En => Language::Ja,
        }
    }

    /// The text of this key.
    pub fn say(&self, key: &str) -> String {
        LOCALES.lookup(self.identifier(), key)
    }

    /// The text of this key with one value in it.
    pub fn with(&self, key: &str, name: &'static str, value: impl Display) -> String {
        self.fill(key, [(name, value.to_string())])
    }

    /// The text of this key with values in it.
    pub fn fill<const N: usize>(&self, key: &str, values: [(&'static str, String); N]) -> String {
        let values: HashMap<Cow<'static, str>, FluentValue<'_>> = values
            .into_iter()
            .map(|(name, value)| (Cow::Borrowed(name), FluentValue::from(value)))
            .collect();
        LOCALES.lookup_with_args(self.identifier(), key, &values)
    }

    /// A recipient's ground: its kind, its document, and until when.
    pub fn basis(&self, basis: &LegalBasis, until: Option<String>) -> String {
        let kind = self.say(&format!("basis-{}-long", basis.kind.code()));
        let mut parts = vec![kind];
        parts.extend((!basis.document.is_empty()).then(|| basis.document.clone()));
        parts.extend(until.map(|day| self.with("basis-until", "day", day)));
        for (key, names) in [
            ("basis-handlers", &basis.handlers),
            ("basis-subcontractors", &basis.subcontractors),
        ] {
            if !names.is_empty() {
                parts.push(self.with(key, "names", names.join("、")));
            }
        }
        parts.join(&self.say("basis-joint"))
    }

    /// The text of two that is in this language.
    pub fn pick<'a>(&self, ja: &'a str, en: &'a str) -> &'a str {
        match self.0 {
            Language::Ja => ja,
            Language::En => en,
        }
    }

    fn identifier(&self) -> &'static LanguageIdentifier {
        match self.0 {
            Language::Ja => &JAPANESE,
            Language::En => &ENGLISH,
        }
    }
}

/// The language for the reader who sent these headers.
pub fn language(headers: &HeaderMap) -> Language {
    CookieJar::from_headers(headers)
        .get(LANGUAGE_COOKIE)
        .and_then(|cookie| of_tag(cookie.value()))
        .or_else(|| preferred(headers))
        .unwrap_or_default()
}

/// The language with this tag, whatever the region.
pub fn of_tag(tag: &str) -> Option<Language> {
    let primary = tag.split('-').next().unwrap_or_default();
    [Language::Ja, Language::En]
        .into_iter()
        .find(|language| primary.eq_ignore_ascii_case(language.tag()))
}

/// What `Accept-Language` prefers (RFC 9110 12.5.4); of two that are liked the same, the first.
fn preferred(headers: &HeaderMap) -> Option<Language> {
    let accepted = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
    let mut best: Option<(u32, Language)> = None;
    for range in accepted.split(',').take(32) {
        let (tag, weight) = range.split_once(';').unwrap_or((range, "q=1"));
        let Some(language) = of_tag(tag.trim()) else { continue };
        let quality = weight
            .trim()
            .strip_prefix("q=")
            .and_then(|text| text.parse::<f32>().ok())
            .unwrap_or(0.0);
        let quality = (quality.clamp(0.0, 1.0) * 1_000.0) as u32;
        if quality > best.map_or(0, |(best, _)| best) {
            best = Some((quality, language));
        }
    }
    best.map(|(_, language)| language)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const JA: [&str; 2] = [
        include_str!("../../locales/ja/portal.ftl"),
        include_str!("../../locales/ja/provider.ftl"),
    ];
    const EN: [&str; 2] = [
        include_str!("../../locales/en/portal.ftl"),
        include_str!("../../locales/en/provider.ftl"),
    ];

    /// Each key with the values that its text takes.
    fn keys(texts: [&'static str; 2]) -> BTreeSet<(&'static str, BTreeSet<&'static str>)> {
        texts
            .into_iter()
            .flat_map(str::lines)
            .filter_map(|line| line.split_once(" = "))
            .map(|(key, text)| {
                (
                    key,
                    text.split("{ $")
                        .skip(1)
                        .filter_map(|rest| rest.split(' ').next())
                        .collect(),
                )
            })
            .collect()
    }

    fn with(headers: &[(header::HeaderName, &str)]) -> Language {
        language(
            &headers
                .iter()
                .map(|(name, value)| (name.clone(), value.parse().unwrap()))
                .collect(),
        )
    }

    #[test]
    fn both_languages_have_the_same_texts_with_the_same_values() {
        assert!(keys(JA).len() > 150);
        assert_eq!(keys(JA), keys(EN));
    }

    #[test]
    fn every_text_that_code_and_templates_ask_for_is_there() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let known: BTreeSet<&str> = keys(JA).into_iter().map(|(key, _)| key).collect();
        let mut asked = 0;
        for part in ["templates", "src/portal", "src/sign_in", "src/demo"] {
            for file in std::fs::read_dir(folder.join(part)).unwrap() {
                let path = file.unwrap().path();
                if path.is_dir() {
                    continue;
                }
                let text = std::fs::read_to_string(path).unwrap();
                for call in [".say(\"", ".with(\"", ".fill(\""] {
                    for rest in text.split(call).skip(1) {
                        let key = rest.split('"').next().unwrap();
                        assert!(known.contains(key), "{part}: {key}");
                        asked += 1;
                    }
                }
            }
        }
        assert!(asked > 60, "{asked}");
    }

    /// Its key is made where it is asked for, so that no text that is searched for names it.
    #[test]
    fn what_a_link_needs_of_its_person_has_a_text_in_both_languages() {
        for (language, texts) in [(Language::Ja, JA), (Language::En, EN)] {
            let known: BTreeSet<&str> = keys(texts).into_iter().map(|(key, _)| key).collect();
            let needs = model::Need::ALL.map(|need| format!("links-need-{}", need.key()));
            for key in &needs {
                assert!(known.contains(key.as_str()), "{language:?} {key}");
            }
            let there = known.iter().filter(|key| key.starts_with("links-need-")).count();
            assert_eq!(there, needs.len(), "{language:?}: one is of a need that is no more");
        }
    }

    #[test]
    fn values_stand_in_the_text_without_invisible_marks() {
        assert_eq!(
            Words(Language::Ja).with("signed-in-as", "name", "花子"),
            "ログインしている人：花子 さん"
        );
        assert_eq!(
            Words(Language::En).with("signed-in-as", "name", "花子"),
            "Signed in: 花子"
        );
    }

    #[test]
    fn japanese_comes_first_then_what_the_browser_prefers_then_what_the_reader_chose() {
        use header::{ACCEPT_LANGUAGE, COOKIE};
        assert_eq!(with(&[]), Language::Ja);
        assert_eq!(with(&[(ACCEPT_LANGUAGE, "fr, *;q=0.5")]), Language::Ja);
        assert_eq!(with(&[(ACCEPT_LANGUAGE, "en-US,en;q=0.9,ja;q=0.8")]), Language::En);
        assert_eq!(with(&[(ACCEPT_LANGUAGE, "en;q=0.3, ja-JP")]), Language::Ja);
        assert_eq!(with(&[(ACCEPT_LANGUAGE, "en;q=0")]), Language::Ja);
        assert_eq!(with(&[(ACCEPT_LANGUAGE, "en"), (COOKIE, "language=ja")]), Language::Ja);
        assert_eq!(with(&[(ACCEPT_LANGUAGE, "ja"), (COOKIE, "language=en")]), Language::En);
        assert_eq!(with(&[(COOKIE, "language=<script>")]), Language::Ja);
    }
}
