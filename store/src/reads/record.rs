//! What is read of a person's data: samples as they are stored, days, weeks and months as they are computed.

use crate::OfCheckup;
use model::{BatchId, LocalDay, Measured, Metric, RecordKey, Sample, Summary, UtcMillis};

/// One record of a page.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// A sample as it is stored.
    Sample(StoredSample),
    /// A day's resolved total.
    Total(StoredTotal),
    /// A day's mean, minimum, maximum and last value.
    Aggregate(StoredAggregate),
    /// That something took place on a day.
    Event(StoredEvent),
}

impl Record {
    /// What its id is made of.
    pub fn key(&self) -> RecordKey {
        match self {
            Self::Sample(sample) => sample.key,
            Self::Total(total) => total.key,
            Self::Aggregate(aggregate) => aggregate.key,
            Self::Event(event) => event.key,
        }
    }

    /// When it was last made or changed.
    pub fn updated(&self) -> UtcMillis {
        match self {
            Self::Sample(sample) => sample.committed,
            Self::Total(total) => total.updated,
            Self::Aggregate(aggregate) => aggregate.updated,
            Self::Event(event) => event.updated,
        }
    }

    /// Of which days it is, the first and the last.
    pub fn days(&self) -> (LocalDay, LocalDay) {
        match self {
            Self::Sample(stored) => stored.days(),
            Self::Total(total) => (total.day, total.summary.last(total.day)),
            Self::Aggregate(aggregate) => (aggregate.day, aggregate.summary.last(aggregate.day)),
            Self::Event(event) => (event.day, event.last),
        }
    }
}

/// A sample with what the store knows of it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredSample {
    /// What its id is made of: its first identity.
    pub key: RecordKey,
    /// The sample.
    pub sample: Sample,
    /// Its version, from 1.
    pub version: u32,
    /// When this version was committed.
    pub committed: UtcMillis,
    /// The delivery that brought this version.
    pub batch: BatchId,
    /// Entered in error: the vendor deleted it, or a session was joined into another.
    pub dead: bool,
    /// What it is of a checkup; `None` for what was measured otherwise.
    pub of_checkup: Option<OfCheckup>,
    /// The same measurement as its vendor's own source has it, where this one came by another vendor's store and that one shows too.
    pub copy_of: Option<RecordKey>,
}

impl StoredSample {
    /// The day that owns it, as the first and the last; of what is of a checkup all days within which it was.
    pub fn days(&self) -> (LocalDay, LocalDay) {
        let first = self.sample.local_day();
        let last = match self.of_checkup {
            Some(_) => self.sample.end.plus(-1).local_day(self.sample.offset),
            None => first,
        };
        (first, last)
    }
}

/// How far a day's total can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DayStatus {
    /// Less than 48 hours after the day's end.
    Preliminary,
    /// 48 hours after the day's end, and unchanged since.
    Final,
    /// Changed after it was final.
    Amended,
}

/// One source's part of a day's total.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// The source's number within the person.
    pub source: u16,
    /// Its part of the total, in the total's scale.
    pub amount: i64,
    /// Its part of the eligible total.
    pub eligible: i64,
}

/// A day's total, resolved between overlapping sources.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredTotal {
    /// What its id is made of.
    pub key: RecordKey,
    /// The summed metric.
    pub metric: Metric,
    /// What it is the total of.
    pub summary: Summary,
    /// The civil day; of a week or month its first.
    pub day: LocalDay,
    /// Without hand-typed and impossible entries, as a whole number with `scale` decimals.
    pub eligible: i64,
    /// With everything.
    pub total: i64,
    /// The hand-typed part.
    pub manual: i64,
    /// Decimals of the three numbers and of the shares.
    pub scale: u8,
    /// Flags of the day, as `totals` defines them.
    pub flags: u32,
    /// Which source gave how much.
    pub shares: Vec<Share>,
    /// Version as of the question's instant, from 1.
    pub version: u32,
    /// Status as of the question's instant.
    pub status: DayStatus,
    /// When it was last changed, or became final.
    pub updated: UtcMillis,
}

/// A day of a metric that is not summed.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredAggregate {
    /// What its id is made of.
    pub key: RecordKey,
    /// The metric.
    pub metric: Metric,
    /// What it is the aggregate of.
    pub summary: Summary,
    /// The civil day; of a week or month its first.
    pub day: LocalDay,
    /// The mean of each component, rounded to the digits of its values; `None` where no value has the component.
    pub mean: Vec<Option<Measured>>,
    /// The lowest value of each component.
    pub min: Vec<Option<Measured>>,
    /// The highest value of each component.
    pub max: Vec<Option<Measured>>,
    /// The last value of each component.
    pub last: Vec<Option<Measured>>,
    /// Samples of the day.
    pub count: u32,
    /// Grows with every change of the day.
    pub version: u32,
    /// How far it can be relied on.
    pub status: DayStatus,
    /// When one of its samples was last made or changed.
    pub updated: UtcMillis,
}

/// That something was measured on a day, and nothing of what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// What its id is made of.
    pub key: RecordKey,
    /// The metric.
    pub metric: Metric,
    /// The civil day, or the first of those within which it was.
    pub day: LocalDay,
    /// The last of them: the same day, but of a checkup of which only the year is known.
    pub last: LocalDay,
    /// Whose word it is, of a checkup: an entry of the metric's list.
    pub code: Option<u32>,
    /// Grows with every change of whose word it is, or whether it is the first.
    pub version: u32,
    /// It was told, and is not there any more.
    pub dead: bool,
    /// When that was last known otherwise, never before the day was over.
    pub updated: UtcMillis,
}
