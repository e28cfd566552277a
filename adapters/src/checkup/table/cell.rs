//! What a cell says of an item.

use model::checkup::items::{ANSWERS, list_oid};
use model::checkup::{Found, Item, Kind};
use model::{Decimal, LocalDay};
use unicode_normalization::UnicodeNormalization as _;

/// What a cell says of an item on a day, or why it says nothing.
pub(in crate::checkup) fn found(item: Item, written: &str, day: LocalDay) -> Result<Found, &'static str> {
    let value: String = written.nfkc().filter(|c| !c.is_whitespace()).take(4_096).collect();
    match value.as_str() {
        "未実施" => return Ok(Found::NotPerformed),
        "測定不能" => return Ok(Found::NotMeasurable),
        _ => {}
    }
    match item.row().kind {
        Kind::Text => Ok(Found::Text(written.to_owned())),
        Kind::Quantity => {
            let end = value
                .find(|c: char| !(c.is_ascii_digit() || c == '.'))
                .unwrap_or(value.len());
            let (number, rest) = value.split_at(end);
            let number = Decimal::parse(number.as_bytes()).map_err(|_| "not-a-number")?;
            let bound = |end: &str| rest.strip_suffix(end);
            let (side, unit) = match (bound("以上"), bound("以下")) {
                (Some(unit), _) => (1, unit),
                (_, Some(unit)) => (-1, unit),
                _ => (0, rest),
            };
            let unit = if unit.is_empty() { item.row().unit } else { unit };
            if unit.len() > 32 {
                return Err("not-a-number");
            }
            let unit = unit.to_owned();
            Ok(match side {
                1 => Found::AtLeast(number, unit),
                -1 => Found::AtMost(number, unit),
                _ => Found::Quantity(number, unit),
            })
        }
        Kind::Ordered | Kind::Coded => {
            let list = item.list_on(day);
            let answers = ANSWERS.iter().filter(|(of, ..)| *of == list);
            let same =
                |name: &str| signs(&name.nfkc().filter(|c| !c.is_whitespace()).collect::<String>()) == signs(&value);
            let mut answers = answers.filter(|(_, code, name)| *code == value || same(name));
            let (_, code, _) = answers.next().ok_or("no-such-answer")?;
            Ok(Found::Answer(list_oid(list), (*code).to_owned()))
        }
    }
}

/// `(-)`, `－` and `-` are one sign, and so are the two waves (U+301C and U+FF5E) between numbers.
fn signs(written: &str) -> String {
    let inner = written.strip_prefix('(').and_then(|inner| inner.strip_suffix(')'));
    inner
        .unwrap_or(written)
        .replace(['−', '‐', '―', 'ー'], "-")
        .replace('〜', "~")
}
