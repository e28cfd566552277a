//! Tables that bear Individual Numbers.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization as _;

use crate::AdapterError;
use crate::checkup::individual_number::{self, Numbers};

/// Knows a table that bears Individual Numbers: by a name, or by a column of which nearly all pass the check digit.
#[derive(Default)]
pub(in crate::checkup) struct Watch {
    /// Numbers of twelve digits, by column.
    columns: HashMap<usize, Numbers>,
}

impl Watch {
    /// Looks at a line.
    pub(in crate::checkup) fn look(&mut self, cells: &[String]) -> Result<(), AdapterError> {
        let mut cells = cells.iter().enumerate();
        cells.try_for_each(|(place, cell)| self.cell(place, cell))
    }

    /// Looks at a cell of a column.
    pub(in crate::checkup) fn cell(&mut self, place: usize, cell: &str) -> Result<(), AdapterError> {
        if individual_number::is_name(cell) {
            return Err(AdapterError::IndividualNumber);
        }
        let digits: String = cell.nfkc().filter(|c| !matches!(c, '-' | ' ')).collect();
        if digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            self.columns.entry(place).or_default().look(&digits);
        }
        Ok(())
    }

    /// Says what the lines came to.
    pub(in crate::checkup) fn end(self) -> Result<(), AdapterError> {
        let mut columns = self.columns.into_values();
        match columns.any(|numbers| numbers.are_they()) {
            true => Err(AdapterError::IndividualNumber),
            false => Ok(()),
        }
    }
}
