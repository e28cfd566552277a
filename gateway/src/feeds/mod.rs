//! Feeds: vendors hand a partner, in one account, what many people measured. What a feed is asked and whose its answers are, its adapter
//! says ([`adapters::feed`]); who those people are, the organisation says; what becomes of what nobody is known by, is decided here.
//!
//! [`worker`] asks by the clock; files that the vendor lays down instead come by the command line.

#[cfg(test)]
mod bad_days;
#[cfg(test)]
mod tests;
pub mod worker;

use std::sync::Arc;

use adapters::Input;
use adapters::feed::{Feed as Adapter, Part, Partner};
use aws_lc_rs::digest::{SHA256, digest};
use model::Accounting;
use store::{Feed as Place, FeedAccount, FeedCame, NewPayload, Sender, Store, StoreError};
use zeroize::Zeroizing;

use crate::batch::HandOver;
use crate::config::{Config, ConfigError, FeedSettings};
use crate::held_token::HeldToken;
use crate::import::{self, ImportError};

/// As the ledger of hand-overs names what vendors hand over.
pub const LEDGER: &str = "readings of a feed";

/// The feeds of the configuration.
pub struct Feeds(Vec<Feed>);

/// A feed, and how this gateway is known there.
pub struct Feed {
    /// What it is asked, and whose its answers are.
    pub adapter: &'static dyn Adapter,
    /// Whose account it is, and with whom.
    pub place: Place,
    /// From whom it comes, for the ledger of hand-overs.
    counterpart: String,
    asked: Option<Asked>,
}

/// How it is asked.
struct Asked {
    auth: String,
    api: String,
    tenant: String,
    partner: String,
    account: String,
    password: Zeroizing<String>,
    poll_ms: i64,
    token: HeldToken,
}

impl Feeds {
    /// Those of the configuration.
    ///
    /// # Errors
    /// A password that cannot be read.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        let known = |settings: &FeedSettings| {
            let adapter = named(&settings.name)?;
            Some(Feed::new(adapter, settings))
        };
        Ok(Self(config.feeds.iter().filter_map(known).collect::<Result<_, _>>()?))
    }

    /// All of them.
    pub fn all(&self) -> &[Feed] {
        &self.0
    }
}

/// The adapter of the feed with this name.
pub fn named(name: &str) -> Option<&'static dyn Adapter> {
    adapters::feeds().iter().copied().find(|feed| feed.name() == name)
}

impl Feed {
    fn new(adapter: &'static dyn Adapter, settings: &FeedSettings) -> Result<Self, ConfigError> {
        let asked = settings.asked.as_ref().map(|asked| {
            let password = std::fs::read_to_string(&asked.password_file).map_err(|error| ConfigError::Secret {
                file: asked.password_file.display().to_string(),
                key: "password_file",
                problem: format!("of [feeds.{}] cannot be read: {error}", settings.name),
            })?;
            Ok(Asked {
                auth: asked.auth_url.clone(),
                api: asked.api_url.clone(),
                tenant: asked.tenant.clone(),
                partner: asked.partner.clone(),
                account: asked.account.clone(),
                password: Zeroizing::new(password.trim().to_owned()),
                poll_ms: asked.poll_ms,
                token: HeldToken::default(),
            })
        });
        let counterpart = match settings.counterpart.as_str() {
            "" => adapter.title()[0],
            said => said,
        };
        Ok(Self {
            adapter,
            counterpart: counterpart.to_owned(),
            place: Place {
                organisation: settings.organisation,
                vendor: settings.name.clone(),
            },
            asked: asked.transpose()?,
        })
    }
}

impl Asked {
    fn partner(&self) -> Partner<'_> {
        Partner {
            number: &self.partner,
            tenant: &self.tenant,
            account: (&self.account, &self.password),
        }
    }
}

/// What came of an answer or a file.
#[derive(Debug, Default)]
pub struct Taken {
    /// People of whom something was stored, or was known.
    pub people: u64,
    /// Accounts of nobody who is known: what came of them waits.
    pub waiting: u64,
    /// Accounts that their people ended: nothing of them is kept.
    pub ended: u64,
    /// Accounts of which not all could be read: their text waits, so that a better adapter may.
    pub unread: u64,
    /// How the records of those who are known ended.
    pub accounting: Accounting,
}

impl Taken {
    /// Both together.
    pub fn add(&mut self, more: &Self) {
        self.people += more.people;
        self.waiting += more.waiting;
        self.ended += more.ended;
        self.unread += more.unread;
        self.accounting.add(&more.accounting);
    }

    /// What the ledger says of it: what came of one person at once is one.
    pub fn ledger(&self, hand_over: &HandOver, hash: &str) -> String {
        let count = self.people + self.waiting + self.ended + self.unread;
        let ended = [self.people, self.waiting, self.unread];
        hand_over.ledger(LEDGER, count, ended, hash)
    }
}

/// Takes in a file that the vendor laid down.
///
/// # Errors
/// What the store answers.
pub async fn take(
    store: &Store,
    adapter: &'static dyn Adapter,
    place: &Place,
    parts: Vec<Part>,
) -> Result<Taken, StoreError> {
    let mut came = FeedCame::default();
    let taken = take_parts(store, adapter, place, parts, &mut came).await?;
    store.keep_feed(place, came).await?;
    Ok(taken)
}

/// Stores what came of those who are known; the rest is for [`Store::keep_feed`].
async fn take_parts(
    store: &Store,
    adapter: &'static dyn Adapter,
    place: &Place,
    parts: Vec<Part>,
    came: &mut FeedCame,
) -> Result<Taken, StoreError> {
    let accounts = parts.iter().map(|part| part.account.clone()).collect();
    let whose = store.feed_accounts(place, accounts).await?;
    let mut taken = Taken::default();
    for (part, whose) in parts.into_iter().zip(whose) {
        match whose {
            None => {
                taken.waiting += 1;
                came.waiting.push((part.account, part.text));
            }
            Some(FeedAccount { ended: Some(_), .. }) => taken.ended += 1,
            Some(account) => {
                let text = Arc::new(part.text);
                let accounting = stored(store, adapter, &account, &text).await?;
                if let Some(accounting) = &accounting {
                    taken.accounting.add(accounting);
                    came.stored.push(account.id);
                }
                match accounting.is_some_and(|accounting| accounting.rejected == 0) {
                    true => taken.people += 1,
                    false => {
                        taken.unread += 1;
                        came.waiting.push((part.account, Arc::unwrap_or_clone(text)));
                    }
                }
            }
        }
    }
    count(place, &taken);
    Ok(taken)
}

fn count(place: &Place, taken: &Taken) {
    for (outcome, number) in [
        ("stored", taken.people),
        ("waiting", taken.waiting),
        ("ended", taken.ended),
        ("unread", taken.unread),
    ] {
        metrics::counter!("sekisho_feed_accounts_total", "vendor" => place.vendor.clone(), "outcome" => outcome)
            .increment(number);
    }
}

/// Takes what waited of an account whose person is known now; how many texts. What cannot be read whole goes on waiting.
///
/// # Errors
/// What the store answers.
pub async fn take_waiting(
    store: &Store,
    adapter: &'static dyn Adapter,
    place: &Place,
    account: &str,
) -> Result<u64, StoreError> {
    let found = store
        .feed_accounts(place, vec![account.to_owned()])
        .await?
        .pop()
        .flatten();
    let Some(found) = found.filter(|found| found.ended.is_none()) else {
        return Ok(0);
    };
    let (mut after, mut texts) = (0, 0);
    while let Some((number, text)) = store.feed_waiting(place, account, after).await? {
        after = number;
        let read = stored(store, adapter, &found, &Arc::new(text)).await?;
        if read.is_some_and(|accounting| accounting.rejected == 0) {
            texts += 1;
            store.drop_feed_waiting(number).await?;
        }
    }
    if texts > 0 {
        let came = FeedCame {
            stored: vec![found.id],
            ..FeedCame::default()
        };
        store.keep_feed(place, came).await?;
    }
    Ok(texts)
}

/// True for a fault of one person's, which is none of the others that came with them.
fn is_one_persons(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::TooMany { .. }
            | StoreError::NoPerson { .. }
            | StoreError::Erased { .. }
            | StoreError::Invalid { .. }
    )
}

/// Reads a text into its person's store; `None` for one that the adapter cannot read, or that their store does not take.
async fn stored(
    store: &Store,
    adapter: &'static dyn Adapter,
    whose: &FeedAccount,
    text: &Arc<Vec<u8>>,
) -> Result<Option<Accounting>, StoreError> {
    let (store, text) = (store.clone(), Arc::clone(text));
    let (person, account) = (whose.person, whose.id);
    let read = tokio::task::spawn_blocking(move || {
        let hash = digest(&SHA256, &text);
        let hash = data_encoding::HEXLOWER.encode(hash.as_ref());
        let input = Input {
            bytes: &text.as_slice(),
            size: text.len() as u64,
        };
        let keep = |_| NewPayload {
            from: Sender::Feed(account),
            adapter: adapter.name().to_owned(),
            batch: hash,
            body: text.to_vec(),
            answer: Box::new(import::counts),
        };
        import::run_keeping(&store, person, adapter, &input, Some(Box::new(keep)))
    });
    match read.await {
        Ok(Ok(imported)) => Ok(Some(imported.report.accounting)),
        Ok(Err(ImportError::Store(error))) if is_one_persons(&error) => {
            tracing::warn!(%error, account, "what a feed had of an account could not be kept");
            Ok(None)
        }
        Ok(Err(ImportError::Store(error))) => Err(error),
        Ok(Err(ImportError::Adapter(error))) => {
            tracing::warn!(%error, account, "what a feed had of an account could not be read");
            Ok(None)
        }
        Err(_) => Ok(None),
    }
}
