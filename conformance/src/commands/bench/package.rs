//! A package of ten thousand people's checkups, whole way, against a bare quick-xml pass over the same documents.

use std::path::Path;

use super::inputs::{Bench, json, median, remove};
use super::{BenchError, Figure, process};

/// People of the package.
const PEOPLE: &str = "10000";
/// The most memory that a package may keep busy, in bytes, whatever its size.
const MOST_MEMORY: f64 = 128.0 * 1e6;

/// Runs both by turns.
///
/// # Errors
/// When a run fails.
pub fn measure(bench: &Bench) -> Result<Vec<Figure>, BenchError> {
    let package = bench.export("package.zip", 1, &["--checkups", PEOPLE, "--first-day", "2025-01-01"])?;
    let documents = bench.export("documents.xml", 1, &["--checkups", PEOPLE, "--first-day", "2025-01-01"])?;
    let this = std::env::current_exe().map_err(|error| BenchError::file(Path::new("this program"), error))?;
    let (mut wall, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..bench.runs {
        let (bare, _) = process::run(&this, &["bench", "quick-xml", &documents])?;
        let home = bench.home("package")?;
        let arguments = [
            "batch",
            "import",
            &package,
            "--handler",
            "bench",
            "--counterpart",
            "bench",
            "--data",
            &home.folder,
        ];
        let (ours, told) = process::run(&bench.sekisho, &arguments)?;
        let told = json("the accounting of a package", &told)?;
        if told["says_of_itself"]["found"] != 10_000 {
            return Err(BenchError::Answer("the package was not taken in whole".to_owned()));
        }
        wall.push(ours.wall / bare.wall);
        memory.push(ours.peak_memory as f64);
    }
    remove(&package);
    remove(&documents);
    let what = "a package of 10,000 people";
    Ok(vec![
        Figure::at_most(format!("{what}: wall against bare quick-xml"), median(wall), 3.0, " ×"),
        Figure::at_most(
            format!("{what}: memory, as a part of 128 MB"),
            median(memory) / MOST_MEMORY,
            1.0,
            " ×",
        ),
    ])
}
