//! Every FHIR route crossed with who asks and how far their consent reaches. What a cell must answer is written down by rule,
//! never by recording; a route without a row fails.

mod askers;
mod whole;

use std::collections::BTreeSet;

use askers::{Asker, Thing, askers, keys, things};

use super::*;

/// The routes as they are declared, and with which method.
fn declared() -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for rest in include_str!("../../mod.rs").split(".route(").skip(1) {
        let (path, handlers) = rest.split_once(',').unwrap();
        let handlers = handlers.split("\n        .").next().unwrap();
        let path = path.trim().trim_matches('"').trim_start_matches("/fhir/r4/");
        for method in ["get", "post", "any"] {
            if handlers.contains(&format!("{method}(")) {
                found.insert((path.to_owned(), method.to_owned()));
            }
        }
    }
    found
}

/// The rows: every route but those that answer the same to everybody.
const ROWS: &[(&str, &str, Kind)] = &[
    ("Patient", "get", Kind::Search("Patient")),
    ("Patient/_search", "post", Kind::PostSearch("Patient")),
    ("Patient/{id}", "get", Kind::Read("Patient")),
    ("Observation", "get", Kind::Search("Observation")),
    ("Observation/_search", "post", Kind::PostSearch("Observation")),
    ("Observation/{id}", "get", Kind::Read("Observation")),
    ("Device", "get", Kind::Search("Device")),
    ("Device/_search", "post", Kind::PostSearch("Device")),
    ("Device/{id}", "get", Kind::Read("Device")),
    ("Provenance", "get", Kind::Search("Provenance")),
    ("Provenance/_search", "post", Kind::PostSearch("Provenance")),
    ("Provenance/{id}", "get", Kind::Read("Provenance")),
    ("Patient/{id}/$explain", "get", Kind::Explain),
    ("Patient/{id}/Observation", "get", Kind::Compartment("Observation")),
    ("Patient/{id}/Device", "get", Kind::Compartment("Device")),
    ("Consent", "get", Kind::Search("Consent")),
    ("Consent/_search", "post", Kind::PostSearch("Consent")),
    ("Consent/{id}", "get", Kind::Read("Consent")),
    ("Observation/$lastn", "get", Kind::Latest("get")),
    ("Observation/$lastn", "post", Kind::Latest("post")),
    ("Observation/$stats", "get", Kind::Statistics("get")),
    ("Observation/$stats", "post", Kind::Statistics("post")),
    ("Patient/{id}/$everything", "get", Kind::Everything("get")),
    ("Patient/{id}/$everything", "post", Kind::Everything("post")),
    ("Observation/{id}/_history", "get", Kind::History("Observation")),
    (
        "Observation/{id}/_history/{version}",
        "get",
        Kind::Version("Observation"),
    ),
    ("Patient/{id}/_history", "get", Kind::History("Patient")),
    ("Patient/{id}/_history/{version}", "get", Kind::Version("Patient")),
    ("Device/{id}/_history", "get", Kind::History("Device")),
    ("Device/{id}/_history/{version}", "get", Kind::Version("Device")),
    ("Provenance/{id}/_history", "get", Kind::History("Provenance")),
    ("Provenance/{id}/_history/{version}", "get", Kind::Version("Provenance")),
    ("Consent/{id}/_history", "get", Kind::History("Consent")),
    ("Consent/{id}/_history/{version}", "get", Kind::Version("Consent")),
    ("Patient/_history", "get", Kind::TypeHistory("Patient")),
    ("Observation/_history", "get", Kind::TypeHistory("Observation")),
    ("Device/_history", "get", Kind::TypeHistory("Device")),
    ("Provenance/_history", "get", Kind::TypeHistory("Provenance")),
    ("Consent/_history", "get", Kind::TypeHistory("Consent")),
    ("DocumentReference", "get", Kind::Search("DocumentReference")),
    (
        "DocumentReference/_search",
        "post",
        Kind::PostSearch("DocumentReference"),
    ),
    (
        "DocumentReference/_history",
        "get",
        Kind::TypeHistory("DocumentReference"),
    ),
    ("DocumentReference/{id}", "get", Kind::Read("DocumentReference")),
    (
        "DocumentReference/{id}/_history",
        "get",
        Kind::History("DocumentReference"),
    ),
    (
        "DocumentReference/{id}/_history/{version}",
        "get",
        Kind::Version("DocumentReference"),
    ),
    ("Binary/{id}", "get", Kind::Read("Binary")),
    ("DiagnosticReport", "get", Kind::Search("DiagnosticReport")),
    ("DiagnosticReport/_search", "post", Kind::PostSearch("DiagnosticReport")),
    (
        "DiagnosticReport/_history",
        "get",
        Kind::TypeHistory("DiagnosticReport"),
    ),
    ("DiagnosticReport/{id}", "get", Kind::Read("DiagnosticReport")),
    (
        "DiagnosticReport/{id}/_history",
        "get",
        Kind::History("DiagnosticReport"),
    ),
    (
        "DiagnosticReport/{id}/_history/{version}",
        "get",
        Kind::Version("DiagnosticReport"),
    ),
    ("QuestionnaireResponse", "get", Kind::Search("QuestionnaireResponse")),
    (
        "QuestionnaireResponse/_search",
        "post",
        Kind::PostSearch("QuestionnaireResponse"),
    ),
    (
        "QuestionnaireResponse/_history",
        "get",
        Kind::TypeHistory("QuestionnaireResponse"),
    ),
    ("QuestionnaireResponse/{id}", "get", Kind::Read("QuestionnaireResponse")),
    (
        "QuestionnaireResponse/{id}/_history",
        "get",
        Kind::History("QuestionnaireResponse"),
    ),
    (
        "QuestionnaireResponse/{id}/_history/{version}",
        "get",
        Kind::Version("QuestionnaireResponse"),
    ),
];

/// Routes that hold nothing of anybody.
const OPEN: &[(&str, &str)] = &[
    ("metadata", "get"),
    ("{*rest}", "any"),
    ("CodeSystem", "get"),
    ("CodeSystem/_search", "post"),
    ("CodeSystem/{id}", "get"),
    ("StructureDefinition", "get"),
    ("StructureDefinition/_search", "post"),
    ("StructureDefinition/{id}", "get"),
    ("ValueSet", "get"),
    ("ValueSet/_search", "post"),
    ("ValueSet/{id}", "get"),
];

#[derive(Clone, Copy)]
enum Kind {
    Search(&'static str),
    PostSearch(&'static str),
    /// A search below the first resident.
    Compartment(&'static str),
    Read(&'static str),
    /// All versions of one.
    History(&'static str),
    /// All versions of all of a type.
    TypeHistory(&'static str),
    /// The present version of one, by its number.
    Version(&'static str),
    /// The latest of a code.
    Latest(&'static str),
    /// What numbers of a code come to.
    Statistics(&'static str),
    /// The patient and all that is theirs.
    Everything(&'static str),
    /// Of the patient, about a category.
    Explain,
}

impl Kind {
    fn resource(self) -> &'static str {
        match self {
            Self::Search(resource)
            | Self::PostSearch(resource)
            | Self::Compartment(resource)
            | Self::Read(resource)
            | Self::History(resource)
            | Self::TypeHistory(resource)
            | Self::Version(resource) => resource,
            Self::Latest(_) => "Observation",
            Self::Statistics(_) | Self::Everything(_) | Self::Explain => "Parameters",
        }
    }
}

#[test]
fn every_route_has_its_row() {
    let rows: BTreeSet<(String, String)> = ROWS
        .iter()
        .map(|(path, method, _)| (*path, *method))
        .chain(OPEN.iter().copied())
        .map(|(path, method)| (path.to_owned(), method.to_owned()))
        .collect();
    assert_eq!(declared(), rows);
}

/// An operation's method, address and form.
fn operation<'a>(method: &str, path: &str, query: &'a str) -> (Method, String, &'a str) {
    match method {
        "post" => (Method::POST, path.to_owned(), query),
        _ => (Method::GET, format!("{path}?{query}"), ""),
    }
}

/// Sends what an asker asks of one kind of route; the answer, and whether the resource with this id was in it.
async fn send(world: &World, asker: &Asker, kind: Kind, id: &str, query: &str) -> (Answer, bool) {
    let resource = kind.resource();
    let (method, path, body) = match kind {
        // As a resource; the bytes themselves are no JSON.
        Kind::Read("Binary") => (Method::GET, format!("{resource}/{id}?_format=json"), ""),
        Kind::Read(_) => (Method::GET, format!("{resource}/{id}"), ""),
        Kind::History(_) => (Method::GET, format!("{resource}/{id}/_history"), ""),
        Kind::TypeHistory(_) => (Method::GET, format!("{resource}/_history?_count=1000"), ""),
        Kind::Version(_) => {
            // Whoever may not read it names the first.
            let read = Box::pin(send(world, asker, Kind::Read(resource), id, query)).await.0;
            let version = read.body["meta"]["versionId"].as_str().unwrap_or("1").to_owned();
            (Method::GET, format!("{resource}/{id}/_history/{version}"), "")
        }
        Kind::Search(_) => (Method::GET, format!("{resource}?{query}"), ""),
        Kind::Compartment(_) => {
            let patient = world.state.pairwise.of(asker.recipient).patient(world.person);
            (Method::GET, format!("Patient/{patient}/{resource}?{query}"), "")
        }
        Kind::PostSearch(_) => (Method::POST, format!("{resource}/_search"), query),
        Kind::Explain => (Method::GET, format!("Patient/{id}/$explain?{query}"), ""),
        Kind::Latest(method) => operation(method, "Observation/$lastn", query),
        Kind::Statistics(method) => operation(method, "Observation/$stats", query),
        Kind::Everything(method) => operation(method, &format!("Patient/{id}/$everything"), query),
    };
    let mut request = request(method, &path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    if let Some(authorization) = &asker.authorization {
        request = request.header(header::AUTHORIZATION, authorization);
    }
    let answer = world.send(request.body(Body::from(body.to_owned()))).await;
    let versions = answer.body["entry"].as_array().into_iter().flatten();
    let in_history = versions
        .filter(|entry| entry["request"].is_object())
        .any(|entry| entry["resource"]["id"] == id);
    let shown = in_history
        || answer.body["id"] == id
        || ids(std::slice::from_ref(&answer.body)).iter().any(|shown| shown == id);
    (answer, shown)
}

/// What a cell answered: its status, and whether the thing was in it.
async fn ask(world: &World, asker: &Asker, kind: Kind, thing: &Thing, key: model::RecordKey) -> (StatusCode, bool) {
    let outward = world.state.pairwise.of(asker.recipient);
    let id = outward.id(key);
    let query = match thing.resource {
        "Provenance" => {
            let observed = match key.kind {
                model::RecordKind::DayProvenance => model::RecordKind::Total,
                _ if thing.code == "sleep_session" => model::RecordKind::Session,
                _ => model::RecordKind::Sample,
            };
            format!(
                "target=Observation/{}",
                outward.id(model::RecordKey { kind: observed, ..key })
            )
        }
        _ if matches!(kind, Kind::Latest(_)) => thing.query().replace("_count=1000", "max=100"),
        _ => thing.query(),
    };
    let (answer, shown) = send(world, asker, kind, &id, &query).await;
    // The links of a Bundle repeat what was asked.
    let says_nothing = !answer.body.to_string().contains(&id) || answer.body["resourceType"] == "Bundle";
    assert!(
        shown || says_nothing,
        "{}: {thing:?} is named where it is not given",
        asker.name
    );
    (answer.status, shown)
}

/// What a cell must answer, by rule.
fn expected(asker: &Asker, kind: Kind, thing: &Thing) -> (StatusCode, bool) {
    // Computed days are told without their code only to whom they are the finest that is given.
    let is_told = match kind {
        Kind::TypeHistory(_) => {
            thing.detail == Detail::Raw || thing.code == "sleep_session" || asker.detail == thing.detail
        }
        _ => true,
    };
    let given = asker.is_given(thing) && is_told;
    let status = match kind {
        _ if !asker.lives => StatusCode::UNAUTHORIZED,
        // A whole type outside the scopes is refused before anything is looked for.
        _ if !asker.reaches(thing.resource) => StatusCode::FORBIDDEN,
        // An id outside scope or consent is as one that never was.
        Kind::Read(_) | Kind::History(_) | Kind::Version(_) if given => StatusCode::OK,
        Kind::Read(_) | Kind::History(_) | Kind::Version(_) | Kind::Explain => StatusCode::NOT_FOUND,
        // A code outside the scopes is refused by name.
        Kind::Search(_) | Kind::PostSearch(_) | Kind::Compartment(_) | Kind::Latest(_)
            if thing.resource == "Observation" && !asker.is_in_scope(thing) =>
        {
            StatusCode::FORBIDDEN
        }
        Kind::Search(_) | Kind::PostSearch(_) | Kind::Compartment(_) | Kind::Latest(_) | Kind::TypeHistory(_) => {
            StatusCode::OK
        }
        Kind::Statistics(_) | Kind::Everything(_) => unreachable!("of no one thing"),
    };
    (status, given)
}

#[tokio::test]
async fn every_thing_by_every_route_to_every_asker_is_given_by_rule() {
    let world = World::new().await;
    let (things, keys, askers) = (things(), keys(&world).await, askers(&world).await);
    let mut cells = 0;
    for asker in &askers {
        for (thing, key) in things.iter().zip(&keys) {
            for &(path, _, kind) in ROWS {
                if kind.resource() != thing.resource {
                    continue;
                }
                let answered = ask(&world, asker, kind, thing, *key).await;
                assert_eq!(
                    answered,
                    expected(asker, kind, thing),
                    "{}: {path} of {thing:?}",
                    asker.name
                );
                cells += 1;
            }
        }
    }
    let observations = things.iter().filter(|thing| thing.resource == "Observation").count();
    assert_eq!(cells, askers.len() * (things.len() * 6 + observations * 3));
}

#[tokio::test]
async fn of_an_erased_person_nothing_is_given_by_any_route() {
    let world = World::new().await;
    let (things, keys) = (things(), keys(&world).await);
    let mut all = askers(&world).await;
    let place = all.iter().position(|asker| asker.name == "all, raw").unwrap();
    let mut asker = all.swap_remove(place);
    world.state.store.erase_person(world.person).await.unwrap();
    asker.lives = false;
    for (thing, key) in things.iter().zip(&keys) {
        for &(path, _, kind) in ROWS {
            if kind.resource() == thing.resource {
                let answered = ask(&world, &asker, kind, thing, *key).await;
                assert_eq!(answered, expected(&asker, kind, thing), "{path} of {thing:?}");
            }
        }
    }
}
