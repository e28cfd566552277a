//! Importing the same file again, and a later export of the same person with 1 % new.

use super::inputs::{Bench, count, median, remove};
use super::{BenchError, Figure};

/// Each run begins with a new data folder: first, again, later.
///
/// # Errors
/// When a run fails.
pub fn measure(bench: &Bench) -> Result<Vec<Figure>, BenchError> {
    let days = bench.days;
    let file = bench.export("first.xml", days, &[])?;
    let later = bench.export("later.xml", days + (days / 100).max(1), &[])?;
    let (mut again_ratio, mut later_ratio) = (Vec::new(), Vec::new());
    let (mut stored_again, mut stored_later) = (0, 0);
    for _ in 0..bench.runs {
        let home = bench.home("again")?;
        let (first, accounting) = bench.import(&home, &file)?;
        let stored_first = count(&accounting, "stored")?;
        let (again, accounting) = bench.import(&home, &file)?;
        stored_again = stored_again.max(count(&accounting, "stored")?);
        let (new, accounting) = bench.import(&home, &later)?;
        stored_later = count(&accounting, "stored")? * 10_000 / stored_first.max(1);
        eprintln!(
            "first {:.2} s CPU, again {:.2}, later {:.2}",
            first.cpu, again.cpu, new.cpu
        );
        again_ratio.push(again.cpu / first.cpu);
        later_ratio.push(new.cpu / first.cpu);
    }
    remove(&file);
    remove(&later);
    Ok(vec![
        Figure::at_most(
            "the same file again: CPU against the first time",
            median(again_ratio),
            0.8,
            " ×",
        ),
        Figure::at_most("the same file again: new samples", stored_again as f64, 0.0, ""),
        Figure::at_most(
            format!(
                "a later export with {:.1} % new: CPU against the first time",
                stored_later as f64 / 100.0
            ),
            median(later_ratio),
            1.0,
            " ×",
        ),
    ])
}
