//! Keys of people and organisations, in a database of their own: master key over organisation key over person key.
//!
//! `keys.db` has a short backup retention of its own; a destroyed key leaves neither the file (`secure_delete`) nor its log
//! (truncated after each destroy). The two files share no commit: a key is made before its person, and destroyed after the
//! person's row says *erased*; opening finishes whichever step is missing.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use aws_lc_rs::hmac;
use model::environment::Randomness;
use model::{OrganisationId, PersonId};
#[cfg(test)]
use rusqlite::trace::{TraceEvent, TraceEventCodes};
use rusqlite::{Connection, OptionalExtension as _, params};
use zeroize::Zeroizing;

use super::fault::Doing as _;
use super::seal::{KeyBytes, SealKey, new_key};
use crate::{MasterKey, Result, StoreError};

/// Name of the file in the data folder.
pub(crate) const FILE: &str = "keys.db";

/// Unwrapped keys held in memory at most; beyond it all are dropped and unwrapped again when needed.
const HELD_AT_MOST: usize = 16_384;

/// Version of a key that was never rotated.
pub(crate) const FIRST_VERSION: u8 = 1;

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS root_key (
        name    TEXT    PRIMARY KEY,
        wrapped BLOB    NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS organisation_key (
        organisation INTEGER PRIMARY KEY,
        wrapped      BLOB    NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS person_key (
        person       INTEGER PRIMARY KEY,
        organisation INTEGER NOT NULL,
        wrapped      BLOB    NOT NULL
    ) STRICT;";

type Held<Id> = RwLock<HashMap<Id, Arc<SealKey>>>;

/// The open file, and the keys unwrapped so far.
pub(crate) struct Keys {
    connection: Mutex<Connection>,
    master: SealKey,
    lookup: hmac::Key,
    randomness: Arc<dyn Randomness>,
    organisations: Held<OrganisationId>,
    people: Held<PersonId>,
}

impl Keys {
    /// Opens the file, or makes it with this master key.
    pub(crate) fn open(folder: &Path, master: &MasterKey, randomness: Arc<dyn Randomness>) -> Result<Self> {
        let connection = Connection::open(folder.join(FILE)).doing("opening the keys")?;
        connection
            .execute_batch(
                "PRAGMA secure_delete = ON;
                 PRAGMA busy_timeout = 10000;
                 PRAGMA journal_mode = WAL;
                 PRAGMA synchronous = FULL;",
            )
            .doing("opening the keys")?;
        connection.execute_batch(TABLES).doing("opening the keys")?;
        let master = SealKey::new(master.bytes(), FIRST_VERSION)?;
        let lookup = match root_key(&connection, "lookup")? {
            Some(wrapped) => unwrap(&master, "root_key", &[], &wrapped).map_err(|_| StoreError::WrongMasterKey)?,
            None => {
                let fresh = new_key(&*randomness);
                let wrapped = master.seal(&*randomness, "root_key", &[], fresh.as_ref())?;
                connection
                    .execute("INSERT INTO root_key (name, wrapped) VALUES ('lookup', ?1)", [wrapped])
                    .doing("making the lookup key")?;
                fresh
            }
        };
        Ok(Self {
            connection: Mutex::new(connection),
            master,
            lookup: hmac::Key::new(hmac::HMAC_SHA256, lookup.as_ref()),
            randomness,
            organisations: RwLock::default(),
            people: RwLock::default(),
        })
    }

    /// A keyed hash, for finding a row again by something that must not stand in it. 32 bytes; `what` separates uses.
    pub(crate) fn lookup_hash(&self, what: &str, parts: &[&[u8]]) -> Vec<u8> {
        let mut context = hmac::Context::with_key(&self.lookup);
        context.update(what.as_bytes());
        for part in parts {
            context.update(&(part.len() as u64).to_le_bytes());
            context.update(part);
        }
        context.sign().as_ref().to_vec()
    }

    /// Makes an organisation's key. Again for the same organisation changes nothing.
    pub(crate) fn create_organisation(&self, organisation: OrganisationId) -> Result<()> {
        let row = [i64::from(organisation.0)];
        let wrapped = self.master.seal(
            &*self.randomness,
            "organisation_key",
            &row,
            new_key(&*self.randomness).as_ref(),
        )?;
        self.connection()
            .execute(
                "INSERT INTO organisation_key (organisation, wrapped) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                params![organisation.0, wrapped],
            )
            .doing("making an organisation's key")
            .map(|_| ())
    }

    /// An organisation's key.
    pub(crate) fn organisation(&self, organisation: OrganisationId) -> Result<Arc<SealKey>> {
        held(&self.organisations, organisation, || {
            let wrapped: Option<Vec<u8>> = self
                .connection()
                .query_row(
                    "SELECT wrapped FROM organisation_key WHERE organisation = ?1",
                    [organisation.0],
                    |row| row.get(0),
                )
                .optional()
                .doing("reading an organisation's key")?;
            let wrapped = wrapped.ok_or(StoreError::NoOrganisation { organisation })?;
            let bytes = unwrap(&self.master, "organisation_key", &[i64::from(organisation.0)], &wrapped)?;
            SealKey::new(&bytes, FIRST_VERSION)
        })
    }

    /// Makes a person's key, wrapped by their custodian's. The person's row follows; a key without one is swept at opening.
    pub(crate) fn create_person(&self, person: PersonId, custodian: OrganisationId) -> Result<()> {
        let wrapped = self.organisation(custodian)?.seal(
            &*self.randomness,
            "person_key",
            &[i64::from(person.0)],
            new_key(&*self.randomness).as_ref(),
        )?;
        self.connection()
            .execute(
                "INSERT INTO person_key (person, organisation, wrapped) VALUES (?1, ?2, ?3)
                 ON CONFLICT (person) DO UPDATE SET organisation = ?2, wrapped = ?3",
                params![person.0, custodian.0, wrapped],
            )
            .doing("making a person's key")?;
        self.forget(person);
        Ok(())
    }

    /// A person's key. Whoever asks has seen in their own snapshot that the person is not erased.
    pub(crate) fn person(&self, person: PersonId) -> Result<Arc<SealKey>> {
        held(&self.people, person, || {
            let found: Option<(u32, Vec<u8>)> = self
                .connection()
                .prepare_cached("SELECT organisation, wrapped FROM person_key WHERE person = ?1")
                .and_then(|mut statement| {
                    statement
                        .query_row([person.0], |row| Ok((row.get(0)?, row.get(1)?)))
                        .optional()
                })
                .doing("reading a person's key")?;
            let (organisation, wrapped) = found.ok_or(StoreError::Erased { person })?;
            self.unwrapped(person, organisation, &wrapped)
        })
    }

    /// Unwraps the keys of people who are about to be met, in one query for all of them; of whoever has none any more there is none.
    pub(crate) fn hold(&self, people: &[PersonId]) -> Result<()> {
        let wanted: BTreeSet<u32> = {
            let held = self.people.read().unwrap_or_else(PoisonError::into_inner);
            let missing = people.iter().filter(|person| !held.contains_key(person));
            missing.map(|person| person.0).collect()
        };
        if wanted.is_empty() {
            return Ok(());
        }
        let listed = serde_json::to_string(&wanted).map_err(|_| StoreError::damaged("numbers of people"))?;
        let rows: Vec<(u32, u32, Vec<u8>)> = self
            .connection()
            .prepare_cached(
                "SELECT person, organisation, wrapped FROM person_key WHERE person IN (SELECT value FROM json_each(?1))",
            )
            .and_then(|mut statement| {
                statement
                    .query_map([listed], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
                    .collect()
            })
            .doing("reading people's keys")?;
        for (person, organisation, wrapped) in rows {
            let person = PersonId(person);
            held(&self.people, person, || self.unwrapped(person, organisation, &wrapped))?;
        }
        Ok(())
    }

    fn unwrapped(&self, person: PersonId, organisation: u32, wrapped: &[u8]) -> Result<SealKey> {
        let custodian = self.organisation(OrganisationId(organisation))?;
        let bytes = unwrap(&custodian, "person_key", &[i64::from(person.0)], wrapped)?;
        SealKey::new(&bytes, FIRST_VERSION)
    }

    /// Destroys a person's key, in the file and in its log. Again changes nothing.
    pub(crate) fn destroy_person(&self, person: PersonId) -> Result<()> {
        self.forget(person);
        let connection = self.connection();
        connection
            .execute("DELETE FROM person_key WHERE person = ?1", [person.0])
            .doing("destroying a person's key")?;
        truncate_log(&connection)
    }

    /// Whose keys there are.
    pub(crate) fn people(&self) -> Result<Vec<PersonId>> {
        let connection = self.connection();
        let mut statement = connection
            .prepare("SELECT person FROM person_key ORDER BY person")
            .doing("listing keys")?;
        let people = statement
            .query_map([], |row| row.get(0).map(PersonId))
            .and_then(Iterator::collect)
            .doing("listing keys")?;
        Ok(people)
    }

    /// Copies the file into another folder.
    pub(crate) fn backup(&self, to: &Path) -> Result<()> {
        super::operations::copy_database(&self.connection(), &to.join(FILE))
    }

    fn forget(&self, person: PersonId) {
        self.people
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&person);
    }

    /// Tells of each statement that is asked of the file from now on.
    #[cfg(test)]
    pub(crate) fn trace(&self, told: impl FnMut(TraceEvent<'_>) + Send + 'static) {
        let traced = self
            .connection()
            .trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(told));
        traced.expect("it is traced");
    }

    fn connection(&self) -> std::sync::MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wraps the root keys and the organisations' keys under another master key, all in one commit. People's keys are wrapped by those
/// and stay as they are. Backups keep the master key they were made with.
pub(crate) fn rewrap(folder: &Path, old: &MasterKey, new: &MasterKey, randomness: &dyn Randomness) -> Result<u64> {
    let mut connection = Connection::open(folder.join(FILE)).doing("opening the keys")?;
    connection
        .execute_batch("PRAGMA secure_delete = ON; PRAGMA busy_timeout = 10000; PRAGMA synchronous = FULL;")
        .doing("opening the keys")?;
    let (old, new) = (
        SealKey::new(old.bytes(), FIRST_VERSION)?,
        SealKey::new(new.bytes(), FIRST_VERSION)?,
    );
    let transaction = connection.transaction().doing("wrapping keys anew")?;
    let roots: Vec<(String, Vec<u8>)> = transaction
        .prepare("SELECT name, wrapped FROM root_key")
        .and_then(|mut statement| statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
        .doing("wrapping keys anew")?;
    let organisations: Vec<(i64, Vec<u8>)> = transaction
        .prepare("SELECT organisation, wrapped FROM organisation_key")
        .and_then(|mut statement| statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
        .doing("wrapping keys anew")?;
    let count = (roots.len() + organisations.len()) as u64;
    for (name, wrapped) in roots {
        let bytes = unwrap(&old, "root_key", &[], &wrapped).map_err(|_| StoreError::WrongMasterKey)?;
        let wrapped = new.seal(randomness, "root_key", &[], bytes.as_ref())?;
        transaction
            .execute(
                "UPDATE root_key SET wrapped = ?2 WHERE name = ?1",
                params![name, wrapped],
            )
            .doing("wrapping keys anew")?;
    }
    for (organisation, wrapped) in organisations {
        let bytes = unwrap(&old, "organisation_key", &[organisation], &wrapped)?;
        let wrapped = new.seal(randomness, "organisation_key", &[organisation], bytes.as_ref())?;
        transaction
            .execute(
                "UPDATE organisation_key SET wrapped = ?2 WHERE organisation = ?1",
                params![organisation, wrapped],
            )
            .doing("wrapping keys anew")?;
    }
    transaction.commit().doing("wrapping keys anew")?;
    truncate_log(&connection)?;
    Ok(count)
}

/// True when the key opens the folder's keys; a folder without keys is opened by any.
pub(crate) fn opens(folder: &Path, master: &MasterKey) -> Result<bool> {
    let path = folder.join(FILE);
    if !path.exists() {
        return Ok(true);
    }
    let connection = Connection::open(path).doing("opening the keys")?;
    connection
        .execute_batch("PRAGMA query_only = ON; PRAGMA busy_timeout = 10000;")
        .doing("opening the keys")?;
    let master = SealKey::new(master.bytes(), FIRST_VERSION)?;
    Ok(match root_key(&connection, "lookup")? {
        Some(wrapped) => unwrap(&master, "root_key", &[], &wrapped).is_ok(),
        None => true,
    })
}

fn root_key(connection: &Connection, name: &str) -> Result<Option<Vec<u8>>> {
    connection
        .query_row("SELECT wrapped FROM root_key WHERE name = ?1", [name], |row| row.get(0))
        .optional()
        .doing("reading the root keys")
}

fn unwrap(key: &SealKey, table: &str, row: &[i64], wrapped: &[u8]) -> Result<KeyBytes> {
    let bytes = Zeroizing::new(key.open(table, row, wrapped)?);
    let mut fixed = Zeroizing::new([0; 32]);
    if bytes.len() != fixed.len() {
        return Err(StoreError::damaged(format!("a wrapped key in {table}")));
    }
    fixed.copy_from_slice(&bytes);
    Ok(fixed)
}

fn held<Id: Copy + Eq + std::hash::Hash>(
    keys: &Held<Id>,
    id: Id,
    unwrap: impl FnOnce() -> Result<SealKey>,
) -> Result<Arc<SealKey>> {
    if let Some(key) = keys.read().unwrap_or_else(PoisonError::into_inner).get(&id) {
        return Ok(Arc::clone(key));
    }
    let key = Arc::new(unwrap()?);
    let mut keys = keys.write().unwrap_or_else(PoisonError::into_inner);
    if keys.len() >= HELD_AT_MOST {
        keys.clear();
    }
    keys.insert(id, Arc::clone(&key));
    Ok(key)
}

fn truncate_log(connection: &Connection) -> Result<()> {
    let busy: i64 = connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        .doing("truncating the keys' log")?;
    if busy == 0 {
        Ok(())
    } else {
        Err(StoreError::Database {
            what: "truncating the keys' log",
            detail: "another process is reading keys.db; the key is gone from the file but not yet from its log"
                .to_owned(),
        })
    }
}
