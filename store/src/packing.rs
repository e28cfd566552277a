//! Texts as they are kept: compressed before they are sealed, with zstd, or as they came.

use std::cell::RefCell;
use std::io::Read as _;

use flate2::read::DeflateDecoder;
use zstd::bulk::Compressor;

use crate::{Result, StoreError};

/// The level of zstd: what a higher one saves of a document is a twentieth, what it costs is as much again.
const LEVEL: i32 = 1;

/// The first byte of what is packed by DEFLATE; zstd begins with another (RFC 8878, section 3.1.1).
const DEFLATED: u8 = 1;

/// The most bytes of a text, unpacked.
const MOST_BYTES: usize = 16 << 20;

thread_local! {
    /// Setting one up costs as much as compressing a document.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
}

/// A document, compressed: by whoever has read it, since many read and one writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packed(Vec<u8>);

impl Packed {
    /// Of a document as it came.
    pub(crate) fn of(document: &[u8]) -> Result<Self> {
        packed(document).map(Self)
    }

    /// Of a document that came packed by DEFLATE.
    pub(crate) fn deflated(bytes: &[u8]) -> Self {
        Self([&[DEFLATED], bytes].concat())
    }

    /// Of what was compressed before.
    pub(crate) fn known(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    /// As it is sealed.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A text as it was before it was compressed.
pub(crate) fn unpacked(bytes: &[u8]) -> Result<Vec<u8>> {
    let Some(deflated) = bytes.strip_prefix(&[DEFLATED]) else {
        return zstd::bulk::decompress(bytes, MOST_BYTES).map_err(|error| StoreError::io("unpacking a text", &error));
    };
    let mut plain = Vec::new();
    let mut inflated = DeflateDecoder::new(deflated).take(MOST_BYTES as u64 + 1);
    let read = inflated.read_to_end(&mut plain);
    read.map_err(|error| StoreError::io("unpacking a text", &error))?;
    match plain.len() > MOST_BYTES {
        true => Err(StoreError::damaged("a packed text")),
        false => Ok(plain),
    }
}

/// A text, compressed.
pub(crate) fn packed(plain: &[u8]) -> Result<Vec<u8>> {
    let packed = COMPRESSOR.with_borrow_mut(|kept| {
        let mut compressor = match kept.take() {
            Some(compressor) => compressor,
            None => Compressor::new(LEVEL)?,
        };
        let packed = compressor.compress(plain);
        *kept = Some(compressor);
        packed
    });
    packed.map_err(|error| StoreError::io("compressing a text", &error))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::DeflateEncoder;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_text_unpacks_to_itself_whoever_packed_it(text in proptest::collection::vec(any::<u8>(), 0..2_000)) {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(6));
            encoder.write_all(&text).expect("a vector takes all");
            let deflated = Packed::deflated(&encoder.finish().expect("as above"));
            for packed in [Packed::of(&text)?, deflated] {
                prop_assert_eq!(&unpacked(packed.bytes())?, &text);
            }
        }
    }

    #[test]
    fn what_is_cut_or_nothing_is_damaged() {
        let deflated = Packed::deflated(&[0xcb, 0x48]);
        for bytes in [deflated.bytes(), &[DEFLATED], b"plain"] {
            assert!(unpacked(bytes).is_err());
        }
    }
}
