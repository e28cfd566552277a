//! Days as Japanese tables write them.

use model::LocalDay;
use unicode_normalization::UnicodeNormalization as _;

use crate::checkup::document;

/// A day as Japanese tables write it: with an era, with slashes, with signs, or as eight digits.
pub(in crate::checkup) fn day(written: &str) -> Option<LocalDay> {
    let text: String = written.nfkc().filter(|c| !c.is_whitespace()).take(32).collect();
    for (era, first) in [
        ("令和", 2018),
        ("平成", 1988),
        ("昭和", 1925),
        ("大正", 1911),
        ("R", 2018),
        ("H", 1988),
        ("S", 1925),
        ("T", 1911),
    ] {
        if let Some(rest) = text.strip_prefix(era) {
            let rest = rest.replace('元', "1");
            let [year, month, day] = numbers(&rest)?;
            if !(1..100).contains(&year) {
                return None;
            }
            return LocalDay::from_ymd(first + year, u32::try_from(month).ok()?, u32::try_from(day).ok()?);
        }
    }
    if text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return document::day(&text);
    }
    let [year, month, day] = numbers(&text)?;
    LocalDay::from_ymd(year, u32::try_from(month).ok()?, u32::try_from(day).ok()?)
}

/// Three numbers with whatever between them.
fn numbers(text: &str) -> Option<[i32; 3]> {
    let mut parts = text
        .split(|c: char| !c.is_ascii_digit())
        .filter(|part| !part.is_empty());
    let mut next = || parts.next()?.parse().ok();
    Some([next()?, next()?, next()?])
}
