//! Tables of many people, a line each, as municipalities and insurers keep them. Which column is what stands in a file that an
//! operator writes and tries; what it does not name, and no item is called, is kept with the line and counted.

use std::io::{self, Read};

use csv::ByteRecord;

use super::encoding::{WithoutUtf16, without_utf16};
use super::package::{Each, PackageSum};
use super::table::{self, Watch};
use crate::archive::{self, Sequential};
use crate::{AdapterError, Input};

mod bound;
mod file;
mod kind;
mod ledger;
mod source;
mod sum;

use bound::Bound;
pub use file::{Columns, ColumnsError};
pub use ledger::{LedgerColumns, LedgerLine, LedgerSum, Membership, ledger};
pub use sum::{ColumnSum, TableSum};

/// The most columns of a table.
const MOST_COLUMNS: usize = 1_024;
/// The longest line, in bytes.
const LONGEST_LINE: usize = 1 << 20;

/// Hands every line of a table on as a document for each day that it tells of, in its order, until it is told to stop.
///
/// # Errors
/// [`AdapterError`] where a column is not there, where it bears Individual Numbers or is of claims, and what the disk reports.
pub fn table(columns: &Columns, input: &Input<'_>, each: Each<'_>) -> Result<PackageSum, AdapterError> {
    let sum = try_out(columns, input, each)?;
    Ok(PackageSum {
        documents: sum.documents,
        ..PackageSum::default()
    })
}

/// As [`table`], and says what became of every column.
///
/// # Errors
/// As [`table`].
pub fn try_out(columns: &Columns, input: &Input<'_>, each: Each<'_>) -> Result<TableSum, AdapterError> {
    let header_lines = columns.written.header_lines;
    let (is_utf8, names) = first_look(header_lines, input)?;
    let mut bound = Bound::new(columns, names)?;
    walk(input, |place, line, record| {
        let cells = decoded(record, is_utf8);
        if place < header_lines || cells.iter().all(String::is_empty) {
            return Ok(true);
        }
        let entries = bound.line(columns, line, &cells);
        bound.sum.documents += entries.len() as u64;
        Ok(entries.into_iter().all(|entry| each(entry).is_continue()))
    })?;
    Ok(bound.sum)
}

/// Looks through a table of people of whatever columns, before anything of it is taken.
///
/// # Errors
/// [`AdapterError`] where it bears Individual Numbers or is of claims, and what the disk reports.
pub fn look_through(input: &Input<'_>) -> Result<(), AdapterError> {
    first_look(1, input).map(|_| ())
}

/// Goes through the whole table before anything of it is taken: its encoding, its names, and that it bears neither Individual Numbers
/// nor claims.
fn first_look(header_lines: usize, input: &Input<'_>) -> Result<(bool, Vec<String>), AdapterError> {
    let (mut is_utf8, mut watch, mut names, mut claims) = (true, Watch::default(), Vec::new(), 0);
    walk(input, |place, _, record| {
        is_utf8 &= record.iter().all(|cell| std::str::from_utf8(cell).is_ok());
        // Names and digits are the same words in either reading, or are none in the wrong one.
        let cells = decoded(record, std::str::from_utf8(record.as_slice()).is_ok());
        claims += usize::from(table::is_claim(&cells));
        watch.look(&cells)?;
        if place < header_lines.max(1) {
            names = record.iter().map(<[u8]>::to_vec).collect();
        }
        Ok(true)
    })?;
    watch.end()?;
    if claims >= 2 {
        return Err(AdapterError::Claims);
    }
    let names: Vec<String> = match header_lines {
        0 => (1..=names.len()).map(|place| format!("column {place}")).collect(),
        _ => decoded(&names.iter().collect(), is_utf8),
    };
    if names.is_empty() || names.len() > MOST_COLUMNS {
        return Err(AdapterError::NothingInside {
            expected: "table of people, a line each",
            problem: format!("it has no columns, or more than {MOST_COLUMNS}"),
        });
    }
    Ok((is_utf8, names))
}

/// Goes through the lines, with how many came before each and the line of the file that each ends in, until `each` says no. Empty
/// lines are none.
fn walk(
    input: &Input<'_>,
    mut each: impl FnMut(usize, u64, &ByteRecord) -> Result<bool, AdapterError>,
) -> Result<(), AdapterError> {
    let head = archive::head(input);
    let lines = Lines {
        inner: WithoutUtf16::new(Sequential { input, at: 0 }, &head),
        read: 0,
        part: Vec::new(),
        passed: 0,
    };
    // Of Shift_JIS no second byte is a comma, a quotation mark or an end of line (JIS X 0208, annex 1).
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(table::delimiter(&without_utf16(&head)))
        .from_reader(lines);
    let (mut record, mut place) = (ByteRecord::new(), 0);
    while reader
        .read_byte_record(&mut record)
        .map_err(|error| unread(place, error))?
    {
        reader.get_mut().read = 0;
        let end = reader.position();
        // The reader stops behind a line's end, or in the midst of one of two characters.
        let last = reader.get_ref().at(end.byte().saturating_sub(1));
        let line = end.line() - u64::from(last == Some(b'\n'));
        if !each(place, line, &record)? {
            break;
        }
        place += 1;
    }
    Ok(())
}

fn unread(place: usize, error: csv::Error) -> AdapterError {
    match error.into_kind() {
        csv::ErrorKind::Io(error) if error.kind() != io::ErrorKind::InvalidData => AdapterError::Io(error),
        _ => AdapterError::Damaged {
            place: format!("after line {place}"),
            problem: format!("a line is longer than {LONGEST_LINE} bytes: is a quotation mark open?"),
        },
    }
}

fn decoded(record: &ByteRecord, is_utf8: bool) -> Vec<String> {
    let cells = record.iter().map(|cell| {
        let text = match is_utf8 {
            true => String::from_utf8_lossy(cell),
            false => encoding_rs::SHIFT_JIS.decode_without_bom_handling(cell).0,
        };
        text.trim_start_matches('\u{feff}').trim().to_owned()
    });
    cells.collect()
}

/// Refuses a line that would fill the memory, as one does in which a quotation mark is never closed.
struct Lines<R> {
    inner: R,
    /// Bytes since the last line.
    read: usize,
    /// What was read last, and how much came before it.
    part: Vec<u8>,
    passed: u64,
}

impl<R> Lines<R> {
    /// The byte at a place that was read last.
    fn at(&self, place: u64) -> Option<u8> {
        let place = usize::try_from(place.checked_sub(self.passed)?).ok()?;
        self.part.get(place).copied()
    }
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.read += read;
        if read > 0 {
            self.passed += self.part.len() as u64;
            self.part.clear();
            self.part.extend_from_slice(&buffer[..read]);
        }
        match self.read > LONGEST_LINE {
            true => Err(io::Error::from(io::ErrorKind::InvalidData)),
            false => Ok(read),
        }
    }
}

#[cfg(test)]
mod tests;
