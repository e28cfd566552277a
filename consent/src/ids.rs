//! Names of things in this crate: a consent, the counter of a person's consents, and a purpose.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A consent with all its versions. Random, given by the store; tokens are bound to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConsentId(pub u64);

impl fmt::Display for ConsentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for ConsentId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

/// A person's counter that grows by one with every change of any of their consents. What was decided under another
/// version is decided anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConsentsVersion(pub u64);

impl fmt::Display for ConsentsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a recipient wants the data for, as a code such as `health-points`: 1 to 64 of `a-z`, `0-9` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Purpose(String);

/// Why a text is no purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PurposeError {
    /// It has no character, or more than 64.
    #[error("a purpose has 1 to 64 characters, not {length}")]
    Length {
        /// Its length in bytes.
        length: usize,
    },
    /// It has a character outside `a-z`, `0-9` and `-`.
    #[error("a purpose is made of a-z, 0-9 and -: something else stands at position {position}")]
    Character {
        /// Where, in bytes from 0.
        position: usize,
    },
}

impl Purpose {
    /// The purpose with this code.
    pub fn new(code: impl Into<String>) -> Result<Self, PurposeError> {
        let code = code.into();
        if !(1..=64).contains(&code.len()) {
            return Err(PurposeError::Length { length: code.len() });
        }
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        match code.bytes().position(|byte| !fits(byte)) {
            Some(position) => Err(PurposeError::Character { position }),
            None => Ok(Self(code)),
        }
    }

    /// Its code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Purpose {
    type Error = PurposeError;

    fn try_from(code: String) -> Result<Self, Self::Error> {
        Self::new(code)
    }
}

impl From<Purpose> for String {
    fn from(purpose: Purpose) -> Self {
        purpose.0
    }
}

impl FromStr for Purpose {
    type Err = PurposeError;

    fn from_str(code: &str) -> Result<Self, Self::Err> {
        Self::new(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purpose_is_a_short_plain_code() {
        assert_eq!(
            Purpose::new("health-points-2").map(String::from),
            Ok("health-points-2".to_owned())
        );
        assert!(Purpose::new("a".repeat(64)).is_ok());
        assert_eq!(Purpose::new(""), Err(PurposeError::Length { length: 0 }));
        assert_eq!(Purpose::new("a".repeat(65)), Err(PurposeError::Length { length: 65 }));
        assert_eq!(Purpose::new("Points"), Err(PurposeError::Character { position: 0 }));
        assert_eq!(Purpose::new("points 2"), Err(PurposeError::Character { position: 6 }));
        assert_eq!(Purpose::new("点数"), Err(PurposeError::Character { position: 0 }));
    }

    #[test]
    fn a_stored_purpose_is_checked_when_read() {
        assert!(serde_json::from_str::<Purpose>("\"health-points\"").is_ok());
        assert!(serde_json::from_str::<Purpose>("\"Health Points\"").is_err());
    }

    #[test]
    fn a_consent_id_reads_back_from_its_text() {
        let id = ConsentId(0xab);
        assert_eq!(id.to_string(), "00000000000000ab");
        assert_eq!(id.to_string().parse(), Ok(id));
    }
}
