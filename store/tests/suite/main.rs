//! What any database below the store's surface must pass: the suite speaks to [`store::Store`] only.
//!
//! Each file is one concern; the cases that decide the design stand in files named after them.

mod audit;
mod authorization;
mod by_id;
mod check_ins;
mod checkups;
mod consents;
mod copies;
mod days;
mod declared;
mod delegations;
mod deliveries;
mod feeds;
mod folding;
mod harness;
mod jobs;
mod kept_folders;
mod ledgers;
mod legal_basis;
mod links;
mod lost_insurances;
mod members;
mod municipalities;
mod named_cases;
mod packages;
mod paging;
mod paper;
mod payloads;
mod people;
mod polling;
mod rehearsals;
mod rejections;
mod representation;
mod requests;
mod retention;
mod summaries;
mod tellers;
mod templates;
mod unlike;
mod whole;
mod windows;
