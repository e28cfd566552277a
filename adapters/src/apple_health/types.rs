//! What each vendor type of this file becomes, looked up once and remembered with its units.

use std::collections::HashMap;

use model::units::Conversion;

use super::coverage::{self, Target};
use crate::measure::Rejection;

/// The most distinct types of one file; more is an attack.
const MAX_TYPES: usize = 2_048;
/// The most units remembered for one type.
const MAX_UNITS: usize = 16;

/// A type of this file.
#[derive(Debug)]
pub struct VendorType {
    /// Its full name.
    pub name: String,
    /// What it becomes; `None` when nothing maps it.
    pub target: Option<Target>,
    units: Vec<(Vec<u8>, Option<Conversion>)>,
    codes: Vec<(Vec<u8>, u32)>,
    series: Vec<(Vec<u8>, u16)>,
}

impl VendorType {
    /// How this type's unit becomes the canonical one; remembered, since records come in runs.
    ///
    /// # Errors
    /// `unknown-unit`: never guessed.
    pub fn conversion(&mut self, canonical: &str, unit: &[u8]) -> Result<Conversion, Rejection> {
        if let Some((_, conversion)) = self.units.iter().find(|(known, _)| known == unit) {
            return conversion.ok_or(Rejection("unknown-unit"));
        }
        let text = super::wire::unescape(unit).unwrap_or_default();
        let conversion = coverage::conversion_to(canonical, &text);
        if self.units.len() < MAX_UNITS {
            self.units.push((unit.to_owned(), conversion));
        }
        conversion.ok_or(Rejection("unknown-unit"))
    }

    /// The number of a value name.
    ///
    /// # Errors
    /// `value-unknown`.
    pub fn code(&mut self, list: &[(&str, u32)], value: &[u8]) -> Result<u32, Rejection> {
        if let Some((_, number)) = self.codes.iter().find(|(known, _)| known == value) {
            return Ok(*number);
        }
        let number = std::str::from_utf8(value)
            .ok()
            .and_then(|value| coverage::code(list, value))
            .ok_or(Rejection("value-unknown"))?;
        self.codes.push((value.to_owned(), number));
        Ok(number)
    }
}

/// All types met so far.
#[derive(Debug, Default)]
pub struct Types {
    all: Vec<VendorType>,
    by_name: HashMap<Vec<u8>, usize>,
    last: usize,
    series: u16,
    beats: Option<u16>,
}

impl Types {
    /// The index of a type.
    pub fn find(&mut self, name: &[u8]) -> usize {
        if self.all.get(self.last).is_some_and(|last| last.name.as_bytes() == name) {
            return self.last;
        }
        self.last = match self.by_name.get(name) {
            Some(index) => *index,
            None if self.all.len() < MAX_TYPES => self.add(name),
            None => self.all.len() - 1,
        };
        self.last
    }

    fn add(&mut self, name: &[u8]) -> usize {
        let text: String = String::from_utf8_lossy(name).chars().take(256).collect();
        let target = coverage::target(&text);
        self.by_name.insert(name.to_owned(), self.all.len());
        self.all.push(VendorType {
            name: text,
            target,
            units: Vec::new(),
            codes: Vec::new(),
            series: Vec::new(),
        });
        self.all.len() - 1
    }

    /// A type by its index.
    pub fn get_mut(&mut self, index: usize) -> &mut VendorType {
        &mut self.all[index]
    }

    /// The parked series of a type and unit, and whether it is new; `None` when there are too many.
    pub fn series(&mut self, index: usize, unit: &[u8]) -> Option<(u16, bool)> {
        if let Some((_, series)) = self.all[index].series.iter().find(|(known, _)| known == unit) {
            return Some((*series, false));
        }
        if self.all[index].series.len() >= MAX_UNITS || usize::from(self.series) >= MAX_TYPES {
            return None;
        }
        let series = self.series;
        self.series += 1;
        self.all[index].series.push((unit.to_owned(), series));
        Some((series, true))
    }

    /// The parked series of heart beats, and whether it is new.
    pub fn beats(&mut self) -> Option<(u16, bool)> {
        if let Some(series) = self.beats {
            return Some((series, false));
        }
        let series = self.series;
        self.series += 1;
        self.beats = Some(series);
        Some((series, true))
    }
}
