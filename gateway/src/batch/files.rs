//! The files of a package, and their hash, by which it is known.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use adapters::checkup::package;
use aws_lc_rs::digest::{Context, SHA256};

use super::{BatchError, Package};
use crate::import::FileBytes;

pub(super) fn files_of(package: &Package) -> Result<Vec<PathBuf>, BatchError> {
    match package {
        Package::Folder(path) => Ok(package::files(path)?),
        Package::Zip(path, _) | Package::Table(path, _) => Ok(vec![path.clone()]),
    }
}

/// Opens a file for an adapter; and its length in bytes.
///
/// # Errors
/// What the disk answers, with the path.
pub fn opened(path: &Path) -> io::Result<(FileBytes, u64)> {
    let opened = File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
    let (size, file) = opened.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
    Ok((FileBytes(file), size))
}

pub(super) fn hash_of(package: &Package) -> Result<[u8; 32], BatchError> {
    // The same table by other columns is another package.
    let columns = match package {
        Package::Folder(_) | Package::Zip(..) => "",
        Package::Table(_, columns) => columns.text(),
    };
    Ok(hash_of_files(&files_of(package)?, columns)?)
}

/// SHA-256 of files one after the other, and of a text behind them. Blocks.
///
/// # Errors
/// What the disk answers, with the path.
pub fn hash_of_files(files: &[PathBuf], behind: &str) -> io::Result<[u8; 32]> {
    let mut context = Context::new(&SHA256);
    let mut buffer = vec![0; 1 << 16];
    for path in files {
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        let mut file = File::open(path).map_err(named)?;
        loop {
            let read = file.read(&mut buffer).map_err(named)?;
            if read == 0 {
                break;
            }
            context.update(&buffer[..read]);
        }
    }
    context.update(behind.as_bytes());
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    Ok(hash)
}
