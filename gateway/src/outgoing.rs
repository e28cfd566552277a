//! Calls to addresses that others named (webhooks, key sets): only to the public internet, whatever a name resolves to.
//!
//! The check lies in the connector, after the name was resolved, so that a name that resolves to one address when it is
//! looked at and to another when it is called gains nothing. Redirects are not followed.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use model::UtcMillis;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Response, Url};

/// How long a whole call may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Networks of IPv4 that are not the public internet (IANA IPv4 special-purpose address registry).
const NOT_PUBLIC_V4: [&str; 15] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
];

/// Networks of IPv6 inside the global unicast range 2000::/3 that are not the public internet, or hide an address of IPv4
/// (IANA IPv6 special-purpose address registry).
const NOT_PUBLIC_V6: [&str; 4] = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"];

/// Addresses that may be called.
#[derive(Clone, Debug, Default)]
pub struct Reachable {
    also: Arc<[IpNet]>,
}

impl Reachable {
    /// The public internet, and these networks besides.
    pub fn public_and(also: &[IpNet]) -> Self {
        Self { also: also.into() }
    }

    /// True when an address may be called.
    pub fn allows(&self, address: IpAddr) -> bool {
        // ::ffff:127.0.0.1 is 127.0.0.1.
        let address = address.to_canonical();
        self.also.iter().any(|network| network.contains(&address)) || is_public(address)
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !inside_v4(address),
        IpAddr::V6(address) => {
            let inside = |network: &str| {
                network
                    .parse::<Ipv6Net>()
                    .is_ok_and(|network| network.contains(&address))
            };
            inside("2000::/3") && !NOT_PUBLIC_V6.into_iter().any(inside)
        }
    }
}

fn inside_v4(address: Ipv4Addr) -> bool {
    NOT_PUBLIC_V4.iter().any(|network| {
        network
            .parse::<Ipv4Net>()
            .is_ok_and(|network| network.contains(&address))
    })
}

/// Why a call was not made, or not answered.
#[derive(Debug, thiserror::Error)]
pub enum OutgoingError {
    /// The URL is none that may be called.
    #[error("the URL must be https with a host, without a user or a password")]
    Url,
    /// The host is or resolves to no public address.
    #[error("the address is not a public one")]
    NotPublic,
    /// No answer came.
    #[error("no answer: {0}")]
    NoAnswer(&'static str),
    /// What was called is no more (RFC 9110 15.5.11, 410).
    #[error("what was called is no more")]
    Gone,
    /// The answer is larger than what is read.
    #[error("the answer is too large")]
    TooLarge,
}

/// Calls that keep to what may be reached.
#[derive(Clone)]
pub struct Outgoing {
    client: reqwest::Client,
    reachable: Reachable,
}

struct Guarded(Reachable);

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let reachable = self.0.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|address| reachable.allows(address.ip())).collect();
            if allowed.is_empty() {
                return Err(Box::new(OutgoingError::NotPublic).into());
            }
            let addresses: Addrs = Box::new(allowed.into_iter());
            Ok(addresses)
        })
    }
}

impl Outgoing {
    /// Calls to what is reachable.
    ///
    /// # Errors
    /// What making an HTTP client answers.
    pub fn new(reachable: Reachable) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .dns_resolver(Arc::new(Guarded(reachable.clone())))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_max_idle_per_host(1)
            .user_agent(concat!("sekisho/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, reachable })
    }

    /// Sends a request that `build` makes of a client and the checked URL.
    ///
    /// # Errors
    /// [`OutgoingError`]; none of them holds the URL.
    pub async fn send(
        &self,
        url: &str,
        build: impl FnOnce(&reqwest::Client, Url) -> reqwest::RequestBuilder,
    ) -> Result<Response, OutgoingError> {
        let url = self.check(url)?;
        build(&self.client, url).send().await.map_err(|error| problem(&error))
    }

    /// A URL that may be called, as far as can be said before its name is resolved. Plain http only within networks that the
    /// configuration names.
    fn check(&self, url: &str) -> Result<Url, OutgoingError> {
        let url = Url::parse(url).map_err(|_| OutgoingError::Url)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(OutgoingError::Url);
        }
        // A host that is an address is never resolved, so it is looked at here.
        let literal = url.host_str().and_then(|host| {
            host.trim_start_matches('[')
                .trim_end_matches(']')
                .parse::<IpAddr>()
                .ok()
        });
        if literal.is_some_and(|address| !self.reachable.allows(address)) {
            return Err(OutgoingError::NotPublic);
        }
        let is_named = |address: IpAddr| self.reachable.also.iter().any(|network| network.contains(&address));
        match (url.scheme(), literal) {
            ("https", _) if url.has_host() => Ok(url),
            ("http", Some(address)) if is_named(address.to_canonical()) => Ok(url),
            _ => Err(OutgoingError::Url),
        }
    }
}

fn problem(error: &reqwest::Error) -> OutgoingError {
    // The resolver's error comes back wrapped in types that say what it said, and do not lend it.
    let refused = OutgoingError::NotPublic.to_string();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(inner) = cause {
        if inner.to_string() == refused {
            return OutgoingError::NotPublic;
        }
        cause = inner.source();
    }
    OutgoingError::NoAnswer(match () {
        () if error.is_timeout() => "it took too long",
        () if error.is_connect() => "the connection failed",
        () => "the connection broke",
    })
}

/// The longest wait that a `Retry-After` can ask for, in seconds.
pub const LONGEST_WAIT: i64 = 86_400;

/// `Retry-After` in seconds (RFC 9110 10.2.3): a number, or a date.
pub fn retry_after(headers: &HeaderMap, now: UtcMillis) -> Option<i64> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse::<i64>() {
        Ok(wait) => wait,
        Err(_) => {
            let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
            date.as_second() - now.0.div_euclid(1_000)
        }
    };
    Some(wait.clamp(0, LONGEST_WAIT))
}

/// Reads an answer of at most `limit` bytes.
///
/// # Errors
/// [`OutgoingError::TooLarge`], [`OutgoingError::NoAnswer`].
pub async fn bounded(mut answer: Response, limit: usize) -> Result<Vec<u8>, OutgoingError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| problem(&error))? {
        if body.len() + chunk.len() > limit {
            return Err(OutgoingError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed() -> Outgoing {
        Outgoing::new(Reachable::default()).unwrap()
    }

    #[test]
    fn the_fixed_networks_are_networks() {
        assert!(NOT_PUBLIC_V4.iter().all(|network| network.parse::<Ipv4Net>().is_ok()));
        assert!(NOT_PUBLIC_V6.iter().all(|network| network.parse::<Ipv6Net>().is_ok()));
    }

    #[test]
    fn only_the_public_internet_is_reachable_however_an_address_is_written() {
        let reachable = Reachable::default();
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "172.31.255.255",
            "192.168.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "fe80::1",
            "fc00::1",
            "ff02::1",
            "2002:7f00:1::",
            "2001:db8::1",
        ] {
            assert!(!reachable.allows(private.parse().unwrap()), "{private}");
        }
        for public in ["8.8.8.8", "198.17.255.255", "2606:4700::1111", "::ffff:8.8.8.8"] {
            assert!(reachable.allows(public.parse().unwrap()), "{public}");
        }
    }

    #[tokio::test]
    async fn no_private_address_is_called_neither_by_number_nor_by_name() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        for url in [
            format!("https://127.0.0.1:{port}/"),
            format!("https://[::1]:{port}/"),
            format!("https://[::ffff:127.0.0.1]:{port}/"),
            format!("https://2130706433:{port}/"),
            format!("https://0x7f.1:{port}/"),
            format!("https://localhost:{port}/"),
        ] {
            let refused = closed().send(&url, |client, url| client.get(url)).await.unwrap_err();
            assert!(matches!(refused, OutgoingError::NotPublic), "{url}: {refused}");
        }
        for url in [
            "http://public.example/",
            "ftp://public.example/",
            "https://user:word@public.example/",
            "file:///etc/passwd",
            "public",
        ] {
            let refused = closed().send(url, |client, url| client.get(url)).await.unwrap_err();
            assert!(matches!(refused, OutgoingError::Url), "{url}: {refused}");
        }
        let nobody = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
        assert!(nobody.is_err(), "nobody called");
    }

    #[tokio::test]
    async fn a_network_of_the_configuration_is_reachable_and_redirects_are_not_followed() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let routes = axum::Router::new()
            .route(
                "/away",
                axum::routing::get(|| async { axum::response::Redirect::to("/here") }),
            )
            .route("/here", axum::routing::get(|| async { "a".repeat(1_000) }));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let open = Outgoing::new(Reachable::public_and(&["127.0.0.0/8".parse().unwrap()])).unwrap();
        let away = open
            .send(&format!("{base}/away"), |client, url| client.get(url))
            .await
            .unwrap();
        assert_eq!(away.status(), 303);
        let here = open
            .send(&format!("{base}/here"), |client, url| client.get(url))
            .await
            .unwrap();
        assert!(matches!(bounded(here, 999).await, Err(OutgoingError::TooLarge)));
        let here = open
            .send(&format!("{base}/here"), |client, url| client.get(url))
            .await
            .unwrap();
        assert_eq!(bounded(here, 1_000).await.unwrap().len(), 1_000);
    }
}
