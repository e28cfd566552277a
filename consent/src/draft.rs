//! What the authorization page collected before it becomes a consent, and what makes it valid.

use model::{ConsentCategory, PersonId, RecipientId, UtcMillis};
use serde::{Deserialize, Serialize};

use crate::grant::{DataPeriod, Detail, Grant, IdentityGrant, MAX_GRANTS, MAX_SOURCES, Sources, is_live};
use crate::ids::Purpose;
use crate::narrow::{Terms, grant_within};
use crate::record::{HowGiven, Language};
use crate::scope::{Interaction, Resource, ScopeSet};
use crate::stored;

/// The longest text of a consent, in bytes.
pub const MAX_TEXT: usize = 64 * 1024;

/// Sources are numbered below this within their person, as in [`model::RecordKey`].
const SOURCE_NUMBERS: u16 = 4_096;

/// The most that a recipient asked for. What a resident agrees to lies within.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// Upper bounds of grants.
    pub grants: Vec<Grant>,
    /// Upper bound of the lines about who the person is.
    pub identity: IdentityGrant,
}

impl Asked {
    /// What scopes ask for: each consent category they reach, whole, and with the Patient resource who the person is.
    /// Which days, how finely and until when is the resident's to say.
    pub fn by_scopes(scopes: &ScopeSet) -> Self {
        let whole = |category: ConsentCategory| Grant {
            category,
            sources: Sources::All,
            period: DataPeriod::ALL,
            detail: Detail::Raw,
            running_day: true,
            expires: None,
        };
        let patient = scopes.allows(Resource::Patient, Interaction::Read);
        Self {
            grants: scopes.consent_categories().map(whole).collect(),
            identity: IdentityGrant {
                name: patient,
                address: patient,
                birth_date: patient,
                age_band_and_sex: patient,
                municipality: patient,
                insurance: patient,
                linking: None,
                expires: None,
            },
        }
    }

    /// For comparing.
    pub fn terms(&self) -> Terms<'_> {
        Terms {
            grants: &self.grants,
            identity: self.identity,
        }
    }
}

/// A consent that is proposed: what the resident ticked, in answer to what was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentDraft {
    /// Who would give it.
    #[serde(with = "stored::person")]
    pub person: PersonId,
    /// To whom.
    #[serde(with = "stored::recipient")]
    pub recipient: RecipientId,
    /// For what.
    pub purpose: Purpose,
    /// What was asked for.
    pub asked: Asked,
    /// What was ticked.
    pub grants: Vec<Grant>,
    /// Which lines about who they are were ticked.
    pub identity: IdentityGrant,
    /// The language of `text`.
    pub language: Language,
    /// The exact text that was shown.
    pub text: String,
    /// SHA-256 of `text`, computed by the caller.
    pub text_hash: [u8; 32],
    /// What shows that it is the person's word.
    pub how: HowGiven,
}

/// Why a draft cannot become a consent. Positions are those of its grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    /// Nothing was agreed to: the answer is a refusal, not a consent.
    #[error("nothing was agreed to")]
    Nothing,
    /// More grants than can be.
    #[error("{count} grants, of which at most {MAX_GRANTS} can be")]
    TooManyGrants {
        /// How many.
        count: usize,
    },
    /// The text that was shown is missing.
    #[error("the text that was shown is missing")]
    NoText,
    /// The text is too long.
    #[error("the text has {length} bytes, of which at most {MAX_TEXT} can be")]
    TextTooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// The provider that signed the person in is not named.
    #[error("the issuer that signed the person in is missing")]
    NoIssuer,
    /// A form on paper without its number or without how identity was checked, or with names that are too long.
    #[error("a form on paper needs its number (100 bytes at most) and how identity was checked (500 at most)")]
    BadForm,
    /// A form on paper that two different operators have not seen.
    #[error("a form on paper is entered by one operator and confirmed by another")]
    OneOperator,
    /// A grant names no source, or too many.
    #[error("grant {grant} names {count} sources: 1 to {MAX_SOURCES} can be named")]
    SourceCount {
        /// Which grant.
        grant: usize,
        /// How many it names.
        count: usize,
    },
    /// A grant's sources are not ascending.
    #[error("the sources of grant {grant} are not ascending")]
    SourceOrder {
        /// Which grant.
        grant: usize,
    },
    /// A grant names a source that cannot be.
    #[error("grant {grant} names a source of a number that cannot be")]
    SourceNumber {
        /// Which grant.
        grant: usize,
    },
    /// A grant's period ends before it begins.
    #[error("the period of grant {grant} ends before it begins")]
    EmptyPeriod {
        /// Which grant.
        grant: usize,
    },
    /// A grant has expired before it was given.
    #[error("grant {grant} has expired before it was given")]
    AlreadyExpired {
        /// Which grant.
        grant: usize,
    },
    /// The lines about who the person is have expired before they were given.
    #[error("the lines about who the person is have expired before they were given")]
    IdentityAlreadyExpired,
    /// A grant says nothing that another does not say.
    #[error("grant {grant} says nothing that grant {other} does not say")]
    Duplicate {
        /// Which grant.
        grant: usize,
        /// The one that says it all.
        other: usize,
    },
    /// A grant gives more than was asked for.
    #[error("grant {grant} gives more than was asked for")]
    NotAsked {
        /// Which grant.
        grant: usize,
    },
    /// A linking id beside something else.
    #[error("a linking id is given in a consent of its own, with nothing else")]
    LinkingNotAlone,
    /// A linking id with oneself.
    #[error("a linking id is between two recipients")]
    LinkingWithItself,
    /// A line about who the person is was not asked for.
    #[error("a line about who the person is was not asked for")]
    IdentityNotAsked,
}

impl ConsentDraft {
    /// What was ticked, for comparing.
    pub fn terms(&self) -> Terms<'_> {
        Terms {
            grants: &self.grants,
            identity: self.identity,
        }
    }

    /// True when it can become a consent at `now`; else the first thing that is wrong.
    pub fn validate(&self, now: UtcMillis) -> Result<(), DraftError> {
        if self.grants.is_empty() && !self.identity.gives_something() {
            return Err(DraftError::Nothing);
        }
        if self.grants.len() > MAX_GRANTS {
            return Err(DraftError::TooManyGrants {
                count: self.grants.len(),
            });
        }
        if self.text.trim().is_empty() {
            return Err(DraftError::NoText);
        }
        if self.text.len() > MAX_TEXT {
            return Err(DraftError::TextTooLong {
                length: self.text.len(),
            });
        }
        validate_how(&self.how)?;
        for (number, grant) in self.grants.iter().enumerate() {
            validate_grant(number, grant, now)?;
            if !grant_within(grant, &self.asked.grants) {
                return Err(DraftError::NotAsked { grant: number });
            }
        }
        self.validate_no_duplicates()?;
        if self.identity.gives_something() && !is_live(self.identity.expires, now) {
            return Err(DraftError::IdentityAlreadyExpired);
        }
        if let Some(other) = self.identity.linking {
            if !self.grants.is_empty() || self.identity.lines().next().is_some() {
                return Err(DraftError::LinkingNotAlone);
            }
            if other == self.recipient {
                return Err(DraftError::LinkingWithItself);
            }
        }
        let identity_alone = |identity| Terms { grants: &[], identity };
        if !identity_alone(self.identity).within(identity_alone(self.asked.identity)) {
            return Err(DraftError::IdentityNotAsked);
        }
        Ok(())
    }

    fn validate_no_duplicates(&self) -> Result<(), DraftError> {
        for (number, grant) in self.grants.iter().enumerate() {
            for (other, covering) in self.grants.iter().enumerate() {
                if other != number && grant_within(grant, std::slice::from_ref(covering)) {
                    return Err(DraftError::Duplicate { grant: number, other });
                }
            }
        }
        Ok(())
    }
}

fn validate_how(how: &HowGiven) -> Result<(), DraftError> {
    match how {
        HowGiven::SignedIn { issuer, .. } if issuer.is_empty() => Err(DraftError::NoIssuer),
        HowGiven::SignedIn { .. } => Ok(()),
        HowGiven::OnPaper {
            form,
            identity_checked,
            entered_by,
            confirmed_by,
            ..
        } => {
            let fits = |text: &str, most: usize| !text.trim().is_empty() && text.len() <= most;
            if !fits(form, 100) || !fits(identity_checked, 500) {
                return Err(DraftError::BadForm);
            }
            if *entered_by < 1 || *confirmed_by < 1 || entered_by == confirmed_by {
                return Err(DraftError::OneOperator);
            }
            Ok(())
        }
    }
}

fn validate_grant(number: usize, grant: &Grant, now: UtcMillis) -> Result<(), DraftError> {
    if let Sources::Only(numbers) = &grant.sources {
        if !(1..=MAX_SOURCES).contains(&numbers.len()) {
            return Err(DraftError::SourceCount {
                grant: number,
                count: numbers.len(),
            });
        }
        if !numbers.is_sorted_by(|left, right| left < right) {
            return Err(DraftError::SourceOrder { grant: number });
        }
        if numbers.iter().any(|&source| source >= SOURCE_NUMBERS) {
            return Err(DraftError::SourceNumber { grant: number });
        }
    }
    if grant.period.is_empty() {
        return Err(DraftError::EmptyPeriod { grant: number });
    }
    if !grant.is_live(now) {
        return Err(DraftError::AlreadyExpired { grant: number });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
