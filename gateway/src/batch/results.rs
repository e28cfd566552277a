//! The result file of a package, for whoever handed it over.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use store::{EntryResult, Store};

use super::{BatchError, PAGE, Taken};

/// A result file on its way: it lies beside its place, under a name that ends in `.part`, until it is whole. So the same command can be
/// given again after a kill, and nothing is left where the package was refused.
#[derive(Debug)]
pub struct ResultFile {
    file: File,
    part: PathBuf,
    path: PathBuf,
}

impl ResultFile {
    /// Begins one, before anything is taken: a file that cannot be written is known at once.
    ///
    /// # Errors
    /// Where there is a file already, and what the disk answers, with the path.
    pub fn begin(path: PathBuf) -> io::Result<Self> {
        refuse_existing(&path)?;
        let mut part = path.clone().into_os_string();
        part.push(".part");
        let part = PathBuf::from(part);
        // What a kill left of it is begun anew.
        let file = File::create(&part).map_err(named(&part))?;
        Ok(Self { file, part, path })
    }

    /// Puts it in its place.
    fn end(self) -> io::Result<()> {
        self.file.sync_all().map_err(named(&self.part))?;
        refuse_existing(&self.path)?;
        fs::rename(&self.part, &self.path).map_err(named(&self.path))
    }
}

impl Drop for ResultFile {
    fn drop(&mut self) {
        // In its place it has another name.
        let _ = fs::remove_file(&self.part);
    }
}

fn refuse_existing(path: &Path) -> io::Result<()> {
    match path.try_exists().map_err(named(path))? {
        true => Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            format!(
                "{}: there is a file already: move it away, or name another",
                path.display()
            ),
        )),
        false => Ok(()),
    }
}

fn named(path: &Path) -> impl Fn(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// Writes how each document ended, for whoever handed them over: no value, no name, no number of anybody, but for what they call their files.
/// Behind the documents stand the files that are none.
///
/// # Errors
/// What the store and the disk answer.
pub async fn write_results(store: &Store, taken: &Taken, out: ResultFile) -> Result<(), BatchError> {
    let mut table = csv::Writer::from_writer(&out.file);
    let failed = |error: csv::Error| BatchError::Io(io::Error::other(error));
    table
        .write_record([
            "document",
            "ended",
            "stored",
            "known",
            "unsupported",
            "rejected",
            "reasons",
            "where",
        ])
        .map_err(failed)?;
    let mut after = 0;
    loop {
        let results = store.package_results(taken.package, after, PAGE).await?;
        let Some(last) = results.last() else { break };
        after = last.entry;
        for result in &results {
            let place = taken.places.get(&result.entry).cloned();
            let cells = row(result).into_iter().chain([place.unwrap_or_default()]);
            table.write_record(cells).map_err(failed)?;
        }
    }
    for (path, reason) in &taken.sum.unsupported.places {
        let cells = ["", "unsupported", "", "", "", "", reason, path];
        table.write_record(cells).map_err(failed)?;
    }
    table.flush()?;
    drop(table);
    Ok(out.end()?)
}

fn row(result: &EntryResult) -> [String; 7] {
    let [stored, known, unsupported, rejected] = result.counts.map(|count| count.to_string());
    [
        result.entry.to_string(),
        result.outcome.word().to_owned(),
        stored,
        known,
        unsupported,
        rejected,
        result.reasons.clone(),
    ]
}
