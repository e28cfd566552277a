//! Delegations: whoever saw one last changes it, one that is agreed to anew takes the place of the one before, nobody meets another's.

use model::{DelegationEvent as Event, DelegationState as State, PersonId, UtcMillis};
use proptest::prelude::*;
use store::{DELEGATION_LEASE_MS, Delegation, NewDelegation, Step, StoreError};

use crate::harness::{House, own};

const PORTAL: &str = "portal";

async fn begin(house: &House, person: PersonId, number: u8) -> Delegation {
    let new = NewDelegation {
        vendor: PORTAL.to_owned(),
        reader: person,
        handle: [number; 32],
        browser: [7; 32],
        until: house.now().plus(1_000),
    };
    house.store.begin_delegation(&own(person), new).await.expect("begun")
}

async fn step(house: &House, of: &Delegation, event: Event) -> Option<Delegation> {
    let step = Step {
        event: Some(event),
        due: house.now(),
        session: (event == Event::Sent).then(|| "a session".to_owned()),
        expires: (event == Event::Agreed).then(|| house.now().plus(90 * 86_400_000)),
    };
    house.store.step_delegation(of, step).await.expect("a step")
}

/// One that is agreed to.
pub async fn agreed(house: &House, person: PersonId, number: u8) -> Delegation {
    let mut delegation = begin(house, person, number).await;
    for event in [Event::Sent, Event::Asked, Event::Confirmed, Event::Agreed] {
        delegation = step(house, &delegation, event).await.expect("a step");
    }
    delegation
}

async fn all(house: &House, person: PersonId) -> Vec<Delegation> {
    house.store.delegations(&own(person)).await.expect("delegations")
}

#[tokio::test(flavor = "multi_thread")]
async fn who_saw_it_before_somebody_else_changed_it_changes_nothing() {
    let house = House::new().await;
    let person = house.person().await;
    let seen = agreed(&house, person, 1).await;
    assert_eq!(seen.session.as_deref(), Some("a session"));
    let changed = step(&house, &seen, Event::Collects).await.expect("a step");
    assert_eq!(step(&house, &seen, Event::HasIt).await, None, "it was read before");
    // What cannot happen changes nothing either.
    assert_eq!(step(&house, &changed, Event::Confirmed).await, None);
    assert_eq!(all(&house, person).await, [changed]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_worker_has_it_until_its_lease_has_run_out_and_the_resident_always() {
    let house = House::new().await;
    let person = house.person().await;
    let delegation = agreed(&house, person, 1).await;
    let first = house.store.lease_delegations(8).await.expect("leased");
    assert_eq!(first.len(), 1);
    assert_eq!(house.store.lease_delegations(8).await.expect("leased"), []);
    house.clock.advance(DELEGATION_LEASE_MS);
    let second = house.store.lease_delegations(8).await.expect("leased");
    assert_eq!(step(&house, &first[0], Event::HasIt).await, None, "it went silent");
    house
        .store
        .end_delegation(&own(person), delegation.id)
        .await
        .expect("ended");
    assert_eq!(
        step(&house, &second[0], Event::HasIt).await,
        None,
        "its person ended it"
    );
    house.clock.advance(100 * 86_400_000);
    assert_eq!(house.store.lease_delegations(8).await.expect("leased"), []);
    let [ended] = all(&house, person).await.try_into().expect("one");
    assert_eq!((ended.state, ended.session), (State::Ended, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_agreed_to_anew_takes_its_place_and_what_nobody_agreed_to_is_dropped() {
    let house = House::new().await;
    let person = house.person().await;
    let first = agreed(&house, person, 1).await;
    let tried = begin(&house, person, 2).await;
    let second = begin(&house, person, 3).await;
    let ids = |all: &[Delegation]| all.iter().map(|one| one.id).collect::<Vec<_>>();
    assert_eq!(ids(&all(&house, person).await), [second.id, first.id]);
    assert_eq!(step(&house, &tried, Event::Sent).await, None);
    assert_eq!(
        all(&house, person).await[1].state,
        State::Consented,
        "it holds until then"
    );
    let second = agreed(&house, person, 4).await;
    let states = async || {
        all(&house, person)
            .await
            .iter()
            .map(|one| one.state)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        states().await,
        [State::Consented, State::Consented],
        "nothing has come by it yet"
    );
    let ready = step(&house, &second, Event::HasIt).await.expect("a step");
    step(&house, &ready, Event::Stored).await.expect("a step");
    assert_eq!(states().await, [State::Fetched, State::Ended]);
    assert_eq!(all(&house, person).await[1].session, None);
    // Who stops while two are there stops both.
    let third = agreed(&house, person, 5).await;
    house.store.end_delegation(&own(person), third.id).await.expect("ended");
    assert_eq!(states().await, [State::Ended, State::Ended, State::Ended]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_meets_anothers_and_who_is_erased_has_none() {
    let house = House::new().await;
    let (person, other) = (house.person().await, house.person().await);
    let delegation = agreed(&house, person, 1).await;
    let theirs = agreed(&house, other, 2).await;
    let missing = house.store.end_delegation(&own(other), delegation.id).await;
    assert!(matches!(missing, Err(StoreError::NotFound { .. })), "{missing:?}");
    house.store.erase_person(person).await.expect("erased");
    assert_eq!(all(&house, person).await, []);
    assert_eq!(house.store.delegation_by_handle([1; 32]).await.expect("read"), None);
    assert_eq!(all(&house, other).await, [theirs]);
}

const EVENTS: [Event; 8] = [
    Event::Sent,
    Event::Asked,
    Event::Confirmed,
    Event::Agreed,
    Event::Collects,
    Event::HasIt,
    Event::Stored,
    Event::RanOut,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever happens in whatever order, what is stored is what the states say, and nothing is fetched that was not confirmed.
    #[test]
    fn the_store_follows_the_states(events in proptest::collection::vec(0_usize..EVENTS.len(), 1..24)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let house = House::new().await;
            let person = house.person().await;
            let mut delegation = begin(&house, person, 1).await;
            let (mut state, mut was_confirmed) = (State::Created, false);
            for event in events.into_iter().map(|place| EVENTS[place]) {
                let next = state.after(event);
                let stepped = step(&house, &delegation, event).await;
                assert_eq!(stepped.as_ref().map(|one| one.state), next);
                if let (Some(next), Some(stepped)) = (next, stepped) {
                    was_confirmed |= event == Event::Confirmed;
                    (state, delegation) = (next, stepped);
                }
                assert!(was_confirmed || !state.is_agreed());
                assert_eq!(delegation.agreed.is_some(), delegation.expires.is_some());
                assert_eq!(delegation.over.is_some(), state.is_over());
                assert_eq!(delegation.session.is_some(), state != State::Created && !state.is_over());
            }
            let lasting = house.store.lease_delegations(8).await.expect("leased").len();
            house.clock.set(UtcMillis::LATEST);
            let due = house.store.lease_delegations(8).await.expect("leased").len();
            assert_eq!(lasting.max(due) == 0, state.is_over(), "{state:?}");
        });
    }
}
