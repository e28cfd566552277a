//! The result file of a package, for whoever handed it over.

use std::io::{self, Write};

use store::{EntryResult, Store};

use super::{BatchError, PAGE, Taken};

/// Writes how each document ended, for whoever handed them over: no value, no name, no number of anybody, but for what they call their files.
/// Behind the documents stand the files that are none.
///
/// # Errors
/// What the store and `out` answer.
pub async fn write_results(store: &Store, taken: &Taken, out: impl Write) -> Result<(), BatchError> {
    let mut table = csv::Writer::from_writer(out);
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
    Ok(())
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
