//! `client_credentials`: a client's token of its own, and what it is given.

use store::RegistrationState;

use super::assertions::{CLIENT, Signer};
use super::house::{House, SECRET, Told};
use crate::oauth::client_assertion::TYPE;
use crate::oauth::handles;

impl Signer {
    async fn own_token(&self, jti: &str, more: &[(&str, &str)]) -> Told {
        let assertion = self.sign(&self.claims(jti));
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", TYPE),
            ("client_assertion", &assertion),
        ];
        self.house.post("/oauth/token", None, &[&fields, more].concat()).await
    }
}

#[tokio::test]
async fn a_client_that_signs_is_given_system_scopes_for_five_minutes() {
    let signer = Signer::new().await;
    let told = signer
        .own_token(
            "1",
            &[(
                "scope",
                "system/Observation.rs system/Encounter.rs patient/Patient.r openid",
            )],
        )
        .await;
    assert_eq!(told.status, 200, "{}", told.body);
    assert_eq!(told.text("scope"), "system/Observation.rs");
    assert_eq!(
        (told.body["expires_in"].as_i64(), told.text("purpose")),
        (Some(300), "points")
    );
    assert!(told.body.get("refresh_token").is_none() && told.body.get("patient").is_none());
    let state = &signer.house.gateway.state;
    let hash = handles::hash(told.text("access_token"));
    let now = state.clock.now();
    let kept = state.store.system_token(hash, now).await.unwrap().unwrap();
    assert_eq!(
        (kept.client_id.as_str(), kept.recipient),
        (CLIENT, signer.house.recipient)
    );
    assert!(
        state
            .store
            .system_token(hash, now.plus(301_000))
            .await
            .unwrap()
            .is_none()
    );
    // It opens nothing as a token of a person.
    assert!(!signer.house.opens(told.text("access_token")).await);
    let other = signer
        .own_token("2", &[("scope", "system/*.rs"), ("purpose", "advice")])
        .await;
    assert_eq!(other.text("purpose"), "advice");
}

#[tokio::test]
async fn what_is_not_for_a_client_itself_is_refused() {
    let signer = Signer::new().await;
    for (jti, more, error) in [
        ("a", vec![], "invalid_scope"),
        ("b", vec![("scope", "patient/Observation.rs")], "invalid_scope"),
        ("c", vec![("scope", "system/Encounter.rs")], "invalid_scope"),
        (
            "d",
            vec![("scope", "system/*.rs"), ("purpose", "research")],
            "invalid_request",
        ),
        (
            "e",
            vec![("scope", "system/*.rs"), ("resource", "https://other.example/fhir")],
            "invalid_target",
        ),
    ] {
        let told = signer.own_token(jti, &more).await;
        assert_eq!(told.error(), (400, error), "{more:?}");
    }
    let again = signer.own_token("e", &[("scope", "system/*.rs")]).await;
    assert_eq!(again.error(), (401, "invalid_client"), "an assertion holds once");
}

#[tokio::test]
async fn a_client_with_a_secret_learns_of_its_standing_only() {
    let house = House::new().await;
    let credentials = format!("point-server:{}", "s%2Be+c%3Dr%26e%25t%3A");
    assert_eq!(SECRET, "s+e c=r&e%t:");
    let ask = async |scope: &str| {
        let fields = [("grant_type", "client_credentials"), ("scope", scope)];
        house.post("/oauth/token", Some(&credentials), &fields).await
    };
    assert_eq!(ask("system/*.rs").await.text("scope"), "system/Consent.rs");
    assert_eq!(ask("system/Observation.rs").await.error(), (400, "invalid_scope"));
}

#[tokio::test]
async fn a_blocked_recipient_gets_no_token_and_those_it_has_open_nothing() {
    let signer = Signer::new().await;
    let told = signer.own_token("1", &[("scope", "system/*.rs")]).await;
    let state = &signer.house.gateway.state;
    let code = signer.house.code(&[]).await;
    let tokens = signer.house.redeem(&code).await;
    assert!(signer.house.opens(tokens.text("access_token")).await);
    state
        .store
        .set_recipient_state(
            signer.house.recipient,
            RegistrationState::Blocked,
            store::Actor::CommandLine,
        )
        .await
        .unwrap();
    let hash = handles::hash(told.text("access_token"));
    assert!(
        state
            .store
            .system_token(hash, state.clock.now())
            .await
            .unwrap()
            .is_none()
    );
    assert!(!signer.house.opens(tokens.text("access_token")).await);
    assert_eq!(
        signer.own_token("2", &[("scope", "system/*.rs")]).await.error(),
        (401, "invalid_client")
    );
    let refreshed = signer.house.refresh(tokens.text("refresh_token"), "").await;
    assert_eq!(refreshed.error(), (401, "invalid_client"));
    let page = signer
        .house
        .gateway
        .browser()
        .get(&super::house::link(&signer.house.request()))
        .await;
    assert_eq!(page.status, 403);
}

#[tokio::test]
async fn online_access_refreshes_for_as_long_as_a_session_and_no_longer() {
    let house = House::new().await;
    let code = house
        .code(&[("scope", "launch/patient online_access patient/Observation.rs")])
        .await;
    let tokens = house.redeem(&code).await;
    assert!(tokens.text("scope").contains("online_access"), "{}", tokens.body);
    let state = &house.gateway.state;
    let first = state
        .store
        .refresh_record(handles::hash(tokens.text("refresh_token")))
        .await
        .unwrap()
        .unwrap();
    let session = state.config.tokens.session_minutes * 60_000;
    assert!(first.expires <= state.clock.now().plus(session));
    let next = house.refresh(tokens.text("refresh_token"), "").await;
    let second = state
        .store
        .refresh_record(handles::hash(next.text("refresh_token")))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(second.expires, first.expires);
}
