//! Feeds: what a vendor holds of many people, handed to a partner in one account. What it is asked, and whose its answers are.
//!
//! Nothing here calls anybody, as with [`crate::cloud`]. An answer is taken apart into one text a person, which the adapter reads as it
//! reads a file; who that person is, only the gateway knows.

use model::UtcMillis;

use crate::Adapter;
pub use crate::cloud::NotAnAnswer;

/// Bytes of one answer or file at most.
pub const MOST_BYTES: usize = 24 << 20;
/// People of one answer or file at most.
pub const MOST_PEOPLE: usize = 10_000;

/// A vendor's feed.
pub trait Feed: Adapter {
    /// What residents call it, Japanese and English.
    fn title(&self) -> [&'static str; 2];

    /// The call that signs the partner in.
    fn sign_in(&self, partner: &Partner<'_>) -> Call;

    /// The access token of its answer, and for how many seconds it is good.
    ///
    /// # Errors
    /// [`NotAnAnswer`] for what is none.
    fn token(&self, answer: &[u8]) -> Result<(String, i64), NotAnAnswer>;

    /// The call for what came since this number; 0 is the beginning.
    fn request(&self, partner: &Partner<'_>, sequence: u64) -> Call;

    /// Its answer.
    ///
    /// # Errors
    /// [`NotAnAnswer`] for what is none, or of too many people.
    fn page(&self, answer: &[u8], obtained: UtcMillis) -> Result<Page, NotAnAnswer>;

    /// A file that the vendor laid down instead.
    ///
    /// # Errors
    /// [`NotAnAnswer`] for what is none, or of too many people.
    fn file(&self, bytes: &[u8], obtained: UtcMillis) -> Result<Vec<Part>, NotAnAnswer>;
}

/// How the gateway is known to the vendor.
#[derive(Clone, Copy)]
pub struct Partner<'a> {
    /// The partner's number.
    pub number: &'a str,
    /// The vendor's number of this installation.
    pub tenant: &'a str,
    /// The account, and its password.
    pub account: (&'a str, &'a str),
}

/// A call.
#[derive(Clone, PartialEq, Eq)]
pub struct Call {
    /// What follows the address of what it is a call of.
    pub path: String,
    /// Headers beside the token.
    pub headers: Vec<(&'static str, String)>,
    /// Sent as JSON with `POST`; without one it is a `GET`.
    pub body: Option<serde_json::Value>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Where to go on.
    pub next: u64,
    /// What it holds, by whom it is of.
    pub parts: Vec<Part>,
}

/// What one account has.
#[derive(Clone, PartialEq, Eq)]
pub struct Part {
    /// The vendor's name of whose it is, 1 to 256 bytes.
    pub account: String,
    /// What the adapter reads.
    pub text: Vec<u8>,
}

impl std::fmt::Debug for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Part({} bytes)", self.text.len())
    }
}
