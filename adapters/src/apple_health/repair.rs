//! Blocks of an export, repaired of what would stop its reading for the rest of the file.
//!
//! Real exports hold control characters, invalid UTF-8 and a malformed DOCTYPE (vendor facts 1.4). Bytes are replaced one
//! for one, so lines stay where they are; a record with a replaced byte carries [`DAMAGE`] and is rejected by itself.

use std::io::{self, Read};

/// Stands where a byte was not UTF-8: DEL, which XML allows and no export writes.
pub const DAMAGE: u8 = 0x7f;

/// How far into the file the DOCTYPE may reach.
const MAX_PROLOGUE: usize = 1024 * 1024;

/// The size of a block: large enough that blocks cost nothing, small enough for the cache.
const BLOCK: usize = 512 * 1024;

/// Gives the bytes of `inner` in blocks, repaired.
pub struct Repair<R> {
    inner: R,
    /// Bytes of a character that was cut by the end of a block.
    held: Vec<u8>,
    in_prologue: bool,
    at_end: bool,
    /// What stopped reading, told after what was read before it.
    failed: Option<io::Error>,
}

impl<R: Read> Repair<R> {
    /// Repairs what `inner` gives.
    pub fn new(inner: R) -> Self {
        Self {
            inner,
            held: Vec::new(),
            in_prologue: true,
            at_end: false,
            failed: None,
        }
    }

    /// The next text, in the memory of a block that is done with; empty at the end.
    ///
    /// # Errors
    /// What `inner` reports, after everything that was read before it.
    pub fn block(&mut self, done: String) -> io::Result<String> {
        let mut bytes = done.into_bytes();
        loop {
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            if self.at_end && self.held.is_empty() {
                return Ok(String::new());
            }
            self.read_up_to(&mut bytes);
            if self.in_prologue {
                self.in_prologue = false;
                blank_doctype(&mut bytes);
            }
            let (text, held) = repair(bytes, self.at_end);
            self.held = held;
            if !text.is_empty() {
                return Ok(text);
            }
            bytes = text.into_bytes();
        }
    }

    /// Reads one block behind what was held, or in the prologue as much as it takes to see the first element.
    fn read_up_to(&mut self, bytes: &mut Vec<u8>) {
        let mut length = self.held.len();
        let most = if self.in_prologue { MAX_PROLOGUE } else { length + BLOCK };
        // What a block held before is overwritten: only what is longer is cleared first.
        bytes.resize((length + BLOCK).max(bytes.len()), 0);
        bytes[..length].copy_from_slice(&self.held);
        self.held.clear();
        while length < most {
            bytes.resize((length + BLOCK).min(most).max(bytes.len()), 0);
            let end = bytes.len().min(most);
            match self.inner.read(&mut bytes[length..end]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Ok(read) => {
                    length += read;
                    self.at_end = read == 0;
                }
                Err(error) => {
                    self.failed = Some(error);
                    self.at_end = true;
                }
            }
            if self.at_end || !self.in_prologue || find(&bytes[..length], b"<HealthData").is_some() {
                break;
            }
        }
        bytes.truncate(length);
    }
}

fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, word)
}

/// Puts spaces over a DOCTYPE with its internal subset: it is malformed in some versions, and entities that it might declare
/// are never wanted.
fn blank_doctype(block: &mut [u8]) {
    let Some(start) = find(block, b"<!DOCTYPE") else { return };
    let rest = &block[start..];
    let simple_end = memchr::memchr(b'>', rest);
    let subset = memchr::memchr(b'[', rest).filter(|subset| simple_end.is_none_or(|end| *subset < end));
    let length = match subset {
        Some(subset) => find(&rest[subset..], b"]>").map_or(rest.len(), |end| subset + end + 2),
        None => simple_end.map_or(rest.len(), |end| end + 1),
    };
    for byte in &mut block[start..start + length] {
        if *byte != b'\n' {
            *byte = b' ';
        }
    }
}

/// Repairs a block; gives its text, and the bytes of a character that the block's end cut.
fn repair(mut block: Vec<u8>, at_end: bool) -> (String, Vec<u8>) {
    if has_controls(&block) {
        for byte in &mut block {
            if *byte < 0x20 && !matches!(*byte, b'\t' | b'\n' | b'\r') {
                *byte = b' ';
            }
        }
    }
    let (mut block, mut from) = match String::from_utf8(block) {
        Ok(text) => return (text, Vec::new()),
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            (error.into_bytes(), valid)
        }
    };
    let mut held = Vec::new();
    while let Err(error) = std::str::from_utf8(&block[from..]) {
        let bad = from + error.valid_up_to();
        match error.error_len() {
            Some(length) => {
                block[bad..bad + length].fill(DAMAGE);
                from = bad + length;
            }
            None if at_end => {
                block[bad..].fill(DAMAGE);
                break;
            }
            None => {
                held = block.split_off(bad);
                break;
            }
        }
    }
    (String::from_utf8(block).unwrap_or_default(), held)
}

fn has_controls(block: &[u8]) -> bool {
    block.chunks(64).any(|chunk| {
        chunk.iter().fold(false, |found, byte| {
            found | ((*byte < 0x20) & (*byte != b'\n') & (*byte != b'\t') & (*byte != b'\r'))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn repaired(bytes: &[u8]) -> String {
        let (mut repair, mut all, mut block) = (Repair::new(bytes), String::new(), String::new());
        loop {
            block = repair.block(block).unwrap();
            if block.is_empty() {
                return all;
            }
            all.push_str(&block);
        }
    }

    #[test]
    fn a_doctype_is_blanked_and_lines_stay() {
        let text = repaired(b"<?xml?>\n<!DOCTYPE HealthData [\n<!ELEMENT a>\n<!ATTLIST b\n]>\n<HealthData/>");
        assert_eq!(text.lines().count(), 6);
        assert_eq!(text.trim_start_matches("<?xml?>").trim(), "<HealthData/>");
    }

    #[test]
    fn controls_become_spaces_and_invalid_bytes_are_marked() {
        assert_eq!(
            repaired(b"<HealthData a=\"x\x0by\xff\"/>"),
            "<HealthData a=\"x y\x7f\"/>"
        );
    }

    proptest! {
        #[test]
        fn valid_text_without_controls_is_unchanged(text in "\\PC{0,200}") {
            prop_assert_eq!(repaired(text.as_bytes()), text);
        }

        #[test]
        fn any_bytes_become_text_of_the_same_length(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            prop_assert_eq!(repaired(&bytes).len(), bytes.len());
        }
    }
}
