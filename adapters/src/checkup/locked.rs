//! ZIPs that are locked with a password, as insurers send packages: AES (AE-1, AE-2) and the cipher of old (APPNOTE 6.1).

use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::ops::ControlFlow;

use zip::ZipArchive;
use zip::result::ZipError;

use super::content::{self, Content};
use super::package::is_wanted;
use crate::archive::{self, Archive, MAX_RATIO, Sequential};
use crate::{AdapterError, Input};

/// A ZIP that a password opens.
pub(super) struct Locked<'a> {
    zip: ZipArchive<BufReader<Seeking<'a>>>,
    password: &'a [u8],
    /// Where its files are, in the order of its directory.
    files: Vec<usize>,
    /// Their paths.
    paths: Vec<String>,
    /// Bytes that may still be unpacked, each file counted once however often it is read.
    left: u64,
    /// Those that were counted.
    counted: Vec<bool>,
}

impl<'a> Locked<'a> {
    /// Reads the directory.
    ///
    /// # Errors
    /// [`AdapterError`] where there is none, or it is too long.
    pub(super) fn open(input: &'a Input<'a>, password: &'a [u8]) -> Result<Self, AdapterError> {
        // The same bounds as of a ZIP without a password.
        drop(Archive::open(input)?);
        let seeking = Seeking(Sequential { input, at: 0 });
        let mut zip = ZipArchive::new(BufReader::new(seeking)).map_err(problem)?;
        let (mut files, mut paths) = (Vec::new(), Vec::new());
        for place in 0..zip.len() {
            let entry = zip.by_index_raw(place).map_err(problem)?;
            if entry.is_file() {
                files.push(place);
                paths.push(archive::path(entry.name_raw()));
            }
        }
        Ok(Self {
            zip,
            password,
            counted: vec![false; files.len()],
            files,
            paths,
            left: input.size.saturating_mul(MAX_RATIO).saturating_add(64 << 20),
        })
    }

    /// Their paths, in their order.
    pub(super) fn paths(&self) -> Vec<String> {
        self.paths.clone()
    }

    /// One of them, as far as it may be a document.
    ///
    /// # Errors
    /// [`AdapterError::OtherPassword`], [`AdapterError::Refused`] for a bomb, [`AdapterError::Damaged`] for what does not unpack or is not
    /// what was packed.
    pub(super) fn file(&mut self, place: usize) -> Result<Content, AdapterError> {
        let mut entry = self
            .zip
            .by_index_decrypt(self.files[place], self.password)
            .map_err(problem)?;
        let content = content::of_file(&self.paths[place], &mut entry, is_wanted)?;
        let size = match (&content, std::mem::replace(&mut self.counted[place], true)) {
            (Content::Whole(file), false) => file.plain.len() as u64,
            _ => 0,
        };
        let left = self.left.checked_sub(size);
        self.left = left.ok_or_else(bomb)?;
        Ok(content)
    }
}

/// Hands the bytes of each file of a ZIP that a password locks on, unlocked, with its path, until it is told to stop: for whoever looks
/// at all of it before anything is read. What does not unpack ends where it ceases to: nothing of such a file is read later either.
///
/// # Errors
/// [`AdapterError`] where it is no ZIP, the password is another, or it unpacks to far more than a package would.
pub fn unlocked(
    input: &Input<'_>,
    password: &[u8],
    look: &mut dyn FnMut(&str, &mut dyn Read) -> ControlFlow<()>,
) -> Result<(), AdapterError> {
    let mut locked = Locked::open(input, password)?;
    for (place, path) in locked.files.into_iter().zip(&locked.paths) {
        let file = match locked.zip.by_index_decrypt(place, password).map_err(problem) {
            Ok(file) => file,
            Err(AdapterError::Damaged { .. }) => continue,
            Err(error) => return Err(error),
        };
        let mut bounded = Bounded {
            file,
            left: locked.left,
        };
        if look(path, &mut bounded).is_break() {
            return Ok(());
        }
        locked.left = bounded.left;
        if locked.left == 0 {
            return Err(bomb());
        }
    }
    Ok(())
}

/// A file of which no more is unpacked than is left.
struct Bounded<R> {
    file: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let read = match self.file.read(&mut buffer[..most]) {
            // What was packed is damaged; the disk says other things.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::InvalidData
                        | io::ErrorKind::InvalidInput
                        | io::ErrorKind::UnexpectedEof
                        | io::ErrorKind::Other
                ) =>
            {
                0
            }
            read => read?,
        };
        self.left -= read as u64;
        Ok(read)
    }
}

fn bomb() -> AdapterError {
    AdapterError::Refused {
        problem: "it unpacks to far more than a package of its size would: a decompression bomb".to_owned(),
    }
}

fn problem(error: ZipError) -> AdapterError {
    match error {
        ZipError::InvalidPassword => AdapterError::OtherPassword,
        _ => AdapterError::Damaged {
            place: "in its ZIP".to_owned(),
            problem: "an entry is not what the directory says, or is packed in another way than ZIPs of documents"
                .to_owned(),
        },
    }
}

/// An input that can be read from any place.
struct Seeking<'a>(Sequential<'a>);

impl Read for Seeking<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Seek for Seeking<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.0.input.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.0.at.checked_add_signed(by),
        };
        self.0.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.0.at)
    }
}
