//! A resident's own ZIP: documents, FHIR documents, tables and what else they were given, each told by what is in it, whatever it is
//! called. One file that cannot be read takes nothing from the others.

use model::Outcome;

use super::content::{self, Companion, Content, Kind, kind, kind_of};
use super::encoding::{text, without_utf16};
use super::table::{self, TableOf};
use super::{
    DAMAGED, Documents, REFUSED, bundle, document, individual_number, look_for_individual_numbers, own, parse,
    with_tree,
};
use crate::archive::Archive;
use crate::{AdapterError, Handed, NotStored};

/// A file of another kind than any that is read, or of claims, which are money.
const ANOTHER: &str = "another-document";
/// Larger than any document, and none.
const TOO_LARGE: &str = "too-large";

/// Claims are no resident's business here, and what is nothing of a checkup costs its beginning alone.
fn is_wanted(kind: Kind) -> bool {
    !matches!(kind, Kind::Other | Kind::Table(TableOf::Claims))
}

/// Looks through all files of a ZIP before any of them is taken: of one that bears Individual Numbers nothing is kept.
fn refuse_individual_numbers(archive: &Archive<'_>) -> Result<(), AdapterError> {
    for entry in &archive.entries {
        // What cannot be read is said where it is taken.
        let Ok(Content::Whole(file)) = content::of_entry(archive, entry, is_wanted) else {
            continue;
        };
        let bytes = &file.plain;
        match kind(bytes) {
            Kind::Xml if bundle::looks_like_one(&without_utf16(bytes)) => refuse_in_bundle(bytes)?,
            Kind::Json => text(bytes).map_or(Ok(()), |text| individual_number::refuse_quoted(&text))?,
            Kind::Table(_) => text(bytes).map_or(Ok(()), |text| table::refuse(&text))?,
            _ if is_own(bytes) => with_tree(bytes, own::refuse_individual_numbers)?,
            _ => look_for_individual_numbers(bytes)?,
        }
    }
    Ok(())
}

/// Refuses a FHIR document as XML that bears Individual Numbers; what cannot be read is said where it is taken.
fn refuse_in_bundle(bytes: &[u8]) -> Result<(), AdapterError> {
    let Ok(text) = text(bytes) else { return Ok(()) };
    bundle::as_json(&text).map_or(Ok(()), |json| individual_number::refuse_quoted(&json))
}

/// True for the bytes of a document that is kept as its resident's own.
fn is_own(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(crate::archive::HEAD)];
    matches!(kind_of(head), Some(TableOf::Own(_)))
}

impl Documents<'_> {
    /// All files of a ZIP.
    pub(super) fn archive(&mut self, archive: &Archive<'_>) -> Result<(), AdapterError> {
        refuse_individual_numbers(archive)?;
        for entry in &archive.entries {
            let path = &entry.path;
            let ended = match content::of_entry(archive, entry, is_wanted) {
                Ok(Content::Whole(file)) => self.entry(path, file.plain),
                Ok(Content::Unwanted(_)) => self.not_stored(Outcome::Unsupported, ANOTHER, path),
                Ok(Content::TooLarge) => self.not_stored(Outcome::Unsupported, TOO_LARGE, path),
                Err(error) => Err(error),
            };
            match ended {
                Err(AdapterError::Damaged { .. }) => self.not_stored(Outcome::Rejected, DAMAGED, path)?,
                Err(AdapterError::Refused { .. }) => self.not_stored(Outcome::Rejected, REFUSED, path)?,
                // A FHIR document of another type.
                Err(AdapterError::NothingInside { .. }) => self.not_stored(Outcome::Unsupported, ANOTHER, path)?,
                ended => ended?,
            }
        }
        Ok(())
    }

    /// A file of a ZIP, of whatever kind.
    fn entry(&mut self, path: &str, bytes: Vec<u8>) -> Result<(), AdapterError> {
        match kind(&bytes) {
            Kind::Json | Kind::Xml if bundle::looks_like_one(&without_utf16(&bytes)) => return self.bundle(bytes),
            Kind::Json => return self.not_stored(Outcome::Unsupported, ANOTHER, path),
            Kind::Table(TableOf::Checkup | TableOf::Own(_)) => return self.table(bytes),
            _ => {}
        }
        let text = text(&bytes)?;
        let tree = parse(&text)?;
        let root = tree.root();
        if let Some(companion) = Companion::named(root.name()) {
            let reason = match companion {
                Companion::Index => "index-of-documents",
                Companion::Sums => "sum-of-documents",
                Companion::Claim => "claim-of-a-checkup",
                Companion::Schema => "schema-of-documents",
            };
            return self.not_stored(Outcome::Unsupported, reason, path);
        }
        match root.name() {
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
                        Err(AdapterError::Claims) => return self.not_stored(Outcome::Unsupported, ANOTHER, path),
                        kept => kept?,
                    };
                    self.kept(left_out)
                }
                _ => self.not_stored(Outcome::Unsupported, ANOTHER, path),
            },
        }
    }

    /// Says of a file that it came to nothing, and where it lay.
    fn not_stored(&mut self, outcome: Outcome, reason: &str, path: &str) -> Result<(), AdapterError> {
        self.reading.accounting.count(outcome, reason);
        self.sink.hand(Handed::NotStored(vec![NotStored {
            outcome,
            reason: reason.to_owned(),
            line: 1,
            text: path.chars().take(crate::MAX_TEXT / 4).collect(),
        }]))?;
        Ok(())
    }
}
