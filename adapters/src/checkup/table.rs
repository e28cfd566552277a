//! What residents are given as tables: pairs of an item's Japanese name and what was found, one line each, in UTF-8 or in what
//! Japanese systems wrote before it. Nobody published the layout, so names decide, wherever they stand.
//!
//! A name says nothing of the method, so an item is taken whose method is "other" where there are several. What else lies in such
//! tables is told apart: notices of costs, lists of medicines and the like are kept for a mapping to come, medical claims are refused before anything is.

mod cell;
mod day;
mod days;
mod head;
#[cfg(test)]
mod tests;
mod watch;

use cell::unit_beside;

pub(super) use cell::{CUT, found, is_cut};
pub(super) use day::day;
pub(super) use days::read;
pub(super) use head::Head;
pub(super) use watch::Watch;

use model::Outcome;
use model::checkup::{Checkup, Finding};
use unicode_normalization::UnicodeNormalization as _;

use super::items::Items;
use crate::{AdapterError, NotStored};

/// Lines that are looked at to recognise a table.
const LOOKED_AT: usize = 200;
/// Names of items that make a table one of a checkup.
const ENOUGH: usize = 4;
/// The most lines of a table.
pub(super) const MOST_LINES: usize = 100_000;

/// Readings of one item, as in documents.
const MOST_READINGS: u8 = 16;
/// Characters of a line that are kept: of any character no more than the bytes that are kept of a record.
const PIECE: usize = crate::MAX_TEXT / 4;
/// Why a line came to nothing: what it is called is no item's name.
const WITHOUT_ITEM: &str = "line-without-item";

/// Why cells behind the second came to nothing: only a unit is read there.
const FURTHER_CELLS: &str = "further-cells";

/// What a table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TableOf {
    /// Results of checkups.
    Checkup,
    /// Something else of the resident's own, with the word for it: kept until a mapping comes.
    Own(&'static str),
    /// Medical claims (診療報酬明細書).
    Claims,
}

/// What stands in a title of other tables that residents are given, and the word for each.
const OWN: &[(&str, &str)] = &[
    ("医療費通知", "notice of medical costs"),
    ("後発医薬品", "notice of generic medicines"),
    ("薬剤情報", "list of medicines"),
    ("調剤情報", "list of medicines"),
    ("処方情報", "list of medicines"),
    ("予防接種", "record of vaccinations"),
    ("乳幼児健診", "record of mother and child"),
    ("妊婦健診", "record of mother and child"),
    ("母子保健", "record of mother and child"),
];

/// A name as it is meant, whatever the width.
pub(super) fn plain(written: &str) -> String {
    written
        .nfkc()
        .flat_map(char::to_lowercase)
        .filter(|c| !c.is_whitespace())
        .map(|c| match c {
            '〔' | '[' => '(',
            '〕' | ']' => ')',
            // Which of the two a byte of Shift_JIS becomes depends on who decoded it.
            '〜' => '~',
            other => other,
        })
        .take(64)
        .collect()
}

/// A line of a table.
struct Line<'t> {
    /// Which one of the file, from 1.
    number: usize,
    cells: Vec<String>,
    /// As it came, without its end.
    text: &'t str,
}

/// What stands between the cells of a table that begins so: tabs where at least as many of its first lines have one as have a comma.
pub(super) fn delimiter(beginning: &[u8]) -> u8 {
    let with = |byte: u8| {
        let lines = beginning.split(|byte| *byte == b'\n').take(LOOKED_AT);
        lines.filter(|line| memchr::memchr(byte, line).is_some()).count()
    };
    let tabs = with(b'\t');
    if tabs > 0 && tabs >= with(b',') { b'\t' } else { b',' }
}

/// The lines of a table; empty ones are none.
fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut reader = csv::ReaderBuilder::new();
    let reader = reader
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter(text.as_bytes()));
    let mut reader = reader.from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    let (mut counted, mut number) = (0, 1);
    std::iter::from_fn(move || {
        // What is text already cannot fail.
        if !reader.read_record(&mut record).ok()? {
            return None;
        }
        // Its own count of lines is behind where lines end with two characters, or are empty.
        let begins = record.position().map_or(0, |position| position.byte() as usize);
        let rest = text.as_bytes().get(begins..).unwrap_or_default();
        let begins = begins + rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let ends = reader.position().byte() as usize;
        number += memchr::memchr_iter(b'\n', text.as_bytes().get(counted..begins).unwrap_or_default()).count();
        counted = begins.max(counted);
        Some(Line {
            number,
            cells: record.iter().map(|cell| cell.trim().to_owned()).collect(),
            text: text
                .get(begins..ends)
                .unwrap_or_default()
                .trim_end_matches(['\r', '\n']),
        })
    })
}

/// True for a table of more lines than any that a resident is given.
pub(super) fn is_too_long(text: &str) -> bool {
    lines(text).nth(MOST_LINES).is_some()
}

/// The word for what a title, as [`plain`] gives it, is of; `None` for any other.
pub(super) fn own(title: &str) -> Option<&'static str> {
    let own = OWN.iter().find(|(known, _)| title.contains(known));
    own.map(|(_, word)| *word)
}

/// What a text is a table of; `None` where it is none that is known.
pub(super) fn recognise(text: &str) -> Option<TableOf> {
    let text = text.trim_start_matches('\u{feff}');
    let (mut items, mut own, mut claims) = (0, None, 0);
    for Line { number, cells, .. } in lines(text).take(LOOKED_AT) {
        let first = cells.first().map(|cell| plain(cell)).unwrap_or_default();
        // A title stands above the table, alone in its line.
        if own.is_none() && number < 5 && cells.iter().skip(1).all(String::is_empty) {
            own = self::own(&first);
        }
        claims += usize::from(is_claim(&cells));
        items += usize::from(cells.len() >= 2 && Items::called(&first).is_some());
    }
    match () {
        () if claims >= 2 => Some(TableOf::Claims),
        () => match own {
            Some(word) => Some(TableOf::Own(word)),
            None => (items >= ENOUGH).then_some(TableOf::Checkup),
        },
    }
}

/// True for a line of claims: a medical institution, a claim, an insurer, a disease or a treatment.
pub(super) fn is_claim(cells: &[String]) -> bool {
    let first = cells.first().map(|cell| plain(cell)).unwrap_or_default();
    matches!(first.as_str(), "ir" | "re" | "ho" | "sy" | "si") && cells.len() > 3
}

/// Refuses a table that bears Individual Numbers.
pub(super) fn refuse(text: &str) -> Result<(), AdapterError> {
    let mut watch = Watch::default();
    for line in lines(text) {
        watch.look(&line.cells)?;
    }
    watch.end()
}

/// What a table came to.
#[derive(Default)]
pub(super) struct Table {
    /// Its checkups.
    pub(super) checkups: Vec<Checkup>,
    /// What each of them is kept with: what stands above all, and its own lines.
    pub(super) originals: Vec<Vec<u8>>,
    /// Lines that came to nothing.
    pub(super) left_out: Vec<NotStored>,
}

/// Every line as it came, kept for a mapping to come; one that is longer than a record may be, in pieces that are it when they are put
/// together.
pub(super) fn kept(text: &str, reason: &str) -> Table {
    let mut table = Table::default();
    for line in lines(text.trim_start_matches('\u{feff}')) {
        if line.cells.iter().all(String::is_empty) {
            continue;
        }
        let mut rest = line.text;
        while !rest.is_empty() {
            let piece;
            (piece, rest) = rest.split_at(rest.char_indices().nth(PIECE).map_or(rest.len(), |(end, _)| end));
            table.leave_out(
                Outcome::Unsupported,
                reason,
                &Line {
                    text: piece,
                    cells: Vec::new(),
                    ..line
                },
            );
        }
    }
    table
}

impl Table {
    fn leave_out(&mut self, outcome: Outcome, reason: &str, line: &Line<'_>) {
        self.left_out.push(NotStored {
            outcome,
            reason: reason.to_owned(),
            line: line.number as u64,
            text: line.text.chars().take(PIECE).collect(),
        });
    }

    fn result(&mut self, checkup: &mut Checkup, line: &Line<'_>) {
        let cells = &line.cells;
        let Some(items) = Items::called(&plain(&cells[0])) else {
            // The name may be a resident's own words, and reasons are read by operators: it stays with the sealed line.
            return self.leave_out(Outcome::Unsupported, WITHOUT_ITEM, line);
        };
        let item = items.on(checkup.day);
        if cells.get(2).is_some_and(|next| is_cut(item, &cells[1], next)) {
            return self.leave_out(Outcome::Rejected, CUT, line);
        }
        let unit = cells.get(2).and_then(|cell| unit_beside(item, cell));
        let (result, interpretation) = match found(item, &cells[1], unit.as_deref(), checkup.list_of(item)) {
            Ok(said) => said,
            Err(reason) => return self.leave_out(Outcome::Rejected, reason, line),
        };
        let reading = checkup.findings.iter().filter(|finding| finding.item == item).count();
        let Some(reading) = u8::try_from(reading).ok().filter(|reading| *reading < MOST_READINGS) else {
            return self.leave_out(Outcome::Rejected, "too-many-readings", line);
        };
        checkup.findings.push(Finding {
            reading,
            interpretation,
            ..Finding::new(item, result)
        });
        let mut further = cells.iter().skip(2 + usize::from(unit.is_some()));
        if further.any(|cell| !cell.is_empty()) {
            self.leave_out(Outcome::Unsupported, FURTHER_CELLS, line);
        }
    }
}
