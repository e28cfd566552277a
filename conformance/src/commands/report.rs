//! What came of each case, as a table or as lines of JSON.

use serde_json::json;

/// What came of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    Pass,
    /// It does not, and why.
    Fail(String),
    /// It could not be looked at, and why.
    Skip(String),
}

/// What a case finds: nothing wrong, or what is.
pub type Finding = Result<(), String>;

struct Row {
    group: &'static str,
    name: &'static str,
    source: &'static str,
    outcome: Outcome,
}

/// All cases so far.
#[derive(Default)]
pub struct Report(Vec<Row>);

impl Report {
    /// Adds a case.
    pub fn add(&mut self, group: &'static str, name: &'static str, source: &'static str, outcome: Outcome) {
        self.0.push(Row {
            group,
            name,
            source,
            outcome,
        });
    }

    /// Adds a case that was looked at.
    pub fn found(&mut self, group: &'static str, name: &'static str, source: &'static str, finding: Finding) {
        let outcome = match finding {
            Ok(()) => Outcome::Pass,
            Err(why) => Outcome::Fail(why),
        };
        self.add(group, name, source, outcome);
    }

    /// Adds cases that cannot be looked at, for one reason.
    pub fn skip(&mut self, group: &'static str, cases: &[(&'static str, &'static str)], why: &str) {
        for (name, source) in cases {
            self.add(group, name, source, Outcome::Skip(why.to_owned()));
        }
    }

    /// How many failed.
    pub fn failed(&self) -> usize {
        self.count(|outcome| matches!(outcome, Outcome::Fail(_)))
    }

    fn count(&self, is: impl Fn(&Outcome) -> bool) -> usize {
        self.0.iter().filter(|row| is(&row.outcome)).count()
    }

    /// Prints all of it.
    #[expect(clippy::print_stdout, reason = "what the command is asked for")]
    pub fn print(&self, as_json: bool) {
        let mut group = "";
        for row in &self.0 {
            let (word, why) = match &row.outcome {
                Outcome::Pass => ("pass", ""),
                Outcome::Fail(why) => ("FAIL", why.as_str()),
                Outcome::Skip(why) => ("skip", why.as_str()),
            };
            if as_json {
                println!(
                    "{}",
                    json!({"group": row.group, "case": row.name, "source": row.source, "result": word.to_lowercase(), "why": why})
                );
                continue;
            }
            if row.group != group {
                group = row.group;
                println!("\n{group}");
            }
            let joint = if why.is_empty() { "" } else { ": " };
            println!("  {word}  {:<66} {}{joint}{why}", row.name, row.source);
        }
        if !as_json {
            println!(
                "\n{} cases: {} passed, {} failed, {} skipped",
                self.0.len(),
                self.count(|outcome| *outcome == Outcome::Pass),
                self.failed(),
                self.count(|outcome| matches!(outcome, Outcome::Skip(_)))
            );
        }
    }
}

/// Nothing wrong when this holds.
pub fn hold(holds: bool, otherwise: impl FnOnce() -> String) -> Finding {
    if holds { Ok(()) } else { Err(otherwise()) }
}
