//! The demo.

pub mod provider;
