//! The schema of the database and its migrations: files in order, checksummed, never edited once landed.
//!
//! `PRAGMA user_version` holds the number of the last migration; a folder with a higher one was written by a later version and
//! is refused.

use aws_lc_rs::digest::{SHA256, digest};
use model::UtcMillis;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::fault::Doing as _;
use crate::{Result, StoreError};

struct Migration {
    name: &'static str,
    text: &'static str,
}

/// All migrations; the number of one is its place, from 1.
const MIGRATIONS: &[Migration] = &[
    Migration {
        name: "0001_core",
        text: include_str!("migrations/0001_core.sql"),
    },
    Migration {
        name: "0002_consents",
        text: include_str!("migrations/0002_consents.sql"),
    },
    Migration {
        name: "0003_client_keys",
        text: include_str!("migrations/0003_client_keys.sql"),
    },
    Migration {
        name: "0004_registry",
        text: include_str!("migrations/0004_registry.sql"),
    },
    Migration {
        name: "0005_duties",
        text: include_str!("migrations/0005_duties.sql"),
    },
    Migration {
        name: "0006_representation",
        text: include_str!("migrations/0006_representation.sql"),
    },
    Migration {
        name: "0007_pushes",
        text: include_str!("migrations/0007_pushes.sql"),
    },
    Migration {
        name: "0008_links",
        text: include_str!("migrations/0008_links.sql"),
    },
    Migration {
        name: "0009_checkups",
        text: include_str!("migrations/0009_checkups.sql"),
    },
    Migration {
        name: "0010_delegations",
        text: include_str!("migrations/0010_delegations.sql"),
    },
    Migration {
        name: "0011_feeds",
        text: include_str!("migrations/0011_feeds.sql"),
    },
    Migration {
        name: "0012_commit_packs",
        text: include_str!("migrations/0012_commit_packs.sql"),
    },
    Migration {
        name: "0013_derivations",
        text: include_str!("migrations/0013_derivations.sql"),
    },
    Migration {
        name: "0014_recent_aliases",
        text: include_str!("migrations/0014_recent_aliases.sql"),
    },
    Migration {
        name: "0015_payload_packs",
        text: include_str!("migrations/0015_payload_packs.sql"),
    },
    Migration {
        name: "0016_shorter_hashes",
        text: include_str!("migrations/0016_shorter_hashes.sql"),
    },
];

/// Tables of tokens, codes and sessions: a restore empties them, so that nothing handed out before it opens anything.
pub(crate) const ENDED_BY_A_RESTORE: &[&str] = &[
    "code",
    "token",
    "token_family",
    "system_token",
    "session",
    "operator_session",
    "pending",
    "pairing",
    "companion",
];

/// Bytes of a database page. A leaf of 4,096 samples has some 10 to 14 kB, stored across pages; small pages waste little.
const PAGE_SIZE: u32 = 4096;

/// The number of the last migration known here.
pub(crate) fn known() -> u32 {
    MIGRATIONS.len() as u32
}

/// Sets up a connection: what every one needs, before anything is read.
pub(crate) fn prepare(connection: &Connection) -> Result<()> {
    connection
        .execute_batch(&format!(
            "PRAGMA page_size = {PAGE_SIZE};
             PRAGMA foreign_keys = ON;
             PRAGMA trusted_schema = OFF;
             PRAGMA temp_store = MEMORY;
             PRAGMA busy_timeout = 10000;
             PRAGMA cache_size = -8192;"
        ))
        .doing("preparing a connection")?;
    connection.set_prepared_statement_cache_capacity(128);
    // Without it a statement is planned anew for each value that is bound to a range: a third of the time of a small read.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .doing("keeping plans")?;
    Ok(())
}

/// Answers with the folder's schema number, or refuses a newer one.
pub(crate) fn check(connection: &Connection) -> Result<u32> {
    let found: u32 = connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .doing("reading the schema version")?;
    if found > known() {
        return Err(StoreError::NewerSchema { found, known: known() });
    }
    Ok(found)
}

/// Brings the database up to date, each migration in a transaction of its own.
pub(crate) fn migrate(connection: &mut Connection, now: UtcMillis) -> Result<()> {
    let found = check(connection)?;
    for (place, migration) in MIGRATIONS.iter().enumerate() {
        let number = place as u32 + 1;
        let sum = digest(&SHA256, migration.text.as_bytes());
        if number <= found {
            let kept: Option<Vec<u8>> = connection
                .query_row("SELECT sum FROM migration WHERE number = ?1", [number], |row| {
                    row.get(0)
                })
                .optional()
                .doing("reading the migrations")?;
            if kept.as_deref() != Some(sum.as_ref()) {
                return Err(StoreError::damaged(format!(
                    "migration {} is not the one this folder was made with",
                    migration.name
                )));
            }
            continue;
        }
        let transaction = connection.transaction().doing("migrating")?;
        transaction.execute_batch(migration.text).doing("migrating")?;
        transaction
            .execute(
                "INSERT INTO migration (number, name, sum, at_ms) VALUES (?1, ?2, ?3, ?4)",
                params![number, migration.name, sum.as_ref(), now.0],
            )
            .doing("migrating")?;
        transaction
            .pragma_update(None, "user_version", number)
            .doing("migrating")?;
        transaction.commit().doing("migrating")?;
    }
    Ok(())
}

/// Reads a whole number kept beside the data.
pub(crate) fn setting(connection: &Connection, name: &str) -> Result<Option<i64>> {
    connection
        .prepare_cached("SELECT value FROM setting WHERE name = ?1")
        .and_then(|mut statement| statement.query_row([name], |row| row.get(0)).optional())
        .doing("reading a setting")
}

/// Keeps a whole number beside the data.
pub(crate) fn set_setting(connection: &Connection, name: &str, value: i64) -> Result<()> {
    connection
        .prepare_cached("INSERT INTO setting (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2")
        .and_then(|mut statement| statement.execute(params![name, value]))
        .doing("keeping a setting")
        .map(|_| ())
}
