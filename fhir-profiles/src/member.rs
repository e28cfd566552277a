//! By what an insurer knows somebody, as FHIR in Japan writes it: 被保険者個人識別子, `insurer:symbol:number:branch`.
//!
//! Documents write it in many widths, with spaces that fill a column and zeros that a table cut off. All of that is written in one way
//! here; what cannot be is written as it is, and then the profile that asks for that form is not claimed.

use model::checkup::Subject;

/// Somebody's number with their insurer.
pub(crate) struct Member {
    /// Eight digits.
    pub(crate) insurer: String,
    /// 記号, which some insurers have none of.
    pub(crate) symbol: String,
    /// 番号.
    pub(crate) number: String,
    /// 枝番, two digits, or nothing.
    pub(crate) branch: String,
}

impl Member {
    /// As a document says it; `None` where it names no insurer.
    pub(crate) fn of(subject: &Subject) -> Option<Self> {
        let insurer = filled(half_width(&subject.insurer), 8);
        // A branch of three digits is two that a zero was put before.
        let branch = half_width(&subject.branch);
        let branch = match branch.parse::<u8>() {
            Ok(number) if number < 100 => format!("{number:02}"),
            _ => branch,
        };
        (!insurer.is_empty()).then(|| Self {
            insurer,
            symbol: unseparated(&subject.symbol),
            number: unseparated(&subject.number),
            branch,
        })
    }

    /// The identifier.
    pub(crate) fn value(&self) -> String {
        [&self.insurer, &self.symbol, &self.number, &self.branch]
            .map(String::as_str)
            .join(":")
    }

    /// True where it has the form that the guides demand (R1013), and is somebody's: an insurer alone is nobody's number.
    pub(crate) fn is_well_formed(&self) -> bool {
        let is_of = |digits: usize, text: &str| text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
        is_of(8, &self.insurer) && !self.number.is_empty() && (self.branch.is_empty() || is_of(2, &self.branch))
    }
}

/// Without spaces, digits in half width.
fn half_width(written: &str) -> String {
    let digits = written.chars().filter(|c| !c.is_whitespace());
    let half = |c: char| match c {
        '０'..='９' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        other => other,
    };
    digits.map(half).collect()
}

/// With the zeros before it that a number of so many digits has.
fn filled(number: String, digits: usize) -> String {
    match !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) {
        true => format!("{number:0>digits$}"),
        false => number,
    }
}

/// Without spaces; what separates the parts, and what their form leaves out, in full width.
fn unseparated(written: &str) -> String {
    let letters = written.chars().filter(|c| !c.is_whitespace());
    let wide = |c: char| match c {
        ':' => '：',
        '^' => '＾',
        other => other,
    };
    letters.map(wide).collect()
}

/// A name as the guides want it, family and given name apart by a half-width space or by none (R1113); and in what it is written
/// (ISO 21090 `EN.representation`): kana, letters, or else kanji.
pub(crate) fn name(written: &str) -> (String, &'static str) {
    let text = written.trim().replace('　', " ");
    let kana = |c: char| matches!(c, ' ' | '\u{3041}'..='\u{30ff}' | '\u{ff65}'..='\u{ff9f}');
    let letter = |c: char| c < '\u{300}' || matches!(c, '\u{ff01}'..='\u{ff5e}');
    let representation = if !text.is_empty() && text.chars().all(letter) {
        "ABC"
    } else if text.chars().all(kana) {
        "SYL"
    } else {
        "IDE"
    };
    (text, representation)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(parts: [&str; 4]) -> Member {
        let [insurer, symbol, number, branch] = parts.map(str::to_owned);
        let subject = Subject {
            insurer,
            symbol,
            number,
            branch,
            ..Subject::default()
        };
        Member::of(&subject).expect("an insurer")
    }

    #[test]
    fn widths_spaces_and_zeros_are_written_in_one_way() {
        for (parts, value) in [
            (["00012345", "あいう", "１８７", "05"], "00012345:あいう:１８７:05"),
            (["139999", "見 本", "000 0001", "1"], "00139999:見本:0000001:01"),
            (
                ["１３９９９９", "　見本", "１２\u{3000}", "０１"],
                "00139999:見本:１２:01",
            ),
            (["06139999", "", "12", ""], "06139999::12:"),
            (["06139999", "1:2", "3^4", "001"], "06139999:1：2:3＾4:01"),
        ] {
            let member = member(parts);
            assert_eq!(member.value(), value);
            assert!(member.is_well_formed(), "{value}");
        }
    }

    #[test]
    fn what_has_no_such_form_is_written_as_it_is_and_said_to_have_none() {
        for (parts, value) in [
            (["ABC", "見本", "1", "01"], "ABC:見本:1:01"),
            (["123456789", "見本", "1", "01"], "123456789:見本:1:01"),
            (["00139999", "見本", "1", "甲"], "00139999:見本:1:甲"),
            (["00139999", "見本", "1", "123"], "00139999:見本:1:123"),
            (["00139999", "見本", "", ""], "00139999:見本::"),
        ] {
            let member = member(parts);
            assert_eq!(member.value(), value);
            assert!(!member.is_well_formed(), "{value}");
        }
        assert!(Member::of(&Subject::default()).is_none());
    }

    #[test]
    fn a_name_has_no_wide_space_and_says_in_what_it_is_written() {
        for (written, text, representation) in [
            ("ミホン　ハナコ", "ミホン ハナコ", "SYL"),
            ("ﾐﾎﾝ ﾊﾅｺ", "ﾐﾎﾝ ﾊﾅｺ", "SYL"),
            ("見本　花子", "見本 花子", "IDE"),
            ("見本ハナコ", "見本ハナコ", "IDE"),
            ("MIHON HANAKO", "MIHON HANAKO", "ABC"),
            ("Ｍｉｈｏｎ　Ｈａｎａｋｏ", "Ｍｉｈｏｎ Ｈａｎａｋｏ", "ABC"),
        ] {
            assert_eq!(name(written), (text.to_owned(), representation), "{written}");
        }
    }
}
