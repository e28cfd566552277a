//! A sealed spool: bytes that come in once and must be read again at any place, kept on disk without ever lying there in clear.
//!
//! The key lives in memory only and the file has no name, so that a process that is killed leaves nothing that opens.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use adapters::ReaderAt;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use model::environment::Randomness;
use zeroize::Zeroizing;

/// Bytes sealed at a time.
const BLOCK: usize = 64 * 1024;
/// Bytes that sealing adds to a block.
const TAG: usize = 16;
/// The most that is spooled: larger files are imported by their name.
const MOST: u64 = 64 << 30;

/// Bytes on disk, sealed.
pub struct Spool {
    file: File,
    key: LessSafeKey,
    size: u64,
    opened: Mutex<Option<(u64, Vec<u8>)>>,
}

impl Spool {
    /// Takes everything that `input` gives.
    ///
    /// # Errors
    /// What reading and writing report; more than 64 GiB.
    pub fn fill(folder: &Path, input: &mut dyn Read, randomness: &dyn Randomness) -> io::Result<Self> {
        let mut name = [0; 8];
        randomness.fill(&mut name);
        let path = folder.join(format!("spool-{}", data_encoding::HEXLOWER.encode(&name)));
        let file = File::options().read(true).write(true).create_new(true).open(&path)?;
        // An open file needs no name; without one nobody else finds it.
        std::fs::remove_file(&path)?;
        let mut key = Zeroizing::new([0; 32]);
        randomness.fill(key.as_mut_slice());
        let key =
            UnboundKey::new(&AES_256_GCM, key.as_slice()).map_err(|_| io::Error::other("a key of the wrong length"))?;
        let mut spool = Self {
            file,
            key: LessSafeKey::new(key),
            size: 0,
            opened: Mutex::new(None),
        };
        let mut block = Zeroizing::new(vec![0; BLOCK]);
        for number in 0.. {
            let length = fill(input, &mut block)?;
            let mut sealed = block[..length].to_vec();
            spool
                .key
                .seal_in_place_append_tag(nonce(number), Aad::empty(), &mut sealed)
                .map_err(|_| io::Error::other("a block that cannot be sealed"))?;
            spool.file.write_all(&sealed)?;
            spool.size += length as u64;
            if spool.size > MOST {
                return Err(io::Error::other(
                    "more than 64 GiB on standard input; name the file instead",
                ));
            }
            if length < BLOCK {
                break;
            }
        }
        Ok(spool)
    }

    /// Bytes in it.
    pub fn size(&self) -> u64 {
        self.size
    }

    fn block(&self, number: u64) -> io::Result<Vec<u8>> {
        let mut sealed = vec![0; BLOCK + TAG];
        let mut file = &self.file;
        file.seek(SeekFrom::Start(number * (BLOCK + TAG) as u64))?;
        let length = fill(&mut file, &mut sealed)?;
        sealed.truncate(length);
        let plain = self
            .key
            .open_in_place(nonce(number), Aad::empty(), &mut sealed)
            .map_err(|_| io::Error::other("the spool was changed by somebody else"))?
            .len();
        sealed.truncate(plain);
        Ok(sealed)
    }
}

/// A key of one file, so the number of the block is enough.
fn nonce(number: u64) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    Nonce::assume_unique_for_key(bytes)
}

fn fill(input: &mut dyn Read, block: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < block.len() {
        match input.read(&mut block[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

impl ReaderAt for Spool {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        if offset >= self.size || buffer.is_empty() {
            return Ok(0);
        }
        let number = offset / BLOCK as u64;
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if opened.as_ref().is_none_or(|(known, _)| *known != number) {
            *opened = Some((number, self.block(number)?));
        }
        let Some((_, block)) = opened.as_ref() else {
            return Ok(0);
        };
        let from = (offset % BLOCK as u64) as usize;
        let length = buffer.len().min(block.len().saturating_sub(from));
        buffer[..length].copy_from_slice(&block[from..from + length]);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::environment::SeededRandomness;

    #[test]
    fn what_goes_in_comes_out_at_any_place_and_lies_nowhere_in_clear() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let text: Vec<u8> = b"a word that must not lie on disk. "
            .iter()
            .copied()
            .cycle()
            .take(3 * BLOCK + 17)
            .collect();
        let spool = Spool::fill(folder.path(), &mut &text[..], &SeededRandomness::new(1))?;
        assert_eq!(spool.size(), text.len() as u64);
        assert_eq!(std::fs::read_dir(folder.path())?.count(), 0, "the file has no name");
        for offset in [0, 5, BLOCK - 3, BLOCK, 3 * BLOCK + 16] {
            let mut buffer = vec![0; 40.min(text.len() - offset)];
            spool.read_exact_at(&mut buffer, offset as u64)?;
            assert_eq!(buffer, text[offset..offset + buffer.len()]);
        }
        let mut on_disk = Vec::new();
        (&spool.file).seek(SeekFrom::Start(0))?;
        (&spool.file).read_to_end(&mut on_disk)?;
        assert!(!on_disk.windows(9).any(|window| window == b"must not "));
        Ok(())
    }
}
