//! ZIPs of any vendor: their entries, unpacked as they are read, and the bounds of both.

use std::io::{BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::DeflateDecoder;
use jiff::civil::DateTime;
use model::UtcMillis;
use rawzip::{CompressionMethod, RECOMMENDED_BUFFER_SIZE, ReaderAt, ZipArchive, ZipArchiveEntryWayfinder};

use crate::{AdapterError, Input};

const BOMB: &str = "it unpacks to far more than an export of its size would: a decompression bomb";

/// The most entries of a container: years of routes are some thousands.
pub const MAX_ENTRIES: usize = 200_000;
/// The most bytes of an entry after decompression.
const MAX_ENTRY: u64 = 64 << 30;
/// How many times larger than compressed an entry may be, past the first 64 MiB: real ones are 15 to 40 times larger.
pub const MAX_RATIO: u64 = 300;
/// Bytes of all paths of a container at most.
const MAX_PATHS: usize = 64 << 20;
/// How much of a file is looked at to recognise it.
pub const HEAD: usize = 64 * 1024;

/// Whether these first bytes are of a ZIP.
pub fn is_zip(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04")
}

/// Whether this is a ZIP of which a file opens with a password only.
pub fn is_locked(input: &Input<'_>) -> bool {
    let archive = is_zip(&head(input)).then(|| Archive::open(input));
    archive.is_some_and(|archive| archive.is_ok_and(|archive| archive.entries.iter().any(|entry| entry.is_locked)))
}

/// The first bytes of an input.
pub fn head(input: &Input<'_>) -> Vec<u8> {
    first(&mut Sequential { input, at: 0 }, HEAD)
}

/// The first bytes of a reader; fewer where it ends or fails before.
pub fn first(reader: &mut dyn Read, most: usize) -> Vec<u8> {
    let mut head = Vec::new();
    // What cannot be read on is not recognised by more than was read.
    let _ = reader.take(most as u64).read_to_end(&mut head);
    head
}

/// A ZIP with its directory.
pub struct Archive<'a> {
    input: &'a Input<'a>,
    zip: ZipArchive<&'a (dyn ReaderAt + Sync)>,
    /// Bytes that may still be unpacked, of all files together.
    left: Arc<AtomicU64>,
    /// Its files, in the order of the directory.
    pub entries: Vec<Entry>,
}

/// A file in a ZIP.
pub struct Entry {
    /// Its path as written.
    pub path: String,
    /// When it was written, as the ZIP's clock had it, taken for UTC; `None` where it does not say.
    pub written: Option<UtcMillis>,
    /// It opens with a password only.
    pub is_locked: bool,
    way: ZipArchiveEntryWayfinder,
    method: CompressionMethod,
}

impl Entry {
    /// What follows the last slash of its path.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

impl<'a> Archive<'a> {
    /// Reads the directory.
    ///
    /// # Errors
    /// [`AdapterError::Damaged`] where there is none, [`AdapterError::Refused`] where it is too long.
    pub fn open(input: &'a Input<'a>) -> Result<Self, AdapterError> {
        let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE];
        let zip = ZipArchive::with_max_search_space(1 << 20).locate_in_reader(input.bytes, &mut buffer, input.size);
        let zip = zip.map_err(|_| damaged("its directory is missing, as when a download was cut off"))?;
        let (mut entries, mut paths) = (Vec::new(), 0);
        let mut listed = zip.entries(&mut buffer);
        while let Some(entry) = listed.next_entry().map_err(|_| damaged("its directory is broken"))? {
            paths += entry.file_path().as_bytes().len();
            if entries.len() >= MAX_ENTRIES || paths > MAX_PATHS {
                return Err(AdapterError::Refused {
                    problem: format!("its ZIP has more than {MAX_ENTRIES} entries, or names that no archive has"),
                });
            }
            if entry.is_dir() {
                continue;
            }
            let at = entry.last_modified_dos();
            entries.push(Entry {
                path: String::from_utf8_lossy(entry.file_path().as_bytes()).into_owned(),
                written: written(&at),
                is_locked: entry.flags().is_encrypted(),
                way: entry.wayfinder(),
                method: entry.compression_method(),
            });
        }
        let most = input.size.saturating_mul(MAX_RATIO).saturating_add(64 << 20);
        Ok(Self {
            input,
            zip,
            left: Arc::new(AtomicU64::new(most.min(MAX_ENTRY))),
            entries,
        })
    }

    /// A file, unpacked as it is read.
    ///
    /// # Errors
    /// [`AdapterError::Damaged`] where it is not what the directory says, [`AdapterError::Locked`] where a password locks it.
    pub fn read(&self, entry: &Entry) -> Result<Box<dyn Read + Send + 'a>, AdapterError> {
        if entry.is_locked {
            return Err(AdapterError::Locked);
        }
        let found = self.zip.get_entry(entry.way);
        let found = found.map_err(|_| damaged("an entry is not where the directory says"))?;
        let (from, until) = found.compressed_data_range();
        let length = until.saturating_sub(from);
        let raw = Sequential {
            input: self.input,
            at: from,
        };
        let unpacked = unpack(raw.take(length), entry.method, length)
            .ok_or_else(|| damaged("an entry is packed by a method other than DEFLATE"))?;
        Ok(Box::new(Together {
            inner: unpacked,
            left: Arc::clone(&self.left),
        }))
    }
}

/// Refuses to unpack more of all files together than an archive of this size holds.
struct Together<R> {
    inner: R,
    left: Arc<AtomicU64>,
}

impl<R: Read> Read for Together<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let spent = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
            left.checked_sub(read as u64)
        });
        match spent {
            Ok(_) => Ok(read),
            Err(_) => Err(std::io::Error::other(BOMB)),
        }
    }
}

fn damaged(problem: &str) -> AdapterError {
    AdapterError::Damaged {
        place: "in its ZIP".to_owned(),
        problem: problem.to_owned(),
    }
}

/// 1980 and its first day stand for "not known" (APPNOTE 4.4.6).
fn written(at: &rawzip::time::DosDateTime) -> Option<UtcMillis> {
    let part = |part: u8| i8::try_from(part).ok();
    let year = i16::try_from(at.year()).ok().filter(|year| *year > 1980)?;
    let [month, day] = [part(at.month())?, part(at.day())?];
    let [hour, minute, second] = [part(at.hour())?, part(at.minute())?, part(at.second())?];
    let civil = DateTime::new(year, month, day, hour, minute, second.min(59), 0).ok()?;
    let at = jiff::tz::TimeZone::UTC.to_timestamp(civil).ok()?;
    Some(UtcMillis(at.as_millisecond()))
}

/// Unpacks by a method; `None` for one that is not read here.
pub fn unpack<'a>(
    raw: impl Read + Send + 'a,
    method: CompressionMethod,
    packed: u64,
) -> Option<Box<dyn Read + Send + 'a>> {
    let limit = (packed.saturating_mul(MAX_RATIO))
        .saturating_add(64 << 20)
        .min(MAX_ENTRY);
    // A document of a package is small, and there are thousands.
    let raw = BufReader::with_capacity((packed as usize).clamp(512, 128 * 1024), raw);
    if method == CompressionMethod::DEFLATE {
        Some(Box::new(Bounded {
            inner: DeflateDecoder::new(raw),
            left: limit,
        }))
    } else if method == CompressionMethod::STORE {
        Some(Box::new(Bounded {
            inner: raw,
            left: limit,
        }))
    } else {
        None
    }
}

/// Reads an input from one place on.
pub struct Sequential<'a> {
    /// What is read.
    pub input: &'a Input<'a>,
    /// The next byte.
    pub at: u64,
}

impl Read for Sequential<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.input.bytes.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// Refuses to unpack more than a bound: a bomb ends as an error, not as a full memory or an endless import.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self
            .left
            .checked_sub(read as u64)
            .ok_or_else(|| std::io::Error::other(BOMB))?;
        Ok(read)
    }
}
