//! Texts as they are kept: compressed with zstd, before they are sealed.

use std::cell::RefCell;

use zstd::bulk::Compressor;

use crate::{Result, StoreError};

/// The level of zstd: what a higher one saves of a document is a twentieth, what it costs is as much again.
const LEVEL: i32 = 1;

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

    /// Of what was compressed before.
    pub(crate) fn known(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    /// As it is sealed.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
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
