//! OperationOutcome: what went wrong, where, and what to do.

use crate::json::{presentable, raw, string};
use crate::prepared::list;

/// How bad an issue is (R4 issue-severity).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The request failed.
    Error,
    /// It worked, with something to know.
    Warning,
    /// For people who look.
    Information,
}

impl Severity {
    /// Its code in FHIR's issue-severity.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Information => "information",
        }
    }
}

/// One issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue<'a> {
    /// How bad it is.
    pub severity: Severity,
    /// Code of R4 issue-type, e.g. `not-found`.
    pub code: &'static str,
    /// For people: what was wrong and what to do. Never a value of a person.
    pub text: String,
    /// FHIRPath, or `http.<parameter>`.
    pub expression: Option<&'a str>,
}

/// Appends an OperationOutcome with these issues (R4 wants at least one).
pub fn operation_outcome(out: &mut Vec<u8>, issues: &[Issue<'_>]) {
    raw(out, b"{\"resourceType\":\"OperationOutcome\",\"issue\":");
    list(out, issues, |out, issue| {
        raw(out, b"{\"severity\":\"");
        raw(out, issue.severity.code());
        raw(out, b"\",\"code\":");
        string(out, issue.code);
        if let Some(text) = presentable(&issue.text) {
            raw(out, b",\"details\":{\"text\":");
            string(out, &text);
            out.push(b'}');
        }
        if let Some(expression) = issue.expression.and_then(presentable) {
            raw(out, b",\"expression\":[");
            string(out, &expression);
            out.push(b']');
        }
        out.push(b'}');
    });
    out.push(b'}');
}
