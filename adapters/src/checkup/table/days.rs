//! Results of one person, day after day.
//!
//! Lines about a checkup stand above its day, between the day and its results, or below these, as whoever made the table likes.

use model::checkup::Checkup;
use model::{LocalDay, Outcome};

use super::day::day;
use super::head::{About, Head, Person, about, is_day};
use super::{Line, Table, lines, plain};
use crate::checkup::document::is_plausible;

/// The most checkups of a table.
const MOST_CHECKUPS: usize = 100;

/// What stands between one day of a checkup and the next.
#[derive(Default)]
struct Block<'t> {
    /// `None` where it cannot be read: its results are of no checkup, least of all of the one before.
    day: Option<LocalDay>,
    /// Names and values about the checkup, above its first result.
    above: Vec<(String, String)>,
    /// Those below it: of this checkup or of the next.
    below: Vec<(String, String)>,
    results: Vec<Line<'t>>,
}

/// Reads results. Each new day of a checkup begins the next. A table that names two people is nobody's: whoever brings it would be
/// given what is the other's.
pub(in crate::checkup) fn read(text: &str) -> Table {
    let mut table = Table::default();
    let (mut head, mut person) = (Head::default(), Person::default());
    let mut blocks: Vec<Block<'_>> = Vec::new();
    // What stands before the first day: lines about every checkup, and results that wait for it.
    let mut first = Block::default();
    for line in lines(text.trim_start_matches('\u{feff}')) {
        let [name, value, ..] = line.cells.as_slice() else {
            continue;
        };
        let name = plain(name);
        if value.is_empty() || matches!(name.as_str(), "項目名" | "項目" | "") {
            continue;
        }
        if is_day(&name) {
            let day = day(value).filter(|day| is_plausible(*day));
            let is_one_more = blocks.len() < MOST_CHECKUPS;
            if day.is_none() || !is_one_more {
                let reason = if is_one_more { "not-a-day" } else { "too-many-checkups" };
                table.leave_out(Outcome::Rejected, reason, &line);
            }
            blocks.push(Block {
                day: day.filter(|_| is_one_more),
                ..Block::default()
            });
            continue;
        }
        let about = about(&name);
        if about.is_some() && person.is_another(&name, value) {
            let mut refused = Table::default();
            // Whose lines these are, nobody knows: none is kept.
            refused.leave_out(Outcome::Rejected, "several-people", &Line { text: "", ..line });
            return refused;
        }
        let block = blocks.last_mut().unwrap_or(&mut first);
        match about {
            Some(About::Person) => {
                head.takes(&name, value);
            }
            Some(About::Nothing) => {}
            Some(About::Checkup) if block.results.is_empty() => block.above.push((name, value.clone())),
            Some(About::Checkup) => block.below.push((name, value.clone())),
            None => block.results.push(line),
        }
    }
    head = head.with(first.above.iter().chain(&first.below));
    table.checkups_of(&head, first.results, blocks);
    table
}

impl Table {
    fn checkups_of(&mut self, head: &Head, waiting: Vec<Line<'_>>, blocks: Vec<Block<'_>>) {
        // Where the last checkup has lines below its results, so have the others: there is no next one that they could be of.
        let are_own = blocks.last().is_some_and(|last| !last.below.is_empty());
        let mut before: Vec<(String, String)> = Vec::new();
        let mut waiting = Some(waiting);
        for block in blocks {
            let (own, next) = match are_own {
                true => (block.below, Vec::new()),
                false => (Vec::new(), block.below),
            };
            let told = before.iter().chain(&block.above).chain(&own);
            let checkup = block.day.map(|day| head.with(told).checkup(day));
            self.results(
                checkup,
                waiting.take().unwrap_or_default().into_iter().chain(block.results),
            );
            before = next;
        }
        self.results(None, waiting.unwrap_or_default().into_iter());
    }

    fn results<'l>(&mut self, mut checkup: Option<Checkup>, lines: impl Iterator<Item = Line<'l>>) {
        for line in lines {
            match &mut checkup {
                Some(checkup) => self.result(checkup, &line),
                None => self.leave_out(Outcome::Rejected, "no-exam-date", &line),
            }
        }
        self.checkups.extend(checkup);
    }
}
