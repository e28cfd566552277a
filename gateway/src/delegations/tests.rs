//! A delegation against a simulated portal: the whole way, every way out of it, and what must never happen.

use std::sync::Arc;

use adapters::checkup::synthetic::{MadeUp, document, write_package};
use adapters::delegated::Identity;
use consent::{OwnAccess, Relationship};
use model::checkup::Checkup;
use model::environment::HandClock;
use model::time::{DAY_MS, HOUR_MS, MINUTE_MS};
use model::{Broken, DelegationState as State, Denial, LocalDay, PersonId};
use serde_json::{Value, json};
use simulators::Setup;
use simulators::myna_portal::{self, CardHolder, Portal};
use store::{Actor, Delegation, NewPerson, NewRepresentation, Person, Sex};

use super::begin::is_same;
use super::worker;
use crate::environment::{MachineClock, MachineRandomness};
use crate::sign_in::testing::{Answer, Browser, Gateway};

const JIRO: usize = 0;
const ANOTHER: usize = 1;
const PAGE: &str = "/portal/links";

struct World {
    gateway: Gateway,
    clock: Arc<HandClock>,
    portal: Portal,
    http: reqwest::Client,
    jiro: PersonId,
    _secrets: tempfile::TempDir,
}

fn checkups(name: &str, birth: LocalDay, sex: u8) -> Vec<Checkup> {
    let made = MadeUp::of(7).known_as(name, Some(birth), Some(sex));
    (2021..2026).map(|year| made.checkup(year)).collect()
}

fn born() -> LocalDay {
    LocalDay::parse("1960-05-06").unwrap()
}

/// A card of this name, and a ZIP of the checkups of whom `of` names.
fn holder(name: &str, birth: LocalDay, sex: u8, of: (&str, LocalDay, u8)) -> CardHolder {
    let mut file = Vec::new();
    write_package(&mut file, checkups(of.0, of.1, of.2).into_iter()).unwrap();
    CardHolder {
        name: name.to_owned(),
        birth: birth.to_string().replace('-', ""),
        gender: sex.to_string(),
        file,
    }
}

impl World {
    async fn new() -> Self {
        Self::handing_over(("セキショジロウ", born(), 1)).await
    }

    /// Whose checkups the card of jiro opens.
    async fn handing_over(of: (&str, LocalDay, u8)) -> Self {
        let clock = Arc::new(HandClock::at(model::environment::Clock::now(&MachineClock)));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let setup = Setup {
            return_to: String::new(),
            webhooks: String::new(),
            clock: Arc::new(Arc::clone(&clock)),
            randomness: Arc::new(MachineRandomness),
            tells: false,
        };
        let other = LocalDay::parse("1971-01-02").unwrap();
        let holders = vec![
            holder("関所　次郎", born(), 1, of),
            holder("見本　花江", other, 2, ("ミホンハナエ", other, 2)),
        ];
        let portal = myna_portal::start(&setup, holders).await.unwrap();
        let secrets = tempfile::tempdir().unwrap();
        let token = secrets.path().join("token");
        std::fs::write(&token, portal.token).unwrap();
        let file = format!(
            "[delegated.{}]\napi_url = {:?}\nservice_id = {:?}\ntoken_file = {:?}\n",
            portal.name,
            portal.base,
            portal.service_id,
            token.display().to_string(),
        );
        let gateway = Gateway::start_at(listener, &[], file, Arc::new(Arc::clone(&clock))).await;
        let jiro = NewPerson {
            name: Some("関所 次郎".to_owned()),
            birth_date: Some(born()),
            sex: Some(Sex::Male),
            ..NewPerson::default()
        };
        let jiro = gateway.state.store.create_person(jiro).await.unwrap();
        let store = &gateway.state.store;
        store.link_identity(jiro, &gateway.issuer, "sub-2").await.unwrap();
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build();
        Self {
            gateway,
            clock,
            portal,
            http: http.unwrap(),
            jiro,
            _secrets: secrets,
        }
    }

    async fn browser(&self) -> Browser<'_> {
        let mut browser = self.gateway.browser();
        browser.sign_in("jiro", PAGE).await;
        browser
    }

    async fn begin(&self, browser: &mut Browser<'_>) -> String {
        browser
            .get("/portal/delegations/myna-portal/begin")
            .await
            .location(&self.gateway.base)
    }

    /// A form of the portal, sent; where it leads.
    async fn post(&self, url: &str, field: (&str, String)) -> String {
        let answer = self.http.post(url).form(&[field]).send().await.unwrap();
        let to = answer.headers()["location"].to_str().unwrap();
        to.strip_prefix(&self.gateway.base).unwrap_or(to).to_owned()
    }

    /// Begins, shows a card, and comes back for the first time; where that leads.
    async fn show_card(&self, browser: &mut Browser<'_>, holder: usize) -> Answer {
        let card = self.begin(browser).await;
        let back = self.post(&card, ("holder", holder.to_string())).await;
        browser.get(&back).await
    }

    /// The whole way with the browser.
    async fn agree(&self, browser: &mut Browser<'_>) {
        let items = self.show_card(browser, JIRO).await.location(&self.gateway.base);
        assert!(items.ends_with("/items"), "{items}");
        let back = self.post(&items, ("answer", "agree".to_owned())).await;
        assert_eq!(browser.get(&back).await.location(&self.gateway.base), PAGE);
    }

    async fn control(&self, what: &str, body: Value) {
        let url = format!("{}/control/{what}", self.portal.base);
        let answer = self.http.post(url).json(&body).send().await.unwrap();
        assert!(answer.status().is_success());
    }

    /// Lets time go by in steps of a minute and works what is due.
    async fn live(&self, milliseconds: i64) {
        let step = (milliseconds / 200).max(MINUTE_MS);
        let mut left = milliseconds;
        while left > 0 {
            self.clock.advance(step.min(left));
            left -= step;
            while worker::turn(&self.gateway.state).await > 0 {}
        }
    }

    async fn all(&self) -> Vec<Delegation> {
        let own = OwnAccess::of_signed_in(self.jiro);
        self.gateway.state.store.delegations(&own).await.unwrap()
    }

    async fn state(&self) -> State {
        self.all().await[0].state
    }

    async fn checkups(&self, of: PersonId) -> usize {
        let own = OwnAccess::of_signed_in(of);
        self.gateway.state.store.checkups(&own).await.unwrap().len()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resident_agrees_records_come_and_come_again_until_the_word_has_run_out() {
    let world = World::new().await;
    let mut browser = world.browser().await;
    let page = browser.get(PAGE).await.body;
    assert!(page.contains("マイナポータルから受け取る"), "{page}");
    world.agree(&mut browser).await;
    assert_eq!(world.state().await, State::Consented);
    let page = browser.get(PAGE).await.body;
    assert!(
        page.contains("記録を集めてもらっています") && page.contains("受け取る期限"),
        "{page}"
    );
    world.live(5 * MINUTE_MS).await;
    assert_eq!(world.state().await, State::Fetched);
    assert_eq!(world.checkups(world.jiro).await, 5);
    let own = OwnAccess::of_signed_in(world.jiro);
    let known = world.gateway.state.store.checkups(&own).await.unwrap();
    assert!(
        known
            .iter()
            .all(|known| known.checkup.word == model::checkup::Told::Confirmed),
        "nobody had it in hand on the way"
    );
    // What is there is fetched again and stored once.
    let fetched = world.all().await[0].fetched;
    world.live(8 * DAY_MS).await;
    assert_ne!(world.all().await[0].fetched, fetched);
    assert_eq!(world.checkups(world.jiro).await, 5);
    // Two weeks before its end the resident is reminded, on the first page too; before that not.
    let mut browser = world.browser().await;
    assert!(!browser.get("/portal").await.body.contains("期限が近づいて"));
    world.live(70 * DAY_MS).await;
    let mut browser = world.browser().await;
    for page in ["/portal", PAGE] {
        let page = browser.get(page).await.body;
        assert!(page.contains("期限が近づいて"), "{page}");
    }
    // Agreed to anew, it goes on for ninety days from then.
    world.agree(&mut browser).await;
    world.live(5 * MINUTE_MS).await;
    let all = world.all().await;
    assert_eq!((all[0].state, all[1].state), (State::Fetched, State::Ended));
    assert_eq!(all[1].session, None);
    let lasts = all[0].expires.unwrap().0 - all[0].agreed.unwrap().0;
    assert_eq!(lasts, 90 * DAY_MS);
    assert!(!browser.get(PAGE).await.body.contains("期限が近づいて"));
    // After its end nothing is fetched, and the first page says so.
    world.live(91 * DAY_MS).await;
    assert_eq!(world.state().await, State::Expired);
    let mut browser = world.browser().await;
    let page = browser.get("/portal").await.body;
    assert!(page.contains("期限が過ぎました"), "{page}");
    assert_eq!(world.checkups(world.jiro).await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_card_of_somebody_else_opens_nothing() {
    let world = World::new().await;
    let mut browser = world.browser().await;
    let answer = world.show_card(&mut browser, ANOTHER).await;
    assert_eq!(answer.location(&world.gateway.base), PAGE);
    assert_eq!(world.state().await, State::Denied(Denial::AnotherPerson));
    let page = browser.get(PAGE).await.body;
    assert!(page.contains("カードの人と、ここにサインインした人が違う"), "{page}");
    // A portal that does not ask, and has everything at once, is not believed either.
    world
        .control("settings", json!({"asks_who": false, "collects": 0}))
        .await;
    let card = world.begin(&mut browser).await;
    let items = world.post(&card, ("holder", ANOTHER.to_string())).await;
    let items = format!("{}{items}", world.portal.base);
    let back = world.post(&items, ("answer", "agree".to_owned())).await;
    browser.get(&back).await;
    assert_eq!(world.state().await, State::Denied(Denial::AnotherPerson));
    // The right one's is taken that way.
    let card = world.begin(&mut browser).await;
    let items = world.post(&card, ("holder", JIRO.to_string())).await;
    let items = format!("{}{items}", world.portal.base);
    let back = world.post(&items, ("answer", "agree".to_owned())).await;
    browser.get(&back).await;
    world.live(MINUTE_MS).await;
    assert_eq!(world.state().await, State::Fetched);
    assert_eq!(world.checkups(world.jiro).await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_browser_that_began_comes_back() {
    let world = World::new().await;
    let mut browser = world.browser().await;
    let card = world.begin(&mut browser).await;
    let back = world.post(&card, ("holder", JIRO.to_string())).await;
    // Another session of the same resident, another resident, and an address that nobody was given.
    let mut again = world.browser().await;
    assert_eq!(again.get(&back).await.status, 400);
    let mut hanako = world.gateway.browser();
    hanako.sign_in("hanako", PAGE).await;
    assert_eq!(hanako.get(&back).await.status, 400);
    assert_eq!(browser.get("/portal/delegations/return?state=x").await.status, 400);
    assert_eq!(world.state().await, State::Redirected);
    assert!(browser.get(&back).await.location("").ends_with("/items"));
    // Hanako's birth date is not known: she is told before she is sent for her card.
    let page = hanako.get("/portal/delegations/myna-portal/begin").await.body;
    assert!(page.contains("お名前と生年月日の登録がない"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_agree_or_does_not_come_back_is_told_so() {
    let world = World::new().await;
    let mut browser = world.browser().await;
    let items = world.show_card(&mut browser, JIRO).await.location("");
    let back = world.post(&items, ("answer", "deny".to_owned())).await;
    browser.get(&back).await;
    assert_eq!(world.state().await, State::Denied(Denial::Declined));
    assert!(browser.get(PAGE).await.body.contains("同意されなかった"));
    // The same way back a second time says the same.
    assert_eq!(browser.get(&back).await.location(&world.gateway.base), PAGE);
    world.begin(&mut browser).await;
    assert_eq!(
        world.all().await.len(),
        1,
        "what nobody agreed to is dropped by the next"
    );
    world.live(HOUR_MS).await;
    assert_eq!(world.state().await, State::Expired);
    let mut browser = world.browser().await;
    assert!(!browser.get("/portal").await.body.contains("期限が過ぎました"));
    // One that is under way when the portal is told to fail.
    for (status, reason, expected) in [
        ("ERROR", "HOLDER_MAINTENANCE", State::Failed(Broken::NotCollected)),
        ("ERROR", "USER_CANCELLED", State::Denied(Denial::Declined)),
        ("EXPIRED", "", State::Expired),
    ] {
        world.agree(&mut browser).await;
        world.control("settings", json!({"status": [status, reason]})).await;
        world.live(2 * MINUTE_MS).await;
        assert_eq!(world.state().await, expected);
        world.control("settings", json!({})).await;
    }
    // One that never has done.
    world.agree(&mut browser).await;
    world.control("settings", json!({"collects": 1_000_000})).await;
    world.live(HOUR_MS).await;
    assert_eq!(world.state().await, State::Collecting);
    world.live(DAY_MS).await;
    assert_eq!(world.state().await, State::Failed(Broken::NotCollected));
    assert_eq!(world.checkups(world.jiro).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_days_of_the_portal_cost_time_and_nothing_else() {
    let world = World::new().await;
    let mut browser = world.browser().await;
    for kind in ["fault", "too-many", "html", "unavailable", "cut", "unauthorized"] {
        world.control("mischief", json!({"kind": kind, "times": 1})).await;
        let page = browser.get("/portal/delegations/myna-portal/begin").await;
        assert_eq!(page.status, 502, "{kind}");
    }
    // On the way back the same address works once the portal does.
    let card = world.begin(&mut browser).await;
    let back = world.post(&card, ("holder", JIRO.to_string())).await;
    for path in ["Status", "Identity", "VerificationResult"] {
        world
            .control("mischief", json!({"kind": "fault", "times": 1, "path": path}))
            .await;
        assert_eq!(browser.get(&back).await.status, 502, "{path}");
    }
    let items = browser.get(&back).await.location("");
    let back = world.post(&items, ("answer", "agree".to_owned())).await;
    browser.get(&back).await;
    for kind in ["fault", "html", "cut", "too-many", "truncated-gzip", "lost-answer"] {
        world
            .control("mischief", json!({"kind": kind, "times": 1, "path": "Result"}))
            .await;
    }
    world.live(3 * HOUR_MS).await;
    assert_eq!(world.state().await, State::Fetched);
    assert_eq!(world.checkups(world.jiro).await, 5);
    // What the portal has forgotten is over.
    world.control("forget", json!({})).await;
    world.live(8 * DAY_MS).await;
    assert_eq!(world.state().await, State::Expired);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_handed_over_is_read_by_what_it_is_and_kept_out_where_it_is_anothers() {
    let other = LocalDay::parse("1971-01-02").unwrap();
    let world = World::handing_over(("ミホンハナエ", other, 2)).await;
    let mut browser = world.browser().await;
    world.agree(&mut browser).await;
    world.live(5 * MINUTE_MS).await;
    assert_eq!(world.state().await, State::Failed(Broken::Anothers));
    assert_eq!(world.checkups(world.jiro).await, 0);
    assert!(browser.get(PAGE).await.body.contains("別の人のもの"));
    // A document as text, then something that nobody reads, then nothing.
    let one = document(&checkups("セキショジロウ", born(), 1)[0]);
    world.control("settings", json!({"raw": one})).await;
    world.agree(&mut browser).await;
    world.live(5 * MINUTE_MS).await;
    assert_eq!(
        (world.state().await, world.checkups(world.jiro).await),
        (State::Fetched, 1)
    );
    world.control("settings", json!({"raw": "わからないもの"})).await;
    world.live(8 * DAY_MS).await;
    assert_eq!(world.state().await, State::Failed(Broken::NotReadable));
    world.control("settings", json!({"raw": ""})).await;
    let mut browser = world.browser().await;
    world.agree(&mut browser).await;
    world.live(5 * MINUTE_MS).await;
    assert_eq!(
        (world.state().await, world.checkups(world.jiro).await),
        (State::Fetched, 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_shows_their_own_card_for_their_childs_records_while_they_may_act() {
    let child_born = LocalDay::parse("2012-03-04").unwrap();
    let world = World::handing_over(("セキショイチロウ", child_born, 1)).await;
    let store = &world.gateway.state.store;
    let child = NewPerson {
        birth_date: Some(child_born),
        sex: Some(Sex::Male),
        ..NewPerson::default()
    };
    let child = store.create_person(child).await.unwrap();
    let right = NewRepresentation {
        person: child,
        actor: world.jiro,
        relationship: Relationship::Guardian,
        decides: true,
        until: None,
        document: "戸籍".to_owned(),
    };
    let right = store.add_representation(right, Actor::CommandLine).await.unwrap();
    let mut browser = world.browser().await;
    let csrf = browser.get("/portal").await.field("csrf");
    let form = [("csrf", csrf), ("person", child.0.to_string())].map(|(name, value)| (name.to_owned(), value));
    browser.post("/portal/act-for", &form).await;
    world.agree(&mut browser).await;
    world.live(5 * MINUTE_MS).await;
    assert_eq!(world.checkups(child).await, 5);
    assert_eq!(world.checkups(world.jiro).await, 0);
    let of_child = OwnAccess::of_signed_in(child);
    let state = || async { store.delegations(&of_child).await.unwrap()[0].clone() };
    assert_eq!(
        (state().await.state, state().await.reader),
        (State::Fetched, world.jiro)
    );
    // Whose right has ended fetches no more.
    store.end_representation(right, Actor::CommandLine).await.unwrap();
    world.live(8 * DAY_MS).await;
    assert_eq!(state().await.state, State::Ended);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_ends_it_ends_it_and_an_erased_person_has_none() {
    let world = World::new().await;
    let mut browser = world.browser().await;
    world.agree(&mut browser).await;
    let csrf = browser.get(PAGE).await.field("csrf");
    let end = format!("/portal/delegations/{}/end", world.all().await[0].id);
    let form = [("csrf".to_owned(), csrf)];
    assert_eq!(browser.post(&end, &form).await.location(&world.gateway.base), PAGE);
    assert_eq!(
        (world.state().await, world.all().await[0].session.clone()),
        (State::Ended, None)
    );
    assert_eq!(browser.post(&end, &form).await.status, 404);
    world.live(8 * DAY_MS).await;
    assert_eq!(world.checkups(world.jiro).await, 0);
    let mut browser = world.browser().await;
    world.agree(&mut browser).await;
    world.gateway.state.store.erase_person(world.jiro).await.unwrap();
    assert_eq!(world.all().await, []);
    world.live(MINUTE_MS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_after_it_was_ended_is_not_taken() {
    let world = World::new().await;
    let mut browser = world.browser().await;
    world.agree(&mut browser).await;
    world
        .control("mischief", json!({"kind": "slow", "times": 1, "path": "Result"}))
        .await;
    // It is ended while the portal is about to hand records over.
    let end = async {
        while world.state().await != State::Ready {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let own = OwnAccess::of_signed_in(world.jiro);
        let id = world.all().await[0].id;
        world.gateway.state.store.end_delegation(&own, id).await.unwrap();
    };
    tokio::join!(world.live(3 * HOUR_MS), end);
    assert_eq!(world.state().await, State::Ended);
    assert_eq!(world.checkups(world.jiro).await, 0);
}

#[test]
fn who_it_is_is_told_by_birth_date_sex_and_name() {
    let reader = |birth: Option<LocalDay>, sex: Option<Sex>, name: Option<&str>| Person {
        id: PersonId(1),
        name: name.map(str::to_owned),
        birth_date: birth,
        sex,
        address: None,
        custodian: model::OrganisationId(1),
        organisations: Vec::new(),
        home_zone: "Asia/Tokyo".to_owned(),
        created: model::UtcMillis(0),
    };
    let card = |name: &str, sex: Option<u8>| Identity {
        name: name.to_owned(),
        birth: born(),
        sex,
    };
    let known = reader(Some(born()), Some(Sex::Male), Some("髙橋 次郎"));
    assert_eq!(is_same(&known, &card("高橋　次郎", Some(1))), Ok(()));
    assert_eq!(is_same(&known, &card("高橋　次郎", None)), Ok(()));
    let others = Err(Denial::AnotherPerson);
    assert_eq!(
        is_same(&known, &card("高橋　三郎", Some(1))),
        others,
        "a twin of the same sex"
    );
    assert_eq!(is_same(&known, &card("高橋　次郎", Some(2))), others);
    let a_day_older = reader(Some(born().plus(1)), None, None);
    assert_eq!(is_same(&a_day_older, &card("高橋　次郎", Some(1))), others);
    let of_no_sex = reader(Some(born()), Some(Sex::Other), Some("高橋 次郎"));
    assert_eq!(is_same(&of_no_sex, &card("高橋　次郎", Some(2))), Ok(()));
    // A birth date is several people's, with the sex too.
    let unknown = Err(Denial::NotKnownHere);
    assert_eq!(is_same(&known, &card("", Some(1))), unknown);
    let of_no_name = reader(Some(born()), Some(Sex::Male), Some(" "));
    assert_eq!(is_same(&of_no_name, &card("高橋　次郎", Some(1))), unknown);
    let of_no_birth = reader(None, Some(Sex::Male), Some("高橋 次郎"));
    assert_eq!(is_same(&of_no_birth, &card("高橋　次郎", Some(1))), unknown);
}
