//! A package of many people's checkups on its way into the store: one document after the other from the adapter, a unit at a time into
//! the store, in bounded memory. What was taken stays taken, so that a package goes on where it was cut off.

use std::collections::BTreeMap;
use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use adapters::checkup::CheckupDocuments;
use adapters::checkup::columns::{self, Columns};
use adapters::checkup::package::{self, Original, PackageEntry, PackageSum};
use adapters::{Adapter as _, AdapterError, Input};
use model::checkup::doubt::DOUBTFUL;
use model::{LocalDay, OrganisationId, Outcome};
use secrecy::{ExposeSecret as _, SecretSlice};
use serde_json::json;
use store::{Actor, DocumentBytes, EntryOutcome, LeftOut, PackageDocument, Store, StoreError};
use tokio::sync::{mpsc, oneshot};

use crate::scan::{ScanError, Scanner};

mod files;
mod refused;
mod results;
mod scanned;

pub use files::{hash_of_files, opened};
pub use refused::note_refused;
pub use results::{ResultFile, write_results};
pub use scanned::scan_file;

/// Documents that are taken in one unit: some tens of milliseconds of the writer's time. People's rows lie apart, so that the more are
/// taken at once, the fewer pages are written again.
const UNIT: usize = 512;
/// Bytes of documents from which on a unit is full before that: usual ones have 20 kB, the largest 8 MiB.
const UNIT_BYTES: usize = 8 << 20;
/// Results read at once.
const PAGE: u32 = 1_000;

/// Who hands a package over, and to whom it goes.
#[derive(Clone, Debug)]
pub struct HandOver {
    /// The organisation whose members it is about.
    pub organisation: OrganisationId,
    /// Who handles it here.
    pub handler: String,
    /// From whom it came.
    pub counterpart: String,
    /// The day on which it does: lines of a table that does not say when it was written are of then.
    pub day: LocalDay,
}

/// What is handed over.
#[derive(Debug)]
pub enum Package {
    /// A ZIP of documents, and the password that unlocks it.
    Zip(PathBuf, Option<SecretSlice<u8>>),
    /// The folder that such a ZIP was unpacked to.
    Folder(PathBuf),
    /// A table of people, a line each, and which column is what.
    Table(PathBuf, Box<Columns>),
}

/// What a package came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// The package's number.
    pub package: i64,
    /// SHA-256 of the file, of all files of the folder one after the other, or of the table and its file of columns, in hexadecimal
    /// digits.
    pub hash: String,
    /// What it says of itself.
    pub sum: PackageSum,
    /// Documents by how they ended: taken, unclaimed, possible, unread, nobody's by decision.
    pub documents: [u64; 5],
    /// Where documents are of which something could not be read, by their numbers: paths in the package, or lines of a table.
    pub places: Places,
    /// Results stored, known before, not supported, rejected.
    pub results: [u64; 4],
    /// Documents of which a judgement does not fit its own values, or that lack what each of their kind has; all of them are kept as they
    /// came.
    pub doubtful: u64,
    /// It had been taken in whole before.
    pub is_again: bool,
}

/// Where documents are, by their numbers.
pub type Places = BTreeMap<u32, String>;

/// Bytes of such places that are told: beyond them a document's number says where it is.
const MOST_OF_PLACES: usize = 8 << 20;

/// Why a package was not taken in, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// It cannot be read.
    #[error(transparent)]
    Adapter(#[from] AdapterError),
    /// The store refused; the same package can be imported again, and goes on where it stopped.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The operator's scanner does not let it pass.
    #[error("{file}: {error}")]
    Scan {
        /// Which file.
        file: String,
        /// Why.
        error: ScanError,
    },
    /// The disk.
    #[error("the package could not be read: {0}")]
    Io(#[from] io::Error),
}

/// What the ledger calls packages.
const PACKAGE: &str = "checkup documents";

/// Takes a package in, after a scanner has looked at it where there is one. `progress` is told how many documents were taken so far. That
/// it was refused, the ledger tells too.
///
/// # Errors
/// [`BatchError`].
pub async fn import(
    store: &Store,
    package: Package,
    scanner: Option<Scanner>,
    hand_over: &HandOver,
    progress: impl FnMut(u32),
) -> Result<Taken, BatchError> {
    let package = Arc::new(package);
    if let Some(scanner) = scanner {
        let looked_at = Arc::clone(&package);
        let looked = tokio::task::spawn_blocking(move || scanned::scan(&looked_at, &scanner)).await;
        if let Err(error) = looked.map_err(io::Error::other)? {
            return refuse(store, &package, hand_over, error).await;
        }
    }
    match take(store, &package, hand_over, progress).await {
        Err(error) => refuse(store, &package, hand_over, error).await,
        taken => taken,
    }
}

/// Notes a refusal where the error is one.
async fn refuse<T>(
    store: &Store,
    package: &Arc<Package>,
    hand_over: &HandOver,
    error: BatchError,
) -> Result<T, BatchError> {
    if let Some(why) = error.refusal() {
        let package = Arc::clone(package);
        let hash = tokio::task::spawn_blocking(move || files::hash_of(&package)).await;
        let hash = hash.map_err(io::Error::other)??;
        // Something of it may have been taken before it was cut off.
        let mut taken = Taken {
            package: store.begin_package(hand_over.organisation, hash).await?.id,
            hash: data_encoding::HEXLOWER.encode(&hash),
            ..Taken::default()
        };
        tally(store, &mut taken).await?;
        note_refused(store, hand_over, PACKAGE, (sums(&taken), &taken.hash), why).await?;
    }
    Err(error)
}

async fn take(
    store: &Store,
    package: &Arc<Package>,
    hand_over: &HandOver,
    mut progress: impl FnMut(u32),
) -> Result<Taken, BatchError> {
    let (documents, mut coming) = mpsc::channel::<Vec<PackageDocument>>(1);
    let (go_on_after, so_far) = oneshot::channel();
    // It is looked through while it is hashed: the hash says how far it was taken before.
    let (read_from, day) = (Arc::clone(package), hand_over.day);
    let reading = tokio::task::spawn_blocking(move || read(&read_from, day, so_far, &documents));
    let hashed = Arc::clone(package);
    let hash = tokio::task::spawn_blocking(move || files::hash_of(&hashed))
        .await
        .map_err(io::Error::other)??;
    let begun = store.begin_package(hand_over.organisation, hash).await?;
    let mut taken = Taken {
        package: begun.id,
        hash: data_encoding::HEXLOWER.encode(&hash),
        is_again: begun.ended.is_some(),
        ..Taken::default()
    };
    // One that was taken in whole before is walked through all the same, so that the same is told of it.
    let mut so_far = begun.ended.map_or(begun.done, |_| u32::MAX);
    // Where reading has ended already, it says why.
    let _ = go_on_after.send(so_far);
    while let Some(unit) = coming.recv().await {
        so_far += unit.len() as u32;
        store.take_documents(hand_over.organisation, begun.id, unit).await?;
        progress(so_far);
    }
    (taken.sum, taken.places) = reading.await.map_err(io::Error::other)??;
    tally(store, &mut taken).await?;
    if begun.ended.is_none() {
        let line = hand_over.line(PACKAGE, sums(&taken), &taken.hash, None);
        store
            .end_package(hand_over.organisation, begun.id, Actor::CommandLine, line)
            .await?;
    }
    Ok(taken)
}

/// Counts how a package's documents ended, of those that were taken so far.
async fn tally(store: &Store, taken: &mut Taken) -> Result<(), StoreError> {
    let mut after = 0;
    loop {
        let results = store.package_results(taken.package, after, PAGE).await?;
        let Some(last) = results.last() else { return Ok(()) };
        after = last.entry;
        for result in &results {
            taken.documents[place_of(result.outcome)] += 1;
            taken.doubtful += u64::from(result.reasons.contains(DOUBTFUL));
            for (sum, count) in taken.results.iter_mut().zip(result.counts) {
                *sum += count;
            }
        }
    }
}

const fn place_of(outcome: EntryOutcome) -> usize {
    match outcome {
        EntryOutcome::Taken => 0,
        EntryOutcome::Unclaimed => 1,
        EntryOutcome::Possible => 2,
        EntryOutcome::Unread => 3,
        EntryOutcome::Nobodys => 4,
    }
}

/// Hands documents on that were not taken yet, once it is known how many were.
fn read(
    package: &Package,
    day: LocalDay,
    so_far: oneshot::Receiver<u32>,
    documents: &mpsc::Sender<Vec<PackageDocument>>,
) -> Result<(PackageSum, Places), BatchError> {
    let (mut so_far, mut done) = (Some(so_far), 0);
    let (mut places, mut bytes_of_places) = (Places::new(), 0);
    let (mut met, mut unit, mut bytes, mut failed) = (0, Vec::with_capacity(UNIT), 0, None);
    let is_undated = matches!(package, Package::Table(_, columns) if columns.written_on().is_none());
    let mut each = |mut document: PackageEntry| {
        if let Some(so_far) = so_far.take() {
            match so_far.blocking_recv() {
                Ok(so_far) => done = so_far,
                // Nobody goes on.
                Err(_) => return ControlFlow::Break(()),
            }
        }
        met += 1;
        if !document.left_out.is_empty() && bytes_of_places < MOST_OF_PLACES {
            bytes_of_places += document.place.len();
            places.insert(met, document.place.clone());
        }
        if let Some(checkup) = document.checkup.as_mut().filter(|_| is_undated) {
            checkup.written = day.max(checkup.day);
        }
        if met > done {
            bytes += document.original.size();
            match prepared(met, document) {
                Ok(document) => unit.push(document),
                Err(error) => {
                    failed = Some(error);
                    return ControlFlow::Break(());
                }
            }
        }
        let is_full = unit.len() == UNIT || bytes >= UNIT_BYTES;
        if is_full {
            bytes = 0;
        }
        match !is_full || documents.blocking_send(std::mem::take(&mut unit)).is_ok() {
            true => ControlFlow::Continue(()),
            // Whoever takes them has stopped, and says why.
            false => ControlFlow::Break(()),
        }
    };
    let sum = match package {
        Package::Folder(path) => package::folder(path, &mut each)?,
        Package::Zip(path, password) => {
            let (bytes, size) = opened(path)?;
            let input = Input { bytes: &bytes, size };
            match password {
                Some(password) => package::locked_zip(&input, password.expose_secret(), &mut each)?,
                None => package::zip(&input, &mut each)?,
            }
        }
        Package::Table(path, columns) => {
            let (bytes, size) = opened(path)?;
            columns::table(columns, &Input { bytes: &bytes, size }, &mut each)?
        }
    };
    if let Some(error) = failed {
        return Err(error.into());
    }
    if !unit.is_empty() {
        // As above.
        let _ = documents.blocking_send(unit);
    }
    Ok((sum, places))
}

fn prepared(entry: u32, document: PackageEntry) -> Result<PackageDocument, StoreError> {
    let left_out = document.left_out.into_iter().map(|left_out| LeftOut {
        is_rejected: left_out.outcome == Outcome::Rejected,
        reason: left_out.reason,
        line: left_out.line,
        text: left_out.text,
    });
    let mapping_version = CheckupDocuments.mapping_version();
    let original = match &document.original {
        Original::Plain(bytes) => DocumentBytes::Plain(bytes),
        Original::Deflated { bytes, .. } => DocumentBytes::Deflated(bytes),
    };
    PackageDocument::new(entry, mapping_version, document.checkup, original, left_out.collect())
}

/// What the ledger says of documents: how many there are, and how many of them were taken, wait and could not be read.
fn sums(taken: &Taken) -> (u64, [u64; 3]) {
    let [given, unclaimed, possible, unread, nobodys] = taken.documents;
    let ended = [given, unclaimed + possible, unread];
    (ended.iter().sum::<u64>() + nobodys, ended)
}

impl HandOver {
    /// What the ledger says of it: what was handed over, how much, how much of it was taken, waits and could not be read, and the
    /// SHA-256 of it in hexadecimal digits.
    pub fn ledger(&self, what: &str, count: u64, ended: [u64; 3], hash: &str) -> String {
        self.line(what, (count, ended), hash, None)
    }

    fn line(
        &self,
        what: &str,
        (count, [taken, waiting, unread]): (u64, [u64; 3]),
        hash: &str,
        refused: Option<&str>,
    ) -> String {
        json!({
            "handler": self.handler,
            "counterpart": self.counterpart,
            "what": what,
            "count": count,
            "taken": taken,
            "waiting": waiting,
            "unread": unread,
            "sha256": hash,
            "refused": refused,
        })
        .to_string()
    }
}

#[cfg(test)]
mod tests;
