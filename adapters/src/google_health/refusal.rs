//! What an API of Google says when it refuses, in the form of today and in the one before it.

use serde::Deserialize;

/// A refusal (`google.rpc.Status` as JSON).
#[derive(Deserialize)]
pub(crate) struct Refusal {
    error: Error,
}

#[derive(Deserialize)]
struct Error {
    #[serde(default)]
    message: String,
    /// As `google.rpc.ErrorInfo` has it.
    #[serde(default)]
    details: Vec<Reason>,
    /// As APIs before that have it.
    #[serde(default)]
    errors: Vec<Reason>,
}

#[derive(Deserialize)]
struct Reason {
    #[serde(default)]
    reason: String,
}

impl Refusal {
    /// `None` for what is none.
    pub(crate) fn read(answer: &[u8]) -> Option<Self> {
        serde_json::from_slice(answer).ok()
    }

    /// It names such a reason.
    pub(crate) fn names(&self, is_it: impl Fn(&str) -> bool) -> bool {
        let mut reasons = self.error.details.iter().chain(&self.error.errors);
        reasons.any(|reason| is_it(&reason.reason))
    }

    /// The scopes that were given do not open this. That the API is switched off in the project of who asks (`SERVICE_DISABLED`,
    /// `accessNotConfigured`) has the same status, and is no word of the resident's.
    pub(crate) fn is_not_given(&self) -> bool {
        self.names(|reason| matches!(reason, "ACCESS_TOKEN_SCOPE_INSUFFICIENT" | "insufficientPermissions"))
            || self.error.message.contains("insufficient authentication scopes")
    }
}

#[cfg(test)]
mod tests {
    use crate::cloud::{Cloud as _, Refused};
    use crate::google_fit::GoogleFit;
    use crate::google_health::GoogleHealth;

    #[test]
    fn only_their_own_word_says_that_something_was_not_given() {
        // As they answer today, and as they did before.
        let not_given = [
            r#"{"error":{"code":403,"message":"no","status":"PERMISSION_DENIED","details":[
                {"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"ACCESS_TOKEN_SCOPE_INSUFFICIENT"}]}}"#,
            r#"{"error":{"code":403,"message":"no","errors":[{"domain":"global","reason":"insufficientPermissions"}]}}"#,
            r#"{"error":{"code":403,"message":"Request had insufficient authentication scopes."}}"#,
        ];
        for answer in not_given {
            assert_eq!(
                GoogleHealth.refused(answer.as_bytes()),
                Some(Refused::NotGiven),
                "{answer}"
            );
            assert_eq!(
                GoogleFit.refused(answer.as_bytes()),
                Some(Refused::NotGiven),
                "{answer}"
            );
        }
        // What is amiss with the project of who asks, and what nobody knows.
        let other = [
            r#"{"error":{"code":403,"status":"PERMISSION_DENIED","details":[{"reason":"SERVICE_DISABLED"}]}}"#,
            r#"{"error":{"code":403,"errors":[{"domain":"usageLimits","reason":"accessNotConfigured"}]}}"#,
            r#"{"error":{"code":403,"message":"The caller does not have permission"}}"#,
            r#"{"error":"access_denied"}"#,
            "",
        ];
        for answer in other {
            assert_eq!(GoogleHealth.refused(answer.as_bytes()), None, "{answer}");
            assert_eq!(GoogleFit.refused(answer.as_bytes()), None, "{answer}");
        }
        for reason in ["rateLimitExceeded", "userRateLimitExceeded", "dailyLimitExceeded"] {
            let answer = format!(r#"{{"error":{{"errors":[{{"domain":"usageLimits","reason":"{reason}"}}]}}}}"#);
            assert_eq!(GoogleFit.refused(answer.as_bytes()), Some(Refused::Enough));
        }
    }
}
