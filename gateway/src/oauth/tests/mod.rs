//! The authorization server over a real store, the demo's provider and the real consent page.

mod assertions;
mod authorize;
mod cases;
mod gate;
mod house;
mod identity;
mod matrix;
mod named_cases;
mod openid_client;
mod own_tokens;
mod pushed;
mod registration;
mod token;
