//! The store on SQLite: connections, keys, journal, and one file of SQL a concern.
//!
//! Everything here speaks SQL and runs on threads that may block; the public files beside this folder speak neither.

pub(crate) mod acts;
pub(crate) mod aliases;
pub(crate) mod audit;
pub(crate) mod authorization;
pub(crate) mod batches;
pub(crate) mod belonging;
pub(crate) mod by_id;
pub(crate) mod chain;
pub(crate) mod checkups;
pub(crate) mod commits;
pub(crate) mod companions;
pub(crate) mod consents;
#[cfg(test)]
mod damaged_links;
pub(crate) mod database;
pub(crate) mod delegations;
pub(crate) mod doctor;
pub(crate) mod fault;
pub(crate) mod feeds;
pub(crate) mod imports;
pub(crate) mod insurance;
pub(crate) mod jobs;
pub(crate) mod journal;
pub(crate) mod keys;
#[cfg(test)]
mod kills;
pub(crate) mod leaves;
pub(crate) mod links;
#[cfg(test)]
mod live_disk;
pub(crate) mod operations;
pub(crate) mod operators;
pub(crate) mod orphaned_tokens;
pub(crate) mod packages;
pub(crate) mod paper;
pub(crate) mod parked;
pub(crate) mod payloads;
pub(crate) mod people;
pub(crate) mod raw;
pub(crate) mod readers;
pub(crate) mod recipients;
pub(crate) mod rejections;
pub(crate) mod representation;
pub(crate) mod requests;
pub(crate) mod retention;
pub(crate) mod schema;
pub(crate) mod seal;
pub(crate) mod search;
pub(crate) mod sessions;
pub(crate) mod settle;
pub(crate) mod sources;
pub(crate) mod templates;
pub(crate) mod totals;
pub(crate) mod waiting;
pub(crate) mod webhooks;
pub(crate) mod writer;
pub(crate) mod zone;
