//! `conformance judge`: every resource of a file, a folder or standard input, and which of them is no FHIR R4.
//!
//! Prints a line for each refusal and a JSON line with the counts; exits with 1 when something was refused.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use conformance::judge::judge;

/// What to judge.
#[derive(clap::Args)]
pub struct Arguments {
    /// A file, or a folder that is searched for *.json (one resource) and *.ndjson (one a line). Without it, or as `-`,
    /// NDJSON is read from standard input.
    path: Option<PathBuf>,
}

#[derive(Default)]
struct Count {
    judged: u64,
    refused: u64,
}

impl Count {
    fn judge(&mut self, place: &str, resource: &[u8]) {
        self.judged += 1;
        if let Err(refusal) = judge(resource) {
            self.refused += 1;
            println!("{place}: {refusal}");
        }
    }

    fn lines(&mut self, place: &str, lines: impl BufRead) -> io::Result<()> {
        for (index, line) in lines.split(b'\n').enumerate() {
            let line = line?;
            if !line.iter().all(u8::is_ascii_whitespace) {
                self.judge(&format!("{place}:{}", index + 1), &line);
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path) -> io::Result<()> {
        let place = path.display().to_string();
        if path.extension().is_some_and(|extension| extension == "ndjson") {
            return self.lines(&place, BufReader::new(File::open(path)?));
        }
        let mut resource = Vec::new();
        File::open(path)?.read_to_end(&mut resource)?;
        self.judge(&place, &resource);
        Ok(())
    }

    fn folder(&mut self, folder: &Path) -> io::Result<()> {
        let mut paths = std::fs::read_dir(folder)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<io::Result<Vec<_>>>()?;
        paths.sort();
        for path in paths {
            if path.is_dir() {
                self.folder(&path)?;
            } else if path
                .extension()
                .is_some_and(|extension| extension == "json" || extension == "ndjson")
            {
                self.file(&path)?;
            }
        }
        Ok(())
    }
}

/// Judges and reports.
///
/// # Errors
/// When something cannot be read.
pub fn run(arguments: &Arguments) -> io::Result<ExitCode> {
    let mut count = Count::default();
    match &arguments.path {
        Some(path) if path.as_os_str() != "-" => {
            if path.is_dir() {
                count.folder(path)?;
            } else {
                count.file(path)?;
            }
        }
        _ => count.lines("stdin", io::stdin().lock())?,
    }
    println!("{{\"judged\":{},\"refused\":{}}}", count.judged, count.refused);
    // Nothing judged is no pass: an empty folder would otherwise look like a clean one.
    Ok(if count.refused == 0 && count.judged > 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
