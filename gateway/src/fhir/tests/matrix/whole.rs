//! What is of no one thing: the person, devices, consents, numbers, everything, explanations, and types that nothing fills.

use super::*;

/// What a route answers of something that no category covers.
fn of_a_whole_type(asker: &Asker, kind: Kind, whole_type: bool, given: bool) -> StatusCode {
    match kind {
        _ if !asker.lives => StatusCode::UNAUTHORIZED,
        _ if !whole_type => StatusCode::FORBIDDEN,
        Kind::Read(_) | Kind::History(_) | Kind::Version(_) if !given => StatusCode::NOT_FOUND,
        _ => StatusCode::OK,
    }
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
                let status = of_a_whole_type(asker, kind, whole_type, given);
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

/// Checkups as wholes: the report where the values of checkups are given, answers where any of their categories is.
#[tokio::test]
async fn checkups_as_wholes_are_given_by_rule() {
    let world = World::new().await;
    let mut checkup = adapters::checkup::synthetic::MadeUp::of(7)
        .known_as("ミホンハナコ", None, None)
        .checkup(2024);
    checkup.day = LocalDay::parse("2024-05-10").unwrap();
    checkups::bring(&world, world.person, std::slice::from_ref(&checkup)).await;
    let all = world.given(Given::default()).await;
    let asked: BTreeSet<ConsentCategory> = checkup
        .findings
        .iter()
        .filter(|finding| finding.item.is_question())
        .map(|finding| finding.item.metric().category())
        .collect();
    assert!(asked.len() > 1, "{asked:?}");
    for (resource, of) in [
        ("DiagnosticReport", BTreeSet::from([ConsentCategory::Checkup])),
        ("QuestionnaireResponse", asked),
        ("DocumentReference", BTreeSet::from([ConsentCategory::Documents])),
        ("Binary", BTreeSet::from([ConsentCategory::Documents])),
    ] {
        let is_binary = resource == "Binary";
        let found = world
            .walk(&all, if is_binary { "DocumentReference" } else { resource })
            .await;
        let id = match is_binary {
            true => {
                let found = found.iter().flat_map(matches).next().unwrap();
                let url = found["content"][0]["attachment"]["url"].as_str().unwrap();
                url.strip_prefix("Binary/").unwrap().to_owned()
            }
            false => ids(&found)[0].clone(),
        };
        let known = world.state.pairwise.of(all.recipient).read(&id).unwrap();
        let mut cells = [0, 0];
        for asker in &askers(&world).await {
            let id = world.state.pairwise.of(asker.recipient).id(known);
            let whole_type = asker.reaches(resource);
            let given = asker.lives
                && !asker.of_another
                && whole_type
                && asker.detail == Detail::Raw
                && asker.from.is_none_or(|from| "2024-05-10" >= from)
                && asker.categories.iter().any(|category| of.contains(category));
            for kind in [
                Kind::Read(resource),
                Kind::History(resource),
                Kind::TypeHistory(resource),
                Kind::Version(resource),
                Kind::Search(resource),
                Kind::PostSearch(resource),
            ] {
                if is_binary && !matches!(kind, Kind::Read(_)) {
                    continue;
                }
                let status = of_a_whole_type(asker, kind, whole_type, given);
                let (answer, shown) = send(&world, asker, kind, &id, &format!("_id={id}")).await;
                assert_eq!(
                    (answer.status, shown),
                    (status, given),
                    "{}: {resource}: {}",
                    asker.name,
                    answer.body
                );
                cells[usize::from(given)] += 1;
            }
        }
        assert!(cells[0] > 5 && cells[1] > 0, "{resource}: {cells:?}");
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
                let status = of_a_whole_type(asker, kind, whole_type, given);
                let (answer, shown) = send(&world, asker, kind, &id, &format!("_id={id}")).await;
                assert_eq!((answer.status, shown), (status, given), "{}", asker.name);
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
    assert_eq!(cells, askers.len() * fhir_profiles::UNFILLED.len() * 6);
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
        "DocumentReference?period=2024-13",
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
