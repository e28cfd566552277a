//! Requests of data subjects (個人情報保護法 33 to 35): what a resident asks the organisation that keeps their data to do, where it
//! stands and when an answer is due. Both sides see the same object.

use consent::OwnAccess;
use model::{OrganisationId, PersonId, UtcMillis};
use serde::{Deserialize, Serialize};

use crate::sqlite;
use crate::{Actor, Result, Store, StoreError};

/// How long an answer may take, in milliseconds: 30 days, as municipalities' own rules say for disclosure (Act 83(1)).
pub const ANSWER_MS: i64 = 30 * 86_400_000;
/// The longest text of either side, in characters.
pub const MAX_REQUEST_TEXT: usize = 2_000;
/// Requests of one person that may be open at the same time.
pub const MAX_OPEN_REQUESTS: usize = 10;

/// What is asked for. The numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum RequestKind {
    /// To be shown what is kept (開示).
    Disclosure = 1,
    /// To have something corrected, added or deleted because it is wrong (訂正).
    Correction = 2,
    /// To stop the use of it, or its provision (利用停止).
    StopOfUse = 3,
    /// To delete it.
    Deletion = 4,
}

impl RequestKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Disclosure, Self::Correction, Self::StopOfUse, Self::Deletion];

    /// The kind with this number, as stored.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == number)
    }

    /// Its name in addresses, forms and records.
    pub fn code(self) -> &'static str {
        match self {
            Self::Disclosure => "disclosure",
            Self::Correction => "correction",
            Self::StopOfUse => "stop-of-use",
            Self::Deletion => "deletion",
        }
    }

    /// The kind of this name.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// Where a request stands. The numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum RequestState {
    /// Nobody has looked at it yet.
    Received = 1,
    /// Somebody works on it.
    InWork = 2,
    /// What was asked for was done.
    Done = 3,
    /// It was refused; the answer says why.
    Refused = 4,
    /// The resident took it back.
    TakenBack = 5,
}

impl RequestState {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Received, Self::InWork, Self::Done, Self::Refused, Self::TakenBack];

    /// The state with this number, as stored.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|state| *state as u8 == number)
    }

    /// Its name in addresses, forms and records.
    pub fn code(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::InWork => "in-work",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::TakenBack => "taken-back",
        }
    }

    /// The state of this name.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }

    /// True while an answer is owed.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Received | Self::InWork)
    }

    /// Whether a request may go from here to there.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when it may not: what was answered or taken back stays so.
    pub fn may_become(self, next: Self) -> Result<()> {
        if self.is_open() && next != Self::Received && next != self {
            return Ok(());
        }
        Err(StoreError::Invalid {
            what: "a request that was answered or taken back does not change any more",
        })
    }
}

/// A request as both sides see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectRequest {
    /// Its number.
    pub id: i64,
    /// Whose request.
    pub person: PersonId,
    /// What for.
    pub kind: RequestKind,
    /// Where it stands.
    pub state: RequestState,
    /// When it was made.
    pub created: UtcMillis,
    /// Until when an answer is owed.
    pub due: UtcMillis,
    /// When it changed last.
    pub changed: UtcMillis,
    /// The words of both sides.
    pub words: RequestWords,
}

/// The words of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestWords {
    /// The resident's.
    pub asked: String,
    /// The organisation's answer; empty until there is one.
    pub answered: String,
}

fn bounded(text: &str) -> Result<String> {
    let text = text.trim();
    if text.chars().count() > MAX_REQUEST_TEXT {
        return Err(StoreError::Invalid {
            what: "the text of a request has at most 2,000 characters",
        });
    }
    Ok(text.to_owned())
}

impl Store {
    /// Takes a request of the resident's; its number. It stands in the organisation's chain of acts.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a text that is too long and for a deletion asked by somebody who acts for the person,
    /// [`StoreError::TooMany`] open ones, and what writing can answer.
    pub async fn file_request(&self, own: &OwnAccess, kind: RequestKind, text: &str) -> Result<i64> {
        if own.acting().is_some() && kind == RequestKind::Deletion {
            return Err(StoreError::Invalid {
                what: "whoever acts for somebody cannot ask for deletion on a page: the counter looks at the right first",
            });
        }
        let (person, text) = (own.person(), bounded(text)?);
        self.database
            .write("file a request", move |writing| {
                sqlite::requests::file(writing, person, kind, text)
            })
            .await
    }

    /// The resident's requests, newest first.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn own_requests(&self, own: &OwnAccess) -> Result<Vec<SubjectRequest>> {
        let person = own.person();
        self.database
            .read("list own requests", move |snapshot| {
                sqlite::requests::of_person(snapshot, person)
            })
            .await
    }

    /// Takes a request back that is still open.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is nobody's or somebody else's, [`StoreError::Invalid`] when it was answered.
    pub async fn take_back_request(&self, own: &OwnAccess, id: i64) -> Result<()> {
        let person = own.person();
        self.database
            .write("take a request back", move |writing| {
                sqlite::requests::take_back(writing, person, id)
            })
            .await
    }

    /// An organisation's requests: the open ones, those that are due first, then the answered ones, latest first.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn requests(&self, organisation: OrganisationId, limit: u32) -> Result<Vec<SubjectRequest>> {
        self.database
            .read("list requests", move |snapshot| {
                sqlite::requests::of_organisation(snapshot, organisation, limit)
            })
            .await
    }

    /// Moves a request on. A refusal needs an answer; an answer that is left empty stays what it was.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is not the organisation's, [`StoreError::Invalid`] for a step that is none.
    pub async fn answer_request(
        &self,
        organisation: OrganisationId,
        id: i64,
        state: RequestState,
        answer: &str,
        by: Actor,
    ) -> Result<()> {
        let answer = bounded(answer)?;
        if state == RequestState::Refused && answer.is_empty() {
            return Err(StoreError::Invalid {
                what: "a refusal needs its reason",
            });
        }
        if state == RequestState::TakenBack {
            return Err(StoreError::Invalid {
                what: "only the resident takes a request back",
            });
        }
        self.database
            .write("answer a request", move |writing| {
                sqlite::requests::answer(writing, organisation, id, state, answer, by)
            })
            .await
    }
}
