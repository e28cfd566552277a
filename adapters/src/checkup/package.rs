//! A package of many people's documents, as facilities and insurers hand them over: a ZIP, or the folder that it was unpacked to.
//!
//! What a file is says its content, whatever it is called. A few documents are held at a time. Index and sums say how many there should
//! be; claims are money, and are not looked into; what is nothing of a package is told by its path, and stops nothing.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use model::checkup::Checkup;

use super::content::{self, Companion, Content, Kind, kind};
use super::document::{self, Document};
use super::encoding::{text, without_utf16};
use super::individual_number::Ids;
use super::locked::Locked;
use super::side_by_side::in_order;
use super::table::TableOf;
use super::tree::{Element, Tree};
use super::{DAMAGED, Documents, REFUSED, bundle, individual_number, look_for_individual_numbers, own, parse};
use crate::archive::{self, Archive, Whole};
use crate::{AdapterError, Input, NotStored};

pub use super::locked::unlocked;

/// A document of a package.
#[derive(Clone, Debug, PartialEq)]
pub struct PackageEntry {
    /// Where it is: its path in the package, or its line in a table.
    pub place: String,
    /// What it tells; `None` where it could not be read.
    pub checkup: Option<Checkup>,
    /// The document as it came.
    pub original: Original,
    /// What of it could not be read.
    pub left_out: Vec<NotStored>,
}

/// A document as it came.
#[derive(Clone, Debug, PartialEq)]
pub enum Original {
    /// By itself.
    Plain(Vec<u8>),
    /// As its ZIP had it: by DEFLATE (RFC 1951), with nothing around it. It unpacks.
    Deflated {
        /// What the ZIP has.
        bytes: Vec<u8>,
        /// How many bytes it unpacks to.
        unpacked: usize,
    },
}

impl Original {
    /// Bytes of the document, unpacked: what is read of it is as large.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::Plain(bytes) => bytes.len(),
            Self::Deflated { unpacked, .. } => *unpacked,
        }
    }
}

impl From<Whole> for Original {
    fn from(file: Whole) -> Self {
        let unpacked = file.plain.len();
        match file.deflated {
            Some(bytes) => Self::Deflated { bytes, unpacked },
            None => Self::Plain(file.plain),
        }
    }
}

/// What a package says of itself, and what else is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackageSum {
    /// Documents that its index counts.
    pub indexed: Option<u64>,
    /// People that its sums count.
    pub summed: Option<u64>,
    /// Documents that are there.
    pub documents: u64,
    /// Claims, which are passed over.
    pub claims: u64,
    /// Schemas of the form, which are nobody's.
    pub schemas: u64,
    /// Files that are nothing of it.
    pub unsupported: Unsupported,
}

impl PackageSum {
    /// True where as many documents are there as it says of itself. Guidance may be counted among them, or not.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let guidance = self.unsupported.counts.get(document::GUIDANCE).unwrap_or(&0);
        let counts = [self.documents, self.documents + guidance];
        [self.indexed, self.summed]
            .iter()
            .flatten()
            .all(|said| counts.contains(said))
    }
}

/// Files that are nothing of a package: of other programmes, pictures, tables, whatever.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unsupported {
    /// How many there are for each reason.
    pub counts: BTreeMap<&'static str, u64>,
    /// Their paths, each with the reason, as far as some megabytes hold them.
    pub places: Vec<(String, &'static str)>,
    bytes: usize,
}

impl Unsupported {
    fn add(&mut self, path: String, reason: &'static str) {
        *self.counts.entry(reason).or_default() += 1;
        self.bytes += path.len();
        if self.bytes <= MOST_OF_PATHS {
            self.places.push((path, reason));
        }
    }
}

/// Bytes of the paths that are kept of what is nothing of a package.
const MOST_OF_PATHS: usize = 4 << 20;
/// A document of another programme, or none that is known.
const ANOTHER: &str = "another-document";
/// Neither XML nor JSON, so no document.
const NO_DOCUMENT: &str = "no-document";
/// A table: which of its columns is what, nothing in a package says, so that it is taken in by itself with a file that does.
const TABLE: &str = "table-by-itself";
/// Larger than any document, and none.
const TOO_LARGE: &str = "too-large";

/// What can be a document, or what stands beside documents.
pub(super) fn is_wanted(kind: Kind) -> bool {
    matches!(kind, Kind::Xml | Kind::Json)
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
    let entries = &archive.entries;
    let read = |place: usize| content::of_entry(&archive, &entries[place], is_wanted);
    all(entries.len(), |place| entries[place].path.clone(), read, each)
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
    let locked = Locked::open(input, password)?;
    let paths = locked.paths();
    let count = paths.len();
    // Unlocking is a matter of one reader; what it takes to read a document is not.
    let locked = Mutex::new(locked);
    let read = |place: usize| locked.lock().unwrap_or_else(PoisonError::into_inner).file(place);
    // The cipher of old lets one wrong password in 256 pass; what it unlocks is nothing.
    let is_nothing = |read| {
        !matches!(
            read,
            Ok(Content::Whole(_)) | Err(AdapterError::Refused { .. } | AdapterError::OtherPassword)
        )
    };
    if (0..count).all(|place| is_nothing(read(place))) {
        return Err(AdapterError::Refused {
            problem: "nothing in it can be read: its password is another one, or it has no documents".to_owned(),
        });
    }
    all(count, |place| paths[place].clone(), read, each)
}

/// As [`zip()`], of a folder and all in it, in the order of the paths.
///
/// # Errors
/// As [`zip()`], and what the disk reports.
pub fn folder(path: &Path, each: Each<'_>) -> Result<PackageSum, AdapterError> {
    let files = files(path)?;
    let below = |place: usize| {
        let below = files[place].strip_prefix(path).unwrap_or(&files[place]);
        below.display().to_string()
    };
    let read = |place: usize| content::of_file(&below(place), &mut std::fs::File::open(&files[place])?, is_wanted);
    all(files.len(), below, read, each)
}

/// The files below a folder, sorted. Links are not followed: a package has none.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>, AdapterError> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            let path = entry.path();
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() {
                found.push(path);
            }
            if found.len() + folders.len() > archive::MAX_ENTRIES {
                return Err(AdapterError::Refused {
                    problem: format!("it has more than {} files: divide it", archive::MAX_ENTRIES),
                });
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Hands on every document of a package of so many files: not before all of them were looked through, since of one that bears
/// Individual Numbers nothing is kept.
fn all(
    count: usize,
    path: impl Fn(usize) -> String + Sync,
    read: impl Fn(usize) -> Result<Content, AdapterError> + Sync,
    each: Each<'_>,
) -> Result<PackageSum, AdapterError> {
    let look = |place: usize| {
        let Content::Whole(file) = read(place)? else {
            return Ok(Ids::default());
        };
        match kind(&file.plain) {
            Kind::Json => individual_number::refuse_quoted(&text(&file.plain)?)?,
            Kind::Xml if bundle::looks_like_one(&without_utf16(&file.plain)) => {
                let text = text(&file.plain)?;
                // What cannot be read is said where it is taken.
                let Ok(json) = bundle::as_json(&text) else {
                    return Ok(Ids::default());
                };
                individual_number::refuse_quoted(&json)?;
                return Ok(Ids::of(json.as_bytes()));
            }
            _ => look_for_individual_numbers(&file.plain)?,
        }
        Ok(Ids::of(&without_utf16(&file.plain)))
    };
    let mut ids = Ids::default();
    let looked = |looked| {
        match looked {
            Ok(further) => ids.add(further),
            // What cannot be read is said where it is taken.
            Err(AdapterError::Damaged { .. }) => {}
            Err(error) => return ControlFlow::Break(error),
        }
        ControlFlow::Continue(())
    };
    if let ControlFlow::Break(error) = in_order(count, look, |_| 0, looked)? {
        return Err(error);
    }
    ids.end()?;
    let mut sum = PackageSum::default();
    let take = |file: Result<File, AdapterError>| match file {
        Ok(file) => take(file, &mut sum, each).map_break(|()| None),
        Err(error) => ControlFlow::Break(Some(error)),
    };
    let size = |file: &Result<File, AdapterError>| file.as_ref().map_or(0, |file| file.original.size());
    match in_order(count, |place| file(path(place), read(place)), size, take)? {
        ControlFlow::Break(Some(error)) => Err(error),
        ControlFlow::Break(None) | ControlFlow::Continue(()) => Ok(sum),
    }
}

/// A file of a package, and what it is.
struct File {
    path: String,
    original: Original,
    found: Found,
}

/// What a file of a package is.
enum Found {
    Document(Box<Document>),
    Index(Option<u64>),
    Sums(Option<u64>),
    Claim,
    Schema,
    /// Nothing of it, and why.
    Unsupported(&'static str),
    /// It should have been a document: why it could not be read.
    Unread(&'static str),
}

fn file(path: String, read: Result<Content, AdapterError>) -> Result<File, AdapterError> {
    let nothing = || Original::Plain(Vec::new());
    let (original, found) = match read {
        Ok(Content::Whole(read)) => {
            let found = match found(&read.plain) {
                Err(AdapterError::Damaged { .. }) => unread(&path, &read.plain, DAMAGED),
                // One that declares entities, or is deeper than any: the others are read all the same.
                Err(AdapterError::Refused { .. }) => unread(&path, &read.plain, REFUSED),
                Err(AdapterError::NothingInside { .. }) => Found::Unsupported(ANOTHER),
                found => found?,
            };
            (read.into(), found)
        }
        Ok(Content::Unwanted(Kind::Table(TableOf::Claims))) => (nothing(), Found::Claim),
        Ok(Content::Unwanted(kind)) => {
            let is_table = kind == Kind::Table(TableOf::Checkup) || content::is_named_as_table(&path);
            let why = if is_table { TABLE } else { NO_DOCUMENT };
            (nothing(), Found::Unsupported(why))
        }
        Ok(Content::TooLarge) => (nothing(), Found::Unsupported(TOO_LARGE)),
        Err(AdapterError::Damaged { .. }) => (nothing(), Found::Unread(DAMAGED)),
        Err(error) => return Err(error),
    };
    Ok(File { path, original, found })
}

/// Why a file could not be read that says that it is a document, or is called as one; any other is nothing of the package.
fn unread(path: &str, bytes: &[u8], reason: &'static str) -> Found {
    let is_meant =
        content::is_named_as_document(path) || content::claims_to_be_document(bytes) || bundle::looks_like_one(bytes);
    match is_meant {
        true => Found::Unread(reason),
        false => Found::Unsupported(ANOTHER),
    }
}

fn take(file: File, sum: &mut PackageSum, each: Each<'_>) -> ControlFlow<()> {
    let (checkup, left_out) = match file.found {
        Found::Document(document) => (document.checkup, document.left_out),
        Found::Unread(reason) => (None, vec![Documents::unread(reason)]),
        Found::Index(count) => {
            sum.indexed = count;
            return ControlFlow::Continue(());
        }
        Found::Sums(count) => {
            sum.summed = count;
            return ControlFlow::Continue(());
        }
        Found::Claim => {
            sum.claims += 1;
            return ControlFlow::Continue(());
        }
        Found::Schema => {
            sum.schemas += 1;
            return ControlFlow::Continue(());
        }
        Found::Unsupported(reason) => {
            sum.unsupported.add(file.path, reason);
            return ControlFlow::Continue(());
        }
    };
    sum.documents += 1;
    each(PackageEntry {
        place: file.path,
        checkup,
        original: file.original,
        left_out,
    })
}

fn found(bytes: &[u8]) -> Result<Found, AdapterError> {
    let text = text(bytes)?;
    match kind(bytes) {
        Kind::Json | Kind::Xml if bundle::looks_like_one(text.as_bytes()) => {
            let json = bundle::as_json(&text)?;
            Ok(Found::Document(Box::new(bundle::read(&json)?)))
        }
        Kind::Json => Ok(Found::Unsupported(ANOTHER)),
        Kind::Table(TableOf::Claims) => Ok(Found::Claim),
        Kind::Xml | Kind::Table(_) | Kind::Other => of_xml(&text),
    }
}

fn of_xml(text: &str) -> Result<Found, AdapterError> {
    let tree: Tree<'_> = parse(text)?;
    let root = tree.root();
    let count = |root: Element<'_>, name: &'static str| {
        let written = root.at(&[name], "value")?;
        document::plain(written).parse().ok()
    };
    Ok(match Companion::named(root.name()) {
        Some(Companion::Index) => Found::Index(count(root, "totalRecordCount")),
        Some(Companion::Sums) => Found::Sums(count(root, "totalSubjectCount")),
        Some(Companion::Claim) => Found::Claim,
        Some(Companion::Schema) => Found::Schema,
        None if document::is_document(root) => {
            // A Latin name whose letters all stand apart leaves no trace that the look before finds.
            individual_number::refuse(&tree)?;
            if document::is_guidance(root) {
                return Ok(Found::Unsupported(document::GUIDANCE));
            }
            Found::Document(Box::new(document::read(&tree)))
        }
        None if own::recognise(text) == Some(TableOf::Claims) => Found::Claim,
        None => Found::Unsupported(ANOTHER),
    })
}
