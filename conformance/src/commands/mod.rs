//! The subcommands, one file each: `Arguments` for clap and `run`.

pub mod bench;
pub mod judge;
pub mod sample_resources;
pub mod smart;
