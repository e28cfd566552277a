//! Links: residents' connections to vendors' clouds, what remains to be asked of each, and the tokens that open it.
//!
//! A link is worked under a lease by one worker at a time. Tokens are kept by version rather than by lease: a pair that was just
//! refreshed is the only one that works, also where its worker lost the lease meanwhile.

use std::collections::BTreeMap;

use consent::OwnAccess;
use model::{LinkEvent, LinkState, Need, PersonId, UtcMillis};
use serde::{Deserialize, Serialize};

use crate::sqlite;
use crate::{Result, Store, StoreError};

/// Windows that a turn takes up at most.
pub const WANTS_AT_ONCE: u32 = 64;

/// Windows of a series that a link is to ask for at most: of more, what holds all of them is asked for. Three weeks of hours.
pub const MOST_WANTS: i64 = 512;

/// How long a link whose worker went silent is left alone, in milliseconds: longer than a turn can take.
pub const LINK_LEASE_MS: i64 = 5 * 60_000;

/// A resident's connection to a vendor's cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its number.
    pub id: i64,
    /// Whose.
    pub person: PersonId,
    /// The adapter's name.
    pub vendor: String,
    /// Where it is in its life.
    pub state: LinkState,
    /// Since when.
    pub connected: UtcMillis,
    /// When something was fetched last.
    pub fetched: Option<UtcMillis>,
    /// When it was ended.
    pub ended: Option<UtcMillis>,
    /// How far it got.
    pub progress: Progress,
    /// Tells this account from others of the vendor; says nothing else.
    pub account_tag: String,
}

/// How far a link got.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// Scopes that were given.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// By series.
    #[serde(default)]
    pub marks: BTreeMap<String, Mark>,
    /// Where the account's civil times are, where the vendor says so: a zone's name, or an offset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Turns in a row in which the grant was refused.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub refusals: u32,
    /// When the first of them was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_since: Option<i64>,
    /// Series of which the vendor was asked to tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subscribed: Vec<String>,
    /// Asked was the stream that the vendor merges of all sources, not what each of them has.
    #[serde(default, skip_serializing_if = "is_not")]
    pub is_merged: bool,
}

fn is_not(it_is: &bool) -> bool {
    !it_is
}

fn is_nothing(count: &u32) -> bool {
    *count == 0
}

/// How far a series got, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// Up to here it was asked.
    pub until: i64,
    /// When that was.
    pub asked: i64,
    /// Back to here it was asked.
    pub back: i64,
    /// When the time before it was last asked again, for what came late without a word.
    #[serde(default)]
    pub again: i64,
    /// The vendor says that this is not open to us.
    #[serde(default)]
    pub closed: bool,
    /// What lies between `back` and here came by a link that this one continues, and is asked for again only where the vendor tells of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<i64>,
    /// Of asking for what is new, where it goes on: a turn may end before it gets through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass: Option<Pass>,
    /// It failed when it was asked for last, and is left alone until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rests: Option<i64>,
    /// Turns in a row in which it failed.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub failures: u32,
    /// When all of it was last asked again, or first; 0 before that.
    #[serde(default)]
    pub round: i64,
    /// Of asking for all of it again, back to where it got.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round_back: Option<i64>,
}

impl Mark {
    /// A series that begins at an instant, both ways, and of which nothing was asked yet.
    pub const fn at(instant: i64) -> Self {
        Self {
            until: instant,
            asked: 0,
            back: instant,
            again: 0,
            closed: false,
            since: None,
            pass: None,
            rests: None,
            failures: 0,
            round: 0,
            round_back: None,
        }
    }
}

/// Asking for what is new, under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pass {
    /// Up to here it got.
    pub reached: i64,
    /// It began further back, for what came late without a word.
    pub again: bool,
}

/// What opens an account.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkTokens {
    /// Shown with each call.
    pub access: String,
    /// Gets the next pair.
    pub refresh: Option<String>,
    /// When `access` ends, in milliseconds since 1970.
    pub expires: i64,
}

impl std::fmt::Debug for LinkTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LinkTokens")
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// What a resident agreed to at a vendor.
#[derive(Debug)]
pub struct NewLink {
    /// The adapter's name.
    pub vendor: String,
    /// The vendor's name of the account.
    pub account: String,
    /// Scopes that were given.
    pub scopes: Vec<String>,
    /// Where its civil times are, where the vendor says so.
    pub zone: Option<String>,
    /// What opens it.
    pub tokens: LinkTokens,
    /// The link that it continues, if the person has it or had it.
    pub continues: Option<Continued>,
}

/// The same account at a vendor before.
#[derive(Debug)]
pub struct Continued {
    /// The adapter's name.
    pub vendor: String,
    /// What the account was called there.
    pub account: String,
    /// It was asked by civil days, which are numbered as if they were those of UTC.
    pub by_civil_days: bool,
    /// Each series of the new link, with those of the old one that brought the same.
    pub series: Vec<(String, Vec<String>)>,
}

/// A window that a vendor told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// The series.
    pub series: String,
    /// From when on.
    pub start: UtcMillis,
    /// Until when.
    pub end: UtcMillis,
}

/// A want of some account.
#[derive(Clone, Debug)]
pub struct Told {
    /// The vendor's name of the account.
    pub account: String,
    /// What to ask for; `None` for what nothing asks for.
    pub want: Option<Want>,
}

/// How what was told ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Noted {
    /// To be asked for.
    pub known: u64,
    /// Of accounts without a link, or of types that nothing asks for.
    pub unknown: u64,
}

/// A link under work.
#[derive(Debug)]
pub struct LeasedLink {
    /// The link.
    pub link: Link,
    /// What opens it, and which pair that is; `None` once they were given back.
    pub tokens: Option<(LinkTokens, i64)>,
    /// What the vendor told of, the first first.
    pub wants: Vec<Want>,
    /// Turns that failed one after the other until now.
    pub failures: u32,
    pub(crate) taken: UtcMillis,
    pub(crate) fence: i64,
}

/// What came of a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TurnEnd {
    /// Nothing went wrong.
    Went {
        /// When to go on.
        next: UtcMillis,
    },
    /// The vendor takes no more calls for now: it is left alone until then, whatever it is told meanwhile.
    Waits {
        /// When to go on.
        until: UtcMillis,
    },
    /// It went wrong, and may work later.
    Failed {
        /// When to try again.
        next: UtcMillis,
    },
    /// Only the resident can mend it.
    Refused(Need),
    /// The tokens of an ended link were given back, or cannot be.
    GivenBack {
        /// Which pair; another that was kept meanwhile is still to be given back.
        version: Option<i64>,
    },
}

/// Links of a vendor, by state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkCount {
    /// The adapter's name.
    pub vendor: String,
    /// The state's word.
    pub state: &'static str,
    /// How many.
    pub links: u64,
}

impl Store {
    /// Connects the person to an account: a new link, or their living one to this account agreed to anew. One to another account of
    /// this vendor ends.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when the account is another person's, and what writing can answer.
    pub async fn connect_link(&self, own: &OwnAccess, new: NewLink) -> Result<Link> {
        let own = own.clone();
        self.database
            .write("connect link", move |writing| {
                sqlite::links::connect(writing, &own, &new)
            })
            .await
    }

    /// A person's links, the last connected first; ended ones too.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn links(&self, own: &OwnAccess) -> Result<Vec<Link>> {
        let person = own.person();
        self.database
            .read("list links", move |snapshot| sqlite::links::of_person(snapshot, person))
            .await
    }

    /// The person holds, resumes or ends a link of theirs.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is none of this number for which this can happen, and what writing can answer.
    pub async fn change_link(&self, own: &OwnAccess, id: i64, event: LinkEvent) -> Result<()> {
        let own = own.clone();
        self.database
            .write("change link", move |writing| {
                sqlite::links::change(writing, &own, id, event)
            })
            .await
    }

    /// True when there is a link of this vendor that can be taken now.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn has_due_links(&self, vendor: &'static str) -> Result<bool> {
        let now = self.database.now();
        self.database
            .read("look for due links", move |snapshot| {
                sqlite::links::has_due(snapshot, vendor, now)
            })
            .await
    }

    /// Takes due links of this vendor, those due longest first.
    ///
    /// # Errors
    /// What writing can answer.
    pub async fn lease_links(&self, vendor: &'static str, limit: u32) -> Result<Vec<LeasedLink>> {
        self.database
            .write("lease links", move |writing| {
                sqlite::links::lease(writing, vendor, limit)
            })
            .await
    }

    /// Keeps a pair of tokens in place of that of `version`. False when another pair took its place before: then that one stays.
    ///
    /// # Errors
    /// What writing can answer.
    pub async fn save_link_tokens(&self, id: i64, version: i64, tokens: LinkTokens) -> Result<bool> {
        self.database
            .write("keep link tokens", move |writing| {
                sqlite::links::save_tokens(writing, id, version, &tokens)
            })
            .await
    }

    /// The tokens of a link as they are now, and which pair that is.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn link_tokens(&self, id: i64) -> Result<Option<(LinkTokens, i64)>> {
        self.database
            .read("read link tokens", move |snapshot| sqlite::links::tokens(snapshot, id))
            .await
    }

    /// Keeps how far a turn got, and drops the wants that it asked for, unless they were told of again since; `rest` takes the place of
    /// one that was asked for in part. `is_answered` says that the vendor answered something. False when the lease was lost: then nothing changed, and what was fetched is fetched again.
    ///
    /// # Errors
    /// What writing can answer.
    pub async fn save_link_progress(
        &self,
        leased: &LeasedLink,
        progress: Progress,
        (asked, rest): (Vec<Want>, Option<Want>),
        is_answered: bool,
    ) -> Result<bool> {
        let (id, fence, taken) = (leased.link.id, leased.fence, leased.taken);
        self.database
            .write("keep link progress", move |writing| {
                sqlite::links::save_progress(
                    writing,
                    (id, fence, taken),
                    &progress,
                    (&asked, rest.as_ref()),
                    is_answered,
                )
            })
            .await
    }

    /// Ends a turn. False when the lease was lost: then nothing changed.
    ///
    /// # Errors
    /// What writing can answer.
    pub async fn end_turn(&self, leased: &LeasedLink, end: TurnEnd) -> Result<bool> {
        let (id, fence, taken) = (leased.link.id, leased.fence, leased.taken);
        self.database
            .write("end turn", move |writing| {
                sqlite::links::end_turn(writing, (id, fence, taken), &end)
            })
            .await
    }

    /// Keeps what a vendor told, all of it or nothing; from then on it is due after `delay_ms`, so that a burst is one turn.
    ///
    /// # Errors
    /// What writing can answer.
    pub async fn note_webhook(
        &self,
        vendor: &'static str,
        body: Vec<u8>,
        told: Vec<Told>,
        delay_ms: i64,
    ) -> Result<Noted> {
        let call = sqlite::webhooks::Call {
            vendor,
            body,
            told,
            delay_ms,
        };
        sqlite::webhooks::Gathered::note(&self.calls, &self.database, call).await
    }

    /// Deletes vendors' calls that came before; how many.
    ///
    /// # Errors
    /// What writing can answer.
    pub async fn delete_webhooks(&self, before: UtcMillis) -> Result<usize> {
        self.database
            .write("delete webhooks", move |writing| {
                sqlite::webhooks::delete_webhooks(writing, before)
            })
            .await
    }

    /// True when somebody has a living link to this account.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn is_connected(&self, vendor: &'static str, account: String) -> Result<bool> {
        self.database
            .read("look for a link", move |snapshot| {
                sqlite::links::is_connected(snapshot, vendor, &account)
            })
            .await
    }

    /// True when somebody has a living link to the account of this tag.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn is_tag_connected(&self, vendor: &'static str, account_tag: &str) -> Result<bool> {
        let tag = account_tag.to_owned();
        self.database
            .read("look for a link", move |snapshot| {
                sqlite::links::is_tag_connected(snapshot, vendor, &tag)
            })
            .await
    }

    /// Links by vendor and state.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn count_links(&self) -> Result<Vec<LinkCount>> {
        self.database.read("count links", sqlite::links::count).await
    }
}

impl StoreError {
    /// What connecting an account of another person answers.
    pub(crate) const ANOTHERS_ACCOUNT: Self = Self::Invalid {
        what: "this account is connected for another person",
    };
}
