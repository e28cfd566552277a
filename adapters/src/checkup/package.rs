//! A package of many people's documents, as facilities and insurers hand them over: a ZIP, or the folder that it was unpacked to.
//!
//! One document is held at a time. Index and sums say how many there should be; claims are money, and are not looked into.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use model::checkup::Checkup;

use super::locked::Locked;
use super::tree::{Element, Tree};
use super::{
    Documents, bytes, document, individual_number, look_for_individual_numbers, may_be_document, parse,
    refuse_individual_numbers, text,
};
use crate::archive::{self, Archive};
use crate::{AdapterError, Input, NotStored};

/// A document of a package.
#[derive(Clone, Debug, PartialEq)]
pub struct PackageEntry {
    /// What it tells; `None` where it could not be read.
    pub checkup: Option<Checkup>,
    /// The document as it came.
    pub original: Vec<u8>,
    /// What of it could not be read.
    pub left_out: Vec<NotStored>,
}

/// What a package says of itself, and what else is in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PackageSum {
    /// Documents that its index counts.
    pub indexed: Option<u64>,
    /// People that its sums count.
    pub summed: Option<u64>,
    /// Documents that are there.
    pub documents: u64,
    /// Claims, which are passed over.
    pub claims: u64,
    /// Files of other programmes, which nothing reads yet.
    pub others: u64,
}

/// Takes one document after the other.
pub type Each<'e> = &'e mut dyn FnMut(PackageEntry) -> ControlFlow<()>;

/// Hands every document of a ZIP on, in its order, until it is told to stop.
///
/// # Errors
/// [`AdapterError`] where it is no ZIP, opens with a password only, bears Individual Numbers, or passes bounds that no package passes.
pub fn zip(input: &Input<'_>, each: Each<'_>) -> Result<PackageSum, AdapterError> {
    if !archive::is_zip(&archive::head(input)) {
        return Err(AdapterError::NothingInside {
            expected: "package of documents",
            problem: "it is no ZIP".to_owned(),
        });
    }
    let archive = Archive::open(input)?;
    refuse_individual_numbers(&archive)?;
    let mut sum = PackageSum::default();
    for entry in archive.entries.iter().filter(|entry| may_be_document(entry)) {
        let read = archive.read(entry).and_then(|mut reader| bytes(&mut reader));
        if take(read, &mut sum, each)?.is_break() {
            break;
        }
    }
    Ok(sum)
}

/// Whether a password is needed to open a file.
#[must_use]
pub fn is_locked(input: &Input<'_>) -> bool {
    archive::is_locked(input)
}

/// As [`zip()`], of one that a password locks.
///
/// # Errors
/// As [`zip()`], and where the password is another.
pub fn locked_zip(input: &Input<'_>, password: &[u8], each: Each<'_>) -> Result<PackageSum, AdapterError> {
    let mut locked = Locked::open(input, password)?;
    let mut unread = 0;
    for place in 0..locked.len() {
        match locked.document(place) {
            Ok(document) => look_for_individual_numbers(&document)?,
            Err(AdapterError::Damaged { .. }) => unread += 1,
            Err(error) => return Err(error),
        }
    }
    // The cipher of old lets one wrong password in 256 pass; what it unlocks is nothing.
    if unread == locked.len() {
        return Err(AdapterError::Refused {
            problem: "nothing in it can be read: its password is another one, or it has no documents".to_owned(),
        });
    }
    let mut sum = PackageSum::default();
    let mut locked = Locked::open(input, password)?;
    for place in 0..locked.len() {
        if take(locked.document(place), &mut sum, each)?.is_break() {
            break;
        }
    }
    Ok(sum)
}

/// As [`zip()`], of a folder and all in it, in the order of the paths.
///
/// # Errors
/// As [`zip()`], and what the disk reports.
pub fn folder(path: &Path, each: Each<'_>) -> Result<PackageSum, AdapterError> {
    let mut sum = PackageSum::default();
    for path in files(path)? {
        let mut file = std::fs::File::open(path)?;
        look_for_individual_numbers(&bytes(&mut file)?)?;
    }
    for path in files(path)? {
        let mut file = std::fs::File::open(path)?;
        if take(bytes(&mut file), &mut sum, each)?.is_break() {
            break;
        }
    }
    Ok(sum)
}

/// The documents below a folder, sorted. Links are not followed: a package has none.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>, AdapterError> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            let path = entry.path();
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() && path.extension().is_some_and(|end| end.eq_ignore_ascii_case("xml")) {
                found.push(path);
            }
            if found.len() + folders.len() > archive::MAX_ENTRIES {
                return Err(AdapterError::Refused {
                    problem: format!("it has more than {} files", archive::MAX_ENTRIES),
                });
            }
        }
    }
    found.sort();
    Ok(found)
}

fn take(
    read: Result<Vec<u8>, AdapterError>,
    sum: &mut PackageSum,
    each: Each<'_>,
) -> Result<ControlFlow<()>, AdapterError> {
    let original = match read {
        Ok(original) => original,
        Err(AdapterError::Damaged { .. }) => return Ok(unread(Vec::new(), sum, each)),
        Err(error) => return Err(error),
    };
    let found = {
        let parsed = text(&original).and_then(|text| looked_at(&text));
        match parsed {
            Ok(found) => found,
            Err(AdapterError::Damaged { .. }) => return Ok(unread(original, sum, each)),
            Err(error) => return Err(error),
        }
    };
    match found {
        Looked::Document(document) => {
            sum.documents += 1;
            let document::Document { checkup, left_out } = *document;
            Ok(each(PackageEntry {
                checkup,
                original,
                left_out,
            }))
        }
        Looked::Index(count) => {
            sum.indexed = count;
            Ok(ControlFlow::Continue(()))
        }
        Looked::Sums(count) => {
            sum.summed = count;
            Ok(ControlFlow::Continue(()))
        }
        Looked::Claim => {
            sum.claims += 1;
            Ok(ControlFlow::Continue(()))
        }
        Looked::Other => {
            sum.others += 1;
            Ok(ControlFlow::Continue(()))
        }
    }
}

/// A file that should have been a document.
fn unread(original: Vec<u8>, sum: &mut PackageSum, each: Each<'_>) -> ControlFlow<()> {
    sum.documents += 1;
    each(PackageEntry {
        checkup: None,
        original,
        left_out: vec![Documents::damaged()],
    })
}

/// What a file of a package is.
enum Looked {
    Document(Box<document::Document>),
    Index(Option<u64>),
    Sums(Option<u64>),
    Claim,
    Other,
}

fn looked_at(text: &str) -> Result<Looked, AdapterError> {
    let tree: Tree<'_> = parse(text)?;
    let root = tree.root();
    let count = |root: Element<'_>, name: &'static str| {
        let written = root.at(&[name], "value")?;
        document::plain(written).parse().ok()
    };
    // Producers write index and sums under several namespaces: the names decide.
    Ok(match root.name() {
        "index" => Looked::Index(count(root, "totalRecordCount")),
        "summary" => Looked::Sums(count(root, "totalSubjectCount")),
        "checkupClaim" | "interventionClaim" => Looked::Claim,
        _ if document::is_document(root) => {
            individual_number::refuse(&tree)?;
            Looked::Document(Box::new(document::read(&tree)))
        }
        _ => Looked::Other,
    })
}
