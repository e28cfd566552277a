//! The sources of this file: found by what is written, remembered by it, joined by what stays.

use std::collections::HashMap;

use model::Source;

use super::origin;
use super::wire::{self, Device};
use crate::measure::Rejection;

/// The most sources of one file: ids have 12 bits for them.
const MAX_SOURCES: usize = 4_000;
/// The most ways of writing them that are remembered.
const MAX_WRITINGS: usize = 50_000;

/// Sources met so far.
#[derive(Debug, Default)]
pub struct Sources {
    by_writing: HashMap<Vec<u8>, u16>,
    by_key: HashMap<String, u16>,
    last: (Vec<u8>, Vec<u8>, u16),
    writing: Vec<u8>,
}

impl Sources {
    /// The source of a record, if it was written like this before.
    pub fn find(&mut self, name: &[u8], device: &[u8]) -> Option<u16> {
        let device = wire::without_address(device);
        if !self.last.0.is_empty() && self.last.0 == name && self.last.1 == device {
            return Some(self.last.2);
        }
        self.write(name, device);
        let number = *self.by_writing.get(&self.writing)?;
        self.remember(name, device, number);
        Some(number)
    }

    fn write(&mut self, name: &[u8], device: &[u8]) {
        self.writing.clear();
        self.writing.extend_from_slice(name);
        self.writing.push(0);
        self.writing.extend_from_slice(device);
    }

    fn remember(&mut self, name: &[u8], device: &[u8], number: u16) {
        self.last.0.clear();
        self.last.0.extend_from_slice(name);
        self.last.1.clear();
        self.last.1.extend_from_slice(device);
        self.last.2 = number;
    }

    /// Adds a writing; gives the source itself when it is a new one, to be handed on.
    ///
    /// # Errors
    /// A source that cannot be read, or too many of them.
    pub fn add(&mut self, name: &[u8], device: &[u8]) -> Result<(u16, Option<Source>), Rejection> {
        if name.is_empty() {
            return Err(Rejection("source-missing"));
        }
        let text = wire::unescape(name).ok_or(Rejection("unknown-entity"))?;
        let described = wire::unescape(device).ok_or(Rejection("unknown-entity"))?;
        let parts = (!described.is_empty()).then(|| Device::read(&described));
        let source = origin::source(&text, parts.as_ref());
        let stripped = wire::without_address(device);
        let (number, fresh) = match self.by_key.get(&source.key) {
            Some(number) => (*number, None),
            None if self.by_key.len() >= MAX_SOURCES => return Err(Rejection("too-many-sources")),
            None => {
                let number = self.by_key.len() as u16;
                self.by_key.insert(source.key.clone(), number);
                (number, Some(source))
            }
        };
        if self.by_writing.len() < MAX_WRITINGS {
            self.write(name, stripped);
            self.by_writing.insert(self.writing.clone(), number);
        }
        self.remember(name, stripped, number);
        Ok((number, fresh))
    }
}
