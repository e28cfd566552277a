//! Parked columns, for a mapping that came later: which there are, and how they become samples.

use model::{PersonId, Sample};

use crate::imports::Import;
use crate::sqlite;
use crate::{Raw, Result, Store};

/// Numbers of a vendor's type that nothing mapped when they came, of one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedSeries {
    /// Whose.
    pub person: PersonId,
    /// The type, as its vendor writes it.
    pub vendor_type: String,
    /// The unit, likewise.
    pub unit: String,
    /// How many there are.
    pub numbers: u64,
    pub(crate) kind: u16,
    pub(crate) source: u16,
}

impl Store {
    /// What is parked of the next person after `after` of whom something is; nothing at the end.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn parked_after(&self, after: PersonId) -> Result<Vec<ParkedSeries>> {
        self.database
            .read("read what is parked", move |snapshot| {
                sqlite::parked::after(snapshot, after)
            })
            .await
    }
}

impl Import {
    /// What is parked of the person, as of this delivery. Blocks.
    ///
    /// # Errors
    /// What reading can answer.
    pub fn parked(&self) -> Result<Vec<ParkedSeries>> {
        self.intake.parked()
    }

    /// Takes parked numbers as samples, dated as they were said. `make` makes one of each, or says what is kept of it as by
    /// [`Import::raw`]. They are parked no more once the delivery ends. Blocks.
    ///
    /// # Errors
    /// As [`Import::push`].
    pub fn promote(
        &mut self,
        series: &ParkedSeries,
        make: impl FnMut(Sample) -> std::result::Result<Sample, Raw>,
    ) -> Result<()> {
        self.intake.promote(series, make)
    }
}
