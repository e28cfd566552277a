//! Scope strings of the real world, and the algebra over random sets.

use proptest::prelude::*;

use super::*;

const HEART_RATE: &str = "heart_rate";
const STEPS: &str = "step_count";

fn scopes(text: &str) -> ScopeSet {
    ScopeSet::parse(text).unwrap()
}

fn metric(key: &str) -> Metric {
    Metric::from_key(key).unwrap()
}

/// An Observation scope of one of our own consent categories.
fn of_consent(category: ConsentCategory, letters: &str) -> String {
    format!(
        "patient/Observation.{letters}?category={}|{}",
        systems::CONSENT_CATEGORY,
        category.key()
    )
}

/// An Observation scope of a category of HL7.
fn of_hl7(code: &str) -> String {
    format!(
        "patient/Observation.rs?category={}|{code}",
        systems::OBSERVATION_CATEGORY
    )
}

#[test]
fn a_scope_by_category_reaches_that_category_and_nothing_else() {
    let set = scopes(&of_consent(ConsentCategory::Activity, "rs"));
    for one in Metric::all() {
        let reached = one.category() == ConsentCategory::Activity;
        assert_eq!(set.allows_metric(one, Interaction::Read), reached, "{}", one.key());
        assert_eq!(set.allows_metric(one, Interaction::Search), reached, "{}", one.key());
    }
    assert_eq!(
        set.consent_categories().collect::<Vec<_>>(),
        [ConsentCategory::Activity]
    );
    assert!(!set.allows(Resource::Patient, Interaction::Read));
    assert!(set.needs_patient() && !set.is_empty());
}

#[test]
fn letters_allow_what_they_say() {
    let read = scopes(&of_consent(ConsentCategory::Activity, "r"));
    assert!(read.allows_metric(metric(STEPS), Interaction::Read));
    assert!(!read.allows_metric(metric(STEPS), Interaction::Search));
    let search = scopes(&of_consent(ConsentCategory::Activity, "s"));
    assert!(!search.allows_metric(metric(STEPS), Interaction::Read));
    assert!(search.allows_metric(metric(STEPS), Interaction::Search));
}

#[test]
fn what_may_write_reads_only_what_it_says_it_reads() {
    assert!(scopes("patient/Observation.cud").is_empty(), "writing is not offered");
    assert!(scopes("patient/Observation.write").is_empty());
    assert_eq!(scopes("patient/Observation.cruds"), scopes("patient/Observation.rs"));
    assert!(
        scopes("patient/Observation.sr").is_empty(),
        "letters stand in their order"
    );
    assert!(scopes("patient/Observation.rr").is_empty());
    assert!(scopes("patient/Observation.").is_empty());
}

#[test]
fn the_forms_of_the_first_version_still_work_and_are_told_back_as_asked() {
    let set = scopes("patient/Observation.read launch/patient openid fhirUser offline_access");
    assert!(set.allows_metric(metric(HEART_RATE), Interaction::Search));
    assert!(set.open_id() && set.fhir_user() && set.offline_access());
    let told = set.to_string();
    let mut words: Vec<&str> = told.split(' ').collect();
    words.sort_unstable();
    assert_eq!(
        words,
        [
            "fhirUser",
            "launch/patient",
            "offline_access",
            "openid",
            "patient/Observation.read"
        ]
    );
    let all = scopes("patient/*.read");
    for resource in Resource::ALL {
        assert!(all.allows(resource, Interaction::Read) && all.allows(resource, Interaction::Search));
    }
}

#[test]
fn what_is_unknown_is_left_out() {
    for unknown in [
        "user/Observation.rs",
        "system/*.rs",
        "patient/MedicationRequest.rs",
        "patient/Observation.rs?code=x",
        "patient/Patient.rs?category=x|y",
        "patient/Observation.rs?category=https://other.example|activity",
        "patient/Observation.rs?category=activity",
        "patient/Observation.rs?",
        "patient/Observation",
        "profile",
        "",
        "   ",
    ] {
        assert!(scopes(unknown).is_empty(), "{unknown}");
    }
    let with_more = format!("user/*.rs {} profile", of_consent(ConsentCategory::Sleep, "rs"));
    assert_eq!(scopes(&with_more), scopes(&of_consent(ConsentCategory::Sleep, "rs")));
}

#[test]
fn what_no_scope_string_can_be_is_an_error() {
    assert_eq!(ScopeSet::parse("a\tb"), Err(ScopeError::Character { position: 1 }));
    assert_eq!(ScopeSet::parse("\"x\""), Err(ScopeError::Character { position: 0 }));
    assert_eq!(ScopeSet::parse("歩数"), Err(ScopeError::Character { position: 0 }));
    let length = MAX_SCOPE_LENGTH + 1;
    assert_eq!(
        ScopeSet::parse(&" ".repeat(length)),
        Err(ScopeError::TooLong { length })
    );
}

#[test]
fn commas_and_repeated_scopes_add_up_and_joined_parameters_narrow() {
    let (activity, sleep) = (
        of_consent(ConsentCategory::Activity, "rs"),
        of_consent(ConsentCategory::Sleep, "rs"),
    );
    let by_comma = format!("{activity},{}|sleep", systems::CONSENT_CATEGORY);
    assert_eq!(scopes(&by_comma), scopes(&format!("{activity} {sleep}")));
    let never = format!("{activity}&category={}|sleep", systems::CONSENT_CATEGORY);
    assert!(scopes(&never).is_empty(), "no metric is both");
    let escaped = activity.replace('|', "%7C");
    assert_eq!(scopes(&escaped), scopes(&activity));
}

#[test]
fn a_scope_that_another_covers_adds_nothing() {
    let whole = scopes("patient/Observation.rs");
    let part = scopes(&of_hl7("vital-signs"));
    assert!(whole.covers(&part) && !part.covers(&whole));
    assert_eq!(whole.intersect(&part), part);
}

#[test]
fn agreeing_to_less_than_was_asked_names_what_is_left() {
    let asked = scopes("patient/Observation.rs patient/Patient.r launch/patient");
    let granted = asked.agreed_to(|category| category == ConsentCategory::Activity);
    assert!(asked.covers(&granted) && !granted.covers(&asked));
    assert_eq!(
        granted.consent_categories().collect::<Vec<_>>(),
        [ConsentCategory::Activity]
    );
    assert!(
        granted.allows(Resource::Patient, Interaction::Read),
        "the person is another tick"
    );
    let told = granted.to_string();
    assert!(
        told.contains(&format!("category={}|activity", systems::CONSENT_CATEGORY)),
        "{told}"
    );
    assert_eq!(
        asked.agreed_to(|_| true),
        asked,
        "all of it is told back as it was asked"
    );
    assert!(
        !asked
            .agreed_to(|_| false)
            .allows(Resource::Observation, Interaction::Read)
    );
}

#[test]
fn a_part_of_a_scope_in_the_old_spelling_is_told_in_the_new_one() {
    let asked = scopes("patient/Observation.read");
    let granted = asked.agreed_to(|category| category == ConsentCategory::Sleep);
    assert_eq!(granted, scopes(&granted.to_string()));
    assert_eq!(granted, scopes(&of_consent(ConsentCategory::Sleep, "rs")));
    assert_eq!(
        asked.intersect(&scopes("patient/Observation.r")),
        scopes("patient/Observation.r")
    );
}

#[test]
fn a_stored_set_reads_back_and_a_spoilt_one_does_not() {
    let set = scopes("openid patient/Observation.r patient/Device.rs");
    let text = serde_json::to_string(&set).unwrap();
    assert_eq!(serde_json::from_str::<ScopeSet>(&text).unwrap(), set);
    assert!(serde_json::from_str::<ScopeSet>("\"a\\u0000\"").is_err());
}

/// Words of scope strings: good ones, near misses and noise.
fn words() -> impl Strategy<Value = String> {
    let resources = prop::sample::select(vec!["Observation", "Patient", "Device", "Provenance", "*", "Encounter"]);
    let letters = prop::sample::select(vec!["rs", "r", "s", "read", "write", "*", "cruds", "cud", "sr"]);
    let coding = || {
        let consent = prop::sample::select(ConsentCategory::ALL.to_vec())
            .prop_map(|category| format!("{}|{}", systems::CONSENT_CATEGORY, category.key()));
        let hl7 = prop::sample::select(vec!["activity", "vital-signs", "laboratory", "survey", "none"])
            .prop_map(|code| format!("{}|{code}", systems::OBSERVATION_CATEGORY));
        prop_oneof![consent, hl7]
    };
    let query = prop_oneof![
        3 => Just(String::new()),
        4 => coding().prop_map(|one| format!("?category={one}")),
        2 => (coding(), coding()).prop_map(|(one, two)| format!("?category={one},{two}")),
        2 => (coding(), coding()).prop_map(|(one, two)| format!("?category={one}&category={two}")),
    ];
    prop_oneof![
        8 => ("(patient|user)/", resources, letters, query)
            .prop_map(|(context, resource, letters, query)| format!("{context}{resource}.{letters}{query}")),
        1 => prop::sample::select(vec!["openid", "fhirUser", "offline_access", "launch/patient"]).prop_map(str::to_owned),
        1 => "[!-~]{0,12}",
    ]
}

/// What a client may send, whatever that is.
fn texts() -> impl Strategy<Value = String> {
    proptest::collection::vec(words(), 0..6).prop_map(|words| words.join(" ").replace(['"', '\\'], "'"))
}

fn agreed() -> impl Strategy<Value = Vec<ConsentCategory>> {
    prop::sample::subsequence(ConsentCategory::ALL.to_vec(), 0..=ConsentCategory::ALL.len())
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>(), word in words(), cut in any::<prop::sample::Index>()) {
        let _ = ScopeSet::parse(&text);
        if word.is_ascii() {
            let _ = ScopeSet::parse(&word[..cut.index(word.len() + 1)]);
        }
        let _ = ScopeSet::parse(&format!("{word}{text}"));
    }

    #[test]
    fn what_is_told_to_a_client_reads_back_as_the_same(one in texts(), two in texts(), agreed in agreed()) {
        let (one, two) = (scopes(&one), scopes(&two));
        let granted = one.agreed_to(|category| agreed.contains(&category));
        for set in [&one, &one.intersect(&two), &granted] {
            prop_assert_eq!(&scopes(&set.to_string()), set, "{}", set);
        }
    }

    #[test]
    fn what_is_in_both_is_within_both(one in texts(), two in texts()) {
        let (one, two) = (scopes(&one), scopes(&two));
        let both = one.intersect(&two);
        prop_assert!(one.covers(&both) && two.covers(&both));
        prop_assert!(both.covers(&two.intersect(&one)) && two.intersect(&one).covers(&both));
        for metric in Metric::all() {
            for interaction in Interaction::ALL {
                let in_each = one.allows_metric(metric, interaction) && two.allows_metric(metric, interaction);
                prop_assert_eq!(both.allows_metric(metric, interaction), in_each);
            }
        }
        for resource in Resource::ALL.into_iter().filter(|resource| *resource != Resource::Observation) {
            for interaction in Interaction::ALL {
                let in_each = one.allows(resource, interaction) && two.allows(resource, interaction);
                prop_assert_eq!(both.allows(resource, interaction), in_each);
            }
        }
        prop_assert_eq!(both.open_id(), one.open_id() && two.open_id());
        prop_assert_eq!(both.offline_access(), one.offline_access() && two.offline_access());
    }

    #[test]
    fn a_set_covers_itself_and_nothing_that_reaches_further(one in texts(), two in texts()) {
        let (one, two) = (scopes(&one), scopes(&two));
        prop_assert!(one.covers(&one));
        prop_assert!(one.covers(&one.intersect(&one)) && one.intersect(&one).covers(&one));
        if one.covers(&two) {
            for interaction in Interaction::ALL {
                prop_assert!(one.metrics(interaction).includes(two.metrics(interaction)));
            }
        }
    }

    #[test]
    fn what_is_granted_is_what_was_asked_and_agreed_to(asked in texts(), agreed in agreed()) {
        let asked = scopes(&asked);
        let granted = asked.agreed_to(|category| agreed.contains(&category));
        prop_assert!(asked.covers(&granted));
        for metric in Metric::all() {
            for interaction in Interaction::ALL {
                let expected = asked.allows_metric(metric, interaction) && agreed.contains(&metric.category());
                prop_assert_eq!(granted.allows_metric(metric, interaction), expected, "{}", metric.key());
            }
        }
        prop_assert_eq!(granted.allows(Resource::Patient, Interaction::Read), asked.allows(Resource::Patient, Interaction::Read));
    }
}

#[test]
fn a_user_is_named_only_beside_openid_and_where_the_patient_may_be_read() {
    for (asked, kept) in [
        ("openid fhirUser patient/Patient.r", true),
        ("openid fhirUser patient/*.rs", true),
        ("openid fhirUser patient/Patient.s", false),
        ("openid fhirUser patient/Observation.rs", false),
        ("fhirUser patient/Patient.r", false),
        ("openid patient/Patient.r", false),
    ] {
        let scopes = ScopeSet::parse(asked).unwrap().with_a_readable_user();
        assert_eq!(scopes.fhir_user(), kept, "{asked}");
    }
}
