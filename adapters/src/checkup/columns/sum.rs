//! What became of each column of a table, in counts: nothing of anybody is in it.

use std::collections::BTreeMap;

/// What a table came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableSum {
    /// Lines of people.
    pub lines: u64,
    /// What they came to: a document for each day that a line tells of, and one for a line that tells of none.
    pub documents: u64,
    /// Of the lines, those without a day of a checkup, or with more columns than names.
    pub without_checkup: u64,
    /// Each column, in its order.
    pub columns: Vec<ColumnSum>,
}

/// What a column came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnSum {
    /// As the table names it.
    pub name: String,
    /// What it is; empty for a column that is kept with its line alone.
    pub is: String,
    /// Cells with something in them.
    pub filled: u64,
    /// Results and marks that were read.
    pub taken: u64,
    /// Others, by why not.
    pub refused: BTreeMap<&'static str, u64>,
}

impl TableSum {
    pub(super) fn of(names: &[String]) -> Self {
        let columns = names.iter().map(|name| ColumnSum {
            name: name.clone(),
            ..ColumnSum::default()
        });
        Self {
            columns: columns.collect(),
            ..Self::default()
        }
    }

    pub(super) fn count(&mut self, cells: &[String]) {
        self.lines += 1;
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            column.filled += u64::from(!cell.is_empty());
        }
    }
}

impl ColumnSum {
    pub(super) fn refuse(&mut self, reason: &'static str) {
        *self.refused.entry(reason).or_default() += 1;
    }
}
