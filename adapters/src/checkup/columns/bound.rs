//! A file of columns held against one table: which of its cells is what, and what a line tells.

use std::collections::HashMap;

use model::checkup::{Checkup, Finding, Item};
use model::{LocalDay, Outcome};

use super::file::{Column, Columns, Written};
use super::sum::TableSum;
use crate::checkup::document::is_plausible;
use crate::checkup::package::PackageEntry;
use crate::checkup::table::{self, Head, plain};
use crate::{AdapterError, NotStored};

/// Readings of one item, as in documents.
const MOST_READINGS: usize = 16;

/// What a cell gives.
pub(super) enum Source {
    At(usize),
    Always(String),
}

impl Source {
    /// Finds a column among a table's names, as [`plain`] has them.
    pub(super) fn find(column: &Column, known: &[String]) -> Result<Self, AdapterError> {
        let refused = |problem: String| AdapterError::Refused { problem };
        match column {
            Column::Always { always } => Ok(Self::Always(always.clone())),
            Column::Place(place) if (1..=known.len()).contains(place) => Ok(Self::At(place - 1)),
            Column::Place(place) => Err(refused(format!("it has no column {place}, only {}", known.len()))),
            Column::Name(name) => {
                let mut found = known.iter().enumerate().filter(|(_, known)| **known == plain(name));
                match (found.next(), found.next()) {
                    (Some((place, _)), None) => Ok(Self::At(place)),
                    (None, _) => Err(refused(format!("no column of it is called {name}"))),
                    _ => Err(refused(format!(
                        "several columns are called {name}: name its place, from 1 on"
                    ))),
                }
            }
        }
    }

    pub(super) fn of<'c>(&'c self, cells: &'c [String]) -> &'c str {
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
pub(super) struct Bound {
    pub(super) names: Vec<String>,
    /// By the names under which a resident's own table tells the same.
    person: Vec<(&'static str, Source)>,
    birth_era: Option<Source>,
    birth: Option<Source>,
    postal_code: Option<Source>,
    day: Source,
    results: Vec<Results>,
    pub(super) sum: TableSum,
    /// True for the places that a column names.
    is_known: Vec<bool>,
}

impl Bound {
    pub(super) fn new(columns: &Columns, names: Vec<String>) -> Result<Self, AdapterError> {
        let known: Vec<String> = names.iter().map(|name| plain(name)).collect();
        let refused = |problem: String| AdapterError::Refused { problem };
        let place = |column: &Column| Source::find(column, &known);
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
            ("介護保険被保険者番号", &person.care_number),
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
    pub(super) fn line(&mut self, columns: &Columns, line: u64, cells: &[String]) -> PackageEntry {
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
        let day = table::day(self.day.of(cells)).filter(|day| is_plausible(*day));
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
pub(super) fn birth_date(era: &str, written: &str) -> Option<LocalDay> {
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

/// The line as a table of its own, with the names above it: what its person is given.
fn original(names: &[String], cells: &[String]) -> Vec<u8> {
    let mut table = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    // A vector takes whatever is written.
    let _ = table.write_record(names).and_then(|()| table.write_record(cells));
    table.into_inner().unwrap_or_default()
}
