//! Values of token parameters: `code`, `system|code`, `|code`, `system|`, with commas for or and a backslash before what is
//! meant as it is (FHIR R4 search, "token" and "escaping").

/// One alternative of a token parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// This code in whatever system.
    Code(String),
    /// This code in this system.
    Coding {
        /// The system.
        system: String,
        /// The code.
        code: String,
    },
    /// This code without a system: nothing here has one.
    WithoutSystem,
    /// Any code of this system.
    System(String),
}

impl Token {
    /// True when a coding is what the token asks for.
    pub fn fits(&self, system: &str, code: &str) -> bool {
        match self {
            Self::Code(asked) => asked == code,
            Self::Coding {
                system: asked,
                code: asked_code,
            } => asked == system && asked_code == code,
            Self::WithoutSystem => false,
            Self::System(asked) => asked == system,
        }
    }
}

/// Reads the alternatives of a token parameter; `None` when one of them says nothing.
pub fn parse(text: &str) -> Option<Vec<Token>> {
    split(text, ',').into_iter().map(one).collect()
}

fn one(text: &str) -> Option<Token> {
    let parts = split(text, '|');
    match parts.as_slice() {
        [code] if !code.is_empty() => Some(Token::Code(unescape(code))),
        ["", code] if !code.is_empty() => Some(Token::WithoutSystem),
        [system, ""] if !system.is_empty() => Some(Token::System(unescape(system))),
        [system, code] if !system.is_empty() => Some(Token::Coding {
            system: unescape(system),
            code: unescape(code),
        }),
        _ => None,
    }
}

/// The parts between separators that no backslash stands before; escapes stay in the parts.
pub fn split(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut from, mut escaped) = (0, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == separator => {
                parts.push(&text[from..at]);
                from = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts
}

/// The text meant: `\,` `\|` `\$` `\\` without their backslash.
pub fn unescape(text: &str) -> String {
    let mut meant = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => meant.extend(characters.next()),
            c => meant.push(c),
        }
    }
    meant
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_token_is_a_code_with_or_without_its_system() {
        assert_eq!(parse("8867-4"), Some(vec![Token::Code("8867-4".into())]));
        assert_eq!(
            parse("http://loinc.org|8867-4,|x,http://loinc.org|"),
            Some(vec![
                Token::Coding {
                    system: "http://loinc.org".into(),
                    code: "8867-4".into()
                },
                Token::WithoutSystem,
                Token::System("http://loinc.org".into()),
            ])
        );
        assert_eq!(parse(r"a\,b\|c"), Some(vec![Token::Code("a,b|c".into())]));
    }

    #[test]
    fn an_alternative_that_says_nothing_is_refused() {
        for text in ["", "a,", "|", "a|b|c", "||", ","] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_token_fits_its_own_coding_only() {
        let fits = |text: &str| parse(text).unwrap()[0].fits("s", "c");
        assert!(fits("c") && fits("s|c") && fits("s|"));
        assert!(!fits("C") && !fits("t|c") && !fits("s|d") && !fits("|c") && !fits("t|"));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,40}") {
            let _ = parse(&text);
        }

        #[test]
        fn parts_joined_again_are_the_text(text in "[a,|\\\\]{0,20}") {
            prop_assert_eq!(split(&text, ',').join(","), text);
        }
    }
}
