//! Counting, copying, bringing back and checking the data folder as a whole.

use std::path::Path;

use model::Metric;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OptionalExtension as _};

use super::database::{self, Database, Snapshot};
use super::fault::Doing as _;
use super::journal::{self, Journal};
use super::{keys, schema};
use crate::{MetricStats, Result, Stats, StoreError};

/// Counts and sizes of the folder.
pub(crate) fn stats(snapshot: &Snapshot<'_>, folder: &Path) -> Result<Stats> {
    let pair = |sql: &str| -> Result<(u64, u64)> {
        snapshot
            .query_row(sql, [], |row| {
                Ok((row.get::<_, i64>(0)? as u64, row.get::<_, i64>(1)? as u64))
            })
            .doing("counting")
    };
    let (people, _) = pair("SELECT count(*), 0 FROM person WHERE erased_ms IS NULL")?;
    let (parked_samples, parked_bytes) =
        pair("SELECT coalesce(sum(samples), 0), coalesce(sum(length(body)), 0) FROM parked")?;
    let (_, raw_bytes) = pair("SELECT 0, coalesce(sum(length(body)), 0) FROM raw")?;
    // By pages: small rows leave much of theirs empty, and what is kept for days alone must not look as if it stayed.
    let (pushes, push_bytes) = pair(
        "SELECT (SELECT count(*) FROM payload) + (SELECT coalesce(sum(length(hashes)), 0) / 4 FROM payload_pack),
                coalesce(sum(pgsize), 0)
         FROM dbstat WHERE aggregate = TRUE AND name GLOB 'payload*'",
    )?;
    let (_, alias_bytes) = pair(
        "SELECT 0, (SELECT coalesce(sum(length(body)), 0) FROM alias) + (SELECT coalesce(sum(length(body)), 0) FROM alias_pending)
                 + (SELECT coalesce(sum(length(body)), 0) FROM alias_recent)",
    )?;
    let by_metric: Vec<MetricStats> = snapshot
        .prepare_cached("SELECT metric, sum(samples), sum(length(body)) FROM leaf GROUP BY metric ORDER BY metric")
        .and_then(|mut statement| {
            statement
                .query_map([], |row| {
                    Ok(MetricStats {
                        metric: Metric::from_number(row.get(0)?).unwrap_or(Metric::NONE),
                        samples: row.get::<_, i64>(1)? as u64,
                        bytes: row.get::<_, i64>(2)? as u64,
                    })
                })?
                .collect()
        })
        .doing("counting samples")?;
    Ok(Stats {
        people,
        samples: by_metric.iter().map(|metric| metric.samples).sum(),
        bytes_on_disk: bytes_on_disk(folder)?,
        by_metric,
        parked_samples,
        parked_bytes,
        raw_bytes,
        pushes,
        push_bytes,
        alias_bytes,
    })
}

fn bytes_on_disk(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    let list = std::fs::read_dir(folder).map_err(|error| StoreError::io("listing the data folder", &error))?;
    for entry in list.flatten() {
        // A file that went away while it was looked at takes no space.
        bytes += entry
            .metadata()
            .map_or(0, |facts| if facts.is_file() { facts.len() } else { 0 });
    }
    Ok(bytes)
}

/// Answers when the database can be read.
pub(crate) fn ready(snapshot: &Snapshot<'_>) -> Result<()> {
    schema::check(snapshot).map(|_| ())
}

/// Copies a database in one step, which a writer beside it does not disturb.
pub(crate) fn copy_database(from: &Connection, to: &Path) -> Result<()> {
    let mut copy = Connection::open(to).doing("making the copy")?;
    let backup = Backup::new(from, &mut copy).doing("making the copy")?;
    match backup.step(-1).doing("copying the database")? {
        StepResult::Done => Ok(()),
        _ => Err(StoreError::Database {
            what: "copying the database",
            detail: "the copy did not come to its end".to_owned(),
        }),
    }
}

/// Data first, then keys, then the journal. A person made in between has a key without a row, which opening sweeps; one
/// erased in between has rows without a key, and the journal that comes last says so.
pub(crate) fn backup(database: &Database, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to).map_err(|error| StoreError::io("making the backup's folder", &error))?;
    let mut list = std::fs::read_dir(to).map_err(|error| StoreError::io("listing the backup's folder", &error))?;
    if list.next().is_some() {
        return Err(StoreError::Exists {
            what: "file in the backup's folder; give an empty one",
        });
    }
    let source = super::readers::connect(&database.folder().join(database::FILE))?;
    copy_database(&source, &to.join(database::FILE))?;
    database.shared().keys.backup(to)?;
    let from = database.folder().join(journal::FILE);
    if from.exists() {
        copy_file(&from, &to.join(journal::FILE))?;
    }
    journal::sync_folder(to)
}

/// Brings a backup into a folder that nobody holds. The folder's own journal stays when it goes as far as the backup's or
/// further: opening replays what the older data has not seen. Killed half-way, it is run again.
pub(crate) fn restore(from: &Path, to: &Path) -> Result<()> {
    let data = from.join(database::FILE);
    if !data.exists() || !from.join(keys::FILE).exists() {
        return Err(StoreError::NotFound {
            what: "backup in this folder",
        });
    }
    schema::check(&Connection::open(&data).doing("opening the backup")?)?;
    std::fs::create_dir_all(to).map_err(|error| StoreError::io("making the data folder", &error))?;
    let _held = database::hold(to)?;
    let (own, brought) = (Journal::read(to)?, Journal::read(from)?);
    if brought.len() > own.len() {
        replace(&from.join(journal::FILE), to, journal::FILE, |_| Ok(()))?;
    }
    replace(&from.join(keys::FILE), to, keys::FILE, |_| Ok(()))?;
    replace(&data, to, database::FILE, |copy| {
        let connection = Connection::open(copy).doing("opening the restored data")?;
        end_sessions(&connection)
    })?;
    journal::sync_folder(to)
}

/// Nothing that was handed out before a restore opens anything after it.
fn end_sessions(connection: &Connection) -> Result<()> {
    for table in schema::ENDED_BY_A_RESTORE {
        let known: Option<i64> = connection
            .query_row(
                "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1",
                [table],
                |row| row.get(0),
            )
            .optional()
            .doing("ending sessions")?;
        if known.is_some() {
            connection
                .execute(&format!("DELETE FROM {table}"), [])
                .doing("ending sessions")?;
        }
    }
    connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .doing("ending sessions")
}

/// Puts a copy of `from` in the place of `to/name`, logs of the old one removed first.
fn replace(from: &Path, to: &Path, name: &str, prepare: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let copy = to.join(format!("{name}.restoring"));
    copy_file(from, &copy)?;
    prepare(&copy)?;
    for suffix in ["-wal", "-shm"] {
        remove(&to.join(format!("{name}{suffix}")))?;
    }
    std::fs::rename(&copy, to.join(name)).map_err(|error| StoreError::io("restoring a file", &error))?;
    for suffix in ["-wal", "-shm"] {
        remove(&to.join(format!("{name}.restoring{suffix}")))?;
    }
    journal::sync_folder(to)
}

fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(StoreError::io("removing an old file", &error))
        }
        _ => Ok(()),
    }
}

fn copy_file(from: &Path, to: &Path) -> Result<()> {
    std::fs::copy(from, to)
        .and_then(|_| std::fs::File::open(to)?.sync_all())
        .map_err(|error| StoreError::io("copying a file", &error))
}
