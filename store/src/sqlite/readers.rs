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
        begin(open)?;
        work(&Snapshot::new(open, shared))
    }

    /// As [`Readers::read`] where a connection is free; else `None`, without waiting. Only for work of a few microseconds.
    pub(crate) fn read_now<T>(
        &self,
        shared: &Shared,
        work: impl FnOnce(&Snapshot<'_>) -> Result<T>,
    ) -> Option<Result<T>> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
        let connection = Borrowed {
            readers: self,
            connection: Some(free),
        };
        let open = connection.connection.as_ref()?;
        Some(begin(open).and_then(|()| work(&Snapshot::new(open, shared))))
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

/// Begins a snapshot. Prepared, since the smallest reads take no longer than parsing this.
fn begin(connection: &Connection) -> Result<()> {
    connection
        .prepare_cached("BEGIN")
        .and_then(|mut statement| statement.execute([]))
        .doing("beginning a read")
        .map(|_| ())
}

fn end(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .prepare_cached("ROLLBACK")
        .and_then(|mut statement| statement.execute([]))
        .map(|_| ())
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
        if !connection.is_autocommit() && end(&connection).is_err() {
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
