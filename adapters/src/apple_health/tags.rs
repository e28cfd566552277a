//! Tags of an export, one after the other, in bounded memory.
//!
//! Only tags matter here: an export has no text between them. A general XML parser loses its place for the rest of the file
//! when one quote is missing; this reader is damaged by it for one tag only, since `<` never stands inside an attribute
//! (XML 1.0, section 3.1, [10] AttValue) and `>` inside one never follows a quote.

use std::io::{self, BufRead};

/// The longest tag: far more than any record.
const MAX_TAG: usize = 256 * 1024;

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// A whole tag: see [`Tags::text`].
    Tag,
    /// A tag that the next one cuts off, or that is longer than any honest one.
    Damaged,
    /// The file ends inside a tag.
    Truncated,
    /// The file ends.
    End,
}

/// Reads tags.
pub struct Tags<R> {
    reader: R,
    tag: Vec<u8>,
    line: u64,
    tag_line: u64,
}

impl<R: BufRead> Tags<R> {
    /// Tags of what `reader` gives, which must be UTF-8.
    pub fn new(reader: R) -> Self {
        Self {
            reader,
            tag: Vec::with_capacity(1024),
            line: 1,
            tag_line: 1,
        }
    }

    /// The last tag without its angle brackets.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.tag).unwrap_or_default()
    }

    /// The line where the last tag begins, from 1.
    pub fn begins_at(&self) -> u64 {
        self.tag_line
    }

    /// The next tag.
    ///
    /// # Errors
    /// What the reader reports.
    pub fn next(&mut self) -> io::Result<Token> {
        self.tag.clear();
        loop {
            let ready = self.reader.fill_buf()?;
            if ready.is_empty() {
                return Ok(Token::End);
            }
            let found = memchr::memchr(b'<', ready);
            let skipped = found.unwrap_or(ready.len());
            self.line += newlines(&ready[..skipped]);
            self.reader.consume(skipped + usize::from(found.is_some()));
            if found.is_some() {
                break;
            }
        }
        self.tag_line = self.line;
        let token = self.read_tag()?;
        self.line += newlines(&self.tag);
        Ok(token)
    }

    fn read_tag(&mut self) -> io::Result<Token> {
        loop {
            let ready = self.reader.fill_buf()?;
            if ready.is_empty() {
                return Ok(Token::Truncated);
            }
            let Some(at) = memchr::memchr2(b'<', b'>', ready) else {
                let length = ready.len();
                self.tag.extend_from_slice(ready);
                self.reader.consume(length);
                if self.tag.len() > MAX_TAG {
                    return Ok(Token::Damaged);
                }
                continue;
            };
            let byte = ready[at];
            self.tag.extend_from_slice(&ready[..at]);
            let in_comment = self.tag.starts_with(b"!--");
            if byte == b'<' && !in_comment {
                // Left where it is: the next tag begins here.
                self.reader.consume(at);
                return Ok(Token::Damaged);
            }
            self.reader.consume(at + 1);
            if byte == b'>' && is_whole(&self.tag, in_comment) {
                return Ok(Token::Tag);
            }
            self.tag.push(byte);
            if self.tag.len() > MAX_TAG {
                return Ok(Token::Damaged);
            }
        }
    }
}

/// Whether a `>` after this text ends the tag, rather than standing inside an attribute.
fn is_whole(tag: &[u8], in_comment: bool) -> bool {
    if in_comment {
        return tag.len() >= 5 && tag.ends_with(b"--");
    }
    let body = tag.strip_suffix(b"/").unwrap_or(tag).trim_ascii_end();
    match body.last() {
        Some(b'"' | b'\'' | b'?') | None => true,
        Some(_) => memchr::memchr(b'=', body).is_none(),
    }
}

fn newlines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tags(text: &str) -> Vec<(Token, String)> {
        let mut tags = Tags::new(text.as_bytes());
        let mut all = Vec::new();
        loop {
            let token = tags.next().unwrap();
            if token == Token::End {
                return all;
            }
            all.push((token, tags.text().to_owned()));
        }
    }

    #[test]
    fn a_missing_quote_damages_one_tag_only() {
        let found = tags("<A x=\"1/><B y=\"2\"/><!-- <c> --><D>");
        let texts: Vec<&str> = found.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ["A x=\"1/>", "B y=\"2\"/", "!-- <c> --", "D"]);
        assert_eq!(found[0].0, Token::Damaged);
    }

    #[test]
    fn a_greater_sign_may_stand_in_an_attribute() {
        assert_eq!(tags("<A x=\"a > b\" y=\"1\"/>")[0].1, "A x=\"a > b\" y=\"1\"/");
    }

    #[test]
    fn the_end_inside_a_tag_is_told() {
        assert_eq!(tags("<A/><B x=\"")[1].0, Token::Truncated);
    }

    proptest! {
        #[test]
        fn any_text_ends(text in "[<>/\"'=! a\n-]{0,80}") {
            let _ = tags(&text);
        }
    }
}
