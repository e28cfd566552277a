//! Results of one person, day after day.
//!
//! Lines about a checkup stand above its day, between the day and its results, or below these, as whoever made the table likes.

use model::checkup::Checkup;
use model::{LocalDay, Outcome};

use super::day::day;
use super::head::{About, Head, Person, about, is_day};
use super::{FURTHER_CELLS, Line, Table, WITHOUT_ITEM, lines, plain};
use crate::MAX_TEXT;
use crate::checkup::document::is_plausible;

/// The most checkups of a table.
const MOST_CHECKUPS: usize = 100;

/// What a table says under a name about a checkup.
struct Told<'t> {
    name: String,
    line: Line<'t>,
}

impl Told<'_> {
    fn said(&self) -> (&str, &str) {
        (&self.name, &self.line.cells[1])
    }
}

/// What stands between one day of a checkup and the next.
#[derive(Default)]
struct Block<'t> {
    /// `None` where it cannot be read: its results are of no checkup, least of all of the one before.
    day: Option<LocalDay>,
    /// About the checkup, above its first result.
    above: Vec<Told<'t>>,
    /// The same below it: of this checkup or of the next.
    below: Vec<Told<'t>>,
    results: Vec<Line<'t>>,
    /// What else stands there, its day too, as it came.
    others: Vec<&'t str>,
}

/// What a line is.
enum Is {
    Day,
    About(About),
    Result,
    /// A title, the names of the columns, or an item of which nothing stands there.
    Nothing,
    /// Nothing that is read, and why.
    Unread(&'static str),
}

fn what_is(name: &str, cells: &[String], is_begun: bool) -> Is {
    let value = cells.get(1).map_or("", String::as_str);
    let has_further = cells.iter().skip(2).any(|cell| !cell.is_empty());
    match name {
        "項目名" | "項目" => Is::Nothing,
        _ if value.is_empty() && has_further => Is::Unread(FURTHER_CELLS),
        "" if !value.is_empty() => Is::Unread(WITHOUT_ITEM),
        // A title stands above the table, alone in its line.
        name if cells.len() < 2 && is_begun && !name.is_empty() => Is::Unread(WITHOUT_ITEM),
        _ if value.is_empty() => Is::Nothing,
        name if is_day(name) => Is::Day,
        name => about(name).map_or(Is::Result, Is::About),
    }
}

/// Reads results. Each new day of a checkup begins the next. A table that names two people is nobody's: whoever brings it would be
/// given what is the other's.
pub(in crate::checkup) fn read(text: &str) -> Table {
    let mut table = Table::default();
    let (mut head, mut person) = (Head::default(), Person::default());
    let mut blocks: Vec<Block<'_>> = Vec::new();
    // What stands before the first day: lines about every checkup, and results that wait for it.
    let (mut first, mut is_begun) = (Block::default(), false);
    for line in lines(text.trim_start_matches('\u{feff}')) {
        let name = plain(line.cells.first().map_or("", String::as_str));
        let is = what_is(&name, &line.cells, is_begun);
        is_begun |= line.cells.len() > 1;
        if let Is::Day = is {
            let day = day(&line.cells[1]).filter(|day| is_plausible(*day));
            let is_one_more = blocks.len() < MOST_CHECKUPS;
            if day.is_none() || !is_one_more {
                let reason = if is_one_more { "not-a-day" } else { "too-many-checkups" };
                table.leave_out(Outcome::Rejected, reason, &line);
            }
            blocks.push(Block {
                day: day.filter(|_| is_one_more),
                ..Block::default()
            });
        }
        if let Is::About(_) = is
            && person.is_another(&name, &line.cells[1])
        {
            let mut refused = Table::default();
            // Whose lines these are, nobody knows: none is kept.
            refused.leave_out(Outcome::Rejected, "several-people", &Line { text: "", ..line });
            return refused;
        }
        match &is {
            Is::Day | Is::About(_) if has_further_cells(&line) => {
                table.leave_out(Outcome::Unsupported, FURTHER_CELLS, &line);
            }
            Is::Unread(why) => table.leave_out(Outcome::Unsupported, why, &line),
            _ => {}
        }
        let block = blocks.last_mut().unwrap_or(&mut first);
        match is {
            Is::Result => block.results.push(line),
            Is::About(About::Checkup) if block.results.is_empty() => block.above.push(Told { name, line }),
            Is::About(About::Checkup) => block.below.push(Told { name, line }),
            _ => {
                if let Is::About(About::Person) = is {
                    head.takes(&name, &line.cells[1]);
                }
                block.others.push(line.text);
            }
        }
    }
    head = head.with(first.above.iter().chain(&first.below).map(Told::said));
    table.checkups_of(&head, first, blocks);
    table
}

fn has_further_cells(line: &Line<'_>) -> bool {
    line.cells.iter().skip(2).any(|cell| !cell.is_empty())
}

impl Table {
    fn checkups_of(&mut self, head: &Head, first: Block<'_>, blocks: Vec<Block<'_>>) {
        // Where the last checkup has lines below its results, so have the others: there is no next one that they could be of.
        let are_own = blocks.last().is_some_and(|last| !last.below.is_empty());
        let mut before: Vec<Told<'_>> = Vec::new();
        let mut waiting = first.results;
        let about_all = first.above.iter().chain(&first.below).map(|told| told.line.text);
        let mut above_all = String::new();
        for text in first.others.into_iter().chain(about_all) {
            // What stands above all is kept with each: no more of it than of a record.
            if above_all.len() + text.len() < MAX_TEXT {
                write_line(&mut above_all, text);
            }
        }
        for block in blocks {
            let (own, next) = match are_own {
                true => (block.below, Vec::new()),
                false => (Vec::new(), block.below),
            };
            let told = || before.iter().chain(&block.above).chain(&own);
            let checkup = block.day.map(|day| head.with(told().map(Told::said)).checkup(day));
            let results = std::mem::take(&mut waiting).into_iter().chain(block.results);
            let results: Vec<Line<'_>> = results.collect();
            if checkup.is_some() {
                let mut original = above_all.clone();
                let lines = told().map(|told| told.line.text).chain(block.others);
                let lines = lines.chain(results.iter().map(|line| line.text));
                lines.for_each(|text| write_line(&mut original, text));
                self.originals.push(original.into_bytes());
            }
            self.results(checkup, results);
            before = next;
        }
        self.results(None, waiting);
    }

    fn results(&mut self, mut checkup: Option<Checkup>, lines: Vec<Line<'_>>) {
        for line in lines {
            match &mut checkup {
                Some(checkup) => self.result(checkup, &line),
                None => self.leave_out(Outcome::Rejected, "no-exam-date", &line),
            }
        }
        self.checkups.extend(checkup);
    }
}

fn write_line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push_str("\r\n");
}
