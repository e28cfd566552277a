//! An import, whole way to durable leaves and totals, against a bare quick-xml pass over the same file.

use std::path::Path;

use super::inputs::{Bench, count, median, remove, size};
use super::{BenchError, Figure, process};

/// Runs both by turns.
///
/// # Errors
/// When a run fails.
pub fn measure(bench: &Bench) -> Result<Vec<Figure>, BenchError> {
    let file = bench.export("large.xml", bench.days, &[])?;
    let this = std::env::current_exe().map_err(|error| BenchError::file(Path::new("this program"), error))?;
    let (mut cpu, mut wall) = (Vec::new(), Vec::new());
    let mut received = 0;
    for _ in 0..bench.runs {
        let (bare, _) = process::run(&this, &["bench", "quick-xml", &file])?;
        let home = bench.home("import")?;
        let (ours, accounting) = bench.import(&home, &file)?;
        received = count(&accounting, "received")?;
        eprintln!(
            "quick-xml {:.2} s CPU, {:.2} s wall; import {:.2} s CPU, {:.2} s wall, {:.0} MB resident",
            bare.cpu,
            bare.wall,
            ours.cpu,
            ours.wall,
            ours.peak_memory as f64 / 1e6
        );
        cpu.push(ours.cpu / bare.cpu);
        wall.push(ours.wall / bare.wall);
    }
    let what = format!("{} MB, {received} records", size(&file)? / 1_000_000);
    remove(&file);
    Ok(vec![
        Figure::at_most(
            format!("import of {what}: CPU against bare quick-xml"),
            median(cpu),
            2.0,
            " ×",
        ),
        Figure::at_most(
            format!("import of {what}: wall against bare quick-xml"),
            median(wall),
            1.3,
            " ×",
        ),
    ])
}
