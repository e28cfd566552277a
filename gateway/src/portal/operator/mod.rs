//! The operators' pages: apps and where they stand, messages that could not be delivered, and what was done. None shows anything
//! of a resident but what they ask for.

pub mod acts;
pub mod home;
pub mod requests;
