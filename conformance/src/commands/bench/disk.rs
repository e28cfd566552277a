//! Bytes on disk a stored sample, all tables included, as `sekisho stats` counts them.

use super::inputs::{Bench, count, json, remove};
use super::{BenchError, Figure, process};

/// A year of a watch that measures a thousand heart rates a day.
///
/// # Errors
/// When a run fails.
pub fn measure(bench: &Bench) -> Result<Vec<Figure>, BenchError> {
    let file = bench.export("year.xml", 365, &["--heart-rates", "1000"])?;
    let home = bench.home("disk")?;
    bench.import(&home, &file)?;
    remove(&file);
    let (_, printed) = process::run(&bench.sekisho, &["stats", "--json", "--data", &home.folder])?;
    let stats = json("stats", &printed)?;
    let samples = count(&stats, "samples")? as f64;
    let parked = count(&stats, "parked_bytes")? as f64;
    let on_disk = count(&stats, "bytes_on_disk")? as f64;
    eprintln!(
        "{samples} samples, {} parked numbers in {parked} bytes, {on_disk} bytes on disk",
        count(&stats, "parked_samples")?
    );
    Ok(vec![
        Figure::at_most(
            "disk, all tables, without what is parked, a stored sample",
            (on_disk - parked) / samples,
            4.5,
            " bytes",
        ),
        Figure::at_most("parked data, a stored sample", parked / samples, 1.2, " bytes"),
    ])
}
