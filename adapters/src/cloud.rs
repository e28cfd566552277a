//! Vendors' clouds: how a resident connects one, what it is asked for, what its answers and its notices mean.
//!
//! Nothing here calls anybody. The gateway sends what a cloud's adapter asks for, and lays all pages of what was answered into one
//! text ([`crate::pull`]), which the adapter reads as it reads a file.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::time::DAY_MS;
use model::{Metric, Need, UtcMillis};

use crate::Adapter;

/// One vendor's cloud.
pub trait Cloud: Adapter {
    /// What residents call it, Japanese and English.
    fn title(&self) -> [&'static str; 2];

    /// Whose records come this way, in a sentence, Japanese and English.
    fn about(&self) -> [&'static str; 2];

    /// Its authorization server and its API.
    fn facts(&self) -> &'static Facts;

    /// What can be asked for.
    fn series(&self) -> &'static [Series];

    /// What a series becomes.
    fn metrics(&self, series: &str) -> Vec<Metric>;

    /// The cloud that continues this one, where it is switched off: it can be connected no more.
    fn successor(&self) -> Option<Successor> {
        None
    }

    /// One page of an answer; `page` is what the page before named.
    fn request(&self, ask: &Ask<'_>, page: Option<&str>) -> Request;

    /// The same page of the one stream that the vendor makes of all its sources, for a series that it [merges](Series::merges).
    fn merged(&self, ask: &Ask<'_>, page: Option<&str>) -> Request {
        self.request(ask, page)
    }

    /// What follows an answer.
    ///
    /// # Errors
    /// [`NotAnAnswer`] for what is none: an error page, a text that was cut off.
    fn next_page(&self, answer: &[u8]) -> Result<Option<String>, NotAnAnswer>;

    /// How to learn whose account it is.
    fn account_from(&self) -> AccountFrom;

    /// How accounts are subscribed one by one to what the vendor tells by itself, where that can be asked for.
    fn subscriptions(&self) -> Option<&'static Subscriptions> {
        None
    }

    /// What a refusal asks of the resident, where only they can mend it.
    fn need(&self, _status: u16, _answer: &[u8]) -> Option<Need> {
        None
    }

    /// What a refusal (403) says in the vendor's own words; `None` for any other, which says nothing of what was given.
    fn refused(&self, _answer: &[u8]) -> Option<Refused> {
        None
    }

    /// The code of a refusal of the authorization server (RFC 6749 5.2), of a vendor that writes it in a form of its own.
    fn token_error(&self, _answer: &[u8]) -> Option<String> {
        None
    }

    /// True for a set of keys as the vendor publishes it.
    fn are_keys(&self, _body: &[u8]) -> bool {
        false
    }

    /// What the vendor says by itself.
    ///
    /// # Errors
    /// [`NotHeard`] for what is not the vendor's, or nothing that it says.
    fn hear(&self, _call: &Call<'_>) -> Result<Heard, NotHeard> {
        Err(NotHeard::NotGenuine)
    }
}

/// Calls that subscribe accounts, made for the project with an account of its own and not for a resident.
#[derive(Debug)]
pub struct Subscriptions {
    /// What that account's token is asked for.
    pub scope: &'static str,
    /// Subscribes.
    pub begin: fn(&Subscription<'_>) -> ServiceCall,
    /// Says anew to what, where it is subscribed.
    pub change: fn(&Subscription<'_>) -> ServiceCall,
    /// Ends it.
    pub end: fn(&Subscription<'_>) -> ServiceCall,
}

/// What is subscribed.
#[derive(Clone, Copy, Debug)]
pub struct Subscription<'a> {
    /// The project's subscriber, as the vendor names it.
    pub subscriber: &'a str,
    /// Our name of the subscription.
    pub id: &'a str,
    /// The vendor's name of the account; empty where it is ended.
    pub account: &'a str,
    /// Series.
    pub series: &'a [&'a str],
}

/// A call for the project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceCall {
    /// Its method.
    pub method: &'static str,
    /// What follows the API's address.
    pub path: String,
    /// JSON, where it has a body.
    pub body: Option<serde_json::Value>,
}

/// How to learn whose account it is.
pub enum AccountFrom {
    /// It is asked for, and read from the answer.
    Request(Request, fn(&[u8]) -> Option<Account>),
    /// It stands in the ID token that came with the tokens. That came from the token endpoint itself over TLS, which stands for its
    /// signature (OpenID Connect Core 1.0, 3.1.3.7).
    IdToken,
}

/// Whose account it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// What the vendor calls it, 1 to 128 bytes.
    pub id: String,
    /// What it was called at a cloud that this one continues, with that cloud's name.
    pub former: Option<(&'static str, String)>,
    /// Where its civil times are, by the name of a zone or as an offset, of a vendor that writes times without one.
    pub zone: Option<String>,
}

impl Account {
    /// One that was nowhere else; `None` where it is no name.
    pub fn named(id: &str) -> Option<Self> {
        (1..=128).contains(&id.len()).then(|| Self {
            id: id.to_owned(),
            former: None,
            zone: None,
        })
    }

    /// Whom an ID token is about, by what stands in its middle.
    pub fn of_id_token(token: &str) -> Option<Self> {
        #[derive(serde::Deserialize)]
        struct Claims {
            sub: String,
        }
        let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
        let claims: Claims = serde_json::from_slice(&claims).ok()?;
        Self::named(&claims.sub)
    }
}

/// What continues a cloud, and since when it answers no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Successor {
    /// Its name.
    pub name: &'static str,
    /// When the cloud before it is switched off.
    pub from: UtcMillis,
}

/// What is known of a vendor's servers. Addresses are those of its documents; an operator may name others.
#[derive(Debug)]
pub struct Facts {
    /// Authorization endpoint (RFC 6749 3.1).
    pub authorize: &'static str,
    /// Token endpoint (RFC 6749 3.2).
    pub token: &'static str,
    /// Revocation endpoint (RFC 7009).
    pub revoke: &'static str,
    /// What the API's paths follow.
    pub api: &'static str,
    /// Where the keys lie that notices are signed with.
    pub keys: Option<&'static str>,
    /// What an authorization request has besides what every one has.
    pub parameters: &'static [(&'static str, &'static str)],
    /// Scopes that are asked for besides those of the series.
    pub scopes: &'static [&'static str],
    /// A refresh names the return address too.
    pub refresh_names_return: bool,
    /// The exchange of a code names the scopes again.
    pub exchange_names_scopes: bool,
    /// Our client shows its secret in the header (RFC 6749 2.3.1, Basic), not in the body.
    pub client_in_header: bool,
    /// What a notice is answered that is kept.
    pub kept_status: u16,
    /// What a call is answered that does not show that it is the vendor's.
    pub refused_status: u16,
    /// Requests a minute for one account, and how many may come at once.
    pub account_per_minute: u32,
    /// As above.
    pub account_burst: u32,
    /// Requests a minute for all of them.
    pub all_per_minute: u32,
}

/// A type of the vendor's that can be asked for by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Series {
    /// As the vendor's paths have it.
    pub name: &'static str,
    /// Opens it.
    pub scope: &'static str,
    /// Days of one ask at most.
    pub days: u16,
    /// Hours of one window, 1 or 24: an ask begins and ends with one.
    pub hours: u16,
    /// Days back from what was asked last that are asked again: so late it may come without a word.
    pub late_days: u16,
    /// Hours of windows to come that are asked for too: where a window is a civil day, it has begun before its number in UTC has.
    pub ahead_hours: u16,
    /// The vendor tells when there is more of it.
    pub is_told: bool,
    /// The vendor has it also as one stream, in which it decided which of its sources counts ([`Cloud::merged`]).
    pub merges: bool,
}

/// All of one series that lies within whole UTC hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask<'a> {
    /// Its name.
    pub series: &'a str,
    /// From when on.
    pub start: UtcMillis,
    /// Until when, exclusive.
    pub end: UtcMillis,
}

/// A call of the API, without its token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What follows the API's address.
    pub path: String,
    /// What it brings.
    pub sends: Sends,
}

/// What a call brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sends {
    /// The query of a `GET`.
    Query(Vec<(&'static str, String)>),
    /// The form of a `POST`.
    Form(Vec<(&'static str, String)>),
    /// The JSON of a `POST`.
    Json(serde_json::Value),
}

/// What a refusal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// What the resident gave does not open this.
    NotGiven,
    /// It is enough for now.
    Enough,
}

/// It is no answer of this vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no answer of this service")]
pub struct NotAnAnswer;

/// What came to the address for notices.
pub struct Call<'a> {
    /// A header by its name in small letters.
    pub header: &'a dyn Fn(&str) -> Option<String>,
    /// What follows the vendor's name in the address, for those that can show nothing else.
    pub path: Option<&'a str>,
    /// A code in its query by which a vendor makes sure that the address is ours.
    pub verify: Option<&'a str>,
    /// The body as it came.
    pub body: &'a [u8],
    /// What the vendor was told to show.
    pub secret: &'a str,
    /// The secret of our client, with which some sign.
    pub client_secret: Option<&'a str>,
    /// The keys that it publishes, as last fetched.
    pub keys: Option<&'a [u8]>,
    /// When it came.
    pub now: UtcMillis,
}

/// What a vendor said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It makes sure that the address is ours; answered with this status.
    Probe(u16),
    /// There is something to ask for.
    Notices(Vec<Notice>),
}

/// How far back is asked where a notice does not say since when, in milliseconds.
pub const UNSAID_MS: i64 = 2 * DAY_MS;

/// Something changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notice {
    /// Whose account.
    pub account: String,
    /// Which series; `None` for one that nothing here asks for.
    pub series: Option<&'static str>,
    /// From when until when; `None` where it does not say.
    pub window: Option<(UtcMillis, UtcMillis)>,
}

/// Why nothing was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotHeard {
    /// It does not show that it is the vendor's.
    #[error("this call does not show that it is the vendor's")]
    NotGenuine,
    /// It is signed with a key that is not among those that were fetched.
    #[error("this call is signed with a key that is not known")]
    UnknownKey,
    /// It says nothing that can be read.
    #[error("this call says nothing that can be read")]
    Malformed,
}
