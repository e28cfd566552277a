//! Rendered resources, read back: invariants of the profiles, shapes by example, properties over any sample.

mod checkups;
mod common;
mod properties;
mod snapshots;
mod times;
mod vital_signs;
