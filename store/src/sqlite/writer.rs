//! The one writer: a thread that gathers what waits into one transaction, each unit but the first in a savepoint of its own.
//!
//! A unit that fails is rolled back alone, the first with the transaction, which holds nothing else yet: most units come alone, and a
//! savepoint costs a copy of each page they change; the others of its group commit with one sync and are answered after it. Units of
//! an import are *relaxed*: a group of only such commits without a sync, since the import is acknowledged by its last unit,
//! which is not relaxed and makes all of them durable.

use std::cell::RefCell;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use model::{PersonId, UtcMillis};
use rusqlite::Connection;

use super::database::{Shared, Snapshot};
use super::fault::Doing as _;
use super::journal::{Journal, Step};
use super::{schema, settle};
use crate::{Result, StoreError};

/// Units in one transaction at most.
const GROUP: usize = 256;

/// Name of the setting that holds the last journal entry carried out.
pub(crate) const JOURNAL_APPLIED: &str = "journal_applied";

/// What a unit of writing sees: its transaction, the keys, the clock, and the journal.
pub(crate) struct Writing<'a> {
    snapshot: Snapshot<'a>,
    journal: &'a RefCell<Journal>,
}

impl<'a> Writing<'a> {
    pub(crate) fn new(connection: &'a Connection, shared: &'a Shared, journal: &'a RefCell<Journal>) -> Self {
        Self {
            snapshot: Snapshot::new(connection, shared),
            journal,
        }
    }

    /// Appends a step to the journal, synced, and notes in this transaction that it is carried out. Call it before the
    /// statements that carry it out; should they fail, the writer carries it out from the journal.
    pub(crate) fn journal(&self, step: Step, person: PersonId, subject: u64, body: Vec<u8>) -> Result<u64> {
        let mut journal = self.journal.borrow_mut();
        let number = journal.append(self.now(), step, person.0, subject, body)?;
        self.snapshot.shared().sync_point("journal synced");
        schema::set_setting(self, JOURNAL_APPLIED, number as i64)?;
        Ok(number)
    }

    /// The instant now.
    pub(crate) fn now(&self) -> UtcMillis {
        self.snapshot.shared().clock.now()
    }
}

impl<'a> Deref for Writing<'a> {
    type Target = Snapshot<'a>;
    fn deref(&self) -> &Self::Target {
        &self.snapshot
    }
}

/// One unit of writing, with the way its answer goes back.
pub(crate) trait Unit: Send {
    /// Does the work in an open transaction; false asks for its rollback.
    fn run(&mut self, writing: &Writing<'_>) -> bool;
    /// Sends the answer, or the failure that took the whole group.
    fn answer(self: Box<Self>, failure: Option<StoreError>);
    /// True when the commit need not be synced.
    fn relaxed(&self) -> bool;
}

/// A unit made of a closure.
pub(crate) struct Work<T, F, A> {
    pub(crate) name: &'static str,
    pub(crate) relaxed: bool,
    pub(crate) work: Option<F>,
    pub(crate) result: Option<Result<T>>,
    pub(crate) answer: A,
}

impl<T, F, A> Unit for Work<T, F, A>
where
    T: Send,
    F: FnOnce(&Writing<'_>) -> Result<T> + Send,
    A: FnOnce(Result<T>) + Send,
{
    fn run(&mut self, writing: &Writing<'_>) -> bool {
        let Some(work) = self.work.take() else { return false };
        let result = catch_unwind(AssertUnwindSafe(|| work(writing))).unwrap_or_else(|_| {
            tracing::error!(unit = self.name, "a unit of writing panicked and was rolled back");
            Err(StoreError::Database {
                what: self.name,
                detail: "a fault of this software; nothing was written".to_owned(),
            })
        });
        let keep = result.is_ok();
        self.result = Some(result);
        keep
    }

    fn answer(self: Box<Self>, failure: Option<StoreError>) {
        let result = match (failure, self.result) {
            (Some(failure), _) => Err(failure),
            (None, Some(result)) => result,
            (None, None) => Err(StoreError::Closed),
        };
        (self.answer)(result);
    }

    fn relaxed(&self) -> bool {
        self.relaxed
    }
}

/// A message to the writer.
pub(crate) enum Message {
    /// Do this.
    Unit(Box<dyn Unit>),
    /// Do what is asked there, and leave nothing of it.
    Rehearsal(Receiver<Message>),
    /// Answer what is queued before this, then end.
    Stop,
}

/// Runs until told to stop or until nobody is left to ask.
pub(crate) fn run(mut connection: Connection, journal: Journal, shared: &Arc<Shared>, messages: &Receiver<Message>) {
    let journal = RefCell::new(journal);
    let mut held: Option<Message> = None;
    let mut synced = true;
    loop {
        let first = match held.take().map_or_else(|| messages.recv(), Ok) {
            Ok(Message::Unit(unit)) => unit,
            Ok(Message::Rehearsal(messages)) => {
                if rehearse(&connection, &journal, shared, &messages) {
                    continue;
                }
                break;
            }
            Ok(Message::Stop) | Err(_) => break,
        };
        let mut stop = false;
        let mut group = vec![first];
        while group.len() < GROUP {
            match messages.try_recv() {
                // Units of imports take tens of milliseconds: never two in one transaction.
                Ok(Message::Unit(unit)) if unit.relaxed() && group.iter().any(|member| member.relaxed()) => {
                    held = Some(Message::Unit(unit));
                    break;
                }
                Ok(rehearsal @ Message::Rehearsal(_)) => {
                    held = Some(rehearsal);
                    break;
                }
                Ok(Message::Unit(unit)) => group.push(unit),
                Ok(Message::Stop) => {
                    stop = true;
                    break;
                }
                Err(_) => break,
            }
        }
        let sync = group.iter().any(|unit| !unit.relaxed());
        if sync != synced {
            let level = if sync { "FULL" } else { "NORMAL" };
            if connection.pragma_update(None, "synchronous", level).is_ok() {
                synced = sync;
            }
        }
        commit(&mut connection, &journal, shared, group);
        if stop {
            break;
        }
    }
    // The log is only folded in for tidiness: the next opening would do it too.
    let _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
}

/// A word of a transaction; read once and kept, since each unit of a group has two.
fn execute(connection: &Connection, word: &'static str) -> rusqlite::Result<()> {
    connection.prepare_cached(word)?.execute([]).map(|_| ())
}

/// Carries out units in one transaction, each answered as soon as it is done, and rolls all of it back at the end. False where that
/// failed: whatever commits next would keep it.
#[must_use]
fn rehearse(
    connection: &Connection,
    journal: &RefCell<Journal>,
    shared: &Arc<Shared>,
    messages: &Receiver<Message>,
) -> bool {
    let begun = execute(connection, "BEGIN IMMEDIATE").doing("beginning a rehearsal");
    while let Ok(Message::Unit(mut unit)) = messages.recv() {
        let ready = begun.clone().and_then(|()| match connection.is_autocommit() {
            // A full disk took the transaction: what is asked now would stay.
            true => Err(StoreError::DiskFull),
            false => execute(connection, "SAVEPOINT unit").doing("beginning a unit"),
        });
        if let Err(error) = ready {
            unit.answer(Some(error));
            continue;
        }
        let keep = unit.run(&Writing::new(connection, shared, journal));
        let closed = match (connection.is_autocommit(), keep) {
            // As in a commit: whoever failed by it knows why.
            (true, _) => keep.then_some(StoreError::DiskFull),
            (false, true) => execute(connection, "RELEASE unit").doing("ending a unit").err(),
            (false, false) => {
                shared.forget_what_was_not_kept();
                let back = connection.execute_batch("ROLLBACK TO unit; RELEASE unit");
                back.doing("ending a unit").err()
            }
        };
        unit.answer(closed);
    }
    shared.forget_what_was_not_kept();
    if !connection.is_autocommit()
        && let Err(error) = execute(connection, "ROLLBACK").doing("rolling a rehearsal back")
    {
        tracing::error!(%error, "a rehearsal could not be rolled back");
    }
    connection.is_autocommit()
}

fn commit(connection: &mut Connection, journal: &RefCell<Journal>, shared: &Arc<Shared>, group: Vec<Box<dyn Unit>>) {
    let journalled = journal.borrow().last_number();
    let mut waiting = group.into_iter();
    let mut done: Vec<Box<dyn Unit>> = Vec::new();
    // Nothing of this transaction is to be kept whatever comes.
    let mut is_first = true;
    let failure = loop {
        if connection.is_autocommit() {
            is_first = true;
            if let Err(error) = execute(connection, "BEGIN IMMEDIATE").doing("beginning a transaction") {
                break Some(error);
            }
        }
        let Some(mut unit) = waiting.next() else {
            break execute(connection, "COMMIT").doing("committing").err();
        };
        if !is_first && let Err(error) = execute(connection, "SAVEPOINT unit").doing("beginning a unit") {
            unit.answer(Some(error.clone()));
            break Some(error);
        }
        let keep = unit.run(&Writing::new(connection, shared, journal));
        if !keep || connection.is_autocommit() {
            shared.forget_what_was_not_kept();
        }
        if connection.is_autocommit() {
            // A full disk can take the whole transaction, not only the statement: those before it are refused too.
            for earlier in done.drain(..) {
                earlier.answer(Some(StoreError::DiskFull));
            }
            unit.answer(keep.then_some(StoreError::DiskFull));
            continue;
        }
        let closed = match (is_first, keep) {
            (true, true) => Ok(()),
            (true, false) => execute(connection, "ROLLBACK"),
            (false, true) => execute(connection, "RELEASE unit"),
            (false, false) => connection.execute_batch("ROLLBACK TO unit; RELEASE unit"),
        };
        is_first &= !keep;
        if let Err(error) = closed.doing("ending a unit") {
            unit.answer(Some(error.clone()));
            break Some(error);
        }
        done.push(unit);
    };
    if failure.is_some() {
        shared.forget_what_was_not_kept();
    }
    if failure.is_some()
        && !connection.is_autocommit()
        && let Err(error) = connection.execute_batch("ROLLBACK").doing("rolling back")
    {
        tracing::error!(%error, "a failed transaction could not be rolled back");
    }
    if failure.is_none() {
        shared.sync_point("committed");
    }
    for unit in done.into_iter().chain(waiting) {
        unit.answer(failure.clone());
    }
    if journal.borrow().last_number() != journalled {
        // A step that was journalled but whose unit failed is carried out now, as an opening would do.
        if let Err(error) = settle::replay(connection, shared) {
            tracing::error!(%error, "the journal is ahead of the database; it will be replayed at the next opening");
        }
    }
}
