//! Single resources: Observation, Patient, Device, Provenance.

use super::*;

#[tokio::test]
async fn an_observation_reads_as_it_was_found_with_its_version() {
    let world = World::new().await;
    let granted = world.given(Given::default()).await;
    for code in [
        "8867-4",
        "85354-9",
        "29463-7",
        "daily_step_count",
        "daily_heart_rate",
        "sleep_session",
    ] {
        let bundle = world
            .found(&granted, &format!("Observation?code={code}&_count=1"))
            .await;
        let found = &matches(&bundle)[0];
        let path = format!("Observation/{}", found["id"].as_str().unwrap());
        let answer = world.get(&granted, &path).await;
        assert_eq!(&&answer.body, found, "{code}");
        let version = found["meta"]["versionId"].as_str().unwrap();
        assert_eq!(answer.headers[header::ETAG], format!("W/\"{version}\""));
        assert!(answer.headers.contains_key(header::LAST_MODIFIED));
        let again = request(Method::GET, &path)
            .header(header::AUTHORIZATION, bearer(&granted))
            .header(header::IF_NONE_MATCH, &answer.headers[header::ETAG]);
        let unchanged = world.send(again.body(Body::empty())).await;
        assert_eq!(
            (unchanged.status, unchanged.body),
            (StatusCode::NOT_MODIFIED, Json::Null)
        );
    }
    let pressure = world.found(&granted, "Observation?code=85354-9").await;
    let parts = matches(&pressure)[0]["component"].as_array().unwrap().clone();
    assert_eq!(parts[0]["valueQuantity"]["value"].to_string(), "128");
    assert_eq!(parts[1]["dataAbsentReason"]["coding"][0]["code"], "unknown");
}

#[tokio::test]
async fn a_patient_shows_nothing_but_its_id_until_more_is_granted() {
    let world = World::new().await;
    let bare = world.given(Given::default()).await;
    let own = world.patient(&bare);
    let patient = world.found(&bare, &format!("Patient/{own}")).await;
    let members: Vec<&str> = patient.as_object().unwrap().keys().map(String::as_str).collect();
    assert!(
        members
            .iter()
            .all(|member| ["resourceType", "id", "meta"].contains(member)),
        "{members:?}"
    );
    let named = IdentityGrant {
        name: true,
        age_band_and_sex: true,
        ..IdentityGrant::NOTHING
    };
    let named = world
        .given(Given {
            identity: named,
            ..Given::default()
        })
        .await;
    let patient = world.found(&named, &format!("Patient/{}", world.patient(&named))).await;
    assert_eq!(
        (patient["name"][0]["text"].as_str(), patient["gender"].as_str()),
        (Some("関所 花子"), Some("female"))
    );
    assert!(patient.get("birthDate").is_none() && patient.get("address").is_none());
    // What was told of who they are stands in the record of it.
    let own_access = OwnAccess::of_signed_in(world.person);
    let told: Vec<_> = world.state.store.accesses(&own_access, None, 2).await.unwrap();
    assert!(told[0].identity.name && !told[0].identity.birth_date && !told[0].identity.address);
    assert_eq!(told[1].identity, IdentityGrant::NOTHING);
    let others = world.get(&named, &format!("Patient/{own}")).await;
    assert_eq!(
        (others.status, issue(&others.body).0),
        (StatusCode::NOT_FOUND, "not-found")
    );
    let search = async |query: &str| ids(&[world.found(&bare, &format!("Patient{query}")).await]);
    assert_eq!(search("").await, std::slice::from_ref(&own));
    assert_eq!(search(&format!("?_id={own}")).await, [own]);
    assert!(search("?_id=x").await.is_empty());
}

#[tokio::test]
async fn membership_is_told_as_yes_or_no_and_only_where_it_was_agreed() {
    let world = World::new().await;
    let extensions = async |granted: &Granted| {
        let patient = world
            .found(granted, &format!("Patient/{}", world.patient(granted)))
            .await;
        patient["extension"].clone()
    };
    let asked = Given {
        identity: IdentityGrant {
            municipality: true,
            insurance: true,
            ..IdentityGrant::NOTHING
        },
        ..Given::default()
    };
    let granted = world.given(asked).await;
    let told = extensions(&granted).await;
    let of = |name: &str| {
        let all = told.as_array().unwrap().iter();
        all.filter(|one| one["url"].as_str().unwrap().ends_with(name))
            .map(|one| one["valueBoolean"].as_bool().unwrap())
            .collect::<Vec<_>>()
    };
    // The recipient's own municipality is another one than the person's; no insurer is known.
    assert_eq!(
        (of("municipality-member"), of("insurance-member")),
        (vec![false], vec![false])
    );
    let organisation = world
        .state
        .store
        .recipient(granted.recipient)
        .await
        .unwrap()
        .unwrap()
        .organisation;
    world
        .state
        .store
        .add_membership(world.person, organisation)
        .await
        .unwrap();
    assert_eq!(extensions(&granted).await[0]["valueBoolean"], true);
    // Once it is known where the person lives, that decides; and no more once they are not insured there.
    let [town, elsewhere] = ["13101", "13102"].map(|code| model::Municipality::parse(code).unwrap());
    let store = &world.state.store;
    store.set_municipality(organisation, town).await.unwrap();
    let lost = |lost: Option<&str>| lost.map(|day| LocalDay::parse(day).unwrap());
    for (municipality, until, expected) in [
        (elsewhere, None, false),
        (town, None, true),
        (town, Some("2020-03-31"), false),
    ] {
        let insured = store::Insured {
            subject: model::checkup::Subject {
                insurer: "00139999".to_owned(),
                number: "123".to_owned(),
                birth: LocalDay::parse("1960-02-29"),
                ..model::checkup::Subject::default()
            },
            lost: lost(until),
            residence: Some(model::Residence::of(municipality)),
            ..store::Insured::default()
        };
        store.insure(organisation, world.person, insured).await.unwrap();
        assert_eq!(
            extensions(&granted).await[0]["valueBoolean"],
            expected,
            "{municipality} {until:?}"
        );
    }
    let bare = world.given(Given::default()).await;
    assert!(extensions(&bare).await.is_null());
}

#[tokio::test]
async fn two_recipients_get_the_same_linking_id_each_under_a_consent_of_its_own_and_nothing_else() {
    let world = World::new().await;
    let (one, other, third) = (
        world.given(Given::default()).await,
        world.given(Given::default()).await,
        world.given(Given::default()).await,
    );
    let link = async |granted: &Granted, with: &Granted| {
        let identity = IdentityGrant {
            linking: Some(with.recipient),
            ..IdentityGrant::NOTHING
        };
        let draft = consent::ConsentDraft {
            asked: consent::Asked {
                grants: Vec::new(),
                identity,
            },
            grants: Vec::new(),
            identity,
            ..world.again(granted)
        };
        world.state.store.give_consent(draft).await.unwrap();
        let patient = world
            .found(granted, &format!("Patient/{}", world.patient(granted)))
            .await;
        let observations = world.found(granted, "Observation?code=daily_step_count").await;
        assert!(matches(&observations).is_empty());
        patient["identifier"][0]["value"].as_str().unwrap().to_owned()
    };
    let shared = link(&one, &other).await;
    assert_eq!(link(&other, &one).await, shared);
    assert_ne!(link(&third, &one).await, shared);
    for granted in [&one, &other, &third] {
        assert_ne!(world.patient(granted), shared, "it is no patient's id");
    }
}

#[tokio::test]
async fn a_device_shows_where_something_it_measured_may_be_seen_and_never_its_owner() {
    let world = World::new().await;
    let granted = world.given(Given::default()).await;
    let bundle = world
        .found(&granted, &format!("Device?patient={}", world.patient(&granted)))
        .await;
    assert_eq!(matches(&bundle).len(), 2);
    assert!(!bundle.to_string().contains("花子"));
    for device in matches(&bundle) {
        let id = device["id"].as_str().unwrap();
        assert_eq!(&world.found(&granted, &format!("Device/{id}")).await, device);
        assert_eq!(ids(&[world.found(&granted, &format!("Device?_id={id}")).await]), [id]);
    }
    assert_eq!(ids(&[world.found(&granted, "Device?patient=x").await]).len(), 0);
    let nothing = IdentityGrant {
        name: true,
        ..IdentityGrant::NOTHING
    };
    let nothing = world
        .given(Given {
            categories: &[],
            identity: nothing,
            ..Given::default()
        })
        .await;
    assert_eq!(ids(&[world.found(&nothing, "Device").await]).len(), 0);
}

#[tokio::test]
async fn provenance_of_a_day_names_the_devices_that_gave_a_part() {
    let world = World::new().await;
    let granted = world.given(Given::default()).await;
    for (code, sources) in [("daily_step_count", 2), ("daily_heart_rate", 0)] {
        let bundle = world
            .found(&granted, &format!("Observation?code={code}&_count=1"))
            .await;
        let target = ids(&[bundle]).remove(0);
        let bundle = world
            .found(&granted, &format!("Provenance?target=Observation/{target}"))
            .await;
        let provenance = matches(&bundle)[0];
        assert_eq!(
            (
                provenance["target"][0]["reference"].as_str().unwrap(),
                provenance["agent"][0]["type"]["coding"][0]["code"].as_str().unwrap(),
                provenance["entity"].as_array().map_or(0, Vec::len),
            ),
            (format!("Observation/{target}").as_str(), "author", sources),
            "{code}"
        );
        for entity in provenance["entity"].as_array().into_iter().flatten() {
            let device = entity["what"]["reference"].as_str().unwrap();
            assert_eq!(world.get(&granted, device).await.status, StatusCode::OK);
        }
        let id = provenance["id"].as_str().unwrap();
        assert_eq!(&world.found(&granted, &format!("Provenance/{id}")).await, provenance);
    }
}

#[tokio::test]
async fn provenance_tells_how_an_observation_came() {
    let world = World::new().await;
    let granted = world.given(Given::default()).await;
    for (code, author) in [
        ("8867-4", "author"),
        ("29463-7", "informant"),
        ("sleep_session", "author"),
    ] {
        let target = ids(&[world
            .found(&granted, &format!("Observation?code={code}&_count=1"))
            .await])
        .remove(0);
        let bundle = world
            .found(&granted, &format!("Provenance?target=Observation/{target}"))
            .await;
        let provenance = matches(&bundle)[0];
        assert_eq!(
            provenance["target"][0]["reference"],
            format!("Observation/{target}"),
            "{code}"
        );
        assert_eq!(provenance["agent"][0]["type"]["coding"][0]["code"], author, "{code}");
        let id = provenance["id"].as_str().unwrap();
        assert_eq!(&world.found(&granted, &format!("Provenance/{id}")).await, provenance);
        assert_eq!(
            world.get(&granted, &format!("Provenance/{target}")).await.status,
            StatusCode::NOT_FOUND
        );
        assert_eq!(
            world.get(&granted, &format!("Observation/{id}")).await.status,
            StatusCode::NOT_FOUND
        );
    }
    let missing = world.get(&granted, "Provenance").await;
    assert_eq!(
        (missing.status, issue(&missing.body).0),
        (StatusCode::BAD_REQUEST, "value")
    );
}

#[tokio::test]
async fn the_individual_whom_an_app_names_stands_in_the_record_and_a_bad_name_is_refused() {
    let world = World::new().await;
    let granted = world.given(Given::default()).await;
    for (name, status) in [
        ("%E6%A0%84%E9%A4%8A%E5%A3%AB", StatusCode::OK),
        ("%", StatusCode::BAD_REQUEST),
    ] {
        let asked = request(Method::GET, "Observation?code=8867-4&_count=1")
            .header(header::AUTHORIZATION, bearer(&granted))
            .header("Sekisho-Reader", name);
        assert_eq!(world.send(asked.body(Body::empty())).await.status, status);
    }
    let own = consent::OwnAccess::of_signed_in(granted.consent.person);
    let accesses = world.state.store.accesses(&own, None, 10).await.unwrap();
    let readers: Vec<&str> = accesses.iter().map(|access| access.reader.as_str()).collect();
    assert_eq!(readers, ["栄養士"], "what was refused gave nothing");
}

#[tokio::test]
async fn every_version_of_a_sample_is_read_by_its_number_and_stands_in_its_history() {
    let world = World::new().await;
    let granted = world.given(Given::default()).await;
    let found = world
        .found(&granted, "Observation?code=55423-8&value-quantity=500&_count=1")
        .await;
    let id = ids(&[found]).remove(0);
    let first = world.found(&granted, &format!("Observation/{id}")).await;
    assert_eq!(first["meta"]["versionId"], "1");
    // The vendor states another number for the same interval.
    world.restate_steps("1234").await;
    let second = world.found(&granted, &format!("Observation/{id}")).await;
    assert_eq!(
        (
            second["meta"]["versionId"].as_str(),
            second["valueQuantity"]["value"].as_i64()
        ),
        (Some("2"), Some(1234))
    );
    let version = async |number: &str| {
        world
            .get(&granted, &format!("Observation/{id}/_history/{number}"))
            .await
    };
    assert_eq!(version("1").await.body["valueQuantity"], first["valueQuantity"]);
    assert_eq!(version("2").await.body, second);
    assert_eq!(version("2").await.headers[header::ETAG], "W/\"2\"");
    for missing in ["0", "3", "x"] {
        let answer = version(missing).await;
        assert_eq!(
            (answer.status, issue(&answer.body).0),
            (StatusCode::NOT_FOUND, "not-found"),
            "{missing}"
        );
    }
    let history = world.found(&granted, &format!("Observation/{id}/_history")).await;
    assert_eq!(
        (history["type"].as_str(), history["total"].as_u64()),
        (Some("history"), Some(2))
    );
    let told: Vec<(&str, &str)> = history["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            assert!(entry["fullUrl"].is_string() && entry["response"]["lastModified"].is_string());
            (
                entry["request"]["method"].as_str().unwrap(),
                entry["resource"]["meta"]["versionId"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(told, [("PUT", "2"), ("POST", "1")]);
    let since = second["meta"]["lastUpdated"].as_str().unwrap().replace('+', "%2B");
    let recent = world
        .found(&granted, &format!("Observation/{id}/_history?_since={since}"))
        .await;
    assert_eq!(recent["total"], 1);
    for bad in [
        "_since=2024",
        "_since=2024-05-10T00:00:00Z&_since=2024-05-10T00:00:00Z",
        "_at=2024",
        "code=x",
    ] {
        let answer = world.get(&granted, &format!("Observation/{id}/_history?{bad}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{bad}");
    }
    // Days alone show no version of a sample.
    let daily = world
        .given(Given {
            detail: Detail::Daily,
            ..Given::default()
        })
        .await;
    let outward = world.state.pairwise.of(granted.recipient).read(&id).unwrap();
    let theirs = world.state.pairwise.of(daily.recipient).id(outward);
    for path in ["_history", "_history/1", "_history/2"] {
        let answer = world.get(&daily, &format!("Observation/{theirs}/{path}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn what_keeps_no_versions_has_the_present_one() {
    let world = World::new().await;
    let granted = world.given(Given::default()).await;
    for kind in ["Patient", "Device", "Consent"] {
        let found = world
            .found(
                &granted,
                &format!("{kind}?patient={}", world.patient(&granted)).replace("Patient?patient=", "Patient?_id="),
            )
            .await;
        let present = matches(&found)[0].clone();
        let id = present["id"].as_str().unwrap();
        let number = present["meta"]["versionId"].as_str().unwrap();
        let read = world.found(&granted, &format!("{kind}/{id}/_history/{number}")).await;
        assert_eq!(read, present, "{kind}");
        let history = world.found(&granted, &format!("{kind}/{id}/_history")).await;
        assert_eq!(history["entry"][0]["resource"], present, "{kind}");
        let other = world.get(&granted, &format!("{kind}/{id}/_history/99")).await;
        assert_eq!(other.status, StatusCode::NOT_FOUND, "{kind}");
    }
}

impl World {
    /// The telephone states these weights for one minute of the first day, and no others.
    async fn weigh(&self, weights: &'static [&'static str]) {
        let (store, person) = (self.state.store.clone(), self.person);
        let work = move || {
            let start = BatchStart {
                adapter: "apple-health".into(),
                mapping_version: 1,
            };
            let mut import = store.begin_import(person, start).unwrap();
            let scale = Source {
                key: "s".into(),
                name: "体重計".into(),
                manufacturer: None,
                model: None,
                hardware: None,
                copies: Vec::new(),
                kind: SourceKind::Instrument,
            };
            let scale = import.source(&scale).unwrap();
            let at = DAY.plus(20 * HOUR);
            let of = |weight: &&str| sample(Metric::BODY_WEIGHT, scale, at, 0, Value::Quantity(number(weight)));
            import.push(weights.iter().map(of).collect()).unwrap();
            import.finish().unwrap();
        };
        tokio::task::spawn_blocking(work).await.unwrap();
    }
}

#[tokio::test]
async fn what_was_entered_in_error_is_met_only_by_whoever_asks_for_it() {
    let world = World::new().await;
    let granted = world.given(Given::default()).await;
    world.weigh(&["70.1", "71.2"]).await;
    let twins = world
        .found(&granted, "Observation?code=29463-7&value-quantity=gt70")
        .await;
    assert_eq!(matches(&twins).len(), 2);
    // The scale's later statement leaves one of the two out.
    world.weigh(&["71.2"]).await;
    let left = ids(&[world
        .found(&granted, "Observation?code=29463-7&value-quantity=gt70")
        .await]);
    let gone = ids(&[twins]).into_iter().find(|id| !left.contains(id)).unwrap();
    let read = world.get(&granted, &format!("Observation/{gone}")).await;
    assert_eq!(
        (
            read.status,
            read.body["status"].as_str(),
            read.body.get("valueQuantity")
        ),
        (StatusCode::OK, Some("entered-in-error"), None)
    );
    for (query, is_met) in [
        ("Observation?code=29463-7", false),
        ("Observation?category=body", false),
        ("Observation?code=29463-7&_sort=-date", false),
        ("Observation?code=29463-7&date=2024-05-10", false),
        ("Observation?code=29463-7&status=final", false),
        ("Observation/$lastn?code=29463-7&max=100", false),
        ("Observation?code=29463-7&status=entered-in-error", true),
        ("Observation?code=29463-7&_lastUpdated=ge2024-01-01", true),
        (
            "Observation?code=29463-7&_lastUpdated=ge2024-01-01&_sort=_lastUpdated",
            true,
        ),
        ("Observation?_sort=-_lastUpdated&_lastUpdated=ge2024-01-01", true),
    ] {
        let found = ids(&world.walk(&granted, query).await);
        assert_eq!(found.contains(&gone), is_met, "{query}");
    }
    let by_id = ids(&[world.found(&granted, &format!("Observation?_id={gone}")).await]);
    assert_eq!(by_id, [gone.as_str()]);
    let counted = world.found(&granted, "Observation?code=29463-7&_total=accurate").await;
    assert_eq!(counted["total"], matches(&counted).len());
    // What it held before is kept, and is read by its number.
    let history = world.found(&granted, &format!("Observation/{gone}/_history")).await;
    let statuses: Vec<&str> = history["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["resource"]["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["entered-in-error", "final"]);
    let day = world
        .found(&granted, "Observation?code=daily_body_weight&date=2024-05-10")
        .await;
    assert!(!matches(&day)[0].to_string().contains("70.1"), "a day still counts it");
}
