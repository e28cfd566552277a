//! Black-box judges of FHIR resources, ours or another's, and what they are fed.
//!
//! `judge` parses strictly as R4 with fhirbolt's element model; `samples` renders one resource of every kind for every
//! metric; `validator` holds them against profiles. fhirbolt changes features of `serde_json` for everything built in the
//! same cargo command, so this crate is built in a command of its own.

pub mod judge;
pub mod samples;
pub mod validator;
