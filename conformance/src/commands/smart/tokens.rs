//! The token endpoint: codes, refresh tokens, ID tokens, introspection, revocation.

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use reqwest::header::{CACHE_CONTROL, PRAGMA};
use serde_json::Value;

use super::Setting;
use super::client::{Answer, parameter};
use super::discovery::Facts;
use super::launch::{VERIFIER, request};
use super::report::{Finding, Report, hold};

const GROUP: &str = "tokens";

/// Tokens that live.
pub struct Tokens {
    /// Opens.
    pub access: String,
    /// The patient of the launch context.
    pub patient: String,
}

const WITHOUT_RESIDENT: [(&str, &str); 4] = [
    ("an unknown code: invalid_grant", "RFC 6749 5.2"),
    ("an unknown grant type: unsupported_grant_type", "RFC 6749 5.2"),
    ("an unknown client: invalid_client", "RFC 6749 5.2"),
    ("errors are JSON that no cache keeps", "RFC 6749 5.1"),
];

/// A case, where it comes from, and the endpoint without which it does not apply.
type Case = (&'static str, &'static str, Option<&'static str>);

const INTROSPECTION: Option<&str> = Some("introspection_endpoint");
const REVOCATION: Option<&str> = Some("revocation_endpoint");

const WITH_RESIDENT: [Case; 18] = [
    (
        "the resident comes back with a code, state and issuer",
        "RFC 9207 2",
        None,
    ),
    ("a wrong verifier: invalid_grant", "RFC 7636 4.6", None),
    ("another redirect URI: invalid_grant", "RFC 6749 4.1.3", None),
    (
        "a code is exchanged for a Bearer token with its scope",
        "SMART 2.2 token",
        None,
    ),
    ("the answer is kept by no cache", "SMART 2.2 token", None),
    ("the answer names the patient", "SMART 2.2 launch context", None),
    (
        "the ID token verifies: signature, issuer, audience, nonce, time",
        "OIDC Core 3.1.3.7",
        None,
    ),
    ("the ID token names the user as fhirUser", "SMART 2.2 sso", None),
    ("no more is granted than was asked for", "RFC 6749 3.3", None),
    (
        "introspection says what the token is worth",
        "RFC 7662 2.2",
        INTROSPECTION,
    ),
    ("a refresh gives another refresh token", "RFC 9700 4.14", None),
    ("a refresh for more: invalid_scope", "RFC 6749 6", None),
    ("another authorization gives tokens of its own", "RFC 6749 4.1", None),
    ("a code that comes twice: invalid_grant", "RFC 6749 4.1.2", None),
    (
        "a code that comes twice ends what came of it",
        "RFC 6749 4.1.2",
        INTROSPECTION,
    ),
    ("a revoked token is not active any more", "RFC 7009 2", REVOCATION),
    ("revoking what does not exist is no error", "RFC 7009 2.2", REVOCATION),
    (
        "after a revocation the refresh token is worth nothing",
        "RFC 7009 2.1",
        REVOCATION,
    ),
];

/// Runs the cases; living tokens for those that read.
pub async fn run(setting: &Setting<'_>, facts: &Facts, report: &mut Report) -> Option<Tokens> {
    let Some((client_id, _)) = setting.registered() else {
        report.skip(GROUP, &WITHOUT_RESIDENT, "needs --client-id and --redirect-uri");
        without(report, "needs --client-id and --redirect-uri");
        return None;
    };
    let endpoint = Endpoint {
        setting,
        facts,
        client_id,
    };
    let findings = endpoint.without_resident().await;
    for ((name, source), finding) in WITHOUT_RESIDENT.into_iter().zip(findings) {
        report.found(GROUP, name, source, finding);
    }
    if setting.arguments.answer.is_none() {
        without(report, "needs --answer");
        return None;
    }
    let mut findings: Vec<Finding> = Vec::new();
    let tokens = endpoint.with_resident(&mut findings).await;
    for (number, (name, source, needs)) in WITH_RESIDENT.into_iter().enumerate() {
        if let Some(endpoint) = needs.filter(|needs| facts.text(needs).is_empty()) {
            let why = format!("the server offers no {endpoint}");
            report.skip(GROUP, &[(name, source)], &why);
            continue;
        }
        let unseen = || Err("a case before it failed, so this could not be looked at".to_owned());
        report.found(
            GROUP,
            name,
            source,
            findings.get(number).cloned().unwrap_or_else(unseen),
        );
    }
    tokens
}

fn without(report: &mut Report, why: &str) {
    for (name, source, _) in WITH_RESIDENT {
        report.skip(GROUP, &[(name, source)], why);
    }
}

struct Endpoint<'a> {
    setting: &'a Setting<'a>,
    facts: &'a Facts,
    client_id: &'a str,
}

fn refused(answer: &Answer, error: &str) -> Finding {
    let told = answer.member("error");
    hold(answer.status.is_client_error() && told == error, || {
        format!("answered {} with error {told}", answer.status)
    })
}

impl Endpoint<'_> {
    async fn post(&self, endpoint: &str, fields: &[(&str, &str)]) -> Result<Answer, String> {
        let url = self.facts.text(endpoint);
        if url.is_empty() {
            return Err(format!("no {endpoint}"));
        }
        match &self.setting.secret {
            Some(secret) => {
                self.setting
                    .client
                    .form(url, Some((self.client_id, secret)), fields)
                    .await
            }
            None => {
                let named = [&[("client_id", self.client_id)], fields].concat();
                self.setting.client.form(url, None, &named).await
            }
        }
    }

    async fn exchange(&self, code: &str, verifier: &str, redirect_uri: &str) -> Result<Answer, String> {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", verifier),
        ];
        self.post("token_endpoint", &fields).await
    }

    async fn refresh(&self, token: &str, scope: Option<&str>) -> Result<Answer, String> {
        let mut fields = vec![("grant_type", "refresh_token"), ("refresh_token", token)];
        fields.extend(scope.map(|scope| ("scope", scope)));
        self.post("token_endpoint", &fields).await
    }

    fn redirect_uri(&self) -> &str {
        self.setting.registered().map_or("", |(_, redirect_uri)| redirect_uri)
    }

    async fn without_resident(&self) -> [Finding; 4] {
        let code = self.exchange("not-a-code", VERIFIER, self.redirect_uri()).await;
        let grant = self.post("token_endpoint", &[("grant_type", "password")]).await;
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", "nobody-that-is-registered"),
            ("code", "x"),
        ];
        let url = self.facts.text("token_endpoint");
        let client = self.setting.client.form(url, None, &fields).await;
        let uncached = code.as_ref().map_err(Clone::clone).and_then(|answer| {
            hold(
                answer.json().is_object() && answer.header(CACHE_CONTROL).contains("no-store"),
                || "no JSON, or no Cache-Control: no-store".to_owned(),
            )
        });
        [
            code.and_then(|answer| refused(&answer, "invalid_grant")),
            grant.and_then(|answer| refused(&answer, "unsupported_grant_type")),
            client.and_then(|answer| refused(&answer, "invalid_client")),
            uncached,
        ]
    }

    /// A code, by the resident's answer.
    fn code(&self) -> Result<String, String> {
        let there = self.setting.answer(&request(self.setting, self.facts, &[])?)?;
        if let Some(error) = parameter(&there, "error") {
            return Err(format!("the resident came back with {error}"));
        }
        let issuer = self.facts.text("issuer");
        hold(
            parameter(&there, "state").as_deref() == Some("a state & more")
                && (issuer.is_empty() || parameter(&there, "iss").as_deref() == Some(issuer)),
            || "state or iss is not as it must be".to_owned(),
        )?;
        parameter(&there, "code").ok_or_else(|| "no code came back".to_owned())
    }

    /// Adds a finding for each case, in their order, as far as they can be looked at.
    async fn with_resident(&self, findings: &mut Vec<Finding>) -> Option<Tokens> {
        let code = match self.code() {
            Ok(code) => {
                findings.push(Ok(()));
                code
            }
            Err(why) => {
                findings.push(Err(why));
                return None;
            }
        };
        // What does not belong to the code neither gives anything nor spends it.
        let wrong = self
            .exchange(&code, &VERIFIER.replace('d', "e"), self.redirect_uri())
            .await;
        findings.push(wrong.and_then(|answer| refused(&answer, "invalid_grant")));
        let elsewhere = self.exchange(&code, VERIFIER, "https://elsewhere.example/cb").await;
        findings.push(elsewhere.and_then(|answer| refused(&answer, "invalid_grant")));
        let mut answer = match self.exchange(&code, VERIFIER, self.redirect_uri()).await {
            Ok(answer) => answer,
            Err(why) => {
                findings.push(Err(why));
                return None;
            }
        };
        if answer.member("access_token").is_empty() {
            // Some servers spend a code on its first wrong use, which is allowed.
            let again = match self.code() {
                Ok(again) => self.exchange(&again, VERIFIER, self.redirect_uri()).await,
                Err(why) => Err(why),
            };
            answer = match again {
                Ok(answer) => answer,
                Err(why) => {
                    findings.push(Err(why));
                    return None;
                }
            };
        }
        let told = answer.json();
        let access = answer.member("access_token");
        let bearer = answer.member("token_type").eq_ignore_ascii_case("bearer");
        findings.push(hold(!access.is_empty() && bearer && told["scope"].is_string(), || {
            format!("answered {} without token, type or scope", answer.status)
        }));
        if access.is_empty() {
            return None;
        }
        let uncached = answer.header(CACHE_CONTROL).contains("no-store") && answer.header(PRAGMA) == "no-cache";
        findings.push(hold(uncached, || {
            "Cache-Control: no-store and Pragma: no-cache are not both there".to_owned()
        }));
        let patient = answer.member("patient");
        findings.push(hold(!patient.is_empty(), || "no patient".to_owned()));
        let claims = self.id_token(&answer.member("id_token")).await;
        findings.push(claims.as_ref().map(|_| ()).map_err(Clone::clone));
        let user = claims.map(|claims| claims["fhirUser"].as_str().unwrap_or_default().to_owned());
        findings.push(user.and_then(|user| hold(user.contains("Patient/"), || format!("fhirUser is {user}"))));
        findings.push(self.within(told["scope"].as_str().unwrap_or_default()));
        findings.push(self.introspect(&access, true).await);
        let first = answer.member("refresh_token");
        let renewed = self.refresh(&first, None).await;
        let (mut access, mut refresh) = (access, first.clone());
        findings.push(renewed.and_then(|answer| {
            let (next, token) = (answer.member("refresh_token"), answer.member("access_token"));
            hold(!token.is_empty() && next != first, || {
                format!("answered {}", answer.status)
            })?;
            (access, refresh) = (token, next);
            Ok(())
        }));
        let more = format!("{} patient/*.rs user/*.rs", self.setting.arguments.scope);
        let wider = self.refresh(&refresh, Some(&more)).await;
        findings.push(wider.and_then(|answer| refused(&answer, "invalid_scope")));
        // From here on tokens end: others are needed for reading.
        let reading = self.for_reading().await;
        findings.push(reading.as_ref().map(|_| ()).map_err(Clone::clone));
        let (second, ended) = match self.twice().await {
            Ok(findings) => findings,
            Err(why) => (Err(why.clone()), Err(why)),
        };
        findings.push(second);
        findings.push(ended);
        let revoked = self.post("revocation_endpoint", &[("token", &refresh)]).await;
        findings.push(match revoked {
            Ok(answer) if answer.status.is_success() => self.introspect(&access, false).await,
            Ok(answer) => Err(format!("answered {}", answer.status)),
            Err(why) => Err(why),
        });
        let unknown = self.post("revocation_endpoint", &[("token", "not-a-token")]).await;
        findings.push(
            unknown.and_then(|answer| hold(answer.status.is_success(), || format!("answered {}", answer.status))),
        );
        let dead = self.refresh(&refresh, None).await;
        findings.push(dead.and_then(|answer| refused(&answer, "invalid_grant")));
        reading.ok()
    }

    /// Tokens of another authorization.
    async fn for_reading(&self) -> Result<Tokens, String> {
        let answer = self.exchange(&self.code()?, VERIFIER, self.redirect_uri()).await?;
        let (access, patient) = (answer.member("access_token"), answer.member("patient"));
        hold(!access.is_empty() && !patient.is_empty(), || {
            format!("answered {}", answer.status)
        })?;
        Ok(Tokens { access, patient })
    }

    /// A code that is shown twice: the second time it gives nothing, and what came of it the first time ends.
    async fn twice(&self) -> Result<(Finding, Finding), String> {
        let code = self.code()?;
        let first = self.exchange(&code, VERIFIER, self.redirect_uri()).await?;
        let access = first.member("access_token");
        hold(!access.is_empty(), || {
            format!("the first time answered {}", first.status)
        })?;
        let second = self.exchange(&code, VERIFIER, self.redirect_uri()).await?;
        Ok((refused(&second, "invalid_grant"), self.introspect(&access, false).await))
    }

    async fn introspect(&self, token: &str, active: bool) -> Finding {
        let answer = self.post("introspection_endpoint", &[("token", token)]).await?;
        let told = answer.json()["active"] == true;
        hold(answer.status == 200 && told == active, || format!("active is {told}"))
    }

    /// Granted scopes lie within those asked for: word by word, or by category of one asked for whole.
    fn within(&self, granted: &str) -> Finding {
        let asked: Vec<&str> = self.setting.arguments.scope.split(' ').collect();
        let more = granted.split(' ').find(|scope| {
            let whole = scope.split('?').next().unwrap_or_default();
            !asked.contains(scope) && !asked.contains(&whole)
        });
        more.map_or(Ok(()), |scope| Err(format!("{scope} was not asked for")))
    }

    async fn id_token(&self, token: &str) -> Result<Value, String> {
        let header = decode_header(token).map_err(|error| format!("no ID token: {error}"))?;
        if !matches!(
            header.alg,
            Algorithm::RS256 | Algorithm::ES256 | Algorithm::ES384 | Algorithm::RS384
        ) {
            return Err(format!("signed with {:?}", header.alg));
        }
        let answer = self.setting.client.get(self.facts.text("jwks_uri")).await?;
        let keys: JwkSet = serde_json::from_str(&answer.text).map_err(|_| "the published keys cannot be read")?;
        let kid = header.kid.ok_or("no kid")?;
        let key = DecodingKey::from_jwk(keys.find(&kid).ok_or("its key is not published")?)
            .map_err(|error| error.to_string())?;
        let mut validation = Validation::new(header.alg);
        validation.set_required_spec_claims(&["iss", "sub", "aud", "exp"]);
        validation.set_audience(&[self.client_id]);
        validation.set_issuer(&[self.facts.text("issuer")]);
        let claims = decode::<Value>(token, &key, &validation)
            .map_err(|error| error.to_string())?
            .claims;
        hold(claims["nonce"] == "a-nonce", || {
            "its nonce is not the one that was sent".to_owned()
        })?;
        hold(claims["sub"].as_str().is_some_and(|sub| !sub.is_empty()), || {
            "no sub".to_owned()
        })?;
        Ok(claims)
    }
}
