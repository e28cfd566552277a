//! How a consent changes: proposed → active → withdrawn, expired or superseded by its next version. Nothing comes back from
//! an end; a new consent can be given.

use model::UtcMillis;

use crate::draft::{ConsentDraft, DraftError};
use crate::ids::ConsentId;
use crate::narrow::Difference;
use crate::record::{Acting, Consent, ConsentState};

/// Why a consent cannot change as asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransitionError {
    /// It was withdrawn before.
    #[error("consent {consent} was withdrawn before")]
    Withdrawn {
        /// Which.
        consent: ConsentId,
    },
    /// It has expired before.
    #[error("consent {consent} has expired before")]
    Expired {
        /// Which.
        consent: ConsentId,
    },
    /// A later version took its place: act on that one.
    #[error("version {version} of consent {consent} is not the latest")]
    Superseded {
        /// Which.
        consent: ConsentId,
        /// The version at hand.
        version: u32,
    },
    /// A part of it still holds, so it has not expired.
    #[error("consent {consent} has not expired")]
    NotExpired {
        /// Which.
        consent: ConsentId,
    },
    /// The draft is of another person, recipient or purpose, so it cannot be a version of this consent.
    #[error("the draft is of another person, recipient or purpose than consent {consent}")]
    OtherPlace {
        /// Which.
        consent: ConsentId,
    },
    /// It has as many versions as can be counted.
    #[error("consent {consent} has as many versions as can be")]
    NoMoreVersions {
        /// Which.
        consent: ConsentId,
    },
    /// The draft cannot become a consent.
    #[error(transparent)]
    Draft(#[from] DraftError),
}

/// A consent's next version, with the old one as it stands from then on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Superseded {
    /// The version before, now superseded.
    pub old: Consent,
    /// The version that is active.
    pub new: Consent,
    /// Which way it moved.
    pub difference: Difference,
}

impl ConsentDraft {
    /// proposed → active: a new consent of version 1.
    pub fn give(self, id: ConsentId, now: UtcMillis) -> Result<Consent, DraftError> {
        self.validate(now)?;
        Ok(self.into_version(id, 1, now))
    }

    fn into_version(self, id: ConsentId, version: u32, given_at: UtcMillis) -> Consent {
        Consent {
            id,
            version,
            person: self.person,
            recipient: self.recipient,
            purpose: self.purpose,
            state: ConsentState::Active,
            grants: self.grants,
            identity: self.identity,
            language: self.language,
            text: self.text,
            text_hash: self.text_hash,
            given_at,
            changed_at: given_at,
            how: self.how,
            withdrawn_by: None,
        }
    }
}

impl Consent {
    /// active → withdrawn, on the person's word or that of `by` who acts for them. Also of one whose grants have run out but that
    /// was not swept yet.
    pub fn withdraw(&self, now: UtcMillis, by: Option<Acting>) -> Result<Self, TransitionError> {
        self.expect_active()?;
        Ok(Self {
            withdrawn_by: by,
            ..self.ended(ConsentState::Withdrawn, now)
        })
    }

    /// active → expired, once nothing of it holds any more. Decisions do not wait for this: it only tidies up.
    pub fn expire(&self, now: UtcMillis) -> Result<Self, TransitionError> {
        self.expect_active()?;
        match self.ends_at() {
            Some(end) if end <= now => Ok(self.ended(ConsentState::Expired, now)),
            _ => Err(TransitionError::NotExpired { consent: self.id }),
        }
    }

    /// active → superseded by its next version, made of `draft`. Tokens stay with the consent, each bounded by what its
    /// latest version gives.
    pub fn supersede(&self, draft: ConsentDraft, now: UtcMillis) -> Result<Superseded, TransitionError> {
        self.expect_active()?;
        if draft.person != self.person || draft.recipient != self.recipient || draft.purpose != self.purpose {
            return Err(TransitionError::OtherPlace { consent: self.id });
        }
        let version = self
            .version
            .checked_add(1)
            .ok_or(TransitionError::NoMoreVersions { consent: self.id })?;
        draft.validate(now)?;
        let difference = self.terms().difference(draft.terms());
        let old = self.ended(ConsentState::Superseded, now);
        // A clock that went back must not let a later version seem earlier.
        let new = draft.into_version(self.id, version, old.changed_at);
        Ok(Superseded { old, new, difference })
    }

    fn expect_active(&self) -> Result<(), TransitionError> {
        let consent = self.id;
        match self.state {
            ConsentState::Active => Ok(()),
            ConsentState::Withdrawn => Err(TransitionError::Withdrawn { consent }),
            ConsentState::Expired => Err(TransitionError::Expired { consent }),
            ConsentState::Superseded => Err(TransitionError::Superseded {
                consent,
                version: self.version,
            }),
        }
    }

    fn ended(&self, state: ConsentState, now: UtcMillis) -> Self {
        Self {
            state,
            changed_at: now.max(self.changed_at),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests;
