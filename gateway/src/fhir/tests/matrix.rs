//! Every FHIR route crossed with who asks and how far their consent reaches. What a cell must answer is written down by rule,
//! never by recording; a route without a row fails.

use std::collections::BTreeSet;

use super::*;

/// The routes as they are declared, and with which method.
fn declared() -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for rest in include_str!("../mod.rs").split(".route(").skip(1) {
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

/// Something of the first resident.
#[derive(Clone, Copy, Debug)]
struct Thing {
    resource: &'static str,
    category: ConsentCategory,
    detail: Detail,
    /// The day that it is of; `None` where days play no part.
    day: Option<&'static str>,
    /// Finds it.
    code: &'static str,
}

impl Thing {
    /// Finds it, and on its day nothing else of its code that comes before it.
    fn query(&self) -> String {
        // A night begins on the day before the one that it is of.
        let is_of_a_day = !matches!(self.detail, Detail::Weekly | Detail::Monthly);
        let date = match self.day {
            Some(day) if self.category != ConsentCategory::Sleep && is_of_a_day => format!("&date={day}"),
            _ => String::new(),
        };
        format!("code={}{date}&_count=1000", self.code)
    }
}

/// One of each kind, on each of the two days where there are two.
fn things() -> Vec<Thing> {
    let thing = |category, detail, day, code| Thing {
        resource: "Observation",
        category,
        detail,
        day: Some(day),
        code,
    };
    let mut things = Vec::new();
    for day in ["2024-05-10", "2024-05-11"] {
        things.extend([
            thing(ConsentCategory::Heart, Detail::Raw, day, "heart_rate"),
            thing(ConsentCategory::Heart, Detail::Daily, day, "daily_heart_rate"),
            thing(ConsentCategory::Activity, Detail::Raw, day, "step_count"),
            thing(ConsentCategory::Activity, Detail::Daily, day, "daily_step_count"),
            thing(ConsentCategory::Activity, Detail::Event, day, "event_step_count"),
            thing(ConsentCategory::Heart, Detail::Event, day, "event_heart_rate"),
        ]);
    }
    // The week from Monday, 6 May, and the month of May: each is of its first day.
    things.extend([
        thing(
            ConsentCategory::Activity,
            Detail::Weekly,
            "2024-05-06",
            "weekly_step_count",
        ),
        thing(
            ConsentCategory::Heart,
            Detail::Weekly,
            "2024-05-06",
            "weekly_heart_rate",
        ),
        thing(
            ConsentCategory::Activity,
            Detail::Monthly,
            "2024-05-01",
            "monthly_step_count",
        ),
        thing(
            ConsentCategory::Heart,
            Detail::Monthly,
            "2024-05-01",
            "monthly_heart_rate",
        ),
    ]);
    things.push(thing(
        ConsentCategory::Sleep,
        Detail::Daily,
        "2024-05-10",
        "sleep_session",
    ));
    things.push(thing(ConsentCategory::Body, Detail::Raw, "2024-05-10", "body_weight"));
    // An event has no Provenance: how it came about would tell more than that it took place.
    let observations: Vec<Thing> = things
        .iter()
        .copied()
        .filter(|thing| thing.detail != Detail::Event)
        .collect();
    things.extend(observations.into_iter().map(|thing| Thing {
        resource: "Provenance",
        ..thing
    }));
    things
}

/// Whether scopes reach a category of a type.
type Scoped = fn(&str, ConsentCategory) -> bool;

/// Who asks.
struct Asker {
    name: String,
    /// The header that they show.
    authorization: Option<String>,
    /// Whose ids they use: the outward ids of this recipient.
    recipient: RecipientId,
    /// False where the token opens nothing at all.
    lives: bool,
    /// True when the token is of another person than the one whose ids are asked for.
    of_another: bool,
    categories: Vec<ConsentCategory>,
    detail: Detail,
    from: Option<&'static str>,
    scoped: Scoped,
}

impl Asker {
    /// By rule: a thing passes when the token lives, is of its person, and scope and consent both reach it.
    fn is_given(&self, thing: &Thing) -> bool {
        self.lives
            && !self.of_another
            && self.is_in_scope(thing)
            && self.categories.contains(&thing.category)
            && self.detail.includes(thing.detail)
            && self.from.is_none_or(|from| thing.day.is_none_or(|day| day >= from))
    }

    /// True when scopes reach anything of a type.
    fn reaches(&self, resource: &str) -> bool {
        ConsentCategory::ALL
            .iter()
            .any(|category| (self.scoped)(resource, *category))
    }

    fn is_in_scope(&self, thing: &Thing) -> bool {
        (self.scoped)(thing.resource, thing.category) && (self.scoped)("Observation", thing.category)
    }
}

async fn askers(world: &World) -> Vec<Asker> {
    const HEART: &str =
        "patient/Observation.rs?category=https://sekisho.example/fhir/CodeSystem/consent-category|heart";
    let all = ConsentCategory::ALL.to_vec();
    let everything: Scoped = |_, _| true;
    let heart_alone: Scoped = |resource, category| resource == "Observation" && category == ConsentCategory::Heart;
    let second_day = LocalDay::parse("2024-05-11");
    let another = world.somebody_else().await;
    let reach: Vec<(&str, Given<'_>, Scoped)> = vec![
        (
            "expired",
            Given {
                // Long enough to be given, short enough to wait for.
                expires: Some(world.state.clock.now().plus(1_000)),
                ..Given::default()
            },
            everything,
        ),
        ("all, raw", Given::default(), everything),
        (
            "all, daily",
            Given {
                detail: Detail::Daily,
                ..Given::default()
            },
            everything,
        ),
        (
            "heart",
            Given {
                categories: &[ConsentCategory::Heart],
                ..Given::default()
            },
            everything,
        ),
        (
            "activity, daily",
            Given {
                categories: &[ConsentCategory::Activity],
                detail: Detail::Daily,
                ..Given::default()
            },
            everything,
        ),
        (
            "all, weekly",
            Given {
                detail: Detail::Weekly,
                ..Given::default()
            },
            everything,
        ),
        (
            "all, monthly",
            Given {
                detail: Detail::Monthly,
                ..Given::default()
            },
            everything,
        ),
        (
            "all, events",
            Given {
                detail: Detail::Event,
                ..Given::default()
            },
            everything,
        ),
        (
            "sleep",
            Given {
                categories: &[ConsentCategory::Sleep],
                ..Given::default()
            },
            everything,
        ),
        (
            "from the second day",
            Given {
                from: second_day,
                ..Given::default()
            },
            everything,
        ),
        (
            "the scope of heart",
            Given {
                scopes: HEART,
                ..Given::default()
            },
            heart_alone,
        ),
        (
            "the scope of heart, sleep agreed to",
            Given {
                scopes: HEART,
                categories: &[ConsentCategory::Sleep],
                ..Given::default()
            },
            heart_alone,
        ),
        (
            "somebody else's",
            Given {
                person: Some(another),
                ..Given::default()
            },
            everything,
        ),
        ("withdrawn", Given::default(), everything),
    ];
    let mut over = Vec::new();
    let mut askers = Vec::new();
    for (name, given, scoped) in reach {
        over.extend(given.expires);
        let (categories, detail, from) = (
            given.categories.to_vec(),
            given.detail,
            given.from.map(|_| "2024-05-11"),
        );
        let of_another = given.person.is_some();
        let granted = world.given(given).await;
        if name == "withdrawn" {
            world
                .state
                .store
                .withdraw_consent(&world.own(), granted.consent.id)
                .await
                .unwrap();
        }
        askers.push(Asker {
            name: name.to_owned(),
            authorization: Some(bearer(&granted)),
            recipient: granted.recipient,
            lives: !["withdrawn", "expired"].contains(&name),
            of_another,
            categories,
            detail,
            from,
            scoped,
        });
    }
    for (name, authorization) in [("nobody", None), ("a made-up token", Some("Bearer abcdef".to_owned()))] {
        askers.push(Asker {
            name: name.to_owned(),
            authorization,
            recipient: askers[0].recipient,
            lives: false,
            of_another: false,
            categories: all.clone(),
            detail: Detail::Raw,
            from: None,
            scoped: everything,
        });
    }
    while over.iter().any(|over| world.state.clock.now() <= *over) {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    askers
}

/// The keys of all things, found by a recipient who may see all.
async fn keys(world: &World) -> Vec<model::RecordKey> {
    let whole = world.given(Given::default()).await;
    let ids_of = world.state.pairwise.of(whole.recipient);
    let mut keys = Vec::new();
    for thing in things() {
        let query = format!("Observation?{}", thing.query());
        let observation = ids(&[world.found(&whole, &query).await]).remove(0);
        let id = match thing.resource {
            "Provenance" => {
                let query = format!("Provenance?target=Observation/{observation}");
                ids(&[world.found(&whole, &query).await]).remove(0)
            }
            _ => observation,
        };
        keys.push(ids_of.read(&id).unwrap());
    }
    keys
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

/// The person and their devices: no day and no category of their own.
#[tokio::test]
async fn the_person_and_the_devices_are_given_by_rule() {
    let world = World::new().await;
    let askers = askers(&world).await;
    for asker in &askers {
        let outward = world.state.pairwise.of(asker.recipient);
        let patient = outward.patient(world.person);
        // The watch measured hearts, steps and sleep.
        let measured = [
            ConsentCategory::Heart,
            ConsentCategory::Activity,
            ConsentCategory::Sleep,
        ];
        let device = outward.device(world.person, 1);
        // Who is given no day is not told which devices measured it.
        let device_given =
            asker.detail.includes(Detail::Daily) && measured.iter().any(|category| asker.categories.contains(category));
        for (resource, id, given) in [("Patient", patient, true), ("Device", device, device_given)] {
            let whole_type = asker.reaches(resource);
            let given = given && asker.lives && !asker.of_another && whole_type;
            for kind in [
                Kind::Read(resource),
                Kind::History(resource),
                Kind::TypeHistory(resource),
                Kind::Version(resource),
                Kind::Search(resource),
                Kind::PostSearch(resource),
                Kind::Compartment("Device"),
            ] {
                if matches!(kind, Kind::Compartment(_)) && resource != "Device" {
                    continue;
                }
                let status = match kind {
                    _ if !asker.lives => StatusCode::UNAUTHORIZED,
                    _ if !whole_type => StatusCode::FORBIDDEN,
                    Kind::Read(_) | Kind::History(_) | Kind::Version(_) if !given => StatusCode::NOT_FOUND,
                    _ => StatusCode::OK,
                };
                let (answer, shown) = send(&world, asker, kind, &id, &format!("_id={id}")).await;
                assert_eq!((answer.status, shown), (status, given), "{}: {resource}", asker.name);
            }
        }
    }
}

/// Numbers come of samples where these may be seen, else of days, else not at all.
#[tokio::test]
async fn statistics_are_given_by_rule() {
    let world = World::new().await;
    for asker in &askers(&world).await {
        for (category, sample, day, by_samples, by_days) in [
            (ConsentCategory::Activity, "step_count", "daily_step_count", "6", "2"),
            (ConsentCategory::Heart, "heart_rate", "daily_heart_rate", "10", "10"),
        ] {
            let reached = (asker.scoped)("Observation", category);
            let part = asker.from.is_some();
            let half = |count: &str| (count.parse::<u64>().unwrap() / if part { 2 } else { 1 }).to_string();
            let gives = |detail| asker.categories.contains(&category) && asker.detail.includes(detail);
            for (code, method) in [(sample, "get"), (day, "post")] {
                let query = format!("code={code}&statistic=count&statistic=maximum");
                let (answer, _) = send(&world, asker, Kind::Statistics(method), "", &query).await;
                let status = match asker {
                    _ if !asker.lives => StatusCode::UNAUTHORIZED,
                    _ if !reached => StatusCode::FORBIDDEN,
                    _ => StatusCode::OK,
                };
                assert_eq!(answer.status, status, "{}: {query}: {}", asker.name, answer.body);
                if status != StatusCode::OK {
                    continue;
                }
                let expected = match () {
                    () if code == sample && gives(Detail::Raw) => Some(half(by_samples)),
                    () if gives(Detail::Daily) => Some(half(by_days)),
                    () => None,
                };
                let told = &answer.body["parameter"][0]["resource"];
                let count = told["component"][0]["valueQuantity"]["value"]
                    .as_u64()
                    .map(|count| count.to_string());
                // Somebody else's numbers are theirs, under their own token.
                assert_eq!(count, expected, "{}: {query}: {}", asker.name, answer.body);
                if !gives(Detail::Raw) && code == sample && told.is_object() {
                    let codes = told["code"].to_string();
                    assert!(codes.contains("daily"), "{}: not of days: {codes}", asker.name);
                }
            }
        }
    }
}

/// Everything is the patient, the devices, and what searches of Observations find; no more by this way than by those.
#[tokio::test]
async fn everything_is_given_by_rule() {
    let world = World::new().await;
    for asker in &askers(&world).await {
        let outward = world.state.pairwise.of(asker.recipient);
        let own = outward.patient(world.person);
        for method in ["get", "post"] {
            let (answer, _) = send(&world, asker, Kind::Everything(method), &own, "_count=3").await;
            let status = match asker {
                _ if !asker.lives => StatusCode::UNAUTHORIZED,
                _ if !asker.reaches("Patient") => StatusCode::FORBIDDEN,
                _ if asker.of_another => StatusCode::NOT_FOUND,
                _ => StatusCode::OK,
            };
            assert_eq!(answer.status, status, "{}: {}", asker.name, answer.body);
            if status != StatusCode::OK {
                assert!(!answer.body.to_string().contains("\"entry\""));
                continue;
            }
            let granted = asker.authorization.clone().unwrap();
            let get = async |path: &str| {
                let request = request(Method::GET, path).header(header::AUTHORIZATION, &granted);
                world.send(request.body(Body::empty())).await.body
            };
            let mut seen = ids(std::slice::from_ref(&answer.body));
            let mut next = link(&answer.body, "next");
            while let Some(address) = next {
                let page = get(&address).await;
                seen.extend(ids(std::slice::from_ref(&page)));
                next = link(&page, "next");
            }
            let mut searched = vec![own.clone()];
            for path in ["Device", "Observation?_count=1000"] {
                searched.extend(ids(&[get(path).await]));
            }
            seen.sort();
            searched.sort();
            assert_eq!(seen, searched, "{}", asker.name);
        }
    }
}

/// Why: to whoever holds a living token of this person, whatever it reaches, and as the consent has it.
#[tokio::test]
async fn explanations_are_given_by_rule() {
    let world = World::new().await;
    for asker in &askers(&world).await {
        let patient = world.state.pairwise.of(asker.recipient).patient(world.person);
        for category in ConsentCategory::ALL {
            for detail in Detail::ALL {
                for day in ["2024-05-10", "2024-05-11"] {
                    let query = format!("category={}&detail={}&date={day}", category.key(), detail.code());
                    let (answer, _) = send(&world, asker, Kind::Explain, &patient, &query).await;
                    let status = match asker {
                        _ if !asker.lives => StatusCode::UNAUTHORIZED,
                        _ if asker.of_another => StatusCode::NOT_FOUND,
                        _ => StatusCode::OK,
                    };
                    assert_eq!(answer.status, status, "{}: {query}", asker.name);
                    if status == StatusCode::OK {
                        let given = asker.categories.contains(&category)
                            && asker.detail.includes(detail)
                            && asker.from.is_none_or(|from| match detail {
                                // From the second day on neither the week nor the month is whole.
                                Detail::Weekly | Detail::Monthly => false,
                                _ => day >= from,
                            });
                        assert_eq!(
                            answer.body["parameter"][0]["valueBoolean"], given,
                            "{}: {query}",
                            asker.name
                        );
                    }
                }
            }
        }
    }
}

/// What is agreed to: to its own recipient, while a token lives that reaches it, and never to another.
#[tokio::test]
async fn the_consents_are_given_by_rule() {
    let world = World::new().await;
    let askers = askers(&world).await;
    let foreign = world.given(Given::default()).await.consent;
    for asker in &askers {
        let outward = world.state.pairwise.of(asker.recipient);
        let people = world.state.store.people(None, 10).await.unwrap();
        let mut own = Vec::new();
        for person in people {
            own.extend(world.state.store.consents_to(asker.recipient, person.id).await.unwrap());
        }
        assert_eq!(own.len(), 1, "{}", asker.name);
        for (consent, is_own) in [(&own[0], true), (&foreign, false)] {
            let id = outward.consent(consent.person, consent.id);
            let whole_type = asker.reaches("Consent");
            let given = is_own && asker.lives && whole_type;
            for kind in [
                Kind::Read("Consent"),
                Kind::History("Consent"),
                Kind::TypeHistory("Consent"),
                Kind::Version("Consent"),
                Kind::Search("Consent"),
                Kind::PostSearch("Consent"),
            ] {
                let status = match kind {
                    _ if !asker.lives => StatusCode::UNAUTHORIZED,
                    _ if !whole_type => StatusCode::FORBIDDEN,
                    Kind::Read(_) | Kind::History(_) | Kind::Version(_) if !given => StatusCode::NOT_FOUND,
                    _ => StatusCode::OK,
                };
                let (answer, shown) = send(&world, asker, kind, &id, &format!("_id={id}")).await;
                assert_eq!((answer.status, shown), (status, given), "{}", asker.name);
            }
        }
    }
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

/// Types that nothing fills yet: asked for by rule, and nothing is found.
#[tokio::test]
async fn of_a_type_that_nothing_fills_nothing_is_given_by_rule() {
    let world = World::new().await;
    let askers = askers(&world).await;
    let mut cells = 0;
    for asker in &askers {
        let outward = world.state.pairwise.of(asker.recipient);
        let own = outward.patient(world.person);
        for resource in fhir_profiles::UNFILLED.iter().copied() {
            for (kind, found) in [
                (Kind::Search(resource), StatusCode::OK),
                (Kind::PostSearch(resource), StatusCode::OK),
                (Kind::TypeHistory(resource), StatusCode::OK),
                (Kind::Read(resource), StatusCode::NOT_FOUND),
                (Kind::History(resource), StatusCode::NOT_FOUND),
                (Kind::Version(resource), StatusCode::NOT_FOUND),
            ] {
                let status = match asker {
                    _ if !asker.lives => StatusCode::UNAUTHORIZED,
                    _ if !asker.reaches(resource) => StatusCode::FORBIDDEN,
                    _ => found,
                };
                let (answer, shown) = send(&world, asker, kind, &own, &format!("_id={own}")).await;
                assert_eq!((answer.status, shown), (status, false), "{}: {resource}", asker.name);
                assert!(answer.body.get("entry").is_none(), "{}", answer.body);
                cells += 1;
            }
        }
    }
    assert_eq!(cells, askers.len() * 7 * 6);
}

#[tokio::test]
async fn a_search_of_a_type_that_nothing_fills_reads_what_it_is_asked() {
    let world = World::new().await;
    let granted = world.given(Given::default()).await;
    let own = world.patient(&granted);
    let reports = format!("DiagnosticReport?patient={own}&code=http://loinc.org|58410-2&date=ge2024&nonsense=1");
    let found = world.found(&granted, &reports).await;
    assert_eq!(found["type"], "searchset");
    let used = link(&found, "self").unwrap();
    assert!(used.contains("date=ge2024") && !used.contains("nonsense"), "{used}");
    assert_eq!(found["entry"][0]["search"]["mode"], "outcome");
    for bad in [
        "DiagnosticReport?date=soon",
        "QuestionnaireResponse?authored=2024-13",
        "AuditEvent?type=|",
        "DocumentReference?type:text=x",
    ] {
        assert_eq!(world.get(&granted, bad).await.status, StatusCode::BAD_REQUEST, "{bad}");
    }
}

#[tokio::test]
async fn a_search_below_a_patient_is_the_search_of_that_patient() {
    let world = World::new().await;
    let granted = world.given(Given::default()).await;
    let own = world.patient(&granted);
    let query = "code=8867-4&_count=1000";
    let below = world
        .found(&granted, &format!("Patient/{own}/Observation?{query}"))
        .await;
    let plain = world
        .found(&granted, &format!("Observation?patient={own}&{query}"))
        .await;
    assert_eq!(matches(&below), matches(&plain));
    assert!(!matches(&below).is_empty());
    let pages = world
        .walk(&granted, &format!("Patient/{own}/Observation?code=8867-4&_count=3"))
        .await;
    assert_eq!(ids(&pages), ids(&[plain]));
    let other = world.found(&granted, "Patient/nobody/Observation").await;
    assert!(matches(&other).is_empty());
    let both = world.get(&granted, &format!("Patient/nobody,{own}/Observation")).await;
    assert_eq!(both.status, StatusCode::NOT_FOUND);
}
