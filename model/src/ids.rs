//! Identifiers, and the 128-bit block that an Observation's id is made of.

use crate::time::UtcMillis;
use crate::vocabulary::Metric;

macro_rules! numbered {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::num::ParseIntError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

numbered!(
    /// A resident inside this gateway. Never leaves it: outside, ids are pairwise.
    PersonId(u32)
);
numbered!(
    /// A prefecture, municipality, insurer, company or university.
    OrganisationId(u32)
);
numbered!(
    /// An app or research project that may be given data. Its web, iOS and backend clients are one recipient.
    RecipientId(u32)
);
numbered!(
    /// One delivery with its accounting, numbered within its person.
    BatchId(u32)
);

/// What kind of thing a [`RecordKey`] names. The numbers stand in ids that recipients hold, so they never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum RecordKind {
    /// The person themselves; all other parts of the key are zero.
    Patient = 0,
    /// A stored sample.
    Sample = 1,
    /// A computed summary of days: `start` is midnight UTC of its first civil day, `tie_break` the number of its
    /// [`Summary`](crate::Summary).
    Total = 2,
    /// A sleep session.
    Session = 3,
    /// A source; metric, start and tie-break are zero.
    Device = 4,
    /// The provenance of the sample with the same other parts.
    Provenance = 5,
    /// A stored document.
    Document = 6,
    /// The provenance of the computed day with the same other parts.
    DayProvenance = 7,
    /// A consent: its 64-bit id lies in source, start and tie-break.
    Consent = 8,
}

impl RecordKind {
    /// The kind with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        [
            Self::Patient,
            Self::Sample,
            Self::Total,
            Self::Session,
            Self::Device,
            Self::Provenance,
            Self::Document,
            Self::DayProvenance,
            Self::Consent,
        ]
        .get(usize::from(number))
        .copied()
    }
}

/// Where a record lies: what an id says once it is decrypted. Finding it needs no index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey {
    /// Whose it is.
    pub person: PersonId,
    /// What it is.
    pub kind: RecordKind,
    /// The metric; for kinds without one, metric number 0 ([`Metric::NONE`]).
    pub metric: Metric,
    /// The source's number within the person, below 4096; 0 where there is none.
    pub source: u16,
    /// Start of the record's first identity.
    pub start: UtcMillis,
    /// Tells true twins apart, below 4096.
    pub tie_break: u16,
}

impl RecordKey {
    /// The block before encryption: person 32 bits, kind 4, metric 12, source 12, start in ms 44, tie-break 12, and 12
    /// bits of zero that a forged id will not have. The start is counted from [`UtcMillis::EARLIEST`].
    pub fn to_block(self) -> [u8; 16] {
        let start = (self.start.0 - UtcMillis::EARLIEST.0) as u128 & ((1 << 44) - 1);
        let block = (u128::from(self.person.0) << 96)
            | (u128::from(self.kind as u8 & 0xf) << 92)
            | (u128::from(self.metric.number() & 0xfff) << 80)
            | (u128::from(self.source & 0xfff) << 68)
            | (start << 24)
            | (u128::from(self.tie_break & 0xfff) << 12);
        block.to_be_bytes()
    }

    /// The key in a decrypted block; `None` when the zero bits are not zero or a part cannot be.
    pub fn from_block(block: [u8; 16]) -> Option<Self> {
        let block = u128::from_be_bytes(block);
        if block & 0xfff != 0 {
            return None;
        }
        let metric = (block >> 80) as u16 & 0xfff;
        Some(Self {
            person: PersonId((block >> 96) as u32),
            kind: RecordKind::from_number((block >> 92) as u8 & 0xf)?,
            metric: if metric == 0 {
                Metric::NONE
            } else {
                Metric::from_number(metric)?
            },
            source: (block >> 68) as u16 & 0xfff,
            start: UtcMillis(((block >> 24) as i64 & ((1 << 44) - 1)) + UtcMillis::EARLIEST.0),
            tie_break: (block >> 12) as u16 & 0xfff,
        })
    }
}
