//! What a search asks for, and what a page answers.

use std::sync::Arc;

use consent::ConsentsVersion;
use model::checkup::{Battery, Item};
use model::{Metric, Summary, UtcMillis};

use super::Record;

/// Bounds on a record's time, all of which must hold. `None` is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeBounds {
    /// Starts at or after.
    pub start_from: Option<UtcMillis>,
    /// Starts before.
    pub start_before: Option<UtcMillis>,
    /// Ends after.
    pub end_after: Option<UtcMillis>,
    /// Ends at or before.
    pub end_until: Option<UtcMillis>,
}

/// In which order a search gives records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// By start, earliest first.
    #[default]
    Date,
    /// By start, latest first.
    DateDescending,
    /// By the commit that made or changed them, earliest first: what a poller follows.
    LastUpdated,
    /// By the commit that made or changed them, latest first.
    LastUpdatedDescending,
}

/// What to look for.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// Metrics whose samples are asked for.
    pub raw: Vec<Metric>,
    /// Items of checkups whose results are asked for.
    pub items: Vec<Item>,
    /// Batteries of such results that are asked for.
    pub batteries: Vec<Battery>,
    /// Metrics whose days are asked for: the total of a summed metric, the aggregate of any other.
    pub daily: Vec<Metric>,
    /// Metrics whose weeks, months or events are asked for.
    pub summaries: Vec<(Metric, Summary)>,
    /// Bounds on time.
    pub times: TimeBounds,
    /// Committed at or after, and before.
    pub updated: (Option<UtcMillis>, Option<UtcMillis>),
    /// One source only, by the person's number.
    pub source: Option<u16>,
    /// The order.
    pub sort: Sort,
    /// Continue after this place; from [`Page::next`] of the same search.
    pub after: Option<PageKey>,
    /// Records of a page at most; 1,000 at most.
    pub count: usize,
    /// The instant of the question: days become final by it.
    pub now: UtcMillis,
    /// What a record must satisfy besides.
    pub keep: Keep,
    /// Superseded versions of samples too; looked at in the orders of changes only.
    pub superseded: bool,
}

/// Whether a search is about a record, where that is said by what the record holds. It is asked of records that the access key
/// shows, one after the other, so a page of a narrow one may come with fewer records than asked for, and a next one.
#[derive(Clone, Default)]
pub struct Keep(Option<Arc<Test>>);

/// Looks at one record.
type Test = dyn Fn(&Record) -> bool + Send + Sync;

impl Keep {
    /// Those of which this is true.
    pub fn only(keep: impl Fn(&Record) -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(keep)))
    }

    /// True of a record that it is about.
    pub fn keeps(&self, record: &Record) -> bool {
        self.0.as_ref().is_none_or(|keep| keep(record))
    }

    pub(crate) fn is_all(&self) -> bool {
        self.0.is_none()
    }
}

impl std::fmt::Debug for Keep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.is_all() { "all" } else { "some" })
    }
}

/// A page of a search.
#[derive(Clone, Debug)]
pub struct Page {
    /// The records, in the order asked for.
    pub records: Vec<Record>,
    /// Where to continue; `None` at the end.
    pub next: Option<PageKey>,
    /// The person's last commit in the snapshot that was read: pollers continue from it.
    pub last_commit: UtcMillis,
    /// The person's consents version in the same snapshot.
    pub consents_version: ConsentsVersion,
}

/// The place of a record in a search's order: where the next page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PageKey {
    /// Start, or commit time, in ms.
    pub(crate) time: i64,
    /// Metric number.
    pub(crate) metric: u16,
    /// Source number.
    pub(crate) source: u16,
    /// Start of the first identity in ms: tells records of one commit apart.
    pub(crate) first_start: i64,
    /// Tie-break, above it the kind of record.
    pub(crate) tie_break: u16,
}

impl PageKey {
    /// Bytes of a key.
    pub const LENGTH: usize = 22;

    /// As bytes, for sealing into a cursor.
    pub fn to_bytes(self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        bytes[..8].copy_from_slice(&self.time.to_be_bytes());
        bytes[8..10].copy_from_slice(&self.metric.to_be_bytes());
        bytes[10..12].copy_from_slice(&self.source.to_be_bytes());
        bytes[12..20].copy_from_slice(&self.first_start.to_be_bytes());
        bytes[20..].copy_from_slice(&self.tie_break.to_be_bytes());
        bytes
    }

    /// From bytes; `None` when there are not [`PageKey::LENGTH`].
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; Self::LENGTH] = bytes.try_into().ok()?;
        let long = |from: usize| Some(i64::from_be_bytes(bytes[from..from + 8].try_into().ok()?));
        let short = |from: usize| u16::from_be_bytes([bytes[from], bytes[from + 1]]);
        Some(Self {
            time: long(0)?,
            metric: short(8),
            source: short(10),
            first_start: long(12)?,
            tie_break: short(20),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_key_reads_back_and_keeps_its_order() {
        let key = |time, metric, source, first_start, tie_break| PageKey {
            time,
            metric,
            source,
            first_start,
            tie_break,
        };
        let low = key(-5, 3, 4, -5, 1);
        assert_eq!(PageKey::from_bytes(&low.to_bytes()), Some(low));
        assert_eq!(PageKey::from_bytes(&[0; 21]), None);
        assert!(low < key(-5, 3, 4, -5, 2) && low < key(-5, 3, 5, -9, 0) && low < key(4, 0, 0, 0, 0));
    }
}
