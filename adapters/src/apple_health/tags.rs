//! Tags of an export, one after the other, in bounded memory.
//!
//! Only tags matter here: an export has no text between them. A general XML parser loses its place for the rest of the file
//! when one quote is missing; this reader is damaged by it for one tag only, since `<` never stands inside an attribute
//! (XML 1.0, section 3.1, [10] AttValue) and `>` inside one never follows a quote.

use std::io;
use std::ops::Range;

use super::ahead::Ahead;

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
pub struct Tags {
    ahead: Ahead,
    block: String,
    /// How far the block was read.
    at: usize,
    /// Where in the block the last tag stands.
    tag: Range<usize>,
    /// The last tag, when blocks part it.
    parted: Option<String>,
    line: u64,
    tag_line: u64,
}

impl Tags {
    /// Tags of a text.
    pub fn new(ahead: Ahead) -> Self {
        Self {
            ahead,
            block: String::new(),
            at: 0,
            tag: 0..0,
            parted: None,
            line: 1,
            tag_line: 1,
        }
    }

    /// The last tag without its angle brackets.
    pub fn text(&self) -> &str {
        match &self.parted {
            Some(text) => text,
            None => &self.block[self.tag.clone()],
        }
    }

    /// The line where the last tag begins, from 1.
    pub fn begins_at(&self) -> u64 {
        self.tag_line
    }

    /// The next tag.
    ///
    /// # Errors
    /// What reading the text reports.
    pub fn next(&mut self) -> io::Result<Token> {
        (self.tag, self.parted) = (0..0, None);
        loop {
            let rest = &self.block.as_bytes()[self.at..];
            let found = memchr::memchr(b'<', rest);
            let skipped = found.unwrap_or(rest.len());
            self.line += newlines(&rest[..skipped]);
            if found.is_some() {
                self.at += skipped + 1;
                break;
            }
            if !self.go_on()? {
                return Ok(Token::End);
            }
        }
        self.tag_line = self.line;
        self.read_tag()
    }

    /// Takes the next block; false at the end.
    fn go_on(&mut self) -> io::Result<bool> {
        (self.at, self.tag) = (0, 0..0);
        self.block = self.ahead.next(std::mem::take(&mut self.block))?;
        Ok(!self.block.is_empty())
    }

    /// Adds what stands in the block up to `end` to the tag's text.
    fn reach(&mut self, end: usize) {
        match &mut self.parted {
            Some(text) => {
                text.push_str(&self.block[self.tag.end..end]);
                self.tag.end = end;
            }
            None => self.tag.end = end,
        }
    }

    fn read_tag(&mut self) -> io::Result<Token> {
        self.tag = self.at..self.at;
        loop {
            let Some(found) = memchr::memchr3(b'<', b'>', b'\n', &self.block.as_bytes()[self.at..]) else {
                self.reach(self.block.len());
                if self.parted.is_none() {
                    self.parted = Some(self.block[self.tag.clone()].to_owned());
                }
                if self.text().len() > MAX_TAG {
                    self.at = self.block.len();
                    return Ok(Token::Damaged);
                }
                if !self.go_on()? {
                    return Ok(Token::Truncated);
                }
                continue;
            };
            let end = self.at + found;
            let byte = self.block.as_bytes()[end];
            if byte == b'\n' {
                self.line += 1;
                self.at = end + 1;
                continue;
            }
            let opens = byte == b'<';
            self.reach(end);
            let text = self.text();
            let in_comment = text.starts_with("!--");
            if opens && !in_comment {
                // Left where it is: the next tag begins here.
                self.at = end;
                return Ok(Token::Damaged);
            }
            let whole = !opens && is_whole(text.as_bytes(), in_comment);
            let too_long = text.len() > MAX_TAG;
            self.at = end + 1;
            if whole {
                return Ok(Token::Tag);
            }
            if too_long {
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
    match bytes {
        // What stands between two tags, mostly.
        b"\n" | b"\n " | b"\n  " => 1,
        _ => memchr::memchr_iter(b'\n', bytes).count() as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apple_health::ahead::read_ahead;
    use proptest::prelude::*;

    /// Gives so many bytes at a time.
    struct Pieces<'a>(&'a [u8], usize);

    impl io::Read for Pieces<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let length = self.0.len().min(self.1).min(out.len());
            let (piece, rest) = self.0.split_at(length);
            out[..length].copy_from_slice(piece);
            self.0 = rest;
            Ok(length)
        }
    }

    /// The tags behind the first one, with their lines, of a text that comes in pieces.
    fn tags_of_pieces(text: &str, length: usize) -> Vec<(Token, String, u64)> {
        let export = format!("<HealthData>{text}");
        read_ahead(Pieces(export.as_bytes(), length), |ahead| {
            let mut tags = Tags::new(ahead);
            let mut all = Vec::new();
            loop {
                let token = tags.next().unwrap();
                if token == Token::End {
                    all.remove(0);
                    return all;
                }
                all.push((token, tags.text().to_owned(), tags.begins_at()));
            }
        })
        .unwrap()
    }

    fn tags(text: &str) -> Vec<(Token, String)> {
        let whole = tags_of_pieces(text, usize::MAX);
        whole.into_iter().map(|(token, text, _)| (token, text)).collect()
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
        fn any_text_ends_and_where_blocks_part_it_changes_nothing(
            text in "[<>/\"'=! a歩\n-]{0,80}", length in 1_usize..20,
        ) {
            prop_assert_eq!(tags_of_pieces(&text, length), tags_of_pieces(&text, usize::MAX));
        }
    }
}
