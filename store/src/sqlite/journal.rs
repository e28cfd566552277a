//! The journal: withdrawals, narrowings, deletions, erasures and blocked recipients, in a file outside the database.
//!
//! An entry is appended and synced before the transaction that carries it out commits, and the database stores the last
//! number it has carried out. So a database brought back from an older backup learns at opening what must not come back.
//! A line is a JSON object, a tab and a checksum that also covers the line before; a torn last line was never acknowledged
//! and is cut off.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use model::UtcMillis;
use serde::{Deserialize, Serialize};

use crate::{Result, StoreError};

/// Name of the file in the data folder.
pub(crate) const FILE: &str = "journal";

/// What kind of step an entry records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    /// A consent ended by the person's word; `subject` is the consent.
    Withdrawal,
    /// A consent was narrowed; `subject` is the consent, `body` what it became, sealed.
    Narrowing,
    /// Data of a person was deleted; `subject` says which.
    Deletion,
    /// A person was erased.
    Erasure,
    /// A recipient was blocked; `subject` is the recipient.
    BlockedRecipient,
}

/// One step that must survive a return to an older database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Counts up by one from 1.
    pub(crate) number: u64,
    /// When it was done.
    pub(crate) at: i64,
    /// What was done.
    pub(crate) step: Step,
    /// Whose it was; 0 where it is nobody's.
    pub(crate) person: u32,
    /// What it was done to.
    pub(crate) subject: u64,
    /// Whatever more the step needs, sealed where it says anything about a person.
    pub(crate) body: Vec<u8>,
}

/// The open file.
pub(crate) struct Journal {
    file: File,
    length: u64,
    last_number: u64,
    last_sum: String,
}

impl Journal {
    /// Opens the file, or makes it, and cuts a torn last line off.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        let fresh = !path.exists();
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| StoreError::io("opening the journal", &error))?;
        let mut text = Vec::new();
        file.read_to_end(&mut text)
            .map_err(|error| StoreError::io("reading the journal", &error))?;
        let scan = scan(&text)?;
        if scan.length < text.len() as u64 {
            tracing::warn!(
                bytes = text.len() as u64 - scan.length,
                "the journal's torn last line was cut off"
            );
            file.set_len(scan.length)
                .and_then(|()| file.sync_all())
                .map_err(|error| StoreError::io("cutting the journal's torn line", &error))?;
        }
        file.seek(std::io::SeekFrom::Start(scan.length))
            .map_err(|error| StoreError::io("reading the journal", &error))?;
        if fresh {
            sync_folder(folder)?;
        }
        Ok(Self {
            file,
            length: scan.length,
            last_number: scan.entries.last().map_or(0, |entry| entry.number),
            last_sum: scan.last_sum,
        })
    }

    /// All entries of a folder's journal, without touching it. A folder without one has none.
    pub(crate) fn read(folder: &Path) -> Result<Vec<Entry>> {
        match std::fs::read(folder.join(FILE)) {
            Ok(text) => Ok(scan(&text)?.entries),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(StoreError::io("reading the journal", &error)),
        }
    }

    /// The number of the last entry; 0 when there is none.
    pub(crate) fn last_number(&self) -> u64 {
        self.last_number
    }

    /// Appends an entry and syncs it. Returns its number.
    pub(crate) fn append(
        &mut self,
        at: UtcMillis,
        step: Step,
        person: u32,
        subject: u64,
        body: Vec<u8>,
    ) -> Result<u64> {
        let entry = Entry {
            number: self.last_number + 1,
            at: at.0,
            step,
            person,
            subject,
            body,
        };
        let text = serde_json::to_string(&entry).map_err(|_| StoreError::damaged("a journal entry"))?;
        let sum = checksum(&self.last_sum, &text);
        let line = format!("{text}\t{sum}\n");
        let written = self
            .file
            .write_all(line.as_bytes())
            .and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // What got onto the disk of a failed append must not stand in the way of the next.
            let cut = self.file.set_len(self.length).and_then(|()| {
                self.file.seek(std::io::SeekFrom::Start(self.length))?;
                self.file.sync_data()
            });
            if let Err(error) = cut {
                tracing::error!(%error, "the journal's failed line could not be cut off");
            }
            return Err(StoreError::io("writing the journal", &error));
        }
        self.length += line.len() as u64;
        self.last_number = entry.number;
        self.last_sum = sum;
        Ok(entry.number)
    }
}

struct Scan {
    entries: Vec<Entry>,
    length: u64,
    last_sum: String,
}

fn scan(text: &[u8]) -> Result<Scan> {
    let mut scan = Scan {
        entries: Vec::new(),
        length: 0,
        last_sum: String::new(),
    };
    let mut rest = text;
    while !rest.is_empty() {
        let line_end = rest.iter().position(|byte| *byte == b'\n');
        let line = line_end.map(|end| &rest[..end]);
        let read = line.and_then(|line| read_line(line, &scan.last_sum, scan.entries.last()));
        let Some((entry, sum)) = read else {
            // Only the last line can be torn: an append is synced before the next one begins.
            let is_last = line_end.is_none_or(|end| end + 1 == rest.len());
            if is_last {
                break;
            }
            return Err(StoreError::damaged(format!(
                "the journal, line {}",
                scan.entries.len() + 1
            )));
        };
        let length = line_end.map_or(rest.len(), |end| end + 1);
        scan.entries.push(entry);
        scan.last_sum = sum;
        scan.length += length as u64;
        rest = &rest[length..];
    }
    Ok(scan)
}

fn read_line(line: &[u8], last_sum: &str, last: Option<&Entry>) -> Option<(Entry, String)> {
    let (text, sum) = std::str::from_utf8(line).ok()?.rsplit_once('\t')?;
    if checksum(last_sum, text) != sum {
        return None;
    }
    let entry: Entry = serde_json::from_str(text).ok()?;
    (entry.number == last.map_or(0, |last| last.number) + 1).then(|| (entry, sum.to_owned()))
}

fn checksum(last_sum: &str, text: &str) -> String {
    let sum = digest(&SHA256, format!("{last_sum}\t{text}").as_bytes());
    sum.as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Makes the folder's list of files durable.
pub(crate) fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| StoreError::io("syncing the data folder", &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_read_back_and_a_torn_line_is_cut() -> Result<()> {
        let folder = tempfile::tempdir().expect("temporary folder");
        let mut journal = Journal::open(folder.path())?;
        assert_eq!(journal.append(UtcMillis(5), Step::Withdrawal, 1, 9, vec![1, 2])?, 1);
        assert_eq!(journal.append(UtcMillis(6), Step::Erasure, 2, 0, Vec::new())?, 2);
        drop(journal);
        let whole = std::fs::read(folder.path().join(FILE)).expect("journal");
        for cut in 0..whole.len() {
            std::fs::write(folder.path().join(FILE), &whole[..cut]).expect("write");
            let mut journal = Journal::open(folder.path())?;
            let kept = journal.last_number();
            assert!(kept <= 1);
            assert_eq!(
                journal.append(UtcMillis(7), Step::Deletion, 3, 0, Vec::new())?,
                kept + 1
            );
            assert_eq!(Journal::read(folder.path())?.len() as u64, kept + 1);
        }
        Ok(())
    }

    #[test]
    fn a_line_that_was_changed_or_taken_out_is_noticed() -> Result<()> {
        let folder = tempfile::tempdir().expect("temporary folder");
        let mut journal = Journal::open(folder.path())?;
        for number in 0..3 {
            journal.append(UtcMillis(number), Step::Withdrawal, 1, number as u64, Vec::new())?;
        }
        let whole = std::fs::read_to_string(folder.path().join(FILE)).expect("journal");
        let without_the_second: String = whole
            .lines()
            .enumerate()
            .filter(|(line, _)| *line != 1)
            .map(|(_, line)| format!("{line}\n"))
            .collect();
        for changed in [
            whole.replacen("\"person\":1", "\"person\":2", 1),
            without_the_second + "\n",
        ] {
            std::fs::write(folder.path().join(FILE), changed).expect("write");
            assert!(Journal::open(folder.path()).is_err());
        }
        Ok(())
    }
}
