//! Portals of the state that hand over what a resident lets them: what they are asked, and what their answers mean.
//!
//! Nothing here calls anybody, as with [`crate::cloud`]. What is handed over are files, read as a file that the resident brings
//! ([`Delegated::reads`]): the way a file comes and what it means are two things.

use model::LocalDay;

use crate::Adapter;
pub use crate::cloud::NotAnAnswer;

/// One portal, or whoever stands between it and us.
pub trait Delegated: Send + Sync {
    /// Its name, as in settings.
    fn name(&self) -> &'static str;

    /// What residents call it, Japanese and English.
    fn title(&self) -> [&'static str; 2];

    /// What comes this way, in a sentence, Japanese and English.
    fn about(&self) -> [&'static str; 2];

    /// What reads the files that it hands over.
    fn reads(&self) -> &'static dyn Adapter;

    /// Days for which a resident's word holds, where the portal does not say.
    fn days(&self) -> u16;

    /// The call that begins to ask.
    fn begin(&self, begin: &Begin<'_>) -> Call;

    /// Its answer.
    ///
    /// # Errors
    /// [`NotAnAnswer`] for what is none.
    fn begun(&self, answer: &[u8]) -> Result<Begun, NotAnAnswer>;

    /// The call that asks how far it is.
    fn status(&self, session: &str) -> Call;

    /// Its answer.
    ///
    /// # Errors
    /// [`NotAnAnswer`] for what is none.
    fn told(&self, answer: &[u8]) -> Result<Status, NotAnAnswer>;

    /// The call that asks who came there.
    fn identity(&self, session: &str) -> Call;

    /// Its answer.
    ///
    /// # Errors
    /// [`NotAnAnswer`] for what is none.
    fn identified(&self, answer: &[u8]) -> Result<Identity, NotAnAnswer>;

    /// The call that says whether that is who signed in here.
    fn verified(&self, session: &str, is_same: bool) -> Call;

    /// Where its answer sends the browser on; only one that said yes needs it.
    ///
    /// # Errors
    /// [`NotAnAnswer`] for what is none.
    fn sent_on(&self, answer: &[u8]) -> Result<String, NotAnAnswer>;

    /// The call that fetches.
    fn result(&self, session: &str) -> Call;

    /// The files of its answer.
    ///
    /// # Errors
    /// [`NotAnAnswer`] for what is none.
    fn files(&self, answer: &[u8]) -> Result<Vec<Vec<u8>>, NotAnAnswer>;
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Begin<'a> {
    /// This gateway's name of what it asks for, as agreed with the portal.
    pub service: &'a str,
    /// Where the browser is to come back.
    pub return_to: &'a str,
    /// As of which day.
    pub day: LocalDay,
}

/// A call: `POST` of JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// What follows the API's address.
    pub path: String,
    /// The body.
    pub body: serde_json::Value,
}

/// What was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// The portal's name of it, 1 to 512 bytes.
    pub session: String,
    /// Where the browser goes.
    pub go_to: String,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The portal collects.
    Collecting,
    /// It asks who came.
    AsksWho,
    /// It has everything.
    Ready,
    /// The resident did not agree.
    Declined,
    /// Its time is over.
    Expired,
    /// It could not be collected.
    Failed,
}

/// Who came to the portal, by their card.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// Name as on the card; empty where it is not said.
    pub name: String,
    /// Birth date.
    pub birth: LocalDay,
    /// 1 male, 2 female; `None` where it is not said.
    pub sex: Option<u8>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity(..)")
    }
}
