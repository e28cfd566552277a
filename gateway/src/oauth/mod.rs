//! The authorization server.

pub mod handles;
