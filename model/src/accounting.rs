//! The accounting of a batch: every record that came in ends as exactly one of four.

use std::collections::BTreeMap;
use std::fmt;

/// How a vendor record ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It is in the store, as a new sample or a new version.
    Stored,
    /// The store had it already, or a later statement of it.
    Duplicate,
    /// Well formed, but nothing here maps it (yet).
    Unsupported,
    /// It cannot be a measurement.
    Rejected,
}

/// Counts of a batch. `stored + duplicate + unsupported + rejected == received`, always.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounting {
    /// Records that came in.
    pub received: u64,
    /// Records that are new samples or new versions.
    pub stored: u64,
    /// Records the store had already.
    pub duplicate: u64,
    /// Records nothing maps yet.
    pub unsupported: u64,
    /// Records that cannot be a measurement.
    pub rejected: u64,
    /// Why, for all that were not plainly stored: outcome and reason (a fixed word, sometimes with a vendor type; never a value).
    pub reasons: BTreeMap<(Outcome, String), u64>,
}

impl Accounting {
    /// Counts one record.
    pub fn count(&mut self, outcome: Outcome, reason: &str) {
        self.count_many(outcome, reason, 1);
    }

    /// Counts `number` records that ended alike.
    pub fn count_many(&mut self, outcome: Outcome, reason: &str, number: u64) {
        if number == 0 {
            return;
        }
        self.received += number;
        *match outcome {
            Outcome::Stored => &mut self.stored,
            Outcome::Duplicate => &mut self.duplicate,
            Outcome::Unsupported => &mut self.unsupported,
            Outcome::Rejected => &mut self.rejected,
        } += number;
        if outcome != Outcome::Stored || !reason.is_empty() {
            match self
                .reasons
                .iter_mut()
                .find(|((known, text), _)| *known == outcome && text == reason)
            {
                Some((_, count)) => *count += number,
                None => {
                    self.reasons.insert((outcome, reason.to_owned()), number);
                }
            }
        }
    }

    /// Adds another accounting to this one.
    pub fn add(&mut self, other: &Self) {
        self.received += other.received;
        self.stored += other.stored;
        self.duplicate += other.duplicate;
        self.unsupported += other.unsupported;
        self.rejected += other.rejected;
        for (key, count) in &other.reasons {
            *self.reasons.entry(key.clone()).or_default() += count;
        }
    }

    /// True when the four add up to what came in.
    pub fn adds_up(&self) -> bool {
        self.stored + self.duplicate + self.unsupported + self.rejected == self.received
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stored => "stored",
            Self::Duplicate => "duplicate",
            Self::Unsupported => "unsupported",
            Self::Rejected => "rejected",
        })
    }
}
