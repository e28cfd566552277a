//! Recipients and their clients, and what is handed out: codes, tokens, sessions, and requests under way.
//!
//! Handles never come here, only their SHA-256. The rules of codes and tokens are `consent::code` and `consent::token`;
//! this keeps their states, each step in one commit. A restore ends all that was handed out.

mod recipients;
mod sessions;
mod tokens;

pub use recipients::{Client, NewClient, NewRecipient, PurposeText, Recipient, RegistrationState, Responsible};
pub use sessions::SessionRecord;
pub use tokens::{CodeRecord, NewToken, NewTokens, Redemption, Revocation, Rotation, SystemToken, TokenRecord};

/// SHA-256 of a handle's text.
pub type HandleHash = [u8; 32];
