//! Resident memory while importing exports whose records are mixed: a small one and a large one must need the same.

use super::inputs::{Bench, remove, size};
use super::{BenchError, Figure};

/// 128 MB, as megabytes of 2^20 bytes.
const LIMIT: f64 = 128.0;
/// Days in the small export: about 200 MB.
const SMALL_DAYS: u32 = 300;

/// One import each.
///
/// # Errors
/// When a run fails.
pub fn measure(bench: &Bench, large_days: u32) -> Result<Vec<Figure>, BenchError> {
    let mut figures = Vec::new();
    for days in [SMALL_DAYS, large_days] {
        let file = bench.export("unsorted.xml", days, &["--unsorted", "--first-day", "2005-01-01"])?;
        let home = bench.home("memory")?;
        let (cost, _) = bench.import(&home, &file)?;
        let megabytes = size(&file)? / 1_000_000;
        eprintln!(
            "{megabytes} MB unsorted: {:.1} s CPU, {:.1} s wall",
            cost.cpu, cost.wall
        );
        remove(&file);
        figures.push(Figure::at_most(
            format!("resident memory, {megabytes} MB unsorted"),
            cost.peak_memory as f64 / f64::from(1 << 20),
            LIMIT,
            " MB",
        ));
    }
    Ok(figures)
}
