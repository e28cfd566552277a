//! Where a bench works, and what it is fed: made-up exports, people, data folders.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::process::{self, Cost};
use super::{Arguments, BenchError};

/// The binary under test and a folder that goes with the bench.
pub struct Bench {
    /// The `sekisho` binary.
    pub sekisho: PathBuf,
    /// Days of data in the large export.
    pub days: u32,
    /// Runs of each command.
    pub runs: u32,
    scratch: PathBuf,
}

impl Drop for Bench {
    fn drop(&mut self) {
        // What stays behind costs space, nothing else.
        let _ = fs::remove_dir_all(&self.scratch);
    }
}

/// A person in a data folder of their own.
pub struct Home {
    /// The data folder.
    pub folder: String,
    /// The id that `import --person` takes.
    pub person: String,
}

impl Bench {
    /// Builds the binary and makes an empty folder.
    ///
    /// # Errors
    /// When either fails.
    pub fn new(arguments: &Arguments) -> Result<Self, BenchError> {
        let sekisho = process::sekisho()?;
        let base = match &arguments.scratch {
            Some(folder) => folder.clone(),
            None => sekisho.with_file_name("").join("../bench"),
        };
        let scratch = base.join(format!("run-{}", std::process::id()));
        fs::create_dir_all(&scratch).map_err(|error| BenchError::file(&scratch, error))?;
        Ok(Self {
            sekisho,
            days: arguments.days,
            runs: arguments.runs,
            scratch,
        })
    }

    /// A path in the scratch folder.
    pub fn path(&self, name: &str) -> String {
        self.scratch.join(name).display().to_string()
    }

    /// Makes an export of so many days, with more arguments of `sekisho synthesize`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn export(&self, name: &str, days: u32, more: &[&str]) -> Result<String, BenchError> {
        let path = self.path(name);
        let days = days.to_string();
        let mut arguments = vec!["synthesize", path.as_str(), "--days", days.as_str()];
        arguments.extend(more);
        process::run(&self.sekisho, &arguments)?;
        Ok(path)
    }

    /// A new data folder with one person.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn home(&self, name: &str) -> Result<Home, BenchError> {
        let folder = self.path(name);
        let _ = fs::remove_dir_all(&folder);
        let (_, printed) = process::run(
            &self.sekisho,
            &["person", "add", "--name", "計測 一郎", "--data", &folder],
        )?;
        let person = printed.split_whitespace().last().unwrap_or_default().to_owned();
        Ok(Home { folder, person })
    }

    /// Imports a file into a home; its cost and its accounting.
    ///
    /// # Errors
    /// When it fails or prints no accounting.
    pub fn import(&self, home: &Home, file: &str) -> Result<(Cost, Value), BenchError> {
        let arguments = ["import", file, "--person", &home.person, "--data", &home.folder];
        let (cost, printed) = process::run(&self.sekisho, &arguments)?;
        let accounting = json("the accounting of an import", &printed)?;
        Ok((cost, accounting))
    }
}

/// Reads what a child printed as JSON.
///
/// # Errors
/// When it is not JSON.
pub fn json(what: &'static str, printed: &str) -> Result<Value, BenchError> {
    serde_json::from_str(printed).map_err(|_| BenchError::Printed {
        what,
        printed: printed.chars().take(200).collect(),
    })
}

/// A count in a JSON object.
///
/// # Errors
/// When there is none by that name.
pub fn count(object: &Value, name: &'static str) -> Result<u64, BenchError> {
    object[name].as_u64().ok_or_else(|| BenchError::Printed {
        what: name,
        printed: object.to_string().chars().take(200).collect(),
    })
}

/// The middle one of some measurements.
pub fn median(mut measured: Vec<f64>) -> f64 {
    measured.sort_by(f64::total_cmp);
    measured.get(measured.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The size of a file, in bytes.
///
/// # Errors
/// When there is none.
pub fn size(path: &str) -> Result<u64, BenchError> {
    let path = Path::new(path);
    Ok(fs::metadata(path).map_err(|error| BenchError::file(path, error))?.len())
}

/// Removes a file that is needed no longer.
pub fn remove(path: &str) {
    let _ = fs::remove_file(path);
}
