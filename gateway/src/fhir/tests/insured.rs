//! By what an insurer knows a resident: it goes to the resident, and to no app, whatever was agreed to.

use std::collections::BTreeSet;

use adapters::checkup::synthetic::MadeUp;

use super::checkups::bring;
use super::*;

#[tokio::test]
async fn no_app_is_given_the_numbers_of_an_insurance_by_any_door() {
    let world = World::new().await;
    let mut made = MadeUp::of(7).known_as("ミホンハナコ", None, None).checkup(2025);
    made.subject.insurer = "06139999".to_owned();
    made.subject.symbol = "関所記号".to_owned();
    made.subject.number = "7654321".to_owned();
    bring(&world, world.person, &[made.clone()]).await;
    let granted = world
        .given(Given {
            identity: IdentityGrant::of(consent::IdentityLine::ALL),
            ..Given::default()
        })
        .await;
    let patient = world.patient(&granted);
    let mut seen = BTreeSet::new();
    for query in [
        format!("Patient/{patient}/$everything?_count=200"),
        format!("Patient?_id={patient}"),
        "DiagnosticReport".to_owned(),
        "QuestionnaireResponse".to_owned(),
        "DocumentReference".to_owned(),
        "Observation?_revinclude=Provenance:target&_include=Observation:device&_count=200".to_owned(),
    ] {
        for page in world.walk(&granted, &query).await {
            let entries = page["entry"].as_array().map(Vec::as_slice).unwrap_or_default();
            let types = entries
                .iter()
                .map(|entry| entry["resource"]["resourceType"].as_str().unwrap().to_owned());
            seen.extend(types);
            let text = page.to_string();
            let subject = &made.subject;
            for secret in [
                &subject.insurer,
                &subject.symbol,
                &subject.number,
                "memberID",
                "InsurerNumber",
                "InsuredPerson",
            ] as [&str; 6]
            {
                assert!(!text.contains(secret), "{query} tells {secret}");
            }
        }
    }
    for kind in [
        "Patient",
        "Observation",
        "DiagnosticReport",
        "QuestionnaireResponse",
        "DocumentReference",
        "Provenance",
    ] {
        assert!(seen.contains(kind), "{kind} was looked at: {seen:?}");
    }
    assert!(!seen.contains("Coverage"));
    let answer = world.get(&granted, "Coverage").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "there is no such door");
}
