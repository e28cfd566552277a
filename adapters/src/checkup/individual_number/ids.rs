//! Ids of a package's documents: what no document tells by itself, all of them together may.

use std::collections::HashMap;

use super::Numbers;
use crate::AdapterError;

/// The most kinds of ids that are told apart in one package: documents have some ten.
const MOST_KINDS: usize = 256;
/// The longest tag of an id, in bytes, before and after its number.
const LONGEST_TAG: usize = 512;

/// Ids of twelve digits in the documents of a package, by the OID that says what they number.
#[derive(Default)]
pub(in crate::checkup) struct Ids(HashMap<Vec<u8>, Numbers>);

impl Ids {
    /// Those of one document, as it lies in its file, XML or JSON.
    pub(in crate::checkup) fn of(document: &[u8]) -> Self {
        let mut ids = Self::default();
        if document.trim_ascii_start().starts_with(b"{") {
            ids.quoted_in(document);
            return ids;
        }
        for at in memchr::memmem::find_iter(document, b"extension=") {
            let Some(digits) = quoted(&document[at + b"extension=".len()..]).and_then(twelve) else {
                continue;
            };
            let before = &document[at.saturating_sub(LONGEST_TAG)..at];
            let begins = memchr::memrchr(b'<', before).map_or(at, |place| at - before.len() + place);
            let rest = &document[begins..document.len().min(at + LONGEST_TAG)];
            let tag = &rest[..memchr::memchr(b'>', rest).unwrap_or(rest.len())];
            let root = memchr::memmem::find(tag, b"root=").and_then(|at| quoted(&tag[at + b"root=".len()..]));
            ids.of_kind(root.unwrap_or_default(), |numbers| numbers.look(digits));
        }
        ids
    }

    /// Takes those of JSON: the value of an identifier beside its system.
    fn quoted_in(&mut self, document: &[u8]) {
        for at in memchr::memmem::find_iter(document, VALUE) {
            let Some(digits) = member(&document[at..], VALUE).and_then(twelve) else {
                continue;
            };
            let before = &document[at.saturating_sub(LONGEST_TAG)..at];
            let begins = memchr::memrchr(b'{', before).map_or(at, |place| at - before.len() + place);
            let rest = &document[begins..document.len().min(at + LONGEST_TAG)];
            let object = &rest[..memchr::memchr(b'}', rest).unwrap_or(rest.len())];
            let system = memchr::memmem::find(object, SYSTEM).and_then(|at| member(&object[at..], SYSTEM));
            self.of_kind(system.unwrap_or_default(), |numbers| numbers.look(digits));
        }
    }

    /// Adds those of a further document.
    pub(in crate::checkup) fn add(&mut self, further: Self) {
        for (kind, further) in &further.0 {
            self.of_kind(kind, |numbers| numbers.add(further));
        }
    }

    fn of_kind(&mut self, kind: &[u8], add: impl FnOnce(&mut Numbers)) {
        if self.0.contains_key(kind) || self.0.len() < MOST_KINDS {
            add(self.0.entry(kind.to_vec()).or_default());
        }
    }

    /// Says what they came to.
    pub(in crate::checkup) fn end(self) -> Result<(), AdapterError> {
        match self.0.into_values().any(|numbers| numbers.are_they()) {
            true => Err(AdapterError::IndividualNumber),
            false => Ok(()),
        }
    }
}

/// An id, where it is twelve digits.
fn twelve(id: &[u8]) -> Option<&str> {
    let id = std::str::from_utf8(id).ok()?;
    (id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit())).then_some(id)
}

/// Members of JSON in which ids stand.
const VALUE: &[u8] = b"\"value\"";
const SYSTEM: &[u8] = b"\"system\"";

/// What a member of JSON says in quotes, of a text that begins with its name.
fn member<'t>(text: &'t [u8], name: &[u8]) -> Option<&'t [u8]> {
    let rest = text.strip_prefix(name)?.trim_ascii_start();
    quoted(rest.strip_prefix(b":")?.trim_ascii_start())
}

/// What stands in the quotes that a text begins with; shorter than a tag.
fn quoted(text: &[u8]) -> Option<&[u8]> {
    let (quote, rest) = text.split_first()?;
    let rest = &rest[..rest.len().min(LONGEST_TAG)];
    let end = memchr::memchr(*quote, rest).filter(|_| matches!(quote, b'"' | b'\''))?;
    Some(&rest[..end])
}
