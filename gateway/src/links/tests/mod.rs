//! Links against a simulated vendor: connected in a browser, fetched turn by turn, on good days and on bad ones.

mod archived;
mod bad_days;
mod budgets;
mod connecting;
mod crowd;
mod days;
mod giving_back;
mod notices;
mod page;
mod partial;
mod sick;
mod storm;
mod streams;
mod subscriptions;
mod successor;

use std::sync::Arc;

use consent::OwnAccess;
use model::environment::{Clock as _, HandClock};
use model::time::{DAY_MS, HOUR_MS};
use model::{LinkState, Metric, PersonId, UtcMillis, Value};
use serde_json::{Value as Json, json};
use simulators::{Setup, Simulator};
use store::{Access, Link, Record, Search};

use super::{Cloud, worker};
use crate::environment::{MachineClock, MachineRandomness};
use crate::sign_in::testing::{Answer, Browser, Gateway};

/// Who can be chosen at the first simulated vendor.
const HANAKO: &str = "111111111111";
const TARO: &str = "222222222222";
const NEW: &str = "999999999999";

/// A simulated vendor, by its place among them.
#[derive(Clone, Copy)]
struct Vendor {
    place: usize,
    /// The account that hanako connects.
    hanako: &'static str,
    /// What is compared: series, and what becomes of it.
    checks: &'static [(&'static str, Metric)],
    /// What is changed, as an interval or as a moment, with a number in its body.
    changed: (&'static str, bool, fn(i64) -> Json),
    /// It tells of what changes.
    tells: bool,
    /// What a part of a path is called there.
    path: fn(&'static str) -> &'static str,
    /// Where its days begin; now if it does not matter.
    now: Option<UtcMillis>,
    /// Accounts are subscribed one by one.
    subscribes: bool,
}

/// One that tells with a signature, and has a list for each type.
const LISTS: Vendor = Vendor {
    place: 0,
    hanako: HANAKO,
    checks: &[("steps", Metric::STEP_COUNT), ("heart-rate", Metric::HEART_RATE)],
    changed: ("steps", true, |number| json!({"count": number.to_string()})),
    tells: true,
    path: |path| path,
    now: None,
    subscribes: false,
};

/// One that tells without any, and answers everything since a day.
const SINCE: Vendor = Vendor {
    place: 1,
    hanako: "0b0c5f1e-hanako",
    checks: &[("bloodpressure", Metric::HEART_RATE), ("weight", Metric::BODY_WEIGHT)],
    changed: (
        "bloodpressure",
        false,
        |number| json!({"systolic": 120, "diastolic": 80, "pulse": 50 + number % 40, "bloodPressureUnits": "mmHg"}),
    ),
    tells: true,
    path: |path| match path {
        "" | "/token" => path,
        _ => "/measurement",
    },
    now: None,
    subscribes: false,
};

/// One that never tells.
const SILENT: Vendor = Vendor {
    place: 2,
    hanako: "108111",
    checks: &[
        ("step_count.delta", Metric::STEP_COUNT),
        ("weight", Metric::BODY_WEIGHT),
    ],
    changed: (
        "step_count.delta",
        true,
        |number| json!({"value": [{"intVal": number}]}),
    ),
    tells: false,
    path: |path| match path {
        "" | "/token" => path,
        "steps" => "step_count.delta",
        "sleep" => "/sessions",
        "/users/me/dataTypes" => "/dataSources",
        _ => "com.google.weight",
    },
    now: None,
    subscribes: false,
};

/// One that answers by civil days, and is switched off on a day.
const ENDING: Vendor = Vendor {
    place: 3,
    hanako: "228S74",
    checks: &[
        ("activities/steps", Metric::STEP_COUNT),
        ("body/log/weight", Metric::BODY_WEIGHT),
    ],
    changed: ("activities/steps", true, |number| json!({"value": number})),
    tells: true,
    path: |path| match path {
        "" => path,
        "/token" => "/oauth2/token",
        "steps" => "activities/steps",
        "sleep" => "/sleep",
        "/users/me/dataTypes" => "/user/-/",
        _ => "body/log/weight",
    },
    // Half a year before.
    now: Some(UtcMillis(1_777_939_200_000)),
    subscribes: false,
};

/// Days back that are asked here.
const DAYS: i64 = 16;

struct World {
    of: Vendor,
    gateway: Gateway,
    clock: Arc<HandClock>,
    vendor: Simulator,
    other: Option<Simulator>,
    /// Asked in place of the configured one.
    changed: Option<Cloud>,
    http: reqwest::Client,
    _secrets: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        Self::of(LISTS).await
    }

    async fn of(of: Vendor) -> Self {
        Self::with(of, None).await
    }

    /// With another vendor that residents can connect.
    async fn with(of: Vendor, other: Option<Vendor>) -> Self {
        let clock = Arc::new(HandClock::at(of.now.unwrap_or(MachineClock.now())));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let setup = Setup {
            return_to: format!("{base}{}", super::CALLBACK),
            webhooks: format!("{base}/webhooks/v1"),
            clock: Arc::new(Arc::clone(&clock)),
            randomness: Arc::new(MachineRandomness),
            tells: false,
        };
        let mut all = simulators::start_all(&setup).await.unwrap();
        let other = other.map(|other| all[other.place].clone());
        let vendor = all.remove(of.place);
        let secrets = tempfile::tempdir().unwrap();
        let secret = |name: &str, text: &str| {
            let file = secrets.path().join(name);
            std::fs::write(&file, text).unwrap();
            file.display().to_string()
        };
        let section = |vendor: &Simulator| {
            format!(
                "[links.{}]\nclient_id = {:?}\nclient_secret_file = {:?}\nwebhook_secret_file = {:?}\nauthorize_url = {:?}\n\
             token_url = {:?}\nrevoke_url = {:?}\napi_url = {:?}\nkeys_url = {:?}\nbackfill_days = {DAYS}\npoll_hours = 12\n",
                vendor.name,
                vendor.client.0,
                secret(&format!("{}-client", vendor.name), vendor.client.1),
                secret(&format!("{}-webhook", vendor.name), vendor.webhook_secret),
                vendor.authorize_url,
                vendor.token_url,
                vendor.revoke_url,
                vendor.api_url,
                vendor.keys_url,
            ) + &match vendor.subscriber.as_ref().filter(|_| of.subscribes) {
                Some((subscriber, key)) => format!(
                    "subscriber = {subscriber:?}\nservice_account_file = {:?}\n",
                    secret("service-account", key)
                ),
                None => String::new(),
            }
        };
        let file = [Some(&vendor), other.as_ref()]
            .into_iter()
            .flatten()
            .map(section)
            .collect();
        let gateway = Gateway::start_at(listener, &[], file, Arc::new(Arc::clone(&clock))).await;
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build();
        Self {
            of,
            gateway,
            clock,
            vendor,
            other,
            changed: None,
            http: http.unwrap(),
            _secrets: secrets,
        }
    }

    /// A browser in which hanako is signed in.
    async fn hanako(&self) -> Browser<'_> {
        let mut browser = self.gateway.browser();
        browser.sign_in("hanako", "/portal/links").await;
        browser
    }

    async fn person(&self) -> PersonId {
        let found = self
            .gateway
            .state
            .store
            .person_by_identity(&self.gateway.issuer, "sub-1")
            .await;
        found.unwrap().unwrap()
    }

    /// The vendor's page, filled in and sent; where it leads back to. `keep` picks the scopes.
    async fn agree(&self, browser: &mut Browser<'_>, account: &str, keep: impl Fn(&str) -> bool) -> String {
        let start = format!("/portal/links/{}/connect", self.vendor.name);
        let url = browser.get(&start).await.location("");
        let page = self.http.get(&url).send().await.unwrap().text().await.unwrap();
        let page = Answer {
            status: reqwest::StatusCode::OK,
            headers: Default::default(),
            body: page,
        };
        let mut fields = page.hidden();
        let scopes = page.body.split("name=\"scope\" value=\"").skip(1);
        let scopes = scopes.map(|rest| rest.split('"').next().unwrap().to_owned());
        fields.extend(
            scopes
                .filter(|scope| keep(scope))
                .map(|scope| ("scope".to_owned(), scope)),
        );
        fields.push(("account".to_owned(), account.to_owned()));
        fields.push(("answer".to_owned(), "allow".to_owned()));
        let action = page.body.split("action=\"").nth(1).unwrap().split('"').next().unwrap();
        let decide = format!("{}{action}", self.vendor.base);
        let answer = self.http.post(decide).form(&fields).send().await.unwrap();
        let back = answer.headers()["location"].to_str().unwrap().to_owned();
        back.strip_prefix(&self.gateway.base).unwrap().to_owned()
    }

    async fn connect(&self, browser: &mut Browser<'_>, account: &str) -> Answer {
        let back = self.agree(browser, account, |_| true).await;
        browser.get(&back).await
    }

    async fn link(&self) -> Link {
        let own = OwnAccess::of_signed_in(self.person().await);
        self.gateway
            .state
            .store
            .links(&own)
            .await
            .unwrap()
            .into_iter()
            .next()
            .unwrap()
    }

    fn cloud(&self) -> &Cloud {
        let configured = || self.gateway.state.clouds.named(self.vendor.name).unwrap();
        self.changed.as_ref().unwrap_or_else(configured)
    }

    /// Works whatever is due, a second apart, until nothing is; how many turns that took.
    async fn work(&self) -> usize {
        let (state, cloud) = (&self.gateway.state, self.cloud());
        let mut turns = 0;
        loop {
            let leased = worker::take(state, cloud, 16).await;
            if leased.is_empty() {
                return turns;
            }
            for link in leased {
                turns += 1;
                worker::carry_out(state, cloud, link).await;
            }
            assert!(
                turns < 2_000,
                "it never ends: {:?} at {}",
                self.link().await,
                self.clock.now().0
            );
            self.clock.advance(1_000);
        }
    }

    /// Lets so much time pass, working whatever comes due.
    async fn live(&self, milliseconds: i64) {
        // A retry comes within the time for which a vendor still takes the token before.
        self.live_by(milliseconds, 60_000).await;
    }

    async fn live_by(&self, milliseconds: i64, step: i64) {
        let end = self.clock.now().plus(milliseconds);
        while self.clock.now() < end {
            self.work().await;
            let left = end.0 - self.clock.now().0;
            self.clock.advance(left.clamp(1, step));
        }
        self.work().await;
    }

    async fn control(&self, path: &str, body: Json) -> Json {
        let url = format!("{}/control/{path}", self.vendor.base);
        let answer = self.http.post(url).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or(Json::Null)
    }

    async fn counts(&self) -> Json {
        let url = format!("{}/control/counts", self.vendor.base);
        self.http.get(url).send().await.unwrap().json().await.unwrap()
    }

    async fn mischief(&self, kind: &str, times: u32, path: &'static str) {
        let path = (self.of.path)(path);
        self.control("mischief", json!({"kind": kind, "times": times, "path": path}))
            .await;
    }

    /// Nothing goes wrong any more.
    async fn well_again(&self) {
        let url = format!("{}/control/mischief", self.vendor.base);
        self.http.delete(url).send().await.unwrap();
    }

    /// The vendor changes its mind about one point, and holds another number now; none takes it out. What it tells of that.
    async fn change(&self, at: UtcMillis, number: Option<i64>) -> Json {
        let (kind, is_interval, body) = self.of.changed;
        let end = at.0 + if is_interval { 60_000 } else { 0 };
        let point = json!({"account": self.of.hanako, "kind": kind, "start": at.0, "end": end});
        let mut change = point.clone();
        change["body"] = number.map_or(Json::Null, body);
        self.control("points", change).await;
        point
    }

    /// The first instant that is asked.
    fn horizon(&self) -> UtcMillis {
        // Whole days, so that what moves with the clock plays no part.
        UtcMillis((self.clock.now().0 - (DAYS - 1) * DAY_MS).div_euclid(DAY_MS) * DAY_MS)
    }

    /// What the vendor holds of a type, as far as it was asked: when and how much.
    async fn truth(&self, account: &str, kind: &str) -> Vec<(i64, String)> {
        let until = self.link().await.progress.marks[kind].asked;
        assert!(
            until > self.clock.now().0 - 26 * HOUR_MS,
            "{kind} was not asked for long"
        );
        // What began before and was not over when it was asked for, five minutes at most, is not there yet.
        let (start, end) = (self.horizon().0, until - 5 * 60_000);
        let asked = json!({"account": account, "kind": kind, "start": start, "end": end});
        let points = self.control("truth", asked).await;
        let point = |point: &Json| {
            (
                point["at"].as_i64().unwrap(),
                point["value"].as_str().unwrap_or("0").to_owned(),
            )
        };
        let mut points: Vec<_> = points.as_array().unwrap().iter().map(point).collect();
        points.sort_unstable();
        points
    }

    /// What we hold.
    async fn held(&self, metric: Metric) -> Vec<(i64, String)> {
        let own = OwnAccess::of_signed_in(self.person().await);
        let mut search = Search {
            raw: vec![metric],
            count: 1_000,
            now: self.clock.now(),
            ..Search::default()
        };
        let mut held = Vec::new();
        loop {
            let page = self
                .gateway
                .state
                .store
                .search(Access::Own(&own), search.clone())
                .await
                .unwrap();
            held.extend(page.records.into_iter().filter_map(|record| match record {
                Record::Sample(stored) => {
                    let value = match stored.sample.value {
                        Value::Quantity(number) => number.to_string(),
                        other => format!("{other:?}"),
                    };
                    Some((stored.sample.start.0, value))
                }
                _ => None,
            }));
            match page.next {
                Some(next) => search.after = Some(next),
                None => break,
            }
        }
        held.retain(|(at, _)| *at >= self.horizon().0);
        held.sort_unstable();
        held
    }

    /// We hold what the vendor holds, no more and no less.
    async fn agrees(&self, account: &str) {
        for (kind, metric) in self.of.checks.iter().copied() {
            let (truth, mut held) = (self.truth(account, kind).await, self.held(metric).await);
            let last = truth.last().map_or(0, |(at, _)| *at);
            held.retain(|(at, _)| *at <= last);
            let missing: Vec<_> = truth.iter().filter(|one| !held.contains(one)).take(3).collect();
            let other: Vec<_> = held.iter().filter(|one| !truth.contains(one)).take(3).collect();
            assert!(
                truth == held,
                "{kind}: {} for {}; missing {missing:?}, other {other:?}",
                held.len(),
                truth.len()
            );
            assert!(!truth.is_empty());
        }
    }
}

/// What opens a series of this vendor.
fn scope(world: &World, series: &str) -> &'static str {
    let cloud = world.gateway.state.clouds.named(world.vendor.name).unwrap();
    let mut all = cloud.adapter.series().iter();
    all.find(|known| known.name == series).unwrap().scope
}

/// A person whose account agreed to something; the vendor said that these scopes were given, or did not say it.
async fn linked(world: &World, account: &str, seed: usize, given: &[&str], said: &[&str]) -> PersonId {
    let store = &world.gateway.state.store;
    let person = store.create_person(store::NewPerson::default()).await.unwrap();
    let adopted = json!({"account": account, "seed": seed, "scopes": given});
    let tokens = world.control("accounts", adopted).await;
    let new = store::NewLink {
        vendor: world.vendor.name.to_owned(),
        account: account.to_owned(),
        scopes: said.iter().map(|scope| (*scope).to_owned()).collect(),
        zone: None,
        tokens: store::LinkTokens {
            access: tokens["access"].as_str().unwrap().to_owned(),
            refresh: tokens["refresh"].as_str().map(str::to_owned),
            expires: world.clock.now().plus(DAY_MS).0,
        },
        continues: None,
    };
    store.connect_link(&OwnAccess::of_signed_in(person), new).await.unwrap();
    person
}

/// The middle of the day before yesterday, whole hours.
fn two_days_ago(world: &World) -> UtcMillis {
    UtcMillis((world.clock.now().0 - 2 * DAY_MS).div_euclid(DAY_MS) * DAY_MS + 4 * HOUR_MS)
}

async fn is(world: &World, state: LinkState) {
    assert_eq!(world.link().await.state, state);
}
