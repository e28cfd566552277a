//! A reader that repairs what would stop an XML parser for the rest of the file.
//!
//! Real exports hold control characters, invalid UTF-8 and a malformed DOCTYPE (vendor facts 1.4). Bytes are replaced one
//! for one, so lines stay where they are; a record with a replaced byte carries [`DAMAGE`] and is rejected by itself.

use std::io::{self, BufRead, Read};

/// Stands where a byte was not UTF-8: DEL, which XML allows and no export writes.
pub const DAMAGE: u8 = 0x7f;

/// How far into the file the DOCTYPE may reach.
const MAX_PROLOGUE: usize = 1024 * 1024;

/// The size of a block: large enough that blocks cost nothing, small enough for the cache.
const BLOCK: usize = 128 * 1024;

/// Gives the bytes of `inner`, repaired.
pub struct Repair<R> {
    inner: R,
    block: Vec<u8>,
    position: usize,
    /// Bytes of a character that was cut by the end of a block.
    held: Vec<u8>,
    in_prologue: bool,
    at_end: bool,
}

impl<R: Read> Repair<R> {
    /// Repairs what `inner` gives.
    pub fn new(inner: R) -> Self {
        Self {
            inner,
            block: Vec::with_capacity(BLOCK + 4),
            position: 0,
            held: Vec::new(),
            in_prologue: true,
            at_end: false,
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        self.block.clear();
        self.position = 0;
        self.block.append(&mut self.held);
        let wanted = if self.in_prologue { MAX_PROLOGUE } else { BLOCK };
        self.read_up_to(wanted, self.in_prologue)?;
        if self.in_prologue {
            self.in_prologue = false;
            blank_doctype(&mut self.block);
        }
        self.held = repair(&mut self.block, self.at_end);
        Ok(())
    }

    /// Reads one block, or in the prologue as much as it takes to see the first element.
    fn read_up_to(&mut self, wanted: usize, prologue: bool) -> io::Result<()> {
        while self.block.len() < wanted {
            let from = self.block.len();
            self.block.resize((from + BLOCK).min(wanted.max(from + 1)), 0);
            let read = match self.inner.read(&mut self.block[from..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
                Ok(0) => {
                    self.block.truncate(from);
                    self.at_end = true;
                    return Ok(());
                }
                other => other?,
            };
            self.block.truncate(from + read);
            if !prologue || find(&self.block, b"<HealthData").is_some() {
                return Ok(());
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for Repair<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let ready = self.fill_buf()?;
        let length = ready.len().min(out.len());
        out[..length].copy_from_slice(&ready[..length]);
        self.consume(length);
        Ok(length)
    }
}

impl<R: Read> BufRead for Repair<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.position == self.block.len() && !(self.at_end && self.held.is_empty()) {
            self.fill()?;
        }
        Ok(&self.block[self.position..])
    }

    fn consume(&mut self, amount: usize) {
        self.position = (self.position + amount).min(self.block.len());
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

/// Repairs a block in place; gives back the bytes of a character that the block's end cut.
fn repair(block: &mut Vec<u8>, at_end: bool) -> Vec<u8> {
    if has_controls(block) {
        for byte in block.iter_mut() {
            if *byte < 0x20 && !matches!(*byte, b'\t' | b'\n' | b'\r') {
                *byte = b' ';
            }
        }
    }
    let mut from = 0;
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
            None => return block.split_off(bad),
        }
    }
    Vec::new()
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
        let mut text = String::new();
        Repair::new(bytes).read_to_string(&mut text).unwrap();
        text
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
