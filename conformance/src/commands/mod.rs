//! The subcommands, one file each: `Arguments` for clap and `run`.

pub mod bench;
mod client;
pub mod fhir;
pub mod judge;
mod report;
pub mod sample_resources;
pub mod smart;
