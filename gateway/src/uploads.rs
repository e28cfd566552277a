//! Files that residents send through the portal: kept sealed as they arrive, then imported while the resident's page tells how
//! far it got. What is under way lives in memory: after a restart the file is sent again, and what was kept counts as known.

use std::collections::HashMap;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use adapters::{AdapterError, Input};
use bytes::{Buf as _, Bytes};
use model::{LocalDay, PersonId, UtcMillis};
use store::{DeliveryCounts, Store};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::environment::MachineRandomness;
use crate::import::{self, ImportError, Watched};
use crate::scan::{ScanError, Scanner};
use crate::spool::Spool;

/// Files that are taken in at the same time; an import keeps about 60 MB of memory busy.
const AT_ONCE: usize = 4;

/// How long the outcome of an upload is remembered, in milliseconds.
const REMEMBERED_MS: i64 = 24 * 3_600_000;

/// Uploads under way and those that ended lately: one a person.
pub struct Uploads {
    by_person: Mutex<HashMap<PersonId, Arc<Upload>>>,
    places: Arc<Semaphore>,
}

/// One file of one person.
pub struct Upload {
    began: UtcMillis,
    /// Bytes that are expected, as the request says; the form around the file is among them.
    expected: u64,
    received: AtomicU64,
    size: AtomicU64,
    read: AtomicU64,
    state: Mutex<State>,
}

/// How far an upload got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Bytes come in.
    Receiving,
    /// The whole file is here and is being read.
    Reading,
    /// It was read.
    Done {
        /// What its records came to.
        counts: DeliveryCounts,
        /// False when the file broke off: what stood before is kept.
        whole: bool,
    },
    /// Nothing came of it, or not all.
    Failed(Failure),
}

/// Why an upload failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The connection ended before the file did.
    Interrupted,
    /// It is larger than is allowed.
    TooBig,
    /// No file was chosen, or an empty one.
    Empty,
    /// No adapter knows it.
    UnknownKind,
    /// A container of a known kind without the data.
    NothingInside,
    /// It is damaged before its first record, or passes bounds that no honest file passes.
    Damaged,
    /// All that is in it is about somebody else.
    Anothers,
    /// It bears Individual Numbers.
    IndividualNumber,
    /// It holds medical claims.
    Claims,
    /// It opens with a password only.
    Locked,
    /// The operator's scanner found something in it.
    Harmful,
    /// The operator's scanner did not look at it.
    NotScanned,
    /// Our own fault.
    Internal,
}

/// Why an upload did not begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Another file of the same person is under way.
    Busy,
    /// Too many files are under way.
    Full,
}

impl Default for Uploads {
    fn default() -> Self {
        Self {
            by_person: Mutex::default(),
            places: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }
}

impl Uploads {
    /// A place for a person's file of about so many bytes.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn begin(&self, person: PersonId, expected: u64, now: UtcMillis) -> Result<Receiving, Refusal> {
        let mut all = locked(&self.by_person);
        if all.get(&person).is_some_and(|upload| upload.is_under_way()) {
            return Err(Refusal::Busy);
        }
        let place = Arc::clone(&self.places)
            .try_acquire_owned()
            .map_err(|_| Refusal::Full)?;
        let upload = Arc::new(Upload {
            began: now,
            expected,
            received: AtomicU64::new(0),
            size: AtomicU64::new(0),
            read: AtomicU64::new(0),
            state: Mutex::new(State::Receiving),
        });
        all.insert(person, Arc::clone(&upload));
        Ok(Receiving {
            person,
            upload,
            place: Some(place),
        })
    }

    /// The person's last upload, if it is remembered.
    pub fn of(&self, person: PersonId) -> Option<Arc<Upload>> {
        locked(&self.by_person).get(&person).cloned()
    }

    /// Forgets what ended a day ago.
    pub fn forget_the_old(&self, now: UtcMillis) {
        locked(&self.by_person).retain(|_, upload| upload.is_under_way() || upload.began.plus(REMEMBERED_MS) > now);
    }
}

impl Upload {
    /// How far it got.
    pub fn state(&self) -> State {
        locked(&self.state).clone()
    }

    /// How much of the running step is done, from 0 to 100: of the bytes to send, then of the bytes to read.
    pub fn percent(&self) -> u8 {
        let (done, of) = match self.state() {
            State::Receiving => (self.received.load(Ordering::Relaxed), self.expected),
            State::Reading => (self.read.load(Ordering::Relaxed), self.size.load(Ordering::Relaxed)),
            State::Done { .. } | State::Failed(_) => (1, 1),
        };
        u8::try_from((done.min(of) * 100).checked_div(of).unwrap_or(0)).unwrap_or(100)
    }

    /// True while bytes come in or are read.
    pub fn is_under_way(&self) -> bool {
        matches!(self.state(), State::Receiving | State::Reading)
    }

    fn set(&self, state: State) {
        *locked(&self.state) = state;
    }
}

/// An upload whose bytes come in. Dropped before its end, as when the browser goes away, it counts as interrupted.
pub struct Receiving {
    person: PersonId,
    upload: Arc<Upload>,
    place: Option<OwnedSemaphorePermit>,
}

impl Drop for Receiving {
    fn drop(&mut self) {
        if self.place.is_some() {
            self.fail(Failure::Interrupted);
        }
    }
}

impl Receiving {
    /// Counts bytes that came; the sum so far.
    pub fn received(&self, bytes: u64) -> u64 {
        self.upload.received.fetch_add(bytes, Ordering::Relaxed) + bytes
    }

    /// Ends it without a result. The first reason stays.
    pub fn fail(&self, failure: Failure) {
        let mut state = locked(&self.upload.state);
        if *state == State::Receiving {
            *state = State::Failed(failure);
        }
    }

    /// The file is whole: it goes past the scanner, where there is one, and is read, in the background, as brought on this day.
    pub fn read(mut self, store: Store, spool: Spool, scanner: Option<Scanner>, day: LocalDay) {
        let Some(place) = self.place.take() else { return };
        let (person, upload) = (self.person, Arc::clone(&self.upload));
        upload.size.store(spool.size(), Ordering::Relaxed);
        upload.set(State::Reading);
        tokio::task::spawn_blocking(move || {
            let _place = place;
            // A panic in here must not leave a page that waits for ever.
            let end = EndsFailed(&upload);
            let state = match scanner.map_or(Ok(()), |scanner| scanner.look(&spool)) {
                Ok(()) => imported(&store, person, &spool, day, &upload.read),
                Err(error) => {
                    tracing::warn!(%error, %person, "an uploaded file is not read");
                    State::Failed(match error {
                        ScanError::Found => Failure::Harmful,
                        ScanError::NotScanned(_) => Failure::NotScanned,
                    })
                }
            };
            std::mem::forget(end);
            upload.set(state);
        });
    }
}

struct EndsFailed<'a>(&'a Upload);

impl Drop for EndsFailed<'_> {
    fn drop(&mut self) {
        self.0.set(State::Failed(Failure::Internal));
    }
}

fn imported(store: &Store, person: PersonId, spool: &Spool, day: LocalDay, read: &AtomicU64) -> State {
    let watched = Watched {
        bytes: spool,
        count: |length| {
            read.fetch_add(length, Ordering::Relaxed);
        },
    };
    let input = Input {
        bytes: &watched,
        size: spool.size(),
    };
    let outcome = adapters::recognise(&input)
        .map_err(ImportError::Adapter)
        .and_then(|adapter| import::run_brought(store, person, adapter, &input, day));
    match outcome {
        Ok(imported) => {
            let accounting = &imported.report.accounting;
            if store::is_anothers(accounting) {
                return State::Failed(Failure::Anothers);
            }
            State::Done {
                counts: DeliveryCounts {
                    received: accounting.received,
                    stored: accounting.stored,
                    duplicate: accounting.duplicate,
                    unsupported: accounting.unsupported,
                    rejected: accounting.rejected,
                },
                whole: imported.reading.ended.is_none(),
            }
        }
        Err(ImportError::Adapter(AdapterError::Unrecognised(_))) => State::Failed(Failure::UnknownKind),
        Err(ImportError::Adapter(AdapterError::NothingInside { .. })) => State::Failed(Failure::NothingInside),
        Err(ImportError::Adapter(AdapterError::Locked)) => State::Failed(Failure::Locked),
        Err(ImportError::Adapter(AdapterError::Claims)) => State::Failed(Failure::Claims),
        Err(ImportError::Adapter(AdapterError::IndividualNumber)) => State::Failed(Failure::IndividualNumber),
        Err(ImportError::Adapter(AdapterError::Damaged { .. } | AdapterError::Refused { .. })) => {
            State::Failed(Failure::Damaged)
        }
        Err(error) => {
            tracing::error!(%error, "an uploaded file could not be imported");
            State::Failed(Failure::Internal)
        }
    }
}

/// The way from a request that comes in pieces to the thread that seals them.
pub struct Pipe {
    pieces: mpsc::Sender<Piece>,
    filling: tokio::task::JoinHandle<io::Result<Spool>>,
}

enum Piece {
    Bytes(Bytes),
    End,
}

impl Pipe {
    /// Into a spool in this folder.
    pub fn open(folder: PathBuf) -> Self {
        let (pieces, coming) = mpsc::channel(4);
        let filling = tokio::task::spawn_blocking(move || {
            let mut pieces = Pieces {
                coming,
                rest: Bytes::new(),
                ended: false,
            };
            Spool::fill(&folder, &mut pieces, &MachineRandomness)
        });
        Self { pieces, filling }
    }

    /// Hands on some bytes; waits while earlier ones are being sealed.
    ///
    /// # Errors
    /// When the disk takes no more; [`Pipe::finish`] says why.
    pub async fn push(&self, bytes: Bytes) -> io::Result<()> {
        let sent = self.pieces.send(Piece::Bytes(bytes)).await;
        sent.map_err(|_| io::Error::other("the spool takes no more"))
    }

    /// The whole file is in: the spool.
    ///
    /// # Errors
    /// What writing reported.
    pub async fn finish(self) -> io::Result<Spool> {
        // If the thread has ended already, its own error says more.
        let _ = self.pieces.send(Piece::End).await;
        self.filling.await.map_err(io::Error::other)?
    }
}

/// Reads pieces; an end without [`Piece::End`] is an error, so that half a file is never taken for a whole one.
struct Pieces {
    coming: mpsc::Receiver<Piece>,
    rest: Bytes,
    ended: bool,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() && !self.ended {
            match self.coming.blocking_recv() {
                Some(Piece::Bytes(bytes)) => self.rest = bytes,
                Some(Piece::End) => self.ended = true,
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        let length = buffer.len().min(self.rest.len());
        self.rest.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}

/// A holder of this lock does nothing that could leave half a change behind.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_has_one_upload_at_a_time_and_the_house_a_few() {
        let uploads = Uploads::default();
        let now = UtcMillis(0);
        let first = uploads.begin(PersonId(1), 100, now).unwrap();
        assert_eq!(uploads.begin(PersonId(1), 100, now).err(), Some(Refusal::Busy));
        let others: Vec<Receiving> = (2..=4)
            .map(|person| uploads.begin(PersonId(person), 100, now).unwrap())
            .collect();
        assert_eq!(uploads.begin(PersonId(9), 100, now).err(), Some(Refusal::Full));
        first.received(50);
        assert_eq!(uploads.of(PersonId(1)).unwrap().percent(), 50);
        drop(first);
        assert_eq!(
            uploads.of(PersonId(1)).unwrap().state(),
            State::Failed(Failure::Interrupted)
        );
        drop(others);
        assert!(uploads.begin(PersonId(9), 100, now).is_ok());
        uploads.forget_the_old(now.plus(REMEMBERED_MS + 1));
        assert!(uploads.of(PersonId(1)).is_none());
    }

    #[test]
    fn the_first_reason_of_a_failure_stays() {
        let uploads = Uploads::default();
        let receiving = uploads.begin(PersonId(1), 1, UtcMillis(0)).unwrap();
        receiving.fail(Failure::TooBig);
        drop(receiving);
        assert_eq!(uploads.of(PersonId(1)).unwrap().state(), State::Failed(Failure::TooBig));
    }

    #[tokio::test]
    async fn half_a_file_is_never_taken_for_a_whole_one() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = Pipe::open(folder.path().to_owned());
        pipe.push(Bytes::from_static(b"half")).await.unwrap();
        let Pipe { pieces, filling } = pipe;
        drop(pieces);
        assert!(filling.await.unwrap().is_err());

        let pipe = Pipe::open(folder.path().to_owned());
        for part in ["a wh", "", "ole file"] {
            pipe.push(Bytes::from(part)).await.unwrap();
        }
        assert_eq!(pipe.finish().await.unwrap().size(), 12);
    }
}
