//! What residents agree to, and what follows from it: consents, the decision that every read needs, the algebra of scopes,
//! and the state machines of consents, authorization codes and tokens.
//!
//! Everything here is pure: no IO, no clock, no randomness. A [`Decision`] and an [`OwnAccess`] are the only keys to the
//! store's reads, and only this crate can make them.

pub mod code;
mod decision;
mod draft;
pub mod explain;
pub mod fhir;
mod grant;
mod ids;
mod lifecycle;
mod narrow;
mod own;
mod person;
pub mod receipt;
mod record;
pub mod scope;
mod stored;
#[cfg(test)]
mod testing;
pub mod token;

pub use decision::{AllowedSources, Decision, Reason, Request, decide};
pub use draft::{Asked, ConsentDraft, DraftError};
pub use grant::{DataPeriod, Detail, Grant, IdentityGrant, IdentityLine, MAX_GRANTS, MAX_SOURCES, Sources};
pub use ids::{ConsentId, ConsentsVersion, Purpose, PurposeError};
pub use lifecycle::{Superseded, TransitionError};
pub use narrow::{Difference, Terms};
pub use own::OwnAccess;
pub use person::PersonConsents;
pub use record::{Acting, Consent, ConsentState, HowGiven, Language, Relationship};
pub use scope::ScopeSet;
pub use token::FamilyId;
