use model::ConsentCategory::{Activity, Sleep};
use proptest::prelude::*;

use super::*;
use crate::testing::*;
use crate::{Acting, Detail, HowGiven, Language, Purpose, Relationship};

fn view() -> View<'static> {
    View {
        id: "c1",
        patient: "p1",
        recipient: "r1",
        recipient_name: "健康ポイント",
        custodian_name: "みどり市",
        device: &|number| format!("d{number}"),
    }
}

fn source(id: &str) -> Option<u16> {
    id.strip_prefix('d')?.parse().ok()
}

fn imported(consent: &Consent) -> Result<Imported, ReadError> {
    let mut resource = render(consent, &view(), UtcMillis(0));
    // Whoever brings a Consent does not know our ids.
    resource.as_object_mut().unwrap().remove("id");
    read(&resource, &source)
}

#[test]
fn a_consent_is_written_as_the_profile_says() {
    let mut given = consent(vec![
        Grant {
            sources: Sources::Only(vec![2, 3]),
            period: DataPeriod {
                from: LocalDay::parse("2026-04-01"),
                until: None,
            },
            running_day: true,
            expires: Some(UtcMillis(1_790_000_000_000)),
            ..grant(Activity, Detail::Daily)
        },
        grant(Sleep, Detail::Raw),
    ]);
    given.identity.age_band_and_sex = true;
    insta::assert_snapshot!(serde_json::to_string_pretty(&render(&given, &view(), UtcMillis(5))).unwrap());
    // The same, and one that ended, lie where they are judged by others.
    let ended = given.withdraw(UtcMillis(6), None).unwrap();
    let both = [
        render(&given, &view(), UtcMillis(5)),
        render(&ended, &view(), UtcMillis(7)),
    ];
    let lines: String = both.iter().map(|resource| format!("{}\n", text(resource))).collect();
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/consents.ndjson");
    if std::env::var_os("INSTA_UPDATE").is_some_and(|value| value == "always") {
        std::fs::write(&file, &lines).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        lines,
        "write it anew with INSTA_UPDATE=always"
    );
}

#[test]
fn what_has_ended_says_so_and_how() {
    let given = consent(vec![Grant {
        expires: Some(UtcMillis(100)),
        ..grant(Activity, Detail::Daily)
    }]);
    let status = |consent: &Consent, now| {
        let resource = render(consent, &view(), UtcMillis(now));
        let how = resource["extension"][0]["valueCode"].as_str().map(str::to_owned);
        (
            resource["status"].as_str().unwrap().to_owned(),
            how,
            resource["meta"]["versionId"].clone(),
        )
    };
    assert_eq!(status(&given, 99), ("active".to_owned(), None, json!("1")));
    assert_eq!(status(&given, 100).1.as_deref(), Some("expired"));
    let withdrawn = given.withdraw(UtcMillis(50), None).unwrap();
    assert_eq!(
        status(&withdrawn, 60),
        ("inactive".to_owned(), Some("withdrawn".to_owned()), json!("2"))
    );
}

#[test]
fn what_our_model_cannot_say_is_refused_by_its_place() {
    let good = render(&consent(vec![grant(Activity, Detail::Daily)]), &view(), UtcMillis(0));
    assert!(read(&good, &source).is_ok());
    let refused = |change: &dyn Fn(&mut Value)| {
        let mut resource = good.clone();
        change(&mut resource);
        read(&resource, &source).unwrap_err().path
    };
    let permit = "Consent.provision.provision[0]";
    type Change<'a> = &'a dyn Fn(&mut Value);
    let cases: Vec<(Change<'_>, String)> = vec![
        (&|r| r["status"] = json!("inactive"), "Consent.status".to_owned()),
        (
            &|r| r["modifierExtension"] = json!([]),
            "Consent.modifierExtension".to_owned(),
        ),
        (&|r| r["verification"] = json!([]), "Consent.verification".to_owned()),
        (
            &|r| r["provision"]["type"] = json!("permit"),
            "Consent.provision".to_owned(),
        ),
        (
            &|r| r["provision"]["provision"] = json!([]),
            "Consent.provision".to_owned(),
        ),
        (
            &|r| r["provision"]["provision"][0]["type"] = json!("deny"),
            format!("{permit}.type"),
        ),
        (
            &|r| r["provision"]["provision"][0]["provision"] = json!([{"type": "deny"}]),
            format!("{permit}.provision"),
        ),
        (
            &|r| r["provision"]["provision"][0]["action"] = json!([]),
            format!("{permit}.action"),
        ),
        (
            &|r| r["provision"]["provision"][0]["code"][0]["coding"][0]["code"] = json!("shoes"),
            format!("{permit}.code[0]"),
        ),
        (
            &|r| r["provision"]["provision"][0]["code"][0]["coding"] = json!([{}, {}]),
            format!("{permit}.code[0].coding"),
        ),
        (
            &|r| r["provision"]["provision"][0]["dataPeriod"] = json!({"start": "2026"}),
            format!("{permit}.dataPeriod"),
        ),
        (
            &|r| {
                r["provision"]["provision"][0]["data"] =
                    json!([{"meaning": "authoredby", "reference": {"reference": "Device/x"}}])
            },
            format!("{permit}.data[0].reference"),
        ),
        (
            &|r| r["provision"]["period"]["end"] = json!("2026-04-01"),
            "Consent.provision.period".to_owned(),
        ),
        (
            &|r| r["sourceAttachment"]["data"] = json!("%"),
            "Consent.sourceAttachment".to_owned(),
        ),
    ];
    for (change, path) in cases {
        assert_eq!(refused(change), path);
    }
}

#[test]
fn two_recipients_or_purposes_are_not_one_consent() {
    let mut resource = render(
        &consent(vec![grant(Activity, Detail::Daily), grant(Sleep, Detail::Daily)]),
        &view(),
        UtcMillis(0),
    );
    resource["provision"]["provision"][1]["purpose"][0]["code"] = json!("research");
    assert_eq!(
        read(&resource, &source).unwrap_err().path,
        "Consent.provision.provision[1]"
    );
}

proptest! {
    #[test]
    fn what_is_written_reads_back_as_the_same(given in proptest::collection::vec(grants(), 1..5), lines in any::<[bool; 6]>()) {
        let mut given = consent(given);
        let lines = crate::IdentityLine::ALL.into_iter().zip(lines).filter(|(_, given)| *given);
        given.identity = IdentityGrant::of(lines.map(|(line, _)| line));
        let read = imported(&given).unwrap();
        prop_assert_eq!(&read.grants, &given.grants.iter().map(|grant| Grant {
            // What ends later than the whole consent ends with it.
            expires: earlier_of(grant.expires, given.ends_at()),
            ..grant.clone()
        }).collect::<Vec<_>>());
        prop_assert_eq!(IdentityGrant { expires: None, ..read.identity }, given.identity);
        prop_assert_eq!((read.recipient.as_str(), &read.purpose), ("r1", &Purpose::new("health-points").unwrap()));
        prop_assert_eq!((read.language, &read.text), (Language::Ja, &given.text));
    }

    #[test]
    fn no_json_panics(text in "[\\[\\]{}:,\"a-z0-9]{0,60}") {
        if let Ok(value) = serde_json::from_str::<Value>(&text) {
            prop_assert!(read(&value, &source).is_err());
        }
    }
}

fn earlier_of(one: Option<UtcMillis>, other: Option<UtcMillis>) -> Option<UtcMillis> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

#[test]
fn a_linking_id_names_the_other_recipient_and_reads_back() {
    let mut given = consent(Vec::new());
    given.identity.linking = Some(model::RecipientId(9));
    assert_eq!(imported(&given).unwrap().identity, given.identity);
    let mut resource = render(&given, &view(), UtcMillis(0));
    resource.as_object_mut().unwrap().remove("id");
    let permit = resource["provision"]["provision"][0].as_object_mut().unwrap();
    permit.remove("extension").unwrap();
    assert!(read(&resource, &source).is_err(), "with nobody named");
}

#[test]
fn who_acts_for_the_patient_is_told_by_the_relationship_alone() {
    let mut given = consent(vec![grant(Activity, Detail::Daily)]);
    given.how = HowGiven::SignedIn {
        issuer: "https://id.example".to_owned(),
        assurance: None,
        acting: Some(Acting {
            person: model::PersonId(77),
            relationship: Relationship::Guardian,
        }),
    };
    let resource = render(&given, &view(), UtcMillis(0));
    assert_eq!(resource["performer"][0]["reference"], "#performer");
    assert_eq!(
        resource["contained"][0]["relationship"][0]["coding"][0]["code"],
        "GUARD"
    );
    assert!(!resource.to_string().contains("77"));
}
