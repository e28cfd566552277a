//! What opening a folder finishes: journal entries the database has not seen, erasures cut off half-way, totals left dirty.

use model::PersonId;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};

use super::database::{Shared, Snapshot};
use super::fault::Doing as _;
use super::journal::{Entry, Journal, Step};
use super::writer::JOURNAL_APPLIED;
use super::{consents, people, recipients, schema};
use crate::Result;

/// Carries out every journal entry after the last one the database knows.
pub(crate) fn replay(connection: &mut Connection, shared: &Shared) -> Result<()> {
    let applied = schema::setting(connection, JOURNAL_APPLIED)?.unwrap_or(0);
    for entry in Journal::read(&shared.folder)? {
        if entry.number as i64 <= applied {
            continue;
        }
        tracing::info!(number = entry.number, step = ?entry.step, "carrying out a journal entry");
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .doing("replaying the journal")?;
        carry_out(&transaction, shared, &entry)?;
        schema::set_setting(&transaction, JOURNAL_APPLIED, entry.number as i64)?;
        transaction.commit().doing("replaying the journal")?;
    }
    Ok(())
}

/// Carries out one entry on a database that may be older than it: what it names may not be there.
fn carry_out(connection: &Connection, shared: &Shared, entry: &Entry) -> Result<()> {
    let snapshot = Snapshot::new(connection, shared);
    match entry.step {
        Step::Erasure => people::carry_out_erasure(&snapshot, PersonId(entry.person), shared.clock.now()),
        Step::Withdrawal => consents::replay_withdrawal(&snapshot, entry),
        Step::Narrowing => consents::replay_narrowing(&snapshot, entry),
        Step::BlockedRecipient => recipients::replay_block(&snapshot, entry),
        Step::Deletion => Ok(()),
    }
}

/// Destroys the keys of people whose row says *erased*, and keys whose person was never made.
pub(crate) fn finish_erasures(connection: &Connection, shared: &Shared) -> Result<()> {
    for person in shared.keys.people()? {
        let erased: Option<Option<i64>> = connection
            .prepare_cached("SELECT erased_ms FROM person WHERE id = ?1")
            .and_then(|mut statement| statement.query_row([person.0], |row| row.get(0)).optional())
            .doing("looking for erased people")?;
        if !matches!(erased, Some(None)) {
            tracing::info!(%person, "destroying a key that belongs to nobody");
            shared.keys.destroy_person(person)?;
        }
    }
    Ok(())
}
