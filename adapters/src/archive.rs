//! ZIPs of any vendor: their entries, unpacked as they are read, and the bounds of both.

use std::cell::RefCell;
use std::io::{BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::DeflateDecoder;
use flate2::{Decompress, FlushDecompress, Status};
use jiff::civil::DateTime;
use model::UtcMillis;
use rawzip::{CompressionMethod, RECOMMENDED_BUFFER_SIZE, ReaderAt, ZipArchive, ZipArchiveEntryWayfinder};

use crate::{AdapterError, Input};

const BOMB: &str = "it unpacks to far more than an export of its size would: a decompression bomb";

/// The most entries of a container: years of routes are some thousands, and of a package of 100,000 people is measured what it takes.
pub const MAX_ENTRIES: usize = 100_000;
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
    /// Its path as written: nothing is ever written to where it says.
    pub path: String,
    /// When it was written, as the ZIP's clock had it, taken for UTC; `None` where it does not say.
    pub written: Option<UtcMillis>,
    /// It opens with a password only.
    pub is_locked: bool,
    way: ZipArchiveEntryWayfinder,
    method: CompressionMethod,
    /// Its length, as the directory has it.
    size: u64,
}

/// A file, unpacked.
pub struct Whole {
    /// What is in it.
    pub plain: Vec<u8>,
    /// As the ZIP has it: by DEFLATE (RFC 1951), with nothing around it. `None` where it is packed otherwise.
    pub deflated: Option<Vec<u8>>,
}

impl Whole {
    /// One that nothing had packed by DEFLATE.
    pub fn plain(plain: Vec<u8>) -> Self {
        Self { plain, deflated: None }
    }
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
                    problem: format!(
                        "its ZIP has more than {MAX_ENTRIES} entries (divide it), or names that no archive has"
                    ),
                });
            }
            if entry.is_dir() {
                continue;
            }
            let at = entry.last_modified_dos();
            entries.push(Entry {
                path: path(entry.file_path().as_bytes()),
                written: written(&at),
                is_locked: entry.flags().is_encrypted(),
                way: entry.wayfinder(),
                method: entry.compression_method(),
                size: entry.uncompressed_size_hint(),
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
        let (raw, length) = self.packed(entry)?;
        let unpacked = unpack(raw.take(length), entry.method, length)
            .ok_or_else(|| damaged("an entry is packed by a method other than DEFLATE"))?;
        Ok(Box::new(Together {
            inner: unpacked,
            left: Arc::clone(&self.left),
        }))
    }

    /// A small file, unpacked whole; `None` for one of more than `most` bytes.
    ///
    /// # Errors
    /// As [`Archive::read`], where it unpacks to nothing whole, and [`AdapterError::Refused`] where all files together are a bomb.
    pub fn whole(&self, entry: &Entry, most: usize) -> Result<Option<Whole>, AdapterError> {
        let (mut raw, length) = self.packed(entry)?;
        // What is larger packed than it may be unpacked is no small file.
        if entry.method != CompressionMethod::DEFLATE || length > most as u64 {
            let mut plain = Vec::new();
            let read = self.read(entry)?.take(most as u64 + 1).read_to_end(&mut plain);
            read.map_err(|_| damaged("an entry cannot be unpacked"))?;
            return Ok((plain.len() <= most).then_some(Whole::plain(plain)));
        }
        let mut deflated = vec![0; length as usize];
        raw.read_exact(&mut deflated)
            .map_err(|_| damaged("an entry cannot be unpacked"))?;
        let room = usize::try_from(entry.size).unwrap_or(most).clamp(1 << 10, most);
        let Some(plain) = INFLATE.with_borrow_mut(|inflate| inflated(inflate, &mut deflated, room, most))? else {
            return Ok(None);
        };
        spend(&self.left, plain.len()).map_err(|_| AdapterError::Refused {
            problem: BOMB.to_owned(),
        })?;
        Ok(Some(Whole {
            plain,
            deflated: Some(deflated),
        }))
    }

    /// A file as it lies in the ZIP, and its length there.
    fn packed(&self, entry: &Entry) -> Result<(Sequential<'a>, u64), AdapterError> {
        if entry.is_locked {
            return Err(AdapterError::Locked);
        }
        let found = self.zip.get_entry(entry.way);
        let found = found.map_err(|_| damaged("an entry is not where the directory says"))?;
        let (from, until) = found.compressed_data_range();
        let raw = Sequential {
            input: self.input,
            at: from,
        };
        Ok((raw, until.saturating_sub(from)))
    }
}

thread_local! {
    /// Setting one up costs as much as unpacking a document.
    static INFLATE: RefCell<Decompress> = RefCell::new(Decompress::new(false));
}

/// Unpacks it, into room that grows; `None` past `most` bytes. What follows the end of what is packed is cut off it.
fn inflated(
    inflate: &mut Decompress,
    deflated: &mut Vec<u8>,
    room: usize,
    most: usize,
) -> Result<Option<Vec<u8>>, AdapterError> {
    inflate.reset(false);
    let mut plain = Vec::with_capacity(room.min(most) + 1);
    loop {
        let rest = &deflated[inflate.total_in() as usize..];
        let status = inflate.decompress_vec(rest, &mut plain, FlushDecompress::Finish);
        let is_full = plain.len() == plain.capacity();
        match status.map_err(|_| damaged("an entry cannot be unpacked"))? {
            Status::StreamEnd => break,
            Status::Ok | Status::BufError if is_full && plain.len() <= most => plain.reserve(plain.len()),
            Status::Ok | Status::BufError if is_full => return Ok(None),
            Status::Ok | Status::BufError => return Err(damaged("an entry ends too early")),
        }
    }
    deflated.truncate(inflate.total_in() as usize);
    Ok((plain.len() <= most).then_some(plain))
}

/// A path as text: UTF-8, or what Japanese systems write without saying so. In neither is a slash a part of another character.
pub fn path(raw: &[u8]) -> String {
    match std::str::from_utf8(raw) {
        Ok(path) => path.to_owned(),
        Err(_) => encoding_rs::SHIFT_JIS.decode_without_bom_handling(raw).0.into_owned(),
    }
}

/// Takes from what may still be unpacked.
fn spend(left: &AtomicU64, bytes: usize) -> std::io::Result<()> {
    let spent = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
        left.checked_sub(bytes as u64)
    });
    spent.map(|_| ()).map_err(|_| std::io::Error::other(BOMB))
}

/// Refuses to unpack more of all files together than an archive of this size holds.
struct Together<R> {
    inner: R,
    left: Arc<AtomicU64>,
}

impl<R: Read> Read for Together<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        spend(&self.left, read)?;
        Ok(read)
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

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::DeflateEncoder;
    use proptest::prelude::*;

    use super::*;

    fn deflated(plain: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(6));
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn unpacked(packed: &mut Vec<u8>, room: usize, most: usize) -> Result<Option<Vec<u8>>, AdapterError> {
        inflated(&mut Decompress::new(false), packed, room, most)
    }

    proptest! {
        #[test]
        fn a_small_file_unpacks_whatever_the_directory_says_of_its_length(
            plain in proptest::collection::vec(0_u8..4, 0..3_000),
            room in 0_usize..4_000,
            behind in proptest::collection::vec(any::<u8>(), 0..9),
            cut in any::<prop::sample::Index>(),
        ) {
            let alone = deflated(&plain);
            let mut packed = [&alone[..], &behind].concat();
            prop_assert_eq!(unpacked(&mut packed, room, 3_000).unwrap(), Some(plain.clone()));
            prop_assert_eq!(&packed, &alone);
            packed.truncate(cut.index(alone.len()));
            prop_assert!(unpacked(&mut packed, room, 3_000).is_err());
            if !plain.is_empty() {
                packed = alone;
                prop_assert_eq!(unpacked(&mut packed, 0, plain.len() - 1).unwrap(), None);
            }
        }
    }

    #[test]
    fn what_unpacks_to_far_more_ends_at_the_bound() {
        let mut bomb = deflated(&vec![0; 32 << 20]);
        assert!(bomb.len() < 64 << 10);
        assert_eq!(unpacked(&mut bomb, 1 << 30, 1 << 20).unwrap(), None);
    }
}
