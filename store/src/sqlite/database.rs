//! The open data folder: its lock, its two databases and its journal, one writer thread and a pool of readers.
//!
//! [`Database::write`] and [`Database::read`] are the only ways in. Whoever adds a concern writes functions that take a
//! [`Writing`] or a [`Snapshot`] and calls them from the public file of that concern.

use std::cell::RefCell;
use std::fs::File;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, TryRecvError, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use model::environment::{Clock, Randomness};
use model::{PersonId, UtcMillis};
use rusqlite::{Connection, OptionalExtension as _};

use super::checkups::OpenedCheckups;
use super::consents::Cache;
use super::fault::Doing as _;
use super::journal::Journal;
use super::keys::Keys;
use super::leaves::LeafCache;
use super::readers::Readers;
use super::seal::SealKey;
use super::totals::DaysUnderWay;
use super::writer::{self, Message, Work, Writing};
use super::{schema, settle};
use crate::{OpenOptions, Result, StoreError};

/// Name of the database in the data folder.
pub(crate) const FILE: &str = "sekisho.db";
/// Name of the file whose lock says that a process holds the folder.
pub(crate) const LOCK: &str = "lock";

/// What a test does at each place between two syncs.
#[cfg(test)]
pub(crate) type AtSync = Box<dyn FnMut(&'static str) + Send>;

/// What all threads of an open store share.
pub(crate) struct Shared {
    pub(crate) folder: PathBuf,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) randomness: Arc<dyn Randomness>,
    pub(crate) keys: Keys,
    pub(crate) consents: Cache,
    pub(crate) leaves: LeafCache,
    /// Leaves that the writer computes days from.
    pub(crate) writers_leaves: LeafCache,
    /// Days that pushes go on with.
    pub(crate) days_under_way: DaysUnderWay,
    /// Checkups that readers opened last.
    pub(crate) checkups: OpenedCheckups,
    #[cfg(test)]
    pub(crate) at_sync: Mutex<Option<AtSync>>,
}

impl Shared {
    /// What the writer holds of a transaction that was rolled back never was.
    pub(crate) fn forget_what_was_not_kept(&self) {
        self.writers_leaves.clear();
        self.days_under_way.clear();
    }

    /// A place between two syncs: tests copy the folder here, as a kill would leave it.
    #[cfg(test)]
    pub(crate) fn sync_point(&self, place: &'static str) {
        if let Some(at_sync) = self.at_sync.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            at_sync(place);
        }
    }

    /// A place between two syncs: nothing happens here outside tests.
    #[cfg(not(test))]
    pub(crate) fn sync_point(&self, _place: &'static str) {}
}

/// One consistent view of the database, with the keys that open what it shows.
pub(crate) struct Snapshot<'a> {
    connection: &'a Connection,
    shared: &'a Shared,
    /// Who was seen last to live, and their key: nearly every statement is about them.
    lives: RefCell<Option<(PersonId, Arc<SealKey>)>>,
}

impl<'a> Snapshot<'a> {
    pub(crate) fn new(connection: &'a Connection, shared: &'a Shared) -> Self {
        Self {
            connection,
            shared,
            lives: RefCell::new(None),
        }
    }

    pub(crate) fn shared(&self) -> &'a Shared {
        self.shared
    }

    /// The keys of this folder.
    pub(crate) fn keys(&self) -> &'a Keys {
        &self.shared.keys
    }

    /// The generator of nonces, keys and numbers.
    pub(crate) fn randomness(&self) -> &'a dyn Randomness {
        &*self.shared.randomness
    }

    /// The key of a person who lives in this snapshot.
    pub(crate) fn person_key(&self, person: PersonId) -> Result<Arc<SealKey>> {
        if let Some((seen, key)) = &*self.lives.borrow()
            && *seen == person
        {
            return Ok(Arc::clone(key));
        }
        let erased: Option<Option<i64>> = self
            .connection
            .prepare_cached("SELECT erased_ms FROM person WHERE id = ?1")
            .and_then(|mut statement| statement.query_row([person.0], |row| row.get(0)).optional())
            .doing("reading a person")?;
        match erased {
            None => Err(StoreError::NoPerson { person }),
            Some(Some(_)) => Err(StoreError::Erased { person }),
            Some(None) => {
                let key = self.shared.keys.person(person)?;
                self.lives.replace(Some((person, Arc::clone(&key))));
                Ok(key)
            }
        }
    }

    /// Forgets who was seen to live: this snapshot erases somebody.
    pub(crate) fn forget_who_lives(&self) {
        self.lives.replace(None);
    }
}

impl Deref for Snapshot<'_> {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        self.connection
    }
}

struct Inner {
    shared: Arc<Shared>,
    readers: Arc<Readers>,
    writer: Mutex<Option<Sender<Message>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    lock: Option<File>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Inner {
    fn stop(&self) {
        let sender = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(sender) = sender {
            // A writer that has ended already needs no message.
            let _ = sender.send(Message::Stop);
        }
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the writer ended by a panic");
        }
        if let Some(lock) = &self.lock {
            // The system unlocks it with the process at the latest.
            let _ = lock.unlock();
        }
    }
}

/// A cheap handle on the open folder.
#[derive(Clone)]
pub(crate) struct Database {
    inner: Arc<Inner>,
}

impl Database {
    /// Leaves that were decoded for reads since opening.
    pub(crate) fn leaves_decoded(&self) -> u64 {
        self.inner.shared.leaves.decoded()
    }

    /// Opens the folder. Blocks.
    pub(crate) fn open(options: OpenOptions) -> Result<Self> {
        let folder = options.folder;
        let path = folder.join(FILE);
        if options.exclusive {
            std::fs::create_dir_all(&folder).map_err(|error| StoreError::io("making the data folder", &error))?;
        } else if !path.exists() {
            return Err(StoreError::NotFound {
                what: "data in this folder",
            });
        }
        let lock = options.exclusive.then(|| lock(&folder)).transpose()?;
        if path.exists() {
            // Before anything of the folder is touched: a newer one is not ours to change.
            schema::check(&Connection::open(&path).doing("opening the database")?)?;
        }
        let keys = Keys::open(&folder, &options.master_key, Arc::clone(&options.randomness))?;
        let shared = Arc::new(Shared {
            folder,
            clock: options.clock,
            randomness: options.randomness,
            keys,
            consents: Cache::default(),
            leaves: LeafCache::of_readers(),
            writers_leaves: LeafCache::of_the_writer(),
            days_under_way: DaysUnderWay::default(),
            checkups: OpenedCheckups::default(),
            #[cfg(test)]
            at_sync: Mutex::default(),
        });
        let (sender, thread) = if options.exclusive {
            let (sender, thread) = start_writer(&path, &shared, options.size_limit)?;
            (Some(sender), Some(thread))
        } else {
            (None, None)
        };
        Ok(Self {
            inner: Arc::new(Inner {
                readers: Arc::new(Readers::open(&path)?),
                shared,
                writer: Mutex::new(sender),
                thread: Mutex::new(thread),
                lock,
            }),
        })
    }

    /// A handle whose units the writer carries out in one transaction that is rolled back when the handle and its clones are gone. What
    /// it reads is what is stored, as of this one: no reader sees what is rehearsed.
    pub(crate) fn rehearse(&self) -> Result<Self> {
        let (sender, messages) = channel();
        self.tell(Message::Rehearsal(messages))?;
        Ok(Self {
            inner: Arc::new(Inner {
                readers: Arc::clone(&self.inner.readers),
                shared: Arc::clone(&self.inner.shared),
                writer: Mutex::new(Some(sender)),
                thread: Mutex::new(None),
                lock: None,
            }),
        })
    }

    /// Ends the writer after what is queued, and lets go of the folder. Blocks.
    pub(crate) fn close(&self) {
        self.inner.stop();
    }

    /// The data folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.inner.shared.folder
    }

    /// What all threads share.
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.inner.shared
    }

    /// Runs a unit of writing; answers once it is committed and synced.
    pub(crate) async fn write<T, F>(&self, name: &'static str, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Writing<'_>) -> Result<T> + Send + 'static,
    {
        self.write_as(name, false, work).await
    }

    /// As [`Database::write`], of a unit that another of the same asker follows, which is synced: it is committed, and not synced.
    pub(crate) async fn write_relaxed<T, F>(&self, name: &'static str, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Writing<'_>) -> Result<T> + Send + 'static,
    {
        self.write_as(name, true, work).await
    }

    async fn write_as<T, F>(&self, name: &'static str, relaxed: bool, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Writing<'_>) -> Result<T> + Send + 'static,
    {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        self.send(name, relaxed, work, move |result| {
            // Whoever asked may have gone; the work is done all the same.
            let _ = sender.send(result);
        })?;
        receiver.await.map_err(|_| StoreError::Closed)?
    }

    /// Queues a unit of writing from a thread that may block; [`Pending::wait`] for its answer. A relaxed one is committed
    /// but not synced.
    pub(crate) fn queue<T, F>(&self, name: &'static str, relaxed: bool, work: F) -> Result<Pending<T>>
    where
        T: Send + 'static,
        F: FnOnce(&Writing<'_>) -> Result<T> + Send + 'static,
    {
        let (sender, receiver) = sync_channel(1);
        self.send(name, relaxed, work, move |result| {
            // Whoever asked may have gone; the work is done all the same.
            let _ = sender.send(result);
        })?;
        Ok(Pending(receiver))
    }

    /// Runs `work` in one snapshot on a thread that may block.
    pub(crate) async fn read<T, F>(&self, _name: &'static str, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Snapshot<'_>) -> Result<T> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        tokio::task::spawn_blocking(move || inner.readers.read(&inner.shared, work))
            .await
            .map_err(|_| StoreError::Closed)?
    }

    /// Runs `work` in one snapshot on this thread if a connection is free, else does nothing. It may be called from async code:
    /// `work` looks up a few rows that are read all the time, which takes less than handing it to another thread.
    pub(crate) fn read_now<T>(&self, work: impl FnOnce(&Snapshot<'_>) -> Result<T>) -> Option<Result<T>> {
        self.inner.readers.read_now(&self.inner.shared, work)
    }

    /// Runs `work` in one snapshot on this thread. Blocks.
    pub(crate) fn read_blocking<T>(&self, work: impl FnOnce(&Snapshot<'_>) -> Result<T>) -> Result<T> {
        self.inner.readers.read(&self.inner.shared, work)
    }

    /// Destroys the key of a person whose row says *erased*.
    pub(crate) async fn destroy_person_key(&self, person: PersonId) -> Result<()> {
        let shared = Arc::clone(&self.inner.shared);
        tokio::task::spawn_blocking(move || {
            shared.leaves.forget(person);
            shared.checkups.forget(person);
            shared.writers_leaves.forget(person);
            shared.days_under_way.forget_person(person);
            shared.keys.destroy_person(person)
        })
        .await
        .map_err(|_| StoreError::Closed)?
    }

    /// The instant now.
    pub(crate) fn now(&self) -> UtcMillis {
        self.inner.shared.clock.now()
    }

    /// Queues a unit of writing; `answer` is called on the writer's thread, once it is committed or refused.
    pub(crate) fn send<T, F, A>(&self, name: &'static str, relaxed: bool, work: F, answer: A) -> Result<()>
    where
        T: Send + 'static,
        F: FnOnce(&Writing<'_>) -> Result<T> + Send + 'static,
        A: FnOnce(Result<T>) + Send + 'static,
    {
        let unit = Work {
            name,
            relaxed,
            work: Some(work),
            result: None,
            answer,
        };
        self.tell(Message::Unit(Box::new(unit)))
    }

    fn tell(&self, message: Message) -> Result<()> {
        let writer = self.inner.writer.lock().unwrap_or_else(PoisonError::into_inner);
        match writer.as_ref() {
            Some(sender) => sender.send(message).map_err(|_| StoreError::Closed),
            None if self.inner.lock.is_none() => Err(StoreError::ReadOnly),
            None => Err(StoreError::Closed),
        }
    }
}

/// The answer of a queued unit, on its way.
pub(crate) struct Pending<T>(std::sync::mpsc::Receiver<Result<T>>);

impl<T> Pending<T> {
    /// Blocks until it is there.
    pub(crate) fn wait(self) -> Result<T> {
        self.0.recv().map_err(|_| StoreError::Closed)?
    }

    /// The answer, if it is there.
    pub(crate) fn try_wait(&self) -> Option<Result<T>> {
        match self.0.try_recv() {
            Ok(answer) => Some(answer),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Err(StoreError::Closed)),
        }
    }
}

fn lock(folder: &Path) -> Result<File> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join(LOCK))
        .map_err(|error| StoreError::io("opening the lock file", &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(StoreError::InUse {
            folder: folder.to_owned(),
        }),
        Err(std::fs::TryLockError::Error(error)) => Err(StoreError::io("locking the data folder", &error)),
    }
}

/// Takes the folder's lock for a command that works without opening the store.
pub(crate) fn hold(folder: &Path) -> Result<File> {
    lock(folder)
}

fn start_writer(
    path: &Path,
    shared: &Arc<Shared>,
    size_limit: Option<u64>,
) -> Result<(Sender<Message>, JoinHandle<()>)> {
    let mut connection = Connection::open(path).doing("opening the database")?;
    schema::prepare(&connection)?;
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA wal_autocheckpoint = 4000;
             PRAGMA journal_size_limit = 67108864;",
        )
        .doing("opening the database")?;
    schema::migrate(&mut connection, shared.clock.now())?;
    if let Some(limit) = size_limit {
        let page_size: i64 = connection
            .query_row("PRAGMA page_size", [], |row| row.get(0))
            .doing("limiting the database")?;
        connection
            .query_row(
                &format!(
                    "PRAGMA max_page_count = {}",
                    (i64::try_from(limit).unwrap_or(i64::MAX) / page_size).max(1)
                ),
                [],
                |_| Ok(()),
            )
            .doing("limiting the database")?;
    }
    let journal = Journal::open(&shared.folder)?;
    settle::replay(&mut connection, shared)?;
    settle::finish_erasures(&connection, shared)?;
    super::links::end_leases(&connection, shared.clock.now())?;
    super::journal::sync_folder(&shared.folder)?;
    let (sender, receiver) = channel();
    let shared = Arc::clone(shared);
    let thread = std::thread::Builder::new()
        .name("store-writer".to_owned())
        .spawn(move || writer::run(connection, journal, &shared, &receiver))
        .map_err(|error| StoreError::io("starting the writer", &error))?;
    Ok((sender, thread))
}
