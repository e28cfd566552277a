//! What a cell says of an item.

use std::borrow::Cow;

use model::Decimal;
use model::checkup::items::{ANSWERS, is_unit, list_oid};
use model::checkup::{Found, Item, Kind};
use unicode_normalization::UnicodeNormalization as _;

/// What was found, and whether a mark beside it (`H`, `L`) says that it is high or low.
pub(in crate::checkup) type Said = (Found, Option<char>);

/// What a cell says of an item, or why it says nothing. A number without a unit is of that which stands beside it, else of the item's
/// own; an answer is of this list.
pub(in crate::checkup) fn found(
    item: Item,
    written: &str,
    beside: Option<&str>,
    list: &str,
) -> Result<Said, &'static str> {
    let value: String = written.nfkc().filter(|c| !c.is_whitespace()).take(4_096).collect();
    match value.as_str() {
        "未実施" => return Ok((Found::NotPerformed, None)),
        "測定不能" => return Ok((Found::NotMeasurable, None)),
        _ => {}
    }
    match item.row().kind {
        Kind::Text => Ok((Found::Text(written.to_owned()), None)),
        Kind::Quantity => quantity(item, &value, beside.unwrap_or(item.row().unit)),
        Kind::Ordered | Kind::Coded => {
            let answers = || ANSWERS.iter().filter(|(of, ..)| *of == list);
            let with = |code: &str| answers().find(|(_, known, _)| *known == code);
            let called = || {
                // Where one answer's name is another's code (degrees of the eyes' vessels are called 0 to 4, and coded 1 to 5), every cell
                // is a code: else two different ones would mean the same.
                let are_codes = answers().any(|(_, code, name)| name != code && with(name).is_some());
                let is_called = |name: &str| {
                    signs(&name.nfkc().filter(|c| !c.is_whitespace()).collect::<String>()) == signs(&value)
                };
                answers().find(|(.., name)| !are_codes && is_called(name))
            };
            let (_, code, _) = with(&value).or_else(called).ok_or("no-such-answer")?;
            Ok((Found::Answer(list_oid(list), (*code).to_owned()), None))
        }
    }
}

/// How a bound is said, before the number or behind it, and which side of the number what was found lies on.
const BOUNDS: &[(&str, i8)] = &[
    ("以上", 1),
    ("超", 1),
    (">=", 1),
    ("≥", 1),
    ("≧", 1),
    (">", 1),
    ("以下", -1),
    ("未満", -1),
    ("<=", -1),
    ("≤", -1),
    ("≦", -1),
    ("<", -1),
];

/// A number with its bound, unit and mark. What follows it and is none of these makes it no number: a unit is never made of it.
fn quantity(item: Item, value: &str, usual: &str) -> Result<Said, &'static str> {
    let not = "not-a-number";
    let known = |bound: &dyn Fn(&str) -> bool| BOUNDS.iter().find(|(word, _)| bound(word));
    let before = known(&|word| value.starts_with(word));
    let value = before.map_or(value, |(word, _)| &value[word.len()..]);
    let end = value.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ',')));
    let (number, mut rest) = value.split_at(end.unwrap_or(value.len()));
    let number = Decimal::parse(without_commas(number).ok_or(not)?.as_bytes()).map_err(|_| not)?;
    let behind = known(&|word| rest.ends_with(word) || rest.starts_with(word));
    if let Some((word, _)) = behind {
        rest = rest
            .strip_suffix(word)
            .or_else(|| rest.strip_prefix(word))
            .unwrap_or(rest);
    }
    let (unit, mark) = match rest {
        "" => (usual, None),
        unit if unit.len() <= LONGEST_UNIT && item.ucum(unit).is_some() => (unit, None),
        "H" => (usual, Some('H')),
        "L" => (usual, Some('L')),
        marked => match marked.strip_suffix(['H', 'L']) {
            Some(unit) if unit.len() <= LONGEST_UNIT && item.ucum(unit).is_some() => (unit, marked.chars().last()),
            _ if marked.len() <= LONGEST_UNIT && is_unit(marked) => (marked, None),
            _ => return Err(not),
        },
    };
    let unit = unit.to_owned();
    let found = match before.or(behind) {
        _ if before.is_some() && behind.is_some() => return Err(not),
        Some((_, 1)) => Found::AtLeast(number, unit),
        Some(_) => Found::AtMost(number, unit),
        None => Found::Quantity(number, unit),
    };
    Ok((found, mark))
}

/// The unit that a cell beside a number is; `None` for one that is none.
pub(super) fn unit_beside(item: Item, cell: &str) -> Option<String> {
    let unit: String = cell
        .nfkc()
        .filter(|c| !c.is_whitespace())
        .take(LONGEST_UNIT + 1)
        .collect();
    let may_be = item.row().kind == Kind::Quantity && unit.len() <= LONGEST_UNIT;
    // What was found the year before is no unit, though a pure number is counted in ones.
    let is_number = unit
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b','));
    (may_be && !is_number && (item.ucum(&unit).is_some() || is_unit(&unit))).then_some(unit)
}

/// Why a number is not taken of which a comma made two cells: the first of them would be another number.
pub(in crate::checkup) const CUT: &str =
    "a number cut at its comma: it is to be written without it, or in quotation marks";

/// True where a cell and the next one look like a number that was cut at the comma between its thousands. One that is longer than any that
/// can be entered is none: what stands there is of another year, or of another item.
pub(in crate::checkup) fn is_cut(item: Item, cell: &str, next: &str) -> bool {
    let plain = |cell: &str| -> String { cell.nfkc().filter(|c| !c.is_whitespace()).take(LONGEST_UNIT).collect() };
    let (cell, next) = (plain(cell), plain(next));
    let digits = cell.trim_start_matches(|c: char| !c.is_ascii_digit());
    let is_begun = !digits.starts_with('0') && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let highest = item.row().highest.map(|highest| highest.to_string());
    let most = highest.map_or(usize::MAX, |highest| highest.find('.').unwrap_or(highest.len()));
    item.row().kind == Kind::Quantity
        && is_begun
        && next.starts_with(|c: char| c.is_ascii_digit())
        && digits.len() + 3 <= most
        && quantity(item, &format!("{cell},{next}"), item.row().unit).is_ok()
}

/// The longest unit, in bytes.
const LONGEST_UNIT: usize = 32;

/// A number of which commas set thousands apart, without them; `None` where they set anything else apart.
fn without_commas(number: &str) -> Option<Cow<'_, str>> {
    let (whole, decimals) = number.split_at(number.find('.').unwrap_or(number.len()));
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or_default();
    let is_plain = !number.contains(',');
    let are_thousands =
        (1..=3).contains(&first.len()) && groups.all(|group| group.len() == 3) && !decimals.contains(',');
    match is_plain {
        true => Some(Cow::Borrowed(number)),
        false => are_thousands.then(|| Cow::Owned(number.replace(',', ""))),
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

#[cfg(test)]
mod tests {
    use model::LocalDay;

    use super::*;

    fn said(code: &str, written: &str) -> String {
        let item = Item::from_code(code).expect("an item");
        match found(item, written, None, item.row().list) {
            Ok((Found::Quantity(number, unit), mark)) => format!("{number} {unit} {}", mark.unwrap_or('-')),
            Ok((Found::AtLeast(number, unit), mark)) => format!(">= {number} {unit} {}", mark.unwrap_or('-')),
            Ok((Found::AtMost(number, unit), mark)) => format!("<= {number} {unit} {}", mark.unwrap_or('-')),
            other => format!("{other:?}"),
        }
    }

    const TRIGLYCERIDES: &str = "3F015000002399901";

    #[test]
    fn numbers_are_read_with_their_commas_bounds_units_and_marks() {
        for (written, expected) in [
            ("162", "162 mg/dL -"),
            ("1,200", "1200 mg/dL -"),
            ("１，２００", "1200 mg/dL -"),
            ("1,234,567.5", "1234567.5 mg/dL -"),
            ("30未満", "<= 30 mg/dL -"),
            ("30 mg/dL 以下", "<= 30 mg/dL -"),
            ("30以下mg/dL", "<= 30 mg/dL -"),
            ("<30", "<= 30 mg/dL -"),
            ("＜ 0.1", "<= 0.1 mg/dL -"),
            ("300以上", ">= 300 mg/dL -"),
            (">300 mg/dL", ">= 300 mg/dL -"),
            ("≧1,000", ">= 1000 mg/dL -"),
            ("162 H", "162 mg/dL H"),
            ("162H", "162 mg/dL H"),
            ("１６２ Ｌ", "162 mg/dL L"),
            ("162 mg/dL H", "162 mg/dL H"),
            ("1.8 mmol/L", "1.8 mmol/L -"),
        ] {
            assert_eq!(said(TRIGLYCERIDES, written), expected, "{written}");
        }
        // Litres of somebody's lungs are no mark.
        let lungs = Item::all()
            .find(|item| item.row().ucum == "L")
            .expect("one is counted in litres");
        assert_eq!(said(lungs.row().code, "3.2L"), "3.2 L -");
    }

    /// 0 and 1 were once both the degree 0.
    #[test]
    fn no_two_cells_mean_one_answer_where_names_are_codes_of_others() {
        let day = LocalDay::parse("2024-06-10").expect("a day");
        for list in ["6.2111", "6.2112"] {
            let item = Item::all()
                .find(|item| item.list_on(day) == list)
                .expect("an item of the list");
            let code = |written: &str| match found(item, written, None, list) {
                Ok((Found::Answer(_, code), _)) => Ok(code),
                Ok(other) => panic!("{other:?}"),
                Err(why) => Err(why),
            };
            let told = ["0", "1", "2", "3", "4", "5", "６"].map(code);
            let expected = ["no-such-answer", "1", "2", "3", "4", "5", "no-such-answer"];
            for (told, expected) in told.into_iter().zip(expected) {
                assert_eq!(told.as_deref().unwrap_or_else(|why| why), expected);
            }
        }
    }

    /// Whatever followed digits was once their unit.
    #[test]
    fn what_follows_a_number_and_is_no_unit_makes_it_none() {
        for written in [
            "162*",
            "162 高い",
            "12,3",
            "1,2345",
            ",123",
            "1,200,",
            "1,23.4",
            "162 mg/dLX",
            "30-40",
            "<30以上",
            "<",
            "1.2.3",
            "162 HH",
            "52ばん",
            "-",
        ] {
            assert_eq!(said(TRIGLYCERIDES, written), "Err(\"not-a-number\")", "{written}");
        }
    }
}
