//! The negative cases of the OpenID Foundation's suites, by their names: each is a test, or says why it is none.
//!
//! `C:` is `oidcc-…`, `F:` is `fapi2-security-profile-final-…`, `SMART:` has no suite.

/// Where a case stands.
enum Standing {
    /// The test that carries it.
    Test(&'static str),
    /// Why there is none.
    NotApplicable(&'static str),
}
use Standing::{NotApplicable, Test};

const PUSHED: Standing = Test("a_pushed_request_is_answered_once_and_reused_request_uri_prior_to_completion_succeeds");
const PUSHED_BY_OTHERS: Standing =
    Test("par_attempt_to_use_request_uri_for_different_client_unknown_or_expired_ends_on_a_page");
const PUSHED_WRONG: Standing = Test("par_attempt_invalid_http_method_and_requests_that_are_wrong_are_refused_at_once");
const NO_DPOP: Standing = NotApplicable("DPoP (RFC 9449) is not offered");
const NO_USERINFO: Standing = NotApplicable("no userinfo endpoint: the ID token and the Patient say it all");
const LOGOUT: Standing = Test("a_logout_with_our_id_token_ends_the_session_and_goes_back_to_a_registered_address_only");
const REGISTRATION: Standing = Test("what_cannot_be_registered_says_why");
const PUBLISHED_KEYS: Standing = Test("a_client_is_known_by_the_keys_that_it_publishes");
const FRESH: Standing = Test("prompt_login_and_max_age_ask_for_a_sign_in_of_their_time");
const REDIRECTS: Standing = Test("ensure_registered_redirect_uri_query_added_query_mismatch_and_regfrag");
const ECHOES: Standing = Test("ensure_request_without_nonce_and_with_long_nonce_or_state_succeeds");
const IGNORED: Standing =
    Test("ensure_request_with_unknown_parameter_acr_values_ui_locales_display_and_login_hint_succeeds");
const OBJECTS: Standing = Test("unsigned_and_signed_request_object_and_request_uri_are_rejected");
const ASSERTION: Standing =
    Test("ensure_client_assertion_with_exp_5_minutes_past_no_sub_wrong_aud_array_aud_or_late_nbf_fails");
const ASSERTION_OK: Standing = Test("token_url_as_aud_succeeds_and_so_does_the_issuer_and_nbf_8_seconds_ahead");
const ASSERTION_KEYS: Standing = Test("with_rs256_none_hs256_unknown_kid_two_keys_with_one_kid_or_jku_fails");
const REFRESH: Standing = Test("refresh_token_of_another_client_wider_or_reused_fails");
const ID_TOKEN: Standing = Test("idtoken_rs256_and_signature_name_the_resident_pairwise");

const CASES: &[(&str, Standing)] = &[
    ("C:codereuse", Test("codereuse_ends_what_came_of_the_code")),
    (
        "F:attempt-reuse-authorization-code-after-one-second",
        Test("codereuse_ends_what_came_of_the_code"),
    ),
    (
        "C:codereuse-30seconds",
        Test("a_code_gives_tokens_once_and_a_second_time_ends_them"),
    ),
    (
        "F:ensure-token-endpoint-fails-with-expired-auth-code",
        Test("ensure_token_endpoint_fails_with_expired_auth_code"),
    ),
    (
        "F:ensure-authorization-code-is-bound-to-client",
        Test("ensure_authorization_code_is_bound_to_client"),
    ),
    ("C:ensure-redirect-uri-in-authorization-request", REDIRECTS),
    ("C:ensure-registered-redirect-uri", REDIRECTS),
    ("C:redirect-uri-query-added", REDIRECTS),
    ("C:redirect-uri-query-mismatch", REDIRECTS),
    ("C:redirect-uri-regfrag", REDIRECTS),
    ("F:ensure-registered-redirect-uri", REDIRECTS),
    ("C:redirect-uri-query-OK", Test("an_address_that_has_a_query_keeps_it")),
    (
        "C:response-type-missing",
        Test("response_type_missing_token_and_code_idtoken_fail"),
    ),
    (
        "F:ensure-response-type-token-fails",
        Test("response_type_missing_token_and_code_idtoken_fail"),
    ),
    (
        "F:ensure-response-type-code-idtoken-fails",
        Test("response_type_missing_token_and_code_idtoken_fail"),
    ),
    (
        "F:par-ensure-pkce-required",
        Test("ensure_pkce_required_and_plain_pkce_rejected"),
    ),
    (
        "F:par-plain-pkce-rejected",
        Test("ensure_pkce_required_and_plain_pkce_rejected"),
    ),
    (
        "F:incorrect-pkce-code-verifier-rejected",
        Test("incorrect_pkce_code_verifier_rejected_and_one_required"),
    ),
    (
        "F:ensure-pkce-code-verifier-required",
        Test("incorrect_pkce_code_verifier_rejected_and_one_required"),
    ),
    (
        "F:par-without-duplicate-parameters",
        Test("duplicate_parameters_are_rejected"),
    ),
    ("C:ensure-request-with-unknown-parameter-succeeds", IGNORED),
    ("C:ensure-request-with-acr-values-succeeds", IGNORED),
    ("C:ui-locales", IGNORED),
    ("C:claims-locales", IGNORED),
    ("C:display-page", IGNORED),
    ("C:display-popup", IGNORED),
    ("C:login-hint", IGNORED),
    ("C:ensure-request-without-nonce-succeeds-for-code-flow", ECHOES),
    ("F:64-char-nonce-success", ECHOES),
    ("F:with-long-nonce", ECHOES),
    ("F:with-long-state", ECHOES),
    (
        "F:without-state-success",
        Test("without_state_is_refused_as_smart_asks_of_clients"),
    ),
    (
        "C:prompt-none-not-logged-in",
        Test("prompt_none_is_answered_without_asking_the_resident"),
    ),
    (
        "C:prompt-none-logged-in",
        Test("prompt_none_is_answered_without_asking_the_resident"),
    ),
    ("C:prompt-login", FRESH),
    ("C:max-age-1", FRESH),
    ("C:max-age-10000", FRESH),
    (
        "C:id-token-hint",
        NotApplicable("only matters with prompt=none, which never gives a code here"),
    ),
    (
        "F:user-rejects-authentication",
        Test("refusing_gives_nothing_and_says_so"),
    ),
    ("C:unsigned-request-object-supported-correctly-or-rejected", OBJECTS),
    ("C:request-uri", OBJECTS),
    ("F:ensure-request-object", OBJECTS),
    ("F:par-attempt-invalid-http-method", PUSHED_WRONG),
    ("F:par-attempt-reuse-request_uri", PUSHED),
    ("F:par-attempt-to-use-expired-request_uri", PUSHED_BY_OTHERS),
    (
        "F:par-attempt-to-use-request_uri-for-different-client",
        PUSHED_BY_OTHERS,
    ),
    ("F:par-authorization-request-containing-request_uri", PUSHED_WRONG),
    (
        "F:without-using-par-fails",
        NotApplicable("pushing is offered, not required: SMART clients do not know it"),
    ),
    (
        "F:par-ensure-reused-request-uri-prior-to-auth-completion-succeeds",
        PUSHED,
    ),
    (
        "F:ensure-client-assertion-in-token-endpoint",
        Test("ensure_client_assertion_in_token_endpoint_and_one_way_only"),
    ),
    ("F:ensure-client-assertion-with-exp-is-5-minutes-in-past", ASSERTION),
    ("F:ensure-client-assertion-with-no-sub", ASSERTION),
    ("F:ensure-client-assertion-with-wrong-aud", ASSERTION),
    ("F:ensure-client-assertion-with-RS256", ASSERTION_KEYS),
    ("F:par-test-array-as-audience-fails", ASSERTION),
    ("F:par-test-par-endpoint-url-as-audience-fails", ASSERTION),
    ("F:par-test-token-endpoint-url-as-audience-fails", ASSERTION_OK),
    ("F:par-ensure-jwt-client-assertions-nbf-8-seconds", ASSERTION_OK),
    ("F:par-ensure-jwt-client-assertions-nbf-60-seconds", ASSERTION),
    (
        "SMART:same-jti-twice",
        Test("same_jti_twice_fails_and_a_refused_assertion_does_not_use_it_up"),
    ),
    ("SMART:exp-more-than-5-minutes-ahead", ASSERTION),
    (
        "SMART:unknown-kid, two-keys-with-one-kid, jku-not-registered, alg-none, alg-HS256",
        ASSERTION_KEYS,
    ),
    (
        "F:ensure-client-id-in-token-endpoint",
        Test("ensure_client_id_in_token_endpoint"),
    ),
    (
        "F:ensure-other-scope-order-succeeds",
        Test("ensure_other_scope_order_succeeds"),
    ),
    ("C:refresh-token", REFRESH),
    ("F:refresh-token", REFRESH),
    (
        "F:access-token-type-header-case-sensitivity",
        Test("only_one_well_formed_bearer_token_opens"),
    ),
    (
        "SMART:after-consent-withdrawal",
        Test("after_consent_withdrawal_nothing_opens_or_refreshes"),
    ),
    ("F:dpop-negative-tests", NO_DPOP),
    ("F:ensure-mismatched-dpop-jkt", NO_DPOP),
    ("F:ensure-dpopproof-with-iat-10seconds", NO_DPOP),
    ("F:ensure-dpop-binding-success", NO_DPOP),
    ("F:check-dpop-proof-nbf-exp", NO_DPOP),
    ("F:ensure-holder-of-key-required", NO_DPOP),
    ("C:idtoken-rs256", ID_TOKEN),
    ("C:idtoken-signature", ID_TOKEN),
    ("C:idtoken-unsigned", ID_TOKEN),
    ("C:userinfo-get", NO_USERINFO),
    ("C:userinfo-post-header", NO_USERINFO),
    ("C:userinfo-post-body", NO_USERINFO),
    (
        "C:scope-profile, -email, -phone, -address, -all",
        Test("scope_profile_email_phone_address_and_all_are_no_error"),
    ),
    (
        "C:server-rotate-keys",
        Test("the_newest_key_signs_and_what_an_older_one_signed_still_verifies"),
    ),
    ("C:refresh-token-rp-key-rotation", PUBLISHED_KEYS),
    ("C:registration-jwks-uri", PUBLISHED_KEYS),
    ("C:rp-initiated-logout", LOGOUT),
    ("C:registration", REGISTRATION),
    (
        "C:discovery-endpoint-verification",
        Test("discovery_lies_where_apps_look_for_it_and_names_no_relative_address"),
    ),
    (
        "F:discovery-end-point-verification",
        Test("discovery_lies_where_apps_look_for_it_and_names_no_relative_address"),
    ),
    ("C:logout-discovery-endpoint-verification", LOGOUT),
];

#[test]
fn every_case_is_a_test_that_is_there_or_says_why_not() {
    let sources = [
        include_str!("named_cases.rs"),
        include_str!("assertions.rs"),
        include_str!("authorize.rs"),
        include_str!("gate.rs"),
        include_str!("identity.rs"),
        include_str!("pushed.rs"),
        include_str!("registration.rs"),
        include_str!("../../signing.rs"),
        include_str!("../../../../store/tests/suite/authorization.rs"),
    ]
    .concat();
    for (case, standing) in CASES {
        match standing {
            Test(name) => assert!(sources.contains(&format!("fn {name}(")), "{case}: {name}"),
            NotApplicable(reason) => assert!(reason.len() > 20, "{case}"),
        }
    }
}
