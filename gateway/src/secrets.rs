//! Secret files: made on first start when missing, owner-only, and never printed.

use std::io::Write as _;
use std::path::Path;

use model::environment::Randomness;
use zeroize::Zeroizing;

use crate::config::ConfigError;

/// Reads a 32-byte key from a file of 64 hexadecimal digits; makes the file with fresh random bytes when it is missing.
///
/// # Errors
/// [`ConfigError::Secret`] when the file cannot be read or made, or is not such a key.
pub fn key_from_file(
    path: &Path,
    setting: &'static str,
    randomness: &dyn Randomness,
) -> Result<Zeroizing<[u8; 32]>, ConfigError> {
    let text = text_from_file(path, setting, || {
        let mut key = Zeroizing::new([0u8; 32]);
        randomness.fill(key.as_mut_slice());
        Ok(Zeroizing::new(data_encoding::HEXLOWER.encode(key.as_slice())))
    })?;
    let no_key = || ConfigError::Secret {
        file: path.display().to_string(),
        key: setting,
        problem: "is not a key: 64 hexadecimal digits are allowed".to_owned(),
    };
    let bytes = data_encoding::HEXLOWER_PERMISSIVE
        .decode(text.trim().as_bytes())
        .map(Zeroizing::new)
        .map_err(|_| no_key())?;
    let key: [u8; 32] = bytes.as_slice().try_into().map_err(|_| no_key())?;
    Ok(Zeroizing::new(key))
}

/// Reads a secret text from a file; makes the file with what `make` gives when it is missing.
///
/// # Errors
/// [`ConfigError::Secret`] when the file cannot be read or made, and what `make` answers.
pub fn text_from_file(
    path: &Path,
    setting: &'static str,
    make: impl FnOnce() -> Result<Zeroizing<String>, ConfigError>,
) -> Result<Zeroizing<String>, ConfigError> {
    let fail = |problem: String| ConfigError::Secret {
        file: path.display().to_string(),
        key: setting,
        problem,
    };
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let text = make()?;
            write_secret(path, text.as_bytes()).map_err(|error| fail(format!("cannot be made: {error}")))?;
            Ok(text)
        }
        Err(error) => Err(fail(format!("cannot be read: {error}"))),
    }
}

/// Puts a secret text in the place of another: written beside it, durable, and then renamed over it.
///
/// # Errors
/// What the file system answers; the old text is still there then.
pub fn replace_secret(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let beside = path.with_extension("new");
    match std::fs::remove_file(&beside) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    write_secret(&beside, content)?;
    std::fs::rename(&beside, path)?;
    match path.parent() {
        Some(folder) => std::fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// Writes a new file that only its owner can read; durable before it returns.
pub fn write_secret(path: &Path, content: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        private_folder(folder)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Makes a folder that only its owner can enter, if it is missing.
pub fn private_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::environment::SeededRandomness;

    #[test]
    fn a_key_is_made_once_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets/master.key");
        let first = key_from_file(&path, "data.master_key_file", &SeededRandomness::new(1)).unwrap();
        let again = key_from_file(&path, "data.master_key_file", &SeededRandomness::new(2)).unwrap();
        assert_eq!(first, again);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_damaged_key_file_is_refused_without_showing_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        std::fs::write(&path, "c0ffee").unwrap();
        let error = key_from_file(&path, "data.master_key_file", &SeededRandomness::new(1))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("64 hexadecimal digits") && !error.contains("c0ffee"),
            "{error}"
        );
    }
}
