//! The Individual Number (マイナンバー) may not be held: a file that bears one is refused, and nothing of it is kept.
//!
//! A field that bears its name is enough. One number of twelve digits proves nothing, since one in ten that are not it pass its
//! check digit; a column does, when nearly all of it passes.

use std::borrow::Cow;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};
use unicode_normalization::UnicodeNormalization as _;

mod ids;
mod numbers;

pub(super) use ids::Ids;
pub(super) use numbers::Numbers;

use super::tree::Tree;
use crate::AdapterError;

/// Names of the number, as they are once widths, cases and separators are gone; and of the other that only the register of residents may
/// use (住民票コード).
const NAMES: &[&str] = &[
    "個人番号",
    "マイナンバー",
    "mynumber",
    "individualnumber",
    "kojinbango",
    "住民票コード",
];
/// What forms write around it: whose it is, and how it is to be written.
const AROUND: &[&str] = &[
    "被保険者",
    "被扶養者",
    "扶養者",
    "世帯主",
    "世帯員",
    "配偶者",
    "受診者",
    "対象者",
    "利用者",
    "申請者",
    "加入者",
    "組合員",
    "保護者",
    "代理人",
    "従業員",
    "本人",
    "家族",
    "社員",
    "職員",
    "患者",
    "住民",
    "の",
    "半角",
    "数字",
    "12桁",
    "12ケタ",
    "12けた",
    "必須",
    "欄",
];
/// The longest name with all that stands around it, in characters.
const LONGEST_WRITTEN: usize = 48;

/// True for the name of a field that holds the number, with nothing beside it but words of forms. Names that only end like it are other
/// numbers: KDB個人番号 and 国保個人番号 are keys of insurers' systems, 住民番号 is the municipality's.
pub(super) fn is_name(written: &str) -> bool {
    // Nearly every name of a document is another, and says so by its first byte or its last.
    if let [first, .., last] = written.as_bytes()
        && (is_none_of(*first, b"mMiIkK1") || is_none_of(*last, b"rRoO2"))
    {
        return false;
    }
    let mut letters = written
        .chars()
        .skip_while(|c| c.is_ascii() && !c.is_ascii_alphanumeric());
    if letters.next().is_none_or(begins_another) {
        return false;
    }
    let name: String = written
        .nfkc()
        .flat_map(char::to_lowercase)
        .filter(|c| c.is_alphanumeric() || *c == 'ー')
        .take(LONGEST_WRITTEN + 1)
        .collect();
    if name.chars().nth(LONGEST_WRITTEN).is_some() {
        return false;
    }
    let (mut rest, mut is_named) = (name.as_str(), false);
    while !rest.is_empty() {
        let known = |words: &[&str]| words.iter().find_map(|word| rest.strip_prefix(word));
        let Some(further) = known(NAMES).inspect(|_| is_named = true).or_else(|| known(AROUND)) else {
            return false;
        };
        rest = further;
    }
    is_named
}

/// True for a letter or digit of ASCII that is another than these.
fn is_none_of(byte: u8, letters: &[u8]) -> bool {
    byte.is_ascii_alphanumeric() && !letters.contains(&byte)
}

/// True for a letter that none of the names, nor what stands before them, begins with, in whatever width and case, and whatever mark
/// follows it.
fn begins_another(first: char) -> bool {
    match first {
        'm' | 'M' | 'i' | 'I' | 'k' | 'K' | '1' | 'マ' | '個' | '住' => false,
        '被' | '扶' | '世' | '配' | '受' | '対' | '利' | '申' | '加' | '組' | '保' | '代' => false,
        '従' | '本' | '家' | '社' | '職' | '患' | 'の' | '半' | '数' | '必' | '欄' => false,
        '0'..='9' | 'a'..='z' | 'A'..='Z' | 'ぁ'..='ゖ' | 'ァ'..='ヺ' | '一'..='\u{9fff}' => true,
        _ => false,
    }
}

/// True for twelve digits whose last is the check digit of the others (Ordinance of the Ministry of Internal Affairs No. 85 of
/// 2014, article 5).
pub(super) fn passes(digits: &str) -> bool {
    let digits: Vec<u32> = digits.chars().filter_map(|c| c.to_digit(10)).collect();
    let [body @ .., check] = digits.as_slice() else {
        return false;
    };
    if body.len() != 11 {
        return false;
    }
    let sum: u32 = body
        .iter()
        .rev()
        .zip(1..)
        .map(|(digit, place)| digit * if place <= 6 { place + 1 } else { place - 5 })
        .sum();
    let rest = sum % 11;
    *check == if rest <= 1 { 0 } else { 11 - rest }
}

/// How its Japanese names begin, in UTF-8 and in Shift_JIS. Forms like to set the letters of such a name apart.
const FIRST_LETTERS: [&[u8]; 7] = [
    "個".as_bytes(),
    "マ".as_bytes(),
    "住".as_bytes(),
    b"\x8c\xc2",
    b"\x83\x7d",
    b"\xcf\xb2",
    b"\x8f\x5a",
];
/// Bytes in which a name ends that begins there, however far apart its letters stand.
const LONGEST_NAME: usize = 96;
/// What stands in bytes where the number's name may. A character that is written by its number (`&#x500b;`) may be part of it too.
const TRACES: [&[u8]; 8] = [
    "ﾏ".as_bytes(),
    "ｍ".as_bytes(),
    "Ｍ".as_bytes(),
    "ｉ".as_bytes(),
    "Ｉ".as_bytes(),
    "ｋ".as_bytes(),
    "Ｋ".as_bytes(),
    b"&#",
];
/// How its names in Latin letters end.
const ENDS: [&[u8]; 4] = [b"umber", b"UMBER", b"ango", b"ANGO"];
/// How they begin, before one of the ends and whatever separates the two.
const BEGINS: [&[u8]; 3] = [b"myn", b"individualn", b"kojinb"];

/// None of them is a part of another, so that of any kind of match all are found; the leftmost one is found by vectors.
static SEARCH: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let all = TRACES.iter().chain(&FIRST_LETTERS).chain(&ENDS);
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostFirst)
        .build(all)
        .ok()
});

/// True for bytes in which the number's name may stand, in whatever encoding: worth a look at the names themselves.
pub(super) fn may_bear(bytes: &[u8]) -> bool {
    let Some(search) = &*SEARCH else { return true };
    search.find_iter(bytes).any(|found| {
        let pattern = found.pattern().as_usize();
        if pattern < TRACES.len() {
            return true;
        }
        if pattern < TRACES.len() + FIRST_LETTERS.len() {
            let until = (found.start() + LONGEST_NAME).min(bytes.len());
            return begins_with_name(&bytes[found.start()..until]);
        }
        let before = bytes[found.start().saturating_sub(12)..found.start()].to_ascii_lowercase();
        let before: Vec<u8> = before.into_iter().filter(u8::is_ascii_alphabetic).collect();
        BEGINS.iter().any(|begin| before.ends_with(begin))
    })
}

/// True for bytes that begin with one of its Japanese names, in either encoding.
fn begins_with_name(bytes: &[u8]) -> bool {
    let begins = |text: &str| {
        let letters: String = text
            .nfkc()
            .filter(|c| c.is_alphanumeric() || *c == 'ー')
            .take(6)
            .collect();
        NAMES.iter().any(|name| letters.starts_with(name))
    };
    begins(&String::from_utf8_lossy(bytes)) || begins(&encoding_rs::SHIFT_JIS.decode_without_bom_handling(bytes).0)
}

/// Refuses JSON of which a name, a value or the end of an address is the number's name. Writers of ASCII escape every kanji.
pub(super) fn refuse_quoted(text: &str) -> Result<(), AdapterError> {
    let escapes = text.contains("\\u");
    let unescaped = |word: &str| serde_json::from_str::<String>(&format!("\"{word}\"")).unwrap_or_default();
    let bears = |word: &str| is_name(word) || (word.contains("\\u") && is_name(&unescaped(word)));
    match (escapes || may_bear(text.as_bytes())) && text.split(['"', '/', '#']).any(bears) {
        true => Err(AdapterError::IndividualNumber),
        false => Ok(()),
    }
}

/// Refuses a document of which an element or attribute bears the number's name and has something in it.
pub(super) fn refuse(tree: &Tree<'_>) -> Result<(), AdapterError> {
    let bears = tree.elements().any(|element| {
        let named = |(name, value): &(&str, Cow<'_, str>)| match *name {
            "displayName" => matches!(element.name(), "id" | "code") && is_name(value),
            "assigningAuthorityName" => is_name(value),
            name => is_name(name),
        };
        is_name(element.name()) || element.attributes().iter().any(named)
    });
    match bears {
        true => Err(AdapterError::IndividualNumber),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn its_name_is_known_in_every_width_and_no_other_number_is_taken_for_it() {
        for name in [
            "個人番号",
            "マイナンバー",
            "ﾏｲﾅﾝﾊﾞｰ",
            "myNumber",
            "MY_NUMBER",
            "ｍｙＮｕｍｂｅｒ",
            "Individual Number",
            "個人番号（マイナンバー）",
            "マイナンバー（個人番号）",
            "個人番号(12桁)",
            "個人番号（１２桁）",
            "マイナンバー 半角数字12桁",
            "My Number (12桁)",
            "世帯主マイナンバー",
            "世帯主の個人番号",
            "被保険者個人番号",
            "住民票コード",
            "本人 住民票ｺｰﾄﾞ",
        ] {
            assert!(is_name(name), "{name}");
            let bytes = encoding_rs::SHIFT_JIS.encode(name).0;
            assert!(
                may_bear(name.as_bytes()) && (name.is_ascii() || may_bear(&bytes) || name.contains('ｍ')),
                "{name}"
            );
        }
        for name in [
            "KDB個人番号",
            "国保個人番号",
            "住民番号",
            "被保険者番号",
            "世帯主",
            "マイナンバーカードを持っている",
            "数字12桁",
            "住民票",
            "id",
            "",
        ] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn no_word_of_a_name_is_passed_over_by_its_first_letter() {
        let words = NAMES.iter().chain(AROUND);
        assert!(
            words
                .flat_map(|word| word.chars().next())
                .all(|first| !begins_another(first))
        );
    }

    #[test]
    fn its_name_leaves_a_trace_also_where_its_letters_stand_apart() {
        let names = [
            "個人番号",
            "個 人 番 号",
            "個　人　番　号",
            "マ・イ・ナ・ン・バ・ー",
            "ｍ ｙｎｕｍｂｅｒ",
            "My Number",
            "individual_number",
        ];
        for name in names {
            assert!(
                is_name(name) && may_bear(format!("<id displayName=\"{name}\"/>").as_bytes()),
                "{name}"
            );
        }
        for name in ["個 人 番 号", "個　人　番　号", "マ イ ナ ン バ ー"] {
            let (bytes, ..) = encoding_rs::SHIFT_JIS.encode(name);
            assert!(may_bear(&bytes), "{name}");
        }
        for other in ["個別の指導", "個人", "マグネシウム", "ミホンヤマ", "ッ}", "", "個"] {
            assert!(!may_bear(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn the_check_digit_is_that_of_the_ordinance() {
        // 2·6+3·5+… of 12345678901, worked by hand: the sum is 204, 204 mod 11 is 6, 11 - 6 is 5... of its mirror.
        let check = |body: &str| (0..10).filter(|digit| passes(&format!("{body}{digit}"))).count();
        for body in ["12345678901", "00000000000", "99999999999", "83452109876"] {
            assert_eq!(check(body), 1, "{body}");
        }
        assert!(passes("123456789018"), "the example that the ordinance's readers use");
        assert!(!passes("12345678901"), "eleven digits");
    }

    proptest! {
        #[test]
        fn one_change_of_a_digit_is_nearly_always_noticed(body in "[0-9]{11}") {
            let passing = (0..10).filter(|digit| passes(&format!("{body}{digit}"))).count();
            prop_assert_eq!(passing, 1);
        }
    }
}
