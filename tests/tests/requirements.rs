//! `docs/conformance.md` is made of this table: each requirement of FHIR R4 on reading and on Observations, by the number that this project gave it, and
//! the test that holds it. A test that is named must be there; whoever changes the table writes the page anew with
//! `INSTA_UPDATE=always cargo test -p tests --test requirements`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use Verdict::{Met, NotApplicable, NotMet};

enum Verdict {
    /// A file, and the name of the test or case in it.
    Met(&'static str, &'static str),
    /// Why it is none of ours.
    NotApplicable(&'static str),
    /// What is missing.
    NotMet(&'static str),
}

const ANSWERS: &str = "gateway/src/fhir/tests/answers.rs";
const CHECKUP_REPORTS: &str = "gateway/src/fhir/tests/checkup_reports.rs";
const INSIDE: &str = "gateway/src/fhir/tests/inside.rs";
const KIT_READING: &str = "conformance/src/commands/fhir/reading.rs";
const KIT_SEARCHING: &str = "conformance/src/commands/fhir/searching.rs";
const MATRIX: &str = "gateway/src/fhir/tests/matrix/mod.rs";
const MATRIX_WHOLE: &str = "gateway/src/fhir/tests/matrix/whole.rs";
const OPERATIONS: &str = "gateway/src/fhir/tests/operations.rs";
const PARAMETERS: &str = "gateway/src/fhir/parameters/tests.rs";
const PERMISSIONS: &str = "gateway/src/fhir/tests/permissions.rs";
const PROFILES: &str = "conformance/tests/profiles.rs";
const ELSEWHERE: &str = "conformance/src/validator/elsewhere.rs";
const INVARIANTS: &str = "conformance/src/validator/invariants.rs";
const NO_PA: &str = "its profiles are not claimed, since they need US Core's Patient; ours are";
const NO_PHD: &str = "its profiles are not claimed, and nothing is uploaded through FHIR yet";
const RESOURCES: &str = "gateway/src/fhir/tests/resources.rs";
const SEARCHES: &str = "gateway/src/fhir/tests/searches.rs";

const NO_DOCREF: &str = "documents are found by a search; the operation may be left out";
const READ_ONLY: &str = "nothing is written through FHIR yet";

const REQUIREMENTS: &[(&str, &str, Verdict)] = &[
    (
        "R-001",
        "addresses are case-sensitive, the base has no slash at its end",
        Met(ANSWERS, "an_address_or_verb_that_is_not_offered_says_so_as_an_outcome"),
    ),
    (
        "R-002",
        "metadata needs no token",
        Met(KIT_READING, "metadata needs no token"),
    ),
    (
        "R-003",
        "JSON of FHIR in UTF-8",
        Met(KIT_READING, "the media type is FHIR JSON in UTF-8"),
    ),
    (
        "R-004",
        "negotiation by Accept, generic types answered as asked",
        Met(KIT_READING, "generic JSON types are answered as asked"),
    ),
    (
        "R-005",
        "406 for a format that is not there, 415 for a body that is not read",
        Met(KIT_READING, "a format that is not there is 406"),
    ),
    (
        "R-006",
        "XML is refused in JSON",
        Met(
            "gateway/src/fhir/negotiate.rs",
            "xml_and_turtle_are_not_formats_of_ours",
        ),
    ),
    (
        "R-007",
        "_format wins over Accept",
        Met(KIT_READING, "_format wins over Accept"),
    ),
    (
        "R-008",
        "_pretty",
        Met(
            "gateway/src/fhir/pretty.rs",
            "only_what_lies_between_the_tokens_changes",
        ),
    ),
    (
        "R-009",
        "the parameter fhirVersion",
        Met(
            "gateway/src/fhir/negotiate.rs",
            "json_of_fhir_four_is_given_under_the_name_that_was_asked_for",
        ),
    ),
    (
        "R-010",
        "ETag and Last-Modified",
        Met(KIT_READING, "ETag and Last-Modified are there"),
    ),
    (
        "R-011",
        "the ETag is the versionId",
        Met(KIT_READING, "ETag is the versionId"),
    ),
    (
        "R-012",
        "If-None-Match and If-Modified-Since",
        Met(
            "gateway/src/fhir/respond.rs",
            "a_version_that_the_caller_has_is_not_sent_again",
        ),
    ),
    ("R-013", "Prefer: return", NotApplicable(READ_ONLY)),
    (
        "R-014",
        "strict and lenient handling",
        Met(KIT_SEARCHING, "strict handling refuses what is unknown"),
    ),
    (
        "R-015",
        "errors are OperationOutcomes",
        Met(ANSWERS, "an_address_or_verb_that_is_not_offered_says_so_as_an_outcome"),
    ),
    ("R-016", "X-Request-Id", Met("gateway/src/server.rs", "x-request-id")),
    (
        "R-017",
        "HEAD where GET works",
        Met(KIT_READING, "HEAD answers the headers alone"),
    ),
    (
        "R-018",
        "CORS for browser apps",
        Met(ANSWERS, "a_browser_app_of_any_origin_may_ask_and_never_with_cookies"),
    ),
    (
        "R-019",
        "logs hold no search parameters",
        Met("tests/tests/canary.rs", "fn "),
    ),
    (
        "R-020",
        "SUBSETTED on what is cut",
        Met(INSIDE, "elements_and_summaries_are_cuts_of_the_same_resources"),
    ),
    (
        "R-030",
        "read answers the resource of that id",
        Met(KIT_READING, "read answers the resource of that id"),
    ),
    (
        "R-031",
        "404 for an unknown id",
        Met(KIT_READING, "an unknown id is 404"),
    ),
    (
        "R-031 deleted",
        "410 for what was erased, to whom it was given",
        Met(
            "gateway/src/fhir/tests/backends.rs",
            "what_an_erased_person_gave_is_gone_to_whom_it_was_given_and_to_nobody_else",
        ),
    ),
    (
        "R-031 singly",
        "410 for one record that a resident deleted",
        NotMet("a resident has everything erased or nothing: a single record cannot be deleted yet"),
    ),
    (
        "R-032",
        "what may not be seen is as what is not there",
        Met(
            PERMISSIONS,
            "an_observation_outside_scope_or_consent_is_as_one_that_never_was",
        ),
    ),
    (
        "R-033",
        "_summary and _elements on read",
        Met(KIT_READING, "_elements works on read and marks it"),
    ),
    (
        "R-034",
        "vread",
        Met(
            RESOURCES,
            "every_version_of_a_sample_is_read_by_its_number_and_stands_in_its_history",
        ),
    ),
    (
        "R-035",
        "the history of one resource",
        Met(KIT_READING, "the history of one is a Bundle, newest first"),
    ),
    (
        "R-035 of a type",
        "the history of a type",
        Met(
            OPERATIONS,
            "the_history_of_a_type_has_every_version_once_the_latest_first",
        ),
    ),
    (
        "R-036",
        "_since of a history",
        Met(KIT_READING, "_since of a history is an instant"),
    ),
    (
        "R-037",
        "404 where no history is kept",
        Met(KIT_READING, "vread of a version that never was is 404"),
    ),
    (
        "R-038",
        "the scope letter r covers read, vread and history",
        Met(MATRIX, "every_thing_by_every_route_to_every_asker_is_given_by_rule"),
    ),
    (
        "R-040 to R-061",
        "create, update, delete, batch, transaction",
        NotApplicable(READ_ONLY),
    ),
    (
        "R-070",
        "GET and POST _search mean the same",
        Met(KIT_SEARCHING, "GET and POST _search mean the same"),
    ),
    (
        "R-071",
        "no match is an empty searchset without entry",
        Met(KIT_SEARCHING, "no match is an empty searchset without entry"),
    ),
    (
        "R-071 unfilled",
        "a type that nothing fills yet is searched and answers empty",
        Met(MATRIX_WHOLE, "of_a_type_that_nothing_fills_nothing_is_given_by_rule"),
    ),
    (
        "R-072",
        "the self link says what was used",
        Met(KIT_SEARCHING, "the self link says what was used"),
    ),
    (
        "R-073",
        "next links, opaque, sealed",
        Met(
            SEARCHES,
            "a_page_link_that_was_touched_or_given_to_another_is_refused_with_a_clear_text",
        ),
    ),
    (
        "R-074",
        "pages stay right while data and consent change",
        Met(
            "store/tests/suite/paging.rs",
            "a_walk_over_all_pages_gives_what_stayed_once_and_nothing_that_may_not_be_seen",
        ),
    ),
    (
        "R-075",
        "mode and fullUrl of entries",
        Met(KIT_SEARCHING, "entries have mode and an absolute fullUrl"),
    ),
    (
        "R-076",
        "an outcome beside matches is no error",
        Met(
            SEARCHES,
            "what_is_not_offered_is_left_out_and_told_or_refused_when_strict",
        ),
    ),
    (
        "R-077",
        "repeated is and, a comma is or",
        Met(KIT_SEARCHING, "a comma is or, repeated is and"),
    ),
    (
        "R-078",
        "unknown modifiers and bad values are 400, unknown codes find nothing",
        Met(KIT_SEARCHING, "an unknown modifier is 400"),
    ),
    (
        "R-079",
        "an empty parameter is ignored",
        Met(KIT_SEARCHING, "an empty parameter is ignored"),
    ),
    (
        "R-080",
        "403 is a search that is refused",
        Met(
            PERMISSIONS,
            "what_is_outside_the_scope_is_refused_and_what_is_outside_the_consent_is_not_there",
        ),
    ),
    ("R-081", "_count", Met(KIT_SEARCHING, "_count limits a page")),
    (
        "R-082",
        "_summary",
        Met(KIT_SEARCHING, "_summary=count is the number alone"),
    ),
    (
        "R-083",
        "_elements",
        Met(KIT_SEARCHING, "_elements cuts matches and marks them"),
    ),
    (
        "R-084",
        "_total counts what may be seen",
        Met(INSIDE, "a_count_never_tells_of_what_may_not_be_seen"),
    ),
    (
        "R-085",
        "_sort by date, -date and _lastUpdated",
        Met(SEARCHES, "pages_one_after_another_are_the_whole_search_once"),
    ),
    (
        "R-086",
        "_include and _revinclude",
        Met(
            INSIDE,
            "devices_patient_and_provenances_come_beside_the_matches_where_scopes_reach",
        ),
    ),
    (
        "R-087",
        "_id and _lastUpdated",
        Met(KIT_SEARCHING, "_id finds that one"),
    ),
    (
        "R-088",
        "tokens",
        Met("gateway/src/fhir/token.rs", "a_token_fits_its_own_coding_only"),
    ),
    (
        "R-089",
        "references in each form",
        Met(PARAMETERS, "a_patient_is_named_in_each_of_the_three_ways"),
    ),
    (
        "R-090",
        "value-quantity",
        Met(INSIDE, "value_device_status_and_component_are_looked_into_and_counted"),
    ),
    ("R-091", "string parameters", NotApplicable("none is offered")),
    (
        "R-092",
        "compartment search",
        Met(MATRIX_WHOLE, "a_search_below_a_patient_is_the_search_of_that_patient"),
    ),
    (
        "R-093",
        "chains and _has are refused",
        Met(PARAMETERS, "a_modifier_or_a_chain_is_refused_however_lenient"),
    ),
    (
        "R-094",
        "another patient finds nothing",
        Met(SEARCHES, "another_patient_and_an_unknown_code_find_nothing"),
    ),
    (
        "R-100",
        "forms of dates, the home zone",
        Met(
            "gateway/src/fhir/date.rs",
            "a_value_is_as_wide_as_its_precision_and_without_a_zone_at_home",
        ),
    ),
    (
        "R-101 to R-107",
        "prefixes on intervals",
        Met(
            "gateway/src/fhir/bounds.rs",
            "each_prefix_finds_what_its_definition_says",
        ),
    ),
    (
        "R-103",
        "the prefix ne",
        Met(OPERATIONS, "what_ne_names_is_what_eq_does_not_find"),
    ),
    (
        "R-108",
        "two dates are each tested on the whole interval",
        Met(
            "gateway/src/fhir/bounds.rs",
            "several_parameters_are_each_tested_on_the_whole_interval",
        ),
    ),
    (
        "R-109",
        "a plus that arrives as a space",
        Met(
            "gateway/src/fhir/date.rs",
            "a_plus_that_arrived_as_a_space_is_read_as_a_plus",
        ),
    ),
    (
        "R-110",
        "local days against zoned queries",
        Met(SEARCHES, "a_date_is_read_in_the_home_zone_unless_it_says_its_own"),
    ),
    (
        "R-120 to R-124",
        "documents and binaries; in bulk export once there is one",
        Met(
            CHECKUP_REPORTS,
            "documents_go_to_who_was_given_documents_and_never_with_the_insurance",
        ),
    ),
    (
        "R-125",
        "$lastn of each code, with ties at the cut",
        Met(
            OPERATIONS,
            "the_latest_come_with_all_that_are_as_late_as_the_last_of_them",
        ),
    ),
    (
        "R-126",
        "$stats, with what was counted",
        Met(OPERATIONS, "statistics_bring_what_they_are_of_and_of_days_only_days"),
    ),
    (
        "R-127",
        "codes of statistics",
        Met(
            "gateway/src/fhir/stats.rs",
            "numbers_of_different_decimals_are_added_exactly",
        ),
    ),
    (
        "R-128",
        "under days, statistics are of days",
        Met(MATRIX_WHOLE, "statistics_are_given_by_rule"),
    ),
    ("R-129", "$everything", Met(MATRIX_WHOLE, "everything_is_given_by_rule")),
    (
        "R-130",
        "operations by address, form and Parameters",
        Met(OPERATIONS, "an_operation_is_posted_as_a_resource_and_says_the_same"),
    ),
    (
        "R-130 unknown",
        "an unknown operation is refused",
        Met(KIT_SEARCHING, "an unknown operation is refused"),
    ),
    ("R-131", "$docref", NotApplicable(NO_DOCREF)),
    (
        "R-140",
        "what a CapabilityStatement must say",
        Met(KIT_READING, "the statement says what a server must say"),
    ),
    ("R-141", "instantiates", NotApplicable("no guide's server is claimed")),
    (
        "R-142",
        "SMART in the statement",
        Met("fhir-profiles/src/capability/mod.rs", "SMART_ON_FHIR"),
    ),
    (
        "R-143",
        "resources, parameters, operations in the statement",
        Met(
            ANSWERS,
            "the_capability_statement_needs_no_token_and_promises_only_what_answers",
        ),
    ),
    (
        "R-144",
        "bulk export in the statement",
        NotApplicable("it is not offered yet"),
    ),
    (
        "R-145",
        "subscriptions in the statement",
        NotApplicable("they are not offered yet"),
    ),
    (
        "R-146",
        "an ETag of the statement",
        Met(
            ANSWERS,
            "the_capability_statement_needs_no_token_and_promises_only_what_answers",
        ),
    ),
    (
        "R-147",
        "the statement is made of the table that parses",
        Met(
            PARAMETERS,
            "the_capability_statement_offers_exactly_the_parameters_that_parse",
        ),
    ),
    (
        "V-001",
        "whoever has a vital sign keeps to HL7's profile of it",
        Met(PROFILES, "whoever_claims_a_profile_keeps_to_it"),
    ),
    (
        "V-002",
        "a vital sign's category, code, subject, time, and value or reason",
        Met(ELSEWHERE, "fn vital_sign"),
    ),
    (
        "V-003",
        "its LOINC code is always there",
        Met(ELSEWHERE, "concept(\"Observation.code\", systems::LOINC, loinc)"),
    ),
    (
        "V-004",
        "its quantity is in one of the listed UCUM units",
        Met(ELSEWHERE, "fn unit_sets"),
    ),
    (
        "V-005",
        "a component has a value or a reason",
        Met(INVARIANTS, "each_invariant_tells_what_keeps_to_it_from_what_does_not"),
    ),
    (
        "V-006",
        "vs-1 as it was meant, not as it was printed",
        Met(INVARIANTS, "vs-1 as it was meant"),
    ),
    (
        "V-007",
        "further categories beside HL7's, never instead",
        Met(PROFILES, "/category/2/coding/0/code"),
    ),
    (
        "V-020, V-021, V-023, V-024",
        "Physical Activity profiles",
        NotApplicable(NO_PA),
    ),
    (
        "V-022",
        "a day's measure is of the day as a date",
        Met(PROFILES, "sek-day: The time is a civil day, without a clock"),
    ),
    (
        "V-030 to V-033",
        "Personal Health Device profiles",
        NotApplicable(NO_PHD),
    ),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the repository")
        .to_owned()
}

fn page() -> String {
    let mut page = String::from(
        "# Reading, requirement by requirement\n\n\
         Made by [requirements.rs](../tests/tests/requirements.rs), which looks that each test it names is there. The numbers are this\n\
         project's; the words are short for FHIR R4 4.0.1 (http, search, operations; from V-001 on its vital signs and two guides) and SMART App Launch 2.2. The kit runs against any\n\
         server: `conformance fhir --base URL --token-env NAME --patient ID`.\n\n\
         | number | requirement | verdict |\n|---|---|---|\n",
    );
    for (number, words, verdict) in REQUIREMENTS {
        let verdict = match verdict {
            Met(file, by) => {
                let by = if *by == "fn " { "the file" } else { by };
                format!("met: [{by}](../{file})")
            }
            NotApplicable(why) => format!("not applicable: {why}"),
            NotMet(why) => format!("**not met**: {why}"),
        };
        writeln!(page, "| {number} | {words} | {verdict} |").expect("a text");
    }
    let count = |is: fn(&Verdict) -> bool| REQUIREMENTS.iter().filter(|(_, _, verdict)| is(verdict)).count();
    writeln!(
        page,
        "\n{} met, {} not applicable, {} not met.",
        count(|verdict| matches!(verdict, Met(..))),
        count(|verdict| matches!(verdict, NotApplicable(_))),
        count(|verdict| matches!(verdict, NotMet(_)))
    )
    .expect("a text");
    page
}

#[test]
fn every_test_that_is_named_is_there() {
    let mut numbers = BTreeSet::new();
    for (number, _, verdict) in REQUIREMENTS {
        assert!(numbers.insert(number), "{number} stands twice");
        if let Met(file, by) = verdict {
            let text = std::fs::read_to_string(root().join(file)).unwrap_or_else(|_| panic!("{number}: no {file}"));
            assert!(text.contains(by), "{number}: {file} has no {by}");
        }
    }
}

#[test]
fn the_page_is_what_the_table_says() {
    let file = root().join("docs/conformance.md");
    if std::env::var_os("INSTA_UPDATE").is_some_and(|value| value == "always") {
        std::fs::write(&file, page()).expect("the page");
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(
        kept,
        page(),
        "write it anew: INSTA_UPDATE=always cargo test -p tests --test requirements"
    );
}
