//! A package goes past the operator's scanner before anything of it is read: each file as it lies, and what a password locks also unlocked.

use std::ops::ControlFlow;
use std::path::Path;

use adapters::Input;
use adapters::checkup::package;
use secrecy::ExposeSecret as _;

use super::files::{files_of, opened};
use super::{BatchError, Package};
use crate::scan::{ScanError, Scanner};

/// Lets a scanner look at every file of a package. Blocks.
///
/// # Errors
/// [`BatchError`] for the first that it does not let pass.
pub fn scan(package: &Package, scanner: &Scanner) -> Result<(), BatchError> {
    files_of(package)?
        .iter()
        .try_for_each(|path| scan_file(path, scanner))?;
    match package {
        Package::Zip(path, Some(password)) => scan_unlocked(path, password.expose_secret(), scanner),
        Package::Zip(_, None) | Package::Folder(_) | Package::Table(..) => Ok(()),
    }
}

/// Lets a scanner look at one file. Blocks.
///
/// # Errors
/// As [`scan`].
pub fn scan_file(path: &Path, scanner: &Scanner) -> Result<(), BatchError> {
    let looked = scanner.look(&opened(path)?.0);
    looked.map_err(|error| refused(path.display().to_string(), error))
}

/// Locked, it is noise to a scanner: each file is shown to it unlocked, one after the other.
fn scan_unlocked(path: &Path, password: &[u8], scanner: &Scanner) -> Result<(), BatchError> {
    let (bytes, size) = opened(path)?;
    let mut looked = Ok(());
    package::unlocked(&Input { bytes: &bytes, size }, password, &mut |inside, file| {
        looked = scanner
            .look_through(file)
            .map_err(|error| refused(inside.to_owned(), error));
        match looked {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    })?;
    looked
}

const fn refused(file: String, error: ScanError) -> BatchError {
    BatchError::Scan { file, error }
}
