//! The authorization server over a real store, the demo's provider and the real consent page.

mod assertions;
mod authorize;
mod gate;
mod house;
mod identity;
mod token;
