//! Records that their vendors name by ids.

use crate::{Sample, UtcMillis};

/// A record that its vendor names by an id, and what the vendor says of it. Of one id the word said last counts, whatever the
/// order in which they come; a deletion counts before anything said at the same time, and of what else was said at the same time the
/// greater: more samples, else the later, longer or higher.
#[derive(Clone, Debug, PartialEq)]
pub struct Identified {
    /// The vendor's id, 1 to 512 bytes. Only a keyed hash of it is kept.
    pub id: String,
    /// When the vendor said so: its own time of the last change, where it has one.
    pub said: UtcMillis,
    /// What it says.
    pub what: Word,
}

/// What a vendor says of one of its ids.
#[derive(Clone, Debug, PartialEq)]
pub enum Word {
    /// It holds these samples; whatever else it held before, it holds no more. Their `source` is the person's number.
    Holds(Vec<Sample>),
    /// Asked for all it has of one type within one window, it answered these, each a record. The id names type and window.
    /// Windows of a vendor are asked for one after the other, so that one which says what is known leaves no trace.
    Window {
        /// What it answered.
        samples: Vec<Sample>,
        /// All of the answer was understood: whatever else was there is gone.
        is_whole: bool,
    },
    /// The vendor deleted it.
    Deleted,
}

impl Word {
    /// The samples that it holds.
    pub fn samples(&self) -> &[Sample] {
        match self {
            Self::Holds(samples) | Self::Window { samples, .. } => samples,
            Self::Deleted => &[],
        }
    }

    /// The samples that it holds, to be changed.
    pub fn samples_mut(&mut self) -> &mut [Sample] {
        match self {
            Self::Holds(samples) | Self::Window { samples, .. } => samples,
            Self::Deleted => &mut [],
        }
    }
}

impl Identified {
    /// For how many records it stands.
    pub fn records(&self) -> u64 {
        match &self.what {
            Word::Window { samples, .. } => samples.len() as u64,
            Word::Holds(_) | Word::Deleted => 1,
        }
    }
}
