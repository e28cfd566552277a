//! What a file is by what it begins with, whatever it is called: names in a ZIP may be of any encoding, and say what their writer likes.
//!
//! A file is looked at before it is read whole, so that what is nobody's checkup (pictures, programs, another archive) costs its
//! beginning alone. One that is called `.xml` is read whole at once: nearly all of a package are, and are documents.

use std::io::Read;

use super::encoding::{beginning, without_utf16};
use super::table::{self, TableOf};
use super::{bundle, damaged, own};
use crate::AdapterError;
use crate::archive::{self, Archive, Entry, Whole};

/// The most bytes of one document: real ones have 30 to 80 kB.
const MOST_OF_DOCUMENT: u64 = 8 << 20;
/// Room for most documents, so that it grows once at most.
const USUAL_DOCUMENT: usize = 48 << 10;
/// Bytes by which a file is told that is not called as documents are.
const BEGINNING: u64 = 16 << 10;

/// What a file begins as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Xml,
    Json,
    Table(TableOf),
    /// Nothing that is read here.
    Other,
}

/// A file, read as far as it is wanted.
pub(super) enum Content {
    Whole(Whole),
    Unwanted(Kind),
    /// It is larger than any document, and begins as none that is read.
    TooLarge,
}

/// What bytes begin as.
pub(super) fn kind(bytes: &[u8]) -> Kind {
    let head = &bytes[..bytes.len().min(archive::HEAD)];
    let start = without_utf16(head);
    let start = start
        .strip_prefix("\u{feff}".as_bytes())
        .unwrap_or(&start)
        .trim_ascii_start();
    match start {
        [b'<', next, ..] if matches!(next, b'?' | b'!' | b'_' | 0x80..) || next.is_ascii_alphabetic() => Kind::Xml,
        [b'{', ..] => Kind::Json,
        _ => {
            let text = beginning(head);
            let table = text.and_then(|text| table::recognise(&text));
            table.map_or(Kind::Other, Kind::Table)
        }
    }
}

/// A file of a ZIP.
///
/// # Errors
/// [`AdapterError`] where it does not unpack, or is a document that is larger than any.
pub(super) fn of_entry(
    archive: &Archive<'_>,
    entry: &Entry,
    is_wanted: impl Fn(Kind) -> bool,
) -> Result<Content, AdapterError> {
    let is_named = is_named_as_document(&entry.path);
    if !is_named {
        let head = head(&mut archive.read(entry)?)?;
        let kind = kind(&head);
        if !is_wanted(kind) {
            return Ok(Content::Unwanted(kind));
        }
    }
    match archive.whole(entry, MOST_OF_DOCUMENT as usize)? {
        Some(whole) => Ok(Content::Whole(whole)),
        None => {
            let head = head(&mut archive.read(entry)?)?;
            too_large(is_named, &head)
        }
    }
}

/// As [`of_entry`], of a file that is read from elsewhere.
///
/// # Errors
/// As above.
pub(super) fn of_file(
    path: &str,
    reader: &mut dyn Read,
    is_wanted: impl Fn(Kind) -> bool,
) -> Result<Content, AdapterError> {
    let is_named = is_named_as_document(path);
    let mut bytes = match is_named {
        true => Vec::with_capacity(USUAL_DOCUMENT),
        false => head(reader)?,
    };
    if !is_named {
        let kind = kind(&bytes);
        if !is_wanted(kind) {
            return Ok(Content::Unwanted(kind));
        }
    }
    read_on(reader, &mut bytes, MOST_OF_DOCUMENT + 1)?;
    match bytes.len() as u64 > MOST_OF_DOCUMENT {
        true => too_large(is_named, &bytes),
        false => Ok(Content::Whole(Whole::plain(bytes))),
    }
}

/// What stands in a package beside its documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Companion {
    /// How many documents there are.
    Index,
    /// How many people they are about.
    Sums,
    /// Money.
    Claim,
    /// The form of one of these.
    Schema,
}

impl Companion {
    /// What the name of a root element says. Producers write these under several namespaces: the names decide.
    pub(super) fn named(root: &str) -> Option<Self> {
        match root {
            "index" => Some(Self::Index),
            "summary" => Some(Self::Sums),
            "checkupClaim" | "interventionClaim" => Some(Self::Claim),
            "schema" => Some(Self::Schema),
            _ => None,
        }
    }
}

/// A document by itself, whole.
///
/// # Errors
/// As above.
pub(super) fn whole(reader: &mut dyn Read) -> Result<Vec<u8>, AdapterError> {
    let mut bytes = Vec::with_capacity(USUAL_DOCUMENT);
    read_on(reader, &mut bytes, MOST_OF_DOCUMENT + 1)?;
    match bytes.len() as u64 > MOST_OF_DOCUMENT {
        true => Err(larger_than_any()),
        false => Ok(bytes),
    }
}

/// The beginning of a file, by which it is told.
fn head(reader: &mut dyn Read) -> Result<Vec<u8>, AdapterError> {
    let mut head = Vec::new();
    read_on(reader, &mut head, BEGINNING)?;
    Ok(head)
}

/// Reads until so many bytes are there, or the end.
fn read_on(reader: &mut dyn Read, bytes: &mut Vec<u8>, most: u64) -> Result<(), AdapterError> {
    let read = reader.take(most.saturating_sub(bytes.len() as u64)).read_to_end(bytes);
    read.map(|_| ()).map_err(|_| damaged("it cannot be unpacked"))
}

/// Says what is too large: a document ends all that it came with, since nobody hands such a thing over.
fn too_large(is_named: bool, head: &[u8]) -> Result<Content, AdapterError> {
    match is_named || claims_to_be_document(head) || bundle::looks_like_one(head) {
        true => Err(larger_than_any()),
        false => Ok(Content::TooLarge),
    }
}

fn larger_than_any() -> AdapterError {
    AdapterError::Refused {
        problem: "a document of a checkup is larger than 8 MiB, as none is".to_owned(),
    }
}

/// True for a name as documents have it. It says nothing of what is in the file but that it was meant to be one.
pub(super) fn is_named_as_document(path: &str) -> bool {
    ends_in(path, b".xml")
}

/// True for a name as tables have it.
pub(super) fn is_named_as_table(path: &str) -> bool {
    ends_in(path, b".csv") || ends_in(path, b".tsv")
}

fn ends_in(path: &str, wanted: &[u8; 4]) -> bool {
    let end = path.len().saturating_sub(wanted.len());
    path.as_bytes()[end..].eq_ignore_ascii_case(wanted)
}

/// True for what says that it is a clinical document, whole or not.
pub(super) fn claims_to_be_document(bytes: &[u8]) -> bool {
    memchr::memmem::find(bytes, b"ClinicalDocument").is_some()
}

/// True for the beginning of a checkup document: another's CDA is no checkup.
pub(super) fn looks_like_document(head: &[u8]) -> bool {
    claims_to_be_document(head) && memchr::memmem::find(head, b"1.2.392.200119.6.").is_some()
}

/// What a table, or a document that is no checkup's, is of by its beginning.
pub(super) fn kind_of(head: &[u8]) -> Option<TableOf> {
    let text = beginning(head)?;
    match own::is_xml(&text) {
        true => own::recognise(&text),
        false => table::recognise(&text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_told_by_what_it_begins_with() {
        for (bytes, expected) in [
            ("\u{feff}\r\n<?xml version='1.0'?><a/>".as_bytes(), Kind::Xml),
            ("<わたしの情報/>".as_bytes(), Kind::Xml),
            (b" {\"resourceType\":\"Bundle\"}", Kind::Json),
            ("IR,1,13,1\nRE,1,1112,202506\n".as_bytes(), Kind::Table(TableOf::Claims)),
            (b"< a", Kind::Other),
            (b"<", Kind::Other),
            (b"", Kind::Other),
            (b"%PDF-1.7\n\x00\xff", Kind::Other),
            (b"\xff\xfe<\x00a\x00", Kind::Xml),
            (b"\xfe\xff\x00{\x00", Kind::Json),
            (b"\xff\xfe\x00\x00", Kind::Other),
            (b"[]", Kind::Other),
        ] {
            assert_eq!(kind(bytes), expected, "{bytes:?}");
        }
        let (shift_jis, ..) = encoding_rs::SHIFT_JIS.encode("<わたしの情報/>");
        assert_eq!(kind(&shift_jis), Kind::Xml);
    }
}
