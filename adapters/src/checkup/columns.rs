//! Tables of many people, a line each, as municipalities and insurers keep them. Which column is what stands in a file that an
//! operator writes and tries; what it does not name, and no item is called, is kept with the line and counted.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read};

use csv::ByteRecord;
use model::checkup::items::answer;
use model::checkup::{Checkup, Finding, Item};
use model::{LocalDay, Outcome};
use serde::Deserialize;

use super::package::{Each, PackageEntry, PackageSum};
use super::table::{self, Head, Watch, plain};
use crate::archive::Sequential;
use crate::{AdapterError, Input, NotStored};

mod sum;

pub use sum::{ColumnSum, TableSum};

/// The most columns of a table.
const MOST_COLUMNS: usize = 1_024;
/// The longest line, in bytes.
const LONGEST_LINE: usize = 1 << 20;
/// The most lines above the first person.
const MOST_HEADER_LINES: usize = 10;
/// Readings of one item, as in documents.
const MOST_READINGS: usize = 16;

/// Files of columns that come with the program, by name.
const SHIPPED: &[(&str, &str)] = &[("checkup-history", include_str!("columns/checkup-history.toml"))];

/// Why a file of columns is none.
#[derive(Debug, thiserror::Error)]
pub enum ColumnsError {
    /// It does not have the form; says the line.
    #[error("it is no file of columns: {0}")]
    Form(#[from] toml::de::Error),
    /// A number or code that is not allowed.
    #[error("{key} is \"{found}\": {allowed}")]
    Value {
        /// Where it stands.
        key: String,
        /// What stands there.
        found: String,
        /// What may.
        allowed: &'static str,
    },
}

/// Which column is what.
#[derive(Clone, Debug)]
pub struct Columns {
    written: Written,
    items: Vec<Item>,
    written_on: Option<LocalDay>,
    text: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default = "one")]
    header_lines: usize,
    person: Person,
    checkup: About,
    #[serde(default)]
    result: Vec<ResultColumn>,
}

const fn one() -> usize {
    1
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Person {
    insurer: Option<Column>,
    symbol: Option<Column>,
    number: Option<Column>,
    branch: Option<Column>,
    name: Option<Column>,
    birth_era: Option<Column>,
    birth: Option<Column>,
    sex: Option<Column>,
    postal_code: Option<Column>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct About {
    programme: String,
    day: Column,
    facility: Option<Column>,
    facility_number: Option<Column>,
    /// The day on which the table was drawn up: of two tables of the same checkup the later holds.
    written: Option<String>,
    /// How names of columns begin that hold the marks H and L of others.
    marks_begin: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ResultColumn {
    column: Column,
    item: String,
    mark: Option<Column>,
    #[serde(default)]
    answers: BTreeMap<String, String>,
}

/// Where something stands: a column by its place from 1 on, or by its name; or one thing for all lines.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Column {
    Place(usize),
    Name(String),
    Always { always: String },
}

impl Columns {
    /// Reads a file of columns.
    ///
    /// # Errors
    /// [`ColumnsError`], which says what is wrong where.
    pub fn parse(text: &str) -> Result<Self, ColumnsError> {
        let written: Written = toml::from_str(text)?;
        let wrong = |key: &str, found: &str, allowed| ColumnsError::Value {
            key: key.to_owned(),
            found: found.to_owned(),
            allowed,
        };
        if written.header_lines > MOST_HEADER_LINES {
            let found = written.header_lines.to_string();
            return Err(wrong(
                "header_lines",
                &found,
                "0 to 10 lines stand above the first person",
            ));
        }
        let programme = &written.checkup.programme;
        if programme.len() != 3 || !programme.bytes().all(|byte| byte.is_ascii_digit()) {
            let allowed = "a programme is three digits: 010 specific checkup, 020 of the elderly, 990 another";
            return Err(wrong("checkup.programme", programme, allowed));
        }
        let written_on = match &written.checkup.written {
            None => None,
            Some(day) => Some(
                LocalDay::parse(day)
                    .filter(|day| super::document::is_plausible(*day))
                    .ok_or_else(|| wrong("checkup.written", day, "a day is YYYY-MM-DD"))?,
            ),
        };
        let mut items = Vec::with_capacity(written.result.len());
        for (place, result) in written.result.iter().enumerate() {
            let key = |name: &str| format!("result {}: {name}", place + 1);
            let item = Item::from_code(&result.item);
            let item = item.ok_or_else(|| {
                wrong(
                    &key("item"),
                    &result.item,
                    "an item is one of the vocabulary's 17-digit codes",
                )
            })?;
            for code in result.answers.values() {
                let lists = [item.row().list, item.row().list_before];
                if lists.iter().all(|list| answer(list, code).is_none()) {
                    return Err(wrong(&key("answers"), code, "an answer is a code of the item's list"));
                }
            }
            items.push(item);
        }
        Ok(Self {
            written,
            items,
            written_on,
            text: text.to_owned(),
        })
    }

    /// A file of columns that comes with the program.
    #[must_use]
    pub fn shipped(name: &str) -> Option<&'static str> {
        let mut shipped = SHIPPED.iter();
        shipped.find(|(known, _)| *known == name).map(|(_, text)| *text)
    }

    /// The file as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// What a cell gives.
enum Source {
    At(usize),
    Always(String),
}

impl Source {
    fn of<'c>(&'c self, cells: &'c [String]) -> &'c str {
        match self {
            Self::At(place) => cells.get(*place).map_or("", String::as_str),
            Self::Always(text) => text,
        }
    }
}

/// A column of results.
struct Results {
    place: usize,
    item: Item,
    mark: Option<usize>,
    answers: HashMap<String, String>,
}

/// Columns, held against one table's names.
struct Bound {
    names: Vec<String>,
    /// By the names under which a resident's own table tells the same.
    person: Vec<(&'static str, Source)>,
    birth_era: Option<Source>,
    birth: Option<Source>,
    postal_code: Option<Source>,
    day: Source,
    results: Vec<Results>,
    sum: TableSum,
    /// True for the places that a column names.
    is_known: Vec<bool>,
}

impl Bound {
    fn new(columns: &Columns, names: Vec<String>) -> Result<Self, AdapterError> {
        let known: Vec<String> = names.iter().map(|name| plain(name)).collect();
        let refused = |problem: String| AdapterError::Refused { problem };
        let place = |column: &Column| match column {
            Column::Always { always } => Ok(Source::Always(always.clone())),
            Column::Place(place) if (1..=names.len()).contains(place) => Ok(Source::At(place - 1)),
            Column::Place(place) => Err(refused(format!("it has no column {place}, only {}", names.len()))),
            Column::Name(name) => {
                let mut found = known.iter().enumerate().filter(|(_, known)| **known == plain(name));
                match (found.next(), found.next()) {
                    (Some((place, _)), None) => Ok(Source::At(place)),
                    (None, _) => Err(refused(format!("no column of it is called {name}"))),
                    _ => Err(refused(format!(
                        "several columns are called {name}: name its place, from 1 on"
                    ))),
                }
            }
        };
        let at = |column: &Column| match place(column)? {
            Source::At(place) => Ok(place),
            Source::Always(_) => Err(refused(
                "a result stands in a column, and is not the same for all".to_owned(),
            )),
        };
        let Written {
            person,
            checkup,
            result,
            ..
        } = &columns.written;
        let told = [
            ("保険者番号", &person.insurer),
            ("記号", &person.symbol),
            ("番号", &person.number),
            ("枝番", &person.branch),
            ("氏名", &person.name),
            ("性別", &person.sex),
            ("健診機関名", &checkup.facility),
            ("健診機関番号", &checkup.facility_number),
        ];
        let mut bound = Self {
            person: Vec::new(),
            birth_era: person.birth_era.as_ref().map(place).transpose()?,
            birth: person.birth.as_ref().map(place).transpose()?,
            postal_code: person.postal_code.as_ref().map(place).transpose()?,
            day: place(&checkup.day)?,
            results: Vec::new(),
            sum: TableSum::of(&names),
            is_known: vec![false; names.len()],
            names: Vec::new(),
        };
        for (name, column) in told {
            if let Some(column) = column {
                bound.person.push((name, place(column)?));
            }
        }
        for (result, item) in result.iter().zip(&columns.items) {
            let answers = result.answers.iter();
            bound.results.push(Results {
                place: at(&result.column)?,
                item: *item,
                mark: result.mark.as_ref().map(at).transpose()?,
                answers: answers.map(|(cell, code)| (plain(cell), code.clone())).collect(),
            });
        }
        bound.mark_known();
        let is_once = |name: &String| known.iter().filter(|other| *other == name).count() == 1;
        for (place, name) in known.iter().enumerate() {
            if let Some(item) = table::item(name).filter(|_| !bound.is_known[place] && is_once(name)) {
                bound.results.push(Results {
                    place,
                    item,
                    mark: None,
                    answers: HashMap::new(),
                });
            }
        }
        if let Some(begin) = checkup.marks_begin.as_deref().map(plain) {
            for results in bound.results.iter_mut().filter(|results| results.mark.is_none()) {
                let mark = format!("{begin}{}", known[results.place]);
                results.mark = known.iter().position(|name| *name == mark);
            }
        }
        bound.mark_known();
        bound.names = names;
        Ok(bound)
    }

    fn mark_known(&mut self) {
        let about = [self.birth_era.as_ref(), self.birth.as_ref(), self.postal_code.as_ref()];
        let about = about.into_iter().flatten().chain([&self.day]);
        for source in about.chain(self.person.iter().map(|(_, source)| source)) {
            if let Source::At(place) = source {
                self.is_known[*place] = true;
                "about the person or the checkup".clone_into(&mut self.sum.columns[*place].is);
            }
        }
        for results in &self.results {
            let row = results.item.row();
            self.is_known[results.place] = true;
            self.sum.columns[results.place].is = format!("{} {}", row.code, row.name_ja);
            if let Some(mark) = results.mark {
                self.is_known[mark] = true;
                self.sum.columns[mark].is = format!("mark of column {}", results.place + 1);
            }
        }
    }

    /// One line: a checkup, and what of it could not be read.
    fn line(&mut self, columns: &Columns, line: u64, cells: &[String]) -> PackageEntry {
        let mut left_out = Vec::new();
        let mut leave_out = |outcome, reason: &str, text: String| {
            left_out.push(NotStored {
                outcome,
                reason: reason.to_owned(),
                line,
                text: text.chars().take(4_096).collect(),
            });
        };
        let original = original(&self.names, cells);
        let whole = || cells.join(",");
        let day = table::day(self.day.of(cells)).filter(|day| super::document::is_plausible(*day));
        let (None, Some(day)) = (cells.get(self.names.len()), day) else {
            let reason = if day.is_none() { "not-a-day" } else { "too-many-columns" };
            leave_out(Outcome::Rejected, reason, whole());
            self.sum.without_checkup += 1;
            return PackageEntry {
                checkup: None,
                original,
                left_out,
            };
        };
        let mut checkup = self.checkup(columns, day, cells);
        for results in &self.results {
            let cell = cells.get(results.place).map_or("", String::as_str);
            let sum = &mut self.sum.columns[results.place];
            if cell.is_empty() {
                continue;
            }
            let told = results.answers.get(&plain(cell)).map_or(cell, String::as_str);
            let readings = checkup.findings.iter().filter(|finding| finding.item == results.item);
            let reading = readings.count();
            let found = match table::found(results.item, told, day) {
                Ok(found) if reading < MOST_READINGS => found,
                unread => {
                    let reason = unread.err().unwrap_or("too-many-readings");
                    sum.refuse(reason);
                    leave_out(
                        Outcome::Rejected,
                        reason,
                        format!("{},{cell}", self.names[results.place]),
                    );
                    continue;
                }
            };
            sum.taken += 1;
            checkup.findings.push(Finding {
                item: results.item,
                reading: u8::try_from(reading).unwrap_or(u8::MAX),
                result: found,
                interpretation: None,
                method: None,
                range: None,
                doctor: None,
                day: None,
            });
            let Some(mark) = results.mark else { continue };
            let written = cells.get(mark).map_or("", String::as_str);
            let sum = &mut self.sum.columns[mark];
            match plain(written).as_str() {
                "" => continue,
                "h" => checkup
                    .findings
                    .last_mut()
                    .map(|finding| finding.interpretation = Some('H')),
                "l" => checkup
                    .findings
                    .last_mut()
                    .map(|finding| finding.interpretation = Some('L')),
                _ => {
                    sum.refuse("no-such-mark");
                    leave_out(
                        Outcome::Rejected,
                        "no-such-mark",
                        format!("{},{written}", self.names[mark]),
                    );
                    continue;
                }
            };
            sum.taken += 1;
        }
        let unknown = (0..self.names.len()).filter(|place| !self.is_known[*place]);
        let unknown = unknown.filter_map(|place| Some((place, cells.get(place).filter(|cell| !cell.is_empty())?)));
        let unknown: Vec<String> = unknown
            .map(|(place, cell)| format!("{},{cell}", self.names[place]))
            .collect();
        if !unknown.is_empty() {
            leave_out(Outcome::Unsupported, "columns-without-item", unknown.join("\n"));
        }
        PackageEntry {
            checkup: Some(checkup),
            original,
            left_out,
        }
    }

    fn checkup(&self, columns: &Columns, day: LocalDay, cells: &[String]) -> Checkup {
        let mut head = Head::default();
        columns.written.checkup.programme.clone_into(&mut head.programme);
        for (name, source) in &self.person {
            let told = source.of(cells);
            if !told.is_empty() {
                head.takes(name, told);
            }
        }
        if let Some(birth) = &self.birth {
            let era = self.birth_era.as_ref().map_or("", |era| era.of(cells));
            head.subject.birth = birth_date(era, birth.of(cells));
        }
        if let Some(postal_code) = &self.postal_code {
            head.subject.postal_code = postal_code.of(cells).chars().take(16).collect();
        }
        let mut checkup = head.checkup(day);
        checkup.written = columns.written_on.unwrap_or(day);
        checkup
    }
}

/// A birth date of which the era may stand beside it, as a word, a letter or a number.
fn birth_date(era: &str, written: &str) -> Option<LocalDay> {
    let era = match plain(era).as_str() {
        "2" | "t" | "大正" => "大正",
        "3" | "s" | "昭和" => "昭和",
        "4" | "h" | "平成" => "平成",
        "5" | "r" | "令和" => "令和",
        "" => return table::day(written),
        _ => return None,
    };
    let digits = plain(written);
    match digits.as_bytes() {
        [year @ .., m1, m2, d1, d2]
            if (1..=2).contains(&year.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            let year = std::str::from_utf8(year).ok()?;
            let [m1, m2, d1, d2] = [m1, m2, d1, d2].map(|digit| char::from(*digit));
            table::day(&format!("{era}{year}年{m1}{m2}月{d1}{d2}日"))
        }
        // A year of four digits is of the western calendar, whatever the era says.
        _ => table::day(&format!("{era}{digits}")).or_else(|| table::day(&digits)),
    }
}

/// Hands every line of a table on as a document, in its order, until it is told to stop.
///
/// # Errors
/// [`AdapterError`] where a column is not there, where it bears Individual Numbers or is of claims, and what the disk reports.
pub fn table(columns: &Columns, input: &Input<'_>, each: Each<'_>) -> Result<PackageSum, AdapterError> {
    let sum = try_out(columns, input, each)?;
    Ok(PackageSum {
        documents: sum.lines,
        ..PackageSum::default()
    })
}

/// As [`table`], and says what became of every column.
///
/// # Errors
/// As [`table`].
pub fn try_out(columns: &Columns, input: &Input<'_>, each: Each<'_>) -> Result<TableSum, AdapterError> {
    let header_lines = columns.written.header_lines;
    let (mut is_utf8, mut watch, mut names, mut claims) = (true, Watch::default(), Vec::new(), 0);
    walk(input, |place, _, record| {
        is_utf8 &= record.iter().all(|cell| std::str::from_utf8(cell).is_ok());
        // Names and digits are the same words in either reading, or are none in the wrong one.
        let cells = decoded(record, std::str::from_utf8(record.as_slice()).is_ok());
        claims += usize::from(table::is_claim(&cells));
        watch.look(&cells)?;
        if place < header_lines.max(1) {
            names = record.iter().map(<[u8]>::to_vec).collect();
        }
        Ok(true)
    })?;
    watch.end()?;
    if claims >= 2 {
        return Err(AdapterError::Claims);
    }
    let names: Vec<String> = match header_lines {
        0 => (1..=names.len()).map(|place| format!("column {place}")).collect(),
        _ => decoded(&names.iter().collect(), is_utf8),
    };
    if names.is_empty() || names.len() > MOST_COLUMNS {
        return Err(AdapterError::NothingInside {
            expected: "table of people, a line each",
            problem: format!("it has no columns, or more than {MOST_COLUMNS}"),
        });
    }
    let mut bound = Bound::new(columns, names)?;
    walk(input, |place, line, record| {
        let mut cells = decoded(record, is_utf8);
        while cells.len() > bound.names.len() && cells.last().is_some_and(String::is_empty) {
            cells.pop();
        }
        if place < header_lines || cells.iter().all(String::is_empty) {
            return Ok(true);
        }
        bound.sum.count(&cells);
        let entry = bound.line(columns, line, &cells);
        Ok(each(entry).is_continue())
    })?;
    Ok(bound.sum)
}

/// Goes through the lines, with how many came before each and the line of the file that each ends in, until `each` says no. Empty
/// lines are none.
fn walk(
    input: &Input<'_>,
    mut each: impl FnMut(usize, u64, &ByteRecord) -> Result<bool, AdapterError>,
) -> Result<(), AdapterError> {
    let lines = Lines {
        inner: Sequential { input, at: 0 },
        since: 0,
    };
    // Of Shift_JIS no second byte is a comma, a quotation mark or an end of line (JIS X 0208, annex 1).
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(lines);
    let (mut record, mut place) = (ByteRecord::new(), 0);
    while reader
        .read_byte_record(&mut record)
        .map_err(|error| unread(place, error))?
    {
        let end = reader.position();
        let mut last = [0];
        // The reader stops behind a line's end, or in the midst of one of two characters.
        let read = input.bytes.read_at(&mut last, end.byte().saturating_sub(1))?;
        let line = end.line() - u64::from(read == 1 && last == *b"\n");
        if !each(place, line, &record)? {
            break;
        }
        place += 1;
    }
    Ok(())
}

fn unread(place: usize, error: csv::Error) -> AdapterError {
    match error.into_kind() {
        csv::ErrorKind::Io(error) if error.kind() != io::ErrorKind::InvalidData => AdapterError::Io(error),
        _ => AdapterError::Damaged {
            place: format!("after line {place}"),
            problem: format!("a line is longer than {LONGEST_LINE} bytes"),
        },
    }
}

fn decoded(record: &ByteRecord, is_utf8: bool) -> Vec<String> {
    let cells = record.iter().map(|cell| {
        let text = match is_utf8 {
            true => String::from_utf8_lossy(cell),
            false => encoding_rs::SHIFT_JIS.decode_without_bom_handling(cell).0,
        };
        text.trim_start_matches('\u{feff}').trim().to_owned()
    });
    cells.collect()
}

/// The line as a table of its own, with the names above it: what its person is given.
fn original(names: &[String], cells: &[String]) -> Vec<u8> {
    let mut table = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    // A vector takes whatever is written.
    let _ = table.write_record(names).and_then(|()| table.write_record(cells));
    table.into_inner().unwrap_or_default()
}

/// Refuses a line that would fill the memory.
struct Lines<R> {
    inner: R,
    since: usize,
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let bytes = buffer.get(..read).unwrap_or_default();
        self.since = match memchr::memrchr2(b'\n', b'\r', bytes) {
            Some(end) => read - end,
            None => self.since + read,
        };
        match self.since > LONGEST_LINE {
            true => Err(io::Error::from(io::ErrorKind::InvalidData)),
            false => Ok(read),
        }
    }
}

#[cfg(test)]
mod tests;
