//! Units as checkup documents write them: one unit in many spellings and widths, and counts by many powers of ten.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization as _;

/// A unit apart from how it is spelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// The power of ten that it counts in: 4 of `10*4/uL`.
    pub power: i32,
    /// What is counted, or measured.
    pub of: String,
}

/// Spellings that are the same unit. Looked for one after the other once width, case, spaces and braces are gone.
const SPELLINGS: &[(&str, &str)] = &[
    ("百万/", "10*6/"),
    ("万/", "10*4/"),
    ("千/", "10*3/"),
    ("10^", "10*"),
    ("×", ""),
    ("μ", "u"),
    ("mm3", "ul"),
    ("mm[hg]", "mmhg"),
    // Thyroid and other hormones are counted in international units, which enzymes are not.
    ("uiu/", "u[iu]/"),
    ("iu/", "u/"),
    ("permil", "[ppth]"),
    ("‰", "[ppth]"),
    ("本", "hon"),
    ("歳", "a"),
    ("m^2", "m2"),
    ("1.73_m2", "1.73m2"),
    ("gcreat", "g*cr"),
    ("g・cr", "g*cr"),
    ("gcr", "g*cr"),
    ("/day", "/d"),
    ("/日", "/d"),
    ("h`b", ""),
    ("回/分", "/min"),
    ("/分", "/min"),
    ("bpm", "/min"),
];

/// Units of pure numbers, under whatever name.
const NUMBERS: &[&str] = &["times", "回", "ratio", "#", "1", "count"];

/// A unit as it is meant, whatever width it is written in (Unicode NFKC): `㎎/㎗` and `ｍｇ／ｄＬ` are `mg/dL`.
pub(super) fn plain(written: &str) -> Cow<'_, str> {
    match written.is_ascii() {
        true => Cow::Borrowed(written),
        false => Cow::Owned(written.nfkc().collect()),
    }
}

/// Reads a unit; what nobody knows is a unit of its own.
pub fn parse(written: &str) -> Unit {
    let mut text: String = plain(written)
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '{' | '}'))
        .flat_map(char::to_lowercase)
        .collect();
    for (from, to) in SPELLINGS {
        if text.contains(from) {
            text = text.replace(from, to);
        }
    }
    if NUMBERS.contains(&text.as_str()) {
        text.clear();
    }
    // Grams of a decilitre of cells are per cent of it: both are written of the same quantity.
    if text == "g/dl" {
        text = "%".to_owned();
    }
    match text.strip_prefix("10*").and_then(|rest| rest.split_once('/')) {
        Some((power, of)) => Unit {
            power: power.parse().unwrap_or(0),
            of: format!("/{of}"),
        },
        None => Unit { power: 0, of: text },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_unit_has_many_spellings() {
        for same in [
            ["mm[Hg]", "mmHg"],
            ["mg/dL", "MG/DL"],
            ["10*4/mm3", "万/μL"],
            ["U/L", "IU/l"],
            ["kg/m2", "kg/㎡"],
            ["mL/min/{1.73_m2}", "ml/min/1.73m2"],
            ["mg/g{creat}", "mg/g*CR"],
            ["/min", "{h`b}/min"],
            ["", "{times}"],
            ["fL", "fl"],
            ["g/cm2", "g/cm²"],
            ["{hon}/d", "本/日"],
            ["a", "歳"],
            ["u[IU]/mL", "μIU/mL"],
            ["[ppth]", "‰"],
            ["10*6/uL", "百万/mm3"],
            ["10*4/uL", "万／㎜３"],
            ["mg/dL", "ｍｇ／ｄＬ"],
            ["mg/dL", "㎎/㎗"],
            ["mmHg", "ｍｍ［Ｈｇ］"],
            ["", "１"],
        ] {
            assert_eq!(parse(same[0]), parse(same[1]), "{same:?}");
        }
        assert_eq!(parse("10*6/uL").power, 6);
        assert_eq!(
            parse("/mm3"),
            Unit {
                power: 0,
                of: "/ul".into()
            }
        );
        assert_ne!(parse("mg/dL"), parse("mmol/L"));
    }
}
