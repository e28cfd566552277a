//! Texts that are alike, kept in little more room than what differs between them takes.
//!
//! What a phone pushes every two minutes are the same keys and words again and again, with other ids, times and numbers in them. zstd
//! alone makes thirty bytes a sample of that, half of it for finding its place again after each number. So texts are taken apart before:
//! an id becomes its sixteen bytes, a word with a digit in it goes to a column of those that stand behind the same letters, and what is
//! left of the text is the same each time. Any bytes come back as they were; those of texts become small.

use std::collections::HashMap;

use crate::leaf::columns::{self, NotAColumn};
use crate::{Result, StoreError};

/// Stands for a value in what is left of a text. No JSON has a byte below 0x09.
const VALUE: u8 = 0;
/// The first of those that stand for an id, one of each form.
const ID: u8 = 1;
/// Below it are bytes that stand for something: a text that has one itself is left whole.
const FIRST_OWN: u8 = ID + 4;

/// Letters before a value by which its column is chosen.
const LETTERS: usize = 12;
/// Columns at most; what would need more goes to the first.
const MOST_COLUMNS: usize = 1024;

/// The level of zstd. What is taken apart is small, and changes little; levels above save less than a hundredth of it.
const LEVEL: i32 = 9;

/// Where dashes stand in an id of 36 letters (RFC 9562, section 4).
const DASHES: [usize; 4] = [8, 13, 18, 23];

/// Columns by the letters before their values, numbered as they are met.
#[derive(Default)]
struct Columns(HashMap<[u8; LETTERS], usize>);

impl Columns {
    fn after(&mut self, text: &[u8]) -> usize {
        let last = &text[text.len().saturating_sub(LETTERS)..];
        let mut letters = [0; LETTERS];
        letters[..last.len()].copy_from_slice(last);
        let next = self.0.len();
        match self.0.get(&letters) {
            Some(known) => *known,
            None if next == MOST_COLUMNS => 0,
            None => *self.0.entry(letters).or_insert(next),
        }
    }
}

/// Texts taken apart.
#[derive(Default)]
struct Apart {
    /// Of each text its length without what was taken out, times two; one more where it was left whole.
    lengths: Vec<u8>,
    left: Vec<u8>,
    columns: Columns,
    values: Vec<Vec<u8>>,
    ids: Vec<u8>,
}

impl Apart {
    fn take(&mut self, text: &[u8]) {
        if text.iter().any(|byte| *byte < FIRST_OWN) {
            columns::write_unsigned(&mut self.lengths, (text.len() as u64) << 1 | 1);
            self.left.extend_from_slice(text);
            return;
        }
        let begins = self.left.len();
        let mut rest = text;
        while !rest.is_empty() {
            let between = rest.iter().position(is_of_word).unwrap_or(rest.len());
            let (letters, from_word) = rest.split_at(between);
            self.left.extend_from_slice(letters);
            let long = from_word.iter().position(|byte| !is_of_word(byte));
            let (word, after) = from_word.split_at(long.unwrap_or(from_word.len()));
            self.word(begins, word);
            rest = after;
        }
        columns::write_unsigned(&mut self.lengths, ((self.left.len() - begins) as u64) << 1);
    }

    fn word(&mut self, begins: usize, word: &[u8]) {
        if let Some((form, id)) = id(word) {
            self.ids.extend_from_slice(&id);
            self.left.push(ID + form);
        } else if word.iter().any(u8::is_ascii_digit) {
            let column = self.columns.after(&self.left[begins..]);
            if column == self.values.len() {
                self.values.push(Vec::new());
            }
            self.values[column].extend_from_slice(word);
            self.values[column].push(b'\n');
            self.left.push(VALUE);
        } else {
            self.left.extend_from_slice(word);
        }
    }
}

fn is_of_word(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b':' | b'+')
}

/// An id, with or without dashes, in large or in small letters: which of the four forms, and its bytes.
fn id(word: &[u8]) -> Option<(u8, [u8; 16])> {
    let has_dashes = match word.len() {
        32 => false,
        36 if DASHES.iter().all(|place| word[*place] == b'-') => true,
        _ => return None,
    };
    let (mut id, mut digits) = ([0; 16], 0);
    let (mut large, mut small) = (false, false);
    for (place, letter) in word.iter().enumerate() {
        let digit = match letter {
            b'0'..=b'9' => letter - b'0',
            b'A'..=b'F' => letter - b'A' + 10,
            b'a'..=b'f' => letter - b'a' + 10,
            b'-' if has_dashes && DASHES.contains(&place) => continue,
            _ => return None,
        };
        large |= letter.is_ascii_uppercase();
        small |= letter.is_ascii_lowercase();
        id[digits / 2] |= digit << (if digits % 2 == 0 { 4 } else { 0 });
        digits += 1;
    }
    let is_whole = digits == 32 && !(large && small);
    is_whole.then_some((u8::from(has_dashes) << 1 | u8::from(small), id))
}

fn write_id(out: &mut Vec<u8>, form: u8, id: &[u8]) {
    let letters = match form & 1 {
        0 => b"0123456789ABCDEF",
        _ => b"0123456789abcdef",
    };
    for (place, byte) in id.iter().enumerate() {
        if form & 2 != 0 && matches!(place, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        out.push(letters[usize::from(byte >> 4)]);
        out.push(letters[usize::from(byte & 15)]);
    }
}

/// Appends texts.
pub(crate) fn write(out: &mut Vec<u8>, texts: &[&[u8]]) -> Result<()> {
    let mut apart = Apart::default();
    for text in texts {
        apart.take(text);
    }
    let mut plain = apart.lengths;
    columns::write_unsigned(&mut plain, apart.values.len() as u64);
    for values in &apart.values {
        columns::write_unsigned(&mut plain, values.len() as u64);
    }
    plain.extend_from_slice(&apart.left);
    plain.extend(apart.values.into_iter().flatten());
    let packed =
        zstd::bulk::compress(&plain, LEVEL).map_err(|error| StoreError::io("compressing texts together", &error))?;
    columns::write_unsigned(out, packed.len() as u64);
    out.extend_from_slice(&packed);
    columns::write_unsigned(out, apart.ids.len() as u64);
    out.extend_from_slice(&apart.ids);
    Ok(())
}

/// Takes so many texts off the front of `bytes`, which have `most` bytes together at most.
pub(crate) fn read(bytes: &mut &[u8], many: usize, most: usize) -> std::result::Result<Vec<Vec<u8>>, NotAColumn> {
    let packed = some(bytes)?;
    let mut ids = some(bytes)?;
    // A word of one letter takes three bytes, itself, where it stood and what ends it, beside at least one letter before it.
    let plain = zstd::bulk::decompress(packed, most.saturating_mul(4)).map_err(|_| NotAColumn)?;
    let mut plain = plain.as_slice();
    let mut lengths = Vec::new();
    for _ in 0..many {
        lengths.push(columns::read_unsigned(&mut plain)?);
    }
    let mut sizes = Vec::new();
    for _ in 0..columns::read_unsigned(&mut plain)?.min(MOST_COLUMNS as u64 + 1) {
        sizes.push(columns::read_unsigned(&mut plain)?);
    }
    let mut left = Vec::new();
    for length in lengths {
        left.push((length & 1 == 1, take(&mut plain, length >> 1)?));
    }
    let mut values = Vec::new();
    for size in sizes {
        values.push(take(&mut plain, size)?);
    }
    let (mut columns, mut texts, mut sum) = (Columns::default(), Vec::new(), 0);
    for (is_whole, left) in left {
        let text = match is_whole {
            true => left.to_vec(),
            false => together(left, &mut columns, &mut values, &mut ids)?,
        };
        sum += text.len();
        if sum > most {
            return Err(NotAColumn);
        }
        texts.push(text);
    }
    Ok(texts)
}

/// A text with what was taken out of it.
fn together(
    left: &[u8],
    columns: &mut Columns,
    values: &mut [&[u8]],
    ids: &mut &[u8],
) -> std::result::Result<Vec<u8>, NotAColumn> {
    let mut text = Vec::new();
    for (place, byte) in left.iter().enumerate() {
        match *byte {
            VALUE => {
                let column = values.get_mut(columns.after(&left[..place])).ok_or(NotAColumn)?;
                let ends = column.iter().position(|byte| *byte == b'\n').ok_or(NotAColumn)?;
                text.extend_from_slice(&column[..ends]);
                *column = &column[ends + 1..];
            }
            form if form < FIRST_OWN => write_id(&mut text, form - ID, take(ids, 16)?),
            letter => text.push(letter),
        }
    }
    Ok(text)
}

fn take<'a>(bytes: &mut &'a [u8], size: u64) -> std::result::Result<&'a [u8], NotAColumn> {
    let size = usize::try_from(size).map_err(|_| NotAColumn)?;
    let (taken, rest) = bytes.split_at_checked(size).ok_or(NotAColumn)?;
    *bytes = rest;
    Ok(taken)
}

/// What has its length before it.
fn some<'a>(bytes: &mut &'a [u8]) -> std::result::Result<&'a [u8], NotAColumn> {
    let size = columns::read_unsigned(bytes)?;
    take(bytes, size)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MOST: usize = 1 << 20;

    fn written(texts: &[&[u8]]) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out, texts).expect("texts");
        out
    }

    fn come_back(texts: &[&[u8]]) -> bool {
        let out = written(texts);
        let mut bytes = out.as_slice();
        let read = read(&mut bytes, texts.len(), MOST).expect("what was written");
        bytes.is_empty() && read == texts
    }

    /// Words, ids in their forms and what is nearly one, and bytes that stand for something.
    fn piece() -> impl Strategy<Value = Vec<u8>> {
        let id = prop_oneof!["[0-9A-F]{32}", "[0-9a-f]{32}", "[0-9A-Fa-f]{31,33}"];
        let dashed = prop_oneof![
            "[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}",
            "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
            "[0-9A-Fa-f-]{36}",
        ];
        let text = prop_oneof!["\"[a-z]{1,5}\":", "[0-9.:T+-]{1,5}", "[,{} \n]", id, dashed];
        prop_oneof![
            9 => text.prop_map(String::into_bytes),
            1 => prop::collection::vec(any::<u8>(), 0..4),
        ]
    }

    proptest! {
        #[test]
        fn texts_come_back(texts in prop::collection::vec(prop::collection::vec(piece(), 0..30), 0..12)) {
            let texts: Vec<Vec<u8>> = texts.into_iter().map(|pieces| pieces.concat()).collect();
            let texts: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
            prop_assert!(come_back(&texts));
        }

        #[test]
        fn what_was_changed_or_cut_does_not_panic(
            texts in prop::collection::vec(prop::collection::vec(piece(), 0..10), 1..4),
            place in any::<prop::sample::Index>(), bit in 0..8, cut in any::<bool>(),
        ) {
            let texts: Vec<Vec<u8>> = texts.into_iter().map(|pieces| pieces.concat()).collect();
            let texts: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
            let mut out = written(&texts);
            let place = place.index(out.len());
            match cut {
                true => out.truncate(place),
                false => out[place] ^= 1_u8 << bit,
            }
            let _ = read(&mut out.as_slice(), texts.len(), MOST);
        }

        #[test]
        fn no_plain_panics(plain in prop::collection::vec(0_u8..12, 0..60), ids in prop::collection::vec(any::<u8>(), 0..40), many in 0_usize..5) {
            let mut out = Vec::new();
            let packed = zstd::bulk::compress(&plain, LEVEL).expect("bytes");
            for part in [&packed, &ids] {
                columns::write_unsigned(&mut out, part.len() as u64);
                out.extend_from_slice(part);
            }
            let _ = read(&mut out.as_slice(), many, 1_000);
        }
    }

    #[test]
    fn more_columns_than_there_are_share_the_first() {
        let text: String = (0..MOST_COLUMNS * 2)
            .map(|number| {
                let letter = |shift: usize| char::from(b'a' + (number >> shift & 15) as u8);
                format!("{}{}{}\"{number},", letter(0), letter(4), letter(8))
            })
            .collect();
        assert!(come_back(&[text.as_bytes(), text.as_bytes()]));
    }

    #[test]
    fn what_is_longer_than_allowed_is_refused() {
        let text = vec![b'a'; 1_000];
        let out = written(&[&text]);
        assert!(read(&mut out.as_slice(), 1, 1_000).is_ok());
        assert_eq!(read(&mut out.as_slice(), 1, 999), Err(NotAColumn));
        let out = written(&[&vec![b'a'; 1 << 16]]);
        assert_eq!(
            read(&mut out.as_slice(), 1, 1_000),
            Err(NotAColumn),
            "before all of it is unpacked"
        );
    }

    #[test]
    fn an_id_takes_sixteen_bytes() {
        let ids: String = (0_u128..1_000)
            .map(|number| {
                format!(
                    "{:032X},",
                    number.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)
                )
            })
            .collect();
        let long = written(&[ids.as_bytes()]).len();
        assert!(long < 16_100, "{long}");
    }
}
