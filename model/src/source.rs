//! Sources: the device or app that measured.

/// What kind of device a source is. Kinds are ranked when devices overlap (lower wins).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum SourceKind {
    /// Worn on the wrist.
    Watch = 1,
    /// A band without a display of its own.
    Band = 2,
    /// A ring.
    Ring = 3,
    /// A telephone.
    Phone = 4,
    /// A pedometer.
    Pedometer = 5,
    /// An app, typed or computed.
    App = 6,
    /// A scale, cuff, thermometer or other instrument that is not worn.
    Instrument = 7,
    /// Under or beside the bed.
    SleepMat = 8,
    /// Nobody said.
    #[default]
    Unknown = 9,
    /// No device: the documents of a kind.
    Document = 10,
}

impl SourceKind {
    /// The kind with this number, as stored.
    pub fn from_number(number: u8) -> Option<Self> {
        [
            Self::Watch,
            Self::Band,
            Self::Ring,
            Self::Phone,
            Self::Pedometer,
            Self::App,
            Self::Instrument,
            Self::SleepMat,
            Self::Unknown,
            Self::Document,
        ]
        .into_iter()
        .find(|kind| *kind as u8 == number)
    }
}

/// A device or app as its vendor describes it. Within a person it is found again by `key`; the rest describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Source {
    /// What identifies it: made by the adapter from what stays the same over time, never from a name alone or an
    /// address that changes. At most 512 bytes.
    pub key: String,
    /// The name shown to the person; may hold their own name, so it never goes to a recipient.
    pub name: String,
    /// Who made it.
    pub manufacturer: Option<String>,
    /// The model, e.g. `Watch`.
    pub model: Option<String>,
    /// The hardware version, e.g. `Watch6,2`.
    pub hardware: Option<String>,
    /// What kind of device it is.
    pub kind: SourceKind,
    /// Of what another vendor measured and its app wrote into this one's store: how the keys of that vendor's own sources begin. Behind
    /// an `!` stands how keys begin that are none of them: where nobody knows whose it was, the beginning is empty and these remain.
    pub copies: Vec<String>,
}

impl Source {
    /// True where a source of this key may hold the original of what this one has.
    pub fn is_copy_of(&self, key: &str) -> bool {
        let begins = |own: &str| key.starts_with(own);
        self.copies.iter().any(|own| !own.starts_with('!') && begins(own))
            && !self.copies.iter().any(|own| own.strip_prefix('!').is_some_and(begins))
    }
}
