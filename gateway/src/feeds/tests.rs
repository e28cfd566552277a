//! A feed against a simulated service: whose readings are whose, what waits, bad days, and the resident's last word.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use consent::OwnAccess;
use model::environment::HandClock;
use model::{Metric, OrganisationId, PersonId};
use serde_json::{Value, json};
use simulators::Setup;
use simulators::omron_b2b::{self, Partner};
use store::{Access, Actor, FeedTold, NewPerson, Record, Search};

use super::worker::{self, Failure};
use super::{Feed, take_waiting};
use crate::environment::{MachineClock, MachineRandomness};
use crate::sign_in::testing::{Browser, Gateway};

const PAGE: &str = "/portal/links";

pub(super) struct World {
    gateway: Gateway,
    partner: Partner,
    http: reqwest::Client,
    jiro: PersonId,
    _secrets: tempfile::TempDir,
}

impl World {
    pub(super) async fn new() -> Self {
        let clock = Arc::new(HandClock::at(model::environment::Clock::now(&MachineClock)));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let setup = Setup {
            return_to: String::new(),
            webhooks: String::new(),
            clock: Arc::new(Arc::clone(&clock)),
            randomness: Arc::new(MachineRandomness),
            tells: false,
        };
        let partner = omron_b2b::start(&setup).await.unwrap();
        let secrets = tempfile::tempdir().unwrap();
        let password = secrets.path().join("password");
        std::fs::write(&password, partner.account.1).unwrap();
        let file = format!(
            "[feeds.{}]\nauth_url = {base:?}\napi_url = {base:?}\ntenant = {:?}\npartner = {:?}\naccount = {:?}\npassword_file = {:?}\n",
            partner.name,
            partner.tenant,
            partner.partner,
            partner.account.0,
            password.display().to_string(),
            base = partner.base,
        );
        let gateway = Gateway::start_at(listener, &[], file, Arc::new(Arc::clone(&clock))).await;
        let store = &gateway.state.store;
        let jiro = store.create_person(NewPerson::default()).await.unwrap();
        store.link_identity(jiro, &gateway.issuer, "sub-2").await.unwrap();
        Self {
            gateway,
            partner,
            http: reqwest::Client::builder().build().unwrap(),
            jiro,
            _secrets: secrets,
        }
    }

    fn feed(&self) -> &Feed {
        &self.gateway.state.feeds.all()[0]
    }

    pub(super) async fn turn(&self) -> Result<(), Failure> {
        let feed = self.feed();
        worker::turn(&self.gateway.state, feed, feed.asked.as_ref().unwrap(), false).await
    }

    /// A page from a number on, as it comes.
    async fn page(&self, sequence: u64) -> (adapters::feed::Page, Vec<u8>) {
        let feed = self.feed();
        let page = worker::page(&self.gateway.state, feed, feed.asked.as_ref().unwrap(), sequence);
        page.await.unwrap()
    }

    /// Jiro's account is known; how many deliveries waited.
    pub(super) async fn know(&self, account: &str) -> (FeedTold, u64) {
        let (store, feed) = (&self.gateway.state.store, self.feed());
        let told = store
            .know_feed_account(&feed.place, account.to_owned(), self.jiro, Actor::CommandLine)
            .await
            .unwrap();
        let texts = take_waiting(store, feed.adapter, &feed.place, account).await.unwrap();
        (told, texts)
    }

    /// Samples of jiro, living ones.
    pub(super) async fn samples(&self) -> usize {
        let own = OwnAccess::of_signed_in(self.jiro);
        let mut search = Search {
            raw: vec![Metric::BLOOD_PRESSURE, Metric::HEART_RATE, Metric::BODY_WEIGHT],
            count: 50,
            now: self.gateway.state.clock.now(),
            ..Search::default()
        };
        let mut found = 0;
        loop {
            let store = &self.gateway.state.store;
            let page = store.search(Access::Own(&own), search.clone()).await.unwrap();
            found += page
                .records
                .iter()
                .filter(|record| matches!(record, Record::Sample(_)))
                .count();
            match page.next {
                Some(next) => search.after = Some(next),
                None => return found,
            }
        }
    }

    /// What the ledger of hand-overs says, the earliest first.
    async fn handed_over(&self) -> Vec<Value> {
        let store = &self.gateway.state.store;
        let acts = store.acts(self.feed().place.organisation, None, 100).await.unwrap();
        let lines = acts.iter().rev().filter(|(_, act)| act.what == store::HANDED_OVER);
        lines
            .map(|(_, act)| {
                assert_eq!(act.by, Actor::Gateway);
                serde_json::from_str(&act.subject).unwrap()
            })
            .collect()
    }

    pub(super) fn now(&self) -> i64 {
        self.gateway.state.clock.now().0
    }

    /// So many of its answers go wrong.
    pub(super) async fn mischief(&self, kind: &str, times: u32, path: &str) {
        self.control("mischief", json!({"kind": kind, "times": times, "path": path}))
            .await;
    }

    /// How many are still to go wrong.
    pub(super) async fn mischief_left(&self) -> u64 {
        let url = format!("{}/control/counts", self.partner.base);
        let counts: Value = self.http.get(url).send().await.unwrap().json().await.unwrap();
        counts["wrong"].as_u64().unwrap()
    }

    async fn control(&self, what: &str, body: Value) {
        let url = format!("{}/control/{what}", self.partner.base);
        let sent = self.http.post(url).json(&body).send().await.unwrap();
        assert!(sent.status().is_success(), "{what}");
    }

    /// Jiro measures, or takes a reading back.
    pub(super) async fn measure(&self, at: i64, pulse: Option<u32>) {
        let measure = json!({
            "measureDateFrom": at,
            "timeZone": "Asia/Tokyo",
            "userUpdateDate": at + 60_000 + i64::from(pulse.is_none()),
            "deleteFlag": u8::from(pulse.is_none()).to_string(),
            "bodyIndexList": {"3": [pulse.unwrap_or(0).to_string(), "61600", "0", "1"]},
        });
        let reading = json!({
            "group": "g-01", "user": "u-01", "category": "0", "model": "HEM-7281T", "serial": "B", "measure": measure,
        });
        self.control("put", reading).await;
    }
}

#[tokio::test]
async fn each_has_their_own_and_what_came_of_nobody_waits_until_somebody_is_known() {
    let world = World::new().await;
    let feed = world.feed().place.clone();
    assert_eq!(feed.organisation, OrganisationId(1));
    world.turn().await.unwrap();
    assert_eq!(world.samples().await, 0, "nobody is known");
    let store = &world.gateway.state.store;
    assert_eq!(
        store.feed_sequence(&feed).await.unwrap(),
        120,
        "two people, two readings a day, thirty days"
    );
    let (told, texts) = world.know("g-01/u-01").await;
    assert_eq!((told, texts), (FeedTold::New, 3), "one delivery a page");
    // A pressure with its pulse, and a weight.
    assert_eq!(world.samples().await, 90, "jiro's alone");
    assert_eq!(world.know("g-01/u-01").await, (FeedTold::Known, 0));
    let at = world.gateway.state.clock.now().0 / 1_000 * 1_000 - 600_000;
    world.measure(at, Some(71)).await;
    world.turn().await.unwrap();
    assert_eq!(world.samples().await, 91);
    world.measure(at, None).await;
    world.turn().await.unwrap();
    assert_eq!(world.samples().await, 90, "a reading that was taken back is gone");
    // What was cut off before its number was kept comes again, and is known.
    let (page, _) = world.page(0).await;
    let taken = super::take(store, world.feed().adapter, &feed, page.parts)
        .await
        .unwrap();
    assert_eq!((taken.people, taken.accounting.stored), (1, 0));
    assert_eq!(world.samples().await, 90);
    // A number does not go back, whoever says it.
    let before = store.feed_sequence(&feed).await.unwrap();
    let back = store::FeedCame {
        next: Some(7),
        ..store::FeedCame::default()
    };
    store.keep_feed(&feed, back).await.unwrap();
    assert_eq!((before, store.feed_sequence(&feed).await.unwrap()), (122, 122));
}

#[tokio::test]
async fn what_the_clock_fetched_stands_in_the_ledger_once_a_time_that_brought_something() {
    let world = World::new().await;
    world.know("g-01/u-01").await;
    // The third page does not come: what came before it was handed over.
    world
        .control(
            "mischief",
            json!({"kind": "fault", "times": 1, "path": "SequenceNo=80"}),
        )
        .await;
    let failed = world.turn().await;
    assert!(matches!(failed, Err(Failure::NoAnswer { .. })), "{failed:?}");
    let first = world.handed_over().await;
    assert_eq!(first.len(), 1, "{first:?}");
    let said = &first[0];
    assert_eq!(said["handler"], "(gateway, by the clock)");
    assert_eq!(said["counterpart"], "オムロン コネクト");
    assert_eq!(said["what"], "readings of a feed");
    // Of two pages, what each has of jiro and of whom nobody knows.
    let counts = ["count", "taken", "waiting", "unread"].map(|column| said[column].as_u64().unwrap());
    assert_eq!(counts, [4, 2, 2, 0]);
    world.turn().await.unwrap();
    world.turn().await.unwrap();
    let second = world.handed_over().await;
    assert_eq!(
        second.len(),
        2,
        "the last page, and nothing of what brought nothing: {second:?}"
    );
    assert_eq!(second[1]["count"], 2);
    // The hash is that of the answers.
    let (_, body) = world.page(80).await;
    let hash = data_encoding::HEXLOWER.encode(digest(&SHA256, &body).as_ref());
    assert_eq!(second[1]["sha256"], hash);
    assert_ne!(second[0]["sha256"], hash);
    // Nobody stands in it.
    let told = serde_json::to_string(&second).unwrap();
    assert!(!told.contains("u-01") && !told.contains("g-01"), "{told}");
}

#[tokio::test]
async fn what_cannot_be_read_goes_on_waiting() {
    let world = World::new().await;
    world.know("g-01/u-01").await;
    let (store, feed) = (&world.gateway.state.store, world.feed());
    let part = adapters::feed::Part {
        account: "g-01/u-01".to_owned(),
        text: b"{}".to_vec(),
    };
    let taken = super::take(store, feed.adapter, &feed.place, vec![part]).await.unwrap();
    assert_eq!((taken.people, taken.unread), (0, 1));
    assert_eq!(world.know("g-01/u-01").await, (FeedTold::Known, 0));
    let waits = store.feed_waiting(&feed.place, "g-01/u-01", 0).await.unwrap();
    assert_eq!(waits.map(|(_, text)| text), Some(b"{}".to_vec()));
}

#[tokio::test]
async fn bad_days_lose_nothing_and_double_nothing() {
    let world = World::new().await;
    world.know("g-01/u-01").await;
    for kind in [
        "too-many",
        "fault",
        "unavailable",
        "html",
        "truncated-gzip",
        "cut",
        "huge",
        "lost-answer",
        "gone",
    ] {
        let path = "vital-signs";
        world
            .control("mischief", json!({"kind": kind, "times": 1, "path": path}))
            .await;
        let failed = world.turn().await;
        assert!(matches!(failed, Err(Failure::NoAnswer { .. })), "{kind}: {failed:?}");
    }
    // Its outer shape is right: what cannot be read is asked for again, and what comes late is not passed over.
    world
        .control(
            "mischief",
            json!({"kind": "changed-types", "times": 1, "path": "vital-signs"}),
        )
        .await;
    let failed = world.turn().await;
    assert!(matches!(failed, Err(Failure::NotRead)), "{failed:?}");
    assert!(world.handed_over().await.is_empty(), "nothing was handed over yet");
    world
        .control("mischief", json!({"kind": "late", "times": 1, "path": "vital-signs"}))
        .await;
    world.turn().await.unwrap();
    for kind in ["duplicates", "shuffled", "slow", "unauthorized"] {
        world
            .control("mischief", json!({"kind": kind, "times": 1, "path": ""}))
            .await;
        world
            .turn()
            .await
            .unwrap_or_else(|failure| panic!("{kind}: {failure:?}"));
    }
    assert_eq!(world.samples().await, 90);
    assert_eq!(
        world.handed_over().await.len(),
        1,
        "once, and not for what was asked for again"
    );
    world.control("forget", Value::Null).await;
    world
        .turn()
        .await
        .expect("signed in anew where its token was ended early");
    world
        .control("mischief", json!({"kind": "unauthorized", "times": 9, "path": ""}))
        .await;
    let failed = world.turn().await;
    assert!(matches!(failed, Err(Failure::NoAnswer { .. })), "{failed:?}");
}

#[tokio::test]
async fn what_stays_unreadable_is_taken_as_it_is_waits_and_is_told_to_its_person() {
    let world = World::new().await;
    world.know("g-01/u-01").await;
    let (store, feed) = (&world.gateway.state.store, world.feed());
    world
        .control(
            "mischief",
            json!({"kind": "changed-types", "times": 1, "path": "SequenceNo=40"}),
        )
        .await;
    let turn = worker::turn(&world.gateway.state, feed, feed.asked.as_ref().unwrap(), true);
    turn.await.unwrap();
    assert_eq!(
        store.feed_sequence(&feed.place).await.unwrap(),
        120,
        "it does not stop there"
    );
    assert_eq!(world.samples().await, 60, "two pages of three");
    let said = &world.handed_over().await[0];
    let counts = ["count", "taken", "waiting", "unread"].map(|column| said[column].as_u64().unwrap());
    assert_eq!(counts, [6, 2, 3, 1]);
    let waits = async || store.feed_waiting(&feed.place, "g-01/u-01", 0).await.unwrap().is_some();
    assert!(waits().await);
    assert_eq!(
        world.know("g-01/u-01").await,
        (FeedTold::Known, 0),
        "no better adapter yet"
    );
    assert!(waits().await, "it goes on waiting");
    let mut browser = world.gateway.browser();
    browser.sign_in("jiro", PAGE).await;
    let page = browser.get(PAGE).await.body;
    assert!(page.contains("件は読み取れませんでした"), "{page}");
    // It goes with its person.
    store.erase_person(world.jiro).await.unwrap();
    assert!(!waits().await);
}

#[test]
fn a_fault_of_one_person_s_is_told_from_one_of_the_store() {
    let too_many = store::StoreError::TooMany {
        what: "sources",
        limit: 1,
    };
    assert!(super::is_one_persons(&too_many));
    for fault in [
        store::StoreError::DiskFull,
        store::StoreError::Closed,
        store::StoreError::ReadOnly,
    ] {
        assert!(!super::is_one_persons(&fault), "{fault}");
    }
}

#[tokio::test]
async fn a_resident_sees_who_passes_on_what_and_has_the_last_word() {
    let world = World::new().await;
    world.know("g-01/u-01").await;
    let mut browser = world.gateway.browser();
    browser.sign_in("jiro", PAGE).await;
    let page = browser.get(PAGE).await.body;
    assert!(
        page.contains("オムロン コネクト") && page.contains("まだ届いていません"),
        "{page}"
    );
    world.turn().await.unwrap();
    let page = browser.get(PAGE).await.body;
    assert!(page.contains("最後に届いた日時"), "{page}");
    let own = OwnAccess::of_signed_in(world.jiro);
    let account = world.gateway.state.store.own_feed_accounts(&own).await.unwrap()[0].id;
    let press = async |browser: &mut Browser<'_>, act: &str| {
        let csrf = browser.get(PAGE).await.field("csrf");
        let address = format!("/portal/feeds/{account}/{act}");
        browser.post(&address, &[("csrf".to_owned(), csrf)]).await
    };
    press(&mut browser, "end").await;
    let at = world.gateway.state.clock.now().0 / 1_000 * 1_000 - 600_000;
    world.measure(at, Some(71)).await;
    world.turn().await.unwrap();
    assert_eq!(world.samples().await, 90, "nothing new of who ended it");
    assert_eq!(world.know("g-01/u-01").await, (FeedTold::Ended, 0));
    assert!(browser.get(PAGE).await.body.contains("また受け取る"));
    press(&mut browser, "resume").await;
    world.measure(at + 60_000, Some(72)).await;
    world.turn().await.unwrap();
    assert_eq!(world.samples().await, 91);
}
