//! Pieces of JSON appended to bytes: strings, whole numbers, decimals.
//!
//! Nothing is built before it is written. Two ways to write a text: [`string`] keeps every character (JSON, RFC 8259
//! section 7); [`text`] leaves out what a FHIR `string` must not hold (R4 datatypes: control characters other than tab,
//! line feed and carriage return).

use model::Measured;
use model::decimal::{MAX_SCALE, POWERS_OF_TEN};

/// `00` to `99`, two bytes each.
static PAIRS: [u8; 200] = {
    let mut pairs = [0u8; 200];
    let mut number = 0;
    while number < 100 {
        pairs[number * 2] = b'0' + (number / 10) as u8;
        pairs[number * 2 + 1] = b'0' + (number % 10) as u8;
        number += 1;
    }
    pairs
};

/// Two digits of a number below 100.
#[inline]
pub(crate) fn two_digits(number: u32) -> [u8; 2] {
    let at = (number as usize % 100) * 2;
    [PAIRS[at], PAIRS[at + 1]]
}

/// The bytes as they are.
#[inline]
pub(crate) fn raw(out: &mut Vec<u8>, bytes: impl AsRef<[u8]>) {
    out.extend_from_slice(bytes.as_ref());
}

/// The inside of a JSON string: quotes, backslashes and control characters escaped, everything else as it is.
#[inline]
pub(crate) fn escaped(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    // Without an early exit the compiler checks many bytes at once; nearly every text is clean.
    let dirty = bytes.iter().fold(false, |dirty, &byte| {
        dirty | (byte < 0x20) | (byte == b'"') | (byte == b'\\')
    });
    if dirty {
        escape_slowly(out, bytes);
    } else {
        out.extend_from_slice(bytes);
    }
}

#[cold]
fn escape_slowly(out: &mut Vec<u8>, bytes: &[u8]) {
    for &byte in bytes {
        match byte {
            b'"' => raw(out, br#"\""#),
            b'\\' => raw(out, br"\\"),
            b'\n' => raw(out, br"\n"),
            b'\r' => raw(out, br"\r"),
            b'\t' => raw(out, br"\t"),
            0..0x20 => {
                const HEX: [u8; 16] = *b"0123456789abcdef";
                raw(out, br"\u00");
                raw(out, [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 0xf)]]);
            }
            _ => out.push(byte),
        }
    }
}

/// A JSON string, every character kept.
#[inline]
pub(crate) fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    escaped(out, text);
    out.push(b'"');
}

/// What of a text a FHIR string may hold; `None` when nothing visible remains, since an empty string is no FHIR string.
pub(crate) fn presentable(text: &str) -> Option<std::borrow::Cow<'_, str>> {
    let forbidden = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
    let trimmed = text.trim_matches(|c: char| c.is_whitespace() || forbidden(c));
    if trimmed.is_empty() {
        return None;
    }
    Some(if trimmed.contains(forbidden) {
        trimmed.chars().filter(|&c| !forbidden(c)).collect::<String>().into()
    } else {
        trimmed.into()
    })
}

/// `"name":"text"` with a comma before it, for a text from outside; nothing when the text has nothing to show.
pub(crate) fn text_member(out: &mut Vec<u8>, name: &str, text: Option<&str>) {
    if let Some(text) = text.and_then(presentable) {
        raw(out, b",\"");
        raw(out, name);
        raw(out, b"\":");
        string(out, &text);
    }
}

/// A whole number.
#[inline]
pub(crate) fn whole(out: &mut Vec<u8>, number: u64) {
    let mut digits = [0u8; 20];
    let start = digits_of(&mut digits, number);
    out.extend_from_slice(&digits[start..]);
}

/// Writes the digits at the end of the array and says where they begin.
#[inline]
fn digits_of(digits: &mut [u8; 20], mut number: u64) -> usize {
    let mut start = digits.len();
    while number >= 100 {
        start -= 2;
        digits[start..start + 2].copy_from_slice(&two_digits((number % 100) as u32));
        number /= 100;
    }
    if number >= 10 {
        start -= 2;
        digits[start..start + 2].copy_from_slice(&two_digits(number as u32));
    } else {
        start -= 1;
        digits[start] = b'0' + number as u8;
    }
    start
}

/// A decimal exactly as [`Measured::shown`] says it, digits after the point included.
#[inline]
pub(crate) fn decimal(out: &mut Vec<u8>, measured: Measured) {
    let shown = if measured.digits == measured.scale {
        measured.exact()
    } else {
        measured.shown()
    };
    if shown.mantissa < 0 {
        out.push(b'-');
    }
    let digits = shown.mantissa.unsigned_abs();
    if shown.scale == 0 {
        whole(out, digits);
        return;
    }
    let scale = usize::from(shown.scale.min(MAX_SCALE));
    let power = POWERS_OF_TEN[scale] as u64;
    whole(out, digits / power);
    out.push(b'.');
    let mut fraction = [b'0'; 20];
    digits_of(&mut fraction, digits % power);
    out.extend_from_slice(&fraction[20 - scale..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).expect("only UTF-8 is written")
    }

    #[test]
    fn a_text_loses_what_fhir_strings_must_not_hold() {
        assert_eq!(presentable(" a\u{1}b\n\u{7f}").as_deref(), Some("ab"));
        assert_eq!(presentable("山田 太郎").as_deref(), Some("山田 太郎"));
        assert_eq!(presentable(" \u{0} \n"), None);
    }

    proptest! {
        #[test]
        fn any_text_reads_back_as_itself(text in any::<String>()) {
            let json = written(|out| string(out, &text));
            prop_assert_eq!(serde_json::from_str::<String>(&json).expect("a JSON string"), text);
        }

        #[test]
        fn a_decimal_is_written_as_it_is_shown(mantissa in any::<i64>(), scale in 0u8..=18, digits in 0u8..=18) {
            let measured = Measured { mantissa, scale, digits };
            prop_assert_eq!(written(|out| decimal(out, measured)), measured.shown().to_string());
        }

        #[test]
        fn a_whole_number_is_written_as_such(number in any::<u64>()) {
            prop_assert_eq!(written(|out| whole(out, number)), number.to_string());
        }
    }
}
