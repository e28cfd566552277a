//! Readers: a few connections that each read one snapshot at a time, beside the writer and never waiting for it.

use std::path::Path;
use std::sync::{Condvar, Mutex, PoisonError};

use rusqlite::Connection;

use super::database::{Shared, Snapshot};
use super::fault::Doing as _;
use super::schema;
use crate::Result;

/// Connections for reading; a read beyond them waits for one.
const READERS: usize = 8;

/// The connections that are free, and a bell for those who wait.
pub(crate) struct Readers {
    free: Mutex<Vec<Connection>>,
    returned: Condvar,
}

impl Readers {
    /// Opens the connections.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let connections = (0..READERS).map(|_| connect(path)).collect::<Result<_>>()?;
        Ok(Self {
            free: Mutex::new(connections),
            returned: Condvar::new(),
        })
    }

    /// Runs `work` in one snapshot. Blocks.
    pub(crate) fn read<T>(&self, shared: &Shared, work: impl FnOnce(&Snapshot<'_>) -> Result<T>) -> Result<T> {
        let connection = Borrowed {
            readers: self,
            connection: Some(self.take()),
        };
        let Some(open) = connection.connection.as_ref() else {
            return Err(crate::StoreError::Closed);
        };
        open.execute_batch("BEGIN").doing("beginning a read")?;
        work(&Snapshot::new(open, shared))
    }

    fn take(&self) -> Connection {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match free.pop() {
                Some(connection) => return connection,
                None => free = self.returned.wait(free).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

/// Opens one connection that only reads.
pub(crate) fn connect(path: &Path) -> Result<Connection> {
    let connection = Connection::open(path).doing("opening the database")?;
    schema::prepare(&connection)?;
    connection
        .execute_batch("PRAGMA query_only = ON;")
        .doing("opening the database")?;
    Ok(connection)
}

/// Goes back to the pool when dropped, its transaction ended, also after a panic.
struct Borrowed<'a> {
    readers: &'a Readers,
    connection: Option<Connection>,
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        if !connection.is_autocommit() && connection.execute_batch("ROLLBACK").is_err() {
            tracing::error!("a read could not end its snapshot");
        }
        self.readers
            .free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(connection);
        self.readers.returned.notify_one();
    }
}
