//! Packages of many people's checkups of several sizes, whole way: against a bare quick-xml pass over the same documents, and in memory
//! that hardly any size changes.

use std::path::Path;

use super::inputs::{Bench, json, median, remove};
use super::{BenchError, Figure, process};

/// People of the packages, where nothing else is asked for.
pub const PEOPLE: [u32; 3] = [1_000, 10_000, 40_000];
/// From how many people on the time is held against the bare pass: below it, opening and syncing is much of it.
const MANY: u32 = 10_000;
/// The most memory that a package may keep busy, in bytes, whatever its size.
const MOST_MEMORY: f64 = 128.0 * 1e6;
/// The most bytes that a further document may keep busy, from the smallest package to the largest: what the ZIP's directory says of it, and
/// caches that fill with the first thousands. A document has some 20 kB, so that one that stayed would show.
const MOST_A_DOCUMENT: f64 = 1_000.0;

/// Runs both by turns, a size after the other.
///
/// # Errors
/// When a run fails, or there are no sizes to compare.
pub fn measure(bench: &Bench, people: &[u32]) -> Result<Vec<Figure>, BenchError> {
    let (Some(smallest), Some(largest)) = (people.iter().min(), people.iter().max()) else {
        return Err(BenchError::Answer("name the sizes of the packages".to_owned()));
    };
    if smallest == largest {
        return Err(BenchError::Answer("name at least two sizes of packages".to_owned()));
    }
    let (mut figures, mut least, mut most) = (Vec::new(), 0.0, 0.0);
    for people in people {
        let (walls, memory) = measure_one(bench, *people)?;
        let what = format!("a package of {people} people");
        if *people >= MANY {
            let wall = format!("{what}: wall against bare quick-xml");
            figures.push(Figure::at_most(wall, median(walls), 3.0, " ×"));
        }
        let part = format!("{what}: memory, as a part of 128 MB");
        figures.push(Figure::at_most(part, memory / MOST_MEMORY, 1.0, " ×"));
        if people == smallest {
            least = memory;
        }
        if people == largest {
            most = memory;
        }
    }
    let growth = format!("memory for a further document, from {smallest} to {largest} people");
    let a_document = (most - least) / f64::from(largest - smallest);
    figures.push(Figure::at_most(growth, a_document, MOST_A_DOCUMENT, " bytes"));
    Ok(figures)
}

/// A size: how many times the wall of a bare pass each run took, and the most memory of any.
fn measure_one(bench: &Bench, people: u32) -> Result<(Vec<f64>, f64), BenchError> {
    let made = people.to_string();
    let of = ["--checkups", made.as_str(), "--first-day", "2025-01-01"];
    let package = bench.export("package.zip", 1, &of)?;
    let documents = bench.export("documents.xml", 1, &of)?;
    let this = std::env::current_exe().map_err(|error| BenchError::file(Path::new("this program"), error))?;
    let (mut walls, mut memory) = (Vec::new(), 0_f64);
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
        if told["says_of_itself"]["found"] != people || told["documents"]["unclaimed"] != people {
            return Err(BenchError::Answer("the package was not taken in whole".to_owned()));
        }
        walls.push(ours.wall / bare.wall);
        memory = memory.max(ours.peak_memory as f64);
    }
    remove(&package);
    remove(&documents);
    Ok((walls, memory))
}
