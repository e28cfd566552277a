//! A file of columns held against one table: which of its cells is what, and what a line tells.

use std::collections::HashMap;

use model::checkup::{Checkup, Finding, Item};
use model::{LocalDay, Outcome};

use super::file::{Column, Columns, ResultColumn, Written};
use super::source::Source;
use super::sum::TableSum;
use crate::checkup::document::is_plausible;
use crate::checkup::items::Items;
use crate::checkup::package::{Original, PackageEntry};
use crate::checkup::table::{self, Head, plain};
use crate::{AdapterError, NotStored};

/// Readings of one item, as in documents.
const MOST_READINGS: usize = 16;

/// A column of results.
struct Results {
    place: usize,
    items: Items,
    /// The column that says whether it is the other item, and what it says then.
    otherwise: Option<(usize, Vec<String>)>,
    mark: Option<usize>,
    answers: HashMap<String, String>,
}

/// A day that lines tell of, and what was found on it.
struct Occasion {
    day: Source,
    /// By the names under which a resident's own table tells the same.
    facility: Vec<(&'static str, Source)>,
    results: Vec<Results>,
}

/// What lines tell of their person.
struct Person {
    /// By the names under which a resident's own table tells the same.
    told: Vec<(&'static str, Source)>,
    birth_era: Option<Source>,
    birth: Option<Source>,
    postal_code: Option<Source>,
}

/// Columns, held against one table's names.
pub(super) struct Bound {
    pub(super) names: Vec<String>,
    person: Person,
    occasions: Vec<Occasion>,
    pub(super) sum: TableSum,
    /// True for the places that a column names.
    is_known: Vec<bool>,
}

impl Bound {
    pub(super) fn new(columns: &Columns, names: Vec<String>) -> Result<Self, AdapterError> {
        let known: Vec<String> = names.iter().map(|name| plain(name)).collect();
        let place = |column: &Column| Source::find(column, &known);
        let told = |columns: &[(&'static str, Option<&Column>)]| Source::all(columns, &known);
        let Written { person, checkup, .. } = &columns.written;
        let mut bound = Self {
            person: Person {
                told: told(&[
                    ("保険者番号", person.insurer.as_ref()),
                    ("記号", person.symbol.as_ref()),
                    ("番号", person.number.as_ref()),
                    ("枝番", person.branch.as_ref()),
                    ("介護保険被保険者番号", person.care_number.as_ref()),
                    ("受診券整理番号", person.ticket.as_ref()),
                    ("氏名", person.name.as_ref()),
                    ("性別", person.sex.as_ref()),
                ])?,
                birth_era: person.birth_era.as_ref().map(place).transpose()?,
                birth: person.birth.as_ref().map(place).transpose()?,
                postal_code: person.postal_code.as_ref().map(place).transpose()?,
            },
            occasions: Vec::new(),
            sum: TableSum::of(&names),
            is_known: vec![false; names.len()],
            names: Vec::new(),
        };
        for (occasion, items) in &columns.occasions {
            let results = occasion.result.iter().zip(items);
            let results = results.map(|(result, items)| Results::find(result, items.clone(), &known));
            bound.occasions.push(Occasion {
                day: place(&occasion.day)?,
                facility: told(&[
                    ("健診機関名", occasion.facility.as_ref()),
                    ("健診機関番号", occasion.facility_number.as_ref()),
                ])?,
                results: results.collect::<Result<_, AdapterError>>()?,
            });
        }
        bound.mark_known();
        bound.find_by_name(&known, checkup.marks_begin.as_deref());
        bound.mark_known();
        bound.names = names;
        Ok(bound)
    }

    /// What no column of the file names, and is called as an item is, belongs to the checkup itself.
    fn find_by_name(&mut self, known: &[String], marks_begin: Option<&str>) {
        let is_once = |name: &String| known.iter().filter(|other| *other == name).count() == 1;
        let Some(first) = self.occasions.first_mut() else {
            return;
        };
        for (place, name) in known.iter().enumerate() {
            if let Some(items) = Items::called(name).filter(|_| !self.is_known[place] && is_once(name)) {
                first.results.push(Results {
                    place,
                    items: items.clone(),
                    otherwise: None,
                    mark: None,
                    answers: HashMap::new(),
                });
            }
        }
        let Some(begin) = marks_begin.map(plain) else { return };
        for results in first.results.iter_mut().filter(|results| results.mark.is_none()) {
            let mark = format!("{begin}{}", known[results.place]);
            results.mark = known.iter().position(|name| *name == mark);
        }
    }

    fn mark_known(&mut self) {
        let person = &self.person;
        let about = [&person.birth_era, &person.birth, &person.postal_code];
        let about = about.into_iter().flatten();
        let about = about.chain(person.told.iter().map(|(_, source)| source));
        let of_days = self.occasions.iter().flat_map(|occasion| {
            let facility = occasion.facility.iter().map(|(_, source)| source);
            facility.chain([&occasion.day])
        });
        for source in about.chain(of_days) {
            if let Source::At(place) = source {
                self.is_known[*place] = true;
                "about the person or the checkup".clone_into(&mut self.sum.columns[*place].is);
            }
        }
        for results in self.occasions.iter().flat_map(|occasion| &occasion.results) {
            let is = |item: Item| format!("{} {}", item.row().code, item.row().name_ja);
            let since = results.items.since.iter();
            let since = since.map(|(day, item)| format!("; since {day} {}", is(*item)));
            self.is_known[results.place] = true;
            let otherwise = results.otherwise.iter().zip(results.items.otherwise);
            let otherwise = otherwise.map(|((place, says), item)| {
                let says = says.join(" or ");
                format!("; where column {} says {says}, {}", place + 1, is(item))
            });
            let is = is(results.items.first) + &since.chain(otherwise).collect::<String>();
            self.sum.columns[results.place].is = is;
            if let Some(mark) = results.mark {
                self.is_known[mark] = true;
                self.sum.columns[mark].is = format!("mark of column {}", results.place + 1);
            }
        }
    }

    /// Why a line of more cells than names is none: something in it made two cells of one, and what follows stands in other columns.
    /// Empty cells at its end are no matter, unless a number was cut.
    fn too_long(&self, cells: &[String]) -> Option<&'static str> {
        let further = cells.get(self.names.len()..).filter(|further| !further.is_empty())?;
        let results = self.occasions.iter().flat_map(|occasion| &occasion.results);
        let mut beside = results.filter_map(|results| Some((results, cells.get(results.place..results.place + 2)?)));
        let is_cut = |(results, pair): (&Results, &[String])| {
            let mut items = results.items.all();
            items.any(|item| table::is_cut(item, &pair[0], &pair[1]))
        };
        if beside.any(is_cut) {
            return Some(table::CUT);
        }
        further
            .iter()
            .any(|cell| !cell.is_empty())
            .then_some("too-many-columns")
    }

    /// One line: a checkup for each day that it tells of, and what of it could not be read. What belongs to no result stands with the
    /// first of them.
    pub(super) fn line(&mut self, columns: &Columns, line: u64, cells: &[String]) -> Vec<PackageEntry> {
        let too_long = self.too_long(cells);
        let Self {
            names,
            person,
            occasions,
            sum,
            is_known,
        } = self;
        let refused = |reason: &str, text: String| not_stored(Outcome::Rejected, reason, line, text);
        let mut checkups: Vec<(Checkup, Vec<NotStored>)> = Vec::new();
        let mut left_out = Vec::new();
        sum.count(cells);
        let cells = &cells[..if too_long.is_some() {
            cells.len()
        } else {
            cells.len().min(names.len())
        }];
        for occasion in occasions.iter().filter(|_| too_long.is_none()) {
            let written = occasion.day.of(cells);
            let Some(day) = table::day(written).filter(|day| is_plausible(*day)) else {
                if !written.is_empty() && columns.tells_of_more_days() {
                    left_out.push(refused("not-a-day", written.to_owned()));
                }
                continue;
            };
            let checkup = person.checkup(columns, occasion, day, cells);
            // Two things of one day and place are of one checkup: neither takes the other's place.
            let same = checkups.iter().position(|(other, _)| other.is_same(&checkup));
            let at = same.unwrap_or_else(|| {
                checkups.push((checkup, Vec::new()));
                checkups.len() - 1
            });
            let (checkup, of_results) = &mut checkups[at];
            for results in &occasion.results {
                let unread = results.take(checkup, cells, sum);
                of_results.extend(
                    unread.map(|(place, reason)| refused(reason, format!("{},{}", names[place], cells[place]))),
                );
            }
        }
        if checkups.is_empty() {
            let reason = too_long.unwrap_or("not-a-day");
            sum.without_checkup += 1;
            return vec![PackageEntry {
                place: format!("line {line}"),
                checkup: None,
                original: Original::Plain(original(names, cells)),
                left_out: vec![refused(reason, cells.join(","))],
            }];
        }
        let unknown = (0..names.len()).filter(|place| !is_known[*place]);
        let unknown = unknown.filter_map(|place| Some((place, cells.get(place).filter(|cell| !cell.is_empty())?)));
        let unknown: Vec<String> = unknown
            .map(|(place, cell)| format!("{},{cell}", names[place]))
            .collect();
        if !unknown.is_empty() {
            let text = unknown.join("\n");
            left_out.push(not_stored(Outcome::Unsupported, "columns-without-item", line, text));
        }
        let original = original(names, cells);
        checkups
            .into_iter()
            .map(|(checkup, mut of_results)| {
                of_results.append(&mut left_out);
                PackageEntry {
                    place: format!("line {line}"),
                    checkup: Some(checkup),
                    original: Original::Plain(original.clone()),
                    left_out: of_results,
                }
            })
            .collect()
    }
}

fn not_stored(outcome: Outcome, reason: &str, line: u64, text: String) -> NotStored {
    NotStored {
        outcome,
        reason: reason.to_owned(),
        line,
        text: text.chars().take(4_096).collect(),
    }
}

impl Person {
    fn checkup(&self, columns: &Columns, occasion: &Occasion, day: LocalDay, cells: &[String]) -> Checkup {
        let mut head = Head::default();
        for (name, source) in self.told.iter().chain(&occasion.facility) {
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
        let mut checkup = columns.kind.checkup(head, day);
        checkup.written = columns.written_on.unwrap_or(day);
        checkup
    }
}

impl Results {
    fn find(result: &ResultColumn, items: Items, known: &[String]) -> Result<Self, AdapterError> {
        let at = |column: &Column| match Source::find(column, known)? {
            Source::At(place) => Ok(place),
            Source::Always(_) => Err(AdapterError::Refused {
                problem: "a result stands in a column, and is not the same for all".to_owned(),
            }),
        };
        let answers = result.answers.iter();
        let otherwise = match &result.otherwise {
            Some(other) => Some((at(&other.column)?, other.says.iter().map(|cell| plain(cell)).collect())),
            None => None,
        };
        Ok(Self {
            place: at(&result.column)?,
            items,
            otherwise,
            mark: result.mark.as_ref().map(at).transpose()?,
            answers: answers.map(|(cell, code)| (plain(cell), code.clone())).collect(),
        })
    }

    /// Takes the cell into a checkup; where it or its mark cannot be read: its place, and why not.
    fn take(&self, checkup: &mut Checkup, cells: &[String], sum: &mut TableSum) -> Option<(usize, &'static str)> {
        let cell = cells.get(self.place).filter(|cell| !cell.is_empty())?;
        let mut refuse = |place: usize, reason| {
            sum.columns[place].refuse(reason);
            Some((place, reason))
        };
        let told = self.answers.get(&plain(cell)).map_or(cell.as_str(), String::as_str);
        let says_so = |(place, says): &&(usize, Vec<String>)| {
            let cell = cells.get(*place);
            cell.is_some_and(|cell| says.contains(&plain(cell)))
        };
        let otherwise = self.otherwise.as_ref().filter(says_so).and(self.items.otherwise);
        let item = otherwise.unwrap_or_else(|| self.items.on(checkup.day));
        let readings = checkup.findings.iter().filter(|finding| finding.item == item);
        let reading = readings.count();
        let (result, marked) = match table::found(item, told, None, checkup.list_of(item)) {
            Ok(_) if reading >= MOST_READINGS => return refuse(self.place, "too-many-readings"),
            Ok(said) => said,
            Err(reason) => return refuse(self.place, reason),
        };
        let mark = self
            .mark
            .map(|mark| (mark, cells.get(mark).map_or(String::new(), |cell| plain(cell))));
        let (interpretation, unread) = match &mark {
            Some((_, mark)) if mark == "h" => (Some('H'), None),
            Some((_, mark)) if mark == "l" => (Some('L'), None),
            Some((place, mark)) if !mark.is_empty() => (None, refuse(*place, "no-such-mark")),
            _ => (None, None),
        };
        sum.columns[self.place].taken += 1;
        if let (Some((place, _)), Some(_)) = (&mark, interpretation) {
            sum.columns[*place].taken += 1;
        }
        checkup.findings.push(Finding {
            reading: u8::try_from(reading).unwrap_or(u8::MAX),
            interpretation: interpretation.or(marked),
            ..Finding::new(item, result)
        });
        unread
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
