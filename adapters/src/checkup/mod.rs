//! Japanese checkups: documents in the Ministry of Health's electronic form, one by one or in a ZIP of many.
//!
//! Found by content, never by name: a ZIP's names may be in any encoding. Indexes, sums and claims lie beside the documents; they
//! are no results, and claims are money, which is no business of a health record. What else residents are given of their own, such as
//! lists of medicines, is kept for a mapping to come.

mod bundle;
pub mod columns;
mod coverage;
mod document;
mod individual_number;
mod locked;
mod mask;
mod own;
pub mod package;
#[cfg(test)]
mod screening_tests;
mod side_by_side;
mod subject;
pub mod synthetic;
mod table;
#[cfg(test)]
mod tests;
mod tree;

pub use mask::without_insurance;

use std::borrow::Cow;
use std::io::Read;

use model::{Outcome, Source, SourceKind};

use crate::archive::{self, Archive, Entry};
use crate::{Adapter, AdapterError, BroughtCheckup, Coverage, Handed, Input, NotStored, Reading, Sink};
use document::Document;
use table::TableOf;
use tree::{NotXml, Tree};

/// Documents of checkups.
#[derive(Clone, Copy, Debug)]
pub struct CheckupDocuments;

/// The most bytes of one document: real ones have 30 to 80 kB.
const MOST_OF_DOCUMENT: u64 = 8 << 20;
/// Room for most documents, so that it grows once at most.
const USUAL_DOCUMENT: usize = 48 << 10;
/// Files of a ZIP that are looked at to recognise it.
const LOOKED_AT: usize = 32;

impl Adapter for CheckupDocuments {
    fn name(&self) -> &'static str {
        "checkup"
    }

    fn mapping_version(&self) -> u32 {
        coverage::MAPPING_VERSION
    }

    fn describes(&self) -> &'static str {
        "a document of a Japanese health checkup (XML in the Ministry of Health's form, a ZIP of them, FHIR, or a table of results); \
         a notice of medical costs, a list of medicines or a record of vaccinations or of mother and child (XML or a table) is kept as it is"
    }

    fn brought(&self) -> Option<[&'static str; 2]> {
        Some([
            "健診結果のファイル（マイナポータルや医療保険者から受け取ったXMLかCSV、またはそのZIP）",
            "The results of a health checkup as Myna Portal or your insurer gives them: XML, CSV, or a ZIP of them",
        ])
    }

    fn coverage(&self) -> Coverage {
        coverage::coverage()
    }

    fn recognises(&self, input: &Input<'_>) -> bool {
        let head = archive::head(input);
        if !archive::is_zip(&head) {
            return looks_like_document(&head) || bundle::looks_like_one(&head) || kind_of(&head).is_some();
        }
        let Ok(archive) = Archive::open(input) else {
            return false;
        };
        archive
            .entries
            .iter()
            .filter(|entry| may_be_document(entry))
            .take(LOOKED_AT)
            .any(|entry| {
                let reader = archive.read(entry);
                reader.is_ok_and(|mut reader| {
                    let head = archive::first(&mut reader, 4_096);
                    looks_like_document(&head) || matches!(kind_of(&head), Some(TableOf::Own(_)))
                })
            })
    }

    fn read(&self, input: &Input<'_>, sink: &mut dyn Sink) -> Result<Reading, AdapterError> {
        let mut documents = Documents {
            sink,
            reading: Reading::default(),
        };
        documents.sink.hand(Handed::Source(source()))?;
        if !archive::is_zip(&archive::head(input)) {
            let mut whole = archive::Sequential { input, at: 0 };
            let bytes = bytes(&mut whole)?;
            let head = &bytes[..bytes.len().min(archive::HEAD)];
            if looks_like_document(head) || beginning(head).is_some_and(|text| own::is_xml(&text)) {
                documents.document(bytes)?;
            } else if bundle::looks_like_one(head) {
                let text = text(&bytes)?;
                individual_number::refuse_quoted(&text)?;
                let document = bundle::read(&text)?;
                drop(text);
                documents.hand(document, bytes)?;
            } else {
                documents.table(bytes)?;
            }
            return Ok(documents.reading);
        }
        let archive = Archive::open(input)?;
        refuse_individual_numbers(&archive)?;
        for entry in archive.entries.iter().filter(|entry| may_be_document(entry)) {
            let read = archive.read(entry).and_then(|mut reader| bytes(&mut reader));
            // One file that is damaged, or refused by itself, takes nothing from the others.
            match read {
                Ok(bytes) => match documents.entry(bytes) {
                    Err(AdapterError::Damaged { .. }) => documents.not_stored(Outcome::Rejected, DAMAGED)?,
                    Err(AdapterError::Refused { .. }) => documents.not_stored(Outcome::Rejected, REFUSED)?,
                    ended => ended?,
                },
                Err(AdapterError::Damaged { .. }) => documents.not_stored(Outcome::Rejected, DAMAGED)?,
                Err(error) => return Err(error),
            }
        }
        Ok(documents.reading)
    }
}

/// Why a file of several cannot be read: it ends too early, or is no XML.
const DAMAGED: &str = "damaged-document";
/// As above: it declares types or entities of its own, or is deeper or has more elements than any document.
const REFUSED: &str = "refused-document";

/// Everything a checkup's numbers come from is one source: who measured is said by the document itself.
fn source() -> Source {
    Source {
        key: "checkup".to_owned(),
        name: "健診".to_owned(),
        manufacturer: None,
        model: None,
        hardware: None,
        copies: Vec::new(),
        kind: SourceKind::Document,
    }
}

/// Looks through all files of a ZIP before any of them is taken: of one that bears Individual Numbers nothing is kept.
fn refuse_individual_numbers(archive: &Archive<'_>) -> Result<(), AdapterError> {
    for entry in archive.entries.iter().filter(|entry| may_be_document(entry)) {
        let Ok(bytes) = archive.read(entry).and_then(|mut reader| bytes(&mut reader)) else {
            continue;
        };
        match is_own(&bytes) {
            true => with_tree(&bytes, own::refuse_individual_numbers)?,
            false => look_for_individual_numbers(&bytes)?,
        }
    }
    Ok(())
}

/// Refuses a document that bears Individual Numbers.
fn look_for_individual_numbers(bytes: &[u8]) -> Result<(), AdapterError> {
    match individual_number::may_bear(bytes) {
        true => with_tree(bytes, individual_number::refuse),
        false => Ok(()),
    }
}

/// Looks at a document's elements; what cannot be read is said where it is taken.
fn with_tree(bytes: &[u8], look: impl Fn(&Tree<'_>) -> Result<(), AdapterError>) -> Result<(), AdapterError> {
    let Ok(text) = text(bytes) else { return Ok(()) };
    parse(&text).map_or(Ok(()), |tree| look(&tree))
}

/// True for the bytes of a document that is kept as its resident's own.
fn is_own(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(archive::HEAD)];
    matches!(kind_of(head), Some(TableOf::Own(_)))
}

fn may_be_document(entry: &Entry) -> bool {
    is_named_as_document(&entry.path)
}

fn is_named_as_document(path: &str) -> bool {
    let end = path.len().saturating_sub(4);
    path.as_bytes()[end..].eq_ignore_ascii_case(b".xml")
}

/// True for the beginning of a checkup document: another's CDA is no checkup.
fn looks_like_document(head: &[u8]) -> bool {
    let says = |word: &str| memchr::memmem::find(head, word.as_bytes()).is_some();
    says("ClinicalDocument") && says("1.2.392.200119.6.")
}

/// The beginning of a text in either encoding; a character that is cut at its end is no matter.
fn beginning(head: &[u8]) -> Option<Cow<'_, str>> {
    let text = match std::str::from_utf8(head) {
        Ok(text) => Cow::Borrowed(text),
        Err(error) if error.error_len().is_none() => String::from_utf8_lossy(&head[..error.valid_up_to()]),
        Err(_) => encoding_rs::SHIFT_JIS.decode_without_bom_handling(head).0,
    };
    (!text.contains('\0')).then_some(text)
}

/// What a table, or a document that is no checkup's, is of by its beginning.
fn kind_of(head: &[u8]) -> Option<TableOf> {
    let text = beginning(head)?;
    match own::is_xml(&text) {
        true => own::recognise(&text),
        false => table::recognise(&text),
    }
}

fn bytes(reader: &mut dyn Read) -> Result<Vec<u8>, AdapterError> {
    let mut bytes = Vec::with_capacity(USUAL_DOCUMENT);
    let read = reader.take(MOST_OF_DOCUMENT + 1).read_to_end(&mut bytes);
    read.map_err(|_| damaged("it cannot be unpacked"))?;
    match bytes.len() as u64 > MOST_OF_DOCUMENT {
        true => Err(too_large()),
        false => Ok(bytes),
    }
}

fn too_large() -> AdapterError {
    AdapterError::Refused {
        problem: "a document of a checkup is larger than 8 MiB, as none is".to_owned(),
    }
}

fn damaged(problem: &str) -> AdapterError {
    AdapterError::Damaged {
        place: "in a document".to_owned(),
        problem: problem.to_owned(),
    }
}

/// A document's text: UTF-8, or what Japanese systems wrote before it.
fn text(bytes: &[u8]) -> Result<Cow<'_, str>, AdapterError> {
    if let Ok(text) = simdutf8::basic::from_utf8(bytes) {
        return Ok(Cow::Borrowed(text));
    }
    let (text, _, had_errors) = encoding_rs::SHIFT_JIS.decode(bytes);
    match had_errors {
        true => Err(damaged("it is neither UTF-8 nor Shift_JIS")),
        false => Ok(text),
    }
}

/// Documents being read.
struct Documents<'s> {
    sink: &'s mut dyn Sink,
    reading: Reading,
}

impl Documents<'_> {
    /// A file of a ZIP, of whatever kind.
    fn entry(&mut self, bytes: Vec<u8>) -> Result<(), AdapterError> {
        let text = text(&bytes)?;
        let tree = parse(&text)?;
        let root = tree.root();
        match root.name() {
            // Indexes and sums say what lies beside them; claims are money; schemas are nobody's.
            "index" | "summary" | "checkupClaim" | "interventionClaim" | "schema" => Ok(()),
            "ClinicalDocument" if document::is_document(root) => {
                individual_number::refuse(&tree)?;
                let document = document::read(&tree);
                drop(tree);
                drop(text);
                self.hand(document, bytes)
            }
            _ => match own::recognise(&text) {
                Some(TableOf::Own(word)) => {
                    let left_out = match own::kept(&text, &tree, word) {
                        // As any other claim that lies beside documents.
                        Err(AdapterError::Claims) => return self.not_stored(Outcome::Unsupported, "another-document"),
                        kept => kept?,
                    };
                    self.kept(left_out)
                }
                _ => self.not_stored(Outcome::Unsupported, "another-document"),
            },
        }
    }

    fn document(&mut self, bytes: Vec<u8>) -> Result<(), AdapterError> {
        let text = text(&bytes)?;
        let tree = parse(&text)?;
        if !document::is_document(tree.root()) {
            return match own::recognise(&text) {
                Some(TableOf::Own(word)) => self.kept(own::kept(&text, &tree, word)?),
                Some(TableOf::Claims) => Err(AdapterError::Claims),
                _ => Err(AdapterError::NothingInside {
                    expected: "document of a checkup",
                    problem: "its root is another".to_owned(),
                }),
            };
        }
        individual_number::refuse(&tree)?;
        let document = document::read(&tree);
        drop(tree);
        drop(text);
        self.hand(document, bytes)
    }

    /// What is kept for a mapping to come.
    fn kept(&mut self, left_out: Vec<NotStored>) -> Result<(), AdapterError> {
        let document = Document {
            checkup: None,
            left_out,
        };
        self.hand(document, Vec::new())
    }

    /// A table, of whatever.
    fn table(&mut self, bytes: Vec<u8>) -> Result<(), AdapterError> {
        let text = text(&bytes)?;
        table::refuse(&text)?;
        let table = match table::recognise(&text) {
            Some(TableOf::Checkup) => table::read(&text),
            Some(TableOf::Own(word)) => table::kept(&text, word),
            Some(TableOf::Claims) => return Err(AdapterError::Claims),
            None => {
                return Err(AdapterError::NothingInside {
                    expected: "result of a checkup",
                    problem: "none of its names is that of an item".to_owned(),
                });
            }
        };
        drop(text);
        let mut left_out = Some(table.left_out);
        for checkup in table.checkups {
            let document = Document {
                checkup: Some(checkup),
                left_out: left_out.take().unwrap_or_default(),
            };
            self.hand(document, bytes.clone())?;
        }
        let rest = Document {
            checkup: None,
            left_out: left_out.unwrap_or_default(),
        };
        self.hand(rest, bytes)
    }

    fn hand(&mut self, document: Document, original: Vec<u8>) -> Result<(), AdapterError> {
        for left_out in &document.left_out {
            self.reading.accounting.count(left_out.outcome, &left_out.reason);
        }
        if !document.left_out.is_empty() {
            self.sink.hand(Handed::NotStored(document.left_out))?;
        }
        if let Some(checkup) = document.checkup {
            let brought = BroughtCheckup { checkup, original };
            self.reading.samples += brought.records();
            self.sink.hand(Handed::Checkup(Box::new(brought)))?;
        }
        Ok(())
    }

    /// What is said of a file that should have been a document.
    fn unread(reason: &str) -> NotStored {
        NotStored {
            outcome: Outcome::Rejected,
            reason: reason.to_owned(),
            line: 1,
            text: String::new(),
        }
    }

    fn not_stored(&mut self, outcome: Outcome, reason: &str) -> Result<(), AdapterError> {
        self.reading.accounting.count(outcome, reason);
        self.sink.hand(Handed::NotStored(vec![NotStored {
            outcome,
            reason: reason.to_owned(),
            line: 1,
            text: String::new(),
        }]))?;
        Ok(())
    }
}

fn parse(text: &str) -> Result<Tree<'_>, AdapterError> {
    Tree::read(text).map_err(|error| match error {
        NotXml::Damaged => damaged("its tags do not close, as when a download was cut off"),
        NotXml::Declares => AdapterError::Refused {
            problem: "it declares types or entities of its own, which no document of a checkup does".to_owned(),
        },
        NotXml::TooLarge => AdapterError::Refused {
            problem: "it is deeper, or has more elements, than any document of a checkup".to_owned(),
        },
    })
}
