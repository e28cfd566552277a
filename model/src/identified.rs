//! Records that their vendors name by ids.

use crate::{Sample, UtcMillis};

/// A record that its vendor names by an id, and what the vendor says of it. Of one id the word said last counts, whatever the
/// order in which they come; a deletion counts before anything said at the same time.
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
    /// The vendor deleted it.
    Deleted,
}
