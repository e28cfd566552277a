//! An import: a delivery streams in with bounded memory and ends in durable leaves, totals and an accounting.
//!
//! [`Import`] is used from a thread that may block. It collects samples by series and hands them to the writer in short
//! transactions; [`Import::finish`] recomputes what the delivery changed and answers once all of it is on the disk. An
//! import that was cut off is sent again from the start: what was kept already counts as duplicate.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use model::checkup::Checkup;
use model::{Accounting, BatchId, Decimal, Flags, Identified, Offset, Outcome, PersonId, Sample, Source, UtcMillis};

use crate::sqlite::database::Database;
use crate::sqlite::imports::Intake;
use crate::{NewPayload, Result, Store};

/// What is known of a delivery when it begins.
#[derive(Clone, Debug)]
pub struct BatchStart {
    /// Name of the adapter that reads it.
    pub adapter: String,
    /// The adapter's mapping version.
    pub mapping_version: u32,
}

/// A number of a vendor's type that nothing maps yet: kept as a column, invisible outside.
#[derive(Clone, Debug, PartialEq)]
pub struct Parked {
    /// The vendor's name of the type.
    pub vendor_type: Arc<str>,
    /// The unit as the vendor wrote it; empty when there is none.
    pub unit: Arc<str>,
    /// The source's number within the person.
    pub source: u16,
    /// When it begins.
    pub start: UtcMillis,
    /// When it ends; `start` for a moment.
    pub end: UtcMillis,
    /// Local offset at the start.
    pub offset: Offset,
    /// The number as the vendor wrote it.
    pub value: Decimal,
    /// How it came to be.
    pub flags: Flags,
}

/// A record that is neither stored nor parked: its text is kept, compressed and sealed, for a better mapping to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raw {
    /// The record as it came.
    pub text: Vec<u8>,
    /// How it ended: unsupported or rejected.
    pub outcome: Outcome,
    /// Why: a fixed word, sometimes with a vendor type; never a value.
    pub reason: String,
    /// Line in the delivery.
    pub line: u64,
}

/// What an import came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportReport {
    /// The delivery's number within the person.
    pub batch: BatchId,
    /// How every record ended.
    pub accounting: Accounting,
    /// Samples that were not there before.
    pub samples_new: u64,
    /// Samples whose value changed.
    pub versions_new: u64,
    /// Samples of which more is known now: finer times, more digits, how they came to be.
    pub samples_refined: u64,
    /// Samples that nothing holds any more.
    pub samples_gone: u64,
    /// Parked numbers that were not there before.
    pub parked_new: u64,
    /// Months of totals that were computed anew.
    pub months_recomputed: u64,
}

/// Which ids deliveries of one person have spoken of that are read again by a newer mapping: all of them share it.
#[derive(Clone, Default)]
pub struct SaidAgain {
    ids: Arc<Mutex<HashSet<i64>>>,
}

impl SaidAgain {
    pub(crate) fn has(&self, id: i64) -> bool {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).contains(&id)
    }

    pub(crate) fn add(&self, id: i64) {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
    }
}

/// Imports of which nothing stays: they are done in one transaction, which is rolled back when this and its imports are gone, so that
/// they are told of as they would be done. Each sees what those before it did. Meanwhile everybody else's writing waits, and the
/// database's log grows by what they write: one person's imports are rehearsed at once, not everybody's.
pub struct Rehearsal {
    database: Database,
}

impl Rehearsal {
    /// As [`Store::begin_import`].
    ///
    /// # Errors
    /// As there.
    pub fn begin_import(&self, person: PersonId, start: BatchStart) -> Result<Import> {
        Ok(Import {
            intake: Intake::begin(self.database.clone(), person, start)?,
        })
    }
}

/// A delivery on its way in. All methods block; dropping it without [`Import::finish`] leaves what was flushed.
pub struct Import {
    pub(crate) intake: Intake,
}

impl Store {
    /// Begins a delivery for a person. Call it, and everything on the [`Import`], where blocking is allowed.
    ///
    /// # Errors
    /// [`crate::StoreError::NoPerson`], [`crate::StoreError::Erased`], and what writing can answer.
    pub fn begin_import(&self, person: PersonId, start: BatchStart) -> Result<Import> {
        Ok(Import {
            intake: Intake::begin(self.database.clone(), person, start)?,
        })
    }

    /// Begins a rehearsal of imports.
    ///
    /// # Errors
    /// [`crate::StoreError::ReadOnly`] and [`crate::StoreError::Closed`].
    pub fn rehearse(&self) -> Result<Rehearsal> {
        Ok(Rehearsal {
            database: self.database.rehearse()?,
        })
    }
}

impl Import {
    /// When the vendor said what this delivery says (an export's date). Until it is called, the instant the import began
    /// counts. Samples pushed before keep what counted then.
    ///
    /// # Errors
    /// What writing can answer.
    pub fn set_asserted(&mut self, asserted: UtcMillis) -> Result<()> {
        self.intake.set_asserted(asserted)
    }

    /// Says that this was delivered before, and read by an older mapping: of a record that was said at the same time counts what it says
    /// now, also where that is less. What was said later stays.
    pub fn say_again(&mut self, again: SaidAgain) {
        self.intake.say_again(again);
    }

    /// The zone in which the person lives.
    pub fn home(&self) -> jiff::tz::TimeZone {
        self.intake.home()
    }

    /// The person's number for a source, found by its key or given anew. What describes it is brought up to date.
    ///
    /// # Errors
    /// [`crate::StoreError::TooMany`] beyond 4,095 sources, [`crate::StoreError::Invalid`] for an empty or overlong key,
    /// and what writing can answer.
    pub fn source(&mut self, source: &Source) -> Result<u16> {
        self.intake.source(source)
    }

    /// Takes samples whose `source` is the person's number. Each ends as stored or duplicate in the accounting.
    ///
    /// # Errors
    /// [`crate::StoreError::Invalid`] for a sample that cannot be (ends before it starts, lies outside 1900 to 2200, names
    /// an unknown source), and what writing can answer.
    pub fn push(&mut self, samples: Vec<Sample>) -> Result<()> {
        self.intake.push(samples)
    }

    /// Takes records that their vendor names by ids. Each record ends as stored or duplicate in the accounting, whatever the
    /// number of its samples.
    ///
    /// # Errors
    /// As [`Import::push`], and [`crate::StoreError::Invalid`] for an empty or overlong id.
    pub fn push_identified(&mut self, records: Vec<Identified>) -> Result<()> {
        self.intake.push_identified(records)
    }

    /// Takes a checkup and the document that told it, of the person's source with this number. Its results end as stored or
    /// duplicate in the accounting, or as rejected where it says that it is about somebody else.
    ///
    /// # Errors
    /// As [`Import::push`]. Checkups beyond 600, and of no day that there is, are counted as rejected.
    pub fn checkup(&mut self, source: u16, checkup: Checkup, original: Vec<u8>) -> Result<()> {
        self.intake.checkup(source, checkup, original)
    }

    /// Keeps numbers of unmapped types. They are counted by whoever read them, not here: a list of beats is one record.
    ///
    /// # Errors
    /// As [`Import::push`].
    pub fn park(&mut self, parked: Vec<Parked>) -> Result<()> {
        self.intake.park(parked)
    }

    /// Keeps the text of a record that is neither stored nor parked. It is counted by whoever read it, not here.
    ///
    /// # Errors
    /// What writing can answer.
    pub fn raw(&mut self, raw: Raw) -> Result<()> {
        self.intake.raw(&raw)
    }

    /// Adds how the records ended that were not pushed as samples.
    pub fn account(&mut self, accounting: &Accounting) {
        self.intake.account(accounting);
    }

    /// Says how many records there were, by the count of whoever read them: against it stands how they ended. Without it there were
    /// as many as ended.
    pub fn read(&mut self, records: u64) {
        self.intake.read(records);
    }

    /// Hands everything collected so far to the writer and waits until it is committed (not yet synced).
    ///
    /// # Errors
    /// What writing can answer.
    pub fn checkpoint(&mut self) -> Result<()> {
        self.intake.checkpoint()
    }

    /// As [`Import::finish`], with the push that it was, kept in the same commit with its answer: the same push again is answered so.
    ///
    /// # Errors
    /// As [`Import::finish`].
    pub fn finish_keeping(self, push: NewPayload) -> Result<(ImportReport, Vec<u8>)> {
        self.intake.finish(Some(push))
    }

    /// Ends the delivery: flushes, recomputes totals and nights that it touched, writes the accounting, and returns once
    /// all of it survives a power loss.
    ///
    /// # Errors
    /// What writing can answer; the delivery can then be sent again.
    pub fn finish(self) -> Result<ImportReport> {
        self.intake.finish(None).map(|(report, _)| report)
    }
}
