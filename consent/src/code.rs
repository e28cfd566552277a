//! The life of an authorization code: issued → redeemed once, within a minute, by the client it was issued to.
//!
//! A code that comes a second time was stolen or leaked, so all that was issued from it ends (RFC 6749 4.1.2). Codes are
//! 256-bit handles that the store knows by their hash only; hashing is the caller's.

use model::UtcMillis;
use serde::{Deserialize, Serialize};

use crate::stored;
use crate::token::FamilyId;

/// How long a code can be redeemed, in milliseconds. SMART App Launch 2.2 asks for about one minute.
pub const CODE_LIFETIME_MS: i64 = 60_000;

/// What a code is bound to when issued, and what a client shows when it redeems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding<'a> {
    /// The client.
    pub client_id: &'a str,
    /// The redirect URI, the same string both times.
    pub redirect_uri: &'a str,
    /// The PKCE challenge: when redeemed, the SHA-256 of the verifier (RFC 7636 4.6, S256).
    pub code_challenge: &'a [u8; 32],
}

/// Where a code is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum CodeState {
    /// It can be redeemed.
    Issued = 1,
    /// It was redeemed. It is kept, so that a second time is noticed.
    Redeemed = 2,
}

impl CodeState {
    /// The state with this number, as stored.
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::Issued, Self::Redeemed]
            .into_iter()
            .find(|state| *state as u8 == number)
    }
}

/// An authorization code, apart from what it is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Code {
    /// Where it is in its life.
    pub state: CodeState,
    /// The tokens that come of it.
    pub family: FamilyId,
    /// The first instant at which it cannot be redeemed any more.
    #[serde(with = "stored::instant")]
    pub expires: UtcMillis,
}

/// Why a code gives no tokens: `invalid_grant`, all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// It was redeemed before: the caller revokes the family.
    #[error("the code was redeemed before")]
    Reused {
        /// The tokens that came of it.
        family: FamilyId,
    },
    /// Its minute is over.
    #[error("the code has expired")]
    Expired,
    /// It was issued to another client.
    #[error("the code was issued to another client")]
    OtherClient,
    /// It was issued for another redirect URI.
    #[error("the code was issued for another redirect_uri")]
    OtherRedirect,
    /// The verifier does not belong to the challenge.
    #[error("the code_verifier does not belong to the code_challenge")]
    WrongVerifier,
}

impl Code {
    /// A code that is issued now.
    pub fn issue(family: FamilyId, now: UtcMillis) -> Self {
        Self {
            state: CodeState::Issued,
            family,
            expires: now.plus(CODE_LIFETIME_MS),
        }
    }

    /// issued → redeemed. A second time is [`CodeError::Reused`], however late and whoever shows it. What does not fit
    /// leaves the code as it was, so that nobody else can spend it.
    pub fn redeem(self, bound: Binding<'_>, shown: Binding<'_>, now: UtcMillis) -> Result<Self, CodeError> {
        if self.state == CodeState::Redeemed {
            return Err(CodeError::Reused { family: self.family });
        }
        if self.expires <= now {
            return Err(CodeError::Expired);
        }
        if bound.client_id != shown.client_id {
            return Err(CodeError::OtherClient);
        }
        if bound.redirect_uri != shown.redirect_uri {
            return Err(CodeError::OtherRedirect);
        }
        // The challenge travelled in the open, so comparing it needs no constant time.
        if bound.code_challenge != shown.code_challenge {
            return Err(CodeError::WrongVerifier);
        }
        Ok(Self {
            state: CodeState::Redeemed,
            ..self
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UtcMillis = UtcMillis(1_000_000);
    const FAMILY: FamilyId = FamilyId(7);

    fn binding() -> Binding<'static> {
        Binding {
            client_id: "point-app",
            redirect_uri: "https://app.example/callback",
            code_challenge: &[1; 32],
        }
    }

    #[test]
    fn a_code_works_once() {
        let code = Code::issue(FAMILY, NOW);
        let redeemed = code.redeem(binding(), binding(), NOW).unwrap();
        assert_eq!(redeemed.state, CodeState::Redeemed);
        assert_eq!(redeemed.family, FAMILY);
        assert_eq!(
            redeemed.redeem(binding(), binding(), NOW),
            Err(CodeError::Reused { family: FAMILY })
        );
    }

    #[test]
    fn a_second_time_is_noticed_long_after_and_from_anyone() {
        let redeemed = Code::issue(FAMILY, NOW).redeem(binding(), binding(), NOW).unwrap();
        let thief = Binding {
            client_id: "other",
            ..binding()
        };
        let reused = Err(CodeError::Reused { family: FAMILY });
        assert_eq!(redeemed.redeem(binding(), thief, NOW.plus(3_600_000)), reused);
    }

    #[test]
    fn a_code_lives_for_sixty_seconds() {
        let code = Code::issue(FAMILY, NOW);
        assert!(code.redeem(binding(), binding(), NOW.plus(59_999)).is_ok());
        assert_eq!(
            code.redeem(binding(), binding(), NOW.plus(60_000)),
            Err(CodeError::Expired)
        );
    }

    #[test]
    fn a_code_is_bound_to_client_redirect_and_verifier() {
        let code = Code::issue(FAMILY, NOW);
        let other_client = Binding {
            client_id: "point-app2",
            ..binding()
        };
        let other_redirect = Binding {
            redirect_uri: "https://app.example/callback?x",
            ..binding()
        };
        let other_verifier = Binding {
            code_challenge: &[2; 32],
            ..binding()
        };
        assert_eq!(code.redeem(binding(), other_client, NOW), Err(CodeError::OtherClient));
        assert_eq!(
            code.redeem(binding(), other_redirect, NOW),
            Err(CodeError::OtherRedirect)
        );
        assert_eq!(
            code.redeem(binding(), other_verifier, NOW),
            Err(CodeError::WrongVerifier)
        );
        assert!(code.redeem(binding(), binding(), NOW).is_ok());
    }

    #[test]
    fn states_read_back_from_their_numbers() {
        for state in [CodeState::Issued, CodeState::Redeemed] {
            assert_eq!(CodeState::from_number(state as u8), Some(state));
        }
        assert_eq!(CodeState::from_number(0), None);
    }

    proptest::proptest! {
        #[test]
        fn whatever_comes_a_code_gives_tokens_once_and_in_its_minute(
            events in proptest::collection::vec((0..5_u8, -5_000..40_000_i64), 1..20),
        ) {
            let mut now = NOW;
            let mut code = Code::issue(FAMILY, now);
            let mut redeemed = false;
            for (shown_as, passed) in events {
                now = now.plus(passed);
                let shown = match shown_as {
                    0 => Binding { client_id: "other", ..binding() },
                    1 => Binding { redirect_uri: "https://evil.example/", ..binding() },
                    2 => Binding { code_challenge: &[9; 32], ..binding() },
                    _ => binding(),
                };
                let answer = code.redeem(binding(), shown, now);
                let fits = shown == binding() && now < NOW.plus(CODE_LIFETIME_MS);
                proptest::prop_assert_eq!(answer.is_ok(), fits && !redeemed);
                proptest::prop_assert_eq!(answer == Err(CodeError::Reused { family: FAMILY }), redeemed);
                if let Ok(next) = answer {
                    code = next;
                    redeemed = true;
                }
            }
        }
    }
}
