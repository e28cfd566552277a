//! Japanese checkups: documents in the Ministry of Health's electronic form or in FHIR, one by one or in a ZIP of many.
//!
//! Found by content, never by name: a ZIP's names may be in any encoding. Indexes, sums and claims lie beside the documents; they
//! are no results, and claims are money, which is no business of a health record. What else residents are given of their own, such as
//! lists of medicines, is kept for a mapping to come.

mod bundle;
pub mod columns;
mod content;
mod coverage;
mod document;
mod encoding;
mod individual_number;
mod items;
mod locked;
mod mask;
mod own;
mod own_archive;
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

use model::{Outcome, Source, SourceKind};

use crate::archive::{self, Archive};
use crate::{Adapter, AdapterError, BroughtCheckup, Coverage, Handed, Input, NotStored, Reading, Sink};
use content::{kind_of, looks_like_document};
use document::Document;
use encoding::{beginning, text, without_utf16};
use table::TableOf;
use tree::{NotXml, Tree};

/// Documents of checkups.
#[derive(Clone, Copy, Debug)]
pub struct CheckupDocuments;

/// Files of a ZIP that are looked at to recognise it: of those that are called as documents, and of the others.
const LOOKED_AT: usize = 32;

impl Adapter for CheckupDocuments {
    fn name(&self) -> &'static str {
        "checkup"
    }

    fn mapping_version(&self) -> u32 {
        coverage::MAPPING_VERSION
    }

    fn describes(&self) -> &'static str {
        "a document of a Japanese health checkup (XML in the Ministry of Health's form, FHIR as JSON or XML, a table of results, or a ZIP of them); \
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
            let head = without_utf16(&head);
            return looks_like_document(&head) || bundle::looks_like_one(&head) || kind_of(&head).is_some();
        }
        let Ok(archive) = Archive::open(input) else {
            return false;
        };
        let named = |is: bool| {
            let entries = archive.entries.iter();
            let entries = entries.filter(move |entry| content::is_named_as_document(&entry.path) == is);
            entries.take(LOOKED_AT)
        };
        named(true).chain(named(false)).any(|entry| {
            let reader = archive.read(entry);
            reader.is_ok_and(|mut reader| {
                let head = archive::first(&mut reader, 4_096);
                let head = without_utf16(&head);
                let of = || kind_of(&head);
                looks_like_document(&head)
                    || bundle::looks_like_one(&head)
                    || matches!(of(), Some(TableOf::Own(_) | TableOf::Checkup))
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
            let bytes = content::whole(&mut whole)?;
            let head = without_utf16(&bytes[..bytes.len().min(archive::HEAD)]);
            if bundle::looks_like_one(&head) {
                drop(head);
                documents.bundle(bytes)?;
            } else if looks_like_document(&head) || beginning(&head).is_some_and(|text| own::is_xml(&text)) {
                drop(head);
                documents.document(bytes)?;
            } else {
                drop(head);
                documents.table(bytes)?;
            }
            return Ok(documents.reading);
        }
        documents.archive(&Archive::open(input)?)?;
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

/// Refuses a document that bears Individual Numbers.
fn look_for_individual_numbers(bytes: &[u8]) -> Result<(), AdapterError> {
    match individual_number::may_bear(&without_utf16(bytes)) {
        true => with_tree(bytes, individual_number::refuse),
        false => Ok(()),
    }
}

/// Looks at a document's elements; what cannot be read is said where it is taken.
fn with_tree(bytes: &[u8], look: impl Fn(&Tree<'_>) -> Result<(), AdapterError>) -> Result<(), AdapterError> {
    let Ok(text) = text(bytes) else { return Ok(()) };
    parse(&text).map_or(Ok(()), |tree| look(&tree))
}

fn damaged(problem: &str) -> AdapterError {
    AdapterError::Damaged {
        place: "in a document".to_owned(),
        problem: problem.to_owned(),
    }
}

/// Documents being read.
struct Documents<'s> {
    sink: &'s mut dyn Sink,
    reading: Reading,
}

impl Documents<'_> {
    fn bundle(&mut self, bytes: Vec<u8>) -> Result<(), AdapterError> {
        let text = text(&bytes)?;
        let json = bundle::as_json(&text)?;
        individual_number::refuse_quoted(&json)?;
        let document = bundle::read(&json)?;
        drop(json);
        drop(text);
        self.hand(document, bytes)
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
        if table::is_too_long(&text) {
            return Err(AdapterError::Refused {
                problem: format!(
                    "it has more than {} lines, which no table of one person's has",
                    table::MOST_LINES
                ),
            });
        }
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
        let is_of_one = table.checkups.len() == 1;
        for (checkup, own_lines) in table.checkups.into_iter().zip(table.originals) {
            let document = Document {
                checkup: Some(checkup),
                left_out: left_out.take().unwrap_or_default(),
            };
            self.hand(document, if is_of_one { bytes.clone() } else { own_lines })?;
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
