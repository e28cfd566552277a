//! SQL of leaves: finding those that a delivery meets, merging it into them one at a time, and reading them.
//!
//! Samples and parked numbers lie in two tables of one shape. A leaf is sealed under its own number; its rows are opened,
//! merged and written again only where something changed. [`hand`] writes, [`reading`] reads, [`editor`] changes single rows.

pub(crate) mod editor;
mod hand;
mod reading;

use model::{Metric, PersonId, Sample, UtcMillis};
use rusqlite::params;

use hand::{Hand, LEAF, PARKED, Stored, Table};

use super::fault::Doing as _;
use super::people::Commit;
use super::totals;
use super::writer::Writing;
use crate::Result;
pub(crate) use crate::leaf::Row;
use crate::leaf::merge::Statement;
use crate::leaf::second;

pub(crate) use hand::rewrite;
pub(crate) use reading::{
    LeafCache, Rows, each_of_some_days, meeting, offsets_of_some_days, parked_rows, rows, superseded, touching,
};

/// What lies together: one metric, or one parked type, of one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Series {
    parked: bool,
    kind: u16,
    source: u16,
}

impl Series {
    /// Samples of a metric.
    pub(crate) fn sample(metric: Metric, source: u16) -> Self {
        Self {
            parked: false,
            kind: metric.number(),
            source,
        }
    }

    /// Numbers of an unmapped type.
    pub(crate) fn parked(kind: u16, source: u16) -> Self {
        Self {
            parked: true,
            kind,
            source,
        }
    }

    /// The number of its metric or type.
    pub(crate) fn kind(self) -> u16 {
        self.kind
    }

    /// The number of its source.
    pub(crate) fn source(self) -> u16 {
        self.source
    }

    /// True for numbers of an unmapped type.
    pub(crate) fn is_parked(self) -> bool {
        self.parked
    }

    /// The metric; [`Metric::NONE`] for numbers of an unmapped type.
    pub(crate) fn metric(self) -> Metric {
        if self.parked {
            Metric::NONE
        } else {
            Metric::from_number(self.kind).unwrap_or(Metric::NONE)
        }
    }

    fn table(self) -> &'static Table {
        if self.parked { &PARKED } else { &LEAF }
    }
}

/// How the samples of one hand-over ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Merged {
    /// Not there before.
    pub(crate) new: u64,
    /// There with another value.
    pub(crate) versions: u64,
    /// There already.
    pub(crate) known: u64,
    /// There, and with more to say of themselves now.
    pub(crate) refined: u64,
    /// There before, and no longer.
    pub(crate) gone: u64,
    /// A later statement is there.
    pub(crate) superseded: u64,
    /// More than one second can have.
    pub(crate) refused: u64,
    /// Months whose totals are older than their samples now.
    pub(crate) marks: totals::Marks,
}

impl Merged {
    /// Adds another hand-over's counts.
    pub(crate) fn add(&mut self, other: &Self) {
        self.new += other.new;
        self.versions += other.versions;
        self.known += other.known;
        self.refined += other.refined;
        self.gone += other.gone;
        self.superseded += other.superseded;
        self.refused += other.refused;
    }
}

/// Merges samples of one series, sorted by start, in one commit.
pub(crate) fn merge(
    writing: &Writing<'_>,
    person: PersonId,
    series: Series,
    mut samples: Vec<Sample>,
    commit: Commit,
    asserted: UtcMillis,
) -> Result<Merged> {
    let mut merged = Merged::default();
    let (Some(first), Some(last)) = (samples.first(), samples.last()) else {
        return Ok(merged);
    };
    let (first, last) = (second(first.start), second(last.start));
    let table = series.table();
    let place = params![person.0, series.kind, series.source, first, last];
    let leaves: Vec<Stored> = writing
        .prepare_cached(table.meeting)
        .and_then(|mut statement| statement.query_map(place, Stored::read)?.collect())
        .doing("finding leaves")?;
    let newest: i64 = writing
        .prepare_cached(table.newest)
        .and_then(|mut statement| {
            statement.query_row(params![person.0, series.kind, series.source, i64::MIN], |row| {
                row.get(0)
            })
        })
        .doing("finding leaves")?;
    let hand = Hand {
        writing,
        key: writing.person_key(person)?,
        person,
        series,
        statement: Statement {
            asserted: asserted.0,
            seq: commit.seq,
        },
    };
    let mut months = totals::Months::of(series);
    if leaves.is_empty() {
        hand.fill(None, samples.drain(..), newest <= first, &mut merged, &mut months)?;
    }
    // From the last on, so that what is left need not move. Samples before the first leaf that is met are its neighbours too.
    for (place, leaf) in leaves.into_iter().enumerate().rev() {
        let from = match place {
            0 => 0,
            _ => samples.partition_point(|sample| second(sample.start) < leaf.first_start),
        };
        let part = samples.drain(from..);
        if part.len() > 0 {
            let is_newest = leaf.first_start >= newest;
            hand.fill(Some(leaf), part, is_newest, &mut merged, &mut months)?;
        }
    }
    merged.marks = months.into_marks();
    Ok(merged)
}
