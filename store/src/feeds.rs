//! Feeds: what vendors hand a partner of many people in one account. Whose an account there is, an organisation says; until it does,
//! what came of it waits, sealed.

use consent::OwnAccess;
use model::{OrganisationId, PersonId, UtcMillis};

use crate::sqlite;
use crate::{Actor, Result, Store};

/// The longest name of an account, in bytes.
pub const MAX_FEED_ACCOUNT: usize = 256;

/// An organisation's account with a vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// Whose partner account it is.
    pub organisation: OrganisationId,
    /// The vendor's name among the adapters.
    pub vendor: String,
}

/// Whose an account of a feed is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedAccount {
    /// Its number.
    pub id: i64,
    /// Who handed it over.
    pub organisation: OrganisationId,
    /// The vendor's name among the adapters.
    pub vendor: String,
    /// Whose it is.
    pub person: PersonId,
    /// Since when that is known.
    pub known: UtcMillis,
    /// When something of it came last.
    pub came: Option<UtcMillis>,
    /// When its person ended it.
    pub ended: Option<UtcMillis>,
}

/// What came of saying whose an account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedTold {
    /// It was not known.
    New,
    /// It was known.
    Known,
    /// Its person ended it, and it stays ended.
    Ended,
    /// It is another member's.
    Anothers,
}

/// What came of a feed.
#[derive(Clone, Debug, Default)]
pub struct FeedCame {
    /// Accounts of which something was stored.
    pub stored: Vec<i64>,
    /// What waits: accounts that nobody is known by, and their texts.
    pub waiting: Vec<(String, Vec<u8>)>,
    /// Where to go on, no earlier than before; `None` for what does not come by a number.
    pub next: Option<u64>,
    /// What the ledger of hand-overs says of it, where the gateway fetched it by itself: it moves on with its line, or not at all.
    pub ledger: Option<String>,
}

impl Store {
    /// Where to go on with a feed; 0 is the beginning.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn feed_sequence(&self, feed: &Feed) -> Result<u64> {
        let feed = feed.clone();
        self.database
            .read("read a feed", move |snapshot| sqlite::feeds::sequence(snapshot, &feed))
            .await
    }

    /// Whose accounts are, in their order; `None` for those of which nobody has said it, and of those who are members no more.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn feed_accounts(&self, feed: &Feed, accounts: Vec<String>) -> Result<Vec<Option<FeedAccount>>> {
        let feed = feed.clone();
        self.database
            .read("look for accounts", move |snapshot| {
                sqlite::feeds::accounts(snapshot, &feed, &accounts)
            })
            .await
    }

    /// Keeps what came of a feed: what waits, where to go on, and what the ledger says of it, in one commit.
    ///
    /// # Errors
    /// What writing can answer.
    pub async fn keep_feed(&self, feed: &Feed, came: FeedCame) -> Result<()> {
        let feed = feed.clone();
        self.database
            .write("keep a feed", move |writing| sqlite::feeds::keep(writing, &feed, &came))
            .await
    }

    /// Says whose an account is.
    ///
    /// # Errors
    /// [`crate::StoreError::NotFound`] for one who is no member of the organisation, [`crate::StoreError::Invalid`] for no account, and
    /// what writing can answer.
    pub async fn know_feed_account(
        &self,
        feed: &Feed,
        account: String,
        person: PersonId,
        by: Actor,
    ) -> Result<FeedTold> {
        let feed = feed.clone();
        self.database
            .write("know an account", move |writing| {
                sqlite::feeds::know(writing, &feed, &account, person, by)
            })
            .await
    }

    /// The next text that waits of an account, after the one with this number, with its own.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn feed_waiting(&self, feed: &Feed, account: &str, after: i64) -> Result<Option<(i64, Vec<u8>)>> {
        let (feed, account) = (feed.clone(), account.to_owned());
        self.database
            .read("read what waits", move |snapshot| {
                sqlite::feeds::waiting(snapshot, &feed, &account, after)
            })
            .await
    }

    /// Drops a text that waited.
    ///
    /// # Errors
    /// What writing can answer.
    pub async fn drop_feed_waiting(&self, number: i64) -> Result<()> {
        self.database
            .write("drop what waited", move |writing| {
                sqlite::feeds::drop_waiting(writing, number)
            })
            .await
    }

    /// A person's accounts at feeds, ended ones among them.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn own_feed_accounts(&self, own: &OwnAccess) -> Result<Vec<FeedAccount>> {
        let person = own.person();
        self.database
            .read("list accounts", move |snapshot| {
                sqlite::feeds::of_person(snapshot, person)
            })
            .await
    }

    /// Ends one of the person's accounts, or takes it up again.
    ///
    /// # Errors
    /// [`crate::StoreError::NotFound`] where they have none of this number that is not so already, and what writing can answer.
    pub async fn end_feed_account(&self, own: &OwnAccess, id: i64, ends: bool) -> Result<()> {
        let own = own.clone();
        self.database
            .write("end an account", move |writing| {
                sqlite::feeds::end(writing, &own, id, ends)
            })
            .await
    }
}
