//! A consent as it was given: to whom, for what, which grants, in which words, when and how. How it changes is in
//! `lifecycle`.

use model::{PersonId, RecipientId, UtcMillis};
use serde::{Deserialize, Serialize};

use crate::grant::{Grant, IdentityGrant};
use crate::ids::{ConsentId, Purpose};
use crate::narrow::Terms;
use crate::stored;

/// Where a version of a consent is in its life. What was asked but not answered is a
/// [`ConsentDraft`](crate::ConsentDraft).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum ConsentState {
    /// It gives what its grants say.
    Active = 1,
    /// The person took it back. Nothing brings it back; a new consent can be given.
    Withdrawn = 2,
    /// All it gave has run out.
    Expired = 3,
    /// A later version took its place.
    Superseded = 4,
}

impl ConsentState {
    /// The state with this number, as stored.
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::Active, Self::Withdrawn, Self::Expired, Self::Superseded]
            .into_iter()
            .find(|state| *state as u8 == number)
    }
}

/// The language of the text that was shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// Japanese.
    #[default]
    Ja,
    /// English.
    En,
}

impl Language {
    /// Its BCP 47 tag.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Ja => "ja",
            Self::En => "en",
        }
    }
}

/// What somebody is to the person they act for. The numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Relationship {
    /// A parent of a child (親権者).
    Parent = 1,
    /// A guardian appointed by a court (後見人など).
    Guardian = 2,
    /// Somebody whom the person named themselves (任意の代理人).
    Proxy = 3,
}

impl Relationship {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Parent, Self::Guardian, Self::Proxy];

    /// The one with this number, as stored.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|known| *known as u8 == number)
    }

    /// Its code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Parent => "parent",
            Self::Guardian => "guardian",
            Self::Proxy => "proxy",
        }
    }

    /// The one with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.code() == code)
    }
}

/// Somebody who acts for the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acting {
    /// Who acts.
    #[serde(with = "stored::person")]
    pub person: PersonId,
    /// What they are to the person.
    pub relationship: Relationship,
}

/// How a consent was given: what would show later that it was this person's word.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HowGiven {
    /// On the gateway's own page, after signing in.
    SignedIn {
        /// Issuer of the OpenID provider that signed the person in.
        issuer: String,
        /// The level of assurance it stated (`acr`), if any.
        assurance: Option<String>,
        /// Who acted for the person, if they did not themselves.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        acting: Option<Acting>,
    },
    /// On a paper form at a counter, entered by one operator and confirmed by another.
    OnPaper {
        /// The form's number.
        form: String,
        /// SHA-256 of the scanned form.
        form_hash: [u8; 32],
        /// How the person's identity was checked.
        identity_checked: String,
        /// The operator who entered it, by number.
        entered_by: i64,
        /// The operator who confirmed it; 0 while nobody has.
        confirmed_by: i64,
        /// Who signed for the person, if they did not themselves.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        acting: Option<Acting>,
    },
}

impl HowGiven {
    /// Who acted for the person, if they did not themselves.
    pub fn acting(&self) -> Option<Acting> {
        match self {
            Self::SignedIn { acting, .. } | Self::OnPaper { acting, .. } => *acting,
        }
    }
}

/// One version of one consent: of a person, to one recipient, for one purpose.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// Names it through all its versions.
    pub id: ConsentId,
    /// Counts from 1.
    pub version: u32,
    /// Who gave it.
    #[serde(with = "stored::person")]
    pub person: PersonId,
    /// To whom.
    #[serde(with = "stored::recipient")]
    pub recipient: RecipientId,
    /// For what.
    pub purpose: Purpose,
    /// Where it is in its life.
    pub state: ConsentState,
    /// What it gives; at most [`MAX_GRANTS`](crate::MAX_GRANTS), else it gives nothing.
    pub grants: Vec<Grant>,
    /// What the recipient may know of who the person is.
    pub identity: IdentityGrant,
    /// The language of `text`.
    pub language: Language,
    /// The exact text that was shown.
    pub text: String,
    /// SHA-256 of `text`.
    pub text_hash: [u8; 32],
    /// When this version was given.
    #[serde(with = "stored::instant")]
    pub given_at: UtcMillis,
    /// When its state last changed; never before `given_at`.
    #[serde(with = "stored::instant")]
    pub changed_at: UtcMillis,
    /// What shows that it was the person's word.
    pub how: HowGiven,
    /// Who withdrew it for the person, if they did not themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn_by: Option<Acting>,
}

impl Consent {
    /// What it gives, for comparing.
    pub fn terms(&self) -> Terms<'_> {
        Terms {
            grants: &self.grants,
            identity: self.identity,
        }
    }

    /// The first instant at which nothing of it holds any more; `None` when a part of it has no end.
    pub fn ends_at(&self) -> Option<UtcMillis> {
        let identity = self.identity.gives_something().then_some(self.identity.expires);
        self.grants
            .iter()
            .map(|grant| grant.expires)
            .chain(identity)
            .try_fold(UtcMillis(i64::MIN), |latest, expires| Some(latest.max(expires?)))
    }
}
