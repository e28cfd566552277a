//! Tokens and the families they belong to: how long each lives, and how refresh tokens rotate so that a stolen one ends the
//! whole family.
//!
//! A family is all that came of one authorization code. Each refresh makes the next generation of it, an access and a
//! refresh token, and only the latest generation lives. Tokens are 256-bit handles that the store knows by their hash only.

use model::UtcMillis;
use serde::{Deserialize, Serialize};

use crate::stored;

/// How long an access token lives, in milliseconds. SMART App Launch 2.2: at most an hour.
pub const ACCESS_LIFETIME_MS: i64 = 3_600_000;

/// How long a refresh token lives unused, in milliseconds: 90 days.
pub const REFRESH_LIFETIME_MS: i64 = 90 * 86_400_000;

/// Within this time a refresh token may come again because its answer was lost on the way, in milliseconds, as long as
/// its successor was not used.
pub const GRACE_MS: i64 = 10_000;

/// All tokens that came of one authorization code. Random, given by the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FamilyId(pub u64);

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum TokenKind {
    /// Shown with every request for data.
    Access = 1,
    /// Exchanged for the next generation.
    Refresh = 2,
}

impl TokenKind {
    /// The kind with this number, as stored.
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::Access, Self::Refresh]
            .into_iter()
            .find(|kind| *kind as u8 == number)
    }

    /// The first instant at which a token of this kind, issued at `issued`, does not hold any more.
    pub fn expires(self, issued: UtcMillis) -> UtcMillis {
        issued.plus(match self {
            Self::Access => ACCESS_LIFETIME_MS,
            Self::Refresh => REFRESH_LIFETIME_MS,
        })
    }
}

/// Why a family ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum RevokedBy {
    /// A refresh token came again after its successor was used or its grace was over.
    RefreshReuse = 1,
    /// The authorization code came a second time.
    CodeReuse = 2,
    /// The client asked for it (RFC 7009).
    Client = 3,
    /// The consent ended.
    Consent = 4,
    /// The operator blocked the recipient, or the data was restored from a backup.
    Operator = 5,
}

impl RevokedBy {
    /// The cause with this number, as stored.
    pub fn from_number(number: u8) -> Option<Self> {
        [
            Self::RefreshReuse,
            Self::CodeReuse,
            Self::Client,
            Self::Consent,
            Self::Operator,
        ]
        .into_iter()
        .find(|cause| *cause as u8 == number)
    }
}

/// Where a family is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Family {
    /// Which.
    pub id: FamilyId,
    /// The generation that lives; the first is 1.
    pub generation: u32,
    /// The generation whose refresh token made it; 0 for the first.
    pub parent: u32,
    /// When the parent's refresh token was first used.
    #[serde(with = "stored::instant")]
    pub rotated_at: UtcMillis,
    /// Why it ended, if it has.
    pub revoked: Option<RevokedBy>,
}

/// A refresh token as it was stored, and who shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShownRefresh<'a> {
    /// The generation it belongs to.
    pub generation: u32,
    /// The first instant at which it does not hold any more.
    pub expires: UtcMillis,
    /// The client it was issued to.
    pub issued_to: &'a str,
    /// The client that shows it.
    pub shown_by: &'a str,
}

/// Why a refresh token gives nothing: `invalid_grant`, all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefreshError {
    /// The family had ended.
    #[error("the authorization has ended")]
    Revoked {
        /// Which.
        family: FamilyId,
        /// Why.
        by: RevokedBy,
    },
    /// It was issued to another client.
    #[error("the refresh token was issued to another client")]
    OtherClient,
    /// It was used before: the caller stores the family as revoked by [`RevokedBy::RefreshReuse`].
    #[error("the refresh token was used before")]
    Reused {
        /// Which.
        family: FamilyId,
    },
    /// It was not used for too long.
    #[error("the refresh token has expired")]
    Expired,
    /// The family has as many generations as can be counted.
    #[error("the authorization cannot be refreshed any more")]
    NoMoreGenerations {
        /// Which.
        family: FamilyId,
    },
}

/// A family that has ended before cannot end again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the family had ended before")]
pub struct AlreadyRevoked {
    /// Why it ended then.
    pub by: RevokedBy,
}

impl Family {
    /// The family that a redeemed code begins, at its first generation.
    pub fn begin(id: FamilyId, now: UtcMillis) -> Self {
        Self {
            id,
            generation: 1,
            parent: 0,
            rotated_at: now,
            revoked: None,
        }
    }

    /// True while tokens of this generation hold: the family lives and no later generation took their place. Expiry is
    /// the token's own.
    pub fn admits(self, generation: u32) -> bool {
        self.revoked.is_none() && generation == self.generation
    }

    /// Exchanges a refresh token: the family at its next generation, whose tokens the caller issues.
    ///
    /// The latest token rotates. The one before it may come again within [`GRACE_MS`] of its first use, as long as its
    /// successor was not used: the answer was lost, and a new successor takes the old one's place, so that of many equal
    /// requests at once exactly one pair lives in the end. Any other was stolen or leaked, and the family must end.
    pub fn rotate(self, shown: ShownRefresh<'_>, now: UtcMillis) -> Result<Self, RefreshError> {
        if let Some(by) = self.revoked {
            return Err(RefreshError::Revoked { family: self.id, by });
        }
        if shown.issued_to != shown.shown_by {
            return Err(RefreshError::OtherClient);
        }
        let is_latest = shown.generation == self.generation;
        // A clock that went back must not widen the grace.
        let since_rotation = now.0.saturating_sub(self.rotated_at.0);
        let is_lost_answer = shown.generation == self.parent && (0..=GRACE_MS).contains(&since_rotation);
        if !is_latest && !is_lost_answer {
            return Err(RefreshError::Reused { family: self.id });
        }
        if shown.expires <= now {
            return Err(RefreshError::Expired);
        }
        let generation = self
            .generation
            .checked_add(1)
            .ok_or(RefreshError::NoMoreGenerations { family: self.id })?;
        Ok(Self {
            generation,
            parent: shown.generation,
            rotated_at: if is_latest { now } else { self.rotated_at },
            ..self
        })
    }

    /// Ends the family and with it all its tokens.
    pub fn revoke(self, by: RevokedBy) -> Result<Self, AlreadyRevoked> {
        match self.revoked {
            Some(by) => Err(AlreadyRevoked { by }),
            None => Ok(Self {
                revoked: Some(by),
                ..self
            }),
        }
    }
}

#[cfg(test)]
mod tests;
