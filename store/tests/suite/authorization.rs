//! Codes, tokens and sessions: once, for a while, and never after the consent.

use consent::code::{Binding, CODE_LIFETIME_MS, Code, CodeError};
use consent::token::{GRACE_MS, RefreshError, RevokedBy, TokenKind};
use consent::{Consent, Detail, FamilyId, Language};
use model::ConsentCategory::Activity;
use store::{
    CodeRecord, HandleHash, NewClient, NewToken, NewTokens, Redemption, RegistrationState, Result, Revocation,
    Rotation, SessionRecord, Store, StoreError, SystemToken,
};

use crate::harness::{House, draft, own, page};

const CALLBACK: &str = "https://app.example/callback";
const CODE: HandleHash = [1; 32];
const SCOPES: &str = "offline_access patient/Observation.rs";

fn access(generation: u8) -> HandleHash {
    [100 + generation; 32]
}

fn refresh(generation: u8) -> HandleHash {
    [200 + generation; 32]
}

impl House {
    async fn agreed(&self) -> Consent {
        let (person, recipient) = (self.person().await, self.recipient().await);
        self.store
            .give_consent(draft(person, recipient, &[Activity], Detail::Daily))
            .await
            .expect("a consent")
    }

    async fn code(&self, consent: &Consent) -> Result<()> {
        let record = CodeRecord {
            client_id: "point-app".to_owned(),
            redirect_uri: CALLBACK.to_owned(),
            code_challenge: [9; 32],
            person: consent.person,
            recipient: consent.recipient,
            consent: consent.id,
            scopes: SCOPES.to_owned(),
            nonce: Some("n".to_owned()),
            signed_in: Some(self.now()),
            code: Code::issue(FamilyId(u64::MAX - 5), self.now()),
        };
        self.store.save_code(CODE, record.clone()).await?;
        assert_eq!(self.store.code_record(CODE).await?, Some(record));
        Ok(())
    }

    fn tokens(&self, generation: u8) -> NewTokens {
        let token = |hash, kind: TokenKind| NewToken {
            hash,
            expires: kind.expires(self.now()),
        };
        NewTokens {
            access: token(access(generation), TokenKind::Access),
            refresh: Some(token(refresh(generation), TokenKind::Refresh)),
            scopes: SCOPES.to_owned(),
        }
    }

    async fn redeem(&self, client_id: &str) -> Result<Redemption> {
        let shown = Binding {
            client_id,
            redirect_uri: CALLBACK,
            code_challenge: &[9; 32],
        };
        self.store.redeem_code(CODE, shown, self.tokens(1), self.now()).await
    }

    async fn rotate(&self, from: u8, to: u8) -> Result<Rotation> {
        let new = self.tokens(to);
        self.store
            .rotate_refresh(refresh(from), "point-app", new, self.now())
            .await
    }

    async fn opens(&self, generation: u8) -> Result<bool> {
        Ok(self.store.access_token(access(generation), self.now()).await?.is_some())
    }
}

#[tokio::test]
async fn a_code_gives_tokens_once_and_a_second_time_ends_them() -> Result<()> {
    let house = House::new().await;
    let consent = house.agreed().await;
    house.code(&consent).await?;
    assert_eq!(
        house.redeem("other-app").await?,
        Redemption::Refused(CodeError::OtherClient)
    );
    assert!(matches!(house.redeem("point-app").await?, Redemption::Redeemed(_)));
    let token = house
        .store
        .access_token(access(1), house.now())
        .await?
        .expect("the token");
    assert_eq!(
        (token.person, token.recipient, token.consent),
        (consent.person, consent.recipient, consent.id)
    );
    assert_eq!((token.client_id.as_str(), token.scopes.as_str()), ("point-app", SCOPES));
    let family = FamilyId(u64::MAX - 5);
    assert_eq!(
        house.redeem("point-app").await?,
        Redemption::Refused(CodeError::Reused { family })
    );
    assert!(!house.opens(1).await?, "a code that came twice ends what came of it");
    let by = RevokedBy::CodeReuse;
    assert_eq!(
        house.rotate(1, 2).await?,
        Rotation::Refused(RefreshError::Revoked { family, by })
    );
    Ok(())
}

#[tokio::test]
async fn a_code_ends_after_its_minute_and_an_unknown_one_gives_nothing() -> Result<()> {
    let house = House::new().await;
    assert_eq!(house.redeem("point-app").await?, Redemption::Unknown);
    house.code(&house.agreed().await).await?;
    house.clock.advance(CODE_LIFETIME_MS);
    assert_eq!(
        house.redeem("point-app").await?,
        Redemption::Refused(CodeError::Expired)
    );
    Ok(())
}

#[tokio::test]
async fn an_access_token_ends_with_its_hour() -> Result<()> {
    let house = House::new().await;
    house.code(&house.agreed().await).await?;
    house.redeem("point-app").await?;
    house.clock.advance(consent::token::ACCESS_LIFETIME_MS - 1);
    assert!(house.opens(1).await?);
    house.clock.advance(1);
    assert!(!house.opens(1).await?);
    Ok(())
}

#[tokio::test]
async fn a_refresh_token_that_comes_again_ends_the_family() -> Result<()> {
    let house = House::new().await;
    house.code(&house.agreed().await).await?;
    house.redeem("point-app").await?;
    let Rotation::Rotated(second) = house.rotate(1, 2).await? else {
        panic!("the first rotation is refused");
    };
    assert_eq!(second.scopes, SCOPES);
    assert!(house.opens(2).await? && !house.opens(1).await?);
    house.clock.advance(GRACE_MS + 1);
    assert!(matches!(
        house.rotate(1, 3).await?,
        Rotation::Refused(RefreshError::Reused { .. })
    ));
    assert!(!house.opens(2).await?, "the thief and the owner both lose it");
    assert!(matches!(
        house.rotate(2, 4).await?,
        Rotation::Refused(RefreshError::Revoked { .. })
    ));
    Ok(())
}

#[tokio::test]
async fn an_answer_lost_on_the_way_can_be_asked_for_again() -> Result<()> {
    let house = House::new().await;
    house.code(&house.agreed().await).await?;
    house.redeem("point-app").await?;
    house.rotate(1, 2).await?;
    house.clock.advance(GRACE_MS);
    assert!(matches!(house.rotate(1, 3).await?, Rotation::Rotated(_)));
    assert!(
        house.opens(3).await? && !house.opens(2).await?,
        "exactly one generation lives"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_thousand_parallel_refreshes_exactly_one_pair_is_live() -> Result<()> {
    let house = House::new().await;
    house.code(&house.agreed().await).await?;
    house.redeem("point-app").await?;
    let hash = |kind: u8, number: u16| -> HandleHash {
        let mut hash = [kind; 32];
        hash[..2].copy_from_slice(&number.to_be_bytes());
        hash
    };
    let now = house.now();
    let mut requests = tokio::task::JoinSet::new();
    for number in 0..1_000 {
        let new = NewTokens {
            access: NewToken {
                hash: hash(0xaa, number),
                expires: TokenKind::Access.expires(now),
            },
            refresh: Some(NewToken {
                hash: hash(0xbb, number),
                expires: TokenKind::Refresh.expires(now),
            }),
            scopes: SCOPES.to_owned(),
        };
        let store = house.store.clone();
        requests.spawn(async move { store.rotate_refresh(refresh(1), "point-app", new, now).await });
    }
    while let Some(answer) = requests.join_next().await {
        assert!(matches!(answer.expect("a task")?, Rotation::Rotated(_)));
    }
    let (mut accesses, mut refreshes) = (Vec::new(), Vec::new());
    for number in 0..1_000 {
        if house.store.access_token(hash(0xaa, number), now).await?.is_some() {
            accesses.push(number);
        }
        if house.store.refresh_token(hash(0xbb, number), now).await?.is_some() {
            refreshes.push(number);
        }
    }
    assert_eq!(accesses.len(), 1);
    assert_eq!(refreshes, accesses, "and the two belong together");
    Ok(())
}

#[tokio::test]
async fn a_lost_answer_is_not_given_again_once_its_successor_was_used() -> Result<()> {
    let house = House::new().await;
    house.code(&house.agreed().await).await?;
    house.redeem("point-app").await?;
    house.rotate(1, 2).await?;
    house.rotate(2, 3).await?;
    assert!(matches!(
        house.rotate(1, 4).await?,
        Rotation::Refused(RefreshError::Reused { .. })
    ));
    assert!(!house.opens(3).await?, "the family has ended within the ten seconds");
    Ok(())
}

#[tokio::test]
async fn an_assertion_is_used_once_until_it_has_run_out() -> Result<()> {
    let house = House::new().await;
    let until = house.now().plus(1_000);
    assert!(house.store.use_assertion([5; 32], until).await?);
    house.store.purge_expired(house.now()).await?;
    assert!(!house.store.use_assertion([5; 32], until).await?);
    assert!(house.store.use_assertion([6; 32], until).await?);
    Ok(())
}

#[tokio::test]
async fn a_withdrawal_ends_codes_and_tokens_in_the_same_commit() -> Result<()> {
    let house = House::new().await;
    let consent = house.agreed().await;
    house.code(&consent).await?;
    house.redeem("point-app").await?;
    house.store.withdraw_consent(&own(consent.person), consent.id).await?;
    assert!(!house.opens(1).await?);
    let by = RevokedBy::Consent;
    let family = FamilyId(u64::MAX - 5);
    assert_eq!(
        house.rotate(1, 2).await?,
        Rotation::Refused(RefreshError::Revoked { family, by })
    );
    Ok(())
}

#[tokio::test]
async fn a_code_under_a_consent_that_ended_gives_nothing() -> Result<()> {
    let house = House::new().await;
    let consent = house.agreed().await;
    house.code(&consent).await?;
    house.store.withdraw_consent(&own(consent.person), consent.id).await?;
    assert_eq!(house.redeem("point-app").await?, Redemption::ConsentEnded);
    assert!(!house.opens(1).await?);
    Ok(())
}

#[tokio::test]
async fn a_new_version_of_the_consent_keeps_its_tokens() -> Result<()> {
    let house = House::new().await;
    let consent = house.agreed().await;
    house.code(&consent).await?;
    house.redeem("point-app").await?;
    house
        .store
        .give_consent(draft(consent.person, consent.recipient, &[Activity], Detail::Raw))
        .await?;
    assert!(house.opens(1).await?);
    Ok(())
}

#[tokio::test]
async fn a_client_ends_its_own_tokens_and_no_others() -> Result<()> {
    let house = House::new().await;
    house.code(&house.agreed().await).await?;
    house.redeem("point-app").await?;
    let revoke = |hash, client| house.store.revoke_token(hash, client);
    assert_eq!(revoke([7; 32], "point-app").await?, Revocation::Unknown);
    assert_eq!(revoke(refresh(1), "other-app").await?, Revocation::OtherClient);
    assert!(house.opens(1).await?);
    for _ in 0..2 {
        assert_eq!(revoke(refresh(1), "point-app").await?, Revocation::Ended);
        assert!(!house.opens(1).await?);
    }
    Ok(())
}

#[tokio::test]
async fn a_restore_ends_all_that_was_handed_out() -> Result<()> {
    let mut house = House::new().await;
    let consent = house.agreed().await;
    house.code(&consent).await?;
    house.redeem("point-app").await?;
    let session = session_of(&house, consent.person);
    house.store.save_session([5; 32], session).await?;
    let backup = tempfile::tempdir().expect("a temporary folder");
    house.store.backup(backup.path()).await?;
    house.store.clone().close().await;
    Store::restore(backup.path(), house.folder.path()).await?;
    house.reopen().await?;
    assert!(!house.opens(1).await?);
    assert_eq!(house.rotate(1, 2).await?, Rotation::Unknown);
    assert_eq!(house.redeem("point-app").await?, Redemption::Unknown);
    assert_eq!(house.store.session([5; 32], house.now()).await?, None);
    assert!(!house.decide(&consent).await?.is_denied(), "the consent itself stays");
    Ok(())
}

fn session_of(house: &House, person: model::PersonId) -> SessionRecord {
    SessionRecord {
        person,
        issuer: "https://id.example".to_owned(),
        assurance: Some("urn:example:ial2".to_owned()),
        language: Language::En,
        issued: house.now(),
        acting_for: None,
        expires: house.now().plus(1_000),
    }
}

#[tokio::test]
async fn a_session_lives_until_its_end_its_expiry_or_the_erasure() -> Result<()> {
    let house = House::new().await;
    let person = house.person().await;
    let record = session_of(&house, person);
    let read = |hash| house.store.session(hash, house.now());
    for hash in [[1; 32], [2; 32]] {
        house.store.save_session(hash, record.clone()).await?;
    }
    assert_eq!(read([1; 32]).await?, Some(record.clone()));
    house.store.end_session([1; 32]).await?;
    assert_eq!(read([1; 32]).await?, None);
    house.clock.advance(1_000);
    assert_eq!(read([2; 32]).await?, None);
    house.clock.advance(-1_000);
    house.store.erase_person(person).await?;
    assert_eq!(read([2; 32]).await?, None);
    assert_eq!(
        house.store.save_session([3; 32], record).await,
        Err(StoreError::Erased { person })
    );
    Ok(())
}

#[tokio::test]
async fn what_is_under_way_is_taken_once() -> Result<()> {
    let house = House::new().await;
    let until = house.now().plus(10);
    house.store.save_pending([1; 32], 1, b"state".to_vec(), until).await?;
    assert_eq!(house.store.pending([1; 32], 2, house.now()).await?, None);
    for _ in 0..2 {
        let seen = house.store.pending([1; 32], 1, house.now()).await?;
        assert_eq!(seen.as_deref(), Some(&b"state"[..]));
    }
    let taken = house.store.take_pending([1; 32], 1, house.now()).await?;
    assert_eq!(taken.as_deref(), Some(&b"state"[..]));
    assert_eq!(house.store.take_pending([1; 32], 1, house.now()).await?, None);
    house.store.save_pending([1; 32], 1, b"late".to_vec(), until).await?;
    assert_eq!(house.store.take_pending([1; 32], 1, until).await?, None);
    Ok(())
}

#[tokio::test]
async fn the_sweep_takes_only_what_has_run_out() -> Result<()> {
    let house = House::new().await;
    house.code(&house.agreed().await).await?;
    house.redeem("point-app").await?;
    house.clock.advance(consent::token::ACCESS_LIFETIME_MS);
    house.store.purge_expired(house.now()).await?;
    let family = FamilyId(u64::MAX - 5);
    assert_eq!(
        house.redeem("point-app").await?,
        Redemption::Refused(CodeError::Reused { family }),
        "a redeemed code is remembered as long as its refresh token lives"
    );
    house.clock.advance(consent::token::REFRESH_LIFETIME_MS);
    house.store.purge_expired(house.now()).await?;
    assert_eq!(house.redeem("point-app").await?, Redemption::Unknown);
    assert_eq!(house.rotate(1, 2).await?, Rotation::Unknown);
    Ok(())
}

#[tokio::test]
async fn a_client_reads_back_and_a_bad_one_is_refused() -> Result<()> {
    let mut house = House::new().await;
    let recipient = house.recipient().await;
    let new = NewClient {
        client_id: "point-app".to_owned(),
        recipient,
        name: "Point app".to_owned(),
        secret_hash: Some([3; 32]),
        keys: None,
        redirect_uris: vec![CALLBACK.to_owned(), "http://127.0.0.1:4000/cb".to_owned()],
        launch_url: None,
        state: store::RegistrationState::Approved,
        ..NewClient::default()
    };
    house.store.create_client(new.clone()).await?;
    assert_eq!(
        house.store.create_client(new.clone()).await,
        Err(StoreError::Exists { what: "client" })
    );
    for redirect in ["/callback", "https://app.example/#a", "https://app.example/ b", ""] {
        let bad = NewClient {
            client_id: "bad".to_owned(),
            redirect_uris: vec![redirect.to_owned()],
            ..new.clone()
        };
        assert!(
            matches!(house.store.create_client(bad).await, Err(StoreError::Invalid { .. })),
            "{redirect}"
        );
    }
    for keys in ["", "{}", "[]", "{\"keys\":[]}", "{\"keys\":{}}"] {
        let bad = NewClient {
            client_id: "bad".to_owned(),
            secret_hash: None,
            keys: Some(keys.to_owned()),
            ..new.clone()
        };
        assert!(
            matches!(house.store.create_client(bad).await, Err(StoreError::Invalid { .. })),
            "{keys}"
        );
    }
    let keys = Some("{\"keys\":[{\"kty\":\"EC\"}]}".to_owned());
    let both = NewClient {
        client_id: "both".to_owned(),
        keys: keys.clone(),
        ..new.clone()
    };
    assert!(matches!(
        house.store.create_client(both.clone()).await,
        Err(StoreError::Invalid { .. })
    ));
    let signing = NewClient {
        secret_hash: None,
        ..both
    };
    house.store.create_client(signing).await?;
    house.reopen().await?;
    assert_eq!(house.store.client("both").await?.expect("the client").keys, keys);
    let client = house.store.client("point-app").await?.expect("the client");
    assert_eq!(
        (client.recipient, client.secret_hash, client.redirect_uris),
        (recipient, new.secret_hash, new.redirect_uris)
    );
    assert_eq!(house.store.client("other").await?, None);
    let recipients = house.store.recipients().await?;
    assert_eq!(recipients.len(), 1);
    assert_eq!(recipients[0].id, recipient);
    let purposes: Vec<_> = recipients[0]
        .purposes
        .iter()
        .map(|text| text.purpose.as_str())
        .collect();
    assert_eq!(purposes, ["points", "advice"]);
    Ok(())
}

#[tokio::test]
async fn a_blocked_recipient_stops_at_once_and_stays_stopped_when_an_older_database_comes_back() -> Result<()> {
    let mut house = House::new().await;
    let (person, recipient) = (house.person().await, house.recipient().await);
    let given = house
        .store
        .give_consent(draft(person, recipient, &[Activity], Detail::Daily))
        .await?;
    let decision = house.decide(&given).await?;
    let own = SystemToken {
        client_id: "point-app".to_owned(),
        recipient,
        purpose: given.purpose.clone(),
        scopes: "system/Consent.rs".to_owned(),
        expires: house.now().plus(300_000),
    };
    let client = NewClient {
        client_id: "point-app".to_owned(),
        recipient,
        name: "app".to_owned(),
        redirect_uris: vec!["https://points.example/cb".to_owned()],
        state: RegistrationState::Approved,
        ..NewClient::default()
    };
    house.store.create_client(client).await?;
    house.store.save_system_token([5; 32], own.clone()).await?;
    assert_eq!(house.store.system_token([5; 32], house.now()).await?, Some(own));
    let before = tempfile::tempdir().expect("a folder");
    let copy = before.path().join("copy");
    house.store.clone().backup(&copy).await?;

    house
        .store
        .set_recipient_state(recipient, RegistrationState::Blocked, store::Actor::CommandLine)
        .await?;
    assert_eq!(house.store.system_token([5; 32], house.now()).await?, None);
    let client = house.store.client("point-app").await?.expect("the client");
    assert!(!client.works());
    // A decision made before gives nothing after.
    let refused = house.store.record_access(&decision, page("request")).await;
    assert!(matches!(refused, Err(StoreError::ConsentsChanged)));

    house.store.clone().close().await;
    Store::restore(&copy, house.folder.path()).await?;
    house.store = Store::open(crate::harness::options(house.folder.path(), &house.clock, 9)).await?;
    let restored = house.store.recipient(recipient).await?.expect("the recipient");
    assert_eq!(restored.state, RegistrationState::Blocked);
    house
        .store
        .set_recipient_state(recipient, RegistrationState::Approved, store::Actor::CommandLine)
        .await?;
    assert!(house.store.client("point-app").await?.expect("the client").works());
    Ok(())
}
