//! Links: one worker at a time, the later tokens stay, nothing that a vendor told is lost, nobody meets another's.

use model::{LinkEvent, LinkState, Need};
use store::{
    Continued, LINK_LEASE_MS, LeasedLink, Link, LinkTokens, MOST_WANTS, Mark, NewLink, Noted, Progress, StoreError,
    Told, TurnEnd, Want,
};

use crate::deliveries::at;
use crate::harness::{House, own};

const CLOUD: &str = "cloud";

fn tokens(name: &str) -> LinkTokens {
    LinkTokens {
        access: format!("access {name}"),
        refresh: Some(format!("refresh {name}")),
        expires: 1,
    }
}

fn agreed(account: &str) -> NewLink {
    NewLink {
        vendor: CLOUD.to_owned(),
        account: account.to_owned(),
        scopes: vec!["steps".to_owned()],
        zone: None,
        tokens: tokens(account),
        continues: None,
    }
}

fn want(hour: i64) -> Want {
    Want {
        series: "steps".to_owned(),
        start: at(hour, 0),
        end: at(hour + 1, 0),
    }
}

fn told(account: &str, hour: i64) -> Told {
    Told {
        account: account.to_owned(),
        want: Some(want(hour)),
    }
}

async fn take(house: &House) -> Vec<LeasedLink> {
    house.store.lease_links(CLOUD, 10).await.expect("leases")
}

fn given_back(leased: &LeasedLink) -> TurnEnd {
    let version = leased.tokens.as_ref().map(|(_, version)| *version);
    TurnEnd::GivenBack { version }
}

async fn the_link(house: &House, person: model::PersonId) -> Link {
    let links = house.store.links(&own(person)).await.expect("links");
    links.into_iter().next().expect("a link")
}

#[tokio::test(flavor = "multi_thread")]
async fn one_worker_has_a_link_at_a_time_and_one_that_went_silent_changes_nothing() {
    let house = House::new().await;
    let person = house.person().await;
    house
        .store
        .connect_link(&own(person), agreed("a"))
        .await
        .expect("a link");
    assert!(house.store.has_due_links(CLOUD).await.expect("due"));
    let silent = take(&house).await.pop().expect("it is due at once");
    assert!(take(&house).await.is_empty());
    house.clock.advance(LINK_LEASE_MS + 1);
    let second = take(&house).await.pop().expect("the lease ran out");
    let mut progress = Progress::default();
    let mark = Mark {
        until: 5,
        asked: 5,
        back: 1,
        ..Mark::at(5)
    };
    progress.marks.insert("steps".to_owned(), mark);
    let store = &house.store;
    assert!(
        !store
            .save_link_progress(&silent, progress.clone(), (vec![], None), true)
            .await
            .expect("an answer")
    );
    assert!(
        store
            .save_link_progress(&second, progress.clone(), (vec![], None), true)
            .await
            .expect("an answer")
    );
    let next = house.now().plus(60_000);
    assert!(
        !store
            .end_turn(&silent, TurnEnd::Went { next })
            .await
            .expect("an answer")
    );
    assert!(
        store
            .end_turn(&second, TurnEnd::Failed { next })
            .await
            .expect("an answer")
    );
    assert!(!store.has_due_links(CLOUD).await.expect("due"));
    house.clock.advance(60_000);
    let third = take(&house).await.pop().expect("it is due again");
    assert_eq!((third.failures, &third.link.progress), (1, &progress));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_pairs_of_tokens_the_first_that_was_kept_stays() {
    let house = House::new().await;
    let person = house.person().await;
    let link = house
        .store
        .connect_link(&own(person), agreed("a"))
        .await
        .expect("a link");
    let (_, version) = house.store.link_tokens(link.id).await.expect("tokens").expect("some");
    assert!(
        house
            .store
            .save_link_tokens(link.id, version, tokens("one"))
            .await
            .expect("kept")
    );
    assert!(
        !house
            .store
            .save_link_tokens(link.id, version, tokens("two"))
            .await
            .expect("an answer")
    );
    let (kept, _) = house.store.link_tokens(link.id).await.expect("tokens").expect("some");
    assert_eq!(kept, tokens("one"));
    assert!(!format!("{kept:?}").contains("access one"), "tokens stand in no log");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_vendor_told_waits_until_it_was_asked_for() {
    let house = House::new().await;
    let person = house.person().await;
    house
        .store
        .connect_link(&own(person), agreed("a"))
        .await
        .expect("a link");
    let leased = take(&house).await.pop().expect("a link");
    let later = house.now().plus(3_600_000);
    house.clock.advance(10);
    let note = |told| house.store.note_webhook(CLOUD, b"{}".to_vec(), told, 2_000);
    // Twice the same, one of nobody, one of a type that nothing asks for.
    let nobody = told("b", 1);
    let nothing = Told {
        want: None,
        ..told("a", 1)
    };
    let noted = note(vec![told("a", 1), told("a", 1), nobody, nothing])
        .await
        .expect("noted");
    assert_eq!(noted, Noted { known: 2, unknown: 2 });
    // The turn under way did not know of it: it is not done with that.
    let asked = vec![want(1)];
    assert!(
        house
            .store
            .save_link_progress(&leased, Progress::default(), (asked, None), true)
            .await
            .expect("kept")
    );
    assert!(
        house
            .store
            .end_turn(&leased, TurnEnd::Went { next: later })
            .await
            .expect("ended")
    );
    house.clock.advance(10);
    let leased = take(&house).await.pop().expect("it is due at once");
    assert_eq!(leased.wants, [want(1)]);
    assert!(
        house
            .store
            .save_link_progress(&leased, Progress::default(), (vec![want(1)], None), true)
            .await
            .expect("kept")
    );
    assert!(
        house
            .store
            .end_turn(&leased, TurnEnd::Went { next: later })
            .await
            .expect("ended")
    );
    assert!(take(&house).await.is_empty());
    note(vec![told("a", 2)]).await.expect("noted");
    assert!(take(&house).await.is_empty(), "a burst is one turn");
    house.clock.advance(2_000);
    let leased = take(&house).await.pop().expect("a link");
    assert_eq!(leased.wants, [want(2)]);
    // Told again while it is asked for: what is asked may be older than that.
    house.clock.advance(10);
    note(vec![told("a", 2)]).await.expect("noted");
    let (asked, progress) = (vec![want(2)], Progress::default());
    let kept = house
        .store
        .save_link_progress(&leased, progress, (asked, None), true)
        .await;
    assert!(kept.expect("kept"));
    let went = TurnEnd::Went { next: later };
    assert!(house.store.end_turn(&leased, went).await.expect("ended"));
    house.clock.advance(10);
    assert_eq!(take(&house).await.pop().expect("a link").wants, [want(2)]);
    let (before, after) = (house.now(), house.now().plus(1));
    note(vec![]).await.expect("noted");
    assert_eq!(house.store.delete_webhooks(before).await.expect("deleted"), 3);
    assert_eq!(house.store.delete_webhooks(after).await.expect("deleted"), 1);
    assert_eq!(house.store.delete_webhooks(after).await.expect("deleted"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_calls_that_come_together_each_is_answered_what_became_of_it() {
    let house = House::new().await;
    let person = house.person().await;
    let connected = house.store.connect_link(&own(person), agreed("a")).await;
    connected.expect("a link");
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..200_i64 {
        let store = house.store.clone();
        calls.spawn(async move {
            let account = if number % 3 == 0 { "nobody" } else { "a" };
            let noted = store
                .note_webhook(CLOUD, b"{}".to_vec(), vec![told(account, number)], 0)
                .await;
            let unknown = u64::from(number % 3 == 0);
            let expected = Noted {
                known: 1 - unknown,
                unknown,
            };
            assert_eq!(noted.expect("noted"), expected, "{number}");
        });
    }
    while let Some(call) = calls.join_next().await {
        call.expect("an answer");
    }
    let rows = house.store.delete_webhooks(house.now().plus(1)).await.expect("deleted");
    assert!((1..=200).contains(&rows), "{rows}");
    house.clock.advance(1);
    assert_eq!(
        take(&house).await.pop().expect("a link").wants.len(),
        64,
        "as many as a turn takes"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_needs_its_person_is_held_goes_on_and_ends() {
    let house = House::new().await;
    let person = house.person().await;
    let mine = own(person);
    let link = house.store.connect_link(&mine, agreed("a")).await.expect("a link");
    let leased = take(&house).await.pop().expect("a link");
    house
        .store
        .end_turn(&leased, TurnEnd::Refused(Need::AgreeAgain))
        .await
        .expect("ended");
    assert_eq!(
        the_link(&house, person).await.state,
        LinkState::NeedsAttention(Need::AgreeAgain)
    );
    house.clock.advance(LINK_LEASE_MS * 10);
    assert!(
        take(&house).await.is_empty(),
        "nothing is fetched until they do something"
    );
    let again = house
        .store
        .connect_link(&mine, agreed("a"))
        .await
        .expect("agreed again");
    assert_eq!((again.id, again.state), (link.id, LinkState::Connected));
    for (event, state) in [
        (LinkEvent::Held, LinkState::Paused),
        (LinkEvent::Resumed, LinkState::Connected),
    ] {
        house.store.change_link(&mine, link.id, event).await.expect("changed");
        assert_eq!(the_link(&house, person).await.state, state);
        assert_eq!(
            house.store.has_due_links(CLOUD).await.expect("due"),
            state.is_connected()
        );
    }
    house
        .store
        .change_link(&mine, link.id, LinkEvent::Ended)
        .await
        .expect("ended");
    let ended = house.store.change_link(&mine, link.id, LinkEvent::Resumed).await;
    assert!(matches!(ended, Err(StoreError::NotFound { .. })));
    // Its tokens remain to be given back.
    let leased = take(&house).await.pop().expect("a link");
    assert!(leased.link.state == LinkState::Ended && leased.tokens.is_some());
    house
        .store
        .end_turn(&leased, given_back(&leased))
        .await
        .expect("given back");
    assert!(take(&house).await.is_empty());
    assert_eq!(house.store.link_tokens(link.id).await.expect("tokens"), None);
    // Connecting again is a new link; another account of theirs begins from the start.
    let anew = house.store.connect_link(&mine, agreed("b")).await.expect("a link");
    assert!(anew.id != link.id && anew.account_tag != link.account_tag);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_one_persons_and_a_link_is_nobody_elses() {
    let house = House::new().await;
    let (one, other) = (house.person().await, house.person().await);
    let link = house.store.connect_link(&own(one), agreed("a")).await.expect("a link");
    let stolen = house.store.connect_link(&own(other), agreed("a")).await;
    assert!(matches!(stolen, Err(StoreError::Invalid { .. })), "{stolen:?}");
    for event in [LinkEvent::Held, LinkEvent::Resumed, LinkEvent::Ended] {
        let changed = house.store.change_link(&own(other), link.id, event).await;
        assert!(matches!(changed, Err(StoreError::NotFound { .. })));
    }
    assert!(house.store.links(&own(other)).await.expect("links").is_empty());
    assert_eq!(the_link(&house, one).await.state, LinkState::Connected);
    // Once it was ended, it is free.
    house
        .store
        .change_link(&own(one), link.id, LinkEvent::Ended)
        .await
        .expect("ended");
    house
        .store
        .connect_link(&own(other), agreed("a"))
        .await
        .expect("a link");
    let counts = house.store.count_links().await.expect("counts");
    let told: Vec<_> = counts.iter().map(|count| (count.state, count.links)).collect();
    assert_eq!(told, [("connected", 1), ("ended", 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_waits_for_the_vendor_s_budget_is_left_alone_until_then_whatever_it_is_told() {
    let house = House::new().await;
    let person = house.person().await;
    let mine = own(person);
    let link = house.store.connect_link(&mine, agreed("a")).await.expect("a link");
    let note = |hour| {
        house
            .store
            .note_webhook(CLOUD, b"{}".to_vec(), vec![told("a", hour)], 2_000)
    };
    note(1).await.expect("noted");
    let leased = take(&house).await.pop().expect("a link");
    assert_eq!(leased.wants, [want(1)]);
    // It could ask nothing: what it was told is still to be asked for.
    let until = house.now().plus(60_000);
    let ended = house.store.end_turn(&leased, TurnEnd::Waits { until }).await;
    assert!(ended.expect("ended"));
    assert!(take(&house).await.is_empty(), "it would ask nothing again");
    note(2).await.expect("noted");
    house.clock.advance(59_000);
    assert!(!house.store.has_due_links(CLOUD).await.expect("due"));
    house.clock.advance(1_000);
    let leased = take(&house).await.pop().expect("it is due");
    assert_eq!((leased.wants.len(), leased.failures), (2, 0));
    let until = house.now().plus(60_000);
    let ended = house.store.end_turn(&leased, TurnEnd::Waits { until }).await;
    assert!(ended.expect("ended"));
    // Its person does not wait.
    house
        .store
        .change_link(&mine, link.id, LinkEvent::Ended)
        .await
        .expect("ended");
    assert_eq!(take(&house).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_account_of_the_same_vendor_ends_the_link_to_the_first() {
    let house = House::new().await;
    let person = house.person().await;
    let mine = own(person);
    let first = house.store.connect_link(&mine, agreed("a")).await.expect("a link");
    house
        .store
        .note_webhook(CLOUD, b"{}".to_vec(), vec![told("a", 1)], 0)
        .await
        .expect("noted");
    let second = house.store.connect_link(&mine, agreed("b")).await.expect("a link");
    assert!(second.id != first.id, "its tokens are the first one's to give back");
    let states: Vec<LinkState> = house
        .store
        .links(&mine)
        .await
        .expect("links")
        .iter()
        .map(|link| link.state)
        .collect();
    assert_eq!(states, [LinkState::Connected, LinkState::Ended]);
    let mut taken = take(&house).await;
    taken.sort_by_key(|leased| leased.link.id);
    let tokens_of = |leased: &LeasedLink| leased.tokens.as_ref().map(|(tokens, _)| tokens.access.clone());
    assert_eq!(taken.len(), 2);
    assert_eq!(tokens_of(&taken[0]).as_deref(), Some("access a"));
    assert_eq!(tokens_of(&taken[1]).as_deref(), Some("access b"));
    assert!(
        taken.iter().all(|leased| leased.wants.is_empty()),
        "nothing of the first is asked of the second"
    );
    let noted = house
        .store
        .note_webhook(CLOUD, b"{}".to_vec(), vec![told("a", 2)], 0)
        .await
        .expect("noted");
    assert_eq!(noted, Noted { known: 0, unknown: 1 });
}

/// The account `a` of [`CLOUD`], moved to another cloud of which `counts` are what `steps` were.
fn moved() -> NewLink {
    NewLink {
        vendor: "another cloud".to_owned(),
        continues: Some(Continued {
            vendor: CLOUD.to_owned(),
            account: "a".to_owned(),
            by_civil_days: false,
            series: vec![("counts".to_owned(), vec!["steps".to_owned()])],
        }),
        ..agreed("A")
    }
}

/// Connects the person to the account `a`, and asks for its steps from one instant until another.
async fn asked_for(house: &House, person: model::PersonId, back: i64, until: i64) -> Link {
    let link = house.store.connect_link(&own(person), agreed("a")).await;
    let leased = take(house).await.pop().expect("a link");
    let mark = Mark {
        back,
        asked: until,
        ..Mark::at(until)
    };
    let mut progress = Progress::default();
    progress.marks.insert("steps".to_owned(), mark);
    let saved = house.store.save_link_progress(&leased, progress, (vec![], None), true);
    assert!(saved.await.expect("kept"));
    link.expect("a link")
}

async fn ends(house: &House, person: model::PersonId, link: &Link) {
    let own = own(person);
    let ended = house.store.change_link(&own, link.id, LinkEvent::Ended).await;
    ended.expect("ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_its_person_ended_before_is_continued_as_one_that_stands() {
    let house = House::new().await;
    let (person, other) = (house.person().await, house.person().await);
    let first = asked_for(&house, person, 3, 5).await;
    ends(&house, person, &first).await;
    // The account was theirs twice: what counts is how far the last one got.
    let second = asked_for(&house, person, 10, 90).await;
    ends(&house, person, &second).await;
    for leased in &take(&house).await {
        let ended = house.store.end_turn(leased, given_back(leased)).await;
        assert!(ended.expect("given back"));
    }
    // Somebody else who had the account since then is not whom this is about.
    asked_for(&house, other, 20, 70).await;
    let connected = house.store.connect_link(&own(person), moved()).await.expect("a link");
    let mark = connected.progress.marks.get("counts").expect("a mark");
    assert_eq!((mark.back, mark.until, mark.since), (10, 90, Some(90)));
    let states: Vec<_> = house.store.links(&own(person)).await.expect("links");
    let states: Vec<_> = states.iter().map(|link| link.state).collect();
    assert_eq!(states, [LinkState::Connected, LinkState::Ended, LinkState::Ended]);
    assert_eq!(the_link(&house, other).await.state, LinkState::Connected);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_never_had_the_account_before_continues_nothing() {
    let house = House::new().await;
    let (person, erased) = (house.person().await, house.person().await);
    let link = asked_for(&house, erased, 3, 5).await;
    ends(&house, erased, &link).await;
    house.store.erase_person(erased).await.expect("erased");
    let connected = house.store.connect_link(&own(person), moved()).await.expect("a link");
    assert!(connected.progress.marks.is_empty());
}

/// True where some file of the store's folder holds these bytes.
fn some_file_holds(house: &House, text: &str) -> bool {
    let mut folders = vec![house.folder.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = std::fs::read(&path).expect("a file");
                if bytes.windows(text.len()).any(|part| part == text.as_bytes()) {
                    return true;
                }
            }
        }
    }
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_of_a_vendor_stands_in_any_file() {
    const PLAIN: &str = "plain-to-see";
    let mut house = House::new().await;
    let (person, erased) = (house.person().await, house.person().await);
    for (person, account) in [(person, "kept-a"), (erased, "kept-b")] {
        let new = NewLink {
            vendor: PLAIN.to_owned(),
            ..agreed(account)
        };
        let connected = house.store.connect_link(&own(person), new).await;
        let link = connected.expect("a link").id;
        let (_, version) = house.store.link_tokens(link).await.expect("tokens").expect("some");
        let kept = house.store.save_link_tokens(link, version, tokens("kept-next")).await;
        assert!(kept.expect("kept"));
    }
    // Those of who is erased are kept until they were given back.
    house.store.erase_person(erased).await.expect("erased");
    let holds_none = |house: &House| {
        assert!(some_file_holds(house, PLAIN), "what is not sealed is seen");
        for token in ["access kept-", "refresh kept-"] {
            assert!(!some_file_holds(house, token), "{token}");
        }
    };
    holds_none(&house);
    house.reopen().await.expect("opened");
    holds_none(&house);
    let orphaned = house.store.lease_orphaned_tokens(PLAIN, 8).await.expect("leased");
    assert_eq!(orphaned.len(), 1);
    assert_eq!(orphaned[0].tokens, tokens("kept-next"));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_more_windows_than_are_kept_the_one_that_holds_them_all_is_asked_for() {
    let house = House::new().await;
    let (person, other) = (house.person().await, house.person().await);
    let link = house.store.connect_link(&own(person), agreed("a")).await;
    let link = link.expect("a link").id;
    house
        .store
        .connect_link(&own(other), agreed("b"))
        .await
        .expect("a link");
    let mine = own(person);
    let hold = |event| house.store.change_link(&mine, link, event);
    let note = |told| house.store.note_webhook(CLOUD, b"{}".to_vec(), told, 0);
    let beside = Told {
        want: Some(Want {
            series: "weight".to_owned(),
            ..want(1)
        }),
        ..told("a", 1)
    };
    hold(LinkEvent::Held).await.expect("held");
    note(vec![beside.clone(), told("b", 1)]).await.expect("noted");
    // Also where one call alone tells of more.
    for hours in [MOST_WANTS - 10, MOST_WANTS + 1, MOST_WANTS * 3, MOST_WANTS * 3 + 5] {
        let all = (0..hours).map(|hour| told("a", hour)).collect();
        note(all).await.expect("noted");
    }
    hold(LinkEvent::Resumed).await.expect("resumed");
    house.clock.advance(1);
    let leased = take(&house).await;
    let wants = |id: bool| {
        let leased = leased.iter().find(|leased| (leased.link.id == link) == id);
        leased.expect("it is due").wants.clone()
    };
    assert_eq!(wants(false), [want(1)]);
    let held = wants(true);
    assert!(held.contains(beside.want.as_ref().expect("a want")), "{held:?}");
    let all = Want {
        end: at(MOST_WANTS * 3 + 5, 0),
        ..want(0)
    };
    assert!(held.contains(&all), "{held:?}");
    assert_eq!(held.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pair_of_tokens_that_was_kept_while_the_one_before_was_given_back_is_given_back_too() {
    let house = House::new().await;
    let person = house.person().await;
    let link = house.store.connect_link(&own(person), agreed("a")).await;
    let link = link.expect("a link");
    ends(&house, person, &link).await;
    let leased = take(&house).await.pop().expect("its tokens are to be given back");
    let (_, version) = leased.tokens.clone().expect("tokens");
    let saved = house.store.save_link_tokens(link.id, version, tokens("late")).await;
    assert!(saved.expect("kept"));
    let ended = house.store.end_turn(&leased, given_back(&leased)).await;
    assert!(ended.expect("ended"));
    let leased = take(&house).await.pop().expect("it is due still");
    assert_eq!(leased.tokens.as_ref().map(|(held, _)| held), Some(&tokens("late")));
    let ended = house.store.end_turn(&leased, given_back(&leased)).await;
    assert!(ended.expect("ended"));
    house.clock.advance(LINK_LEASE_MS * 10);
    assert!(take(&house).await.is_empty());
    assert_eq!(house.store.link_tokens(link.id).await.expect("tokens"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_of_somebody_who_was_erased_changes_nothing_of_a_link_that_is_made_since() {
    let mut house = House::new().await;
    let (erased, person) = (house.person().await, house.person().await);
    house
        .store
        .connect_link(&own(erased), agreed("a"))
        .await
        .expect("a link");
    let leased = take(&house).await.pop().expect("a link");
    let (_, version) = leased.tokens.clone().expect("tokens");
    house.store.erase_person(erased).await.expect("erased");
    house.reopen().await.expect("opens");
    let new = house.store.connect_link(&own(person), agreed("b")).await;
    let new = new.expect("a link");
    assert_ne!(new.id, leased.link.id);
    let taken = take(&house).await.pop().expect("the new one");
    assert_eq!(taken.link.id, new.id);
    let saved = house
        .store
        .save_link_tokens(leased.link.id, version, tokens("late"))
        .await;
    assert!(!saved.expect("an answer"));
    let saved = house
        .store
        .save_link_progress(&leased, Progress::default(), (vec![], None), true);
    assert!(!saved.await.expect("an answer"));
    let ended = house.store.end_turn(&leased, TurnEnd::Refused(Need::AgreeAgain)).await;
    assert!(!ended.expect("an answer"));
    let (held, _) = house.store.link_tokens(new.id).await.expect("tokens").expect("some");
    assert_eq!(held, tokens("b"));
    assert_eq!(the_link(&house, person).await.state, LinkState::Connected);
    // And none that is made after another erasure.
    house.store.erase_person(person).await.expect("erased");
    let last = house.person().await;
    let last = house.store.connect_link(&own(last), agreed("c")).await;
    assert!(last.expect("a link").id > new.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_process_that_ended_had_under_work_is_due_at_once_and_what_waits_goes_on_waiting() {
    let mut house = House::new().await;
    let (person, waiting) = (house.person().await, house.person().await);
    let link = house
        .store
        .connect_link(&own(person), agreed("a"))
        .await
        .expect("a link");
    house
        .store
        .connect_link(&own(waiting), agreed("b"))
        .await
        .expect("a link");
    for leased in take(&house).await {
        if leased.link.id != link.id {
            let until = house.now().plus(60_000);
            let ended = house.store.end_turn(&leased, TurnEnd::Waits { until }).await;
            assert!(ended.expect("ended"));
        }
    }
    house.clock.advance(1);
    assert!(take(&house).await.is_empty());
    house.reopen().await.expect("opens");
    let due: Vec<i64> = take(&house).await.iter().map(|leased| leased.link.id).collect();
    assert_eq!(due, [link.id]);
    house.clock.advance(60_000);
    assert_eq!(take(&house).await.len(), 1);
}
