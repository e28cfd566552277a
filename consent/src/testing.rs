//! Makers of consents for the tests of this crate.
