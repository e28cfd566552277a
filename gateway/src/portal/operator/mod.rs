//! The operators' pages: apps and where they stand, messages that could not be delivered, and what was done. None shows anything
//! of a resident.

pub mod acts;
pub mod home;
