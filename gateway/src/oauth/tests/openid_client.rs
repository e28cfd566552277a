//! The crate `openidconnect`, unmodified, as the client of an app: discovery, PKCE, ID token, refresh.

use std::collections::HashMap;

use axum::body::{Body, to_bytes};
use axum::http::{Request, Response};
use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata};
use openidconnect::{
    AuthorizationCode, ClientId, CsrfToken, HttpRequest, IssuerUrl, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge,
    RedirectUrl, Scope, TokenResponse as _,
};
use tower::ServiceExt as _;

use super::house::{AGREED, CALLBACK, House, parameter};

/// Sends what the library wants to send to the gateway's own routes.
async fn send(router: axum::Router, request: HttpRequest) -> Result<Response<Vec<u8>>, std::convert::Infallible> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().unwrap().as_str();
    let mut to_us = Request::builder().method(parts.method).uri(path);
    for (name, value) in &parts.headers {
        to_us = to_us.header(name, value);
    }
    let response = router.oneshot(to_us.body(Body::from(body)).unwrap()).await?;
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap().to_vec();
    Ok(Response::from_parts(parts, body))
}

#[tokio::test]
async fn the_crate_openidconnect_takes_a_resident_through_the_whole_flow_as_it_is() {
    let house = House::new().await;
    let http = |request: HttpRequest| send(house.gateway.router.clone(), request);
    let issuer = IssuerUrl::new(house.gateway.base.clone()).unwrap();
    let facts = CoreProviderMetadata::discover_async(issuer, &http).await.unwrap();
    let client = CoreClient::from_provider_metadata(facts, ClientId::new("point-app".to_owned()), None)
        .set_redirect_uri(RedirectUrl::new(CALLBACK.to_owned()).unwrap());
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (address, state, nonce) = client
        .authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            CsrfToken::new_random,
            Nonce::new_random,
        )
        .add_scopes(
            ["launch/patient", "offline_access", "patient/Observation.rs"].map(|scope| Scope::new(scope.to_owned())),
        )
        .add_extra_param("aud", format!("{}/fhir/r4", house.gateway.base))
        .set_pkce_challenge(challenge)
        .url();
    assert!(
        address
            .as_str()
            .starts_with(&format!("{}/oauth/authorize?", house.gateway.base))
    );
    let request: Vec<(String, String)> = address
        .query_pairs()
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    let there = house.agree(&request, AGREED).await;
    assert_eq!(parameter(&there, "state").as_deref(), Some(state.secret().as_str()));
    assert_eq!(parameter(&there, "iss"), Some(house.gateway.base.clone()));

    let code = AuthorizationCode::new(parameter(&there, "code").unwrap());
    let tokens = client
        .exchange_code(code)
        .unwrap()
        .set_pkce_verifier(verifier)
        .request_async(&http)
        .await
        .unwrap();
    let claims = tokens
        .id_token()
        .unwrap()
        .claims(&client.id_token_verifier(), &nonce)
        .unwrap();
    assert!(!claims.subject().as_str().is_empty() && claims.auth_time().is_some());
    let wrong = Nonce::new("another".to_owned());
    assert!(
        tokens
            .id_token()
            .unwrap()
            .claims(&client.id_token_verifier(), &wrong)
            .is_err()
    );
    assert!(house.opens(tokens.access_token().secret()).await);

    let refreshed = client
        .exchange_refresh_token(tokens.refresh_token().unwrap())
        .unwrap()
        .request_async(&http)
        .await
        .unwrap();
    assert!(house.opens(refreshed.access_token().secret()).await);
    assert_ne!(refreshed.access_token().secret(), tokens.access_token().secret());
    let scopes: HashMap<String, ()> = refreshed
        .scopes()
        .unwrap()
        .iter()
        .map(|scope| (scope.to_string(), ()))
        .collect();
    assert!(scopes.contains_key("offline_access") && scopes.keys().all(|scope| !scope.contains("|heart")));
}
