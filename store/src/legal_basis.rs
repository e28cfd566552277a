//! On what ground a recipient is given data (個人情報保護法 27): consent alone, or entrusted, shared in joint use, by statute, by notice.
//! Whatever the ground, nothing passes without the resident's consent here; the ground is shown, recorded, and can end.

use model::{LocalDay, RecipientId, UtcMillis};

use crate::sqlite;
use crate::{Actor, Result, Store, StoreError};

/// The longest name of a document, handler or sub-contractor, in characters.
const MAX_NAME: usize = 200;
/// Handlers, and sub-contractors, at most.
const MAX_NAMES: usize = 50;

/// A kind of ground. The numbers are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum BasisKind {
    /// The resident's consent alone: provision to a third party (第三者提供).
    #[default]
    Consent = 1,
    /// Entrusted by the custodian (委託).
    Entrusted = 2,
    /// Joint use (共同利用).
    JointUse = 3,
    /// A statute (法令).
    Statute = 4,
    /// Notice under the next-generation medical infrastructure law (次世代医療基盤法).
    Notice = 5,
}

impl BasisKind {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Consent,
        Self::Entrusted,
        Self::JointUse,
        Self::Statute,
        Self::Notice,
    ];

    /// The kind with this number, as stored.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == number)
    }

    /// Its name in texts and on the command line.
    pub fn code(self) -> &'static str {
        match self {
            Self::Consent => "consent",
            Self::Entrusted => "entrusted",
            Self::JointUse => "joint-use",
            Self::Statute => "statute",
            Self::Notice => "notice",
        }
    }
}

/// The ground of one recipient.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LegalBasis {
    /// Which kind.
    pub kind: BasisKind,
    /// The contract, agreement or law by name.
    pub document: String,
    /// Its first day.
    pub from: Option<LocalDay>,
    /// The first instant at which it does not hold any more; `None`: no end.
    pub until: Option<UtcMillis>,
    /// Who handles the data at the recipient.
    pub handlers: Vec<String>,
    /// To whom the recipient passes work on.
    pub subcontractors: Vec<String>,
    /// When the recipient reported that everything was returned and erased.
    pub returned: Option<UtcMillis>,
}

impl LegalBasis {
    /// True when it has ended.
    pub fn is_over(&self, now: UtcMillis) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// True when it has ended and the report of return and erasure has not come.
    pub fn owes_report(&self, now: UtcMillis) -> bool {
        self.is_over(now) && self.returned.is_none()
    }

    fn validate(&self) -> Result<()> {
        let fits = |name: &String| !name.trim().is_empty() && name.chars().count() <= MAX_NAME;
        let names = [&self.handlers, &self.subcontractors];
        if self.document.chars().count() > MAX_NAME
            || names
                .iter()
                .any(|names| names.len() > MAX_NAMES || !names.iter().all(fits))
        {
            return Err(StoreError::Invalid {
                what: "names of documents, handlers and sub-contractors have 1 to 200 characters, and there are 50 of each at most",
            });
        }
        if self.kind != BasisKind::Consent && self.document.trim().is_empty() {
            return Err(StoreError::Invalid {
                what: "a ground other than consent names its document",
            });
        }
        Ok(())
    }
}

impl Store {
    /// States a recipient's ground anew. One that has ended lets nothing pass; a later end lets it pass again.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for names that are missing or too long, [`StoreError::NotFound`], and what writing can answer.
    pub async fn set_legal_basis(&self, recipient: RecipientId, basis: LegalBasis, by: Actor) -> Result<()> {
        basis.validate()?;
        self.database
            .write("set a legal basis", move |writing| {
                sqlite::recipients::set_basis(writing, recipient, &basis, by)
            })
            .await
    }

    /// Notes that the recipient reported return and erasure after its ground ended.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] while the ground holds, [`StoreError::NotFound`], and what writing can answer.
    pub async fn report_returned(&self, recipient: RecipientId, by: Actor) -> Result<()> {
        self.database
            .write("note a return", move |writing| {
                sqlite::recipients::report_returned(writing, recipient, by)
            })
            .await
    }
}
