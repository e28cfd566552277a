//! Every route of the residents' and the operators' pages crossed with who asks: nobody, the resident whose it is, another
//! resident, an operator of the organisation, an operator of another. What a cell must answer is written down by rule, never by
//! recording; a route without its row fails.

use axum::http::StatusCode;
use consent::{OwnAccess, Relationship};
use store::{
    Actor, LinkTokens, NewDelegation, NewLink, NewOrganisation, NewPerson, NewRepresentation, OrganisationKind,
    RequestKind,
};

use super::consents::tests::shared;
use crate::sign_in::testing::{Answer, Browser, Gateway};

/// Where routes are declared.
const DECLARED: [&str; 2] = [include_str!("mod.rs"), include_str!("../operator/mod.rs")];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Get,
    Post,
}

/// Whom a route serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// Everybody alike.
    Open,
    /// A resident, their own things.
    Own,
    /// A resident, one thing of theirs by its id.
    OwnById,
    /// A resident, for themselves whomever they act for: how they stop acting.
    Leaving,
    /// An operator, their organisation's things.
    Office,
    /// An operator, one thing of their organisation by its id.
    OfficeById,
}

use Method::{Get, Post};
use Rule::{Leaving, Office, OfficeById, Open, Own, OwnById};

/// As it is declared; method; an address, `{consent}`, `{receipt}`, `{recipient}` and `{request}` filled in; whom it serves.
const ROWS: [(&str, Method, &str, Rule); 53] = [
    ("\"/\"", Get, "/", Open),
    ("PATH", Get, "/portal", Own),
    ("\"/portal/explain\"", Get, "/portal/explain", Own),
    ("\"/portal/consents/{id}\"", Get, "/portal/consents/{consent}", OwnById),
    (
        "\"/portal/consents/{id}/withdraw\"",
        Post,
        "/portal/consents/{consent}/withdraw",
        OwnById,
    ),
    (
        "\"/portal/consents/{id}/undo\"",
        Post,
        "/portal/consents/{consent}/undo",
        OwnById,
    ),
    (
        "\"/portal/consents/{id}/narrow\"",
        Post,
        "/portal/consents/{consent}/narrow",
        OwnById,
    ),
    (
        "\"/portal/consents/{id}/receipts/{number}\"",
        Get,
        "/portal/consents/{consent}/receipts/{receipt}",
        OwnById,
    ),
    (
        "\"/portal/consents/{id}/receipts/{number}/signed\"",
        Get,
        "/portal/consents/{consent}/receipts/{receipt}/signed",
        OwnById,
    ),
    (
        "\"/portal/consents/{id}/again\"",
        Get,
        "/portal/consents/{consent}/again",
        OwnById,
    ),
    (
        "\"/portal/consents/{id}/again\"",
        Post,
        "/portal/consents/{consent}/again",
        OwnById,
    ),
    ("people::PATH", Get, "/portal/people", Own),
    ("ACT_FOR", Post, "/portal/act-for", Leaving),
    (
        "\"/portal/people/{id}/end\"",
        Post,
        "/portal/people/{right}/end",
        OwnById,
    ),
    ("phones::PATH", Get, "/portal/phones", Own),
    ("phones::PATH", Post, "/portal/phones", Own),
    (
        "\"/portal/phones/{id}/end\"",
        Post,
        "/portal/phones/{phone}/end",
        OwnById,
    ),
    ("links::PATH", Get, "/portal/links", Own),
    (
        "\"/portal/links/{id}/{act}\"",
        Post,
        "/portal/links/{link}/hold",
        OwnById,
    ),
    (
        "\"/portal/links/{id}/{act}\"",
        Post,
        "/portal/links/{link}/resume",
        OwnById,
    ),
    (
        "\"/portal/links/{id}/{act}\"",
        Post,
        "/portal/links/{link}/end",
        OwnById,
    ),
    (
        "\"/portal/delegations/{id}/end\"",
        Post,
        "/portal/delegations/{delegation}/end",
        OwnById,
    ),
    (
        "\"/portal/feeds/{id}/{act}\"",
        Post,
        "/portal/feeds/{account}/end",
        OwnById,
    ),
    (
        "\"/portal/feeds/{id}/{act}\"",
        Post,
        "/portal/feeds/{account}/resume",
        OwnById,
    ),
    ("steps::PATH", Get, "/portal/steps", Own),
    ("checkups::PATH", Get, "/portal/checkups", Own),
    ("checkups::PATH", Post, "/portal/checkups", Own),
    (
        "\"/portal/checkups/{number}\"",
        Get,
        "/portal/checkups/{checkup}",
        OwnById,
    ),
    (
        "\"/portal/checkups/{number}/document\"",
        Get,
        "/portal/checkups/{document}/document",
        OwnById,
    ),
    (
        "\"/portal/checkups/{number}/fhir\"",
        Get,
        "/portal/checkups/{document}/fhir",
        OwnById,
    ),
    (
        "\"/portal/checkups/{number}/take-back\"",
        Post,
        "/portal/checkups/{checkup}/take-back",
        OwnById,
    ),
    ("requests::PATH", Get, "/portal/requests", Own),
    ("requests::PATH", Post, "/portal/requests", Own),
    (
        "\"/portal/requests/{id}/take-back\"",
        Post,
        "/portal/requests/{request}/take-back",
        OwnById,
    ),
    ("\"/portal/style.css\"", Get, "/portal/style.css", Open),
    ("\"/language/{tag}\"", Get, "/language/en", Open),
    ("upload::PATH", Get, "/portal/upload", Own),
    ("upload::PATH", Post, "/portal/upload", Own),
    ("upload::STATE", Get, "/portal/upload/state", Own),
    ("upload::SCRIPT", Get, "/portal/upload.js", Open),
    ("PATH", Get, "/operator", Office),
    (
        "\"/operator/recipients/{id}/{act}\"",
        Post,
        "/operator/recipients/{recipient}/approve",
        OfficeById,
    ),
    (
        "\"/operator/recipients/{id}/{act}\"",
        Post,
        "/operator/recipients/{recipient}/block",
        OfficeById,
    ),
    (
        "\"/operator/recipients/{id}/{act}\"",
        Post,
        "/operator/recipients/{recipient}/returned",
        OfficeById,
    ),
    (
        "\"/operator/messages/{id}/again\"",
        Post,
        "/operator/messages/1/again",
        OfficeById,
    ),
    ("\"/operator/acts\"", Get, "/operator/acts", Office),
    ("pages::requests::PATH", Get, "/operator/requests", Office),
    (
        "\"/operator/requests/{id}\"",
        Post,
        "/operator/requests/{request}",
        OfficeById,
    ),
    ("\"/operator/sign-in\"", Get, "/operator/sign-in", Open),
    ("CALLBACK", Get, "/operator/callback", Open),
    ("\"/operator/sign-out\"", Post, "/operator/sign-out", Open),
    // Named twice: a resident's things, asked for with a language or a page in the address.
    ("PATH", Get, "/portal?before=1", Own),
    ("steps::PATH", Get, "/portal/steps?span=month&day=2026-05-10", Own),
];

/// What is declared: the first argument of each `.route(…)`, and its methods.
fn declared() -> Vec<(String, Method)> {
    let mut found = Vec::new();
    for file in DECLARED {
        for rest in file.split(".route(").skip(1) {
            let (path, handlers) = rest.split_once(',').unwrap();
            let handlers = handlers.split("\n        .").next().unwrap();
            for (word, method) in [("get(", Get), ("post(", Post)] {
                if handlers.contains(word) {
                    found.push((path.trim().to_owned(), method));
                }
            }
        }
    }
    found
}

#[test]
fn every_route_of_the_pages_has_its_row() {
    let declared = declared();
    assert!(declared.len() >= 25, "{declared:?}");
    for (path, method) in &declared {
        let has_row = ROWS.iter().any(|(known, of, ..)| known == path && of == method);
        assert!(has_row, "{method:?} {path} has no row: say by which rule it answers");
    }
    for (path, method, ..) in ROWS {
        assert!(
            declared.contains(&(path.to_owned(), method)),
            "{method:?} {path} is no route any more"
        );
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asker {
    Nobody,
    Owner,
    OtherResident,
    /// A guardian of the owner, who acts for them.
    Guardian,
    /// Somebody the owner named, who acts for them and may only see.
    SeeingProxy,
    /// A guardian whose right was ended while they acted.
    FormerGuardian,
    Operator,
    OtherOperator,
}

const ASKERS: [(Asker, &str); 8] = [
    (Asker::Nobody, ""),
    (Asker::Owner, "hanako"),
    (Asker::OtherResident, "jiro"),
    (Asker::Guardian, "saburo"),
    (Asker::SeeingProxy, "shiro"),
    (Asker::FormerGuardian, "goro"),
    (Asker::Operator, "operator"),
    (Asker::OtherOperator, "other-operator"),
];

/// What a cell answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    /// To sign in, and nothing else.
    SignIn,
    /// As everybody.
    Anything,
    /// A page, with the owner's things or without any.
    Page { theirs: bool },
    /// As what does not exist.
    NotFound,
    /// They may see, but not decide.
    OnlySees,
    /// The form is not of this session.
    Foreign,
}

/// The rule. `forged`: the form carries another session's token.
fn expected(rule: Rule, method: Method, asker: Asker, forged: bool) -> Expected {
    let (is_served, is_owner) = match rule {
        Open => return Expected::Anything,
        Own | OwnById | Leaving => (
            !matches!(asker, Asker::Nobody | Asker::Operator | Asker::OtherOperator),
            matches!(asker, Asker::Owner | Asker::Guardian | Asker::SeeingProxy),
        ),
        Office | OfficeById => (
            matches!(asker, Asker::Operator | Asker::OtherOperator),
            asker == Asker::Operator,
        ),
    };
    match (rule, method) {
        _ if !is_served => Expected::SignIn,
        (Own | OwnById, Post) if asker == Asker::SeeingProxy => Expected::OnlySees,
        (_, Post) if forged => Expected::Foreign,
        (OwnById | OfficeById, _) if !is_owner => Expected::NotFound,
        (_, Post) => Expected::Anything,
        (_, Get) => Expected::Page { theirs: is_owner },
    }
}

/// What is the owner's, or their organisation's, and nobody else's.
const MARKS: [&str; 3] = ["関所 花子", "花子の頼み", "歩数を渡します"];

fn held(answer: &Answer, base: &str, rule: Rule, expected: Expected) -> Result<(), String> {
    let marks = MARKS.iter().any(|mark| answer.body.contains(mark));
    let wrong = |why: &str| Err(format!("{why}: {} {}", answer.status, answer.body));
    match expected {
        Expected::Anything => Ok(()),
        Expected::SignIn => {
            let to = if matches!(rule, Own | OwnById | Leaving) {
                "/sign-in?"
            } else {
                "/operator/sign-in"
            };
            let there = answer.headers.contains_key("location").then(|| answer.location(base));
            match there {
                Some(there) if there.starts_with(to) && !marks => Ok(()),
                _ => wrong("must be sent to sign in"),
            }
        }
        Expected::Page { theirs: true } if answer.status == StatusCode::OK => Ok(()),
        Expected::Page { theirs: false } if answer.status == StatusCode::OK && !marks => Ok(()),
        Expected::Page { .. } => wrong("must be a page of their own"),
        Expected::NotFound if answer.status == StatusCode::NOT_FOUND && !marks => Ok(()),
        Expected::NotFound => wrong("must be as what does not exist"),
        Expected::OnlySees if answer.status == StatusCode::FORBIDDEN && sees_only(&answer.body) => Ok(()),
        Expected::OnlySees => wrong("must say that they may only see"),
        Expected::Foreign if answer.status == StatusCode::FORBIDDEN && !marks => Ok(()),
        Expected::Foreign => wrong("must be refused"),
    }
}

fn sees_only(body: &str) -> bool {
    ["見ることだけ", "but not decide"]
        .iter()
        .any(|text| body.contains(text))
}

/// Hanako has a consent and a request; jiro has nothing; each organisation has an operator.
async fn world() -> (Gateway, Vec<(&'static str, String)>) {
    let (gateway, consent) = shared().await;
    let store = &gateway.state.store;
    let jiro = store.create_person(NewPerson::default()).await.unwrap();
    store.link_identity(jiro, &gateway.issuer, "sub-2").await.unwrap();
    let own = OwnAccess::of_signed_in(consent.person);
    let request = store
        .file_request(&own, RequestKind::Correction, "花子の頼み")
        .await
        .unwrap();
    let first = store.organisations().await.unwrap()[0].id;
    let second = store
        .create_organisation(NewOrganisation {
            name: "となり市".to_owned(),
            kind: OrganisationKind::Municipality,
        })
        .await
        .unwrap();
    for (organisation, subject, name) in [(first, "sub-3", "担当 一"), (second, "sub-4", "担当 二")] {
        store
            .create_operator(organisation, name, &gateway.issuer, subject)
            .await
            .unwrap();
    }
    // The recipient explains itself anew, so that the page of that has something to show.
    let called = store::Bilingual {
        ja: "新しいポイント".to_owned(),
        en: "New points".to_owned(),
    };
    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    store
        .set_template(
            consent.recipient,
            &consent.purpose,
            called,
            store::Template::default(),
            true,
            Actor::CommandLine,
        )
        .await
        .unwrap();
    store
        .begin_pairing(&own, [7; 32], model::UtcMillis::LATEST)
        .await
        .unwrap();
    let phone = store
        .pair([7; 32], [8; 32], "花子の頼みのスマホ".to_owned())
        .await
        .unwrap();
    let link = NewLink {
        vendor: "nobody".to_owned(),
        account: "花子の頼み".to_owned(),
        scopes: Vec::new(),
        zone: None,
        tokens: LinkTokens {
            access: "花子の頼み".to_owned(),
            refresh: None,
            expires: 0,
        },
        continues: None,
    };
    let link = store.connect_link(&own, link).await.unwrap();
    let delegation = NewDelegation {
        vendor: "nobody".to_owned(),
        reader: consent.person,
        handle: [9; 32],
        browser: [9; 32],
        until: model::UtcMillis::LATEST,
    };
    let delegation = store.begin_delegation(&own, delegation).await.unwrap();
    let feed = store::Feed {
        organisation: model::OrganisationId(1),
        vendor: "omron-b2b".to_owned(),
    };
    store
        .know_feed_account(&feed, "花子の頼み".to_owned(), consent.person, Actor::CommandLine)
        .await
        .unwrap();
    let account = store.own_feed_accounts(&own).await.unwrap()[0].id;
    let [document, checkup] = [2024, 2025].map(|year| {
        let mut made = adapters::checkup::synthetic::MadeUp::of(1)
            .known_as("関所 花子", None, None)
            .checkup(year);
        if year == 2025 {
            made = model::checkup::Checkup::declared(made.event(), made.day, made.day, made.findings);
        }
        made
    });
    let (bringing, person) = (store.clone(), consent.person);
    let bring = move || {
        let start = store::BatchStart {
            adapter: "checkup".to_owned(),
            mapping_version: 1,
        };
        let mut import = bringing.begin_import(person, start).unwrap();
        let source = model::Source {
            key: "checkup".to_owned(),
            ..model::Source::default()
        };
        let source = import.source(&source).unwrap();
        import.checkup(source, document, "花子の頼み".into()).unwrap();
        import.checkup(source, checkup, Vec::new()).unwrap();
        import.finish().unwrap();
    };
    tokio::task::spawn_blocking(bring).await.unwrap();
    let mut rights = Vec::new();
    for (subject, relationship, decides) in [
        ("sub-5", Relationship::Guardian, true),
        ("sub-6", Relationship::Proxy, false),
        ("sub-7", Relationship::Guardian, true),
    ] {
        let actor = store.create_person(NewPerson::default()).await.unwrap();
        store.link_identity(actor, &gateway.issuer, subject).await.unwrap();
        let right = NewRepresentation {
            person: consent.person,
            actor,
            relationship,
            decides,
            until: None,
            document: "書類".to_owned(),
        };
        rights.push(store.add_representation(right, Actor::CommandLine).await.unwrap());
    }
    let ids = vec![
        ("{person}", consent.person.0.to_string()),
        ("{right}", rights[0].to_string()),
        ("{ended}", rights[2].to_string()),
        ("{consent}", consent.id.0.to_string()),
        ("{receipt}", format!("{}-1", consent.id)),
        ("{recipient}", consent.recipient.to_string()),
        ("{request}", request.to_string()),
        ("{phone}", phone.unwrap().id.to_string()),
        ("{link}", link.id.to_string()),
        ("{delegation}", delegation.id.to_string()),
        ("{account}", account.to_string()),
        ("{document}", "1".to_owned()),
        ("{checkup}", "2".to_owned()),
    ];
    (gateway, ids)
}

async fn signed_in<'a>(gateway: &'a Gateway, asker: Asker, login: &str, owner: &str) -> (Browser<'a>, String) {
    let mut browser = gateway.browser();
    let home = match asker {
        Asker::Nobody => return (browser, String::new()),
        Asker::Operator | Asker::OtherOperator => {
            browser.sign_in_operator(login).await;
            "/operator"
        }
        _ => {
            browser.sign_in(login, "/portal").await;
            "/portal"
        }
    };
    let csrf = browser.get(home).await.field("csrf");
    if matches!(asker, Asker::Guardian | Asker::SeeingProxy | Asker::FormerGuardian) {
        let form = [("csrf", csrf.as_str()), ("person", owner)];
        let form = form.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(
            browser.post("/portal/act-for", &form).await.location(&gateway.base),
            "/portal"
        );
    }
    (browser, csrf)
}

#[tokio::test]
async fn every_page_answers_every_asker_by_rule() {
    let (gateway, ids) = world().await;
    let mut browsers = Vec::new();
    let id = |wanted: &str| ids.iter().find(|(name, _)| *name == wanted).unwrap().1.clone();
    for (asker, login) in ASKERS {
        browsers.push((asker, signed_in(&gateway, asker, login, &id("{person}")).await));
    }
    let ended = id("{ended}").parse().unwrap();
    let by = Actor::CommandLine;
    gateway.state.store.end_representation(ended, by).await.unwrap();
    let tokens: Vec<String> = browsers.iter().map(|(_, (_, csrf))| csrf.clone()).collect();
    let mut cells = 0;
    for (_, method, path, rule) in ROWS {
        let path = ids
            .iter()
            .fold(path.to_owned(), |path, (name, id)| path.replace(name, id));
        for (place, (asker, (browser, csrf))) in browsers.iter_mut().enumerate() {
            // What would change anything for who may change it is tested where it is written; here for who may not.
            let foreign = tokens.iter().enumerate().filter(|(of, _)| *of != place);
            let mut forms: Vec<(String, bool)> = foreign.map(|(_, token)| (token.clone(), true)).collect();
            forms.push((String::new(), true));
            if expected(rule, method, *asker, false) == Expected::NotFound {
                forms.push((csrf.clone(), false));
            }
            if method == Get || rule == Open {
                forms = vec![(String::new(), false)];
            }
            for (token, forged) in forms {
                let answer = match method {
                    Get => browser.get(&path).await,
                    Post if rule == Open => continue,
                    Post => browser.post(&path, &[("csrf".to_owned(), token)]).await,
                };
                let expected = expected(rule, method, *asker, forged);
                if let Err(why) = held(&answer, &gateway.base, rule, expected) {
                    panic!("{method:?} {path} by {asker:?}: {why}");
                }
                cells += 1;
            }
        }
    }
    assert!(cells > 200, "{cells}");
    // Who begins to connect changes something, though it is a link.
    for (asker, (browser, _)) in &mut browsers {
        for path in [
            "/portal/links/nobody/connect",
            "/portal/links/callback?state=x&code=y",
            "/portal/delegations/nobody/begin",
            "/portal/delegations/return?state=x",
        ] {
            let answer = browser.get(path).await;
            let as_expected = match asker {
                Asker::Nobody | Asker::Operator | Asker::OtherOperator => {
                    answer.location(&gateway.base).starts_with("/sign-in?")
                }
                Asker::SeeingProxy => sees_only(&answer.body),
                _ => answer.status.is_client_error(),
            };
            assert!(as_expected, "{path} by {asker:?}: {} {}", answer.status, answer.body);
        }
    }
    // Nobody changed anything: the consent still stands, the request is still open.
    let (_, (owner, _)) = &mut browsers[1];
    assert!(owner.get("/portal").await.body.contains("button stop"));
    assert!(owner.get("/portal/requests").await.body.contains("take-back"));
}
